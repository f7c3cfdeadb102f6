#include "services/tasks/store.h"

#include <string>

namespace consilium::tasks {
namespace {

using database::Row;
using database::Rows;
using database::Value;

constexpr Duration kClosedLater = milliseconds(1);

// In the order that `read_task` and the statements below keep to.
#define TASK_COLUMNS                                                                                                                      \
  "id, number, type, subtype, model_version, substatus, reporter_user_id, reporter_name, reported_at, assignee_group, assignee_user_id, " \
  "assignee_name, assignee_at, channel_id, title, description, details, feedback_answer, feedback_text, feedback_user_id, "               \
  "feedback_at, queued_at, answer_due_at, process_instance, created_at, updated_at, closed_at, version"

TaskRecord read_task(const Row& row) {
  TaskRecord task;
  std::size_t at = 0;
  task.id = row.uuid(at++);
  task.number = row.text(at++);
  task.type = row.text(at++);
  task.subtype = row.text(at++);
  task.model_version = row.integer(at++);
  task.substatus = static_cast<Substatus>(row.integer(at++));
  task.reporter_user_id = row.uuid(at++);
  task.reporter_name = row.text(at++);
  task.reported_at = row.timestamp(at++);
  task.group = row.text(at++);
  task.assignee_user_id = row.optional_uuid(at++);
  task.assignee_name = row.text(at++);
  task.assignee_at = row.timestamp(at++);
  task.channel_id = row.optional_uuid(at++);
  task.title = row.text(at++);
  task.description = row.text(at++);
  task.details = row.optional_text(at++);
  if (const auto answer = row.optional_integer(at)) {
    task.feedback = Feedback{static_cast<v1::FeedbackAnswer>(*answer), row.optional_text(at + 1), row.uuid(at + 2), row.timestamp(at + 3)};
  }
  at += 4;
  task.queued_at = row.optional_timestamp(at++);
  task.answer_due_at = row.optional_timestamp(at++);
  task.process_instance = row.optional_integer(at++);
  task.created_at = row.timestamp(at++);
  task.updated_at = row.timestamp(at++);
  task.closed_at = row.optional_timestamp(at++);
  task.version = row.integer(at++);
  return task;
}

Result<std::vector<TaskRecord>> read_tasks(Result<Rows> rows) {
  if (!rows) return fail(std::move(rows).error());
  std::vector<TaskRecord> tasks;
  tasks.reserve(rows->size());
  for (const Row& row : *rows) tasks.push_back(read_task(row));
  return tasks;
}

Result<std::optional<TaskRecord>> read_one(Result<std::optional<Row>> row) {
  if (!row) return fail(std::move(row).error());
  if (!*row) return std::optional<TaskRecord>();
  return std::optional<TaskRecord>(read_task(**row));
}

// `nothing` when a statement changed what it should have.
Result<void> done(Result<std::int64_t> changed) {
  if (!changed) return fail(std::move(changed).error());
  return {};
}

std::optional<std::int64_t> number_of(const std::optional<Status>& status) {
  if (!status) return std::nullopt;
  return *status == Status::kOpen ? 1 : 0;
}

std::optional<std::int64_t> number_of(const std::optional<Substatus>& substatus) {
  if (!substatus) return std::nullopt;
  return static_cast<std::int64_t>(*substatus);
}

// A list statement for each index it should use: the planner takes it when its column is bound by equality.
#define TASK_FILTER                                                                                                                     \
  "(?1 IS NULL OR type = ?1) AND (?2 IS NULL OR subtype = ?2) AND (?3 IS NULL OR is_open = ?3) AND (?4 IS NULL OR "                     \
  "substatus = ?4) AND (?5 IS NULL OR number = ?5) AND (?6 IS NULL OR channel_id = ?6) AND (?7 IS NULL OR reporter_user_id "            \
  "= ?7) AND (?8 IS NULL OR assignee_user_id = ?8) AND (?9 IS NULL OR assignee_group = ?9) AND (?10 IS NULL OR "                        \
  "(reporter_user_id = ?10 AND type <> 'staff') OR assignee_user_id = ?10 OR id IN (SELECT task_id FROM tasks_history WHERE user_id = " \
  "?10))"

#define TASK_PAGE " AND (created_at, id) < (?11, ?12) ORDER BY created_at DESC, id DESC LIMIT ?13"

constexpr std::string_view kListAll = "SELECT " TASK_COLUMNS " FROM tasks_task WHERE " TASK_FILTER TASK_PAGE;
constexpr std::string_view kListByReporter =
    "SELECT " TASK_COLUMNS " FROM tasks_task WHERE reporter_user_id = ?7 AND " TASK_FILTER TASK_PAGE;
constexpr std::string_view kListByAssignee =
    "SELECT " TASK_COLUMNS " FROM tasks_task WHERE assignee_user_id = ?8 AND " TASK_FILTER TASK_PAGE;
constexpr std::string_view kListByChannel = "SELECT " TASK_COLUMNS " FROM tasks_task WHERE channel_id = ?6 AND " TASK_FILTER TASK_PAGE;

std::string_view list_statement(const TaskFilter& filter) {
  if (filter.channel_id) return kListByChannel;
  if (filter.assignee_user_id) return kListByAssignee;
  if (filter.reporter_user_id) return kListByReporter;
  return kListAll;
}

}  // namespace

Result<std::optional<StoredModel>> newest_model(Transaction& transaction, std::string_view type, std::string_view subtype) {
  ASSIGN_OR_RETURN(
      auto row, transaction.query_one("SELECT version, json FROM tasks_type WHERE type = ? AND subtype = ? ORDER BY version DESC LIMIT 1",
                                      type, subtype));
  if (!row) return std::optional<StoredModel>();
  return std::optional<StoredModel>(StoredModel{row->integer(0), row->text(1)});
}

Result<std::vector<NamedModel>> all_models(Transaction& transaction) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT type, subtype, version, json FROM tasks_type ORDER BY type, subtype, version"));
  std::vector<NamedModel> models;
  for (const Row& row : rows) models.push_back({row.text(0), row.text(1), row.integer(2), row.text(3)});
  return models;
}

