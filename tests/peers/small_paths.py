"""Small paths made by hand: one question each, where random paths do not come by. Mappings, names that are computed, loops, calls, timers,
user tasks, decisions, events with variables, migration, modification. The words of a path are those of random_path.h; `title` says what is asked.

What our engine does otherwise on purpose (docs/conformance.md) is not among them.
"""
import json
from xml.sax.saxutils import escape

HEAD = "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:z='http://camunda.org/schema/zeebe/1.0' targetNamespace='x'>"
DMN_HEAD = "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='g@N' name='g@N' namespace='x'>"
WORK = "<z:taskDefinition type='work'/>"
BOTH = "<incoming>f1</incoming><outgoing>f2</outgoing>"
MESSAGE = "<message id='m' name='m@N'><extensionElements><z:subscription correlationKey='=id'/></extensionElements></message>"
SIGNAL = "<signal id='s' name='s@N'/>"
ERROR = "<error id='e' errorCode='E'/>"
ESCALATION = "<escalation id='x' escalationCode='X'/>"
ON_MESSAGE = "<messageEventDefinition messageRef='m'/>"
ON_SIGNAL = "<signalEventDefinition signalRef='s'/>"
ON_TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
ON_ERROR = "<errorEventDefinition errorRef='e'/>"
ON_ANY_ERROR = "<errorEventDefinition/>"
kActions = 16  # each fourth lets an hour pass


def done(**variables):
    return {"do": "complete", "pick": 0, "variables": variables}


def thrown(code="E", **variables):
    return {"do": "throw", "pick": 0, "code": code, "variables": variables}


def published(name="m@N", key="k@N", hours=0, **variables):
    return {"do": "publish", "name": name, "key": key, "hours": hours, "variables": variables}


def signalled(**variables):
    return {"do": "signal", "name": "s@N", "variables": variables}


MIGRATED = {"do": "migrate", "to": "p@N-twin"}
RESOLVED = {"do": "resolve", "pick": 0, "retries": 1}


def mapped(*mappings):
    """Each is (input or output, source, target)."""
    return "<z:ioMapping>" + "".join(f"<z:{kind} source='{escape(source)}' target='{target}'/>" for kind, source, target in mappings) + "</z:ioMapping>"


def inputs(*pairs):
    return mapped(*(("input", *pair) for pair in pairs))


def outputs(*pairs):
    return mapped(*(("output", *pair) for pair in pairs))


def element(kind, extensions="", inside="", attributes=""):
    return f"<{kind} id='t' {attributes}><extensionElements>{extensions}</extensionElements>{BOTH}{inside}</{kind}>"


def task(extensions="", inside=""):
    return element("serviceTask", WORK + extensions, inside)


def flow(name, source, target, condition=""):
    return f"<sequenceFlow id='{name}' sourceRef='{source}' targetRef='{target}'>{condition}</sequenceFlow>"


def boundary(definition, extensions="", interrupts=True, then=""):
    """On `t`; leads to an end event, or to a task."""
    end = f"<serviceTask id='then'><extensionElements>{WORK}</extensionElements><incoming>o</incoming></serviceTask>" if then else "<endEvent id='then'><incoming>o</incoming></endEvent>"
    cancels = "" if interrupts else "cancelActivity='false'"
    return f"<boundaryEvent id='b' attachedToRef='t' {cancels}><extensionElements>{extensions}</extensionElements><outgoing>o</outgoing>{definition}</boundaryEvent>{flow('o', 'b', 'then')}{end}"


def event_sub_process(definition, interrupts=True, extensions="", at_start=""):
    kind = "true" if interrupts else "false"
    return (f"<subProcess id='es' triggeredByEvent='true'><extensionElements>{extensions}</extensionElements><startEvent id='by' isInterrupting='{kind}'>"
            f"<extensionElements>{at_start}</extensionElements><outgoing>eo</outgoing>{definition}</startEvent>{flow('eo', 'by', 'ew')}"
            f"<serviceTask id='ew'><extensionElements>{WORK}</extensionElements><incoming>eo</incoming></serviceTask></subProcess>")


INNER_TASK = f"<serviceTask id='w'><extensionElements>{WORK}</extensionElements><incoming>g</incoming></serviceTask>"


def sub_process(inside=INNER_TASK, extensions=""):
    """`w` comes first in it."""
    return element("subProcess", extensions, f"<startEvent id='s2'><outgoing>g</outgoing></startEvent>{flow('g', 's2', 'w')}{inside}")


def process(body, declared="", name="p@N", ends=True):
    end = flow("f2", "t", "end") + "<endEvent id='end'><incoming>f2</incoming></endEvent>" if ends else ""
    return (f"{HEAD}{declared}<process id='{name}' isExecutable='true'><startEvent id='start'><outgoing>f1</outgoing></startEvent>"
            f"{flow('f1', 'start', 't')}{body}{end}</process></definitions>")


class Paths:
    def __init__(self):
        self.made = []

    def add(self, title, models, actions=(), variables=None, **more):
        number = str(len(self.made) + 1)
        todo = list(actions)
        steps = []
        while len(steps) < kActions:
            steps.append({"do": "tick"} if len(steps) % 4 == 3 else todo.pop(0) if todo else {"do": "signal", "name": "nothing", "variables": {}})
        assert not todo, title
        path = {"title": title, "process": "p@N", "key": "k@N", "signal": "s@N", "begins by": "", "by signal": False, "variables": {"id": "k@N", **(variables or {})},
                "models": [{"name": f"{kind}@N.{ending}", "xml": xml} for kind, ending, xml in models], "actions": steps, "finish": [], **more}
        # Another number than a random path has, so that both can be played together.
        self.made.append({"seed": 900_000_000 + int(number), **json.loads(json.dumps(path).replace("@N", "small" + number))})

    def one(self, title, body, actions=(), variables=None, declared="", ends=True, child=None, decisions=None):
        models = [("p", "bpmn", process(body, declared, ends=ends))]
        if child is not None:
            models.append(("c", "bpmn", process(child, ERROR + ESCALATION, "c@N", ends=False)))
        if decisions is not None:
            models.insert(0, ("d", "dmn", f"{DMN_HEAD}{decisions}</definitions>"))
        self.add(title, models, actions, variables)

    def twin(self, title, body, twin_body, actions, variables=None, declared="", twin_declared=""):
        self.add(title, [("p", "bpmn", process(body, declared)), ("q", "bpmn", process(twin_body, twin_declared, "p@N-twin"))], actions, variables)


