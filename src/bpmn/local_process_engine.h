// The built-in process engine: bpmn/engine on a database and a loop. One object is one partition; its state lives on `loop`,
// calls come from any loop and resume on their context's.
//
// Commands wait in a bounded queue (full: `process.overloaded`); all that wait are decided as one batch and kept by one
// transaction; replies, jobs and the running of handlers follow the commit. When the append fails the state in memory
// is dropped and built anew from the database, and the callers get `process.unavailable`.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bpmn/engine/engine.h"
#include "bpmn/journal/journal.h"
#include "ports/database/database.h"
#include "ports/process_engine/process_engine.h"
#include "runtime/backoff.h"
#include "runtime/event.h"
#include "runtime/scheduler.h"

namespace consilium::bpmn {

inline constexpr std::size_t kMaxWaitingCommands = 10'000;
inline constexpr std::size_t kMaxWaitingBytes = 256 * 1024 * 1024;  // of what they carry
inline constexpr std::size_t kMaxBatch = 256;                       // commands decided before their common commit
inline constexpr std::size_t kMaxContinuesPerBatch = 16;
inline constexpr std::size_t kMaxBroadcasts = 100;           // that have not reached all yet; then no other is taken
inline constexpr std::int64_t kRecordsPerCheckpoint = 1000;  // of journal, then the changed instances are written
inline constexpr int kAppendTries = 10;                      // while the database says that it is overloaded
inline constexpr Duration kAppendRetry = milliseconds(50);
inline constexpr Duration kReloadRetry = seconds(1);  // doubles
inline constexpr Duration kLongestReloadRetry = seconds(10);
inline constexpr Duration kFirstDecidePause = seconds(1);  // of what failed by itself, and not at somebody's wish; doubles
inline constexpr Duration kLongestDecidePause = minutes(5);
inline constexpr Duration kLongestSleep = seconds(1);         // the wall clock may be set meanwhile
inline constexpr Duration kHistoryLook = minutes(10);         // how often it is looked for history that is too old
inline constexpr Duration kHistoryPause = milliseconds(100);  // between transactions that drop some of it

struct LocalProcessEngineOptions {
  std::int32_t partition = 1;
  // Whether a model may name job types that no worker was added for.
  enum class JobTypes : std::uint8_t { kAny, kOfWorkers };
  JobTypes job_types = JobTypes::kAny;
  // What a model's `retries="0"` means; 0: none, so that its first failure is an incident.
  std::int32_t retries_for_none = 0;
  engine::EarlyMessages early_messages = engine::EarlyMessages::kByWait;
  std::size_t max_waiting = kMaxWaitingCommands;
  std::size_t max_waiting_bytes = kMaxWaitingBytes;
  std::int64_t records_per_checkpoint = kRecordsPerCheckpoint;
  // How long instances are known after their end, and the idempotency keys that started them; 0: for ever.
  Duration history = {};
  // Told of each incident that is new, when it is kept; on the engine's loop. Empty: nobody.
  std::function<void(const process::Incident&)> on_incident;
  // Where commits go first, so that nobody waits for the database (journal/forwarder.h); null: to the database. Outlives the engine.
  database::CommitLog* commit_log = nullptr;
  // Where handlers of jobs run; null: on the engine's loop.
  runtime::Scheduler* handler_loop = nullptr;
};

inline constexpr int kInstancesPerLook = 2000;       // then a query lets commands go before it looks on
inline constexpr std::size_t kMaxJobWaits = 10'000;  // calls that wait for jobs

// What the gateway starts: by key, or by id and version.
struct Creation {
  process::Key process_key = 0;
  std::string process_id;               // empty: by key
  std::optional<std::int32_t> version;  // with an id; none: the newest
  engine::Context variables;
  std::vector<std::string> start_elements;  // empty: the start event
};
struct Created {
  process::Key instance = 0;
  process::Key process_key = 0;
  std::string process_id;
  std::int32_t version = 0;
  engine::Context variables;  // of the instance at its end, when that was waited for
};
// What a call of the gateway gives: the engine's refusal stands in its own words. Errors are of the engine as a whole.
template <class T>
using Decided = Result<std::expected<T, engine::Rejection>>;

struct EngineFigures {
  std::int64_t instances = 0;  // active
  std::int64_t incidents = 0;  // open
  std::int64_t timers = 0;     // that wait
  std::int64_t overdue = 0;    // of all that has a time: should have happened by now
  std::int64_t commands = 0;   // that wait to be decided
  std::int64_t journal = 0;    // records since the last checkpoint
  std::int64_t in_log = 0;     // of those kept, in the commit log and not yet in the database
  struct Jobs {
    std::string type;
    std::uint64_t activated = 0;  // since the start, as the others
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t thrown = 0;  // business errors
    std::uint64_t postponed = 0;
  };
  std::vector<Jobs> jobs;  // of each worker
};

class LocalProcessEngine final : public process::ProcessEngine {
 public:
  using Options = LocalProcessEngineOptions;

