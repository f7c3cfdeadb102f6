#include "services/sessions/service.h"

#include "services/sessions/events.h"
#include "services/sessions/service_testing.h"

namespace consilium::sessions {
namespace {

using runtime::Context;
using testing::kOtherPassword;
using testing::kPassword;
using testing::quick_settings;
using testing::SessionsServiceTest;
namespace people = users::v1;

TEST_F(SessionsServiceTest, GivesABrowserACookieAndNoToken) {
  const v1::LoginReply reply = cookie();
  ASSERT_TRUE(reply.cookie);
  EXPECT_EQ(reply.cookie->reveal().size(), 43U) << "256 bits";
  EXPECT_FALSE(reply.access_token || reply.refresh_token || reply.expires_in);
  EXPECT_EQ(reply.user.display_name, "Anna Berg");
  const auto who = by_cookie(*reply.cookie);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->session_id, reply.session_id);
  EXPECT_EQ(who->user, reply.user);
  EXPECT_EQ(who->roles, std::vector<std::string>{"client"});
  EXPECT_EQ(who->user.permissions, std::vector<std::string>{"of.client"});
  EXPECT_EQ(bench_.topics("sessions"), std::vector<std::string>{"sessions.v1.opened"});
}

TEST_F(SessionsServiceTest, SaysHowSessionsStand) {
  const v1::LoginReply alive = cookie();
  const v1::LoginReply ended = cookie();
  Context of_ended = as(ended);
  ASSERT_TRUE(bench_.run(service_->end_current(of_ended, {})));
  const Uuid unknown = platform_.new_id();
  const Timestamp opened = platform_.now();
  const auto states = [&] {
    return bench_.run(service_->check_sessions(platform_, {{alive.session_id, ended.session_id, unknown}})).value().items;
  };
  auto before = states();
  ASSERT_EQ(before.size(), 3U);
  EXPECT_EQ(before[0].session_id, alive.session_id);
  EXPECT_FALSE(before[0].end_reason);
  EXPECT_LE(opened + settings_.idle - before[0].expires_at, seconds(1)) << "12 h after its last use";
  EXPECT_EQ(before[1].end_reason, "logout");
  EXPECT_LE(before[1].expires_at, platform_.now());
  EXPECT_EQ(before[2].end_reason, "expired");
  bench_.pass(settings_.idle + seconds(1));
  EXPECT_EQ(states()[0].end_reason, "expired") << "before anything has swept it";
  Context person = as(alive);
  EXPECT_EQ(code(bench_.run(service_->check_sessions(person, {}))), "request.forbidden");
}

TEST_F(SessionsServiceTest, M_1_SessionsAreCountedByHowTheyEnded) {
  const auto counts = [&] { return bench_.run(service_->figures(platform_)).value(); };
  EXPECT_EQ(counts().issued, 0);
  const v1::LoginReply ended = cookie();
  const v1::LoginReply swept = bearer();
  Context of_ended = as(ended);
  ASSERT_TRUE(bench_.run(service_->end_current(of_ended, {})));
  ASSERT_TRUE(bench_.run(service_->end_current(of_ended, {}))) << "again: it has ended already";
  EXPECT_EQ(counts().open(), 1);
  bench_.pass(settings_.idle + seconds(1));
  ASSERT_TRUE(bench_.run(service_->sweep(platform_)));
  cookie();
  ASSERT_TRUE(bench_.run(service_->end_all_sessions(platform_, {anna_, "because-of-me"})));
  cookie();
  start_service();
  EXPECT_EQ(counts().issued, 4);
  EXPECT_EQ(counts().ended, (std::map<std::string, std::int64_t>{{"expired", 1}, {"logout", 1}, {"other", 1}}));
  EXPECT_EQ(counts().open(), 1) << "also after a restart";
}

TEST_F(SessionsServiceTest, M_1_CachesTellHowTheyFare) {
  const v1::LoginReply reply = bearer();
  ASSERT_TRUE(by_token(*reply.access_token));
  ASSERT_TRUE(by_token(*reply.access_token));
  const CacheFigures tokens = service_->token_figures();
  EXPECT_EQ(tokens.hits, 1U);
  EXPECT_EQ(tokens.misses, 1U);
  EXPECT_EQ(tokens.entries, 1U);
  EXPECT_GE(service_->cache_figures().hits, 1U);
}

class FewRefusals : public SessionsServiceTest {
 protected:
  FewRefusals() : SessionsServiceTest(few()) {}
  static Settings few() {
    Settings settings = quick_settings();
    settings.refusals_kept = 3;
    return settings;
  }
};

TEST_F(FewRefusals, TheNewestAreKept) {
  const auto refusal = [&](std::string code) {
    v1::Refusal one;
    one.at = platform_.now();
    one.user_id = anna_;
    one.remote_address = "192.0.2.1";
    one.call = "GET /users";
    one.code = std::move(code);
    one.times = 2;
    return one;
  };
  ASSERT_TRUE(bench_.run(service_->record_refusals(platform_, {{refusal("a"), refusal("b")}})));
  ASSERT_TRUE(bench_.run(service_->record_refusals(platform_, {{refusal("c"), refusal("d")}})));
  const auto rows = bench_.read("sessions", [](database::Transaction& transaction) {
    return transaction.query("SELECT code, user_id, times FROM sessions_refusal ORDER BY number");
  });
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0].text(0), "b");
  EXPECT_EQ((*rows)[2].text(0), "d");
  EXPECT_EQ((*rows)[2].uuid(1), anna_);
  EXPECT_EQ((*rows)[2].integer(2), 2);
  Context person = as(cookie());
  EXPECT_EQ(code(bench_.run(service_->record_refusals(person, {}))), "request.forbidden");
}

