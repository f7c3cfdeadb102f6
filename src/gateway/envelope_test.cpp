#include "gateway/envelope.h"

#include <gtest/gtest.h>

#include "base/json_reader.h"
#include "base/random.h"

namespace consilium::gateway {
namespace {

constexpr Timestamp kAt{1'767'225'600'123'000};

Uuid some_id() {
  SeededRandom random(1);
  return make_uuid_v7(kAt, random);
}

TEST(Envelope, ReadsTypeIdAndData) {
  const auto full =
      read_envelope(R"({"id": "m1", "type": "read", "data": {"a": [1, "x"]}, "at": "2026-01-01T00:00:00Z", "seq": 3, "corrId": "c"})");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->id, "m1");
  EXPECT_EQ(full->type, "read");
  EXPECT_EQ(full->data, R"({"a": [1, "x"]})");
  const auto bare = read_envelope(R"({"type":"ping"})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->id, "");
  EXPECT_EQ(bare->data, "{}");
}

TEST(Envelope, RefusesWhatIsNotOne) {
  for (const std::string_view text :
       {"", "{", "[]", "null", R"("ping")", R"({})", R"({"type":1})", R"({"type":"ping","id":7})", R"({"type":"ping","data":[]})",
        R"({"type":"ping","data":null})", R"({"type":""})", R"({"type":"ping","type":"read"})", R"({"type":"ping","data":{"a":1,"a":2}})",
        R"({"type":"ping","data":{"a":"\u0000"}})", R"({"type":"ping","id":"\u0000"})", R"({"type":"ping","other":1})",
        R"({"type":"ping"} x)"}) {
    const auto read = read_envelope(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, "request.malformed");
    EXPECT_EQ(read.error().kind, ErrorKind::kMalformed);
  }
}

TEST(Envelope, HasBounds) {
  const auto with = [](std::size_t id, std::size_t type) {
    return R"({"id":")" + std::string(id, 'i') + R"(","type":")" + std::string(type, 't') + "\"}";
  };
  EXPECT_TRUE(read_envelope(with(64, 50)));
  EXPECT_FALSE(read_envelope(with(65, 50)));
  EXPECT_FALSE(read_envelope(with(64, 51)));
  // `data` is one level.
  const auto nested = [](std::size_t depth) {
    return R"({"type":"x","data":{"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}}";
  };
  EXPECT_TRUE(read_envelope(nested(kMaxJsonDepth - 1)));
  EXPECT_FALSE(read_envelope(nested(kMaxJsonDepth)));
  EXPECT_FALSE(read_envelope(nested(100'000)));
}

TEST(Envelope, DecodesTypingAndRead) {
  const std::string id = some_id().text();
  const auto typing = decode_typing(R"({"channelId":")" + id + "\"}");
  ASSERT_TRUE(typing);
  EXPECT_EQ(typing->channel_id, some_id());
  EXPECT_FALSE(typing->user_id) << "who types is the caller";
  const auto read = decode_read(R"({"channelId":")" + id + R"(","postId":")" + id + "\"}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, some_id());
  EXPECT_EQ(read->post_id, some_id());
  for (const std::string_view text : {"{}", R"({"channelId":"x"})", R"({"channelId":1})", "[]"}) {
    EXPECT_FALSE(decode_typing(text)) << text;
    EXPECT_FALSE(decode_read(text)) << text;
  }
  EXPECT_FALSE(decode_read(R"({"channelId":")" + id + "\"}"));
  EXPECT_FALSE(decode_read(R"({"channelId":")" + id + R"(","postId":")" + id + "0\"}"));
}

TEST(Envelope, WritesEventsWithTheirNumber) {
  chat::v1::PersonEvent event;
  event.sequence = 12;
  event.type = "post";
  event.at = kAt;
  event.data = JsonText{R"({"text":"\"hi\""})"};
  EXPECT_EQ(event_envelope(event), R"({"type":"post","at":"2026-01-01T00:00:00.123Z","seq":12,"data":{"text":"\"hi\""}})");
  event.sequence = 0;  // volatile: not in the log, has no number
  EXPECT_EQ(event_envelope(event), R"({"type":"post","at":"2026-01-01T00:00:00.123Z","data":{"text":"\"hi\""}})");
}

TEST(Envelope, WritesWhatTheGatewaySaysItself) {
  EXPECT_EQ(
      welcome_envelope(7, some_id(), seconds(10), kAt),
      R"({"type":"welcome","at":"2026-01-01T00:00:00.123Z","data":{"seq":7,"sessionId":")" + some_id().text() + R"(","pingSeconds":10}})");
  EXPECT_EQ(resync_envelope(7, kAt), R"({"type":"resync","at":"2026-01-01T00:00:00.123Z","data":{"seq":7}})");
  EXPECT_EQ(ack_envelope("m1", kAt), R"({"type":"ack","at":"2026-01-01T00:00:00.123Z","corrId":"m1","data":{}})");
  EXPECT_EQ(ack_envelope("", kAt), R"({"type":"ack","at":"2026-01-01T00:00:00.123Z","data":{}})");
}

TEST(Envelope, ErrorsShowTheirCodeAlone) {
  const Error known = make_error(ErrorKind::kNotFound, "chat.channel-not-found", "Expected a channel");
  EXPECT_EQ(error_envelope("m\"1", known, kAt),
            R"({"type":"error","at":"2026-01-01T00:00:00.123Z","corrId":"m\"1","data":{"code":"chat.channel-not-found"}})");
  const Error broken = make_error(ErrorKind::kInternal, "database.broken", "page 7");
  EXPECT_EQ(error_envelope("", broken, kAt), R"({"type":"error","at":"2026-01-01T00:00:00.123Z","data":{"code":"internal"}})");
}

}  // namespace
}  // namespace consilium::gateway
