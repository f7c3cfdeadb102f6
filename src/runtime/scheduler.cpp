#include "runtime/scheduler.h"

#include <algorithm>
#include <exception>
#include <string>

namespace consilium::runtime {
namespace {

struct PanicHandlerSlot {
  std::mutex mutex;
  std::shared_ptr<const PanicHandler> handler;
};

PanicHandlerSlot& panic_handler_slot() {
  static PanicHandlerSlot slot;
  return slot;
}

// The frame of a spawned task: destroys itself at its end, catches what leaves the task.
struct Detached {
  struct promise_type {
    SpawnedTasks::Link link;

    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    ~promise_type() {
      if (link.owner != nullptr) link.owner->remove(link);
    }
  };
  std::coroutine_handle<promise_type> handle;
};

Detached run_detached(std::string name, Task<void> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    report_current_exception(name);
  }
}

// Cancels its timer when the frame is destroyed while it sleeps.
struct SleepAwaiter {
  Scheduler& scheduler;
  Duration delay;
  TimerId timer = 0;

  SleepAwaiter(Scheduler& loop, Duration time) : scheduler(loop), delay(time) {}
  SleepAwaiter(const SleepAwaiter&) = delete;
  SleepAwaiter& operator=(const SleepAwaiter&) = delete;
  ~SleepAwaiter() {
    if (timer != 0) scheduler.cancel(timer);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    timer = scheduler.call_after(delay, [this, waiting] {
      timer = 0;
      waiting.resume();
    });
  }
  void await_resume() const noexcept {}
};

}  // namespace

bool SpawnedTasks::add(Link& link) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  link.owner = this;
  link.next = newest_;
  if (newest_ != nullptr) newest_->previous = &link;
  newest_ = &link;
  ++size_;
  return true;
}

void SpawnedTasks::remove(Link& link) {
  const std::lock_guard lock(mutex_);
  if (link.previous != nullptr) link.previous->next = link.next;
  if (link.next != nullptr) link.next->previous = link.previous;
  if (newest_ == &link) newest_ = link.next;
  link.owner = nullptr;
  --size_;
}

std::size_t SpawnedTasks::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

void SpawnedTasks::destroy_all() {
  for (;;) {
    std::coroutine_handle<> frame;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      if (newest_ == nullptr) return;
      frame = newest_->frame;
    }
    frame.destroy();  // its promise takes the link out
  }
}

void set_panic_handler(PanicHandler handler) {
  auto shared = handler ? std::make_shared<const PanicHandler>(std::move(handler)) : nullptr;
  PanicHandlerSlot& slot = panic_handler_slot();
  const std::lock_guard lock(slot.mutex);
  slot.handler.swap(shared);
}

void report_panic(std::string_view boundary, std::string_view what) {
  std::shared_ptr<const PanicHandler> handler;
  {
    PanicHandlerSlot& slot = panic_handler_slot();
    const std::lock_guard lock(slot.mutex);
    handler = slot.handler;
  }
  if (handler) (*handler)(boundary, what);
}

void report_current_exception(std::string_view boundary) {
  try {
    throw;
  } catch (const std::exception& exception) {
    report_panic(boundary, exception.what());
  } catch (...) {
    report_panic(boundary, "not a std::exception");
  }
}

void Scheduler::spawn(std::string_view name, Task<void> task) {
  const auto handle = run_detached(std::string(name), std::move(task)).handle;
  SpawnedTasks::Link& link = handle.promise().link;
  link.frame = handle;
  if (!spawned_.add(link)) {
    handle.destroy();
    return;
  }
  post([handle] { handle.resume(); });
}

Task<void> Scheduler::sleep_for(Duration delay) {
  SleepAwaiter awaiter(*this, std::max(delay, Duration{}));
  co_await awaiter;
}

Task<void> Scheduler::sleep_until(Timestamp time) {
  for (;;) {
    const Timestamp wall = now();
    if (wall >= time) co_return;
    co_await sleep_for(std::min(time - wall, seconds(1)));
  }
}

}  // namespace consilium::runtime
