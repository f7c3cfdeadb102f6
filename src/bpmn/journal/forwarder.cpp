#include "bpmn/journal/forwarder.h"

#include <algorithm>
#include <utility>

#include "runtime/backoff.h"

namespace consilium::bpmn::journal {

Forwarder::Forwarder(database::Database& database, runtime::Scheduler& loop, RandomSource& random, database::CommitLog& log,
                     Partition& partition)
    : database_(database),
      loop_(loop),
      random_(random),
      log_(log),
      partition_(partition),
      context_(loop, random),
      work_(loop),
      due_(loop),
      forwarded_(loop) {
  context_.client = runtime::ClientType::kTimer;
  context_.caller.kind = runtime::Caller::Kind::kService;
  context_.caller.service = "processes";
}

void Forwarder::start() {
  stopping_ = false;
  running_ = true;
  hurry_to_ = 0;
  failure_.reset();
  loop_.spawn("process-forwarder", run());
}

Task<void> Forwarder::stop() {
  stopping_ = true;
  work_.notify_all();
  due_.notify_all();
  while (running_) co_await forwarded_.wait();
  waiting_.clear();
  records_ = 0;
  checkpoints_ = 0;
}

Task<Result<void>> Forwarder::make_room(std::size_t bytes) {
  while (running_ && !failure_ && !log_.has_room(bytes)) {
    if (!waiting_.empty()) hurry(waiting_.back().steps.last());
    co_await forwarded_.wait();
  }
  if (failure_) co_return fail(*failure_);
  if (!running_) co_return fail(ErrorKind::kUnavailable, "database.closed", "Expected an open database, but it is closed");
  co_return Result<void>();
}

Result<void> Forwarder::keep(Steps steps, std::string_view frame) {
  ASSIGN_OR_RETURN(const std::uint64_t number, log_.append(frame));
  records_ += static_cast<std::int64_t>(steps.records.size());
  waiting_.push_back({std::move(steps), number, std::nullopt});
  if (waiting_.size() == 1) work_.notify_all();
  if (records_ >= kForwardRecords) due_.notify_all();
  return {};
}

void Forwarder::add_checkpoint(CheckpointRows rows) {
  waiting_.back().checkpoint = std::move(rows);
  ++checkpoints_;
}

Task<Result<void>> Forwarder::settle(std::int64_t position) {
  while (running_ && !failure_ && partition_.position < position) {
    hurry(position);
    co_await forwarded_.wait();
  }
  if (partition_.position >= position) co_return Result<void>();
  if (failure_) co_return fail(*failure_);
  co_return fail(ErrorKind::kUnavailable, "database.closed", "Expected an open database, but it is closed");
}

void Forwarder::hurry(std::int64_t position) {
  hurry_to_ = std::max(hurry_to_, position);
  due_.notify_all();
}

Task<void> Forwarder::run() {
  runtime::Backoff pause({.first = kForwardRetry, .longest = kLongestForwardRetry});
  while (!stopping_) {
    if (waiting_.empty()) {
      co_await work_.wait();
      continue;
    }
    if (!is_due()) co_await due_.wait_for(kForwardDelay);
    if (stopping_) break;
    auto done = co_await forward();
    if (done) {
      failure_.reset();
      pause.reset();
      forwarded_.notify_all();
    } else if (done.error().code == "database.overloaded") {
      co_await loop_.sleep_for(kForwardRetryWhenBusy);
    } else {
      failure_ = std::move(done).error();
      forwarded_.notify_all();
      co_await work_.wait_for(pause.next(random_));
    }
  }
  running_ = false;
  forwarded_.notify_all();
}

// One transaction: up to the next checkpoint, or as many as it may have.
Task<Result<void>> Forwarder::forward() {
  Advance advance;
  std::int64_t records = 0;
  std::uint64_t frame = 0;
  for (const Waiting& next : waiting_) {
    if (advance.checkpoint || records >= kMaxForwardedRecords) break;
    advance.steps.push_back(&next.steps);
    records += static_cast<std::int64_t>(next.steps.records.size());
    frame = next.frame;
    if (next.checkpoint) advance.checkpoint = &*next.checkpoint;
  }
  const Partition now = partition_;
  const Partition then = after(now, advance, advance.steps.back()->counter);
  auto write_all = [&now, &then, &advance](database::Transaction& transaction) { return write(transaction, now, then, advance); };
  CO_TRY(co_await database_.write(context_, write_all));
  partition_ = then;
  log_.release(frame);
  if (advance.checkpoint) --checkpoints_;
  records_ -= records;
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(advance.steps.size()));
  co_return Result<void>();
}

}  // namespace consilium::bpmn::journal
