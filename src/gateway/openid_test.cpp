#include "gateway/openid.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "consilium/sessions/v1/sessions_codec.h"
#include "consilium/sessions/v1/sessions_rpc.h"
#include "runtime/log_sink.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::gateway {
namespace {

namespace v1 = sessions::v1;

// The issuer as far as these endpoints need it: what was asked, and the answer that the test has laid ready.
class FakeIssuer final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) override {
    EXPECT_TRUE(context.caller.is_service());
    const bool is_counted = !method.ends_with("/RecordRefusals") && !method.ends_with("/GetKeySet");
    EXPECT_TRUE(!is_counted || context.remote_address == "192.0.2.7") << "limits count by it";
    if (failure) co_return fail(*failure);
    if (method.ends_with("/Authenticate")) co_return authenticate(request);
    if (method.ends_with("/Authorize")) {
      CO_ASSIGN_OR_RETURN(authorize_request, decode_wire<v1::AuthorizeRequest>(request));
      co_return encode_wire(authorize_reply);
    }
    if (method.ends_with("/IssueTokens")) {
      CO_ASSIGN_OR_RETURN(token_request, decode_wire<v1::TokenRequest>(request));
      if (refusal) co_return fail(*refusal);
      co_return encode_wire(token_reply);
    }
    if (method.ends_with("/GetUserInfo")) {
      CO_ASSIGN_OR_RETURN(const auto asked, decode_wire<v1::UserInfoRequest>(request));
      if (asked.access_token.reveal() != "good") co_return fail(v1::errors::invalid());
      co_return encode_wire(v1::UserInfoReply{JsonText{R"({"sub":"7"})"}});
    }
    if (method.ends_with("/GetDiscovery")) co_return encode_wire(v1::DiscoveryReply{JsonText{R"({"issuer":"x"})"}});
    if (method.ends_with("/GetKeySet")) co_return encode_wire(v1::KeySetReply{JsonText{R"({"keys":[]})"}});
    if (method.ends_with("/RecordRefusals")) {
      CO_ASSIGN_OR_RETURN(const auto recorded, decode_wire<v1::RecordRefusalsRequest>(request));
      for (const auto& item : recorded.items) refusals.push_back(item.call + " " + item.code);
      co_return encode_wire(v1::Nothing{});
    }
    co_return fail(ErrorKind::kUnavailable, "rpc.unavailable", "Expected another call");
  }

  std::optional<Error> failure;  // of every call
  std::optional<Error> refusal;  // of tokens
  v1::AuthorizeRequest authorize_request;
  v1::AuthorizeReply authorize_reply;
  v1::TokenRequest token_request;
  v1::TokenReply token_reply;
  std::vector<std::string> refusals;

  static Uuid session() {
    Uuid id;
    id.bytes[15] = 9;
    return id;
  }

 private:
  static Result<std::string> authenticate(std::string_view bytes) {
    ASSIGN_OR_RETURN(const auto request, decode_wire<v1::AuthenticateRequest>(bytes));
    const bool good = (request.cookie && request.cookie->reveal() == "good") || request.access_token;
    if (!good) return fail(v1::errors::invalid());
    v1::AuthenticateReply reply;
    reply.session_id = session();
    return encode_wire(reply);
  }
};

class OpenIdEndpointsTest : public ::testing::Test {
 protected:
  OpenIdEndpointsTest() {
    EXPECT_TRUE(catalogue_.add("en", R"({"error.sessions.bad-redirect":"Not a <registered> address."})"));
    EXPECT_TRUE(catalogue_.add("ru", R"({"error.sessions.bad-redirect":"Чужой адрес."})"));
  }

  static Task<void> keep(const GatewayParts::Mount* mount, runtime::Context* context, const net::HttpRequest* request,
                         std::optional<net::HttpResponse>* out) {
    out->emplace(co_await (*mount)(*context, *request));
  }

