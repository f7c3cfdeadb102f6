// The life of element instances, step by step.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;
using model::ElementKind;

void Processor::run_steps() {
  for (int done = 0;; ++done) {
    if (steps_.empty()) go_on_at_joins();
    if (steps_.empty()) return;
    if (has_done_enough(done)) return yield_rest();
    const Step step = std::move(steps_.front());
    steps_.pop_front();
    run_step(step);
  }
}

// What was to be done to an instance or element that has ended meanwhile is void. Whether the rest is still to be done is asked at
// the step itself, of the element and the scope next to it: the order of steps is that of Zeebe's log, and so is what is void.
void Processor::run_step(const Step& step) {
  if (step.kind == Step::Kind::kBroadcast) return broadcast(step.element, step.result.value_or(Context()));
  const Instance* instance = state_.instance(step.instance);
  const ElementInstance* element = instance ? instance->find(step.element_instance) : nullptr;
  if (!element) return;
  switch (step.kind) {
    case Step::Kind::kActivate: return activate_in(*instance, *element, step);
    case Step::Kind::kReactivate:
      if (element->state == Lifecycle::kActivating && element->job == 0 && may_go_on(*instance, *element))
        go_on_activating(step.instance, step.element_instance);
      return;
    case Step::Kind::kComplete:
      if (element->state != Lifecycle::kActivated && element->state != Lifecycle::kCompleting) return;
      if (element->children > 0 || element->job != 0) return;  // something began meanwhile, and asks for it again when it ends
      if (may_go_on(*instance, *element)) complete(step.instance, step.element_instance);
      return;
    case Step::Kind::kTerminate: return terminate(step.instance, step.element_instance);
    case Step::Kind::kIterate:
      if (element->loop) return iterate(step.instance, step.element_instance);
      if (element->state == Lifecycle::kActivated && may_go_on(*instance, *element)) start_handlers(step.instance, step.element_instance);
      return;
    case Step::Kind::kEndChildren: return terminate_children(step.instance, step.element_instance);
    case Step::Kind::kCall: return begin_called(*instance, *element, step);
    case Step::Kind::kCorrelate: return correlate_buffered(*instance, *element, step);
    case Step::Kind::kBegin: return begin_in(*instance, *element, step);
    case Step::Kind::kBroadcast: return;
  }
}

// Where it is; of a called process, at its call activity.
bool Processor::may_go_on(const Instance& instance, const ElementInstance& element) const {
  if (element.scope != 0) return instance.lets_go_on(*instance.find(element.scope), element.element);
  if (instance.parent == 0) return true;
  const Instance* caller = state_.instance(instance.parent);
  const ElementInstance* call_activity = caller ? caller->find(instance.call_activity) : nullptr;
  return call_activity && call_activity->state == Lifecycle::kActivated;
}

void Processor::activate_in(const Instance& instance, const ElementInstance& scope, const Step& step) {
  const ElementIndex element = instance.process->by_id.at(step.element);
  const Element& definition = instance.process->elements[element];
  if (!instance.lets_go_on(scope, element)) return;
  if (definition.joins() && !may_join(scope, definition)) return;  // another flow is to come
  activate(step.instance, step.element_instance, element, step.consumed, step.result);
}

// At least one step is done in any case.
bool Processor::has_done_enough(int done) const {
  return done >= kMaxStepsPerCommand || (done > 0 && (writer_.written() > kMaxWrittenPerCommand || evaluated_ > kMaxEvaluatedPerCommand));
}

// What an instance has begun that goes on itself, as by a signal, counts as going on with it.
void Processor::yield_rest() {
  go_on_at_joins();
  std::vector<Step> orphaned;  // whose sender has ended, and keeps nothing for later
  for (const Step& step : steps_)
    if (step.kind == Step::Kind::kBroadcast && !state_.has_instance(step.instance)) orphaned.push_back(step);
  told_ = kMaxStepsPerCommand;
  for (const Step& step : orphaned) broadcast(step.element, step.result.value_or(Context()));
  std::map<Key, std::vector<Step>> rest;
  for (Step& step : steps_) rest[step.instance].push_back(std::move(step));
  steps_.clear();
  for (auto& [key, steps] : rest) {
    const Instance* instance = state_.instance(key);
    if (!instance) continue;
    // One that was stopped stays so, whatever else happens to it, until its incident is resolved.
    const bool is_stopped = !instance->pending.empty() && !instance->may_continue();
    const std::int32_t consecutive = is_stopped ? instance->yields : yields_before_ + 1;
    writer_.append(InstanceYielded{key, consecutive, std::move(steps)});
    if (is_stopped) continue;
    if (consecutive <= kMaxConsecutiveYields) {
      outcome_.to_continue.push_back(key);
      continue;
    }
    raise(key, key, 0, endless_loop());
  }
}

