// Deployment, deletion and evaluation of decisions, and what deleting a process leaves.
#include <gtest/gtest.h>

#include "bpmn/engine/test_bench.h"
#include "bpmn/engine/test_decisions.h"

namespace consilium::bpmn::engine {
namespace {

TestModel line(const std::string& middle, TestModel model) {
  return std::move(model.start().end().flow("start", middle).flow(middle, "end"));
}
TestModel asks(const std::string& decision, const std::string& io = "") {
  return line("t",
              TestModel().activity("businessRuleTask", "t", "<z:calledDecision decisionId='" + decision + "' resultVariable='r'/>", io));
}

Outcome deploy(Bench& bench, std::vector<Resource> resources) { return bench.run(Deploy{std::move(resources)}); }

Outcome evaluate(Bench& bench, const std::string& id, std::string_view variables, Key key = 0) {
  return bench.run(EvaluateDecision{key, id, *feel::parse_variables(variables)});
}

constexpr char kWinter[] = R"({"season": "winter", "adults": 4, "children": 2})";

TEST(Decisions, AreDeployedBesideModelsAllOrNone) {
  Bench bench;
  const std::string model = asks("dish").xml();
  const Outcome refused = deploy(bench, {{"m.bpmn", model}, {"d.dmn", "<definitions/>"}});
  ASSERT_TRUE(refused.rejection);
  EXPECT_EQ(refused.rejection->findings[0].file, "d.dmn");
  EXPECT_EQ(bench.engine.state().newest("p"), nullptr);
  const Outcome both = deploy(bench, {{"m.bpmn", model}, {"d.dmn", test_decisions()}});
  ASSERT_FALSE(both.rejection);
  ASSERT_EQ(both.requirements.size(), 1u);
  const DeployedRequirements& dinner = both.requirements[0];
  EXPECT_EQ(dinner.id + " " + dinner.name + " " + dinner.resource_name, "dinner Dinner d.dmn");
  ASSERT_EQ(dinner.decisions.size(), 2u);
  EXPECT_EQ(dinner.decisions[1].id + " " + dinner.decisions[1].name, "dish Dish");
  EXPECT_EQ(dinner.decisions[1].version, 1);
  EXPECT_EQ(deploy(bench, {{"m.txt", model}}).rejection->findings[0].message,
            "unknown resource type: the name must end in .bpmn, .xml, .dmn or .form");
  EXPECT_EQ(deploy(bench, {{"a.dmn", test_decisions()}, {"b.dmn", test_decisions("Stew", "other")}}).rejection->findings.size(), 2u);
}

TEST(Decisions, HaveAVersionForEachChange) {
  Bench bench;
  const auto first = deploy(bench, {{"d.dmn", test_decisions()}}).requirements.at(0);
  const Outcome again = deploy(bench, {{"d.dmn", test_decisions()}});
  EXPECT_EQ(again.events.size(), 1u) << "the deployment alone";
  EXPECT_EQ(again.requirements.at(0).key, first.key);
  EXPECT_EQ(deploy(bench, {{"d.dmn", test_decisions("Roast")}}).requirements.at(0).version, 2);
  const auto renamed = deploy(bench, {{"e.dmn", test_decisions("Roast")}}).requirements.at(0);
  EXPECT_EQ(renamed.version, 3);
  EXPECT_EQ(renamed.decisions[0].version, 3);
  // The decisions go on counting when they move into another file.
  const auto moved = deploy(bench, {{"f.dmn", test_decisions("Roast", "other")}}).requirements.at(0);
  EXPECT_EQ(moved.version, 1);
  EXPECT_EQ(moved.decisions[0].version, 4);
  const auto back = deploy(bench, {{"e.dmn", test_decisions("Roast")}}).requirements.at(0);
  EXPECT_EQ(back.version, 4);
  EXPECT_EQ(back.decisions[0].version, 5);
}

TEST(Decisions, GiveTheirResultToBusinessRuleTasks) {
  Bench bench;
  deploy(bench, {{"d.dmn", test_decisions()}, {"m.bpmn", asks("dish").xml()}});
  bench.start(kWinter);
  EXPECT_EQ(bench.end_variables(), R"({"adults":4,"children":2,"r":{"dish":"Stew","pots":3},"season":"winter"})");
  EXPECT_EQ(bench.take_path(), "start t end p");
  bench.deploy(asks("=which", input("=4", "adults") + input("=\"summer\"", "season") + output("=r.dish", "dish")));
  bench.start(R"({"which": "dish", "children": 0})");
  EXPECT_EQ(bench.end_variables(), R"({"children":0,"dish":"Salad","which":"dish"})");
  bench.start(R"({"which": "guests", "children": 1})");
  EXPECT_EQ(bench.end_variables(), R"({"children":1,"dish":null,"which":"guests"})");
}

TEST(Decisions, ThatFailOrAreNotThereAreIncidents) {
  Bench bench;
  bench.deploy(asks("=which"));
  const Key instance = bench.start(R"({"which": 1, "season": "clash", "adults": 1, "children": 1})");
  const auto set = [&](const char* variables) {
    bench.run(SetVariables{instance, *feel::parse_variables(variables), false});
    bench.run(ResolveIncident{bench.incidents().at(0).key});
  };
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");  // a number is no text
  set(R"({"which": null})");
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  set(R"({"which": "dish"})");
  EXPECT_EQ(bench.incident(), "CALLED_DECISION_ERROR");
  EXPECT_EQ(bench.incidents()[0].message, "Expected to evaluate decision 'dish', but no decision found for id 'dish'");
  deploy(bench, {{"d.dmn", test_decisions()}});
  set("{}");
  EXPECT_EQ(bench.incident(), "DECISION_EVALUATION_ERROR");
  set(R"({"season": "winter"})");
  EXPECT_EQ(bench.incidents().size(), 0u);
  EXPECT_EQ(bench.take_path(), "start t end p");
}

TEST(Decisions, AreRefusedInModelsThatNameThemBadly) {
  const auto refusal = [](const std::string& extension) {
    Bench bench;
    const Outcome outcome = deploy(bench, {{"m.bpmn", line("t", TestModel().activity("businessRuleTask", "t", extension)).xml()}});
    return outcome.rejection ? outcome.rejection->findings[0].message : "accepted";
  };
  EXPECT_EQ(refusal(""), "a businessRuleTask needs either a zeebe:calledDecision or a zeebe:taskDefinition");
  EXPECT_EQ(refusal("<z:taskDefinition type='a'/><z:calledDecision decisionId='d' resultVariable='r'/>"),
            "a businessRuleTask needs either a zeebe:calledDecision or a zeebe:taskDefinition");
  EXPECT_EQ(refusal("<z:calledDecision resultVariable='r'/>"), "the zeebe:calledDecision needs a decisionId");
  EXPECT_EQ(refusal("<z:calledDecision decisionId='d'/>"), "a zeebe:calledDecision needs a resultVariable with the name of a variable");
  EXPECT_EQ(refusal("<z:calledDecision decisionId='d' resultVariable='r' bindingType='deployment'/>"),
            "the decision 'd' is bound to the deployment, but is not part of it");
  EXPECT_EQ(refusal("<z:calledDecision decisionId='d' resultVariable='r' bindingType='latest'/>"), "accepted");
}

TEST(Decisions, AreEvaluatedByThemselves) {
  Bench bench;
  const auto deployed = deploy(bench, {{"d.dmn", test_decisions()}}).requirements.at(0);
  const Outcome outcome = evaluate(bench, "dish", kWinter);
  ASSERT_TRUE(outcome.evaluation);
  EXPECT_NE(outcome.key, 0);
  EXPECT_EQ(outcome.evaluation->decision.key, deployed.decisions[1].key);
  const dmn::Decided& result = outcome.evaluation->result;
  EXPECT_EQ(feel::to_json(result.output), R"({"dish":"Stew","pots":3})");
  ASSERT_EQ(result.evaluated.size(), 2u);
  EXPECT_EQ(result.evaluated[0].id, "guests");
  EXPECT_EQ(feel::to_json(result.evaluated[1].inputs.at(1).value), "6");
  EXPECT_EQ(result.evaluated[1].rules.at(0).id, "rule1");
  EXPECT_NE(evaluate(bench, "dish", kWinter).key, outcome.key);
  EXPECT_EQ(feel::to_json(evaluate(bench, "", kWinter, deployed.decisions[0].key).evaluation->result.output), "6");
  const Outcome failed = evaluate(bench, "dish", R"({"season": "clash", "adults": 1, "children": 1})");
  ASSERT_TRUE(failed.evaluation && failed.evaluation->result.failure);
  EXPECT_EQ(failed.evaluation->result.failure->decision_id, "dish");
  EXPECT_TRUE(failed.evaluation->result.failure->message.starts_with("Expected to evaluate decision 'dish', but "));
  EXPECT_EQ(evaluate(bench, "nothing", "{}").rejection->code, Rejection::Code::kInvalidArgument);
  EXPECT_EQ(evaluate(bench, "", "{}", 77).rejection->code, Rejection::Code::kInvalidArgument);
  EXPECT_EQ(evaluate(bench, "", "{}").rejection->message, "Expected to evaluate decision '0', but no decision found for key '0'");
  // Types are a remark, and what is required is known by its variable or else by its id.
  const std::string names =
      "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='n' name='N' namespace='n'>"
      "<decision id='a1' name='A'><variable name='a'/><literalExpression><text>1</text></literalExpression></decision>"
      "<decision id='b1' name='B'><literalExpression><text>2</text></literalExpression></decision>"
      "<decision id='c1' name='C'><informationRequirement><requiredDecision href='#a1'/></informationRequirement>"
      "<informationRequirement><requiredDecision href='#b1'/></informationRequirement>"
      "<literalExpression typeRef='integer'><text>[a, a1, B, b1, v]</text></literalExpression></decision></definitions>";
  EXPECT_FALSE(deploy(bench, {{"n.dmn", names}}).rejection);
  EXPECT_EQ(feel::to_json(evaluate(bench, "c1", R"({"v": "x"})").evaluation->result.output), R"([1,null,null,2,"x"])");
}

TEST(Decisions, AreDeletedWithTheirFile) {
  Bench bench;
  const auto first = deploy(bench, {{"d.dmn", test_decisions()}}).requirements.at(0);
  const auto second = deploy(bench, {{"d.dmn", test_decisions("Roast")}}).requirements.at(0);
  EXPECT_EQ(bench.run(DeleteResource{second.decisions[0].key}).rejection->code, Rejection::Code::kNotFound);
  EXPECT_FALSE(bench.run(DeleteResource{second.key}).rejection);
  EXPECT_EQ(bench.run(DeleteResource{second.key}).rejection->code, Rejection::Code::kNotFound);
  EXPECT_EQ(feel::to_json(evaluate(bench, "dish", kWinter).evaluation->result.output), R"({"dish":"Stew","pots":3})");
  EXPECT_TRUE(evaluate(bench, "", kWinter, second.decisions[1].key).rejection);
  EXPECT_FALSE(bench.run(DeleteResource{first.key}).rejection);
  EXPECT_TRUE(evaluate(bench, "dish", kWinter).rejection);
  for (int i = 0; i < 8; ++i) bench.publish("m", "k");  // over a checkpoint
  const auto third = deploy(bench, {{"d.dmn", test_decisions("Roast")}}).requirements.at(0);
  EXPECT_EQ(third.version, 3);
  EXPECT_EQ(third.decisions[0].version, 3);
  EXPECT_TRUE(bench.engine.state().retired().empty());
}

// ---- forms

TEST(Forms, HaveVersionsAndAreLinkedFromUserTasks) {
  Bench bench;
  const auto form = [](const std::string& text) { return Resource{"f.form", R"({"id": "f", "components": [")" + text + "\"]}"}; };
  bench.deploy(line("t", TestModel().activity("userTask", "t", "<z:formDefinition formId='=which'/>")));
  bench.start(R"({"which": "f"})");
  EXPECT_EQ(bench.incident(), "FORM_NOT_FOUND");
  const Outcome first = deploy(bench, {form("a")});
  ASSERT_EQ(first.forms.size(), 1u);
  EXPECT_EQ(deploy(bench, {form("a")}).forms.at(0).key, first.forms[0].key);
  const Key second = deploy(bench, {form("b")}).forms.at(0).key;
  bench.run(ResolveIncident{bench.incidents().at(0).key});
  EXPECT_EQ(feel::to_json(bench.job("io.camunda.zeebe:userTask").headers),
            "{\"io.camunda.zeebe:formKey\":\"" + std::to_string(second) + "\"}");
  EXPECT_FALSE(bench.run(DeleteResource{second}).rejection);
  for (int i = 0; i < 8; ++i) bench.publish("m", "k");
  EXPECT_EQ(deploy(bench, {form("b")}).forms.at(0).version, 3);
  for (const char* content : {"", "[]", "{}", R"({"id": 7})", R"({"id": ""})"})
    EXPECT_TRUE(deploy(bench, {{"f.form", content}}).rejection) << content;
  EXPECT_TRUE(deploy(bench, {form("a"), form("b")}).rejection);
}

// ---- deletion of processes

TEST(Deletion, OfTheNewestVersionMakesTheOneBeforeItTheNewest) {
  Bench bench;
  bench.deploy(line("t", TestModel().task("t", "a")));
  bench.deploy(line("t", TestModel().task("t", "b")));
  const Key second = bench.engine.state().newest("p")->key;
  const Key instance = bench.start();
  EXPECT_EQ(bench.run(DeleteResource{second}).rejection->code, Rejection::Code::kInvalidState);
  bench.run(CancelInstance{instance});
  EXPECT_FALSE(bench.run(DeleteResource{second}).rejection);
  EXPECT_EQ(bench.run(CreateInstance{"p", 2, {}, ""}).rejection->code, Rejection::Code::kNotFound);
  bench.start();
  bench.complete("a");
  // Numbers are not given again, neither now nor after a checkpoint.
  bench.deploy(line("t", TestModel().task("t", "b")));
  EXPECT_EQ(bench.engine.state().newest("p")->version, 3);
  for (const std::int32_t version : {3, 1})
    EXPECT_FALSE(bench.run(DeleteResource{bench.engine.state().version("p", version)->key}).rejection);
  EXPECT_EQ(bench.run(CreateInstance{"p", 0, {}, ""}).rejection->code, Rejection::Code::kNotFound);
  for (int i = 0; i < 8; ++i) bench.publish("m", "k");
  bench.deploy(line("t", TestModel().task("t", "b")));
  EXPECT_EQ(bench.engine.state().newest("p")->version, 4);
}

TEST(Deletion, OfAnOlderVersionLeavesTheNewest) {
  Bench bench;
  bench.deploy(line("t", TestModel().task("t", "a")));
  const Key first = bench.engine.state().newest("p")->key;
  bench.deploy(line("t", TestModel().task("t", "b")));
  EXPECT_FALSE(bench.run(DeleteResource{first}).rejection);
  EXPECT_EQ(bench.engine.state().newest("p")->version, 2);
  EXPECT_EQ(bench.engine.state().definitions().size(), 1u);
  EXPECT_TRUE(bench.engine.state().retired().empty());
}

TEST(Deletion, CountsInstancesThatMoved) {
  Bench bench;
  bench.deploy(line("t", TestModel().task("t", "a")));
  const Key first = bench.engine.state().newest("p")->key;
  const Key instance = bench.start();
  bench.deploy(line("t", TestModel().task("t", "b")));
  const Key second = bench.engine.state().newest("p")->key;
  EXPECT_FALSE(bench.run(MigrateInstance{instance, second, {{"t", "t"}}}).rejection);
  EXPECT_TRUE(bench.run(DeleteResource{second}).rejection);
  EXPECT_FALSE(bench.run(DeleteResource{first}).rejection);
  bench.complete("a");
  EXPECT_FALSE(bench.run(DeleteResource{second}).rejection);
}

TestModel started_by(const std::string& suffix) {
  TestModel model;
  model.start_on("m", model.on_message("come" + suffix)).start_on("s", model.on_signal("all" + suffix));
  model.start_on("c", TestModel::on_timer("R/PT1M", "timeCycle")).task("t", "work" + suffix);
  return std::move(model.end().flow("m", "t").flow("s", "t").flow("c", "t").flow("t", "end"));
}

TEST(Deletion, StopsWhatStartsItAndBringsBackWhatStartsTheOneBefore) {
  Bench bench;
  bench.deploy(started_by(""));
  bench.deploy(started_by("2"));
  bench.publish("come", "", "{}", "", Duration{});
  bench.run(BroadcastSignal{"all", {}});
  EXPECT_TRUE(bench.activate("work").empty());
  EXPECT_FALSE(bench.run(DeleteResource{bench.engine.state().newest("p")->key}).rejection);
  bench.publish("come2", "", "{}", "", Duration{});
  bench.run(BroadcastSignal{"all2", {}});
  bench.publish("come", "", "{}", "", Duration{});
  bench.run(BroadcastSignal{"all", {}});
  bench.pass(minutes(1));
  EXPECT_TRUE(bench.activate("work2").empty());
  const auto jobs = bench.activate("work");
  EXPECT_EQ(jobs.size(), 3u);
  for (const ActivatedJob& job : jobs) bench.run(CompleteJob{job.key, {}});
  EXPECT_FALSE(bench.run(DeleteResource{bench.engine.state().newest("p")->key}).rejection);
  EXPECT_TRUE(bench.engine.state().start_timers().empty());
  bench.publish("come", "", "{}", "", Duration{});
  bench.run(BroadcastSignal{"all", {}});
  EXPECT_TRUE(bench.engine.state().instances().empty());
}

TEST(Deletion, OfACalledProcessIsAnIncidentOfItsCaller) {
  Bench bench;
  bench.deploy(TestModel("child").start().end().flow("start", "end").xml(), "child.bpmn");
  bench.deploy(line("c", TestModel().call("c", "child")));
  EXPECT_FALSE(bench.run(DeleteResource{bench.engine.state().newest("child")->key}).rejection);
  bench.start();
  EXPECT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR");
}

}  // namespace
}  // namespace consilium::bpmn::engine