  net::HttpResponse send(std::string method, std::string target, std::vector<net::Header> headers = {}, std::string body = {}) {
    net::HttpRequest request{std::move(method), std::move(target), std::move(headers), std::move(body), "10.0.0.9"};
    request.headers.emplace_back("Host", "desk.example");
    runtime::Context context(loop_, random_);
    context.request_id = "r-1";
    context.remote_address = "192.0.2.7";
    context.language = language_;
    std::optional<net::HttpResponse> out;
    const GatewayParts::Mount& mount = mounts_.at(std::string(request.path()));
    loop_.spawn("request", keep(&mount, &context, &request, &out));
    world_.run_for(seconds(1));
    EXPECT_TRUE(out);
    return std::move(*out);
  }
  net::HttpResponse post_form(std::string target, std::string body, std::vector<net::Header> headers = {}) {
    headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    return send("POST", std::move(target), std::move(headers), std::move(body));
  }
  std::vector<std::string> recorded() {
    refusals_.start();
    world_.run_for(Refusals::kInterval + seconds(1));
    return issuer_.refusals;
  }
  static std::string member(const net::HttpResponse& response, std::string_view name) {
    const auto value = boost::json::parse(response.body);
    return std::string(value.at(name).as_string());
  }

  std::string language_ = "en";
  runtime::SimulatedWorld world_{1};
  runtime::Scheduler& loop_ = world_.add_loop("test");
  SeededRandom random_{1};
  FakeIssuer issuer_;
  v1::RemoteSessions sessions_{issuer_};
  MessageCatalogue catalogue_;
  runtime::Log log_{{}, {}};
  Refusals refusals_{loop_, random_, sessions_, runtime::Logger(log_, "gateway", "refusals")};
  std::map<std::string, GatewayParts::Mount, std::less<>> mounts_ = openid_mounts({sessions_, refusals_, catalogue_, Settings{}});
};

TEST_F(OpenIdEndpointsTest, BringABrowserBackToTheApplication) {
  issuer_.authorize_reply.redirect_uri = "https://portal.example/back?tab=1";
  issuer_.authorize_reply.parameters = {{"code", Secret("c&d")}, {"state", Secret("ü")}};
  const auto response = send("GET", "/oauth2/authorize?client_id=portal&state=%C3%BC&scope=openid+email", {{"Cookie", "session=good"}});
  EXPECT_EQ(response.status, 303);
  EXPECT_EQ(response.header("Location"), "https://portal.example/back?tab=1&code=c%26d&state=%C3%BC");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  const std::vector<v1::Parameter> expected{{"client_id", Secret("portal")}, {"state", Secret("ü")}, {"scope", Secret("openid email")}};
  EXPECT_EQ(issuer_.authorize_request.parameters, expected);
  EXPECT_EQ(issuer_.authorize_request.session_id, FakeIssuer::session());
}

TEST_F(OpenIdEndpointsTest, SendABrowserToTheLoginPageAndBack) {
  issuer_.authorize_reply.parameters = {{"client_id", Secret("portal")}, {"redirect_uri", Secret("https://portal.example/?a=b&c")}};
  const auto response = send("GET", "/oauth2/authorize?client_id=portal");
  EXPECT_EQ(response.status, 303);
  EXPECT_EQ(
      response.header("Location"),
      "/login?next=%2Foauth2%2Fauthorize%3Fclient_id%3Dportal%26redirect_uri%3Dhttps%253A%252F%252Fportal.example%252F%253Fa%253Db%2526c");
  EXPECT_FALSE(issuer_.authorize_request.session_id);
  issuer_.authorize_reply.login_again = true;
  EXPECT_TRUE(send("GET", "/oauth2/authorize").header("Location").ends_with("&again=1"));
}

