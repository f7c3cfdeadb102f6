#include "runtime/simulated_scheduler.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace consilium::runtime {
namespace {

// Counts the living copies of itself inside coroutine frames.
struct Living {
  explicit Living(int& counter) : count(&counter) { ++*count; }
  Living(const Living& other) : count(other.count) { ++*count; }
  Living& operator=(const Living&) = delete;
  ~Living() { --*count; }
  int* count;
};

class PanicLog {
 public:
  PanicLog() {
    set_panic_handler(
        [this](std::string_view boundary, std::string_view what) { lines.push_back(std::string(boundary) + ": " + std::string(what)); });
  }
  ~PanicLog() { set_panic_handler({}); }
  std::vector<std::string> lines;
};

TEST(SimulatedScheduler, PostsOfOneLoopKeepTheirOrder) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedWorld world(seed);
    auto& a = world.add_loop("a");
    auto& b = world.add_loop("b");
    std::vector<int> of_a;
    std::vector<int> of_b;
    for (int i = 0; i < 50; ++i) {
      a.post([&of_a, i] { of_a.push_back(i); });
      b.post([&of_b, i] { of_b.push_back(i); });
    }
    world.run_until_idle();
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(of_a.at(static_cast<std::size_t>(i)), i);
      EXPECT_EQ(of_b.at(static_cast<std::size_t>(i)), i);
    }
    EXPECT_EQ(world.events_run(), 100u);
  }
}

std::string interleaving(std::uint64_t seed, std::uint64_t& hash) {
  SimulatedWorld world(seed);
  auto& a = world.add_loop("a");
  auto& b = world.add_loop("b");
  std::string order;
  for (int i = 0; i < 10; ++i) {
    a.post([&order] { order += 'a'; });
    b.post([&order] { order += 'b'; });
    a.call_after(seconds(1), [&order] { order += 'A'; });
    b.call_after(seconds(1), [&order] { order += 'B'; });
  }
  world.run_until_idle();
  hash = world.trace_hash();
  return order;
}

TEST(SimulatedScheduler, SeedDecidesAmongEqualTimesAndRepeats) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::uint64_t first_hash = 0;
    std::uint64_t second_hash = 0;
    const std::string first = interleaving(seed, first_hash);
    EXPECT_EQ(first, interleaving(seed, second_hash));
    EXPECT_EQ(first_hash, second_hash);
    orders.insert(first);
  }
  EXPECT_GT(orders.size(), 15u);
}

TEST(SimulatedScheduler, TimersRunInOrderOfTimeAndCanBeCancelled) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop("loop");
  std::vector<std::int64_t> fired;
  const Timestamp start = loop.steady_now();
  const auto note = [&] { fired.push_back((loop.steady_now() - start).milliseconds()); };
  loop.call_after(milliseconds(30), note);
  loop.call_after(milliseconds(10), note);
  const TimerId cancelled = loop.call_after(milliseconds(20), note);
  loop.call_after(milliseconds(-5), note);
  loop.cancel(cancelled);
  loop.cancel(cancelled);
  loop.cancel(0);
  world.run_until_idle();
  EXPECT_EQ(fired, (std::vector<std::int64_t>{0, 10, 30}));
}

TEST(SimulatedScheduler, RunForStopsAtItsEndAndRunUntilAtTheCondition) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop("loop");
  int ticks = 0;
  std::function<void()> tick = [&] {
    ++ticks;
    loop.call_after(seconds(1), [&] { tick(); });
  };
  loop.post([&] { tick(); });
  world.run_for(seconds(10));
  EXPECT_EQ(ticks, 11);
  EXPECT_EQ(world.steady_now(), Timestamp{} + seconds(10));
  EXPECT_TRUE(world.run_until([&] { return ticks == 15; }, minutes(1)));
  EXPECT_EQ(world.steady_now(), Timestamp{} + seconds(14));
  EXPECT_FALSE(world.run_until([&] { return ticks == 1000; }, seconds(5)));
  EXPECT_EQ(world.steady_now(), Timestamp{} + seconds(19));
}

