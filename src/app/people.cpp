#include "app/people.h"

namespace consilium::app {
namespace {

constexpr Duration kLookEvery = milliseconds(50);
constexpr Duration kPatience = minutes(1);

}  // namespace

std::string password_url(std::string_view base_url, const Secret& token) { return std::string(base_url) + "/password#" + token.reveal(); }

Task<Result<users::v1::User>> find_person(Platform& platform, runtime::Context& context, std::string username) {
  users::v1::FindUserRequest request;
  request.username = std::move(username);
  auto found = co_await platform.users().find_user(context, std::move(request));
  co_return found;
}

Task<Result<users::v1::User>> wait_until_active(Platform& platform, runtime::Context& context, std::string username) {
  const Timestamp end = context.scheduler().steady_now() + kPatience;
  for (;;) {
    auto user = co_await find_person(platform, context, username);
    if (!user) co_return user;
    if (user->status != users::v1::UserStatus::kDraft && user->identity_id) co_return user;
    if (auto wanted = context.check_deadline(); !wanted) co_return fail(std::move(wanted).error());
    if (context.scheduler().steady_now() > end) {
      co_return fail(ErrorKind::kDeadlineExceeded, "users.not-active-in-time",
                     "Expected the new account to become active within a minute; look at the incidents of p-create-user");
    }
    co_await context.scheduler().sleep_for(kLookEvery);
  }
}

Task<Result<OneTimeLink>> make_link(Platform& platform, runtime::Context& context, users::v1::User user) {
  sessions::v1::IdentityRequest identity;
  identity.user_id = user.id;
  auto link = co_await platform.sessions().create_one_time_link(context, identity);
  if (!link) co_return fail(std::move(link).error());
  co_return OneTimeLink{user.username, link->token, link->expires_at};
}

Task<Result<std::optional<OneTimeLink>>> make_first_administrator(Platform& platform, runtime::Context& context, std::string language) {
  users::v1::ListUsersRequest administrators;
  administrators.type = users::v1::UserType::kAdministrator;
  administrators.limit = 1;
  CO_ASSIGN_OR_RETURN(const auto known, co_await platform.users().list_users(context, std::move(administrators)));
  if (!known.items.empty()) co_return std::optional<OneTimeLink>();
  users::v1::CreateStaffRequest request;
  request.type = users::v1::UserType::kAdministrator;
  request.username = "admin";
  request.first_name = "First";
  request.last_name = "Administrator";
  request.language = std::move(language);
  CO_TRY(co_await platform.users().create_staff(context, std::move(request)));
  CO_ASSIGN_OR_RETURN(users::v1::User user, co_await wait_until_active(platform, context, "admin"));
  CO_ASSIGN_OR_RETURN(OneTimeLink link, co_await make_link(platform, context, std::move(user)));
  co_return std::optional<OneTimeLink>(std::move(link));
}

}  // namespace consilium::app
