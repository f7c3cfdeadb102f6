#include "ports/bus/local/replay_audit.h"

#include <optional>
#include <string>

namespace consilium::bus {

Result<void> audit_replay(database::Transaction& transaction, const runtime::Context& context, std::string_view group, Uuid event_id) {
  std::optional<Uuid> person;
  std::optional<Uuid> session;
  if (context.caller.is_user()) {
    person = context.caller.user_id;
    session = context.caller.session_id;
  }
  TRY(
      transaction.execute("INSERT INTO events_audit(id, at, user_id, session_id, service, call, consumer_group, event_id, request_id, "
                          "remote_address) VALUES (?, ?, ?, ?, ?, 'ReplayDeadLetter', ?, ?, ?, ?)",
                          context.new_id(), context.now(), person, session, context.caller.service, std::string(group), event_id,
                          context.request_id, context.remote_address));
  return {};
}

}  // namespace consilium::bus
