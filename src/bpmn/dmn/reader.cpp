#include "bpmn/dmn/reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <pugixml.hpp>
#include <set>

#include "bpmn/feel/expression.h"
#include "bpmn/feel/parser.h"
#include "bpmn/model/findings.h"
#include "bpmn/model/xml_document.h"

namespace consilium::bpmn::dmn {
namespace {

using feel::canonical_name;
using feel::NameSet;
using feel::TypePointer;
using pugi::xml_node;

// Without `http://` or `https://`: models mix them up.
constexpr std::string_view kNamespaces[] = {"www.omg.org/spec/DMN/20151101/dmn.xsd", "www.omg.org/spec/DMN/20151101/dmn11.xsd",
                                            "www.omg.org/spec/DMN/20180521/MODEL/",  "www.omg.org/spec/DMN/20191111/MODEL/",
                                            "www.omg.org/spec/DMN/20211108/MODEL/",  "www.omg.org/spec/DMN/20230324/MODEL/",
                                            "www.omg.org/spec/DMN/20240513/MODEL/"};

bool is_dmn(std::string_view space) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (space.starts_with(scheme)) space.remove_prefix(scheme.size());
  }
  return std::find(std::begin(kNamespaces), std::end(kNamespaces), space) != std::end(kNamespaces);
}

constexpr std::string_view kCamunda = "http://camunda.org/schema/zeebe/1.0";

constexpr std::size_t kMaxBoxes = 100'000;
constexpr int kMaxBoxDepth = 40;

std::string_view find_namespace(xml_node node, std::string_view prefix) {
  const std::string attribute = prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix);
  for (; node; node = node.parent()) {
    if (const auto declared = node.attribute(attribute.c_str())) return declared.value();
  }
  return {};
}

