// Heavy or blocking work (password hashing, big files) outside the loops: a few threads with a bounded queue.
// The caller's loop goes on meanwhile; the answer comes back to it.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/context.h"
#include "runtime/named_thread.h"

namespace consilium::runtime {

namespace blocking_pool_detail {

template <class T>
struct ResultOf {
  using Type = Result<T>;
};
template <class T>
struct ResultOf<Result<T>> {
  using Type = Result<T>;
};

}  // namespace blocking_pool_detail

class BlockingPool {
 public:
  // Work that waits for a thread.
  static constexpr std::size_t kDefaultQueue = 256;

  virtual ~BlockingPool() = default;

  // Runs `function()`, which gives T or Result<T>, and gives Result<T>. Errors of its own: `runtime.pool-overloaded`
  // (kUnavailable) when the queue is full, `request.deadline-exceeded` when the deadline passed before its turn.
  // An exception in `function` reaches the caller.
  template <class Function>
  auto run(Context& context, Function function) -> Task<typename blocking_pool_detail::ResultOf<std::invoke_result_t<Function&>>::Type> {
    using Answer = typename blocking_pool_detail::ResultOf<std::invoke_result_t<Function&>>::Type;
    auto job = std::make_shared<Job<Function, Answer>>(context.scheduler(), context.deadline, std::move(function));
    Wait<Job<Function, Answer>> wait{*this, job};
    co_await wait;
    if (job->exception) std::rethrow_exception(job->exception);
    co_return std::move(*job->answer);
  }

 protected:
  // Runs once, on any thread; resumes the caller by a post to its loop.
  using Work = std::move_only_function<void()>;
  // False when the queue is full. `loop` is the caller's.
  virtual bool submit(Scheduler& loop, Work work) = 0;

  static Error overloaded();
  static Error too_late();

 private:
  // Shared by the caller's frame and the pool, so that either may go first.
  template <class Function, class Answer>
  struct Job {
    Job(Scheduler& caller, std::optional<Timestamp> until, Function work) : loop(caller), deadline(until), function(std::move(work)) {}

    Scheduler& loop;
    std::optional<Timestamp> deadline;
    Function function;
    std::optional<Answer> answer;
    std::exception_ptr exception;

    void execute() {
      try {
        if (deadline && loop.steady_now() >= *deadline) {
          answer.emplace(fail(too_late()));
        } else if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
          function();
          answer.emplace();
        } else {
          answer.emplace(function());
        }
      } catch (...) {
        exception = std::current_exception();
      }
    }
  };

  template <class SomeJob>
  struct Wait {
    BlockingPool& pool;
    std::shared_ptr<SomeJob> job;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> caller) {
      const bool taken = pool.submit(job->loop, [work = job, caller] {
        work->execute();
        work->loop.post([caller] { caller.resume(); });
      });
      if (!taken) job->answer.emplace(fail(overloaded()));
      return taken;
    }
    void await_resume() const noexcept {}
  };
};

// Threads of the machine. Destroy it before the loops of its callers.
class ThreadPool final : public BlockingPool {
 public:
  ThreadPool(std::string name, std::size_t threads, std::size_t queue = kDefaultQueue);
  // Ends what runs; what waits is dropped, its callers are not resumed.
  ~ThreadPool() override;

  std::size_t queued() const;

 protected:
  bool submit(Scheduler& loop, Work work) override;

 private:
  void serve();

  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Work> waiting_;
  std::size_t capacity_;
  bool stopping_ = false;
  std::vector<NamedThread> threads_;
};

// Virtual time: a job takes `cost`, `threads` at a time, and runs inline in an event of the caller's loop.
class SimulatedPool final : public BlockingPool {
 public:
  SimulatedPool(Duration cost, std::size_t threads, std::size_t queue = kDefaultQueue)
      : cost_(cost), free_at_(std::max<std::size_t>(threads, 1)), capacity_(queue) {}

 protected:
  bool submit(Scheduler& loop, Work work) override;

 private:
  Duration cost_;
  std::vector<Timestamp> free_at_;  // a thread each
  std::size_t capacity_;
  std::shared_ptr<std::size_t> waiting_ = std::make_shared<std::size_t>(0);
};

}  // namespace consilium::runtime
