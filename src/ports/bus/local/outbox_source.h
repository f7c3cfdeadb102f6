// The events of services whose outbox tables lie in our database.
#pragma once

#include "ports/bus/event_source.h"
#include "ports/database/store.h"

namespace consilium::bus {

class OutboxSource final : public EventSource {
 public:
  // The store outlives it.
  explicit OutboxSource(database::Store& store) : store_(store) {}

  Task<Result<std::vector<Event>>> read(runtime::Context& context, Reading reading) override;
  Task<Result<std::int64_t>> newest(runtime::Context& context, std::string producer) override;
  void on_new(const std::string& producer, std::function<void()> wake) override;

 private:
  database::Store& store_;
};

// Columns `id, topic, key, at, request_id, traceparent, payload` from `first` on, in this order.
Event event_from(const database::Row& row, std::size_t first, std::int64_t position);

}  // namespace consilium::bus
