#include "services/sessions/service.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/cursor.h"
#include "consilium/sessions/v1/sessions_events.h"
#include "services/sessions/access_token.h"
#include "services/sessions/ending.h"
#include "services/sessions/refreshing.h"
#include "services/sessions/service_callers.h"

namespace consilium::sessions {
namespace {

using database::Transaction;
using runtime::Context;

// Name and address as far as a table should hold them.
std::string shortened(std::string text) {
  constexpr std::size_t kLongest = 300;
  if (text.size() > kLongest) text.resize(kLongest);
  return text;
}

Error invalid() { return v1::errors::invalid("Expected a session or token that was issued here"); }

Result<SessionRecord> existing(Result<std::optional<SessionRecord>> found) {
  if (!found) return fail(std::move(found).error());
  if (!*found) return fail(invalid());
  return std::move(**found);
}

// Told after the right password alone.
Result<void> check_may_log_in(const users::v1::User& user) {
  switch (user.status) {
    case users::v1::UserStatus::kActive: return {};
    case users::v1::UserStatus::kLocked: return fail(v1::errors::locked("Expected a person who is not locked"));
    case users::v1::UserStatus::kDraft: return fail(v1::errors::not_active("Expected a person who is active already"));
    case users::v1::UserStatus::kDeleted:
    case users::v1::UserStatus::kUnspecified: break;
  }
  return fail(bad_credentials());
}

std::vector<std::string> roles_of(const users::v1::User& user) { return {std::string(users::v1::text_of(user.type))}; }

v1::SessionState state_of(const Uuid& id, const std::optional<SessionRecord>& session, const Settings& settings, Timestamp now) {
  v1::SessionState state;
  state.session_id = id;
  // Forgotten: it ended long ago.
  if (!session) {
    state.end_reason = reasons::kExpired;
    return state;
  }
  state.expires_at = session->ended_at ? *session->ended_at : expiry_of(*session, settings);
  if (session->ended_at) state.end_reason = session->end_reason;
  if (!session->ended_at && !check_alive(*session, settings, now)) state.end_reason = reasons::kExpired;
  return state;
}

// Refusals are numbered as they come: the last number of a page is its cursor.
Result<std::int64_t> number_before(const std::optional<std::string>& cursor) {
  if (!cursor) return std::numeric_limits<std::int64_t>::max();
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), number);
  if (failure != std::errc() || end != cursor->data() + cursor->size() || number <= 0)
    return fail(v1::errors::bad_cursor("Expected a cursor that this list gave"));
  return number;
}

SessionRecord new_session(const Context& context, Uuid user_id, const v1::LoginRequest& request, const Settings& settings) {
  SessionRecord session;
  session.id = context.new_id();
  session.user_id = user_id;
  const bool bearer = request.kind == v1::SessionKind::kBearer;
  session.kind = bearer ? v1::SessionKind::kBearer : v1::SessionKind::kCookie;
  session.created_at = context.now();
  session.last_used_at = session.created_at;
  session.expires_at = session.created_at + settings.absolute;
  session.user_agent = shortened(request.user_agent.value_or(""));
  session.remote_address = shortened(context.remote_address);
  return session;
}

}  // namespace

SessionsService::SessionsService(database::Database& database, users::v1::Users& users, PasswordHasher& hasher, const KeyRing& keys,
                                 PermissionsOf permissions_of, Settings settings)
    : database_(database),
      users_(users),
      hasher_(hasher),
      keys_(keys),
      permissions_of_(std::move(permissions_of)),
      settings_(std::move(settings)),
      limiter_(settings_.login),
      // Each end of a session is told by an event in its transaction. That somebody uses it changes its row alone.
      known_(database, {"sessions_outbox"}, VerifiedTokens::kBound) {}

