#include "gateway/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "consilium/chat/v1/chat_rpc.h"
#include "consilium/sessions/v1/sessions_codec.h"
#include "consilium/sessions/v1/sessions_routes.h"
#include "consilium/sessions/v1/sessions_rpc.h"
#include "gateway/openid.h"
#include "runtime/log_sink.h"
#include "runtime/panic_testing.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::gateway {
namespace {

constexpr std::string_view kHost = "desk.example";
constexpr std::string_view kOrigin = "http://desk.example";

// The issuer as far as the gateway needs it: `good` proves the person, everything else nobody.
class FakeIssuer final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) override {
    EXPECT_TRUE(context.caller.is_service() || method.ends_with("/Login") || method.ends_with("/Refresh") ||
                method.ends_with("/EndCurrent"));
    if (broken) runtime::testing::throw_from_deep_inside("the issuer is broken");
    cancellation = context.cancellation;
    has_deadline = context.deadline.has_value();
    if (method.ends_with("/GetKeySet")) co_return encode_wire(sessions::v1::KeySetReply{JsonText{R"({"keys":[]})"}});
    if (method.ends_with("/RecordRefusals")) {
      CO_ASSIGN_OR_RETURN(const auto recorded, decode_wire<sessions::v1::RecordRefusalsRequest>(request));
      for (const auto& item : recorded.items) refusals.push_back(item.call + " " + item.code + " " + std::to_string(item.times));
      co_return encode_wire(sessions::v1::Nothing{});
    }
    if (method.ends_with("/Authenticate")) co_return authenticate(request);
    if (method.ends_with("/Login")) co_return log_in(request);
    if (method.ends_with("/EndCurrent")) co_return encode_wire(sessions::v1::Nothing{});
    co_return fail(ErrorKind::kUnavailable, "rpc.unavailable", "Expected another call");
  }

  std::vector<std::string> permissions{"things.create"};
  std::string language = "en";
  bool broken = false;
  sessions::v1::LoginRequest last_login;
  std::shared_ptr<runtime::Cancellation> cancellation;
  bool has_deadline = false;
  std::vector<std::string> refusals;

 private:
  Result<std::string> authenticate(std::string_view bytes) const {
    ASSIGN_OR_RETURN(const auto request, decode_wire<sessions::v1::AuthenticateRequest>(bytes));
    const bool good =
        (request.cookie && request.cookie->reveal() == "good") || (request.access_token && request.access_token->reveal() == "good");
    if (!good) return fail(sessions::v1::errors::invalid("Expected a proof that was issued here"));
    sessions::v1::AuthenticateReply reply;
    reply.user.id.bytes[15] = 7;
    reply.user.permissions = permissions;
    reply.user.language = language;
    reply.roles = {"consultant"};
    return encode_wire(reply);
  }

  Result<std::string> log_in(std::string_view bytes) {
    ASSIGN_OR_RETURN(last_login, decode_wire<sessions::v1::LoginRequest>(bytes));
    if (last_login.password.reveal() != "right")
      return fail(sessions::v1::errors::bad_credentials("Expected a known name and its password"));
    sessions::v1::LoginReply reply;
    reply.user.username = last_login.username;
    if (last_login.kind == sessions::v1::SessionKind::kBearer) {
      reply.access_token = Secret("access");
      reply.refresh_token = Secret("refresh");
    } else {
      reply.cookie = Secret("jar");
    }
    return encode_wire(reply);
  }
};

class NoChannel final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context&, std::string_view, std::string) override {
    co_return fail(ErrorKind::kUnavailable, "rpc.unavailable", "Expected no call");
  }
};

