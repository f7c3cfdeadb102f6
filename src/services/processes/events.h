// Which events start processes and which become messages to running ones. The engine takes the event's id (or the id of
// what the event is about) as idempotency key, so that a repeated event changes nothing.
#pragma once

#include <vector>

#include "ports/bus/bus.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::processes {

// What a new case is told of the times in it.
struct CaseSettings {
  // When a waiting client is told so, counted from the request, in rising order.
  std::vector<Duration> notices{seconds(30), minutes(1), minutes(2), minutes(4), minutes(8)};
  Duration feedback_window = hours(24);
};

std::vector<bus::Consumer> consumers(process::ProcessEngine& engine, CaseSettings settings = {});

}  // namespace consilium::processes
