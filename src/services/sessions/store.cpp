#include "services/sessions/store.h"

#include <utility>

namespace consilium::sessions {
namespace {

using database::Blob;
using database::Row;
using database::Rows;
using database::Transaction;

#define SESSION_COLUMNS "id, user_id, kind, created_at, last_used_at, expires_at, user_agent, remote_address, ended_at, end_reason"

Blob blob(std::string_view bytes) { return Blob{std::string(bytes)}; }

SessionRecord session_of(const Row& row) {
  SessionRecord session;
  session.id = row.uuid(0);
  session.user_id = row.uuid(1);
  v1::from_text(row.text(2), session.kind);
  session.created_at = row.timestamp(3);
  session.last_used_at = row.timestamp(4);
  session.expires_at = row.timestamp(5);
  session.user_agent = row.text(6);
  session.remote_address = row.text(7);
  session.ended_at = row.optional_timestamp(8);
  session.end_reason = row.text(9);
  return session;
}

#define REFUSAL_FILTER "(? IS NULL OR user_id = ?) AND (? IS NULL OR remote_address = ?) AND (? IS NULL OR code = ?)"

v1::Refusal refusal_of(const Row& row) {
  v1::Refusal refusal;
  refusal.at = row.timestamp(1);
  refusal.user_id = row.optional_uuid(2);
  refusal.session_id = row.optional_uuid(3);
  refusal.remote_address = row.text(4);
  refusal.call = row.text(5);
  refusal.code = row.text(6);
  refusal.request_id = row.text(7);
  refusal.times = row.integer(8);
  return refusal;
}

Result<std::optional<SessionRecord>> first_session(Result<std::optional<Row>> row) {
  if (!row) return fail(std::move(row).error());
  if (!*row) return std::nullopt;
  return session_of(**row);
}

Result<std::vector<SessionRecord>> all_sessions(Result<Rows> rows) {
  if (!rows) return fail(std::move(rows).error());
  std::vector<SessionRecord> sessions;
  for (const Row& row : *rows) sessions.push_back(session_of(row));
  return sessions;
}

constexpr std::string_view kIssued = "issued";

// In the transaction of what it counts: nobody has to go through the table to know how many there are.
Result<void> count_one(Transaction& transaction, std::string_view what) {
  TRY(transaction.execute(
      "INSERT INTO sessions_count (what, sessions) VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET sessions = sessions + 1", what));
  return {};
}

}  // namespace

Result<std::optional<Identity>> find_identity(Transaction& transaction, Uuid user_id) {
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   transaction.query_one("SELECT id, password_hash FROM sessions_identity WHERE user_id = ?", user_id));
  if (!row) return std::nullopt;
  return Identity{row->uuid(0), user_id, row->optional_text(1)};
}

Result<void> insert_identity(Transaction& transaction, const Identity& identity, Timestamp now) {
  TRY(transaction.execute("INSERT INTO sessions_identity (user_id, id, password_hash, created_at, changed_at) VALUES (?, ?, ?, ?, ?)",
                          identity.user_id, identity.id, identity.password_hash, now, now));
  return {};
}

Result<bool> set_password_hash(Transaction& transaction, Uuid user_id, std::string_view hash, Timestamp now) {
  ASSIGN_OR_RETURN(
      const std::int64_t changed,
      transaction.execute("UPDATE sessions_identity SET password_hash = ?, changed_at = ? WHERE user_id = ?", hash, now, user_id));
  return changed == 1;
}

Result<void> delete_identity(Transaction& transaction, Uuid user_id) {
  TRY(delete_links_of(transaction, user_id));
  TRY(transaction.execute("DELETE FROM sessions_identity WHERE user_id = ?", user_id));
  TRY(transaction.execute("INSERT INTO sessions_removed (user_id) VALUES (?) ON CONFLICT DO NOTHING", user_id));
  return {};
}

