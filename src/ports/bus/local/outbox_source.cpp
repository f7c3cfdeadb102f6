#include "ports/bus/local/outbox_source.h"

namespace consilium::bus {

Event event_from(const database::Row& row, std::size_t first, std::int64_t position) {
  Event event;
  event.position = position;
  event.id = row.uuid(first);
  event.topic = row.text(first + 1);
  event.key = row.text(first + 2);
  event.at = row.timestamp(first + 3);
  event.request_id = row.text(first + 4);
  event.traceparent = row.text(first + 5);
  event.payload = row.text(first + 6);
  return event;
}

// There is one writer, so positions become visible in their order: nothing appears later below a position seen.
Task<Result<std::vector<Event>>> OutboxSource::read(runtime::Context& context, Reading reading) {
  const std::string sql = "SELECT position, id, topic, key, at, request_id, traceparent, payload FROM " + reading.producer +
                          "_outbox WHERE position > ? ORDER BY position LIMIT ?";
  const auto select = [&](database::Transaction& transaction) { return transaction.query(sql, reading.after, reading.limit); };
  CO_ASSIGN_OR_RETURN(const database::Rows rows, co_await store_.privileged().read(context, select));
  std::vector<Event> events;
  events.reserve(rows.size());
  for (const database::Row& row : rows) events.push_back(event_from(row, 1, row.integer(0)));
  co_return events;
}

Task<Result<std::int64_t>> OutboxSource::newest(runtime::Context& context, std::string producer) {
  const std::string sql = "SELECT coalesce(max(position), 0) FROM " + producer + "_outbox";
  const auto select = [&sql](database::Transaction& transaction) { return transaction.query_one(sql); };
  CO_ASSIGN_OR_RETURN(const auto row, co_await store_.privileged().read(context, select));
  co_return row->integer(0);
}

void OutboxSource::on_new(const std::string& producer, std::function<void()> wake) { store_.watch(producer + "_outbox", std::move(wake)); }

}  // namespace consilium::bus
