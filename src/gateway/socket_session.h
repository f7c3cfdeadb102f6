// One open socket of a person, on the loop of its connection: keeps the events in order, fills gaps from the person's
// log, and answers what the page sends.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateway/hub.h"

namespace consilium::gateway {

class SocketSession final : public net::WebSocketListener, public std::enable_shared_from_this<SocketSession> {
 public:
  SocketSession(Hub& hub, const runtime::Context& context, std::optional<std::int64_t> after);

  void on_open(std::shared_ptr<net::WebSocket> socket) override;
  void on_text(std::string text) override;
  void on_close(std::uint16_t code) override;

  // From any thread.
  void deliver(chat::v1::PersonEvent event);
  void close(std::uint16_t code, std::string reason);
  // Tells the page once for each time of expiry.
  void warn_of_expiry(Timestamp expires_at);
  const Uuid& id() const { return id_; }
  const Uuid& user_id() const { return caller_.user_id; }
  const Uuid& session_id() const { return caller_.session_id; }
  Timestamp opened_at() const { return opened_at_; }
  // Steady time of the page's last sign of life.
  Timestamp alive_at() const { return {alive_at_.load(std::memory_order_relaxed)}; }

 private:
  static constexpr int kMaxRunning = 8;          // calls at a time that messages of the page cause
  static constexpr std::int32_t kLogPage = 200;  // events read at a time
  static constexpr std::size_t kBacklog = 100;   // frames that wait for the peer while its log is read
  static constexpr Duration kDrainPatience = seconds(30);
  static constexpr Duration kLogRetry = milliseconds(20);
  static constexpr Duration kLogPatience = seconds(10);  // for an event that was heard of and is not in the log

  static Task<void> open(std::shared_ptr<SocketSession> self);
  static Task<void> catch_up(std::shared_ptr<SocketSession> self);
  static Task<bool> read_page(std::shared_ptr<SocketSession> self);
  static Task<bool> drain(std::shared_ptr<SocketSession> self);
  static Task<void> typing(std::shared_ptr<SocketSession> self, chat::v1::TypingRequest request);
  static Task<void> mark_read(std::shared_ptr<SocketSession> self, chat::v1::MarkReadRequest request, std::string id);
  static Task<void> reopen(std::shared_ptr<SocketSession> self);
  static Task<void> end(std::shared_ptr<SocketSession> self);

  void take(const chat::v1::PersonEvent& event);
  void on_message(std::string_view type, std::string_view id, std::string_view data);
  void send_event(const chat::v1::PersonEvent& event);
  void send(std::string envelope);
  void acknowledge(std::string_view id);
  void complain(std::string_view id, const Error& error);
  void start_catching_up();
  runtime::Context user_context() const;
  runtime::Context service_context() const;

  Hub& hub_;
  runtime::Scheduler& loop_;
  Uuid id_;
  runtime::Caller caller_;
  std::string language_;
  std::string request_id_;
  std::optional<std::int64_t> after_;
  Timestamp opened_at_;
  std::atomic<std::int64_t> alive_at_;
  std::shared_ptr<net::WebSocket> socket_;
  bool open_ = false;  // welcome is sent
  bool closed_ = false;
  bool catching_up_ = false;
  bool is_slow_ = false;     // closed for it
  std::int64_t last_ = 0;    // number of the last event sent
  std::int64_t newest_ = 0;  // highest number heard of: the log is read until it is reached
  std::optional<Timestamp> warned_of_;
  int running_ = 0;
};

}  // namespace consilium::gateway
