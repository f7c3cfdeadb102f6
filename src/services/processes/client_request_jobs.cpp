// p-client-request: bot, task, consultant, notices, end.
#include "services/processes/worker_calls.h"

namespace consilium::processes {
namespace {

using process::Job;
using process::JobOutcome;

// What nearly every job of the case reads.
struct Case {
  JobVariables variables;
  Uuid user_id;
  Uuid channel_id;
};

Result<Case> read_case(const Job& job) {
  ASSIGN_OR_RETURN(JobVariables variables, JobVariables::read(job));
  ASSIGN_OR_RETURN(const Uuid user_id, variables.id("userId"));
  ASSIGN_OR_RETURN(const Uuid channel_id, variables.id("channelId"));
  return Case{std::move(variables), user_id, channel_id};
}

tasks::v1::TaskType client_request() { return {"client", "common-request"}; }

// Task id and number, as far as the case has them.
JsonObject about_task(const Case& one) {
  JsonObject parameters;
  if (const auto task_id = one.variables.optional_id("taskId")) parameters.add("taskId", *task_id);
  if (const auto number = one.variables.optional_text("taskNum")) parameters.add("taskNum", *number);
  return parameters;
}

chat::v1::BotPostRequest predefined(const Case& one, std::string code, const JsonObject& parameters, std::string key) {
  chat::v1::BotPostRequest post;
  post.channel_id = one.channel_id;
  post.code = std::move(code);
  post.parameters = JsonText{parameters.text()};
  post.idempotency_key = std::move(key);
  return post;
}

chat::v1::BotPostRequest only_to(chat::v1::BotPostRequest post, const Uuid& user_id) {
  post.to_user_id = user_id;
  return post;
}

Task<Result<void>> send(const JobDependencies* parts, runtime::Context& context, chat::v1::BotPostRequest post) {
  auto posted = co_await parts->chat.bot_post(context, std::move(post));
  if (!posted) co_return fail(std::move(posted).error());
  co_return Result<void>();
}

// A call that is cancelled with its case may still be on its way: the fence keeps it from undoing what came after.
Task<Result<void>> give_access(const JobDependencies* parts, runtime::Context& context, const Case& one, Uuid user_id,
                               chat::v1::MemberAccess access) {
  chat::v1::SubscribeRequest request;
  request.channel_id = one.channel_id;
  request.user_id = user_id;
  request.access = access;
  request.fence = one.variables.optional_integer("fence");
  if (access == chat::v1::MemberAccess::kRead) request.until = context.now() + parts->read_after_task;
  auto subscribed = co_await parts->chat.subscribe(context, request);
  if (!subscribed) co_return fail(std::move(subscribed).error());
  co_return Result<void>();
}

Task<JobOutcome> check_open_task(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  tasks::v1::FindOpenRequest request;
  request.channel_id = one->channel_id;
  request.type = client_request();
  // What was written in a consultation belongs to it, though its turn came only after the end.
  if (const auto posted_at = one->variables.optional_text("postedAt")) request.at = parse_rfc3339(*posted_at);
  auto found = co_await parts->tasks.find_open(context, request);
  if (!found) co_return failed(found.error());
  JsonObject out;
  out.add_flag("taskExists", found->task.has_value());
  if (found->task) out.add("taskId", found->task->id);
  co_return completed(out);
}

Task<JobOutcome> ask_bot(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  auto post_id = one->variables.id("postId");
  if (!post_id) co_return failed(post_id.error());
  chat::v1::GetPostRequest get_post;
  get_post.id = *post_id;
  auto post = co_await parts->chat.get_post(context, get_post);
  if (!post) co_return failed(post.error());
  users::v1::GetUserRequest get_user;
  get_user.id = one->user_id;
  auto client = co_await parts->users.get_user(context, get_user);
  if (!client) co_return failed(client.error());
  chat::v1::AskBotRequest question;
  question.text = post->text;
  question.language = client->language;
  auto answer = co_await parts->chat.ask_bot(context, question);
  if (!answer) co_return failed(answer.error());
  JsonObject out;
  out.add_flag("botSucceeded", answer->found);
  if (answer->found) {
    chat::v1::BotPostRequest reply;
    reply.channel_id = one->channel_id;
    reply.text = answer->answer;
    reply.idempotency_key = job_key(job, "answer");
    auto sent = co_await send(parts, context, std::move(reply));
    if (!sent) co_return failed(sent.error());
  }
  co_return completed(out);
}

Task<JobOutcome> create_task(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  tasks::v1::CreateRequestRequest request;
  request.task.type = client_request();
  request.task.reporter_user_id = one->user_id;
  request.task.channel_id = one->channel_id;
  if (const auto posted_at = one->variables.optional_text("postedAt")) request.task.reported_at = parse_rfc3339(*posted_at);
  request.process_instance = job.instance_key;
  auto created = co_await parts->tasks.create_request(context, request);
  if (!created) co_return failed(created.error());
  JsonObject out;
  out.add("taskId", created->task.id).add("taskNum", created->task.number).add_flag("taskExists", !created->created);
  // Another post of the client was quicker: its case goes on, this one joins it and ends.
  if (!created->created) co_return completed(out);
  JsonObject parameters;
  parameters.add("taskId", created->task.id).add("taskNum", created->task.number);
  chat::v1::BotPostRequest notice = only_to(predefined(*one, "client.new-request", parameters, job_key(job, "notice")), one->user_id);
  auto sent = co_await send(parts, context, std::move(notice));
  if (!sent) co_return failed(sent.error());
  co_return completed(out);
}

Task<JobOutcome> subscribe_consultant(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  auto assignee = one->variables.id("assignee");
  if (!assignee) co_return failed(assignee.error());
  auto admitted = co_await give_access(parts, context, *one, *assignee, chat::v1::MemberAccess::kWrite);
  if (!admitted) co_return failed(admitted.error());
  co_return completed();
}

Task<JobOutcome> introduce(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  auto assignee = one->variables.id("assignee");
  if (!assignee) co_return failed(assignee.error());
  JsonObject to_client = about_task(*one);
  to_client.add("consultant", *assignee);
  chat::v1::BotPostRequest first = only_to(predefined(*one, "client.request-assigned", to_client, job_key(job, "client")), one->user_id);
  auto sent = co_await send(parts, context, std::move(first));
  if (!sent) co_return failed(sent.error());
  users::v1::GetUserRequest get_client;
  get_client.id = one->user_id;
  auto client = co_await parts->users.get_user(context, get_client);
  if (!client) co_return failed(client.error());
  JsonObject to_consultant = about_task(*one);
  to_consultant.add("client", one->user_id);
  if (client->phone) to_consultant.add("clientPhone", *client->phone);
  chat::v1::BotPostRequest second =
      only_to(predefined(*one, "consultant.request-assigned", to_consultant, job_key(job, "consultant")), *assignee);
  auto told = co_await send(parts, context, std::move(second));
  if (!told) co_return failed(told.error());
  co_return completed();
}

Task<JobOutcome> apologise(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  JsonObject parameters = about_task(*one);
  parameters.add_number("noticeCount", one->variables.integer_or("noticeCount", 0));
  chat::v1::BotPostRequest notice =
      only_to(predefined(*one, "client.no-consultant-available", parameters, job_key(job, "notice")), one->user_id);
  auto sent = co_await send(parts, context, std::move(notice));
  if (!sent) co_return failed(sent.error());
  co_return completed();
}

// A task for the supervisor; the client's own stays in the queue.
Task<JobOutcome> escalate(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  tasks::v1::CreateRequestRequest request;
  request.task.type = {"staff", "escalation"};
  request.task.reporter_user_id = one->user_id;
  request.task.channel_id = one->channel_id;
  request.task.title = one->variables.optional_text("taskNum");
  request.process_instance = job.instance_key;
  context.idempotency_key = job_key(job, "task");
  auto created = co_await parts->tasks.create_request(context, request);
  context.idempotency_key.clear();
  if (!created) co_return failed(created.error());
  chat::v1::BotPostRequest notice =
      only_to(predefined(*one, "client.request-escalated", about_task(*one), job_key(job, "notice")), one->user_id);
  auto sent = co_await send(parts, context, std::move(notice));
  if (!sent) co_return failed(sent.error());
  co_return completed();
}

Task<JobOutcome> release_consultant(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  auto consultant = one->variables.id("consultant");
  if (!consultant) co_return failed(consultant.error());
  auto released = co_await give_access(parts, context, *one, *consultant, chat::v1::MemberAccess::kRead);
  if (!released) co_return failed(released.error());
  co_return completed();
}

Task<JobOutcome> tell_solved(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto one = read_case(job);
  if (!one) co_return failed(one.error());
  chat::v1::BotPostRequest finished = predefined(*one, "client.task-solved", about_task(*one), job_key(job, "solved"));
  auto sent = co_await send(parts, context, std::move(finished));
  if (!sent) co_return failed(sent.error());
  chat::v1::BotPostRequest question = predefined(*one, "client.feedback", about_task(*one), job_key(job, "feedback"));
  auto asked = co_await send(parts, context, std::move(question));
  if (!asked) co_return failed(asked.error());
  // The task is theirs no more: the consultant reads on for a while.
  if (const auto consultant = one->variables.optional_id("consultant")) {
    auto released = co_await give_access(parts, context, *one, *consultant, chat::v1::MemberAccess::kRead);
    if (!released) co_return failed(released.error());
  }
  co_return completed();
}

}  // namespace

std::vector<process::Worker> client_request_workers(const JobDependencies& dependencies) {
  return {
      worker(dependencies, "st-check-client-open-task", check_open_task),
      worker(dependencies, "st-bot", ask_bot),
      worker(dependencies, "st-create-client-req-task", create_task),
      worker(dependencies, "st-subscribe-consultant", subscribe_consultant),
      worker(dependencies, "st-msg-task-assigned", introduce),
      worker(dependencies, "st-msg-no-available-consultant", apologise),
      worker(dependencies, "st-escalate", escalate),
      worker(dependencies, "st-release-consultant", release_consultant),
      worker(dependencies, "st-msg-task-solved", tell_solved),
  };
}

}  // namespace consilium::processes
