// The engine whose commits go to a log first: what is kept there and nowhere else outlasts kills, power cuts and full disks, and nobody
// sees the database from before it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <map>

#include "bpmn/engine/test_model.h"
#include "bpmn/engine_node_testing.h"
#include "runtime/panic_testing.h"

namespace consilium::bpmn {
namespace {

using database::simulated::CutMoment;
using database::simulated::Failure;
using database::simulated::LogSyncs;
using database::simulated::Operation;
using engine::TestModel;
using process::InstanceState;
using process::Key;
using testing::Commits;
using testing::Node;
using testing::store_result;

TestModel one_task() { return std::move(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end")); }
TestModel straight() { return std::move(TestModel().start().end().flow("start", "end")); }

// Variables of so many bytes, none of them too large.
std::string text_of(std::size_t bytes) {
  std::string text;
  for (std::size_t at = 0; at == 0 || at < bytes; at += 500'000) {
    text += (text.empty() ? "{\"v" : ",\"v") + std::to_string(at) + "\":\"";
    text += std::string(std::min<std::size_t>(bytes - at, 500'000), 'x') + "\"";
  }
  return text + "}";
}

std::int64_t rows_of(Node& node, const std::string& table) {
  const auto count = [&table](database::Transaction& transaction) { return transaction.query("SELECT count(*) FROM " + table); };
  const auto rows = node.call(node.store->service("processes").read(*node.context, count));
  return rows ? rows->at(0).integer(0) : -1;
}
std::int64_t in_log(Node& node) {
  const auto figures = node.call(node.engine->figures(*node.context));
  return figures ? figures->in_log : -1;
}

TEST(EngineWithALog, ACommitIsOneSyncAndTheDatabaseFollows) {
  Node node(1, {}, Commits::kToLog);
  node.open();
  node.deploy(straight());
  node.world.run_for(seconds(1));
  const std::uint64_t before = node.disk.syncs();
  const std::uint64_t commits = node.store->statistics().commits;
  for (int i = 0; i < 20; ++i) node.start();
  EXPECT_EQ(node.disk.syncs() - before, 20u);
  EXPECT_EQ(node.store->statistics().commits, commits);
  EXPECT_EQ(in_log(node), 20);
  EXPECT_EQ(rows_of(node, "processes_instance"), 0);
  node.world.run_for(seconds(1));
  EXPECT_EQ(in_log(node), 0);
  EXPECT_EQ(rows_of(node, "processes_instance"), 20);
  EXPECT_EQ(node.store->statistics().commits, commits + 1) << "all of them in one transaction";
}

TEST(EngineWithALog, WhoAsksTheDatabaseSeesWhatWasKeptBefore) {
  Node node(2, {}, Commits::kToLog);
  node.open();
  node.deploy(straight());
  EXPECT_EQ(node.call(node.engine->models(*node.context, "", 0, 10))->size(), 1u);
  const Key key = node.start("{}", "once");
  EXPECT_GT(in_log(node), 0);
  EXPECT_EQ(node.state(key), InstanceState::kCompleted);
  EXPECT_EQ(node.start("{}", "once"), key) << "also by the key that started it";
  for (std::size_t i = 2; i < 6; ++i) {
    const Key next = node.start();
    EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), i);
    EXPECT_EQ(node.call(node.engine->history(*node.context, next))->size(), 3u);
  }
}

TEST(EngineWithALog, WhatIsTooLargeForTheLogGoesToTheDatabaseInItsTurn) {
  Node node(3, {}, Commits::kToLog);
  node.open();
  node.deploy(one_task());
  std::vector<Key> keys;
  constexpr std::array<std::size_t, 5> kBytes = {10, 2'000'000, 20, 3'000'000, 30};
  for (const std::size_t bytes : kBytes) keys.push_back(node.start(text_of(bytes)));
  node.restart();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto view = node.call(node.engine->instance(*node.context, keys[i]));
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->variables.size(), text_of(kBytes[i]).size());
  }
}

// More than the log holds, faster than the database takes it: the engine waits for room.
TEST(EngineWithALog, WaitsForTheDatabaseWhenTheLogIsFull) {
  Node node(4, {}, Commits::kToLog);
  node.open();
  node.deploy(one_task());
  std::deque<std::optional<Result<Key>>> answers;
  constexpr std::size_t kMany = 40;
  for (std::size_t i = 0; i < kMany; ++i)
    node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", text_of(600'000), ""), answers.emplace_back()));
  node.world.run_for(minutes(1));
  for (const auto& answer : answers) EXPECT_TRUE(answer && *answer);
  node.restart();
  EXPECT_EQ(node.instances("", std::nullopt, 0, 200)->size(), kMany);
}

// Nobody is told that it was refused: it may have been kept, and then it has happened.
TEST(EngineWithALog, ACommitThatFoundNoRoomIsUnknownAndTheEngineGoesOnFromTheDisk) {
  for (const Operation operation : {Operation::kWrite, Operation::kSync}) {
    Node node(5, {}, Commits::kToLog);
    node.open();
    node.deploy(one_task());
    const Key kept = node.start();
    node.disk.inject({operation, Failure::kNoSpace, "-log", 0});
    const auto unknown = node.call(node.engine->start(*node.context, "p", "{}", "again"));
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().code, "outcome-unknown");
    node.world.run_for(seconds(5));
    const std::size_t there = operation == Operation::kWrite ? 1 : 2;
    EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), there);
    EXPECT_NE(node.start("{}", "again"), kept);
    EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), 2u) << "asked again it is there once";
    node.restart();
    EXPECT_EQ(node.instances("", std::nullopt, 0, 10)->size(), 2u);
  }
}

