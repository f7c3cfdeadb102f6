// A decision model as it was read: immutable, its expressions parsed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/feel/ast.h"
#include "bpmn/feel/type.h"

namespace consilium::bpmn::dmn {

using Tree = std::shared_ptr<const feel::Ast>;

enum class HitPolicy : std::uint8_t { kUnique, kAny, kPriority, kFirst, kRuleOrder, kOutputOrder, kCollect };
enum class Aggregation : std::uint8_t { kNone, kSum, kMin, kMax, kCount };

struct DecisionTable {
  struct Input {
    std::string id;
    std::string name;  // label, or the expression
    Tree expression;
    feel::TypePointer type;  // null: any
    Tree allowed;            // null: anything
  };
  struct Output {
    std::string id;
    std::string name;  // as the result names it; may be empty when it is the only one
    std::string label;
    feel::TypePointer type;
    std::vector<Tree> priorities;  // tests, the most important first
    Tree fallback;                 // when no rule matches; null: none
  };
  struct Rule {
    std::string id;
    std::vector<Tree> tests;    // one an input
    std::vector<Tree> outputs;  // one an output
  };
  HitPolicy hit_policy = HitPolicy::kUnique;
  Aggregation aggregation = Aggregation::kNone;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<Rule> rules;
};

// A boxed expression: a tree of boxes with expressions at its leaves.
struct Box {
  enum class Kind : std::uint8_t {
    kLiteral,      // tree
    kTable,        // table
    kContext,      // parts with names, the result last when it has none
    kList,         // parts
    kRelation,     // parts row by row, names are its columns
    kInvocation,   // tree is the function, parts with names the arguments
    kFunction,     // parts[0] is the body, names and types its parameters
    kConditional,  // parts: if, then, else
    kFilter,       // parts: in, match
    kFor,          // names[0] in parts[0], result parts[1]
    kSome,
    kEvery,
    kBroken,  // it could not be read; gives null
  };
  Kind kind = Kind::kBroken;
  std::string id;
  feel::TypePointer type;  // null: any
  Tree tree;
  std::vector<Box> parts;
  std::vector<std::string> names;
  std::vector<feel::TypePointer> types;
  std::shared_ptr<const DecisionTable> table;
};

std::string_view name_of(Box::Kind kind);  // `DECISION_TABLE`, `LITERAL_EXPRESSION` …

struct Model;

// Something that a decision needs: an element of this model, or of one that is imported.
struct Requirement {
  std::string id;
  std::vector<std::string> imports;  // names of the imports on the way; empty: of this model
};

struct InputData {
  std::string id;
  std::string name;
  feel::TypePointer type;
};

struct Decision {
  std::string id;
  std::string name;
  std::string version_tag;    // an extension of Camunda's; empty: none
  std::string variable;       // its name when it has none
  bool names_itself = false;  // it has a variable
  feel::TypePointer type;
  Box logic;
  bool has_logic = false;
  std::vector<Requirement> requirements;  // inputs, decisions and knowledge
};

struct KnowledgeModel {
  std::string id;
  std::string name;
  std::string variable;
  Box function;
  feel::TypePointer result;
  std::vector<Requirement> requirements;
};

struct DecisionService {
  std::string id;
  std::string name;
  std::string variable;
  feel::TypePointer type;
  std::vector<Requirement> outputs;
  std::vector<Requirement> encapsulated;
  std::vector<Requirement> input_decisions;
  std::vector<Requirement> input_data;
};

struct Model {
  std::string id;
  std::string name;
  std::string name_space;
  std::string file;
  std::vector<InputData> inputs;
  std::vector<Decision> decisions;
  std::vector<KnowledgeModel> knowledge;
  std::vector<DecisionService> services;
  std::map<std::string, feel::TypePointer, std::less<>> types;
  std::map<std::string, std::shared_ptr<const Model>, std::less<>> imports;  // by the name of the import

  // By id, or else by name; null: there is none.
  const Decision* find_decision(std::string_view id_or_name) const;
  const DecisionService* find_service(std::string_view id_or_name) const;
  const KnowledgeModel* find_knowledge(std::string_view id_or_name) const;
  const InputData* find_input(std::string_view id_or_name) const;
};

using ModelPointer = std::shared_ptr<const Model>;

}  // namespace consilium::bpmn::dmn
