#include "bpmn/engine/engine.h"

#include <gtest/gtest.h>

#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

TEST(Engine, RunsATaskWithMappingsAndHeaders) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .task("t", "work", input("=a + 1", "x") + output("=r * 2", "out.value"), "5", "<z:header key='k' value='v'/>")
                   .end()
                   .flow("start", "t")
                   .flow("t", "end"));
  const Key instance = bench.start(R"({"a": 1, "out": {"kept": true}})");
  EXPECT_EQ(partition_of(instance), 1);
  const auto job = bench.job("work");
  EXPECT_EQ(job.instance, instance);
  EXPECT_EQ(job.element, "t");
  EXPECT_EQ(job.retries, 5);
  EXPECT_EQ(feel::to_json(job.headers), R"({"k":"v"})");
  EXPECT_EQ(feel::to_json(job.variables), R"({"a":1,"out":{"kept":true},"x":2})");
  EXPECT_TRUE(bench.activate("work").empty());
  bench.run(CompleteJob{job.key, *feel::parse_variables(R"({"r": 21})")});
  EXPECT_EQ(bench.end_variables(), R"({"a":1,"out":{"kept":true,"value":42}})");
  EXPECT_EQ(bench.take_path(), "start t end p");
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Engine, MergesVariablesWhereTheyAreDefined) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .open_sub("sub", input("=1", "inner"))
                   .start("s2")
                   .task("t", "work", input("=2", "own"))
                   .end("e2")
                   .flow("s2", "t")
                   .flow("t", "e2")
                   .close_sub()
                   .task("after", "work2")
                   .end()
                   .flow("start", "sub")
                   .flow("sub", "after")
                   .flow("after", "end"));
  const Key instance = bench.start(R"({"outer": 0})");
  bench.complete("work", R"({"outer": 5, "inner": 6, "own": 7, "fresh": 8})");
  EXPECT_EQ(bench.variables(instance), R"({"fresh":8,"outer":5})");
}

// The last in the file that holds.
TEST(Engine, ChoosesByConditions) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .exclusive("x", "x_c")
                   .end("a")
                   .end("b")
                   .end("c")
                   .flow("start", "x")
                   .flow("x", "a", "n > 5")
                   .flow("x", "b", "n > 10")
                   .flow("x", "c"));
  for (const auto& [variables, path] :
       {std::pair(R"({"n": 11})", "start x b p"), std::pair(R"({"n": 6})", "start x a p"), std::pair(R"({"n": 1})", "start x c p")}) {
    bench.start(variables);
    EXPECT_EQ(bench.take_path(), path);
  }
  const Key instance = bench.start("{}");  // null > 10 is null
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  bench.run(SetVariables{instance, *feel::parse_variables(R"({"n": 1})"), false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Engine, WithoutMatchOrDefaultThereIsAnIncident) {
  Bench bench;
  bench.deploy(TestModel().start().exclusive("x").end("a").end("b").flow("start", "x").flow("x", "a", "n = 1").flow("x", "b", "n = 2"));
  const Key instance = bench.start(R"({"n": 3})");
  EXPECT_EQ(bench.incident(), "CONDITION_ERROR");
  EXPECT_EQ(bench.run(ResolveIncident{bench.incidents()[0].key}).rejection, std::nullopt);
  EXPECT_EQ(bench.incident(), "CONDITION_ERROR");  // nothing was mended: a new one
  bench.run(SetVariables{instance, *feel::parse_variables(R"({"n": 2})"), false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  EXPECT_EQ(bench.ended().size(), 1u);
  EXPECT_EQ(bench.run(ResolveIncident{12345}).rejection->code, Rejection::Code::kNotFound);
}

TEST(Engine, ForksAndJoins) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("f")
                   .task("a", "a")
                   .task("b", "b")
                   .parallel("j")
                   .end()
                   .flow("start", "f")
                   .flow("f", "a")
                   .flow("f", "b")
                   .flow("a", "j")
                   .flow("b", "j")
                   .flow("j", "end"));
  const Key instance = bench.start();
  bench.complete("b");
  EXPECT_TRUE(bench.is_active(instance));
  bench.complete("a");
  EXPECT_FALSE(bench.is_active(instance));
  EXPECT_EQ(bench.take_path(), "start f b a j end p");
}

// Several tokens on one flow of a join: it fires once for each full set.
TEST(Engine, JoinsEachSetOfTokensOnce) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("f")
                   .task("a1", "a")
                   .task("a2", "a")
                   .task("b1", "b")
                   .task("b2", "b")
                   .exclusive("ma")
                   .exclusive("mb")
                   .parallel("j")
                   .task("z", "z")
                   .end()
                   .flow("start", "f")
                   .flow("f", "a1")
                   .flow("f", "a2")
                   .flow("f", "b1")
                   .flow("f", "b2")
                   .flow("a1", "ma")
                   .flow("a2", "ma")
                   .flow("b1", "mb")
                   .flow("b2", "mb")
                   .flow("ma", "j")
                   .flow("mb", "j")
                   .flow("j", "z")
                   .flow("z", "end"));
  bench.start();
  for (const auto& job : bench.activate("a")) bench.run(CompleteJob{job.key, {}});
  EXPECT_TRUE(bench.activate("z").empty());
  for (const auto& job : bench.activate("b")) bench.run(CompleteJob{job.key, {}});
  const auto joined = bench.activate("z");
  EXPECT_EQ(joined.size(), 2u);
  for (const auto& job : joined) bench.run(CompleteJob{job.key, {}});
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Engine, ErrorsFindTheNearestBoundary) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .open_sub("sub")
                   .start("s2")
                   .task("t", "work")
                   .end("e2")
                   .boundary_error("own", "t", "E1")
                   .end("c1")
                   .flow("s2", "t")
                   .flow("t", "e2")
                   .flow("own", "c1")
                   .close_sub()
                   .boundary_error("outer", "sub", "E2")
                   .boundary_error("any", "sub", "")
                   .end("end")
                   .end("c2")
                   .end("c3")
                   .flow("start", "sub")
                   .flow("sub", "end")
                   .flow("outer", "c2")
                   .flow("any", "c3"));
  const std::pair<const char*, const char*> cases[] = {{"E1", "start s2 -t own c1 sub end p"},
                                                       {"E2", "start s2 -t -sub outer c2 p"},
                                                       {"E3", "start s2 -t -sub any c3 p"},
                                                       {"", "start s2 -t -sub any c3 p"}};
  for (const auto& [code, path] : cases) {
    bench.start();
    const auto outcome = bench.run(ThrowError{bench.job("work").key, code, "", *feel::parse_variables(R"({"made": "id"})")});
    EXPECT_FALSE(outcome.rejection);
    EXPECT_EQ(bench.take_path(), path);
    EXPECT_EQ(bench.end_variables(), "{}");  // they stay at the event that catches it
  }
}

