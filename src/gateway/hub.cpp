#include "gateway/hub.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <span>
#include <utility>

#include "gateway/socket_session.h"
#include "net/percent_encoding.h"

namespace consilium::gateway {
namespace {

constexpr std::size_t kRenewBatch = 10'000;
constexpr Duration kFeedWait = seconds(20);
constexpr Duration kFeedRetry = seconds(1);
constexpr std::size_t kSessionBatch = 1000;
constexpr std::int64_t kLooksPerLimit = 20;  // so that a silent page is closed at most a twentieth late

std::uint16_t code_of(std::string_view end_reason) { return end_reason == "expired" ? close_code::kExpired : close_code::kNormal; }

}  // namespace

Result<std::optional<std::int64_t>> parse_after(std::string_view query) {
  const auto malformed = [] { return fail(ErrorKind::kMalformed, "request.malformed", "Expected ?after=N with the number of an event"); };
  const auto members = net::parse_query(query);
  if (!members) return malformed();
  std::optional<std::int64_t> after;
  for (const auto& [name, value] : *members) {
    if (name != "after" || after) return malformed();
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failure != std::errc() || end != value.data() + value.size() || number < 0) return malformed();
    after = number;
  }
  return after;
}

Hub::Hub(runtime::Scheduler& loop, RandomSource& random, chat::v1::Chat& chat, sessions::v1::Sessions& sessions, Settings settings,
         runtime::Logger log)
    : loop_(loop),
      random_(random),
      chat_(chat),
      sessions_(sessions),
      settings_(std::move(settings)),
      log_(log),
      arrived_(loop),
      stopping_(loop),
      feed_ended_(loop),
      leases_ended_(loop),
      watch_ended_(loop),
      feed_rounds_("hub.feed", log),
      lease_rounds_("hub.leases", log),
      watch_rounds_("hub.sessions", log) {}

Hub::~Hub() = default;

void Hub::start() {
  loop_.spawn("hub.feed", read_feed());
  loop_.spawn("hub.leases", renew_leases());
  loop_.spawn("hub.sessions", watch_sessions());
}

Task<void> Hub::stop() {
  stopping_.open();
  feed_wait_->request();
  arrived_.notify_all();
  co_await feed_ended_.wait();
  co_await leases_ended_.wait();
  co_await watch_ended_.wait();
}

runtime::Context Hub::service_context() const {
  runtime::Context context(loop_, random_);
  context.client = runtime::ClientType::kTimer;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "gateway";
  return context;
}

Result<std::shared_ptr<net::WebSocketListener>> Hub::admit(const runtime::Context& context, std::optional<std::int64_t> after) {
  return std::shared_ptr<net::WebSocketListener>(std::make_shared<SocketSession>(*this, context, after));
}

void Hub::join(std::shared_ptr<SocketSession> session) {
  loop_.post([this, session = std::move(session)] {
    auto& sockets = people_[session->user_id()];
    // The newest page wins: the oldest socket of a person who has too many makes room.
    if (sockets.size() >= static_cast<std::size_t>(settings_.sockets_per_person)) {
      const auto oldest =
          std::min_element(sockets.begin(), sockets.end(), [](const auto& a, const auto& b) { return a->opened_at() < b->opened_at(); });
      (*oldest)->close(close_code::kReplaced, "replaced");
      // It counts no more, even while its peer does not answer: the next page would find the same oldest.
      sockets.erase(oldest);
      open_sockets_.fetch_sub(1, std::memory_order_relaxed);
    }
    sockets.push_back(session);
    open_sockets_.fetch_add(1, std::memory_order_relaxed);
    // Its session may have ended since the upgrade, when there was no socket here to tell.
    arrivals_.push_back(session);
    arrived_.notify_all();
  });
}

void Hub::leave(std::shared_ptr<SocketSession> session) {
  loop_.post([this, session = std::move(session)] {
    const auto person = people_.find(session->user_id());
    if (person == people_.end()) return;
    const auto removed = std::erase(person->second, session);
    open_sockets_.fetch_sub(static_cast<std::int64_t>(removed), std::memory_order_relaxed);
    if (person->second.empty()) people_.erase(person);
  });
}

Task<void> Hub::read_feed() {
  chat::v1::ReadFeedRequest request;
  request.after = -1;  // from now on
  request.volatile_after = -1;
  const auto one = [this, &request] { return read_feed_once(request); };
  while (!stopping_.is_open()) {
    const bool went_well = co_await feed_rounds_.run(one);
    if (!went_well) co_await stopping_.wait_for(kFeedRetry);
  }
  feed_ended_.open();
}

Task<Result<void>> Hub::read_feed_once(chat::v1::ReadFeedRequest& request) {
  runtime::Context context = service_context();
  context.cancellation = feed_wait_;
  request.wait = kFeedWait;
  auto reply = co_await chat_.read_feed(context, request);
  if (stopping_.is_open()) co_return Result<void>();
  if (!reply) co_return fail(std::move(reply).error());
  // First, so that an event which cannot be handed on is not read for ever.
  request.after = reply->position;
  request.volatile_after = reply->volatile_position;
  for (const chat::v1::PersonEvent& event : reply->events) dispatch(event);
  co_return Result<void>();
}

void Hub::dispatch(const chat::v1::PersonEvent& event) {
  if (event.type == "session.closed") return end_session(event);
  const auto person = people_.find(event.user_id);
  if (person == people_.end()) return;
  for (const auto& socket : person->second) {
    if (!event.session_id || socket->session_id() == *event.session_id) socket->deliver(event);
  }
}

