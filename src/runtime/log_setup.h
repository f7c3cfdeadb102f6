// The log of a process, made from its configuration.
#pragma once

#include <memory>
#include <string>

#include "runtime/config.h"
#include "runtime/log.h"
#include "runtime/metrics.h"

namespace consilium::runtime {

// Lines go to standard output, and with `log.file` as JSON to `<folder>/consilium.log`. Errors: `log.file`.
Result<std::unique_ptr<Log>> make_log(const Config::Log& config, const std::string& folder, std::string instance);

// Takes over the levels of a changed configuration; a service that is not named any more has the common level again.
void change_levels(Log& log, const Config::Log& before, const Config::Log& after);

// `consilium_log_lines_total`, `consilium_log_dropped_total`. `log` outlives the registry's scrapes.
void add_log_metrics(MetricsRegistry& registry, const Log& log);

}  // namespace consilium::runtime
