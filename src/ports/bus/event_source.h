// Where the bus reads the events of a producer. Built in: the producer's outbox in the same database; a producer that
// runs in another process answers the same two questions over RPC.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ports/bus/bus.h"

namespace consilium::bus {

class EventSource {
 public:
  virtual ~EventSource() = default;

  // The events after position `after` (0: the oldest kept), in their order, at most `limit`.
  virtual Task<Result<std::vector<Event>>> read(runtime::Context& context, std::string producer, std::int64_t after, int limit) = 0;
  // Position of the newest event; 0 when there was never one.
  virtual Task<Result<std::int64_t>> newest(runtime::Context& context, std::string producer) = 0;
  // `wake` is called when there may be new events: on any thread, perhaps too often, perhaps not at all (the bus also
  // looks by itself now and then). It must only post.
  virtual void on_new(const std::string& producer, std::function<void()> wake) = 0;
};

}  // namespace consilium::bus