Result<void> insert_model(Transaction& transaction, std::string_view type, std::string_view subtype, std::int64_t version,
                          std::string_view json, Timestamp at) {
  return done(transaction.execute("INSERT INTO tasks_type (type, subtype, version, json, created_at) VALUES (?, ?, ?, ?, ?)", type, subtype,
                                  version, json, at));
}

Result<std::int64_t> next_number(Transaction& transaction, std::string_view prefix) {
  ASSIGN_OR_RETURN(
      auto row,
      transaction.query_one(
          "INSERT INTO tasks_number (prefix, last) VALUES (?, 1) ON CONFLICT (prefix) DO UPDATE SET last = last + 1 RETURNING last",
          prefix));
  return row->integer(0);
}

Result<void> insert_task(Transaction& transaction, const TaskRecord& task, bool one_open_per_channel) {
  auto inserted = transaction.execute(
      "INSERT INTO tasks_task (" TASK_COLUMNS
      ", is_open, one_open) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?)",
      task.id, task.number, task.type, task.subtype, task.model_version, static_cast<std::int64_t>(task.substatus), task.reporter_user_id,
      task.reporter_name, task.reported_at, task.group, task.assignee_user_id, task.assignee_name, task.assignee_at, task.channel_id,
      task.title, task.description, task.details, task.queued_at, task.answer_due_at, task.process_instance, task.created_at,
      task.updated_at, task.closed_at, task.version, task.status() == Status::kOpen, one_open_per_channel);
  if (!inserted && inserted.error().code == "database.unique") {
    return fail(v1::errors::request_open("Expected no open request of this kind in the channel").caused_by(std::move(inserted).error()));
  }
  return done(std::move(inserted));
}

Result<void> update_task(Transaction& transaction, const TaskRecord& task) {
  std::optional<std::int64_t> answer;
  std::optional<std::string> text;
  std::optional<Uuid> by;
  std::optional<Timestamp> at;
  if (task.feedback) {
    answer = static_cast<std::int64_t>(task.feedback->answer);
    text = task.feedback->text;
    by = task.feedback->user_id;
    at = task.feedback->at;
  }
  ASSIGN_OR_RETURN(
      const std::int64_t changed,
      transaction.execute("UPDATE tasks_task SET substatus = ?, is_open = ?, assignee_group = ?, assignee_user_id = ?, assignee_name = ?, "
                          "assignee_at = ?, feedback_answer = ?, "
                          "feedback_text = ?, feedback_user_id = ?, feedback_at = ?, queued_at = ?, answer_due_at = ?, process_instance = "
                          "?, updated_at = ?, closed_at = ?, version = ? "
                          "WHERE id = ? AND version = ?",
                          static_cast<std::int64_t>(task.substatus), task.status() == Status::kOpen, task.group, task.assignee_user_id,
                          task.assignee_name, task.assignee_at, answer, text, by, at, task.queued_at, task.answer_due_at,
                          task.process_instance, task.updated_at, task.closed_at, task.version, task.id, task.version - 1));
  if (changed != 1) return fail(v1::errors::stale("Expected the current version of the task"));
  return {};
}

