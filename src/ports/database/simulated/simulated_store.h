// The SQLite store of a simulated process: the code of the real one (core, guard, migrations, backup), run as events of a
// loop on virtual time and on a simulated disk. Latencies and the sizes of groups come from a seed. One thread.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "ports/database/simulated/disk.h"
#include "ports/database/sqlite/sqlite_store.h"
#include "runtime/scheduler.h"

namespace consilium::database::simulated {

// Both ends are possible.
struct Latency {
  Duration shortest;
  Duration longest;
};

// After the commit is on the disk; before it exists so that tests can prove that they notice it.
enum class Answers { kAfterSync, kBeforeSyncForTests };

struct SimulatedOptions {
  sqlite::Options sqlite = {.path = "/data/consilium.db"};  // clock, file system and free space come from loop and disk if not set
  std::uint64_t seed = 1;
  Latency before_group = {microseconds(0), microseconds(200)};  // a writer that was waiting wakes
  Latency after_commit = {microseconds(100), milliseconds(3)};  // between the commit and its answers
  Latency read = {microseconds(20), microseconds(500)};
  Latency before_checkpoint = {milliseconds(1), milliseconds(50)};
  std::size_t largest_group = 64;  // groups have 1 … this many functions
  int checkpoint_pages = 200;      // new pages in the log that start one
  Answers answers = Answers::kAfterSync;
  Latency before_late_sync = {milliseconds(5), milliseconds(60)};  // after the answers, when these do not wait for it
};

// Destroying it without `close` is a kill: what is queued is dropped without an answer, the files stay as they are.
// Loop and disk outlive it; destroy a killed store before the next one is opened on its disk.
class SimulatedStore final : public sqlite::SqliteStore {
 public:
  static Result<std::unique_ptr<SimulatedStore>> open(runtime::Scheduler& loop, Disk& disk, SimulatedOptions options);
  ~SimulatedStore() override;

  void submit(Database::Mode mode, sqlite::Job job) override;
  Statistics statistics() const override;
  void close() override;

  // The process dies: no answers, no tidy end of the files.
  void kill();
  // A commit failed in the disk; everything is refused from then on.
  bool failed() const { return failed_; }

 private:
  SimulatedStore(runtime::Scheduler& loop, Disk& disk, SimulatedOptions options);
  Result<void> open_connections();
  Result<void> publish_file(const std::string& from, const std::string& to) override;
  void discard_file(const std::string& path) override;
  bool file_exists(const std::string& path) override;

  Duration draw(Latency latency);
  void after(Duration delay, std::function<void()> action);
  void take_up_writing();
  void run_one_group();
  void end_group(std::vector<sqlite::Job> jobs, bool unknown);
  void give_up();
  void run_one_read();
  void think_of_checkpoint();

  runtime::Scheduler& loop_;
  Disk& disk_;
  const SimulatedOptions simulated_;
  SeededRandom random_;
  std::unique_ptr<sqlite::Writer> writer_;
  std::unique_ptr<sqlite::Reader> reader_;
  std::unique_ptr<sqlite::Connection> checkpointer_;
  std::deque<sqlite::Job> writes_;
  std::deque<sqlite::Job> reads_;
  std::vector<sqlite::Job> answering_;  // committed or failed, not answered yet
  bool answering_unknown_ = false;
  bool writing_ = false;
  bool checkpoint_is_due_ = false;
  int checkpointed_pages_ = 0;
  bool closed_ = false;
  bool failed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace consilium::database::simulated
