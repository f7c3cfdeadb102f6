#include "services/sessions/openid.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace consilium::sessions {
namespace {

// RFC 7636, appendix B.
constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

ParameterList good() {
  ParameterList list;
  set_value(list, "response_type", "code");
  set_value(list, "client_id", "portal");
  set_value(list, "redirect_uri", "https://portal.example/back");
  set_value(list, "scope", "openid profile");
  set_value(list, "code_challenge", std::string(kChallenge));
  set_value(list, "code_challenge_method", "S256");
  return list;
}
ParameterList with(std::string_view name, std::string value) {
  ParameterList list = good();
  set_value(list, name, std::move(value));
  return list;
}
std::string error_of(const ParameterList& list) {
  const auto read = read_authorization(list);
  return read ? "fine" : std::string(read.error().error);
}

OpenIdSettings registered() {
  OpenIdSettings settings;
  settings.applications["portal"].redirect_uris = {"https://portal.example/back", "com.example.app:/back"};
  return settings;
}

TEST(OpenIdRequests, AreReadWithAllThatMatters) {
  ParameterList list = with("nonce", "n-1");
  set_value(list, "max_age", "60");
  set_value(list, "scope", "email  unknown openid");
  const auto read = read_authorization(list);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client_id, "portal");
  EXPECT_EQ(read->redirect_uri, "https://portal.example/back");
  EXPECT_EQ(read->scope, "openid email") << "what does not exist is not granted";
  EXPECT_EQ(read->challenge, kChallenge);
  EXPECT_EQ(read->nonce, "n-1");
  EXPECT_EQ(read->max_age, seconds(60));
  EXPECT_FALSE(read->silent || read->login_again);
}

TEST(OpenIdRequests, AreRefusedByTheWordsOfTheStandard) {
  EXPECT_EQ(error_of(good()), "fine");
  EXPECT_EQ(error_of(with("response_type", "")), "invalid_request");
  EXPECT_EQ(error_of(with("response_type", "token")), "unsupported_response_type");
  EXPECT_EQ(error_of(with("response_type", "code id_token")), "unsupported_response_type");
  EXPECT_EQ(error_of(with("response_mode", "query")), "fine");
  EXPECT_EQ(error_of(with("response_mode", "fragment")), "invalid_request");
  EXPECT_EQ(error_of(with("scope", "profile")), "invalid_scope");
  EXPECT_EQ(error_of(with("scope", "")), "invalid_scope");
  EXPECT_EQ(error_of(with("code_challenge", "")), "invalid_request") << "without PKCE nothing is given";
  EXPECT_EQ(error_of(with("code_challenge", std::string(42, 'a'))), "invalid_request");
  EXPECT_EQ(error_of(with("code_challenge", std::string(42, 'a') + "=")), "invalid_request");
  EXPECT_EQ(error_of(with("code_challenge_method", "plain")), "invalid_request");
  EXPECT_EQ(error_of(with("code_challenge_method", "")), "invalid_request") << "plain is what the standard takes it for";
  EXPECT_EQ(error_of(with("nonce", std::string(501, 'n'))), "invalid_request");
  EXPECT_EQ(error_of(with("prompt", "none login")), "invalid_request");
  EXPECT_EQ(error_of(with("max_age", "-1")), "invalid_request");
  EXPECT_EQ(error_of(with("max_age", "soon")), "invalid_request");
  EXPECT_EQ(error_of(with("max_age", "9223372036854775807")), "fine");
  EXPECT_EQ(error_of(with("authenticated_after", "9223372036854775807")), "invalid_request");
  EXPECT_EQ(error_of(with("request", "eyJ")), "request_not_supported");
  EXPECT_EQ(error_of(with("request_uri", "https://x")), "request_uri_not_supported");
  ParameterList twice = good();
  twice.push_back({"state", Secret("a")});
  twice.push_back({"state", Secret("b")});
  EXPECT_EQ(error_of(twice), "invalid_request");
}

TEST(Applications, AreKnownByTheirIdAndNoOther) {
  const OpenIdSettings settings = registered();
  EXPECT_TRUE(find_application(good(), settings));
  for (const char* id : {"", "Portal", "portal ", "other"})
    EXPECT_EQ(find_application(with("client_id", id), settings).error().code, "sessions.unknown-client") << id;
}

TEST(Applications, AreAnsweredAtTheirOwnAddressLetterByLetter) {
  const OpenIdSettings settings = registered();
  const ApplicationSettings& portal = settings.applications.at("portal");
  EXPECT_TRUE(check_redirect(good(), portal));
  EXPECT_TRUE(check_redirect(with("redirect_uri", "com.example.app:/back"), portal));
  for (const char* uri : {"", "https://portal.example/back/", "https://portal.example/back?x=1", "https://portal.example/BACK",
                          "http://portal.example/back", "https://portal.example/back#x", "https://portal.example.evil/back",
                          "https://portal.example/back/../evil", "https://portal.example@evil.example/back", "//evil.example"})
    EXPECT_EQ(check_redirect(with("redirect_uri", uri), portal).error().code, "sessions.bad-redirect") << uri;
}

