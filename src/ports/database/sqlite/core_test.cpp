#include "ports/database/sqlite/core.h"

#include <gtest/gtest.h>

#include "ports/database/sqlite/migration.h"
#include "ports/database/sqlite/sqlite_store.h"
#include "ports/database/store_harness.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

class WriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.path = folder_.path() + "/consilium.db";
    options_.steady_now = [this] { return clock_; };
    options_ = with_defaults(options_);
    ASSERT_TRUE(apply_migrations(
        options_, "some",
        {{1, "create",
          "CREATE TABLE some_row(id INTEGER PRIMARY KEY);"
          "CREATE TABLE some_child(id INTEGER PRIMARY KEY, row INTEGER REFERENCES some_row(id) DEFERRABLE INITIALLY DEFERRED);"}}));
    auto writer = Writer::open(options_);
    ASSERT_TRUE(writer);
    writer_ = std::move(*writer);
  }

  // Runs each statement as a function of one group; answers the fates, `ok`, or `no` for an error of the function.
  std::vector<std::string> run(std::vector<std::string> statements) {
    std::vector<std::string> fates(statements.size());
    std::vector<Job> jobs(statements.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].scope = &scope_;
      jobs[i].work = [this, sql = statements[i], &fate = fates[i]](Transaction& transaction) {
        clock_ = clock_ + cost_;
        ++runs_;
        const bool done = transaction.execute(sql).has_value();
        fate = done ? "ok" : "no";
        return done;
      };
      jobs[i].done = [&fate = fates[i]](std::optional<Error> error) {
        if (error) fate = error->code;
      };
    }
    report_ = writer_->run(jobs);
    answer(std::span(jobs).first(report_.taken));
    for (std::size_t i = report_.taken; i < fates.size(); ++i) fates[i] = "later";
    return fates;
  }
  std::int64_t count() {
    const auto rows = writer_->connection().select(scope_, "SELECT count(*) FROM some_row", {});
    return rows ? rows->front().integer(0) : -1;
  }

  using Fates = std::vector<std::string>;
  runtime::TemporaryFolder folder_;
  Options options_;
  Timestamp clock_;
  Duration cost_;
  Scope scope_ = scope_of(Access::kService, "some");
  std::unique_ptr<Writer> writer_;
  GroupReport report_;
  int runs_ = 0;
};

TEST_F(WriterTest, OneCommitForManyFunctions) {
  EXPECT_EQ(run({"INSERT INTO some_row VALUES (1)", "INSERT INTO some_row VALUES (1)", "INSERT INTO some_row VALUES (2)"}),
            (Fates{"ok", "no", "ok"}));
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(runs_, 3);
  EXPECT_TRUE(report_.committed);
  EXPECT_FALSE(report_.lost);
}

// `OR ROLLBACK` makes SQLite undo the whole group: those before it must be run again, not be answered as stored.
TEST_F(WriterTest, RunsTheOthersAgainWhenSqliteRolledBackTheGroup) {
  EXPECT_EQ(run({"INSERT INTO some_row VALUES (1)", "INSERT OR ROLLBACK INTO some_row VALUES (1)", "INSERT INTO some_row VALUES (2)"}),
            (Fates{"ok", "database.unique", "later"}));  // those behind the culprit come with the next group
  EXPECT_EQ(count(), 1);
  EXPECT_TRUE(report_.lost);
  EXPECT_TRUE(report_.committed);
  EXPECT_EQ(runs_, 3);  // 1, culprit, then 1 alone
  EXPECT_FALSE(writer_->connection().in_transaction());
}

TEST_F(WriterTest, FindsTheOneWhoseRuleFailsAtTheCommit) {
  EXPECT_EQ(run({"INSERT INTO some_row VALUES (1)", "INSERT INTO some_child(row) VALUES (99)", "INSERT INTO some_row VALUES (2)"}),
            (Fates{"ok", "database.foreign-key", "ok"}));
  EXPECT_EQ(count(), 2);
  EXPECT_FALSE(writer_->connection().in_transaction());
}

TEST_F(WriterTest, EndsAGroupAfterItsTime) {
  cost_ = milliseconds(1);
  EXPECT_EQ(run({"INSERT INTO some_row VALUES (1)", "INSERT INTO some_row VALUES (2)", "INSERT INTO some_row VALUES (3)"}),
            (Fates{"ok", "ok", "later"}));
  EXPECT_EQ(count(), 2);
  cost_ = milliseconds(5);
  EXPECT_EQ(run({"INSERT INTO some_row VALUES (4)", "INSERT INTO some_row VALUES (5)"}), (Fates{"ok", "later"}));  // always at least one
}

TEST_F(WriterTest, KeepsABoundedNumberOfPreparedStatements) {
  for (std::size_t i = 0; i < kMaxPreparedStatements + 10; ++i) {
    const std::string sql = "SELECT " + std::to_string(i) + " FROM some_row";
    ASSERT_TRUE(writer_->connection().select(scope_, sql, {})) << i;
  }
  EXPECT_LE(writer_->connection().prepared_statements(scope_), kMaxPreparedStatements);
  EXPECT_GT(writer_->connection().prepared_statements(scope_), 0U);
}

}  // namespace
}  // namespace consilium::database::sqlite
