// The parsed form of an expression: nodes in one array, children by index, the root last. Depth is bounded by the
// parser, so that walking it may recurse.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

struct Builtin;

enum class NodeKind : std::uint8_t {
  kLiteral,  // literal
  kName,     // text
  kPath,     // children[0] . text
  kList,     // children
  kContext,  // names, children
  kFilter,   // children[0] [ children[1] ]
  kNegate,   // - children[0]
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
  kGreaterOrEqual,
  kBetween,  // children[0] between children[1] and children[2]
  kIn,       // children[0] in children[1]: a list holds it, or it is equal
  kAnd,
  kOr,
  kIf,    // children: condition, then, else
  kCall,  // builtin(children)
};

struct Node {
  NodeKind kind = NodeKind::kLiteral;
  std::uint32_t position = 0;  // in the source
  Value literal;
  std::string text;
  std::vector<std::string> names;
  std::vector<std::uint32_t> children;
  const Builtin* builtin = nullptr;
};

struct Ast {
  std::vector<Node> nodes;
  std::uint32_t root = 0;
};

}  // namespace consilium::bpmn::feel
