#include "services/processes/events.h"

#include <gtest/gtest.h>

#include "consilium/chat/v1/chat_codec.h"
#include "consilium/tasks/v1/tasks_codec.h"
#include "consilium/users/v1/users_codec.h"
#include "ports/database/service_bench_testing.h"

namespace consilium::processes {
namespace {

struct Start {
  std::string process_id;
  std::string variables;
  std::string key;
};

// Remembers what is asked of it; the rest of the port is not for consumers.
class RecordingEngine final : public process::ProcessEngine {
 public:
  Task<Result<process::Deployment>> deploy(runtime::Context&, std::vector<process::Resource>) override { co_return refused(); }
  Task<Result<process::Deployment>> check_deployment(runtime::Context&, std::vector<process::Resource>) override { co_return refused(); }
  Task<Result<process::Deployment>> deploy_once(runtime::Context&, std::vector<process::Resource>) override { co_return refused(); }
  Task<Result<process::Key>> start_version(runtime::Context&, std::string, std::int32_t, std::string, std::string) override {
    co_return refused();
  }
  Task<Result<process::Key>> start(runtime::Context&, std::string process_id, std::string variables, std::string key) override {
    if (error) co_return fail(*error);
    starts.push_back({process_id, variables, key});
    co_return process::Key{1};
  }
  Task<Result<void>> publish(runtime::Context&, process::Message message) override {
    if (error) co_return fail(*error);
    messages.push_back(message);
    co_return Result<void>();
  }
  Task<Result<void>> cancel(runtime::Context&, process::Key) override { co_return refused(); }
  Task<Result<void>> resolve_incident(runtime::Context&, process::Key) override { co_return refused(); }
  Task<Result<void>> retry_job(runtime::Context&, process::Key, std::int32_t) override { co_return refused(); }
  Task<Result<void>> set_variables(runtime::Context&, process::VariableChange) override { co_return refused(); }
  Task<Result<void>> modify(runtime::Context&, process::Modification) override { co_return refused(); }
  Task<Result<std::vector<process::MigrationOutcome>>> migrate(runtime::Context&, process::Migration) override { co_return refused(); }
  void add_worker(process::Worker) override {}
  void open_workers() override {}
  Task<void> close_workers() override { co_return; }
  Task<Result<process::InstanceView>> instance(runtime::Context&, process::Key) override { co_return refused(); }
  Task<Result<process::InstancePage>> instances(runtime::Context&, process::InstanceFilter) override { co_return refused(); }
  Task<Result<std::vector<process::ElementRecord>>> elements(runtime::Context&, process::Key, process::Key, int) override {
    co_return refused();
  }
  Task<Result<process::ElementCounts>> count_elements(runtime::Context&, process::Key) override { co_return refused(); }
  Task<Result<process::IncidentPage>> incidents(runtime::Context&, process::Key, int) override { co_return refused(); }
  Task<Result<std::vector<process::DeployedProcess>>> processes(runtime::Context&) override { co_return refused(); }
  Task<Result<std::vector<process::ModelView>>> models(runtime::Context&, std::string, process::Key, int) override { co_return refused(); }
  Task<Result<process::ModelView>> model(runtime::Context&, process::Key) override { co_return refused(); }
  Task<Result<std::vector<process::DecisionView>>> decisions(runtime::Context&, std::string, process::Key, int) override {
    co_return refused();
  }
  Task<Result<process::DecisionView>> decision(runtime::Context&, process::Key) override { co_return refused(); }

  std::optional<Error> error;
  std::vector<Start> starts;
  std::vector<process::Message> messages;

 private:
  static Failure refused() { return fail(internal_error("not for consumers")); }
};

class ProcessEvents : public ::testing::Test {
 protected:
  // As the bus does: to the one consumer of the topic.
  template <class Message>
  Result<void> hear(const Message& message) {
    event.topic = Message::kTopic;
    event.position = 41;
    event.payload = encode_json(message);
    return deliver();
  }
  Result<void> deliver() {
    runtime::Context context = bench.service("bus");
    std::vector<const bus::Consumer*> takers;
    for (const bus::Consumer& consumer : all) {
      for (const std::string& topic : consumer.topics) {
        if (topic == event.topic) takers.push_back(&consumer);
      }
    }
    EXPECT_EQ(takers.size(), 1u) << event.topic;
    EXPECT_TRUE(event.topic.starts_with(takers.front()->producer + ".")) << event.topic;
    return bench.run(takers.front()->handle(context, event));
  }
  chat::v1::PostCreated client_post() {
    chat::v1::PostCreated post;
    post.post_id = bench.anonymous().new_id();
    post.channel_id = bench.anonymous().new_id();
    post.channel_kind = chat::v1::ChannelKind::kCommon;
    post.author_kind = chat::v1::AuthorKind::kUser;
    post.author_id = bench.anonymous().new_id();
    post.member_kind = chat::v1::MemberKind::kClient;
    post.at = runtime::SimulatedWorld::kDefaultStart;
    return post;
  }
  template <class Message>
  Message about_task(const std::string& type = "client", const std::string& subtype = "common-request") {
    Message message;
    message.task_id = task_id;
    message.task.task_id = task_id;
    message.task.number = "MOI-000001";
    message.task.type = {type, subtype};
    message.task.status = tasks::v1::Status::kOpen;
    message.task.substatus = tasks::v1::Substatus::kOnAssignment;
    message.task.reporter_user_id = client;
    message.task.group = "consultants";
    return message;
  }
  void expect_message(std::string_view name, std::string_view variables) {
    ASSERT_EQ(engine.messages.size(), 1u) << name;
    const process::Message& message = engine.messages.front();
    EXPECT_EQ(message.name, name);
    EXPECT_EQ(message.correlation_key, task_id.text());
    EXPECT_EQ(message.id, event.id.text());
    EXPECT_EQ(message.variables, variables);
    EXPECT_EQ(message.time_to_live, hours(48));
    EXPECT_GE(message.time_to_live, hours(24)) << "the contract of the models";
    EXPECT_TRUE(engine.starts.empty());
    engine.messages.clear();
  }
  void expect_nothing() {
    EXPECT_TRUE(engine.messages.empty());
    EXPECT_TRUE(engine.starts.empty());
  }

