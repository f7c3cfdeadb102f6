#include "net/reserved_address.h"

#include <unistd.h>

#include "net/listening_socket.h"

namespace consilium::net {

Result<ReservedAddress> ReservedAddress::take(const Endpoint& endpoint) {
  ASSIGN_OR_RETURN(const ListeningSocket socket, listen_on(endpoint));
  return ReservedAddress(socket.descriptor, socket.endpoint);
}

ReservedAddress::~ReservedAddress() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace consilium::net
