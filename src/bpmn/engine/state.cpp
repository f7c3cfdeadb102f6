#include "bpmn/engine/state.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <utility>

#include "bpmn/dmn/reader.h"
#include "bpmn/engine/codec.h"

namespace consilium::bpmn::engine {
namespace {

template <class Map, class Name>
const typename Map::mapped_type& set_of(const Map& map, const Name& name) {
  static const typename Map::mapped_type none;
  const auto found = map.find(name);
  return found == map.end() ? none : found->second;
}

template <class Map, class Name>
void erase_from(Map& map, const Name& name, const typename Map::mapped_type::key_type& item) {
  const auto found = map.find(name);
  if (found == map.end()) return;
  found->second.erase(item);
  if (found->second.empty()) map.erase(found);
}

std::string name_with_tag(std::string_view id, std::string_view version_tag) {
  std::string name(id);
  name += '\0';
  return name += version_tag;
}

}  // namespace

void Versions::add(std::string_view id, std::int32_t version, Key key) {
  Numbers& numbers = numbers_[std::string(id)];
  numbers.keys[version] = key;
  numbers.highest = std::max(numbers.highest, version);
}

void Versions::remove(std::string_view id, std::int32_t version) {
  const auto found = numbers_.find(id);
  if (found != numbers_.end()) found->second.keys.erase(version);
}

void Versions::remember(std::string_view id, std::int32_t version) {
  Numbers& numbers = numbers_[std::string(id)];
  numbers.highest = std::max(numbers.highest, version);
}

Key Versions::find(std::string_view id, std::int32_t version) const {
  const auto found = numbers_.find(id);
  if (found == numbers_.end()) return 0;
  const auto key = found->second.keys.find(version);
  return key == found->second.keys.end() ? 0 : key->second;
}

Key Versions::newest(std::string_view id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() || found->second.keys.empty() ? 0 : found->second.keys.rbegin()->second;
}

std::int32_t Versions::highest(std::string_view id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? 0 : found->second.highest;
}

const ElementInstance* Instance::find(Key element_instance) const {
  const auto found = elements.find(element_instance);
  return found == elements.end() ? nullptr : &found->second;
}

bool Instance::is_leaving(const ElementInstance& instance) const {
  if (!instance.triggered) return false;
  const model::Element& event = process->elements[*instance.triggered];
  return event.kind == model::ElementKind::kBoundaryEvent && *instance.triggered != instance.element;
}

const Compensations& Instance::compensations() const {
  static const Compensations none;
  return own_compensations ? *own_compensations : none;
}

bool Instance::has_compensable(Key element_instance) const {
  const auto& compensable = compensations().compensable;
  const auto first = compensable.lower_bound({element_instance, 0});
  return first != compensable.end() && first->first == element_instance;
}

std::vector<Key> Compensations::way_to(Key compensation) const {
  std::vector<Key> way;
  for (auto next = notes.find(compensation); next != notes.end(); next = notes.find(next->second.parent))
    way.insert(way.begin(), next->first);
  return way;
}

void Instance::index_compensations() {
  if (!own_compensations) return;
  auto& [notes, compensable, undoing] = *own_compensations;
  for (auto& item : notes) {
    Compensation& compensation = item.second;
    if (compensation.thrower == 0) {
      compensable.insert({compensation.scope, compensation.key});
      continue;
    }
    if (compensation.handler != 0 && compensation.handler_instance == 0)
      undoing.emplace(compensation.thrower, own_compensations->way_to(compensation.key));
    ++elements.at(compensation.thrower).compensations;
    const auto around = notes.find(compensation.parent);
    if (around != notes.end()) ++around->second.inner;  // else it is done already
    const auto handler = elements.find(compensation.handler_instance);
    if (handler != elements.end()) handler->second.undoes = compensation.key;
  }
}

namespace {

thread_local std::int64_t visited_entries = 0;

}  // namespace

std::int64_t Instance::visited() { return visited_entries; }

Key& Instance::next_wait(Key wait) {
  ++visited_entries;
  const auto timer = timers.find(wait);
  return timer == timers.end() ? subscriptions.at(wait).next_wait : timer->second.next_wait;
}

std::vector<Key> Instance::waits_of(Key element_instance) const {
  std::vector<Key> waits;
  for (Key wait = elements.at(element_instance).first_wait; wait != 0;) {
    ++visited_entries;
    waits.push_back(wait);
    const auto timer = timers.find(wait);
    wait = timer == timers.end() ? subscriptions.at(wait).next_wait : timer->second.next_wait;
  }
  return waits;
}

void Instance::link_wait(Key element_instance, Key wait) {
  Key* place = &elements.at(element_instance).first_wait;
  while (*place != 0) place = &next_wait(*place);
  *place = wait;
}

void Instance::unlink_wait(Key element_instance, Key wait) {
  Key* place = &elements.at(element_instance).first_wait;
  while (*place != wait) place = &next_wait(*place);
  *place = next_wait(wait);
}

std::vector<Key> Instance::children_of(Key element_instance) const {
  std::vector<Key> children;
  const Key last = elements.at(element_instance).last_child;
  for (Key child = last; child != 0;) {
    ++visited_entries;
    child = elements.at(child).next_sibling;
    children.push_back(child);
    if (child == last) break;
  }
  return children;
}

void Instance::link_child(ElementInstance& child) {
  if (child.scope == 0) return;
  ElementInstance& around = elements.at(child.scope);
  if (around.last_child == 0) {
    child.next_sibling = child.previous_sibling = child.key;
  } else {
    ElementInstance& last = elements.at(around.last_child);
    child.next_sibling = last.next_sibling;
    child.previous_sibling = last.key;
    elements.at(last.next_sibling).previous_sibling = child.key;
    last.next_sibling = child.key;
  }
  around.last_child = child.key;
}

void Instance::unlink_child(ElementInstance& child) {
  ElementInstance& around = elements.at(child.scope);
  if (around.last_child == child.key) around.last_child = child.previous_sibling == child.key ? 0 : child.previous_sibling;
  elements.at(child.previous_sibling).next_sibling = child.next_sibling;
  elements.at(child.next_sibling).previous_sibling = child.previous_sibling;
}

void Instance::link_all() {
  for (auto& item : elements) item.second.first_wait = item.second.last_child = 0;
  for (auto& item : elements) link_child(item.second);
  for (auto& item : timers) item.second.next_wait = 0;
  for (auto& item : subscriptions) item.second.next_wait = 0;
  for (const auto& item : timers) link_wait(item.second.element_instance, item.first);
  for (const auto& item : subscriptions) link_wait(item.second.element_instance, item.first);
  index_compensations();
  bytes = 0;
  for (const auto& item : elements) bytes += bytes_of(item.second);
}

std::size_t Instance::bytes_of(const ElementInstance& element) {
  std::size_t total = size_of(element.variables) + (element.result ? size_of(*element.result) : 0);
  if (element.loop) {
    for (const auto* list : {&element.loop->items, &element.loop->outputs}) {
      for (const feel::Value& item : *list) total += size_of(item);
    }
  }
  return total;
}

bool Instance::still_waits(const ElementInstance& instance) const {
  if (!instance.triggered) return true;
  const model::Element& event = process->elements[*instance.triggered];
  return event.kind == model::ElementKind::kStartEvent && !instance.interrupted;
}

bool Instance::was_interrupted(const ElementInstance& scope) const {
  if (!scope.triggered) return false;
  const model::Element& event = process->elements[*scope.triggered];
  return event.kind == model::ElementKind::kStartEvent && event.scope != scope.element;
}

bool Instance::can_be_triggered(const ElementInstance& instance) const {
  if (instance.state != Lifecycle::kActivated || is_leaving(instance)) return false;
  const ElementInstance* around = find(instance.scope);
  return !around || !around->interrupted || around->loop;
}

// The instances of a multi-instance activity go on until they are ended, also when enough are done.
bool Instance::lets_go_on(const ElementInstance& scope, model::ElementIndex element) const {
  if (scope.state != Lifecycle::kActivated) return false;
  if (!scope.interrupted || scope.loop) return true;
  return scope.triggered && process->elements[*scope.triggered].scope == element;
}

const Definition* State::definition(Key key) const {
  const auto found = definitions_.find(key);
  return found == definitions_.end() ? nullptr : &found->second;
}

const Definition* State::newest(std::string_view process_id) const {
  return definition(versions_of(Deployable::kProcess).newest(process_id));
}

const Definition* State::version(std::string_view process_id, std::int32_t version) const {
  return definition(versions_of(Deployable::kProcess).find(process_id, version));
}

// Neither an id nor a tag of XML or JSON that we accept has a zero in it.
void State::tag(Deployable kind, std::string_view id, std::string_view version_tag, std::int32_t version, Key key) {
  if (!version_tag.empty()) tagged_[static_cast<std::size_t>(kind)].add(name_with_tag(id, version_tag), version, key);
}

void State::untag(Deployable kind, std::string_view id, std::string_view version_tag, std::int32_t version) {
  if (!version_tag.empty()) tagged_[static_cast<std::size_t>(kind)].remove(name_with_tag(id, version_tag), version);
}

Key State::tagged(Deployable kind, std::string_view id, std::string_view version_tag) const {
  return tagged_[static_cast<std::size_t>(kind)].newest(name_with_tag(id, version_tag));
}

const ProcessBound* State::bound(Key process) const {
  const auto found = bound_.find(process);
  return found == bound_.end() ? nullptr : &found->second;
}

Key State::deployed_with(Key process, Deployable kind, std::string_view id) const {
  const ProcessBound* together = bound(process);
  if (!together) return 0;
  const auto found = std::ranges::find_if(together->targets, [&](const auto& target) { return target.kind == kind && target.id == id; });
  return found == together->targets.end() ? 0 : found->key;
}

std::int64_t State::active_instances(Key process_key) const {
  const auto found = instance_counts_.find(process_key);
  return found == instance_counts_.end() ? 0 : found->second;
}

const Requirements* State::requirements(Key key) const {
  const auto found = requirements_.find(key);
  return found == requirements_.end() ? nullptr : &found->second;
}

const Requirements* State::newest_requirements(std::string_view id) const {
  return requirements(versions_of(Deployable::kRequirements).newest(id));
}

std::vector<Key> State::decisions_before(std::string_view id, Key before, std::size_t limit) const {
  std::vector<Key> found;
  const auto is_below = [before](Key key) { return before == 0 || key < before; };
  if (!id.empty()) {
    const Versions& versions = versions_of(Deployable::kDecision);
    for (std::int32_t version = versions.highest(id); version > 0 && found.size() < limit; --version) {
      if (const Key key = versions.find(id, version); key != 0 && is_below(key)) found.push_back(key);
    }
    return found;
  }
  auto at = before == 0 ? decisions_.end() : decisions_.lower_bound(before);
  while (at != decisions_.begin() && found.size() < limit) found.push_back((--at)->first);
  return found;
}

const Requirements* State::requirements_of_decision(Key decision) const {
  const auto found = decisions_.find(decision);
  return found == decisions_.end() ? nullptr : requirements(found->second);
}

// ---- instances that rest

State::Bytes State::bytes_of(std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  auto bytes = std::make_unique_for_overwrite<char[]>(sizeof size + text.size());
  std::memcpy(bytes.get(), &size, sizeof size);
  std::memcpy(bytes.get() + sizeof size, text.data(), text.size());
  return bytes;
}

std::string_view State::text_of(const Bytes& bytes) {
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.get(), sizeof size);
  return {bytes.get() + sizeof size, size};
}

