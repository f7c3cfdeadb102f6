#include "ports/database/sqlite/maintenance.h"

#include <sqlite3.h>

#include <memory>

#include "ports/database/sqlite/page_checksums.h"
#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::sqlite {
namespace {

// A connection without the guard and the pragmas of the store.
class PlainConnection {
 public:
  static Result<std::unique_ptr<PlainConnection>> open(const Options& options, const std::string& path, int flags) {
    auto connection = std::make_unique<PlainConnection>(options);
    sqlite3*& handle = connection->handle_;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                     connection->files_.name().c_str());
    if (code != SQLITE_OK) return fail(error_of(code, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
    sqlite3_busy_timeout(handle, static_cast<int>(kBusyWait.milliseconds()));
    return connection;
  }
  explicit PlainConnection(const Options& options) : files_(options.vfs) {}
  ~PlainConnection() { sqlite3_close_v2(handle_); }
  PlainConnection(const PlainConnection&) = delete;
  PlainConnection& operator=(const PlainConnection&) = delete;

  sqlite3* handle() const { return handle_; }
  std::set<std::uint32_t> damaged_pages() const { return files_.damaged_pages(); }
  std::set<std::uint32_t> empty_pages() const { return files_.empty_pages(); }

 private:
  PageChecksums files_;
  sqlite3* handle_ = nullptr;
};

struct Listing {
  std::vector<std::string> lines;
  int code = SQLITE_OK;  // how it ended; the lines are those of before
};

Listing rows_of(sqlite3* handle, const char* sql) {
  Listing listing;
  listing.code = sqlite3_exec(
      handle, sql,
      [](void* out, int count, char** texts, char**) {
        std::string line;
        for (int i = 0; i < count; ++i) line += std::string(i == 0 ? "" : " ") + (texts[i] ? texts[i] : "null");
        static_cast<std::vector<std::string>*>(out)->push_back(std::move(line));
        return 0;
      },
      &listing.lines, nullptr);
  return listing;
}

bool tells_of_damage(int code) {
  const int kind = code & 0xff;
  return code == SQLITE_IOERR_DATA || kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
}

// Reads every page that is in use. Damage may keep a check from its end: what it found until then is told.
Result<std::vector<std::string>> damage_of(const PlainConnection& connection) {
  sqlite3* handle = connection.handle();
  Listing pages = rows_of(handle, "PRAGMA integrity_check(100)");
  if (pages.code != SQLITE_OK && !tells_of_damage(pages.code)) return fail(last_error(handle));
  std::vector<std::string> findings;
  for (const std::uint32_t page : connection.damaged_pages())
    findings.push_back("page " + std::to_string(page) + ": its checksum does not match what is stored");
  // The check reads no page that is not in use, so none of them may be empty.
  for (const std::uint32_t page : connection.empty_pages())
    findings.push_back("page " + std::to_string(page) + ": it is in use, but empty");
  const bool is_named = !findings.empty();
  for (std::string& line : pages.lines) {
    if (line != "ok") findings.push_back(std::move(line));
  }
  if (pages.code != SQLITE_OK) {
    if (!is_named) findings.push_back(last_error(handle).describe());
    return findings;
  }
  const Listing orphans = rows_of(handle,
                                  "SELECT \"table\" || ' row ' || ifnull(rowid, '?') || ' has no ' || parent "
                                  "FROM pragma_foreign_key_check LIMIT 100");
  if (orphans.code != SQLITE_OK && findings.empty()) return fail(last_error(handle));
  for (const std::string& orphan : orphans.lines) findings.push_back("foreign key: " + orphan);
  return findings;
}

Result<void> copy_pages(sqlite3* from, sqlite3* to) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (!backup) return fail(last_error(to));
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return fail(error_of(code, sqlite3_errstr(code)));
  return {};
}

}  // namespace

Result<void> copy_to(const Options& options, const std::string& path) {
  ASSIGN_OR_RETURN(const auto from, PlainConnection::open(options, options.path, 0));
  ASSIGN_OR_RETURN(const auto to, PlainConnection::open(options, path, SQLITE_OPEN_CREATE));
  TRY(copy_pages(from->handle(), to->handle()));
  // A page that was lost is a sound page of zeros in the copy.
  if (!from->empty_pages().empty()) {
    ASSIGN_OR_RETURN(const auto lost, find_damage(options));
    if (!lost.empty()) return fail(ErrorKind::kInternal, "database.backup-damaged", lost.front().substr(0, 400));
  }
  // The copy carries the mark of a write-ahead log; without it the file stands alone.
  if (rows_of(to->handle(), "PRAGMA journal_mode=DELETE").code != SQLITE_OK) return fail(last_error(to->handle()));
  ASSIGN_OR_RETURN(const auto findings, damage_of(*to));
  if (!findings.empty()) return fail(ErrorKind::kInternal, "database.backup-damaged", findings.front().substr(0, 400));
  return {};
}

Result<std::vector<std::string>> find_damage(const Options& options) {
  ASSIGN_OR_RETURN(const auto connection, PlainConnection::open(options, options.path, 0));
  return damage_of(*connection);
}

}  // namespace consilium::database::sqlite
