// Base64 with the URL alphabet and without padding (RFC 4648 §5): cursors, tokens, keys in JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace consilium {

std::string encode_base64url(std::string_view bytes);

// nullopt for any other character, padding, an impossible length, or spare bits that are not zero: each value has
// exactly one text.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace consilium