TEST_F(SessionsServiceTest, ListsRefusalsNewestFirstPageByPage) {
  v1::RecordRefusalsRequest recorded;
  for (int i = 1; i <= 5; ++i) {
    v1::Refusal one;
    one.at = platform_.now();
    if (i % 2 == 0) one.user_id = anna_;
    one.remote_address = i == 5 ? "192.0.2.2" : "192.0.2.1";
    one.call = "GET /users";
    one.code = "code." + std::to_string(i);
    one.request_id = "r";
    one.times = i;
    recorded.items.push_back(one);
  }
  ASSERT_TRUE(bench_.run(service_->record_refusals(platform_, recorded)));
  v1::ListRefusalsRequest request;
  request.limit = 2;
  request.count = true;
  std::vector<v1::Refusal> met;
  std::vector<std::size_t> pages;
  for (;;) {
    const v1::ListRefusalsReply page = *bench_.run(service_->list_refusals(platform_, request));
    EXPECT_EQ(page.total, 5);
    pages.push_back(page.items.size());
    met.insert(met.end(), page.items.begin(), page.items.end());
    if (!page.next_cursor) break;
    request.cursor = page.next_cursor;
  }
  EXPECT_EQ(pages, (std::vector<std::size_t>{2, 2, 1}));
  std::reverse(met.begin(), met.end());
  EXPECT_EQ(met, recorded.items);
}

TEST_F(SessionsServiceTest, FiltersRefusals) {
  v1::Refusal of_anna;
  of_anna.user_id = anna_;
  of_anna.remote_address = "192.0.2.1";
  of_anna.code = "a";
  of_anna.times = 1;
  v1::Refusal of_nobody = of_anna;
  of_nobody.user_id.reset();
  of_nobody.remote_address = "192.0.2.2";
  of_nobody.code = "b";
  ASSERT_TRUE(bench_.run(service_->record_refusals(platform_, {{of_anna, of_nobody}})));
  const auto list = [&](v1::ListRefusalsRequest request) {
    request.count = true;
    const auto reply = *bench_.run(service_->list_refusals(platform_, std::move(request)));
    EXPECT_EQ(reply.total, static_cast<std::int32_t>(reply.items.size()));
    return reply.items;
  };
  v1::ListRefusalsRequest by_person;
  by_person.user_id = anna_;
  EXPECT_EQ(list(by_person), std::vector{of_anna});
  v1::ListRefusalsRequest by_address;
  by_address.remote_address = "192.0.2.2";
  EXPECT_EQ(list(by_address), std::vector{of_nobody});
  v1::ListRefusalsRequest by_code;
  by_code.code = "a";
  EXPECT_EQ(list(by_code), std::vector{of_anna});
  by_code.remote_address = "192.0.2.2";
  EXPECT_TRUE(list(by_code).empty());
}

