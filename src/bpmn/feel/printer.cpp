#include <algorithm>
#include <array>

#include "bpmn/feel/ast.h"
#include "bpmn/feel/builtins.h"

namespace consilium::bpmn::feel {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out + '"';
}

class Printer {
 public:
  explicit Printer(const Ast& ast) : ast_(ast) {}

  std::string text(std::uint32_t index) {
    const Node& node = ast_.nodes[index];
    switch (node.kind) {
      case NodeKind::kLiteral: return literal(node.literal);
      case NodeKind::kName: return name(node.text);
      case NodeKind::kPath: return text(node.children[0]) + '.' + name(node.text);
      case NodeKind::kList: return '[' + joined(node, 0, ", ") + ']';
      case NodeKind::kContext: return '{' + entries(node) + '}';
      case NodeKind::kFilter: return text(node.children[0]) + '[' + text(node.children[1]) + ']';
      case NodeKind::kNegate: return "(-" + text(node.children[0]) + ')';
      case NodeKind::kArithmetic: return arithmetic(node);
      case NodeKind::kCompare:
        return '(' + text(node.children[0]) + ' ' + std::string(symbol_of(node.operators[0])) + ' ' + text(node.children[1]) + ')';
      case NodeKind::kBetween:
        return '(' + text(node.children[0]) + " between " + text(node.children[1]) + " and " + text(node.children[2]) + ')';
      case NodeKind::kIn: return '(' + text(node.children[0]) + " in (" + joined(node, 1, ", ") + "))";
      case NodeKind::kAnd: return '(' + joined(node, 0, " and ") + ')';
      case NodeKind::kOr: return '(' + joined(node, 0, " or ") + ')';
      case NodeKind::kIf:
        return "(if " + text(node.children[0]) + " then " + text(node.children[1]) + " else " + text(node.children[2]) + ')';
      case NodeKind::kCall: return (node.builtin ? node.text : name(node.text)) + '(' + arguments(node, 0) + ')';
      case NodeKind::kInvoke: return '(' + text(node.children[0]) + ")(" + arguments(node, 1) + ')';
      case NodeKind::kFor: return "(for " + iterators(node) + " return " + text(node.children.back()) + ')';
      case NodeKind::kSome: return "(some " + iterators(node) + " satisfies " + text(node.children.back()) + ')';
      case NodeKind::kEvery: return "(every " + iterators(node) + " satisfies " + text(node.children.back()) + ')';
      case NodeKind::kFunction: return function(node);
      case NodeKind::kRange: return range(node);
      case NodeKind::kSpan: return text(node.children[0]) + ".." + text(node.children[1]);
      case NodeKind::kInstanceOf: return '(' + text(node.children[0]) + " instance of " + describe(*node.types[0]) + ')';
      case NodeKind::kComparisonTest: return std::string(symbol_of(node.operators[0])) + ' ' + text(node.children[0]);
      case NodeKind::kTests: break;
    }
    if (node.children.empty()) return "-";
    return node.negated ? "not(" + joined(node, 0, ", ") + ')' : joined(node, 0, ", ");
  }

 private:
  static std::string literal(const Value& value) {
    switch (value.kind()) {
      case Kind::kString: return quoted(*value.string());
      case Kind::kNumber: return value.number()->is_negative() ? '(' + value.number()->text() + ')' : value.number()->text();
      case Kind::kNull:
      case Kind::kBoolean: return to_json(value);
      default: return '@' + quoted(to_text(value));
    }
  }

  static std::string name(const std::string& name) { return name.find('`') == std::string::npos && name != "?" ? '`' + name + '`' : name; }

  std::string joined(const Node& node, std::size_t from, std::string_view between) {
    std::string out;
    for (std::size_t i = from; i < node.children.size(); ++i) {
      if (i > from) out += between;
      out += text(node.children[i]);
    }
    return out;
  }

  std::string arguments(const Node& node, std::size_t from) {
    if (node.names.empty()) return joined(node, from, ", ");
    std::string out;
    for (std::size_t i = 0; i < node.names.size(); ++i) out += (i > 0 ? ", " : "") + node.names[i] + ": " + text(node.children[from + i]);
    return out;
  }

  std::string entries(const Node& node) {
    std::string out;
    for (std::size_t i = 0; i < node.names.size(); ++i) {
      std::string value = text(node.children[i]);
      // Without its parentheses, so that it may call itself by the name of its entry.
      if (ast_.nodes[node.children[i]].kind == NodeKind::kFunction) value = value.substr(1, value.size() - 2);
      out += (i > 0 ? ", " : "") + quoted(node.names[i]) + ": " + value;
    }
    return out;
  }

  std::string arithmetic(const Node& node) {
    std::string out = '(' + text(node.children[0]);
    for (std::size_t i = 0; i < node.operators.size(); ++i)
      out += ' ' + std::string(symbol_of(node.operators[i])) + ' ' + text(node.children[i + 1]);
    return out + ')';
  }

  std::string iterators(const Node& node) {
    std::string out;
    for (std::size_t i = 0; i < node.names.size(); ++i) out += (i > 0 ? ", " : "") + name(node.names[i]) + " in " + text(node.children[i]);
    return out;
  }

  std::string function(const Node& node) {
    std::string out = "(function(";
    for (std::size_t i = 0; i < node.names.size(); ++i)
      out += (i > 0 ? ", " : "") + name(node.names[i]) + (node.types[i] == any_type() ? "" : ": " + describe(*node.types[i]));
    return out + ") " + text(node.children[0]) + ')';
  }

  // `(> 5)` has its end at infinity, which is a null that nobody wrote.
  bool upwards(const Node& node) const { return node.children[0] == node.children[1] || node.children[0] < node.children[1]; }
  Operator unary_operator(const Node& node) const {
    if (node.children[0] == node.children[1]) return node.negated ? Operator::kNotEqual : Operator::kEqual;
    if (upwards(node)) return node.start_included ? Operator::kGreaterOrEqual : Operator::kGreater;
    return node.end_included ? Operator::kLessOrEqual : Operator::kLess;
  }

  std::string range(const Node& node) {
    if (node.unary) return '(' + std::string(symbol_of(unary_operator(node))) + ' ' + text(node.children[upwards(node) ? 0 : 1]) + ')';
    return (node.start_included ? '[' : '(') + text(node.children[0]) + ".." + text(node.children[1]) + (node.end_included ? ']' : ')');
  }

  const Ast& ast_;
};

}  // namespace

std::string_view symbol_of(Operator symbol) {
  static constexpr std::array<std::string_view, 11> kSymbols = {"+", "-", "*", "/", "**", "=", "!=", "<", "<=", ">", ">="};
  return kSymbols[static_cast<std::size_t>(symbol)];
}

std::string print(const Ast& ast) { return Printer(ast).text(ast.root); }

}  // namespace consilium::bpmn::feel
