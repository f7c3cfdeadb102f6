// Runs an engine by hand and, after each command, checks that the journal alone gives the same state, and that the bytes
// of journal and checkpoint do.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "bpmn/engine/codec.h"
#include "bpmn/engine/engine.h"
#include "bpmn/engine/test_model.h"

namespace consilium::bpmn::engine {

class Bench {
 public:
  explicit Bench(EngineOptions options = {}) : engine(options), replica_(options) {}

  Outcome run(Command command) {
    Outcome outcome = engine.execute(command, now);
    keep(outcome);
    for (const Key key : outcome.to_continue) pending_.push_back(key);
    ended_.insert(ended_.end(), outcome.ended_instances.begin(), outcome.ended_instances.end());
    path_.insert(path_.end(), outcome.ended_elements.begin(), outcome.ended_elements.end());
    return outcome;
  }
  // Lets yielded instances go on until none is left.
  int go_on() {
    int rounds = 0;
    for (; !pending_.empty(); ++rounds) {
      const Key key = pending_.front();
      pending_.erase(pending_.begin());
      run(Continue{key});
    }
    return rounds;
  }

  void deploy(const TestModel& model) { deploy(model.xml()); }
  void deploy(const std::string& xml, const std::string& name = "m.bpmn") {
    const Outcome outcome = run(Deploy{{{name, xml}}});
    ASSERT_FALSE(outcome.rejection) << outcome.rejection->message << " "
                                    << (outcome.rejection->findings.empty()
                                            ? ""
                                            : outcome.rejection->findings[0].element_id + ": " + outcome.rejection->findings[0].message);
  }
  Key start(std::string_view variables = "{}", const std::string& process = "p", const std::string& idempotency_key = "") {
    const Outcome outcome = run(CreateInstance{process, 0, *feel::parse_variables(variables), idempotency_key});
    EXPECT_FALSE(outcome.rejection) << outcome.rejection->message;
    return outcome.key;
  }
  std::vector<ActivatedJob> activate(const std::string& type, int most = 10) {
    return run(ActivateJobs{type, "tester", most, seconds(60)}).jobs;
  }
  // The one job of this type that waits.
  ActivatedJob job(const std::string& type) {
    auto jobs = activate(type);
    EXPECT_EQ(jobs.size(), 1u) << type;
    return jobs.empty() ? ActivatedJob() : jobs[0];
  }
  void complete(const std::string& type, std::string_view variables = "{}") {
    const Outcome outcome = run(CompleteJob{job(type).key, *feel::parse_variables(variables)});
    EXPECT_FALSE(outcome.rejection) << outcome.rejection->message;
  }
  Outcome publish(const std::string& name, const std::string& key, std::string_view variables = "{}", const std::string& id = "",
                  Duration time_to_live = hours(1)) {
    return run(PublishMessage{name, key, id, time_to_live, *feel::parse_variables(variables)});
  }
  // Time passes, and everything due on the way fires at its time.
  void pass(Duration span) {
    const Timestamp end = now + span;
    while (engine.state().next_due() && *engine.state().next_due() <= end) {
      now = std::max(now, *engine.state().next_due());
      run(Tick{});
    }
    now = end;
  }

  void set_clock_back(Duration by) {
    now = now - by;
    if (engine.state().has_due(now)) run(Tick{});
  }

