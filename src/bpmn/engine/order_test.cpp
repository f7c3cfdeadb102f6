// What the order of steps within one command decides: seen on the log of Zeebe 8.5.8, and proved at large by tests/peers/golden_test.py.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

TEST(Order, AScopeWaitsFromWhenItsStartEventCompletes) {
  Bench bench;
  TestModel model;
  model.start_on("begun", model.on_message("begin")).task("t", "work").end();
  model.open_event_sub("es").start_on("told", model.on_message("stop", "=who")).end("e3").flow("told", "e3").close_sub();
  bench.deploy(model.flow("begun", "t").flow("t", "end"));
  bench.publish("begin", "k", R"({"who": "ann"})");
  EXPECT_TRUE(bench.incidents().empty());
  bench.publish("stop", "ann");
  EXPECT_EQ(bench.take_path(), "begun -t told e3 es p");
}

TEST(Order, WhatTheWaitsOfAScopeLackStopsItsStartEvent) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").end();
  model.open_event_sub("es").start_on("told", model.on_message("stop", "=who")).end("e3").flow("told", "e3").close_sub();
  bench.deploy(model.flow("start", "t").flow("t", "end"));
  const Key instance = bench.start();
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  EXPECT_NE(bench.incidents()[0].element_instance, instance);
  bench.run(SetVariables{instance, *feel::parse_variables(R"({"who": "ann"})"), false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

TEST(Order, AScopeDoesNotCompleteWhileWhatALinkLeadsToHasJustBegun) {
  Bench bench;
  TestModel model;
  model.start().parallel("f").task("w", "work").throw_on("away", TestModel::on_link("x", "away-link")).end("e2").end();
  model.catch_on("here", TestModel::on_link("x", "here-link")).task("t", "later");
  model.flow("start", "f").flow("f", "w").flow("w", "e2").flow("f", "away").flow("here", "t").flow("t", "end");
  bench.deploy(model);
  const Key instance = bench.start();
  bench.complete("work");
  EXPECT_TRUE(bench.is_active(instance));
  bench.complete("later");
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Order, ASignalThatComesBeforeTheStartEventCompletesIsNotHeard) {
  Bench bench;
  TestModel model;
  model.start().parallel("f").throw_on("halt", model.on_signal("halt")).end("e1").end().end("c");
  model.open_sub("sub").start("s2").task("t", "work").end("e2").flow("s2", "t").flow("t", "e2").close_sub();
  model.boundary_on("stop", "sub", model.on_signal("halt"));
  model.flow("start", "f").flow("f", "sub").flow("f", "halt").flow("halt", "e1").flow("sub", "end").flow("stop", "c");
  bench.deploy(model);
  bench.start();
  EXPECT_EQ(bench.take_path(), "start f halt e1 s2");
  bench.run(BroadcastSignal{"halt", {}});
  EXPECT_EQ(bench.take_path(), "-t -sub stop c p");
}

TEST(Order, ErrorsDoNotPassAnInterruptedScopeButEscalationsDo) {
  const auto path = [](const auto& event) {
    Bench bench;
    TestModel model;
    model.start().open_sub("sub").start("s2").task("t", "work").end("e2").flow("s2", "t").flow("t", "e2");
    model.open_event_sub("es")
        .start_on("told", model.on_message("stop", "=\"k\""))
        .end_on("out", event(model))
        .flow("told", "out")
        .close_sub();
    model.close_sub().boundary_on("b", "sub", event(model)).end().end("c");
    bench.deploy(model.flow("start", "sub").flow("sub", "end").flow("b", "c"));
    bench.start();
    bench.publish("stop", "k");
    return bench.take_path() + (bench.incidents().empty() ? "" : " " + bench.incident());
  };
  EXPECT_EQ(path([](TestModel& model) { return model.on_error("E"); }), "start s2 -t told UNHANDLED_ERROR_EVENT");
  EXPECT_EQ(path([](TestModel& model) { return model.on_escalation("E"); }), "start s2 -t told -out -es -sub b c p");
}

TEST(Order, AModificationWakesAnInterruptedScope) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").end();
  model.open_event_sub("es").start_on("by", model.on_error("E")).task("u", "other").flow("by", "u").close_sub();
  bench.deploy(model.flow("start", "t").flow("t", "end"));
  const Key instance = bench.start();
  bench.run(ThrowError{bench.job("work").key, "E", "", {}});
  EXPECT_EQ(bench.take_path(), "start -t by");
  bench.run(ModifyInstance{instance, {{"t", 0, {}}}, {bench.find(instance, "es")}});
  EXPECT_EQ(bench.take_path(), "-u -es");
  const Outcome refused = bench.run(ThrowError{bench.job("work").key, "E", "", {}});  // its event sub-process has had its turn
  EXPECT_EQ(refused.rejection->code, Rejection::Code::kInvalidState);
  bench.run(CancelInstance{instance});
  EXPECT_EQ(bench.take_path(), "-t -p");
}

// Its second time was set after the other timer began, and it is due with it.
TEST(Order, OfTimersDueAtOnceThatOfTheOlderElementIsFirst) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s2").catch_timer("wait", "PT4H").end("e2").flow("s2", "wait").flow("wait", "e2").close_sub();
  model.boundary_on("aside", "sub", TestModel::on_timer("R2/PT2H", "timeCycle"), false).end("e3").end();
  bench.deploy(model.flow("start", "sub").flow("sub", "end").flow("aside", "e3"));
  bench.start();
  bench.pass(hours(4));
  EXPECT_EQ(bench.take_path(), "start s2 aside e3 aside e3 wait e2 sub end p");
}

