#include "bpmn/feel/evaluator.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "bpmn/feel/builtins.h"

namespace consilium::bpmn::feel {
namespace {

constexpr int kMaxBuiltDepth = 200;

// A list's item inside its filter: `item` and, if it is a context, its members hide the names outside.
class ItemScope final : public Scope {
 public:
  ItemScope(const Scope& outer, const Value& item) : outer_(outer), item_(item) {}
  const Value* find(std::string_view name) const override {
    if (const Context* members = item_.context()) {
      if (const auto found = members->find(name); found != members->end()) return &found->second;
    }
    return name == "item" ? &item_ : outer_.find(name);
  }

 private:
  const Scope& outer_;
  const Value& item_;
};

std::optional<std::strong_ordering> order_of(const Value& a, const Value& b) {
  if (a.number() && b.number()) return *a.number() <=> *b.number();
  if (a.string() && b.string()) return *a.string() <=> *b.string();
  if (a.duration() && b.duration()) return *a.duration() <=> *b.duration();
  return std::nullopt;
}

std::optional<Duration> scaled(Duration duration, const Decimal& factor, NodeKind kind) {
  const Decimal length(duration.microseconds);
  const auto result = kind == NodeKind::kMultiply ? Decimal::multiply(length, factor) : Decimal::divide(length, factor);
  const auto whole = result ? result->floor().to_integer() : std::nullopt;
  if (!whole) return std::nullopt;
  return Duration{*whole};
}

class Evaluator {
 public:
  Evaluator(const Ast& ast, Evaluation& out) : ast_(ast), out_(out) {}

  Value run(std::uint32_t index, const Scope& scope) {
    if (++steps_ > kMaxEvaluationSteps) {
      out_.gave_up = true;
      return {};
    }
    const Node& node = ast_.nodes[index];
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
      case NodeKind::kNegate: return negate(run(node.children[0], scope));
      case NodeKind::kBetween: return between(node, scope);
      default: break;
    }
    const Value left = run(node.children[0], scope);
    const Value right = run(node.children[1], scope);
    switch (node.kind) {
      case NodeKind::kEqual: return equal(left, right);
      case NodeKind::kNotEqual: return inverted(equal(left, right));
      case NodeKind::kIn: return contained(left, right);
      case NodeKind::kLess:
      case NodeKind::kLessOrEqual:
      case NodeKind::kGreater:
      case NodeKind::kGreaterOrEqual: return compare(node.kind, left, right);
      default: return arithmetic(node.kind, left, right);
    }
  }

 private:
  Value problem(std::string what) {
    if (out_.problems.size() < kMaxProblems) out_.problems.push_back(std::move(what));
    return {};
  }
  Value misfit(std::string_view operation, const Value& left, const Value& right) {
    return problem(std::string(operation) + " does not fit " + std::string(left.type_name()) + " and " + std::string(right.type_name()));
  }

  // What is built counts like the steps that built it: parts may be shared, so that little work could make a value that
  // takes forever to compare or to write.
  Value built(Value value) {
    const int spent = weigh(value, kMaxEvaluationSteps - steps_, 0);
    steps_ += spent;
    if (steps_ < kMaxEvaluationSteps) return value;
    out_.gave_up = true;
    return {};
  }

  static int weigh(const Value& value, int most, int depth) {
    if (depth > kMaxBuiltDepth) return most;
    int weight = 1;
    if (const List* items = value.list()) {
      for (const Value& item : *items) {
        if (weight >= most) return most;
        weight += weigh(item, most - weight, depth + 1);
      }
    } else if (const Context* members = value.context()) {
      for (const auto& [member_name, member_value] : *members) {
        if (weight >= most) return most;
        weight += weigh(member_value, most - weight, depth + 1);
      }
    }
    return weight;
  }

  Value name(const Node& node, const Scope& scope) {
    const Value* found = scope.find(node.text);
    return found ? *found : problem("no variable '" + node.text + "'");
  }

