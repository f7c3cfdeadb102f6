#include "services/tasks/service.h"

#include <algorithm>

#include "base/cursor.h"
#include "consilium/tasks/v1/tasks_events.h"
#include "runtime/require_service.h"

namespace consilium::tasks {
namespace {

constexpr std::size_t kToldAtMost = 1000;
// In which a task is somebody's.
constexpr Substatus kWithAPerson[] = {Substatus::kAssigned, Substatus::kInProgress, Substatus::kOnHold};

v1::TaskState state_of(const TaskRecord& task) {
  v1::TaskState state;
  state.task_id = task.id;
  state.number = task.number;
  state.type = {task.type, task.subtype};
  state.status = task.status();
  state.substatus = task.substatus;
  state.reporter_user_id = task.reporter_user_id;
  state.group = task.group;
  state.assignee_user_id = task.assignee_user_id;
  state.channel_id = task.channel_id;
  state.at = task.updated_at;
  state.version = task.version;
  return state;
}

// The event that tells of the status which the task has come to.
Result<void> publish_change(Transaction& transaction, const runtime::Context& context, const TaskRecord& task,
                            const std::optional<Uuid>& previous, std::string_view cause) {
  switch (task.substatus) {
    case Substatus::kReported: return v1::publish(transaction, context, v1::Created{task.id, state_of(task)});
    case Substatus::kOnAssignment:
      return v1::publish(transaction, context, v1::Queued{task.id, state_of(task), std::string(cause), previous});
    case Substatus::kAssigned: return v1::publish(transaction, context, v1::Assigned{task.id, state_of(task), previous});
    case Substatus::kInProgress: return v1::publish(transaction, context, v1::Started{task.id, state_of(task)});
    case Substatus::kSolved: return v1::publish(transaction, context, v1::Solved{task.id, state_of(task)});
    case Substatus::kCancelled: return v1::publish(transaction, context, v1::Cancelled{task.id, state_of(task)});
    case Substatus::kOnHold: return v1::publish(transaction, context, v1::Held{task.id, state_of(task)});
    case Substatus::kUnspecified: break;
  }
  return fail(internal_error("A task came to a status that no event tells of"));
}

v1::Feedback view_of(const Feedback& feedback) {
  v1::Feedback view;
  view.answer = feedback.answer;
  view.text = feedback.text;
  view.user_id = feedback.user_id;
  view.at = feedback.at;
  return view;
}

v1::WaitReason wait_reason(const std::vector<Candidate>& online, std::int64_t limit, const std::vector<Uuid>& excluded) {
  if (online.empty()) return v1::WaitReason::kNobodyOnline;
  if (choose_candidate(online, limit, excluded)) return v1::WaitReason::kAssigning;
  return choose_candidate(online, limit, {}) ? v1::WaitReason::kLeftOut : v1::WaitReason::kAllBusy;
}

// Whoever could not or would not take a task should not get it again at once. Who lost it otherwise may.
bool leaves_out(std::string_view cause) { return cause == "returned" || cause == "unanswered"; }

Maker service_maker() { return {true, false, std::nullopt, "tasks"}; }

Choice explain(const Candidate& chosen, const std::vector<Candidate>& candidates, std::size_t excluded, std::int64_t limit) {
  const auto full = std::count_if(candidates.begin(), candidates.end(), [&](const Candidate& each) { return each.open_tasks >= limit; });
  return {chosen.open_tasks, chosen.idle_since, full, static_cast<std::int64_t>(excluded), limit};
}

v1::AssignmentEntry view_of(const AssignmentRecord& row) {
  v1::AssignmentEntry entry;
  entry.id = row.id;
  entry.at = row.at;
  entry.rule = row.rule;
  entry.task_id = row.task_id;
  entry.task_number = row.task_number;
  entry.user_id = row.user_id;
  entry.candidates = static_cast<std::int32_t>(row.candidates);
  entry.waited = row.waited;
  if (row.choice) {
    entry.choice = v1::Choice{static_cast<std::int32_t>(row.choice->open_tasks), row.choice->idle_since,
                              static_cast<std::int32_t>(row.choice->at_limit), static_cast<std::int32_t>(row.choice->left_out),
                              static_cast<std::int32_t>(row.choice->limit)};
  }
  return entry;
}

Result<Place> place_of(const std::optional<std::string>& cursor) {
  if (!cursor) return Place{};
  const auto parsed = Cursor::parse(*cursor);
  if (!parsed) return fail(v1::errors::bad_cursor("Expected a cursor that this list gave"));
  return Place{parsed->created, parsed->id};
}

}  // namespace

TaskService::TaskService(database::Database& database, users::v1::Users& users, Settings settings, runtime::Logger logger)
    : database_(database), users_(users), settings_(settings), logger_(logger) {}

Task<Result<void>> TaskService::load_models(runtime::Context& context, std::span<const EmbeddedFile> files) {
  const Timestamp now = context.now();
  auto stored = co_await database_.write(context, [&](Transaction& transaction) -> Result<void> {
    for (const EmbeddedFile& file : files) {
      auto model = parse_model(file.content);
      if (!model) {
        for (FieldError& finding : model.error().fields) finding.name = std::string(file.path) + "#" + finding.name;
        return fail(std::move(model).error());
      }
      ASSIGN_OR_RETURN(const auto current, newest_model(transaction, model->type, model->subtype));
      if (current && current->json == file.content) continue;
      TRY(insert_model(transaction, model->type, model->subtype, current ? current->version + 1 : 1, file.content, now));
    }
    return {};
  });
  CO_TRY(stored);
  auto rows = co_await database_.read(context, [](Transaction& transaction) { return all_models(transaction); });
  if (!rows) co_return fail(std::move(rows).error());
  for (const NamedModel& row : *rows) {
    auto model = parse_model(row.json);
    if (!model) co_return fail(std::move(model).error());
    auto shared = std::make_shared<const TaskModel>(std::move(*model));
    models_[{row.type, row.subtype, row.version}] = shared;
    Versioned& latest = newest_[{row.type, row.subtype}];
    if (row.version >= latest.version) latest = {row.version, shared};
  }
  co_return Result<void>();
}

const TaskService::Versioned* TaskService::newest(std::string_view type, std::string_view subtype) const {
  const auto found = newest_.find({std::string(type), std::string(subtype)});
  return found == newest_.end() ? nullptr : &found->second;
}

Result<const TaskModel*> TaskService::model_of(const TaskRecord& task) const {
  const auto found = models_.find({task.type, task.subtype, task.model_version});
  if (found == models_.end()) return fail(internal_error("Expected the model of the task, but it is not stored"));
  return found->second.get();
}

Maker TaskService::maker_of(const runtime::Context& context) {
  const runtime::Caller& caller = context.caller;
  Maker maker;
  maker.is_service = caller.is_service();
  maker.is_manager = caller.is_user() && caller.may("tasks.manage");
  maker.name = caller.is_service() ? caller.service : "user";
  if (caller.is_user()) maker.user_id = caller.user_id;
  return maker;
}

void TaskService::notify_queue() const {
  if (queue_changed_) queue_changed_();
}

// Whoever has nothing to do with a task is not told that it exists.
Result<TaskService::Access> TaskService::load_for_caller(Transaction& transaction, const runtime::Context& context,
                                                         std::string_view id_or_number) const {
  const auto id = Uuid::parse(id_or_number);
  auto found = id ? find_task(transaction, *id) : find_task_by_number(transaction, id_or_number);
  if (!found) return fail(std::move(found).error());
  const auto unknown = [] { return fail(v1::errors::not_found("Expected a task that exists and that the caller may see")); };
  if (!*found) return unknown();
  Access access{std::move(**found), maker_of(context)};
  if (context.caller.may("tasks.read")) return access;
  if (!access.maker.user_id) return unknown();
  const Uuid& user = *access.maker.user_id;
  const bool asked = access.task.reporter_user_id == user && access.task.type != kStaffTask;
  if (asked || access.task.assignee_user_id == user) return access;
  ASSIGN_OR_RETURN(const bool had_it, was_assignee(transaction, access.task.id, user));
  if (!had_it) return unknown();
  return access;
}

Task<Result<users::v1::User>> TaskService::active_reporter(runtime::Context& context, Uuid user_id) {
  runtime::Context own = context.as_service("tasks");
  users::v1::GetUserRequest request;
  request.id = user_id;
  auto user = co_await users_.get_user(own, request);
  const bool unknown = !user && user.error().kind == ErrorKind::kNotFound;
  if (!user && !unknown) co_return user;
  if (unknown || user->status != users::v1::UserStatus::kActive) {
    Error error = v1::errors::unknown_reporter("Expected an active user as reporter");
    error.fields.push_back({"reporterUserId", "unknown", "Expected an active user"});
    co_return fail(std::move(error));
  }
  co_return user;
}

Result<TaskRecord> TaskService::start_task(Transaction& transaction, const runtime::Context& context, const NewTask& wanted,
                                           const Versioned& model, const users::v1::User& reporter, const Uuid& id) {
  const v1::CreateTaskRequest& request = wanted.request;
  const Timestamp now = context.now();
  const Maker maker = maker_of(context);
  if (!may_make(model.model->initial(), maker, std::nullopt)) {
    Error error = v1::errors::made_by_process("Expected a type of task that people begin");
    error.fields.push_back({"type", "made-by-process", "Expected a type of task that people begin"});
    return fail(std::move(error));
  }
  ASSIGN_OR_RETURN(const std::int64_t sequence, next_number(transaction, model.model->number_prefix));
  TaskRecord task;
  task.id = id;
  task.number = format_number(model.model->number_prefix, sequence);
  task.type = model.model->type;
  task.subtype = model.model->subtype;
  task.model_version = model.version;
  task.substatus = model.model->initial().to;
  task.reporter_user_id = reporter.id;
  task.reporter_name = reporter.first_name + " " + reporter.last_name;
  task.reported_at = std::min(request.reported_at.value_or(now), now);
  // The queue goes by it: who waits since before the clock was set back stays before who comes after.
  ASSIGN_OR_RETURN(const auto newest, newest_waiting(transaction));
  if (newest && *newest > now) task.reported_at = *newest + microseconds(1);
  task.group = model.model->group;
  task.assignee_at = now;
  task.channel_id = request.channel_id;
  task.title = request.title.value_or("");
  task.description = request.description.value_or("");
  if (request.details) task.details = request.details->text;
  task.process_instance = wanted.process_instance;
  task.created_at = now;
  task.updated_at = now;
  TRY(insert_task(transaction, task, model.model->one_open_per_channel));

  HistoryRecord history;
  history.task_id = task.id;
  history.at = now;
  history.substatus = task.substatus;
  history.group = task.group;
  history.changed_by_user_id = maker.user_id;
  history.changed_by = maker.name;
  history.transition = model.model->initial().id;
  TRY(insert_history(transaction, history));
  TRY(publish_change(transaction, context, task, std::nullopt, "new"));
  return task;
}

Result<void> TaskService::change(Transaction& transaction, const runtime::Context& context, TaskRecord& task, const TransitionOrder& order,
                                 const Maker& maker, std::string_view cause) {
  const std::optional<Uuid> previous = task.assignee_user_id;
  ASSIGN_OR_RETURN(const TaskModel* model, model_of(task));
  ASSIGN_OR_RETURN(const HistoryRecord history,
                   tasks::make_transition(*model, task, order, maker, {context.now(), settings_.answer_within}));
  TRY(update_task(transaction, task));
  TRY(insert_history(transaction, history));
  const bool released = previous && (!task.assignee_user_id || *task.assignee_user_id != *previous || task.status() == Status::kClosed);
  if (released) TRY(set_idle_since(transaction, *previous, context.now()));
  if (previous && task.substatus == Substatus::kOnAssignment && leaves_out(cause))
    TRY(exclude(transaction, task.id, *previous, context.now() + settings_.exclusion));
  if (task.substatus == Substatus::kAssigned || task.status() == Status::kClosed) {
    if (task.type != kStaffTask && task.process_instance) TRY(end_escalation(transaction, context, *task.process_instance));
  }
  return publish_change(transaction, context, task, previous, cause);
}

Result<void> TaskService::back_to_queue(Transaction& transaction, const runtime::Context& context, TaskRecord& task,
                                        std::string_view cause) {
  TransitionOrder order;
  order.transition = "return";
  order.reason = std::string(cause);
  return change(transaction, context, task, order, service_maker(), cause);
}

Result<void> TaskService::take_away(Transaction& transaction, const runtime::Context& context, std::span<TaskRecord> held,
                                    std::string_view cause) {
  for (TaskRecord& task : held) {
    each(transaction, context, task, [&]() -> Result<void> {
      ASSIGN_OR_RETURN(const TaskModel* model, model_of(task));
      if (!model->find("return")) return {};
      return back_to_queue(transaction, context, task, cause);
    });
  }
  return {};
}

Result<void> TaskService::end_escalation(Transaction& transaction, const runtime::Context& context, std::int64_t process_instance) {
  ASSIGN_OR_RETURN(auto open, open_of_process(transaction, process_instance, kStaffTask, kEscalation));
  if (!open) return {};
  TransitionOrder order;
  order.transition = "solve";
  return change(transaction, context, *open, order, service_maker(), "");
}

template <class Step>
bool TaskService::each(Transaction& transaction, const runtime::Context& context, const TaskRecord& task, Step step) {
  const auto done = transaction.attempt(std::move(step));
  if (!done) {
    ++failures_;
    tell_once(context, task, done.error());
  }
  return done.has_value();
}

// Each pass over the queue comes to it again.
void TaskService::tell_once(const runtime::Context& context, const TaskRecord& task, const Error& error) {
  const std::lock_guard lock(told_mutex_);
  if (told_.size() >= kToldAtMost) told_.clear();
  if (!told_.insert(task.id).second) return;
  logger_.error(context, "A task could not be changed", {{"task", task.number}, {"error", error}});
}

Result<v1::Task> TaskService::view(Transaction& transaction, const TaskRecord& task) const {
  v1::Task out;
  out.id = task.id;
  out.number = task.number;
  out.type = {task.type, task.subtype};
  out.status = task.status();
  out.substatus = task.substatus;
  out.reporter = {task.reporter_user_id, task.reporter_name, task.reported_at};
  out.assignee.group = task.group;
  out.assignee.user_id = task.assignee_user_id;
  if (task.assignee_user_id) out.assignee.display_name = task.assignee_name;
  out.assignee.at = task.assignee_at;
  out.channel_id = task.channel_id;
  out.title = task.title;
  out.description = task.description;
  if (task.details) out.details = JsonText{*task.details};
  out.answer_by = task.answer_due_at;
  if (task.feedback) out.feedback = view_of(*task.feedback);
  if (task.queued_at) {
    ASSIGN_OR_RETURN(const std::int64_t before, waiting_before(transaction, task));
    ASSIGN_OR_RETURN(const auto online, candidates_of(transaction, task.group));
    ASSIGN_OR_RETURN(const auto excluded, people_left_out(transaction, task.id));
    out.waiting = v1::Waiting{*task.queued_at, static_cast<std::int32_t>(before + 1), wait_reason(online, settings_.limit, excluded)};
  }
  out.created_at = task.created_at;
  out.updated_at = task.updated_at;
  out.closed_at = task.closed_at;
  out.version = task.version;
  out.process_instance = task.process_instance;
  return out;
}

Task<Result<v1::Task>> TaskService::create_task(runtime::Context& context, v1::CreateTaskRequest request) {
  const Versioned* model = newest(request.type.type, request.type.subtype);
  if (!model) co_return fail(v1::errors::unknown_type("Expected a task type that exists"));
  auto reporter = co_await active_reporter(context, request.reporter_user_id);
  if (!reporter) co_return fail(std::move(reporter).error());
  CO_ASSIGN_OR_RETURN(const auto idempotent, database::idempotent_request(context, "CreateTask", encode_wire(request)));
  const Uuid id = context.new_id();
  auto reply = co_await database_.write(context, [&](Transaction& transaction) {
    return idempotency_.once<v1::Task>(transaction, idempotent, [&]() -> Result<v1::Task> {
      ASSIGN_OR_RETURN(const TaskRecord task, start_task(transaction, context, {request, std::nullopt}, *model, *reporter, id));
      return view(transaction, task);
    });
  });
  co_return reply;
}

Task<Result<v1::CreateRequestReply>> TaskService::create_request(runtime::Context& context, v1::CreateRequestRequest order) {
  CO_TRY(require_service(context));
  const v1::CreateTaskRequest& request = order.task;
  const Versioned* model = newest(request.type.type, request.type.subtype);
  if (!model || !request.channel_id) co_return fail(v1::errors::unknown_type("Expected a task type that exists, and a channel"));
  auto reporter = co_await active_reporter(context, request.reporter_user_id);
  if (!reporter) co_return fail(std::move(reporter).error());
  CO_ASSIGN_OR_RETURN(const auto idempotent, database::idempotent_request(context, "CreateRequest", encode_wire(order)));
  const Uuid id = context.new_id();
  auto reply = co_await database_.write(context, [&](Transaction& transaction) {
    return idempotency_.once<v1::CreateRequestReply>(transaction, idempotent, [&]() -> Result<v1::CreateRequestReply> {
      const bool is_case = model->model->one_open_per_channel;
      ASSIGN_OR_RETURN(const auto own, find_of_process(transaction, order.process_instance, request.type.type, request.type.subtype));
      // The case of a process is one for ever; what it needs beside may be needed again when it is done.
      if (own && (is_case || own->status() == Status::kOpen)) return reply_of(transaction, *own, Origin::kMadeForIt);
      const OpenTask sought{*request.channel_id, request.type, request.reporter_user_id, context.now(), request.reported_at};
      if (is_case) {
        ASSIGN_OR_RETURN(const auto open, tasks::find_open(transaction, sought));
        if (open) return reply_of(transaction, *open, Origin::kAnothers);
      }
      ASSIGN_OR_RETURN(TaskRecord made, start_task(transaction, context, {request, order.process_instance}, *model, *reporter, id));
      TransitionOrder enqueue;
      enqueue.transition = "enqueue";
      if (model->model->find("enqueue")) TRY(change(transaction, context, made, enqueue, service_maker(), "new"));
      // The process may have asked just before somebody took the case.
      if (!is_case && order.process_instance) {
        ASSIGN_OR_RETURN(const bool waits, has_waiting_task(transaction, *order.process_instance));
        if (!waits) TRY(end_escalation(transaction, context, *order.process_instance));
        ASSIGN_OR_RETURN(const auto as_it_is, find_task(transaction, id));
        made = *as_it_is;
      }
      return reply_of(transaction, made, Origin::kMadeForIt);
    });
  });
  if (reply && reply->created) notify_queue();
  co_return reply;
}

Result<v1::CreateRequestReply> TaskService::reply_of(Transaction& transaction, const TaskRecord& task, Origin origin) {
  ASSIGN_OR_RETURN(v1::Task seen, view(transaction, task));
  return v1::CreateRequestReply{std::move(seen), origin == Origin::kMadeForIt};
}

Task<Result<v1::FindOpenReply>> TaskService::find_open(runtime::Context& context, v1::FindOpenRequest request) {
  CO_TRY(require_service(context));
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::FindOpenReply> {
    const OpenTask sought{request.channel_id, request.type, std::nullopt, context.now(), request.at};
    ASSIGN_OR_RETURN(const auto open, tasks::find_open(transaction, sought));
    if (!open) return v1::FindOpenReply{};
    ASSIGN_OR_RETURN(v1::Task task, view(transaction, *open));
    return v1::FindOpenReply{std::move(task)};
  });
  co_return reply;
}

