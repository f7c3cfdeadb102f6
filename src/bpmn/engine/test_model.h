// Builds BPMN XML for tests, one call an element.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace consilium::bpmn::engine {

class TestModel {
 public:
  explicit TestModel(std::string id = "p") : id_(std::move(id)) {}

  TestModel& raw(std::string_view xml) {
    body_ += xml;
    return *this;
  }
  TestModel& start(std::string_view id = "start") { return node("startEvent", id, "", ""); }
  TestModel& end(std::string_view id = "end") { return node("endEvent", id, "", ""); }
  TestModel& error_end(std::string_view id, std::string_view code) {
    return node("endEvent", id, "", "<errorEventDefinition errorRef=\"" + error(code) + "\"/>");
  }
  TestModel& task(std::string_view id, std::string_view type, std::string_view io = "", std::string_view retries = "",
                  std::string_view headers = "") {
    std::string extension =
        "<z:taskDefinition type='" + std::string(type) + "'" + (retries.empty() ? "" : " retries='" + std::string(retries) + "'") + "/>";
    if (!headers.empty()) extension += "<z:taskHeaders>" + std::string(headers) + "</z:taskHeaders>";
    return node("serviceTask", id, "", extensions(extension + mapping(io)));
  }
  TestModel& exclusive(std::string_view id, std::string_view default_flow = "") {
    return node("exclusiveGateway", id, default_flow.empty() ? "" : " default='" + std::string(default_flow) + "'", "");
  }
  TestModel& parallel(std::string_view id) { return node("parallelGateway", id, "", ""); }
  TestModel& event_gateway(std::string_view id) { return node("eventBasedGateway", id, "", ""); }
  TestModel& catch_message(std::string_view id, std::string_view name, std::string_view key, std::string_view io = "") {
    return node("intermediateCatchEvent", id, "",
                extensions(mapping(io)) + "<messageEventDefinition messageRef='" + message(name, key) + "'/>");
  }
  TestModel& catch_timer(std::string_view id, std::string_view duration) { return node("intermediateCatchEvent", id, "", timer(duration)); }
  TestModel& catch_date(std::string_view id, std::string_view date) {
    return node("intermediateCatchEvent", id, "", timer(date, "timeDate"));
  }
  TestModel& boundary_error(std::string_view id, std::string_view host, std::string_view code) {
    return node("boundaryEvent", id, attached(host),
                code.empty() ? "<errorEventDefinition/>" : "<errorEventDefinition errorRef='" + error(code) + "'/>");
  }
  TestModel& boundary_timer(std::string_view id, std::string_view host, std::string_view duration, bool interrupting = true) {
    return node("boundaryEvent", id, attached(host) + (interrupting ? "" : " cancelActivity='false'"), timer(duration));
  }
  TestModel& boundary_message(std::string_view id, std::string_view host, std::string_view name, std::string_view key,
                              bool interrupting = true) {
    return node("boundaryEvent", id, attached(host) + (interrupting ? "" : " cancelActivity='false'"),
                "<messageEventDefinition messageRef='" + message(name, key) + "'/>");
  }
  // A start event of the process or of an event sub-process; `event` comes from one of the functions below.
  TestModel& start_on(std::string_view id, const std::string& event, bool interrupting = true, std::string_view io = "") {
    return node("startEvent", id, interrupting ? "" : " isInterrupting='false'", extensions(mapping(io)) + event);
  }
  TestModel& catch_on(std::string_view id, const std::string& event, std::string_view io = "") {
    return node("intermediateCatchEvent", id, "", extensions(mapping(io)) + event);
  }
  TestModel& throw_on(std::string_view id, const std::string& event, std::string_view io = "", const std::string& extension = "") {
    return node("intermediateThrowEvent", id, "", extensions(extension + mapping(io)) + event);
  }
  TestModel& end_on(std::string_view id, const std::string& event, std::string_view io = "") {
    return node("endEvent", id, "", extensions(mapping(io)) + event);
  }
  TestModel& boundary_on(std::string_view id, std::string_view host, const std::string& event, bool interrupting = true) {
    return node("boundaryEvent", id, attached(host) + (interrupting ? "" : " cancelActivity='false'"), event);
  }
  std::string on_message(std::string_view name, std::string_view key = "") {
    return "<messageEventDefinition messageRef='" + message(name, key) + "'/>";
  }
  static std::string on_timer(std::string_view value, const std::string& kind = "timeDuration") { return timer(value, kind); }
  std::string on_signal(std::string_view name) { return "<signalEventDefinition signalRef='" + declare("signal", "name", name) + "'/>"; }
  std::string on_error(std::string_view code) {
    return code.empty() ? "<errorEventDefinition/>" : "<errorEventDefinition errorRef='" + error(code) + "'/>";
  }
  std::string on_escalation(std::string_view code) {
    return code.empty() ? "<escalationEventDefinition/>"
                        : "<escalationEventDefinition escalationRef='" + declare("escalation", "escalationCode", code) + "'/>";
  }
  static std::string on_link(std::string_view name, std::string_view id = "") {
    return "<linkEventDefinition name='" + std::string(name) + "'" + (id.empty() ? "" : " id='" + std::string(id) + "'") + "/>";
  }
  // Zeebe wants an id of each.
  static std::string on_compensation(std::string_view activity = "", std::string_view id = "compensate") {
    return "<compensateEventDefinition id='" + std::string(id) + "'" +
           (activity.empty() ? std::string() : " activityRef='" + std::string(activity) + "'") + "/>";
  }
  // `handler` undoes `host`.
  TestModel& compensated_by(std::string_view id, std::string_view host, std::string_view handler) {
    artifacts_.back() += "<association id='to-" + std::string(handler) + "-" + std::string(id) +
                         "' associationDirection='One' sourceRef='" + std::string(id) + "' targetRef='" + std::string(handler) + "'/>";
    return boundary_on(id, host, on_compensation("", std::string(id) + "-definition"));
  }
  TestModel& handler(std::string_view id, std::string_view type) {
    return node("serviceTask", id, " isForCompensation='true'", extensions("<z:taskDefinition type='" + std::string(type) + "'/>"));
  }
  static std::string on_terminate() { return "<terminateEventDefinition/>"; }
  // A task of any kind with what its extensions hold.
  TestModel& activity(std::string_view kind, std::string_view id, std::string_view extension = "", std::string_view io = "",
                      std::string_view inside = "") {
    return node(kind, id, "", extensions(std::string(extension) + mapping(io)) + std::string(inside));
  }
  TestModel& receive(std::string_view id, std::string_view name, std::string_view key) {
    return node("receiveTask", id, " messageRef='" + message(name, key) + "'", "");
  }
  TestModel& inclusive(std::string_view id, std::string_view default_flow = "") {
    return node("inclusiveGateway", id, default_flow.empty() ? "" : " default='" + std::string(default_flow) + "'", "");
  }
  TestModel& call(std::string_view id, std::string_view process, std::string_view attributes = "", std::string_view io = "") {
    return node("callActivity", id, "",
                extensions("<z:calledElement processId='" + std::string(process) + "' " + std::string(attributes) + "/>" + mapping(io)));
  }
  TestModel& open_event_sub(std::string_view id, std::string_view io = "") {
    artifacts_.emplace_back();
    body_ += "<subProcess id='" + std::string(id) + "' triggeredByEvent='true'>" + extensions(mapping(io));
    return *this;
  }
  static std::string loop(std::string_view attributes, std::string_view condition = "", bool sequential = false) {
    return "<multiInstanceLoopCharacteristics isSequential='" + std::string(sequential ? "true" : "false") + "'>" +
           extensions("<z:loopCharacteristics " + std::string(attributes) + "/>") +
           (condition.empty() ? "" : "<completionCondition><![CDATA[=" + std::string(condition) + "]]></completionCondition>") +
           "</multiInstanceLoopCharacteristics>";
  }
  TestModel& open_sub(std::string_view id, std::string_view io = "", std::string_view inside = "") {
    artifacts_.emplace_back();
    body_ += "<subProcess id='" + std::string(id) + "'>" + inside_of(id, extensions(mapping(io)) + std::string(inside));
    return *this;
  }
  TestModel& close_sub() {
    if (artifacts_.size() > 1) {  // opened here, and not as raw text
      body_ += artifacts_.back();
      artifacts_.pop_back();
    }
    body_ += "</subProcess>";
    return *this;
  }
  TestModel& flow(std::string_view from, std::string_view to, std::string_view condition = "") {
    incoming_[std::string(to)] += "<incoming>" + std::string(from) + "_" + std::string(to) + "</incoming>";
    outgoing_[std::string(from)] += "<outgoing>" + std::string(from) + "_" + std::string(to) + "</outgoing>";
    body_ += "<sequenceFlow id='" + std::string(from) + "_" + std::string(to) + "' sourceRef='" + std::string(from) + "' targetRef='" +
             std::string(to) + "'>";
    if (!condition.empty()) body_ += "<conditionExpression><![CDATA[=" + std::string(condition) + "]]></conditionExpression>";
    body_ += "</sequenceFlow>";
    return *this;
  }

