// What each kind of element does, beyond what engine_test.cpp shows of the first ones.
#include <gtest/gtest.h>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

constexpr char kWork[] = "<z:taskDefinition type='work'/>";

// What is wrong with a model, one finding a line.
std::string refusal(const TestModel& model) {
  Bench bench;
  const Outcome outcome = bench.run(Deploy{{{"m.bpmn", model.xml()}}});
  std::string text;
  if (!outcome.rejection) return "accepted";
  for (const model::Finding& finding : outcome.rejection->findings) text += finding.element_id + ": " + finding.message + "\n";
  return text;
}

TestModel line(const std::string& middle, TestModel model) {
  return std::move(model.start().end().flow("start", middle).flow(middle, "end"));
}

Key broadcast(Bench& bench, const std::string& name, std::string_view variables = "{}") {
  const Outcome outcome = bench.run(BroadcastSignal{name, *feel::parse_variables(variables)});
  EXPECT_FALSE(outcome.rejection);
  return outcome.key;
}

// ---- tasks

TEST(Elements, TasksThatAreJobs) {
  for (const char* kind : {"sendTask", "scriptTask", "businessRuleTask", "serviceTask"}) {
    Bench bench;
    bench.deploy(line("t", TestModel().activity(kind, "t", kWork, output("=r + 1", "x"))));
    bench.start();
    bench.complete("work", R"({"r": 1})");
    EXPECT_EQ(bench.end_variables(), R"({"x":2})") << kind;
    EXPECT_EQ(bench.take_path(), "start t end p") << kind;
    EXPECT_NE(refusal(line("t", TestModel().activity(kind, "t"))), "accepted") << kind;
  }
}

TEST(Elements, UserTasksAreJobsOfOneTypeWithTheirAssignmentAsHeaders) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("userTask", "t",
                                              "<z:formDefinition formKey='form-1'/>"
                                              "<z:assignmentDefinition assignee='=who' candidateGroups='a, b' candidateUsers='=users'/>"
                                              "<z:taskSchedule dueDate='2030-01-01T10:00:00Z' followUpDate='=later'/>"
                                              "<z:taskHeaders><z:header key='k' value='v'/></z:taskHeaders>")));
  bench.start(R"({"who": "anna", "users": ["u"], "later": null})");
  const ActivatedJob job = bench.job("io.camunda.zeebe:userTask");
  EXPECT_EQ(job.retries, 1);
  EXPECT_EQ(feel::to_json(job.headers), R"({"io.camunda.zeebe:assignee":"anna","io.camunda.zeebe:candidateGroups":"[\"a\",\"b\"]",)"
                                        R"("io.camunda.zeebe:candidateUsers":"[\"u\"]","io.camunda.zeebe:dueDate":"2030-01-01T10:00:00Z",)"
                                        R"("io.camunda.zeebe:formKey":"form-1","k":"v"})");
  bench.run(CompleteJob{job.key, {}});
  EXPECT_EQ(bench.take_path(), "start t end p");
  bench.start(R"({"who": 7, "users": ["u"], "later": null})");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
}

// As Zeebe 8.5.8 takes each of these.
TEST(Elements, WhatIsSaidOfAUserTaskMayBeComputed) {
  const auto header = [](const std::string& extension, const std::string& name, std::string_view variables = "{}") -> std::string {
    Bench bench;
    bench.deploy(line("t", TestModel().activity("userTask", "t", extension)));
    bench.start(variables);
    if (!bench.incidents().empty()) return bench.incident();
    const ActivatedJob job = bench.job(model::kUserTaskJobType);
    const auto found = job.headers.find("io.camunda.zeebe:" + name);
    return found == job.headers.end() ? "none" : *found->second.string();
  };
  const auto due = [&](const std::string& text) { return header("<z:taskSchedule dueDate='" + text + "'/>", "dueDate"); };
  EXPECT_EQ(due("=now() + duration(&quot;P1D&quot;)"), "2026-01-02T00:00:00Z");
  EXPECT_EQ(due("=date and time(&quot;2026-01-02T03:04:05@Europe/Berlin&quot;)"), "2026-01-02T03:04:05+01:00");
  EXPECT_EQ(due("=date and time(&quot;2026-01-02T03:04:05&quot;)"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(due("=&quot;2026-01-02T03:04:05+02:00&quot;"), "2026-01-02T03:04:05+02:00");
  for (const char* none : {"=null", "=missing", "=&quot;&quot;"}) EXPECT_EQ(due(none), "none") << none;
  for (const char* wrong : {"=date(&quot;2026-01-02&quot;)", "=&quot;x&quot;", "=1", "=&quot;2026-01-02T03:04:05&quot;"})
    EXPECT_EQ(due(wrong), "EXTRACT_VALUE_ERROR") << wrong;
  const auto assigned = [&](const std::string& attribute, const std::string& text) {
    return header("<z:assignmentDefinition " + attribute + "='" + text + "'/>", attribute);
  };
  EXPECT_EQ(assigned("assignee", "=&quot;&quot;"), "none");
  for (const char* wrong : {"=null", "=missing", "=1", "=[&quot;a&quot;]"})
    EXPECT_EQ(assigned("assignee", wrong), "EXTRACT_VALUE_ERROR") << wrong;
  EXPECT_EQ(assigned("candidateGroups", "=[]"), "[]");
  for (const char* wrong : {"=null", "=missing", "=&quot;&quot;", "=&quot;a&quot;", "=[&quot;a&quot;, null]"})
    EXPECT_EQ(assigned("candidateGroups", wrong), "EXTRACT_VALUE_ERROR") << wrong;
  EXPECT_EQ(header("<z:formDefinition formKey='=key'/>", "formKey"), "=key") << "no expression";
  EXPECT_EQ(header("<z:formDefinition formId='=missing'/>", "formKey"), "EXTRACT_VALUE_ERROR");
  EXPECT_EQ(header("<z:taskHeaders><z:header key='a' value=''/><z:header key='b'/></z:taskHeaders>", "a"), "none");
}

// Over the gateway it is the same job. Priorities are of Zeebe 8.6, and of such tasks alone.
TEST(Elements, NativeUserTasksAreTheSameJobAndMayHaveAPriority) {
  const auto headers = [](const std::string& extension, std::string_view variables = "{}") -> std::string {
    Bench bench;
    bench.deploy(line("t", TestModel().activity("userTask", "t", "<z:userTask/>" + extension)));
    bench.start(variables);
    return bench.incidents().empty() ? feel::to_json(bench.job(model::kUserTaskJobType).headers) : bench.incident();
  };
  EXPECT_EQ(headers(""), "{}");
  EXPECT_EQ(headers("<z:assignmentDefinition assignee='anna'/><z:formDefinition externalReference='form-1'/>"),
            R"({"io.camunda.zeebe:assignee":"anna","io.camunda.zeebe:formKey":"form-1"})");
  const auto priority = [&](const std::string& text, std::string_view variables = "{}") {
    return headers("<z:priorityDefinition priority='" + text + "'/>", variables);
  };
  EXPECT_EQ(priority("70"), R"({"io.camunda.zeebe:priority":"70"})");
  EXPECT_EQ(priority("=urgency * 10", R"({"urgency": 10})"), R"({"io.camunda.zeebe:priority":"100"})");
  for (const char* wrong : {"11", "-1", "0.05", "null", R"("a")"})
    EXPECT_EQ(priority("=urgency * 10", R"({"urgency": )" + std::string(wrong) + "}"), "EXTRACT_VALUE_ERROR") << wrong;
}

TEST(Elements, ScriptsComputeAVariable) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("scriptTask", "t", "<z:script expression='=a * 2' resultVariable='b'/>")));
  bench.start(R"({"a": 21})");
  EXPECT_EQ(bench.end_variables(), R"({"a":21,"b":42})");
  EXPECT_EQ(bench.take_path(), "start t end p");
  EXPECT_EQ(refusal(line("t", TestModel().activity("scriptTask", "t", "<z:script expression='=a' resultVariable='2'/>"))),
            "t: a script needs a resultVariable with the name of a variable\n");
  EXPECT_EQ(
      refusal(line("t", TestModel().activity("scriptTask", "t", std::string(kWork) + "<z:script expression='=a' resultVariable='b'/>"))),
      "t: a scriptTask needs either a zeebe:script or a zeebe:taskDefinition\n");
}

