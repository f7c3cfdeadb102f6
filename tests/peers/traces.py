"""What two engines did on the same path, brought to one form: equal texts mean equal behaviour.

A trace is a list of lines of tab-separated fields (TraceExporter.java, engine_paths.cpp, player.py). Its form is the tree of element
instances, each with its life, the flows taken and variables set in it, its incidents and jobs. What runs side by side has no order of
its own: the children of a scope are sorted. What follows from each other keeps its order: the life of an element, the values of a
variable, the answers that the client got.
"""
import hashlib
import json
import xml.etree.ElementTree as ElementTree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
kElement, kVariable, kIncident, kJob, kHanded, kAnswer = "element", "variable", "incident", "job", "handed", "answer"
kBanned = "banned"  # the real engine failed inside and touches the instance no more


def unescape(text):
    if "\\" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            out.append({"t": "\t", "n": "\n"}.get(text[at + 1], text[at + 1]))
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def fields_of(line):
    return [unescape(field) for field in line.split("\t")]


def plain(text):
    """A JSON value in one spelling."""
    try:
        return json.dumps(json.loads(text, parse_float=lambda number: float(number)), sort_keys=True, separators=(",", ":"))
    except json.JSONDecodeError:
        return text


class Node:
    def __init__(self, name, scope, parent):
        self.name, self.scope, self.parent = name, scope, parent
        self.life, self.flows, self.incidents, self.jobs, self.children = [], [], [], [], []
        self.variables = {}

    def set(self, name, value):
        values = self.variables.setdefault(name, [])
        if not values or values[-1] != value:
            values.append(value)

    def lines(self, depth=0):
        pad = "  " * depth
        yield f"{pad}{self.name}: {' '.join(self.life)}"
        for name in sorted(self.variables):
            yield f"{pad}  ${name} = {' → '.join(self.variables[name])}"
        for kind, facts in (("flow", self.flows), ("incident", self.incidents), ("job", self.jobs)):
            for fact in sorted(facts):
                yield f"{pad}  {kind} {fact}"
        for child in sorted("\n".join(child.lines(depth + 1)) for child in self.children):
            yield child


def form(lines):
    """The text that two engines must agree on."""
    nodes, answers, other, job_element, early = {}, [], [], {}, {}
    for line in lines:
        kind, *rest = fields_of(line)
        if kind == kElement:
            _, key, scope, name, _, intent, parent = rest
            if intent == "SEQUENCE_FLOW_TAKEN":
                nodes[scope].flows.append(name)
                continue
            if key not in nodes:
                nodes[key] = Node(name, scope, parent)
                for variable in early.pop(key, []):
                    nodes[key].set(*variable)
            nodes[key].life.append(intent.removeprefix("ELEMENT_").lower())
        elif kind == kVariable:
            _, scope, name, value = rest
            if scope in nodes:
                nodes[scope].set(name, plain(value))
            else:
                early.setdefault(scope, []).append((name, plain(value)))
        elif kind == kIncident:
            _, _, element, error, intent, _, _ = rest
            if intent != "MIGRATED":  # the same incident, of the new process
                nodes[element].incidents.append(f"{error} {intent.lower()}")
        elif kind == kJob:
            _, key, element, type_, intent, retries = rest
            if intent == "CREATED":
                job_element[key] = element
                nodes[element].jobs.append(f"{type_} created with {retries} retries")
            elif intent in ("COMPLETED", "ERROR_THROWN"):
                nodes[job_element[key]].jobs.append(intent.lower())
        elif kind == kHanded:
            _, key, _, _, variables = rest
            nodes[job_element[key]].jobs.append(f"handed out with {plain(variables)}")
        elif kind == kAnswer:
            answers.append(" ".join(rest))
        else:
            other.append(line)
    roots = []
    for node in nodes.values():
        around = nodes.get(node.scope) or nodes.get(node.parent)
        (around.children if around else roots).append(node)
    text = [line for root in roots for line in root.lines()]
    return "\n".join([*text, *(f"answer {answer}" for answer in answers), *other])


