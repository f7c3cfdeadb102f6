// For tests of workers: the four services in memory. They note each call and fail where they are told to.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/processes/jobs.h"

namespace consilium::processes::testing {

// What was called, in order, and which calls are refused.
struct Ledger {
  std::vector<std::string> calls;
  std::map<std::string, Error> errors;
  // Once the first call was made, the second is refused.
  std::pair<std::string, std::pair<std::string, Error>> errors_after;
  // What one of the calls with this name, counted from 1, is answered.
  std::map<std::pair<std::string, std::ptrdiff_t>, Error> errors_at;
  // How long each call is on its way before it has its effect.
  Duration takes;
  // Until then nobody is there to take a call.
  Timestamp away_until;
  std::size_t in_vain = 0;  // calls of that time

  Task<Result<void>> enter(runtime::Context& context, const char* call) {
    if (takes > Duration{}) co_await context.scheduler().sleep_for(takes);
    if (context.now() < away_until) {
      ++in_vain;
      co_return fail(ErrorKind::kUnavailable, "test.away", "Expected the service to be there");
    }
    auto noted = note(call);
    co_return noted;
  }

  Result<void> note(const std::string& call) {
    calls.push_back(call);
    const auto at = errors_at.find({call, std::ranges::count(calls, call)});
    if (at != errors_at.end()) return fail(at->second);
    const auto& [first, then] = errors_after;
    if (call == then.first && std::ranges::count(calls, first) > 0) return fail(then.second);
    const auto found = errors.find(call);
    if (found != errors.end()) return fail(found->second);
    return {};
  }
};

#define NOT_CALLED(Reply, name, Request) \
  Task<Result<v1::Reply>> name(runtime::Context&, v1::Request) override { co_return fail(internal_error("not for workers")); }

namespace users_fake {
namespace v1 = users::v1;
class FakeUsers final : public v1::Users {
 public:
  explicit FakeUsers(Ledger& ledger) : ledger_(ledger) {}
  Task<Result<v1::User>> get_user(runtime::Context& context, v1::GetUserRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "get_user"));
    const auto found = people.find(request.id);
    if (found == people.end()) co_return fail(v1::errors::not_found());
    co_return found->second;
  }
  Task<Result<v1::User>> set_links(runtime::Context& context, v1::SetLinksRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "set_links"));
    v1::User& user = people.at(request.id);
    if (request.chat_user_id) user.chat_user_id = request.chat_user_id;
    if (request.identity_id) user.identity_id = request.identity_id;
    if (request.common_channel_id) user.common_channel_id = request.common_channel_id;
    co_return user;
  }
  Task<Result<v1::User>> activate_user(runtime::Context& context, v1::ChangeStatusRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "activate_user"));
    people.at(request.id).status = v1::UserStatus::kActive;
    co_return people.at(request.id);
  }
  Task<Result<v1::User>> delete_user(runtime::Context& context, v1::ChangeStatusRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "delete_user"));
    people.at(request.id).status = v1::UserStatus::kDeleted;
    co_return people.at(request.id);
  }
  NOT_CALLED(User, create_client, CreateClientRequest)
  NOT_CALLED(User, create_consultant, CreateConsultantRequest)
  NOT_CALLED(User, create_expert, CreateExpertRequest)
  NOT_CALLED(ListUsersReply, list_users, ListUsersRequest)
  NOT_CALLED(User, get_me, GetMeRequest)
  NOT_CALLED(User, change_profile, ChangeProfileRequest)
  NOT_CALLED(User, change_groups, ChangeGroupsRequest)
  NOT_CALLED(User, lock_user, ChangeStatusRequest)
  NOT_CALLED(User, unlock_user, ChangeStatusRequest)
  NOT_CALLED(ListGroupsReply, list_groups, ListGroupsRequest)
  NOT_CALLED(User, create_staff, CreateStaffRequest)
  NOT_CALLED(User, find_user, FindUserRequest)

  std::map<Uuid, v1::User> people;

 private:
  Ledger& ledger_;
};
}  // namespace users_fake