Task<Result<v1::ListTasksReply>> TaskService::list_tasks(runtime::Context& context, v1::ListTasksRequest request) {
  TaskFilter filter;
  filter.type = request.type;
  filter.subtype = request.subtype;
  filter.status = request.status;
  filter.substatus = request.substatus;
  filter.number = request.number;
  filter.channel_id = request.channel_id;
  filter.reporter_user_id = request.reporter_user_id;
  filter.assignee_user_id = request.assignee_user_id;
  filter.assignee_group = request.assignee_group;
  if (!context.caller.may("tasks.read")) filter.party = context.caller.user_id;
  CO_ASSIGN_OR_RETURN(const Place after, place_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::ListTasksReply> {
    ASSIGN_OR_RETURN(auto tasks, tasks::list_tasks(transaction, filter, after, limit + 1));
    v1::ListTasksReply out;
    if (tasks.size() > static_cast<std::size_t>(limit)) {
      tasks.resize(static_cast<std::size_t>(limit));
      out.next_cursor = Cursor{tasks.back().created_at, tasks.back().id}.text();
    }
    for (const TaskRecord& task : tasks) {
      ASSIGN_OR_RETURN(v1::Task item, view(transaction, task));
      out.items.push_back(std::move(item));
    }
    if (request.count.value_or(false)) {
      ASSIGN_OR_RETURN(const std::int64_t total, count_tasks(transaction, filter));
      out.total = static_cast<std::int32_t>(total);
    }
    return out;
  });
  co_return reply;
}

