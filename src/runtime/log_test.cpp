#include "runtime/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "base/random.h"
#include "runtime/context.h"
#include "runtime/log_format.h"
#include "runtime/log_setup.h"
#include "runtime/log_sink.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::runtime {
namespace {

struct Fixture : testing::Test {
  std::shared_ptr<MemorySink> json = std::make_shared<MemorySink>(LogFormat::kJson);
  std::shared_ptr<MemorySink> human = std::make_shared<MemorySink>(LogFormat::kHuman);
  Log log{LogOptions{.level = LogLevel::kInfo,
                     .levels = {},
                     .instance = "node-1",
                     .clock = [] { return Timestamp{1'767'225'600'123'456}; },
                     .synchronous = true},
          {json, human}};
  Logger logger{log, "tasks", "assignment"};

  boost::json::object last() const { return boost::json::parse(json->lines().back()).as_object(); }
  std::string text(std::string_view name) const { return std::string(last().at(name).as_string()); }
};
using LogLines = Fixture;
using LogLevels = Fixture;

TEST_F(LogLines, L_1_CarryTheFixedFields) {
  logger.info("Task assigned");
  EXPECT_EQ(
      json->lines().back(),
      R"({"time":"2026-01-01T00:00:00.123Z","level":"info","service":"tasks","component":"assignment","instance":"node-1","message":"Task assigned"})");
  EXPECT_EQ(human->lines().back(), "2026-01-01T00:00:00.123Z info  tasks/assignment: Task assigned");
}

TEST_F(LogLines, L_1_CarryTheContext) {
  SimulatedWorld world(1);
  SeededRandom random(1);
  Context context(world.add_loop("loop"), random);
  context.request_id = "r-1";
  context.client = ClientType::kRest;
  context.caller.kind = Caller::Kind::kUser;
  context.caller.user_id = *Uuid::parse("01890000-0000-7000-8000-000000000001");
  context.caller.session_id = *Uuid::parse("01890000-0000-7000-8000-000000000002");
  context.caller.user_name = "anna";
  logger.warn(context, "Slow");
  EXPECT_EQ(text("rid"), "r-1");
  EXPECT_EQ(text("user"), "01890000-0000-7000-8000-000000000001");
  EXPECT_EQ(text("sid"), "01890000-0000-7000-8000-000000000002");
  EXPECT_EQ(text("client"), "rest");
  EXPECT_EQ(json->lines().back().find("anna"), std::string::npos);
  const Context background = context.for_service("tasks", ClientType::kEvent);
  logger.info(background, "Handled");
  EXPECT_EQ(text("rid"), "r-1");
  EXPECT_EQ(text("caller"), "tasks");
  EXPECT_FALSE(last().contains("user"));
}

TEST_F(LogLines, CarryFieldsOfAllTypes) {
  const Uuid id = *Uuid::parse("01890000-0000-7000-8000-000000000003");
  const std::string name = "two words";
  int rendered = 0;
  const auto lazy = [&rendered] {
    ++rendered;
    return std::string("rendered");
  };
  logger.info("All", {{"text", name},
                      {"literal", "x"},
                      {"yes", true},
                      {"negative", -5},
                      {"big", std::numeric_limits<std::uint64_t>::max()},
                      {"half", 0.5},
                      {"nan", std::numeric_limits<double>::quiet_NaN()},
                      {"id", id},
                      {"at", Timestamp{0}},
                      {"took", milliseconds(1500)},
                      {"lazy", lazy},
                      {"level", "mine"}});
  EXPECT_EQ(text("text"), "two words");
  EXPECT_EQ(last().at("yes"), true);
  EXPECT_EQ(last().at("negative"), -5);
  EXPECT_EQ(last().at("big"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(last().at("half"), 0.5);
  EXPECT_EQ(text("nan"), "NaN");
  EXPECT_EQ(text("id"), id.text());
  EXPECT_EQ(text("at"), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(text("took"), "PT1.5S");
  EXPECT_EQ(text("lazy"), "rendered");
  EXPECT_EQ(text("level"), "info");
  EXPECT_EQ(text("level_"), "mine");
  EXPECT_NE(human->lines().back().find(" text=\"two words\" literal=x yes=true negative=-5 "), std::string::npos);
  const int before = rendered;
  logger.debug("Off", {{"lazy", lazy}});
  EXPECT_EQ(rendered, before);
}

TEST_F(LogLines, L_1_L_4_B_70_NeverShowSecrets) {
  logger.error("Login", {{"password", Secret("hunter2")}, {"name", Personal("Anna Karenina")}});
  EXPECT_EQ(text("password"), "***");
  for (const auto& sink : {json, human}) {
    EXPECT_EQ(sink->lines().back().find("hunter2"), std::string::npos);
    EXPECT_EQ(sink->lines().back().find("Karenina"), std::string::npos);
  }
}

TEST_F(LogLines, L_1_X_1_SpreadAnErrorIntoFields) {
  const Error error = make_error(ErrorKind::kConflict, "tasks.illegal-transition", "Expected state open")
                          .caused_by(make_error(ErrorKind::kInternal, "database.failed", "disk"));
  logger.error("Refused", {{"error", error}});
  EXPECT_EQ(text("errorCode"), "tasks.illegal-transition");
  EXPECT_EQ(text("errorKind"), status_of(ErrorKind::kConflict).name);
  EXPECT_EQ(text("errorDetail"), "Expected state open");
  EXPECT_NE(text("errorCause").find("database.failed"), std::string::npos);
}

TEST_F(LogLines, AreCutAtTheirBounds) {
  logger.info(std::string(Log::kMaxMessage, 'a'), {{"value", std::string(Log::kMaxValue, 'b')}});
  EXPECT_EQ(text("message").size(), Log::kMaxMessage);
  EXPECT_EQ(text("value").size(), Log::kMaxValue);
  logger.info(std::string(Log::kMaxMessage + 1, 'a'), {{"value", std::string(Log::kMaxValue - 1, 'b') + "\xc3\xa9"}});
  EXPECT_EQ(text("message"), std::string(Log::kMaxMessage, 'a') + "\xe2\x80\xa6");
  EXPECT_EQ(text("value"), std::string(Log::kMaxValue - 1, 'b') + "\xe2\x80\xa6");  // no half character
}

bool is_one_clean_line(const std::string& line) {
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

TEST_F(LogLines, L_1_ParseAsJsonForAnyInput) {
  const std::uint64_t seed = 20260101;
  SeededRandom random(seed);
  const std::vector<std::string> pieces{"\"",
                                        "\\",
                                        "\n",
                                        "\x1b[31m",
                                        "\xff",
                                        "\xc3",
                                        "\xe2\x82",
                                        "\xed\xa0\x80",
                                        "\xf0\x9f\x98\x80",
                                        "\xc2\x85",
                                        "\xe2\x80\xae",
                                        "\xe2\x80\xa8",
                                        "plain",
                                        std::string(1, '\0'),
                                        "\x7f",
                                        "\xf5\x80\x80\x80",
                                        "\xc0\xaf"};
  for (int i = 0; i < 3000; ++i) {
    std::string input;
    for (std::uint64_t n = random.below(20); n > 0; --n) {
      if (random.below(2) == 0) {
        input += pieces[random.below(pieces.size())];
      } else {
        input += static_cast<char>(random.below(256));
      }
    }
    logger.info(input, {{input, input}, {"e", make_error(ErrorKind::kInternal, input, input)}});
    boost::system::error_code error;
    const auto value = boost::json::parse(json->lines().back(), error);
    ASSERT_FALSE(error) << "seed " << seed << " round " << i << ": " << json->lines().back();
    ASSERT_TRUE(value.is_object());
    ASSERT_TRUE(is_one_clean_line(json->lines().back()));
    ASSERT_TRUE(is_one_clean_line(human->lines().back())) << "seed " << seed << " round " << i;
  }
}

TEST_F(LogLines, KeepWellFormedTextUnchanged) {
  const std::string fine = "Größe ≤ 5 😀 \"quoted\" \\ tab\t";
  logger.info("Text", {{"value", fine}});
  EXPECT_EQ(text("value"), fine);
}

TEST_F(LogLevels, L_2_AreOfAServiceOrAComponentAndChangeAtRunTime) {
  const Logger store(log, "tasks", "store");
  const Logger chat(log, "chat", "posts");
  EXPECT_FALSE(store.enabled(LogLevel::kDebug));
  log.set_level("tasks", LogLevel::kDebug);
  EXPECT_TRUE(store.enabled(LogLevel::kDebug));
  EXPECT_TRUE(logger.enabled(LogLevel::kDebug));
  EXPECT_FALSE(chat.enabled(LogLevel::kDebug));
  log.set_level("tasks.store", LogLevel::kError);
  EXPECT_FALSE(store.enabled(LogLevel::kWarn));
  EXPECT_TRUE(logger.enabled(LogLevel::kDebug));
  log.set_level("", LogLevel::kTrace);
  EXPECT_TRUE(chat.enabled(LogLevel::kTrace));
  EXPECT_FALSE(logger.enabled(LogLevel::kTrace));
  EXPECT_EQ(log.level_of("tasks", "store"), LogLevel::kError);
  log.set_level("chat", LogLevel::kOff);
  EXPECT_FALSE(chat.enabled(LogLevel::kFatal));
  EXPECT_FALSE(Logger().enabled(LogLevel::kFatal));
}

TEST_F(LogLevels, L_2_FollowAChangedConfiguration) {
  const Logger store(log, "tasks", "store");
  const Logger chat(log, "chat", "posts");
  Config::Log before;
  before.services = {{"tasks", LogLevel::kDebug}};
  change_levels(log, Config::Log{}, before);
  EXPECT_TRUE(store.enabled(LogLevel::kDebug));
  Config::Log after;
  after.level = LogLevel::kWarn;
  after.services = {{"chat", LogLevel::kTrace}};
  change_levels(log, before, after);
  EXPECT_FALSE(store.enabled(LogLevel::kInfo));
  EXPECT_TRUE(store.enabled(LogLevel::kWarn));
  EXPECT_TRUE(chat.enabled(LogLevel::kTrace));
}

TEST_F(LogLevels, L_2_HaveNames) {
  for (const auto level :
       {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kFatal, LogLevel::kOff})
    EXPECT_EQ(parse_log_level(name_of(level)), level);
  EXPECT_EQ(parse_log_level("loud"), std::nullopt);
}

// Holds the writer back until it is let go.
class SlowSink final : public LogSink {
 public:
  SlowSink() : LogSink(LogFormat::kJson) {}
  void write(std::span<const LogLine> lines) override {
    std::unique_lock lock(mutex_);
    ++calls_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    for (const LogLine& line : lines) lines_.push_back(line.json);
  }
  void wait_for_call() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  bool open_ = false;
  std::vector<std::string> lines_;
};

TEST(LogQueue, DropsAndCountsWhatDoesNotFit) {
  auto sink = std::make_shared<SlowSink>();
  Log log(LogOptions{}, {sink});
  const Logger logger(log, "a", "b");
  logger.info("first");
  sink->wait_for_call();
  for (std::size_t i = 0; i < Log::kQueueLines + 10; ++i) logger.info("next");
  EXPECT_EQ(log.dropped(), 10u);
  sink->open();
  EXPECT_TRUE(log.flush());
  EXPECT_EQ(log.written(), Log::kQueueLines + 1);
  const auto lines = sink->lines();
  ASSERT_EQ(lines.size(), Log::kQueueLines + 2);
  EXPECT_NE(lines.back().find("\"lines\":10"), std::string::npos);
}

TEST(LogQueue, IsBoundedInBytesToo) {
  auto sink = std::make_shared<SlowSink>();
  Log log(LogOptions{}, {sink});
  const Logger logger(log, "a", "b");
  logger.info("first");
  sink->wait_for_call();
  const std::string big(Log::kMaxValue, 'x');
  for (int i = 0; i < 3000; ++i) logger.info("next", {{"a", big}});
  EXPECT_GT(log.dropped(), 0u);
  sink->open();
  EXPECT_TRUE(log.flush());
}

TEST(LogQueue, KeepsTheOrderOfEachThread) {
  auto sink = std::make_shared<MemorySink>(LogFormat::kJson);
  {
    Log log(LogOptions{}, {sink});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log, t] {
        const Logger logger(log, "a", "b");
        for (int i = 0; i < 500; ++i) logger.info("line", {{"thread", t}, {"number", i}});
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(log.dropped(), 0u);
  }
  std::int64_t next[4] = {};
  for (const std::string& line : sink->lines()) {
    const auto value = boost::json::parse(line);
    const std::int64_t thread = value.at("thread").as_int64();
    EXPECT_EQ(value.at("number").as_int64(), next[thread]++);
  }
  for (const std::int64_t count : next) EXPECT_EQ(count, 500);
}

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(RotatingFile, RotatesAtItsBoundAndKeepsSoMany) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/consilium.log";
  auto sink = RotatingFileSink::open(path, LogFormat::kHuman, 10, 2);
  ASSERT_TRUE(sink);
  const auto line = [](std::string text) { return LogLine{.json = "", .human = std::move(text)}; };
  std::vector<LogLine> lines{line("1234"), line("5678"), line("a"), line("longer than the bound"), line("b")};
  (*sink)->write(lines);
  EXPECT_EQ(content(path), "b\n");
  EXPECT_EQ(content(path + ".1"), "longer than the bound\n");
  EXPECT_EQ(content(path + ".2"), "a\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".3"));
  EXPECT_EQ((*sink)->failed(), 0u);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  sink = RotatingFileSink::open(path, LogFormat::kHuman, 10, 2);
  (*sink)->write(std::vector<LogLine>{line("c")});
  EXPECT_EQ(content(path), "b\nc\n");
}

TEST(LogSetup, WritesAFileWhenAskedTo) {
  const TemporaryFolder folder;
  Config::Log config;
  config.level = LogLevel::kFatal;  // keeps standard output quiet
  config.services = {{"tasks", LogLevel::kOff}};
  config.file = true;
  config.file_size = ByteSize{1 << 20};
  MetricsRegistry registry;
  {
    auto log = make_log(config, folder.path(), "node-1");
    ASSERT_TRUE(log);
    add_log_metrics(registry, **log);
    Logger(**log, "tasks", "store").fatal("Off");
    EXPECT_EQ((*log)->level_of("tasks", "store"), LogLevel::kOff);
    EXPECT_EQ((*log)->level_of("chat", "posts"), LogLevel::kFatal);
    EXPECT_NE(registry.prometheus_text().find("consilium_log_dropped_total 0\n"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/consilium.log"));
  const auto failed = make_log(config, "/nonexistent", "");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "log.file");
}

TEST(RotatingFile, TellsWhenItCannotBeOpened) {
  const auto sink = RotatingFileSink::open("/nonexistent/folder/x.log", LogFormat::kJson, 10, 2);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, "log.file");
}

}  // namespace
}  // namespace consilium::runtime
