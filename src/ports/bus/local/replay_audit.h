// Who had which dead letter tried again: one row each, kept for ever.
#pragma once

#include <string_view>

#include "base/id.h"
#include "ports/database/database.h"
#include "runtime/context.h"

namespace consilium::bus {

inline constexpr std::string_view kReplayAuditTable = R"sql(
CREATE TABLE events_audit(
  id BLOB NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  user_id BLOB,
  session_id BLOB,
  service TEXT NOT NULL,
  call TEXT NOT NULL,
  consumer_group TEXT NOT NULL,
  event_id BLOB NOT NULL,
  request_id TEXT NOT NULL,
  remote_address TEXT NOT NULL
) STRICT;
CREATE INDEX events_audit_by_time ON events_audit(at);
)sql";

// In the privileged transaction that does it.
Result<void> audit_replay(database::Transaction& transaction, const runtime::Context& context, std::string_view group, Uuid event_id);

}  // namespace consilium::bus
