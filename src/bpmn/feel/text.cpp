#include "bpmn/feel/text.h"

#include <unicode/locid.h>
#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace consilium::bpmn::feel {
namespace {

constexpr std::int32_t kMaxRegexWork = 200;       // units of ICU's time limit
constexpr std::int32_t kMaxRegexStack = 1 << 20;  // bytes
constexpr std::size_t kMaxPatternBytes = 4096;

icu::UnicodeString wide(std::string_view text) {
  return icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
}

std::string narrow(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

// Writes a pattern of XPath as ICU reads it.
class Translator {
 public:
  Translator(std::string_view pattern, bool multiline, bool dot_is_all)
      : pattern_(pattern), multiline_(multiline), dot_is_all_(dot_is_all) {}

  std::expected<std::string, std::string> run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      bool fine = true;
      if (c == '\\')
        fine = escape();
      else if (c == '[')
        fine = character_class(0);
      else
        fine = plain(c);
      if (!fine) return std::unexpected("the pattern is no regular expression near character " + std::to_string(at_ + 1));
    }
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }

  bool plain(char c) {
    ++at_;
    switch (c) {
      case '.': out_ += dot_is_all_ ? "." : "[^\\n\\r]"; return true;
      case '$': out_ += multiline_ ? "$" : "\\z"; return true;
      case '(':
        if (peek(0) == '?' && peek(1) != ':') return false;
        out_ += c;
        return true;
      case '*':
      case '+':
      case '?':
      case '}': out_ += c; return peek(0) != '+' || c == '}';  // possessive quantifiers are ICU's own
      default: out_ += c; return true;
    }
  }

  // Outside and inside of classes; `\w`, `\i` and `\c` are classes themselves.
  bool escape() {
    const char c = peek(1);
    at_ += 2;
    switch (c) {
      case 'n':
      case 'r':
      case 't':
      case 'd':
      case 'D': out_ += {'\\', c}; return true;
      case 's': out_ += R"([ \t\n\r])"; return true;
      case 'S': out_ += R"([^ \t\n\r])"; return true;
      case 'w': out_ += R"([^\p{P}\p{Z}\p{C}])"; return true;
      case 'W': out_ += R"([\p{P}\p{Z}\p{C}])"; return true;
      case 'i': out_ += R"([\p{L}\p{Nl}_:])"; return true;
      case 'I': out_ += R"([^\p{L}\p{Nl}_:])"; return true;
      case 'c': out_ += R"([\p{L}\p{N}\p{M}_:.\-\u00B7])"; return true;
      case 'C': out_ += R"([^\p{L}\p{N}\p{M}_:.\-\u00B7])"; return true;
      case 'p':
      case 'P': return property(c);
      default: break;
    }
    if (c >= '1' && c <= '9' && class_depth_ == 0) {
      out_ += {'\\', c};
      return true;
    }
    if (std::string_view("\\|.?*+(){}-[]^$/").find(c) == std::string_view::npos || c == '\0') return false;
    out_ += {'\\', c};
    return true;
  }

