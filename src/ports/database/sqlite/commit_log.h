// A file beside a database, for one owner whose callers cannot wait for a transaction: what is appended is on the disk when `append`
// returns, for one write in place and one sync. The owner brings it into the database later and releases it; then its room
// is written over.
//
// The file never grows: two halves, written in turns. A frame begins at a multiple of 4 KiB, so that a torn write damages none that
// was there before; its number and its checksum tell it from what lies there of earlier turns.
//
// One thread at a time; all but `has_room` and `release` block for the disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"

namespace consilium::database::sqlite {

inline constexpr std::uint64_t kCommitLogHalf = std::uint64_t{4} << 20;
inline constexpr std::size_t kCommitLogBlock = 4096;
inline constexpr std::size_t kMaxCommitLogFrame = std::size_t{1} << 20;  // of what is given to `append`

struct CommitLogOptions {
  std::string path;  // the database's, which is there, with `-log` behind it: it gets the same mode
  std::string vfs;   // SQLite's name of the file system; empty is the operating system's
  // Off exists so that tests can prove that they notice it.
  enum class Synchronous : std::uint8_t { kFull, kOffForTests } synchronous = Synchronous::kFull;
  // As sqlite::Options::on_fatal: what is stored is unknown, the process must end and recover. Default: abort.
  std::function<void(const Error&)> on_fatal;
};

class CommitLog {
 public:
  // Makes the file when it is missing, with all its room. Errors: `storage-full`, `database.failed`.
  static Result<std::unique_ptr<CommitLog>> open(CommitLogOptions options);
  virtual ~CommitLog() = default;

  // All frames that are whole, oldest first; also some that were released. Error `database.damaged`: behind one that cannot be read
  // there is a later one, and nothing is skipped. Then nothing may be appended, nor before the first call.
  virtual Result<std::vector<std::string>> read() = 0;
  // Everything that `read` gave is in the database: the next frame begins a half.
  virtual void begin_anew() = 0;

  // False: the other half is not released. True after a failure, which `append` tells.
  virtual bool has_room(std::size_t bytes) const = 0;
  // The frame's number. It has room, or that is a bug of the caller. Errors: `storage-full`, nothing was kept; `outcome-unknown`, after
  // `on_fatal`: then and later.
  virtual Result<std::uint64_t> append(std::string_view bytes) = 0;
  // All frames up to this one are in the database, and that is on the disk.
  virtual void release(std::uint64_t number) = 0;

  virtual std::uint64_t syncs() const = 0;
};

}  // namespace consilium::database::sqlite
