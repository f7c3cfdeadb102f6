// Many loops on virtual time in one thread: the whole platform runs in it under test. Time advances only when nothing
// is left to do at the present instant. Events run in the order of their time; among equal times the seed decides,
// except that what was posted to one loop keeps its order. The same seed and the same program give the same trace.
//
// A node is a process of the simulated cluster: its loops crash together and share a wall clock that may be wrong.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "runtime/scheduler.h"

namespace consilium::runtime {

class SimulatedWorld;

struct NodeId {
  std::uint32_t value = 0;
  auto operator<=>(const NodeId&) const = default;
};

class SimulatedScheduler final : public Scheduler {
 public:
  ~SimulatedScheduler() override;

  Timestamp now() const override;
  Timestamp steady_now() const override;
  // Dropped when the loop has crashed.
  void post(Action action) override;
  // Throws std::logic_error when called from an event of another loop: in a real process it would be a race.
  TimerId call_after(Duration delay, Action action) override;
  void cancel(TimerId timer) override;
  bool is_current() const override;

  // From any loop or from outside: as if a message arrived after `delay` (simulated network and disk).
  void post_after(Duration delay, Action action);

  SimulatedWorld& world() const { return world_; }
  NodeId node() const { return node_; }
  const std::string& name() const { return name_; }
  bool crashed() const { return crashed_; }

 private:
  friend class SimulatedWorld;
  SimulatedScheduler(SimulatedWorld& world, NodeId node, std::string name);
  void check_caller() const;

  SimulatedWorld& world_;
  NodeId node_;
  std::string name_;
  std::uint64_t name_hash_;
  bool crashed_ = false;
  std::deque<Action> posted_;
};

class SimulatedWorld {
 public:
  // A run that does not become idle within this many events is stuck.
  static constexpr std::uint64_t kMaxEventsOfRun = 50'000'000;
  // 2026-01-01T00:00:00Z
  static constexpr Timestamp kDefaultStart{1'767'225'600'000'000};

  explicit SimulatedWorld(std::uint64_t seed, Timestamp start = kDefaultStart);
  ~SimulatedWorld();
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  NodeId add_node(std::string name);
  // A loop of a node, for as long as the world lives; of a node that crashed: of its next life.
  SimulatedScheduler& add_loop(NodeId node, std::string name);
  // On node 0, which always exists.
  SimulatedScheduler& add_loop(std::string name) { return add_loop(NodeId{0}, std::move(name)); }

  // Runs the next event; false when there is none that may run.
  bool step();
  // Until nothing is left, periodic timers included. Throws std::runtime_error after kMaxEventsOfRun.
  void run_until_idle();
  // Everything due within `span`, then sets the time to its end.
  void run_for(Duration span);
  // Until `condition` holds (looked at after each event), at most for `span`. Whether it holds.
  bool run_until(const std::function<bool()>& condition, Duration span);

  // Pulls the plug: pending timers and posts of the node's loops are thrown away and the suspended frames of what they
  // spawned destroyed. Its loops stay dead; the owner then destroys the node's objects. Called from an event of that
  // very node it takes effect when the event ends.
  void crash(NodeId node);
  // The node stands still (a stopped process): its events run when it goes on, late.
  void pause(NodeId node);
  void resume(NodeId node);
  // Sets the wall clock of a node relative to true time; steady time is not touched.
  void set_clock_offset(NodeId node, Duration offset);
  Duration clock_offset(NodeId node) const { return nodes_.at(node.value).clock_offset; }

  Timestamp steady_now() const { return steady_; }
  Timestamp true_now() const { return start_ + (steady_ - Timestamp{}); }
  std::uint64_t seed() const { return seed_; }
  // For faults and loads; what the order of events takes comes from a stream of its own.
  RandomSource& random() { return random_; }
  // Over loop name, time and sequence number of each event run.
  std::uint64_t trace_hash() const { return trace_hash_; }
  std::uint64_t events_run() const { return events_run_; }
  std::size_t pending_events() const { return queue_.size(); }

 private:
  friend class SimulatedScheduler;

  struct Key {
    Timestamp time;
    std::uint64_t tie;
    std::uint64_t sequence;
    auto operator<=>(const Key&) const = default;
  };
  // Without action: the turn of the loop's oldest post.
  struct Event {
    SimulatedScheduler* loop;
    Action action;
  };
  struct Node {
    std::string name;
    Duration clock_offset;
    bool paused = false;
    std::vector<std::pair<TimerId, Event>> held;  // fell due while it was paused, in that order
  };

  TimerId add_event(Timestamp time, SimulatedScheduler& loop, Action action);
  void cancel(TimerId id);
  bool step_until(Timestamp end);
  void run_event(const Key& key, Event event);
  void crash_now(NodeId node);
  void crash_marked();

  std::uint64_t seed_;
  Timestamp start_;
  Timestamp steady_{};
  SeededRandom tie_random_;
  SeededRandom random_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t events_run_ = 0;
  std::uint64_t trace_hash_ = 0;
  SimulatedScheduler* current_ = nullptr;
  std::map<Key, Event> queue_;
  std::unordered_map<TimerId, Key> key_of_;
  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<SimulatedScheduler>> loops_;
  std::vector<NodeId> to_crash_;
};

}  // namespace consilium::runtime
