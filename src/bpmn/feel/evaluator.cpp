#include "bpmn/feel/evaluator.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "bpmn/feel/builtins.h"
#include "bpmn/feel/comparison.h"

namespace consilium::bpmn::feel {
namespace {

Value from_optional(std::optional<bool> verdict) { return verdict ? Value(*verdict) : Value(); }

// `function(a, b) …` with the values that its body uses, as they were when it was made.
class Closure final : public Function {
 public:
  Closure(std::vector<Parameter> parameters, std::shared_ptr<const Ast> ast, const Node& node, Context captured)
      : Function(std::move(parameters), nullptr), ast_(std::move(ast)), node_(node), captured_(std::move(captured)) {}
  Value call(Machine& machine, std::span<const Value> arguments) const override;

 private:
  std::shared_ptr<const Ast> ast_;
  const Node& node_;
  Context captured_;
};

// A function of the language as a value.
class BuiltinFunction final : public Function {
 public:
  explicit BuiltinFunction(const Builtin& builtin) : Function({}, nullptr), builtin_(builtin) {}
  bool takes(std::size_t arguments) const override { return feel::takes(builtin_, arguments); }
  std::optional<std::vector<std::size_t>> places(std::span<const std::string> names) const override {
    return feel::places(builtin_, names);
  }
  Value call(Machine& machine, std::span<const Value> arguments) const override {
    Call made(machine, builtin_.name, arguments);
    return run_builtin(builtin_, made);
  }

 private:
  const Builtin& builtin_;
};

class NoScope final : public Scope {
 public:
  const Value* find(std::string_view) const override { return nullptr; }
};

// Puts the values of named arguments where they belong.
List placed(std::span<const std::size_t> places, std::span<const Value> arguments) {
  List list(*std::max_element(places.begin(), places.end()) + 1);
  for (std::size_t i = 0; i < places.size(); ++i) list[places[i]] = arguments[i];
  return list;
}

}  // namespace

class Walker {
 public:
  Walker(Machine& machine, const std::shared_ptr<const Ast>& ast) : machine_(machine), ast_(ast), nodes_(ast->nodes) {}

  Value run(std::uint32_t index, const Scope& scope) {
    const Machine::Level level(machine_);
    if (!machine_.spend(1) || level.too_deep()) return {};
    const Node& node = nodes_[index];
    switch (node.kind) {
      case NodeKind::kLiteral: return node.literal;
      case NodeKind::kName: return name(node, scope);
      case NodeKind::kPath: return path(node, scope);
      case NodeKind::kList: return list(node, scope);
      case NodeKind::kContext: return context(node, scope);
      case NodeKind::kFilter: return filter(node, scope);
      case NodeKind::kIf: return conditional(node, scope);
      case NodeKind::kAnd:
      case NodeKind::kOr: return logical(node, scope);
      case NodeKind::kCall: return call(node, scope);
      case NodeKind::kInvoke: return invoke(node, scope);
      case NodeKind::kNegate: return negate(run(node.children[0], scope));
      case NodeKind::kArithmetic: return arithmetic(node, scope);
      case NodeKind::kCompare: return comparison(node.operators[0], run(node.children[0], scope), run(node.children[1], scope));
      case NodeKind::kBetween: return between(node, scope);
      case NodeKind::kIn: return in(node, scope);
      case NodeKind::kFor: return loop(node, scope);
      case NodeKind::kSome: return quantified(node, scope, true);
      case NodeKind::kEvery: return quantified(node, scope, false);
      case NodeKind::kFunction: return function(node, scope);
      case NodeKind::kRange: return range(node, scope);
      case NodeKind::kInstanceOf: return machine_.is_instance(run(node.children[0], scope), *node.types[0]);
      case NodeKind::kComparisonTest: return comparison_test(node, input_of(scope), scope);
      case NodeKind::kTests: return tests(node, 0, input_of(scope), scope);
      case NodeKind::kSpan: break;  // of a `for` only
    }
    return {};
  }

  // Any of the tests from `first` on.
  Value tests(const Node& node, std::size_t first, const Value& input, const Scope& scope) {
    if (first >= node.children.size()) return true;
    bool unknown = false;
    for (std::size_t i = first; i < node.children.size(); ++i) {
      const Value verdict = test(nodes_[node.children[i]], node.children[i], input, scope);
      if (!verdict.boolean()) {
        unknown = true;
      } else if (*verdict.boolean()) {
        return !node.negated;
      }
    }
    return unknown ? Value() : Value(node.negated);
  }

 private:
  static const Value& input_of(const Scope& scope) {
    static const Value null;
    const Value* found = scope.find("?");
    return found ? *found : null;
  }

  Value name(const Node& node, const Scope& scope) {
    if (const Value* found = scope.find(node.text)) return *found;
    if (const Builtin* builtin = find_builtin(node.text))
      return std::shared_ptr<const Function>(std::make_shared<const BuiltinFunction>(*builtin));
    return machine_.problem("no variable '" + node.text + "'");
  }

  Value path(const Node& node, const Scope& scope) {
    const Value owner = run(node.children[0], scope);
    if (const List* items = owner.list()) {  // the member of each item
      List result;
      result.reserve(items->size());
      for (const Value& item : *items) result.push_back(property_of(machine_, item, node.text));
      return machine_.built(std::move(result));
    }
    return property_of(machine_, owner, node.text);
  }