Task<Result<v1::Task>> TaskService::get_task(runtime::Context& context, v1::GetTaskRequest request) {
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::Task> {
    ASSIGN_OR_RETURN(const Access access, load_for_caller(transaction, context, request.id));
    return view(transaction, access.task);
  });
  co_return reply;
}

Task<Result<v1::ListTransitionsReply>> TaskService::list_transitions(runtime::Context& context, v1::GetTaskRequest request) {
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::ListTransitionsReply> {
    ASSIGN_OR_RETURN(const Access access, load_for_caller(transaction, context, request.id));
    v1::ListTransitionsReply out;
    ASSIGN_OR_RETURN(const TaskModel* model, model_of(access.task));
    for (const TransitionRule* rule : available_transitions(*model, access.task, access.maker)) {
      out.items.push_back({rule->id, access.task.status(), access.task.substatus, status_of(rule->to), rule->to, rule->needs_reason});
    }
    return out;
  });
  co_return reply;
}

Task<Result<v1::Task>> TaskService::make_transition(runtime::Context& context, v1::MakeTransitionRequest request) {
  auto reply = co_await database_.write(context, [&](Transaction& transaction) -> Result<v1::Task> {
    ASSIGN_OR_RETURN(Access access, load_for_caller(transaction, context, request.id));
    if (request.expected_version && *request.expected_version != access.task.version)
      return fail(v1::errors::stale("Expected the current version of the task"));
    TransitionOrder order;
    order.transition = request.transition;
    order.reason = request.reason;
    ASSIGN_OR_RETURN(const TaskModel* model, model_of(access.task));
    const TransitionRule* rule = model->find(request.transition);
    if (rule && rule->takes_caller && access.maker.user_id) {
      ASSIGN_OR_RETURN(const auto person, find_person(transaction, *access.maker.user_id));
      if (person) order.person_name = person->display_name;
    }
    const bool is_own = access.maker.user_id && access.maker.user_id == access.task.assignee_user_id;
    TRY(change(transaction, context, access.task, order, access.maker, is_own ? "returned" : "reassigned"));
    return view(transaction, access.task);
  });
  if (reply) notify_queue();
  co_return reply;
}

