// The process engine port: BPMN processes, their jobs, messages, timers and incidents. Built in: src/bpmn; later Zeebe.
// Variables are JSON objects as text. All calls may be made from any loop and resume on the context's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "runtime/context.h"

namespace consilium::process {

using Key = std::int64_t;

struct DeployedProcess {
  std::string process_id;
  std::int32_t version = 0;
  Key key = 0;
};

struct DecisionName {
  Key key = 0;
  std::string id;
  std::string name;
  std::int32_t version = 0;
};

struct DeployedForm {
  Key key = 0;
  std::string id;
  std::int32_t version = 0;
};

// What the resources became.
struct Deployment {
  std::vector<DeployedProcess> processes;
  std::vector<DecisionName> decisions;
  std::vector<DeployedForm> forms;
};

struct Resource {
  std::string name;     // file name, whose ending says what it is: `.bpmn`, `.dmn`, `.form`
  std::string content;  // BPMN 2.0 or DMN, which are XML, or a form, which is JSON
};

struct Job {
  Key key = 0;
  std::string type;
  Key instance_key = 0;
  std::string process_id;
  std::int32_t process_version = 0;
  std::string element_id;
  std::string headers;    // JSON object
  std::string variables;  // JSON object
  std::int32_t retries = 0;
  Timestamp deadline;  // lock runs out: the job goes to another worker
};

// What a worker says of a job.
struct JobOutcome {
  enum class Kind : std::uint8_t { kComplete, kFail, kThrow, kNotReady };
  Kind kind = Kind::kComplete;
  std::string variables = "{}";
  std::string error_code;  // kThrow: BPMN error; kFail: our error code
  std::string message;     // technical text without personal data
  Duration retry_in;       // kFail, kNotReady (which uses no retry)
};

struct Worker {
  std::string job_type;
  std::string name;
  int max_active = 32;
  Duration lock = seconds(60);
  std::function<Task<JobOutcome>(runtime::Context&, const Job&)> handle;
};

struct Message {
  std::string name;
  std::string correlation_key;
  std::string id;  // publishing the same (name, key, id) again while it is buffered changes nothing
  Duration time_to_live = hours(1);
  std::string variables = "{}";
};

enum class InstanceState : std::uint8_t { kActive, kCompleted, kTerminated };

enum class JobState : std::uint8_t { kWaiting, kWithWorker, kBackingOff, kFailed };

// What somebody who does user tasks has to know of one.
struct UserTaskView {
  std::string assignee;  // empty: nobody
  std::vector<std::string> candidate_users;
  std::vector<std::string> candidate_groups;
  std::optional<Timestamp> due;
  std::optional<Timestamp> follow_up;
  std::string form_key;  // empty: no form
  std::optional<std::int32_t> priority;  // among the tasks of people, 0 to 100
};

// The job of an element, as the engine keeps it.
struct JobView {
  Key key = 0;
  std::string type;
  JobState state = JobState::kWaiting;
  std::int32_t retries = 0;
  std::string worker;            // kWithWorker
  std::optional<Timestamp> due;  // kWithWorker: end of its lock; kBackingOff: when it is tried again
  std::int32_t priority = 0;     // the highest is handed out first
  std::optional<UserTaskView> user_task;
};

// What an element waits for.
struct WaitView {
  enum class Kind : std::uint8_t { kTimer, kMessage, kSignal };
  Kind kind = Kind::kTimer;
  std::string element_id;  // the event: itself, or one at its border
  std::string name;        // of the message or signal
  std::string correlation_key;
  std::optional<Timestamp> due;  // kTimer
};

struct ActiveElement {
  std::string element_id;
  std::string element_type;
  Key element_instance_key = 0;
  // The rest stands in the view of one instance alone.
  std::string name;
  Key scope_key = 0;  // element instance around it; of the outermost ones the instance
  Timestamp started_at;
  std::string variables;  // its own, a JSON object; empty: none
  std::optional<JobView> job;
  std::vector<WaitView> waits;
  Key called_instance_key = 0;  // of a call activity; 0: none
};

struct Incident {
  Key key = 0;
  Key instance_key = 0;
  std::string process_id;
  std::string element_id;
  Key job_key = 0;
  std::string error_type;  // Zeebe's names: JOB_NO_RETRIES, EXTRACT_VALUE_ERROR, CONDITION_ERROR, UNHANDLED_ERROR_EVENT …
  std::string message;
  Timestamp created_at;
  Key element_instance_key = 0;
};

struct InstanceView {
  Key key = 0;
  std::string process_id;
  std::int32_t version = 0;
  InstanceState state = InstanceState::kActive;
  bool has_incident = false;
  Timestamp started_at;
  std::optional<Timestamp> ended_at;
  std::string variables;  // root scope, JSON object
  std::vector<ActiveElement> active;
  // In the view of one instance alone, while it is active.
  Key model_key = 0;
  Key parent_key = 0;  // whose call activity started it; 0: none
  std::vector<Incident> incidents;
};

// One element of an instance, active or over.
struct ElementRecord {
  Key element_instance_key = 0;
  std::string element_id;
  std::string element_type;  // BPMN's name: `serviceTask`
  InstanceState state = InstanceState::kActive;
  Timestamp started_at;
  std::optional<Timestamp> ended_at;
};

// How often an element of an instance began, by how that went on.
struct ElementCount {
  std::string element_id;
  std::int32_t completed = 0;
  std::int32_t terminated = 0;
  std::int32_t active = 0;
};
struct ElementCounts {
  std::vector<ElementCount> items;  // by id
  bool only_newest = false;         // what has ended is more than is counted at once
};

// One version of a process.
struct ModelView {
  Key key = 0;
  std::string process_id;
  std::int32_t version = 0;
  std::string name;
  std::string resource_name;
  Timestamp deployed_at;
  bool is_newest = false;
  std::int32_t active = 0;  // instances that run now
  std::int32_t stuck = 0;   // of them, those with an incident
  std::string xml;          // of `model` alone
};

// One version of a decision.
struct DecisionView {
  DecisionName decision;
  std::string resource_name;
  bool is_newest = false;
  DecisionName requirements;  // the file, which has an id, a name and a version as well
  // Of `decision` alone.
  std::string xml;
  std::vector<DecisionName> file;  // all that are in it
};

struct InstanceFilter {
  std::string process_id;    // empty: all
  std::int32_t version = 0;  // 0: all
  std::optional<InstanceState> state;
  std::optional<bool> has_incident;
  std::string element_id;  // something of this element is active in it; empty: all
  Key before = 0;          // keys below it; 0: all
  int limit = 50;          // 1…200
};

// Newest first. There may be more below `next` even when the page is not full: a look through history has an end.
struct InstancePage {
  std::vector<InstanceView> items;
  Key next = 0;  // `before` of the next page; 0: there is none
};

// Newest first.
struct IncidentPage {
  std::vector<Incident> items;
  std::int64_t open = 0;  // of all
};

struct VariableChange {
  enum class Where : std::uint8_t { kWhereDefined, kInScope };
  Key instance_key = 0;
  Key scope_key = 0;  // an element instance; 0: the instance
  std::string variables;
  Where where = Where::kWhereDefined;
};

// Whether something is done, or only said whether it could be.
enum class Effect : std::uint8_t { kMade, kOnlyChecked };

struct Modification {
  struct Begin {
    std::string element_id;
    Key ancestor_key = 0;   // in which instance of a scope around it; 0: there is one, or none yet
    std::string variables;  // for its own scope; empty: none
  };
  Key instance_key = 0;
  std::vector<Begin> begin;
  std::vector<Key> end;  // element instances
  Effect effect = Effect::kMade;
};

struct Migration {
  Key target_key = 0;  // of the model
  std::vector<Key> instance_keys;
  std::vector<std::pair<std::string, std::string>> mapping;  // of elements that are active
  Effect effect = Effect::kMade;
};
struct MigrationOutcome {
  Key instance_key = 0;
  std::string refusal;  // empty: it goes on with the target, or would
};

// Error codes: `process.not-found`, `process.invalid-model` (kValidation; `fields` has one entry a finding, named
// `file#element`), `process.job-not-found`, `process.overloaded` (kUnavailable), `process.invalid-variables`,
// `process.invalid-request` (kValidation), `process.conflict` (kConflict), `process.unavailable` (kUnavailable: not started, or its
// database failed).
class ProcessEngine {
 public:
  virtual ~ProcessEngine() = default;

