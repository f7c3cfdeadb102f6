#include <gtest/gtest.h>

#include "base/random.h"
#include "bpmn/dmn/conformance.h"
#include "bpmn/dmn/engine.h"
#include "bpmn/dmn/reader.h"

namespace consilium::bpmn::dmn {
namespace {

std::string definitions(const std::string& content, const std::string& space = "urn:test", const std::string& more = "") {
  return "<definitions xmlns='https://www.omg.org/spec/DMN/20230324/MODEL/' id='d' name='test' namespace='" + space + "' " + more + ">" +
         content + "</definitions>";
}

std::string literal(const std::string& text) { return "<literalExpression><text><![CDATA[" + text + "]]></text></literalExpression>"; }

std::string decision(const std::string& name, const std::string& logic, const std::string& required = "", const std::string& type = "") {
  std::string out = "<decision id='" + name + "' name='" + name + "'><variable name='" + name + "'" +
                    (type.empty() ? "" : " typeRef='" + type + "'") + "/>";
  std::string rest = required;
  while (!rest.empty()) {  // words: `in:x` an input, `on:y` a decision, `by:f` knowledge
    const auto end = std::min(rest.find(' '), rest.size());
    const std::string word = rest.substr(0, end);
    rest.erase(0, end + 1);
    const std::string href = "href='#" + word.substr(3) + "'/>";
    if (word.starts_with("in:")) out += "<informationRequirement><requiredInput " + href + "</informationRequirement>";
    if (word.starts_with("on:")) out += "<informationRequirement><requiredDecision " + href + "</informationRequirement>";
    if (word.starts_with("by:")) out += "<knowledgeRequirement><requiredKnowledge " + href + "</knowledgeRequirement>";
  }
  return out + logic + "</decision>";
}

std::string input(const std::string& name, const std::string& type = "") {
  return "<inputData id='" + name + "' name='" + name + "'><variable name='" + name + "'" +
         (type.empty() ? "" : " typeRef='" + type + "'") + "/></inputData>";
}

std::string findings_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) out += finding.file + '|' + finding.element_id + '|' + finding.message + '\n';
  return out;
}

ModelPointer sound(const std::string& xml) {
  ReadResult read = read_model("t.dmn", xml);
  EXPECT_EQ(findings_of(read.findings), "");
  return read.model;
}

std::string decided(const ModelPointer& model, std::string_view decision_id, std::string_view variables = "{}") {
  const Decided result = decide(model, decision_id, *feel::parse_variables(variables));
  return result.failure ? "failed " + result.failure->decision_id + ": " + result.failure->message : feel::to_json(result.output);
}

// Rules are lines of cells; inputs are `a` and, when there are two, `b`.
std::string table(const std::string& policy, const std::vector<std::vector<std::string>>& rules, std::size_t inputs,
                  const std::string& outputs) {
  std::string out = "<decisionTable id='table' " + policy + ">";
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    out += "<input id='in-" + name + "'><inputExpression><text>" + name + "</text></inputExpression></input>";
  }
  out += outputs;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    out += "<rule id='rule-" + std::to_string(i + 1) + "'>";
    for (std::size_t j = 0; j < rules[i].size(); ++j) {
      const std::string kind = j < inputs ? "inputEntry" : "outputEntry";
      out += "<" + kind + "><text><![CDATA[" + rules[i][j] + "]]></text></" + kind + ">";
    }
    out += "</rule>";
  }
  return out + "</decisionTable>";
}

const std::string kOneOutput = "<output id='out' name='r'/>";
const std::string kOrdered = "<output id='out' name='r'><outputValues><text>\"high\", \"mid\", \"low\"</text></outputValues></output>";

std::string by_policy(const std::string& policy, const std::string& outputs, const std::vector<std::vector<std::string>>& rules,
                      std::string_view a) {
  const auto model = sound(definitions(input("a") + decision("x", table(policy, rules, 1, outputs), "in:a")));
  return decided(model, "x", "{\"a\": " + std::string(a) + "}");
}

