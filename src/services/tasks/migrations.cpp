#include "services/tasks/migrations.h"

#include "ports/bus/tables.h"
#include "ports/database/idempotency.h"

namespace consilium::tasks {
namespace {

constexpr const char* kCreateTables = R"sql(
CREATE TABLE tasks_type (
  type TEXT NOT NULL,
  subtype TEXT NOT NULL,
  version INTEGER NOT NULL,
  json TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (type, subtype, version)
) WITHOUT ROWID;

CREATE TABLE tasks_number (
  prefix TEXT PRIMARY KEY,
  last INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tasks_task (
  id BLOB PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  subtype TEXT NOT NULL,
  model_version INTEGER NOT NULL,
  substatus INTEGER NOT NULL,
  is_open INTEGER NOT NULL,
  reporter_user_id BLOB NOT NULL,
  reporter_name TEXT NOT NULL,
  reported_at INTEGER NOT NULL,
  assignee_group TEXT NOT NULL,
  assignee_user_id BLOB,
  assignee_name TEXT NOT NULL,
  assignee_at INTEGER NOT NULL,
  channel_id BLOB,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  details TEXT,
  due_at INTEGER,
  feedback_answer INTEGER,
  feedback_text TEXT,
  feedback_user_id BLOB,
  feedback_at INTEGER,
  queued_at INTEGER,
  answer_due_at INTEGER,
  process_instance INTEGER,
  one_open INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  closed_at INTEGER,
  version INTEGER NOT NULL
);
-- A client has one open request a channel and kind (DOMAIN invariant 2).
CREATE UNIQUE INDEX tasks_task_one_open ON tasks_task (reporter_user_id, channel_id, type, subtype) WHERE is_open = 1 AND one_open = 1;
CREATE INDEX tasks_task_waiting ON tasks_task (assignee_group, reported_at, id) WHERE queued_at IS NOT NULL;
CREATE INDEX tasks_task_answer_due ON tasks_task (answer_due_at) WHERE answer_due_at IS NOT NULL;
CREATE INDEX tasks_task_assignee ON tasks_task (assignee_user_id, created_at, id);
CREATE INDEX tasks_task_open_of ON tasks_task (assignee_user_id) WHERE is_open = 1;
CREATE INDEX tasks_task_reporter ON tasks_task (reporter_user_id, created_at, id);
CREATE INDEX tasks_task_channel ON tasks_task (channel_id, created_at, id);
CREATE INDEX tasks_task_newest ON tasks_task (created_at, id);

CREATE TABLE tasks_history (
  task_id BLOB NOT NULL,
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  substatus INTEGER NOT NULL,
  assignee_group TEXT NOT NULL,
  user_id BLOB,
  changed_by_user_id BLOB,
  changed_by TEXT NOT NULL,
  transition TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (task_id, sequence)
) WITHOUT ROWID;
CREATE INDEX tasks_history_user ON tasks_history (user_id, task_id) WHERE user_id IS NOT NULL;

CREATE TABLE tasks_person (
  user_id BLOB PRIMARY KEY,
  display_name TEXT NOT NULL,
  active INTEGER NOT NULL,
  online INTEGER NOT NULL,
  presence_at INTEGER NOT NULL,
  idle_since INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tasks_person_group (
  group_code TEXT NOT NULL,
  user_id BLOB NOT NULL,
  PRIMARY KEY (group_code, user_id)
) WITHOUT ROWID;
CREATE INDEX tasks_person_group_user ON tasks_person_group (user_id);

CREATE TABLE tasks_exclusion (
  task_id BLOB NOT NULL,
  user_id BLOB NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (task_id, user_id)
) WITHOUT ROWID;
CREATE INDEX tasks_exclusion_until ON tasks_exclusion (until);

CREATE TABLE tasks_assignment (
  id BLOB PRIMARY KEY,
  at INTEGER NOT NULL,
  rule TEXT NOT NULL,
  task_id BLOB NOT NULL,
  task_number TEXT NOT NULL,
  user_id BLOB,
  explanation TEXT NOT NULL,
  candidates INTEGER NOT NULL,
  waited INTEGER NOT NULL
);
CREATE INDEX tasks_assignment_newest ON tasks_assignment (at, id);
CREATE INDEX tasks_assignment_task ON tasks_assignment (task_id, at, id);
)sql";

// Why somebody was chosen is kept as numbers, so that each reader has it in their own words.
constexpr const char* kKeepChoices = R"sql(
ALTER TABLE tasks_assignment DROP COLUMN explanation;
ALTER TABLE tasks_assignment ADD COLUMN open_tasks INTEGER;
ALTER TABLE tasks_assignment ADD COLUMN idle_since INTEGER;
ALTER TABLE tasks_assignment ADD COLUMN at_limit INTEGER;
ALTER TABLE tasks_assignment ADD COLUMN left_out INTEGER;
ALTER TABLE tasks_assignment ADD COLUMN task_limit INTEGER;
)sql";

// What is open, and what was just closed, is found without a look at all that a channel or a consultant ever had.
constexpr char kIndexWhatIsOpen[] = R"sql(
DROP INDEX tasks_task_open_of;
CREATE INDEX tasks_task_open_of ON tasks_task (assignee_user_id, created_at, id) WHERE is_open = 1;
CREATE INDEX tasks_task_open_in ON tasks_task (channel_id, created_at, id) WHERE is_open = 1;
CREATE INDEX tasks_task_closed_in ON tasks_task (channel_id, closed_at) WHERE closed_at IS NOT NULL;
)sql";

}  // namespace

std::vector<database::Migration> migrations() {
  return {
      {1, "create_bus_tables", bus::bus_tables_sql("tasks")},
      {2, "create_tasks", kCreateTables},
      database::IdempotencyTable::migration("tasks", 3),
      {4, "index_process_instances", "CREATE INDEX tasks_task_process ON tasks_task (process_instance) WHERE process_instance IS NOT NULL"},
      {5, "keep_choices", kKeepChoices},
      {6, "index_what_is_open", kIndexWhatIsOpen},
  };
}

}  // namespace consilium::tasks
