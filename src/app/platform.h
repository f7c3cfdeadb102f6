// The platform put together on given ports: all services in one process, or those that this one runs, with the doors to the
// others. The real server (serve.cpp) gives it threads, a disk and sockets; the simulation gives it virtual time. Nothing here
// knows which, and no service knows where another one runs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/message_catalogue.h"
#include "bpmn/gateway/gateway.h"
#include "bpmn/local_process_engine.h"
#include "consilium/chat/v1/chat_service.h"
#include "consilium/events/v1/dead_letters_service.h"
#include "consilium/processes/v1/processes_service.h"
#include "consilium/sessions/v1/sessions_service.h"
#include "consilium/tasks/v1/tasks_service.h"
#include "consilium/users/v1/users_service.h"
#include "gateway/gateway.h"
#include "net/rpc.h"
#include "ports/bus/local/local_bus.h"
#include "ports/database/store.h"
#include "runtime/blocking_pool.h"
#include "runtime/observed_call.h"
#include "services/chat/service.h"
#include "services/processes/events.h"
#include "services/processes/jobs.h"
#include "services/processes/service.h"
#include "services/sessions/service.h"
#include "services/tasks/assignment_loop.h"
#include "services/users/service.h"

namespace consilium::app {

// What happens in the parts that run here; what cannot be read just now is missing.
struct PlatformFigures {
  std::vector<bus::GroupFigures> groups;
  std::optional<tasks::QueueFigures> queue;
  std::optional<bpmn::EngineFigures> engine;
  std::optional<std::uint64_t> posts;
  std::optional<gateway::HubFigures> hub;
  std::optional<database::Statistics> database;
  std::optional<sessions::SessionCounts> sessions;
  std::map<std::string, CacheFigures> caches;  // by name
};

struct PlatformSettings {
  users::Settings users;
  sessions::Settings sessions;
  chat::Settings chat;
  tasks::Settings tasks;
  gateway::Settings gateway;
  bus::LocalBusOptions bus;
  bus::RetryPolicy retry;  // of every consumer group
  // Where clients of the gateway may be workers, a model may name any type of job.
  bpmn::LocalProcessEngineOptions engine{.job_types = bpmn::LocalProcessEngineOptions::JobTypes::kOfWorkers};
  Duration job_deadline = seconds(60);
  processes::CaseSettings cases;
  // What this process runs, by the names of runtime/config_services.h.
  std::set<std::string, std::less<>> run{"users", "sessions", "chat", "tasks", "processes", "gateway"};
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
  tasks::QueueObserver& queue_observer;
  // Services that run in other processes; each has its events there too.
  std::map<std::string, std::shared_ptr<net::RpcChannel>, std::less<>> elsewhere;
};

class Platform {
 public:
  Platform(PlatformPorts ports, PlatformSettings settings);
  ~Platform();

  // Schema, signing keys, texts: blocking, before any loop runs. Errors name what is broken.
  Result<void> prepare(Timestamp now);
  // In this order: engine, models, daemons, bus, hub; workers last. On the main loop.
  Task<Result<void>> start();
  // Calls of other processes that wait for news are ended; their calls come on until the server of `rpc_methods` stops.
  void drain();
  // The reverse of `start`: no new work, then what runs ends.
  Task<void> stop();

  // After `prepare`. A service that runs nowhere we know of answers `services.no-address` (kUnavailable).
  bool runs(std::string_view part) const { return settings_.run.contains(part); }
  std::vector<net::RpcMethod> rpc_methods();  // of the services that run here
  // Fails when the process that runs this service of `elsewhere` does not answer, or cannot read its store.
  Task<Result<void>> reach(runtime::Context& context, std::string service);
  // Which consumer group reads which topic: lines of a table.
  std::string subscriptions() const;
  // On the main loop.
  Task<PlatformFigures> figures(runtime::Context& context);
  users::v1::Users& users();
  sessions::v1::Sessions& sessions();
  chat::v1::Chat& chat();
  tasks::v1::Tasks& tasks();
  processes::v1::Processes& processes();
  // With the edge: of all services; without it: of those that run here.
  events::v1::DeadLetters& dead_letters();
  // Only where they run; asked for elsewhere they are a bug and throw.
  net::HttpApplication& edge();
  gateway::Hub& hub();
  process::ProcessEngine& engine();
  bpmn::Gateway& engine_gateway();

 private:
  struct Parts;
  Task<Result<void>> deploy(runtime::Context& context);
  static Task<void> sweep_sessions(Platform* platform);
  static Task<Result<void>> sweep_sessions_once(Platform* platform);
  static Task<Result<void>> rotate_keys(Platform* platform);
  runtime::Context service_context() const;

  PlatformPorts ports_;
  PlatformSettings settings_;
  MessageCatalogue catalogue_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace consilium::app