TEST(Engine, VariablesOfAnErrorGoOnByTheMappingsOfWhatCatchesIt) {
  Bench bench;
  TestModel model;
  model.start().task("t", "work").end().end("c");
  model.boundary_on(
      "b", "t", "<extensionElements><z:ioMapping>" + output("=why", "kept") + "</z:ioMapping></extensionElements>" + model.on_error("E"));
  bench.deploy(model.flow("start", "t").flow("t", "end").flow("b", "c"));
  bench.start();
  bench.run(ThrowError{bench.job("work").key, "E", "", *feel::parse_variables(R"({"why": "x"})")});
  EXPECT_EQ(bench.take_path(), "start -t b c p");
  EXPECT_EQ(bench.end_variables(), R"({"kept":"x"})");
}

// As Zeebe has it: a variable that has the very value already does not stop it on its way out.
TEST(Engine, AVariableOfTheSameValueIsPassedOver) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work", input("=1", "x") + input("=1", "y")).end().flow("start", "t").flow("t", "end"));
  bench.start();
  bench.complete("work", R"({"x": 1, "y": 2})");
  EXPECT_EQ(bench.end_variables(), R"({"x":1})");
}

TEST(Engine, UnhandledErrorsAreIncidents) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  const Key job = bench.job("work").key;
  bench.run(ThrowError{job, "E", "why", {}});
  EXPECT_EQ(bench.incident(), "UNHANDLED_ERROR_EVENT");
  EXPECT_EQ(bench.run(CompleteJob{job, {}}).rejection->code, Rejection::Code::kInvalidState);
  bench.run(ResolveIncident{bench.incidents()[0].key});
  bench.complete("work");  // handed out again
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Engine, ErrorEndEventsEndTheSubProcess) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .open_sub("sub")
                   .start("s2")
                   .parallel("f")
                   .task("t", "work")
                   .error_end("bad", "E")
                   .flow("s2", "f")
                   .flow("f", "t")
                   .flow("f", "bad")
                   .close_sub()
                   .boundary_error("caught", "sub", "E")
                   .end()
                   .end("c")
                   .flow("start", "sub")
                   .flow("sub", "end")
                   .flow("caught", "c"));
  bench.start();
  EXPECT_EQ(bench.take_path(), "start s2 f -bad -t -sub caught c p");
  EXPECT_TRUE(bench.activate("work").empty());
}

