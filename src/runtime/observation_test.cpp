// Metrics, health, panics and the record of calls.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <boost/json.hpp>

#include "runtime/call_metrics.h"
#include "runtime/context.h"
#include "runtime/health.h"
#include "runtime/log_sink.h"
#include "runtime/metrics.h"
#include "runtime/observed_call.h"
#include "runtime/panic.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::runtime {
namespace {

using Samples = std::map<std::string, double>;

bool is_word(std::string_view text) {
  return !text.empty() && (text.front() < '0' || text.front() > '9') &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

// `name="value",…}`: gives what follows the brace; nothing when malformed.
std::optional<std::string_view> skip_labels(std::string_view text) {
  for (;;) {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos || !is_word(text.substr(0, equals))) return std::nullopt;
    std::size_t at = equals + 2;
    for (; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && (++at >= text.size() || std::string_view("\\\"n").find(text[at]) == std::string_view::npos))
        return std::nullopt;
    }
    if (at + 1 >= text.size()) return std::nullopt;
    text = text.substr(at + 1);
    if (text.front() == '}') return text.substr(1);
    if (text.front() != ',') return std::nullopt;
    text = text.substr(1);
  }
}

struct SampleLine {
  std::string name;
  std::string series;
  double value = 0;
};

std::optional<SampleLine> read_sample(std::string_view line) {
  const std::size_t end = line.find_first_of("{ ");
  if (end == std::string_view::npos || !is_word(line.substr(0, end))) return std::nullopt;
  std::string_view rest = line.substr(end);
  if (rest.front() == '{') {
    const auto after = skip_labels(rest.substr(1));
    if (!after) return std::nullopt;
    rest = *after;
  }
  if (!rest.starts_with(' ')) return std::nullopt;
  const std::string number(rest.substr(1));
  SampleLine sample{std::string(line.substr(0, end)), std::string(line.substr(0, line.size() - rest.size())), 0};
  if (number == "+Inf" || number == "-Inf" || number == "NaN") {
    sample.value = number == "+Inf" ? INFINITY : number == "-Inf" ? -INFINITY : NAN;
    return sample;
  }
  if (number.empty() || number.find_first_not_of("0123456789.e+-") != std::string::npos) return std::nullopt;
  std::size_t used = 0;
  sample.value = std::stod(number, &used);
  if (used != number.size()) return std::nullopt;
  return sample;
}

std::string without_bound(std::string series) {
  const std::size_t start = series.find("le=\"");
  if (start == std::string::npos) return series;
  const std::size_t end = series.find('"', start + 4) + 1;
  return series.erase(start, end - start);
}

// A strict reader of both formats: every sample belongs to the family declared before it, none comes twice, the
// buckets rise to the count.
Samples read_exposition(const std::string& text, bool open_metrics) {
  Samples samples;
  std::set<std::string> families;
  std::string family;
  std::string type;
  std::string bucket_series;
  double last_bucket = 0;
  bool ended = false;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    EXPECT_FALSE(ended) << line;
    if (line == "# EOF") {
      ended = true;
      continue;
    }
    if (line.starts_with("# ")) {
      std::istringstream words(line.substr(2));
      std::string kind;
      std::string name;
      words >> kind >> name;
      if (kind == "HELP") {
        EXPECT_TRUE(families.insert(name).second) << "family twice: " << name;
      }
      if (kind == "TYPE") {
        family = name;
        words >> type;
        EXPECT_TRUE(type == "counter" || type == "gauge" || type == "histogram") << line;
      }
      continue;
    }
    const auto sample = read_sample(line);
    EXPECT_TRUE(sample) << line;
    if (!sample) continue;
    const auto& [name, series, value] = *sample;
    const std::string expected = family + (type == "counter" && open_metrics ? "_total" : "");
    if (type == "histogram") {
      EXPECT_TRUE(name == family + "_bucket" || name == family + "_sum" || name == family + "_count") << line;
    } else {
      EXPECT_EQ(name, expected) << line;
    }
    EXPECT_TRUE(samples.emplace(series, value).second) << "sample twice: " << line;
    if (type == "histogram" && name.ends_with("_bucket")) {
      if (without_bound(series) != bucket_series) last_bucket = 0;
      bucket_series = without_bound(series);
      EXPECT_GE(value, last_bucket) << line;
      last_bucket = value;
    } else if (type == "histogram" && name.ends_with("_count")) {
      EXPECT_EQ(value, last_bucket) << line;
    }
  }
  EXPECT_EQ(ended, open_metrics);
  return samples;
}

