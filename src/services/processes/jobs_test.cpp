// Each worker by itself: what it calls and what it says of the job.
#include "services/processes/jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "ports/database/service_bench_testing.h"
#include "runtime/log_sink.h"
#include "services/processes/job_variables.h"
#include "services/processes/services_testing.h"

namespace consilium::processes {
namespace {

using process::JobOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = process::JobOutcome::Kind;

// A call of a job that may be refused, and what the job has made by then.
struct Step {
  const char* job_type;
  const char* call;
};

const std::vector<Step> kSteps = {
    {"st-create-chat-user", "get_user"},
    {"st-create-chat-user", "create_chat_user"},
    {"st-create-chat-user", "set_links"},
    {"st-create-chat-channel", "get_user"},
    {"st-create-chat-channel", "create_channel"},
    {"st-create-chat-channel", "set_links"},
    {"st-create-send-hello", "bot_post"},
    {"st-create-identity", "get_user"},
    {"st-create-identity", "create_identity"},
    {"st-create-identity", "set_links"},
    {"st-activate-user", "get_user"},
    {"st-activate-user", "activate_user"},
    {"st-delete-chat-user", "delete_chat_user"},
    {"st-delete-identity", "delete_identity"},
    {"st-delete-user", "get_user"},
    {"st-delete-user", "delete_user"},
    {"st-check-client-open-task", "find_open"},
    {"st-bot", "get_post"},
    {"st-bot", "get_user"},
    {"st-bot", "ask_bot"},
    {"st-bot", "bot_post"},
    {"st-create-client-req-task", "create_request"},
    {"st-create-client-req-task", "bot_post"},
    {"st-subscribe-consultant", "subscribe"},
    {"st-msg-task-assigned", "bot_post"},
    {"st-msg-no-available-consultant", "bot_post"},
    {"st-escalate", "create_request"},
    {"st-escalate", "bot_post"},
    {"st-release-consultant", "subscribe"},
    {"st-msg-task-solved", "bot_post"},
    {"st-msg-task-solved", "subscribe"},
};

class Jobs : public ::testing::Test {
 protected:
  Jobs() {
    for (auto& workers : {user_creation_workers(services.dependencies), client_request_workers(services.dependencies)}) {
      for (const process::Worker& worker : workers) all.push_back(worker);
    }
    reset();
  }
  // A draft, its channel, a free task.
  void reset() {
    services.ledger = {};
    services.users.people.clear();
    services.add_draft(client, users::v1::UserType::kClient);
    services.chat.accounts = {{client, account}};
    services.chat.channels = {{client, channel}};
    services.chat.answer = {true, "It is ready."};
    services.sessions.identities = {{client, identity}};
    services.tasks.reply.task.id = task;
    services.tasks.reply.task.number = "MOI-000001";
    services.tasks.reply.created = true;
  }
  std::string variables(const std::string& more = "") {
    return R"({"userId":")" + client.text() + R"(","type":"client","channelId":")" + channel.text() + R"(","chatChannelId":")" +
           channel.text() + R"(","postId":")" + post.text() + R"(","postedAt":"2026-01-01T00:00:00.000Z","taskId":")" + task.text() +
           R"(","taskNum":"MOI-000001","assignee":")" + consultant.text() + R"(","consultant":")" + consultant.text() +
           R"(","noticeCount":2,"fence":41)" + more + "}";
  }
  JobOutcome run(const std::string& type, const std::string& with, process::Key key = 77) {
    process::Job job;
    job.key = key;
    job.type = type;
    job.instance_key = 5;
    job.variables = with;
    runtime::Context context = bench.service("processes");
    for (const process::Worker& worker : all) {
      if (worker.job_type != type) continue;
      JobOutcome outcome = bench.run(worker.handle(context, job));
      request_id = context.request_id;
      return outcome;
    }
    throw std::runtime_error("no worker of " + type);
  }
  JobOutcome run(const std::string& type) { return run(type, variables()); }
  void expect_completed(const JobOutcome& outcome, const std::string& with = "{}") {
    EXPECT_EQ(outcome.kind, Kind::kComplete) << outcome.error_code << " " << outcome.message;
    EXPECT_EQ(outcome.variables, with);
  }
  std::string request_id;  // that the last job worked under
  Uuid new_id() { return bench.anonymous().new_id(); }
  std::string about_task() const { return R"({"taskId":")" + task.text() + R"(","taskNum":"MOI-000001")"; }
  const chat::v1::BotPostRequest& last_post() const { return services.chat.posted.back(); }

  database::testing::ServiceBench bench;
  testing::FakeServices services;
  std::vector<process::Worker> all;
  Uuid client = new_id();
  Uuid consultant = new_id();
  Uuid channel = new_id();
  Uuid account = new_id();
  Uuid identity = new_id();
  Uuid task = new_id();
  Uuid post = new_id();
};

