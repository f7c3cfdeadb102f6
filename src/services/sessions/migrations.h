// The schema of the service's tables.
#pragma once

#include <vector>

#include "ports/database/database.h"

namespace consilium::sessions {

std::vector<database::Migration> migrations();

}  // namespace consilium::sessions