def mappings(paths):
    for words, make in (("input", inputs), ("output", outputs)):
        for title, pairs, variables in (
            ("twice", [("=1", "a"), ("=a + 1", "b"), ("=5", "a")], {"a": 10}),
            ("a member twice", [("=1", "a.x"), ("=a.x + 1", "b"), ("=5", "a.x")], {"a": {"x": 10, "y": 1}}),
            ("the whole after a part", [("=1", "a.x"), ("={z: 2}", "a")], {"a": {"x": 10, "y": 1}}),
            ("a part after the whole", [("={z: 2}", "a"), ("=1", "a.x")], {"a": {"x": 10, "y": 1}}),
            ("a part after a number", [("=7", "a"), ("=1", "a.x")], {"a": {"x": 10}}),
            ("parts of parts", [("=1", "a.b.c"), ("=2", "a.b"), ("=3", "a.b.d")], {}),
            ("interleaved", [("=1", "a.x"), ("=a.x", "b"), ("=a", "c"), ("=2", "a.y")], {"a": {"q": 1}}),
            ("a sibling by its path", [("=1", "a.x"), ("=a.x + 1", "a.y")], {"a": {"x": 10, "y": 1}}),
            ("a sibling by its name", [("=1", "a.x"), ("=x + 1", "a.y")], {"a": {"x": 10}, "x": 100}),
            ("siblings in depth", [("=1", "a.x"), ("=x + 1", "a.b.y"), ("=b.y + x", "a.c"), ("=a.c", "d")], {"x": 100}),
            ("an inner name hides", [("=1", "x"), ("=x + 1", "a.y"), ("=5", "a.x"), ("=x + 1", "a.z"), ("=x", "e")], {"x": 100}),
            ("itself", [("=x + 1", "x"), ("=x + 1", "y")], {"x": 100}),
            ("a part of itself", [("=a.x + 1", "a.x"), ("=a.x + 1", "y")], {"a": {"x": 100}}),
            ("in this order", [("=1", "z"), ("=z + 1", "a")], {"z": 50}),
            ("members in this order", [("=1", "k.z"), ("=z + 1", "k.b")], {"z": 50}),
            ("null and then a part", [("=null", "a"), ("=1", "a.x")], {"a": {"x": 10, "y": 1}}),
            ("what is there", [("=1", "a.y"), ("=q + 1", "a.z")], {"a": {"q": 7, "x": 10}, "q": 100}),
            ("into null", [("=1", "a.y")], {"a": None}),
            ("nothing", [("=nope", "a")], {"a": 1}),
            ("a text", [("text", "a"), ('="x"', "b")], {}),
            ("what is refuted", [("=1", "a.y"), ("=assert(1, 1 = 2)", "a.z"), ("=3", "b")], {"a": {"q": 1}}),
        ):
            if words == "output" and title == "a text":  # refused by both
                continue
            paths.one(f"{words}: {title}", task(make(*pairs)), [done()], variables)
    both = lambda *more: mapped(*more)
    paths.one("an output sees inputs", task(both(("input", "=1", "a"), ("output", "=a + r", "b"))), [done(r=5)])
    paths.one("an output where an input hides", task(both(("input", "={l: 1}", "a"), ("output", "=1", "a.y"))), [done()], {"a": {"q": 7}})
    paths.one("an output of what the job gave", task(outputs(("=1", "a.y"))), [done(a={"j": 1})], {"a": {"q": 1}})
    paths.one("a job's variables all", task(), [done(x=1, y={"z": [1, None, "s"]})], {"x": 0})
    paths.one("an input hides, nothing goes out", task(inputs(("=x + 1", "x"))), [done(x=7)], {"x": 0})
    paths.one("an input hides and goes out", task(both(("input", "=x + 1", "x"), ("output", "=x", "x"))), [done(x=7)], {"x": 0})
    paths.one("a job's variable of an input's name", task(inputs(("=1", "l"))), [done(l=2, m=3)])
    for kind, extensions, inside, attributes, actions in (
        ("userTask", "", "", "", [done(r=1)]), ("scriptTask", "<z:script expression='=1' resultVariable='r'/>", "", "", []), ("scriptTask", WORK, "", "", [done(r=1)]),
        ("sendTask", WORK, "", "", [done(r=1)]), ("businessRuleTask", WORK, "", "", [done(r=1)]), ("receiveTask", "", "", "messageRef='m'", [published(r=1)]),
        ("intermediateCatchEvent", "", ON_MESSAGE, "", [published(r=1)]), ("intermediateCatchEvent", "", ON_SIGNAL, "", [signalled(r=1)]), ("intermediateCatchEvent", "", ON_TIMER, "", []),
        ("intermediateThrowEvent", "", ON_SIGNAL, "", []), ("intermediateThrowEvent", WORK, ON_MESSAGE, "", [done(r=1)]),
    ):
        for title, mapping in (("none", ""), ("input", inputs(("=2", "l"))), ("output", outputs(("=r", "z.k"))), ("both", both(("input", "=2", "l"), ("output", "=l", "z.k")))):
            paths.one(f"{kind} {inside[1:8]}{extensions[3:7]}: {title}", element(kind, extensions + mapping, inside, attributes), actions, {"z": {"q": 1}}, MESSAGE + SIGNAL)
    for title, extensions in (("none", ""), ("input", inputs(("=1", "l"))), ("both", both(("input", "=1", "l"), ("output", "=l", "z.k"))), ("input of x", inputs(("=x + 1", "x"))), ("output to x", outputs(("=r", "x")))):
        paths.one(f"sub-process: {title}", sub_process(extensions=extensions), [done(l=2, r=3, x=5)], {"x": 1})
    for local in (True, False):
        for title, body in (("a task", task(inputs(("=1", "l")))), ("a sub-process", sub_process(extensions=inputs(("=1", "l"))))):
            paths.one(f"variables set in {title}, local {local}", body, [{"do": "set", "pick": 1, "local": local, "variables": {"l": 5, "x": 6, "n": None}}, done(r=1)], {"x": 1})


