// Inclusive gateways with several incoming flows. No oracle: Zeebe 8.5 refuses them; the rule is that of the documentation of 8.8.
#include <gtest/gtest.h>

#include "base/random.h"
#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

// A lunch: of three courses those that are chosen, then one clears the table.
TestModel lunch() {
  return std::move(TestModel()
                       .start()
                       .inclusive("courses")
                       .task("pasta", "pasta")
                       .task("steak", "steak")
                       .task("salad", "salad")
                       .inclusive("join")
                       .task("clear", "clear")
                       .end()
                       .flow("start", "courses")
                       .flow("courses", "pasta", "list contains(chosen, \"pasta\")")
                       .flow("courses", "steak", "list contains(chosen, \"steak\")")
                       .flow("courses", "salad", "list contains(chosen, \"salad\")")
                       .flow("pasta", "join")
                       .flow("steak", "join")
                       .flow("salad", "join")
                       .flow("join", "clear")
                       .flow("clear", "end"));
}

bool has_job(Bench& bench, const std::string& type) { return !bench.engine.state().activatable(type).empty(); }

TEST(InclusiveJoins, WaitForThoseFlowsThatWereTaken) {
  Bench bench;
  bench.deploy(lunch());
  bench.start(R"({"chosen": ["pasta", "salad"]})");
  bench.complete("salad");
  EXPECT_FALSE(has_job(bench, "clear")) << "the pasta is still to come";
  bench.complete("pasta");
  bench.complete("clear");
  EXPECT_EQ(bench.take_path(), "start courses salad pasta join clear end p");
  bench.start(R"({"chosen": ["steak"]})");
  bench.complete("steak");
  bench.complete("clear");
  EXPECT_EQ(bench.take_path(), "start courses steak join clear end p");
  bench.start(R"({"chosen": ["pasta", "steak", "salad"]})");
  for (const char* course : {"steak", "pasta", "salad"}) {
    EXPECT_FALSE(has_job(bench, "clear"));
    bench.complete(course);
  }
  bench.complete("clear");
  EXPECT_EQ(bench.ended().size(), 3u);
}

TEST(InclusiveJoins, SurviveACheckpointWhileTheyWait) {
  Bench bench;
  bench.deploy(lunch());
  const Key instance = bench.start(R"({"chosen": ["pasta", "salad"]})");
  bench.complete("salad");
  bench.rest();
  bench.complete("pasta");
  EXPECT_TRUE(bench.is_active(instance));
  bench.complete("clear");
  EXPECT_FALSE(bench.is_active(instance));
}

// A branch may end, fail or go another way: nobody waits for it any more then.
TEST(InclusiveJoins, GoOnWhenABranchCanComeNoMore) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("fork")
                   .task("a", "a")
                   .task("b", "b")
                   .exclusive("way")
                   .inclusive("join")
                   .task("after", "after")
                   .end("aside")
                   .end()
                   .flow("start", "fork")
                   .flow("fork", "a")
                   .flow("fork", "b")
                   .flow("a", "join")
                   .flow("b", "way")
                   .flow("way", "join", "x")
                   .flow("way", "aside", "not(x)")
                   .flow("join", "after")
                   .flow("after", "end"));
  bench.start();
  bench.complete("a");
  EXPECT_FALSE(has_job(bench, "after"));
  bench.complete("b", R"({"x": false})");
  bench.complete("after");
  EXPECT_EQ(bench.take_path(), "start fork a b way aside join after end p");
  // The other one first: it goes aside, and the join is not held by it.
  bench.start();
  bench.complete("b", R"({"x": false})");
  bench.complete("a");
  bench.complete("after");
  EXPECT_EQ(bench.take_path(), "start fork b way aside a join after end p");
  bench.start();
  bench.complete("b", R"({"x": true})");
  bench.complete("a");
  bench.complete("after");
  EXPECT_EQ(bench.take_path(), "start fork b way a join after end p");
}

TEST(InclusiveJoins, CountTheWayOverABoundaryEventAndALink) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("fork")
                   .task("a", "a")
                   .task("b", "b")
                   .boundary_error("failed", "b", "E")
                   .throw_on("away", TestModel::on_link("L"))
                   .catch_on("here", TestModel::on_link("L"))
                   .inclusive("join")
                   .end("done")
                   .end()
                   .flow("start", "fork")
                   .flow("fork", "a")
                   .flow("fork", "b")
                   .flow("a", "join")
                   .flow("b", "done")
                   .flow("failed", "away")
                   .flow("here", "join")
                   .flow("join", "end"));
  bench.start();
  bench.complete("a");
  EXPECT_EQ(bench.take_path(), "start fork a") << "what is at b may still come, over its boundary event";
  bench.run(ThrowError{bench.job("b").key, "E", "", {}});
  EXPECT_EQ(bench.take_path(), "-b failed away here join end p");
  bench.start();
  bench.complete("a");
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "start fork a b done join end p");
}

// The first of two joins goes on before the second: a token that waits at the first may come to the second.
TEST(InclusiveJoins, BehindEachOtherGoOnInTurn) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("fork")
                   .task("a", "a")
                   .task("b", "b")
                   .task("c", "c")
                   .inclusive("z-first")
                   .inclusive("a-second")
                   .end()
                   .flow("start", "fork")
                   .flow("fork", "a")
                   .flow("fork", "b")
                   .flow("fork", "c")
                   .flow("c", "a-second")
                   .flow("a", "z-first")
                   .flow("b", "z-first")
                   .flow("z-first", "a-second")
                   .flow("a-second", "end"));
  bench.start();
  bench.complete("c");
  bench.complete("a");
  EXPECT_EQ(bench.take_path(), "start fork c a");
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "b z-first a-second end p") << "the second only once";
}

