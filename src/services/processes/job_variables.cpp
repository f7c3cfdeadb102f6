#include "services/processes/job_variables.h"

#include <algorithm>
#include <boost/json.hpp>

namespace consilium::processes {
namespace {

// How soon a job is offered again when what it needs is not there yet.
constexpr Duration kNotReadyDelay = seconds(1);

Failure bad_variable(std::string_view name) {
  return fail(ErrorKind::kInternal, "process.bad-variable", "Expected a fitting variable " + std::string(name));
}

bool may_mend(ErrorKind kind) {
  return kind == ErrorKind::kUnavailable || kind == ErrorKind::kDeadlineExceeded || kind == ErrorKind::kInternal ||
         kind == ErrorKind::kRateLimited || kind == ErrorKind::kStale;
}

}  // namespace

Result<JobVariables> JobVariables::read(const process::Job& job) {
  boost::system::error_code failure;
  const boost::json::value value = boost::json::parse(job.variables, failure);
  if (failure || !value.is_object()) return fail(ErrorKind::kInternal, "process.bad-variable", "Expected variables as an object");
  JobVariables out;
  for (const auto& [name, member] : value.get_object()) {
    Variable variable;
    variable.name = name;
    if (member.is_string()) variable.text = std::string(member.get_string());
    if (member.is_int64()) variable.integer = member.get_int64();
    out.variables_.push_back(std::move(variable));
  }
  return out;
}

const JobVariables::Variable* JobVariables::find(std::string_view name) const {
  const auto found = std::find_if(variables_.begin(), variables_.end(), [&](const Variable& variable) { return variable.name == name; });
  return found == variables_.end() ? nullptr : &*found;
}

Result<std::string> JobVariables::text(std::string_view name) const {
  auto value = optional_text(name);
  if (!value) return bad_variable(name);
  return std::move(*value);
}

Result<Uuid> JobVariables::id(std::string_view name) const {
  const auto value = optional_id(name);
  if (!value) return bad_variable(name);
  return *value;
}

std::optional<std::string> JobVariables::optional_text(std::string_view name) const {
  const Variable* variable = find(name);
  return variable ? variable->text : std::nullopt;
}

std::optional<Uuid> JobVariables::optional_id(std::string_view name) const {
  const auto value = optional_text(name);
  return value ? Uuid::parse(*value) : std::nullopt;
}

std::optional<std::int64_t> JobVariables::optional_integer(std::string_view name) const {
  const Variable* variable = find(name);
  return variable ? variable->integer : std::nullopt;
}

std::int64_t JobVariables::integer_or(std::string_view name, std::int64_t otherwise) const {
  return optional_integer(name).value_or(otherwise);
}

JsonObject& JsonObject::add(std::string_view name, std::string_view value) {
  writer_.name(name);
  writer_.text(value);
  return *this;
}

JsonObject& JsonObject::add_number(std::string_view name, std::int64_t value) {
  writer_.name(name);
  writer_.integer(value);
  return *this;
}

JsonObject& JsonObject::add_list(std::string_view name, std::span<const std::string> texts) {
  writer_.name(name);
  writer_.begin_list();
  for (const std::string& text : texts) writer_.text(text);
  writer_.end_list();
  return *this;
}

JsonObject& JsonObject::add_flag(std::string_view name, bool value) {
  writer_.name(name);
  writer_.boolean(value);
  return *this;
}

std::string JsonObject::text() const {
  JsonWriter whole = writer_;
  whole.end_object();
  return whole.take();
}

process::JobOutcome completed(const JsonObject& variables) {
  process::JobOutcome outcome;
  outcome.variables = variables.text();
  return outcome;
}

process::JobOutcome failed(const Error& error) {
  process::JobOutcome outcome;
  outcome.kind = error.kind == ErrorKind::kUnavailable ? process::JobOutcome::Kind::kNotReady : process::JobOutcome::Kind::kFail;
  outcome.error_code = error.code;
  outcome.message = error.detail;
  if (error.kind == ErrorKind::kUnavailable) outcome.retry_in = error.retry_after.value_or(kNotReadyDelay);
  return outcome;
}

process::JobOutcome thrown_or_failed(const Error& error, std::string_view bpmn_error, const JsonObject& made) {
  if (may_mend(error.kind)) return failed(error);
  process::JobOutcome outcome;
  outcome.kind = process::JobOutcome::Kind::kThrow;
  outcome.error_code = bpmn_error;
  outcome.message = error.code;
  outcome.variables = made.text();
  return outcome;
}

}  // namespace consilium::processes
