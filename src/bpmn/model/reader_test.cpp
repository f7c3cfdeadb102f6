#include "bpmn/model/reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace consilium::bpmn::model {
namespace {

std::string wrap(std::string_view inside, std::string_view outside = "") {
  return R"(<?xml version="1.0" encoding="UTF-8"?><b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0" xmlns:v="urn:vendor">)" +
         std::string(outside) + R"(<b:process id="p" isExecutable="true">)" + std::string(inside) + "</b:process></b:definitions>";
}

constexpr std::string_view kTask = R"(<b:extensionElements><z:taskDefinition type="work"/></b:extensionElements>)";

std::string task(std::string_view id, std::string_view extra = "") {
  return "<b:serviceTask id=\"" + std::string(id) + "\">" + std::string(kTask) + std::string(extra) + "</b:serviceTask>";
}
std::string flow(std::string_view from, std::string_view to) {
  return "<b:sequenceFlow id=\"" + std::string(from) + "-" + std::string(to) + "\" sourceRef=\"" + std::string(from) + "\" targetRef=\"" +
         std::string(to) + "\"/>";
}

std::string all_findings(std::string_view xml, const ReadOptions& options = {}) {
  const auto read = read_model("m.bpmn", xml, options);
  if (read) return "";
  std::string text;
  for (const Finding& finding : read.error()) text += finding.element_id + ": " + finding.message + "\n";
  return text;
}

TEST(Reader, ReadsASmallProcess) {
  const auto read =
      read_model("m.bpmn", wrap("<b:startEvent id=\"s\"/>" + task("t") + "<b:endEvent id=\"e\"/>" + flow("s", "t") + flow("t", "e")));
  ASSERT_TRUE(read.has_value());
  const Process& process = *read->at(0);
  EXPECT_EQ(process.id, "p");
  EXPECT_EQ(process.elements.size(), 4u);
  EXPECT_EQ(process.elements[process.elements[0].start_event].id, "s");
  EXPECT_EQ(process.find("t")->job->type.text(), "work");
  EXPECT_EQ(process.find("t")->outgoing.size(), 1u);
}

TEST(Reader, BP_1_ReportsEverythingAtOnce) {
  const std::string text = all_findings(
      wrap("<b:startEvent id=\"s\"/><b:adHocSubProcess id=\"u\"/><b:serviceTask id=\"t\"/>" + task("lost") +
           "<b:exclusiveGateway id=\"x\"/><b:endEvent id=\"e\"/><b:endEvent id=\"e\"/>" + flow("s", "t") + flow("t", "x") +
           R"(<b:sequenceFlow id="f1" sourceRef="x" targetRef="e"><b:conditionExpression>=a &gt;</b:conditionExpression></b:sequenceFlow>)"
           R"(<b:sequenceFlow id="f2" sourceRef="x" targetRef="nowhere"/><b:sequenceFlow id="f3" sourceRef="x" targetRef="e"/>)"));
  EXPECT_EQ(text,
            "u: bpmn:adHocSubProcess is not supported\n"
            "e: the id is used more than once\n"
            "f1: invalid expression in the condition at character 5: expected a value, but the expression ends\n"
            "f2: targetRef refers to 'nowhere', which does not exist\n"
            "t: a service task needs a zeebe:taskDefinition with a type\n"
            "f3: a flow of an exclusive gateway needs a condition unless it is the default flow\n");
}

