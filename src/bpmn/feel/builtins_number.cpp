#include "bpmn/feel/builtins.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::feel {
namespace {

constexpr std::int32_t kMostScale = 6176;
constexpr std::int32_t kLeastScale = -6111;

template <class Use>
Value with_number(Call& call, Use use) {
  return call[0].number() ? Value(use(*call[0].number())) : call.fail("expected a number");
}

Value value_of(Call& call, const std::optional<Decimal>& number) {
  call.machine().spend(50);
  return number ? Value(*number) : call.fail("number out of range");
}

Value rounded(Call& call, Decimal::Rounding rounding) {
  if (!call[0].number()) return call.fail("expected a number");
  std::int64_t scale = 0;
  if (call.size() > 1) {
    const auto given = call[1].number() ? call[1].number()->rounded_to(0, Decimal::Rounding::kDown)->to_integer() : std::nullopt;
    if (!given || *given > kMostScale || *given < kLeastScale) return call.fail("a scale is a number from -6111 to 6176");
    scale = *given;
  }
  return value_of(call, call[0].number()->rounded_to(static_cast<std::int32_t>(scale), rounding));
}

Value half_even(Call& call) { return rounded(call, Decimal::Rounding::kHalfEven); }
Value up(Call& call) { return rounded(call, Decimal::Rounding::kUp); }
Value down(Call& call) { return rounded(call, Decimal::Rounding::kDown); }
Value half_up(Call& call) { return rounded(call, Decimal::Rounding::kHalfUp); }
Value half_down(Call& call) { return rounded(call, Decimal::Rounding::kHalfDown); }
Value to_floor(Call& call) { return rounded(call, Decimal::Rounding::kFloor); }
Value to_ceiling(Call& call) { return rounded(call, Decimal::Rounding::kCeiling); }

Value absolute(Call& call) {
  if (const auto* duration = call[0].day_time_duration())
    return DayTimeDuration{duration->nanoseconds < 0 ? -duration->nanoseconds : duration->nanoseconds};
  if (const auto* duration = call[0].year_month_duration())
    return YearMonthDuration{duration->months < 0 ? -duration->months : duration->months};
  return with_number(call, [](const Decimal& n) { return n.absolute(); });
}

Value modulo(Call& call) {
  if (!call[0].number() || !call[1].number()) return call.fail("expected two numbers");
  const auto rest = Decimal::modulo(*call[0].number(), *call[1].number());
  return rest ? Value(*rest) : call.fail("divided by zero, or out of range");
}

Value square_root(Call& call) {
  return call[0].number() ? value_of(call, call[0].number()->square_root()) : call.fail("expected a number");
}
Value logarithm(Call& call) {
  return call[0].number() ? value_of(call, call[0].number()->natural_logarithm()) : call.fail("expected a number");
}
Value exponential(Call& call) {
  return call[0].number() ? value_of(call, call[0].number()->exponential()) : call.fail("expected a number");
}

Value is_even(Call& call) {
  return with_number(call, [](const Decimal& n) { return n.is_whole() && Decimal::modulo(n, Decimal(2))->is_zero(); });
}
Value is_odd(Call& call) {
  return with_number(call, [](const Decimal& n) { return n.is_whole() && !Decimal::modulo(n, Decimal(2))->is_zero(); });
}

constexpr Builtin kTable[] = {{"decimal", "n, scale", half_even},
                              {"floor", "n, scale?", to_floor},
                              {"ceiling", "n, scale?", to_ceiling},
                              {"round up", "n, scale?", up},
                              {"round down", "n, scale?", down},
                              {"round half up", "n, scale?", half_up},
                              {"round half down", "n, scale?", half_down},
                              {"round half even", "n, scale?", half_even},
                              {"abs", "n", absolute},
                              {"modulo", "dividend, divisor", modulo},
                              {"sqrt", "number", square_root},
                              {"log", "number", logarithm},
                              {"exp", "number", exponential},
                              {"odd", "number", is_odd},
                              {"even", "number", is_even}};

}  // namespace

std::span<const Builtin> number_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel
