// The exchange of an authorization code: good for one attempt, right or wrong. A code that comes again after it gave tokens means
// that somebody has a copy, and ends the session that it opened (RFC 6749 §4.1.2).
#pragma once

#include "ports/database/database.h"
#include "runtime/context.h"
#include "services/sessions/openid.h"
#include "services/sessions/store.h"

namespace consilium::sessions {

struct Redeeming {
  std::string code_hash;
  std::string client_id;
  std::string redirect_uri;
  Secret verifier;
  SessionRecord session;  // opened if the code may be used
  Secret refresh_token;   // its first
};

struct Redeemed {
  Grant grant;
  std::string nonce;
};

// The outer result fails when nothing may be kept; the inner one, `sessions.invalid-grant`, is what the caller gets after the commit.
Result<Result<Redeemed>> redeem_code(database::Transaction& transaction, const runtime::Context& context, const Redeeming& redeeming,
                                     const Settings& settings);

}  // namespace consilium::sessions