namespace sessions_fake {
namespace v1 = sessions::v1;
class FakeSessions final : public v1::Sessions {
 public:
  explicit FakeSessions(Ledger& ledger) : ledger_(ledger) {}
  Task<Result<v1::CreateIdentityReply>> create_identity(runtime::Context& context, v1::CreateIdentityRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "create_identity"));
    requests.push_back(request);
    co_return v1::CreateIdentityReply{identities.try_emplace(request.user_id, context.new_id()).first->second};
  }
  Task<Result<v1::Nothing>> delete_identity(runtime::Context& context, v1::IdentityRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "delete_identity"));
    if (identities.erase(request.user_id) == 0) co_return fail(ErrorKind::kNotFound, "sessions.not-found");
    co_return v1::Nothing{};
  }
  NOT_CALLED(LoginReply, login, LoginRequest)
  NOT_CALLED(LoginReply, refresh, RefreshRequest)
  NOT_CALLED(CurrentReply, get_current, GetCurrentRequest)
  NOT_CALLED(Nothing, end_current, EndCurrentRequest)
  NOT_CALLED(ListSessionsReply, list_sessions, ListSessionsRequest)
  NOT_CALLED(Nothing, end_session, EndSessionRequest)
  NOT_CALLED(Nothing, set_password, SetPasswordRequest)
  NOT_CALLED(Nothing, change_password, ChangePasswordRequest)
  NOT_CALLED(AuthenticateReply, authenticate, AuthenticateRequest)
  NOT_CALLED(CheckSessionsReply, check_sessions, CheckSessionsRequest)
  NOT_CALLED(KeySetReply, get_key_set, KeySetRequest)
  NOT_CALLED(AuthorizeReply, authorize, AuthorizeRequest)
  NOT_CALLED(TokenReply, issue_tokens, TokenRequest)
  NOT_CALLED(UserInfoReply, get_user_info, UserInfoRequest)
  NOT_CALLED(DiscoveryReply, get_discovery, DiscoveryRequest)
  NOT_CALLED(Nothing, record_refusals, RecordRefusalsRequest)
  NOT_CALLED(ListRefusalsReply, list_refusals, ListRefusalsRequest)
  NOT_CALLED(OneTimeLinkReply, create_one_time_link, IdentityRequest)
  NOT_CALLED(Nothing, end_all_sessions, EndAllRequest)

  std::map<Uuid, Uuid> identities;
  std::vector<v1::CreateIdentityRequest> requests;

 private:
  Ledger& ledger_;
};
}  // namespace sessions_fake

namespace chat_fake {
namespace v1 = chat::v1;
class FakeChat final : public v1::Chat {
 public:
  explicit FakeChat(Ledger& ledger) : ledger_(ledger) {}
  Task<Result<v1::ChatUserReply>> create_chat_user(runtime::Context& context, v1::CreateChatUserRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "create_chat_user"));
    people_made.push_back(request);
    co_return v1::ChatUserReply{accounts.try_emplace(request.user_id, context.new_id()).first->second};
  }
  // As the contract says: with the channel made for the person.
  Task<Result<v1::Nothing>> delete_chat_user(runtime::Context& context, v1::ChatUserRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "delete_chat_user"));
    channels.erase(request.user_id);
    if (accounts.erase(request.user_id) == 0) co_return fail(ErrorKind::kNotFound, "chat.not-found");
    co_return v1::Nothing{};
  }
  Task<Result<v1::ChannelReply>> create_channel(runtime::Context& context, v1::CreateChannelRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "create_channel"));
    channels_made.push_back(request);
    co_return v1::ChannelReply{channels.try_emplace(request.client_user_id, context.new_id()).first->second};
  }
  Task<Result<v1::Nothing>> subscribe(runtime::Context& context, v1::SubscribeRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "subscribe"));
    subscribed.push_back(request);
    co_return v1::Nothing{};
  }
  Task<Result<v1::Post>> bot_post(runtime::Context& context, v1::BotPostRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "bot_post"));
    posted.push_back(request);
    co_return v1::Post{};
  }
  Task<Result<v1::AskBotReply>> ask_bot(runtime::Context& context, v1::AskBotRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "ask_bot"));
    questions.push_back(request);
    co_return answer;
  }
  Task<Result<v1::Post>> get_post(runtime::Context& context, v1::GetPostRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "get_post"));
    v1::Post post;
    post.id = request.id;
    post.text = "Where is my analysis?";
    co_return post;
  }
  NOT_CALLED(ListChannelsReply, list_channels, ListChannelsRequest)
  NOT_CALLED(Channel, get_channel, GetChannelRequest)
  NOT_CALLED(ListPostsReply, list_posts, ListPostsRequest)
  NOT_CALLED(Post, create_post, CreatePostRequest)
  NOT_CALLED(Nothing, mark_read, MarkReadRequest)
  NOT_CALLED(Post, press_action, PressActionRequest)
  NOT_CALLED(PresenceReply, set_presence, SetPresenceRequest)
  NOT_CALLED(PresenceReply, get_presence, GetPresenceRequest)
  NOT_CALLED(Nothing, unsubscribe, UnsubscribeRequest)
  NOT_CALLED(GetPresencesReply, get_presences, GetPresencesRequest)
  NOT_CALLED(OpenSocketReply, open_socket, OpenSocketRequest)
  NOT_CALLED(Nothing, renew_sockets, RenewSocketsRequest)
  NOT_CALLED(Nothing, close_socket, CloseSocketRequest)
  NOT_CALLED(Nothing, typing, TypingRequest)
  NOT_CALLED(NotifyReply, notify, NotifyRequest)
  NOT_CALLED(ReadFeedReply, read_feed, ReadFeedRequest)
  NOT_CALLED(ReadEventsReply, read_events, ReadEventsRequest)

  v1::AskBotReply answer;
  std::map<Uuid, Uuid> accounts;  // by user
  std::map<Uuid, Uuid> channels;  // by client
  std::vector<v1::CreateChatUserRequest> people_made;
  std::vector<v1::CreateChannelRequest> channels_made;
  std::vector<v1::SubscribeRequest> subscribed;
  std::vector<v1::BotPostRequest> posted;
  std::vector<v1::AskBotRequest> questions;

 private:
  Ledger& ledger_;
};
}  // namespace chat_fake

