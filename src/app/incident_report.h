// Tells of each incident of the process engine in the log, once, for those who watch the log and not the page of the office. After a
// start those that are still open are told again.
#pragma once

#include <span>

#include "ports/process_engine/process_engine.h"
#include "runtime/log.h"

namespace consilium::app {

// On one loop.
class IncidentReport {
 public:
  explicit IncidentReport(runtime::Logger logger) : logger_(logger) {}

  // Some that are open now, newest first.
  void tell(const runtime::Context& context, std::span<const process::Incident> open);

 private:
  runtime::Logger logger_;
  process::Key told_up_to_ = 0;  // keys rise with time
};

}  // namespace consilium::app
