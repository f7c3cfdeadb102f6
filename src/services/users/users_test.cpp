#include "services/users/users.h"

#include <gtest/gtest.h>

#include "services/users/roles.h"

namespace consilium::users {
namespace {

using v1::UserStatus;
using v1::UserType;

TEST(UserStatusMachine, B_07_AllowsWhatTheTableSaysAndNothingElse) {
  struct Line {
    UserStatus from;
    StatusChange change;
    std::optional<UserStatus> to;  // absent: refused
  };
  const Line table[] = {
      {UserStatus::kDraft, StatusChange::kActivate, UserStatus::kActive},
      {UserStatus::kDraft, StatusChange::kLock, std::nullopt},
      {UserStatus::kDraft, StatusChange::kUnlock, std::nullopt},
      {UserStatus::kDraft, StatusChange::kDelete, UserStatus::kDeleted},
      {UserStatus::kActive, StatusChange::kActivate, UserStatus::kActive},
      {UserStatus::kActive, StatusChange::kLock, UserStatus::kLocked},
      {UserStatus::kActive, StatusChange::kUnlock, std::nullopt},
      {UserStatus::kActive, StatusChange::kDelete, UserStatus::kDeleted},
      {UserStatus::kLocked, StatusChange::kActivate, std::nullopt},
      {UserStatus::kLocked, StatusChange::kLock, std::nullopt},
      {UserStatus::kLocked, StatusChange::kUnlock, UserStatus::kActive},
      {UserStatus::kLocked, StatusChange::kDelete, UserStatus::kDeleted},
      {UserStatus::kDeleted, StatusChange::kActivate, std::nullopt},
      {UserStatus::kDeleted, StatusChange::kLock, std::nullopt},
      {UserStatus::kDeleted, StatusChange::kUnlock, std::nullopt},
      {UserStatus::kDeleted, StatusChange::kDelete, UserStatus::kDeleted},
  };
  for (const Line& line : table) {
    const auto answer = status_after(line.from, line.change);
    const std::string where = std::string(v1::text_of(line.from)) + " + " + std::to_string(static_cast<int>(line.change));
    ASSERT_EQ(answer.has_value(), line.to.has_value()) << where;
    if (!answer) {
      EXPECT_EQ(answer.error().code, "users.illegal-status") << where;
      EXPECT_EQ(answer.error().kind, ErrorKind::kConflict) << where;
    } else {
      EXPECT_EQ(answer->value_or(line.from), *line.to) << where;
    }
  }
}

TEST(Usernames, ComeFromTheMail) {
  EXPECT_EQ(username_of_email("Clara.Weiss@example.org"), "clara.weiss");
  EXPECT_EQ(username_of_email("o'brien@example.org"), "o-brien");
  EXPECT_EQ(normalised_username("AnnA"), "anna");
}

std::vector<v1::Group> known_groups() {
  return {{"client", UserType::kClient}, {"consultant", UserType::kConsultant}, {"consultant-med", UserType::kConsultant}};
}

TEST(Groups, AreSortedAndUnique) {
  EXPECT_EQ(checked_groups(UserType::kConsultant, {"consultant-med", "consultant", "consultant"}, known_groups()),
            (std::vector<std::string>{"consultant", "consultant-med"}));
}

TEST(Groups, B_01_MustExistAndFit) {
  const auto answer = checked_groups(UserType::kConsultant, {"consultant", "medics", "client"}, known_groups());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "users.unknown-group");
  ASSERT_EQ(answer.error().fields.size(), 2U);
  EXPECT_EQ(answer.error().fields[0].name, "groups[1]");
  EXPECT_EQ(answer.error().fields[1].name, "groups[2]");
  EXPECT_EQ(answer.error().fields[1].code, "group-of-other-type");
}

TEST(BirthDates, B_06_HaveBoundsFromTheSettings) {
  const Date today{2026, 6, 15};
  Settings settings;
  settings.minimum_age = 18;
  settings.maximum_age = 100;
  EXPECT_TRUE(check_birth_date({2008, 6, 15}, today, settings));
  EXPECT_EQ(check_birth_date({2008, 6, 16}, today, settings).error().fields[0].code, "too-young");
  EXPECT_TRUE(check_birth_date({1925, 6, 16}, today, settings));
  EXPECT_EQ(check_birth_date({1925, 6, 15}, today, settings).error().fields[0].code, "too-early");
  EXPECT_EQ(check_birth_date({2026, 6, 16}, today, settings).error().fields[0].code, "in-future");
  EXPECT_TRUE(check_birth_date(today, today, Settings{}));
  EXPECT_TRUE(check_birth_date({1900, 1, 1}, {2020, 1, 1}, Settings{}));
  EXPECT_FALSE(check_birth_date({1899, 12, 31}, {2020, 1, 1}, Settings{}));
}

TEST(BirthDates, CountFullYears) {
  EXPECT_EQ(age_on({2000, 2, 29}, {2023, 2, 28}), 22);
  EXPECT_EQ(age_on({2000, 2, 29}, {2023, 3, 1}), 23);
}

TEST(Profiles, B_10_ChangeOnlyWhatIsNamed) {
  v1::User user;
  user.status = UserStatus::kActive;
  user.first_name = "Anna";
  user.middle_name = "Maria";
  user.last_name = "Berg";
  v1::ChangeProfileRequest request;
  request.last_name = "Dahl";
  v1::User expected = user;
  expected.last_name = "Dahl";
  EXPECT_EQ(with_profile(user, request), expected);
  request.middle_name = "";
  expected.middle_name.reset();
  EXPECT_EQ(with_profile(user, request), expected);
  user.status = UserStatus::kDeleted;
  EXPECT_EQ(with_profile(user, request).error().code, "users.illegal-status");
}

TEST(Profiles, LoseWhatIsCleared) {
  v1::User user;
  user.type = UserType::kClient;
  user.status = UserStatus::kActive;
  user.first_name = "Anna";
  user.middle_name = "Maria";
  user.email = "anna@example.org";
  user.photo_url = "https://example.org/anna.png";
  v1::ChangeProfileRequest request;
  request.first_name = "Anne";
  request.cleared = {"middleName", "email", "photoUrl"};
  v1::User expected = user;
  expected.first_name = "Anne";
  expected.middle_name.reset();
  expected.email.reset();
  expected.photo_url.reset();
  EXPECT_EQ(with_profile(user, request), expected);
}

TEST(Profiles, KeepWhatAPersonMustHave) {
  v1::User user;
  user.status = UserStatus::kActive;
  user.email = "clara@example.org";
  const auto refused = [&](UserType type, std::string member) {
    user.type = type;
    v1::ChangeProfileRequest request;
    request.cleared = {std::move(member)};
    const auto changed = with_profile(user, request);
    if (changed) return std::string("fine");
    return changed.error().code + " " + changed.error().fields.at(0).name + " " + changed.error().fields.at(0).code;
  };
  for (const char* member : {"firstName", "lastName", "language"})
    EXPECT_EQ(refused(UserType::kClient, member), "request.invalid " + std::string(member) + " required");
  EXPECT_EQ(refused(UserType::kConsultant, "email"), "request.invalid email required");
  EXPECT_EQ(refused(UserType::kExpert, "email"), "request.invalid email required");
  EXPECT_EQ(refused(UserType::kAdministrator, "email"), "fine");
}

TEST(Links, AreSetOnce) {
  SeededRandom random(5);
  const Uuid first = make_uuid_v7({1}, random);
  const Uuid second = make_uuid_v7({2}, random);
  v1::SetLinksRequest request;
  request.identity_id = first;
  v1::User user = *with_links({}, request);
  EXPECT_EQ(user.identity_id, first);
  EXPECT_EQ(with_links(user, request), user);
  request.identity_id = second;
  EXPECT_EQ(with_links(user, request).error().code, "users.link-set");
}

TEST(Contacts, AreHidden) {
  v1::User user;
  user.phone = "+49301234567";
  user.username = "+49301234567";
  user.email = "a@example.org";
  user.birth_date = Date{1990, 1, 1};
  user.first_name = "Anna";
  const v1::User shown = without_contacts(user);
  EXPECT_EQ(shown.username, "");
  EXPECT_FALSE(shown.phone || shown.email || shown.birth_date);
  EXPECT_EQ(shown.first_name, "Anna");
  user.username = "anna";
  EXPECT_EQ(without_contacts(user).username, "anna");
}

TEST(Roles, U_6_GiveWhatTheTableSays) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(permissions_of({"client"}), Names{"chat.post"});
  EXPECT_EQ(permissions_of({"consultant"}), (Names{"chat.post", "tasks.history", "tasks.work", "users.read"}));
  EXPECT_EQ(permissions_of({"expert"}), permissions_of({"consultant"}));
  EXPECT_EQ(permissions_of({"supervisor"}), (Names{"chat.post", "processes.read", "tasks.create", "tasks.history", "tasks.manage",
                                                   "tasks.read", "tasks.work", "users.contacts", "users.read"}));
  const auto may_read_refusals = [](const char* role) {
    const Names names = permissions_of({role});
    return std::find(names.begin(), names.end(), "sessions.refusals") != names.end();
  };
  EXPECT_TRUE(may_read_refusals("administrator"));
  for (const char* role : {"client", "consultant", "expert", "supervisor"}) EXPECT_FALSE(may_read_refusals(role)) << role;
  const auto all = permission_names();
  EXPECT_EQ(permissions_of({"administrator"}), Names(all.begin(), all.end()));
  EXPECT_EQ(permissions_of({"client", "consultant"}), permissions_of({"consultant"}));
  EXPECT_TRUE(permissions_of({"stranger"}).empty());
}

}  // namespace
}  // namespace consilium::users
