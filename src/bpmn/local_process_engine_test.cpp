// The engine on real SQLite, on a simulated disk and virtual time: crashes, power cuts, full queues.
#include "bpmn/local_process_engine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>

#include "bpmn/engine/test_decisions.h"
#include "bpmn/engine/test_model.h"
#include "bpmn/engine_node_testing.h"
#include "runtime/panic_testing.h"

namespace consilium::bpmn {
namespace {

using engine::TestModel;
using process::InstanceState;
using process::Job;
using process::JobOutcome;
using process::Key;
using testing::Commits;
using testing::flag_end;
using testing::Node;
using testing::store_result;

class LocalProcessEngineTest : public ::testing::TestWithParam<Commits> {};
INSTANTIATE_TEST_SUITE_P(LocalProcessEngine, LocalProcessEngineTest, ::testing::Values(Commits::kToDatabase, Commits::kToLog),
                         [](const auto& chosen) { return chosen.param == Commits::kToLog ? "ToLog" : "ToDatabase"; });

TestModel one_task() { return std::move(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end")); }

Task<JobOutcome> give(JobOutcome outcome) { co_return outcome; }

process::Worker worker(std::string type, std::function<Task<JobOutcome>(runtime::Context&, const Job&)> handle) {
  process::Worker result;
  result.job_type = std::move(type);
  result.name = "test";
  result.handle = std::move(handle);
  return result;
}

TEST_P(LocalProcessEngineTest, RunsAProcessAndKeepsItsHistory) {
  Node node(1, {}, GetParam());
  node.engine->add_worker(worker("work", [](runtime::Context&, const Job& job) {
    JobOutcome outcome;
    outcome.variables = R"({"done": true, "seen": )" + job.variables + "}";
    return give(outcome);
  }));
  node.open();
  node.deploy(one_task());
  const Key key = node.start(R"({"a": 1})");
  auto view = node.call(node.engine->instance(*node.context, key));
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->state, InstanceState::kActive);
  ASSERT_EQ(view->active.size(), 1u);
  EXPECT_EQ(view->active[0].element_id, "t");
  node.engine->open_workers();
  node.world.run_for(seconds(1));
  view = node.call(node.engine->instance(*node.context, key));
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->state, InstanceState::kCompleted);
  EXPECT_EQ(view->variables, R"({"a":1,"done":true,"seen":{"a":1}})");
  const auto history = node.call(node.engine->history(*node.context, key));
  ASSERT_EQ(history->size(), 4u);
  EXPECT_EQ(history->at(0).element_id, "p");
  EXPECT_EQ(history->at(2).element_type, "serviceTask");
  const auto processes = node.call(node.engine->processes(*node.context));
  EXPECT_EQ(processes->at(0).version, 1);
  EXPECT_EQ(node.call(node.engine->instance(*node.context, 5)).error().code, "process.not-found");
}

TEST_P(LocalProcessEngineTest, ListsLiveAndEndedInstancesNewestFirst) {
  Node node(2, {}, GetParam());
  node.open();
  node.deploy(one_task());
  std::vector<Key> keys;
  for (int i = 0; i < 6; ++i) keys.push_back(node.start());
  for (const int i : {0, 2, 4}) EXPECT_TRUE(node.call(node.engine->cancel(*node.context, keys[static_cast<std::size_t>(i)])).has_value());
  const auto all = node.instances("p", std::nullopt, 0, 4);
  ASSERT_EQ(all->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(all->at(i).key, keys[5 - i]);
  const auto rest = node.instances("", std::nullopt, all->back().key, 4);
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ(rest->at(0).key, keys[1]);
  EXPECT_EQ(node.instances("p", InstanceState::kTerminated, 0, 10)->size(), 3u);
  EXPECT_EQ(node.instances("p", InstanceState::kActive, 0, 10)->size(), 3u);
  EXPECT_EQ(node.instances("p", InstanceState::kCompleted, 0, 10)->size(), 0u);
}

// Steps of the instance that history has.
std::size_t known_steps(Node& node, Key key) {
  std::size_t steps = 0;
  for (Key before = 0;;) {
    const auto page = node.call(node.engine->elements(*node.context, key, before, 200));
    if (!page || page->empty()) return steps;
    steps += page->size();
    before = page->back().element_instance_key;
  }
}

TEST_P(LocalProcessEngineTest, ForgetsWhatHasEndedLongAgo) {
  LocalProcessEngineOptions options;
  options.history = days(30);
  Node node(21, options, GetParam());
  node.open();
  TestModel model;
  model.start().activity("task", "each", "", "", TestModel::loop("inputCollection='=items'")).catch_message("m", "go", "=id").end();
  node.deploy(std::move(model.flow("start", "each").flow("each", "m").flow("m", "end")));
  const auto publish = [&](const std::string& key) {
    process::Message message;
    message.name = "go";
    message.correlation_key = key;
    EXPECT_TRUE(node.call(node.engine->publish(*node.context, message)));
  };
  const auto is_known = [&](Key key) { return node.call(node.engine->instance(*node.context, key)).has_value(); };
  const Key waiting = node.start(R"({"id": "late", "items": [1]})");
  std::string many = "1";
  for (int i = 1; i < 2'500; ++i) many += ",1";
  const Key large = node.start(R"({"id": "large", "items": [)" + many + "]}");
  node.world.run_for(seconds(10));
  const Key old = node.start(R"({"id": "old", "items": [1]})");
  publish("large");
  publish("old");
  node.world.run_for(days(29));
  EXPECT_TRUE(is_known(large) && is_known(old) && is_known(waiting));
  EXPECT_EQ(known_steps(node, large), 2'505u);
  const Key newer = node.start(R"({"id": "newer", "items": [1]})");
  publish("newer");
  node.world.run_for(days(1) + hours(1));
  EXPECT_FALSE(is_known(large) || is_known(old));
  EXPECT_EQ(known_steps(node, large) + known_steps(node, old), 0u);
  EXPECT_TRUE(is_known(newer) && is_known(waiting)) << "one ended later, one not at all";
  EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), 2u);
  publish("late");
  node.restart();
  node.world.run_for(days(29) + hours(1));
  EXPECT_TRUE(is_known(waiting)) << "it counts from the end";
  EXPECT_FALSE(is_known(newer));
  node.world.run_for(days(1));
  EXPECT_FALSE(is_known(waiting));
  EXPECT_TRUE(node.finish(node.engine->close()));
}

TEST_P(LocalProcessEngineTest, KeepsHistoryForEverUnlessTold) {
  Node node(22, {}, GetParam());
  node.open();
  node.deploy(one_task());
  const Key key = node.start();
  EXPECT_TRUE(node.call(node.engine->cancel(*node.context, key)));
  node.world.run_for(days(3'000));
  EXPECT_EQ(known_steps(node, key), 3u);
}

TEST_P(LocalProcessEngineTest, B_55_TheSameKeyIsTheSameInstanceAlsoAfterARestart) {
  Node node(3, {}, GetParam());
  node.open();
  node.deploy(one_task());
  const Key key = node.start("{}", "once");
  EXPECT_EQ(node.start("{}", "once"), key);
  EXPECT_TRUE(node.call(node.engine->cancel(*node.context, key)).has_value());
  EXPECT_EQ(node.start("{}", "once"), key);
  node.restart();
  EXPECT_EQ(node.start("{}", "once"), key);
  EXPECT_EQ(node.instances("p", std::nullopt, 0, 10)->size(), 1u);
}

Task<JobOutcome> give_after(runtime::Scheduler& loop, Duration delay) {
  co_await loop.sleep_for(delay);
  co_return JobOutcome{};
}

// A consultation does not stand still for a minute because the server was killed while it worked.
TEST_P(LocalProcessEngineTest, BP_1_WhatAKilledProcessWorkedOnIsHandedOutAtOnceAfterTheRestart) {
  Node node(31, {}, GetParam());
  Duration delay = hours(1);
  node.on_boot = [&](LocalProcessEngine& engine) {
    engine.add_worker(worker("work", [&](runtime::Context&, const Job&) { return give_after(*node.loop, delay); }));
    engine.open_workers();
  };
  node.restart();
  node.deploy(one_task());
  const Key key = node.start();
  node.world.run_for(seconds(1));
  delay = milliseconds(1);
  node.restart();
  node.world.run_for(seconds(1));
  EXPECT_EQ(node.state(key), InstanceState::kCompleted);
}

TEST_P(LocalProcessEngineTest, BP_1_ModelsAndVariablesAreRefusedByName) {
  LocalProcessEngineOptions options;
  options.job_types = LocalProcessEngineOptions::JobTypes::kOfWorkers;
  Node node(4, options, GetParam());
  node.open();
  const auto refused = node.call(node.engine->deploy(*node.context, {{"m.bpmn", one_task().xml()}}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "process.invalid-model");
  ASSERT_EQ(refused.error().fields.size(), 1u);
  EXPECT_EQ(refused.error().fields[0].name, "m.bpmn#t");
  EXPECT_EQ(node.call(node.engine->start(*node.context, "p", "[]", "")).error().code, "process.invalid-variables");
  EXPECT_EQ(node.call(node.engine->start(*node.context, "p", "{}", "")).error().code, "process.not-found");
}

TEST_P(LocalProcessEngineTest, P_1_B_51_FailedHandlersRetryAndBecomeIncidents) {
  Node node(5, {}, GetParam());
  int calls = 0;
  runtime::testing::PanicWatch panics;
  node.engine->add_worker(worker("work", [&](runtime::Context&, const Job&) -> Task<JobOutcome> {
    if (++calls <= 3) runtime::testing::throw_from_deep_inside("the worker is broken");
    return give({});
  }));
  node.open();
  node.deploy(one_task());
  const Key key = node.start();
  node.engine->open_workers();
  node.world.run_for(minutes(5));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(panics.count("job:work"), 3U);
  EXPECT_EQ(panics.lines(), 3U);
  EXPECT_TRUE(panics.all_show_the_throw("the worker is broken"));
  const auto incidents = node.call(node.engine->incidents(*node.context, 0, 200));
  ASSERT_EQ(incidents->items.size(), 1u);
  EXPECT_EQ(incidents->items[0].error_type, "JOB_NO_RETRIES");
  EXPECT_EQ(incidents->items[0].element_id, "t");
  EXPECT_TRUE(node.call(node.engine->instance(*node.context, key))->has_incident);
  const EngineFigures stuck = node.call(node.engine->figures(*node.context)).value();
  EXPECT_EQ(stuck.instances, 1);
  EXPECT_EQ(stuck.incidents, 1);
  EXPECT_GT(stuck.journal, 0);
  ASSERT_EQ(stuck.jobs.size(), 1u);
  EXPECT_EQ(stuck.jobs[0].type, "work");
  EXPECT_EQ(stuck.jobs[0].activated, 3u);
  EXPECT_EQ(stuck.jobs[0].failed, 3u);
  EXPECT_TRUE(node.call(node.engine->resolve_incident(*node.context, incidents->items[0].key)).has_value());
  node.world.run_for(minutes(1));
  EXPECT_EQ(node.state(key), InstanceState::kCompleted);
  const EngineFigures after = node.call(node.engine->figures(*node.context)).value();
  EXPECT_EQ(after.instances, 0);
  EXPECT_EQ(after.incidents, 0);
  EXPECT_EQ(after.jobs.at(0).completed, 1u);
}

Task<JobOutcome> take_time(runtime::Scheduler& loop, Duration time, int& running, int& most) {
  most = std::max(most, ++running);
  co_await loop.sleep_for(time);
  --running;
  co_return JobOutcome();
}

TEST_P(LocalProcessEngineTest, B_73_WorkersTakeNoMoreThanTheyMayAndCloseInOrder) {
  Node node(6, {}, GetParam());
  int running = 0, most = 0;
  process::Worker slow =
      worker("work", [&](runtime::Context& context, const Job&) { return take_time(context.scheduler(), seconds(5), running, most); });
  slow.max_active = 3;
  node.engine->add_worker(std::move(slow));
  node.open();
  node.deploy(one_task());
  for (int i = 0; i < 10; ++i) node.start();
  node.engine->open_workers();
  node.world.run_for(seconds(7));
  EXPECT_EQ(most, 3);
  EXPECT_TRUE(node.finish(node.engine->close_workers()));
  EXPECT_EQ(running, 0);
  node.world.run_for(seconds(20));
  EXPECT_EQ(node.instances("p", InstanceState::kCompleted, 0, 20)->size(), 6u);
  EXPECT_TRUE(node.finish(node.engine->close()));
}

Task<JobOutcome> hang(runtime::Event& never) {
  co_await never.wait();
  co_return JobOutcome();
}

// Neither the job nor the places of its worker are lost for ever.
TEST_P(LocalProcessEngineTest, AHandlerThatNeverAnswersEndsAsAnIncidentAndBlocksNoOther) {
  Node node(17, {}, GetParam());
  runtime::Event never(*node.loop);
  Key stuck = 0;
  int calls = 0;
  process::Worker one = worker("work", [&](runtime::Context&, const Job& job) {
    if (job.instance_key != stuck) return give({});
    ++calls;
    return hang(never);
  });
  one.max_active = 1;
  node.engine->add_worker(std::move(one));
  node.open();
  node.deploy(one_task());
  stuck = node.start();
  const Key other = node.start();
  node.engine->open_workers();
  node.world.run_for(hours(1));
  EXPECT_EQ(calls, engine::kMaxLosses);
  EXPECT_EQ(node.state(other), InstanceState::kCompleted);
  const auto incidents = node.call(node.engine->incidents(*node.context, 0, 200));
  ASSERT_EQ(incidents->items.size(), 1u);
  EXPECT_EQ(incidents->items[0].instance_key, stuck);
  EXPECT_TRUE(node.finish(node.engine->close_workers())) << "nothing is waited for";
  never.notify_all();
  node.world.run_for(seconds(1));
  EXPECT_TRUE(node.finish(node.engine->close()));
}

TEST_P(LocalProcessEngineTest, AJobThatKillsTheProcessEndsAsAnIncident) {
  Node node(18, {}, GetParam());
  int calls = 0;
  std::optional<runtime::Event> never;
  const auto deadly = [&] {
    never.emplace(*node.loop);
    node.engine->add_worker(worker("work", [&](runtime::Context&, const Job&) {
      ++calls;
      return hang(*never);
    }));
  };
  deadly();
  node.open();
  node.deploy(one_task());
  node.start();
  const auto is_stuck = [&] { return !node.call(node.engine->incidents(*node.context, 0, 1))->items.empty(); };
  for (int life = 0; life < 3 * engine::kMaxLosses && !is_stuck(); ++life) {
    const int before = calls;
    node.engine->open_workers();
    node.world.run_until([&] { return calls > before; }, minutes(2));
    node.kill();
    node.disk.kill_processes();
    never.reset();
    node.boot();
    deadly();
    node.open();
  }
  EXPECT_TRUE(is_stuck());
  EXPECT_EQ(calls, engine::kMaxLosses);
}

TEST_P(LocalProcessEngineTest, RefusesEarlyWhenTooManyWait) {
  LocalProcessEngineOptions options;
  options.max_waiting = 5;
  Node node(7, options, GetParam());
  node.open();
  node.deploy(one_task());
  std::vector<std::optional<Result<Key>>> answers(8);
  for (auto& answer : answers) node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", "{}", ""), answer));
  node.world.run_for(seconds(5));
  int accepted = 0, refused = 0;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.has_value());
    if (*answer)
      ++accepted;
    else if (answer->error().code == "process.overloaded")
      ++refused;
  }
  EXPECT_EQ(accepted, 5);
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(node.engine->waiting(), 0u);
}

// Instances wait on a timer while the platform is down; the late timers fire at start, once; services that are not
// ready yet cost no retry.
TEST_P(LocalProcessEngineTest, PS_1_B_41_B_42_B_53_LateTimersFireOnceAndUnreadyWorkersLoseNothing) {
  Node node(8, {}, GetParam());
  int not_ready = 0;
  std::map<Key, int> worked;
  Timestamp ready_at = Timestamp::max();
  node.on_boot = [&](LocalProcessEngine& engine) {
    engine.add_worker(worker("work", [&](runtime::Context& context, const Job& job) {
      JobOutcome outcome;
      EXPECT_EQ(job.retries, 3);
      if (context.now() < ready_at) {
        ++not_ready;
        outcome.kind = JobOutcome::Kind::kNotReady;
        outcome.retry_in = seconds(2);
      } else {
        ++worked[job.instance_key];
      }
      return give(outcome);
    }));
  };
  node.open();
  node.deploy(
      std::move(TestModel().start().catch_timer("w", "PT30S").task("t", "work").end().flow("start", "w").flow("w", "t").flow("t", "end")));
  std::vector<Key> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(node.start());
  node.kill();
  node.world.run_for(seconds(60));
  node.disk.kill_processes();
  node.boot();
  ready_at = node.loop->now() + seconds(20);
  node.open();
  node.engine->open_workers();
  node.world.run_for(seconds(60));
  EXPECT_GT(not_ready, 100);
  EXPECT_EQ(node.call(node.engine->incidents(*node.context, 0, 1))->open, 0);
  EXPECT_EQ(worked.size(), 100u);
  node.world.run_for(days(3));  // nothing of it comes again another day
  for (const Key key : keys) {
    EXPECT_EQ(worked[key], 1);
    EXPECT_EQ(node.state(key), InstanceState::kCompleted);
  }
}

TEST_P(LocalProcessEngineTest, ClosesWithACheckpointAndAnswersNobodyAfterwards) {
  Node node(11, {}, GetParam());
  node.open();
  EXPECT_EQ(node.call(node.engine->start(*node.context, "p", "{}", "")).error().code, "process.not-found");
  node.deploy(one_task());
  const Key key = node.start();
  std::optional<Result<Key>> late;
  bool closed = false;
  node.loop->spawn("test", flag_end(node.engine->close(), closed));
  node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", "{}", ""), late));
  node.world.run_for(seconds(5));
  EXPECT_TRUE(closed);
  ASSERT_TRUE(late.has_value());  // decided before the end or refused, but answered
  EXPECT_EQ(node.call(node.engine->start(*node.context, "p", "{}", "")).error().code, "process.unavailable");
  EXPECT_EQ(node.engine->waiting(), 0u);
  const auto rows = [](database::Transaction& transaction) { return transaction.query("SELECT count(*) FROM processes_journal"); };
  const auto left = node.call(node.store->service("processes").read(*node.context, rows));
  EXPECT_EQ(left->at(0).integer(0), 0);
  node.restart();
  EXPECT_EQ(node.state(key), InstanceState::kActive);
}

// What was deployed with a process, the priority of a job, a token at an inclusive gateway.
TEST_P(LocalProcessEngineTest, BindingsPrioritiesAndJoinsOutlastARestart) {
  for (const std::int64_t records_per_checkpoint : {1, 1000}) {
    LocalProcessEngineOptions options;
    options.records_per_checkpoint = records_per_checkpoint;
    Node node(34, options, GetParam());
    std::vector<std::string> done;
    node.on_boot = [&](LocalProcessEngine& engine) {
      for (const char* const type : {"old", "new", "side"}) {
        process::Worker one = worker(type, [&done, type](runtime::Context&, const Job& job) {
          done.push_back(type + job.variables);
          return give({});
        });
        one.max_active = 1;
        engine.add_worker(std::move(one));
      }
    };
    node.on_boot(*node.engine);
    node.open();
    const auto child = [](const std::string& type) {
      return TestModel("child")
          .start()
          .activity("serviceTask", "t", "<z:taskDefinition type='" + type + "'/><z:jobPriorityDefinition priority='=n'/>")
          .end()
          .flow("start", "t")
          .flow("t", "end")
          .xml();
    };
    const std::string parent = TestModel()
                                   .start()
                                   .parallel("fork")
                                   .call("c", "child", "bindingType='deployment'")
                                   .task("s", "side")
                                   .inclusive("join")
                                   .end()
                                   .flow("start", "fork")
                                   .flow("fork", "c")
                                   .flow("fork", "s")
                                   .flow("c", "join")
                                   .flow("s", "join")
                                   .flow("join", "end")
                                   .xml();
    node.deploy({{"m.bpmn", parent}, {"c.bpmn", child("old")}});
    node.deploy({{"c.bpmn", child("new")}});
    const Key low = node.start(R"({"n":1})");
    node.restart();
    const Key high = node.start(R"({"n":2})");
    node.restart();
    node.engine->open_workers();
    node.world.run_for(seconds(30));
    EXPECT_EQ(node.state(low), InstanceState::kCompleted);
    EXPECT_EQ(node.state(high), InstanceState::kCompleted);
    std::erase_if(done, [](const std::string& text) { return text.starts_with("side"); });
    EXPECT_EQ(done, (std::vector<std::string>{R"(old{"n":2})", R"(old{"n":1})"}));
  }
}

// In the checkpoint of each record, and in the journal alone.
TEST_P(LocalProcessEngineTest, TimersThatStartInstancesOutlastARestart) {
  for (const std::int64_t records_per_checkpoint : {1, 1000}) {
    LocalProcessEngineOptions options;
    options.records_per_checkpoint = records_per_checkpoint;
    Node node(12, options, GetParam());
    node.open();
    node.deploy(
        bpmn::engine::TestModel().start_on("by", bpmn::engine::TestModel::on_timer("R3/PT10S", "timeCycle")).end().flow("by", "end"));
    node.world.run_for(seconds(15));
    node.restart();
    node.world.run_for(seconds(10));
    node.restart();
    node.world.run_for(minutes(5));
    const auto ended = node.instances("p", InstanceState::kCompleted, 0, 100);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->size(), 3u);
  }
}

// By code: "" when it was taken.
using Answers = std::map<std::string, std::size_t>;

Task<void> broadcast(Node& node, Answers& answers) {
  engine::Command command = engine::BroadcastSignal{"fire", {}};
  const auto decided = co_await node.engine->perform(*node.context, std::move(command));
  ++answers[decided ? (decided->has_value() ? "" : "rejected") : decided.error().code];
}

std::size_t count_completed(Node& node) {
  std::size_t count = 0;
  for (Key before = 0;;) {
    const auto page = node.instances("p", InstanceState::kCompleted, before, 100);
    if (!page || page->empty()) return count;
    count += page->size();
    before = page->back().key;
  }
}

// Killed as soon as it was acknowledged, and again on the way: in the checkpoint of each record, and in the journal alone.
TEST(EngineWithoutALog, ASignalThatWasBroadcastReachesAllAfterKills) {
  for (const std::int64_t records_per_checkpoint : {1, 5000}) {
    LocalProcessEngineOptions options;
    options.records_per_checkpoint = records_per_checkpoint;
    Node node(13, options);
    node.open();
    TestModel model;
    model.start().catch_on("wait", model.on_signal("fire")).end();
    node.deploy(model.flow("start", "wait").flow("wait", "end"));
    constexpr int kMany = 4 * bpmn::engine::kMaxStepsPerCommand;
    for (int i = 0; i < kMany; ++i) node.start();
    Answers answers;
    node.loop->spawn("test", broadcast(node, answers));
    node.world.run_until([&] { return !answers.empty(); }, minutes(1));
    ASSERT_EQ(answers, (Answers{{"", 1}}));
    std::size_t completed = count_completed(node);
    EXPECT_LT(completed, std::size_t{kMany / 2});
    int kills = 0;
    while (completed < kMany) {
      node.restart();
      ++kills;
      const std::size_t before = completed;
      for (int i = 0; i < 100 && completed < before + kMany / 8; ++i) {
        node.world.run_for(microseconds(200));
        completed = count_completed(node);
      }
      ASSERT_GT(completed, before);
    }
    EXPECT_GE(kills, 4);
    EXPECT_EQ(completed, std::size_t{kMany});
  }
}

TEST_P(LocalProcessEngineTest, TakesNoMoreSignalsWhileManyAreOnTheirWay) {
  Node node(14, {}, GetParam());
  node.open();
  TestModel model;
  model.start().task("t", "work").boundary_on("told", "t", model.on_signal("fire"), false).end().end("heard");
  node.deploy(model.flow("start", "t").flow("t", "end").flow("told", "heard"));
  for (int i = 0; i < bpmn::engine::kMaxStepsPerCommand + 1; ++i) node.start();
  Answers answers;
  for (std::size_t i = 0; i < 2 * kMaxBroadcasts; ++i) node.loop->spawn("test", broadcast(node, answers));
  node.world.run_until([&] { return answers[""] + answers["process.overloaded"] == 2 * kMaxBroadcasts; }, minutes(1));
  EXPECT_EQ(answers.size(), 2u) << "nothing else was answered";
  EXPECT_GE(answers[""], kMaxBroadcasts);
  EXPECT_GT(answers["process.overloaded"], 0u);
  node.world.run_for(minutes(1));
  Answers later;
  node.loop->spawn("test", broadcast(node, later));
  node.world.run_for(seconds(1));
  EXPECT_EQ(later, (Answers{{"", 1}})) << "again, when those have reached all";
}

TEST(EngineWithoutALog, AFailedCommitIsAsIfNothingHadHappened) {
  Node node(9);
  node.open();
  node.deploy(one_task());
  const Key kept = node.start();
  node.disk.set_capacity(node.disk.used_bytes());  // the next write finds no room
  const auto refused = node.call(node.engine->start(*node.context, "p", R"({"big": ")" + std::string(200'000, 'x') + "\"}", ""));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "process.unavailable");
  node.disk.set_capacity(std::nullopt);
  node.world.run_for(seconds(5));
  EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), 1u);
  EXPECT_EQ(node.state(kept), InstanceState::kActive);
  EXPECT_NE(node.start(), kept);
}

