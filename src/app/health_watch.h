// Looks every few seconds whether what this process needs works, and tells `Health`: `store` takes writes, `workers` (the
// process engine answers), `service:<name>` in another process can be reached and reads its store. Degraded, which is not a
// reason to send nobody: `disk` (little room left), `bus` (a consumer group falls behind or gave an event up), `incidents` (a
// process stands still until somebody helps; each is told in the log, too). Shows the platform's figures as metrics on the way.
#pragma once

#include <string>
#include <vector>

#include "app/incident_report.h"
#include "app/platform.h"
#include "app/platform_metrics.h"
#include "runtime/event.h"
#include "runtime/health.h"

namespace consilium::app {

struct HealthLimits {
  std::string folder;                // whose disk is looked at
  std::uint64_t reserve_bytes = 0;   // writes are refused below; degraded below the double
  Duration bus_behind = minutes(1);  // degraded beyond
};

// On the main loop.
class HealthWatch {
 public:
  static constexpr Duration kEvery = seconds(2);
  static constexpr Duration kPatience = seconds(2);  // of one look
  static constexpr int kIncidentsPerLook = 200;      // told in the log; all are counted
  static constexpr Duration kFresh = seconds(15);    // a report not repeated for so long counts as a failure

  // All outlive it. Declares its checks; `services` run in other processes.
  HealthWatch(runtime::Scheduler& loop, RandomSource& random, Platform& platform, database::Store& store, runtime::Health& health,
              PlatformMetrics& metrics, runtime::Logger logger, HealthLimits limits, std::vector<std::string> services);

  // Until `stop`: for a supervisor.
  Task<Result<void>> run();
  void stop() { stopping_.open(); }

 private:
  Task<void> look();
  Task<void> look_at_store();
  Task<void> look_at_workers();
  Task<void> look_at_service(std::string service);
  Task<void> look_at_figures();
  Task<void> look_at_incidents(std::int64_t open);
  void look_at_disk();
  void judge_bus(const std::vector<bus::GroupFigures>& groups);
  void concern(std::string_view check, std::string reason);  // none: it is well
  void tell(std::string_view check, const Result<void>& outcome);
  runtime::Context context() const;

  runtime::Scheduler& loop_;
  RandomSource& random_;
  Platform& platform_;
  database::Store& store_;
  runtime::Health& health_;
  PlatformMetrics& metrics_;
  IncidentReport incidents_;
  HealthLimits limits_;
  std::vector<std::string> services_;
  runtime::Gate stopping_;
};

}  // namespace consilium::app
