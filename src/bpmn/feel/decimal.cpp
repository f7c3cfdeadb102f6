#include "bpmn/feel/decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace consilium::bpmn::feel {
namespace {

using Half = unsigned __int128;

Half power_of_ten(int n) {
  Half result = 1;
  for (int i = 0; i < n; ++i) result *= 10;
  return result;
}

int count_digits(Half value) {
  int digits = 1;
  if (value <= ~std::uint64_t{0}) {
    for (auto rest = static_cast<std::uint64_t>(value); rest >= 10; rest /= 10) ++digits;
    return digits;
  }
  while (value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

const Half kLimit = power_of_ten(Decimal::kDigits);

}  // namespace

// 256 bits: holds every intermediate result (at most 76 decimal digits) exactly.
struct Decimal::Wide {
  Half high = 0;
  Half low = 0;

  static Wide product(Half a, Half b) {
    const Half mask = ~std::uint64_t{0};
    const Half a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
    const Half p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    const Half middle = (p00 >> 64) + (p01 & mask) + (p10 & mask);
    return {p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), (middle << 64) | (p00 & mask)};
  }
  Wide times(Half factor) const {
    Wide result = product(low, factor);
    result.high += high * factor;
    return result;
  }
  Wide plus(const Wide& other) const {
    Wide result{high + other.high, low + other.low};
    if (result.low < low) ++result.high;
    return result;
  }
  Wide minus(const Wide& other) const {
    Wide result{high - other.high, low - other.low};
    if (low < other.low) --result.high;
    return result;
  }
  bool less_than(const Wide& other) const { return high != other.high ? high < other.high : low < other.low; }
  // Divides in place by a number below 2^64 and returns the rest.
  std::uint64_t divide_by(std::uint64_t divisor) {
    Half rest = 0;
    Half* const halves[] = {&high, &low};
    for (Half* half : halves) {
      const Half upper = rest << 64 | *half >> 64;
      const Half lower = (upper % divisor) << 64 | (*half & ~std::uint64_t{0});
      *half = (upper / divisor) << 64 | lower / divisor;
      rest = lower % divisor;
    }
    return static_cast<std::uint64_t>(rest);
  }
  // Long division by any number below 2^127; returns whether something remains.
  bool divide_long(Half divisor) {
    Wide quotient;
    Half rest = 0;
    for (int bit = 255; bit >= 0; --bit) {
      const Half half = bit >= 128 ? high : low;
      rest = rest << 1 | (half >> (bit % 128) & 1);
      if (rest < divisor) continue;
      rest -= divisor;
      (bit >= 128 ? quotient.high : quotient.low) |= Half{1} << (bit % 128);
    }
    *this = quotient;
    return rest != 0;
  }
};

Decimal::Decimal(std::int64_t value)
    : negative_(value < 0), coefficient_(negative_ ? -static_cast<Half>(value) : static_cast<Half>(value)) {
  while (coefficient_ != 0 && coefficient_ % 10 == 0) {
    coefficient_ /= 10;
    ++exponent_;
  }
}

std::optional<Decimal> Decimal::rounded(bool negative, Wide coefficient, std::int64_t exponent, bool inexact) {
  std::uint64_t last = 0;
  while (coefficient.high != 0 || coefficient.low >= kLimit) {
    inexact = inexact || last != 0;
    last = coefficient.divide_by(10);
    ++exponent;
  }
  Half value = coefficient.low;
  if (last > 5 || (last == 5 && (inexact || value % 2 == 1))) ++value;
  while (value != 0 && value % 10 == 0) {
    value /= 10;
    ++exponent;
  }
  if (value == 0) return Decimal();
  if (exponent + count_digits(value) - 1 > kMaxExponent || exponent < kMinExponent) return std::nullopt;
  Decimal result;
  result.negative_ = negative;
  result.coefficient_ = value;
  result.exponent_ = static_cast<std::int32_t>(exponent);
  return result;
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) ++at;
  Wide coefficient;
  std::int64_t exponent = 0;
  int digits = 0;
  bool inexact = false, fraction = false, any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !fraction && any) {
      fraction = true;
      any = false;
      continue;
    }
    if (c < '0' || c > '9') break;
    any = true;
    if (digits < 70) {
      coefficient = coefficient.times(10).plus({0, static_cast<Half>(c - '0')});
      if (coefficient.low != 0 || coefficient.high != 0) ++digits;
      if (fraction) --exponent;
    } else {
      inexact = inexact || c != '0';
      if (!fraction) ++exponent;
    }
  }
  if (!any) return std::nullopt;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
    ++at;
    const bool has_plus = at < text.size() && text[at] == '+';
    if (has_plus) ++at;
    if (has_plus && at < text.size() && text[at] == '-') return std::nullopt;
    std::int32_t given = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), given);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    exponent += given;
  }
  return rounded(negative, coefficient, exponent, inexact);
}

