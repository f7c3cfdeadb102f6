// The events of services that run in other processes, read over the contract `consilium.events.v1`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "consilium/events/v1/events_service.h"
#include "ports/bus/event_source.h"
#include "runtime/backoff.h"
#include "runtime/event.h"
#include "runtime/log.h"

namespace consilium::bus {

inline constexpr Duration kAwait = seconds(15);         // how long a call waits for news at the producer
inline constexpr Duration kReadDeadline = seconds(10);  // of calls that do not wait
inline constexpr runtime::BackoffPolicy kProducerAway{.first = milliseconds(100), .longest = seconds(5)};

// Everything runs on one loop.
class RemoteSource final : public EventSource {
 public:
  // All outlive it.
  RemoteSource(runtime::Scheduler& loop, RandomSource& random, runtime::Logger logger);

  // Before the start: the producer's events come from there.
  void add(std::string producer, events::v1::Events& owner);
  bool has(const std::string& producer) const { return producers_.contains(producer); }

  // One call at a time waits at each producer that somebody listens to. While it cannot be reached, tries follow with
  // rising pauses.
  void start();
  // Ends when the waiting calls have been given up.
  Task<void> stop();

  Task<Result<std::vector<Event>>> read(runtime::Context& context, Reading reading) override;
  Task<Result<std::int64_t>> newest(runtime::Context& context, std::string name) override;
  void on_new(const std::string& producer, std::function<void()> wake) override;

 private:
  struct Producer {
    events::v1::Events* owner = nullptr;
    std::vector<std::function<void()>> listeners;
  };
  Task<void> listen(std::string name);

  runtime::Scheduler& loop_;
  RandomSource& random_;
  runtime::Logger logger_;
  std::map<std::string, Producer> producers_;
  std::shared_ptr<runtime::Cancellation> waiting_ = std::make_shared<runtime::Cancellation>();
  runtime::Gate stopping_;
  runtime::Gate ended_;
  std::size_t running_ = 0;
};

// Each producer's events from where it runs.
class DividedSource final : public EventSource {
 public:
  // Both outlive it.
  DividedSource(EventSource& here, RemoteSource& elsewhere) : here_(here), elsewhere_(elsewhere) {}

  Task<Result<std::vector<Event>>> read(runtime::Context& context, Reading reading) override {
    return of(reading.producer).read(context, std::move(reading));
  }
  Task<Result<std::int64_t>> newest(runtime::Context& context, std::string producer) override {
    EventSource& source = of(producer);
    return source.newest(context, std::move(producer));
  }
  void on_new(const std::string& producer, std::function<void()> wake) override { of(producer).on_new(producer, std::move(wake)); }

 private:
  EventSource& of(const std::string& producer) const { return elsewhere_.has(producer) ? static_cast<EventSource&>(elsewhere_) : here_; }

  EventSource& here_;
  RemoteSource& elsewhere_;
};

}  // namespace consilium::bus
