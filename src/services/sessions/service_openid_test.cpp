#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/base64.h"
#include "base/digest.h"
#include "services/sessions/openid.h"
#include "services/sessions/service_testing.h"

namespace consilium::sessions {
namespace {

namespace people = users::v1;
using runtime::Context;

constexpr const char* kBack = "https://portal.example/back";
constexpr const char* kSecret = "a-secret-of-thirty-two-characters";
const std::string kVerifier(43, 'v');

class OpenIdTest : public testing::SessionsServiceTest {
 protected:
  explicit OpenIdTest(int attempts = 1000) : SessionsServiceTest(settings(attempts)) {
    users_.users[anna_].email = "anna@example.org";
    browser_ = cookie();
  }

  static Settings settings(int attempts) {
    Settings settings = testing::quick_settings();
    settings.token.issuer = "https://consilium.example";
    settings.openid.applications["portal"] = {"Portal", sha256(kSecret), {kBack}};
    settings.openid.applications["phone"] = {"Phone", "", {"com.example.phone:/back", kBack}};
    settings.login.attempts = attempts;
    return settings;
  }

  static ParameterList request(std::vector<std::pair<std::string, std::string>> changes = {}) {
    ParameterList list;
    set_value(list, "response_type", "code");
    set_value(list, "client_id", "portal");
    set_value(list, "redirect_uri", kBack);
    set_value(list, "scope", "openid email");
    set_value(list, "state", "s-1");
    set_value(list, "nonce", "n-1");
    set_value(list, "code_challenge", encode_base64url(sha256(kVerifier)));
    set_value(list, "code_challenge_method", "S256");
    for (auto& [name, value] : changes) set_value(list, name, value);
    return list;
  }

  Result<v1::AuthorizeReply> authorize(ParameterList parameters, std::optional<Uuid> session) {
    return bench_.run(service_->authorize(platform_, {std::move(parameters), session}));
  }
  std::string fresh_code(std::vector<std::pair<std::string, std::string>> changes = {}) {
    const auto reply = authorize(request(std::move(changes)), browser_.session_id);
    return reply ? std::string(value_of(reply->parameters, "code")) : reply.error().code;
  }

  Result<v1::TokenReply> tokens(ParameterList parameters, std::optional<std::string> id = "portal",
                                std::optional<std::string> secret = kSecret) {
    v1::TokenRequest request{std::move(parameters), id, std::nullopt};
    if (secret) request.client_secret = Secret(*secret);
    return bench_.run(service_->issue_tokens(platform_, std::move(request)));
  }
  static ParameterList exchange(std::string code, std::vector<std::pair<std::string, std::string>> changes = {}) {
    ParameterList list;
    set_value(list, "grant_type", "authorization_code");
    set_value(list, "code", std::move(code));
    set_value(list, "redirect_uri", kBack);
    set_value(list, "code_verifier", kVerifier);
    for (auto& [name, value] : changes) set_value(list, name, value);
    return list;
  }
  static ParameterList refreshing(const Secret& token, std::string scope = "") {
    ParameterList list;
    set_value(list, "grant_type", "refresh_token");
    set_value(list, "refresh_token", token.reveal());
    set_value(list, "scope", std::move(scope));
    return list;
  }
  Result<v1::UserInfoReply> user_info(const Secret& token) { return bench_.run(service_->get_user_info(platform_, {token})); }

  static boost::json::object claims(const Secret& jwt) {
    const std::string& text = jwt.reveal();
    const std::size_t first = text.find('.');
    return boost::json::parse(*decode_base64url(text.substr(first + 1, text.rfind('.') - first - 1))).as_object();
  }