  // All resources or none; an unchanged model keeps its version.
  virtual Task<Result<Deployment>> deploy(runtime::Context& context, std::vector<Resource> resources) = 0;
  // What `deploy` would answer, and nothing is deployed.
  virtual Task<Result<Deployment>> check_deployment(runtime::Context& context, std::vector<Resource> resources) = 0;
  // As `deploy`, but a model that was deployed once and has been replaced since stays replaced.
  virtual Task<Result<Deployment>> deploy_once(runtime::Context& context, std::vector<Resource> resources) = 0;
  // Newest version. The same idempotency key answers the same instance.
  virtual Task<Result<Key>> start(runtime::Context& context, std::string process_id, std::string variables,
                                  std::string idempotency_key) = 0;
  virtual Task<Result<Key>> start_version(runtime::Context& context, std::string process_id, std::int32_t version, std::string variables,
                                          std::string idempotency_key) = 0;
  virtual Task<Result<void>> publish(runtime::Context& context, Message message) = 0;
  virtual Task<Result<void>> cancel(runtime::Context& context, Key instance_key) = 0;
  virtual Task<Result<void>> resolve_incident(runtime::Context& context, Key incident_key) = 0;
  // Gives a job so many attempts; an incident that it has is resolved.
  virtual Task<Result<void>> retry_job(runtime::Context& context, Key job_key, std::int32_t retries) = 0;
  virtual Task<Result<void>> set_variables(runtime::Context& context, VariableChange change) = 0;
  virtual Task<Result<void>> modify(runtime::Context& context, Modification modification) = 0;
  // Each by itself: one that cannot go over keeps no other from it.
  virtual Task<Result<std::vector<MigrationOutcome>>> migrate(runtime::Context& context, Migration migration) = 0;

