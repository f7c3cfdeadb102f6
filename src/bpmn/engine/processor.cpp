#include "bpmn/engine/processor.h"

#include <algorithm>
#include <ranges>

#include "base/utf8.h"

namespace consilium::bpmn::engine {

namespace {

std::size_t size_of(const Event& event) {
  const auto of = [](const Context& variables) { return engine::size_of(variables); };
  if (const auto* set = std::get_if<VariablesSet>(&event)) return of(set->variables);
  if (const auto* created = std::get_if<InstanceCreated>(&event)) return of(created->variables);
  if (const auto* triggered = std::get_if<EventTriggered>(&event)) return of(triggered->variables);
  if (const auto* started = std::get_if<LoopStarted>(&event)) return of(started->items);
  if (const auto* collected = std::get_if<LoopOutputCollected>(&event)) return of(collected->output);
  return 0;
}

}  // namespace

void EventWriter::append(Event event) {
  written_ += size_of(event);
  if (const auto* completed = std::get_if<ElementCompleted>(&event)) {
    const Instance& instance = *state_.instance(completed->instance);
    remember_end(instance, *instance.find(completed->element_instance), true);
  } else if (const auto* terminated = std::get_if<ElementTerminated>(&event)) {
    const Instance& instance = *state_.instance(terminated->instance);
    remember_end(instance, *instance.find(terminated->element_instance), false);
  }
  Applier(state_, now_).apply(event);
  outcome_.events.push_back(std::move(event));
}

void EventWriter::remember_end(const Instance& instance, const ElementInstance& element, bool completed) {
  const model::Element& definition = instance.element_of(element);
  outcome_.ended_elements.push_back({instance.key, element.key, element.scope, definition.id,
                                     element.loop ? model::ElementKind::kMultiInstanceBody : definition.kind, completed,
                                     element.started_at});
  if (element.scope != 0 && instance.process->has_inclusive_joins && !instance.find(element.scope)->waiting_tokens.empty())
    changed_scopes_.emplace(instance.key, element.scope);
  if (element.scope != 0) return;
  outcome_.ended_instances.push_back(
      {instance.key, instance.process->id, instance.version, instance.idempotency_key, completed, instance.started_at, element.variables});
}

void Processor::run(const Command& command) {
  std::visit(*this, command);
  if (!outcome_.rejection) run_steps();
}

void Processor::reject(Rejection::Code code, std::string message) { outcome_.rejection = Rejection{code, std::move(message), {}}; }

// ---- instances

void Processor::operator()(const CreateInstance& command) {
  if (!command.idempotency_key.empty()) {
    if (const Key earlier = state_.instance_of_idempotency_key(command.idempotency_key); earlier != 0) {
      outcome_.key = earlier;
      return;
    }
  }
  if (command.idempotency_key.size() > kMaxNameBytes)
    return reject(Rejection::Code::kInvalidArgument, "Expected an idempotency key up to 1024 bytes, but it is longer");
  const Definition* definition =
      command.version == 0 ? state_.newest(command.process_id) : state_.version(command.process_id, command.version);
  if (!definition)
    return reject(Rejection::Code::kNotFound,
                  "Expected to start the process '" + cut_utf8(command.process_id, 100) + "', but no such process is deployed");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to start a process with variables, but " + problem);
  const bool begins_elsewhere = !command.start_elements.empty();
  if (!begins_elsewhere && definition->process->elements[model::kProcessElement].start_event == 0)
    return reject(Rejection::Code::kInvalidState,
                  "Expected to create instance of process with none start event, but there is no such event");
  if (const std::string fault = begins_elsewhere ? find_start_fault(*definition, command) : ""; !fault.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to create instance of process with start instructions but " + fault);
  const Key key = writer_.next_key();
  outcome_.key = key;
  outcome_.created = true;
  writer_.append(InstanceCreated{key, definition->key, command.idempotency_key, command.variables});
  if (begins_elsewhere) return begin_at(key, command.start_elements);
  go_on_activating(key, key);
}

void Processor::operator()(const CancelInstance& command) {
  const Instance* instance = state_.instance(command.instance);
  if (!instance)
    return reject(Rejection::Code::kNotFound,
                  "Expected to cancel the process instance " + std::to_string(command.instance) + ", but no such instance is active");
  if (instance->parent != 0) {
    const Instance* root = instance;
    while (root->parent != 0 && state_.instance(root->parent)) root = state_.instance(root->parent);
    return reject(Rejection::Code::kInvalidState,
                  "Expected to cancel a process instance with key '" + std::to_string(command.instance) +
                      "', but it is created by a parent process instance. Cancel the root process instance '" + std::to_string(root->key) +
                      "' instead.");
  }
  push(Step::Kind::kTerminate, command.instance, command.instance);
}

void Processor::operator()(const SetVariables& command) {
  const Instance* instance = state_.owner_of(command.scope);
  if (!instance || !instance->find(command.scope))
    return reject(Rejection::Code::kNotFound,
                  "Expected to set variables of " + std::to_string(command.scope) + ", but no such instance is active");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to set variables, but " + problem);
  const Key instance_key = instance->key;
  if (const std::string problem = check_room(*instance, command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidState, "Expected to set variables of " + std::to_string(command.scope) + ", but " + problem);
  if (command.local)
    writer_.append(VariablesSet{instance_key, command.scope, command.variables});
  else
    merge(instance_key, command.scope, command.variables);
}

void Processor::operator()(const Continue& command) {
  if (const Broadcast* kept = state_.broadcast(command.key)) return go_on_with_broadcasts(command.key, kept->name);
  const Instance* instance = state_.instance(command.key);
  if (!instance || instance->pending.empty()) return;  // ended or continued meanwhile
  yields_before_ = instance->yields;
  steps_.assign(instance->pending.begin(), instance->pending.end());
  note_joins(*instance);
  writer_.append(InstanceContinued{command.key});
}

// ---- messages

void Processor::operator()(const PublishMessage& command) {
  if (command.name.size() > kMaxNameBytes || command.correlation_key.size() > kMaxNameBytes || command.id.size() > kMaxNameBytes)
    return reject(Rejection::Code::kInvalidArgument, "Expected a message whose name, key and id have up to 1024 bytes, but it is not so");
  if (!command.id.empty() && state_.is_known_message(command.name, command.correlation_key, command.id))
    return reject(Rejection::Code::kAlreadyExists,
                  "Expected to publish a message with a new id, but '" + command.id + "' is known already");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected a message with variables, but " + problem);
  const Key key = writer_.next_key();
  outcome_.key = key;
  const Duration buffered = std::clamp(command.time_to_live, Duration{}, kMaxWait);
  writer_.append(MessagePublished{key, command.name, command.correlation_key, command.id, now_ + buffered, command.variables});
  correlate_with_waiting(key);
  start_by_message(*state_.message(key));
  if (buffered <= Duration{}) writer_.append(MessageExpired{key});
}

// To one waiting instance of each process, in the order of all of them.
void Processor::correlate_with_waiting(Key key) {
  const Message& message = *state_.message(key);
  std::map<Waiter, MessageWaiter> next;  // of each process that has not got it
  for (const MessageWaiter& first : state_.first_message_waiters(message.name, message.correlation_key)) next.emplace(first.waiter, first);
  while (!next.empty()) {
    const MessageWaiter candidate = next.extract(next.begin()).mapped();
    const Instance* instance = state_.owner_of(candidate.waiter.subscription);  // null: an earlier one has ended it
    const Subscription* waiting = instance ? &instance->subscriptions.at(candidate.waiter.subscription) : nullptr;
    const bool is_meant = waiting && waiting->name == message.name && waiting->correlation_key == message.correlation_key;
    if (is_meant && instance->can_be_triggered(instance->elements.at(waiting->element_instance)) &&
        check_room(*instance, message.variables).empty()) {
      correlate(message, *waiting);
      continue;
    }
    if (const auto after = state_.message_waiter_after(candidate)) next.emplace(after->waiter, *after);
  }
}

// ---- jobs

const Job* Processor::find_job(Key key, std::string_view what) {
  const Instance* instance = state_.owner_of(key);
  if (instance) {
    if (const auto found = instance->jobs.find(key); found != instance->jobs.end()) return &found->second;
  }
  reject(Rejection::Code::kNotFound,
         "Expected to " + std::string(what) + " the job " + std::to_string(key) + ", but no such job was found");
  return nullptr;
}

void Processor::operator()(const ActivateJobs& command) {
  if (command.most < 1) return;  // none asked for, none given
  if (command.type.empty()) return reject(Rejection::Code::kInvalidArgument, "Expected to activate jobs of a type, but none given");
  if (command.lock <= Duration{})
    return reject(Rejection::Code::kInvalidArgument,
                  "Expected to activate jobs with a timeout above 0, but it is '" + std::to_string(command.lock.microseconds / 1000) + "'");
  const auto most = static_cast<std::size_t>(std::min(command.most, kMaxActivatedJobs));
  std::vector<Key> chosen;
  for (const ReadyJob& ready : state_.activatable(command.type)) {
    if (chosen.size() == most) break;
    chosen.push_back(ready.key);
  }
  const Timestamp deadline = now_ + std::min(command.lock, kMaxWait);
  const std::set<std::string, std::less<>> wanted(command.fetch_variables.begin(), command.fetch_variables.end());
  const std::string worker = cut_utf8(command.worker, kMaxNameBytes);
  std::size_t bytes = 0;
  for (const Key key : chosen) {
    const Instance& instance = *state_.owner_of(key);
    Context variables = visible_variables(instance, instance.jobs.at(key).element_instance);
    if (!wanted.empty()) std::erase_if(variables, [&](const auto& variable) { return !wanted.contains(variable.first); });
    bytes += size_of(variables);
    if (bytes > command.most_bytes && !outcome_.jobs.empty()) break;
    writer_.append(JobActivated{instance.key, key, worker, deadline});
    const Job& job = instance.jobs.at(key);
    const ElementInstance& element = *instance.find(job.element_instance);
    outcome_.jobs.push_back({key, job.type, instance.key, element.key, instance.process->id, instance.version, instance.process_key,
                             instance.element_of(element).id, job.worker, job.headers, std::move(variables), job.retries, deadline});
  }
}

void Processor::operator()(const CompleteJob& command) {
  const Job* job = find_job(command.job, "complete");
  if (!job) return;
  if (job->state == JobState::kFailed || job->state == JobState::kErrorThrown)
    return reject(Rejection::Code::kInvalidState,
                  "Expected to complete the job " + std::to_string(command.job) + ", but it has an incident");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to complete a job with variables, but " + problem);
  const Instance& owner = *state_.owner_of(command.job);
  if (const std::string problem = check_room(owner, command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidState, "Expected to complete the job " + std::to_string(command.job) + ", but " + problem);
  const Key instance = owner.key;
  const Key element_instance = job->element_instance;
  const ElementInstance& element = *owner.find(element_instance);
  if (element.is_heard()) return complete_listener(owner, element, command);
  writer_.append(JobCompleted{instance, command.job, command.variables});
  push(Step::Kind::kComplete, instance, element_instance);
}

void Processor::operator()(const FailJob& command) {
  const Job* job = find_job(command.job, "fail");
  if (!job) return;
  if (job->state == JobState::kFailed || job->state == JobState::kErrorThrown)
    return reject(Rejection::Code::kInvalidState, "Expected to fail the job " + std::to_string(command.job) + ", but it has an incident");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to fail a job with variables, but " + problem);
  if (const std::string problem = check_room(*state_.owner_of(command.job), command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidState, "Expected to fail the job " + std::to_string(command.job) + ", but " + problem);
  const Key instance = state_.owner_of(command.job)->key;
  const Key element_instance = job->element_instance;
  const std::int32_t retries = std::max(command.retries.value_or(job->retries - 1), 0);
  const int doublings = std::min(job->failures, 20);
  const Duration back_off =
      std::clamp(command.retry_in.value_or(std::min(kFirstBackOff * (std::int64_t{1} << doublings), kMaxBackOff)), Duration{}, kMaxWait);
  const std::string message = cut_utf8(command.message, kMaxMessageBytes);
  if (!command.variables.empty()) writer_.append(VariablesSet{instance, element_instance, command.variables});
  writer_.append(JobFailed{instance, command.job, retries, now_ + back_off, cut_utf8(command.error_code, kMaxNameBytes), message});
  if (retries > 0) return;
  std::string text = message.empty() ? "No more retries left" : message;
  if (!command.error_code.empty()) text = command.error_code + ": " + text;
  raise(instance, element_instance, command.job, {error_type::kJobNoRetries, std::move(text)});
}

void Processor::operator()(const YieldJob& command) {
  const Job* job = find_job(command.job, "return");
  if (!job) return;
  const bool is_held = job->state == JobState::kActivated && (!command.deadline || *command.deadline == job->due);
  if (!is_held)
    return reject(Rejection::Code::kInvalidState,
                  "Expected to return the job " + std::to_string(command.job) + ", but it is not activated");
  const Duration wait = command.retry_in <= Duration{} ? kFirstBackOff : std::min(command.retry_in, kMaxWait);
  writer_.append(JobYielded{state_.owner_of(command.job)->key, command.job, now_ + wait});
}

void Processor::operator()(const ReleaseJobs& command) {
  const std::set<Key> held = state_.activated(command.type, command.worker);
  for (const Key key : held) job_due(key);
}

void Processor::operator()(const ThrowError& command) {
  const Job* job = find_job(command.job, "throw an error for");
  if (!job) return;
  if (job->state == JobState::kFailed || job->state == JobState::kErrorThrown)
    return reject(Rejection::Code::kInvalidState,
                  "Expected to throw an error for the job " + std::to_string(command.job) + ", but it has an incident");
  if (command.code.size() > kMaxNameBytes)
    return reject(Rejection::Code::kInvalidArgument, "Expected an error code up to 1024 bytes, but it is longer");
  if (const std::string problem = check_variables(command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidArgument, "Expected to throw an error with variables, but " + problem);
  const Instance& instance = *state_.owner_of(command.job);
  const Key instance_key = instance.key;
  const Key element_instance = job->element_instance;
  if (instance.find(element_instance)->is_heard())
    return reject(Rejection::Code::kInvalidState,
                  "Expected to throw an error for the job " + std::to_string(command.job) + ", but it is of a listener, which throws none");
  if (const std::string problem = check_room(instance, command.variables); !problem.empty())
    return reject(Rejection::Code::kInvalidState,
                  "Expected to throw an error for the job " + std::to_string(command.job) + ", but " + problem);
  const auto catcher = find_catcher(instance, *instance.find(element_instance), model::EventKind::kError, command.code);
  if (catcher && !can_be_triggered(*catcher))
    return reject(Rejection::Code::kInvalidState,
                  "Expected to throw an error for the job " + std::to_string(command.job) + ", but what catches it takes no more events");
  writer_.append(JobErrorThrown{instance_key, command.job, command.code, cut_utf8(command.message, kMaxMessageBytes)});
  if (catcher) return trigger(*catcher, command.variables);
  raise(instance_key, element_instance, command.job,
        {error_type::kUnhandledError,
         "Expected to throw the error '" + command.code + "', but no boundary event catches it. " + command.message});
}

// Those that the job began with; of what its variables are now, where they are computed.
std::int32_t Processor::retries_of_model(const Instance& instance, const Job& job) const {
  const ElementInstance& element = *instance.find(job.element_instance);
  const model::Element& definition = instance.element_of(element);
  const auto& listeners = element.state == Lifecycle::kActivating ? definition.start_listeners : definition.end_listeners;
  const auto heard = static_cast<std::size_t>(element.listeners_done);
  const model::JobDefinition* given = definition.job ? &*definition.job : nullptr;
  if (element.is_heard()) given = heard < listeners.size() ? &listeners[heard] : nullptr;
  const auto retries = given ? evaluate_retries(*given, instance, element.key) : Evaluated<std::int32_t>(model::kDefaultRetries);
  return std::max(retries.value_or(model::kDefaultRetries), 1);
}

void Processor::operator()(const UpdateRetries& command) {
  if (command.retries && *command.retries < 1)
    return reject(Rejection::Code::kInvalidArgument, "Expected to set retries above 0, but they are not");
  const Job* job = find_job(command.job, "update");
  if (!job) return;
  const Key instance = state_.owner_of(command.job)->key;
  const std::int32_t retries = command.retries ? *command.retries : retries_of_model(*state_.instance(instance), *job);
  writer_.append(JobRetriesUpdated{instance, command.job, std::min(retries, 1000)});
  const bool waits = state_.instance(instance)->jobs.at(command.job).state == JobState::kBackingOff;
  if (waits && command.back_off == UpdateRetries::BackOff::kEnded) writer_.append(JobReady{instance, command.job});
}

void Processor::operator()(const UpdateTimeout& command) {
  const Job* job = find_job(command.job, "update the timeout of");
  if (!job) return;
  if (job->state != JobState::kActivated)
    return reject(Rejection::Code::kInvalidState,
                  "Expected to update the timeout of the job " + std::to_string(command.job) + ", but it is not activated");
  writer_.append(JobMoved{state_.owner_of(command.job)->key, command.job, now_ + std::clamp(command.lock, Duration{}, kMaxWait)});
}

// A lock that runs out uses no retry: a crash is not the worker's failure. But a job that its worker never answers, or
// dies of, is not handed out for ever.
void Processor::job_due(Key key) {
  const Instance& instance = *state_.owner_of(key);
  const Key instance_key = instance.key;
  const Job& job = instance.jobs.at(key);
  if (job.state != JobState::kActivated) return writer_.append(JobReady{instance_key, key});
  const Key element_instance = job.element_instance;
  const std::int32_t losses = job.losses + 1;
  writer_.append(JobLost{instance_key, key, losses});
  if (losses < kMaxLosses) return;
  const std::string text = "Expected the worker to answer, but it ended or the lock ran out " + std::to_string(losses) + " times in a row";
  writer_.append(JobFailed{instance_key, key, 0, now_, "process.job-lost", text});
  raise(instance_key, element_instance, key, {error_type::kJobNoRetries, "process.job-lost: " + text});
}

// ---- incidents

void Processor::operator()(const ResolveIncident& command) {
  const Instance* instance = state_.owner_of(command.incident);
  const auto found = instance ? instance->incidents.find(command.incident) : std::map<Key, Incident>::const_iterator();
  if (!instance || found == instance->incidents.end())
    return reject(Rejection::Code::kNotFound,
                  "Expected to resolve the incident " + std::to_string(command.incident) + ", but no such incident was found");
  const Key key = instance->key;
  const Key job = found->second.job;
  const Key element_instance = found->second.element_instance;
  if (job != 0 && instance->jobs.at(job).retries < 1)
    return reject(Rejection::Code::kNotFound,
                  "Expected to resolve the incident " + std::to_string(command.incident) + ", but its job has no retries left");
  writer_.append(IncidentResolved{key, command.incident});
  if (job != 0) return;
  const ElementInstance& element = *instance->find(element_instance);
  if (element.scope == 0 && (element.state == Lifecycle::kActivated || element.state == Lifecycle::kTerminating)) {  // the loop limit
    steps_.assign(instance->pending.begin(), instance->pending.end());
    writer_.append(InstanceContinued{key});
    return;
  }
  if (element.state == Lifecycle::kActivated && instance->element_of(element).called) return call_again(*instance, element);
  if (element.state == Lifecycle::kActivated) return throw_error(key, element_instance);
  push(element.state == Lifecycle::kActivating ? Step::Kind::kReactivate : Step::Kind::kComplete, key, element_instance);
}

// ---- time

// Deadlines stand in wall time, and so outlast the process. A clock that is set back would prolong every wait by as much; this
// way none lasts longer from now on than it was meant to.
void Processor::begin_anew(const Due& begun) {
  if (begun.kind == DueKind::kStartTimer)
    return writer_.append(StartTimerMoved{begun.key, now_ + (state_.start_timers().at(begun.key).due - begun.at)});
  const Instance& instance = *state_.owner_of(begun.key);
  const auto moved = [&](Timestamp due) { return now_ + (due - begun.at); };
  if (begun.kind == DueKind::kJob)
    writer_.append(JobMoved{instance.key, begun.key, moved(instance.jobs.at(begun.key).due)});
  else
    writer_.append(TimerMoved{instance.key, begun.key, moved(instance.timers.at(begun.key).due)});
}

void Processor::operator()(const Tick&) {
  for (int moved = 0; moved < kMaxDuePerTick && state_.was_set_back(now_); ++moved) begin_anew(*state_.begun().rbegin());
  for (int fired = 0; fired < kMaxDuePerTick && !state_.due().empty(); ++fired) {
    const Due due = *state_.due().begin();
    if (due.at > now_) return;
    switch (due.kind) {
      case DueKind::kMessage: writer_.append(MessageExpired{due.key}); break;
      case DueKind::kJob: job_due(due.key); break;
      case DueKind::kStartTimer:
        start_by_timer(due.key);
        run_steps();
        break;
      case DueKind::kTimer:
        fire_timer(due.key);
        run_steps();
        break;
    }
  }
}

}  // namespace consilium::bpmn::engine