TEST(Engine, TheEventGatewayTakesOneAndCancelsTheOthers) {
  const TestModel model = TestModel()
                              .start()
                              .event_gateway("g")
                              .catch_message("m", "msg", "=id", output("=v", "got"))
                              .catch_timer("w", "PT30S")
                              .end("a")
                              .end("b")
                              .flow("start", "g")
                              .flow("g", "m")
                              .flow("g", "w")
                              .flow("m", "a")
                              .flow("w", "b");
  Bench bench;
  bench.deploy(model);
  bench.start(R"({"id": "k"})");
  bench.publish("msg", "other");
  const Outcome outcome = bench.publish("msg", "k", R"({"v": 1})");
  EXPECT_EQ(bench.take_path(), "start g m a p");
  std::string flows;  // none from the gateway: the event has happened already
  for (const Event& event : outcome.events)
    if (const auto* taken = std::get_if<FlowTaken>(&event)) flows += taken->flow + " ";
  EXPECT_EQ(flows, "m_a ");
  EXPECT_EQ(bench.end_variables(), R"({"got":1,"id":"k"})");
  bench.pass(minutes(1));
  bench.start(R"({"id": "k2"})");
  bench.pass(milliseconds(29'999));
  EXPECT_EQ(bench.take_path(), "start");
  bench.pass(milliseconds(1));
  EXPECT_EQ(bench.take_path(), "g w b p");
  bench.publish("msg", "k2");
  EXPECT_EQ(bench.ended().size(), 2u);
}

TEST(Engine, BoundaryTimersInterruptOrNot) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .task("t", "work")
                   .boundary_timer("soft", "t", "PT10S", false)
                   .boundary_timer("hard", "t", "PT1M")
                   .task("remind", "remind")
                   .end()
                   .end("e1")
                   .end("e2")
                   .flow("start", "t")
                   .flow("t", "end")
                   .flow("soft", "remind")
                   .flow("remind", "e1")
                   .flow("hard", "e2"));
  bench.start();
  const Key job = bench.job("work").key;
  bench.pass(seconds(10));
  bench.complete("remind");
  bench.pass(seconds(50));
  EXPECT_EQ(bench.take_path(), "start soft remind e1 -t hard e2 p");
  EXPECT_EQ(bench.run(CompleteJob{job, {}}).rejection->code, Rejection::Code::kNotFound);
  EXPECT_EQ(bench.engine.state().due().size(), 0u);
}

TEST(Engine, BoundaryMessagesEndASubProcess) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .open_sub("sub")
                   .start("s2")
                   .task("t", "work")
                   .end("e2")
                   .flow("s2", "t")
                   .flow("t", "e2")
                   .close_sub()
                   .boundary_message("stop", "sub", "cancel", "=id")
                   .end()
                   .end("c")
                   .flow("start", "sub")
                   .flow("sub", "end")
                   .flow("stop", "c"));
  bench.start(R"({"id": "1"})");
  bench.publish("cancel", "1");
  EXPECT_EQ(bench.take_path(), "start s2 -t -sub stop c p");
  // Published before the sub-process began.
  bench.publish("cancel", "2");
  bench.start(R"({"id": "2"})");
  EXPECT_EQ(bench.ended().size(), 2u);
}

