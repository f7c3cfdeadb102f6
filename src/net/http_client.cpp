#include "net/http_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "net/byte_stream.h"
#include "net/endpoint.h"
#include "net/header_text.h"
#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/server_loop.h"
#include "net/web_socket_connection.h"

namespace consilium::net {
namespace {

constexpr Duration kTick = milliseconds(50);
constexpr std::size_t kTriedAddresses = 4;  // of one name

Failure unavailable(std::string_view code, std::string_view detail) { return fail(ErrorKind::kUnavailable, code, detail); }
Failure timed_out() { return fail(ErrorKind::kDeadlineExceeded, "http.timed-out", "Expected an answer in time"); }

// A socket address as the kernel takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_UNSPEC;
};

SocketAddress address_of(const IpAddress& ip, std::uint16_t port) {
  SocketAddress address;
  if (ip.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.bytes.data() + 12, 4);
    address.size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, ip.bytes.data(), 16);
    address.size = sizeof v6;
  }
  address.family = address.storage.ss_family;
  return address;
}

Result<SocketAddress> address_of_path(const std::string& path) {
  SocketAddress address;
  auto& unix_address = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.size() >= sizeof unix_address.sun_path)
    return fail(ErrorKind::kMalformed, "net.malformed-address", "Expected a shorter path of a Unix socket");
  unix_address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), unix_address.sun_path);
  address.size = sizeof unix_address;
  address.family = AF_UNIX;
  return address;
}

// The system's resolver works on a thread of Asio's and cannot be interrupted: whoever comes first, it or the
// time-out, resumes the caller; the other finds nobody waiting.
struct Lookup {
  explicit Lookup(boost::asio::io_context& io) : resolver(io) {}

  boost::asio::ip::tcp::resolver resolver;
  std::coroutine_handle<> waiting;
  std::vector<IpAddress> addresses;
  bool timed_out = false;

  void finish() {
    if (waiting) std::exchange(waiting, nullptr).resume();
  }
};

struct LookupAwaiter {
  std::shared_ptr<Lookup> lookup;
  std::string host;
  runtime::Scheduler& loop;
  Duration limit;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    lookup->waiting = waiting;
    const runtime::TimerId timer = loop.call_after(limit, [state = lookup] {
      state->timed_out = true;
      state->finish();
    });
    lookup->resolver.async_resolve(host, "",
                                   [state = lookup, timer, &scheduler = loop](const boost::system::error_code& error, const auto& results) {
                                     if (!state->waiting) return;
                                     scheduler.cancel(timer);
                                     if (!error) {
                                       for (const auto& result : results) {
                                         if (const auto address = IpAddress::parse(result.endpoint().address().to_string()))
                                           state->addresses.push_back(*address);
                                       }
                                     }
                                     state->finish();
                                   });
  }
  void await_resume() const noexcept {}
};

// A connection to a server, in use or kept.
class ClientConnection final : public Peer {
 public:
  ClientConnection(std::shared_ptr<PeerLoop> peers, int socket) : Peer(std::move(peers)), stream(loop().io(), socket) {}

  void on_deadline() override {
    expired = true;
    stream.cancel();
    if (kept) stream.close();
  }
  void drain() override { cut(); }
  void cut() override {
    stream.cancel();
    stream.close();
  }
  void limit(Duration from_now) { set_deadline(from_now); }

  ByteStream stream;
  std::string pending;  // received, not consumed
  bool expired = false;
  bool kept = false;
};
using ConnectionPointer = std::shared_ptr<ClientConnection>;

Task<bool> wait_until_ready(ClientConnection& connection, IoStatus status) {
  if (connection.expired || !connection.stream.is_open()) co_return false;
  const Direction direction = status == IoStatus::kNeedWrite ? Direction::kWrite : Direction::kRead;
  const bool ready = co_await connection.stream.ready(direction);
  co_return ready && !connection.expired;
}

Task<bool> write_all(ClientConnection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const IoResult result = connection.stream.write(bytes.data(), bytes.size());
    bytes.remove_prefix(result.bytes);
    if (result.status == IoStatus::kDone) continue;
    if (result.status != IoStatus::kNeedRead && result.status != IoStatus::kNeedWrite) co_return false;
    const bool ready = co_await wait_until_ready(connection, result.status);
    if (!ready) co_return false;
  }
  co_return true;
}