TEST_F(OpenIdEndpointsTest, TakeTheBrowsersCookieAndNoOtherProof) {
  send("GET", "/oauth2/authorize", {{"Cookie", "session=forged"}});
  EXPECT_FALSE(issuer_.authorize_request.session_id);
  send("GET", "/oauth2/authorize", {{"Authorization", "Bearer good"}, {"Cookie", "session=good"}});
  EXPECT_FALSE(issuer_.authorize_request.session_id) << "what a program holds logs nobody in to another application";
  post_form("/oauth2/authorize", "client_id=a", {{"Cookie", "session=good"}});
  EXPECT_EQ(issuer_.authorize_request.session_id, FakeIssuer::session());
  EXPECT_EQ(issuer_.authorize_request.parameters, (std::vector<v1::Parameter>{{"client_id", Secret("a")}}));
}

TEST_F(OpenIdEndpointsTest, ShowPeopleWhatNobodyElseMayBeTold) {
  issuer_.failure = v1::errors::bad_redirect("Expected a registered one");
  const auto page = send("GET", "/oauth2/authorize?redirect_uri=https://evil.example", {{"Accept", "text/html,*/*"}});
  EXPECT_EQ(page.status, 400);
  EXPECT_EQ(page.header("Location"), "");
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("Not a &lt;registered&gt; address."), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("r-1"), std::string::npos);
  EXPECT_EQ(page.body.find("evil"), std::string::npos);
  language_ = "ru";
  EXPECT_NE(send("GET", "/oauth2/authorize", {{"Accept", "text/html"}}).body.find("Чужой адрес."), std::string::npos);
  const auto problem = send("GET", "/oauth2/authorize");
  EXPECT_EQ(problem.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(member(problem, "code"), "sessions.bad-redirect");
  issuer_.failure.reset();
  EXPECT_EQ(recorded(), std::vector<std::string>{"GET /oauth2/authorize sessions.bad-redirect"});
}