  Value list(const Node& node, const Scope& scope) {
    List items;
    items.reserve(node.children.size());
    for (const std::uint32_t child : node.children) items.push_back(run(child, scope));
    return machine_.built(std::move(items));
  }

  // Members may use the ones before them.
  Value context(const Node& node, const Scope& scope) {
    Context members;
    const MemberScope inner(scope, members);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (members.contains(node.names[i])) return machine_.problem("the context has '" + node.names[i] + "' twice");
      Value member = run(node.children[i], inner);
      members.insert_or_assign(node.names[i], std::move(member));
    }
    return machine_.built(std::move(members));
  }

  // A number takes that item (from 1, negative from the end); anything else keeps the items for which it is true.
  Value filter(const Node& node, const Scope& scope) {
    const Value owner = run(node.children[0], scope);
    const List single = owner.list() || owner.is_null() ? List() : List{owner};
    const List& items = owner.list() ? *owner.list() : single;
    const Node& condition = nodes_[node.children[1]];
    if (condition.kind == NodeKind::kLiteral && condition.literal.number()) return pick(items, *condition.literal.number());
    List kept;
    for (const Value& item : items) {
      const Value verdict = run(node.children[1], ItemScope(scope, item));
      if (machine_.gave_up()) return {};
      if (verdict.number()) return pick(items, *verdict.number());
      if (verdict.boolean() && *verdict.boolean()) kept.push_back(item);
    }
    return machine_.built(std::move(kept));
  }

  Value pick(const List& items, const Decimal& position) {
    const auto wanted = position.to_integer();
    const auto size = static_cast<std::int64_t>(items.size());
    if (!wanted || *wanted == 0 || *wanted > size || *wanted < -size)
      return machine_.problem("no item " + position.text() + " in a list of " + std::to_string(size));
    return items[static_cast<std::size_t>(*wanted > 0 ? *wanted - 1 : size + *wanted)];
  }

  Value conditional(const Node& node, const Scope& scope) {
    const Value condition = run(node.children[0], scope);
    const bool yes = condition.boolean() && *condition.boolean();
    return run(node.children[yes ? 1 : 2], scope);
  }

  Value logical(const Node& node, const Scope& scope) {
    const bool decisive = node.kind == NodeKind::kOr;  // the value that settles it alone
    bool unknown = false;
    for (const std::uint32_t child : node.children) {
      const Value value = run(child, scope);
      if (!value.boolean())
        unknown = true;
      else if (*value.boolean() == decisive)
        return decisive;
    }
    return unknown ? Value() : Value(!decisive);
  }

  Value call(const Node& node, const Scope& scope) {
    const Value* found = scope.find(node.text);
    const auto* function = found ? found->function() : nullptr;
    if (!function && !node.builtin) {
      return machine_.problem(found ? "'" + node.text + "' is no function, but " + std::string(found->type_name())
                                    : "there is no function '" + node.text + "'");
    }
    List arguments = values(node, 0, scope);
    if (machine_.gave_up()) return {};
    if (function) {
      const auto kept = *function;  // the scope may go before the call ends
      return node.names.empty() ? machine_.call(kept, arguments) : machine_.call_named(kept, node.names, arguments);
    }
    if (!node.names.empty()) {
      const auto where = places(*node.builtin, node.names);
      if (!where) return machine_.problem("'" + node.text + "' has no such parameters");
      arguments = placed(*where, arguments);
    } else if (!takes(*node.builtin, arguments.size())) {
      return machine_.problem("wrong number of arguments of '" + node.text + "'");
    }
    unwrap(*node.builtin, arguments);
    Call made(machine_, node.builtin->name, arguments, node.names, node.pattern.get());
    return run_builtin(*node.builtin, made);
  }

  // A list of one is its item where a function takes no list.
  static void unwrap(const Builtin& builtin, List& arguments) {
    for (Value& argument : arguments) {
      if (!argument.list() || argument.list()->size() != 1 || takes_lists(builtin)) continue;
      Value only = argument.list()->front();
      argument = std::move(only);
    }
  }

  Value invoke(const Node& node, const Scope& scope) {
    const Value callee = run(node.children[0], scope);
    if (!callee.function()) return machine_.problem("what is called is no function, but " + std::string(callee.type_name()));
    const List arguments = values(node, 1, scope);
    if (machine_.gave_up()) return {};
    return node.names.empty() ? machine_.call(*callee.function(), arguments)
                              : machine_.call_named(*callee.function(), node.names, arguments);
  }

  List values(const Node& node, std::size_t first, const Scope& scope) {
    List list;
    list.reserve(node.children.size() - first);
    for (std::size_t i = first; i < node.children.size(); ++i) list.push_back(run(node.children[i], scope));
    return list;
  }

  Value negate(const Value& value) {
    if (value.number()) return value.number()->negated();
    if (value.day_time_duration()) return DayTimeDuration{-value.day_time_duration()->nanoseconds};
    if (value.year_month_duration()) return YearMonthDuration{-value.year_month_duration()->months};
    return machine_.problem("'-' does not fit " + std::string(value.type_name()));
  }

  Value arithmetic(const Node& node, const Scope& scope) {
    Value left = run(node.children[0], scope);
    for (std::size_t i = 0; i < node.operators.size(); ++i) {
      if (!machine_.spend(1)) return {};
      left = calculate(machine_, node.operators[i], left, run(node.children[i + 1], scope));
    }
    return left;
  }

