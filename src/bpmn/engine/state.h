// All that the engine knows, in memory. Whoever decides sees it read-only; appliers alone change it, and only by events, so
// that replaying the journal gives the same state again. One thread.
#pragma once

#include <array>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "bpmn/dmn/model.h"
#include "bpmn/engine/ascending_map.h"
#include "bpmn/engine/boxed.h"
#include "bpmn/engine/records.h"
#include "bpmn/model/process.h"

namespace consilium::bpmn::engine {

enum class Lifecycle : std::uint8_t { kActivating, kActivated, kCompleting, kTerminating };

enum class JobState : std::uint8_t { kActivatable, kActivated, kBackingOff, kFailed, kErrorThrown };

struct Job {
  Key key = 0;
  Key element_instance = 0;
  std::string type;
  Context headers;
  std::int32_t retries = 0;
  std::int32_t priority = 0;
  std::int32_t failures = 0;
  std::int32_t losses = 0;  // locks that ran out since a worker last answered
  JobState state = JobState::kActivatable;
  std::string worker;
  Timestamp due;    // kActivated: end of the lock; kBackingOff: when it may be handed out again
  Timestamp since;  // when that wait began; 0: not known (an old checkpoint)
};

// A job that may be handed out, in the order in which that is done.
struct ReadyJob {
  std::int32_t priority = 0;  // the highest first
  Key key = 0;
  bool operator<(const ReadyJob& other) const { return std::tie(other.priority, key) < std::tie(priority, other.key); }
};

struct Timer {
  Key key = 0;
  Key element_instance = 0;
  model::ElementIndex target = 0;
  Timestamp due;
  Timestamp since;               // when it began; 0: it is due at a date, or not known (an old checkpoint)
  std::int32_t repetitions = 1;  // with the one that falls due; -1: for ever
  Duration interval;
  std::string cycle;  // how it repeats by the calendar; empty: at the interval
  Key next_wait = 0;  // of the same element instance
};

// Of a process rather than an instance.
struct StartTimer {
  Key key = 0;
  Key process_key = 0;
  std::string target;
  Timestamp due;
  std::int32_t repetitions = 1;
  Duration interval;
  std::string cycle;
  Timestamp since = {};  // when it began; 0: it is due at a date or by the calendar, or not known (an old checkpoint)
};

struct Subscription {
  Key key = 0;
  Key element_instance = 0;
  model::ElementIndex target = 0;
  std::string name;
  std::string correlation_key;
  bool is_signal = false;
  Key next_wait = 0;
};

// Somebody who waits, in the order in which they are told: as in Zeebe the element that began first, whenever it came to wait, and of one
// element what came last.
struct Waiter {
  Key element_instance = 0;
  Key subscription = 0;
  bool operator<(const Waiter& other) const {
    return std::tie(element_instance, other.subscription) < std::tie(other.element_instance, subscription);
  }
};

// By what a message looks for: a hash of name and key, which are themselves in the instances, and a number that stands for the process.
struct MessageWaiter {
  std::size_t hash = 0;
  std::uint32_t process = 0;
  Waiter waiter;
  bool operator<(const MessageWaiter& other) const {
    return std::tie(hash, process, waiter) < std::tie(other.hash, other.process, other.waiter);
  }
};

// A signal on its way to very many: what waited when it was broadcast, and comes after those that it has reached, is still to be told.
struct Broadcast {
  Key signal = 0;
  std::string name;
  Context variables;
  std::int32_t yields = 0;
  Waiter reached;
};

struct Incident {
  Key key = 0;
  Key element_instance = 0;
  Key job = 0;
  std::string error_type;
  std::string message;
  Timestamp created_at;
};

// What can be undone, until it was: an activity that has completed, or a sub-process that holds such.
struct Compensation {
  Key key = 0;
  Key scope = 0;  // in which the activity was; it may have ended
  Key activity_instance = 0;
  model::ElementIndex activity = 0;
  model::ElementIndex handler = 0;  // 0: none of its own
  Key thrower = 0;                  // the throw event that asked for it; 0: none has
  Key parent = 0;                   // the compensation of the sub-process that it is undone with
  Key handler_instance = 0;         // 0: it has not begun
  std::int32_t inner = 0;           // compensations whose parent it is
};

struct Compensations {
  std::map<Key, Compensation> notes;
  std::set<std::pair<Key, Key>> compensable;  // scope and key of those that nobody has asked for
  // The throw event and the way to those whose handler is still to begin: a sub-process comes before what completed in it.
  std::set<std::pair<Key, std::vector<Key>>> undoing;

