#include "bpmn/feel/lexer.h"

#include <charconv>

#include "base/utf8.h"
#include "bpmn/feel/text.h"

namespace consilium::bpmn::feel {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '?' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return starts_name(c) || is_digit(c); }

// The spaces of Unicode in UTF-8, those of one byte apart.
constexpr std::string_view kSpaces[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE1\xA0\x8E", "\xE2\x80\x80", "\xE2\x80\x81",
                                        "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87",
                                        "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\x8B", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                        "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"};

std::size_t space_at(std::string_view text) {
  const char c = text.front();
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  for (const std::string_view space : kSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::expected<std::vector<Token>, SyntaxError> run() {
    while (true) {
      const std::size_t before = at_;
      if (!skip_space()) return std::unexpected(SyntaxError{at_, "comment without end"});
      if (at_ >= text_.size()) break;
      const bool after_space = at_ > before;
      if (auto error = next()) return std::unexpected(std::move(*error));
      tokens_.back().after_space = after_space;
    }
    tokens_.push_back({TokenKind::kEnd, text_.size(), ""});
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (const std::size_t space = space_at(text_.substr(at_))) {
        at_ += space;
      } else if (c == '/' && peek(1) == '/') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '/' && peek(1) == '*') {
        const auto end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return false;
        at_ = end + 2;
      } else {
        break;
      }
    }
    return true;
  }

  std::optional<SyntaxError> next() {
    const char c = peek();
    if (starts_name(c)) return name();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '"') return quoted();
    if (c == '`') return back_ticks();
    return symbol();
  }

  std::optional<SyntaxError> name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && continues_name(text_[at_]) && space_at(text_.substr(at_)) == 0) ++at_;
    tokens_.push_back({TokenKind::kName, start, std::string(text_.substr(start, at_ - start))});
    return std::nullopt;
  }

  std::optional<SyntaxError> number() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    if (peek() == '.' && is_digit(peek(1))) {
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
      if (is_digit(peek(sign))) {
        at_ += sign;
        while (is_digit(peek())) ++at_;
      }
    }
    std::string digits(text_.substr(start, at_ - start));
    if (digits.starts_with('.')) digits.insert(digits.begin(), '0');
    tokens_.push_back({TokenKind::kNumber, start, std::move(digits)});
    return std::nullopt;
  }

  std::optional<SyntaxError> quoted() {
    const std::size_t start = at_++;
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_++];
      if (c != '\\')
        value += c;
      else if (at_ < text_.size())
        escape(value);
    }
    if (at_ >= text_.size()) return SyntaxError{start, "text without closing quote"};
    ++at_;
    tokens_.push_back({TokenKind::kText, start, std::move(value)});
    return std::nullopt;
  }

  // What is no escape stays as it is written, so that regular expressions need no doubled backslashes.
  void escape(std::string& out) {
    const char escaped = text_[at_++];
    switch (escaped) {
      case 'n': out += '\n'; return;
      case 't': out += '\t'; return;
      case 'r': out += '\r'; return;
      case '"':
      case '\\':
      case '\'': out += escaped; return;
      case 'u':
        if (auto code = hex(4)) return append_character(out, *code);
        break;
      case 'U':
        if (auto code = hex(6)) return append_character(out, *code);
        break;
      default: break;
    }
    out += '\\';
    out += escaped;
  }

  std::optional<std::uint32_t> hex(std::size_t digits) {
    std::uint32_t value = 0;
    if (at_ + digits > text_.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + digits, value, 16);
    if (error != std::errc() || end != text_.data() + at_ + digits) return std::nullopt;
    at_ += digits;
    return value;
  }

  // Two halves of a pair make one character; a lone half, and what lies beyond Unicode, becomes U+FFFD.
  void append_character(std::string& out, std::uint32_t code) {
    if (code >= 0xD800 && code <= 0xDBFF && text_.substr(at_, 2) == "\\u") {
      const std::size_t back = at_;
      at_ += 2;
      const auto low = hex(4);
      if (low && *low >= 0xDC00 && *low <= 0xDFFF)
        code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
      else
        at_ = back;
    }
    const bool is_character = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    append_utf8(out, is_character ? code : 0xFFFD);
  }

  std::optional<SyntaxError> back_ticks() {
    const auto end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos || end == at_ + 1) return SyntaxError{at_, "name without closing back tick"};
    tokens_.push_back({TokenKind::kName, at_, std::string(text_.substr(at_ + 1, end - at_ - 1)), false, true});
    at_ = end + 1;
    return std::nullopt;
  }

  std::optional<SyntaxError> symbol() {
    for (const std::string_view two : {"**", "!=", "<=", ">=", ".."}) {
      if (text_.substr(at_, 2) != two) continue;
      tokens_.push_back({TokenKind::kSymbol, at_, std::string(two)});
      at_ += 2;
      return std::nullopt;
    }
    if (std::string_view("()[]{},:.+-*/=<>@'").find(peek()) == std::string_view::npos) return SyntaxError{at_, "unexpected character"};
    tokens_.push_back({TokenKind::kSymbol, at_, std::string(1, peek())});
    ++at_;
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::expected<std::vector<Token>, SyntaxError> split_tokens(std::string_view text) { return Lexer(text).run(); }

}  // namespace consilium::bpmn::feel
