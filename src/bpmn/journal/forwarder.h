// Brings into the database what the commit log has on the disk already, many steps in one transaction, while the engine goes on.
// Until it is there the log keeps it: after a crash `Journal::load` finds it in the log.
//
// Belongs to the loop of the engine.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "base/random.h"
#include "bpmn/journal/rows.h"
#include "ports/database/commit_log.h"
#include "runtime/context.h"
#include "runtime/event.h"

namespace consilium::bpmn::journal {

inline constexpr std::int64_t kForwardRecords = 1000;          // that wait: then they are brought at once
inline constexpr Duration kForwardDelay = milliseconds(100);   // fewer of them
inline constexpr std::int64_t kMaxForwardedRecords = 2000;     // of one transaction, and those of one frame more
inline constexpr Duration kForwardRetry = seconds(1);          // after a failure; doubles
inline constexpr Duration kLongestForwardRetry = seconds(10);  //
inline constexpr Duration kForwardRetryWhenBusy = milliseconds(50);

class Forwarder {
 public:
  // All outlive it. `partition`: what the database says, kept up to date.
  Forwarder(database::Database& database, runtime::Scheduler& loop, RandomSource& random, database::CommitLog& log, Partition& partition);

  database::CommitLog& log() { return log_; }

  void start();
  // After the transaction that runs; what waits is forgotten here, and is in the log.
  Task<void> stop();

  // Waits for room in the log. Errors: why the database takes nothing, and then neither may the log.
  Task<Result<void>> make_room(std::size_t bytes);
  // Appends, with the room made; blocks for the disk. Errors: of CommitLog::append.
  Result<void> keep(Steps steps, std::string_view frame);
  // Of the state after all that was kept. At most one may wait.
  void add_checkpoint(CheckpointRows rows);
  bool has_checkpoint() const { return checkpoints_ > 0; }

  // Until everything up to this position is in the database.
  Task<Result<void>> settle(std::int64_t position);
  // Records that wait.
  std::int64_t waiting() const { return records_; }

 private:
  struct Waiting {
    Steps steps;
    std::uint64_t frame = 0;
    std::optional<CheckpointRows> checkpoint;  // after them
  };

  Task<void> run();
  Task<Result<void>> forward();
  bool is_due() const { return records_ >= kForwardRecords || hurry_to_ > partition_.position || stopping_; }
  void hurry(std::int64_t position);

  database::Database& database_;
  runtime::Scheduler& loop_;
  RandomSource& random_;
  database::CommitLog& log_;
  Partition& partition_;
  runtime::Context context_;
  std::deque<Waiting> waiting_;
  std::int64_t records_ = 0;
  int checkpoints_ = 0;
  std::int64_t hurry_to_ = 0;
  std::optional<Error> failure_;  // of the last transaction
  bool running_ = false;
  bool stopping_ = false;
  runtime::Event work_;       // something waits
  runtime::Event due_;        // enough does, or somebody waits for it
  runtime::Event forwarded_;  // or failed, or stopped
};

}  // namespace consilium::bpmn::journal
