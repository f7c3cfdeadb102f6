#include "bpmn/feel/builtins.h"

#include <algorithm>
#include <array>

namespace consilium::bpmn::feel {
namespace {

using Arguments = std::span<const Value>;

Value misfit(std::string& problem, std::string_view what) {
  problem = what;
  return {};
}

Value is_defined(Arguments arguments, std::string&) { return !arguments[0].is_null(); }

Value negation(Arguments arguments, std::string& problem) {
  if (const bool* value = arguments[0].boolean()) return !*value;
  return misfit(problem, "not() expects a boolean");
}

Value to_duration(Arguments arguments, std::string& problem) {
  if (arguments[0].duration()) return arguments[0];
  const std::string* text = arguments[0].string();
  if (!text) return misfit(problem, "duration() expects a text");
  const auto parsed = parse_iso8601_duration(*text);
  if (!parsed) return misfit(problem, "duration() expects an ISO 8601 duration of days and times");
  return *parsed;
}

Value to_number(Arguments arguments, std::string& problem) {
  if (arguments[0].number()) return arguments[0];
  const std::string* text = arguments[0].string();
  const auto number = text ? Decimal::parse(*text) : std::nullopt;
  if (!number) return misfit(problem, "number() expects a text that is a number");
  return *number;
}

Value to_text(Arguments arguments, std::string&) {
  if (arguments[0].is_null() || arguments[0].string()) return arguments[0];
  std::string text = to_json(arguments[0]);
  if (arguments[0].duration()) text = text.substr(1, text.size() - 2);
  return text;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Value string_length(Arguments arguments, std::string& problem) {
  const std::string* text = arguments[0].string();
  if (!text) return misfit(problem, "string length() expects a text");
  return static_cast<std::int64_t>(count_characters(*text));
}

template <class Change>
Value change_ascii(Arguments arguments, std::string& problem, Change change) {
  const std::string* text = arguments[0].string();
  if (!text) return misfit(problem, "expected a text");
  std::string result = *text;
  std::transform(result.begin(), result.end(), result.begin(), change);
  return result;
}

Value upper_case(Arguments arguments, std::string& problem) {
  return change_ascii(arguments, problem, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

Value lower_case(Arguments arguments, std::string& problem) {
  return change_ascii(arguments, problem, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

template <class Test>
Value compare_texts(Arguments arguments, std::string& problem, Test test) {
  const std::string* text = arguments[0].string();
  const std::string* part = arguments[1].string();
  if (!text || !part) return misfit(problem, "expected two texts");
  return test(std::string_view(*text), std::string_view(*part));
}

Value contains(Arguments arguments, std::string& problem) {
  return compare_texts(arguments, problem, [](std::string_view a, std::string_view b) { return a.find(b) != std::string_view::npos; });
}
Value starts_with(Arguments arguments, std::string& problem) {
  return compare_texts(arguments, problem, [](std::string_view a, std::string_view b) { return a.starts_with(b); });
}
Value ends_with(Arguments arguments, std::string& problem) {
  return compare_texts(arguments, problem, [](std::string_view a, std::string_view b) { return a.ends_with(b); });
}

// A list given as one argument, or the arguments themselves.
Arguments items_of(Arguments arguments) {
  if (arguments.size() == 1 && arguments[0].list()) return *arguments[0].list();
  return arguments;
}

Value count(Arguments arguments, std::string& problem) {
  if (!arguments[0].list()) return misfit(problem, "count() expects a list");
  return static_cast<std::int64_t>(arguments[0].list()->size());
}

template <class Fold>
Value fold_numbers(Arguments arguments, std::string& problem, Fold fold) {
  const Arguments items = items_of(arguments);
  std::optional<Decimal> result;
  for (const Value& item : items) {
    if (!item.number()) return misfit(problem, "expected numbers only");
    result = result ? fold(*result, *item.number()) : *item.number();
    if (!result) return misfit(problem, "number out of range");
  }
  return result ? Value(*result) : Value();
}

Value smallest(Arguments arguments, std::string& problem) {
  return fold_numbers(arguments, problem, [](const Decimal& a, const Decimal& b) { return std::optional(std::min(a, b)); });
}
Value largest(Arguments arguments, std::string& problem) {
  return fold_numbers(arguments, problem, [](const Decimal& a, const Decimal& b) { return std::optional(std::max(a, b)); });
}
Value sum(Arguments arguments, std::string& problem) {
  return fold_numbers(arguments, problem, [](const Decimal& a, const Decimal& b) { return Decimal::add(a, b); });
}

template <class Change>
Value change_number(Arguments arguments, std::string& problem, Change change) {
  if (!arguments[0].number()) return misfit(problem, "expected a number");
  return change(*arguments[0].number());
}

Value round_down(Arguments arguments, std::string& problem) {
  return change_number(arguments, problem, [](const Decimal& n) { return n.floor(); });
}
Value round_up(Arguments arguments, std::string& problem) {
  return change_number(arguments, problem, [](const Decimal& n) { return n.ceiling(); });
}
Value absolute(Arguments arguments, std::string& problem) {
  if (const Duration* duration = arguments[0].duration())
    return Duration{duration->microseconds < 0 ? -duration->microseconds : duration->microseconds};
  return change_number(arguments, problem, [](const Decimal& n) { return n.is_negative() ? n.negated() : n; });
}

Value append(Arguments arguments, std::string& problem) {
  if (!arguments[0].list()) return misfit(problem, "append() expects a list first");
  List result = *arguments[0].list();
  result.insert(result.end(), arguments.begin() + 1, arguments.end());
  return result;
}

Value list_contains(Arguments arguments, std::string& problem) {
  const List* list = arguments[0].list();
  if (!list) return misfit(problem, "list contains() expects a list first");
  return std::find(list->begin(), list->end(), arguments[1]) != list->end();
}

Value concatenate(Arguments arguments, std::string& problem) {
  List result;
  for (const Value& argument : arguments) {
    if (!argument.list()) return misfit(problem, "concatenate() expects lists");
    result.insert(result.end(), argument.list()->begin(), argument.list()->end());
  }
  return result;
}

constexpr int kAny = 1000;

constexpr std::array<Builtin, 21> kBuiltins = {{
    {"string length", 1, 1, string_length},
    {"list contains", 2, 2, list_contains},
    {"concatenate", 1, kAny, concatenate},
    {"starts with", 2, 2, starts_with},
    {"upper case", 1, 1, upper_case},
    {"lower case", 1, 1, lower_case},
    {"is defined", 1, 1, is_defined},
    {"ends with", 2, 2, ends_with},
    {"duration", 1, 1, to_duration},
    {"contains", 2, 2, contains},
    {"ceiling", 1, 1, round_up},
    {"append", 1, kAny, append},
    {"number", 1, 1, to_number},
    {"string", 1, 1, to_text},
    {"count", 1, 1, count},
    {"floor", 1, 1, round_down},
    {"abs", 1, 1, absolute},
    {"max", 1, kAny, largest},
    {"min", 1, kAny, smallest},
    {"not", 1, 1, negation},
    {"sum", 1, kAny, sum},
}};

}  // namespace

std::span<const Builtin> builtins() { return kBuiltins; }

}  // namespace consilium::bpmn::feel