TEST_F(SessionsServiceTest, B_19_ShowsRefusalsToThoseAloneWhoMayReadThem) {
  Context person = as(cookie());
  EXPECT_EQ(code(bench_.run(service_->list_refusals(person, {}))), "request.forbidden");
  person.caller.permissions = {"sessions.refusals"};
  EXPECT_EQ(code(bench_.run(service_->list_refusals(person, {}))), "fine");
  Context nobody = bench_.anonymous();
  EXPECT_EQ(code(bench_.run(service_->list_refusals(nobody, {}))), "request.forbidden");
  for (const char* cursor : {"", "x", "0", "-1", "1x", "99999999999999999999"}) {
    v1::ListRefusalsRequest request;
    request.cursor = cursor;
    EXPECT_EQ(code(bench_.run(service_->list_refusals(person, request))), "sessions.bad-cursor") << cursor;
  }
}

TEST_F(SessionsServiceTest, GivesAProgramTokensAndNoCookie) {
  const v1::LoginReply reply = bearer();
  EXPECT_FALSE(reply.cookie);
  EXPECT_EQ(reply.expires_in, 300);
  EXPECT_EQ(by_token(*reply.access_token)->session_id, reply.session_id);
  EXPECT_EQ(code(by_cookie(*reply.refresh_token)), "sessions.invalid");
  EXPECT_EQ(code(by_token(*reply.refresh_token)), "sessions.invalid");
}

TEST_F(SessionsServiceTest, B_70_U_4_StoresNoRawSecret) {
  const v1::LoginReply browser = cookie();
  const v1::LoginReply program = bearer();
  const v1::LoginReply next = *refresh(*program.refresh_token);
  const v1::OneTimeLinkReply one_time = *link(anna_);
  for (const char* sql : {"SELECT * FROM sessions_session", "SELECT * FROM sessions_refresh", "SELECT * FROM sessions_link",
                          "SELECT * FROM sessions_identity", "SELECT * FROM sessions_outbox"}) {
    const auto rows = bench_.read("sessions", [&](database::Transaction& transaction) { return transaction.query(sql); });
    for (const database::Row& row : *rows) {
      std::string stored;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (const auto* text = std::get_if<std::string>(&row.at(i))) stored += *text;
        if (const auto* bytes = std::get_if<database::Blob>(&row.at(i))) stored += bytes->bytes;
      }
      for (const Secret& secret : {*browser.cookie, *program.refresh_token, *program.access_token, *next.refresh_token, *next.access_token,
                                   one_time.token, Secret(kPassword)})
        EXPECT_EQ(stored.find(secret.reveal()), std::string::npos) << sql;
    }
  }
}

TEST_F(SessionsServiceTest, B_08_LetsOnlyActivePeopleIn) {
  set_status(anna_, people::UserStatus::kDraft);
  EXPECT_EQ(code(login("anna", kPassword)), "sessions.not-active");
  EXPECT_EQ(code(login("anna", "wrong password")), "sessions.bad-credentials");
  set_status(anna_, people::UserStatus::kLocked);
  EXPECT_EQ(code(login("anna", kPassword)), "sessions.locked");
  EXPECT_EQ(code(login("anna", "wrong password")), "sessions.bad-credentials") << "the status is told after the right password alone";
  set_status(anna_, people::UserStatus::kDeleted);
  EXPECT_EQ(code(login("anna", kPassword)), "sessions.bad-credentials");
}

TEST_F(SessionsServiceTest, WorksAsHardForUnknownPeople) {
  add_user("boris", people::UserStatus::kActive);
  identify(add_user("clara", people::UserStatus::kActive), "clara");
  Error first;
  for (const char* name : {"anna", "nobody", "boris", "clara"}) {
    const std::uint64_t before = hasher_.runs();
    const auto answer = login(name, "wrong password");
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(hasher_.runs() - before, 1U) << name;
    if (first.code.empty()) first = answer.error();
    EXPECT_EQ(answer.error().code, first.code) << name;
    EXPECT_EQ(answer.error().kind, first.kind) << name;
    EXPECT_EQ(answer.error().detail, first.detail) << name;
  }
}

TEST_F(SessionsServiceTest, LimitsGuessing) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code(login("anna", "wrong password")), "sessions.bad-credentials");
  const std::uint64_t runs = hasher_.runs();
  const auto sixth = login("Anna", kPassword);
  EXPECT_EQ(code(sixth), "sessions.too-many-attempts");
  EXPECT_TRUE(sixth.error().retry_after);
  EXPECT_EQ(hasher_.runs(), runs) << "refused before any work";
  EXPECT_TRUE(login("anna", kPassword, v1::SessionKind::kCookie, "192.0.2.9")) << "from elsewhere the person still gets in";
  bench_.pass(minutes(1));
  EXPECT_TRUE(login("anna", kPassword));
}

