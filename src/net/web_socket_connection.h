// One open WebSocket, either side of it. One object owns the socket, and there is one way out (`finish`), so that
// the listener hears `on_close` once. An idle one holds no buffer. Internal to `net`; belongs to its loop.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "net/byte_stream.h"
#include "net/http.h"
#include "net/http_server.h"
#include "net/server_loop.h"
#include "net/web_socket_frame.h"

namespace consilium::net {

struct WebSocketParts {
  std::shared_ptr<PeerLoop> loop;
  ByteStream stream;
  std::shared_ptr<WebSocketListener> listener;
  WebSocketSettings settings;
  WebSocketRole role = WebSocketRole::kServer;
  RandomSource* random = nullptr;  // for a client's masks
  std::shared_ptr<void> slot;      // released when the connection is gone
};

class WebSocketConnection final : public Peer {
 public:
  explicit WebSocketConnection(WebSocketParts parts);

  // Tells the listener, then reads; `early` are bytes that came behind the handshake.
  void open(std::string early);

  bool send(std::string text);
  void close(std::uint16_t code, std::string_view reason);
  std::size_t queued() const { return queued_messages_; }

  void on_deadline() override;
  void drain() override { close(close_code::kGoingAway, "shutdown"); }
  void cut() override { finish(close_code::kAbnormal); }

 private:
  enum class Stage {
    kOpen,
    kClosing,     // our close frame is queued; what the peer still sends is dropped until its own comes
    kAnswering,   // the peer's close frame came; ours is the last thing sent
    kDiscarding,  // the peer broke the protocol: after our close frame only the end of its stream counts
    kFinished,
  };
  struct Outgoing {
    std::string frame;
    Opcode opcode;
  };

  std::shared_ptr<WebSocketConnection> self() { return std::static_pointer_cast<WebSocketConnection>(shared_from_this()); }
  void read();
  void wait_to_read(Direction direction);
  void take_input(std::string_view input);
  void take_event(WebSocketEvent event);
  void take_close(std::uint16_t code);
  void broken(std::uint16_t code);
  void begin_close(Stage stage, std::uint16_t code, std::string_view reason);
  void answer_ping(std::string payload);
  void push(Opcode opcode, std::string_view payload);
  void schedule_flush();
  void flush();
  bool write_some();
  void pop_written(std::size_t bytes);
  void sent_all();
  void watch_silence();
  void finish(std::uint16_t code);
  template <class Call>
  bool guarded(Call call);

  std::optional<ByteStream> stream_;
  std::shared_ptr<WebSocketListener> listener_;
  std::shared_ptr<void> slot_;
  WebSocketSettings settings_;
  RandomSource* random_;
  WebSocketDecoder decoder_;
  Stage stage_ = Stage::kOpen;
  std::uint16_t code_ = close_code::kAbnormal;  // what `on_close` will be told
  std::list<Outgoing> queue_;
  std::size_t front_offset_ = 0;  // bytes of the first frame that are sent
  std::size_t queued_messages_ = 0;
  std::size_t queued_bytes_ = 0;
  std::optional<std::string> waiting_ping_;  // the latest one that came while a pong was queued
  bool pong_queued_ = false;
  bool flush_scheduled_ = false;
  bool waiting_to_write_ = false;
  bool write_needs_read_ = false;  // TLS wants to read before it can write
  Timestamp last_received_;
  Timestamp last_ping_;
};

// What the application holds: it may outlive the connection and the loop.
std::shared_ptr<WebSocket> make_web_socket_handle(const std::shared_ptr<WebSocketConnection>& connection);

// `Sec-WebSocket-Accept` for a key (RFC 6455 §4.2.2).
std::string web_socket_accept(std::string_view key);

}  // namespace consilium::net
