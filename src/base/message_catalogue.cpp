#include "base/message_catalogue.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <optional>
#include <set>

namespace consilium {

namespace message_detail {

// A pattern is a row of parts.
struct Part {
  enum class Kind { kText, kArgument, kNumber, kPlural };
  struct Choice {
    std::string selector;  // `one` … or the digits after `=`
    bool exact = false;
    std::unique_ptr<Pattern> pattern;
  };

  Kind kind = Kind::kText;
  std::string text;  // of kText; else the argument's name
  std::vector<Choice> choices;
};

struct Pattern {
  std::vector<Part> parts;
};

}  // namespace message_detail

namespace {

using message_detail::Part;
using message_detail::Pattern;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_category(std::string_view word) {
  static constexpr std::string_view kCategories[] = {"zero", "one", "two", "few", "many", "other"};
  return std::find(std::begin(kCategories), std::end(kCategories), word) != std::end(kCategories);
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view text) : text_(text) {}

  // Null when the pattern is malformed; `problem` then says why.
  std::unique_ptr<Pattern> parse() {
    auto pattern = parse_parts({}, 0);
    if (pattern && position_ != text_.size()) return give_up("a closing brace without an opening one");
    return pattern;
  }
  const std::string& problem() const { return problem_; }

 private:
  std::unique_ptr<Pattern> give_up(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
    return nullptr;
  }

  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t') ++position_;
  }
  std::string_view take_name() {
    const std::size_t begin = position_;
    while (!at_end() && is_name_character(peek())) ++position_;
    return text_.substr(begin, position_ - begin);
  }
  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++position_;
    return true;
  }

  // As ICU reads it: an apostrophe quotes only when a special character follows; two of them are one.
  void take_apostrophe(std::string& literal, bool in_plural) {
    ++position_;
    const char next = peek();
    if (next == '\'') {
      literal += '\'';
      ++position_;
      return;
    }
    if (next != '{' && next != '}' && !(in_plural && next == '#')) {
      literal += '\'';
      return;
    }
    while (!at_end()) {
      const char c = text_[position_++];
      if (c != '\'') {
        literal += c;
      } else if (peek() == '\'') {
        literal += '\'';
        ++position_;
      } else {
        return;
      }
    }
  }

  // Up to the end or, inside a plural of `plural_argument`, up to its closing brace, which is left.
  std::unique_ptr<Pattern> parse_parts(std::string_view plural_argument, int depth) {
    if (depth > kMaxPatternDepth) return give_up("plurals nested too deep");
    auto pattern = std::make_unique<Pattern>();
    std::string literal;
    const auto flush = [&] {
      if (!literal.empty()) pattern->parts.push_back({Part::Kind::kText, std::exchange(literal, {}), {}});
    };
    while (!at_end() && peek() != '}') {
      if (peek() == '\'') {
        take_apostrophe(literal, !plural_argument.empty());
      } else if (peek() == '#' && !plural_argument.empty()) {
        flush();
        ++position_;
        pattern->parts.push_back({Part::Kind::kNumber, std::string(plural_argument), {}});
      } else if (peek() == '{') {
        flush();
        auto part = parse_argument(depth);
        if (!part) return nullptr;
        pattern->parts.push_back(std::move(*part));
      } else {
        literal += text_[position_++];
      }
    }
    flush();
    return pattern;
  }

  std::optional<Part> parse_argument(int depth) {
    ++position_;  // the brace
    skip_spaces();
    Part part;
    part.kind = Part::Kind::kArgument;
    part.text = take_name();
    skip_spaces();
    if (part.text.empty()) return refuse("an argument without a name");
    if (take('}')) return part;
    if (!take(',')) return refuse("an argument that is not closed");
    skip_spaces();
    if (take_name() != "plural") return refuse("a kind of argument other than plural");
    skip_spaces();
    if (!take(',')) return refuse("a plural without choices");
    part.kind = Part::Kind::kPlural;
    if (!parse_choices(part, depth)) return std::nullopt;
    return part;
  }

  bool parse_choices(Part& plural, int depth) {
    for (skip_spaces(); !take('}'); skip_spaces()) {
      Part::Choice choice;
      choice.exact = take('=');
      choice.selector = take_name();
      const bool known = choice.exact ? choice.selector.find_first_not_of("0123456789") == std::string::npos && !choice.selector.empty()
                                      : is_category(choice.selector);
      if (!known) return refuse("an unknown choice of a plural").has_value();
      skip_spaces();
      if (!take('{')) return refuse("a choice of a plural without a text").has_value();
      choice.pattern = parse_parts(plural.text, depth + 1);
      if (!choice.pattern) return false;
      if (!take('}')) return refuse("a choice of a plural that is not closed").has_value();
      plural.choices.push_back(std::move(choice));
    }
    const bool complete =
        std::any_of(plural.choices.begin(), plural.choices.end(), [](const Part::Choice& choice) { return choice.selector == "other"; });
    return complete || refuse("a plural without the choice `other`").has_value();
  }

  std::optional<Part> refuse(std::string_view problem) {
    give_up(problem);
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::string problem_;
};

const MessageArgument* find_argument(std::span<const MessageArgument> arguments, std::string_view name) {
  const auto found =
      std::find_if(arguments.begin(), arguments.end(), [&](const MessageArgument& argument) { return argument.name == name; });
  return found == arguments.end() ? nullptr : &*found;
}

