#include "bpmn/engine/state.h"

#include <algorithm>

namespace consilium::bpmn::engine {
namespace {

const std::set<Key> kNone;

template <class Map, class Name>
const std::set<Key>& set_of(const Map& map, const Name& name) {
  const auto found = map.find(name);
  return found == map.end() ? kNone : found->second;
}

template <class Map, class Name>
void erase_from(Map& map, const Name& name, Key key) {
  const auto found = map.find(name);
  if (found == map.end()) return;
  found->second.erase(key);
  if (found->second.empty()) map.erase(found);
}

}  // namespace

const ElementInstance* Instance::find(Key element_instance) const {
  const auto found = elements.find(element_instance);
  return found == elements.end() ? nullptr : &found->second;
}

bool Instance::is_leaving(const ElementInstance& instance) const {
  if (!instance.triggered) return false;
  const model::Element& event = process->elements[*instance.triggered];
  return event.kind == model::ElementKind::kBoundaryEvent && *instance.triggered != instance.element;
}

bool Instance::still_waits(const ElementInstance& instance) const {
  if (!instance.triggered) return true;
  const model::Element& event = process->elements[*instance.triggered];
  return event.kind == model::ElementKind::kStartEvent && !instance.interrupted;
}

bool Instance::is_swept_away(const ElementInstance& instance) const {
  const ElementInstance* around = find(instance.scope);
  if (!around || !around->interrupted) return false;
  return !around->triggered || process->elements[*around->triggered].scope != instance.element;
}

const Definition* State::definition(Key key) const {
  const auto found = definitions_.find(key);
  return found == definitions_.end() ? nullptr : &found->second;
}

const Definition* State::newest(std::string_view process_id) const {
  const auto found = newest_.find(process_id);
  return found == newest_.end() ? nullptr : definition(found->second);
}

const Definition* State::version(std::string_view process_id, std::int32_t version) const {
  const auto found = versions_.find(std::pair(std::string(process_id), version));
  return found == versions_.end() ? nullptr : definition(found->second);
}

const Instance* State::instance(Key key) const {
  const auto found = instances_.find(key);
  return found == instances_.end() ? nullptr : &found->second;
}

const Instance* State::owner_of(Key key) const {
  const auto found = owners_.find(key);
  return found == owners_.end() ? nullptr : instance(found->second);
}

Key State::instance_of_idempotency_key(std::string_view key) const {
  const auto found = idempotency_.find(key);
  return found == idempotency_.end() ? 0 : found->second;
}

const std::set<Key>& State::activatable(std::string_view job_type) const { return set_of(activatable_, job_type); }

const std::set<Key>& State::activated(std::string_view job_type, std::string_view worker) const {
  return set_of(activated_, Pair(job_type, worker));
}

const std::set<Key>& State::subscriptions(std::string_view name, std::string_view correlation_key) const {
  return set_of(subscriptions_, Pair(name, correlation_key));
}

const std::set<Key>& State::signal_subscriptions(std::string_view name) const { return set_of(signal_subscriptions_, name); }

const std::set<Key>& State::started_by_message(std::string_view name) const { return set_of(started_by_message_, name); }

const std::set<Key>& State::started_by_signal(std::string_view name) const { return set_of(started_by_signal_, name); }

Key State::locked_by(std::string_view process_id, std::string_view correlation_key) const {
  const auto found = locks_.find(Pair(process_id, correlation_key));
  return found == locks_.end() ? 0 : found->second;
}

const std::set<Key>& State::buffered(std::string_view name, std::string_view correlation_key) const {
  return set_of(buffered_, Pair(name, correlation_key));
}

const Message* State::message(Key key) const {
  const auto found = messages_.find(key);
  return found == messages_.end() ? nullptr : &found->second;
}

bool State::is_known_message(std::string_view name, std::string_view correlation_key, std::string_view id) const {
  return message_ids_.contains({std::string(name), std::string(correlation_key), std::string(id)});
}

void State::forget_changes() {
  changed_instances_.clear();
  changed_messages_.clear();
  changed_start_timers_.clear();
}

std::expected<void, std::string> State::restore_definition(Key key, std::string process_id, std::int32_t version, std::string resource_name,
                                                           std::string xml) {
  Definition definition;
  definition.key = key;
  definition.version = version;
  auto read = model::read_model(resource_name, xml);
  if (!read) return std::unexpected("the deployed model '" + process_id + "' cannot be read: " + read.error().front().message);
  for (const model::ProcessPointer& process : *read) {
    if (process->id == process_id) definition.process = process;
  }
  if (!definition.process) return std::unexpected("the deployed model '" + process_id + "' is not in its file");
  definition.resource_name = std::move(resource_name);
  definition.xml = std::move(xml);
  versions_[{process_id, version}] = key;
  Key& newest_key = newest_[process_id];
  if (newest_key == 0 || definitions_.at(newest_key).version < version) {
    if (newest_key != 0) unindex_starts(definitions_.at(newest_key));
    index_starts(definition);
    newest_key = key;
  }
  definitions_[key] = std::move(definition);
  restore_counter(counter_of(key));
  return {};
}

void State::restore_instance(Instance instance) {
  const Key key = instance.key;
  index(instances_[key] = std::move(instance));
}

void State::restore_message(Message message) {
  const Key key = message.key;
  index_message(messages_[key] = std::move(message));
}

void State::restore_start_timer(StartTimer timer) {
  due_.insert({timer.due, DueKind::kStartTimer, timer.key});
  const Key key = timer.key;
  start_timers_[key] = std::move(timer);
}

void State::index_starts(const Definition& definition) {
  for (const model::ElementIndex index : definition.process->elements[model::kProcessElement].triggered_starts) {
    const model::Element& start = definition.process->elements[index];
    if (start.message) started_by_message_[start.message->name.text()].insert(definition.key);
    if (start.signal) started_by_signal_[start.signal->name.text()].insert(definition.key);
  }
}

void State::unindex_starts(const Definition& definition) {
  for (const model::ElementIndex index : definition.process->elements[model::kProcessElement].triggered_starts) {
    const model::Element& start = definition.process->elements[index];
    if (start.message) erase_from(started_by_message_, start.message->name.text(), definition.key);
    if (start.signal) erase_from(started_by_signal_, start.signal->name.text(), definition.key);
  }
}

void State::index(const Instance& instance) {
  if (!instance.lock_key.empty()) locks_[{instance.process->id, instance.lock_key}] = instance.key;
  if (!instance.idempotency_key.empty()) idempotency_[instance.idempotency_key] = instance.key;
  for (const auto& [key, element] : instance.elements) owners_[key] = instance.key;
  for (const auto& [key, incident] : instance.incidents) owners_[key] = instance.key;
  for (const auto& [key, job] : instance.jobs) {
    owners_[key] = instance.key;
    index_job(job);
  }
  for (const auto& [key, timer] : instance.timers) {
    owners_[key] = instance.key;
    index_timer(timer);
  }
  for (const auto& [key, subscription] : instance.subscriptions) {
    owners_[key] = instance.key;
    if (subscription.is_signal)
      signal_subscriptions_[subscription.name].insert(key);
    else
      subscriptions_[{subscription.name, subscription.correlation_key}].insert(key);
  }
}

void State::index_job(const Job& job) {
  if (job.state == JobState::kActivatable) activatable_[job.type].insert(job.key);
  if (job.state == JobState::kActivated) activated_[{job.type, job.worker}].insert(job.key);
  if (job.state != JobState::kActivated && job.state != JobState::kBackingOff) return;
  due_.insert({job.due, DueKind::kJob, job.key});
  if (job.since != Timestamp{}) begun_.insert({job.since, DueKind::kJob, job.key});
}

void State::unindex_job(const Job& job) {
  due_.erase({job.due, DueKind::kJob, job.key});
  begun_.erase({job.since, DueKind::kJob, job.key});
  if (job.state == JobState::kActivatable) erase_from(activatable_, job.type, job.key);
  if (job.state == JobState::kActivated) erase_from(activated_, Pair(job.type, job.worker), job.key);
}

void State::index_timer(const Timer& timer) {
  due_.insert({timer.due, DueKind::kTimer, timer.key});
  if (timer.since != Timestamp{}) begun_.insert({timer.since, DueKind::kTimer, timer.key});
}

void State::unindex_timer(const Timer& timer) {
  due_.erase({timer.due, DueKind::kTimer, timer.key});
  begun_.erase({timer.since, DueKind::kTimer, timer.key});
}

void State::index_message(const Message& message) {
  buffered_[{message.name, message.correlation_key}].insert(message.key);
  if (!message.id.empty()) message_ids_.insert({message.name, message.correlation_key, message.id});
  due_.insert({message.deadline, DueKind::kMessage, message.key});
}

}  // namespace consilium::bpmn::engine
