#include "runtime/call_metrics.h"

#include "runtime/context.h"

namespace consilium::runtime {
namespace {

constexpr std::size_t kMaxSeries = 2000;

LogLevel level_of(const Error* error) {
  if (error == nullptr) return LogLevel::kDebug;
  switch (error->kind) {
    case ErrorKind::kInternal: return LogLevel::kError;
    case ErrorKind::kUnavailable:
    case ErrorKind::kDeadlineExceeded: return LogLevel::kWarn;
    default: return LogLevel::kDebug;
  }
}

}  // namespace

CallMetrics::CallMetrics(MetricsRegistry& registry, Log& log)
    : log_(log),
      calls_(registry.counter("consilium_calls_total", "Finished calls of services", {"service", "call", "result"}, kMaxSeries)),
      seconds_(
          registry.histogram("consilium_call_seconds", "Time of calls of services", duration_buckets(), {"service", "call"}, kMaxSeries)) {}

void CallMetrics::on_call(const Context& context, const CallRecord& record) {
  const std::string_view result = record.error == nullptr ? "ok" : status_of(record.error->kind).name;
  calls_.with({record.service, record.call, result}).add();
  seconds_.with({record.service, record.call}).observe(record.took.seconds());
  const Logger logger(log_, record.service, "calls");
  const LogLevel level = level_of(record.error);
  if (!logger.enabled(level)) return;
  if (record.error == nullptr) {
    logger.write(level, context, "Call", {{"call", record.call}, {"result", result}, {"took", record.took}});
  } else {
    logger.write(level, context, "Call", {{"call", record.call}, {"result", result}, {"took", record.took}, {"error", *record.error}});
  }
}

}  // namespace consilium::runtime
