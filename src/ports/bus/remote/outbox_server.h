// The other side of RemoteSource: offers the outboxes of services that run in this process to consumers in others.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "consilium/events/v1/events_service.h"
#include "ports/bus/event_source.h"
#include "runtime/bell.h"

namespace consilium::bus {

inline constexpr Duration kLongestAwait = seconds(30);
inline constexpr Duration kAwaitLooks = seconds(1);                // a commit of another process on the same file rings no bell here
inline constexpr std::size_t kMostAwaiting = 256;                  // calls of one producer that wait at a time
inline constexpr std::size_t kMostBytesOfReply = 2 * 1024 * 1024;  // payloads; one event always fits

// Calls may come on any loop. It outlives the loops that serve it.
class OutboxServer final : public events::v1::Events {
 public:
  // What a group of another process has stored.
  using Passed = std::function<void(std::string producer, std::string group, std::int64_t position)>;

  // The source outlives it.
  OutboxServer(EventSource& source, std::vector<std::string> producers, Passed passed);

  // Calls that wait are ended with `server.stopping`, now and from now on.
  void stop();

  Task<Result<events::v1::ReadReply>> read(runtime::Context& context, events::v1::ReadRequest request) override;
  Task<Result<events::v1::AwaitReply>> await(runtime::Context& context, events::v1::AwaitRequest request) override;

 private:
  Result<runtime::Bell*> bell_of(const runtime::Context& context, const std::string& producer) const;

  EventSource& source_;
  Passed passed_;
  std::map<std::string, std::shared_ptr<runtime::Bell>> bells_;  // one a producer; commits ring them
  std::atomic<bool> stopping_{false};
};

}  // namespace consilium::bus
