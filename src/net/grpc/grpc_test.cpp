#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "net/grpc/call_metadata.h"
#include "net/grpc/grpc_channel.h"
#include "net/grpc/grpc_server.h"
#include "net/loopback_testing.h"
#include "net/problem.h"
#include "runtime/asio_scheduler.h"
#include "runtime/panic_testing.h"

#ifdef __SANITIZE_ADDRESS__
// c-ares 1.18 forgets a few bytes for each name that gRPC looks up.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:ares_strdup\n"; }
#endif

namespace consilium::net {
namespace {

using testing::TestCertificate;

Error full_error() {
  Error error = validation_error({{"client.name", "required", "Expected a name"}, {"ü", "too-long", "\"quoted\"\n"}});
  error.detail = "Expected less";
  return std::move(error).retry_in(milliseconds(1500));
}

void expect_equal(const Error& actual, const Error& expected) {
  EXPECT_EQ(actual.code, expected.code);
  EXPECT_EQ(actual.kind, expected.kind);
  EXPECT_EQ(actual.detail, expected.detail);
  EXPECT_EQ(actual.fields, expected.fields);
  EXPECT_EQ(actual.retry_after, expected.retry_after);
}

// What a handler saw.
struct Seen {
  std::promise<runtime::Caller> caller;
  std::atomic<bool> cancelled{false};
  std::atomic<int> waits{0};
};

Task<Result<std::string>> echo(runtime::Context& context, std::string request) {
  if (!context.scheduler().is_current()) co_return fail(internal_error("on another loop"));
  co_return request;
}

Task<Result<std::string>> describe(runtime::Context& context, std::string) {
  const runtime::Caller& caller = context.caller;
  std::string text = context.request_id + "|" + context.traceparent + "|" + context.language + "|" + context.remote_address + "|" +
                     context.idempotency_key;
  text += "|" + std::to_string(context.expected_version.value_or(-1)) + "|" + std::string(runtime::name_of(context.client));
  text += "|" + caller.user_id.text() + "|" + caller.session_id.text() + "|" + caller.user_name + "|" + caller.service;
  for (const std::string& role : caller.roles) text += "|" + role;
  for (const std::string& permission : caller.permissions) text += "|" + permission;
  // The wire form of a deadline is rounded up, so that a little more than the caller's five seconds may be left.
  const bool limited = context.deadline && *context.deadline - context.scheduler().steady_now() <= seconds(6);
  co_return text + (limited ? "|limited" : "|unlimited");
}

Task<Result<std::string>> fail_fully(runtime::Context&, std::string) { co_return fail(full_error()); }

Task<Result<std::string>> break_down(runtime::Context&, std::string) {
  runtime::testing::throw_from_deep_inside("the handler's secret");
  co_return std::string();
}

Task<Result<std::string>> wait_for_cancellation(runtime::Context& context, std::shared_ptr<Seen> seen) {
  ++seen->waits;
  while (!context.cancelled()) co_await context.scheduler().sleep_for(milliseconds(2));
  seen->cancelled = true;
  co_return fail(ErrorKind::kCancelled, "test.noticed");
}

class Endpoint {
 public:
  explicit Endpoint(GrpcServerSettings settings = {}, std::vector<RpcMethod> more = {})
      : seen(std::make_shared<Seen>()), loops_("grpc", 2) {
    std::vector<RpcMethod> methods{{"/test.v1.Test/Echo", echo},
                                   {"/test.v1.Test/Describe", describe},
                                   {"/test.v1.Test/Fail", fail_fully},
                                   {"/test.v1.Test/Break", break_down}};
    methods.push_back(
        {"/test.v1.Test/Wait", [noted = seen](runtime::Context& context, std::string) { return wait_for_cancellation(context, noted); }});
    for (RpcMethod& method : more) methods.push_back(std::move(method));
    loops_.start();
    auto started = GrpcServer::start(std::move(settings), std::move(methods), {&loops_.at(0), &loops_.at(1)}, random_);
    if (!started) throw std::runtime_error(started.error().describe());
    server = std::move(*started);
  }
  ~Endpoint() { server.reset(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }

  std::shared_ptr<Seen> seen;
  std::unique_ptr<GrpcServer> server;

 private:
  SystemRandom random_;
  runtime::LoopGroup loops_;
};

Task<Result<std::string>> call_with(runtime::Context& context, std::shared_ptr<RpcChannel> channel, std::string method,
                                    std::string request) {
  auto reply = co_await channel->call(context, method, std::move(request));
  co_return reply;
}

class Caller {
 public:
  Caller() : loop_("caller"), context(loop_, random_) { loop_.start(); }

