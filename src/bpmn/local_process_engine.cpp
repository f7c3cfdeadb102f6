#include "bpmn/local_process_engine.h"

#include <algorithm>
#include <concepts>
#include <exception>
#include <limits>

#include "base/utf8.h"
#include "bpmn/instance_views.h"

namespace consilium::bpmn {
namespace {

using engine::Key;
using process::InstanceState;

Error overloaded(std::string_view why) { return make_error(ErrorKind::kUnavailable, "process.overloaded", why).retry_in(seconds(1)); }

Error unavailable(std::string_view why) { return make_error(ErrorKind::kUnavailable, "process.unavailable", why).retry_in(seconds(1)); }

Error none_with(std::string_view what, Key key) {
  return make_error(ErrorKind::kNotFound, "process.not-found",
                    "Expected " + std::string(what) + " with the key " + std::to_string(key) + ", but there is none");
}

Error error_of(const engine::Rejection& rejection) {
  if (!rejection.findings.empty()) {
    Error error = make_error(ErrorKind::kValidation, "process.invalid-model", rejection.message);
    for (const model::Finding& finding : rejection.findings)
      error.fields.push_back({finding.file + "#" + finding.element_id, "invalid", finding.message});
    return error;
  }
  using Code = engine::Rejection::Code;
  switch (rejection.code) {
    case Code::kNotFound: return make_error(ErrorKind::kNotFound, "process.not-found", rejection.message);
    case Code::kInvalidArgument: return make_error(ErrorKind::kValidation, "process.invalid-request", rejection.message);
    case Code::kInvalidState:
    case Code::kAlreadyExists: break;
  }
  return make_error(ErrorKind::kConflict, "process.conflict", rejection.message);
}

Result<engine::Context> parse(std::string_view variables) {
  auto parsed = feel::parse_variables(variables);
  if (!parsed)
    return fail(ErrorKind::kValidation, "process.invalid-variables",
                "Expected variables as a JSON object, but the text is not one: " + parsed.error());
  return std::move(*parsed);
}

// About as many as it holds while it waits.
template <class Wish>
std::size_t bytes_of(const Wish& wish) {
  if constexpr (requires { wish.variables; }) {
    return engine::size_of(wish.variables);
  } else if constexpr (std::same_as<Wish, engine::Deploy>) {
    std::size_t bytes = 0;
    for (const engine::Resource& resource : wish.resources) bytes += resource.content.size();
    return bytes;
  } else if constexpr (std::same_as<Wish, engine::ModifyInstance>) {
    std::size_t bytes = 0;
    for (const auto& activation : wish.activations) {
      for (const auto& given : activation.variables) bytes += engine::size_of(given.variables);
    }
    return bytes;
  } else {
    return 0;
  }
}
std::size_t bytes_of(const engine::Command& command) {
  return std::visit([](const auto& wish) { return bytes_of(wish); }, command);
}

process::Job job_of(const engine::ActivatedJob& activated) {
  process::Job job;
  job.key = activated.key;
  job.type = activated.type;
  job.instance_key = activated.instance;
  job.process_id = activated.process_id;
  job.process_version = activated.process_version;
  job.element_id = activated.element;
  job.headers = feel::to_json(activated.headers);
  job.variables = feel::to_json(activated.variables);
  job.retries = activated.retries;
  job.deadline = activated.deadline;
  return job;
}

}  // namespace

LocalProcessEngine::LocalProcessEngine(database::Database& database, runtime::Scheduler& loop, RandomSource& random, Options options)
    : loop_(loop),
      handler_loop_(options.handler_loop ? *options.handler_loop : loop),
      random_(random),
      options_(options),
      context_(loop, random),
      engine_(engine::EngineOptions{options.partition, std::nullopt, options.retries_for_none, options.early_messages, &random}),
      journal_(database, options.commit_log, loop, random, options.partition),
      wake_(loop),
      idle_(loop),
      closing_(loop) {
  context_.client = runtime::ClientType::kTimer;
  context_.caller.kind = runtime::Caller::Kind::kService;
  context_.caller.service = "processes";
}

LocalProcessEngine::~LocalProcessEngine() = default;

// ---- life

Task<Result<void>> LocalProcessEngine::open(runtime::Context& context) {
  co_await loop_.enter();
  auto loaded = co_await journal_.load(context_, engine_);
  if (loaded) {
    queue_continues();
    is_as_on_disk_ = true;
    if (!engine_.state().open_incidents().empty()) last_incident_ = *engine_.state().open_incidents().rbegin();
    running_ = true;
    open_ = true;
    loop_.spawn("process-engine", run());
    arm_timer();
    if (options_.history > Duration{}) {
      forgetting_ = true;
      loop_.spawn("process-history", forget_history());
    }
  }
  co_await context.scheduler().enter();
  co_return loaded;
}

Task<void> LocalProcessEngine::close() {
  co_await loop_.enter();
  open_ = false;
  closing_.open();
  wake_.notify_all();
  while (running_ || forgetting_) co_await idle_.wait();
  if (timer_ != 0) loop_.cancel(timer_);
  timer_ = 0;
}

bool LocalProcessEngine::has_work() {
  if (!queue_.empty() || (!continues_.empty() && may_continue())) return true;
  if (engine_.state().has_due(loop_.now()) && may_tick()) return true;
  if (has_served_wait()) return true;
  if (!workers_open_) return false;
  if (workers_are_new_) return true;
  return std::any_of(workers_.begin(), workers_.end(), [this](const auto& state) {
    return state->active < state->worker.max_active && !engine_.state().activatable(state->worker.job_type).empty();
  });
}

Task<void> LocalProcessEngine::run() {
  while (true) {
    if (!has_work()) {
      if (closing_.is_open()) break;
      arm_timer();
      co_await wake_.wait();
      continue;
    }
    Turn turn;
    std::vector<Request> requests;
    std::optional<Error> failure;
    try {
      decide_all(turn, requests);
    } catch (...) {
      runtime::report_current_exception("process-engine");
      failure = internal_error("the process engine failed to decide a command");
      pause_what_failed();
    }
    if (!failure) {
      auto kept = co_await keep(turn);
      if (!kept) failure = std::move(kept).error();
    }
    if (failure) {
      const bool known = failure->kind == ErrorKind::kInternal || failure->code == "outcome-unknown";
      const Error answer = known ? *failure : unavailable("The engine's database refused a commit").caused_by(*failure);
      is_as_on_disk_ = false;
      for (Request& request : requests) request.finish(answer);
      take_back(turn);
      if (failure->code == "process.fenced") {  // another process owns the partition now: this one must keep still
        runtime::report_panic("process-engine", failure->describe());
        fenced_ = true;
        break;
      }
      const bool again = co_await reload();
      if (!again) break;
      continue;
    }
    for (Request& request : requests) request.finish(std::nullopt);
    tell_waits(turn);
    tell_incidents();
    dispatch(turn.assignments);
    if (options_.commit_log && has_work()) co_await loop_.yield();  // such a commit suspends nothing: the loop has other work, too
  }
  open_ = false;
  end_waits();
  for (Request& request : queue_) request.finish(unavailable("The engine is closed"));
  waiting_ -= queue_.size();
  queue_.clear();
  if (is_as_on_disk_ && !fenced_) {
    const journal::Batch nothing;
    auto kept = co_await journal_.append(context_, engine_, nothing, journal::Journal::Checkpoint::kYes);
    if (!kept) runtime::report_panic("process-engine", kept.error().describe());
  }
  co_await journal_.stop();
  running_ = false;
  idle_.notify_all();
}

// Everything that is to be in the next transaction. An exception leaves all requests taken in `requests`.
void LocalProcessEngine::decide_all(Turn& turn, std::vector<Request>& requests) {
  deciding_ = Deciding::kTick;
  if (engine_.state().has_due(loop_.now()) && may_tick()) {
    execute(turn, engine::Tick{});
    tick_pauses_.reset();
  }
  deciding_ = Deciding::kContinue;
  for (std::size_t i = may_continue() ? std::min(kMaxContinuesPerBatch, continues_.size()) : 0; i > 0; --i) {
    const Key key = continues_.front();
    continues_.pop_front();
    execute(turn, engine::Continue{key});
    continue_pauses_.reset();
  }
  deciding_ = Deciding::kCalls;
  while (!queue_.empty() && requests.size() < kMaxBatch) {
    requests.push_back(std::move(queue_.front()));
    queue_.pop_front();
    --waiting_;
    requests.back().decide(turn);
  }
  assign_jobs(turn);
  serve_job_waits(turn);
}

void LocalProcessEngine::assign_jobs(Turn& turn) {
  if (!workers_open_) return;
  // What workers of an earlier process held was lost with it: nobody waits for its locks to run out.
  if (std::exchange(workers_are_new_, false)) {
    for (const auto& state : workers_) execute(turn, engine::ReleaseJobs{state->worker.job_type, state->worker.name});
  }
  for (const auto& state : workers_) {
    const process::Worker& worker = state->worker;
    if (state->active >= worker.max_active || engine_.state().activatable(worker.job_type).empty()) continue;
    engine::Outcome outcome =
        execute(turn, engine::ActivateJobs{worker.job_type, worker.name, worker.max_active - state->active, worker.lock});
    for (engine::ActivatedJob& job : outcome.jobs) turn.assignments.push_back({state.get(), std::move(job)});
  }
}

engine::Outcome LocalProcessEngine::execute(Turn& turn, const engine::Command& command) {
  const Timestamp now = loop_.now();
  engine::Outcome outcome = engine_.execute(command, now);
  continues_.insert(continues_.end(), outcome.to_continue.begin(), outcome.to_continue.end());
  for (const engine::EndedInstance& ended : outcome.ended_instances) {
    if (result_waits_.contains(ended.key)) turn.results.push_back(ended);
  }
  turn.batch.add(now, outcome);
  return outcome;
}

Task<Result<void>> LocalProcessEngine::keep(const Turn& turn) {
  if (turn.batch.empty()) co_return Result<void>();
  const bool cut = journal_.tail() + static_cast<std::int64_t>(turn.batch.records.size()) >= options_.records_per_checkpoint;
  const auto checkpoint = cut ? journal::Journal::Checkpoint::kYes : journal::Journal::Checkpoint::kNo;
  Result<void> kept;
  for (int attempt = 1; attempt <= kAppendTries; ++attempt) {
    kept = co_await journal_.append(context_, engine_, turn.batch, checkpoint);
    if (kept || kept.error().code != "database.overloaded") break;
    co_await loop_.sleep_for(kAppendRetry);
  }
  if (kept) reported_.clear();
  co_return kept;
}

// Else it would fail again at once, and with it whatever is asked for meanwhile.
void LocalProcessEngine::pause_what_failed() {
  if (deciding_ == Deciding::kTick) ticks_from_ = loop_.steady_now() + tick_pauses_.next(random_);
  if (deciding_ == Deciding::kContinue) continues_from_ = loop_.steady_now() + continue_pauses_.next(random_);
}

// Nobody is kept waiting, nor what they have sent, for a database that may be away for hours.
void LocalProcessEngine::refuse_calls() {
  is_database_away_ = true;
  std::deque<Request> outcomes;
  for (Request& request : queue_) {
    if (!request.is_call) {
      outcomes.push_back(std::move(request));
      continue;
    }
    --waiting_;
    request.finish(unavailable("The engine's database is away"));
  }
  queue_ = std::move(outcomes);
}

// What was decided and not kept never was. False: it must not go on.
Task<bool> LocalProcessEngine::reload() {
  runtime::Backoff pause({.first = kReloadRetry, .longest = kLongestReloadRetry});
  while (!closing_.is_open()) {
    engine_.reset();
    continues_.clear();
    auto loaded = co_await journal_.load(context_, engine_);
    if (loaded) {
      queue_continues();
      is_as_on_disk_ = true;
      is_database_away_ = false;
      co_return true;
    }
    refuse_calls();
    report(loaded.error());
    co_await closing_.wait_for(pause.next(random_));
  }
  co_return false;
}

Task<void> LocalProcessEngine::forget_history() {
  for (bool is_closing = false; !is_closing;) {  // g++ 12 makes no code for an await in the condition of a loop
    co_await drop_history();
    is_closing = co_await closing_.wait_for(kHistoryLook);
  }
  forgetting_ = false;
  idle_.notify_all();
}

// What fails is tried again with the next look.
Task<void> LocalProcessEngine::drop_history() {
  const Timestamp until = loop_.now() - options_.history;
  std::optional<Key> after = 0;
  while (after && !closing_.is_open()) {
    auto dropped = co_await journal_.drop_ended(context_, until, *after);
    if (!dropped) co_return;
    after = *dropped;
    if (after) co_await closing_.wait_for(kHistoryPause);
  }
}

// Once while it lasts: a disk may be full for hours.
void LocalProcessEngine::report(const Error& error) {
  if (std::exchange(reported_, error.code) != error.code) runtime::report_panic("process-engine", error.describe());
}

void LocalProcessEngine::queue_continues() {
  for (const auto& [signal, broadcast] : engine_.state().broadcasts()) continues_.push_back(signal);
  for (const auto& [key, instance] : engine_.state().awake_instances()) {  // none of these rests
    if (instance.may_continue()) continues_.push_back(key);
  }
}

void LocalProcessEngine::arm_timer() {
  if (timer_ != 0) loop_.cancel(timer_);
  timer_ = 0;
  const auto due = engine_.state().next_due();
  if ((!due && may_continue()) || closing_.is_open()) return;
  const Duration until = may_tick() && due ? *due - loop_.now() : kLongestSleep;  // else it looks again now and then
  timer_ = loop_.call_after(std::clamp(until, Duration{}, kLongestSleep), [this] {
    timer_ = 0;
    wake_.notify_all();
  });
}

// ---- calls

void LocalProcessEngine::enqueue(Request request) {
  if (!running_) {  // closed between the call and now
    --waiting_;
    request.finish(unavailable("The engine is closed"));
    return;
  }
  queue_.push_back(std::move(request));
  wake_.notify_all();
}

template <class T>
Task<Result<T>> LocalProcessEngine::submit(runtime::Context& context, std::move_only_function<Result<T>(Turn&)> decide, std::size_t bytes) {
  if (auto in_time = context.check_deadline(); !in_time) co_return fail(std::move(in_time).error());
  if (!open_) co_return fail(unavailable("The engine is not open"));
  if (is_database_away_) co_return fail(unavailable("The engine's database is away"));
  struct Weight {  // also when the frame is thrown away
    std::atomic<std::size_t>& all;
    const std::size_t bytes;
    ~Weight() { all -= bytes; }
  };
  const bool is_too_much = waiting_bytes_.fetch_add(bytes) + bytes > options_.max_waiting_bytes;
  const Weight weight{waiting_bytes_, bytes};
  if (waiting_.fetch_add(1) >= options_.max_waiting || is_too_much) {
    --waiting_;
    co_return fail(overloaded("Expected room in the engine's queue, but it is full"));
  }
  struct Awaiter {
    LocalProcessEngine& self;
    const runtime::Context& context;
    runtime::Scheduler& caller;
    std::move_only_function<Result<T>(Turn&)>& decide;
    std::optional<Result<T>> answer;
    std::optional<Error> failure;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      self.loop_.post([this, waiting] {
        Request request;
        request.decide = [this](Turn& turn) {
          // Who has given up is told so, and what they wanted is not done behind their back.
          auto in_time = context.check_deadline();
          answer.emplace(in_time ? decide(turn) : Result<T>(fail(std::move(in_time).error())));
        };
        request.finish = [this, waiting](std::optional<Error> error) {
          failure = std::move(error);
          caller.post([waiting] { waiting.resume(); });
        };
        self.enqueue(std::move(request));
      });
    }
    Result<T> await_resume() {
      if (failure) return fail(std::move(*failure));
      return std::move(*answer);
    }
  };
  Awaiter awaiter{*this, context, context.scheduler(), decide, std::nullopt, std::nullopt};
  Result<T> answer = co_await awaiter;
  co_return answer;
}

