#include "ports/database/sqlite/gathered_log.h"

#include <gtest/gtest.h>

#include "ports/database/simulated/disk.h"
#include "ports/database/sqlite/connection.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

const Scope& migration() {
  static const Scope scope = scope_of(Access::kMigration, "log");
  return scope;
}

std::unique_ptr<Connection> open(const Options& options, Role role) {
  auto opened = Connection::open(options, role, Duration{});
  if (!opened) throw std::runtime_error(opened.error().describe());
  return std::move(*opened);
}

void fill(Connection& connection, std::int64_t bytes) {
  ASSERT_EQ(connection.control("BEGIN IMMEDIATE"), 0);
  const Value value(Blob{std::string(static_cast<std::size_t>(bytes), 'x')});
  ASSERT_TRUE(connection.run(migration(), "INSERT INTO log_row (content) VALUES (?)", std::span(&value, 1)));
  ASSERT_EQ(connection.control("COMMIT"), 0) << "of " << bytes << " bytes";
}

std::int64_t bytes_seen(Connection& connection) {
  auto rows = connection.select(migration(), "SELECT coalesce(sum(length(content)), 0) FROM log_row", {});
  return rows ? rows->front().integer(0) : -1;
}

// Among them sizes for which one write would be a whole multiple of 128 KiB, and more than is gathered at once.
TEST(GatheredLog, CommitsOfAnySizeAreThereForOthersAndAfterwards) {
  const runtime::TemporaryFolder folder;
  const Options options{.path = folder.path() + "/x.db"};
  std::int64_t total = 0;
  {
    auto writer = open(options, Role::kWriter);
    ASSERT_TRUE(writer->script(migration(), "CREATE TABLE log_row (id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT"));
    auto reader = open(options, Role::kReader);
    for (std::int64_t pages = 1; pages < 130; ++pages) {
      fill(*writer, pages * 4'096);
      total += pages * 4'096;
      ASSERT_EQ(bytes_seen(*reader), total) << pages;
    }
    fill(*writer, 5 << 20);
    total += 5 << 20;
    ASSERT_EQ(bytes_seen(*reader), total);
  }
  auto again = open(options, Role::kWriter);
  EXPECT_EQ(bytes_seen(*again), total);
}

TEST(GatheredLog, ACommitIsFewWritesAndOneSync) {
  simulated::Disk disk(1);
  const Options options{.path = "/x.db", .vfs = disk.vfs_name()};
  auto writer = open(options, Role::kWriter);
  ASSERT_TRUE(writer->script(migration(), "CREATE TABLE log_row (id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT"));
  fill(*writer, 1);
  const std::uint64_t writes = disk.writes();
  const std::uint64_t syncs = disk.syncs();
  const std::uint64_t counted = writer->syncs();
  fill(*writer, 10 * 4'096);
  EXPECT_EQ(disk.writes() - writes, 1U);
  EXPECT_EQ(disk.syncs() - syncs, 1U);
  EXPECT_EQ(writer->syncs() - counted, 1U);
}

TEST(GatheredLog, WithoutSyncsEachWriteIsMadeAtOnce) {
  const runtime::TemporaryFolder folder;
  const Options options{.path = folder.path() + "/x.db", .synchronous = Synchronous::kOffForTests};
  auto writer = open(options, Role::kWriter);
  ASSERT_TRUE(writer->script(migration(), "CREATE TABLE log_row (id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT"));
  auto reader = open(options, Role::kReader);
  fill(*writer, 50 * 4'096);
  EXPECT_EQ(bytes_seen(*reader), 50 * 4'096);
}

}  // namespace
}  // namespace consilium::database::sqlite
