// Sockets and presence.
#include "services/chat/in_list.h"
#include "services/chat/store.h"

namespace consilium::chat::store {
namespace {

using database::Row;
using database::to_value;
using database::Value;

std::vector<Uuid> ids_from(const database::Rows& rows) {
  std::vector<Uuid> ids;
  for (const Row& row : rows) ids.push_back(row.uuid(0));
  return ids;
}

}  // namespace

Result<void> ensure_presence(Transaction& transaction, const Uuid& user, v1::PresenceStatus chosen, Timestamp now) {
  TRY(transaction.execute(
      "INSERT INTO chat_presence (user_id, chosen, effective, since) VALUES (?, ?, ?, ?) ON CONFLICT (user_id) DO NOTHING", user,
      static_cast<int>(chosen), static_cast<int>(v1::PresenceStatus::kOffline), now));
  return {};
}

Result<void> save_chosen(Transaction& transaction, const Uuid& user, v1::PresenceStatus chosen, Timestamp now) {
  TRY(
      transaction.execute("INSERT INTO chat_presence (user_id, chosen, effective, since) VALUES (?, ?, ?, ?)"
                          " ON CONFLICT (user_id) DO UPDATE SET chosen = excluded.chosen",
                          user, static_cast<int>(chosen), static_cast<int>(v1::PresenceStatus::kOffline), now));
  return {};
}

Result<void> save_told(Transaction& transaction, const Uuid& user, v1::PresenceStatus told, Timestamp now) {
  TRY(transaction.execute("UPDATE chat_presence SET effective = ?, since = ? WHERE user_id = ?", static_cast<int>(told), now, user));
  return {};
}

Result<std::vector<PresenceRow>> presences_of(Transaction& transaction, std::span<const Uuid> users, Timestamp now) {
  static const InList statement(
      "SELECT o.user_id, u.kind, o.chosen, o.effective, o.since, coalesce(u.active, 1) = 1 AND"
      " EXISTS (SELECT 1 FROM chat_sockets s WHERE s.user_id = o.user_id AND s.lease_until > ?)"
      " FROM chat_presence o LEFT JOIN chat_users u ON u.user_id = o.user_id WHERE o.user_id IN",
      "ORDER BY o.user_id");
  const Value present[] = {to_value(now)};
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, present, users));
  std::vector<PresenceRow> presences;
  for (const Row& row : rows) {
    presences.push_back({row.uuid(0), static_cast<v1::MemberKind>(row.optional_integer(1).value_or(0)),
                         static_cast<v1::PresenceStatus>(row.integer(2)), static_cast<v1::PresenceStatus>(row.integer(3)), row.timestamp(4),
                         row.boolean(5)});
  }
  return presences;
}

Result<std::vector<Uuid>> audience_of(Transaction& transaction, const Uuid& user, Timestamp now) {
  ASSIGN_OR_RETURN(const auto rows,
                   transaction.query("SELECT o.user_id FROM chat_members m JOIN chat_members o ON o.channel_id = m.channel_id"
                                     " WHERE m.user_id = ? AND m.ended = 0 AND m.until > ? AND o.ended = 0 AND o.until > ?"
                                     " UNION SELECT user_id FROM chat_presence WHERE user_id = ? ORDER BY 1 LIMIT ?",
                                     user, now, now, user, kMaxAudience));
  return ids_from(rows);
}

Result<void> open_socket(Transaction& transaction, const Uuid& socket, const Uuid& user, const Uuid& session, Timestamp lease_until) {
  TRY(
      transaction.execute("INSERT INTO chat_sockets (socket_id, user_id, session_id, lease_until, state) VALUES (?, ?, ?, ?, 0)"
                          " ON CONFLICT (socket_id) DO UPDATE SET lease_until = excluded.lease_until, state = 0",
                          socket, user, session, lease_until));
  return {};
}

