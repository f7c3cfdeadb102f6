// Instances that rest: bytes until something happens to them. The random processes rest, too (test_bench.h).
#include <gtest/gtest.h>

#include <random>

#include "bpmn/engine/packing.h"
#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

constexpr std::size_t kTexts = 3;
constexpr std::size_t kTextBytes = 100;
// 64 MB for 100,000 instances that wait, less what they are found by: owners and the subscription.
constexpr std::size_t kMostBytesAtRest = 470;

std::string random_text(std::mt19937_64& random, std::size_t size) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  while (text.size() < size) text.push_back(kLetters[random() % kLetters.size()]);
  return text;
}

TestModel waits_for_go(const std::string& process) {
  TestModel model(process);
  return std::move(model.start().catch_message("m", "go", "=\"k\"").end().flow("start", "m").flow("m", "end"));
}

TEST(Resting, AMessageWakesNobodyButWhomItReaches) {
  Bench bench;
  for (const char* process : {"p", "q"}) bench.deploy(waits_for_go(process).xml(), std::string(process) + ".bpmn");
  std::vector<Key> waiting;
  for (int i = 0; i < 30; ++i) waiting.push_back(bench.start("{}", i % 3 == 0 ? "q" : "p"));
  bench.rest();
  bench.publish("go", "k");
  EXPECT_TRUE(bench.engine.state().awake_instances().empty()) << "those that it reached have ended";
  EXPECT_FALSE(bench.engine.state().has_instance(waiting[0]));  // the oldest of each process
  EXPECT_FALSE(bench.engine.state().has_instance(waiting[1]));
  EXPECT_EQ(bench.engine.state().instance_count(), 28u);
  bench.publish("go", "k");
  EXPECT_FALSE(bench.engine.state().has_instance(waiting[2]));
  EXPECT_FALSE(bench.engine.state().has_instance(waiting[3]));
  EXPECT_EQ(bench.engine.state().instance_count(), 26u);
}

TEST(Resting, WakesForWhateverHappens) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .task("t", "work")
                   .catch_message("m", "go", "=id")
                   .catch_timer("later", "PT1H")
                   .end()
                   .flow("start", "t")
                   .flow("t", "m")
                   .flow("m", "later")
                   .flow("later", "end"));
  const Key instance = bench.start(R"({"id": "a", "kept": [1, {"b": null}]})");
  const Key other = bench.start(R"({"id": "b"})");
  const auto all_rest = [&] {
    bench.rest();
    return bench.engine.state().awake_instances().empty() && bench.engine.state().instance_count() == 2;
  };
  EXPECT_TRUE(all_rest());
  for (const ActivatedJob& job : bench.activate("work")) {
    EXPECT_TRUE(all_rest());
    EXPECT_FALSE(bench.run(FailJob{job.key, 0, std::nullopt, "", "no"}).rejection);
  }
  EXPECT_TRUE(all_rest());
  EXPECT_EQ(bench.engine.state().open_incidents().size(), 2u);
  for (const Key incident : std::set<Key>(bench.engine.state().open_incidents())) {
    EXPECT_TRUE(all_rest());
    const Key job = bench.engine.state().owner_of(incident)->incidents.at(incident).job;
    EXPECT_FALSE(bench.run(UpdateRetries{job, 1}).rejection);
    EXPECT_FALSE(bench.run(ResolveIncident{incident}).rejection);
  }
  EXPECT_TRUE(all_rest());
  EXPECT_TRUE(bench.engine.state().open_incidents().empty());
  for (const ActivatedJob& job : bench.activate("work")) EXPECT_FALSE(bench.run(CompleteJob{job.key, {}}).rejection);
  EXPECT_TRUE(all_rest());
  bench.publish("go", "a", R"({"told": 1})");
  EXPECT_EQ(bench.engine.state().timer_count(), 1u);
  EXPECT_TRUE(all_rest());
  EXPECT_FALSE(bench.run(SetVariables{instance, *feel::parse_variables(R"({"set": 2})"), false}).rejection);
  EXPECT_TRUE(all_rest());
  EXPECT_FALSE(bench.run(CancelInstance{other}).rejection);
  bench.rest();
  bench.pass(hours(2));
  EXPECT_EQ(bench.engine.state().instance_count(), 0u);
  EXPECT_EQ(bench.engine.state().timer_count(), 0u);
  EXPECT_EQ(bench.end_variables(), R"({"id":"a","kept":[1,{"b":null}],"set":2,"told":1})");
}

TEST(Resting, IsLookedAtAsleepAndOneByOne) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  std::vector<Key> keys;
  for (int i = 0; i < 20; ++i) keys.push_back(bench.start("{\"n\": " + std::to_string(i) + "}"));
  bench.rest();
  keys.push_back(bench.start(R"({"n": 20})"));
  const State& state = bench.engine.state();
  std::size_t seen = keys.size();
  for (Key key = state.instance_before(keys.back() + 1); key != 0; key = state.instance_before(key)) {
    ASSERT_EQ(key, keys[--seen]);
    state.look_at(key, [&](const Instance& instance) {
      EXPECT_EQ(feel::to_json(instance.elements.at(key).variables), "{\"n\":" + std::to_string(seen) + "}");
    });
  }
  EXPECT_EQ(seen, 0u);
  EXPECT_LE(state.awake_instances().size(), 1u);
}

TEST(Resting, HasNoRowOfWhatBeganAndEndedMeanwhile) {
  Bench bench;
  bench.deploy(TestModel().start().end().flow("start", "end"));
  bench.rest();
  bench.start();
  EXPECT_TRUE(bench.engine.state().changed_instances().empty());
}

TEST(Resting, TakesFewBytes) {
  Bench bench;
  bench.deploy(TestModel().start().catch_message("m", "go", "=a").end().flow("start", "m").flow("m", "end"));
  std::mt19937_64 random(1);
  Context variables;
  for (std::size_t i = 0; i < kTexts; ++i) variables.emplace(std::string(1, static_cast<char>('a' + i)), feel::Value(random_text(random, kTextBytes)));
  const Key instance = bench.start(feel::to_json(variables));
  const std::string packed = pack_instance(*bench.engine.state().instance(instance));
  EXPECT_LE(packed.size(), kMostBytesAtRest);
  EXPECT_LT(packed.size(), encode_instance(*bench.engine.state().instance(instance)).size());
}

TEST(Packing, GivesTheSameBytesBackOrNone) {
  std::mt19937_64 random(1);
  for (const std::size_t size : {0, 1, 10, 1000, 100'000}) {
    const std::string bytes = random_text(random, size) + std::string(size, 'x');
    const std::string packed = pack(bytes);
    EXPECT_EQ(unpack(packed, bytes.size()), bytes);
    EXPECT_FALSE(unpack(packed, bytes.size() + 1));
    EXPECT_FALSE(unpack(packed + "x", bytes.size()));
    EXPECT_FALSE(unpack(packed.substr(0, packed.size() - 1), bytes.size()));
    EXPECT_FALSE(size > 0 && unpack(packed, bytes.size() - 1));
  }
  EXPECT_FALSE(unpack("abc", kMaxUnpackedBytes + 1));
  EXPECT_FALSE(unpack("abc", 100'000));  // no three bytes become so many
}

}  // namespace
}  // namespace consilium::bpmn::engine