TEST(Metrics, PR_1_ExposeAllKindsInBothFormats) {
  MetricsRegistry registry;
  registry.counter("consilium_posts_total", "Posts").get().add(3);
  registry.counter("consilium_requests_total", "Requests", {"method", "status"}).with({"GET", "200"}).add();
  registry.gauge("consilium_sockets", "Open \"sockets\" \\ now\nand then").get().set(-2.5);
  auto& histogram = registry.histogram("consilium_wait_seconds", "Waiting", {0.1, 1, 10}, {"queue"}).with({"a\"b\\c\nd"});
  for (const double value : {0.05, 0.1, 0.5, 100.0}) histogram.observe(value);
  registry.function(MetricsRegistry::FunctionKind::kGauge, "consilium_free", "Free", [] { return 7.0; });
  registry.function(MetricsRegistry::FunctionKind::kCounter, "consilium_lost_total", "Lost", [] { return 1e15; });
  add_process_metrics(registry, "0.1.0", "abc");
  const Samples plain = read_exposition(registry.prometheus_text(), false);
  const Samples open = read_exposition(registry.open_metrics_text(), true);
  for (const Samples& samples : {plain, open}) {
    EXPECT_EQ(samples.at("consilium_posts_total"), 3);
    EXPECT_EQ(samples.at("consilium_requests_total{method=\"GET\",status=\"200\"}"), 1);
    EXPECT_EQ(samples.at("consilium_sockets"), -2.5);
    EXPECT_EQ(samples.at("consilium_free"), 7);
    EXPECT_EQ(samples.at("consilium_lost_total"), 1e15);
    const std::string queue = R"({queue="a\"b\\c?d")";
    EXPECT_EQ(samples.at("consilium_wait_seconds_bucket" + queue + ",le=\"0.1\"}"), 2);
    EXPECT_EQ(samples.at("consilium_wait_seconds_bucket" + queue + ",le=\"1.0\"}"), 3);
    EXPECT_EQ(samples.at("consilium_wait_seconds_bucket" + queue + ",le=\"10.0\"}"), 3);
    EXPECT_EQ(samples.at("consilium_wait_seconds_bucket" + queue + ",le=\"+Inf\"}"), 4);
    EXPECT_EQ(samples.at("consilium_wait_seconds_count" + queue + "}"), 4);
    EXPECT_NEAR(samples.at("consilium_wait_seconds_sum" + queue + "}"), 100.65, 1e-9);
    EXPECT_EQ(samples.at("consilium_build_info{version=\"0.1.0\",revision=\"abc\"}"), 1);
    EXPECT_GT(samples.at("process_resident_memory_bytes"), 1e6);
    EXPECT_GT(samples.at("process_virtual_memory_bytes"), samples.at("process_resident_memory_bytes"));
    EXPECT_GT(samples.at("process_open_fds"), 2);
    EXPECT_GE(samples.at("process_max_fds"), samples.at("process_open_fds"));
    EXPECT_GT(samples.at("process_start_time_seconds"), 1.7e9);
    EXPECT_GE(samples.at("process_cpu_seconds_total"), 0);
  }
}

TEST(Metrics, PR_1_TwoScrapesShowRisingCounters) {
  MetricsRegistry registry;
  auto& counter = registry.counter("consilium_posts_total", "Posts").get();
  add_process_metrics(registry, "v", "r");
  const Samples first = read_exposition(registry.prometheus_text(), false);
  counter.add();
  const Samples second = read_exposition(registry.prometheus_text(), false);
  for (const auto& [series, value] : first) {
    if (series.find("_total") != std::string::npos) {
      EXPECT_GE(second.at(series), value) << series;
    }
  }
  EXPECT_EQ(second.at("consilium_posts_total"), 1);
}

