// Which version of a process, decision or form an element takes: the newest, that of its own deployment, or one with a tag. And the
// priorities of jobs. No oracle: Zeebe 8.5 knows neither; the rules are those of the documentation of 8.6, 8.7 and 8.10.
#include <gtest/gtest.h>

#include "bpmn/engine/test_bench.h"
#include "bpmn/engine/test_decisions.h"

namespace consilium::bpmn::engine {
namespace {

constexpr char kTogether[] = "bindingType='deployment'";
constexpr char kTagged[] = "bindingType='versionTag' versionTag='v1'";

std::string caller(const std::string& binding, const std::string& called = "child") {
  return TestModel("parent").start().call("c", called, binding).end().flow("start", "c").flow("c", "end").xml();
}

// A process of one task, whose type tells the versions apart.
std::string child(const std::string& type, const std::string& tag = "") {
  TestModel model("child");
  if (!tag.empty()) model.raw("<extensionElements><z:versionTag value='" + tag + "'/></extensionElements>");
  return model.start().task("t", type).end().flow("start", "t").flow("t", "end").xml();
}

std::string asks(const std::string& binding) {
  return TestModel("asks")
      .start()
      .activity("businessRuleTask", "t", "<z:calledDecision decisionId='dish' resultVariable='r' " + binding + "/>")
      .end()
      .flow("start", "t")
      .flow("t", "end")
      .xml();
}

std::string fills_in(const std::string& binding) {
  return TestModel("fills")
      .start()
      .activity("userTask", "t", "<z:formDefinition formId='f' " + binding + "/>")
      .end()
      .flow("start", "t")
      .flow("t", "end")
      .xml();
}

std::string form(const std::string& title, const std::string& tag = "") {
  return R"({"id": "f", "title": ")" + title + '"' + (tag.empty() ? "" : R"(, "versionTag": ")" + tag + '"') + "}";
}

std::string tagged_decisions(std::string_view winter, const std::string& tag) {
  std::string xml = test_decisions(winter);
  const std::string before = "<decision id='dish' name='Dish'>";
  return xml.insert(
      xml.find(before) + before.size(),
      "<extensionElements><z:versionTag xmlns:z='http://camunda.org/schema/zeebe/1.0' value='" + tag + "'/></extensionElements>");
}

Outcome deploy(Bench& bench, std::vector<Resource> resources) {
  Outcome outcome = bench.run(Deploy{std::move(resources)});
  EXPECT_FALSE(outcome.rejection) << outcome.rejection->findings.at(0).message;
  return outcome;
}

std::string refusal(std::vector<Resource> resources) {
  Bench bench;
  const Outcome outcome = bench.run(Deploy{std::move(resources)});
  if (!outcome.rejection) return "accepted";
  std::string text;
  for (const model::Finding& finding : outcome.rejection->findings)
    text += finding.file + " " + finding.element_id + ": " + finding.message + "\n";
  return text;
}

int jobs(Bench& bench, const std::string& type) { return static_cast<int>(bench.engine.state().activatable(type).size()); }

// ---- with the deployment

TEST(Bindings, ToTheDeploymentCallWhatWasDeployedTogether) {
  Bench bench;
  deploy(bench, {{"parent.bpmn", caller(kTogether)}, {"child.bpmn", child("old")}});
  deploy(bench, {{"child.bpmn", child("new")}});
  bench.start("{}", "parent");
  EXPECT_EQ(jobs(bench, "old"), 1);
  EXPECT_EQ(jobs(bench, "new"), 0);
  bench.rest();
  bench.complete("old");
  EXPECT_EQ(bench.ended().size(), 2u);
}

TEST(Bindings, ToTheDeploymentHoldForDecisionsAndForms) {
  Bench bench;
  const Outcome first = deploy(
      bench, {{"a.bpmn", asks(kTogether)}, {"d.dmn", test_decisions("Stew")}, {"u.bpmn", fills_in(kTogether)}, {"f.form", form("1")}});
  deploy(bench, {{"d.dmn", test_decisions("Roast")}, {"f.form", form("2")}});
  bench.start(R"({"season": "winter", "adults": 1, "children": 1})", "asks");
  EXPECT_NE(bench.end_variables().find("Stew"), std::string::npos) << bench.end_variables();
  bench.start("{}", "fills");
  EXPECT_EQ(*bench.job(model::kUserTaskJobType).headers.at("io.camunda.zeebe:formKey").string(), std::to_string(first.forms.at(0).key));
}