// A full disk may last for hours: it is told once, and asked less and less often.
TEST(EngineWithoutALog, AFullDiskIsReportedOnceWhileItLasts) {
  std::vector<std::string> panics;
  runtime::set_panic_handler([&](std::string_view, std::string_view what) { panics.emplace_back(what); });
  Node node(12);
  node.open();
  node.deploy(one_task());
  for (std::size_t episode = 1; episode <= 2; ++episode) {
    node.disk.set_capacity(node.disk.used_bytes());
    std::optional<Result<Key>> refused;
    node.loop->spawn("test",
                     store_result(node.engine->start(*node.context, "p", R"({"big": ")" + std::string(200'000, 'x') + "\"}", ""), refused));
    node.world.run_for(minutes(10));
    ASSERT_TRUE(refused.has_value());
    EXPECT_FALSE(refused->has_value());
    EXPECT_EQ(panics.size(), episode) << panics.back();
    node.disk.set_capacity(std::nullopt);
    node.world.run_for(kLongestReloadRetry);
    EXPECT_NE(node.start(), 0);
  }
  runtime::set_panic_handler({});
}

// The disk is full, then it is not, and before the engine has looked again it is closed: its memory is empty then, and nothing of that
// may be written.
TEST(EngineWithoutALog, ClosedBeforeItCouldReadAgainItLosesNothing) {
  Node node(35);
  node.open();
  node.deploy(one_task());
  std::vector<Key> kept;
  for (int i = 0; i < 20; ++i) kept.push_back(node.start());
  node.disk.set_capacity(node.disk.used_bytes());
  const auto refused = node.call(node.engine->start(*node.context, "p", R"({"big": ")" + std::string(200'000, 'x') + "\"}", ""));
  ASSERT_FALSE(refused.has_value());
  node.world.run_for(minutes(1));
  node.disk.set_capacity(std::nullopt);
  ASSERT_TRUE(node.finish(node.engine->close()));
  node.restart();
  for (const Key key : kept) EXPECT_EQ(node.state(key), InstanceState::kActive);
  EXPECT_GT(node.start(), kept.back()) << "no key is given twice";
}

