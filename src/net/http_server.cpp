#include "net/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "net/acceptor.h"
#include "net/http_connection.h"

namespace consilium::net {
namespace {

constexpr std::size_t kPoliteRefusals = 64;  // connections over the limit that get their 503; further ones are just closed
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

void hand_over(const std::shared_ptr<ServerState>& state, AcceptedSocket socket, const std::shared_ptr<PeerLoop>& loop) {
  const std::size_t open = state->connections.load();
  const Admission admission = open < state->settings.max_connections ? Admission::kWelcome : Admission::kServerFull;
  (admission == Admission::kWelcome ? state->accepted : state->refused).fetch_add(1, std::memory_order_relaxed);
  if (open >= state->settings.max_connections + kPoliteRefusals) {
    ::close(socket.descriptor);
    return;
  }
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

}  // namespace

struct HttpServer::Shared {
  std::shared_ptr<ServerState> state;
  std::shared_ptr<Acceptor> acceptor;

  std::size_t open_connections() const { return state->connections.load(); }
};

HttpServer::HttpServer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

HttpServer::~HttpServer() {
  shared_->acceptor->stop();
  shared_->acceptor->cut_all();
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
  auto acceptor = std::make_shared<Acceptor>(
      std::move(socket), loops, tick_of(state->settings),
      [state](AcceptedSocket arrived, const std::shared_ptr<PeerLoop>& loop) { hand_over(state, std::move(arrived), loop); });
  acceptor->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::make_shared<Shared>(std::move(state), std::move(acceptor))));
}

const Endpoint& HttpServer::endpoint() const { return shared_->acceptor->endpoint(); }

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
  shared->acceptor->stop();
  shared->acceptor->drain_all();
  const Timestamp deadline = loop.steady_now() + grace;
  do {
    co_await loop.sleep_for(kStopPoll);
  } while (shared->open_connections() > 0 && loop.steady_now() < deadline);
  const std::size_t left = shared->open_connections();
  shared->acceptor->cut_all();
  const Timestamp end = loop.steady_now() + kCutTime;
  while (shared->open_connections() > 0 && loop.steady_now() < end) co_await loop.sleep_for(kStopPoll);
  co_return left;
}

}  // namespace consilium::net
