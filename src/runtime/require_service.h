// Calls between parts of the platform are not for people, whatever they may do otherwise.
#pragma once

#include "base/result.h"
#include "runtime/context.h"

namespace consilium::runtime {

inline Result<void> require_service(const Context& context) {
  if (context.caller.is_service()) return {};
  return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a part of the platform as the caller");
}

}  // namespace consilium::runtime