TEST(EngineWithoutALog, CallsAreRefusedAtOnceWhileTheDatabaseIsAway) {
  Node node(36);
  node.open();
  node.deploy(one_task());
  node.disk.set_capacity(node.disk.used_bytes());
  const std::string big = R"({"big": ")" + std::string(200'000, 'x') + "\"}";
  ASSERT_FALSE(node.call(node.engine->start(*node.context, "p", big, "")).has_value());
  node.world.run_for(seconds(10));
  for (int i = 0; i < 3; ++i) {
    const Timestamp before = node.loop->steady_now();
    const auto refused = node.call(node.engine->start(*node.context, "p", "{}", ""));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, "process.unavailable");
    EXPECT_LT(node.loop->steady_now() - before, seconds(1));
    EXPECT_EQ(node.engine->waiting(), 0u);
    node.world.run_for(seconds(3));
  }
  node.disk.set_capacity(std::nullopt);
  node.world.run_for(kLongestReloadRetry);
  EXPECT_NE(node.start(), 0);
}

TEST_P(LocalProcessEngineTest, RefusesWhenWhatWaitsIsTooLarge) {
  LocalProcessEngineOptions options;
  options.max_waiting_bytes = 1'000'000;
  Node node(37, options, GetParam());
  node.open();
  node.deploy(one_task());
  const std::string big = R"({"big": ")" + std::string(300'000, 'x') + "\"}";
  std::vector<std::optional<Result<Key>>> answers(5);
  for (auto& answer : answers) node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", big, ""), answer));
  node.world.run_for(seconds(5));
  std::size_t taken = 0;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.has_value());
    taken += answer->has_value() ? 1 : 0;
    EXPECT_TRUE(answer->has_value() || answer->error().code == "process.overloaded");
  }
  EXPECT_EQ(taken, 3u);
  EXPECT_TRUE(node.call(node.engine->start(*node.context, "p", big, "")).has_value()) << "there is room again";
}

