#include "services/users/service.h"

#include <gtest/gtest.h>

#include <set>

#include "ports/database/service_bench_testing.h"
#include "services/users/migrations.h"
#include "services/users/roles.h"

namespace consilium::users {
namespace {

using database::testing::ServiceBench;
using runtime::Context;

class UsersServiceTest : public ::testing::Test {
 protected:
  UsersServiceTest() {
    bench_.migrate("users", migrations());
    administrator_ = bench_.user(bench_.service("test").new_id(), permissions_of({"administrator"}));
  }

  static v1::CreateClientRequest client(std::string phone = "+49301234567") {
    v1::CreateClientRequest request;
    request.first_name = "Anna";
    request.last_name = "Berg";
    request.sex = v1::Sex::kF;
    request.birth_date = {1990, 5, 17};
    request.phone = std::move(phone);
    return request;
  }
  static v1::CreateConsultantRequest consultant(std::string email = "clara@example.org") {
    v1::CreateConsultantRequest request;
    request.first_name = "Clara";
    request.last_name = "Weiss";
    request.email = std::move(email);
    request.groups = {"consultant-med", "consultant"};
    return request;
  }

  v1::User made(std::string phone = "+49301234567") {
    return *bench_.run(service_.create_client(administrator_, client(std::move(phone))));
  }
  v1::User activated(std::string phone = "+49301234567") {
    return *bench_.run(service_.activate_user(platform_, {made(std::move(phone)).id}));
  }
  Result<v1::User> get(Context& context, Uuid id) { return bench_.run(service_.get_user(context, {id})); }
  std::vector<database::AuditEntry> audit(Uuid subject) {
    return *bench_.read("users", [&](database::Transaction& transaction) {
      return database::AuditTable("users").list(transaction, database::to_value(subject));
    });
  }
  std::int64_t rows() {
    auto row =
        bench_.read("users", [](database::Transaction& transaction) { return transaction.query_one("SELECT count(*) FROM users_user"); });
    return (*row)->integer(0);
  }