  v1::LoginReply browser_;
};

TEST_F(OpenIdTest, TellsAnApplicationWhoHasLoggedIn) {
  const auto given = authorize(request(), browser_.session_id);
  ASSERT_TRUE(given) << given.error().describe();
  EXPECT_EQ(given->redirect_uri, kBack);
  EXPECT_EQ(value_of(given->parameters, "state"), "s-1");
  EXPECT_EQ(value_of(given->parameters, "iss"), "https://consilium.example");
  const auto reply = tokens(exchange(std::string(value_of(given->parameters, "code"))));
  ASSERT_TRUE(reply) << reply.error().describe();
  EXPECT_EQ(reply->scope, "openid email");
  EXPECT_EQ(reply->expires_in, 300);
  const auto identity = claims(reply->id_token);
  EXPECT_EQ(identity.at("iss"), "https://consilium.example");
  EXPECT_EQ(identity.at("sub"), boost::json::value(anna_.text()));
  EXPECT_EQ(identity.at("aud"), "portal");
  EXPECT_EQ(identity.at("nonce"), "n-1");
  EXPECT_LE(identity.at("auth_time").as_int64(), identity.at("iat").as_int64());
  EXPECT_EQ(identity.at("exp").as_int64() - identity.at("iat").as_int64(), 300);
  const auto known = user_info(reply->access_token);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->claims.text, R"({"sub":")" + anna_.text() + R"(","email":"anna@example.org","email_verified":false})");
}

// What an application holds opens what was granted, never the API; and the other way round.
TEST_F(OpenIdTest, KeepsTokensOfApplicationsAndProgramsApart) {
  const auto reply = *tokens(exchange(fresh_code()));
  EXPECT_EQ(code(by_token(reply.access_token)), "sessions.invalid");
  EXPECT_EQ(code(by_token(reply.id_token)), "sessions.invalid");
  EXPECT_EQ(code(refresh(reply.refresh_token)), "sessions.invalid");
  EXPECT_EQ(code(user_info(reply.id_token)), "sessions.invalid");
  const v1::LoginReply program = bearer();
  EXPECT_EQ(code(user_info(*program.access_token)), "sessions.invalid");
  EXPECT_EQ(code(tokens(refreshing(*program.refresh_token))), "sessions.invalid-grant");
  EXPECT_TRUE(refresh(*program.refresh_token)) << "and it was not used up";
}

TEST_F(OpenIdTest, AnswersOnlyRegisteredApplicationsAtTheirAddresses) {
  EXPECT_EQ(code(authorize(request({{"client_id", "other"}}), browser_.session_id)), "sessions.unknown-client");
  EXPECT_EQ(code(authorize(request({{"redirect_uri", "https://evil.example/"}}), browser_.session_id)), "sessions.bad-redirect");
  const auto refused = authorize(request({{"response_type", "token"}}), browser_.session_id);
  EXPECT_EQ(refused->redirect_uri, kBack);
  EXPECT_EQ(value_of(refused->parameters, "error"), "unsupported_response_type");
  EXPECT_EQ(value_of(refused->parameters, "state"), "s-1");
  Context person = as(browser_);
  EXPECT_EQ(code(bench_.run(service_->authorize(person, {request(), browser_.session_id}))), "request.forbidden");
}

TEST_F(OpenIdTest, SendsToLogInWhoIsNot) {
  const auto expect_login = [&](std::optional<Uuid> session, const char* why) {
    const auto reply = authorize(request(), session);
    ASSERT_TRUE(reply) << why;
    EXPECT_FALSE(reply->redirect_uri) << why;
    EXPECT_FALSE(reply->login_again) << why;
    EXPECT_EQ(reply->parameters, request()) << why;
    const auto silent = authorize(request({{"prompt", "none"}}), session);
    EXPECT_EQ(value_of(silent->parameters, "error"), "login_required") << why;
  };
  expect_login(std::nullopt, "no session");
  expect_login(platform_.new_id(), "an unknown one");
  expect_login(bearer().session_id, "of a program");
  EXPECT_EQ(value_of(authorize(request({{"prompt", "none"}}), browser_.session_id)->parameters, "error"), "");
  Context person = as(browser_);
  ASSERT_TRUE(bench_.run(service_->end_current(person, {})));
  expect_login(browser_.session_id, "an ended one");
}

TEST_F(OpenIdTest, AsksForThePasswordAgainAndIsContentWithIt) {
  bench_.pass(minutes(5));
  const auto reply = authorize(request({{"max_age", "60"}}), browser_.session_id);
  EXPECT_FALSE(reply->redirect_uri);
  EXPECT_TRUE(reply->login_again);
  EXPECT_TRUE(authorize(reply->parameters, browser_.session_id)->login_again) << "coming back alone is not enough";
  bench_.pass(seconds(2));
  const auto given = authorize(reply->parameters, cookie().session_id);
  EXPECT_FALSE(value_of(given->parameters, "code").empty());
}

TEST_F(OpenIdTest, RefusesWhatDoesNotFitTheCode) {
  const auto refused = [&](std::vector<std::pair<std::string, std::string>> changes) {
    const std::string once = fresh_code();
    EXPECT_EQ(code(tokens(exchange(once, std::move(changes)))), "sessions.invalid-grant");
    // A code that was tried is spent, whatever comes next.
    EXPECT_EQ(code(tokens(exchange(once))), "sessions.invalid-grant");
  };
  refused({{"code_verifier", std::string(43, 'w')}});
  refused({{"code_verifier", "short"}});
  refused({{"redirect_uri", "com.example.phone:/back"}});
  const std::string of_portal = fresh_code();
  EXPECT_EQ(code(tokens(exchange(of_portal), "phone", std::nullopt)), "sessions.invalid-grant") << "another application";
  EXPECT_EQ(code(tokens(exchange("forged"))), "sessions.invalid-grant");
  EXPECT_EQ(code(tokens(exchange(fresh_code(), {{"code_verifier", ""}}))), "request.malformed");
  EXPECT_EQ(code(tokens(exchange(""))), "request.malformed");
  const std::string late = fresh_code();
  bench_.pass(settings_.openid.code_lifetime);
  EXPECT_EQ(code(tokens(exchange(late))), "sessions.invalid-grant");
  const std::string in_time = fresh_code();
  bench_.pass(settings_.openid.code_lifetime - seconds(2));
  EXPECT_EQ(code(tokens(exchange(in_time))), "fine");
}

TEST_F(OpenIdTest, EndsWhatACodeGaveWhenItComesAgain) {
  const std::string once = fresh_code();
  const auto reply = *tokens(exchange(once));
  ASSERT_TRUE(user_info(reply.access_token));
  EXPECT_EQ(code(tokens(exchange(once))), "sessions.invalid-grant");
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"code-reuse"});
  EXPECT_EQ(code(user_info(reply.access_token)), "sessions.invalid");
  EXPECT_EQ(code(tokens(refreshing(reply.refresh_token))), "sessions.invalid-grant");
  EXPECT_TRUE(by_cookie(*browser_.cookie)) << "the browser's own session stays";
}

