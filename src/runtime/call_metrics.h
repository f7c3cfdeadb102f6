// The one record of each call of a service: a line of the access log and the metrics of calls.
#pragma once

#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/observed_call.h"

namespace consilium::runtime {

// Log: `Call`, level debug when it succeeded or the caller was at fault, warn when it may be tried again, error when
// it is a bug. Metrics: `consilium_calls_total{service,call,result}`, `consilium_call_seconds{service,call}`.
class CallMetrics final : public CallObserver {
 public:
  CallMetrics(MetricsRegistry& registry, Log& log);
  void on_call(const Context& context, const CallRecord& record) override;

 private:
  Log& log_;
  Family<Counter>& calls_;
  Family<Histogram>& seconds_;
};

}  // namespace consilium::runtime