Instance State::read(const Bytes& bytes) const {
  auto instance = decode_instance(*this, text_of(bytes));
  if (!instance) throw std::logic_error("an instance that rests cannot be read: " + instance.error());
  instance->has_row = true;
  return std::move(*instance);
}

Instance* State::awake(Key key) const {
  if (const auto found = instances_.find(key); found != instances_.end()) return &found->second;
  const Bytes* bytes = resting_.find(key);
  if (!bytes) return nullptr;
  Instance& woken = instances_[key] = read(*bytes);
  resting_.erase(key);
  return &woken;
}

const Instance* State::instance(Key key) const { return awake(key); }

const std::map<Key, Instance>& State::instances() const {
  std::vector<Key> keys;
  for (const auto& entry : resting_.entries()) {
    if (entry.value) keys.push_back(entry.key);
  }
  for (const Key key : keys) awake(key);
  return instances_;
}

Key State::instance_before(Key key) const {
  auto awake = instances_.lower_bound(key);
  Key before = awake == instances_.begin() ? 0 : std::prev(awake)->first;
  const auto& entries = resting_.entries();
  auto entry = std::lower_bound(entries.begin(), entries.end(), key, [](const auto& one, Key wanted) { return one.key < wanted; });
  while (entry != entries.begin()) {
    --entry;
    if (entry->key <= before) break;
    if (entry->value) return entry->key;
  }
  return before;
}

