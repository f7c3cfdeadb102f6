// The caller's wish that work should end: travels with the Context, over process borders too. Work looks at it where it
// looks at its deadline; calls to other processes are given up at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace consilium::runtime {

// Any thread.
class Cancellation {
 public:
  bool requested() const {
    const std::lock_guard lock(mutex_);
    return requested_;
  }

  // Runs what `Listener`s wait for, on this thread; the first time only.
  void request() {
    const std::lock_guard lock(mutex_);
    if (requested_) return;
    requested_ = true;
    for (const auto& [id, action] : listeners_) action();
  }

  // Runs `action` once the wish is there, at once when it is already. After the destructor it neither runs nor is
  // running. `action` must be short and may not touch the cancellation.
  class Listener {
   public:
    Listener(Cancellation& cancellation, std::function<void()> action) : cancellation_(cancellation) {
      const std::lock_guard lock(cancellation_.mutex_);
      if (cancellation_.requested_) action();
      id_ = ++cancellation_.last_id_;
      cancellation_.listeners_.emplace(id_, std::move(action));
    }
    ~Listener() {
      const std::lock_guard lock(cancellation_.mutex_);
      cancellation_.listeners_.erase(id_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    Cancellation& cancellation_;
    std::uint64_t id_ = 0;
  };

 private:
  mutable std::mutex mutex_;
  bool requested_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::function<void()>> listeners_;
};

}  // namespace consilium::runtime
