// Builds the tree of an expression by recursive descent, at most kMaxExpressionDepth deep.
#pragma once

#include <expected>
#include <memory>
#include <string_view>

#include "bpmn/feel/ast.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::feel {

std::expected<std::shared_ptr<const Ast>, SyntaxError> parse_tree(std::string_view text);

}  // namespace consilium::bpmn::feel