Processor::Problem Processor::endless_loop() {
  return {error_type::kUnknown, "Expected the process to reach a wait state, but it goes on after " +
                                    std::to_string(kMaxConsecutiveYields) + " rounds of work: a loop without a wait"};
}

Step& Processor::push(Step::Kind kind, Key instance, Key element_instance) {
  Step& step = steps_.emplace_back();
  step.kind = kind;
  step.instance = instance;
  step.element_instance = element_instance;
  return step;
}

void Processor::activated(Key instance, Key element_instance) { writer_.append(ElementActivated{instance, element_instance}); }

// ---- activating

void Processor::activate(Key instance_key, Key scope, ElementIndex element, std::int32_t consumed, const std::optional<Context>& result) {
  const Key key = writer_.next_key();
  const Element& definition = state_.instance(instance_key)->process->elements[element];
  const std::int32_t there = state_.instance(instance_key)->find(scope)->active_flows;
  writer_.append(ElementActivating{instance_key, key, scope, definition.id, std::min(consumed, there)});
  if (result) writer_.append(EventTriggered{instance_key, key, definition.id, *result});
  go_on_activating(instance_key, key);
}

// Also where an incident of an activating element takes up again: until it is activated, nothing but variables was written.
void Processor::go_on_activating(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const Element& definition = instance.element_of(element);
  const bool iterates = element.loop_counter > 0;
  if (definition.loop && !iterates) return activate_loop(instance, element);
  const bool begins = element.listeners_done == 0;
  if (iterates && begins) writer_.append(VariablesSet{instance_key, element_instance, loop_variables(instance, element)});
  if (!definition.inputs.empty() && begins) {
    auto mapped = evaluate_mappings(definition.inputs, instance, iterates ? element_instance : element.scope, Extends::kNo);
    if (!mapped) return raise(instance_key, element_instance, 0, mapped.error());
    writer_.append(VariablesSet{instance_key, element_instance, std::move(*mapped)});
  }
  if (listens(instance_key, element_instance, definition.start_listeners)) return;
  switch (definition.kind) {
    case ElementKind::kProcess: return activate_process(instance, element);
    case ElementKind::kServiceTask:
    case ElementKind::kSendTask:
    case ElementKind::kUserTask: return activate_job(instance, element);
    case ElementKind::kBusinessRuleTask:
      return definition.decision ? activate_decision(instance, element) : activate_job(instance, element);
    case ElementKind::kScriptTask: return definition.job ? activate_job(instance, element) : activate_script(instance, element);
    case ElementKind::kReceiveTask: return activate_task(instance, element);
    case ElementKind::kSubProcess:
    case ElementKind::kEventSubProcess: return activate_sub_process(instance, element);
    case ElementKind::kCallActivity: return activate_call(instance, element);
    case ElementKind::kExclusiveGateway:
    case ElementKind::kInclusiveGateway: return activate_choice(instance, element);
    case ElementKind::kEventBasedGateway: return activate_event_gateway(instance, element);
    case ElementKind::kIntermediateCatchEvent: return activate_catch_event(instance, element);
    case ElementKind::kEndEvent:
    case ElementKind::kIntermediateThrowEvent: return activate_throw_event(instance, element);
    case ElementKind::kTask:
    case ElementKind::kManualTask:
    case ElementKind::kStartEvent:
    case ElementKind::kBoundaryEvent:
    case ElementKind::kMultiInstanceBody:
      activated(instance_key, element_instance);
      take_event_variables(instance_key, element_instance);
      push(Step::Kind::kComplete, instance_key, element_instance);
      return;
    case ElementKind::kParallelGateway: return pass(instance, element, definition.outgoing);
  }
}

