#include "runtime/asio_scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/asio_context.h"
#include "runtime/panic_testing.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/watch.h"

namespace consilium::runtime {
namespace {

template <class Function>
auto on(AsioScheduler& loop, Function function) {
  std::promise<std::invoke_result_t<Function&>> promise;
  auto future = promise.get_future();
  loop.post([&] {
    if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
      function();
      promise.set_value();
    } else {
      promise.set_value(function());
    }
  });
  return future.get();
}

TEST(AsioScheduler, RunsPostsInOrderOnItsThread) {
  AsioScheduler loop("test");
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop.post([&order, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  loop.start();
  EXPECT_TRUE(on(loop, [&] { return loop.is_current(); }));
  EXPECT_FALSE(loop.is_current());
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// A loop that watches before it sleeps does what one does that sleeps at once: posts of other threads that come soon and late, timers,
// exceptions, and its end.
TEST(AsioScheduler, AWatchfulLoopMissesNothing) {
  std::vector<std::string> panics;
  set_panic_handler([&](std::string_view boundary, std::string_view) { panics.emplace_back(boundary); });
  int count = 0;
  {
    AsioScheduler loop("test", Idle::kWatches);
    loop.start();
    for (int i = 0; i < 200; ++i) {
      on(loop, [&] { ++count; });
      if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than it watches
    }
    std::promise<void> fired;
    on(loop, [&] { loop.call_after(milliseconds(5), [&] { fired.set_value(); }); });
    fired.get_future().get();
    loop.post([] { throw std::runtime_error("caught"); });
    EXPECT_TRUE(on(loop, [&] { return loop.is_current(); }));
  }
  EXPECT_EQ(count, 200);
  EXPECT_EQ(panics, (std::vector<std::string>{"post"}));
  set_panic_handler({});
}

TEST(Watch, IsKeptWhileItPaysAndBecomesRareWhenNot) {
  Watch watch;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(watch.is_due());
    watch.has_paid();
  }
  int tries = 0;
  for (int sleeps = 0; sleeps < 10'000; ++sleeps) {
    if (!watch.is_due()) continue;
    ++tries;
    watch.was_in_vain();
  }
  EXPECT_GE(tries, 10'000 / (kMostSleepsUnwatched + 1)) << "but it is tried again";
  EXPECT_LE(tries, 10'000 / (kMostSleepsUnwatched + 1) + 10);
  while (!watch.is_due()) {
  }
  watch.has_paid();
  EXPECT_TRUE(watch.is_due()) << "at once again when it pays";
}

TEST(AsioScheduler, TimersFireInOrderAndCanBeCancelled) {
  AsioScheduler loop("test");
  std::promise<void> done;
  std::vector<std::string> fired;
  TimerId cancelled = 0;
  loop.call_after(milliseconds(20), [&] {
    fired.push_back("second");
    loop.call_after(Duration{}, [&] {
      fired.push_back("from a timer");
      done.set_value();
    });
  });
  cancelled = loop.call_after(milliseconds(15), [&] { fired.push_back("cancelled"); });
  loop.call_after(milliseconds(10), [&] {
    fired.push_back("first");
    loop.cancel(cancelled);
  });
  const Timestamp start = loop.steady_now();
  loop.start();
  done.get_future().get();
  EXPECT_GE((loop.steady_now() - start).microseconds, 19'000);
  EXPECT_EQ(fired, (std::vector<std::string>{"first", "second", "from a timer"}));
  EXPECT_THROW(loop.call_after(seconds(1), [] {}), std::logic_error);
}

Task<void> hop(AsioScheduler& a, AsioScheduler& b, std::promise<int>& done) {
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    co_await b.enter();
    right += b.is_current() ? 1 : 0;
    co_await a.enter();
    right += a.is_current() ? 1 : 0;
  }
  co_await a.sleep_for(milliseconds(1));
  right += a.is_current() ? 1 : 0;
  done.set_value(right);
}

TEST(AsioScheduler, TasksMoveBetweenLoops) {
  LoopGroup loops("io", 2);
  EXPECT_EQ(loops.size(), 2u);
  loops.start();
  std::promise<int> done;
  loops.at(0).spawn("hop", hop(loops.at(0), loops.at(1), done));
  EXPECT_EQ(done.get_future().get(), 2001);
  EXPECT_EQ(&loops.owner_of(7), &loops.at(1));
}

TEST(AsioScheduler, AHundredThousandPostsFromFourThreads) {
  AsioScheduler loop("test");
  loop.start();
  int run = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25'000; ++i) loop.post([&run] { ++run; });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(on(loop, [&] { return run; }), 100'000);
}

Task<void> throwing() {
  testing::throw_from_deep_inside("broken job");
  co_return;
}

TEST(AsioScheduler, P_1_ExceptionsEndAtTheBoundary) {
  testing::PanicWatch panics;
  AsioScheduler loop("test");
  loop.start();
  loop.spawn("job", throwing());
  loop.post([] { testing::throw_from_deep_inside("broken post"); });
  std::promise<void> fired;
  loop.post([&] {
    loop.call_after(Duration{}, [] { testing::throw_from_deep_inside("broken timer"); });
    loop.call_after(milliseconds(1), [&] { fired.set_value(); });
  });
  fired.get_future().get();
  loop.stop();
  loop.join();
  for (const char* boundary : {"job", "post", "timer"}) EXPECT_EQ(panics.count(boundary), 1U) << boundary;
  EXPECT_EQ(panics.lines(), 3U);
  EXPECT_TRUE(panics.all_show_the_throw("broken"));
}

struct Living {
  explicit Living(std::atomic<int>& counter) : count(&counter) { ++*count; }
  Living(const Living& other) : count(other.count) { ++*count; }
  Living& operator=(const Living&) = delete;
  ~Living() { --*count; }
  std::atomic<int>* count;
};

Task<void> sleep_long(Scheduler& loop, Living living) {
  const Living local(living);
  co_await loop.sleep_for(hours(1));
}

TEST(AsioScheduler, SuspendedTasksAndPendingWorkGoWithTheLoop) {
  std::atomic<int> living = 0;
  {
    AsioScheduler loop("test");
    loop.start();
    for (int i = 0; i < 100; ++i) loop.spawn("sleeper", sleep_long(loop, Living(living)));
    on(loop, [&] { loop.call_after(hours(1), [held = Living(living)] {}); });
    EXPECT_EQ(living, 201);
    loop.stop();
    loop.join();
    loop.post([held = Living(living)] {});
    loop.spawn("never started", sleep_long(loop, Living(living)));
    EXPECT_EQ(loop.spawned(), 101u);
  }
  EXPECT_EQ(living, 0);
}

TEST(AsioScheduler, OnlyRealLoopsHaveAnEventQueue) {
  AsioScheduler loop("test");
  EXPECT_FALSE(io_context_of(loop).stopped());
  SimulatedWorld world(1);
  EXPECT_THROW(io_context_of(world.add_loop("loop")), std::logic_error);
}

TEST(AsioScheduler, WallClockIsThatOfTheMachine) {
  AsioScheduler loop("test");
  const Timestamp before = loop.steady_now();
  EXPECT_GT(loop.now(), Timestamp{1'700'000'000'000'000});
  EXPECT_GE(loop.steady_now(), before);
  EXPECT_GE(available_cores(), 1u);
}

}  // namespace
}  // namespace consilium::runtime