TEST(Bindings, ToTheDeploymentThatItDoesNotHoldAreRefusedAllAtOnce) {
  EXPECT_EQ(refusal({{"parent.bpmn", caller(kTogether)}, {"a.bpmn", asks(kTogether)}, {"u.bpmn", fills_in(kTogether)}}),
            "parent.bpmn c: the process 'child' is bound to the deployment, but is not part of it\n"
            "a.bpmn t: the decision 'dish' is bound to the deployment, but is not part of it\n"
            "u.bpmn t: the form 'f' is bound to the deployment, but is not part of it\n");
}

TEST(Bindings, ToTheDeploymentByAnExpressionAreAskedWhenItIsReached) {
  Bench bench;
  deploy(bench, {{"parent.bpmn", caller(kTogether, "=which")}, {"child.bpmn", child("old")}});
  deploy(bench, {{"other.bpmn", TestModel("other").start().end().flow("start", "end").xml()}});
  const Key instance = bench.start(R"({"which": "other"})", "parent");
  ASSERT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR");
  EXPECT_EQ(
      bench.incidents()[0].message,
      "Expected process with BPMN process id 'other' to be deployed in the deployment of this version of the process, but not found.");
  bench.run(SetVariables{instance, {{"which", feel::Value("child")}}, false});
  ASSERT_FALSE(bench.run(ResolveIncident{bench.incidents()[0].key}).rejection);
  EXPECT_EQ(jobs(bench, "old"), 1);
}

// What is bound gets a new version when what it is bound to has one; nothing does when all is as it was.
TEST(Bindings, ToTheDeploymentGetANewVersionWithIt) {
  Bench bench;
  const std::vector<Resource> both = {{"parent.bpmn", caller(kTogether)}, {"child.bpmn", child("old")}};
  deploy(bench, both);
  EXPECT_EQ(deploy(bench, both).events.size(), 1u) << "the deployment alone";
  const Outcome changed = deploy(bench, {{"parent.bpmn", caller(kTogether)}, {"child.bpmn", child("new")}});
  EXPECT_EQ(changed.processes.at(0).version, 2) << "it has not changed, but calls another child";
  EXPECT_EQ(changed.processes.at(1).version, 2);
  bench.start("{}", "parent");
  EXPECT_EQ(jobs(bench, "new"), 1);
  // Deployed by itself in between, so that nothing of the next deployment is new, but the parent is bound to another one.
  deploy(bench, {{"child.bpmn", child("newest")}});
  const Outcome bound = deploy(bench, {{"parent.bpmn", caller(kTogether)}, {"child.bpmn", child("newest")}});
  EXPECT_EQ(bound.processes.at(0).version, 3);
  EXPECT_EQ(bound.processes.at(1).version, 4) << "with it all of the deployment";
  bench.start("{}", "parent");
  EXPECT_EQ(jobs(bench, "newest"), 1);
  EXPECT_EQ(deploy(bench, {{"parent.bpmn", caller(kTogether)}, {"child.bpmn", child("newest")}}).events.size(), 1u);
}

TEST(Bindings, ToTheDeploymentEndWithTheProcess) {
  Bench bench;
  const Outcome first = deploy(bench, {{"parent.bpmn", caller(kTogether)}, {"child.bpmn", child("old")}});
  ASSERT_EQ(bench.engine.state().all_bound().size(), 1u);
  ASSERT_FALSE(bench.run(DeleteResource{first.processes.at(1).key}).rejection);
  bench.start("{}", "parent");
  EXPECT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR") << "what it is bound to was deleted";
  bench.run(CancelInstance{bench.engine.state().instances().begin()->first});
  ASSERT_FALSE(bench.run(DeleteResource{first.processes.at(0).key}).rejection);
  EXPECT_TRUE(bench.engine.state().all_bound().empty());
}

// ---- by a tag