std::optional<Decimal> Decimal::from_double(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  if (error != std::errc()) return std::nullopt;
  return parse({buffer, static_cast<std::size_t>(end - buffer)});
}

std::string Decimal::text() const {
  if (coefficient_ == 0) return "0";
  std::string digits;
  for (Half rest = coefficient_; rest != 0; rest /= 10) digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  const int length = static_cast<int>(digits.size());
  std::string result;
  if (exponent_ >= 0 && length + exponent_ <= 40) {
    result = digits + std::string(static_cast<std::size_t>(exponent_), '0');
  } else if (exponent_ < 0 && exponent_ >= -40) {
    if (length > -exponent_) {
      result = digits.insert(digits.size() - static_cast<std::size_t>(-exponent_), ".");
    } else {
      result = "0." + std::string(static_cast<std::size_t>(-exponent_ - length), '0') + digits;
    }
  } else {
    const int shown = exponent_ + length - 1;
    result = digits.substr(0, 1) + (length > 1 ? "." + digits.substr(1) : "") + (shown < 0 ? "E" : "E+") + std::to_string(shown);
  }
  return negative_ ? "-" + result : result;
}

std::optional<std::int64_t> Decimal::to_integer() const {
  if (exponent_ < 0 || exponent_ > 18) return std::nullopt;
  Half value = coefficient_;
  if (count_digits(value) + exponent_ > 19) return std::nullopt;
  value *= power_of_ten(exponent_);
  const Half limit = static_cast<Half>(1) << 63;
  if (value > (negative_ ? limit : limit - 1)) return std::nullopt;
  return negative_ ? static_cast<std::int64_t>(-static_cast<std::uint64_t>(value)) : static_cast<std::int64_t>(value);
}

double Decimal::to_double() const {
  const std::string form = text();
  double value = 0;
  std::from_chars(form.data(), form.data() + form.size(), value);
  return value;
}

Decimal Decimal::negated() const {
  Decimal result = *this;
  if (coefficient_ != 0) result.negative_ = !negative_;
  return result;
}

Decimal Decimal::floor() const {
  if (exponent_ >= 0) return *this;
  Half whole = 0;
  if (exponent_ > -kDigits) whole = coefficient_ / power_of_ten(-exponent_);
  if (negative_) ++whole;
  return *rounded(negative_, {0, whole}, 0, false);
}

Decimal Decimal::ceiling() const { return negated().floor().negated(); }

// The numbers of most models fit a machine word, and then so do sums and products of them.
Decimal Decimal::small(std::int64_t coefficient, std::int32_t exponent) {
  Decimal result;
  if (coefficient == 0) return result;
  result.negative_ = coefficient < 0;
  auto rest = result.negative_ ? -static_cast<std::uint64_t>(coefficient) : static_cast<std::uint64_t>(coefficient);
  while (rest % 10 == 0) {
    rest /= 10;
    ++exponent;
  }
  result.coefficient_ = rest;
  result.exponent_ = exponent;
  return result;
}

std::optional<Decimal> Decimal::add(const Decimal& a, const Decimal& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  if (a.is_small() && b.is_small() && a.exponent_ > -400 && a.exponent_ < 400) {
    auto left = static_cast<std::int64_t>(a.coefficient_), right = static_cast<std::int64_t>(b.coefficient_);
    int difference = a.exponent_ - b.exponent_;
    bool fits = difference > -16 && difference < 16;
    for (; fits && difference > 0; --difference) fits = !__builtin_mul_overflow(left, 10, &left);
    for (; fits && difference < 0; ++difference) fits = !__builtin_mul_overflow(right, 10, &right);
    std::int64_t sum = 0;
    if (fits && !__builtin_add_overflow(a.negative_ ? -left : left, b.negative_ ? -right : right, &sum))
      return small(sum, std::min(a.exponent_, b.exponent_));
  }
  const Decimal& upper = a.exponent_ >= b.exponent_ ? a : b;
  const Decimal& lower = a.exponent_ >= b.exponent_ ? b : a;
  int gap = upper.exponent_ - lower.exponent_;
  Wide left{0, upper.coefficient_};
  Wide right{0, lower.coefficient_};
  bool inexact = false;
  std::int64_t exponent = lower.exponent_;
  if (gap > 40) {  // far apart: of the lower one only its being there matters
    exponent = upper.exponent_ - 40;
    right = {0, 1};
    inexact = true;
    gap = 40;
  }
  left = left.times(power_of_ten(gap / 2)).times(power_of_ten(gap - gap / 2));
  if (upper.negative_ == lower.negative_) return rounded(upper.negative_, left.plus(right), exponent, inexact);
  if (left.less_than(right)) return rounded(lower.negative_, right.minus(left), exponent, inexact);
  return rounded(upper.negative_, left.minus(right), exponent, inexact);
}

