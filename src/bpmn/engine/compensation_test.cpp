// What is undone, by which handler, in which order and scope: as seen of Zeebe 8.5.8.
#include <gtest/gtest.h>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

std::string refusal(const TestModel& model) {
  Bench bench;
  const Outcome outcome = bench.run(Deploy{{{"m.bpmn", model.xml()}}});
  std::string text;
  if (!outcome.rejection) return "accepted";
  for (const model::Finding& finding : outcome.rejection->findings) text += finding.element_id + ": " + finding.message + "\n";
  return text;
}

// A task that can be undone: its id in small letters is its job's type, that of its handler has "un" before it.
TestModel& undoable(TestModel& model, const std::string& id, const std::string& io = "", const std::string& inside = "") {
  model.activity("serviceTask", id, "<z:taskDefinition type='" + id + "'/>", io, inside);
  return model.compensated_by("b" + id, id, "un" + id).handler("un" + id, "un" + id);
}

void finish(Bench& bench, const std::string& type, std::string_view variables = "{}") {
  const auto jobs = bench.activate(type);
  EXPECT_FALSE(jobs.empty()) << type;
  for (const ActivatedJob& job : jobs) bench.run(CompleteJob{job.key, *feel::parse_variables(variables)});
}

TEST(Compensation, HandlersRunAndTheThrowEventWaitsForThem) {
  Bench bench;
  TestModel model;
  undoable(model.start(), "a", input("=1", "own"));
  model.throw_on("undo", TestModel::on_compensation()).end();
  bench.deploy(model.flow("start", "a").flow("a", "undo").flow("undo", "end"));
  bench.start(R"({"g": 1})");
  bench.complete("a", R"({"r": 5})");
  EXPECT_EQ(bench.take_path(), "start a ba");
  const ActivatedJob job = bench.job("una");
  EXPECT_EQ(feel::to_json(job.variables), R"({"g":1,"r":5})") << "what was local to the activity is gone";
  bench.run(CompleteJob{job.key, *feel::parse_variables(R"({"undone": true})")});
  EXPECT_EQ(bench.take_path(), "una undo end p");
  EXPECT_EQ(bench.end_variables(), R"({"g":1,"r":5,"undone":true})");
}

TEST(Compensation, EachCompletedActivityIsUndoneOnceInTheOrderOfCompletion) {
  Bench bench;
  TestModel model;
  model.start().exclusive("m").exclusive("x", "x_b");
  undoable(undoable(model, "a"), "b");
  model.throw_on("undo", TestModel::on_compensation()).throw_on("again", TestModel::on_compensation()).end();
  bench.deploy(model.flow("start", "m")
                   .flow("m", "a")
                   .flow("a", "x")
                   .flow("x", "m", "more")
                   .flow("x", "b")
                   .flow("b", "undo")
                   .flow("undo", "again")
                   .flow("again", "end"));
  bench.start(R"({"more": true})");
  bench.complete("a");
  bench.complete("a", R"({"more": false})");
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "start m a x m a x b ba ba bb");
  finish(bench, "unb");
  finish(bench, "una");
  EXPECT_EQ(bench.take_path(), "unb una una undo again end p");
}

TEST(Compensation, OneActivityMayBeAskedFor) {
  Bench bench;
  TestModel model;
  undoable(undoable(model.start(), "a"), "b");
  model.throw_on("undo", TestModel::on_compensation("a")).end_on("end", TestModel::on_compensation());
  bench.deploy(model.flow("start", "a").flow("a", "b").flow("b", "undo").flow("undo", "end"));
  bench.start();
  bench.complete("a");
  bench.complete("b");
  bench.complete("una");
  EXPECT_EQ(bench.take_path(), "start a b ba una undo bb");
  bench.complete("unb");
  EXPECT_EQ(bench.take_path(), "unb end p");
}

