// The rounds of a background loop. What a round throws or answers never ends the loop: it is told in the log, the first time at once,
// then after 2, 4, 8 … failures in a row, and when it goes well again; and to whoever watches the loops. The owner pauses between
// rounds. One member of whoever owns the loop, used on that loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "runtime/log.h"
#include "runtime/scheduler.h"

namespace consilium::runtime {

class Counter;
class Health;
class MetricsRegistry;
template <class Metric>
class Family;

// Failures in a row after which a loop is unhealthy: once is no pattern.
inline constexpr std::int64_t kUnhealthyRounds = 3;

// Takes over the watch: each failure counts in `consilium_daemon_failures_total{daemon}`, and while one fails again and again its
// check `daemon:<name>` is degraded. Both outlive it; `forget_rounds` undoes it.
void report_rounds_to(Health& health, MetricsRegistry& registry);
void forget_rounds();

// The family of the counter, shared with the supervisor.
Family<Counter>& daemon_failures(MetricsRegistry& registry);

class Rounds {
 public:
  // `name` is the boundary in `consilium_panics_total`.
  Rounds(std::string name, Logger logger) : name_(std::move(name)), logger_(logger) {}

  // One of them: whether it went well. `round` gives a `Task<Result<void>>` and stays with the caller until the end.
  template <class Round>
  Task<bool> run(Round& round) {
    std::optional<Error> error;
    try {
      auto done = co_await round();
      if (!done) error = std::move(done).error();
    } catch (...) {
      report_current_exception(name_);
      error = internal_error("An exception left a round");
    }
    tell(error);
    co_return !error;
  }

  // Since the start; any thread may ask.
  std::int64_t failures() const { return failures_; }

 private:
  void tell(const std::optional<Error>& error);

  std::string name_;
  Logger logger_;
  std::atomic<std::int64_t> failures_{0};
  std::int64_t in_a_row_ = 0;
};

}  // namespace consilium::runtime
