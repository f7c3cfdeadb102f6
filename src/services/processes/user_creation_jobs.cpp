// p-create-user: chat account, channel, greeting, login, activation; and what takes them back.
#include "services/processes/worker_calls.h"

namespace consilium::processes {
namespace {

using process::Job;
using process::JobOutcome;

Result<Uuid> read_user_id(const Job& job) {
  ASSIGN_OR_RETURN(const JobVariables variables, JobVariables::read(job));
  return variables.id("userId");
}

Task<Result<users::v1::User>> load_user(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto id = read_user_id(job);
  if (!id) co_return fail(std::move(id).error());
  users::v1::GetUserRequest request;
  request.id = *id;
  auto user = co_await parts->users.get_user(context, request);
  co_return user;
}

std::string display_name(const users::v1::User& user) { return user.first_name + " " + user.last_name; }

chat::v1::MemberKind member_kind(users::v1::UserType type) {
  return type == users::v1::UserType::kClient ? chat::v1::MemberKind::kClient : chat::v1::MemberKind::kConsultant;
}

Task<JobOutcome> create_chat_user(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  constexpr std::string_view kError = "err-create-chat-user";
  auto user = co_await load_user(parts, context, job);
  if (!user) co_return thrown_or_failed(user.error(), kError);
  chat::v1::CreateChatUserRequest request;
  request.user_id = user->id;
  request.display_name = display_name(*user);
  request.kind = member_kind(user->type);
  request.language = user->language;
  request.photo_url = user->photo_url;
  auto created = co_await parts->chat.create_chat_user(context, request);
  if (!created) co_return thrown_or_failed(created.error(), kError);
  JsonObject made;
  made.add("chatUserId", created->chat_user_id);
  users::v1::SetLinksRequest links;
  links.id = user->id;
  links.chat_user_id = created->chat_user_id;
  auto linked = co_await parts->users.set_links(context, links);
  if (!linked) co_return thrown_or_failed(linked.error(), kError, made);
  co_return completed(made);
}

Task<JobOutcome> create_chat_channel(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  constexpr std::string_view kError = "err-create-chat-channel";
  auto user = co_await load_user(parts, context, job);
  if (!user) co_return thrown_or_failed(user.error(), kError);
  chat::v1::CreateChannelRequest request;
  request.kind = chat::v1::ChannelKind::kCommon;
  request.client_user_id = user->id;
  request.display_name = display_name(*user);
  auto created = co_await parts->chat.create_channel(context, request);
  if (!created) co_return thrown_or_failed(created.error(), kError);
  JsonObject made;
  made.add("chatChannelId", created->channel_id);
  users::v1::SetLinksRequest links;
  links.id = user->id;
  links.common_channel_id = created->channel_id;
  auto linked = co_await parts->users.set_links(context, links);
  if (!linked) co_return thrown_or_failed(linked.error(), kError, made);
  co_return completed(made);
}

Task<JobOutcome> send_hello(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  constexpr std::string_view kError = "err-send-hello";
  auto variables = JobVariables::read(job);
  if (!variables) co_return failed(variables.error());
  auto user_id = variables->id("userId");
  auto channel_id = variables->id("chatChannelId");
  if (!user_id) co_return failed(user_id.error());
  if (!channel_id) co_return failed(channel_id.error());
  chat::v1::BotPostRequest post;
  post.channel_id = *channel_id;
  post.code = "client.hello";
  post.parameters = JsonText{JsonObject().add("client", *user_id).text()};
  post.idempotency_key = job_key(job, "hello");
  auto posted = co_await parts->chat.bot_post(context, post);
  if (!posted) co_return thrown_or_failed(posted.error(), kError);
  co_return completed();
}

Task<JobOutcome> create_identity(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  constexpr std::string_view kError = "err-create-identity";
  auto user = co_await load_user(parts, context, job);
  if (!user) co_return thrown_or_failed(user.error(), kError);
  sessions::v1::CreateIdentityRequest request;
  request.user_id = user->id;
  request.username = user->username;
  auto created = co_await parts->sessions.create_identity(context, request);
  if (!created) co_return thrown_or_failed(created.error(), kError);
  JsonObject made;
  made.add("identityId", created->identity_id);
  users::v1::SetLinksRequest links;
  links.id = user->id;
  links.identity_id = created->identity_id;
  auto linked = co_await parts->users.set_links(context, links);
  if (!linked) co_return thrown_or_failed(linked.error(), kError, made);
  co_return completed(made);
}

users::v1::ChangeStatusRequest status_request(const Uuid& user_id) {
  users::v1::ChangeStatusRequest request;
  request.id = user_id;
  return request;
}

Task<JobOutcome> activate_user(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  constexpr std::string_view kError = "err-activate-user";
  auto user = co_await load_user(parts, context, job);
  if (!user) co_return thrown_or_failed(user.error(), kError);
  // A repeated job finds it done.
  if (user->status == users::v1::UserStatus::kActive) co_return completed();
  users::v1::ChangeStatusRequest request = status_request(user->id);
  auto activated = co_await parts->users.activate_user(context, request);
  if (!activated) co_return thrown_or_failed(activated.error(), kError);
  co_return completed();
}

Task<JobOutcome> delete_chat_user(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto user_id = read_user_id(job);
  if (!user_id) co_return failed(user_id.error());
  chat::v1::ChatUserRequest request;
  request.user_id = *user_id;
  auto deleted = co_await parts->chat.delete_chat_user(context, request);
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) co_return failed(deleted.error());
  co_return completed();
}

Task<JobOutcome> delete_identity(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto user_id = read_user_id(job);
  if (!user_id) co_return failed(user_id.error());
  sessions::v1::IdentityRequest request;
  request.user_id = *user_id;
  auto deleted = co_await parts->sessions.delete_identity(context, request);
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) co_return failed(deleted.error());
  co_return completed();
}

Task<JobOutcome> delete_user(const JobDependencies* parts, runtime::Context& context, const Job& job) {
  auto user = co_await load_user(parts, context, job);
  if (!user && user.error().kind == ErrorKind::kNotFound) co_return completed();
  if (!user) co_return failed(user.error());
  if (user->status == users::v1::UserStatus::kDeleted) co_return completed();
  users::v1::ChangeStatusRequest request = status_request(user->id);
  auto deleted = co_await parts->users.delete_user(context, request);
  if (!deleted) co_return failed(deleted.error());
  co_return completed();
}

}  // namespace

std::vector<process::Worker> user_creation_workers(const JobDependencies& dependencies) {
  return {
      worker(dependencies, "st-create-chat-user", create_chat_user), worker(dependencies, "st-create-chat-channel", create_chat_channel),
      worker(dependencies, "st-create-send-hello", send_hello),      worker(dependencies, "st-create-identity", create_identity),
      worker(dependencies, "st-activate-user", activate_user),       worker(dependencies, "st-delete-chat-user", delete_chat_user),
      worker(dependencies, "st-delete-identity", delete_identity),   worker(dependencies, "st-delete-user", delete_user),
  };
}

}  // namespace consilium::processes
