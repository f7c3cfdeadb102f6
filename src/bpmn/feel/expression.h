// FEEL expressions: parsed once when a model is deployed, evaluated often. The whole language of DMN 1.5 with its functions and
// those that Zeebe adds. As FEEL demands, an operation on values that do not fit gives null, not an error; what went wrong is told
// in `Evaluation::problems`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "bpmn/feel/type.h"
#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

inline constexpr std::size_t kMaxExpressionBytes = 64 * 1024;
inline constexpr int kMaxExpressionDepth = 64;
inline constexpr std::int64_t kMaxEvaluationSteps = 200'000;
inline constexpr int kMaxEvaluationDepth = 1000;           // of nested operations, functions that call themselves included
inline constexpr std::uint32_t kMaxValueWeight = 200'000;  // of what an expression makes: values in it, written out
inline constexpr std::uint16_t kMaxValueDepth = 200;
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

// What expressions may ask of the world. Without a clock or random numbers the functions that need them give null.
struct Environment {
  std::optional<Timestamp> now;
  RandomSource* random = nullptr;
};

struct Evaluation {
  Value value;
  std::vector<std::string> problems;  // why parts of it are null; at most kMaxProblems
  bool gave_up = false;               // more than kMaxEvaluationSteps or too deep; the value is null
  bool is_refuted = false;            // an `assert` in it did not hold
  std::int64_t steps = 0;             // what it took

  // There is no value, rather than null.
  bool failed() const { return gave_up || is_refuted; }
};

struct Ast;
class NameSet;

// How names are read. In a process nothing is known of the variables: names are single words or stand in back ticks, and a function
// that does not exist is a mistake. A decision model knows its names, and what its language leaves open gives null.
struct ParseOptions {
  const NameSet* names = nullptr;    // of the scope
  const NameSet* members = nullptr;  // after a dot and inside filters
  std::function<TypePointer(std::string_view name)> type;
  bool strict = true;
};

// A name as it is looked up: without spaces at its ends, one where there are several.
std::string canonical_name(std::string_view name);

class Expression {
 public:
  Expression() = default;  // empty: evaluates to null

  static std::expected<Expression, SyntaxError> parse(std::string_view text, const ParseOptions& options = {});
  // An attribute as Zeebe writes it: after `=` an expression, else the text itself.
  static std::expected<Expression, SyntaxError> parse_attribute(std::string_view text);
  static Expression constant(Value value);

  bool empty() const { return !ast_; }
  bool is_static() const { return is_static_; }
  // Without the `=`.
  const std::string& source() const { return source_; }
  // The value of a static one.
  const std::string& text() const { return source_; }
  // Null when empty.
  const std::shared_ptr<const Ast>& tree() const { return ast_; }

  Evaluation evaluate(const Scope& scope, const Environment& environment = {}) const;

 private:
  std::string source_;
  bool is_static_ = false;
  std::shared_ptr<const Ast> ast_;
};

}  // namespace consilium::bpmn::feel