TEST(SimulatedScheduler, TheLoopOfTheRunningEventIsCurrent) {
  SimulatedWorld world(1);
  auto& a = world.add_loop("a");
  auto& b = world.add_loop("b");
  EXPECT_FALSE(a.is_current());
  bool looked = false;
  a.post([&] {
    looked = true;
    EXPECT_TRUE(a.is_current());
    EXPECT_FALSE(b.is_current());
    EXPECT_THROW(b.call_after(seconds(1), [] {}), std::logic_error);
  });
  world.run_until_idle();
  EXPECT_TRUE(looked);
  EXPECT_FALSE(a.is_current());
}

Task<void> hop(SimulatedScheduler& a, SimulatedScheduler& b, std::string& trace) {
  trace += a.is_current() ? "a" : "?";
  co_await b.enter();
  trace += b.is_current() ? "b" : "?";
  co_await a.enter();
  trace += a.is_current() ? "a" : "?";
}

TEST(SimulatedScheduler, EnterMovesATaskBetweenLoops) {
  SimulatedWorld world(3);
  auto& a = world.add_loop("a");
  auto& b = world.add_loop("b");
  std::string trace;
  a.spawn("hop", hop(a, b, trace));
  EXPECT_EQ(a.spawned(), 1u);
  world.run_until_idle();
  EXPECT_EQ(trace, "aba");
  EXPECT_EQ(a.spawned(), 0u);
}

Task<void> sleep_to(SimulatedScheduler& loop, Timestamp time, Timestamp& woken) {
  co_await loop.sleep_until(time);
  woken = loop.steady_now();
}

TEST(SimulatedScheduler, SleepUntilFollowsTheWallClock) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop("loop");
  Timestamp woken{-1};
  const Timestamp due = loop.now() + hours(1);
  loop.spawn("sleeper", sleep_to(loop, due, woken));
  world.run_for(minutes(10));
  world.set_clock_offset(loop.node(), minutes(-30));  // set back: it must sleep longer
  world.run_for(minutes(60));
  EXPECT_EQ(woken, Timestamp{-1});
  world.set_clock_offset(loop.node(), minutes(5));  // set forward: it must wake within a second
  EXPECT_TRUE(world.run_until([&] { return woken != Timestamp{-1}; }, seconds(1)));
}

TEST(SimulatedScheduler, ClockOffsetsAreOfOneNode) {
  SimulatedWorld world(1);
  auto& right = world.add_loop(world.add_node("right"), "loop");
  auto& wrong = world.add_loop(world.add_node("wrong"), "loop");
  world.set_clock_offset(wrong.node(), minutes(7));
  EXPECT_EQ(wrong.now() - right.now(), minutes(7));
  EXPECT_EQ(wrong.steady_now(), right.steady_now());
  EXPECT_EQ(right.now(), SimulatedWorld::kDefaultStart);
}

Task<int> inner(SimulatedScheduler& loop, Living living) {
  co_await loop.sleep_for(hours(1));
  co_return *living.count;
}

Task<void> outer(SimulatedScheduler& loop, Living living, std::string& trace) {
  const Living local(*living.count);
  trace += "started ";
  const int answer = co_await inner(loop, local);
  trace += "ended " + std::to_string(answer);
}

Task<void> forever(SimulatedScheduler& loop, [[maybe_unused]] Living living) {
  for (;;) co_await loop.sleep_for(seconds(1));
}

TEST(SimulatedScheduler, ACrashDestroysSuspendedFramesAndPendingWork) {
  SimulatedWorld world(5);
  const NodeId dies = world.add_node("dies");
  const NodeId lives = world.add_node("lives");
  auto& loop = world.add_loop(dies, "loop");
  auto& other = world.add_loop(lives, "loop");
  int living = 0;
  int survivors = 0;
  std::string trace;
  loop.spawn("outer", outer(loop, Living(living), trace));
  loop.spawn("forever", forever(loop, Living(living)));
  other.spawn("forever", forever(other, Living(survivors)));
  loop.call_after(seconds(20), [held = Living(living), &trace] { trace += "timer "; });
  world.run_for(seconds(10));
  loop.post([held = Living(living), &trace] { trace += "post "; });
  loop.spawn("never started", outer(loop, Living(living), trace));
  EXPECT_GT(living, 0);
  world.crash(dies);
  EXPECT_EQ(living, 0);
  EXPECT_EQ(survivors, 1);
  EXPECT_TRUE(loop.crashed());
  loop.post([held = Living(living), &trace] { trace += "late "; });
  loop.spawn("late", outer(loop, Living(living), trace));
  EXPECT_EQ(loop.call_after(seconds(1), [held = Living(living)] {}), 0u);
  EXPECT_EQ(living, 0);
  world.run_for(hours(2));
  EXPECT_EQ(trace, "started ");

  auto& next_life = world.add_loop(dies, "loop");
  next_life.spawn("outer", outer(next_life, Living(living), trace));
  world.run_for(hours(2));
  EXPECT_EQ(trace, "started started ended 4");
  EXPECT_EQ(living, 0);
}

