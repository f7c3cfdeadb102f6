// Access tokens: JWT (RFC 9068) signed with ES256. Verification is local and strict; whether the session still lives is
// another question, asked of the database.
#pragma once

#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "services/sessions/key_ring.h"
#include "services/sessions/settings.h"

namespace consilium::sessions {

inline constexpr std::size_t kMaxTokenSize = 4000;  // bytes

struct AccessClaims {
  Uuid user_id;     // `sub`
  Uuid session_id;  // `sid`
  Timestamp issued_at;
  Timestamp expires_at;  // both to the second
  // Of the tokens of applications alone: whose it is, and what it opens.
  std::string client_id;
  std::string scope;

  bool operator==(const AccessClaims&) const = default;
};

// Header `{"alg":"ES256","typ":<type>,"kid":…}` over any claims.
std::string sign_jwt(const SigningKey& key, std::string_view type, std::string_view claims_json);

Secret sign_access_token(const AccessClaims& claims, const KeyRing& keys, const TokenSettings& settings, Timestamp now);

// What a good signature says, and the id of its key.
struct SignedClaims {
  AccessClaims claims;
  std::string key_id;
};

// All but the times: `sessions.invalid`, which does not say why.
Result<SignedClaims> read_access_token(const Secret& token, const KeyRing& keys, const TokenSettings& settings);
// `sessions.expired`.
Result<void> check_times(const AccessClaims& claims, const TokenSettings& settings, Timestamp now);

// Both: `sessions.expired` when that alone is wrong, else `sessions.invalid`, which does not say why.
Result<AccessClaims> verify_access_token(const Secret& token, const KeyRing& keys, const TokenSettings& settings, Timestamp now);

}  // namespace consilium::sessions