struct Seen {
  std::string idempotency_key;
  std::optional<std::int64_t> version;
  std::string language;
  std::string address;
  std::string traceparent;
  runtime::Caller caller;
  std::shared_ptr<runtime::Cancellation> cancellation;
  std::optional<Timestamp> deadline;
  int calls = 0;
};

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    EXPECT_TRUE(catalogue_.add("en", R"({"error.sessions.required":"Please log in first.","error.internal":"Something went wrong."})"));
    EXPECT_TRUE(catalogue_.add("ru", R"({"error.sessions.required":"Сначала войдите."})"));
  }

  static Task<Result<net::RouteReply>> answer(Seen* seen, runtime::Context& context, net::RouteRequest request) {
    ++seen->calls;
    seen->idempotency_key = context.idempotency_key;
    seen->version = context.expected_version;
    seen->language = context.language;
    seen->address = context.remote_address;
    seen->traceparent = context.traceparent;
    seen->caller = context.caller;
    seen->cancellation = context.cancellation;
    seen->deadline = context.deadline;
    if (request.body == R"({"throw":1})") throw std::runtime_error("secret inner text");
    if (request.body == R"({"throw":2})") throw 2;
    if (request.body == R"({"fail":1})") co_return fail(internal_error("secret inner text"));
    co_return net::RouteReply{201, R"({"id":"1"})", "/things/1", 3};
  }

  net::Route route(std::string_view method, std::string_view path, std::string_view permission) {
    net::Route out;
    out.service = "things";
    out.call = "Call";
    out.method = method;
    out.path = path;
    out.permission = permission;
    out.handle = [this](runtime::Context& context, net::RouteRequest request) { return answer(&seen_, context, std::move(request)); };
    return out;
  }

  Gateway& gateway() {
    if (gateway_) return *gateway_;
    std::vector<net::Route> routes = sessions::v1::routes(sessions_);
    routes.push_back(route("GET", "/things", "session"));
    routes.push_back(route("POST", "/things", "things.create"));
    routes.back().creates = true;
    routes.push_back(route("PATCH", "/things/{id}", "things.create"));
    routes.back().needs_version = true;
    routes.push_back(route("GET", "/secrets", "secrets.read"));
    routes.push_back(route("GET", "/open", "public"));
    GatewayParts parts{std::move(routes),
                       sessions_,
                       hub_,
                       catalogue_,
                       {"en", "ru"},
                       {},
                       {{"/api/v1/openapi.json", "{}"}},
                       openid_mounts({sessions_, refusals_, catalogue_, settings_}),
                       random_,
                       refusals_,
                       runtime::Logger(log_, "gateway", "http"),
                       {}};
    gateway_ = std::make_unique<Gateway>(std::move(parts), settings_);
    return *gateway_;
  }

  static Task<void> keep(Gateway* gateway, runtime::Scheduler* loop, net::HttpRequest request, std::optional<net::HttpResponse>* out) {
    out->emplace(co_await gateway->handle(*loop, std::move(request)));
  }
  static Task<void> keep_upgrade(Gateway* gateway, runtime::Scheduler* loop, net::HttpRequest request,
                                 std::optional<net::UpgradeAnswer>* out) {
    out->emplace(co_await gateway->upgrade(*loop, std::move(request)));
  }

  net::HttpResponse send(std::string method, std::string target, std::vector<net::Header> headers = {}, std::string body = {}) {
    net::HttpRequest request{std::move(method), std::move(target), std::move(headers), std::move(body), "10.0.0.9"};
    request.tls = tls_;
    request.headers.emplace_back("Host", kHost);
    if (!request.body.empty() && request.header("Content-Type").empty()) request.headers.emplace_back("Content-Type", "application/json");
    std::optional<net::HttpResponse> out;
    loop_.spawn("request", keep(&gateway(), &loop_, std::move(request), &out));
    world_.run_for(seconds(1));
    EXPECT_TRUE(out);
    return std::move(*out);
  }
  net::HttpResponse with_bearer(std::string method, std::string target, std::vector<net::Header> headers = {}, std::string body = {}) {
    headers.emplace_back("Authorization", "Bearer good");
    return send(std::move(method), std::move(target), std::move(headers), std::move(body));
  }
  net::UpgradeAnswer upgrade(std::string target, std::vector<net::Header> headers) {
    net::HttpRequest request{"GET", std::move(target), std::move(headers), "", "10.0.0.9"};
    request.headers.emplace_back("Host", kHost);
    std::optional<net::UpgradeAnswer> out;
    loop_.spawn("upgrade", keep_upgrade(&gateway(), &loop_, std::move(request), &out));
    world_.run_for(seconds(1));
    return std::move(*out);
  }
  static bool has_code(const net::HttpResponse& response, std::string_view code) {
    return response.body.find("\"code\":\"" + std::string(code) + "\"") != std::string::npos;
  }

  runtime::SimulatedWorld world_{1};
  runtime::SimulatedScheduler& loop_ = world_.add_loop("edge");
  SeededRandom random_{1};
  std::shared_ptr<runtime::MemorySink> lines_ = std::make_shared<runtime::MemorySink>(runtime::LogFormat::kJson);
  static runtime::LogOptions log_options() {
    runtime::LogOptions options;
    options.synchronous = true;
    return options;
  }
  runtime::Log log_{log_options(), {lines_}};
  MessageCatalogue catalogue_;
  FakeIssuer issuer_;
  NoChannel nobody_;
  sessions::v1::RemoteSessions sessions_{issuer_};
  chat::v1::RemoteChat chat_{nobody_};
  Settings settings_;
  Hub hub_{loop_, random_, chat_, sessions_, settings_, runtime::Logger()};
  Refusals refusals_{loop_, random_, sessions_, runtime::Logger()};
  Seen seen_;
  bool tls_ = false;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(GatewayTest, AsksForASessionAndSaysSoInTheCallersLanguage) {
  const auto english = send("GET", "/api/v1/things");
  EXPECT_EQ(english.status, 401);
  EXPECT_TRUE(has_code(english, "sessions.required"));
  EXPECT_NE(english.body.find("Please log in first."), std::string::npos);
  EXPECT_EQ(english.header("Content-Type"), "application/problem+json");
  EXPECT_NE(send("GET", "/api/v1/things", {{"Accept-Language", "ru"}}).body.find("Сначала войдите."), std::string::npos);
  EXPECT_TRUE(has_code(send("GET", "/api/v1/things", {{"Authorization", "Bearer bad"}}), "sessions.invalid"));
  EXPECT_EQ(seen_.calls, 0);
}

