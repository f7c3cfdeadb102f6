// Messages, timers, errors and incidents.
#include <algorithm>

#include "base/utf8.h"
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
    return push_activate(instance_key, host, instance.process->elements[event.scope], 0, variables);
  }
  if (is_boundary && !event.interrupting) return activate(instance_key, waiting.scope, target, 0, variables);
  if (is_boundary && waiting.triggered == waiting.element) return;  // it completes before it could be ended
  writer_.append(EventTriggered{instance_key, host, event.id, variables});
  push(is_boundary ? Step::Kind::kTerminate : Step::Kind::kComplete, instance_key, host);
}

bool Processor::can_be_triggered(const Catcher& catcher) const {
  const Instance& instance = *state_.instance(catcher.instance);
  const ElementInstance& host = *instance.find(catcher.host);
  const bool begins = instance.process->elements[catcher.event].kind == ElementKind::kStartEvent;
  return instance.can_be_triggered(host) && !(begins && instance.was_interrupted(host));
}

// One that is about to end takes it in without a sound.
void Processor::trigger(const Catcher& catcher, const Context& variables) {
  if (can_be_triggered(catcher)) trigger(catcher.instance, catcher.host, catcher.event, variables);
}

void Processor::correlate(const Message& message, const Subscription& subscription) {
  const Key instance = state_.owner_of(subscription.key)->key;
  const Key host = subscription.element_instance;
  const ElementIndex target = subscription.target;
  const Context variables = message.variables;
  writer_.append(MessageCorrelated{message.key, instance, subscription.key});
  trigger(instance, host, target, variables);
}

// The oldest message that was published before somebody waited for it; null: none.
const Message* Processor::find_buffered(const Instance& instance, const Subscription& subscription) const {
  if (subscription.is_signal) return nullptr;
  return state_.oldest_buffered(subscription.name, subscription.correlation_key, instance.process->id, now_);
}

// To each message event that `element_instance` waits for comes what was published before, a few steps later.
void Processor::correlate_buffered(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  for (const Key key : instance.waits_of(element_instance)) {
    const auto found = instance.subscriptions.find(key);
    if (found == instance.subscriptions.end() || !find_buffered(instance, found->second)) continue;
    push_correlate(instance, found->second);
    if (options_.early_messages == EarlyMessages::kByAge) return;  // one after the other
  }
}

void Processor::push_correlate(const Instance& instance, const Subscription& subscription) {
  Step& step = push(Step::Kind::kCorrelate, instance.key, subscription.element_instance);
  step.element = instance.process->elements[subscription.target].id;
  step.consumed = 1;
}

// What comes next to a waiting element, and where: at `target`, or at whichever event has the oldest.
std::optional<Processor::Early> Processor::find_early(const Instance& instance, const ElementInstance& waiting, ElementIndex target) const {
  std::optional<Early> oldest;
  for (const Key key : instance.waits_of(waiting.key)) {
    const auto found = instance.subscriptions.find(key);
    if (found == instance.subscriptions.end()) continue;
    if (options_.early_messages == EarlyMessages::kByWait && found->second.target != target) continue;
    const Message* message = find_buffered(instance, found->second);
    if (message && (!oldest || message->key < oldest->message->key)) oldest = Early{message, &found->second};
  }
  return oldest;
}

// A non-interrupting event goes on to the next message.
void Processor::correlate_buffered(const Instance& instance, const ElementInstance& waiting, const Step& step) {
  if (step.consumed > 0) {
    steps_.push_back(step);
    --steps_.back().consumed;
    return;
  }
  if (!instance.still_waits(waiting) || !instance.can_be_triggered(waiting)) return;
  const ElementIndex target = instance.process->by_id.at(step.element);
  const auto early = find_early(instance, waiting, target);
  if (!early || !check_room(instance, early->message->variables).empty()) return;
  correlate(*early->message, *early->subscription);  // which ends neither instance nor element yet
  if (const auto next = find_early(instance, waiting, target)) push_correlate(instance, *next->subscription);
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
  if (!instance.can_be_triggered(instance.elements.at(timer.element_instance))) return;
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
      // What is on its way out hides what is around it; from an error, itself too.
      const bool hides = host->state != Lifecycle::kActivated || (host->interrupted && !host->loop);
      if (hides && kind == model::EventKind::kError && host != &thrower) break;
      if (auto catcher = catcher_at(*instance, *host, kind, code)) return catcher;
      if (hides && host != &thrower) break;
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
  if (catcher) {
    if (element.state == Lifecycle::kActivating) activated(instance_key, element_instance);
    return trigger(*catcher, {});
  }
  raise(instance_key, element_instance, 0,
        {error_type::kUnhandledError, "Expected to throw the error '" + *code + "', but no boundary event catches it"});
}

// Unlike an error it ends the thrower only when what catches it interrupts; and nobody has to catch it.
void Processor::throw_escalation(Key instance_key, Key element_instance, const std::string& code) {
  const Instance& instance = *state_.instance(instance_key);
  const auto catcher = find_catcher(instance, *instance.find(element_instance), model::EventKind::kEscalation, code);
  const bool interrupts = catcher && state_.instance(catcher->instance)->process->elements[catcher->event].interrupting;
  if (catcher) trigger(*catcher, {});
  if (!interrupts) push(Step::Kind::kComplete, instance_key, element_instance);
}

void Processor::raise(Key instance, Key element_instance, Key job, const Problem& problem) {
  writer_.append(
      IncidentCreated{instance, element_instance, writer_.next_key(), job, problem.type, cut_utf8(problem.message, kMaxMessageBytes)});
}

}  // namespace consilium::bpmn::engine
