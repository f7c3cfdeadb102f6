#include "net/web_socket_frame.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"

namespace consilium::net {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kMasked = 0x80;

bool is_control(Opcode opcode) { return opcode >= Opcode::kClose; }

bool is_known(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

std::array<char, 4> mask_bytes(std::uint32_t mask) {
  return {static_cast<char>(mask >> 24), static_cast<char>(mask >> 16), static_cast<char>(mask >> 8), static_cast<char>(mask)};
}

void append_length(std::string& frame, std::size_t length, std::uint8_t masked) {
  const auto append = [&](std::size_t value) { frame += static_cast<char>(value); };
  if (length < 126) return append(masked | length);
  const int bytes = length <= 0xFFFF ? 2 : 8;
  append(masked | (bytes == 2 ? 126U : 127U));
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) append(length >> shift & 0xFF);
}

// How long the header is that begins with these two bytes.
std::uint8_t header_length(std::uint8_t second) {
  const std::uint8_t length = second & 0x7F;
  const int extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return static_cast<std::uint8_t>(2 + extended + (second & kMasked ? 4 : 0));
}

}  // namespace

bool is_sendable_close_code(std::uint16_t code) {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && code != 1004 && code != close_code::kNoCode && code != close_code::kAbnormal;
}

std::string encode_frame(Opcode opcode, std::string_view payload, std::optional<std::uint32_t> mask) {
  std::string frame;
  frame.reserve(payload.size() + 14);
  frame += static_cast<char>(kFinal | static_cast<std::uint8_t>(opcode));
  append_length(frame, payload.size(), mask ? kMasked : 0);
  if (!mask) return frame += payload;
  const auto key = mask_bytes(*mask);
  frame.append(key.data(), key.size());
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ key[i % 4]);
  return frame;
}

std::string encode_close(std::uint16_t code, std::string_view reason) {
  std::string_view fitting = reason.substr(0, kControlPayloadLimit - 2);
  while (!fitting.empty() && !is_valid_utf8(fitting)) fitting.remove_suffix(1);
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xFF);
  return payload += fitting;
}

std::optional<WebSocketEvent> WebSocketDecoder::next(std::string_view& input) {
  while (!failure_) {
    if (!header_done_ && !read_header(input)) return std::nullopt;
    if (!read_payload(input)) return std::nullopt;
    header_done_ = false;
    header_size_ = 0;
    if (auto event = finish_frame()) return event;
  }
  return std::nullopt;
}

bool WebSocketDecoder::fail(std::uint16_t code) {
  failure_ = code;
  message_ = {};
  control_ = {};
  return false;
}

bool WebSocketDecoder::read_header(std::string_view& input) {
  while (header_size_ < 2 || header_size_ < header_length(header_[1])) {
    if (input.empty()) return false;
    header_[header_size_++] = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
  }
  const std::uint8_t length = header_[1] & 0x7F;
  const int extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  remaining_ = extended == 0 ? length : 0;
  for (int i = 0; i < extended; ++i) remaining_ = remaining_ << 8 | header_[2 + i];
  const bool longer_than_needed = (extended == 2 && remaining_ < 126) || (extended == 8 && remaining_ <= 0xFFFF);
  if (longer_than_needed || remaining_ >> 63 != 0) return fail(close_code::kBrokenFrame);
  position_ = 0;
  header_done_ = check_header();
  return header_done_;
}

bool WebSocketDecoder::check_header() {
  const std::uint8_t code = header_[0] & 0x0F;
  const bool final = (header_[0] & kFinal) != 0;
  const bool masked = (header_[1] & kMasked) != 0;
  if ((header_[0] & kReserved) != 0 || !is_known(code)) return fail(close_code::kBrokenFrame);
  if (masked != (receiver_ == WebSocketRole::kServer)) return fail(close_code::kBrokenFrame);
  const auto opcode = static_cast<Opcode>(code);
  if (is_control(opcode)) {
    control_.clear();
    return (final && remaining_ <= kControlPayloadLimit) || fail(close_code::kBrokenFrame);
  }
  if ((opcode == Opcode::kContinuation) != in_message_) return fail(close_code::kBrokenFrame);
  if (opcode == Opcode::kBinary) return fail(close_code::kProtocol);
  if (message_.size() + remaining_ > message_limit_) return fail(close_code::kTooBig);
  in_message_ = true;
  return true;
}

bool WebSocketDecoder::read_payload(std::string_view& input) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
  std::string& target = is_control(static_cast<Opcode>(header_[0] & 0x0F)) ? control_ : message_;
  const std::size_t begin = target.size();
  target.append(input.substr(0, size));
  input.remove_prefix(size);
  if ((header_[1] & kMasked) != 0) {
    const std::uint8_t* key = header_ + header_size_ - 4;
    for (std::size_t i = 0; i < size; ++i) target[begin + i] = static_cast<char>(target[begin + i] ^ key[(position_ + i) % 4]);
  }
  position_ += size;
  remaining_ -= size;
  return remaining_ == 0;
}

std::optional<WebSocketEvent> WebSocketDecoder::finish_frame() {
  const auto opcode = static_cast<Opcode>(header_[0] & 0x0F);
  switch (opcode) {
    case Opcode::kClose: return finish_close(std::exchange(control_, {}));
    case Opcode::kPing: return WebSocketEvent{WebSocketEvent::Kind::kPing, std::exchange(control_, {})};
    case Opcode::kPong: return WebSocketEvent{WebSocketEvent::Kind::kPong, std::exchange(control_, {})};
    default: break;
  }
  if ((header_[0] & kFinal) == 0) return std::nullopt;
  in_message_ = false;
  if (!is_valid_utf8(message_)) {
    fail(close_code::kBadText);
    return std::nullopt;
  }
  return WebSocketEvent{WebSocketEvent::Kind::kText, std::exchange(message_, {})};
}

std::optional<WebSocketEvent> WebSocketDecoder::finish_close(std::string payload) {
  if (payload.empty()) return WebSocketEvent{WebSocketEvent::Kind::kClose, {}, close_code::kNoCode};
  const std::uint16_t code =
      payload.size() < 2 ? 0
                         : static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 | static_cast<std::uint8_t>(payload[1]));
  if (!is_sendable_close_code(code)) {
    fail(close_code::kBrokenFrame);
    return std::nullopt;
  }
  payload.erase(0, 2);
  if (!is_valid_utf8(payload)) {
    fail(close_code::kBadText);
    return std::nullopt;
  }
  return WebSocketEvent{WebSocketEvent::Kind::kClose, std::move(payload), code};
}

}  // namespace consilium::net