  std::string xml() const {
    return "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:z='http://camunda.org/schema/zeebe/1.0' "
           "targetNamespace='http://consilium.example/test'>" +
           outside_ + "<process id='" + id_ + "' isExecutable='true'>" + body_with_flows() + artifacts_.front() +
           "</process></definitions>";
  }

 private:
  TestModel& node(std::string_view kind, std::string_view id, std::string_view attributes, std::string_view inside) {
    body_ += "<" + std::string(kind) + " id='" + std::string(id) + "'" + std::string(attributes) + ">" + inside_of(id, inside) + "</" +
             std::string(kind) + ">";
    return *this;
  }
  // The schema wants the flows behind the extensions; they are not known yet: a mark stands for them.
  static std::string inside_of(std::string_view id, std::string_view inside) {
    constexpr std::string_view kEnd = "</extensionElements>";
    const std::size_t found = inside.starts_with("<extensionElements>") ? inside.find(kEnd) + kEnd.size() : 0;
    return std::string(inside.substr(0, found)) + kMark + std::string(id) + kMark + std::string(inside.substr(found));
  }
  std::string body_with_flows() const {
    std::string text;
    for (std::size_t at = 0; at < body_.size();) {
      const std::size_t mark = body_.find(kMark, at);
      text += body_.substr(at, mark - at);
      if (mark == std::string::npos) break;
      const std::size_t end = body_.find(kMark, mark + 1);
      const std::string id = body_.substr(mark + 1, end - mark - 1);
      for (const auto* flows : {&incoming_, &outgoing_}) {
        if (const auto found = flows->find(id); found != flows->end()) text += found->second;
      }
      at = end + 1;
    }
    return text;
  }
  static std::string extensions(const std::string& inside) {
    return inside.empty() ? "" : "<extensionElements>" + inside + "</extensionElements>";
  }
  static std::string mapping(std::string_view io) { return io.empty() ? "" : "<z:ioMapping>" + std::string(io) + "</z:ioMapping>"; }
  static std::string attached(std::string_view host) { return " attachedToRef='" + std::string(host) + "'"; }
  static std::string timer(std::string_view value, const std::string& kind = "timeDuration") {
    return "<timerEventDefinition><" + kind + "><![CDATA[" + std::string(value) + "]]></" + kind + "></timerEventDefinition>";
  }
  std::string message(std::string_view name, std::string_view key) {
    const std::string id = "declared-message-" + std::to_string(++declared_);
    outside_ += "<message id='" + id + "' name='" + std::string(name) + "'>";
    if (!key.empty()) outside_ += extensions("<z:subscription correlationKey='" + std::string(key) + "'/>");
    outside_ += "</message>";
    return id;
  }
  std::string error(std::string_view code) { return declare("error", "errorCode", code); }
  std::string declare(const std::string& kind, const std::string& attribute, std::string_view value) {
    const std::string id = "declared-" + kind + "-" + std::to_string(++declared_);
    outside_ += "<" + kind + " id='" + id + "' " + attribute + "='" + std::string(value) + "'/>";
    return id;
  }

  static constexpr char kMark = '\1';

  std::string id_;
  std::map<std::string, std::string> incoming_;  // of elements
  std::map<std::string, std::string> outgoing_;
  std::string outside_;
  std::string body_;
  std::vector<std::string> artifacts_ = {""};  // of each open scope: they stand at its end
  int declared_ = 0;
};

inline std::string input(std::string_view source, std::string_view target) {
  return "<z:input source='" + std::string(source) + "' target='" + std::string(target) + "'/>";
}
inline std::string output(std::string_view source, std::string_view target) {
  return "<z:output source='" + std::string(source) + "' target='" + std::string(target) + "'/>";
}

}  // namespace consilium::bpmn::engine
