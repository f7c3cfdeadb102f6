#include "bpmn/feel/comparison.h"

namespace consilium::bpmn::feel {
namespace {

std::strong_ordering order(WideInteger left, WideInteger right) {
  if (left == right) return std::strong_ordering::equal;
  return left < right ? std::strong_ordering::less : std::strong_ordering::greater;
}

// A time or date and time with a zone and one without do not compare.
bool same_kind_of_zone(const Zone& left, const Zone& right) {
  return (left.kind == Zone::Kind::kLocal) == (right.kind == Zone::Kind::kLocal);
}

WideInteger instant(const TimeOfDay& time) { return WideInteger{time.nanoseconds} - WideInteger{time.offset()} * kNanosecondsPerSecond; }

std::optional<bool> equal_lists(const List& left, const List& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!equal(left[i], right[i]).value_or(false)) return false;
  }
  return true;
}

std::optional<bool> equal_contexts(const Context& left, const Context& right) {
  if (left.size() != right.size()) return false;
  for (auto a = left.begin(), b = right.begin(); a != left.end(); ++a, ++b) {
    if (a->first != b->first || !equal(a->second, b->second).value_or(false)) return false;
  }
  return true;
}

// Times are the same when their milliseconds are.
bool same_instant(WideInteger left, WideInteger right) {
  constexpr std::int64_t kUnit = 1'000'000;
  const auto cut = [](WideInteger value) { return value / kUnit - (value % kUnit < 0 ? 1 : 0); };
  return cut(left) == cut(right);
}

}  // namespace

std::optional<std::strong_ordering> compare(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return std::nullopt;
  switch (left.kind()) {
    case Kind::kNumber: return *left.number() <=> *right.number();
    case Kind::kString: return *left.string() <=> *right.string();
    case Kind::kDate: return *left.date() <=> *right.date();
    case Kind::kTime:
      if (!same_kind_of_zone(left.time()->zone, right.time()->zone)) return std::nullopt;
      return order(instant(*left.time()), instant(*right.time()));
    case Kind::kDateTime:
      if (!same_kind_of_zone(left.date_time()->time.zone, right.date_time()->time.zone)) return std::nullopt;
      return order(left.date_time()->instant(), right.date_time()->instant());
    case Kind::kDayTimeDuration: return order(left.day_time_duration()->nanoseconds, right.day_time_duration()->nanoseconds);
    case Kind::kYearMonthDuration: return *left.year_month_duration() <=> *right.year_month_duration();
    default: return std::nullopt;
  }
}

std::optional<bool> equal(const Value& left, const Value& right) {
  if (left.is_null() || right.is_null()) return left.is_null() && right.is_null();
  if (left.kind() != right.kind()) return std::nullopt;
  switch (left.kind()) {
    case Kind::kBoolean: return *left.boolean() == *right.boolean();
    case Kind::kString: return *left.string() == *right.string();
    case Kind::kList: return left.list() == right.list() ? true : equal_lists(*left.list(), *right.list());
    case Kind::kContext: return left.context() == right.context() ? true : equal_contexts(*left.context(), *right.context());
    case Kind::kRange: {
      const Range& a = *left.range();
      const Range& b = *right.range();
      return a.unary == b.unary && a.start_included == b.start_included && a.end_included == b.end_included &&
             equal(a.start, b.start).value_or(false) && equal(a.end, b.end).value_or(false);
    }
    case Kind::kFunction: return std::nullopt;
    default: break;
  }
  const auto found = compare(left, right);
  if (!found) return std::nullopt;
  if (left.time()) return same_instant(instant(*left.time()), instant(*right.time()));
  if (left.date_time()) return same_instant(left.date_time()->instant(), right.date_time()->instant());
  return *found == 0;
}

std::optional<bool> contains(const Range& range, const Value& value) {
  if (value.is_null() || (range.start.is_null() && range.end.is_null())) return std::nullopt;
  if (!range.start.is_null()) {
    const auto found = compare(value, range.start);
    if (!found) return std::nullopt;
    if (*found < 0 || (*found == 0 && !range.start_included)) return false;
  }
  if (!range.end.is_null()) {
    const auto found = compare(value, range.end);
    if (!found) return std::nullopt;
    if (*found > 0 || (*found == 0 && !range.end_included)) return false;
  }
  return true;
}

}  // namespace consilium::bpmn::feel