TEST(Engine, NonInterruptingMessagesLeaveTheirHostAlone) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .task("t", "work")
                   .boundary_message("note", "t", "note", "=id", false)
                   .end()
                   .end("e2")
                   .flow("start", "t")
                   .flow("t", "end")
                   .flow("note", "e2"));
  bench.start(R"({"id": "1"})");
  bench.publish("note", "1", "{}", "a");
  bench.publish("note", "1", "{}", "b");
  EXPECT_EQ(bench.take_path(), "start note e2 note e2");
  bench.complete("work");
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Engine, B_52_BuffersMessagesAndKnowsTheirIds) {
  Bench bench;
  bench.deploy(TestModel().start().catch_message("m", "msg", "=id").end().flow("start", "m").flow("m", "end"));
  EXPECT_FALSE(bench.publish("msg", "k", R"({"v": 1})", "id-1", seconds(10)).rejection);
  EXPECT_EQ(bench.publish("msg", "k", R"({"v": 2})", "id-1", seconds(10)).rejection->code, Rejection::Code::kAlreadyExists);
  EXPECT_FALSE(bench.publish("msg", "k2", "{}", "id-1", seconds(10)).rejection);  // another key
  bench.pass(milliseconds(9'999));
  bench.start(R"({"id": "k"})");
  EXPECT_EQ(bench.end_variables(), R"({"id":"k","v":1})");
  bench.start(R"({"id": "k"})");  // one message, one instance of a process
  EXPECT_EQ(bench.ended().size(), 1u);
  bench.pass(milliseconds(1));
  EXPECT_FALSE(bench.publish("msg", "k3", "{}", "id-1", Duration{}).rejection);  // not kept at all
  bench.start(R"({"id": "k3"})");
  EXPECT_EQ(bench.ended().size(), 1u);
  EXPECT_FALSE(bench.publish("msg", "k", "{}", "id-1", seconds(10)).rejection);  // expired: the id is free again
  EXPECT_EQ(bench.ended().size(), 2u);
}

TEST(Engine, AMessageReachesOneInstanceOfEachProcess) {
  Bench bench;
  for (const char* process : {"p", "q"})
    bench.deploy(TestModel(process).start().catch_message("m", "msg", "=id").end().flow("start", "m").flow("m", "end").xml(),
                 std::string(process) + ".bpmn");
  for (const char* process : {"p", "p", "q"}) bench.start(R"({"id": "k"})", process);
  bench.publish("msg", "k");
  EXPECT_EQ(bench.ended().size(), 2u);
  bench.publish("msg", "k");
  EXPECT_EQ(bench.ended().size(), 3u);
}

// As with Zeebe the first wait counts, and the last flow of a gateway waits first; in the platform the oldest message.
TEST(Engine, TakesBufferedMessagesInTheirOrder) {
  const auto path = [](EarlyMessages early, const char* first, const char* second) {
    EngineOptions options;
    options.early_messages = early;
    Bench bench(options);
    bench.deploy(TestModel()
                     .start()
                     .event_gateway("g")
                     .catch_message("a", "A", "=id")
                     .catch_message("b", "B", "=id")
                     .end("ea")
                     .end("eb")
                     .flow("start", "g")
                     .flow("g", "a")
                     .flow("g", "b")
                     .flow("a", "ea")
                     .flow("b", "eb"));
    bench.publish(first, "k");
    bench.publish(second, "k");
    bench.start(R"({"id": "k"})");
    return bench.take_path();
  };
  EXPECT_EQ(path(EarlyMessages::kByWait, "A", "B"), "start g b eb p");
  EXPECT_EQ(path(EarlyMessages::kByWait, "B", "A"), "start g b eb p");
  EXPECT_EQ(path(EarlyMessages::kByAge, "A", "B"), "start g a ea p");
  EXPECT_EQ(path(EarlyMessages::kByAge, "B", "A"), "start g b eb p");
}

TEST(Engine, B_51_JobsRetryWithGrowingBackOffAndThenBecomeIncidents) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  for (int failure = 0; failure < 3; ++failure) {
    const auto job = bench.job("work");
    EXPECT_EQ(job.retries, 3 - failure);
    bench.run(FailJob{job.key, std::nullopt, std::nullopt, "a.code", "broken"});
    if (failure == 2) break;
    const Duration back_off = kFirstBackOff * (1 << failure);
    bench.pass(back_off - milliseconds(1));
    EXPECT_TRUE(bench.activate("work").empty());
    bench.pass(milliseconds(1));
  }
  EXPECT_EQ(bench.incident(), "JOB_NO_RETRIES");
  const Incident incident = bench.incidents()[0];
  EXPECT_EQ(incident.message, "a.code: broken");
  EXPECT_EQ(bench.run(ResolveIncident{incident.key}).rejection->code, Rejection::Code::kNotFound);
  bench.run(UpdateRetries{incident.job, 1});
  EXPECT_FALSE(bench.run(ResolveIncident{incident.key}).rejection);
  bench.complete("work");
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Engine, B_51_B_53_LocksRunOutAndUnreadyWorkersLoseNoRetry) {
  EngineOptions options;
  options.retries_for_none = model::kDefaultRetries;  // as in the platform
  Bench bench(options);
  bench.deploy(TestModel().start().task("t", "work", "", "0").end().flow("start", "t").flow("t", "end"));
  bench.start();
  const Key job = bench.job("work").key;
  bench.pass(seconds(60));
  EXPECT_EQ(bench.job("work").key, job);
  bench.run(YieldJob{job, seconds(5)});
  EXPECT_TRUE(bench.activate("work").empty());
  bench.pass(seconds(5));
  const auto again = bench.job("work");
  EXPECT_EQ(again.retries, model::kDefaultRetries);  // a model that says 0 gets the default
  bench.run(CompleteJob{job, {}});
  EXPECT_EQ(bench.run(CompleteJob{job, {}}).rejection->code, Rejection::Code::kNotFound);
}

TEST(Engine, AJobThatItsWorkerNeverAnswersBecomesAnIncident) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  const Key job = bench.job("work").key;
  for (int loss = 1; loss < kMaxLosses; ++loss) {
    bench.pass(seconds(60));
    EXPECT_EQ(bench.job("work").retries, model::kDefaultRetries) << "a lost lock uses no retry";
  }
  EXPECT_TRUE(bench.incidents().empty());
  bench.pass(seconds(60));
  EXPECT_TRUE(bench.activate("work").empty());
  EXPECT_EQ(bench.incident(), "JOB_NO_RETRIES");
  const Incident incident = bench.incidents()[0];
  EXPECT_EQ(incident.message, "process.job-lost: Expected the worker to answer, but it ended or the lock ran out 5 times in a row");
  bench.run(UpdateRetries{job, 1});
  EXPECT_FALSE(bench.run(ResolveIncident{incident.key}).rejection);
  bench.pass(seconds(60));
  EXPECT_EQ(bench.job("work").key, job) << "the count begins anew";
}