namespace {

process::Deployment deployment_of(const engine::Outcome& outcome) {
  process::Deployment deployment;
  for (const engine::DeployedProcess& process : outcome.processes)
    deployment.processes.push_back({process.process_id, process.version, process.key});
  for (const engine::DeployedRequirements& file : outcome.requirements) {
    for (const engine::DeployedDecision& decision : file.decisions)
      deployment.decisions.push_back({decision.key, decision.id, decision.name, decision.version});
  }
  for (const engine::DeployedForm& form : outcome.forms) deployment.forms.push_back({form.key, form.id, form.version});
  return deployment;
}

}  // namespace

Task<Result<process::Deployment>> LocalProcessEngine::deploy(runtime::Context& context, std::vector<process::Resource> resources) {
  auto deployed = co_await deploy_as(context, std::move(resources), engine::Effect::kMade, engine::Deploy::Replaced::kDeployedAgain);
  co_return deployed;
}

Task<Result<process::Deployment>> LocalProcessEngine::check_deployment(runtime::Context& context,
                                                                       std::vector<process::Resource> resources) {
  auto checked = co_await deploy_as(context, std::move(resources), engine::Effect::kOnlyChecked, engine::Deploy::Replaced::kDeployedAgain);
  co_return checked;
}

Task<Result<process::Deployment>> LocalProcessEngine::deploy_once(runtime::Context& context, std::vector<process::Resource> resources) {
  auto deployed = co_await deploy_as(context, std::move(resources), engine::Effect::kMade, engine::Deploy::Replaced::kLeft);
  co_return deployed;
}

