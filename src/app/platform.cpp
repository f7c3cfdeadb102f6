#include "app/platform.h"

#include <array>
#include <optional>
#include <stdexcept>

#include "app/consumer_groups.h"
#include "app/unreachable_channel.h"
#include "consilium/chat/v1/chat_local.h"
#include "consilium/chat/v1/chat_routes.h"
#include "consilium/chat/v1/chat_rpc.h"
#include "consilium/documents.h"
#include "consilium/events/v1/dead_letters_local.h"
#include "consilium/events/v1/dead_letters_routes.h"
#include "consilium/events/v1/dead_letters_rpc.h"
#include "consilium/events/v1/events_local.h"
#include "consilium/events/v1/events_rpc.h"
#include "consilium/processes/v1/processes_local.h"
#include "consilium/processes/v1/processes_routes.h"
#include "consilium/processes/v1/processes_rpc.h"
#include "consilium/sessions/v1/sessions_local.h"
#include "consilium/sessions/v1/sessions_routes.h"
#include "consilium/sessions/v1/sessions_rpc.h"
#include "consilium/tasks/v1/tasks_local.h"
#include "consilium/tasks/v1/tasks_routes.h"
#include "consilium/tasks/v1/tasks_rpc.h"
#include "consilium/users/v1/users_local.h"
#include "consilium/users/v1/users_routes.h"
#include "consilium/users/v1/users_rpc.h"
#include "embedded/locales.h"
#include "embedded/process_models.h"
#include "embedded/task_types.h"
#include "embedded/web_pages.h"
#include "gateway/openid.h"
#include "ports/bus/local/away_groups.h"
#include "ports/bus/local/outbox_source.h"
#include "ports/bus/local/recent_events.h"
#include "ports/bus/remote/dead_letters.h"
#include "ports/bus/remote/outbox_server.h"
#include "ports/bus/remote/remote_source.h"
#include "runtime/rounds.h"
#include "services/chat/events.h"
#include "services/chat/migrations.h"
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
constexpr std::array<std::string_view, 5> kServices{"users", "sessions", "chat", "tasks", "processes"};

template <class T>
void append(std::vector<T>& all, std::vector<T> more) {
  for (T& one : more) all.push_back(std::move(one));
}

// `en.json` → `en`.
std::string_view stem(std::string_view path) { return path.substr(0, path.find('.')); }

}  // namespace

// In the order in which they need each other. What does not run here is empty, but for the doors.
struct Platform::Parts {
  Parts(PlatformPorts& given, const PlatformSettings& chosen, const MessageCatalogue& catalogue, std::unique_ptr<sessions::KeyRing> ring)
      : ports(given),
        settings(chosen),
        remote(ports.main, ports.random, runtime::Logger(ports.log, "platform", "events")),
        outbox(ports.store),
        recent(ports.main, ports.store, outbox),
        events(recent, remote),
        away(ports.store),
        keys(std::move(ring)),
        bus(ports.main, ports.random, ports.store, events, settings.bus, runtime::Logger(ports.log, "platform", "bus")),
        stopping(ports.main),
        sweep_ended(ports.main) {
    for (const auto& [name, channel] : ports.elsewhere) remote_events.emplace(name, std::make_unique<events::v1::RemoteEvents>(*channel));
    for (const auto& [name, door] : remote_events) remote.add(name, *door);
    if (runs("users")) users_service.emplace(ports.store.service("users"), settings.users);
    users = door_to<users::v1::Users, users::v1::LocalUsers, users::v1::RemoteUsers>("users", users_service);
    sessions = make_sessions();
    if (runs("chat")) chat_service.emplace(ports.store.service("chat"), catalogue, ports.action_key, settings.chat);
    chat = door_to<chat::v1::Chat, chat::v1::LocalChat, chat::v1::RemoteChat>("chat", chat_service);
    tasks = make_tasks();
    processes = make_processes();
    make_dead_letters();
    if (runs("gateway")) make_gateway(catalogue);
    make_bus();
  }

  bool runs(std::string_view part) const { return settings.run.contains(part); }

  // The door to a service: checks and calls what runs here, or asks the process where it runs.
  template <class Contract, class Local, class Remote, class Service>
  std::unique_ptr<Contract> door_to(std::string_view name, std::optional<Service>& here) {
    if (here) return std::make_unique<Local>(*here, ports.observer);
    const auto elsewhere = ports.elsewhere.find(name);
    net::RpcChannel& channel = elsewhere == ports.elsewhere.end() ? nowhere : *elsewhere->second;
    return std::make_unique<Remote>(channel);
  }

