// WebSocket frames: `s` as the server reads them, `c` as the client does. Byte by byte gives the same as the whole; each
// event that was read and written again reads the same.
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_testing.h"
#include "base/utf8.h"
#include "net/web_socket_frame.h"

namespace consilium::net {
namespace {

constexpr std::size_t kFuzzMessageLimit = 1000;

struct ReadFrames {
  std::vector<WebSocketEvent> events;
  std::optional<std::uint16_t> failure;
};

ReadFrames read_frames(std::string_view input, WebSocketRole receiver, std::size_t step) {
  WebSocketDecoder decoder(receiver, kFuzzMessageLimit);
  ReadFrames read;
  while (!input.empty() && !decoder.failure()) {
    std::string_view piece = input.substr(0, step);
    input.remove_prefix(piece.size());
    while (auto event = decoder.next(piece)) read.events.push_back(std::move(*event));
    require(piece.empty() || decoder.failure());
  }
  read.failure = decoder.failure();
  std::string_view more = "more";
  if (read.failure) require(!decoder.next(more) && more == "more");
  return read;
}

bool same(const WebSocketEvent& a, const WebSocketEvent& b) { return a.kind == b.kind && a.payload == b.payload && a.code == b.code; }

std::string written(const WebSocketEvent& event, std::optional<std::uint32_t> mask) {
  switch (event.kind) {
    case WebSocketEvent::Kind::kText: return encode_frame(Opcode::kText, event.payload, mask);
    case WebSocketEvent::Kind::kPing: return encode_frame(Opcode::kPing, event.payload, mask);
    case WebSocketEvent::Kind::kPong: return encode_frame(Opcode::kPong, event.payload, mask);
    case WebSocketEvent::Kind::kClose: break;
  }
  const bool has_code = event.code != close_code::kNoCode;
  return encode_frame(Opcode::kClose, has_code ? encode_close(event.code, event.payload) : std::string(), mask);
}

void check(const WebSocketEvent& event, WebSocketRole receiver) {
  const bool is_control = event.kind != WebSocketEvent::Kind::kText;
  require(event.payload.size() <= (is_control ? kControlPayloadLimit : kFuzzMessageLimit));
  if (event.kind == WebSocketEvent::Kind::kText || event.kind == WebSocketEvent::Kind::kClose) require(is_valid_utf8(event.payload));
  if (event.kind == WebSocketEvent::Kind::kClose && event.code != close_code::kNoCode) require(is_sendable_close_code(event.code));
  const bool masks = receiver == WebSocketRole::kServer;
  const ReadFrames again = read_frames(written(event, masks ? std::optional(0x1A2B3C4DU) : std::nullopt), receiver, 1);
  require(!again.failure && again.events.size() == 1 && same(again.events[0], event));
}

void fuzz_frames(std::string_view input, WebSocketRole receiver) {
  const ReadFrames whole = read_frames(input, receiver, input.size() + 1);
  const ReadFrames pieces = read_frames(input, receiver, 1);
  require(whole.failure == pieces.failure && whole.events.size() == pieces.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    require(same(whole.events[i], pieces.events[i]));
    check(whole.events[i], receiver);
  }
  if (whole.failure) require(is_sendable_close_code(*whole.failure) || *whole.failure == close_code::kProtocol);
  // A reason of any bytes becomes one that a peer accepts.
  const ReadFrames closed =
      read_frames(encode_frame(Opcode::kClose, encode_close(close_code::kNormal, input), std::nullopt), WebSocketRole::kClient, 1);
  require(!closed.failure && closed.events.size() == 1 && input.starts_with(closed.events[0].payload));
}

}  // namespace
}  // namespace consilium::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const auto [kind, rest] = split_kind(fuzz_input(data, size));
  net::fuzz_frames(rest, kind == 'c' ? net::WebSocketRole::kClient : net::WebSocketRole::kServer);
  return 0;
}