def names(paths):
    """What may be computed, and what it may be."""
    for value in ("=5", "=true", "=null", '=["a"]'):
        paths.one(f"message name {value}", element("receiveTask", "", "", "messageRef='m'"), [], {}, MESSAGE.replace("m@N", value))
        paths.one(f"correlation key {value}", element("receiveTask", "", "", "messageRef='m'"), [published(key="5")], {}, MESSAGE.replace("=id", value))
        paths.one(f"signal name {value}", element("intermediateCatchEvent", "", ON_SIGNAL), [], {}, SIGNAL.replace("s@N", value))
        paths.one(f"thrown signal {value}", element("intermediateThrowEvent", "", ON_SIGNAL), [], {}, SIGNAL.replace("s@N", value))
        paths.one(f"called process {value}", element("callActivity", f"<z:calledElement processId='{value}'/>"))
        paths.one(f"called decision {value}", element("businessRuleTask", f"<z:calledDecision decisionId='{value}' resultVariable='r'/>"))
        paths.one(f"error code {value}", f"<endEvent id='t'><incoming>f1</incoming>{ON_ERROR}</endEvent>", [], {}, ERROR.replace("'E'", f"'{value}'"), ends=False)
        paths.one(f"job type {value}", element("serviceTask", f"<z:taskDefinition type='{value}'/>"))
        paths.one(f"retries {value}", element("serviceTask", f"<z:taskDefinition type='work' retries='{value}'/>"), [done()])
        for attribute in ("assignee", "candidateGroups", "candidateUsers"):
            paths.one(f"{attribute} {value}", element("userTask", f"<z:assignmentDefinition {attribute}='{value}'/>"), [done()])
        for attribute in ("dueDate", "followUpDate"):
            paths.one(f"{attribute} {value}", element("userTask", f"<z:taskSchedule {attribute}='{value}'/>"), [done()])
    for value in ('="3"', "=0", "=1.7", "2"):
        paths.one(f"retries {value}", element("serviceTask", f"<z:taskDefinition type='work' retries='{value}'/>"), [done()])
    inner = inputs(('="inner@N"', "k"))
    key = MESSAGE.replace("=id", "=k")
    for what in ("inner@N", "outer@N"):
        outer = {"k": "outer@N"}
        for title, body in (("of a task's boundary event", task(inner) + boundary(ON_MESSAGE)), ("of a sub-process' boundary event", sub_process(extensions=inner) + boundary(ON_MESSAGE)),
                            ("in a sub-process", sub_process(INNER_TASK + event_sub_process(ON_MESSAGE), inner)), ("of a receive task", element("receiveTask", inner, "", "messageRef='m'"))):
            paths.one(f"key {title}: {what[:5]}", body, [published(key=what)], outer, key)
        paths.one(f"message name of a boundary event: {what[:5]}", task(inner) + boundary(ON_MESSAGE), [published(name=what)], outer, MESSAGE.replace("m@N", "=k"))
        paths.one(f"signal name of a boundary event: {what[:5]}", task(inner) + boundary(ON_SIGNAL), [{"do": "signal", "name": what, "variables": {}}], outer, SIGNAL.replace("s@N", "=k"))
    for own, around in (("PT1H", "PT900H"), ("PT900H", "PT1H")):
        paths.one(f"time of a boundary event: {own}", task(inputs((f'="{own}"', "k"))) + boundary(ON_TIMER.replace("PT1H", "=k")), [], {"k": around})


def conditions(paths):
    for condition in ("=nope", "=1", "=null", '="true"', "=x > 1", "=nope > 1", "=x"):
        for gateway in ("exclusiveGateway", "inclusiveGateway"):
            body = (f"<{gateway} id='t' default='d'><incoming>f1</incoming><outgoing>d</outgoing><outgoing>c</outgoing></{gateway}>" + flow("d", "t", "e1")
                    + flow("c", "t", "e2", f"<conditionExpression>{escape(condition)}</conditionExpression>") + "<endEvent id='e1'><incoming>d</incoming></endEvent><endEvent id='e2'><incoming>c</incoming></endEvent>")
            paths.one(f"{gateway} {condition}", body, [], {"x": "a"}, ends=False)
    for script in ("=nope", "=1/0", "=null", "=[1,null]", "=assert(1, 1 = 2)", '=date("2020-01-01")', "=x + 1", "={a: x}.a"):
        paths.one(f"script {script}", element("scriptTask", f"<z:script expression='{script}' resultVariable='r'/>"), [], {"x": 1})
    paths.one("a script's result of an input's name", element("scriptTask", "<z:script expression='=x+1' resultVariable='x'/>" + inputs(("=x * 10", "x"))), [], {"x": 1})


