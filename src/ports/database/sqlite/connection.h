// One SQLite connection: prepared statements, values in and out, and the guard that keeps a service to its own tables.
// Used by one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ports/database/database.h"
#include "ports/database/sqlite/options.h"
#include "ports/database/sqlite/page_checksums.h"

struct sqlite3;
struct sqlite3_stmt;

namespace consilium::database::sqlite {

enum class Access {
  kService,     // reads and writes `<service>_…`
  kPrivileged,  // reads and writes the tables of all services
  kMigration,   // also changes the schema of `<service>_…`
  kInternal,    // the store's own statements
};

// Whose statements they are. Lives as long as every connection that saw it.
struct Scope {
  Access access = Access::kService;
  std::string service;
  std::string prefix;  // `<service>_`
};

Scope scope_of(Access access, std::string_view service);
// `[a-z][a-z0-9]*`: no underscore, so no service's prefix begins with another's.
bool is_service_name(std::string_view name);

enum class Role { kWriter, kReader };

class Connection {
 public:
  // Opens (a writer creates) the file and sets the pragmas. A writer gives checksums to the pages of a file of before they
  // were kept, once, which takes as long as a copy of the file.
  static Result<std::unique_ptr<Connection>> open(const Options& options, Role role, Duration busy_wait);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<std::int64_t> run(const Scope& scope, std::string_view sql, std::span<const Value> values);
  Result<Rows> select(const Scope& scope, std::string_view sql, std::span<const Value> values);
  // One or more statements without values, not kept prepared.
  Result<void> script(const Scope& scope, std::string_view sql);
  // The store's own statements (BEGIN, SAVEPOINT …); answers SQLite's extended code.
  int control(std::string_view sql);

  bool in_transaction() const;
  int last_code() const;
  Error last_error() const;

  // Statements end with `database.too-slow` once `expired` answers true; asked every few thousand steps of SQLite.
  void interrupt_when(std::function<bool()> expired);
  // Names of the tables whose rows changed since the last call.
  std::set<std::string, std::less<>> take_changed_tables() { return std::exchange(changed_tables_, {}); }
  // Calls of fdatasync or fsync for its files.
  std::uint64_t syncs() const { return files_.syncs(); }
  // Length of the write-ahead log after this connection's last commit.
  int log_pages() const { return log_pages_; }
  // Moves what is possible from the log to the file without waiting for anybody. False: a sync failed in the disk, and what was moved
  // before may be lost, though SQLite counts it as moved until the log is read anew.
  bool checkpoint_passive();
  // Writes and syncs the last commit of the log once more. When its sync failed and a process ended of it, the kernel counts its
  // pages as written, though they are in memory only: what is appended behind them would be lost together with them.
  Result<void> write_last_commit_again();

  std::size_t prepared_statements(const Scope& scope) const;

  sqlite3* handle() const { return handle_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Prepared {
    Statement statement;
    std::vector<std::string> writes;  // tables, by itself or by its triggers
  };
  using Statements = std::unordered_map<std::string, Prepared, TextHash, std::equal_to<>>;

  Connection(const Options& options, Role role)
      : files_(options.vfs, options.synchronous == Synchronous::kFull ? LogWrites::kGathered : LogWrites::kAtOnce), role_(role) {}
  Result<void> set_up(const Options& options, Duration busy_wait);
  Result<void> turn_on_log(Duration busy_wait);
  Result<void> keep_checksums();
  Result<const Prepared*> prepare(const Scope& scope, std::string_view sql);
  Result<const Prepared*> bind(const Scope& scope, std::string_view sql, std::span<const Value> values);
  // After a run that may have changed rows; answers how many.
  std::int64_t note_changes(const Prepared& prepared);
  Error failure();

  static int authorize(void* self, int action, const char* first, const char* second, const char* database, const char* trigger);
  bool allows(int action, std::string_view first, std::string_view second);
  bool allows_schema_change(int action, std::string_view first, std::string_view second) const;
  bool owns(std::string_view table) const;
  bool may_read(std::string_view table, std::string_view column) const;

  PageChecksums files_;
  sqlite3* handle_ = nullptr;
  Role role_;
  std::unordered_map<const Scope*, Statements> statements_;
  const Scope* scope_ = nullptr;  // of the statement being prepared or run
  std::string denied_;            // why the guard refused it
  bool denied_write_ = false;
  std::function<bool()> expired_;
  std::set<std::string, std::less<>> writing_;  // tables of the statement being prepared
  std::set<std::string, std::less<>> changed_tables_;
  int log_pages_ = 0;
};

}  // namespace consilium::database::sqlite
