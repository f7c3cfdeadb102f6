// What goes into the engine and what comes out: commands (wishes), events (facts, kept in the journal for ever), rejections
// and replies. An event's fields may never change: a changed one is a new struct with the next version, and its applier
// stays beside the old one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "bpmn/dmn/engine.h"
#include "bpmn/feel/value.h"
#include "bpmn/model/reader.h"

namespace consilium::bpmn::engine {

// 13 bits of partition, 51 bits of a counter that starts at 1; unique over everything that has a key.
using Key = std::int64_t;
inline constexpr int kKeyCounterBits = 51;

constexpr Key make_key(std::int32_t partition, std::int64_t counter) { return (static_cast<Key>(partition) << kKeyCounterBits) | counter; }
constexpr std::int32_t partition_of(Key key) { return static_cast<std::int32_t>(key >> kKeyCounterBits); }
constexpr std::int64_t counter_of(Key key) { return key & ((Key{1} << kKeyCounterBits) - 1); }

using feel::Context;

// About as many bytes as they take.
std::size_t size_of(const Context& variables);
std::size_t size_of(const feel::Value& value);

inline constexpr std::size_t kMaxActivatedBytes = 3 * 1024 * 1024;

// ---- commands

struct Resource {
  std::string name;
  std::string content;
};

// Of a command: whether it takes effect, or is only decided, with the refusals that it would meet.
enum class Effect : std::uint8_t { kMade, kOnlyChecked };

// Models; decisions where the name ends in `.dmn`, and forms where it ends in `.form`.
struct Deploy {
  // Whether a model that was deployed once and has been replaced since becomes the newest again, or stays replaced.
  enum class Replaced : std::uint8_t { kDeployedAgain, kLeft };
  std::vector<Resource> resources;  // all or none
  Effect effect = Effect::kMade;
  Replaced replaced = Replaced::kDeployedAgain;
};
// A version of a process, of a form, or of the requirements of decisions with the decisions in it.
struct DeleteResource {
  Key resource = 0;
};
struct EvaluateDecision {
  Key decision = 0;  // 0: the newest of `id`
  std::string id;
  Context variables;
};
struct CreateInstance {
  std::string process_id;
  std::int32_t version = 0;  // 0: the newest
  Context variables;
  std::string idempotency_key;              // the same one answers the same instance; empty: none
  std::vector<std::string> start_elements;  // where it begins, instead of the start event; empty: there
};
struct CancelInstance {
  Key instance = 0;
};
struct PublishMessage {
  std::string name;
  std::string correlation_key;
  std::string id;  // empty: no de-duplication
  Duration time_to_live;
  Context variables;
};
// Reaches everything that waits for it now; it is not kept.
struct BroadcastSignal {
  std::string name;
  Context variables;
};
// Begins elements and ends element instances, as if the tokens had gone another way.
struct ModifyInstance {
  struct Variables {
    std::string scope;  // the element that gets them, or one around it; empty: the instance
    Context variables;
  };
  struct Activation {
    std::string element;
    Key ancestor = 0;  // in which instance of a scope around it; 0: there is one, or none yet
    std::vector<Variables> variables;
  };
  Key instance = 0;
  std::vector<Activation> activations;
  std::vector<Key> terminations;
  Effect effect = Effect::kMade;
};
// Goes on with another version or process. Each active element is named with what it becomes.
struct MigrateInstance {
  Key instance = 0;
  Key target = 0;  // key of the process
  std::vector<std::pair<std::string, std::string>> mapping;
  Effect effect = Effect::kMade;
};
struct ActivateJobs {
  std::string type;
  std::string worker;
  std::int32_t most = 1;
  Duration lock;
  std::vector<std::string> fetch_variables;     // names of those to hand out; empty: all
  std::size_t most_bytes = kMaxActivatedBytes;  // of variables, of all the jobs: the first job is handed out in any case
};
struct CompleteJob {
  Key job = 0;
  Context variables;
};
struct FailJob {
  Key job = 0;
  std::optional<std::int32_t> retries;  // left after it; absent: one less
  std::optional<Duration> retry_in;     // absent: grows with each failure
  std::string error_code;
  std::string message;
  Context variables;  // for the scope of the job's element
};
// The worker cannot work yet: back after a while, without using a retry.
struct YieldJob {
  Key job = 0;
  Duration retry_in;
  std::optional<Timestamp> deadline;  // only while it is locked until then; absent: whoever holds it
};
// The worker of this name has ended with what it held: its jobs may be handed out again at once.
struct ReleaseJobs {
  std::string type;
  std::string worker;
};
struct ThrowError {
  Key job = 0;
  std::string code;
  std::string message;
  Context variables;  // go to the event that catches it
};
struct UpdateRetries {
  // Whether a back-off goes on or is over with it.
  enum class BackOff : std::uint8_t { kKept, kEnded };
  Key job = 0;
  std::optional<std::int32_t> retries;  // none: as many as its model gives it, but one at least
  BackOff back_off = BackOff::kKept;
};
// A new lock, from now on, for a job that a worker holds.
struct UpdateTimeout {
  Key job = 0;
  Duration lock;
};
struct ResolveIncident {
  Key incident = 0;
};
struct SetVariables {
  Key scope = 0;  // an instance or an element instance
  Context variables;
  bool local = false;  // in that very scope; else where each is defined, or at the instance
};
// Goes on with an instance, or a broadcast, that yielded.
struct Continue {
  Key key = 0;
};
// Fires what is due: timers, back-offs, locks, times to live. What began in the future, because the clock was set back, begins anew.
struct Tick {};

using Command = std::variant<Deploy, CreateInstance, CancelInstance, PublishMessage, ActivateJobs, CompleteJob, FailJob, YieldJob,
                             ReleaseJobs, ThrowError, UpdateRetries, UpdateTimeout, ResolveIncident, SetVariables, Continue, Tick,
                             BroadcastSignal, ModifyInstance, MigrateInstance, DeleteResource, EvaluateDecision>;

// ---- events

// One piece of work that an instance still has to do, kept when it yields.
struct Step {
  // kBegin: as kActivate, without a token, for a modification. kEndChildren: of a scope that ends. kCall: of a call activity, its process
  // begins. kCorrelate: with a message that was there before its element waited. kBroadcast: a signal.
  enum class Kind : std::uint8_t {
    kActivate,
    kReactivate,
    kComplete,
    kTerminate,
    kIterate,
    kEndChildren,
    kCall,
    kCorrelate,
    kBroadcast,
    kBegin
  };
  Kind kind = Kind::kActivate;
  Key instance = 0;
  Key element_instance = 0;   // kActivate, kBegin: of the scope
  std::string element;        // kActivate, kBegin: what to activate; kCall: the process; kCorrelate: the event; kBroadcast: the signal
  std::int32_t consumed = 0;  // kActivate: tokens on flows that it takes up; kCorrelate: steps that it waits
  std::optional<Context>
      result;  // kActivate: variables of the event that triggered it; kBegin, kCall, kBroadcast: of the element, process, signal
};

struct RecordType {
  std::uint16_t number;
  std::uint8_t version;
};

struct ProcessDeployed {
  static constexpr RecordType kType{1, 1};
  Key key = 0;
  std::string process_id;
  std::int32_t version = 0;
  std::string resource_name;
  std::string xml;
};
struct InstanceCreated {
  static constexpr RecordType kType{2, 1};
  Key instance = 0;
  Key process_key = 0;
  std::string idempotency_key;
  Context variables;
};
struct ElementActivating {
  static constexpr RecordType kType{3, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key scope = 0;
  std::string element;
  std::int32_t consumed = 0;
};
struct ElementActivated {
  static constexpr RecordType kType{4, 1};
  Key instance = 0;
  Key element_instance = 0;
};
struct ElementCompleting {
  static constexpr RecordType kType{5, 1};
  Key instance = 0;
  Key element_instance = 0;
};
// Ends its job, timers and subscriptions too, and the instance when it is the process itself.
struct ElementCompleted {
  static constexpr RecordType kType{6, 1};
  Key instance = 0;
  Key element_instance = 0;
};
struct ElementTerminating {
  static constexpr RecordType kType{7, 1};
  Key instance = 0;
  Key element_instance = 0;
};
struct ElementTerminated {
  static constexpr RecordType kType{8, 1};
  Key instance = 0;
  Key element_instance = 0;
};
struct FlowTaken {
  static constexpr RecordType kType{9, 1};
  Key instance = 0;
  Key scope = 0;
  std::string flow;
};
struct VariablesSet {
  static constexpr RecordType kType{10, 1};
  Key instance = 0;
  Key scope = 0;
  Context variables;
};
struct JobCreated {
  static constexpr RecordType kType{11, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key job = 0;
  std::string type;
  Context headers;
  std::int32_t retries = 0;
};
// After it has been created, where it has a priority other than 0.
struct JobPrioritized {
  static constexpr RecordType kType{55, 1};
  Key instance = 0;
  Key job = 0;
  std::int32_t priority = 0;
};
// What comes before or after an element has been done: the next listener, or the element itself, or what follows.
struct ListenerCompleted {
  static constexpr RecordType kType{57, 1};
  Key instance = 0;
  Key job = 0;
};
struct JobActivated {
  static constexpr RecordType kType{12, 1};
  Key instance = 0;
  Key job = 0;
  std::string worker;
  Timestamp deadline;
};
struct JobCompleted {
  static constexpr RecordType kType{13, 1};
  Key instance = 0;
  Key job = 0;
  Context variables;
};
struct JobFailed {
  static constexpr RecordType kType{14, 1};
  Key instance = 0;
  Key job = 0;
  std::int32_t retries = 0;
  Timestamp retry_at;
  std::string error_code;
  std::string message;
};
struct JobYielded {
  static constexpr RecordType kType{15, 1};
  Key instance = 0;
  Key job = 0;
  Timestamp retry_at;
};
// Its back-off is over: it may be handed out again.
struct JobReady {
  static constexpr RecordType kType{16, 1};
  Key instance = 0;
  Key job = 0;
};
struct JobErrorThrown {
  static constexpr RecordType kType{17, 1};
  Key instance = 0;
  Key job = 0;
  std::string code;
  std::string message;
};
struct JobRetriesUpdated {
  static constexpr RecordType kType{18, 1};
  Key instance = 0;
  Key job = 0;
  std::int32_t retries = 0;
};
struct TimerCreated {
  static constexpr RecordType kType{19, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key timer = 0;
  std::string target;
  Timestamp due;
};
struct TimerTriggered {
  static constexpr RecordType kType{20, 1};
  Key instance = 0;
  Key timer = 0;
};
struct SubscriptionCreated {
  static constexpr RecordType kType{21, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key subscription = 0;
  std::string target;
  std::string name;
  std::string correlation_key;
};
struct MessagePublished {
  static constexpr RecordType kType{22, 1};
  Key message = 0;
  std::string name;
  std::string correlation_key;
  std::string id;
  Timestamp deadline;
  Context variables;
};
struct MessageCorrelated {
  static constexpr RecordType kType{23, 1};
  Key message = 0;
  Key instance = 0;
  Key subscription = 0;
};
struct MessageExpired {
  static constexpr RecordType kType{24, 1};
  Key message = 0;
};
// Something that the element instance waited for happened; for an interrupting event all its other waits end.
struct EventTriggered {
  static constexpr RecordType kType{25, 1};
  Key instance = 0;
  Key element_instance = 0;
  std::string target;
  Context variables;
};
struct IncidentCreated {
  static constexpr RecordType kType{26, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key incident = 0;
  Key job = 0;
  std::string error_type;
  std::string message;
};
struct IncidentResolved {
  static constexpr RecordType kType{27, 1};
  Key instance = 0;
  Key incident = 0;
};
struct InstanceYielded {
  static constexpr RecordType kType{28, 1};
  Key instance = 0;
  std::int32_t consecutive = 0;
  std::vector<Step> steps;
};
struct InstanceContinued {
  static constexpr RecordType kType{29, 1};
  Key instance = 0;
};
// Its lock ran out without an answer: it may be handed out again. (Older journals say JobReady.)
struct JobLost {
  static constexpr RecordType kType{30, 1};
  Key instance = 0;
  Key job = 0;
  std::int32_t losses = 0;  // in a row, with this one
};

// Its lock or back-off begins anew: the clock was set back to before it began, or its worker asked for a new lock.
struct JobMoved {
  static constexpr RecordType kType{31, 1};
  Key instance = 0;
  Key job = 0;
  Timestamp due;
};
// The same of a timer that was given as a duration.
struct TimerMoved {
  static constexpr RecordType kType{32, 1};
  Key instance = 0;
  Key timer = 0;
  Timestamp due;
};

// The scope goes on with nothing but the event sub-process whose start event `target` is (empty: with nothing, it ends).
struct ScopeInterrupted {
  static constexpr RecordType kType{33, 1};
  Key instance = 0;
  Key element_instance = 0;
  std::string target;
  Context variables;
};
struct SignalSubscribed {
  static constexpr RecordType kType{34, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key subscription = 0;
  std::string target;
  std::string name;
};
struct SignalBroadcast {
  static constexpr RecordType kType{35, 1};
  Key signal = 0;
  std::string name;
  Context variables;
};
// A broadcast to very many keeps what it has still to tell, and goes on by a Continue of its key. Name and variables are empty where it
// was kept before.
struct BroadcastYielded {
  static constexpr RecordType kType{52, 1};
  Key signal = 0;
  std::string name;
  Context variables;
  std::int32_t yields = 0;   // in a row, of what has led to it, with its own
  Key element_instance = 0;  // that was told last, and by which subscription
  Key subscription = 0;
};
struct BroadcastEnded {
  static constexpr RecordType kType{53, 1};
  Key signal = 0;
};
struct RepeatingTimerCreated {
  static constexpr RecordType kType{36, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key timer = 0;
  std::string target;
  Timestamp due;
  std::int32_t repetitions = 0;  // with the one that falls due; -1: for ever
  std::int64_t interval = 0;     // microseconds
};
// The same of one that repeats by the calendar: every month, or as a cron expression says.
struct CalendarTimerCreated {
  static constexpr RecordType kType{45, 1};
  Key instance = 0;
  Key element_instance = 0;
  Key timer = 0;
  std::string target;
  Timestamp due;
  std::int32_t repetitions = 0;
  std::string cycle;
};
// Starts an instance when it falls due.
struct StartTimerCreated {
  static constexpr RecordType kType{37, 1};
  Key timer = 0;
  Key process_key = 0;
  std::string target;
  Timestamp due;
  std::int32_t repetitions = 0;
  std::int64_t interval = 0;
};
struct CalendarStartTimerCreated {
  static constexpr RecordType kType{46, 1};
  Key timer = 0;
  Key process_key = 0;
  std::string target;
  Timestamp due;
  std::int32_t repetitions = 0;
  std::string cycle;
};
// It begins anew: the clock was set back to before it began.
struct StartTimerMoved {
  static constexpr RecordType kType{56, 1};
  Key timer = 0;
  Timestamp due;
};
struct StartTimerTriggered {
  static constexpr RecordType kType{38, 1};
  Key timer = 0;
};
// A newer version of its process was deployed.
struct StartTimerCanceled {
  static constexpr RecordType kType{39, 1};
  Key timer = 0;
};
// A message with this key started it: no other of its process is started by such a message until it has ended.
struct InstanceLocked {
  static constexpr RecordType kType{40, 1};
  Key instance = 0;
  std::string message_name;
  std::string correlation_key;
};
// A call activity started it.
struct ChildStarted {
  static constexpr RecordType kType{41, 1};
  Key instance = 0;
  Key parent = 0;
  Key call_activity = 0;
};

// A multi-instance activity knows what it goes over: `items` holds them under the name "items".
struct LoopStarted {
  static constexpr RecordType kType{42, 1};
  Key instance = 0;
  Key element_instance = 0;
  Context items;
};
// One of its instances gave its part of the output collection, under the name "value".
struct LoopOutputCollected {
  static constexpr RecordType kType{43, 1};
  Key instance = 0;
  Key element_instance = 0;
  std::int32_t loop_counter = 0;
  Context output;
};

struct InstanceMigrated {
  static constexpr RecordType kType{44, 1};
  Key instance = 0;
  Key process_key = 0;
  Context mapping;  // of element ids: what each becomes
};

enum class Deployable : std::uint8_t { kProcess, kRequirements, kDecision, kForm };

// What was deployed together with a version of a process, where elements of it take no other.
struct ProcessBound {
  static constexpr RecordType kType{66, 1};
  struct Target {
    Deployable kind = Deployable::kProcess;
    std::string id;
    Key key = 0;
    bool operator==(const Target&) const = default;
  };
  Key process = 0;
  std::vector<Target> targets;
};
struct ProcessDeleted {
  static constexpr RecordType kType{60, 1};
  Key key = 0;
};
// One file of decisions: the graph of what they require of each other, and the version of each.
struct DecisionsDeployed {
  static constexpr RecordType kType{61, 1};
  struct Decision {
    Key key = 0;
    std::string id;
    std::int32_t version = 0;
  };
  Key key = 0;  // of the graph, as what follows
  std::string id;
  std::int32_t version = 0;
  std::string resource_name;
  std::string xml;
  std::vector<Decision> decisions;
};
struct DecisionsDeleted {
  static constexpr RecordType kType{62, 1};
  Key key = 0;
};
// Asked for by itself, not by a process.
struct DecisionEvaluated {
  static constexpr RecordType kType{63, 1};
  Key evaluation = 0;
  Key decision = 0;
};
// What a person fills in; kept as it is.
struct FormDeployed {
  static constexpr RecordType kType{64, 1};
  Key key = 0;
  std::string id;
  std::int32_t version = 0;
  std::string resource_name;
  std::string content;
};
struct FormDeleted {
  static constexpr RecordType kType{65, 1};
  Key key = 0;
};
// An activity has completed that can be undone, or a sub-process with such activities in it.
struct CompensationRecorded {
  static constexpr RecordType kType{47, 1};
  Key instance = 0;
  Key compensation = 0;
  Key scope = 0;              // in which the activity was
  Key activity_instance = 0;  // what has completed
  std::string activity;
  std::string handler;  // what undoes it; empty: nothing but what is in it
};
// A throw event asked for it; `parent` is that of the sub-process that it is undone with.
struct CompensationTriggered {
  static constexpr RecordType kType{48, 1};
  Key instance = 0;
  Key compensation = 0;
  Key thrower = 0;
  Key parent = 0;
};
struct CompensationStarted {
  static constexpr RecordType kType{49, 1};
  Key instance = 0;
  Key compensation = 0;
  Key handler = 0;  // element instance
};
struct CompensationCompleted {
  static constexpr RecordType kType{50, 1};
  Key instance = 0;
  Key compensation = 0;
};
// A modification begins something in a scope that was interrupted: everything goes on in it again.
struct ScopeResumed {
  static constexpr RecordType kType{51, 1};
  Key instance = 0;
  Key element_instance = 0;
};
// Before all that is new in it, if anything is.
struct DeploymentMade {
  static constexpr RecordType kType{54, 1};
  Key deployment = 0;
};

using Event =
    std::variant<ProcessDeployed, InstanceCreated, ElementActivating, ElementActivated, ElementCompleting, ElementCompleted,
                 ElementTerminating, ElementTerminated, FlowTaken, VariablesSet, JobCreated, JobActivated, JobCompleted, JobFailed,
                 JobYielded, JobReady, JobErrorThrown, JobRetriesUpdated, TimerCreated, TimerTriggered, SubscriptionCreated,
                 MessagePublished, MessageCorrelated, MessageExpired, EventTriggered, IncidentCreated, IncidentResolved, InstanceYielded,
                 InstanceContinued, JobLost, JobMoved, TimerMoved, ScopeInterrupted, SignalSubscribed, SignalBroadcast,
                 RepeatingTimerCreated, StartTimerCreated, StartTimerTriggered, StartTimerCanceled, InstanceLocked, ChildStarted,
                 LoopStarted, LoopOutputCollected, InstanceMigrated, CalendarTimerCreated, CalendarStartTimerCreated, ProcessDeleted,
                 DecisionsDeployed, DecisionsDeleted, DecisionEvaluated, FormDeployed, FormDeleted, CompensationRecorded,
                 CompensationTriggered, CompensationStarted, CompensationCompleted, ScopeResumed, BroadcastYielded, BroadcastEnded,
                 DeploymentMade, JobPrioritized, ProcessBound, StartTimerMoved, ListenerCompleted>;

// All events of one command: what the journal holds in one row. They take effect together.
struct Record {
  Timestamp at;
  std::vector<Event> events;
};

// ---- what a command gives

struct Rejection {
  enum class Code : std::uint8_t { kNotFound, kInvalidArgument, kInvalidState, kAlreadyExists };
  Code code = Code::kInvalidState;
  std::string message;                   // "Expected to …, but …"
  std::vector<model::Finding> findings;  // of a model that is refused
};

struct DeployedProcess {
  std::string process_id;
  std::int32_t version = 0;
  Key key = 0;
  std::string resource_name;
};

struct DeployedForm {
  std::string id;
  std::int32_t version = 0;
  Key key = 0;
  std::string resource_name;
};

struct DeployedDecision {
  std::string id;
  std::string name;
  std::int32_t version = 0;
  Key key = 0;
};

// With its decisions, in the order of the file.
struct DeployedRequirements {
  std::string id;
  std::string name;
  std::int32_t version = 0;
  Key key = 0;
  std::string resource_name;
  std::vector<DeployedDecision> decisions;
};

struct Evaluation {
  DeployedDecision decision;
  DeployedRequirements requirements;
  dmn::Decided result;
};

struct ActivatedJob {
  Key key = 0;
  std::string type;
  Key instance = 0;
  Key element_instance = 0;
  std::string process_id;
  std::int32_t process_version = 0;
  Key process_key = 0;
  std::string element;
  std::string worker;
  Context headers;
  Context variables;
  std::int32_t retries = 0;
  Timestamp deadline;
};

// An element instance that is over: a line of the instance's history.
struct EndedElement {
  Key instance = 0;
  Key element_instance = 0;
  Key scope = 0;
  std::string element;
  model::ElementKind kind = model::ElementKind::kProcess;
  bool completed = false;  // else terminated
  Timestamp started_at;
};

struct EndedInstance {
  Key key = 0;
  std::string process_id;
  std::int32_t version = 0;
  std::string idempotency_key;
  bool completed = false;  // else terminated
  Timestamp started_at;
  Context variables;
};

struct Outcome {
  std::optional<Rejection> rejection;  // then nothing else
  std::vector<Event> events;
  // What was made: a deployment, instance, message, signal or evaluation of a decision.
  Key key = 0;
  bool created = false;                            // CreateInstance: not the answer of an earlier one
  std::vector<DeployedProcess> processes;          // Deploy
  std::vector<DeployedRequirements> requirements;  // Deploy
  std::vector<DeployedForm> forms;                 // Deploy
  std::vector<ActivatedJob> jobs;                  // ActivateJobs
  std::optional<Evaluation> evaluation;            // EvaluateDecision
  std::vector<Key> to_continue;                    // send a Continue for each
  std::vector<EndedElement> ended_elements;
  std::vector<EndedInstance> ended_instances;
};

// Zeebe's names of incident types.
namespace error_type {
inline constexpr char kJobNoRetries[] = "JOB_NO_RETRIES";
inline constexpr char kUnhandledError[] = "UNHANDLED_ERROR_EVENT";
inline constexpr char kExtractValue[] = "EXTRACT_VALUE_ERROR";
inline constexpr char kCondition[] = "CONDITION_ERROR";
inline constexpr char kIoMapping[] = "IO_MAPPING_ERROR";
inline constexpr char kUnknown[] = "UNKNOWN";  // the loop limit
inline constexpr char kCalledElement[] = "CALLED_ELEMENT_ERROR";
inline constexpr char kCalledDecision[] = "CALLED_DECISION_ERROR";  // it is not there
inline constexpr char kDecisionEvaluation[] = "DECISION_EVALUATION_ERROR";
inline constexpr char kFormNotFound[] = "FORM_NOT_FOUND";
}  // namespace error_type

// ---- bounds

inline constexpr int kMaxStepsPerCommand = 256;                        // then the instance yields to others, as after so many
inline constexpr std::size_t kMaxWrittenPerCommand = 4 * 1024 * 1024;  // bytes of variables, and
inline constexpr std::int64_t kMaxEvaluatedPerCommand = 1'000'000;     // steps of expressions
inline constexpr int kMaxConsecutiveYields = 100;                      // then it is an incident: a loop without a wait
inline constexpr int kMaxDuePerTick = 100;
inline constexpr int kIterationsPerStep = 8;         // of a parallel multi-instance activity, or handlers of one compensation, that begin
inline constexpr std::int32_t kMaxCallDepth = 1000;  // of call activities in each other
inline constexpr int kMaxActivatedJobs = 1000;       // by one command
inline constexpr std::size_t kMaxVariableBytes = 1024 * 1024;       // of one variable
inline constexpr std::size_t kMaxVariablesBytes = 4 * 1024 * 1024;  // of those that are set at once
inline constexpr std::size_t kMaxInstanceBytes = 64 * 1024 * 1024;  // of variables of an instance
inline constexpr std::size_t kMaxFileBytes = 64 * 1024 * 1024;      // of a file of models, for each of its processes once
inline constexpr std::size_t kMaxInstructions = 1000;               // of one modification
inline constexpr std::size_t kMaxNameBytes = 1024;                  // message names, correlation keys, ids, job types, error codes
inline constexpr std::size_t kMaxMessageBytes = 500;                // texts of failures and incidents; longer ones are cut
inline constexpr Duration kFirstBackOff = seconds(1);               // doubles with each failure
inline constexpr Duration kMaxBackOff = minutes(5);
inline constexpr Duration kClockTolerance = seconds(1);  // a clock that goes back by less moves nothing
inline constexpr Duration kTimerTolerance = seconds(1);  // a repeating timer that is late by less keeps its rhythm
inline constexpr std::int32_t kMaxLosses = 5;            // locks of a job that run out in a row; then it is an incident
inline constexpr Duration kMaxWait = days(36'500);       // of timers and times to live
inline constexpr std::size_t kRecentlyEnded = 10'000;    // idempotency keys of ended instances that are still known

}  // namespace consilium::bpmn::engine
