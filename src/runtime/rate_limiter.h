// How often callers may do something: `count` times in `interval` each, all of it at once if they like. Remembers a
// bounded number of callers; when there are more, the one not seen for longest is forgotten (and starts anew). Safe to
// use from any thread.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace consilium::runtime {

struct RateLimit {
  std::int64_t count = 1;
  Duration interval = seconds(1);
};

class RateLimiter {
 public:
  RateLimiter(RateLimit limit, std::size_t max_callers);

  // Nothing: allowed, and counted. Else how long to wait; a refused attempt is not counted. `now` is steady time.
  std::optional<Duration> take(std::string_view caller, Timestamp now);
  // Forgets a caller, e.g. after a successful login.
  void forget(std::string_view caller);
  // For a changed configuration; callers keep what they have used.
  void set_limit(RateLimit limit);

  std::size_t callers() const;

 private:
  struct Caller {
    std::string name;
    Timestamp full_again;  // when the caller has its whole allowance back
  };

  Duration cost() const { return limit_.interval / limit_.count; }

  mutable std::mutex mutex_;
  RateLimit limit_;
  std::size_t max_callers_;
  std::list<Caller> by_use_;  // latest first
  std::unordered_map<std::string_view, std::list<Caller>::iterator> by_name_;
};

}  // namespace consilium::runtime
