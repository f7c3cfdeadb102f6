// The calls of the tasks service: authorise, load, apply the rules of task.h, save with history and event in one transaction.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/embedded_file.h"
#include "consilium/chat/v1/chat_service.h"
#include "consilium/tasks/v1/tasks_service.h"
#include "consilium/users/v1/users_service.h"
#include "ports/database/database.h"
#include "ports/database/idempotency.h"
#include "runtime/log.h"
#include "services/tasks/assignment.h"
#include "services/tasks/settings.h"
#include "services/tasks/store.h"

namespace consilium::tasks {

// Calls may come on any loop; the service holds no state but the models, which do not change after
// `load_models`, and what the log was told.
class TaskService final : public v1::Tasks {
 public:
  TaskService(database::Database& database, users::v1::Users& users, Settings settings, runtime::Logger logger = {});

  // Stores the shipped models where they are new or changed (running tasks keep theirs), then reads all of them.
  // Before the first call. Error `tasks.invalid-model` names the file in each finding.
  Task<Result<void>> load_models(runtime::Context& context, std::span<const EmbeddedFile> files);
  // Whoever assigns wants to know that somebody waits or that a place became free.
  void on_queue_change(std::function<void()> notify) { queue_changed_ = std::move(notify); }

  Task<Result<v1::Task>> create_task(runtime::Context& context, v1::CreateTaskRequest request) override;
  Task<Result<v1::ListTasksReply>> list_tasks(runtime::Context& context, v1::ListTasksRequest request) override;
  Task<Result<v1::Task>> get_task(runtime::Context& context, v1::GetTaskRequest request) override;
  Task<Result<v1::ListTransitionsReply>> list_transitions(runtime::Context& context, v1::GetTaskRequest request) override;
  Task<Result<v1::Task>> make_transition(runtime::Context& context, v1::MakeTransitionRequest request) override;
  Task<Result<v1::Task>> set_assignee(runtime::Context& context, v1::SetAssigneeRequest request) override;
  Task<Result<v1::HistoryReply>> get_history(runtime::Context& context, v1::GetTaskRequest request) override;
  Task<Result<v1::Feedback>> get_feedback(runtime::Context& context, v1::GetTaskRequest request) override;
  Task<Result<v1::ListAssignmentsReply>> list_assignments(runtime::Context& context, v1::ListAssignmentsRequest request) override;
  Task<Result<v1::CreateRequestReply>> create_request(runtime::Context& context, v1::CreateRequestRequest order) override;
  Task<Result<v1::FindOpenReply>> find_open(runtime::Context& context, v1::FindOpenRequest request) override;

  // One pass over all groups; how many tasks found a consultant. Repeated until a pass assigns nothing. A task that cannot be
  // assigned is told in the log and holds nobody else up; so it is with those below.
  Task<Result<std::int64_t>> assign_waiting(runtime::Context& context);
  // Tasks not answered in time go back to the queue; how many were looked at.
  Task<Result<std::int64_t>> return_unanswered(runtime::Context& context);
  // When the next of them is due.
  Task<Result<std::optional<Timestamp>>> next_due(runtime::Context& context);
  Task<Result<QueueFigures>> queue_figures(runtime::Context& context);
  // Places in the queue, for the notices to those who wait; bounded per group.
  Task<Result<std::vector<QueuePlace>>> queue_places(runtime::Context& context);

  // For consumers: within their transaction.
  // What became known of a person; a task of a group that is theirs no more goes back to its queue.
  Result<void> apply_person(Transaction& transaction, const runtime::Context& context, const PersonRecord& person);
  Result<void> apply_presence(Transaction& transaction, const runtime::Context& context, const Uuid& user_id, OnlineChange change,
                              Timestamp at);
  Result<void> apply_answer(Transaction& transaction, const runtime::Context& context, const Uuid& user_id, const Uuid& channel_id);
  Result<void> apply_feedback(Transaction& transaction, const runtime::Context& context, const Uuid& task_id,
                              const Feedback& feedback) const;
  Result<void> apply_left(Transaction& transaction, const runtime::Context& context, const Uuid& user_id);

 private:
  using ModelKey = std::pair<std::string, std::string>;
  struct Versioned {
    std::int64_t version = 0;
    std::shared_ptr<const TaskModel> model;
  };
  // A task and what the caller is to it.
  struct Access {
    TaskRecord task;
    Maker maker;
  };

  const Versioned* newest(std::string_view type, std::string_view subtype) const;
  Result<const TaskModel*> model_of(const TaskRecord& task) const;
  static Maker maker_of(const runtime::Context& context);
  Result<Access> load_for_caller(Transaction& transaction, const runtime::Context& context, std::string_view id_or_number) const;
  Task<Result<users::v1::User>> active_reporter(runtime::Context& context, Uuid user_id);
  // A task to be, and the process instance whose case it is.
  struct NewTask {
    const v1::CreateTaskRequest& request;
    std::optional<std::int64_t> process_instance;
  };
  enum class Origin : std::uint8_t { kMadeForIt, kAnothers };
  Result<v1::CreateRequestReply> reply_of(Transaction& transaction, const TaskRecord& task, Origin origin);
  Result<TaskRecord> start_task(Transaction& transaction, const runtime::Context& context, const NewTask& wanted, const Versioned& model,
                                const users::v1::User& reporter, const Uuid& id);
  // Applies a transition, saves task and history, publishes its event.
  Result<void> change(Transaction& transaction, const runtime::Context& context, TaskRecord& task, const TransitionOrder& order,
                      const Maker& maker, std::string_view cause);
  Result<void> back_to_queue(Transaction& transaction, const runtime::Context& context, TaskRecord& task, std::string_view cause);
  // Those of a person that have a way back there.
  Result<void> take_away(Transaction& transaction, const runtime::Context& context, std::span<TaskRecord> held, std::string_view cause);
  // Why the supervisors were called has passed: somebody has the case, or it is over.
  Result<void> end_escalation(Transaction& transaction, const runtime::Context& context, std::int64_t process_instance);
  // One task of many, in a savepoint of its own. False: it could not be done and is as before, which the log tells once.
  template <class Step>
  bool each(Transaction& transaction, const runtime::Context& context, const TaskRecord& task, Step step);
  void tell_once(const runtime::Context& context, const TaskRecord& task, const Error& error);
  Result<bool> assign(Transaction& transaction, const runtime::Context& context, TaskRecord& task, std::vector<Candidate>& candidates,
                      const Uuid& row_id);
  Result<v1::Task> view(Transaction& transaction, const TaskRecord& task) const;
  void notify_queue() const;

  database::Database& database_;
  users::v1::Users& users_;
  Settings settings_;
  runtime::Logger logger_;
  std::mutex told_mutex_;
  std::set<Uuid> told_;  // tasks that could not be changed
  std::atomic<std::int64_t> failures_{0};
  database::IdempotencyTable idempotency_{"tasks"};
  std::map<ModelKey, Versioned> newest_;
  std::map<std::tuple<std::string, std::string, std::int64_t>, std::shared_ptr<const TaskModel>> models_;
  std::function<void()> queue_changed_;
};

}  // namespace consilium::tasks
