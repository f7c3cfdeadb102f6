// What coroutines run on: one loop. The real one runs on Boost.Asio (`asio_scheduler.h`), the simulated one on virtual
// time (`simulated_scheduler.h`). An object with state belongs to one loop; others post to it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/task.h"
#include "base/time.h"

namespace consilium::runtime {

using Action = std::move_only_function<void()>;

// Handle of a pending timer; 0 is none.
using TimerId = std::uint64_t;

class Scheduler;

// The frames of spawned tasks that have not ended. A loop that goes away (shutdown, simulated crash) destroys those
// still suspended, and with them every frame that they await.
class SpawnedTasks {
 public:
  struct Link {
    SpawnedTasks* owner = nullptr;
    Link* previous = nullptr;
    Link* next = nullptr;
    std::coroutine_handle<> frame;
  };

  SpawnedTasks() = default;
  SpawnedTasks(const SpawnedTasks&) = delete;
  SpawnedTasks& operator=(const SpawnedTasks&) = delete;

  // False once `destroy_all` has begun: the caller destroys the frame itself.
  bool add(Link& link);
  void remove(Link& link);
  std::size_t size() const;
  // Latest first. Nothing may run the frames any more.
  void destroy_all();

 private:
  mutable std::mutex mutex_;
  Link* newest_ = nullptr;
  std::size_t size_ = 0;
  bool closed_ = false;
};

class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
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
  // (`panics_total{boundary}`); the loop goes on. The loop owns the task: what is still suspended when the loop goes
  // is destroyed with it, so nothing outside (another thread's callback) may then resume it or write into its frames.
  void spawn(std::string_view name, Task<void> task);
  // Spawned tasks that have not ended.
  std::size_t spawned() const { return spawned_.size(); }

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

  // co_await scheduler.yield(): on this loop, lets go first what was posted before.
  auto yield() {
    struct Awaiter {
      Scheduler& scheduler;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) const {
        scheduler.post([waiting] { waiting.resume(); });
      }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 protected:
  // For implementations, before their own destruction: when nothing runs on this loop any more.
  void destroy_spawned() { spawned_.destroy_all(); }

 private:
  SpawnedTasks spawned_;
};

// Called for every exception caught at a boundary, on the thread that caught it; the process sets it once at start
// (`panic.h`: logging and metrics). `stack_of_panic` (panic.h) tells inside the handler where it was thrown.
using PanicHandler = std::function<void(std::string_view boundary, std::string_view what)>;
void set_panic_handler(PanicHandler handler);
void report_panic(std::string_view boundary, std::string_view what);
// Inside a catch block: reports the exception being handled.
void report_current_exception(std::string_view boundary);

}  // namespace consilium::runtime