Task<void> crash_own_node(SimulatedScheduler& loop, std::string& trace) {
  loop.world().crash(loop.node());
  trace += "to the end of the event";
  co_await loop.sleep_for(seconds(1));
  trace += " and beyond";
}

TEST(SimulatedScheduler, ANodeThatCrashesItselfEndsItsEvent) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop(world.add_node("dies"), "loop");
  std::string trace;
  loop.spawn("self", crash_own_node(loop, trace));
  world.run_until_idle();
  EXPECT_TRUE(loop.crashed());
  EXPECT_EQ(trace, "to the end of the event");
}

TEST(SimulatedScheduler, APausedNodeRunsLate) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop(world.add_node("frozen"), "loop");
  std::vector<std::int64_t> fired;
  const auto note = [&] { fired.push_back((loop.steady_now() - Timestamp{}).milliseconds()); };
  TimerId second = 0;
  loop.call_after(seconds(1), [&] {
    note();
    loop.cancel(second);
  });
  second = loop.call_after(seconds(2), note);
  loop.call_after(seconds(3), note);
  loop.call_after(seconds(9), note);
  world.pause(loop.node());
  world.run_for(seconds(5));
  EXPECT_TRUE(fired.empty());
  world.resume(loop.node());
  world.run_until_idle();
  EXPECT_EQ(fired, (std::vector<std::int64_t>{5000, 5000, 9000}));
}

Task<void> throwing(SimulatedScheduler& loop) {
  co_await loop.sleep_for(seconds(1));
  throw std::runtime_error("broken");
}

TEST(SimulatedScheduler, P_1_ExceptionsEndAtTheBoundary) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop("loop");
  PanicLog panics;
  loop.spawn("http", throwing(loop));
  world.run_until_idle();
  loop.post([] { throw 5; });
  world.run_until_idle();
  loop.call_after(seconds(1), [] { throw std::logic_error("late"); });
  world.run_until_idle();
  EXPECT_EQ(panics.lines, (std::vector<std::string>{"http: broken", "post: not a std::exception", "timer: late"}));
  bool alive = false;
  loop.post([&] { alive = true; });
  world.run_until_idle();
  EXPECT_TRUE(alive);
  EXPECT_EQ(loop.spawned(), 0u);
}

TEST(SimulatedScheduler, MessagesFromOtherLoopsArriveLater) {
  SimulatedWorld world(1);
  auto& a = world.add_loop("a");
  auto& b = world.add_loop("b");
  Timestamp arrived;
  a.post([&] {
    b.post_after(milliseconds(15), [&] {
      EXPECT_TRUE(b.is_current());
      arrived = b.steady_now();
    });
  });
  world.run_until_idle();
  EXPECT_EQ(arrived, Timestamp{} + milliseconds(15));
}

TEST(SimulatedScheduler, AHundredThousandPosts) {
  SimulatedWorld world(9);
  std::vector<SimulatedScheduler*> loops;
  for (int i = 0; i < 10; ++i) loops.push_back(&world.add_loop("loop" + std::to_string(i)));
  int run = 0;
  for (int i = 0; i < 100'000; ++i) loops[static_cast<std::size_t>(i % 10)]->post([&run] { ++run; });
  world.run_until_idle();
  EXPECT_EQ(run, 100'000);
}

}  // namespace
}  // namespace consilium::runtime