TEST_F(OpenIdTest, GivesTokensForACodeOnceOfManyTimesAtOnce) {
  const std::string once = fresh_code();
  std::vector<Context> contexts(5, platform_);
  std::vector<std::shared_ptr<std::optional<Result<v1::TokenReply>>>> answers;
  for (Context& context : contexts) {
    v1::TokenRequest request{exchange(once), "portal", Secret(kSecret)};
    answers.push_back(bench_.start(service_->issue_tokens(context, std::move(request))));
  }
  int given = 0;
  for (auto& answer : answers) given += bench_.finish(answer) ? 1 : 0;
  EXPECT_EQ(given, 1);
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"code-reuse"}) << "one of them is a copy";
}

TEST_F(OpenIdTest, SurvivesARestartBetweenCodeAndTokens) {
  const std::string once = fresh_code();
  start_service();
  EXPECT_EQ(code(tokens(exchange(once))), "fine");
  start_service();
  EXPECT_EQ(code(tokens(exchange(once))), "sessions.invalid-grant");
}

TEST_F(OpenIdTest, GivesNothingToWhomThePersonOrTheirSessionIsGone) {
  const std::string of_ended = fresh_code();
  const std::string of_locked = fresh_code();
  set_status(anna_, people::UserStatus::kLocked);
  EXPECT_EQ(code(tokens(exchange(of_locked))), "sessions.invalid-grant");
  set_status(anna_, people::UserStatus::kActive);
  const auto reply = *tokens(exchange(fresh_code()));
  Context person = as(browser_);
  ASSERT_TRUE(bench_.run(service_->end_current(person, {})));
  EXPECT_EQ(code(tokens(exchange(of_ended))), "sessions.invalid-grant");
  EXPECT_TRUE(user_info(reply.access_token)) << "the application has a session of its own";
  set_status(anna_, people::UserStatus::kLocked);
  EXPECT_EQ(code(user_info(reply.access_token)), "sessions.invalid");
  EXPECT_EQ(code(tokens(refreshing(reply.refresh_token))), "sessions.invalid-grant");
}

