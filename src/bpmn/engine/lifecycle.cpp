// The life of element instances, step by step.
#include <algorithm>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;
using model::ElementKind;

void Processor::run_steps() {
  for (int done = 0; !steps_.empty(); ++done) {
    if (done == kMaxStepsPerCommand) {
      yield_rest();
      return;
    }
    const Step step = std::move(steps_.front());
    steps_.pop_front();
    run_step(step);
  }
}

// What was to be done to an instance or element that has ended meanwhile is void.
void Processor::run_step(const Step& step) {
  const Instance* instance = state_.instance(step.instance);
  const ElementInstance* element = instance ? instance->find(step.element_instance) : nullptr;
  if (!element) return;
  const ElementInstance* scope = instance->find(element->scope);
  if (scope && scope->state == Lifecycle::kTerminating && step.kind != Step::Kind::kTerminate) return;  // its own end is on the way
  switch (step.kind) {
    case Step::Kind::kActivate:
      if (element->state != Lifecycle::kActivated) return;
      activate(step.instance, step.element_instance, instance->process->by_id.at(step.element), step.consumed, step.result);
      return;
    case Step::Kind::kReactivate:
      if (element->state == Lifecycle::kActivating) go_on_activating(step.instance, step.element_instance);
      return;
    case Step::Kind::kComplete:
      if (element->triggered && instance->element_of(*element).is_activity()) return;  // a boundary event came first
      if (element->state == Lifecycle::kActivated || element->state == Lifecycle::kCompleting)
        complete(step.instance, step.element_instance);
      return;
    case Step::Kind::kTerminate: terminate(step.instance, step.element_instance); return;
  }
}

void Processor::yield_rest() {
  std::map<Key, std::vector<Step>> rest;
  for (Step& step : steps_) rest[step.instance].push_back(std::move(step));
  steps_.clear();
  for (auto& [key, steps] : rest) {
    const Instance* instance = state_.instance(key);
    if (!instance) continue;
    const std::int32_t consecutive = continuing_ ? instance->yields + 1 : 1;
    writer_.append(InstanceYielded{key, consecutive, std::move(steps)});
    if (consecutive <= kMaxConsecutiveYields) {
      outcome_.to_continue.push_back(key);
      continue;
    }
    raise(key, key, 0,
          {error_type::kUnknown, "Expected the process to reach a wait state within " +
                                     std::to_string(kMaxStepsPerCommand * kMaxConsecutiveYields) +
                                     " steps, but it goes on: a loop without a wait"});
  }
}

void Processor::push_complete(Key instance, Key element_instance) {
  Step step;
  step.kind = Step::Kind::kComplete;
  step.instance = instance;
  step.element_instance = element_instance;
  steps_.push_back(std::move(step));
}

void Processor::activated(Key instance, Key element_instance) { writer_.append(ElementActivated{instance, element_instance}); }

// ---- activating

void Processor::activate(Key instance_key, Key scope, ElementIndex element, std::int32_t consumed, const std::optional<Context>& result) {
  const Key key = writer_.next_key();
  const Element& definition = state_.instance(instance_key)->process->elements[element];
  writer_.append(ElementActivating{instance_key, key, scope, definition.id, consumed});
  if (result) writer_.append(EventTriggered{instance_key, key, definition.id, *result});
  if (definition.kind == ElementKind::kParallelGateway && may_join(*state_.instance(instance_key)->find(scope), definition))
    push_activate(instance_key, scope, definition, consumed, std::nullopt);  // the next set of tokens
  go_on_activating(instance_key, key);
}

// Also where an incident of an activating element takes up again: until it is activated, nothing but variables was written.
void Processor::go_on_activating(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const Element& definition = instance.element_of(element);
  if (!definition.inputs.empty()) {
    auto mapped = evaluate_mappings(definition.inputs, instance, element.scope, false);
    if (!mapped) return raise(instance_key, element_instance, 0, mapped.error());
    writer_.append(VariablesSet{instance_key, element_instance, std::move(*mapped)});
  }
  switch (definition.kind) {
    case ElementKind::kServiceTask: return activate_service_task(instance, element);
    case ElementKind::kSubProcess: return activate_sub_process(instance, element);
    case ElementKind::kExclusiveGateway: return activate_exclusive_gateway(instance, element);
    case ElementKind::kEventBasedGateway: return activate_event_gateway(instance, element);
    case ElementKind::kIntermediateCatchEvent: return activate_catch_event(instance, element);
    case ElementKind::kEndEvent: return activate_end_event(instance, element);
    case ElementKind::kProcess:
    case ElementKind::kStartEvent:
    case ElementKind::kBoundaryEvent:
    case ElementKind::kParallelGateway: activated(instance_key, element_instance); return push_complete(instance_key, element_instance);
  }
}