std::optional<Decimal> Decimal::multiply(const Decimal& a, const Decimal& b) {
  std::int64_t product = 0;
  if (a.is_small() && b.is_small() && a.exponent_ > -400 && a.exponent_ < 400 && b.exponent_ > -400 && b.exponent_ < 400 &&
      !__builtin_mul_overflow(static_cast<std::int64_t>(a.coefficient_), static_cast<std::int64_t>(b.coefficient_), &product))
    return small(a.negative_ != b.negative_ ? -product : product, a.exponent_ + b.exponent_);
  return rounded(a.negative_ != b.negative_, Wide::product(a.coefficient_, b.coefficient_), std::int64_t{a.exponent_} + b.exponent_, false);
}

std::optional<Decimal> Decimal::divide(const Decimal& a, const Decimal& b) {
  if (b.is_zero()) return std::nullopt;
  if (a.is_zero()) return Decimal();
  const int shift = kDigits + 2 + count_digits(b.coefficient_) - count_digits(a.coefficient_);
  Wide numerator{0, a.coefficient_};
  numerator = numerator.times(power_of_ten(shift / 2)).times(power_of_ten(shift - shift / 2));
  const bool inexact = numerator.divide_long(b.coefficient_);
  return rounded(a.negative_ != b.negative_, numerator, std::int64_t{a.exponent_} - b.exponent_ - shift, inexact);
}

std::optional<Decimal> Decimal::modulo(const Decimal& a, const Decimal& b) {
  if (b.is_zero()) return std::nullopt;
  // a - b * floor(a / b) loses the quotient's digits beyond 34; the remainder by long division keeps them.
  const int shift = a.exponent_ - b.exponent_;
  if (shift > 6200 || shift < -6200) return std::nullopt;
  Half rest = 0;
  if (shift >= 0) {
    rest = a.coefficient_ % b.coefficient_;
    for (int i = 0; i < shift; ++i) rest = rest * 10 % b.coefficient_;
  } else {
    // |b| has the larger unit: compare in a's.
    const Decimal left = a.absolute(), right = b.absolute();
    if (left < right) {
      if (left.is_zero() || a.negative_ == b.negative_) return a;
      return add(a, b);
    }
    Wide divisor{0, b.coefficient_};
    divisor = divisor.times(power_of_ten(-shift / 2)).times(power_of_ten(-shift - -shift / 2));
    rest = a.coefficient_ % divisor.low;  // no larger than a's coefficient, as |b| <= |a|
  }
  const auto size = rounded(a.negative_, {0, rest}, std::min(a.exponent_, b.exponent_), false);
  if (!size || size->is_zero() || a.negative_ == b.negative_) return size;
  return add(*size, b);
}

std::optional<Decimal> Decimal::rounded_to(std::int32_t scale, Rounding rounding) const {
  if (exponent_ >= -std::int64_t{scale}) return *this;
  const std::int64_t dropped = -std::int64_t{scale} - exponent_;
  Half whole = 0;
  int against_half = -1;  // of the dropped part
  bool exact = false;
  if (dropped <= kDigits) {
    const Half unit = power_of_ten(static_cast<int>(dropped));
    whole = coefficient_ / unit;
    const Half rest = coefficient_ % unit;
    exact = rest == 0;
    against_half = rest == unit / 2 ? 0 : rest > unit / 2 ? 1 : -1;
  }
  bool up = false;
  switch (rounding) {
    case Rounding::kHalfEven: up = against_half > 0 || (against_half == 0 && whole % 2 == 1); break;
    case Rounding::kUp: up = !exact; break;
    case Rounding::kDown: break;
    case Rounding::kHalfUp: up = against_half >= 0; break;
    case Rounding::kHalfDown: up = against_half > 0; break;
    case Rounding::kFloor: up = !exact && negative_; break;
    case Rounding::kCeiling: up = !exact && !negative_; break;
  }
  return rounded(negative_, {0, up ? whole + 1 : whole}, -std::int64_t{scale}, false);
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (*this == other) return std::strong_ordering::equal;
  if (negative_ != other.negative_) return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  bool less = false;  // by magnitude
  if (coefficient_ == 0 || other.coefficient_ == 0) {
    less = coefficient_ == 0;
  } else {
    const int mine = count_digits(coefficient_) + exponent_;
    const int theirs = count_digits(other.coefficient_) + other.exponent_;
    if (mine != theirs) {
      less = mine < theirs;
    } else if (exponent_ >= other.exponent_) {
      less = coefficient_ * power_of_ten(exponent_ - other.exponent_) < other.coefficient_;
    } else {
      less = coefficient_ < other.coefficient_ * power_of_ten(other.exponent_ - exponent_);
    }
  }
  return less != negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace consilium::bpmn::feel