TEST_F(OpenIdEndpointsTest, AnswerAnExchangeInTheWordsOfTheStandard) {
  issuer_.token_reply = {Secret("a"), Secret("r"), Secret("i"), "openid", 300};
  // portal:s%3A+x, as a form writes `s: x`
  const auto response =
      post_form("/oauth2/token", "grant_type=authorization_code&code=c", {{"Authorization", "Basic cG9ydGFsOnMlM0EreA=="}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(boost::json::parse(response.body),
            boost::json::parse(
                R"({"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"r","id_token":"i","scope":"openid"})"));
  EXPECT_EQ(issuer_.token_request.client_id, "portal");
  EXPECT_EQ(issuer_.token_request.client_secret, Secret("s: x"));
  post_form("/oauth2/token", "client_id=phone");
  EXPECT_FALSE(issuer_.token_request.client_id || issuer_.token_request.client_secret);
}

TEST_F(OpenIdEndpointsTest, RefuseAnExchangeInTheWordsOfTheStandard) {
  const auto refused = [&](std::optional<Error> refusal) {
    issuer_.refusal = std::move(refusal);
    const auto response = post_form("/oauth2/token", "grant_type=x");
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    EXPECT_EQ(response.header("WWW-Authenticate").empty(), response.status != 401);
    return std::to_string(response.status) + " " + member(response, "error");
  };
  EXPECT_EQ(refused(v1::errors::invalid_client()), "401 invalid_client");
  EXPECT_EQ(refused(v1::errors::invalid_grant()), "400 invalid_grant");
  EXPECT_EQ(refused(v1::errors::invalid_scope()), "400 invalid_scope");
  EXPECT_EQ(refused(v1::errors::unsupported_grant_type()), "400 unsupported_grant_type");
  EXPECT_EQ(refused(make_error(ErrorKind::kMalformed, "request.malformed", "x")), "400 invalid_request");
  EXPECT_EQ(refused(make_error(ErrorKind::kUnavailable, "rpc.unavailable", "x").retry_in(seconds(2))), "503 temporarily_unavailable");
  EXPECT_EQ(refused(internal_error("inner words")), "500 server_error");
  EXPECT_EQ(post_form("/oauth2/token", "").body.find("inner words"), std::string::npos);
  issuer_.refusal = make_error(ErrorKind::kRateLimited, "sessions.too-many-attempts", "x").retry_in(seconds(9));
  const auto late = post_form("/oauth2/token", "");
  EXPECT_EQ(late.status, 429);
  EXPECT_EQ(late.header("Retry-After"), "9");
  EXPECT_EQ(recorded(), (std::vector<std::string>{"POST /oauth2/token sessions.invalid-client", "POST /oauth2/token sessions.invalid-grant",
                                                  "POST /oauth2/token sessions.too-many-attempts"}));
}

TEST_F(OpenIdEndpointsTest, RefuseWhatIsNoTokenRequest) {
  EXPECT_EQ(send("GET", "/oauth2/token").status, 405);
  EXPECT_EQ(send("GET", "/oauth2/token").header("Allow"), "POST");
  const auto as_json = send("POST", "/oauth2/token", {{"Content-Type", "application/json"}}, "{}");
  EXPECT_EQ(as_json.status, 400);
  EXPECT_EQ(member(as_json, "error"), "invalid_request");
  EXPECT_EQ(member(post_form("/oauth2/token", "code=%ZZ"), "error"), "invalid_request");
  for (const char* header : {"Basic", "Basic !", "Basic cG9ydGFs", "Bearer good", "Basic cG9ydGFsOiVaWg=="}) {
    const auto response = post_form("/oauth2/token", "grant_type=x", {{"Authorization", header}});
    EXPECT_EQ(response.status, 401) << header;
    EXPECT_EQ(member(response, "error"), "invalid_client") << header;
  }
}

TEST_F(OpenIdEndpointsTest, TellOfAPersonByTokenAlone) {
  EXPECT_EQ(send("GET", "/oauth2/userinfo", {{"Authorization", "Bearer good"}}).body, R"({"sub":"7"})");
  EXPECT_EQ(post_form("/oauth2/userinfo", "", {{"Authorization", "Bearer good"}}).body, R"({"sub":"7"})");
  const auto without = send("GET", "/oauth2/userinfo", {{"Cookie", "session=good"}});
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.header("WWW-Authenticate"), "Bearer realm=\"consilium\"");
  for (const std::string& token : {std::string("forged"), std::string(5000, 'x'), std::string()}) {
    const auto response = send("GET", "/oauth2/userinfo", {{"Authorization", "Bearer " + token}});
    EXPECT_EQ(response.status, 401);
    EXPECT_NE(response.header("WWW-Authenticate").find("error=\"invalid_token\""), std::string::npos);
  }
}

TEST_F(OpenIdEndpointsTest, PublishTheDocuments) {
  for (const auto& [path, body] :
       {std::pair{"/.well-known/openid-configuration", R"({"issuer":"x"})"}, {"/oauth2/jwks", R"({"keys":[]})"}}) {
    const auto response = send("GET", path);
    EXPECT_EQ(response.body, body);
    EXPECT_EQ(response.header("Cache-Control"), "public, max-age=600");
    EXPECT_EQ(send("DELETE", path).status, 405);
  }
  const auto preflight = send("OPTIONS", "/oauth2/userinfo");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Headers"), "Authorization, Content-Type");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "") << "the gateway adds it for origins that it knows";
  issuer_.failure = make_error(ErrorKind::kUnavailable, "rpc.unavailable", "away").retry_in(seconds(1));
  EXPECT_EQ(send("GET", "/oauth2/jwks").status, 503);
  EXPECT_EQ(send("GET", "/oauth2/jwks").header("Retry-After"), "1");
  EXPECT_EQ(send("GET", "/oauth2/authorize", {{"Cookie", "session=good"}}).status, 503) << "an issuer that is away is no lack of a session";
}

}  // namespace
}  // namespace consilium::gateway
