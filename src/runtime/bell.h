// Wakes tasks on many loops at once: those who wait for news look first, then wait until it rang. For any thread.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "runtime/scheduler.h"

namespace consilium::runtime {

// Outlives the loops whose tasks wait at it.
class Bell {
 public:
  explicit Bell(std::size_t most_waiters) : most_waiters_(most_waiters) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  void ring();
  // How often it rang: taken before one looks for news, so that none slips in between looking and waiting.
  std::uint64_t rings() const;
  // Resumes on `loop` when it rang after `heard`, at the latest after `at_most`. Error `bell.too-many-waiters`
  // (kUnavailable) beyond the bound.
  Task<Result<void>> wait(Scheduler& loop, std::uint64_t heard, Duration at_most);

 private:
  struct Waiter {
    std::coroutine_handle<> frame;
    Scheduler* loop = nullptr;
    TimerId timer = 0;
    bool fired = false;
  };
  class Wait;

  bool enter(const std::shared_ptr<Waiter>& waiter, std::uint64_t heard);
  // True for the first to do so.
  bool leave(const std::shared_ptr<Waiter>& waiter);

  const std::size_t most_waiters_;
  mutable std::mutex mutex_;
  std::uint64_t rings_ = 0;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace consilium::runtime
