#include "net/web_socket_connection.h"

#include <openssl/evp.h>

#include <algorithm>
#include <exception>

namespace consilium::net {
namespace {

constexpr std::size_t kReadTurnLimit = 256 * 1024;  // bytes read before other sockets get their turn

class Handle final : public WebSocket {
 public:
  explicit Handle(const std::shared_ptr<WebSocketConnection>& connection) : connection_(connection) {}

  bool send(std::string text) override {
    const auto connection = connection_.lock();
    return !connection || connection->send(std::move(text));
  }
  void close(std::uint16_t code, std::string_view reason) override {
    if (const auto connection = connection_.lock()) connection->close(code, reason);
  }
  std::size_t queued() const override {
    const auto connection = connection_.lock();
    return connection ? connection->queued() : 0;
  }

 private:
  std::weak_ptr<WebSocketConnection> connection_;
};

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text(4 * ((size + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  return text;
}

}  // namespace

std::shared_ptr<WebSocket> make_web_socket_handle(const std::shared_ptr<WebSocketConnection>& connection) {
  return std::make_shared<Handle>(connection);
}

std::string web_socket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base64(digest, size);
}

WebSocketConnection::WebSocketConnection(WebSocketParts parts)
    : Peer(std::move(parts.loop)),
      stream_(std::move(parts.stream)),
      listener_(std::move(parts.listener)),
      slot_(std::move(parts.slot)),
      settings_(parts.settings),
      random_(parts.random),
      decoder_(parts.role, parts.settings.message_limit) {
  last_received_ = last_ping_ = loop().scheduler().steady_now();
}

void WebSocketConnection::open(std::string early) {
  watch_silence();
  const bool fine = guarded([&] { listener_->on_open(make_web_socket_handle(self())); });
  if (!fine || stage_ == Stage::kFinished) return;
  take_input(early);
  if (loop().draining()) drain();
  read();
}

// A listener that throws is a bug: the socket is closed, the process goes on.
template <class Call>
bool WebSocketConnection::guarded(Call call) {
  try {
    call();
    return true;
  } catch (...) {
    runtime::report_current_exception("websocket");
  }
  if (stage_ == Stage::kOpen) begin_close(Stage::kClosing, close_code::kServerBug, "internal");
  return false;
}

void WebSocketConnection::read() {
  auto& scratch = loop().scratch();
  std::size_t total = 0;
  while (stage_ != Stage::kFinished) {
    if (total >= kReadTurnLimit) {
      loop().scheduler().post([connection = self()] { connection->read(); });
      return;
    }
    const IoResult result = stream_->read(scratch.data(), scratch.size());
    if (result.status == IoStatus::kNeedRead) return wait_to_read(Direction::kRead);
    if (result.status == IoStatus::kNeedWrite) return wait_to_read(Direction::kWrite);
    if (result.status != IoStatus::kDone) return finish(code_);
    total += result.bytes;
    take_input(std::string(scratch.data(), result.bytes));  // a copy: what the listener causes may use the scratch buffer
  }
}

void WebSocketConnection::wait_to_read(Direction direction) {
  stream_->wait(direction, [connection = self()](bool ready) {
    if (!ready || connection->stage_ == Stage::kFinished) return;
    if (connection->write_needs_read_) connection->flush();
    connection->read();
  });
}

void WebSocketConnection::take_input(std::string_view input) {
  last_received_ = loop().scheduler().steady_now();
  while (!input.empty() && (stage_ == Stage::kOpen || stage_ == Stage::kClosing)) {
    auto event = decoder_.next(input);
    if (event) {
      take_event(std::move(*event));
    } else if (decoder_.failure()) {
      return broken(*decoder_.failure());
    }
  }
}

void WebSocketConnection::take_event(WebSocketEvent event) {
  if (event.kind == WebSocketEvent::Kind::kClose) return take_close(event.code);
  if (stage_ != Stage::kOpen) return;
  if (event.kind == WebSocketEvent::Kind::kPing) return answer_ping(std::move(event.payload));
  if (event.kind == WebSocketEvent::Kind::kText) guarded([&] { listener_->on_text(std::move(event.payload)); });
}

void WebSocketConnection::take_close(std::uint16_t code) {
  if (stage_ == Stage::kClosing) {
    stage_ = Stage::kAnswering;  // both close frames are there as soon as ours is sent
    if (queue_.empty()) finish(code_);
    return;
  }
  begin_close(Stage::kAnswering, code == close_code::kNoCode ? close_code::kNormal : code, {});
  code_ = code;
}

void WebSocketConnection::broken(std::uint16_t code) {
  if (stage_ == Stage::kClosing) {
    stage_ = Stage::kDiscarding;  // our close frame is under way already
    return;
  }
  begin_close(Stage::kDiscarding, code, {});
}

void WebSocketConnection::close(std::uint16_t code, std::string_view reason) {
  if (stage_ == Stage::kOpen) begin_close(Stage::kClosing, code, reason);
}

void WebSocketConnection::begin_close(Stage stage, std::uint16_t code, std::string_view reason) {
  stage_ = stage;
  code_ = code;
  push(Opcode::kClose, encode_close(code, reason));
  set_deadline(settings_.close_timeout);
  schedule_flush();
}

bool WebSocketConnection::send(std::string text) {
  if (stage_ != Stage::kOpen) return true;  // the listener hears, or has heard, on_close
  if (queued_messages_ >= settings_.queue_messages || queued_bytes_ + text.size() > settings_.queue_bytes) return false;
  ++queued_messages_;
  push(Opcode::kText, text);
  schedule_flush();
  return true;
}

void WebSocketConnection::answer_ping(std::string payload) {
  if (pong_queued_) {  // only the latest ping needs its answer, so a flood of them cannot fill the queue
    waiting_ping_ = std::move(payload);
    return;
  }
  pong_queued_ = true;
  push(Opcode::kPong, payload);
  schedule_flush();
}

void WebSocketConnection::push(Opcode opcode, std::string_view payload) {
  std::optional<std::uint32_t> mask;
  if (random_ != nullptr) mask = static_cast<std::uint32_t>(random_->next());
  queue_.push_back({encode_frame(opcode, payload, mask), opcode});
  queued_bytes_ += queue_.back().frame.size();
}

// Frames of one turn of the loop leave in one write.
void WebSocketConnection::schedule_flush() {
  if (flush_scheduled_ || waiting_to_write_) return;
  flush_scheduled_ = true;
  loop().scheduler().post([connection = self()] {
    connection->flush_scheduled_ = false;
    connection->flush();
  });
}

void WebSocketConnection::flush() {
  write_needs_read_ = false;
  while (stage_ != Stage::kFinished && !waiting_to_write_ && !queue_.empty()) {
    if (!write_some()) return;
  }
}

bool WebSocketConnection::write_some() {
  auto& scratch = loop().scratch();
  std::size_t size = 0;
  std::size_t offset = front_offset_;
  for (const Outgoing& outgoing : queue_) {
    const std::size_t taken = std::min(scratch.size() - size, outgoing.frame.size() - offset);
    std::copy_n(outgoing.frame.data() + offset, taken, scratch.data() + size);
    size += taken;
    offset = 0;
    if (size == scratch.size()) break;
  }
  const IoResult result = stream_->write(scratch.data(), size);
  switch (result.status) {
    case IoStatus::kDone: pop_written(result.bytes); return true;
    case IoStatus::kNeedRead: write_needs_read_ = true; return false;
    case IoStatus::kNeedWrite: break;
    default: finish(code_); return false;
  }
  waiting_to_write_ = true;
  stream_->wait(Direction::kWrite, [connection = self()](bool ready) {
    connection->waiting_to_write_ = false;
    if (ready) connection->flush();
  });
  return false;
}

void WebSocketConnection::pop_written(std::size_t bytes) {
  front_offset_ += bytes;
  while (!queue_.empty() && front_offset_ >= queue_.front().frame.size()) {
    const Outgoing& done = queue_.front();
    front_offset_ -= done.frame.size();
    queued_bytes_ -= done.frame.size();
    if (done.opcode == Opcode::kText) --queued_messages_;
    if (done.opcode == Opcode::kPong) pong_queued_ = false;
    queue_.pop_front();
  }
  if (!pong_queued_ && waiting_ping_ && stage_ == Stage::kOpen) answer_ping(*std::exchange(waiting_ping_, std::nullopt));
  if (queue_.empty()) sent_all();
}

void WebSocketConnection::sent_all() {
  if (stage_ == Stage::kAnswering) {
    stream_->end_writing();
    finish(code_);
  } else if (stage_ == Stage::kDiscarding) {
    stream_->end_writing();
  }
}

// While open, the deadline is the next moment at which silence matters.
void WebSocketConnection::watch_silence() {
  const Timestamp now = loop().scheduler().steady_now();
  const Timestamp gone = last_received_ + settings_.silence_limit;
  const Timestamp ping = std::max(last_received_, last_ping_) + settings_.ping_interval;
  set_deadline(std::max(std::min(gone, ping) - now, Duration{}));
}

void WebSocketConnection::on_deadline() {
  if (stage_ != Stage::kOpen) return finish(code_);
  const Timestamp now = loop().scheduler().steady_now();
  if (now - last_received_ >= settings_.silence_limit) {
    return begin_close(Stage::kAnswering, close_code::kNoPing, "no ping");  // nobody is there to answer
  }
  if (now - std::max(last_received_, last_ping_) >= settings_.ping_interval) {
    last_ping_ = now;
    push(Opcode::kPing, {});
    schedule_flush();
  }
  watch_silence();
}

void WebSocketConnection::finish(std::uint16_t code) {
  if (stage_ == Stage::kFinished) return;
  const bool silent = stage_ == Stage::kOpen;
  stage_ = Stage::kFinished;
  clear_deadline();
  stream_.reset();
  slot_.reset();
  queue_.clear();
  queued_messages_ = queued_bytes_ = 0;
  const auto listener = std::exchange(listener_, nullptr);
  guarded([&] { listener->on_close(silent ? close_code::kAbnormal : code); });
}

}  // namespace consilium::net
