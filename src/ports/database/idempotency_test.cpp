#include "ports/database/idempotency.h"

#include <gtest/gtest.h>

#include "ports/database/store_harness.h"

namespace consilium::database {
namespace {

struct Note {
  std::string text;
};

}  // namespace
}  // namespace consilium::database

namespace consilium {

template <>
std::string encode_wire(const database::Note& note) {
  return note.text;
}
template <>
Result<database::Note> decode_wire(std::string_view bytes) {
  return database::Note{std::string(bytes)};
}

}  // namespace consilium

namespace consilium::database {
namespace {

class Idempotency : public ::testing::Test {
 protected:
  Idempotency() {
    auto migrated = harness_->store().migrate("notes", {IdempotencyTable::migration("notes", 1)});
    EXPECT_TRUE(migrated) << migrated.error().describe();
  }

  static IdempotentRequest request(std::string key, std::string body = "body", std::string caller = "user:1", Timestamp now = {0}) {
    return {std::move(caller), "AddNote", std::move(key), std::move(body), now};
  }

  // Writes a note whose text counts the effects so far.
  Result<Note> add(const std::optional<IdempotentRequest>& once) {
    return harness_->write(door(), [&](Transaction& transaction) {
      return table_.once<Note>(transaction, once, [&]() -> Result<Note> { return Note{"note " + std::to_string(++effects_)}; });
    });
  }

  std::int64_t rows() {
    auto count =
        harness_->read(door(), [](Transaction& transaction) { return transaction.query_one("SELECT count(*) FROM notes_idempotency"); });
    return (*count)->integer(0);
  }

  Database& door() { return harness_->store().service("notes"); }

  std::unique_ptr<testing::StoreHarness> harness_ = testing::threaded_harness({});
  IdempotencyTable table_{"notes"};
  int effects_ = 0;
};

TEST_F(Idempotency, AnswersTheSameForTheSameRequest) {
  EXPECT_EQ(add(request("a"))->text, "note 1");
  EXPECT_EQ(add(request("a"))->text, "note 1");
  EXPECT_EQ(effects_, 1);
}

TEST_F(Idempotency, KeepsCallersAndKeysApart) {
  EXPECT_EQ(add(request("a"))->text, "note 1");
  EXPECT_EQ(add(request("b"))->text, "note 2");
  EXPECT_EQ(add(request("a", "body", "user:2"))->text, "note 3");
}

TEST_F(Idempotency, RefusesAnotherBody) {
  ASSERT_TRUE(add(request("a")));
  const auto second = add(request("a", "other"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "request.idempotency-key-reused");
  EXPECT_EQ(second.error().kind, ErrorKind::kValidation);
  EXPECT_EQ(effects_, 1);
}

TEST_F(Idempotency, DoesNotKeepFailures) {
  const auto failed = harness_->write(door(), [&](Transaction& transaction) {
    return table_.once<Note>(transaction, request("a"), []() -> Result<Note> { return fail(ErrorKind::kConflict, "notes.full"); });
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(add(request("a"))->text, "note 1");
}

TEST_F(Idempotency, ForgetsAfterADay) {
  const Timestamp last = Timestamp{0} + kIdempotencyRetention;
  ASSERT_TRUE(add(request("a")));
  EXPECT_EQ(add(request("a", "body", "user:1", last - microseconds(1)))->text, "note 1");
  EXPECT_EQ(add(request("a", "body", "user:1", last))->text, "note 2");
}

TEST_F(Idempotency, ClearsExpiredAnswersAway) {
  for (int i = 0; i < kIdempotencySweep + 1; ++i) ASSERT_TRUE(add(request("old " + std::to_string(i))));
  ASSERT_TRUE(add(request("new", "body", "user:1", Timestamp{0} + kIdempotencyRetention)));
  EXPECT_EQ(rows(), 2);
}

TEST_F(Idempotency, TakesCallerCallAndKeyFromTheContext) {
  SeededRandom random(1);
  runtime::Context context(harness_->loop(), random);
  EXPECT_FALSE(*idempotent_request(context, "AddNote", "body"));
  context.idempotency_key = "a";
  EXPECT_FALSE(*idempotent_request(context, "AddNote", "body")) << "nobody in particular";
  context.caller.kind = runtime::Caller::Kind::kUser;
  const auto of_user = idempotent_request(context, "AddNote", "body");
  ASSERT_TRUE(of_user && *of_user);
  EXPECT_EQ((*of_user)->caller, "user:00000000-0000-0000-0000-000000000000");
  EXPECT_NE((*of_user)->body_hash, (*idempotent_request(context, "AddNote", "other"))->body_hash);
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "chat";
  EXPECT_EQ((*idempotent_request(context, "AddNote", "body"))->caller, "service:chat");
}

TEST_F(Idempotency, BoundsTheKey) {
  SeededRandom random(1);
  runtime::Context context(harness_->loop(), random);
  context.caller.kind = runtime::Caller::Kind::kUser;
  context.idempotency_key = std::string(kMaxIdempotencyKey, 'k');
  EXPECT_TRUE(idempotent_request(context, "AddNote", ""));
  context.idempotency_key += 'k';
  EXPECT_EQ(idempotent_request(context, "AddNote", "").error().code, "request.bad-idempotency-key");
  context.idempotency_key = "a b";
  EXPECT_EQ(idempotent_request(context, "AddNote", "").error().code, "request.bad-idempotency-key");
}

}  // namespace
}  // namespace consilium::database
