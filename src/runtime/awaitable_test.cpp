// when_all, Event, Gate, BoundedQueue and BlockingPool.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/asio_scheduler.h"
#include "runtime/blocking_pool.h"
#include "runtime/bounded_queue.h"
#include "runtime/event.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/when_all.h"

namespace consilium::runtime {
namespace {

struct Fixture : testing::Test {
  SimulatedWorld world{7};
  SimulatedScheduler& loop = world.add_loop(world.add_node("node"), "loop");
  SeededRandom random{1};

  std::int64_t elapsed() const { return (world.steady_now() - Timestamp{}).milliseconds(); }
};
using WhenAll = Fixture;
using EventAndGate = Fixture;
using Queue = Fixture;
using Pool = Fixture;

Task<int> number_after(Scheduler& loop, Duration delay, int number, int& running, int& most) {
  most = std::max(most, ++running);
  if (delay.microseconds > 0) co_await loop.sleep_for(delay);
  --running;
  co_return number;
}

Task<void> collect(Scheduler& loop, int count, std::size_t at_once, std::vector<int>& results, int& most) {
  int running = 0;
  std::vector<Task<int>> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(number_after(loop, milliseconds(i % 3 * 10), i, running, most));
  results = co_await when_all(std::move(tasks), at_once);
}

TEST_F(WhenAll, GivesResultsInOrderAndKeepsTheBound) {
  for (const std::size_t at_once : {1u, 2u, 5u, 100u}) {
    std::vector<int> results;
    int most = 0;
    loop.spawn("collect", collect(loop, 30, at_once, results, most));
    world.run_until_idle();
    ASSERT_EQ(results.size(), 30u);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
    EXPECT_LE(most, static_cast<int>(at_once));
    EXPECT_GE(most, std::min(static_cast<int>(at_once), 20));
  }
}

TEST_F(WhenAll, NothingToDoAndNothingToWaitFor) {
  std::vector<int> results{1};
  int most = 0;
  loop.spawn("empty", collect(loop, 0, 4, results, most));
  world.run_until_idle();
  EXPECT_TRUE(results.empty());
  loop.spawn("one", collect(loop, 1, 4, results, most));  // ends without suspending
  world.run_until_idle();
  EXPECT_EQ(results, std::vector<int>{0});
}

Task<void> step(Scheduler& loop, Duration delay, bool broken, int& ended) {
  co_await loop.sleep_for(delay);
  if (broken) throw std::runtime_error("step " + std::to_string(delay.milliseconds()));
  ++ended;
}

Task<void> steps(Scheduler& loop, int& ended, std::string& caught) {
  std::vector<Task<void>> tasks;
  tasks.push_back(step(loop, milliseconds(30), false, ended));
  tasks.push_back(step(loop, milliseconds(20), true, ended));
  tasks.push_back(step(loop, milliseconds(10), true, ended));
  tasks.push_back(step(loop, milliseconds(40), false, ended));
  try {
    co_await when_all(std::move(tasks));
  } catch (const std::exception& error) {
    caught = error.what();
  }
}

TEST_F(WhenAll, RethrowsTheFirstExceptionAfterAllHaveEnded) {
  int ended = 0;
  std::string caught;
  loop.spawn("steps", steps(loop, ended, caught));
  world.run_until_idle();
  EXPECT_EQ(caught, "step 10");
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(elapsed(), 40);
}

TEST_F(WhenAll, ACrashFreesAllLanes) {
  std::vector<int> results;
  int most = 0;
  loop.spawn("collect", collect(loop, 30, 8, results, most));
  world.run_for(milliseconds(15));
  EXPECT_EQ(loop.spawned(), 1u);
  world.crash(loop.node());
  EXPECT_EQ(loop.spawned(), 0u);
  EXPECT_TRUE(results.empty());
}

Task<void> wait_and_note(Event& event, std::string& trace, char name) {
  co_await event.wait();
  trace += name;
}

Task<void> wait_for_and_note(Event& event, Duration limit, std::string& trace) {
  const bool woken = co_await event.wait_for(limit);
  trace += woken ? "woken " : "late ";
}

TEST_F(EventAndGate, WakesInOrderOfArrival) {
  Event event(loop);
  std::string trace;
  loop.post([&] { event.notify_one(); });  // nobody waits: forgotten
  for (const char name : {'a', 'b', 'c'}) loop.spawn("waiter", wait_and_note(event, trace, name));
  world.run_until_idle();
  EXPECT_EQ(event.waiting(), 3u);
  loop.post([&] {
    event.notify_one();
    EXPECT_EQ(trace, "");  // resumed later, not inside notify
  });
  world.run_until_idle();
  EXPECT_EQ(trace, "a");
  loop.post([&] { event.notify_all(); });
  world.run_until_idle();
  EXPECT_EQ(trace, "abc");
}

TEST_F(EventAndGate, TimeLimitOfAnEvent) {
  Event event(loop);
  std::string trace;
  loop.spawn("short", wait_for_and_note(event, milliseconds(10), trace));
  loop.spawn("long", wait_for_and_note(event, hours(1), trace));
  world.run_for(milliseconds(20));
  EXPECT_EQ(trace, "late ");
  EXPECT_EQ(event.waiting(), 1u);
  loop.post([&] { event.notify_all(); });
  world.run_until_idle();
  EXPECT_EQ(trace, "late woken ");
  EXPECT_LT(elapsed(), 1000);  // its timer was cancelled
}

TEST_F(EventAndGate, ACrashTakesWaitersOutOfTheList) {
  Event event(loop);
  std::string trace;
  loop.spawn("waiter", wait_and_note(event, trace, 'a'));
  loop.spawn("timed", wait_for_and_note(event, hours(1), trace));
  world.run_for(seconds(1));
  EXPECT_EQ(event.waiting(), 2u);
  world.crash(loop.node());
  EXPECT_EQ(event.waiting(), 0u);
}

Task<void> pass(Gate& gate, std::string& trace) {
  co_await gate.wait();
  trace += "in ";
}

Task<void> pass_within(Gate& gate, Duration limit, std::string& trace) {
  const bool open = co_await gate.wait_for(limit);
  trace += open ? "in " : "out ";
}

TEST_F(EventAndGate, AGateRemembers) {
  Gate gate(loop);
  std::string trace;
  loop.spawn("early", pass(gate, trace));
  loop.spawn("impatient", pass_within(gate, milliseconds(5), trace));
  world.run_for(milliseconds(10));
  EXPECT_EQ(trace, "out ");
  loop.post([&] { gate.open(); });
  world.run_until_idle();
  EXPECT_EQ(trace, "out in ");
  loop.spawn("later", pass(gate, trace));
  loop.spawn("later", pass_within(gate, Duration{}, trace));
  world.run_until_idle();
  EXPECT_EQ(trace, "out in in in ");
  gate.close();
  loop.spawn("closed", pass_within(gate, milliseconds(1), trace));
  world.run_until_idle();
  EXPECT_EQ(trace, "out in in in out ");
}

Task<void> produce(BoundedQueue<std::unique_ptr<int>>& queue, int from, int count, int& refused) {
  for (int i = 0; i < count; ++i) {
    const bool pushed = co_await queue.push(std::make_unique<int>(from + i));
    if (!pushed) ++refused;
  }
}

Task<void> consume(Scheduler& loop, BoundedQueue<std::unique_ptr<int>>& queue, std::vector<int>& taken) {
  for (;;) {
    auto item = co_await queue.pop();
    if (!item) co_return;
    taken.push_back(**item);
    co_await loop.sleep_for(milliseconds(1));
  }
}

TEST_F(Queue, CarriesEverythingThroughTheBound) {
  BoundedQueue<std::unique_ptr<int>> queue(loop, 3);
  std::vector<int> taken;
  int refused = 0;
  loop.spawn("producer", produce(queue, 0, 50, refused));
  loop.spawn("producer", produce(queue, 100, 50, refused));
  loop.spawn("consumer", consume(loop, queue, taken));
  loop.spawn("consumer", consume(loop, queue, taken));
  world.run_until_idle();
  EXPECT_EQ(taken.size(), 100u);
  std::vector<int> first;
  for (const int n : taken) {
    if (n < 100) first.push_back(n);
  }
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(loop.spawned(), 2u);  // the consumers wait
  loop.post([&] { queue.close(); });
  world.run_until_idle();
  EXPECT_EQ(loop.spawned(), 0u);
}

TEST_F(Queue, RefusesAtItsBoundAndWhenClosed) {
  BoundedQueue<int> queue(loop, 2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  EXPECT_EQ(queue.size(), queue.capacity());
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_TRUE(queue.try_push(3));
  queue.close();
  EXPECT_FALSE(queue.try_push(4));
  EXPECT_EQ(queue.try_pop(), 2);
  EXPECT_EQ(queue.try_pop(), 3);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST_F(Queue, ClosingFreesProducersThatWaitForRoom) {
  BoundedQueue<std::unique_ptr<int>> queue(loop, 1);
  int refused = 0;
  loop.spawn("producer", produce(queue, 0, 3, refused));
  world.run_until_idle();
  loop.post([&] { queue.close(); });
  world.run_until_idle();
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(loop.spawned(), 0u);
}

Task<void> hash(BlockingPool& pool, Scheduler& loop, RandomSource& random, std::optional<Duration> deadline,
                std::vector<std::string>& answers) {
  Context context(loop, random);
  if (deadline) context.deadline = loop.steady_now() + *deadline;
  auto answer = co_await pool.run(context, [] { return 42; });
  answers.push_back(answer ? std::to_string(*answer) : answer.error().code);
}

TEST_F(Pool, SimulatedWorkTakesVirtualTimeAndQueuesUpToItsBound) {
  SimulatedPool pool(milliseconds(10), 2, 3);
  std::vector<std::string> answers;
  for (int i = 0; i < 6; ++i) loop.spawn("hash", hash(pool, loop, random, std::nullopt, answers));
  world.run_for(milliseconds(10));
  EXPECT_EQ(answers, (std::vector<std::string>{"runtime.pool-overloaded", "42", "42"}));
  world.run_until_idle();
  EXPECT_EQ(answers.size(), 6u);
  EXPECT_EQ(elapsed(), 30);
  loop.spawn("hash", hash(pool, loop, random, milliseconds(5), answers));
  world.run_until_idle();
  EXPECT_EQ(answers.back(), "request.deadline-exceeded");
}

Task<void> run_kinds(BlockingPool& pool, Scheduler& loop, RandomSource& random, std::string& trace) {
  Context context(loop, random);
  auto nothing = co_await pool.run(context, [] {});
  static_assert(std::is_same_v<decltype(nothing), Result<void>>);
  trace += nothing ? "void " : "";
  auto failed = co_await pool.run(context, []() -> Result<std::string> { return fail(ErrorKind::kConflict, "test.conflict"); });
  static_assert(std::is_same_v<decltype(failed), Result<std::string>>);
  trace += failed.error().code;
  try {
    auto thrown = co_await pool.run(context, []() -> int { throw std::runtime_error(" thrown"); });
  } catch (const std::exception& error) {
    trace += error.what();
  }
}

TEST_F(Pool, GivesValuesErrorsAndExceptions) {
  SimulatedPool pool(milliseconds(10), 1);
  std::string trace;
  loop.spawn("kinds", run_kinds(pool, loop, random, trace));
  world.run_until_idle();
  EXPECT_EQ(trace, "void test.conflict thrown");
}

Task<void> run_real(BlockingPool& pool, Scheduler& loop, RandomSource& random, std::atomic<int>& right, int count,
                    std::promise<void>& done) {
  Context context(loop, random);
  for (int i = 0; i < count; ++i) {
    auto thread = co_await pool.run(context, [] { return std::this_thread::get_id(); });
    if (thread && *thread != std::this_thread::get_id() && loop.is_current()) ++right;
  }
  done.set_value();
}

TEST(ThreadPool, RunsElsewhereAndComesBack) {
  AsioScheduler loop("loop");
  loop.start();
  SystemRandom random;
  ThreadPool pool("pool", 2);
  std::atomic<int> right = 0;
  std::promise<void> done[4];
  for (auto& promise : done) loop.spawn("run", run_real(pool, loop, random, right, 500, promise));
  for (auto& promise : done) promise.get_future().get();
  EXPECT_EQ(right, 2000);
}

Task<void> run_blocked(BlockingPool& pool, Scheduler& loop, RandomSource& random, std::shared_future<void> until,
                       std::promise<std::string>& answer) {
  Context context(loop, random);
  auto result = co_await pool.run(context, [&] { until.wait(); });
  answer.set_value(result ? "done" : result.error().code);
}

TEST(ThreadPool, RefusesWhenItsQueueIsFull) {
  AsioScheduler loop("loop");
  loop.start();
  SystemRandom random;
  std::promise<void> release;
  const std::shared_future<void> until = release.get_future().share();
  ThreadPool pool("pool", 1, 1);
  std::promise<std::string> running;
  std::promise<std::string> waiting;
  std::promise<std::string> refused;
  loop.spawn("running", run_blocked(pool, loop, random, until, running));
  while (true) {  // until the thread has taken the first job
    std::promise<std::size_t> queued;
    loop.post([&] { queued.set_value(loop.spawned() == 1 ? pool.queued() : 1); });
    if (queued.get_future().get() == 0) break;
    std::this_thread::yield();
  }
  loop.spawn("waiting", run_blocked(pool, loop, random, until, waiting));
  loop.spawn("refused", run_blocked(pool, loop, random, until, refused));
  EXPECT_EQ(refused.get_future().get(), "runtime.pool-overloaded");
  release.set_value();
  EXPECT_EQ(running.get_future().get(), "done");
  EXPECT_EQ(waiting.get_future().get(), "done");
}

}  // namespace
}  // namespace consilium::runtime
