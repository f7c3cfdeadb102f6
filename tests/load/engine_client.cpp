#include "engine_client.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "runtime/asio_context.h"

namespace consilium::load {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kService = "/gateway_protocol.Gateway/";
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMostOutgoing = 256 * 1024;
constexpr std::int32_t kWindow = 16 * 1024 * 1024;
constexpr std::uint32_t kMostStreams = 100'000;
constexpr std::size_t kPrefix = 5;  // of a message: whether it is compressed, and its length

nghttp2_nv header_of(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())); };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string framed(const std::string& message) {
  std::string bytes(kPrefix, '\0');
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(1 + i)] = static_cast<char>(message.size() >> (24 - 8 * i));
  return bytes + message;
}

std::size_t length_of(std::string_view prefix) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) length = length << 8 | static_cast<std::uint8_t>(prefix[i]);
  return length;
}

}  // namespace

struct EngineClient::Callbacks {
  static Exchange* exchange_of(nghttp2_session* session, std::int32_t stream) {
    return static_cast<Exchange*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_length,
                       const std::uint8_t* value, std::size_t value_length, std::uint8_t, void*) {
    Exchange* exchange = exchange_of(session, frame->hd.stream_id);
    if (!exchange) return 0;
    const std::string_view key(reinterpret_cast<const char*>(name), name_length);
    const std::string text(reinterpret_cast<const char*>(value), value_length);
    if (key == "grpc-status") exchange->status.code = std::atoi(text.c_str());
    if (key == "grpc-message") exchange->status.message = text;
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* data, std::size_t length, void*) {
    Exchange* exchange = exchange_of(session, stream);
    if (!exchange) return 0;
    std::string& received = exchange->received;
    received.append(reinterpret_cast<const char*>(data), length);
    if (!exchange->on_message) return 0;
    std::size_t place = 0;
    while (received.size() - place >= kPrefix) {
      const std::size_t size = length_of(std::string_view(received).substr(place));
      if (received.size() - place < kPrefix + size) break;
      exchange->on_message(std::string_view(received).substr(place + kPrefix, size));
      place += kPrefix + size;
    }
    received.erase(0, place);
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t, void* user) {
    Exchange* exchange = exchange_of(session, stream);
    if (exchange) static_cast<EngineClient*>(user)->ended_.push_back(exchange);
    return 0;
  }

  static ssize_t give_data(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t length, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& exchange = *static_cast<Exchange*>(source->ptr);
    const std::size_t size = std::min(length, exchange.request.size() - exchange.sent);
    std::memcpy(buffer, exchange.request.data() + exchange.sent, size);
    exchange.sent += size;
    if (exchange.sent == exchange.request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }
};

EngineClient::EngineClient(runtime::Scheduler& loop) : loop_(loop), socket_(runtime::io_context_of(loop)), incoming_(kReadBytes, '\0') {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Callbacks::on_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_peer_max_concurrent_streams(option, kMostStreams);
  nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
}

EngineClient::~EngineClient() { nghttp2_session_del(session_); }

std::string EngineClient::connect(const std::string& host, const std::string& port) {
  boost::system::error_code failure;
  asio::ip::tcp::resolver resolver(runtime::io_context_of(loop_));
  const auto found = resolver.resolve(host, port, failure);
  if (!failure) asio::connect(socket_, found, failure);
  if (failure) return failure.message();
  socket_.set_option(asio::ip::tcp::no_delay(true));
  authority_ = host + ":" + port;
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}, {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
  loop_.post([this] {
    flush();
    read();
  });
  return "";
}

void EngineClient::begin(const std::string& method, Exchange& exchange) {
  const std::string path = std::string(kService) + method;
  const nghttp2_nv headers[] = {header_of(":method", "POST"),
                                header_of(":scheme", "http"),
                                header_of(":path", path),
                                header_of(":authority", authority_),
                                header_of("te", "trailers"),
                                header_of("content-type", "application/grpc"),
                                header_of("user-agent", "consilium-load")};
  nghttp2_data_provider body{};
  body.source.ptr = &exchange;
  body.read_callback = &Callbacks::give_data;
  const std::int32_t stream = nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &body, &exchange);
  if (is_broken_ || stream < 0) {
    ended_.push_back(&exchange);
    loop_.post([this] { resume_ended(); });
    return;
  }
  running_.push_back(&exchange);
  flush_soon();
}

Task<std::expected<std::string, CallStatus>> EngineClient::call(std::string method, std::string request) {
  struct Awaiter {
    EngineClient& self;
    const std::string& method;
    Exchange& exchange;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
      exchange.waiting = waiting;
      self.begin(method, exchange);
    }
    void await_resume() const noexcept {}
  };
  Exchange exchange;
  exchange.request = framed(request);
  Awaiter awaiter{*this, method, exchange};
  co_await awaiter;
  if (exchange.status.code != 0) co_return std::unexpected(exchange.status);
  if (exchange.received.size() < kPrefix) co_return std::unexpected(CallStatus{kUnavailable, "no message came"});
  co_return exchange.received.substr(kPrefix);
}

Task<CallStatus> EngineClient::stream(std::string method, std::string request, std::function<void(std::string_view)> on_message) {
  struct Awaiter {
    EngineClient& self;
    const std::string& method;
    Exchange& exchange;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
      exchange.waiting = waiting;
      self.begin(method, exchange);
    }
    void await_resume() const noexcept {}
  };
  Exchange exchange;
  exchange.request = framed(request);
  exchange.on_message = std::move(on_message);
  Awaiter awaiter{*this, method, exchange};
  co_await awaiter;
  co_return exchange.status;
}

void EngineClient::read() {
  socket_.async_read_some(asio::buffer(incoming_), [this](const boost::system::error_code& error, std::size_t size) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(incoming_.data());
    if (error) return end_all(error.message());
    if (const ssize_t taken = nghttp2_session_mem_recv(session_, bytes, size); taken < 0)
      return end_all(nghttp2_strerror(static_cast<int>(taken)));
    resume_ended();
    flush();  // also windows and acknowledgements
    read();
  });
}

void EngineClient::resume_ended() {
  std::vector<Exchange*> ended;
  ended.swap(ended_);
  for (Exchange* exchange : ended) {
    std::erase(running_, exchange);
    exchange->waiting.resume();
  }
}

void EngineClient::end_all(const std::string& why) {
  is_broken_ = true;
  ended_ = running_;
  for (Exchange* exchange : ended_) exchange->status = {kUnavailable, "the connection ended: " + why};
  resume_ended();
}

// Once for all that is begun in this turn of the loop.
void EngineClient::flush_soon() {
  if (std::exchange(is_flush_queued_, true)) return;
  loop_.post([this] {
    is_flush_queued_ = false;
    flush();
  });
}

void EngineClient::flush() {
  if (is_writing_ || is_broken_) return;
  outgoing_.clear();
  while (outgoing_.size() < kMostOutgoing) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    outgoing_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  if (outgoing_.empty()) return;
  is_writing_ = true;
  asio::async_write(socket_, asio::buffer(outgoing_), [this](const boost::system::error_code& error, std::size_t) {
    is_writing_ = false;
    if (!error) flush();  // a failure is met by the reader, too
  });
}

}  // namespace consilium::load