TEST_F(SessionsServiceTest, HashesAnewWhenTheSettingsChange) {
  const auto stored = [&] {
    return *bench_.read("sessions", [&](database::Transaction& transaction) { return find_identity(transaction, anna_); })
                ->value()
                .password_hash;
  };
  const std::string old_hash = stored();
  EXPECT_TRUE(old_hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
  ASSERT_TRUE(login("anna", kPassword));
  EXPECT_EQ(stored(), old_hash);
  PasswordHasher stronger(pool_, {.memory_kib = 16, .iterations = 2, .lanes = 1});
  SessionsService renewed(
      bench_.store().service("sessions"), users_, stronger, *keys_, [](const auto&) { return std::vector<std::string>(); }, settings_);
  Context context = bench_.anonymous();
  const v1::LoginRequest request{"anna", Secret(kPassword), std::nullopt, std::nullopt};
  ASSERT_TRUE(bench_.run(renewed.login(context, request)));
  EXPECT_TRUE(stored().starts_with("$argon2id$v=19$m=16,t=2,p=1$"));
  const std::uint64_t runs = stronger.runs();
  ASSERT_TRUE(bench_.run(renewed.login(context, request)));
  EXPECT_EQ(stronger.runs() - runs, 1U);
}

TEST_F(SessionsServiceTest, UsesTheStandardCostByDefault) {
  PasswordHasher hasher(pool_, Settings().password);
  Context context = bench_.anonymous();
  const std::string hash = *bench_.run(hasher.hash(context, Secret(kPassword)));
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_EQ(hash.size(), hasher.decoy().size());
  EXPECT_TRUE(*bench_.run(hasher.verify(context, Secret(kPassword), hash)));
  EXPECT_FALSE(*bench_.run(hasher.verify(context, Secret(kOtherPassword), hash)));
  EXPECT_FALSE(*bench_.run(hasher.verify(context, Secret(kPassword), hasher.decoy())));
}

TEST_F(SessionsServiceTest, U_3_RotatesRefreshTokens) {
  v1::LoginReply current = bearer();
  const Uuid session = current.session_id;
  for (int i = 0; i < 5; ++i) {
    bench_.pass(minutes(6));
    EXPECT_EQ(code(by_token(*current.access_token)), "sessions.expired");
    const auto next = refresh(*current.refresh_token);
    ASSERT_TRUE(next) << next.error().describe();
    EXPECT_NE(next->refresh_token, current.refresh_token);
    EXPECT_EQ(next->session_id, session);
    EXPECT_TRUE(by_token(*next->access_token));
    current = *next;
  }
}

TEST_F(SessionsServiceTest, GivesALostAnswerAgain) {
  const v1::LoginReply first = bearer();
  const v1::LoginReply second = *refresh(*first.refresh_token);
  bench_.pass(seconds(9));
  const auto again = refresh(*first.refresh_token);
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_TRUE(*again == second) << "the same pair";
  EXPECT_TRUE(refresh(*second.refresh_token));
}

TEST_F(SessionsServiceTest, U_3_EndsTheFamilyOfAReusedToken) {
  const v1::LoginReply first = bearer();
  const v1::LoginReply second = *refresh(*first.refresh_token);
  bench_.pass(seconds(11));
  EXPECT_EQ(code(refresh(*first.refresh_token)), "sessions.token-reused");
  EXPECT_EQ(code(refresh(*second.refresh_token)), "sessions.invalid");
  EXPECT_EQ(code(by_token(*second.access_token)), "sessions.invalid") << "access ends with it";
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"token-reuse"});
  EXPECT_EQ(bench_.topics("sessions").back(), "sessions.v1.closed");
}

TEST_F(SessionsServiceTest, GivesNoAnswerAgainOnceTheNextTokenWasUsed) {
  const v1::LoginReply first = bearer();
  const v1::LoginReply second = *refresh(*first.refresh_token);
  ASSERT_TRUE(refresh(*second.refresh_token));
  EXPECT_EQ(code(refresh(*first.refresh_token)), "sessions.token-reused") << "within the grace, but somebody has both";
}