// Once each, and not again after a restart.
TEST_P(LocalProcessEngineTest, TellsOfEachIncident) {
  std::vector<std::string> told;
  LocalProcessEngineOptions options;
  options.on_incident = [&](const process::Incident& incident) { told.push_back(incident.element_id + " " + incident.error_type); };
  Node node(39, options, GetParam());
  node.open();
  node.deploy(TestModel().start().task("t", "=type").end().flow("start", "t").flow("t", "end"));
  node.start();
  node.start(R"({"type": "work"})");
  node.start();
  EXPECT_EQ(told, (std::vector<std::string>{"t EXTRACT_VALUE_ERROR", "t EXTRACT_VALUE_ERROR"}));
  node.restart();
  node.start();
  EXPECT_EQ(told.size(), 3u);
}

// What was to be done for somebody who has given up meanwhile is not done.
TEST_P(LocalProcessEngineTest, DoesNothingForWhomHasGivenUpInTheQueue) {
  Node node(38, {}, GetParam());
  node.open();
  node.deploy(one_task());
  runtime::Context hasty(*node.loop, node.random);
  hasty.cancellation = std::make_shared<runtime::Cancellation>();
  std::optional<Result<Key>> answer;
  node.loop->spawn("test", store_result(node.engine->start(hasty, "p", "{}", ""), answer));
  hasty.cancellation->request();
  node.world.run_for(seconds(5));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error().code, "request.cancelled");
  EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), 0u);
}

