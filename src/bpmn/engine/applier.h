// The only code that changes the state: one function an event and version. An applier decides nothing: it must give the
// same state from the same event whenever it runs, in this build and in later ones.
#pragma once

#include "bpmn/engine/state.h"

namespace consilium::bpmn::engine {

class Applier {
 public:
  Applier(State& state, Timestamp at) : state_(state), at_(at) {}

  void apply(const Event& event);

  void operator()(const ProcessDeployed& event);
  void operator()(const InstanceCreated& event);
  void operator()(const ElementActivating& event);
  void operator()(const ElementActivated& event);
  void operator()(const ElementCompleting& event);
  void operator()(const ElementCompleted& event);
  void operator()(const ElementTerminating& event);
  void operator()(const ElementTerminated& event);
  void operator()(const FlowTaken& event);
  void operator()(const VariablesSet& event);
  void operator()(const JobCreated& event);
  void operator()(const JobPrioritized& event);
  void operator()(const ListenerCompleted& event);
  void operator()(const JobActivated& event);
  void operator()(const JobCompleted& event);
  void operator()(const JobFailed& event);
  void operator()(const JobYielded& event);
  void operator()(const JobReady& event);
  void operator()(const JobLost& event);
  void operator()(const JobErrorThrown& event);
  void operator()(const JobRetriesUpdated& event);
  void operator()(const TimerCreated& event);
  void operator()(const TimerTriggered& event);
  void operator()(const SubscriptionCreated& event);
  void operator()(const MessagePublished& event);
  void operator()(const MessageCorrelated& event);
  void operator()(const MessageExpired& event);
  void operator()(const EventTriggered& event);
  void operator()(const IncidentCreated& event);
  void operator()(const IncidentResolved& event);
  void operator()(const InstanceYielded& event);
  void operator()(const InstanceContinued& event);
  void operator()(const JobMoved& event);
  void operator()(const TimerMoved& event);
  void operator()(const ScopeInterrupted& event);
  void operator()(const ScopeResumed& event);
  void operator()(const SignalSubscribed& event);
  void operator()(const SignalBroadcast& event);
  void operator()(const BroadcastYielded& event);
  void operator()(const BroadcastEnded& event);
  void operator()(const DeploymentMade& event);
  void operator()(const RepeatingTimerCreated& event);
  void operator()(const StartTimerCreated& event);
  void operator()(const CalendarTimerCreated& event);
  void operator()(const CalendarStartTimerCreated& event);
  void operator()(const StartTimerMoved& event);
  void operator()(const StartTimerTriggered& event);
  void operator()(const StartTimerCanceled& event);
  void operator()(const InstanceLocked& event);
  void operator()(const ChildStarted& event);
  void operator()(const LoopStarted& event);
  void operator()(const LoopOutputCollected& event);
  void operator()(const InstanceMigrated& event);
  void operator()(const ProcessBound& event);
  void operator()(const ProcessDeleted& event);
  void operator()(const DecisionsDeployed& event);
  void operator()(const DecisionsDeleted& event);
  void operator()(const DecisionEvaluated& event);
  void operator()(const FormDeployed& event);
  void operator()(const FormDeleted& event);
  void operator()(const CompensationRecorded& event);
  void operator()(const CompensationTriggered& event);
  void operator()(const CompensationStarted& event);
  void operator()(const CompensationCompleted& event);

 private:
  Instance& instance(Key key);
  ElementInstance& element(Instance& owner, Key key);
  void used(Key key);
  void own(Key key, Key instance);
  template <class Change>
  void change_job(Key instance_key, Key job, Change change);
  static void set_result(Instance& owner, ElementInstance& element, const Context& variables);
  void end_element(Key instance_key, Key element_instance);
  void forget_compensations(Instance& owner, Key element_instance);
  void migrate_compensations(Instance& owner, const model::Process& target, const Context& mapping);
  void end_waits(Instance& owner, Key element_instance);
  void erase_job(Instance& owner, Key job);
  void erase_wait(Instance& owner, Key wait);
  void erase_timer(Instance& owner, Key timer);
  void erase_subscription(Instance& owner, Key subscription);
  void erase_start_timer(Key timer);
  void add_timer(Key instance, Timer timer);
  void add_start_timer(StartTimer timer);
  void erase_incident(Instance& owner, Key incident);
  void end_instance(Instance& owner);

  State& state_;
  Timestamp at_;
};

}  // namespace consilium::bpmn::engine