namespace tasks_fake {
namespace v1 = tasks::v1;
class FakeTasks final : public v1::Tasks {
 public:
  explicit FakeTasks(Ledger& ledger) : ledger_(ledger) {}
  Task<Result<v1::CreateRequestReply>> create_request(runtime::Context& context, v1::CreateRequestRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "create_request"));
    keys.push_back(context.idempotency_key);
    requests.push_back(request.task);
    instances.push_back(request.process_instance);
    // As the contract says: the task of a case is one, however often it is asked for.
    if (distinct) reply.task.id = ids.try_emplace({request.process_instance, request.task.type.subtype}, context.new_id()).first->second;
    co_return reply;
  }
  Task<Result<v1::FindOpenReply>> find_open(runtime::Context& context, v1::FindOpenRequest request) override {
    CO_TRY(co_await ledger_.enter(context, "find_open"));
    searches.push_back(request);
    co_return found;
  }
  NOT_CALLED(Task, create_task, CreateTaskRequest)
  NOT_CALLED(ListTasksReply, list_tasks, ListTasksRequest)
  NOT_CALLED(Task, get_task, GetTaskRequest)
  NOT_CALLED(ListTransitionsReply, list_transitions, GetTaskRequest)
  NOT_CALLED(Task, make_transition, MakeTransitionRequest)
  NOT_CALLED(Task, set_assignee, SetAssigneeRequest)
  NOT_CALLED(HistoryReply, get_history, GetTaskRequest)
  NOT_CALLED(Feedback, get_feedback, GetTaskRequest)
  NOT_CALLED(ListAssignmentsReply, list_assignments, ListAssignmentsRequest)

  v1::CreateRequestReply reply;
  v1::FindOpenReply found;
  bool distinct = false;  // a task of its own for each case, else that of `reply`
  std::map<std::pair<std::optional<std::int64_t>, std::string>, Uuid> ids;
  std::vector<v1::CreateTaskRequest> requests;
  std::vector<std::string> keys;
  std::vector<v1::FindOpenRequest> searches;
  std::vector<std::optional<std::int64_t>> instances;

 private:
  Ledger& ledger_;
};
}  // namespace tasks_fake

#undef NOT_CALLED

struct FakeServices {
  Ledger ledger;
  users_fake::FakeUsers users{ledger};
  sessions_fake::FakeSessions sessions{ledger};
  chat_fake::FakeChat chat{ledger};
  tasks_fake::FakeTasks tasks{ledger};
  JobDependencies dependencies{users, sessions, chat, tasks};

  users::v1::User& add_draft(const Uuid& id, users::v1::UserType type) {
    users::v1::User& user = users.people[id];
    user.id = id;
    user.type = type;
    user.status = users::v1::UserStatus::kDraft;
    user.username = "79990000001";
    user.first_name = "Anna";
    user.last_name = "Berg";
    user.language = "de";
    return user;
  }
};

}  // namespace consilium::processes::testing