TEST_F(OpenIdTest, LetsAPersonEndWhatAnApplicationHas) {
  const auto reply = *tokens(exchange(fresh_code()));
  Context person = as(browser_);
  const auto sessions = bench_.run(service_->list_sessions(person, {}))->items;
  const auto of_portal = std::ranges::find(sessions, "Portal", &v1::Session::user_agent);
  ASSERT_NE(of_portal, sessions.end());
  ASSERT_TRUE(bench_.run(service_->end_session(person, {of_portal->id})));
  EXPECT_EQ(code(user_info(reply.access_token)), "sessions.invalid");
}

TEST_F(OpenIdTest, RotatesRefreshTokens) {
  const auto first = *tokens(exchange(fresh_code()));
  const auto second = tokens(refreshing(first.refresh_token));
  ASSERT_TRUE(second);
  EXPECT_NE(second->refresh_token, first.refresh_token);
  const auto identity = claims(second->id_token);
  EXPECT_EQ(identity.at("sub"), boost::json::value(anna_.text()));
  EXPECT_EQ(identity.at("aud"), "portal");
  EXPECT_EQ(identity.at("auth_time"), claims(first.id_token).at("auth_time"));
  EXPECT_FALSE(identity.contains("nonce"));
  EXPECT_EQ(tokens(refreshing(first.refresh_token))->refresh_token, second->refresh_token) << "a lost answer comes again";
  const auto third = *tokens(refreshing(second->refresh_token));
  EXPECT_EQ(code(tokens(refreshing(first.refresh_token))), "sessions.invalid-grant");
  EXPECT_EQ(end_reasons(), std::vector<std::string>{"token-reuse"});
  EXPECT_EQ(code(tokens(refreshing(third.refresh_token))), "sessions.invalid-grant");
}

TEST_F(OpenIdTest, RefreshesForTheSameApplicationAndNoMoreThanWasGranted) {
  const auto reply = *tokens(exchange(fresh_code()));
  EXPECT_EQ(code(tokens(refreshing(reply.refresh_token), "phone", std::nullopt)), "sessions.invalid-grant");
  EXPECT_EQ(code(tokens(refreshing(reply.refresh_token, "openid profile"))), "sessions.invalid-scope");
  const auto narrow = tokens(refreshing(reply.refresh_token, "openid"));
  ASSERT_TRUE(narrow) << "neither of them used it up";
  EXPECT_EQ(narrow->scope, "openid");
  EXPECT_EQ(user_info(narrow->access_token)->claims.text, R"({"sub":")" + anna_.text() + R"("})");
  EXPECT_EQ(tokens(refreshing(narrow->refresh_token))->scope, "openid email") << "what was granted stays";
}