TEST(Engine, JobsOfAWorkerThatHasEndedAreHandedOutAtOnce) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  const Key job = bench.job("work").key;
  bench.run(ReleaseJobs{"work", "another"});
  bench.run(ReleaseJobs{"other-work", "tester"});
  EXPECT_TRUE(bench.activate("work").empty());
  bench.run(ReleaseJobs{"work", "tester"});
  EXPECT_EQ(bench.job("work").key, job);
  for (int loss = 2; loss <= kMaxLosses; ++loss) {
    bench.run(ReleaseJobs{"work", "tester"});
    bench.activate("work");
  }
  EXPECT_EQ(bench.incident(), "JOB_NO_RETRIES") << "a job that takes its worker down is not handed out for ever";
}

// None lasts longer from then on than it was meant to; without the move each would last for an hour more.
TEST(Engine, WaitsBeginAnewWhenTheClockIsSetBack) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("fork")
                   .task("failing", "fail")
                   .task("held", "hold")
                   .task("unready", "yield")
                   .catch_timer("pause", "PT30S")
                   .end()
                   .flow("start", "fork")
                   .flow("fork", "failing")
                   .flow("fork", "held")
                   .flow("fork", "unready")
                   .flow("fork", "pause")
                   .flow("failing", "end")
                   .flow("held", "end")
                   .flow("unready", "end")
                   .flow("pause", "end"));
  bench.start();
  bench.run(FailJob{bench.job("fail").key, std::nullopt, minutes(5), "", "no luck"});
  bench.job("hold");
  bench.run(YieldJob{bench.job("yield").key, seconds(2)});
  bench.set_clock_back(hours(1));
  EXPECT_TRUE(bench.activate("yield").empty());
  bench.pass(seconds(2));
  bench.complete("yield");
  EXPECT_EQ(bench.take_path(), "start fork unready end");
  bench.pass(seconds(28));
  EXPECT_EQ(bench.take_path(), "pause end");
  EXPECT_TRUE(bench.activate("hold").empty()) << "the worker may still be at it";
  bench.pass(seconds(30));
  EXPECT_FALSE(bench.activate("hold").empty());
  EXPECT_TRUE(bench.activate("fail").empty());
  bench.pass(minutes(4));
  EXPECT_FALSE(bench.activate("fail").empty());
}

// Less than what has passed already prolongs a wait by no more than its own length, and nothing is written.
TEST(Engine, ASmallStepBackMovesNothing) {
  Bench bench;
  bench.deploy(TestModel().start().catch_timer("pause", "PT30S").end().flow("start", "pause").flow("pause", "end"));
  bench.start();
  const std::size_t records = bench.journal().size();
  bench.set_clock_back(kClockTolerance);
  bench.pass(seconds(20));
  bench.set_clock_back(seconds(15));
  EXPECT_EQ(bench.journal().size(), records);
  bench.pass(seconds(26));
  EXPECT_EQ(bench.ended().size(), 1u);
}

// A cycle of a process goes on in its rhythm, too.
TEST(Engine, StartTimersBeginAnewWhenTheClockIsSetBack) {
  Bench bench;
  TestModel model;
  bench.deploy(std::move(model.start_on("by", TestModel::on_timer("R/PT1M", "timeCycle")).end().flow("by", "end")));
  bench.pass(minutes(2));
  EXPECT_EQ(bench.ended().size(), 2u);
  bench.set_clock_back(hours(24));
  bench.pass(minutes(3));
  EXPECT_EQ(bench.ended().size(), 5u);
}

// The lock ran out, and another worker has it: it is not taken from that one.
TEST(Engine, AJobIsGivenBackByWhoHoldsItAlone) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  const ActivatedJob first = bench.job("work");
  bench.pass(seconds(61));
  const ActivatedJob second = bench.job("work");
  ASSERT_EQ(first.key, second.key);
  EXPECT_TRUE(bench.run(YieldJob{first.key, seconds(1), first.deadline}).rejection);
  EXPECT_EQ(bench.engine.state().activated("work", "tester").size(), 1u);
  EXPECT_FALSE(bench.run(YieldJob{second.key, seconds(1), second.deadline}).rejection);
}

