// Random models of all supported elements, random paths through them. The bench replays journal and checkpoint after each
// command and compares the states; at the end every instance must have ended and left nothing behind.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/random.h"
#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

// Builds a block with one way in and one way out, out of smaller blocks.
class RandomModel {
 public:
  explicit RandomModel(SeededRandom& random) : random_(random) {
    model_.start("start");
    const std::string last = sequence("start", 3);
    model_.end("end").flow(last, "end");
  }
  std::string xml() const { return model_.xml(); }

 private:
  std::string name(std::string_view kind) { return std::string(kind) + std::to_string(++count_); }
  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }

  // Each block is joined to `from` and returns its last element.
  std::string sequence(std::string from, int depth) {
    for (std::uint64_t blocks = 1 + random_.below(3); blocks > 0; --blocks) from = block(from, depth);
    return from;
  }
  std::string block(const std::string& from, int depth) {
    switch (random_.below(depth > 0 ? 14 : 7)) {
      case 0: return task(from);
      case 1: return catch_event(from);
      case 2: return chance(2) ? task(from) : timer(from);
      case 3: return passing(from);
      case 4: return other_wait(from);
      case 5: return chance(2) ? call(from) : link(from);
      case 6: return each(from);
      case 13: return choice(from, depth);
      case 7: return fork(from, depth);
      case 8: return race(from, depth);
      case 9: return sub_process(from, depth);
      case 10: return aside(from, depth);
      case 11: return stopped(from, depth);
      default: return loop(from, depth);
    }
  }
  // What needs nothing from outside.
  std::string passing(const std::string& from) {
    const std::string id = name("pass");
    switch (random_.below(5)) {
      case 0: model_.activity(chance(2) ? "manualTask" : "task", id); break;
      case 1: model_.activity("scriptTask", id, "<z:script expression='=if is defined(x) then x else 1' resultVariable='r'/>"); break;
      case 2: model_.throw_on(id, ""); break;
      case 3: model_.throw_on(id, model_.on_escalation("X")); break;
      default: model_.throw_on(id, model_.on_signal("sig"), input("=1", "x")); break;
    }
    model_.flow(from, id);
    return id;
  }
  std::string other_wait(const std::string& from) {
    const std::string id = name("wait");
    switch (random_.below(4)) {
      case 0: model_.receive(id, "go", "=id"); break;
      case 1: model_.catch_on(id, model_.on_signal("sig")); break;
      case 2: model_.activity(chance(2) ? "sendTask" : "businessRuleTask", id, "<z:taskDefinition type='work'/>"); break;
      default: model_.throw_on(id, "<messageEventDefinition/>", "", "<z:taskDefinition type='work'/>"); break;
    }
    model_.flow(from, id);
    return id;
  }
  std::string call(const std::string& from) {
    const std::string id = name("call"), merge = name("merge");
    model_.call(id, "child", chance(2) ? "propagateAllParentVariables='false'" : "", input("=id", "id")).exclusive(merge);
    model_.flow(from, id).flow(id, merge);
    attach(id, merge);
    return merge;
  }
  // A multi-instance task, call activity or sub-process.
  std::string each(const std::string& from) {
    const std::string id = name("each"), merge = name("merge");
    const std::string loop = TestModel::loop("inputCollection='=[1, 2, 3]' inputElement='x' outputCollection='out' outputElement='=r'",
                                             chance(2) ? "numberOfCompletedInstances > 1" : "", chance(2));
    switch (random_.below(4)) {
      case 0: model_.activity("task", id, "", "", loop); break;
      case 1: model_.activity("serviceTask", id, "<z:taskDefinition type='work'/>", output("=x", "r"), loop); break;
      case 2: model_.activity("callActivity", id, "<z:calledElement processId='child'/>", "", loop); break;
      default: {
        const std::string inner = name("start"), work = name("task"), end = name("end");
        model_.open_sub(id, "", loop).start(inner).task(work, "work").end(end).flow(inner, work).flow(work, end);
        if (chance(2)) event_sub_process();
        model_.close_sub();
      }
    }
    model_.exclusive(merge).flow(from, id).flow(id, merge);
    attach(id, merge);
    return merge;
  }
  std::string link(const std::string& from) {
    const std::string away = name("away"), here = name("here");
    model_.throw_on(away, TestModel::on_link(here)).catch_on(here, TestModel::on_link(here)).flow(from, away);
    return here;
  }
  // An inclusive gateway goes on, and often aside too.
  std::string aside(const std::string& from, int depth) {
    const std::string split = name("inclusive"), on = name("on"), side = name("side"), end = name("end");
    model_.inclusive(split).exclusive(on).exclusive(side).end(end).flow(from, split);
    model_.flow(split, on, "true").flow(split, side, "is defined(x) and x > 3");
    model_.flow(sequence(side, depth - 1), end);
    return on;
  }
  // One branch of two ends the scope, whatever the other does.
  std::string stopped(const std::string& from, int depth) {
    const std::string id = name("sub"), inner = name("start"), split = name("fork"), kill = name("kill"), end = name("end");
    model_.open_sub(id).start(inner).parallel(split).end_on(kill, TestModel::on_terminate()).end(end).flow(inner, split);
    const std::string one = name("branch"), two = name("branch");
    model_.exclusive(one).exclusive(two).flow(split, one).flow(split, two);
    model_.flow(sequence(one, depth - 1), kill).flow(sequence(two, depth - 1), end).close_sub().flow(from, id);
    return id;
  }
  void event_sub_process() {
    const std::string id = name("event-sub"), by = name("by"), work = name("task"), end = name("end");
    model_.open_event_sub(id, chance(3) ? input("=2", "inner") : "");
    switch (random_.below(6)) {
      case 0: model_.start_on(by, model_.on_message("stop", "=id")); break;
      case 1: model_.start_on(by, model_.on_message("stop", "=id"), false); break;
      case 2: model_.start_on(by, TestModel::on_timer("R2/PT6S", "timeCycle"), false); break;
      case 3: model_.start_on(by, model_.on_error(chance(2) ? "E" : "")); break;
      case 4: model_.start_on(by, model_.on_escalation("X"), chance(2)); break;
      default: model_.start_on(by, model_.on_signal("sig"), chance(2)); break;
    }
    model_.task(work, "work").end(end).flow(by, work).flow(work, end).close_sub();
  }
  std::string task(const std::string& from) {
    const std::string id = name("task");
    model_.task(id, "work", chance(3) ? input("=1", "own") : chance(3) ? output("=if is defined(r) then r else null", "x") : "");
    model_.flow(from, id);
    if (!chance(3)) return id;
    const std::string merge = name("merge");
    model_.exclusive(merge).flow(id, merge);
    attach(id, merge);
    return merge;
  }
  // A boundary event on `host` that leads to `to` as well.
  void attach(const std::string& host, const std::string& to) {
    const std::string id = name("boundary");
    switch (random_.below(4)) {
      case 0: model_.boundary_error(id, host, chance(2) ? "E" : ""); break;
      case 3: model_.boundary_on(id, host, model_.on_signal("sig")); break;
      case 1: model_.boundary_timer(id, host, "PT7S"); break;
      default: model_.boundary_message(id, host, "stop", "=id"); break;
    }
    model_.flow(id, to);
    if (!chance(3)) return;
    const std::string aside = name("aside");
    const std::string end = name("end");
    model_.boundary_on(aside, host, TestModel::on_timer("R2/PT2S", "timeCycle"), false).end(end).flow(aside, end);
  }
  std::string catch_event(const std::string& from) {
    const std::string id = name("message");
    model_.catch_message(id, "go", "=id").flow(from, id);
    return id;
  }
  std::string timer(const std::string& from) {
    const std::string id = name("timer");
    model_.catch_timer(id, chance(2) ? "PT5S" : "=if is defined(x) then \"PT1S\" else \"PT3S\"").flow(from, id);
    return id;
  }
  std::string choice(const std::string& from, int depth) {
    const std::string split = name("choice");
    const std::string merge = name("merge");
    const std::string yes = name("yes"), no = name("no");
    model_.exclusive(split, split + "_" + no).exclusive(yes).exclusive(no).exclusive(merge);
    model_.flow(from, split).flow(split, yes, "is defined(x) and x > 5").flow(split, no);
    model_.flow(sequence(yes, depth - 1), merge).flow(sequence(no, depth - 1), merge);
    return merge;
  }
  std::string fork(const std::string& from, int depth) {
    const std::string split = name("fork");
    const std::string join = name("join");
    model_.parallel(split).parallel(join).flow(from, split);
    for (std::uint64_t branches = 2 + random_.below(2); branches > 0; --branches) {
      const std::string branch = name("branch");
      model_.exclusive(branch).flow(split, branch);
      model_.flow(sequence(branch, depth - 1), join);
    }
    return join;
  }
  std::string race(const std::string& from, int depth) {
    const std::string gateway = name("race");
    const std::string message = name("message"), timer_id = name("timer"), merge = name("merge");
    model_.event_gateway(gateway).catch_message(message, "go", "=id").catch_timer(timer_id, "PT4S").exclusive(merge);
    model_.flow(from, gateway).flow(gateway, message).flow(gateway, timer_id);
    model_.flow(sequence(message, depth - 1), merge).flow(timer_id, merge);
    return merge;
  }
  std::string sub_process(const std::string& from, int depth) {
    const std::string id = name("sub");
    const std::string inner = name("start"), end = name("end"), merge = name("merge");
    model_.open_sub(id, chance(2) ? input("=0", "inner") : "").start(inner);
    if (chance(2)) event_sub_process();
    model_.end(end);
    const std::string last = sequence(inner, depth - 1);
    if (chance(3)) {
      const std::string split = name("choice"), bad = name("bad");
      model_.exclusive(split, split + "_" + end)
          .error_end(bad, "E")
          .flow(last, split)
          .flow(split, end)
          .flow(split, bad, "is defined(x) and x > 7");
    } else {
      model_.flow(last, end);
    }
    model_.close_sub().exclusive(merge).flow(from, id).flow(id, merge);
    const std::string caught = name("boundary");
    model_.boundary_error(caught, id, "").flow(caught, merge);
    if (chance(2)) {
      const std::string stopped = name("boundary");
      model_.boundary_message(stopped, id, "stop", "=id").flow(stopped, merge);
    }
    if (chance(3)) {
      const std::string overdue = name("boundary");
      model_.boundary_timer(overdue, id, "PT9S").flow(overdue, merge);
    }
    return merge;
  }
  std::string loop(const std::string& from, int depth) {
    const std::string enter = name("enter"), again = name("again"), leave = name("leave");
    model_.exclusive(enter).flow(from, enter);
    const std::string last = task(sequence(enter, depth - 1));
    model_.exclusive(again, again + "_" + leave)
        .exclusive(leave)
        .flow(last, again)
        .flow(again, leave)
        .flow(again, enter, "is defined(x) and x = 9");
    return leave;
  }

  SeededRandom& random_;
  TestModel model_;
  int count_ = 0;
};

