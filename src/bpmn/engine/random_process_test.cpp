// Random models of all supported elements, random paths through them. The bench replays journal and checkpoint after each
// command and compares the states; at the end every instance must have ended and left nothing behind.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/random.h"
#include "bpmn/engine/random_model.h"
#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

constexpr const char* kJobTypes[] = {"work", model::kUserTaskJobType, "before", "after"};

// One thing that the world around the engine may do.
void act(Bench& bench, SeededRandom& random, Key instance) {
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const char* const type = kJobTypes[random.below(2) == 0 ? 0 : random.below(4)];
      for (const ActivatedJob& job : bench.activate(type, 1 + static_cast<int>(random.below(3)))) {
        switch (random.below(8)) {
          case 0: bench.run(FailJob{job.key, std::nullopt, std::nullopt, "", "no luck"}); break;
          case 1: bench.run(ThrowError{job.key, random.below(2) == 0 ? "E" : "F", "", {}}); break;
          case 2: bench.run(YieldJob{job.key, seconds(1)}); break;
          case 3: break;  // forgotten: the lock runs out
          default:
            bench.run(CompleteJob{job.key,
                                  {{"r", feel::Value(static_cast<std::int64_t>(random.below(10)))},
                                   {"x", feel::Value(static_cast<std::int64_t>(random.below(10)))}}});
            break;
        }
      }
      break;
    }
    case 4:
      bench.publish("go", "k", "{\"x\": " + std::to_string(random.below(10)) + "}", "", random.below(2) == 0 ? Duration{} : seconds(30));
      break;
    case 5: bench.publish("stop", "k", "{}", "", random.below(2) == 0 ? Duration{} : seconds(20)); break;
    case 6: bench.publish("go", "k"); break;
    case 7: bench.pass(milliseconds(static_cast<std::int64_t>(random.below(20'000)))); break;
    case 8: bench.go_on(); break;
    case 9: bench.run(SetVariables{instance, {{"y", feel::Value(static_cast<std::int64_t>(random.below(10)))}}, false}); break;
    case 11: bench.run(BroadcastSignal{"sig", {{"x", feel::Value(static_cast<std::int64_t>(random.below(10)))}}}); break;
    case 10:  // rarely, so that time goes on in the end
      if (random.below(8) == 0) bench.set_clock_back(milliseconds(static_cast<std::int64_t>(random.below(60'000))));
      break;
    default:
      for (const Incident& incident : bench.incidents()) {
        if (incident.job != 0) bench.run(UpdateRetries{incident.job, 2});
        EXPECT_FALSE(bench.run(ResolveIncident{incident.key}).rejection);
      }
  }
}

// Begins or ends something at random; what cannot be is refused.
void modify(Bench& bench, SeededRandom& random, Key instance) {
  const Instance& running = *bench.engine.state().instance(instance);
  const auto& elements = running.process->elements;
  ModifyInstance command{instance, {}, {}};
  if (random.below(2) == 0) command.activations.push_back({elements[random.below(elements.size())].id, 0, {}});
  if (random.below(2) == 0)
    command.terminations.push_back(
        std::next(running.elements.begin(), static_cast<std::ptrdiff_t>(random.below(running.elements.size())))->first);
  bench.run(command);
}

// Every second model has compensation in it, and of both kinds every second what later versions of Zeebe brought.
void deploy_random(Bench& bench, std::uint64_t seed, SeededRandom& random, std::string& xml) {
  const TestModel child = TestModel("child").start().task("child-task", "work").end().flow("start", "child-task").flow("child-task", "end");
  bench.deploy(child.xml(), "child.bpmn");
  RandomModel::Names names;
  names.compensation = seed % 2 == 1;
  names.later = seed % 4 > 1;
  xml = RandomModel(random, names).xml();
  bench.deploy(xml);
}

void run_random_process(std::uint64_t seed) {
  SeededRandom random(seed);
  std::string xml;
  Bench bench;
  deploy_random(bench, seed, random, xml);
  if (::testing::Test::HasFailure()) return;
  const Key instance = bench.start(R"({"id": "k"})");
  int steps = 0;
  for (; bench.is_active(instance) && steps < 5'000 && !::testing::Test::HasFailure(); ++steps) act(bench, random, instance);
  EXPECT_FALSE(bench.is_active(instance)) << "still active after " << steps << " steps: " << xml;
  EXPECT_TRUE(bench.incidents().empty());
  EXPECT_EQ(bench.engine.state().due().size(), bench.engine.state().messages().size()) << "timers or jobs are left";
  EXPECT_TRUE(bench.engine.state().begun().empty());
  for (const char* type : kJobTypes) EXPECT_TRUE(bench.activate(type).empty());
}

TEST(RandomProcesses, EndAndReplayToTheSameState) {
  const char* given = std::getenv("CONSILIUM_SEED");
  const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + (given ? 1 : 150); ++seed) {
    SCOPED_TRACE("CONSILIUM_SEED=" + std::to_string(seed) + " bpmn_test --gtest_filter=RandomProcesses.*");
    run_random_process(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

// Cancelled at a random moment, an instance leaves nothing behind.
TEST(RandomProcesses, CanBeCancelledAnywhere) {
  const char* given = std::getenv("CONSILIUM_SEED");
  const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 10'000;
  for (std::uint64_t seed = first; seed < first + (given ? 1 : 100); ++seed) {
    SCOPED_TRACE("CONSILIUM_SEED=" + std::to_string(seed) + " bpmn_test --gtest_filter=RandomProcesses.*");
    SeededRandom random(seed);
    Bench bench;
    std::string xml;
    deploy_random(bench, seed, random, xml);
    const Key instance = bench.start(R"({"id": "k"})");
    for (std::uint64_t steps = random.below(30); steps > 0 && bench.is_active(instance); --steps) {
      act(bench, random, instance);
      if (bench.is_active(instance) && random.below(6) == 0) modify(bench, random, instance);
    }
    if (bench.is_active(instance)) bench.run(CancelInstance{instance});
    bench.go_on();
    EXPECT_FALSE(bench.is_active(instance));
    EXPECT_EQ(bench.engine.state().due().size(), bench.engine.state().messages().size());
    EXPECT_TRUE(bench.engine.state().instances().empty());
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace consilium::bpmn::engine
