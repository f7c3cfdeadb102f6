// What hubs hear in this process: a bell that rings after each commit that told somebody something, and the volatile signals
// (typing, presence, notices without a key), of which only the newest are kept. Durable events are in the database.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "runtime/bell.h"

namespace consilium::chat {

inline constexpr std::size_t kMaxSignals = 4'096;
inline constexpr std::size_t kMaxFeedWaiters = 256;

struct Signal {
  std::string type;
  std::string data;  // JSON
  Timestamp at;
  std::vector<Uuid> people;
  std::optional<Uuid> session_id;  // of the one person whose sockets of this session alone are meant
};

// For any thread. Outlives the loops whose tasks wait at it.
class Feed {
 public:
  Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  void ring() { bell_.ring(); }
  // Also rings.
  void signal(Signal signal);

  // How often it rang: taken before one looks for news, so that none slips in between looking and waiting.
  std::uint64_t rings() const { return bell_.rings(); }
  // Resumes on `loop` when it rang after `heard`, at the latest after `at_most`. Error kUnavailable beyond kMaxFeedWaiters.
  Task<Result<void>> wait(runtime::Scheduler& loop, std::uint64_t heard, Duration at_most);

  struct Taken {
    std::vector<Signal> signals;
    std::int64_t position = 0;  // to be named next
  };
  // Signals after `after`, whole ones, of together at most `max_people`, but at least one. A position that was never given
  // (-1, or one of an earlier process) means from now on.
  Taken take_after(std::int64_t after, std::size_t max_people) const;

 private:
  runtime::Bell bell_{kMaxFeedWaiters};
  mutable std::mutex mutex_;
  std::int64_t last_position_ = 0;
  std::deque<Signal> signals_;  // the last has last_position_
};

}  // namespace consilium::chat
