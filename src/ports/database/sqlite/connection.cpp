#include "ports/database/sqlite/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>

#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::sqlite {
namespace {

constexpr int kStepsBetweenLooks = 4'000;

const Scope& internal_scope() {
  static const Scope scope = scope_of(Access::kInternal, "");
  return scope;
}

std::string_view text_or_empty(const char* text) { return text ? std::string_view(text) : std::string_view(); }

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Times and random values come from the context of the work, so that a function gives the same result when it is
// run again.
bool is_repeatable_function(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return !is_one_of(lower, {"random", "randomblob", "current_timestamp", "current_date", "current_time", "load_extension"});
}

// When a connection first meets a virtual table (full text, json_each), SQLite asks for the right to create a table `x`
// that is never stored. A real CREATE TABLE is not a statement on rows and is refused before (see `prepare`).
bool declares_virtual_table(std::string_view table) { return table == "x"; }

bool works_on_rows(std::string_view sql) {
  const auto start = sql.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return false;
  std::string word;
  for (std::size_t i = start; i < sql.size() && std::isalpha(static_cast<unsigned char>(sql[i])); ++i)
    word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql[i])));
  return is_one_of(word, {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "VALUES"});
}

int bind_value(sqlite3_stmt* statement, int index, const Value& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(Null) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t v) const { return sqlite3_bind_int64(statement, index, v); }
    int operator()(double v) const { return sqlite3_bind_double(statement, index, v); }
    // The values outlive the statement's run, so SQLite need not copy them.
    int operator()(const std::string& v) const {
      return sqlite3_bind_text64(statement, index, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const Blob& v) const { return sqlite3_bind_blob64(statement, index, v.bytes.data(), v.bytes.size(), SQLITE_STATIC); }
  };
  return std::visit(Binder{statement, index}, value);
}

Value column_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      return Blob{std::string(bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement, column)))};
    }
    default: return Null{};
  }
}

Row read_row(sqlite3_stmt* statement) {
  const int count = sqlite3_data_count(statement);
  std::vector<Value> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int column = 0; column < count; ++column) values.push_back(column_value(statement, column));
  return Row(std::move(values));
}

// A write-ahead log as https://www.sqlite.org/fileformat2.html §4 describes it: a header, and frames of a header and a page. Frames
// with other salts than the header's are of a time before the log was begun anew; a commit ends with a frame that has a size.
class Log {
 public:
  explicit Log(sqlite3_file* file) : file_(file) {}

  int rewrite_last_commit() {
    std::array<unsigned char, kHeaderBytes> header{};
    sqlite3_int64 size = 0;
    if (const int code = file_->pMethods->xFileSize(file_, &size)) return code;
    if (size < kHeaderBytes) return SQLITE_OK;
    if (const int code = file_->pMethods->xRead(file_, header.data(), kHeaderBytes, 0)) return code;
    const sqlite3_int64 frame_bytes = kFrameHeaderBytes + number_at(header.data() + 8);
    std::array<unsigned char, kFrameHeaderBytes> frame{};
    sqlite3_int64 begin = kHeaderBytes;
    sqlite3_int64 end = kHeaderBytes;
    for (sqlite3_int64 at = kHeaderBytes; at + frame_bytes <= size; at += frame_bytes) {
      if (const int code = file_->pMethods->xRead(file_, frame.data(), kFrameHeaderBytes, at)) return code;
      if (!std::equal(header.begin() + 16, header.begin() + 24, frame.begin() + 8)) break;
      if (number_at(frame.data() + 4) != 0) begin = std::exchange(end, at + frame_bytes);
    }
    if (const int code = rewrite(0, kHeaderBytes)) return code;
    if (const int code = rewrite(begin, end)) return code;
    return file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL);
  }

 private:
  static constexpr int kHeaderBytes = 32;
  static constexpr int kFrameHeaderBytes = 24;
  static constexpr sqlite3_int64 kAtOnce = 64 * 1024;  // SQLite's own files take less than 128 KiB

  static std::uint32_t number_at(const unsigned char* bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
  }

  int rewrite(sqlite3_int64 from, sqlite3_int64 to) {
    std::vector<char> part(kAtOnce);
    for (sqlite3_int64 at = from; at < to; at += kAtOnce) {
      const int count = static_cast<int>(std::min<sqlite3_int64>(to - at, kAtOnce));
      if (const int code = file_->pMethods->xRead(file_, part.data(), count, at)) return code;
      if (const int code = file_->pMethods->xWrite(file_, part.data(), count, at)) return code;
    }
    return SQLITE_OK;
  }

  sqlite3_file* file_;
};