  // All outlive the engine, and the loops run nothing of it any more when it is destroyed.
  LocalProcessEngine(database::Database& database, runtime::Scheduler& loop, RandomSource& random, Options options = {});
  ~LocalProcessEngine() override;

  // The schema of its tables.
  static std::vector<database::Migration> migrations(int first_number = 1) { return journal::migrations(first_number); }

  // Loads the state; from then on it takes commands and fires timers, late ones at once. Workers wait for `open_workers`.
  Task<Result<void>> open(runtime::Context& context);
  // Decides what waits, writes a checkpoint, and takes nothing more. Close the workers first.
  Task<void> close();

  Task<Result<process::Deployment>> deploy(runtime::Context& context, std::vector<process::Resource> resources) override;
  Task<Result<process::Deployment>> check_deployment(runtime::Context& context, std::vector<process::Resource> resources) override;
  Task<Result<process::Deployment>> deploy_once(runtime::Context& context, std::vector<process::Resource> resources) override;
  Task<Result<process::Key>> start(runtime::Context& context, std::string process_id, std::string variables,
                                   std::string idempotency_key) override;
  Task<Result<process::Key>> start_version(runtime::Context& context, std::string process_id, std::int32_t version, std::string variables,
                                           std::string idempotency_key) override;
  Task<Result<void>> publish(runtime::Context& context, process::Message message) override;
  Task<Result<void>> cancel(runtime::Context& context, process::Key instance_key) override;
  // A job without retries gets as many again as its model gives.
  Task<Result<void>> resolve_incident(runtime::Context& context, process::Key incident_key) override;
  Task<Result<void>> retry_job(runtime::Context& context, process::Key job_key, std::int32_t retries) override;
  Task<Result<void>> set_variables(runtime::Context& context, process::VariableChange change) override;
  Task<Result<void>> modify(runtime::Context& context, process::Modification modification) override;
  Task<Result<std::vector<process::MigrationOutcome>>> migrate(runtime::Context& context, process::Migration migration) override;

  void add_worker(process::Worker worker) override;
  void open_workers() override;
  Task<void> close_workers() override;

  Task<Result<process::InstanceView>> instance(runtime::Context& context, process::Key instance_key) override;
  Task<Result<process::InstancePage>> instances(runtime::Context& context, process::InstanceFilter filter) override;
  Task<Result<std::vector<process::ElementRecord>>> history(runtime::Context& context, process::Key instance_key) override;
  Task<Result<std::vector<process::ElementRecord>>> elements(runtime::Context& context, process::Key instance_key, process::Key before,
                                                             int limit) override;
  Task<Result<process::ElementCounts>> count_elements(runtime::Context& context, process::Key instance_key) override;
  Task<Result<process::IncidentPage>> incidents(runtime::Context& context, process::Key before, int limit) override;
  // The newest version of each.
  Task<Result<std::vector<process::DeployedProcess>>> processes(runtime::Context& context) override;
  Task<Result<std::vector<process::ModelView>>> models(runtime::Context& context, std::string process_id, process::Key before,
                                                       int limit) override;
  Task<Result<process::ModelView>> model(runtime::Context& context, process::Key key) override;
  Task<Result<std::vector<process::DecisionView>>> decisions(runtime::Context& context, std::string decision_id, process::Key before,
                                                             int limit) override;
  Task<Result<process::DecisionView>> decision(runtime::Context& context, process::Key key) override;

