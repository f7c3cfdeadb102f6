#include "services/sessions/ending.h"

#include "consilium/sessions/v1/sessions_events.h"

namespace consilium::sessions {

Result<void> end_session(database::Transaction& transaction, const runtime::Context& context, const SessionRecord& session,
                         std::string_view reason, Timestamp now) {
  ASSIGN_OR_RETURN(const bool was_open, mark_ended(transaction, session.id, reason, now));
  if (!was_open) return {};
  return publish(transaction, context, v1::Closed{session.id, session.user_id, std::string(reason)});
}

Result<void> end_sessions_of(database::Transaction& transaction, const runtime::Context& context, Uuid user_id, std::string_view reason,
                             Timestamp now, std::optional<Uuid> except) {
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<SessionRecord> open, open_sessions_of(transaction, user_id));
    bool any = false;
    for (const SessionRecord& session : open) {
      if (session.id == except) continue;
      TRY(end_session(transaction, context, session, reason, now));
      any = true;
    }
    if (!any) return {};
  }
}

}  // namespace consilium::sessions