Result<std::vector<Uuid>> people_of_lapsed(Transaction& transaction, std::span<const Uuid> sockets) {
  static const InList statement("SELECT DISTINCT user_id FROM chat_sockets WHERE socket_id IN", "AND state = 2 ORDER BY user_id");
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, {}, sockets));
  return ids_from(rows);
}

Result<void> renew_sockets(Transaction& transaction, std::span<const Uuid> sockets, Timestamp lease_until) {
  static const InList statement("UPDATE chat_sockets SET lease_until = max(lease_until, ?), state = 0 WHERE socket_id IN",
                                "AND state <> 1");
  const Value values[] = {to_value(lease_until)};
  TRY(statement.execute(transaction, values, sockets));
  return {};
}

Result<void> close_socket(Transaction& transaction, const Uuid& socket, Timestamp lease_until) {
  TRY(transaction.execute("UPDATE chat_sockets SET lease_until = ?, state = 1 WHERE socket_id = ? AND state = 0", lease_until, socket));
  TRY(transaction.execute("DELETE FROM chat_sockets WHERE socket_id = ? AND state = 2", socket));
  return {};
}

Result<void> drop_sockets(Transaction& transaction, const Uuid& user) {
  TRY(transaction.execute("DELETE FROM chat_sockets WHERE user_id = ?", user));
  return {};
}

Result<std::set<Uuid>> people_with_sockets(Transaction& transaction, std::span<const Uuid> people, Timestamp now) {
  static const InList statement("SELECT DISTINCT user_id FROM chat_sockets WHERE user_id IN", "AND state = 0 AND lease_until > ?");
  const Value present[] = {to_value(now)};
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, {}, people, present));
  std::set<Uuid> reached;
  for (const Row& row : rows) reached.insert(row.uuid(0));
  return reached;
}

Result<std::map<Uuid, SessionSockets>> sockets_of_sessions(Transaction& transaction, std::span<const Uuid> sessions, Timestamp now) {
  static const InList statement("SELECT session_id, user_id, state = 0 AND lease_until > ? FROM chat_sockets WHERE session_id IN", "");
  const Value present[] = {to_value(now)};
  ASSIGN_OR_RETURN(const auto rows, statement.query(transaction, present, sessions));
  std::map<Uuid, SessionSockets> found;
  for (const Row& row : rows) {
    SessionSockets& one = found[row.uuid(0)];
    one.user_id = row.uuid(1);
    one.reached = one.reached || row.boolean(2);
  }
  return found;
}

Result<std::vector<Uuid>> people_run_out(Transaction& transaction, Timestamp now) {
  ASSIGN_OR_RETURN(const auto rows, transaction.query("SELECT DISTINCT user_id FROM chat_sockets WHERE state < 2 AND lease_until <= ?"
                                                      " ORDER BY user_id LIMIT ?",
                                                      now, kMaxSweep));
  return ids_from(rows);
}

Result<bool> has_leases_after(Transaction& transaction, Timestamp last) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT 1 FROM chat_sockets WHERE state < 2 AND lease_until > ? LIMIT 1", last));
  return row.has_value();
}

Result<void> shorten_leases(Transaction& transaction, Timestamp last) {
  TRY(transaction.execute("UPDATE chat_sockets SET lease_until = ?1 WHERE state < 2 AND lease_until > ?1", last));
  return {};
}

Result<void> mark_run_out(Transaction& transaction, std::span<const Uuid> people, Timestamp now) {
  static const InList gone("DELETE FROM chat_sockets WHERE user_id IN", "AND state = 1 AND lease_until <= ?");
  static const InList lapsed("UPDATE chat_sockets SET state = 2 WHERE user_id IN", "AND state = 0 AND lease_until <= ?");
  const Value present[] = {to_value(now)};
  TRY(gone.execute(transaction, {}, people, present));
  TRY(lapsed.execute(transaction, {}, people, present));
  return {};
}

Result<std::int64_t> forget_sockets(Transaction& transaction, Timestamp before) {
  return transaction.execute("DELETE FROM chat_sockets WHERE state = 2 AND lease_until < ?", before);
}

}  // namespace consilium::chat::store
