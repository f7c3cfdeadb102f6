#include "services/sessions/redeeming.h"

#include <algorithm>
#include <utility>

#include "consilium/sessions/v1/sessions_events.h"
#include "services/sessions/ending.h"

namespace consilium::sessions {
namespace {

using database::Transaction;
using Answer = Result<Redeemed>;

Answer refused(std::string_view detail) { return Answer(fail(v1::errors::invalid_grant(detail))); }

Result<void> end_granted(Transaction& transaction, const runtime::Context& context, Uuid granted_id, Timestamp now) {
  ASSIGN_OR_RETURN(const std::optional<SessionRecord> session, find_session(transaction, granted_id));
  if (!session) return {};
  return end_session(transaction, context, *session, reasons::kCodeReuse, now);
}

// What may be said of it stays here: the caller learns only that it is no good.
bool fits(const AuthorizationCode& code, const Redeeming& redeeming) {
  return redeeming.session.created_at < code.expires_at && code.client_id == redeeming.client_id &&
         code.redirect_uri == redeeming.redirect_uri && fits_challenge(redeeming.verifier.reveal(), code.challenge);
}

Result<void> open(Transaction& transaction, const runtime::Context& context, const Redeeming& redeeming, const Grant& grant,
                  const Settings& settings) {
  const SessionRecord& session = redeeming.session;
  TRY(insert_session(transaction, session, std::nullopt));
  TRY(insert_grant(transaction, grant));
  const Timestamp expiry = std::min(session.created_at + settings.refresh_lifetime, session.expires_at);
  TRY(insert_refresh(transaction,
                     {.hash = token_hash(redeeming.refresh_token), .session_id = session.id, .expires_at = expiry, .used_at = {}}));
  return publish(transaction, context, v1::Opened{session.id, session.user_id});
}

}  // namespace

Result<Answer> redeem_code(Transaction& transaction, const runtime::Context& context, const Redeeming& redeeming,
                           const Settings& settings) {
  const Timestamp now = redeeming.session.created_at;
  ASSIGN_OR_RETURN(std::optional<AuthorizationCode> code, find_code(transaction, redeeming.code_hash));
  if (!code) return refused("Expected a code that was issued here");
  if (code->used_at) {
    if (code->granted_id) TRY(end_granted(transaction, context, *code->granted_id, now));
    return refused("Expected a code that was not used before");
  }
  ASSIGN_OR_RETURN(const std::optional<SessionRecord> browser, find_session(transaction, code->session_id));
  const bool is_good = fits(*code, redeeming) && browser && check_alive(*browser, settings, now);
  code->used_at = now;
  if (is_good) code->granted_id = redeeming.session.id;
  TRY(mark_used(transaction, *code));
  if (!is_good) return refused("Expected a code in time, of this application, with its redirect_uri and verifier");
  Redeemed redeemed{{redeeming.session.id, code->client_id, code->scope, browser->created_at}, code->nonce};
  TRY(open(transaction, context, redeeming, redeemed.grant, settings));
  return Answer(std::move(redeemed));
}

}  // namespace consilium::sessions