TEST(Elements, ManualAndUndefinedTasksPassTheTokenOn) {
  for (const char* kind : {"manualTask", "task"}) {
    Bench bench;
    bench.deploy(line("t", TestModel().activity(kind, "t")));
    bench.start();
    EXPECT_EQ(bench.take_path(), "start t end p") << kind;
  }
}

TEST(Elements, ReceiveTasksWaitForTheirMessageAndCanBeInterrupted) {
  Bench bench;
  bench.deploy(line("t", TestModel().receive("t", "msg", "=id").boundary_timer("late", "t", "PT5S").end("e2").flow("late", "e2")));
  bench.start(R"({"id": "k"})");
  bench.publish("msg", "k", R"({"v": 1})");
  EXPECT_EQ(bench.take_path(), "start t end p");
  EXPECT_EQ(bench.end_variables(), R"({"id":"k","v":1})");
  bench.start(R"({"id": "other"})");
  bench.pass(seconds(5));
  EXPECT_EQ(bench.take_path(), "start -t late e2 p");
}

// ---- gateways, links, ends

TEST(Elements, InclusiveGatewaysTakeEveryFlowThatHolds) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .inclusive("x", "x_c")
                   .end("a")
                   .end("b")
                   .end("c")
                   .flow("start", "x")
                   .flow("x", "a", "n > 1")
                   .flow("x", "b", "n > 2")
                   .flow("x", "c"));
  for (const auto& [variables, path] :
       {std::pair(R"({"n": 3})", "start x b a p"), std::pair(R"({"n": 2})", "start x a p"), std::pair(R"({"n": 1})", "start x c p")}) {
    bench.start(variables);
    EXPECT_EQ(bench.take_path(), path);
  }
  bench.start("{}");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
}

TEST(Elements, LinksLeadOnWithinTheirScope) {
  Bench bench;
  const auto model = [](const std::string& target) {
    return TestModel()
        .start()
        .throw_on("away", TestModel::on_link("L"))
        .catch_on("here", TestModel::on_link(target))
        .end()
        .flow("start", "away")
        .flow("here", "end");
  };
  bench.deploy(model("L"));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start away here end p");
  EXPECT_EQ(refusal(model("M")), "away: there is no link catch event 'L' in the same scope\n");
}

TEST(Elements, ThrowEventsWithoutDefinitionPassAndMessagesAreJobs) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .throw_on("none", "", output("=1", "x"))
                   .raw("<intermediateThrowEvent id='say'><extensionElements><z:taskDefinition type='work'/></extensionElements>"
                        "<messageEventDefinition/></intermediateThrowEvent>")
                   .raw("<endEvent id='end'><extensionElements><z:taskDefinition type='last'/></extensionElements>"
                        "<messageEventDefinition/></endEvent>")
                   .flow("start", "none")
                   .flow("none", "say")
                   .flow("say", "end"));
  bench.start();
  bench.complete("work", R"({"r": 2})");
  EXPECT_EQ(bench.take_path(), "start none say");
  bench.complete("last");
  EXPECT_EQ(bench.take_path(), "end p");
  EXPECT_EQ(bench.end_variables(), R"({"r":2,"x":1})");
  EXPECT_EQ(refusal(line("say", TestModel().throw_on("say", "<messageEventDefinition/>"))),
            "say: a intermediateThrowEvent with a message needs a zeebe:taskDefinition with a type\n");
}

TEST(Elements, TerminateEndsWhatElseIsInItsScope) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .open_sub("sub")
                   .start("s2")
                   .parallel("f")
                   .task("t", "work")
                   .parallel("join")
                   .task("u", "stop")
                   .end_on("kill", TestModel::on_terminate())
                   .end("e2")
                   .flow("s2", "f")
                   .flow("f", "t")
                   .flow("f", "u")
                   .flow("f", "join")
                   .flow("t", "join")
                   .flow("join", "e2")
                   .flow("u", "kill")
                   .close_sub()
                   .end()
                   .flow("start", "sub")
                   .flow("sub", "end"));
  bench.start();
  bench.complete("stop");
  EXPECT_EQ(bench.take_path(), "start s2 f u kill -t sub end p");
  EXPECT_TRUE(bench.activate("work").empty());
}

// ---- starts

TEST(Elements, MessagesStartOneInstanceForEachKey) {
  Bench bench;
  TestModel model;
  model.start_on("by", model.on_message("order"), true, output("=v", "got")).task("t", "work").end();
  bench.deploy(model.flow("by", "t").flow("t", "end"));
  EXPECT_EQ(bench.run(CreateInstance{"p", 0, {}, ""}).rejection->message,
            "Expected to create instance of process with none start event, but there is no such event");
  bench.publish("order", "k", R"({"v": 1})");
  bench.publish("order", "k", R"({"v": 2})");  // waits for the first to end
  bench.publish("order", "", R"({"v": 3})");   // without a key each starts one
  bench.publish("order", "", R"({"v": 4})");
  EXPECT_EQ(bench.engine.state().instances().size(), 3u);
  const auto jobs = bench.activate("work");
  ASSERT_EQ(jobs.size(), 3u);
  for (const ActivatedJob& job : jobs) bench.run(CompleteJob{job.key, {}});
  EXPECT_EQ(feel::to_json(bench.ended()[0].variables), R"({"got":1})");
  EXPECT_EQ(feel::to_json(bench.job("work").variables), R"({"got":2})");
  bench.deploy(line("u", TestModel().task("u", "work")).xml());  // the newest version has no such start
  bench.publish("order", "z", "{}");
  EXPECT_EQ(bench.engine.state().instances().size(), 1u);
}