void State::rest(Key key, std::string_view bytes) {
  const auto found = instances_.find(key);
  if (found == instances_.end()) return;
  found->second.has_row = true;
  if (!found->second.pending.empty()) return;  // it goes on at once
  resting_.set(key, bytes_of(bytes));
  instances_.erase(found);
}

const Instance* State::owner_of(Key key) const { return instance(owner_key_of(key)); }

Key State::owner_key_of(Key key) const {
  const Key* owner = owners_.find(key);
  return owner ? *owner : key;
}

void State::own(Key key, Key instance_key, From from) {
  if (key == instance_key) return;
  if (from == From::kRow) return owners_.load(key, instance_key);
  owners_.set(key, instance_key);
}

Key State::instance_of_idempotency_key(std::string_view key) const {
  const auto found = idempotency_.find(key);
  return found == idempotency_.end() ? 0 : found->second;
}

const std::set<ReadyJob>& State::activatable(std::string_view job_type) const { return set_of(activatable_, job_type); }

const std::set<Key>& State::activated(std::string_view job_type, std::string_view worker) const {
  return set_of(activated_, Pair(job_type, worker));
}

std::size_t State::hash_of(std::string_view name, std::string_view correlation_key) {
  return std::hash<std::string_view>()(name) * 31 + std::hash<std::string_view>()(correlation_key);
}

