// What the service does when something happens to people: who is locked or deleted has no session any more.
#pragma once

#include <vector>

#include "ports/bus/bus.h"

namespace consilium::sessions {

std::vector<bus::Consumer> consumers();

}  // namespace consilium::sessions
