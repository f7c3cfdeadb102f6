// What changed between a released contract and the current one so that clients, stored events or other services that
// were built against the released one would break.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "model.h"

namespace consilium::generator {

// One sentence a break, naming what it concerns; empty: the current one is compatible.
std::vector<std::string> breaking_changes(const Contract& released, const Contract& current);

// Contracts as `protoc --include_imports --descriptor_set_out` wrote them. The pool owns the descriptors.
struct ReleasedContract {
  std::unique_ptr<google::protobuf::DescriptorPool> pool;
  Contract contract;
};
// `error` tells why it could not be read; the contract is empty then.
ReleasedContract read_released(const std::string& bytes, std::string& error);

}  // namespace consilium::generator
