#include "bpmn/dmn/table.h"

#include <algorithm>

#include "bpmn/feel/comparison.h"

namespace consilium::bpmn::dmn {
namespace {

using feel::Context;
using feel::List;
using feel::Machine;
using feel::Scope;
using feel::Value;

class TableRun {
 public:
  TableRun(Machine& machine, const DecisionTable& table, const Scope& scope) : machine_(machine), table_(table), scope_(scope) {}

  TableResult run() {
    if (read_inputs()) match_rules();
    if (result_.failure.empty()) result_.value = judged();
    return std::move(result_);
  }

 private:
  bool fail(std::string message) {
    if (result_.failure.empty()) result_.failure = std::move(message);
    return false;
  }
  Value failed(std::string message) {
    fail(std::move(message));
    return {};
  }

  bool read_inputs() {
    for (const auto& input : table_.inputs) {
      Value value = input.expression ? machine_.evaluate(input.expression, scope_) : Value();
      if (input.type && !machine_.coerce(value, *input.type))
        return fail("the input '" + input.name + "' is no " + describe(*input.type) + ", but " + std::string(value.type_name()));
      if (input.allowed && !value.is_null()) {
        const Value verdict = machine_.test(input.allowed, value, scope_);
        if (!verdict.boolean() || !*verdict.boolean())
          return fail("the value of the input '" + input.name + "' is not among those that are allowed");
      }
      result_.inputs.push_back({input.id, input.name, std::move(value)});
    }
    return true;
  }

  void match_rules() {
    for (std::size_t i = 0; i < table_.rules.size(); ++i) {
      if (!machine_.spend(1)) return;
      if (!matches(table_.rules[i])) continue;
      result_.rules.push_back(matched(i));
      if (table_.hit_policy == HitPolicy::kFirst) return;
    }
  }

  bool matches(const DecisionTable::Rule& rule) {
    for (std::size_t i = 0; i < rule.tests.size(); ++i) {
      if (!rule.tests[i]) return false;
      const Value verdict = machine_.test(rule.tests[i], result_.inputs[i].value, scope_);
      if (!verdict.boolean() || !*verdict.boolean()) return false;
    }
    return true;
  }

  MatchedRule matched(std::size_t index) {
    const auto& rule = table_.rules[index];
    MatchedRule made{rule.id, static_cast<int>(index + 1), {}};
    for (std::size_t i = 0; i < rule.outputs.size(); ++i) {
      const auto& output = table_.outputs[i];
      made.outputs.push_back({output.id, output.label.empty() ? output.name : output.label, value_of(rule.outputs[i], output)});
    }
    return made;
  }

  Value value_of(const Tree& tree, const DecisionTable::Output& output) {
    Value value = tree ? machine_.evaluate(tree, scope_) : Value();
    return output.type ? machine_.coerced(value, *output.type, "the output '" + output.name + "'") : value;
  }

  // What a matched rule gives: its one value, or a context of them.
  Value output_of(const MatchedRule& rule) const {
    if (rule.outputs.size() == 1) return rule.outputs[0].value;
    Context members;
    for (std::size_t i = 0; i < rule.outputs.size(); ++i) members.insert_or_assign(table_.outputs[i].name, rule.outputs[i].value);
    return members;
  }

  List outputs() const {
    List list;
    for (const MatchedRule& rule : result_.rules) list.push_back(output_of(rule));
    return list;
  }

  Value fallback() {
    if (std::none_of(table_.outputs.begin(), table_.outputs.end(), [](const auto& output) { return output.fallback != nullptr; }))
      return {};
    if (table_.outputs.size() == 1) return value_of(table_.outputs[0].fallback, table_.outputs[0]);
    Context members;
    for (const auto& output : table_.outputs) members.insert_or_assign(output.name, value_of(output.fallback, output));
    return members;
  }

  Value judged() {
    if (result_.rules.empty()) return fallback();  // of no policy's counting: what no rule decides is null
    switch (table_.hit_policy) {
      case HitPolicy::kUnique:
        if (result_.rules.size() > 1) return failed("the hit policy UNIQUE lets one rule match, but the rules " + names() + " do");
        return output_of(result_.rules[0]);
      case HitPolicy::kAny: {
        const List all = outputs();
        const bool same = std::all_of(all.begin(), all.end(), [&](const Value& value) {
          return machine_.spend_on_comparing(value, all[0]) && feel::equal(value, all[0]).value_or(false);
        });
        return same ? all[0] : failed("the hit policy ANY lets rules match that give the same, but the rules " + names() + " differ");
      }
      case HitPolicy::kFirst: return output_of(result_.rules[0]);
      case HitPolicy::kPriority: sort_by_priority(); return output_of(result_.rules[0]);
      case HitPolicy::kRuleOrder: return outputs();
      case HitPolicy::kOutputOrder: sort_by_priority(); return outputs();
      case HitPolicy::kCollect: return aggregated();
    }
    return {};
  }

  std::string names() const {
    std::string out;
    for (const MatchedRule& rule : result_.rules) out += (out.empty() ? "" : ", ") + std::to_string(rule.index);
    return out;
  }

  // The place of a value among the output values; behind all of them when it is none.
  std::size_t priority(const DecisionTable::Output& output, const Value& value) {
    for (std::size_t i = 0; i < output.priorities.size(); ++i) {
      const Value verdict = machine_.test(output.priorities[i], value, scope_);
      if (verdict.boolean() && *verdict.boolean()) return i;
    }
    return output.priorities.size();
  }

  void sort_by_priority() {
    std::vector<std::pair<std::vector<std::size_t>, std::size_t>> order;
    for (std::size_t i = 0; i < result_.rules.size(); ++i) {
      std::vector<std::size_t> places;
      for (std::size_t j = 0; j < table_.outputs.size(); ++j)
        places.push_back(priority(table_.outputs[j], result_.rules[i].outputs[j].value));
      order.emplace_back(std::move(places), i);
    }
    std::sort(order.begin(), order.end());
    std::vector<MatchedRule> sorted;
    for (const auto& [places, index] : order) sorted.push_back(std::move(result_.rules[index]));
    result_.rules = std::move(sorted);
  }

  Value aggregated() {
    List all = outputs();
    if (table_.aggregation == Aggregation::kNone) return all;
    if (table_.aggregation == Aggregation::kCount) return static_cast<std::int64_t>(all.size());
    Value result = all[0];
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (table_.aggregation == Aggregation::kSum) {
        result = feel::calculate(machine_, feel::Operator::kAdd, result, all[i]);
        continue;
      }
      if (!machine_.spend_on_comparing(all[i], result)) return {};
      const auto order = feel::compare(all[i], result);
      if (!order) return failed("the outputs have no order to aggregate by");
      if (table_.aggregation == Aggregation::kMin ? *order < 0 : *order > 0) result = all[i];
    }
    if (table_.aggregation == Aggregation::kSum && result.is_null()) return failed("the outputs are no numbers to sum up");
    return result;
  }

  Machine& machine_;
  const DecisionTable& table_;
  const Scope& scope_;
  TableResult result_;
};

}  // namespace

TableResult evaluate_table(Machine& machine, const DecisionTable& table, const Scope& scope) {
  return TableRun(machine, table, scope).run();
}

}  // namespace consilium::bpmn::dmn