// True: a job of one of them comes first, or an incident.
bool Processor::listens(Key instance_key, Key element_instance, const std::vector<model::JobDefinition>& listeners) {
  const Instance& instance = *state_.instance(instance_key);
  const auto done = static_cast<std::size_t>(instance.find(element_instance)->listeners_done);
  if (done >= listeners.size()) return false;
  auto type = evaluate_text(listeners[done].type, "job type", instance, element_instance);
  const auto retries = evaluate_retries(listeners[done], instance, element_instance);
  if (!type || !retries)
    raise(instance_key, element_instance, 0, type ? retries.error() : type.error());
  else
    writer_.append(JobCreated{instance_key, element_instance, writer_.next_key(), std::move(*type), {}, *retries});
  return true;
}

// What a listener before the element gives is the element's own; what one after it gives is of the scope around it alone, though there be
// such a variable further out.
void Processor::complete_listener(const Instance& instance, const ElementInstance& element, const CompleteJob& command) {
  const Key instance_key = instance.key, key = element.key;
  const bool is_before = element.state == Lifecycle::kActivating;
  writer_.append(ListenerCompleted{instance_key, command.job});
  if (!command.variables.empty())
    writer_.append(VariablesSet{instance_key, is_before || element.scope == 0 ? key : element.scope, command.variables});
  push(is_before ? Step::Kind::kReactivate : Step::Kind::kComplete, instance_key, key);
}

// False: an incident was raised, at `blamed`.
bool Processor::prepare_waits(const Instance& instance, const ElementInstance& element, const std::vector<ElementIndex>& targets,
                              std::vector<Wait>& waits, Key blamed) {
  for (const ElementIndex target : targets) {
    if (!instance.process->elements[target].is_awaited()) continue;
    auto wait = evaluate_wait(instance, element.key, *instance.process, target);
    if (!wait) {
      raise(instance.key, blamed, 0, wait.error());
      return false;
    }
    waits.push_back(std::move(*wait));
  }
  const auto rank = [](const Wait& wait) { return wait.is_signal ? 2 : wait.schedule ? 1 : 0; };  // messages first, as with Zeebe
  std::ranges::stable_sort(waits, {}, rank);
  return true;
}

void Processor::open_waits(Key instance_key, Key element_instance, const std::vector<Wait>& waits) {
  const model::ProcessPointer process = state_.instance(instance_key)->process;
  for (const Wait& wait : waits) {
    const Key key = writer_.next_key();
    const std::string& target = process->elements[wait.target].id;
    if (wait.is_signal) {
      writer_.append(SignalSubscribed{instance_key, element_instance, key, target, wait.name});
    } else if (!wait.schedule) {
      writer_.append(SubscriptionCreated{instance_key, element_instance, key, target, wait.name, wait.correlation_key});
    } else {
      create_timer(instance_key, element_instance, target, *wait.schedule);
    }
  }
  correlate_buffered(instance_key, element_instance);
}

// What an activity or scope waits for besides itself: the beginnings of its event sub-processes, and then its boundary events.
std::vector<ElementIndex> Processor::waits_around(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  std::vector<ElementIndex> targets;
  for (const ElementIndex sub : definition.event_sub_processes) targets.push_back(instance.process->elements[sub].start_event);
  const bool iterates = element.loop_counter > 0;  // the body waits
  if (!iterates) targets.insert(targets.end(), definition.boundary_events.begin(), definition.boundary_events.end());
  return targets;
}

// A scope waits from when its start event completes, so that this may give what the waits need. False: an incident was raised there.
bool Processor::open_scope(Key instance_key, Key scope, Key start_event) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& around = *instance.find(scope);
  std::vector<Wait> waits;
  if (!prepare_waits(instance, around, waits_around(instance, around), waits, start_event)) return false;
  open_waits(instance_key, scope, waits);
  return true;
}

void Processor::activate_process(const Instance& instance, const ElementInstance& element) {
  const Key key = instance.key;
  const Element& definition = instance.element_of(element);
  activated(key, key);
  // A message, timer or signal that began it has said where.
  const std::optional<Context> result = element.result;
  if (element.triggered) return activate(key, key, *element.triggered, 0, result);
  push_activate(key, key, instance.process->elements[definition.start_event], 0, std::nullopt);
}

// Waits for its own message, and whatever is attached to it.
void Processor::activate_task(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<ElementIndex> targets = waits_around(instance, element);
  targets.insert(targets.begin(), element.element);
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, targets, waits, element.key)) return;
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
}

