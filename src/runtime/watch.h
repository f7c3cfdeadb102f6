// Whether a loop with nothing to do looks for a moment before it sleeps. Sleeping and being woken on another core cost tens of
// microseconds: who is asked again sooner than that is better awake. While watching pays it is done before each sleep; the more
// often it did not, the more rarely it is tried, so that a loop with little to do uses no processor for it.
#pragma once

#include <algorithm>

namespace consilium::runtime {

inline constexpr int kMostSleepsUnwatched = 64;

class Watch {
 public:
  // Asked before each sleep.
  bool is_due() {
    if (sleeps_left_ == 0) return true;
    --sleeps_left_;
    return false;
  }
  void has_paid() { pause_ = 0; }
  void was_in_vain() { sleeps_left_ = pause_ = std::clamp(2 * pause_, 1, kMostSleepsUnwatched); }

 private:
  int pause_ = 0;  // sleeps between two tries
  int sleeps_left_ = 0;
};

}  // namespace consilium::runtime