  // Itself is the last.
  std::vector<Key> way_to(Key compensation) const;
};

// Of a multi-instance activity: its body.
struct Loop {
  feel::List items;
  feel::List outputs;        // one for each item, null until it is there
  std::int32_t started = 0;  // instances
  std::int32_t completed = 0;
};

struct ElementInstance {
  Key key = 0;
  Key scope = 0;  // 0 for the process itself
  model::ElementIndex element = 0;
  Lifecycle state = Lifecycle::kActivating;
  Timestamp started_at;
  Context variables;  // its own, hiding those of the scopes around it
  Key job = 0;
  Key incident = 0;
  std::int32_t children = 0;                                // active element instances directly in it
  std::int32_t active_flows = 0;                            // tokens on flows directly in it
  std::map<model::FlowIndex, std::int32_t> waiting_tokens;  // on flows into gateways that join
  std::optional<model::ElementIndex> triggered;             // by which event it was ended, interrupted or started
  bool interrupted = false;                                 // nothing but the event sub-process of `triggered` goes on in it
  Key child = 0;                                            // the instance that a call activity started
  Boxed<Loop> loop;                                         // it is the body of a multi-instance activity
  std::int32_t loop_counter = 0;                            // it is one instance of such a body, from 1
  std::optional<Context> result;                            // variables of its job or event, to be mapped at completion
  Key undoes = 0;                                           // it is the handler of this compensation
  std::int32_t compensations = 0;                           // of a throw event: those that are not done
  std::int32_t listeners_done = 0;                          // while it begins or completes: of those before or after it
  // Derived: what ends with it is found without a look at the rest of the instance.
  Key first_wait = 0;  // timers and subscriptions
  Key last_child = 0;  // whose next sibling is the first
  Key next_sibling = 0;
  Key previous_sibling = 0;

  // Its job is one of a listener before or after it, not its own.
  bool is_heard() const { return job != 0 && state != Lifecycle::kActivated; }
};

struct Definition {
  Key key = 0;
  std::int32_t version = 0;
  std::string resource_name;
  std::string xml;
  model::ProcessPointer process;
};

// What was deployed from one file of decisions.
struct Requirements {
  Key key = 0;
  std::string id;
  std::int32_t version = 0;
  std::string resource_name;
  std::string xml;
  std::vector<DecisionsDeployed::Decision> decisions;
  dmn::ModelPointer model;
};

struct Form {
  Key key = 0;
  std::string id;
  std::int32_t version = 0;
  std::string resource_name;
  std::string content;
  std::string version_tag;  // that its content says
};

// What the engine reads of a form; the reason when it is none.
struct FormContent {
  std::string id;
  std::string version_tag;
};
std::expected<FormContent, std::string> read_form(std::string_view content);

// The newest version of something, when it was deleted: its number is not given again.
struct Retired {
  Key key = 0;
  Deployable kind = Deployable::kProcess;
  std::string id;
  std::int32_t version = 0;
};

// The versions of what has an id.
class Versions {
 public:
  void add(std::string_view id, std::int32_t version, Key key);
  void remove(std::string_view id, std::int32_t version);
  // That there was one of this number.
  void remember(std::string_view id, std::int32_t version);
  Key find(std::string_view id, std::int32_t version) const;  // 0: there is none
  Key newest(std::string_view id) const;                      // 0: there is none
  std::int32_t highest(std::string_view id) const;            // of those that were deleted too

