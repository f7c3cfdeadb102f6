#include "services/chat/feed.h"

#include <algorithm>

namespace consilium::chat {

void Feed::ring() {
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

void Feed::signal(Signal signal) {
  if (signal.people.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    signals_.push_back(std::move(signal));
    ++last_position_;
    if (signals_.size() > kMaxSignals) signals_.pop_front();
  }
  ring();
}

std::uint64_t Feed::rings() const {
  const std::lock_guard lock(mutex_);
  return rings_;
}

Feed::Taken Feed::take_after(std::int64_t after, std::size_t max_people) const {
  const std::lock_guard lock(mutex_);
  Taken taken;
  taken.position = last_position_;
  if (after < 0 || after >= last_position_) return taken;
  const std::int64_t first = last_position_ - static_cast<std::int64_t>(signals_.size()) + 1;
  std::int64_t next = std::max(after + 1, first);
  std::size_t people = 0;
  for (; next <= last_position_; ++next) {
    const Signal& signal = signals_[static_cast<std::size_t>(next - first)];
    people += signal.people.size();
    if (people > max_people && !taken.signals.empty()) break;
    taken.signals.push_back(signal);
  }
  taken.position = next - 1;
  return taken;
}

bool Feed::enter(const std::shared_ptr<Waiter>& waiter, std::uint64_t heard) {
  const std::lock_guard lock(mutex_);
  if (rings_ != heard) return false;
  waiters_.push_back(waiter);
  return true;
}

bool Feed::leave(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter->fired) return false;
  waiter->fired = true;
  std::erase(waiters_, waiter);
  return true;
}

// Lives in the frame of the waiting task: when that is destroyed, nobody resumes it any more.
class Feed::Wait {
 public:
  Wait(Feed& feed, runtime::Scheduler& loop, std::uint64_t heard, Duration at_most) : feed_(feed), heard_(heard), at_most_(at_most) {
    waiter_->loop = &loop;
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    feed_.leave(waiter_);
    waiter_->frame = nullptr;
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> frame) {
    waiter_->frame = frame;
    // First the timer: a ring may come from another thread as soon as the waiter is known, but resumes on this loop.
    waiter_->timer = waiter_->loop->call_after(at_most_, [feed = &feed_, waiter = waiter_] {
      if (feed->leave(waiter) && waiter->frame) waiter->frame.resume();
    });
    if (feed_.enter(waiter_, heard_)) return true;
    waiter_->loop->cancel(waiter_->timer);
    return false;
  }
  void await_resume() const noexcept {}

 private:
  Feed& feed_;
  std::uint64_t heard_;
  Duration at_most_;
  std::shared_ptr<Waiter> waiter_ = std::make_shared<Waiter>();
};

Task<Result<void>> Feed::wait(runtime::Scheduler& loop, std::uint64_t heard, Duration at_most) {
  {
    const std::lock_guard lock(mutex_);
    if (waiters_.size() >= kMaxFeedWaiters) co_return fail(make_error(ErrorKind::kUnavailable, "chat.too-many-hubs").retry_in(seconds(1)));
  }
  co_await loop.enter();
  Wait wait(*this, loop, heard, at_most);
  co_await wait;
  co_return Result<void>();
}

}  // namespace consilium::chat
