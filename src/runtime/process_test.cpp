// Files, data folder, retry, limits, supervisor, lifecycle, signals.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>

#include "runtime/backoff.h"
#include "runtime/data_folder.h"
#include "runtime/durable_file.h"
#include "runtime/lifecycle.h"
#include "runtime/log_sink.h"
#include "runtime/rate_limiter.h"
#include "runtime/signals.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/supervisor.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::runtime {
namespace {

struct Files : testing::Test {
  TemporaryFolder temporary;
  std::filesystem::path folder{temporary.path()};

  std::string at(const std::string& name) const { return (folder / name).string(); }
  static unsigned mode(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
  }
};
using DurableFile = Files;
using DataFolderTest = Files;

TEST_F(DurableFile, IsReplacedAsAWhole) {
  ASSERT_TRUE(write_durably(at("key"), "first"));
  EXPECT_EQ(mode(at("key")), 0600u);
  const std::string big(100'000, 'x');
  ASSERT_TRUE(write_durably(at("key"), big, 0640));
  EXPECT_EQ(read_file(at("key"), 100'000).value(), big);
  EXPECT_EQ(read_file(at("key"), 99'999).error().code, "file.too-large");
  EXPECT_EQ(entries(), 1u);  // nothing temporary stays
  EXPECT_EQ(read_file(at("none"), 10).error().code, "file.missing");
  EXPECT_EQ(write_durably(at("none/key"), "x").error().code, "file.missing");
}

TEST_F(DurableFile, IsMadeOnce) {
  EXPECT_EQ(create_durably(at("key"), "first").value(), true);
  EXPECT_EQ(create_durably(at("key"), "second").value(), false);
  EXPECT_EQ(read_file(at("key"), 100).value(), "first");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(DurableFile, PrivateFoldersAreMadeAndProtected) {
  ASSERT_TRUE(make_private_folder(at("a/b/c")));
  EXPECT_EQ(mode(at("a/b/c")), 0700u);
  std::filesystem::create_directory(at("open"));
  ::chmod(at("open").c_str(), 0755);
  ASSERT_TRUE(make_private_folder(at("open")));
  EXPECT_EQ(mode(at("open")), 0700u);
  ASSERT_TRUE(write_durably(at("file"), ""));
  EXPECT_EQ(make_private_folder(at("file")).error().code, "file.failed");
}

TEST_F(DataFolderTest, IsMadeAndLocked) {
  const std::string path = at("data");
  {
    auto first = DataFolder::open(path);
    ASSERT_TRUE(first) << first.error().detail;
    EXPECT_EQ(mode(path), 0700u);
    EXPECT_EQ(mode(first->keys()), 0700u);
    EXPECT_EQ(read_file(path + "/version", 10).value(), std::to_string(kDataVersion) + "\n");
    auto second = DataFolder::open(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "data.locked");
    EXPECT_NE(second.error().detail.find("(process " + std::to_string(::getpid()) + ")"), std::string::npos) << second.error().detail;
    ASSERT_TRUE(first->write_addresses({{"http", "127.0.0.1:40001"}, {"internal", "127.0.0.1:40002"}}));
    EXPECT_EQ(read_file(path + "/run/addresses.json", 1000).value(), "{\"http\":\"127.0.0.1:40001\",\"internal\":\"127.0.0.1:40002\"}\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path + "/run/addresses.json"));
  EXPECT_TRUE(DataFolder::open(path));
}

TEST_F(DataFolderTest, KnowsItsVersion) {
  const std::string path = at("data");
  ASSERT_TRUE(DataFolder::open(path, 3));
  EXPECT_EQ(DataFolder::open(path, 2).error().code, "data.newer");
  {
    auto newer = DataFolder::open(path, 4);
    ASSERT_TRUE(newer);
    EXPECT_EQ(newer->found_version(), 3);
    ASSERT_TRUE(newer->record_version());
  }
  EXPECT_EQ(DataFolder::open(path, 3).error().code, "data.newer");
  ASSERT_TRUE(write_durably(path + "/version", "x"));
  EXPECT_EQ(DataFolder::open(path, 4).error().code, "data.version");
}

TEST(BackoffTest, P_2_DoublesUpToItsBoundAndSpreads) {
  SeededRandom random(1);
  Backoff backoff({.first = milliseconds(100), .longest = milliseconds(1000)});
  for (const std::int64_t whole : {100, 200, 400, 800, 1000, 1000}) {
    const Duration pause = backoff.next(random);
    EXPECT_GE(pause, milliseconds(whole / 2));
    EXPECT_LE(pause, milliseconds(whole));
  }
  backoff.reset();
  EXPECT_LE(backoff.next(random), milliseconds(100));
}

struct OnLoop : testing::Test {
  SimulatedWorld world{11};
  SimulatedScheduler& loop = world.add_loop("loop");
  SeededRandom random{2};
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>(LogFormat::kHuman);
  Log log{LogOptions{.level = LogLevel::kDebug, .levels = {}, .instance = "", .clock = [] { return Timestamp{}; }, .synchronous = true},
          {sink}};
  MetricsRegistry registry;
  Health health{[this] { return world.steady_now(); }};
  Logger logger{log, "runtime", "test"};

  std::int64_t elapsed() const { return (world.steady_now() - Timestamp{}).milliseconds(); }
};
using Retry = OnLoop;
using SupervisorTest = OnLoop;
using LifecycleTest = OnLoop;

Task<Result<int>> attempt_of(int& calls, int fails, ErrorKind kind, std::optional<Duration> after) {
  if (++calls > fails) co_return calls;
  Error error = make_error(kind, "test.failed");
  error.retry_after = after;
  co_return fail(std::move(error));
}

Task<void> retrying(Scheduler& loop, RandomSource& random, int& calls, int fails, ErrorKind kind, std::optional<Duration> after,
                    std::optional<Duration> deadline, std::string& answer) {
  Context context(loop, random);
  if (deadline) context.deadline = loop.steady_now() + *deadline;
  const RetryPolicy policy{.attempts = 4, .backoff = {.first = milliseconds(100), .longest = seconds(1)}};
  auto result = co_await retry(context, policy, [&] { return attempt_of(calls, fails, kind, after); });
  answer = result ? std::to_string(*result) : result.error().code;
}

TEST_F(Retry, CallsAgainWhatMaySucceedLater) {
  struct Case {
    int fails;
    ErrorKind kind;
    std::optional<Duration> after;
    std::optional<Duration> deadline;
    int calls;
    std::string answer;
  };
  const std::vector<Case> cases{
      {0, ErrorKind::kUnavailable, {}, {}, 1, "1"},           {3, ErrorKind::kUnavailable, {}, {}, 4, "4"},
      {4, ErrorKind::kUnavailable, {}, {}, 4, "test.failed"}, {1, ErrorKind::kConflict, {}, {}, 1, "test.failed"},
      {1, ErrorKind::kUnavailable, seconds(10), {}, 2, "2"},  {1, ErrorKind::kUnavailable, seconds(10), seconds(5), 1, "test.failed"}};
  for (const Case& each : cases) {
    int calls = 0;
    std::string answer;
    const Timestamp start = world.steady_now();
    loop.spawn("retry", retrying(loop, random, calls, each.fails, each.kind, each.after, each.deadline, answer));
    world.run_until_idle();
    EXPECT_EQ(calls, each.calls);
    EXPECT_EQ(answer, each.answer);
    if (each.after && !each.deadline) {
      EXPECT_GE(world.steady_now() - start, *each.after);
    }
  }
}

TEST(RateLimiterTest, AllowsABurstThenARate) {
  RateLimiter limiter({.count = 5, .interval = minutes(1)}, 10);
  Timestamp now{1'000'000};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.take("anna", now), std::nullopt);
  EXPECT_EQ(limiter.take("anna", now), seconds(12));
  EXPECT_EQ(limiter.take("anna", now), seconds(12));  // a refusal costs nothing
  EXPECT_EQ(limiter.take("boris", now), std::nullopt);
  now = now + seconds(12) - microseconds(1);
  EXPECT_EQ(limiter.take("anna", now), microseconds(1));
  now = now + microseconds(1);
  EXPECT_EQ(limiter.take("anna", now), std::nullopt);
  EXPECT_EQ(limiter.take("anna", now), seconds(12));
  limiter.forget("anna");
  EXPECT_EQ(limiter.take("anna", now), std::nullopt);
  now = now + hours(1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.take("boris", now), std::nullopt);
  EXPECT_NE(limiter.take("boris", now), std::nullopt);  // waiting does not save up more
}

TEST(RateLimiterTest, RemembersABoundedNumber) {
  RateLimiter limiter({.count = 1, .interval = minutes(1)}, 3);
  const Timestamp now;
  for (const auto* name : {"a", "b", "c"}) EXPECT_EQ(limiter.take(name, now), std::nullopt);
  EXPECT_NE(limiter.take("a", now), std::nullopt);  // and is now the latest
  EXPECT_EQ(limiter.take("d", now), std::nullopt);  // takes the place of b
  EXPECT_EQ(limiter.callers(), 3u);
  EXPECT_NE(limiter.take("a", now), std::nullopt);
  EXPECT_NE(limiter.take("c", now), std::nullopt);
  EXPECT_EQ(limiter.take("b", now), std::nullopt);
  limiter.forget("nobody");
  limiter.set_limit({.count = 100, .interval = minutes(1)});
  EXPECT_EQ(limiter.take("b", now), milliseconds(600));  // what was used stays used
}

Task<Result<void>> daemon_body(Scheduler& loop, std::vector<std::int64_t>& starts, int fails, Duration runs_for) {
  starts.push_back((loop.steady_now() - Timestamp{}).milliseconds());
  co_await loop.sleep_for(runs_for);
  if (static_cast<int>(starts.size()) > fails) co_return Result<void>();
  if (starts.size() % 2 == 0) throw std::runtime_error("broken");
  co_return fail(ErrorKind::kInternal, "test.failed");
}

TEST_F(SupervisorTest, P_2_RestartsWithPausesAndBecomesUnhealthy) {
  health.hold_back("");
  Supervisor supervisor(loop, random, logger, health, registry);
  std::vector<std::int64_t> starts;
  loop.post([&] { supervisor.start("always-broken", {}, [&] { return daemon_body(loop, starts, 1'000'000, Duration{}); }); });
  world.run_for(milliseconds(1));
  EXPECT_TRUE(health.ready());  // once is no pattern
  world.run_for(hours(1));
  EXPECT_FALSE(health.ready());
  EXPECT_GT(starts.size(), 55u);
  EXPECT_LT(starts.size(), 140u);  // no busy loop
  EXPECT_GE(starts.back() - starts[starts.size() - 2], 30'000);
  EXPECT_EQ(registry.counter("consilium_daemon_failures_total", "", {"daemon"}).with({"always-broken"}).value(), starts.size());
  EXPECT_EQ(supervisor.running(), 1u);
  loop.post([&] { supervisor.stop(); });
  world.run_until_idle();
  EXPECT_EQ(supervisor.running(), 0u);
}

TEST_F(SupervisorTest, P_2_RestartsSoManyTimes) {
  Supervisor supervisor(loop, random, logger, health, registry);
  std::vector<std::int64_t> never;
  std::vector<std::int64_t> twice;
  loop.post([&] {
    supervisor.start("never", {.restarts = DaemonPolicy::kNoRestart}, [&] { return daemon_body(loop, never, 10, Duration{}); });
    supervisor.start("twice", {.restarts = 2}, [&] { return daemon_body(loop, twice, 10, Duration{}); });
  });
  world.run_until_idle();
  EXPECT_EQ(never.size(), 1u);
  EXPECT_EQ(twice.size(), 3u);
  EXPECT_EQ(supervisor.running(), 0u);
  for (const auto& check : health.checks()) EXPECT_EQ(check.reason, "failed and is not restarted");
}

TEST_F(SupervisorTest, P_2_RecoversWhenItRunsLongEnough) {
  health.hold_back("");
  Supervisor supervisor(loop, random, logger, health, registry);
  std::vector<std::int64_t> starts;
  int left = 3;
  const auto body = [&]() -> Task<Result<void>> {
    return --left >= 0 ? daemon_body(loop, starts, 10, Duration{}) : daemon_body(loop, starts, 10, hours(5));
  };
  loop.post([&] { supervisor.start("recovering", {}, body); });
  world.run_for(seconds(10));
  EXPECT_FALSE(health.ready());
  world.run_for(minutes(2));
  EXPECT_TRUE(health.ready());
}

Task<void> note_end(Supervisor& supervisor, Duration limit, std::string& trace) {
  const bool ended = co_await supervisor.wait_for_end(limit);
  trace += ended ? "ended" : "late ";
}

TEST_F(SupervisorTest, WaitsForTheEnd) {
  Supervisor supervisor(loop, random, logger, health, registry);
  std::vector<std::int64_t> starts;
  std::string trace;
  loop.post([&] { supervisor.start("work", {}, [&] { return daemon_body(loop, starts, 0, seconds(10)); }); });
  world.run_for(Duration{});
  loop.post([&] {
    supervisor.stop();
    loop.spawn("short", note_end(supervisor, seconds(5), trace));
    loop.spawn("long", note_end(supervisor, seconds(15), trace));
  });
  world.run_until_idle();
  EXPECT_EQ(trace, "late ended");
  EXPECT_EQ(elapsed(), 10'000);
}

Task<Result<void>> begin(Scheduler& loop, std::string& trace, std::string name, Duration takes, std::string failure) {
  trace += "+" + name;
  co_await loop.sleep_for(takes);
  if (failure == "throw") throw std::runtime_error("broken");
  if (!failure.empty()) co_return fail(ErrorKind::kInternal, failure);
  co_return Result<void>();
}

Task<void> end(Scheduler& loop, std::string& trace, std::string what, Duration takes) {
  trace += what;
  co_await loop.sleep_for(takes);
}

LifecycleStep step(Scheduler& loop, std::string& trace, std::string name, Duration takes = {}, std::string failure = {}) {
  return {.name = name,
          .start = [&loop, &trace, name, takes, failure] { return begin(loop, trace, name, takes, failure); },
          .drain = [&loop, &trace, name] { return end(loop, trace, "~" + name, Duration{}); },
          .stop = [&loop, &trace, name, takes] { return end(loop, trace, "-" + name, takes); },
          .start_deadline = seconds(10),
          .drain_deadline = seconds(1),
          .stop_deadline = seconds(2)};
}

Task<void> start_and_note(Lifecycle& lifecycle, std::string& trace) {
  auto result = co_await lifecycle.start();
  trace += result ? " ok " : " " + result.error().code + " ";
}

Task<void> stop_and_note(Lifecycle& lifecycle, std::string& trace) {
  co_await lifecycle.stop();
  trace += " end";
}

TEST_F(LifecycleTest, StartsInOrderAndStopsInReverse) {
  Lifecycle lifecycle(loop, logger, health);
  std::string trace;
  for (const auto* name : {"a", "b", "c"}) lifecycle.add(step(loop, trace, name, milliseconds(10)));
  EXPECT_FALSE(health.ready());
  loop.spawn("start", start_and_note(lifecycle, trace));
  world.run_until_idle();
  EXPECT_TRUE(health.ready());
  loop.spawn("stop", stop_and_note(lifecycle, trace));
  loop.spawn("again", stop_and_note(lifecycle, trace));
  world.run_until_idle();
  EXPECT_EQ(trace, "+a+b+c ok ~c~b~a-c-b-a end end");
  EXPECT_FALSE(health.ready());
}

TEST_F(LifecycleTest, AFailedStartStopsWhatRuns) {
  for (const std::string failure : {"test.failed", "throw"}) {
    Lifecycle lifecycle(loop, logger, health);
    std::string trace;
    lifecycle.add(step(loop, trace, "a"));
    lifecycle.add(step(loop, trace, "b", {}, failure));
    lifecycle.add(step(loop, trace, "c"));
    loop.spawn("start", start_and_note(lifecycle, trace));
    world.run_until_idle();
    EXPECT_EQ(trace, "+a+b~a-a " + (failure == "throw" ? internal_error("").code : failure) + " ");
    EXPECT_FALSE(health.ready());
  }
}

Task<Result<void>> end_on(Scheduler& other) {
  co_await other.enter();
  co_return Result<void>();
}

TEST_F(LifecycleTest, AStepMayEndOnAnotherLoop) {
  SimulatedScheduler& other = world.add_loop("other");
  Lifecycle lifecycle(loop, logger, health);
  std::string trace;
  lifecycle.add({.name = "a", .start = [&other] { return end_on(other); }});
  lifecycle.add(step(loop, trace, "b"));
  loop.spawn("start", start_and_note(lifecycle, trace));
  world.run_until_idle();
  EXPECT_EQ(trace, "+b ok ");
}

TEST_F(LifecycleTest, SlowStepsMeetTheirDeadline) {
  Lifecycle lifecycle(loop, logger, health);
  std::string trace;
  lifecycle.add(step(loop, trace, "a", seconds(5)));
  lifecycle.add(step(loop, trace, "b", seconds(11)));
  loop.spawn("start", start_and_note(lifecycle, trace));
  world.run_for(seconds(16));
  EXPECT_EQ(trace, "+a+b~a-a");  // a takes 5 s to stop and has 2
  world.run_for(seconds(1));
  EXPECT_EQ(trace, "+a+b~a-a lifecycle.too-slow ");
  world.run_until_idle();
}

TEST(Signals, ReachTheHandlerOnAThreadOfItsOwn) {
  std::promise<int> seen;
  {
    SignalWatcher watcher({SIGUSR1}, [&](int signal) { seen.set_value(signal); });
    ::kill(::getpid(), SIGUSR1);
    EXPECT_EQ(seen.get_future().get(), SIGUSR1);
  }
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGUSR1), 0);
}

TEST(Signals, TheSecondRequestEndsAtOnce) {
  std::string trace;
  StopRequests requests([&] { trace += "stop "; }, [&] { trace += "exit "; });
  EXPECT_FALSE(requests.requested());
  requests.request();
  EXPECT_TRUE(requests.requested());
  requests.request();
  EXPECT_EQ(trace, "stop exit ");
}

}  // namespace
}  // namespace consilium::runtime
