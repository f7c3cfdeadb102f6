#include "ports/bus/remote/remote_source.h"

#include <algorithm>
#include <stdexcept>

namespace consilium::bus {
namespace {

Event event_of(events::v1::Event message) {
  Event event;
  event.id = message.id;
  event.position = message.position;
  event.topic = std::move(message.topic);
  event.key = std::move(message.key);
  event.at = message.at;
  event.request_id = std::move(message.request_id);
  event.traceparent = std::move(message.traceparent);
  event.payload = std::move(message.payload);
  return event;
}

// The bus asks, whoever looks at its figures. Not later than the caller's own deadline.
runtime::Context call_of(const runtime::Context& context) {
  runtime::Context call = context.for_service("bus", runtime::ClientType::kEvent);
  call.cancellation = context.cancellation;
  const Timestamp end = context.scheduler().steady_now() + kReadDeadline;
  call.deadline = context.deadline ? std::min(*context.deadline, end) : end;
  return call;
}

}  // namespace

RemoteSource::RemoteSource(runtime::Scheduler& loop, RandomSource& random, runtime::Logger logger)
    : loop_(loop), random_(random), logger_(logger), stopping_(loop), ended_(loop) {}

void RemoteSource::add(std::string producer, events::v1::Events& owner) { producers_[std::move(producer)].owner = &owner; }

void RemoteSource::on_new(const std::string& producer, std::function<void()> wake) {
  producers_.at(producer).listeners.push_back(std::move(wake));
}

void RemoteSource::start() {
  ended_.open();
  for (const auto& [name, producer] : producers_) {
    if (producer.listeners.empty()) continue;
    ended_.close();
    ++running_;
    loop_.spawn("events:" + name, listen(name));
  }
}

Task<void> RemoteSource::stop() {
  co_await loop_.enter();
  stopping_.open();
  waiting_->request();
  if (running_ > 0) co_await ended_.wait();
}

Task<Result<std::vector<Event>>> RemoteSource::read(runtime::Context& context, Reading reading) {
  runtime::Context call = call_of(context);
  events::v1::ReadRequest request;
  request.producer = reading.producer;
  request.group = reading.group;
  request.after = reading.after;
  request.stored = reading.stored;
  request.limit = reading.limit;
  auto reply = co_await producers_.at(reading.producer).owner->read(call, std::move(request));
  if (!reply) co_return fail(std::move(reply).error());
  std::vector<Event> events;
  events.reserve(reply->items.size());
  for (events::v1::Event& message : reply->items) events.push_back(event_of(std::move(message)));
  co_return events;
}

Task<Result<std::int64_t>> RemoteSource::newest(runtime::Context& context, std::string name) {
  runtime::Context call = call_of(context);
  events::v1::AwaitRequest request;
  request.producer = name;
  request.after = -1;
  auto reply = co_await producers_.at(name).owner->await(call, std::move(request));
  if (!reply) co_return fail(std::move(reply).error());
  co_return reply->newest;
}

Task<void> RemoteSource::listen(std::string name) {
  Producer& from = producers_.at(name);
  runtime::Backoff pause(kProducerAway);
  std::int64_t newest = -1;
  bool away = false;
  while (!stopping_.is_open()) {
    runtime::Context context = runtime::Context(loop_, random_).for_service("bus", runtime::ClientType::kEvent);
    context.cancellation = waiting_;
    context.deadline = loop_.steady_now() + kAwait + kReadDeadline;
    events::v1::AwaitRequest request;
    request.producer = name;
    request.after = newest;
    request.wait = kAwait;
    auto reply = co_await from.owner->await(context, std::move(request));
    if (stopping_.is_open()) break;
    if (!reply) {
      if (!std::exchange(away, true)) logger_.warn(context, "Events cannot be read", {{"producer", name}, {"error", reply.error()}});
      co_await stopping_.wait_for(pause.next(random_));
      continue;
    }
    pause.reset();
    const bool is_back = std::exchange(away, false);
    if (is_back) logger_.info(context, "Events are read again", {{"producer", name}});
    if (is_back || reply->newest != newest) {
      for (const auto& wake : from.listeners) wake();
    }
    newest = reply->newest;
  }
  if (--running_ == 0) ended_.open();
}

}  // namespace consilium::bus