TEST(Elements, TimersStartInstancesOfTheNewestVersion) {
  Bench bench;
  const auto model = [](const std::string& cycle) {
    return TestModel().start_on("by", TestModel::on_timer(cycle, "timeCycle")).end().flow("by", "end");
  };
  bench.deploy(model("R3/PT10S"));
  bench.pass(seconds(25));
  EXPECT_EQ(bench.ended().size(), 2u);
  bench.deploy(model("R3/PT10S"));  // unchanged: goes on
  bench.pass(seconds(100));
  EXPECT_EQ(bench.ended().size(), 3u);
  bench.deploy(model("R/PT1H"));
  bench.pass(hours(5));
  EXPECT_EQ(bench.ended().size(), 8u);
  bench.deploy(TestModel().start_on("by", TestModel::on_timer("2026-01-02T00:00:00Z", "timeDate")).end().flow("by", "end"));
  bench.pass(days(2));
  EXPECT_EQ(bench.ended().size(), 9u);
  EXPECT_TRUE(bench.engine.state().start_timers().empty());
}

TEST(Elements, SignalsStartAndReachAll) {
  Bench bench;
  TestModel starter("q");
  starter.start_on("by", starter.on_signal("fire")).task("t", "q-work").end();
  bench.deploy(starter.flow("by", "t").flow("t", "end").xml(), "q.bpmn");
  TestModel waiter;
  waiter.start().catch_on("wait", waiter.on_signal("=s"), output("=v", "got")).end();
  bench.deploy(waiter.flow("start", "wait").flow("wait", "end"));
  bench.start(R"({"s": "fire"})");
  bench.start(R"({"s": "fire"})");
  bench.start(R"({"s": "other"})");
  broadcast(bench, "fire", R"({"v": 1})");
  EXPECT_EQ(bench.ended().size(), 2u);
  EXPECT_EQ(bench.end_variables(), R"({"got":1,"s":"fire"})");
  EXPECT_EQ(feel::to_json(bench.job("q-work").variables), R"({"v":1})");
  broadcast(bench, "nobody");
  EXPECT_FALSE(bench.run(BroadcastSignal{"", {}}).rejection);
  EXPECT_EQ(bench.run(BroadcastSignal{std::string(kMaxNameBytes + 1, 's'), {}}).rejection->code, Rejection::Code::kInvalidArgument);
}

TEST(Elements, NamesOfWhatStartsMayBeComputedWithoutVariables) {
  Bench bench;
  TestModel signalled("q");
  signalled.start_on("by", signalled.on_signal("=\"f\" + \"ire\"")).end();
  bench.deploy(signalled.flow("by", "end").xml(), "q.bpmn");
  TestModel told;
  told.start_on("by", told.on_message("=\"go\"", "=k")).end();
  bench.deploy(told.flow("by", "end"));
  broadcast(bench, "fire");
  EXPECT_EQ(bench.take_path(), "by end q");
  bench.publish("go", "");
  EXPECT_EQ(bench.take_path(), "by end p");
}

TEST(Elements, CatchEventsApplyTheirInputs) {
  Bench bench;
  TestModel model;
  model.start().catch_message("told", "m", "=key", input("=order", "key") + output("=key", "seen"));
  model.catch_on("late", TestModel::on_timer("=length"), input("=duration(\"PT1S\")", "length")).end();
  bench.deploy(model.flow("start", "told").flow("told", "late").flow("late", "end"));
  bench.start(R"({"order": "o-1"})");
  bench.publish("m", "o-1");
  bench.pass(seconds(2));
  EXPECT_EQ(bench.take_path(), "start told late end p");
  EXPECT_EQ(bench.end_variables(), R"({"order":"o-1","seen":"o-1"})") << "what it was given stays with it";
}

TEST(Elements, LinksMayBeReachedByAFlowToo) {
  Bench bench;
  bench.deploy(TestModel().start().catch_on("in", TestModel::on_link("l")).end().flow("start", "in").flow("in", "end"));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start in end p");
}

TEST(Elements, SignalsAreThrownAndCaughtAtBoundaries) {
  Bench bench;
  TestModel model;
  model.start()
      .parallel("f")
      .task("t", "work")
      .boundary_on("aside", "t", model.on_signal("go"), false)
      .boundary_on("stop", "t", model.on_signal("halt"))
      .catch_timer("w", "PT1S")
      .throw_on("throw", model.on_signal("go"), input("=5", "v"))
      .end_on("last", model.on_signal("halt"))
      .end("a")
      .end("b")
      .end("end");
  bench.deploy(model.flow("start", "f")
                   .flow("f", "t")
                   .flow("f", "w")
                   .flow("w", "throw")
                   .flow("throw", "last")
                   .flow("aside", "a")
                   .flow("stop", "b")
                   .flow("t", "end"));
  bench.start();
  bench.pass(seconds(1));
  EXPECT_EQ(bench.take_path(), "start f w throw aside a last -t stop b p");
  EXPECT_EQ(bench.end_variables(), R"({"v":5})");
}

TEST(Elements, AssertionsThatDoNotHoldAreIncidents) {
  Bench bench;
  bench.deploy(line(
      "t", TestModel().activity("scriptTask", "t", "<z:script expression='=[assert(x, x &gt; 1, \"too small\")]' resultVariable='r'/>")));
  const Key instance = bench.start(R"({"x": 1})");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  EXPECT_NE(bench.incidents()[0].message.find("too small"), std::string::npos);
  bench.run(SetVariables{instance, {{"x", feel::Value(2)}}, false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  EXPECT_EQ(bench.end_variables(), R"({"r":[2],"x":2})");
}

// As an incident while it completes holds it up; only what is active can be interrupted or gone beside.
TEST(Elements, NothingIsTriggeredByWhatCompletes) {
  for (const bool interrupting : {true, false}) {
    Bench bench;
    TestModel model;
    model.start().task("t", "work", output("=assert(r, r != null)", "y"));
    model.boundary_timer("late", "t", "PT5S", interrupting).boundary_message("told", "t", "msg", "=id", interrupting);
    model.boundary_on("heard", "t", model.on_signal("s"), interrupting).end().end("e2").end("e3").end("e4");
    bench.deploy(model.flow("start", "t").flow("t", "end").flow("late", "e2").flow("told", "e3").flow("heard", "e4"));
    const Key instance = bench.start(R"({"id": "k"})");
    bench.complete("work");
    EXPECT_EQ(bench.incident(), "IO_MAPPING_ERROR");
    bench.pass(seconds(6));
    bench.publish("msg", "k");
    broadcast(bench, "s");
    EXPECT_EQ(bench.take_path(), "start");
    bench.run(SetVariables{instance, {{"r", feel::Value(1)}}, false});
    bench.run(ResolveIncident{bench.incidents()[0].key});
    EXPECT_EQ(bench.take_path(), "t end p");
    EXPECT_TRUE(bench.engine.state().signal_waiters("s").empty());
  }
}

// ---- event sub-processes

TEST(Elements, EventSubProcessesInterruptTheirScope) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").end();
  model.open_event_sub("es", output("=inner", "seen")).start_on("by", model.on_message("stop", "=id"), true, output("=v", "inner"));
  model.task("u", "mend").end("e2").flow("by", "u").flow("u", "e2").close_sub();
  bench.deploy(model.flow("start", "t").flow("t", "end"));
  bench.start(R"({"id": "k"})");
  bench.publish("stop", "k", R"({"v": 7})");
  EXPECT_EQ(bench.take_path(), "start -t by");
  bench.publish("stop", "k");  // nobody waits any more
  bench.complete("mend");
  EXPECT_EQ(bench.take_path(), "u e2 es p");
  EXPECT_TRUE(bench.activate("work").empty());
  EXPECT_EQ(bench.end_variables(), R"({"id":"k","inner":7,"seen":7})");
}

TEST(Elements, EventSubProcessesApplyInputs) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").end();
  model.open_event_sub("es", input("=1", "own")).start_on("by", model.on_message("stop", "=id"));
  model.task("u", "mend").end("e2").flow("by", "u").flow("u", "e2").close_sub();
  bench.deploy(model.flow("start", "t").flow("t", "end"));
  bench.start(R"({"id": "k"})");
  bench.publish("stop", "k");
  EXPECT_EQ(feel::to_json(bench.job("mend").variables), R"({"id":"k","own":1})");
}