  bool property(char c) {
    if (peek(0) != '{') return false;
    const auto end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return false;
    std::string name(pattern_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    if (name.empty()) return false;
    if (name.starts_with("Is")) name = "In" + name.substr(2);  // blocks
    out_ += {'\\', c};
    out_ += '{' + name + '}';
    return true;
  }

  bool character_class(int depth) {
    if (depth > 8) return false;
    ++class_depth_;
    ++at_;
    out_ += '[';
    if (peek(0) == '^') {
      out_ += '^';
      ++at_;
    }
    for (bool first = true;; first = false) {
      if (at_ >= pattern_.size()) return false;
      const char c = pattern_[at_];
      if (c == ']' && !first) break;
      if (c == '-' && peek(1) == '[') {  // subtraction
        ++at_;
        out_ += "--";
        if (!character_class(depth + 1) || peek(0) != ']') return false;
        continue;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c == '[') {
        return false;
      } else if (c == '-') {
        const bool range = !first && peek(1) != ']' && out_.back() != '^';
        out_ += range ? "-" : "\\-";
        ++at_;
      } else if (static_cast<unsigned char>(c) < 0x80 && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
                 c > ' ') {
        out_ += {'\\', c};
        ++at_;
      } else {
        out_ += c;
        ++at_;
      }
    }
    ++at_;
    out_ += ']';
    --class_depth_;
    return true;
  }

  std::string_view pattern_;
  bool multiline_;
  bool dot_is_all_;
  std::size_t at_ = 0;
  int class_depth_ = 0;
  std::string out_;
};

UBool count_work(const void* context, std::int32_t) {
  constexpr std::int64_t kTurnSteps = 500;  // about a tenth of a millisecond
  static_cast<RegexWork*>(const_cast<void*>(context))->steps += kTurnSteps;
  return true;
}

// What the flag `x` does: white space counts inside of classes only.
std::string without_space(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (const char c : pattern) {
    const bool escaped = !out.empty() && out.back() == '\\' && (out.size() < 2 || out[out.size() - 2] != '\\');
    if (!in_class && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    if (c == '[' && !escaped) in_class = true;
    if (c == ']' && !escaped) in_class = false;
    out += c;
  }
  return out;
}

thread_local std::int64_t compiled_patterns = 0;

// Goes through the matches, and counts them. False: there is no other, or there are too many.
class Matches {
 public:
  Matches(icu::RegexMatcher& matcher, RegexWork& work) : matcher_(matcher), work_(work) {}

  bool next(UErrorCode& status) {
    constexpr std::int64_t kOfAStep = 4, kMost = 1'000'000;
    if (count_ == kMost) status = U_REGEX_TIME_OUT;
    if (U_FAILURE(status) || !matcher_.find(status) || U_FAILURE(status)) return false;
    if (++count_ % kOfAStep == 0) ++work_.steps;
    return true;
  }

 private:
  icu::RegexMatcher& matcher_;
  RegexWork& work_;
  std::int64_t count_ = 0;
};

std::unexpected<std::string> too_much_work() { return std::unexpected(std::string("matching the pattern takes too much work")); }

}  // namespace

std::optional<std::size_t> offset_of_text(std::string_view text, std::string_view part) {
  // What the standard library has compares the whole part at each place.
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  if (!found) return std::nullopt;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t offset_of_character(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (at < text.size()) {
    if ((text[at] & 0xC0) != 0x80 && index-- == 0) break;
    ++at;
  }
  return at;
}

std::string upper_case(std::string_view text) { return narrow(wide(text).toUpper(icu::Locale::getRoot())); }
std::string lower_case(std::string_view text) { return narrow(wide(text).toLower(icu::Locale::getRoot())); }

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\f\v");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n\f\v") - first + 1));
}

struct Pattern::Compiled {
  std::unique_ptr<icu::RegexPattern> pattern;
  bool is_literal = false;  // every character stands for itself
};

namespace {

using CompiledResult = std::expected<std::unique_ptr<const Pattern::Compiled>, std::string>;

CompiledResult compile(std::string_view pattern, std::string_view flags) {
  if (pattern.size() > kMaxPatternBytes) return std::unexpected("a pattern is longer than 4 KB");
  std::uint32_t icu_flags = UREGEX_UNIX_LINES;
  bool literal = false, without_spaces = false;
  for (const char flag : flags) {
    switch (flag) {
      case 's': icu_flags |= UREGEX_DOTALL; break;
      case 'm': icu_flags |= UREGEX_MULTILINE; break;
      case 'i': icu_flags |= UREGEX_CASE_INSENSITIVE; break;
      case 'x': without_spaces = true; break;
      case 'q': literal = true; break;
      default: return std::unexpected(std::string("there is no flag '") + flag + "' of regular expressions");
    }
  }
  std::string translated(pattern);
  if (literal) {
    icu_flags |= UREGEX_LITERAL;
  } else {
    if (without_spaces) translated = without_space(translated);
    auto made = Translator(translated, (icu_flags & UREGEX_MULTILINE) != 0, (icu_flags & UREGEX_DOTALL) != 0).run();
    if (!made) return std::unexpected(std::move(made).error());
    translated = std::move(*made);
  }
  ++compiled_patterns;
  UErrorCode status = U_ZERO_ERROR;
  UParseError where;
  auto compiled = std::make_unique<Pattern::Compiled>();
  compiled->is_literal = literal;
  compiled->pattern.reset(icu::RegexPattern::compile(wide(translated), icu_flags, where, status));
  if (U_FAILURE(status)) return std::unexpected(std::string("the pattern is no regular expression: ") + u_errorName(status));
  return compiled;
}

std::expected<std::unique_ptr<icu::RegexMatcher>, std::string> matcher_of(const Pattern& pattern, RegexWork& work) {
  if (!pattern.result()) return std::unexpected(pattern.result().error());
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::RegexMatcher> matcher((*pattern.result())->pattern->matcher(status));
  if (U_FAILURE(status)) return std::unexpected(std::string("the pattern is no regular expression: ") + u_errorName(status));
  matcher->setTimeLimit(kMaxRegexWork, status);
  matcher->setMatchCallback(count_work, &work, status);
  matcher->setStackLimit(kMaxRegexStack, status);
  return matcher;
}

}  // namespace

Pattern::Pattern(std::string_view pattern, std::string_view flags) : result_(compile(pattern, flags)) {}
Pattern::~Pattern() = default;

std::int64_t Pattern::compiled() { return compiled_patterns; }

