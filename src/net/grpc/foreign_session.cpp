#include "net/grpc/foreign_session.h"

#include <nghttp2/nghttp2.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace consilium::net {
namespace {

constexpr std::size_t kPrefix = 5;                   // of a message: whether it is compressed, and its length
constexpr std::size_t kMostHeadBytes = 16 * 1024;    // of names and values of one call
constexpr std::size_t kMostMessageText = 6 * 1024;   // of `grpc-message`: clients refuse more than 8 KB of trailers
constexpr std::int32_t kConnectionWindow = 1 << 20;  // of requests on their way
constexpr std::size_t kMostTimeoutDigits = 8;
// Resets a second. gRPC's client of Node resets each stream that has ended already, so the usual 33 would end every busy
// connection; one that gives up calls without end meets the bounds of calls and of the engine's queue.
constexpr std::uint64_t kMostResets = 1'000'000;

using namespace grpc_code;

std::uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())); }

// nghttp2 copies the value.
nghttp2_nv header_of(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

void append_framed(std::string& out, const std::string& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  out.reserve(kPrefix + message.size());
  out.push_back('\0');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  out += message;
}

std::size_t length_of(std::string_view framed) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) length = length << 8 | static_cast<std::uint8_t>(framed[i]);
  return length;
}

struct StatusHeaders {
  std::string code;
  std::string message;
  std::array<nghttp2_nv, 2> headers;
  std::size_t count = 1;

  explicit StatusHeaders(const RpcStatus& status) : code(std::to_string(status.code)), message(encode_grpc_message(status.message)) {
    headers[0] = header_of("grpc-status", code);
    headers[1] = header_of("grpc-message", message);
    if (!message.empty()) count = 2;
  }
  StatusHeaders(const StatusHeaders&) = delete;
  StatusHeaders& operator=(const StatusHeaders&) = delete;
};

RpcStatus too_large(std::size_t most) {
  return {kResourceExhausted, "Expected a message of at most " + std::to_string(most) + " bytes, but it is larger"};
}

// What a client compressed with gzip, as that of Node does. Stops at the bound, however much more would come.
std::optional<RpcStatus> unpack(std::string& message, std::size_t most) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzip) != Z_OK) return RpcStatus{kResourceExhausted, "Expected memory to unpack a message"};
  stream.next_in = reinterpret_cast<Bytef*>(message.data());
  stream.avail_in = static_cast<uInt>(message.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() <= most) {
    std::array<char, 16 * 1024> part;
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = part.size();
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(part.data(), part.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > most) return too_large(most);
  if (state != Z_STREAM_END) return RpcStatus{kUnimplemented, "Expected a message that is not compressed, or by gzip"};
  message = std::move(out);
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kMostTimeoutDigits + 1) return std::nullopt;
  std::int64_t number = 0;
  const std::string_view digits = text.substr(0, text.size() - 1);
  const char* end = digits.end();
  const auto [stopped, failure] = std::from_chars(digits.begin(), end, number);
  if (failure != std::errc() || stopped != end || number < 0) return std::nullopt;
  switch (text.back()) {
    case 'H': return seconds(number * 3600);
    case 'M': return seconds(number * 60);
    case 'S': return seconds(number);
    case 'm': return milliseconds(number);
    case 'u': return Duration{number};
    case 'n': return Duration{number / 1000};
    default: return std::nullopt;
  }
}

std::string encode_grpc_message(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (encoded.size() + 3 > kMostMessageText) break;
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte <= 0x7E && c != '%') {
      encoded.push_back(c);
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 0xF]};
    }
  }
  return encoded;
}

// ---- a call

std::string ForeignCall::take_request() { return std::exchange(received_, {}); }

Task<bool> ForeignCall::write(std::string message) {
  if (!session_ || status_ || cancellation_->requested()) co_return false;
  message_.clear();
  sent_ = 0;
  append_framed(message_, message);
  message = std::string();
  struct Awaiter {
    ForeignCall& call;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
      call.writing_ = waiting;
      call.is_written_ = false;
      call.session_->submit_head(call);
    }
    bool await_resume() const noexcept { return call.is_written_; }
  };
  Awaiter awaiter{*this};
  const bool written = co_await awaiter;
  co_return written;
}