TEST(Compensation, WhatIsActiveOrWasEndedIsNotUndone) {
  Bench bench;
  TestModel model;
  undoable(model.start().parallel("f"), "a");
  model.boundary_timer("late", "a", "PT5S").task("t", "work").throw_on("undo", TestModel::on_compensation()).end().end("e2").end("e3");
  bench.deploy(
      model.flow("start", "f").flow("f", "a").flow("f", "t").flow("t", "undo").flow("undo", "end").flow("a", "e2").flow("late", "e3"));
  bench.start();
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start f t undo end");
  bench.complete("a");
  EXPECT_EQ(bench.take_path(), "a e2 p");
  bench.start();
  bench.pass(seconds(5));
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start f -a late e3 t undo end p");
}

// `sub` holds a and another sub-process with c.
TestModel nested(const std::string& thrown) {
  TestModel model;
  model.start().open_sub("sub", input("=7", "local")).start("s2");
  undoable(model, "a").open_sub("inner").start("s3");
  undoable(model, "c").end("e3").flow("s3", "c").flow("c", "e3").close_sub();
  model.end("e2").flow("s2", "a").flow("a", "inner").flow("inner", "e2").close_sub();
  return std::move(model.throw_on("undo", thrown).end().flow("start", "sub").flow("sub", "undo").flow("undo", "end"));
}

TEST(Compensation, SubProcessesAreUndoneWithAllThatHasCompletedInThem) {
  for (const char* activity : {"", "sub"}) {
    Bench bench;
    bench.deploy(nested(TestModel::on_compensation(activity)));
    const Key instance = bench.start();
    bench.complete("a");
    bench.complete("c");
    EXPECT_EQ(bench.take_path(), "start s2 a s3 c e3 inner e2 sub ba bc");
    const ActivatedJob job = bench.job("una");
    EXPECT_EQ(feel::to_json(job.variables), "{}") << "the sub-process has ended with its variables";
    EXPECT_EQ(bench.engine.state().instance(instance)->find(job.element_instance)->scope, instance);
    bench.run(CompleteJob{job.key, *feel::parse_variables(R"({"x": 1})")});
    EXPECT_EQ(feel::to_json(bench.job("unc").variables), R"({"x":1})");
    bench.run(CompleteJob{*bench.engine.state().activated("unc", "tester").begin(), {}});
    EXPECT_EQ(bench.take_path(), "una unc undo end p");
  }
}

TEST(Compensation, ASubProcessMayHaveAHandlerOfItsOwnBeside) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s2");
  undoable(model, "a").end("e2").flow("s2", "a").flow("a", "e2").close_sub();
  model.compensated_by("bsub", "sub", "unsub").handler("unsub", "unsub").throw_on("undo", TestModel::on_compensation()).end();
  bench.deploy(model.flow("start", "sub").flow("sub", "undo").flow("undo", "end"));
  bench.start();
  bench.complete("a");
  EXPECT_EQ(bench.take_path(), "start s2 a e2 sub bsub ba");
  bench.complete("unsub");
  bench.complete("una");
  EXPECT_EQ(bench.take_path(), "unsub una undo end p");
}

TEST(Compensation, InsideASubProcessItStaysThere) {
  Bench bench;
  TestModel model;
  undoable(model.start(), "o").open_sub("sub").start("s2");
  undoable(model, "a").throw_on("undo", TestModel::on_compensation()).end("e2");
  model.flow("s2", "a").flow("a", "undo").flow("undo", "e2").close_sub().end_on("end", TestModel::on_compensation());
  bench.deploy(model.flow("start", "o").flow("o", "sub").flow("sub", "end"));
  bench.start();
  bench.complete("o");
  bench.complete("a");
  bench.complete("una");
  EXPECT_EQ(bench.take_path(), "start o s2 a ba una undo e2 sub bo");
  bench.complete("uno");
  EXPECT_EQ(bench.take_path(), "uno end p");
}

