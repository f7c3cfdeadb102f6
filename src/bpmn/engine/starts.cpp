// Instances that begin without anybody asking for them: by a message, a timer or a signal.
#include <algorithm>
#include <ranges>

#include "bpmn/engine/processor.h"

namespace consilium::bpmn::engine {

using model::Element;
using model::ElementIndex;

namespace {

template <class Fits>
const Element* find_start(const Definition& definition, Fits fits) {
  for (const ElementIndex index : definition.process->elements[model::kProcessElement].triggered_starts) {
    const Element& start = definition.process->elements[index];
    if (fits(start)) return &start;
  }
  return nullptr;
}

}  // namespace

// The element of the start event takes the variables, and so its output mappings do.
void Processor::begin_instance(Key instance, std::string_view start_event, const Context& variables) {
  writer_.append(EventTriggered{instance, instance, std::string(start_event), variables});
  push(Step::Kind::kReactivate, instance, instance);
}

// One instance of each process; none while another that such a message with this key started is active.
void Processor::start_by_message(const Message& message) {
  const Key key = message.key;
  const std::set<Key> definitions = state_.started_by_message(message.name);
  for (const Key definition : definitions) start_by_message(key, *state_.definition(definition));
}

void Processor::start_by_message(Key message_key, const Definition& definition) {
  const Message& message = *state_.message(message_key);
  if (message.correlated.contains(definition.process->id)) return;
  if (!message.correlation_key.empty() && state_.locked_by(definition.process->id, message.correlation_key) != 0) return;
  const Element* start =
      find_start(definition, [&](const Element& candidate) { return candidate.message && candidate.message->name.text() == message.name; });
  if (!start) return;
  const Key instance = writer_.next_key();
  const Context variables = message.variables;
  writer_.append(InstanceCreated{instance, definition.key, "", {}});
  if (!message.correlation_key.empty()) writer_.append(InstanceLocked{instance, message.name, message.correlation_key});
  writer_.append(MessageCorrelated{message_key, instance, 0});
  begin_instance(instance, start->id, variables);
}

// An instance that held the lock has ended: the oldest message that still waits for it starts the next.
void Processor::start_next(const std::string& process_id, const std::string& correlation_key) {
  const Definition* definition = state_.newest(process_id);
  if (!definition || correlation_key.empty()) return;
  const Message* next = nullptr;
  for (const ElementIndex index : definition->process->elements[model::kProcessElement].triggered_starts) {
    const Element& start = definition->process->elements[index];
    const Message* waiting =
        start.message ? state_.oldest_buffered(start.message->name.text(), correlation_key, process_id, now_) : nullptr;
    if (waiting && (!next || waiting->key < next->key)) next = waiting;
  }
  if (next) start_by_message(next->key, *definition);
}

// ---- timers

// The timers of a process are computed when it is deployed, and so is what is wrong with them.
void Processor::find_start_faults(const std::string& file, const model::Process& process, std::vector<model::Finding>& findings) const {
  const Context none;
  for (const ElementIndex index : process.elements[model::kProcessElement].triggered_starts) {
    const Element& start = process.elements[index];
    if (!start.timer) continue;
    const auto schedule = evaluate_timer(*start.timer, feel::ContextScope(none));
    if (!schedule) findings.push_back({file, start.id, schedule.error().message});
  }
}

void Processor::schedule_starts(const Definition& definition) {
  const Context none;
  for (const ElementIndex index : definition.process->elements[model::kProcessElement].triggered_starts) {
    const Element& start = definition.process->elements[index];
    if (!start.timer) continue;
    const auto schedule = evaluate_timer(*start.timer, feel::ContextScope(none));
    if (schedule) create_start_timer(definition, start.id, *schedule);
  }
}

void Processor::cancel_starts(Key process_key) {
  std::vector<Key> ended;
  for (const auto& [key, timer] : state_.start_timers()) {
    if (timer.process_key == process_key) ended.push_back(key);
  }
  for (const Key key : ended) writer_.append(StartTimerCanceled{key});
}

void Processor::create_start_timer(const Definition& definition, const std::string& target, const Schedule& schedule) {
  const Key key = writer_.next_key();
  if (schedule.cycle.empty())
    writer_.append(StartTimerCreated{key, definition.key, target, schedule.due, schedule.repetitions, schedule.interval.microseconds});
  else
    writer_.append(CalendarStartTimerCreated{key, definition.key, target, schedule.due, schedule.repetitions, schedule.cycle});
}

void Processor::start_by_timer(Key key) {
  const StartTimer timer = state_.start_timers().at(key);
  const Definition& definition = *state_.definition(timer.process_key);
  writer_.append(StartTimerTriggered{key});
  const Key instance = writer_.next_key();
  writer_.append(InstanceCreated{instance, definition.key, "", {}});
  begin_instance(instance, timer.target, {});
  if (const auto next = repeated(timer.due, timer.repetitions, timer.interval, timer.cycle))
    create_start_timer(definition, timer.target, *next);
}

// ---- signals

void Processor::operator()(const BroadcastSignal& command) {
  if (command.name.size() > kMaxNameBytes)
    return reject(Rejection::Code::kInvalidArgument, "Expected a signal with a name up to 1024 bytes, but it is longer");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected a signal with variables, but " + problem);
  outcome_.key = writer_.next_key();
  broadcast(command.name, command.variables);
}

void Processor::push_broadcast(Key instance, Key element_instance, const std::string& name, const Context& variables) {
  Step& step = push(Step::Kind::kBroadcast, instance, element_instance);
  step.element = name;
  step.result = variables;
}

// To the processes that it starts and the elements that wait for it, in the order of their keys, as in Zeebe.
void Processor::broadcast(const std::string& name, const Context& variables) {
  const Key signal = writer_.next_key();
  writer_.append(SignalBroadcast{signal, name, variables});
  go_on_broadcasting({signal, name, variables, yields_before_ + 1, {}}, state_.started_by_signal(name));
}

// So many in a command, and none while an earlier one of the same name is on its way: it comes first to everybody. What the signal starts
// is begun at once in any case.
void Processor::go_on_broadcasting(Broadcast broadcast, std::set<Key> starts) {
  const Broadcast* const oldest = state_.oldest_broadcast(broadcast.name);
  const bool was_kept = oldest && oldest->signal == broadcast.signal;
  const bool is_its_turn = !oldest || was_kept;
  const auto start_before = [&](Key receiver) {
    for (; !starts.empty() && *starts.begin() < receiver; starts.erase(starts.begin()))
      start_by_signal(*state_.definition(*starts.begin()), broadcast.name, broadcast.variables);
  };
  // What began to wait later is not told. Each one is looked for anew, as what is told changes who waits.
  const auto next = [&] {
    const std::set<Waiter>& waiters = state_.signal_waiters(broadcast.name);
    auto found = waiters.upper_bound(broadcast.reached);
    while (found != waiters.end() && found->subscription > broadcast.signal && found->element_instance < broadcast.signal) ++found;
    return found == waiters.end() || found->element_instance > broadcast.signal ? Waiter() : *found;
  };
  for (Waiter waiter = next(); waiter.subscription != 0; waiter = next()) {
    if (!is_its_turn || has_done_enough(told_)) {
      start_before(broadcast.signal);
      const auto& [signal, name, variables, yields, reached] = broadcast;
      if (was_kept) return writer_.append(BroadcastYielded{signal, {}, {}, yields, reached.element_instance, reached.subscription});
      writer_.append(BroadcastYielded{signal, name, variables, yields, reached.element_instance, reached.subscription});
      return outcome_.to_continue.push_back(signal);
    }
    start_before(waiter.element_instance);
    signal(waiter.subscription, broadcast.variables);
    broadcast.reached = waiter;
    ++told_;
  }
  start_before(broadcast.signal);
  if (was_kept) writer_.append(BroadcastEnded{broadcast.signal});
}

// Whichever of them asks, the oldest of its name goes on; each asks until it is through itself.
void Processor::go_on_with_broadcasts(Key signal, const std::string& name) {
  const Broadcast oldest = *state_.oldest_broadcast(name);
  yields_before_ = oldest.yields;
  go_on_broadcasting(oldest, {});
  if (state_.broadcast(signal)) outcome_.to_continue.push_back(signal);
}

void Processor::start_by_signal(const Definition& definition, const std::string& name, const Context& variables) {
  const Element* start =
      find_start(definition, [&](const Element& candidate) { return candidate.signal && candidate.signal->name.text() == name; });
  if (!start) return;
  const Key instance = writer_.next_key();
  writer_.append(InstanceCreated{instance, definition.key, "", {}});
  begin_instance(instance, start->id, variables);
}

void Processor::signal(Key subscription, const Context& variables) {
  const Instance* instance = state_.owner_of(subscription);  // null: an earlier one has ended it
  if (!instance) return;
  const Subscription waiting = instance->subscriptions.at(subscription);
  if (!instance->can_be_triggered(instance->elements.at(waiting.element_instance)) || !check_room(*instance, variables).empty()) return;
  trigger(instance->key, waiting.element_instance, waiting.target, variables);
}

}  // namespace consilium::bpmn::engine
