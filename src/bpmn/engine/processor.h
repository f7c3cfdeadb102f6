// Decides: takes one command, reads the state, and writes events. Every event is applied at once, so that later decisions
// of the same command see it; a command that is refused writes none. Pure: time comes with the command, keys are counted.
//
// Elements move through Zeebe's life cycle (activating, activated, completing, completed; terminating, terminated). The work
// of one command is a queue of steps, so that nothing recurses; after kMaxStepsPerCommand the rest is kept in the instance
// and goes on by a Continue.
#pragma once

#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/random.h"
#include "bpmn/engine/applier.h"
#include "bpmn/engine/records.h"
#include "bpmn/engine/state.h"

namespace consilium::bpmn::engine {

// By the order of what waits, as with Zeebe, or by their own.
enum class EarlyMessages : std::uint8_t { kByWait, kByAge };

struct EngineOptions {
  std::int32_t partition = 1;
  // When set, a deployed service task must name one of them.
  std::optional<std::set<std::string, std::less<>>> known_job_types;
  // What a model's `retries="0"` means: none, as with Zeebe, or a number of them.
  std::int32_t retries_for_none = 0;
  // Which of several messages comes first to what waits for more than one, when all were there before.
  EarlyMessages early_messages = EarlyMessages::kByWait;
  // Where expressions get random numbers; null: they have none. What they give stands in events, so that replay needs none.
  RandomSource* random = nullptr;
};

// The only way from a decision to the state.
class EventWriter {
 public:
  EventWriter(State& state, Timestamp now, Outcome& outcome) : state_(state), now_(now), outcome_(outcome) {}

  void append(Event event);
  // About as many bytes of variables as it has written.
  std::size_t written() const { return written_; }
  // Scopes in which something has ended while tokens wait in them at inclusive gateways.
  std::set<std::pair<Key, Key>> take_changed_scopes() { return std::exchange(changed_scopes_, {}); }
  // Each one taken goes into the very next event.
  Key next_key() const { return make_key(state_.partition(), state_.last_counter() + 1); }

 private:
  void remember_end(const Instance& instance, const ElementInstance& element, bool completed);

  State& state_;
  Timestamp now_;
  Outcome& outcome_;
  std::size_t written_ = 0;
  std::set<std::pair<Key, Key>> changed_scopes_;
};

// What is around an element: a sub-process or the process; of a multi-instance one what holds its instances, and one of them.
struct FlowScope {
  model::ElementIndex element = 0;
  bool is_body = false;
};

class Processor {
 public:
  Processor(State& state, const EngineOptions& options, Timestamp now, Outcome& outcome)
      : state_(state), options_(options), now_(now), outcome_(outcome), writer_(state, now, outcome) {}

  void run(const Command& command);

  // One function a command: processor.cpp, deployments.cpp, modification.cpp, decisions.cpp, starts.cpp.
  void operator()(const Deploy& command);
  void operator()(const CreateInstance& command);
  void operator()(const CancelInstance& command);
  void operator()(const PublishMessage& command);
  void operator()(const ActivateJobs& command);
  void operator()(const CompleteJob& command);
  void operator()(const FailJob& command);
  void operator()(const YieldJob& command);
  void operator()(const ReleaseJobs& command);
  void operator()(const ThrowError& command);
  void operator()(const UpdateRetries& command);
  void operator()(const UpdateTimeout& command);
  void operator()(const ResolveIncident& command);
  void operator()(const SetVariables& command);
  void operator()(const Continue& command);
  void operator()(const Tick& command);
  void operator()(const BroadcastSignal& command);
  void operator()(const ModifyInstance& command);
  void operator()(const MigrateInstance& command);
  void operator()(const DeleteResource& command);
  void operator()(const EvaluateDecision& command);

 private:
  struct Problem {
    const char* type;
    std::string message;
  };
  template <class T>
  using Evaluated = std::expected<T, Problem>;

  // When a timer is due, and how often.
  struct Schedule {
    Timestamp due;
    std::int32_t repetitions = 1;
    Duration interval;
    std::string cycle;  // how it repeats by the calendar; empty: at the interval
  };

