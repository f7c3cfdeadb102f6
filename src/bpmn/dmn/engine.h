// Evaluates decisions. Each decision that is required is evaluated once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/dmn/model.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::dmn {

inline constexpr std::int64_t kMaxDecisionSteps = 500'000;  // of one evaluation with all that it requires

struct EvaluatedInput {
  std::string id;
  std::string name;
  feel::Value value;
};

struct EvaluatedOutput {
  std::string id;
  std::string name;
  feel::Value value;
};

struct MatchedRule {
  std::string id;
  int index = 0;  // from 1
  std::vector<EvaluatedOutput> outputs;
};

struct EvaluatedDecision {
  std::string id;
  std::string name;
  std::string_view type;  // `DECISION_TABLE`, `LITERAL_EXPRESSION` …
  feel::Value output;
  std::vector<EvaluatedInput> inputs;  // of a decision table
  std::vector<MatchedRule> rules;      // of a decision table
};

// Why an evaluation counts as failed: not that something is null, but that the model does not say what to do.
struct Failure {
  std::string decision_id;
  std::string message;
};

struct Decided {
  feel::Value output;
  std::vector<EvaluatedDecision> evaluated;  // what is required before what requires it
  std::optional<Failure> failure;            // the first one; the output is null
  std::vector<std::string> problems;         // why parts are null; at most kMaxProblems
};

// What the expressions of a decision see: what it requires, as the standard has it; or, as with Zeebe, all variables that were given,
// and each required decision by its variable or else by its id.
enum class Names : std::uint8_t { kRequired, kAll };

// A decision, by id or else by name.
Decided decide(const ModelPointer& model, std::string_view decision, const feel::Context& variables,
               const feel::Environment& environment = {}, Names names = Names::kRequired);
// A decision service or business knowledge model, by id or else by name, with its parameters by name.
Decided invoke(const ModelPointer& model, std::string_view invocable, const feel::Context& parameters,
               const feel::Environment& environment = {});

}  // namespace consilium::bpmn::dmn