TEST(Compensation, FromAnEventSubProcessItReachesTheScopeAround) {
  for (const auto& [activity, path] : {std::pair("", "ba bi una uni undo e3 es p"), std::pair("a", "ba una undo e3 es p")}) {
    Bench bench;
    TestModel model;
    undoable(model.start(), "a").error_end("end", "E").open_event_sub("es").start_on("by", model.on_error("E"));
    undoable(model, "i").throw_on("undo", TestModel::on_compensation(activity)).end("e3");
    model.flow("by", "i").flow("i", "undo").flow("undo", "e3").close_sub();
    bench.deploy(model.flow("start", "a").flow("a", "end"));
    bench.start();
    bench.complete("a");
    bench.complete("i");
    EXPECT_EQ(bench.take_path().substr(0, 20), "start a -end by i ba");
    bench.complete("una");
    if (std::string_view(activity).empty()) bench.complete("uni");
    EXPECT_EQ(bench.ended().size(), 1u) << path;
  }
}

// What was done in an event sub-process that has completed is done.
TEST(Compensation, ACompletedEventSubProcessIsNotUndone) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").throw_on("undo", TestModel::on_compensation()).end().open_event_sub("es");
  undoable(model.start_on("by", model.on_signal("s"), false), "i").end("e3").flow("by", "i").flow("i", "e3").close_sub();
  bench.deploy(model.flow("start", "t").flow("t", "undo").flow("undo", "end"));
  const Key instance = bench.start();
  bench.run(BroadcastSignal{"s", {}});
  bench.complete("i");
  EXPECT_TRUE(bench.engine.state().instance(instance)->compensations().notes.empty());
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start by i e3 es t undo end p");
}

constexpr char kTwice[] = "inputCollection='=[1,2]' inputElement='x'";

TEST(Compensation, AMultiInstanceActivityIsUndoneOnce) {
  Bench bench;
  TestModel model;
  undoable(model.start(), "a", "", TestModel::loop(kTwice)).end_on("end", TestModel::on_compensation());
  bench.deploy(model.flow("start", "a").flow("a", "end"));
  bench.start();
  finish(bench, "a");
  EXPECT_EQ(bench.take_path(), "start a a a ba");
  bench.complete("una");
  EXPECT_EQ(bench.take_path(), "una end p");
}

TEST(Compensation, EachInstanceOfASubProcessIsUndone) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub", "", TestModel::loop(kTwice)).start("s2");
  undoable(model, "a").end("e2").flow("s2", "a").flow("a", "e2").close_sub().end_on("end", TestModel::on_compensation());
  bench.deploy(model.flow("start", "sub").flow("sub", "end"));
  bench.start();
  finish(bench, "a");
  EXPECT_EQ(bench.take_path(), "start s2 s2 a e2 sub a e2 sub sub ba ba");
  finish(bench, "una");
  EXPECT_EQ(bench.take_path(), "una una end p");
}

TEST(Compensation, InOneInstanceOfASubProcessItStaysThere) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub", "", TestModel::loop(kTwice)).start("s2");
  undoable(model, "a").end_on("e2", TestModel::on_compensation()).flow("s2", "a").flow("a", "e2").close_sub().end();
  bench.deploy(model.flow("start", "sub").flow("sub", "end"));
  bench.start();
  const auto jobs = bench.activate("a");
  ASSERT_EQ(jobs.size(), 2u);
  bench.run(CompleteJob{jobs[0].key, {}});
  EXPECT_EQ(feel::to_json(bench.job("una").variables), R"({"loopCounter":1,"x":1})");
  bench.run(CompleteJob{jobs[1].key, {}});
  EXPECT_EQ(feel::to_json(bench.job("una").variables), R"({"loopCounter":2,"x":2})");
}

