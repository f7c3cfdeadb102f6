#include "runtime/scheduler.h"

#include <algorithm>
#include <exception>
#include <string>

namespace consilium::runtime {
namespace {

PanicHandler& panic_handler() {
  static PanicHandler handler;
  return handler;
}

// The frame of a spawned task: destroys itself at its end, catches what leaves the task.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Detached run_detached(std::string name, Task<void> task) {
  std::string what;
  bool failed = false;
  try {
    co_await std::move(task);
  } catch (const std::exception& exception) {
    failed = true;
    what = exception.what();
  } catch (...) {
    failed = true;
    what = "unknown exception";
  }
  if (failed) report_panic(name, what);
}

}  // namespace

void set_panic_handler(PanicHandler handler) { panic_handler() = std::move(handler); }

void report_panic(std::string_view boundary, std::string_view what) {
  if (panic_handler()) panic_handler()(boundary, what);
}

void Scheduler::spawn(std::string_view name, Task<void> task) {
  Detached detached = run_detached(std::string(name), std::move(task));
  post([handle = detached.handle] { handle.resume(); });
}

Task<void> Scheduler::sleep_for(Duration delay) {
  struct Awaiter {
    Scheduler& scheduler;
    Duration delay;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
      scheduler.call_after(delay, [waiting] { waiting.resume(); });
    }
    void await_resume() const noexcept {}
  };
  Awaiter awaiter{*this, std::max(delay, Duration{})};
  co_await awaiter;
}

Task<void> Scheduler::sleep_until(Timestamp time) {
  while (now() < time) co_await sleep_for(std::min(time - now(), seconds(1)));
}

}  // namespace consilium::runtime
