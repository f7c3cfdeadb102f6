// The tables of the tasks service.
#pragma once

#include <vector>

#include "ports/database/database.h"

namespace consilium::tasks {

std::vector<database::Migration> migrations();

}  // namespace consilium::tasks