TEST(DecisionTable, KnowsEveryHitPolicy) {
  const std::vector<std::vector<std::string>> rules = {{"> 1", "\"low\""}, {"> 2", "\"high\""}, {"> 3", "\"mid\""}, {"> 4", "\"high\""}};
  EXPECT_EQ(by_policy("hitPolicy='UNIQUE'", kOneOutput, rules, "2"), "\"low\"");
  EXPECT_EQ(by_policy("hitPolicy='UNIQUE'", kOneOutput, rules, "3"),
            "failed x: the hit policy UNIQUE lets one rule match, but the rules 1, 2 do");
  EXPECT_EQ(by_policy("", kOneOutput, rules, "0"), "null");
  EXPECT_EQ(by_policy("hitPolicy='ANY'", kOneOutput, {{"> 1", "7"}, {"> 2", "7"}}, "9"), "7");
  EXPECT_EQ(by_policy("hitPolicy='ANY'", kOneOutput, rules, "9"),
            "failed x: the hit policy ANY lets rules match that give the same, but the rules 1, 2, 3, 4 differ");
  EXPECT_EQ(by_policy("hitPolicy='FIRST'", kOneOutput, rules, "9"), "\"low\"");
  EXPECT_EQ(by_policy("hitPolicy='PRIORITY'", kOrdered, rules, "9"), "\"high\"");
  EXPECT_EQ(by_policy("hitPolicy='RULE ORDER'", kOneOutput, rules, "4"), "[\"low\",\"high\",\"mid\"]");
  EXPECT_EQ(by_policy("hitPolicy='OUTPUT ORDER'", kOrdered, rules, "9"), "[\"high\",\"high\",\"mid\",\"low\"]");
  EXPECT_EQ(by_policy("hitPolicy='COLLECT'", kOneOutput, rules, "3"), "[\"low\",\"high\"]");
  const std::vector<std::vector<std::string>> numbers = {{"> 1", "10"}, {"> 2", "5"}, {"> 3", "7.5"}};
  EXPECT_EQ(by_policy("hitPolicy='COLLECT' aggregation='SUM'", kOneOutput, numbers, "4"), "22.5");
  EXPECT_EQ(by_policy("hitPolicy='COLLECT' aggregation='MIN'", kOneOutput, numbers, "4"), "5");
  EXPECT_EQ(by_policy("hitPolicy='COLLECT' aggregation='MAX'", kOneOutput, numbers, "4"), "10");
  EXPECT_EQ(by_policy("hitPolicy='COLLECT' aggregation='COUNT'", kOneOutput, numbers, "4"), "3");
  EXPECT_EQ(by_policy("hitPolicy='COLLECT' aggregation='COUNT'", kOneOutput, numbers, "1"), "null");
}

TEST(DecisionTable, KnowsDefaultsAndSeveralOutputs) {
  const std::string fallback = "<output name='r'><defaultOutputEntry><text>\"none\"</text></defaultOutputEntry></output>";
  EXPECT_EQ(by_policy("", fallback, {{"> 5", "1"}}, "1"), "\"none\"");
  const std::string two = "<output name='r'/><output name='s'/>";
  EXPECT_EQ(by_policy("", two, {{"> 5", "1", "\"x\""}}, "9"), "{\"r\":1,\"s\":\"x\"}");
  EXPECT_EQ(by_policy("hitPolicy='COLLECT'", two, {{"> 5", "1", "2"}, {"-", "3", "4"}}, "9"), "[{\"r\":1,\"s\":2},{\"r\":3,\"s\":4}]");
}

TEST(DecisionTable, MatchesABooleanWithItselfOnly) {
  const std::vector<std::vector<std::string>> rules = {{"true", "\"yes\""}, {"false", "\"no\""}};
  EXPECT_EQ(by_policy("", kOneOutput, rules, "true"), "\"yes\"");
  EXPECT_EQ(by_policy("", kOneOutput, rules, "false"), "\"no\"");
  for (const char* other : {"null", "\"true\"", "1"}) EXPECT_EQ(by_policy("", kOneOutput, rules, other), "null") << other;
  EXPECT_EQ(by_policy("", kOneOutput, {{"? > 1 and ? < 3", "1"}}, "2"), "1");
}

TEST(DecisionTable, RefusesInputsThatAreNotAllowed) {
  const std::string xml = definitions(
      input("a", "string") +
      decision(
          "x",
          "<decisionTable><input><inputExpression "
          "typeRef='string'><text>a</text></inputExpression><inputValues><text>\"p\",\"q\"</text></inputValues>"
          "</input><output/><rule><inputEntry><text>-</text></inputEntry><outputEntry><text>1</text></outputEntry></rule></decisionTable>",
          "in:a"));
  EXPECT_EQ(decided(sound(xml), "x", R"({"a": "p"})"), "1");
  EXPECT_EQ(decided(sound(xml), "x", R"({"a": "z"})"), "failed x: the value of the input 'a' is not among those that are allowed");
}

