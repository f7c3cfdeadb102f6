#include <algorithm>
#include <optional>

#include "base/base64.h"
#include "base/utf8.h"
#include "bpmn/feel/builtins.h"
#include "bpmn/feel/evaluator.h"
#include "bpmn/feel/text.h"

namespace consilium::bpmn::feel {
namespace {

const std::string* text_of(Call& call, std::size_t index) { return call[index].string(); }

Value length(Call& call) {
  const std::string* text = text_of(call, 0);
  return text ? Value(static_cast<std::int64_t>(count_code_points(*text))) : call.fail("expected a text");
}

// Letters change by tables, which takes longer than to read them.
Value in_case(Call& call, std::string (*changed)(std::string_view)) {
  const std::string* text = text_of(call, 0);
  if (!text) return call.fail("expected a text");
  return call.machine().spend(static_cast<std::int64_t>(text->size()) / 32) ? Value(changed(*text)) : Value();
}
Value to_upper(Call& call) { return in_case(call, upper_case); }
Value to_lower(Call& call) { return in_case(call, lower_case); }

Value trim(Call& call) {
  const std::string* text = text_of(call, 0);
  return text ? Value(trimmed(*text)) : call.fail("expected a text");
}

Value is_blank(Call& call) {
  const std::string* text = text_of(call, 0);
  return text ? Value(trimmed(*text).empty()) : call.fail("expected a text");
}

// The usual alphabet, with padding.
Value to_base64(Call& call) {
  const std::string* text = text_of(call, 0);
  if (!text) return call.fail("expected a text");
  std::string out = encode_base64url(*text);
  std::replace(out.begin(), out.end(), '-', '+');
  std::replace(out.begin(), out.end(), '_', '/');
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

template <class Use>
Value with_two(Call& call, Use use) {
  const std::string* text = text_of(call, 0);
  const std::string* part = text_of(call, 1);
  return text && part ? use(std::string_view(*text), std::string_view(*part)) : call.fail("expected two texts");
}

Value contains_text(Call& call) {
  return with_two(call, [](std::string_view a, std::string_view b) -> Value { return offset_of_text(a, b).has_value(); });
}
Value starts_with(Call& call) {
  return with_two(call, [](std::string_view a, std::string_view b) -> Value { return a.starts_with(b); });
}
Value ends_with(Call& call) {
  return with_two(call, [](std::string_view a, std::string_view b) -> Value { return a.ends_with(b); });
}
Value substring_before(Call& call) {
  return with_two(call, [](std::string_view a, std::string_view b) -> Value { return a.substr(0, offset_of_text(a, b).value_or(0)); });
}
Value substring_after(Call& call) {
  return with_two(call, [](std::string_view a, std::string_view b) -> Value {
    const auto at = offset_of_text(a, b);
    return at ? a.substr(*at + b.size()) : std::string_view();
  });
}

Value substring(Call& call) {
  const std::string* text = text_of(call, 0);
  const auto start = call[1].number() ? call[1].number()->rounded_to(0, Decimal::Rounding::kDown)->to_integer() : std::nullopt;
  if (!text || !start || *start == 0) return call.fail("expected a text and a position, from 1 or negative from the end");
  const auto size = static_cast<std::int64_t>(count_code_points(*text));
  std::int64_t count = size;
  if (call.has(2)) {
    const auto given = call[2].number() ? call[2].number()->rounded_to(0, Decimal::Rounding::kDown)->to_integer() : std::nullopt;
    if (!given || *given < 1) return call.fail("a length is a number from 1");
    count = *given;
  }
  const std::int64_t from = *start > 0 ? *start - 1 : std::max<std::int64_t>(size + *start, 0);
  if (from >= size) return "";
  const std::size_t begin = offset_of_character(*text, static_cast<std::size_t>(from));
  const std::string_view rest = std::string_view(*text).substr(begin);
  return rest.substr(0, offset_of_character(rest, static_cast<std::size_t>(std::min(count, size))));
}

template <class T>
Value value_of(Call& call, std::expected<T, std::string> result, const RegexWork& work) {
  if (!call.machine().spend(work.steps)) return {};
  if (!result) return call.fail(result.error());
  return Value(std::move(*result));
}

Value list_of(Call& call, std::expected<std::vector<std::string>, std::string> result, const RegexWork& work) {
  if (!call.machine().spend(work.steps)) return {};
  if (!result) return call.fail(result.error());
  List list;
  list.reserve(result->size());
  for (std::string& part : *result) list.emplace_back(std::move(part));
  return list;
}

// The flags of a regular expression; null pointer: they are no text.
const std::string* flags_of(Call& call, std::size_t index) {
  static const std::string none;
  return call[index].is_null() ? &none : call[index].string();
}

// What the call has compiled already, or `made`; null pointer: that, or going through the text with it, is too much work. At each
// letter of a text as much of it may be compared as the pattern is long.
const Pattern* pattern_of(Call& call, std::string_view text, std::string_view pattern, std::string_view flags,
                          std::optional<Pattern>& made) {
  constexpr std::int64_t kPatternSteps = 40, kComparedBytesOfAStep = 2048;
  const auto length = static_cast<std::int64_t>(pattern.size());
  const std::int64_t compiling = call.pattern() ? 0 : length;
  const std::int64_t searching = static_cast<std::int64_t>(text.size()) * length / kComparedBytesOfAStep;
  if (!call.machine().spend(kPatternSteps + compiling + searching)) return nullptr;
  return call.pattern() ? call.pattern() : &made.emplace(pattern, flags);
}

Value matches(Call& call) {
  const std::string *text = text_of(call, 0), *pattern = text_of(call, 1), *flags = flags_of(call, 2);
  if (!text || !pattern || !flags) return call.fail("expected texts");
  RegexWork work;
  std::optional<Pattern> made;
  const Pattern* compiled = pattern_of(call, *text, *pattern, *flags, made);
  if (!compiled) return {};
  auto result = regex_matches(*text, *compiled, work);
  return value_of(call, std::move(result), work);
}

Value replace(Call& call) {
  const std::string *text = text_of(call, 0), *pattern = text_of(call, 1), *by = text_of(call, 2), *flags = flags_of(call, 3);
  if (!text || !pattern || !by || !flags) return call.fail("expected texts");
  RegexWork work;
  std::optional<Pattern> made;
  const Pattern* compiled = pattern_of(call, *text, *pattern, *flags, made);
  if (!compiled) return {};
  auto result = regex_replace(*text, *compiled, *by, kMaxTextBytes, work);
  return value_of(call, std::move(result), work);
}

Value split(Call& call) {
  const std::string *text = text_of(call, 0), *pattern = text_of(call, 1);
  if (!text || !pattern) return call.fail("expected two texts");
  RegexWork work;
  std::optional<Pattern> made;
  const Pattern* compiled = pattern_of(call, *text, *pattern, "", made);
  if (!compiled) return {};
  auto result = regex_split(*text, *compiled, work);
  return list_of(call, std::move(result), work);
}

Value extract(Call& call) {
  const std::string *text = text_of(call, 0), *pattern = text_of(call, 1);
  if (!text || !pattern) return call.fail("expected two texts");
  RegexWork work;
  std::optional<Pattern> made;
  const Pattern* compiled = pattern_of(call, *text, *pattern, "", made);
  if (!compiled) return {};
  auto result = regex_extract(*text, *compiled, work);
  return list_of(call, std::move(result), work);
}

Value join(Call& call) {
  const List single{call[0]};
  if (call[0].is_null()) return call.fail("expected a list of texts");
  const List& items = call[0].list() ? *call[0].list() : single;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (!call[i].is_null() && !call[i].string()) return call.fail("expected a text between the items");
  }
  const std::string empty;
  const auto part = [&](std::size_t index) -> const std::string& { return call[index].string() ? *call[index].string() : empty; };
  std::string out = part(2);
  bool first = true;
  for (const Value& item : items) {
    if (item.is_null()) continue;
    if (!item.string()) return call.fail("expected a list of texts");
    if (!first) out += part(1);
    first = false;
    out += *item.string();
    if (out.size() > kMaxTextBytes) return call.fail("text longer than 1 MB");
  }
  if (!call.machine().spend(static_cast<std::int64_t>(out.size()) / kBytesOfAStep)) return {};
  return out + part(3);
}

constexpr Builtin kTable[] = {{"string length", "string", length},
                              {"upper case", "string", to_upper},
                              {"lower case", "string", to_lower},
                              {"trim", "string", trim},
                              {"is blank", "string", is_blank},
                              {"to base64", "value", to_base64},
                              {"contains", "string, match", contains_text},
                              {"starts with", "string, match", starts_with},
                              {"ends with", "string, match", ends_with},
                              {"substring before", "string, match", substring_before},
                              {"substring after", "string, match", substring_after},
                              {"substring", "string, start position, length?", substring},
                              {"matches", "input, pattern, flags?", matches},
                              {"replace", "input, pattern, replacement, flags?", replace},
                              {"split", "string, delimiter", split},
                              {"extract", "string, pattern", extract},
                              {"string join", "list, delimiter? | list, delimiter, prefix, suffix", join}};

}  // namespace

std::span<const Builtin> text_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel
