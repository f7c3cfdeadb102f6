"""Plays paths (engine_paths make) on a real Zeebe broker, many side by side in steps: every path does its next action, then all wait until
nothing moves any more. Runs under zeebe.python(). The words of actions mean the same as in engine_paths.cpp."""
import json
import sys
import time

import grpc

import traces
import zeebe

sys.path.insert(0, str(zeebe.stubs()))
import gateway_pb2 as messages  # noqa: E402
import gateway_pb2_grpc as services  # noqa: E402

kHour = 3_600_000
kMostTries = 100
kFinishingRounds = 12
kEachRound = 3
kListeners = ("before", "after")
kJobTypes = ("work", "io.camunda.zeebe:userTask", *kListeners)


class Path:
    """One path under way: what was seen of it and what there is to choose from."""

    def __init__(self, path):
        self.path = path
        self.lines = []
        self.elements = {}  # active: key → id
        self.incidents = {}  # open: key → (type, element instance, job)
        self.roots = set()  # keys of instances
        self.held = []  # jobs: (element, key); "listener " stands before the element when the job is one's
        self.root = None

    def see(self, line):
        self.lines.append(line)
        fields = traces.fields_of(line)
        if fields[0] == traces.kElement and fields[6] != "SEQUENCE_FLOW_TAKEN":
            if fields[6] == "ELEMENT_ACTIVATING":
                self.elements[int(fields[2])] = fields[4]
                if fields[1] == fields[2]:
                    self.roots.add(int(fields[2]))
            elif fields[6] in ("ELEMENT_COMPLETED", "ELEMENT_TERMINATED"):
                self.elements.pop(int(fields[2]), None)
        elif fields[0] == traces.kIncident:
            if fields[5] == "CREATED":
                self.incidents[int(fields[2])] = (fields[4], int(fields[3]), int(fields[6]))
            elif fields[5] == "RESOLVED":
                self.incidents.pop(int(fields[2]), None)

    def pick_job(self, pick):
        return self.held.pop(pick % len(self.held)) if self.held else ("", None)

    def pick_incident(self, pick):
        opened = sorted((kind, self.elements.get(element, ""), key) for key, (kind, element, _) in self.incidents.items())
        return opened[pick % len(opened)][2] if opened else None

    def first_of(self, name, instance_of):
        return min((key for key, other in self.elements.items() if other == name and instance_of[key] == self.root), default=0)

    def pick_scope(self, pick):
        active = sorted((name, key) for key, name in self.elements.items())
        return active[pick % len(active)][1] if active else None