TEST_F(GatewayTest, U_6_RefusalsOfImportanceAreRecorded) {
  refusals_.start();
  send("GET", "/api/v1/things");
  send("GET", "/api/v1/things", {{"Authorization", "Bearer bad"}});
  send("GET", "/api/v1/things", {{"Authorization", "Bearer bad"}});
  with_bearer("GET", "/api/v1/secrets");
  send("POST", "/api/v1/sessions", {}, R"({"username":"anna","password":"wrong"})");
  send("POST", "/api/v1/things", {{"Cookie", "session=good"}, {"Origin", "http://evil.example"}}, "{}");
  EXPECT_FALSE(upgrade("/api/v1/events", {{"Cookie", "session=good"}, {"Origin", "http://evil.example"}}));
  world_.run_for(seconds(20));
  EXPECT_THAT(issuer_.refusals,
              ::testing::UnorderedElementsAre("GET /things sessions.invalid 2", "GET /secrets request.forbidden 1",
                                              "POST /sessions sessions.bad-credentials 1", "POST /things request.foreign-origin 1",
                                              "GET /events request.foreign-origin 1"));
}

TEST_F(GatewayTest, PublishesTheIssuersKeys) {
  const auto keys = send("GET", "/oauth2/jwks");
  EXPECT_EQ(keys.status, 200);
  EXPECT_EQ(keys.body, R"({"keys":[]})");
  EXPECT_EQ(keys.header("Content-Type"), "application/jwk-set+json");
  EXPECT_EQ(keys.header("Cache-Control"), "public, max-age=600");
  const auto posted = send("POST", "/oauth2/jwks", {}, "{}");
  EXPECT_EQ(posted.status, 405);
  EXPECT_EQ(posted.header("Allow"), "GET, HEAD");
}

