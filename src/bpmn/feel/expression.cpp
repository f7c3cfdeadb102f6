#include "bpmn/feel/expression.h"

#include "bpmn/feel/ast.h"
#include "bpmn/feel/evaluator.h"
#include "bpmn/feel/parser.h"

namespace consilium::bpmn::feel {

std::string canonical_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::expected<Expression, SyntaxError> Expression::parse(std::string_view text, const ParseOptions& options) {
  auto tree = parse_tree(text, options);
  if (!tree) return std::unexpected(std::move(tree).error());
  Expression expression;
  expression.source_ = text;
  expression.ast_ = std::move(*tree);
  return expression;
}

std::expected<Expression, SyntaxError> Expression::parse_attribute(std::string_view text) {
  if (!text.starts_with('=')) return constant(Value(text));
  auto parsed = parse(text.substr(1));
  if (!parsed) return std::unexpected(SyntaxError{parsed.error().position + 1, parsed.error().message});
  return parsed;
}

Expression Expression::constant(Value value) {
  auto tree = std::make_shared<Ast>();
  Node& node = tree->nodes.emplace_back();
  node.literal = std::move(value);
  Expression expression;
  expression.source_ = node.literal.string() ? *node.literal.string() : to_json(node.literal);
  expression.is_static_ = true;
  expression.ast_ = std::move(tree);
  return expression;
}

Evaluation Expression::evaluate(const Scope& scope, const Environment& environment) const {
  if (!ast_) return {};
  return evaluate_tree(ast_, scope, environment);
}

}  // namespace consilium::bpmn::feel
