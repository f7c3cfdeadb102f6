// Fuzzes the parsers of bytes from outside. The first byte chooses the parser. Aborts when a property is broken: what was
// printed reads back the same, pieces give the same as the whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "net/cookie.h"
#include "net/endpoint.h"
#include "net/entity_tag.h"
#include "net/ip_address.h"
#include "net/language.h"
#include "net/message_reader.h"
#include "net/percent_encoding.h"
#include "net/web_socket_frame.h"

namespace consilium::net {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Fed in pieces of `step` bytes.
struct RequestOutcome {
  ReadStage stage;
  std::string text;
};
RequestOutcome read_request(std::string_view input, std::size_t step) {
  RequestReader reader;
  std::string pending;
  while (!input.empty() && reader.stage() != ReadStage::kComplete && reader.stage() != ReadStage::kFailed) {
    const std::string_view piece = input.substr(0, step);
    pending += piece;
    input.remove_prefix(piece.size());
    for (std::size_t used = 1; used > 0 || reader.stage() == ReadStage::kHeadDone;) {
      if (reader.stage() == ReadStage::kHeadDone) reader.set_body_limit(1000);
      used = reader.consume(pending);
      require(used <= pending.size());
      pending.erase(0, used);
      if (reader.stage() == ReadStage::kComplete || reader.stage() == ReadStage::kFailed) break;
    }
  }
  const HttpRequest& request = reader.request();
  if (reader.stage() == ReadStage::kComplete) require(request.body.size() <= 1000 && request.target.size() <= kHeadLimit);
  if (reader.stage() == ReadStage::kFailed) require(reader.refusal().status >= 400);
  return {reader.stage(),
          reader.stage() == ReadStage::kComplete ? request.method + " " + request.target + " " + request.body : std::string()};
}

void feed_request(std::string_view input) {
  const RequestOutcome whole = read_request(input, input.size() + 1);
  const RequestOutcome pieces = read_request(input, 3);
  require(whole.stage == pieces.stage && whole.text == pieces.text);
}

void feed_response(std::string_view input) {
  ResponseReader reader(ResponseBody::kAsDeclared, 1000);
  std::string pending;
  for (; !input.empty() && reader.stage() != ReadStage::kComplete; input.remove_prefix(std::min<std::size_t>(7, input.size()))) {
    pending += input.substr(0, 7);
    pending.erase(0, reader.consume(pending));
  }
  reader.end_of_stream();
  require(reader.stage() == ReadStage::kComplete || reader.stage() == ReadStage::kFailed);
}

std::string read_frames(std::string_view input, std::size_t step) {
  WebSocketDecoder decoder(WebSocketRole::kServer, 1000);
  std::string text;
  while (!input.empty() && !decoder.failure()) {
    std::string_view piece = input.substr(0, step);
    input.remove_prefix(piece.size());
    while (auto event = decoder.next(piece)) {
      require(event->payload.size() <= 1000 && (event->kind != WebSocketEvent::Kind::kText || is_valid_utf8(event->payload)));
      text += std::to_string(static_cast<int>(event->kind)) + ":" + event->payload + ";";
    }
    require(piece.empty() || decoder.failure());
  }
  return text + std::to_string(decoder.failure().value_or(0));
}

void feed_values(std::string_view input) {
  if (const auto decoded = percent_decode(input)) require(percent_decode(percent_encode(*decoded)) == decoded);
  if (const auto members = parse_query(input)) require(members->size() <= kQueryMemberLimit);
  find_cookie(input, "session");
  constexpr std::string_view kOffered[] = {"en", "de"};
  const std::string_view language = choose_language(input, kOffered);
  require(language == "en" || language == "de");
  if (const auto version = parse_if_match(input); version && *version) require(*parse_if_match(format_entity_tag(**version)) == *version);
  if (const auto address = IpAddress::parse(input)) require(IpAddress::parse(address->text()) == address);
  if (const auto range = AddressRange::parse(input)) require(range->contains(range->first));
  if (const auto endpoint = Endpoint::parse(input)) require(Endpoint::parse(endpoint->text()).has_value());
  if (const auto url = Url::parse(input)) require(url->target.starts_with('/'));
  const auto range = *AddressRange::parse("10.0.0.0/8");
  require(!client_address("10.0.0.1", {{"X-Forwarded-For", std::string(input)}}, {&range, 1}).empty());
}

void feed_parsers(std::string_view input) {
  if (input.empty()) return;
  const std::string_view rest = input.substr(1);
  switch (input.front()) {
    case 'q': return feed_request(rest);
    case 'p': return feed_response(rest);
    case 'w': return require(read_frames(rest, rest.size() + 1) == read_frames(rest, 1));
    default: return feed_values(rest);
  }
}

}  // namespace
}  // namespace consilium::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::net::feed_parsers({reinterpret_cast<const char*>(data), size});
  return 0;
}
