// The engine without a world around it: commands in, events out, state inside. No clock, no I/O, no random numbers; one
// thread. Whoever owns it keeps the events (journal.h) and sends replies on only when they are kept.
#pragma once

#include "bpmn/engine/processor.h"
#include "bpmn/engine/records.h"
#include "bpmn/engine/state.h"

namespace consilium::bpmn::engine {

class Engine {
 public:
  explicit Engine(EngineOptions options = {}) : options_(std::move(options)), state_(options_.partition) {}

  // Decides and applies at once.
  Outcome execute(const Command& command, Timestamp now) {
    Outcome outcome;
    Processor(state_, options_, now, outcome).run(command);
    return outcome;
  }
  // Applies what was decided earlier.
  void replay(const Record& record) {
    Applier applier(state_, record.at);
    for (const Event& event : record.events) applier.apply(event);
  }

  const State& state() const { return state_; }
  // For loading a checkpoint and for `forget_changes`.
  State& storage() { return state_; }
  const EngineOptions& options() const { return options_; }
  // Of the next deployments; absent: any.
  void set_known_job_types(std::optional<std::set<std::string, std::less<>>> types) { options_.known_job_types = std::move(types); }
  // Forgets everything.
  void reset() { state_ = State(options_.partition); }

 private:
  EngineOptions options_;
  State state_;
};

}  // namespace consilium::bpmn::engine