TEST(Order, AnEventSubProcessIsReachedBeforeTheBoundaryEventsOfItsScope) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s2").task("t", "work").end("e2").flow("s2", "t").flow("t", "e2");
  model.open_event_sub("es").start_on("late", TestModel::on_timer("PT1H")).task("u", "other").flow("late", "u").close_sub().close_sub();
  model.boundary_on("out", "sub", TestModel::on_timer("PT1H")).end().end("c").flow("start", "sub").flow("sub", "end").flow("out", "c");
  bench.deploy(model);
  bench.start();
  bench.pass(hours(1));
  EXPECT_EQ(bench.take_path(), "start s2 -t late -u -es -sub out c p");
}

// `a` began first, but an incident kept it from waiting until `b` did.
TEST(Order, OfElementsThatWaitForOneMessageOrSignalTheOlderIsFirst) {
  const auto path = [](const std::string& on, const std::function<void(Bench&)>& tell) {
    Bench bench;
    TestModel model;
    model.start()
        .parallel("f")
        .catch_on("a", on == "message" ? model.on_message("go", "=late") : model.on_signal("go"),
                  "<z:input source='=assert(late, late != null)' target='z'/>")
        .end("e1");
    model.catch_on("b", on == "message" ? model.on_message("go", "=\"k\"") : model.on_signal("go")).end("e2");
    bench.deploy(model.flow("start", "f").flow("f", "b").flow("f", "a").flow("a", "e1").flow("b", "e2"));
    const Key instance = bench.start();
    bench.run(SetVariables{instance, *feel::parse_variables(R"({"late": "k"})"), false});
    bench.run(ResolveIncident{bench.incidents()[0].key});
    bench.take_path();
    tell(bench);
    return bench.take_path();
  };
  EXPECT_EQ(path("message", [](Bench& bench) { bench.publish("go", "k", "{}", "", Duration{}); }), "a e1");
  EXPECT_EQ(path("signal", [](Bench& bench) { bench.run(BroadcastSignal{"go", {}}); }), "a b e1 e2 p");
}

// The signal comes between the ends of two instances, the second of which ends the loop.
TEST(Order, ABoundaryEventIsNotForgottenWhenTheLoopIsDoneBeforeItEnds) {
  Bench bench;
  TestModel model;
  model.start().parallel("f").parallel("f2").throw_on("told", model.on_signal("halt")).end("e1").end().end("c");
  model.activity("task", "each", "", "", TestModel::loop("inputCollection='=[1, 2, 3]'", "numberOfCompletedInstances > 1"));
  model.boundary_on("stop", "each", model.on_signal("halt")).flow("stop", "c").flow("start", "f").flow("each", "end");
  bench.deploy(model.flow("f", "f2").flow("f", "each").flow("f2", "told").flow("told", "e1"));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start f f2 told each each each -each e1 stop c p");
}

// So large that its ends go step by step.
TEST(Order, AModificationOfALargeInstanceKeepsTheScopeInWhichItBegins) {
  Bench bench;
  TestModel model;
  model.start()
      .parallel("f")
      .activity("serviceTask", "many", "<z:taskDefinition type='each'/>", "", TestModel::loop("inputCollection='=list'"))
      .open_sub("sub")
      .start("s2");
  model.task("first", "work").task("deep", "later").end("e2").flow("s2", "first").flow("first", "deep").flow("deep", "e2").close_sub();
  bench.deploy(model.flow("start", "f").flow("f", "many").flow("f", "sub"));
  feel::List list(300, feel::Value(std::int64_t{1}));
  const Key instance = bench.run(CreateInstance{"p", 0, {{"list", feel::Value(list)}}, ""}).key;
  bench.go_on();
  bench.run(ModifyInstance{instance, {{"deep", 0, {}}}, {bench.find(instance, "first")}});
  bench.go_on();
  EXPECT_EQ(bench.find(instance, "first"), 0);
  EXPECT_NE(bench.find(instance, "sub"), 0);
  bench.complete("later");
  EXPECT_EQ(bench.find(instance, "sub"), 0);
}

}  // namespace
}  // namespace consilium::bpmn::engine
