#include "bpmn/model/process.h"

namespace consilium::bpmn::model {

std::optional<std::int32_t> user_task_priority(const feel::Value& value) {
  const auto whole = value.number() ? value.number()->to_integer() : std::nullopt;
  if (!whole || *whole < 0 || *whole > 100) return std::nullopt;
  return static_cast<std::int32_t>(*whole);
}

std::string_view name_of(ElementKind kind) {
  switch (kind) {
    case ElementKind::kProcess: return "process";
    case ElementKind::kSubProcess: return "subProcess";
    case ElementKind::kStartEvent: return "startEvent";
    case ElementKind::kEndEvent: return "endEvent";
    case ElementKind::kIntermediateCatchEvent: return "intermediateCatchEvent";
    case ElementKind::kBoundaryEvent: return "boundaryEvent";
    case ElementKind::kServiceTask: return "serviceTask";
    case ElementKind::kExclusiveGateway: return "exclusiveGateway";
    case ElementKind::kParallelGateway: return "parallelGateway";
    case ElementKind::kEventBasedGateway: return "eventBasedGateway";
    case ElementKind::kEventSubProcess: return "eventSubProcess";
    case ElementKind::kIntermediateThrowEvent: return "intermediateThrowEvent";
    case ElementKind::kTask: return "task";
    case ElementKind::kManualTask: return "manualTask";
    case ElementKind::kSendTask: return "sendTask";
    case ElementKind::kReceiveTask: return "receiveTask";
    case ElementKind::kScriptTask: return "scriptTask";
    case ElementKind::kBusinessRuleTask: return "businessRuleTask";
    case ElementKind::kUserTask: return "userTask";
    case ElementKind::kInclusiveGateway: return "inclusiveGateway";
    case ElementKind::kCallActivity: return "callActivity";
    case ElementKind::kMultiInstanceBody: return "multiInstanceBody";
  }
  return "";
}

bool Element::is_task() const {
  switch (kind) {
    case ElementKind::kServiceTask:
    case ElementKind::kTask:
    case ElementKind::kManualTask:
    case ElementKind::kSendTask:
    case ElementKind::kReceiveTask:
    case ElementKind::kScriptTask:
    case ElementKind::kBusinessRuleTask:
    case ElementKind::kUserTask: return true;
    default: return false;
  }
}

bool Element::is_gateway() const {
  return kind == ElementKind::kExclusiveGateway || kind == ElementKind::kParallelGateway || kind == ElementKind::kEventBasedGateway ||
         kind == ElementKind::kInclusiveGateway;
}

const Element* Process::find(std::string_view element_id) const {
  const auto found = by_id.find(element_id);
  return found == by_id.end() ? nullptr : &elements[found->second];
}

}  // namespace consilium::bpmn::model