void ForeignCall::finish(const RpcStatus& status) {
  if (status_) return;
  status_ = status;
  if (session_) session_->submit_status(*this);
}

void ForeignCall::give_up() {
  cancellation_->request();
  if (session_) session_->resume_later(*this);
}

// ---- what nghttp2 calls

struct ForeignSession::Callbacks {
  static ForeignSession& of(void* user) { return *static_cast<ForeignSession*>(user); }
  static ForeignCall* call_of(nghttp2_session* session, std::int32_t stream) {
    return static_cast<ForeignCall*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto call = std::make_shared<ForeignCall>(of(user), frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call.get());
    of(user).calls_.emplace(frame->hd.stream_id, std::move(call));
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
    ForeignCall* call = call_of(session, frame->hd.stream_id);
    if (!call) return 0;
    call->head_bytes_ += name_size + value_size;
    if (call->head_bytes_ > kMostHeadBytes) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":path") call->method_ = text;
    if (key == ":method") call->verb_ = text;
    if (key == "content-type") call->content_type_ = text;
    if (key == "authorization") call->authorization_ = text;
    if (key == "grpc-timeout") call->timeout_ = parse_grpc_timeout(text);
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    ForeignCall* call = call_of(session, frame->hd.stream_id);
    if (!call) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) of(user).head_is_there(*call);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) of(user).request_is_there(*call);
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* data, std::size_t size, void* user) {
    if (ForeignCall* call = call_of(session, stream)) of(user).add_body(*call, {reinterpret_cast<const char*>(data), size});
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t, void* user) {
    of(user).close(stream);
    return 0;
  }

  // Of the message that is on its way; after it the status, when it is known.
  static ssize_t give_data(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source* source, void* user) {
    auto& call = *static_cast<ForeignCall*>(source->ptr);
    const std::size_t given = std::min(size, call.message_.size() - call.sent_);
    std::copy_n(call.message_.data() + call.sent_, given, buffer);
    call.sent_ += given;
    if (call.sent_ < call.message_.size()) return static_cast<ssize_t>(given);
    if (given > 0) {
      call.is_written_ = true;
      of(user).resume_later(call);
    }
    if (call.status_) {
      const StatusHeaders status(*call.status_);
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      nghttp2_submit_trailer(session, stream, status.headers.data(), status.count);
      return static_cast<ssize_t>(given);
    }
    if (given == 0) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(given);
  }
};

// ---- a session

ForeignSession::ForeignSession(ForeignSessionOwner& owner, ForeignSessionSettings settings) : owner_(owner), settings_(settings) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Callbacks::on_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_stream_reset_rate_limit(option, kMostResets, kMostResets);
  nghttp2_session_server_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings_.max_calls},
                                            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMostHeadBytes}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

ForeignSession::~ForeignSession() {
  for (const auto& [stream, call] : calls_) call->session_ = nullptr;
  nghttp2_session_del(session_);
}

bool ForeignSession::receive(std::string_view bytes) { return nghttp2_session_mem_recv(session_, bytes_of(bytes), bytes.size()) >= 0; }

void ForeignSession::produce(std::string& out, std::size_t up_to) {
  for (;;) {
    while (out.size() < up_to) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size <= 0) break;
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    if (to_resume_.empty()) return;
    // What they do next goes out with what they did.
    std::vector<std::shared_ptr<ForeignCall>> resumed;
    resumed.swap(to_resume_);
    for (const auto& call : resumed) {
      if (const auto waiting = std::exchange(call->writing_, nullptr)) waiting.resume();
    }
  }
}