TEST_F(Jobs, L_1_L_4_EachLeavesOneRecordUnderTheRequestThatCausedIt) {
  const auto sink = std::make_shared<runtime::MemorySink>(runtime::LogFormat::kJson);
  runtime::Log log({.level = runtime::LogLevel::kDebug, .levels = {}, .instance = "", .clock = {}, .synchronous = true}, {sink});
  services.dependencies.log = runtime::Logger(log, "processes", "jobs");
  for (const process::Worker& worker : all) {
    const std::size_t before = sink->lines().size();
    run(worker.job_type, variables(R"(,"requestId":"r-7")"));
    EXPECT_EQ(request_id, "r-7") << worker.job_type;
    ASSERT_EQ(sink->lines().size(), before + 1) << worker.job_type;
    EXPECT_NE(sink->lines().back().find(R"("rid":"r-7")"), std::string::npos) << sink->lines().back();
    EXPECT_NE(sink->lines().back().find("\"type\":\"" + worker.job_type + "\""), std::string::npos) << sink->lines().back();
  }
  services.dependencies.log = {};
}

TEST_F(Jobs, EachJobTypeOfTheModelsHasOneWorker) {
  std::multiset<std::string> served;
  for (const process::Worker& worker : all) served.insert(worker.job_type);
  std::multiset<std::string> modelled;
  const std::regex type("taskDefinition type=\"([^\"]+)\"");
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CONSILIUM_SOURCE_DIR) + "/processes")) {
    if (entry.path().extension() != ".bpmn") continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const std::string model = text.str();
    std::set<std::string> of_model;
    for (std::sregex_iterator match(model.begin(), model.end(), type), end; match != end; ++match) of_model.insert((*match)[1]);
    modelled.insert(of_model.begin(), of_model.end());
  }
  EXPECT_EQ(served, modelled);
  std::set<std::string> tested;
  for (const Step& step : kSteps) tested.insert(step.job_type);
  EXPECT_EQ(std::set<std::string>(served.begin(), served.end()), tested);
}

TEST_F(Jobs, VariablesThatDoNotFitFailTheJobBeforeAnyCall) {
  for (const process::Worker& worker : all) {
    for (const char* bad : {"{}", "[]", "{", R"({"userId":7,"channelId":null})", R"({"userId":"x","channelId":"y"})"}) {
      const JobOutcome outcome = run(worker.job_type, bad);
      EXPECT_EQ(outcome.kind, Kind::kFail) << worker.job_type << " " << bad;
      EXPECT_EQ(outcome.error_code, "process.bad-variable") << worker.job_type << " " << bad;
    }
  }
  EXPECT_THAT(services.ledger.calls, IsEmpty());
}

TEST_F(Jobs, B_21_WhatMayMendIsTriedAgain) {
  for (const Step& step : kSteps) {
    SCOPED_TRACE(std::string(step.job_type) + " " + step.call);
    reset();
    services.ledger.errors[step.call] = make_error(ErrorKind::kUnavailable, "test.unavailable");
    JobOutcome outcome = run(step.job_type);
    EXPECT_EQ(outcome.kind, Kind::kNotReady);
    EXPECT_EQ(outcome.retry_in, seconds(1));
    services.ledger.errors[step.call] = make_error(ErrorKind::kUnavailable, "test.unavailable").retry_in(seconds(9));
    EXPECT_EQ(run(step.job_type).retry_in, seconds(9));
    for (const ErrorKind kind : {ErrorKind::kInternal, ErrorKind::kDeadlineExceeded, ErrorKind::kRateLimited, ErrorKind::kStale}) {
      services.ledger.errors[step.call] = make_error(kind, "test.broken");
      outcome = run(step.job_type);
      EXPECT_EQ(outcome.kind, Kind::kFail);
      EXPECT_EQ(outcome.error_code, "test.broken");
      EXPECT_EQ(outcome.retry_in, Duration{}) << "the engine's own back-off";
    }
  }
}

