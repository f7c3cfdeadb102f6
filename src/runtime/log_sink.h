// Where log lines go. A sink is called by one thread at a time (the writer of its Log) and may block; it never throws
// and never logs.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/log.h"

namespace consilium::runtime {

class LogSink {
 public:
  explicit LogSink(LogFormat format) : format_(format) {}
  virtual ~LogSink() = default;
  LogFormat format() const { return format_; }
  // Lines in the order in which they were logged.
  virtual void write(std::span<const LogLine> lines) = 0;

 protected:
  const std::string& text_of(const LogLine& line) const { return format_ == LogFormat::kJson ? line.json : line.human; }

 private:
  LogFormat format_;
};

// Standard output or error; the descriptor stays open.
class DescriptorSink final : public LogSink {
 public:
  DescriptorSink(int descriptor, LogFormat format) : LogSink(format), descriptor_(descriptor) {}
  void write(std::span<const LogLine> lines) override;

 private:
  int descriptor_;
};

// `NAME`, and older ones as `NAME.1` … `NAME.<keep>`, the highest number the oldest. A file grows to `max_bytes`
// at most, except that one longer line gets a file of its own. Files have mode 0600.
class RotatingFileSink final : public LogSink {
 public:
  static constexpr std::uint64_t kDefaultBytes = 64 * 1024 * 1024;
  static constexpr int kDefaultKeep = 5;

  // Error `log.file` (kInternal) when it cannot be opened.
  static Result<std::shared_ptr<RotatingFileSink>> open(std::string path, LogFormat format, std::uint64_t max_bytes, int keep);
  ~RotatingFileSink() override;
  void write(std::span<const LogLine> lines) override;

  // Lines lost because the disk refused them.
  std::uint64_t failed() const { return failed_; }

 private:
  RotatingFileSink(std::string path, LogFormat format, std::uint64_t max_bytes, int keep);
  bool reopen();
  void rotate();
  void write_bytes(std::string_view bytes, std::uint64_t lines);

  std::string path_;
  std::uint64_t max_bytes_;
  int keep_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t failed_ = 0;
};

// Keeps lines for tests; any thread may look.
class MemorySink final : public LogSink {
 public:
  explicit MemorySink(LogFormat format) : LogSink(format) {}
  void write(std::span<const LogLine> lines) override;
  std::vector<std::string> lines() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace consilium::runtime
