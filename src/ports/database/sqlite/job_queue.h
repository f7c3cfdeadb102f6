// A bounded queue of jobs between many callers and the store's threads. All members are for any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "ports/database/sqlite/core.h"

namespace consilium::database::sqlite {

class JobQueue {
 public:
  enum class Push { kTaken, kFull, kClosed };

  explicit JobQueue(std::size_t bound) : bound_(bound) {}

  // Leaves `job` untouched unless it is taken.
  Push push(Job& job) {
    const std::lock_guard lock(mutex_);
    if (closed_) return Push::kClosed;
    if (jobs_.size() >= bound_) return Push::kFull;
    jobs_.push_back(std::move(job));
    // A thread that waits for several is woken by the last of them, not by each.
    if (jobs_.size() >= wanted_) arrived_.notify_one();
    return Push::kTaken;
  }

  // Waits for one; nullopt once the queue is closed and empty.
  std::optional<Job> take() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    return take_first();
  }

  // The next one if there is one now.
  std::optional<Job> take_if_any() {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return std::nullopt;
    return take_first();
  }

  // One consumer: waits for at least one, then, for at most `patience`, until there are `wanted`; takes at most `most`.
  std::vector<Job> take_group(std::size_t wanted, std::size_t most, Duration patience) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.size() < wanted) {
      wanted_ = wanted;
      arrived_.wait_for(lock, std::chrono::microseconds(patience.microseconds), [&] { return closed_ || jobs_.size() >= wanted; });
      wanted_ = 1;
    }
    std::vector<Job> group;
    while (!jobs_.empty() && group.size() < most) group.push_back(*take_first());
    return group;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_all();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  std::optional<Job> take_first() {
    std::optional<Job> first(std::move(jobs_.front()));
    jobs_.pop_front();
    return first;
  }

  const std::size_t bound_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> jobs_;
  std::size_t wanted_ = 1;
  bool closed_ = false;
};

}  // namespace consilium::database::sqlite
