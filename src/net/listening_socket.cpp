#include "net/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "net/ip_address.h"

namespace consilium::net {
namespace {

constexpr int kBacklog = 4096;

Failure cannot_listen(const Endpoint& endpoint, int error) {
  return fail(ErrorKind::kUnavailable, "net.cannot-listen",
              "Cannot listen on " + endpoint.text() + ": " + std::generic_category().message(error));
}

Failure close_and_fail(int descriptor, const Endpoint& endpoint) {
  const int error = errno;
  ::close(descriptor);
  return cannot_listen(endpoint, error);
}

const sockaddr* generic(const void* address) { return static_cast<const sockaddr*>(address); }

bool somebody_listens(const sockaddr_un& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = probe >= 0 && ::connect(probe, generic(&address), sizeof address) == 0;
  if (probe >= 0) ::close(probe);
  return connected;
}

Result<ListeningSocket> listen_on_path(const Endpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(endpoint.path.begin(), endpoint.path.end(), address.sun_path);
  if (somebody_listens(address)) return cannot_listen(endpoint, EADDRINUSE);
  ::unlink(endpoint.path.c_str());  // left over by a process that was killed
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return cannot_listen(endpoint, errno);
  // Linux takes the mode of the socket that is bound, so that nobody can connect in between.
  if (::fchmod(descriptor, 0600) != 0 || ::bind(descriptor, generic(&address), sizeof address) != 0 || ::listen(descriptor, kBacklog) != 0)
    return close_and_fail(descriptor, endpoint);
  return ListeningSocket{descriptor, endpoint};
}

std::uint16_t port_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string address_text(const sockaddr_storage& address) {
  IpAddress ip;
  if (address.ss_family == AF_INET6) {
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
    return ip.text();
  }
  if (address.ss_family != AF_INET) return {};
  ip.bytes[10] = ip.bytes[11] = 0xFF;
  std::memcpy(ip.bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  return ip.text();
}

}  // namespace

Result<ListeningSocket> listen_on(const Endpoint& endpoint) {
  if (endpoint.is_unix()) return listen_on_path(endpoint);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failure != 0)
    return fail(ErrorKind::kUnavailable, "net.cannot-listen", "Cannot listen on " + endpoint.text() + ": " + ::gai_strerror(failure));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  const int descriptor = ::socket(addresses->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return cannot_listen(endpoint, errno);
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // connections of the last run may still be in TIME_WAIT
  if (::bind(descriptor, addresses->ai_addr, addresses->ai_addrlen) != 0 || ::listen(descriptor, kBacklog) != 0)
    return close_and_fail(descriptor, endpoint);
  ListeningSocket socket{descriptor, endpoint};
  socket.endpoint.port = port_of(descriptor);
  return socket;
}

AcceptedSocket accept_from(int listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  const int descriptor = ::accept4(listening, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return {-1, errno, {}};
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {descriptor, 0, address_text(address)};
}

}  // namespace consilium::net
