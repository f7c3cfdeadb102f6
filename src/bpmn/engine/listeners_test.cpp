// Execution listeners: jobs before and after what an element does. Of a service task as Zeebe 8.5.8 has them (seen on it), of the other
// elements as the documentation of 8.6 says.
#include <gtest/gtest.h>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

constexpr char kWork[] = "<z:taskDefinition type='work'/>";
constexpr char kBoth[] =
    "<z:executionListeners><z:executionListener eventType='start' type='before'/>"
    "<z:executionListener eventType='end' type='after' retries='5'/></z:executionListeners>";

std::string listeners(const std::string& each) { return "<z:executionListeners>" + each + "</z:executionListeners>"; }
std::string listener(const std::string& attributes) { return "<z:executionListener " + attributes + "/>"; }

TestModel line(const std::string& middle, TestModel model) {
  return std::move(model.start().end().flow("start", middle).flow(middle, "end"));
}

int waiting(Bench& bench, const std::string& type) { return static_cast<int>(bench.engine.state().activatable(type).size()); }

std::string refusal(const TestModel& model) {
  Bench bench;
  const Outcome outcome = bench.run(Deploy{{{"m.bpmn", model.xml()}}});
  if (!outcome.rejection) return "accepted";
  return outcome.rejection->findings.at(0).element_id + ": " + outcome.rejection->findings.at(0).message;
}