  // ---- for the gateway (bpmn/gateway): the engine's own terms

  // Of the outcome all that stands in no journal.
  Task<Decided<engine::Outcome>> perform(runtime::Context& context, engine::Command command);
  Task<Decided<Created>> create(runtime::Context& context, Creation creation);
  // Waits for the instance's end, at most for `limit`: then, and while an instance was cancelled, `request.deadline-exceeded`.
  Task<Decided<Created>> create_and_wait(runtime::Context& context, Creation creation, Duration limit);
  // Waits for the first jobs, at most for `limit` (absent: until the caller gives up): none then. Served first is who has no limit,
  // and then who came first.
  Task<Decided<std::vector<engine::ActivatedJob>>> activate_jobs(runtime::Context& context, engine::ActivateJobs command,
                                                                 std::optional<Duration> limit);
  // Calls that wait for jobs now.
  std::size_t job_waits() const { return job_waits_count_.load(std::memory_order_relaxed); }
  // How often the waits of a type were looked at, whether there is a job for them. On the engine's loop.
  std::uint64_t job_wait_looks() const { return job_wait_looks_; }

  // Commands that wait now.
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  // Goes over all that is active.
  Task<Result<EngineFigures>> figures(runtime::Context& context);

 private:
  struct WorkerState {
    process::Worker worker;
    int active = 0;
    EngineFigures::Jobs counts;
  };
  // A job that was handed out: it takes one of its worker's places until it is answered or its lock runs out.
  struct Held {
    WorkerState* worker = nullptr;
    runtime::TimerId lock = 0;
  };
  using Ticket = std::uint64_t;
  struct Assignment {
    WorkerState* worker = nullptr;
    engine::ActivatedJob job;
  };
  // Where a wait for jobs stands: those without an end come first, as a stream is told of a job before the polls are.
  enum class Patience : std::uint8_t { kEndless, kLimited };
  using Place = std::pair<Patience, Ticket>;
  // A call that waits for jobs. Lives in its frame; the lists and turns name it by ticket, for it may be gone meanwhile.
  struct JobWait {
    JobWait(runtime::Scheduler& loop, const engine::ActivateJobs& asked, Place at) : command(asked), place(std::move(at)), done(loop) {}
    const engine::ActivateJobs& command;
    Place place;
    std::vector<engine::ActivatedJob> jobs;
    bool in_turn = false;  // decided and not kept yet
    runtime::Gate done;
  };
  // A call that waits for the end of an instance.
  struct ResultWait {
    explicit ResultWait(runtime::Scheduler& loop) : done(loop) {}
    engine::Context variables;
    bool is_completed = false;
    runtime::Gate done;
  };
  struct ActivatedFor {
    Ticket wait = 0;
    std::vector<engine::ActivatedJob> jobs;
  };
  // What is being decided: one transaction to be.
  struct Turn {
    journal::Batch batch;
    std::vector<Assignment> assignments;
    std::vector<ActivatedFor> activated;
    std::vector<engine::EndedInstance> results;  // of instances that somebody waits for
  };
  // `decide` runs on the loop; `finish` is called once, after the commit or with the error that stands for it.
  struct Request {
    bool is_call = true;  // of somebody who is told at once when the database is away; else the outcome of a job, which is kept
    std::move_only_function<void(Turn&)> decide;
    std::move_only_function<void(std::optional<Error>)> finish;
  };

  // `bytes`: what it holds while it waits.
  template <class T>
  Task<Result<T>> submit(runtime::Context& context, std::move_only_function<Result<T>(Turn&)> decide, std::size_t bytes = 0);
  void enqueue(Request request);
  engine::Outcome execute(Turn& turn, const engine::Command& command);