TEST(Compensation, AHandlerMayBeAnyActivity) {
  const auto run = [](const std::string& handler, const std::string& type, const std::string& path) {
    Bench bench;
    bench.deploy(TestModel("child").start().task("ct", "child").end().flow("start", "ct").flow("ct", "end").xml(), "child.bpmn");
    TestModel model;
    model.start().task("a", "a").compensated_by("ba", "a", "h").raw(handler).end_on("end", TestModel::on_compensation());
    bench.deploy(model.flow("start", "a").flow("a", "end"));
    bench.start();
    bench.complete("a");
    bench.take_path();
    if (!type.empty()) finish(bench, type);
    EXPECT_EQ(bench.take_path(), path) << handler;
    EXPECT_EQ(bench.ended().back().process_id, "p") << handler;
  };
  const std::string mark = "isForCompensation='true'";
  run("<callActivity id='h' " + mark + "><extensionElements><z:calledElement processId='child'/></extensionElements></callActivity>",
      "child", "ct end child h end p");
  run("<subProcess id='h' " + mark + "><startEvent id='hs'/><serviceTask id='ht'><extensionElements><z:taskDefinition type='w'/>" +
          "</extensionElements></serviceTask><sequenceFlow id='hf' sourceRef='hs' targetRef='ht'/></subProcess>",
      "w", "ht h end p");
  run("<serviceTask id='h' " + mark + "><extensionElements><z:taskDefinition type='w'/></extensionElements>" + TestModel::loop(kTwice) +
          "</serviceTask>",
      "w", "h h h end p");
  for (const char* kind : {"task", "manualTask"}) {
    Bench bench;
    TestModel model;
    model.start().task("a", "a").compensated_by("ba", "a", "h").raw("<" + std::string(kind) + " id='h' " + mark + "/>");
    bench.deploy(model.end_on("end", TestModel::on_compensation()).flow("start", "a").flow("a", "end"));
    bench.start();
    bench.complete("a");
    EXPECT_EQ(bench.take_path(), "start a ba h end p") << kind;
  }
}

// What a handler has done can be undone as well.
TEST(Compensation, WhatASubProcessAsHandlerHasDoneCanBeUndone) {
  Bench bench;
  TestModel model;
  model.start().task("a", "a").compensated_by("ba", "a", "h").raw("<subProcess id='h' isForCompensation='true'>").start("s2");
  undoable(model, "c").end("e2").flow("s2", "c").flow("c", "e2").close_sub();
  model.throw_on("undo", TestModel::on_compensation()).end_on("end", TestModel::on_compensation());
  bench.deploy(model.flow("start", "a").flow("a", "undo").flow("undo", "end"));
  bench.start();
  bench.complete("a");
  bench.complete("c");
  EXPECT_EQ(bench.take_path(), "start a ba s2 c e2 h undo bc");
  bench.complete("unc");
  EXPECT_EQ(bench.take_path(), "unc end p");
}

TEST(Compensation, EndsWithItsScopeAndDoesNotBeginAgain) {
  Bench bench;
  TestModel model;
  undoable(model.start(), "a")
      .throw_on("undo", TestModel::on_compensation())
      .end()
      .open_event_sub("es")
      .start_on("by", model.on_signal("s"));
  model.throw_on("undo2", TestModel::on_compensation()).end("e3").flow("by", "undo2").flow("undo2", "e3").close_sub();
  bench.deploy(model.flow("start", "a").flow("a", "undo").flow("undo", "end"));
  bench.start();
  bench.complete("a");
  bench.run(BroadcastSignal{"s", {}});
  EXPECT_TRUE(bench.activate("una").empty());
  EXPECT_EQ(bench.take_path(), "start a ba -undo -una by undo2 e3 es p");
  const Key instance = bench.start();
  bench.complete("a");
  bench.run(CancelInstance{instance});
  EXPECT_EQ(bench.take_path(), "start a ba -undo -una -p");
}

TEST(Compensation, ErrorsOfAHandlerAreCaughtAround) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s2");
  undoable(model, "a").end_on("e2", TestModel::on_compensation()).flow("s2", "a").flow("a", "e2").close_sub();
  model.boundary_error("bad", "sub", "").end().end("e4");
  bench.deploy(model.flow("start", "sub").flow("sub", "end").flow("bad", "e4"));
  bench.start();
  bench.complete("a");
  bench.run(ThrowError{bench.job("una").key, "E", "", {}});
  EXPECT_EQ(bench.take_path(), "start s2 a ba -e2 -una -sub bad e4 p");
}

