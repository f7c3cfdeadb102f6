// Builds the tree of an expression by recursive descent, at most kMaxExpressionDepth deep.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/feel/ast.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::feel {

// Names of several words and signs that an expression may use. They are found by their first word, the longest first.
class NameSet {
 public:
  void add(std::string_view name);
  bool contains(std::string_view name) const { return names_.contains(canonical_name(name)); }
  struct Name {
    std::string name;
    std::vector<std::string> words;
  };
  const std::vector<Name>* beginning_with(std::string_view word) const;

 private:
  std::map<std::string, std::vector<Name>, std::less<>> by_word_;
  std::map<std::string, bool, std::less<>> names_;
};

std::expected<std::shared_ptr<const Ast>, SyntaxError> parse_tree(std::string_view text, const ParseOptions& options = {});
// The tests of a cell of a decision table or of allowed values: `-`, `> 5, [1..3]`, `not("a")`.
std::expected<std::shared_ptr<const Ast>, SyntaxError> parse_tests(std::string_view text, const ParseOptions& options = {});
// A type: `list<number>`.
std::expected<TypePointer, SyntaxError> parse_type(std::string_view text, const ParseOptions& options);

}  // namespace consilium::bpmn::feel
