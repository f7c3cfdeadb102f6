// Walks the trees of expressions, with one budget of work for all that belong together: an expression, or a decision with what it
// requires.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/feel/ast.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::feel {

class Machine;

// A value that can be called. Implementations hold all that they need: they outlive the scope they were made in.
class Function {
 public:
  struct Parameter {
    std::string name;
    TypePointer type;  // null: any
  };
  Function(std::vector<Parameter> parameters, TypePointer result) : parameters_(std::move(parameters)), result_(std::move(result)) {}
  virtual ~Function() = default;
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  const std::vector<Parameter>& parameters() const { return parameters_; }
  const TypePointer& result() const { return result_; }  // null: not declared
  // Whether that many positional arguments may be given.
  virtual bool takes(std::size_t arguments) const { return arguments == parameters_.size(); }
  // Where each of the named arguments belongs; nullopt: it does not have them.
  virtual std::optional<std::vector<std::size_t>> places(std::span<const std::string> names) const;
  // The arguments fit in number and type.
  virtual Value call(Machine& machine, std::span<const Value> arguments) const = 0;

 private:
  std::vector<Parameter> parameters_;
  TypePointer result_;
};

// One more name in front of a scope.
class NameScope final : public Scope {
 public:
  NameScope(const Scope& outer, std::string_view name, const Value& value) : outer_(outer), name_(name), value_(value) {}
  const Value* find(std::string_view name) const override { return name == name_ ? &value_ : outer_.find(name); }

 private:
  const Scope& outer_;
  std::string_view name_;
  const Value& value_;
};

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

// The entries of a context in front of a scope.
class MemberScope final : public Scope {
 public:
  MemberScope(const Scope& outer, const Context& members) : outer_(outer), members_(members) {}
  const Value* find(std::string_view name) const override {
    const auto found = members_.find(name);
    return found == members_.end() ? outer_.find(name) : &found->second;
  }

 private:
  const Scope& outer_;
  const Context& members_;
};

inline constexpr std::int64_t kItemsOfAStep = 16;   // that a plain walk looks at
inline constexpr std::int64_t kBytesOfAStep = 256;  // of text

class Machine {
 public:
  explicit Machine(const Environment& environment, std::int64_t most_steps = kMaxEvaluationSteps)
      : environment_(environment), most_steps_(most_steps), steps_left_(most_steps) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  Value evaluate(const std::shared_ptr<const Ast>& ast, const Scope& scope);
  // Whether `input` passes the tests of a tree that `parse_tests` made; null: they do not fit it.
  Value test(const std::shared_ptr<const Ast>& ast, const Value& input, const Scope& scope);
  // Checks number and types of the arguments, which are coerced, and of the result.
  Value call(const std::shared_ptr<const Function>& function, std::span<const Value> arguments);
  Value call_named(const std::shared_ptr<const Function>& function, std::span<const std::string> names, std::span<const Value> arguments);

  // Of the type, and among the values that it allows.
  bool conforms(const Value& value, const Type& type);
  // Of the type; what it allows does not matter.
  bool is_instance(const Value& value, const Type& type);
  // The value as that type, by FEEL's implicit conversions; null with a problem when it is of another.
  Value coerced(const Value& value, const Type& type, std::string_view what);
  // False when the value is of another type.
  bool coerce(Value& value, const Type& type);

  // Null; the sentence is kept.
  Value problem(std::string what);
  // The value, unless making it was too much.
  Value built(Value value);
  // Counts work; false: there has been too much, and what is given now is null.
  bool spend(std::int64_t steps);
  // Counts the work of comparing the two: of nested values all parts, of texts their letters.
  bool spend_on_comparing(const Value& left, const Value& right) { return spend(std::min(left.weight(), right.weight()) / 4); }
  // An assertion did not hold.
  void refute() { is_refuted_ = true; }
  bool is_refuted() const { return is_refuted_; }
  // There would be too much work.
  void give_up() { gave_up_ = true; }
  bool gave_up() const { return gave_up_; }
  std::int64_t steps() const { return most_steps_ - steps_left_; }
  const Environment& environment() const { return environment_; }
  const std::vector<std::string>& problems() const { return problems_; }
  std::vector<std::string> take_problems() { return std::exchange(problems_, {}); }

  // How deep the nesting is; a guard lives as long as a level.
  class Level {
   public:
    explicit Level(Machine& machine) : machine_(machine) { ++machine_.depth_; }
    ~Level() { --machine_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    bool too_deep() const;

   private:
    Machine& machine_;
  };

 private:
  enum class Constraints : std::uint8_t { kChecked, kIgnored };
  bool conforms(const Value& value, const Type& type, Constraints constraints);

  Environment environment_;
  std::int64_t most_steps_;
  std::int64_t steps_left_;
  int depth_ = 0;
  bool gave_up_ = false;
  bool is_refuted_ = false;
  std::vector<std::string> problems_;
};

Evaluation evaluate_tree(const std::shared_ptr<const Ast>& ast, const Scope& scope, const Environment& environment);

// The steps for going once through a value, not into the parts of its parts: one for several items of a list or letters of a text.
std::int64_t reading_steps(const Value& value);

// What a loop over the value goes through: the items of a list, the numbers or dates of a range. nullopt: nothing, with a problem.
std::optional<List> items_of(Machine& machine, const Value& domain);

// The arithmetic of the language, for functions that need it too.
Value calculate(Machine& machine, Operator which, const Value& left, const Value& right);
// A property of a calendar value or range; null with a problem when it has none of that name.
Value property_of(Machine& machine, const Value& owner, const std::string& name);

}  // namespace consilium::bpmn::feel
