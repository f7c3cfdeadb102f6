// Who may call: people for themselves, services for the platform. Which channel, post or button is theirs is in the data.
#pragma once

#include "base/result.h"
#include "runtime/context.h"

namespace consilium::chat {

inline Result<Uuid> person_calling(const runtime::Context& context) {
  if (!context.caller.is_user()) return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a person as the caller");
  return context.caller.user_id;
}

inline Result<void> require_service(const runtime::Context& context) {
  if (!context.caller.is_service())
    return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a part of the platform as the caller");
  return {};
}

}  // namespace consilium::chat