// Such tables come from older modelers; read as FEEL they would decide something else.
TEST(DecisionTable, IsRefusedInAnotherLanguage) {
  const std::string xml = definitions(
      input("a", "string") +
      decision("x",
               "<decisionTable><input id='i'><inputExpression expressionLanguage='juel'><text>a</text></inputExpression></input><output/>"
               "<rule id='r'><inputEntry id='t' expressionLanguage='groovy'><text>a > 1</text></inputEntry>"
               "<outputEntry id='o' expressionLanguage='https://www.omg.org/spec/DMN/20230324/FEEL/'><text>1</text></outputEntry>"
               "</rule></decisionTable>",
               "in:a"));
  EXPECT_EQ(findings_of(read_model("f", xml).findings),
            "f|i|the expression language 'juel' is not supported\nf|t|the expression language 'groovy' is not supported\n");
}

TEST(Decision, EvaluatesWhatItRequiresOnce) {
  const auto model = sound(
      definitions(input("n", "number") + decision("base", literal("n + 1"), "in:n") + decision("left", literal("base * 2"), "on:base") +
                  decision("right", literal("base * 3"), "on:base") + decision("top", literal("left + right"), "on:left on:right")));
  const Decided result = decide(model, "top", *feel::parse_variables(R"({"n": 1})"));
  EXPECT_EQ(feel::to_json(result.output), "10");
  std::string order;
  for (const EvaluatedDecision& each : result.evaluated) order += each.id + '=' + feel::to_json(each.output) + ' ';
  EXPECT_EQ(order, "base=2 left=4 right=6 top=10 ");
}

TEST(Decision, TellsInputsAndMatchedRules) {
  const auto model =
      sound(definitions(input("a") + input("b") +
                        decision("x", table("hitPolicy='COLLECT'", {{"> 1", "-", "1"}, {"-", "\"y\"", "2"}}, 2, kOneOutput), "in:a in:b")));
  const Decided result = decide(model, "x", *feel::parse_variables(R"({"a": 5, "b": "n"})"));
  ASSERT_EQ(result.evaluated.size(), 1u);
  const EvaluatedDecision& each = result.evaluated[0];
  EXPECT_EQ(each.type, "DECISION_TABLE");
  ASSERT_EQ(each.inputs.size(), 2u);
  EXPECT_EQ(each.inputs[0].id + each.inputs[0].name + feel::to_json(each.inputs[0].value), "in-aa5");
  ASSERT_EQ(each.rules.size(), 1u);
  EXPECT_EQ(each.rules[0].id, "rule-1");
  EXPECT_EQ(each.rules[0].index, 1);
  EXPECT_EQ(each.rules[0].outputs[0].id + each.rules[0].outputs[0].name + feel::to_json(each.rules[0].outputs[0].value), "outr1");
}

TEST(Decision, NamesTheOneThatFailed) {
  const auto model = sound(definitions(input("a") + decision("low", table("", {{"-", "1"}, {"-", "2"}}, 1, kOneOutput), "in:a") +
                                       decision("top", literal("low"), "on:low")));
  EXPECT_EQ(decided(model, "top", "{\"a\": 1}"), "failed low: the hit policy UNIQUE lets one rule match, but the rules 1, 2 do");
  EXPECT_EQ(decided(model, "nothing"), "failed nothing: no decision found for id 'nothing'");
}