TEST_F(GatewayTest, B_71_AClientThatHasGoneIsKnownToTheCall) {
  const auto cancellation = std::make_shared<runtime::Cancellation>();
  net::HttpRequest request{"GET", "/api/v1/things", {{"Authorization", "Bearer good"}, {"Host", std::string(kHost)}}, "", "10.0.0.9"};
  request.cancellation = cancellation;
  std::optional<net::HttpResponse> out;
  loop_.spawn("request", keep(&gateway(), &loop_, request, &out));
  world_.run_for(seconds(1));
  EXPECT_EQ(seen_.cancellation, cancellation);
  EXPECT_EQ(issuer_.cancellation, cancellation) << "its session is not looked for in vain either";
  EXPECT_TRUE(issuer_.has_deadline);
  EXPECT_TRUE(seen_.deadline) << "no request of the outside has all the time of the world";
}

TEST_F(GatewayTest, ServesAReaderOfTheApiWithoutForeignOrInlineParts) {
  const auto page = send("GET", "/api/docs");
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.header("Content-Security-Policy").find("script-src 'self'"), std::string_view::npos);
  EXPECT_EQ(page.body.find("://"), std::string::npos) << "nothing of other hosts";
  for (const std::string_view inlined : {"<style", "style=", "onclick=", "javascript:"})
    EXPECT_EQ(page.body.find(inlined), std::string::npos);
  for (const std::string path : {"/api/docs/reader.css", "/api/docs/reader.js"}) {
    EXPECT_NE(page.body.find('"' + path + '"'), std::string::npos) << path;
    EXPECT_EQ(send("GET", path).status, 200) << path;
  }
  EXPECT_EQ(send("GET", "/api/docs/other").status, 404);
  EXPECT_EQ(send("GET", "/api/v2/things").status, 404);
}

TEST_F(GatewayTest, B_14_B_15_ChecksThePermissionOfTheRoute) {
  EXPECT_EQ(with_bearer("GET", "/api/v1/things").status, 201);
  EXPECT_EQ(seen_.caller.user_id.bytes[15], 7);
  const auto refused = with_bearer("GET", "/api/v1/secrets");
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(has_code(refused, "request.forbidden"));
  EXPECT_EQ(send("GET", "/api/v1/open").status, 201);
}

TEST_F(GatewayTest, ACookieSpeaksOnlyForOurOwnPages) {
  const net::Header cookie{"Cookie", "session=good"};
  EXPECT_EQ(send("GET", "/api/v1/things", {cookie}).status, 201);
  EXPECT_TRUE(has_code(send("POST", "/api/v1/things", {cookie}, "{}"), "request.foreign-origin"));
  EXPECT_TRUE(has_code(send("POST", "/api/v1/things", {cookie, {"Origin", "http://evil.example"}}, "{}"), "request.foreign-origin"));
  EXPECT_TRUE(has_code(send("POST", "/api/v1/things", {cookie, {"Origin", std::string(kOrigin)}, {"Content-Type", "text/plain"}}, "{}"),
                       "request.foreign-origin"));
  EXPECT_EQ(send("POST", "/api/v1/things", {cookie, {"Origin", std::string(kOrigin)}}, "{}").status, 201);
  // A program with a token has no cookie that a foreign page could use.
  EXPECT_EQ(with_bearer("POST", "/api/v1/things", {}, "{}").status, 201);
}

TEST_F(GatewayTest, OverTlsTheCookieIsBoundToTheHost) {
  tls_ = true;
  EXPECT_EQ(send("GET", "/api/v1/things", {{"Cookie", "session=good"}}).status, 401);
  const auto response = send("GET", "/api/v1/things", {{"Cookie", "__Host-session=good"}});
  EXPECT_EQ(response.status, 201);
  EXPECT_NE(response.header("Strict-Transport-Security"), "");
}

TEST_F(GatewayTest, LogsInWithACookieThatNoBodyHolds) {
  const auto response = send("POST", "/api/v1/sessions", {{"Origin", std::string(kOrigin)}, {"User-Agent", "test"}},
                             R"({"username":"anna","password":"right"})");
  EXPECT_EQ(response.status, 201);
  const std::string set_cookie(response.header("Set-Cookie"));
  EXPECT_TRUE(set_cookie.starts_with("session=jar;")) << set_cookie;
  EXPECT_NE(set_cookie.find("HttpOnly"), std::string::npos);
  EXPECT_NE(set_cookie.find("SameSite=Strict"), std::string::npos);
  EXPECT_EQ(response.body.find("jar"), std::string::npos);
  EXPECT_EQ(issuer_.last_login.user_agent, "test");
}