  std::unique_ptr<sessions::v1::Sessions> make_sessions() {
    if (runs("sessions")) {
      hasher.emplace(ports.pool, settings.sessions.password);
      sessions_service.emplace(ports.store.service("sessions"), *users, *hasher, *keys, users::permissions_of, settings.sessions);
    }
    return door_to<sessions::v1::Sessions, sessions::v1::LocalSessions, sessions::v1::RemoteSessions>("sessions", sessions_service);
  }

  std::unique_ptr<tasks::v1::Tasks> make_tasks() {
    if (runs("tasks")) {
      tasks_service.emplace(ports.store.service("tasks"), *users, settings.tasks, runtime::Logger(ports.log, "tasks", "service"));
      assignment.emplace(ports.main, ports.random, *tasks_service, *chat, settings.tasks,
                         runtime::Logger(ports.log, "tasks", "assignment"));
      tasks_service->on_queue_change([this] { assignment->wake(); });
    }
    return door_to<tasks::v1::Tasks, tasks::v1::LocalTasks, tasks::v1::RemoteTasks>("tasks", tasks_service);
  }

  std::unique_ptr<processes::v1::Processes> make_processes() {
    if (runs("processes")) {
      engine.emplace(ports.store.service("processes"), ports.engine, ports.random, engine_options(ports, settings.engine));
      engine_gateway.emplace(*engine, settings.engine.partition);
      processes_service.emplace(ports.store.service("processes"), *engine);
      jobs.emplace(*users, *sessions, *chat, *tasks, settings.chat.read_after_release, runtime::Logger(ports.log, "processes", "jobs"));
      std::vector<process::Worker> workers = processes::user_creation_workers(*jobs);
      append(workers, processes::client_request_workers(*jobs));
      for (process::Worker& worker : workers) {
        worker.lock = settings.job_deadline;
        engine->add_worker(std::move(worker));
      }
    }
    return door_to<processes::v1::Processes, processes::v1::LocalProcesses, processes::v1::RemoteProcesses>("processes", processes_service);
  }

  static bpmn::LocalProcessEngineOptions engine_options(PlatformPorts& ports, bpmn::LocalProcessEngineOptions options) {
    options.retries_for_none = bpmn::model::kDefaultRetries;
    options.early_messages = bpmn::engine::EarlyMessages::kByAge;
    options.handler_loop = &ports.main;
    return options;
  }

  // The edge asks all processes; any other tells of its own groups alone.
  void make_dead_letters() {
    std::set<std::string, std::less<>> here;
    bus::DividedDeadLetters::Doors doors;
    for (const std::string_view service : kServices) {
      if (runs(service)) here.emplace(service);
    }
    own_dead_letters.emplace(bus, here);
    for (const std::string& service : here) doors.emplace(service, &*own_dead_letters);
    if (runs("gateway")) {
      for (const auto& [name, channel] : ports.elsewhere) {
        remote_dead_letters.push_back(std::make_unique<events::v1::RemoteDeadLetters>(*channel));
        doors.emplace(name, remote_dead_letters.back().get());
      }
    }
    offered_dead_letters = std::make_unique<events::v1::LocalDeadLetters>(*own_dead_letters, ports.observer);
    divided_dead_letters.emplace(std::move(doors));
    dead_letters = std::make_unique<events::v1::LocalDeadLetters>(*divided_dead_letters, ports.observer);
  }

  void make_gateway(const MessageCatalogue& catalogue) {
    refusals.emplace(ports.main, ports.random, *sessions, runtime::Logger(ports.log, "gateway", "refusals"));
    hub.emplace(ports.main, ports.random, *chat, *sessions, settings.gateway, runtime::Logger(ports.log, "gateway", "hub"));
    edge.emplace(gateway_parts(catalogue), settings.gateway);
  }