Task<Result<process::Deployment>> LocalProcessEngine::deploy_as(runtime::Context& context, std::vector<process::Resource> resources,
                                                                engine::Effect effect, engine::Deploy::Replaced replaced) {
  engine::Deploy command;
  command.effect = effect;
  command.replaced = replaced;
  for (process::Resource& resource : resources) command.resources.push_back({std::move(resource.name), std::move(resource.content)});
  std::move_only_function<Result<process::Deployment>(Turn&)> decide = [this, &command](Turn& turn) -> Result<process::Deployment> {
    if (options_.job_types == Options::JobTypes::kOfWorkers) {
      std::set<std::string, std::less<>> known;
      for (const auto& state : workers_) known.insert(state->worker.job_type);
      engine_.set_known_job_types(std::move(known));
    }
    const engine::Outcome outcome = execute(turn, command);
    engine_.set_known_job_types(std::nullopt);  // workers of the gateway's clients are not ours to know
    if (outcome.rejection) return fail(error_of(*outcome.rejection));
    return deployment_of(outcome);
  };
  auto answer = co_await submit<process::Deployment>(context, std::move(decide), bytes_of(command));
  co_return answer;
}

Task<Result<Key>> LocalProcessEngine::start(runtime::Context& context, std::string process_id, std::string variables,
                                            std::string idempotency_key) {
  auto started = co_await start_version(context, std::move(process_id), 0, std::move(variables), std::move(idempotency_key));
  co_return started;
}

Task<Result<Key>> LocalProcessEngine::start_version(runtime::Context& context, std::string process_id, std::int32_t version,
                                                    std::string variables, std::string idempotency_key) {
  auto parsed = parse(variables);
  if (!parsed) co_return fail(std::move(parsed).error());
  if (!idempotency_key.empty()) {  // of one that ended long ago; the engine itself knows the live and the recent ones
    auto earlier = co_await journal_.find_by_idempotency_key(context, idempotency_key);
    if (!earlier) co_return fail(std::move(earlier).error());
    if (*earlier) co_return **earlier;
  }
  const engine::CreateInstance command{std::move(process_id), version, std::move(*parsed), std::move(idempotency_key)};
  std::move_only_function<Result<Key>(Turn&)> decide = [this, &command](Turn& turn) -> Result<Key> {
    engine::Outcome outcome = execute(turn, command);
    if (!outcome.rejection) return outcome.key;
    if (outcome.rejection->code == engine::Rejection::Code::kNotFound && command.version != 0)
      outcome.rejection->message = "Expected version " + std::to_string(command.version) + " of the process '" +
                                   cut_utf8(command.process_id, 100) + "' to start, but it is not deployed";
    return fail(error_of(*outcome.rejection));
  };
  auto answer = co_await submit<Key>(context, std::move(decide), bytes_of(command));
  co_return answer;
}