TEST_F(OpenIdTest, KnowsApplicationsByTheirSecret) {
  const auto refused = [&](std::optional<std::string> id, std::optional<std::string> secret, ParameterList list) {
    return code(tokens(std::move(list), std::move(id), std::move(secret)));
  };
  const std::string once = fresh_code();
  EXPECT_EQ(refused("portal", "wrong", exchange(once)), "sessions.invalid-client");
  EXPECT_EQ(refused("portal", "", exchange(once)), "sessions.invalid-client");
  EXPECT_EQ(refused("portal", std::nullopt, exchange(once)), "sessions.invalid-client");
  EXPECT_EQ(refused(std::nullopt, std::nullopt, exchange(once, {{"client_id", "portal"}})), "sessions.invalid-client");
  EXPECT_EQ(refused(std::nullopt, std::nullopt, exchange(once, {{"client_id", "portal"}, {"client_secret", kSecret}})),
            "sessions.invalid-client")
      << "secrets belong into the header";
  EXPECT_EQ(refused("other", kSecret, exchange(once)), "sessions.invalid-client");
  EXPECT_EQ(refused("phone", kSecret, exchange(once)), "sessions.invalid-client") << "one that has none";
  EXPECT_EQ(refused("portal", kSecret, exchange(once, {{"client_id", "phone"}})), "request.malformed");
  EXPECT_EQ(code(tokens(exchange(once))), "fine") << "none of them spent the code";
  const std::string of_phone = fresh_code({{"client_id", "phone"}});
  EXPECT_EQ(refused(std::nullopt, std::nullopt, exchange(of_phone, {{"client_id", "phone"}})), "fine");
  EXPECT_EQ(code(tokens({})), "request.malformed");
  ParameterList password;
  set_value(password, "grant_type", "password");
  EXPECT_EQ(code(tokens(password)), "sessions.unsupported-grant-type");
}

TEST_F(OpenIdTest, BoundsTheCodesThatNobodyUses) {
  for (int i = 0; i < settings_.openid.codes_at_a_time; ++i) EXPECT_EQ(fresh_code().size(), 43U);
  const auto refused = authorize(request(), browser_.session_id);
  EXPECT_EQ(value_of(refused->parameters, "error"), "temporarily_unavailable");
  bench_.pass(settings_.openid.code_lifetime);
  EXPECT_EQ(fresh_code().size(), 43U);
}

TEST_F(OpenIdTest, ForgetsCodesWhenTheyAreOfNoUse) {
  const auto left = [&] {
    return bench_
        .read("sessions", [](database::Transaction& transaction) { return transaction.query("SELECT granted_id FROM sessions_code"); })
        ->size();
  };
  const std::string unused = fresh_code();
  const auto reply = *tokens(exchange(fresh_code()));
  EXPECT_EQ(left(), 2U);
  bench_.pass(minutes(2));
  ASSERT_TRUE(bench_.run(service_->sweep(platform_)));
  EXPECT_EQ(left(), 1U) << "a second use must still end what it gave";
  bench_.pass(settings_.idle);
  ASSERT_TRUE(bench_.run(service_->sweep(platform_)));
  bench_.pass(settings_.history + seconds(1));
  ASSERT_TRUE(bench_.run(service_->sweep(platform_)));
  EXPECT_EQ(left(), 0U);
}

TEST_F(OpenIdTest, StoresNoCodeAndNoToken) {
  const std::string unused = fresh_code();
  const auto reply = *tokens(exchange(fresh_code()));
  const auto rows = bench_.read("sessions", [](database::Transaction& transaction) {
    return transaction.query(
        "SELECT CAST(code_hash AS TEXT) || challenge FROM sessions_code UNION ALL "
        "SELECT CAST(token_hash AS TEXT) FROM sessions_refresh");
  });
  for (const database::Row& row : *rows) {
    EXPECT_EQ(row.text(0).find(unused), std::string::npos);
    EXPECT_EQ(row.text(0).find(reply.refresh_token.reveal()), std::string::npos);
  }
}

class FewAttempts : public OpenIdTest {
 protected:
  FewAttempts() : OpenIdTest(3) {}
};

TEST_F(FewAttempts, SlowDownGuessing) {
  const std::string once = fresh_code();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(tokens(exchange(once), "portal", "wrong")), "sessions.invalid-client");
  EXPECT_EQ(code(tokens(exchange(once))), "sessions.too-many-attempts") << "also with the right secret";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(tokens(exchange("guess"), "phone", std::nullopt)), "sessions.invalid-grant");
  EXPECT_EQ(code(tokens(exchange("guess"), "phone", std::nullopt)), "sessions.too-many-attempts");
}

}  // namespace
}  // namespace consilium::sessions