  Value misfit(std::string_view operation, const Value& left, const Value& right) {
    return machine_.problem(std::string(operation) + " does not fit " + std::string(left.type_name()) + " and " +
                            std::string(right.type_name()));
  }

  Value comparison(Operator which, const Value& left, const Value& right) {
    if (!machine_.spend_on_comparing(left, right)) return {};
    if (which == Operator::kEqual || which == Operator::kNotEqual) {
      const auto same = equal(left, right);
      if (!same) return misfit("'='", left, right);
      return *same == (which == Operator::kEqual);
    }
    const auto order = compare(left, right);
    if (!order) return misfit("a comparison", left, right);
    switch (which) {
      case Operator::kLess: return *order < 0;
      case Operator::kLessOrEqual: return *order <= 0;
      case Operator::kGreater: return *order > 0;
      default: return *order >= 0;
    }
  }

  Value between(const Node& node, const Scope& scope) {
    const Value value = run(node.children[0], scope);
    const Value low = run(node.children[1], scope);
    const Value high = run(node.children[2], scope);
    if (!machine_.spend_on_comparing(value, low) || !machine_.spend_on_comparing(value, high)) return {};
    const auto from = compare(value, low);
    const auto to = compare(value, high);
    if (!from || !to) return misfit("between", value, from ? high : low);
    return *from >= 0 && *to <= 0;
  }

  Value in(const Node& node, const Scope& scope) {
    const Value input = run(node.children[0], scope);
    return tests(node, 1, input, NameScope(scope, "?", input));
  }

  Value comparison_test(const Node& node, const Value& input, const Scope& scope) {
    return comparison(node.operators[0], input, run(node.children[0], scope));
  }

  Value test(const Node& node, std::uint32_t index, const Value& input, const Scope& scope) {
    if (node.kind == NodeKind::kComparisonTest) {
      const Value operand = run(node.children[0], scope);
      // A list is compared whole, unless it is asked whether a value equals one that is no list.
      return comparison(node.operators[0], input, operand);
    }
    const Value value = run(index, scope);
    if (node.asks_input) return value.boolean() ? value : Value();
    // Somebody who writes `true` asks for it; other booleans may be conditions.
    if (node.kind == NodeKind::kLiteral && value.boolean()) return comparison(Operator::kEqual, input, value);
    if (node.kind == NodeKind::kRange && value.is_null()) return {};  // a range that is none holds nothing and leaves nothing out
    return matches(value, input);
  }

  // A value as a test: it is the input, or a list or range that holds it.
  Value matches(const Value& value, const Value& input) {
    if (!machine_.spend_on_comparing(input, value)) return {};
    if (const Range* range = value.range()) {
      if (input.range()) return from_optional(equal(input, value));
      return from_optional(contains(*range, input));
    }
    if (const List* items = value.list()) {
      if (input.list() && equal(input, value).value_or(false)) return true;
      bool unknown = false;
      for (std::size_t i = 0; i < items->size(); ++i) {
        const Value& item = (*items)[i];
        if (!machine_.spend(i % kItemsOfAStep == 0 ? 1 : 0) || !machine_.spend_on_comparing(input, item)) return {};
        std::optional<bool> held;
        if (item.range() && !input.range())
          held = contains(*item.range(), input);
        else
          held = equal(input, item);
        if (held.value_or(false)) return true;
        unknown = unknown || (!held && item.range());
      }
      return unknown ? Value() : Value(false);
    }
    if (value.boolean() && !input.boolean()) return value;  // a condition
    const auto same = equal(input, value);
    return same ? Value(*same) : misfit("a test", input, value);
  }

  // ---- loops

  // The values of one `x in …`; nullopt: nothing to go through.
  struct Span {
    std::int64_t from = 0;
    std::int64_t to = 0;
    bool dates = false;
  };

  std::optional<std::variant<Value, Span>> domain(std::uint32_t index, const Scope& scope) {
    const Node& node = nodes_[index];
    if (node.kind == NodeKind::kSpan) {
      const Value start = run(node.children[0], scope);
      return span(Range{start, run(node.children[1], scope), true, true});
    }
    Value value = run(index, scope);
    if (value.list()) return value;
    if (value.range()) return span(*value.range());
    if (value.is_null()) {
      machine_.problem("a loop goes over a list or range, not over null");
      return std::nullopt;
    }
    return Value(List{value});
  }

  std::optional<std::variant<Value, Span>> span(const Range& range) {
    Span made;
    const auto from = range.start.number() ? range.start.number()->to_integer() : std::nullopt;
    const auto to = range.end.number() ? range.end.number()->to_integer() : std::nullopt;
    if (from && to) {
      made = {*from, *to, false};
    } else if (range.start.date() && range.end.date()) {
      made = {days_of(*range.start.date()), days_of(*range.end.date()), true};
    } else {
      machine_.problem("a loop goes over ranges of whole numbers or dates");
      return std::nullopt;
    }
    const bool up = made.from <= made.to;
    if (!range.start_included) made.from += up ? 1 : -1;
    if (!range.end_included) made.to -= up ? 1 : -1;
    if (up != (made.from <= made.to)) return Value(List());  // nothing is left between
    return made;
  }