TEST_F(SessionsServiceTest, U_3_GivesParallelRefreshesTheSamePair) {
  const v1::LoginReply first = bearer();
  std::vector<Context> contexts(20, bench_.anonymous());
  std::vector<std::shared_ptr<std::optional<Result<v1::LoginReply>>>> answers;
  for (Context& context : contexts) {
    v1::RefreshRequest request;
    request.refresh_token = *first.refresh_token;
    answers.push_back(bench_.start(service_->refresh(context, std::move(request))));
  }
  std::optional<v1::LoginReply> pair;
  for (auto& answer : answers) {
    const auto reply = bench_.finish(answer);
    ASSERT_TRUE(reply) << reply.error().describe();
    if (!pair) pair = *reply;
    EXPECT_TRUE(*reply == *pair);
  }
}

TEST_F(SessionsServiceTest, U_3_ExpiresWhenIdle) {
  const v1::LoginReply session = cookie();
  bench_.pass(hours(12) - seconds(5));
  ASSERT_TRUE(by_cookie(*session.cookie)) << "used again: twelve hours from here on";
  bench_.pass(hours(12) - seconds(5));
  ASSERT_TRUE(by_cookie(*session.cookie));
  bench_.pass(hours(12));
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.expired");
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.expired") << "and says so every time";
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"expired"});
}

TEST_F(SessionsServiceTest, U_3_ExpiresAfterThirtyDaysOfUse) {
  const v1::LoginReply session = cookie();
  for (int hour = 10; hour < 30 * 24; hour += 10) {
    bench_.pass(hours(10));
    ASSERT_TRUE(by_cookie(*session.cookie)) << hour;
  }
  bench_.pass(hours(10));
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.expired");
}

TEST_F(SessionsServiceTest, WritesTheLastUseOnceAMinute) {
  const v1::LoginReply session = cookie();
  const auto last_used = [&] {
    return bench_.read("sessions", [&](database::Transaction& transaction) { return find_session(transaction, session.session_id); })
        ->value()
        .last_used_at;
  };
  const Timestamp opened = last_used();
  bench_.pass(seconds(50));
  ASSERT_TRUE(by_cookie(*session.cookie));
  EXPECT_EQ(last_used(), opened);
  bench_.pass(seconds(10));
  ASSERT_TRUE(by_cookie(*session.cookie));
  EXPECT_GE(last_used() - opened, minutes(1));
}

TEST_F(SessionsServiceTest, U_3_SeesTheEndOfASessionAtOnce) {
  const v1::LoginReply session = cookie();
  const v1::LoginReply program = bearer();
  Context context = as(session);
  ASSERT_TRUE(bench_.run(service_->end_current(context, {})));
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.invalid");
  EXPECT_TRUE(by_token(*program.access_token));
  ASSERT_TRUE(bench_.run(service_->end_all_sessions(platform_, {anna_, "locked"})));
  EXPECT_EQ(code(by_token(*program.access_token)), "sessions.invalid");
  EXPECT_EQ(code(refresh(*program.refresh_token)), "sessions.invalid");
}

TEST_F(SessionsServiceTest, SeesALockAtOnce) {
  const v1::LoginReply session = cookie();
  set_status(anna_, people::UserStatus::kLocked);
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.invalid");
}

TEST_F(SessionsServiceTest, U_4_OutlivesARestart) {
  const v1::LoginReply open = cookie();
  const v1::LoginReply ended = cookie();
  Context context = as(ended);
  ASSERT_TRUE(bench_.run(service_->end_current(context, {})));
  const v1::LoginReply program = bearer();
  start_service();
  keys_ = std::move(*KeyRing::open(key_store_, settings_.keys, bench_.random(), bench_.loop().now()));
  start_service();
  EXPECT_TRUE(by_cookie(*open.cookie));
  EXPECT_TRUE(by_token(*program.access_token));
  EXPECT_EQ(code(by_cookie(*ended.cookie)), "sessions.invalid");
}

TEST_F(SessionsServiceTest, B_15_ListsAndEndsOnesOwnSessionsAlone) {
  const v1::LoginReply first = cookie();
  bench_.pass(seconds(1));
  const v1::LoginReply second = bearer();
  Context context = as(second);
  const v1::ListSessionsReply list = *bench_.run(service_->list_sessions(context, {}));
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].id, second.session_id);
  EXPECT_TRUE(list.items[0].current);
  EXPECT_FALSE(list.items[1].current);
  EXPECT_EQ(list.items[1].user_agent, "Browser 1");
  EXPECT_EQ(list.items[1].remote_address, "192.0.2.1");

  Context stranger = bench_.user(platform_.new_id());
  EXPECT_EQ(code(bench_.run(service_->end_session(stranger, {first.session_id}))), "sessions.not-found");
  EXPECT_TRUE(by_cookie(*first.cookie));
  ASSERT_TRUE(bench_.run(service_->end_session(context, {first.session_id})));
  EXPECT_EQ(code(by_cookie(*first.cookie)), "sessions.invalid");
  EXPECT_EQ(bench_.run(service_->list_sessions(context, {}))->items.size(), 1U);
  EXPECT_EQ(bench_.run(service_->get_current(context, {}))->session_id, second.session_id);
  EXPECT_EQ(code(bench_.run(service_->end_session(context, {platform_.new_id()}))), "sessions.not-found");
}

