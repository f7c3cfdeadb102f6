// The calls of the sessions service: the issuer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilium/sessions/v1/sessions_service.h"
#include "consilium/users/v1/users_service.h"
#include "ports/database/audit.h"
#include "ports/database/database.h"
#include "ports/database/read_cache.h"
#include "services/sessions/key_ring.h"
#include "services/sessions/login_limiter.h"
#include "services/sessions/openid.h"
#include "services/sessions/password.h"
#include "services/sessions/settings.h"
#include "services/sessions/store.h"
#include "services/sessions/verified_tokens.h"

namespace consilium::sessions {

// What the role table of the users service says of these roles, sorted.
using PermissionsOf = std::function<std::vector<std::string>(const std::vector<std::string>& roles)>;

struct SweepReport {
  std::size_t expired = 0;   // sessions that were ended
  std::int64_t deleted = 0;  // old sessions and links
};

// Any loop may call it. Every authenticated call looks at the session and the person as they are now, so an end, a lock or a change
// of rights is seen by the next call.
class SessionsService final : public v1::Sessions {
 public:
  static constexpr int kSweepBatch = 200;  // rows of one sweep

  // All references outlive it.
  SessionsService(database::Database& database, users::v1::Users& users, PasswordHasher& hasher, const KeyRing& keys,
                  PermissionsOf permissions_of, Settings settings = {});

  Task<Result<v1::LoginReply>> login(runtime::Context& context, v1::LoginRequest request) override;
  Task<Result<v1::LoginReply>> refresh(runtime::Context& context, v1::RefreshRequest request) override;
  Task<Result<v1::AuthenticateReply>> authenticate(runtime::Context& context, v1::AuthenticateRequest request) override;
  Task<Result<v1::CheckSessionsReply>> check_sessions(runtime::Context& context, v1::CheckSessionsRequest request) override;
  Task<Result<v1::KeySetReply>> get_key_set(runtime::Context& context, v1::KeySetRequest request) override;
  Task<Result<v1::AuthorizeReply>> authorize(runtime::Context& context, v1::AuthorizeRequest request) override;
  Task<Result<v1::TokenReply>> issue_tokens(runtime::Context& context, v1::TokenRequest request) override;
  Task<Result<v1::UserInfoReply>> get_user_info(runtime::Context& context, v1::UserInfoRequest request) override;
  Task<Result<v1::DiscoveryReply>> get_discovery(runtime::Context& context, v1::DiscoveryRequest request) override;
  Task<Result<v1::Nothing>> record_refusals(runtime::Context& context, v1::RecordRefusalsRequest request) override;
  Task<Result<v1::ListRefusalsReply>> list_refusals(runtime::Context& context, v1::ListRefusalsRequest request) override;
  Task<Result<v1::CurrentReply>> get_current(runtime::Context& context, v1::GetCurrentRequest request) override;
  Task<Result<v1::ListSessionsReply>> list_sessions(runtime::Context& context, v1::ListSessionsRequest request) override;
  Task<Result<v1::Nothing>> end_current(runtime::Context& context, v1::EndCurrentRequest request) override;
  Task<Result<v1::Nothing>> end_session(runtime::Context& context, v1::EndSessionRequest request) override;
  Task<Result<v1::Nothing>> end_all_sessions(runtime::Context& context, v1::EndAllRequest request) override;

  Task<Result<v1::Nothing>> set_password(runtime::Context& context, v1::SetPasswordRequest request) override;
  Task<Result<v1::Nothing>> change_password(runtime::Context& context, v1::ChangePasswordRequest request) override;
  Task<Result<v1::CreateIdentityReply>> create_identity(runtime::Context& context, v1::CreateIdentityRequest request) override;
  Task<Result<v1::Nothing>> delete_identity(runtime::Context& context, v1::IdentityRequest request) override;
  Task<Result<v1::OneTimeLinkReply>> create_one_time_link(runtime::Context& context, v1::IdentityRequest request) override;

  // Ends sessions whose time is over, so that their sockets close too, and forgets old ones. Call it about once a minute.
  Task<Result<SweepReport>> sweep(runtime::Context& context);

  Task<Result<SessionCounts>> figures(runtime::Context& context);
  CacheFigures cache_figures() { return known_.figures(); }
  CacheFigures token_figures() { return verified_.figures(); }

 private:
  Task<Result<users::v1::User>> find_user(runtime::Context& context, std::string username);
  // `sessions.invalid` unless the person is active.
  Task<Result<users::v1::User>> active_user(runtime::Context& context, Uuid user_id);
  Task<Result<std::optional<Identity>>> load_identity(runtime::Context& context, Uuid user_id);
  // One run of Argon2, also for people who have no identity; then `sessions.bad-credentials`.
  Task<Result<Identity>> check_password(runtime::Context& context, Uuid user_id, Secret password);
  Task<Result<std::optional<std::string>>> renewed_hash(runtime::Context& context, const Identity& identity, Secret password);
  Task<Result<v1::LoginReply>> open_session(runtime::Context& context, const users::v1::User& user, const v1::LoginRequest& request,
                                            const Identity& identity, std::optional<std::string> new_hash);
  // `answer`: a message in its binary form. What the caller gets, in the same form: it, or that of the first use.
  Task<Result<std::string>> rotate(runtime::Context& context, Secret token, Secret successor, std::string answer);
  // Of a browser, and alive; nothing when there is none.
  Task<Result<std::optional<SessionRecord>>> browser_session(runtime::Context& context, std::optional<Uuid> session_id);
  Task<Result<v1::AuthorizeReply>> give_code(runtime::Context& context, const AuthorizationRequest& asked, Uuid session_id);
  Result<std::string> check_application(const runtime::Context& context, const v1::TokenRequest& request);
  Task<Result<v1::TokenReply>> exchange_code(runtime::Context& context, std::string client_id, ParameterList parameters);
  Task<Result<v1::TokenReply>> refresh_grant(runtime::Context& context, std::string client_id, ParameterList parameters);
  v1::TokenReply tokens_of(const SessionRecord& session, const Grant& grant, std::string_view nonce, Timestamp now) const;
  // Counts it; `sessions.too-many-attempts` when there were too many.
  Error refused_grant(const runtime::Context& context, std::string_view client_id);
  // Which session is meant: the hash of a cookie, or the id of a session and the rest of the token.
  struct SessionQuestion {
    std::string key;
    std::optional<AccessClaims> claims;
  };
  Result<SessionQuestion> question_of(const v1::AuthenticateRequest& request, Timestamp now);
  Task<Result<SessionRecord>> session_of(runtime::Context& context, const SessionQuestion& question);
  Task<Result<void>> touch(runtime::Context& context, const SessionQuestion& question, SessionRecord session);
  // Ends it on record when its time is over.
  Task<Result<void>> require_alive(runtime::Context& context, const SessionRecord& session);
  Task<Result<SessionRecord>> current_session(runtime::Context& context);
  void issue_access_token(v1::LoginReply& reply, const SessionRecord& session, Timestamp now) const;
  v1::Person person_of(const users::v1::User& user) const;

  database::Database& database_;
  users::v1::Users& users_;
  PasswordHasher& hasher_;
  const KeyRing& keys_;
  const PermissionsOf permissions_of_;
  const Settings settings_;
  LoginLimiter limiter_;
  const database::AuditTable audit_{"sessions"};
  VerifiedTokens verified_;
  // By the key of the question.
  database::ReadCache<SessionRecord> known_;
};

}  // namespace consilium::sessions
