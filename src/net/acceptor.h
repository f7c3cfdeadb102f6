// Takes connections from a listening socket on the first of some loops and spreads them over all in turn. Internal to `net`.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "net/listening_socket.h"
#include "net/server_loop.h"

namespace consilium::net {

class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  // On the accepting loop: the socket is now the callee's.
  using HandOver = std::function<void(AcceptedSocket, const std::shared_ptr<PeerLoop>&)>;

  Acceptor(ListeningSocket socket, const std::vector<runtime::Scheduler*>& loops, Duration tick, HandOver hand_over);

  const Endpoint& endpoint() const { return endpoint_; }
  // Any thread; each takes effect on the loops.
  void start();
  void stop();
  void drain_all();
  void cut_all();

 private:
  void wait();
  void accept_some();

  Endpoint endpoint_;
  boost::asio::posix::stream_descriptor socket_;  // on the first loop
  std::vector<std::shared_ptr<PeerLoop>> loops_;
  HandOver hand_over_;
  std::size_t next_ = 0;
};

}  // namespace consilium::net
