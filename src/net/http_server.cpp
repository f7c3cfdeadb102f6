#include "net/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "net/http_connection.h"
#include "net/listening_socket.h"
#include "net/server_loop.h"
#include "runtime/asio_context.h"

namespace consilium::net {
namespace {

constexpr std::size_t kAcceptedPerTurn = 64;
constexpr std::size_t kPoliteRefusals = 64;  // connections over the limit that get their 503; further ones are just closed
constexpr Duration kAcceptPause = milliseconds(100);
constexpr Duration kShortestTick = milliseconds(5);
constexpr Duration kLongestTick = seconds(1);
constexpr Duration kStopPoll = milliseconds(5);
constexpr Duration kCutTime = seconds(1);  // for connections to notice that they were cut

// A tenth of the shortest time-out, so that none is more than that late.
Duration tick_of(const HttpServerSettings& settings) {
  const WebSocketSettings& socket = settings.web_socket;
  const Duration shortest = std::min({settings.head_timeout, settings.idle_timeout, settings.progress_timeout, socket.ping_interval,
                                      socket.silence_limit, socket.close_timeout});
  return std::clamp(shortest / 10, kShortestTick, kLongestTick);
}

}  // namespace

struct HttpServer::Shared : std::enable_shared_from_this<Shared> {
  Shared(std::shared_ptr<ServerState> server, ListeningSocket socket, const std::vector<runtime::Scheduler*>& loops)
      : state(std::move(server)),
        endpoint(std::move(socket.endpoint)),
        acceptor(runtime::io_context_of(*loops.front()), socket.descriptor) {
    const Duration tick = tick_of(state->settings);
    for (runtime::Scheduler* loop : loops) peers.push_back(std::make_shared<PeerLoop>(*loop, tick));
  }

  std::shared_ptr<ServerState> state;
  Endpoint endpoint;
  boost::asio::posix::stream_descriptor acceptor;  // on the first loop
  std::vector<std::shared_ptr<PeerLoop>> peers;
  std::size_t next = 0;

  runtime::Scheduler& accepting_loop() { return peers.front()->scheduler(); }
  void wait_to_accept();
  void accept_some();
  void hand_over(AcceptedSocket socket);
  void stop_accepting();
  std::size_t open_connections() const { return state->connections.load(); }
  template <class What>
  void on_each_loop(What what) {
    for (const auto& loop : peers) loop->scheduler().post([loop, what] { what(*loop); });
  }
};

void HttpServer::Shared::wait_to_accept() {
  if (!acceptor.is_open()) return;
  acceptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error) self->accept_some();
                      });
}

void HttpServer::Shared::accept_some() {
  for (std::size_t i = 0; i < kAcceptedPerTurn && acceptor.is_open(); ++i) {
    AcceptedSocket socket = accept_from(acceptor.native_handle());
    if (socket.descriptor >= 0) {
      hand_over(std::move(socket));
      continue;
    }
    if (socket.error == EAGAIN || socket.error == EWOULDBLOCK) break;
    if (socket.error == EINTR || socket.error == ECONNABORTED) continue;
    // Out of descriptors or memory: connections wait in the backlog until some are free.
    accepting_loop().call_after(kAcceptPause, [self = shared_from_this()] { self->wait_to_accept(); });
    return;
  }
  wait_to_accept();
}

void HttpServer::Shared::hand_over(AcceptedSocket socket) {
  const std::size_t open = open_connections();
  const Admission admission = open < state->settings.max_connections ? Admission::kWelcome : Admission::kServerFull;
  (admission == Admission::kWelcome ? state->accepted : state->refused).fetch_add(1, std::memory_order_relaxed);
  if (open >= state->settings.max_connections + kPoliteRefusals) {
    ::close(socket.descriptor);
    return;
  }
  const auto& loop = peers[next++ % peers.size()];
  // Owns the descriptor until a connection does, also when the loop ends before.
  struct Arrival {
    int descriptor;
    std::shared_ptr<void> slot;
    ~Arrival() {
      if (descriptor >= 0) ::close(descriptor);
    }
  };
  auto arrival = std::make_unique<Arrival>(socket.descriptor, std::make_shared<Counted>(state, &ServerState::connections));
  loop->scheduler().post(
      [server = state, loop, admission, address = std::move(socket.remote_address), arrival = std::move(arrival)]() mutable {
        auto connection = std::make_shared<HttpConnection>(server, loop, std::exchange(arrival->descriptor, -1), std::move(address),
                                                           admission, std::move(arrival->slot));
        loop->scheduler().spawn("http-connection", HttpConnection::run(std::move(connection)));
      });
}

void HttpServer::Shared::stop_accepting() {
  boost::system::error_code ignored;
  if (!acceptor.is_open()) return;
  acceptor.close(ignored);
  if (endpoint.is_unix()) ::unlink(endpoint.path.c_str());
}

HttpServer::HttpServer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

HttpServer::~HttpServer() {
  shared_->accepting_loop().post([shared = shared_] { shared->stop_accepting(); });
  shared_->on_each_loop([](PeerLoop& loop) { loop.cut_all(); });
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerSettings settings, HttpApplication& application,
                                                      std::vector<runtime::Scheduler*> loops, RandomSource& random) {
  auto state = std::make_shared<ServerState>(std::move(settings), application, random);
  if (state->settings.tls) {
    ASSIGN_OR_RETURN(auto tls, make_server_tls(*state->settings.tls));
    state->set_tls(std::move(tls));
  }
  std::shared_ptr<ReservedAddress> reserved = std::move(state->settings.reserved);
  if (!reserved) {
    ASSIGN_OR_RETURN(auto taken, ReservedAddress::take(state->settings.listen));
    reserved = std::make_shared<ReservedAddress>(std::move(taken));
  }
  ListeningSocket socket{reserved->release(), reserved->endpoint()};
  auto shared = std::make_shared<Shared>(std::move(state), std::move(socket), loops);
  shared->accepting_loop().post([shared] { shared->wait_to_accept(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(shared)));
}

const Endpoint& HttpServer::endpoint() const { return shared_->endpoint; }

HttpServerFigures HttpServer::figures() const {
  const ServerState& state = *shared_->state;
  return {state.accepted,     state.refused,  state.requests,    state.malformed,   state.timed_out,
          state.tls_failures, state.upgrades, state.connections, state.web_sockets, state.running_requests};
}

Result<void> HttpServer::reload_certificates() {
  if (!shared_->state->settings.tls) return {};
  ASSIGN_OR_RETURN(auto tls, make_server_tls(*shared_->state->settings.tls));
  shared_->state->set_tls(std::move(tls));
  return {};
}

Task<std::size_t> HttpServer::stop(runtime::Scheduler& loop, Duration grace) {
  const std::shared_ptr<Shared> shared = shared_;
  shared->accepting_loop().post([shared] { shared->stop_accepting(); });
  shared->on_each_loop([](PeerLoop& peers) { peers.drain_all(); });
  const Timestamp deadline = loop.steady_now() + grace;
  do {
    co_await loop.sleep_for(kStopPoll);
  } while (shared->open_connections() > 0 && loop.steady_now() < deadline);
  const std::size_t left = shared->open_connections();
  shared->on_each_loop([](PeerLoop& peers) { peers.cut_all(); });
  const Timestamp end = loop.steady_now() + kCutTime;
  while (shared->open_connections() > 0 && loop.steady_now() < end) co_await loop.sleep_for(kStopPoll);
  co_return left;
}

}  // namespace consilium::net
