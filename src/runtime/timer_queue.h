// The pending timers of one loop, ordered by due time, then by the order in which they were set. One thread.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "runtime/scheduler.h"

namespace consilium::runtime {

class TimerQueue {
 public:
  TimerId add(Timestamp due, Action action) {
    const TimerId id = ++last_id_;
    pending_.emplace(std::pair(due, id), std::move(action));
    due_of_.emplace(id, due);
    return id;
  }

  // The action is given back so that the caller destroys it after the queue is in order again.
  std::optional<Action> take(TimerId id) {
    const auto due = due_of_.find(id);
    if (due == due_of_.end()) return std::nullopt;
    auto node = pending_.extract(std::pair(due->second, id));
    due_of_.erase(due);
    return std::move(node.mapped());
  }

  // The next action due at `now` or before.
  std::optional<Action> take_due(Timestamp now) {
    if (pending_.empty() || pending_.begin()->first.first > now) return std::nullopt;
    return take(pending_.begin()->first.second);
  }

  std::optional<Timestamp> next_due() const {
    if (pending_.empty()) return std::nullopt;
    return pending_.begin()->first.first;
  }

  std::size_t size() const { return pending_.size(); }

 private:
  std::map<std::pair<Timestamp, TimerId>, Action> pending_;
  std::unordered_map<TimerId, Timestamp> due_of_;
  TimerId last_id_ = 0;
};

}  // namespace consilium::runtime
