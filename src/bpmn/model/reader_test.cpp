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
      {wrap("<b:startEvent id=\"s\"><b:timerEventDefinition/></b:startEvent>"), "s: the timer needs a timeDuration or a timeDate\n"},
      {wrap("<b:startEvent id=\"s\"><b:conditionalEventDefinition/></b:startEvent>"),
       "s: bpmn:conditionalEventDefinition is not supported in a startEvent\n"},
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
       "t: retries must be a number\n"},
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
      {wrap("<b:startEvent id=\"s\"><b:signalEventDefinition signalRef=\"g\"/></b:startEvent>", "<b:signal id=\"g\" name=\"=x\"/>"),
       "g: the name of a signal that starts a process must be a text without variables\n"},
      {wrap("<b:startEvent id=\"s\"/><b:eventBasedGateway id=\"g\"/><b:intermediateCatchEvent id=\"c\"><b:linkEventDefinition "
            "name=\"l\"/></b:intermediateCatchEvent><b:intermediateCatchEvent id=\"d\"><b:extensionElements><z:ioMapping><z:input "
            "source=\"=1\" "
            "target=\"a\"/></z:ioMapping></b:extensionElements><b:timerEventDefinition><b:timeDuration>PT1S</b:timeDuration>"
            "</b:timerEventDefinition></b:intermediateCatchEvent>" +
            flow("s", "g") + flow("g", "c") + flow("g", "d")),
       "g: an event-based gateway may not lead to the link event 'c'\n"
       "d: zeebe:input is not supported in an event behind an event-based gateway\n"},
      {"<a/>", ": the root element is not bpmn:definitions\n"},
  };
  for (const auto& [xml, finding] : cases) EXPECT_EQ(all_findings(xml), finding) << xml;
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"s\"/>" + task("t") + flow("s", "t"))), "");
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"s\"><b:extensionElements><v:x/><z:properties/></b:extensionElements></b:startEvent>")),
            "");
}

std::string extended(std::string_view kind, std::string_view extensions, std::string_view inside = "") {
  return wrap("<b:startEvent id=\"s\"/><b:" + std::string(kind) + " id=\"t\"><b:extensionElements>" + std::string(extensions) +
              "</b:extensionElements>" + std::string(inside) + "</b:" + std::string(kind) + ">" + flow("s", "t"));
}

// As with Zeebe, which says nothing of those that do nothing.
TEST(Reader, RefusesMappingsThatWouldDoNothing) {
  const std::string others = "<b:message id=\"m\" name=\"n\"/><b:escalation id=\"e\" escalationCode=\"E\"/><b:signal id=\"g\" name=\"n\"/>";
  const std::string job = "<z:taskDefinition type=\"w\"/>";
  const struct {
    std::string kind, extension, definition, refused;  // directions
  } cases[] = {
      {"task", "", "", "input output "},
      {"manualTask", "", "", "input output "},
      {"serviceTask", job, "", ""},
      {"endEvent", "", "", "input "},
      {"endEvent", "", "<b:terminateEventDefinition/>", "input output "},
      {"endEvent", "", "<b:compensateEventDefinition/>", "input output "},
      {"endEvent", "", "<b:escalationEventDefinition escalationRef=\"e\"/>", "input "},
      {"endEvent", "", "<b:signalEventDefinition signalRef=\"g\"/>", ""},
      {"endEvent", job, "<b:messageEventDefinition messageRef=\"m\"/>", ""},
      {"intermediateThrowEvent", "", "", "input "},
      {"intermediateThrowEvent", "", "<b:escalationEventDefinition escalationRef=\"e\"/>", "input "},
      {"intermediateThrowEvent", "", "<b:compensateEventDefinition/>", "input output "},
      {"intermediateThrowEvent", "", "<b:signalEventDefinition signalRef=\"g\"/>", ""},
      {"intermediateThrowEvent", job, "<b:messageEventDefinition messageRef=\"m\"/>", ""},
  };
  ReadOptions kept;
  kept.origin = Origin::kKept;
  for (const auto& [kind, extension, definition, refused] : cases) {
    std::string found;
    for (const std::string direction : {"input", "output"}) {
      const std::string xml =
          wrap("<b:startEvent id=\"s\"/><b:" + kind + " id=\"t\"><b:extensionElements>" + extension + "<z:ioMapping><z:" + direction +
                   " source=\"=1\" target=\"a\"/></z:ioMapping></b:extensionElements>" + definition + "</b:" + kind + ">" + flow("s", "t"),
               others);
      if (all_findings(xml).contains("t: zeebe:" + direction + " is not supported in a " + kind)) found += direction + ' ';
      EXPECT_EQ(all_findings(xml, kept), "") << "what was deployed earlier goes on: " << xml;
    }
    EXPECT_EQ(found, refused) << kind << ' ' << definition;
  }
}

