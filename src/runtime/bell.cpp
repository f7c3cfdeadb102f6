#include "runtime/bell.h"

namespace consilium::runtime {

void Bell::ring() {
  std::vector<std::shared_ptr<Waiter>> woken;
  {
    const std::lock_guard lock(mutex_);
    ++rings_;
    woken.swap(waiters_);
    for (const auto& waiter : woken) waiter->fired = true;
  }
  for (const auto& waiter : woken) {
    waiter->loop->post([waiter] {
      if (!waiter->frame) return;
      waiter->loop->cancel(waiter->timer);
      waiter->frame.resume();
    });
  }
}

std::uint64_t Bell::rings() const {
  const std::lock_guard lock(mutex_);
  return rings_;
}

bool Bell::enter(const std::shared_ptr<Waiter>& waiter, std::uint64_t heard) {
  const std::lock_guard lock(mutex_);
  if (rings_ != heard) return false;
  waiters_.push_back(waiter);
  return true;
}

bool Bell::leave(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter->fired) return false;
  waiter->fired = true;
  std::erase(waiters_, waiter);
  return true;
}

// Lives in the frame of the waiting task: when that is destroyed, nobody resumes it any more.
class Bell::Wait {
 public:
  Wait(Bell& bell, Scheduler& loop, std::uint64_t heard, Duration at_most) : bell_(bell), heard_(heard), at_most_(at_most) {
    waiter_->loop = &loop;
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    bell_.leave(waiter_);
    waiter_->frame = nullptr;
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> frame) {
    waiter_->frame = frame;
    // First the timer: a ring may come from another thread as soon as the waiter is known, but resumes on this loop.
    waiter_->timer = waiter_->loop->call_after(at_most_, [bell = &bell_, waiter = waiter_] {
      if (bell->leave(waiter) && waiter->frame) waiter->frame.resume();
    });
    if (bell_.enter(waiter_, heard_)) return true;
    waiter_->loop->cancel(waiter_->timer);
    return false;
  }
  void await_resume() const noexcept {}

 private:
  Bell& bell_;
  std::uint64_t heard_;
  Duration at_most_;
  std::shared_ptr<Waiter> waiter_ = std::make_shared<Waiter>();
};

Task<Result<void>> Bell::wait(Scheduler& loop, std::uint64_t heard, Duration at_most) {
  {
    const std::lock_guard lock(mutex_);
    if (waiters_.size() >= most_waiters_) co_return fail(make_error(ErrorKind::kUnavailable, "bell.too-many-waiters").retry_in(seconds(1)));
  }
  co_await loop.enter();
  Wait wait(*this, loop, heard, at_most);
  co_await wait;
  co_return Result<void>();
}

}  // namespace consilium::runtime