// The node's clock is set back while a job backs off.
TEST_P(LocalProcessEngineTest, AClockSetBackHoldsUpNoJob) {
  Node node(13, {}, GetParam());
  int tries = 0;
  node.engine->add_worker(worker("work", [&](runtime::Context&, const Job&) {
    JobOutcome outcome;
    if (++tries == 1) {
      outcome.kind = JobOutcome::Kind::kFail;
      outcome.retry_in = seconds(20);
    }
    return give(outcome);
  }));
  node.open();
  node.engine->open_workers();
  node.deploy(one_task());
  const Key key = node.start();
  node.world.run_for(seconds(1));
  EXPECT_EQ(tries, 1);
  node.world.set_clock_offset(node.loop->node(), hours(-1));
  node.world.run_for(seconds(22));
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(node.state(key), InstanceState::kCompleted);
}

TEST(EngineWithoutALog, TheOlderOwnerOfAPartitionMayNotWrite) {
  Node node(10);
  node.open();
  node.deploy(one_task());
  LocalProcessEngine second(node.store->service("processes"), *node.loop, node.random);
  ASSERT_TRUE(node.call(second.open(*node.context)).has_value());
  EXPECT_EQ(node.call(node.engine->start(*node.context, "p", "{}", "")).error().code, "process.unavailable");
  EXPECT_EQ(node.call(node.engine->start(*node.context, "p", "{}", "")).error().code, "process.unavailable");
  EXPECT_TRUE(node.call(second.start(*node.context, "p", "{}", "")).has_value());
  EXPECT_TRUE(node.finish(second.close()));
}