TEST(Compensation, AnIncidentOfAHandlerCanBeResolved) {
  Bench bench;
  TestModel model;
  model.start().task("a", "a").compensated_by("ba", "a", "h");
  model.raw(
      "<serviceTask id='h' isForCompensation='true'><extensionElements><z:taskDefinition type='=kind'/></extensionElements></serviceTask>");
  bench.deploy(model.end_on("end", TestModel::on_compensation()).flow("start", "a").flow("a", "end"));
  const Key instance = bench.start();
  bench.complete("a");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  bench.run(SetVariables{instance, {{"kind", feel::Value("w")}}, false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  bench.complete("w");
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Compensation, ModificationBeginsAndEndsItsParts) {
  Bench bench;
  TestModel model;
  undoable(model.start(), "a").task("t", "work").throw_on("undo", TestModel::on_compensation()).end();
  bench.deploy(model.flow("start", "a").flow("a", "t").flow("t", "undo").flow("undo", "end"));
  const Key instance = bench.start();
  bench.complete("a");
  EXPECT_FALSE(bench.run(ModifyInstance{instance, {{"una", 0, {}}}, {}}).rejection);
  bench.complete("una");  // undoes nothing
  EXPECT_TRUE(bench.run(ModifyInstance{instance, {{"ba", 0, {}}}, {}}).rejection);
  EXPECT_FALSE(bench.run(ModifyInstance{instance, {{"undo", 0, {}}}, {}}).rejection);
  EXPECT_EQ(bench.take_path(), "start a una ba");
  bench.run(ModifyInstance{instance, {}, {bench.find(instance, "undo")}});
  bench.complete("una");  // goes on, and nobody waits for it
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "-undo una t undo end p");
}

TEST(Compensation, MigrationKeepsWhatTheOtherVersionCanUndo) {
  const auto version = [](const std::string& type, bool can_undo) {
    TestModel model;
    model.start().task("a", "a").task("t", type).throw_on("undo", TestModel::on_compensation()).end();
    if (can_undo) model.compensated_by("ba", "a", "una").handler("una", "una");
    return std::move(model.flow("start", "a").flow("a", "t").flow("t", "undo").flow("undo", "end"));
  };
  for (const bool can_undo : {true, false}) {
    Bench bench;
    bench.deploy(version("work", true));
    const Key instance = bench.start();
    bench.complete("a");
    bench.deploy(version("other", can_undo));
    EXPECT_FALSE(bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, {{"t", "t"}}}).rejection);
    bench.complete("work");
    if (can_undo) bench.complete("una");
    EXPECT_EQ(bench.take_path(), can_undo ? "start a t ba una undo end p" : "start a t undo end p");
  }
}

TEST(Compensation, ManyHandlersBeginAFewAtATime) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub", "", TestModel::loop("inputCollection='=for i in 1..500 return i' inputElement='x'")).start("s2");
  model.activity("task", "a").compensated_by("ba", "a", "una").handler("una", "una").end("e2").flow("s2", "a").flow("a", "e2").close_sub();
  bench.deploy(model.end_on("end", TestModel::on_compensation()).flow("start", "sub").flow("sub", "end"));
  bench.start();
  EXPECT_GT(bench.go_on(), 5);
  int undone = 0;
  for (auto jobs = bench.activate("una", 100); !jobs.empty(); jobs = bench.activate("una", 100)) {
    for (const ActivatedJob& job : jobs) bench.run(CompleteJob{job.key, {}}), ++undone;
  }
  EXPECT_EQ(undone, 500);
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Compensation, AHandlerNeedsNoMark) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .task("a", "a")
                   .compensated_by("ba", "a", "undo")
                   .task("undo", "undo")
                   .end_on("end", TestModel::on_compensation())
                   .flow("start", "a")
                   .flow("a", "end"));
  bench.start();
  bench.complete("a");
  bench.complete("undo");
  EXPECT_EQ(bench.take_path(), "start a ba undo end p");
}

