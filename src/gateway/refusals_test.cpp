#include "gateway/refusals.h"

#include <gtest/gtest.h>

#include "consilium/sessions/v1/sessions_codec.h"
#include "consilium/sessions/v1/sessions_rpc.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::gateway {
namespace {

class FakeIssuer final : public net::RpcChannel {
 public:
  Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string bytes) override {
    EXPECT_TRUE(method.ends_with("/RecordRefusals")) << method;
    EXPECT_TRUE(context.caller.is_service());
    CO_ASSIGN_OR_RETURN(auto request, decode_wire<sessions::v1::RecordRefusalsRequest>(bytes));
    EXPECT_TRUE(validate(request, context.now()));
    for (auto& item : request.items) recorded.push_back(std::move(item));
    ++calls;
    co_return encode_wire(sessions::v1::Nothing{});
  }

  std::vector<sessions::v1::Refusal> recorded;
  int calls = 0;
};

Task<void> flag_end(Task<void> task, bool* done) {
  co_await std::move(task);
  *done = true;
}

class RefusalsTest : public ::testing::Test {
 protected:
  RefusalsTest() { refusals.start(); }
  ~RefusalsTest() override { world.crash(node); }

  runtime::Context from(std::string address) {
    runtime::Context context(loop, random);
    context.request_id = "r1";
    context.remote_address = std::move(address);
    return context;
  }
  runtime::Context of_person() {
    runtime::Context context = from("10.0.0.1");
    context.caller.kind = runtime::Caller::Kind::kUser;
    context.caller.user_id = context.new_id();
    context.caller.session_id = context.new_id();
    return context;
  }

  SeededRandom random{3};
  runtime::SimulatedWorld world{3};
  runtime::NodeId node = world.add_node("gateway");
  runtime::SimulatedScheduler& loop = world.add_loop(node, "main");
  FakeIssuer issuer;
  sessions::v1::RemoteSessions sessions{issuer};
  Refusals refusals{loop, random, sessions, runtime::Logger()};
};

TEST_F(RefusalsTest, SaysWhoWasRefusedWhatAndWhy) {
  const runtime::Context anna = of_person();
  refusals.note(anna, "GET /users", make_error(ErrorKind::kForbidden, "request.forbidden"));
  world.run_for(seconds(11));
  ASSERT_EQ(issuer.recorded.size(), 1u);
  const sessions::v1::Refusal& row = issuer.recorded[0];
  EXPECT_EQ(row.user_id, anna.caller.user_id);
  EXPECT_EQ(row.session_id, anna.caller.session_id);
  EXPECT_EQ(row.remote_address, "10.0.0.1");
  EXPECT_EQ(row.call, "GET /users");
  EXPECT_EQ(row.code, "request.forbidden");
  EXPECT_EQ(row.request_id, "r1");
  EXPECT_EQ(row.times, 1);
  world.run_for(minutes(1));
  EXPECT_EQ(issuer.calls, 1) << "nothing to write, no call";
}

TEST_F(RefusalsTest, AFloodIsFewRows) {
  const Error bad = make_error(ErrorKind::kUnauthenticated, "sessions.bad-credentials");
  for (int i = 0; i < 10'000; ++i) refusals.note(from("10.0.0.1"), "POST /sessions", bad);
  for (int i = 0; i < 10'000; ++i)
    refusals.note(from("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250)), "POST /sessions", bad);
  world.run_for(seconds(11));
  ASSERT_EQ(issuer.recorded.size(), Refusals::kDistinct + 1);
  std::int64_t times = 0;
  for (const sessions::v1::Refusal& row : issuer.recorded) times += row.times;
  EXPECT_EQ(times, 20'000) << "each is counted";
}

TEST_F(RefusalsTest, EverydayLifeIsNoRefusal) {
  EXPECT_FALSE(Refusals::is_of_importance(sessions::v1::errors::required()));
  EXPECT_FALSE(Refusals::is_of_importance(sessions::v1::errors::expired()));
  EXPECT_FALSE(Refusals::is_of_importance(make_error(ErrorKind::kNotFound, "chat.channel-not-found")));
  EXPECT_TRUE(Refusals::is_of_importance(sessions::v1::errors::invalid()));
  EXPECT_TRUE(Refusals::is_of_importance(sessions::v1::errors::bad_credentials()));
  EXPECT_TRUE(Refusals::is_of_importance(sessions::v1::errors::too_many_attempts()));
  EXPECT_TRUE(Refusals::is_of_importance(make_error(ErrorKind::kForbidden, "request.foreign-origin")));
}

TEST_F(RefusalsTest, WritesTheLastOnesWhenItStops) {
  refusals.note(from("10.0.0.1"), "GET /x", make_error(ErrorKind::kForbidden, "request.forbidden"));
  bool stopped = false;
  loop.spawn("test", flag_end(refusals.stop(), &stopped));
  EXPECT_TRUE(world.run_until([&] { return stopped; }, seconds(1)));
  EXPECT_EQ(issuer.recorded.size(), 1u);
}

}  // namespace
}  // namespace consilium::gateway
