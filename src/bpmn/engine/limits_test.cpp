// That no model and no caller can take more than a bounded share of the engine: work counted, sizes and depths refused.
#include <gtest/gtest.h>

#include <deque>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

constexpr char kWork[] = "<z:taskDefinition type='work'/>";

TestModel line(const std::string& middle, TestModel model) {
  return std::move(model.start().end().flow("start", middle).flow(middle, "end"));
}

std::string list_of(int count) {
  std::string list = "{\"list\": [0";
  for (int item = 1; item < count; ++item) list += "," + std::to_string(item);
  return list + "]}";
}

// A loop over tasks with a reminder each; in a sub-process each has two levels to end.
TestModel reminded(bool in_sub_process) {
  TestModel model;
  const std::string loop = TestModel::loop("inputCollection='=list'");
  const std::string reminder = TestModel::on_timer("R/PT1H", "timeCycle");
  if (!in_sub_process)
    return line(
        "t",
        std::move(
            model.activity("serviceTask", "t", kWork, "", loop).boundary_on("late", "t", reminder, false).end("e2").flow("late", "e2")));
  model.open_sub("sub", "", loop).start("s2").activity("serviceTask", "t", kWork).boundary_on("late", "t", reminder, false);
  return line("sub", std::move(model.end("e2").end("e3").flow("s2", "t").flow("t", "e3").flow("late", "e2").close_sub()));
}

// What the end of `count` elements with a wait each has looked at, for each of them.
double visited_at_the_end(int count) {
  Bench bench;
  bench.deploy(reminded(true));
  const Key instance = bench.start(list_of(count));
  bench.go_on();
  bench.pass(hours(1));  // the timers are new ones, behind all others
  EXPECT_EQ(bench.engine.state().instance(instance)->timers.size(), static_cast<std::size_t>(count));
  const std::int64_t before = Instance::visited();
  Engine& engine = bench.engine;
  Outcome outcome = engine.execute(CancelInstance{instance}, bench.now);
  while (!outcome.to_continue.empty()) outcome = engine.execute(Continue{outcome.to_continue[0]}, bench.now);
  EXPECT_EQ(engine.state().instance(instance), nullptr);
  EXPECT_TRUE(engine.state().due().empty());
  return static_cast<double>(Instance::visited() - before) / count;
}

TEST(Limits, EndingManyElementsLooksAtEachOfThemOnce) {
  const double few = visited_at_the_end(50);
  EXPECT_GT(few, 0);
  EXPECT_LE(visited_at_the_end(800), 1.1 * few);
}

// The same one by one, from the youngest on.
TEST(Limits, CompletingManyElementsLooksAtEachOfThemOnce) {
  const auto visited = [](int count) {
    Bench bench;
    bench.deploy(reminded(true));
    bench.start(list_of(count));
    bench.go_on();
    std::vector<ActivatedJob> jobs;
    for (auto more = bench.activate("work", count); !more.empty(); more = bench.activate("work", count))
      jobs.insert(jobs.end(), more.begin(), more.end());
    EXPECT_EQ(jobs.size(), static_cast<std::size_t>(count));
    const std::int64_t before = Instance::visited();
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) bench.engine.execute(CompleteJob{job->key, {}}, bench.now);
    EXPECT_TRUE(bench.engine.state().instances().empty());
    return static_cast<double>(Instance::visited() - before) / count;
  };
  const double few = visited(50);
  EXPECT_LE(visited(800), 1.1 * few);
}

