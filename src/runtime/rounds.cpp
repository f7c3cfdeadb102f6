#include "runtime/rounds.h"

#include <bit>
#include <functional>
#include <memory>
#include <mutex>

#include "runtime/health.h"
#include "runtime/metrics.h"

namespace consilium::runtime {
namespace {

using Watch = std::function<void(const std::string& name, std::int64_t failures_in_a_row)>;

struct WatchSlot {
  std::mutex mutex;
  std::shared_ptr<const Watch> watch;
};

WatchSlot& watch_slot() {
  static WatchSlot slot;
  return slot;
}

void set_watch(std::shared_ptr<const Watch> watch) {
  WatchSlot& slot = watch_slot();
  const std::lock_guard lock(slot.mutex);
  slot.watch.swap(watch);
}

// 0: it goes well again.
void tell_watch(const std::string& name, std::int64_t failures_in_a_row) {
  std::shared_ptr<const Watch> watch;
  {
    WatchSlot& slot = watch_slot();
    const std::lock_guard lock(slot.mutex);
    watch = slot.watch;
  }
  if (watch) (*watch)(name, failures_in_a_row);
}

}  // namespace

Family<Counter>& daemon_failures(MetricsRegistry& registry) {
  return registry.counter("consilium_daemon_failures_total", "Ends and failed rounds of background tasks, by an error or exception",
                          {"daemon"});
}

void report_rounds_to(Health& health, MetricsRegistry& registry) {
  auto& failures = daemon_failures(registry);
  set_watch(std::make_shared<const Watch>([&health, &failures](const std::string& name, std::int64_t in_a_row) {
    if (in_a_row > 0) failures.with({name}).add();
    if (in_a_row == 0) health.remove("daemon:" + name);
    if (in_a_row >= kUnhealthyRounds) health.report("daemon:" + name, Readiness::kDegraded, "fails again and again");
  }));
}

void forget_rounds() { set_watch(nullptr); }

void Rounds::tell(const std::optional<Error>& error) {
  if (!error) {
    if (in_a_row_ > 0) {
      logger_.info("A background task goes well again", {{"daemon", name_}, {"failures", in_a_row_}});
      tell_watch(name_, 0);
    }
    in_a_row_ = 0;
    return;
  }
  ++failures_;
  ++in_a_row_;
  tell_watch(name_, in_a_row_);
  if (std::has_single_bit(static_cast<std::uint64_t>(in_a_row_)))
    logger_.error("A background task failed and goes on", {{"daemon", name_}, {"failures", in_a_row_}, {"error", *error}});
}

}  // namespace consilium::runtime