// One thing that the world around the engine may do.
void act(Bench& bench, SeededRandom& random, Key instance) {
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      for (const ActivatedJob& job : bench.activate("work", 1 + static_cast<int>(random.below(3)))) {
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

void deploy_random(Bench& bench, SeededRandom& random, std::string& xml) {
  const TestModel child = TestModel("child").start().task("child-task", "work").end().flow("start", "child-task").flow("child-task", "end");
  bench.deploy(child.xml(), "child.bpmn");
  xml = RandomModel(random).xml();
  bench.deploy(xml);
}

void run_random_process(std::uint64_t seed) {
  SeededRandom random(seed);
  std::string xml;
  Bench bench;
  deploy_random(bench, random, xml);
  if (::testing::Test::HasFailure()) return;
  const Key instance = bench.start(R"({"id": "k"})");
  int steps = 0;
  for (; bench.is_active(instance) && steps < 5'000 && !::testing::Test::HasFailure(); ++steps) act(bench, random, instance);
  EXPECT_FALSE(bench.is_active(instance)) << "still active after " << steps << " steps: " << xml;
  EXPECT_TRUE(bench.incidents().empty());
  EXPECT_EQ(bench.engine.state().due().size(), bench.engine.state().messages().size()) << "timers or jobs are left";
  EXPECT_TRUE(bench.engine.state().begun().empty());
  EXPECT_TRUE(bench.activate("work").empty());
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
    deploy_random(bench, random, xml);
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
