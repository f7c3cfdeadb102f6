// Runs many tasks of one loop at the same time and waits for all of them.
#pragma once

#include <algorithm>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/task.h"

namespace consilium::runtime {

namespace when_all_detail {

// One run of `when_all`: lives in its frame. A lane is a coroutine that takes the next task when it has ended one.
template <class T>
struct Run {
  using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>>;

  std::vector<Task<T>> tasks;
  std::vector<Stored> results;
  std::size_t next = 0;
  std::size_t lanes_running = 0;
  std::exception_ptr first_exception;
  std::coroutine_handle<> waiting;
};

struct Lane {
  struct promise_type {
    std::size_t* lanes_running = nullptr;
    std::coroutine_handle<>* waiting = nullptr;

    template <class T>
    explicit promise_type(Run<T>& run) : lanes_running(&run.lanes_running), waiting(&run.waiting) {}

    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) const noexcept {
        promise_type& promise = ended.promise();
        if (--*promise.lanes_running > 0) return std::noop_coroutine();
        return *promise.waiting;
      }
      void await_resume() const noexcept {}
    };

    Lane get_return_object() { return Lane(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }  // run_lane catches all
  };

  explicit Lane(std::coroutine_handle<promise_type> frame) : handle(frame) {}
  Lane(Lane&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Lane& operator=(Lane&&) = delete;
  ~Lane() {
    if (handle) handle.destroy();
  }
  std::coroutine_handle<promise_type> handle;
};

template <class T>
Lane run_lane(Run<T>& run) {
  while (run.next < run.tasks.size()) {
    const std::size_t index = run.next++;
    Task<T> task = std::move(run.tasks[index]);
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
      } else {
        run.results[index].emplace(co_await std::move(task));
      }
    } catch (...) {
      if (!run.first_exception) run.first_exception = std::current_exception();
    }
  }
}

struct Start {
  std::vector<Lane>& lanes;
  std::size_t& lanes_running;
  std::coroutine_handle<>& waiting;

  bool await_ready() const noexcept { return lanes.empty(); }
  bool await_suspend(std::coroutine_handle<> caller) {
    waiting = std::noop_coroutine();  // while lanes that end at once are started
    lanes_running = lanes.size() + 1;
    for (Lane& lane : lanes) lane.handle.resume();
    waiting = caller;
    return --lanes_running > 0;
  }
  void await_resume() const noexcept {}
};

template <class T>
Task<void> run_all(Run<T>& run, std::size_t at_once) {
  std::vector<Lane> lanes;
  const std::size_t count = std::min(run.tasks.size(), std::max<std::size_t>(at_once, 1));
  lanes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) lanes.push_back(run_lane(run));
  Start start{lanes, run.lanes_running, run.waiting};
  co_await start;
  if (run.first_exception) std::rethrow_exception(run.first_exception);
}

}  // namespace when_all_detail

// How many tasks run at once unless the caller says otherwise.
inline constexpr std::size_t kWhenAllAtOnce = 64;

// Results in the order of `tasks`. All tasks start and end on the caller's loop; they are started in order, `at_once`
// at a time. When some throw, the first exception is rethrown after all have ended.
template <class T>
  requires(!std::is_void_v<T>)
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks, std::size_t at_once = kWhenAllAtOnce) {
  when_all_detail::Run<T> run;
  run.tasks = std::move(tasks);
  run.results.resize(run.tasks.size());
  co_await when_all_detail::run_all(run, at_once);
  std::vector<T> results;
  results.reserve(run.results.size());
  for (auto& result : run.results) results.push_back(std::move(*result));
  co_return results;
}

inline Task<void> when_all(std::vector<Task<void>> tasks, std::size_t at_once = kWhenAllAtOnce) {
  when_all_detail::Run<void> run;
  run.tasks = std::move(tasks);
  co_await when_all_detail::run_all(run, at_once);
}

}  // namespace consilium::runtime
