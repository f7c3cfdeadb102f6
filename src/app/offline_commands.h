// Commands on a data folder that no server uses; `verify` asks the server when one runs. Each gives the exit code.
#pragma once

#include <string>

#include "app/operator_commands.h"

namespace consilium::app {

// Prints what is wrong with the stored data, a finding a line; exit 1 when there is something.
int verify(const Operator& me);
int restore(const Operator& me, const std::string& file);

}  // namespace consilium::app