  Result<std::string> call(const std::shared_ptr<RpcChannel>& channel, std::string_view method, std::string request = {}) {
    return testing::run_on<Result<std::string>>(loop_,
                                                call_with(context, channel, "/test.v1.Test/" + std::string(method), std::move(request)));
  }
  Error error(const std::shared_ptr<RpcChannel>& channel, std::string_view method, std::string request = {}) {
    const auto reply = call(channel, method, std::move(request));
    return reply ? make_error(ErrorKind::kInternal, "no error", *reply) : reply.error();
  }
  runtime::Scheduler& loop() { return loop_; }

 private:
  SystemRandom random_;
  runtime::AsioScheduler loop_;

 public:
  runtime::Context context;
};

std::shared_ptr<RpcChannel> channel_to(const std::string& target, GrpcChannelSettings settings = {}) {
  settings.target = target;
  auto channel = make_grpc_channel(std::move(settings));
  if (!channel) throw std::runtime_error(channel.error().describe());
  return *channel;
}

// gRPC's archives come without TSan's instrumentation, so that it sees races where gRPC hands work to its threads.
class Grpc : public ::testing::Test {
#ifdef __SANITIZE_THREAD__
  void SetUp() override { GTEST_SKIP() << "gRPC is not built for TSan"; }
#endif
};

TEST_F(Grpc, CarriesMessagesBothWays) {
  Endpoint endpoint;
  Caller caller;
  const auto channel = channel_to("dns:///localhost:" + std::to_string(endpoint.server->port()));
  std::string bytes("\0\xFF binary", 9);
  EXPECT_EQ(caller.call(channel, "Echo", bytes).value(), bytes);
  EXPECT_EQ(caller.call(channel, "Echo").value(), "");
  for (int i = 0; i < 50; ++i) ASSERT_EQ(caller.call(channel, "Echo", std::to_string(i)).value(), std::to_string(i));
}

TEST_F(Grpc, L_1_CarriesTheContext) {
  Endpoint endpoint;
  Caller caller;
  SeededRandom random(3);
  runtime::Context& context = caller.context;
  context.request_id = "r-1";
  context.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  context.language = "ru";
  context.remote_address = "10.1.1.1";
  context.idempotency_key = "ключ";
  context.expected_version = 7;
  context.client = runtime::ClientType::kRest;
  context.caller = {runtime::Caller::Kind::kUser,
                    make_uuid_v7(Timestamp{1}, random),
                    make_uuid_v7(Timestamp{2}, random),
                    "änne",
                    "",
                    {"client", "expert"},
                    {"tasks.read"}};
  context.deadline = caller.loop().steady_now() + seconds(5);
  const std::string expected = "r-1|" + context.traceparent + "|ru|10.1.1.1|ключ|7|rest|" + context.caller.user_id.text() + "|" +
                               context.caller.session_id.text() + "|änne||client|expert|tasks.read|limited";
  EXPECT_EQ(caller.call(channel_to("ipv4:" + endpoint.address()), "Describe").value(), expected);
}

TEST_F(Grpc, B_69_CarriesTheWholeError) {
  Endpoint endpoint;
  Caller caller;
  const auto channel = channel_to(endpoint.address());
  expect_equal(caller.error(channel, "Fail"), full_error());
}

TEST_F(Grpc, B_38_P_1_TurnsExceptionsIntoInternalErrorsAndGoesOn) {
  runtime::testing::PanicWatch panics;
  Endpoint endpoint;
  Caller caller;
  const auto channel = channel_to(endpoint.address());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Error error = caller.error(channel, "Break");
    EXPECT_EQ(error.kind, ErrorKind::kInternal);
    EXPECT_EQ(error.code, "internal");
    EXPECT_EQ(error.describe().find("secret"), std::string::npos);
    EXPECT_EQ(caller.call(channel, "Echo", "on").value(), "on");
    EXPECT_EQ(panics.count("grpc"), i);
  }
  EXPECT_EQ(panics.lines(), 3U);
  EXPECT_TRUE(panics.all_show_the_throw("the handler's secret"));
}

// As the gateway asks one service that asks another: the one who called learns what the last one said.
TEST_F(Grpc, X_1_ABusinessErrorKeepsCodeAndStatusThroughTwoServers) {
  Endpoint far;
  const auto passing_on = [channel = channel_to(far.address())](std::string method) {
    return [channel, method](runtime::Context& context, std::string) { return call_with(context, channel, method, {}); };
  };
  Endpoint near(
      {}, {{"/test.v1.Test/PassFail", passing_on("/test.v1.Test/Fail")}, {"/test.v1.Test/PassBreak", passing_on("/test.v1.Test/Break")}});
  Caller caller;
  const auto channel = channel_to(near.address());
  const Error refused = caller.error(channel, "PassFail");
  expect_equal(refused, full_error());
  const HttpResponse shown = problem_response(refused, "r-1", "");
  EXPECT_EQ(shown.status, 422);
  EXPECT_NE(shown.body.find(R"("code":"request.invalid")"), std::string::npos) << shown.body;
  EXPECT_NE(shown.body.find(R"("name":"client.name","code":"required")"), std::string::npos) << shown.body;
  const Error broken = caller.error(channel, "PassBreak");
  EXPECT_EQ(broken.code, "internal");
  const HttpResponse hidden = problem_response(broken, "r-1", "");
  EXPECT_EQ(hidden.status, 500);
  EXPECT_EQ(hidden.body.find("secret"), std::string::npos) << hidden.body;
  EXPECT_EQ(hidden.body.find("detail"), std::string::npos) << hidden.body;
}

TEST_F(Grpc, RefusesUnknownMethodsAndStrangers) {
  GrpcServerSettings settings;
  settings.may_call = [](const RpcPeer& peer, std::string_view method) {
    return !peer.verified && peer.service == "gateway" && method != "/test.v1.Test/Fail";
  };
  Endpoint endpoint(settings);
  Caller caller;
  GrpcChannelSettings gateway;
  gateway.service = "gateway";
  const auto channel = channel_to(endpoint.address(), gateway);
  EXPECT_EQ(caller.call(channel, "Echo", "x").value(), "x");
  // Between processes alone: for whoever asked, the service is away.
  EXPECT_EQ(caller.error(channel, "Nonsense").code, "rpc.unknown-method");
  EXPECT_EQ(caller.error(channel, "Nonsense").kind, ErrorKind::kUnavailable);
  EXPECT_EQ(caller.error(channel, "Fail").code, "rpc.forbidden");
  EXPECT_EQ(caller.error(channel_to(endpoint.address()), "Echo").kind, ErrorKind::kUnavailable);
}

TEST_F(Grpc, B_71_EndsCallsAtTheirDeadline) {
  Endpoint endpoint;
  Caller caller;
  const auto channel = channel_to(endpoint.address());
  ASSERT_TRUE(caller.call(channel, "Echo").has_value());
  caller.context.deadline = caller.loop().steady_now() + milliseconds(1000);
  const Error error = caller.error(channel, "Wait");
  EXPECT_EQ(error.kind, ErrorKind::kDeadlineExceeded);
  while (endpoint.seen->waits > 0 && !endpoint.seen->cancelled) testing::TestServer::pause();
  EXPECT_EQ(caller.error(channel, "Echo").code, "request.deadline-exceeded") << "not even sent";
}

TEST_F(Grpc, B_71_ACallWithoutADeadlineGetsOne) {
  Endpoint endpoint;
  Caller caller;
  GrpcChannelSettings settings;
  settings.longest_call = seconds(5);
  EXPECT_TRUE(caller.call(channel_to(endpoint.address(), settings), "Describe")->ends_with("|limited"));
  settings.longest_call = milliseconds(500);
  const auto channel = channel_to(endpoint.address(), settings);
  caller.context.deadline = caller.loop().steady_now() + hours(1);
  EXPECT_EQ(caller.error(channel, "Wait").kind, ErrorKind::kDeadlineExceeded) << "nor one that is too far";
  while (endpoint.seen->waits > 0 && !endpoint.seen->cancelled) testing::TestServer::pause();
}

TEST_F(Grpc, B_71_CancelsThroughTwoServers) {
  Endpoint far;
  const auto forward = [channel = channel_to(far.address())](runtime::Context& context, std::string) {
    return call_with(context, channel, "/test.v1.Test/Wait", {});
  };
  Endpoint near({}, {{"/test.v1.Test/Forward", forward}});
  Caller caller;
  caller.context.cancellation = std::make_shared<runtime::Cancellation>();
  const auto channel = channel_to(near.address());
  auto outcome = std::async(std::launch::async, [&] { return caller.error(channel, "Forward"); });
  while (far.seen->waits == 0) testing::TestServer::pause();
  caller.context.cancellation->request();
  EXPECT_EQ(outcome.get().kind, ErrorKind::kCancelled);
  while (!far.seen->cancelled) testing::TestServer::pause();
  EXPECT_EQ(caller.error(channel, "Echo").code, "request.cancelled") << "not even sent";
}

TEST_F(Grpc, HoldsItsLimits) {
  GrpcServerSettings settings;
  settings.message_limit = 1000;
  settings.max_running = 1;
  Endpoint endpoint(settings);
  Caller caller;
  const auto channel = channel_to(endpoint.address());
  EXPECT_EQ(caller.call(channel, "Echo", std::string(999, 'x'))->size(), 999U);
  EXPECT_EQ(caller.call(channel, "Echo", std::string(1000, 'x'))->size(), 1000U);
  EXPECT_EQ(caller.error(channel, "Echo", std::string(1001, 'x')).kind, ErrorKind::kTooLarge);

  Caller waiter;
  waiter.context.cancellation = std::make_shared<runtime::Cancellation>();
  auto outcome = std::async(std::launch::async, [&] { return waiter.error(channel, "Wait"); });
  while (endpoint.seen->waits == 0) testing::TestServer::pause();
  const Error full = caller.error(channel, "Echo");
  EXPECT_EQ(full.code, "server.full");
  EXPECT_EQ(full.retry_after, seconds(1));
  waiter.context.cancellation->request();
  EXPECT_EQ(outcome.get().kind, ErrorKind::kCancelled);
  while (endpoint.server->running() > 0) testing::TestServer::pause();
  EXPECT_TRUE(caller.call(channel, "Echo").has_value());
}

TEST_F(Grpc, SpreadsCallsAndLeavesOutWhoIsGone) {
  auto first = std::make_unique<Endpoint>();
  Endpoint second;
  Caller caller;
  const auto channel = channel_to("ipv4:" + first->address() + "," + second.address());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(caller.call(channel, "Echo").has_value());
  first.reset();
  int reached = 0;
  for (int i = 0; i < 200 && reached < 20; ++i) reached = caller.call(channel, "Echo").has_value() ? reached + 1 : 0;
  EXPECT_EQ(reached, 20) << "twenty calls in a row reach the one that is left";
}

TEST_F(Grpc, FailsWhenNobodyListensOrThePortIsTaken) {
  Endpoint endpoint;
  Caller caller;
  const Error nobody = caller.error(channel_to("127.0.0.1:1"), "Echo");
  EXPECT_EQ(nobody.kind, ErrorKind::kUnavailable);
  EXPECT_EQ(nobody.retry_after, seconds(1));
  EXPECT_EQ(nobody.detail.find("127.0.0.1"), std::string::npos) << "addresses are for the log";
  GrpcServerSettings settings;
  settings.listen = endpoint.address();
  EXPECT_THROW(Endpoint second(settings), std::runtime_error);
}

TEST_F(Grpc, B_73_CancelsWhatRunsLongerThanTheGrace) {
  Endpoint endpoint;
  Caller caller;
  const auto channel = channel_to(endpoint.address());
  auto outcome = std::async(std::launch::async, [&] { return caller.error(channel, "Wait"); });
  while (endpoint.seen->waits == 0) testing::TestServer::pause();
  endpoint.server->stop(milliseconds(20));
  EXPECT_EQ(outcome.get().kind, ErrorKind::kUnavailable) << "the caller did not give up";
  EXPECT_TRUE(endpoint.seen->cancelled);
}

TEST_F(Grpc, KnowsServicesByTheirCertificate) {
  const TestCertificate server_certificate;
  const TestCertificate own("gateway");
  GrpcServerSettings settings;
  settings.tls = server_certificate.files();
  settings.tls->client_authority = own.files().certificate_chain;
  settings.may_call = [](const RpcPeer& peer, std::string_view) { return peer.verified && peer.service == "gateway"; };
  Endpoint endpoint(settings);
  Caller caller;
  GrpcChannelSettings with;
  with.service = "another name";
  with.tls_name = "localhost";
  with.tls = TlsClientFiles{server_certificate.files().certificate_chain, own.files().certificate_chain, own.files().private_key};
  EXPECT_EQ(caller.call(channel_to(endpoint.address(), with), "Echo", "x").value_or("failed"), "x");
  GrpcChannelSettings without = with;
  without.service = "gateway";
  without.tls = TlsClientFiles{server_certificate.files().certificate_chain, {}, {}};
  EXPECT_EQ(caller.error(channel_to(endpoint.address(), without), "Echo").kind, ErrorKind::kUnavailable);
}

TEST(CallMetadata, X_1_RebuildsEveryKindOfError) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::kInternal); ++i) {
    const Error error = make_error(static_cast<ErrorKind>(i), "a.b", "c");
    expect_equal(decode_error(encode_error(error), 13, "message"), error);
  }
  Error many = make_error(ErrorKind::kValidation, "a.b");
  many.fields.resize(kErrorFieldsLimit + 1);
  EXPECT_EQ(decode_error(encode_error(many), 3, {}).fields.size(), kErrorFieldsLimit);
  for (const char* broken : {"", "x", "[]", "{}", R"({"code":"a","kind":"nonsense"})", R"({"kind":"conflict"})"}) {
    EXPECT_EQ(decode_error(broken, 14, "m").code, "rpc.unavailable") << broken;
  }
}

TEST(CallMetadata, RefusesBrokenContexts) {
  runtime::AsioScheduler loop("metadata");
  SystemRandom random;
  for (const char* broken :
       {"x", "{}", R"({"caller":{}})", R"({"caller":{"kind":9}})", R"({"caller":{"kind":1}})", R"({"caller":{"kind":1,"user":"x"}})"}) {
    runtime::Context context(loop, random);
    EXPECT_FALSE(apply_metadata({{std::string(kContextKey), broken}}, context).has_value()) << broken;
  }
  runtime::Context context(loop, random);
  EXPECT_TRUE(apply_metadata({}, context).has_value());
  EXPECT_EQ(context.caller.kind, runtime::Caller::Kind::kAnonymous);
}

}  // namespace
}  // namespace consilium::net