  // Calls `body` with a scope for each combination; it says whether to go on. False: a domain was none.
  template <class Body>
  bool iterate(const Node& node, std::size_t which, const Scope& scope, Body& body, bool& go_on) {
    if (which == node.names.size()) {
      go_on = body(scope);
      return true;
    }
    const Machine::Level level(machine_);
    if (level.too_deep()) return false;
    const auto values = domain(node.children[which], scope);
    if (!values) return false;
    const auto step = [&](const Value& value) {
      if (!machine_.spend(1)) return false;
      return iterate(node, which + 1, NameScope(scope, node.names[which], value), body, go_on);
    };
    if (const auto* items = std::get_if<Value>(&*values)) {
      for (const Value& item : *items->list()) {
        if (!step(item)) return false;
        if (!go_on) break;
      }
      return true;
    }
    const Span& numbers = std::get<Span>(*values);
    for (std::int64_t at = numbers.from;; at += numbers.from <= numbers.to ? 1 : -1) {
      if (!step(numbers.dates ? Value(*date_of_days(at)) : Value(at))) return false;
      if (!go_on || at == numbers.to) break;
    }
    return true;
  }

  Value loop(const Node& node, const Scope& scope) {
    // `partial` is what there is so far; it is made only when somebody asks.
    class PartialScope final : public Scope {
     public:
      PartialScope(const Scope& outer, const List& results, Machine& machine) : outer_(outer), results_(results), machine_(machine) {}
      const Value* find(std::string_view name) const override {
        if (name != "partial") return outer_.find(name);
        machine_.spend(static_cast<std::int64_t>(results_.size()) / 4);
        made_ = Value(results_);
        return &made_;
      }

     private:
      const Scope& outer_;
      const List& results_;
      Machine& machine_;
      mutable Value made_;
    };
    List results;
    const PartialScope inner(scope, results, machine_);
    std::uint64_t weight = 0;
    auto body = [&](const Scope& at) {
      results.push_back(run(node.children.back(), at));
      weight += results.back().weight();
      if (weight > kMaxValueWeight) machine_.spend(std::numeric_limits<std::int32_t>::max());
      return !machine_.gave_up();
    };
    bool go_on = true;
    if (!iterate(node, 0, inner, body, go_on)) return {};
    return machine_.built(std::move(results));
  }

  // `some` is settled by one true, `every` by one false.
  Value quantified(const Node& node, const Scope& scope, bool decisive) {
    bool settled = false, unknown = false;
    auto body = [&](const Scope& at) {
      const Value verdict = run(node.children.back(), at);
      if (!verdict.boolean())
        unknown = true;
      else
        settled = *verdict.boolean() == decisive;
      return !settled && !machine_.gave_up();
    };
    bool go_on = true;
    if (!iterate(node, 0, scope, body, go_on)) return {};
    if (settled) return decisive;
    return unknown ? Value() : Value(!decisive);
  }

  Value function(const Node& node, const Scope& scope) {
    std::vector<Function::Parameter> parameters;
    parameters.reserve(node.names.size());
    for (std::size_t i = 0; i < node.names.size(); ++i) parameters.push_back({node.names[i], node.types[i]});
    Context captured;
    if (!machine_.spend(static_cast<std::int64_t>(node.captured.size()))) return {};
    for (const std::string& used : node.captured) {
      if (node.recursive && used == node.text) continue;
      if (const Value* found = scope.find(used)) captured.emplace(used, *found);
    }
    return std::shared_ptr<const Function>(std::make_shared<const Closure>(std::move(parameters), ast_, node, std::move(captured)));
  }

  Value range(const Node& node, const Scope& scope) {
    Range made{run(node.children[0], scope), run(node.children[1], scope), node.start_included, node.end_included};
    made.unary = node.unary;
    if (node.unary ? made.start.is_null() && made.end.is_null() : made.start.is_null() || made.end.is_null())
      return machine_.problem("the end of a range is null");
    const auto has_order = [](const Value& value) { return value.is_null() || compare(value, value).has_value(); };
    if (!has_order(made.start) || !has_order(made.end)) return machine_.problem("a range is of values that have an order");
    const auto order = compare(made.start, made.end);
    if (!node.unary && !order) return misfit("a range", made.start, made.end);
    if (!node.unary && *order > 0) return machine_.problem("a range ends before it begins");
    if (made.start.is_null()) made.start_included = false;
    if (made.end.is_null()) made.end_included = false;
    return machine_.built(std::move(made));
  }

  Machine& machine_;
  const std::shared_ptr<const Ast>& ast_;
  const std::vector<Node>& nodes_;
};

