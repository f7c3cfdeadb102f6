// How a SQLite store is opened, and its bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace consilium::database::sqlite {

inline constexpr std::size_t kMaxRows = 10'000;               // of one statement
inline constexpr std::size_t kMaxPreparedStatements = 1'000;  // a connection and service
inline constexpr std::size_t kMaxWriteQueue = 4'096;
inline constexpr std::size_t kMaxReadQueue = 1'024;
inline constexpr Duration kMaxReadTime = seconds(5);
inline constexpr Duration kBusyWait = seconds(5);        // for another process that holds the write lock
inline constexpr Duration kMigrationWait = seconds(60);  // the same at start, when others may be migrating
inline constexpr std::uint64_t kDefaultReserve = 64ULL << 20;
inline constexpr int kCheckpointPages = 4'000;  // new pages in the log that start a checkpoint
inline constexpr int kMaxLogPages = 16'384;     // the writer waits for a checkpoint beyond it (64 MiB)

// Full: every commit is on the disk before it is answered. Off exists so that tests can prove that they notice it.
enum class Synchronous { kFull, kOffForTests };

struct Options {
  std::string path;
  std::string vfs;  // SQLite's name of the file system; empty is the operating system's
  Synchronous synchronous = Synchronous::kFull;
  std::size_t readers = 2;                    // 1…4
  std::size_t max_group = 256;                // functions in one commit
  Duration max_group_time = milliseconds(2);  // a group takes in no more functions after it
  std::size_t max_write_queue = kMaxWriteQueue;
  std::size_t max_read_queue = kMaxReadQueue;
  Duration max_read_time = kMaxReadTime;
  int checkpoint_pages = kCheckpointPages;
  int max_log_pages = kMaxLogPages;
  // Writes are refused while the file system has less than this left.
  std::uint64_t reserve_bytes = kDefaultReserve;
  // Bytes free for the file; nullopt when unknown. Default: asks the operating system about `path`.
  std::function<std::optional<std::uint64_t>()> free_bytes;
  // Default: the machine's steady clock.
  std::function<Timestamp()> steady_now;
  // A commit or a checkpoint failed in the disk: what is stored is unknown, the process must end and recover. Called once, on
  // any thread, after the callers of the group were answered. Default: abort.
  std::function<void(const Error&)> on_fatal;
};

}  // namespace consilium::database::sqlite