TEST_F(SessionsServiceTest, AsksForOneProof) {
  const v1::LoginReply session = cookie();
  v1::AuthenticateRequest request;
  EXPECT_EQ(code(bench_.run(service_->authenticate(platform_, request))), "sessions.required");
  request.cookie = session.cookie;
  request.access_token = Secret("x");
  EXPECT_EQ(code(bench_.run(service_->authenticate(platform_, request))), "sessions.required");
  EXPECT_EQ(code(by_cookie(Secret("guess"))), "sessions.invalid");
  EXPECT_EQ(code(refresh(Secret("guess"))), "sessions.invalid");
}

TEST_F(SessionsServiceTest, ServesInternalCallsToServicesAlone) {
  Context user = bench_.user(anna_);
  EXPECT_EQ(code(bench_.run(service_->authenticate(user, {}))), "request.forbidden");
  EXPECT_EQ(code(bench_.run(service_->create_identity(user, {}))), "request.forbidden");
  EXPECT_EQ(code(bench_.run(service_->delete_identity(user, {anna_}))), "request.forbidden");
  EXPECT_EQ(code(bench_.run(service_->create_one_time_link(user, {anna_}))), "request.forbidden");
  EXPECT_EQ(code(bench_.run(service_->end_all_sessions(user, {anna_, "locked"}))), "request.forbidden");
}

TEST_F(SessionsServiceTest, MakesOneIdentityAPerson) {
  const Uuid boris = add_user("boris", people::UserStatus::kActive);
  const Uuid id = identify(boris, "boris", kPassword)->identity_id;
  EXPECT_EQ(identify(boris, "boris", kOtherPassword)->identity_id, id);
  EXPECT_TRUE(login("boris", kPassword));
  EXPECT_EQ(code(login("boris", kOtherPassword)), "sessions.bad-credentials") << "a repetition changes no password";
  EXPECT_EQ(code(identify(platform_.new_id(), "eva", "1234567890")), "sessions.weak-password");
}

TEST_F(SessionsServiceTest, B_56_SetsAPasswordByALinkOnce) {
  const Uuid boris = add_user("boris", people::UserStatus::kDraft);
  EXPECT_EQ(code(link(boris)), "sessions.no-identity");
  ASSERT_TRUE(identify(boris, "boris"));
  const Secret token = link(boris)->token;
  const auto audit = bench_.read("sessions", [&](database::Transaction& transaction) {
    return database::AuditTable("sessions").list(transaction, database::to_value(boris));
  });
  ASSERT_EQ(audit->size(), 1u);
  EXPECT_EQ(audit->at(0).call, "CreateOneTimeLink");
  EXPECT_EQ(audit->at(0).actor.substr(0, 8), "service:");
  EXPECT_EQ(code(use_link(token, "short")), "sessions.weak-password");
  EXPECT_EQ(code(use_link(token, kPassword)), "fine");
  EXPECT_EQ(code(use_link(token, kOtherPassword)), "sessions.bad-link");
  set_status(boris, people::UserStatus::kActive);
  EXPECT_TRUE(login("boris", kPassword));
}

TEST_F(SessionsServiceTest, EndsAllSessionsWhenALinkIsUsed) {
  const v1::LoginReply session = cookie();
  ASSERT_TRUE(use_link(link(anna_)->token, kOtherPassword));
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.invalid");
  EXPECT_EQ(code(login("anna", kPassword)), "sessions.bad-credentials");
  EXPECT_TRUE(login("anna", kOtherPassword));
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"password-changed"});
}

