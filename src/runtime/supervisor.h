// Keeps background tasks alive: one that throws or gives an error is started again after a pause that grows, and makes
// the process not ready when it fails again and again. All members are called on the loop.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/backoff.h"
#include "runtime/event.h"
#include "runtime/health.h"
#include "runtime/log.h"

namespace consilium::runtime {

struct DaemonPolicy {
  static constexpr int kNoRestart = 0;
  static constexpr int kAlways = std::numeric_limits<int>::max();

  int restarts = kAlways;
  BackoffPolicy backoff{.first = seconds(1), .longest = minutes(1)};
  // Failures in a row after which its health check fails.
  int unhealthy_after = 3;
  // Having run for so long counts as recovered.
  Duration recovered_after = minutes(1);
};

class Supervisor {
 public:
  // A daemon runs until it is told to stop; giving success means that its work is done.
  using Body = std::function<Task<Result<void>>()>;

  // All of them outlive it; it outlives its loop's tasks or is stopped first.
  Supervisor(Scheduler& loop, RandomSource& random, Logger logger, Health& health, MetricsRegistry& registry);

  // `name` is the boundary in `consilium_panics_total`, the check `daemon:<name>` and the label of
  // `consilium_daemon_failures_total`.
  void start(std::string name, DaemonPolicy policy, Body body);
  // No daemon is started again from now on. What ends their bodies is theirs to provide.
  void stop();
  // Waits until all have ended; false when `limit` passed.
  Task<bool> wait_for_end(Duration limit);
  std::size_t running() const { return running_; }

 private:
  Task<void> supervise(std::string name, DaemonPolicy policy, Body body);
  Task<void> run_once(const std::string& name, Body& body, bool& failed);

  Scheduler& loop_;
  RandomSource& random_;
  Logger logger_;
  Health& health_;
  Family<Counter>& failures_;
  Gate stop_;
  Gate ended_;
  std::size_t running_ = 0;
};

}  // namespace consilium::runtime
