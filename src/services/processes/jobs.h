// The job workers of the shipped processes (processes/README.md is their contract). Each worker is safe to repeat: what it
// calls takes the job's or the task's key, so that a job handed out twice has one effect.
#pragma once

#include <vector>

#include "consilium/chat/v1/chat_service.h"
#include "consilium/sessions/v1/sessions_service.h"
#include "consilium/tasks/v1/tasks_service.h"
#include "consilium/users/v1/users_service.h"
#include "ports/process_engine/process_engine.h"
#include "runtime/log.h"

namespace consilium::processes {

struct JobDependencies {
  users::v1::Users& users;
  sessions::v1::Sessions& sessions;
  chat::v1::Chat& chat;
  tasks::v1::Tasks& tasks;
  // How long a consultant may still read a conversation after their task ended.
  Duration read_after_task = hours(24);
  runtime::Logger log;
};

// `dependencies` outlive the engine's workers.
std::vector<process::Worker> user_creation_workers(const JobDependencies& dependencies);
std::vector<process::Worker> client_request_workers(const JobDependencies& dependencies);

}  // namespace consilium::processes
