#include "services/chat/feed.h"

#include <algorithm>

namespace consilium::chat {

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

Task<Result<void>> Feed::wait(runtime::Scheduler& loop, std::uint64_t heard, Duration at_most) {
  auto waited = co_await bell_.wait(loop, heard, at_most);
  if (!waited) co_return fail(make_error(ErrorKind::kUnavailable, "chat.too-many-hubs").retry_in(seconds(1)));
  co_return waited;
}

}  // namespace consilium::chat
