// What coroutines run on: one loop. The real one runs on Boost.Asio (`asio_scheduler.h`), the simulated one on virtual
// time (`simulated_scheduler.h`). An object with state belongs to one loop; others post to it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/task.h"
#include "base/time.h"

namespace consilium::runtime {

using Action = std::move_only_function<void()>;

// Handle of a pending timer; 0 is none.
using TimerId = std::uint64_t;

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Wall clock, UTC. May jump when the machine's clock is set: for records and due dates.
  virtual Timestamp now() const = 0;
  // Never goes back: for time-outs and measurements; its zero has no meaning.
  virtual Timestamp steady_now() const = 0;

  // From any thread: runs `action` on this loop, after what was posted before it.
  virtual void post(Action action) = 0;
  // On this loop only: runs `action` once after `delay` of steady time. `cancel` of a fired one does nothing.
  virtual TimerId call_after(Duration delay, Action action) = 0;
  virtual void cancel(TimerId timer) = 0;
  // Whether the caller runs on this loop.
  virtual bool is_current() const = 0;

  // From any thread: starts `task` on this loop. An exception that leaves it is caught, logged with `name` and counted
  // (`panics_total{boundary}`); the loop goes on.
  void spawn(std::string_view name, Task<void> task);

  // co_await scheduler.sleep_for(d): resumes on this loop.
  Task<void> sleep_for(Duration delay);
  // Until the wall clock shows `time`, also when the clock is set meanwhile (looks at least once a second).
  Task<void> sleep_until(Timestamp time);
  // co_await scheduler.enter(): resumes on this loop, wherever the caller ran.
  auto enter() {
    struct Awaiter {
      Scheduler& scheduler;
      bool await_ready() const { return scheduler.is_current(); }
      void await_suspend(std::coroutine_handle<> waiting) const {
        scheduler.post([waiting] { waiting.resume(); });
      }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }
};

// Called for every exception caught at a boundary; the process sets it once at start (logging and metrics).
using PanicHandler = std::function<void(std::string_view boundary, std::string_view what)>;
void set_panic_handler(PanicHandler handler);
void report_panic(std::string_view boundary, std::string_view what);

}  // namespace consilium::runtime