Task<Result<v1::Task>> TaskService::set_assignee(runtime::Context& context, v1::SetAssigneeRequest request) {
  auto reply = co_await database_.write(context, [&](Transaction& transaction) -> Result<v1::Task> {
    ASSIGN_OR_RETURN(Access access, load_for_caller(transaction, context, request.id));
    TaskRecord& task = access.task;
    if (request.version != task.version) return fail(v1::errors::stale("Expected the current version of the task"));
    if (request.group && *request.group != task.group) return fail(v1::errors::not_in_group("Expected the group of the task's type"));
    if (!request.user_id) {
      TransitionOrder order;
      order.transition = "return";
      order.reason = "reassigned";
      TRY(change(transaction, context, task, order, access.maker, "reassigned"));
      return view(transaction, task);
    }
    ASSIGN_OR_RETURN(const auto person, find_person(transaction, *request.user_id));
    const bool fits =
        person && person->active && std::find(person->groups.begin(), person->groups.end(), task.group) != person->groups.end();
    if (!fits) return fail(v1::errors::not_in_group("Expected an active person of the task's group"));
    if (task.assignee_user_id == request.user_id) return view(transaction, task);
    ASSIGN_OR_RETURN(const std::int64_t open, open_tasks_of(transaction, *request.user_id));
    if (open >= settings_.limit) return fail(v1::errors::over_limit("Expected a consultant with room for another task"));
    TransitionOrder order;
    order.transition = "assign";
    order.person = request.user_id;
    order.person_name = person->display_name;
    TRY(change(transaction, context, task, order, access.maker, "reassigned"));
    AssignmentRecord row;
    row.id = make_uuid_v7(context.now(), context.random());
    row.at = context.now();
    row.rule = "by-hand";
    row.task_id = task.id;
    row.task_number = task.number;
    row.user_id = request.user_id;
    row.candidates = 1;
    row.waited = std::max(context.now() - task.reported_at, Duration{});
    TRY(insert_assignment(transaction, row));
    return view(transaction, task);
  });
  if (reply) notify_queue();
  co_return reply;
}

