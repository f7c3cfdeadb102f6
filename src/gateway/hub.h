// The open sockets of this process: brings each person's events to all of their pages, once and in order, and keeps their
// presence alive for as long as the pages live. The hub has a loop of its own, which owns the list of people; a socket
// belongs to the loop of its connection. Whatever the feed loses, a socket notices by the gap in its numbers and reads the
// person's log; so the log alone is the truth.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "consilium/chat/v1/chat_service.h"
#include "consilium/sessions/v1/sessions_service.h"
#include "gateway/settings.h"
#include "net/http.h"
#include "runtime/cancellation.h"
#include "runtime/event.h"
#include "runtime/log.h"
#include "runtime/rounds.h"

namespace consilium::gateway {

inline constexpr std::string_view kSubProtocol = "consilium.v1";

namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kShutdown = 1001;
inline constexpr std::uint16_t kNoPing = 4000;
inline constexpr std::uint16_t kExpired = 4001;
inline constexpr std::uint16_t kReplaced = 4002;
inline constexpr std::uint16_t kSlow = 4003;
inline constexpr std::uint16_t kProtocol = 4004;
}  // namespace close_code

// `?after=SEQ`; absent: from now on. Error `request.malformed`.
Result<std::optional<std::int64_t>> parse_after(std::string_view query);

class SocketSession;

struct HubFigures {
  std::int64_t open = 0;
  std::uint64_t catch_ups = 0;  // readings of a person's log, since the start
  std::uint64_t slow = 0;       // sockets closed because their peer did not read, since the start
};

class Hub {
 public:
  Hub(runtime::Scheduler& loop, RandomSource& random, chat::v1::Chat& chat, sessions::v1::Sessions& sessions, Settings settings,
      runtime::Logger log);
  ~Hub();

  // Spawns the readers; `stop` ends them. Sockets are closed by their server before.
  void start();
  Task<void> stop();

  // For an authenticated caller: what listens on the socket to come. On any loop.
  Result<std::shared_ptr<net::WebSocketListener>> admit(const runtime::Context& context, std::optional<std::int64_t> after);

  // As of the last look; any thread.
  std::int64_t open_sockets() const { return open_sockets_.load(std::memory_order_relaxed); }
  HubFigures figures() const { return {open_sockets_.load(), catch_ups_.load(), slow_.load()}; }

 private:
  friend class SocketSession;

  using Sockets = std::vector<std::shared_ptr<SocketSession>>;

  // From the loops of sockets.
  void join(std::shared_ptr<SocketSession> session);
  void leave(std::shared_ptr<SocketSession> session);

  Task<void> read_feed();
  Task<Result<void>> read_feed_once(chat::v1::ReadFeedRequest& request);
  Task<void> renew_leases();
  Task<Result<void>> renew_leases_once();
  void close_silent();
  Task<void> watch_sessions();
  Task<Result<void>> check_sessions(std::span<const std::shared_ptr<SocketSession>> sockets);
  Sockets all_sockets() const;
  void dispatch(const chat::v1::PersonEvent& event);
  void end_session(const chat::v1::PersonEvent& event);
  runtime::Context service_context() const;

  runtime::Scheduler& loop_;
  RandomSource& random_;
  chat::v1::Chat& chat_;
  sessions::v1::Sessions& sessions_;
  Settings settings_;
  runtime::Logger log_;
  std::map<Uuid, Sockets> people_;
  Sockets arrivals_;  // joined, and their sessions not looked at since
  runtime::Event arrived_;
  std::atomic<std::int64_t> open_sockets_ = 0;
  std::atomic<std::uint64_t> catch_ups_ = 0;
  std::atomic<std::uint64_t> slow_ = 0;
  std::shared_ptr<runtime::Cancellation> feed_wait_ = std::make_shared<runtime::Cancellation>();  // ends it when the hub stops
  runtime::Gate stopping_;
  runtime::Gate feed_ended_;
  runtime::Gate leases_ended_;
  runtime::Gate watch_ended_;
  runtime::Rounds feed_rounds_;
  runtime::Rounds lease_rounds_;
  runtime::Rounds watch_rounds_;
};

}  // namespace consilium::gateway
