// The one error type of the platform: a stable code that clients branch on, and a kind that decides the
// HTTP and gRPC status. Texts for people come from the message catalogues by `message_key`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace consilium {

// What sort of failure it is. `status_of` maps each kind to HTTP and gRPC.
enum class ErrorKind : std::uint8_t {
  kMalformed,             // cannot be read at all, or names an unknown member
  kValidation,            // readable, but breaks declared rules; `fields` lists all of them
  kUnauthenticated,       // no, expired or forged credentials
  kForbidden,             // known caller without the right
  kNotFound,              // does not exist, or the caller may not know that it does
  kConflict,              // the state does not allow it
  kStale,                 // the version named is not the current one
  kPreconditionRequired,  // If-Match is missing
  kTooLarge,
  kRateLimited,
  kUnavailable,  // try again later; `retry_after` says when
  kDeadlineExceeded,
  kCancelled,
  kInternal,  // a bug or a broken machine; nothing of it is shown to callers
};

struct ErrorStatus {
  int http;
  int grpc;               // grpc::StatusCode as a number
  std::string_view name;  // kebab-case, as in logs and metrics
};

// The one table from kind to transport status.
ErrorStatus status_of(ErrorKind kind);

// One violated rule. `name` is the path of the member as the caller wrote it (`client.birthDate`).
struct FieldError {
  std::string name;
  std::string code;     // kebab-case, e.g. `required`, `too-long`
  std::string message;  // English, without personal data

  bool operator==(const FieldError&) const = default;
};

// Limits: code <= 80 characters, detail <= 500. `detail` is technical English that may reach the caller: it never
// holds personal data, medical text or secrets.
struct [[nodiscard]] Error {
  std::string code;  // `<service>.<what>`, e.g. `tasks.illegal-transition`
  ErrorKind kind = ErrorKind::kInternal;
  std::string detail;
  std::vector<FieldError> fields;
  std::optional<Duration> retry_after;
  std::shared_ptr<const Error> cause;

  // Catalogue key of the text for people.
  std::string message_key() const { return "error." + code; }
  // `code: detail <- code: detail`, for logs.
  std::string describe() const;

  Error&& caused_by(Error inner) && {
    cause = std::make_shared<const Error>(std::move(inner));
    return std::move(*this);
  }
  Error&& retry_in(Duration after) && {
    retry_after = after;
    return std::move(*this);
  }
};

Error make_error(ErrorKind kind, std::string_view code, std::string_view detail = {});
Error validation_error(std::vector<FieldError> fields);
Error internal_error(std::string_view detail);

}  // namespace consilium