  // Workers get jobs from `open_workers` on (the last step of a start) until `close_workers` (which waits for running ones).
  virtual void add_worker(Worker worker) = 0;
  virtual void open_workers() = 0;
  virtual Task<void> close_workers() = 0;

  virtual Task<Result<InstanceView>> instance(runtime::Context& context, Key instance_key) = 0;
  virtual Task<Result<InstancePage>> instances(runtime::Context& context, InstanceFilter filter) = 0;
  // The way that an instance has taken so far, oldest first, at most the first 1000 elements that are over and all active ones.
  virtual Task<Result<std::vector<ElementRecord>>> history(runtime::Context& context, Key instance_key);
  // The same by pages, newest first, from below `before` (0: from the newest).
  virtual Task<Result<std::vector<ElementRecord>>> elements(runtime::Context& context, Key instance_key, Key before, int limit) = 0;
  // What has ended is counted by the newest steps alone where the way is long, so that it costs the same however long that is.
  virtual Task<Result<ElementCounts>> count_elements(runtime::Context& context, Key instance_key) = 0;
  // Open ones, from below `before` (0: from the newest), at most 200.
  virtual Task<Result<IncidentPage>> incidents(runtime::Context& context, Key before, int limit) = 0;
  virtual Task<Result<std::vector<DeployedProcess>>> processes(runtime::Context& context) = 0;
  // All versions, newest deployment first, from below `before` (0: from the newest); of one process unless `process_id` is empty.
  virtual Task<Result<std::vector<ModelView>>> models(runtime::Context& context, std::string process_id, Key before, int limit) = 0;
  virtual Task<Result<ModelView>> model(runtime::Context& context, Key key) = 0;
  // The same of decisions.
  virtual Task<Result<std::vector<DecisionView>>> decisions(runtime::Context& context, std::string decision_id, Key before, int limit) = 0;
  virtual Task<Result<DecisionView>> decision(runtime::Context& context, Key key) = 0;
};

// For implementations without history.
inline Task<Result<std::vector<ElementRecord>>> ProcessEngine::history(runtime::Context&, Key) { co_return std::vector<ElementRecord>(); }

}  // namespace consilium::process