  // What a catch event waits for, evaluated before any of its events are written.
  struct Wait {
    model::ElementIndex target = 0;
    std::optional<Schedule> schedule;
    std::string name;
    std::string correlation_key;
    bool is_signal = false;
  };

  struct Early {
    const Message* message;
    const Subscription* subscription;
  };

  // An error's way out: the element instance that has the boundary event or event sub-process that catches it.
  struct Catcher {
    Key instance = 0;
    Key host = 0;
    model::ElementIndex event = 0;
  };

  void reject(Rejection::Code code, std::string message);
  void correlate_with_waiting(Key key);
  const Job* find_job(Key key, std::string_view what);
  void find_start_faults(const std::string& file, const model::Process& process, std::vector<model::Finding>& findings) const;

  // deployments.cpp
  struct Plan;
  void plan_resources(const Deploy& command, Plan& plan) const;
  bool binds_anew(const Plan& plan) const;
  void plan_model(const Resource& resource, Deploy::Replaced replaced, Plan& plan) const;
  bool was_deployed(std::string_view process_id, const Resource& resource) const;
  void plan_decisions(const Resource& resource, Plan& plan) const;
  void plan_form(const Resource& resource, Plan& plan) const;
  void delete_process(const Definition& definition);

  // decisions.cpp
  void activate_decision(const Instance& instance, const ElementInstance& element);

  // starts.cpp
  void start_by_message(const Message& message);
  void start_by_message(Key message, const Definition& definition);
  void start_next(const std::string& process_id, const std::string& correlation_key);
  void start_by_timer(Key key);
  void schedule_starts(const Definition& definition);
  void cancel_starts(Key process_key);
  void push_broadcast(Key instance, Key element_instance, const std::string& name, const Context& variables);
  void broadcast(const std::string& name, const Context& variables);
  void go_on_broadcasting(Broadcast broadcast, std::set<Key> starts);
  void go_on_with_broadcasts(Key signal, const std::string& name);
  void start_by_signal(const Definition& definition, const std::string& name, const Context& variables);
  void signal(Key subscription, const Context& variables);
  void begin_instance(Key instance, std::string_view start_event, const Context& variables);
  void create_timer(Key instance, Key element_instance, const std::string& target, const Schedule& schedule);
  void create_start_timer(const Definition& definition, const std::string& target, const Schedule& schedule);

  // lifecycle.cpp
  void run_steps();
  // To be done after all that waits; what else it needs is set on it.
  Step& push(Step::Kind kind, Key instance, Key element_instance);
  void run_step(const Step& step);
  bool may_go_on(const Instance& instance, const ElementInstance& element) const;
  void activate_in(const Instance& instance, const ElementInstance& scope, const Step& step);
  bool has_done_enough(int done) const;
  static Problem endless_loop();
  void yield_rest();
  void activate(Key instance, Key scope, model::ElementIndex element, std::int32_t consumed, const std::optional<Context>& result);
  void go_on_activating(Key instance, Key element_instance);
  bool listens(Key instance, Key element_instance, const std::vector<model::JobDefinition>& listeners);
  void complete_listener(const Instance& instance, const ElementInstance& element, const CompleteJob& command);
  static std::vector<model::ElementIndex> waits_around(const Instance& instance, const ElementInstance& element);
  bool prepare_waits(const Instance& instance, const ElementInstance& element, const std::vector<model::ElementIndex>& targets,
                     std::vector<Wait>& waits, Key blamed);
  bool open_scope(Key instance, Key scope, Key start_event);
  void open_waits(Key instance, Key element_instance, const std::vector<Wait>& waits);
  void activate_process(const Instance& instance, const ElementInstance& element);
  void activate_task(const Instance& instance, const ElementInstance& element);
  void activate_job(const Instance& instance, const ElementInstance& element);
  void activate_script(const Instance& instance, const ElementInstance& element);
  void activate_sub_process(const Instance& instance, const ElementInstance& element);
  void activate_choice(const Instance& instance, const ElementInstance& element);
  void pass(const Instance& instance, const ElementInstance& element, const std::vector<model::FlowIndex>& flows);
  void activate_event_gateway(const Instance& instance, const ElementInstance& element);
  void activate_catch_event(const Instance& instance, const ElementInstance& element);
  void activate_throw_event(const Instance& instance, const ElementInstance& element);
  void activate_call(const Instance& instance, const ElementInstance& element);
  Evaluated<const Definition*> find_called(const Instance& instance, const ElementInstance& call_activity,
                                           const std::string& process_id) const;
  void push_call(const Instance& instance, const ElementInstance& call_activity, const std::string& process_id);
  void call_again(const Instance& instance, const ElementInstance& call_activity);
  void begin_called(const Instance& instance, const ElementInstance& call_activity, const Step& step);
  void complete_caller(Key parent, Key call_activity, const Context& variables);
  // modification.cpp
  std::string find_start_fault(const Definition& definition, const CreateInstance& command) const;
  void begin_at(Key instance, const std::vector<std::string>& elements);
  std::string find_fault(const Instance& instance, const ModifyInstance& command) const;
  std::string find_fault(const Instance& instance, const ModifyInstance::Activation& activation) const;
  std::expected<Key, std::string> find_scope(const Instance& instance, Key within, const FlowScope& scope) const;
  void begin_element(Key instance, const ModifyInstance::Activation& activation, std::set<Key>& scopes);
  void begin_in(const Instance& instance, const ElementInstance& scope, const Step& step);
  void end_element(Key instance_key, Key key, const std::set<Key>& scopes);
  void end_at_once(Key instance, Key element_instance);
  std::int32_t taken_by(Key instance, Key scope, model::ElementIndex element) const;
  bool begin_scope(Key instance, Key scope);
  static std::set<Key> what_ends(const Instance& instance, const std::vector<Key>& element_instances, const std::set<Key>& kept);
  std::string find_fault(const Instance& instance, const Definition& target, const MigrateInstance& command) const;
  std::string find_fault(const Instance& instance, const ElementInstance& element, const Definition& target,
                         const std::map<std::string, std::string>& mapping) const;
  std::string find_wait_fault(const Instance& instance, const ElementInstance& element, const Definition& target,
                              const std::map<std::string, std::string>& mapping, std::vector<Wait>& waits) const;