 private:
  struct Numbers {
    std::map<std::int32_t, Key> keys;
    std::int32_t highest = 0;
  };
  std::map<std::string, Numbers, std::less<>> numbers_;
};

struct Instance {
  Key key = 0;
  Key process_key = 0;
  std::int32_t version = 0;
  model::ProcessPointer process;
  std::string idempotency_key;
  Timestamp started_at;
  std::map<Key, ElementInstance> elements;
  std::map<Key, Job> jobs;
  std::map<Key, Timer> timers;
  std::map<Key, Subscription> subscriptions;
  std::map<Key, Incident> incidents;
  Boxed<Compensations> own_compensations;
  std::int32_t yields = 0;
  std::vector<Step> pending;
  std::string lock_message;  // name and correlation key of the message that started it, when that had a key
  std::string lock_key;
  Key parent = 0;  // the instance whose call activity started it
  Key call_activity = 0;
  std::int32_t depth = 0;  // of call activities around it
  bool has_row = false;    // the last checkpoint knows it; not part of the state
  std::size_t bytes = 0;   // derived: about as many as its variables take

  const ElementInstance* find(Key element_instance) const;
  const model::Element& element_of(const ElementInstance& instance) const { return process->elements[instance.element]; }
  // A boundary event has ended it, or is about to.
  bool is_leaving(const ElementInstance& instance) const;
  const Compensations& compensations() const;
  // Something that has completed in this element instance can be undone.
  bool has_compensable(Key element_instance) const;
  // In the order in which they began.
  std::vector<Key> waits_of(Key element_instance) const;
  std::vector<Key> children_of(Key element_instance) const;
  // What such searches have looked at in this thread so far.
  static std::int64_t visited();
  // It is neither ending nor held up by an incident while it completes, nor does its scope end: then what it waits for happens to
  // nobody.
  bool can_be_triggered(const ElementInstance& instance) const;
  // One of its event sub-processes has interrupted it, whether or not it was resumed since.
  bool was_interrupted(const ElementInstance& scope) const;
  // Nothing that it waits for has ended its waits.
  bool still_waits(const ElementInstance& instance) const;
  // The scope is active, and if it was interrupted, then by this very event sub-process. Scopes further out do not count: what is in
  // them goes on until its own end comes.
  bool lets_go_on(const ElementInstance& scope, model::ElementIndex element) const;
  // May the pending steps go on by themselves?
  bool may_continue() const { return !pending.empty() && yields <= kMaxConsecutiveYields; }

  // For appliers. The timer or subscription, and the element instance, must be there.
  void link_wait(Key element_instance, Key wait);
  void unlink_wait(Key element_instance, Key wait);
  void link_child(ElementInstance& child);
  void unlink_child(ElementInstance& child);
  // All that is derived, of what came from a checkpoint.
  void link_all();
  static std::size_t bytes_of(const ElementInstance& element);

 private:
  void index_compensations();
  Key& next_wait(Key wait);
};

struct Message {
  Key key = 0;
  std::string name;
  std::string correlation_key;
  std::string id;
  Timestamp deadline;
  Context variables;
  std::set<std::string, std::less<>> correlated;  // process ids
  bool has_row = false;                           // the last checkpoint knows it; not part of the state
};

enum class DueKind : std::uint8_t { kStartTimer, kTimer, kJob, kMessage };

// What falls due at once comes in the order of these fields: of timers as in Zeebe the one whose element began first, also when it
// repeats and so is younger itself.
struct Due {
  Timestamp at;
  DueKind kind = DueKind::kTimer;
  Key element_instance = 0;  // of a timer
  Key key = 0;
  auto operator<=>(const Due&) const = default;
};

class State {
 public:
  explicit State(std::int32_t partition = 1) : partition_(partition) {}
  State(State&&) = default;
  State& operator=(State&&) = default;

  std::int32_t partition() const { return partition_; }
  std::int64_t last_counter() const { return last_counter_; }

