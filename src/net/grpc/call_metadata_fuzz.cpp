// What crosses with a call between processes: `e` an error of the callee (status, line feed, our description), else the
// caller's metadata, a line a field as `name: value`; a line may be the last field's value and go on to the end.
#include <charconv>
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "net/grpc/call_metadata.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::net {
namespace {

void fuzz_error(std::string_view input) {
  const auto [status_text, description] = split_line(input);
  int status = 0;
  std::from_chars(status_text.data(), status_text.data() + status_text.size(), status);
  const Error error = decode_error(description, status, "message");
  require(!error.code.empty());
  const Error again = decode_error(encode_error(error), status, "another");
  require(again.code == error.code && again.kind == error.kind && again.detail == error.detail && again.retry_after == error.retry_after);
  require(again.fields.size() == std::min(error.fields.size(), kErrorFieldsLimit));
  require(std::equal(again.fields.begin(), again.fields.end(), error.fields.begin()));
}

Metadata metadata_in(std::string_view input) {
  Metadata metadata;
  while (!input.empty()) {
    const bool is_context = input.starts_with(kContextKey);
    const auto [line, rest] = is_context ? std::pair{input, std::string_view()} : split_line(input);
    input = rest;
    const auto colon = line.find(": ");
    if (colon != std::string_view::npos) metadata.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return metadata;
}

void fuzz_metadata(std::string_view input) {
  static runtime::SimulatedWorld world(1);
  static runtime::SimulatedScheduler& loop = world.add_loop(runtime::NodeId{}, "fuzz");
  static SeededRandom random(1);
  runtime::Context context(loop, random);
  const auto applied = apply_metadata(metadata_in(input), context);
  if (!applied) {
    require(applied.error().kind == ErrorKind::kMalformed);
    return;
  }
  require(!context.caller.is_user() || !context.caller.user_id.is_nil());
  require(!name_of(context.client).empty());
  static_cast<void>(context.caller.name());
  const Metadata written = metadata_of(context, "tasks");
  runtime::Context second(loop, random);
  require(apply_metadata(written, second).has_value());
  require(metadata_of(second, "tasks") == written);
  require(second.caller.kind == context.caller.kind && second.caller.user_id == context.caller.user_id &&
          second.caller.permissions == context.caller.permissions && second.expected_version == context.expected_version);
}

}  // namespace
}  // namespace consilium::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const std::string_view input = fuzz_input(data, size);
  if (input.starts_with('e')) {
    net::fuzz_error(input.substr(1));
  } else {
    net::fuzz_metadata(input);
  }
  return 0;
}
