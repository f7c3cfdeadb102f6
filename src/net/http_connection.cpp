#include "net/http_connection.h"

#include <algorithm>
#include <exception>

#include "base/id.h"
#include "net/header_text.h"
#include "net/message_writer.h"
#include "net/problem.h"
#include "net/web_socket_connection.h"

namespace consilium::net {
namespace {

constexpr std::size_t kWriteChunk = 64 * 1024;         // each has `progress_timeout`
constexpr std::size_t kJoinedBody = 16 * 1024;         // bodies up to this leave in one write with their head
constexpr std::size_t kLingerLimit = 4 * 1024 * 1024;  // bytes of a refused request that are still read and dropped
constexpr Duration kLingerTime = seconds(2);
constexpr Duration kLingerTimeWhenStopping = milliseconds(100);
constexpr Duration kPeerLook = milliseconds(250);
constexpr std::size_t kRequestsPerTurn = 16;
constexpr std::size_t kRequestIdLimit = 128;

// Lets other connections of the loop have their turn.
auto next_turn(runtime::Scheduler& loop) {
  struct Awaiter {
    runtime::Scheduler& loop;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
      loop.post([waiting] { waiting.resume(); });
    }
    void await_resume() const noexcept {}
  };
  return Awaiter{loop};
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdLimit &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F' && c != '"' && c != '\\'; });
}

bool asks_for_web_socket(const HttpRequest& request) {
  return list_contains(request.header("upgrade"), "websocket") && list_contains(request.header("connection"), "upgrade");
}

// Sixteen bytes in base64.
bool is_web_socket_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.end() - 2, [](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '+' || c == '/';
  });
}

std::optional<Refusal> check_upgrade(const RequestReader& reader) {
  const HttpRequest& request = reader.request();
  const auto refusal = [](int status, std::string_view detail) {
    return Refusal{status, make_error(ErrorKind::kMalformed, "request.malformed-upgrade", detail)};
  };
  if (request.header("sec-websocket-version") != "13") return refusal(426, "Expected Sec-WebSocket-Version 13");
  if (request.method != "GET" || reader.has_body()) return refusal(400, "Expected GET without a body");
  if (!is_web_socket_key(request.header("sec-websocket-key"))) return refusal(400, "Expected Sec-WebSocket-Key with 16 bytes in base64");
  return std::nullopt;
}

Refusal time_out_refusal() { return {408, make_error(ErrorKind::kDeadlineExceeded, "request.too-slow", "Expected the request sooner")}; }

HttpResponse internal_problem(std::string_view request_id) { return problem_response(internal_error({}), request_id); }

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<ServerState> server, std::shared_ptr<PeerLoop> peers, int socket, std::string remote_address,
                               Admission admission, std::shared_ptr<void> slot)
    : Peer(std::move(peers)),
      server_(std::move(server)),
      stream_(loop().io(), socket),
      remote_address_(std::move(remote_address)),
      admission_(admission),
      slot_(std::move(slot)) {}

void HttpConnection::on_deadline() {
  if (answering_) {
    if (stream_.peer_has_ended()) {
      answering_->request();
    } else {
      set_deadline(kPeerLook);
    }
    return;
  }
  expired_ = true;
  stream_.cancel();
}

void HttpConnection::drain() {
  if (idle_) cut();
}

void HttpConnection::cut() {
  if (answering_) answering_->request();
  stream_.cancel();
  stream_.close();
}

// False: cancelled, closed or too late.
Task<bool> HttpConnection::wait_for(IoStatus status) {
  if (expired_ || !stream_.is_open()) co_return false;
  const Direction direction = status == IoStatus::kNeedWrite ? Direction::kWrite : Direction::kRead;
  const bool ready = co_await stream_.ready(direction);
  co_return ready && !expired_;
}

Task<void> HttpConnection::run(std::shared_ptr<HttpConnection> self) {
  const bool ready = co_await self->shake_hands();
  Outcome outcome = ready ? Outcome::kGoOn : Outcome::kEnd;
  if (self->admission_ == Admission::kServerFull && ready) {
    Error full = make_error(ErrorKind::kUnavailable, "server.full", "Expected a free connection, but there is none").retry_in(seconds(5));
    Refusal refusal{503, std::move(full)};
    outcome = co_await self->refuse(std::move(refusal));
  }
  for (std::size_t served = 1; outcome == Outcome::kGoOn; ++served) {
    outcome = co_await self->serve_one();
    if (served % kRequestsPerTurn == 0) co_await next_turn(self->loop().scheduler());
  }
  self->clear_deadline();
  if (!self->upgraded_) self->stream_.close();
}

