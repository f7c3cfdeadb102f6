// Every branch of the processes that the product ships, with stub workers.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

std::string shipped(const std::string& name) {
  std::ifstream file(std::string(CONSILIUM_SOURCE_DIR) + "/processes/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

engine::EngineOptions as_in_the_platform() {
  engine::EngineOptions options;
  options.retries_for_none = model::kDefaultRetries;
  options.early_messages = engine::EarlyMessages::kByAge;
  return options;
}

class CreateUser : public ::testing::Test {
 protected:
  void SetUp() override { bench.deploy(shipped("p-create-user.bpmn"), "p-create-user.bpmn"); }
  void start(const std::string& type) { bench.start(R"({"userId": "u1", "type": ")" + type + "\"}", "p-create-user"); }
  void fail_for_good(const std::string& type, const std::string& code) {
    EXPECT_FALSE(bench.run(ThrowError{bench.job(type).key, code, "", {}}).rejection);
  }
  Bench bench{as_in_the_platform()};
};

TEST_F(CreateUser, MakesAClient) {
  start("client");
  bench.complete("st-create-chat-user", R"({"chatUserId": "c1"})");
  bench.complete("st-create-chat-channel", R"({"chatChannelId": "h1"})");
  bench.complete("st-create-send-hello");
  bench.complete("st-create-identity", R"({"identityId": "i1"})");
  bench.complete("st-activate-user");
  EXPECT_EQ(
      bench.take_path(),
      "draft-created create-chat-user is-client create-chat-channel send-hello create-identity activate-user user-active p-create-user");
}

TEST_F(CreateUser, MakesAConsultantWithoutChannel) {
  start("consultant");
  bench.complete("st-create-chat-user", R"({"chatUserId": "c1"})");
  bench.complete("st-create-identity", R"({"identityId": "i1"})");
  bench.complete("st-activate-user");
  EXPECT_EQ(bench.take_path(), "draft-created create-chat-user is-client create-identity activate-user user-active p-create-user");
}

TEST_F(CreateUser, B_57_RemovesWhatWasMadeWhenAStepGivesUp) {
  const auto undo = [&] {
    bench.complete("st-delete-chat-user");
    bench.complete("st-delete-identity");
    bench.complete("st-delete-user");
  };
  // The step that is refused, and its error; those before it are made.
  const std::pair<const char*, const char*> steps[] = {{"st-create-chat-user", "err-create-chat-user"},
                                                       {"st-create-chat-channel", "err-create-chat-channel"},
                                                       {"st-create-send-hello", "err-send-hello"},
                                                       {"st-create-identity", "err-create-identity"},
                                                       {"st-activate-user", "err-activate-user"}};
  for (const auto& [refused, error] : steps) {
    SCOPED_TRACE(refused);
    start("client");
    for (const auto& [step, unused] : steps) {
      if (step == refused) break;
      bench.complete(step);
    }
    fail_for_good(refused, error);
    undo();
  }
  bench.take_path();
  start("expert");
  fail_for_good("st-create-chat-user", "err-create-chat-user");
  undo();
  EXPECT_EQ(bench.take_path(),
            "draft-created -create-chat-user chat-user-failed undo-started delete-chat-user delete-identity delete-user undo-ended undo "
            "user-not-created p-create-user");
  EXPECT_EQ(bench.ended().size(), 6u);
  for (const EndedInstance& ended : bench.ended()) EXPECT_TRUE(ended.completed);
}

class ClientRequest : public ::testing::Test {
 protected:
  void SetUp() override { bench.deploy(shipped("p-client-request.bpmn"), "p-client-request.bpmn"); }
  void to_the_queue(const std::string& more = "") {
    bench.start(R"({"userId": "u1", "channelId": "h1", "postId": "o1", "postedAt": "2026-01-01T00:00:00Z")" + more + "}",
                "p-client-request");
    bench.complete("st-check-client-open-task", R"({"taskExists": false})");
    bench.complete("st-bot", R"({"botSucceeded": false})");
    bench.complete("st-create-client-req-task", R"({"taskExists": false, "taskId": "t1", "taskNum": "MOI-000001"})");
  }
  void assign(const std::string& consultant) {
    bench.publish("msg-client-task-assigned", "t1", "{\"assignee\": \"" + consultant + "\"}");
    EXPECT_EQ(consultant_of("st-subscribe-consultant"), consultant);
    bench.complete("st-msg-task-assigned");
  }
  std::string consultant_of(const std::string& type) {
    const auto job = bench.job(type);
    const char* variable = type == "st-release-consultant" ? "consultant" : "assignee";
    const std::string* found = job.variables.at(variable).string();
    bench.run(CompleteJob{job.key, {}});
    return found ? *found : "nobody";
  }
  void solve_and_close() {
    bench.publish("msg-client-task-solved", "t1");
    bench.complete("st-msg-task-solved");
    bench.publish("msg-client-feedback-given", "t1");
    EXPECT_EQ(bench.ended().size(), 1u);
    EXPECT_TRUE(bench.incidents().empty());
  }
  Bench bench{as_in_the_platform()};
};

TEST_F(ClientRequest, IsSolvedAndRated) {
  to_the_queue();
  assign("clara");
  solve_and_close();
  EXPECT_EQ(bench.take_path(),
            "post-written check-open-task is-request-open ask-bot has-bot-answered create-task is-task-new consultation-started "
            "await-consultant task-assigned "
            "subscribe-consultant announce-assignment await-result task-solved consultation-ended consultation announce-solution "
            "await-feedback feedback-given "
            "closed-with-feedback p-client-request");
}

// What gives and takes access is told which event it acts for: a call that is still on its way must not undo a later one.
TEST_F(ClientRequest, TellsAccessItsFence) {
  const auto fence_of = [&](const std::string& type) {
    const auto job = bench.job(type);
    const std::string fence = feel::to_json(Context{{"fence", job.variables.at("fence")}});
    bench.run(CompleteJob{job.key, {}});
    return fence;
  };
  to_the_queue();
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "clara", "fence": 5})");
  EXPECT_EQ(fence_of("st-subscribe-consultant"), R"({"fence":5})");
  bench.complete("st-msg-task-assigned");
  bench.publish("msg-client-task-returned", "t1", R"({"fence": 7})");
  EXPECT_EQ(fence_of("st-release-consultant"), R"({"fence":7})");
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "david", "fence": 8})");
  EXPECT_EQ(fence_of("st-subscribe-consultant"), R"({"fence":8})");
  bench.complete("st-msg-task-assigned");
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "clara", "fence": 9})");
  EXPECT_EQ(fence_of("st-release-consultant"), R"({"fence":9})");
  bench.job("st-subscribe-consultant");  // on its way when the case is cancelled
  bench.publish("msg-client-task-cancelled", "t1", R"({"fence": 11})");
  EXPECT_EQ(fence_of("st-release-consultant"), R"({"fence":11})");

  to_the_queue();
  assign("clara");
  bench.publish("msg-client-task-solved", "t1", R"({"fence": 15})");
  EXPECT_EQ(fence_of("st-msg-task-solved"), R"({"fence":15})");
}

