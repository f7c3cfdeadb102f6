// What the calls of the service share about who calls.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "consilium/sessions/v1/sessions.h"
#include "runtime/context.h"
#include "runtime/require_service.h"

namespace consilium::sessions {

// The gateway checks it for people; services of the platform may do everything.
inline Result<void> require_permission(const runtime::Context& context, std::string_view permission) {
  if (context.caller.may(permission)) return {};
  return fail(ErrorKind::kForbidden, "request.forbidden", "Expected a caller with the permission " + std::string(permission));
}

// A context in which this service asks the users service by itself, within the same deadline.
inline runtime::Context for_users(const runtime::Context& context) { return context.as_service("sessions"); }

inline Error bad_credentials() { return v1::errors::bad_credentials("Expected a known login name and its password"); }

// ASCII alone, as login names are compared.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace consilium::sessions
