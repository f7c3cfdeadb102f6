#include "services/processes/events.h"

#include "consilium/chat/v1/chat.h"
#include "consilium/tasks/v1/tasks.h"
#include "consilium/users/v1/users.h"
#include "ports/bus/event_payload.h"
#include "services/processes/job_variables.h"

namespace consilium::processes {
namespace {

// A case may be worked on elsewhere when the message comes: it waits for it.
constexpr Duration kMessageLife = hours(48);

// What an instance is moved on by is told to its jobs, so that their log lines carry the request's id.
JsonObject& add_cause(JsonObject& variables, const bus::Event& event) {
  if (!event.request_id.empty()) variables.add(kRequestId, event.request_id);
  return variables;
}

Task<Result<void>> start(process::ProcessEngine& engine, runtime::Context& context, std::string process_id, std::string variables,
                         std::string key) {
  auto started = co_await engine.start(context, std::move(process_id), std::move(variables), std::move(key));
  if (!started) co_return fail(std::move(started).error());
  co_return Result<void>();
}

Task<Result<void>> on_draft(process::ProcessEngine* engine, runtime::Context& context, const bus::Event& event) {
  auto draft = bus::decode_event<users::v1::DraftCreated>(event);
  if (!draft) co_return fail(std::move(draft).error());
  JsonObject variables;
  variables.add("userId", draft->user_id).add("type", text_of(draft->type));
  auto started = co_await start(*engine, context, "p-create-user", add_cause(variables, event).text(), draft->user_id.text());
  co_return started;
}

// The model waits from notice to notice.
std::vector<std::string> pauses_between(const std::vector<Duration>& notices) {
  std::vector<std::string> pauses;
  Duration before;
  for (const Duration at : notices) {
    pauses.push_back(format_iso8601(at - before));
    before = at;
  }
  return pauses;
}

Task<Result<void>> on_post(process::ProcessEngine* engine, const CaseSettings& settings, runtime::Context& context,
                           const bus::Event& event) {
  auto post = bus::decode_event<chat::v1::PostCreated>(event);
  if (!post) co_return fail(std::move(post).error());
  const bool asks =
      post->author_id && post->member_kind == chat::v1::MemberKind::kClient && post->channel_kind == chat::v1::ChannelKind::kCommon;
  if (!asks) co_return Result<void>();
  JsonObject variables;
  variables.add("userId", *post->author_id)
      .add("channelId", post->channel_id)
      .add("postId", post->post_id)
      .add("postedAt", format_rfc3339(post->at))
      .add_list("noticeDelays", pauses_between(settings.notices))
      .add("feedbackWindow", format_iso8601(settings.feedback_window));
  auto started = co_await start(*engine, context, "p-client-request", add_cause(variables, event).text(), post->post_id.text());
  co_return started;
}

bool is_client_request(const tasks::v1::TaskState& task) { return task.type.type == "client" && task.type.subtype == "common-request"; }

// `fence`: the later of two events about tasks has the higher one. Workers pass it on where their calls may overtake each other.
process::Message message_of(const bus::Event& event, std::string name, const Uuid& task_id, JsonObject variables = {}) {
  process::Message message;
  message.name = std::move(name);
  message.correlation_key = task_id.text();
  message.id = event.id.text();
  message.time_to_live = kMessageLife;
  variables.add_number("fence", event.position);
  message.variables = add_cause(variables, event).text();
  return message;
}

Result<std::optional<process::Message>> message_for(const bus::Event& event) {
  using Answer = std::optional<process::Message>;
  if (event.topic == tasks::v1::Assigned::kTopic) {
    ASSIGN_OR_RETURN(const auto assigned, bus::decode_event<tasks::v1::Assigned>(event));
    if (!is_client_request(assigned.task) || !assigned.task.assignee_user_id) return Answer();
    return Answer(
        message_of(event, "msg-client-task-assigned", assigned.task_id, JsonObject().add("assignee", *assigned.task.assignee_user_id)));
  }
  if (event.topic == tasks::v1::Queued::kTopic) {
    ASSIGN_OR_RETURN(const auto queued, bus::decode_event<tasks::v1::Queued>(event));
    // Nobody had it before: the process waits already.
    if (!is_client_request(queued.task) || !queued.previous_user_id) return Answer();
    return Answer(message_of(event, "msg-client-task-returned", queued.task_id));
  }
  if (event.topic == tasks::v1::Cancelled::kTopic) {
    ASSIGN_OR_RETURN(const auto cancelled, bus::decode_event<tasks::v1::Cancelled>(event));
    if (!is_client_request(cancelled.task)) return Answer();
    return Answer(message_of(event, "msg-client-task-cancelled", cancelled.task_id));
  }
  if (event.topic == tasks::v1::Solved::kTopic) {
    ASSIGN_OR_RETURN(const auto solved, bus::decode_event<tasks::v1::Solved>(event));
    if (!is_client_request(solved.task)) return Answer();
    return Answer(message_of(event, "msg-client-task-solved", solved.task_id));
  }
  ASSIGN_OR_RETURN(const auto feedback, bus::decode_event<tasks::v1::FeedbackGiven>(event));
  return Answer(message_of(event, "msg-client-feedback-given", feedback.task_id));
}

Task<Result<void>> on_task(process::ProcessEngine* engine, runtime::Context& context, const bus::Event& event) {
  auto message = message_for(event);
  if (!message) co_return fail(std::move(message).error());
  if (!*message) co_return Result<void>();
  auto published = co_await engine->publish(context, std::move(**message));
  co_return published;
}

}  // namespace

std::vector<bus::Consumer> consumers(process::ProcessEngine& engine, CaseSettings settings) {
  process::ProcessEngine* const shared = &engine;
  const auto cases = std::make_shared<const CaseSettings>(std::move(settings));
  std::vector<bus::Consumer> out;

  bus::Consumer drafts{"processes", "processes.drafts", "users", {std::string(users::v1::DraftCreated::kTopic)}, {}, {}, {}};
  drafts.handle = [shared](runtime::Context& context, const bus::Event& event) { return on_draft(shared, context, event); };
  out.push_back(std::move(drafts));

  bus::Consumer posts{"processes", "processes.posts", "chat", {std::string(chat::v1::PostCreated::kTopic)}, {}, {}, {}};
  posts.handle = [shared, cases](runtime::Context& context, const bus::Event& event) { return on_post(shared, *cases, context, event); };
  out.push_back(std::move(posts));

  bus::Consumer tasks{"processes", "processes.tasks", "tasks", {}, {}, {}, {}};
  for (const std::string_view topic : {tasks::v1::Assigned::kTopic, tasks::v1::Queued::kTopic, tasks::v1::Cancelled::kTopic,
                                       tasks::v1::Solved::kTopic, tasks::v1::FeedbackGiven::kTopic}) {
    tasks.topics.emplace_back(topic);
  }
  tasks.handle = [shared](runtime::Context& context, const bus::Event& event) { return on_task(shared, context, event); };
  out.push_back(std::move(tasks));
  return out;
}

}  // namespace consilium::processes
