// For tests: the engine on real SQLite, on a simulated disk and virtual time, in a process that can be killed.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpmn/engine/test_model.h"
#include "bpmn/local_process_engine.h"
#include "ports/database/commit_log.h"
#include "ports/database/simulated/simulated_log_file.h"
#include "ports/database/simulated/simulated_store.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::bpmn::testing {

template <class T>
Task<void> store_result(Task<Result<T>> task, std::optional<Result<T>>& out) {
  Result<T> result = co_await std::move(task);
  out.emplace(std::move(result));
}

inline Task<void> flag_end(Task<void> task, bool& done) {
  co_await std::move(task);
  done = true;
}

// Whether the engine's commits go to the database, as in the platform, or first to a log, as in `consilium engine`.
enum class Commits : std::uint8_t { kToDatabase, kToLog };

// A process of the platform that can be killed and started again on the same disk.
class Node {
 public:
  explicit Node(std::uint64_t seed, LocalProcessEngineOptions options = {}, Commits commits = Commits::kToDatabase)
      : world(seed), disk(seed), random(seed), options_(options), commits_(commits) {
    boot();
  }
  ~Node() {
    store->close();
    world.crash(id_);
  }

  void boot() {
    id_ = world.add_node("node" + std::to_string(++lives_));
    loop = &world.add_loop(id_, "loop");
    database::simulated::SimulatedOptions store_options;
    store_options.seed = world.seed() + static_cast<std::uint64_t>(lives_);
    auto opened = database::simulated::SimulatedStore::open(*loop, disk, store_options);
    ASSERT_TRUE(opened.has_value()) << opened.error().describe();
    store = std::move(*opened);
    ASSERT_TRUE(store->migrate("processes", LocalProcessEngine::migrations()).has_value());
    if (commits_ == Commits::kToLog) open_log();
    options_.commit_log = log.get();
    engine = std::make_unique<LocalProcessEngine>(store->service("processes"), *loop, random, options_);
    context = std::make_unique<runtime::Context>(*loop, random);
    if (on_boot) on_boot(*engine);
  }
  // Killed at once, nothing tidied up.
  void kill() {
    store->kill();
    world.crash(id_);
    engine.reset();
    log.reset();
    store.reset();
  }
  void restart() {
    kill();
    disk.kill_processes();
    boot();
    open();
  }
  void open() {
    const auto opened = call(engine->open(*context));
    ASSERT_TRUE(opened.has_value()) << opened.error().describe();
  }

  template <class T>
  Result<T> call(Task<Result<T>> task) {
    std::optional<Result<T>> out;
    loop->spawn("test", store_result(std::move(task), out));
    world.run_until([&] { return out.has_value(); }, minutes(10));
    if (!out) return fail(internal_error("no answer"));
    return std::move(*out);
  }
  bool finish(Task<void> task, Duration limit = minutes(1)) {
    bool done = false;
    loop->spawn("test", flag_end(std::move(task), done));
    world.run_until([&] { return done; }, limit);
    return done;
  }
  void deploy(std::vector<process::Resource> models) {
    const auto deployed = call(engine->deploy(*context, std::move(models)));
    ASSERT_TRUE(deployed.has_value()) << deployed.error().describe();
  }
  void deploy(const bpmn::engine::TestModel& model) { deploy(std::vector<process::Resource>{{"m.bpmn", model.xml()}}); }
  process::Key start(const std::string& variables = "{}", const std::string& key = "") {
    const auto started = call(engine->start(*context, "p", variables, key));
    EXPECT_TRUE(started.has_value()) << started.error().describe();
    return started.value_or(0);
  }
  Result<std::vector<process::InstanceView>> instances(std::string process_id, std::optional<process::InstanceState> state,
                                                       process::Key before, int limit) {
    process::InstanceFilter filter;
    filter.process_id = std::move(process_id);
    filter.state = state;
    filter.before = before;
    filter.limit = limit;
    auto page = call(engine->instances(*context, std::move(filter)));
    if (!page) return fail(std::move(page).error());
    return std::move(page->items);
  }
  process::InstanceState state(process::Key key) {
    const auto view = call(engine->instance(*context, key));
    EXPECT_TRUE(view.has_value());
    return view ? view->state : process::InstanceState::kActive;
  }

  runtime::SimulatedWorld world;
  database::simulated::Disk disk;
  SeededRandom random;
  runtime::SimulatedScheduler* loop = nullptr;
  std::unique_ptr<database::simulated::SimulatedStore> store;
  std::unique_ptr<database::CommitLog> log;
  std::unique_ptr<LocalProcessEngine> engine;
  std::unique_ptr<runtime::Context> context;
  std::function<void(LocalProcessEngine&)> on_boot;
  // The disk failed the log: a real process ends.
  std::size_t log_failures = 0;
  // Off: to prove that tests notice a log that answers before it has synced.
  database::simulated::LogSyncs log_syncs = database::simulated::LogSyncs::kFull;

 private:
  void open_log() {
    auto file = database::simulated::open_log_file(disk, "/data/consilium.db-log", log_syncs);
    ASSERT_TRUE(file.has_value()) << file.error().describe();
    auto opened = database::CommitLog::open(std::move(*file), [this](const Error&) { ++log_failures; });
    ASSERT_TRUE(opened.has_value()) << opened.error().describe();
    log = std::move(*opened);
  }

  LocalProcessEngineOptions options_;
  Commits commits_;
  runtime::NodeId id_;
  int lives_ = 0;
};

}  // namespace consilium::bpmn::testing
