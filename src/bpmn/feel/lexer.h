// Splits an expression into tokens.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/feel/expression.h"

namespace consilium::bpmn::feel {

enum class TokenKind : std::uint8_t { kEnd, kName, kNumber, kText, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t position = 0;
  std::string text;          // name, digits, decoded text, or the symbol: ( ) [ ] { } , : . + - * ** / = != < <= > >= .. @ '
  bool after_space = false;  // something stands between it and the one before
  bool in_ticks = false;     // a name in back ticks
};

// Names: a letter, `_`, `$`, `?` or any character beyond ASCII that is no space, then also digits; `back ticks` hold names of any
// characters (kName as well). Names of several words are several tokens, the parser joins them. `//` and `/* */` are comments.
// The last token is kEnd.
std::expected<std::vector<Token>, SyntaxError> split_tokens(std::string_view text);

}  // namespace consilium::bpmn::feel
