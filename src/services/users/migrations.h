// The schema of the service's tables.
#pragma once

#include <vector>

#include "ports/database/database.h"

namespace consilium::users {

std::vector<database::Migration> migrations();

}  // namespace consilium::users
