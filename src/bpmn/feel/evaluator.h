// Walks the tree of an expression.
#pragma once

#include "bpmn/feel/ast.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::feel {

Evaluation evaluate_tree(const Ast& ast, const Scope& scope);

}  // namespace consilium::bpmn::feel
