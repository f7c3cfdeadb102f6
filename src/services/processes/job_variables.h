// Reading a job's variables and writing its outcome.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::processes {

// The id of the request that an instance was last moved on by: log lines of its jobs carry it.
inline constexpr std::string_view kRequestId = "requestId";

// The variables of a job, read once. A variable that is missing or of another kind is an error `process.bad-variable` that
// names it: the model and the worker do not fit.
class JobVariables {
 public:
  static Result<JobVariables> read(const process::Job& job);

  Result<std::string> text(std::string_view name) const;
  Result<Uuid> id(std::string_view name) const;
  // Absent or null: nullopt.
  std::optional<std::string> optional_text(std::string_view name) const;
  std::optional<Uuid> optional_id(std::string_view name) const;
  std::optional<std::int64_t> optional_integer(std::string_view name) const;
  std::int64_t integer_or(std::string_view name, std::int64_t otherwise) const;

 private:
  struct Variable {
    std::string name;
    std::optional<std::string> text;
    std::optional<std::int64_t> integer;
  };
  const Variable* find(std::string_view name) const;

  std::vector<Variable> variables_;
};

// `{"name": …}` of texts, numbers and flags.
class JsonObject {
 public:
  JsonObject() { writer_.begin_object(); }
  JsonObject& add(std::string_view name, std::string_view value);
  JsonObject& add(std::string_view name, const Uuid& value) { return add(name, std::string_view(value.text())); }
  JsonObject& add_number(std::string_view name, std::int64_t value);
  JsonObject& add_list(std::string_view name, std::span<const std::string> texts);
  JsonObject& add_flag(std::string_view name, bool value);
  std::string text() const;

 private:
  JsonWriter writer_;
};

process::JobOutcome completed(const JsonObject& variables = {});
// Broken for now: tried again, then an incident. A dependency that is not there uses no attempt.
process::JobOutcome failed(const Error& error);
// A business "no" becomes the BPMN error, with what was made so far; everything that may mend is tried again.
process::JobOutcome thrown_or_failed(const Error& error, std::string_view bpmn_error, const JsonObject& made = {});

}  // namespace consilium::processes