// The name without its prefix; empty: the element is none of DMN.
std::string_view dmn_name(xml_node node) {
  if (node.type() != pugi::node_element) return {};
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  const auto space = find_namespace(node, colon == std::string_view::npos ? std::string_view() : name.substr(0, colon));
  if (!is_dmn(space)) return {};
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::vector<xml_node> children_of(xml_node node, std::string_view name) {
  std::vector<xml_node> found;
  for (const xml_node child : node.children()) {
    if (dmn_name(child) == name) found.push_back(child);
  }
  return found;
}

xml_node child_of(xml_node node, std::string_view name) {
  for (const xml_node child : node.children()) {
    if (dmn_name(child) == name) return child;
  }
  return {};
}

// An extension of Camunda's.
std::string version_tag_of(xml_node decision) {
  for (const xml_node extension : child_of(decision, "extensionElements").children()) {
    const std::string_view name = extension.name();
    const auto colon = name.find(':');
    const bool is_tag = colon != std::string_view::npos && name.substr(colon + 1) == "versionTag";
    if (is_tag && find_namespace(extension, name.substr(0, colon)) == kCamunda) return extension.attribute("value").value();
  }
  return {};
}

std::string text_of(xml_node node) {
  std::string text;
  for (const xml_node part : child_of(node, "text").children()) text += part.value();
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

struct KindName {
  std::string_view name;
  Box::Kind kind;
};
constexpr KindName kBoxes[] = {{"literalExpression", Box::Kind::kLiteral},
                               {"decisionTable", Box::Kind::kTable},
                               {"context", Box::Kind::kContext},
                               {"list", Box::Kind::kList},
                               {"relation", Box::Kind::kRelation},
                               {"invocation", Box::Kind::kInvocation},
                               {"functionDefinition", Box::Kind::kFunction},
                               {"conditional", Box::Kind::kConditional},
                               {"filter", Box::Kind::kFilter},
                               {"for", Box::Kind::kFor},
                               {"some", Box::Kind::kSome},
                               {"every", Box::Kind::kEvery}};

std::optional<Box::Kind> box_kind(xml_node node) {
  const std::string_view name = dmn_name(node);
  for (const auto& [spelled, kind] : kBoxes) {
    if (spelled == name) return kind;
  }
  return std::nullopt;
}

xml_node box_in(xml_node node) {
  for (const xml_node child : node.children()) {
    if (box_kind(child)) return child;
  }
  return {};
}

// What may be named: the scope of an expression while it is parsed.
struct Names {
  NameSet scope;
};

class Reader {
 public:
  Reader(std::string_view file, std::span<const ModelPointer> imported, Types types) : findings_(file), imported_(imported), types_(types) {
    model_->file = file;
  }

  ReadResult read(std::string_view xml) {
    pugi::xml_document document;
    const bool loaded = load(document, xml);
    if (loaded) read_definitions(document.document_element());
    return {loaded ? ModelPointer(model_) : nullptr, findings_.take()};
  }

 private:
  bool load(pugi::xml_document& document, std::string_view xml) {
    auto loaded = model::load_xml(document, xml, model::BlankText::kKept);
    if (!loaded) return refuse_file(std::move(loaded.error()));
    if (dmn_name(document.document_element()) != "definitions") return refuse_file("the root element is not definitions of DMN 1.1 to 1.5");
    return true;
  }

  bool refuse_file(std::string message) {
    findings_.add("", std::move(message));
    return false;
  }

  void find(std::string_view id, std::string message) { findings_.add(id, std::move(message)); }

  // ---- definitions

  void read_definitions(xml_node root) {
    model_->id = root.attribute("id").value();
    model_->name = root.attribute("name").value();
    model_->name_space = root.attribute("namespace").value();
    for (const xml_node node : children_of(root, "import")) read_import(node);
    for (const xml_node node : children_of(root, "itemDefinition")) {
      const std::string name = canonical_name(node.attribute("name").value());
      if (name.empty()) find(node.attribute("id").value(), "an item definition has no name");
      if (!name.empty() && !item_nodes_.emplace(name, node).second) find(name, "the item definition is there more than once");
    }
    collect_names(root);
    for (const auto& [name, node] : item_nodes_) read_item(name);
    for (const xml_node node : root.children()) {
      const std::string_view name = dmn_name(node);
      if (name == "inputData") read_input(node);
      if (name == "decision") read_decision(node);
      if (name == "businessKnowledgeModel") read_knowledge(node);
      if (name == "decisionService") read_service(node);
    }
    check_requirements();
  }

  void read_import(xml_node node) {
    const std::string name = canonical_name(node.attribute("name").value());
    const std::string space = node.attribute("namespace").value();
    const std::string type = node.attribute("importType").value();
    if (!is_dmn(type)) {
      find(node.attribute("id").value(), "imports of type '" + type + "' are not supported");
      return;
    }
    const auto model = std::find_if(imported_.begin(), imported_.end(), [&](const ModelPointer& m) { return m && m->name_space == space; });
    if (model == imported_.end()) {
      find(node.attribute("id").value(), "there is no model with the namespace '" + space + "' to import");
      return;
    }
    if (!model_->imports.emplace(name, *model).second)
      find(node.attribute("id").value(), "the import '" + name + "' is there more than once");
  }

  static std::string variable_of(xml_node node) {
    const std::string name = canonical_name(child_of(node, "variable").attribute("name").value());
    return name.empty() ? canonical_name(node.attribute("name").value()) : name;
  }

  void add_model_names(const Model& model, NameSet& out, int depth) {
    if (depth > 8) return;
    for (const auto& item : model.inputs) out.add(item.name);
    for (const auto& item : model.decisions) out.add(item.variable);
    for (const auto& item : model.knowledge) out.add(item.variable);
    for (const auto& item : model.services) out.add(item.variable);
    for (const auto& [name, other] : model.imports) {
      out.add(name);
      add_model_names(*other, out, depth + 1);
    }
  }

  void collect_names(xml_node root) {
    for (const xml_node node : root.children()) {
      const std::string_view name = dmn_name(node);
      if (name == "inputData" || name == "decision" || name == "businessKnowledgeModel" || name == "decisionService")
        names_.scope.add(variable_of(node));
      if (name == "itemDefinition") collect_components(node, 0);
    }
    for (const auto& [name, model] : model_->imports) {
      if (name.empty())
        add_model_names(*model, names_.scope, 0);
      else
        names_.scope.add(name);
      add_model_names(*model, members_, 0);
    }
    collect_entries(root);
  }

  void collect_components(xml_node node, int depth) {
    if (depth > kMaxBoxDepth) return;
    for (const xml_node component : children_of(node, "itemComponent")) {
      members_.add(component.attribute("name").value());
      collect_components(component, depth + 1);
    }
  }

  // Names of entries, columns and outputs become members of what they make.
  void collect_entries(xml_node root) {
    for (xml_node node = root.first_child(); node;) {
      const std::string_view name = dmn_name(node);
      if (name == "contextEntry") members_.add(child_of(node, "variable").attribute("name").value());
      if (name == "column" || name == "output") members_.add(node.attribute("name").value());
      if (node.first_child()) {
        node = node.first_child();
        continue;
      }
      while (node != root && !node.next_sibling()) node = node.parent();
      if (node == root) return;
      node = node.next_sibling();
    }
  }

  // ---- types

  // `prefix:name` of the language's own namespace, and `import.name`.
  TypePointer find_type(std::string_view name) {
    if (const auto colon = name.find(':'); colon != std::string_view::npos) name = name.substr(colon + 1);
    const std::string spelled = canonical_name(name);
    if (item_nodes_.contains(spelled)) return read_item(spelled);
    if (auto known = feel::basic_type(spelled)) return known;
    for (const auto& [alias, model] : model_->imports) {
      const std::string prefix = alias.empty() ? "" : alias + '.';
      if (!spelled.starts_with(prefix)) continue;
      if (const auto found = model->types.find(spelled.substr(prefix.size())); found != model->types.end()) return found->second;
    }
    return nullptr;
  }

  TypePointer type_named(std::string_view name, std::string_view id) {
    if (name.empty() || types_ == Types::kIgnored) return nullptr;
    if (auto known = find_type(name)) return known;
    if (name.find('<') != std::string_view::npos) {
      if (auto parsed = feel::parse_type(name, options(names_))) return *parsed;
    }
    find(id, "there is no type '" + std::string(name.substr(0, 100)) + "'");
    return nullptr;
  }

  TypePointer read_item(const std::string& name) {
    if (const auto known = model_->types.find(name); known != model_->types.end()) return known->second;
    if (!open_items_.insert(name).second) {
      find(name, "the item definition contains itself");
      return feel::any_type();
    }
    TypePointer type = make_item(item_nodes_.at(name), name, 0);
    open_items_.erase(name);
    model_->types.emplace(name, type);
    return type;
  }

  TypePointer make_item(xml_node node, const std::string& name, int depth) {
    auto type = std::make_shared<feel::Type>();
    type->name = name;
    if (depth > kMaxBoxDepth) {
      find(name, "the item definition is nested too deep");
      return type;
    }
    const std::string base = text_content(child_of(node, "typeRef"));
    const auto components = children_of(node, "itemComponent");
    const xml_node function = child_of(node, "functionItem");
    if (function) {
      type->kind = feel::Type::Kind::kFunction;
      for (const xml_node parameter : children_of(function, "parameters")) {
        TypePointer given = type_named(parameter.attribute("typeRef").value(), name);
        type->parameters.push_back(given ? given : feel::any_type());
      }
      TypePointer result = type_named(function.attribute("outputTypeRef").value(), name);
      type->result = result ? result : feel::any_type();
    } else if (!components.empty()) {
      type->kind = feel::Type::Kind::kContext;
      for (const xml_node component : components) {
        const std::string member = canonical_name(component.attribute("name").value());
        type->members.emplace_back(member, make_item(component, "", depth + 1));
      }
    } else if (!base.empty()) {
      if (const TypePointer known = type_named(base, name.empty() ? node.attribute("id").value() : name)) {
        *type = *known;
        type->name = name.empty() ? known->name : name;
      }
    }
    const xml_node allowed = child_of(node, "allowedValues");
    if (allowed) add_tests(*type, allowed, name);
    const bool collection = std::string_view(node.attribute("isCollection").value()) == "true";
    if (!collection) {
      if (const xml_node constraint = child_of(node, "typeConstraint")) add_tests(*type, constraint, name);
      return type;
    }
    auto list = std::make_shared<feel::Type>();
    list->kind = feel::Type::Kind::kList;
    list->name = name;
    if (!base.empty() && !allowed && !function && components.empty()) type->name.clear();
    list->element = type;
    if (const xml_node constraint = child_of(node, "typeConstraint")) add_tests(*list, constraint, name);
    return list;
  }

  void add_tests(feel::Type& type, xml_node node, const std::string& name) {
    const std::string text = text_of(node);
    if (text.empty()) return;
    if (Tree tree = tests(text, name, names_)) type.allowed.push_back(std::move(tree));
  }

  static std::string text_content(xml_node node) {
    std::string text;
    for (const xml_node part : node.children()) text += part.value();
    return canonical_name(text);
  }

  // ---- expressions

  feel::ParseOptions options(const Names& names) {
    feel::ParseOptions made;
    made.names = &names.scope;
    made.members = &members_;
    made.type = [this](std::string_view name) { return find_type(name); };
    made.strict = false;
    return made;
  }

  Tree expression(const std::string& text, std::string_view id, const Names& names) {
    auto parsed = feel::parse_tree(text, options(names));
    if (parsed) return std::move(*parsed);
    find(id, "'" + text.substr(0, 60) + "': " + parsed.error().message + " at character " + std::to_string(parsed.error().position + 1));
    return nullptr;
  }

  Tree tests(const std::string& text, std::string_view id, const Names& names) {
    auto parsed = feel::parse_tests(text.empty() ? "-" : text, options(names));
    if (parsed) return std::move(*parsed);
    find(id, "'" + text.substr(0, 60) + "': " + parsed.error().message + " at character " + std::to_string(parsed.error().position + 1));
    return nullptr;
  }

  static std::string id_of(xml_node node, std::string_view owner) {
    const std::string id = node.attribute("id").value();
    return id.empty() ? std::string(owner) : id;
  }

  Box broken(std::string_view id, std::string message) {
    find(id, std::move(message));
    Box box;
    box.id = id;
    return box;
  }

  Box read_box(xml_node node, std::string_view owner, const Names& names, int depth) {
    const auto kind = box_kind(node);
    const std::string id = id_of(node, owner);
    if (!node || !kind) return broken(id, "an expression is missing");
    if (depth > kMaxBoxDepth) return broken(id, "boxed expressions are nested too deep");
    if (++boxes_ > kMaxBoxes) return broken(id, "the model has too many expressions");
    Box box;
    box.kind = *kind;
    box.id = id;
    if (*kind != Box::Kind::kFunction) box.type = type_named(node.attribute("typeRef").value(), id);
    switch (*kind) {
      case Box::Kind::kLiteral: read_literal(node, box, names); break;
      case Box::Kind::kTable: box.table = read_table(node, id, names); break;
      case Box::Kind::kContext: read_context(node, box, names, depth); break;
      case Box::Kind::kRelation: read_relation(node, box, names, depth); break;
      case Box::Kind::kInvocation: read_invocation(node, box, names, depth); break;
      case Box::Kind::kFunction: read_function(node, box, names, depth); break;
      case Box::Kind::kConditional: read_parts(node, box, {"if", "then", "else"}, names, depth); break;
      case Box::Kind::kFilter: read_filter(node, box, names, depth); break;
      case Box::Kind::kFor: read_iteration(node, box, "return", names, depth); break;
      case Box::Kind::kSome:
      case Box::Kind::kEvery: read_iteration(node, box, "satisfies", names, depth); break;
      default:
        for (const xml_node child : node.children()) {
          if (box_kind(child)) box.parts.push_back(read_box(child, id, names, depth + 1));
        }
    }
    return box;
  }

  void check_language(xml_node expression, const std::string& id) {
    const std::string language = expression.attribute("expressionLanguage").value();
    if (!language.empty() && language.find("FEEL") == std::string::npos && language.find("feel") == std::string::npos)
      find(id, "the expression language '" + language.substr(0, 100) + "' is not supported");
  }

  void read_literal(xml_node node, Box& box, const Names& names) {
    check_language(node, box.id);
    if (child_of(node, "importedValues")) find(box.id, "imported values are not supported");
    const std::string text = text_of(node);
    box.tree = expression(text, box.id, names);
    if (!box.tree) box.kind = Box::Kind::kBroken;
  }

  void read_parts(xml_node node, Box& box, std::initializer_list<std::string_view> parts, const Names& names, int depth) {
    for (const std::string_view part : parts) box.parts.push_back(read_box(box_in(child_of(node, part)), box.id, names, depth + 1));
  }

  void read_context(xml_node node, Box& box, const Names& names, int depth) {
    Names inner = names;
    for (const xml_node entry : children_of(node, "contextEntry")) {
      const xml_node variable = child_of(entry, "variable");
      const std::string name = canonical_name(variable.attribute("name").value());
      // A function may call itself by the name of its entry.
      if (dmn_name(box_in(entry)) == "functionDefinition") inner.scope.add(name);
      box.parts.push_back(read_box(box_in(entry), box.id, inner, depth + 1));
      box.names.push_back(name);
      box.types.push_back(type_named(variable.attribute("typeRef").value(), id_of(variable, box.id)));
      if (!name.empty()) inner.scope.add(name);
    }
  }

  void read_relation(xml_node node, Box& box, const Names& names, int depth) {
    for (const xml_node column : children_of(node, "column")) {
      box.names.push_back(canonical_name(column.attribute("name").value()));
      box.types.push_back(type_named(column.attribute("typeRef").value(), id_of(column, box.id)));
    }
    for (const xml_node row : children_of(node, "row")) {
      std::size_t count = 0;
      for (const xml_node cell : row.children()) {
        if (!box_kind(cell)) continue;
        box.parts.push_back(read_box(cell, box.id, names, depth + 1));
        ++count;
      }
      if (count == box.names.size()) continue;
      find(id_of(row, box.id), "the row has " + std::to_string(count) + " cells for " + std::to_string(box.names.size()) + " columns");
      box.parts.resize(box.parts.size() + (box.names.size() - std::min(count, box.names.size())));
      if (count > box.names.size()) box.parts.resize(box.parts.size() - (count - box.names.size()));
    }
  }

  void read_invocation(xml_node node, Box& box, const Names& names, int depth) {
    const xml_node callee = box_in(node);
    box.tree = callee ? expression(text_of(callee), box.id, names) : nullptr;
    if (!callee) find(box.id, "the invocation names no function");
    for (const xml_node binding : children_of(node, "binding")) {
      box.names.push_back(canonical_name(child_of(binding, "parameter").attribute("name").value()));
      const xml_node value = box_in(binding);
      box.parts.push_back(value ? read_box(value, box.id, names, depth + 1) : Box{});
    }
  }

  void read_function(xml_node node, Box& box, const Names& names, int depth) {
    Names inner = names;
    for (const xml_node parameter : children_of(node, "formalParameter")) {
      box.names.push_back(canonical_name(parameter.attribute("name").value()));
      box.types.push_back(type_named(parameter.attribute("typeRef").value(), id_of(parameter, box.id)));
      inner.scope.add(box.names.back());
    }
    box.type = type_named(node.attribute("typeRef").value(), box.id);
    if (box.type && box.type->kind == feel::Type::Kind::kFunction) box.type = box.type->result;
    const std::string_view kind = node.attribute("kind").value();
    if (!kind.empty() && kind != "FEEL") {
      Box nothing;  // other languages are not run: the function gives null
      box.parts.push_back(std::move(nothing));
      return;
    }
    box.parts.push_back(read_box(box_in(node), box.id, inner, depth + 1));
  }

  void read_filter(xml_node node, Box& box, const Names& names, int depth) {
    box.parts.push_back(read_box(box_in(child_of(node, "in")), box.id, names, depth + 1));
    Names inner = names;
    inner.scope.add("item");
    box.parts.push_back(read_box(box_in(child_of(node, "match")), box.id, inner, depth + 1));
  }

  void read_iteration(xml_node node, Box& box, std::string_view result, const Names& names, int depth) {
    const std::string name = canonical_name(node.attribute("iteratorVariable").value());
    if (name.empty()) find(box.id, "the iteration names no variable");
    box.names.push_back(name);
    box.types.push_back(type_named(child_of(node, "in").attribute("typeRef").value(), box.id));
    box.parts.push_back(read_box(box_in(child_of(node, "in")), box.id, names, depth + 1));
    Names inner = names;
    inner.scope.add(name);
    box.parts.push_back(read_box(box_in(child_of(node, result)), box.id, inner, depth + 1));
  }

  // ---- decision tables

  std::shared_ptr<const DecisionTable> read_table(xml_node node, const std::string& id, const Names& names) {
    auto table = std::make_shared<DecisionTable>();
    read_policy(node, id, *table);
    for (const xml_node input : children_of(node, "input")) read_table_input(input, id, *table, names);
    for (const xml_node output : children_of(node, "output")) read_table_output(output, id, *table, names);
    if (table->outputs.empty()) find(id, "the decision table has no output");
    for (const xml_node rule : children_of(node, "rule")) read_rule(rule, id, *table, names);
    if (table->aggregation != Aggregation::kNone && table->outputs.size() > 1)
      find(id, "a decision table that aggregates has one output only");
    const bool ordered = table->hit_policy == HitPolicy::kPriority || table->hit_policy == HitPolicy::kOutputOrder;
    const bool has_order =
        std::any_of(table->outputs.begin(), table->outputs.end(), [](const auto& output) { return !output.priorities.empty(); });
    if (ordered && !has_order) find(id, "the hit policy needs output values that say what is more important");
    return table;
  }

  void read_policy(xml_node node, const std::string& id, DecisionTable& table) {
    static constexpr std::pair<std::string_view, HitPolicy> kPolicies[] = {
        {"UNIQUE", HitPolicy::kUnique},        {"ANY", HitPolicy::kAny},
        {"PRIORITY", HitPolicy::kPriority},    {"FIRST", HitPolicy::kFirst},
        {"RULE ORDER", HitPolicy::kRuleOrder}, {"OUTPUT ORDER", HitPolicy::kOutputOrder},
        {"COLLECT", HitPolicy::kCollect}};
    static constexpr std::pair<std::string_view, Aggregation> kAggregations[] = {
        {"SUM", Aggregation::kSum}, {"MIN", Aggregation::kMin}, {"MAX", Aggregation::kMax}, {"COUNT", Aggregation::kCount}};
    const std::string_view policy = node.attribute("hitPolicy").as_string("UNIQUE");
    const auto* const known = std::find_if(std::begin(kPolicies), std::end(kPolicies), [&](const auto& p) { return p.first == policy; });
    if (known == std::end(kPolicies))
      find(id, "there is no hit policy '" + std::string(policy.substr(0, 40)) + "'");
    else
      table.hit_policy = known->second;
    const std::string_view aggregation = node.attribute("aggregation").value();
    if (aggregation.empty()) return;
    const auto* const way =
        std::find_if(std::begin(kAggregations), std::end(kAggregations), [&](const auto& a) { return a.first == aggregation; });
    if (way == std::end(kAggregations))
      find(id, "there is no aggregation '" + std::string(aggregation.substr(0, 40)) + "'");
    else if (table.hit_policy != HitPolicy::kCollect)
      find(id, "only the hit policy COLLECT aggregates");
    else
      table.aggregation = way->second;
  }

  void read_table_input(xml_node node, const std::string& owner, DecisionTable& table, const Names& names) {
    DecisionTable::Input input;
    input.id = id_of(node, owner);
    const xml_node expression_node = child_of(node, "inputExpression");
    check_language(expression_node, input.id);
    const std::string text = text_of(expression_node);
    input.name = node.attribute("label").value();
    if (input.name.empty()) input.name = text;
    input.type = type_named(expression_node.attribute("typeRef").value(), input.id);
    if (text.empty())
      find(input.id, "the input of a decision table has no expression");
    else
      input.expression = expression(text, input.id, names);
    if (const std::string allowed = text_of(child_of(node, "inputValues")); !allowed.empty())
      input.allowed = tests(allowed, input.id, names);
    table.inputs.push_back(std::move(input));
  }

  void read_table_output(xml_node node, const std::string& owner, DecisionTable& table, const Names& names) {
    DecisionTable::Output output;
    output.id = id_of(node, owner);
    output.name = canonical_name(node.attribute("name").value());
    output.label = node.attribute("label").value();
    output.type = type_named(node.attribute("typeRef").value(), output.id);
    if (const std::string values = text_of(child_of(node, "outputValues")); !values.empty()) {
      if (const Tree all = tests(values, output.id, names)) split_tests(all, output.priorities);
    } else if (output.type) {
      for (const Tree& all : output.type->allowed) split_tests(all, output.priorities);
    }
    if (const std::string text = text_of(child_of(node, "defaultOutputEntry")); !text.empty())
      output.fallback = expression(text, output.id, names);
    table.outputs.push_back(std::move(output));
    if (table.outputs.size() > 1 && (table.outputs.back().name.empty() || table.outputs.front().name.empty()))
      find(table.outputs.back().id, "each of several outputs needs a name");
  }

  // One tree a test, so that a value's place among them can be asked.
  static void split_tests(const Tree& all, std::vector<Tree>& out) {
    const feel::Node& root = all->nodes[all->root];
    for (const std::uint32_t child : root.children) {
      auto one = std::make_shared<feel::Ast>(*all);
      one->nodes[one->root].children = {child};
      out.push_back(std::move(one));
      if (out.size() > 1000) return;
    }
  }

  void read_rule(xml_node node, const std::string& owner, DecisionTable& table, const Names& names) {
    DecisionTable::Rule rule;
    rule.id = id_of(node, owner);
    boxes_ += table.inputs.size() + table.outputs.size();
    if (boxes_ > kMaxBoxes) {
      if (!std::exchange(too_many_, true)) find(owner, "the model has too many expressions");
      return;
    }
    for (const xml_node entry : children_of(node, "inputEntry")) {
      check_language(entry, id_of(entry, rule.id));
      rule.tests.push_back(tests(text_of(entry), id_of(entry, rule.id), names));
    }
    for (const xml_node entry : children_of(node, "outputEntry")) {
      check_language(entry, id_of(entry, rule.id));
      const std::string text = text_of(entry);
      rule.outputs.push_back(text.empty() ? nullptr : expression(text, id_of(entry, rule.id), names));
    }
    if (rule.tests.size() != table.inputs.size()) {
      find(rule.id, "the rule has " + std::to_string(rule.tests.size()) + " tests for " + std::to_string(table.inputs.size()) + " inputs");
      return;
    }
    if (rule.outputs.size() != table.outputs.size()) {
      find(rule.id, "the rule has " + std::to_string(rule.outputs.size()) + " outputs for " + std::to_string(table.outputs.size()));
      return;
    }
    table.rules.push_back(std::move(rule));
  }

  // ---- the graph

  bool take_identity(xml_node node, std::string& id, std::string& name) {
    id = node.attribute("id").value();
    name = canonical_name(node.attribute("name").value());
    if (name.empty()) find(id, std::string(dmn_name(node)) + " has no name");
    if (id.empty()) id = name;
    if (id.empty()) return false;
    if (id.size() > model::kMaxIdBytes) {
      find(id.substr(0, 40), "the id is longer than 255 bytes");
      return false;
    }
    if (!ids_.insert(id).second) {
      find(id, "the id is used more than once");
      return false;
    }
    return true;
  }

  TypePointer variable_type(xml_node node, const std::string& id) {
    return type_named(child_of(node, "variable").attribute("typeRef").value(), id);
  }

  void read_input(xml_node node) {
    InputData input;
    if (!take_identity(node, input.id, input.name)) return;
    if (const std::string variable = variable_of(node); !variable.empty()) input.name = variable;
    input.type = variable_type(node, input.id);
    model_->inputs.push_back(std::move(input));
  }

  void read_decision(xml_node node) {
    Decision decision;
    if (!take_identity(node, decision.id, decision.name)) return;
    decision.version_tag = version_tag_of(node);
    decision.variable = variable_of(node);
    decision.names_itself = !canonical_name(child_of(node, "variable").attribute("name").value()).empty();
    decision.type = variable_type(node, decision.id);
    read_requirements(node, "informationRequirement", {"requiredInput", "requiredDecision"}, decision.requirements);
    read_requirements(node, "knowledgeRequirement", {"requiredKnowledge", ""}, decision.requirements);
    if (const xml_node box = box_in(node)) {
      decision.logic = read_box(box, decision.id, names_, 0);
      decision.has_logic = true;
    }
    model_->decisions.push_back(std::move(decision));
  }

  void read_knowledge(xml_node node) {
    KnowledgeModel knowledge;
    if (!take_identity(node, knowledge.id, knowledge.name)) return;
    knowledge.variable = variable_of(node);
    read_requirements(node, "knowledgeRequirement", {"requiredKnowledge", ""}, knowledge.requirements);
    const TypePointer declared = variable_type(node, knowledge.id);
    if (const xml_node logic = child_of(node, "encapsulatedLogic")) {
      knowledge.function.kind = Box::Kind::kFunction;
      knowledge.function.id = knowledge.id;
      read_function(logic, knowledge.function, names_, 0);
    } else {
      find(knowledge.id, "the business knowledge model has no logic");
    }
    // The variable tells the type of the function, or as many models have it, that of its result.
    if (declared) knowledge.result = declared->kind == feel::Type::Kind::kFunction && declared->result ? declared->result : declared;
    model_->knowledge.push_back(std::move(knowledge));
  }

  void read_service(xml_node node) {
    DecisionService service;
    if (!take_identity(node, service.id, service.name)) return;
    service.variable = variable_of(node);
    service.type = variable_type(node, service.id);
    if (service.type && service.type->kind == feel::Type::Kind::kFunction && service.type->result) service.type = service.type->result;
    for (const auto& [name, list] :
         {std::pair{"outputDecision", &service.outputs}, std::pair{"encapsulatedDecision", &service.encapsulated},
          std::pair{"inputDecision", &service.input_decisions}, std::pair{"inputData", &service.input_data}}) {
      for (const xml_node reference : children_of(node, name)) {
        if (auto required = requirement(reference, service.id)) list->push_back(std::move(*required));
      }
    }
    model_->services.push_back(std::move(service));
  }

  void read_requirements(xml_node node, std::string_view name, std::array<std::string_view, 2> kinds, std::vector<Requirement>& out) {
    for (const xml_node required : children_of(node, name)) {
      for (const std::string_view kind : kinds) {
        if (kind.empty()) continue;
        for (const xml_node reference : children_of(required, kind)) {
          if (auto made = requirement(reference, node.attribute("id").value())) out.push_back(std::move(*made));
        }
      }
    }
  }

  // `#id`, or `namespace#id` of an imported model.
  std::optional<Requirement> requirement(xml_node node, std::string_view owner) {
    const std::string_view href = node.attribute("href").value();
    const auto hash = href.rfind('#');
    if (hash == std::string_view::npos) {
      find(owner, "the reference '" + std::string(href.substr(0, 100)) + "' is no '#id'");
      return std::nullopt;
    }
    Requirement made{std::string(href.substr(hash + 1)), {}};
    const std::string_view space = href.substr(0, hash);
    if (space.empty() || space == model_->name_space) return made;
    for (const auto& [name, model] : model_->imports) {
      if (model->name_space != space) continue;
      made.imports = {name};
      return made;
    }
    find(owner, "the reference '" + std::string(href.substr(0, 100)) + "' is to a model that is not imported");
    return std::nullopt;
  }

  bool exists(const Requirement& required) const {
    const Model* model = model_.get();
    for (const std::string& name : required.imports) model = model->imports.at(name).get();
    const auto has = [&](const auto& list) {
      return std::any_of(list.begin(), list.end(), [&](const auto& item) { return item.id == required.id; });
    };
    return has(model->inputs) || has(model->decisions) || has(model->knowledge) || has(model->services);
  }

  void check_list(std::string_view owner, std::vector<Requirement>& list) {
    std::erase_if(list, [&](const Requirement& required) {
      if (exists(required)) return false;
      find(owner, "there is no element '" + required.id.substr(0, 100) + "' that it requires");
      return true;
    });
  }

  void check_requirements() {
    for (Decision& decision : model_->decisions) check_list(decision.id, decision.requirements);
    for (KnowledgeModel& knowledge : model_->knowledge) check_list(knowledge.id, knowledge.requirements);
    for (DecisionService& service : model_->services) {
      check_list(service.id, service.outputs);
      check_list(service.id, service.encapsulated);
      check_list(service.id, service.input_decisions);
      check_list(service.id, service.input_data);
      if (service.outputs.empty()) find(service.id, "the decision service has no output decision");
    }
    check_cycles();
  }

  // Takes away again and again what requires nothing that is left; what remains goes in a circle.
  void check_cycles() {
    std::map<std::string, std::vector<std::string>> open;
    for (const Decision& decision : model_->decisions) {
      for (const Requirement& required : decision.requirements) {
        if (required.imports.empty() && model_->find_decision(required.id)) open[decision.id].push_back(required.id);
      }
    }
    for (bool changed = true; changed;) {
      changed = std::erase_if(open, [&](const auto& entry) {
                  return std::none_of(entry.second.begin(), entry.second.end(), [&](const std::string& id) { return open.contains(id); });
                }) > 0;
    }
    for (const auto& [id, required] : open) find(id, "the decision requires itself, by way of others or not");
  }

  model::Findings findings_;
  std::span<const ModelPointer> imported_;
  Types types_;
  std::shared_ptr<Model> model_ = std::make_shared<Model>();
  std::map<std::string, xml_node> item_nodes_;
  std::set<std::string> open_items_;
  std::set<std::string> ids_;
  Names names_;
  NameSet members_;
  std::size_t boxes_ = 0;
  bool too_many_ = false;
};

// The namespaces that a file imports and its own; empty when it cannot be read.
struct Header {
  std::string own;
  std::set<std::string> imports;
};

Header header_of(std::string_view xml) {
  Header header;
  pugi::xml_document document;
  if (xml.size() > model::kMaxModelBytes || !document.load_buffer(xml.data(), xml.size())) return header;
  header.own = document.document_element().attribute("namespace").value();
  for (const xml_node node : document.document_element().children()) {
    const std::string_view name = node.name();
    if (name == "import" || name.ends_with(":import")) header.imports.insert(node.attribute("namespace").value());
  }
  return header;
}

}  // namespace

ReadResult read_model(std::string_view file, std::string_view xml, std::span<const ModelPointer> imported, Types types) {
  return Reader(file, imported, types).read(xml);
}

std::vector<ReadResult> read_models(std::span<const File> files) {
  std::vector<Header> headers;
  for (const File& file : files) headers.push_back(header_of(file.xml));
  std::vector<ReadResult> results(files.size());
  std::vector<bool> done(files.size());
  std::vector<ModelPointer> read;
  // What imports only what was read already comes next; files that import one another in a circle come last, as they are.
  for (std::size_t count = 0; count < files.size(); ++count) {
    std::size_t next = files.size();
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (done[i]) continue;
      const bool ready = std::none_of(headers[i].imports.begin(), headers[i].imports.end(), [&](const std::string& space) {
        for (std::size_t other = 0; other < files.size(); ++other) {
          if (other != i && !done[other] && headers[other].own == space) return true;
        }
        return false;
      });
      if (ready || next == files.size()) next = i;
      if (ready) break;
    }
    done[next] = true;
    results[next] = read_model(files[next].name, files[next].xml, read);
    if (results[next].model) read.push_back(results[next].model);
  }
  return results;
}

}  // namespace consilium::bpmn::dmn
