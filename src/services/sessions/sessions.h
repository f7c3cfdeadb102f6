// The rules about sessions. Pure functions over values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "consilium/sessions/v1/sessions.h"
#include "services/sessions/settings.h"

namespace consilium::sessions {

// Why a session ended; in events and in the table.
namespace reasons {
inline constexpr std::string_view kLogout = "logout";
inline constexpr std::string_view kExpired = "expired";
inline constexpr std::string_view kLocked = "locked";
inline constexpr std::string_view kDeleted = "deleted";
inline constexpr std::string_view kPasswordChanged = "password-changed";
inline constexpr std::string_view kTokenReuse = "token-reuse";
inline constexpr std::string_view kCodeReuse = "code-reuse";
inline constexpr std::string_view kOther = "other";

// Itself, or `other` when it is a word of the service that ended all sessions of somebody.
constexpr std::string_view known(std::string_view reason) {
  for (const std::string_view one : {kLogout, kExpired, kLocked, kDeleted, kPasswordChanged, kTokenReuse, kCodeReuse}) {
    if (one == reason) return one;
  }
  return kOther;
}
}  // namespace reasons

struct SessionRecord {
  Uuid id;
  Uuid user_id;
  v1::SessionKind kind = v1::SessionKind::kCookie;
  Timestamp created_at;
  Timestamp last_used_at;  // to `touch_interval`
  Timestamp expires_at;    // whatever is done with it
  std::string user_agent;
  std::string remote_address;
  std::optional<Timestamp> ended_at;
  std::string end_reason;

  bool operator==(const SessionRecord&) const = default;
};

// When it ends if nobody uses it any more.
Timestamp expiry_of(const SessionRecord& session, const Settings& settings);
// Nothing while it lives; else `sessions.expired`, or `sessions.invalid` when it was ended.
Result<void> check_alive(const SessionRecord& session, const Settings& settings, Timestamp now);
bool must_touch(const SessionRecord& session, const Settings& settings, Timestamp now);
v1::Session shown(const SessionRecord& session, const Settings& settings, Uuid current);

// 256 random bits in 43 characters: cookies, refresh tokens, links. The tables hold `token_hash` of them alone.
Secret make_token(RandomSource& random);
std::string token_hash(const Secret& token);

}  // namespace consilium::sessions