Task<Result<void>> LocalProcessEngine::publish(runtime::Context& context, process::Message message) {
  auto parsed = parse(message.variables);
  if (!parsed) co_return fail(std::move(parsed).error());
  const engine::PublishMessage command{std::move(message.name), std::move(message.correlation_key), std::move(message.id),
                                       message.time_to_live, std::move(*parsed)};
  std::move_only_function<Result<void>(Turn&)> decide = [this, &command](Turn& turn) -> Result<void> {
    const engine::Outcome outcome = execute(turn, command);
    if (!outcome.rejection || outcome.rejection->code == engine::Rejection::Code::kAlreadyExists) return {};
    return fail(error_of(*outcome.rejection));
  };
  auto answer = co_await submit<void>(context, std::move(decide), bytes_of(command));
  co_return answer;
}

Task<Result<void>> LocalProcessEngine::cancel(runtime::Context& context, Key instance_key) {
  std::move_only_function<Result<void>(Turn&)> decide = [this, instance_key](Turn& turn) -> Result<void> {
    const engine::Outcome outcome = execute(turn, engine::CancelInstance{instance_key});
    if (outcome.rejection) return fail(error_of(*outcome.rejection));
    return {};
  };
  auto answer = co_await submit<void>(context, std::move(decide));
  co_return answer;
}

Result<void> LocalProcessEngine::resolve(Turn& turn, Key incident_key, std::optional<std::int32_t> retries) {
  const engine::Instance* instance = engine_.state().owner_of(incident_key);
  if (instance && instance->incidents.contains(incident_key)) {
    const Key job = instance->incidents.at(incident_key).job;
    if (job != 0 && instance->jobs.at(job).retries < 1) execute(turn, engine::UpdateRetries{job, retries});
  }
  const engine::Outcome outcome = execute(turn, engine::ResolveIncident{incident_key});
  if (outcome.rejection) return fail(error_of(*outcome.rejection));
  return {};
}

Task<Result<void>> LocalProcessEngine::resolve_incident(runtime::Context& context, Key incident_key) {
  std::move_only_function<Result<void>(Turn&)> decide = [this, incident_key](Turn& turn) -> Result<void> {
    return resolve(turn, incident_key, std::nullopt);
  };
  auto answer = co_await submit<void>(context, std::move(decide));
  co_return answer;
}

Task<Result<void>> LocalProcessEngine::retry_job(runtime::Context& context, Key job_key, std::int32_t retries) {
  std::move_only_function<Result<void>(Turn&)> decide = [this, job_key, retries](Turn& turn) -> Result<void> {
    const engine::UpdateRetries command{job_key, retries, engine::UpdateRetries::BackOff::kEnded};
    const engine::Outcome outcome = execute(turn, command);
    if (outcome.rejection) return fail(error_of(*outcome.rejection));
    const engine::Instance& instance = *engine_.state().owner_of(job_key);
    const Key incident = instance.find(instance.jobs.at(job_key).element_instance)->incident;
    return incident == 0 ? Result<void>() : resolve(turn, incident, retries);
  };
  auto answer = co_await submit<void>(context, std::move(decide));
  co_return answer;
}

Task<Result<void>> LocalProcessEngine::set_variables(runtime::Context& context, process::VariableChange change) {
  auto parsed = parse(change.variables);
  if (!parsed) co_return fail(std::move(parsed).error());
  engine::SetVariables command;
  command.scope = change.scope_key == 0 ? change.instance_key : change.scope_key;
  command.variables = std::move(*parsed);
  command.local = change.where == process::VariableChange::Where::kInScope;
  std::move_only_function<Result<void>(Turn&)> decide = [this, &command, key = change.instance_key](Turn& turn) -> Result<void> {
    const engine::Instance* instance = engine_.state().instance(key);
    if (!instance || !instance->find(command.scope))
      return fail(error_of({engine::Rejection::Code::kNotFound, "Expected an active scope", {}}));
    const engine::Outcome outcome = execute(turn, command);
    if (outcome.rejection) return fail(error_of(*outcome.rejection));
    return {};
  };
  auto answer = co_await submit<void>(context, std::move(decide), bytes_of(command));
  co_return answer;
}

namespace {

engine::Effect effect_of(process::Effect effect) {
  return effect == process::Effect::kMade ? engine::Effect::kMade : engine::Effect::kOnlyChecked;
}

Result<engine::ModifyInstance> command_of(process::Modification& modification) {
  engine::ModifyInstance command;
  command.instance = modification.instance_key;
  command.effect = effect_of(modification.effect);
  command.terminations = std::move(modification.end);
  for (process::Modification::Begin& begin : modification.begin) {
    engine::ModifyInstance::Activation activation;
    activation.ancestor = begin.ancestor_key;
    if (!begin.variables.empty()) {
      ASSIGN_OR_RETURN(engine::Context variables, parse(begin.variables));
      activation.variables.push_back({begin.element_id, std::move(variables)});
    }
    activation.element = std::move(begin.element_id);
    command.activations.push_back(std::move(activation));
  }
  return command;
}

}  // namespace

Task<Result<void>> LocalProcessEngine::modify(runtime::Context& context, process::Modification modification) {
  auto command = command_of(modification);
  if (!command) co_return fail(std::move(command).error());
  std::move_only_function<Result<void>(Turn&)> decide = [this, &command](Turn& turn) -> Result<void> {
    const engine::Outcome outcome = execute(turn, *command);
    if (outcome.rejection) return fail(error_of(*outcome.rejection));
    return {};
  };
  auto answer = co_await submit<void>(context, std::move(decide), bytes_of(*command));
  co_return answer;
}

Task<Result<std::vector<process::MigrationOutcome>>> LocalProcessEngine::migrate(runtime::Context& context, process::Migration migration) {
  using Outcomes = std::vector<process::MigrationOutcome>;
  std::move_only_function<Result<Outcomes>(Turn&)> decide = [this, &migration](Turn& turn) -> Result<Outcomes> {
    if (!engine_.state().definition(migration.target_key))
      return fail(error_of({engine::Rejection::Code::kNotFound, "Expected a model to migrate to, but there is none with this key", {}}));
    Outcomes outcomes;
    for (const Key key : migration.instance_keys) {
      const engine::Outcome outcome =
          execute(turn, engine::MigrateInstance{key, migration.target_key, migration.mapping, effect_of(migration.effect)});
      outcomes.push_back({key, outcome.rejection ? outcome.rejection->message : std::string()});
    }
    return outcomes;
  };
  auto answer = co_await submit<Outcomes>(context, std::move(decide));
  co_return answer;
}

// ---- workers