TEST(Reader, RefusesWhatItDoesNotKnow) {
  const struct {
    std::string xml;
    std::string finding;
  } cases[] = {
      {wrap(""), "p: expected exactly one none start event, but found 0\n"},
      {wrap("<b:startEvent id=\"s\"/><b:startEvent id=\"s2\"/>"), "p: expected exactly one none start event, but found 2\n"},
      {wrap("<b:startEvent id=\"s\"/>" + task("t")), "t: cannot be reached from the start event\n"},
      {wrap("<b:startEvent id=\"s\"><b:timerEventDefinition/></b:startEvent>"), "s: the timer needs a timeDuration or a timeDate\n"},
      {wrap("<b:startEvent id=\"s\"><b:conditionalEventDefinition/></b:startEvent>"),
       "s: bpmn:conditionalEventDefinition is not supported in a startEvent\n"},
      {wrap("<b:startEvent id=\"s\" isInterrupting=\"false\"/>"),
       "s: the attribute isInterrupting=\"false\" is supported in an event sub-process only\n"},
      {wrap("<b:startEvent id=\"s\"/>" + task("t", "<b:multiInstanceLoopCharacteristics/>") + flow("s", "t")),
       "t: a multi-instance activity needs a zeebe:loopCharacteristics with an inputCollection\n"},
      {wrap("<b:startEvent id=\"s\"/>" + task("t", "<b:standardLoopCharacteristics/>") + flow("s", "t")),
       "t: b:standardLoopCharacteristics is not supported in a serviceTask\n"},
      {wrap("<b:startEvent id=\"s\"/><b:subProcess id=\"q\" triggeredByEvent=\"true\"><b:startEvent id=\"s2\"/></b:subProcess>" +
            flow("s", "q")),
       "s-q: a eventSubProcess may not have an incoming flow\nq: the start event of an event sub-process needs a message, timer, error, "
       "escalation or signal definition\n"},
      {wrap("<b:startEvent id=\"s\"/><b:serviceTask id=\"t\"><b:extensionElements><z:taskDefinition "
            "type=\"a\"/><z:surprise/></b:extensionElements></b:serviceTask>" +
            flow("s", "t")),
       "t: zeebe:surprise is not supported in a serviceTask\n"},
      {wrap("<b:startEvent id=\"s\"/><b:serviceTask id=\"t\"><b:extensionElements><z:taskDefinition type=\"=a "
            "+\"/></b:extensionElements></b:serviceTask>" +
            flow("s", "t")),
       "t: invalid expression in type at character 5: expected a value, but the expression ends\n"},
      {wrap("<b:startEvent id=\"s\"/><b:serviceTask id=\"t\"><b:extensionElements><z:taskDefinition type=\"a\" "
            "retries=\"x\"/></b:extensionElements></b:serviceTask>" +
            flow("s", "t")),
       "t: retries must be a whole number up to 1000\n"},
      {wrap("<b:startEvent id=\"s\"/><b:intermediateCatchEvent "
            "id=\"c\"><b:timerEventDefinition><b:timeDuration>soon</b:timeDuration></b:timerEventDefinition></b:intermediateCatchEvent>" +
            flow("s", "c")),
       "c: 'soon' is not a valid timeDuration\n"},
      {wrap("<b:startEvent id=\"s\"/><b:intermediateCatchEvent id=\"c\"><b:messageEventDefinition "
            "messageRef=\"m\"/></b:intermediateCatchEvent>" +
                flow("s", "c"),
            "<b:message id=\"m\" name=\"n\"/>"),
       "m: the message needs a zeebe:subscription with a correlationKey\n"},
      {wrap("<b:startEvent id=\"s\"/><b:intermediateCatchEvent id=\"c\"><b:messageEventDefinition "
            "messageRef=\"gone\"/></b:intermediateCatchEvent>" +
            flow("s", "c")),
       "c: there is no message 'gone'\n"},
      {wrap("<b:startEvent id=\"s\"/>" + task("t") + flow("s", "t") +
            "<b:boundaryEvent id=\"b\" attachedToRef=\"t\"><b:errorEventDefinition errorRef=\"e\"/></b:boundaryEvent>"),
       "b: there is no error 'e'\nb: a boundary event needs an outgoing flow\n"},
      {wrap("<b:startEvent id=\"s\"/>" + task("t") + "<b:eventBasedGateway id=\"g\"/>" + flow("s", "g") + flow("g", "t")),
       "g: an event-based gateway needs at least two outgoing flows\ng: an event-based gateway may lead to intermediate catch events only, "
       "but 't' is a serviceTask\n"},
      {wrap("<b:startEvent id=\"s\"/><b:subProcess id=\"q\"><b:startEvent id=\"s2\"/></b:subProcess>" + task("t") + flow("s", "q") +
            flow("s2", "t")),
       "s2-t: a sequence flow may not cross the border of a sub-process\n"},
      {wrap("<b:startEvent id=\"s\"/><v:thing/>"), ": v:thing is not a BPMN element\n"},
      {wrap("<b:startEvent id=\"s\"/>", "<b:interface id=\"x\"/>"), "x: bpmn:interface is not supported\n"},
      {"<b:definitions xmlns:b=\"http://www.omg.org/spec/BPMN/20100524/MODEL\"/>", ": the file holds no executable process\n"},
      {"<a/>", ": the root element is not bpmn:definitions\n"},
  };
  for (const auto& [xml, finding] : cases) EXPECT_EQ(all_findings(xml), finding) << xml;
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"s\"/>" + task("t") + flow("s", "t"))), "");
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"s\"><b:extensionElements><v:x/><z:properties/></b:extensionElements></b:startEvent>")),
            "");
}