// False: an incident was raised.
bool Processor::prepare_waits(const Instance& instance, const ElementInstance& element, const std::vector<ElementIndex>& targets,
                              std::vector<Wait>& waits) {
  for (const ElementIndex target : targets) {
    if (instance.process->elements[target].error) continue;  // waits for nothing
    auto wait = evaluate_wait(instance, element.key, target);
    if (!wait) {
      raise(instance.key, element.key, 0, wait.error());
      return false;
    }
    waits.push_back(std::move(*wait));
  }
  return true;
}

void Processor::open_waits(Key instance_key, Key element_instance, const std::vector<Wait>& waits) {
  const model::ProcessPointer process = state_.instance(instance_key)->process;
  for (const Wait& wait : waits) {
    const Key key = writer_.next_key();
    const std::string& target = process->elements[wait.target].id;
    if (wait.due) {
      writer_.append(TimerCreated{instance_key, element_instance, key, target, *wait.due});
    } else {
      writer_.append(SubscriptionCreated{instance_key, element_instance, key, target, wait.name, wait.correlation_key});
    }
  }
}

void Processor::activate_service_task(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, definition.boundary_events, waits)) return;
  auto type = evaluate_text(definition.job->type, "job type", instance, key);
  if (!type) return raise(instance_key, key, 0, type.error());
  std::int32_t retries = model::kDefaultRetries;
  if (!definition.job->retries.empty()) {
    const auto text = evaluate_text(definition.job->retries, "number of retries", instance, key);
    if (!text) return raise(instance_key, key, 0, text.error());
    const auto number = feel::Decimal::parse(*text);
    const auto whole = number ? number->to_integer() : std::nullopt;
    if (!whole || *whole < 0 || *whole > 1000)
      return raise(instance_key, key, 0,
                   {error_type::kExtractValue, "Expected the number of retries to be a whole number up to 1000, but it is not"});
    // A model that says none means a slip, not "an incident at the first hiccup".
    if (*whole > 0) retries = static_cast<std::int32_t>(*whole);
  }
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  writer_.append(JobCreated{instance_key, key, writer_.next_key(), std::move(*type), definition.job->headers, retries});
  correlate_buffered(instance_key, key);
}

void Processor::activate_sub_process(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, definition.boundary_events, waits)) return;
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  push_activate(instance_key, key, instance.process->elements[definition.start_event], 0, std::nullopt);
  correlate_buffered(instance_key, key);
}

void Processor::activate_exclusive_gateway(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::optional<model::FlowIndex> chosen = definition.default_flow;
  for (const model::FlowIndex index : definition.outgoing) {
    const model::Flow& flow = instance.process->flows[index];
    if (!flow.condition) {
      if (!chosen) chosen = index;  // the only one
      continue;
    }
    auto verdict = evaluate(*flow.condition, instance, key);
    if (!verdict) return raise(instance_key, key, 0, verdict.error());
    const bool* yes = verdict->boolean();
    if (!yes) {
      return raise(instance_key, key, 0,
                   {error_type::kExtractValue, "Expected the condition '" + flow.condition->source().substr(0, 200) +
                                                   "' to be BOOLEAN, but it is " + std::string(verdict->type_name())});
    }
    if (!*yes) continue;
    chosen = index;
    break;
  }
  if (!chosen && !definition.outgoing.empty())
    return raise(instance_key, key, 0,
                 {error_type::kCondition, "Expected at least one condition to be true, or a default flow, but there is none"});
  const Key scope = element.scope;
  activated(instance_key, key);
  writer_.append(ElementCompleting{instance_key, key});
  writer_.append(ElementCompleted{instance_key, key});
  leave(instance_key, scope, definition, chosen);
}

void Processor::activate_event_gateway(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<ElementIndex> targets;
  for (const model::FlowIndex flow : instance.element_of(element).outgoing) targets.push_back(instance.process->flows[flow].target);
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, targets, waits)) return;
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  correlate_buffered(instance_key, key);
}

void Processor::activate_catch_event(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  if (element.triggered) {  // its event-based gateway has waited for it
    activated(instance_key, key);
    return push_complete(instance_key, key);
  }
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, {element.element}, waits)) return;
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  correlate_buffered(instance_key, key);
}

