// Starts the parts of the process in order and stops them in reverse, each within its deadline.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/event.h"
#include "runtime/health.h"
#include "runtime/log.h"
#include "runtime/scheduler.h"

namespace consilium::runtime {

struct LifecycleStep {
  std::string name;
  std::function<Task<Result<void>>()> start;
  // Takes no new work and lets the running work end. Optional.
  std::function<Task<void>()> drain;
  // Frees everything. Called also after a drain that did not end in time. Optional.
  std::function<Task<void>()> stop;
  Duration start_deadline = seconds(60);
  Duration drain_deadline = seconds(10);
  Duration stop_deadline = seconds(10);
};

// All members are called on the loop.
class Lifecycle {
 public:
  // All of them outlive it; it outlives the tasks of its loop.
  Lifecycle(Scheduler& loop, Logger logger, Health& health) : loop_(loop), logger_(logger), health_(health), stopped_(loop) {}

  void add(LifecycleStep step) { steps_.push_back(std::move(step)); }

  // The first error ends it and stops what was started; `lifecycle.too-slow` (kDeadlineExceeded) for a step that does
  // not come to an end. An exception of a step is `internal`. Ready when all have started.
  Task<Result<void>> start();
  // Not ready from now on; drains all that started in reverse order, then stops them in reverse order. A step that is
  // too slow or fails is logged and left behind. A second call waits for the first.
  Task<void> stop();

 private:
  Task<void> stop_started();

  Scheduler& loop_;
  Logger logger_;
  Health& health_;
  std::vector<LifecycleStep> steps_;
  std::size_t started_ = 0;
  bool stopping_ = false;
  Gate stopped_;
};

}  // namespace consilium::runtime
