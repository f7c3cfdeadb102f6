#include "app/platform_metrics.h"

#include "app/engine_metrics.h"

namespace consilium::app {
namespace {

constexpr std::size_t kMaxCauses = 8;  // of tasks.v1.queued

// Seconds: from at once to an hour.
std::vector<double> waiting_buckets() { return {0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}; }

double number(auto value) { return static_cast<double>(value); }

}  // namespace

PlatformMetrics::PlatformMetrics(runtime::MetricsRegistry& registry, std::function<Timestamp()> now)
    : now_(std::move(now)),
      assignments_(registry.counter("consilium_assignments_total", "Tasks that were given to somebody, by the rule or by hand").get()),
      waited_(registry.histogram("consilium_assignment_wait_seconds", "From a request to its assignment", waiting_buckets()).get()),
      returns_(registry.counter("consilium_task_returns_total", "Tasks that went back to the queue", {"cause"}, kMaxCauses)),
      closed_(registry.counter("consilium_tasks_closed_total", "Tasks that came to their end", {"group", "status"})) {
  declare(registry, {Kind::kGauge, "consilium_queue_length", "Tasks that wait for somebody"},
          [](const PlatformFigures& all) { return all.queue ? std::optional(number(all.queue->waiting)) : std::nullopt; });
  declare(registry, {Kind::kGauge, "consilium_queue_longest_wait_seconds", "How long the one waits who waits longest"},
          [this](const PlatformFigures& all) -> std::optional<double> {
            if (!all.queue) return std::nullopt;
            return all.queue->longest_since ? (now_() - *all.queue->longest_since).seconds() : 0.0;
          });
  declare(registry, {Kind::kCounter, "consilium_task_failures_total", "Tries of the queue to change a task that came to nothing"},
          [](const PlatformFigures& all) { return all.queue ? std::optional(number(all.queue->failures)) : std::nullopt; });
  declare(registry, {Kind::kCounter, "consilium_posts_total", "New posts of people and of the bot"},
          [](const PlatformFigures& all) { return all.posts ? std::optional(number(*all.posts)) : std::nullopt; });
  declare(registry, {Kind::kGauge, "consilium_sockets_open", "WebSockets that are open now"},
          [](const PlatformFigures& all) { return all.hub ? std::optional(number(all.hub->open)) : std::nullopt; });
  declare(
      registry,
      {Kind::kCounter, "consilium_socket_catch_ups_total", "Times that a socket read its person's log: when it opens, and to close a gap"},
      [](const PlatformFigures& all) { return all.hub ? std::optional(number(all.hub->catch_ups)) : std::nullopt; });
  declare(registry, {Kind::kCounter, "consilium_sockets_slow_total", "Sockets closed because their peer did not read (4003)"},
          [](const PlatformFigures& all) { return all.hub ? std::optional(number(all.hub->slow)) : std::nullopt; });
  const auto when_known = [](const bus::GroupFigures& group, double value) { return group.is_known ? std::optional(value) : std::nullopt; };
  declare_group(registry, {Kind::kGauge, "consilium_bus_lag_events", "Events of the producer that the consumer group has not read"},
                [when_known](const bus::GroupFigures& group) { return when_known(group, number(group.lag)); });
  declare_group(registry, {Kind::kGauge, "consilium_bus_lag_seconds", "Age of the next event that the consumer group will read"},
                [when_known](const bus::GroupFigures& group) { return when_known(group, group.behind.seconds()); });
  declare_group(registry, {Kind::kGauge, "consilium_bus_parked", "Events that wait for another try, or behind one of their key that does"},
                [](const bus::GroupFigures& group) { return std::optional(number(group.parked)); });
  declare_group(registry, {Kind::kGauge, "consilium_bus_dead_letters", "Events that are tried no more until somebody replays them"},
                [](const bus::GroupFigures& group) { return std::optional(number(group.dead)); });
  declare_group(registry, {Kind::kCounter, "consilium_bus_handled_total", "Events whose effect was made"},
                [](const bus::GroupFigures& group) { return std::optional(number(group.handled)); });
  declare_group(
      registry,
      {Kind::kCounter, "consilium_bus_failures_total", "Tries of an event that failed; each is repeated or ends as a dead letter"},
      [](const bus::GroupFigures& group) { return std::optional(number(group.failed)); });
  registry.function(Kind::kGauge, "consilium_tasks_open", "Open tasks of a group in one status", {"group", "status"}, [this] {
    Samples samples;
    const PlatformFigures all = figures();
    if (!all.queue) return samples;
    for (const tasks::StatusCount& one : all.queue->open)
      samples.push_back({{one.group, std::string(tasks::v1::text_of(one.substatus))}, number(one.tasks)});
    return samples;
  });
  declare_sessions(registry);
  declare_caches(registry);
  declare_engine_metrics(registry, [this] { return figures().engine; });
  declare_database_metrics(registry, [this] { return figures().database; });
}

void PlatformMetrics::declare_sessions(runtime::MetricsRegistry& registry) {
  declare(registry, {Kind::kGauge, "consilium_sessions_open", "Sessions that have not ended"},
          [](const PlatformFigures& all) { return all.sessions ? std::optional(number(all.sessions->open())) : std::nullopt; });
  declare(registry, {Kind::kCounter, "consilium_sessions_issued_total", "Sessions that were opened since the first start"},
          [](const PlatformFigures& all) { return all.sessions ? std::optional(number(all.sessions->issued)) : std::nullopt; });
  registry.function(Kind::kCounter, "consilium_sessions_ended_total", "Sessions that ended since the first start, and why", {"reason"},
                    [this] {
                      Samples samples;
                      const PlatformFigures all = figures();
                      if (!all.sessions) return samples;
                      for (const auto& [reason, count] : all.sessions->ended) samples.push_back({{reason}, number(count)});
                      return samples;
                    });
}

void PlatformMetrics::declare_caches(runtime::MetricsRegistry& registry) {
  struct One {
    Kind kind;
    const char* name;
    const char* help;
    std::uint64_t CacheFigures::* value;
  };
  for (const One& one :
       {One{Kind::kCounter, "consilium_cache_hits_total", "Looks into a cache that found what they sought", &CacheFigures::hits},
        One{Kind::kCounter, "consilium_cache_misses_total", "Looks that had to ask the database, or to verify", &CacheFigures::misses},
        One{Kind::kGauge, "consilium_cache_entries", "What a cache holds", &CacheFigures::entries}}) {
    registry.function(one.kind, one.name, one.help, {"cache"}, [this, value = one.value] {
      Samples samples;
      for (const auto& [name, cache] : figures().caches) samples.push_back({{name}, number(cache.*value)});
      return samples;
    });
  }
}

void PlatformMetrics::declare(runtime::MetricsRegistry& registry, Named what,
                              std::function<std::optional<double>(const PlatformFigures&)> read) {
  registry.function(what.kind, what.name, what.help, {}, [this, read = std::move(read)] {
    const std::optional<double> value = read(figures());
    return value ? Samples{{{}, *value}} : Samples{};
  });
}

void PlatformMetrics::declare_group(runtime::MetricsRegistry& registry, Named what,
                                    std::function<std::optional<double>(const bus::GroupFigures&)> read) {
  registry.function(what.kind, what.name, what.help, {"group"}, [this, read = std::move(read)] {
    Samples samples;
    for (const bus::GroupFigures& group : figures().groups) {
      if (const auto value = read(group)) samples.push_back({{group.group}, *value});
    }
    return samples;
  });
}

void PlatformMetrics::show(PlatformFigures figures) {
  const std::lock_guard lock(mutex_);
  figures_ = std::move(figures);
}

PlatformFigures PlatformMetrics::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void PlatformMetrics::on_assigned(Duration waited) {
  assignments_.add();
  waited_.observe(waited.seconds());
}

void PlatformMetrics::on_returned(std::string_view cause) { returns_.with({cause}).add(); }

void PlatformMetrics::on_closed(const tasks::v1::Task& task) {
  closed_.with({task.assignee.group, tasks::v1::text_of(task.substatus)}).add();
}

}  // namespace consilium::app