  ServiceBench bench_;
  UsersService service_{bench_.store().service("users")};
  Context platform_ = bench_.service("processes");
  Context administrator_ = bench_.anonymous();
};

TEST_F(UsersServiceTest, CreatesADraftThatIsAnnounced) {
  const v1::User user = made();
  EXPECT_EQ(user.status, v1::UserStatus::kDraft);
  EXPECT_EQ(user.username, "+49301234567");
  EXPECT_EQ(user.groups, std::vector<std::string>{"client"});
  EXPECT_EQ(user.version, 1);
  EXPECT_EQ(get(administrator_, user.id), user);
  EXPECT_EQ(bench_.topics("users"), std::vector<std::string>{"users.v1.draft-created"});
  ASSERT_EQ(audit(user.id).size(), 1U);
  EXPECT_EQ(audit(user.id)[0].call, "CreateClient");
  EXPECT_EQ(audit(user.id)[0].actor, "user:" + administrator_.caller.user_id.text());
}

TEST_F(UsersServiceTest, B_04_KeepsEveryField) {
  v1::CreateExpertRequest request;
  request.first_name = "Elena";
  request.middle_name = "Maria";
  request.last_name = "Roth";
  request.email = "elena@example.org";
  request.groups = {"doctor-orthopedist", "doctor-dentist"};
  request.photo_url = "https://example.org/elena.png";
  request.language = "ru";
  request.username = "Elena.Roth";
  request.specialization = "Dentist";
  const v1::User expert = *bench_.run(service_.create_expert(administrator_, request));
  v1::SetLinksRequest links;
  links.id = expert.id;
  links.chat_user_id = platform_.new_id();
  links.identity_id = platform_.new_id();
  links.common_channel_id = platform_.new_id();
  const v1::User linked = *bench_.run(service_.set_links(platform_, links));
  EXPECT_EQ(linked.username, "elena.roth");
  EXPECT_EQ(linked.middle_name, "Maria");
  EXPECT_EQ(linked.photo_url, request.photo_url);
  EXPECT_EQ(linked.language, "ru");
  EXPECT_EQ(linked.specialization, "Dentist");
  EXPECT_EQ(linked.groups, (std::vector<std::string>{"doctor-dentist", "doctor-orthopedist"}));
  EXPECT_EQ(linked.chat_user_id, links.chat_user_id);
  EXPECT_EQ(linked.identity_id, links.identity_id);
  EXPECT_EQ(linked.common_channel_id, links.common_channel_id);
  EXPECT_EQ(linked.version, 2);
  EXPECT_EQ(get(administrator_, expert.id), linked);
  EXPECT_EQ(bench_.run(service_.find_user(platform_, {"ELENA.roth"})), linked);
}

// Whatever the fields hold, the same comes back, through the table and through both codecs.
TEST_F(UsersServiceTest, B_04_RoundTripsRandomUsers) {
  SeededRandom random(ServiceBench::kSeed);
  const auto maybe = [&](auto value) { return random.below(2) == 0 ? std::optional(std::move(value)) : std::nullopt; };
  const auto text = [&] { return "text " + std::to_string(random.next()) + " \xd0\x96'\"%"; };
  const auto id = [&] { return make_uuid_v7({static_cast<std::int64_t>(random.below(1ULL << 50))}, random); };
  const v1::UserType types[] = {v1::UserType::kClient, v1::UserType::kConsultant, v1::UserType::kExpert, v1::UserType::kSupervisor,
                                v1::UserType::kAdministrator};
  const v1::UserStatus statuses[] = {v1::UserStatus::kDraft, v1::UserStatus::kActive, v1::UserStatus::kLocked, v1::UserStatus::kDeleted};
  for (int i = 0; i < 200; ++i) {
    v1::User user;
    user.id = id();
    user.username = text();
    user.type = types[random.below(5)];
    user.status = statuses[random.below(4)];
    if (random.below(2) == 0) user.groups = {"client", "doctor-dentist"};
    user.first_name = text();
    user.middle_name = maybe(text());
    user.last_name = text();
    user.sex = maybe(random.below(2) == 0 ? v1::Sex::kM : v1::Sex::kF);
    user.birth_date = maybe(Date{1900 + static_cast<int>(random.below(120)), 1 + static_cast<int>(random.below(12)), 28});
    user.phone = maybe(text());
    user.email = maybe(text());
    user.photo_url = maybe(text());
    user.language = text();
    user.chat_user_id = maybe(id());
    user.identity_id = maybe(id());
    user.common_channel_id = maybe(id());
    user.specialization = maybe(text());
    // JSON knows milliseconds.
    user.created_at = {static_cast<std::int64_t>(random.below(1ULL << 40)) * 1000};
    user.updated_at = {static_cast<std::int64_t>(random.below(1ULL << 40)) * 1000};
    user.version = static_cast<std::int64_t>(random.below(1ULL << 50));
    const auto stored = bench_.write("users", [&](database::Transaction& transaction) -> Result<std::optional<v1::User>> {
      TRY(insert_user(transaction, user));
      return users::find_user(transaction, user.id);
    });
    ASSERT_TRUE(stored) << stored.error().describe();
    ASSERT_EQ(*stored, user) << "seed " << ServiceBench::kSeed << ", user " << i;
    ASSERT_EQ(decode_wire<v1::User>(encode_wire(user)), user) << "seed " << ServiceBench::kSeed << ", user " << i;
    ASSERT_EQ(decode_json<v1::User>(encode_json(user), UnknownMembers::kRefuse), user) << "seed " << ServiceBench::kSeed << ", user " << i;
  }
}

TEST_F(UsersServiceTest, B_01_B_02_LeavesNothingBehindForABadGroup) {
  v1::CreateConsultantRequest request = consultant();
  request.groups = {"consultant", "doctor-dentist"};
  const auto answer = bench_.run(service_.create_consultant(administrator_, request));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "users.unknown-group");
  EXPECT_EQ(rows(), 0);
  EXPECT_TRUE(bench_.topics("users").empty());
}

TEST_F(UsersServiceTest, B_03_MakesOneOfFiftyWithTheSamePhone) {
  std::vector<Context> contexts;
  for (int i = 0; i < 50; ++i) contexts.push_back(administrator_);
  std::vector<std::shared_ptr<std::optional<Result<v1::User>>>> answers;
  for (Context& context : contexts) answers.push_back(bench_.start(service_.create_client(context, client())));
  int successes = 0;
  for (auto& answer : answers) {
    const auto user = bench_.finish(answer);
    successes += user ? 1 : 0;
    if (!user) {
      EXPECT_EQ(user.error().code, "users.username-taken");
    }
  }
  EXPECT_EQ(successes, 1);
  EXPECT_EQ(rows(), 1);
}

TEST_F(UsersServiceTest, B_03_FreesTheNameOfTheDeleted) {
  const v1::User first = made();
  ASSERT_TRUE(bench_.run(service_.delete_user(platform_, {first.id})));
  EXPECT_EQ(bench_.run(service_.find_user(platform_, {first.username})).error().code, "users.not-found");
  EXPECT_EQ(get(administrator_, first.id)->status, v1::UserStatus::kDeleted);
  EXPECT_NE(made().id, first.id);
}

TEST_F(UsersServiceTest, RepeatsTheAnswerOfACreatingCall) {
  Context context = administrator_;
  context.idempotency_key = "key-1";
  const v1::User first = *bench_.run(service_.create_client(context, client()));
  EXPECT_EQ(bench_.run(service_.create_client(context, client())), first);
  EXPECT_EQ(bench_.run(service_.create_client(context, client("+49301234568"))).error().code, "request.idempotency-key-reused");
  EXPECT_EQ(rows(), 1);
  EXPECT_EQ(bench_.topics("users").size(), 1U);
}

TEST_F(UsersServiceTest, B_07_TellsEveryChangeOfStatus) {
  const v1::User user = activated();
  ASSERT_TRUE(bench_.run(service_.lock_user(administrator_, {user.id})));
  ASSERT_TRUE(bench_.run(service_.unlock_user(administrator_, {user.id})));
  ASSERT_TRUE(bench_.run(service_.activate_user(platform_, {user.id})));
  ASSERT_TRUE(bench_.run(service_.delete_user(platform_, {user.id})));
  EXPECT_EQ(bench_.topics("users"), (std::vector<std::string>{"users.v1.draft-created", "users.v1.activated", "users.v1.locked",
                                                              "users.v1.unlocked", "users.v1.deleted"}));
  const v1::User deleted = *get(administrator_, user.id);
  EXPECT_EQ(deleted.version, 5);
  EXPECT_EQ(bench_.run(service_.activate_user(platform_, {user.id})).error().code, "users.illegal-status");
  EXPECT_EQ(get(administrator_, user.id), deleted);
}

TEST_F(UsersServiceTest, B_09_KnowsNoPhantoms) {
  const Uuid nobody = platform_.new_id();
  EXPECT_EQ(get(administrator_, nobody).error().code, "users.not-found");
  EXPECT_EQ(bench_.run(service_.find_user(platform_, {"nobody"})).error().code, "users.not-found");
  EXPECT_EQ(bench_.run(service_.activate_user(platform_, {nobody})).error().code, "users.not-found");
  EXPECT_EQ(bench_.run(service_.lock_user(administrator_, {nobody})).error().code, "users.not-found");
  v1::SetLinksRequest links;
  links.id = nobody;
  EXPECT_EQ(bench_.run(service_.set_links(platform_, links)).error().code, "users.not-found");
}

TEST_F(UsersServiceTest, B_10_ST_1_LetsOneOfManyChangesOfAVersionWin) {
  const v1::User user = activated();
  std::vector<Context> contexts;
  for (int i = 0; i < 100; ++i) contexts.push_back(administrator_);
  std::vector<std::shared_ptr<std::optional<Result<v1::User>>>> answers;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    v1::ChangeProfileRequest request;
    request.id = user.id;
    request.version = user.version;
    request.first_name = "Name " + std::to_string(i);
    answers.push_back(bench_.start(service_.change_profile(contexts[i], request)));
  }
  std::vector<v1::User> winners;
  for (auto& answer : answers) {
    const auto changed = bench_.finish(answer);
    if (changed) {
      winners.push_back(*changed);
    } else {
      EXPECT_EQ(changed.error().code, "users.stale");
      EXPECT_EQ(changed.error().kind, ErrorKind::kStale);
    }
  }
  ASSERT_EQ(winners.size(), 1U);
  EXPECT_EQ(get(administrator_, user.id), winners[0]);
  EXPECT_EQ(winners[0].version, user.version + 1);
}