  const Definition* definition(Key key) const;
  const Definition* newest(std::string_view process_id) const;
  const Definition* version(std::string_view process_id, std::int32_t version) const;
  const std::map<Key, Definition>& definitions() const { return definitions_; }
  // The number of the next one, which no other had, deleted ones included.
  std::int32_t next_version(Deployable kind, std::string_view id) const { return versions_of(kind).highest(id) + 1; }
  std::int64_t active_instances(Key process_key) const;

  // The newest version with a tag; 0: there is none.
  Key tagged(Deployable kind, std::string_view id, std::string_view version_tag) const;
  Key newest_key(Deployable kind, std::string_view id) const { return versions_of(kind).newest(id); }
  // What was deployed together with this version of a process; null: it does not matter to it.
  const ProcessBound* bound(Key process) const;
  // 0: there was none.
  Key deployed_with(Key process, Deployable kind, std::string_view id) const;
  const std::map<Key, ProcessBound>& all_bound() const { return bound_; }

  const Requirements* requirements(Key key) const;
  const Requirements* newest_requirements(std::string_view id) const;
  // That a decision is in.
  const Requirements* requirements_of_decision(Key decision) const;
  Key newest_decision(std::string_view id) const { return versions_of(Deployable::kDecision).newest(id); }
  const std::map<Key, Requirements>& all_requirements() const { return requirements_; }
  // Decisions, newest first, with keys below `before` (0: from the newest); of one id unless that is empty.
  std::vector<Key> decisions_before(std::string_view id, Key before, std::size_t limit) const;
  const Form* form(Key key) const;
  const Form* newest_form(std::string_view id) const { return form(versions_of(Deployable::kForm).newest(id)); }
  const std::map<Key, Form>& forms() const { return forms_; }
  const std::map<Key, Retired>& retired() const { return retired_; }
  // The newest versions that such a message or signal starts, by key.
  const std::set<Key>& started_by_message(std::string_view name) const;
  const std::set<Key>& started_by_signal(std::string_view name) const;
  const std::map<Key, StartTimer>& start_timers() const { return start_timers_; }
  // The active instance that a message with this key started; 0: none.
  Key locked_by(std::string_view process_id, std::string_view correlation_key) const;

  // An instance that has not changed since a checkpoint rests: of it only the bytes of its row are kept, a fraction of the
  // memory, until somebody asks for it.
  const Instance* instance(Key key) const;
  bool has_instance(Key key) const { return instances_.contains(key) || resting_.find(key) != nullptr; }
  std::size_t instance_count() const { return instances_.size() + resting_.size(); }
  // Those that do not rest.
  const std::map<Key, Instance>& awake_instances() const { return instances_; }
  // Wakes all: for tests and small states.
  const std::map<Key, Instance>& instances() const;
  // The next older one, whether it rests or not, and leaves it so; 0: there is none.
  Key instance_before(Key key) const;
  // Reads one without waking it.
  template <class Look>
  void look_at(Key key, Look look) const {
    if (const auto awake = instances_.find(key); awake != instances_.end()) return look(awake->second);
    if (const Bytes* bytes = resting_.find(key)) look(read(*bytes));
  }
  // The instance that an element instance, job, timer, subscription or incident belongs to.
  const Instance* owner_of(Key key) const;
  Key owner_key_of(Key key) const;
  // Of a live or recently ended instance; 0 when there is none.
  Key instance_of_idempotency_key(std::string_view key) const;

  const std::set<ReadyJob>& activatable(std::string_view job_type) const;
  // Types of which jobs became activatable since it was asked last.
  std::set<std::string, std::less<>> take_ready_types() { return std::exchange(ready_types_, {}); }
  // Jobs that this worker holds.
  const std::set<Key>& activated(std::string_view job_type, std::string_view worker) const;
  // The first that fall due, soonest first.
  const std::set<Due>& due() const { return due_; }
  std::optional<Timestamp> next_due() const { return due_.empty() ? std::nullopt : std::optional(due_.begin()->at); }
  // Waits for a length of time by when they began. One that began after now: the clock was set back meanwhile.
  const std::set<Due>& begun() const { return begun_; }
  std::size_t timer_count() const { return timer_count_; }
  const std::set<Key>& open_incidents() const { return open_incidents_; }
  bool was_set_back(Timestamp now) const { return !begun_.empty() && begun_.rbegin()->at > now + kClockTolerance; }
  bool has_due(Timestamp now) const { return (!due_.empty() && due_.begin()->at <= now) || was_set_back(now); }

