// Words of the assignment that service, loop and consumers share.
#pragma once

#include <cstdint>

#include "base/id.h"
#include "base/time.h"
#include "consilium/tasks/v1/tasks.h"

namespace consilium::tasks {

// Whether a person takes new work as of now.
enum class OnlineChange : std::uint8_t { kOnline, kUnavailable, kGone };  // unavailable: connected, but paused or away

// Where somebody stands in the queue.
struct QueuePlace {
  Uuid task_id;
  Uuid reporter_user_id;
  std::int32_t position = 0;
  Timestamp since;
  v1::WaitReason reason = v1::WaitReason::kUnspecified;

  bool same_place(const QueuePlace& other) const { return position == other.position && reason == other.reason; }
};

}  // namespace consilium::tasks