  Task<Result<process::Deployment>> deploy_as(runtime::Context& context, std::vector<process::Resource> resources, engine::Effect effect,
                                              engine::Deploy::Replaced replaced);
  Result<void> resolve(Turn& turn, process::Key incident_key, std::optional<std::int32_t> retries);
  template <class Visit>
  Task<Result<void>> visit_instances(runtime::Context& context, process::Key before, Visit visit);
  Task<Result<std::vector<process::ElementRecord>>> active_elements(runtime::Context& context, process::Key instance_key);
  Task<Result<void>> add_what_runs(runtime::Context& context, std::vector<process::ModelView>& models);

  Task<void> run();
  Task<void> forget_history();
  Task<void> drop_history();
  bool has_work();
  void decide_all(Turn& turn, std::vector<Request>& requests);
  void assign_jobs(Turn& turn);
  Task<Result<void>> keep(const Turn& turn);
  Task<bool> reload();
  void refuse_calls();
  void pause_what_failed();
  bool may_tick() const { return loop_.steady_now() >= ticks_from_; }
  bool may_continue() const { return loop_.steady_now() >= continues_from_; }
  void report(const Error& error);
  void arm_timer();
  void queue_continues();

  std::expected<const engine::Definition*, engine::Rejection> find_definition(const Creation& creation) const;
  std::expected<Created, engine::Rejection> decide_creation(Turn& turn, Creation& creation);
  void serve_job_waits(Turn& turn);
  bool has_served_wait();
  void look_at_waits(const std::string& type);
  void tell_waits(Turn& turn);
  void take_back(const Turn& turn);
  void end_waits();
  void give_up(Ticket ticket);
  void forget_wait(Place place, const std::string& type);

  void tell_incidents();
  void dispatch(std::vector<Assignment>& assignments);
  Task<void> handle_job(WorkerState& worker, Ticket ticket, process::Job job);
  void take_outcome(Ticket ticket, engine::Key job, process::JobOutcome outcome);
  void give_back(Ticket ticket);
  void count_outcome(Ticket ticket, process::JobOutcome::Kind kind);
  EngineFigures look() const;
  void decide_outcome(Turn& turn, engine::Key job, const process::JobOutcome& outcome);

  runtime::Scheduler& loop_;
  runtime::Scheduler& handler_loop_;
  RandomSource& random_;
  Options options_;
  runtime::Context context_;
  engine::Engine engine_;
  journal::Journal journal_;

  std::deque<Request> queue_;
  std::deque<engine::Key> continues_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> waiting_bytes_{0};
  // What is being decided, should that fail; and from when on it is tried again. (Steady time.)
  enum class Deciding : std::uint8_t { kTick, kContinue, kCalls } deciding_ = Deciding::kCalls;
  Timestamp ticks_from_;
  Timestamp continues_from_;
  runtime::Backoff tick_pauses_{{.first = kFirstDecidePause, .longest = kLongestDecidePause}};
  runtime::Backoff continue_pauses_{{.first = kFirstDecidePause, .longest = kLongestDecidePause}};
  runtime::Event wake_;
  runtime::Event idle_;  // notified when a worker or the loop ends
  std::vector<std::unique_ptr<WorkerState>> workers_;
  runtime::TimerId timer_ = 0;
  bool workers_open_ = false;
  bool workers_are_new_ = true;  // until the first jobs are handed out
  std::map<Ticket, Held> held_;
  std::map<Ticket, JobWait*> job_waits_;
  std::map<std::string, std::set<Place>, std::less<>> job_waits_by_type_;
  std::set<std::string> served_types_;  // of which there are both waits and jobs
  std::uint64_t job_wait_looks_ = 0;
  std::atomic<std::size_t> job_waits_count_{0};
  std::map<process::Key, ResultWait*> result_waits_;
  Ticket last_ticket_ = 0;
  std::atomic<bool> open_{false};
  bool running_ = false;
  bool forgetting_ = false;  // `forget_history` runs
  runtime::Gate closing_;
  bool fenced_ = false;
  bool is_as_on_disk_ = false;                 // the state in memory, but for what is being kept
  std::atomic<bool> is_database_away_{false};  // it could not be read again after a commit that failed
  engine::Key last_incident_ = 0;              // that was told, or was there at the start
  std::string reported_;                       // code of the error last reported, until a commit succeeds
};

}  // namespace consilium::bpmn
