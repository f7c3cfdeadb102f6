// What a consumer group keeps in the tables of its service: its position and its parked events.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ports/bus/bus.h"

namespace consilium::bus {

inline constexpr Duration kRetryWhileAway = seconds(2);  // of what something needs that is away for a while

// Until the next try, after so many that failed.
Duration retry_delay(const RetryPolicy& policy, int attempts);

// Why an event could not be handled.
struct Fault {
  // `kAway` spends no attempt; `kUnknown` will not change before the program does: a dead letter at once.
  enum class Kind { kRefused, kAway, kUnknown };
  std::string code;
  Kind kind = Kind::kRefused;
};

struct ParkedEvent {
  Event event;
  int attempts = 0;
  Timestamp next_try;
};

// What became of an event that failed.
struct Fate {
  int attempts = 0;
  Timestamp next_try;
  std::string code;
  bool dead = false;
};

struct ParkedCounts {
  std::int64_t waiting = 0;
  std::int64_t dead = 0;
};

// Used inside transactions of the consuming service (or privileged ones).
class GroupTables {
 public:
  explicit GroupTables(const Consumer& consumer);

  // Makes the group known at position 0 when it is new.
  Result<std::int64_t> load_position(database::Transaction& transaction) const;
  // Error `bus.position-moved` when somebody else moved it: this process' view is old.
  Result<void> move_position(database::Transaction& transaction, std::int64_t from, std::int64_t to) const;

  Result<bool> is_parked(database::Transaction& transaction, const std::string& key) const;
  Result<Fate> park(database::Transaction& transaction, const Event& event, const Fault& fault, Timestamp now) const;
  // It waits behind an earlier event of its key, and is due as soon as it is the first.
  Result<void> park_behind(database::Transaction& transaction, const Event& event, Timestamp now) const;
  // The first parked event of each key that is not dead, those to be tried first at the front, at most `limit`.
  Result<std::vector<ParkedEvent>> heads(database::Transaction& transaction, int limit) const;
  // Also when its next try lies further ahead than it ever waits: the clock was set back meanwhile.
  bool is_due(const ParkedEvent& parked, Timestamp now) const;
  Result<void> unpark(database::Transaction& transaction, const Event& event) const;
  Result<Fate> failed_again(database::Transaction& transaction, const ParkedEvent& parked, const Fault& fault, Timestamp now) const;

  // Those before the place, or from the newest on; at most `limit`.
  Result<std::vector<DeadLetter>> dead_letters(database::Transaction& transaction, const std::optional<DeadLetterPlace>& before,
                                               int limit) const;
  // Error `bus.dead-letter-not-found`.
  Result<void> revive(database::Transaction& transaction, Uuid event_id) const;
  Result<ParkedCounts> counts(database::Transaction& transaction) const;

 private:
  Fate fate_after(int attempts, const Fault& fault, Timestamp now) const;
  Result<void> insert(database::Transaction& transaction, const Event& event, const Fate& fate, Timestamp now) const;

  std::string group_;
  std::string producer_;
  std::string consumer_table_;
  std::string parked_table_;
  RetryPolicy retry_;
};

}  // namespace consilium::bus