Result<std::optional<TaskRecord>> find_task(Transaction& transaction, const Uuid& id) {
  return read_one(transaction.query_one("SELECT " TASK_COLUMNS " FROM tasks_task WHERE id = ?", id));
}

Result<std::optional<TaskRecord>> find_task_by_number(Transaction& transaction, std::string_view number) {
  return read_one(transaction.query_one("SELECT " TASK_COLUMNS " FROM tasks_task WHERE number = ?", number));
}

Result<std::optional<TaskRecord>> find_of_process(Transaction& transaction, std::optional<std::int64_t> process_instance,
                                                  std::string_view type, std::string_view subtype) {
  if (!process_instance) return std::optional<TaskRecord>();
  return read_one(transaction.query_one(
      "SELECT " TASK_COLUMNS
      " FROM tasks_task WHERE process_instance = ? AND type = ? AND subtype = ? ORDER BY created_at DESC, id DESC LIMIT 1",
      *process_instance, type, subtype));
}

Result<std::optional<TaskRecord>> open_of_process(Transaction& transaction, std::int64_t process_instance, std::string_view type,
                                                  std::string_view subtype) {
  return read_one(transaction.query_one("SELECT " TASK_COLUMNS
                                        " FROM tasks_task WHERE process_instance = ? AND type = ? AND subtype = ? AND is_open = 1 LIMIT 1",
                                        process_instance, type, subtype));
}

Result<bool> has_waiting_task(Transaction& transaction, std::int64_t process_instance) {
  ASSIGN_OR_RETURN(auto row, transaction.query_one("SELECT 1 FROM tasks_task WHERE process_instance = ? AND queued_at IS NOT NULL LIMIT 1",
                                                   process_instance));
  return row.has_value();
}

Result<std::optional<TaskRecord>> find_open(Transaction& transaction, const OpenTask& sought) {
  ASSIGN_OR_RETURN(
      auto open,
      read_one(transaction.query_one(
          "SELECT " TASK_COLUMNS
          " FROM tasks_task INDEXED BY tasks_task_open_in WHERE channel_id = ?1 AND is_open = 1 AND type = ?2 AND subtype = ?3 AND (?4 IS "
          "NULL OR reporter_user_id = ?4) ORDER BY created_at DESC LIMIT 1",
          sought.channel_id, sought.type.type, sought.type.subtype, sought.reporter)));
  if (open || !sought.at) return open;
  // What was closed in the future was closed before the clock was set back: that tells nothing of what came first.
  return read_one(
      transaction.query_one("SELECT " TASK_COLUMNS
                            " FROM tasks_task INDEXED BY tasks_task_closed_in WHERE channel_id = ? AND type = ? AND subtype = ? "
                            "AND is_open = 0 AND closed_at >= ? AND closed_at <= ? ORDER BY created_at DESC LIMIT 1",
                            sought.channel_id, sought.type.type, sought.type.subtype, *sought.at + kClosedLater, sought.now));
}

Result<std::vector<TaskRecord>> list_tasks(Transaction& transaction, const TaskFilter& filter, const Place& after, int limit) {
  return read_tasks(transaction.query(list_statement(filter), filter.type, filter.subtype, number_of(filter.status),
                                      number_of(filter.substatus), filter.number, filter.channel_id, filter.reporter_user_id,
                                      filter.assignee_user_id, filter.assignee_group, filter.party, after.at, after.id, limit));
}

Result<std::int64_t> count_tasks(Transaction& transaction, const TaskFilter& filter) {
  ASSIGN_OR_RETURN(auto row, transaction.query_one("SELECT count(*) FROM tasks_task WHERE " TASK_FILTER, filter.type, filter.subtype,
                                                   number_of(filter.status), number_of(filter.substatus), filter.number, filter.channel_id,
                                                   filter.reporter_user_id, filter.assignee_user_id, filter.assignee_group, filter.party));
  return row->integer(0);
}

Result<void> insert_history(Transaction& transaction, const HistoryRecord& row) {
  return done(transaction.execute(
      "INSERT INTO tasks_history (task_id, sequence, at, substatus, assignee_group, user_id, changed_by_user_id, changed_by, transition, "
      "reason) "
      "VALUES (?1, (SELECT coalesce(max(sequence), 0) + 1 FROM tasks_history WHERE task_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      row.task_id, row.at, static_cast<std::int64_t>(row.substatus), row.group, row.user_id, row.changed_by_user_id, row.changed_by,
      row.transition, row.reason));
}