// Each could be what the other waits for, and nobody else comes: one goes on.
TEST(InclusiveJoins, DoNotWaitForEachOtherForEver) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("fork")
                   .inclusive("one", "one_end1")
                   .inclusive("two", "two_end2")
                   .end("end1")
                   .end("end2")
                   .flow("start", "fork")
                   .flow("fork", "one")
                   .flow("fork", "two")
                   .flow("one", "two", "again")
                   .flow("two", "one", "again")
                   .flow("one", "end1")
                   .flow("two", "end2"));
  const Key instance = bench.start(R"({"again": false})");
  EXPECT_FALSE(bench.is_active(instance)) << bench.take_path();
}

TEST(InclusiveJoins, AreInALoopAndSplitAgain) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .inclusive("round", "round_end")
                   .task("a", "a")
                   .task("b", "b")
                   .end()
                   .flow("start", "round")
                   .flow("round", "a", "n < 3")
                   .flow("round", "b", "n < 2")
                   .flow("round", "end")
                   .flow("a", "round")
                   .flow("b", "round"));
  const Key instance = bench.start(R"({"n": 1})");
  bench.complete("a", R"({"n": 2})");
  EXPECT_FALSE(has_job(bench, "a")) << "b is still to come";
  bench.complete("b");
  bench.complete("a", R"({"n": 3})");
  EXPECT_FALSE(bench.is_active(instance));
  EXPECT_EQ(bench.take_path(), "start round a b round a round end p");
}

TEST(InclusiveJoins, OfASubProcessAreLeftWithIt) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .open_sub("sub")
                   .start("s")
                   .parallel("fork")
                   .task("a", "a")
                   .task("b", "b")
                   .inclusive("join")
                   .end("e")
                   .flow("s", "fork")
                   .flow("fork", "a")
                   .flow("fork", "b")
                   .flow("a", "join")
                   .flow("b", "join")
                   .flow("join", "e")
                   .close_sub()
                   .boundary_timer("late", "sub", "PT1H")
                   .end("given-up")
                   .end()
                   .flow("start", "sub")
                   .flow("late", "given-up")
                   .flow("sub", "end"));
  bench.start();
  bench.complete("a");
  bench.pass(hours(2));
  EXPECT_EQ(bench.take_path(), "start s fork a -b -sub late given-up p");
  bench.start();
  bench.complete("a");
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "start s fork a b join e sub end p");
}

TEST(InclusiveJoins, TakeTheTokensThatWaitWhenAModificationBeginsThem) {
  Bench bench;
  bench.deploy(lunch());
  const Key instance = bench.start(R"({"chosen": ["pasta", "salad"]})");
  bench.complete("salad");
  ModifyInstance skip{instance, {}, {bench.find(instance, "pasta")}};
  ASSERT_FALSE(bench.run(skip).rejection);
  EXPECT_EQ(bench.take_path(), "start courses salad -pasta join") << "nothing more can come";
  bench.complete("clear");
  EXPECT_FALSE(bench.is_active(instance));
  const Key second = bench.start(R"({"chosen": ["pasta", "salad"]})");
  bench.complete("salad");
  bench.take_path();
  ASSERT_FALSE(bench.run(ModifyInstance{second, {{"join", 0, {}}}, {}}).rejection);
  bench.complete("clear");
  EXPECT_TRUE(bench.is_active(second)) << "the pasta";
  bench.complete("pasta");
  bench.complete("clear");
  EXPECT_FALSE(bench.is_active(second));
}

// More branches than one command works off: the join is asked after all have come, and only then.
TEST(InclusiveJoins, WaitAlsoOverCommandsThatYield) {
  Bench bench;
  constexpr int kBranches = 300;
  TestModel model;
  model.start().parallel("fork").inclusive("join").end().flow("start", "fork").flow("join", "end");
  for (int i = 0; i < kBranches; ++i) {
    const std::string task = "t" + std::to_string(i);
    model.activity("manualTask", task).flow("fork", task).flow(task, "join");
  }
  bench.deploy(model);
  const Key instance = bench.start();
  EXPECT_GT(bench.go_on(), 0);
  EXPECT_FALSE(bench.is_active(instance));
  const std::string path = bench.take_path();
  EXPECT_EQ(path.substr(path.size() - 10), "join end p");
  EXPECT_EQ(path.find("join"), path.rfind("join")) << "once";
}

// Whatever branches are taken and in whatever order they end, the join goes on once, after the last of them.
TEST(InclusiveJoins, GoOnOnceAfterTheLastBranch) {
  const std::uint64_t seed = 20'250;
  SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    Bench bench;
    const int branches = 2 + static_cast<int>(random.below(4));
    TestModel model;
    model.start().inclusive("split").inclusive("join").task("after", "after").end().flow("start", "split");
    std::vector<std::string> taken;
    std::string chosen;
    for (int i = 0; i < branches; ++i) {
      const std::string task = "t" + std::to_string(i);
      const bool takes = random.below(2) == 0 || (i + 1 == branches && taken.empty());
      model.task(task, task).flow("split", task, takes ? "true" : "false").flow(task, "join");
      if (takes) taken.push_back(task);
    }
    bench.deploy(model.flow("join", "after").flow("after", "end"));
    const Key instance = bench.start();
    while (!taken.empty()) {
      ASSERT_FALSE(has_job(bench, "after")) << "seed " << seed << ", round " << round;
      const std::size_t next = random.below(taken.size());
      bench.complete(taken[next]);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(next));
    }
    bench.complete("after");
    ASSERT_FALSE(bench.is_active(instance)) << "seed " << seed << ", round " << round;
  }
}

}  // namespace
}  // namespace consilium::bpmn::engine