// A process with two of them: who waits longest comes next, whichever of them it is.
TEST(Engine, TheNextMessageThatStartsAProcessIsTheOldestOfAll) {
  Bench bench;
  TestModel model;
  model.start_on("a", model.on_message("A")).start_on("b", model.on_message("B")).task("t", "work").end();
  bench.deploy(std::move(model.flow("a", "t").flow("b", "t").flow("t", "end")));
  bench.publish("A", "k");
  bench.publish("B", "k");
  bench.publish("A", "k");
  bench.complete("work");
  bench.complete("work");
  bench.complete("work");
  EXPECT_EQ(bench.take_path(), "a t end p b t end p a t end p");
}

// What is due at a date is due when the clock shows it.
TEST(Engine, TimersOfADateFollowTheClock) {
  Bench bench;
  bench.deploy(TestModel().start().catch_date("day", "=due").end().flow("start", "day").flow("day", "end"));
  bench.start(R"({"due": ")" + format_rfc3339(bench.now + minutes(1)) + "\"}");
  bench.set_clock_back(hours(1));
  bench.pass(minutes(60));
  EXPECT_TRUE(bench.ended().empty());
  bench.pass(minutes(1));
  EXPECT_EQ(bench.take_path(), "start day end p");
}

// Form 2 did not say when waits began: such a one is not moved, and ends when it was to.
TEST(Engine, ReadsCheckpointsWithoutTheBeginningOfWaits) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  const Key key = bench.start();
  const Key job = bench.job("work").key;
  const State& state = bench.engine.state();
  Instance old = *state.instance(key);
  const Timestamp due = old.jobs.at(job).due;
  old.jobs.at(job).since = {};
  std::string bytes = encode_instance(old);
  bytes.front() = 2;
  const std::size_t since = 1, fourth_form = 4 * old.elements.size() + 5, sixth_form = 1, seventh_form = 1 + old.elements.size();
  bytes.resize(bytes.size() - since - fourth_form - sixth_form - seventh_form);
  auto read = decode_instance(state, bytes);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->jobs.at(job).due, due);
  State restored;
  restored.restore_instance(std::move(*read));
  EXPECT_FALSE(restored.was_set_back(bench.now - hours(1)));
  EXPECT_EQ(restored.next_due(), due);
}

TEST(Engine, KnowsWhichWorkerHoldsWhat) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  const Key job = bench.job("work").key;
  EXPECT_EQ(bench.engine.state().activated("work", "tester"), std::set<Key>{job});
  bench.run(YieldJob{job, seconds(5)});
  EXPECT_TRUE(bench.engine.state().activated("work", "tester").empty());
  bench.pass(seconds(5));
  bench.job("work");
  bench.run(CompleteJob{job, {}});
  EXPECT_TRUE(bench.engine.state().activated("work", "tester").empty());
}

TEST(Engine, AnAnswerEndsTheCountOfLostLocks) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start();
  for (int loss = 1; loss < 3 * kMaxLosses; ++loss) {
    const Key job = bench.job("work").key;
    if (loss % (kMaxLosses - 1) == 0) {
      bench.run(YieldJob{job, seconds(5)});
      bench.pass(seconds(5));
    } else {
      bench.pass(seconds(60));
    }
  }
  EXPECT_TRUE(bench.incidents().empty());
  bench.complete("work");
}

TEST(Engine, CancelEndsEverything) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .parallel("f")
                   .task("t", "work")
                   .boundary_timer("b", "t", "PT1H")
                   .open_sub("sub")
                   .start("s2")
                   .catch_message("m", "msg", "=id")
                   .end("e2")
                   .flow("s2", "m")
                   .flow("m", "e2")
                   .close_sub()
                   .task("bad", "=nothing")
                   .end()
                   .end("eb")
                   .flow("start", "f")
                   .flow("f", "t")
                   .flow("f", "sub")
                   .flow("f", "bad")
                   .flow("t", "end")
                   .flow("b", "eb"));
  const Key instance = bench.start(R"({"id": "k"})");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  bench.run(CancelInstance{instance});
  EXPECT_FALSE(bench.is_active(instance));
  EXPECT_FALSE(bench.ended()[0].completed);
  EXPECT_TRUE(bench.engine.state().due().empty());
  EXPECT_TRUE(bench.engine.state().first_message_waiters("msg", "k").empty());
  EXPECT_TRUE(bench.activate("work").empty());
  EXPECT_EQ(bench.run(CancelInstance{instance}).rejection->code, Rejection::Code::kNotFound);
}

