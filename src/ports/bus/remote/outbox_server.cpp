#include "ports/bus/remote/outbox_server.h"

#include <algorithm>

#include "runtime/require_service.h"

namespace consilium::bus {
namespace {

events::v1::Event message_of(Event event) {
  events::v1::Event message;
  message.id = event.id;
  message.position = event.position;
  message.topic = std::move(event.topic);
  message.key = std::move(event.key);
  message.at = event.at;
  message.request_id = std::move(event.request_id);
  message.traceparent = std::move(event.traceparent);
  message.payload = std::move(event.payload);
  return message;
}

}  // namespace

OutboxServer::OutboxServer(EventSource& source, std::vector<std::string> producers, Passed passed)
    : source_(source), passed_(std::move(passed)) {
  for (const std::string& producer : producers) {
    auto bell = std::make_shared<runtime::Bell>(kMostAwaiting);
    source_.on_new(producer, [bell] { bell->ring(); });
    bells_.emplace(producer, std::move(bell));
  }
}

void OutboxServer::stop() {
  stopping_ = true;
  for (const auto& [producer, bell] : bells_) bell->ring();
}

Result<runtime::Bell*> OutboxServer::bell_of(const runtime::Context& context, const std::string& producer) const {
  TRY(runtime::require_service(context));
  const auto found = bells_.find(producer);
  if (found != bells_.end()) return found->second.get();
  return fail(make_error(ErrorKind::kUnavailable, "events.elsewhere", "Expected a service that runs in this process").retry_in(seconds(5)));
}

Task<Result<events::v1::ReadReply>> OutboxServer::read(runtime::Context& context, events::v1::ReadRequest request) {
  CO_ASSIGN_OR_RETURN([[maybe_unused]] const runtime::Bell* known, bell_of(context, request.producer));
  Reading reading{request.producer, request.group, request.after, request.stored, request.limit};
  CO_ASSIGN_OR_RETURN(std::vector<Event> events, co_await source_.read(context, std::move(reading)));
  if (events.empty()) {
    CO_ASSIGN_OR_RETURN(const std::int64_t newest, co_await source_.newest(context, request.producer));
    // Positions rise for ever, so this outbox is an older one: to go on silently would lose events.
    if (newest > 0 && request.after > newest)
      co_return fail(ErrorKind::kConflict, "events.ahead", "Expected a position of this outbox, but it ends before");
  }
  passed_(request.producer, request.group, request.stored);
  events::v1::ReadReply reply;
  std::size_t bytes = 0;
  for (Event& event : events) {
    bytes += event.payload.size() + event.key.size() + event.topic.size();
    if (bytes > kMostBytesOfReply && !reply.items.empty()) break;
    reply.items.push_back(message_of(std::move(event)));
  }
  co_return reply;
}

Task<Result<events::v1::AwaitReply>> OutboxServer::await(runtime::Context& context, events::v1::AwaitRequest request) {
  CO_ASSIGN_OR_RETURN(runtime::Bell * bell, bell_of(context, request.producer));
  runtime::Scheduler& loop = context.scheduler();
  Timestamp end = loop.steady_now() + std::min(request.wait, kLongestAwait);
  if (context.deadline) end = std::min(end, *context.deadline);
  for (;;) {
    const std::uint64_t heard = bell->rings();
    events::v1::AwaitReply reply;
    CO_ASSIGN_OR_RETURN(reply.newest, co_await source_.newest(context, request.producer));
    const Timestamp now = loop.steady_now();
    if (reply.newest > request.after || now >= end || context.cancelled()) co_return reply;
    if (stopping_) co_return fail(make_error(ErrorKind::kUnavailable, "server.stopping").retry_in(seconds(1)));
    CO_TRY(co_await bell->wait(loop, heard, std::min(end - now, kAwaitLooks)));
  }
}

}  // namespace consilium::bus