  // compensation.cpp
  void record_compensation(Key instance, Key element_instance);
  void throw_compensation(Key instance, Key thrower);
  void trigger_compensation(Key instance, Key compensation, Key thrower, Key parent);
  void start_handlers(Key instance, Key thrower);
  void end_compensation(Key instance, Key compensation);

  // loops.cpp
  void activate_loop(const Instance& instance, const ElementInstance& element);
  void iterate(Key instance, Key body);
  Context loop_variables(const Instance& instance, const ElementInstance& element) const;
  Evaluated<bool> end_iteration(Key instance, Key element_instance);
  void go_on_with_loop(Key instance, Key body, bool is_done);
  bool give_outputs(Key instance, Key body);

  void activated(Key instance, Key element_instance);
  void complete(Key instance, Key element_instance);
  void take_flow(Key instance_key, Key scope, model::FlowIndex index, const std::optional<Context>& result);
  void leave(Key instance, Key scope, const std::vector<model::FlowIndex>& flows);
  void check_scope(Key instance, Key scope);
  static bool may_join(const ElementInstance& scope, const model::Element& gateway);
  // joins.cpp
  void note_joins(const Instance& instance);
  void go_on_at_joins();
  static std::int32_t tokens_at(const ElementInstance& scope, const model::Element& gateway);
  void push_activate(Key instance, Key scope, const model::Element& element, std::int32_t consumed, const std::optional<Context>& result);
  void terminate(Key instance, Key element_instance);
  void end_instance(Key key, Lifecycle how);
  void terminate_children(Key instance, Key scope);
  void finish_terminating(Key instance, Key element_instance);
  void interrupt_scope(Key instance, Key scope, std::optional<model::ElementIndex> start_event, const Context& variables);
  void go_on_interrupted(Key instance, Key scope);