TEST(Metrics, M_1_LabelsAreBounded) {
  MetricsRegistry registry;
  auto& family = registry.counter("consilium_calls_total", "Calls", {"a", "b"}, 5);
  for (int i = 0; i < 1000; ++i) family.with({std::to_string(i), "x"}).add();
  EXPECT_EQ(family.series(), 5u);
  EXPECT_EQ(family.with({"other", "other"}).value(), 996u);
  EXPECT_EQ(family.with({"3", "x"}).value(), 1u);
  family.with({"999", "x"}).add();
  EXPECT_EQ(family.with({"other", "other"}).value(), 997u);
  auto& long_values = registry.gauge("consilium_long", "Long", {"a"});
  long_values.with({std::string(kMaxLabelValue + 50, 'x')}).set(1);
  EXPECT_NE(registry.prometheus_text().find("{a=\"" + std::string(kMaxLabelValue, 'x') + "\"}"), std::string::npos);
}

TEST(Metrics, MisuseIsABug) {
  MetricsRegistry registry;
  auto& family = registry.counter("consilium_a_total", "A", {"x"});
  EXPECT_EQ(&registry.counter("consilium_a_total", "A", {"x"}), &family);
  EXPECT_THROW(registry.counter("consilium_a_total", "A", {"y"}), std::logic_error);
  EXPECT_THROW(registry.counter("consilium_a", "A"), std::logic_error);
  EXPECT_THROW(registry.gauge("consilium_a_total", "A"), std::logic_error);
  EXPECT_THROW(registry.gauge("consilium-a", "A"), std::logic_error);
  EXPECT_THROW(registry.gauge("1a", "A"), std::logic_error);
  EXPECT_THROW(registry.gauge("a", "A", {"le"}), std::logic_error);
  EXPECT_THROW(registry.histogram("h", "H", {2, 1}), std::logic_error);
  EXPECT_THROW(family.with({}), std::logic_error);
  EXPECT_THROW(family.with({"a", "b"}), std::logic_error);
  registry.gauge("g", "G");
  EXPECT_THROW(registry.histogram("g", "G", {1}), std::logic_error);
}

