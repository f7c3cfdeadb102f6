// Messages, timers, errors and incidents.
#include <algorithm>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;
using model::ElementKind;

// `host` waited for `target`: a catch event for itself, an event-based gateway for one of its followers, an activity for a
// boundary event, a scope for the start event of an event sub-process.
void Processor::trigger(Key instance_key, Key host, ElementIndex target, const Context& variables) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& waiting = *instance.find(host);
  const Element& event = instance.process->elements[target];
  const bool is_boundary = event.kind == ElementKind::kBoundaryEvent;
  if (event.kind == ElementKind::kStartEvent) {
    if (event.interrupting) return interrupt_scope(instance_key, host, target, variables);
    return activate(instance_key, host, event.scope, 0, variables);
  }
  if (is_boundary && !event.interrupting) return activate(instance_key, waiting.scope, target, 0, variables);
  writer_.append(EventTriggered{instance_key, host, event.id, variables});
  Step step;
  step.kind = is_boundary ? Step::Kind::kTerminate : Step::Kind::kComplete;
  step.instance = instance_key;
  step.element_instance = host;
  steps_.push_back(std::move(step));
}

void Processor::correlate(const Message& message, const Subscription& subscription) {
  const Key instance = state_.owner_of(subscription.key)->key;
  const Key host = subscription.element_instance;
  const ElementIndex target = subscription.target;
  const Context variables = message.variables;
  writer_.append(MessageCorrelated{message.key, instance, subscription.key});
  trigger(instance, host, target, variables);
}

// Of the messages that were published before `element_instance` began to wait, it takes the oldest that fits one of its
// waits; a non-interrupting boundary event goes on to the next.
void Processor::correlate_buffered(Key instance_key, Key element_instance) {
  while (true) {
    const Instance& instance = *state_.instance(instance_key);
    const ElementInstance* waiting = instance.find(element_instance);
    if (!waiting || !instance.still_waits(*waiting) || !instance.can_be_triggered(element_instance)) return;
    const Message* oldest = nullptr;
    const Subscription* fitting = nullptr;
    for (const Key key : instance.waits_of(element_instance)) {
      const auto found = instance.subscriptions.find(key);
      if (found == instance.subscriptions.end() || found->second.is_signal) continue;
      const Subscription& subscription = found->second;
      for (const Key candidate : state_.buffered(subscription.name, subscription.correlation_key)) {
        const Message& message = *state_.message(candidate);
        if (message.deadline <= now_ || message.correlated.contains(instance.process->id)) continue;
        if (!oldest || candidate < oldest->key) {
          oldest = &message;
          fitting = &subscription;
        }
        break;
      }
    }
    if (!oldest) return;
    correlate(*oldest, *fitting);
  }
}

void Processor::create_timer(Key instance, Key element_instance, const std::string& target, const Schedule& schedule) {
  const Key key = writer_.next_key();
  if (!schedule.cycle.empty()) {
    writer_.append(CalendarTimerCreated{instance, element_instance, key, target, schedule.due, schedule.repetitions, schedule.cycle});
  } else if (schedule.repetitions == 1) {
    writer_.append(TimerCreated{instance, element_instance, key, target, schedule.due});
  } else {
    writer_.append(
        RepeatingTimerCreated{instance, element_instance, key, target, schedule.due, schedule.repetitions, schedule.interval.microseconds});
  }
}

void Processor::fire_timer(Key key) {
  const Instance& instance = *state_.owner_of(key);
  const Timer timer = instance.timers.at(key);
  const Key instance_key = instance.key;
  const std::string target = instance.process->elements[timer.target].id;
  writer_.append(TimerTriggered{instance_key, key});
  if (!instance.can_be_triggered(timer.element_instance)) return;
  if (const auto next = repeated(timer.due, timer.repetitions, timer.interval, timer.cycle))
    create_timer(instance_key, timer.element_instance, target, *next);
  trigger(instance_key, timer.element_instance, timer.target, {});
}

// What catches it at `host`: an event for that very code comes before one for all.
std::optional<Processor::Catcher> Processor::catcher_at(const Instance& instance, const ElementInstance& host, model::EventKind kind,
                                                        std::string_view code) const {
  const Element& definition = instance.element_of(host);
  std::vector<ElementIndex> events;
  if (!host.interrupted && !host.loop) {
    for (const ElementIndex sub : definition.event_sub_processes) events.push_back(instance.process->elements[sub].start_event);
  }
  const bool iterates = host.loop_counter > 0;  // the body has the boundary events
  if (!iterates) events.insert(events.end(), definition.boundary_events.begin(), definition.boundary_events.end());
  std::optional<Catcher> catch_all;
  for (const ElementIndex index : events) {
    const Element& event = instance.process->elements[index];
    const auto& caught = kind == model::EventKind::kError ? event.error : event.escalation;
    if (!caught || !caught->catches(code)) continue;
    const Catcher catcher{instance.key, host.key, index};
    if (!caught->code.empty()) return catcher;
    if (!catch_all) catch_all = catcher;
  }
  return catch_all;
}

// From the thrower outwards, and on in the instance that called this one.
std::optional<Processor::Catcher> Processor::find_catcher(const Instance& thrown_in, const ElementInstance& thrower, model::EventKind kind,
                                                          std::string_view code) const {
  const ElementInstance* host = &thrower;
  Key called_at = 0;
  for (const Instance* instance = &thrown_in; instance; instance = state_.instance(instance->parent)) {
    if (instance != &thrown_in) host = instance->find(called_at);
    for (; host; host = instance->find(host->scope)) {
      if (host->state == Lifecycle::kTerminating || instance->is_leaving(*host)) return std::nullopt;  // on its way out
      if (auto catcher = catcher_at(*instance, *host, kind, code)) return catcher;
    }
    called_at = instance->call_activity;
  }
  return std::nullopt;
}

void Processor::throw_error(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const auto code = evaluate_text(instance.element_of(element).error->code, "error code", instance, element_instance);
  if (!code) return raise(instance_key, element_instance, 0, code.error());
  const auto catcher = find_catcher(instance, element, model::EventKind::kError, *code);
  if (catcher) return trigger(catcher->instance, catcher->host, catcher->event, {});
  raise(instance_key, element_instance, 0,
        {error_type::kUnhandledError, "Expected to throw the error '" + *code + "', but no boundary event catches it"});
}

// Unlike an error it ends the thrower only when what catches it interrupts; and nobody has to catch it.
void Processor::throw_escalation(Key instance_key, Key element_instance, const std::string& code) {
  const Instance& instance = *state_.instance(instance_key);
  const auto catcher = find_catcher(instance, *instance.find(element_instance), model::EventKind::kEscalation, code);
  const bool interrupts = catcher && state_.instance(catcher->instance)->process->elements[catcher->event].interrupting;
  if (catcher) trigger(catcher->instance, catcher->host, catcher->event, {});
  if (!interrupts) push_complete(instance_key, element_instance);
}

void Processor::raise(Key instance, Key element_instance, Key job, const Problem& problem) {
  writer_.append(
      IncidentCreated{instance, element_instance, writer_.next_key(), job, problem.type, problem.message.substr(0, kMaxMessageBytes)});
}

}  // namespace consilium::bpmn::engine