Task<Result<v1::HistoryReply>> TaskService::get_history(runtime::Context& context, v1::GetTaskRequest request) {
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::HistoryReply> {
    ASSIGN_OR_RETURN(const Access access, load_for_caller(transaction, context, request.id));
    ASSIGN_OR_RETURN(const auto rows, history_of(transaction, access.task.id));
    v1::HistoryReply out;
    for (const HistoryRecord& row : rows) {
      v1::HistoryEntry entry;
      entry.at = row.at;
      entry.status = status_of(row.substatus);
      entry.substatus = row.substatus;
      entry.group = row.group;
      entry.user_id = row.user_id;
      entry.changed_by_user_id = row.changed_by_user_id;
      entry.changed_by = row.changed_by;
      entry.transition = row.transition;
      entry.reason = row.reason;
      out.items.push_back(std::move(entry));
    }
    return out;
  });
  co_return reply;
}

Task<Result<v1::Feedback>> TaskService::get_feedback(runtime::Context& context, v1::GetTaskRequest request) {
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::Feedback> {
    ASSIGN_OR_RETURN(const Access access, load_for_caller(transaction, context, request.id));
    if (!access.task.feedback) return fail(v1::errors::no_feedback("Expected a task whose client has given feedback"));
    return view_of(*access.task.feedback);
  });
  co_return reply;
}

