#include "ports/bus/local/away_groups.h"

#include <limits>

#include "ports/bus/local/replay_audit.h"

namespace consilium::bus {

std::vector<database::Migration> AwayGroups::migrations() {
  return {{1, "create_away_groups", R"sql(
CREATE TABLE events_group(
  producer TEXT NOT NULL,
  consumer_group TEXT NOT NULL,
  position INTEGER NOT NULL,
  expected INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (producer, consumer_group)
) STRICT, WITHOUT ROWID;
)sql"},
          {2, "create_audit", std::string(kReplayAuditTable)}};
}

void AwayGroups::expect(std::string producer, std::string group) { expected_.emplace_back(std::move(producer), std::move(group)); }

void AwayGroups::passed(std::string producer, std::string group, std::int64_t position) {
  const std::lock_guard lock(mutex_);
  told_[{std::move(producer), std::move(group)}] = position;
}

// The last word of a group counts, also when it is a lower number: its process was restored from a backup.
Task<Result<void>> AwayGroups::keep(runtime::Context& context) {
  std::map<Name, std::int64_t> told;
  {
    const std::lock_guard lock(mutex_);
    told = told_;
  }
  const Timestamp now = context.now();
  const auto write = [&](database::Transaction& transaction) -> Result<int> {
    TRY(transaction.execute("UPDATE events_group SET expected = 0"));
    for (const auto& [producer, group] : expected_) {
      TRY(
          transaction.execute("INSERT INTO events_group(producer, consumer_group, position, expected, at) VALUES (?, ?, 0, 1, ?) "
                              "ON CONFLICT DO UPDATE SET expected = 1",
                              producer, group, now));
    }
    for (const auto& [name, position] : told) {
      TRY(
          transaction.execute("INSERT INTO events_group(producer, consumer_group, position, expected, at) VALUES (?, ?, ?, 0, ?) "
                              "ON CONFLICT DO UPDATE SET position = excluded.position, at = excluded.at",
                              name.first, name.second, position, now));
    }
    TRY(transaction.execute("DELETE FROM events_group WHERE expected = 0 AND at < ?", now - kForgetStranger));
    return 0;
  };
  CO_ASSIGN_OR_RETURN([[maybe_unused]] const int written, co_await database_.write(context, write));
  const std::lock_guard lock(mutex_);
  for (const auto& [name, position] : told) {
    if (const auto found = told_.find(name); found != told_.end() && found->second == position) told_.erase(found);
  }
  co_return Result<void>();
}

Task<Result<std::int64_t>> AwayGroups::lowest(runtime::Context& context, std::string producer) {
  const auto select = [&producer](database::Transaction& transaction) {
    return transaction.query_one("SELECT min(position) FROM events_group WHERE producer = ?", producer);
  };
  CO_ASSIGN_OR_RETURN(const auto row, co_await database_.read(context, select));
  co_return row->optional_integer(0).value_or(std::numeric_limits<std::int64_t>::max());
}

}  // namespace consilium::bus
