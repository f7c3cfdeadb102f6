// Words of the assignment that service, loop and consumers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// Open tasks of a group in one status.
struct StatusCount {
  std::string group;
  v1::Substatus substatus{};
  std::int64_t tasks = 0;
};

// How the queue is just now.
struct QueueFigures {
  std::int64_t waiting = 0;
  std::optional<Timestamp> longest_since;  // when the one who waits longest asked
  std::int64_t failures = 0;               // since the start: tries to change one task of many that came to nothing
  std::vector<StatusCount> open;
};

// Hears of what happened in the queue, after the commit, perhaps twice after a failure. This one does nothing.
class QueueObserver {
 public:
  virtual ~QueueObserver() = default;
  // `waited`: since the request was made.
  virtual void on_assigned(Duration waited) { static_cast<void>(waited); }
  // `cause`: `returned`, `unanswered`, `offline`, `reassigned`.
  virtual void on_returned(std::string_view cause) { static_cast<void>(cause); }
  virtual void on_closed(const v1::Task& task) { static_cast<void>(task); }
};

}  // namespace consilium::tasks
