// The HTTP/1.1 and WebSocket server: one listening address, any number of loops. A connection stays on the loop that
// it was given to; the application is called there. Transport only: what a request means, the application says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "net/endpoint.h"
#include "net/http.h"
#include "net/message_reader.h"
#include "net/reserved_address.h"
#include "net/tls.h"
#include "net/web_socket_frame.h"
#include "runtime/scheduler.h"

namespace consilium::net {

struct WebSocketSettings {
  Duration ping_interval = seconds(20);  // silence after which the server pings
  Duration silence_limit = seconds(60);  // silence after which the peer counts as gone: 4000
  Duration close_timeout = seconds(3);   // to send what is queued and to see the peer's close frame
  std::size_t message_limit = kWebSocketMessageLimit;
  std::size_t queue_messages = 256;
  std::size_t queue_bytes = 1024 * 1024;
};

struct HttpServerSettings {
  Endpoint listen{"127.0.0.1", 8080, {}};     // port 0 takes a free one; a Unix socket is made with mode 0600
  std::shared_ptr<ReservedAddress> reserved;  // when given, the server listens there and takes it over
  std::optional<TlsServerFiles> tls;
  std::size_t max_connections = 20'000;  // further ones get 503
  std::size_t head_limit = kHeadLimit;
  std::size_t body_limit = kBodyLimit;
  // Limit of one request's body where it differs (uploads): method and path to bytes, nullopt for `body_limit`.
  // Any loop may call it.
  std::function<std::optional<std::size_t>(std::string_view method, std::string_view path)> body_limit_of;
  Duration head_timeout = seconds(10);      // TLS handshake; from a request's first byte to the end of its head
  Duration idle_timeout = seconds(60);      // between requests
  Duration progress_timeout = seconds(20);  // for each 64 KB of a body, either way
  WebSocketSettings web_socket;
};

// Counted since the start; the last three are of now.
struct HttpServerFigures {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;    // over max_connections
  std::uint64_t requests = 0;   // handed to the application
  std::uint64_t malformed = 0;  // answered by the server itself
  std::uint64_t timed_out = 0;
  std::uint64_t tls_failures = 0;
  std::uint64_t upgrades = 0;
  std::uint64_t connections = 0;
  std::uint64_t web_sockets = 0;
  std::uint64_t running_requests = 0;
};

class HttpServer {
 public:
  // Listens at once; connections are spread over `loops` in turn. `application`, `loops` and `random` outlive the server
  // and every handler that still runs. Fails with kUnavailable when the address is taken or the TLS files are unusable.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerSettings settings, HttpApplication& application,
                                                   std::vector<runtime::Scheduler*> loops, RandomSource& random);
  // Stops listening. Connections that are still open are cut: `stop` first, unless the loops have ended.
  ~HttpServer();

  // With the port that was chosen.
  const Endpoint& endpoint() const;
  HttpServerFigures figures() const;

  // Reads the certificate files again, for connections to come. On failure the old ones stay in use. Any thread.
  Result<void> reload_certificates();

  // Stops accepting, tells WebSockets 1001, closes idle connections, lets running requests finish (their answers say
  // `Connection: close`), and cuts what is left after `grace`. Runs on `loop`, any. Returns the connections cut.
  Task<std::size_t> stop(runtime::Scheduler& loop, Duration grace);

 private:
  struct Shared;
  explicit HttpServer(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace consilium::net