TEST(EngineWithALog, EndsWhenTheDiskFailsTheLogAndNothingOfItWasAnswered) {
  Node node(6, {}, Commits::kToLog);
  node.open();
  node.deploy(one_task());
  const Key kept = node.start();
  node.disk.inject({Operation::kSync, Failure::kInputOutput, "-log", 0});
  const auto unknown = node.call(node.engine->start(*node.context, "p", "{}", ""));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, "outcome-unknown");
  EXPECT_EQ(node.log_failures, 1u);
  node.restart();
  EXPECT_EQ(node.state(kept), InstanceState::kActive);
  EXPECT_GT(node.start(), kept);
}

// The log has its room, the database gets none: what was kept stays kept, more is refused, and all goes on when there is room again.
TEST(EngineWithALog, AFullDiskLosesNothingThatTheLogHolds) {
  std::vector<std::string> panics;
  runtime::set_panic_handler([&](std::string_view, std::string_view what) { panics.emplace_back(what); });
  Node node(7, {}, Commits::kToLog);
  node.open();
  node.deploy(one_task());
  std::vector<Key> kept;
  for (int i = 0; i < 5; ++i) kept.push_back(node.start());
  node.world.run_for(seconds(1));
  node.disk.set_capacity(node.disk.used_bytes());
  kept.push_back(node.start(text_of(200'000)));
  node.world.run_for(seconds(3));
  std::optional<Result<Key>> refused;
  node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", "{}", ""), refused));
  node.world.run_for(minutes(10));
  ASSERT_TRUE(refused.has_value());
  ASSERT_FALSE(refused->has_value());
  EXPECT_EQ(refused->error().code, "process.unavailable");
  EXPECT_EQ(panics.size(), 1u) << "told once while it lasts";
  node.disk.set_capacity(std::nullopt);
  node.world.run_for(kLongestReloadRetry);
  for (const Key key : kept) EXPECT_EQ(node.state(key), InstanceState::kActive);
  EXPECT_GT(node.start(), kept.back());
  EXPECT_EQ(node.instances("", std::nullopt, 0, 50)->size(), 7u);
  runtime::set_panic_handler({});
}

// The same, and it is closed, or killed, before the database has taken it.
TEST(EngineWithALog, WhatTheDatabaseHasNotTakenIsFoundByTheNextStart) {
  for (const bool closes : {false, true}) {
    Node node(8, {}, Commits::kToLog);
    node.open();
    node.deploy(one_task());
    std::vector<Key> kept;
    for (int i = 0; i < 3; ++i) kept.push_back(node.start());
    node.world.run_for(seconds(1));
    node.disk.set_capacity(node.disk.used_bytes());
    kept.push_back(node.start(text_of(200'000)));
    node.world.run_for(seconds(3));
    if (closes) {
      EXPECT_TRUE(node.finish(node.engine->close()));
    }
    node.disk.set_capacity(std::nullopt);
    node.restart();
    for (const Key key : kept) EXPECT_EQ(node.state(key), InstanceState::kActive);
    EXPECT_GT(node.start(), kept.back());
  }
}

TEST(EngineWithALog, ADatabaseOfAnotherTimeIsRefused) {
  Node node(9, {}, Commits::kToLog);
  node.open();
  node.deploy(one_task());
  ASSERT_TRUE(node.store->backup_to("/data/copy.db").has_value());
  const std::string early = node.disk.content("/data/copy.db");
  for (int i = 0; i < 3; ++i) node.start(text_of(900'000));
  node.world.run_for(seconds(1));
  for (int i = 0; i < 9; ++i) node.start(text_of(900'000));  // over the first ones
  node.kill();
  node.disk.kill_processes();
  node.disk.put_file("/data/consilium.db", early);
  node.disk.remove_file("/data/consilium.db-wal");
  node.boot();
  const auto opened = node.call(node.engine->open(*node.context));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, "process.journal-damaged");
}

// A loop without an end takes no time in the model, and its commits wait for nobody: the others have their turns all the same.
TEST(EngineWithALog, ALoopWithoutEndLetsTheOthersGoOn) {
  Node node(10, {}, Commits::kToLog);
  node.open();
  TestModel endless("endless");
  endless.start().exclusive("g").exclusive("h").flow("start", "g").flow("g", "h").flow("h", "g");
  node.deploy({{"e.bpmn", endless.xml()}, {"p.bpmn", one_task().xml()}});
  ASSERT_TRUE(node.call(node.engine->start(*node.context, "endless", "{}", "")).has_value());
  int ticks = 0;
  for (int i = 0; i < 3; ++i) {
    node.loop->call_after(milliseconds(i + 1), [&ticks] { ++ticks; });
    EXPECT_NE(node.start(), 0);
  }
  std::size_t events = 0;
  node.world.run_until([&] { return ++events > 100'000 || ticks == 3; }, minutes(1));
  EXPECT_NE(node.start(), 0);
}

std::uint64_t first_seed() {
  const char* given = std::getenv("CONSILIUM_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 1;
}
std::uint64_t seeds(std::uint64_t many) { return std::getenv("CONSILIUM_SEED") ? 1 : many; }

constexpr std::uint64_t kNever = 1'000'000'000;  // syncs

// Starts in crowds, and kills and power cuts at any event and any sync. What was acknowledged is there, once, with its whole history;
// answers what was wrong.
std::string survive(std::uint64_t seed, LogSyncs syncs) {
  SeededRandom random(seed);
  LocalProcessEngineOptions options;
  options.records_per_checkpoint = 1 + static_cast<std::int64_t>(random.below(60));
  Node node(seed, options, Commits::kToLog);
  node.log_syncs = syncs;
  node.kill();
  node.disk.kill_processes();
  node.boot();
  node.open();
  node.deploy({{"p.bpmn", straight().xml()}});
  node.world.run_for(seconds(1));
  std::map<std::string, Key> acknowledged;
  int started = 0;
  for (int life = 0; life < 10; ++life) {
    std::deque<std::pair<std::string, std::optional<Result<Key>>>> answers;
    if (random.below(2) == 0) {
      const auto moment = std::array{CutMoment::kBeforeSync, CutMoment::kInSync, CutMoment::kAfterSync}[random.below(3)];
      node.disk.cut_at_sync(1 + random.below(30), moment);
    }
    for (std::uint64_t crowd = random.below(12); crowd > 0 && !node.disk.is_dark(); --crowd) {
      for (std::uint64_t one = 1 + random.below(8); one > 0; --one) {
        auto& [id, answer] = answers.emplace_back("i" + std::to_string(started++), std::nullopt);
        node.loop->spawn("test", store_result(node.engine->start(*node.context, "p", text_of(random.below(9'000)), id), answer));
      }
      std::uint64_t events = random.below(400);
      node.world.run_until([&] { return events-- == 0 || node.disk.is_dark(); }, milliseconds(300));
    }
    for (const auto& [id, answer] : answers) {
      if (answer && *answer) acknowledged[id] = **answer;
    }
    node.kill();
    if (!node.disk.is_dark() && random.below(2) == 0) node.disk.power_cut();
    if (node.disk.is_dark())
      node.disk.power_on();
    else
      node.disk.kill_processes();
    node.disk.cut_at_sync(kNever, CutMoment::kBeforeSync);
    node.boot();
    if (random.below(3) == 0) node.disk.cut_at_sync(1 + random.below(3), CutMoment::kInSync);  // also while it recovers
    auto opened = node.call(node.engine->open(*node.context));
    if (node.disk.is_dark()) {
      node.kill();
      node.disk.power_on();
      node.disk.cut_at_sync(kNever, CutMoment::kBeforeSync);
      node.boot();
      opened = node.call(node.engine->open(*node.context));
    }
    if (!opened) return "cannot be opened: " + opened.error().describe();
    node.disk.cut_at_sync(kNever, CutMoment::kBeforeSync);
    for (const auto& [id, key] : acknowledged) {
      const auto history = node.call(node.engine->history(*node.context, key));
      if (!history) return id + " is lost: " + history.error().describe();
      if (history->size() != 3) return id + " has " + std::to_string(history->size()) + " steps";
      if (node.start("{}", id) != key) return id + " was begun again";
    }
  }
  return acknowledged.empty() ? "nothing was acknowledged" : "";
}

TEST(EngineWithALog, LosesNothingAcknowledgedInCrashes) {
  for (std::uint64_t seed = first_seed(); seed < first_seed() + seeds(40); ++seed) {
    ASSERT_EQ(survive(seed, LogSyncs::kFull), "")
        << "CONSILIUM_SEED=" << seed << " bpmn_test --gtest_filter=EngineWithALog.LosesNothingAcknowledgedInCrashes";
  }
}

TEST(EngineWithALog, ALogThatAnswersBeforeItHasSyncedIsCaught) {
  int caught = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) caught += survive(seed, LogSyncs::kOffForTests).empty() ? 0 : 1;
  EXPECT_GE(caught, 5);
}

}  // namespace
}  // namespace consilium::bpmn
