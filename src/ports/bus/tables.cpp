#include "ports/bus/tables.h"

namespace consilium::bus {
namespace {

// Positions are never used twice, even after the newest row was deleted: AUTOINCREMENT.
constexpr std::string_view kTables = R"sql(
CREATE TABLE $_outbox(
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  traceparent TEXT NOT NULL,
  payload TEXT NOT NULL
) STRICT;
CREATE TABLE $_consumer(
  consumer_group TEXT NOT NULL,
  producer TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (consumer_group, producer)
) STRICT, WITHOUT ROWID;
CREATE TABLE $_parked(
  consumer_group TEXT NOT NULL,
  position INTEGER NOT NULL,
  producer TEXT NOT NULL,
  id BLOB NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  traceparent TEXT NOT NULL,
  payload TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_try INTEGER NOT NULL,
  error_code TEXT NOT NULL,
  parked_at INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  PRIMARY KEY (consumer_group, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX $_parked_by_key ON $_parked(consumer_group, key, position);
CREATE TABLE $_inbox(
  key TEXT NOT NULL PRIMARY KEY,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX $_inbox_by_time ON $_inbox(at);
)sql";

}  // namespace

std::string bus_tables_sql(std::string_view service) {
  std::string sql;
  for (const char c : kTables) {
    if (c == '$') {
      sql += service;
    } else {
      sql += c;
    }
  }
  return sql;
}

}  // namespace consilium::bus
