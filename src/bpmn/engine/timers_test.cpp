// When timers are due: what their expressions may give, and how often they repeat.
#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"
#include "bpmn/engine/test_bench.h"

namespace consilium::bpmn::engine {
namespace {

TestModel waiting(const std::string& value, const std::string& kind) {
  return TestModel().start().catch_on("wait", TestModel::on_timer(value, kind)).end().flow("start", "wait").flow("wait", "end");
}

TestModel reminding(const std::string& cycle) {
  return TestModel()
      .start()
      .task("t", "work")
      .boundary_on("again", "t", TestModel::on_timer(cycle, "timeCycle"), false)
      .end()
      .end("e2")
      .flow("start", "t")
      .flow("t", "end")
      .flow("again", "e2");
}

// When the timer of a catch event is due, from now on; empty: there is an incident instead.
std::optional<Duration> due(const std::string& value, const std::string& kind, std::string_view variables = "{}") {
  Bench bench;
  bench.deploy(waiting(value, kind));
  bench.start(variables);
  if (!bench.incidents().empty()) {
    EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
    return std::nullopt;
  }
  return bench.engine.state().next_due() ? std::optional(*bench.engine.state().next_due() - bench.now) : Duration{};
}

TEST(Timers, DatesMayBeCalendarValuesOrTexts) {  // now is 2026-01-01T00:00:00Z
  EXPECT_EQ(due("2026-01-01T01:00:00+01:00[Europe/Berlin]", "timeDate"), Duration{});
  for (const char* value : {"2026-01-01T01:00:00Z", "2026-01-01T01:00Z", "=\"2026-01-01T01:00:00Z\"",
                            "=date and time(\"2026-01-01T01:00:00Z\")", "=date and time(\"2026-01-01T02:00:00@Europe/Berlin\")",
                            "=now() + duration(\"PT1H\")", "=date and time(today(), time(\"01:00:00Z\"))"})
    EXPECT_EQ(due(value, "timeDate"), hours(1)) << value;
  for (const char* value : {"=5", "=null", "=time(\"10:00:00Z\")", "=duration(\"PT1H\")", "=\"tomorrow\"", "=\"2026-01-02\""})
    EXPECT_EQ(due(value, "timeDate"), std::nullopt) << value;
}

TEST(Timers, LengthsMayBeCalendarValuesOrTexts) {
  for (const char* value :
       {"PT1H", "=\"PT1H\"", "=duration(\"PT1H\")", "=date and time(\"2030-01-01T10:00:00Z\") - date and time(\"2030-01-01T09:00:00Z\")"})
    EXPECT_EQ(due(value, "timeDuration"), hours(1)) << value;
  EXPECT_EQ(due("P1M", "timeDuration"), days(31));
  EXPECT_EQ(due("=duration(\"P1Y2M\")", "timeDuration"), days(365 + 31 + 28));
  EXPECT_EQ(due("=\"P1M1DT1H\"", "timeDuration"), days(32) + hours(1));
  EXPECT_EQ(due("=duration(\"-PT1H\")", "timeDuration"), Duration{});
  for (const char* value : {"=5", "=null", "=\"soon\"", "=today()"}) EXPECT_EQ(due(value, "timeDuration"), std::nullopt) << value;
}

TEST(Timers, ExpressionsKnowTheTimeOfTheirCommand) {
  Bench bench;
  bench.deploy(TestModel()
                   .start()
                   .activity("scriptTask", "t", "<z:script expression='=[string(now()), string(today())]' resultVariable='r'/>")
                   .end()
                   .flow("start", "t")
                   .flow("t", "end"));
  bench.pass(hours(25));
  bench.start();
  EXPECT_EQ(bench.end_variables(), R"({"r":["2026-01-02T01:00:00Z","2026-01-02"]})");
}

TEST(Timers, ExpressionsHaveRandomNumbersOfTheirOwner) {
  SeededRandom random(7);
  EngineOptions options;
  options.random = &random;
  Bench bench(options);
  bench.deploy(TestModel()
                   .start()
                   .activity("scriptTask", "t", "<z:script expression='=uuid()' resultVariable='id'/>")
                   .end()
                   .flow("start", "t")
                   .flow("t", "end"));
  bench.start();
  bench.start();
  ASSERT_EQ(bench.ended().size(), 2u);
  EXPECT_TRUE(bench.ended()[0].variables.at("id").string());
  EXPECT_FALSE(bench.ended()[0].variables.at("id") == bench.ended()[1].variables.at("id"));
}

TEST(Timers, CyclesRepeatAsACronExpressionSays) {
  Bench bench;
  bench.deploy(reminding("0 0 9-10 * * MON-FRI"));
  bench.start();
  bench.pass(hours(9));  // Thursday, 2026-01-01
  EXPECT_EQ(bench.take_path(), "start again e2");
  bench.pass(days(1));
  EXPECT_EQ(bench.take_path(), "again e2 again e2");
  bench.pass(days(2) + hours(23));  // over the week-end
  EXPECT_EQ(bench.take_path(), "again e2");
  bench.pass(hours(1));
  EXPECT_EQ(bench.take_path(), "again e2");
  bench.complete("work");
  EXPECT_EQ(bench.ended().size(), 1u);
  EXPECT_TRUE(bench.engine.state().due().empty());
}

TEST(Timers, CyclesMayBeMonths) {
  Bench bench;
  bench.deploy(reminding("R3/P1M"));
  bench.start();
  bench.pass(days(31));
  EXPECT_EQ(bench.take_path(), "start again e2");
  bench.pass(days(28));
  EXPECT_EQ(bench.take_path(), "again e2");
  bench.pass(days(365));
  EXPECT_EQ(bench.take_path(), "again e2");
}

TEST(Timers, CyclesMayBeComputed) {
  for (const char* cycle : {"=cycle(3, duration(\"PT10S\"))", "=\"R3/PT10S\"", "R3/2026-01-01T00:00:10Z/PT10S"}) {
    Bench bench;
    bench.deploy(reminding(cycle));
    bench.start();
    bench.pass(seconds(100));
    EXPECT_EQ(bench.take_path(), "start again e2 again e2 again e2") << cycle;
  }
  for (const char* cycle : {"=5", "=null", "=\"nonsense\"", "=\"0 0 0 30 2 *\""}) {
    Bench bench;
    bench.deploy(reminding(cycle));
    bench.start();
    EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR") << cycle;
  }
}

// As after a downtime.
TEST(Timers, OfACycleDoNotMakeUpForMissedTurns) {
  for (const auto& [cycle, next] : {std::pair("R/PT10S", seconds(10)), std::pair("*/10 * * * * *", seconds(5))}) {
    Bench bench;
    bench.deploy(reminding(cycle));
    bench.start();
    bench.now = bench.now + seconds(35);
    bench.run(Tick{});
    EXPECT_EQ(bench.take_path(), "start again e2") << cycle;
    EXPECT_EQ(*bench.engine.state().next_due(), bench.now + next) << cycle;
    bench.now = bench.now + next + milliseconds(3);  // a little late: no drift
    bench.run(Tick{});
    EXPECT_EQ(*bench.engine.state().next_due(), bench.now - milliseconds(3) + seconds(10)) << cycle;
  }
}

// A calendar is not moved with the clock: what is due at nine is due when the clock shows nine.
TEST(Timers, ASetBackClockDoesNotMoveACronExpression) {
  Bench bench;
  bench.deploy(reminding("0 0 9 * * *"));
  bench.start();
  bench.pass(hours(5));
  bench.set_clock_back(hours(3));
  bench.pass(hours(6));
  EXPECT_EQ(bench.take_path(), "start");
  bench.pass(hours(1));
  EXPECT_EQ(bench.take_path(), "again e2");
}

std::string refusal(const TestModel& model) {
  Bench bench;
  const Outcome outcome = bench.run(Deploy{{{"m.bpmn", model.xml()}}});
  if (!outcome.rejection) return "accepted";
  return outcome.rejection->findings.empty() ? ""
                                             : outcome.rejection->findings[0].element_id + ": " + outcome.rejection->findings[0].message;
}

TestModel starting(const std::string& value, const std::string& kind) {
  return TestModel().start_on("by", TestModel::on_timer(value, kind)).end().flow("by", "end");
}

TEST(Timers, OfAProcessAreComputedAtDeployment) {
  Bench bench;
  bench.deploy(starting("=now() + duration(\"PT10S\")", "timeDate"));
  bench.pass(seconds(10));
  EXPECT_EQ(bench.ended().size(), 1u);
  bench.deploy(starting("PT5S", "timeDuration"));
  bench.pass(seconds(60));
  EXPECT_EQ(bench.ended().size(), 2u);
  bench.deploy(starting("*/20 * * * * *", "timeCycle"));
  bench.pass(seconds(60));
  EXPECT_EQ(bench.ended().size(), 5u);
  bench.deploy(starting("R2/P1M", "timeCycle"));
  bench.pass(days(365));
  EXPECT_EQ(bench.ended().size(), 7u);
  EXPECT_EQ(refusal(starting("=x", "timeDate")),
            "by: Expected the date of a timer, but the expression 'x'; no variable 'x' gives no date and time with a zone");
  EXPECT_EQ(refusal(starting("nonsense", "timeCycle")), "by: 'nonsense' is not a valid timeCycle");
}

TEST(Timers, AModelMaySayThatAJobHasNoRetries) {
  const auto retries = [](std::int32_t for_none, const char* told = "0") {
    EngineOptions options;
    options.retries_for_none = for_none;
    Bench bench(options);
    bench.deploy(TestModel().start().task("t", "work", "", told).end().flow("start", "t").flow("t", "end"));
    bench.start();
    return bench.job("work").retries;
  };
  EXPECT_EQ(retries(0), 0);
  EXPECT_EQ(retries(3), 3);
  EXPECT_EQ(retries(0, "-1"), 0);
  EXPECT_EQ(retries(3, "-1"), 3);
  EXPECT_EQ(retries(0, "1.5"), 1);
  EXPECT_EQ(retries(0, "=5000"), 5000);
  EXPECT_EQ(retries(0, "99999999999"), std::numeric_limits<std::int32_t>::max());
}

}  // namespace
}  // namespace consilium::bpmn::engine
