// A whole database of one process: it hands out the doors of the services, keeps their schemas and looks after the file.
// Implementations: sqlite/threaded_store.h (real), simulated/simulated_store.h (virtual time and disk).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/database/database.h"

namespace consilium::database {

// Counters since the store was opened; latencies in microseconds.
struct Statistics {
  std::uint64_t groups = 0;           // commits tried
  std::uint64_t functions = 0;        // write functions that were answered after a commit
  std::uint64_t commits = 0;          // groups that reached the disk
  std::uint64_t lost_groups = 0;      // groups that SQLite rolled back as a whole and that were run again
  std::uint64_t reads = 0;            // read functions
  std::uint64_t refused = 0;          // turned away: queue full, no space, closed
  std::uint64_t checkpoints = 0;      //
  std::uint64_t syncs = 0;            // of the file and its log, by commits and checkpoints
  std::uint64_t wal_pages = 0;        // length of the write-ahead log after the last commit
  std::uint64_t write_queue = 0;      // waiting now
  std::uint64_t read_queue = 0;       //
  std::uint64_t commit_time_sum = 0;  // from BEGIN to the end of COMMIT
  std::uint64_t commit_time_max = 0;  //
  std::uint64_t write_wait_sum = 0;   // from enqueue to the start of the group
  std::uint64_t largest_group = 0;    //
};

// All members may be called from any thread. `migrate`, `backup_to`, `verify` and `close` block the caller while they
// work on the disk: call them at start, from the command line or from a pool, never on an I/O loop.
class Store {
 public:
  virtual ~Store() = default;

  // The door of one service: `[a-z][a-z0-9]*`, anything else is a bug and throws. Same name, same object; it lives as
  // long as the store.
  virtual Database& service(std::string_view name) = 0;
  // May touch the tables of all services: for the bus, backup and operations. Never handed to a service.
  virtual Database& privileged() = 0;

  // Brings the tables of `service` up to the last migration; numbers run 1, 2, 3 … Each is applied once, also when
  // several processes start together. Errors: `database.migration-changed`, `database.newer-schema`,
  // `database.migration-order`, `database.migration-failed` (all kInternal).
  virtual Result<void> migrate(std::string_view service, std::vector<Migration> migrations) = 0;

  // Writes a consistent, verified, standalone copy while work goes on. Refuses an existing file (`database.backup-exists`).
  virtual Result<void> backup_to(const std::string& path) = 0;
  // What is wrong with the file: pages, indexes, foreign keys. Empty means sound.
  virtual Result<std::vector<std::string>> verify() = 0;

  // `listener` is called after every commit that changed rows of `table`, on any thread; it must only post.
  virtual void watch(std::string table, std::function<void()> listener) = 0;

  virtual Statistics statistics() const = 0;

  // Finishes what is queued, refuses new work with `database.closed` (kUnavailable) and closes the file.
  virtual void close() = 0;
};

}  // namespace consilium::database