TEST(Reader, ReadsManyAndDeepMappingsInNoTime) {
  const auto mapped = [](const std::string& mappings) {
    return wrap("<b:startEvent id=\"s\"/><b:userTask id=\"t\"><b:extensionElements><z:ioMapping>" + mappings +
                "</z:ioMapping></b:extensionElements></b:userTask>" + flow("s", "t"));
  };
  std::string deep = "a", many;
  for (int i = 0; i < 200'000; ++i) deep += ".a";
  EXPECT_EQ(all_findings(mapped("<z:input source=\"=1\" target=\"" + deep + "\"/>")),
            "t: the target of a mapping must be the name of a variable, or a path of names\n");
  for (int i = 0; i < 20'000; ++i) many += "<z:input source=\"=1\" target=\"a.b.c" + std::to_string(i % 7'000) + "\"/>";
  const auto read = read_model("m.bpmn", mapped(many));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ((*read)[0]->find("t")->inputs.size(), 7'000u);
}

TEST(Reader, WantsExpressionsForOutputs) {
  const auto mapped = [](const std::string& direction, const std::string& source) {
    return wrap("<b:startEvent id=\"s\"/><b:userTask id=\"t\"><b:extensionElements><z:ioMapping><z:" + direction + " source=\"" + source +
                "\" target=\"a\"/></z:ioMapping></b:extensionElements></b:userTask>" + flow("s", "t"));
  };
  ReadOptions kept;
  kept.origin = Origin::kKept;
  EXPECT_EQ(all_findings(mapped("input", "text")), "");
  EXPECT_EQ(all_findings(mapped("output", "=text")), "");
  EXPECT_EQ(all_findings(mapped("output", "text")), "t: the source of zeebe:output must be an expression, which begins with =\n");
  EXPECT_EQ(all_findings(mapped("output", "text"), kept), "");
}

TEST(Reader, RefusesWhatIsNotOfNativeUserTasks) {
  const struct {
    std::string extension;
    std::string finding;
  } cases[] = {
      {"<z:priorityDefinition priority=\"5\"/>", "t: zeebe:priorityDefinition is not supported in a userTask\n"},
      {"<z:userTask/><z:priorityDefinition priority=\"101\"/>", "t: the priority of a user task must be an integer from 0 to 100\n"},
      {"<z:userTask/><z:formDefinition formKey=\"k\"/>", "t: a zeebe:formDefinition needs a formId or an externalReference\n"},
      {"<z:formDefinition externalReference=\"k\"/>", "t: a zeebe:formDefinition needs a formId or a formKey\n"},
      {"<z:userTask/><z:formDefinition formId=\"f\" externalReference=\"k\"/>",
       "t: a zeebe:formDefinition has either a formId or an externalReference\n"},
      {"<z:userTask/><z:userTask/>", "t: there is more than one zeebe:userTask\n"},
  };
  for (const auto& one : cases) EXPECT_EQ(all_findings(extended("userTask", one.extension)), one.finding) << one.extension;
}

// What Zeebe 8.5.8 refuses and earlier versions of ours did not: it was deployed then, and is read at every start.
TEST(Reader, RefusesOfNewModelsWhatKeptOnesMayHold) {
  const std::string work = "<z:taskDefinition type=\"work\"/>";
  const auto with_key = [](std::string_view subscriptions) {
    return wrap("<b:startEvent id=\"s\"/><b:receiveTask id=\"t\" messageRef=\"m\"/>" + flow("s", "t"),
                "<b:message id=\"m\" name=\"n\"><b:extensionElements>" + std::string(subscriptions) + "</b:extensionElements></b:message>");
  };
  const auto loop = [](std::string_view attributes) {
    return "<b:multiInstanceLoopCharacteristics><b:extensionElements><z:loopCharacteristics " + std::string(attributes) +
           "/></b:extensionElements></b:multiInstanceLoopCharacteristics>";
  };
  const struct {
    std::string xml;
    std::string finding;
  } cases[] = {
      {wrap("<b:startEvent id=\"s 1\"/>"), "s 1: the id is no name of XML: letters, digits, '.', '-' and '_', and no digit first\n"},
      {wrap("<b:startEvent id=\"1s\"/>"), "1s: the id is no name of XML: letters, digits, '.', '-' and '_', and no digit first\n"},
      {extended("serviceTask", work + work), "t: there is more than one zeebe:taskDefinition\n"},
      {extended("userTask", "<z:formDefinition/>"), "t: a zeebe:formDefinition needs a formId or a formKey\n"},
      {extended("serviceTask", work + "<z:taskHeaders><z:header key=\"a\" value=\"1\"/><z:header key=\"a\" value=\"2\"/></z:taskHeaders>"),
       "t: zeebe:taskHeaders has more than one header with the key 'a'\n"},
      {extended("serviceTask", work + "<z:ioMapping><z:input target=\"a\"/></z:ioMapping>"), "t: zeebe:input needs a source\n"},
      {extended("serviceTask", work + "<z:ioMapping><z:input source=\"=1\" target=\"null\"/></z:ioMapping>"),
       "t: the target of a mapping may not be the word null\n"},
      {extended("serviceTask", work, loop("inputCollection=\"x\"")), "t: an inputCollection must be an expression that starts with '='\n"},
      {extended("serviceTask", work, loop("inputCollection=\"=x\" outputCollection=\"o\" outputElement=\"x\"")),
       "t: an outputElement must be an expression that starts with '='\n"},
      {with_key("<z:subscription correlationKey=\"k\"/>"), "m: a correlationKey must be an expression that starts with '='\n"},
      {with_key("<z:subscription correlationKey=\"=k\"/><z:subscription correlationKey=\"=k\"/>"),
       "m: the message has more than one zeebe:subscription\n"},
      {wrap("<b:startEvent id=\"s\"/>" + task("t") + flow("s", "t") +
            "<b:boundaryEvent id=\"b\" attachedToRef=\"t\"><b:escalationEventDefinition/></b:boundaryEvent><b:endEvent id=\"e\"/>" +
            flow("b", "e")),
       "b: a boundary event may catch an escalation of a sub-process or call activity only\n"},
  };
  ReadOptions kept;
  kept.origin = Origin::kKept;
  for (const auto& [xml, finding] : cases) {
    EXPECT_EQ(all_findings(xml), finding) << xml;
    EXPECT_EQ(all_findings(xml, kept), "") << xml;
  }
  EXPECT_EQ(all_findings(wrap("<b:startEvent id=\"s\"/>",
                              "<b:message id=\"m\" name=\"n\"><b:extensionElements><z:subscription "
                              "correlationKey=\"=1 +\"/></b:extensionElements></b:message>")),
            "m: invalid expression in correlationKey at character 5: expected a value, but the expression ends\n");
}

TEST(Reader, AcceptsWhatZeebeAccepts) {
  const auto choice = [](std::string_view condition) {
    return R"(<b:startEvent id="s"/><b:exclusiveGateway id="x" default="x-e"/><b:endEvent id="e"/><b:endEvent id="f"/>)" + flow("s", "x") +
           R"(<b:sequenceFlow id="x-f" sourceRef="x" targetRef="f"><b:conditionExpression>=true</b:conditionExpression></b:sequenceFlow>)" +
           R"(<b:sequenceFlow id="x-e" sourceRef="x" targetRef="e"><b:conditionExpression>)" + std::string(condition) +
           "</b:conditionExpression></b:sequenceFlow>";
  };
  const std::string cases[] = {
      wrap("<b:startEvent id=\"s\"/>" + task("t")),  // nothing leads there
      wrap("<b:startEvent id=\"s\" isInterrupting=\"false\"/>"),
      wrap(choice("=true")),
      wrap("<b:startEvent id=\"s\"/><b:manualTask id=\"t\" default=\"t-e\"/><b:endEvent id=\"e\"/>" + flow("s", "t") + flow("t", "e")),
      extended("serviceTask", "<z:taskDefinition type=\"a\" retries=\"1.5\"/>"),
      extended("serviceTask", "<z:taskDefinition type=\"a\" retries=\"-1\"/>"),
      extended("serviceTask", "<z:taskDefinition type=\"a\" retries=\"5000\"/>"),
      extended("manualTask", "",
               "<b:multiInstanceLoopCharacteristics><b:extensionElements><z:loopCharacteristics inputCollection=\"=x\"/>"
               "</b:extensionElements><b:completionCondition/></b:multiInstanceLoopCharacteristics>"),
  };
  for (const std::string& xml : cases) EXPECT_EQ(all_findings(xml), "") << xml;
  const auto read = read_model("m.bpmn", wrap(choice("=true")));
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->at(0)->flows[read->at(0)->flow_by_id.at("x-e")].condition) << "of a default flow it decides nothing";
  EXPECT_NE(all_findings(wrap(choice("=1 +"))), "") << "but it is read";
  const auto caught = read_model("m.bpmn", wrap("<b:startEvent id=\"s\"/>" + task("t") +
                                                    "<b:boundaryEvent id=\"c\" attachedToRef=\"t\"><b:errorEventDefinition "
                                                    "errorRef=\"r\"/></b:boundaryEvent><b:endEvent id=\"e\"/>" +
                                                    flow("s", "t") + flow("c", "e"),
                                                "<b:error id=\"r\"/>"));
  ASSERT_TRUE(caught.has_value());
  EXPECT_TRUE(caught->at(0)->find("c")->error->catches("any")) << "an error without a code stands for every one";
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
  // The limits are the file's, however many processes it has.
  const auto with_processes = [&](std::size_t processes, std::size_t ends) {
    std::string more;
    for (std::size_t i = 1; i < processes; ++i) {
      more += "<b:process id=\"q" + std::to_string(i) + "\" isExecutable=\"true\"><b:startEvent id=\"s" + std::to_string(i) + "\"/>";
      for (std::size_t j = 0; j < ends; ++j) more += "<b:endEvent id=\"e" + std::to_string(i) + '_' + std::to_string(j) + "\"/>";
      for (std::size_t j = 0; j < ends; ++j) more += flow("s" + std::to_string(i), "e" + std::to_string(i) + '_' + std::to_string(j));
      more += "</b:process>";
    }
    return wrap("<b:startEvent id=\"s\"/>", more);
  };
  ReadOptions kept;
  kept.origin = Origin::kKept;
  EXPECT_EQ(all_findings(with_processes(kMaxProcesses, 0)), "");
  EXPECT_EQ(all_findings(with_processes(kMaxProcesses + 2, 0)), "q101: the file has more than 100 executable processes\n");
  EXPECT_EQ(all_findings(with_processes(kMaxProcesses + 2, 0), kept), "");
  EXPECT_EQ(all_findings(with_processes(11, 480)), "");
  EXPECT_NE(all_findings(with_processes(11, 520)).find("more than 10,000 elements"), std::string::npos);
  EXPECT_EQ(all_findings(with_processes(11, 520), kept), "");
  // A look-up of a namespace goes through the attributes of all elements around.
  const auto nested = [](int levels, int attributes) {
    std::string begin, end;
    for (int i = 0; i < levels; ++i) {
      begin += "<x:a";
      for (int j = 0; j < attributes; ++j) begin += " a" + std::to_string(j) + "=\"\"";
      begin += '>';
      end += "</x:a>";
    }
    return wrap("<b:startEvent id=\"s\"><b:extensionElements>" + begin + end + "</b:extensionElements></b:startEvent>");
  };
  EXPECT_EQ(all_findings(nested(190, 2)), "");
  EXPECT_NE(all_findings(nested(190, 8)).find("more than 1,000 attributes on the way"), std::string::npos);
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
