// Decision tables: which rules match, and what the hit policy makes of them.
#pragma once

#include <functional>
#include <string>

#include "bpmn/dmn/engine.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::dmn {

struct TableResult {
  feel::Value value;
  std::string failure;  // empty: none
  std::vector<EvaluatedInput> inputs;
  std::vector<MatchedRule> rules;
};

TableResult evaluate_table(feel::Machine& machine, const DecisionTable& table, const feel::Scope& scope);

}  // namespace consilium::bpmn::dmn
