// HTTP and WebSocket as plain values, so that the gateway and the simulator know nothing of sockets.
// The server that speaks the wire is `http_server.h`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "runtime/cancellation.h"
#include "runtime/scheduler.h"

namespace consilium::net {

using Header = std::pair<std::string, std::string>;

struct HttpRequest {
  std::string method;  // upper-case
  std::string target;  // path and query as sent
  std::vector<Header> headers;
  std::string body;
  std::string remote_address;  // of the peer, without port
  bool tls = false;
  // Requested when the client has gone before its answer, within a second or so; nullptr where nobody looks. A client that
  // only closes its sending side counts as gone too.
  std::shared_ptr<runtime::Cancellation> cancellation;

  // Case-insensitive; the first of that name, or empty.
  std::string_view header(std::string_view name) const;
  std::string_view path() const;   // before `?`
  std::string_view query() const;  // after it
};

struct HttpResponse {
  int status = 200;
  std::vector<Header> headers;
  std::string body;

  std::string_view header(std::string_view name) const;
  void set_header(std::string_view name, std::string_view value);  // replaces
};

// The server's side of one open WebSocket (RFC 6455). Owned by the loop that it was opened on: call it there.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // Queues a text frame. False when the bound of the queue (256 messages or 1 MB) is reached: close it with 4003.
  virtual bool send(std::string text) = 0;
  // Sends what is queued (up to the close deadline), then the close frame. Later calls do nothing.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual std::size_t queued() const = 0;
};

// What the application does with it. Called on the socket's loop; `on_close` exactly once, last.
class WebSocketListener {
 public:
  virtual ~WebSocketListener() = default;
  virtual void on_open(std::shared_ptr<WebSocket> socket) = 0;
  virtual void on_text(std::string text) = 0;
  // The code of the side that began to close: the peer's, or that of our `close`. 1006: the connection broke before.
  virtual void on_close(std::uint16_t code) = 0;
};

// The answer to an upgrade request: a listener and the chosen sub-protocol, or a refusal before the upgrade.
struct UpgradeAccepted {
  std::shared_ptr<WebSocketListener> listener;
  std::string sub_protocol;
};
using UpgradeAnswer = std::expected<UpgradeAccepted, HttpResponse>;

// The application behind a listening address. Called on the loop of the connection.
class HttpApplication {
 public:
  virtual ~HttpApplication() = default;
  virtual Task<HttpResponse> handle(runtime::Scheduler& loop, HttpRequest request) = 0;
  virtual Task<UpgradeAnswer> upgrade(runtime::Scheduler& loop, HttpRequest request) = 0;
};

}  // namespace consilium::net