// A process that takes one message after the other looks at each of them a few times, however many it has had.
TEST(Limits, MessagesOfOneKeyAreTakenOneByOneAtTheSameCost) {
  const auto visited = [](int count) {
    Engine engine;
    TestModel model;
    model.start().exclusive("again").catch_message("m", "go", "=\"k\"").end("never");
    model.flow("start", "again").flow("again", "m").flow("m", "again");
    engine.execute(Deploy{{{"m.bpmn", model.xml()}}}, Timestamp{0});
    Outcome outcome = engine.execute(CreateInstance{"p", 0, {}, ""}, Timestamp{0});
    const std::int64_t before = Instance::visited();
    for (int i = 0; i < count; ++i) engine.execute(PublishMessage{"go", "k", "", hours(1), {}}, Timestamp{0});
    return static_cast<double>(Instance::visited() - before) / count;
  };
  const double few = visited(50);
  EXPECT_LE(visited(1'000), 1.1 * few);
}

// ---- models that do not end

// Each instance is a new one, and still they are stopped.
TEST(Limits, ASignalThatStartsItsOwnThrowerIsStopped) {
  Bench bench;
  TestModel model;
  model.start_on("by", model.on_signal("again")).end_on("end", model.on_signal("again"));
  bench.deploy(model.flow("by", "end"));
  bench.run(BroadcastSignal{"again", {}});
  EXPECT_LT(bench.go_on(), 3 * kMaxConsecutiveYields);
  EXPECT_EQ(bench.incident(), "UNKNOWN");  // of the last that threw
}

TEST(Limits, AnEscalationThatStartsItsOwnThrowerIsStopped) {
  Bench bench;
  TestModel model;
  model.start().activity("serviceTask", "t", kWork).end().open_event_sub("es").start_on("by", model.on_escalation("X"), false);
  model.end_on("again", model.on_escalation("X")).flow("by", "again").close_sub().throw_on("up", model.on_escalation("X"));
  bench.deploy(model.flow("start", "up").flow("up", "t").flow("t", "end"));
  const Key instance = bench.start();
  EXPECT_LE(bench.go_on(), kMaxConsecutiveYields + 1);
  EXPECT_EQ(bench.incident(), "UNKNOWN");
  bench.run(CancelInstance{instance});
  bench.go_on();
  EXPECT_TRUE(bench.engine.state().instances().empty());
}

// ---- work of one command

constexpr char kHeavy[] = "<z:script expression='=count(for i in 1..30000 return i)' resultVariable='r'/>";

TEST(Limits, ACommandEndsAfterSoMuchEvaluation) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .exclusive("m")
                   .activity("scriptTask", "t", kHeavy)
                   .exclusive("x", "x_m")
                   .end()
                   .flow("start", "m")
                   .flow("m", "t")
                   .flow("t", "x")
                   .flow("x", "m")
                   .flow("x", "end", "is defined(stop)"));
  const Outcome outcome = bench.run(CreateInstance{"p", 0, {}, ""});
  EXPECT_EQ(outcome.to_continue.size(), 1u);
  EXPECT_LT(outcome.ended_elements.size(), 200u) << "by steps alone it would be 256 and more";
  EXPECT_GT(outcome.ended_elements.size(), 10u);
}