// False at the end of the stream, broken or expired.
Task<bool> read_more(ClientConnection& connection) {
  for (;;) {
    auto& scratch = connection.loop().scratch();
    const IoResult result = connection.stream.read(scratch.data(), scratch.size());
    if (result.status == IoStatus::kDone) {
      connection.pending.append(scratch.data(), result.bytes);
      co_return true;
    }
    if (result.status != IoStatus::kNeedRead && result.status != IoStatus::kNeedWrite) co_return false;
    const bool ready = co_await wait_until_ready(connection, result.status);
    if (!ready) co_return false;
  }
}

bool may_be_repeated(std::string_view method) {
  for (const std::string_view safe : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    if (method == safe) return true;
  }
  return false;
}

std::string random_key(RandomSource& random) {
  std::byte bytes[16];
  random.fill(bytes);
  std::string key(24, '\0');
  unsigned char encoded[25];
  EVP_EncodeBlock(encoded, reinterpret_cast<const unsigned char*>(bytes), sizeof bytes);
  std::copy_n(encoded, key.size(), key.begin());
  return key;
}

}  // namespace

struct HttpClient::State : std::enable_shared_from_this<State> {
  State(runtime::Scheduler& scheduler, RandomSource& source, HttpClientSettings given)
      : loop(scheduler), random(source), settings(std::move(given)), peers(std::make_shared<PeerLoop>(scheduler, kTick)) {}

  struct Kept {
    std::string key;
    ConnectionPointer connection;
  };
  struct Exchange {
    Result<HttpResponse> response;
    bool untouched = false;  // the kept connection had been closed before the server saw the call
  };

  runtime::Scheduler& loop;
  RandomSource& random;
  HttpClientSettings settings;
  std::shared_ptr<PeerLoop> peers;
  std::vector<Kept> kept;
  TlsContextPointer tls;

  Result<TlsContextPointer> tls_context();
  ConnectionPointer take_kept(std::string_view key);
  void keep(std::string key, ConnectionPointer connection);
  Task<Result<std::vector<SocketAddress>>> addresses_of(const Url& url, const HttpCall& call);
  Task<Result<ConnectionPointer>> connect(const Url& url, const HttpCall& call);
  Task<Result<ConnectionPointer>> connect_to(SocketAddress address);
  Task<Result<void>> shake_hands(ClientConnection& connection, const Url& url);
  Task<Exchange> exchange(ConnectionPointer connection, const Url& url, const HttpCall& call, std::string key);
  Task<Result<HttpResponse>> send(HttpCall call);
  Task<Result<std::shared_ptr<WebSocket>>> open(HttpCall call, std::shared_ptr<WebSocketListener> listener);
};

Result<TlsContextPointer> HttpClient::State::tls_context() {
  if (!tls) {
    ASSIGN_OR_RETURN(tls, make_client_tls(settings.tls.value_or(TlsClientFiles{})));
  }
  return tls;
}

// Kept connections on which the server has said something meanwhile, its end for example, are dropped.
ConnectionPointer HttpClient::State::take_kept(std::string_view key) {
  for (auto it = kept.begin(); it != kept.end();) {
    char byte = 0;
    const bool alive = it->connection->stream.is_open() && it->connection->stream.read(&byte, 1).status == IoStatus::kNeedRead;
    if (!alive) {
      it = kept.erase(it);
      continue;
    }
    if (it->key == key) {
      ConnectionPointer connection = std::move(it->connection);
      kept.erase(it);
      connection->kept = false;
      return connection;
    }
    ++it;
  }
  return nullptr;
}

void HttpClient::State::keep(std::string key, ConnectionPointer connection) {
  if (settings.idle_connections == 0) return;
  if (kept.size() >= settings.idle_connections) kept.erase(kept.begin());
  connection->kept = true;
  connection->limit(settings.idle_timeout);
  kept.push_back({std::move(key), std::move(connection)});
}

