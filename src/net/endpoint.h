// Addresses that the process listens on or connects to, as configuration writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium::net {

// `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`, `unix:/path/to/socket`.
struct Endpoint {
  std::string host;  // numeric or a name; empty for a Unix socket
  std::uint16_t port = 0;
  std::string path;  // of a Unix socket

  bool is_unix() const { return !path.empty(); }
  // Whether nobody outside this machine can connect.
  bool is_loopback() const;
  std::string text() const;

  static Result<Endpoint> parse(std::string_view text);
};

// A URL of the schemes `http`, `https`, `ws`, `wss`; no user information.
struct Url {
  bool tls = false;
  Endpoint endpoint;
  std::string host_header;  // as the Host header must be
  std::string target;       // path and query, at least `/`

  static Result<Url> parse(std::string_view text);
};

}  // namespace consilium::net
