// The daemon of the tasks service: gives waiting tasks to consultants as soon as either side changes, takes back what is
// not answered in time, and tells those who wait their place. Woken by events, with a sweep besides. Runs on one loop.
#pragma once

#include <map>

#include "consilium/chat/v1/chat_service.h"
#include "runtime/event.h"
#include "runtime/rounds.h"
#include "services/tasks/service.h"

namespace consilium::tasks {

class AssignmentLoop {
 public:
  AssignmentLoop(runtime::Scheduler& loop, RandomSource& random, TaskService& tasks, chat::v1::Chat& chat, Settings settings,
                 runtime::Logger logger = {});

  // Spawns the loop; `stop` lets the running pass end and returns when it has.
  void start();
  Task<void> stop();
  // From any thread.
  void wake();

  // Passes that ended with an error since the start; each is tried again after the sweep interval.
  std::int64_t failures() const { return rounds_.failures(); }

 private:
  Task<void> run();
  Task<Result<void>> pass();
  Task<Result<void>> tell_places(runtime::Context& context);
  // Until the next due time, at most the sweep interval.
  Task<Result<void>> find_pause(runtime::Context& context);
  runtime::Context make_context() const;

  runtime::Scheduler& loop_;
  RandomSource& random_;
  TaskService& tasks_;
  chat::v1::Chat& chat_;
  Settings settings_;
  runtime::Gate woken_;
  runtime::Gate stopped_;
  bool stopping_ = false;
  Duration pause_;
  runtime::Rounds rounds_;
  std::map<Uuid, QueuePlace> told_;  // what each waiting client was told last
};

}  // namespace consilium::tasks