  database::testing::ServiceBench bench;
  RecordingEngine engine;
  std::vector<bus::Consumer> all = consumers(engine);
  Uuid task_id = bench.anonymous().new_id();
  Uuid client = bench.anonymous().new_id();
  Uuid consultant = bench.anonymous().new_id();
  bus::Event event = [this] {
    bus::Event one;
    one.id = bench.anonymous().new_id();
    return one;
  }();
};

TEST_F(ProcessEvents, GroupsAreOfThisServiceAndHandleCalls) {
  std::vector<std::string> groups;
  for (const bus::Consumer& consumer : all) {
    EXPECT_EQ(consumer.service, "processes");
    EXPECT_TRUE(consumer.handle);
    EXPECT_FALSE(consumer.apply);
    groups.push_back(consumer.group);
  }
  // Positions are kept under these names: a new name would hear everything again.
  EXPECT_EQ(groups, (std::vector<std::string>{"processes.drafts", "processes.posts", "processes.tasks"}));
}

TEST_F(ProcessEvents, ADraftStartsTheMakingOfAUser) {
  ASSERT_TRUE(hear(users::v1::DraftCreated{client, users::v1::UserType::kClient}));
  ASSERT_TRUE(hear(users::v1::DraftCreated{consultant, users::v1::UserType::kExpert}));
  ASSERT_EQ(engine.starts.size(), 2u);
  EXPECT_EQ(engine.starts[0].process_id, "p-create-user");
  EXPECT_EQ(engine.starts[0].variables, R"({"userId":")" + client.text() + R"(","type":"client"})");
  EXPECT_EQ(engine.starts[0].key, client.text());
  EXPECT_EQ(engine.starts[1].variables, R"({"userId":")" + consultant.text() + R"(","type":"expert"})");
  EXPECT_EQ(engine.starts[1].key, consultant.text());
}

TEST_F(ProcessEvents, L_1_TheRequestThatCausedItIsTold) {
  event.request_id = "r-7";
  ASSERT_TRUE(hear(users::v1::DraftCreated{client, users::v1::UserType::kClient}));
  ASSERT_TRUE(hear(client_post()));
  ASSERT_EQ(engine.starts.size(), 2u);
  for (const Start& start : engine.starts) EXPECT_NE(start.variables.find(R"("requestId":"r-7")"), std::string::npos) << start.variables;
  const auto solved = about_task<tasks::v1::Solved>();
  ASSERT_TRUE(hear(solved));
  ASSERT_EQ(engine.messages.size(), 1u);
  EXPECT_NE(engine.messages.front().variables.find(R"("requestId":"r-7")"), std::string::npos);
}

TEST_F(ProcessEvents, B_55_APostOfAClientStartsACase) {
  const chat::v1::PostCreated post = client_post();
  ASSERT_TRUE(hear(post));
  ASSERT_TRUE(hear(post)) << "again";
  ASSERT_EQ(engine.starts.size(), 2u);
  EXPECT_EQ(engine.starts[0].process_id, "p-client-request");
  EXPECT_EQ(engine.starts[0].variables,
            R"({"userId":")" + post.author_id->text() + R"(","channelId":")" + post.channel_id.text() + R"(","postId":")" +
                post.post_id.text() +
                R"(","postedAt":"2026-01-01T00:00:00.000Z","noticeDelays":["PT30S","PT30S","PT1M","PT2M","PT4M"],"feedbackWindow":"P1D"})");
  for (const Start& start : engine.starts) EXPECT_EQ(start.key, post.post_id.text());
}