def loops(paths):
    def each(attributes, condition="", sequential=False, mapping="", after=""):
        ends = f"<completionCondition>{escape('=' + condition)}</completionCondition>" if condition else ""
        loop = f"<multiInstanceLoopCharacteristics isSequential='{str(sequential).lower()}'><extensionElements><z:loopCharacteristics {attributes}/></extensionElements>{ends}</multiInstanceLoopCharacteristics>"
        return task(mapping, loop) + after

    collected = "inputCollection='=[5, 6, 7]' inputElement='x' outputCollection='o' outputElement='=x'"
    for sequential in (False, True):
        def add(title, attributes, actions=(), variables=None, **more):
            paths.one(f"loop {'in sequence' if sequential else 'in parallel'}: {title}", each(attributes, sequential=sequential, **more), actions, variables)

        for collection in ("=[]", "=nope", "=5", '="a"', "=[null, 1]", "={a: 1}"):
            add(f"over {collection}", f"inputCollection='{collection}' inputElement='x' outputCollection='o' outputElement='=x'", [done(), done()])
        add("an output that is nowhere", "inputCollection='=[1, 2]' inputElement='x' outputCollection='o' outputElement='=nope'", [done(), done()])
        add("its counter", "inputCollection='=[5, 6]' inputElement='x' outputCollection='o' outputElement='=loopCounter * 10 + x'", [done(), done()])
        for condition in ("numberOfInstances = 3", "numberOfInstances = 2", "numberOfInstances = 1", "numberOfCompletedInstances = 2", "numberOfActiveInstances = 0", "numberOfActiveInstances = 1",
                          "numberOfActiveInstances = 2", "numberOfTerminatedInstances = 0", "numberOfTerminatedInstances = 1", "1", "nope", "x = 6", "o[1] = 5"):
            add(f"until {condition}", collected, [done(), done(), done()], condition=condition)
        add("until what a job gives", "inputCollection='=[5, 6]' inputElement='x'", [done(r=1), done()], {"r": 0}, condition="r = 1")
        add("mappings", collected.replace("'=x'", "'=y'"), [done(), done(), done()], mapping=mapped(("input", "=x + 1", "y"), ("output", "=y + 1", "z")))
        add("contexts", collected.replace("'=x'", "'={a: x, b: r}'"), [done(r=1), done(r=2), done(r=3)])
        add("one name for all", "inputCollection='=[5, 6]' inputElement='x' outputCollection='x' outputElement='=x'", [done(), done()], {"x": 1})
        add("what a job gives", "inputCollection='=[5, 6]' inputElement='x'", [done(q=1, x=2), done(q=2)], {"x": 1})
        add("an error", "inputCollection='=[5, 6]' inputElement='x'", [done(q=1), thrown(ev=1)], {"x": 1}, after=boundary(ON_ANY_ERROR))
    paths.one("loop: a message for each", element("receiveTask", "", "<multiInstanceLoopCharacteristics><extensionElements><z:loopCharacteristics inputCollection='=[\"a@N\", \"b@N\"]' inputElement='x'/></extensionElements></multiInstanceLoopCharacteristics>", "messageRef='m'"),
              [published(key="b@N"), published(key="a@N")], {}, MESSAGE.replace("=id", "=x"))


def calls(paths):
    child = f"<serviceTask id='t'><extensionElements>{WORK}</extensionElements><incoming>f1</incoming></serviceTask>"

    def call(attributes="", mapping=""):
        return element("callActivity", f"<z:calledElement processId='c@N' {attributes}/>{mapping}")

    for attributes in ("", "propagateAllChildVariables='true'", "propagateAllChildVariables='false'", "propagateAllParentVariables='false'", "propagateAllParentVariables='false' propagateAllChildVariables='false'"):
        for title, mapping in (("none", ""), ("input", inputs(("=x + 1", "y"))), ("both", mapped(("input", "=x + 1", "y"), ("output", "=r", "z"))), ("members", outputs(("=r", "z.k"), ("=x", "z.l")))):
            paths.one(f"call {attributes}: {title}", call(attributes, mapping), [done(r=1, x=5, y=7)], {"x": 1, "z": {"m": 1}}, child=child)
    paths.one("call: an error", call() + boundary(ON_ERROR), [thrown(ev=1)], {"x": 1}, ERROR, child=child)
    paths.one("call: an error with an output", call() + boundary(ON_ERROR, outputs(("=ev", "got"))), [thrown(ev=1)], {"x": 1}, ERROR, child=child)
    paths.one("call: an error end event", call() + boundary(ON_ANY_ERROR), [], {"x": 1}, child=f"<endEvent id='t'><incoming>f1</incoming>{ON_ERROR}</endEvent>")
    paths.one("call: an escalation", call() + boundary("<escalationEventDefinition/>", "", False), [], {"x": 1}, child="<endEvent id='t'><incoming>f1</incoming><escalationEventDefinition escalationRef='x'/></endEvent>")
    paths.one("call: a terminate end event", call(), [], {"x": 1}, child="<endEvent id='t'><incoming>f1</incoming><terminateEventDefinition/></endEvent>")
    paths.one("call: by an input", element("callActivity", "<z:calledElement processId='=k'/>" + inputs(('="c@N"', "k"))), [done()], {}, child=child)


def timers(paths):
    for kind, value in (
        ("timeDuration", "PT0S"), ("timeDuration", "-PT1H"), ("timeDuration", "P1D"), ("timeDuration", '="PT1H"'), ("timeDuration", '=duration("PT1H")'), ("timeDuration", "=5"), ("timeDuration", "=null"),
        ("timeDuration", '=duration("P1M")'), ("timeDate", "2020-01-01T00:00:00Z"), ("timeDate", '="2020-01-01T00:00:00Z"'), ("timeDate", '=date and time("2020-01-01T00:00:00Z")'),
        ("timeDate", '=date("2020-01-01")'), ("timeDate", '=date and time("2020-01-01T00:00:00")'), ("timeDate", "=5"),
    ):
        paths.one(f"timer {kind} {value}", element("intermediateCatchEvent", "", f"<timerEventDefinition><{kind}>{value}</{kind}></timerEventDefinition>"))
    for value in ("R2/PT1H", "R0/PT1H", "R/PT3H", "R1/2020-01-01T00:00:00Z/PT1H", "R2/2020-01-01T00:00:00Z/PT10H", '=cycle(2, duration("PT1H"))', '=cycle(duration("PT3H"))', '="R2/PT1H"'):
        paths.one(f"cycle {value}", task() + boundary(f"<timerEventDefinition><timeCycle>{value}</timeCycle></timerEventDefinition>", "", False))


