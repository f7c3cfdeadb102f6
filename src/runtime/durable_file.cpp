#include "runtime/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace consilium::runtime {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

Failure failed(const std::string& what, const std::string& path) {
  const int reason = errno;
  std::array<char, 128> text{};
  const std::string detail = "Expected to " + what + " " + path + ", but: " + ::strerror_r(reason, text.data(), text.size());
  if (reason == ENOSPC || reason == EDQUOT) return fail(ErrorKind::kUnavailable, "storage-full", detail);
  if (reason == ENOENT) return fail(ErrorKind::kNotFound, "file.missing", detail);
  return fail(ErrorKind::kInternal, "file.failed", detail);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(const Descriptor& file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// The new content, synced, under a name of its own.
Result<std::string> write_beside(const std::string& path, std::string_view bytes, unsigned mode) {
  static std::atomic<unsigned> count = 0;
  std::string temporary = path + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.is_open()) return failed("create", temporary);
  auto written = write_all(file, temporary, bytes);
  if (written && ::fsync(file.number()) != 0) written = failed("sync", temporary);
  if (written) return temporary;
  ::unlink(temporary.c_str());
  return fail(std::move(written).error());
}

}  // namespace

Result<void> sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return failed("open the folder", path);
  if (::fsync(folder.number()) != 0) return failed("sync the folder", path);
  return {};
}

Result<void> write_durably(const std::string& path, std::string_view bytes, unsigned mode) {
  ASSIGN_OR_RETURN(const std::string temporary, write_beside(path, bytes, mode));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = failed("replace", path);
    ::unlink(temporary.c_str());
    return failure;
  }
  return sync_folder(folder_of(path));
}

Result<bool> create_durably(const std::string& path, std::string_view bytes, unsigned mode) {
  ASSIGN_OR_RETURN(const std::string temporary, write_beside(path, bytes, mode));
  const bool made = ::link(temporary.c_str(), path.c_str()) == 0;  // never replaces
  const int reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  if (!made && reason != EEXIST) return failed("create", path);
  TRY(sync_folder(folder_of(path)));
  return made;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return failed("open", path);
  std::string text;
  std::array<char, 16 * 1024> block;
  for (;;) {
    const ssize_t got = ::read(file.number(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > limit)
      return fail(ErrorKind::kTooLarge, "file.too-large", "Expected " + path + " to have at most " + std::to_string(limit) + " bytes");
  }
}

Result<void> make_private_folder(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (!S_ISDIR(info.st_mode)) {
      errno = ENOTDIR;
      return failed("use the folder", path);
    }
    if ((info.st_mode & 0777) != kPrivateFolder && ::chmod(path.c_str(), kPrivateFolder) != 0) return failed("protect the folder", path);
    return {};
  }
  const std::string parent = folder_of(path);
  if (::stat(parent.c_str(), &info) != 0) TRY(make_private_folder(parent));
  if (::mkdir(path.c_str(), kPrivateFolder) != 0 && errno != EEXIST) return failed("make the folder", path);
  return sync_folder(parent);
}

}  // namespace consilium::runtime