TEST_F(ProcessEvents, ACaseIsToldWhenItsClientHearsOfTheWait) {
  all = consumers(engine, {.notices = {seconds(10), seconds(25)}, .feedback_window = minutes(90)});
  ASSERT_TRUE(hear(client_post()));
  ASSERT_EQ(engine.starts.size(), 1u);
  EXPECT_NE(engine.starts[0].variables.find(R"("noticeDelays":["PT10S","PT15S"],"feedbackWindow":"PT1H30M")"), std::string::npos)
      << engine.starts[0].variables;
}

TEST_F(ProcessEvents, OtherPostsStartNothing) {
  chat::v1::PostCreated of_consultant = client_post();
  of_consultant.member_kind = chat::v1::MemberKind::kConsultant;
  ASSERT_TRUE(hear(of_consultant));
  chat::v1::PostCreated of_bot = client_post();
  of_bot.author_kind = chat::v1::AuthorKind::kBot;
  of_bot.author_id.reset();
  of_bot.member_kind.reset();
  ASSERT_TRUE(hear(of_bot));
  chat::v1::PostCreated elsewhere = client_post();
  elsewhere.channel_kind = chat::v1::ChannelKind::kUnspecified;
  event.topic = chat::v1::PostCreated::kTopic;
  event.payload = R"({"postId":")" + elsewhere.post_id.text() + R"(","channelId":")" + elsewhere.channel_id.text() +
                  R"(","authorKind":"user","authorId":")" + elsewhere.author_id->text() +
                  R"(","memberKind":"client","at":"2026-01-01T00:00:00.000Z"})";
  ASSERT_TRUE(deliver());
  expect_nothing();
}

TEST_F(ProcessEvents, B_31_B_52_AnAssignmentNamesTheConsultant) {
  auto assigned = about_task<tasks::v1::Assigned>();
  assigned.task.assignee_user_id = consultant;
  ASSERT_TRUE(hear(assigned));
  expect_message("msg-client-task-assigned", R"({"assignee":")" + consultant.text() + R"(","fence":41})");
  assigned.previous_user_id = client;  // by a supervisor, from somebody else
  ASSERT_TRUE(hear(assigned));
  expect_message("msg-client-task-assigned", R"({"assignee":")" + consultant.text() + R"(","fence":41})");
}

TEST_F(ProcessEvents, B_52_OnlyATaskThatSomebodyHadIsReturned) {
  auto queued = about_task<tasks::v1::Queued>();
  queued.cause = "new";
  ASSERT_TRUE(hear(queued));
  expect_nothing();
  queued.cause = "returned";
  queued.previous_user_id = consultant;
  ASSERT_TRUE(hear(queued));
  expect_message("msg-client-task-returned", R"({"fence":41})");
}

TEST_F(ProcessEvents, B_32_B_52_EndsOfATaskAreTold) {
  ASSERT_TRUE(hear(about_task<tasks::v1::Cancelled>()));
  expect_message("msg-client-task-cancelled", R"({"fence":41})");
  ASSERT_TRUE(hear(about_task<tasks::v1::Solved>()));
  expect_message("msg-client-task-solved", R"({"fence":41})");
  ASSERT_TRUE(hear(tasks::v1::FeedbackGiven{task_id, tasks::v1::FeedbackAnswer::kYes}));
  expect_message("msg-client-feedback-given", R"({"fence":41})");
}

TEST_F(ProcessEvents, TasksOfStaffHaveNoProcess) {
  auto assigned = about_task<tasks::v1::Assigned>("staff", "escalation");
  assigned.task.assignee_user_id = consultant;
  ASSERT_TRUE(hear(assigned));
  auto queued = about_task<tasks::v1::Queued>("staff", "escalation");
  queued.cause = "returned";
  queued.previous_user_id = consultant;
  ASSERT_TRUE(hear(queued));
  ASSERT_TRUE(hear(about_task<tasks::v1::Cancelled>("staff", "escalation")));
  ASSERT_TRUE(hear(about_task<tasks::v1::Solved>("client", "other")));
  expect_nothing();
}

TEST_F(ProcessEvents, B_54_WhatTheEngineRefusesIsTriedAgainByTheBus) {
  engine.error = make_error(ErrorKind::kUnavailable, "process.unavailable");
  EXPECT_EQ(hear(users::v1::DraftCreated{client, users::v1::UserType::kClient}).error().code, "process.unavailable");
  EXPECT_EQ(hear(client_post()).error().code, "process.unavailable");
  EXPECT_EQ(hear(about_task<tasks::v1::Solved>()).error().code, "process.unavailable");
  expect_nothing();
}

TEST_F(ProcessEvents, AnEventThatCannotBeReadIsAnError) {
  for (const std::string_view topic : {users::v1::DraftCreated::kTopic, chat::v1::PostCreated::kTopic, tasks::v1::Assigned::kTopic}) {
    event.topic = topic;
    event.payload = "[]";
    EXPECT_FALSE(deliver()) << topic;
  }
  expect_nothing();
}

}  // namespace
}  // namespace consilium::processes