Task<Result<v1::LoginReply>> SessionsService::login(Context& context, v1::LoginRequest request) {
  CO_TRY(limiter_.admit(lower_case(request.username), context.remote_address, context.scheduler().steady_now()));
  auto user = co_await find_user(context, request.username);
  if (!user && user.error().kind != ErrorKind::kNotFound) co_return fail(std::move(user).error());
  // Unknown people take the same way: one read, one run of Argon2, one answer.
  const Uuid user_id = user ? user->id : Uuid{};
  CO_ASSIGN_OR_RETURN(const Identity identity, co_await check_password(context, user_id, request.password));
  if (!user) co_return fail(bad_credentials());
  limiter_.succeeded(lower_case(request.username), context.remote_address);
  CO_TRY(check_may_log_in(*user));
  CO_ASSIGN_OR_RETURN(std::optional<std::string> new_hash, co_await renewed_hash(context, identity, request.password));
  auto reply = co_await open_session(context, *user, request, identity, std::move(new_hash));
  co_return reply;
}

Task<Result<v1::LoginReply>> SessionsService::open_session(Context& context, const users::v1::User& user, const v1::LoginRequest& request,
                                                           const Identity& identity, std::optional<std::string> new_hash) {
  const SessionRecord session = new_session(context, user.id, request, settings_);
  const Secret token = make_token(context.random());
  const bool bearer = session.kind == v1::SessionKind::kBearer;
  auto opened = co_await database_.write(context, [&](Transaction& transaction) -> Result<bool> {
    // The password may have been changed since it was checked; that ended all sessions, and this one would have outlived it.
    ASSIGN_OR_RETURN(const std::optional<Identity> current, find_identity(transaction, user.id));
    if (!current || current->password_hash != identity.password_hash) return fail(bad_credentials());
    std::optional<std::string> cookie_hash;
    if (!bearer) cookie_hash = token_hash(token);
    TRY(insert_session(transaction, session, cookie_hash));
    if (bearer) {
      const Timestamp expiry = std::min(session.created_at + settings_.refresh_lifetime, session.expires_at);
      TRY(insert_refresh(transaction, {.hash = token_hash(token), .session_id = session.id, .expires_at = expiry}));
    }
    if (new_hash) TRY(set_password_hash(transaction, user.id, *new_hash, session.created_at));
    TRY(publish(transaction, context, v1::Opened{session.id, user.id}));
    return true;
  });
  if (!opened) co_return fail(std::move(opened).error());
  v1::LoginReply reply;
  reply.session_id = session.id;
  reply.user = person_of(user);
  if (bearer) {
    reply.refresh_token = token;
    issue_access_token(reply, session, session.created_at);
  } else {
    reply.cookie = token;
  }
  co_return reply;
}

Task<Result<v1::LoginReply>> SessionsService::refresh(Context& context, v1::RefreshRequest request) {
  const std::string hash = token_hash(request.refresh_token);
  // A first look says whose it is; what may be done with it is decided in the transaction below.
  auto seen = co_await database_.read(context, [&](Transaction& transaction) -> Result<SessionRecord> {
    ASSIGN_OR_RETURN(const std::optional<RefreshToken> token, find_refresh(transaction, hash));
    if (!token) return fail(invalid());
    ASSIGN_OR_RETURN(SessionRecord session, existing(find_session(transaction, token->session_id)));
    // An application gets no tokens that open the API: it refreshes at its own endpoint.
    if (session.kind != v1::SessionKind::kBearer) return fail(invalid());
    return session;
  });
  if (!seen) co_return fail(std::move(seen).error());
  CO_TRY(co_await require_alive(context, *seen));
  CO_ASSIGN_OR_RETURN(const users::v1::User user, co_await active_user(context, seen->user_id));
  v1::LoginReply answer;
  answer.session_id = seen->id;
  answer.user = person_of(user);
  answer.refresh_token = make_token(context.random());
  issue_access_token(answer, *seen, context.now());
  CO_ASSIGN_OR_RETURN(const std::string given,
                      co_await rotate(context, std::move(request.refresh_token), *answer.refresh_token, encode_wire(answer)));
  co_return decode_wire<v1::LoginReply>(given);
}