TEST(Listeners, AreJobsBeforeAndAfterTheTask) {
  Bench bench;
  const std::string two = listeners(listener("eventType='start' type='b1'") + listener("eventType='end' type='a1'") +
                                    listener("eventType='start' type='b2'") + listener("eventType='end' type='a2'"));
  bench.deploy(line("t", TestModel().activity("serviceTask", "t",
                                              std::string(kWork) + "<z:taskHeaders><z:header key='h' value='v'/></z:taskHeaders>" + two,
                                              input("=a + 1", "b") + output("=w", "out"))));
  bench.start(R"({"a": 1})");
  const ActivatedJob first = bench.job("b1");
  EXPECT_EQ(feel::to_json(first.variables), R"({"a":1,"b":2})") << "behind the inputs";
  EXPECT_EQ(feel::to_json(first.headers), "{}");
  EXPECT_EQ(first.element, "t");
  EXPECT_EQ(waiting(bench, "work") + waiting(bench, "b2"), 0);
  bench.run(CompleteJob{first.key, {{"x", feel::Value("own")}}});
  bench.rest();
  bench.complete("b2");
  const ActivatedJob work = bench.job("work");
  EXPECT_EQ(feel::to_json(work.variables), R"({"a":1,"b":2,"x":"own"})");
  EXPECT_EQ(feel::to_json(work.headers), R"({"h":"v"})");
  bench.run(CompleteJob{work.key, {{"w", feel::Value("done")}}});
  const ActivatedJob after = bench.job("a1");
  EXPECT_EQ(feel::to_json(after.variables), R"({"a":1,"b":2,"out":"done","w":"done","x":"own"})") << "behind the outputs";
  bench.run(CompleteJob{after.key, {{"y", feel::Value("kept")}}});
  bench.complete("a2", R"({"z": 1})");
  EXPECT_EQ(bench.end_variables(), R"({"a":1,"out":"done","y":"kept","z":1})");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

TEST(Listeners, FailAndAreTriedAgainAsOtherJobs) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", std::string(kWork) + kBoth)));
  bench.start();
  EXPECT_EQ(bench.job("before").retries, 3);
  bench.pass(minutes(2));
  const Key job = bench.job("before").key;
  bench.run(FailJob{job, 0, std::nullopt, "", "no"});
  ASSERT_EQ(bench.incident(), "JOB_NO_RETRIES");
  bench.run(UpdateRetries{job, 1});
  ASSERT_FALSE(bench.run(ResolveIncident{bench.incidents()[0].key}).rejection);
  EXPECT_EQ(waiting(bench, "before"), 1) << "itself, and no other";
  bench.complete("before");
  bench.complete("work");
  EXPECT_EQ(bench.job("after").retries, 5);
  bench.pass(minutes(2));
  bench.complete("after");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

// As in Zeebe: what could not be computed begins with the first listener again, and with the inputs.
TEST(Listeners, AreHeardOnceMoreAfterAnExpressionThatFailed) {
  Bench bench;
  bench.deploy(line(
      "t", TestModel().activity("serviceTask", "t",
                                kWork + listeners(listener("eventType='start' type='b1'") + listener("eventType='start' type='=dyn'")))));
  const Key instance = bench.start();
  bench.complete("b1");
  ASSERT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  bench.run(SetVariables{instance, {{"dyn", feel::Value("b2")}}, false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  EXPECT_EQ(waiting(bench, "b1"), 1);
  bench.complete("b1");
  bench.complete("b2");
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

TEST(Listeners, ThrowNoErrorsAndLetNothingElseHappen) {
  Bench bench;
  TestModel model;
  model.activity("serviceTask", "t", std::string(kWork) + kBoth).boundary_error("failed", "t", "E").end("e2").flow("failed", "e2");
  model.boundary_message("called", "t", "hit", "=k").end("e3").flow("called", "e3");
  bench.deploy(line("t", std::move(model)));
  bench.start(R"({"k": "k"})");
  EXPECT_EQ(bench.run(ThrowError{bench.job("before").key, "E", "", {}}).rejection->code, Rejection::Code::kInvalidState);
  bench.pass(minutes(2));
  bench.publish("hit", "k", "{}", "", Duration{});
  EXPECT_EQ(waiting(bench, "before"), 1) << "it does not wait for the message yet";
  bench.complete("before");
  bench.complete("work");
  bench.publish("hit", "k", "{}", "", Duration{});
  EXPECT_EQ(bench.run(ThrowError{bench.job("after").key, "E", "", {}}).rejection->code, Rejection::Code::kInvalidState);
  bench.pass(minutes(2));
  bench.complete("after");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

// As in Zeebe, and unlike what a job of the task gives.
TEST(Listeners, GiveVariablesToTheScopeAroundAlone) {
  Bench bench;
  TestModel model;
  model.open_sub("sub").start("s2").activity("serviceTask", "t", std::string(kWork) + kBoth).end("e2").flow("s2", "t").flow("t", "e2");
  bench.deploy(line("sub", std::move(model.close_sub())));
  bench.start(R"({"a": 1, "b": 1})");
  bench.complete("before", R"({"a": 2})");
  bench.complete("work", R"({"b": 2})");
  bench.complete("after", R"({"a": 3, "c": 3})");
  EXPECT_EQ(bench.end_variables(), R"({"a":1,"b":2})");
}

TEST(Listeners, GiveVariablesToTheirLoopAlone) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", std::string(kWork) + kBoth, output("=x", "r"),
                                              TestModel::loop("inputCollection='=[1, 2]' inputElement='i' outputCollection='out' "
                                                              "outputElement='=r'",
                                                              "", true))));
  bench.start(R"({"x": 0})");
  for (int i = 0; i < 2; ++i) {
    bench.complete("before");
    bench.complete("work", R"({"x": 5})");
    bench.complete("after", R"({"r": 6, "y": 7})");
  }
  EXPECT_EQ(bench.end_variables(), R"({"out":[5,5],"x":0})") << "neither r of an instance nor anything outside the loop";
}

TEST(Listeners, MayBeWaitedForWhileTheirInstanceIsMigrated) {
  for (const char* const waits : {"before", "after"}) {
    Bench bench;
    const TestModel model = line("t", TestModel().activity("serviceTask", "t", std::string(kWork) + kBoth));
    bench.deploy(model.xml());
    const Key instance = bench.start();
    if (std::string_view(waits) == "after") bench.complete("before"), bench.complete("work");
    bench.deploy(line("t", TestModel().activity("serviceTask", "t", "<z:taskDefinition type='other'/>" + std::string(kBoth))).xml());
    const Outcome moved = bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, {{"t", "t"}}});
    ASSERT_FALSE(moved.rejection) << moved.rejection->message;
    bench.complete(waits);
    if (std::string_view(waits) == "before") bench.complete("other"), bench.complete("after");
    EXPECT_FALSE(bench.is_active(instance));
  }
}

