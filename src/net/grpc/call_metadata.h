// What crosses the border between two processes with a call, without naming gRPC: the caller's Context on the way
// there, the callee's Error on the way back.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/context.h"

namespace consilium::net {

// Lower-case names; values under names that end in `-bin` may hold any bytes, others only printable ASCII.
using Metadata = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kRequestIdKey = "x-request-id";
inline constexpr std::string_view kTraceparentKey = "traceparent";
inline constexpr std::string_view kContextKey = "consilium-context-bin";  // caller, language, keys: compact JSON
inline constexpr std::string_view kServiceKey = "consilium-service";      // which service calls; TLS certificates overrule it
inline constexpr std::string_view kErrorKey = "consilium-error-bin";      // in the trailers: compact JSON

inline constexpr std::size_t kErrorFieldsLimit = 200;  // further ones do not cross
inline constexpr std::size_t kMetadataLimit = 128 * 1024;

// Everything but deadline and cancellation, which gRPC itself carries.
Metadata metadata_of(const runtime::Context& context, std::string_view service);
// kMalformed when the context cannot be read.
Result<void> apply_metadata(const Metadata& metadata, runtime::Context& context);

// The cause does not cross: it may hold more than callers should see.
std::string encode_error(const Error& error);
// An error like the callee's; one made of the status when `encoded` is empty or cannot be read.
Error decode_error(std::string_view encoded, int grpc_status, std::string_view message);

}  // namespace consilium::net
