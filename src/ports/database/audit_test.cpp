#include "ports/database/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ports/database/service_bench_testing.h"

namespace consilium::database {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AuditTableTest : public ::testing::Test {
 protected:
  AuditTableTest() { bench_.migrate("shop", {AuditTable::migration("shop", 1)}); }

  void insert(const AuditEntry& entry) {
    ASSERT_TRUE(bench_.write("shop", [&](Transaction& transaction) { return table_.insert(transaction, entry); }));
  }
  std::vector<AuditEntry> of(const Value& subject) {
    return *bench_.read("shop", [&](Transaction& transaction) { return table_.list(transaction, subject); });
  }

  testing::ServiceBench bench_;
  AuditTable table_{"shop"};
};

TEST_F(AuditTableTest, SaysWhoAskedForWhatAboutWhom) {
  runtime::Context person = bench_.user(bench_.anonymous().new_id());
  person.caller.session_id = person.new_id();
  const Value subject = to_value(person.new_id());
  const AuditEntry first = audit_entry(person, "LockUser", subject);
  EXPECT_EQ(first.actor, "user:" + person.caller.user_id.text());
  EXPECT_EQ(first.session_id, person.caller.session_id);
  EXPECT_EQ(first.outcome, "done");
  EXPECT_EQ(first.remote_address, "192.0.2.1");
  bench_.pass(seconds(1));
  const AuditEntry second = audit_entry(bench_.service("chat"), "LockUser", subject, "request.forbidden");
  EXPECT_EQ(second.actor, "service:chat");
  EXPECT_EQ(second.session_id, std::nullopt);
  insert(second);
  insert(first);
  insert(audit_entry(bench_.anonymous(), "LockUser", Null{}));
  EXPECT_THAT(of(subject), ElementsAre(first, second));
  EXPECT_THAT(of(to_value(person.new_id())), IsEmpty());
}

TEST_F(AuditTableTest, KeepsWhatWasAskedUntilTheOutcomeIsKnown) {
  AuditEntry entry = audit_entry(bench_.service("chat"), "ResolveIncident", std::int64_t{7}, "asked");
  insert(entry);
  EXPECT_THAT(of(std::int64_t{7}), ElementsAre(entry));
  ASSERT_TRUE(bench_.write("shop", [&](Transaction& transaction) { return table_.finish(transaction, entry.id, "done"); }));
  entry.outcome = "done";
  EXPECT_THAT(of(std::int64_t{7}), ElementsAre(entry));
}

}  // namespace
}  // namespace consilium::database