TEST_F(SessionsServiceTest, KnowsTheLastLinkUntilItExpires) {
  const Secret first = link(anna_)->token;
  const Secret second = link(anna_)->token;
  EXPECT_EQ(code(use_link(first, kOtherPassword)), "sessions.bad-link");
  bench_.pass(hours(1));
  EXPECT_EQ(code(use_link(second, kOtherPassword)), "sessions.bad-link");
  const v1::OneTimeLinkReply third = *link(anna_);
  bench_.pass(hours(1) - seconds(1));
  EXPECT_EQ(code(use_link(third.token, kOtherPassword)), "fine");
}

// It takes nothing from anybody, and new people look at their post once a day.
TEST_F(SessionsServiceTest, AnInvitationLivesLongerThanAReset) {
  const Uuid boris = add_user("boris", people::UserStatus::kActive);
  ASSERT_TRUE(bench_.run(service_->create_identity(platform_, {boris})));
  const v1::OneTimeLinkReply invitation = *link(boris);
  bench_.pass(hours(72) - seconds(1));
  EXPECT_EQ(code(use_link(invitation.token, kOtherPassword)), "fine");
  const v1::OneTimeLinkReply reset = *link(boris);
  EXPECT_LE(reset.expires_at - platform_.now(), hours(1));
}

TEST_F(SessionsServiceTest, LimitsGuessingOfLinks) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code(use_link(Secret("guess"), kOtherPassword)), "sessions.bad-link");
  EXPECT_EQ(code(use_link(Secret("guess"), kOtherPassword)), "sessions.too-many-attempts");
}

TEST_F(SessionsServiceTest, MakesALinkForThoseWhoManagePeople) {
  Context manager = bench_.user(add_user("admin", people::UserStatus::kActive), {"sessions.manage"});
  const auto made = bench_.run(service_->create_one_time_link(manager, {anna_}));
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_EQ(code(use_link(made->token, kOtherPassword)), "fine");
  EXPECT_TRUE(login("anna", kOtherPassword));
  Context supervisor = bench_.user(add_user("sara", people::UserStatus::kActive), {"users.read", "users.create", "users.manage"});
  EXPECT_EQ(code(bench_.run(service_->create_one_time_link(supervisor, {anna_}))), "request.forbidden");
}

TEST_F(SessionsServiceTest, UsesALinkOnceOfManyTimesAtOnce) {
  const Secret token = link(anna_)->token;
  std::vector<Context> contexts(5, bench_.anonymous());
  std::vector<std::shared_ptr<std::optional<Result<v1::Nothing>>>> answers;
  for (Context& context : contexts) {
    v1::SetPasswordRequest request{token, Secret(kOtherPassword)};
    answers.push_back(bench_.start(service_->set_password(context, std::move(request))));
  }
  int successes = 0;
  for (auto& answer : answers) successes += bench_.finish(answer) ? 1 : 0;
  EXPECT_EQ(successes, 1);
}

TEST_F(SessionsServiceTest, ChangesAPasswordAndEndsTheOtherSessions) {
  const v1::LoginReply other = cookie();
  const v1::LoginReply mine = cookie();
  const Secret old_link = link(anna_)->token;
  Context context = as(mine);
  const auto change = [&](std::string current, std::string next) {
    v1::ChangePasswordRequest request{Secret(std::move(current)), Secret(std::move(next))};
    return code(bench_.run(service_->change_password(context, std::move(request))));
  };
  EXPECT_EQ(change("wrong password", kOtherPassword), "sessions.bad-credentials");
  EXPECT_EQ(change(kPassword, "password123"), "sessions.weak-password");
  EXPECT_EQ(change(kPassword, kOtherPassword), "fine");
  EXPECT_TRUE(by_cookie(*mine.cookie));
  EXPECT_EQ(code(by_cookie(*other.cookie)), "sessions.invalid");
  EXPECT_EQ(code(use_link(old_link, kPassword)), "sessions.bad-link") << "it could undo the change";
  EXPECT_TRUE(login("anna", kOtherPassword));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(change("wrong password", kPassword), "sessions.bad-credentials");
  EXPECT_EQ(change(kOtherPassword, kPassword), "sessions.too-many-attempts");
}

TEST_F(SessionsServiceTest, DeletesAnIdentityWithItsSessions) {
  const v1::LoginReply session = cookie();
  ASSERT_TRUE(bench_.run(service_->delete_identity(platform_, {anna_})));
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.invalid");
  EXPECT_EQ(code(login("anna", kPassword)), "sessions.bad-credentials");
  EXPECT_TRUE(bench_.run(service_->delete_identity(platform_, {anna_}))) << "fine when it is gone";
}