Result<bool> was_removed(Transaction& transaction, Uuid user_id) {
  ASSIGN_OR_RETURN(const std::optional<Row> row, transaction.query_one("SELECT 1 FROM sessions_removed WHERE user_id = ?", user_id));
  return row.has_value();
}

Result<void> insert_session(Transaction& transaction, const SessionRecord& session, const std::optional<std::string>& cookie_hash) {
  std::optional<Blob> cookie;
  if (cookie_hash) cookie = blob(*cookie_hash);
  TRY(transaction.execute("INSERT INTO sessions_session (" SESSION_COLUMNS ", cookie_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          session.id, session.user_id, v1::text_of(session.kind), session.created_at, session.last_used_at,
                          session.expires_at, session.user_agent, session.remote_address, session.ended_at, session.end_reason, cookie));
  return count_one(transaction, kIssued);
}

Result<std::optional<SessionRecord>> find_session(Transaction& transaction, Uuid id) {
  return first_session(transaction.query_one("SELECT " SESSION_COLUMNS " FROM sessions_session WHERE id = ?", id));
}

Result<std::optional<SessionRecord>> find_session_by_cookie(Transaction& transaction, std::string_view cookie_hash) {
  return first_session(transaction.query_one("SELECT " SESSION_COLUMNS " FROM sessions_session WHERE cookie_hash = ?", blob(cookie_hash)));
}

Result<std::vector<SessionRecord>> open_sessions_of(Transaction& transaction, Uuid user_id) {
  return all_sessions(transaction.query("SELECT " SESSION_COLUMNS " FROM sessions_session WHERE user_id = ? AND ended_at IS NULL "
                                        "ORDER BY created_at DESC, id DESC LIMIT 1000",
                                        user_id));
}

// Each end by its own index: with OR in one condition every open session would be read.
Result<std::vector<SessionRecord>> overdue_sessions(Transaction& transaction, Timestamp now, Duration idle, int limit) {
  return all_sessions(transaction.query(
      "SELECT " SESSION_COLUMNS
      " FROM sessions_session WHERE id IN ("
      "SELECT id FROM (SELECT id FROM sessions_session WHERE ended_at IS NULL AND last_used_at <= ? ORDER BY last_used_at LIMIT ?)"
      " UNION SELECT id FROM (SELECT id FROM sessions_session WHERE ended_at IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?)"
      ") ORDER BY last_used_at, id LIMIT ?",
      now - idle, limit, now, limit, limit));
}

Result<void> touch_session(Transaction& transaction, Uuid id, Timestamp now) {
  TRY(transaction.execute("UPDATE sessions_session SET last_used_at = ? WHERE id = ? AND last_used_at < ? AND ended_at IS NULL", now, id,
                          now));
  return {};
}

Result<bool> mark_ended(Transaction& transaction, Uuid id, std::string_view reason, Timestamp now) {
  ASSIGN_OR_RETURN(
      const std::int64_t changed,
      transaction.execute("UPDATE sessions_session SET ended_at = ?, end_reason = ? WHERE id = ? AND ended_at IS NULL", now, reason, id));
  if (changed != 1) return false;
  TRY(count_one(transaction, reason));
  return true;
}

std::int64_t SessionCounts::open() const {
  std::int64_t open = issued;
  for (const auto& [reason, count] : ended) open -= count;
  return open;
}

Result<SessionCounts> count_sessions(Transaction& transaction) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT what, sessions FROM sessions_count"));
  SessionCounts counts;
  for (const Row& row : rows) {
    if (row.text(0) == kIssued)
      counts.issued = row.integer(1);
    else
      counts.ended[std::string(reasons::known(row.text(0)))] += row.integer(1);
  }
  return counts;
}

Result<void> insert_refresh(Transaction& transaction, const RefreshToken& token) {
  TRY(transaction.execute("INSERT INTO sessions_refresh (token_hash, session_id, expires_at) VALUES (?, ?, ?)", blob(token.hash),
                          token.session_id, token.expires_at));
  return {};
}

