#include "app/demo_people.h"

#include <set>

#include "app/people.h"

namespace consilium::app {
namespace {

struct DemoPerson {
  std::string_view username;
  std::string_view role;
  std::string_view first_name;
  std::string_view last_name;
  std::string_view phone;  // clients
  std::string_view language;
};

constexpr DemoPerson kPeople[] = {
    {"anna", "client", "Anna", "Ivanova", "+70000000001", "ru"},
    {"boris", "client", "Boris", "Brown", "+70000000002", "en"},
    {"clara", "consultant", "Clara", "Clark", "", "en"},
    {"david", "consultant", "David", "Danilov", "", "ru"},
    {"elena", "expert", "Elena", "Evans", "", "en"},
    {"admin", "administrator", "Ada", "Admin", "", "en"},
};

// Letters and digits that nobody mistakes for each other.
std::string make_password(RandomSource& random) {
  constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string password;
  for (int i = 0; i < 12; ++i) password += kAlphabet[random.below(kAlphabet.size())];
  return password;
}

Task<Result<users::v1::User>> create(Platform& platform, runtime::Context& context, const DemoPerson& person) {
  if (person.role == "client") {
    users::v1::CreateClientRequest request;
    request.first_name = person.first_name;
    request.last_name = person.last_name;
    request.sex = users::v1::Sex::kF;
    request.birth_date = Date{1980, 5, 17};
    request.phone = person.phone;
    request.username = std::string(person.username);
    request.language = std::string(person.language);
    auto created = co_await platform.users().create_client(context, std::move(request));
    co_return created;
  }
  if (person.role == "consultant") {
    users::v1::CreateConsultantRequest request;
    request.first_name = person.first_name;
    request.last_name = person.last_name;
    request.email = std::string(person.username) + "@demo.example";
    request.groups.emplace_back("consultant");
    request.language = std::string(person.language);
    auto created = co_await platform.users().create_consultant(context, std::move(request));
    co_return created;
  }
  if (person.role == "expert") {
    users::v1::CreateExpertRequest request;
    request.first_name = person.first_name;
    request.last_name = person.last_name;
    request.email = std::string(person.username) + "@demo.example";
    request.groups.emplace_back("doctor-dentist");
    request.language = std::string(person.language);
    auto created = co_await platform.users().create_expert(context, std::move(request));
    co_return created;
  }
  users::v1::CreateStaffRequest request;
  request.type = users::v1::UserType::kAdministrator;
  request.username = person.username;
  request.first_name = person.first_name;
  request.last_name = person.last_name;
  request.language = std::string(person.language);
  auto created = co_await platform.users().create_staff(context, std::move(request));
  co_return created;
}

Task<Result<void>> set_password(Platform& platform, runtime::Context& context, users::v1::User user, Secret password) {
  auto link = co_await make_link(platform, context, std::move(user));
  if (!link) co_return fail(std::move(link).error());
  sessions::v1::SetPasswordRequest request;
  request.token = link->token;
  request.password = std::move(password);
  auto set = co_await platform.sessions().set_password(context, std::move(request));
  if (!set) co_return fail(std::move(set).error());
  co_return Result<void>();
}

// Setting a password ends the person's sessions, so it is set only where it differs.
Task<Result<bool>> opens_with(Platform& platform, runtime::Context& context, const std::string& username, Secret password) {
  sessions::v1::LoginRequest request;
  request.username = username;
  request.password = std::move(password);
  auto opened = co_await platform.sessions().login(context, std::move(request));
  if (!opened) co_return false;  // another password, none yet, or locked: setting it helps in each case
  runtime::Context person = context;
  person.caller = {};
  person.caller.kind = runtime::Caller::Kind::kUser;
  person.caller.user_id = opened->user.id;
  sessions::v1::EndSessionRequest end;
  end.id = opened->session_id;
  auto ended = co_await platform.sessions().end_session(person, end);
  if (!ended) co_return fail(std::move(ended).error());
  co_return true;
}

}  // namespace

Task<Result<std::vector<DemoLogin>>> create_demo_people(Platform& platform, runtime::Context& context, Secret password) {
  std::set<std::string_view> found;
  for (const DemoPerson& person : kPeople) {
    auto known = co_await find_person(platform, context, std::string(person.username));
    if (known) found.insert(person.username);
    if (known) continue;
    if (known.error().kind != ErrorKind::kNotFound) co_return fail(std::move(known).error());
    auto created = co_await create(platform, context, person);
    if (!created) co_return fail(std::move(created).error());
  }
  std::vector<DemoLogin> logins;
  for (const DemoPerson& person : kPeople) {
    auto user = co_await wait_until_active(platform, context, std::string(person.username));
    if (!user) co_return fail(std::move(user).error());
    Secret chosen = password.empty() ? Secret(make_password(context.random())) : password;
    logins.push_back({std::string(person.username), std::string(person.role), chosen});
    if (!password.empty() && found.contains(person.username)) {
      auto opens = co_await opens_with(platform, context, logins.back().username, password);
      if (!opens) co_return fail(std::move(opens).error());
      if (*opens) continue;
    }
    auto set = co_await set_password(platform, context, std::move(*user), std::move(chosen));
    if (!set) co_return fail(std::move(set).error());
  }
  co_return logins;
}

}  // namespace consilium::app