std::vector<MessageWaiter> State::first_message_waiters(std::string_view name, std::string_view correlation_key) const {
  const std::size_t hash = hash_of(name, correlation_key);
  std::vector<MessageWaiter> found;
  for (auto next = message_waiters_.lower_bound({hash, 0, {}}); next != message_waiters_.end() && next->hash == hash;
       next = message_waiters_.lower_bound({hash, next->process + 1, {}}))
    found.push_back(*next);
  return found;
}

std::optional<MessageWaiter> State::message_waiter_after(const MessageWaiter& before) const {
  const auto next = message_waiters_.upper_bound(before);
  if (next == message_waiters_.end() || next->hash != before.hash || next->process != before.process) return std::nullopt;
  return *next;
}

MessageWaiter State::message_waiter(const std::string& process_id, const Subscription& subscription) {
  std::uint32_t& number = process_numbers_[process_id];
  if (number == 0) number = ++last_process_number_;
  return {hash_of(subscription.name, subscription.correlation_key), number, {subscription.element_instance, subscription.key}};
}

void State::index_wait(const std::string& process_id, const Subscription& subscription) {
  if (subscription.is_signal)
    signal_waiters_[subscription.name].insert({subscription.element_instance, subscription.key});
  else
    message_waiters_.insert(message_waiter(process_id, subscription));
}

void State::unindex_wait(const std::string& process_id, const Subscription& subscription) {
  if (!subscription.is_signal) {
    message_waiters_.erase(message_waiter(process_id, subscription));
    return;
  }
  const auto found = signal_waiters_.find(subscription.name);
  found->second.erase({subscription.element_instance, subscription.key});
  if (found->second.empty()) signal_waiters_.erase(found);
}

const std::set<Waiter>& State::signal_waiters(std::string_view name) const { return set_of(signal_waiters_, name); }

const Broadcast* State::broadcast(Key signal) const {
  const auto found = broadcasts_.find(signal);
  return found == broadcasts_.end() ? nullptr : &found->second;
}

const Broadcast* State::oldest_broadcast(std::string_view name) const {
  const auto found = std::ranges::find_if(broadcasts_, [&](const auto& kept) { return kept.second.name == name; });
  return found == broadcasts_.end() ? nullptr : &found->second;
}

const std::set<Key>& State::started_by_message(std::string_view name) const { return set_of(started_by_message_, name); }

const std::set<Key>& State::started_by_signal(std::string_view name) const { return set_of(started_by_signal_, name); }

Key State::locked_by(std::string_view process_id, std::string_view correlation_key) const {
  const auto found = locks_.find(Pair(process_id, correlation_key));
  return found == locks_.end() ? 0 : found->second;
}