TEST_F(Jobs, ABusinessNoIsThrownWhereTheModelHandlesIt) {
  const std::map<std::string, std::pair<std::string, std::string>> thrown = {
      {"st-create-chat-user", {"err-create-chat-user", R"({"chatUserId":")" + account.text() + "\"}"}},
      {"st-create-chat-channel", {"err-create-chat-channel", R"({"chatChannelId":")" + channel.text() + "\"}"}},
      {"st-create-send-hello", {"err-send-hello", "{}"}},
      {"st-activate-user", {"err-activate-user", "{}"}},
      {"st-create-identity", {"err-create-identity", R"({"identityId":")" + identity.text() + "\"}"}},
  };
  for (const Step& step : kSteps) {
    SCOPED_TRACE(std::string(step.job_type) + " " + step.call);
    reset();
    services.ledger.errors[step.call] = make_error(ErrorKind::kConflict, "test.refused");
    const JobOutcome outcome = run(step.job_type);
    const auto error = thrown.find(step.job_type);
    if (error == thrown.end()) {
      EXPECT_EQ(outcome.kind, Kind::kFail);
      EXPECT_EQ(outcome.error_code, "test.refused");
      continue;
    }
    EXPECT_EQ(outcome.kind, Kind::kThrow);
    EXPECT_EQ(outcome.error_code, error->second.first);
    EXPECT_EQ(outcome.message, "test.refused");
    EXPECT_EQ(outcome.variables, step.call == std::string("set_links") ? error->second.second : "{}") << "what was made is named";
  }
}

TEST_F(Jobs, AChatAccountIsMadeAndLinked) {
  services.users.people.at(client).photo_url = "/photos/1";
  expect_completed(run("st-create-chat-user"), R"({"chatUserId":")" + account.text() + "\"}");
  const chat::v1::CreateChatUserRequest expected{client, "Anna Berg", chat::v1::MemberKind::kClient, "de", "/photos/1"};
  EXPECT_THAT(services.chat.people_made, ElementsAre(expected));
  EXPECT_EQ(services.users.people.at(client).chat_user_id, account);
  EXPECT_FALSE(services.users.people.at(client).identity_id);
  for (const auto type : {users::v1::UserType::kConsultant, users::v1::UserType::kExpert, users::v1::UserType::kSupervisor,
                          users::v1::UserType::kAdministrator}) {
    services.users.people.at(client).type = type;
    run("st-create-chat-user");
    EXPECT_EQ(services.chat.people_made.back().kind, chat::v1::MemberKind::kConsultant);
  }
}

TEST_F(Jobs, AChannelIsMadeAndLinked) {
  expect_completed(run("st-create-chat-channel"), R"({"chatChannelId":")" + channel.text() + "\"}");
  const chat::v1::CreateChannelRequest expected{chat::v1::ChannelKind::kCommon, client, "Anna Berg"};
  EXPECT_THAT(services.chat.channels_made, ElementsAre(expected));
  EXPECT_EQ(services.users.people.at(client).common_channel_id, channel);
}

TEST_F(Jobs, TheBotGreets) {
  expect_completed(run("st-create-send-hello"));
  const chat::v1::BotPostRequest expected{channel,      std::nullopt,  "client.hello", JsonText{R"({"client":")" + client.text() + "\"}"},
                                          std::nullopt, "job-77-hello"};
  EXPECT_THAT(services.chat.posted, ElementsAre(expected));
}

TEST_F(Jobs, B_56_ALoginIsMadeWithoutPassword) {
  expect_completed(run("st-create-identity"), R"({"identityId":")" + identity.text() + "\"}");
  ASSERT_EQ(services.sessions.requests.size(), 1u);
  EXPECT_EQ(services.sessions.requests[0].user_id, client);
  EXPECT_EQ(services.sessions.requests[0].username, "79990000001");
  EXPECT_FALSE(services.sessions.requests[0].password);
  EXPECT_EQ(services.users.people.at(client).identity_id, identity);
}

TEST_F(Jobs, ActivationIsDoneOnce) {
  expect_completed(run("st-activate-user"));
  expect_completed(run("st-activate-user"));
  EXPECT_THAT(services.ledger.calls, ElementsAre("get_user", "activate_user", "get_user"));
  EXPECT_EQ(services.users.people.at(client).status, users::v1::UserStatus::kActive);
}

