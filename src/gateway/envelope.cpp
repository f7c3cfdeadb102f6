#include "gateway/envelope.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "consilium/chat/v1/chat_codec.h"
#include "consilium/sessions/v1/sessions_codec.h"

namespace consilium::gateway {
namespace {

constexpr std::size_t kMaxId = 64;
constexpr std::size_t kMaxType = 50;

Failure malformed() { return fail(ErrorKind::kMalformed, "request.malformed", "Expected {id?, type, data?} with the members of the type"); }

// `{"type":…,"at":…,` and what more there is, `"data":…}`
std::string frame(std::string_view type, Timestamp at, std::string_view data, std::int64_t sequence = 0,
                  std::string_view correlation_id = {}) {
  JsonWriter out;
  out.begin_object();
  out.member("\"type\":");
  out.text(type);
  out.member("\"at\":");
  write_json(out, at);
  if (sequence > 0) {
    out.member("\"seq\":");
    out.integer(sequence);
  }
  if (!correlation_id.empty()) {
    out.member("\"corrId\":");
    out.text(correlation_id);
  }
  out.member("\"data\":");
  out.raw(data);
  out.end_object();
  return out.take();
}

template <class Data>
Result<Data> decode_data(std::string_view text) {
  ASSIGN_OR_RETURN(Data data, decode_json<Data>(text, UnknownMembers::kRefuse));
  // No field of these is checked against the time.
  TRY(validate(data, Timestamp{}));
  return data;
}

}  // namespace

Result<IncomingMessage> read_envelope(std::string_view text) {
  static constexpr std::string_view kMembers[] = {"id", "type", "data", "at", "seq", "corrId"};
  IncomingMessage message;
  message.data = "{}";
  JsonReader in(text, UnknownMembers::kRefuse);
  {
    JsonReader::Object object(in, kMembers);
    while (const auto member = object.next()) {
      switch (*member) {
        case 0: in.text(message.id); break;
        case 1: in.text(message.type); break;
        case 2: in.raw(message.data); break;
        default: in.skip();
      }
    }
  }
  if (!in.finish() || message.type.empty() || message.type.size() > kMaxType || message.id.size() > kMaxId ||
      !message.data.starts_with('{'))
    return malformed();
  return message;
}

Result<chat::v1::TypingRequest> decode_typing(std::string_view data) {
  ASSIGN_OR_RETURN(const auto types, decode_data<chat::v1::TypesNow>(data));
  return chat::v1::TypingRequest{types.channel_id, std::nullopt};
}

Result<chat::v1::MarkReadRequest> decode_read(std::string_view data) {
  ASSIGN_OR_RETURN(const auto read, decode_data<chat::v1::HasRead>(data));
  return chat::v1::MarkReadRequest{read.channel_id, read.post_id};
}

std::string event_envelope(const chat::v1::PersonEvent& event) { return frame(event.type, event.at, event.data.text, event.sequence); }

std::string welcome_envelope(std::int64_t sequence, const Uuid& session_id, Duration ping_interval, Timestamp at) {
  const auto interval = static_cast<std::int32_t>(ping_interval.microseconds / 1'000'000);
  return frame("welcome", at, encode_json(chat::v1::Welcome{sequence, session_id, interval}));
}

std::string resync_envelope(std::int64_t sequence, Timestamp at) { return frame("resync", at, encode_json(chat::v1::Resync{sequence})); }

std::string expiring_envelope(const Uuid& session_id, Timestamp expires_at, Timestamp at) {
  return frame("session.expiring", at, encode_json(sessions::v1::Expiring{session_id, expires_at}));
}

std::string ack_envelope(std::string_view correlation_id, Timestamp at) {
  return frame("ack", at, encode_json(chat::v1::Acknowledged{}), 0, correlation_id);
}

std::string error_envelope(std::string_view correlation_id, const Error& error, Timestamp at) {
  const std::string code = error.kind == ErrorKind::kInternal ? "internal" : error.code;
  return frame("error", at, encode_json(chat::v1::Refused{code}), 0, correlation_id);
}

}  // namespace consilium::gateway
