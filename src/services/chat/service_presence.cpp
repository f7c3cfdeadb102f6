// Presence: what a person chose, as long as a socket of theirs lives.
#include <algorithm>

#include "consilium/chat/v1/chat_events.h"
#include "services/chat/callers.h"
#include "services/chat/service.h"

namespace consilium::chat {
void ChatService::send(Signals signals) {
  for (Signal& signal : signals) feed_.signal(std::move(signal));
}

Result<ChatService::Signals> ChatService::settle_presence(Transaction& transaction, const runtime::Context& context,
                                                          std::span<const Uuid> users, Timestamp now) const {
  ASSIGN_OR_RETURN(const auto presences, store::presences_of(transaction, users, lease_clock_.now(context)));
  Signals signals;
  for (const store::PresenceRow& row : presences) {
    if (row.effective() == row.told) continue;
    TRY(store::save_told(transaction, row.user_id, row.effective(), now));
    if (row.kind != v1::MemberKind::kUnspecified) {
      v1::PresenceChanged event;
      event.user_id = row.user_id;
      event.effective = row.effective();
      event.kind = row.kind;
      event.at = now;
      TRY(v1::publish(transaction, context, event));
    }
    ASSIGN_OR_RETURN(auto audience, store::audience_of(transaction, row.user_id, now));
    signals.push_back({"presence", encode_json(v1::PresenceTold{row.user_id, row.effective()}), now, std::move(audience)});
  }
  return signals;
}

// --- For people ---

Task<Result<v1::PresenceReply>> ChatService::set_presence(runtime::Context& context, v1::SetPresenceRequest request) {
  CO_ASSIGN_OR_RETURN(const Uuid user, person_calling(context));
  const Timestamp now = context.now();
  Signals signals;
  const auto work = [&](Transaction& transaction) -> Result<v1::PresenceReply> {
    const Uuid users[] = {user};
    TRY(store::save_chosen(transaction, user, request.status, now));
    ASSIGN_OR_RETURN(signals, settle_presence(transaction, context, users, now));
    ASSIGN_OR_RETURN(const auto rows, store::presences_of(transaction, users, lease_clock_.now(context)));
    return v1::PresenceReply{rows.front().chosen, rows.front().effective()};
  };
  auto reply = co_await database_.write(context, work);
  if (reply) send(std::move(signals));
  co_return reply;
}

Task<Result<v1::PresenceReply>> ChatService::get_presence(runtime::Context& context, v1::GetPresenceRequest) {
  CO_ASSIGN_OR_RETURN(const Uuid user, person_calling(context));
  const Timestamp now = lease_clock_.now(context);
  const auto work = [&](Transaction& transaction) -> Result<v1::PresenceReply> {
    const Uuid users[] = {user};
    ASSIGN_OR_RETURN(const auto rows, store::presences_of(transaction, users, now));
    if (rows.empty()) return v1::PresenceReply{v1::PresenceStatus::kOffline, v1::PresenceStatus::kOffline};
    return v1::PresenceReply{rows.front().chosen, rows.front().effective()};
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

// --- For services and hubs ---

Task<Result<v1::GetPresencesReply>> ChatService::get_presences(runtime::Context& context, v1::GetPresencesRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = lease_clock_.now(context);
  const auto work = [&](Transaction& transaction) -> Result<v1::GetPresencesReply> {
    ASSIGN_OR_RETURN(const auto rows, store::presences_of(transaction, request.user_ids, now));
    v1::GetPresencesReply reply;
    for (const store::PresenceRow& row : rows) reply.items.push_back({row.user_id, row.effective(), row.since});
    return reply;
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Task<Result<v1::OpenSocketReply>> ChatService::open_socket(runtime::Context& context, v1::OpenSocketRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  Signals signals;
  const auto work = [&](Transaction& transaction) -> Result<v1::OpenSocketReply> {
    ASSIGN_OR_RETURN(signals, open_socket_in(transaction, context, request, now));
    ASSIGN_OR_RETURN(const std::int64_t sequence, store::last_sequence(transaction, request.user_id));
    return v1::OpenSocketReply{sequence};
  };
  auto reply = co_await database_.write(context, work);
  if (reply) send(std::move(signals));
  co_return reply;
}

// People without a chat account (an administrator) have a log and a presence all the same.
Result<ChatService::Signals> ChatService::open_socket_in(Transaction& transaction, const runtime::Context& context,
                                                         const v1::OpenSocketRequest& request, Timestamp now) const {
  TRY(store::ensure_log(transaction, request.user_id));
  TRY(store::ensure_presence(transaction, request.user_id, v1::PresenceStatus::kOffline, now));
  TRY(store::open_socket(transaction, request.socket_id, request.user_id, request.session_id, lease_clock_.now(context) + settings_.lease));
  const Uuid users[] = {request.user_id};
  return settle_presence(transaction, context, users, now);
}

Task<Result<v1::Nothing>> ChatService::renew_sockets(runtime::Context& context, v1::RenewSocketsRequest request) {
  CO_TRY(require_service(context));
  const std::span<const Uuid> all = request.socket_ids;
  const Duration lease = settings_.lease - std::clamp(request.silent_for.value_or(Duration{}), Duration{}, settings_.lease);
  for (std::size_t done = 0; done < all.size(); done += kRenewalStep) {
    const std::span<const Uuid> sockets = all.subspan(done, std::min(kRenewalStep, all.size() - done));
    const Timestamp now = context.now();
    const auto work = [&](Transaction& transaction) -> Result<Signals> {
      ASSIGN_OR_RETURN(const auto back, store::people_of_lapsed(transaction, sockets));
      TRY(store::renew_sockets(transaction, sockets, lease_clock_.now(context) + lease));
      return settle_presence(transaction, context, back, now);
    };
    auto signals = co_await database_.write(context, work);
    if (!signals) co_return fail(std::move(signals).error());
    send(std::move(*signals));
  }
  co_return v1::Nothing{};
}

// The person stays present for one more lease, so that loading a page anew is not seen by others.
Task<Result<v1::Nothing>> ChatService::close_socket(runtime::Context& context, v1::CloseSocketRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = lease_clock_.now(context);
  const auto work = [&](Transaction& transaction) -> Result<v1::Nothing> {
    TRY(store::close_socket(transaction, request.socket_id, now + settings_.lease));
    return v1::Nothing{};
  };
  auto reply = co_await database_.write(context, work);
  co_return reply;
}

Task<Result<v1::Nothing>> ChatService::typing(runtime::Context& context, v1::TypingRequest request) {
  const Uuid user = context.caller.is_service() ? request.user_id.value_or(context.caller.user_id) : context.caller.user_id;
  if (!context.caller.is_service()) CO_TRY(person_calling(context));
  if (!may_tell_typing(user, request.channel_id, context.scheduler().steady_now())) co_return v1::Nothing{};
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) -> Result<std::vector<Uuid>> {
    ASSIGN_OR_RETURN(const auto standing, store::find_standing(transaction, request.channel_id, user, now));
    if (!standing || standing->membership.access != v1::MemberAccess::kWrite) return fail(v1::errors::channel_not_found());
    return store::running_members(transaction, request.channel_id, now);
  };
  auto members = co_await database_.read(context, work);
  if (!members) co_return fail(std::move(members).error());
  std::erase(*members, user);
  feed_.signal({"typing", encode_json(v1::SomebodyTypes{request.channel_id, user}), now, std::move(*members)});
  co_return v1::Nothing{};
}

bool ChatService::may_tell_typing(const Uuid& person, const Uuid& channel, Timestamp steady_now) {
  const std::lock_guard lock(typing_mutex_);
  const Timestamp old = steady_now - settings_.typing_interval;
  if (typing_.size() >= kMaxTypingNotes) std::erase_if(typing_, [&](const auto& note) { return note.second <= old; });
  const auto [place, fresh] = typing_.try_emplace({person, channel}, steady_now);
  if (fresh) {
    if (typing_.size() <= kMaxTypingNotes) return true;
    typing_.erase(place);
    return false;
  }
  if (place->second > old) return false;
  place->second = steady_now;
  return true;
}

}  // namespace consilium::chat
