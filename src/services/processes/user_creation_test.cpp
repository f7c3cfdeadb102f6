// p-create-user on the real engine with the real workers: whatever step gives up, nothing that was made is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "bpmn/local_process_engine.h"
#include "ports/database/service_bench_testing.h"
#include "services/processes/services_testing.h"

namespace consilium::processes {
namespace {

using ::testing::IsEmpty;

Task<int> close_engine(bpmn::LocalProcessEngine* engine) {
  co_await engine->close_workers();
  co_await engine->close();
  co_return 0;
}

class UserCreation : public ::testing::Test {
 protected:
  UserCreation() {
    bench.migrate("processes", bpmn::LocalProcessEngine::migrations());
    engine = std::make_unique<bpmn::LocalProcessEngine>(bench.store().service("processes"), bench.loop(), bench.random());
    for (process::Worker& worker : user_creation_workers(services.dependencies)) engine->add_worker(std::move(worker));
    EXPECT_TRUE(bench.run(engine->open(context)));
    std::ifstream file(std::string(CONSILIUM_SOURCE_DIR) + "/processes/p-create-user.bpmn");
    std::stringstream model;
    model << file.rdbuf();
    EXPECT_TRUE(bench.run(engine->deploy(context, {{"p-create-user.bpmn", model.str()}})));
    engine->open_workers();
  }
  ~UserCreation() override { bench.run(close_engine(engine.get())); }

  // Until it ends or stands still.
  process::InstanceView make(users::v1::UserType type) {
    user = bench.anonymous().new_id();
    services.add_draft(user, type);
    services.ledger.calls.clear();
    const std::string variables = R"({"userId":")" + user.text() + R"(","type":")" + std::string(text_of(type)) + "\"}";
    const auto key = bench.run(engine->start(context, "p-create-user", variables, user.text()));
    EXPECT_TRUE(key);
    instance = key.value_or(0);
    bench.pass(minutes(10));
    return view();
  }
  process::InstanceView view() { return bench.run(engine->instance(context, instance)).value(); }
  std::size_t incidents() { return bench.run(engine->incidents(context, 0, 200)).value().items.size(); }
  void expect_nothing_left() {
    EXPECT_EQ(services.users.people.at(user).status, users::v1::UserStatus::kDeleted);
    EXPECT_THAT(services.chat.accounts, IsEmpty());
    EXPECT_THAT(services.chat.channels, IsEmpty());
    EXPECT_THAT(services.sessions.identities, IsEmpty());
    EXPECT_EQ(incidents(), 0u);
  }
  void expect_all_made() {
    const users::v1::User& made = services.users.people.at(user);
    EXPECT_EQ(view().state, process::InstanceState::kCompleted);
    EXPECT_EQ(made.status, users::v1::UserStatus::kActive);
    EXPECT_EQ(made.chat_user_id, services.chat.accounts.at(user));
    EXPECT_EQ(made.identity_id, services.sessions.identities.at(user));
    EXPECT_EQ(incidents(), 0u);
  }

