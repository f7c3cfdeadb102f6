#include "app/health_watch.h"

#include <filesystem>

#include "runtime/when_all.h"

namespace consilium::app {

HealthWatch::HealthWatch(runtime::Scheduler& loop, RandomSource& random, Platform& platform, database::Store& store,
                         runtime::Health& health, PlatformMetrics& metrics, runtime::Logger logger, HealthLimits limits,
                         std::vector<std::string> services)
    : loop_(loop),
      random_(random),
      platform_(platform),
      store_(store),
      health_(health),
      metrics_(metrics),
      incidents_(logger),
      limits_(std::move(limits)),
      services_(std::move(services)),
      stopping_(loop) {
  health_.add("store");
  if (platform_.runs("processes")) health_.add("workers");
  for (const std::string& service : services_) health_.add("service:" + service);
}

runtime::Context HealthWatch::context() const {
  runtime::Context context = runtime::Context(loop_, random_).for_service("platform", runtime::ClientType::kTimer);
  context.deadline = loop_.steady_now() + kPatience;
  return context;
}

void HealthWatch::tell(std::string_view check, const Result<void>& outcome) {
  health_.report(check, outcome ? runtime::Readiness::kReady : runtime::Readiness::kNotReady, outcome ? "" : outcome.error().code, kFresh);
}

Task<Result<void>> HealthWatch::run() {
  while (!stopping_.is_open()) {
    look_at_disk();
    co_await look();
    co_await stopping_.wait_for(kEvery);
  }
  co_return Result<void>();
}

Task<void> HealthWatch::look() {
  std::vector<Task<void>> looks;
  looks.push_back(look_at_store());
  if (platform_.runs("processes")) looks.push_back(look_at_workers());
  looks.push_back(look_at_figures());
  for (const std::string& service : services_) looks.push_back(look_at_service(service));
  co_await runtime::when_all(std::move(looks));
}

// A transaction without a change: it takes the way of all writes, and is refused when they are.
Task<void> HealthWatch::look_at_store() {
  runtime::Context call = context();
  const auto nothing = [](database::Transaction&) -> Result<int> { return 0; };
  const auto written = co_await store_.privileged().write(call, nothing);
  tell("store", written ? Result<void>() : Result<void>(fail(written.error())));
}

Task<void> HealthWatch::look_at_workers() {
  runtime::Context call = context();
  const auto deployed = co_await platform_.engine().processes(call);
  Result<void> outcome;
  if (!deployed) outcome = fail(deployed.error());
  if (deployed && deployed->empty()) outcome = fail(ErrorKind::kUnavailable, "processes.none-deployed");
  tell("workers", outcome);
}

void HealthWatch::concern(std::string_view check, std::string reason) {
  const auto readiness = reason.empty() ? runtime::Readiness::kReady : runtime::Readiness::kDegraded;
  health_.report(check, readiness, std::move(reason), kFresh);
}

void HealthWatch::look_at_disk() {
  std::error_code failure;
  const std::filesystem::space_info space = std::filesystem::space(limits_.folder, failure);
  if (failure) return concern("disk", "the free space is unknown");
  if (space.available >= 2 * limits_.reserve_bytes) return concern("disk", "");
  concern("disk", std::to_string(space.available >> 20U) + " MiB left; writes are refused below " +
                      std::to_string(limits_.reserve_bytes >> 20U) + " MiB");
}

// Dead letters of all groups; else the first group that is behind: a person looks at the metrics then.
void HealthWatch::judge_bus(const std::vector<bus::GroupFigures>& groups) {
  std::string dead;
  for (const bus::GroupFigures& group : groups) {
    if (group.dead > 0) dead += (dead.empty() ? "dead letters: " : ", ") + group.group + " " + std::to_string(group.dead);
  }
  if (!dead.empty()) return concern("bus", std::move(dead));
  for (const bus::GroupFigures& group : groups) {
    if (group.behind > limits_.bus_behind)
      return concern("bus", group.group + " is behind by seconds: " + std::to_string(group.behind.microseconds / 1'000'000));
  }
  concern("bus", "");
}

// What cannot be read is told by the checks of store and workers.
Task<void> HealthWatch::look_at_figures() {
  runtime::Context call = context();
  PlatformFigures figures = co_await platform_.figures(call);
  judge_bus(figures.groups);
  if (figures.engine) co_await look_at_incidents(figures.engine->incidents);
  metrics_.show(std::move(figures));
}

Task<void> HealthWatch::look_at_incidents(std::int64_t open) {
  concern("incidents", open == 0 ? "" : "open incidents: " + std::to_string(open));
  if (open == 0) co_return;
  runtime::Context call = context();
  const auto newest = co_await platform_.engine().incidents(call, 0, kIncidentsPerLook);
  if (newest) incidents_.tell(call, newest->items);
}

Task<void> HealthWatch::look_at_service(std::string service) {
  runtime::Context call = context();
  const auto reached = co_await platform_.reach(call, service);
  tell("service:" + service, reached);
}

}  // namespace consilium::app
