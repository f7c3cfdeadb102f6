#include "services/tasks/assignment_loop.h"

#include <algorithm>

#include "base/json_writer.h"

namespace consilium::tasks {
namespace {

// `{taskId, position, since, reason}`: what the socket event `queue.position` carries.
std::string place_json(const QueuePlace& place) {
  return encode_json(v1::QueuePosition{place.task_id, static_cast<std::int32_t>(place.position), place.since, place.reason});
}

}  // namespace

AssignmentLoop::AssignmentLoop(runtime::Scheduler& loop, RandomSource& random, TaskService& tasks, chat::v1::Chat& chat, Settings settings,
                               runtime::Logger logger)
    : loop_(loop),
      random_(random),
      tasks_(tasks),
      chat_(chat),
      settings_(settings),
      woken_(loop),
      stopped_(loop),
      rounds_("tasks.assignment", logger) {}

void AssignmentLoop::start() { loop_.spawn("tasks.assignment", run()); }

Task<void> AssignmentLoop::stop() {
  stopping_ = true;
  woken_.open();
  co_await stopped_.wait();
}

void AssignmentLoop::wake() {
  loop_.post([this] { woken_.open(); });
}

runtime::Context AssignmentLoop::make_context() const {
  runtime::Context context(loop_, random_);
  context.client = runtime::ClientType::kTimer;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "tasks";
  return context;
}

Task<void> AssignmentLoop::run() {
  const auto one = [this] { return pass(); };
  while (!stopping_) {
    // Closed first: whoever wakes during the pass causes another one.
    woken_.close();
    pause_ = settings_.sweep;
    co_await rounds_.run(one);
    co_await woken_.wait_for(pause_);
  }
  stopped_.open();
}

Task<Result<void>> AssignmentLoop::pass() {
  runtime::Context context = make_context();
  for (;;) {
    auto returned = co_await tasks_.return_unanswered(context);
    if (!returned) co_return fail(std::move(returned).error());
    if (*returned < settings_.batch) break;
  }
  for (;;) {
    auto assigned = co_await tasks_.assign_waiting(context);
    if (!assigned) co_return fail(std::move(assigned).error());
    if (*assigned < settings_.batch) break;
  }
  CO_TRY(co_await tell_places(context));
  auto found = co_await find_pause(context);
  co_return found;
}

Task<Result<void>> AssignmentLoop::tell_places(runtime::Context& context) {
  auto places = co_await tasks_.queue_places(context);
  if (!places) co_return fail(std::move(places).error());
  std::map<Uuid, QueuePlace> now;
  for (const QueuePlace& place : *places) now[place.task_id] = place;
  for (const auto& [task_id, place] : now) {
    const auto before = told_.find(task_id);
    if (before != told_.end() && before->second.same_place(place)) continue;
    chat::v1::NotifyRequest request;
    request.user_ids = {place.reporter_user_id};
    request.type = "queue.position";
    request.data = JsonText{place_json(place)};
    auto sent = co_await chat_.notify(context, request);
    if (!sent) co_return fail(std::move(sent).error());
  }
  told_ = std::move(now);
  co_return Result<void>();
}

Task<Result<void>> AssignmentLoop::find_pause(runtime::Context& context) {
  auto due = co_await tasks_.next_due(context);
  if (!due) co_return fail(std::move(due).error());
  if (*due) pause_ = std::clamp(**due - context.now(), milliseconds(10), settings_.sweep);
  co_return Result<void>();
}

}  // namespace consilium::tasks
