// Waiting for something to happen on one loop. All members are called on that loop; a waiter is resumed by a post, so
// never inside `notify` or `open`. The object outlives its waiters.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>

#include "runtime/scheduler.h"

namespace consilium::runtime {

// Waiters in the order in which they came.
class WaitList {
 public:
  explicit WaitList(Scheduler& loop) : loop_(loop) {}
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  // Suspends until woken (true) or until `limit` of steady time has passed (false).
  Task<bool> wait(std::optional<Duration> limit);
  bool wake_one();
  void wake_all();
  std::size_t size() const { return size_; }

 private:
  struct Waiter;

  void append(Waiter& waiter);
  void unlink(Waiter& waiter);

  Scheduler& loop_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t size_ = 0;
};

// Not remembered: `notify` without a waiter has no effect. Look at the condition before and after waiting.
class Event {
 public:
  explicit Event(Scheduler& loop) : waiters_(loop) {}

  Task<void> wait();
  // False when `limit` passed first.
  Task<bool> wait_for(Duration limit) { return waiters_.wait(limit); }
  void notify_one() { waiters_.wake_one(); }
  void notify_all() { waiters_.wake_all(); }
  std::size_t waiting() const { return waiters_.size(); }

 private:
  WaitList waiters_;
};

// Remembered: who comes while it is open passes at once.
class Gate {
 public:
  explicit Gate(Scheduler& loop) : waiters_(loop) {}

  Task<void> wait();
  Task<bool> wait_for(Duration limit);
  void open();
  void close() { open_ = false; }
  bool is_open() const { return open_; }
  std::size_t waiting() const { return waiters_.size(); }

 private:
  WaitList waiters_;
  bool open_ = false;
};

}  // namespace consilium::runtime
