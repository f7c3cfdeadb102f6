// Rotation of refresh tokens. All tokens of a session are a family: using one twice means that somebody has a copy, and
// ends the session. A repetition within seconds, before the new token was used, is a lost answer and gets the same again.
#pragma once

#include "ports/database/database.h"
#include "runtime/context.h"
#include "services/sessions/sealed.h"
#include "services/sessions/store.h"

namespace consilium::sessions {

struct Refreshing {
  Secret token;               // as presented
  Secret successor;           // the next one
  std::string answer;         // with the successor, in its binary form: given if the token may be used
  std::string sealed_answer;  // the answer under the presented token
  Timestamp now;
};

// The outer result fails when nothing may be kept; the inner one is what the caller gets after the commit: a reused token
// is refused, and the end of its session stays.
Result<Result<std::string>> rotate_refresh_token(database::Transaction& transaction, const runtime::Context& context,
                                                 const Refreshing& refreshing, const Settings& settings);

}  // namespace consilium::sessions
