// Messages, timers, errors and incidents.
#include <algorithm>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;
using model::ElementKind;

// `host` waited for `target`: a catch event for itself, an event-based gateway for one of its followers, an activity for a
// boundary event.
void Processor::trigger(Key instance_key, Key host, ElementIndex target, const Context& variables) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& waiting = *instance.find(host);
  const Element& event = instance.process->elements[target];
  if (event.kind == ElementKind::kBoundaryEvent && !event.interrupting) return activate(instance_key, waiting.scope, target, 0, variables);
  writer_.append(EventTriggered{instance_key, host, event.id, variables});
  Step step;
  step.kind = event.kind == ElementKind::kBoundaryEvent ? Step::Kind::kTerminate : Step::Kind::kComplete;
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
    if (!waiting || waiting->triggered) return;
    const Message* oldest = nullptr;
    const Subscription* fitting = nullptr;
    for (const auto& [key, subscription] : instance.subscriptions) {
      if (subscription.element_instance != element_instance) continue;
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

void Processor::fire_timer(Key key) {
  const Instance& instance = *state_.owner_of(key);
  const Timer timer = instance.timers.at(key);
  const Key instance_key = instance.key;
  writer_.append(TimerTriggered{instance_key, key});
  trigger(instance_key, timer.element_instance, timer.target, {});
}

// From the thrower outwards: an activity's boundary event for that very error comes before one for every error.
std::optional<Processor::Catcher> Processor::find_catcher(const Instance& instance, const ElementInstance& thrower,
                                                          std::string_view code) const {
  for (const ElementInstance* host = &thrower; host; host = instance.find(host->scope)) {
    if (host->state == Lifecycle::kTerminating || host->triggered) return std::nullopt;  // on its way out
    std::optional<Catcher> catch_all;
    for (const ElementIndex index : instance.element_of(*host).boundary_events) {
      const Element& event = instance.process->elements[index];
      if (!event.error) continue;
      if (event.error->code == code) return Catcher{host->key, index};
      if (event.error->code.empty()) catch_all = Catcher{host->key, index};
    }
    if (catch_all) return catch_all;
  }
  return std::nullopt;
}

void Processor::throw_from_end_event(const Instance& instance, const ElementInstance& element) {
  const std::string code = instance.element_of(element).error->code;
  const auto catcher = find_catcher(instance, element, code);
  if (catcher) return trigger(instance.key, catcher->host, catcher->event, {});
  raise(instance.key, element.key, 0,
        {error_type::kUnhandledError, "Expected to throw the error '" + code + "', but no boundary event catches it"});
}

void Processor::raise(Key instance, Key element_instance, Key job, const Problem& problem) {
  writer_.append(
      IncidentCreated{instance, element_instance, writer_.next_key(), job, problem.type, problem.message.substr(0, kMaxMessageBytes)});
}

}  // namespace consilium::bpmn::engine