std::expected<bool, std::string> regex_matches(std::string_view text, const Pattern& pattern, RegexWork& work) {
  auto matcher = matcher_of(pattern, work);
  if (!matcher) return std::unexpected(std::move(matcher).error());
  const icu::UnicodeString subject = wide(text);
  (*matcher)->reset(subject);
  UErrorCode status = U_ZERO_ERROR;
  const bool found = (*matcher)->find(status);
  if (U_FAILURE(status)) return too_much_work();
  return found;
}

namespace {

// `$1` is a group, `\$` and `\\` are themselves; anything else after a backslash or a dollar is an error.
std::expected<void, std::string> append_replacement(icu::UnicodeString& out, std::string_view replacement, icu::RegexMatcher& matcher,
                                                    UErrorCode& status) {
  for (std::size_t at = 0; at < replacement.size();) {
    const char c = replacement[at];
    const char next = at + 1 < replacement.size() ? replacement[at + 1] : '\0';
    if (c == '\\') {
      if (next != '\\' && next != '$') return std::unexpected(std::string("a backslash in a replacement stands before '\\' or '$' only"));
      out.append(static_cast<char16_t>(next));
      at += 2;
    } else if (c == '$') {
      if (next < '0' || next > '9') return std::unexpected(std::string("a '$' in a replacement stands before a digit only"));
      std::int32_t group = next - '0';
      at += 2;
      while (at < replacement.size() && replacement[at] >= '0' && replacement[at] <= '9' &&
             group * 10 + (replacement[at] - '0') <= matcher.groupCount())
        group = group * 10 + (replacement[at++] - '0');
      if (group <= matcher.groupCount()) out.append(matcher.group(group, status));
    } else {
      const auto end = std::min(replacement.find_first_of("\\$", at), replacement.size());
      out.append(wide(replacement.substr(at, end - at)));
      at = end;
    }
  }
  return {};
}

}  // namespace

std::expected<std::string, std::string> regex_replace(std::string_view text, const Pattern& pattern, std::string_view replacement,
                                                      std::size_t most_bytes, RegexWork& work) {
  auto matcher = matcher_of(pattern, work);
  if (!matcher) return std::unexpected(std::move(matcher).error());
  const bool literal = (*pattern.result())->is_literal;
  const icu::UnicodeString subject = wide(text);
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString nothing;
  (*matcher)->reset(nothing);
  if ((*matcher)->find(status)) return std::unexpected(std::string("the pattern of a replacement matches the empty text"));
  (*matcher)->reset(subject);
  icu::UnicodeString out;
  std::int32_t last = 0;
  Matches matches(**matcher, work);
  while (matches.next(status)) {
    out.append(subject, last, (*matcher)->start(status) - last);
    if (literal) {
      out.append(wide(replacement));
    } else if (auto fine = append_replacement(out, replacement, **matcher, status); !fine) {
      return std::unexpected(std::move(fine).error());
    }
    last = (*matcher)->end(status);
    if (static_cast<std::size_t>(out.length()) > most_bytes) return std::unexpected(std::string("text longer than 1 MB"));
  }
  if (U_FAILURE(status)) return too_much_work();
  out.append(subject, last, subject.length() - last);
  return narrow(out);
}

std::expected<std::vector<std::string>, std::string> regex_split(std::string_view text, const Pattern& pattern, RegexWork& work) {
  auto matcher = matcher_of(pattern, work);
  if (!matcher) return std::unexpected(std::move(matcher).error());
  const icu::UnicodeString subject = wide(text);
  (*matcher)->reset(subject);
  UErrorCode status = U_ZERO_ERROR;
  std::vector<std::string> parts;
  std::int32_t last = 0;
  Matches matches(**matcher, work);
  while (matches.next(status)) {
    const std::int32_t start = (*matcher)->start(status);
    const std::int32_t end = (*matcher)->end(status);
    if (end == start && (start == 0 || start == subject.length())) continue;  // nothing between the characters at the ends
    parts.push_back(narrow(icu::UnicodeString(subject, last, start - last)));
    last = end;
  }
  if (U_FAILURE(status)) return too_much_work();
  parts.push_back(narrow(icu::UnicodeString(subject, last)));
  return parts;
}

std::expected<std::vector<std::string>, std::string> regex_extract(std::string_view text, const Pattern& pattern, RegexWork& work) {
  auto matcher = matcher_of(pattern, work);
  if (!matcher) return std::unexpected(std::move(matcher).error());
  const icu::UnicodeString subject = wide(text);
  (*matcher)->reset(subject);
  UErrorCode status = U_ZERO_ERROR;
  std::vector<std::string> found;
  Matches matches(**matcher, work);
  while (matches.next(status)) found.push_back(narrow((*matcher)->group(status)));
  if (U_FAILURE(status)) return too_much_work();
  return found;
}

}  // namespace consilium::bpmn::feel
