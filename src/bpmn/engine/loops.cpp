// Multi-instance activities. The body is an element instance that holds one child for each item of its input collection; it
// has the boundary events, the children have the mappings.
#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "bpmn/engine/instance_scope.h"
#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;

void Processor::activate_loop(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  const feel::Evaluation items = compute(definition.loop->input_collection, InstanceScope(instance, key));
  if (items.failed() || !items.value.list()) {
    return raise(instance_key, key, 0,
                 {error_type::kExtractValue, "Expected the input collection '" + cut_utf8(definition.loop->input_collection.source(), 200) +
                                                 "' to be ARRAY, but it is " + std::string(items.value.type_name())});
  }
  if (const std::string problem = check_variable(items.value); !problem.empty())
    return raise(instance_key, key, 0,
                 {error_type::kExtractValue, "Expected the input collection of a multi-instance activity, but it is " + problem});
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, definition.boundary_events, waits, element.key)) return;
  writer_.append(LoopStarted{instance_key, key, {{"items", as_variable(items.value)}}});
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  if (items.value.list()->empty())
    push(Step::Kind::kComplete, instance_key, key);
  else
    push(Step::Kind::kIterate, instance_key, key);
}

// A few at a time, so that a long list holds up nobody else.
void Processor::iterate(Key instance_key, Key body) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(body);
  if (element.state != Lifecycle::kActivated || element.interrupted) return;
  const std::size_t left = element.loop->items.size() - static_cast<std::size_t>(element.loop->started);
  if (left == 0) return;
  const Element& definition = instance.element_of(element);
  if (definition.loop->sequential) return activate(instance_key, body, element.element, 0, std::nullopt);
  const std::size_t now = std::min<std::size_t>(left, kIterationsPerStep);
  for (std::size_t begun = 0; begun < now; ++begun) push_activate(instance_key, body, definition, 0, std::nullopt);
  if (left > now) push(Step::Kind::kIterate, instance_key, body);
}

// What an instance begins with. A plain variable that gives the output belongs to it, so that instances do not overwrite each other's.
Context Processor::loop_variables(const Instance& instance, const ElementInstance& element) const {
  const model::LoopDefinition& loop = *instance.element_of(element).loop;
  const feel::List& items = instance.find(element.scope)->loop->items;
  Context variables = {{"loopCounter", feel::Value(std::int64_t{element.loop_counter})}};
  if (!loop.output_variable.empty()) variables.insert_or_assign(loop.output_variable, feel::Value());
  if (!loop.input_element.empty())
    variables.insert_or_assign(loop.input_element, items.at(static_cast<std::size_t>(element.loop_counter - 1)));
  return variables;
}

// Collects what the instance gives; true: the completion condition holds.
Processor::Evaluated<bool> Processor::end_iteration(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const Key body_key = element.scope;
  const std::int32_t counter = element.loop_counter;
  const model::LoopDefinition& loop = *instance.element_of(element).loop;
  if (!loop.output_element.empty()) {
    auto output = evaluate(loop.output_element, instance, element_instance);
    if (!output) return std::unexpected(std::move(output).error());
    // As it will stand in the collection.
    if (const std::string problem = check_variable(feel::Value(feel::List{*output})); !problem.empty())
      return std::unexpected(
          Problem{error_type::kExtractValue, "Expected the output element of a multi-instance activity, but it is " + problem});
    if (const std::string problem = check_room(instance, size_of(*output)); !problem.empty())
      return std::unexpected(Problem{error_type::kExtractValue, "Expected the instance to hold the output collection, but " + problem});
    writer_.append(LoopOutputCollected{instance_key, body_key, counter, {{"value", as_variable(*output)}}});
  }
  if (loop.completion_condition.empty()) return false;
  const ElementInstance& body = *state_.instance(instance_key)->find(body_key);
  const auto number = [](std::int64_t value) { return feel::Value(value); };
  const std::int64_t completed = std::int64_t{body.loop->completed} + 1;
  const std::int64_t active = std::int64_t{body.children} - 1;
  // Of a sequence those that have begun, as with Zeebe; in parallel all have.
  const std::int64_t begun = loop.sequential ? std::int64_t{body.loop->started} : static_cast<std::int64_t>(body.loop->items.size());
  const Context counts = {{"numberOfInstances", number(begun)},
                          {"numberOfActiveInstances", number(active)},
                          {"numberOfCompletedInstances", number(completed)},
                          {"numberOfTerminatedInstances", number(body.loop->started - completed - active)}};
  const feel::Evaluation verdict =
      compute(loop.completion_condition, InstanceScope(*state_.instance(instance_key), element_instance, &counts));
  if (const bool* yes = verdict.value.boolean(); yes && !verdict.failed()) return *yes;
  return std::unexpected(Problem{error_type::kExtractValue, "Expected the completion condition '" +
                                                                cut_utf8(loop.completion_condition.source(), 200) +
                                                                "' to be BOOLEAN, but it is " + std::string(verdict.value.type_name())});
}

void Processor::go_on_with_loop(Key instance_key, Key body, bool is_done) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(body);
  if (element.interrupted) return check_scope(instance_key, body);
  if (is_done) return interrupt_scope(instance_key, body, std::nullopt, {});
  const bool all_begun = std::cmp_greater_equal(element.loop->started, element.loop->items.size());
  if (all_begun) return check_scope(instance_key, body);
  if (instance.element_of(element).loop->sequential) push(Step::Kind::kIterate, instance_key, body);
}

// The output collection goes to the scope around the body. False: an incident was raised.
bool Processor::give_outputs(Key instance_key, Key body) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(body);
  const std::string& name = instance.element_of(element).loop->output_collection;
  if (name.empty()) return true;
  const feel::Value outputs(element.loop->outputs);
  if (const std::string problem = check_variable(outputs); !problem.empty()) {
    raise(instance_key, body, 0, {error_type::kIoMapping, "Expected the output collection '" + name + "', but it is " + problem});
    return false;
  }
  merge(instance_key, element.scope, {{name, outputs}});
  return true;
}

}  // namespace consilium::bpmn::engine
