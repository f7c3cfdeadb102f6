// `consilium decision …`: decision models in files, without a server. Each gives the exit code.
#pragma once

#include <string>
#include <vector>

namespace consilium::app {

struct DecisionFlags {
  std::vector<std::string> files;
  std::string decision;
  std::string variables = "{}";
  std::string folder;
  bool failures = false;
  bool json = false;
};

// What is wrong with the models, a finding a line; they may import one another.
int check_decisions(const DecisionFlags& flags);
// Prints the result as JSON; with `--json` also what was evaluated on the way.
int evaluate_decision(const DecisionFlags& flags);
// Runs the folders of test cases below a folder; the last line is `N passed, N failed`.
int run_conformance(const DecisionFlags& flags);

}  // namespace consilium::app