// Its messages are not heard while a listener is waited for, and 8.5.8 migrates there; boundary events of other kinds hold it always.
TEST(Listeners, LetMigrateWhatHasBoundaryEvents) {
  TestModel model;
  model.activity("serviceTask", "t", std::string(kWork) + kBoth).boundary_message("called", "t", "hit", "=k").end("e2").flow("called", "e2");
  const std::string xml = line("t", std::move(model)).xml();
  Bench bench;
  bench.deploy(xml);
  const Key instance = bench.start(R"({"k": "k"})");
  const auto migrate = [&] {
    bench.deploy(xml + "<!-- " + std::to_string(bench.engine.state().newest("p")->version) + " -->");
    return !bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, {{"t", "t"}}}).rejection;
  };
  EXPECT_TRUE(migrate());
  bench.publish("hit", "k", "{}", "", Duration{});
  bench.complete("before");
  EXPECT_FALSE(migrate()) << "it waits for the message";
  bench.complete("work");
  EXPECT_TRUE(migrate());
  bench.publish("hit", "k", "{}", "", Duration{});
  bench.complete("after");
  EXPECT_EQ(bench.take_path(), "start t end p");
}

TEST(Listeners, LetNotMigrateWhatHasOtherBoundaryEvents) {
  TestModel model;
  model.activity("serviceTask", "t", std::string(kWork) + kBoth).boundary_error("failed", "t", "E").end("e2").flow("failed", "e2");
  const std::string xml = line("t", std::move(model)).xml();
  Bench bench;
  bench.deploy(xml);
  const Key instance = bench.start();
  bench.deploy(xml + "<!-- again -->");
  EXPECT_TRUE(bench.run(MigrateInstance{instance, bench.engine.state().newest("p")->key, {{"t", "t"}}}).rejection);
}

TEST(Listeners, EndWithTheirElement) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", std::string(kWork) + kBoth)));
  const Key first = bench.start();
  bench.run(CancelInstance{first});
  EXPECT_EQ(waiting(bench, "before"), 0);
  const Key second = bench.start();
  bench.complete("before");
  bench.complete("work");
  bench.run(ModifyInstance{second, {{"t", 0, {}}}, {bench.find(second, "t")}});
  EXPECT_EQ(waiting(bench, "after"), 0);
  EXPECT_EQ(waiting(bench, "before"), 1) << "of the task that the modification began";
}

TEST(Listeners, OfAMultiInstanceActivityAreThoseOfEachInstance) {
  Bench bench;
  bench.deploy(line("t", TestModel().activity("serviceTask", "t", std::string(kWork) + kBoth, "",
                                              TestModel::loop("inputCollection='=[1, 2]' inputElement='i'"))));
  bench.start();
  for (const char* type : {"before", "work", "after"}) {
    const auto jobs = bench.activate(type);
    ASSERT_EQ(jobs.size(), 2u) << type;
    for (const ActivatedJob& job : jobs) bench.run(CompleteJob{job.key, {}});
  }
  EXPECT_EQ(bench.take_path(), "start t t t end p");
}

