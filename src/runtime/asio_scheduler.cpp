#include "runtime/asio_scheduler.h"

#include <sched.h>
#include <ctime>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "runtime/asio_context.h"
#include "runtime/named_thread.h"
#include "runtime/timer_queue.h"
#include "runtime/watch.h"

namespace consilium::runtime {
namespace {

Timestamp read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000};
}

void run_guarded(std::string_view boundary, Action& action) {
  try {
    action();
  } catch (...) {
    report_current_exception(boundary);
  }
}

thread_local const AsioScheduler* loop_of_this_thread = nullptr;

}  // namespace

struct AsioScheduler::State {
  State(std::string loop_name, Idle when_idle)
      : name(std::move(loop_name)), idle(when_idle), alarm(context), work(context.get_executor()) {}

  const std::string name;
  const Idle idle;
  boost::asio::io_context context{1};
  boost::asio::steady_timer alarm;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  TimerQueue timers;
  std::optional<Timestamp> alarm_due;
  std::optional<NamedThread> thread;
  Watch watch;

  // Posted actions are kept here and not in Asio, so that they can be thrown away, and many cost one wake-up.
  std::mutex posted_mutex;
  std::deque<Action> posted;
  bool drain_is_queued = false;
  bool closed = false;

  void post(Action action) {
    const std::lock_guard lock(posted_mutex);
    if (closed) return;
    posted.push_back(std::move(action));
    if (!std::exchange(drain_is_queued, true)) boost::asio::post(context, [this] { drain(); });
  }

  // Runs what was posted up to now; what is posted meanwhile waits for the next turn, so that sockets get theirs.
  void drain() {
    std::deque<Action> batch;
    {
      const std::lock_guard lock(posted_mutex);
      batch.swap(posted);
    }
    while (!batch.empty() && !context.stopped()) {
      Action action = std::move(batch.front());
      batch.pop_front();
      run_guarded("post", action);
    }
    const std::lock_guard lock(posted_mutex);
    drain_is_queued = !posted.empty();
    if (drain_is_queued) boost::asio::post(context, [this] { drain(); });
  }

  // Destructors of actions may post and set timers: until nothing is left.
  void discard_pending() {
    for (;;) {
      std::deque<Action> dropped;
      {
        const std::lock_guard lock(posted_mutex);
        closed = true;
        dropped.swap(posted);
      }
      auto timer = timers.take_due(Timestamp::max());
      if (dropped.empty() && !timer) return;
    }
  }

  // Before the start and after the end there is no thread to race with.
  void check_caller(bool on_loop) const {
    if (!on_loop && thread && thread->joinable()) throw std::logic_error("timers belong to their loop: " + name);
  }

  // One Asio timer serves all of the loop's: it is set to the earliest.
  void set_alarm() {
    const auto due = timers.next_due();
    if (!due || (alarm_due && *alarm_due <= *due)) return;
    alarm_due = due;
    const auto delay = std::max<std::int64_t>(0, due->microseconds - read_clock(CLOCK_MONOTONIC).microseconds);
    alarm.expires_after(std::chrono::microseconds(delay));
    alarm.async_wait([this](const boost::system::error_code& error) {
      if (error) return;  // it was set anew
      alarm_due.reset();
      fire_due();
      set_alarm();
    });
  }

  void fire_due() {
    const Timestamp start = read_clock(CLOCK_MONOTONIC);  // what is set meanwhile waits for the next turn
    while (auto action = timers.take_due(start)) {
      if (context.stopped()) return;
      run_guarded("timer", *action);
    }
  }

  void run_watching() {
    while (!context.stopped()) {
      context.poll();
      if (!watch.is_due()) {
        context.run_one();
      } else if (sees_something()) {
        watch.has_paid();
      } else {
        watch.was_in_vain();
        context.run_one();
      }
    }
  }

  // And does it.
  bool sees_something() {
    const Timestamp end = read_clock(CLOCK_MONOTONIC) + kWatch;
    while (!context.stopped() && read_clock(CLOCK_MONOTONIC) < end) {
      if (context.poll_one() > 0) return true;
    }
    return false;
  }

  void run() {
    for (;;) {
      try {
        if (idle == Idle::kWatches)
          run_watching();
        else
          context.run();
        return;
      } catch (...) {  // of a handler that code outside gave to Asio
        report_current_exception("loop");
      }
    }
  }
};

AsioScheduler::AsioScheduler(std::string name, Idle idle) : state_(std::make_unique<State>(std::move(name), idle)) {}

AsioScheduler::~AsioScheduler() {
  stop();
  join();
  destroy_spawned();
  state_->discard_pending();
}

void AsioScheduler::start() {
  if (state_->thread) throw std::logic_error("the loop has been started before: " + state_->name);
  state_->thread.emplace(state_->name, [this] {
    loop_of_this_thread = this;
    state_->run();
    loop_of_this_thread = nullptr;
  });
}

void AsioScheduler::stop() { state_->context.stop(); }

void AsioScheduler::join() {
  if (state_->thread) state_->thread->join();
}

const std::string& AsioScheduler::name() const { return state_->name; }

Timestamp AsioScheduler::now() const { return read_clock(CLOCK_REALTIME); }

Timestamp AsioScheduler::steady_now() const { return read_clock(CLOCK_MONOTONIC); }

void AsioScheduler::post(Action action) { state_->post(std::move(action)); }

TimerId AsioScheduler::call_after(Duration delay, Action action) {
  state_->check_caller(is_current());
  const TimerId id = state_->timers.add(steady_now() + std::max(delay, Duration{}), std::move(action));
  state_->set_alarm();
  return id;
}

void AsioScheduler::cancel(TimerId timer) {
  state_->check_caller(is_current());
  const auto cancelled = state_->timers.take(timer);  // destroyed last: its destructor may set or cancel timers
}

bool AsioScheduler::is_current() const { return loop_of_this_thread == this; }

LoopGroup::LoopGroup(std::string_view name, std::size_t count) {
  for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i)
    loops_.push_back(std::make_unique<AsioScheduler>(std::string(name) + "-" + std::to_string(i)));
}

LoopGroup::~LoopGroup() {
  stop();
  join();
}

void LoopGroup::start() {
  for (auto& loop : loops_) loop->start();
}

void LoopGroup::stop() {
  for (auto& loop : loops_) loop->stop();
}

void LoopGroup::join() {
  for (auto& loop : loops_) loop->join();
}

std::size_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(CPU_COUNT(&set), 1));
}

boost::asio::io_context& io_context_of(Scheduler& loop) {
  auto* real = dynamic_cast<AsioScheduler*>(&loop);
  if (real == nullptr) throw std::logic_error("a simulated loop has no sockets");
  return real->state().context;
}

}  // namespace consilium::runtime