TEST(Reader, PassesOverWhatDrawsAndDescribes) {
  const std::string around = R"(<b:category id="category"><b:categoryValue id="value"/></b:category><b:dataStore id="store"/>)"
                             R"(<b:itemDefinition id="item"/>)";
  const std::string xml = wrap(
      R"(<b:documentation>d</b:documentation><b:laneSet id="lanes"><b:lane id="lane"><b:flowNodeRef>s</b:flowNodeRef></b:lane></b:laneSet>)"
      R"(<b:ioSpecification><b:inputSet/><b:outputSet/></b:ioSpecification><b:property id="whole"/><b:startEvent id="s"><b:extensionElements>)"
      R"(<z:formDefinition formId="first"/><z:properties><z:property name="a" value="b"/></z:properties></b:extensionElements></b:startEvent>)" +
          task("t",
               R"(<b:property id="at"/><b:dataInputAssociation id="in"><b:sourceRef>paper</b:sourceRef><b:targetRef>at</b:targetRef>)"
               R"(</b:dataInputAssociation><b:dataOutputAssociation id="out"><b:targetRef>shelf</b:targetRef></b:dataOutputAssociation>)") +
          flow("s", "t") +
          R"(<b:dataObjectReference id="paper" dataObjectRef="sheet"/><b:dataObject id="sheet"/><b:dataStoreReference id="shelf"/>)"
          R"(<b:textAnnotation id="note"><b:text>n</b:text></b:textAnnotation><b:association id="line" sourceRef="t" targetRef="note"/>)"
          R"(<b:group id="frame" categoryValueRef="value"/>)",
      around);
  EXPECT_EQ(all_findings(xml), "");
  const auto read = read_model("m.bpmn", xml);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->at(0)->elements.size(), 3u) << "the process, its start and the task";
}

TEST(Reader, BP_1_NamesUnknownJobTypes) {
  const std::set<std::string, std::less<>> known = {"other"};
  ReadOptions options;
  options.known_job_types = &known;
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"s\"/>" + task("t") + flow("s", "t")), options),
            "t: there is no worker for the job type 'work'\n");
}

TEST(Reader, KeepsItsLimits) {
  EXPECT_NE(all_findings(std::string(kMaxModelBytes + 1, ' ')).find("larger than 4 MB"), std::string::npos);
  EXPECT_NE(all_findings("<!DOCTYPE a [<!ENTITY x \"y\">]>" + wrap("").substr(38)).find("document type"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_NE(all_findings(deep).find("nested deeper"), std::string::npos);
  const auto with_tasks = [](std::size_t count) {
    std::string inside = "<b:startEvent id=\"n0\"/>";
    for (std::size_t i = 1; i <= count; ++i) inside += "<b:endEvent id=\"n" + std::to_string(i) + "\"/>";
    for (std::size_t i = 1; i <= count; ++i) inside += flow("n0", "n" + std::to_string(i));
    return wrap(inside);
  };
  // the process, the start, and two for each end
  EXPECT_EQ(all_findings(with_tasks((kMaxModelElements - 2) / 2)), "");
  EXPECT_NE(all_findings(with_tasks((kMaxModelElements - 2) / 2 + 1)).find("more than 10,000 elements"), std::string::npos);
  EXPECT_NE(all_findings(wrap("<b:startEvent id=\"" + std::string(kMaxIdBytes + 1, 'x') + "\"/>")).find("longer than 255"),
            std::string::npos);
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"" + std::string(kMaxIdBytes, 'x') + "\"/>")), "");
}

TEST(Reader, BP_1_AcceptsTheShippedProcesses) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CONSILIUM_SOURCE_DIR) + "/processes")) {
    if (entry.path().extension() != ".bpmn") continue;
    const std::string name = entry.path().stem().string();
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const auto read = read_model(name, text.str());
    EXPECT_EQ(all_findings(text.str()), "") << name;
    ASSERT_TRUE(read.has_value()) << name;
    EXPECT_EQ(read->at(0)->id, name);
    ++count;
  }
  EXPECT_GE(count, 2U);
}

}  // namespace
}  // namespace consilium::bpmn::model
