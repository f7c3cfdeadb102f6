// What leases of sockets are measured by: the wall clock as it was when first asked, and from then on steady time. Setting the
// machine's clock neither ends a lease of this process nor prolongs it; what is stored can be read by the next one.
#pragma once

#include <atomic>
#include <limits>

#include "runtime/context.h"

namespace consilium::chat {

class LeaseClock {
 public:
  // Any thread.
  Timestamp now(const runtime::Context& context) const {
    const Timestamp steady = context.scheduler().steady_now();
    std::int64_t ahead = ahead_.load(std::memory_order_relaxed);
    if (ahead == kUnknown) {
      const std::int64_t measured = (context.now() - steady).microseconds;
      if (ahead_.compare_exchange_strong(ahead, measured, std::memory_order_relaxed)) ahead = measured;
    }
    return steady + microseconds(ahead);
  }

 private:
  static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
  mutable std::atomic<std::int64_t> ahead_{kUnknown};  // of steady time
};

}  // namespace consilium::chat