TEST(Decision, EvaluatesBoxes) {
  const auto value = [](const std::string& logic) { return decided(sound(definitions(decision("x", logic))), "x"); };
  EXPECT_EQ(value("<context><contextEntry><variable name='a'/>" + literal("2") + "</contextEntry><contextEntry><variable name='b c'/>" +
                  literal("a + 1") + "</contextEntry></context>"),
            "{\"a\":2,\"b c\":3}");
  EXPECT_EQ(value("<context><contextEntry><variable name='a'/>" + literal("2") + "</contextEntry><contextEntry>" + literal("a * 5") +
                  "</contextEntry></context>"),
            "10");
  EXPECT_EQ(value("<list>" + literal("1") + literal("\"x\"") + "</list>"), "[1,\"x\"]");
  EXPECT_EQ(value("<relation><column name='p'/><column name='q'/><row>" + literal("1") + literal("2") + "</row><row>" + literal("3") +
                  literal("4") + "</row></relation>"),
            "[{\"p\":1,\"q\":2},{\"p\":3,\"q\":4}]");
  EXPECT_EQ(value("<conditional><if>" + literal("1 > 2") + "</if><then>" + literal("1") + "</then><else>" + literal("2") +
                  "</else></conditional>"),
            "2");
  EXPECT_EQ(value("<filter><in>" + literal("[1, 2, 3]") + "</in><match>" + literal("item > 1") + "</match></filter>"), "[2,3]");
  EXPECT_EQ(
      value("<for iteratorVariable='i'><in>" + literal("[1..3]") + "</in><return>" + literal("i + count(partial)") + "</return></for>"),
      "[1,3,5]");
  EXPECT_EQ(value("<some iteratorVariable='i'><in>" + literal("[1, 2]") + "</in><satisfies>" + literal("i > 1") + "</satisfies></some>"),
            "true");
  EXPECT_EQ(value("<every iteratorVariable='i'><in>" + literal("[1, 2]") + "</in><satisfies>" + literal("i > 1") + "</satisfies></every>"),
            "false");
  EXPECT_EQ(value("<context><contextEntry><variable name='f'/><functionDefinition><formalParameter name='n'/>" +
                  literal("if n < 2 then 1 else n * f(n - 1)") + "</functionDefinition></contextEntry><contextEntry>" + literal("f(5)") +
                  "</contextEntry></context>"),
            "120");
  EXPECT_EQ(value("<invocation>" + literal("substring") + "<binding><parameter name='string'/>" + literal("\"hello\"") +
                  "</binding><binding><parameter name='start position'/>" + literal("2") + "</binding></invocation>"),
            "\"ello\"");
}

TEST(Decision, CallsKnowledgeAndServices) {
  const std::string bkm =
      "<businessKnowledgeModel id='add-tax' name='add tax'><variable name='add tax'/><encapsulatedLogic><formalParameter name='net' "
      "typeRef='number'/>" +
      literal("net * 1.2") + "</encapsulatedLogic></businessKnowledgeModel>";
  const std::string service =
      "<decisionService id='s' name='service'><outputDecision href='#gross'/><encapsulatedDecision href='#unit'/><inputData "
      "href='#count'/></decisionService>";
  const auto model = sound(definitions(bkm + service + input("count", "number") + decision("unit", literal("5")) +
                                       decision("gross", literal("add tax(unit * count)"), "on:unit in:count by:add-tax") +
                                       decision("twice", literal("service(count: 10) + service(20)"), "by:s")));
  EXPECT_EQ(decided(model, "gross", R"({"count": 2})"), "12");
  EXPECT_EQ(decided(model, "twice"), "180");
  EXPECT_EQ(feel::to_json(invoke(model, "service", *feel::parse_variables(R"({"count": 3})")).output), "18");
  EXPECT_EQ(feel::to_json(invoke(model, "add tax", *feel::parse_variables(R"({"net": 10})")).output), "12");
  EXPECT_TRUE(invoke(model, "nothing", {}).failure.has_value());
}

// Nothing else in the model would tell: what is refuted is not null.
TEST(Decision, FailsWhereAnAssertDoesNotHold) {
  const auto model = sound(definitions(input("count", "number") + decision("checked", literal("assert(count, count > 1)"), "in:count") +
                                       decision("twice", literal("if checked = null then 0 else checked * 2"), "on:checked")));
  EXPECT_EQ(decided(model, "twice", R"({"count": 2})"), "4");
  EXPECT_EQ(decided(model, "twice", R"({"count": 1})"), "failed checked: an assert in it does not hold");
}

TEST(Decision, ChecksAndCoercesTypes) {
  const std::string types =
      "<itemDefinition "
      "name='tColour'><typeRef>string</typeRef><allowedValues><text>\"red\",\"blue\"</text></allowedValues></itemDefinition>"
      "<itemDefinition name='tColours' isCollection='true'><typeRef>tColour</typeRef></itemDefinition>"
      "<itemDefinition name='tCar'><itemComponent name='paint'><typeRef>tColour</typeRef></itemComponent></itemDefinition>"
      "<itemDefinition name='tShort' isCollection='true'><typeRef>number</typeRef><typeConstraint><text>count(?) &lt; "
      "3</text></typeConstraint></itemDefinition>";
  const auto value = [&](const std::string& text, const std::string& type) {
    return decided(sound(definitions(types + decision("x", literal(text), "", type))), "x");
  };
  EXPECT_EQ(value("\"red\"", "tColour"), "\"red\"");
  EXPECT_EQ(value("\"green\"", "tColour"), "null");
  EXPECT_EQ(value("\"red\"", "tColours"), "[\"red\"]");
  EXPECT_EQ(value("[\"red\"]", "tColour"), "\"red\"");
  EXPECT_EQ(value("[\"red\", \"green\"]", "tColours"), "null");
  EXPECT_EQ(value("{paint: \"blue\"}", "tCar"), "{\"paint\":\"blue\"}");
  EXPECT_EQ(value("{paint: 5}", "tCar"), "null");
  EXPECT_EQ(value("[1, 2]", "tShort"), "[1,2]");
  EXPECT_EQ(value("[1, 2, 3]", "tShort"), "null");
  EXPECT_EQ(value("@\"2024-01-01\"", "dateTime"), "\"2024-01-01T00:00:00Z\"");
}