TEST(Metrics, CountFromManyThreads) {
  MetricsRegistry registry;
  auto& family = registry.counter("consilium_a_total", "A", {"x"}, 4);
  auto& histogram = registry.histogram("consilium_h", "H", {1, 2}).get();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        family.with({std::to_string((i + t) % 10)}).add();
        histogram.observe(1);
        if (i % 1000 == 0) read_exposition(registry.prometheus_text(), false);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  double total = 0;
  for (const auto& [series, value] : read_exposition(registry.prometheus_text(), false)) {
    if (series.starts_with("consilium_a_total")) total += value;
  }
  EXPECT_EQ(total, 20'000);
  EXPECT_EQ(histogram.count(), 20'000u);
  EXPECT_EQ(histogram.sum(), 20'000);
}

TEST(HealthTest, IsReadyButSaysSoWhenAPartIsDegraded) {
  Health health([] { return Timestamp{}; });
  health.hold_back("");
  health.report("store", Readiness::kReady);
  health.report("bus", Readiness::kDegraded, "falls behind");
  EXPECT_TRUE(health.ready());
  EXPECT_EQ(
      health.ready_json(),
      R"({"status":"degraded","checks":[{"name":"bus","status":"degraded","reason":"falls behind"},{"name":"store","status":"ready"}]})");
  MetricsRegistry registry;
  add_health_metrics(registry, health);
  EXPECT_NE(registry.prometheus_text().find("consilium_dependency_degraded{name=\"bus\"} 1\n"), std::string::npos);
  EXPECT_NE(registry.prometheus_text().find("consilium_dependency_up{name=\"bus\"} 1\n"), std::string::npos);
  health.report("store", Readiness::kNotReady, "away");
  EXPECT_FALSE(health.ready());
  EXPECT_TRUE(health.ready_json().starts_with(R"({"status":"not-ready")"));
}

TEST(MetricsTest, DO_2_TheReferenceNamesEachFamilyWithItsLabels) {
  MetricsRegistry registry;
  registry.counter("consilium_b_total", "B", {"x", "y"});
  registry.function(MetricsRegistry::FunctionKind::kGauge, "consilium_a", "A", [] { return 1.0; });
  EXPECT_TRUE(registry.reference().ends_with("| `consilium_a` | gauge |  | A |\n| `consilium_b_total` | counter | `x`, `y` | B |\n"))
      << registry.reference();
}

TEST(HealthTest, IsReadyWhenAllPartsAre) {
  Timestamp now;
  Health health([&now] { return now; });
  MetricsRegistry registry;
  add_health_metrics(registry, health);
  EXPECT_FALSE(health.ready());
  EXPECT_TRUE(health.live());
  health.add("database");
  health.hold_back("");
  EXPECT_FALSE(health.ready());
  health.report("database", Readiness::kReady);
  EXPECT_TRUE(health.ready());
  health.report("engine", Readiness::kNotReady, "replaying \"journal\"");
  EXPECT_FALSE(health.ready());
  const auto body = boost::json::parse(health.ready_json());
  EXPECT_EQ(body.at("status"), "not-ready");
  EXPECT_EQ(body.at_pointer("/checks/1/name"), "engine");
  EXPECT_EQ(body.at_pointer("/checks/1/reason"), "replaying \"journal\"");
  const Samples samples = read_exposition(registry.prometheus_text(), false);
  EXPECT_EQ(samples.at("consilium_dependency_up{name=\"database\"}"), 1);
  EXPECT_EQ(samples.at("consilium_dependency_up{name=\"engine\"}"), 0);
  EXPECT_EQ(samples.at("consilium_ready"), 0);
  health.remove("engine");
  EXPECT_TRUE(health.ready());
  health.hold_back("draining");
  EXPECT_FALSE(health.ready());
  EXPECT_TRUE(health.live());
  EXPECT_EQ(boost::json::parse(health.ready_json()).at("reason"), "draining");
}

TEST(HealthTest, ReportsGoStale) {
  Timestamp now;
  Health health([&now] { return now; });
  health.hold_back("");
  health.report("loop", Readiness::kReady, "", seconds(5));
  now = now + seconds(5);
  EXPECT_TRUE(health.ready());
  now = now + microseconds(1);
  EXPECT_FALSE(health.ready());
  EXPECT_EQ(health.checks().at(0).reason, "the last report is too old");
  health.report("loop", Readiness::kReady, "", seconds(5));
  EXPECT_TRUE(health.ready());
}

TEST(HealthTest, TheDeadAreNeitherLiveNorReady) {
  Health health([] { return Timestamp(); });
  health.hold_back("");
  EXPECT_TRUE(health.ready());
  health.declare_dead("the disk failed");
  EXPECT_FALSE(health.ready());
  EXPECT_FALSE(health.live());
  EXPECT_EQ(health.live_json(), R"({"status":"dead","reason":"the disk failed"})");
}

struct Panics : ::testing::Test {
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>(LogFormat::kJson);
  Log log{LogOptions{.level = LogLevel::kDebug, .levels = {}, .instance = "", .clock = [] { return Timestamp{}; }, .synchronous = true},
          {sink}};
  MetricsRegistry registry;

  Panics() { report_panics_to(Logger(log, "runtime", "panic"), registry); }
  ~Panics() override { forget_panics(); }
};

// So deep that its frames are told apart from those of the catch.
[[gnu::noinline]] int deep_inside(int levels = 10) {
  if (levels == 0) throw std::runtime_error("broken");
  const int volatile below = deep_inside(levels - 1);
  return below + 1;
}

TEST_F(Panics, P_1_AreCountedAndLoggedWithTheirStack) {
  SimulatedWorld world(1);
  auto& loop = world.add_loop("loop");
  for (int i = 0; i < 3; ++i) loop.post([] { deep_inside(); });
  world.run_until_idle();
  EXPECT_EQ(registry.counter("consilium_panics_total", "", {"boundary"}).with({"post"}).value(), 3u);
  ASSERT_EQ(sink->lines().size(), 3u);
  const auto line = boost::json::parse(sink->lines().front());
  EXPECT_EQ(line.at("what"), "broken");
  EXPECT_EQ(line.at("boundary"), "post");
  const std::string stack(line.at("stack").as_string());
  EXPECT_GT(std::count(stack.begin(), stack.end(), '\n'), 3);
  EXPECT_NE(stack.find("runtime_test+0x"), std::string::npos) << stack;
}

// The stack is that of the throw, not that of the catch.
TEST_F(Panics, P_1_KnowWhereTheExceptionWasThrown) {
  std::string at_throw;
  std::string elsewhere;
  try {
    deep_inside();
  } catch (...) {
    at_throw = stack_of_panic();
    try {
      throw 5;
    } catch (...) {
      elsewhere = stack_of_panic();
    }
  }
  EXPECT_FALSE(elsewhere.empty());
  EXPECT_GE(std::count(at_throw.begin(), at_throw.end(), '\n'), std::count(elsewhere.begin(), elsewhere.end(), '\n') + 9);
}

TEST(CrashReport, P_1_WritesTheStackAndDiesOfTheSignal) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        write_stack_on_crash();
        ::raise(SIGSEGV);
      },
      testing::KilledBySignal(SIGSEGV), "fatal signal 11, offsets of the stack: 0x");
}