TEST_F(ClientRequest, JoinsAnOpenRequestOrIsAnsweredByTheBot) {
  bench.start("{}", "p-client-request");
  bench.complete("st-check-client-open-task", R"({"taskExists": true})");
  bench.start("{}", "p-client-request");
  bench.complete("st-check-client-open-task", R"({"taskExists": false})");
  bench.complete("st-bot", R"({"botSucceeded": true})");
  bench.start("{}", "p-client-request");
  bench.complete("st-check-client-open-task", R"({"taskExists": false})");
  bench.complete("st-bot", R"({"botSucceeded": false})");
  bench.complete("st-create-client-req-task", R"({"taskExists": true})");  // another post was quicker
  EXPECT_EQ(bench.ended().size(), 3u);
  EXPECT_NE(bench.take_path().find("joined-other-request"), std::string::npos);
}

TEST_F(ClientRequest, B_58_NotifiesThenEscalatesThenGoesOn) {
  to_the_queue();
  Duration waited;
  int notices = 0;
  for (const Duration at : {seconds(30), minutes(1), minutes(2), minutes(4), minutes(8)}) {
    bench.pass(at - waited - milliseconds(1));
    EXPECT_TRUE(bench.activate("st-msg-no-available-consultant").empty());
    bench.pass(milliseconds(1));
    waited = at;
    const auto notice = bench.job("st-msg-no-available-consultant");
    EXPECT_EQ(*notice.variables.at("noticeCount").number(), feel::Decimal(notices++));
    bench.run(CompleteJob{notice.key, {}});
  }
  bench.complete("st-escalate");
  bench.pass(hours(5));
  EXPECT_TRUE(bench.activate("st-msg-no-available-consultant").empty());
  assign("clara");
  solve_and_close();
}

