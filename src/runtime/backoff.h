// Pauses between attempts: doubling, bounded, and spread by chance so that many callers do not come back at once.
#pragma once

#include <algorithm>
#include <type_traits>

#include "base/random.h"
#include "base/result.h"
#include "runtime/context.h"

namespace consilium::runtime {

struct BackoffPolicy {
  Duration first = milliseconds(100);
  Duration longest = seconds(30);
};

class Backoff {
 public:
  explicit Backoff(BackoffPolicy policy) : policy_(policy), next_(policy.first) {}

  // Between half and all of the present pause; the next one is twice as long.
  Duration next(RandomSource& random) {
    const Duration whole = std::min(next_, policy_.longest);
    next_ = std::min(whole * 2, policy_.longest);
    const auto half = static_cast<std::uint64_t>(whole.microseconds / 2);
    return {whole.microseconds - static_cast<std::int64_t>(random.below(half + 1))};
  }
  void reset() { next_ = policy_.first; }

 private:
  BackoffPolicy policy_;
  Duration next_;
};

struct RetryPolicy {
  int attempts = 3;
  BackoffPolicy backoff;
};

// Whether the same call may succeed later.
inline bool is_worth_retrying(const Error& error) { return error.kind == ErrorKind::kUnavailable; }

// Calls `attempt()`, which gives Task<Result<T>>, until it succeeds, fails for good, the attempts are used up, or the
// next pause would end after the deadline; gives the last answer. Waits at least the error's `retry_after`. What it
// calls must be repeatable.
template <class Attempt>
auto retry(Context& context, RetryPolicy policy, Attempt attempt) -> std::invoke_result_t<Attempt&> {
  Backoff backoff(policy.backoff);
  for (int number = 1;; ++number) {
    auto answer = co_await attempt();
    if (answer || number >= policy.attempts || !is_worth_retrying(answer.error())) co_return answer;
    const Duration pause = std::max(backoff.next(context.random()), answer.error().retry_after.value_or(Duration{}));
    if (context.deadline && context.scheduler().steady_now() + pause >= *context.deadline) co_return answer;
    co_await context.scheduler().sleep_for(pause);
  }
}

}  // namespace consilium::runtime
