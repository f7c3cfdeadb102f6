#include "ports/bus/local/recent_events.h"

#include <algorithm>

namespace consilium::bus {

void RecentEvents::Tail::start_at(std::int64_t position) {
  events.clear();
  bytes = 0;
  from = to = position;
  seen_at.reset();
}

void RecentEvents::Tail::add(std::vector<Event> more) {
  for (Event& event : more) {
    to = event.position;
    bytes += event.payload.size();
    events.push_back(std::move(event));
  }
  while (events.size() > kRecentEvents || bytes > kRecentBytes) {
    from = events.front().position;
    bytes -= events.front().payload.size();
    events.pop_front();
  }
}

std::vector<Event> RecentEvents::Tail::after(std::int64_t position, int limit) const {
  const auto first = std::ranges::upper_bound(events, position, {}, &Event::position);
  const auto count = std::min<std::ptrdiff_t>(events.end() - first, limit);
  return {first, first + count};
}

RecentEvents::Tail& RecentEvents::tail_of(const Reading& reading) {
  const auto found = tails_.find(reading.producer);
  if (found != tails_.end()) return found->second;
  const auto* changes = store_.service(reading.producer).changes_of(reading.producer + "_outbox");
  Tail& tail = tails_.try_emplace(reading.producer, loop_, changes).first->second;
  tail.start_at(reading.after);
  return tail;
}

Task<Result<std::vector<Event>>> RecentEvents::read(runtime::Context& context, Reading reading) {
  if (!loop_.is_current()) co_return co_await outbox_.read(context, std::move(reading));
  Tail& tail = tail_of(reading);
  if (tail.changes == nullptr) co_return co_await outbox_.read(context, std::move(reading));
  for (;;) {
    if (tail.is_read && reading.after >= tail.to) {
      co_await tail.was_read.wait();
      continue;
    }
    if (reading.after > tail.to) tail.start_at(reading.after);  // the furthest group decides what is kept
    if (reading.after < tail.from) co_return co_await outbox_.read(context, std::move(reading));
    std::vector<Event> events = tail.after(reading.after, reading.limit);
    if (!events.empty() || tail.is_at_end()) co_return events;
    CO_TRY(co_await read_on(context, tail, reading));
  }
}

// There is one writer, so positions become visible in their order: what a later read finds lies behind what is kept.
Task<Result<void>> RecentEvents::read_on(runtime::Context& context, Tail& tail, Reading reading) {
  const std::uint64_t before = tail.changes->load(std::memory_order_acquire);
  reading.after = tail.to;
  reading.limit = kRecentAtOnce;
  tail.is_read = true;
  auto events = co_await outbox_.read(context, std::move(reading));
  tail.is_read = false;
  tail.was_read.notify_all();
  if (!events) co_return std::unexpected(std::move(events.error()));
  if (events->size() < kRecentAtOnce) tail.seen_at = before;
  tail.add(*std::move(events));
  co_return Result<void>();
}

Task<Result<std::int64_t>> RecentEvents::newest(runtime::Context& context, std::string producer) {
  return outbox_.newest(context, std::move(producer));
}

void RecentEvents::on_new(const std::string& producer, std::function<void()> wake) { outbox_.on_new(producer, std::move(wake)); }

}  // namespace consilium::bus
