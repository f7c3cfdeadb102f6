// The figures of a process engine and of a database as metrics: of the platform's, and of `consilium engine`. An absent figure shows
// no value.
#pragma once

#include <functional>
#include <optional>

#include "bpmn/local_process_engine.h"
#include "ports/database/store.h"
#include "runtime/metrics.h"

namespace consilium::app {

// Both are called at each scrape, on any thread.
void declare_engine_metrics(runtime::MetricsRegistry& registry, std::function<std::optional<bpmn::EngineFigures>()> look);
void declare_database_metrics(runtime::MetricsRegistry& registry, std::function<std::optional<database::Statistics>()> look);

}  // namespace consilium::app
