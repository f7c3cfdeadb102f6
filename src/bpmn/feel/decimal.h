// Exact decimal numbers as FEEL has them: 34 significant digits (IEEE 754 decimal128), half-even rounding. 0.1 + 0.2 is 0.3.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consilium::bpmn::feel {

// Value: (-1)^negative * coefficient * 10^exponent. Always canonical: no trailing zeros in the coefficient, zero is
// positive with exponent 0; so equal numbers have equal members.
class Decimal {
 public:
  static constexpr int kDigits = 34;
  static constexpr int kMaxExponent = 6144;   // of the first digit
  static constexpr int kMinExponent = -6176;  // of the last digit

  Decimal() = default;
  Decimal(std::int64_t value);  // NOLINT: whole numbers are decimals

  // JSON number syntax; more than 34 digits are rounded. nullopt: malformed or out of range.
  static std::optional<Decimal> parse(std::string_view text);
  static std::optional<Decimal> from_double(double value);

  // Shortest plain form (`1.5`, `-0.001`), with an exponent beyond 40 digits (`1E+60`): always valid JSON.
  std::string text() const;
  std::optional<std::int64_t> to_integer() const;  // when whole and in range
  double to_double() const;

  bool is_zero() const { return coefficient_ == 0; }
  bool is_negative() const { return negative_; }
  bool is_whole() const { return exponent_ >= 0; }

  Decimal negated() const;
  Decimal absolute() const { return negative_ ? negated() : *this; }
  Decimal floor() const;
  Decimal ceiling() const;

  enum class Rounding : std::uint8_t { kHalfEven, kUp, kDown, kHalfUp, kHalfDown, kFloor, kCeiling };
  // To `scale` digits after the point (negative: before it). `kUp` is away from zero, `kDown` towards it.
  std::optional<Decimal> rounded_to(std::int32_t scale, Rounding rounding) const;

  // nullopt: division by zero, or a result out of range.
  static std::optional<Decimal> add(const Decimal& a, const Decimal& b);
  static std::optional<Decimal> subtract(const Decimal& a, const Decimal& b) { return add(a, b.negated()); }
  static std::optional<Decimal> multiply(const Decimal& a, const Decimal& b);
  static std::optional<Decimal> divide(const Decimal& a, const Decimal& b);
  static std::optional<Decimal> power(const Decimal& base, const Decimal& exponent);
  // With the sign of the divisor: a - b * floor(a / b).
  static std::optional<Decimal> modulo(const Decimal& a, const Decimal& b);

  std::optional<Decimal> square_root() const;        // nullopt: negative
  std::optional<Decimal> exponential() const;        // e to the power of it
  std::optional<Decimal> natural_logarithm() const;  // nullopt: not positive

  bool operator==(const Decimal&) const = default;
  std::strong_ordering operator<=>(const Decimal& other) const;

 private:
  using Coefficient = unsigned __int128;
  struct Wide;
  static std::optional<Decimal> rounded(bool negative, Wide coefficient, std::int64_t exponent, bool inexact);
  static Decimal small(std::int64_t coefficient, std::int32_t exponent);
  bool is_small() const { return coefficient_ < (Coefficient{1} << 53); }

  bool negative_ = false;
  Coefficient coefficient_ = 0;
  std::int32_t exponent_ = 0;
};

}  // namespace consilium::bpmn::feel