Task<Result<std::string>> SessionsService::rotate(Context& context, Secret token, Secret successor, std::string answer) {
  Refreshing refreshing;
  refreshing.sealed_answer = seal(token, answer, context.random());
  refreshing.token = std::move(token);
  refreshing.successor = std::move(successor);
  refreshing.answer = std::move(answer);
  refreshing.now = context.now();
  auto outcome = co_await database_.write(
      context, [&](Transaction& transaction) { return rotate_refresh_token(transaction, context, refreshing, settings_); });
  if (!outcome) co_return fail(std::move(outcome).error());
  co_return std::move(*outcome);
}

Task<Result<v1::AuthenticateReply>> SessionsService::authenticate(Context& context, v1::AuthenticateRequest request) {
  CO_TRY(require_service(context));
  CO_ASSIGN_OR_RETURN(const SessionQuestion question, question_of(request, context.now()));
  CO_ASSIGN_OR_RETURN(const SessionRecord session, co_await session_of(context, question));
  CO_TRY(co_await require_alive(context, session));
  CO_ASSIGN_OR_RETURN(const users::v1::User user, co_await active_user(context, session.user_id));
  const Timestamp now = context.now();
  v1::AuthenticateReply reply;
  reply.session_id = session.id;
  reply.user = person_of(user);
  reply.roles = roles_of(user);
  reply.expires_at = expiry_of(session, settings_);
  if (must_touch(session, settings_, now)) {
    // A disk that is full stops writing, not reading: the call goes on.
    const auto touched = co_await touch(context, question, session);
    if (touched) reply.expires_at = std::min(session.expires_at, now + settings_.idle);
  }
  co_return reply;
}

