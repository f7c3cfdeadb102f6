// The platform put together: every service on given ports, in one process. The real server (serve.cpp) gives it threads, a
// disk and sockets; the simulation gives it virtual time. Nothing here knows which.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/message_catalogue.h"
#include "bpmn/local_process_engine.h"
#include "consilium/chat/v1/chat_local.h"
#include "consilium/processes/v1/processes_local.h"
#include "consilium/sessions/v1/sessions_local.h"
#include "consilium/tasks/v1/tasks_local.h"
#include "consilium/users/v1/users_local.h"
#include "gateway/gateway.h"
#include "ports/bus/local/local_bus.h"
#include "ports/bus/local/outbox_source.h"
#include "ports/database/store.h"
#include "runtime/blocking_pool.h"
#include "services/chat/service.h"
#include "services/processes/jobs.h"
#include "services/processes/service.h"
#include "services/sessions/service.h"
#include "services/tasks/assignment_loop.h"
#include "services/users/service.h"

namespace consilium::app {

struct PlatformSettings {
  users::Settings users;
  sessions::Settings sessions;
  chat::Settings chat;
  tasks::Settings tasks;
  gateway::Settings gateway;
  bus::LocalBusOptions bus;
};

// All outlive the platform. `main` runs the daemons, the bus and the hub; `engine` the process engine.
struct PlatformPorts {
  database::Store& store;
  runtime::Scheduler& main;
  runtime::Scheduler& engine;
  runtime::BlockingPool& pool;
  RandomSource& random;
  sessions::KeyStore& keys;
  Secret action_key;  // signs the buttons of posts
  runtime::CallObserver& observer;
  runtime::Log& log;
  std::function<void(const gateway::RequestFigures&)> observe_request;
};

class Platform {
 public:
  Platform(PlatformPorts ports, PlatformSettings settings);
  ~Platform();

  // Schema, signing keys, texts: blocking, before any loop runs. Errors name what is broken.
  Result<void> prepare(Timestamp now);
  // In this order: engine, models, daemons, bus, hub; workers last. On the main loop.
  Task<Result<void>> start();
  // The reverse: no new work, then what runs ends.
  Task<void> stop();

  // After `prepare`.
  net::HttpApplication& edge();
  users::v1::Users& users();
  sessions::v1::Sessions& sessions();
  chat::v1::Chat& chat();
  tasks::v1::Tasks& tasks();
  process::ProcessEngine& engine();
  gateway::Hub& hub();

 private:
  struct Parts;
  Task<Result<void>> deploy(runtime::Context& context);
  static Task<void> sweep_sessions(Platform* platform);
  runtime::Context service_context() const;

  PlatformPorts ports_;
  PlatformSettings settings_;
  MessageCatalogue catalogue_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace consilium::app
