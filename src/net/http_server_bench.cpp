// Requests a second over kept connections, and what an idle WebSocket costs in memory. The peers run in this process
// (requests) or in a child (sockets, so that its memory is not ours).
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "runtime/asio_scheduler.h"

namespace consilium::net {
namespace {

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
constexpr std::string_view kRequest =
    "GET /api/v1/tasks?limit=50 HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nCookie: session=x\r\n\r\n";

class SilentListener final : public WebSocketListener {
 public:
  void on_open(std::shared_ptr<WebSocket> socket) override { socket_ = std::move(socket); }
  void on_text(std::string text) override { socket_->send(std::move(text)); }
  void on_close(std::uint16_t) override {}

 private:
  std::shared_ptr<WebSocket> socket_;
};

class Application final : public HttpApplication {
 public:
  Task<HttpResponse> handle(runtime::Scheduler&, HttpRequest) override {
    co_return HttpResponse{200, {{"Content-Type", "application/json"}}, std::string(300, '1')};
  }
  Task<UpgradeAnswer> upgrade(runtime::Scheduler&, HttpRequest) override {
    UpgradeAccepted accepted;
    accepted.listener = std::make_shared<SilentListener>();
    co_return accepted;
  }
};

struct Server {
  Server() : loops("http", 1) {
    HttpServerSettings settings;
    settings.listen.port = 0;
    settings.web_socket.ping_interval = settings.web_socket.silence_limit = hours(1);
    server = std::move(HttpServer::start(std::move(settings), application, {&loops.at(0)}, random).value());
    loops.start();
  }
  ~Server() {
    loops.stop();
    loops.join();
  }

  Application application;
  SystemRandom random;
  runtime::LoopGroup loops;
  std::unique_ptr<HttpServer> server;
};

int connect_to(std::uint16_t port, std::uint8_t host = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7F000000U + host);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0 || ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
  return socket;
}

void answer_requests(benchmark::State& state) {
  const Server server;
  const int socket = connect_to(server.server->endpoint().port);
  const auto depth = static_cast<std::size_t>(state.range(0));
  std::string requests;
  for (std::size_t i = 0; i < depth; ++i) requests += kRequest;
  char buffer[65536];
  std::size_t answer_size = 0;
  for (auto _ : state) {
    if (::send(socket, requests.data(), requests.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send");
    std::size_t received = 0;
    do {
      const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
      if (size <= 0) throw std::runtime_error("recv");
      received += static_cast<std::size_t>(size);
      if (answer_size == 0 && depth == 1) answer_size = received;
    } while (received < depth * 380);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  ::close(socket);
}
BENCHMARK(answer_requests)->Arg(1)->UseRealTime();

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::size_t pages = 0;
  status >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The child opens the sockets and holds them until the pipe to it is closed.
void hold_idle_sockets(benchmark::State& state) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const Server server;
    int done[2];
    if (::pipe(done) != 0) throw std::runtime_error("pipe");
    const std::uint16_t port = server.server->endpoint().port;
    const std::size_t before = resident_bytes();
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(done[1]);
      for (std::size_t i = 0; i < count; ++i) {
        char answer[1024];
        const int socket = connect_to(port);
        if (::send(socket, kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL) < 0 || ::recv(socket, answer, sizeof answer, 0) <= 0) ::_exit(1);
      }
      char byte = 0;
      static_cast<void>(::read(done[0], &byte, 1) < 0);
      ::_exit(0);
    }
    ::close(done[0]);
    for (int i = 0; i < 3000 && server.server->figures().web_sockets < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    state.counters["sockets"] = static_cast<double>(server.server->figures().web_sockets);
    state.counters["bytes/socket"] = static_cast<double>(resident_bytes() - before) / static_cast<double>(count);
    ::close(done[1]);
    ::waitpid(child, nullptr, 0);
  }
}
BENCHMARK(hold_idle_sockets)->Arg(10'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium::net