TEST(Reader, TellsEverythingWrongAtOnce) {
  const ReadResult read = read_model(
      "bad.dmn", definitions("<import name='other' namespace='urn:other' importType='https://www.omg.org/spec/DMN/20230324/MODEL/'/>" +
                             input("a", "tMissing") + decision("p", literal("1 +"), "on:q") + decision("q", literal("p"), "on:p") +
                             decision("r", literal("x"), "in:nowhere") +
                             decision("s", table("hitPolicy='SOME'", {{"> 1"}, {"< ", "2"}}, 1, kOneOutput)) + decision("p", literal("1")) +
                             "<decisionService id='t' name='t'/>"));
  EXPECT_EQ(findings_of(read.findings),
            "bad.dmn||there is no model with the namespace 'urn:other' to import\n"
            "bad.dmn|a|there is no type 'tMissing'\n"
            "bad.dmn|p|'1 +': expected a value, but the expression ends at character 4\n"
            "bad.dmn|table|there is no hit policy 'SOME'\n"
            "bad.dmn|rule-1|the rule has 0 outputs for 1\n"
            "bad.dmn|rule-2|'<': expected a value, but the expression ends at character 2\n"
            "bad.dmn|p|the id is used more than once\n"
            "bad.dmn|r|there is no element 'nowhere' that it requires\n"
            "bad.dmn|t|the decision service has no output decision\n"
            "bad.dmn|p|the decision requires itself, by way of others or not\n"
            "bad.dmn|q|the decision requires itself, by way of others or not\n");
  ASSERT_TRUE(read.model);
  EXPECT_EQ(decided(read.model, "q"), "failed q: the decision requires itself, or too many others in a row");
}