Task<Result<v1::CheckSessionsReply>> SessionsService::check_sessions(Context& context, v1::CheckSessionsRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  const auto work = [&](Transaction& transaction) -> Result<v1::CheckSessionsReply> {
    v1::CheckSessionsReply reply;
    for (const Uuid& id : request.session_ids) {
      ASSIGN_OR_RETURN(const std::optional<SessionRecord> session, find_session(transaction, id));
      reply.items.push_back(state_of(id, session, settings_, now));
    }
    return reply;
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Task<Result<v1::KeySetReply>> SessionsService::get_key_set(Context& context, v1::KeySetRequest) {
  CO_TRY(require_service(context));
  co_return v1::KeySetReply{JsonText{keys_.jwks()}};
}

Task<Result<v1::Nothing>> SessionsService::record_refusals(Context& context, v1::RecordRefusalsRequest request) {
  CO_TRY(require_service(context));
  const auto work = [&](Transaction& transaction) -> Result<v1::Nothing> {
    for (const v1::Refusal& refusal : request.items) TRY(insert_refusal(transaction, refusal));
    TRY(delete_old_refusals(transaction, settings_.refusals_kept));
    return v1::Nothing();
  };
  auto reply = co_await database_.write(context, work);
  co_return reply;
}

Task<Result<v1::ListRefusalsReply>> SessionsService::list_refusals(Context& context, v1::ListRefusalsRequest request) {
  CO_TRY(require_permission(context, "sessions.refusals"));
  CO_ASSIGN_OR_RETURN(const std::int64_t before, number_before(request.cursor));
  const auto size = static_cast<std::size_t>(page_size_of(request.limit));
  const RefusalFilter filter{request.user_id, request.remote_address, request.code};
  const bool count = request.count.value_or(false);
  const auto work = [&](Transaction& transaction) -> Result<v1::ListRefusalsReply> {
    ASSIGN_OR_RETURN(std::vector<NumberedRefusal> rows,
                     sessions::list_refusals(transaction, filter, before, static_cast<std::int32_t>(size) + 1));
    v1::ListRefusalsReply reply;
    if (rows.size() > size) {
      rows.resize(size);
      reply.next_cursor = std::to_string(rows.back().number);
    }
    for (NumberedRefusal& row : rows) reply.items.push_back(std::move(row.refusal));
    if (!count) return reply;
    ASSIGN_OR_RETURN(const std::int64_t total, count_refusals(transaction, filter));
    reply.total = static_cast<std::int32_t>(total);
    return reply;
  };
  auto reply = co_await database_.read(context, work);
  co_return reply;
}

Result<SessionsService::SessionQuestion> SessionsService::question_of(const v1::AuthenticateRequest& request, Timestamp now) {
  if (request.cookie.has_value() == request.access_token.has_value())
    return fail(v1::errors::required("Expected a cookie or an access token"));
  if (request.cookie) return SessionQuestion{token_hash(*request.cookie), std::nullopt};
  ASSIGN_OR_RETURN(AccessClaims claims, verified_.verify(*request.access_token, keys_, settings_.token, now));
  std::string key(claims.session_id.raw());
  return SessionQuestion{std::move(key), std::move(claims)};
}

Task<Result<SessionRecord>> SessionsService::session_of(Context& context, const SessionQuestion& question) {
  auto session = known_.find(question.key);
  if (!session) {
    const auto version = known_.version();
    const auto work = [&question](Transaction& transaction) {
      return existing(question.claims ? find_session(transaction, question.claims->session_id)
                                      : find_session_by_cookie(transaction, question.key));
    };
    CO_ASSIGN_OR_RETURN(session, co_await database_.read(context, work));
    known_.keep(version, question.key, *session);
  }
  if (question.claims && session->user_id != question.claims->user_id) co_return fail(invalid());
  co_return std::move(*session);
}

Task<Result<void>> SessionsService::touch(Context& context, const SessionQuestion& question, SessionRecord session) {
  const auto version = known_.version();
  session.last_used_at = context.now();
  const auto work = [&session](Transaction& transaction) { return touch_session(transaction, session.id, session.last_used_at); };
  CO_TRY(co_await database_.write(context, work));
  known_.keep(version, question.key, std::move(session));
  co_return Result<void>();
}

Task<Result<void>> SessionsService::require_alive(Context& context, const SessionRecord& session) {
  const Timestamp now = context.now();
  Result<void> alive = check_alive(session, settings_, now);
  if (alive || session.ended_at) co_return alive;
  // Its answer is the same when this fails: the sweep comes again.
  auto ended = co_await database_.write(
      context, [&](Transaction& transaction) { return sessions::end_session(transaction, context, session, reasons::kExpired, now); });
  if (!ended) co_return fail(std::move(alive).error().caused_by(std::move(ended).error()));
  co_return alive;
}

Task<Result<SessionRecord>> SessionsService::current_session(Context& context) {
  if (!context.caller.is_user()) co_return fail(v1::errors::required("Expected a call with a session"));
  const Uuid id = context.caller.session_id;
  auto session = co_await database_.read(context, [&](Transaction& transaction) { return existing(find_session(transaction, id)); });
  if (session && session->user_id != context.caller.user_id) co_return fail(invalid());
  co_return session;
}

Task<Result<v1::CurrentReply>> SessionsService::get_current(Context& context, v1::GetCurrentRequest) {
  CO_ASSIGN_OR_RETURN(const SessionRecord session, co_await current_session(context));
  CO_TRY(check_alive(session, settings_, context.now()));
  CO_ASSIGN_OR_RETURN(const users::v1::User user, co_await active_user(context, session.user_id));
  v1::CurrentReply reply;
  reply.session_id = session.id;
  reply.user = person_of(user);
  reply.expires_at = expiry_of(session, settings_);
  co_return reply;
}

Task<Result<v1::ListSessionsReply>> SessionsService::list_sessions(Context& context, v1::ListSessionsRequest) {
  if (!context.caller.is_user()) co_return fail(v1::errors::required("Expected a call with a session"));
  const Timestamp now = context.now();
  auto open =
      co_await database_.read(context, [&](Transaction& transaction) { return open_sessions_of(transaction, context.caller.user_id); });
  if (!open) co_return fail(std::move(open).error());
  v1::ListSessionsReply reply;
  for (const SessionRecord& session : *open) {
    if (check_alive(session, settings_, now)) reply.items.push_back(shown(session, settings_, context.caller.session_id));
  }
  co_return reply;
}

Task<Result<v1::Nothing>> SessionsService::end_current(Context& context, v1::EndCurrentRequest) {
  CO_ASSIGN_OR_RETURN(const SessionRecord session, co_await current_session(context));
  const Timestamp now = context.now();
  auto ended = co_await database_.write(
      context, [&](Transaction& transaction) { return sessions::end_session(transaction, context, session, reasons::kLogout, now); });
  if (!ended) co_return fail(std::move(ended).error());
  co_return v1::Nothing();
}

Task<Result<v1::Nothing>> SessionsService::end_session(Context& context, v1::EndSessionRequest request) {
  if (!context.caller.is_user()) co_return fail(v1::errors::required("Expected a call with a session"));
  const Timestamp now = context.now();
  auto ended = co_await database_.write(context, [&](Transaction& transaction) -> Result<void> {
    ASSIGN_OR_RETURN(const std::optional<SessionRecord> session, find_session(transaction, request.id));
    // Somebody else's session does not exist for the caller.
    if (!session || session->user_id != context.caller.user_id) return fail(v1::errors::not_found("Expected a session of one's own"));
    return sessions::end_session(transaction, context, *session, reasons::kLogout, now);
  });
  if (!ended) co_return fail(std::move(ended).error());
  co_return v1::Nothing();
}

Task<Result<v1::Nothing>> SessionsService::end_all_sessions(Context& context, v1::EndAllRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  auto ended = co_await database_.write(
      context, [&](Transaction& transaction) { return end_sessions_of(transaction, context, request.user_id, request.reason, now); });
  if (!ended) co_return fail(std::move(ended).error());
  co_return v1::Nothing();
}

Task<Result<SweepReport>> SessionsService::sweep(Context& context) {
  const Timestamp now = context.now();
  auto report = co_await database_.write(context, [&](Transaction& transaction) -> Result<SweepReport> {
    SweepReport done;
    ASSIGN_OR_RETURN(const std::vector<SessionRecord> overdue, overdue_sessions(transaction, now, settings_.idle, kSweepBatch));
    for (const SessionRecord& session : overdue) TRY(sessions::end_session(transaction, context, session, reasons::kExpired, now));
    done.expired = overdue.size();
    ASSIGN_OR_RETURN(done.deleted, delete_history(transaction, now - settings_.history, now, kSweepBatch));
    return done;
  });
  co_return report;
}

Task<Result<SessionCounts>> SessionsService::figures(Context& context) {
  const auto work = [](Transaction& transaction) { return count_sessions(transaction); };
  auto counts = co_await database_.read(context, work);
  co_return counts;
}

Task<Result<users::v1::User>> SessionsService::find_user(Context& context, std::string username) {
  Context internal = for_users(context);
  users::v1::FindUserRequest request;
  request.username = std::move(username);
  auto user = co_await users_.find_user(internal, std::move(request));
  co_return user;
}

Task<Result<users::v1::User>> SessionsService::active_user(Context& context, Uuid user_id) {
  Context internal = for_users(context);
  users::v1::GetUserRequest request;
  request.id = user_id;
  auto user = co_await users_.get_user(internal, request);
  if (!user && user.error().kind == ErrorKind::kNotFound) co_return fail(invalid());
  if (user && user->status != users::v1::UserStatus::kActive) co_return fail(invalid());
  co_return user;
}

void SessionsService::issue_access_token(v1::LoginReply& reply, const SessionRecord& session, Timestamp now) const {
  const Timestamp expiry = std::min(now + settings_.token.lifetime, session.expires_at);
  const AccessClaims claims{session.user_id, session.id, now, expiry};
  reply.access_token = sign_access_token(claims, keys_, settings_.token, now);
  reply.expires_in = static_cast<std::int32_t>((expiry - now).microseconds / 1'000'000);
}

v1::Person SessionsService::person_of(const users::v1::User& user) const {
  v1::Person person;
  person.id = user.id;
  person.username = user.username;
  person.display_name = user.first_name + " " + user.last_name;
  person.type = users::v1::text_of(user.type);
  person.language = user.language;
  person.permissions = permissions_of_(roles_of(user));
  return person;
}

}  // namespace consilium::sessions