def events(paths):
    for title, catches, code in (("by its code", ON_ERROR, "E"), ("any", ON_ANY_ERROR, "F"), ("any, without a code", ON_ANY_ERROR, ""), ("another", ON_ERROR, "F")):
        paths.one(f"error {title}", task(inputs(("=1", "l"))) + boundary(catches), [thrown(code, a=1, l=5, x=5), thrown("E")], {"x": 1}, ERROR)
    paths.one("error: an output", task() + boundary(ON_ERROR, outputs(("=a + 1", "z.k"))), [thrown(a=1, x=5)], {"x": 1, "z": {"q": 1}}, ERROR)
    paths.one("error: an output that is nowhere", task() + boundary(ON_ERROR, outputs(("=nope", "z"))), [thrown(a=1)], {"z": {"q": 1}}, ERROR)
    for title, extensions, at_start in (("none", "", ""), ("output of the event", "", outputs(("=a + 1", "z"))), ("output", outputs(("=r", "z")), ""), ("input", inputs(("=x + 1", "y")), "")):
        paths.one(f"event sub-process of an error: {title}", task() + event_sub_process(ON_ERROR, True, extensions, at_start), [thrown(a=1, x=5), done(r=1, a=9, y=9)], {"x": 1}, ERROR)
        for interrupts in (True, False):
            paths.one(f"event sub-process of a message, {interrupts}: {title}", task() + event_sub_process(ON_MESSAGE, interrupts, extensions, at_start), [published(a=1, x=5), done(r=1, a=9, y=9), done(s=1)], {"x": 1}, MESSAGE)
    for interrupts in (True, False):
        for title, extensions in (("none", ""), ("output", outputs(("=a + 1", "z.k"))), ("refuted", outputs(("=assert(nope, nope != null)", "z")))):
            paths.one(f"boundary message, {interrupts}: {title}", task(inputs(("=1", "l"))) + boundary(ON_MESSAGE, extensions, interrupts, "task"), [published(a=1, x=5, l=7), done(r=1, a=9), done(s=1)], {"x": 1, "z": {"q": 1}}, MESSAGE)
        paths.one(f"boundary message twice, {interrupts}", task() + boundary(ON_MESSAGE, "", interrupts, "task"), [published(a=1), published(a=2), done(r=1), done(s=1), done(s=2)], {}, MESSAGE)
        paths.one(f"a message in a sub-process, {interrupts}", sub_process(INNER_TASK + event_sub_process(ON_MESSAGE, interrupts), inputs(("=10", "l"))), [published(a=1, x=5, l=7), done(r=1, l=9), done(q=2)], {"x": 1}, MESSAGE)
    paths.one("an error out of a sub-process", sub_process(extensions=inputs(("=10", "l"))) + boundary(ON_ERROR), [thrown(a=1, l=5)], {}, ERROR)
    paths.one("an error end event", sub_process(f"<endEvent id='w'><incoming>g</incoming>{ON_ERROR}</endEvent>") + boundary(ON_ERROR), [], {}, ERROR)
    paths.one("a terminate end event", sub_process("<endEvent id='w'><incoming>g</incoming><terminateEventDefinition/></endEvent>"))
    paths.one("an escalation with an output", sub_process("<intermediateThrowEvent id='w'><incoming>g</incoming><escalationEventDefinition escalationRef='x'/></intermediateThrowEvent>", inputs(("=10", "l")))
              + boundary("<escalationEventDefinition escalationRef='x'/>", outputs(("=l", "z")), False), [], {}, ESCALATION)
    paths.one("a thrown signal's variables", element("intermediateThrowEvent", inputs(("=1", "l")), ON_SIGNAL) + event_sub_process(ON_SIGNAL, False), [done()], {}, SIGNAL)

    def race(first, second):
        def event(name, definition, extensions, incoming, outgoing):
            return f"<intermediateCatchEvent id='{name}'><extensionElements>{extensions}</extensionElements><incoming>{incoming}</incoming><outgoing>{outgoing}</outgoing>{definition}</intermediateCatchEvent>{flow(outgoing, name, 'e1')}"
        return ("<eventBasedGateway id='t'><incoming>f1</incoming><outgoing>x1</outgoing><outgoing>x2</outgoing></eventBasedGateway>" + flow("x1", "t", "ca") + flow("x2", "t", "cb")
                + event("ca", *first, "x1", "y1") + event("cb", *second, "x2", "y2") + "<endEvent id='e1'><incoming>y1</incoming><incoming>y2</incoming></endEvent>")

    for title, first, second, actions in (("message", (ON_MESSAGE, outputs(("=a", "z.k"))), (ON_TIMER, ""), [published(a=1, x=5)]), ("signal", (ON_SIGNAL, outputs(("=a", "z.k"))), (ON_TIMER, ""), [signalled(a=1, x=5)]),
                                          ("signal of two", (ON_SIGNAL, ""), (ON_MESSAGE, ""), [signalled(a=1, x=5), published(a=2)]), ("timer", (ON_SIGNAL, ""), (ON_TIMER, outputs(("=1", "z.k"))), [])):
        paths.one(f"event-based gateway: {title}", race(first, second), actions, {"x": 1, "z": {"q": 1}}, MESSAGE + SIGNAL, ends=False)


