#!/usr/bin/env python3
"""Every call of the gateway with what it refuses, and small models of every element, on our engine and on the real Zeebe: the codes
must be the same, and the words are shown where they differ.

    refusals.py [--words] [--kept | --keep] [NAME …]

The codes of the real engine are kept in refusals-<version>.txt, so that a test run needs no Java (`--kept`); what differs on purpose stands
in differences.txt with the reason.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import zeebe  # noqa: E402

BINARY = pathlib.Path(os.environ.get("TEST_BINARY") or zeebe.ROOT / "build/release/consilium")
HEAD = ("<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:z='http://camunda.org/schema/zeebe/1.0' "
        "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' targetNamespace='http://consilium.example/probe'>")
KEPT = zeebe.HERE / f"refusals-{zeebe.VERSION}.txt"
DIFFERENCES = zeebe.HERE / "differences.txt"
kUnknown = 2**51 + 999_999
kForeign = 5 * 2**51 + 1


def flow(source, target, condition="", more=""):
    inside = f"<conditionExpression xsi:type='tFormalExpression'>={condition}</conditionExpression>" if condition else ""
    return f"<sequenceFlow id='{source}_{target}' sourceRef='{source}' targetRef='{target}'{more}>{inside}</sequenceFlow>"


def model(process, body, outside=""):
    """Flows are told to their elements, as the schema wants it."""
    for kind, tag in (("targetRef", "incoming"), ("sourceRef", "outgoing")):
        for id_, ref in re.findall(rf"<sequenceFlow id='([^']+)'[^>]*? {kind}='([^']+)'", body):
            body = body.replace(f"<!--{ref}-->", f"<!--{ref}--><{tag}>{id_}</{tag}>" if tag == "incoming" else f"<!--{ref}-->")
            if tag == "outgoing":
                body = re.sub(rf"(<!--{ref}-->(?:<incoming>[^<]*</incoming>)*)", rf"\1<outgoing>{id_}</outgoing>", body)
    return f"{HEAD}{outside}<process id='{process}' isExecutable='true'>{body}</process></definitions>"


def node(kind, id_, inside="", attributes="", extensions=""):
    ext = f"<extensionElements>{extensions}</extensionElements>" if extensions else ""
    return f"<{kind} id='{id_}' {attributes}>{ext}<!--{id_}-->{inside.replace('{0}', f'{id_}-definition')}</{kind}>"


def between(process, element, outside=""):
    """start → e → end."""
    return model(process, node("startEvent", "s") + element + node("endEvent", "t") + flow("s", "e") + flow("e", "t"), outside)


def task(kind, extensions="", inside="", attributes=""):
    return node(kind, "e", inside, attributes, extensions)


WORK = "<z:taskDefinition type='probe'/>"
UNDOES = "<association id='as' sourceRef='b' targetRef='u' associationDirection='One'/>"
MESSAGE = "<message id='m' name='m'><extensionElements><z:subscription correlationKey='=\"k\"'/></extensionElements></message>"
MESSAGE_BARE = "<message id='m' name='m'/>"
SIGNAL = "<signal id='g' name='g'/>"
ERROR = "<error id='r' name='r' errorCode='r'/>"
ESCALATION = "<escalation id='c' name='c' escalationCode='c'/>"
ON_MESSAGE, ON_SIGNAL = "<messageEventDefinition messageRef='m'/>", "<signalEventDefinition signalRef='g'/>"
ON_ERROR, ON_ESCALATION = "<errorEventDefinition errorRef='r'/>", "<escalationEventDefinition escalationRef='c'/>"
ON_TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
ON_DATE = "<timerEventDefinition><timeDate>2040-01-01T00:00:00Z</timeDate></timerEventDefinition>"
ON_CYCLE = "<timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition>"
ON_CRON = "<timerEventDefinition><timeCycle>0 0 9-17 * * MON-FRI</timeCycle></timerEventDefinition>"
ON_COMPENSATION, ON_TERMINATE, ON_LINK = "<compensateEventDefinition id='{0}'/>", "<terminateEventDefinition/>", "<linkEventDefinition id='{0}' name='l'/>"
ON_CONDITION, ON_CANCEL = "<conditionalEventDefinition><condition>=x</condition></conditionalEventDefinition>", "<cancelEventDefinition/>"
DEFINITIONS = {"message": (ON_MESSAGE, MESSAGE), "signal": (ON_SIGNAL, SIGNAL), "error": (ON_ERROR, ERROR), "escalation": (ON_ESCALATION, ESCALATION), "timer": (ON_TIMER, ""),
               "date": (ON_DATE, ""), "cycle": (ON_CYCLE, ""), "cron": (ON_CRON, ""), "compensation": (ON_COMPENSATION, ""), "terminate": (ON_TERMINATE, ""), "link": (ON_LINK, ""),
               "condition": (ON_CONDITION, ""), "cancel": (ON_CANCEL, ""), "none": ("", "")}


def elements():
    """name → model: each may be accepted or refused, by both alike."""
    found = {}
    for kind in ("serviceTask", "sendTask", "businessRuleTask", "scriptTask", "userTask", "receiveTask", "manualTask", "task"):
        found[f"{kind} bare"] = between("p", task(kind))
        found[f"{kind} with a job"] = between("p", task(kind, WORK))
    found["serviceTask without type"] = between("p", task("serviceTask", "<z:taskDefinition type=''/>"))
    for retries in ("0", "-1", "=3", "x", ""):
        found[f"serviceTask retries {retries!r}"] = between("p", task("serviceTask", f"<z:taskDefinition type='probe' retries='{retries}'/>"))
    found["scriptTask with an expression"] = between("p", task("scriptTask", "<z:script expression='=1' resultVariable='r'/>"))
    found["scriptTask without result"] = between("p", task("scriptTask", "<z:script expression='=1'/>"))
    found["scriptTask with a bad expression"] = between("p", task("scriptTask", "<z:script expression='=1 +' resultVariable='r'/>"))
    found["businessRuleTask with a decision"] = between("p", task("businessRuleTask", "<z:calledDecision decisionId='d' resultVariable='r'/>"))
    found["businessRuleTask with a decision, binding deployment"] = between("p", task("businessRuleTask", "<z:calledDecision decisionId='d' resultVariable='r' bindingType='deployment'/>"))
    found["userTask of Zeebe"] = between("p", task("userTask", "<z:userTask/>"))
    found["userTask with a linked form"] = between("p", task("userTask", "<z:formDefinition formId='f'/>"))
    found["userTask with assignment and schedule"] = between("p", task("userTask", "<z:assignmentDefinition assignee='a' candidateGroups='=[\"g\"]'/><z:taskSchedule dueDate='2040-01-01T00:00:00Z'/>"))
    found["userTask with a bad due date"] = between("p", task("userTask", "<z:taskSchedule dueDate='tomorrow'/>"))
    found["receiveTask with a message"] = between("p", task("receiveTask", "", "", "messageRef='m'"), MESSAGE)
    found["receiveTask without a correlation key"] = between("p", task("receiveTask", "", "", "messageRef='m'"), MESSAGE_BARE)
    for name, (definition, outside) in DEFINITIONS.items():
        found[f"start event {name}"] = model("p", node("startEvent", "s", definition) + node("endEvent", "t") + flow("s", "t"), outside)
        found[f"catch event {name}"] = between("p", node("intermediateCatchEvent", "e", definition), outside)
        found[f"throw event {name}"] = between("p", node("intermediateThrowEvent", "e", definition), outside)
        found[f"end event {name}"] = model("p", node("startEvent", "s") + node("endEvent", "t", definition) + flow("s", "t"), outside)
        for interrupting in ("true", "false"):
            for host in ("serviceTask", "subProcess", "callActivity", "manualTask"):
                inner = {"serviceTask": node("serviceTask", "h", "", "", WORK), "callActivity": node("callActivity", "h", "", "", "<z:calledElement processId='q'/>"),
                         "subProcess": node("subProcess", "h", node("startEvent", "hs") + node("endEvent", "ht") + flow("hs", "ht")), "manualTask": node("manualTask", "h")}[host]
                if host != "serviceTask" and interrupting == "false":
                    continue
                found[f"boundary event {name} on {host}, cancelActivity {interrupting}"] = model(
                    "p", node("startEvent", "s") + inner + node("endEvent", "t") + node("endEvent", "u") + node("boundaryEvent", "b", definition, f"attachedToRef='h' cancelActivity='{interrupting}'")
                    + flow("s", "h") + flow("h", "t") + flow("b", "u"), outside)
            found[f"event sub-process {name}, isInterrupting {interrupting}"] = model(
                "p", node("startEvent", "s") + node("endEvent", "t") + flow("s", "t") + "<subProcess id='z' triggeredByEvent='true'>"
                + node("startEvent", "zs", definition, f"isInterrupting='{interrupting}'") + node("endEvent", "zt") + flow("zs", "zt") + "</subProcess>", outside)
        found[f"event-based gateway to {name}"] = model(
            "p", node("startEvent", "s") + node("eventBasedGateway", "e") + node("intermediateCatchEvent", "a", definition) + node("intermediateCatchEvent", "b", ON_TIMER)
            + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "a") + flow("e", "b") + flow("a", "t") + flow("b", "u"), outside)
    found["message throw event with a job"] = between("p", node("intermediateThrowEvent", "e", ON_MESSAGE, "", WORK), MESSAGE)
    found["message end event with a job"] = model("p", node("startEvent", "s") + node("endEvent", "t", ON_MESSAGE, "", WORK) + flow("s", "t"), MESSAGE)
    found["links that match"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", ON_LINK) + node("intermediateCatchEvent", "b", ON_LINK) + node("endEvent", "t") + flow("s", "a") + flow("b", "t"))
    found["throw event of an error"] = between("p", node("intermediateThrowEvent", "e", ON_ERROR), ERROR)
    found["boundary event of every error"] = model("p", node("startEvent", "s") + node("serviceTask", "h", "", "", WORK) + node("endEvent", "t") + node("endEvent", "u") + node("boundaryEvent", "b", "<errorEventDefinition/>", "attachedToRef='h'") + flow("s", "h") + flow("h", "t") + flow("b", "u"))
    found["two boundary events of one error"] = model("p", node("startEvent", "s") + node("serviceTask", "h", "", "", WORK) + node("endEvent", "t") + node("endEvent", "u") + node("boundaryEvent", "b", ON_ERROR, "attachedToRef='h'") + node("boundaryEvent", "b2", ON_ERROR, "attachedToRef='h'") + flow("s", "h") + flow("h", "t") + flow("b", "u") + flow("b2", "u"), ERROR)
    found["compensation handler"] = model("p", node("startEvent", "s") + node("serviceTask", "h", "", "", WORK) + node("intermediateThrowEvent", "e", ON_COMPENSATION) + node("endEvent", "t") + node("boundaryEvent", "b", ON_COMPENSATION, "attachedToRef='h'") + node("serviceTask", "u", "", "isForCompensation='true'", WORK)
                                          + flow("s", "h") + flow("h", "e") + flow("e", "t") + UNDOES)
    for gateway in ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway"):
        condition = "true" if gateway in ("exclusiveGateway", "inclusiveGateway") else ""
        found[f"{gateway} to two"] = model("p", node("startEvent", "s") + node(gateway, "e") + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "t", condition) + flow("e", "u", condition))
        found[f"{gateway} joining two"] = model("p", node("startEvent", "s") + node("parallelGateway", "f") + node("manualTask", "a") + node("manualTask", "b") + node(gateway, "e") + node("endEvent", "t") + flow("s", "f") + flow("f", "a") + flow("f", "b") + flow("a", "e") + flow("b", "e") + flow("e", "t"))
    found["exclusive gateway without conditions"] = model("p", node("startEvent", "s") + node("exclusiveGateway", "e") + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "t") + flow("e", "u"))
    found["sub-process without a start event"] = between("p", node("subProcess", "e", node("manualTask", "x")))
    found["sub-process with two start events"] = between("p", node("subProcess", "e", node("startEvent", "x") + node("startEvent", "y")))
    found["sub-process started by a message"] = between("p", node("subProcess", "e", node("startEvent", "x", ON_MESSAGE)), MESSAGE)
    found["transaction"] = between("p", node("transaction", "e", node("startEvent", "x")))
    found["ad-hoc sub-process"] = between("p", node("adHocSubProcess", "e", node("manualTask", "x")))
    found["call activity"] = between("p", task("callActivity", "<z:calledElement processId='q'/>"))
    found["call activity without id"] = between("p", task("callActivity"))
    found["call activity, binding version tag"] = between("p", task("callActivity", "<z:calledElement processId='q' bindingType='versionTag' versionTag='v'/>"))
    found["call activity, binding deployment"] = between("p", task("callActivity", "<z:calledElement processId='q' bindingType='deployment'/>"))
    loop = "<multiInstanceLoopCharacteristics isSequential='{0}'><extensionElements><z:loopCharacteristics {1}/></extensionElements>{2}</multiInstanceLoopCharacteristics>"
    found["multi-instance"] = between("p", task("serviceTask", WORK, loop.format("false", "inputCollection='=[1]' inputElement='i' outputCollection='o' outputElement='=i'", "<completionCondition>=true</completionCondition>")))
    found["multi-instance without input"] = between("p", task("serviceTask", WORK, loop.format("false", "inputElement='i'", "")))
    found["multi-instance without output element"] = between("p", task("serviceTask", WORK, loop.format("false", "inputCollection='=[1]' outputCollection='o'", "")))
    found["multi-instance without extension"] = between("p", task("serviceTask", WORK, "<multiInstanceLoopCharacteristics/>"))
    found["multi-instance receive task"] = between("p", task("receiveTask", "", loop.format("true", "inputCollection='=[1]'", ""), "messageRef='m'"), MESSAGE)
    found["standard loop"] = between("p", task("serviceTask", WORK, "<standardLoopCharacteristics/>"))
    found["job priority"] = between("p", task("serviceTask", WORK + "<z:priorityDefinition priority='5'/>"))
    found["version tag"] = model("p", "<extensionElements><z:versionTag value='v'/></extensionElements>" + node("startEvent", "s"))
    found["execution listener"] = between("p", task("serviceTask", WORK + "<z:executionListeners><z:executionListener eventType='start' type='l'/></z:executionListeners>"))
    found["task header"] = between("p", task("serviceTask", WORK + "<z:taskHeaders><z:header key='a' value='b'/></z:taskHeaders>"))
    found["unknown extension"] = between("p", task("serviceTask", WORK + "<other xmlns='urn:other'/>"))
    found["no start event"] = model("p", node("manualTask", "x"))
    found["two none start events"] = model("p", node("startEvent", "x") + node("startEvent", "y"))
    found["only a start event"] = model("p", node("startEvent", "x"))
    found["a task that nothing leads to"] = model("p", node("startEvent", "s") + node("manualTask", "x"))
    found["an end event that goes on"] = model("p", node("startEvent", "s") + node("endEvent", "t") + node("manualTask", "x") + flow("s", "t") + flow("t", "x"))
    found["not executable"] = model("p", node("startEvent", "s")).replace("isExecutable='true'", "isExecutable='false'")
    found["no process"] = HEAD + "</definitions>"
    found["not XML"] = "no xml"
    found["empty"] = ""
    found["bad input expression"] = between("p", task("serviceTask", WORK + "<z:ioMapping><z:input source='=1 +' target='a'/></z:ioMapping>"))
    found["input without target"] = between("p", task("serviceTask", WORK + "<z:ioMapping><z:input source='=1' target=''/></z:ioMapping>"))
    found["input mapping of a gateway"] = between("p", node("exclusiveGateway", "e", "", "", "<z:ioMapping><z:input source='=1' target='a'/></z:ioMapping>"))
    found.update(more_elements())
    found["data objects, lanes, notes"] = model("p", "<laneSet id='ls'><lane id='l1'><flowNodeRef>s</flowNodeRef></lane></laneSet>" + node("startEvent", "s") + "<dataObject id='do'/><textAnnotation id='ta'><text>x</text></textAnnotation>")
    return found


def mapped(inside):
    return f"<z:ioMapping>{inside}</z:ioMapping>"


def with_boundaries(first, second, outside="", host=None):
    """A task, or another host, with one boundary event or two."""
    events = node("boundaryEvent", "b", first, "attachedToRef='h'") + (node("boundaryEvent", "b2", second, "attachedToRef='h'") if second else "")
    leads = flow("b", "u") + (flow("b2", "u") if second else "")
    return model("p", node("startEvent", "s") + (host or node("serviceTask", "h", "", "", WORK)) + node("endEvent", "t") + node("endEvent", "u") + events + flow("s", "h") + flow("h", "t") + leads, outside)


def with_event_sub_processes(*definitions, outside=""):
    subs = "".join(f"<subProcess id='z{i}' triggeredByEvent='true'>" + node("startEvent", f"z{i}s", one) + "</subProcess>" for i, one in enumerate(definitions))
    return model("p", node("startEvent", "s") + node("endEvent", "t") + flow("s", "t") + subs, outside)


def started_by(*definitions, outside=""):
    return model("p", "".join(node("startEvent", f"s{i}", one) for i, one in enumerate(definitions)) + node("endEvent", "t") + "".join(flow(f"s{i}", "t") for i in range(len(definitions))), outside)


def compensated(throw, handler=None, more=""):
    """h is undone by u; the event e asks for it."""
    return model("p", node("startEvent", "s") + node("serviceTask", "h", "", "", WORK) + node("intermediateThrowEvent", "e", throw) + node("endEvent", "t") + node("boundaryEvent", "b", ON_COMPENSATION, "attachedToRef='h'")
                 + (handler or node("serviceTask", "u", "", "isForCompensation='true'", WORK)) + flow("s", "h") + flow("h", "e") + flow("e", "t") + more + UNDOES)


def more_elements():
    """What is around the elements: flows, ids, references, timers, mappings, loops."""
    found, sub = {}, node("subProcess", "h", node("startEvent", "hs"))
    straight = node("startEvent", "s") + node("manualTask", "e") + node("endEvent", "t")
    found["flow with a condition behind a task"] = model("p", straight + flow("s", "e") + flow("e", "t", "true"))
    for name, (one, two, more) in {"condition that cannot be read": ("1 +", "", ""), "default flow": ("true", "", "default='e_u'"), "default flow with a condition": ("true", "true", "default='e_u'"),
                                   "default flow of another element": ("true", "true", "default='s_e'"), "default flow that is not there": ("true", "true", "default='nothing'")}.items():
        found[f"gateway: {name}"] = model("p", node("startEvent", "s") + node("exclusiveGateway", "e", "", more) + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "t", one) + flow("e", "u", two))
    found["gateway: condition without ="] = model("p", node("startEvent", "s") + node("exclusiveGateway", "e") + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "t", "true") + flow("e", "u", "true").replace("=true", "true"))
    found["gateway: one flow without a condition"] = between("p", node("exclusiveGateway", "e"))
    found["gateway: no flow out"] = model("p", node("startEvent", "s") + node("exclusiveGateway", "e") + flow("s", "e"))
    found["gateway: conditions behind a parallel one"] = model("p", node("startEvent", "s") + node("parallelGateway", "e") + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "t", "true") + flow("e", "u", "true"))
    found["default flow of a parallel gateway"] = between("p", node("parallelGateway", "e", "", "default='e_t'"))
    found["default flow of an event"] = between("p", node("intermediateThrowEvent", "e", "", "default='e_t'"))
    found["default flow of a task, one of two"] = model("p", node("startEvent", "s") + node("manualTask", "e", "", "default='e_u'") + node("endEvent", "t") + node("endEvent", "u") + flow("s", "e") + flow("e", "t") + flow("e", "u"))
    found["default flow of a task"] = between("p", task("manualTask", attributes="default='e_t'"))
    found["flow to nothing"] = model("p", straight + flow("s", "e") + flow("e", "nothing"))
    found["flow into a sub-process"] = model("p", node("startEvent", "s") + node("subProcess", "e", node("startEvent", "x") + node("endEvent", "y") + flow("x", "y")) + flow("s", "y"))
    found["flow into the start event"] = model("p", straight + flow("s", "e") + flow("e", "s"))
    found["flow into a boundary event"] = with_boundaries(ON_TIMER, "").replace("</process>", flow("s", "b") + "</process>")
    found["an id twice"] = model("p", straight + node("manualTask", "e") + flow("s", "e") + flow("e", "t"))
    found["a task without id"] = model("p", straight + "<manualTask/>" + flow("s", "e") + flow("e", "t"))
    found["a process without id"] = model("p", straight + flow("s", "e") + flow("e", "t")).replace("process id='p'", "process")
    found["an id with a space"] = model("p p", straight + flow("s", "e") + flow("e", "t"))
    found["two processes"] = model("p", node("startEvent", "s")).replace("</definitions>", "<process id='p2' isExecutable='true'>" + node("startEvent", "s2") + "</process></definitions>")
    found["two processes, one executable"] = model("p", node("startEvent", "s")).replace("</definitions>", "<process id='p2'>" + node("manualTask", "s2") + "</process></definitions>")
    found["a collaboration"] = model("p", node("startEvent", "s"), "<collaboration id='co'><participant id='pa' processRef='p'/></collaboration>")
    found["two definitions in one event"] = between("p", node("intermediateCatchEvent", "e", ON_TIMER + ON_SIGNAL), SIGNAL)
    found["link: no id of its definition"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", "<linkEventDefinition name='l'/>") + node("intermediateCatchEvent", "b", "<linkEventDefinition name='l'/>") + node("endEvent", "t") + flow("s", "a") + flow("b", "t"))
    found["link: two catch events"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", ON_LINK) + node("intermediateCatchEvent", "b", ON_LINK) + node("intermediateCatchEvent", "c", ON_LINK) + node("endEvent", "t") + flow("s", "a") + flow("b", "t") + flow("c", "t"))
    found["link: no name"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", "<linkEventDefinition id='d' name=''/>") + node("intermediateCatchEvent", "b", "<linkEventDefinition id='d2' name=''/>") + node("endEvent", "t") + flow("s", "a") + flow("b", "t"))
    found["link: nothing thrown"] = model("p", node("startEvent", "s") + node("intermediateCatchEvent", "b", ON_LINK) + node("endEvent", "t") + flow("b", "t"))
    found["link: a flow behind the throw event"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", ON_LINK) + node("intermediateCatchEvent", "b", ON_LINK) + node("endEvent", "t") + flow("s", "a") + flow("a", "t") + flow("b", "t"))

    # what is declared
    key = "<extensionElements><z:subscription correlationKey='{0}'/></extensionElements>"
    for name, outside in {"without a name": f"<message id='m'>{key.format('=1')}</message>", "not declared": "", "with an expression as its name": f"<message id='m' name='=\"a\"'>{key.format('=1')}</message>",
                          "with a bad correlation key": f"<message id='m' name='m'>{key.format('=1 +')}</message>", "with a static correlation key": f"<message id='m' name='m'>{key.format('k')}</message>", "without a subscription": MESSAGE_BARE}.items():
        found[f"message {name}, caught"] = between("p", node("intermediateCatchEvent", "e", ON_MESSAGE), outside)
        found[f"message {name}, starts"] = started_by(ON_MESSAGE, outside=outside)
        found[f"message {name}, in an event sub-process"] = with_event_sub_processes(ON_MESSAGE, outside=outside)
    for name, outside in {"without a name": "<signal id='g'/>", "not declared": "", "with an expression as its name": "<signal id='g' name='=\"a\"'/>"}.items():
        found[f"signal {name}, caught"] = between("p", node("intermediateCatchEvent", "e", ON_SIGNAL), outside)
        found[f"signal {name}, thrown"] = between("p", node("intermediateThrowEvent", "e", ON_SIGNAL), outside)
        found[f"signal {name}, starts"] = started_by(ON_SIGNAL, outside=outside)
    for name, outside in {"without a code": "<error id='r' name='r'/>", "not declared": "", "with an expression as its code": "<error id='r' errorCode='=\"a\"'/>", "with an empty code": "<error id='r' errorCode=''/>"}.items():
        found[f"error {name}, thrown"] = model("p", node("startEvent", "s") + node("endEvent", "t", ON_ERROR) + flow("s", "t"), outside)
        found[f"error {name}, caught"] = with_boundaries(ON_ERROR, "", outside)
        found[f"error {name}, in an event sub-process"] = with_event_sub_processes(ON_ERROR, outside=outside)
    for name, outside in {"without a code": "<escalation id='c' name='c'/>", "not declared": "", "with an expression as its code": "<escalation id='c' escalationCode='=\"a\"'/>", "with an empty code": "<escalation id='c' escalationCode=''/>"}.items():
        found[f"escalation {name}, thrown"] = between("p", node("intermediateThrowEvent", "e", ON_ESCALATION), outside)
        found[f"escalation {name}, caught"] = with_boundaries(ON_ESCALATION, "", outside, sub)
    for name, bare in {"message": "<messageEventDefinition/>", "signal": "<signalEventDefinition/>", "error": "<errorEventDefinition/>", "escalation": "<escalationEventDefinition/>"}.items():
        found[f"{name} referred to by nothing: end event"] = model("p", node("startEvent", "s") + node("endEvent", "t", bare, "", WORK if name == "message" else "") + flow("s", "t"))
        found[f"{name} referred to by nothing: event sub-process"] = with_event_sub_processes(bare)
        found[f"{name} referred to by nothing: boundary event"] = with_boundaries(bare, "", host=sub)

    # two of a kind
    for name, (definition, outside) in {"message": (ON_MESSAGE, MESSAGE), "signal": (ON_SIGNAL, SIGNAL), "escalation": (ON_ESCALATION, ESCALATION), "error": (ON_ERROR, ERROR), "timer": (ON_TIMER, ""),
                                        "every error": ("<errorEventDefinition/>", ""), "every escalation": ("<escalationEventDefinition/>", "")}.items():
        found[f"two of one {name}: boundary events"] = with_boundaries(definition, definition, outside, sub)
        found[f"two of one {name}: event sub-processes"] = with_event_sub_processes(definition, definition, outside=outside)
    found["two of one compensation: boundary events"] = compensated(ON_COMPENSATION, more=node("boundaryEvent", "b2", ON_COMPENSATION, "attachedToRef='h'"))
    found["an error and every error: boundary events"] = with_boundaries(ON_ERROR, "<errorEventDefinition/>", ERROR)
    found["two of one message: start events"] = started_by(ON_MESSAGE, ON_MESSAGE, outside=MESSAGE)
    found["two of one signal: start events"] = started_by(ON_SIGNAL, ON_SIGNAL, outside=SIGNAL)
    found["two of one timer: start events"] = started_by(ON_CYCLE, ON_CYCLE)
    found["a none, a message and a timer start event"] = started_by("", ON_MESSAGE, ON_CYCLE, outside=MESSAGE)
    found["start event that does not interrupt"] = model("p", node("startEvent", "s", "", "isInterrupting='false'"))

    # boundary events and event sub-processes
    found["boundary event without a flow"] = with_boundaries(ON_TIMER, "").replace(flow("b", "u"), "").replace("<outgoing>b_u</outgoing>", "").replace("<incoming>b_u</incoming>", "")
    for name, host in {"a gateway": node("exclusiveGateway", "h"), "an event": node("intermediateCatchEvent", "h", ON_TIMER), "a receive task": node("receiveTask", "h", "", "messageRef='m'"), "a user task": node("userTask", "h"),
                       "a script": node("scriptTask", "h", "", "", "<z:script expression='=1' resultVariable='r'/>"), "a decision": node("businessRuleTask", "h", "", "", "<z:calledDecision decisionId='d' resultVariable='r'/>")}.items():
        found[f"boundary event of a timer on {name}"] = with_boundaries(ON_TIMER, "", MESSAGE, host)
        found[f"boundary event of an error on {name}"] = with_boundaries(ON_ERROR, "", MESSAGE + ERROR, host)
    found["boundary event on nothing"] = with_boundaries(ON_TIMER, "").replace("attachedToRef='h'", "attachedToRef='nothing'")
    found["event sub-process with two start events"] = with_event_sub_processes(ON_TIMER).replace("</subProcess>", node("startEvent", "more", ON_TIMER) + "</subProcess>")
    found["event sub-process without a start event"] = model("p", node("startEvent", "s") + "<subProcess id='z' triggeredByEvent='true'>" + node("manualTask", "x") + "</subProcess>")
    found["event sub-process with a flow into it"] = with_event_sub_processes(ON_TIMER).replace("</process>", flow("s", "z0") + "</process>")
    found["event sub-process, multi-instance"] = with_event_sub_processes(ON_TIMER).replace("triggeredByEvent='true'>", "triggeredByEvent='true'><multiInstanceLoopCharacteristics><extensionElements><z:loopCharacteristics inputCollection='=[1]'/></extensionElements></multiInstanceLoopCharacteristics>")

    # event-based gateways
    def behind_gateway(first, second, outside="", more=""):
        return model("p", node("startEvent", "s") + node("eventBasedGateway", "e") + first + second + node("endEvent", "t") + flow("s", "e") + flow("e", "a") + flow("e", "b") + flow("a", "t") + flow("b", "t") + more, outside)

    found["input of an event behind an event-based gateway"] = behind_gateway(node("intermediateCatchEvent", "a", ON_MESSAGE, "", mapped("<z:input source='=1' target='a'/>")), node("intermediateCatchEvent", "b", ON_TIMER), MESSAGE)
    found["event-based gateway to a receive task"] = behind_gateway(node("receiveTask", "a", "", "messageRef='m'"), node("intermediateCatchEvent", "b", ON_TIMER), MESSAGE)
    found["event-based gateway to two of one message"] = behind_gateway(node("intermediateCatchEvent", "a", ON_MESSAGE), node("intermediateCatchEvent", "b", ON_MESSAGE), MESSAGE)
    found["event-based gateway to two of one signal"] = behind_gateway(node("intermediateCatchEvent", "a", ON_SIGNAL), node("intermediateCatchEvent", "b", ON_SIGNAL), SIGNAL)
    found["event-based gateway to an event with another flow"] = behind_gateway(node("intermediateCatchEvent", "a", ON_MESSAGE), node("intermediateCatchEvent", "b", ON_TIMER), MESSAGE, node("manualTask", "x") + flow("x", "a"))

    # timers
    for kind in ("timeDuration", "timeDate", "timeCycle"):
        for text in ("soon", "PT1H", "R/PT1H", "R3/PT1S", "R0/PT1S", "2040-01-01T00:00:00Z", "2040-01-01T00:00:00", "P1M", "PT-1H", "PT0S", "=1 +", "=missing", "=duration(\"PT1H\")", "", "0 0 * * * *", "0 0 31 2 * *"):
            timer = f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"
            found[f"timer {kind} {text!r}: start event"] = started_by(timer)
            found[f"timer {kind} {text!r}: boundary event"] = with_boundaries(timer, "").replace("attachedToRef='h'", "attachedToRef='h' cancelActivity='false'")
    found["timer without a time"] = between("p", node("intermediateCatchEvent", "e", "<timerEventDefinition/>"))
    found["timer with two times"] = between("p", node("intermediateCatchEvent", "e", "<timerEventDefinition><timeDuration>PT1H</timeDuration><timeDate>2040-01-01T00:00:00Z</timeDate></timerEventDefinition>"))

    # mappings
    for target in ("a", "a.b", "a.null", "of", "größe", "1a", "a b", "=a", "a-b", "a.", "null"):
        found[f"mapping to {target!r}"] = between("p", task("serviceTask", WORK + mapped(f"<z:input source='=1' target='{target}'/>")))
    for name, source in {"without =": "source='x'", "empty": "source=''", "missing": ""}.items():
        found[f"mapping with a source {name}"] = between("p", task("serviceTask", WORK + mapped(f"<z:input {source} target='a'/>")))
    found["input of a text"] = between("p", task("serviceTask", WORK + mapped("<z:input source='x' target='a'/>")))
    found["output of a text"] = between("p", task("serviceTask", WORK + mapped("<z:output source='x' target='a'/>")))
    both = mapped("<z:input source='=1' target='a'/>"), mapped("<z:output source='=1' target='a'/>")
    for direction, mapping in zip(("input", "output"), both):
        found[f"{direction} of a start event"] = model("p", node("startEvent", "s", "", "", mapping))
        found[f"{direction} of an end event"] = model("p", node("startEvent", "s") + node("endEvent", "t", "", "", mapping) + flow("s", "t"))
        found[f"{direction} of a terminate end event"] = model("p", node("startEvent", "s") + node("endEvent", "t", ON_TERMINATE, "", mapping) + flow("s", "t"))
        found[f"{direction} of an error end event"] = model("p", node("startEvent", "s") + node("endEvent", "t", ON_ERROR, "", mapping) + flow("s", "t"), ERROR)
        found[f"{direction} of an escalation end event"] = model("p", node("startEvent", "s") + node("endEvent", "t", ON_ESCALATION, "", mapping) + flow("s", "t"), ESCALATION)
        found[f"{direction} of a signal end event"] = model("p", node("startEvent", "s") + node("endEvent", "t", ON_SIGNAL, "", mapping) + flow("s", "t"), SIGNAL)
        for event, (definition, outside) in {"timer": (ON_TIMER, ""), "message": (ON_MESSAGE, MESSAGE), "signal": (ON_SIGNAL, SIGNAL)}.items():
            found[f"{direction} of a {event} catch event"] = between("p", node("intermediateCatchEvent", "e", definition, "", mapping), outside)
        for event, (definition, outside) in {"none": ("", ""), "signal": (ON_SIGNAL, SIGNAL), "escalation": (ON_ESCALATION, ESCALATION), "compensation": (ON_COMPENSATION, "")}.items():
            found[f"{direction} of a {event} throw event"] = between("p", node("intermediateThrowEvent", "e", definition, "", mapping), outside)
        found[f"{direction} of a link throw event"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", ON_LINK, "", mapping) + node("intermediateCatchEvent", "b", ON_LINK) + node("endEvent", "t") + flow("s", "a") + flow("b", "t"))
        found[f"{direction} of a link catch event"] = model("p", node("startEvent", "s") + node("intermediateThrowEvent", "a", ON_LINK) + node("intermediateCatchEvent", "b", ON_LINK, "", mapping) + node("endEvent", "t") + flow("s", "a") + flow("b", "t"))
        found[f"{direction} of a boundary event"] = with_boundaries(ON_TIMER, "").replace("<boundaryEvent id='b' attachedToRef='h'>", f"<boundaryEvent id='b' attachedToRef='h'><extensionElements>{mapping}</extensionElements>")
        for kind in ("subProcess", "manualTask", "task", "userTask", "parallelGateway", "inclusiveGateway"):
            found[f"{direction} of a {kind}"] = between("p", node(kind, "e", node("startEvent", "x") if kind == "subProcess" else "", "", mapping))
        found[f"{direction} of an event sub-process"] = with_event_sub_processes(ON_TIMER).replace("triggeredByEvent='true'>", f"triggeredByEvent='true'><extensionElements>{mapping}</extensionElements>")
        found[f"{direction} of the start of an event sub-process"] = with_event_sub_processes(ON_TIMER).replace("<startEvent id='z0s' >", f"<startEvent id='z0s' ><extensionElements>{mapping}</extensionElements>")
        found[f"{direction} of a call activity"] = between("p", task("callActivity", "<z:calledElement processId='q'/>" + mapping))
        found[f"{direction} of the process"] = model("p", f"<extensionElements>{mapping}</extensionElements>" + node("startEvent", "s"))

    # jobs, calls, scripts, decisions, user tasks
    for name, header in {"without a key": "<z:header value='b'/>", "without a value": "<z:header key='a'/>", "with a key twice": "<z:header key='a' value='b'/><z:header key='a' value='c'/>", "none": ""}.items():
        found[f"task headers: {name}"] = between("p", task("serviceTask", WORK + f"<z:taskHeaders>{header}</z:taskHeaders>"))
    found["task headers of a manual task"] = between("p", task("manualTask", "<z:taskHeaders><z:header key='a' value='b'/></z:taskHeaders>"))
    for retries in ("1.5", "1001", "99999999999", "=1 +"):
        found[f"serviceTask retries {retries!r}"] = between("p", task("serviceTask", f"<z:taskDefinition type='probe' retries='{retries}'/>"))
    for kind, extension in {"serviceTask": WORK, "callActivity": "<z:calledElement processId='q'/>", "scriptTask": "<z:script expression='=1' resultVariable='r'/>", "businessRuleTask": "<z:calledDecision decisionId='d' resultVariable='r'/>"}.items():
        found[f"{kind} with its extension twice"] = between("p", task(kind, extension + extension))
    for extension in ("<z:assignmentDefinition assignee='a'/>", "<z:taskSchedule dueDate='2040-01-01T00:00:00Z'/>", "<z:formDefinition formKey='k'/>", "<z:taskHeaders><z:header key='a' value='b'/></z:taskHeaders>", mapped("<z:input source='=1' target='a'/>"), "<z:properties/>"):
        found[f"userTask with {extension.split()[0].strip('</>')} twice"] = between("p", task("userTask", extension + extension))
    found["message with two subscriptions"] = between("p", node("intermediateCatchEvent", "e", ON_MESSAGE), f"<message id='m' name='m'>{key.format('=1').replace('</extensionElements>', key.format('=1').replace('<extensionElements>', ''))}</message>")
    found["serviceTask whose type is an expression"] = between("p", task("serviceTask", "<z:taskDefinition type='=x'/>"))
    found["serviceTask whose type cannot be read"] = between("p", task("serviceTask", "<z:taskDefinition type='=1 +'/>"))
    found["serviceTask with properties"] = between("p", task("serviceTask", WORK + "<z:properties><z:property name='a' value='b'/></z:properties>"))
    for name, attributes in {"id is an expression": "processId='=x'", "id cannot be read": "processId='=1 +'", "id is empty": "processId=''", "variables kept apart": "processId='q' propagateAllChildVariables='false' propagateAllParentVariables='false'",
                             "binding latest": "processId='q' bindingType='latest'"}.items():
        found[f"call activity: {name}"] = between("p", task("callActivity", f"<z:calledElement {attributes}/>"))
    for name, extension in {"text that is no expression": "<z:script expression='1' resultVariable='r'/>", "empty": "<z:script expression='' resultVariable='r'/>", "beside a job": "<z:script expression='=1' resultVariable='r'/>" + WORK}.items():
        found[f"scriptTask: {name}"] = between("p", task("scriptTask", extension))
    for name, attributes in {"id is an expression": "decisionId='=x' resultVariable='r'", "no result": "decisionId='d'", "no id": "resultVariable='r'", "id cannot be read": "decisionId='=1 +' resultVariable='r'"}.items():
        found[f"businessRuleTask: {name}"] = between("p", task("businessRuleTask", f"<z:calledDecision {attributes}/>"))
    for name, extension in {"a form's key and id": "<z:formDefinition formKey='k' formId='f'/>", "a form's key": "<z:formDefinition formKey='k'/>", "no form": "<z:formDefinition/>", "an assignee that cannot be read": "<z:assignmentDefinition assignee='=1 +'/>",
                            "groups in a text": "<z:assignmentDefinition candidateGroups='a, b'/>", "due by an expression": "<z:taskSchedule dueDate='=now()' followUpDate='=x'/>", "a bad follow-up date": "<z:taskSchedule followUpDate='tomorrow'/>",
                            "a priority": "<z:priorityDefinition priority='5'/>", "headers": "<z:taskHeaders><z:header key='a' value='b'/></z:taskHeaders>"}.items():
        found[f"userTask: {name}"] = between("p", task("userTask", extension))
    for name, extension in {"a form's key": "<z:formDefinition formKey='k'/>", "a form elsewhere": "<z:formDefinition externalReference='k'/>", "a form elsewhere and an id": "<z:formDefinition externalReference='k' formId='f'/>", "no form": "<z:formDefinition/>",
                            "a priority": "<z:priorityDefinition priority='5'/>", "a priority above 100": "<z:priorityDefinition priority='101'/>", "assignment and schedule": "<z:assignmentDefinition assignee='a' candidateGroups='=[\"g\"]'/><z:taskSchedule dueDate='=now()'/>"}.items():
        found[f"userTask of Zeebe: {name}"] = between("p", task("userTask", "<z:userTask/>" + extension))
    found["userTask: a form elsewhere"] = between("p", task("userTask", "<z:formDefinition externalReference='k'/>"))
    found["userTask of Zeebe twice"] = between("p", task("userTask", "<z:userTask/><z:userTask/>"))
    found["serviceTask: a user task of Zeebe"] = between("p", task("serviceTask", WORK + "<z:userTask/>"))

    # loops
    loop = "<multiInstanceLoopCharacteristics><extensionElements><z:loopCharacteristics {0}/></extensionElements>{1}</multiInstanceLoopCharacteristics>"
    plain = "inputCollection='=[1]' inputElement='i'"
    for name, host in {"subProcess": ("subProcess", "", node("startEvent", "x")), "callActivity": ("callActivity", "<z:calledElement processId='q'/>", ""), "userTask": ("userTask", "", ""), "manualTask": ("manualTask", "", ""),
                       "scriptTask": ("scriptTask", "<z:script expression='=1' resultVariable='r'/>", ""), "exclusiveGateway": ("exclusiveGateway", "", "")}.items():
        found[f"multi-instance {name}"] = between("p", task(host[0], host[1], loop.format(plain, "") + host[2]))
    for name, (attributes, condition) in {"condition without =": (plain, "true"), "condition that cannot be read": (plain, "=1 +"), "empty condition": (plain, ""), "output element alone": (plain + " outputElement='=i'", None),
                                          "collection that is a text": ("inputCollection='x'", None), "output element that is a text": (plain + " outputCollection='o' outputElement='x'", None), "collection that cannot be read": ("inputCollection='=1 +'", None), "input element that is no name": ("inputCollection='=[1]' inputElement='1 i'", None),
                                          "output collection that is no name": (plain + " outputCollection='=o' outputElement='=i'", None)}.items():
        inside = "" if condition is None else f"<completionCondition>{condition}</completionCondition>"
        found[f"multi-instance: {name}"] = between("p", task("serviceTask", WORK, loop.format(attributes, inside)))

    # compensation
    found["compensation: no id of its definition"] = between("p", node("intermediateThrowEvent", "e", "<compensateEventDefinition/>"))
    for name, activity in {"the activity": "h", "an activity without a handler": "s", "nothing that is there": "nothing"}.items():
        found[f"compensation of {name}"] = compensated(f"<compensateEventDefinition id='d' activityRef='{activity}'/>")
    found["compensation that is not waited for"] = compensated("<compensateEventDefinition id='d' waitForCompletion='false'/>")
    found["compensation: handler that is not marked"] = compensated(ON_COMPENSATION, node("serviceTask", "u", "", "", WORK))
    found["compensation: no handler"] = compensated(ON_COMPENSATION).replace(UNDOES, "")
    found["compensation: a flow behind its boundary event"] = compensated(ON_COMPENSATION, more=node("manualTask", "x") + flow("b", "x"))
    found["compensation: a flow behind the handler"] = compensated(ON_COMPENSATION, more=node("manualTask", "x") + flow("u", "x"))
    found["compensation: a handler of nothing"] = model("p", straight + flow("s", "e") + flow("e", "t") + node("manualTask", "u", "", "isForCompensation='true'"))
    found["compensation: in an event sub-process"] = with_event_sub_processes(ON_COMPENSATION)
    return found


def client(address):
    import grpc

    sys.path.insert(0, str(zeebe.stubs()))
    import gateway_pb2
    import gateway_pb2_grpc

    return gateway_pb2, gateway_pb2_grpc.GatewayStub(grpc.insecure_channel(address))


class Asked:
    """One engine, with what the list of refusals needs."""

    def __init__(self, address):
        self.m, self.calls = client(address)

    def say(self, call, request, timeout=20):
        """`OK {answer}` or `CODE words`, with keys left out."""
        import grpc

        try:
            answer = getattr(self.calls, call)(request, timeout=timeout)
            text = "OK " + (" | ".join(str(one) for one in answer) if call in ("ActivateJobs", "StreamActivatedJobs") else str(answer))
        except grpc.RpcError as error:
            text = f"{error.code().name} {error.details()}"
        text = re.sub(r"\b\d{16,}\b", "KEY", text)
        return re.sub(r"\s+", " ", text).strip()

    def deploy(self, xml, name="p.bpmn"):
        return self.say("DeployResource", self.m.DeployResourceRequest(resources=[self.m.Resource(name=name, content=xml.encode())]))

    def start(self, process, **variables):
        return self.calls.CreateProcessInstance(self.m.CreateProcessInstanceRequest(bpmn_process_id=process, version=-1, variables=json.dumps(variables)))

    def job(self, kind, **more):
        request = self.m.ActivateJobsRequest(type=kind, worker="w", timeout=600_000, max_jobs_to_activate=1, request_timeout=5_000, **more)
        return next(job for answer in self.calls.ActivateJobs(request, timeout=20) for job in answer.jobs)

    def new_job(self, **more):
        self.start("work", order="k")
        return self.job("probe-work", **more)


def prepare(asked):
    work = "<z:taskDefinition type='probe-work'/>"
    asked.deploy(model("straight", node("startEvent", "s") + node("endEvent", "t") + flow("s", "t")), "straight.bpmn")
    asked.deploy(between("work", task("serviceTask", work)), "work.bpmn")
    asked.deploy(model("work2", node("startEvent", "s") + node("serviceTask", "e2", "", "", work) + node("manualTask", "x") + node("endEvent", "t") + flow("s", "e2") + flow("e2", "x") + flow("x", "t")), "work2.bpmn")
    asked.deploy(between("waiting", node("intermediateCatchEvent", "e", ON_MESSAGE)), "bad.bpmn")
    asked.deploy(between("waiting", node("intermediateCatchEvent", "e", ON_MESSAGE), MESSAGE), "waiting.bpmn")
    asked.deploy(model("broken", node("startEvent", "s") + node("exclusiveGateway", "e") + node("endEvent", "t") + flow("s", "e") + flow("e", "t", "missing")), "broken.bpmn")
    asked.deploy(model("timed", node("startEvent", "s", ON_TIMER) + node("endEvent", "t") + flow("s", "t")), "timed.bpmn")
    asked.deploy(DECISIONS, "choice.dmn")


def refusals(a):
    """(name, what is asked) in order; each gives a text."""
    m = a.m

    def create(**fields):
        return a.say("CreateProcessInstance", m.CreateProcessInstanceRequest(**fields))

    def result(timeout=0, **fields):
        return a.say("CreateProcessInstanceWithResult", m.CreateProcessInstanceWithResultRequest(request=m.CreateProcessInstanceRequest(**fields), request_timeout=timeout))

    yield "Topology", lambda: re.sub(r"(host|port).*?(?= \w+:)", "", a.say("Topology", m.TopologyRequest()))
    yield "DeployResource: answer", lambda: a.deploy(model("straight", node("startEvent", "s") + node("endEvent", "t", "<documentation>x</documentation>") + flow("s", "t")).replace("<documentation>x</documentation>", ""), "straight.bpmn")
    yield "DeployResource: nothing", lambda: a.say("DeployResource", m.DeployResourceRequest())
    yield "DeployProcess: nothing", lambda: a.say("DeployProcess", m.DeployProcessRequest())
    yield "DeployResource: a name without ending", lambda: a.deploy(model("straight", node("startEvent", "s")), "straight")
    yield "DeployResource: tenant of another name", lambda: a.say("DeployResource", m.DeployResourceRequest(tenant_id="other", resources=[m.Resource(name="p.bpmn", content=b"x")]))
    yield "DeployResource: two resources with one process id", lambda: a.say("DeployResource", m.DeployResourceRequest(resources=[m.Resource(name=f"{n}.bpmn", content=model("same", node("startEvent", "s")).encode()) for n in "ab"]))
    yield "DeployResource: a form", lambda: a.deploy('{"components": [], "type": "default", "id": "form", "schemaVersion": 16}', "a.form")
    yield "DeployResource: a bad form", lambda: a.deploy('{"components": []}', "a.form")
    yield "DeployResource: a bad decision", lambda: a.deploy("<x/>", "a.dmn")
    yield "Create: unknown id", lambda: create(bpmn_process_id="nobody", version=-1)
    yield "Create: unknown version", lambda: create(bpmn_process_id="straight", version=77)
    yield "Create: version 0", lambda: create(bpmn_process_id="straight", version=0)
    yield "Create: version -2", lambda: create(bpmn_process_id="straight", version=-2)
    yield "Create: id and unknown key", lambda: create(bpmn_process_id="straight", version=-1, process_definition_key=kUnknown)
    yield "Create: unknown key", lambda: create(process_definition_key=kUnknown)
    yield "Create: key of another partition", lambda: create(process_definition_key=kForeign)
    yield "Create: neither", lambda: create()
    yield "Create: neither, key -1", lambda: create(process_definition_key=-1)
    yield "Create: no JSON", lambda: create(bpmn_process_id="straight", version=-1, variables="{")
    yield "Create: JSON that is no object", lambda: create(bpmn_process_id="straight", version=-1, variables="[1]")
    yield "Create: null as JSON", lambda: create(bpmn_process_id="straight", version=-1, variables="null")
    yield "Create: another tenant", lambda: create(bpmn_process_id="straight", version=-1, tenant_id="other")
    yield "Create: the default tenant", lambda: create(bpmn_process_id="straight", version=-1, tenant_id="<default>")
    yield "Create: no none start event", lambda: create(bpmn_process_id="timed", version=-1)
    yield "Create: start instruction", lambda: create(bpmn_process_id="work", version=-1, start_instructions=[m.ProcessInstanceCreationStartInstruction(element_id="e")])
    yield "Create: unknown start instruction", lambda: create(bpmn_process_id="work", version=-1, start_instructions=[m.ProcessInstanceCreationStartInstruction(element_id="nothing")])
    yield "Create: start event as start instruction", lambda: create(bpmn_process_id="work", version=-1, start_instructions=[m.ProcessInstanceCreationStartInstruction(element_id="s")])
    yield "Result: answer", lambda: result(bpmn_process_id="straight", version=-1, variables='{"a": 1}')
    yield "Result: time-out", lambda: result(1000, bpmn_process_id="work", version=-1)
    yield "Result: unknown", lambda: result(bpmn_process_id="nobody", version=-1)
    yield "Result: no JSON", lambda: result(bpmn_process_id="straight", version=-1, variables="x")
    yield "Result: another tenant", lambda: result(bpmn_process_id="straight", version=-1, tenant_id="other")
    yield "Result: no none start event", lambda: result(bpmn_process_id="timed", version=-1)
    yield "Result: start instruction", lambda: result(1000, bpmn_process_id="work", version=-1, start_instructions=[m.ProcessInstanceCreationStartInstruction(element_id="nothing")])
    yield "Cancel: unknown", lambda: a.say("CancelProcessInstance", m.CancelProcessInstanceRequest(process_instance_key=kUnknown))
    yield "Cancel: of another partition", lambda: a.say("CancelProcessInstance", m.CancelProcessInstanceRequest(process_instance_key=kForeign))
    yield "Cancel: key 0", lambda: a.say("CancelProcessInstance", m.CancelProcessInstanceRequest(process_instance_key=0))
    yield "Cancel: of an element", lambda: a.say("CancelProcessInstance", m.CancelProcessInstanceRequest(process_instance_key=a.new_job().element_instance_key))
    yield "Publish: answer", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m", correlation_key="none", time_to_live=60_000, message_id="one"))
    yield "Publish: an id again", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m", correlation_key="none", time_to_live=60_000, message_id="one"))
    yield "Publish: an id again, other key", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m", correlation_key="none2", time_to_live=60_000, message_id="one"))
    yield "Publish: no name", lambda: a.say("PublishMessage", m.PublishMessageRequest(correlation_key="none"))
    yield "Publish: no correlation key", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m"))
    yield "Publish: negative time to live", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m", correlation_key="none", time_to_live=-1))
    yield "Publish: no JSON", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m", correlation_key="none", variables="x"))
    yield "Publish: another tenant", lambda: a.say("PublishMessage", m.PublishMessageRequest(name="m", correlation_key="none", tenant_id="other"))
    activate = dict(type="nothing", worker="w", timeout=1000, max_jobs_to_activate=1, request_timeout=-1)
    for name, change in {"nothing there": {}, "no type": {"type": ""}, "no worker": {"worker": ""}, "no time-out": {"timeout": 0}, "negative time-out": {"timeout": -1}, "none to activate": {"max_jobs_to_activate": 0},
                         "fewer than none to activate": {"max_jobs_to_activate": -1}, "none to activate, no type": {"max_jobs_to_activate": 0, "type": ""}, "none to activate, no time-out": {"max_jobs_to_activate": 0, "timeout": 0},
                         "a type of blanks": {"type": " "},
                         "another tenant": {"tenant_ids": ["other"]}, "two tenants": {"tenant_ids": ["<default>", "other"]}, "the default tenant": {"tenant_ids": ["<default>"]}}.items():
        yield f"Activate: {name}", lambda change=change: a.say("ActivateJobs", m.ActivateJobsRequest(**{**activate, **change}))

    for name, change in {"good": {}, "no type": {"type": ""}, "a type of blanks": {"type": " "}, "no worker": {"worker": ""}, "no time-out": {"timeout": 0}, "negative time-out": {"timeout": -1}, "another tenant": {"tenant_ids": ["other"]}}.items():
        yield f"Stream: {name}", lambda change=change: a.say("StreamActivatedJobs", m.StreamActivatedJobsRequest(**{"type": "nothing", "worker": "w", "timeout": 1000, **change}), timeout=1)

    def timed(request_timeout):
        began = time.monotonic()
        text = a.say("ActivateJobs", m.ActivateJobsRequest(**{**activate, "request_timeout": request_timeout}), timeout=30)
        return f"{text} after {time.monotonic() - began:.0f} s"

    yield "Activate: request time-out 0", lambda: timed(0)
    yield "Activate: request time-out 2 s", lambda: timed(2000)
    yield "Activate: a job", lambda: re.sub(r"(deadline|process_definition_version): ?\d+", r"\1", (a.start("work", a=1), a.say("ActivateJobs", m.ActivateJobsRequest(type="probe-work", worker="w", timeout=60_000, max_jobs_to_activate=1, request_timeout=3000)))[1])
    for call, request in {"CompleteJob": m.CompleteJobRequest, "FailJob": m.FailJobRequest, "ThrowError": m.ThrowErrorRequest, "UpdateJobRetries": m.UpdateJobRetriesRequest, "UpdateJobTimeout": m.UpdateJobTimeoutRequest}.items():
        more = {"ThrowError": {"error_code": "e"}, "UpdateJobRetries": {"retries": 1}, "UpdateJobTimeout": {"timeout": 1000}}.get(call, {})
        yield f"{call}: unknown", lambda call=call, request=request, more=more: a.say(call, request(job_key=kUnknown, **more))
        yield f"{call}: of another partition", lambda call=call, request=request, more=more: a.say(call, request(job_key=kForeign, **more))
        if call in ("CompleteJob", "FailJob", "ThrowError"):
            yield f"{call}: no JSON", lambda call=call, request=request, more=more: a.say(call, request(job_key=a.new_job().key, variables="x", **more))

    def twice(call, first, then):
        key = a.new_job().key
        return a.say(call[0], first(job_key=key)) + " then " + a.say(call[1], then(job_key=key))

    def ended():
        job = a.new_job()
        a.calls.CompleteJob(m.CompleteJobRequest(job_key=job.key))
        return job

    yield "Cancel: that ended", lambda: a.say("CancelProcessInstance", m.CancelProcessInstanceRequest(process_instance_key=ended().process_instance_key))
    complete, fail, throw = m.CompleteJobRequest, lambda job_key: m.FailJobRequest(job_key=job_key, retries=0, error_message="x"), lambda job_key: m.ThrowErrorRequest(job_key=job_key, error_code="lost", error_message="x")
    retry = lambda job_key: m.FailJobRequest(job_key=job_key, retries=2)  # noqa: E731
    yield "CompleteJob: twice", lambda: twice(("CompleteJob", "CompleteJob"), complete, complete)
    yield "CompleteJob: failed without retries", lambda: twice(("FailJob", "CompleteJob"), fail, complete)
    yield "CompleteJob: failed with retries", lambda: twice(("FailJob", "CompleteJob"), retry, complete)
    yield "CompleteJob: error thrown", lambda: twice(("ThrowError", "CompleteJob"), throw, complete)
    yield "FailJob: failed without retries", lambda: twice(("FailJob", "FailJob"), fail, fail)
    yield "FailJob: failed with retries", lambda: twice(("FailJob", "FailJob"), retry, fail)
    yield "FailJob: negative retries", lambda: twice(("FailJob", "CompleteJob"), lambda job_key: m.FailJobRequest(job_key=job_key, retries=-1), complete)
    yield "FailJob: negative back-off", lambda: twice(("FailJob", "CompleteJob"), lambda job_key: m.FailJobRequest(job_key=job_key, retries=1, retry_back_off=-5), complete)
    yield "ThrowError: failed without retries", lambda: twice(("FailJob", "ThrowError"), fail, throw)
    yield "ThrowError: twice", lambda: twice(("ThrowError", "ThrowError"), throw, throw)
    yield "ThrowError: no code", lambda: a.say("ThrowError", m.ThrowErrorRequest(job_key=a.new_job().key))
    yield "CompleteJob: JSON that is no object", lambda: a.say("CompleteJob", m.CompleteJobRequest(job_key=a.new_job().key, variables="[1]"))
    yield "CompleteJob: null as JSON", lambda: a.say("CompleteJob", m.CompleteJobRequest(job_key=a.new_job().key, variables="null"))
    yield "CompleteJob: key 0", lambda: a.say("CompleteJob", m.CompleteJobRequest())
    yield "FailJob: negative key", lambda: a.say("FailJob", m.FailJobRequest(job_key=-1))
    yield "UpdateJobRetries: 0", lambda: a.say("UpdateJobRetries", m.UpdateJobRetriesRequest(job_key=a.new_job().key, retries=0))
    yield "UpdateJobRetries: -1", lambda: a.say("UpdateJobRetries", m.UpdateJobRetriesRequest(job_key=a.new_job().key, retries=-1))
    yield "UpdateJobRetries: of a job that ended", lambda: twice(("CompleteJob", "UpdateJobRetries"), complete, lambda job_key: m.UpdateJobRetriesRequest(job_key=job_key, retries=1))
    yield "UpdateJobTimeout: 0", lambda: a.say("UpdateJobTimeout", m.UpdateJobTimeoutRequest(job_key=a.new_job().key, timeout=0))
    yield "UpdateJobTimeout: -1", lambda: a.say("UpdateJobTimeout", m.UpdateJobTimeoutRequest(job_key=a.new_job().key, timeout=-1))
    yield "UpdateJobTimeout: good", lambda: a.say("UpdateJobTimeout", m.UpdateJobTimeoutRequest(job_key=a.new_job().key, timeout=5000))
    yield "UpdateJobTimeout: failed with retries", lambda: twice(("FailJob", "UpdateJobTimeout"), retry, lambda job_key: m.UpdateJobTimeoutRequest(job_key=job_key, timeout=1000))
    yield "SetVariables: unknown", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=kUnknown, variables="{}"))
    yield "SetVariables: key 0", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=0, variables="{}"))
    yield "SetVariables: of another partition", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=kForeign, variables="{}"))
    yield "SetVariables: JSON that is no object", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=a.new_job().element_instance_key, variables="[1]"))
    yield "SetVariables: of an element that ended", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=ended().element_instance_key, variables="{}"))
    yield "SetVariables: no JSON", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=a.new_job().element_instance_key, variables="x"))
    yield "SetVariables: empty text", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=a.new_job().element_instance_key, variables=""))
    yield "SetVariables: good", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=a.new_job().element_instance_key, variables='{"a": 1}'))
    yield "ResolveIncident: unknown", lambda: a.say("ResolveIncident", m.ResolveIncidentRequest(incident_key=kUnknown))
    yield "ResolveIncident: of another partition", lambda: a.say("ResolveIncident", m.ResolveIncidentRequest(incident_key=kForeign))
    yield "Signal: answer", lambda: a.say("BroadcastSignal", m.BroadcastSignalRequest(signal_name="nobody"))
    yield "Signal: no name", lambda: a.say("BroadcastSignal", m.BroadcastSignalRequest())
    yield "Signal: no JSON", lambda: a.say("BroadcastSignal", m.BroadcastSignalRequest(signal_name="x", variables="x"))
    yield "Signal: another tenant", lambda: a.say("BroadcastSignal", m.BroadcastSignalRequest(signal_name="x", tenant_id="other"))
    yield "Delete: unknown", lambda: a.say("DeleteResource", m.DeleteResourceRequest(resource_key=kUnknown))
    yield "Delete: of another partition", lambda: a.say("DeleteResource", m.DeleteResourceRequest(resource_key=kForeign))
    yield "Delete: of a process that runs", lambda: a.say("DeleteResource", m.DeleteResourceRequest(resource_key=a.new_job().process_definition_key))

    def delete_twice(name, text, key):
        answer = a.calls.DeployResource(m.DeployResourceRequest(resources=[m.Resource(name=name, content=text.encode())]))
        delete = lambda: a.say("DeleteResource", m.DeleteResourceRequest(resource_key=key(answer.deployments)))  # noqa: E731
        return f"{delete()} then {delete()}"

    yield "Delete: a process twice", lambda: delete_twice("gone.bpmn", model("gone", node("startEvent", "s")), lambda made: made[0].process.process_definition_key)
    yield "Delete: a form twice", lambda: delete_twice("gone.form", '{"components": [], "type": "default", "id": "gone", "schemaVersion": 16}', lambda made: made[0].form.form_key)
    yield "Delete: decisions twice", lambda: delete_twice("gone.dmn", DECISIONS.replace("'choice'", "'gone'").replace("'colour'", "'gone-colour'"), lambda made: next(one.decision_requirements.decision_requirements_key for one in made if one.HasField("decision_requirements")))
    yield "Delete: a decision", lambda: delete_twice("gone2.dmn", DECISIONS.replace("'choice'", "'gone2'").replace("'colour'", "'gone2-colour'"), lambda made: next(one.decision.decision_key for one in made if one.HasField("decision")))
    yield "Create: of a deleted process", lambda: create(bpmn_process_id="gone", version=-1)
    yield "Decision: unknown id", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="nobody"))
    yield "Decision: unknown key", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_key=kUnknown))
    yield "Decision: neither", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest())
    yield "Decision: answer", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="colour", variables='{"warm": true}'))
    yield "Decision: id and key", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="colour", decision_key=kUnknown))
    yield "Decision: negative key", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_key=-1))
    yield "Decision: key of another partition", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_key=kForeign))
    yield "Decision: no JSON", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="colour", variables="x"))
    yield "Decision: another tenant", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="colour", tenant_id="other"))
    yield "Decision: that fails", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="colour", variables='{"warm": 7}'))

    def modify(activate=(), terminate=(), instance=None):
        job = a.new_job()
        steps = [m.ActivateInstruction(element_id=element, ancestor_element_instance_key=ancestor, variable_instructions=[m.VariableInstruction(variables=text, scope_id=scope) for text, scope in variables])
                 for element, ancestor, variables in activate]
        ends = [m.TerminateInstruction(element_instance_key=job.element_instance_key if one is None else one) for one in terminate]
        return a.say("ModifyProcessInstance", m.ModifyProcessInstanceRequest(process_instance_key=job.process_instance_key if instance is None else instance, activate_instructions=steps, terminate_instructions=ends))

    yield "Modify: good", lambda: modify([("e", 0, [('{"a": 1}', "")])], [None])
    yield "Modify: nothing", lambda: modify()
    yield "Modify: unknown instance", lambda: modify([("e", 0, [])], instance=kUnknown)
    yield "Modify: instance of another partition", lambda: modify([("e", 0, [])], instance=kForeign)
    yield "Modify: key of an element as instance", lambda: modify([("e", 0, [])], instance=a.new_job().element_instance_key)
    yield "Modify: unknown twice", lambda: modify([("nothing", 0, []), ("nobody", 0, [])], [kUnknown])
    yield "Modify: ancestor of another kind", lambda: modify([("e", a.new_job().element_instance_key, [])])
    yield "Modify: JSON that is no object", lambda: modify([("e", 0, [("[1]", "")])])
    yield "Modify: no element", lambda: modify([("", 0, [])])
    yield "Modify: unknown element", lambda: modify([("nothing", 0, [])])
    yield "Modify: unknown element instance", lambda: modify([], [kUnknown])
    yield "Modify: the whole instance", lambda: modify([], [None])
    yield "Modify: start event", lambda: modify([("s", 0, [])])
    yield "Modify: unknown ancestor", lambda: modify([("e", kUnknown, [])])
    yield "Modify: unknown scope of variables", lambda: modify([("e", 0, [('{"a": 1}', "nothing")])])
    yield "Modify: no JSON", lambda: modify([("e", 0, [("x", "")])])

    def migrate(mapping, target="work2", instance=None, key=None):
        job = a.new_job()
        if key is None:
            key = a.calls.DeployResource(m.DeployResourceRequest(resources=[m.Resource(name=f"{target}.bpmn", content=TARGETS[target].encode())])).deployments[0].process.process_definition_key
        plan = m.MigrationPlan(target_process_definition_key=key, mapping_instructions=[m.MappingInstruction(source_element_id=one, target_element_id=two) for one, two in mapping])
        return a.say("MigrateProcessInstance", m.MigrateProcessInstanceRequest(process_instance_key=job.process_instance_key if instance is None else instance, migration_plan=plan))

    yield "Migrate: good", lambda: migrate([("e", "e2")])
    yield "Migrate: unknown instance", lambda: migrate([("e", "e2")], instance=kUnknown)
    yield "Migrate: unknown target", lambda: migrate([("e", "e2")], key=kUnknown)
    yield "Migrate: instance of another partition", lambda: migrate([("e", "e2")], instance=kForeign)
    yield "Migrate: target of another partition", lambda: migrate([("e", "e2")], key=kForeign)
    yield "Migrate: no plan", lambda: a.say("MigrateProcessInstance", m.MigrateProcessInstanceRequest(process_instance_key=a.new_job().process_instance_key))
    yield "Migrate: an incident", lambda: (a.say("FailJob", m.FailJobRequest(job_key=(job := a.new_job()).key, retries=0)), migrate([("e", "e2")], instance=job.process_instance_key))[1]
    yield "Migrate: nothing mapped", lambda: migrate([])
    yield "Migrate: unknown source", lambda: migrate([("nothing", "e2"), ("e", "e2")])
    yield "Migrate: unknown target element", lambda: migrate([("e", "nothing")])
    yield "Migrate: mapped twice", lambda: migrate([("e", "e2"), ("e", "x")])
    yield "Migrate: another kind", lambda: migrate([("e", "x")])
    yield "Migrate: into a sub-process", lambda: migrate([("e", "e2")], target="nested")
    yield "Migrate: target with a boundary event", lambda: migrate([("e", "e2")], target="bounded")
    yield "Migrate: another job type", lambda: migrate([("e", "e2")], target="other-type")
    yield "Migrate: to a user task", lambda: migrate([("e", "e2")], target="user")


def targets():
    work = "<z:taskDefinition type='probe-work'/>"
    return {
        "work2": model("work2", node("startEvent", "s") + node("serviceTask", "e2", "", "", work) + node("manualTask", "x") + node("endEvent", "t") + flow("s", "e2") + flow("e2", "x") + flow("x", "t")),
        "nested": between("nested", node("subProcess", "e", node("startEvent", "is") + node("serviceTask", "e2", "", "", work) + flow("is", "e2"))),
        "bounded": model("bounded", node("startEvent", "s") + node("serviceTask", "e2", "", "", work) + node("endEvent", "t") + node("endEvent", "u") + node("boundaryEvent", "b", ON_TIMER, "attachedToRef='e2'") + flow("s", "e2") + flow("e2", "t") + flow("b", "u")),
        "other-type": model("other-type", node("startEvent", "s") + node("serviceTask", "e2", "", "", "<z:taskDefinition type='other'/>") + flow("s", "e2")),
        "user": model("user", node("startEvent", "s") + node("userTask", "e2") + flow("s", "e2")),
    }


TARGETS = targets()
DECISIONS = ("<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='choice' name='c' namespace='n'><decision id='colour' name='colour'><decisionTable id='t' hitPolicy='UNIQUE'>"
             "<input id='i'><inputExpression id='x' typeRef='boolean'><text>warm</text></inputExpression></input><output id='o' name='colour' typeRef='string'/>"
             "<rule id='r'><inputEntry id='r1'><text>true</text></inputEntry><outputEntry id='r2'><text>\"red\"</text></outputEntry></rule></decisionTable></decision></definitions>")


def is_asked(name, words):
    return not words or any(word in name for word in words)


def ask_all(address, names):
    asked = Asked(address)
    prepare(asked)
    found = {}
    for name, question in refusals(asked):
        if is_asked(name, names):
            try:
                found[name] = question()
            except Exception as error:  # of the list itself: shown, and different from what the other engine says
                found[name] = f"BROKEN {type(error).__name__} {error}"[:200]
    for element, xml in elements().items():
        name = f"element: {element}"
        if is_asked(name, names):
            text = asked.deploy(xml)
            found[name] = re.sub(r"deployments.*", "", text) if text.startswith("OK") else text
    return found


def ask_ours(names):
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.Popen([BINARY, "engine", "--listen", "127.0.0.1:0", "--data", folder], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            told = pathlib.Path(folder) / "run/addresses.json"
            while not told.exists():
                if ours.poll() is not None:
                    raise RuntimeError(f"{BINARY} ended before it listened: {ours.returncode}")
                time.sleep(0.01)
            return ask_all(json.loads(told.read_text())["engine"], names)
        finally:
            ours.terminate()
            ours.wait()


def codes_of(text):
    return re.findall(r"(?:^|then |\| )([A-Z_]+)", text)


def listed():
    """Name → why our answer is another one, of differences.txt."""
    lines = (line.partition(" | ") for line in DIFFERENCES.read_text().splitlines() if line and not line.startswith("#"))
    return {name: why for name, _, why in lines}


def kept(words):
    """Name → codes that the real engine answered with, of those questions that are asked."""
    lines = (line.partition(" | ") for line in KEPT.read_text().splitlines() if not line.startswith("#"))
    return {name: codes.split() for name, _, codes in lines if is_asked(name, words)}


def keep(theirs):
    KEPT.write_text(f"# What Zeebe {zeebe.VERSION} answers to the questions of refusals.py: name | codes of gRPC. Made by refusals.py --keep\n"
                    + "".join(f"{name} | {' '.join(codes_of(text))}\n" for name, text in theirs.items()))


def judge(ours, theirs, told=None):
    """Whether our codes are theirs but for what is listed. `told`: the words of the real engine, to show them."""
    known = listed()
    differ = [name for name in theirs if codes_of(ours.get(name, "")) != theirs[name] or "BROKEN" in theirs[name]]
    unknown = [name for name in differ if name not in known]
    for name in unknown:
        print(f"---- {name}\n   ours:  {ours.get(name, 'not asked')[:600]}\n   zeebe: {told[name][:600] if told else theirs[name]}")
    title = f"{len(theirs)} questions are answered with the codes of Zeebe {zeebe.VERSION}, but for {len(known)} that are listed"
    print(f"FAIL {title}: {unknown}" if unknown or not theirs else f"PASS {title}")
    settled = sorted(set(known) & set(theirs) - set(differ))
    title = f"what {DIFFERENCES.name} lists differs"
    print(f"FAIL {title}: no longer {settled}" if settled else f"PASS {title}")
    asked = [name for name in ours if name not in theirs]
    title = "every question has an answer of the real engine"
    print(f"FAIL {title}: not {asked}" if asked else f"PASS {title}")
    return bool(theirs) and not unknown and not settled and not asked


def ask_theirs(words):
    """None: there is no real engine here."""
    try:
        broker = zeebe.Broker()
    except zeebe.Missing as missing:
        print(f"SKIP refusals: no Zeebe {zeebe.VERSION} here: {missing}")
        return None
    with broker:
        return ask_all(broker.gateway, words)


def beside_the_real_one(options):
    told = ask_theirs(options.names)
    if told is None:
        return True
    theirs = {name: codes_of(text) for name, text in told.items()}
    held = True
    if options.keep:
        keep(told)
    else:
        before = kept(options.names)
        changed = [name for name in {**before, **theirs} if theirs.get(name) != before.get(name)]
        title = f"the kept answers are those of Zeebe {zeebe.VERSION}"
        print(f"FAIL {title}: not {changed}" if changed else f"PASS {title}")
        held = not changed
    ours = ask_ours(options.names)
    if options.words:
        for name in told:
            if codes_of(ours[name]) == theirs[name] and ours[name] != told[name]:
                print(f"words {name}\n   ours:  {ours[name][:600]}\n   zeebe: {told[name][:600]}")
    return judge(ours, theirs, told) and held


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="only those whose name holds one of these words")
    parser.add_argument("--words", action="store_true", help="show where only the words differ, too")
    parser.add_argument("--kept", action="store_true", help="hold ours against the answers that are kept, without the real engine")
    parser.add_argument("--keep", action="store_true", help="keep the answers of the real engine")
    options = parser.parse_args()
    if options.keep and options.names:
        parser.error("all answers are kept, or none")
    try:
        if sys.prefix != str(zeebe.CACHE / "venv"):
            os.execv(zeebe.python(), [str(zeebe.python()), *sys.argv])
        zeebe.stubs()
    except zeebe.Missing as missing:
        print(f"SKIP refusals: no client here: {missing}")
        return
    held = judge(ask_ours(options.names), kept(options.names)) if options.kept else beside_the_real_one(options)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
