#include "ports/database/store_harness.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "ports/database/simulated/simulated_store.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/simulated_scheduler.h"
#include "runtime/temporary_folder_testing.h"

namespace consilium::database::testing {
namespace {

sqlite::Options options_with(const Limits& limits, std::string path) {
  sqlite::Options options;
  options.path = std::move(path);
  if (limits.write_queue > 0) options.max_write_queue = limits.write_queue;
  if (limits.read_queue > 0) options.max_read_queue = limits.read_queue;
  options.steady_now = limits.steady_now;
  options.free_bytes = limits.free_bytes;
  return options;
}

const std::string kRubbish(10'000, 'r');

class ThreadedHarness final : public StoreHarness {
 public:
  explicit ThreadedHarness(Limits limits, std::string path = {}) : limits_(std::move(limits)), loop_("test") {
    path_ = path.empty() ? folder_.path() + "/consilium.db" : std::move(path);
    open();
    loop_.start();
  }
  ~ThreadedHarness() override {
    loop_.stop();
    loop_.join();
    store_.reset();
  }

  Store& store() override { return *store_; }
  runtime::Scheduler& loop() override { return loop_; }
  void reopen() override {
    store_.reset();
    open();
  }
  void wait_until(std::function<bool()> condition) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("waited a minute in vain");
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  void pass(Duration time) override { std::this_thread::sleep_for(std::chrono::microseconds(time.microseconds)); }
  void leave_rubbish(const std::string& path) override { std::ofstream(path) << kRubbish; }
  std::string backup_path() override { return folder_.path() + "/backup.db"; }
  std::unique_ptr<StoreHarness> open_other(const std::string& path) override { return std::make_unique<ThreadedHarness>(Limits{}, path); }

 private:
  void open() {
    auto opened = sqlite::open_threaded(options_with(limits_, path_));
    if (!opened) throw std::runtime_error(opened.error().describe());
    store_ = std::move(*opened);
  }

  Limits limits_;
  runtime::TemporaryFolder folder_;
  std::string path_;
  runtime::AsioScheduler loop_;
  std::unique_ptr<Store> store_;
};

class SimulatedHarness final : public StoreHarness {
 public:
  explicit SimulatedHarness(Limits limits, std::shared_ptr<simulated::Disk> disk = {}, std::string path = "/data/consilium.db")
      : limits_(std::move(limits)),
        disk_(disk ? std::move(disk) : std::make_shared<simulated::Disk>(kSeed)),
        path_(std::move(path)),
        world_(kSeed) {
    loop_ = &world_.add_loop("test");
    open();
  }
  ~SimulatedHarness() override { store_->close(); }

  Store& store() override { return *store_; }
  runtime::Scheduler& loop() override { return *loop_; }
  void reopen() override {
    store_->close();
    store_.reset();
    open();
  }
  void wait_until(std::function<bool()> condition) override {
    if (!world_.run_until(condition, minutes(1))) throw std::runtime_error("waited a minute in vain");
  }
  void pass(Duration time) override { world_.run_for(time); }
  void leave_rubbish(const std::string& path) override { disk_->put_file(path, kRubbish); }
  std::string backup_path() override { return "/data/backup.db"; }
  std::unique_ptr<StoreHarness> open_other(const std::string& path) override {
    return std::make_unique<SimulatedHarness>(Limits{}, disk_, path);
  }

 private:
  static constexpr std::uint64_t kSeed = 42;

  void open() {
    simulated::SimulatedOptions options;
    options.sqlite = options_with(limits_, path_);
    options.checkpoint_pages = 10;
    auto opened = simulated::SimulatedStore::open(*loop_, *disk_, options);
    if (!opened) throw std::runtime_error(opened.error().describe());
    store_ = std::move(*opened);
  }

  Limits limits_;
  std::shared_ptr<simulated::Disk> disk_;
  std::string path_;
  runtime::SimulatedWorld world_;
  runtime::SimulatedScheduler* loop_;
  std::unique_ptr<simulated::SimulatedStore> store_;
};

Task<void> mark_at_end(Task<void> task, std::atomic<bool>& ended) {
  co_await std::move(task);
  ended = true;
}

}  // namespace

void StoreHarness::run(Task<void> task) {
  std::atomic<bool> ended{false};
  loop().spawn("test", mark_at_end(std::move(task), ended));
  wait_until([&] { return ended.load(); });
}

std::unique_ptr<StoreHarness> threaded_harness(Limits limits) { return std::make_unique<ThreadedHarness>(std::move(limits)); }

std::unique_ptr<StoreHarness> simulated_harness(Limits limits) { return std::make_unique<SimulatedHarness>(std::move(limits)); }

}  // namespace consilium::database::testing