  gateway::GatewayParts gateway_parts(const MessageCatalogue& catalogue) {
    std::vector<net::Route> routes;
    append(routes, users::v1::routes(*users));
    append(routes, sessions::v1::routes(*sessions));
    append(routes, chat::v1::routes(*chat));
    append(routes, tasks::v1::routes(*tasks));
    append(routes, processes::v1::routes(*processes));
    append(routes, events::v1::routes(*dead_letters));
    std::map<std::string, std::string, std::less<>> documents;
    documents["/api/v1/openapi.json"] = openapi_document();
    documents["/api/v1/asyncapi.json"] = asyncapi_document();
    return {std::move(routes),
            *sessions,
            *hub,
            catalogue,
            {"en", "ru"},
            embedded::web_pages(),
            std::move(documents),
            gateway::openid_mounts({*sessions, *refusals, catalogue, settings.gateway}),
            ports.random,
            *refusals,
            runtime::Logger(ports.log, "gateway", "http"),
            ports.observe_request};
  }

  void make_bus() {
    std::vector<bus::Consumer> consumers;
    if (sessions_service) append(consumers, sessions::consumers());
    if (chat_service) append(consumers, chat::consumers(*chat_service, *users));
    if (tasks_service)
      append(consumers, tasks::consumers({ports.store.service("tasks"), *tasks_service, *users, *chat, [this] { assignment->wake(); },
                                          ports.queue_observer}));
    if (engine) append(consumers, processes::consumers(*engine, settings.cases));
    const std::size_t own = consumers.size();
    for (bus::Consumer& consumer : consumers) {
      require_listed(consumer);
      consumer.retry = settings.retry;
      bus.add(std::move(consumer));
    }
    std::vector<std::string> producers;
    for (const std::string_view service : kServices) {
      if (runs(service)) producers.emplace_back(service);
    }
    for (const std::string& service : producers) bus.own(service);
    const bool all_here = producers.size() == kServices.size();
    if (all_here && own != kConsumerGroups.size()) throw std::logic_error("consumer_groups.h knows a group that is none");
    for (const ConsumerGroup& one : kConsumerGroups) {
      if (runs(one.producer) && !runs(one.service)) away.expect(std::string(one.producer), std::string(one.group));
    }
    if (!all_here) bus.respect(away);
    // Also where all services run: a gateway in a process of its own asks by them whether their stores can be read.
    outboxes.emplace(outbox, std::move(producers), [this](std::string producer, std::string group, std::int64_t position) {
      away.passed(std::move(producer), std::move(group), position);
    });
    offered_events = std::make_unique<events::v1::LocalEvents>(*outboxes, ports.observer);
  }

  static void require_listed(const bus::Consumer& consumer) {
    for (const ConsumerGroup& one : kConsumerGroups) {
      if (one.service == consumer.service && one.group == consumer.group && one.producer == consumer.producer) return;
    }
    throw std::logic_error("consumer_groups.h does not know the group " + consumer.group);
  }

  PlatformPorts& ports;
  const PlatformSettings& settings;
  UnreachableChannel nowhere;
  std::map<std::string, std::unique_ptr<events::v1::RemoteEvents>, std::less<>> remote_events;
  bus::RemoteSource remote;
  bus::OutboxSource outbox;
  bus::RecentEvents recent;
  bus::DividedSource events;
  bus::AwayGroups away;
  std::unique_ptr<sessions::KeyRing> keys;
  std::optional<sessions::PasswordHasher> hasher;
  std::optional<users::UsersService> users_service;
  std::unique_ptr<users::v1::Users> users;
  std::optional<sessions::SessionsService> sessions_service;
  std::unique_ptr<sessions::v1::Sessions> sessions;
  std::optional<chat::ChatService> chat_service;
  std::unique_ptr<chat::v1::Chat> chat;
  std::optional<tasks::TaskService> tasks_service;
  std::unique_ptr<tasks::v1::Tasks> tasks;
  std::optional<bpmn::LocalProcessEngine> engine;
  std::optional<bpmn::Gateway> engine_gateway;
  std::optional<processes::ProcessService> processes_service;
  std::unique_ptr<processes::v1::Processes> processes;
  std::optional<tasks::AssignmentLoop> assignment;
  std::optional<bus::OutboxServer> outboxes;
  std::unique_ptr<events::v1::Events> offered_events;
  bus::LocalBus bus;
  std::optional<bus::DeadLetterServer> own_dead_letters;
  std::unique_ptr<events::v1::DeadLetters> offered_dead_letters;
  std::vector<std::unique_ptr<events::v1::RemoteDeadLetters>> remote_dead_letters;
  std::optional<bus::DividedDeadLetters> divided_dead_letters;
  std::unique_ptr<events::v1::DeadLetters> dead_letters;
  std::optional<processes::JobDependencies> jobs;
  std::optional<gateway::Refusals> refusals;
  std::optional<gateway::Hub> hub;
  std::optional<gateway::Gateway> edge;
  runtime::Gate stopping;
  runtime::Gate sweep_ended;
};

