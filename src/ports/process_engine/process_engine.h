// The process engine port: BPMN processes, their jobs, messages, timers and incidents. Built in: src/bpmn; later Zeebe.
// Variables are JSON objects as text. All calls may be made from any loop and resume on the context's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
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

struct Resource {
  std::string name;     // file name
  std::string content;  // BPMN 2.0 XML
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

struct ActiveElement {
  std::string element_id;
  std::string element_type;
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

struct Incident {
  Key key = 0;
  Key instance_key = 0;
  std::string process_id;
  std::string element_id;
  Key job_key = 0;
  std::string error_type;  // Zeebe's names: JOB_NO_RETRIES, EXTRACT_VALUE_ERROR, CONDITION_ERROR, UNHANDLED_ERROR_EVENT …
  std::string message;
  Timestamp created_at;
};

// Error codes: `process.not-found`, `process.invalid-model` (kValidation; `fields` has one entry a finding, named
// `file#element`), `process.job-not-found`, `process.overloaded` (kUnavailable), `process.invalid-variables`,
// `process.invalid-request` (kValidation), `process.conflict` (kConflict), `process.unavailable` (kUnavailable: not started, or its
// database failed).
class ProcessEngine {
 public:
  virtual ~ProcessEngine() = default;

  // All resources or none; an unchanged model keeps its version.
  virtual Task<Result<std::vector<DeployedProcess>>> deploy(runtime::Context& context, std::vector<Resource> resources) = 0;
  // Newest version. The same idempotency key answers the same instance.
  virtual Task<Result<Key>> start(runtime::Context& context, std::string process_id, std::string variables,
                                  std::string idempotency_key) = 0;
  virtual Task<Result<void>> publish(runtime::Context& context, Message message) = 0;
  virtual Task<Result<void>> cancel(runtime::Context& context, Key instance_key) = 0;
  virtual Task<Result<void>> resolve_incident(runtime::Context& context, Key incident_key) = 0;
  virtual Task<Result<void>> set_variables(runtime::Context& context, Key instance_key, std::string variables) = 0;

  // Workers get jobs from `open_workers` on (the last step of a start) until `close_workers` (which waits for running ones).
  virtual void add_worker(Worker worker) = 0;
  virtual void open_workers() = 0;
  virtual Task<void> close_workers() = 0;

  virtual Task<Result<InstanceView>> instance(runtime::Context& context, Key instance_key) = 0;
  // Newest first, from below `before` (0: from the newest), at most `limit` (1…200).
  virtual Task<Result<std::vector<InstanceView>>> instances(runtime::Context& context, std::string process_id,
                                                            std::optional<InstanceState> state, Key before, int limit) = 0;
  // The way that an instance has taken so far, oldest first, at most the first 1000 elements that are over and all active ones.
  virtual Task<Result<std::vector<ElementRecord>>> history(runtime::Context& context, Key instance_key);
  virtual Task<Result<std::vector<Incident>>> incidents(runtime::Context& context) = 0;
  virtual Task<Result<std::vector<DeployedProcess>>> processes(runtime::Context& context) = 0;
};

// For implementations without history.
inline Task<Result<std::vector<ElementRecord>>> ProcessEngine::history(runtime::Context&, Key) { co_return std::vector<ElementRecord>(); }

}  // namespace consilium::process