TEST(Engine, ALoopWithoutWaitYieldsAndEndsAsAnIncident) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .exclusive("m")
                   .exclusive("x", "x_m")
                   .end()
                   .flow("start", "m")
                   .flow("m", "x")
                   .flow("x", "m")
                   .flow("x", "end", "is defined(stop)"));
  const Key instance = bench.start();
  EXPECT_EQ(bench.go_on(), kMaxConsecutiveYields);
  EXPECT_EQ(bench.incident(), "UNKNOWN");
  EXPECT_FALSE(bench.engine.state().instance(instance)->may_continue());
  bench.run(SetVariables{instance, *feel::parse_variables(R"({"stop": true})"), false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  bench.go_on();
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Engine, ALongStretchOfWorkYieldsButArrives) {
  TestModel model;
  model.start().parallel("f").end();
  model.flow("start", "f");
  for (int i = 0; i < 900; ++i) model.end("e" + std::to_string(i)).flow("f", "e" + std::to_string(i));
  model.flow("f", "end");
  Bench bench;
  bench.deploy(model);
  const Key instance = bench.start();
  EXPECT_TRUE(bench.is_active(instance));
  EXPECT_GE(bench.go_on(), 3);
  EXPECT_FALSE(bench.is_active(instance));
}

TEST(Engine, ATokenBombIsStopped) {
  Bench bench;  // each round doubles the tokens
  bench.deploy(TestModel()
                   .start()
                   .exclusive("m")
                   .parallel("f")
                   .end()
                   .flow("start", "m")
                   .flow("m", "f")
                   .raw("<sequenceFlow id='l1' sourceRef='f' targetRef='m'/><sequenceFlow id='l2' sourceRef='f' targetRef='m'/>")
                   .flow("f", "end"));
  bench.start();
  bench.go_on();
  EXPECT_EQ(bench.incident(), "UNKNOWN");
}

TEST(Engine, B_55_TheSameIdempotencyKeyAnswersTheSameInstance) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  const Key first = bench.start("{}", "p", "key");
  EXPECT_EQ(bench.start("{}", "p", "key"), first);
  bench.complete("work");
  EXPECT_EQ(bench.start("{}", "p", "key"), first);
  EXPECT_EQ(bench.ended().size(), 1u);
  EXPECT_NE(bench.start("{}", "p", "other"), first);
}

TEST(Engine, VersionsModelsAndLeavesRunningInstancesOnTheirs) {
  Bench bench;
  const auto version = [](std::string type) { return TestModel().start().task("t", type).end().flow("start", "t").flow("t", "end").xml(); };
  bench.deploy(version("one"));
  bench.start();
  EXPECT_EQ(bench.run(Deploy{{{"m.bpmn", version("one")}}}).processes.at(0).version, 1);
  EXPECT_EQ(bench.run(Deploy{{{"m.bpmn", version("two")}}}).processes.at(0).version, 2);
  bench.start();
  EXPECT_EQ(bench.job("one").process_version, 1);
  EXPECT_EQ(bench.job("two").process_version, 2);
  const auto refused = bench.run(Deploy{{{"m.bpmn", version("three")}, {"bad.bpmn", "<x/>"}}});
  ASSERT_TRUE(refused.rejection);
  EXPECT_EQ(refused.rejection->findings.at(0).file, "bad.bpmn");
  EXPECT_EQ(bench.engine.state().newest("p")->version, 2);
}

TEST(Engine, EachDeploymentHasAKeyOfItsOwn) {
  Bench bench;
  const std::string xml = TestModel().start().end().flow("start", "end").xml();
  const Outcome first = bench.run(Deploy{{{"m.bpmn", xml}}});
  const Outcome again = bench.run(Deploy{{{"m.bpmn", xml}}});
  EXPECT_LT(first.key, first.processes.at(0).key);
  EXPECT_EQ(again.processes.at(0).key, first.processes.at(0).key);
  EXPECT_GT(again.key, first.processes.at(0).key);
  Deploy checked{{{"m.bpmn", xml}}};
  checked.effect = Effect::kOnlyChecked;
  EXPECT_TRUE(bench.run(checked).events.empty());
}

TEST(Engine, BP_1_RefusesUnknownJobTypesAtDeployment) {
  EngineOptions options;
  options.known_job_types = std::set<std::string, std::less<>>{"known"};
  Bench bench(options);
  const auto outcome = bench.run(Deploy{{{"m.bpmn", TestModel().start().task("t", "unknown").flow("start", "t").xml()}}});
  ASSERT_TRUE(outcome.rejection);
  EXPECT_EQ(outcome.rejection->findings.at(0), (model::Finding{"m.bpmn", "t", "there is no worker for the job type 'unknown'"}));
}

