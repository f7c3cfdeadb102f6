#include "app/serve.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "app/admin_edge.h"
#include "app/demo_people.h"
#include "app/health_watch.h"
#include "app/internal_edge.h"
#include "app/people.h"
#include "app/platform.h"
#include "app/platform_metrics.h"
#include "app/service_links.h"
#include "app/settings.h"
#include "app/version.h"
#include "net/grpc/foreign_server.h"
#include "net/http_server.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/call_metrics.h"
#include "runtime/config_services.h"
#include "runtime/data_folder.h"
#include "runtime/durable_file.h"
#include "runtime/health.h"
#include "runtime/lifecycle.h"
#include "runtime/log_setup.h"
#include "runtime/log_sink.h"
#include "runtime/panic.h"
#include "runtime/rounds.h"
#include "runtime/signals.h"
#include "runtime/supervisor.h"

namespace consilium::app {
namespace {

constexpr std::size_t kActionKeyBytes = 32;
constexpr std::size_t kMaxSocketPath = 107;                    // bytes; sockaddr_un of Linux
constexpr std::size_t kAdministrationQueue = 4;                // backups and checks that wait
constexpr std::size_t kAdministrationBody = 16 * 1024 * 1024;  // models of processes
constexpr Duration kServicesGrace = seconds(2);                // for calls of other processes to end
constexpr Duration kHealthPatience = seconds(5);
constexpr auto kPeoplePause = std::chrono::milliseconds(500);

int refuse(const Error& error, int code) {
  std::fprintf(stderr, "consilium: %s\n", error.describe().c_str());
  return code;
}

// Each connection is a file: the soft limit of many systems is far below what the machine allows.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Runs a task on a loop of its own thread and waits for it.
template <class Answer>
Task<void> keep_answer(Task<Answer> task, std::promise<Answer>* out) {
  Answer answer = co_await std::move(task);
  out->set_value(std::move(answer));
}
template <class Answer>
Answer wait_for(runtime::Scheduler& loop, std::string_view name, Task<Answer> task) {
  std::promise<Answer> promise;
  std::future<Answer> future = promise.get_future();
  loop.spawn(name, keep_answer(std::move(task), &promise));
  return future.get();
}
Task<bool> then_true(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

Result<Secret> action_key(const runtime::DataFolder& folder, RandomSource& random) {
  const std::string path = folder.keys() + "/action.key";
  std::string fresh(kActionKeyBytes, '\0');
  random.fill(std::as_writable_bytes(std::span(fresh)));
  TRY(runtime::make_private_folder(folder.keys()));
  ASSIGN_OR_RETURN(const bool made, runtime::create_durably(path, fresh));
  if (made) return Secret(std::move(fresh));
  ASSIGN_OR_RETURN(std::string stored, runtime::read_file(path, kActionKeyBytes));
  return Secret(std::move(stored));
}

// Not one of `consilium engine`: the platform does not read its log, which may hold steps that the database has not.
Result<runtime::DataFolder> open_folder(const runtime::Config& config) {
  if (std::filesystem::exists(std::filesystem::path(config.data.text) / runtime::kCommitLogName))
    return fail(
        ErrorKind::kConflict, "data.of-engine",
        "Expected a data folder of the platform, but " + config.data.text + " is one of `consilium engine`: give another one with --data");
  return runtime::DataFolder::open(config.data.text);
}

// One a process: with several, each line says which it is of.
Result<std::unique_ptr<runtime::Log>> open_log(const runtime::Config& config, const runtime::DataFolder& folder) {
  if (config.log.file) TRY(runtime::make_private_folder(folder.logs()));
  const bool is_divided = config.services.listen || !config.services.addresses.empty();
  return runtime::make_log(config.log, folder.logs(), is_divided ? process_name(config.services) : "");
}

Result<std::unique_ptr<database::Store>> open_store(const runtime::Config& config, const runtime::DataFolder& folder) {
  database::sqlite::Options options;
  options.path = folder.database();
  options.readers = static_cast<std::size_t>(config.database.readers);
  options.max_group = static_cast<std::size_t>(config.database.group_size);
  options.max_group_time = config.database.group_time;
  options.max_write_queue = static_cast<std::size_t>(config.database.queue);
  options.reserve_bytes = static_cast<std::uint64_t>(config.database.reserve.bytes);
  // What is stored is unknown after a failed sync: only a new start can tell.
  options.on_fatal = [](const Error& error) {
    std::fprintf(stderr, "consilium: the disk failed to keep what was written, the server ends: %s\n", error.describe().c_str());
    std::_Exit(kExitFailed);
  };
  return database::sqlite::open_threaded(std::move(options));
}

// The wish that the process should end: as something to wait for, and for work that is under way.
struct StopAsked {
  std::shared_future<void> asked;
  std::shared_ptr<runtime::Cancellation> giving_up = std::make_shared<runtime::Cancellation>();
};

// The running process: everything from the log to the sockets.
class Server {
 public:
  Server(const runtime::Config& config, runtime::DataFolder& folder, std::unique_ptr<runtime::Log> log)
      : config_(config),
        folder_(folder),
        log_(std::move(log)),
        logger_(*log_, "platform", "server"),
        main_("main"),
        engine_("engine"),
        loops_("http", config.http.threads > 0 ? static_cast<std::size_t>(config.http.threads) : runtime::available_cores()),
        pool_("hashing", static_cast<std::size_t>(config.sessions.hashing_threads),
              static_cast<std::size_t>(config.sessions.hashing_queue)),
        administration_("admin", 1, kAdministrationQueue),
        observer_(metrics_, *log_),
        platform_metrics_(metrics_, [this] { return main_.now(); }),
        health_([this] { return main_.steady_now(); }),
        lifecycle_(main_, logger_, health_),
        supervisor_(main_, random_, logger_, health_, metrics_),
        keys_(folder.keys()),
        requests_(metrics_.counter("consilium_http_requests_total", "Requests answered", {"method", "route", "status"}, 1000)),
        request_seconds_(metrics_.histogram("consilium_http_request_seconds", "Time from the head of a request to its answer",
                                            {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10}, {"route"})) {
    runtime::report_panics_to(logger_, metrics_);
    runtime::report_rounds_to(health_, metrics_);
    runtime::add_process_metrics(metrics_, std::string(kVersion), std::string(kRevision));
    runtime::add_health_metrics(metrics_, health_);
    runtime::add_log_metrics(metrics_, *log_);
  }
  ~Server() {
    runtime::forget_rounds();
    runtime::forget_panics();
  }

  // Everything but the sockets.
  Result<void> open() {
    ASSIGN_OR_RETURN(store_, open_store(config_, folder_));
    ASSIGN_OR_RETURN(Secret key, action_key(folder_, random_));
    ASSIGN_OR_RETURN(auto elsewhere, channels_to(config_.services));
    platform_ = std::make_unique<Platform>(
        PlatformPorts{*store_, main_, engine_, pool_, random_, keys_, std::move(key), observer_, *log_,
                      [this](const gateway::RequestFigures& figures) { observe(figures); }, platform_metrics_, std::move(elsewhere)},
        platform_settings(config_, public_address()));
    TRY(platform_->prepare(main_.now()));
    TRY(store_->migrate(AdminEdge::kService, AdminEdge::migrations()));
    TRY(folder_.record_version());
    main_.start();
    engine_.start();
    loops_.start();
    lifecycle_.add({.name = "platform",
                    .start = [this] { return platform_->start(); },
                    .stop = [this] { return platform_->stop(); },
                    .stop_deadline = config_.shutdown.deadline});
    return wait_for(main_, "start", lifecycle_.start());
  }

  // `asked`: somebody wants the process to end, perhaps before it is ready.
  Result<void> start(const StopAsked& asked) {
    giving_up_ = asked.giving_up;
    health_.add("people");
    if (config_.services.runs(runtime::kGatewayPart)) {
      ASSIGN_OR_RETURN(auto address, net::ReservedAddress::take(public_address()));
      address_ = std::make_shared<net::ReservedAddress>(std::move(address));
    }
    TRY(open());
    for (const auto& [service, address] : config_.services.addresses) others_.push_back(service);
    add_doors();
    TRY(wait_for(main_, "start", lifecycle_.start()));
    TRY(tell_ready());
    return make_people(asked);
  }

  // Its link when there was none.
  Result<std::optional<OneTimeLink>> first_administrator() {
    runtime::Context context = starting_context();
    return wait_for(main_, "first-administrator", make_first_administrator(*platform_, context, "en"));
  }

  // Where browsers find the pages.
  std::string base_url() const {
    if (!config_.http.public_url.empty()) return config_.http.public_url;
    return (config_.http.tls.enabled() ? "https://" : "http://") + (public_ ? public_->endpoint().text() : config_.http.listen.text());
  }

  bool has_edge() const { return platform_->runs(runtime::kGatewayPart); }

  void stop() {
    logger_.info("Stopping");
    wait_for(main_, "stop", then_true(lifecycle_.stop()));
    store_->close();
    loops_.stop();
    engine_.stop();
    main_.stop();
    loops_.join();
    engine_.join();
    main_.join();
    logger_.info("Stopped");
    log_->flush();
  }

 private:
  // From inside to outside: who looks in is told how far the start is, and the last to come are the first to go.
  void add_doors() {
    const Duration drain = config_.shutdown.drain + seconds(1);
    lifecycle_.add({.name = "internal", .start = [this] { return open_internal(); }, .stop = [this] { return close_internal(); }});
    lifecycle_.add({.name = "health", .start = [this] { return start_health(); }, .stop = [this] { return stop_health(); }});
    if (config_.services.listen)
      lifecycle_.add({.name = "services", .start = [this] { return open_services(); }, .drain = [this] { return drain_services(); }});
    if (config_.engine.listen)
      lifecycle_.add({.name = "engine", .start = [this] { return open_engine(); }, .drain = [this] { return drain_engine(); }});
    if (has_edge())
      lifecycle_.add({.name = "gateway",
                      .start = [this] { return open_public(); },
                      .drain = [this] { return close(*public_); },
                      .drain_deadline = drain});
    lifecycle_.add({.name = "administration",
                    .start = [this] { return open_administration(); },
                    .drain = [this] { return close(*admin_); },
                    .drain_deadline = drain});
  }

  // With its real port once it is taken.
  net::Endpoint public_address() const {
    return address_ ? address_->endpoint() : net::Endpoint{config_.http.listen.host, config_.http.listen.port, {}};
  }

  std::vector<runtime::Scheduler*> connection_loops() {
    std::vector<runtime::Scheduler*> loops;
    for (std::size_t i = 0; i < loops_.size(); ++i) loops.push_back(&loops_.at(i));
    return loops;
  }

  Task<Result<void>> open_internal() {
    internal_edge_ = std::make_unique<InternalEdge>(metrics_, health_, [this] { return platform_->subscriptions(); });
    CO_ASSIGN_OR_RETURN(internal_, net::HttpServer::start(internal_server_settings(config_), *internal_edge_, {&main_}, random_));
    co_return Result<void>();
  }
  Task<void> close_internal() { co_await internal_->stop(main_, seconds(1)); }

  Task<Result<void>> start_health() {
    HealthLimits limits{.folder = folder_.path(), .reserve_bytes = static_cast<std::uint64_t>(config_.database.reserve.bytes)};
    watch_ = std::make_unique<HealthWatch>(main_, random_, *platform_, *store_, health_, platform_metrics_,
                                           runtime::Logger(*log_, "platform", "health"), std::move(limits), others_);
    supervisor_.start("health", {}, [this] { return watch_->run(); });
    co_return Result<void>();
  }
  Task<void> stop_health() {
    supervisor_.stop();
    watch_->stop();
    co_await supervisor_.wait_for_end(kHealthPatience);
  }

  Task<Result<void>> open_services() {
    CO_ASSIGN_OR_RETURN(services_, offer_services(config_.services, platform_->rpc_methods(), connection_loops(), random_));
    co_return Result<void>();
  }
  // gRPC's stop blocks, and waits for all calls: those that wait for news are ended at once or after the grace.
  Task<void> drain_services() {
    platform_->drain();
    runtime::Context context = operator_context();
    const Duration grace = std::min(config_.shutdown.drain, kServicesGrace);
    const auto stop = [this, grace] { services_->stop(grace); };
    const auto stopped = co_await administration_.run(context, stop);
    if (!stopped) logger_.warn("The server of the services did not stop", {{"error", stopped.error()}});
  }

  Task<Result<void>> open_engine() {
    bpmn::Gateway& gateway = platform_->engine_gateway();
    CO_ASSIGN_OR_RETURN(engine_door_,
                        net::ForeignServer::start(engine_server_settings(config_), gateway.methods(), connection_loops(), random_));
    gateway.set_address(config_.engine.listen->host, engine_door_->port());
    co_return Result<void>();
  }
  // Blocks as well; polls and streams that wait are cut after the grace.
  Task<void> drain_engine() {
    runtime::Context context = operator_context();
    const Duration grace = std::min(config_.shutdown.drain, kServicesGrace);
    const auto stop = [this, grace] { engine_door_->stop(grace); };
    const auto stopped = co_await administration_.run(context, stop);
    if (!stopped) logger_.warn("The server of the process engine did not stop", {{"error", stopped.error()}});
  }

  Task<Result<void>> open_public() {
    net::HttpServerSettings settings = public_server_settings(config_);
    settings.reserved = address_;
    CO_ASSIGN_OR_RETURN(public_, net::HttpServer::start(std::move(settings), platform_->edge(), connection_loops(), random_));
    co_return Result<void>();
  }
  Task<void> close(net::HttpServer& server) { co_await server.stop(main_, config_.shutdown.drain); }

  Task<Result<void>> open_administration() {
    net::HttpServerSettings settings;
    settings.listen = {"", 0, folder_.admin_socket()};
    settings.max_connections = 16;
    settings.body_limit = kAdministrationBody;
    if (settings.listen.path.size() > kMaxSocketPath)
      co_return fail(ErrorKind::kUnavailable, "data.path-too-long",
                     "Expected a data folder whose admin.sock has a path of at most 107 bytes: choose a shorter one");
    admin_edge_ =
        std::make_unique<AdminEdge>(AdminParts{*platform_, *store_, folder_, administration_, *log_, random_, health_, base_url()});
    CO_ASSIGN_OR_RETURN(admin_, net::HttpServer::start(std::move(settings), *admin_edge_, {&main_}, random_));
    co_return Result<void>();
  }

  Result<void> tell_ready() {
    std::map<std::string, std::string> addresses{{"internal", internal_->endpoint().text()}};
    if (public_) addresses["http"] = public_->endpoint().text();
    if (services_)
      addresses["services"] = runtime::Address{config_.services.listen->host, static_cast<std::uint16_t>(services_->port())}.text();
    if (engine_door_)
      addresses["engine"] = runtime::Address{config_.engine.listen->host, static_cast<std::uint16_t>(engine_door_->port())}.text();
    TRY(folder_.write_addresses(addresses));
    const auto at = [&](const char* door) { return addresses.contains(door) ? addresses[door] : std::string("closed"); };
    logger_.info("Ready", {{"http", at("http")},
                           {"internal", at("internal")},
                           {"services", at("services")},
                           {"engine", at("engine")},
                           {"data", folder_.path()}});
    log_->flush();
    return {};
  }

  // Where the pages are, somebody must be able to log in. Services in other processes may come later than we do.
  Result<void> make_people(const StopAsked& asked) {
    while (has_edge()) {
      auto made = config_.demo.enabled ? tell_demo_people() : tell_first_administrator();
      if (made) break;
      if (asked.giving_up->requested()) return {};
      const bool may_come = made.error().kind == ErrorKind::kUnavailable || made.error().kind == ErrorKind::kDeadlineExceeded;
      if (others_.empty() || !may_come) return made;
      health_.report("people", runtime::Readiness::kNotReady, made.error().code);
      if (asked.asked.wait_for(kPeoplePause) == std::future_status::ready) return {};
    }
    health_.report("people", runtime::Readiness::kReady);
    return {};
  }

  Result<void> tell_first_administrator() {
    ASSIGN_OR_RETURN(const auto link, first_administrator());
    if (link)
      std::fprintf(stderr, "\n  The first administrator is %s. Set a password here, once, until %s:\n\n    %s\n\n", link->username.c_str(),
                   format_rfc3339(link->expires_at).c_str(), password_url(base_url(), link->token).c_str());
    return {};
  }

  runtime::Context operator_context() {
    runtime::Context context(main_, random_);
    context.client = runtime::ClientType::kCommandLine;
    context.request_id = context.new_id().text();
    context.caller.kind = runtime::Caller::Kind::kService;
    context.caller.service = "platform";
    return context;
  }
  runtime::Context starting_context() {
    runtime::Context context = operator_context();
    context.cancellation = giving_up_;
    return context;
  }

  // On standard error and only once: passwords stand in no log.
  Result<void> tell_demo_people() {
    runtime::Context context = starting_context();
    ASSIGN_OR_RETURN(const auto logins, wait_for(main_, "demo.people", create_demo_people(*platform_, context, config_.demo.password)));
    const std::string url = (config_.http.tls.enabled() ? "https://" : "http://") + public_->endpoint().text();
    std::fprintf(stderr, "\n  Consilium runs at %s\n\n", url.c_str());
    for (const DemoLogin& login : logins)
      std::fprintf(stderr, "    %-14s %-8s %s\n", login.role.c_str(), login.username.c_str(), login.password.reveal().c_str());
    std::fprintf(stderr, "\n  Log in as a client in one browser and as a consultant in another. Ctrl+C ends it.\n\n");
    return {};
  }

  void observe(const gateway::RequestFigures& figures) {
    requests_.with({figures.method, figures.route, std::to_string(figures.status)}).add();
    request_seconds_.with({figures.route}).observe(figures.took.seconds());
  }

  const runtime::Config& config_;
  runtime::DataFolder& folder_;
  std::unique_ptr<runtime::Log> log_;
  runtime::Logger logger_;
  SystemRandom random_;
  runtime::MetricsRegistry metrics_;
  runtime::AsioScheduler main_;
  runtime::AsioScheduler engine_;
  runtime::LoopGroup loops_;
  runtime::ThreadPool pool_;
  runtime::ThreadPool administration_;
  runtime::CallMetrics observer_;
  PlatformMetrics platform_metrics_;
  runtime::Health health_;
  runtime::Lifecycle lifecycle_;
  runtime::Supervisor supervisor_;
  sessions::FolderKeyStore keys_;
  runtime::Family<runtime::Counter>& requests_;
  runtime::Family<runtime::Histogram>& request_seconds_;
  std::unique_ptr<database::Store> store_;
  std::vector<std::string> others_;  // services in other processes
  std::unique_ptr<Platform> platform_;
  std::shared_ptr<net::ReservedAddress> address_;
  std::shared_ptr<runtime::Cancellation> giving_up_;  // the start; none: nobody can ask for it
  std::unique_ptr<InternalEdge> internal_edge_;
  std::unique_ptr<net::HttpServer> internal_;
  std::unique_ptr<HealthWatch> watch_;
  std::unique_ptr<net::GrpcServer> services_;
  std::unique_ptr<net::ForeignServer> engine_door_;
  std::unique_ptr<net::HttpServer> public_;
  std::unique_ptr<AdminEdge> admin_edge_;
  std::unique_ptr<net::HttpServer> admin_;
};

// SIGHUP: reads the configuration again. Called on the thread of signals.
class Reloading {
 public:
  Reloading(runtime::Config config, runtime::Log& log, std::function<Result<runtime::LoadedConfig>()> load)
      : config_(std::move(config)), log_(&log), logger_(log, "platform", "configuration"), load_(std::move(load)) {}

  void run() {
    const std::lock_guard lock(mutex_);
    if (log_ == nullptr) return;
    auto loaded = load_();
    if (!loaded) return tell_problems(loaded.error());
    for (const runtime::ConfigChange& change : runtime::config_changes(config_, loaded->config)) {
      if (change.reloadable)
        logger_.info("A setting has changed", {{"setting", change.name}});
      else
        logger_.warn("A setting has changed that needs a restart", {{"setting", change.name}});
    }
    runtime::change_levels(*log_, config_.log, loaded->config.log);
    logger_.info("The configuration was read again");
    config_.log.level = loaded->config.log.level;
    config_.log.services = loaded->config.log.services;
  }
  // The log may go.
  void end() {
    const std::lock_guard lock(mutex_);
    log_ = nullptr;
  }

 private:
  void tell_problems(const Error& error) const {
    logger_.error("The configuration was not taken over, the one before stays", {{"error", error}});
    for (const FieldError& field : error.fields)
      logger_.error("A problem of the configuration", {{"setting", field.name}, {"problem", field.message}});
  }

  std::mutex mutex_;
  runtime::Config config_;  // as it is in force
  runtime::Log* log_;
  runtime::Logger logger_;
  std::function<Result<runtime::LoadedConfig>()> load_;
};

// Half a start has loops that run and frames that wait: the process ends at once, the data folder is as a crash leaves it.
[[noreturn]] void abandon_start(const Error& error) {
  const int code = error.kind == ErrorKind::kUnavailable ? kExitConfiguration : kExitFailed;
  refuse(error, code);
  for (const FieldError& field : error.fields) std::fprintf(stderr, "  %s: %s\n", field.name.c_str(), field.message.c_str());
  std::fflush(stderr);
  std::_Exit(code);
}

}  // namespace

int serve(const runtime::LoadedConfig& loaded, const std::function<Result<runtime::LoadedConfig>()>& load) {
  auto folder = open_folder(loaded.config);
  if (!folder) return refuse(folder.error(), kExitConfiguration);
  auto log = open_log(loaded.config, *folder);
  if (!log) return refuse(log.error(), kExitConfiguration);

  std::promise<void> promise;
  const StopAsked stop{promise.get_future().share()};
  const auto on_request = [&] {
    stop.giving_up->request();
    promise.set_value();
  };
  runtime::StopRequests requests(on_request, [] { std::_Exit(kExitFailed); });
  Reloading reloading(loaded.config, **log, load);
  const runtime::SignalWatcher watcher({SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (signal == SIGHUP) return reloading.run();
    requests.request();
  });
  std::signal(SIGPIPE, SIG_IGN);

  allow_many_files();
  Server server(loaded.config, *folder, std::move(*log));
  if (auto started = server.start(stop); !started) abandon_start(started.error());
  stop.asked.wait();
  reloading.end();
  server.stop();
  return kExitDone;
}

int init(const runtime::LoadedConfig& loaded) {
  auto folder = open_folder(loaded.config);
  if (!folder) return refuse(folder.error(), kExitConfiguration);
  runtime::LogOptions options;
  options.level = loaded.config.log.level;
  options.levels = loaded.config.log.services;
  std::vector<std::shared_ptr<runtime::LogSink>> to_talk{
      std::make_shared<runtime::DescriptorSink>(STDERR_FILENO, runtime::LogFormat::kHuman)};
  Server server(loaded.config, *folder, std::make_unique<runtime::Log>(std::move(options), std::move(to_talk)));
  if (auto opened = server.open(); !opened) abandon_start(opened.error());
  if (!server.has_edge()) {
    server.stop();
    return kExitDone;
  }
  auto link = server.first_administrator();
  if (!link) abandon_start(link.error());
  if (*link) {
    std::printf("%s\n", password_url(server.base_url(), (*link)->token).c_str());
    std::fprintf(stderr, "The first administrator is %s. The link sets the password, once, until %s, while the server runs.\n",
                 (*link)->username.c_str(), format_rfc3339((*link)->expires_at).c_str());
  } else {
    std::fprintf(stderr, "There is an administrator already; nothing was changed.\n");
  }
  server.stop();
  return kExitDone;
}

}  // namespace consilium::app
