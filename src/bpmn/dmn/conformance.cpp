#include "bpmn/dmn/conformance.h"

#include <algorithm>
#include <map>
#include <pugixml.hpp>

#include "bpmn/dmn/engine.h"
#include "bpmn/feel/builtins.h"
#include "bpmn/feel/comparison.h"

namespace consilium::bpmn::dmn {
namespace {

using feel::Context;
using feel::List;
using feel::Value;
using pugi::xml_node;

std::string_view local(const char* name) {
  const std::string_view whole = name;
  const auto colon = whole.find(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

xml_node child_of(xml_node node, std::string_view name) {
  for (const xml_node child : node.children()) {
    if (local(child.name()) == name) return child;
  }
  return {};
}

std::string_view attribute_of(xml_node node, std::string_view name) {
  for (const auto attribute : node.attributes()) {
    if (local(attribute.name()) == name) return attribute.value();
  }
  return {};
}

std::string stripped(std::string text) {
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

Value typed_value(xml_node node) {
  if (attribute_of(node, "nil") == "true") return {};
  std::string text;
  for (const xml_node part : node.children()) text += part.value();
  const std::string_view type = attribute_of(node, "type");
  const auto kind = type.substr(type.find(':') == std::string_view::npos ? 0 : type.find(':') + 1);
  if (kind == "string" || kind.empty()) return text;
  text = stripped(std::move(text));
  if (kind == "boolean") return text == "true" || text == "1";
  if (kind == "date" || kind == "time" || kind == "dateTime" || kind == "duration") return feel::parse_at_literal(text);
  if (text.starts_with('+')) text.erase(0, 1);
  if (text.starts_with('.')) text.insert(0, 1, '0');
  if (text.starts_with("-.")) text.insert(1, 1, '0');
  if (text.ends_with('.')) text.pop_back();
  const auto number = feel::Decimal::parse(text);
  return number ? Value(*number) : Value("not a number: " + text);
}

// What stands in an input, an item, a component or `expected`: a value, a list, or components.
Value content_of(xml_node node) {
  if (attribute_of(node, "nil") == "true") return {};
  Context members;
  bool has_members = false;
  for (const xml_node child : node.children()) {
    const std::string_view name = local(child.name());
    if (name == "value") return typed_value(child);
    if (name == "list") {
      List items;
      for (const xml_node item : child.children()) {
        if (item.type() == pugi::node_element) items.push_back(content_of(item));
      }
      return attribute_of(child, "nil") == "true" ? Value() : Value(std::move(items));
    }
    if (name == "component") {
      members.insert_or_assign(std::string(attribute_of(child, "name")), content_of(child));
      has_members = true;
    }
  }
  return has_members ? Value(std::move(members)) : Value();
}

// Numbers of the cases are often cut: equal to eight digits is equal.
bool same_number(const feel::Decimal& actual, const feel::Decimal& expected) {
  if (actual == expected) return true;
  const auto difference = feel::Decimal::subtract(actual, expected);
  const auto limit = feel::Decimal::multiply(expected.absolute(), *feel::Decimal::parse("0.00000001"));
  return difference && limit && difference->absolute() <= *limit;
}

bool same(const Value& actual, const Value& expected) {
  if (actual.number() && expected.number()) return same_number(*actual.number(), *expected.number());
  if (const List *a = actual.list(), *b = expected.list(); a && b)
    return a->size() == b->size() &&
           std::equal(a->begin(), a->end(), b->begin(), [](const Value& x, const Value& y) { return same(x, y); });
  if (const Context *a = actual.context(), *b = expected.context(); a && b) {
    return a->size() == b->size() && std::equal(a->begin(), a->end(), b->begin(), [](const auto& x, const auto& y) {
             return x.first == y.first && same(x.second, y.second);
           });
  }
  return feel::equal(actual, expected).value_or(false);
}

std::string joined(const Decided& decided) {
  std::string out;
  if (decided.failure) out = decided.failure->decision_id + ": " + decided.failure->message;
  for (const std::string& problem : decided.problems) out += (out.empty() ? "" : "; ") + problem;
  return out;
}

// A moment that does not change from run to run, for the functions that ask for it.
const feel::Environment& environment() {
  static SeededRandom random(1);
  static const feel::Environment made{Timestamp{1'700'000'000'000'000}, &random};
  return made;
}

Decided evaluate(const ModelPointer& model, xml_node test, xml_node result, const Context& inputs) {
  const std::string type(attribute_of(test, "type"));
  const std::string invocable(attribute_of(test, "invocableName"));
  const std::string name(attribute_of(result, "name"));
  if (!invocable.empty() && type != "decision") {
    Decided decided = invoke(model, invocable, inputs, environment());
    // Of a service with several outputs the result is named.
    const DecisionService* service = model->find_service(invocable);
    if (service && service->outputs.size() > 1 && decided.output.context()) {
      const auto found = decided.output.context()->find(name);
      if (found != decided.output.context()->end()) decided.output = Value(found->second);
    }
    return decided;
  }
  return decide(model, name, inputs, environment());
}

}  // namespace

bool is_case_file(std::string_view xml) {
  pugi::xml_document document;
  return document.load_buffer(xml.data(), xml.size()) && local(document.document_element().name()) == "testCases";
}

std::expected<std::vector<CaseResult>, std::string> run_cases(std::string_view xml, std::span<const CaseModel> models) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  if (!parsed) return std::unexpected(std::string("not well-formed XML: ") + parsed.description());
  const xml_node root = document.document_element();
  const std::string wanted = stripped(child_of(root, "modelName").child_value());
  const auto model = std::find_if(models.begin(), models.end(), [&](const CaseModel& m) { return m.file == wanted; });
  if (model == models.end() || !model->model) return std::unexpected("there is no model '" + wanted + "' that can be read");
  std::vector<CaseResult> results;
  std::map<std::string, int> used;
  for (const xml_node test : root.children()) {
    if (local(test.name()) != "testCase") continue;
    Context inputs;
    for (const xml_node input : test.children()) {
      if (local(input.name()) == "inputNode") inputs.insert_or_assign(std::string(attribute_of(input, "name")), content_of(input));
    }
    for (const xml_node result : test.children()) {
      if (local(result.name()) != "resultNode") continue;
      const Value expected = content_of(child_of(result, "expected"));
      const Decided decided = evaluate(model->model, test, result, inputs);
      CaseResult made;
      made.name = std::string(attribute_of(test, "id")) + '/' + std::string(attribute_of(result, "name"));
      if (const int count = ++used[made.name]; count > 1) made.name += '#' + std::to_string(count);
      made.passed = same(decided.output, expected);
      made.expected = to_json(expected);
      made.actual = to_json(decided.output);
      made.why = joined(decided);
      results.push_back(std::move(made));
    }
  }
  return results;
}

}  // namespace consilium::bpmn::dmn