TEST(Engine, BoundsVariables) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .task("t", "work", output("=[x]", "x"))
                   .exclusive("g", "g_end")
                   .end()
                   .flow("start", "t")
                   .flow("t", "g")
                   .flow("g", "t", "again")
                   .flow("g", "end"));
  EXPECT_EQ(bench.run(CreateInstance{"p", 0, {{"big", feel::Value(std::string(kMaxVariableBytes, 'x'))}}, ""}).rejection->code,
            Rejection::Code::kInvalidArgument);
  EXPECT_FALSE(bench.run(CreateInstance{"q", 0, {}, ""}).rejection->message.empty());
  bench.start(R"({"x": 1, "again": true})");
  int rounds = 0;
  for (; bench.incidents().empty() && rounds < 100; ++rounds) bench.complete("work");  // one level deeper each time
  EXPECT_EQ(bench.incident(), "IO_MAPPING_ERROR");
  EXPECT_EQ(rounds, feel::kMaxJsonDepth);
}

TEST(Engine, BadTimersAndKeysAreIncidents) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .event_gateway("g")
                   .catch_timer("w", "=wait")
                   .catch_message("m", "msg", "=id")
                   .end("a")
                   .end("b")
                   .flow("start", "g")
                   .flow("g", "w")
                   .flow("g", "m")
                   .flow("w", "a")
                   .flow("m", "b"));
  const Key instance = bench.start(R"({"wait": "soon", "id": "k"})");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  EXPECT_TRUE(bench.engine.state().first_message_waiters("msg", "k").empty());
  bench.run(SetVariables{instance, *feel::parse_variables(R"({"wait": "PT1S"})"), false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  bench.pass(seconds(1));
  EXPECT_EQ(bench.ended().size(), 1u);
}

TEST(Engine, DamagedBytesAreErrors) {
  Bench bench;
  bench.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  bench.start(R"({"a": [1, {"b": null}]})");
  const std::string record = bench.journal().back();
  for (std::size_t size = 0; size < record.size(); ++size) EXPECT_FALSE(decode_record(record.substr(0, size)).has_value()) << size;
  EXPECT_FALSE(decode_record(record + "x").has_value());
}

// It was deployed before there was the rule that refuses it now; its journal is read at every start.
TEST(Engine, KeptModelsOutliveStricterRules) {
  const std::string xml = TestModel().start("1st").task("t", "work").end().flow("1st", "t").flow("t", "end").xml();
  Bench bench;
  EXPECT_EQ(bench.run(Deploy{{{"m.bpmn", xml}}}).rejection->findings.at(0).element_id, "1st");
  bench.engine.replay({bench.now, {ProcessDeployed{make_key(1, 1), "p", 1, "m.bpmn", xml}}});
  const Outcome started = bench.engine.execute(CreateInstance{"p", 0, {}, ""}, bench.now);
  ASSERT_FALSE(started.rejection);
  EXPECT_EQ(bench.engine.execute(ActivateJobs{"work", "w", 10, seconds(1)}, bench.now).jobs.size(), 1u);
}

TEST(Engine, AJobGetsAsManyRetriesAgainAsItsModelGives) {
  const auto retries = [](const std::string& task, const std::string& type) {
    Bench bench;
    TestModel model;
    model.start().activity("serviceTask", "t", task).end();
    bench.deploy(model.flow("start", "t").flow("t", "end"));
    bench.start(R"({"most": 7})");
    const Key job = bench.job(type).key;
    bench.run(FailJob{job, 0, std::nullopt, "", "no"});
    EXPECT_FALSE(bench.run(UpdateRetries{job, std::nullopt}).rejection);
    EXPECT_FALSE(bench.run(ResolveIncident{bench.incidents().at(0).key}).rejection);
    return bench.job(type).retries;
  };
  EXPECT_EQ(retries("<z:taskDefinition type='work'/>", "work"), 3);
  EXPECT_EQ(retries("<z:taskDefinition type='work' retries='1'/>", "work"), 1) << "what may not be done twice by itself";
  EXPECT_EQ(retries("<z:taskDefinition type='work' retries='=most'/>", "work"), 7);
  EXPECT_EQ(retries("<z:taskDefinition type='work' retries='0'/>", "work"), 1);
  const std::string listeners =
      "<z:executionListeners><z:executionListener eventType='start' type='before' retries='2'/></z:executionListeners>";
  EXPECT_EQ(retries("<z:taskDefinition type='work' retries='1'/>" + listeners, "before"), 2);
}

}  // namespace
}  // namespace consilium::bpmn::engine