TEST(Elements, EventSubProcessesBesideTheirScope) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s2").task("t", "work").end("e2").flow("s2", "t").flow("t", "e2");
  model.open_event_sub("es").start_on("by", TestModel::on_timer("R2/PT10S", "timeCycle"), false).end("e3").flow("by", "e3").close_sub();
  model.close_sub().end();
  bench.deploy(model.flow("start", "sub").flow("sub", "end"));
  bench.start();
  bench.pass(minutes(5));
  EXPECT_EQ(bench.take_path(), "start s2 by e3 es by e3 es");
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "t e2 sub end p");
}

TEST(Elements, EventSubProcessesCatchErrorsOfTheirScope) {
  Bench bench;
  TestModel model;
  model.start().parallel("f").task("t", "work").task("u", "other").end();
  model.open_event_sub("es").start_on("by", model.on_error("E")).error_end("again", "E").flow("by", "again").close_sub();
  bench.deploy(model.flow("start", "f").flow("f", "t").flow("f", "u").flow("t", "end"));
  bench.start();
  bench.run(ThrowError{bench.job("work").key, "E", "", *feel::parse_variables(R"({"why": "x"})")});
  EXPECT_EQ(bench.take_path(), "start f -u -t by");
  EXPECT_EQ(bench.incident(), "UNHANDLED_ERROR_EVENT");  // it does not catch its own
}

TEST(Elements, EscalationsInterruptOrNotAndNeedNobody) {
  const auto model = [](bool interrupting) {
    TestModel made;
    made.start().open_sub("sub").start("s2").throw_on("up", made.on_escalation("X")).task("t", "work").end("e2");
    made.flow("s2", "up").flow("up", "t").flow("t", "e2").close_sub();
    made.boundary_on("b", "sub", made.on_escalation(interrupting ? "X" : ""), interrupting).end().end("c");
    return std::move(made.flow("start", "sub").flow("sub", "end").flow("b", "c"));
  };
  Bench bench;
  bench.deploy(model(false));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start s2 b up c");
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "t e2 sub end p");
  bench.deploy(model(true));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start s2 -up -sub b c p");
  TestModel alone;
  alone.start().end_on("end", alone.on_escalation("Y"));
  bench.deploy(alone.flow("start", "end"));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start end p");
}

TEST(Elements, ErrorCodesOfThrowersMayBeComputed) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s2").end_on("bad", model.on_error("=code")).flow("s2", "bad").close_sub();
  model.boundary_error("b", "sub", "E").end().end("c");
  bench.deploy(model.flow("start", "sub").flow("sub", "end").flow("b", "c"));
  bench.start(R"({"code": "E"})");
  EXPECT_EQ(bench.take_path(), "start s2 -bad -sub b c p");
  bench.start("{}");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
}

// ---- call activities

TestModel called_process() { return line("t", TestModel("child").task("t", "child-work")); }

TEST(Elements, CallActivitiesRunAnotherProcess) {
  Bench bench;
  bench.deploy(called_process().xml(), "child.bpmn");
  bench.deploy(line("c", TestModel().call("c", "=which", "", input("=1", "own"))));
  bench.start(R"({"which": "child", "a": 1})");
  const ActivatedJob job = bench.job("child-work");
  EXPECT_EQ(job.process_id, "child");
  EXPECT_EQ(feel::to_json(job.variables), R"({"a":1,"own":1,"which":"child"})");
  EXPECT_EQ(bench.run(CancelInstance{job.instance}).rejection->code, Rejection::Code::kInvalidState);
  bench.run(CompleteJob{job.key, *feel::parse_variables(R"({"r": 2})")});
  EXPECT_EQ(bench.take_path(), "start start t end child c end p");
  EXPECT_EQ(bench.end_variables(), R"({"a":1,"own":1,"r":2,"which":"child"})");
  bench.start(R"({"which": "nobody"})");
  EXPECT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR");
}

TEST(Elements, CallActivitiesKeepVariablesApartWhenToldSo) {
  Bench bench;
  bench.deploy(called_process().xml(), "child.bpmn");
  bench.deploy(line("c", TestModel().call("c", "child", "propagateAllChildVariables='false' propagateAllParentVariables='false'",
                                          input("=a + 1", "b") + output("=r", "got"))));
  bench.start(R"({"a": 1})");
  const ActivatedJob job = bench.job("child-work");
  EXPECT_EQ(feel::to_json(job.variables), R"({"b":2})");
  bench.run(CompleteJob{job.key, *feel::parse_variables(R"({"r": 2, "s": 3})")});
  EXPECT_EQ(bench.end_variables(), R"({"a":1,"got":2})");
}

TEST(Elements, CallActivitiesWithoutMappingsAndParentVariablesPassNothing) {
  Bench bench;
  bench.deploy(called_process().xml(), "child.bpmn");
  bench.deploy(
      line("c", TestModel().activity("callActivity", "c", "<z:calledElement processId='child' propagateAllParentVariables='false'/>", "",
                                     TestModel::loop("inputCollection='=[1]' inputElement='x'"))));
  bench.start(R"({"a": 1})");
  const ActivatedJob job = bench.job("child-work");
  EXPECT_EQ(feel::to_json(job.variables), "{}") << "not even what the loop puts there";
  bench.run(CompleteJob{job.key, {}});
  EXPECT_EQ(bench.end_variables(), R"({"a":1})");
}

TEST(Elements, ErrorsAndCancellationCrossCallActivities) {
  Bench bench;
  bench.deploy(called_process().xml(), "child.bpmn");
  bench.deploy(line("c", TestModel().call("c", "child").boundary_error("b", "c", "E").end("e2").flow("b", "e2")));
  bench.start();
  bench.run(ThrowError{bench.job("child-work").key, "E", "", *feel::parse_variables(R"({"why": 1})")});
  EXPECT_EQ(bench.take_path(), "start start -t -child -c b e2 p");
  EXPECT_EQ(bench.end_variables(), "{}");
  const Key instance = bench.start();
  bench.run(CancelInstance{instance});
  EXPECT_EQ(bench.take_path(), "start start -t -child -c -p");
  EXPECT_TRUE(bench.engine.state().instances().empty());
}

