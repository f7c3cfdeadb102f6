// The bus port: events leave a service through its outbox table in the same transaction as the change they tell of,
// and reach each consumer group in order of their key, each with one effect. Implementation: local/ (the outbox tables
// themselves are the queue).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "ports/database/database.h"
#include "runtime/context.h"

namespace consilium::bus {

struct Event {
  Uuid id;
  std::int64_t position = 0;  // in the producer's outbox, rising, with gaps
  std::string topic;          // `users.v1.draft-created`
  std::string key;            // events of one key are handled in order, e.g. the id of the user
  Timestamp at;
  std::string request_id;  // of the work that caused it
  std::string traceparent;
  std::string payload;  // JSON of the event's message
};

// What a service's code writes inside its transaction; `service` is the owner of the outbox table.
struct OutgoingEvent {
  std::string topic;
  std::string key;
  std::string payload;
};
Result<void> publish(database::Transaction& transaction, std::string_view service, const runtime::Context& context, OutgoingEvent event);

// When an event that could not be handled is tried again.
struct RetryPolicy {
  int attempts = 10;            // then it is a dead letter
  Duration first = seconds(1);  // after the first failure; doubles
  Duration longest = minutes(5);
};

// A consumer group. Exactly one of the two handlers is set.
// `apply`: the effect is in the consumer's own tables; position and effect are one transaction.
// `handle`: the effect is a call elsewhere, which must take the event's id as idempotency key; the position is stored
// after it. An error parks the key: it is retried with back-off, later events of the key wait,
// others go on; after its attempts it becomes a dead letter that an administrator sees and replays.
struct Consumer {
  std::string service;              // who consumes: owner of the position
  std::string group;                // unique, stable: `tasks.on-presence`
  std::string producer;             // whose outbox
  std::vector<std::string> topics;  // of that producer
  RetryPolicy retry;
  std::function<Result<void>(database::Transaction&, const runtime::Context&, const Event&)> apply;
  std::function<Task<Result<void>>(runtime::Context&, const Event&)> handle;
};

struct DeadLetter {
  std::string group;
  Event event;
  int attempts = 0;
  std::string error_code;
  Timestamp parked_at;
  std::int64_t waiting = 0;  // later events of its key, behind it
};

// The place of a dead letter in the list of them: the newest come first.
struct DeadLetterPlace {
  Timestamp parked_at;
  Uuid event_id;
  std::string group;
  auto operator<=>(const DeadLetterPlace&) const = default;
};
DeadLetterPlace place_of(const DeadLetter& letter);

struct DeadLetterQuery {
  std::string service;                    // who consumes; empty: all that run here
  std::string group;                      // empty: all
  std::optional<DeadLetterPlace> before;  // what follows this place
  int limit = 0;
};

struct DeadLetterPage {
  std::vector<DeadLetter> items;
  std::int64_t total = 0;  // on all pages
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Before `start`; a group name used twice is a bug.
  virtual void add(Consumer consumer) = 0;
  virtual Task<Result<DeadLetterPage>> dead_letters(runtime::Context& context, DeadLetterQuery query) = 0;
  // Tries it again at once, with all attempts; who asked for it stands in the audit. Errors `bus.group-not-found`,
  // `bus.dead-letter-not-found`.
  virtual Task<Result<void>> replay(runtime::Context& context, std::string group, Uuid event_id) = 0;
};

}  // namespace consilium::bus
