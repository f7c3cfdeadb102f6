// Opens sockets that listen. Internal to `net`.
#pragma once

#include <string>

#include "base/result.h"
#include "net/endpoint.h"

namespace consilium::net {

struct ListeningSocket {
  int descriptor;
  Endpoint endpoint;  // with the port that was chosen
};

// Non-blocking, closed on exec. Not SO_REUSEPORT: a second server on the same address must fail instead of taking half
// of the connections.
Result<ListeningSocket> listen_on(const Endpoint& endpoint);

struct AcceptedSocket {
  int descriptor = -1;         // non-blocking
  int error = 0;               // errno when there is none
  std::string remote_address;  // without port; empty for a Unix socket
};
AcceptedSocket accept_from(int listening);

}  // namespace consilium::net
