#include "runtime/log_setup.h"

#include <unistd.h>

#include "runtime/log_sink.h"

namespace consilium::runtime {

Result<std::unique_ptr<Log>> make_log(const Config::Log& config, const std::string& folder, std::string instance) {
  std::vector<std::shared_ptr<LogSink>> sinks{std::make_shared<DescriptorSink>(STDOUT_FILENO, config.format)};
  if (config.file) {
    const auto bytes = static_cast<std::uint64_t>(config.file_size.bytes);
    ASSIGN_OR_RETURN(auto file,
                     RotatingFileSink::open(folder + "/consilium.log", LogFormat::kJson, bytes, static_cast<int>(config.file_keep)));
    sinks.push_back(std::move(file));
  }
  LogOptions options;
  options.level = config.level;
  options.levels = config.services;
  options.instance = std::move(instance);
  return std::make_unique<Log>(std::move(options), std::move(sinks));
}

void change_levels(Log& log, const Config::Log& before, const Config::Log& after) {
  log.set_level("", after.level);
  for (const auto& [name, level] : before.services) {
    if (!after.services.contains(name)) log.reset_level(name);
  }
  for (const auto& [name, level] : after.services) log.set_level(name, level);
}

void add_log_metrics(MetricsRegistry& registry, const Log& log) {
  using Kind = MetricsRegistry::FunctionKind;
  registry.function(Kind::kCounter, "consilium_log_lines_total", "Lines written", [&log] { return static_cast<double>(log.written()); });
  registry.function(Kind::kCounter, "consilium_log_dropped_total", "Lines that did not fit into the queue",
                    [&log] { return static_cast<double>(log.dropped()); });
}

}  // namespace consilium::runtime
