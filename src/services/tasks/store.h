// The tables of the tasks service, as functions over a transaction. No rules here: those are in task.h and service.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/database/database.h"
#include "services/tasks/assignment.h"
#include "services/tasks/task.h"

namespace consilium::tasks {

using database::Transaction;

struct StoredModel {
  std::int64_t version = 0;
  std::string json;
};

Result<std::optional<StoredModel>> newest_model(Transaction& transaction, std::string_view type, std::string_view subtype);
struct NamedModel {
  std::string type;
  std::string subtype;
  std::int64_t version = 0;
  std::string json;
};
Result<std::vector<NamedModel>> all_models(Transaction& transaction);
Result<void> insert_model(Transaction& transaction, std::string_view type, std::string_view subtype, std::int64_t version,
                          std::string_view json, Timestamp at);

// The next number of a prefix: 1, 2, 3 … without gaps within committed transactions.
Result<std::int64_t> next_number(Transaction& transaction, std::string_view prefix);

// `tasks.request-open` when the model allows one open task a channel, reporter and type, and there is one.
Result<void> insert_task(Transaction& transaction, const TaskRecord& task, bool one_open_per_channel);
// Fails with `tasks.stale` unless the stored version is one less than the record's.
Result<void> update_task(Transaction& transaction, const TaskRecord& task);
Result<std::optional<TaskRecord>> find_task(Transaction& transaction, const Uuid& id);
Result<std::optional<TaskRecord>> find_task_by_number(Transaction& transaction, std::string_view number);
// The newest task of this type that was made for the process instance, open or closed; nullopt also when there is no instance.
Result<std::optional<TaskRecord>> find_of_process(Transaction& transaction, std::optional<std::int64_t> process_instance,
                                                  std::string_view type, std::string_view subtype);
// The open one.
Result<std::optional<TaskRecord>> open_of_process(Transaction& transaction, std::int64_t process_instance, std::string_view type,
                                                  std::string_view subtype);
Result<bool> has_waiting_task(Transaction& transaction, std::int64_t process_instance);
// Which open task of a channel is meant.
struct OpenTask {
  Uuid channel_id;
  v1::TaskType type;
  std::optional<Uuid> reporter;  // absent: of anybody
  Timestamp now;
  std::optional<Timestamp> at;  // absent: open now; else also what was open at this time and is closed by now
};
// Times of people come in milliseconds: a task closed in the same one as `at` counts as closed before it.
Result<std::optional<TaskRecord>> find_open(Transaction& transaction, const OpenTask& sought);

struct TaskFilter {
  std::optional<std::string> type;
  std::optional<std::string> subtype;
  std::optional<Status> status;
  std::optional<Substatus> substatus;
  std::optional<std::string> number;
  std::optional<Uuid> channel_id;
  std::optional<Uuid> reporter_user_id;
  std::optional<Uuid> assignee_user_id;
  std::optional<std::string> assignee_group;
  // Only tasks that this person reported, has or had.
  std::optional<Uuid> party;
};

// Newest first, then id; strictly after the given place.
struct Place {
  Timestamp at = Timestamp::max();
  Uuid id;
};
Result<std::vector<TaskRecord>> list_tasks(Transaction& transaction, const TaskFilter& filter, const Place& after, int limit);
Result<std::int64_t> count_tasks(Transaction& transaction, const TaskFilter& filter);

Result<void> insert_history(Transaction& transaction, const HistoryRecord& row);
Result<std::vector<HistoryRecord>> history_of(Transaction& transaction, const Uuid& task_id);
// Whether the person has or had the task.
Result<bool> was_assignee(Transaction& transaction, const Uuid& task_id, const Uuid& user_id);

// The last task of a queue that was looked at; by default none.
struct QueueEnd {
  Timestamp reported_at = Timestamp::min();
  Uuid id;
};
// Waiting tasks of a group, longest-waiting client first, from behind `after`.
Result<std::vector<TaskRecord>> waiting_tasks(Transaction& transaction, std::string_view group, const QueueEnd& after, int limit);
// How many tasks of the group wait before this one.
Result<std::int64_t> waiting_before(Transaction& transaction, const TaskRecord& task);
Result<std::vector<TaskRecord>> unanswered_tasks(Transaction& transaction, Timestamp due, int limit);
// None is due after `last`: those that are were given their time before the clock was set back.
Result<void> bring_answers_forward(Transaction& transaction, Timestamp last);
Result<void> put_off_answer(Transaction& transaction, const Uuid& task_id, Timestamp due);
// When the last of those who wait reported.
Result<std::optional<Timestamp>> newest_waiting(Transaction& transaction);
Result<std::vector<TaskRecord>> assigned_to(Transaction& transaction, const Uuid& user_id, Substatus substatus);
Result<std::optional<Timestamp>> next_answer_due(Transaction& transaction);
// Of all groups.
Result<QueueFigures> count_waiting(Transaction& transaction);
Result<std::vector<StatusCount>> count_open(Transaction& transaction);
Result<std::vector<std::string>> groups_with_waiting(Transaction& transaction);

// What the service knows of people, kept up to date by the events of users and chat.
struct PersonRecord {
  Uuid user_id;
  std::string display_name;
  bool active = false;
  bool online = false;
  Timestamp presence_at;
  std::vector<std::string> groups;
};
Result<void> save_person(Transaction& transaction, const PersonRecord& person);
Result<std::optional<PersonRecord>> find_person(Transaction& transaction, const Uuid& user_id);
Result<void> set_online(Transaction& transaction, const Uuid& user_id, bool online, Timestamp at);
Result<void> set_inactive(Transaction& transaction, const Uuid& user_id);
Result<std::vector<Candidate>> candidates_of(Transaction& transaction, std::string_view group);
Result<std::vector<Uuid>> active_people(Transaction& transaction, std::string_view group);
Result<std::int64_t> open_tasks_of(Transaction& transaction, const Uuid& user_id);
Result<void> set_idle_since(Transaction& transaction, const Uuid& user_id, Timestamp at);
Result<std::vector<Uuid>> online_people(Transaction& transaction);

// A consultant who gave a task back, or did not answer, is left out of it for a while.
Result<void> exclude(Transaction& transaction, const Uuid& task_id, const Uuid& user_id, Timestamp until);
Result<std::vector<Uuid>> excluded_from(Transaction& transaction, const Uuid& task_id, Timestamp now);
// The same as of the last look at the queue, which forgets those that are over.
Result<std::vector<Uuid>> people_left_out(Transaction& transaction, const Uuid& task_id);
Result<std::optional<Timestamp>> next_exclusion_end(Transaction& transaction, Timestamp now);
Result<void> bring_exclusions_forward(Transaction& transaction, Timestamp last);
Result<void> forget_exclusions(Transaction& transaction, Timestamp before);

struct AssignmentRecord {
  Uuid id;
  Timestamp at;
  std::string rule;
  Uuid task_id;
  std::string task_number;
  std::optional<Uuid> user_id;
  std::int64_t candidates = 0;
  Duration waited;
  std::optional<Choice> choice;  // nullopt: by hand
};
Result<void> insert_assignment(Transaction& transaction, const AssignmentRecord& row);
Result<std::vector<AssignmentRecord>> list_assignments(Transaction& transaction, const std::optional<Uuid>& task_id, const Place& after,
                                                       int limit);

}  // namespace consilium::tasks