Task<bool> HttpConnection::shake_hands() {
  const TlsContextPointer context = server_->tls();
  if (!context) co_return true;
  if (admission_ == Admission::kServerFull || !stream_.begin_tls_server(context)) co_return false;
  set_deadline(server_->settings.head_timeout);
  for (;;) {
    const IoResult result = stream_.handshake();
    if (result.status == IoStatus::kDone) co_return true;
    if (result.status != IoStatus::kNeedRead && result.status != IoStatus::kNeedWrite) break;
    const bool ready = co_await wait_for(result.status);
    if (!ready) break;
  }
  server_->tls_failures.fetch_add(1, std::memory_order_relaxed);
  co_return false;
}

Task<HttpConnection::Outcome> HttpConnection::serve_one() {
  reader_.emplace(server_->settings.head_limit);
  const Outcome head = co_await read_head();
  if (head == Outcome::kEnd) co_return Outcome::kEnd;
  if (asks_for_web_socket(reader_->request())) {
    const Outcome upgraded = co_await answer_upgrade();
    co_return upgraded;
  }
  const Outcome body = co_await read_body();
  if (body == Outcome::kEnd) co_return Outcome::kEnd;
  const Outcome answered = co_await answer_request();
  co_return answered;
}

void HttpConnection::consume_input() {
  const std::size_t used = reader_->consume(input_);
  input_.erase(0, used);
  if (input_.empty() && reader_->stage() != ReadStage::kHead) std::string().swap(input_);
}

// kEnd: nothing more comes, in time.
Task<HttpConnection::Outcome> HttpConnection::read_more() {
  for (;;) {
    auto& scratch = loop().scratch();
    const IoResult result = stream_.read(scratch.data(), scratch.size());
    if (result.status == IoStatus::kDone) {
      input_.append(scratch.data(), result.bytes);
      co_return Outcome::kGoOn;
    }
    if (result.status != IoStatus::kNeedRead && result.status != IoStatus::kNeedWrite) co_return Outcome::kEnd;
    const bool ready = co_await wait_for(result.status);
    if (!ready) co_return Outcome::kEnd;
  }
}

Task<HttpConnection::Outcome> HttpConnection::read_head() {
  idle_ = true;
  set_deadline(server_->settings.idle_timeout);
  for (;;) {
    std::size_t before = 0;
    do {  // an empty line before the request is consumed by itself
      before = input_.size();
      consume_input();
    } while (input_.size() != before && reader_->stage() == ReadStage::kHead);
    if (reader_->has_begun() && idle_) {
      idle_ = false;
      set_deadline(server_->settings.head_timeout);
    }
    if (reader_->stage() == ReadStage::kFailed) break;
    if (reader_->stage() == ReadStage::kHeadDone) co_return Outcome::kGoOn;
    if (idle_ && loop().draining()) co_return Outcome::kEnd;
    const Outcome more = co_await read_more();
    if (more == Outcome::kGoOn) continue;
    if (!expired_ || idle_) co_return Outcome::kEnd;
    const Outcome late = co_await timed_out_in_request();
    co_return late;
  }
  const Outcome refused = co_await refuse_malformed();
  co_return refused;
}

Task<HttpConnection::Outcome> HttpConnection::read_body() {
  const HttpRequest& request = reader_->request();
  std::optional<std::size_t> special;
  if (server_->settings.body_limit_of) special = server_->settings.body_limit_of(request.method, request.path());
  reader_->set_body_limit(special.value_or(server_->settings.body_limit));
  const bool waits_for_continue = reader_->expects_continue() && reader_->has_body() && input_.empty();
  if (waits_for_continue && reader_->stage() != ReadStage::kFailed) {
    const bool sent = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return Outcome::kEnd;
  }
  set_deadline(server_->settings.progress_timeout);
  std::size_t progress = 0;
  for (;;) {
    const std::size_t before = input_.size();
    consume_input();
    progress += before - input_.size();
    if (reader_->stage() == ReadStage::kComplete) co_return Outcome::kGoOn;
    if (reader_->stage() == ReadStage::kFailed) break;
    if (progress >= kWriteChunk) {
      progress = 0;
      set_deadline(server_->settings.progress_timeout);
    }
    const Outcome more = co_await read_more();
    if (more == Outcome::kGoOn) continue;
    if (!expired_) co_return Outcome::kEnd;
    const Outcome late = co_await timed_out_in_request();
    co_return late;
  }
  const Outcome refused = co_await refuse_malformed();
  co_return refused;
}

