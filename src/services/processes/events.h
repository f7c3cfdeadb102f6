// Which events start processes and which become messages to running ones. The engine takes the event's id (or the id of
// what the event is about) as idempotency key, so that a repeated event changes nothing.
#pragma once

#include <vector>

#include "ports/bus/bus.h"
#include "ports/process_engine/process_engine.h"

namespace consilium::processes {

std::vector<bus::Consumer> consumers(process::ProcessEngine& engine);

}  // namespace consilium::processes
