// A disk in memory that behaves badly in the ways that real ones do: what was not synced when the power goes is lost, kept or
// torn, chosen by a seed; reads, writes and syncs fail on request; it can be full. SQLite uses it as a file system of its
// own, so that the real storage code runs on it. Everything is repeatable from the seed. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"

struct sqlite3_vfs;  // NOLINT(readability-identifier-naming): a name of SQLite

namespace consilium::database::simulated {

enum class Operation { kRead, kWrite, kSync, kTruncate, kDelete };
enum class Failure { kInputOutput, kNoSpace };

// The `after`-th next operation (0: the next) on a file whose name ends so fails, once.
struct Fault {
  Operation operation = Operation::kWrite;
  Failure failure = Failure::kInputOutput;
  std::string name_ends_with;  // `-wal` is the write-ahead log; empty: any file
  std::uint64_t after = 0;
};

// Whether the sync at which the power goes has reached the disk: not yet begun, in the middle of it (what it writes is torn), or
// done. In no case is anybody told.
enum class CutMoment { kBeforeSync, kInSync, kAfterSync };

class Disk {
 public:
  explicit Disk(std::uint64_t seed);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // For `sqlite::Options::vfs`.
  const std::string& vfs_name() const { return vfs_name_; }

  // The power goes now. Open files answer I/O errors for ever, new ones cannot be opened until `power_on`.
  void power_cut();
  void power_on() { dark_ = false; }
  bool is_dark() const { return dark_; }
  // The power goes at the `number`-th next sync (1: the next).
  void cut_at_sync(std::uint64_t number, CutMoment moment);
  // The power goes just after the `number`-th next write (1: the next).
  void cut_at_write(std::uint64_t number);
  // Called when the power goes, from within the operation: it must only post.
  void on_power_cut(std::function<void()> listener) { on_cut_ = std::move(listener); }

  // The processes that have files open are killed: their files answer I/O errors for ever, what they wrote stays as in a
  // running machine.
  void kill_processes();

  void inject(Fault fault) { faults_.push_back(std::move(fault)); }
  std::size_t faults_left() const { return faults_.size(); }
  std::uint64_t faults_taken() const { return faults_taken_; }
  void forget_faults() { faults_.clear(); }
  // Bytes of all files together; a write that would need more stores what fits and fails.
  void set_capacity(std::optional<std::uint64_t> bytes) { capacity_ = bytes; }
  std::uint64_t used_bytes() const;
  std::optional<std::uint64_t> free_bytes() const;

  bool exists(const std::string& path) const { return files_.contains(path); }
  // One sync of everything.
  void sync_files();
  // The names as they are now survive a power cut (an fsync of the folder).
  void sync_names() { durable_names_ = files_; }
  // Both survive a power cut.
  void put_file(const std::string& path, std::string content);
  void remove_file(const std::string& path);
  // As a running machine sees it; the file is there.
  const std::string& content(const std::string& path) const;
  // Survives a power cut.
  Result<void> rename(const std::string& from, const std::string& to);

  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t syncs() const { return syncs_; }
  std::uint64_t writes() const { return writes_; }
  std::uint64_t power_cuts() const { return cuts_; }
  // Over names and content as a running machine sees them.
  std::uint64_t content_hash() const;

  struct File;
  struct SharedMemory;
  struct Handle;

 private:
  friend struct FileSystemCalls;

  struct Change {
    bool is_write = true;
    std::uint64_t offset = 0;  // of a write, or the new length
    std::string bytes;
  };

  // SQLite's code when the operation may not go on, else 0.
  int before(Operation operation, const Handle& handle);
  int take_fault(Operation operation, const std::string& path);
  int write(Handle& handle, std::string_view bytes, std::uint64_t offset);
  int truncate(Handle& handle, std::uint64_t length);
  int sync(Handle& handle);
  void settle(File& file);
  void begin_sync();
  void end_sync();
  int remove(const std::string& path, bool sync_folder);
  enum class Loss { kAny, kTorn };
  void lose_power(Loss loss);
  void lose_some(File& file, std::string& durable, Loss loss);
  void apply_torn(const Change& change, std::string& content);

  std::uint64_t seed_;
  std::optional<SeededRandom> random_;
  std::string vfs_name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  // What a running machine sees, and which names a power cut would leave.
  std::map<std::string, std::shared_ptr<File>> files_;
  std::map<std::string, std::shared_ptr<File>> durable_names_;
  std::map<std::string, std::shared_ptr<SharedMemory>> shared_memory_;
  std::vector<Fault> faults_;
  std::optional<std::uint64_t> capacity_;
  std::function<void()> on_cut_;
  bool dark_ = false;
  std::uint64_t generation_ = 0;  // of processes; older handles are dead
  std::uint64_t bytes_read_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t cuts_ = 0;
  std::uint64_t faults_taken_ = 0;  // failed by a fault or for want of room
  std::optional<std::uint64_t> cut_at_sync_;
  std::optional<std::uint64_t> cut_at_write_;
  CutMoment cut_moment_ = CutMoment::kBeforeSync;
};

}  // namespace consilium::database::simulated