TEST(Elements, AProcessThatCallsItselfForEverIsStopped) {
  Bench bench;
  bench.deploy(line("c", TestModel().call("c", "p")));
  const Key instance = bench.start();
  bench.go_on();
  EXPECT_EQ(bench.engine.state().instances().size(), static_cast<std::size_t>(kMaxCallDepth) + 1);
  EXPECT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR");
  bench.run(CancelInstance{instance});
  bench.go_on();
  EXPECT_TRUE(bench.engine.state().instances().empty());
}

// ---- multi-instance

constexpr char kEach[] = "inputCollection='=list' inputElement='x' outputCollection='results' outputElement='=r'";

TEST(Elements, ParallelLoopsRunOnceForEachItem) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork, output("=r + x", "r"), TestModel::loop(kEach))));
  bench.start(R"({"list": [10, 20, 30]})");
  auto jobs = bench.activate("work");
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(feel::to_json(jobs[1].variables), R"({"list":[10,20,30],"loopCounter":2,"r":null,"results":[null,null,null],"x":20})");
  for (const int index : {2, 0, 1}) bench.run(CompleteJob{jobs[static_cast<std::size_t>(index)].key, {{"r", feel::Value(index)}}});
  EXPECT_EQ(bench.take_path(), "start t t t t end p");
  EXPECT_EQ(bench.end_variables(), R"({"list":[10,20,30],"results":[10,21,32]})");
  bench.start(R"({"list": []})");
  EXPECT_EQ(bench.take_path(), "start t end p");
  EXPECT_EQ(bench.end_variables(), R"({"list":[],"results":[]})");
  bench.start("{}");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
}

TEST(Elements, SequentialLoopsGoOneByOneUntilTheirConditionHolds) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork, "",
                                              TestModel::loop(kEach, "numberOfCompletedInstances >= 2 or results[1] = 9", true))));
  const Key instance = bench.start(R"({"list": [1, 2, 3]})");
  EXPECT_EQ(feel::to_json(bench.job("work").variables), R"({"list":[1,2,3],"loopCounter":1,"r":null,"results":[null,null,null],"x":1})");
  bench.run(CompleteJob{*bench.engine.state().activated("work", "tester").begin(), {{"r", feel::Value(7)}}});
  EXPECT_TRUE(bench.is_active(instance));
  bench.complete("work", R"({"r": 8})");
  EXPECT_EQ(bench.take_path(), "start t t t end p");
  EXPECT_EQ(bench.end_variables(), R"({"list":[1,2,3],"results":[7,8,null]})");
  bench.start(R"({"list": [1, 2, 3]})");
  bench.complete("work", R"({"r": 9})");
  EXPECT_EQ(bench.end_variables(), R"({"list":[1,2,3],"results":[9,null,null]})");
}

TEST(Elements, AConditionEndsTheInstancesThatStillRun) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork, "",
                                              TestModel::loop(kEach, "numberOfCompletedInstances / numberOfInstances >= 0.5"))));
  bench.start(R"({"list": [1, 2, 3, 4]})");
  const auto jobs = bench.activate("work");
  bench.run(CompleteJob{jobs[0].key, {}});
  bench.run(CompleteJob{jobs[3].key, {}});
  EXPECT_EQ(bench.take_path(), "start t t -t -t t end p");
}

TEST(Elements, ASequenceCountsTheInstancesThatHaveBegun) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork, "", TestModel::loop(kEach, "numberOfInstances = 2", true))));
  bench.start(R"({"list": [1, 2, 3]})");
  bench.complete("work");
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start t t t end p") << "two instances and the activity itself";
}

TEST(Elements, WhatWasDoneBeforeAConditionHeldStillCounts) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity(
                             "task", "t", "", "",
                             TestModel::loop("inputCollection='=[1, 2, 3]' inputElement='x' outputCollection='results' outputElement='=x'",
                                             "numberOfCompletedInstances > 1"))));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start t t t t end p");
  EXPECT_EQ(bench.end_variables(), R"({"results":[1,2,3]})");
}

TEST(Elements, BoundaryEventsOfALoopEndAllOfIt) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub", "", TestModel::loop("inputCollection='=list'")).start("s2").task("t", "work").end("e2");
  model.flow("s2", "t").flow("t", "e2").close_sub().boundary_error("b", "sub", "E").end().end("c");
  bench.deploy(model.flow("start", "sub").flow("sub", "end").flow("b", "c"));
  bench.start(R"({"list": [1, 2]})");
  const auto jobs = bench.activate("work");
  ASSERT_EQ(jobs.size(), 2u);
  bench.run(ThrowError{jobs[1].key, "E", "", {}});
  EXPECT_EQ(bench.take_path(), "start s2 s2 -t -sub -t -sub -sub b c p");
  bench.start(R"({"list": [1, 2]})");
  for (const ActivatedJob& job : bench.activate("work")) bench.run(CompleteJob{job.key, {}});
  EXPECT_EQ(bench.take_path(), "start s2 s2 t e2 sub t e2 sub sub end p");
}

TEST(Elements, ALoopOverALongListYieldsToOthers) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("task", "t", "", "", TestModel::loop("inputCollection='=list'"))));
  std::string list = "0";
  for (int item = 1; item < 5'000; ++item) list += "," + std::to_string(item);
  bench.start("{\"list\": [" + list + "]}");
  EXPECT_GT(bench.go_on(), 10);
  EXPECT_EQ(bench.ended().size(), 1u);
}

// What goes into the collections must be readable again.
TEST(Elements, CollectionsOfALoopAreBounded) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", kWork, "", TestModel::loop(kEach))));
  const std::string deep = std::string(31, '[') + std::string(31, ']');
  bench.start("{\"list\": " + deep + "}");
  bench.complete("work", "{\"r\": " + deep + "}");
  EXPECT_EQ(bench.ended().size(), 1u);
  bench.start("{\"list\": [1]}");
  bench.complete("work", "{\"r\": [" + deep + "]}");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  bench.deploy(line("t", TestModel().activity("task", "t", "", "", TestModel::loop("inputCollection='=[[list]]'"))));
  bench.start("{\"list\": " + deep + "}");
  EXPECT_EQ(bench.incidents().size(), 2u);
  TestModel model;
  model.open_event_sub("es").raw(TestModel::loop("inputCollection='=[1]'")).start_on("by", model.on_signal("s")).close_sub();
  EXPECT_EQ(refusal(line("t", std::move(model.task("t", "work")))), "es: an event sub-process may not be multi-instance\n");
}

// ---- modification and migration

TestModel with_sub_process() {
  return TestModel()
      .start()
      .task("first", "a")
      .open_sub("sub", input("=1", "inner"))
      .start("s2")
      .task("deep", "b")
      .end("e2")
      .flow("s2", "deep")
      .flow("deep", "e2")
      .close_sub()
      .end()
      .flow("start", "first")
      .flow("first", "sub")
      .flow("sub", "end");
}

