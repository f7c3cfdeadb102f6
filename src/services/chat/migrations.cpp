#include "services/chat/migrations.h"

#include "ports/bus/tables.h"
#include "ports/database/idempotency.h"

namespace consilium::chat {
namespace {

// Enumerations are stored as their numbers in the contract. A nil author is the bot.
constexpr const char* kCreateTables = R"sql(
CREATE TABLE chat_users (
  user_id BLOB PRIMARY KEY,
  kind INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  language TEXT NOT NULL,
  photo_url TEXT,
  active INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE chat_channels (
  channel_id BLOB PRIMARY KEY,
  kind INTEGER NOT NULL,
  client_user_id BLOB NOT NULL,
  display_name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (client_user_id, kind)
) WITHOUT ROWID;

-- A membership that is over stays, so that a consultant who comes back finds what they had read.
-- last_read: position of the newest post read; last_read_shown: the same for others, who may not hear of posts for one person.
CREATE TABLE chat_members (
  channel_id BLOB NOT NULL,
  user_id BLOB NOT NULL,
  access INTEGER NOT NULL,
  until INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  last_read INTEGER NOT NULL,
  last_read_shown INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (channel_id, user_id)
) WITHOUT ROWID;
CREATE INDEX chat_members_of_user ON chat_members (user_id) WHERE ended = 0;
CREATE INDEX chat_members_by_end ON chat_members (until) WHERE ended = 0 AND until < 9223372036854775807;

-- Posts are never deleted, so positions rise. recipient_id: the only person who sees an ephemeral post.
-- dedup_key: the client id of the author's device, or the idempotency key of a bot's post.
CREATE TABLE chat_posts (
  position INTEGER PRIMARY KEY,
  post_id BLOB NOT NULL UNIQUE,
  channel_id BLOB NOT NULL,
  author_id BLOB NOT NULL,
  recipient_id BLOB,
  at INTEGER NOT NULL,
  text TEXT,
  code TEXT,
  parameters TEXT,
  dedup_key TEXT
);
CREATE INDEX chat_posts_of_channel ON chat_posts (channel_id, position);
CREATE UNIQUE INDEX chat_posts_once ON chat_posts (author_id, dedup_key) WHERE dedup_key IS NOT NULL;

CREATE TABLE chat_choices (
  post INTEGER NOT NULL,
  user_id BLOB NOT NULL,
  action TEXT NOT NULL,
  text TEXT,
  first_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (post, user_id)
) WITHOUT ROWID;

-- One row a person who can hear: the last number of the log, and the times of the newest posts for the limit of posting.
CREATE TABLE chat_logs (
  user_id BLOB PRIMARY KEY,
  last_sequence INTEGER NOT NULL,
  trimmed_to INTEGER NOT NULL,
  recent_posts BLOB NOT NULL
) WITHOUT ROWID;

-- AUTOINCREMENT: a position is never given twice, also after old rows were trimmed. What a person is shown is put together
-- when it is read: names, texts in their language and tokens of buttons are not in the log.
CREATE TABLE chat_events (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id BLOB NOT NULL,
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  type INTEGER NOT NULL,
  post INTEGER,
  channel_id BLOB,
  member_id BLOB,
  name TEXT,
  data TEXT
);
CREATE UNIQUE INDEX chat_events_of_person ON chat_events (user_id, sequence);

CREATE TABLE chat_notices (
  idempotency_key TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX chat_notices_by_time ON chat_notices (at);

-- chosen: by the person; effective: what was last told to others; since: when that changed.
CREATE TABLE chat_presence (
  user_id BLOB PRIMARY KEY,
  chosen INTEGER NOT NULL,
  effective INTEGER NOT NULL,
  since INTEGER NOT NULL
) WITHOUT ROWID;

-- state: 0 open, 1 closed and in its last lease, 2 open but its lease ran out and that was noticed.
CREATE TABLE chat_sockets (
  socket_id BLOB PRIMARY KEY,
  user_id BLOB NOT NULL,
  session_id BLOB NOT NULL,
  lease_until INTEGER NOT NULL,
  state INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX chat_sockets_of_user ON chat_sockets (user_id, lease_until);
CREATE INDEX chat_sockets_by_lease ON chat_sockets (lease_until) WHERE state < 2;
)sql";

// The fence of the last wish that was taken; 0: none had one.
constexpr const char* kFenceMemberships = "ALTER TABLE chat_members ADD COLUMN fence INTEGER NOT NULL DEFAULT 0";

}  // namespace

std::vector<database::Migration> migrations() {
  return {{1, "create_chat", kCreateTables},
          database::IdempotencyTable::migration("chat", 2),
          {3, "create_bus_tables", bus::bus_tables_sql("chat")},
          {4, "fence_memberships", kFenceMemberships},
          {5, "find_sockets_of_sessions", "CREATE INDEX chat_sockets_of_session ON chat_sockets (session_id)"}};
}

}  // namespace consilium::chat