  // The element instance of this element; 0: there is none.
  Key find(Key instance, std::string_view element) const {
    const Instance& owner = *engine.state().instance(instance);
    for (const auto& [key, found] : owner.elements) {
      if (owner.element_of(found).id == element) return key;
    }
    return 0;
  }
  bool is_active(Key instance) const { return engine.state().instance(instance) != nullptr; }
  std::string variables(Key instance) const { return feel::to_json(engine.state().instance(instance)->elements.at(instance).variables); }
  std::string end_variables() const { return ended_.empty() ? "none ended" : feel::to_json(ended_.back().variables); }
  const std::vector<EndedInstance>& ended() const { return ended_; }
  // Ids of the elements that ended since the last call: `start task end`, with a `-` before terminated ones.
  std::string take_path() {
    std::string text;
    for (const EndedElement& element : path_)
      text += (text.empty() ? "" : " ") + std::string(element.completed ? "" : "-") + element.element;
    path_.clear();
    return text;
  }
  std::vector<Incident> incidents() const {
    std::vector<Incident> all;
    for (const auto& [key, instance] : engine.state().instances()) {
      for (const auto& [incident_key, incident] : instance.incidents) all.push_back(incident);
    }
    return all;
  }
  std::string incident() const {
    return incidents().size() == 1 ? incidents()[0].error_type : std::to_string(incidents().size()) + " incidents";
  }
  // As after a checkpoint.
  void rest() {
    const std::set<Key> changed = engine.state().changed_instances();
    for (const Key key : changed) {
      if (const Instance* instance = engine.state().instance(key)) engine.storage().rest(key, pack_instance(*instance));
    }
    engine.storage().forget_changes();
    for (const auto& [key, instance] : engine.state().awake_instances()) ASSERT_FALSE(instance.pending.empty()) << "it does not rest";
    ASSERT_EQ(snapshot(engine.state()), snapshot(replica_.state())) << "what rests is another state";
  }

  const std::vector<std::string>& journal() const { return journal_; }

  Engine engine;
  Timestamp now{1'767'225'600'000'000};

  void keep(const Outcome& outcome) {
    EXPECT_TRUE(!outcome.rejection || outcome.events.empty()) << "a refused command wrote events";
    if (!outcome.events.empty()) {
      journal_.push_back(encode_record({now, outcome.events}));
      const auto record = decode_record(journal_.back());
      ASSERT_TRUE(record.has_value()) << record.error();
      replica_.replay(*record);
    }
    ASSERT_EQ(snapshot(engine.state()), snapshot(replica_.state())) << "replay gives another state";
    if (++commands_ % 7 == 0) restart_replica();
    if (commands_ % 5 == 0) rest();
  }

  // From now on the replica is what a checkpoint gives.
  void restart_replica() {
    State restored(replica_.state().partition());
    for (const auto& [key, d] : replica_.state().definitions())
      ASSERT_TRUE(restored.restore_definition(key, d.process->id, d.version, d.resource_name, d.xml).has_value());
    for (const auto& [key, requirements] : replica_.state().all_requirements()) {
      auto decoded = decode_requirements(encode_requirements(requirements));
      ASSERT_TRUE(decoded.has_value() && restored.restore_requirements(std::move(*decoded)).has_value());
    }
    for (const auto& [key, form] : replica_.state().forms()) restored.restore_form(*decode_form(encode_form(form)));
    for (const auto& [key, retired] : replica_.state().retired()) restored.restore_retired(*decode_retired(encode_retired(retired)));
    for (const auto& [key, broadcast] : replica_.state().broadcasts())
      restored.restore_broadcast(*decode_broadcast(encode_broadcast(broadcast)));
    for (const auto& [key, bound] : replica_.state().all_bound()) restored.restore_bound(*decode_bound(encode_bound(bound)));
    for (const auto& [key, instance] : replica_.state().instances()) {
      const auto decoded = restored.restore_instance(commands_ % 2 == 0 ? pack_instance(instance) : encode_instance(instance));
      ASSERT_TRUE(decoded.has_value()) << decoded.error();
    }
    for (const auto& [key, message] : replica_.state().messages()) restored.restore_message(*decode_message(encode_message(message)));
    for (const auto& [key, timer] : replica_.state().start_timers())
      restored.restore_start_timer(*decode_start_timer(restored, encode_start_timer(timer)));
    restored.restore_counter(replica_.state().last_counter());
    replica_.storage() = std::move(restored);
    ASSERT_EQ(snapshot(engine.state()), snapshot(replica_.state())) << "a checkpoint gives another state";
  }

  Engine replica_;
  std::vector<std::string> journal_;
  std::vector<Key> pending_;
  std::vector<EndedInstance> ended_;
  std::vector<EndedElement> path_;
  int commands_ = 0;
};

}  // namespace consilium::bpmn::engine