TEST(Elements, AnInstanceBeginsAtGivenElements) {
  Bench bench;
  bench.deploy(with_sub_process());
  const auto begin = [&](std::vector<std::string> elements) {
    return bench.run(CreateInstance{"p", 0, *feel::parse_variables(R"({"g": 1})"), "", std::move(elements)});
  };
  EXPECT_FALSE(begin({"deep", "first"}).rejection);
  EXPECT_EQ(bench.take_path(), "");
  EXPECT_EQ(feel::to_json(bench.job("b").variables), R"({"g":1})");
  EXPECT_FALSE(begin({"deep", "deep"}).rejection);  // both in one
  for (const ActivatedJob& job : bench.activate("b")) bench.run(CompleteJob{job.key, {}});
  EXPECT_EQ(bench.take_path(), "deep e2 deep e2 sub end p");
  EXPECT_FALSE(begin({"sub"}).rejection);  // from its own start event
  EXPECT_EQ(bench.take_path(), "s2");
  EXPECT_EQ(begin({"deep", "nothing"}).rejection->message,
            "Expected to create instance of process with start instructions but no element found with id 'nothing'.");
  for (const char* element : {"start", "s2", "p"})
    EXPECT_EQ(begin({element}).rejection->code, Rejection::Code::kInvalidArgument) << element;
}

TEST(Elements, AnInstanceThatBeginsAtGivenElementsNeedsNoStartEventAndHearsItsEvents) {
  Bench bench;
  TestModel model;
  model.start_on("by", model.on_message("come")).event_gateway("g").catch_timer("later", "PT1H").catch_message("or", "m", "=id").end();
  model.task("t", "work").flow("by", "t").flow("t", "g").flow("g", "later").flow("g", "or").flow("later", "end").flow("or", "end");
  model.open_sub("each", "", TestModel::loop("inputCollection='=list'")).start("s2").task("one", "w").flow("s2", "one").close_sub();
  model.flow("t", "each");
  model.open_event_sub("es").start_on("told", model.on_message("stop", "=id")).end("e3").flow("told", "e3").close_sub();
  bench.deploy(model);
  const auto begin = [&](const std::string& element, const char* variables = R"({"id": "k"})") {
    return bench.run(CreateInstance{"p", 0, *feel::parse_variables(variables), "", {element}});
  };
  EXPECT_FALSE(begin("t").rejection);
  bench.publish("stop", "k");
  EXPECT_EQ(bench.take_path(), "-t told e3 es p");
  bench.publish("stop", "later");
  EXPECT_FALSE(begin("t", R"({"id": "later"})").rejection);  // one that came before
  EXPECT_EQ(bench.take_path(), "-t told e3 es p");
  for (const char* element : {"by", "later", "one", "told"})
    EXPECT_EQ(begin(element).rejection->code, Rejection::Code::kInvalidArgument) << element;
  EXPECT_EQ(begin("t", "{}").rejection->code, Rejection::Code::kInvalidArgument);  // its event sub-process has nothing to wait for
  EXPECT_FALSE(begin("es").rejection);
  EXPECT_EQ(bench.take_path(), "told e3 es p");
}

TEST(Elements, ModificationHearsMessagesThatCameBefore) {
  Bench bench;
  TestModel model;
  model.start().task("first", "a").open_sub("sub").start("s2").task("deep", "b").flow("s2", "deep");
  model.open_event_sub("es").start_on("told", model.on_message("stop", "=\"k\"")).end("e3").flow("told", "e3").close_sub().close_sub();
  bench.deploy(model.end().flow("start", "first").flow("first", "sub").flow("sub", "end"));
  const Key instance = bench.start();
  bench.publish("stop", "k");
  bench.run(ModifyInstance{instance, {{"deep", 0, {}}}, {bench.find(instance, "first")}});
  EXPECT_EQ(bench.take_path(), "start -first -deep told e3 es sub end p");
}

TEST(Elements, ModificationDoesNotEndACalledInstance) {
  Bench bench;
  bench.deploy(with_sub_process());
  bench.deploy(TestModel("caller").start().call("c", "p").end().flow("start", "c").flow("c", "end").xml(), "caller.bpmn");
  bench.start("{}", "caller");
  const Key child = bench.job("a").instance;
  const Key task = bench.find(child, "first");
  EXPECT_EQ(bench.run(ModifyInstance{child, {}, {task}}).rejection->code, Rejection::Code::kInvalidArgument);
  EXPECT_FALSE(bench.run(ModifyInstance{child, {{"deep", 0, {}}}, {task}}).rejection);
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "start start -first deep e2 sub end p c end caller");
}

TEST(Elements, ModificationMovesATokenIntoAScopeThatItMakes) {
  Bench bench;
  bench.deploy(with_sub_process());
  const Key instance = bench.start();
  const ModifyInstance command{
      instance,
      {{"deep", 0, {{"", {{"g", feel::Value(1)}}}, {"sub", {{"s", feel::Value(2)}}}, {"deep", {{"d", feel::Value(3)}}}}}},
      {bench.find(instance, "first")}};
  EXPECT_FALSE(bench.run(command).rejection);
  EXPECT_EQ(bench.take_path(), "start -first");
  const ActivatedJob job = bench.job("b");
  EXPECT_EQ(feel::to_json(job.variables), R"({"d":3,"g":1,"s":2})") << "the inputs of a scope that is made are not applied";
  EXPECT_FALSE(bench.run(ModifyInstance{instance, {{"deep", 0, {}}}, {}}).rejection);  // into the same one
  EXPECT_EQ(bench.engine.state().instance(instance)->elements.size(), 4u);
  bench.run(CompleteJob{job.key, {}});
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "deep e2 deep e2 sub end p");
}

TEST(Elements, ModificationEndsWhatIsLeftEmpty) {
  Bench bench;
  bench.deploy(with_sub_process());
  const Key instance = bench.start();
  bench.complete("a");
  bench.run(ModifyInstance{instance, {}, {bench.find(instance, "deep")}});
  EXPECT_EQ(bench.take_path(), "start first s2 -deep -sub -p");
  EXPECT_TRUE(bench.engine.state().instances().empty());
}

TEST(Elements, ModificationsAreRefusedWithTheirReason) {
  Bench bench;
  bench.deploy(with_sub_process());
  const Key instance = bench.start();
  EXPECT_EQ(bench.run(ModifyInstance{12345, {}, {}}).rejection->code, Rejection::Code::kNotFound);
  EXPECT_EQ(
      bench.run(ModifyInstance{instance, {{"B", 0, {}}, {"C", 0, {}}}, {}}).rejection->message,
      "Expected to modify instance of process 'p' but it contains one or more activate instructions with an element that could not be "
      "found: 'B', 'C'");
  EXPECT_EQ(bench.run(ModifyInstance{instance, {{"s2", 0, {}}}, {}}).rejection->message,
            "Expected to modify instance of process 'p' but it contains one or more activate instructions for elements that are "
            "unsupported: 's2'. The activation of elements with type 'START_EVENT' is not supported.");
  EXPECT_EQ(bench.run(ModifyInstance{instance, {}, {77}}).rejection->message,
            "Expected to modify instance of process 'p' but it contains one or more terminate instructions with an element instance that "
            "could not be found: '77'");
  bench.run(ModifyInstance{instance, {{"sub", 0, {}}, {"sub", 0, {}}}, {}});
  EXPECT_EQ(bench.run(ModifyInstance{instance, {{"deep", 0, {}}}, {}}).rejection->code, Rejection::Code::kInvalidArgument);
  EXPECT_FALSE(bench.run(ModifyInstance{instance, {{"deep", bench.find(instance, "sub"), {}}}, {}}).rejection);
}