std::string HttpConnection::request_id_of(const HttpRequest& request) const {
  const std::string_view given = request.header("x-request-id");
  if (is_request_id(given)) return std::string(given);
  return make_uuid_v7(loop().scheduler().now(), server_->random).text();
}

Task<HttpConnection::Outcome> HttpConnection::answer_request() {
  clear_deadline();
  const bool wants_more = reader_->keep_alive();
  const Content content = reader_->request().method == "HEAD" ? Content::kHeadOnly : Content::kWhole;
  HttpRequest request = reader_->take();
  reader_.reset();
  watch_peer(request);
  HttpResponse response = co_await ask_application(std::move(request));
  answering_.reset();
  clear_deadline();
  const Persistence persistence = persistence_of(wants_more);
  const bool sent = co_await respond(std::move(response), content, persistence);
  if (sent && persistence == Persistence::kKeepAlive) co_return Outcome::kGoOn;
  if (sent) co_await linger();
  co_return Outcome::kEnd;
}

// While the application works nobody reads, so the end of the peer's bytes is looked for now and then.
void HttpConnection::watch_peer(HttpRequest& request) {
  answering_ = std::make_shared<runtime::Cancellation>();
  request.cancellation = answering_;
  set_deadline(kPeerLook);
}

// The boundary: what leaves a handler as an exception is a bug of ours, and the caller learns no more than that.
Task<HttpResponse> HttpConnection::ask_application(HttpRequest request) {
  const Counted running(server_, &ServerState::running_requests);
  server_->requests.fetch_add(1, std::memory_order_relaxed);
  request.remote_address = remote_address_;
  request.tls = stream_.is_tls();
  const std::string request_id = request_id_of(request);
  try {
    HttpResponse response = co_await server_->application.handle(loop().scheduler(), std::move(request));
    co_await loop().scheduler().enter();
    const bool printable = response.status >= 200 && response.status < 600 &&
                           std::all_of(response.headers.begin(), response.headers.end(), is_printable_header);
    if (printable) co_return response;
    runtime::report_panic("http", "a response that cannot be printed");
  } catch (...) {
    runtime::report_current_exception("http");
  }
  co_await loop().scheduler().enter();
  co_return internal_problem(request_id);
}

Task<UpgradeAnswer> HttpConnection::ask_for_upgrade(HttpRequest request) {
  const Counted running(server_, &ServerState::running_requests);
  server_->requests.fetch_add(1, std::memory_order_relaxed);
  request.remote_address = remote_address_;
  request.tls = stream_.is_tls();
  const std::string request_id = request_id_of(request);
  try {
    UpgradeAnswer answer = co_await server_->application.upgrade(loop().scheduler(), std::move(request));
    co_await loop().scheduler().enter();
    if (!answer || answer->listener) co_return answer;
    runtime::report_panic("http", "an upgrade without a listener");
  } catch (...) {
    runtime::report_current_exception("http");
  }
  co_await loop().scheduler().enter();
  co_return std::unexpected(internal_problem(request_id));
}

Task<HttpConnection::Outcome> HttpConnection::answer_upgrade() {
  auto refusal = check_upgrade(*reader_);
  if (!refusal && loop().draining())
    refusal = Refusal{
        503, make_error(ErrorKind::kUnavailable, "server.stopping", "Expected a running server, but it stops").retry_in(seconds(1))};
  if (refusal) {
    const Outcome refused = co_await refuse(std::move(*refusal));
    co_return refused;
  }
  clear_deadline();
  const bool wants_more = reader_->keep_alive();
  HttpRequest request = reader_->take();
  reader_.reset();
  HttpResponse switching;
  switching.status = 101;
  switching.headers.emplace_back("Upgrade", "websocket");
  switching.headers.emplace_back("Sec-WebSocket-Accept", web_socket_accept(request.header("sec-websocket-key")));
  watch_peer(request);
  UpgradeAnswer answer = co_await ask_for_upgrade(std::move(request));
  answering_.reset();
  clear_deadline();
  if (!answer) {
    const Persistence persistence = persistence_of(wants_more);
    const bool sent_refusal = co_await respond(std::move(answer.error()), Content::kWhole, persistence);
    if (sent_refusal && persistence == Persistence::kKeepAlive) co_return Outcome::kGoOn;
    if (sent_refusal) co_await linger();
    co_return Outcome::kEnd;
  }
  if (!answer->sub_protocol.empty()) switching.headers.emplace_back("Sec-WebSocket-Protocol", answer->sub_protocol);
  const bool sent = co_await respond(std::move(switching), Content::kHeadOnly, Persistence::kKeepAlive);
  if (sent) become_web_socket(std::move(*answer));
  co_return Outcome::kEnd;
}