TEST_F(Jobs, WhatIsGoneAlreadyIsFineToDelete) {
  for (int round = 0; round < 2; ++round) {
    expect_completed(run("st-delete-chat-user"));
    expect_completed(run("st-delete-identity"));
    expect_completed(run("st-delete-user"));
  }
  EXPECT_THAT(services.chat.accounts, IsEmpty());
  EXPECT_THAT(services.sessions.identities, IsEmpty());
  EXPECT_EQ(std::ranges::count(services.ledger.calls, "delete_user"), 1);
  services.users.people.clear();
  expect_completed(run("st-delete-user"));
}

TEST_F(Jobs, AnOpenTaskIsFound) {
  expect_completed(run("st-check-client-open-task"), R"({"taskExists":false})");
  services.tasks.found.task = services.tasks.reply.task;
  expect_completed(run("st-check-client-open-task"), R"({"taskExists":true,"taskId":")" + task.text() + "\"}");
  EXPECT_EQ(services.tasks.searches.back(),
            (tasks::v1::FindOpenRequest{channel, {"client", "common-request"}, parse_rfc3339("2026-01-01T00:00:00.000Z")}));
}

TEST_F(Jobs, TheBotAnswersWhenItCan) {
  expect_completed(run("st-bot"), R"({"botSucceeded":true})");
  EXPECT_THAT(services.chat.questions, ElementsAre(chat::v1::AskBotRequest{"Where is my analysis?", "de"}));
  const chat::v1::BotPostRequest expected{channel, "It is ready.", std::nullopt, std::nullopt, std::nullopt, "job-77-answer"};
  EXPECT_THAT(services.chat.posted, ElementsAre(expected));
  services.chat.answer.found = false;
  expect_completed(run("st-bot"), R"({"botSucceeded":false})");
  EXPECT_EQ(services.chat.posted.size(), 1u);
}

TEST_F(Jobs, ATaskIsMadeLinkedAndTold) {
  expect_completed(run("st-create-client-req-task"), about_task() + R"(,"taskExists":false})");
  ASSERT_EQ(services.tasks.requests.size(), 1u);
  const tasks::v1::CreateTaskRequest& request = services.tasks.requests[0];
  EXPECT_EQ(request.type, (tasks::v1::TaskType{"client", "common-request"}));
  EXPECT_EQ(request.reporter_user_id, client);
  EXPECT_EQ(request.channel_id, channel);
  EXPECT_EQ(request.reported_at, runtime::SimulatedWorld::kDefaultStart);
  EXPECT_THAT(services.tasks.instances, ElementsAre(5)) << "made and linked at once";
  const chat::v1::BotPostRequest notice{channel, std::nullopt, "client.new-request", JsonText{about_task() + "}"}, client, "job-77-notice"};
  EXPECT_THAT(services.chat.posted, ElementsAre(notice));
}

TEST_F(Jobs, APostThatWasSlowerJoinsTheTaskOfTheOther) {
  services.tasks.reply.created = false;
  expect_completed(run("st-create-client-req-task"), about_task() + R"(,"taskExists":true})");
  EXPECT_THAT(services.ledger.calls, ElementsAre("create_request")) << "not told again";
}

TEST_F(Jobs, AConsultantIsAdmittedAndIntroduced) {
  expect_completed(run("st-subscribe-consultant"));
  EXPECT_THAT(services.chat.subscribed,
              ElementsAre(chat::v1::SubscribeRequest{channel, consultant, chat::v1::MemberAccess::kWrite, std::nullopt, 41}));
  expect_completed(run("st-msg-task-assigned"));
  const chat::v1::BotPostRequest to_client{
      channel, std::nullopt,   "client.request-assigned", JsonText{about_task() + R"(,"consultant":")" + consultant.text() + "\"}"},
      client,  "job-77-client"};
  const chat::v1::BotPostRequest to_consultant{
      channel,    std::nullopt,       "consultant.request-assigned", JsonText{about_task() + R"(,"client":")" + client.text() + "\"}"},
      consultant, "job-77-consultant"};
  EXPECT_THAT(services.chat.posted, ElementsAre(to_client, to_consultant));
}

TEST_F(Jobs, AWaitingClientIsToldAndEscalated) {
  expect_completed(run("st-msg-no-available-consultant"));
  const chat::v1::BotPostRequest waiting{
      channel, std::nullopt, "client.no-consultant-available", JsonText{about_task() + R"(,"noticeCount":2})"}, client, "job-77-notice"};
  EXPECT_EQ(last_post(), waiting);
  expect_completed(run("st-escalate"));
  ASSERT_EQ(services.tasks.requests.size(), 1u);
  EXPECT_EQ(services.tasks.requests[0].type, (tasks::v1::TaskType{"staff", "escalation"}));
  EXPECT_EQ(services.tasks.requests[0].reporter_user_id, client);
  EXPECT_EQ(services.tasks.requests[0].title, "MOI-000001");
  EXPECT_EQ(last_post().code, "client.request-escalated");
  EXPECT_EQ(last_post().to_user_id, client);
}

