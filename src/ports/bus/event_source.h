// Where the bus reads the events of a producer. local/: the producer's outbox in the same database; remote/: a producer that
// runs in another process answers the same questions over RPC.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ports/bus/bus.h"

namespace consilium::bus {

// What a group asks for.
struct Reading {
  std::string producer;
  std::string group;
  std::int64_t after = 0;   // 0: from the oldest kept
  std::int64_t stored = 0;  // position in the group's own store: nothing up to here will be asked for again
  int limit = 0;
};

class EventSource {
 public:
  virtual ~EventSource() = default;

  // The events after the position, in their order, at most `limit`; none only when there are no more.
  virtual Task<Result<std::vector<Event>>> read(runtime::Context& context, Reading reading) = 0;
  // Position of the newest event; 0 when there was never one.
  virtual Task<Result<std::int64_t>> newest(runtime::Context& context, std::string producer) = 0;
  // `wake` is called when there may be new events: on any thread, perhaps too often, perhaps not at all (the bus also
  // looks by itself now and then). It must only post.
  virtual void on_new(const std::string& producer, std::function<void()> wake) = 0;
};

}  // namespace consilium::bus