Task<Result<v1::ListAssignmentsReply>> TaskService::list_assignments(runtime::Context& context, v1::ListAssignmentsRequest request) {
  CO_ASSIGN_OR_RETURN(const Place after, place_of(request.cursor));
  const int limit = page_size_of(request.limit);
  auto reply = co_await database_.read(context, [&](Transaction& transaction) -> Result<v1::ListAssignmentsReply> {
    ASSIGN_OR_RETURN(auto rows, tasks::list_assignments(transaction, request.task_id, after, limit + 1));
    v1::ListAssignmentsReply out;
    if (rows.size() > static_cast<std::size_t>(limit)) {
      rows.resize(static_cast<std::size_t>(limit));
      out.next_cursor = Cursor{rows.back().at, rows.back().id}.text();
    }
    for (const AssignmentRecord& row : rows) out.items.push_back(view_of(row));
    return out;
  });
  co_return reply;
}

Task<Result<std::int64_t>> TaskService::assign_waiting(runtime::Context& context) {
  // Ids are made before: the function may run twice.
  std::vector<Uuid> ids;
  for (int i = 0; i < settings_.batch; ++i) ids.push_back(context.new_id());
  auto assigned = co_await database_.write(context, [&](Transaction& transaction) -> Result<std::int64_t> {
    std::size_t count = 0;
    ASSIGN_OR_RETURN(const auto groups, groups_with_waiting(transaction));
    for (const std::string& group : groups) {
      ASSIGN_OR_RETURN(auto candidates, candidates_of(transaction, group));
      QueueEnd reached;
      // Those at the front may all be left out of what is free: who stands behind them is not.
      for (bool is_more = true; is_more && choose_candidate(candidates, settings_.limit, {});) {
        ASSIGN_OR_RETURN(auto waiting, waiting_tasks(transaction, group, reached, settings_.batch));
        is_more = waiting.size() == static_cast<std::size_t>(settings_.batch);
        for (TaskRecord& task : waiting) {
          if (count == ids.size()) return static_cast<std::int64_t>(count);
          reached = {task.reported_at, task.id};
          bool found = false;
          const bool done = each(transaction, context, task, [&]() -> Result<void> {
            ASSIGN_OR_RETURN(found, assign(transaction, context, task, candidates, ids[count]));
            return {};
          });
          if (done && found) ++count;
        }
      }
    }
    return static_cast<std::int64_t>(count);
  });
  co_return assigned;
}