const Message* State::oldest_buffered(std::string_view name, std::string_view correlation_key, const std::string& process_id,
                                      Timestamp now) const {
  const auto found = buffered_.find(Pair(name, correlation_key));
  if (found == buffered_.end()) return nullptr;
  Key& had = found->second.had[process_id];
  bool had_all = true;
  for (auto next = found->second.keys.upper_bound(had); next != found->second.keys.end(); ++next) {
    ++visited_entries;
    const Message& message = messages_.at(*next);
    if (message.correlated.contains(process_id)) {
      if (had_all) had = *next;
      continue;
    }
    had_all = false;
    if (message.deadline > now) return &message;
  }
  return nullptr;
}

const Message* State::message(Key key) const {
  const auto found = messages_.find(key);
  return found == messages_.end() ? nullptr : &found->second;
}

bool State::is_known_message(std::string_view name, std::string_view correlation_key, std::string_view id) const {
  return message_ids_.contains({std::string(name), std::string(correlation_key), std::string(id)});
}

void State::forget_changes() {
  for (const Key key : changed_messages_) {
    if (const auto message = messages_.find(key); message != messages_.end()) message->second.has_row = true;
  }
  // What was woken only to be looked at.
  for (auto next = instances_.begin(); next != instances_.end();) {
    const auto instance = next++;
    if (!changed_instances_.contains(instance->first) && instance->second.has_row) rest(instance->first, pack_instance(instance->second));
  }
  changed_instances_.clear();
  changed_messages_.clear();
  changed_start_timers_.clear();
  changed_requirements_.clear();
  changed_forms_.clear();
  changed_retired_.clear();
  changed_broadcasts_.clear();
  changed_bound_.clear();
  deleted_definitions_.clear();
}

std::expected<model::ProcessPointer, std::string> State::read_process(const std::string& process_id, const std::string& resource_name,
                                                                      const std::string& xml) {
  if (last_read_.xml != xml || last_read_.processes.empty()) {
    auto read = model::read_model(resource_name, xml, {nullptr, model::Origin::kKept});
    if (!read) return std::unexpected("the deployed model '" + process_id + "' cannot be read: " + read.error().front().message);
    last_read_ = {xml, std::move(*read)};
  }
  const auto found = std::ranges::find_if(last_read_.processes, [&](const auto& process) { return process->id == process_id; });
  if (found == last_read_.processes.end()) return std::unexpected("the deployed model '" + process_id + "' is not in its file");
  return *found;
}

std::expected<void, std::string> State::restore_definition(Key key, std::string process_id, std::int32_t version, std::string resource_name,
                                                           std::string xml) {
  Definition definition;
  definition.key = key;
  definition.version = version;
  auto read = read_process(process_id, resource_name, xml);
  if (!read) return std::unexpected(std::move(read).error());
  definition.process = std::move(*read);
  definition.resource_name = std::move(resource_name);
  definition.xml = std::move(xml);
  const Definition* before = newest(process_id);
  if (!before || before->version < version) {
    if (before) unindex_starts(*before);
    index_starts(definition);
  }
  versions_of(Deployable::kProcess).add(process_id, version, key);
  tag(Deployable::kProcess, process_id, definition.process->version_tag, version, key);
  definitions_[key] = std::move(definition);
  restore_counter(counter_of(key));
  return {};
}

std::expected<void, std::string> State::restore_requirements(Requirements requirements) {
  auto read = dmn::read_model(requirements.resource_name, requirements.xml, {}, dmn::Types::kIgnored);
  if (!read.model)  // what a later rule finds in it gives null, as the rest of a broken expression does
    return std::unexpected("the deployed decisions '" + requirements.id + "' cannot be read: " + read.findings.at(0).message);
  requirements.model = std::move(read.model);
  versions_of(Deployable::kRequirements).add(requirements.id, requirements.version, requirements.key);
  restore_counter(counter_of(requirements.key));
  for (const DecisionsDeployed::Decision& decision : requirements.decisions) {
    const dmn::Decision* read_decision = requirements.model->find_decision(decision.id);
    if (!read_decision) return std::unexpected("the deployed decision '" + decision.id + "' is not in its file");
    versions_of(Deployable::kDecision).add(decision.id, decision.version, decision.key);
    tag(Deployable::kDecision, decision.id, read_decision->version_tag, decision.version, decision.key);
    decisions_[decision.key] = requirements.key;
    restore_counter(counter_of(decision.key));
  }
  const Key key = requirements.key;
  requirements_[key] = std::move(requirements);
  return {};
}

const Form* State::form(Key key) const {
  const auto found = forms_.find(key);
  return found == forms_.end() ? nullptr : &found->second;
}