  database::testing::ServiceBench bench;
  runtime::Context context = bench.service("processes");
  testing::FakeServices services;
  std::unique_ptr<bpmn::LocalProcessEngine> engine;
  Uuid user;
  process::Key instance = 0;
};

TEST_F(UserCreation, MakesAClientWithChannelAndGreeting) {
  make(users::v1::UserType::kClient);
  expect_all_made();
  EXPECT_EQ(services.users.people.at(user).common_channel_id, services.chat.channels.at(user));
  EXPECT_EQ(services.chat.posted.size(), 1u);
}

TEST_F(UserCreation, MakesAConsultantWithoutChannel) {
  make(users::v1::UserType::kConsultant);
  expect_all_made();
  EXPECT_THAT(services.chat.channels, IsEmpty());
}

TEST_F(UserCreation, B_57_LeavesNothingWhenACallIsRefused) {
  for (const auto type : {users::v1::UserType::kClient, users::v1::UserType::kExpert}) {
    for (const char* call : {"create_chat_user", "create_channel", "create_identity", "set_links"}) {
      if (type == users::v1::UserType::kExpert && call == std::string("create_channel")) continue;
      SCOPED_TRACE(call);
      services.ledger.errors = {{call, make_error(ErrorKind::kConflict, "test.refused")}};
      EXPECT_EQ(make(type).state, process::InstanceState::kCompleted);
      EXPECT_EQ(std::ranges::count(services.ledger.calls, call), 1) << "a no is not asked for again";
      expect_nothing_left();
    }
  }
}

// The second and third link: what was made before, and what was just made, are both known.
TEST_F(UserCreation, B_57_LeavesNothingWhenALaterLinkIsRefused) {
  for (const char* last : {"create_channel", "create_identity"}) {
    SCOPED_TRACE(last);
    services.ledger.errors.clear();
    services.ledger.errors_after = {last, {"set_links", make_error(ErrorKind::kConflict, "users.link-set")}};
    EXPECT_EQ(make(users::v1::UserType::kClient).state, process::InstanceState::kCompleted);
    expect_nothing_left();
  }
}

// The login was made, its link broke, and when it is mended the answer is a no.
TEST_F(UserCreation, B_57_LeavesNothingWhenARepeatedLinkIsRefused) {
  services.ledger.errors_after = {"create_identity", {"set_links", make_error(ErrorKind::kInternal, "test.broken")}};
  make(users::v1::UserType::kClient);
  EXPECT_EQ(incidents(), 1u) << "three attempts";
  EXPECT_EQ(std::ranges::count(services.ledger.calls, "create_identity"), 3);
  services.ledger.errors_after = {"create_identity", {"set_links", make_error(ErrorKind::kConflict, "users.link-set")}};
  const auto open = bench.run(engine->incidents(context, 0, 200)).value().items;
  ASSERT_EQ(open.size(), 1u);
  EXPECT_TRUE(bench.run(engine->resolve_incident(context, open[0].key)));
  bench.pass(minutes(10));
  EXPECT_EQ(view().state, process::InstanceState::kCompleted);
  expect_nothing_left();
}

// The first attempt made it and could not store that; the second is told no, and knows nothing of what was made.
TEST_F(UserCreation, B_57_LeavesNothingWhenTheSecondAttemptIsRefused) {
  const std::pair<const char*, int> steps[] = {{"create_chat_user", 1}, {"create_channel", 2}, {"create_identity", 3}};
  for (const auto& [call, link] : steps) {
    SCOPED_TRACE(call);
    services.ledger.errors_at = {{{"set_links", link}, make_error(ErrorKind::kInternal, "test.broken")},
                                 {{call, 2}, make_error(ErrorKind::kConflict, "test.refused")}};
    EXPECT_EQ(make(users::v1::UserType::kClient).state, process::InstanceState::kCompleted);
    EXPECT_EQ(std::ranges::count(services.ledger.calls, call), 2);
    expect_nothing_left();
  }
}

TEST_F(UserCreation, B_57_LeavesNothingWhenGreetingOrActivationIsRefused) {
  for (const char* call : {"bot_post", "activate_user"}) {
    SCOPED_TRACE(call);
    services.ledger.errors = {{call, make_error(ErrorKind::kConflict, "test.refused")}};
    EXPECT_EQ(make(users::v1::UserType::kClient).state, process::InstanceState::kCompleted);
    EXPECT_EQ(std::ranges::count(services.ledger.calls, call), 1) << "a no is not asked for again";
    expect_nothing_left();
  }
}

// The account was made, what says so was not: the next attempt finds it.
TEST_F(UserCreation, B_20_ARetryCompletesWhatWasHalfMade) {
  for (const auto& [call, link] : std::initializer_list<std::pair<const char*, int>>{{"create_chat_user", 1}, {"create_channel", 2}}) {
    SCOPED_TRACE(call);
    services.ledger.errors_at = {{{"set_links", link}, make_error(ErrorKind::kInternal, "test.broken")}};
    const std::size_t accounts = services.chat.accounts.size();
    make(users::v1::UserType::kClient);
    expect_all_made();
    EXPECT_EQ(std::ranges::count(services.ledger.calls, call), 2);
    EXPECT_EQ(services.chat.accounts.size(), accounts + 1);
    EXPECT_EQ(services.users.people.at(user).common_channel_id, services.chat.channels.at(user));
  }
}

TEST_F(UserCreation, WhatIsBrokenStandsStillUntilItIsMended) {
  for (const char* call : {"bot_post", "activate_user"}) {
    SCOPED_TRACE(call);
    services.ledger.errors = {{call, make_error(ErrorKind::kInternal, "test.broken")}};
    EXPECT_TRUE(make(users::v1::UserType::kClient).has_incident);
    EXPECT_EQ(std::ranges::count(services.ledger.calls, call), 3);
    services.ledger.errors.clear();
    const auto open = bench.run(engine->incidents(context, 0, 200)).value().items;
    ASSERT_EQ(open.size(), 1u);
    EXPECT_EQ(open[0].error_type, "JOB_NO_RETRIES");
    EXPECT_TRUE(bench.run(engine->resolve_incident(context, open[0].key)));
    bench.pass(minutes(10));
    expect_all_made();
  }
}

TEST_F(UserCreation, WaitsForAServiceThatIsNotThereWithoutUsingAttempts) {
  for (const char* call : {"get_user", "create_chat_user", "create_channel", "bot_post", "create_identity", "set_links", "activate_user"}) {
    SCOPED_TRACE(call);
    services.ledger.errors = {{call, make_error(ErrorKind::kUnavailable, "test.unavailable")}};
    EXPECT_EQ(make(users::v1::UserType::kClient).state, process::InstanceState::kActive);
    EXPECT_EQ(incidents(), 0u);
    services.ledger.errors.clear();
    bench.pass(seconds(30));
    expect_all_made();
  }
}

}  // namespace
}  // namespace consilium::processes
