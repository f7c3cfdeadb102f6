#include "ports/database/sqlite/page_checksums.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "base/random.h"
#include "ports/database/sqlite/connection.h"
#include "ports/database/sqlite/maintenance.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::sqlite {
namespace {

constexpr std::size_t kPage = 4096;

class PageChecksumsTest : public testing::Test {
 protected:
  void SetUp() override { options_.path = folder_.path() + "/x.db"; }

  // Texts, long enough for chains of pages, that no index repeats: nothing but a checksum tells that one has changed.
  void write_texts() {
    auto connection = writer();
    run(*connection, "CREATE TABLE notes_line(id INTEGER PRIMARY KEY, text TEXT) STRICT");
    for (int i = 0; i < 50; ++i) {
      const Value values[] = {to_value(i), to_value(std::string(static_cast<std::size_t>(i) * 300, 'a'))};
      ASSERT_TRUE(connection->run(migration_, "INSERT INTO notes_line VALUES (?, ?)", values));
    }
  }
  std::unique_ptr<Connection> writer() {
    auto opened = Connection::open(options_, Role::kWriter, kBusyWait);
    if (!opened) throw std::runtime_error(opened.error().describe());
    return std::move(*opened);
  }
  void run(Connection& connection, const char* sql) { ASSERT_TRUE(connection.script(migration_, sql)); }

