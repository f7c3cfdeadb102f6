// One coroutine waits, others on the same loop wake it; a wake that comes before the wait is not lost.
#pragma once

#include <coroutine>
#include <utility>

#include "runtime/scheduler.h"

namespace consilium::bus {

class Signal {
 public:
  explicit Signal(runtime::Scheduler& loop) : loop_(loop) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void set() {
    set_ = true;
    resume();
  }

  // Until `set`, at most `limit`.
  Task<void> wait_for(Duration limit) {
    struct Awaiter {
      Signal& signal;
      Duration limit;
      bool await_ready() const { return signal.set_; }
      void await_suspend(std::coroutine_handle<> waiting) const {
        signal.waiting_ = waiting;
        if (limit < kForever) signal.timer_ = signal.loop_.call_after(limit, [&waited = signal] { waited.fire(); });
      }
      void await_resume() const { signal.set_ = false; }
    };
    Awaiter awaiter{*this, limit};
    co_await awaiter;
  }
  Task<void> wait() { return wait_for(kForever); }

 private:
  static constexpr Duration kForever = days(36'500);

  void fire() {
    timer_ = 0;
    resume();
  }
  void resume() {
    if (!waiting_) return;
    if (timer_ != 0) loop_.cancel(std::exchange(timer_, 0));
    loop_.post([waiting = std::exchange(waiting_, nullptr)] { waiting.resume(); });
  }

  runtime::Scheduler& loop_;
  bool set_ = false;
  std::coroutine_handle<> waiting_;
  runtime::TimerId timer_ = 0;
};

}  // namespace consilium::bus
