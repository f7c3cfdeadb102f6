#include "ports/bus/bus.h"

namespace consilium::bus {

DeadLetterPlace place_of(const DeadLetter& letter) { return {letter.parked_at, letter.event.id, letter.group}; }

Result<void> publish(database::Transaction& transaction, std::string_view service, const runtime::Context& context, OutgoingEvent event) {
  if (!event.topic.starts_with(std::string(service) + "."))
    return fail(internal_error("Expected a topic of " + std::string(service) + ", but it is `" + event.topic + "`"));
  const std::string sql =
      "INSERT INTO " + std::string(service) + "_outbox(id, topic, key, at, request_id, traceparent, payload) VALUES (?, ?, ?, ?, ?, ?, ?)";
  TRY(transaction.execute(sql, context.new_id(), std::move(event.topic), std::move(event.key), context.now(), context.request_id,
                          context.traceparent, std::move(event.payload)));
  return {};
}

}  // namespace consilium::bus