TEST(Listeners, OfAProcessAndASubProcessEncloseWhatIsInThem) {
  Bench bench;
  TestModel model;
  model.raw("<extensionElements>" + listeners(listener("eventType='start' type='p1'") + listener("eventType='end' type='p2'")) +
            "</extensionElements>");
  model.start()
      .raw("<subProcess id='sub'><extensionElements>" +
           listeners(listener("eventType='start' type='s1'") + listener("eventType='end' type='s2'")) + "</extensionElements>")
      .start("s")
      .task("t", "work")
      .end("e")
      .flow("s", "t")
      .flow("t", "e")
      .raw("</subProcess>")
      .end()
      .flow("start", "sub")
      .flow("sub", "end");
  bench.deploy(model);
  bench.start();
  for (const char* type : {"p1", "s1", "work", "s2", "p2"}) {
    EXPECT_EQ(bench.engine.state().instance_count(), 1u);
    bench.complete(type, "{\"" + std::string(type) + "\": 1}");
  }
  EXPECT_EQ(bench.end_variables(), R"({"p1":1,"p2":1,"s2":1,"work":1})") << "what s1 gave was the sub-process's own";
  EXPECT_EQ(bench.take_path(), "start s t e sub end p");
}

TEST(Listeners, OfAGatewayGiveWhatItsConditionsAsk) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .raw("<exclusiveGateway id='g' default='g_no'><extensionElements>" +
                        listeners(listener("eventType='start' type='look'")) + "</extensionElements></exclusiveGateway>")
                   .end("yes")
                   .end("no")
                   .flow("start", "g")
                   .flow("g", "yes", "x")
                   .flow("g", "no"));
  bench.start();
  bench.complete("look", R"({"x": true})");
  EXPECT_EQ(bench.take_path(), "start g yes p");
}

TEST(Listeners, OfACalledProcessHoldItsCallerUp) {
  Bench bench;
  TestModel child("q");
  child.raw("<extensionElements>" + listeners(listener("eventType='end' type='last'")) + "</extensionElements>");
  bench.deploy(std::move(child.start().end().flow("start", "end")));
  bench.deploy(line("c", TestModel().call("c", "q")));
  const Key caller = bench.start();
  EXPECT_TRUE(bench.is_active(caller));
  bench.complete("last", R"({"v": 1})");
  EXPECT_EQ(bench.end_variables(), R"({"v":1})");
  EXPECT_FALSE(bench.is_active(caller));
}

TEST(Listeners, ThatMakeNoSenseAreRefused) {
  const auto of_task = [](const std::string& inside) {
    return refusal(line("t", TestModel().activity("serviceTask", "t", kWork + listeners(inside))));
  };
  EXPECT_EQ(of_task(""), "accepted");
  EXPECT_EQ(of_task(listener("eventType='start' type='x'") + listener("eventType='end' type='x'")), "accepted");
  EXPECT_EQ(of_task(listener("eventType='start' type='=a' retries='=b'")), "accepted");
  EXPECT_EQ(of_task(listener("eventType='start'")), "t: the execution listener has no type");
  EXPECT_EQ(of_task(listener("eventType='later' type='x'")), "t: the eventType of an execution listener must be start or end, not 'later'");
  EXPECT_EQ(of_task(listener("type='x'")), "t: the eventType of an execution listener must be start or end, not ''");
  EXPECT_EQ(of_task(listener("eventType='end' type='x'") + listener("eventType='end' type='x'")),
            "t: there are two execution listeners with the eventType end and the type 'x'");
  const auto on = [](const std::string& kind, const std::string& event) {
    return refusal(line("g", TestModel().activity(kind, "g", listeners(listener("eventType='" + event + "' type='x'")))));
  };
  EXPECT_EQ(on("parallelGateway", "start"), "accepted");
  EXPECT_EQ(on("parallelGateway", "end"), "g: a listener of the eventType end is not supported in a parallelGateway");
  EXPECT_EQ(refusal(TestModel()
                        .raw("<startEvent id='s'><extensionElements>" + listeners(listener("eventType='start' type='x'")) +
                             "</extensionElements></startEvent>")
                        .end()
                        .flow("s", "end")),
            "s: a listener of the eventType start is not supported in a startEvent");
}

}  // namespace
}  // namespace consilium::bpmn::engine
