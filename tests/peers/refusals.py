#!/usr/bin/env python3
"""Every call of the gateway with what it refuses, and small models of every element, on our engine and on the real Zeebe: the codes
must be the same, and the words are shown where they differ.

    refusals.py [--words] [--kept | --keep] [NAME …]

The real engine's answers are kept in refusals-<version>.json, so that a test run needs no Java (`--kept`); what differs on purpose or is not
there yet stands in differences.txt with the reason.
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
ANSWERS = zeebe.HERE / f"refusals-{zeebe.VERSION}.json"
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
    return f"<{kind} id='{id_}' {attributes}>{ext}<!--{id_}-->{inside}</{kind}>"


def between(process, element, outside=""):
    """start → e → end."""
    return model(process, node("startEvent", "s") + element + node("endEvent", "t") + flow("s", "e") + flow("e", "t"), outside)


def task(kind, extensions="", inside="", attributes=""):
    return node(kind, "e", inside, attributes, extensions)


WORK = "<z:taskDefinition type='probe'/>"
MESSAGE = "<message id='m' name='m'><extensionElements><z:subscription correlationKey='=\"k\"'/></extensionElements></message>"
MESSAGE_BARE = "<message id='m' name='m'/>"
SIGNAL = "<signal id='g' name='g'/>"
ERROR = "<error id='r' name='r' error_code='r'/>"
ESCALATION = "<escalation id='c' name='c' escalationCode='c'/>"
ON_MESSAGE, ON_SIGNAL = "<messageEventDefinition messageRef='m'/>", "<signalEventDefinition signalRef='g'/>"
ON_ERROR, ON_ESCALATION = "<errorEventDefinition errorRef='r'/>", "<escalationEventDefinition escalationRef='c'/>"
ON_TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
ON_DATE = "<timerEventDefinition><timeDate>2040-01-01T00:00:00Z</timeDate></timerEventDefinition>"
ON_CYCLE = "<timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition>"
ON_CRON = "<timerEventDefinition><timeCycle>0 0 9-17 * * MON-FRI</timeCycle></timerEventDefinition>"
ON_COMPENSATION, ON_TERMINATE, ON_LINK = "<compensateEventDefinition/>", "<terminateEventDefinition/>", "<linkEventDefinition name='l'/>"
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
    found["userTask with a linked form"] = between("p", task("userTask", "<z:formDefinition form_id='f'/>"))
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
                                          + "<association id='as' sourceRef='b' targetRef='u' associationDirection='One'/>" + flow("s", "h") + flow("h", "e") + flow("e", "t"))
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
    found["data objects, lanes, notes"] = model("p", "<laneSet id='ls'><lane id='l1'><flowNodeRef>s</flowNodeRef></lane></laneSet>" + node("startEvent", "s") + "<dataObject id='do'/><textAnnotation id='ta'><text>x</text></textAnnotation>")
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
        request = self.m.ActivateJobsRequest(type=kind, worker="w", timeout=60_000, max_jobs_to_activate=1, request_timeout=5_000, **more)
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
    yield "Create: unknown key", lambda: create(process_definition_key=kUnknown)
    yield "Create: key of another partition", lambda: create(process_definition_key=kForeign)
    yield "Create: neither", lambda: create()
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
                         "another tenant": {"tenant_ids": ["other"]}, "two tenants": {"tenant_ids": ["<default>", "other"]}, "the default tenant": {"tenant_ids": ["<default>"]}}.items():
        yield f"Activate: {name}", lambda change=change: a.say("ActivateJobs", m.ActivateJobsRequest(**{**activate, **change}))

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
    yield "UpdateJobRetries: 0", lambda: a.say("UpdateJobRetries", m.UpdateJobRetriesRequest(job_key=a.new_job().key, retries=0))
    yield "UpdateJobRetries: -1", lambda: a.say("UpdateJobRetries", m.UpdateJobRetriesRequest(job_key=a.new_job().key, retries=-1))
    yield "UpdateJobRetries: of a job that ended", lambda: twice(("CompleteJob", "UpdateJobRetries"), complete, lambda job_key: m.UpdateJobRetriesRequest(job_key=job_key, retries=1))
    yield "UpdateJobTimeout: 0", lambda: a.say("UpdateJobTimeout", m.UpdateJobTimeoutRequest(job_key=a.new_job().key, timeout=0))
    yield "UpdateJobTimeout: -1", lambda: a.say("UpdateJobTimeout", m.UpdateJobTimeoutRequest(job_key=a.new_job().key, timeout=-1))
    yield "UpdateJobTimeout: good", lambda: a.say("UpdateJobTimeout", m.UpdateJobTimeoutRequest(job_key=a.new_job().key, timeout=5000))
    yield "UpdateJobTimeout: failed with retries", lambda: twice(("FailJob", "UpdateJobTimeout"), retry, lambda job_key: m.UpdateJobTimeoutRequest(job_key=job_key, timeout=1000))
    yield "SetVariables: unknown", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=kUnknown, variables="{}"))
    yield "SetVariables: key 0", lambda: a.say("SetVariables", m.SetVariablesRequest(element_instance_key=0, variables="{}"))
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
    yield "Decision: unknown id", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_id="nobody"))
    yield "Decision: unknown key", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest(decision_key=kUnknown))
    yield "Decision: neither", lambda: a.say("EvaluateDecision", m.EvaluateDecisionRequest())

    def modify(activate=(), terminate=(), instance=None):
        job = a.new_job()
        steps = [m.ActivateInstruction(element_id=element, ancestor_element_instance_key=ancestor, variable_instructions=[m.VariableInstruction(variables=text, scope_id=scope) for text, scope in variables])
                 for element, ancestor, variables in activate]
        ends = [m.TerminateInstruction(element_instance_key=job.element_instance_key if one is None else one) for one in terminate]
        return a.say("ModifyProcessInstance", m.ModifyProcessInstanceRequest(process_instance_key=job.process_instance_key if instance is None else instance, activate_instructions=steps, terminate_instructions=ends))

    yield "Modify: good", lambda: modify([("e", 0, [('{"a": 1}', "")])], [None])
    yield "Modify: nothing", lambda: modify()
    yield "Modify: unknown instance", lambda: modify([("e", 0, [])], instance=kUnknown)
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


def ask_all(address, names):
    asked = Asked(address)
    prepare(asked)
    found = {}
    for name, question in refusals(asked):
        if not names or any(word in name for word in names):
            try:
                found[name] = question()
            except Exception as error:  # of the list itself: shown, and different from what the other engine says
                found[name] = f"{type(error).__name__} {error}"[:200]
    for name, xml in elements().items():
        if not names or any(word in name for word in names):
            text = asked.deploy(xml)
            found[f"element: {name}"] = re.sub(r"deployments.*", "", text) if text.startswith("OK") else text
    return found


def ask_ours(names):
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.Popen([BINARY, "engine", "--listen", "127.0.0.1:0", "--data", folder], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            told = pathlib.Path(folder) / "run/addresses.json"
            while not told.exists():
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


def judge(ours, theirs, words):
    """The names that differ without being listed."""
    known = listed()
    differ = [name for name in theirs if codes_of(ours[name]) != codes_of(theirs[name])]
    for name in theirs:
        if name in differ and name not in known or words and ours[name] != theirs[name]:
            print(f"{'CODE' if name in differ else 'words'} {name}\n   ours:  {ours[name][:600]}\n   zeebe: {theirs[name][:600]}")
    unknown = [name for name in differ if name not in known]
    title = f"{len(theirs)} questions are answered with the codes of Zeebe {zeebe.VERSION}, but for {len(known)} that are listed"
    print(f"FAIL {title}: {unknown}" if unknown or not theirs else f"PASS {title}")
    for name in sorted(set(known) & set(theirs) - set(differ)):
        print(f"no longer differs, take it out of {DIFFERENCES.name}: {name}")
    return bool(theirs) and not unknown


def remake(words):
    """The real engine once more: it must say what was kept; without --keep nothing is changed."""
    try:
        broker = zeebe.Broker()
    except zeebe.Missing as missing:
        print(f"SKIP refusals: no Zeebe {zeebe.VERSION} here: {missing}")
        return None
    with broker:
        return ask_all(broker.gateway, words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="only those whose name holds one of these words")
    parser.add_argument("--words", action="store_true", help="show where only the words differ, too")
    parser.add_argument("--kept", action="store_true", help="hold ours against the answers that are kept, without the real engine")
    parser.add_argument("--keep", action="store_true", help="keep the answers of the real engine")
    options = parser.parse_args()
    try:
        if sys.prefix != str(zeebe.CACHE / "venv"):
            os.execv(zeebe.python(), [str(zeebe.python()), *sys.argv])
    except zeebe.Missing as missing:
        print(f"SKIP refusals: no client here: {missing}")
        return
    kept = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    kept = {name: text for name, text in kept.items() if not options.names or any(word in name for word in options.names)}
    theirs = kept if options.kept else remake(options.names)
    if theirs is None:
        return
    held = True
    if options.keep:
        ANSWERS.write_text(json.dumps(theirs, indent=0, sort_keys=True, ensure_ascii=False) + "\n")
    elif not options.kept:
        changed = [name for name in theirs if codes_of(theirs[name]) != codes_of(kept.get(name, ""))]
        title = f"the kept answers are those of Zeebe {zeebe.VERSION}"
        print(f"FAIL {title}: not {changed}" if changed else f"PASS {title}")
        held = not changed
    held = judge(ask_ours(options.names), theirs, options.words) and held
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