void LocalProcessEngine::add_worker(process::Worker worker) {
  auto state = std::make_unique<WorkerState>();
  state->worker = std::move(worker);
  workers_.push_back(std::move(state));
}

void LocalProcessEngine::open_workers() {
  loop_.post([this] {
    workers_open_ = true;
    wake_.notify_all();
  });
}

Task<void> LocalProcessEngine::close_workers() {
  co_await loop_.enter();
  workers_open_ = false;
  while (!held_.empty()) co_await idle_.wait();
}

void LocalProcessEngine::tell_incidents() {
  if (!options_.on_incident) return;
  const engine::State& state = engine_.state();
  for (auto next = state.open_incidents().upper_bound(last_incident_); next != state.open_incidents().end(); ++next) {
    state.look_at(state.owner_key_of(*next),
                  [&](const engine::Instance& instance) { options_.on_incident(view_of_incident(instance, *next)); });
    last_incident_ = *next;
  }
}

void LocalProcessEngine::dispatch(std::vector<Assignment>& assignments) {
  for (Assignment& assignment : assignments) {
    const Ticket ticket = ++last_ticket_;
    ++assignment.worker->active;
    ++assignment.worker->counts.activated;
    const runtime::TimerId lock = loop_.call_after(assignment.worker->worker.lock, [this, ticket] { give_back(ticket); });
    held_[ticket] = {assignment.worker, lock};
    handler_loop_.spawn("job:" + assignment.job.type, handle_job(*assignment.worker, ticket, job_of(assignment.job)));
  }
}

// Once: a handler that answers after its lock ran out has no place any more.
void LocalProcessEngine::give_back(Ticket ticket) {
  const auto found = held_.find(ticket);
  if (found == held_.end()) return;
  loop_.cancel(found->second.lock);
  --found->second.worker->active;
  held_.erase(found);
  idle_.notify_all();
  wake_.notify_all();
}

Task<void> LocalProcessEngine::handle_job(WorkerState& worker, Ticket ticket, process::Job job) {
  runtime::Context context(handler_loop_, random_);
  context.client = runtime::ClientType::kJob;
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "processes";
  context.request_id = "job-" + std::to_string(job.key);
  context.deadline = handler_loop_.steady_now() + worker.worker.lock;
  process::JobOutcome outcome;
  try {
    outcome = co_await worker.worker.handle(context, job);
  } catch (...) {
    runtime::report_current_exception("job:" + job.type);
    outcome.kind = process::JobOutcome::Kind::kFail;
    outcome.error_code = "internal";
    outcome.message = "the handler failed";
  }
  loop_.post([this, ticket, key = job.key, result = std::move(outcome)]() mutable { take_outcome(ticket, key, std::move(result)); });
}

// Not bounded by the queue: there are never more outcomes than jobs handed out.
void LocalProcessEngine::take_outcome(Ticket ticket, Key job, process::JobOutcome outcome) {
  ++waiting_;
  const process::JobOutcome::Kind kind = outcome.kind;
  Request request;
  request.is_call = false;
  request.decide = [this, job, result = std::move(outcome)](Turn& turn) { decide_outcome(turn, job, result); };
  // When the commit failed the job is still locked, and is handed out again when the lock runs out.
  request.finish = [this, ticket, kind](std::optional<Error> error) {
    if (!error) count_outcome(ticket, kind);
    give_back(ticket);
  };
  enqueue(std::move(request));
}

void LocalProcessEngine::count_outcome(Ticket ticket, process::JobOutcome::Kind kind) {
  using Kind = process::JobOutcome::Kind;
  const auto found = held_.find(ticket);
  if (found == held_.end()) return;
  EngineFigures::Jobs& counts = found->second.worker->counts;
  switch (kind) {
    case Kind::kComplete: ++counts.completed; break;
    case Kind::kFail: ++counts.failed; break;
    case Kind::kThrow: ++counts.thrown; break;
    case Kind::kNotReady: ++counts.postponed; break;
  }
}

// A refusal means that the job is gone (cancelled, or finished by another after the lock ran out): nothing to do.
void LocalProcessEngine::decide_outcome(Turn& turn, Key job, const process::JobOutcome& outcome) {
  using Kind = process::JobOutcome::Kind;
  const std::optional<Duration> retry_in = outcome.retry_in > Duration{} ? std::optional(outcome.retry_in) : std::nullopt;
  if (outcome.kind == Kind::kFail) {
    execute(turn, engine::FailJob{job, std::nullopt, retry_in, outcome.error_code, outcome.message});
    return;
  }
  if (outcome.kind == Kind::kNotReady) {
    execute(turn, engine::YieldJob{job, outcome.retry_in});
    return;
  }
  auto variables = parse(outcome.variables);
  std::optional<engine::Rejection> rejection;
  if (variables && outcome.kind == Kind::kComplete)
    rejection = execute(turn, engine::CompleteJob{job, std::move(*variables)}).rejection;
  else if (variables)
    rejection = execute(turn, engine::ThrowError{job, outcome.error_code, outcome.message, std::move(*variables)}).rejection;
  if (variables && (!rejection || rejection->code != engine::Rejection::Code::kInvalidArgument)) return;
  const std::string why = variables ? rejection->message : variables.error().detail;
  execute(turn, engine::FailJob{job, std::nullopt, retry_in, "process.invalid-variables", why});
}

// ---- the gateway

Task<Decided<engine::Outcome>> LocalProcessEngine::perform(runtime::Context& context, engine::Command command) {
  using Answer = std::expected<engine::Outcome, engine::Rejection>;
  std::move_only_function<Result<Answer>(Turn&)> decide = [this, &command](Turn& turn) -> Result<Answer> {
    if (std::holds_alternative<engine::BroadcastSignal>(command) && engine_.state().broadcasts().size() >= kMaxBroadcasts)
      return fail(overloaded("Expected fewer signals that are still on their way"));
    engine::Outcome outcome = execute(turn, command);
    if (outcome.rejection) return Answer(std::unexpect, std::move(*outcome.rejection));
    return Answer(std::move(outcome));
  };
  auto answer = co_await submit<Answer>(context, std::move(decide), bytes_of(command));
  co_return answer;
}

std::expected<const engine::Definition*, engine::Rejection> LocalProcessEngine::find_definition(const Creation& creation) const {
  using Code = engine::Rejection::Code;
  const bool by_id = !creation.process_id.empty();
  if (!by_id && creation.process_key < 0)
    return std::unexpected(
        engine::Rejection{Code::kInvalidArgument, "Expected at least a bpmnProcessId or a key greater than -1, but none given", {}});
  const engine::State& state = engine_.state();
  const engine::Definition* const definition = !by_id             ? state.definition(creation.process_key)
                                               : creation.version ? state.version(creation.process_id, *creation.version)
                                                                  : state.newest(creation.process_id);
  if (definition) return definition;
  std::string asked =
      by_id ? "process ID '" + cut_utf8(creation.process_id, 100) + "'" : "key '" + std::to_string(creation.process_key) + "'";
  if (by_id && creation.version) asked += " and version '" + std::to_string(*creation.version) + "'";
  return std::unexpected(engine::Rejection{Code::kNotFound, "Expected to find process definition with " + asked + ", but none found", {}});
}

