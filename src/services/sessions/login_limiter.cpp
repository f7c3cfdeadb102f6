#include "services/sessions/login_limiter.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"

namespace consilium::sessions {
namespace {

// Names are arbitrarily long and personal: only a digest is kept.
std::string key_of(std::string_view name, std::string_view address) { return sha256(std::string(name) + '\n' + std::string(address)); }

Failure too_many(Duration wait) {
  return fail(make_error(ErrorKind::kRateLimited, "sessions.too-many-attempts", "Expected fewer attempts with this name").retry_in(wait));
}

}  // namespace

Result<void> LoginLimiter::admit(std::string_view name, std::string_view address, Timestamp now) {
  const std::lock_guard lock(mutex_);
  Attempts& attempts = touch(key_of(name, address), now);
  if (now < attempts.blocked_until) return too_many(attempts.blocked_until - now);
  if (now - attempts.window_start >= limits_.window) {
    attempts.window_start = now;
    attempts.count = 0;
  }
  if (attempts.count < limits_.attempts) {
    ++attempts.count;
    return {};
  }
  const Duration wait = next_block(attempts.blocks++);
  attempts.blocked_until = now + wait;
  return too_many(wait);
}

void LoginLimiter::succeeded(std::string_view name, std::string_view address) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key_of(name, address));
  if (found == entries_.end()) return;
  const auto entry = found->second;
  entries_.erase(found);
  order_.erase(entry);
}

std::size_t LoginLimiter::remembered() const {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

LoginLimiter::Attempts& LoginLimiter::touch(std::string key, Timestamp now) {
  if (const auto found = entries_.find(key); found != entries_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    Attempts& attempts = order_.front();
    if (now - std::max(attempts.last, attempts.blocked_until) >= limits_.forget_after) attempts.blocks = 0;
    attempts.last = now;
    return attempts;
  }
  if (order_.size() >= limits_.remembered) {
    entries_.erase(order_.back().key);
    order_.pop_back();
  }
  order_.push_front({.key = std::move(key), .window_start = now, .blocked_until = now, .last = now});
  entries_.emplace(order_.front().key, order_.begin());
  return order_.front();
}

Duration LoginLimiter::next_block(int blocks) const {
  Duration wait = limits_.window;
  for (int i = 0; i < blocks && wait < limits_.longest_block; ++i) wait = wait * 2;
  return std::min(wait, limits_.longest_block);
}

}  // namespace consilium::sessions
