// Undoing what has completed. An activity with a compensation boundary event leaves a note when it completes, and so does a
// sub-process in which there are such notes; a throw event goes by the notes of its scope.
#include <vector>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementKind;

// The instances of a multi-instance activity are undone together, by the handler of its body.
void Processor::record_compensation(Key instance_key, Key element_instance) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& element = *instance.find(element_instance);
  const Element& definition = instance.element_of(element);
  const model::ElementIndex handler = element.loop_counter > 0 ? 0 : definition.compensation_handler;
  const bool holds_some = definition.kind == ElementKind::kSubProcess && instance.has_compensable(element_instance);
  if (handler == 0 && !holds_some) return;
  writer_.append(CompensationRecorded{instance_key, writer_.next_key(), element.scope, element_instance, definition.id,
                                      handler == 0 ? "" : instance.process->elements[handler].id});
}

// In an event sub-process it reaches what is in the scope around as well.
void Processor::throw_compensation(Key instance_key, Key thrower) {
  const Instance& instance = *state_.instance(instance_key);
  const ElementInstance& event = *instance.find(thrower);
  const model::ElementIndex only = instance.element_of(event).compensated;
  std::set<Key> asked;
  for (Key scope = event.scope; scope != 0;) {
    for (auto note = instance.compensations().compensable.lower_bound({scope, 0});
         note != instance.compensations().compensable.end() && note->first == scope; ++note) {
      if (only == 0 || instance.compensations().notes.at(note->second).activity == only) asked.insert(note->second);
    }
    const ElementInstance& around = *instance.find(scope);
    scope = instance.element_of(around).kind == ElementKind::kEventSubProcess ? around.scope : 0;
  }
  for (const Key compensation : asked) trigger_compensation(instance_key, compensation, thrower, 0);
  if (instance.find(thrower)->compensations == 0) return complete(instance_key, thrower);
  push(Step::Kind::kIterate, instance_key, thrower);
}

// With all that has completed in it. The scope of an inner activity has ended, so its handler runs in that of the throw event.
void Processor::trigger_compensation(Key instance_key, Key compensation, Key thrower, Key parent) {
  const Instance& instance = *state_.instance(instance_key);
  const Compensation& note = instance.compensations().notes.at(compensation);
  const Key inside = note.activity_instance;
  if (note.handler != 0) {
    const Key event = writer_.next_key();
    const std::string& id = instance.process->elements[instance.process->elements[note.activity].compensation_event].id;
    writer_.append(ElementActivating{instance_key, event, instance.find(thrower)->scope, id, 0});
    writer_.append(ElementActivated{instance_key, event});
    writer_.append(ElementCompleting{instance_key, event});
    writer_.append(ElementCompleted{instance_key, event});
  }
  writer_.append(CompensationTriggered{instance_key, compensation, thrower, parent});
  while (instance.has_compensable(inside))
    trigger_compensation(instance_key, instance.compensations().compensable.lower_bound({inside, 0})->second, thrower, compensation);
}

// A few at a time, as with the instances of a multi-instance activity.
void Processor::start_handlers(Key instance_key, Key thrower) {
  const Instance& instance = *state_.instance(instance_key);
  const Key scope = instance.find(thrower)->scope;
  for (int begun = 0; begun < kIterationsPerStep; ++begun) {
    const auto next = instance.compensations().undoing.lower_bound({thrower, {}});
    if (next == instance.compensations().undoing.end() || next->first != thrower) return;
    const Key compensation = next->second.back();
    const Key handler = writer_.next_key();
    const Element& definition = instance.process->elements[instance.compensations().notes.at(compensation).handler];
    const model::ElementIndex element = instance.process->by_id.at(definition.id);
    writer_.append(ElementActivating{instance_key, handler, scope, definition.id, taken_by(instance_key, scope, element)});
    writer_.append(CompensationStarted{instance_key, compensation, handler});
    go_on_activating(instance_key, handler);
  }
  push(Step::Kind::kIterate, instance_key, thrower);
}

// A sub-process is undone when all in it is; the throw event goes on when all is that it asked for.
void Processor::end_compensation(Key instance_key, Key compensation) {
  const Instance& instance = *state_.instance(instance_key);
  for (Key next = compensation; next != 0;) {
    const auto found = instance.compensations().notes.find(next);
    if (found == instance.compensations().notes.end()) return;  // its throw event has ended meanwhile
    const Key thrower = found->second.thrower;
    const Key parent = found->second.parent;
    writer_.append(CompensationCompleted{instance_key, next});
    const auto around = instance.compensations().notes.find(parent);
    next = around != instance.compensations().notes.end() && around->second.inner == 0 && around->second.handler == 0 ? parent : 0;
    if (instance.find(thrower)->compensations == 0) push(Step::Kind::kComplete, instance_key, thrower);
  }
}

}  // namespace consilium::bpmn::engine
