#include <array>

#include "bpmn/feel/builtins.h"
#include "bpmn/feel/comparison.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::feel {
namespace {

Value is_defined(Call& call) { return !call[0].is_null(); }

Value get_or_else(Call& call) { return call[0].is_null() ? call[1] : call[0]; }

Value assert_that(Call& call) {
  if (call[1].boolean() && *call[1].boolean()) return call[0];
  call.machine().refute();
  return call.fail(call[2].string() ? *call[2].string() : "the condition does not hold");
}

Value negation(Call& call) {
  if (const bool* value = call[0].boolean()) return !*value;
  return call[0].is_null() ? Value() : call.fail("expected a boolean");
}

Value to_text(Call& call) {
  if (call[0].is_null() || call[0].string()) return call[0];
  // Its parts may be shared, and so be longer together than they look.
  if (!call.machine().spend(call[0].weight() / 4)) return {};
  std::string text = feel::to_text(call[0]);
  return text.size() > kMaxTextBytes ? call.fail("text longer than 1 MB") : Value(std::move(text));
}

bool is_separator(const Value& value, std::string_view allowed) {
  return value.string() && value.string()->size() == 1 && allowed.find(value.string()->front()) != std::string_view::npos;
}

Value to_number(Call& call) {
  if (call.size() == 1 && call[0].number()) return call[0];
  const std::string* text = call[0].string();
  if (!text) return call[0].is_null() ? call.fail("expected a text") : call.fail("expected a text that is a number");
  const Value& grouping = call[1];
  const Value& point = call[2];
  if (!grouping.is_null() && !is_separator(grouping, " ,.")) return call.fail("a grouping separator is a space, comma or point");
  if (!point.is_null() && !is_separator(point, ",.")) return call.fail("a decimal separator is a comma or point");
  if (grouping.string() && point.string() && *grouping.string() == *point.string()) return call.fail("the separators are the same");
  std::string plain;
  for (const char c : *text) {
    if (grouping.string() && c == grouping.string()->front()) continue;
    if (point.string() && c == point.string()->front())
      plain += '.';
    else if (point.string() && c == '.')
      plain += '?';
    else
      plain += c;
  }
  if (plain.starts_with('.')) plain.insert(plain.begin(), '0');
  if (plain.starts_with("-.")) plain.insert(1, 1, '0');
  if (plain.starts_with('+')) plain.erase(0, 1);
  const auto number = Decimal::parse(plain);
  return number ? Value(*number) : call.fail("expected a text that is a number");
}

// Uniform in [0, 1), with 18 digits.
Value random_number(Call& call) {
  RandomSource* random = call.machine().environment().random;
  if (!random) return call.fail("there is no source of random numbers here");
  constexpr std::int64_t kParts = 1'000'000'000'000'000'000;
  return *Decimal::divide(Decimal(static_cast<std::int64_t>(random->below(kParts))), Decimal(kParts));
}

Value uuid(Call& call) {
  RandomSource* random = call.machine().environment().random;
  if (!random) return call.fail("there is no source of random numbers here");
  std::array<std::byte, 16> bytes{};
  random->fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[std::to_integer<int>(bytes[i]) >> 4];
    text += kHex[std::to_integer<int>(bytes[i]) & 15];
  }
  return text;
}

// The same value of the same type, written the same way.
Value is_same(Call& call) {
  const Value &a = call[0], &b = call[1];
  if (!call.machine().spend_on_comparing(a, b)) return {};
  if (a.kind() != b.kind()) return false;
  const auto offset = [](const Zone& zone) { return zone.kind != Zone::Kind::kLocal; };
  if (a.time()) {
    if (offset(a.time()->zone) != offset(b.time()->zone)) return false;
    return a.time()->nanoseconds == b.time()->nanoseconds && a.time()->offset() == b.time()->offset();
  }
  if (a.date_time()) {
    if (offset(a.date_time()->time.zone) != offset(b.date_time()->time.zone)) return false;
    return a.date_time()->date == b.date_time()->date && a.date_time()->time.nanoseconds == b.date_time()->time.nanoseconds &&
           a.date_time()->offset() == b.date_time()->offset();
  }
  return equal(a, b).value_or(false);
}

constexpr Builtin kTable[] = {{"is defined", "value", is_defined, Reads::kOutside},
                              {"get or else", "value, default", get_or_else, Reads::kOutside},
                              {"assert", "value, condition, cause?", assert_that, Reads::kOutside},
                              {"not", "negand", negation, Reads::kOutside},
                              {"string", "from", to_text, Reads::kOutside},
                              {"number", "from | from, grouping separator, decimal separator?", to_number},
                              {"random number", "", random_number},
                              {"uuid", "", uuid},
                              {"is", "value1, value2", is_same, Reads::kOutside}};

}  // namespace

std::span<const Builtin> conversion_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel
