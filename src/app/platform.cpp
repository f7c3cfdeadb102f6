#include "app/platform.h"

#include "consilium/chat/v1/chat_routes.h"
#include "consilium/documents.h"
#include "consilium/processes/v1/processes_routes.h"
#include "consilium/sessions/v1/sessions_routes.h"
#include "consilium/tasks/v1/tasks_routes.h"
#include "consilium/users/v1/users_routes.h"
#include "embedded/locales.h"
#include "embedded/process_models.h"
#include "embedded/task_types.h"
#include "embedded/web_pages.h"
#include "services/chat/events.h"
#include "services/chat/migrations.h"
#include "services/processes/events.h"
#include "services/processes/migrations.h"
#include "services/sessions/events.h"
#include "services/sessions/migrations.h"
#include "services/tasks/events.h"
#include "services/tasks/migrations.h"
#include "services/users/migrations.h"
#include "services/users/roles.h"

namespace consilium::app {
namespace {

constexpr Duration kSessionSweep = minutes(1);

template <class T>
void append(std::vector<T>& all, std::vector<T> more) {
  for (T& one : more) all.push_back(std::move(one));
}

// `en.json` → `en`.
std::string_view stem(std::string_view path) { return path.substr(0, path.find('.')); }

}  // namespace

// In the order in which they need each other.
struct Platform::Parts {
  Parts(PlatformPorts& ports, const PlatformSettings& settings, const MessageCatalogue& catalogue, std::unique_ptr<sessions::KeyRing> ring)
      : keys(std::move(ring)),
        hasher(ports.pool, settings.sessions.password),
        users_service(ports.store.service("users"), settings.users),
        users(users_service, ports.observer),
        sessions_service(ports.store.service("sessions"), users, hasher, *keys, users::permissions_of, settings.sessions),
        sessions(sessions_service, ports.observer),
        chat_service(ports.store.service("chat"), catalogue, ports.action_key, settings.chat),
        chat(chat_service, ports.observer),
        tasks_service(ports.store.service("tasks"), users, settings.tasks),
        tasks(tasks_service, ports.observer),
        engine(ports.store.service("processes"), ports.engine, ports.random, engine_options(ports)),
        processes_service(engine),
        processes(processes_service, ports.observer),
        assignment(ports.main, ports.random, tasks_service, chat, settings.tasks),
        outbox(ports.store),
        bus(ports.main, ports.random, ports.store, outbox, settings.bus),
        jobs{users, sessions, chat, tasks, settings.chat.read_after_release},
        hub(ports.main, ports.random, chat, sessions, settings.gateway, runtime::Logger(ports.log, "gateway", "hub")),
        edge(gateway_parts(ports, catalogue), settings.gateway),
        stopping(ports.main),
        sweep_ended(ports.main) {
    tasks_service.on_queue_change([this] { assignment.wake(); });
    for (const std::string_view service : {"users", "sessions", "chat", "tasks", "processes"}) bus.own(std::string(service));
    std::vector<bus::Consumer> consumers;
    append(consumers, sessions::consumers());
    append(consumers, chat::consumers(chat_service, users));
    append(consumers, tasks::consumers({ports.store.service("tasks"), tasks_service, users, chat, [this] { assignment.wake(); }}));
    append(consumers, processes::consumers(engine));
    for (bus::Consumer& consumer : consumers) bus.add(std::move(consumer));
    for (process::Worker& worker : processes::user_creation_workers(jobs)) engine.add_worker(std::move(worker));
    for (process::Worker& worker : processes::client_request_workers(jobs)) engine.add_worker(std::move(worker));
  }

  static bpmn::LocalProcessEngineOptions engine_options(PlatformPorts& ports) {
    bpmn::LocalProcessEngineOptions options;
    options.job_types = bpmn::LocalProcessEngineOptions::JobTypes::kOfWorkers;
    options.handler_loop = &ports.main;
    return options;
  }

  gateway::GatewayParts gateway_parts(PlatformPorts& ports, const MessageCatalogue& catalogue) {
    std::vector<net::Route> routes;
    append(routes, users::v1::routes(users));
    append(routes, sessions::v1::routes(sessions));
    append(routes, chat::v1::routes(chat));
    append(routes, tasks::v1::routes(tasks));
    append(routes, processes::v1::routes(processes));
    std::map<std::string, std::string, std::less<>> documents;
    documents["/api/v1/openapi.json"] = openapi_document();
    documents["/api/v1/asyncapi.json"] = asyncapi_document();
    return {std::move(routes),
            sessions,
            hub,
            catalogue,
            {"en", "ru"},
            embedded::web_pages(),
            std::move(documents),
            {},
            ports.random,
            runtime::Logger(ports.log, "gateway", "http"),
            ports.observe_request};
  }