Result<std::vector<HistoryRecord>> history_of(Transaction& transaction, const Uuid& task_id) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT at, substatus, assignee_group, user_id, changed_by_user_id, changed_by, "
                                                      "transition, reason FROM tasks_history WHERE task_id = ? ORDER BY "
                                                      "sequence DESC",
                                                      task_id));
  std::vector<HistoryRecord> history;
  for (const Row& row : rows) {
    history.push_back({task_id, row.timestamp(0), static_cast<Substatus>(row.integer(1)), row.text(2), row.optional_uuid(3),
                       row.optional_uuid(4), row.text(5), row.text(6), row.optional_text(7)});
  }
  return history;
}

Result<bool> was_assignee(Transaction& transaction, const Uuid& task_id, const Uuid& user_id) {
  ASSIGN_OR_RETURN(auto row,
                   transaction.query_one("SELECT 1 FROM tasks_history WHERE user_id = ? AND task_id = ? LIMIT 1", user_id, task_id));
  return row.has_value();
}

Result<std::vector<TaskRecord>> waiting_tasks(Transaction& transaction, std::string_view group, const QueueEnd& after, int limit) {
  return read_tasks(transaction.query("SELECT " TASK_COLUMNS
                                      " FROM tasks_task WHERE assignee_group = ? AND queued_at IS NOT NULL AND (reported_at, id) > (?, ?) "
                                      "ORDER BY reported_at, id LIMIT ?",
                                      group, after.reported_at, after.id, limit));
}

Result<std::int64_t> waiting_before(Transaction& transaction, const TaskRecord& task) {
  ASSIGN_OR_RETURN(auto row,
                   transaction.query_one(
                       "SELECT count(*) FROM tasks_task WHERE assignee_group = ? AND queued_at IS NOT NULL AND (reported_at, id) < (?, ?)",
                       task.group, task.reported_at, task.id));
  return row->integer(0);
}

Result<std::vector<TaskRecord>> unanswered_tasks(Transaction& transaction, Timestamp due, int limit) {
  return read_tasks(
      transaction.query("SELECT " TASK_COLUMNS " FROM tasks_task WHERE answer_due_at <= ? ORDER BY answer_due_at LIMIT ?", due, limit));
}

Result<void> bring_answers_forward(Transaction& transaction, Timestamp last) {
  return done(transaction.execute("UPDATE tasks_task SET answer_due_at = ?1 WHERE answer_due_at > ?1", last));
}

Result<void> put_off_answer(Transaction& transaction, const Uuid& task_id, Timestamp due) {
  return done(transaction.execute("UPDATE tasks_task SET answer_due_at = ? WHERE id = ?", due, task_id));
}

Result<std::optional<Timestamp>> newest_waiting(Transaction& transaction) {
  ASSIGN_OR_RETURN(auto row, transaction.query_one("SELECT max(reported_at) FROM tasks_task WHERE queued_at IS NOT NULL"));
  return row->optional_timestamp(0);
}

Result<std::vector<TaskRecord>> assigned_to(Transaction& transaction, const Uuid& user_id, Substatus substatus) {
  return read_tasks(transaction.query(
      "SELECT " TASK_COLUMNS
      " FROM tasks_task INDEXED BY tasks_task_open_of WHERE assignee_user_id = ? AND is_open = 1 AND substatus = ? ORDER BY created_at, id",
      user_id, static_cast<std::int64_t>(substatus)));
}

Result<std::optional<Timestamp>> next_answer_due(Transaction& transaction) {
  ASSIGN_OR_RETURN(auto row, transaction.query_one("SELECT min(answer_due_at) FROM tasks_task WHERE answer_due_at IS NOT NULL"));
  return row->optional_timestamp(0);
}

Result<QueueFigures> count_waiting(Transaction& transaction) {
  ASSIGN_OR_RETURN(const auto row, transaction.query_one("SELECT count(*), min(reported_at) FROM tasks_task WHERE queued_at IS NOT NULL"));
  return QueueFigures{row->integer(0), row->optional_timestamp(1), 0, {}};
}

