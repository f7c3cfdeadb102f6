// Ending sessions: the row and the event that closes their sockets, in one transaction.
#pragma once

#include <optional>
#include <string_view>

#include "ports/database/database.h"
#include "runtime/context.h"
#include "services/sessions/store.h"

namespace consilium::sessions {

// A session that has ended already stays as it is.
Result<void> end_session(database::Transaction& transaction, const runtime::Context& context, const SessionRecord& session,
                         std::string_view reason, Timestamp now);
// All of a person but `except`.
Result<void> end_sessions_of(database::Transaction& transaction, const runtime::Context& context, Uuid user_id, std::string_view reason,
                             Timestamp now, std::optional<Uuid> except = std::nullopt);

}  // namespace consilium::sessions
