#include "services/chat/post_text.h"

#include "base/utf8.h"

namespace consilium::chat {
namespace {

Failure refuse(std::string_view code, std::string_view message) {
  return fail(validation_error({FieldError{"text", std::string(code), std::string(message)}}));
}

bool is_control(char32_t c) { return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c <= 0x9f); }

bool is_space(char32_t c) {
  return c == ' ' || c == '\n' || c == '\t' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

}  // namespace

Result<void> check_post_text(std::string_view text) {
  if (!is_valid_utf8(text)) return refuse("not-utf8", "Expected UTF-8");
  std::size_t characters = 0;
  bool blank = true;
  for (std::string_view rest = text; !rest.empty(); ++characters) {
    const char32_t c = take_code_point(rest);
    if (is_control(c)) return refuse("control-character", "Expected no control characters but line feed and tab");
    blank = blank && is_space(c);
  }
  if (blank) return refuse("required", "Expected a text");
  if (characters > kMaxPostCharacters) return refuse("too-long", "Expected at most 4000 characters");
  return {};
}

}  // namespace consilium::chat
