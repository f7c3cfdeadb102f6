// What the tasks service does on the events of users, chat and its own.
#pragma once

#include <vector>

#include "consilium/chat/v1/chat_service.h"
#include "consilium/users/v1/users_service.h"
#include "ports/bus/bus.h"
#include "services/tasks/service.h"

namespace consilium::tasks {

struct EventDependencies {
  database::Database& database;
  TaskService& tasks;
  users::v1::Users& users;
  chat::v1::Chat& chat;
  std::function<void()> wake_assignment;  // from any thread
  QueueObserver& observer;
};

std::vector<bus::Consumer> consumers(EventDependencies dependencies);

}  // namespace consilium::tasks
