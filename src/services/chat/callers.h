// Who may call: people for themselves, services for the platform. Which channel, post or button is theirs is in the data.
#pragma once

#include "base/result.h"
#include "runtime/context.h"
#include "runtime/require_service.h"

namespace consilium::chat {

inline Result<Uuid> person_calling(const runtime::Context& context) {
  if (!context.caller.is_user()) return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a person as the caller");
  return context.caller.user_id;
}

}  // namespace consilium::chat