std::optional<std::int64_t> number_of(const MessageArgument& argument) {
  if (const auto* number = std::get_if<std::int64_t>(&argument.value)) return *number;
  const auto& text = std::get<std::string>(argument.value);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string text_of(const MessageArgument& argument) {
  if (const auto* number = std::get_if<std::int64_t>(&argument.value)) return std::to_string(*number);
  return std::get<std::string>(argument.value);
}

const Pattern* choose(const Part& plural, std::string_view language, std::optional<std::int64_t> number) {
  const std::string_view category = number ? plural_category(language, *number) : "other";
  const std::string digits = number ? std::to_string(*number) : "";
  const Pattern* by_category = nullptr;
  const Pattern* other = nullptr;
  for (const Part::Choice& choice : plural.choices) {
    if (choice.exact && choice.selector == digits) return choice.pattern.get();
    if (!choice.exact && choice.selector == category) by_category = choice.pattern.get();
    if (!choice.exact && choice.selector == "other") other = choice.pattern.get();
  }
  return by_category ? by_category : other;
}

// Returns how many arguments were missing.
std::uint64_t render_parts(const Pattern& pattern, std::string_view language, std::span<const MessageArgument> arguments,
                           std::string& out) {
  std::uint64_t missing = 0;
  for (const Part& part : pattern.parts) {
    if (part.kind == Part::Kind::kText) {
      out += part.text;
      continue;
    }
    const MessageArgument* argument = find_argument(arguments, part.text);
    if (!argument) {
      ++missing;
      out += '{' + part.text + '}';
    } else if (part.kind == Part::Kind::kPlural) {
      missing += render_parts(*choose(part, language, number_of(*argument)), language, arguments, out);
    } else {
      out += text_of(*argument);
    }
  }
  return missing;
}

void collect_arguments(const Pattern& pattern, std::set<std::string>& names) {
  for (const Part& part : pattern.parts) {
    if (part.kind != Part::Kind::kText) names.insert(part.text);
    for (const Part::Choice& choice : part.choices) collect_arguments(*choice.pattern, names);
  }
}

Failure malformed(const std::string& detail) { return fail(ErrorKind::kMalformed, "catalogue.malformed", detail.substr(0, 400)); }

}  // namespace

std::string_view plural_category(std::string_view language, std::int64_t number) {
  const std::string_view primary = language.substr(0, language.find('-'));
  const std::uint64_t size = number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  if (primary == "en") return size == 1 ? "one" : "other";
  if (primary != "ru") return "other";
  const std::uint64_t last = size % 10;
  const bool teen = size % 100 >= 11 && size % 100 <= 14;
  if (last == 1 && !teen) return "one";
  if (last >= 2 && last <= 4 && !teen) return "few";
  return "many";
}

MessageCatalogue::MessageCatalogue() : counters_(std::make_unique<Counters>()) {}
MessageCatalogue::~MessageCatalogue() = default;
MessageCatalogue::MessageCatalogue(MessageCatalogue&&) noexcept = default;
MessageCatalogue& MessageCatalogue::operator=(MessageCatalogue&&) noexcept = default;

Result<void> MessageCatalogue::add(std::string_view language, std::string_view json) {
  if (json.size() > kMaxCatalogueBytes) return malformed("The catalogue is larger than 4 MB");
  boost::system::error_code error;
  const boost::json::value root = boost::json::parse(json, error);
  if (error || !root.is_object()) return malformed("Expected one JSON object of texts");
  Patterns patterns;
  for (const auto& [key, value] : root.get_object()) {
    const std::string name(key);
    if (!value.is_string() || value.get_string().size() > kMaxPatternBytes) return malformed(name + ": expected a text of at most 16 KB");
    PatternParser parser(value.get_string());
    auto pattern = parser.parse();
    if (!pattern) return malformed(name + ": " + parser.problem());
    patterns[name] = std::move(pattern);
  }
  Patterns& known = languages_[std::string(language)];
  for (auto& [key, pattern] : patterns) known[key] = std::move(pattern);
  return {};
}

const Pattern* MessageCatalogue::find(std::string_view language, std::string_view key) const {
  const auto patterns = languages_.find(language);
  if (patterns == languages_.end()) return nullptr;
  const auto pattern = patterns->second.find(key);
  return pattern == patterns->second.end() ? nullptr : pattern->second.get();
}

std::string MessageCatalogue::render(std::string_view language, std::string_view key, std::span<const MessageArgument> arguments) const {
  const std::string_view chain[] = {language, language.substr(0, language.find('-')), "en"};
  for (const std::string_view candidate : chain) {
    const Pattern* pattern = find(candidate, key);
    if (!pattern) continue;
    std::string text;
    const std::uint64_t missing = render_parts(*pattern, candidate, arguments, text);
    if (missing > 0) counters_->missing_arguments.fetch_add(missing, std::memory_order_relaxed);
    return text;
  }
  counters_->missing_keys.fetch_add(1, std::memory_order_relaxed);
  return std::string(key);
}

bool MessageCatalogue::has(std::string_view language, std::string_view key) const { return find(language, key) != nullptr; }

std::vector<std::string> MessageCatalogue::arguments_of(std::string_view language, std::string_view key) const {
  const Pattern* pattern = find(language, key);
  if (!pattern) return {};
  std::set<std::string> names;
  collect_arguments(*pattern, names);
  return {names.begin(), names.end()};
}

std::vector<std::string> MessageCatalogue::languages() const {
  std::vector<std::string> names;
  for (const auto& [language, patterns] : languages_) names.push_back(language);
  return names;
}

std::vector<std::string> MessageCatalogue::keys(std::string_view language) const {
  std::vector<std::string> names;
  const auto patterns = languages_.find(language);
  if (patterns == languages_.end()) return names;
  for (const auto& [key, pattern] : patterns->second) names.push_back(key);
  return names;
}

}  // namespace consilium
