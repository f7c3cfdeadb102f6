// Refuses contracts that break our rules. What the C++ compiler or a caller would find late is found here, at its line.
#pragma once

#include <string>
#include <vector>

#include "model.h"

namespace consilium::generator {

// `consilium/users/v1/users.proto:12: reason`, in the order of the files; empty: the contract is good.
std::vector<std::string> check(const Contract& contract);

}  // namespace consilium::generator