TEST_F(Panics, L_4_CallsLeaveOneRecordEach) {
  SimulatedWorld world(1);
  SeededRandom random(1);
  Context context(world.add_loop("loop"), random);
  context.request_id = "r-1";
  CallMetrics calls(registry, log);
  const Error broken = make_error(ErrorKind::kInternal, "tasks.broken", "broken");
  const Error conflict = make_error(ErrorKind::kConflict, "tasks.illegal-transition");
  calls.on_call(context, {"tasks", "Create", milliseconds(5), nullptr});
  calls.on_call(context, {"tasks", "Create", milliseconds(500), &broken});
  calls.on_call(context, {"tasks", "Create", milliseconds(1), &conflict});
  const Samples samples = read_exposition(registry.prometheus_text(), false);
  EXPECT_EQ(samples.at(R"(consilium_calls_total{service="tasks",call="Create",result="ok"})"), 1);
  EXPECT_EQ(samples.at(R"(consilium_calls_total{service="tasks",call="Create",result="internal"})"), 1);
  EXPECT_EQ(samples.at(R"(consilium_call_seconds_count{service="tasks",call="Create"})"), 3);
  ASSERT_EQ(sink->lines().size(), 3u);
  EXPECT_EQ(boost::json::parse(sink->lines()[0]).at("level"), "debug");
  EXPECT_EQ(boost::json::parse(sink->lines()[1]).at("level"), "error");
  EXPECT_EQ(boost::json::parse(sink->lines()[1]).at("errorCode"), "tasks.broken");
  EXPECT_EQ(boost::json::parse(sink->lines()[2]).at("level"), "debug");
  for (const auto& line : sink->lines()) EXPECT_EQ(boost::json::parse(line).at("rid"), "r-1");
}

struct Number {
  int value = 0;
};
Result<void> validate(const Number&, Timestamp) { return {}; }

// A service whose call throws for zero.
struct Broken {
  Task<Result<Number>> call(Context&, Number request) {
    if (request.value == 0) throw std::runtime_error("broken");
    co_return request;
  }
};

Task<void> call_broken(Broken& service, CallObserver& observer, Context& context, Number request, int& reply) {
  const CallName name{"tests", "Call"};
  const auto answer = co_await observed_call(service, &Broken::call, observer, name, context, request);
  reply = answer ? answer->value : -1;
}

TEST_F(Panics, L_4_P_1_ACallThatThrowsLeavesItsRecordToo) {
  SimulatedWorld world(1);
  SeededRandom random(1);
  auto& loop = world.add_loop("loop");
  Context context(loop, random);
  CallMetrics calls(registry, log);
  Broken service;
  int reply = 0;
  loop.spawn("grpc", call_broken(service, calls, context, Number{7}, reply));
  world.run_until_idle();
  EXPECT_EQ(reply, 7);
  loop.spawn("grpc", call_broken(service, calls, context, Number{0}, reply));
  world.run_until_idle();
  const Samples samples = read_exposition(registry.prometheus_text(), false);
  EXPECT_EQ(samples.at(R"(consilium_calls_total{service="tests",call="Call",result="ok"})"), 1);
  EXPECT_EQ(samples.at(R"(consilium_calls_total{service="tests",call="Call",result="internal"})"), 1);
  EXPECT_EQ(samples.at(R"(consilium_panics_total{boundary="grpc"})"), 1) << "it goes on to the boundary where the work came in";
}

}  // namespace
}  // namespace consilium::runtime
