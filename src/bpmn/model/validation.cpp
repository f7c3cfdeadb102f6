#include "bpmn/model/validation.h"

#include <set>

namespace consilium::bpmn::model {
namespace {

void check_flow(const Process& process, const Flow& flow, Findings& findings) {
  const Element& source = process.elements[flow.source];
  const Element& target = process.elements[flow.target];
  if (source.scope != target.scope) findings.add(flow.id, "a sequence flow may not cross the border of a sub-process");
  if (source.kind == ElementKind::kEndEvent) findings.add(flow.id, "an end event may not have an outgoing flow");
  if (target.kind == ElementKind::kStartEvent || target.kind == ElementKind::kBoundaryEvent)
    findings.add(flow.id, "a " + std::string(name_of(target.kind)) + " may not have an incoming flow");
  if (flow.condition && source.kind != ElementKind::kExclusiveGateway)
    findings.add(flow.id, "a condition is supported on the flows of an exclusive gateway only");
}

void check_exclusive_gateway(const Process& process, const Element& gateway, Findings& findings) {
  for (const FlowIndex index : gateway.outgoing) {
    const Flow& flow = process.flows[index];
    const bool is_default = gateway.default_flow == index;
    if (is_default && flow.condition) findings.add(flow.id, "the default flow may not have a condition");
    if (!is_default && !flow.condition && gateway.outgoing.size() > 1)
      findings.add(flow.id, "a flow of an exclusive gateway needs a condition unless it is the default flow");
  }
}

void check_event_gateway(const Process& process, const Element& gateway, Findings& findings) {
  if (gateway.outgoing.size() < 2) findings.add(gateway.id, "an event-based gateway needs at least two outgoing flows");
  std::set<std::string> messages;
  for (const FlowIndex index : gateway.outgoing) {
    const Element& target = process.elements[process.flows[index].target];
    if (target.kind != ElementKind::kIntermediateCatchEvent) {
      findings.add(gateway.id, "an event-based gateway may lead to intermediate catch events only, but '" + target.id + "' is a " +
                                   std::string(name_of(target.kind)));
      continue;
    }
    if (target.incoming.size() > 1)
      findings.add(target.id, "a catch event behind an event-based gateway may not have other incoming flows");
    if (target.message && target.message->name.is_static() && !messages.insert(target.message->name.text()).second)
      findings.add(gateway.id,
                   "two catch events of an event-based gateway wait for the same message '" + target.message->name.text() + "'");
  }
}

void check_boundary_events(const Process& process, const Element& host, Findings& findings) {
  std::set<std::string> codes;
  for (const ElementIndex index : host.boundary_events) {
    const Element& event = process.elements[index];
    if (event.scope != host.scope)
      findings.add(event.id, "a boundary event must lie in the same scope as the activity that it is attached to");
    if (event.outgoing.empty()) findings.add(event.id, "a boundary event needs an outgoing flow");
    if (event.error && !event.interrupting) findings.add(event.id, "an error boundary event must be interrupting");
    if (event.error && !codes.insert(event.error->code).second)
      findings.add(event.id, event.error->code.empty() ? "two boundary events of one activity catch every error"
                                                       : "two boundary events of one activity catch the error '" + event.error->code + "'");
  }
}

void check_scope(const Process& process, ElementIndex index, const std::vector<ElementIndex>& children, Findings& findings) {
  int starts = 0;
  for (const ElementIndex child : children) starts += process.elements[child].kind == ElementKind::kStartEvent ? 1 : 0;
  const Element& scope = process.elements[index];
  if (starts != 1) findings.add(scope.id, "expected exactly one none start event, but found " + std::to_string(starts));
}

void check_element(const Process& process, const Element& element, Findings& findings) {
  switch (element.kind) {
    case ElementKind::kServiceTask:
      if (!element.job) findings.add(element.id, "a service task needs a zeebe:taskDefinition with a type");
      break;
    case ElementKind::kExclusiveGateway: check_exclusive_gateway(process, element, findings); break;
    case ElementKind::kEventBasedGateway: check_event_gateway(process, element, findings); break;
    case ElementKind::kIntermediateCatchEvent:
      if (element.event == EventKind::kNone) findings.add(element.id, "an intermediate catch event needs a message or timer definition");
      break;
    case ElementKind::kBoundaryEvent:
      if (element.event == EventKind::kNone) findings.add(element.id, "a boundary event needs an error, message or timer definition");
      break;
    default: break;
  }
  if (element.default_flow && element.kind != ElementKind::kExclusiveGateway)
    findings.add(element.id, "a default flow is supported on an exclusive gateway only");
  if (element.is_activity()) check_boundary_events(process, element, findings);
}

void report_unreachable(const Process& process, const std::vector<std::vector<ElementIndex>>& children, Findings& findings) {
  std::vector<bool> reached(process.elements.size(), false);
  std::vector<ElementIndex> open = {kProcessElement};
  while (!open.empty()) {
    const ElementIndex index = open.back();
    open.pop_back();
    if (reached[index]) continue;
    reached[index] = true;
    const Element& element = process.elements[index];
    for (const FlowIndex flow : element.outgoing) open.push_back(process.flows[flow].target);
    open.insert(open.end(), element.boundary_events.begin(), element.boundary_events.end());
    for (const ElementIndex child : children[index]) {
      if (process.elements[child].kind == ElementKind::kStartEvent) open.push_back(child);
    }
  }
  for (std::size_t i = 0; i < reached.size(); ++i) {
    // What lies in an unreachable sub-process is not told again, one by one.
    if (!reached[i] && reached[process.elements[i].scope]) findings.add(process.elements[i].id, "cannot be reached from the start event");
  }
}

}  // namespace

void check_process(const Process& process, Findings& findings) {
  std::vector<std::vector<ElementIndex>> children(process.elements.size());
  for (std::size_t i = 1; i < process.elements.size(); ++i) children[process.elements[i].scope].push_back(static_cast<ElementIndex>(i));
  for (const Flow& flow : process.flows) check_flow(process, flow, findings);
  for (std::size_t i = 0; i < process.elements.size(); ++i) {
    if (process.elements[i].is_scope()) check_scope(process, static_cast<ElementIndex>(i), children[i], findings);
    check_element(process, process.elements[i], findings);
  }
  if (findings.empty()) report_unreachable(process, children, findings);
}

}  // namespace consilium::bpmn::model
