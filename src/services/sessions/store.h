// The tables of the sessions service. All functions run inside a transaction of the caller.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/database/database.h"
#include "services/sessions/sessions.h"

namespace consilium::sessions {

struct Identity {
  Uuid id;
  Uuid user_id;
  std::optional<std::string> password_hash;  // none until the person has used a link
};

Result<std::optional<Identity>> find_identity(database::Transaction& transaction, Uuid user_id);
Result<void> insert_identity(database::Transaction& transaction, const Identity& identity, Timestamp now);
// Whether there is an identity to set it at.
Result<bool> set_password_hash(database::Transaction& transaction, Uuid user_id, std::string_view hash, Timestamp now);
// With the links of the person. Fine when there is none.
Result<void> delete_identity(database::Transaction& transaction, Uuid user_id);
// Ids are never used again: whoever was removed stays so, also for a call that was under way meanwhile.
Result<bool> was_removed(database::Transaction& transaction, Uuid user_id);

Result<void> insert_session(database::Transaction& transaction, const SessionRecord& session,
                            const std::optional<std::string>& cookie_hash);
Result<std::optional<SessionRecord>> find_session(database::Transaction& transaction, Uuid id);
Result<std::optional<SessionRecord>> find_session_by_cookie(database::Transaction& transaction, std::string_view cookie_hash);
// Those not ended, newest first, at most 1,000.
Result<std::vector<SessionRecord>> open_sessions_of(database::Transaction& transaction, Uuid user_id);
// Those not ended whose time is over, at most `limit`.
Result<std::vector<SessionRecord>> overdue_sessions(database::Transaction& transaction, Timestamp now, Duration idle, int limit);
Result<void> touch_session(database::Transaction& transaction, Uuid id, Timestamp now);
// Whether it was open until now.
Result<bool> mark_ended(database::Transaction& transaction, Uuid id, std::string_view reason, Timestamp now);

// Since the first start; how many are open is the difference.
struct SessionCounts {
  std::int64_t issued = 0;
  std::map<std::string, std::int64_t> ended;  // by reason

  std::int64_t open() const;
};
Result<SessionCounts> count_sessions(database::Transaction& transaction);

struct RefreshToken {
  std::string hash;
  Uuid session_id;
  Timestamp expires_at;
  std::optional<Timestamp> used_at;
  std::string successor_hash;
  std::string sealed_answer;  // of the refresh that used it
};

Result<void> insert_refresh(database::Transaction& transaction, const RefreshToken& token);
Result<std::optional<RefreshToken>> find_refresh(database::Transaction& transaction, std::string_view hash);
Result<void> mark_used(database::Transaction& transaction, const RefreshToken& token);

// What an application exchanges for tokens, once.
struct AuthorizationCode {
  std::string hash;
  Uuid session_id;  // of the browser that it was given to
  std::string client_id;
  std::string redirect_uri;
  std::string challenge;
  std::string nonce;
  std::string scope;
  Timestamp expires_at;
  std::optional<Timestamp> used_at;
  std::optional<Uuid> granted_id;  // the session that it opened
};

Result<void> insert_code(database::Transaction& transaction, const AuthorizationCode& code);
Result<std::optional<AuthorizationCode>> find_code(database::Transaction& transaction, std::string_view hash);
Result<void> mark_used(database::Transaction& transaction, const AuthorizationCode& code);
// Neither used nor expired.
Result<std::int64_t> count_open_codes(database::Transaction& transaction, Uuid session_id, Timestamp now);

// What the session of an application is for.
struct Grant {
  Uuid session_id;
  std::string client_id;
  std::string scope;
  Timestamp authenticated_at;  // when the person gave the password
};

Result<void> insert_grant(database::Transaction& transaction, const Grant& grant);
Result<std::optional<Grant>> find_grant(database::Transaction& transaction, Uuid session_id);

struct OneTimeLink {
  std::string hash;
  Uuid user_id;
  Timestamp expires_at;
};

// The person's only one from now on.
Result<void> replace_link(database::Transaction& transaction, const OneTimeLink& link, Timestamp now);
Result<std::optional<OneTimeLink>> find_link(database::Transaction& transaction, std::string_view hash);
Result<void> delete_links_of(database::Transaction& transaction, Uuid user_id);

Result<void> insert_refusal(database::Transaction& transaction, const v1::Refusal& refusal);
struct RefusalFilter {
  std::optional<Uuid> user_id;
  std::optional<std::string> remote_address;
  std::optional<std::string> code;
};
struct NumberedRefusal {
  std::int64_t number = 0;  // rises with each that is recorded
  v1::Refusal refusal;
};
// Those numbered below `before`, newest first, at most `limit`.
Result<std::vector<NumberedRefusal>> list_refusals(database::Transaction& transaction, const RefusalFilter& filter, std::int64_t before,
                                                   std::int32_t limit);
Result<std::int64_t> count_refusals(database::Transaction& transaction, const RefusalFilter& filter);
// All but the newest `kept`.
Result<void> delete_old_refusals(database::Transaction& transaction, std::int64_t kept);

// Sessions that ended before `before` with their tokens, and links and codes that have expired; at most `limit` of each.
Result<std::int64_t> delete_history(database::Transaction& transaction, Timestamp before, Timestamp now, int limit);

}  // namespace consilium::sessions
