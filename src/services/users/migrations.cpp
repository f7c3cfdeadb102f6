#include "services/users/migrations.h"

#include "ports/bus/tables.h"
#include "ports/database/idempotency.h"

namespace consilium::users {
namespace {

// The groups are the one reference table of the platform: tasks are routed by them.
constexpr const char* kCreateUsers = R"(
CREATE TABLE users_group (
  code TEXT PRIMARY KEY,
  type TEXT NOT NULL
);
INSERT INTO users_group (code, type) VALUES
  ('client', 'client'),
  ('consultant', 'consultant'),
  ('consultant-lawyer', 'consultant'),
  ('consultant-med', 'consultant'),
  ('doctor-dentist', 'expert'),
  ('doctor-orthopedist', 'expert'),
  ('supervisor', 'supervisor');

CREATE TABLE users_user (
  id BLOB PRIMARY KEY,
  username TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  first_name TEXT NOT NULL,
  middle_name TEXT,
  last_name TEXT NOT NULL,
  sex TEXT,
  birth_date TEXT,
  phone TEXT,
  email TEXT,
  photo_url TEXT,
  language TEXT NOT NULL,
  chat_user_id BLOB,
  identity_id BLOB,
  common_channel_id BLOB,
  specialization TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL
);
CREATE UNIQUE INDEX users_user_username ON users_user (username) WHERE status <> 'deleted';
CREATE INDEX users_user_order ON users_user (created_at, id);
CREATE INDEX users_user_phone ON users_user (phone) WHERE phone IS NOT NULL;
CREATE INDEX users_user_email ON users_user (email) WHERE email IS NOT NULL;

CREATE TABLE users_membership (
  user_id BLOB NOT NULL REFERENCES users_user (id),
  group_code TEXT NOT NULL REFERENCES users_group (code),
  PRIMARY KEY (user_id, group_code)
);
CREATE INDEX users_membership_group ON users_membership (group_code);

CREATE TABLE users_audit (
  id BLOB PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  session_id BLOB,
  call TEXT NOT NULL,
  subject_id BLOB,
  outcome TEXT NOT NULL,
  request_id TEXT NOT NULL,
  remote_address TEXT NOT NULL
);
CREATE INDEX users_audit_at ON users_audit (at);
CREATE INDEX users_audit_subject ON users_audit (subject_id, at);
)";

}  // namespace

std::vector<database::Migration> migrations() {
  return {{1, "create_users", kCreateUsers},
          database::IdempotencyTable::migration("users", 2),
          {3, "create_bus_tables", bus::bus_tables_sql("users")}};
}

}  // namespace consilium::users
