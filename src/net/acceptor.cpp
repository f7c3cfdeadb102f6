#include "net/acceptor.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "runtime/asio_context.h"

namespace consilium::net {
namespace {

constexpr std::size_t kAcceptedPerTurn = 64;
constexpr Duration kAcceptPause = milliseconds(100);

}  // namespace

Acceptor::Acceptor(ListeningSocket socket, const std::vector<runtime::Scheduler*>& loops, Duration tick, HandOver hand_over)
    : endpoint_(std::move(socket.endpoint)),
      socket_(runtime::io_context_of(*loops.front()), socket.descriptor),
      hand_over_(std::move(hand_over)) {
  for (runtime::Scheduler* loop : loops) loops_.push_back(std::make_shared<PeerLoop>(*loop, tick));
}

void Acceptor::start() {
  loops_.front()->scheduler().post([self = shared_from_this()] { self->wait(); });
}

void Acceptor::stop() {
  loops_.front()->scheduler().post([self = shared_from_this()] {
    boost::system::error_code ignored;
    if (!self->socket_.is_open()) return;
    self->socket_.close(ignored);
    if (self->endpoint_.is_unix()) ::unlink(self->endpoint_.path.c_str());
  });
}

void Acceptor::drain_all() {
  for (const auto& loop : loops_) loop->scheduler().post([loop] { loop->drain_all(); });
}

void Acceptor::cut_all() {
  for (const auto& loop : loops_) loop->scheduler().post([loop] { loop->cut_all(); });
}

void Acceptor::wait() {
  if (!socket_.is_open()) return;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->accept_some();
  });
}

void Acceptor::accept_some() {
  for (std::size_t i = 0; i < kAcceptedPerTurn && socket_.is_open(); ++i) {
    AcceptedSocket socket = accept_from(socket_.native_handle());
    if (socket.descriptor >= 0) {
      hand_over_(std::move(socket), loops_[next_++ % loops_.size()]);
      continue;
    }
    if (socket.error == EAGAIN || socket.error == EWOULDBLOCK) break;
    if (socket.error == EINTR || socket.error == ECONNABORTED) continue;
    // Out of descriptors or memory: connections wait in the backlog until some are free.
    loops_.front()->scheduler().call_after(kAcceptPause, [self = shared_from_this()] { self->wait(); });
    return;
  }
  wait();
}

}  // namespace consilium::net