  Value path(const Node& node, const Scope& scope) {
    const Value owner = run(node.children[0], scope);
    if (const List* items = owner.list()) {  // the member of each item
      List result;
      for (const Value& item : *items) result.push_back(member(item, node.text));
      return built(std::move(result));
    }
    return member(owner, node.text);
  }

  Value member(const Value& owner, const std::string& member_name) {
    if (member_name == "days" || member_name == "hours" || member_name == "minutes" || member_name == "seconds") {
      if (const Duration* duration = owner.duration()) return part_of(*duration, member_name);
    }
    const Context* members = owner.context();
    if (!members) return problem("no member '" + member_name + "' in a value of type " + std::string(owner.type_name()));
    const auto found = members->find(member_name);
    return found == members->end() ? problem("no member '" + member_name + "'") : found->second;
  }

  static Value part_of(Duration duration, std::string_view part) {
    const std::int64_t whole = duration.microseconds / 1'000'000;
    if (part == "days") return whole / 86'400;
    if (part == "hours") return whole / 3'600 % 24;
    if (part == "minutes") return whole / 60 % 60;
    return whole % 60;
  }

  Value list(const Node& node, const Scope& scope) {
    List items;
    items.reserve(node.children.size());
    for (const std::uint32_t child : node.children) items.push_back(run(child, scope));
    return built(std::move(items));
  }

  // Members may use the ones before them.
  Value context(const Node& node, const Scope& scope) {
    Context members;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const Value so_far{Context(members)};
      const ItemScope inner(scope, so_far);
      members.insert_or_assign(node.names[i], run(node.children[i], inner));
      steps_ += static_cast<int>(i);  // for the copy
    }
    return built(std::move(members));
  }

  // A number takes that item (from 1, negative from the end); anything else keeps the items for which it is true.
  Value filter(const Node& node, const Scope& scope) {
    const Value owner = run(node.children[0], scope);
    if (owner.is_null()) return {};
    const List single = owner.list() ? List() : List{owner};
    const List& items = owner.list() ? *owner.list() : single;
    const Node& condition = ast_.nodes[node.children[1]];
    if (condition.kind == NodeKind::kLiteral && condition.literal.number()) return pick(items, *condition.literal.number());
    List kept;
    for (const Value& item : items) {
      const Value verdict = run(node.children[1], ItemScope(scope, item));
      if (verdict.number()) return pick(items, *verdict.number());
      if (verdict.boolean() && *verdict.boolean()) kept.push_back(item);
    }
    return kept;
  }

  Value pick(const List& items, const Decimal& position) {
    const auto wanted = position.to_integer();
    const auto size = static_cast<std::int64_t>(items.size());
    if (!wanted || *wanted == 0 || *wanted > size || *wanted < -size)
      return problem("no item " + position.text() + " in a list of " + std::to_string(size));
    return items[static_cast<std::size_t>(*wanted > 0 ? *wanted - 1 : size + *wanted)];
  }

  Value conditional(const Node& node, const Scope& scope) {
    const Value condition = run(node.children[0], scope);
    const bool yes = condition.boolean() && *condition.boolean();
    return run(node.children[yes ? 1 : 2], scope);
  }

  Value logical(const Node& node, const Scope& scope) {
    const bool decisive = node.kind == NodeKind::kOr;  // the value that settles it alone
    const Value left = run(node.children[0], scope);
    if (left.boolean() && *left.boolean() == decisive) return decisive;
    const Value right = run(node.children[1], scope);
    if (right.boolean() && *right.boolean() == decisive) return decisive;
    if (!left.boolean() || !right.boolean()) return {};
    return !decisive;
  }

  Value call(const Node& node, const Scope& scope) {
    List arguments;
    arguments.reserve(node.children.size());
    for (const std::uint32_t child : node.children) arguments.push_back(run(child, scope));
    std::string what;
    Value result = node.builtin->call(arguments, what);
    if (!what.empty()) problem(std::move(what));
    return result.list() ? built(std::move(result)) : result;
  }