  std::unique_ptr<sessions::KeyRing> keys;
  sessions::PasswordHasher hasher;
  users::UsersService users_service;
  users::v1::LocalUsers users;
  sessions::SessionsService sessions_service;
  sessions::v1::LocalSessions sessions;
  chat::ChatService chat_service;
  chat::v1::LocalChat chat;
  tasks::TaskService tasks_service;
  tasks::v1::LocalTasks tasks;
  bpmn::LocalProcessEngine engine;
  processes::ProcessService processes_service;
  processes::v1::LocalProcesses processes;
  tasks::AssignmentLoop assignment;
  bus::OutboxSource outbox;
  bus::LocalBus bus;
  processes::JobDependencies jobs;
  gateway::Hub hub;
  gateway::Gateway edge;
  runtime::Gate stopping;
  runtime::Gate sweep_ended;
};

Platform::Platform(PlatformPorts ports, PlatformSettings settings) : ports_(std::move(ports)), settings_(std::move(settings)) {}

Platform::~Platform() = default;

Result<void> Platform::prepare(Timestamp now) {
  for (const EmbeddedFile& file : embedded::locales()) TRY(catalogue_.add(stem(file.path), file.content));
  TRY(ports_.store.migrate("users", users::migrations()));
  TRY(ports_.store.migrate("sessions", sessions::migrations()));
  TRY(ports_.store.migrate("chat", chat::migrations()));
  TRY(ports_.store.migrate("tasks", tasks::migrations()));
  auto engine_tables = processes::bus_migrations();
  append(engine_tables, bpmn::LocalProcessEngine::migrations(static_cast<int>(engine_tables.size()) + 1));
  TRY(ports_.store.migrate("processes", std::move(engine_tables)));
  ASSIGN_OR_RETURN(auto keys, sessions::KeyRing::open(ports_.keys, settings_.sessions.keys, ports_.random, now));
  parts_ = std::make_unique<Parts>(ports_, settings_, catalogue_, std::move(keys));
  return {};
}

runtime::Context Platform::service_context() const {
  runtime::Context context(ports_.main, ports_.random);
  context.client = runtime::ClientType::kTimer;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "platform";
  return context;
}

Task<Result<void>> Platform::deploy(runtime::Context& context) {
  std::vector<process::Resource> resources;
  for (const EmbeddedFile& file : embedded::process_models()) resources.push_back({std::string(file.path), std::string(file.content)});
  auto deployed = co_await parts_->engine.deploy(context, std::move(resources));
  if (!deployed) co_return fail(std::move(deployed).error());
  co_return Result<void>();
}

Task<void> Platform::sweep_sessions(Platform* platform) {
  runtime::Logger log(platform->ports_.log, "sessions", "sweep");
  while (!platform->parts_->stopping.is_open()) {
    co_await platform->parts_->stopping.wait_for(kSessionSweep);
    if (platform->parts_->stopping.is_open()) break;
    runtime::Context context = platform->service_context();
    auto swept = co_await platform->parts_->sessions_service.sweep(context);
    if (!swept) log.warn(context, "Sweep failed", {{"error", swept.error()}});
    // Keys are files: a new one is made outside the loop, and only when the newest is old enough.
    const Timestamp now = context.now();
    auto rotated =
        co_await platform->ports_.pool.run(context, [&] { return platform->parts_->keys->rotate(platform->ports_.random, now); });
    if (!rotated) log.warn(context, "Keys not rotated", {{"error", rotated.error()}});
  }
  platform->parts_->sweep_ended.open();
}

// Workers last: a job meets everything that it needs (PS-1).
Task<Result<void>> Platform::start() {
  runtime::Context context = service_context();
  auto models = co_await parts_->tasks_service.load_models(context, embedded::task_types());
  if (!models) co_return fail(std::move(models).error());
  auto opened = co_await parts_->engine.open(context);
  if (!opened) co_return fail(std::move(opened).error());
  auto deployed = co_await deploy(context);
  if (!deployed) co_return deployed;
  parts_->chat_service.start(ports_.main, ports_.random);
  ports_.main.spawn("sessions.sweep", sweep_sessions(this));
  parts_->assignment.start();
  parts_->hub.start();
  parts_->bus.start();
  parts_->engine.open_workers();
  co_return Result<void>();
}

Task<void> Platform::stop() {
  parts_->stopping.open();
  co_await parts_->engine.close_workers();
  co_await parts_->bus.stop();
  co_await parts_->hub.stop();
  co_await parts_->assignment.stop();
  co_await parts_->sweep_ended.wait();
  co_await parts_->engine.close();
}

net::HttpApplication& Platform::edge() { return parts_->edge; }
users::v1::Users& Platform::users() { return parts_->users; }
sessions::v1::Sessions& Platform::sessions() { return parts_->sessions; }
chat::v1::Chat& Platform::chat() { return parts_->chat; }
tasks::v1::Tasks& Platform::tasks() { return parts_->tasks; }
process::ProcessEngine& Platform::engine() { return parts_->engine; }
gateway::Hub& Platform::hub() { return parts_->hub; }

}  // namespace consilium::app
