// What may stand in a post that a person writes. Nothing is stripped or changed: how it is shown safely is the reader's
// page's matter.
#pragma once

#include <string_view>

#include "base/result.h"

namespace consilium::chat {

inline constexpr std::size_t kMaxPostCharacters = 4'000;  // Unicode code points

// UTF-8, not blank, not too long, no control characters but line feed and tab. Error `request.invalid` on field `text`.
Result<void> check_post_text(std::string_view text);

}  // namespace consilium::chat
