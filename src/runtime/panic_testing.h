// What reaches the boundaries while it lives, taken as the real process takes it: counted by boundary, and logged with its stack.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "runtime/log.h"
#include "runtime/log_sink.h"
#include "runtime/metrics.h"
#include "runtime/panic.h"

namespace consilium::runtime::testing {

inline constexpr int kDeepFrames = 30;

// So deep that the stack of the throw is told apart from that of whoever caught it.
[[gnu::noinline]] inline int throw_from_deep_inside(std::string_view what, int levels = kDeepFrames) {
  if (levels == 0) throw std::runtime_error(std::string(what));
  const int volatile below = throw_from_deep_inside(what, levels - 1);
  return below + 1;
}

class PanicWatch {
 public:
  PanicWatch() { report_panics_to(Logger(log_, "test", "panic"), registry_); }
  ~PanicWatch() { forget_panics(); }
  PanicWatch(const PanicWatch&) = delete;
  PanicWatch& operator=(const PanicWatch&) = delete;

  std::uint64_t count(std::string_view boundary) {
    return registry_.counter("consilium_panics_total", "", {"boundary"}).with({boundary}).value();
  }
  // Lines of the log; one a panic.
  std::size_t lines() const { return sink_->lines().size(); }
  // Whether each line tells `what` and the stack of `throw_from_deep_inside`.
  bool all_show_the_throw(std::string_view what) const {
    const auto lines = sink_->lines();
    return !lines.empty() && std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find("\"level\":\"error\"") != std::string::npos && line.find(what) != std::string::npos && frames(line) >= kDeepFrames;
    });
  }

 private:
  // A frame is `module+0xoffset symbol`.
  static std::ptrdiff_t frames(std::string_view line) {
    std::ptrdiff_t count = 0;
    for (auto at = line.find("+0x"); at != std::string_view::npos; at = line.find("+0x", at + 1)) ++count;
    return count;
  }

  std::shared_ptr<MemorySink> sink_ = std::make_shared<MemorySink>(LogFormat::kJson);
  Log log_{LogOptions{.level = LogLevel::kDebug, .levels = {}, .instance = "", .clock = [] { return Timestamp{}; }, .synchronous = true},
           {sink_}};
  MetricsRegistry registry_;
};

}  // namespace consilium::runtime::testing
