#include "app/health_watch.h"

#include "runtime/when_all.h"

namespace consilium::app {

HealthWatch::HealthWatch(runtime::Scheduler& loop, RandomSource& random, Platform& platform, database::Store& store,
                         runtime::Health& health, std::vector<std::string> services)
    : loop_(loop), random_(random), platform_(platform), store_(store), health_(health), services_(std::move(services)), stopping_(loop) {
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
    co_await look();
    co_await stopping_.wait_for(kEvery);
  }
  co_return Result<void>();
}

Task<void> HealthWatch::look() {
  std::vector<Task<void>> looks;
  looks.push_back(look_at_store());
  if (platform_.runs("processes")) looks.push_back(look_at_workers());
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

Task<void> HealthWatch::look_at_service(std::string service) {
  runtime::Context call = context();
  const auto reached = co_await platform_.reach(call, service);
  tell("service:" + service, reached);
}

}  // namespace consilium::app