  // events.cpp
  void trigger(Key instance, Key host, model::ElementIndex target, const Context& variables);
  bool can_be_triggered(const Catcher& catcher) const;
  void trigger(const Catcher& catcher, const Context& variables);
  void correlate(const Message& message, const Subscription& subscription);
  const Message* find_buffered(const Instance& instance, const Subscription& subscription) const;
  void correlate_buffered(Key instance, Key element_instance);
  std::optional<Early> find_early(const Instance& instance, const ElementInstance& waiting, model::ElementIndex target) const;
  void push_correlate(const Instance& instance, const Subscription& subscription);
  void correlate_buffered(const Instance& instance, const ElementInstance& waiting, const Step& step);
  void fire_timer(Key key);
  void job_due(Key key);
  void begin_anew(const Due& begun);
  std::optional<Catcher> find_catcher(const Instance& thrown_in, const ElementInstance& thrower, model::EventKind kind,
                                      std::string_view code) const;
  std::optional<Catcher> catcher_at(const Instance& instance, const ElementInstance& host, model::EventKind kind,
                                    std::string_view code) const;
  void throw_error(Key instance, Key element_instance);
  void throw_escalation(Key instance, Key element_instance, const std::string& code);
  void raise(Key instance, Key element_instance, Key job, const Problem& problem);

  Key find_version(const Instance& instance, Deployable kind, std::string_view id, const model::Binding& binding) const;
  static std::string among(const model::Binding& binding);

  // variables.cpp
  feel::Evaluation compute(const feel::Expression& expression, const feel::Scope& names) const;
  std::optional<Schedule> repeated(Timestamp due, std::int32_t repetitions, Duration interval, const std::string& cycle) const;
  std::optional<Schedule> evaluate_cycle(const feel::Value& value) const;
  Evaluated<feel::Value> evaluate(const feel::Expression& expression, const Instance& instance, Key scope) const;
  static Evaluated<std::string> text_of(const feel::Expression& expression, const feel::Evaluation& result, std::string_view what,
                                        std::optional<std::string> text);
  Evaluated<std::string> evaluate_text(const feel::Expression& expression, std::string_view what, const Instance& instance,
                                       Key scope) const;
  Evaluated<std::string> evaluate_correlation_key(const feel::Expression& expression, const Instance& instance, Key scope) const;
  Evaluated<Wait> evaluate_wait(const Instance& instance, Key host, const model::Process& process, model::ElementIndex target) const;
  Evaluated<Schedule> evaluate_timer(const model::TimerDefinition& timer, const feel::Scope& names) const;
  // Why it may not hold so much more; empty: it may.
  static std::string check_room(const Instance& instance, std::size_t bytes);
  static std::string check_room(const Instance& instance, const Context& variables) { return check_room(instance, size_of(variables)); }
  Evaluated<std::int32_t> evaluate_retries(const model::JobDefinition& job, const Instance& instance, Key scope) const;
  std::int32_t retries_of_model(const Instance& instance, const Job& job) const;
  Evaluated<std::int32_t> evaluate_priority(const model::JobDefinition& job, const Instance& instance, Key scope) const;
  static std::string in_rfc3339(feel::DateTime moment);
  Evaluated<Context> evaluate_headers(const model::JobDefinition& job, const Instance& instance, Key scope) const;
  // Whether a path into a context that is there already keeps its other members.
  enum class Extends : std::uint8_t { kNo, kYes };
  Evaluated<Context> evaluate_mappings(const std::vector<model::Mapping>& mappings, const Instance& instance, Key scope,
                                       Extends extends) const;
  void merge(Key instance, Key from, const Context& variables);
  static bool stands_apart(const model::Element& event);
  void take_event_variables(Key instance, Key element_instance);
  bool map_outputs(Key instance, Key element_instance);
  Context visible_variables(const Instance& instance, Key scope) const;

  const State& state_;
  const EngineOptions& options_;
  Timestamp now_;
  Outcome& outcome_;
  EventWriter writer_;
  std::deque<Step> steps_;
  std::set<std::pair<Key, Key>> joins_;  // scopes, where tokens wait at inclusive gateways, and something has changed
  std::int32_t yields_before_ = 0;       // of the instance or broadcast that goes on
  int told_ = 0;                         // receivers of signals
  mutable std::int64_t evaluated_ = 0;   // steps of expressions
};

// Why a value cannot be a variable (too deep, too large); empty when it can.
std::string check_variable(const feel::Value& value);
std::string check_variables(const Context& variables);
// What a deployment tells of it.
DeployedRequirements describe(const Requirements& deployed);
// As it is kept: JSON.
feel::Value as_variable(const feel::Value& value);

}  // namespace consilium::bpmn::engine