bool ForeignSession::is_over() const {
  if (is_draining_ && calls_.empty() && nghttp2_session_want_write(session_) == 0) return true;
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void ForeignSession::drain() {
  if (std::exchange(is_draining_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR, nullptr, 0);
  owner_.has_output();
}

void ForeignSession::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  owner_.has_output();
}

void ForeignSession::end() {
  while (!calls_.empty()) close(calls_.begin()->first);
  std::vector<std::shared_ptr<ForeignCall>> resumed;
  resumed.swap(to_resume_);
  for (const auto& call : resumed) {
    if (const auto waiting = std::exchange(call->writing_, nullptr)) waiting.resume();
  }
}

void ForeignSession::finish_all(const RpcStatus& status) {
  for (const auto& [stream, call] : calls_) {
    call->give_up();
    call->finish(status);
  }
}

void ForeignSession::head_is_there(ForeignCall& call) {
  std::optional<RpcStatus> refusal;
  if (call.verb_ != "POST" || !call.content_type_.starts_with("application/grpc"))
    refusal = RpcStatus{kUnimplemented, "Expected a call of gRPC"};
  if (!refusal) refusal = owner_.refuse(call);
  if (!refusal) return;
  call.takes_no_more_ = true;
  call.finish(*refusal);
}

void ForeignSession::add_body(ForeignCall& call, std::string_view bytes) {
  if (call.takes_no_more_) return;
  std::optional<RpcStatus> refusal;
  if (call.received_.size() + bytes.size() > settings_.message_limit + kPrefix) refusal = too_large(settings_.message_limit);
  if (!refusal && !owner_.hold(bytes.size())) refusal = RpcStatus{kResourceExhausted, "Expected fewer requests that are under way"};
  if (!refusal) {
    call.received_ += bytes;
    return;
  }
  call.takes_no_more_ = true;
  drop_request(call);
  call.finish(*refusal);
}

void ForeignSession::request_is_there(ForeignCall& call) {
  if (std::exchange(call.takes_no_more_, true)) return;
  owner_.release(call.received_.size());
  const bool is_one = call.received_.size() >= kPrefix && length_of(call.received_) == call.received_.size() - kPrefix;
  const bool is_packed = is_one && call.received_[0] != '\0';
  if (is_one) call.received_.erase(0, kPrefix);
  std::optional<RpcStatus> refusal;
  if (!is_one) refusal = RpcStatus{kInvalidArgument, "Expected one message, but it is not so"};
  if (is_packed) refusal = unpack(call.received_, settings_.message_limit);
  if (!refusal) return owner_.begin(call.shared_from_this());
  call.received_ = std::string();
  call.finish(*refusal);
}

void ForeignSession::drop_request(ForeignCall& call) {
  owner_.release(call.received_.size());
  call.received_ = std::string();
}

// The stream is closed, by whichever side.
void ForeignSession::close(std::int32_t stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const std::shared_ptr<ForeignCall> call = std::move(found->second);
  calls_.erase(found);
  if (!call->takes_no_more_) drop_request(*call);
  nghttp2_session_set_stream_user_data(session_, stream, nullptr);
  resume_later(*call);
  call->session_ = nullptr;
  if (!call->status_) call->cancellation_->request();
}

// A writer, if there is one; not from within nghttp2.
void ForeignSession::resume_later(ForeignCall& call) {
  if (!call.writing_) return;
  to_resume_.push_back(call.shared_from_this());
  owner_.has_output();
}

// Of the answer, once; then the next message.
void ForeignSession::submit_head(ForeignCall& call) {
  if (std::exchange(call.has_begun_, true)) {
    nghttp2_session_resume_data(session_, call.stream_);
  } else {
    const std::array<nghttp2_nv, 2> headers{header_of(":status", "200"), header_of("content-type", "application/grpc")};
    nghttp2_data_provider body{};
    body.source.ptr = &call;
    body.read_callback = &Callbacks::give_data;
    nghttp2_submit_response(session_, call.stream_, headers.data(), headers.size(), &body);
  }
  owner_.has_output();
}

void ForeignSession::submit_status(ForeignCall& call) {
  if (call.has_begun_) {
    nghttp2_session_resume_data(session_, call.stream_);
  } else {
    const StatusHeaders status(*call.status_);
    const std::array<nghttp2_nv, 4> headers{header_of(":status", "200"), header_of("content-type", "application/grpc"), status.headers[0],
                                            status.headers[1]};
    nghttp2_submit_response(session_, call.stream_, headers.data(), 2 + status.count, nullptr);
  }
  owner_.has_output();
}

}  // namespace consilium::net