class Player:
    def __init__(self, broker):
        self.broker = broker
        self.channel = grpc.insecure_channel(broker.gateway, options=[("grpc.max_receive_message_length", 64 << 20)])
        self.calls = services.GatewayStub(self.channel)
        self.trace = None  # opened with the first line
        self.rest = ""
        self.paths = {}  # of process ids
        self.of_instance = {}  # key of a process instance → Path
        self.of_element = {}  # key of an element instance → Path
        self.early = {}  # of instances whose root was not seen yet
        self.instance_of = {}  # of element instances
        self.definitions = {}  # key of the newest version by process id

    # ---- what happens

    def pump(self):
        """Takes in what was written since; how many lines."""
        if not self.trace:
            self.trace = open(self.broker.trace, encoding="utf-8", newline="\n")
        *lines, self.rest = (self.rest + self.trace.read()).split("\n")
        for line in lines:
            self.take(line)
        return len(lines)

    def take(self, line):
        fields = line.split("\t", 8)
        instance = fields[1]
        path = self.of_instance.get(instance)
        if not path and fields[0] == traces.kElement and fields[2] == instance:
            path = self.of_element.get(fields[7]) if fields[7] != "-1" else self.paths.get(fields[4])
            if path:
                self.of_instance[instance] = path
                if fields[7] == "-1" and path.root is None:
                    path.root = int(instance)
                for earlier in self.early.pop(instance, []):
                    path.see(earlier)
        if not path:
            self.early.setdefault(instance, []).append(line)
            return
        if fields[0] == traces.kElement:
            self.of_element[fields[2]] = path
            self.instance_of[int(fields[2])] = int(instance)
        path.see(line)

    def settle(self):
        """Waits until nothing moves: what a message does that nobody waits for stands behind all that was under way."""
        quiet = 0
        while quiet < 2:
            self.calls.PublishMessage(messages.PublishMessageRequest(name="settled", correlation_key="settled"), timeout=60)
            time.sleep(0.025)
            quiet = 0 if self.pump() else quiet + 1

    # ---- what the client does

    def each(self, asked):
        """Sends (path, what, call, request) all at once, and notes each answer with its path."""
        sent = [(path, what, call.future(request, timeout=60), call, request) for path, what, call, request in asked]
        for path, what, future, call, request in sent:
            error = future.exception()
            # A busy broker takes less at a time than is asked here at once, and says so before it does anything.
            for _ in range(kMostTries):
                if not error or error.code().name != "RESOURCE_EXHAUSTED":
                    break
                time.sleep(0.05)
                future = call.future(request, timeout=60)
                error = future.exception()
            code = error.code().name if error else "OK"
            path.lines.append(f"{traces.kAnswer}\t{what}\t{code}")

    def take_jobs(self, paths):
        for kind in kJobTypes:
            handed = -1
            while handed:
                handed = 0
                request = messages.ActivateJobsRequest(type=kind, worker="player", timeout=1000 * 24 * kHour, max_jobs_to_activate=2000, request_timeout=-1)
                for answer in self.calls.ActivateJobs(request, timeout=60):
                    for job in answer.jobs:
                        handed += 1
                        path = self.of_instance[str(job.process_instance_key)]
                        path.held.append(("listener " * (kind in kListeners) + job.element_id, job.key))
                        variables = job.variables.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
                        path.lines.append("\t".join([traces.kHanded, str(job.process_instance_key), str(job.key), str(job.element_instance_key), job.element_id, variables]))
        for path in paths:
            path.held.sort()

    def request(self, path, action):
        """(what, call, request) of an action, or None when there is nothing to do it to."""
        what, pick = action["do"], action.get("pick", 0)
        variables = json.dumps(action.get("variables", {}))
        if what in ("complete", "fail", "throw"):
            element, job = path.pick_job(pick)
            # Zeebe 8.5.8 fails inside (INTERNAL) when the job of a throw event throws an error; of listeners it takes errors, as no later one does.
            if job is None or what == "throw" and element.startswith(("send", "listener ")):
                return None
            if what == "complete":
                return what, self.calls.CompleteJob, messages.CompleteJobRequest(job_key=job, variables=variables)
            if what == "fail":
                return what, self.calls.FailJob, messages.FailJobRequest(
                    job_key=job, retries=action["retries"], retry_back_off=action["hours"] * kHour, error_message="no luck", variables=variables)
            return what, self.calls.ThrowError, messages.ThrowErrorRequest(job_key=job, error_code=action["code"], variables=variables)
        if what == "publish":
            return what, self.calls.PublishMessage, messages.PublishMessageRequest(
                name=action["name"], correlation_key=action["key"], message_id=action.get("id", ""), time_to_live=action["hours"] * kHour, variables=variables)
        if what == "signal":
            return what, self.calls.BroadcastSignal, messages.BroadcastSignalRequest(signal_name=action["name"], variables=variables)
        if what == "set":
            scope = path.root if action.get("root") else path.pick_scope(pick)
            return scope and (what, self.calls.SetVariables, messages.SetVariablesRequest(element_instance_key=scope, variables=variables, local=action.get("local", False)))
        if what == "cancel":
            return what, self.calls.CancelProcessInstance, messages.CancelProcessInstanceRequest(process_instance_key=path.root)
        if what == "modify":
            request = messages.ModifyProcessInstanceRequest(process_instance_key=path.root)
            if action.get("activate"):
                request.activate_instructions.add(element_id=action["activate"])
            scope = path.pick_scope(pick)
            if action["end"] and scope and scope not in path.roots:
                request.terminate_instructions.add(element_instance_key=scope)
            for one in action.get("begin", []):
                begun = request.activate_instructions.add(element_id=one["element"], ancestor_element_instance_key=path.first_of(one["in"], self.instance_of))
                for given in one["variables"]:
                    begun.variable_instructions.add(scope_id=given["scope"], variables=json.dumps(given["variables"]))
            for name in action.get("end named", []):
                request.terminate_instructions.add(element_instance_key=path.first_of(name, self.instance_of))
            return (what, self.calls.ModifyProcessInstance, request) if request.activate_instructions or request.terminate_instructions else None
        if what == "migrate":
            request = messages.MigrateProcessInstanceRequest(process_instance_key=path.root)
            request.migration_plan.target_process_definition_key = self.definitions[action["to"]]
            for name in sorted({name for key, name in path.elements.items() if key != path.root and self.instance_of[key] == path.root}):
                request.migration_plan.mapping_instructions.add(source_element_id=name, target_element_id=name)
            return what, self.calls.MigrateProcessInstance, request
        raise ValueError(what)

    def begin(self, path):
        by, variables = path.path["begins by"], json.dumps(path.path["variables"])
        if not by:
            request = messages.CreateProcessInstanceRequest(bpmn_process_id=path.path["process"], version=-1, variables=variables)
            for name in path.path.get("begins at", []):
                request.start_instructions.add(element_id=name)
            return path, "create", self.calls.CreateProcessInstance, request
        if path.path["by signal"]:
            return path, "signal", self.calls.BroadcastSignal, messages.BroadcastSignalRequest(signal_name=by, variables=variables)
        return path, "publish", self.calls.PublishMessage, messages.PublishMessageRequest(name=by, correlation_key=path.path["key"], variables=variables)

    def act(self, todo):
        """One action of each of (path, action)."""
        asked, resolving = [], []
        for path, action in todo:
            if action["do"] == "resolve":
                incident = path.pick_incident(action.get("pick", 0))
                if incident is None:
                    continue
                job = path.incidents[incident][2]
                if job != -1:
                    asked.append((path, "retries", self.calls.UpdateJobRetries, messages.UpdateJobRetriesRequest(job_key=job, retries=action.get("retries", 1))))
                resolving.append((path, "resolve", self.calls.ResolveIncident, messages.ResolveIncidentRequest(incident_key=incident)))
            elif request := self.request(path, action):
                asked.append((path, *request))
        self.each(asked)
        self.each(resolving)
        if asked or resolving:
            self.settle()

    def tick(self):
        self.broker.advance(kHour)
        time.sleep(0.3)
        self.settle()

    def deploy(self, paths):
        """Refused models are noted and take no part; the others go in together."""
        models = {}
        for path in paths:
            for model in path.path["models"]:
                models[model["name"]] = model["xml"]
        pending = list(models.items())
        refused = {}
        for at in range(0, len(pending), 20):
            for name, why in self.deploy_some(pending[at : at + 20]):
                refused[name] = why
        playing = []
        for path in paths:
            found = [refused[model["name"]] for model in path.path["models"] if model["name"] in refused]
            if found:
                path.lines.append("refused-model\t" + found[0].replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n"))
            else:
                playing.append(path)
        return playing

    def deploy_some(self, models):
        try:
            answer = self.calls.DeployResource(messages.DeployResourceRequest(resources=[messages.Resource(name=name, content=xml.encode()) for name, xml in models]), timeout=120)
            for one in answer.deployments:
                self.definitions[one.process.bpmn_process_id] = one.process.process_definition_key
            return []
        except grpc.RpcError as error:
            if len(models) == 1:
                return [(models[0][0], error.details())]
        return [one for model in models for one in self.deploy_some([model])]

    def play(self, paths):
        """The lines of each path, in its order."""
        all_paths = [Path(path) for path in paths]
        playing = self.deploy(all_paths)
        self.paths.update({path.path["process"]: path for path in playing})
        self.each([self.begin(path) for path in playing])
        self.settle()
        self.take_jobs(playing)
        for actions in zip(*(path.path["actions"] for path in playing)):
            if actions[0]["do"] == "tick":
                self.tick()
            else:
                self.act(zip(playing, actions))
            self.take_jobs(playing)
        for _ in range(kFinishingRounds):
            left = [path for path in playing if path.elements]
            if not left:
                break
            for actions in zip(*(path.path["finish"] for path in left)):
                if actions[0]["do"] == "tick":
                    self.tick()
                    self.take_jobs(left)
                    continue
                times = {}
                for path, action in zip(left, actions):
                    many = {"complete": len(path.held), "resolve": len(path.incidents)}.get(action["do"], 1)
                    times[id(path)] = min(many, kEachRound)
                for time_ in range(max(times.values())):
                    self.act([(path, action) for path, action in zip(left, actions) if times[id(path)] > time_])
                self.take_jobs(left)
        self.act([(path, {"do": "cancel"}) for path in playing if path.elements])
        return [path.lines for path in all_paths]
