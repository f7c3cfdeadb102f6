#include "ports/database/simulated/simulated_log_file.h"

#include <sqlite3.h>

#include <cstddef>
#include <vector>

#include "ports/database/sqlite/sqlite_error.h"

namespace consilium::database::simulated {
namespace {

std::unexpected<Error> failed(int code) { return fail(sqlite::error_of(code, "the log")); }

// By the disk's own calls, which are those of SQLite's file systems.
class SimulatedLogFile final : public LogFile {
 public:
  SimulatedLogFile(std::string path, LogSyncs syncs) : path_(std::move(path)), syncs_(syncs) {}
  ~SimulatedLogFile() override {
    if (file_ && file_->pMethods) file_->pMethods->xClose(file_);
  }
  SimulatedLogFile(const SimulatedLogFile&) = delete;
  SimulatedLogFile& operator=(const SimulatedLogFile&) = delete;

  Result<void> open(const Disk& disk) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(disk.vfs_name().c_str());
    memory_.resize(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
    file_ = reinterpret_cast<sqlite3_file*>(memory_.data());
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;  // its name is synced with it
    if (const int code = vfs->xOpen(vfs, path_.c_str(), file_, flags, nullptr); code != SQLITE_OK) return failed(code);
    return {};
  }

  Result<std::uint64_t> size() override {
    sqlite3_int64 bytes = 0;
    if (const int code = file_->pMethods->xFileSize(file_, &bytes); code != SQLITE_OK) return failed(code);
    return static_cast<std::uint64_t>(bytes);
  }

  Result<void> extend(std::uint64_t wanted) override {
    ASSIGN_OR_RETURN(const std::uint64_t at, size());
    if (at >= wanted) return {};
    return write(std::string(wanted - at, '\0'), at);
  }

  Result<std::string> read(std::size_t bytes) override {
    std::string content(bytes, '\0');
    if (const int code = file_->pMethods->xRead(file_, content.data(), static_cast<int>(bytes), 0); code != SQLITE_OK) return failed(code);
    return content;
  }

  Result<void> write(std::string_view blocks, std::uint64_t offset) override {
    const auto at = static_cast<sqlite3_int64>(offset);
    int code = file_->pMethods->xWrite(file_, blocks.data(), static_cast<int>(blocks.size()), at);
    if (code == SQLITE_OK && syncs_ == LogSyncs::kFull) code = file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    if (code != SQLITE_OK) return failed(code);
    return {};
  }

 private:
  std::string path_;
  LogSyncs syncs_;
  std::vector<std::max_align_t> memory_;  // of SQLite's file
  sqlite3_file* file_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<LogFile>> open_log_file(Disk& disk, const std::string& path, LogSyncs syncs) {
  auto file = std::make_unique<SimulatedLogFile>(path, syncs);
  TRY(file->open(disk));
  return file;
}

}  // namespace consilium::database::simulated
