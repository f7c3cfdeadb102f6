// Whether this process lives and whether it can serve. Parts report by name; readiness is all of them together.
// Safe to use from any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "runtime/metrics.h"

namespace consilium::runtime {

// Degraded: it serves, but somebody should look.
enum class Readiness { kReady, kDegraded, kNotReady };

class Health {
 public:
  // `steady`: steady time, for reports that have to be repeated.
  explicit Health(std::function<Timestamp()> steady) : steady_(std::move(steady)) {}

  // Declares a check; not ready until its first report.
  void add(std::string name);
  // A report with `fresh_for` counts as failed when it is not repeated within that time.
  void report(std::string_view name, Readiness readiness, std::string reason = {}, std::optional<Duration> fresh_for = std::nullopt);
  void remove(std::string_view name);

  // Not ready whatever the checks say: `starting`, `draining`. Empty: lifted.
  void hold_back(std::string reason);
  // Beyond repair without a restart.
  void declare_dead(std::string reason);

  struct Check {
    std::string name;
    Readiness readiness = Readiness::kNotReady;
    std::string reason;
    bool works() const { return readiness != Readiness::kNotReady; }
  };
  std::vector<Check> checks() const;
  bool ready() const;  // also when degraded
  bool live() const;

  // {"status":"ready" or "degraded" or "not-ready","checks":[{"name":…,"status":…,"reason":…}]}: the bodies of /health/ready and
  // /health/live.
  std::string ready_json() const;
  std::string live_json() const;

 private:
  struct State {
    Readiness readiness = Readiness::kNotReady;
    std::string reason;
    std::optional<Timestamp> until;
  };

  std::function<Timestamp()> steady_;
  mutable std::mutex mutex_;
  std::map<std::string, State, std::less<>> states_;
  std::string held_back_ = "starting";
  std::string dead_;
};

// `consilium_dependency_up{name}`, `consilium_dependency_degraded{name}`, `consilium_ready`. `health` outlives the registry's scrapes.
void add_health_metrics(MetricsRegistry& registry, const Health& health);

}  // namespace consilium::runtime