// Leaves the statement ready for its next use, however its run ended.
struct ResetAtEnd {
  sqlite3_stmt* statement;
  ~ResetAtEnd() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

Scope scope_of(Access access, std::string_view service) {
  return Scope{access, std::string(service), service.empty() ? std::string() : std::string(service) + "_"};
}

bool is_service_name(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), is_inner) && name != "sqlite";
}

void Connection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<std::unique_ptr<Connection>> Connection::open(const Options& options, Role role, Duration busy_wait) {
  std::unique_ptr<Connection> connection(new Connection(options, role));
  sqlite3*& handle = connection->handle_;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (role == Role::kWriter ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(options.path.c_str(), &handle, flags, connection->files_.name().c_str());
  if (code != SQLITE_OK) return fail(error_of(code, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
  TRY(connection->set_up(options, busy_wait));
  return connection;
}

Result<void> Connection::set_up(const Options& options, Duration busy_wait) {
  sqlite3_busy_timeout(handle_, static_cast<int>(busy_wait.milliseconds()));
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Double-quoted text is a column name or an error, never silently a string.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  TRY(script(internal_scope(), "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"));
  const bool full = options.synchronous == Synchronous::kFull;
  if (role_ == Role::kWriter) {
    PageChecksums::ask_for(handle_);
    TRY(turn_on_log(busy_wait));
    TRY(keep_checksums());
    TRY(script(internal_scope(), "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-8000;"));
  } else {
    TRY(script(internal_scope(), "PRAGMA query_only=ON; PRAGMA cache_size=-4000;"));
  }
  TRY(script(internal_scope(), full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF"));
  sqlite3_wal_hook(
      handle_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  sqlite3_set_authorizer(handle_, &Connection::authorize, this);
  return {};
}

// SQLite does not wait by itself here when another process turns the log on at the same moment.
Result<void> Connection::turn_on_log(Duration busy_wait) {
  constexpr Duration kPause = milliseconds(10);
  for (Duration waited; true; waited = waited + kPause) {
    auto mode = select(internal_scope(), "PRAGMA journal_mode=WAL", {});
    if (mode && !mode->empty() && mode->front().text(0) == "wal") return {};
    if (mode) return fail(ErrorKind::kInternal, "database.failed", "Expected a write-ahead log, but the file system does not allow one");
    if (mode.error().code != "database.busy" || waited >= busy_wait) return fail(std::move(mode).error());
    sqlite3_sleep(static_cast<int>(kPause.milliseconds()));
  }
}

Result<void> Connection::keep_checksums() {
  if (PageChecksums::are_kept(handle_)) return {};
  // The copy that it makes on its way may be too large for memory.
  TRY(script(internal_scope(), "PRAGMA temp_store=FILE; VACUUM; PRAGMA temp_store=MEMORY; PRAGMA wal_checkpoint(TRUNCATE)"));
  return {};
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
int Connection::last_code() const { return sqlite3_extended_errcode(handle_); }
Error Connection::last_error() const { return sqlite::last_error(handle_); }

bool Connection::checkpoint_passive() {
  return sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) != SQLITE_IOERR_FSYNC;
}

// Within a transaction that writes nothing, so that nobody else appends or begins the log anew.
Result<void> Connection::write_last_commit_again() {
  if (control("BEGIN IMMEDIATE") != 0) return fail(last_error());
  sqlite3_file* file = nullptr;
  int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&file));
  if (code == SQLITE_OK && file && file->pMethods) code = Log(file).rewrite_last_commit();
  control("ROLLBACK");
  if (code != SQLITE_OK) return fail(error_of(code, "the last commit could not be written again"));
  return {};
}

std::size_t Connection::prepared_statements(const Scope& scope) const {
  const auto found = statements_.find(&scope);
  return found == statements_.end() ? 0 : found->second.size();
}

void Connection::interrupt_when(std::function<bool()> expired) {
  expired_ = std::move(expired);
  if (!expired_) {
    sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
    return;
  }
  sqlite3_progress_handler(
      handle_, kStepsBetweenLooks, [](void* self) { return static_cast<Connection*>(self)->expired_() ? 1 : 0; }, this);
}

Error Connection::failure() {
  const int code = last_code();
  if ((code == SQLITE_AUTH || code == SQLITE_ERROR) && !denied_.empty()) {
    return make_error(ErrorKind::kInternal, denied_write_ ? "database.read-only" : "database.forbidden-table", denied_);
  }
  return last_error();
}

Result<const Connection::Prepared*> Connection::prepare(const Scope& scope, std::string_view sql) {
  scope_ = &scope;
  denied_.clear();
  denied_write_ = false;
  writing_.clear();
  Statements& known = statements_[&scope];
  if (const auto found = known.find(sql); found != known.end()) return &found->second;
  if (scope.access != Access::kInternal && !works_on_rows(sql))
    return fail(ErrorKind::kInternal, "database.forbidden-table", "Expected a statement on rows (SELECT, INSERT, UPDATE, DELETE, WITH)");
  if (known.size() >= kMaxPreparedStatements) known.clear();
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, &rest) != SQLITE_OK)
    return fail(failure());
  Statement owned(statement);
  const std::string_view left(rest, static_cast<std::size_t>(sql.data() + sql.size() - rest));
  if (!statement || left.find_first_not_of(" \t\r\n;") != std::string_view::npos)
    return fail(ErrorKind::kInternal, "database.failed", "Expected exactly one statement");
  Prepared prepared{std::move(owned), {writing_.begin(), writing_.end()}};
  return &known.emplace(std::string(sql), std::move(prepared)).first->second;
}

Result<const Connection::Prepared*> Connection::bind(const Scope& scope, std::string_view sql, std::span<const Value> values) {
  if (expired_ && expired_()) return fail(error_of(SQLITE_INTERRUPT, ""));  // many short statements take long, too
  ASSIGN_OR_RETURN(const Prepared* prepared, prepare(scope, sql));
  sqlite3_stmt* const statement = prepared->statement.get();
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) != values.size())
    return fail(ErrorKind::kInternal, "database.failed", "Expected as many values as the statement has marks");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (bind_value(statement, static_cast<int>(i) + 1, values[i]) == SQLITE_OK) continue;
    Error error = failure();
    sqlite3_clear_bindings(statement);
    return fail(std::move(error));
  }
  return prepared;
}

