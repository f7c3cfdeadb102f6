// Values as plain text, as they stand in the path and the query of an address.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/id.h"
#include "base/secret.h"
#include "base/time.h"

namespace consilium {

// False when `text` is not of the type; `out` is unchanged then. Text must be UTF-8 without NUL.
bool from_text(std::string_view text, std::string& out);
bool from_text(std::string_view text, bool& out);  // `true` or `false`
bool from_text(std::string_view text, std::int32_t& out);
bool from_text(std::string_view text, std::int64_t& out);
bool from_text(std::string_view text, std::uint32_t& out);
bool from_text(std::string_view text, std::uint64_t& out);
bool from_text(std::string_view text, double& out);
bool from_text(std::string_view text, Uuid& out);
bool from_text(std::string_view text, Timestamp& out);  // RFC 3339
bool from_text(std::string_view text, Duration& out);   // ISO 8601
bool from_text(std::string_view text, Date& out);
bool from_text(std::string_view text, Secret& out);

// For keys of events and parts of locations.
inline std::string to_text(const std::string& value) { return value; }
inline std::string to_text(const Uuid& value) { return value.text(); }
inline std::string to_text(std::int64_t value) { return std::to_string(value); }
inline std::string to_text(Date value) { return format_date(value); }
template <class Enum>
  requires std::is_enum_v<Enum>
std::string to_text(Enum value) {
  return std::string(text_of(value));
}

// One segment of a path: all but unreserved characters percent-encoded.
std::string encode_segment(std::string_view text);

}  // namespace consilium
