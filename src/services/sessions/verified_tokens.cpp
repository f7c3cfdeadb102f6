#include "services/sessions/verified_tokens.h"

#include <utility>

#include "services/sessions/sessions.h"

namespace consilium::sessions {

Result<AccessClaims> VerifiedTokens::verify(const Secret& token, const KeyRing& keys, const TokenSettings& settings, Timestamp now) {
  const std::string hash = token_hash(token);
  auto known = find(hash);
  if (!known || !keys.find(known->key_id)) {
    ASSIGN_OR_RETURN(known, read_access_token(token, keys, settings));
    const std::lock_guard lock(mutex_);
    entries_.put(hash, *known);
  }
  TRY(check_times(known->claims, settings, now));
  return std::move(known->claims);
}

std::optional<SignedClaims> VerifiedTokens::find(const std::string& hash) {
  const std::lock_guard lock(mutex_);
  const SignedClaims* known = entries_.find(hash);
  ++(known ? hits_ : misses_);
  return known ? std::optional(*known) : std::nullopt;
}

CacheFigures VerifiedTokens::figures() {
  const std::lock_guard lock(mutex_);
  return {hits_, misses_, entries_.size()};
}

}  // namespace consilium::sessions