// False: nobody may have it now.
Result<bool> TaskService::assign(Transaction& transaction, const runtime::Context& context, TaskRecord& task,
                                 std::vector<Candidate>& candidates, const Uuid& row_id) {
  ASSIGN_OR_RETURN(const TaskModel* model, model_of(task));
  if (!model->assignment) return false;
  ASSIGN_OR_RETURN(const auto excluded, excluded_from(transaction, task.id, context.now()));
  const Candidate* chosen = choose_candidate(candidates, settings_.limit, excluded);
  if (!chosen) return false;
  AssignmentRecord row;
  row.id = row_id;
  row.at = context.now();
  row.rule = model->assignment->code;
  row.task_id = task.id;
  row.task_number = task.number;
  row.user_id = chosen->user_id;
  row.choice = explain(*chosen, candidates, excluded.size(), settings_.limit);
  row.candidates = static_cast<std::int64_t>(candidates.size());
  row.waited = std::max(context.now() - task.reported_at, Duration{});
  TransitionOrder order;
  order.transition = "assign";
  order.person = chosen->user_id;
  order.person_name = chosen->display_name;
  TRY(change(transaction, context, task, order, service_maker(), "new"));
  TRY(insert_assignment(transaction, row));
  const auto taken = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) { return c.user_id == row.user_id; });
  ++taken->open_tasks;
  return true;
}

Task<Result<std::int64_t>> TaskService::return_unanswered(runtime::Context& context) {
  auto looked_at = co_await database_.write(context, [&](Transaction& transaction) -> Result<std::int64_t> {
    const Timestamp now = context.now();
    TRY(bring_answers_forward(transaction, now + settings_.answer_within));
    TRY(bring_exclusions_forward(transaction, now + settings_.exclusion));
    TRY(forget_exclusions(transaction, now));
    ASSIGN_OR_RETURN(auto due, unanswered_tasks(transaction, now, settings_.batch));
    for (TaskRecord& task : due) {
      const Uuid id = task.id;
      const bool done = each(transaction, context, task, [&] { return back_to_queue(transaction, context, task, "unanswered"); });
      // It is looked at again, but not before all others, nor without end.
      if (!done) TRY(put_off_answer(transaction, id, now + settings_.answer_within));
    }
    return static_cast<std::int64_t>(due.size());
  });
  co_return looked_at;
}

Task<Result<std::optional<Timestamp>>> TaskService::next_due(runtime::Context& context) {
  auto due = co_await database_.read(context, [&](Transaction& transaction) -> Result<std::optional<Timestamp>> {
    ASSIGN_OR_RETURN(const auto answer, next_answer_due(transaction));
    ASSIGN_OR_RETURN(const auto exclusion, next_exclusion_end(transaction, context.now()));
    if (!answer || !exclusion) return answer ? answer : exclusion;
    return std::optional<Timestamp>(std::min(*answer, *exclusion));
  });
  co_return due;
}