TEST(Bindings, ToATagTakeTheNewestThatHasIt) {
  Bench bench;
  deploy(bench, {{"parent.bpmn", caller(kTagged)}});
  const Key early = bench.start("{}", "parent");
  ASSERT_EQ(bench.incident(), "CALLED_ELEMENT_ERROR");
  EXPECT_EQ(bench.incidents()[0].message,
            "Expected process with BPMN process id 'child' to be deployed with the version tag 'v1', but not found.");
  bench.run(CancelInstance{early});
  deploy(bench, {{"child.bpmn", child("first", "v1")}});
  deploy(bench, {{"child.bpmn", child("other", "v2")}});
  deploy(bench, {{"child.bpmn", child("plain")}});
  bench.start("{}", "parent");
  EXPECT_EQ(jobs(bench, "first"), 1);
  const Outcome again = deploy(bench, {{"child.bpmn", child("second", "v1")}});
  bench.start("{}", "parent");
  EXPECT_EQ(jobs(bench, "second"), 1);
  bench.complete("second");
  ASSERT_FALSE(bench.run(DeleteResource{again.processes.at(0).key}).rejection);
  bench.start("{}", "parent");
  EXPECT_EQ(jobs(bench, "first"), 2) << "the one before it";
}

TEST(Bindings, ToATagHoldForDecisionsAndForms) {
  Bench bench;
  deploy(bench, {{"a.bpmn", asks(kTagged)}, {"u.bpmn", fills_in(kTagged)}});
  constexpr char kWinter[] = R"({"season": "winter", "adults": 1, "children": 1})";
  bench.start(kWinter, "asks");
  bench.start("{}", "fills");
  ASSERT_EQ(bench.incidents().size(), 2u);
  EXPECT_EQ(bench.incidents()[0].error_type + " " + bench.incidents()[1].error_type, "CALLED_DECISION_ERROR FORM_NOT_FOUND");
  const Outcome tagged = deploy(bench, {{"d.dmn", tagged_decisions("Stew", "v1")}, {"f.form", form("1", "v1")}});
  deploy(bench, {{"d.dmn", tagged_decisions("Roast", "v2")}, {"f.form", form("2", "v2")}});
  for (const Incident& incident : bench.incidents()) ASSERT_FALSE(bench.run(ResolveIncident{incident.key}).rejection);
  EXPECT_NE(bench.end_variables().find("Stew"), std::string::npos) << bench.end_variables();
  EXPECT_EQ(*bench.job(model::kUserTaskJobType).headers.at("io.camunda.zeebe:formKey").string(), std::to_string(tagged.forms.at(0).key));
}

TEST(Bindings, ThatAreWrongAreRefused) {
  EXPECT_EQ(refusal({{"m.bpmn", caller("bindingType='newest'")}}),
            "m.bpmn c: the bindingType of a zeebe:calledElement must be latest, deployment or versionTag, not 'newest'\n");
  EXPECT_EQ(refusal({{"m.bpmn", caller("bindingType='versionTag'")}}), "m.bpmn c: the version tag is empty\n");
  EXPECT_EQ(refusal({{"m.bpmn", caller("bindingType='versionTag' versionTag='" + std::string(256, 'v') + "'")}}),
            "m.bpmn c: the version tag is longer than 255 bytes\n");
  EXPECT_EQ(refusal({{"m.bpmn", fills_in("bindingType='x'")}}),
            "m.bpmn t: the bindingType of a zeebe:formDefinition must be latest, deployment or versionTag, not 'x'\n");
  EXPECT_EQ(refusal({{"m.bpmn", asks("bindingType='versionTag'")}}), "m.bpmn t: the version tag is empty\n");
  EXPECT_EQ(refusal({{"f.form", R"({"id": "f", "versionTag": 1})"}}), "f.form : the versionTag must be a text up to 255 bytes\n");
  EXPECT_EQ(refusal({{"d.dmn", tagged_decisions("Stew", std::string(256, 'v'))}}),
            "d.dmn dish: the version tag is longer than 255 bytes\n");
  EXPECT_EQ(refusal({{"m.bpmn", caller("bindingType='latest'")}}), "accepted");
}

// ---- priorities of jobs

TestModel work(const std::string& priority, const std::string& of_process = "") {
  TestModel model;
  if (!of_process.empty()) model.raw("<extensionElements><z:jobPriorityDefinition priority='" + of_process + "'/></extensionElements>");
  const std::string extension = priority.empty() ? "" : "<z:jobPriorityDefinition priority='" + priority + "'/>";
  return std::move(
      model.start().activity("serviceTask", "t", "<z:taskDefinition type='work'/>" + extension).end().flow("start", "t").flow("t", "end"));
}