std::expected<Created, engine::Rejection> LocalProcessEngine::decide_creation(Turn& turn, Creation& creation) {
  const auto definition = find_definition(creation);
  if (!definition) return std::unexpected(definition.error());
  Created created;
  created.process_id = (*definition)->process->id;
  created.process_key = (*definition)->key;
  created.version = (*definition)->version;
  const engine::CreateInstance command{created.process_id, created.version, creation.variables, {}, creation.start_elements};
  const engine::Outcome outcome = execute(turn, command);
  if (outcome.rejection) return std::unexpected(*outcome.rejection);
  created.instance = outcome.key;
  return created;
}

Task<Decided<Created>> LocalProcessEngine::create(runtime::Context& context, Creation creation) {
  using Answer = std::expected<Created, engine::Rejection>;
  std::move_only_function<Result<Answer>(Turn&)> decide = [this, &creation](Turn& turn) -> Result<Answer> {
    return decide_creation(turn, creation);
  };
  auto answer = co_await submit<Answer>(context, std::move(decide), engine::size_of(creation.variables));
  co_return answer;
}

Task<Decided<Created>> LocalProcessEngine::create_and_wait(runtime::Context& context, Creation creation, Duration limit) {
  using Answer = std::expected<Created, engine::Rejection>;
  struct Registered {  // also when the frame is thrown away
    std::map<Key, ResultWait*>& waits;
    Key key = 0;
    ~Registered() {
      if (key != 0) waits.erase(key);
    }
  };
  runtime::Scheduler& caller = context.scheduler();
  const Timestamp until = loop_.steady_now() + limit;
  co_await loop_.enter();
  ResultWait wait(loop_);
  std::optional<Registered> registered(std::in_place, result_waits_);
  std::move_only_function<Result<Answer>(Turn&)> decide = [this, &creation, &wait, &registered](Turn& turn) -> Result<Answer> {
    auto created = decide_creation(turn, creation);
    if (!created) return created;
    registered->key = created->instance;
    result_waits_[created->instance] = &wait;
    for (const engine::EndedInstance& ended : turn.batch.ended_instances) {
      if (ended.key == created->instance) turn.results.push_back(ended);
    }
    return created;
  };
  runtime::Context inside(loop_, random_);
  inside.cancellation = context.cancellation;
  auto answer = co_await submit<Answer>(inside, std::move(decide), engine::size_of(creation.variables));
  bool in_time = true;
  if (answer && answer->has_value() && !wait.done.is_open()) {
    std::optional<runtime::Cancellation::Listener> given_up;
    const Key key = registered->key;
    if (context.cancellation)
      given_up.emplace(*context.cancellation, [this, key] {
        loop_.post([this, key] {
          if (const auto found = result_waits_.find(key); found != result_waits_.end()) found->second->done.open();
        });
      });
    in_time = co_await wait.done.wait_for(std::max(until - loop_.steady_now(), Duration{}));
  }
  if (answer && answer->has_value() && (!in_time || !wait.is_completed)) {
    answer = fail(ErrorKind::kDeadlineExceeded, "request.deadline-exceeded",
                  "Expected the process instance to complete in time, but it did not: it goes on without its caller");
  } else if (answer && answer->has_value()) {
    (*answer)->variables = std::move(wait.variables);
  }
  registered.reset();  // the map belongs to this loop
  co_await caller.enter();
  co_return answer;
}

Task<Decided<std::vector<engine::ActivatedJob>>> LocalProcessEngine::activate_jobs(runtime::Context& context, engine::ActivateJobs command,
                                                                                   std::optional<Duration> limit) {
  using Answer = std::expected<std::vector<engine::ActivatedJob>, engine::Rejection>;
  // Refusals, and what is there already.
  auto first = co_await perform(context, command);
  if (!first) co_return fail(std::move(first).error());
  if (!*first) co_return Answer(std::unexpect, std::move(first->error()));
  if (!(*first)->jobs.empty() || command.most < 1 || (limit && *limit <= Duration{})) co_return Answer(std::move((*first)->jobs));

  struct Registered {  // also when the frame is thrown away
    LocalProcessEngine& self;
    const std::string& type;
    Place place;
    ~Registered() {
      if (place.second != 0) self.forget_wait(place, type);
      self.job_waits_count_.fetch_sub(1);
    }
  };
  runtime::Scheduler& caller = context.scheduler();
  const std::size_t before = job_waits_count_.fetch_add(1);
  std::optional<Registered> registered(std::in_place, *this, command.type);
  if (before >= kMaxJobWaits) co_return fail(overloaded("Expected fewer calls that wait for jobs"));
  co_await loop_.enter();
  const Place place(limit ? Patience::kLimited : Patience::kEndless, ++last_ticket_);
  JobWait wait(loop_, command, place);
  if (open_) {
    registered->place = place;
    job_waits_[place.second] = &wait;
    job_waits_by_type_[command.type].insert(place);
    look_at_waits(command.type);
    wake_.notify_all();
    std::optional<runtime::Cancellation::Listener> given_up;
    const Ticket ticket = place.second;
    if (context.cancellation) given_up.emplace(*context.cancellation, [this, ticket] { loop_.post([this, ticket] { give_up(ticket); }); });
    if (limit) {
      const bool done = co_await wait.done.wait_for(*limit);
      if (!done && wait.in_turn) co_await wait.done.wait();
    } else {
      co_await wait.done.wait();
    }
  }
  registered.reset();
  const bool is_closed = !open_ && wait.jobs.empty();
  std::vector<engine::ActivatedJob> jobs = std::move(wait.jobs);
  co_await caller.enter();
  if (is_closed) co_return fail(unavailable("The engine is closed"));
  co_return Answer(std::move(jobs));
}

void LocalProcessEngine::give_up(Ticket ticket) {
  const auto found = job_waits_.find(ticket);
  if (found != job_waits_.end() && !found->second->in_turn) found->second->done.open();
}

void LocalProcessEngine::forget_wait(Place place, const std::string& type) {
  job_waits_.erase(place.second);
  const auto found = job_waits_by_type_.find(type);
  if (found == job_waits_by_type_.end()) return;
  found->second.erase(place);
  if (found->second.empty()) job_waits_by_type_.erase(found);
}

// Looks at what has changed and not at all that waits: types that a job or a wait came to.
bool LocalProcessEngine::has_served_wait() {
  for (const std::string& type : engine_.storage().take_ready_types()) look_at_waits(type);
  return !served_types_.empty();
}