TEST_F(GatewayTest, LogsProgramsInWithTokens) {
  const auto response = send("POST", "/api/v1/sessions", {{"Accept-Session", "bearer"}}, R"({"username":"anna","password":"right"})");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.header("Set-Cookie"), "");
  EXPECT_NE(response.body.find("\"accessToken\":\"access\""), std::string::npos);
}

TEST_F(GatewayTest, AForeignPageCannotLogSomebodyIn) {
  EXPECT_TRUE(has_code(send("POST", "/api/v1/sessions", {{"Origin", "http://evil.example"}}, R"({"username":"anna","password":"right"})"),
                       "request.foreign-origin"));
}

TEST_F(GatewayTest, RefusesWrongLoginsAndUnknownMembers) {
  EXPECT_TRUE(has_code(send("POST", "/api/v1/sessions", {}, R"({"username":"anna","password":"wrong"})"), "sessions.bad-credentials"));
  const auto unknown = send("POST", "/api/v1/sessions", {}, R"({"username":"anna","password":"right","admin":true})");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.body.find("admin"), std::string::npos);
  EXPECT_EQ(send("POST", "/api/v1/sessions", {}, "{").status, 400);
}

TEST_F(GatewayTest, LogoutTakesTheCookieBack) {
  const auto response = send("DELETE", "/api/v1/sessions/current", {{"Cookie", "session=good"}, {"Origin", std::string(kOrigin)}});
  EXPECT_EQ(response.status, 204);
  EXPECT_NE(response.header("Set-Cookie").find("Max-Age=0"), std::string_view::npos) << response.header("Set-Cookie");
}

TEST_F(GatewayTest, ST_1_PassesConditionsToTheCall) {
  const auto created = with_bearer("POST", "/api/v1/things", {{"Idempotency-Key", "k1"}}, "{}");
  EXPECT_EQ(created.header("Location"), "/api/v1/things/1");
  EXPECT_EQ(created.header("ETag"), "\"3\"");
  EXPECT_EQ(seen_.idempotency_key, "k1");
  EXPECT_TRUE(has_code(with_bearer("PATCH", "/api/v1/things/1", {}, "{}"), "request.precondition-required"));
  EXPECT_EQ(with_bearer("PATCH", "/api/v1/things/1", {{"If-Match", "\"4\""}}, "{}").status, 201);
  EXPECT_EQ(seen_.version, 4);
  EXPECT_EQ(with_bearer("PATCH", "/api/v1/things/1", {{"If-Match", "*"}}, "{}").status, 400);
  // A key means something on creating calls alone.
  with_bearer("GET", "/api/v1/things", {{"Idempotency-Key", "k2"}});
  EXPECT_EQ(seen_.idempotency_key, "");
}

TEST_F(GatewayTest, V_2_TellsApartWhatIsNotThere) {
  EXPECT_TRUE(has_code(send("GET", "/api/v1/nothing"), "request.unknown-path"));
  for (const char* target : {"/api/v9/things", "/api/v0/things", "/api/things", "/api/v9"}) {
    const auto unknown = send("GET", target);
    EXPECT_EQ(unknown.status, 404) << target;
    EXPECT_TRUE(has_code(unknown, "request.unknown-version")) << target;
  }
  const auto method = send("DELETE", "/api/v1/things");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("Allow"), "GET, POST");
  EXPECT_EQ(send("GET", "/api/v1/events").status, 426);
  EXPECT_EQ(with_bearer("POST", "/api/v1/things", {{"Content-Type", "text/xml"}}, "<a/>").status, 415);
  EXPECT_EQ(with_bearer("GET", "/api/v1/things?a=%zz").status, 400);
  EXPECT_EQ(send("GET", "/api/v1/openapi.json").body, "{}");
}