TEST(Elements, ModificationBeginsSomethingInTheOneInstanceOfALoopButNoLoop) {
  Bench bench;
  TestModel model;
  model.start().task("first", "a").open_sub("each", "", TestModel::loop("inputCollection='=list'")).start("s2").task("deep", "b").end("e2");
  model.flow("s2", "deep").flow("deep", "e2").close_sub().end().flow("start", "first").flow("first", "each").flow("each", "end");
  bench.deploy(model);
  const Key instance = bench.start(R"({"list": [1, 2]})");
  const ModifyInstance command{instance, {{"deep", 0, {}}}, {}};
  EXPECT_EQ(bench.run(command).rejection->message,
            "Expected to modify instance of process 'p' but it contains one or more activate instructions that would result in the "
            "activation of multi-instance element 'each', which is currently unsupported.");
  bench.complete("a");
  EXPECT_NE(bench.run(command).rejection->message.find("more than one active instance: 'each'"), std::string::npos);
  bench.run(CompleteJob{bench.activate("b")[0].key, {}});
  EXPECT_FALSE(bench.run(command).rejection);
  bench.run(CompleteJob{bench.activate("b")[0].key, {}});
  EXPECT_TRUE(bench.is_active(instance));
  bench.pass(minutes(2));  // the other of those that were handed out comes back
  bench.complete("b");
  EXPECT_EQ(bench.take_path(), "start first s2 s2 deep e2 each deep e2 deep e2 each each end p");
}

// Replaced between two commands of one long stretch of work, by what cannot be called.
TEST(Elements, CallActivitiesWhoseProcessIsGoneAreIncidents) {
  Bench bench;
  const auto called = [] { return TestModel("q").start().end().flow("start", "end").xml(); };
  bench.run(Deploy{{{"q.bpmn", called()}}});
  bench.deploy(line("c", TestModel().activity("callActivity", "c", "<z:calledElement processId='q'/>", "",
                                              TestModel::loop("inputCollection='=for i in 1..200 return i'"))));
  const Key instance = bench.start();
  TestModel told("q");
  told.start_on("by", told.on_message("go")).end();
  bench.deploy(std::move(told.flow("by", "end")));
  bench.go_on();
  ASSERT_FALSE(bench.incidents().empty());
  EXPECT_EQ(bench.incidents()[0].error_type, "CALLED_ELEMENT_ERROR");
  bench.run(Deploy{{{"q.bpmn", called()}}});
  while (!bench.incidents().empty()) {
    ASSERT_FALSE(bench.run(ResolveIncident{bench.incidents()[0].key}).rejection);
    bench.go_on();
  }
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Elements, AModificationMakesAllAnewBelowAnAncestorThatItNames) {
  Bench bench;
  TestModel model;
  model.start().open_sub("sub").start("s").task("x", "x").flow("s", "x").close_sub();
  bench.deploy(model.flow("start", "sub"));
  const Key instance = bench.start();
  const ActivatedJob first = bench.job("x");
  const auto scope_of = [&](const ActivatedJob& job) { return bench.engine.state().owner_of(job.key)->find(job.element_instance)->scope; };
  const auto begin_in = [&](Key ancestor) {
    EXPECT_FALSE(bench.run(ModifyInstance{instance, {{"x", ancestor, {}}}, {}}).rejection);
    return scope_of(bench.job("x"));
  };
  EXPECT_EQ(begin_in(0), scope_of(first));
  EXPECT_EQ(begin_in(scope_of(first)), scope_of(first));
  EXPECT_NE(begin_in(instance), scope_of(first)) << "though one is there";
}

TEST(Elements, MigrationDoesNotTakeTheKeyOfAnotherInstance) {
  Bench bench;
  for (const char* const id : {"p", "q"}) {
    TestModel model(id);
    model.start_on("by", model.on_message("go")).task("t", "work").end();
    bench.deploy(std::move(model.flow("by", "t").flow("t", "end")));
  }
  bench.publish("go", "k");
  const auto jobs = bench.activate("work");
  ASSERT_EQ(jobs.size(), 2u);
  const MigrateInstance command{jobs[0].instance, jobs[1].process_key, {{"t", "t"}}};
  EXPECT_EQ(bench.run(command).rejection->code, Rejection::Code::kInvalidArgument);
  bench.run(CompleteJob{jobs[1].key, {}});
  EXPECT_FALSE(bench.run(command).rejection);
}

TEST(Elements, MigrationGoesOnWithAnotherVersion) {
  Bench bench;
  bench.deploy(with_sub_process());
  const Key instance = bench.start();
  const Key old_job = bench.job("a").key;
  bench.deploy(TestModel()
                   .start()
                   .task("renamed", "c")
                   .task("added", "d")
                   .end()
                   .flow("start", "renamed")
                   .flow("renamed", "added")
                   .flow("added", "end"));
  const Key target = bench.engine.state().newest("p")->key;
  EXPECT_EQ(bench.run(MigrateInstance{instance, target, {}}).rejection->message,
            "Expected to migrate process instance '" + std::to_string(instance) +
                "' but no mapping instruction defined for active element with id 'first'. Elements cannot be migrated without a mapping.");
  EXPECT_EQ(bench.run(MigrateInstance{instance, target, {{"first", "end"}}}).rejection->code, Rejection::Code::kInvalidState);
  EXPECT_EQ(bench.run(MigrateInstance{instance, 99, {}}).rejection->code, Rejection::Code::kNotFound);
  EXPECT_FALSE(bench.run(MigrateInstance{instance, target, {{"first", "renamed"}}}).rejection);
  bench.run(CompleteJob{old_job, {}});
  bench.complete("d");
  EXPECT_EQ(bench.take_path(), "start renamed added end p");
  EXPECT_EQ(bench.ended()[0].version, 2);
}

TEST(Elements, MigrationTakesWhatAnIncidentStops) {
  Bench bench;
  bench.deploy(TestModel().start().call("c", "gone").end().flow("start", "c").flow("c", "end"));
  const Key instance = bench.start();
  EXPECT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR");
  bench.deploy(TestModel("there").start().task("work", "a").end().flow("start", "work").flow("work", "end").xml(), "there.bpmn");
  bench.deploy(TestModel().start().call("d", "there").end().flow("start", "d").flow("d", "end"));
  EXPECT_FALSE(bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, {{"c", "d"}}}).rejection);
  bench.run(ResolveIncident{bench.incidents()[0].key});
  bench.complete("a");
  EXPECT_EQ(bench.take_path(), "start start work end there d end p");
}

