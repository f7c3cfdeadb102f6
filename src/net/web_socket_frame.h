// The frames of RFC 6455 as a pure codec: no socket, no clock. The connection feeds bytes and gets messages; it keeps
// no buffer of its own besides the unfinished message, so that an idle socket costs next to nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace consilium::net {

// Longest text message, over all of its fragments.
inline constexpr std::size_t kWebSocketMessageLimit = 16 * 1024;
inline constexpr std::size_t kControlPayloadLimit = 125;

// Codes of CONVENTIONS and RFC 6455 §7.4.
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kBrokenFrame = 1002;
inline constexpr std::uint16_t kNoCode = 1005;    // never sent: the peer's close frame was empty
inline constexpr std::uint16_t kAbnormal = 1006;  // never sent: no close frame came
inline constexpr std::uint16_t kBadText = 1007;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kServerBug = 1011;
inline constexpr std::uint16_t kNoPing = 4000;
inline constexpr std::uint16_t kProtocol = 4004;  // well-formed, but not what `consilium.v1` allows
}  // namespace close_code

// Whether a peer may send this code in a close frame.
bool is_sendable_close_code(std::uint16_t code);

enum class WebSocketRole { kServer, kClient };

enum class Opcode : std::uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

// One whole frame. `mask` is there in frames of a client, and only there.
std::string encode_frame(Opcode opcode, std::string_view payload, std::optional<std::uint32_t> mask);
// Payload of a close frame; the reason is cut to fit, at a character's border.
std::string encode_close(std::uint16_t code, std::string_view reason);

struct WebSocketEvent {
  enum class Kind { kText, kPing, kPong, kClose };
  Kind kind;
  std::string payload;                       // text of a message, of a ping or pong, reason of a close
  std::uint16_t code = close_code::kNoCode;  // of a close
};

// Reads what one side receives.
class WebSocketDecoder {
 public:
  explicit WebSocketDecoder(WebSocketRole receiver, std::size_t message_limit = kWebSocketMessageLimit)
      : receiver_(receiver), message_limit_(message_limit) {}

  // Takes bytes off the front of `input` up to the end of the next event. nullopt: all is taken and more is needed, or
  // `failure()` says with which code the connection must be closed; then nothing more is read.
  std::optional<WebSocketEvent> next(std::string_view& input);
  std::optional<std::uint16_t> failure() const { return failure_; }

 private:
  bool read_header(std::string_view& input);
  bool check_header();
  bool read_payload(std::string_view& input);
  std::optional<WebSocketEvent> finish_frame();
  std::optional<WebSocketEvent> finish_close(std::string payload);
  bool fail(std::uint16_t code);

  WebSocketRole receiver_;
  std::size_t message_limit_;
  std::optional<std::uint16_t> failure_;
  std::uint8_t header_[14] = {};
  std::uint8_t header_size_ = 0;
  bool header_done_ = false;
  bool in_message_ = false;  // a text message has begun and its last fragment has not come
  std::uint64_t remaining_ = 0;
  std::uint64_t position_ = 0;  // in the frame's payload, for the mask
  std::string message_;
  std::string control_;
};

}  // namespace consilium::net
