#include "bpmn/engine/applier.h"

#include <algorithm>
#include <stdexcept>

namespace consilium::bpmn::engine {

// A reference to something that is not there means a bug or a journal that does not fit: stop rather than go on with a
// state that nobody meant.
void Applier::apply(const Event& event) { std::visit(*this, event); }

Instance& Applier::instance(Key key) {
  Instance* found = state_.awake(key);
  if (!found) throw std::logic_error("event of an unknown process instance");
  state_.changed_instances_.insert(key);
  return *found;
}

ElementInstance& Applier::element(Instance& owner, Key key) {
  const auto found = owner.elements.find(key);
  if (found == owner.elements.end()) throw std::logic_error("event of an unknown element instance");
  return found->second;
}

void Applier::used(Key key) { state_.restore_counter(counter_of(key)); }

void Applier::own(Key key, Key instance_key) {
  used(key);
  state_.own(key, instance_key, State::From::kEvents);
}

void Applier::operator()(const ProcessDeployed& event) {
  const auto restored = state_.restore_definition(event.key, event.process_id, event.version, event.resource_name, event.xml);
  if (!restored) throw std::logic_error(restored.error());
  state_.forget_retired(Deployable::kProcess, event.process_id);
}

void Applier::operator()(const InstanceCreated& event) {
  const Definition* definition = state_.definition(event.process_key);
  if (!definition) throw std::logic_error("instance of an unknown process");
  Instance created;
  created.key = event.instance;
  created.process_key = event.process_key;
  created.version = definition->version;
  created.process = definition->process;
  created.idempotency_key = event.idempotency_key;
  created.started_at = at_;
  ElementInstance& root = created.elements[event.instance];
  root.key = event.instance;
  root.element = model::kProcessElement;
  root.started_at = at_;
  root.variables = event.variables;
  created.bytes = size_of(event.variables);
  state_.instances_[event.instance] = std::move(created);
  if (!event.idempotency_key.empty()) state_.idempotency_[event.idempotency_key] = event.instance;
  own(event.instance, event.instance);
  state_.count_instance(event.process_key, 1);
  state_.changed_instances_.insert(event.instance);
}

void Applier::operator()(const ElementActivating& event) {
  Instance& owner = instance(event.instance);
  const auto found = owner.process->by_id.find(event.element);
  if (found == owner.process->by_id.end()) throw std::logic_error("event of an unknown element");
  ElementInstance& scope = element(owner, event.scope);
  ++scope.children;
  scope.active_flows -= event.consumed;
  const model::Element& definition = owner.process->elements[found->second];
  const bool takes_all = definition.kind == model::ElementKind::kParallelGateway;
  const bool is_short =
      takes_all && !std::ranges::all_of(definition.incoming, [&](model::FlowIndex flow) { return scope.waiting_tokens.contains(flow); });
  if (definition.joins() && !is_short) {  // else a modification begins it, and takes no tokens
    for (const model::FlowIndex flow : definition.incoming) {
      const auto waiting = scope.waiting_tokens.find(flow);
      if (waiting != scope.waiting_tokens.end() && --waiting->second <= 0) scope.waiting_tokens.erase(waiting);
    }
  }
  const bool takes_over = scope.interrupted && scope.triggered && owner.process->elements[*scope.triggered].scope == found->second;
  if (takes_over) scope.result.reset();  // its start event has that now
  const bool iterates = scope.loop && scope.element == found->second;
  ElementInstance& created = owner.elements[event.element_instance];
  created.key = event.element_instance;
  if (iterates) created.loop_counter = ++scope.loop->started;
  created.scope = event.scope;
  created.element = found->second;
  created.started_at = at_;
  owner.link_child(created);
  own(event.element_instance, event.instance);
}

void Applier::operator()(const ElementActivated& event) {
  element(instance(event.instance), event.element_instance).state = Lifecycle::kActivated;
}

void Applier::operator()(const ElementCompleting& event) {
  ElementInstance& completing = element(instance(event.instance), event.element_instance);
  completing.state = Lifecycle::kCompleting;
  completing.listeners_done = 0;
}

void Applier::operator()(const ElementCompleted& event) {
  Instance& owner = instance(event.instance);
  const ElementInstance& completed = element(owner, event.element_instance);
  if (completed.loop_counter > 0) ++element(owner, completed.scope).loop->completed;
  if (owner.element_of(completed).kind == model::ElementKind::kEventSubProcess) forget_compensations(owner, event.element_instance);
  end_element(event.instance, event.element_instance);
}

void Applier::operator()(const ElementTerminating& event) {
  Instance& owner = instance(event.instance);
  element(owner, event.element_instance).state = Lifecycle::kTerminating;
  end_waits(owner, event.element_instance);
}

void Applier::operator()(const ElementTerminated& event) {
  forget_compensations(instance(event.instance), event.element_instance);
  end_element(event.instance, event.element_instance);
}

void Applier::end_element(Key instance_key, Key element_instance) {
  Instance& owner = instance(instance_key);
  end_waits(owner, element_instance);
  const ElementInstance& ended = element(owner, element_instance);
  if (ended.scope == 0) {
    end_instance(owner);
    return;
  }
  --element(owner, ended.scope).children;
  owner.bytes -= std::min(owner.bytes, Instance::bytes_of(ended));
  owner.unlink_child(owner.elements.at(element_instance));
  state_.owners_.erase(element_instance);
  owner.elements.erase(element_instance);
}

// What has completed in it can be undone no more, nor does anything go on that it asked for.
void Applier::forget_compensations(Instance& owner, Key element_instance) {
  if (!owner.own_compensations) return;
  auto& [notes, compensable, undoing] = *owner.own_compensations;
  std::vector<Key> scopes = {element_instance};
  while (!scopes.empty()) {
    const Key scope = scopes.back();
    scopes.pop_back();
    while (owner.has_compensable(scope)) {
      const Key key = compensable.lower_bound({scope, 0})->second;
      scopes.push_back(notes.at(key).activity_instance);
      compensable.erase({scope, key});
      notes.erase(key);
    }
  }
  if (element(owner, element_instance).compensations == 0) return;
  std::erase_if(notes, [&](const auto& item) { return item.second.thrower == element_instance; });
  undoing.erase(undoing.lower_bound({element_instance, {}}), undoing.lower_bound({element_instance + 1, {}}));
}

// Its job, timers, subscriptions and incident are over.
void Applier::end_waits(Instance& owner, Key element_instance) {
  ElementInstance& ended = element(owner, element_instance);
  if (ended.job != 0) erase_job(owner, ended.job);
  if (ended.incident != 0) erase_incident(owner, ended.incident);
  ended.job = 0;
  ended.incident = 0;
  for (const Key wait : owner.waits_of(element_instance)) erase_wait(owner, wait);
}

void Applier::erase_job(Instance& owner, Key job) {
  state_.unindex_job(owner.jobs.at(job));
  state_.owners_.erase(job);
  owner.jobs.erase(job);
}

void Applier::erase_wait(Instance& owner, Key wait) {
  if (owner.timers.contains(wait))
    erase_timer(owner, wait);
  else
    erase_subscription(owner, wait);
}

void Applier::erase_timer(Instance& owner, Key timer) {
  owner.unlink_wait(owner.timers.at(timer).element_instance, timer);
  state_.unindex_timer(owner.timers.at(timer));
  state_.owners_.erase(timer);
  owner.timers.erase(timer);
}

void Applier::erase_subscription(Instance& owner, Key subscription) {
  const Subscription& ended = owner.subscriptions.at(subscription);
  owner.unlink_wait(ended.element_instance, subscription);
  state_.unindex_wait(owner.process->id, ended);
  state_.owners_.erase(subscription);
  owner.subscriptions.erase(subscription);
}

void Applier::erase_incident(Instance& owner, Key incident) {
  state_.owners_.erase(incident);
  state_.open_incidents_.erase(incident);
  owner.incidents.erase(incident);
}

void Applier::end_instance(Instance& owner) {
  const Key key = owner.key;
  if (!owner.idempotency_key.empty()) {
    state_.recently_ended_.push_back(owner.idempotency_key);
    if (state_.recently_ended_.size() > kRecentlyEnded) {
      const auto oldest = state_.idempotency_.find(state_.recently_ended_.front());
      if (oldest != state_.idempotency_.end() && !state_.has_instance(oldest->second)) state_.idempotency_.erase(oldest);
      state_.recently_ended_.pop_front();
    }
  }
  if (!owner.lock_key.empty()) state_.locks_.erase({owner.process->id, owner.lock_key});
  if (Instance* parent = owner.parent == 0 ? nullptr : state_.awake(owner.parent)) {
    const auto caller = parent->elements.find(owner.call_activity);
    if (caller != parent->elements.end()) caller->second.child = 0;
    state_.changed_instances_.insert(owner.parent);
  }
  for (const auto& [element_instance, ended] : owner.elements) state_.owners_.erase(element_instance);
  while (!owner.incidents.empty()) erase_incident(owner, owner.incidents.begin()->first);
  state_.count_instance(owner.process_key, -1);
  if (!owner.has_row) state_.changed_instances_.erase(key);  // no checkpoint has to forget it
  state_.instances_.erase(key);
}

void Applier::operator()(const FlowTaken& event) {
  Instance& owner = instance(event.instance);
  ElementInstance& scope = element(owner, event.scope);
  ++scope.active_flows;
  const model::FlowIndex index = owner.process->flow_by_id.at(event.flow);
  const model::Element& target = owner.process->elements[owner.process->flows[index].target];
  if (target.joins()) ++scope.waiting_tokens[index];
}

void Applier::operator()(const VariablesSet& event) {
  Instance& owner = instance(event.instance);
  ElementInstance& scope = element(owner, event.scope);
  for (const auto& [name, value] : event.variables) {
    const auto [variable, is_new] = scope.variables.try_emplace(name, value);
    owner.bytes += size_of(value) + (is_new ? name.size() : 0);
    if (is_new) continue;
    owner.bytes -= std::min(owner.bytes, size_of(variable->second));
    variable->second = value;
  }
}

void Applier::set_result(Instance& owner, ElementInstance& element, const Context& variables) {
  owner.bytes += size_of(variables);
  if (element.result) owner.bytes -= std::min(owner.bytes, size_of(*element.result));
  element.result = variables;
}

void Applier::operator()(const JobCreated& event) {
  Instance& owner = instance(event.instance);
  Job& job = owner.jobs[event.job];
  job.key = event.job;
  job.element_instance = event.element_instance;
  job.type = event.type;
  job.headers = event.headers;
  job.retries = event.retries;
  ElementInstance& worked = element(owner, event.element_instance);
  worked.job = event.job;
  own(event.job, event.instance);
  state_.index_job(job);
  if (worked.state != Lifecycle::kCompleting) return;
  // What only its listeners still hold hears nothing more.
  for (const Key wait : owner.waits_of(event.element_instance)) {
    if (owner.subscriptions.contains(wait)) erase_subscription(owner, wait);
  }
}

template <class Change>
void Applier::change_job(Key instance_key, Key job, Change change) {
  Job& changed = instance(instance_key).jobs.at(job);
  state_.unindex_job(changed);
  change(changed);
  state_.index_job(changed);
}

void Applier::operator()(const JobPrioritized& event) {
  change_job(event.instance, event.job, [&](Job& job) { job.priority = event.priority; });
}

void Applier::operator()(const ListenerCompleted& event) {
  Instance& owner = instance(event.instance);
  ElementInstance& heard = element(owner, owner.jobs.at(event.job).element_instance);
  heard.job = 0;
  ++heard.listeners_done;
  erase_job(owner, event.job);
}

void Applier::operator()(const JobActivated& event) {
  change_job(event.instance, event.job, [&](Job& job) {
    job.state = JobState::kActivated;
    job.worker = event.worker;
    job.due = event.deadline;
    job.since = at_;
  });
}

void Applier::operator()(const JobCompleted& event) {
  Instance& owner = instance(event.instance);
  ElementInstance& worked = element(owner, owner.jobs.at(event.job).element_instance);
  worked.job = 0;
  set_result(owner, worked, event.variables);
  erase_job(owner, event.job);
}

void Applier::operator()(const JobFailed& event) {
  change_job(event.instance, event.job, [&](Job& job) {
    job.retries = event.retries;
    job.due = event.retry_at;
    job.since = at_;
    ++job.failures;
    job.losses = 0;
    job.state = event.retries <= 0 ? JobState::kFailed : event.retry_at > at_ ? JobState::kBackingOff : JobState::kActivatable;
  });
}

void Applier::operator()(const JobYielded& event) {
  change_job(event.instance, event.job, [&](Job& job) {
    job.due = event.retry_at;
    job.since = at_;
    job.losses = 0;
    job.state = JobState::kBackingOff;
  });
}

void Applier::operator()(const JobReady& event) {
  change_job(event.instance, event.job, [](Job& job) { job.state = JobState::kActivatable; });
}

void Applier::operator()(const JobLost& event) {
  change_job(event.instance, event.job, [&](Job& job) {
    job.losses = event.losses;
    job.state = JobState::kActivatable;
  });
}

void Applier::operator()(const JobErrorThrown& event) {
  change_job(event.instance, event.job, [](Job& job) {
    job.losses = 0;
    job.state = JobState::kErrorThrown;
  });
}

void Applier::operator()(const JobRetriesUpdated& event) {
  change_job(event.instance, event.job, [&](Job& job) { job.retries = event.retries; });
}

void Applier::add_timer(Key instance_key, Timer timer) {
  state_.index_timer(timer);
  const Key key = timer.key;
  Instance& owner = instance(instance_key);
  const Key waiting = timer.element_instance;
  owner.timers[key] = std::move(timer);
  owner.link_wait(waiting, key);
  own(key, instance_key);
}

void Applier::operator()(const TimerCreated& event) {
  const Instance& owner = instance(event.instance);
  const model::ElementIndex target = owner.process->by_id.at(event.target);
  const auto& definition = owner.process->elements[target].timer;
  const bool has_length = definition && definition->kind == model::TimerDefinition::Kind::kDuration;
  add_timer(event.instance, {event.timer, event.element_instance, target, event.due, has_length ? at_ : Timestamp{}, 1, {}, {}});
}

void Applier::operator()(const TimerTriggered& event) { erase_timer(instance(event.instance), event.timer); }

void Applier::operator()(const SubscriptionCreated& event) {
  Instance& owner = instance(event.instance);
  owner.subscriptions[event.subscription] = {event.subscription, event.element_instance, owner.process->by_id.at(event.target), event.name,
                                             event.correlation_key};
  owner.link_wait(event.element_instance, event.subscription);
  state_.index_wait(owner.process->id, owner.subscriptions[event.subscription]);
  own(event.subscription, event.instance);
}

void Applier::operator()(const MessagePublished& event) {
  used(event.message);
  state_.changed_messages_.insert(event.message);
  Message& message = state_.messages_[event.message];
  message = {event.message, event.name, event.correlation_key, event.id, event.deadline, event.variables, {}};
  state_.index_message(message);
}

void Applier::operator()(const MessageCorrelated& event) {
  Instance& owner = instance(event.instance);
  state_.changed_messages_.insert(event.message);
  state_.messages_.at(event.message).correlated.insert(owner.process->id);
}

void Applier::operator()(const MessageExpired& event) {
  state_.changed_messages_.insert(event.message);
  const Message& message = state_.messages_.at(event.message);
  const auto found = state_.buffered_.find({message.name, message.correlation_key});
  found->second.keys.erase(event.message);
  if (found->second.keys.empty()) state_.buffered_.erase(found);
  state_.message_ids_.erase({message.name, message.correlation_key, message.id});
  state_.due_.erase({message.deadline, DueKind::kMessage, 0, event.message});
  if (!message.has_row) state_.changed_messages_.erase(event.message);  // no checkpoint has to forget it
  state_.messages_.erase(event.message);
}

void Applier::operator()(const EventTriggered& event) {
  Instance& owner = instance(event.instance);
  ElementInstance& host = element(owner, event.element_instance);
  host.triggered = owner.process->by_id.at(event.target);
  set_result(owner, host, event.variables);
  end_waits(owner, event.element_instance);
}

void Applier::operator()(const IncidentCreated& event) {
  Instance& owner = instance(event.instance);
  owner.incidents[event.incident] = {event.incident, event.element_instance, event.job, event.error_type, event.message, at_};
  element(owner, event.element_instance).incident = event.incident;
  own(event.incident, event.instance);
  state_.open_incidents_.insert(event.incident);
}

void Applier::operator()(const IncidentResolved& event) {
  Instance& owner = instance(event.instance);
  const Incident& incident = owner.incidents.at(event.incident);
  ElementInstance& blamed = element(owner, incident.element_instance);
  blamed.incident = 0;
  if (incident.job == 0) blamed.listeners_done = 0;  // all of them once more, as in Zeebe
  if (incident.job != 0) change_job(event.instance, incident.job, [](Job& job) { job.state = JobState::kActivatable; });
  erase_incident(owner, event.incident);
}

void Applier::operator()(const InstanceYielded& event) {
  Instance& owner = instance(event.instance);
  owner.yields = event.consecutive;
  owner.pending.insert(owner.pending.end(), event.steps.begin(), event.steps.end());
}

void Applier::operator()(const InstanceContinued& event) { instance(event.instance).pending.clear(); }

void Applier::operator()(const JobMoved& event) {
  change_job(event.instance, event.job, [&](Job& job) {
    job.due = event.due;
    job.since = at_;
  });
}

void Applier::operator()(const TimerMoved& event) {
  Timer& timer = instance(event.instance).timers.at(event.timer);
  state_.unindex_timer(timer);
  timer.due = event.due;
  timer.since = at_;
  state_.index_timer(timer);
}

void Applier::operator()(const ScopeInterrupted& event) {
  Instance& owner = instance(event.instance);
  ElementInstance& scope = element(owner, event.element_instance);
  scope.interrupted = true;
  scope.active_flows = 0;
  scope.waiting_tokens.clear();
  if (!owner.is_leaving(scope)) {  // else it ends soon, and by the boundary event that was there first
    scope.triggered.reset();
    scope.result.reset();
  }
  if (!event.target.empty()) {
    scope.triggered = owner.process->by_id.at(event.target);
    scope.result = event.variables;
  }
  // Its other event sub-processes can begin no more.
  for (const Key wait : owner.waits_of(event.element_instance)) {
    const auto timer = owner.timers.find(wait);
    const model::ElementIndex target = timer == owner.timers.end() ? owner.subscriptions.at(wait).target : timer->second.target;
    if (owner.process->elements[target].kind == model::ElementKind::kStartEvent) erase_wait(owner, wait);
  }
}

void Applier::operator()(const ScopeResumed& event) {
  ElementInstance& scope = element(instance(event.instance), event.element_instance);
  scope.interrupted = false;  // by what, stays: its event sub-processes have had their turn
  scope.result.reset();
}

void Applier::operator()(const SignalSubscribed& event) {
  Instance& owner = instance(event.instance);
  owner.subscriptions[event.subscription] = {
      event.subscription, event.element_instance, owner.process->by_id.at(event.target), event.name, "", true};
  owner.link_wait(event.element_instance, event.subscription);
  state_.index_wait(owner.process->id, owner.subscriptions[event.subscription]);
  own(event.subscription, event.instance);
}

void Applier::operator()(const SignalBroadcast& event) { used(event.signal); }

void Applier::operator()(const DeploymentMade& event) { used(event.deployment); }

void Applier::operator()(const BroadcastYielded& event) {
  Broadcast& kept = state_.broadcasts_[event.signal];
  if (kept.signal == 0) kept = {event.signal, event.name, event.variables, event.yields, {}};
  kept.reached = {event.element_instance, event.subscription};
  state_.changed_broadcasts_.insert(event.signal);
}

void Applier::operator()(const BroadcastEnded& event) {
  state_.broadcasts_.erase(event.signal);
  state_.changed_broadcasts_.insert(event.signal);
}

void Applier::operator()(const RepeatingTimerCreated& event) {
  const model::ElementIndex target = instance(event.instance).process->by_id.at(event.target);
  add_timer(event.instance, {event.timer, event.element_instance, target, event.due, at_, event.repetitions, Duration{event.interval}, {}});
}

void Applier::operator()(const CalendarTimerCreated& event) {
  const model::ElementIndex target = instance(event.instance).process->by_id.at(event.target);
  add_timer(event.instance, {event.timer, event.element_instance, target, event.due, {}, event.repetitions, {}, event.cycle});
}

void Applier::add_start_timer(StartTimer timer) {
  used(timer.key);
  state_.changed_start_timers_.insert(timer.key);
  state_.restore_start_timer(std::move(timer));
}

void Applier::operator()(const StartTimerCreated& event) {
  const model::Element* start = state_.definition(event.process_key)->process->find(event.target);
  const bool has_length = start && start->timer && start->timer->kind == model::TimerDefinition::Kind::kDuration;
  const bool has_rhythm = event.interval > 0 && (event.due - at_).microseconds <= event.interval;  // else a cycle that begins at a date
  add_start_timer({event.timer,
                   event.process_key,
                   event.target,
                   event.due,
                   event.repetitions,
                   Duration{event.interval},
                   {},
                   has_length || has_rhythm ? at_ : Timestamp{}});
}

void Applier::operator()(const CalendarStartTimerCreated& event) {
  add_start_timer({event.timer, event.process_key, event.target, event.due, event.repetitions, {}, event.cycle, {}});
}

void Applier::operator()(const StartTimerMoved& event) {
  StartTimer moved = state_.start_timers_.at(event.timer);
  erase_start_timer(event.timer);
  moved.due = event.due;
  moved.since = at_;
  add_start_timer(std::move(moved));
}

void Applier::operator()(const StartTimerTriggered& event) { erase_start_timer(event.timer); }

void Applier::operator()(const StartTimerCanceled& event) { erase_start_timer(event.timer); }

void Applier::erase_start_timer(Key timer) {
  state_.changed_start_timers_.insert(timer);
  state_.unindex_start_timer(state_.start_timers_.at(timer));
  state_.start_timers_.erase(timer);
}

void Applier::operator()(const InstanceLocked& event) {
  Instance& owner = instance(event.instance);
  owner.lock_message = event.message_name;
  owner.lock_key = event.correlation_key;
  state_.locks_[{owner.process->id, owner.lock_key}] = owner.key;
}

void Applier::operator()(const ChildStarted& event) {
  Instance& parent = instance(event.parent);
  Instance& child = instance(event.instance);
  child.parent = event.parent;
  child.call_activity = event.call_activity;
  child.depth = parent.depth + 1;
  element(parent, event.call_activity).child = event.instance;
}

void Applier::operator()(const LoopStarted& event) {
  Instance& owner = instance(event.instance);
  Loop& loop = element(owner, event.element_instance).loop.emplace();
  owner.bytes += size_of(event.items);
  const auto items = event.items.find("items");
  if (items != event.items.end() && items->second.list()) loop.items = *items->second.list();
  loop.outputs.resize(loop.items.size());
}

void Applier::operator()(const LoopOutputCollected& event) {
  Instance& owner = instance(event.instance);
  Loop& loop = element(owner, event.element_instance).loop.made();
  owner.bytes += size_of(event.output);
  const auto value = event.output.find("value");
  if (value != event.output.end()) loop.outputs.at(static_cast<std::size_t>(event.loop_counter - 1)) = value->second;
}

void Applier::operator()(const InstanceMigrated& event) {
  Instance& owner = instance(event.instance);
  const Definition& target = *state_.definition(event.process_key);
  while (!owner.subscriptions.empty()) erase_subscription(owner, owner.subscriptions.begin()->first);  // those of the target come anew
  for (auto& [key, migrated] : owner.elements) {
    migrated.triggered.reset();  // what began it is no part of the other process
    if (key == owner.key) continue;
    const std::string& becomes = *event.mapping.at(owner.process->elements[migrated.element].id).string();
    migrated.element = target.process->by_id.at(becomes);
  }
  if (!owner.lock_key.empty()) {
    state_.locks_.erase({owner.process->id, owner.lock_key});
    state_.locks_[{target.process->id, owner.lock_key}] = owner.key;
  }
  migrate_compensations(owner, *target.process, event.mapping);
  state_.count_instance(owner.process_key, -1);
  state_.count_instance(target.key, 1);
  owner.process = target.process;
  owner.process_key = target.key;
  owner.version = target.version;
}

void Applier::operator()(const ProcessBound& event) {
  if (!state_.definition(event.process)) throw std::logic_error("bindings of an unknown process");
  state_.restore_bound(event);
  state_.changed_bound_.insert(event.process);
}

void Applier::operator()(const ProcessDeleted& event) {
  if (!state_.definition(event.key)) throw std::logic_error("deletion of an unknown process");
  state_.erase_definition(event.key);
}

void Applier::operator()(const DecisionsDeployed& event) {
  const auto restored =
      state_.restore_requirements({event.key, event.id, event.version, event.resource_name, event.xml, event.decisions, nullptr});
  if (!restored) throw std::logic_error(restored.error());
  state_.changed_requirements_.insert(event.key);
  state_.forget_retired(Deployable::kRequirements, event.id);
  for (const DecisionsDeployed::Decision& decision : event.decisions) state_.forget_retired(Deployable::kDecision, decision.id);
}

void Applier::operator()(const DecisionsDeleted& event) {
  if (!state_.requirements(event.key)) throw std::logic_error("deletion of unknown decisions");
  state_.erase_requirements(event.key);
}

void Applier::operator()(const DecisionEvaluated& event) { used(event.evaluation); }

void Applier::operator()(const FormDeployed& event) {
  state_.restore_form({event.key, event.id, event.version, event.resource_name, event.content});
  state_.changed_forms_.insert(event.key);
  state_.forget_retired(Deployable::kForm, event.id);
}

void Applier::operator()(const FormDeleted& event) {
  if (!state_.form(event.key)) throw std::logic_error("deletion of an unknown form");
  state_.erase_form(event.key);
}

// An activity keeps its id where the mapping says nothing else. What the other process cannot undo is forgotten.
void Applier::migrate_compensations(Instance& owner, const model::Process& target, const Context& mapping) {
  const auto becomes = [&](model::ElementIndex index) -> model::ElementIndex {
    const auto mapped = mapping.find(owner.process->elements[index].id);
    const auto found = target.by_id.find(mapped == mapping.end() ? owner.process->elements[index].id : *mapped->second.string());
    return found == target.by_id.end() ? model::kProcessElement : found->second;
  };
  if (!owner.own_compensations) return;
  auto& [notes, compensable, undoing] = *owner.own_compensations;
  for (auto next = notes.begin(); next != notes.end();) {
    Compensation& compensation = next->second;
    compensation.activity = becomes(compensation.activity);
    const model::ElementIndex handler = target.elements[compensation.activity].compensation_handler;
    const bool is_lost = compensation.activity == model::kProcessElement || (compensation.handler != 0 && handler == 0);
    if (compensation.handler != 0) compensation.handler = handler;
    if (is_lost) compensable.erase({compensation.scope, compensation.key});
    next = is_lost ? notes.erase(next) : std::next(next);
  }
}

// ---- compensation

void Applier::operator()(const CompensationRecorded& event) {
  used(event.compensation);
  Instance& owner = instance(event.instance);
  Compensation& recorded = owner.own_compensations.made().notes[event.compensation];
  recorded.key = event.compensation;
  recorded.scope = event.scope;
  recorded.activity_instance = event.activity_instance;
  recorded.activity = owner.process->by_id.at(event.activity);
  if (!event.handler.empty()) recorded.handler = owner.process->by_id.at(event.handler);
  owner.own_compensations->compensable.insert({event.scope, event.compensation});
}

void Applier::operator()(const CompensationTriggered& event) {
  Instance& owner = instance(event.instance);
  Compensation& triggered = owner.own_compensations->notes.at(event.compensation);
  owner.own_compensations->compensable.erase({triggered.scope, event.compensation});
  triggered.thrower = event.thrower;
  triggered.parent = event.parent;
  if (triggered.handler != 0) owner.own_compensations->undoing.emplace(event.thrower, owner.own_compensations->way_to(event.compensation));
  ++element(owner, event.thrower).compensations;
  if (event.parent != 0) ++owner.own_compensations->notes.at(event.parent).inner;
}

void Applier::operator()(const CompensationStarted& event) {
  Instance& owner = instance(event.instance);
  Compensation& started = owner.own_compensations->notes.at(event.compensation);
  auto& undoing = owner.own_compensations->undoing;
  const auto begun = std::find_if(undoing.lower_bound({started.thrower, {}}), undoing.end(),
                                  [&](const auto& next) { return next.second.back() == event.compensation; });
  if (begun != undoing.end()) undoing.erase(begun);
  started.handler_instance = event.handler;
  element(owner, event.handler).undoes = event.compensation;
}

void Applier::operator()(const CompensationCompleted& event) {
  Instance& owner = instance(event.instance);
  const Compensation& completed = owner.own_compensations->notes.at(event.compensation);
  --element(owner, completed.thrower).compensations;
  if (const auto parent = owner.own_compensations->notes.find(completed.parent); parent != owner.own_compensations->notes.end())
    --parent->second.inner;
  owner.own_compensations->notes.erase(event.compensation);
}

}  // namespace consilium::bpmn::engine
