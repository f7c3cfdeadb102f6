#include "runtime/health.h"

#include <algorithm>

#include "runtime/log_format.h"

namespace consilium::runtime {
namespace {

constexpr std::size_t kMaxReason = 500;

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name, kMaxReason);
  out += ':';
  append_json_string(out, value, kMaxReason);
}

std::string_view text_of(Readiness readiness) {
  switch (readiness) {
    case Readiness::kReady: return "ready";
    case Readiness::kDegraded: return "degraded";
    case Readiness::kNotReady: break;
  }
  return "not-ready";
}

}  // namespace

void Health::add(std::string name) {
  const std::lock_guard lock(mutex_);
  states_.try_emplace(std::move(name), State{.readiness = Readiness::kNotReady, .reason = "not reported yet", .until = {}});
}

void Health::report(std::string_view name, Readiness readiness, std::string reason, std::optional<Duration> fresh_for) {
  State state{.readiness = readiness, .reason = std::move(reason), .until = {}};
  if (fresh_for) state.until = steady_() + *fresh_for;
  const std::lock_guard lock(mutex_);
  states_.insert_or_assign(std::string(name), std::move(state));
}

void Health::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = states_.find(name); found != states_.end()) states_.erase(found);
}

void Health::hold_back(std::string reason) {
  const std::lock_guard lock(mutex_);
  held_back_ = std::move(reason);
}

void Health::declare_dead(std::string reason) {
  const std::lock_guard lock(mutex_);
  dead_ = std::move(reason);
}

std::vector<Health::Check> Health::checks() const {
  const Timestamp now = steady_();
  const std::lock_guard lock(mutex_);
  std::vector<Check> checks;
  for (const auto& [name, state] : states_) {
    const bool stale = state.until && now > *state.until;
    checks.push_back({.name = name,
                      .readiness = stale ? Readiness::kNotReady : state.readiness,
                      .reason = stale ? "the last report is too old" : state.reason});
  }
  return checks;
}

bool Health::ready() const {
  {
    const std::lock_guard lock(mutex_);
    if (!held_back_.empty() || !dead_.empty()) return false;
  }
  const auto all = checks();
  return std::ranges::all_of(all, &Check::works);
}

bool Health::live() const {
  const std::lock_guard lock(mutex_);
  return dead_.empty();
}

std::string Health::ready_json() const {
  std::string out = "{";
  const auto all = checks();
  const bool degraded = std::ranges::any_of(all, [](const Check& check) { return check.readiness == Readiness::kDegraded; });
  append_member(out, "status", text_of(!ready() ? Readiness::kNotReady : degraded ? Readiness::kDegraded : Readiness::kReady));
  {
    const std::lock_guard lock(mutex_);
    const std::string& reason = dead_.empty() ? held_back_ : dead_;
    if (!reason.empty()) append_member(out, "reason", reason);
  }
  out += ",\"checks\":[";
  for (const Check& check : all) {
    if (out.back() != '[') out += ',';
    out += '{';
    append_member(out, "name", check.name);
    append_member(out, "status", text_of(check.readiness));
    if (!check.reason.empty()) append_member(out, "reason", check.reason);
    out += '}';
  }
  return out + "]}";
}

std::string Health::live_json() const {
  std::string out = "{";
  append_member(out, "status", live() ? "live" : "dead");
  const std::lock_guard lock(mutex_);
  if (!dead_.empty()) append_member(out, "reason", dead_);
  return out + "}";
}

void add_health_metrics(MetricsRegistry& registry, const Health& health) {
  using Kind = MetricsRegistry::FunctionKind;
  registry.function(Kind::kGauge, "consilium_ready", "1 when the process can serve", [&health] { return health.ready() ? 1.0 : 0.0; });
  registry.function(Kind::kGauge, "consilium_dependency_up", "1 when the part or outside system works", LabelNames{"name"}, [&health] {
    std::vector<MetricsRegistry::Sample> samples;
    for (const auto& check : health.checks()) samples.push_back({.labels = {check.name}, .value = check.works() ? 1.0 : 0.0});
    return samples;
  });
  registry.function(Kind::kGauge, "consilium_dependency_degraded", "1 when the part works but somebody should look", LabelNames{"name"},
                    [&health] {
                      std::vector<MetricsRegistry::Sample> samples;
                      for (const auto& check : health.checks())
                        samples.push_back({.labels = {check.name}, .value = check.readiness == Readiness::kDegraded ? 1.0 : 0.0});
                      return samples;
                    });
}

}  // namespace consilium::runtime
