// The parsed form of an expression: nodes in one array, children by index, the root last. Depth is bounded by the
// parser, so that walking it may recurse.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bpmn/feel/type.h"
#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

struct Builtin;
class Pattern;

enum class NodeKind : std::uint8_t {
  kLiteral,     // literal
  kName,        // text
  kPath,        // children[0] . text
  kList,        // children
  kContext,     // names, children
  kFilter,      // children[0] [ children[1] ]
  kNegate,      // - children[0]
  kArithmetic,  // children, operators between them, from the left
  kCompare,     // children[0] operators[0] children[1]
  kBetween,     // children[0] between children[1] and children[2]
  kIn,          // children[0] in (children[1], …): tests
  kAnd,         // children
  kOr,          // children
  kIf,          // children: condition, then, else
  kCall,        // text(children): a function in scope of that name, or builtin; `names` of named arguments
  kInvoke,      // children[0](children[1], …): `names` of named arguments
  kFor,         // names in children, the last child is the result
  kSome,        // names in children, the last child is the condition
  kEvery,
  kFunction,        // names, types; children[0]; `captured` are the names that the body uses
  kRange,           // children: start, end; `start_included`, `end_included`
  kSpan,            // the same without brackets, of a `for`
  kInstanceOf,      // children[0], types[0]
  kComparisonTest,  // a test against `?`: operators[0] children[0]
  kTests,           // the tests of a cell: children; none: anything; `negated`
};

enum class Operator : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual
};

std::string_view symbol_of(Operator symbol);

struct Node {
  NodeKind kind = NodeKind::kLiteral;
  bool start_included = false;
  bool end_included = false;
  bool negated = false;
  bool unary = false;          // of a range: written as `(< 5)`
  bool asks_input = false;     // of a test: it mentions `?`, so that its own value is the verdict
  bool recursive = false;      // of a function: it is the value of the context entry `text`, and may call itself by that name
  std::uint32_t position = 0;  // in the source
  Value literal;
  std::string text;
  std::vector<std::string> names;
  std::vector<std::string> captured;
  std::vector<std::uint32_t> children;
  std::vector<Operator> operators;
  std::vector<TypePointer> types;
  const Builtin* builtin = nullptr;
  std::shared_ptr<const Pattern> pattern;  // of a call: the regular expression that stands in it
};

struct Ast {
  std::vector<Node> nodes;
  std::uint32_t root = 0;
};

// The expression as text, with all its parentheses; parsing it gives the same tree.
std::string print(const Ast& ast);

}  // namespace consilium::bpmn::feel
