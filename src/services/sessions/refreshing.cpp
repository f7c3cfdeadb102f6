#include "services/sessions/refreshing.h"

#include <utility>

#include "services/sessions/ending.h"

namespace consilium::sessions {
namespace {

using Answer = Result<std::string>;

Answer refused(Error error) { return Answer(fail(std::move(error))); }

// Whether the answer of the first use may be given again.
Result<bool> is_lost_answer(database::Transaction& transaction, const RefreshToken& token, Timestamp now, const Settings& settings) {
  if (now - *token.used_at > settings.refresh_grace) return false;
  ASSIGN_OR_RETURN(const std::optional<RefreshToken> successor, find_refresh(transaction, token.successor_hash));
  return successor && !successor->used_at;
}

Result<Answer> on_second_use(database::Transaction& transaction, const runtime::Context& context, const Refreshing& refreshing,
                             const RefreshToken& token, const SessionRecord& session, const Settings& settings) {
  ASSIGN_OR_RETURN(const bool lost, is_lost_answer(transaction, token, refreshing.now, settings));
  if (lost) {
    const auto answer = unseal(refreshing.token, token.sealed_answer);
    if (!answer) return fail(internal_error("Expected an answer sealed under the token"));
    return Answer(*answer);
  }
  TRY(end_session(transaction, context, session, reasons::kTokenReuse, refreshing.now));
  return refused(v1::errors::token_reused("Expected a refresh token that was not used before"));
}

}  // namespace

Result<Answer> rotate_refresh_token(database::Transaction& transaction, const runtime::Context& context, const Refreshing& refreshing,
                                    const Settings& settings) {
  ASSIGN_OR_RETURN(std::optional<RefreshToken> token, find_refresh(transaction, token_hash(refreshing.token)));
  if (!token) return refused(v1::errors::invalid("Expected a refresh token that was issued here"));
  ASSIGN_OR_RETURN(const std::optional<SessionRecord> session, find_session(transaction, token->session_id));
  if (!session) return refused(v1::errors::invalid("Expected a refresh token of a session"));
  if (auto alive = check_alive(*session, settings, refreshing.now); !alive) return refused(std::move(alive).error());
  if (token->used_at) return on_second_use(transaction, context, refreshing, *token, *session, settings);
  if (refreshing.now >= token->expires_at) {
    TRY(end_session(transaction, context, *session, reasons::kExpired, refreshing.now));
    return refused(v1::errors::expired("Expected a refresh token that has not expired"));
  }
  const std::string successor_hash = token_hash(refreshing.successor);
  // The family ends when its first token would have.
  TRY(insert_refresh(transaction, {.hash = successor_hash, .session_id = session->id, .expires_at = token->expires_at}));
  token->used_at = refreshing.now;
  token->successor_hash = successor_hash;
  token->sealed_answer = refreshing.sealed_answer;
  TRY(mark_used(transaction, *token));
  TRY(touch_session(transaction, session->id, refreshing.now));
  return Answer(refreshing.answer);
}

}  // namespace consilium::sessions
