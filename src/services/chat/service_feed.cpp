// Each person's log, for clients that come back and for hubs.
#include <algorithm>
#include <map>
#include <set>

#include "services/chat/callers.h"
#include "services/chat/service.h"

namespace consilium::chat {

Result<std::vector<v1::PersonEvent>> ChatService::render_events(Transaction& transaction, std::span<const store::StoredEvent> events,
                                                                store::Present present) const {
  std::vector<const store::StoredPost*> posts;
  std::map<std::pair<Uuid, Uuid>, std::optional<store::MemberRow>> members;
  for (const store::StoredEvent& event : events) {
    if (event.post) posts.push_back(event.post.get());
    if (event.type != store::EventType::kChannelJoined || !event.channel_id || !event.member_id) continue;
    const auto [place, fresh] = members.try_emplace({*event.channel_id, *event.member_id});
    if (!fresh) continue;
    ASSIGN_OR_RETURN(place->second, store::find_member(transaction, *event.channel_id, *event.member_id, present.of_leases));
  }
  ASSIGN_OR_RETURN(const store::People people, store::find_people(transaction, people_named_in(posts)));
  std::vector<v1::PersonEvent> rendered;
  rendered.reserve(events.size());
  Renderer::SharedTexts texts;
  for (const store::StoredEvent& event : events) {
    const auto member = members.find({event.channel_id.value_or(Uuid{}), event.member_id.value_or(Uuid{})});
    rendered.push_back(renderer_.event(event, people, member == members.end() ? std::nullopt : member->second, texts, present.now));
  }
  return rendered;
}

Task<Result<v1::ReadEventsReply>> ChatService::read_events(runtime::Context& context, v1::ReadEventsRequest request) {
  CO_TRY(require_service(context));
  const store::Present present = present_of(context);
  const auto work = [&](Transaction& transaction) { return read_events_in(transaction, request, present); };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Result<v1::ReadEventsReply> ChatService::read_events_in(Transaction& transaction, const v1::ReadEventsRequest& request,
                                                        store::Present present) const {
  v1::ReadEventsReply reply;
  ASSIGN_OR_RETURN(reply.last_sequence, store::last_sequence(transaction, request.user_id));
  if (request.after == reply.last_sequence) return reply;
  ASSIGN_OR_RETURN(const auto first, store::first_sequence(transaction, request.user_id));
  // What follows `after` is no longer kept, or the number is not one of this log (a restored backup).
  reply.resync = request.after > reply.last_sequence || !first || request.after + 1 < *first;
  if (reply.resync) return reply;
  ASSIGN_OR_RETURN(const auto events, store::events_of(transaction, request.user_id, request.after, request.limit));
  ASSIGN_OR_RETURN(reply.events, render_events(transaction, events, present));
  return reply;
}

namespace {

// Whom a notice is for, as of one transaction.
struct Audience {
  std::vector<Uuid> people;  // each once, in the order of ids
  std::vector<Uuid> sessions;
  std::map<Uuid, store::SessionSockets> sockets;  // of the sessions that have any
};

std::vector<Uuid> each_once(const std::vector<Uuid>& ids) {
  const std::set<Uuid> unique(ids.begin(), ids.end());
  return {unique.begin(), unique.end()};
}

Result<Audience> audience_of(database::Transaction& transaction, const v1::NotifyRequest& request, Timestamp now, Timestamp lease_now) {
  ASSIGN_OR_RETURN(std::set<Uuid> people, store::present_members(transaction, request.channel_ids, now));
  people.insert(request.user_ids.begin(), request.user_ids.end());
  Audience audience{{people.begin(), people.end()}, each_once(request.session_ids), {}};
  ASSIGN_OR_RETURN(audience.sockets, store::sockets_of_sessions(transaction, audience.sessions, lease_now));
  return audience;
}

Result<v1::NotifyReply> report_of_notice(database::Transaction& transaction, const v1::NotifyRequest& request, const Audience& audience,
                                         Timestamp lease_now) {
  ASSIGN_OR_RETURN(const auto reached, store::people_with_sockets(transaction, audience.people, lease_now));
  std::set<Uuid> kept;
  if (request.idempotency_key) {
    ASSIGN_OR_RETURN(kept, store::people_with_logs(transaction, audience.people));
  }
  v1::NotifyReply reply;
  for (const Uuid& person : audience.people) {
    const v1::Delivery otherwise = kept.contains(person) ? v1::Delivery::kQueued : v1::Delivery::kNoSession;
    reply.deliveries.push_back({person, reached.contains(person) ? v1::Delivery::kDelivered : otherwise});
  }
  for (const Uuid& session : audience.sessions) {
    const auto sockets = audience.sockets.find(session);
    const bool is_reached = sockets != audience.sockets.end() && sockets->second.reached;
    reply.sessions.push_back({session, is_reached ? v1::Delivery::kDelivered : v1::Delivery::kNoSession});
  }
  return reply;
}

Result<void> check_targets(const v1::NotifyRequest& request) {
  if (request.user_ids.empty() && request.channel_ids.empty() && request.session_ids.empty())
    return fail(v1::errors::bad_target("Expected people, channels or sessions"));
  if (request.idempotency_key && !request.session_ids.empty())
    return fail(v1::errors::bad_target("Expected no sessions in a notice that is kept"));
  return {};
}

}  // namespace

Task<Result<v1::NotifyReply>> ChatService::notify(runtime::Context& context, v1::NotifyRequest request) {
  CO_TRY(require_service(context));
  CO_TRY(check_targets(request));
  const Timestamp now = context.now();
  const Timestamp lease_now = lease_clock_.now(context);
  if (!request.idempotency_key) {
    auto reply = co_await signal(context, request, lease_now);
    co_return reply;
  }
  bool told = false;
  const auto work = [&](Transaction& transaction) -> Result<v1::NotifyReply> {
    ASSIGN_OR_RETURN(const Audience audience, audience_of(transaction, request, now, lease_now));
    ASSIGN_OR_RETURN(told,
                     store::tell_notice(transaction, audience.people, request.type, request.data.text, *request.idempotency_key, now));
    if (!request.report) return v1::NotifyReply{};
    return report_of_notice(transaction, request, audience, lease_now);
  };
  auto reply = co_await database_.write(context, work);
  if (reply && told) feed_.ring();
  co_return reply;
}

Task<Result<v1::NotifyReply>> ChatService::signal(runtime::Context& context, const v1::NotifyRequest& request, Timestamp lease_now) {
  const Timestamp now = context.now();
  Audience audience;
  v1::NotifyReply reply;
  const auto look = [&](Transaction& transaction) -> Result<v1::NotifyReply> {
    ASSIGN_OR_RETURN(audience, audience_of(transaction, request, now, lease_now));
    if (!request.report) return v1::NotifyReply{};
    return report_of_notice(transaction, request, audience, lease_now);
  };
  // People are known without a look.
  if (request.report || !request.channel_ids.empty() || !request.session_ids.empty()) {
    CO_ASSIGN_OR_RETURN(reply, co_await database_.read(context, look));
  } else {
    audience.people = each_once(request.user_ids);
  }
  if (!audience.people.empty()) feed_.signal({request.type, request.data.text, now, std::move(audience.people), std::nullopt});
  for (const auto& [session, sockets] : audience.sockets) feed_.signal({request.type, request.data.text, now, {sockets.user_id}, session});
  co_return reply;
}

namespace {

void add_signals(v1::ReadFeedReply& reply, const Feed::Taken& taken) {
  reply.volatile_position = taken.position;
  for (const Signal& signal : taken.signals) {
    for (const Uuid& person : signal.people)
      reply.events.push_back({person, 0, signal.type, signal.at, JsonText{signal.data}, signal.session_id});
  }
}

}  // namespace

void ChatService::end_feeds() {
  feeds_ended_ = true;
  feed_.ring();
}

Task<Result<v1::ReadFeedReply>> ChatService::read_feed(runtime::Context& context, v1::ReadFeedRequest request) {
  CO_TRY(require_service(context));
  runtime::Scheduler& loop = context.scheduler();
  Timestamp end = loop.steady_now() + std::min(request.wait, kMaxFeedWait);
  if (context.deadline) end = std::min(end, *context.deadline);
  while (true) {
    const std::uint64_t heard = feed_.rings();
    const store::Present present = present_of(context);
    const auto work = [&](Transaction& transaction) -> Result<v1::ReadFeedReply> {
      v1::ReadFeedReply reply;
      if (request.after < 0) {
        ASSIGN_OR_RETURN(reply.position, store::last_position(transaction));
        return reply;
      }
      ASSIGN_OR_RETURN(const auto events, store::events_after(transaction, request.after, kMaxFeedBatch));
      reply.position = events.empty() ? request.after : events.back().position;
      ASSIGN_OR_RETURN(reply.events, render_events(transaction, events, present));
      return reply;
    };
    auto reply = co_await database_.read(context, work);
    if (!reply) co_return fail(std::move(reply).error());
    add_signals(*reply, feed_.take_after(request.volatile_after, static_cast<std::size_t>(kMaxFeedBatch)));
    const Timestamp steady = loop.steady_now();
    if (request.after < 0 || !reply->events.empty() || steady >= end) co_return reply;
    // From now on means from the first look, however long this call waits.
    request.volatile_after = reply->volatile_position;
    if (feeds_ended_) co_return fail(make_error(ErrorKind::kUnavailable, "server.stopping").retry_in(seconds(1)));
    const Duration patience = std::min(end - steady, settings_.feed_poll_interval);
    auto waited = co_await feed_.wait(loop, heard, patience);
    if (!waited) co_return fail(std::move(waited).error());
    if (context.expired() || context.cancelled()) co_return reply;
  }
}

}  // namespace consilium::chat
