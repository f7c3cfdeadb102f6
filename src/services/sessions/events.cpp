#include "services/sessions/events.h"

#include "consilium/users/v1/users.h"
#include "ports/bus/event_payload.h"
#include "services/sessions/ending.h"

namespace consilium::sessions {
namespace {

Result<void> on_user(database::Transaction& transaction, const runtime::Context& context, const bus::Event& event) {
  if (event.topic == users::v1::Locked::kTopic) {
    ASSIGN_OR_RETURN(const auto locked, bus::decode_event<users::v1::Locked>(event));
    return end_sessions_of(transaction, context, locked.user_id, reasons::kLocked, event.at);
  }
  ASSIGN_OR_RETURN(const auto deleted, bus::decode_event<users::v1::Deleted>(event));
  TRY(end_sessions_of(transaction, context, deleted.user_id, reasons::kDeleted, event.at));
  return delete_identity(transaction, deleted.user_id);
}

}  // namespace

std::vector<bus::Consumer> consumers() {
  bus::Consumer users;
  users.service = "sessions";
  users.group = "sessions.on-user";
  users.producer = "users";
  users.topics = {std::string(users::v1::Locked::kTopic), std::string(users::v1::Deleted::kTopic)};
  users.apply = on_user;
  return {users};
}

}  // namespace consilium::sessions
