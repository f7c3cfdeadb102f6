// The platform's own figures as metrics: queue and assignment, process engine, bus, sockets. Labels are names of consumer
// groups, job types and causes, all of them fixed by the program. docs/reference/metrics.md is made from what is declared here
// and elsewhere in the registry.
#pragma once

#include <mutex>

#include "app/platform.h"
#include "runtime/metrics.h"

namespace consilium::app {

// Any thread. Outlives the platform that it observes; the registry outlives it and is not read after its end.
class PlatformMetrics final : public tasks::QueueObserver {
 public:
  PlatformMetrics(runtime::MetricsRegistry& registry, std::function<Timestamp()> now);

  // What the next scrapes show.
  void show(PlatformFigures figures);

  void on_assigned(Duration waited) override;
  void on_returned(std::string_view cause) override;
  void on_closed(const tasks::v1::Task& task) override;

 private:
  using Kind = runtime::MetricsRegistry::FunctionKind;
  using Samples = std::vector<runtime::MetricsRegistry::Sample>;
  struct Named {
    Kind kind;
    const char* name;
    const char* help;
  };

  // A value of figures that may be missing: then the family shows no value.
  void declare(runtime::MetricsRegistry& registry, Named what, std::function<std::optional<double>(const PlatformFigures&)> read);
  void declare_group(runtime::MetricsRegistry& registry, Named what, std::function<std::optional<double>(const bus::GroupFigures&)> read);
  void declare_caches(runtime::MetricsRegistry& registry);
  void declare_sessions(runtime::MetricsRegistry& registry);
  PlatformFigures figures() const;

  std::function<Timestamp()> now_;
  runtime::Counter& assignments_;
  runtime::Histogram& waited_;
  runtime::Family<runtime::Counter>& returns_;
  runtime::Family<runtime::Counter>& closed_;
  mutable std::mutex mutex_;
  PlatformFigures figures_;
};

}  // namespace consilium::app
