#include "runtime/event.h"

#include <algorithm>

namespace consilium::runtime {

// Lives in the frame of `wait`; leaves the list and cancels its timer when that frame is destroyed.
struct WaitList::Waiter {
  WaitList& list;
  std::optional<Duration> limit;
  std::coroutine_handle<> waiting;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
  TimerId timer = 0;
  bool linked = false;
  bool woken = false;

  Waiter(WaitList& waiters, std::optional<Duration> time) : list(waiters), limit(time) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    if (linked) list.unlink(*this);
    if (timer != 0) list.loop_.cancel(timer);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    waiting = caller;
    list.append(*this);
    if (!limit) return;
    timer = list.loop_.call_after(std::max(*limit, Duration{}), [this] {
      timer = 0;
      list.unlink(*this);
      waiting.resume();
    });
  }
  bool await_resume() const noexcept { return woken; }

  void wake() {
    list.unlink(*this);
    if (timer != 0) list.loop_.cancel(timer);
    timer = 0;
    woken = true;
    list.loop_.post([caller = waiting] { caller.resume(); });
  }
};

void WaitList::append(Waiter& waiter) {
  waiter.linked = true;
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  ++size_;
}

void WaitList::unlink(Waiter& waiter) {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  waiter.previous = nullptr;
  waiter.next = nullptr;
  waiter.linked = false;
  --size_;
}

Task<bool> WaitList::wait(std::optional<Duration> limit) {
  Waiter waiter(*this, limit);
  const bool woken = co_await waiter;
  co_return woken;
}

bool WaitList::wake_one() {
  if (first_ == nullptr) return false;
  first_->wake();
  return true;
}

void WaitList::wake_all() {
  while (wake_one()) {
  }
}

Task<void> Event::wait() { co_await waiters_.wait(std::nullopt); }

Task<void> Gate::wait() {
  while (!open_) co_await waiters_.wait(std::nullopt);
}

Task<bool> Gate::wait_for(Duration limit) {
  if (open_) co_return true;
  const bool woken = co_await waiters_.wait(limit);
  co_return woken;
}

void Gate::open() {
  open_ = true;
  waiters_.wake_all();
}

}  // namespace consilium::runtime