void LocalProcessEngine::look_at_waits(const std::string& type) {
  ++job_wait_looks_;
  if (job_waits_by_type_.contains(type) && !engine_.state().activatable(type).empty()) served_types_.insert(type);
}

void LocalProcessEngine::serve_job_waits(Turn& turn) {
  if (!has_served_wait()) return;
  for (const std::string& type : std::exchange(served_types_, {})) {
    const auto found = job_waits_by_type_.find(type);
    if (found == job_waits_by_type_.end()) continue;
    std::set<Place>& waiting = found->second;
    while (!waiting.empty() && !engine_.state().activatable(type).empty()) {
      const Ticket first = waiting.begin()->second;
      waiting.erase(waiting.begin());
      JobWait& wait = *job_waits_.at(first);
      if (wait.done.is_open()) continue;  // it leaves
      wait.in_turn = true;
      turn.activated.push_back({first, execute(turn, wait.command).jobs});
    }
    if (waiting.empty()) job_waits_by_type_.erase(found);
  }
}

// After the commit.
void LocalProcessEngine::tell_waits(Turn& turn) {
  for (ActivatedFor& activated : turn.activated) {
    JobWait& wait = *job_waits_.at(activated.wait);  // it stays while it is in a turn
    wait.jobs = std::move(activated.jobs);
    wait.done.open();
  }
  for (engine::EndedInstance& ended : turn.results) {
    const auto found = result_waits_.find(ended.key);
    if (found == result_waits_.end() || !ended.completed) continue;
    found->second->variables = std::move(ended.variables);
    found->second->is_completed = true;
    found->second->done.open();
  }
}

// The commit failed: who waited waits on, in its place.
void LocalProcessEngine::take_back(const Turn& turn) {
  for (const ActivatedFor& activated : turn.activated) {
    JobWait& wait = *job_waits_.at(activated.wait);
    wait.in_turn = false;
    job_waits_by_type_[wait.command.type].insert(wait.place);
    look_at_waits(wait.command.type);
  }
}

void LocalProcessEngine::end_waits() {
  for (const auto& [ticket, wait] : job_waits_) wait->done.open();
  for (const auto& [key, wait] : result_waits_) wait->done.open();
}

// ---- queries

Task<Result<EngineFigures>> LocalProcessEngine::figures(runtime::Context& context) {
  std::move_only_function<Result<EngineFigures>(Turn&)> count = [this](Turn&) -> Result<EngineFigures> { return look(); };
  auto figures = co_await submit<EngineFigures>(context, std::move(count));
  co_return figures;
}

EngineFigures LocalProcessEngine::look() const {
  const engine::State& state = engine_.state();
  EngineFigures figures;
  figures.instances = static_cast<std::int64_t>(state.instance_count());
  figures.incidents = static_cast<std::int64_t>(state.open_incidents().size());
  figures.timers = static_cast<std::int64_t>(state.timer_count());
  const Timestamp now = loop_.now();
  for (const engine::Due& due : state.due()) {
    if (due.at > now) break;
    ++figures.overdue;
  }
  figures.commands = static_cast<std::int64_t>(waiting_.load(std::memory_order_relaxed));
  figures.journal = journal_.tail();
  figures.in_log = journal_.in_log();
  for (const auto& worker : workers_) {
    EngineFigures::Jobs jobs = worker->counts;
    jobs.type = worker->worker.job_type;
    figures.jobs.push_back(std::move(jobs));
  }
  return figures;
}

Task<Result<process::InstanceView>> LocalProcessEngine::instance(runtime::Context& context, Key instance_key) {
  using Found = std::optional<process::InstanceView>;
  std::move_only_function<Result<Found>(Turn&)> look = [this, instance_key](Turn&) -> Result<Found> {
    const engine::Instance* live = engine_.state().instance(instance_key);
    return live ? Found(detail_of(*live)) : Found();
  };
  auto found = co_await submit<Found>(context, std::move(look));
  if (found && !*found) found = co_await journal_.find_ended(context, instance_key);
  if (!found) co_return fail(std::move(found).error());
  if (!*found) co_return fail(none_with("a process instance", instance_key));
  co_return std::move(**found);
}

// Active instances from below `before`, newest first, until `visit` has enough. Many are looked at in several commands, so that the
// others have their turns in between.
template <class Visit>
Task<Result<void>> LocalProcessEngine::visit_instances(runtime::Context& context, Key before, Visit visit) {
  bool more = true;
  while (more) {
    std::move_only_function<Result<void>(Turn&)> look = [this, &before, &visit, &more](Turn&) -> Result<void> {
      const engine::State& state = engine_.state();
      for (int looked = 0; more && looked < kInstancesPerLook; ++looked) {
        before = state.instance_before(before == 0 ? std::numeric_limits<Key>::max() : before);
        more = before != 0;
        if (more) state.look_at(before, [&](const engine::Instance& instance) { more = visit(instance); });
      }
      return {};
    };
    auto looked = co_await submit<void>(context, std::move(look));
    if (!looked) co_return looked;
  }
  co_return Result<void>();
}

Task<Result<process::InstancePage>> LocalProcessEngine::instances(runtime::Context& context, process::InstanceFilter filter) {
  const auto limit = static_cast<std::size_t>(std::clamp(filter.limit, 1, 200));
  std::vector<process::InstanceView> views;
  if (!filter.state || *filter.state == InstanceState::kActive) {
    auto visited = co_await visit_instances(context, filter.before, [&](const engine::Instance& instance) {
      if (fits(instance, filter)) views.push_back(view_of(instance));
      return views.size() < limit;
    });
    if (!visited) co_return fail(std::move(visited).error());
  }
  Key looked_down_to = 0;
  const bool may_have_ended = filter.element_id.empty() && !filter.has_incident.value_or(false);
  if (may_have_ended && (!filter.state || *filter.state != InstanceState::kActive)) {
    journal::EndedFilter wanted;
    wanted.process_id = filter.process_id;
    wanted.version = filter.version;
    if (filter.state) wanted.completed = *filter.state == InstanceState::kCompleted;
    wanted.before = filter.before;
    wanted.limit = static_cast<int>(limit);
    auto ended = co_await journal_.list_ended(context, std::move(wanted));
    if (!ended) co_return fail(std::move(ended).error());
    looked_down_to = ended->looked_down_to;
    views.insert(views.end(), ended->items.begin(), ended->items.end());
  }
  co_return page_of(std::move(views), looked_down_to, limit);
}

Task<Result<std::vector<process::ElementRecord>>> LocalProcessEngine::active_elements(runtime::Context& context, Key instance_key) {
  using Records = std::vector<process::ElementRecord>;
  std::move_only_function<Result<Records>(Turn&)> look = [this, instance_key](Turn&) -> Result<Records> {
    const engine::Instance* live = engine_.state().instance(instance_key);
    return live ? records_of(*live) : Records();
  };
  auto active = co_await submit<Records>(context, std::move(look));
  co_return active;
}

