// How the workers call services: one coroutine a job over shared dependencies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/processes/job_variables.h"
#include "services/processes/jobs.h"

namespace consilium::processes {

using JobHandler = Task<process::JobOutcome> (*)(const JobDependencies*, runtime::Context&, const process::Job&);

// Calls the handler on behalf of the request that the instance answers, and leaves one record of it.
Task<process::JobOutcome> run_job(const JobDependencies* parts, JobHandler handler, runtime::Context& context, const process::Job& job);

inline process::Worker worker(const JobDependencies& dependencies, std::string job_type, JobHandler handler) {
  process::Worker out;
  out.name = "processes";
  out.job_type = std::move(job_type);
  out.handle = [parts = &dependencies, handler](runtime::Context& context, const process::Job& job) {
    return run_job(parts, handler, context, job);
  };
  return out;
}

// Makes one effect of it, however often the job is handed out.
inline std::string job_key(const process::Job& job, std::string_view purpose) {
  return "job-" + std::to_string(job.key) + "-" + std::string(purpose);
}

}  // namespace consilium::processes