def order(lines):
    """The ends of elements in the order of the whole instance: finer than `form`, as it orders what runs side by side, too."""
    return [f"{fields[4].removesuffix('-twin')} {fields[6]}" for fields in map(fields_of, lines) if fields[0] == kElement]


def order_digest(lines):
    return hashlib.sha256("\n".join(order(lines)).encode()).hexdigest()[:16]


def is_as(record, lines):
    """Whether a trace is that of a golden path: in its form, and where that was so when it was made, in the order of the whole instance."""
    return form(lines) == record["form"] and record["order"] in (None, order_digest(lines))


def why_banned(lines):
    """What the real engine says of its failure inside; None: it did not fail."""
    return next((fields[2] for fields in map(fields_of, lines) if fields[0] == kBanned), None)


def fault_of_theirs(path, lines):
    """A known fault of the real engine that shows on a path where the two differ; None: there is none."""
    return why_banned(lines) or lost_token(lines) or endless_compensation(lines) or shared_subscription(path, lines) or misplaced(path, lines) or deaf_boundary(path, lines) or deaf_migration(path, lines)


def deaf_boundary(path, lines):
    """A scope that a modification makes and that a message which was there before ends at once: Zeebe forgets its boundary event."""
    events = {}
    for model in path["models"]:
        for event in ElementTree.fromstring(model["xml"]).iter(BPMN + "boundaryEvent"):
            if event.find(BPMN + "messageEventDefinition") is not None and event.get("cancelActivity") != "false":
                events.setdefault(event.get("attachedToRef"), set()).add(event.get("id"))
    began, ended = {}, {}
    for fields in map(fields_of, lines):
        if fields[0] == kAnswer:
            if ended:
                return f"{', '.join(sorted(set(ended.values())))} ended, and none of its boundary events began"
            began, ended = {}, {}
        if fields[0] != kElement or fields[5] == "SEQUENCE_FLOW":
            continue
        key, name, intent = fields[2], fields[4], fields[6]
        if intent == "ELEMENT_ACTIVATING":
            began[key] = name
            ended = {other: host for other, host in ended.items() if name not in events[host]}
        elif intent == "ELEMENT_TERMINATED":
            ended = {other: host for other, host in ended.items() if began[other, "scope"] != key}
            if name in events and key in began:
                ended[key], began[key, "scope"] = name, fields[3]
    return None


def deaf_migration(path, lines):
    """A migration that is refused closes the message subscriptions of the elements that Zeebe went through before the one that it refuses. And an
    element that only its last listeners hold hears the messages of the other process when it migrates: it takes one away, and does nothing."""
    hosts = set()
    for model in path["models"]:
        for event in ElementTree.fromstring(model["xml"]).iter(BPMN + "boundaryEvent"):
            if event.find(BPMN + "messageEventDefinition") is not None:
                hosts.add(event.get("attachedToRef"))
    active, leaving = {}, set()
    for fields in map(fields_of, lines):
        if fields[0] == kAnswer and fields[1] == "migrate" and fields[2] != "OK" and len(active) > 1 and hosts & set(active.values()):
            return f"a migration was refused, of which {', '.join(sorted(hosts & set(active.values())))} heard messages"
        if fields[0] != kElement or fields[5] == "SEQUENCE_FLOW" or fields[2] == fields[1]:
            continue
        key, name, intent = fields[2], fields[4], fields[6]
        if intent == "ELEMENT_ACTIVATING":
            active[key] = name
        elif intent == "ELEMENT_COMPLETING":
            leaving.add(key)
        elif intent in ("ELEMENT_COMPLETED", "ELEMENT_TERMINATED"):
            active.pop(key, None)
        elif intent == "ELEMENT_MIGRATED" and key in leaving and name in hosts:
            return f"{name} migrated while its last listeners were waited for"
    return None


