#include "ports/bus/local/group_tables.h"

#include <algorithm>

#include "ports/bus/local/outbox_source.h"

namespace consilium::bus {

Duration retry_delay(const RetryPolicy& policy, int attempts) {
  Duration delay = policy.first;
  for (int i = 1; i < attempts && delay < policy.longest; ++i) delay = delay * 2;
  return std::min(delay, policy.longest);
}

GroupTables::GroupTables(const Consumer& consumer)
    : group_(consumer.group),
      producer_(consumer.producer),
      consumer_table_(consumer.service + "_consumer"),
      parked_table_(consumer.service + "_parked"),
      retry_(consumer.retry) {}

Result<std::int64_t> GroupTables::load_position(database::Transaction& transaction) const {
  TRY(transaction.execute("INSERT INTO " + consumer_table_ + "(consumer_group, producer, position) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
                          group_, producer_));
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.query_one("SELECT position FROM " + consumer_table_ + " WHERE consumer_group = ? AND producer = ?", group_, producer_));
  return row->integer(0);
}

Result<void> GroupTables::move_position(database::Transaction& transaction, std::int64_t from, std::int64_t to) const {
  ASSIGN_OR_RETURN(
      const auto changed,
      transaction.execute("UPDATE " + consumer_table_ + " SET position = ? WHERE consumer_group = ? AND producer = ? AND position = ?", to,
                          group_, producer_, from));
  if (changed == 1) return {};
  return fail(ErrorKind::kStale, "bus.position-moved", "Expected to be the only reader of the group, but its position was moved");
}

Result<bool> GroupTables::is_parked(database::Transaction& transaction, const std::string& key) const {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.query_one("SELECT 1 FROM " + parked_table_ + " WHERE consumer_group = ? AND key = ? LIMIT 1", group_, key));
  return row.has_value();
}

bool GroupTables::is_due(const ParkedEvent& parked, Timestamp now) const {
  const Duration longest = std::max(retry_delay(retry_, parked.attempts), kRetryWhileAway) + kRetryWhileAway;
  return parked.next_try <= now || parked.next_try > now + longest;
}

Fate GroupTables::fate_after(int attempts, const Fault& fault, Timestamp now) const {
  if (fault.kind == Fault::Kind::kAway) return {attempts, now + kRetryWhileAway, fault.code, false};
  const bool dead = fault.kind == Fault::Kind::kUnknown || attempts + 1 >= retry_.attempts;
  return {attempts + 1, now + retry_delay(retry_, attempts + 1), fault.code, dead};
}

Result<void> GroupTables::insert(database::Transaction& transaction, const Event& event, const Fate& fate, Timestamp now) const {
  TRY(transaction.execute(
      "INSERT INTO " + parked_table_ +
          "(consumer_group, position, producer, id, topic, key, at, request_id, traceparent, payload, attempts, next_try, "
          "error_code, parked_at, dead) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      group_, event.position, producer_, event.id, event.topic, event.key, event.at, event.request_id, event.traceparent, event.payload,
      fate.attempts, fate.next_try, fate.code, now, fate.dead));
  return {};
}

Result<Fate> GroupTables::park(database::Transaction& transaction, const Event& event, const Fault& fault, Timestamp now) const {
  Fate fate = fate_after(0, fault, now);
  TRY(insert(transaction, event, fate, now));
  return fate;
}

Result<void> GroupTables::park_behind(database::Transaction& transaction, const Event& event, Timestamp now) const {
  return insert(transaction, event, Fate{}, now);
}

Result<std::vector<ParkedEvent>> GroupTables::heads(database::Transaction& transaction, int limit) const {
  ASSIGN_OR_RETURN(
      const auto rows,
      transaction.query("SELECT position, id, topic, key, at, request_id, traceparent, payload, attempts, next_try FROM " + parked_table_ +
                            " AS p WHERE consumer_group = ? AND dead = 0 AND NOT EXISTS (SELECT 1 FROM " + parked_table_ +
                            " AS q WHERE q.consumer_group = p.consumer_group AND q.key = p.key AND q.position < p.position) "
                            "ORDER BY next_try, position LIMIT ?",
                        group_, limit));
  std::vector<ParkedEvent> heads;
  for (const database::Row& row : rows)
    heads.push_back({event_from(row, 1, row.integer(0)), static_cast<int>(row.integer(8)), row.timestamp(9)});
  return heads;
}

Result<void> GroupTables::unpark(database::Transaction& transaction, const Event& event) const {
  TRY(transaction.execute("DELETE FROM " + parked_table_ + " WHERE consumer_group = ? AND position = ?", group_, event.position));
  return {};
}

Result<Fate> GroupTables::failed_again(database::Transaction& transaction, const ParkedEvent& parked, const Fault& fault,
                                       Timestamp now) const {
  Fate fate = fate_after(parked.attempts, fault, now);
  TRY(transaction.execute(
      "UPDATE " + parked_table_ + " SET attempts = ?, next_try = ?, error_code = ?, dead = ? WHERE consumer_group = ? AND position = ?",
      fate.attempts, fate.next_try, fate.code, fate.dead, group_, parked.event.position));
  return fate;
}

Result<std::vector<DeadLetter>> GroupTables::dead_letters(database::Transaction& transaction, const std::optional<DeadLetterPlace>& before,
                                                          int limit) const {
  // Of the same time and event, groups follow in the order of their names, backwards.
  const DeadLetterPlace place = before.value_or(DeadLetterPlace{Timestamp::max(), {}, {}});
  const bool with_same = group_ < place.group;
  ASSIGN_OR_RETURN(
      const auto rows,
      transaction.query("SELECT position, id, topic, key, at, request_id, traceparent, payload, attempts, error_code, parked_at, "
                        "(SELECT count(*) FROM " +
                            parked_table_ +
                            " AS q WHERE q.consumer_group = p.consumer_group AND q.key = p.key AND q.position > p.position) FROM " +
                            parked_table_ + " AS p WHERE consumer_group = ? AND dead = 1 AND (parked_at, id) " + (with_same ? "<=" : "<") +
                            " (?, ?) ORDER BY parked_at DESC, id DESC LIMIT ?",
                        group_, place.parked_at, place.event_id, limit));
  std::vector<DeadLetter> letters;
  for (const database::Row& row : rows)
    letters.push_back(
        {group_, event_from(row, 1, row.integer(0)), static_cast<int>(row.integer(8)), row.text(9), row.timestamp(10), row.integer(11)});
  return letters;
}

Result<void> GroupTables::revive(database::Transaction& transaction, Uuid event_id) const {
  ASSIGN_OR_RETURN(const auto changed,
                   transaction.execute("UPDATE " + parked_table_ +
                                           " SET dead = 0, attempts = 0, next_try = 0 WHERE consumer_group = ? AND id = ? AND dead = 1",
                                       group_, event_id));
  if (changed == 1) return {};
  return fail(ErrorKind::kNotFound, "bus.dead-letter-not-found", "Expected a dead letter of this group, but there is none with this id");
}

Result<ParkedCounts> GroupTables::counts(database::Transaction& transaction) const {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT coalesce(sum(dead = 0), 0), coalesce(sum(dead = 1), 0) FROM " +
                                                             parked_table_ + " WHERE consumer_group = ?",
                                                         group_));
  return ParkedCounts{row->integer(0), row->integer(1)};
}

}  // namespace consilium::bus
