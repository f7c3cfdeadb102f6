// Fuzzes the reader of decision models and of test cases, and evaluates what is accepted. libFuzzer, or with the corpus alone in the
// tests.
#include <span>
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "bpmn/dmn/conformance.h"
#include "bpmn/dmn/engine.h"
#include "bpmn/dmn/reader.h"

namespace consilium::bpmn::dmn {
namespace {

void check_table(const DecisionTable& table) {
  for (const auto& rule : table.rules) require(rule.tests.size() == table.inputs.size() && rule.outputs.size() == table.outputs.size());
}

void check_box(const Box& box) {
  require(!name_of(box.kind).empty());
  if (box.kind == Box::Kind::kTable) require(box.table != nullptr);
  if (box.kind == Box::Kind::kLiteral) require(box.tree != nullptr);
  if (box.kind == Box::Kind::kContext) require(box.names.size() == box.parts.size() && box.types.size() == box.parts.size());
  if (box.table) check_table(*box.table);
  for (const Box& part : box.parts) check_box(part);
}

void check_decided(const Decided& decided) {
  require(decided.problems.size() <= feel::kMaxProblems && (!decided.failure || decided.output.is_null()));
  require(!feel::to_json(decided.output).empty());
  for (const EvaluatedDecision& each : decided.evaluated) {
    require(!each.type.empty());
    for (const MatchedRule& rule : each.rules) require(rule.index >= 1);
  }
}

void fuzz_model(std::string_view xml) {
  // What it may import.
  static const ModelPointer base =
      read_model(
          "base.dmn",
          "<definitions xmlns='https://www.omg.org/spec/DMN/20230324/MODEL/' name='base' namespace='urn:base'>"
          "<itemDefinition name='tB'><typeRef>number</typeRef></itemDefinition><inputData id='a' name='a'><variable name='a'/></inputData>"
          "<decision id='d' name='d e'><variable name='d "
          "e'/><literalExpression><text>5</text></literalExpression></decision></definitions>")
          .model;
  const ReadResult read = read_model("fuzz.dmn", xml, std::span(&base, 1));
  require(read.findings.size() <= model::kMaxFindings);
  for (const Finding& finding : read.findings) require(finding.file == "fuzz.dmn" && !finding.message.empty());
  if (!read.model) return require(!read.findings.empty());
  static const feel::Context variables = *feel::parse_variables(R"({"a": 5, "b": "x", "Age": 30, "list": [1, 2, {"a": 1}]})");
  int evaluated = 0;
  for (const Decision& decision : read.model->decisions) {
    check_box(decision.logic);
    require(read.model->find_decision(decision.id) != nullptr);
    if (++evaluated > 4) continue;  // each may take its whole budget
    const Decided first = decide(read.model, decision.id, variables);
    check_decided(first);
    require(feel::to_json(decide(read.model, decision.id, variables).output) == feel::to_json(first.output));
  }
  for (const KnowledgeModel& knowledge : read.model->knowledge) {
    check_box(knowledge.function);
    if (++evaluated <= 6) check_decided(invoke(read.model, knowledge.id, variables));
  }
  for (const DecisionService& service : read.model->services) {
    if (++evaluated <= 8) check_decided(invoke(read.model, service.id, variables));
  }
}

void fuzz_cases(std::string_view xml) {
  static const ModelPointer model =
      read_model("m.dmn",
                 "<definitions xmlns='https://www.omg.org/spec/DMN/20230324/MODEL/' name='m' namespace='n'>"
                 "<inputData id='a' name='a'><variable name='a'/></inputData>"
                 "<decision id='x' name='x'><variable name='x'/><informationRequirement><requiredInput href='#a'/>"
                 "</informationRequirement><literalExpression><text>[a, {b: a}]</text></literalExpression></decision>"
                 "<decisionService id='s' name='s'><outputDecision href='#x'/><outputDecision href='#y'/><inputData href='#a'/>"
                 "</decisionService><decision id='y' name='y'><variable name='y'/><literalExpression><text>1/3</text>"
                 "</literalExpression></decision></definitions>")
          .model;
  const CaseModel models[] = {{"m.dmn", model}};
  is_case_file(xml);
  const auto results = run_cases(xml, models);
  if (!results) return require(!results.error().empty());
  for (const CaseResult& result : *results) require(!result.name.empty() && !result.expected.empty() && !result.actual.empty());
}

}  // namespace

// The first byte says what the rest is: a model or test cases.
void fuzz_dmn(std::string_view input) {
  const auto [kind, rest] = split_kind(input);
  if (kind == 'm') return fuzz_model(rest);
  fuzz_cases(rest);
}

}  // namespace consilium::bpmn::dmn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::bpmn::dmn::fuzz_dmn(consilium::fuzz_input(data, size));
  return 0;
}
