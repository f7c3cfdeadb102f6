#include "app/engine_command.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>

#include "app/exit_codes.h"
#include "bpmn/gateway/gateway.h"
#include "bpmn/local_process_engine.h"
#include "net/endpoint.h"
#include "net/grpc/foreign_server.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/data_folder.h"
#include "runtime/signals.h"

namespace consilium::app {
namespace {

constexpr std::int32_t kPartition = 1;
constexpr Duration kGrace = seconds(1);  // for calls that run

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

Result<std::unique_ptr<database::Store>> open_store(const runtime::DataFolder& folder) {
  database::sqlite::Options options;
  options.path = folder.database();
  options.readers = 1;  // of history alone
  options.on_fatal = [](const Error& error) {
    std::fprintf(stderr, "consilium: the disk failed to keep what was written, the engine ends: %s\n", error.describe().c_str());
    std::_Exit(kExitFailed);
  };
  return database::sqlite::open_threaded(std::move(options));
}

// The engine, its loops and its door.
class Server {
 public:
  Server(const EngineFlags& flags, runtime::DataFolder& folder, std::unique_ptr<database::Store> store)
      : flags_(flags),
        folder_(folder),
        store_(std::move(store)),
        engine_loop_("engine"),
        gateway_loop_("gateway"),
        engine_(store_->service("processes"), engine_loop_, random_, bpmn::LocalProcessEngineOptions{.partition = kPartition}),
        gateway_(engine_, kPartition) {}

  Result<void> start(const net::Endpoint& listen) {
    TRY(store_->migrate("processes", bpmn::LocalProcessEngine::migrations()));
    TRY(folder_.record_version());
    engine_loop_.start();
    gateway_loop_.start();
    runtime::Context context(engine_loop_, random_);
    TRY(wait_for(engine_loop_, engine_.open(context)));
    net::ForeignServerSettings settings;
    settings.listen = listen.text();
    settings.token = flags_.token;
    if (!flags_.certificate.empty()) settings.tls = net::TlsServerFiles{flags_.certificate, flags_.key};
    ASSIGN_OR_RETURN(door_, net::ForeignServer::start(std::move(settings), gateway_.methods(), {&gateway_loop_}, random_));
    gateway_.set_address(listen.host, door_->port());
    const std::string address = net::Endpoint{listen.host, static_cast<std::uint16_t>(door_->port()), {}}.text();
    TRY(folder_.write_addresses({{"engine", address}}));
    std::fprintf(stderr, "The process engine listens on %s, its data lie in %s\n", address.c_str(), folder_.path().c_str());
    return {};
  }

  // Long polls and streams are cut, what was begun is kept and answered.
  void stop() {
    door_->stop(kGrace);
    (void)wait_for(engine_loop_, close(engine_));
    store_->close();
    gateway_loop_.stop();
    engine_loop_.stop();
    gateway_loop_.join();
    engine_loop_.join();
  }

 private:
  const EngineFlags& flags_;
  runtime::DataFolder& folder_;
  std::unique_ptr<database::Store> store_;
  SystemRandom random_;
  runtime::AsioScheduler engine_loop_;
  runtime::AsioScheduler gateway_loop_;
  bpmn::LocalProcessEngine engine_;
  bpmn::Gateway gateway_;
  std::unique_ptr<net::ForeignServer> door_;
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
  auto folder = runtime::DataFolder::open(flags.data);
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
  Server server(flags, *folder, std::move(*store));
  // Half a start has loops that run: the process ends at once, the data folder is as a crash leaves it.
  if (const auto started = server.start(*listen); !started)
    std::_Exit(refuse(started.error(), started.error().kind == ErrorKind::kUnavailable ? kExitConfiguration : kExitFailed));
  asked.get_future().wait();
  server.stop();
  return kExitDone;
}

}  // namespace consilium::app
