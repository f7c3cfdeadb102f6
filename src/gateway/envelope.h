// The frames of the sub-protocol `consilium.v1`: `{id?, seq?, corrId?, type, at, data}` both ways.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "consilium/chat/v1/chat.h"

namespace consilium::gateway {

struct IncomingMessage {
  std::string id;  // at most 64 characters; empty: the page wants no answer
  std::string type;
  std::string data;  // JSON object
};

// Errors `request.malformed`, `request.invalid`.
Result<IncomingMessage> read_envelope(std::string_view text);
Result<chat::v1::TypingRequest> decode_typing(std::string_view data);
Result<chat::v1::MarkReadRequest> decode_read(std::string_view data);

std::string event_envelope(const chat::v1::PersonEvent& event);
std::string welcome_envelope(std::int64_t sequence, const Uuid& session_id, Duration ping_interval, Timestamp at);
std::string resync_envelope(std::int64_t sequence, Timestamp at);
std::string expiring_envelope(const Uuid& session_id, Timestamp expires_at, Timestamp at);
std::string ack_envelope(std::string_view correlation_id, Timestamp at);
std::string error_envelope(std::string_view correlation_id, const Error& error, Timestamp at);

}  // namespace consilium::gateway
