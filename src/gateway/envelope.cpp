#include "gateway/envelope.h"

#include <boost/json.hpp>

#include "base/json_writer.h"

namespace consilium::gateway {
namespace {

constexpr std::size_t kMaxId = 64;

Failure malformed() { return fail(ErrorKind::kMalformed, "request.malformed", "Expected {id?, type, data?} with the members of the type"); }

Result<std::string> member_text(const boost::json::object& object, std::string_view name, std::size_t limit) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_string() || value->get_string().size() > limit) return malformed();
  return std::string(value->get_string());
}

Result<Uuid> member_id(const boost::json::object& object, std::string_view name) {
  ASSIGN_OR_RETURN(const std::string text, member_text(object, name, 36));
  const auto id = Uuid::parse(text);
  if (!id) return malformed();
  return *id;
}

Result<boost::json::object> object_of(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code failure;
  boost::json::value value = boost::json::parse(text, failure, {}, options);
  if (failure || !value.is_object()) return malformed();
  return std::move(value.get_object());
}

class Frame {
 public:
  Frame(std::string_view type, Timestamp at) {
    writer_.begin_object();
    writer_.name("type");
    writer_.text(type);
    writer_.name("at");
    write_json(writer_, at);
  }
  void text(std::string_view name, std::string_view value) {
    writer_.name(name);
    writer_.text(value);
  }
  void integer(std::string_view name, std::int64_t value) {
    writer_.name(name);
    writer_.integer(value);
  }
  void raw(std::string_view name, std::string_view json) {
    writer_.name(name);
    writer_.raw(json);
  }
  void begin_data() {
    writer_.name("data");
    writer_.begin_object();
  }
  void end_data() { writer_.end_object(); }
  std::string take() {
    writer_.end_object();
    return writer_.take();
  }

 private:
  JsonWriter writer_;
};

}  // namespace

Result<IncomingMessage> read_envelope(std::string_view text) {
  ASSIGN_OR_RETURN(const boost::json::object object, object_of(text));
  IncomingMessage message;
  for (const auto& member : object) {
    const std::string_view name = member.key();
    if (name != "id" && name != "type" && name != "data" && name != "at" && name != "seq" && name != "corrId") return malformed();
  }
  ASSIGN_OR_RETURN(message.type, member_text(object, "type", 50));
  if (object.contains("id")) {
    ASSIGN_OR_RETURN(message.id, member_text(object, "id", kMaxId));
  }
  const auto* data = object.if_contains("data");
  if (data && !data->is_object()) return malformed();
  message.data = data ? boost::json::serialize(*data) : "{}";
  return message;
}

Result<chat::v1::TypingRequest> decode_typing(std::string_view data) {
  ASSIGN_OR_RETURN(const boost::json::object object, object_of(data));
  chat::v1::TypingRequest request;
  ASSIGN_OR_RETURN(request.channel_id, member_id(object, "channelId"));
  return request;
}

Result<chat::v1::MarkReadRequest> decode_read(std::string_view data) {
  ASSIGN_OR_RETURN(const boost::json::object object, object_of(data));
  chat::v1::MarkReadRequest request;
  ASSIGN_OR_RETURN(request.id, member_id(object, "channelId"));
  ASSIGN_OR_RETURN(request.post_id, member_id(object, "postId"));
  return request;
}

std::string event_envelope(const chat::v1::PersonEvent& event) {
  Frame frame(event.type, event.at);
  if (event.sequence > 0) frame.integer("seq", event.sequence);
  frame.raw("data", event.data.text);
  return frame.take();
}

std::string welcome_envelope(std::int64_t sequence, const Uuid& session_id, Duration ping_interval, Timestamp at) {
  Frame frame("welcome", at);
  frame.begin_data();
  frame.integer("seq", sequence);
  frame.text("sessionId", session_id.text());
  frame.integer("pingSeconds", ping_interval.microseconds / 1'000'000);
  frame.end_data();
  return frame.take();
}

std::string resync_envelope(std::int64_t sequence, Timestamp at) {
  Frame frame("resync", at);
  frame.begin_data();
  frame.integer("seq", sequence);
  frame.end_data();
  return frame.take();
}

std::string expiring_envelope(const Uuid& session_id, Timestamp expires_at, Timestamp at) {
  Frame frame("session.expiring", at);
  frame.begin_data();
  frame.text("sessionId", session_id.text());
  frame.text("expiresAt", format_rfc3339(expires_at));
  frame.end_data();
  return frame.take();
}

std::string ack_envelope(std::string_view correlation_id, Timestamp at) {
  Frame frame("ack", at);
  if (!correlation_id.empty()) frame.text("corrId", correlation_id);
  frame.begin_data();
  frame.end_data();
  return frame.take();
}

std::string error_envelope(std::string_view correlation_id, const Error& error, Timestamp at) {
  Frame frame("error", at);
  if (!correlation_id.empty()) frame.text("corrId", correlation_id);
  frame.begin_data();
  frame.text("code", error.kind == ErrorKind::kInternal ? "internal" : error.code);
  frame.end_data();
  return frame.take();
}

}  // namespace consilium::gateway
