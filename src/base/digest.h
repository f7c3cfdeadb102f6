// SHA-256 and what is built on it. For comparing and for hiding stored secrets of full entropy; passwords need Argon2.
#pragma once

#include <string>
#include <string_view>

namespace consilium {

inline constexpr std::size_t kDigestSize = 32;

// 32 bytes (FIPS 180-4).
std::string sha256(std::string_view bytes);
// 32 bytes (RFC 2104).
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Takes the same time wherever the texts differ; texts of different length are unequal at once.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace consilium