def decisions(paths):
    def table(policy, rules, aggregation="", ins=(("x", ""),), outs=(("a", ""),), name="d", before=""):
        given = "".join(f"<input id='{name}i{at}'><inputExpression id='{name}e{at}'{f' typeRef={kind!r}' if kind else ''}><text>{escape(text)}</text></inputExpression></input>" for at, (text, kind) in enumerate(ins))
        made = "".join(f"<output id='{name}o{at}' name='{text}'{f' typeRef={kind!r}' if kind else ''}/>" for at, (text, kind) in enumerate(outs))
        cells = lambda kind, row, texts: "".join(f"<{kind}Entry id='{name}{kind[0]}{row}c{at}'><text>{escape(text)}</text></{kind}Entry>" for at, text in enumerate(texts))
        lines = "".join(f"<rule id='{name}r{row}'>{cells('input', row, tests)}{cells('output', row, results)}</rule>" for row, (tests, results) in enumerate(rules))
        return f"<decision id='{name}@N' name='{name}@N'>{before}<decisionTable id='{name}t' hitPolicy='{policy}'{f' aggregation={aggregation!r}' if aggregation else ''}>{given}{made}{lines}</decisionTable></decision>"

    def literal(text, name="d"):
        return f"<decision id='{name}@N' name='{name}@N'><literalExpression id='{name}l'><text>{escape(text)}</text></literalExpression></decision>"

    def add(title, model, variables=None, mapping=""):
        paths.one(f"decision: {title}", element("businessRuleTask", "<z:calledDecision decisionId='d@N' resultVariable='r'/>" + mapping), [], variables, decisions=model)

    needs = "<informationRequirement id='q'><requiredDecision href='#c@N'/></informationRequirement>"
    rules = [(["1"], ['"one"']), (["2"], ['"two"']), ([">1"], ['"many"'])]
    two = [(["1"], ['"one"', "1"]), (["2"], ['"two"', "2"]), ([">1"], ['"many"', "9"])]
    for policy in ("UNIQUE", "FIRST", "ANY", "RULE ORDER", "COLLECT"):
        for x in (1, 2, 3, 0, None, "t"):
            add(f"{policy} of {x}", table(policy, rules), {"x": x})
        for x in (1, 2, 0):
            add(f"{policy} of {x}, two outputs", table(policy, two, outs=(("a", ""), ("b", ""))), {"x": x})
    for aggregation in ("SUM", "MIN", "MAX", "COUNT"):
        for x in (5, 1, 0):
            add(f"{aggregation} of {x}", table("COLLECT", [([">0"], ["10"]), ([">1"], ["20"]), ([">2"], ["20"])], aggregation), {"x": x})
        add(f"{aggregation} with null", table("COLLECT", [([">0"], ["null"]), ([">1"], ["2"])], aggregation), {"x": 5})
    for test, x in (("-", 1), ('"a","b"', "a"), ('not("a")', "b"), ("[1..3]", 2), ("]1..3[", 3), ("? > 2", 3), ("x > 2", 3), ("null", None), ("true", True), ("x", 4), ("[1,2]", 2), ("y", 4),
                    ('date(?) = date("2020-01-01")', "2020-01-01"), ('> "a"', "b"), ('contains(?, "b")', "abc")):
        add(f"test {test} of {x}", table("FIRST", [([test], ['"yes"']), (["-"], ['"no"'])]), {"x": x})
    for text in ("x + 1", "x.y", "missing", 'if x > 1 then "a" else "b"', "{a: x, b: [x]}", "for i in [1,2] return i * x", "1/0", "assert(x, x = 2)", "x = 5", 'date("2020-01-01")', "sum([1,x])",
                 "some i in [1,2] satisfies i > x", "string(x)", "-x", "x ** 2", "x between 1 and 9", "x in [1..9]", "[1,2,9][item > x]"):
        add(f"literal {text}", literal(text), {"x": 5})
    add("one that it needs", table("FIRST", [(["6"], ['"six"']), (["-"], ['"no"'])], ins=(("c@N", ""),), before=needs) + literal("x + 1", "c"), {"x": 5})
    add("one that it needs fails", table("FIRST", [(["6"], ['"six"']), (["-"], ['"no"'])], ins=(("c@N", ""),), before=needs) + literal("assert(x, x = 1)", "c"), {"x": 5})
    add("one with two outputs", table("FIRST", [(["1"], ['"yes"']), (["-"], ['"no"'])], ins=(("c@N.a", ""),), before=needs) + table("FIRST", [(["-"], ["1", "2"])], outs=(("a", ""), ("b", "")), name="c"), {"x": 5})
    for kind, x in (("number", "5"), ("string", 5), ("boolean", "true"), ("number", None), ("number", True)):
        add(f"an input of type {kind} that is {x}", table("FIRST", [(["5"], ['"five"']), (["-"], ['"no"'])], ins=(("x", kind),)), {"x": x})
    for kind, text in (("number", '"5"'), ("string", "5"), ("boolean", '"true"'), ("number", "null")):
        add(f"an output of type {kind} that is {text}", table("FIRST", [(["-"], [text])], outs=(("a", kind),)), {"x": 1})
    add("an output mapping", literal("x + 1"), {"x": 5}, outputs(("=r", "z.k")))


def migrations(paths):
    def heard(*events):
        """Boundary events: (id, message, key, interrupts); and the messages."""
        declared = "".join(f"<message id='m{name}' name='{message}'><extensionElements><z:subscription correlationKey='{key}'/></extensionElements></message>" for name, message, key, _ in events)
        shapes = "".join(f"<boundaryEvent id='{name}' attachedToRef='t' cancelActivity='{str(interrupts).lower()}'><outgoing>o{name}</outgoing><messageEventDefinition messageRef='m{name}'/></boundaryEvent>{flow('o' + name, name, 'c' + name)}"
                         f"<serviceTask id='c{name}'><extensionElements>{WORK}</extensionElements><incoming>o{name}</incoming></serviceTask>" for name, message, _, interrupts in events)
        return shapes, declared

    hit, other = ("b", "hit@N", "=id", False), ("b", "other@N", "=id", False)
    listeners = "<z:executionListeners><z:executionListener eventType='start' type='before'/><z:executionListener eventType='end' type='after'/></z:executionListeners>"
    refuted = "=assert(nope, nope != null)"
    tell = lambda name, hours=0: published(name=name, hours=hours)

    def add(title, events, twin_events, body, actions):
        (shapes, declared), (twin_shapes, twin_declared) = heard(*events), heard(*twin_events)
        paths.twin(f"migration: {title}", body + shapes, body + twin_shapes, actions, {}, declared, twin_declared)

    for title, body in (("a task", task()), ("a user task", element("userTask")), ("a sub-process", sub_process())):
        add(f"{title} that hears another message", [hit], [other], body, [MIGRATED, tell("hit@N"), tell("other@N"), done()])
        add(f"{title} twice", [hit], [other], body, [MIGRATED, MIGRATED, tell("other@N"), done()])
        add(f"{title} that hears the same", [hit], [hit], body, [MIGRATED, tell("hit@N"), done()])
        add(f"{title} that hears nothing any more", [hit], [], body, [MIGRATED, tell("hit@N"), done()])
        if "sub-process" not in title:  # that of Zeebe goes on hearing nothing
            add(f"{title} that heard nothing", [], [hit], body, [MIGRATED, tell("hit@N"), done()])
        add(f"{title} whose key is nowhere", [hit], [("b", "other@N", "=nope", False)], body, [MIGRATED, tell("hit@N"), done()])
        add(f"{title} that had no key", [("b", "hit@N", "=nope", False)], [other], body, [MIGRATED, tell("other@N", 1000), RESOLVED, tell("other@N")])
        add(f"{title} that is interrupted", [("b", "hit@N", "=id", True)], [("b", "other@N", "=id", True)], body, [MIGRATED, tell("hit@N"), tell("other@N"), done()])
        add(f"{title}, a message that is there", [hit], [other], body, [tell("other@N", 1000), MIGRATED, done()])
        add(f"{title} after its event", [hit], [other], body, [tell("hit@N"), MIGRATED, tell("other@N"), done()])
    for title, mapping, first in (("before it begins", inputs((refuted, "o")), []), ("when it ends", outputs((refuted, "o")), [done()])):
        add(f"an incident {title}, another message", [hit], [other], task(mapping), [*first, MIGRATED, MIGRATED, RESOLVED])
        add(f"an incident {title}, the same message", [hit], [hit], task(mapping), [*first, MIGRATED, MIGRATED, RESOLVED])
    for title, events in (("another message", [other]), ("the same message", [hit])):
        add(f"while listeners are waited for, {title}", [hit], events, task(listeners), [MIGRATED, MIGRATED, done(), MIGRATED, done(), MIGRATED, done()])
    add("of two to one", [hit, ("b2", "hat@N", "=id", False)], [other], task(), [MIGRATED, tell("hat@N"), tell("other@N"), done()])
    add("one of two is the same", [hit, ("b2", "hat@N", "=id", False)], [("b", "hat@N", "=id", False)], task(), [MIGRATED, tell("hat@N"), done()])