  // Those that wait for such a message, or for one whose name and key have the same hash: of each process the first, and the next one in
  // the same process. However many wait, no others are looked at.
  std::vector<MessageWaiter> first_message_waiters(std::string_view name, std::string_view correlation_key) const;
  std::optional<MessageWaiter> message_waiter_after(const MessageWaiter& before) const;
  const std::set<Waiter>& signal_waiters(std::string_view name) const;
  // What has not reached all yet.
  const std::map<Key, Broadcast>& broadcasts() const { return broadcasts_; }
  const Broadcast* broadcast(Key signal) const;
  const Broadcast* oldest_broadcast(std::string_view name) const;
  const std::map<Key, Message>& messages() const { return messages_; }
  const Message* message(Key key) const;
  // Whose time to live is not over and which this process has not had; null: none.
  const Message* oldest_buffered(std::string_view name, std::string_view correlation_key, const std::string& process_id,
                                 Timestamp now) const;
  bool is_known_message(std::string_view name, std::string_view correlation_key, std::string_view id) const;

  // Instances and messages that changed since `forget_changes`: what a checkpoint has to write or delete.
  const std::set<Key>& changed_instances() const { return changed_instances_; }
  const std::set<Key>& changed_messages() const { return changed_messages_; }
  const std::set<Key>& changed_start_timers() const { return changed_start_timers_; }
  const std::set<Key>& changed_requirements() const { return changed_requirements_; }
  const std::set<Key>& changed_forms() const { return changed_forms_; }
  const std::set<Key>& changed_retired() const { return changed_retired_; }
  const std::set<Key>& changed_broadcasts() const { return changed_broadcasts_; }
  const std::set<Key>& changed_bound() const { return changed_bound_; }
  const std::set<Key>& deleted_definitions() const { return deleted_definitions_; }
  void forget_changes();
  // After a checkpoint: the bytes that it has of an instance. Pointers to it are void.
  void rest(Key key, std::string_view bytes);

  // Loading a checkpoint, before any event is applied. The last counter comes with it.
  void restore_counter(std::int64_t last_counter) { last_counter_ = std::max(last_counter_, last_counter); }
  std::expected<void, std::string> restore_definition(Key key, std::string process_id, std::int32_t version, std::string resource_name,
                                                      std::string xml);
  std::expected<void, std::string> restore_requirements(Requirements requirements);
  void restore_form(Form form);
  void restore_retired(Retired retired);
  void restore_broadcast(Broadcast broadcast);
  void restore_bound(ProcessBound bound);
  void restore_instance(Instance instance);
  // The same of a row, which rests at once when it can; the reason when it cannot be read.
  std::expected<void, std::string> restore_instance(std::string_view bytes);
  void restore_message(Message message);
  void restore_start_timer(StartTimer timer);

 private:
  friend class Applier;

  using Pair = std::pair<std::string, std::string>;
  // A length and so many bytes; null: none.
  using Bytes = std::unique_ptr<char[]>;

  // Messages of one name and correlation key.
  struct Buffered {
    std::set<Key> keys;
    // So far each process has had all of them. Found out when they are looked at, so that none is looked at again.
    mutable std::map<std::string, Key, std::less<>> had;
  };