Task<Result<std::vector<process::ElementRecord>>> LocalProcessEngine::history(runtime::Context& context, Key instance_key) {
  auto active = co_await active_elements(context, instance_key);
  if (!active) co_return fail(std::move(active).error());
  auto records = co_await journal_.elements(context, instance_key);
  if (!records) co_return fail(std::move(records).error());
  add_active(*records, std::move(*active));
  if (records->empty()) co_return fail(none_with("a process instance", instance_key));
  co_return std::move(*records);
}

Task<Result<std::vector<process::ElementRecord>>> LocalProcessEngine::elements(runtime::Context& context, Key instance_key, Key before,
                                                                               int limit) {
  auto active = co_await active_elements(context, instance_key);
  if (!active) co_return fail(std::move(active).error());
  if (before != 0) std::erase_if(*active, [before](const auto& record) { return record.element_instance_key >= before; });
  auto records = co_await journal_.elements_before(context, instance_key, before, limit);
  if (!records) co_return fail(std::move(records).error());
  add_active(*records, std::move(*active));
  std::reverse(records->begin(), records->end());
  if (records->size() > static_cast<std::size_t>(limit)) records->resize(static_cast<std::size_t>(limit));
  if (records->empty()) {  // the end of the list, or there is no such instance
    auto known = co_await instance(context, instance_key);
    if (!known) co_return fail(std::move(known).error());
  }
  co_return std::move(*records);
}

Task<Result<process::ElementCounts>> LocalProcessEngine::count_elements(runtime::Context& context, Key instance_key) {
  auto active = co_await active_elements(context, instance_key);
  if (!active) co_return fail(std::move(active).error());
  auto counts = co_await journal_.count_elements(context, instance_key, std::move(*active));
  if (!counts) co_return fail(std::move(counts).error());
  if (counts->items.empty()) co_return fail(none_with("a process instance", instance_key));
  co_return std::move(*counts);
}

Task<Result<process::IncidentPage>> LocalProcessEngine::incidents(runtime::Context& context, Key before, int limit) {
  std::move_only_function<Result<process::IncidentPage>(Turn&)> look = [this, before, limit](Turn&) -> Result<process::IncidentPage> {
    const engine::State& state = engine_.state();
    const std::set<Key>& open = state.open_incidents();
    process::IncidentPage page;
    page.open = static_cast<std::int64_t>(open.size());
    int left = std::clamp(limit, 1, 200);
    for (auto next = before == 0 ? open.end() : open.lower_bound(before); next != open.begin() && left > 0; --left) {
      --next;
      state.look_at(state.owner_key_of(*next),
                    [&](const engine::Instance& instance) { page.items.push_back(view_of_incident(instance, *next)); });
    }
    return page;
  };
  auto answer = co_await submit<process::IncidentPage>(context, std::move(look));
  co_return answer;
}

Task<Result<std::vector<process::DeployedProcess>>> LocalProcessEngine::processes(runtime::Context& context) {
  using Deployed = std::vector<process::DeployedProcess>;
  std::move_only_function<Result<Deployed>(Turn&)> look = [this](Turn&) -> Result<Deployed> {
    Deployed newest;
    for (const auto& [key, definition] : engine_.state().definitions()) {
      if (engine_.state().newest(definition.process->id) == &definition)
        newest.push_back({definition.process->id, definition.version, key});
    }
    return newest;
  };
  auto answer = co_await submit<Deployed>(context, std::move(look));
  co_return answer;
}

Task<Result<void>> LocalProcessEngine::add_what_runs(runtime::Context& context, std::vector<process::ModelView>& models) {
  std::map<Key, process::ModelView*> by_key;
  for (process::ModelView& model : models) by_key[model.key] = &model;
  std::move_only_function<Result<void>(Turn&)> look = [this, &by_key](Turn&) -> Result<void> {
    for (const auto& [key, model] : by_key) {
      const engine::Definition* definition = engine_.state().definition(key);
      if (!definition) continue;
      model->name = definition->process->name;
      model->is_newest = engine_.state().newest(model->process_id) == definition;
    }
    return {};
  };
  auto looked = co_await submit<void>(context, std::move(look));
  if (!looked) co_return looked;
  auto counted = co_await visit_instances(context, 0, [&](const engine::Instance& instance) {
    if (const auto found = by_key.find(instance.process_key); found != by_key.end()) {
      ++found->second->active;
      if (!instance.incidents.empty()) ++found->second->stuck;
    }
    return true;
  });
  co_return counted;
}

Task<Result<std::vector<process::ModelView>>> LocalProcessEngine::models(runtime::Context& context, std::string process_id, Key before,
                                                                         int limit) {
  auto models = co_await journal_.list_models(context, std::move(process_id), before, limit);
  if (!models) co_return fail(std::move(models).error());
  auto added = co_await add_what_runs(context, *models);
  if (!added) co_return fail(std::move(added).error());
  co_return std::move(*models);
}

Task<Result<process::ModelView>> LocalProcessEngine::model(runtime::Context& context, Key key) {
  auto found = co_await journal_.find_model(context, key);
  if (!found) co_return fail(std::move(found).error());
  if (!*found) co_return fail(none_with("a model", key));
  std::vector<process::ModelView> models{std::move(**found)};
  auto added = co_await add_what_runs(context, models);
  if (!added) co_return fail(std::move(added).error());
  co_return std::move(models.front());
}

Task<Result<std::vector<process::DecisionView>>> LocalProcessEngine::decisions(runtime::Context& context, std::string decision_id,
                                                                               Key before, int limit) {
  using Views = std::vector<process::DecisionView>;
  std::move_only_function<Result<Views>(Turn&)> look = [this, &decision_id, before, limit](Turn&) -> Result<Views> {
    const engine::State& state = engine_.state();
    const auto wanted = static_cast<std::size_t>(std::clamp(limit, 1, 200));
    Views views;
    for (const Key key : state.decisions_before(decision_id, before, wanted)) views.push_back(view_of_decision(state, key));
    return views;
  };
  auto answer = co_await submit<Views>(context, std::move(look));
  co_return answer;
}

Task<Result<process::DecisionView>> LocalProcessEngine::decision(runtime::Context& context, Key key) {
  std::move_only_function<Result<process::DecisionView>(Turn&)> look = [this, key](Turn&) -> Result<process::DecisionView> {
    if (engine_.state().requirements_of_decision(key)) return detail_of_decision(engine_.state(), key);
    return fail(none_with("a decision", key));
  };
  auto answer = co_await submit<process::DecisionView>(context, std::move(look));
  co_return answer;
}

}  // namespace consilium::bpmn