Result<std::optional<RefreshToken>> find_refresh(Transaction& transaction, std::string_view hash) {
  ASSIGN_OR_RETURN(
      const std::optional<Row> row,
      transaction.query_one(
          "SELECT session_id, expires_at, used_at, successor_hash, sealed_answer FROM sessions_refresh WHERE token_hash = ?", blob(hash)));
  if (!row) return std::nullopt;
  RefreshToken token;
  token.hash = hash;
  token.session_id = row->uuid(0);
  token.expires_at = row->timestamp(1);
  token.used_at = row->optional_timestamp(2);
  if (token.used_at) {
    token.successor_hash = row->blob(3);
    token.sealed_answer = row->blob(4);
  }
  return token;
}

Result<void> mark_used(Transaction& transaction, const RefreshToken& token) {
  TRY(transaction.execute("UPDATE sessions_refresh SET used_at = ?, successor_hash = ?, sealed_answer = ? WHERE token_hash = ?",
                          token.used_at, blob(token.successor_hash), blob(token.sealed_answer), blob(token.hash)));
  return {};
}

Result<void> insert_code(Transaction& transaction, const AuthorizationCode& code) {
  TRY(transaction.execute(
      "INSERT INTO sessions_code (code_hash, session_id, client_id, redirect_uri, challenge, nonce, scope, expires_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      blob(code.hash), code.session_id, code.client_id, code.redirect_uri, code.challenge, code.nonce, code.scope, code.expires_at));
  return {};
}

Result<std::optional<AuthorizationCode>> find_code(Transaction& transaction, std::string_view hash) {
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   transaction.query_one("SELECT session_id, client_id, redirect_uri, challenge, nonce, scope, expires_at, used_at, "
                                         "granted_id FROM sessions_code WHERE code_hash = ?",
                                         blob(hash)));
  if (!row) return std::nullopt;
  AuthorizationCode code;
  code.hash = hash;
  code.session_id = row->uuid(0);
  code.client_id = row->text(1);
  code.redirect_uri = row->text(2);
  code.challenge = row->text(3);
  code.nonce = row->text(4);
  code.scope = row->text(5);
  code.expires_at = row->timestamp(6);
  code.used_at = row->optional_timestamp(7);
  code.granted_id = row->optional_uuid(8);
  return code;
}

Result<void> mark_used(Transaction& transaction, const AuthorizationCode& code) {
  TRY(transaction.execute("UPDATE sessions_code SET used_at = ?, granted_id = ? WHERE code_hash = ?", code.used_at, code.granted_id,
                          blob(code.hash)));
  return {};
}

Result<std::int64_t> count_open_codes(Transaction& transaction, Uuid session_id, Timestamp now) {
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   transaction.query_one("SELECT count(*) FROM sessions_code WHERE session_id = ? AND used_at IS NULL AND expires_at > ?",
                                         session_id, now));
  return row->integer(0);
}

Result<void> insert_grant(Transaction& transaction, const Grant& grant) {
  TRY(transaction.execute("INSERT INTO sessions_grant (session_id, client_id, scope, authenticated_at) VALUES (?, ?, ?, ?)",
                          grant.session_id, grant.client_id, grant.scope, grant.authenticated_at));
  return {};
}

Result<std::optional<Grant>> find_grant(Transaction& transaction, Uuid session_id) {
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   transaction.query_one("SELECT client_id, scope, authenticated_at FROM sessions_grant WHERE session_id = ?", session_id));
  if (!row) return std::nullopt;
  return Grant{session_id, row->text(0), row->text(1), row->timestamp(2)};
}

Result<void> replace_link(Transaction& transaction, const OneTimeLink& link, Timestamp now) {
  TRY(delete_links_of(transaction, link.user_id));
  TRY(transaction.execute("INSERT INTO sessions_link (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)", blob(link.hash),
                          link.user_id, now, link.expires_at));
  return {};
}

