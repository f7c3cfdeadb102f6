#include "ports/database/sqlite/maintenance.h"

#include <sqlite3.h>

#include <memory>

#include "ports/database/sqlite/connection.h"
#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::sqlite {
namespace {

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

Result<Handle> open_plain(const Options& options, const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  Handle owned(handle);
  if (code != SQLITE_OK) return fail(error_of(code, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
  sqlite3_busy_timeout(handle, static_cast<int>(kBusyWait.milliseconds()));
  return owned;
}

Result<std::vector<std::string>> rows_of(sqlite3* handle, const char* sql) {
  std::vector<std::string> lines;
  const int code = sqlite3_exec(
      handle, sql,
      [](void* out, int count, char** texts, char**) {
        std::string line;
        for (int i = 0; i < count; ++i) line += std::string(i == 0 ? "" : " ") + (texts[i] ? texts[i] : "null");
        static_cast<std::vector<std::string>*>(out)->push_back(std::move(line));
        return 0;
      },
      &lines, nullptr);
  if (code != SQLITE_OK) return fail(last_error(handle));
  return lines;
}

Result<std::vector<std::string>> damage_of(sqlite3* handle) {
  ASSIGN_OR_RETURN(auto findings, rows_of(handle, "PRAGMA integrity_check(100)"));
  if (findings == std::vector<std::string>{"ok"}) findings.clear();
  ASSIGN_OR_RETURN(const auto orphans, rows_of(handle,
                                               "SELECT \"table\" || ' row ' || ifnull(rowid, '?') || ' has no ' || parent "
                                               "FROM pragma_foreign_key_check LIMIT 100"));
  for (const std::string& orphan : orphans) findings.push_back("foreign key: " + orphan);
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
  ASSIGN_OR_RETURN(const Handle from, open_plain(options, options.path, SQLITE_OPEN_READWRITE));
  ASSIGN_OR_RETURN(const Handle to, open_plain(options, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  TRY(copy_pages(from.get(), to.get()));
  // The copy carries the mark of a write-ahead log; without it the file stands alone.
  ASSIGN_OR_RETURN(const auto mode, rows_of(to.get(), "PRAGMA journal_mode=DELETE"));
  ASSIGN_OR_RETURN(const auto findings, damage_of(to.get()));
  if (!findings.empty()) return fail(ErrorKind::kInternal, "database.backup-damaged", findings.front().substr(0, 400));
  return {};
}

Result<std::vector<std::string>> find_damage(const Options& options) {
  ASSIGN_OR_RETURN(const Handle handle, open_plain(options, options.path, SQLITE_OPEN_READWRITE));
  return damage_of(handle.get());
}

}  // namespace consilium::database::sqlite