std::expected<FormContent, std::string> read_form(std::string_view content) {
  if (content.size() > model::kMaxModelBytes) return std::unexpected("larger than 4 MB");
  const auto parsed = feel::parse_json(content, content.size());
  if (!parsed) return std::unexpected("no JSON: " + parsed.error());
  const auto member = [&](std::string_view name) -> const feel::Value* {
    const Context* members = parsed->context();
    const auto found = members ? members->find(name) : Context::const_iterator();
    return members && found != members->end() ? &found->second : nullptr;
  };
  const feel::Value* id = member("id");
  if (!id || !id->string() || id->string()->empty() || id->string()->size() > model::kMaxIdBytes)
    return std::unexpected("the form needs an id up to 255 bytes");
  const feel::Value* tag = member("versionTag");
  if (!tag) return FormContent{*id->string(), {}};
  if (!tag->string() || tag->string()->size() > model::kMaxIdBytes) return std::unexpected("the versionTag must be a text up to 255 bytes");
  return FormContent{*id->string(), *tag->string()};
}

void State::restore_form(Form form) {
  versions_of(Deployable::kForm).add(form.id, form.version, form.key);
  restore_counter(counter_of(form.key));
  if (const auto read = read_form(form.content)) form.version_tag = read->version_tag;
  tag(Deployable::kForm, form.id, form.version_tag, form.version, form.key);
  const Key key = form.key;
  forms_[key] = std::move(form);
}

void State::erase_form(Key key) {
  const auto found = forms_.find(key);
  erase_version(Deployable::kForm, found->second.id, found->second.version, key);
  untag(Deployable::kForm, found->second.id, found->second.version_tag, found->second.version);
  forms_.erase(found);
  changed_forms_.insert(key);
}

void State::restore_retired(Retired retired) {
  versions_of(retired.kind).remember(retired.id, retired.version);
  retired_by_id_[{retired.kind, retired.id}] = retired.key;
  const Key key = retired.key;
  retired_[key] = std::move(retired);
}

void State::restore_broadcast(Broadcast broadcast) {
  const Key signal = broadcast.signal;
  broadcasts_[signal] = std::move(broadcast);
}

void State::restore_bound(ProcessBound bound) {
  const Key process = bound.process;
  bound_[process] = std::move(bound);
}

void State::forget_retired(Deployable kind, const std::string& id) {
  const auto found = retired_by_id_.find({kind, id});
  if (found == retired_by_id_.end()) return;
  changed_retired_.insert(found->second);
  retired_.erase(found->second);
  retired_by_id_.erase(found);
}

void State::erase_version(Deployable kind, const std::string& id, std::int32_t version, Key key) {
  Versions& versions = versions_of(kind);
  versions.remove(id, version);
  if (version < versions.highest(id)) return;
  forget_retired(kind, id);
  changed_retired_.insert(key);
  restore_retired({key, kind, id, version});
}

void State::erase_definition(Key key) {
  const auto found = definitions_.find(key);
  const std::string id = found->second.process->id;
  const bool is_newest = newest(id) == &found->second;
  if (is_newest) unindex_starts(found->second);
  erase_version(Deployable::kProcess, id, found->second.version, key);
  untag(Deployable::kProcess, id, found->second.process->version_tag, found->second.version);
  if (bound_.erase(key) > 0) changed_bound_.insert(key);
  definitions_.erase(found);
  deleted_definitions_.insert(key);
  if (const Definition* before = is_newest ? newest(id) : nullptr) index_starts(*before);
  if (!newest(id)) process_numbers_.erase(id);  // nobody waits in it
}

void State::erase_requirements(Key key) {
  const auto found = requirements_.find(key);
  for (const DecisionsDeployed::Decision& decision : found->second.decisions) {
    erase_version(Deployable::kDecision, decision.id, decision.version, decision.key);
    untag(Deployable::kDecision, decision.id, found->second.model->find_decision(decision.id)->version_tag, decision.version);
    decisions_.erase(decision.key);
  }
  erase_version(Deployable::kRequirements, found->second.id, found->second.version, key);
  requirements_.erase(found);
  changed_requirements_.insert(key);
}

void State::count_instance(Key process_key, std::int64_t by) {
  const auto counted = instance_counts_.try_emplace(process_key, 0).first;
  counted->second += by;
  if (counted->second == 0) instance_counts_.erase(counted);
}

