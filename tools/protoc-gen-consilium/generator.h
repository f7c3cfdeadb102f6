// All outputs of a contract, and how they reach the disk.
#pragma once

#include <string>
#include <vector>

#include "model.h"

namespace consilium::generator {

struct Output {
  std::string path;  // below the output folder
  std::string text;
};

// Of a contract that `check` found good.
std::vector<Output> generate(const Contract& contract);

// Of a protocol that is not ours: its messages as structs and their wire codec, nothing that our options would be needed for.
std::vector<Output> generate_foreign(const Contract& contract);

// Writes what differs from the files there and leaves the others untouched, so that a build repeats nothing without need.
// The text of the failure, or empty.
struct Folders {
  std::string outputs;
  std::string web;  // of outputs below `web/`
};
std::string write_changed(const Folders& folders, const std::vector<Output>& outputs);

}  // namespace consilium::generator