TEST_F(UsersServiceTest, ChangesGroups) {
  const v1::User user = *bench_.run(service_.create_consultant(administrator_, consultant()));
  EXPECT_EQ(user.username, "clara");
  v1::ChangeGroupsRequest request;
  request.id = user.id;
  request.version = user.version;
  request.groups = {"consultant-lawyer"};
  const v1::User changed = *bench_.run(service_.change_groups(administrator_, request));
  EXPECT_EQ(changed.groups, request.groups);
  EXPECT_EQ(get(administrator_, user.id), changed);
  EXPECT_EQ(bench_.run(service_.change_groups(administrator_, request)).error().code, "users.stale");
  EXPECT_EQ(bench_.topics("users").back(), "users.v1.profile-changed");
}

TEST_F(UsersServiceTest, StoresWhatIsClearedAndTellsOfIt) {
  const v1::User user = activated();
  v1::ChangeProfileRequest given;
  given.id = user.id;
  given.version = user.version;
  given.middle_name = "Maria";
  given.photo_url = "https://example.org/anna.png";
  const v1::User with = *bench_.run(service_.change_profile(administrator_, given));
  ASSERT_TRUE(with.middle_name && with.photo_url);
  v1::ChangeProfileRequest taken;
  taken.id = user.id;
  taken.version = with.version;
  taken.cleared = {"middleName", "photoUrl"};
  const v1::User without = *bench_.run(service_.change_profile(administrator_, taken));
  EXPECT_FALSE(without.middle_name || without.photo_url);
  EXPECT_EQ(get(administrator_, user.id), without);
  EXPECT_EQ(without.version, with.version + 1);
  EXPECT_EQ(bench_.topics("users").back(), "users.v1.profile-changed");
}

