#include "bpmn/feel/lexer.h"

namespace consilium::bpmn::feel {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return starts_name(c) || is_digit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::expected<std::vector<Token>, SyntaxError> run() {
    while (true) {
      if (!skip_space()) return std::unexpected(SyntaxError{at_, "comment without end"});
      if (at_ >= text_.size()) break;
      if (auto error = next()) return std::unexpected(std::move(*error));
    }
    tokens_.push_back({TokenKind::kEnd, text_.size(), ""});
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at_;
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
    while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
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
    std::string digits(text_.substr(start, at_ - start));
    if (digits.starts_with('.')) digits.insert(digits.begin(), '0');
    tokens_.push_back({TokenKind::kNumber, start, std::move(digits)});
    return std::nullopt;
  }

  std::optional<SyntaxError> quoted() {
    const std::size_t start = at_++;
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        const char escaped = text_[at_++];
        switch (escaped) {
          case 'n': c = '\n'; break;
          case 't': c = '\t'; break;
          case 'r': c = '\r'; break;
          case '"':
          case '\\':
          case '\'': c = escaped; break;
          default: return SyntaxError{at_ - 2, "unknown escape in a text"};
        }
      }
      value += c;
    }
    if (at_ >= text_.size()) return SyntaxError{start, "text without closing quote"};
    ++at_;
    tokens_.push_back({TokenKind::kText, start, std::move(value)});
    return std::nullopt;
  }

  std::optional<SyntaxError> back_ticks() {
    const auto end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos || end == at_ + 1) return SyntaxError{at_, "name without closing back tick"};
    tokens_.push_back({TokenKind::kName, at_, std::string(text_.substr(at_ + 1, end - at_ - 1))});
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
    if (std::string_view("()[]{},:.+-*/=<>").find(peek()) == std::string_view::npos) return SyntaxError{at_, "unexpected character"};
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