TEST(Logins, AreAskedForAsTheApplicationWishes) {
  const Timestamp now = Timestamp{} + days(20'000);
  const auto need = [&](const ParameterList& list, std::optional<Timestamp> at) { return login_need(*read_authorization(list), at, now); };
  EXPECT_EQ(need(good(), std::nullopt), LoginNeed::kAny);
  EXPECT_EQ(need(good(), now - days(3)), LoginNeed::kNone);
  EXPECT_EQ(need(with("max_age", "60"), now - seconds(60)), LoginNeed::kNone);
  EXPECT_EQ(need(with("max_age", "60"), now - seconds(61)), LoginNeed::kAgain);
  EXPECT_EQ(need(with("max_age", "60"), std::nullopt), LoginNeed::kAny);
  EXPECT_EQ(need(with("prompt", "login"), now), LoginNeed::kAgain);
  EXPECT_EQ(need(with("prompt", "select_account"), now), LoginNeed::kAgain);
  EXPECT_EQ(need(with("prompt", "consent"), now), LoginNeed::kNone);
}

// A person who was sent to log in again and did is not sent there for ever; one who only came back is.
TEST(Logins, AgainAreRememberedOnTheWayBack) {
  const Timestamp now = Timestamp{} + days(20'000);
  ParameterList asked = with("prompt", "login");
  set_value(asked, "max_age", "0");
  set_value(asked, "state", "s");
  const ParameterList back = after_login(asked, LoginNeed::kAgain, now);
  EXPECT_EQ(value_of(back, "state"), "s");
  const auto read = read_authorization(back);
  ASSERT_TRUE(read);
  EXPECT_EQ(login_need(*read, now - seconds(1), now + seconds(5)), LoginNeed::kAgain);
  EXPECT_EQ(login_need(*read, now + seconds(4), now + seconds(5)), LoginNeed::kNone);
  EXPECT_EQ(after_login(asked, LoginNeed::kAny, now), asked);
}

TEST(Pkce, TakesTheVerifierOfTheChallengeAlone) {
  EXPECT_TRUE(fits_challenge(kVerifier, kChallenge));
  std::string other(kVerifier);
  other.back() = 'l';
  EXPECT_FALSE(fits_challenge(other, kChallenge));
  EXPECT_FALSE(fits_challenge(kChallenge, kChallenge)) << "what was sent in the open proves nothing";
  EXPECT_FALSE(fits_challenge(kVerifier.substr(1), kChallenge));
  EXPECT_FALSE(fits_challenge("", ""));
}

TEST(Scopes, MayBeNarrowedButNotWidened) {
  EXPECT_EQ(narrowed_scope("openid email", ""), "openid email");
  EXPECT_EQ(narrowed_scope("openid profile email", "email openid"), "openid email");
  EXPECT_EQ(narrowed_scope("openid email", "openid profile"), std::nullopt);
  EXPECT_EQ(narrowed_scope("openid email", "email"), std::nullopt);
}

TEST(Claims, TellWhatTheScopeAllowsAndNoMore) {
  users::v1::User user;
  user.id = *Uuid::parse("0190c5a0-0000-7000-8000-000000000001");
  user.username = "anna";
  user.first_name = "Anna";
  user.last_name = "Berg";
  user.language = "en";
  user.phone = "+4912345";
  user.email = "anna@example.org";
  EXPECT_EQ(user_claims(user, "openid"), R"({"sub":"0190c5a0-0000-7000-8000-000000000001"})");
  EXPECT_EQ(user_claims(user, "openid email"),
            R"({"sub":"0190c5a0-0000-7000-8000-000000000001","email":"anna@example.org","email_verified":false})");
  const std::string profile = user_claims(user, "openid profile");
  EXPECT_NE(profile.find(R"("name":"Anna Berg","given_name":"Anna","family_name":"Berg","preferred_username":"anna")"), std::string::npos);
  EXPECT_EQ(profile.find("example.org"), std::string::npos);
  EXPECT_EQ(profile.find("4912345"), std::string::npos);
}

TEST(Discovery, NamesWhatIsServed) {
  const auto document = boost::json::parse(discovery_document("https://consilium.example")).as_object();
  EXPECT_EQ(document.at("issuer"), "https://consilium.example");
  EXPECT_EQ(document.at("authorization_endpoint"), "https://consilium.example/oauth2/authorize");
  EXPECT_EQ(document.at("token_endpoint"), "https://consilium.example/oauth2/token");
  EXPECT_EQ(document.at("userinfo_endpoint"), "https://consilium.example/oauth2/userinfo");
  EXPECT_EQ(document.at("jwks_uri"), "https://consilium.example/oauth2/jwks");
  EXPECT_EQ(document.at("response_types_supported"), boost::json::array{"code"});
  EXPECT_EQ(document.at("code_challenge_methods_supported"), boost::json::array{"S256"});
  EXPECT_EQ(document.at("scopes_supported"), (boost::json::array{"openid", "profile", "email"}));
}

}  // namespace
}  // namespace consilium::sessions