// A job may be at it when the creation of the person is already taken back.
TEST_F(SessionsServiceTest, WhoWasRemovedGetsNoIdentityAnyMore) {
  const Uuid boris = add_user("boris", people::UserStatus::kActive);
  ASSERT_TRUE(bench_.run(service_->delete_identity(platform_, {boris}))) << "before it was made";
  EXPECT_EQ(code(bench_.run(service_->create_identity(platform_, {boris}))), "sessions.no-identity");
  ASSERT_TRUE(bench_.run(service_->delete_identity(platform_, {anna_})));
  EXPECT_EQ(code(bench_.run(service_->create_identity(platform_, {anna_}))), "sessions.no-identity");
}

TEST_F(SessionsServiceTest, SweepsWhatIsOver) {
  cookie();
  bench_.pass(hours(6));
  const v1::LoginReply young = cookie();
  ASSERT_TRUE(link(anna_));
  bench_.pass(hours(6));
  const SweepReport early = *bench_.run(service_->sweep(platform_));
  EXPECT_EQ(early.expired, 1U);
  EXPECT_EQ(early.deleted, 1) << "the link";
  EXPECT_EQ(bench_.run(service_->sweep(platform_))->expired, 0U);
  EXPECT_TRUE(by_cookie(*young.cookie));
  EXPECT_EQ(bench_.topics("sessions").back(), "sessions.v1.closed");
  bench_.pass(days(90) + seconds(1));
  const SweepReport report = *bench_.run(service_->sweep(platform_));
  EXPECT_EQ(report.expired, 1U);
  EXPECT_EQ(report.deleted, 1) << "the old session";
}

TEST_F(SessionsServiceTest, HearsOfLockedAndDeletedPeople) {
  const v1::LoginReply session = cookie();
  const auto hear = [&](std::string topic, std::string payload) {
    bus::Event event;
    event.topic = std::move(topic);
    event.at = bench_.loop().now();
    event.payload = std::move(payload);
    const auto applied = bench_.write("sessions", [&](database::Transaction& transaction) -> Result<bool> {
      TRY(consumers().front().apply(transaction, platform_, event));
      return true;
    });
    EXPECT_TRUE(applied);
  };
  hear("users.v1.locked", encode_json(people::Locked{anna_}));
  EXPECT_EQ(code(by_cookie(*session.cookie)), "sessions.invalid");
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"locked"});
  const v1::LoginReply again = cookie();
  hear("users.v1.deleted", encode_json(people::Deleted{anna_}));
  EXPECT_EQ(code(by_cookie(*again.cookie)), "sessions.invalid");
  EXPECT_EQ(end_reasons(), (std::vector<std::string>{"locked", "deleted"}));
  EXPECT_EQ(code(login("anna", kPassword)), "sessions.bad-credentials") << "the identity is gone";
  EXPECT_EQ(consumers().front().topics, (std::vector<std::string>{"users.v1.locked", "users.v1.deleted"}));
}

// An access token of two seconds in a family of ten.
class ShortTokens : public SessionsServiceTest {
 protected:
  ShortTokens() : SessionsServiceTest(settings()) {}
  static Settings settings() {
    Settings settings = quick_settings();
    settings.token.lifetime = seconds(2);
    settings.token.clock_skew = seconds(0);
    settings.refresh_lifetime = seconds(10);
    settings.refresh_grace = seconds(1);
    return settings;
  }
};

TEST_F(ShortTokens, B_13_U_3_WorkUntilTheFamilyEnds) {
  v1::LoginReply current = bearer();
  const Timestamp start = bench_.loop().now();
  int refreshes = 0;
  std::string last = "fine";
  while (last == "fine" && bench_.loop().now() - start < seconds(20)) {
    const auto answer = by_token(*current.access_token);
    if (!answer) {
      ASSERT_EQ(answer.error().code, "sessions.expired");
      const auto next = refresh(*current.refresh_token);
      last = code(next);
      if (next) {
        ++refreshes;
        current = *next;
        ASSERT_TRUE(by_token(*current.access_token));
      }
    }
    bench_.pass(milliseconds(100));
  }
  EXPECT_EQ(last, "sessions.expired");
  EXPECT_GE(refreshes, 4) << "one an expiry, not one a call";
  EXPECT_LE(refreshes, 9);
  const Duration lived = bench_.loop().now() - start;
  EXPECT_GE(lived, seconds(10));
  EXPECT_LE(lived, seconds(13));
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"expired"});
}

}  // namespace
}  // namespace consilium::sessions