// By what was prepared, not by SQLite's hook for rows, which says nothing of tables without row ids.
std::int64_t Connection::note_changes(const Prepared& prepared) {
  if (prepared.writes.empty()) return 0;
  const std::int64_t changes = sqlite3_changes64(handle_);
  if (changes > 0) changed_tables_.insert(prepared.writes.begin(), prepared.writes.end());
  return changes;
}

Result<std::int64_t> Connection::run(const Scope& scope, std::string_view sql, std::span<const Value> values) {
  ASSIGN_OR_RETURN(const Prepared* prepared, bind(scope, sql, values));
  sqlite3_stmt* const statement = prepared->statement.get();
  const ResetAtEnd reset{statement};
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code != SQLITE_DONE) return fail(failure());
  return note_changes(*prepared);
}

Result<Rows> Connection::select(const Scope& scope, std::string_view sql, std::span<const Value> values) {
  ASSIGN_OR_RETURN(const Prepared* prepared, bind(scope, sql, values));
  sqlite3_stmt* const statement = prepared->statement.get();
  const ResetAtEnd reset{statement};
  Rows rows;
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
      note_changes(*prepared);
      return rows;
    }
    if (code != SQLITE_ROW) return fail(failure());
    if (rows.size() == kMaxRows) {
      return fail(ErrorKind::kInternal, "database.too-many-rows", "Expected at most 10000 rows, but the statement has more");
    }
    rows.push_back(read_row(statement));
  }
}