  Value negate(const Value& value) {
    if (value.number()) return value.number()->negated();
    if (value.duration() && value.duration()->microseconds != std::numeric_limits<std::int64_t>::min())
      return Duration{-value.duration()->microseconds};
    return problem("'-' does not fit " + std::string(value.type_name()));
  }

  Value between(const Node& node, const Scope& scope) {
    const Value value = run(node.children[0], scope);
    const Value low = run(node.children[1], scope);
    const Value high = run(node.children[2], scope);
    const auto from = order_of(value, low);
    const auto to = order_of(value, high);
    if (!from || !to) return misfit("between", value, low);
    return *from >= 0 && *to <= 0;
  }

  Value equal(const Value& left, const Value& right) {
    if (left.is_null() || right.is_null()) return left.is_null() && right.is_null();
    if (left.type_name() != right.type_name()) return misfit("'='", left, right);
    return left == right;
  }

  static Value inverted(const Value& value) { return value.boolean() ? Value(!*value.boolean()) : Value(); }

  Value contained(const Value& value, const Value& in) {
    if (const List* items = in.list()) return std::find(items->begin(), items->end(), value) != items->end();
    return equal(value, in);
  }

  Value compare(NodeKind kind, const Value& left, const Value& right) {
    const auto order = order_of(left, right);
    if (!order) return misfit("a comparison", left, right);
    switch (kind) {
      case NodeKind::kLess: return *order < 0;
      case NodeKind::kLessOrEqual: return *order <= 0;
      case NodeKind::kGreater: return *order > 0;
      default: return *order >= 0;
    }
  }

  Value arithmetic(NodeKind kind, const Value& left, const Value& right) {
    if (left.number() && right.number()) return calculate(kind, *left.number(), *right.number());
    if (kind == NodeKind::kAdd && left.string() && right.string()) {
      if (left.string()->size() + right.string()->size() > kMaxTextBytes) return problem("text longer than 1 MB");
      return *left.string() + *right.string();
    }
    const bool product = kind == NodeKind::kMultiply || kind == NodeKind::kDivide;
    if (left.duration() && right.duration() && !product && kind != NodeKind::kPower)
      return add_durations(kind, *left.duration(), *right.duration());
    if (product && left.duration() && right.number()) return scale(*left.duration(), *right.number(), kind);
    if (kind == NodeKind::kMultiply && left.number() && right.duration()) return scale(*right.duration(), *left.number(), kind);
    return misfit("arithmetic", left, right);
  }

  Value calculate(NodeKind kind, const Decimal& left, const Decimal& right) {
    std::optional<Decimal> result;
    switch (kind) {
      case NodeKind::kAdd: result = Decimal::add(left, right); break;
      case NodeKind::kSubtract: result = Decimal::subtract(left, right); break;
      case NodeKind::kMultiply: result = Decimal::multiply(left, right); break;
      case NodeKind::kDivide: result = Decimal::divide(left, right); break;
      default: result = Decimal::power(left, right); break;
    }
    return result ? Value(*result) : problem("number out of range or divided by zero");
  }

  Value add_durations(NodeKind kind, Duration left, Duration right) {
    std::int64_t result = 0;
    const bool overflow = kind == NodeKind::kAdd ? __builtin_add_overflow(left.microseconds, right.microseconds, &result)
                                                 : __builtin_sub_overflow(left.microseconds, right.microseconds, &result);
    return overflow ? problem("duration out of range") : Value(Duration{result});
  }

  Value scale(Duration duration, const Decimal& factor, NodeKind kind) {
    const auto result = scaled(duration, factor, kind);
    return result ? Value(*result) : problem("duration out of range or divided by zero");
  }

  const Ast& ast_;
  Evaluation& out_;
  int steps_ = 0;
};

}  // namespace

Evaluation evaluate_tree(const Ast& ast, const Scope& scope) {
  Evaluation out;
  Value value = Evaluator(ast, out).run(ast.root, scope);
  if (!out.gave_up) out.value = std::move(value);
  return out;
}

}  // namespace consilium::bpmn::feel
