#include "runtime/lifecycle.h"

#include <utility>

namespace consilium::runtime {
namespace {

// Shared by the one who waits and the step, which may go on after the other has given up.
struct Attempt {
  explicit Attempt(Scheduler& loop) : ended(loop) {}
  Gate ended;
  Result<void> result;
};

Task<void> run_start(Scheduler& loop, std::shared_ptr<Attempt> attempt, std::function<Task<Result<void>>()> action) {
  attempt->result = fail(internal_error("the step threw an exception"));
  try {
    attempt->result = co_await action();
  } catch (...) {
    report_current_exception("lifecycle");
  }
  co_await loop.enter();  // a step may end on another one
  attempt->ended.open();
}

Task<Result<void>> succeed_after(std::function<Task<void>()> action) {
  co_await action();
  co_return Result<void>();
}

Task<Result<void>> run_within(Scheduler& loop, std::function<Task<Result<void>>()> action, Duration deadline) {
  auto attempt = std::make_shared<Attempt>(loop);
  loop.spawn("lifecycle", run_start(loop, attempt, std::move(action)));
  const bool ended = co_await attempt->ended.wait_for(deadline);
  if (!ended)
    co_return fail(ErrorKind::kDeadlineExceeded, "lifecycle.too-slow", "Expected the step to end within " + format_short(deadline));
  co_return attempt->result;
}

}  // namespace

Task<Result<void>> Lifecycle::start() {
  for (; started_ < steps_.size(); ++started_) {
    const LifecycleStep& step = steps_[started_];
    const Timestamp begin = loop_.steady_now();
    auto result = co_await run_within(loop_, step.start, step.start_deadline);
    if (!result) {
      logger_.error("A step of the start failed", {{"step", step.name}, {"error", result.error()}});
      co_await stop_started();
      co_return fail(std::move(result).error());
    }
    logger_.debug("Started", {{"step", step.name}, {"took", loop_.steady_now() - begin}});
  }
  health_.hold_back("");
  co_return Result<void>();
}

Task<void> Lifecycle::stop() {
  if (std::exchange(stopping_, true)) {
    co_await stopped_.wait();
    co_return;
  }
  health_.hold_back("draining");
  co_await stop_started();
  stopped_.open();
}

Task<void> Lifecycle::stop_started() {
  const std::size_t count = std::exchange(started_, 0);
  for (const auto phase : {&LifecycleStep::drain, &LifecycleStep::stop}) {
    const bool drains = phase == &LifecycleStep::drain;
    for (std::size_t i = count; i > 0; --i) {
      const LifecycleStep& step = steps_[i - 1];
      if (!(step.*phase)) continue;
      const auto action = [&step, phase] { return succeed_after(step.*phase); };
      auto result = co_await run_within(loop_, action, drains ? step.drain_deadline : step.stop_deadline);
      if (!result) logger_.warn(drains ? "A step did not drain" : "A step did not stop", {{"step", step.name}, {"error", result.error()}});
    }
  }
}

}  // namespace consilium::runtime
