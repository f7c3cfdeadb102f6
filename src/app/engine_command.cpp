#include "app/engine_command.h"

#include <sys/resource.h>
#include <unistd.h>
#include <tuple>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <mutex>

#include "app/engine_metrics.h"
#include "app/exit_codes.h"
#include "app/internal_edge.h"
#include "app/version.h"
#include "bpmn/gateway/gateway.h"
#include "bpmn/local_process_engine.h"
#include "net/endpoint.h"
#include "net/grpc/foreign_server.h"
#include "net/http_server.h"
#include "ports/database/commit_log.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/data_folder.h"
#include "runtime/health.h"
#include "runtime/metrics.h"
#include "runtime/signals.h"

namespace consilium::app {
namespace {

constexpr std::int32_t kPartition = 1;
constexpr Duration kGrace = seconds(1);   // for calls that run
constexpr Duration kLook = seconds(2);    // at the engine, for health and metrics
constexpr std::int64_t kMostTold = 20;    // incidents a second on standard error
constexpr Duration kFresh = seconds(15);  // a report not repeated for so long counts as a failure

int refuse(const Error& error, int code) {
  std::fprintf(stderr, "consilium: %s\n", error.describe().c_str());
  return code;
}

// Runs a task on a loop and waits for it.
Task<void> keep_answer(Task<Result<void>> task, std::promise<Result<void>>* out) {
  Result<void> answer = co_await std::move(task);
  out->set_value(std::move(answer));
}
Result<void> wait_for(runtime::Scheduler& loop, Task<Result<void>> task) {
  std::promise<Result<void>> promise;
  auto future = promise.get_future();
  loop.spawn("engine", keep_answer(std::move(task), &promise));
  return future.get();
}

Task<Result<void>> close(bpmn::LocalProcessEngine& engine) {
  co_await engine.close();
  co_return Result<void>();
}

Task<Result<void>> stop_server(net::HttpServer& server, runtime::Scheduler& loop) {
  co_await server.stop(loop, kGrace);
  co_return Result<void>();
}

void end_of_disk(const Error& error) {
  std::fprintf(stderr, "consilium: the disk failed to keep what was written, the engine ends: %s\n", error.describe().c_str());
  std::_Exit(kExitFailed);
}

Result<std::unique_ptr<database::Store>> open_store(const runtime::DataFolder& folder) {
  database::sqlite::Options options;
  options.path = folder.database();
  options.readers = 1;  // of history alone
  options.on_fatal = end_of_disk;
  return database::sqlite::open_threaded(std::move(options));
}

// The folder is this process's alone, as the log needs it to be.
Result<std::unique_ptr<database::CommitLog>> open_log(const runtime::DataFolder& folder) {
  ASSIGN_OR_RETURN(auto file, database::open_log_file(folder.commit_log()));
  return database::CommitLog::open(std::move(file), end_of_disk);
}

// The engine and its door, both on one loop: a call that crosses from one thread to another costs more than its work.
class Server {
 public:
  Server(const EngineFlags& flags, runtime::DataFolder& folder, std::unique_ptr<database::Store> store,
         std::unique_ptr<database::CommitLog> log)
      : flags_(flags),
        folder_(folder),
        store_(std::move(store)),
        log_(std::move(log)),
        engine_loop_("engine", runtime::available_cores() > 1 ? runtime::Idle::kWatches : runtime::Idle::kSleeps),
        engine_(store_->service("processes"), engine_loop_, random_, options()),
        gateway_(engine_, kPartition) {}

  Result<void> start(const net::Endpoint& listen) {
    TRY(store_->migrate("processes", bpmn::LocalProcessEngine::migrations()));
    TRY(folder_.record_version());
    engine_loop_.start();
    runtime::Context context(engine_loop_, random_);
    TRY(wait_for(engine_loop_, engine_.open(context)));
    net::ForeignServerSettings settings;
    settings.listen = listen.text();
    settings.token = flags_.token;
    if (!flags_.certificate.empty()) settings.tls = net::TlsServerFiles{flags_.certificate, flags_.key};
    ASSIGN_OR_RETURN(door_, net::ForeignServer::start(std::move(settings), gateway_.methods(), {&engine_loop_}, random_));
    gateway_.set_address(listen.host, door_->port());
    const std::string address = net::Endpoint{listen.host, static_cast<std::uint16_t>(door_->port()), {}}.text();
    std::map<std::string, std::string> addresses{{"engine", address}};
    if (!flags_.metrics_listen.empty()) {
      TRY(start_metrics());
      addresses["internal"] = internal_->endpoint().text();
    }
    TRY(folder_.write_addresses(addresses));
    std::fprintf(stderr, "The process engine listens on %s, its data lie in %s\n", address.c_str(), folder_.path().c_str());
    return {};
  }

  // Long polls and streams are cut, what was begun is kept and answered.
  void stop() {
    health_.hold_back("draining");
    door_->stop(kGrace);
    if (internal_) std::ignore = wait_for(engine_loop_, stop_server(*internal_, engine_loop_));
    std::ignore = wait_for(engine_loop_, close(engine_));
    store_->close();
    engine_loop_.stop();
    engine_loop_.join();
  }

 private:
  bpmn::LocalProcessEngineOptions options() {
    bpmn::LocalProcessEngineOptions options;
    options.partition = kPartition;
    options.history = flags_.history;
    options.commit_log = log_.get();
    options.on_incident = [this](const process::Incident& incident) { tell(incident); };
    return options;
  }