void Processor::activate_end_event(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  const bool throws = instance.element_of(element).error.has_value();
  activated(instance_key, key);
  if (throws) return throw_from_end_event(*state_.instance(instance_key), *state_.instance(instance_key)->find(key));
  push_complete(instance_key, key);
}

// ---- completing

void Processor::complete(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const model::ProcessPointer process = instance.process;
  const Element& definition = process->elements[element.element];
  const Key scope = element.scope;
  if (element.state == Lifecycle::kActivated) writer_.append(ElementCompleting{instance_key, element_instance});
  const bool is_event_gateway = definition.kind == ElementKind::kEventBasedGateway;
  if (!is_event_gateway && !map_outputs(instance_key, element_instance)) return;
  const std::optional<ElementIndex> triggered = element.triggered;
  const std::optional<Context> result = element.result;
  writer_.append(ElementCompleted{instance_key, element_instance});
  if (scope == 0) return;
  if (!is_event_gateway) return leave(instance_key, scope, definition, std::nullopt);
  for (const model::FlowIndex flow : definition.outgoing) {
    if (process->flows[flow].target == triggered) take_flow(instance_key, scope, flow, result ? result : Context());
  }
}

// Takes the chosen flow, or all of them.
void Processor::leave(Key instance_key, Key scope, const Element& element, std::optional<model::FlowIndex> chosen) {
  if (chosen) return take_flow(instance_key, scope, *chosen, std::nullopt);
  if (element.outgoing.empty()) return check_scope(instance_key, scope);
  for (const model::FlowIndex flow : element.outgoing) take_flow(instance_key, scope, flow, std::nullopt);
}

void Processor::take_flow(Key instance_key, Key scope, model::FlowIndex index, const std::optional<Context>& result) {
  const model::ProcessPointer process = state_.instance(instance_key)->process;
  const model::Flow& flow = process->flows[index];
  writer_.append(FlowTaken{instance_key, scope, flow.id});
  const Element& target = process->elements[flow.target];
  if (target.kind != ElementKind::kParallelGateway) return push_activate(instance_key, scope, target, 1, result);
  // An earlier token of this flow means that the gateway either waits for others or is about to be activated.
  const ElementInstance& around = *state_.instance(instance_key)->find(scope);
  if (around.waiting_tokens.at(index) == 1 && may_join(around, target))
    push_activate(instance_key, scope, target, static_cast<std::int32_t>(target.incoming.size()), std::nullopt);
}

// Whether a token waits on each flow into the gateway.
bool Processor::may_join(const ElementInstance& scope, const Element& gateway) const {
  return std::all_of(gateway.incoming.begin(), gateway.incoming.end(),
                     [&](model::FlowIndex flow) { return scope.waiting_tokens.contains(flow); });
}

void Processor::push_activate(Key instance_key, Key scope, const Element& element, std::int32_t consumed,
                              const std::optional<Context>& result) {
  Step step;
  step.instance = instance_key;
  step.element_instance = scope;
  step.element = element.id;
  step.consumed = consumed;
  step.result = result;
  steps_.push_back(std::move(step));
}

void Processor::check_scope(Key instance_key, Key scope) {
  const ElementInstance* waiting = state_.instance(instance_key)->find(scope);
  if (waiting && waiting->state == Lifecycle::kActivated && waiting->children == 0 && waiting->active_flows == 0)
    push_complete(instance_key, scope);
}

// ---- terminating

void Processor::terminate(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  if (element.state == Lifecycle::kTerminating) return;
  writer_.append(ElementTerminating{instance_key, element_instance});
  if (element.children == 0) return finish_terminating(instance_key, element_instance);
  for (const auto& [key, child] : instance.elements) {
    if (child.scope != element_instance) continue;
    Step step;
    step.kind = Step::Kind::kTerminate;
    step.instance = instance_key;
    step.element_instance = key;
    steps_.push_back(std::move(step));
  }
}

void Processor::finish_terminating(Key instance_key, Key element_instance) {
  while (true) {
    const ElementInstance& element = *state_.instance(instance_key)->find(element_instance);
    const Key scope = element.scope;
    const std::optional<ElementIndex> triggered = element.triggered;
    const std::optional<Context> result = element.result;
    writer_.append(ElementTerminated{instance_key, element_instance});
    if (scope == 0) return;
    const ElementInstance& around = *state_.instance(instance_key)->find(scope);
    if (around.state == Lifecycle::kTerminating) {
      if (around.children > 0) return;
      element_instance = scope;
      continue;
    }
    if (triggered) activate(instance_key, scope, *triggered, 0, result ? result : Context());
    return;
  }
}

}  // namespace consilium::bpmn::engine
