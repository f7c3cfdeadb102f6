// The newest events of each producer, read from its outbox once for all groups: most groups are at the end of the outbox and
// want the same few events, or want to hear that there are no more. Who is further back reads the outbox itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ports/bus/event_source.h"
#include "ports/database/store.h"
#include "runtime/event.h"

namespace consilium::bus {

inline constexpr std::size_t kRecentEvents = 256;        // kept of a producer
inline constexpr std::size_t kRecentBytes = 512 * 1024;  // of their payloads
inline constexpr int kRecentAtOnce = 64;                 // events of one read

class RecentEvents final : public EventSource {
 public:
  // Loop, store and outbox outlive it. Reads on another loop than this one go to the outbox. Where the store does not count
  // changes (read_cache.h), nothing is kept.
  RecentEvents(runtime::Scheduler& loop, database::Store& store, EventSource& outbox) : loop_(loop), store_(store), outbox_(outbox) {}

  Task<Result<std::vector<Event>>> read(runtime::Context& context, Reading reading) override;
  Task<Result<std::int64_t>> newest(runtime::Context& context, std::string producer) override;
  void on_new(const std::string& producer, std::function<void()> wake) override;

 private:
  // All events of the outbox after `from` up to `to`.
  struct Tail {
    Tail(runtime::Scheduler& loop, const std::atomic<std::uint64_t>* counted) : changes(counted), was_read(loop) {}

    // Whether nothing was written since the end of the outbox was seen.
    bool is_at_end() const { return seen_at && *seen_at == changes->load(std::memory_order_acquire); }
    void start_at(std::int64_t position);
    void add(std::vector<Event> more);
    std::vector<Event> after(std::int64_t position, int limit) const;

    const std::atomic<std::uint64_t>* changes;
    std::deque<Event> events;
    std::size_t bytes = 0;
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::optional<std::uint64_t> seen_at;  // count of changes before the read that found the end
    bool is_read = false;                  // by a coroutine that others wait for
    runtime::Event was_read;
  };

  Tail& tail_of(const Reading& reading);
  Task<Result<void>> read_on(runtime::Context& context, Tail& tail, Reading reading);

  runtime::Scheduler& loop_;
  database::Store& store_;
  EventSource& outbox_;
  std::map<std::string, Tail> tails_;
};

}  // namespace consilium::bus