void State::restore_instance(Instance instance) {
  const Key key = instance.key;
  instance.has_row = true;
  index(instances_[key] = std::move(instance), From::kRow);
}

std::expected<void, std::string> State::restore_instance(std::string_view bytes) {
  auto instance = decode_instance(*this, bytes, Variables::kSkipped);
  if (!instance) return std::unexpected(std::move(instance).error());
  if (instance->pending.empty()) {
    index(*instance, From::kRow);
    resting_.load(instance->key, bytes_of(bytes));
    return {};
  }
  auto whole = decode_instance(*this, bytes);
  if (!whole) return std::unexpected(std::move(whole).error());
  restore_instance(std::move(*whole));
  return {};
}

void State::restore_message(Message message) {
  message.has_row = true;
  const Key key = message.key;
  index_message(messages_[key] = std::move(message));
}

void State::restore_start_timer(StartTimer timer) {
  index_start_timer(timer);
  const Key key = timer.key;
  start_timers_[key] = std::move(timer);
}

void State::index_start_timer(const StartTimer& timer) {
  due_.insert({timer.due, DueKind::kStartTimer, 0, timer.key});
  if (timer.since != Timestamp{}) begun_.insert({timer.since, DueKind::kStartTimer, 0, timer.key});
}

void State::unindex_start_timer(const StartTimer& timer) {
  due_.erase({timer.due, DueKind::kStartTimer, 0, timer.key});
  begun_.erase({timer.since, DueKind::kStartTimer, 0, timer.key});
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

void State::index(const Instance& instance, From from) {
  count_instance(instance.process_key, 1);
  if (!instance.lock_key.empty()) locks_[{instance.process->id, instance.lock_key}] = instance.key;
  if (!instance.idempotency_key.empty()) idempotency_[instance.idempotency_key] = instance.key;
  for (const auto& [key, element] : instance.elements) own(key, instance.key, from);
  for (const auto& [key, incident] : instance.incidents) {
    own(key, instance.key, from);
    open_incidents_.insert(key);
  }
  for (const auto& [key, job] : instance.jobs) {
    own(key, instance.key, from);
    index_job(job);
  }
  for (const auto& [key, timer] : instance.timers) {
    own(key, instance.key, from);
    index_timer(timer);
  }
  for (const auto& [key, subscription] : instance.subscriptions) {
    own(key, instance.key, from);
    index_wait(instance.process->id, subscription);
  }
}

void State::index_job(const Job& job) {
  if (job.state == JobState::kActivatable) {
    activatable_[job.type].insert({job.priority, job.key});
    ready_types_.insert(job.type);
  }
  if (job.state == JobState::kActivated) activated_[{job.type, job.worker}].insert(job.key);
  if (job.state != JobState::kActivated && job.state != JobState::kBackingOff) return;
  due_.insert({job.due, DueKind::kJob, 0, job.key});
  if (job.since != Timestamp{}) begun_.insert({job.since, DueKind::kJob, 0, job.key});
}

void State::unindex_job(const Job& job) {
  due_.erase({job.due, DueKind::kJob, 0, job.key});
  begun_.erase({job.since, DueKind::kJob, 0, job.key});
  if (job.state == JobState::kActivatable) erase_from(activatable_, job.type, ReadyJob{job.priority, job.key});
  if (job.state == JobState::kActivated) erase_from(activated_, Pair(job.type, job.worker), job.key);
}

void State::index_timer(const Timer& timer) {
  ++timer_count_;
  due_.insert({timer.due, DueKind::kTimer, timer.element_instance, timer.key});
  if (timer.since != Timestamp{}) begun_.insert({timer.since, DueKind::kTimer, timer.element_instance, timer.key});
}

void State::unindex_timer(const Timer& timer) {
  --timer_count_;
  due_.erase({timer.due, DueKind::kTimer, timer.element_instance, timer.key});
  begun_.erase({timer.since, DueKind::kTimer, timer.element_instance, timer.key});
}

void State::index_message(const Message& message) {
  buffered_[{message.name, message.correlation_key}].keys.insert(message.key);
  if (!message.id.empty()) message_ids_.insert({message.name, message.correlation_key, message.id});
  due_.insert({message.deadline, DueKind::kMessage, 0, message.key});
}

}  // namespace consilium::bpmn::engine