TEST(Compensation, ModelsThatCannotBeUndoneAreRefused) {
  const auto with = [](auto change) {
    TestModel model;
    undoable(model.start(), "a").end_on("end", TestModel::on_compensation()).flow("start", "a").flow("a", "end");
    change(model);
    return refusal(model);
  };
  EXPECT_EQ(with([](TestModel&) {}), "accepted");
  EXPECT_EQ(with([](TestModel& m) { m.flow("una", "end"); }), "una_end: a compensation handler may not have incoming or outgoing flows\n");
  EXPECT_EQ(with([](TestModel& m) { m.flow("ba", "end"); }), "ba_end: a compensation boundary event may not have an outgoing flow\n");
  EXPECT_EQ(with([](TestModel& m) { m.boundary_timer("late", "una", "PT1S").flow("late", "end"); }),
            "una: a compensation handler may not have boundary events\n");
  EXPECT_EQ(with([](TestModel& m) { m.compensated_by("b2", "a", "un2").handler("un2", "w"); }),
            "b2: an activity may have one compensation boundary event only\n");
  EXPECT_EQ(with([](TestModel& m) { m.handler("un2", "w").raw("<association id='x' sourceRef='ba' targetRef='un2'/>"); }),
            "ba: a compensation boundary event may have one handler only\n");
  EXPECT_EQ(with([](TestModel& m) { m.raw("<textAnnotation id='note'/><association id='x' sourceRef='ba' targetRef='note'/>"); }),
            "accepted");
  EXPECT_EQ(with([](TestModel& m) { m.handler("lost", "w"); }), "accepted");
  EXPECT_EQ(with([](TestModel& m) { m.boundary_on("b2", "a", TestModel::on_compensation(), false); }),
            "b2: a compensation boundary event may not be non-interrupting\nb2: an activity may have one compensation boundary event only\n"
            "b2: a compensation boundary event needs an association with its handler\n");
  const auto thrown = [&](const std::string& definition) {
    return with([&](TestModel& m) { m.end_on("e2", definition).exclusive("x").flow("x", "e2"); });
  };
  EXPECT_EQ(thrown(TestModel::on_compensation("nobody")), "e2: activityRef refers to 'nobody', which does not exist\n");
  EXPECT_EQ(thrown(TestModel::on_compensation("una")),
            "e2: the activity 'una' to compensate needs a compensation boundary event, or to be a sub-process\n");
  EXPECT_EQ(thrown("<compensateEventDefinition waitForCompletion='false'/>"),
            "e2: a compensation throw event must wait for its completion\n");
  EXPECT_EQ(refusal(TestModel()
                        .start()
                        .task("a", "a")
                        .compensated_by("ba", "a", "t")
                        .task("t", "t")
                        .end()
                        .flow("start", "a")
                        .flow("a", "t")
                        .flow("t", "end")),
            "a_t: a compensation handler may not have incoming or outgoing flows\n"
            "t_end: a compensation handler may not have incoming or outgoing flows\n");
  TestModel deep;
  deep.start().open_sub("sub").start("s2");
  undoable(deep, "a").end("e2").flow("s2", "a").flow("a", "e2").close_sub().end_on("end", TestModel::on_compensation("a"));
  EXPECT_EQ(refusal(deep.flow("start", "sub").flow("sub", "end")),
            "end: the activity 'a' to compensate must be in the same scope as the event\n");
  EXPECT_EQ(
      refusal(TestModel().start().catch_on("c", TestModel::on_compensation()).end().flow("start", "c").flow("c", "end")),
      "c: bpmn:compensateEventDefinition is not supported in a intermediateCatchEvent\nc: an intermediate catch event needs a message, "
      "timer, signal or link definition\n");
  TestModel beginning;
  beginning.open_event_sub("es").start_on("by", TestModel::on_compensation()).close_sub();
  EXPECT_NE(refusal(beginning.start().end().flow("start", "end")).find("is not supported in a startEvent"), std::string::npos);
}

}  // namespace
}  // namespace consilium::bpmn::engine
