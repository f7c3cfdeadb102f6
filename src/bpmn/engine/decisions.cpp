// Decisions: asked for by a business-rule task, or by themselves.
#include "base/utf8.h"
#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

namespace {

// All variables are known to the decision, as Zeebe has it, whether or not its inputs are declared.
Evaluation evaluated(const Requirements& requirements, Key decision, const Context& variables, const feel::Environment& environment) {
  Evaluation evaluation;
  evaluation.requirements = describe(requirements);
  for (const DeployedDecision& each : evaluation.requirements.decisions) {
    if (each.key == decision) evaluation.decision = each;
  }
  evaluation.result = dmn::decide(requirements.model, evaluation.decision.id, variables, environment, dmn::Names::kAll);
  return evaluation;
}

std::string why_failed(const std::string& decision, const dmn::Failure& failure) {
  const std::string of = failure.decision_id.empty() || failure.decision_id == decision
                             ? ""
                             : "failed to evaluate the required decision '" + failure.decision_id + "': ";
  return "Expected to evaluate decision '" + decision + "', but " + of + failure.message;
}

}  // namespace

void Processor::activate_decision(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  const model::Element& definition = instance.element_of(element);
  const auto id = evaluate_text(definition.decision->decision_id, "decision id", instance, key);
  if (!id) return raise(instance_key, key, 0, id.error());
  const Key decision = find_version(instance, Deployable::kDecision, *id, definition.decision->binding);
  const Requirements* requirements = state_.requirements_of_decision(decision);
  if (!requirements)
    return raise(instance_key, key, 0,
                 {error_type::kCalledDecision, "Expected to evaluate decision '" + *id + "', but no decision found for id '" + *id + "'" +
                                                   among(definition.decision->binding)});
  Evaluation evaluation = evaluated(*requirements, decision, visible_variables(instance, key), {now_, options_.random});
  if (evaluation.result.failure)
    return raise(instance_key, key, 0, {error_type::kDecisionEvaluation, why_failed(*id, *evaluation.result.failure)});
  if (const std::string problem = check_variable(evaluation.result.output); !problem.empty())
    return raise(instance_key, key, 0,
                 {error_type::kDecisionEvaluation, "Expected to evaluate decision '" + *id + "', but its output is " + problem});
  activated(instance_key, key);
  const std::string& name = definition.decision->result_variable;
  writer_.append(EventTriggered{instance_key, key, definition.id, {{name, as_variable(evaluation.result.output)}}});
  push(Step::Kind::kComplete, instance_key, key);
}

void Processor::operator()(const EvaluateDecision& command) {
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to evaluate a decision with variables, but " + problem);
  const bool by_id = !command.id.empty();
  const Key decision = by_id ? state_.newest_decision(command.id) : command.decision;
  const Requirements* requirements = state_.requirements_of_decision(decision);
  if (!requirements) {
    const std::string asked = "'" + (by_id ? cut_utf8(command.id, 100) : std::to_string(command.decision)) + "'";
    return reject(Rejection::Code::kInvalidArgument,
                  "Expected to evaluate decision " + asked + ", but no decision found for " + (by_id ? "id " : "key ") + asked);
  }
  Evaluation evaluation = evaluated(*requirements, decision, command.variables, {now_, options_.random});
  if (evaluation.result.failure) evaluation.result.failure->message = why_failed(evaluation.decision.id, *evaluation.result.failure);
  outcome_.key = writer_.next_key();
  writer_.append(DecisionEvaluated{outcome_.key, decision});
  outcome_.evaluation = std::move(evaluation);
}

}  // namespace consilium::bpmn::engine