Platform::Platform(PlatformPorts ports, PlatformSettings settings) : ports_(std::move(ports)), settings_(std::move(settings)) {}

Platform::~Platform() = default;

Result<void> Platform::prepare(Timestamp now) {
  for (const EmbeddedFile& file : embedded::locales()) TRY(catalogue_.add(stem(file.path), file.content));
  TRY(ports_.store.migrate(bus::AwayGroups::kService, bus::AwayGroups::migrations()));
  if (runs("users")) TRY(ports_.store.migrate("users", users::migrations()));
  if (runs("sessions")) TRY(ports_.store.migrate("sessions", sessions::migrations()));
  if (runs("chat")) TRY(ports_.store.migrate("chat", chat::migrations()));
  if (runs("tasks")) TRY(ports_.store.migrate("tasks", tasks::migrations()));
  if (runs("processes")) {
    auto engine_tables = processes::bus_migrations();
    append(engine_tables, bpmn::LocalProcessEngine::migrations(static_cast<int>(engine_tables.size()) + 1));
    engine_tables.push_back(database::AuditTable::migration("processes", static_cast<int>(engine_tables.size()) + 1));
    engine_tables.push_back(database::IdempotencyTable::migration("processes", static_cast<int>(engine_tables.size()) + 1));
    TRY(ports_.store.migrate("processes", std::move(engine_tables)));
  }
  std::unique_ptr<sessions::KeyRing> keys;
  if (runs("sessions")) {
    ASSIGN_OR_RETURN(keys, sessions::KeyRing::open(ports_.keys, settings_.sessions.keys, ports_.random, now));
  }
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
  // What people have deployed over a shipped model stays, until the shipped one changes.
  auto deployed = co_await parts_->engine->deploy_once(context, std::move(resources));
  if (!deployed) co_return fail(std::move(deployed).error());
  co_return Result<void>();
}

Task<void> Platform::sweep_sessions(Platform* platform) {
  const runtime::Logger log(platform->ports_.log, "sessions", "sweep");
  runtime::Rounds sweeps("sessions.sweep", log);
  runtime::Rounds rotations("sessions.keys", log);
  const auto sweep = [platform] { return sweep_sessions_once(platform); };
  const auto rotate = [platform] { return rotate_keys(platform); };
  while (!platform->parts_->stopping.is_open()) {
    co_await platform->parts_->stopping.wait_for(kSessionSweep);
    if (platform->parts_->stopping.is_open()) break;
    co_await sweeps.run(sweep);
    co_await rotations.run(rotate);
  }
  platform->parts_->sweep_ended.open();
}

Task<Result<void>> Platform::sweep_sessions_once(Platform* platform) {
  runtime::Context context = platform->service_context();
  auto swept = co_await platform->parts_->sessions_service->sweep(context);
  if (!swept) co_return fail(std::move(swept).error());
  co_return Result<void>();
}

// Keys are files: a new one is made outside the loop, and only when the newest is old enough.
Task<Result<void>> Platform::rotate_keys(Platform* platform) {
  runtime::Context context = platform->service_context();
  const Timestamp now = context.now();
  const auto work = [platform, now] { return platform->parts_->keys->rotate(platform->ports_.random, now); };
  auto rotated = co_await platform->ports_.pool.run(context, work);
  if (!rotated) co_return fail(std::move(rotated).error());
  co_return Result<void>();
}

// Workers last: a job meets everything that it needs (PS-1). Nothing here waits for another process: they may start in any
// order.
Task<Result<void>> Platform::start() {
  runtime::Context context = service_context();
  if (parts_->tasks_service) CO_TRY(co_await parts_->tasks_service->load_models(context, embedded::task_types()));
  if (parts_->engine) {
    CO_TRY(co_await parts_->engine->open(context));
    CO_TRY(co_await deploy(context));
  }
  if (parts_->chat_service) parts_->chat_service->start(ports_.main, ports_.random, runtime::Logger(ports_.log, "chat", "sweep"));
  if (parts_->sessions_service) ports_.main.spawn("sessions.sweep", sweep_sessions(this));
  if (parts_->assignment) parts_->assignment->start();
  if (parts_->refusals) parts_->refusals->start();
  if (parts_->hub) parts_->hub->start();
  parts_->bus.start();
  parts_->remote.start();
  if (parts_->engine) parts_->engine->open_workers();
  co_return Result<void>();
}