// By the index of the open ones, which are few beside those that were closed.
Result<std::vector<StatusCount>> count_open(Transaction& transaction) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT assignee_group, substatus, count(*) FROM tasks_task INDEXED BY tasks_task_open_of "
                                     "WHERE is_open = 1 GROUP BY assignee_group, substatus ORDER BY assignee_group, substatus"));
  std::vector<StatusCount> counts;
  for (const Row& row : rows) counts.push_back({row.text(0), static_cast<Substatus>(row.integer(1)), row.integer(2)});
  return counts;
}

Result<std::vector<std::string>> groups_with_waiting(Transaction& transaction) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT DISTINCT assignee_group FROM tasks_task WHERE queued_at IS NOT NULL ORDER BY assignee_group"));
  std::vector<std::string> groups;
  for (const Row& row : rows) groups.push_back(row.text(0));
  return groups;
}

Result<void> save_person(Transaction& transaction, const PersonRecord& person) {
  TRY(transaction.execute(
      "INSERT INTO tasks_person (user_id, display_name, active, online, presence_at, idle_since) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
      "ON CONFLICT (user_id) DO UPDATE SET display_name = ?2, active = ?3",
      person.user_id, person.display_name, person.active, person.online, person.presence_at));
  TRY(transaction.execute("DELETE FROM tasks_person_group WHERE user_id = ?", person.user_id));
  for (const std::string& group : person.groups) {
    TRY(transaction.execute("INSERT INTO tasks_person_group (group_code, user_id) VALUES (?, ?)", group, person.user_id));
  }
  return {};
}

Result<std::optional<PersonRecord>> find_person(Transaction& transaction, const Uuid& user_id) {
  ASSIGN_OR_RETURN(auto row,
                   transaction.query_one("SELECT display_name, active, online, presence_at FROM tasks_person WHERE user_id = ?", user_id));
  if (!row) return std::optional<PersonRecord>();
  PersonRecord person{user_id, row->text(0), row->boolean(1), row->boolean(2), row->timestamp(3), {}};
  ASSIGN_OR_RETURN(const Rows groups,
                   transaction.query("SELECT group_code FROM tasks_person_group WHERE user_id = ? ORDER BY group_code", user_id));
  for (const Row& group : groups) person.groups.push_back(group.text(0));
  return std::optional<PersonRecord>(std::move(person));
}

Result<void> set_online(Transaction& transaction, const Uuid& user_id, bool online, Timestamp at) {
  // A person whom the events of users have not told of yet is remembered without groups: they get no task before those come.
  return done(transaction.execute(
      "INSERT INTO tasks_person (user_id, display_name, active, online, presence_at, idle_since) VALUES (?1, '', 0, ?2, ?3, ?3) "
      "ON CONFLICT (user_id) DO UPDATE SET online = ?2, presence_at = ?3, idle_since = CASE WHEN ?2 = 1 AND online = 0 THEN ?3 ELSE "
      "idle_since END",
      user_id, online, at));
}

Result<void> set_inactive(Transaction& transaction, const Uuid& user_id) {
  return done(transaction.execute("UPDATE tasks_person SET active = 0 WHERE user_id = ?", user_id));
}

Result<std::vector<Candidate>> candidates_of(Transaction& transaction, std::string_view group) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT p.user_id, p.display_name, p.idle_since, (SELECT count(*) FROM tasks_task t "
                                                      "WHERE t.assignee_user_id = p.user_id AND t.is_open = 1) "
                                                      "FROM tasks_person_group g JOIN tasks_person p ON p.user_id = g.user_id "
                                                      "WHERE g.group_code = ? AND p.active = 1 AND p.online = 1 ORDER BY p.user_id",
                                                      group));
  std::vector<Candidate> candidates;
  for (const Row& row : rows) candidates.push_back({row.uuid(0), row.text(1), row.integer(3), row.timestamp(2)});
  return candidates;
}

Result<std::vector<Uuid>> active_people(Transaction& transaction, std::string_view group) {
  ASSIGN_OR_RETURN(const Rows rows,
                   transaction.query("SELECT p.user_id FROM tasks_person_group g JOIN tasks_person p ON p.user_id = g.user_id "
                                     "WHERE g.group_code = ? AND p.active = 1 ORDER BY p.user_id",
                                     group));
  std::vector<Uuid> people;
  for (const Row& row : rows) people.push_back(row.uuid(0));
  return people;
}

Result<std::int64_t> open_tasks_of(Transaction& transaction, const Uuid& user_id) {
  ASSIGN_OR_RETURN(auto row, transaction.query_one("SELECT count(*) FROM tasks_task WHERE assignee_user_id = ? AND is_open = 1", user_id));
  return row->integer(0);
}