void Processor::activate_script(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  const Element& definition = instance.element_of(element);
  auto value = evaluate(definition.script->expression, instance, key);
  if (!value) return raise(instance_key, key, 0, value.error());
  if (const std::string problem = check_variable(*value); !problem.empty())
    return raise(instance_key, key, 0, {error_type::kExtractValue, "Expected the result of a script, but it is " + problem});
  activated(instance_key, key);
  writer_.append(EventTriggered{instance_key, key, definition.id, {{definition.script->result_variable, as_variable(*value)}}});
  push(Step::Kind::kComplete, instance_key, key);
}

// Tasks and message throw events that a worker does.
void Processor::activate_job(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, waits_around(instance, element), waits, element.key)) return;
  auto type = evaluate_text(definition.job->type, "job type", instance, key);
  if (!type) return raise(instance_key, key, 0, type.error());
  auto headers = evaluate_headers(*definition.job, instance, key);
  if (!headers) return raise(instance_key, key, 0, headers.error());
  const auto retries = evaluate_retries(*definition.job, instance, key);
  if (!retries) return raise(instance_key, key, 0, retries.error());
  const auto priority = evaluate_priority(*definition.job, instance, key);
  if (!priority) return raise(instance_key, key, 0, priority.error());
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  const Key job = writer_.next_key();
  writer_.append(JobCreated{instance_key, key, job, std::move(*type), std::move(*headers), *retries});
  if (*priority != 0) writer_.append(JobPrioritized{instance_key, job, *priority});
}

void Processor::activate_sub_process(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  const std::optional<Context> result = element.result;
  activated(instance_key, key);
  push_activate(instance_key, key, instance.process->elements[definition.start_event], 0, result);
}

// Exclusive and inclusive gateways: the first flow whose condition holds, or all of them.
void Processor::activate_choice(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  const bool takes_all = definition.kind == ElementKind::kInclusiveGateway;
  std::vector<model::FlowIndex> chosen;
  for (const model::FlowIndex index : definition.outgoing) {
    const model::Flow& flow = instance.process->flows[index];
    if (!flow.condition) {
      if (definition.outgoing.size() == 1) chosen.push_back(index);
      continue;
    }
    auto verdict = evaluate(*flow.condition, instance, key);
    if (!verdict) return raise(instance_key, key, 0, verdict.error());
    const bool* yes = verdict->boolean();
    if (!yes) {
      return raise(instance_key, key, 0,
                   {error_type::kExtractValue, "Expected the condition '" + cut_utf8(flow.condition->source(), 200) +
                                                   "' to be BOOLEAN, but it is " + std::string(verdict->type_name())});
    }
    if (!*yes) continue;
    chosen.push_back(index);
    if (!takes_all) break;
  }
  if (chosen.empty() && definition.default_flow) chosen.push_back(*definition.default_flow);
  if (chosen.empty() && !definition.outgoing.empty())
    return raise(instance_key, key, 0,
                 {error_type::kCondition, "Expected at least one condition to be true, or a default flow, but there is none"});
  pass(instance, element, chosen);
}

// A gateway begins and ends in one step.
void Processor::pass(const Instance& instance, const ElementInstance& element, const std::vector<model::FlowIndex>& flows) {
  const Key instance_key = instance.key, key = element.key, scope = element.scope;
  activated(instance_key, key);
  writer_.append(ElementCompleting{instance_key, key});
  writer_.append(ElementCompleted{instance_key, key});
  leave(instance_key, scope, flows);
}

void Processor::activate_event_gateway(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<ElementIndex> targets;
  for (const model::FlowIndex flow : instance.element_of(element).outgoing) targets.push_back(instance.process->flows[flow].target);
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, targets, waits, element.key)) return;
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
}

void Processor::activate_catch_event(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  // Its event-based gateway has waited for it, or the token came over a link.
  if (element.triggered || instance.element_of(element).event == model::EventKind::kLink) {
    activated(instance_key, key);
    take_event_variables(instance_key, key);
    push(Step::Kind::kComplete, instance_key, key);
    return;
  }
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, {element.element}, waits, element.key)) return;
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
}

