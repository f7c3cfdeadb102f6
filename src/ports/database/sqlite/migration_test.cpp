#include "ports/database/sqlite/migration.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/database/sqlite/connection.h"
#include "ports/database/sqlite/sqlite_store.h"
#include "ports/database/store_harness.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

TEST(Migration, ChecksumTellsTextsApart) {
  EXPECT_EQ(checksum_of(""), "cbf29ce484222325");
  EXPECT_EQ(checksum_of("a"), "af63dc4c8601ec8c");
  EXPECT_NE(checksum_of("CREATE TABLE a_b(c)"), checksum_of("CREATE TABLE a_b(d)"));
}

// Each migration leaves a mark; applied twice, it would leave two (or fail on the table that is there).
std::vector<Migration> marking_migrations() {
  std::vector<Migration> all{{1, "create", "CREATE TABLE marks_mark(number INTEGER NOT NULL)"}};
  for (int number = 2; number <= 12; ++number)
    all.push_back({number, "mark", "INSERT INTO marks_mark VALUES (" + std::to_string(number) + ")"});
  return all;
}

TEST(Migration, B_76_FiveProcessesAtOnceApplyEachOnce) {
  const runtime::TemporaryFolder folder;
  Options options;
  options.path = folder.path() + "/consilium.db";
  int start[2];
  ASSERT_EQ(::pipe(start), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 5; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(start[1]);
      char byte = 0;
      if (::read(start[0], &byte, 1) != 0) ::_exit(2);  // ends when the parent lets all go at once
      ::_exit(apply_migrations(options, "marks", marking_migrations()) ? 0 : 1);
    }
    children.push_back(child);
  }
  ::close(start[0]);
  ::close(start[1]);
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  const auto connection = Connection::open(with_defaults(options), Role::kWriter, kBusyWait);
  ASSERT_TRUE(connection);
  const Scope scope = scope_of(Access::kPrivileged, "");
  const auto marks = (*connection)->select(scope, "SELECT number FROM marks_mark ORDER BY number", {});
  ASSERT_TRUE(marks);
  ASSERT_EQ(marks->size(), 11U);
  for (std::size_t i = 0; i < marks->size(); ++i) EXPECT_EQ(marks->at(i).integer(0), static_cast<std::int64_t>(i) + 2);
}

}  // namespace
}  // namespace consilium::database::sqlite
