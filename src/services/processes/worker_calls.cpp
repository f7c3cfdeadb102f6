#include "services/processes/worker_calls.h"

namespace consilium::processes {
namespace {

std::string_view name_of(process::JobOutcome::Kind kind) {
  switch (kind) {
    case process::JobOutcome::Kind::kComplete: return "completed";
    case process::JobOutcome::Kind::kFail: return "failed";
    case process::JobOutcome::Kind::kThrow: return "thrown";
    case process::JobOutcome::Kind::kNotReady: return "not-ready";
  }
  return "unknown";
}

}  // namespace

Task<process::JobOutcome> run_job(const JobDependencies* parts, JobHandler handler, runtime::Context& context, const process::Job& job) {
  if (const auto variables = JobVariables::read(job)) {
    if (auto caused_by = variables->optional_text(kRequestId)) context.request_id = std::move(*caused_by);
  }
  const Timestamp start = context.scheduler().steady_now();
  auto outcome = co_await handler(parts, context, job);
  parts->log.debug(context, "Job worked on",
                   {{"type", job.type},
                    {"job", job.key},
                    {"result", name_of(outcome.kind)},
                    {"errorCode", outcome.error_code},
                    {"took", context.scheduler().steady_now() - start}});
  co_return outcome;
}

}  // namespace consilium::processes
