// `consilium process …`: models of processes in files, and what runs on a server. Each gives the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/operator_commands.h"

namespace consilium::app {

// Empty members were not given.
struct ProcessFlags {
  std::vector<std::string> files;
  std::string process;
  std::string key;
  std::string state;
  std::string element;
  std::string variables = "{}";
  std::int32_t version = 0;
  int limit = 50;
  bool dry_run = false;
  bool incident = false;
  bool models = false;
  bool json = false;
};

// What is wrong with models in files, a finding a line. Without a server.
int check_processes(const ProcessFlags& flags);

int deploy_processes(const Operator& me, const ProcessFlags& flags);
// Prints the key of the new instance.
int start_process(const Operator& me, const ProcessFlags& flags);
// Instances, newest first; or models.
int list_processes(const Operator& me, const ProcessFlags& flags);
// An instance by its key, or a process by its id.
int show_process(const Operator& me, const ProcessFlags& flags);

}  // namespace consilium::app
