// The variables of a job, as a model made them. What is read and written again reads the same.
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "services/processes/job_variables.h"

namespace consilium::processes {
namespace {

constexpr std::string_view kNames[] = {"clientId", "channelId", "taskNum", "text", "count", ""};

void fuzz_variables(std::string_view json) {
  process::Job job;
  job.variables = json;
  const auto variables = JobVariables::read(job);
  if (!variables) {
    require(variables.error().code == "process.bad-variable" && failed(variables.error()).kind == process::JobOutcome::Kind::kFail);
    return;
  }
  JsonObject object;
  for (const std::string_view name : kNames) {
    const auto text = variables->optional_text(name);
    require(variables->text(name).has_value() == text.has_value());
    require(variables->id(name).has_value() == variables->optional_id(name).has_value());
    require(!variables->optional_id(name) || text);
    const auto number = variables->optional_integer(name);
    require(variables->integer_or(name, 7) == number.value_or(7) && !(text && number));
    if (text) object.add(name, std::string_view(*text));
    if (number) object.add_number(name, *number);
  }
  object.add_flag("flag", true);
  const std::string texts[] = {"a", "b"};
  object.add_list("list", texts);
  job.variables = completed(object).variables;
  const auto again = JobVariables::read(job);
  require(again.has_value());
  for (const std::string_view name : kNames) {
    require(again->optional_text(name) == variables->optional_text(name) &&
            again->optional_integer(name) == variables->optional_integer(name));
  }
}

void fuzz_outcome(std::string_view text) {
  const Error error = make_error(text.size() % 2 == 0 ? ErrorKind::kConflict : ErrorKind::kUnavailable, text.substr(0, 80), text);
  const auto thrown = thrown_or_failed(error, "NO");
  require((thrown.kind == process::JobOutcome::Kind::kThrow) == (error.kind == ErrorKind::kConflict));
}

}  // namespace
}  // namespace consilium::processes

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = consilium::fuzz_input(data, size);
  consilium::processes::fuzz_variables(input);
  consilium::processes::fuzz_outcome(input);
  return 0;
}
