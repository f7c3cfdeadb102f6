// FEEL expressions: parsed once when a model is deployed, evaluated often. The language so far: literals (null, booleans,
// exact numbers, texts, durations), names and paths, lists, contexts, comparison (also `between` and `in`), three-valued
// and/or/not, arithmetic, `if`, filters and the functions of builtins.cpp. As FEEL demands, an operation on values
// that do not fit gives null, not an error; what went wrong is told in `Evaluation::problems`.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

inline constexpr std::size_t kMaxExpressionBytes = 16 * 1024;
inline constexpr int kMaxExpressionDepth = 64;
inline constexpr int kMaxEvaluationSteps = 100'000;
inline constexpr std::size_t kMaxTextBytes = 1024 * 1024;  // of a text that an expression makes
inline constexpr std::size_t kMaxProblems = 10;

struct SyntaxError {
  std::size_t position = 0;  // byte, from 0
  std::string message;
};

// Where names are looked up. Null pointer: there is no such variable.
class Scope {
 public:
  virtual ~Scope() = default;
  virtual const Value* find(std::string_view name) const = 0;
};

class ContextScope final : public Scope {
 public:
  explicit ContextScope(const Context& context) : context_(context) {}
  const Value* find(std::string_view name) const override {
    const auto found = context_.find(name);
    return found == context_.end() ? nullptr : &found->second;
  }

 private:
  const Context& context_;
};

struct Evaluation {
  Value value;
  std::vector<std::string> problems;  // why parts of it are null; at most kMaxProblems
  bool gave_up = false;               // more than kMaxEvaluationSteps; the value is null
};

struct Ast;

class Expression {
 public:
  Expression() = default;  // empty: evaluates to null

  static std::expected<Expression, SyntaxError> parse(std::string_view text);
  // An attribute as Zeebe writes it: after `=` an expression, else the text itself.
  static std::expected<Expression, SyntaxError> parse_attribute(std::string_view text);
  static Expression constant(Value value);

  bool empty() const { return !ast_; }
  bool is_static() const { return is_static_; }
  // Without the `=`.
  const std::string& source() const { return source_; }
  // The value of a static one.
  const std::string& text() const { return source_; }

  Evaluation evaluate(const Scope& scope) const;

 private:
  std::string source_;
  bool is_static_ = false;
  std::shared_ptr<const Ast> ast_;
};

}  // namespace consilium::bpmn::feel