void Processor::activate_throw_event(const Instance& instance, const ElementInstance& element) {
  const Key instance_key = instance.key;
  const Key key = element.key;
  const Element& definition = instance.element_of(element);
  if (definition.job) return activate_job(instance, element);
  std::string thrown;
  const feel::Expression* const name = definition.escalation ? &definition.escalation->code
                                       : definition.signal   ? &definition.signal->name
                                       : definition.error    ? &definition.error->code
                                                             : nullptr;
  if (name) {
    auto text = evaluate_text(*name, definition.signal ? "signal name" : "code", instance, key);
    if (!text) return raise(instance_key, key, 0, text.error());
    thrown = std::move(*text);
  }
  if (definition.signal && yields_before_ >= kMaxConsecutiveYields) return raise(instance_key, key, 0, endless_loop());
  if (definition.signal) push_broadcast(instance_key, key, thrown, element.variables);
  if (definition.error) return throw_error(instance_key, key);
  activated(instance_key, key);
  if (definition.escalation) return throw_escalation(instance_key, key, thrown);
  if (definition.event == model::EventKind::kCompensation) return throw_compensation(instance_key, key);
  const bool ends_at_once = definition.kind == ElementKind::kEndEvent &&
                            (definition.event == model::EventKind::kNone || definition.event == model::EventKind::kTerminate);
  if (ends_at_once) return complete(instance_key, key);
  push(Step::Kind::kComplete, instance_key, key);
}

// ---- call activities

void Processor::activate_call(const Instance& instance, const ElementInstance& element) {
  const Element& definition = instance.element_of(element);
  const Key instance_key = instance.key;
  const Key key = element.key;
  std::vector<Wait> waits;
  if (!prepare_waits(instance, element, waits_around(instance, element), waits, element.key)) return;
  const auto process_id = evaluate_text(definition.called->process_id, "process id", instance, key);
  if (!process_id) return raise(instance_key, key, 0, process_id.error());
  if (const auto called = find_called(instance, element, *process_id); !called) return raise(instance_key, key, 0, called.error());
  if (instance.depth >= kMaxCallDepth)
    return raise(instance_key, key, 0,
                 {error_type::kCalledElement, "The call activity has reached the maximum depth of " + std::to_string(kMaxCallDepth) + "."});
  open_waits(instance_key, key, waits);
  activated(instance_key, key);
  push_call(instance, element, *process_id);
}

// A step of its own, with what the called process begins with.
void Processor::push_call(const Instance& instance, const ElementInstance& call_activity, const std::string& process_id) {
  const Element& definition = instance.element_of(call_activity);
  // Zeebe passes on what mappings made; without one nothing, not even what a loop puts there.
  const Context own = definition.inputs.empty() ? Context() : call_activity.variables;
  Step& step = push(Step::Kind::kCall, instance.key, call_activity.key);
  step.element = process_id;
  step.result = definition.called->takes_all_variables ? visible_variables(instance, call_activity.key) : own;
}

// When what it called was no longer there.
void Processor::call_again(const Instance& instance, const ElementInstance& call_activity) {
  const auto process_id = evaluate_text(instance.element_of(call_activity).called->process_id, "process id", instance, call_activity.key);
  if (!process_id) return raise(instance.key, call_activity.key, 0, process_id.error());
  push_call(instance, call_activity, *process_id);
}

Processor::Evaluated<const Definition*> Processor::find_called(const Instance& instance, const ElementInstance& call_activity,
                                                               const std::string& process_id) const {
  const model::Binding& binding = instance.element_of(call_activity).called->binding;
  const Definition* called = state_.definition(find_version(instance, Deployable::kProcess, process_id, binding));
  const std::string expected = "Expected process with BPMN process id '" + process_id + "' to ";
  if (!called) return std::unexpected(Problem{error_type::kCalledElement, expected + "be deployed" + among(binding) + ", but not found."});
  if (called->process->elements[model::kProcessElement].start_event == 0)
    return std::unexpected(Problem{error_type::kCalledElement, expected + "have a none start event, but not found."});
  return called;
}