void HttpConnection::become_web_socket(UpgradeAccepted accepted) {
  upgraded_ = true;
  clear_deadline();
  server_->upgrades.fetch_add(1, std::memory_order_relaxed);
  struct Slots {
    Slots(std::shared_ptr<void> taken, const std::shared_ptr<ServerState>& server)
        : connection(std::move(taken)), web_socket(server, &ServerState::web_sockets) {}

    std::shared_ptr<void> connection;
    Counted web_socket;
  };
  WebSocketParts parts{loop().shared_from_this(), std::move(stream_), std::move(accepted.listener), server_->settings.web_socket};
  parts.slot = std::make_shared<Slots>(std::move(slot_), server_);
  std::make_shared<WebSocketConnection>(std::move(parts))->open(std::move(input_));
}

Task<HttpConnection::Outcome> HttpConnection::timed_out_in_request() {
  server_->timed_out.fetch_add(1, std::memory_order_relaxed);
  Refusal refusal = time_out_refusal();
  const Outcome refused = co_await refuse(std::move(refusal));
  co_return refused;
}

Task<HttpConnection::Outcome> HttpConnection::refuse_malformed() {
  Refusal refusal = reader_->refusal();
  const Outcome refused = co_await refuse(std::move(refusal));
  co_return refused;
}

// Answers without the application, then ends: where the next request would begin is not known any more.
Task<HttpConnection::Outcome> HttpConnection::refuse(Refusal refusal) {
  server_->malformed.fetch_add(1, std::memory_order_relaxed);
  expired_ = false;
  HttpRequest none;
  const std::string request_id = request_id_of(reader_ ? reader_->request() : none);
  HttpResponse response = problem_response(refusal.status, refusal.error, request_id);
  if (refusal.status == 426) response.headers.emplace_back("Sec-WebSocket-Version", "13");
  const Content content = reader_ && reader_->request().method == "HEAD" ? Content::kHeadOnly : Content::kWhole;
  const bool sent = co_await respond(std::move(response), content, Persistence::kClose);
  if (sent) co_await linger();
  co_return Outcome::kEnd;
}

Persistence HttpConnection::persistence_of(bool wanted) const {
  return wanted && !loop().draining() ? Persistence::kKeepAlive : Persistence::kClose;
}

Task<bool> HttpConnection::respond(HttpResponse response, Content content, Persistence persistence) {
  std::string head = format_response_head(response, persistence, loop().scheduler().now());
  const bool has_content = content == Content::kWhole && has_body(response.status) && !response.body.empty();
  if (has_content && response.body.size() <= kJoinedBody) head += std::exchange(response.body, {});
  const bool head_sent = co_await write_all(head);
  if (!head_sent || !has_content || response.body.empty()) co_return head_sent;
  const bool sent = co_await write_all(response.body);
  co_return sent;
}

Task<bool> HttpConnection::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view chunk = bytes.substr(0, kWriteChunk);
    bytes.remove_prefix(chunk.size());
    set_deadline(server_->settings.progress_timeout);
    while (!chunk.empty()) {
      const IoResult result = stream_.write(chunk.data(), chunk.size());
      if (result.status == IoStatus::kDone) {
        chunk.remove_prefix(result.bytes);
        continue;
      }
      if (result.status != IoStatus::kNeedRead && result.status != IoStatus::kNeedWrite) co_return false;
      const bool ready = co_await wait_for(result.status);
      if (ready) continue;
      if (expired_) server_->timed_out.fetch_add(1, std::memory_order_relaxed);
      co_return false;
    }
  }
  clear_deadline();
  co_return true;
}

// Closing with unread bytes would reset the connection, and the peer could lose the answer: read and drop for a while.
Task<void> HttpConnection::linger() {
  stream_.end_writing();
  set_deadline(loop().draining() ? kLingerTimeWhenStopping : kLingerTime);
  idle_ = true;
  for (std::size_t dropped = 0; dropped < kLingerLimit;) {
    auto& scratch = loop().scratch();
    const IoResult result = stream_.read(scratch.data(), scratch.size());
    dropped += result.bytes;
    if (result.status == IoStatus::kDone) continue;
    if (result.status != IoStatus::kNeedRead) co_return;
    const bool ready = co_await wait_for(result.status);
    if (!ready) co_return;
  }
}

}  // namespace consilium::net
