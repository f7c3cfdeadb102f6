#include "base/error.h"

namespace consilium {

ErrorStatus status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kMalformed: return {400, 3, "malformed"};
    case ErrorKind::kValidation: return {422, 3, "validation"};
    case ErrorKind::kUnauthenticated: return {401, 16, "unauthenticated"};
    case ErrorKind::kForbidden: return {403, 7, "forbidden"};
    case ErrorKind::kNotFound: return {404, 5, "not-found"};
    case ErrorKind::kConflict: return {409, 9, "conflict"};
    case ErrorKind::kStale: return {412, 10, "stale"};
    case ErrorKind::kPreconditionRequired: return {428, 9, "precondition-required"};
    case ErrorKind::kTooLarge: return {413, 8, "too-large"};
    case ErrorKind::kRateLimited: return {429, 8, "rate-limited"};
    case ErrorKind::kUnavailable: return {503, 14, "unavailable"};
    case ErrorKind::kDeadlineExceeded: return {504, 4, "deadline-exceeded"};
    case ErrorKind::kCancelled: return {499, 1, "cancelled"};
    case ErrorKind::kInternal: return {500, 13, "internal"};
  }
  return {500, 13, "internal"};
}

std::string Error::describe() const {
  std::string text = code;
  if (!detail.empty()) text += ": " + detail;
  for (const FieldError& field : fields) text += " [" + field.name + ": " + field.code + "]";
  if (cause) text += " <- " + cause->describe();
  return text;
}

Error make_error(ErrorKind kind, std::string_view code, std::string_view detail) {
  Error error;
  error.code = code;
  error.kind = kind;
  error.detail = detail;
  return error;
}

Error validation_error(std::vector<FieldError> fields) {
  Error error = make_error(ErrorKind::kValidation, "request.invalid", "Expected a valid request, but some fields are not");
  error.fields = std::move(fields);
  return error;
}

Error internal_error(std::string_view detail) { return make_error(ErrorKind::kInternal, "internal", detail); }

}  // namespace consilium