def modifications(paths):
    def work(name, incoming="", outgoing="", extensions=""):
        ways = f"<incoming>{incoming}</incoming>" * bool(incoming) + f"<outgoing>{outgoing}</outgoing>" * bool(outgoing)
        return f"<serviceTask id='{name}'><extensionElements>{WORK}{extensions}</extensionElements>{ways}</serviceTask>"

    def catch(name, definition, incoming, outgoing):
        return f"<intermediateCatchEvent id='{name}'>" + f"<incoming>{incoming}</incoming>" * bool(incoming) + f"<outgoing>{outgoing}</outgoing>{definition}</intermediateCatchEvent>"

    def scope(name, inside, first, ways="", extensions=""):
        return f"<subProcess id='{name}'><extensionElements>{extensions}</extensionElements>{ways}<startEvent id='{name}-s'><outgoing>{name}-f</outgoing></startEvent>{flow(name + '-f', name + '-s', first)}{inside}</subProcess>"

    # t → sub {x → y; an event sub-process} with a boundary event → b → fork (p, q) join → d; and much that only a modification begins.
    body = (
        work("t", "f1", "f2", inputs(("=1", "la"))) + flow("f2", "t", "sub")
        + scope("sub", work("x", "sub-f", "g2") + flow("g2", "x", "y") + work("y", "g2") + event_sub_process("<messageEventDefinition messageRef='m2'/>", False), "x", "<incoming>f2</incoming><outgoing>f3</outgoing>", inputs(('="mapped"', "ls")))
        + f"<boundaryEvent id='bd' attachedToRef='sub' cancelActivity='false'><outgoing>f9</outgoing>{ON_MESSAGE}</boundaryEvent>" + flow("f9", "bd", "c") + work("c", "f9")
        + flow("f3", "sub", "b") + work("b", "f3", "f4") + flow("f4", "b", "fork") + "<parallelGateway id='fork'><incoming>f4</incoming><outgoing>f5</outgoing><outgoing>f6</outgoing></parallelGateway>"
        + flow("f5", "fork", "p") + flow("f6", "fork", "q") + work("p", "f5", "f7") + work("q", "f6", "f8") + flow("f7", "p", "join") + flow("f8", "q", "join")
        + "<parallelGateway id='join'><incoming>f7</incoming><incoming>f8</incoming><outgoing>f10</outgoing></parallelGateway>" + flow("f10", "join", "d") + work("d", "f10", "f11") + flow("f11", "d", "end")
        + "<endEvent id='end'><incoming>f11</incoming></endEvent>"
        + f"<serviceTask id='mi'><extensionElements>{WORK}</extensionElements><outgoing>f12</outgoing><multiInstanceLoopCharacteristics><extensionElements><z:loopCharacteristics inputCollection='=[1, 2]' inputElement='item' outputCollection='out' outputElement='=item'/></extensionElements></multiInstanceLoopCharacteristics></serviceTask>"
        + flow("f12", "mi", "after") + work("after", "f12")
        + "<callActivity id='ca'><extensionElements><z:calledElement processId='c@N'/></extensionElements><outgoing>f14</outgoing></callActivity>" + flow("f14", "ca", "after2") + work("after2", "f14")
        + catch("ce", ON_MESSAGE, "", "f15") + flow("f15", "ce", "after3") + work("after3", "f15")
        + "<eventBasedGateway id='eg'><outgoing>f16</outgoing><outgoing>f17</outgoing></eventBasedGateway>" + flow("f16", "eg", "ec1") + flow("f17", "eg", "ec2") + catch("ec1", ON_MESSAGE, "f16", "f18") + catch("ec2", ON_TIMER, "f17", "f19")
        + flow("f18", "ec1", "after4") + work("after4", "f18") + flow("f19", "ec2", "after5") + work("after5", "f19")
        + "<scriptTask id='sc'><extensionElements><z:script expression='=v + 1' resultVariable='r'/></extensionElements><outgoing>f20</outgoing></scriptTask>" + flow("f20", "sc", "after6") + work("after6", "f20")
        + scope("o", scope("oi", work("deep", "oi-f"), "deep", "<incoming>o-f</incoming>"), "oi")
    )
    models = [("c", "bpmn", process(f"<serviceTask id='t'><extensionElements>{WORK}</extensionElements><incoming>f1</incoming></serviceTask>", "", "c@N", ends=False)),
              ("p", "bpmn", process(body, MESSAGE + "<message id='m2' name='m2@N'><extensionElements><z:subscription correlationKey='=id'/></extensionElements></message>", ends=False))]

    def begun(element, *variables, within=""):
        """Variables are (scope, its variables)."""
        return {"element": element, "in": within, "variables": [{"scope": where, "variables": given} for where, given in variables]}

    def modified(*begins, ends=()):
        return {"do": "modify", "pick": 0, "end": False, "begin": list(begins), "end named": list(ends)}

    hit, aside = published(), published("m2@N")
    for title, actions in (
        ("variables of the instance", [modified(begun("b", ("", {"g": 1})))]),
        ("its own variables", [modified(begun("b", ("b", {"g": 1})))]),
        ("variables of the process by its id", [modified(begun("b", ("p@N", {"g": 1})))]),
        ("variables of what is not around", [modified(begun("b", ("sub", {"g": 1})))]),
        ("variables twice", [modified(begun("b", ("", {"g": 1}), ("b", {"g": 2}), ("b", {"h": 3})))]),
        ("inside a new sub-process", [modified(begun("y", ("sub", {"ls": 5}), ("y", {"ly": 6}), ("", {"gg": 7}))), hit, aside, done(), done(), done()]),
        ("inside the one there", [done(), modified(begun("y", ("sub", {"ls": 5}), ("y", {"ly": 6}))), done(), done(), done()]),
        ("inside the one there, by its key", [done(), modified(begun("y", ("sub", {"ls": 5}), within="sub")), done(), done()]),
        ("inside a second one", [done(), modified(begun("y", ("sub", {"ls": 5}), within="p@N")), done(), done(), done()]),
        ("inside a second one, twice", [done(), modified(begun("y", ("sub", {"ls": 5}), within="p@N"), begun("x", ("sub", {"ls": 6}), within="p@N"))]),
        ("inside new ones, twice", [modified(begun("y", within="p@N"), begun("x", within="p@N"))]),
        ("in depth, new in the one there", [modified(begun("deep", ("o", {"u": 1}))), modified(begun("deep", ("oi", {"v": 2}), within="o"))]),
        ("in depth, all new", [modified(begun("deep", ("o", {"u": 1}))), modified(begun("deep", ("o", {"v": 2}), within="p@N"))]),
        ("in depth, in the one there", [modified(begun("deep", ("o", {"u": 1}))), modified(begun("deep", ("deep", {"v": 2}), within="oi"))]),
        ("in what is not around it", [done(), modified(begun("b", within="sub"))]),
        ("twice inside one that is new", [modified(begun("y"), begun("x")), done(), done(), done()]),
        ("one element twice", [modified(begun("b", ("b", {"n": 1})), begun("b", ("b", {"n": 2}))), done(), done(), done()]),
        ("moved", [modified(begun("b"), ends=["t"]), done(), done(), done(), done()]),
        ("moved into a sub-process", [modified(begun("sub", ("sub", {"ls": 1})), ends=["t"]), done(), done()]),
        ("moved out of a sub-process", [done(), modified(begun("b"), ends=["x"]), hit, done()]),
        ("moved from one branch", [modified(begun("b"), ends=["t"]), done(), modified(begun("d"), ends=["p"]), done(), done()]),
        ("all ended", [modified(ends=["t"])]),
        ("all in a sub-process ended", [done(), modified(ends=["x"])]),
        ("a sub-process ended with what is in it", [done(), modified(ends=["sub", "x"])]),
        ("a loop", [modified(begun("mi", ("mi", {"q": 1}))), done(), done(), done()]),
        ("a call", [modified(begun("ca", ("ca", {"q": 1}))), done(r=2), done(), done()]),
        ("a message", [modified(begun("ce", ("ce", {"q": 1}))), hit, done()]),
        ("a message that is there", [published(hours=1000), modified(begun("ce")), done()]),
        ("an event-based gateway", [modified(begun("eg")), hit, done()]),
        ("an event-based gateway's timer", [modified(begun("eg"))]),
        ("what is behind one", [modified(begun("ec1"))]),
        ("a script", [modified(begun("sc", ("sc", {"v": 1}))), done()]),
        ("a script that fails", [modified(begun("sc"))]),
        ("a start event", [modified(begun("start"))]),
        ("a start event inside", [modified(begun("sub-s"))]),
        ("a boundary event", [modified(begun("bd"))]),
        ("an event sub-process", [modified(begun("es", ("es", {"q": 1}))), done(), done()]),
        ("inside an event sub-process", [modified(begun("ew", ("es", {"q": 1}), ("sub", {"w": 2}))), done(), done()]),
        ("the start of an event sub-process", [modified(begun("by"))]),
        ("an end event", [modified(begun("end")), done()]),
        ("a join twice", [modified(begun("join")), modified(begun("join"))]),
        ("a fork", [modified(begun("fork")), done(), done(), done(), done()]),
        ("a join where a token waits", [modified(begun("b"), ends=["t"]), done(), done(), modified(begun("join"), ends=["q"]), done()]),
        ("in depth", [modified(begun("deep", ("o", {"u": 1}), ("oi", {"v": 2}), ("deep", {"w": 3}))), done(), done()]),
        ("in depth twice", [modified(begun("deep", ("o", {"u": 1})), begun("deep", ("o", {"u": 2}), ("oi", {"x": 3}))), done(), done(), done()]),
        ("a flow", [modified(begun("f1"))]),
        ("nothing that is there", [modified(begun("nope"))]),
    ):
        paths.add(f"modification: {title}", models, actions)
    for elements, actions in ((["b"], [done(), done(), done()]), (["y"], [hit, done(), done()]), (["b", "y"], [done(), done(), done()]), (["b", "b"], [done(), done()]), (["mi"], [done(), done(), done()]), (["ew"], [done(), done()]),
                              (["end"], []), (["join"], [done()]), (["ce"], [hit, done()]), (["ca"], [done(), done()]), (["deep"], [done()]), (["sc"], []), (["deep", "x"], [done(), done()])):
        paths.add(f"begun at {' and '.join(elements)}", models, actions, **{"begins at": elements})


def make():
    paths = Paths()
    for part in (mappings, names, conditions, loops, calls, timers, events, decisions, migrations, modifications):
        part(paths)
    return paths.made
