// The real loop: one thread that runs one event queue of Boost.Asio. Asio itself stays out of this header; code that
// opens sockets takes the queue from `asio_context.h`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/scheduler.h"

namespace consilium::runtime {

// What a loop does when nothing is ready: it sleeps at once, or looks for a moment before (watch.h). For the loop of a server whose
// callers each wait for their answer, and only where there is another core for them.
enum class Idle : std::uint8_t { kSleeps, kWatches };
inline constexpr Duration kWatch = microseconds(150);

class AsioScheduler final : public Scheduler {
 public:
  explicit AsioScheduler(std::string name, Idle idle = Idle::kSleeps);
  // Stops, joins, then destroys suspended tasks. When tasks of several loops wait for each other, stop and join all
  // of the loops first (LoopGroup does).
  ~AsioScheduler() override;

  // Starts the thread; what was posted before runs then. Once.
  void start();
  // From any thread: the action that runs ends, nothing further is run. Does not wait.
  void stop();
  // Waits for the end of the thread. Not on this loop.
  void join();

  const std::string& name() const;

  Timestamp now() const override;
  Timestamp steady_now() const override;
  void post(Action action) override;
  // Throws std::logic_error when called on another thread than the running loop's: it would be a race.
  TimerId call_after(Duration delay, Action action) override;
  void cancel(TimerId timer) override;
  bool is_current() const override;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// The loops that own connections: one a core.
class LoopGroup {
 public:
  LoopGroup(std::string_view name, std::size_t count);
  // Stops and joins all, then destroys suspended tasks.
  ~LoopGroup();

  void start();
  void stop();
  void join();

  std::size_t size() const { return loops_.size(); }
  AsioScheduler& at(std::size_t index) { return *loops_.at(index); }
  // The owner of an object: the same key always gives the same loop.
  AsioScheduler& owner_of(std::size_t hash) { return *loops_[hash % loops_.size()]; }

 private:
  std::vector<std::unique_ptr<AsioScheduler>> loops_;
};

// Threads of the machine that this process may use, at least 1.
std::size_t available_cores();

}  // namespace consilium::runtime