TEST_F(UsersServiceTest, LeavesNoTraceOfAChangeThatChangesNothing) {
  const v1::User user = activated();
  v1::ChangeProfileRequest request;
  request.id = user.id;
  request.version = user.version;
  request.first_name = user.first_name;
  EXPECT_EQ(bench_.run(service_.change_profile(administrator_, request)), user);
  EXPECT_EQ(bench_.topics("users").size(), 2U);
}

TEST_F(UsersServiceTest, B_05_B_11_WalksAllPagesMeetingEachOnce) {
  for (int i = 0; i < 23; ++i) {
    made("+4930000" + std::to_string(100 + i));
    if (i % 5 == 0) bench_.pass(milliseconds(3));
  }
  ASSERT_TRUE(bench_.run(service_.create_consultant(administrator_, consultant())));
  v1::ListUsersRequest request;
  request.limit = 5;
  request.count = true;
  std::vector<v1::User> walked;
  do {
    const v1::ListUsersReply page = *bench_.run(service_.list_users(administrator_, request));
    EXPECT_EQ(page.total, 24);
    EXPECT_EQ(page.items.size() == 5, page.next_cursor.has_value());
    walked.insert(walked.end(), page.items.begin(), page.items.end());
    request.cursor = page.next_cursor;
  } while (request.cursor);
  ASSERT_EQ(walked.size(), 24U);
  std::set<Uuid> ids;
  for (std::size_t i = 0; i < walked.size(); ++i) {
    ids.insert(walked[i].id);
    EXPECT_EQ(get(administrator_, walked[i].id), walked[i]) << "the list shows people as they are, groups included";
    if (i > 0) {
      EXPECT_TRUE(std::pair(walked[i - 1].created_at, walked[i - 1].id) > std::pair(walked[i].created_at, walked[i].id));
    }
  }
  EXPECT_EQ(ids.size(), 24U);
}

TEST_F(UsersServiceTest, B_12_FillsTheLastPageExactly) {
  for (int i = 0; i < 4; ++i) made("+4930000" + std::to_string(100 + i));
  v1::ListUsersRequest request;
  request.limit = 4;
  const v1::ListUsersReply page = *bench_.run(service_.list_users(administrator_, request));
  EXPECT_EQ(page.items.size(), 4U);
  EXPECT_FALSE(page.next_cursor);
  EXPECT_FALSE(page.total);
}

// Filters are part of the question to the table: pages are full, and the last one alone is short.
TEST_F(UsersServiceTest, B_12_FilteredPagesAreFullButTheLast) {
  for (int i = 0; i < 30; ++i) {
    const v1::User user = made("+4930000" + std::to_string(100 + i));
    if (i % 3 == 0) {
      ASSERT_TRUE(bench_.run(service_.activate_user(platform_, {user.id})));
    }
  }
  v1::ListUsersRequest request;
  request.status = v1::UserStatus::kActive;
  request.group = "client";
  request.limit = 4;
  std::vector<std::size_t> sizes;
  do {
    const v1::ListUsersReply page = *bench_.run(service_.list_users(administrator_, request));
    sizes.push_back(page.items.size());
    for (const v1::User& user : page.items) EXPECT_EQ(user.status, v1::UserStatus::kActive);
    request.cursor = page.next_cursor;
  } while (request.cursor);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
}

