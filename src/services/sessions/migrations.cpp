#include "services/sessions/migrations.h"

#include "ports/bus/tables.h"
#include "ports/database/audit.h"

namespace consilium::sessions {
namespace {

// No raw token is stored: hashes of 256 random bits, and an answer sealed under a token that the table does not hold.
constexpr const char* kCreateSessions = R"(
CREATE TABLE sessions_identity (
  user_id BLOB PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  password_hash TEXT,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
);

CREATE TABLE sessions_session (
  id BLOB PRIMARY KEY,
  user_id BLOB NOT NULL,
  kind TEXT NOT NULL,
  cookie_hash BLOB,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  user_agent TEXT NOT NULL,
  remote_address TEXT NOT NULL,
  ended_at INTEGER,
  end_reason TEXT NOT NULL
);
CREATE UNIQUE INDEX sessions_session_cookie ON sessions_session (cookie_hash) WHERE cookie_hash IS NOT NULL;
CREATE INDEX sessions_session_user ON sessions_session (user_id, created_at);
CREATE INDEX sessions_session_expiry ON sessions_session (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_session_idle ON sessions_session (last_used_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_session_ended ON sessions_session (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE sessions_refresh (
  token_hash BLOB PRIMARY KEY,
  session_id BLOB NOT NULL REFERENCES sessions_session (id),
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  successor_hash BLOB,
  sealed_answer BLOB
);
CREATE INDEX sessions_refresh_session ON sessions_refresh (session_id);

CREATE TABLE sessions_link (
  token_hash BLOB PRIMARY KEY,
  user_id BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_link_user ON sessions_link (user_id);
CREATE INDEX sessions_link_expiry ON sessions_link (expires_at);
)";

// The audit of the edge. Rows are numbered so that the oldest can go without being counted.
constexpr const char* kCreateRefusals = R"(
CREATE TABLE sessions_refusal (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  user_id BLOB,
  session_id BLOB,
  remote_address TEXT NOT NULL,
  call TEXT NOT NULL,
  code TEXT NOT NULL,
  request_id TEXT NOT NULL,
  times INTEGER NOT NULL
);
)";

// A code is good for one attempt; a used one is remembered as long as what it gave, because a second use ends that.
constexpr const char* kCreateOpenId = R"(
CREATE TABLE sessions_code (
  code_hash BLOB PRIMARY KEY,
  session_id BLOB NOT NULL,
  client_id TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  challenge TEXT NOT NULL,
  nonce TEXT NOT NULL,
  scope TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  granted_id BLOB
);
CREATE INDEX sessions_code_session ON sessions_code (session_id, expires_at) WHERE used_at IS NULL;
CREATE INDEX sessions_code_expiry ON sessions_code (expires_at) WHERE granted_id IS NULL;
CREATE INDEX sessions_code_granted ON sessions_code (granted_id) WHERE granted_id IS NOT NULL;

CREATE TABLE sessions_grant (
  session_id BLOB PRIMARY KEY REFERENCES sessions_session (id),
  client_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  authenticated_at INTEGER NOT NULL
);
)";

// `issued`, or why they ended.
constexpr const char* kCountSessions = R"(
CREATE TABLE sessions_count (
  what TEXT PRIMARY KEY,
  sessions INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO sessions_count SELECT 'issued', count(*) FROM sessions_session;
INSERT INTO sessions_count SELECT end_reason, count(*) FROM sessions_session WHERE ended_at IS NOT NULL GROUP BY end_reason;
)";

}  // namespace

std::vector<database::Migration> migrations() {
  return {{1, "create_sessions", kCreateSessions},
          {2, "create_bus_tables", bus::bus_tables_sql("sessions")},
          {3, "create_refusals", kCreateRefusals},
          {4, "create_openid", kCreateOpenId},
          {5, "keep_removed", "CREATE TABLE sessions_removed (user_id BLOB PRIMARY KEY) WITHOUT ROWID"},
          database::AuditTable::migration("sessions", 6),
          {7, "count_sessions", kCountSessions}};
}

}  // namespace consilium::sessions
