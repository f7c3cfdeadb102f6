// A log beside a database, for one owner whose callers cannot wait for a transaction: what is appended is on the disk when `append`
// returns, for one write in place. The owner brings it into the database later and releases it; then its room is written over.
//
// The file never grows: two halves, written in turns. A frame begins at a multiple of 4 KiB, so that a torn write damages none that
// was there before; its number and its checksum tell it from what lies there of earlier turns.
//
// One thread at a time, but `appended`; all but `has_room` and `release` block for the disk.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "ports/database/log_file.h"

namespace consilium::database {

inline constexpr std::uint64_t kCommitLogHalf = std::uint64_t{4} << 20;

class CommitLog {
 public:
  // The disk failed: what is stored is unknown, the process must end and recover.
  using OnFatal = std::function<void(const Error&)>;

  // With all its room: that of a new file is filled. `half`: bytes, a multiple of kLogBlock and always the same for a file. Errors: of
  // LogFile.
  static Result<std::unique_ptr<CommitLog>> open(std::unique_ptr<LogFile> file, OnFatal on_fatal, std::uint64_t half = kCommitLogHalf);

  // Bytes that one frame may have.
  std::size_t max_frame() const { return half_bytes_ / 4; }

  // All frames that are whole, oldest first; also some that were released. Error `database.damaged`: behind one that cannot be read
  // there is a later one, and nothing is skipped. Then nothing may be appended, nor before the first call.
  Result<std::vector<std::string>> read();
  // Everything that `read` gave is in the database: the next frame begins a half.
  void begin_anew();

  // False: the other half is not released. True after a failure, which `append` tells.
  bool has_room(std::size_t bytes) const;
  // The frame's number. It has room, or that is a bug of the caller. Error `outcome-unknown`: only `read` can tell whether it was kept, and
  // until then no other is. When the disk failed it comes after `on_fatal`, and `read` is of no use: a new process must.
  Result<std::uint64_t> append(std::string_view bytes);
  // All frames up to this one are in the database, and that is on the disk.
  void release(std::uint64_t number);

  // Frames since it was opened. Any thread.
  std::uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }

 private:
  CommitLog(std::unique_ptr<LogFile> file, OnFatal on_fatal, std::uint64_t half)
      : file_(std::move(file)), on_fatal_(std::move(on_fatal)), half_bytes_(half), offset_(half) {}
  void begin_other_half();

  std::unique_ptr<LogFile> file_;
  OnFatal on_fatal_;
  const std::uint64_t half_bytes_;
  std::string frame_;
  std::size_t half_ = 0;
  std::uint64_t offset_;  // in it
  std::uint64_t last_ = 0;
  std::uint64_t released_ = 0;
  std::array<std::uint64_t, 2> last_of_ = {~std::uint64_t{0}, ~std::uint64_t{0}};  // no room until `begin_anew`
  enum class Trust : std::uint8_t { kFull, kUntilRead, kNever } trust_ = Trust::kFull;
  std::atomic<std::uint64_t> appended_{0};
};

}  // namespace consilium::database