TEST_F(UsersServiceTest, FindsByEachFilter) {
  const v1::User anna = activated();
  const v1::User clara = *bench_.run(service_.create_consultant(administrator_, consultant()));
  const auto ids = [&](v1::ListUsersRequest request) {
    std::vector<Uuid> found;
    const v1::ListUsersReply page = *bench_.run(service_.list_users(administrator_, std::move(request)));
    for (const v1::User& user : page.items) found.push_back(user.id);
    return found;
  };
  const std::vector<Uuid> only_anna = {anna.id};
  const std::vector<Uuid> only_clara = {clara.id};
  v1::ListUsersRequest request;
  request.type = v1::UserType::kConsultant;
  EXPECT_EQ(ids(request), only_clara);
  request = {};
  request.status = v1::UserStatus::kActive;
  EXPECT_EQ(ids(request), only_anna);
  request = {};
  request.group = "consultant-med";
  EXPECT_EQ(ids(request), only_clara);
  request = {};
  request.username = "CLARA";
  EXPECT_EQ(ids(request), only_clara);
  request = {};
  request.phone = anna.phone;
  EXPECT_EQ(ids(request), only_anna);
  request = {};
  request.email = "clara@example.org";
  EXPECT_EQ(ids(request), only_clara);
  request.type = v1::UserType::kClient;
  EXPECT_TRUE(ids(request).empty());
  ASSERT_TRUE(bench_.run(service_.delete_user(platform_, {anna.id})));
  EXPECT_EQ(ids({}), only_clara);
  request = {};
  request.status = v1::UserStatus::kDeleted;
  EXPECT_EQ(ids(request), only_anna);
  request.cursor = "page-2";
  EXPECT_EQ(bench_.run(service_.list_users(administrator_, request)).error().code, "users.bad-cursor");
}

TEST_F(UsersServiceTest, ShowsContactsToOwnersAndManagersOnly) {
  const v1::User anna = activated();
  Context self = bench_.user(anna.id, permissions_of({"client"}));
  Context colleague = bench_.user(platform_.new_id(), permissions_of({"consultant"}));
  Context stranger = bench_.user(platform_.new_id(), permissions_of({"client"}));
  Context supervisor = bench_.user(platform_.new_id(), permissions_of({"supervisor"}));
  EXPECT_EQ(get(self, anna.id), anna);
  EXPECT_EQ(bench_.run(service_.get_me(self, {})), anna);
  EXPECT_EQ(get(supervisor, anna.id), anna);
  EXPECT_EQ(get(colleague, anna.id), without_contacts(anna));
  EXPECT_EQ(bench_.run(service_.list_users(colleague, {}))->items, std::vector<v1::User>{without_contacts(anna)});
  v1::ListUsersRequest by_phone;
  by_phone.phone = anna.phone;
  EXPECT_EQ(bench_.run(service_.list_users(colleague, by_phone)).error().code, "users.contacts-hidden");
  EXPECT_EQ(get(stranger, anna.id).error().code, "users.not-found");
  const std::vector<database::AuditEntry> entries = audit(anna.id);
  EXPECT_EQ(entries.back().call, "GetUser");
  EXPECT_EQ(entries.back().outcome, "users.not-found");
  EXPECT_EQ(entries.back().actor, "user:" + stranger.caller.user_id.text());
}

