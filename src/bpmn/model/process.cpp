#include "bpmn/model/process.h"

namespace consilium::bpmn::model {

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
  }
  return "";
}

const Element* Process::find(std::string_view element_id) const {
  const auto found = by_id.find(element_id);
  return found == by_id.end() ? nullptr : &elements[found->second];
}

}  // namespace consilium::bpmn::model