  static Bytes bytes_of(std::string_view text);
  static std::string_view text_of(const Bytes& bytes);
  static std::size_t hash_of(std::string_view name, std::string_view correlation_key);
  Instance read(const Bytes& bytes) const;
  Instance* awake(Key key) const;
  enum class From { kEvents, kRow };
  void own(Key key, Key instance, From from);
  void index(const Instance& instance, From from);
  void index_job(const Job& job);
  void unindex_job(const Job& job);
  void index_timer(const Timer& timer);
  void unindex_timer(const Timer& timer);
  void index_message(const Message& message);
  MessageWaiter message_waiter(const std::string& process_id, const Subscription& subscription);
  void index_wait(const std::string& process_id, const Subscription& subscription);
  void unindex_wait(const std::string& process_id, const Subscription& subscription);
  void tag(Deployable kind, std::string_view id, std::string_view version_tag, std::int32_t version, Key key);
  void untag(Deployable kind, std::string_view id, std::string_view version_tag, std::int32_t version);
  const Versions& versions_of(Deployable kind) const { return versions_[static_cast<std::size_t>(kind)]; }
  Versions& versions_of(Deployable kind) { return versions_[static_cast<std::size_t>(kind)]; }
  std::expected<model::ProcessPointer, std::string> read_process(const std::string& process_id, const std::string& resource_name,
                                                                 const std::string& xml);
  void index_start_timer(const StartTimer& timer);
  void unindex_start_timer(const StartTimer& timer);
  void erase_definition(Key key);
  void erase_requirements(Key key);
  void erase_form(Key key);
  void erase_version(Deployable kind, const std::string& id, std::int32_t version, Key key);
  void forget_retired(Deployable kind, const std::string& id);
  void count_instance(Key process_key, std::int64_t by);
  void index_starts(const Definition& definition);
  void unindex_starts(const Definition& definition);

  std::int32_t partition_;
  std::int64_t last_counter_ = 0;
  std::map<Key, Definition> definitions_;
  std::map<Key, Requirements> requirements_;
  std::map<Key, Form> forms_;
  std::map<Key, Retired> retired_;
  std::map<Key, Broadcast> broadcasts_;
  std::map<Key, ProcessBound> bound_;
  mutable std::map<Key, Instance> instances_;  // that are awake
  mutable AscendingMap<Bytes> resting_;
  std::map<Key, Message> messages_;
  std::map<Key, StartTimer> start_timers_;

  // Derived from the above.
  AscendingMap<Key> owners_;  // of all that is in an instance, but for itself
  std::array<Versions, 4> versions_;
  std::array<Versions, 4> tagged_;  // by id and tag
  // Of the file of models that was read last: each of its processes is restored by itself.
  struct {
    std::string xml;
    std::vector<model::ProcessPointer> processes;
  } last_read_;
  std::map<Key, Key> decisions_;  // the requirements that they are in
  std::map<std::pair<Deployable, std::string>, Key> retired_by_id_;
  std::map<Key, std::int64_t> instance_counts_;  // by key of the process
  std::map<std::string, Key, std::less<>> idempotency_;
  std::deque<std::string> recently_ended_;
  std::map<std::string, std::set<ReadyJob>, std::less<>> activatable_;
  std::set<std::string, std::less<>> ready_types_;
  std::map<Pair, std::set<Key>> activated_;
  std::set<Due> due_;
  std::set<Due> begun_;
  std::size_t timer_count_ = 0;
  std::set<Key> open_incidents_;
  std::set<MessageWaiter> message_waiters_;
  std::map<std::string, std::uint32_t, std::less<>> process_numbers_;  // of those that have waited for messages
  std::uint32_t last_process_number_ = 0;
  std::map<Pair, Buffered> buffered_;
  std::set<std::tuple<std::string, std::string, std::string>> message_ids_;
  std::set<Key> changed_instances_;
  std::set<Key> changed_messages_;
  std::set<Key> changed_start_timers_;
  std::set<Key> changed_requirements_;
  std::set<Key> changed_forms_;
  std::set<Key> changed_retired_;
  std::set<Key> changed_broadcasts_;
  std::set<Key> changed_bound_;
  std::set<Key> deleted_definitions_;
  std::map<std::string, std::set<Waiter>, std::less<>> signal_waiters_;
  std::map<std::string, std::set<Key>, std::less<>> started_by_message_;
  std::map<std::string, std::set<Key>, std::less<>> started_by_signal_;
  std::map<Pair, Key> locks_;  // process id and correlation key
};

}  // namespace consilium::bpmn::engine