Task<Result<QueueFigures>> TaskService::queue_figures(runtime::Context& context) {
  const auto count = [](Transaction& transaction) -> Result<QueueFigures> {
    ASSIGN_OR_RETURN(QueueFigures figures, count_waiting(transaction));
    ASSIGN_OR_RETURN(figures.open, count_open(transaction));
    return figures;
  };
  auto figures = co_await database_.read(context, count);
  if (figures) figures->failures = failures_;
  co_return figures;
}

Task<Result<std::vector<QueuePlace>>> TaskService::queue_places(runtime::Context& context) {
  auto places = co_await database_.read(context, [&](Transaction& transaction) -> Result<std::vector<QueuePlace>> {
    std::vector<QueuePlace> out;
    ASSIGN_OR_RETURN(const auto groups, groups_with_waiting(transaction));
    for (const std::string& group : groups) {
      ASSIGN_OR_RETURN(const auto online, candidates_of(transaction, group));
      ASSIGN_OR_RETURN(const auto waiting, waiting_tasks(transaction, group, {}, settings_.shown_places));
      std::int32_t position = 0;
      for (const TaskRecord& task : waiting) {
        ASSIGN_OR_RETURN(const auto excluded, people_left_out(transaction, task.id));
        out.push_back({task.id, task.reporter_user_id, ++position, *task.queued_at, wait_reason(online, settings_.limit, excluded)});
      }
    }
    return out;
  });
  co_return places;
}

// Somebody who leaves while a task of theirs is not answered yet gives it back; what is in progress stays theirs.
Result<void> TaskService::apply_presence(Transaction& transaction, const runtime::Context& context, const Uuid& user_id,
                                         OnlineChange change_to, Timestamp at) {
  TRY(set_online(transaction, user_id, change_to == OnlineChange::kOnline, at));
  if (change_to != OnlineChange::kGone) return {};
  ASSIGN_OR_RETURN(auto unanswered, assigned_to(transaction, user_id, Substatus::kAssigned));
  return take_away(transaction, context, unanswered, "offline");
}

Result<void> TaskService::apply_person(Transaction& transaction, const runtime::Context& context, const PersonRecord& person) {
  TRY(save_person(transaction, person));
  for (const Substatus substatus : kWithAPerson) {
    ASSIGN_OR_RETURN(auto held, assigned_to(transaction, person.user_id, substatus));
    std::erase_if(held, [&](const TaskRecord& task) { return std::ranges::find(person.groups, task.group) != person.groups.end(); });
    TRY(take_away(transaction, context, held, "reassigned"));
  }
  return {};
}

// The first post of the consultant in the client's channel answers the task.
Result<void> TaskService::apply_answer(Transaction& transaction, const runtime::Context& context, const Uuid& user_id,
                                       const Uuid& channel_id) {
  ASSIGN_OR_RETURN(auto unanswered, assigned_to(transaction, user_id, Substatus::kAssigned));
  for (TaskRecord& task : unanswered) {
    if (task.channel_id != channel_id) continue;
    TransitionOrder order;
    order.transition = "start";
    Maker maker;
    maker.user_id = user_id;
    maker.name = "user";
    TRY(change(transaction, context, task, order, maker, ""));
  }
  return {};
}

Result<void> TaskService::apply_feedback(Transaction& transaction, const runtime::Context& context, const Uuid& task_id,
                                         const Feedback& feedback) const {
  ASSIGN_OR_RETURN(auto task, find_task(transaction, task_id));
  if (!task || task->reporter_user_id != feedback.user_id) return fail(v1::errors::not_found("Expected feedback of the client who asked"));
  if (task->feedback && feedback.at - task->feedback->at > settings_.feedback_change_window) return {};
  const bool first = !task->feedback;
  Feedback kept = feedback;
  if (!first) kept.at = task->feedback->at;  // the window runs from the first answer
  task->feedback = std::move(kept);
  task->updated_at = context.now();
  ++task->version;
  TRY(update_task(transaction, *task));
  // A changed mind is told too: the page of the consultant shows what holds now.
  return v1::publish(transaction, context, v1::FeedbackGiven{task->id, feedback.answer});
}

// A locked or deleted person works on nothing any more.
Result<void> TaskService::apply_left(Transaction& transaction, const runtime::Context& context, const Uuid& user_id) {
  TRY(set_inactive(transaction, user_id));
  for (const Substatus substatus : kWithAPerson) {
    ASSIGN_OR_RETURN(auto held, assigned_to(transaction, user_id, substatus));
    TRY(take_away(transaction, context, held, "offline"));
  }
  return {};
}

}  // namespace consilium::tasks
