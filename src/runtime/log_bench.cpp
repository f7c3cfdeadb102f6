// What logging costs the caller. The disabled level is bounded at 50 ns.
#include <benchmark/benchmark.h>

#include "runtime/log.h"
#include "runtime/log_sink.h"

namespace consilium::runtime {
namespace {

class NullSink final : public LogSink {
 public:
  NullSink() : LogSink(LogFormat::kJson) {}
  void write(std::span<const LogLine> lines) override { benchmark::DoNotOptimize(lines.data()); }
};

void disabled_level(benchmark::State& state) {
  Log log(LogOptions{}, {std::make_shared<NullSink>()});
  const Logger logger(log, "tasks", "assignment");
  const Uuid id;
  const std::string text = "some text";
  for (auto _ : state) logger.debug("Task assigned", {{"task", id}, {"text", text}, {"attempt", 3}});
}
BENCHMARK(disabled_level);

void enabled_level(benchmark::State& state) {
  Log log(LogOptions{}, {std::make_shared<NullSink>()});
  const Logger logger(log, "tasks", "assignment");
  const Uuid id;
  const std::string text = "some text";
  for (auto _ : state) logger.info("Task assigned", {{"task", id}, {"text", text}, {"attempt", 3}});
}
BENCHMARK(enabled_level);

}  // namespace
}  // namespace consilium::runtime
