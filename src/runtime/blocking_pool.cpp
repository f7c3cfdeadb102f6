#include "runtime/blocking_pool.h"

namespace consilium::runtime {

Error BlockingPool::overloaded() {
  return make_error(ErrorKind::kUnavailable, "runtime.pool-overloaded", "Expected room in the queue for heavy work, but it is full")
      .retry_in(seconds(1));
}

Error BlockingPool::too_late() {
  return make_error(ErrorKind::kDeadlineExceeded, "request.deadline-exceeded",
                    "Expected an answer in time, but the deadline passed in the queue");
}

ThreadPool::ThreadPool(std::string name, std::size_t threads, std::size_t queue) : capacity_(queue) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back(name + "-" + std::to_string(i), [this] { serve(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_all();
  threads_.clear();  // joins
}

std::size_t ThreadPool::queued() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

bool ThreadPool::submit(Scheduler&, Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= capacity_) return false;
    waiting_.push_back(std::move(work));
  }
  filled_.notify_one();
  return true;
}

void ThreadPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    filled_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

bool SimulatedPool::submit(Scheduler& loop, Work work) {
  const Timestamp now = loop.steady_now();
  const auto thread = std::min_element(free_at_.begin(), free_at_.end());
  const bool must_wait = *thread > now;
  if (must_wait && *waiting_ >= capacity_) return false;
  const Timestamp start = std::max(*thread, now);
  *thread = start + cost_;
  if (must_wait) {
    ++*waiting_;
    loop.call_after(start - now, [waiting = waiting_] { --*waiting; });
  }
  loop.call_after(*thread - now, std::move(work));
  return true;
}

}  // namespace consilium::runtime
