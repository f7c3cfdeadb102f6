#include "app/engine_metrics.h"

namespace consilium::app {
namespace {

using Kind = runtime::MetricsRegistry::FunctionKind;
using Samples = std::vector<runtime::MetricsRegistry::Sample>;

double number(auto value) { return static_cast<double>(value); }

void declare_jobs(runtime::MetricsRegistry& registry, std::function<std::optional<bpmn::EngineFigures>()> look) {
  registry.function(Kind::kCounter, "consilium_process_jobs_total", "Jobs handed to workers, and what became of them", {"type", "outcome"},
                    [look = std::move(look)] {
                      Samples samples;
                      const auto figures = look();
                      if (!figures) return samples;
                      for (const bpmn::EngineFigures::Jobs& jobs : figures->jobs) {
                        samples.push_back({{jobs.type, "activated"}, number(jobs.activated)});
                        samples.push_back({{jobs.type, "completed"}, number(jobs.completed)});
                        samples.push_back({{jobs.type, "failed"}, number(jobs.failed)});
                        samples.push_back({{jobs.type, "thrown"}, number(jobs.thrown)});
                        samples.push_back({{jobs.type, "postponed"}, number(jobs.postponed)});
                      }
                      return samples;
                    });
}

}  // namespace

void declare_engine_metrics(runtime::MetricsRegistry& registry, std::function<std::optional<bpmn::EngineFigures>()> look) {
  struct One {
    const char* name;
    const char* help;
    std::int64_t bpmn::EngineFigures::* value;
  };
  for (const One& one : {One{"consilium_process_instances", "Active process instances", &bpmn::EngineFigures::instances},
                         One{"consilium_process_incidents", "Open incidents", &bpmn::EngineFigures::incidents},
                         One{"consilium_process_timers", "Timers that wait", &bpmn::EngineFigures::timers},
                         One{"consilium_process_overdue", "Timers, locks and messages whose time is past", &bpmn::EngineFigures::overdue},
                         One{"consilium_process_commands_waiting", "Commands that wait to be decided", &bpmn::EngineFigures::commands},
                         One{"consilium_process_journal_records", "Records since the last checkpoint", &bpmn::EngineFigures::journal},
                         One{"consilium_process_log_records", "Records that are in the commit log and not yet in the database",
                             &bpmn::EngineFigures::in_log}}) {
    registry.function(Kind::kGauge, one.name, one.help, {}, [look, value = one.value] {
      const auto figures = look();
      return figures ? Samples{{{}, number((*figures).*value)}} : Samples{};
    });
  }
  declare_jobs(registry, std::move(look));
}

void declare_database_metrics(runtime::MetricsRegistry& registry, std::function<std::optional<database::Statistics>()> look) {
  using database::Statistics;
  struct One {
    Kind kind;
    const char* name;
    const char* help;
    std::uint64_t Statistics::* value;
  };
  for (const One& one :
       {One{Kind::kCounter, "consilium_database_commits_total", "Transactions that reached the disk; one holds many writes",
            &Statistics::commits},
        One{Kind::kCounter, "consilium_database_writes_total", "Write functions that were answered after their commit",
            &Statistics::functions},
        One{Kind::kCounter, "consilium_database_reads_total", "Read functions", &Statistics::reads},
        One{Kind::kCounter, "consilium_database_refused_total", "Reads and writes turned away: queue full, no space, closed",
            &Statistics::refused},
        One{Kind::kCounter, "consilium_database_syncs_total", "Syncs of the database's file and its log", &Statistics::syncs},
        One{Kind::kGauge, "consilium_database_write_queue", "Write functions that wait", &Statistics::write_queue},
        One{Kind::kGauge, "consilium_database_read_queue", "Read functions that wait", &Statistics::read_queue},
        One{Kind::kGauge, "consilium_database_log_pages", "Length of the write-ahead log", &Statistics::wal_pages}}) {
    registry.function(one.kind, one.name, one.help, {}, [look, value = one.value] {
      const auto figures = look();
      return figures ? Samples{{{}, number((*figures).*value)}} : Samples{};
    });
  }
  registry.function(Kind::kCounter, "consilium_database_commit_seconds_total", "Time spent in transactions, their syncs included", {},
                    [look = std::move(look)] {
                      const auto figures = look();
                      return figures ? Samples{{{}, number(figures->commit_time_sum) / 1e6}} : Samples{};
                    });
}

}  // namespace consilium::app