void Processor::begin_called(const Instance& instance, const ElementInstance& call_activity, const Step& step) {
  if (call_activity.state != Lifecycle::kActivated || !instance.element_of(call_activity).called) return;
  const auto called = find_called(instance, call_activity, step.element);
  if (!called) return raise(instance.key, call_activity.key, 0, called.error());  // it was deleted meanwhile
  const Key caller = instance.key;
  const Key child = writer_.next_key();
  writer_.append(InstanceCreated{child, (*called)->key, "", step.result.value_or(Context())});
  writer_.append(ChildStarted{child, caller, step.element_instance});
  go_on_activating(child, child);
}

void Processor::complete_caller(Key parent, Key call_activity, const Context& variables) {
  const Instance* instance = state_.instance(parent);
  const ElementInstance* caller = instance ? instance->find(call_activity) : nullptr;
  if (!caller || caller->state != Lifecycle::kActivated || instance->is_leaving(*caller)) return;
  const Element& definition = instance->element_of(*caller);
  if (!definition.called) return;
  const bool gives = definition.called->gives_all_variables || !definition.outputs.empty();
  writer_.append(EventTriggered{parent, call_activity, definition.id, gives ? variables : Context()});
  push(Step::Kind::kComplete, parent, call_activity);
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
  if (element.loop) {
    if (!give_outputs(instance_key, element_instance)) return;
  } else {
    const bool is_mapped = is_event_gateway || element.listeners_done > 0 || map_outputs(instance_key, element_instance);
    if (!is_mapped || listens(instance_key, element_instance, definition.end_listeners)) return;
  }
  if (scope == 0) return end_instance(instance_key, Lifecycle::kCompleting);
  if (definition.kind == ElementKind::kStartEvent && !open_scope(instance_key, scope, element_instance)) return;
  if (element.loop_counter > 0) {
    const auto is_done = end_iteration(instance_key, element_instance);
    if (!is_done) return raise(instance_key, element_instance, 0, is_done.error());
    record_compensation(instance_key, element_instance);
    writer_.append(ElementCompleted{instance_key, element_instance});
    return go_on_with_loop(instance_key, scope, *is_done);
  }
  const std::optional<ElementIndex> triggered = element.triggered;
  const std::optional<Context> result = element.result;
  const Key undone = element.undoes;
  record_compensation(instance_key, element_instance);
  writer_.append(ElementCompleted{instance_key, element_instance});
  if (undone != 0) end_compensation(instance_key, undone);
  if (definition.event == model::EventKind::kTerminate) return interrupt_scope(instance_key, scope, std::nullopt, {});
  if (definition.link_target != 0) return push_activate(instance_key, scope, process->elements[definition.link_target], 0, std::nullopt);
  if (!is_event_gateway) return leave(instance_key, scope, definition.outgoing);
  // No flow is taken, as the event has happened already: it goes on at once behind it.
  if (triggered) activate(instance_key, scope, *triggered, 0, result ? result : Context());
}

// The last event of an instance, and what waits for its end: the call activity that started it, messages that may start the
// next one.
void Processor::end_instance(Key key, Lifecycle how) {
  const Instance& instance = *state_.instance(key);
  const Key parent = instance.parent;
  const Key call_activity = instance.call_activity;
  const Context variables = parent == 0 ? Context() : instance.elements.at(key).variables;
  const std::string process_id = instance.process->id, lock_key = instance.lock_key;
  if (how == Lifecycle::kCompleting)
    writer_.append(ElementCompleted{key, key});
  else
    writer_.append(ElementTerminated{key, key});
  if (!lock_key.empty()) start_next(process_id, lock_key);
  if (parent == 0) return;
  if (how == Lifecycle::kCompleting) return complete_caller(parent, call_activity, variables);
  const Instance* caller = state_.instance(parent);
  const ElementInstance* element = caller ? caller->find(call_activity) : nullptr;
  if (element && element->state == Lifecycle::kTerminating) finish_terminating(parent, call_activity);
}

void Processor::leave(Key instance_key, Key scope, const std::vector<model::FlowIndex>& flows) {
  if (flows.empty()) return check_scope(instance_key, scope);
  for (const model::FlowIndex flow : flows) take_flow(instance_key, scope, flow, std::nullopt);
}