  std::string content() const {
    std::ifstream file(options_.path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void set_content(const std::string& bytes) const { std::ofstream(options_.path, std::ios::binary) << bytes; }

  std::vector<std::string> findings() const {
    auto found = find_damage(options_);
    return found ? *found : std::vector<std::string>{found.error().describe()};
  }

  runtime::TemporaryFolder folder_;
  Options options_;
  const Scope migration_ = scope_of(Access::kMigration, "notes");
};

TEST_F(PageChecksumsTest, AnySingleFlippedBitIsFoundAndItsPageNamed) {
  write_texts();
  ASSERT_EQ(findings(), std::vector<std::string>{});
  const std::string sound = content();
  ASSERT_EQ(sound.size() % kPage, 0U);
  SeededRandom random(20261124);
  for (std::size_t page = 0; page < sound.size() / kPage; ++page) {
    std::string damaged = sound;
    // Past the header of the file, which says whether there are checksums at all; SQLite itself looks at that.
    const std::size_t at = page * kPage + 100 + random.below(kPage - 100);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    set_content(damaged);
    const auto found = findings();
    ASSERT_FALSE(found.empty()) << "byte " << at;
    EXPECT_EQ(found.front(), "page " + std::to_string(page + 1) + ": its checksum does not match what is stored") << "byte " << at;
  }
  set_content(sound);
  EXPECT_EQ(findings(), std::vector<std::string>{});
}

TEST_F(PageChecksumsTest, APageInThePlaceOfAnotherIsFound) {
  write_texts();
  std::string bytes = content();
  const std::size_t pages = bytes.size() / kPage;
  ASSERT_GT(pages, 10U);
  bytes.replace((pages - 1) * kPage, kPage, bytes.substr((pages - 2) * kPage, kPage));
  set_content(bytes);
  ASSERT_FALSE(findings().empty());
  EXPECT_TRUE(findings().front().starts_with("page " + std::to_string(pages)));
}

TEST_F(PageChecksumsTest, ADamagedTextIsAnErrorAndNeverData) {
  write_texts();
  std::string bytes = content();
  const auto at = bytes.rfind("aaaaaaaa");
  bytes[at] = 'b';
  set_content(bytes);
  const auto connection = writer();
  const auto rows = connection->select(migration_, "SELECT text FROM notes_line", {});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, "database.damaged");
  const auto copied = copy_to(options_, folder_.path() + "/copy.db");
  ASSERT_FALSE(copied) << "a backup would pass the damage on";
  EXPECT_EQ(copied.error().code, "database.damaged");
}

TEST_F(PageChecksumsTest, APageThatWasLostIsFoundAndNotCopied) {
  write_texts();
  const std::string sound = content();
  for (std::size_t page = 1; page < sound.size() / kPage; ++page) {
    std::string damaged = sound;
    damaged.replace(page * kPage, kPage, kPage, '\0');
    set_content(damaged);
    ASSERT_FALSE(findings().empty()) << "page " << page + 1;
  }
  // The last one is the end of a text: nothing but its content is missing.
  const auto copied = copy_to(options_, folder_.path() + "/copy.db");
  ASSERT_FALSE(copied) << "a backup would pass the damage on";
  EXPECT_EQ(copied.error().code, "database.backup-damaged");
}

// SQLite need not fill a page that is free again before it was written.
TEST_F(PageChecksumsTest, AnEmptyPageThatIsNotInUseIsNoDamage) {
  write_texts();
  run(*writer(), "DELETE FROM notes_line WHERE id > 20");
  std::string bytes = content();
  const auto number_at = [&](std::size_t at) {
    std::size_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
    return number;
  };
  // https://www.sqlite.org/fileformat2.html §1.5: the header names the first trunk page, a trunk page the free ones.
  const std::size_t trunk = number_at(32);
  ASSERT_GT(trunk, 1U);
  ASSERT_GT(number_at((trunk - 1) * kPage + 4), 0U);
  const std::size_t unused = number_at((trunk - 1) * kPage + 8);
  bytes.replace((unused - 1) * kPage, kPage, kPage, '\0');
  set_content(bytes);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  const auto copied = copy_to(options_, folder_.path() + "/copy.db");
  EXPECT_TRUE(copied) << copied.error().describe();
}

TEST_F(PageChecksumsTest, ACopyKeepsThem) {
  write_texts();
  options_.path = folder_.path() + "/copy.db";
  Options source = options_;
  source.path = folder_.path() + "/x.db";
  ASSERT_TRUE(copy_to(source, options_.path));
  std::string bytes = content();
  bytes[bytes.rfind("aaaaaaaa")] = 'b';
  set_content(bytes);
  EXPECT_FALSE(findings().empty());
}

// What is still in the log when the process is killed has none yet; the next one moves it into the file.
TEST_F(PageChecksumsTest, AFileOfBeforeTheyWereKeptGetsThem) {
  sqlite3* plain = nullptr;
  ASSERT_EQ(sqlite3_open(options_.path.c_str(), &plain), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(plain,
                         "PRAGMA journal_mode=WAL; CREATE TABLE notes_line(id INTEGER PRIMARY KEY, text TEXT) STRICT;"
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                         "INSERT INTO notes_line SELECT i, printf('%.*c', i * 20, 'a') FROM n",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(plain);
  const std::string before = content();
  EXPECT_EQ(findings(), std::vector<std::string>{}) << "without checksums, but sound";
  ASSERT_TRUE(copy_to(options_, folder_.path() + "/copy.db"));
  {
    const auto connection = writer();
    EXPECT_TRUE(PageChecksums::are_kept(connection->handle()));
    const auto rows = connection->select(migration_, "SELECT count(*), sum(length(text)) FROM notes_line", {});
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->front().integer(0), 200);
    EXPECT_EQ(rows->front().integer(1), 200 * 201 / 2 * 20);
  }
  EXPECT_EQ(findings(), std::vector<std::string>{});
  std::string bytes = content();
  EXPECT_NE(bytes, before);
  bytes[bytes.rfind("aaaaaaaa")] = 'b';
  set_content(bytes);
  EXPECT_FALSE(findings().empty());
}

TEST_F(PageChecksumsTest, AnotherConnectionSeesThatTheyAreKeptFromNowOn) {
  sqlite3* plain = nullptr;
  ASSERT_EQ(sqlite3_open(options_.path.c_str(), &plain), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(plain, "PRAGMA journal_mode=WAL; CREATE TABLE notes_line(id INTEGER PRIMARY KEY, text TEXT)", nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(plain);
  const PageChecksums files("");
  sqlite3* early = nullptr;  // opened before, and so in the belief that there are none
  ASSERT_EQ(sqlite3_open_v2(options_.path.c_str(), &early, SQLITE_OPEN_READWRITE, files.name().c_str()), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(early, "SELECT * FROM notes_line", nullptr, nullptr, nullptr), SQLITE_OK);
  writer();
  ASSERT_EQ(sqlite3_exec(early,
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                         "INSERT INTO notes_line SELECT i, printf('%500c', 'a') FROM n; PRAGMA wal_checkpoint(TRUNCATE)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(early);
  EXPECT_EQ(findings(), std::vector<std::string>{});
}

TEST_F(PageChecksumsTest, PagesThatAreFreedAndTakenAgainStaySound) {
  write_texts();
  {
    const auto connection = writer();
    for (int round = 0; round < 5; ++round) {
      run(*connection, "DELETE FROM notes_line WHERE id % 2 = 0");
      ASSERT_TRUE(connection->checkpoint_passive());
      run(*connection,
          "INSERT INTO notes_line SELECT id + 1000, text FROM notes_line WHERE id % 3 = 0 AND id < 1000 AND id + 1000 NOT IN (SELECT id "
          "FROM notes_line)");
      run(*connection, "DELETE FROM notes_line WHERE id > 1000");
    }
  }
  EXPECT_EQ(findings(), std::vector<std::string>{});
  ASSERT_TRUE(copy_to(options_, folder_.path() + "/copy.db")) << "which reads free pages, too";
}

}  // namespace
}  // namespace consilium::database::sqlite
