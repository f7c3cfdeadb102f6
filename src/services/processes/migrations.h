// The tables of the processes service: those of the bus, then those of the engine, which are the engine's own business.
#pragma once

#include <vector>

#include "ports/database/database.h"

namespace consilium::processes {

std::vector<database::Migration> bus_migrations();

}  // namespace consilium::processes