TEST(Limits, ACommandEndsAfterSoManyBytes) {
  Engine engine;
  const Timestamp now{0};
  engine.execute(Deploy{{{"m.bpmn", line("c", TestModel().call("c", "p")).xml()}}}, now);  // each call hands on a copy
  Outcome outcome = engine.execute(CreateInstance{"p", 0, {{"big", feel::Value(std::string(900'000, 'x'))}}, ""}, now);
  for (std::size_t round = 1; round <= 5; ++round) {
    EXPECT_LT(encode_record({now, outcome.events}).size(), 2 * kMaxWrittenPerCommand);
    EXPECT_LE(engine.state().instances().size(), 8 * round) << "by steps alone it would be 64 and more at once";
    ASSERT_FALSE(outcome.to_continue.empty());
    outcome = engine.execute(Continue{outcome.to_continue[0]}, now);
  }
}

// In one instance as many as `list` has, each of which waits for "fire" beside its job, as often as it comes.
TestModel listeners() {
  TestModel model;
  model.start().open_sub("sub", "", TestModel::loop("inputCollection='=list'")).start("s2").task("t", "work").end("e2");
  model.boundary_on("told", "t", model.on_signal("fire"), false).task("u", "told", input("=v", "mine")).end("e3");
  model.flow("s2", "t").flow("t", "e2").flow("told", "u").flow("u", "e3").close_sub().end();
  return std::move(model.flow("start", "sub").flow("sub", "end"));
}

TEST(Limits, ASignalReachesVeryManyInTurns) {
  Bench bench;
  bench.deploy(listeners());
  TestModel starter("s");
  starter.start_on("by", starter.on_signal("fire")).task("st", "started").end();
  bench.deploy(starter.flow("by", "st").flow("st", "end").xml(), "s.bpmn");
  constexpr int kMany = 2 * kMaxStepsPerCommand + 100;
  bench.start(list_of(kMany));
  bench.go_on();
  const Key last = bench.start(list_of(1));
  ASSERT_EQ(bench.engine.state().signal_waiters("fire").size(), std::size_t{kMany + 1});

  const Outcome first = bench.run(BroadcastSignal{"fire", {{"v", feel::Value(1)}}});
  ASSERT_FALSE(first.to_continue.empty());
  EXPECT_EQ(first.to_continue[0], first.key);
  // What ends, and what begins to wait, before its turn comes is not told; a later signal comes after this one to everybody.
  bench.run(CancelInstance{last});
  const Outcome second = bench.run(BroadcastSignal{"fire", {{"v", feel::Value(2)}}});
  EXPECT_EQ(second.to_continue, std::vector<Key>{second.key});
  bench.start(list_of(1));
  EXPECT_EQ(bench.engine.state().broadcasts().size(), 2u);
  bench.go_on();
  EXPECT_TRUE(bench.engine.state().broadcasts().empty());
  EXPECT_EQ(bench.engine.state().activatable("started").size(), 2u) << "each began one";
  std::string told;
  for (auto jobs = bench.activate("told", 500); !jobs.empty(); jobs = bench.activate("told", 500))
    for (const ActivatedJob& job : jobs) told += feel::to_json(job.variables.at("mine"));
  EXPECT_EQ(told, std::string(kMany, '1') + std::string(kMany, '2'));
}

TEST(Limits, SignalsThatThrowEachOtherShareACommand) {
  Bench bench;
  bench.deploy(listeners());
  TestModel thrower("s");
  thrower.start().parallel("f").end();
  for (int i = 0; i < 4; ++i) {
    const std::string id = "throw" + std::to_string(i);
    thrower.end_on(id, thrower.on_signal("fire")).flow("f", id);
  }
  bench.deploy(thrower.flow("start", "f").flow("f", "end").xml(), "s.bpmn");
  constexpr int kMany = 100;
  bench.start(list_of(kMany));
  bench.go_on();
  const Outcome outcome = bench.run(CreateInstance{"s", 0, {{"v", feel::Value(1)}}, ""});
  EXPECT_LE(std::ranges::count_if(outcome.events, [](const Event& event) { return std::holds_alternative<EventTriggered>(event); }),
            kMaxStepsPerCommand);
  bench.go_on();
  EXPECT_EQ(bench.engine.state().activatable("told").size(), std::size_t{4 * kMany});
}

// One says it again whenever it hears it, and many others hear it too, so that no broadcast is done in one command.
TEST(Limits, SignalsThatNeverEndAreIncidents) {
  Engine engine;
  TestModel model;
  model.start().task("t", "work").boundary_on("told", "t", model.on_signal("fire"), false).end().end_on("again", model.on_signal("fire"));
  engine.execute(Deploy{{{"m.bpmn", model.flow("start", "t").flow("t", "end").flow("told", "again").xml()}}}, Timestamp{0});
  TestModel hears("s");
  hears.start().task("t", "work").boundary_on("told", "t", hears.on_signal("fire"), false).end().end("heard");
  engine.execute(Deploy{{{"s.bpmn", hears.flow("start", "t").flow("t", "end").flow("told", "heard").xml()}}}, Timestamp{0});
  engine.execute(CreateInstance{"p", 0, {}, ""}, Timestamp{0});
  for (int i = 0; i < kMaxStepsPerCommand; ++i) engine.execute(CreateInstance{"s", 0, {}, ""}, Timestamp{0});
  Outcome outcome = engine.execute(BroadcastSignal{"fire", {}}, Timestamp{0});
  std::deque<Key> rest(outcome.to_continue.begin(), outcome.to_continue.end());
  for (int rounds = 0; !rest.empty() && rounds < 100'000; ++rounds) {
    outcome = engine.execute(Continue{rest.front()}, Timestamp{0});
    rest.pop_front();
    rest.insert(rest.end(), outcome.to_continue.begin(), outcome.to_continue.end());
  }
  EXPECT_TRUE(rest.empty());
  EXPECT_TRUE(engine.state().broadcasts().empty());
  EXPECT_EQ(engine.state().open_incidents().size(), 1u);
}

TEST(Limits, ASignalWithMuchReachesFewAtOnce) {
  Engine engine;
  TestModel waiter;
  waiter.start().catch_on("wait", waiter.on_signal("fire")).task("t", "work").end();
  engine.execute(Deploy{{{"m.bpmn", waiter.flow("start", "wait").flow("wait", "t").flow("t", "end").xml()}}}, Timestamp{0});
  for (int i = 0; i < 40; ++i) engine.execute(CreateInstance{"p", 0, {}, ""}, Timestamp{0});
  Outcome outcome = engine.execute(BroadcastSignal{"fire", {{"big", feel::Value(std::string(900'000, 'x'))}}}, Timestamp{0});
  int rounds = 1;
  for (std::deque<Key> rest(outcome.to_continue.begin(), outcome.to_continue.end()); !rest.empty(); rest.pop_front(), ++rounds) {
    EXPECT_LT(encode_record({Timestamp{0}, outcome.events}).size(), 2 * kMaxWrittenPerCommand);
    outcome = engine.execute(Continue{rest.front()}, Timestamp{0});
    rest.insert(rest.end(), outcome.to_continue.begin(), outcome.to_continue.end());
  }
  EXPECT_GE(rounds, 8);
  EXPECT_EQ(engine.state().activatable("work").size(), 40u);
}

// ---- sizes

TEST(Limits, ExpressionsThatMakeTooMuchAreIncidents) {
  for (const char* expression :
       {"for i in 1..1000000 return i", "for a in 1..2000, b in 1..2000 return a", "{f: function(n) f(n + 1)}.f(1)"}) {
    Bench bench;
    bench.deploy(
        line("t", TestModel().activity("scriptTask", "t", "<z:script expression='=" + std::string(expression) + "' resultVariable='r'/>")));
    bench.start();
    EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR") << expression;
    bench.deploy(line("t", TestModel().activity("userTask", "t", "", input("=" + std::string(expression), "r"))));
    bench.start();
    EXPECT_EQ(bench.incidents().back().error_type, "IO_MAPPING_ERROR") << expression;
    bench.deploy(
        line("t", TestModel().activity("task", "t", "", "", TestModel::loop("inputCollection='=" + std::string(expression) + "'"))));
    bench.start();
    EXPECT_EQ(bench.incidents().back().error_type, "EXTRACT_VALUE_ERROR") << expression;
  }
}

TEST(Limits, VariablesAreBoundedOneByOneAndTogether) {
  Bench bench;
  bench.deploy(line(
      "t",
      TestModel().task("t", "work", output("=a", "x") + output("=a", "y") + output("=a", "z") + output("=a", "u") + output("=a", "v"))));
  const auto refusal = [&](const Context& variables) {
    const Outcome outcome = bench.run(CreateInstance{"p", 0, variables, ""});
    return outcome.rejection ? outcome.rejection->message : "";
  };
  const feel::Value large(std::string(kMaxVariableBytes - 100, 'x'));
  EXPECT_EQ(refusal({{"a", feel::Value(std::string(kMaxVariableBytes, 'x'))}}),
            "Expected to start a process with variables, but the variable 'a' is larger than 1 MB");
  EXPECT_EQ(refusal({{"a", large}, {"b", large}, {"c", large}}), "");
  EXPECT_EQ(refusal({{"a", large}, {"b", large}, {"c", large}, {"d", large}, {"e", large}}),
            "Expected to start a process with variables, but the variables are larger than 4 MB together");
  EXPECT_EQ(refusal({{"", feel::Value(1)}}),
            "Expected to start a process with variables, but the name of a variable must have 1 to 1024 bytes");
  bench.complete("work");
  EXPECT_EQ(bench.incident(), "IO_MAPPING_ERROR");
  EXPECT_EQ(bench.incidents()[0].message, "Expected to map values, but they are larger than 4 MB together");
}

// A list that is as long as a variable may be is gone through piece by piece.
TEST(Limits, ALoopOverAVeryLongListIsBoundedToo) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("task", "t", "", "", TestModel::loop("inputCollection='=list'"))));
  EXPECT_TRUE(bench.run(CreateInstance{"p", 0, *feel::parse_variables(list_of(200'000)), ""}).rejection);
}

// Many of what each is small enough: an instance says no at 64 MB, and what it holds is read again from its row.
TEST(Limits, AnInstanceHoldsNoMoreThanItsShare) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork)));
  const Key instance = bench.start();
  const std::string text(kMaxVariableBytes - 1000, 'x');
  int kept = 0;
  Outcome last;
  for (; kept < 100; ++kept) {
    last = bench.engine.execute(SetVariables{instance, {{"v" + std::to_string(kept), feel::Value(text)}}, false}, bench.now);
    if (last.rejection) break;
  }
  ASSERT_TRUE(last.rejection);
  EXPECT_EQ(last.rejection->code, Rejection::Code::kInvalidState);
  EXPECT_EQ(kept, 64);
  State& state = bench.engine.storage();
  const std::string row = pack_instance(*state.instance(instance));
  const auto read = decode_instance(state, row);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->bytes, state.instance(instance)->bytes);
  const Key job = bench.engine.execute(ActivateJobs{"work", "w", 1, seconds(60), {"none"}}, bench.now).jobs.at(0).key;
  EXPECT_TRUE(bench.engine.execute(CompleteJob{job, {{"w", feel::Value(text)}}}, bench.now).rejection);
  EXPECT_FALSE(bench.engine.execute(SetVariables{instance, {{"v0", feel::Value("")}}, false}, bench.now).rejection)
      << "there is always a way back";
  EXPECT_FALSE(bench.engine.execute(CompleteJob{job, {}}, bench.now).rejection);
}

// As it goes and comes, what an instance holds is counted as from its row.
TEST(Limits, WhatAnInstanceHoldsIsCountedAsItChanges) {
  Bench bench;
  bench.deploy(line(
      "t", TestModel().activity("serviceTask", "t", kWork, input("=i", "own") + output("=r", "all"),
                                TestModel::loop("inputCollection='=list' inputElement='i' outputCollection='out' outputElement='=r'"))));
  const Key instance = bench.start(R"({"list": ["one", "two", "three"]})");
  const auto is_counted = [&] {
    const Instance& now = *bench.engine.state().instance(instance);
    const auto read = decode_instance(bench.engine.state(), encode_instance(now));
    return read && read->bytes + 200 > now.bytes && now.bytes + 200 > read->bytes;  // what is null in a list counts a little
  };
  EXPECT_TRUE(is_counted());
  for (const ActivatedJob& job : bench.activate("work")) {
    bench.run(CompleteJob{job.key, {{"r", feel::Value(std::string(5000, 'r'))}}});
    EXPECT_TRUE(!bench.is_active(instance) || is_counted());
  }
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Limits, AStoppedLoopStaysStoppedAndHasOneIncident) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").end().flow("start", "t").flow("t", "end");
  model.open_event_sub("es")
      .start_on("by", model.on_message("go", "=\"k\""), false)
      .exclusive("again")
      .activity("manualTask", "spin")
      .flow("by", "again")
      .flow("again", "spin", "true")
      .flow("spin", "again")
      .close_sub();
  bench.deploy(model);
  const Key instance = bench.start();
  for (int i = 0; i < 3; ++i) {
    bench.publish("go", "k", "{}", "", Duration{});
    bench.go_on();
    EXPECT_EQ(bench.incidents().size(), 1u) << i;
  }
  bench.run(CancelInstance{instance});
  bench.go_on();
  EXPECT_FALSE(bench.is_active(instance));
  EXPECT_TRUE(bench.engine.state().open_incidents().empty());
}

TEST(Limits, AModificationHasSoManyInstructions) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork)));
  const Key instance = bench.start();
  ModifyInstance command{instance, {}, {}};
  command.activations.resize(kMaxInstructions + 1, {"t", 0, {}});
  EXPECT_EQ(bench.run(command).rejection->code, Rejection::Code::kInvalidArgument);
  command.activations.resize(kMaxInstructions);
  EXPECT_FALSE(bench.run(command).rejection);
}

TEST(Limits, AFileHoldsNoMoreProcessesThanTheirTextAllows) {
  std::string xml = "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' targetNamespace='t'>";
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    xml += "<process id='p" + n + "' isExecutable='true'><documentation>" + std::string(8000, 'd') + "</documentation><startEvent id='s" +
           n + "'/></process>";
  }
  Bench bench;
  const Outcome refused = bench.run(Deploy{{{"m.bpmn", xml + "</definitions>"}}});
  ASSERT_TRUE(refused.rejection);
  EXPECT_EQ(refused.rejection->findings.at(0).message,
            "the file holds too many processes for its size: in several files they can be deployed");
}

// A character is not cut in half, which no client could read.
TEST(Limits, TextsThatAreTooLongAreCutAtACharacter) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork)));
  bench.start();
  const std::string cut(kMaxNameBytes - 1, 'w');
  const auto jobs = bench.run(ActivateJobs{"work", cut + "\u00e4", 1, seconds(60)}).jobs;
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].worker, cut);
  const std::string why(kMaxMessageBytes - 1, 'm');
  bench.run(FailJob{jobs[0].key, 0, std::nullopt, "", why + "\u00e4"});
  EXPECT_EQ(bench.incidents().at(0).message, why);
}

}  // namespace
}  // namespace consilium::bpmn::engine