Result<void> set_idle_since(Transaction& transaction, const Uuid& user_id, Timestamp at) {
  return done(transaction.execute("UPDATE tasks_person SET idle_since = ? WHERE user_id = ?", at, user_id));
}

Result<std::vector<Uuid>> online_people(Transaction& transaction) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT user_id FROM tasks_person WHERE online = 1 ORDER BY user_id"));
  std::vector<Uuid> people;
  for (const Row& row : rows) people.push_back(row.uuid(0));
  return people;
}

Result<void> exclude(Transaction& transaction, const Uuid& task_id, const Uuid& user_id, Timestamp until) {
  return done(transaction.execute(
      "INSERT INTO tasks_exclusion (task_id, user_id, until) VALUES (?1, ?2, ?3) ON CONFLICT (task_id, user_id) DO UPDATE SET until = ?3",
      task_id, user_id, until));
}

Result<std::vector<Uuid>> excluded_from(Transaction& transaction, const Uuid& task_id, Timestamp now) {
  ASSIGN_OR_RETURN(const Rows rows, transaction.query("SELECT user_id FROM tasks_exclusion WHERE task_id = ? AND until > ?", task_id, now));
  std::vector<Uuid> people;
  for (const Row& row : rows) people.push_back(row.uuid(0));
  return people;
}

Result<std::vector<Uuid>> people_left_out(Transaction& transaction, const Uuid& task_id) {
  return excluded_from(transaction, task_id, Timestamp::min());
}

Result<std::optional<Timestamp>> next_exclusion_end(Transaction& transaction, Timestamp now) {
  ASSIGN_OR_RETURN(auto row, transaction.query_one("SELECT min(until) FROM tasks_exclusion WHERE until > ?", now));
  return row->optional_timestamp(0);
}

Result<void> bring_exclusions_forward(Transaction& transaction, Timestamp last) {
  return done(transaction.execute("UPDATE tasks_exclusion SET until = ?1 WHERE until > ?1", last));
}

Result<void> forget_exclusions(Transaction& transaction, Timestamp before) {
  return done(transaction.execute("DELETE FROM tasks_exclusion WHERE until <= ?", before));
}

Result<void> insert_assignment(Transaction& transaction, const AssignmentRecord& row) {
  std::optional<std::int64_t> open_tasks, at_limit, left_out, limit;
  std::optional<Timestamp> idle_since;
  if (row.choice) {
    open_tasks = row.choice->open_tasks;
    idle_since = row.choice->idle_since;
    at_limit = row.choice->at_limit;
    left_out = row.choice->left_out;
    limit = row.choice->limit;
  }
  return done(transaction.execute(
      "INSERT INTO tasks_assignment (id, at, rule, task_id, task_number, user_id, candidates, waited, open_tasks, idle_since, at_limit, "
      "left_out, task_limit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.id, row.at, row.rule, row.task_id, row.task_number, row.user_id, row.candidates, row.waited, open_tasks, idle_since, at_limit,
      left_out, limit));
}

Result<std::vector<AssignmentRecord>> list_assignments(Transaction& transaction, const std::optional<Uuid>& task_id, const Place& after,
                                                       int limit) {
#define ASSIGNMENT_COLUMNS \
  "id, at, rule, task_id, task_number, user_id, candidates, waited, open_tasks, idle_since, at_limit, left_out, task_limit"
  constexpr std::string_view kOfTask =
      "SELECT " ASSIGNMENT_COLUMNS " FROM tasks_assignment WHERE task_id = ? AND (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?";
  constexpr std::string_view kAll =
      "SELECT " ASSIGNMENT_COLUMNS " FROM tasks_assignment WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?";
#undef ASSIGNMENT_COLUMNS
  auto rows =
      task_id ? transaction.query(kOfTask, *task_id, after.at, after.id, limit) : transaction.query(kAll, after.at, after.id, limit);
  if (!rows) return fail(std::move(rows).error());
  std::vector<AssignmentRecord> out;
  for (const Row& row : *rows) {
    AssignmentRecord entry{row.uuid(0),    row.timestamp(1),         row.text(2), row.uuid(3), row.text(4), row.optional_uuid(5),
                           row.integer(6), Duration{row.integer(7)}, std::nullopt};
    if (const auto idle_since = row.optional_timestamp(9))
      entry.choice = Choice{row.integer(8), *idle_since, row.integer(10), row.integer(11), row.integer(12)};
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace consilium::tasks