Result<void> Connection::script(const Scope& scope, std::string_view sql) {
  scope_ = &scope;
  const char* at = sql.data();
  const char* end = sql.data() + sql.size();
  while (at < end) {
    denied_.clear();
    denied_write_ = false;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, at, static_cast<int>(end - at), 0, &statement, &at) != SQLITE_OK) return fail(failure());
    if (!statement) continue;  // blanks or a comment
    const Statement owned(statement);
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement);
    if (code != SQLITE_DONE) return fail(failure());
  }
  return {};
}

int Connection::control(std::string_view sql) {
  const auto prepared = prepare(internal_scope(), sql);
  if (!prepared) return last_code();
  sqlite3_stmt* const statement = (*prepared)->statement.get();
  const int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

int Connection::authorize(void* self, int action, const char* first, const char* second, const char*, const char*) {
  auto& connection = *static_cast<Connection*>(self);
  if (action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) connection.writing_.emplace(text_or_empty(first));
  return connection.allows(action, text_or_empty(first), text_or_empty(second)) ? SQLITE_OK : SQLITE_DENY;
}

bool Connection::owns(std::string_view table) const { return !scope_->prefix.empty() && table.starts_with(scope_->prefix); }

bool Connection::may_read(std::string_view table, std::string_view column) const {
  if (owns(table) || is_one_of(table, {"json_each", "json_tree"})) return true;
  if (table == "sqlite_master" && (column == "ROWID" || column == "rowid")) return true;  // see declares_virtual_table
  // SQLite asks so (and only so) for a common table expression, which no service owns; tables always have a `_`.
  if (column.empty() && table.find('_') == std::string_view::npos) return true;
  if (scope_->access == Access::kMigration) return table.starts_with("sqlite_") || table == "pragma_quick_check";
  return scope_->access == Access::kPrivileged;
}

bool Connection::allows(int action, std::string_view first, std::string_view second) {
  if (!scope_ || scope_->access == Access::kInternal) return true;
  const bool migrating = scope_->access == Access::kMigration;
  bool allowed = false;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: return true;
    case SQLITE_READ: allowed = may_read(first, second); break;
    case SQLITE_FUNCTION: allowed = is_repeatable_function(second); break;
    case SQLITE_CREATE_TABLE: allowed = declares_virtual_table(first) || (migrating && allows_schema_change(action, first, second)); break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      if (first == "sqlite_master") return true;  // part of the above; a statement of its own is refused by SQLite
      denied_write_ = role_ == Role::kReader;
      allowed = !denied_write_ && (owns(first) || (scope_->access == Access::kPrivileged && !first.starts_with("sqlite_")) ||
                                   (migrating && first.starts_with("sqlite_")));
      break;
    case SQLITE_PRAGMA:  // full-text tables ask for the first, adding a column for the second
      allowed = first == "data_version" || (migrating && first == "quick_check");
      break;
    default: allowed = migrating && allows_schema_change(action, first, second);
  }
  if (!allowed)
    denied_ = "Expected only tables of " + (scope_->service.empty() ? "services" : scope_->service) + ", but the statement uses `" +
              std::string(action == SQLITE_FUNCTION ? second : first) + "`";
  return allowed;
}

bool Connection::allows_schema_change(int action, std::string_view first, std::string_view second) const {
  switch (action) {
    case SQLITE_CREATE_TABLE:  // the second is the table behind AUTOINCREMENT
      return owns(first) || first == "sqlite_sequence";
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_VTABLE: return owns(first);
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_ALTER_TABLE: return owns(second);
    case SQLITE_REINDEX: return true;
    default: return false;
  }
}

}  // namespace consilium::database::sqlite
