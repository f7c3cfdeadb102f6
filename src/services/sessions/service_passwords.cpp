// The calls about identities, passwords and one-time links.
#include <utility>

#include "services/sessions/ending.h"
#include "services/sessions/service.h"
#include "services/sessions/service_callers.h"

namespace consilium::sessions {
namespace {

using database::Transaction;
using runtime::Context;

// Attempts with links are counted apart from those with names.
constexpr std::string_view kLinkAttempts = "one-time link";

Error bad_link() { return v1::errors::bad_link("Expected a one-time link that is known, unused and not expired"); }

Result<OneTimeLink> usable_link(Transaction& transaction, const std::string& hash, Timestamp now) {
  ASSIGN_OR_RETURN(const std::optional<OneTimeLink> link, find_link(transaction, hash));
  if (!link || now >= link->expires_at) return fail(bad_link());
  return *link;
}

}  // namespace

Task<Result<std::optional<Identity>>> SessionsService::load_identity(Context& context, Uuid user_id) {
  auto identity = co_await database_.read(context, [&](Transaction& transaction) { return find_identity(transaction, user_id); });
  co_return identity;
}

Task<Result<Identity>> SessionsService::check_password(Context& context, Uuid user_id, Secret password) {
  CO_ASSIGN_OR_RETURN(std::optional<Identity> identity, co_await load_identity(context, user_id));
  const bool has_password = identity && identity->password_hash;
  std::string hash = has_password ? *identity->password_hash : hasher_.decoy();
  CO_ASSIGN_OR_RETURN(const bool fits, co_await hasher_.verify(context, std::move(password), std::move(hash)));
  if (!fits || !has_password) co_return fail(bad_credentials());
  co_return std::move(*identity);
}

Task<Result<std::optional<std::string>>> SessionsService::renewed_hash(Context& context, const Identity& identity, Secret password) {
  if (!hasher_.is_outdated(*identity.password_hash)) co_return std::nullopt;
  CO_ASSIGN_OR_RETURN(std::string hash, co_await hasher_.hash(context, std::move(password)));
  co_return hash;
}

Task<Result<v1::Nothing>> SessionsService::set_password(Context& context, v1::SetPasswordRequest request) {
  CO_TRY(limiter_.admit(kLinkAttempts, context.remote_address, context.scheduler().steady_now()));
  const std::string link_hash = token_hash(request.token);
  const Timestamp now = context.now();
  auto link = co_await database_.read(context, [&](Transaction& transaction) { return usable_link(transaction, link_hash, now); });
  if (!link) co_return fail(std::move(link).error());
  Context internal = for_users(context);
  users::v1::GetUserRequest of_link;
  of_link.id = link->user_id;
  auto user = co_await users_.get_user(internal, of_link);
  if (!user) co_return fail(user.error().kind == ErrorKind::kNotFound ? bad_link() : std::move(user).error());
  if (user->status == users::v1::UserStatus::kDeleted) co_return fail(bad_link());
  CO_TRY(check_password_strength(request.password, user->username));
  CO_ASSIGN_OR_RETURN(const std::string hash, co_await hasher_.hash(context, request.password));
  auto done = co_await database_.write(context, [&](Transaction& transaction) -> Result<void> {
    TRY(usable_link(transaction, link_hash, now));
    TRY(delete_links_of(transaction, link->user_id));
    ASSIGN_OR_RETURN(const bool known, set_password_hash(transaction, link->user_id, hash, now));
    if (!known) return fail(bad_link());
    return end_sessions_of(transaction, context, link->user_id, reasons::kPasswordChanged, now);
  });
  if (!done) co_return fail(std::move(done).error());
  limiter_.succeeded(kLinkAttempts, context.remote_address);
  co_return v1::Nothing();
}

Task<Result<v1::Nothing>> SessionsService::change_password(Context& context, v1::ChangePasswordRequest request) {
  CO_ASSIGN_OR_RETURN(const SessionRecord session, co_await current_session(context));
  CO_TRY(check_alive(session, settings_, context.now()));
  CO_ASSIGN_OR_RETURN(const users::v1::User user, co_await active_user(context, session.user_id));
  const std::string name = lower_case(user.username);
  CO_TRY(limiter_.admit(name, context.remote_address, context.scheduler().steady_now()));
  CO_TRY(co_await check_password(context, user.id, request.current_password));
  limiter_.succeeded(name, context.remote_address);
  CO_TRY(check_password_strength(request.new_password, user.username));
  CO_ASSIGN_OR_RETURN(const std::string hash, co_await hasher_.hash(context, request.new_password));
  const Timestamp now = context.now();
  auto done = co_await database_.write(context, [&](Transaction& transaction) -> Result<void> {
    ASSIGN_OR_RETURN(const bool known, set_password_hash(transaction, user.id, hash, now));
    if (!known) return fail(v1::errors::no_identity("Expected a person with an identity"));
    // A link that is on its way could undo the change.
    TRY(delete_links_of(transaction, user.id));
    return end_sessions_of(transaction, context, user.id, reasons::kPasswordChanged, now, session.id);
  });
  if (!done) co_return fail(std::move(done).error());
  co_return v1::Nothing();
}

Task<Result<v1::CreateIdentityReply>> SessionsService::create_identity(Context& context, v1::CreateIdentityRequest request) {
  CO_TRY(require_service(context));
  CO_ASSIGN_OR_RETURN(const std::optional<Identity> known, co_await load_identity(context, request.user_id));
  v1::CreateIdentityReply reply;
  if (known) {
    reply.identity_id = known->id;
    co_return reply;
  }
  Identity identity{context.new_id(), request.user_id, std::nullopt};
  if (request.password) {
    CO_TRY(check_password_strength(*request.password, request.username));
    CO_ASSIGN_OR_RETURN(identity.password_hash, co_await hasher_.hash(context, *request.password));
  }
  const Timestamp now = context.now();
  auto made = co_await database_.write(context, [&](Transaction& transaction) -> Result<Uuid> {
    ASSIGN_OR_RETURN(const std::optional<Identity> other, find_identity(transaction, identity.user_id));
    if (other) return other->id;
    ASSIGN_OR_RETURN(const bool removed, was_removed(transaction, identity.user_id));
    if (removed) return fail(v1::errors::no_identity("Expected a person who was not removed"));
    TRY(insert_identity(transaction, identity, now));
    return identity.id;
  });
  if (!made) co_return fail(std::move(made).error());
  reply.identity_id = *made;
  co_return reply;
}

Task<Result<v1::Nothing>> SessionsService::delete_identity(Context& context, v1::IdentityRequest request) {
  CO_TRY(require_service(context));
  const Timestamp now = context.now();
  auto done = co_await database_.write(context, [&](Transaction& transaction) -> Result<void> {
    TRY(sessions::delete_identity(transaction, request.user_id));
    return end_sessions_of(transaction, context, request.user_id, reasons::kDeleted, now);
  });
  if (!done) co_return fail(std::move(done).error());
  co_return v1::Nothing();
}

Task<Result<v1::OneTimeLinkReply>> SessionsService::create_one_time_link(Context& context, v1::IdentityRequest request) {
  CO_TRY(require_permission(context, "sessions.manage"));
  v1::OneTimeLinkReply reply;
  reply.token = make_token(context.random());
  const Timestamp now = context.now();
  const database::AuditEntry audit = database::audit_entry(context, "CreateOneTimeLink", database::to_value(request.user_id));
  auto made = co_await database_.write(context, [&](Transaction& transaction) -> Result<void> {
    ASSIGN_OR_RETURN(const std::optional<Identity> identity, find_identity(transaction, request.user_id));
    if (!identity) return fail(v1::errors::no_identity("Expected a person with an identity"));
    reply.expires_at = now + (identity->password_hash ? settings_.reset_lifetime : settings_.invitation_lifetime);
    TRY(audit_.insert(transaction, audit));
    return replace_link(transaction, {token_hash(reply.token), request.user_id, reply.expires_at}, now);
  });
  if (!made) co_return fail(std::move(made).error());
  co_return reply;
}

}  // namespace consilium::sessions
