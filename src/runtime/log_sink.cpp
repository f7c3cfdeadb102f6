#include "runtime/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace consilium::runtime {
namespace {

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // the other end made our output non-blocking
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, 1000);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

void DescriptorSink::write(std::span<const LogLine> lines) {
  std::string bytes;
  for (const LogLine& line : lines) {
    bytes += text_of(line);
    bytes += '\n';
  }
  write_all(descriptor_, bytes);  // nobody could be told of a failure
}

RotatingFileSink::RotatingFileSink(std::string path, LogFormat format, std::uint64_t max_bytes, int keep)
    : LogSink(format), path_(std::move(path)), max_bytes_(max_bytes), keep_(keep) {}

RotatingFileSink::~RotatingFileSink() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::shared_ptr<RotatingFileSink>> RotatingFileSink::open(std::string path, LogFormat format, std::uint64_t max_bytes, int keep) {
  std::shared_ptr<RotatingFileSink> sink(new RotatingFileSink(std::move(path), format, max_bytes, keep));
  if (!sink->reopen()) return fail(ErrorKind::kInternal, "log.file", "Expected to open the log file " + sink->path_ + ", but could not");
  return sink;
}

bool RotatingFileSink::reopen() {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return false;
  struct stat info{};
  size_ = ::fstat(descriptor_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  return true;
}

void RotatingFileSink::rotate() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  for (int number = keep_ - 1; number >= 1; --number)
    std::rename((path_ + "." + std::to_string(number)).c_str(), (path_ + "." + std::to_string(number + 1)).c_str());
  if (keep_ > 0) {
    std::rename(path_.c_str(), (path_ + ".1").c_str());
  } else {
    ::unlink(path_.c_str());
  }
}

void RotatingFileSink::write(std::span<const LogLine> lines) {
  std::string bytes;
  std::uint64_t count = 0;
  for (const LogLine& line : lines) {
    const std::string& text = text_of(line);
    if (size_ + bytes.size() + text.size() + 1 > max_bytes_ && size_ + bytes.size() > 0) {
      write_bytes(bytes, count);
      bytes.clear();
      count = 0;
      rotate();
      reopen();
    }
    bytes += text;
    bytes += '\n';
    ++count;
  }
  write_bytes(bytes, count);
}

void RotatingFileSink::write_bytes(std::string_view bytes, std::uint64_t lines) {
  if (bytes.empty()) return;
  if (descriptor_ < 0 && !reopen()) {
    failed_ += lines;
    return;
  }
  if (!write_all(descriptor_, bytes)) failed_ += lines;
  size_ += bytes.size();
}

void MemorySink::write(std::span<const LogLine> lines) {
  const std::lock_guard lock(mutex_);
  for (const LogLine& line : lines) lines_.push_back(text_of(line));
}

std::vector<std::string> MemorySink::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace consilium::runtime
