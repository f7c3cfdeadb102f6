// For tests of this service: it, on simulated time, with one person whose password is known.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ports/database/service_bench_testing.h"
#include "services/sessions/migrations.h"
#include "services/sessions/service.h"

namespace consilium::sessions::testing {

using database::testing::ServiceBench;
using runtime::Context;
namespace people = users::v1;

// The users service as this one sees it.
class FakeUsers final : public people::Users {
 public:
  std::map<Uuid, people::User> users;

  Task<Result<people::User>> get_user(Context&, people::GetUserRequest request) override {
    const auto found = users.find(request.id);
    if (found == users.end()) co_return fail(people::errors::not_found());
    co_return found->second;
  }
  Task<Result<people::User>> find_user(Context& context, people::FindUserRequest request) override {
    EXPECT_TRUE(context.caller.is_service());
    for (const auto& [id, user] : users) {
      if (user.username == request.username && user.status != people::UserStatus::kDeleted) co_return user;
    }
    co_return fail(people::errors::not_found());
  }

#define NOT_ASKED(call, Request, Reply) \
  Task<Result<people::Reply>> call(Context&, people::Request) override { co_return fail(internal_error("not asked for")); }
  NOT_ASKED(create_client, CreateClientRequest, User)
  NOT_ASKED(create_consultant, CreateConsultantRequest, User)
  NOT_ASKED(create_expert, CreateExpertRequest, User)
  NOT_ASKED(create_staff, CreateStaffRequest, User)
  NOT_ASKED(list_users, ListUsersRequest, ListUsersReply)
  NOT_ASKED(get_me, GetMeRequest, User)
  NOT_ASKED(list_groups, ListGroupsRequest, ListGroupsReply)
  NOT_ASKED(change_profile, ChangeProfileRequest, User)
  NOT_ASKED(change_groups, ChangeGroupsRequest, User)
  NOT_ASKED(set_links, SetLinksRequest, User)
  NOT_ASKED(lock_user, ChangeStatusRequest, User)
  NOT_ASKED(unlock_user, ChangeStatusRequest, User)
  NOT_ASKED(activate_user, ChangeStatusRequest, User)
  NOT_ASKED(delete_user, ChangeStatusRequest, User)
#undef NOT_ASKED
};

inline constexpr const char* kPassword = "correct horse battery";
inline constexpr const char* kOtherPassword = "staple of the morning";

inline Settings quick_settings() {
  Settings settings;
  settings.password = {.memory_kib = 8, .iterations = 1, .lanes = 1};
  return settings;
}

class SessionsServiceTest : public ::testing::Test {
 protected:
  explicit SessionsServiceTest(Settings settings = quick_settings()) : settings_(std::move(settings)) {
    bench_.migrate("sessions", migrations());
    keys_ = std::move(*KeyRing::open(key_store_, settings_.keys, bench_.random(), bench_.loop().now()));
    start_service();
    anna_ = add_user("anna", people::UserStatus::kActive);
    EXPECT_TRUE(identify(anna_, "anna", kPassword));
  }

  // As after a restart: what is in memory is gone.
  void start_service() {
    service_ = std::make_unique<SessionsService>(
        bench_.store().service("sessions"), users_, hasher_, *keys_,
        [](const std::vector<std::string>& roles) { return std::vector<std::string>{"of." + roles.at(0)}; }, settings_);
  }

  Uuid add_user(std::string username, people::UserStatus status) {
    people::User user;
    user.id = platform_.new_id();
    user.username = std::move(username);
    user.first_name = "Anna";
    user.last_name = "Berg";
    user.language = "en";
    user.type = people::UserType::kClient;
    user.status = status;
    users_.users[user.id] = user;
    return user.id;
  }
  void set_status(Uuid id, people::UserStatus status) { users_.users[id].status = status; }

  Result<v1::CreateIdentityReply> identify(Uuid user_id, std::string username, std::optional<std::string> password = {}) {
    v1::CreateIdentityRequest request;
    request.user_id = user_id;
    request.username = std::move(username);
    if (password) request.password = Secret(*password);
    return bench_.run(service_->create_identity(platform_, std::move(request)));
  }

  Result<v1::LoginReply> login(std::string username, std::string password, v1::SessionKind kind = v1::SessionKind::kCookie,
                               std::string address = "192.0.2.1") {
    Context context = bench_.anonymous();
    context.remote_address = std::move(address);
    v1::LoginRequest request;
    request.username = std::move(username);
    request.password = Secret(std::move(password));
    request.kind = kind;
    request.user_agent = "Browser 1";
    return bench_.run(service_->login(context, std::move(request)));
  }
  v1::LoginReply cookie() { return *login("anna", kPassword); }
  v1::LoginReply bearer() { return *login("anna", kPassword, v1::SessionKind::kBearer); }

  Result<v1::AuthenticateReply> by_cookie(const Secret& value) {
    v1::AuthenticateRequest request;
    request.cookie = value;
    return bench_.run(service_->authenticate(platform_, std::move(request)));
  }
  Result<v1::AuthenticateReply> by_token(const Secret& value) {
    v1::AuthenticateRequest request;
    request.access_token = value;
    return bench_.run(service_->authenticate(platform_, std::move(request)));
  }
  Result<v1::LoginReply> refresh(const Secret& token) {
    Context context = bench_.anonymous();
    v1::RefreshRequest request;
    request.refresh_token = token;
    return bench_.run(service_->refresh(context, std::move(request)));
  }
  Context as(const v1::LoginReply& session) {
    Context context = bench_.user(session.user.id);
    context.caller.session_id = session.session_id;
    return context;
  }
  Result<v1::OneTimeLinkReply> link(Uuid user_id) { return bench_.run(service_->create_one_time_link(platform_, {user_id})); }
  Result<v1::Nothing> use_link(const Secret& token, std::string password) {
    Context context = bench_.anonymous();
    return bench_.run(service_->set_password(context, {token, Secret(std::move(password))}));
  }
  template <class T>
  static std::string code(const Result<T>& result) {
    return result ? "fine" : result.error().code;
  }
  std::vector<std::string> end_reasons() {
    auto rows = bench_.read("sessions", [](database::Transaction& transaction) {
      return transaction.query("SELECT end_reason FROM sessions_session WHERE ended_at IS NOT NULL ORDER BY ended_at, id");
    });
    std::vector<std::string> reasons;
    for (const database::Row& row : *rows) reasons.push_back(row.text(0));
    return reasons;
  }

  const Settings settings_;
  ServiceBench bench_;
  FakeUsers users_;
  runtime::SimulatedPool pool_{milliseconds(20), 1};
  PasswordHasher hasher_{pool_, settings_.password};
  MemoryKeyStore key_store_;
  std::unique_ptr<KeyRing> keys_;
  std::unique_ptr<SessionsService> service_;
  Context platform_ = bench_.service("gateway");
  Uuid anna_;
};

}  // namespace consilium::sessions::testing
