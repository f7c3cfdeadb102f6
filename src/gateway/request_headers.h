// What the gateway believes of a request's headers. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace consilium::gateway {

inline constexpr std::size_t kMaxRequestId = 64;

// Letters, digits and `-_.`: it goes into logs and back to the caller.
bool is_request_id(std::string_view text);
// W3C trace context: `00-<32 hex>-<16 hex>-<2 hex>`; an id of zeros is none.
bool is_traceparent(std::string_view text);
// Whether a Content-Type says that the body is JSON.
bool is_json_type(std::string_view content_type);
// The token of an Authorization header.
std::optional<std::string_view> bearer_of(std::string_view authorization);

}  // namespace consilium::gateway