def misplaced(path, lines):
    """An element that began in another scope than it is in. Zeebe does so with an event sub-process when one signal reaches it and a
    boundary event of its scope."""
    around, names = {}, {}
    for model in path["models"]:
        for scope in ElementTree.fromstring(model["xml"]).iter():
            around.update({inner.get("id"): scope.get("id") for inner in scope})
    for fields in map(fields_of, lines):
        if fields[0] != kElement or fields[6] != "ELEMENT_ACTIVATING":
            continue
        names[fields[2]] = fields[4]
        if fields[5] == "EVENT_SUB_PROCESS" and (scope := names[fields[3]]) != around[fields[4]]:
            return f"{fields[4]} began in {scope}"
    return None


def shared_subscription(path, lines):
    """An element that was active and waits for a message by a boundary event and by an event sub-process in it. Zeebe has one
    subscription for the two, forgets to close it, and the next such message goes nowhere."""
    began = {fields[4] for fields in map(fields_of, lines) if fields[0] == kElement}
    for model in path["models"]:
        root = ElementTree.fromstring(model["xml"])
        names = {one.get("id"): one.get("name") for one in root.iter(BPMN + "message")}
        heard = {}
        for scope in root.iter():
            for event in scope.findall(BPMN + "boundaryEvent") + [start for inner in scope.findall(BPMN + "subProcess") if inner.get("triggeredByEvent") for start in inner.findall(BPMN + "startEvent")]:
                host = event.get("attachedToRef") or scope.get("id")
                for definition in event.findall(BPMN + "messageEventDefinition"):
                    name = names[definition.get("messageRef")]
                    if host in began and heard.setdefault((host, name), event) is not event:
                        return f"{host} waits for the message {name} twice"
    return None


def lost_token(lines):
    """A scope that completed while something in it was active. Zeebe does so when an end event of it completes just before the target
    of a link begins: what was to come after the link never happens, and nobody is told."""
    scopes, children = {}, {}
    for fields in map(fields_of, lines):
        if fields[0] != kElement or fields[5] == "SEQUENCE_FLOW":
            continue
        key, scope, name, intent = fields[2], fields[3], fields[4], fields[6]
        if intent == "ELEMENT_ACTIVATING":
            scopes[key] = scope
            children.setdefault(scope, {})[key] = name
        elif intent in ("ELEMENT_COMPLETED", "ELEMENT_TERMINATED"):
            if intent == "ELEMENT_COMPLETED" and (left := children.get(key)):
                return f"{name} completed with {', '.join(sorted(left.values()))} in it"
            children.get(scopes.get(key), {}).pop(key, None)
    return None


def endless_compensation(lines):
    """A throw event that had to be ended though all that it asked to undo was undone. Zeebe waits for ever when what is in a sub-process
    is undone before the sub-process itself, which has a handler of its own."""
    asked, undoing, throwers, before = {}, set(), set(), None
    for fields in map(fields_of, lines):
        if fields[0] != kElement or fields[5] == "SEQUENCE_FLOW":
            continue
        key, scope, name, intent = fields[2], fields[3], fields[4], fields[6]
        if name.startswith("undo") and intent == "ELEMENT_ACTIVATING" and fields[5] == "BOUNDARY_EVENT":
            asked[scope] = asked.get(scope, 0) + 1
            if before[5] in ("END_EVENT", "INTERMEDIATE_THROW_EVENT") and before[6] == "ELEMENT_ACTIVATED":
                throwers.add(before[2])
        elif name.startswith("handler") and intent == "ELEMENT_ACTIVATING":
            asked[scope] = asked.get(scope, 0) - 1
            undoing.add(key)
        elif name.startswith("handler") and intent in ("ELEMENT_COMPLETED", "ELEMENT_TERMINATED"):
            undoing.discard(key)
        elif intent == "ELEMENT_TERMINATING" and key in throwers and not undoing and asked.get(scope, 0) == 0:
            return f"{name} waits for ever, with nothing left to undo"
        before = fields
    return None
