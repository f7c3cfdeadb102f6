#include "gateway/socket_session.h"

#include <algorithm>

#include "base/json_writer.h"
#include "gateway/envelope.h"

namespace consilium::gateway {

SocketSession::SocketSession(Hub& hub, const runtime::Context& context, std::optional<std::int64_t> after)
    : hub_(hub),
      loop_(context.scheduler()),
      id_(context.new_id()),
      caller_(context.caller),
      language_(context.language),
      request_id_(context.request_id),
      after_(after),
      opened_at_(context.scheduler().steady_now()),
      alive_at_(opened_at_.microseconds) {}

runtime::Context SocketSession::user_context() const {
  runtime::Context context(loop_, hub_.random_);
  context.client = runtime::ClientType::kWebSocket;
  context.request_id = request_id_;
  context.language = language_;
  context.caller = caller_;
  context.deadline = loop_.steady_now() + hub_.settings_.call_timeout;
  return context;
}

runtime::Context SocketSession::service_context() const { return user_context().as_service("gateway"); }

void SocketSession::on_open(std::shared_ptr<net::WebSocket> socket) {
  socket_ = std::move(socket);
  loop_.spawn("socket.open", open(shared_from_this()));
}

Task<void> SocketSession::open(std::shared_ptr<SocketSession> self) {
  runtime::Context context = self->service_context();
  chat::v1::OpenSocketRequest request;
  request.socket_id = self->id_;
  request.user_id = self->user_id();
  request.session_id = self->session_id();
  auto opened = co_await self->hub_.chat_.open_socket(context, request);
  if (self->closed_) co_return;
  if (!opened) {
    self->hub_.log_.warn(context, "Socket not opened", {{"error", opened.error()}});
    self->close(close_code::kShutdown, "unavailable");
    co_return;
  }
  // A number from the future is from another life of the log: the client must reload.
  const bool foreign = self->after_ && *self->after_ > opened->sequence;
  self->last_ = foreign ? opened->sequence : self->after_.value_or(opened->sequence);
  self->open_ = true;
  self->send(welcome_envelope(opened->sequence, self->session_id(), self->hub_.settings_.ping_interval, context.now()));
  if (foreign) self->send(resync_envelope(opened->sequence, context.now()));
  self->hub_.join(self);
  self->start_catching_up();
}

void SocketSession::deliver(chat::v1::PersonEvent event) {
  loop_.post([self = shared_from_this(), event = std::move(event)] { self->take(event); });
}

void SocketSession::take(const chat::v1::PersonEvent& event) {
  if (!open_ || closed_) return;
  if (event.sequence == 0) return send_event(event);
  if (event.sequence <= last_) return;
  newest_ = std::max(newest_, event.sequence);
  if (catching_up_ || event.sequence != last_ + 1) return start_catching_up();
  last_ = event.sequence;
  send_event(event);
}

void SocketSession::start_catching_up() {
  if (catching_up_ || closed_) return;
  catching_up_ = true;
  ++hub_.catch_ups_;
  loop_.spawn("socket.catch-up", catch_up(shared_from_this()));
}

Task<void> SocketSession::catch_up(std::shared_ptr<SocketSession> self) {
  Timestamp patience = self->loop_.steady_now() + kLogPatience;
  do {
    const std::int64_t before = self->last_;
    const bool read = co_await read_page(self);
    if (!read || self->closed_) co_return;
    if (self->last_ != before) {
      patience = self->loop_.steady_now() + kLogPatience;
      continue;
    }
    if (self->last_ >= self->newest_) break;
    // It was heard of before its commit was seen here: look again soon.
    if (self->loop_.steady_now() >= patience) {
      self->close(close_code::kShutdown, "unavailable");
      co_return;
    }
    co_await self->loop_.sleep_for(kLogRetry);
  } while (!self->closed_);
  self->catching_up_ = false;
}

// False: the log cannot be read; the page comes back and asks again from its last number.
Task<bool> SocketSession::read_page(std::shared_ptr<SocketSession> self) {
  runtime::Context context = self->service_context();
  context.language = self->language_;
  chat::v1::ReadEventsRequest request;
  request.user_id = self->user_id();
  request.after = self->last_;
  request.limit = kLogPage;
  auto reply = co_await self->hub_.chat_.read_events(context, request);
  if (self->closed_) co_return false;
  if (!reply) {
    self->hub_.log_.warn(context, "Event log not read", {{"error", reply.error()}});
    self->close(close_code::kShutdown, "unavailable");
    co_return false;
  }
  if (reply->resync) {
    self->last_ = reply->last_sequence;
    self->send(resync_envelope(reply->last_sequence, context.now()));
  }
  for (const chat::v1::PersonEvent& event : reply->events) {
    if (event.sequence <= self->last_) continue;
    const bool drained = co_await drain(self);
    if (!drained || self->closed_) co_return false;
    self->last_ = event.sequence;
    self->send_event(event);
  }
  co_return true;
}

// A long log must not fill the queue of a peer that reads as fast as its line allows. False: it reads nothing at all.
Task<bool> SocketSession::drain(std::shared_ptr<SocketSession> self) {
  const Timestamp end = self->loop_.steady_now() + kDrainPatience;
  while (!self->closed_ && self->socket_ && self->socket_->queued() >= kBacklog) {
    if (self->loop_.steady_now() >= end) {
      self->close(close_code::kSlow, "slow consumer");
      co_return false;
    }
    co_await self->loop_.sleep_for(kLogRetry);
  }
  co_return true;
}

void SocketSession::send_event(const chat::v1::PersonEvent& event) { send(event_envelope(event)); }

void SocketSession::send(std::string envelope) {
  if (closed_ || !socket_) return;
  if (!socket_->send(std::move(envelope))) close(close_code::kSlow, "slow consumer");
}

void SocketSession::close(std::uint16_t code, std::string reason) {
  loop_.post([self = shared_from_this(), code, reason = std::move(reason)] {
    if (self->closed_ || !self->socket_) return;
    if (code == close_code::kSlow && !std::exchange(self->is_slow_, true)) ++self->hub_.slow_;
    self->socket_->close(code, reason);
  });
}

void SocketSession::warn_of_expiry(Timestamp expires_at) {
  loop_.post([self = shared_from_this(), expires_at] {
    if (!self->open_ || self->closed_ || self->warned_of_ == expires_at) return;
    self->warned_of_ = expires_at;
    self->send(expiring_envelope(self->session_id(), expires_at, self->loop_.now()));
  });
}

void SocketSession::on_text(std::string text) {
  auto message = read_envelope(text);
  if (!message) return close(close_code::kProtocol, "malformed message");
  on_message(message->type, message->id, message->data);
}

void SocketSession::on_message(std::string_view type, std::string_view id, std::string_view data) {
  const Timestamp before = alive_at();
  alive_at_.store(loop_.steady_now().microseconds, std::memory_order_relaxed);
  // A page that stood still longer than its lease (a frozen tab) is back: its presence must be taken up anew.
  const bool was_gone = loop_.steady_now() - before > hub_.settings_.ping_interval * 2;
  if (was_gone && open_) loop_.spawn("socket.reopen", reopen(shared_from_this()));

  if (type == "ping") return acknowledge(id);
  if (running_ >= kMaxRunning)
    return complain(id, make_error(ErrorKind::kRateLimited, "request.too-many", "Expected fewer messages at a time"));
  if (type == "typing") {
    auto request = decode_typing(data);
    if (!request) return complain(id, request.error());
    ++running_;
    return loop_.spawn("socket.typing", typing(shared_from_this(), *request));
  }
  if (type == "read") {
    auto request = decode_read(data);
    if (!request) return complain(id, request.error());
    ++running_;
    return loop_.spawn("socket.read", mark_read(shared_from_this(), *request, std::string(id)));
  }
  close(close_code::kProtocol, "unknown message type");
}

Task<void> SocketSession::typing(std::shared_ptr<SocketSession> self, chat::v1::TypingRequest request) {
  runtime::Context context = self->user_context();
  // Nobody waits for it: a channel that is not theirs is told like any other failure, by nothing happening.
  auto told = co_await self->hub_.chat_.typing(context, request);
  if (!told) self->hub_.log_.debug(context, "Typing not told", {{"error", told.error()}});
  --self->running_;
}

Task<void> SocketSession::mark_read(std::shared_ptr<SocketSession> self, chat::v1::MarkReadRequest request, std::string id) {
  runtime::Context context = self->user_context();
  auto marked = co_await self->hub_.chat_.mark_read(context, request);
  --self->running_;
  if (marked) {
    self->acknowledge(id);
  } else {
    self->complain(id, marked.error());
  }
}

Task<void> SocketSession::reopen(std::shared_ptr<SocketSession> self) {
  runtime::Context context = self->service_context();
  chat::v1::OpenSocketRequest request;
  request.socket_id = self->id_;
  request.user_id = self->user_id();
  request.session_id = self->session_id();
  auto opened = co_await self->hub_.chat_.open_socket(context, request);
  if (!opened) self->hub_.log_.warn(context, "Socket not taken up again", {{"error", opened.error()}});
}

void SocketSession::acknowledge(std::string_view id) { send(ack_envelope(id, loop_.now())); }

void SocketSession::complain(std::string_view id, const Error& error) { send(error_envelope(id, error, loop_.now())); }

void SocketSession::on_close(std::uint16_t code) {
  closed_ = true;
  socket_.reset();
  hub_.log_.info(user_context(), "Socket closed", {{"code", static_cast<std::int64_t>(code)}});
  hub_.leave(shared_from_this());
  loop_.spawn("socket.end", end(shared_from_this()));
}

Task<void> SocketSession::end(std::shared_ptr<SocketSession> self) {
  runtime::Context context = self->service_context();
  chat::v1::CloseSocketRequest request;
  request.socket_id = self->id_;
  // Should it fail, the lease ends by itself.
  auto ended = co_await self->hub_.chat_.close_socket(context, request);
  if (!ended) self->hub_.log_.debug(context, "Socket not closed in chat", {{"error", ended.error()}});
}

}  // namespace consilium::gateway
