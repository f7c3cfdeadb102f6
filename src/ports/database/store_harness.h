// For tests: a store of either kind, and calls that wait for their answer. Threaded on a temporary folder and a real
// loop, or simulated on virtual time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "ports/database/store.h"
#include "runtime/scheduler.h"

namespace consilium::database::testing {

// Bounds a test may lower; 0 keeps the default.
struct Limits {
  std::size_t write_queue = 0;
  std::size_t read_queue = 0;
  std::function<Timestamp()> steady_now;
  std::function<std::optional<std::uint64_t>()> free_bytes;
};

class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  virtual Store& store() = 0;
  virtual runtime::Scheduler& loop() = 0;
  // Closes the store and opens it anew on the same file.
  virtual void reopen() = 0;
  // Lets the store and the loop work until `condition` holds; fails the test when it does not within a minute.
  virtual void wait_until(std::function<bool()> condition) = 0;
  // Lets them work for this long.
  virtual void pass(Duration time) = 0;
  // Where a backup may be written.
  virtual std::string backup_path() = 0;
  // Makes a file that is no database.
  virtual void leave_rubbish(const std::string& path) = 0;
  // Opens a file written by `backup_to` as a store of its own.
  virtual std::unique_ptr<StoreHarness> open_other(const std::string& path) = 0;

  template <class Answer>
  struct Call {
    std::optional<Answer> answer;
    std::optional<Error> failure;
    std::atomic<bool> done{false};
    Answer result() {
      if (failure) return fail(*failure);
      return *answer;
    }
  };

  template <class Function>
  auto start(Database& database, Database::Mode mode, Function function) {
    using Answer = TransactionResult<Function>;
    auto call = std::make_shared<Call<Answer>>();
    database.enqueue(
        mode,
        [call, function = std::move(function)](Transaction& transaction) mutable {
          call->answer.emplace(function(transaction));
          return call->answer->has_value();
        },
        [call](std::optional<Error> error) {
          call->failure = std::move(error);
          call->done = true;
        });
    return call;
  }
  template <class Function>
  auto write(Database& database, Function function) {
    auto call = start(database, Database::Mode::kWrite, std::move(function));
    wait_until([&] { return call->done.load(); });
    return call->result();
  }
  template <class Function>
  auto read(Database& database, Function function) {
    auto call = start(database, Database::Mode::kRead, std::move(function));
    wait_until([&] { return call->done.load(); });
    return call->result();
  }
  // Runs a task on the loop to its end.
  void run(Task<void> task);
};

std::unique_ptr<StoreHarness> threaded_harness(Limits limits);
std::unique_ptr<StoreHarness> simulated_harness(Limits limits);

}  // namespace consilium::database::testing
