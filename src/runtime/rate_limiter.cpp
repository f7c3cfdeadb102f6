#include "runtime/rate_limiter.h"

#include <algorithm>

namespace consilium::runtime {

RateLimiter::RateLimiter(RateLimit limit, std::size_t max_callers) : limit_(limit), max_callers_(std::max<std::size_t>(max_callers, 1)) {}

std::optional<Duration> RateLimiter::take(std::string_view caller, Timestamp now) {
  const std::lock_guard lock(mutex_);
  auto found = by_name_.find(caller);
  if (found == by_name_.end()) {
    if (by_use_.size() >= max_callers_) {
      by_name_.erase(by_use_.back().name);
      by_use_.pop_back();
    }
    by_use_.push_front({std::string(caller), now});
    found = by_name_.emplace(by_use_.front().name, by_use_.begin()).first;
  } else {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
  }
  Caller& known = *found->second;
  const Timestamp after = std::max(known.full_again, now) + cost();
  // The allowance is `count` costs: whoever would need longer than that to recover has used it up.
  if (const Duration over = after - (now + cost() * limit_.count); over > Duration{}) return over;
  known.full_again = after;
  return std::nullopt;
}

void RateLimiter::forget(std::string_view caller) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(caller);
  if (found == by_name_.end()) return;
  const auto entry = found->second;
  by_name_.erase(found);
  by_use_.erase(entry);
}

void RateLimiter::set_limit(RateLimit limit) {
  const std::lock_guard lock(mutex_);
  limit_ = limit;
}

std::size_t RateLimiter::callers() const {
  const std::lock_guard lock(mutex_);
  return by_use_.size();
}

}  // namespace consilium::runtime