namespace {

Value Closure::call(Machine& machine, std::span<const Value> arguments) const {
  Context names = captured_;
  for (std::size_t i = 0; i < arguments.size(); ++i) names.insert_or_assign(parameters()[i].name, arguments[i]);
  if (node_.recursive) {
    std::vector<Parameter> again = parameters();
    names.emplace(node_.text, std::shared_ptr<const Function>(std::make_shared<const Closure>(std::move(again), ast_, node_, captured_)));
  }
  machine.spend(static_cast<std::int64_t>(names.size()));
  return Walker(machine, ast_).run(node_.children[0], ContextScope(names));
}

std::optional<YearMonthDuration> scaled(YearMonthDuration duration, const Decimal& factor, Operator which) {
  const Decimal length(duration.months);
  const auto result = which == Operator::kMultiply ? Decimal::multiply(length, factor) : Decimal::divide(length, factor);
  const auto whole = result ? result->rounded_to(0, Decimal::Rounding::kDown) : std::nullopt;
  const auto months = whole ? whole->to_integer() : std::nullopt;
  if (!months || *months > 12'000'000'000 || *months < -12'000'000'000) return std::nullopt;
  return YearMonthDuration{*months};
}

Decimal decimal_of(WideInteger value) {
  constexpr std::int64_t kPart = 1'000'000'000'000'000'000;
  const Decimal high(static_cast<std::int64_t>(value / kPart)), low(static_cast<std::int64_t>(value % kPart));
  return *Decimal::add(*Decimal::multiply(high, Decimal(kPart)), low);
}

std::optional<WideInteger> wide_of(const Decimal& value) {
  constexpr std::int64_t kPart = 1'000'000'000'000'000'000;
  const auto whole = value.rounded_to(0, Decimal::Rounding::kDown);
  if (!whole) return std::nullopt;
  const auto quotient = Decimal::divide(*whole, Decimal(kPart));
  const auto high = quotient ? quotient->rounded_to(0, Decimal::Rounding::kDown) : std::nullopt;
  const auto part = high ? high->to_integer() : std::nullopt;
  if (!part || *part > 1'000'000'000 || *part < -1'000'000'000) return std::nullopt;
  const auto low = Decimal::subtract(*whole, *Decimal::multiply(*high, Decimal(kPart)));
  const auto rest = low ? low->to_integer() : std::nullopt;
  if (!rest) return std::nullopt;
  return WideInteger{*part} * kPart + *rest;
}

std::optional<DayTimeDuration> scaled(DayTimeDuration duration, const Decimal& factor, Operator which) {
  const Decimal length = decimal_of(duration.nanoseconds);
  const auto result = which == Operator::kMultiply ? Decimal::multiply(length, factor) : Decimal::divide(length, factor);
  const auto whole = result ? wide_of(*result) : std::nullopt;
  return whole ? make_duration(*whole) : std::nullopt;
}

template <class T>
Value value_or_null(Machine& machine, const std::optional<T>& value, const char* problem) {
  return value ? Value(*value) : machine.problem(problem);
}

constexpr const char* kTimeRange = "a date, time or duration out of range, or divided by zero";

DateTime midnight(const Date& date) { return {date, {0, Zone::of_offset(0)}}; }

// A date counts as its midnight in UTC.
std::optional<DateTime> moment_of(const Value& value) {
  if (value.date()) return midnight(*value.date());
  return value.date_time() ? std::optional(*value.date_time()) : std::nullopt;
}

Value shifted(Machine& machine, const Value& from, const Value& by, int sign) {
  if (const auto* months = by.year_month_duration()) {
    const Date* date = from.date_time() ? &from.date_time()->date : from.date();
    const auto moved = date ? add_months(*date, sign * months->months) : std::nullopt;
    if (!moved) return machine.problem(kTimeRange);
    return from.date() ? Value(*moved) : Value(DateTime{*moved, from.date_time()->time});
  }
  const WideInteger length = sign * by.day_time_duration()->nanoseconds;
  if (from.date_time()) return value_or_null(machine, add_nanoseconds(*from.date_time(), length), kTimeRange);
  const auto moved = add_nanoseconds(midnight(*from.date()), length);
  return moved ? Value(moved->date) : machine.problem(kTimeRange);
}

Value difference(Machine& machine, const Value& left, const Value& right) {
  const auto from = moment_of(right), to = moment_of(left);
  // A date goes with a date and time that has a zone.
  if ((from->time.zone.kind == Zone::Kind::kLocal) != (to->time.zone.kind == Zone::Kind::kLocal))
    return machine.problem("a time with a zone and one without have no difference");
  return value_or_null(machine, make_duration(to->instant() - from->instant()), kTimeRange);
}

Value calculate_times(Machine& machine, Operator which, const Value& left, const Value& right, bool& fits) {
  const bool sum = which == Operator::kAdd, rest = which == Operator::kSubtract;
  const bool product = which == Operator::kMultiply, quotient = which == Operator::kDivide;
  const bool left_moment = left.date() || left.date_time(), right_moment = right.date() || right.date_time();
  const bool left_duration = left.day_time_duration() || left.year_month_duration();
  const bool right_duration = right.day_time_duration() || right.year_month_duration();
  if (left_moment && right_duration && (sum || rest)) return shifted(machine, left, right, sum ? 1 : -1);
  if (left_duration && right_moment && sum) return shifted(machine, right, left, 1);
  if (left_moment && right_moment && rest) return difference(machine, left, right);
  if (left.time() && right.day_time_duration() && (sum || rest))
    return add_nanoseconds(*left.time(), (sum ? 1 : -1) * (right.day_time_duration()->nanoseconds % kNanosecondsPerDay));
  if (left.day_time_duration() && right.time() && sum)
    return add_nanoseconds(*right.time(), left.day_time_duration()->nanoseconds % kNanosecondsPerDay);
  if (left.time() && right.time() && rest) {
    if ((left.time()->zone.kind == Zone::Kind::kLocal) != (right.time()->zone.kind == Zone::Kind::kLocal))
      return machine.problem("a time with a zone and one without have no difference");
    const auto instant = [](const TimeOfDay& t) { return WideInteger{t.nanoseconds} - WideInteger{t.offset()} * kNanosecondsPerSecond; };
    return DayTimeDuration{instant(*left.time()) - instant(*right.time())};
  }
  if (const auto *a = left.day_time_duration(), *b = right.day_time_duration(); a && b) {
    if (sum) return value_or_null(machine, make_duration(a->nanoseconds + b->nanoseconds), kTimeRange);
    if (rest) return value_or_null(machine, make_duration(a->nanoseconds - b->nanoseconds), kTimeRange);
    if (quotient) return value_or_null(machine, Decimal::divide(decimal_of(a->nanoseconds), decimal_of(b->nanoseconds)), kTimeRange);
  }
  if (const auto *a = left.year_month_duration(), *b = right.year_month_duration(); a && b) {
    std::int64_t months = 0;
    if (sum && !__builtin_add_overflow(a->months, b->months, &months)) return YearMonthDuration{months};
    if (rest && !__builtin_sub_overflow(a->months, b->months, &months)) return YearMonthDuration{months};
    if (quotient) return value_or_null(machine, Decimal::divide(Decimal(a->months), Decimal(b->months)), kTimeRange);
  }
  if (left_duration && right.number() && (product || quotient)) {
    if (left.day_time_duration()) return value_or_null(machine, scaled(*left.day_time_duration(), *right.number(), which), kTimeRange);
    return value_or_null(machine, scaled(*left.year_month_duration(), *right.number(), which), kTimeRange);
  }
  if (left.number() && right_duration && product) {
    if (right.day_time_duration()) return value_or_null(machine, scaled(*right.day_time_duration(), *left.number(), which), kTimeRange);
    return value_or_null(machine, scaled(*right.year_month_duration(), *left.number(), which), kTimeRange);
  }
  fits = false;
  return {};
}

Value calculate_numbers(Machine& machine, Operator which, const Decimal& left, const Decimal& right) {
  std::optional<Decimal> result;
  switch (which) {
    case Operator::kAdd: result = Decimal::add(left, right); break;
    case Operator::kSubtract: result = Decimal::subtract(left, right); break;
    case Operator::kMultiply: result = Decimal::multiply(left, right); break;
    case Operator::kDivide: result = Decimal::divide(left, right); break;
    default:
      machine.spend(50);
      result = Decimal::power(left, right);
      break;
  }
  return result ? Value(*result) : machine.problem("number out of range or divided by zero");
}

Value part_of(const DayTimeDuration& duration, std::string_view name) {
  const WideInteger seconds = duration.nanoseconds / kNanosecondsPerSecond;
  const auto rest = static_cast<std::int64_t>(seconds % 86'400);
  if (name == "days") return static_cast<std::int64_t>(seconds / 86'400);
  if (name == "hours") return rest / 3'600;
  if (name == "minutes") return rest / 60 % 60;
  if (name != "seconds") return {};
  const auto fraction = static_cast<std::int64_t>(duration.nanoseconds % (60 * kNanosecondsPerSecond));
  return *Decimal::divide(Decimal(fraction), Decimal(kNanosecondsPerSecond));
}

Value part_of(const Date& date, std::string_view name) {
  if (name == "year") return std::int64_t{date.year};
  if (name == "month") return date.month;
  if (name == "day") return date.day;
  if (name == "weekday") return weekday_of(date);
  return {};
}

Value part_of(const TimeOfDay& time, std::int32_t offset, std::string_view name) {
  const std::int64_t seconds = time.nanoseconds / kNanosecondsPerSecond;
  if (name == "hour") return seconds / 3'600;
  if (name == "minute") return seconds / 60 % 60;
  if (name == "second") return *Decimal::divide(Decimal(time.nanoseconds % (60 * kNanosecondsPerSecond)), Decimal(kNanosecondsPerSecond));
  if (name == "time offset" && time.zone.kind != Zone::Kind::kLocal) return DayTimeDuration{WideInteger{offset} * kNanosecondsPerSecond};
  if (name == "timezone" && time.zone.kind == Zone::Kind::kNamed) return time.zone.named->name();
  return {};
}

bool is_property(Kind kind, std::string_view name) {
  static constexpr std::string_view kDate[] = {"year", "month", "day", "weekday"};
  static constexpr std::string_view kTime[] = {"hour", "minute", "second", "time offset", "timezone"};
  static constexpr std::string_view kLength[] = {"days", "hours", "minutes", "seconds"};
  static constexpr std::string_view kMonths[] = {"years", "months"};
  static constexpr std::string_view kRange[] = {"start", "end", "start included", "end included"};
  const auto among = [&](const auto& names) { return std::find(std::begin(names), std::end(names), name) != std::end(names); };
  switch (kind) {
    case Kind::kDate: return among(kDate);
    case Kind::kTime: return among(kTime);
    case Kind::kDateTime: return among(kDate) || among(kTime);
    case Kind::kDayTimeDuration: return among(kLength);
    case Kind::kYearMonthDuration: return among(kMonths);
    case Kind::kRange: return among(kRange);
    default: return false;
  }
}

}  // namespace

Value property_of(Machine& machine, const Value& owner, const std::string& name) {
  if (const Context* members = owner.context()) {
    const auto found = members->find(name);
    return found == members->end() ? machine.problem("no member '" + name + "'") : found->second;
  }
  if (!is_property(owner.kind(), name))
    return machine.problem("no member '" + name + "' in a value of type " + std::string(owner.type_name()));
  switch (owner.kind()) {
    case Kind::kDate: return part_of(*owner.date(), name);
    case Kind::kTime: return part_of(*owner.time(), owner.time()->offset(), name);
    case Kind::kDateTime: {
      Value part = part_of(owner.date_time()->date, name);
      return part.is_null() ? part_of(owner.date_time()->time, owner.date_time()->offset(), name) : part;
    }
    case Kind::kDayTimeDuration: return part_of(*owner.day_time_duration(), name);
    case Kind::kYearMonthDuration: {
      const std::int64_t months = owner.year_month_duration()->months;
      return name == "years" ? months / 12 : months % 12;
    }
    default: break;
  }
  const Range& range = *owner.range();
  if (name == "start") return range.start;
  if (name == "end") return range.end;
  return name == "start included" ? range.start_included : range.end_included;
}

Value calculate(Machine& machine, Operator which, const Value& left, const Value& right) {
  if (left.number() && right.number()) return calculate_numbers(machine, which, *left.number(), *right.number());
  if (which == Operator::kAdd && left.string() && right.string()) {
    const std::size_t size = left.string()->size() + right.string()->size();
    if (size > kMaxTextBytes) return machine.problem("text longer than 1 MB");
    machine.spend(static_cast<std::int64_t>(size / 256));
    return *left.string() + *right.string();
  }
  bool fits = true;
  Value result = calculate_times(machine, which, left, right, fits);
  if (fits) return result;
  return machine.problem("arithmetic does not fit " + std::string(left.type_name()) + " and " + std::string(right.type_name()));
}

std::optional<std::vector<std::size_t>> Function::places(std::span<const std::string> names) const {
  if (names.size() != parameters_.size()) return std::nullopt;
  std::vector<std::size_t> found;
  for (const std::string& name : names) {
    const auto at = std::find_if(parameters_.begin(), parameters_.end(), [&](const Parameter& p) { return p.name == name; });
    const auto place = static_cast<std::size_t>(at - parameters_.begin());
    if (at == parameters_.end() || std::find(found.begin(), found.end(), place) != found.end()) return std::nullopt;
    found.push_back(place);
  }
  return found;
}

std::int64_t reading_steps(const Value& value) {
  if (const List* list = value.list()) return static_cast<std::int64_t>(list->size()) / kItemsOfAStep;
  if (const Context* members = value.context()) return static_cast<std::int64_t>(members->size()) / kItemsOfAStep;
  if (const std::string* text = value.string()) return static_cast<std::int64_t>(text->size()) / kBytesOfAStep;
  return value.range() ? value.weight() / 4 : 0;
}

bool Machine::Level::too_deep() const {
  if (machine_.depth_ <= kMaxEvaluationDepth) return false;
  if (!machine_.gave_up_) machine_.problem("nested deeper than " + std::to_string(kMaxEvaluationDepth) + " operations");
  machine_.gave_up_ = true;
  return true;
}

Value Machine::problem(std::string what) {
  if (problems_.size() < kMaxProblems && std::find(problems_.begin(), problems_.end(), what) == problems_.end())
    problems_.push_back(std::move(what));
  return {};
}

bool Machine::spend(std::int64_t steps) {
  steps_left_ -= steps;
  if (steps_left_ >= 0) return !gave_up_;
  gave_up_ = true;
  return false;
}

// Parts may be shared, so that little work could make a value that takes forever to compare or to write.
Value Machine::built(Value value) {
  std::size_t size = 0;
  if (value.list()) size = value.list()->size();
  if (value.context()) size = value.context()->size();
  if (!spend(static_cast<std::int64_t>(size / 4))) return {};
  if (value.weight() <= kMaxValueWeight && value.depth() <= kMaxValueDepth) return value;
  if (size > 0 || value.range()) gave_up_ = true;
  return gave_up_ ? Value() : value;
}

Value Machine::evaluate(const std::shared_ptr<const Ast>& ast, const Scope& scope) {
  Value value = Walker(*this, ast).run(ast->root, scope);
  return gave_up_ ? Value() : value;
}

Value Machine::test(const std::shared_ptr<const Ast>& ast, const Value& input, const Scope& scope) {
  const Value verdict = Walker(*this, ast).tests(ast->nodes[ast->root], 0, input, NameScope(scope, "?", input));
  return gave_up_ ? Value() : verdict;
}

Value Machine::call(const std::shared_ptr<const Function>& function, std::span<const Value> arguments) {
  const Level level(*this);
  if (!spend(1) || level.too_deep()) return {};
  if (!function->takes(arguments.size())) return problem("wrong number of arguments of a function");
  List fitting(arguments.begin(), arguments.end());
  for (std::size_t i = 0; i < fitting.size() && i < function->parameters().size(); ++i) {
    const auto& [name, type] = function->parameters()[i];
    if (type && !coerce(fitting[i], *type)) return problem("the argument '" + name + "' is of another type");
  }
  Value result = function->call(*this, fitting);
  if (function->result()) result = coerced(result, *function->result(), "the result of a function");
  return built(std::move(result));
}

Value Machine::call_named(const std::shared_ptr<const Function>& function, std::span<const std::string> names,
                          std::span<const Value> arguments) {
  const auto where = function->places(names);
  if (!where) return problem("a function has no such parameters");
  return call(function, placed(*where, arguments));
}

bool Machine::conforms(const Value& value, const Type& type) { return conforms(value, type, Constraints::kChecked); }

bool Machine::is_instance(const Value& value, const Type& type) { return conforms(value, type, Constraints::kIgnored); }

bool Machine::conforms(const Value& value, const Type& type, Constraints constraints) {
  if (!spend(1)) return false;
  using T = Type::Kind;
  if (value.is_null()) return type.kind == T::kNull;
  const auto is = [&] {
    switch (type.kind) {
      case T::kAny: return true;
      case T::kNumber: return value.number() != nullptr;
      case T::kString: return value.string() != nullptr;
      case T::kBoolean: return value.boolean() != nullptr;
      case T::kDate: return value.date() != nullptr;
      case T::kTime: return value.time() != nullptr;
      case T::kDateTime: return value.date_time() != nullptr;
      case T::kDayTimeDuration: return value.day_time_duration() != nullptr;
      case T::kYearMonthDuration: return value.year_month_duration() != nullptr;
      case T::kList:
        if (!value.list()) return false;
        return !type.element || std::all_of(value.list()->begin(), value.list()->end(), [&](const Value& item) {
          return item.is_null() || conforms(item, *type.element, constraints);
        });
      case T::kContext:
        if (!value.context()) return false;
        return std::all_of(type.members.begin(), type.members.end(), [&](const auto& member) {
          const auto found = value.context()->find(member.first);
          if (found == value.context()->end()) return false;
          return found->second.is_null() || !member.second || conforms(found->second, *member.second, constraints);
        });
      case T::kRange: {
        if (!value.range()) return false;
        const auto fits = [&](const Value& end) { return end.is_null() || !type.element || conforms(end, *type.element, constraints); };
        return fits(value.range()->start) && fits(value.range()->end);
      }
      case T::kFunction: {
        if (!value.function()) return false;
        const Function& function = **value.function();
        Type own;
        own.kind = T::kFunction;
        for (const auto& parameter : function.parameters()) own.parameters.push_back(parameter.type ? parameter.type : any_type());
        own.result = function.result() ? function.result() : any_type();
        return feel::conforms(own, type);
      }
      default: return false;
    }
  };
  if (!is()) return false;
  if (constraints == Constraints::kIgnored) return true;
  const NoScope nothing;
  return std::all_of(type.allowed.begin(), type.allowed.end(), [&](const std::shared_ptr<const Ast>& tests) {
    const Value verdict = test(tests, value, nothing);
    return verdict.boolean() && *verdict.boolean();
  });
}

bool Machine::coerce(Value& value, const Type& type) {
  if (value.is_null() || type.kind == Type::Kind::kAny) {
    return value.is_null() || type.allowed.empty() || conforms(value, type);
  }
  if (conforms(value, type)) return true;
  if (type.kind == Type::Kind::kDateTime && value.date()) {
    value = midnight(*value.date());
    return type.allowed.empty() || conforms(value, type);
  }
  if (type.kind == Type::Kind::kList && !value.list()) {
    Value made{List{value}};
    if (!conforms(made, type)) return false;
    value = std::move(made);
    return true;
  }
  if (type.kind != Type::Kind::kList && value.list() && value.list()->size() == 1) {
    Value only = value.list()->front();
    if (!conforms(only, type)) return false;
    value = std::move(only);
    return true;
  }
  return false;
}

Value Machine::coerced(const Value& value, const Type& type, std::string_view what) {
  Value result = value;
  if (coerce(result, type)) return result;
  return problem(std::string(what) + " is no " + describe(type) + ", but " + std::string(value.type_name()));
}

std::optional<List> items_of(Machine& machine, const Value& domain) {
  if (domain.list()) {
    if (!machine.spend(reading_steps(domain))) return std::nullopt;
    return *domain.list();
  }
  const Range* range = domain.range();
  if (!range) {
    if (!domain.is_null()) return List{domain};
    machine.problem("a loop goes over a list or range, not over null");
    return std::nullopt;
  }
  const bool dates = range->start.date() && range->end.date();
  const auto end_of = [&](const Value& end) {
    if (dates) return std::optional(days_of(*end.date()));
    return end.number() ? end.number()->to_integer() : std::nullopt;
  };
  const auto from = end_of(range->start), to = end_of(range->end);
  if (!from || !to) {
    machine.problem("a loop goes over ranges of whole numbers or dates");
    return std::nullopt;
  }
  const int step = *from <= *to ? 1 : -1;
  List items;
  for (std::int64_t at = *from;; at += step) {
    const bool left_out = (at == *from && !range->start_included) || (at == *to && !range->end_included);
    if (!machine.spend(1)) return std::nullopt;
    if (!left_out) items.push_back(dates ? Value(*date_of_days(at)) : Value(at));
    if (at == *to) return items;
  }
}

Evaluation evaluate_tree(const std::shared_ptr<const Ast>& ast, const Scope& scope, const Environment& environment) {
  Evaluation out;
  Machine machine(environment);
  out.value = machine.evaluate(ast, scope);
  out.problems = machine.take_problems();
  out.gave_up = machine.gave_up();
  out.is_refuted = machine.is_refuted();
  out.steps = machine.steps();
  return out;
}

}  // namespace consilium::bpmn::feel
