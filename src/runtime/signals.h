// Signals of the operating system, as calls on a thread of their own.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "runtime/named_thread.h"

namespace consilium::runtime {

// What a request to stop does: the first one calls `stop`, the next one `exit_now`. Any thread.
class StopRequests {
 public:
  StopRequests(std::function<void()> stop, std::function<void()> exit_now) : stop_(std::move(stop)), exit_now_(std::move(exit_now)) {}

  void request() {
    if (count_.fetch_add(1) == 0) {
      stop_();
    } else {
      exit_now_();
    }
  }
  bool requested() const { return count_ > 0; }

 private:
  std::function<void()> stop_;
  std::function<void()> exit_now_;
  std::atomic<int> count_ = 0;
};

// Made by main before any other thread but those of NamedThread. Blocks `signals` for the process and gives each one
// that arrives to `handler`, on its own thread.
class SignalWatcher {
 public:
  SignalWatcher(std::vector<int> signals, std::function<void(int)> handler);
  // Joins; the signals have their former meaning again.
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  void watch();

  std::vector<int> signals_;
  std::function<void(int)> handler_;
  int signal_descriptor_ = -1;
  int wake_descriptor_ = -1;
  std::optional<NamedThread> thread_;
};

}  // namespace consilium::runtime
