#include "ports/database/sqlite/migration.h"

#include "ports/database/sqlite/connection.h"
#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::sqlite {
namespace {

Failure refused(std::string_view code, std::string_view service, int number, std::string_view rest) {
  return fail(ErrorKind::kInternal, code, std::string(service) + " migration " + std::to_string(number) + ": " + std::string(rest));
}

class Applier {
 public:
  Applier(Connection& connection, std::string_view service) : connection_(connection), scope_(scope_of(Access::kMigration, service)) {}

  Result<void> apply(const std::vector<Migration>& migrations) {
    TRY(in_transaction([&] { return connection_.script(scope_, "CREATE TABLE IF NOT EXISTS " + table() + kColumns); }));
    TRY(in_transaction([&] { return check_applied(migrations); }));
    for (const Migration& migration : migrations) {
      TRY(in_transaction([&] { return apply_one(migration); }));
    }
    return {};
  }

 private:
  static constexpr const char* kColumns = "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT";

  std::string table() const { return scope_.prefix + "migration"; }

  template <class Step>
  Result<void> in_transaction(Step step) {
    if (connection_.control("BEGIN IMMEDIATE") != 0) return fail(connection_.last_error());
    auto done = step();
    if (done && connection_.control("COMMIT") == 0) return {};
    Error error = done ? connection_.last_error() : std::move(done).error();
    if (connection_.in_transaction()) connection_.control("ROLLBACK");
    return fail(std::move(error));
  }

  // The checksum of an applied one, or nothing.
  Result<std::optional<std::string>> applied(int number) {
    const Value values[] = {to_value(number)};
    ASSIGN_OR_RETURN(const Rows rows, connection_.select(scope_, "SELECT checksum FROM " + table() + " WHERE number = ?", values));
    if (rows.empty()) return std::optional<std::string>();
    return std::optional<std::string>(rows.front().text(0));
  }

  Result<void> check_applied(const std::vector<Migration>& migrations) {
    for (std::size_t i = 0; i < migrations.size(); ++i) {
      const Migration& migration = migrations[i];
      if (migration.number != static_cast<int>(i) + 1)
        return refused("database.migration-order", scope_.service, migration.number, "expected numbers 1, 2, 3 … without gaps");
      ASSIGN_OR_RETURN(const auto checksum, applied(migration.number));
      if (checksum && *checksum != checksum_of(migration.sql))
        return refused("database.migration-changed", scope_.service, migration.number,
                       "expected the text that was applied, but `" + migration.name + "` was edited");
    }
    ASSIGN_OR_RETURN(const Rows newest, connection_.select(scope_, "SELECT coalesce(max(number), 0) FROM " + table(), {}));
    const auto number = newest.front().integer(0);
    if (number > static_cast<std::int64_t>(migrations.size()))
      return refused("database.newer-schema", scope_.service, static_cast<int>(number),
                     "expected a known one, but the data is of a newer version");
    return {};
  }

  Result<void> apply_one(const Migration& migration) {
    ASSIGN_OR_RETURN(const auto checksum, applied(migration.number));  // another process may have been faster
    if (checksum) return {};
    if (auto done = connection_.script(scope_, migration.sql); !done) {
      return refused("database.migration-failed", scope_.service, migration.number, done.error().describe());
    }
    const Value values[] = {to_value(migration.number), to_value(migration.name), to_value(checksum_of(migration.sql))};
    ASSIGN_OR_RETURN([[maybe_unused]] const auto changed,
                     connection_.run(scope_, "INSERT INTO " + table() + "(number, name, checksum) VALUES (?, ?, ?)", values));
    return {};
  }

  Connection& connection_;
  Scope scope_;
};

}  // namespace

std::string checksum_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[hash >> shift & 15];
  return digits;
}

Result<void> apply_migrations(const Options& options, std::string_view service, const std::vector<Migration>& migrations) {
  ASSIGN_OR_RETURN(const auto connection, Connection::open(options, Role::kWriter, kMigrationWait));
  Applier applier(*connection, service);
  return applier.apply(migrations);
}

}  // namespace consilium::database::sqlite
