// Roots, powers, exponentials and logarithms: rare, so they go through a wider decimal type and are rounded once, to 34 digits.
#include <boost/multiprecision/cpp_dec_float.hpp>
#include <cmath>

#include "bpmn/feel/decimal.h"

namespace consilium::bpmn::feel {
namespace {

using Wider = boost::multiprecision::number<boost::multiprecision::cpp_dec_float<60>, boost::multiprecision::et_off>;

constexpr double kMostDigits = 6300;  // before or after the point: beyond, no decimal holds the result

Wider widen(const Decimal& value) { return Wider(value.text()); }

std::optional<Decimal> narrow(const Wider& value) {
  if (!boost::multiprecision::isfinite(value)) return std::nullopt;
  return Decimal::parse(value.str(50, std::ios_base::scientific));
}

double digits_of(const Wider& value) { return static_cast<double>(boost::multiprecision::log10(boost::multiprecision::abs(value))); }

// Exact as long as the digits suffice.
std::optional<Decimal> multiplied(const Decimal& base, std::int64_t times) {
  Decimal result(1);
  for (std::int64_t i = 0; i < times; ++i) {
    const auto next = Decimal::multiply(result, base);
    if (!next) return std::nullopt;
    result = *next;
  }
  return result;
}

}  // namespace

std::optional<Decimal> Decimal::power(const Decimal& base, const Decimal& exponent) {
  if (exponent.is_zero()) return Decimal(1);
  if (base.is_zero()) return exponent.is_negative() ? std::nullopt : std::optional(Decimal());
  const auto whole = exponent.to_integer();
  if (whole && *whole > 0 && *whole <= 16) {
    int digits = 0;
    for (Coefficient rest = base.coefficient_; rest != 0; rest /= 10) ++digits;
    if (digits * *whole <= kDigits) return multiplied(base, *whole);
  }
  if (!whole && base.is_negative()) return std::nullopt;
  const Wider wide = widen(base);
  const double digits = digits_of(wide) * exponent.to_double();
  if (!std::isfinite(digits) || std::abs(digits) > kMostDigits) return std::nullopt;
  if (whole && *whole >= -1'000'000 && *whole <= 1'000'000) return narrow(boost::multiprecision::pow(wide, static_cast<int>(*whole)));
  const bool odd = base.is_negative() && whole && *whole % 2 != 0;
  const auto result = narrow(boost::multiprecision::exp(boost::multiprecision::log(boost::multiprecision::abs(wide)) * widen(exponent)));
  return result && odd ? std::optional(result->negated()) : result;
}

std::optional<Decimal> Decimal::square_root() const {
  if (negative_) return std::nullopt;
  if (is_zero()) return Decimal();
  return narrow(boost::multiprecision::sqrt(widen(*this)));
}

std::optional<Decimal> Decimal::exponential() const {
  const double digits = to_double() / std::log(10.0);
  if (digits > kMostDigits) return std::nullopt;
  if (digits < -kMostDigits) return Decimal();
  return narrow(boost::multiprecision::exp(widen(*this)));
}

std::optional<Decimal> Decimal::natural_logarithm() const {
  if (negative_ || is_zero()) return std::nullopt;
  return narrow(boost::multiprecision::log(widen(*this)));
}

}  // namespace consilium::bpmn::feel
