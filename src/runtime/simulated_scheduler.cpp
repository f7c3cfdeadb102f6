#include "runtime/simulated_scheduler.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace consilium::runtime {
namespace {

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

std::uint64_t hash_of(std::string_view text) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

SimulatedScheduler::SimulatedScheduler(SimulatedWorld& world, NodeId node, std::string name)
    : world_(world), node_(node), name_(std::move(name)), name_hash_(hash_of(name_)) {}

SimulatedScheduler::~SimulatedScheduler() = default;

Timestamp SimulatedScheduler::now() const { return world_.true_now() + world_.clock_offset(node_); }

Timestamp SimulatedScheduler::steady_now() const { return world_.steady_; }

void SimulatedScheduler::post(Action action) {
  if (crashed_) return;
  posted_.push_back(std::move(action));
  world_.add_event(world_.steady_, *this, nullptr);
}

TimerId SimulatedScheduler::call_after(Duration delay, Action action) {
  check_caller();
  if (crashed_) return 0;
  return world_.add_event(world_.steady_ + std::max(delay, Duration{}), *this, std::move(action));
}

void SimulatedScheduler::cancel(TimerId timer) {
  check_caller();
  world_.cancel(timer);
}

bool SimulatedScheduler::is_current() const { return world_.current_ == this; }

void SimulatedScheduler::post_after(Duration delay, Action action) {
  if (crashed_) return;
  world_.add_event(world_.steady_ + std::max(delay, Duration{}), *this, std::move(action));
}

void SimulatedScheduler::check_caller() const {
  if (!crashed_ && world_.current_ != nullptr && world_.current_ != this)
    throw std::logic_error("timers of " + name_ + " used from " + world_.current_->name_);
}

SimulatedWorld::SimulatedWorld(std::uint64_t seed, Timestamp start)
    : seed_(seed), start_(start), tie_random_(mix(seed, 1)), random_(mix(seed, 2)), trace_hash_(mix(seed, 3)) {
  add_node("node");
}

SimulatedWorld::~SimulatedWorld() {
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) crash_now(NodeId{node});
}

NodeId SimulatedWorld::add_node(std::string name) {
  nodes_.push_back({.name = std::move(name), .clock_offset = {}});
  return NodeId{static_cast<std::uint32_t>(nodes_.size() - 1)};
}

SimulatedScheduler& SimulatedWorld::add_loop(NodeId node, std::string name) {
  loops_.push_back(std::unique_ptr<SimulatedScheduler>(new SimulatedScheduler(*this, node, nodes_.at(node.value).name + "/" + name)));
  return *loops_.back();
}

TimerId SimulatedWorld::add_event(Timestamp time, SimulatedScheduler& loop, Action action) {
  const Key key{time, tie_random_.next(), ++last_sequence_};
  queue_.emplace(key, Event{&loop, std::move(action)});
  key_of_.emplace(key.sequence, key);
  return key.sequence;
}

void SimulatedWorld::cancel(TimerId id) {
  const auto found = key_of_.find(id);
  if (found != key_of_.end()) {
    const auto cancelled = queue_.extract(found->second);  // destroyed last: its destructor may set or cancel timers
    key_of_.erase(found);
    return;
  }
  for (Node& node : nodes_) {
    const auto held = std::find_if(node.held.begin(), node.held.end(), [id](const auto& entry) { return entry.first == id; });
    if (held == node.held.end()) continue;
    const Event cancelled = std::move(held->second);
    node.held.erase(held);
    return;
  }
}

bool SimulatedWorld::step() { return step_until(Timestamp::max()); }

bool SimulatedWorld::step_until(Timestamp end) {
  while (!queue_.empty() && queue_.begin()->first.time <= end) {
    auto next = queue_.extract(queue_.begin());
    key_of_.erase(next.key().sequence);
    steady_ = std::max(steady_, next.key().time);
    Node& node = nodes_[next.mapped().loop->node_.value];
    if (!node.paused) {
      run_event(next.key(), std::move(next.mapped()));
      return true;
    }
    node.held.emplace_back(next.key().sequence, std::move(next.mapped()));
  }
  return false;
}

void SimulatedWorld::run_event(const Key& key, Event event) {
  SimulatedScheduler& loop = *event.loop;
  std::string_view boundary = "timer";
  if (!event.action) {
    boundary = "post";
    event.action = std::move(loop.posted_.front());
    loop.posted_.pop_front();
  }
  ++events_run_;
  trace_hash_ = mix(mix(mix(trace_hash_, loop.name_hash_), static_cast<std::uint64_t>(key.time.microseconds)), key.sequence);
  SimulatedScheduler* const outer = std::exchange(current_, &loop);
  try {
    event.action();
  } catch (...) {
    report_current_exception(boundary);
  }
  event.action = nullptr;  // what it owned goes while its loop is the current one
  current_ = outer;
  if (current_ == nullptr) crash_marked();
}

void SimulatedWorld::run_until_idle() {
  for (std::uint64_t i = 0; step(); ++i) {
    if (i >= kMaxEventsOfRun) throw std::runtime_error("the simulated world does not become idle; seed " + std::to_string(seed_));
  }
}

void SimulatedWorld::run_for(Duration span) {
  run_until([] { return false; }, span);
}

bool SimulatedWorld::run_until(const std::function<bool()>& condition, Duration span) {
  const Timestamp end = steady_ + span;
  while (!condition()) {
    if (step_until(end)) continue;
    steady_ = std::max(steady_, end);
    return false;
  }
  return true;
}

void SimulatedWorld::crash(NodeId node) {
  if (current_ != nullptr && current_->node_ == node) {
    to_crash_.push_back(node);
  } else {
    crash_now(node);
  }
}

void SimulatedWorld::crash_marked() {
  while (!to_crash_.empty()) {
    const NodeId node = to_crash_.back();
    to_crash_.pop_back();
    crash_now(node);
  }
}

void SimulatedWorld::crash_now(NodeId node) {
  SimulatedScheduler* const outer = std::exchange(current_, nullptr);  // destructors of the dead belong to no loop
  std::vector<SimulatedScheduler*> dying;
  for (auto& loop : loops_) {
    if (loop->node_ == node && !std::exchange(loop->crashed_, true)) dying.push_back(loop.get());
  }
  for (auto* loop : dying) loop->destroy_spawned();
  std::vector<Event> dropped;
  for (auto& [id, event] : std::exchange(nodes_[node.value].held, {})) dropped.push_back(std::move(event));
  nodes_[node.value].paused = false;
  for (auto event = queue_.begin(); event != queue_.end();) {
    if (event->second.loop->node_ != node || !event->second.loop->crashed_) {
      ++event;
      continue;
    }
    dropped.push_back(std::move(event->second));
    key_of_.erase(event->first.sequence);
    event = queue_.erase(event);
  }
  dropped.clear();
  for (auto* loop : dying) {
    const auto posted = std::exchange(loop->posted_, {});
  }
  current_ = outer;
}

void SimulatedWorld::pause(NodeId node) { nodes_.at(node.value).paused = true; }

void SimulatedWorld::resume(NodeId node) {
  nodes_.at(node.value).paused = false;
  std::uint64_t order = 0;
  for (auto& [id, event] : std::exchange(nodes_.at(node.value).held, {})) {
    const Key key{steady_, order++, id};  // keeps the order in which they fell due, and the id for `cancel`
    queue_.emplace(key, std::move(event));
    key_of_.emplace(id, key);
  }
}

void SimulatedWorld::set_clock_offset(NodeId node, Duration offset) { nodes_.at(node.value).clock_offset = offset; }

}  // namespace consilium::runtime