void Processor::take_flow(Key instance_key, Key scope, model::FlowIndex index, const std::optional<Context>& result) {
  const model::ProcessPointer process = state_.instance(instance_key)->process;
  const model::Flow& flow = process->flows[index];
  writer_.append(FlowTaken{instance_key, scope, flow.id});
  const Element& target = process->elements[flow.target];
  if (target.kind == ElementKind::kInclusiveGateway && target.joins()) {
    joins_.emplace(instance_key, scope);
    return;
  }
  const bool joins = target.joins();  // with the tokens of all its flows, as soon as they are there
  push_activate(instance_key, scope, target, joins ? static_cast<std::int32_t>(target.incoming.size()) : 1, result);
}

// Whether a token waits on each flow into the gateway; into an inclusive one, that was found to go on, on any.
bool Processor::may_join(const ElementInstance& scope, const Element& gateway) {
  const std::int32_t tokens = tokens_at(scope, gateway);
  return gateway.kind == ElementKind::kInclusiveGateway ? tokens > 0 : std::cmp_equal(tokens, gateway.incoming.size());
}

void Processor::push_activate(Key instance_key, Key scope, const Element& element, std::int32_t consumed,
                              const std::optional<Context>& result) {
  Step& step = push(Step::Kind::kActivate, instance_key, scope);
  step.element = element.id;
  step.consumed = consumed;
  step.result = result;
}

void Processor::check_scope(Key instance_key, Key scope) {
  const ElementInstance* waiting = state_.instance(instance_key)->find(scope);
  if (!waiting || waiting->state != Lifecycle::kActivated || waiting->children > 0 || waiting->active_flows > 0) return;
  const bool has_more = waiting->loop && !waiting->interrupted && std::cmp_less(waiting->loop->started, waiting->loop->items.size());
  if (!has_more) push(Step::Kind::kComplete, instance_key, scope);
}

// ---- terminating

void Processor::terminate(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  if (element.state == Lifecycle::kTerminating) return;
  const Key child = element.child;
  writer_.append(ElementTerminating{instance_key, element_instance});
  if (child != 0 && state_.instance(child))
    push(Step::Kind::kTerminate, child, child);
  else if (element.children > 0)
    push(Step::Kind::kEndChildren, instance_key, element_instance);
  else
    finish_terminating(instance_key, element_instance);
}

void Processor::terminate_children(Key instance_key, Key scope) {
  for (const Key child : state_.instance(instance_key)->children_of(scope)) push(Step::Kind::kTerminate, instance_key, child);
}

void Processor::finish_terminating(Key instance_key, Key element_instance) {
  while (true) {
    const Instance& instance = *state_.instance(instance_key);
    const ElementInstance& element = *instance.find(element_instance);
    const Key scope = element.scope;
    if (scope == 0) return end_instance(instance_key, Lifecycle::kTerminating);
    const bool is_leaving = instance.is_leaving(element);
    const ElementIndex boundary = element.triggered.value_or(0);
    const std::optional<Context> result = element.result;
    writer_.append(ElementTerminated{instance_key, element_instance});
    const ElementInstance& around = *instance.find(scope);
    if (around.state == Lifecycle::kTerminating) {
      if (around.children > 0) return;
      element_instance = scope;
      continue;
    }
    if (around.interrupted) return go_on_interrupted(instance_key, scope);
    if (around.loop) return go_on_with_loop(instance_key, scope, false);
    if (is_leaving) activate(instance_key, scope, boundary, 0, result ? result : Context());
    return;
  }
}

// ---- interrupting

// Everything in the scope ends, then the event sub-process of this start event begins; without one the scope completes.
void Processor::interrupt_scope(Key instance_key, Key scope, std::optional<ElementIndex> start_event, const Context& variables) {
  const std::string target = start_event ? state_.instance(instance_key)->process->elements[*start_event].id : "";
  writer_.append(ScopeInterrupted{instance_key, scope, target, variables});
  if (start_event)
    terminate_children(instance_key, scope);
  else
    push(Step::Kind::kEndChildren, instance_key, scope);
  go_on_interrupted(instance_key, scope);
}

void Processor::go_on_interrupted(Key instance_key, Key scope) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& around = *instance.find(scope);
  if (around.children > 0 || instance.is_leaving(around)) return;
  if (!around.triggered) return check_scope(instance_key, scope);
  if (!around.result) return;  // what interrupted it has begun before, and a modification says how it goes on
  const ElementIndex begun = instance.process->elements[*around.triggered].scope;
  push_activate(instance_key, scope, instance.process->elements[begun], 0, around.result);
}

}  // namespace consilium::bpmn::engine