Task<Result<std::vector<SocketAddress>>> HttpClient::State::addresses_of(const Url& url, const HttpCall& call) {
  std::vector<SocketAddress> found;
  if (!call.unix_socket.empty()) {
    CO_ASSIGN_OR_RETURN(SocketAddress address, address_of_path(call.unix_socket));
    found.push_back(address);
    co_return found;
  }
  std::vector<IpAddress> addresses;
  if (const auto numeric = IpAddress::parse(url.endpoint.host)) {
    addresses.push_back(*numeric);
  } else {
    auto lookup = std::make_shared<Lookup>(peers->io());
    LookupAwaiter awaiter{lookup, url.endpoint.host, loop, settings.connect_timeout};
    co_await awaiter;
    if (lookup->timed_out) co_return timed_out();
    addresses = lookup->addresses;
  }
  if (addresses.empty()) co_return unavailable("http.unknown-host", "Expected a host name that is known");
  for (const IpAddress& address : addresses) {
    if (settings.may_connect && !settings.may_connect(address))
      co_return fail(ErrorKind::kForbidden, "http.forbidden-address", "Expected an address that may be called");
    if (found.size() < kTriedAddresses) found.push_back(address_of(address, url.endpoint.port));
  }
  co_return found;
}

Task<Result<ConnectionPointer>> HttpClient::State::connect_to(SocketAddress address) {
  const int descriptor = ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) co_return unavailable("http.cannot-connect", std::generic_category().message(errno));
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_shared<ClientConnection>(peers, descriptor);
  connection->limit(settings.connect_timeout);
  int error = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    const bool ready = co_await wait_until_ready(*connection, IoStatus::kNeedWrite);
    if (!ready) co_return timed_out();
    socklen_t size = sizeof error;
    ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) co_return unavailable("http.cannot-connect", std::generic_category().message(error));
  co_return connection;
}

Task<Result<void>> HttpClient::State::shake_hands(ClientConnection& connection, const Url& url) {
  CO_ASSIGN_OR_RETURN(TlsContextPointer context, tls_context());
  if (!connection.stream.begin_tls_client(std::move(context), url.endpoint.host))
    co_return unavailable("http.tls-failed", "Expected a host name that TLS can carry");
  for (;;) {
    const IoResult result = connection.stream.handshake();
    if (result.status == IoStatus::kDone) co_return Result<void>();
    if (result.status != IoStatus::kNeedRead && result.status != IoStatus::kNeedWrite) break;
    const bool ready = co_await wait_until_ready(connection, result.status);
    if (!ready) co_return timed_out();
  }
  const std::string problem = connection.stream.certificate_problem();
  co_return unavailable("http.tls-failed", problem.empty() ? "Expected a server that speaks TLS" : problem);
}

Task<Result<ConnectionPointer>> HttpClient::State::connect(const Url& url, const HttpCall& call) {
  auto addresses = co_await addresses_of(url, call);
  if (!addresses) co_return fail(std::move(addresses.error()));
  Error last;
  for (const SocketAddress& address : *addresses) {
    auto connection = co_await connect_to(address);
    if (!connection) {
      last = std::move(connection.error());
      continue;
    }
    if (url.tls) {
      auto secured = co_await shake_hands(**connection, url);
      if (!secured) co_return fail(std::move(secured.error()));
    }
    co_return std::move(*connection);
  }
  co_return fail(std::move(last));
}

Task<HttpClient::State::Exchange> HttpClient::State::exchange(ConnectionPointer connection, const Url& url, const HttpCall& call,
                                                              std::string key) {
  connection->limit(settings.request_timeout);
  std::string request = format_request_head(call.method, url.target, url.host_header, call.headers, call.body.size());
  request += call.body;
  co_await write_all(*connection, request);  // when it fails, the server may have answered early: read all the same
  ResponseReader reader(call.method == "HEAD" ? ResponseBody::kNone : ResponseBody::kAsDeclared, settings.body_limit);
  bool heard = false;
  for (;;) {
    const bool more = co_await read_more(*connection);
    if (!more) break;
    heard = true;
    connection->pending.erase(0, reader.consume(connection->pending));
    if (reader.stage() == ReadStage::kComplete || reader.stage() == ReadStage::kFailed) break;
  }
  if (connection->expired) co_return Exchange{timed_out(), false};
  reader.end_of_stream();
  if (reader.stage() == ReadStage::kFailed) co_return Exchange{fail(reader.error()), !heard};
  HttpResponse response = reader.take();
  const bool reusable = reader.keep_alive() && connection->pending.empty() && connection->stream.is_open();
  if (reusable) keep(std::move(key), std::move(connection));
  co_return Exchange{std::move(response), false};
}