// Each call with each role, on a foreign person. What is refused is on record.
TEST_F(UsersServiceTest, B_15_U_6_AsksEveryCallerForTheRight) {
  const Uuid nobody = platform_.new_id();
  for (const std::string_view role : role_names()) {
    Context caller = role == "service" ? bench_.service("test") : bench_.user(platform_.new_id(), permissions_of({std::string(role)}));
    const bool manages = role == "administrator" || role == "service";
    const bool reads = manages || role == "supervisor" || role == "consultant" || role == "expert";
    const bool is_service = role == "service";
    const auto forbidden = [&](auto answer) { return !answer && answer.error().code == "request.forbidden"; };
    v1::ChangeGroupsRequest groups;
    groups.id = nobody;
    v1::ChangeProfileRequest profile;
    profile.id = nobody;
    v1::SetLinksRequest links;
    links.id = nobody;
    v1::CreateStaffRequest staff;
    staff.type = v1::UserType::kSupervisor;
    staff.username = "boss";
    EXPECT_EQ(forbidden(bench_.run(service_.create_client(caller, client()))), !manages) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.create_consultant(caller, consultant()))), !manages) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.create_expert(caller, {}))), !manages) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.lock_user(caller, {nobody}))), !manages) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.unlock_user(caller, {nobody}))), !manages) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.change_groups(caller, groups))), !manages) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.list_users(caller, {}))), !reads) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.list_groups(caller, {}))), !reads) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.create_staff(caller, staff))), !is_service) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.find_user(caller, {"boss"}))), !is_service) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.set_links(caller, links))), !is_service) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.activate_user(caller, {nobody}))), !is_service) << role;
    EXPECT_EQ(forbidden(bench_.run(service_.delete_user(caller, {nobody}))), !is_service) << role;
    EXPECT_EQ(bench_.run(service_.change_profile(caller, profile)).error().code, manages || !reads ? "users.not-found" : "users.not-yours")
        << role;
  }
  Context anonymous = bench_.anonymous();
  EXPECT_EQ(bench_.run(service_.list_users(anonymous, {})).error().code, "request.forbidden");
  EXPECT_EQ(bench_.run(service_.get_me(anonymous, {})).error().code, "users.not-found");
  // Calls about nobody: 5 by those who do not manage (4 roles), 4 for services alone (5 roles), and the changes of profiles.
  EXPECT_EQ(audit(nobody).size(), 4U * 3 + 5U * 3 + 4U);
}

TEST_F(UsersServiceTest, LetsPeopleChangeTheirOwnProfile) {
  const v1::User anna = activated();
  Context self = bench_.user(anna.id, permissions_of({"client"}));
  v1::ChangeProfileRequest request;
  request.id = anna.id;
  request.version = anna.version;
  request.language = "ru";
  const v1::User changed = *bench_.run(service_.change_profile(self, request));
  EXPECT_EQ(changed.language, "ru");
  EXPECT_EQ(changed.version, anna.version + 1);
  EXPECT_GE(changed.updated_at, anna.updated_at);
  EXPECT_EQ(audit(anna.id).size(), 2U) << "creation and activation; one's own change is no administrative call";
}

TEST_F(UsersServiceTest, MakesStaffForServices) {
  v1::CreateStaffRequest request;
  request.type = v1::UserType::kSupervisor;
  request.username = "Boss";
  request.first_name = "Sam";
  request.last_name = "Lund";
  const v1::User boss = *bench_.run(service_.create_staff(platform_, request));
  EXPECT_EQ(boss.username, "boss");
  EXPECT_EQ(boss.groups, std::vector<std::string>{"supervisor"});
  EXPECT_EQ(bench_.run(service_.create_staff(platform_, request)).error().code, "users.username-taken");
  request.type = v1::UserType::kClient;
  EXPECT_EQ(bench_.run(service_.create_staff(platform_, request)).error().code, "request.invalid");
}

TEST_F(UsersServiceTest, B_01_ListsTheGroups) {
  const v1::ListGroupsReply reply = *bench_.run(service_.list_groups(administrator_, {}));
  ASSERT_EQ(reply.items.size(), 7U);
  EXPECT_EQ(reply.items[3].code, "consultant-med");
  EXPECT_EQ(reply.items[3].type, v1::UserType::kConsultant);
}

TEST_F(UsersServiceTest, B_77_WhenAPersonWasMadeIsNeverChanged) {
  const v1::User first = made();
  const auto look = [&](const char* after) {
    const v1::User now = *get(administrator_, first.id);
    EXPECT_EQ(now.created_at, first.created_at) << after;
    return now;
  };
  bench_.pass(minutes(1));
  ASSERT_TRUE(bench_.run(service_.activate_user(platform_, {first.id})));
  v1::ChangeProfileRequest profile;
  profile.id = first.id;
  profile.version = look("activation").version;
  profile.first_name = "Anne";
  bench_.pass(minutes(1));
  ASSERT_TRUE(bench_.run(service_.change_profile(administrator_, profile)));
  v1::SetLinksRequest links;
  links.id = first.id;
  links.identity_id = bench_.service("test").new_id();
  ASSERT_TRUE(bench_.run(service_.set_links(platform_, links)));
  look("profile and links");
  ASSERT_TRUE(bench_.run(service_.lock_user(administrator_, {first.id})));
  bench_.pass(minutes(1));
  ASSERT_TRUE(bench_.run(service_.delete_user(platform_, {first.id})));
  EXPECT_GT(look("the end").updated_at, first.created_at);
}

}  // namespace
}  // namespace consilium::users
