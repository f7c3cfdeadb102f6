"""How often each element, kind of boundary event, type of incident and action of the client occurred on paths, and how deep they went."""
import collections
import xml.etree.ElementTree as ElementTree

import traces

kLeastShare = 0.01  # of all paths, of everything below
kJudged = 5000  # paths, from which on that share is asked for; on fewer the rarest would fail by chance, and must occur at all
kLeastDeep = 0.3  # of all paths: three scopes in each other, or more
DEPTH = 3
LISTENERS = ("before", "after")  # their jobs' types
EXPECTED = """
process; subProcess; callActivity; serviceTask; sendTask; businessRuleTask; userTask; receiveTask; scriptTask; manualTask; task
exclusiveGateway; inclusiveGateway; parallelGateway; eventBasedGateway
startEvent; endEvent; endEvent error; endEvent terminate
intermediateCatchEvent message; intermediateCatchEvent timer; intermediateCatchEvent signal; intermediateCatchEvent link
intermediateThrowEvent; intermediateThrowEvent message; intermediateThrowEvent signal; intermediateThrowEvent escalation; intermediateThrowEvent link
boundaryEvent message; boundaryEvent timer; boundaryEvent signal; boundaryEvent error; boundaryEvent escalation
boundaryEvent message aside; boundaryEvent timer aside; boundaryEvent signal aside; boundaryEvent escalation aside
boundaryEvent compensate; intermediateThrowEvent compensate; endEvent compensate
event subProcess; startEvent message; startEvent message aside; startEvent timer; startEvent timer aside; startEvent error; startEvent escalation; startEvent escalation aside
startEvent signal; startEvent signal aside
multi-instance parallel; multi-instance sequential; listener start; listener end
incident JOB_NO_RETRIES; incident UNHANDLED_ERROR_EVENT; incident EXTRACT_VALUE_ERROR; incident CONDITION_ERROR; incident CALLED_ELEMENT_ERROR
action complete; action fail; action throw; action publish; action signal; action set; action resolve; action retries; action cancel; action modify; action migrate
"""


def kinds_of(xml):
    """id → what it is, in the words above."""
    found = {}
    for element in ElementTree.fromstring(xml).iter():
        if "id" not in element.attrib:
            continue
        words = [element.tag.split("}")[1]]
        if element.get("triggeredByEvent") == "true":
            words.insert(0, "event")
        for inner in element:
            tag = inner.tag.split("}")[1]
            if tag.endswith("EventDefinition"):
                words.append(tag.removesuffix("EventDefinition"))
            if tag == "multiInstanceLoopCharacteristics":
                found[element.get("id"), "loop"] = "multi-instance " + ("sequential" if inner.get("isSequential") == "true" else "parallel")
        if element.get("cancelActivity") == "false" or element.get("isInterrupting") == "false":
            words.append("aside")
        found[element.get("id")] = " ".join(words)
    return found


class Occurrences:
    def __init__(self):
        self.paths, self.deep, self.seen = 0, 0, collections.Counter()

    def add(self, path, lines):
        kinds = {}
        for model in path["models"]:
            kinds.update(kinds_of(model["xml"]))
        here, scopes, deepest, last = set(), {}, 0, {}
        for fields in map(traces.fields_of, lines):
            if fields[0] == traces.kElement and fields[6] == "ELEMENT_ACTIVATED":
                here.add(kinds.get(fields[4], fields[4]))
                here.add(kinds.get((fields[4], "loop")))
            if fields[0] == traces.kElement and fields[6] == "ELEMENT_ACTIVATING":
                around = fields[3] if fields[3] in scopes else fields[7]
                scopes[fields[2]] = scopes.get(around, -1) + 1
                deepest = max(deepest, scopes[fields[2]])
            if fields[0] == traces.kElement:
                last[fields[2]] = fields[6]
            elif fields[0] == traces.kJob and fields[4] in LISTENERS:
                here.add("listener start" if last.get(fields[3]) == "ELEMENT_ACTIVATING" else "listener end")
            elif fields[0] == traces.kIncident:
                here.add(f"incident {fields[4]}")
            elif fields[0] == traces.kAnswer and fields[2] == "OK":
                here.add(f"action {fields[1]}")
        self.paths += 1
        self.deep += deepest >= DEPTH
        self.seen.update(here - {None})

    def report(self):
        """Lines, and what occurred too rarely."""
        expected = [word.strip() for line in EXPECTED.strip().splitlines() for word in line.split(";")]
        lines = [f"{self.seen[what]:7d} {100 * self.seen[what] / self.paths:5.1f} %  {what}" for what in [*expected, *sorted(set(self.seen) - set(expected))]]
        lines.append(f"{self.deep:7d} {100 * self.deep / self.paths:5.1f} %  at least {DEPTH} scopes deep")
        least = kLeastShare * self.paths if self.paths >= kJudged else 1
        rare = [what for what in expected if self.seen[what] < least]
        if self.deep < kLeastDeep * self.paths:
            rare.append("depth")
        return lines, rare