// A task that a message may interrupt, and that has a variable `k` of its own.
TestModel heard(std::string_view event, std::string_view message, std::string_view key, std::string_view more = "") {
  TestModel model;
  model.start().activity("serviceTask", "t", "<z:taskDefinition type='work'/>", input("=\"inner\"", "k")).end();
  model.boundary_message(event, "t", message, key).task("caught", message).flow(event, "caught");
  if (!more.empty()) model.boundary_message("more", "t", more, key, false).flow("more", "caught");
  return std::move(model.flow("start", "t").flow("t", "end"));
}

TEST(Elements, BoundaryMessagesHaveTheKeyOfTheScopeAround) {
  Bench bench;
  bench.deploy(heard("b", "hit", "=k"));
  bench.start(R"({"k": "outer"})");
  bench.publish("hit", "inner", "{}", "", Duration{});
  EXPECT_TRUE(bench.activate("hit").empty());
  bench.publish("hit", "outer", "{}", "", Duration{});
  EXPECT_EQ(bench.activate("hit").size(), 1u);
}

TEST(Elements, MigrationChangesTheMessagesThatBoundaryEventsHear) {
  Bench bench;
  bench.deploy(heard("b", "hit", "=k"));
  const Key instance = bench.start(R"({"k": "outer"})");
  const auto migrate = [&](const TestModel& target, std::vector<std::pair<std::string, std::string>> mapping = {{"t", "t"}}) {
    bench.deploy(target.xml());
    const Outcome outcome = bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, std::move(mapping)});
    return outcome.rejection ? outcome.rejection->message.substr(outcome.rejection->message.find("' but ") + 6) : "";
  };
  EXPECT_EQ(migrate(heard("c", "hit", "=k")),
            "active element with id 't' attempts to subscribe to a message it is already subscribed to with name 'hit'. Migrating active "
            "elements that stay subscribed to a message is not possible yet.");
  EXPECT_EQ(
      migrate(heard("c", "other", "=k"), {{"t", "t"}, {"b", "c"}}),
      "active element with id 't' is subscribed to mapped catch event with id 'b'. Migrating active elements with mapped catch events "
      "is not possible yet.");
  EXPECT_EQ(
      migrate(heard("c", "other", "=k"), {{"t", "t"}, {"start", "c"}}),
      "active element with id 't' is mapped to element with id 't' that must be subscribed to mapped catch event with id 'c'. Migrating "
      "active elements with mapped catch events is not possible yet.");
  EXPECT_TRUE(migrate(heard("c", "other", "=nothing")).contains("must be subscribed to message catch event with id 'c'. "));
  TestModel timed = heard("c", "other", "=k");
  timed.boundary_timer("late", "t", "PT1H").flow("late", "caught");
  EXPECT_TRUE(migrate(timed).contains("has the boundary event 'late', or is mapped to an element that has."));

  bench.publish("other", "outer");  // waits for who will hear it
  EXPECT_EQ(migrate(heard("c", "other", "=k", "aside")), "");
  EXPECT_EQ(bench.activate("other").size(), 1u);
  bench.publish("hit", "outer", "{}", "", Duration{});
  bench.publish("aside", "outer", "{}", "", Duration{});
  EXPECT_TRUE(bench.activate("hit").empty());
  EXPECT_TRUE(bench.activate("other").empty()) << "the task was interrupted";
}

TEST(Elements, MigrationMayLeaveNothingToHear) {
  Bench bench;
  bench.deploy(heard("b", "hit", "=k"));
  const Key instance = bench.start(R"({"k": "outer"})");
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  EXPECT_FALSE(bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, {{"t", "t"}}}).rejection);
  bench.publish("hit", "outer", "{}", "", Duration{});
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

// Of FEEL's contexts: later members see earlier ones by their names, and a variable that is only in part made is not there yet.
TEST(Elements, MappingsMakeVariablesAsContextsDo) {
  const auto made = [](const std::string& mappings, std::string_view variables = "{}") {
    Bench bench;
    bench.deploy(line("t", TestModel().activity("serviceTask", "t", std::string(kWork), mappings)));
    bench.start(variables);
    const ActivatedJob job = bench.job("work");
    bench.run(CompleteJob{job.key, {}});
    return feel::to_json(job.variables) + " " + bench.end_variables();
  };
  EXPECT_EQ(made(input("=1", "a") + input("=a + 1", "b") + input("=5", "a")), R"({"a":5,"b":6} {})") << "the later, where the first stands";
  EXPECT_EQ(made(input("=1", "a.x") + input("=a", "c") + input("=2", "a.y")), R"({"a":{"x":1,"y":2},"c":{"x":1,"y":2}} {})");
  EXPECT_EQ(made(input("={z: 2}", "a") + input("=1", "a.x")), R"({"a":{"x":1}} {})") << "a part replaces the whole";
  EXPECT_EQ(made(input("=1", "a.x") + input("={z: 2}", "a")), R"({"a":{"z":2}} {})") << "and the other way round";
  EXPECT_EQ(made(input("=1", "a.b.c") + input("=2", "a.b") + input("=3", "a.b.d")), R"({"a":{"b":{"d":3}}} {})");
  EXPECT_EQ(made(input("=1", "a.x") + input("=a.x + 1", "a.y"), R"({"a": {"x": 10}})"), R"({"a":{"x":1,"y":11}} {"a":{"x":10}})");
  EXPECT_EQ(made(input("=1", "a.x") + input("=x + 1", "a.b.y") + input("=b.y + x", "a.c") + input("=a.c", "d")),
            R"({"a":{"b":{"y":2},"c":3,"x":1},"d":3} {})");
  EXPECT_EQ(made(output("=1", "a.b.y") + output("=2", "a.c") + output("=q + 1", "a.d"), R"({"a": {"b": {"q": 7}, "q": 8}, "q": 9})"),
            R"({"a":{"b":{"q":7},"q":8},"q":9} {"a":{"b":{"q":7,"y":1},"c":2,"d":10,"q":8},"q":9})")
      << "what is there stays, and its members have no names";
  EXPECT_EQ(made(output("={m: 1}", "b") + output("=1", "b.y") + output("=b", "c"), R"({"b": {"q": 7}})"),
            R"({"b":{"q":7}} {"b":{"q":7,"y":1},"c":{"q":7,"y":1}})");
}

TEST(Elements, NamesAreTextsAndOnlyKeysMayBeNumbers) {
  const auto incident = [](TestModel model) {
    Bench bench;
    bench.deploy(line("t", std::move(model)));
    bench.start();
    return bench.incidents().empty() ? "" : bench.incidents()[0].error_type;
  };
  EXPECT_EQ(incident(TestModel().activity("serviceTask", "t", "<z:taskDefinition type='=5'/>")), "EXTRACT_VALUE_ERROR");
  EXPECT_EQ(incident(TestModel().call("t", "=5")), "EXTRACT_VALUE_ERROR");
  EXPECT_EQ(incident(TestModel().catch_message("t", "=5", "=1")), "EXTRACT_VALUE_ERROR");
  EXPECT_EQ(incident(TestModel().catch_message("t", "go", "=5")), "");
}

}  // namespace
}  // namespace consilium::bpmn::engine
