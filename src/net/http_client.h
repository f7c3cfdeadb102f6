// A small HTTP/1.1 and WebSocket client: for the demo command, tests, webhooks, OpenID Connect. A client belongs to one
// loop; its calls are awaited there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"
#include "net/http_server.h"
#include "net/ip_address.h"
#include "net/tls.h"
#include "runtime/scheduler.h"

namespace consilium::net {

struct HttpClientSettings {
  Duration connect_timeout = seconds(5);   // name, connection and TLS handshake
  Duration request_timeout = seconds(30);  // from the call to the end of the answer
  std::size_t body_limit = 16 * 1024 * 1024;
  std::size_t idle_connections = 8;  // kept for the next call, over all hosts; 0 keeps none
  Duration idle_timeout = seconds(30);
  std::optional<TlsClientFiles> tls;  // nullopt: the system's authorities
  // Asked for each address before a connection; refused ones fail with `http.forbidden-address` (webhooks: no private ones).
  std::function<bool(const IpAddress&)> may_connect;
  WebSocketSettings web_socket{.message_limit = 1024 * 1024};
};

struct HttpCall {
  std::string method = "GET";
  std::string url;  // http, https, ws, wss
  std::vector<Header> headers;
  std::string body;
  std::string unix_socket;  // path; when set, the connection goes there and the URL's host is only the Host header
};

class HttpClient {
 public:
  // `random` makes the masks of WebSocket frames.
  HttpClient(runtime::Scheduler& loop, RandomSource& random, HttpClientSettings settings = {});
  // Calls that still run go on to their end.
  ~HttpClient();

  // Any status is a value. Failures: kMalformed (URL), kUnavailable (name, connection, TLS, broken or too large answer),
  // kDeadlineExceeded. Redirects are not followed. A kept connection that turns out to be closed is replaced once when
  // nothing of the answer came and the method is safe to repeat (GET, HEAD, PUT, DELETE, OPTIONS).
  Task<Result<HttpResponse>> send(HttpCall call);

  // Opens a WebSocket; the listener is called on the loop. `headers` may name `Sec-WebSocket-Protocol`, `Origin` …
  // An answer other than 101 is `http.upgrade-refused` with the status in the detail.
  Task<Result<std::shared_ptr<WebSocket>>> open_web_socket(HttpCall call, std::shared_ptr<WebSocketListener> listener);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace consilium::net