// At most so many, each wait as long as the one before or longer, and none after the end of the case.
TEST_F(ClientRequest, B_58_NoNoticeFollowsTheLastOneNorTheEnd) {
  const std::vector<Duration> waits{seconds(30), seconds(30), minutes(1), minutes(2), minutes(4)};
  EXPECT_TRUE(std::is_sorted(waits.begin(), waits.end()));
  for (std::size_t notices = 0; notices <= waits.size(); ++notices) {
    SCOPED_TRACE(notices);
    to_the_queue();
    for (std::size_t i = 0; i < notices; ++i) {
      bench.pass(waits[i]);
      bench.complete("st-msg-no-available-consultant");
    }
    if (notices == waits.size()) bench.complete("st-escalate");
    bench.publish("msg-client-task-cancelled", "t1");
    bench.pass(days(2));
    EXPECT_TRUE(bench.activate("st-msg-no-available-consultant").empty());
    EXPECT_TRUE(bench.activate("st-escalate").empty());
    EXPECT_EQ(bench.ended().size(), notices + 1);
  }
}

TEST_F(ClientRequest, TakesTheDelaysOfTheNoticesFromAVariable) {
  to_the_queue(R"(, "noticeDelays": ["PT1S"])");
  bench.pass(seconds(1));
  bench.complete("st-msg-no-available-consultant");
  bench.complete("st-escalate");
}

TEST_F(ClientRequest, NoticesThatTheTaskWasReturned) {
  to_the_queue();
  assign("clara");
  bench.publish("msg-client-task-returned", "t1");
  EXPECT_EQ(consultant_of("st-release-consultant"), "clara");
  bench.pass(seconds(30));  // waiting begins anew
  bench.complete("st-msg-no-available-consultant");
  assign("david");
  solve_and_close();
}

TEST_F(ClientRequest, B_31_GoesToAnotherConsultantAtOnce) {
  to_the_queue();
  assign("clara");
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "david"})");
  EXPECT_EQ(consultant_of("st-release-consultant"), "clara");
  EXPECT_EQ(consultant_of("st-subscribe-consultant"), "david");
  bench.complete("st-msg-task-assigned");
  solve_and_close();
}

TEST_F(ClientRequest, B_52_KeepsMessagesThatComeEarlyInTheirOrder) {
  to_the_queue();
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "clara"})");
  bench.publish("msg-client-task-returned", "t1");
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "david"})");
  bench.publish("msg-client-task-solved", "t1");
  EXPECT_EQ(consultant_of("st-subscribe-consultant"), "clara");
  bench.complete("st-msg-task-assigned");
  EXPECT_EQ(consultant_of("st-release-consultant"), "clara");
  EXPECT_EQ(consultant_of("st-subscribe-consultant"), "david");
  bench.complete("st-msg-task-assigned");
  bench.complete("st-msg-task-solved");
  bench.publish("msg-client-feedback-given", "t1");
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST_F(ClientRequest, B_32_IsCancelledAtAnyPoint) {
  to_the_queue();
  bench.publish("msg-client-task-cancelled", "t1");
  EXPECT_EQ(bench.ended().size(), 1u);
  EXPECT_TRUE(bench.engine.state().due().size() == bench.engine.state().messages().size()) << "a timer is left";
  bench.pass(days(1));

  to_the_queue();
  assign("clara");
  bench.publish("msg-client-task-cancelled", "t1");
  EXPECT_EQ(consultant_of("st-release-consultant"), "clara");
  EXPECT_EQ(bench.ended().size(), 2u);
  bench.pass(days(1));

  to_the_queue();  // while a job of the consultation is an incident
  bench.publish("msg-client-task-assigned", "t1", R"({"assignee": "clara"})");
  bench.run(FailJob{bench.job("st-subscribe-consultant").key, 0, std::nullopt, "", "gone"});
  EXPECT_EQ(bench.incidents().size(), 1u);
  bench.publish("msg-client-task-cancelled", "t1");
  EXPECT_TRUE(bench.incidents().empty());
  // Whether the job had admitted them is unknown: access is taken back in any case.
  EXPECT_EQ(consultant_of("st-release-consultant"), "clara");
  EXPECT_EQ(bench.ended().size(), 3u);
}

TEST_F(ClientRequest, ClosesWithoutFeedbackAfterADay) {
  to_the_queue();
  assign("clara");
  bench.publish("msg-client-task-solved", "t1");
  bench.complete("st-msg-task-solved");
  bench.pass(hours(24) - milliseconds(1));
  EXPECT_TRUE(bench.ended().empty());
  bench.pass(milliseconds(1));
  EXPECT_EQ(bench.ended().size(), 1u);
  EXPECT_NE(bench.take_path().find("closed-without-feedback"), std::string::npos);
}

}  // namespace
}  // namespace consilium::bpmn::engine
