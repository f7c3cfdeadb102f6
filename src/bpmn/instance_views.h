// What queries tell of the engine's state, in the words of the port.
#pragma once

#include <cstddef>
#include <vector>

#include "bpmn/engine/state.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::bpmn {

process::InstanceView view_of(const engine::Instance& instance);
// With everything that the view of one instance has.
process::InstanceView detail_of(const engine::Instance& instance);
bool fits(const engine::Instance& instance, const process::InstanceFilter& filter);
// All that is active in it, oldest first.
std::vector<process::ElementRecord> records_of(const engine::Instance& instance);
// One that it has.
process::Incident view_of_incident(const engine::Instance& instance, process::Key key);

// A decision that the state has.
process::DecisionView view_of_decision(const engine::State& state, process::Key key);
process::DecisionView detail_of_decision(const engine::State& state, process::Key key);

// Joins what history and state know; what is in both has ended between the two looks. Oldest first.
void add_active(std::vector<process::ElementRecord>& ended, std::vector<process::ElementRecord> active);
// A page of active and ended instances; of the ended ones nothing is known below `looked_down_to` (0: all is known).
process::InstancePage page_of(std::vector<process::InstanceView> views, process::Key looked_down_to, std::size_t limit);

}  // namespace consilium::bpmn