std::uint64_t first_seed() {
  const char* given = std::getenv("CONSILIUM_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 100;
}
int rounds() { return std::getenv("CONSILIUM_SEED") ? 1 : 12; }

// Kills and power cuts at random moments: whatever was acknowledged is there afterwards, every timer fires, every instance
// arrives, and no effect that the engine answers for is lost or doubled.
TEST_P(LocalProcessEngineTest, LosesNothingAcknowledgedInCrashes) {
  for (int round = 0; round < rounds(); ++round) {
    const std::uint64_t seed = first_seed() + static_cast<std::uint64_t>(round);
    SCOPED_TRACE("CONSILIUM_SEED=" + std::to_string(seed) +
                 " bpmn_test --gtest_filter=*/LocalProcessEngineTest.LosesNothingAcknowledgedInCrashes");
    SeededRandom random(seed);
    LocalProcessEngineOptions options;
    options.records_per_checkpoint = 1 + static_cast<std::int64_t>(random.below(40));
    Node node(seed, options, GetParam());
    node.on_boot = [&](LocalProcessEngine& engine) {
      for (const char* type : {"a", "b"}) {
        engine.add_worker(worker(type, [&](runtime::Context&, const Job& job) {
          JobOutcome outcome;
          if (random.below(5) == 0) outcome.kind = JobOutcome::Kind::kNotReady;
          outcome.variables = "{\"" + job.type + "\": true}";
          return give(outcome);
        }));
      }
    };
    node.kill();
    node.disk.kill_processes();
    node.boot();
    node.open();
    node.deploy(std::move(TestModel()
                              .start()
                              .parallel("f")
                              .task("ta", "a")
                              .catch_timer("w", "PT5S")
                              .event_gateway("g")
                              .catch_message("m", "msg", "=id")
                              .catch_timer("late", "PT10M")
                              .task("tb", "b")
                              .parallel("j")
                              .end()
                              .end("too-late")
                              .flow("start", "f")
                              .flow("f", "ta")
                              .flow("f", "w")
                              .flow("w", "g")
                              .flow("g", "m")
                              .flow("g", "late")
                              .flow("m", "tb")
                              .flow("late", "too-late")
                              .flow("ta", "j")
                              .flow("tb", "j")
                              .flow("j", "end")));
    node.engine->open_workers();
    std::map<std::string, Key> acknowledged;
    std::deque<std::optional<Result<Key>>> answers;
    for (int i = 0; i < 30; ++i) {
      const std::string id = "i" + std::to_string(i);
      std::optional<Result<Key>>& started = answers.emplace_back();  // may be answered after this round
      node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", "{\"id\": \"" + id + "\"}", id), started));
      node.world.run_for(milliseconds(static_cast<std::int64_t>(random.below(20))));
      if (started && *started) acknowledged[id] = **started;
      if (random.below(4) != 0) continue;
      node.kill();
      if (random.below(2) == 0) {
        node.disk.power_cut();
        node.disk.power_on();
      } else {
        node.disk.kill_processes();
      }
      node.world.run_for(milliseconds(static_cast<std::int64_t>(random.below(8'000))));
      node.boot();
      node.open();
      node.engine->open_workers();
    }
    node.world.run_for(seconds(30));
    for (int i = 0; i < 30; ++i) {  // a client repeats what was not answered, and each message twice
      const std::string id = "i" + std::to_string(i);
      const Key key = node.start("{\"id\": \"" + id + "\"}", id);
      EXPECT_TRUE(!acknowledged.contains(id) || key == acknowledged[id]) << id;
      acknowledged[id] = key;
      for (int twice = 0; twice < 2; ++twice) {
        process::Message message;
        message.name = "msg";
        message.correlation_key = id;
        message.id = id;
        EXPECT_TRUE(node.call(node.engine->publish(*node.context, message)).has_value());
      }
    }
    node.world.run_for(minutes(3));
    EXPECT_EQ(node.call(node.engine->incidents(*node.context, 0, 1))->open, 0);
    const auto all = node.instances("", std::nullopt, 0, 200);
    EXPECT_EQ(all->size(), 30u);
    for (const auto& view : *all)
      EXPECT_EQ(view.state, InstanceState::kCompleted) << view.variables << (view.active.empty() ? "" : view.active[0].element_id);
    for (const auto& [id, key] : acknowledged) {
      const auto history = node.call(node.engine->history(*node.context, key));
      EXPECT_EQ(history->size(), 10u) << id;  // each element of the way exactly once: p start f ta w g m tb j end
    }
  }
}

// What is deployed under one id: its versions, and the highest number that any of them had.
struct Known {
  std::map<std::int32_t, Key> versions;
  std::int32_t highest = 0;
  void add(Key key) { versions[++highest] = key; }
};

TEST_P(LocalProcessEngineTest, VersionsSurviveCrashesAndNoNumberIsGivenTwice) {
  const char* const given = std::getenv("CONSILIUM_SEED");
  const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + (given ? 1 : 6); ++seed) {
    SCOPED_TRACE("CONSILIUM_SEED=" + std::to_string(seed));
    LocalProcessEngineOptions options;
    options.records_per_checkpoint = static_cast<std::int64_t>(1 + seed % 6);
    Node node(seed, options, GetParam());
    node.open();
    SeededRandom random(seed);
    std::map<std::string, Known> processes, requirements;
    Known dish;  // in both files
    std::map<Key, std::int32_t> dish_of;
    const auto run = [&](engine::Command command) { return node.call(node.engine->perform(*node.context, std::move(command))); };
    for (int round = 0; round < 80; ++round) {
      const std::string id = random.below(2) == 0 ? "a" : "b";
      const std::string text = "x" + std::to_string(round);
      switch (random.below(5)) {
        case 0: {
          const auto deployed = run(engine::Deploy{{{text + ".bpmn", TestModel(id).start().end().flow("start", "end").xml()}}});
          ASSERT_TRUE(deployed && *deployed);
          processes[id].add((*deployed)->processes.at(0).key);
          EXPECT_EQ((*deployed)->processes[0].version, processes[id].highest);
          break;
        }
        case 1: {
          const auto deployed = run(engine::Deploy{{{"d.dmn", engine::test_decisions(text, id)}}});
          ASSERT_TRUE(deployed && *deployed);
          const auto& made = (*deployed)->requirements.at(0);
          requirements[id].add(made.key);
          dish.add(made.key);
          dish_of[made.key] = dish.highest;
          EXPECT_EQ(made.version, requirements[id].highest);
          EXPECT_EQ(made.decisions.at(1).version, dish.highest);
          break;
        }
        case 2: {
          Known& known = random.below(2) == 0 ? processes[id] : requirements[id];
          if (known.versions.empty()) break;
          const auto chosen = random.below(2) == 0 ? std::prev(known.versions.end()) : known.versions.begin();
          const auto deleted = run(engine::DeleteResource{chosen->second});
          EXPECT_TRUE(deleted && *deleted);
          if (const auto in = dish_of.find(chosen->second); in != dish_of.end()) dish.versions.erase(in->second);
          known.versions.erase(chosen);
          break;
        }
        case 3: node.restart(); break;
        default: EXPECT_TRUE(node.call(node.engine->publish(*node.context, {"m", "k", "", Duration{}, "{}"})).has_value());
      }
      std::map<std::string, Key> newest;
      const auto listed = node.call(node.engine->processes(*node.context));
      for (const auto& one : *listed) newest[one.process_id] = one.key;
      for (const auto& [process, known] : processes) {
        const Key expected = known.versions.empty() ? 0 : known.versions.rbegin()->second;
        EXPECT_EQ(newest[process], expected) << process << " in round " << round;
      }
      const auto asked = run(engine::EvaluateDecision{0, "dish", {}});
      ASSERT_TRUE(asked.has_value());
      ASSERT_EQ(asked->has_value(), !dish.versions.empty()) << "round " << round;
      if (!*asked) continue;
      EXPECT_EQ((*asked)->evaluation->decision.version, dish.versions.rbegin()->first) << "round " << round;
      EXPECT_EQ((*asked)->evaluation->requirements.key, dish.versions.rbegin()->second) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace consilium::bpmn
