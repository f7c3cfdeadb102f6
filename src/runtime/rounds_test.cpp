#include "runtime/rounds.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "runtime/event.h"
#include "runtime/health.h"
#include "runtime/log_sink.h"
#include "runtime/metrics.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::runtime {
namespace {

enum class Fate { kWell, kError, kException };

// A loop such as its owners write: a round a second, until it is told to stop.
struct Owner {
  explicit Owner(Scheduler& on, Logger logger) : loop(on), stopping(on), ended(on), rounds("test.loop", logger) {}

  Task<Result<void>> once() {
    ++count;
    co_await loop.sleep_for(milliseconds(1));
    if (fate == Fate::kException) throw std::runtime_error("broken");
    if (fate == Fate::kError) co_return fail(ErrorKind::kUnavailable, "storage-full", "no room");
    co_return Result<void>();
  }
  Task<void> run() {
    const auto one = [this] { return once(); };
    while (!stopping.is_open()) {
      co_await rounds.run(one);
      co_await stopping.wait_for(seconds(1));
    }
    ended.open();
  }

  Scheduler& loop;
  Gate stopping;
  Gate ended;
  Rounds rounds;
  Fate fate = Fate::kWell;
  int count = 0;
};

class RoundsTest : public testing::Test {
 protected:
  RoundsTest() {
    set_panic_handler(
        [this](std::string_view boundary, std::string_view what) { panics.push_back(std::string(boundary) + ": " + std::string(what)); });
  }
  ~RoundsTest() override { set_panic_handler({}); }

  void play(Fate fate, Duration time) {
    owner.fate = fate;
    world.run_for(time);
  }
  std::size_t lines(std::string_view text) {
    std::size_t count = 0;
    for (const std::string& line : sink->lines()) count += line.find(text) != std::string::npos ? 1 : 0;
    return count;
  }

  SimulatedWorld world{1};
  SimulatedScheduler& loop = world.add_loop("loop");
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>(LogFormat::kJson);
  Log log{LogOptions{.level = LogLevel::kInfo, .levels = {}, .instance = "", .clock = {}, .synchronous = true}, {sink}};
  Owner owner{loop, Logger(log, "tests", "rounds")};
  std::vector<std::string> panics;
};

TEST_F(RoundsTest, P_2_FailuresAreToldAtGrowingDistanceAndTheLoopGoesOn) {
  loop.spawn("loop", owner.run());
  play(Fate::kError, seconds(100));
  EXPECT_GE(owner.count, 99);
  EXPECT_EQ(owner.rounds.failures(), owner.count);
  EXPECT_EQ(lines("A background task failed and goes on"), 7U) << "after 1, 2, 4, 8, 16, 32, 64";
  EXPECT_EQ(lines(R"("errorCode":"storage-full")"), 7U);
  play(Fate::kWell, seconds(10));
  EXPECT_EQ(lines("goes well again"), 1U);
  play(Fate::kError, seconds(1));
  EXPECT_EQ(lines("A background task failed and goes on"), 8U) << "at once when it is new";
}

TEST_F(RoundsTest, P_1_P_2_AnExceptionEndsNeitherTheLoopNorItsStop) {
  loop.spawn("loop", owner.run());
  play(Fate::kException, seconds(10));
  EXPECT_GE(owner.count, 9);
  EXPECT_EQ(panics.size(), static_cast<std::size_t>(owner.count));
  EXPECT_EQ(panics.front(), "test.loop: broken");
  loop.post([this] { owner.stopping.open(); });
  world.run_for(seconds(2));
  EXPECT_TRUE(owner.ended.is_open()) << "who waits for its end would wait for ever";
}

TEST_F(RoundsTest, P_2_ALoopThatAlwaysThrowsIsUnhealthyAndNeverBusy) {
  Health health{[this] { return world.steady_now(); }};
  MetricsRegistry registry;
  health.hold_back("");
  health.report("store", Readiness::kReady);
  report_rounds_to(health, registry);
  loop.spawn("loop", owner.run());
  play(Fate::kException, milliseconds(1500));
  EXPECT_EQ(owner.count, 2);
  EXPECT_EQ(health.ready_json().find("daemon:"), std::string::npos) << "twice is no pattern";
  play(Fate::kException, hours(1));
  EXPECT_NE(health.ready_json().find(R"({"name":"daemon:test.loop","status":"degraded","reason":"fails again and again"})"),
            std::string::npos)
      << health.ready_json();
  EXPECT_TRUE(health.ready()) << "the rest serves";
  EXPECT_LE(owner.count, 3602) << "a round a pause";
  EXPECT_EQ(registry.counter("consilium_daemon_failures_total", "", {"daemon"}).with({"test.loop"}).value(),
            static_cast<std::uint64_t>(owner.count));
  play(Fate::kWell, seconds(2));
  EXPECT_EQ(health.ready_json().find("daemon:"), std::string::npos) << health.ready_json();
  forget_rounds();
}

}  // namespace
}  // namespace consilium::runtime