// `{sessionId, reason}`: the sockets of an ended session close, whichever process ended it.
void Hub::end_session(const chat::v1::PersonEvent& event) {
  const auto person = people_.find(event.user_id);
  if (person == people_.end()) return;
  boost::system::error_code failure;
  const boost::json::value data = boost::json::parse(event.data.text, failure);
  const auto* object = failure ? nullptr : data.if_object();
  if (!object || !object->contains("sessionId") || !object->contains("reason")) return;
  const auto* session_text = object->at("sessionId").if_string();
  const auto* reason = object->at("reason").if_string();
  const auto session_id = session_text ? Uuid::parse(std::string_view(*session_text)) : std::nullopt;
  if (!session_id || !reason) return;
  for (const auto& socket : person->second) {
    if (socket->session_id() == *session_id) socket->close(code_of(std::string_view(*reason)), std::string(*reason));
  }
}

Hub::Sockets Hub::all_sockets() const {
  Sockets all;
  for (const auto& [user_id, sockets] : people_) all.insert(all.end(), sockets.begin(), sockets.end());
  return all;
}

// Arrivals at once, all of them now and then: who joins is known to `end_session` before its session is looked at, so that
// no end falls between.
Task<void> Hub::watch_sessions() {
  Timestamp next_round = loop_.steady_now() + settings_.session_check;
  while (!stopping_.is_open()) {
    const Timestamp now = loop_.steady_now();
    if (arrivals_.empty() && now < next_round) {
      co_await arrived_.wait_for(next_round - now);
      continue;
    }
    Sockets due = std::exchange(arrivals_, {});
    if (now >= next_round) {
      due = all_sockets();
      next_round = now + settings_.session_check;
    }
    for (std::size_t done = 0; done < due.size() && !stopping_.is_open(); done += kSessionBatch) {
      const std::span batch = std::span(due).subspan(done, std::min(kSessionBatch, due.size() - done));
      const auto one = [this, batch] { return check_sessions(batch); };
      co_await watch_rounds_.run(one);  // what failed is looked at in the next round
    }
  }
  watch_ended_.open();
}

Task<Result<void>> Hub::check_sessions(std::span<const std::shared_ptr<SocketSession>> sockets) {
  sessions::v1::CheckSessionsRequest request;
  for (const auto& socket : sockets) request.session_ids.push_back(socket->session_id());
  runtime::Context context = service_context();
  auto reply = co_await sessions_.check_sessions(context, std::move(request));
  if (!reply) co_return fail(std::move(reply).error());
  std::map<Uuid, const sessions::v1::SessionState*> states;
  for (const sessions::v1::SessionState& state : reply->items) states[state.session_id] = &state;
  for (const auto& socket : sockets) {
    const auto found = states.find(socket->session_id());
    if (found == states.end()) continue;
    const sessions::v1::SessionState& state = *found->second;
    if (state.end_reason) {
      socket->close(code_of(*state.end_reason), *state.end_reason);
    } else if (state.expires_at - context.now() <= settings_.expiry_notice) {
      socket->warn_of_expiry(state.expires_at);
    }
  }
  co_return Result<void>();
}

// Silent pages are looked for more often than leases are renewed, so that each is closed soon after its time.
Task<void> Hub::renew_leases() {
  const auto one = [this] { return renew_leases_once(); };
  const Duration look = std::min(settings_.renew_interval, settings_.ping_limit / kLooksPerLimit);
  Timestamp next_renewal = loop_.steady_now() + settings_.renew_interval;
  while (!stopping_.is_open()) {
    const Duration pause = std::min(look, next_renewal - loop_.steady_now());
    co_await stopping_.wait_for(pause);
    close_silent();
    const Timestamp now = loop_.steady_now();
    if (now < next_renewal) continue;
    next_renewal = now + settings_.renew_interval;
    co_await lease_rounds_.run(one);
  }
  leases_ended_.open();
}

void Hub::close_silent() {
  const Timestamp now = loop_.steady_now();
  for (const auto& [user_id, sockets] : people_) {
    for (const auto& socket : sockets) {
      if (now - socket->alive_at() > settings_.ping_limit) socket->close(close_code::kNoPing, "no ping");
    }
  }
}

Task<Result<void>> Hub::renew_leases_once() {
  const Timestamp now = loop_.steady_now();
  chat::v1::RenewSocketsRequest request;
  std::vector<chat::v1::RenewSocketsRequest> batches;
  for (const auto& [user_id, sockets] : people_) {
    for (const auto& socket : sockets) {
      const Duration silence = now - socket->alive_at();
      if (silence <= settings_.ping_interval * 2) {
        request.socket_ids.push_back(socket->id());
        request.silent_for = std::max(request.silent_for.value_or(Duration{}), silence);
        if (request.socket_ids.size() == kRenewBatch) batches.push_back(std::exchange(request, {}));
      }
    }
  }
  if (!request.socket_ids.empty()) batches.push_back(std::move(request));
  Result<void> all;
  for (chat::v1::RenewSocketsRequest& batch : batches) {
    runtime::Context context = service_context();
    auto renewed = co_await chat_.renew_sockets(context, std::move(batch));
    if (!renewed) all = fail(std::move(renewed).error());
  }
  co_return all;
}

}  // namespace consilium::gateway