std::vector<Key> instances_of(const std::vector<ActivatedJob>& jobs) {
  std::vector<Key> keys;
  for (const ActivatedJob& job : jobs) keys.push_back(job.instance);
  return keys;
}

TEST(JobPriorities, SayWhichJobIsHandedOutFirst) {
  Bench bench;
  bench.deploy(work("=urgency"));
  const Key low = bench.start(R"({"urgency": -5})");
  const Key none = bench.start(R"({"urgency": 0})");
  const Key high = bench.start(R"({"urgency": 90})");
  const Key also_high = bench.start(R"({"urgency": 90.0})");
  bench.rest();
  EXPECT_EQ(instances_of(bench.activate("work", 1)), std::vector<Key>{high});
  EXPECT_EQ(instances_of(bench.activate("work")), (std::vector<Key>{also_high, none, low})) << "those of the same priority by age";
}

TEST(JobPriorities, AreKeptWhileAJobBacksOffOrIsLost) {
  Bench bench;
  bench.deploy(work("=urgency"));
  const Key high = bench.start(R"({"urgency": 1})");
  const Key low = bench.start();
  EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR");
  bench.run(SetVariables{low, {{"urgency", feel::Value(std::int64_t{0})}}, false});
  bench.run(ResolveIncident{bench.incidents()[0].key});
  const Key job = bench.activate("work", 1).at(0).key;
  ASSERT_FALSE(bench.run(FailJob{job, 2, Duration{}, "", ""}).rejection);
  bench.pass(seconds(1));
  EXPECT_EQ(instances_of(bench.activate("work")), (std::vector<Key>{high, low}));
  bench.pass(minutes(2));
  EXPECT_EQ(instances_of(bench.activate("work")), (std::vector<Key>{high, low}));
}

TEST(JobPriorities, OfTheProcessHoldWhereATaskHasNone) {
  Bench bench;
  bench.deploy(work("", "7"));
  const Key own = bench.start();
  EXPECT_EQ(bench.engine.state().instance(own)->jobs.begin()->second.priority, 7);
  bench.deploy(work("3", "7"));
  const Key of_task = bench.start();
  EXPECT_EQ(bench.engine.state().instance(of_task)->jobs.begin()->second.priority, 3);
  bench.deploy(work("0", "7"));
  const Key zero = bench.start();
  EXPECT_EQ(bench.engine.state().instance(zero)->jobs.begin()->second.priority, 0);
}

TEST(JobPriorities, ThatAreNoIntegersAreIncidentsAndMakeNoJob) {
  for (const char* const urgency : {"\"high\"", "1.5", "2147483648", "-2147483649", "null", "true"}) {
    Bench bench;
    bench.deploy(work("=urgency"));
    bench.start("{\"urgency\": " + std::string(urgency) + "}");
    EXPECT_EQ(bench.incident(), "EXTRACT_VALUE_ERROR") << urgency;
    EXPECT_EQ(jobs(bench, "work"), 0) << urgency;
  }
}

TEST(JobPriorities, ThatAreWrongAreRefused) {
  for (const char* const priority : {"high", "1.5", "2147483648", "-2147483649"}) {
    const std::string expected =
        " a priority must be an integer of 32 bits or an expression that starts with '=', not '" + std::string(priority) + "'\n";
    EXPECT_EQ(refusal({{"m.bpmn", work(priority).xml()}}), "m.bpmn t:" + expected);
    EXPECT_EQ(refusal({{"m.bpmn", work("", priority).xml()}}), "m.bpmn p:" + expected);
  }
  for (const char* const priority : {"0", "-100", "2147483647", "-2147483648", "=x"}) {
    EXPECT_EQ(refusal({{"m.bpmn", work(priority, priority).xml()}}), "accepted") << priority;
  }
  EXPECT_EQ(refusal({{"m.bpmn", TestModel()
                                    .start()
                                    .activity("scriptTask", "s",
                                              "<z:script expression='=1' resultVariable='r'/><z:jobPriorityDefinition priority='1'/>")
                                    .end()
                                    .flow("start", "s")
                                    .flow("s", "end")
                                    .xml()}}),
            "m.bpmn s: a zeebe:jobPriorityDefinition is for a task with a zeebe:taskDefinition\n");
}

}  // namespace
}  // namespace consilium::bpmn::engine
