// Access tokens whose signature was found good, so that a program that calls often is not charged a verification for each call.
// Times are looked at again each time, and so is whether the key still holds. Tokens are known by their hash alone.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/recent_map.h"
#include "services/sessions/access_token.h"

namespace consilium::sessions {

// Any thread.
class VerifiedTokens {
 public:
  static constexpr std::size_t kBound = 10'000;

  // As `verify_access_token`.
  Result<AccessClaims> verify(const Secret& token, const KeyRing& keys, const TokenSettings& settings, Timestamp now);

  CacheFigures figures();

 private:
  std::optional<SignedClaims> find(const std::string& hash);

  std::mutex mutex_;
  RecentMap<SignedClaims> entries_{kBound};  // by the hash of the token
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
};

}  // namespace consilium::sessions