TEST(Reader, RefusesWhatIsNoModel) {
  const auto only = [](std::string_view xml) {
    const ReadResult read = read_model("f", xml);
    EXPECT_FALSE(read.model);
    return findings_of(read.findings);
  };
  EXPECT_EQ(only("<a/>"), "f||the root element is not definitions of DMN 1.1 to 1.5\n");
  EXPECT_EQ(only("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), "f||document type declarations are not allowed\n");
  EXPECT_EQ(only(std::string(model::kMaxModelBytes + 1, ' ')), "f||larger than 4 MB\n");
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "<context xmlns='https://www.omg.org/spec/DMN/20230324/MODEL/'>";
  EXPECT_NE(only(deep).find("not well-formed"), std::string::npos);
  std::string nested;
  for (int i = 0; i < 60; ++i) nested += "<list>";
  nested += literal("1");
  for (int i = 0; i < 60; ++i) nested += "</list>";
  EXPECT_EQ(findings_of(read_model("f", definitions(decision("x", nested))).findings), "f|x|boxed expressions are nested too deep\n");
}

TEST(Reader, ImportsByNamespaceInAnyOrder) {
  const std::string importing = definitions(
      "<import name='base' namespace='urn:base' importType='https://www.omg.org/spec/DMN/20230324/MODEL/'/>"
      "<decision id='x' name='x'><variable name='x' typeRef='base.tNumber'/><informationRequirement><requiredDecision "
      "href='urn:base#two'/></informationRequirement>" +
          literal("base.twice n + 1") + "</decision>",
      "urn:top");
  const std::string base =
      definitions("<itemDefinition name='tNumber'><typeRef>number</typeRef></itemDefinition>" + input("n", "number") +
                      "<decision id='two' name='twice n'><variable name='twice n'/><informationRequirement><requiredInput href='#n'/>"
                      "</informationRequirement>" +
                      literal("n * 2") + "</decision>",
                  "urn:base");
  const File files[] = {{"top.dmn", importing}, {"base.dmn", base}};
  const auto read = read_models(files);
  EXPECT_EQ(findings_of(read[0].findings) + findings_of(read[1].findings), "");
  EXPECT_EQ(decided(read[0].model, "x", R"({"n": 4})"), "9");
  EXPECT_EQ(decided(read[0].model, "x", R"({"base": {"n": 5}})"), "11");
}

TEST(Decision, IsBounded) {
  std::string chain = decision("d0", literal("1"));
  for (int i = 1; i < 400; ++i)
    chain += decision("d" + std::to_string(i), literal("d" + std::to_string(i - 1) + " + 1"), "on:d" + std::to_string(i - 1));
  EXPECT_EQ(decided(sound(definitions(chain)), "d150"), "151");
  EXPECT_NE(decided(sound(definitions(chain)), "d399").find("too many others in a row"), std::string::npos);
  EXPECT_NE(
      decided(sound(definitions(decision("x", literal("count(for i in 1..10000, j in 1..10000 return i)")))), "x").find("too much work"),
      std::string::npos);
  const std::string endless = "<businessKnowledgeModel id='f' name='f'><variable name='f'/><encapsulatedLogic><formalParameter name='n'/>" +
                              literal("f(n + 1)") + "</encapsulatedLogic></businessKnowledgeModel>";
  EXPECT_NE(decided(sound(definitions(endless + decision("x", literal("f(1)"), "by:f"))), "x").find("too much work"), std::string::npos);
}

// What a decision has to do grows neither with the variables that are given nor with the other decisions.
TEST(Decision, CountsWhatItGoesThrough) {
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += input("i" + std::to_string(i));
  std::string chain = decision("d0", literal("1"));
  std::string all = "on:d0";
  for (int i = 1; i < 2'000; ++i) {
    chain += decision("d" + std::to_string(i), literal("1"), "in:i0");
    all += " on:d" + std::to_string(i);
  }
  // 2,000 decisions, each of which is looked for among 4,000 parts of the model, and looks for an input.
  EXPECT_NE(decided(sound(definitions(many + chain + decision("x", literal("1"), all))), "x").find("too much work"), std::string::npos);
  const auto few = sound(definitions(input("i0") + decision("d0", literal("i0"), "in:i0") + decision("x", literal("d0 + 1"), "on:d0")));
  EXPECT_EQ(decided(few, "x", "{\"i0\": 1}"), "2");
}

TEST(Decision, SeesVariablesAndThenWhatItRequires) {
  const auto model =
      sound(definitions(input("a") + decision("b", literal("[a, c, d]"), "in:a on:d") + decision("d", literal("a + 1"), "in:a")));
  const Decided result = decide(model, "b", *feel::parse_variables(R"({"a": 1, "c": 2, "d": 3})"), {}, Names::kAll);
  EXPECT_EQ(feel::to_json(result.output), "[1,2,2]");
}

TEST(Conformance, SaysWhatPassedAndWhatDidNot) {
  const auto model = sound(definitions(input("n", "number") + decision("x", literal("{a: n / 3, l: [n, null]}"), "in:n")));
  const CaseModel models[] = {{"m.dmn", model}};
  const std::string cases =
      "<testCases xmlns='http://www.omg.org/spec/DMN/20160719/testcase' "
      "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><modelName>m.dmn</modelName>"
      "<testCase id='1'><inputNode name='n'><value xsi:type='xsd:decimal'>1</value></inputNode><resultNode name='x'><expected>"
      "<component name='a'><value xsi:type='xsd:decimal'>0.333333333</value></component><component name='l'><list><item><value "
      "xsi:type='xsd:decimal'>1.0</value></item>"
      "<item><value xsi:nil='true'/></item></list></component></expected></resultNode></testCase>"
      "<testCase id='2'><resultNode name='x'><expected><value "
      "xsi:type='xsd:string'>other</value></expected></resultNode></testCase></testCases>";
  EXPECT_TRUE(is_case_file(cases));
  const auto results = run_cases(cases, models);
  ASSERT_TRUE(results.has_value());
  ASSERT_EQ(results->size(), 2u);
  EXPECT_TRUE((*results)[0].passed) << (*results)[0].actual;
  EXPECT_EQ((*results)[0].name, "1/x");
  EXPECT_FALSE((*results)[1].passed);
  EXPECT_EQ((*results)[1].expected, "\"other\"");
  EXPECT_FALSE(run_cases("<testCases><modelName>none.dmn</modelName></testCases>", models).has_value());
}

}  // namespace
}  // namespace consilium::bpmn::dmn