  // A client learns its key nowhere else. Not its message: that may quote what people wrote.
  void tell(const process::Incident& incident) {
    const Timestamp now = engine_loop_.steady_now();
    if (now - told_since_ >= seconds(1)) {
      if (told_ > kMostTold)
        std::fprintf(stderr, "consilium: %lld more incidents within a second\n", static_cast<long long>(told_ - kMostTold));
      told_since_ = now;
      told_ = 0;
    }
    if (++told_ > kMostTold) return;
    std::fprintf(stderr, "consilium: incident %lld (%s) at '%s' of the process '%s', instance %lld, job %lld\n",
                 static_cast<long long>(incident.key), incident.error_type.c_str(), incident.element_id.c_str(),
                 incident.process_id.c_str(), static_cast<long long>(incident.instance_key), static_cast<long long>(incident.job_key));
  }

  Result<void> start_metrics() {
    using Kind = runtime::MetricsRegistry::FunctionKind;
    using Samples = std::vector<runtime::MetricsRegistry::Sample>;
    runtime::add_process_metrics(metrics_, std::string(kVersion), std::string(kRevision));
    runtime::add_health_metrics(metrics_, health_);
    declare_engine_metrics(metrics_, [this] { return figures(); });
    declare_database_metrics(metrics_, [this] { return std::optional(store_->statistics()); });
    const auto gauge = [this](const char* name, const char* help, auto read) {
      metrics_.function(Kind::kGauge, name, help, {}, [read] { return Samples{{{}, static_cast<double>(read())}}; });
    };
    gauge("consilium_engine_connections", "Connections of Zeebe's clients", [this] { return door_->connections(); });
    gauge("consilium_engine_calls_running", "Calls that are not answered yet", [this] { return door_->running(); });
    gauge("consilium_engine_job_waits", "Calls among them that wait for jobs", [this] { return engine_.job_waits(); });
    metrics_.function(Kind::kCounter, "consilium_engine_log_commits_total", "Commits to the log, each a sync of the disk", {},
                      [this] { return Samples{{{}, static_cast<double>(log_->appended())}}; });
    health_.add("engine");
    health_.hold_back("");
    edge_ = std::make_unique<InternalEdge>(metrics_, health_, nullptr);
    net::HttpServerSettings settings;
    ASSIGN_OR_RETURN(settings.listen, net::Endpoint::parse(flags_.metrics_listen));
    ASSIGN_OR_RETURN(internal_, net::HttpServer::start(std::move(settings), *edge_, {&engine_loop_}, random_));
    engine_loop_.spawn("engine-look", look());
    return {};
  }

  // It answers, so it works.
  Task<void> look() {
    for (;;) {
      runtime::Context context(engine_loop_, random_);
      auto figures = co_await engine_.figures(context);
      if (figures) {
        const std::int64_t incidents = figures->incidents;
        const auto readiness = incidents == 0 ? runtime::Readiness::kReady : runtime::Readiness::kDegraded;
        health_.report("engine", readiness, incidents == 0 ? "" : "open incidents: " + std::to_string(incidents), kFresh);
        const std::lock_guard lock(mutex_);
        figures_ = std::move(*figures);
      } else {
        health_.report("engine", runtime::Readiness::kNotReady, figures.error().code);
      }
      co_await engine_loop_.sleep_for(kLook);
    }
  }
  std::optional<bpmn::EngineFigures> figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
  }

  const EngineFlags& flags_;
  runtime::DataFolder& folder_;
  std::unique_ptr<database::Store> store_;
  std::unique_ptr<database::CommitLog> log_;
  SystemRandom random_;
  runtime::AsioScheduler engine_loop_;
  bpmn::LocalProcessEngine engine_;
  bpmn::Gateway gateway_;
  std::unique_ptr<net::ForeignServer> door_;
  runtime::MetricsRegistry metrics_;
  runtime::Health health_{[this] { return engine_loop_.steady_now(); }};
  std::unique_ptr<InternalEdge> edge_;
  std::unique_ptr<net::HttpServer> internal_;
  mutable std::mutex mutex_;
  std::optional<bpmn::EngineFigures> figures_;
  Timestamp told_since_;
  std::int64_t told_ = 0;  // since then
};

}  // namespace

int run_engine(const EngineFlags& flags) {
  const auto listen = net::Endpoint::parse(flags.listen);
  if (!listen) return refuse(listen.error(), kExitConfiguration);
  if (!listen->is_loopback() && flags.token.empty()) {
    std::fprintf(stderr, "consilium: others than this machine can reach %s: give --token, or CONSILIUM_ENGINE_TOKEN\n",
                 flags.listen.c_str());
    return kExitConfiguration;
  }
  auto folder = runtime::DataFolder::open(flags.data, runtime::kEngineDataVersion);
  if (!folder) return refuse(folder.error(), kExitConfiguration);

  std::promise<void> asked;
  runtime::StopRequests requests([&asked] { asked.set_value(); }, [] { std::_Exit(kExitFailed); });
  const runtime::SignalWatcher watcher({SIGTERM, SIGINT}, [&requests](int) { requests.request(); });
  std::signal(SIGPIPE, SIG_IGN);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }

  auto store = open_store(*folder);
  if (!store) return refuse(store.error(), kExitFailed);
  auto log = open_log(*folder);
  if (!log) return refuse(log.error(), kExitFailed);
  Server server(flags, *folder, std::move(*store), std::move(*log));
  // Half a start has loops that run: the process ends at once, the data folder is as a crash leaves it.
  if (const auto started = server.start(*listen); !started)
    std::_Exit(refuse(started.error(), started.error().kind == ErrorKind::kUnavailable ? kExitConfiguration : kExitFailed));
  asked.get_future().wait();
  server.stop();
  return kExitDone;
}

}  // namespace consilium::app