TEST_F(Jobs, AReleasedConsultantReadsOnForAWhile) {
  const Timestamp until = bench.loop().now() + hours(24);
  expect_completed(run("st-release-consultant"));
  EXPECT_THAT(services.chat.subscribed,
              ElementsAre(chat::v1::SubscribeRequest{channel, consultant, chat::v1::MemberAccess::kRead, until, 41}));
}

TEST_F(Jobs, ASolvedTaskIsToldRatedAndReleasesTheConsultant) {
  const Timestamp until = bench.loop().now() + hours(24);
  expect_completed(run("st-msg-task-solved"));
  const chat::v1::BotPostRequest solved{channel,      std::nullopt,   "client.task-solved", JsonText{about_task() + "}"},
                                        std::nullopt, "job-77-solved"};
  const chat::v1::BotPostRequest feedback{channel,      std::nullopt,     "client.feedback", JsonText{about_task() + "}"},
                                          std::nullopt, "job-77-feedback"};
  EXPECT_THAT(services.chat.posted, ElementsAre(solved, feedback));
  EXPECT_THAT(services.chat.subscribed,
              ElementsAre(chat::v1::SubscribeRequest{channel, consultant, chat::v1::MemberAccess::kRead, until, 41}));
  EXPECT_THAT(services.ledger.calls, ElementsAre("bot_post", "bot_post", "subscribe")) << "the last words come before";
}

TEST_F(Jobs, ASolvedTaskThatNobodyHadReleasesNobody) {
  const std::string alone = R"({"userId":")" + client.text() + R"(","channelId":")" + channel.text() + R"(","consultant":null})";
  expect_completed(run("st-msg-task-solved", alone));
  EXPECT_THAT(services.chat.subscribed, IsEmpty());
}

TEST_F(Jobs, ARepeatedJobHasTheSameKeysAndAnotherJobOthers) {
  for (const process::Worker& worker : all) {
    SCOPED_TRACE(worker.job_type);
    const auto keys_of = [&](process::Key key) {
      reset();
      services.chat.posted.clear();
      services.tasks.keys.clear();
      services.tasks.instances.clear();
      run(worker.job_type, variables(), key);
      std::vector<std::string> keys;
      for (std::size_t i = 0; i < services.tasks.keys.size(); ++i) {
        if (!services.tasks.instances[i]) keys.push_back(services.tasks.keys[i]);  // else the case is the key
      }
      for (const chat::v1::BotPostRequest& one : services.chat.posted) keys.push_back(one.idempotency_key);
      return keys;
    };
    const auto first = keys_of(77);
    EXPECT_EQ(keys_of(77), first);
    const std::set<std::string> different(first.begin(), first.end());
    EXPECT_EQ(different.size(), first.size()) << "each effect has a key of its own";
    for (const std::string& key : keys_of(78)) EXPECT_FALSE(different.contains(key)) << key;
    for (const std::string& key : first) EXPECT_FALSE(key.empty());
  }
}

TEST(JobVariablesTest, ReadsWhatFits) {
  process::Job job;
  job.variables = R"({"text":"a\"b","number":3,"nothing":null,"real":1.5})";
  const auto read = JobVariables::read(job);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text("text").value(), "a\"b");
  EXPECT_EQ(read->text("number").error().code, "process.bad-variable");
  EXPECT_EQ(read->text("absent").error().code, "process.bad-variable");
  EXPECT_EQ(read->id("text").error().code, "process.bad-variable");
  EXPECT_EQ(read->optional_text("nothing"), std::nullopt);
  EXPECT_EQ(read->integer_or("number", 9), 3);
  EXPECT_EQ(read->integer_or("real", 9), 9);
  EXPECT_EQ(read->integer_or("absent", 9), 9);
}

TEST(JobVariablesTest, WritesObjects) {
  EXPECT_EQ(JsonObject().text(), "{}");
  EXPECT_EQ(JsonObject().add("a\"", "b\n").add_number("n", -1).add_flag("f", true).text(), R"({"a\"":"b\n","n":-1,"f":true})");
}

}  // namespace
}  // namespace consilium::processes
