#include "base/validation.h"

#include <algorithm>

#include "base/utf8.h"

namespace consilium {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

bool is_space(char32_t c) {
  return c == U' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029; }

// Marks that change the order in which text is shown, and so can hide what it says; and what is not seen at all.
bool is_deceptive(char32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C || c == 0x200B ||
         c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

bool is_domain_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// Number of labels, 0 when one is not well formed.
int count_labels(std::string_view domain) {
  for (int labels = 1;; ++labels) {
    const auto dot = domain.find('.');
    if (!is_domain_label(domain.substr(0, dot))) return 0;
    if (dot == std::string_view::npos) return labels;
    domain.remove_prefix(dot + 1);
  }
}

bool is_local_part(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.";
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos; });
}

bool is_format(std::string_view text, TextFormat format) {
  switch (format) {
    case TextFormat::kNone: return true;
    case TextFormat::kEmail: return is_email(text);
    case TextFormat::kPhone: return is_phone(text);
    case TextFormat::kUrl: return is_url(text);
    case TextFormat::kLanguage: return is_language(text);
    case TextFormat::kName: return is_name(text);
  }
  return false;
}

std::string_view wanted(TextFormat format) {
  switch (format) {
    case TextFormat::kNone: return "";
    case TextFormat::kEmail: return "Expected an e-mail address";
    case TextFormat::kPhone: return "Expected a phone number as +491701234567";
    case TextFormat::kUrl: return "Expected an absolute http or https address";
    case TextFormat::kLanguage: return "Expected a language tag as en or pt-BR";
    case TextFormat::kName: return "Expected a name without control characters and spaces at its ends";
  }
  return "";
}

}  // namespace

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  if (text.size() > 254 || at == std::string_view::npos) return false;
  return is_local_part(text.substr(0, at)) && count_labels(text.substr(at + 1)) >= 2;
}

bool is_phone(std::string_view text) {
  if (text.size() < 8 || text.size() > 16 || text[0] != '+' || text[1] == '0') return false;
  return std::all_of(text.begin() + 1, text.end(), is_digit);
}

bool is_url(std::string_view text) {
  if (text.size() > 2048) return false;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7F || c == '"' || c == '<' || c == '>' || c == '\\'; }))
    return false;
  const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? std::string_view("1") : authority.substr(colon + 1);
  if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), is_digit)) return false;
  if (host.starts_with('[')) {
    return host.ends_with(']') && host.size() > 3 &&
           std::all_of(host.begin() + 1, host.end() - 1, [](char c) { return is_alphanumeric(c) || c == ':' || c == '.'; });
  }
  return count_labels(host) >= 1;
}

bool is_language(std::string_view text) {
  if (text.empty() || text.size() > 35) return false;
  for (bool primary = true;; primary = false) {
    const auto dash = text.find('-');
    const std::string_view tag = text.substr(0, dash);
    const bool good = primary ? (tag.size() == 2 || tag.size() == 3) && std::all_of(tag.begin(), tag.end(), is_letter)
                              : !tag.empty() && tag.size() <= 8 && std::all_of(tag.begin(), tag.end(), is_alphanumeric);
    if (!good) return false;
    if (dash == std::string_view::npos) return true;
    text.remove_prefix(dash + 1);
  }
}

bool is_name(std::string_view text) {
  bool last_is_space = false;
  for (bool first = true; !text.empty(); first = false) {
    const char32_t c = take_code_point(text);
    if (is_control(c) || is_deceptive(c) || (first && is_space(c))) return false;
    last_is_space = is_space(c);
  }
  return !last_is_space;
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    if (!is_space(take_code_point(text))) return false;
  }
  return true;
}

bool has_only(std::string_view text, std::string_view characters) {
  const std::string_view inside = characters.substr(1, characters.size() - 2);
  const auto is_member = [inside](char c) {
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const bool range = i + 2 < inside.size() && inside[i + 1] == '-';
      if (range ? c >= inside[i] && c <= inside[i + 2] : c == inside[i]) return true;
      if (range) i += 2;
    }
    return false;
  };
  return std::all_of(text.begin(), text.end(), is_member);
}

void Violations::add(std::string_view code, std::string_view message) {
  if (found_.size() < kMaxViolations) found_.push_back({path_.text(), std::string(code), std::string(message)});
}

void Violations::value(const std::string& value, const TextRules& rules) { text(value, rules, rules.required); }

void Violations::text(const std::string& value, const TextRules& rules, bool is_there) {
  if (rules.required && is_blank(value)) return add("required", "Expected a value");
  if (value.empty() && !is_there) return;
  const std::size_t length = count_code_points(value);
  if (length < rules.min_length) return add("too-short", "Expected at least " + std::to_string(rules.min_length) + " characters");
  if (rules.max_length != 0 && length > rules.max_length)
    return add("too-long", "Expected at most " + std::to_string(rules.max_length) + " characters");
  if (!is_format(value, rules.format)) return add("bad-format", wanted(rules.format));
  if (!rules.characters.empty() && !has_only(value, rules.characters))
    add("bad-character", "Expected only characters of " + std::string(rules.characters));
}

void Violations::value(const JsonText& value, const TextRules& rules) {
  if (rules.required && value.text == "null") return add("required", "Expected a value");
  if (rules.max_length != 0 && count_code_points(value.text) > rules.max_length)
    add("too-long", "Expected at most " + std::to_string(rules.max_length) + " characters");
}

void Violations::value(const Uuid& value, const TextRules& rules) {
  if (rules.required && value.is_nil()) add("required", "Expected a value");
}

void Violations::value(Date value, const TimeRules& rules) {
  if (value == kNoDate) {
    if (rules.required) add("required", "Expected a value");
    return;
  }
  if (rules.not_future && value > date_of(now_)) add("in-future", "Expected a day that is not in the future");
}

void Violations::value(Timestamp value, const TimeRules& rules) {
  if (rules.required && value == Timestamp{}) return add("required", "Expected a value");
  if (rules.not_future && value > now_) add("in-future", "Expected a time that is not in the future");
}

void Violations::value(double value, const IntegerRules& rules) {
  const bool in_range = value >= static_cast<double>(rules.min) && value <= static_cast<double>(rules.max);
  if (!in_range) out_of_range(rules);  // not a number, too
}

void Violations::integer(std::int64_t value, const IntegerRules& rules) {
  if (value < rules.min || value > rules.max) out_of_range(rules);
}

void Violations::out_of_range(const IntegerRules& rules) {
  const bool below = rules.max == std::numeric_limits<std::int64_t>::max();
  const bool above = rules.min == std::numeric_limits<std::int64_t>::min();
  if (below) return add("out-of-range", "Expected at least " + std::to_string(rules.min));
  if (above) return add("out-of-range", "Expected at most " + std::to_string(rules.max));
  add("out-of-range", "Expected a number from " + std::to_string(rules.min) + " to " + std::to_string(rules.max));
}

void Violations::count(std::size_t items, const ListRules& rules) {
  if (rules.required && items == 0) return add("required", "Expected at least one item");
  if (items < rules.min_items) return add("too-few", "Expected at least " + std::to_string(rules.min_items) + " items");
  if (rules.max_items != 0 && items > rules.max_items) add("too-many", "Expected at most " + std::to_string(rules.max_items) + " items");
}

Result<void> Violations::finish() {
  if (found_.empty()) return {};
  return fail(validation_error(std::move(found_)));
}

}  // namespace consilium