Result<std::optional<OneTimeLink>> find_link(Transaction& transaction, std::string_view hash) {
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   transaction.query_one("SELECT user_id, expires_at FROM sessions_link WHERE token_hash = ?", blob(hash)));
  if (!row) return std::nullopt;
  return OneTimeLink{std::string(hash), row->uuid(0), row->timestamp(1)};
}

Result<void> delete_links_of(Transaction& transaction, Uuid user_id) {
  TRY(transaction.execute("DELETE FROM sessions_link WHERE user_id = ?", user_id));
  return {};
}

Result<void> insert_refusal(Transaction& transaction, const v1::Refusal& refusal) {
  TRY(
      transaction.execute("INSERT INTO sessions_refusal (at, user_id, session_id, remote_address, call, code, request_id, times) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                          refusal.at, refusal.user_id, refusal.session_id, refusal.remote_address, refusal.call, refusal.code,
                          refusal.request_id, refusal.times));
  return {};
}

Result<std::vector<NumberedRefusal>> list_refusals(Transaction& transaction, const RefusalFilter& filter, std::int64_t before,
                                                   std::int32_t limit) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT number, at, user_id, session_id, remote_address, call, code, request_id, times "
                                     "FROM sessions_refusal WHERE number < ? AND " REFUSAL_FILTER " ORDER BY number DESC LIMIT ?",
                                     before, filter.user_id, filter.user_id, filter.remote_address, filter.remote_address, filter.code,
                                     filter.code, limit));
  std::vector<NumberedRefusal> refusals;
  for (const Row& row : rows) refusals.push_back({row.integer(0), refusal_of(row)});
  return refusals;
}

Result<std::int64_t> count_refusals(Transaction& transaction, const RefusalFilter& filter) {
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   transaction.query_one("SELECT count(*) FROM sessions_refusal WHERE " REFUSAL_FILTER, filter.user_id, filter.user_id,
                                         filter.remote_address, filter.remote_address, filter.code, filter.code));
  return row->integer(0);
}

Result<void> delete_old_refusals(Transaction& transaction, std::int64_t kept) {
  TRY(transaction.execute("DELETE FROM sessions_refusal WHERE number <= (SELECT max(number) FROM sessions_refusal) - ?", kept));
  return {};
}

Result<std::int64_t> delete_history(Transaction& transaction, Timestamp before, Timestamp now, int limit) {
  ASSIGN_OR_RETURN(const Rows old, transaction.query("SELECT id FROM sessions_session WHERE ended_at IS NOT NULL AND ended_at < ? "
                                                     "ORDER BY ended_at LIMIT ?",
                                                     before, limit));
  for (const Row& row : old) {
    TRY(transaction.execute("DELETE FROM sessions_refresh WHERE session_id = ?", row.uuid(0)));
    TRY(transaction.execute("DELETE FROM sessions_code WHERE granted_id = ?", row.uuid(0)));
    TRY(transaction.execute("DELETE FROM sessions_grant WHERE session_id = ?", row.uuid(0)));
    TRY(transaction.execute("DELETE FROM sessions_session WHERE id = ?", row.uuid(0)));
  }
  ASSIGN_OR_RETURN(const std::int64_t links,
                   transaction.execute("DELETE FROM sessions_link WHERE token_hash IN (SELECT token_hash FROM sessions_link WHERE "
                                       "expires_at <= ? ORDER BY expires_at LIMIT ?)",
                                       now, limit));
  ASSIGN_OR_RETURN(const std::int64_t codes,
                   transaction.execute("DELETE FROM sessions_code WHERE code_hash IN (SELECT code_hash FROM sessions_code WHERE "
                                       "granted_id IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?)",
                                       now, limit));
  return links + codes + static_cast<std::int64_t>(old.size());
}

}  // namespace consilium::sessions
