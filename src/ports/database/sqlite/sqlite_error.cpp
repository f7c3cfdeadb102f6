#include "ports/database/sqlite/sqlite_error.h"

#include <sqlite3.h>

#include <string>

namespace consilium::database::sqlite {
namespace {

constexpr std::size_t kMaxDetail = 500;
constexpr Duration kRetryWhenFull = seconds(30);
constexpr Duration kRetryWhenBusy = seconds(1);

// `UNIQUE constraint failed: users_user.name` → `users_user.name`
std::string_view after_colon(std::string_view message) {
  const auto colon = message.find(": ");
  return colon == std::string_view::npos ? message : message.substr(colon + 2);
}

Error constraint_error(int code, std::string_view message) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return make_error(ErrorKind::kConflict, "database.unique", after_colon(message));
    case SQLITE_CONSTRAINT_FOREIGNKEY: return make_error(ErrorKind::kConflict, "database.foreign-key", message);
    default: return make_error(ErrorKind::kConflict, "database.check", message);
  }
}

}  // namespace

Error error_of(int code, std::string_view message) {
  message = message.substr(0, kMaxDetail);
  // The index of the log could not grow: the one shortage that SQLite does not call so.
  if (code == SQLITE_IOERR_SHMSIZE) return storage_full_error(message);
  if (code == SQLITE_IOERR_DATA)
    return make_error(ErrorKind::kInternal, "database.damaged", "Expected a page as it was written, but its checksum does not match");
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return make_error(ErrorKind::kInternal, "database.damaged", message);
    case SQLITE_CONSTRAINT: return constraint_error(code, message);
    case SQLITE_FULL: return storage_full_error(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return make_error(ErrorKind::kUnavailable, "database.busy", message).retry_in(kRetryWhenBusy);
    case SQLITE_INTERRUPT:
      return make_error(ErrorKind::kDeadlineExceeded, "database.too-slow", "Expected a short read, but it was still running at its limit");
    case SQLITE_READONLY: return make_error(ErrorKind::kInternal, "database.read-only", message);
    case SQLITE_TOOBIG: return make_error(ErrorKind::kTooLarge, "database.too-large", message);
    default: return make_error(ErrorKind::kInternal, "database.failed", std::string(message) + " (" + std::to_string(code) + ")");
  }
}

Error last_error(sqlite3* handle) { return error_of(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle)); }

bool spoils_transaction(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_INTERRUPT: return true;
    default: return false;
  }
}

bool surely_not_committed(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_CONSTRAINT: return true;
    default: return false;
  }
}

Error closed_error() {
  return make_error(ErrorKind::kUnavailable, "database.closed", "Expected an open database, but it is shutting down");
}

Error overloaded_error() {
  return make_error(ErrorKind::kUnavailable, "database.overloaded", "Expected room in the database queue, but it is full")
      .retry_in(kRetryWhenBusy);
}

Error storage_full_error(std::string_view detail) {
  return make_error(ErrorKind::kUnavailable, "storage-full", detail).retry_in(kRetryWhenFull);
}

Error outcome_unknown_error() {
  return make_error(ErrorKind::kUnavailable, "outcome-unknown",
                    "Expected the commit on the disk, but the disk failed: it may or may not be stored");
}

}  // namespace consilium::database::sqlite
