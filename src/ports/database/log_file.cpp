#include "ports/database/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "runtime/durable_file.h"

namespace consilium::database {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{256} * 1024;  // and of memory that lies as the disk wants it

std::unexpected<Error> failed(const char* what, int reason) {
  const std::string detail = std::string("Expected to ") + what + " the log, but: " + std::generic_category().message(reason);
  if (reason == ENOSPC || reason == EDQUOT) return fail(make_error(ErrorKind::kUnavailable, "storage-full", detail).retry_in(seconds(30)));
  return fail(ErrorKind::kInternal, "database.failed", detail);
}

int open_again(const std::string& path, int flags) {
  int file = -1;
  do file = ::open(path.c_str(), flags | O_CLOEXEC, runtime::kPrivateFile);
  while (file < 0 && errno == EINTR);
  return file;
}

class DirectFile final : public LogFile {
 public:
  DirectFile(std::string path, int file)
      : path_(std::move(path)), file_(file), memory_(static_cast<char*>(std::aligned_alloc(kLogBlock, kMostAtOnce))) {}
  ~DirectFile() override {
    ::close(file_);
    std::free(memory_);
  }
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;

  // Of an empty file there is nothing, which is no error.
  bool can_read() const { return ::pread(file_, memory_, kLogBlock, 0) >= 0; }

  Result<std::uint64_t> size() override {
    struct stat found{};
    if (::fstat(file_, &found) != 0) return failed("look at", errno);
    return static_cast<std::uint64_t>(found.st_size);
  }

  // By the kernel's cache and one sync: each write of a file that grows would cost the file system a commit.
  Result<void> extend(std::uint64_t wanted) override {
    ASSIGN_OR_RETURN(std::uint64_t at, size());
    const int file = open_again(path_, O_WRONLY);
    if (file < 0) return failed("open", errno);
    std::memset(memory_, 0, kMostAtOnce);
    int reason = 0;
    while (at < wanted && reason == 0) {
      const ssize_t written = ::pwrite(file, memory_, std::min<std::uint64_t>(kMostAtOnce, wanted - at), static_cast<off_t>(at));
      if (written > 0) at += static_cast<std::uint64_t>(written);
      if (written < 0 && errno != EINTR) reason = errno;
    }
    if (reason == 0 && ::fsync(file) != 0) reason = errno;
    ::close(file);
    if (reason != 0) return failed("fill", reason);
    return {};
  }

  Result<std::string> read(std::size_t bytes) override {
    std::string content;
    while (content.size() < bytes) {
      const std::size_t left = bytes - content.size();
      const std::size_t wanted = std::min(kMostAtOnce, (left + kLogBlock - 1) / kLogBlock * kLogBlock);
      const ssize_t got = ::pread(file_, memory_, wanted, static_cast<off_t>(content.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return failed("read", got < 0 ? errno : EIO);
      content.append(memory_, std::min(static_cast<std::size_t>(got), left));
    }
    return content;
  }

  Result<void> write(std::string_view blocks, std::uint64_t offset) override {
    while (!blocks.empty()) {
      const std::size_t count = std::min(kMostAtOnce, blocks.size());
      std::memcpy(memory_, blocks.data(), count);
      const ssize_t written = ::pwrite(file_, memory_, count, static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("write", errno);
      if (static_cast<std::size_t>(written) % kLogBlock != 0 || written == 0) return failed("write", EIO);
      blocks.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return {};
  }

 private:
  const std::string path_;
  int file_;
  char* memory_;
};

}  // namespace

Result<std::unique_ptr<LogFile>> open_log_file(const std::string& path) {
  const bool is_new = !std::filesystem::exists(path);
  constexpr int kFlags = O_RDWR | O_CREAT | O_DSYNC;
  std::unique_ptr<DirectFile> opened;
  int file = open_again(path, kFlags | O_DIRECT);
  if (file >= 0) opened = std::make_unique<DirectFile>(path, file);
  // There are file systems that take the flag and refuse its use.
  if (file < 0 ? errno == EINVAL : !opened->can_read()) {
    file = open_again(path, kFlags);
    if (file >= 0) opened = std::make_unique<DirectFile>(path, file);
  }
  if (file < 0) return failed("open", errno);
  if (is_new) TRY(runtime::sync_folder(std::filesystem::absolute(path).parent_path().string()));
  return opened;
}

}  // namespace consilium::database
