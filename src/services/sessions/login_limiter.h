// Slows down guessing of passwords. It counts attempts with one name from one address, so that nobody can lock another
// person out: from elsewhere they still log in. In memory; several processes each count for themselves. Any thread.
#pragma once

#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/time.h"
#include "services/sessions/settings.h"

namespace consilium::sessions {

class LoginLimiter {
 public:
  explicit LoginLimiter(LoginLimits limits) : limits_(limits) {}

  // Before each attempt. `sessions.too-many-attempts` says when to come back: each time the attempts of a window are used up
  // the wait doubles, up to `longest_block`. `now` is steady time.
  Result<void> admit(std::string_view name, std::string_view address, Timestamp now);
  // The password was right: forget the pair.
  void succeeded(std::string_view name, std::string_view address);

  std::size_t remembered() const;

 private:
  struct Attempts {
    std::string key;
    int count = 0;
    int blocks = 0;
    Timestamp window_start;
    Timestamp blocked_until;
    Timestamp last;
  };
  using Order = std::list<Attempts>;  // latest first

  Attempts& touch(std::string key, Timestamp now);
  Duration next_block(int blocks) const;

  LoginLimits limits_;
  mutable std::mutex mutex_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> entries_;  // by the key inside the list node
};

}  // namespace consilium::sessions