Task<Result<HttpResponse>> HttpClient::State::send(HttpCall call) {
  const auto self = shared_from_this();
  CO_ASSIGN_OR_RETURN(const Url url, Url::parse(call.url));
  const bool printable = std::all_of(call.headers.begin(), call.headers.end(), is_printable_header);
  if (!printable) co_return fail(ErrorKind::kMalformed, "http.malformed-header", "Expected headers without control characters");
  const std::string key = (url.tls ? "tls " : "") + (call.unix_socket.empty() ? url.endpoint.text() : call.unix_socket);
  if (ConnectionPointer kept_one = take_kept(key)) {
    Exchange exchanged = co_await exchange(std::move(kept_one), url, call, key);
    const bool again = exchanged.untouched && may_be_repeated(call.method);
    if (!again) co_return std::move(exchanged.response);
  }
  auto connection = co_await connect(url, call);
  if (!connection) co_return fail(std::move(connection.error()));
  Exchange exchanged = co_await exchange(std::move(*connection), url, call, key);
  co_return std::move(exchanged.response);
}

Task<Result<std::shared_ptr<WebSocket>>> HttpClient::State::open(HttpCall call, std::shared_ptr<WebSocketListener> listener) {
  const auto self = shared_from_this();
  CO_ASSIGN_OR_RETURN(const Url url, Url::parse(call.url));
  auto connected = co_await connect(url, call);
  if (!connected) co_return fail(std::move(connected.error()));
  const ConnectionPointer connection = std::move(*connected);
  connection->limit(settings.request_timeout);
  const std::string key = random_key(random);
  std::vector<Header> headers = call.headers;
  for (const auto& [name, value] : {std::pair{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}})
    headers.emplace_back(name, value);
  headers.emplace_back("Sec-WebSocket-Key", key);
  const std::string request = format_request_head("GET", url.target, url.host_header, headers, 0);
  const bool sent = co_await write_all(*connection, request);
  ResponseReader reader(ResponseBody::kAsDeclared, settings.body_limit);
  while (sent && reader.stage() != ReadStage::kComplete && reader.stage() != ReadStage::kFailed) {
    const bool more = co_await read_more(*connection);
    if (!more) break;
    connection->pending.erase(0, reader.consume(connection->pending));
  }
  if (connection->expired) co_return timed_out();
  reader.end_of_stream();
  if (reader.stage() == ReadStage::kFailed) co_return fail(reader.error());
  const HttpResponse response = reader.take();
  if (response.status != 101) co_return unavailable("http.upgrade-refused", "Expected 101, but got " + std::to_string(response.status));
  if (response.header("sec-websocket-accept") != web_socket_accept(key))
    co_return unavailable("http.upgrade-refused", "Expected the accept value of our key");
  WebSocketParts parts{peers,  std::move(connection->stream), std::move(listener), settings.web_socket, WebSocketRole::kClient, &random,
                       nullptr};
  auto socket = std::make_shared<WebSocketConnection>(std::move(parts));
  socket->open(std::move(connection->pending));
  co_return make_web_socket_handle(socket);
}

HttpClient::HttpClient(runtime::Scheduler& loop, RandomSource& random, HttpClientSettings settings)
    : state_(std::make_shared<State>(loop, random, std::move(settings))) {}

// Kept connections are closed on their loop.
HttpClient::~HttpClient() {
  runtime::Scheduler& loop = state_->loop;
  loop.post([state = std::move(state_)] {});
}

Task<Result<HttpResponse>> HttpClient::send(HttpCall call) { return state_->send(std::move(call)); }

Task<Result<std::shared_ptr<WebSocket>>> HttpClient::open_web_socket(HttpCall call, std::shared_ptr<WebSocketListener> listener) {
  return state_->open(std::move(call), std::move(listener));
}

}  // namespace consilium::net
