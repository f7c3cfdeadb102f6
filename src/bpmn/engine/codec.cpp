#include "bpmn/engine/codec.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <ranges>
#include <type_traits>
#include <utility>

#include "bpmn/engine/archive.h"
#include "bpmn/engine/packing.h"

namespace consilium::bpmn::engine {
namespace {

constexpr std::uint64_t kFormVersion = 1;
// Since 2 with the locks that jobs lost, since 3 with when waits began, since 4 with repeating timers, signals, interrupted
// scopes, call activities, locks by message and multi-instance activities, since 5 with timers that repeat by the calendar,
// since 6 with compensations, since 7 with priorities of jobs and listeners.
constexpr std::uint64_t kInstanceFormVersion = 7;
constexpr std::uint64_t kStartTimerFormVersion = 3;  // since 2 with such timers, since 3 with when they began
constexpr std::uint64_t kPackedForm = 0;             // then the size of what is packed, which is of another form

// ---- the fields of each event, in the order of their bytes: never change one, add a new version

template <class Archive, class T>
void step_fields(Archive& a, T& step) {
  enumerated(a, step.kind, Step::Kind::kBegin);
  a(step.instance), a(step.element_instance), a(step.element), a(step.consumed);
  optional(a, step.result);
}

template <class T, class Event>
concept Is = std::same_as<std::remove_const_t<T>, Event>;

template <class A>
void fields(A& a, Is<ProcessDeployed> auto& e) {
  a(e.key), a(e.process_id), a(e.version), a(e.resource_name), a(e.xml);
}
template <class A>
void fields(A& a, Is<InstanceCreated> auto& e) {
  a(e.instance), a(e.process_key), a(e.idempotency_key), a(e.variables);
}
template <class A>
void fields(A& a, Is<ElementActivating> auto& e) {
  a(e.instance), a(e.element_instance), a(e.scope), a(e.element), a(e.consumed);
}
template <class A>
void fields(A& a, Is<ElementActivated> auto& e) {
  a(e.instance), a(e.element_instance);
}
template <class A>
void fields(A& a, Is<ElementCompleting> auto& e) {
  a(e.instance), a(e.element_instance);
}
template <class A>
void fields(A& a, Is<ElementCompleted> auto& e) {
  a(e.instance), a(e.element_instance);
}
template <class A>
void fields(A& a, Is<ElementTerminating> auto& e) {
  a(e.instance), a(e.element_instance);
}
template <class A>
void fields(A& a, Is<ElementTerminated> auto& e) {
  a(e.instance), a(e.element_instance);
}
template <class A>
void fields(A& a, Is<FlowTaken> auto& e) {
  a(e.instance), a(e.scope), a(e.flow);
}
template <class A>
void fields(A& a, Is<VariablesSet> auto& e) {
  a(e.instance), a(e.scope), a(e.variables);
}
template <class A>
void fields(A& a, Is<JobCreated> auto& e) {
  a(e.instance), a(e.element_instance), a(e.job), a(e.type), a(e.headers), a(e.retries);
}
template <class A>
void fields(A& a, Is<JobPrioritized> auto& e) {
  a(e.instance), a(e.job), a(e.priority);
}
template <class A>
void fields(A& a, Is<ListenerCompleted> auto& e) {
  a(e.instance), a(e.job);
}
template <class A>
void fields(A& a, Is<JobActivated> auto& e) {
  a(e.instance), a(e.job), a(e.worker), a(e.deadline);
}
template <class A>
void fields(A& a, Is<JobCompleted> auto& e) {
  a(e.instance), a(e.job), a(e.variables);
}
template <class A>
void fields(A& a, Is<JobFailed> auto& e) {
  a(e.instance), a(e.job), a(e.retries), a(e.retry_at), a(e.error_code), a(e.message);
}
template <class A>
void fields(A& a, Is<JobYielded> auto& e) {
  a(e.instance), a(e.job), a(e.retry_at);
}
template <class A>
void fields(A& a, Is<JobReady> auto& e) {
  a(e.instance), a(e.job);
}
template <class A>
void fields(A& a, Is<JobErrorThrown> auto& e) {
  a(e.instance), a(e.job), a(e.code), a(e.message);
}
template <class A>
void fields(A& a, Is<JobRetriesUpdated> auto& e) {
  a(e.instance), a(e.job), a(e.retries);
}
template <class A>
void fields(A& a, Is<TimerCreated> auto& e) {
  a(e.instance), a(e.element_instance), a(e.timer), a(e.target), a(e.due);
}
template <class A>
void fields(A& a, Is<TimerTriggered> auto& e) {
  a(e.instance), a(e.timer);
}
template <class A>
void fields(A& a, Is<SubscriptionCreated> auto& e) {
  a(e.instance), a(e.element_instance), a(e.subscription), a(e.target), a(e.name), a(e.correlation_key);
}
template <class A>
void fields(A& a, Is<MessagePublished> auto& e) {
  a(e.message), a(e.name), a(e.correlation_key), a(e.id), a(e.deadline), a(e.variables);
}
template <class A>
void fields(A& a, Is<MessageCorrelated> auto& e) {
  a(e.message), a(e.instance), a(e.subscription);
}
template <class A>
void fields(A& a, Is<MessageExpired> auto& e) {
  a(e.message);
}
template <class A>
void fields(A& a, Is<EventTriggered> auto& e) {
  a(e.instance), a(e.element_instance), a(e.target), a(e.variables);
}
template <class A>
void fields(A& a, Is<IncidentCreated> auto& e) {
  a(e.instance), a(e.element_instance), a(e.incident), a(e.job), a(e.error_type), a(e.message);
}
template <class A>
void fields(A& a, Is<IncidentResolved> auto& e) {
  a(e.instance), a(e.incident);
}
template <class A>
void fields(A& a, Is<InstanceYielded> auto& e) {
  a(e.instance), a(e.consecutive);
  sequence(a, e.steps, [](auto& archive, auto& step) { step_fields(archive, step); });
}
template <class A>
void fields(A& a, Is<InstanceContinued> auto& e) {
  a(e.instance);
}
template <class A>
void fields(A& a, Is<JobLost> auto& e) {
  a(e.instance), a(e.job), a(e.losses);
}
template <class A>
void fields(A& a, Is<JobMoved> auto& e) {
  a(e.instance), a(e.job), a(e.due);
}
template <class A>
void fields(A& a, Is<TimerMoved> auto& e) {
  a(e.instance), a(e.timer), a(e.due);
}

template <class A>
void fields(A& a, Is<ScopeInterrupted> auto& e) {
  a(e.instance), a(e.element_instance), a(e.target), a(e.variables);
}
template <class A>
void fields(A& a, Is<ScopeResumed> auto& e) {
  a(e.instance), a(e.element_instance);
}
template <class A>
void fields(A& a, Is<SignalSubscribed> auto& e) {
  a(e.instance), a(e.element_instance), a(e.subscription), a(e.target), a(e.name);
}
template <class A>
void fields(A& a, Is<SignalBroadcast> auto& e) {
  a(e.signal), a(e.name), a(e.variables);
}
template <class A>
void fields(A& a, Is<BroadcastYielded> auto& e) {
  a(e.signal), a(e.name), a(e.variables), a(e.yields), a(e.element_instance), a(e.subscription);
}
template <class A>
void fields(A& a, Is<BroadcastEnded> auto& e) {
  a(e.signal);
}
template <class A>
void fields(A& a, Is<DeploymentMade> auto& e) {
  a(e.deployment);
}
template <class A>
void fields(A& a, Is<RepeatingTimerCreated> auto& e) {
  a(e.instance), a(e.element_instance), a(e.timer), a(e.target), a(e.due), a(e.repetitions), a(e.interval);
}
template <class A>
void fields(A& a, Is<StartTimerCreated> auto& e) {
  a(e.timer), a(e.process_key), a(e.target), a(e.due), a(e.repetitions), a(e.interval);
}
template <class A>
void fields(A& a, Is<CalendarTimerCreated> auto& e) {
  a(e.instance), a(e.element_instance), a(e.timer), a(e.target), a(e.due), a(e.repetitions), a(e.cycle);
}
template <class A>
void fields(A& a, Is<CalendarStartTimerCreated> auto& e) {
  a(e.timer), a(e.process_key), a(e.target), a(e.due), a(e.repetitions), a(e.cycle);
}
template <class A>
void fields(A& a, Is<StartTimerMoved> auto& e) {
  a(e.timer), a(e.due);
}
template <class A>
void fields(A& a, Is<StartTimerTriggered> auto& e) {
  a(e.timer);
}
template <class A>
void fields(A& a, Is<StartTimerCanceled> auto& e) {
  a(e.timer);
}
template <class A>
void fields(A& a, Is<InstanceLocked> auto& e) {
  a(e.instance), a(e.message_name), a(e.correlation_key);
}
template <class A>
void fields(A& a, Is<ChildStarted> auto& e) {
  a(e.instance), a(e.parent), a(e.call_activity);
}

template <class A>
void fields(A& a, Is<LoopStarted> auto& e) {
  a(e.instance), a(e.element_instance), a(e.items);
}
template <class A>
void fields(A& a, Is<LoopOutputCollected> auto& e) {
  a(e.instance), a(e.element_instance), a(e.loop_counter), a(e.output);
}

template <class A>
void fields(A& a, Is<InstanceMigrated> auto& e) {
  a(e.instance), a(e.process_key), a(e.mapping);
}

template <class A>
void fields(A& a, Is<ProcessBound> auto& e) {
  a(e.process);
  sequence(a, e.targets, [](auto& archive, auto& target) {
    enumerated(archive, target.kind, Deployable::kForm);
    archive(target.id), archive(target.key);
  });
}
template <class A>
void fields(A& a, Is<ProcessDeleted> auto& e) {
  a(e.key);
}
template <class A>
void fields(A& a, Is<DecisionsDeployed> auto& e) {
  a(e.key), a(e.id), a(e.version), a(e.resource_name), a(e.xml);
  sequence(a, e.decisions, [](auto& archive, auto& decision) { archive(decision.key), archive(decision.id), archive(decision.version); });
}
template <class A>
void fields(A& a, Is<DecisionsDeleted> auto& e) {
  a(e.key);
}
template <class A>
void fields(A& a, Is<DecisionEvaluated> auto& e) {
  a(e.evaluation), a(e.decision);
}

template <class A>
void fields(A& a, Is<FormDeployed> auto& e) {
  a(e.key), a(e.id), a(e.version), a(e.resource_name), a(e.content);
}
template <class A>
void fields(A& a, Is<FormDeleted> auto& e) {
  a(e.key);
}
template <class A>
void fields(A& a, Is<CompensationRecorded> auto& e) {
  a(e.instance), a(e.compensation), a(e.scope), a(e.activity_instance), a(e.activity), a(e.handler);
}
template <class A>
void fields(A& a, Is<CompensationTriggered> auto& e) {
  a(e.instance), a(e.compensation), a(e.thrower), a(e.parent);
}
template <class A>
void fields(A& a, Is<CompensationStarted> auto& e) {
  a(e.instance), a(e.compensation), a(e.handler);
}
template <class A>
void fields(A& a, Is<CompensationCompleted> auto& e) {
  a(e.instance), a(e.compensation);
}

using Decoder = void (*)(Reader&, Event&);

struct KnownEvent {
  RecordType type;
  Decoder decode;
};

template <std::size_t... kIndex>
constexpr auto known_events(std::index_sequence<kIndex...>) {
  return std::array<KnownEvent, sizeof...(kIndex)>{KnownEvent{
      std::variant_alternative_t<kIndex, Event>::kType, [](Reader& reader, Event& event) { fields(reader, event.emplace<kIndex>()); }}...};
}

constexpr auto kKnownEvents = known_events(std::make_index_sequence<std::variant_size_v<Event>>());

bool decode_event(Reader& reader, Event& event) {
  const std::uint64_t number = reader.number();
  const std::uint64_t version = reader.number();
  for (const KnownEvent& known : kKnownEvents) {
    if (known.type.number != number || known.type.version != version) continue;
    known.decode(reader, event);
    return reader.good();
  }
  reader.refuse();
  return false;
}

// ---- checkpoints

template <class Archive>
void element_reference(Archive& archive, const model::Process& process, auto& index) {
  if constexpr (Archive::kReads) {
    std::string id;
    archive(id);
    const auto found = process.by_id.find(id);
    if (found == process.by_id.end())
      archive.refuse();
    else
      index = found->second;
  } else {
    archive(process.elements[index].id);
  }
}

template <class Archive>
void waiting_tokens(Archive& archive, const model::Process& process, auto& tokens) {
  if constexpr (Archive::kReads) {
    const std::size_t size = archive.count();
    for (std::size_t i = 0; i < size && archive.good(); ++i) {
      std::string id;
      std::int32_t waiting = 0;
      archive(id), archive(waiting);
      const auto found = process.flow_by_id.find(id);
      if (found == process.flow_by_id.end())
        archive.refuse();
      else
        tokens[found->second] = waiting;
    }
  } else {
    archive.number(tokens.size());
    for (const auto& [flow, waiting] : tokens) archive(process.flows[flow].id), archive(waiting);
  }
}

template <class Archive>
void element_fields(Archive& a, const model::Process& process, auto& element) {
  a(element.key), a(element.scope);
  element_reference(a, process, element.element);
  enumerated(a, element.state, Lifecycle::kTerminating);
  a(element.started_at), a(element.variables), a(element.job), a(element.incident), a(element.children), a(element.active_flows);
  waiting_tokens(a, process, element.waiting_tokens);
  bool triggered = element.triggered.has_value();
  a(triggered);
  if (triggered) {
    if constexpr (Archive::kReads) element.triggered.emplace();
    element_reference(a, process, *element.triggered);
  }
  optional(a, element.result);
}

template <class Archive>
void job_fields(Archive& a, auto& job) {
  a(job.key), a(job.element_instance), a(job.type), a(job.headers), a(job.retries), a(job.failures);
  enumerated(a, job.state, JobState::kErrorThrown);
  a(job.worker), a(job.due);
}

template <class Archive>
void timer_fields(Archive& a, const model::Process& process, auto& timer) {
  a(timer.key), a(timer.element_instance);
  element_reference(a, process, timer.target);
  a(timer.due);
}

template <class Archive>
void subscription_fields(Archive& a, const model::Process& process, auto& subscription) {
  a(subscription.key), a(subscription.element_instance);
  element_reference(a, process, subscription.target);
  a(subscription.name), a(subscription.correlation_key);
}

template <class Archive>
void incident_fields(Archive& a, auto& incident) {
  a(incident.key), a(incident.element_instance), a(incident.job), a(incident.error_type), a(incident.message), a(incident.created_at);
}

template <class Archive, class T, class Each>
void keyed(Archive& archive, std::map<Key, T>& map, Each each) {
  const std::size_t size = archive.count();
  for (std::size_t i = 0; i < size && archive.good(); ++i) {
    T item;
    each(archive, item);
    const Key key = item.key;
    map.emplace(key, std::move(item));
  }
}

template <class Archive, class T, class Each>
void keyed(Archive& archive, const std::map<Key, T>& map, Each each) {
  archive.number(map.size());
  for (const auto& [key, item] : map) each(archive, item);
}

template <class Archive>
void instance_parts(Archive& a, const model::Process& process, auto& instance) {
  keyed(a, instance.elements, [&](auto& archive, auto& item) { element_fields(archive, process, item); });
  keyed(a, instance.jobs, [&](auto& archive, auto& item) { job_fields(archive, item); });
  keyed(a, instance.timers, [&](auto& archive, auto& item) { timer_fields(archive, process, item); });
  keyed(a, instance.subscriptions, [&](auto& archive, auto& item) { subscription_fields(archive, process, item); });
  keyed(a, instance.incidents, [&](auto& archive, auto& item) { incident_fields(archive, item); });
  a(instance.yields);
  sequence(a, instance.pending, [](auto& archive, auto& step) { step_fields(archive, step); });
}

template <class Archive>
void start_timer_fields(Archive& a, auto& timer) {
  a(timer.key), a(timer.process_key), a(timer.target), a(timer.due), a(timer.repetitions), a(timer.interval);
}

template <class Archive>
void retired_fields(Archive& a, auto& retired) {
  a(retired.key);
  enumerated(a, retired.kind, Deployable::kForm);
  a(retired.id), a(retired.version);
}

template <class Archive>
void message_fields(Archive& a, auto& message) {
  a(message.key), a(message.name), a(message.correlation_key), a(message.id), a(message.deadline), a(message.variables);
}

template <class Archive>
void list_field(Archive& a, auto& list) {
  Context named;
  if constexpr (!Archive::kReads) named.emplace("list", feel::Value(list));
  a.whole(named);
  if constexpr (Archive::kReads) {
    const auto found = named.find("list");
    if (found != named.end() && found->second.list())
      list = *found->second.list();
    else
      a.refuse();
  }
}

template <class Archive>
void loop_fields(Archive& a, auto& element) {
  a(element.loop_counter);
  bool is_body = element.loop.has_value();
  a(is_body);
  if (!is_body) return;
  if constexpr (Archive::kReads) element.loop.emplace();
  list_field(a, element.loop->items), list_field(a, element.loop->outputs);
  a(element.loop->started), a(element.loop->completed);
}

// What form 4 has beyond form 3.
template <class Archive>
void fourth_form(Archive& a, auto& instance) {
  for (auto& [key, element] : instance.elements) a(element.interrupted), a(element.child), loop_fields(a, element);
  for (auto& [key, timer] : instance.timers) a(timer.repetitions), a(timer.interval);
  for (auto& [key, subscription] : instance.subscriptions) a(subscription.is_signal);
  a(instance.lock_message), a(instance.lock_key), a(instance.parent), a(instance.call_activity), a(instance.depth);
}

// What form 5 has beyond form 4.
template <class Archive>
void fifth_form(Archive& a, auto& instance) {
  for (auto& [key, timer] : instance.timers) a(timer.cycle);
}

template <class Archive>
void compensation_fields(Archive& a, const model::Process& process, auto& compensation) {
  a(compensation.key), a(compensation.scope), a(compensation.activity_instance);
  element_reference(a, process, compensation.activity);
  element_reference(a, process, compensation.handler);  // the process stands for none
  a(compensation.thrower), a(compensation.parent), a(compensation.handler_instance);
}

// What form 6 has beyond form 5.
template <class Archive>
void sixth_form(Archive& a, const model::Process& process, auto& instance) {
  const auto each = [&](auto& archive, auto& item) { compensation_fields(archive, process, item); };
  if constexpr (Archive::kReads) {
    std::map<Key, Compensation> notes;
    keyed(a, notes, each);
    if (!notes.empty()) instance.own_compensations.made().notes = std::move(notes);
  } else {
    keyed(a, instance.compensations().notes, each);
  }
}

// What form 7 has beyond form 6.
template <class Archive>
void seventh_form(Archive& a, auto& instance) {
  for (auto& [key, job] : instance.jobs) a(job.priority);
  for (auto& [key, element] : instance.elements) a(element.listeners_done);
}

std::unexpected<std::string> damaged(std::string_view what) {
  return std::unexpected("the " + std::string(what) + " is damaged or of a newer version");
}

bool is_version(std::int32_t number) { return number >= 1 && number < std::numeric_limits<std::int32_t>::max(); }

// What the rest of the engine takes for granted of an instance.
bool is_consistent(const Instance& instance) {
  const auto holds = [&](Key key) { return instance.elements.contains(key); };
  if (!holds(instance.key) || instance.elements.at(instance.key).scope != 0) return false;
  for (const auto& [key, element] : instance.elements) {
    if (key != instance.key && (!holds(element.scope) || element.scope >= key)) return false;  // scopes are older: no cycles
    if (element.loop && (!instance.element_of(element).loop || element.loop->outputs.size() != element.loop->items.size() ||
                         element.loop->started < 0 || !std::cmp_less_equal(element.loop->started, element.loop->items.size())))
      return false;
    const ElementInstance* around = instance.find(element.scope);
    if (element.listeners_done < 0) return false;
    const bool iterates = around && around->loop && around->element == element.element;
    if (iterates != (element.loop_counter > 0) || (iterates && element.loop_counter > around->loop->started)) return false;
    if (element.job != 0 && !instance.jobs.contains(element.job)) return false;
    if (element.incident != 0 && !instance.incidents.contains(element.incident)) return false;
  }
  for (const auto& [key, job] : instance.jobs) {
    if (!holds(job.element_instance)) return false;
  }
  for (const auto& [key, timer] : instance.timers) {
    if (!holds(timer.element_instance)) return false;
  }
  for (const auto& [key, subscription] : instance.subscriptions) {
    if (!holds(subscription.element_instance) || instance.timers.contains(key)) return false;
  }
  for (const auto& [key, incident] : instance.incidents) {
    if (!holds(incident.element_instance) || (incident.job != 0 && !instance.jobs.contains(incident.job))) return false;
  }
  const auto& notes = instance.compensations().notes;
  return std::all_of(notes.begin(), notes.end(), [&](const auto& item) {
    const Compensation& compensation = item.second;
    const auto parent = notes.find(compensation.parent);
    if (parent != notes.end() && (parent->first == item.first || parent->second.thrower != compensation.thrower)) return false;
    return compensation.thrower == 0 ? compensation.parent == 0 : holds(compensation.thrower);
  });
}

}  // namespace

std::string encode_record(const Record& record) {
  Writer writer;
  writer.number(kFormVersion);
  writer(record.at);
  writer.number(record.events.size());
  for (const Event& event : record.events) {
    std::visit(
        [&](const auto& e) {
          writer.number(e.kType.number);
          writer.number(e.kType.version);
          fields(writer, e);
        },
        event);
  }
  return writer.take();
}

std::expected<Record, std::string> decode_record(std::string_view bytes) {
  Reader reader(bytes);
  Record record;
  if (reader.number() != kFormVersion) return damaged("journal record");
  reader(record.at);
  const std::size_t size = reader.count();
  for (std::size_t i = 0; i < size; ++i) {
    if (!decode_event(reader, record.events.emplace_back())) return damaged("journal record");
  }
  if (!reader.good() || !reader.at_end()) return damaged("journal record");
  return record;
}

std::string encode_instance(const Instance& instance) {
  Writer writer;
  writer.number(kInstanceFormVersion);
  writer(instance.key);
  writer(instance.process_key);
  writer(instance.idempotency_key);
  writer(instance.started_at);
  instance_parts(writer, *instance.process, instance);
  for (const auto& [key, job] : instance.jobs) writer(job.losses);
  for (const auto& [key, job] : instance.jobs) writer(job.since);
  for (const auto& [key, timer] : instance.timers) writer(timer.since);
  fourth_form(writer, instance);
  fifth_form(writer, instance);
  sixth_form(writer, *instance.process, instance);
  seventh_form(writer, instance);
  return writer.take();
}

std::string pack_instance(const Instance& instance) {
  std::string plain = encode_instance(instance);
  Writer head;
  head.number(kPackedForm);
  head.number(plain.size());
  std::string packed = head.take() + pack(plain);
  return packed.size() < plain.size() ? packed : plain;
}

std::expected<Instance, std::string> decode_instance(const State& state, std::string_view bytes, Variables variables) {
  Reader reader(bytes, variables);
  Instance instance;
  const std::uint64_t form = reader.number();
  if (form == kPackedForm && reader.good()) {
    const std::uint64_t size = reader.number();
    const auto plain = unpack(reader.rest(), size);
    if (!plain || plain->empty() || plain->front() == '\0') return damaged("checkpoint of an instance");  // packed once at most
    return decode_instance(state, *plain, variables);
  }
  if (form < 1 || form > kInstanceFormVersion) return damaged("checkpoint of an instance");
  reader(instance.key);
  reader(instance.process_key);
  reader(instance.idempotency_key);
  reader(instance.started_at);
  const Definition* definition = state.definition(instance.process_key);
  if (!reader.good() || !definition) return damaged("checkpoint of an instance");
  instance.version = definition->version;
  instance.process = definition->process;
  instance_parts(reader, *instance.process, instance);
  if (form >= 2) {
    for (auto& [key, job] : instance.jobs) reader(job.losses);
  }
  if (form >= 3) {
    for (auto& [key, job] : instance.jobs) reader(job.since);
    for (auto& [key, timer] : instance.timers) reader(timer.since);
  }
  if (form >= 4) fourth_form(reader, instance);
  if (form >= 5) fifth_form(reader, instance);
  if (form >= 6) sixth_form(reader, *instance.process, instance);
  if (form >= 7) seventh_form(reader, instance);
  if (!reader.good() || !reader.at_end() || !is_consistent(instance)) return damaged("checkpoint of an instance");
  instance.link_all();
  return instance;
}

std::string encode_message(const Message& message) {
  Writer writer;
  writer.number(kFormVersion);
  message_fields(writer, message);
  writer.number(message.correlated.size());
  for (const std::string& process : message.correlated) writer(process);
  return writer.take();
}

std::expected<Message, std::string> decode_message(std::string_view bytes) {
  Reader reader(bytes);
  Message message;
  if (reader.number() != kFormVersion) return damaged("checkpoint of a message");
  message_fields(reader, message);
  const std::size_t size = reader.count();
  for (std::size_t i = 0; i < size && reader.good(); ++i) {
    std::string process;
    reader(process);
    message.correlated.insert(std::move(process));
  }
  if (!reader.good() || !reader.at_end()) return damaged("checkpoint of a message");
  return message;
}

std::string encode_start_timer(const StartTimer& timer) {
  Writer writer;
  writer.number(kStartTimerFormVersion);
  start_timer_fields(writer, timer);
  writer(timer.cycle);
  writer(timer.since);
  return writer.take();
}

std::expected<StartTimer, std::string> decode_start_timer(const State& state, std::string_view bytes) {
  Reader reader(bytes);
  StartTimer timer;
  const std::uint64_t form = reader.number();
  if (form < 1 || form > kStartTimerFormVersion) return damaged("checkpoint of a start timer");
  start_timer_fields(reader, timer);
  if (form >= 2) reader(timer.cycle);
  if (form >= 3) reader(timer.since);
  const Definition* definition = state.definition(timer.process_key);
  if (!reader.good() || !reader.at_end() || !definition || !definition->process->find(timer.target))
    return damaged("checkpoint of a start timer");
  return timer;
}

std::string encode_requirements(const Requirements& deployed) {
  Writer writer;
  writer.number(kFormVersion);
  const DecisionsDeployed event{deployed.key, deployed.id, deployed.version, deployed.resource_name, deployed.xml, deployed.decisions};
  fields(writer, event);
  return writer.take();
}

std::expected<Requirements, std::string> decode_requirements(std::string_view bytes) {
  Reader reader(bytes);
  DecisionsDeployed event;
  if (reader.number() != kFormVersion) return damaged("checkpoint of decisions");
  fields(reader, event);
  const bool is_numbered = is_version(event.version) && std::all_of(event.decisions.begin(), event.decisions.end(),
                                                                    [](const auto& decision) { return is_version(decision.version); });
  if (!reader.good() || !reader.at_end() || !is_numbered) return damaged("checkpoint of decisions");
  return Requirements{
      event.key, std::move(event.id), event.version, std::move(event.resource_name), std::move(event.xml), std::move(event.decisions),
      nullptr};
}

std::string encode_form(const Form& form) {
  Writer writer;
  writer.number(kFormVersion);
  const FormDeployed event{form.key, form.id, form.version, form.resource_name, form.content};
  fields(writer, event);
  return writer.take();
}

std::expected<Form, std::string> decode_form(std::string_view bytes) {
  Reader reader(bytes);
  FormDeployed event;
  if (reader.number() != kFormVersion) return damaged("checkpoint of a form");
  fields(reader, event);
  if (!reader.good() || !reader.at_end() || !is_version(event.version)) return damaged("checkpoint of a form");
  return Form{event.key, std::move(event.id), event.version, std::move(event.resource_name), std::move(event.content)};
}

std::string encode_retired(const Retired& retired) {
  Writer writer;
  writer.number(kFormVersion);
  retired_fields(writer, retired);
  return writer.take();
}

std::expected<Retired, std::string> decode_retired(std::string_view bytes) {
  Reader reader(bytes);
  Retired retired;
  if (reader.number() != kFormVersion) return damaged("checkpoint of a deleted version");
  retired_fields(reader, retired);
  if (!reader.good() || !reader.at_end() || !is_version(retired.version)) return damaged("checkpoint of a deleted version");
  return retired;
}

std::string encode_broadcast(const Broadcast& broadcast) {
  Writer writer;
  writer.number(kFormVersion);
  const auto& [signal, name, variables, yields, reached] = broadcast;
  const BroadcastYielded kept{signal, name, variables, yields, reached.element_instance, reached.subscription};
  fields(writer, kept);
  return writer.take();
}

std::expected<Broadcast, std::string> decode_broadcast(std::string_view bytes) {
  Reader reader(bytes);
  BroadcastYielded event;
  if (reader.number() != kFormVersion) return damaged("checkpoint of a broadcast");
  fields(reader, event);
  if (!reader.good() || !reader.at_end()) return damaged("checkpoint of a broadcast");
  const Waiter reached{event.element_instance, event.subscription};
  return Broadcast{event.signal, std::move(event.name), std::move(event.variables), event.yields, reached};
}

std::string encode_bound(const ProcessBound& bound) {
  Writer writer;
  writer.number(kFormVersion);
  fields(writer, bound);
  return writer.take();
}

std::expected<ProcessBound, std::string> decode_bound(std::string_view bytes) {
  Reader reader(bytes);
  ProcessBound bound;
  if (reader.number() != kFormVersion) return damaged("checkpoint of what was deployed together");
  fields(reader, bound);
  if (!reader.good() || !reader.at_end()) return damaged("checkpoint of what was deployed together");
  return bound;
}

std::string snapshot(const State& state) {
  Writer writer;
  writer(state.last_counter());
  for (const auto& [key, definition] : state.definitions()) {
    writer(key);
    writer(definition.version);
    writer(definition.process->id);
    writer(definition.xml);
    writer(state.active_instances(key));
    writer(state.newest(definition.process->id)->key);
  }
  for (const auto& [key, requirements] : state.all_requirements()) {
    writer(encode_requirements(requirements));
    writer(state.newest_requirements(requirements.id)->key);
    for (const DecisionsDeployed::Decision& decision : requirements.decisions) writer(state.newest_decision(decision.id));
  }
  for (const auto& [key, form] : state.forms()) {
    writer(encode_form(form));
    writer(state.newest_form(form.id)->key);
  }
  for (const auto& [key, retired] : state.retired()) writer(encode_retired(retired));
  for (const auto& [key, broadcast] : state.broadcasts()) writer(encode_broadcast(broadcast));
  for (const auto& [key, bound] : state.all_bound()) writer(encode_bound(bound));
  std::vector<Key> keys;
  for (Key key = state.instance_before(std::numeric_limits<Key>::max()); key != 0; key = state.instance_before(key)) keys.push_back(key);
  for (const Key key : std::views::reverse(keys)) state.look_at(key, [&](const Instance& instance) { writer(encode_instance(instance)); });
  for (const auto& [key, message] : state.messages()) writer(encode_message(message));
  for (const auto& [key, timer] : state.start_timers()) writer(encode_start_timer(timer));
  for (const Due& due : state.due()) {  // derived, and therefore worth comparing
    writer(due.at);
    writer(due.key);
  }
  for (const Due& begun : state.begun()) {
    writer(begun.at);
    writer(begun.key);
  }
  return writer.take();
}

}  // namespace consilium::bpmn::engine