void Platform::drain() {
  if (parts_->outboxes) parts_->outboxes->stop();
  // A hub of our own reads on: it ends by itself.
  if (parts_->chat_service && !parts_->hub) parts_->chat_service->end_feeds();
}

Task<void> Platform::stop() {
  drain();
  parts_->stopping.open();
  if (parts_->engine) co_await parts_->engine->close_workers();
  co_await ports_.main.enter();  // the engine ends on its own loop
  co_await parts_->remote.stop();
  co_await parts_->bus.stop();
  if (parts_->hub) co_await parts_->hub->stop();
  if (parts_->refusals) co_await parts_->refusals->stop();
  if (parts_->assignment) co_await parts_->assignment->stop();
  if (parts_->chat_service) co_await parts_->chat_service->stop();
  if (parts_->sessions_service) co_await parts_->sweep_ended.wait();
  if (parts_->engine) co_await parts_->engine->close();
  co_await ports_.main.enter();
}

std::vector<net::RpcMethod> Platform::rpc_methods() {
  std::vector<net::RpcMethod> methods;
  if (runs("users")) append(methods, users::v1::rpc_methods(*parts_->users));
  if (runs("sessions")) append(methods, sessions::v1::rpc_methods(*parts_->sessions));
  if (runs("chat")) append(methods, chat::v1::rpc_methods(*parts_->chat));
  if (runs("tasks")) append(methods, tasks::v1::rpc_methods(*parts_->tasks));
  if (runs("processes")) append(methods, processes::v1::rpc_methods(*parts_->processes));
  if (parts_->offered_events) append(methods, events::v1::rpc_methods(*parts_->offered_events));
  append(methods, events::v1::rpc_methods(*parts_->offered_dead_letters));
  return methods;
}

Task<Result<void>> Platform::reach(runtime::Context& context, std::string service) {
  CO_ASSIGN_OR_RETURN([[maybe_unused]] const std::int64_t newest, co_await parts_->remote.newest(context, std::move(service)));
  co_return Result<void>();
}

std::string Platform::subscriptions() const { return parts_->bus.reference(); }

Task<PlatformFigures> Platform::figures(runtime::Context& context) {
  PlatformFigures all;
  auto groups = co_await parts_->bus.figures(context);
  if (groups) all.groups = std::move(*groups);
  if (parts_->tasks_service) {
    const auto queue = co_await parts_->tasks_service->queue_figures(context);
    if (queue) all.queue = *queue;
  }
  if (parts_->users_service) all.caches.emplace("users", parts_->users_service->cache_figures());
  if (parts_->sessions_service) {
    auto counts = co_await parts_->sessions_service->figures(context);
    if (counts) all.sessions = std::move(*counts);
    all.caches.emplace("sessions", parts_->sessions_service->cache_figures());
    all.caches.emplace("verified-tokens", parts_->sessions_service->token_figures());
  }
  if (parts_->engine) {
    auto engine = co_await parts_->engine->figures(context);
    if (engine) all.engine = std::move(*engine);
  }
  if (parts_->chat_service) all.posts = parts_->chat_service->posts();
  if (parts_->hub) all.hub = parts_->hub->figures();
  all.database = ports_.store.statistics();
  co_return all;
}

users::v1::Users& Platform::users() { return *parts_->users; }
sessions::v1::Sessions& Platform::sessions() { return *parts_->sessions; }
chat::v1::Chat& Platform::chat() { return *parts_->chat; }
tasks::v1::Tasks& Platform::tasks() { return *parts_->tasks; }
processes::v1::Processes& Platform::processes() { return *parts_->processes; }
events::v1::DeadLetters& Platform::dead_letters() { return *parts_->dead_letters; }
net::HttpApplication& Platform::edge() { return parts_->edge.value(); }
gateway::Hub& Platform::hub() { return parts_->hub.value(); }
process::ProcessEngine& Platform::engine() { return parts_->engine.value(); }
bpmn::Gateway& Platform::engine_gateway() { return parts_->engine_gateway.value(); }

}  // namespace consilium::app