TEST_F(GatewayTest, B_38_B_69_P_1_X_1_ABugShowsNothingOfItself) {
  runtime::testing::PanicWatch panics;
  for (const char* body : {R"({"throw":1})", R"({"throw":2})", R"({"fail":1})"}) {
    const auto response = with_bearer("POST", "/api/v1/things", {}, body);
    EXPECT_EQ(response.status, 500) << body;
    EXPECT_TRUE(has_code(response, "internal")) << response.body;
    EXPECT_EQ(response.body.find("secret inner text"), std::string::npos) << response.body;
    EXPECT_NE(response.body.find("Something went wrong."), std::string::npos);
    EXPECT_NE(response.header("X-Request-Id"), "");
  }
  EXPECT_EQ(panics.count("http"), 2U) << "an error that is given back is none";
  EXPECT_EQ(with_bearer("GET", "/api/v1/things").status, 201);
}

TEST_F(GatewayTest, P_1_ABugInTheUpgradeRefusesItAndIsRecorded) {
  runtime::testing::PanicWatch panics;
  issuer_.broken = true;
  const auto answer = upgrade("/api/v1/events", {{"Authorization", "Bearer good"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 500);
  EXPECT_TRUE(has_code(answer.error(), "internal"));
  EXPECT_EQ(panics.count("http"), 1U);
  EXPECT_TRUE(panics.all_show_the_throw("the issuer is broken"));
  EXPECT_NE(lines_->lines().back().find("\"status\":500"), std::string::npos) << "recorded as any other";
  issuer_.broken = false;
  EXPECT_TRUE(upgrade("/api/v1/events", {{"Authorization", "Bearer good"}}));
}

TEST_F(GatewayTest, L_4_EveryAnswerIsGuardedAndRecorded) {
  for (const char* target : {"/api/v1/things", "/api/v1/open", "/somewhere", "/api/v1/openapi.json"}) {
    const std::size_t before = lines_->lines().size();
    const auto response = send("GET", target, {{"X-Request-Id", "mine-1"}});
    EXPECT_EQ(response.header("X-Request-Id"), "mine-1");
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
    EXPECT_NE(response.header("Content-Security-Policy").find("frame-ancestors 'none'"), std::string_view::npos);
    std::size_t records = 0;
    for (std::size_t i = before; i < lines_->lines().size(); ++i)
      records += lines_->lines()[i].find("Request answered") != std::string::npos ? 1 : 0;
    EXPECT_EQ(records, 1u) << target;
    EXPECT_NE(lines_->lines().back().find("mine-1"), std::string::npos);
  }
  // An id that could forge log lines is replaced.
  EXPECT_NE(send("GET", "/api/v1/open", {{"X-Request-Id", "a b\"c"}}).header("X-Request-Id"), "a b\"c");
}

TEST_F(GatewayTest, L_4_ATraceIsContinuedOrBegun) {
  const std::string given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  send("GET", "/api/v1/open", {{"traceparent", given}});
  EXPECT_EQ(seen_.traceparent, given);
  EXPECT_NE(lines_->lines().back().find("\"trace\":\"" + given + "\""), std::string::npos) << lines_->lines().back();
  std::set<std::string> begun;
  const std::vector<std::string> unusable{"",
                                          "nonsense",
                                          "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                          "00-4bf92f3577b34da6-3ce929d0e0e4736-00f067aa0ba902b7-01",
                                          given + "0"};
  for (const std::string& trace : unusable) {
    send("GET", "/api/v1/open", {{"traceparent", trace}});
    EXPECT_TRUE(seen_.traceparent.starts_with("00-") && seen_.traceparent.size() == given.size()) << trace;
    EXPECT_NE(seen_.traceparent, trace);
    begun.insert(seen_.traceparent);
  }
  EXPECT_EQ(begun.size(), unusable.size()) << "each its own";
}

TEST_F(GatewayTest, L_4_NoPasswordTokenOrBodyIsInARecord) {
  log_.set_level("", runtime::LogLevel::kTrace);
  send("POST", "/api/v1/sessions", {{"Accept-Session", "bearer"}}, R"({"username":"anna-zqx","password":"right"})");
  send("POST", "/api/v1/sessions", {}, R"({"username":"anna-zqx","password":"wrong-zqx"})");
  send("POST", "/api/v1/sessions", {}, R"({"username":"anna-zqx","password":7,"zqx":"zqx"})");
  send("POST", "/api/v1/things?note=zqx", {{"Authorization", "Bearer zqx"}, {"Cookie", "session=zqx"}}, R"({"text":"zqx"})");
  with_bearer("POST", "/api/v1/things", {}, R"({"text":"zqx"})");
  ASSERT_GE(lines_->lines().size(), 5U);
  for (const std::string& line : lines_->lines()) {
    EXPECT_EQ(line.find("zqx"), std::string::npos) << line;
    EXPECT_EQ(line.find("\"access\""), std::string::npos) << line;
    EXPECT_EQ(line.find("right"), std::string::npos) << line;
  }
}

TEST_F(GatewayTest, BelievesForwardedAddressesOfTrustedProxiesAlone) {
  send("GET", "/api/v1/open", {{"X-Forwarded-For", "203.0.113.5"}});
  EXPECT_EQ(seen_.address, "10.0.0.9");
  settings_.trusted_proxies = {*net::AddressRange::parse("10.0.0.0/8")};
  gateway_.reset();
  send("GET", "/api/v1/open", {{"X-Forwarded-For", "203.0.113.5"}});
  EXPECT_EQ(seen_.address, "203.0.113.5");
}

TEST_F(GatewayTest, OtherOriginsMayCallWhenConfigured) {
  settings_.allowed_origins = {"https://portal.example"};
  const net::Header portal{"Origin", "https://portal.example"};
  const auto preflight = send("OPTIONS", "/api/v1/things", {portal});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "https://portal.example");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Methods"), "GET, POST");
  EXPECT_EQ(with_bearer("GET", "/api/v1/things", {portal}).header("Access-Control-Allow-Origin"), "https://portal.example");
  EXPECT_EQ(with_bearer("GET", "/api/v1/things", {{"Origin", "https://evil.example"}}).header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(send("OPTIONS", "/api/v1/things", {{"Origin", "https://evil.example"}}).header("Access-Control-Allow-Methods"), "");
}

TEST_F(GatewayTest, TheLanguageOfTheProfileHoldsUnlessThePageNamesOne) {
  issuer_.language = "ru";
  with_bearer("GET", "/api/v1/things");
  EXPECT_EQ(seen_.language, "ru");
  with_bearer("GET", "/api/v1/things", {{"Accept-Language", "en"}});
  EXPECT_EQ(seen_.language, "en");
}

TEST_F(GatewayTest, B_16_SocketsAreRefusedBeforeTheUpgrade) {
  const auto code_of = [&](std::string target, std::vector<net::Header> headers) {
    auto answer = upgrade(std::move(target), std::move(headers));
    return answer ? 101 : answer.error().status;
  };
  const net::Header bearer{"Authorization", "Bearer good"};
  const net::Header cookie{"Cookie", "session=good"};
  EXPECT_EQ(code_of("/api/v1/events", {}), 401);
  EXPECT_EQ(code_of("/api/v1/other", {bearer}), 404);
  EXPECT_EQ(code_of("/api/v1/events?after=-1", {bearer}), 400);
  EXPECT_EQ(code_of("/api/v1/events?after=1&after=2", {bearer}), 400);
  EXPECT_EQ(code_of("/api/v1/events?before=1", {bearer}), 400);
  EXPECT_EQ(code_of("/api/v1/events", {cookie}), 403);
  EXPECT_EQ(code_of("/api/v1/events", {cookie, {"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(code_of("/api/v1/events", {cookie, {"Origin", std::string(kOrigin)}}), 101);
  EXPECT_EQ(code_of("/api/v1/events?after=7", {bearer}), 101);
}

}  // namespace
}  // namespace consilium::gateway
