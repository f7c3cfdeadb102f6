#include "services/tasks/events.h"

#include <boost/json.hpp>

#include "consilium/chat/v1/chat.h"
#include "consilium/tasks/v1/tasks.h"
#include "consilium/users/v1/users.h"
#include "ports/bus/event_payload.h"

namespace consilium::tasks {
namespace {

bool works_on_tasks(users::v1::UserType type) {
  return type == users::v1::UserType::kConsultant || type == users::v1::UserType::kExpert || type == users::v1::UserType::kSupervisor;
}

// Reads the person again, so that the order of events from different moments does not matter.
Task<Result<void>> refresh_person(EventDependencies* parts, runtime::Context& context, Uuid user_id) {
  users::v1::GetUserRequest request;
  request.id = user_id;
  auto user = co_await parts->users.get_user(context, request);
  if (!user && user.error().kind == ErrorKind::kNotFound) co_return Result<void>();
  if (!user) co_return fail(std::move(user).error());
  if (!works_on_tasks(user->type)) co_return Result<void>();
  PersonRecord person;
  person.user_id = user->id;
  person.display_name = user->first_name + " " + user->last_name;
  person.active = user->status == users::v1::UserStatus::kActive;
  person.presence_at = context.now();
  person.groups = user->groups;
  auto saved = co_await parts->database.write(
      context, [&](Transaction& transaction) { return parts->tasks.apply_person(transaction, context, person); });
  if (saved) parts->wake_assignment();
  co_return saved;
}

Task<Result<void>> on_person(EventDependencies* parts, runtime::Context& context, const bus::Event& event) {
  const auto user_id = Uuid::parse(event.key);
  if (!user_id) co_return fail(internal_error("Expected the id of a user as key of the event"));
  const bool left = event.topic == users::v1::Locked::kTopic || event.topic == users::v1::Deleted::kTopic;
  if (!left) {
    auto refreshed = co_await refresh_person(parts, context, *user_id);
    co_return refreshed;
  }
  auto applied = co_await parts->database.write(
      context, [&](Transaction& transaction) { return parts->tasks.apply_left(transaction, context, *user_id); });
  if (applied) parts->wake_assignment();
  co_return applied;
}

OnlineChange change_to(chat::v1::PresenceStatus effective) {
  switch (effective) {
    case chat::v1::PresenceStatus::kOnline: return OnlineChange::kOnline;
    case chat::v1::PresenceStatus::kAway:
    case chat::v1::PresenceStatus::kDnd: return OnlineChange::kUnavailable;
    default: return OnlineChange::kGone;
  }
}

Result<void> on_presence(EventDependencies* parts, Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
  ASSIGN_OR_RETURN(const auto presence, bus::decode_event<chat::v1::PresenceChanged>(event));
  if (presence.kind != chat::v1::MemberKind::kConsultant) return {};
  TRY(parts->tasks.apply_presence(transaction, context, presence.user_id, change_to(presence.effective), presence.at));
  parts->wake_assignment();
  return {};
}

Result<void> on_post(EventDependencies* parts, Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
  ASSIGN_OR_RETURN(const auto post, bus::decode_event<chat::v1::PostCreated>(event));
  if (!post.author_id || post.member_kind != chat::v1::MemberKind::kConsultant) return {};
  return parts->tasks.apply_answer(transaction, context, *post.author_id, post.channel_id);
}

std::optional<v1::FeedbackAnswer> answer_of(std::string_view action) {
  if (action == "yes") return v1::FeedbackAnswer::kYes;
  if (action == "partially") return v1::FeedbackAnswer::kPartially;
  if (action == "no") return v1::FeedbackAnswer::kNo;
  return std::nullopt;
}

// The feedback post names its task in its parameters.
std::optional<Uuid> task_of(const JsonText& parameters) {
  boost::system::error_code failure;
  const boost::json::value value = boost::json::parse(parameters.text, failure);
  const auto* object = failure ? nullptr : value.if_object();
  const auto* task_id = object ? object->if_contains("taskId") : nullptr;
  if (!task_id || !task_id->is_string()) return std::nullopt;
  return Uuid::parse(std::string_view(task_id->get_string()));
}

Result<void> on_action(EventDependencies* parts, Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
  ASSIGN_OR_RETURN(auto pressed, bus::decode_event<chat::v1::ActionPressed>(event));
  if (pressed.code != "client.feedback") return {};
  const auto answer = answer_of(pressed.action_id);
  const auto task_id = task_of(pressed.parameters);
  if (!answer || !task_id) return fail(internal_error("Expected a feedback post that names its task and a known answer"));
  return parts->tasks.apply_feedback(transaction, context, *task_id, {*answer, std::move(pressed.text), pressed.user_id, pressed.at});
}

// What is long stands in the task itself: a notice has its bound.
v1::Task in_brief(v1::Task task) {
  task.description.clear();
  task.details.reset();
  return task;
}

Task<Result<void>> notify(EventDependencies* parts, runtime::Context& context, const bus::Event& event, std::vector<Uuid> people,
                          std::string type, const v1::Task& task) {
  chat::v1::NotifyRequest request;
  request.user_ids = std::move(people);
  request.data = JsonText{encode_json(in_brief(task))};
  request.idempotency_key = event.id.text() + ":" + type;
  request.type = std::move(type);
  auto sent = co_await parts->chat.notify(context, request);
  if (!sent) co_return fail(std::move(sent).error());
  co_return Result<void>();
}

struct Concerned {
  Uuid task_id;
  std::vector<Uuid> newly;  // hear of a task that is new to them
  std::vector<Uuid> others;
};

template <class Message>
Result<Concerned> concerned_by(const bus::Event& event) {
  ASSIGN_OR_RETURN(const auto message, bus::decode_event<Message>(event));
  Concerned out;
  out.task_id = message.task_id;
  if (message.task.type.type != kStaffTask) out.others.push_back(message.task.reporter_user_id);
  if constexpr (requires { message.previous_user_id; }) {
    if (message.previous_user_id) out.others.push_back(*message.previous_user_id);
  }
  const auto& assignee = message.task.assignee_user_id;
  if (assignee) (event.topic == v1::Assigned::kTopic ? out.newly : out.others).push_back(*assignee);
  return out;
}

// The event of a feedback names its task alone: whom it concerns, the task says.
Result<Concerned> concerned_by_feedback(const bus::Event& event) {
  ASSIGN_OR_RETURN(const auto given, bus::decode_event<v1::FeedbackGiven>(event));
  Concerned out;
  out.task_id = given.task_id;
  return out;
}

std::vector<Uuid> parties_of(const v1::Task& task) {
  std::vector<Uuid> people{task.reporter.user_id};
  if (task.assignee.user_id) people.push_back(*task.assignee.user_id);
  return people;
}

Result<Concerned> concerned_by_any(const bus::Event& event) {
  if (event.topic == v1::FeedbackGiven::kTopic) return concerned_by_feedback(event);
  if (event.topic == v1::Created::kTopic) return concerned_by<v1::Created>(event);
  if (event.topic == v1::Queued::kTopic) return concerned_by<v1::Queued>(event);
  if (event.topic == v1::Assigned::kTopic) return concerned_by<v1::Assigned>(event);
  if (event.topic == v1::Started::kTopic) return concerned_by<v1::Started>(event);
  if (event.topic == v1::Held::kTopic) return concerned_by<v1::Held>(event);
  if (event.topic == v1::Solved::kTopic) return concerned_by<v1::Solved>(event);
  return concerned_by<v1::Cancelled>(event);
}

Result<void> tell_observer(QueueObserver& observer, const bus::Event& event, const v1::Task& task) {
  if (event.topic == v1::Queued::kTopic) {
    ASSIGN_OR_RETURN(const auto queued, bus::decode_event<v1::Queued>(event));
    if (queued.cause != "new") observer.on_returned(queued.cause);
  }
  if (event.topic == v1::Assigned::kTopic) observer.on_assigned(event.at - task.reporter.at);
  if (event.topic == v1::Solved::kTopic || event.topic == v1::Cancelled::kTopic) observer.on_closed(task);
  return {};
}

// Tells the pages of those whom a task concerns, by each person's event log.
Task<Result<void>> on_own_event(EventDependencies* parts, runtime::Context& context, const bus::Event& event) {
  auto concerned = concerned_by_any(event);
  if (!concerned) co_return fail(std::move(concerned).error());
  v1::GetTaskRequest request;
  request.id = concerned->task_id.text();
  auto task = co_await parts->tasks.get_task(context, request);
  if (!task) co_return fail(std::move(task).error());
  if (event.topic == v1::FeedbackGiven::kTopic) concerned->others = parties_of(*task);
  // The office's own tasks are nobody's: all who may take one hear of it, and of what becomes of it.
  if (task->type.type == kStaffTask) {
    auto group =
        co_await parts->database.read(context, [&](Transaction& transaction) { return active_people(transaction, task->assignee.group); });
    if (!group) co_return fail(std::move(group).error());
    (event.topic == v1::Created::kTopic ? concerned->newly : concerned->others) = std::move(*group);
  }
  if (!concerned->newly.empty()) {
    auto told = co_await notify(parts, context, event, std::move(concerned->newly), "task.created", *task);
    if (!told) co_return told;
  }
  if (!concerned->others.empty()) {
    auto told = co_await notify(parts, context, event, std::move(concerned->others), "task.updated", *task);
    if (!told) co_return told;
  }
  co_return tell_observer(parts->observer, event, *task);
}

}  // namespace

std::vector<bus::Consumer> consumers(EventDependencies dependencies) {
  // Shared by all handlers for as long as the bus holds them.
  auto parts = std::make_shared<EventDependencies>(std::move(dependencies));
  std::vector<bus::Consumer> out;

  bus::Consumer people{"tasks", "tasks.people", "users", {}, {}, {}, {}};
  for (const std::string_view topic : {users::v1::Activated::kTopic, users::v1::ProfileChanged::kTopic, users::v1::Locked::kTopic,
                                       users::v1::Unlocked::kTopic, users::v1::Deleted::kTopic}) {
    people.topics.emplace_back(topic);
  }
  people.handle = [parts](runtime::Context& context, const bus::Event& event) { return on_person(parts.get(), context, event); };
  out.push_back(std::move(people));

  bus::Consumer presence{"tasks", "tasks.presence", "chat", {std::string(chat::v1::PresenceChanged::kTopic)}, {}, {}, {}};
  presence.apply = [parts](Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
    return on_presence(parts.get(), transaction, context, event);
  };
  out.push_back(std::move(presence));

  bus::Consumer answers{"tasks", "tasks.answers", "chat", {std::string(chat::v1::PostCreated::kTopic)}, {}, {}, {}};
  answers.apply = [parts](Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
    return on_post(parts.get(), transaction, context, event);
  };
  out.push_back(std::move(answers));

  bus::Consumer feedback{"tasks", "tasks.feedback", "chat", {std::string(chat::v1::ActionPressed::kTopic)}, {}, {}, {}};
  feedback.apply = [parts](Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
    return on_action(parts.get(), transaction, context, event);
  };
  out.push_back(std::move(feedback));

  bus::Consumer notices{"tasks", "tasks.notices", "tasks", {}, {}, {}, {}};
  for (const std::string_view topic : {v1::Created::kTopic, v1::Queued::kTopic, v1::Assigned::kTopic, v1::Started::kTopic, v1::Held::kTopic,
                                       v1::Solved::kTopic, v1::Cancelled::kTopic, v1::FeedbackGiven::kTopic}) {
    notices.topics.emplace_back(topic);
  }
  notices.handle = [parts](runtime::Context& context, const bus::Event& event) { return on_own_event(parts.get(), context, event); };
  out.push_back(std::move(notices));
  return out;
}

}  // namespace consilium::tasks
