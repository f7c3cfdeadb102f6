#include "bpmn/model/validation.h"

#include <set>

namespace consilium::bpmn::model {
namespace {

bool chooses(const Element& element) {
  return element.kind == ElementKind::kExclusiveGateway || element.kind == ElementKind::kInclusiveGateway;
}

void check_flow(const Process& process, const Flow& flow, Findings& findings) {
  const Element& source = process.elements[flow.source];
  const Element& target = process.elements[flow.target];
  if (source.scope != target.scope) findings.add(flow.id, "a sequence flow may not cross the border of a sub-process");
  if (source.kind == ElementKind::kEndEvent) findings.add(flow.id, "an end event may not have an outgoing flow");
  if (source.kind == ElementKind::kBoundaryEvent && source.event == EventKind::kCompensation)
    findings.add(flow.id, "a compensation boundary event may not have an outgoing flow");
  if (source.is_compensation_handler || target.is_compensation_handler)
    findings.add(flow.id, "a compensation handler may not have incoming or outgoing flows");
  if (source.kind == ElementKind::kEventSubProcess) findings.add(flow.id, "an event sub-process may not have an outgoing flow");
  if (source.kind == ElementKind::kIntermediateThrowEvent && source.event == EventKind::kLink)
    findings.add(flow.id, "a link throw event may not have an outgoing flow");
  if (target.kind == ElementKind::kStartEvent || target.kind == ElementKind::kBoundaryEvent || target.kind == ElementKind::kEventSubProcess)
    findings.add(flow.id, "a " + std::string(name_of(target.kind)) + " may not have an incoming flow");
  if (flow.condition && !chooses(source))
    findings.add(flow.id, "a condition is supported on the flows of an exclusive or inclusive gateway only");
}

// Exclusive and inclusive.
void check_choice(const Process& process, const Element& gateway, Findings& findings) {
  const std::string kind = gateway.kind == ElementKind::kExclusiveGateway ? "an exclusive gateway" : "an inclusive gateway";
  for (const FlowIndex index : gateway.outgoing) {
    const Flow& flow = process.flows[index];
    const bool is_default = gateway.default_flow == index;
    if (!is_default && !flow.condition && gateway.outgoing.size() > 1)
      findings.add(flow.id, "a flow of " + kind + " needs a condition unless it is the default flow");
  }
}

void check_event_gateway(const Process& process, const Element& gateway, Findings& findings) {
  if (gateway.outgoing.size() < 2) findings.add(gateway.id, "an event-based gateway needs at least two outgoing flows");
  std::set<std::string> messages;
  std::set<std::string> signals;
  for (const FlowIndex index : gateway.outgoing) {
    const Element& target = process.elements[process.flows[index].target];
    if (target.kind != ElementKind::kIntermediateCatchEvent) {
      findings.add(gateway.id, "an event-based gateway may lead to intermediate catch events only, but '" + target.id + "' is a " +
                                   std::string(name_of(target.kind)));
      continue;
    }
    if (target.event == EventKind::kLink)
      findings.add(gateway.id, "an event-based gateway may not lead to the link event '" + target.id + "'");
    if (target.incoming.size() > 1)
      findings.add(target.id, "a catch event behind an event-based gateway may not have other incoming flows");
    if (target.message && target.message->name.is_static() && !messages.insert(target.message->name.text()).second)
      findings.add(gateway.id,
                   "two catch events of an event-based gateway wait for the same message '" + target.message->name.text() + "'");
    if (target.signal && target.signal->name.is_static() && !signals.insert(target.signal->name.text()).second)
      findings.add(gateway.id, "two catch events of an event-based gateway wait for the same signal '" + target.signal->name.text() + "'");
  }
}

// What catches errors, escalations, messages and signals at one place must differ. `catchers`: boundary events of an
// activity, or the start events of a scope's event sub-processes.
void check_catchers(const Process& process, const std::vector<ElementIndex>& catchers, std::string_view where, Findings& findings) {
  std::set<std::pair<EventKind, std::string>> seen;
  for (const ElementIndex index : catchers) {
    const Element& event = process.elements[index];
    const std::string place(where);
    if (event.error && !event.interrupting) findings.add(event.id, "an event that catches an error must be interrupting");
    const auto& code = event.error ? event.error : event.escalation;
    if (code && !seen.insert({event.event, code->code.text()}).second) {
      const std::string kind = event.error ? "error" : "escalation";
      findings.add(event.id, code->code.empty() ? "two " + place + " catch every " + kind
                                                : "two " + place + " catch the " + kind + " '" + code->code.text() + "'");
    }
    const feel::Expression* const name = event.message ? &event.message->name : event.signal ? &event.signal->name : nullptr;
    if (name && name->is_static() && !seen.insert({event.event, name->text()}).second)
      findings.add(event.id, "two " + place + " wait for the same " + (event.message ? "message '" : "signal '") + name->text() + "'");
  }
}

// An escalation is thrown by an event that lies inside, or in what is called.
bool may_escalate(const Element& host) { return host.kind == ElementKind::kSubProcess || host.kind == ElementKind::kCallActivity; }

void check_boundary_events(const Process& process, const Element& host, Findings& findings) {
  for (const ElementIndex index : host.boundary_events) {
    const Element& event = process.elements[index];
    if (event.scope != host.scope)
      findings.add(event.id, "a boundary event must lie in the same scope as the activity that it is attached to");
    if (event.outgoing.empty() && event.event != EventKind::kCompensation)
      findings.add(event.id, "a boundary event needs an outgoing flow");
    if (event.escalation && !may_escalate(host))
      findings.add_to_new(event.id, "a boundary event may catch an escalation of a sub-process or call activity only");
  }
  if (host.is_compensation_handler && !host.boundary_events.empty())
    findings.add(host.id, "a compensation handler may not have boundary events");
  check_catchers(process, host.boundary_events, "boundary events of one activity", findings);
}

void check_scope(const Process& process, ElementIndex index, const std::vector<ElementIndex>& children, Findings& findings) {
  const Element& scope = process.elements[index];
  int starts = 0;
  int triggered = 0;
  for (const ElementIndex child : children) {
    if (process.elements[child].kind != ElementKind::kStartEvent) continue;
    (process.elements[child].event == EventKind::kNone ? starts : triggered) += 1;
  }
  if (scope.kind == ElementKind::kEventSubProcess) {
    if (starts + triggered != 1)
      findings.add(scope.id, "expected exactly one start event, but found " + std::to_string(starts + triggered));
    else if (starts == 1)
      findings.add(scope.id, "the start event of an event sub-process needs a message, timer, error, escalation or signal definition");
  } else if (starts > 1 || (starts == 0 && (triggered == 0 || scope.kind == ElementKind::kSubProcess))) {
    findings.add(scope.id, "expected exactly one none start event, but found " + std::to_string(starts));
  }
  if (!scope.triggered_starts.empty()) check_catchers(process, scope.triggered_starts, "start events of the process", findings);
  std::vector<ElementIndex> catchers;
  for (const ElementIndex sub : scope.event_sub_processes) {
    if (process.elements[sub].start_event != 0) catchers.push_back(process.elements[sub].start_event);
  }
  check_catchers(process, catchers, "event sub-processes of one scope", findings);
}

void check_job(const Element& element, Findings& findings) {
  const std::string what(name_of(element.kind));
  if (element.kind == ElementKind::kScriptTask) {
    if (element.job.has_value() == element.script.has_value())
      findings.add(element.id, "a scriptTask needs either a zeebe:script or a zeebe:taskDefinition");
  } else if (element.kind == ElementKind::kBusinessRuleTask) {
    if (element.job.has_value() == element.decision.has_value())
      findings.add(element.id, "a businessRuleTask needs either a zeebe:calledDecision or a zeebe:taskDefinition");
  } else if (!element.job) {
    const bool service = element.kind == ElementKind::kServiceTask;
    findings.add(element.id,
                 service ? "a service task needs a zeebe:taskDefinition with a type"
                         : "a " + what + (element.is_task() ? "" : " with a message") + " needs a zeebe:taskDefinition with a type");
  }
}

// What a throw event may ask to undo: an activity of its own scope, or of the one around when it is in an event sub-process.
void check_compensated(const Process& process, const Element& event, Findings& findings) {
  if (event.compensated == 0) return;
  const Element& activity = process.elements[event.compensated];
  const Element& scope = process.elements[event.scope];
  const bool is_near = activity.scope == event.scope || (scope.kind == ElementKind::kEventSubProcess && activity.scope == scope.scope);
  if (!is_near)
    findings.add(event.id, "the activity '" + activity.id + "' to compensate must be in the same scope as the event");
  else if (activity.compensation_event == 0 && activity.kind != ElementKind::kSubProcess)
    findings.add(event.id, "the activity '" + activity.id + "' to compensate needs a compensation boundary event, or to be a sub-process");
}

void check_element(const Process& process, const Element& element, Findings& findings) {
  switch (element.kind) {
    case ElementKind::kServiceTask:
    case ElementKind::kSendTask:
    case ElementKind::kScriptTask:
    case ElementKind::kBusinessRuleTask: check_job(element, findings); break;
    case ElementKind::kCallActivity:
      if (!element.called) findings.add(element.id, "a callActivity needs a zeebe:calledElement with a processId");
      break;
    case ElementKind::kEndEvent:
    case ElementKind::kIntermediateThrowEvent:
      if (element.event == EventKind::kMessage) check_job(element, findings);
      check_compensated(process, element, findings);
      break;
    case ElementKind::kExclusiveGateway:
    case ElementKind::kInclusiveGateway: check_choice(process, element, findings); break;
    case ElementKind::kEventBasedGateway: check_event_gateway(process, element, findings); break;
    case ElementKind::kIntermediateCatchEvent:
      if (element.event == EventKind::kNone)
        findings.add(element.id, "an intermediate catch event needs a message, timer, signal or link definition");
      if (element.after_event_gateway && !element.inputs.empty())
        findings.add(element.id, "zeebe:input is not supported in an event behind an event-based gateway");
      break;
    case ElementKind::kBoundaryEvent:
      if (element.event == EventKind::kNone)
        findings.add(element.id, "a boundary event needs an error, escalation, message, timer, signal or compensation definition");
      break;
    default: break;
  }
  if (element.default_flow && !chooses(element) && !element.is_activity())
    findings.add(element.id, "a default flow is supported on an exclusive or inclusive gateway and on activities only");
  if (element.is_activity()) check_boundary_events(process, element, findings);
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
}

}  // namespace consilium::bpmn::model
