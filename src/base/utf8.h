// UTF-8 (RFC 3629): shortest forms only, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace consilium {

bool is_valid_utf8(std::string_view text);

// Of valid text: the number of code points.
std::size_t count_code_points(std::string_view text);

// Of valid, non-empty text: the first code point, which is removed from `text`.
char32_t take_code_point(std::string_view& text);

// As much of valid text as has at most so many bytes, no character cut in half.
std::string cut_utf8(std::string_view text, std::size_t most_bytes);

void append_utf8(std::string& out, char32_t code_point);

}  // namespace consilium
