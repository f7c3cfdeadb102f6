#!/usr/bin/env python3
"""`consilium process check|deploy|start|list|show` as an operator uses them: what is printed where, and the exit codes."""
import json
import pathlib
import subprocess
import sys
import tempfile

from server import BINARY, ROOT, Report, Server, clean_environment, expect
from split_test import until

sys.path.insert(0, str(ROOT / "tests/api"))
from prepared_state import DECISION, failing_model  # noqa: E402

MODEL = failing_model()
UNKNOWN_JOB = MODEL.replace("st-delete-chat-user", "no-such-job")
BROKEN = MODEL.replace("type='st-delete-chat-user'", "type=''").replace("<endEvent id='end'/>", "<complexGateway id='choice'/>")

FORM = '{"id":"address","schemaVersion":12,"components":[]}'
USER_TASK = """<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:zeebe='http://camunda.org/schema/zeebe/1.0' id='d' targetNamespace='test'>
<process id='p-visit' isExecutable='true'><extensionElements><zeebe:jobPriorityDefinition priority='7'/></extensionElements><startEvent id='start'/><sequenceFlow id='a' sourceRef='start' targetRef='visit'/>
<userTask id='visit'><extensionElements><zeebe:formDefinition formKey='form-1'/>
<zeebe:assignmentDefinition assignee='anna' candidateGroups='nurses, doctors' candidateUsers='=users'/>
<zeebe:taskSchedule dueDate='2030-01-01T10:00:00Z' followUpDate='2029-12-24T10:00:00Z'/></extensionElements></userTask>
<sequenceFlow id='b' sourceRef='visit' targetRef='end'/><endEvent id='end'/></process></definitions>"""


class Verbs:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.server = None

    def run(self, verb, *words):
        given = [] if verb == "check" else ["--data", str(self.folder / "data")]
        done = subprocess.run([str(BINARY), "process", verb, *map(str, words), *given], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def check(self):
        shipped = sorted((ROOT / "processes").glob("*.bpmn"))
        seen = self.run("check", *shipped)
        expect(seen == (0, "", f"{len(shipped)} models are sound.\n"), seen)
        broken = self.file("broken.bpmn", BROKEN)
        code, out, err = self.run("check", broken, self.file("fine.bpmn", MODEL.replace("p-tidy", "p-other")))
        lines = out.splitlines()
        expect(code == 1 and len(lines) >= 2 and err == f"{len(lines)} problems found.\n", (code, out, err))
        for element in ("tidy", "choice"):
            expect(any(line.startswith(f"{broken}: {element}: ") for line in lines), (element, out))
        code, out, err = self.run("check", broken, "--json")
        told = json.loads(out)["findings"]
        expect(code == 1 and len(told) == len(lines) and {"file", "element", "message"} == set(told[0]), (code, out))
        code, out, err = self.run("check", self.file("one.bpmn", MODEL), self.file("two.bpmn", MODEL))
        expect(code == 1 and "p-tidy: the process is deployed twice at once" in out, (code, out, err))
        code, out, err = self.run("check", "/nowhere.bpmn")
        expect((code, out, err) == (1, "/nowhere.bpmn: cannot be read\n", "1 problem found.\n"), (code, out, err))
        code, out, err = self.run("check", broken, "/nowhere.bpmn", "/nowhere.dmn", "--json")
        files = [one["file"] for one in json.loads(out)["findings"]]
        expect(code == 1 and len(files) == len(lines) + 2 and {"/nowhere.bpmn", "/nowhere.dmn", str(broken)} == set(files), (code, out, err))
        decision, form = self.file("discounts.dmn", DECISION), self.file("address.form", FORM)
        expect(self.run("check", decision, form, self.file("p.bpmn", MODEL)) == (0, "", "3 models are sound.\n"), "decisions and forms")
        code, out, err = self.run("check", self.file("bad.dmn", DECISION.replace("then", "than")), self.file("bad.form", "{}"))
        expect(code == 1 and f"{self.folder}/bad.dmn: discount: " in out and f"{self.folder}/bad.form: " in out, (code, out, err))
        expect(self.run("check")[0] == 2 and self.run("list", "--state", "asleep")[0] == 2, "wrong use is exit 2")

    def wrong_words(self):
        for words, word in ((("proces", "list"), "proces"), (("process", "lst"), "lst"), (("decision", "chek", "x.dmn"), "chek")):
            done = subprocess.run([str(BINARY), *words], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            expect(done.returncode == 2 and f"'{word}'" in done.stderr, (words, done.stderr))
        for words in (("list", "--limit", "-1"), ("show", "1", "--limit", "-1"), ("start", "p", "--version", "0")):
            code, out, err = self.run(*words)
            expect(code == 2 and f"'{words[-1]}'" in err and len(err) < 200, (words, err))

    def unreachable(self):
        for words in (("list",), ("deploy", self.file("p.bpmn", MODEL)), ("start", "p-tidy"), ("show", "1")):
            code, out, err = self.run(*words)
            expect(code == 4 and not out and "Expected a running server" in err, (words, code, out, err))

    def deploy(self):
        code, out, err = self.run("deploy", "--dry-run", self.file("unknown.bpmn", UNKNOWN_JOB))
        expect(code == 1 and out.startswith("unknown.bpmn: tidy: ") and "no-such-job" in out, (code, out, err))
        code, out, err = self.run("deploy", self.folder / "unknown.bpmn", self.file("broken.bpmn", BROKEN))
        expect(code == 1 and "unknown.bpmn: tidy: " in out and "broken.bpmn: choice: " in out, (code, out, err))
        good = self.file("tidy.bpmn", MODEL)
        expect(self.run("deploy", "--dry-run", good) == (0, "", "1 model is sound.\n"), "a dry run")
        expect("p-tidy" not in self.run("list", "--models")[1], "a dry run deploys nothing")
        code, out, err = self.run("deploy", good)
        head, line = out.splitlines()
        expect(code == 0 and head.split() == ["PROCESS", "VERSION", "KEY"] and line.split()[:2] == ["p-tidy", "1"], (code, out, err))
        expect(head.index("VERSION") == line.index("1 "), "columns stand below each other")
        expect(self.run("deploy", good)[1] == out, "an unchanged model keeps its version")
        self.file("tidy.bpmn", MODEL.replace("'Tidy'", "'Tidy all'"))
        expect(json.loads(self.run("deploy", good, "--json")[1])[0]["version"] == 2, "a changed one has a new one")
        code, out, err = self.run("deploy", self.file("discounts.dmn", DECISION), self.file("address.form", FORM))
        told = [line.split()[:2] for line in out.splitlines()]
        expect(code == 0 and told == [["DECISION", "VERSION"], ["discount", "1"], ["FORM", "VERSION"], ["address", "1"]], (code, out, err))
        told = json.loads(self.run("deploy", self.folder / "discounts.dmn", self.folder / "address.form", "--json")[1])
        expect([one.get("decisionId", one.get("formId")) for one in told] == ["discount", "address"], told)
        code, out, err = self.run("deploy", "/nowhere.dmn", self.folder / "unknown.bpmn")
        expect(code == 1 and "/nowhere.dmn: cannot be read" in out and "no-such-job" in out, (code, out, err))
        code, out, err = self.run("show", "p-tidy")
        expect([line.split()[:2] for line in out.splitlines()[1:]] == [["p-tidy", "2"], ["p-tidy", "1"]], out)

    def start(self):
        code, out, err = self.run("start", "p-tidy", "--variables", '{"note":"ünïcode","sum":178.5,"many":[0.1,{"tiny":0,"whole":12345678901}]}')
        expect(code == 0 and out.strip().isdigit() and out.strip() in err, (code, out, err))
        self.key = out.strip()
        expect(self.key in self.run("list")[1].splitlines()[1], "it is listed at once, the newest first")
        code, out, err = self.run("start", "p-nowhere")
        expect(code == 1 and "processes.not-found" in err and "'p-nowhere'" in err and not out, (code, out, err))
        code, out, err = self.run("start", "p-tidy", "--version", "9")
        expect(code == 1 and "version 9 of the process 'p-tidy'" in err and not out, (code, out, err))
        expect(self.run("start", "p-tidy", "--variables", "{")[0] == 2, "variables that are no JSON")
        code, out, err = self.run("start", "p-tidy", "--version", "1", "--json")
        expect(code == 0 and json.loads(out)["version"] == 1, (code, out, err))

    def list(self):
        stuck = until("the job has failed", lambda: [line for line in self.run("list", "--incident", "--process", "p-tidy")[1].splitlines()[1:] if line.startswith(self.key)])
        expect("active, incident" in stuck[0] and stuck[0].endswith("tidy"), stuck)
        told = json.loads(self.run("list", "--process", "p-tidy", "--version", "1", "--json")[1])
        expect([one["version"] for one in told] == [1], told)
        expect(len(json.loads(self.run("list", "--element", "tidy", "--json")[1])) == 2, "by element")
        code, out, err = self.run("list", "--process", "p-tidy", "--limit", "1")
        expect(len(out.splitlines()) == 2 and "There are more" in err, (out, err))
        expect(self.run("list", "--process", "p-tidy", "--state", "completed") == (0, "", "None.\n"), "none")

    def show(self):
        code, out, err = self.run("show", self.key)
        for text in (f"Instance {self.key} of p-tidy, version 2: active, incident", "job st-delete-chat-user: failed, attempts left: 0", "JOB_NO_RETRIES at tidy", 'note = "ünïcode"', "sum = 178.5", 'many = [0.1,{"tiny":0,"whole":12345678901}]', "startEvent"):
            expect(text in out, (text, out))
        told = json.loads(self.run("show", self.key, "--json")[1])
        active = [one["elementInstanceKey"] for one in told["elements"] if one["state"] == "active"]
        expect(told["active"][0]["elementInstanceKey"] in active and len(active) == 2, told)
        code, out, err = self.run("show", "1")
        expect(code == 1 and "processes.not-found" in err and "key 1," in err, (code, out, err))
        code, out, err = self.run("show", "p-nowhere")
        expect(code == 1 and "p-nowhere" in err and not out, (code, out, err))

    def user_task(self):
        code, out, err = self.run("deploy", self.file("visit.bpmn", USER_TASK))
        expect(code == 0, (code, out, err))
        key = self.run("start", "p-visit", "--variables", '{"users":["boris","clara"]}')[1].strip()
        code, out, err = self.run("show", key)
        for text in ("assignee anna", "candidate users boris, clara", "candidate groups nurses, doctors", "due 2030-01-01 10:00:00", "follow up 2029-12-24 10:00:00", "form form-1", "priority 7"):
            expect(text in out, (text, out))
        job = json.loads(self.run("show", key, "--json")[1])["active"][0]["job"]
        task = job["userTask"]
        expect((job["priority"], task["assignee"], task["candidateUsers"], task["candidateGroups"], task["formKey"]) == (7, "anna", ["boris", "clara"], ["nurses", "doctors"], "form-1"), job)
        expect(task["dueAt"].startswith("2030-01-01T10:00:00") and task["followUpAt"].startswith("2029-12-24T10:00:00"), job)

    def workers_elsewhere(self):
        """Where the gateway is open, its clients may be the workers; where it is not, `deploy` has seen the refusal."""
        folder = pathlib.Path(self.folder) / "open"
        folder.mkdir()
        verbs = Verbs(folder)
        model = verbs.file("unknown.bpmn", UNKNOWN_JOB)
        with Server(folder, CONSILIUM_ENGINE_LISTEN="127.0.0.1:0") as server:
            server.start()
            expect(verbs.run("deploy", "--dry-run", model) == (0, "", "1 model is sound.\n"), "a dry run")
            code, out, err = verbs.run("deploy", model)
            expect(code == 0 and out.splitlines()[1].split()[:2] == ["p-tidy", "1"], (code, out, err))
            key = verbs.run("start", "p-tidy")[1].strip()
            code, out, err = verbs.run("show", key)
            expect("job no-such-job: waiting" in out, (code, out, err))

    def restart(self):
        """What people deploy over a shipped model is still the newest after a restart."""
        shipped = (ROOT / "processes/p-create-user.bpmn").read_text()
        changed = shipped.replace("isExecutable=\"true\"", "isExecutable=\"true\" name=\"Ours\"", 1) if " name=" not in shipped.split("isExecutable")[0].rsplit("<", 1)[1] else shipped.replace("\n</", "\n<!-- ours -->\n</", 1)
        expect(changed != shipped, "the model did not change")
        code, out, err = self.run("deploy", self.file("p-create-user.bpmn", changed))
        expect(code == 0 and out.splitlines()[1].split()[:2] == ["p-create-user", "2"], (code, out, err))
        expect(self.server.end() == 0, "the server did not stop")
        self.server.start()
        lines = self.run("show", "p-create-user")[1].splitlines()[1:]
        expect([line.split()[1] for line in lines] == ["2", "1"], lines)
        expect(self.run("show", self.key)[0] == 0, "the instance is still there")


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        verbs = Verbs(folder)
        report.check("models are checked in files, all problems at once", verbs.check)
        report.check("a word that is no command, and a number out of range, are named", verbs.wrong_words)
        report.check("without a server: exit 4", verbs.unreachable)
        with Server(folder) as verbs.server:
            verbs.server.start()
            report.check("models are deployed, or refused with file, element and reason", verbs.deploy)
            report.check("an instance is started", verbs.start)
            report.check("instances are listed by process, version, state, incident and element", verbs.list)
            report.check("an instance is shown with tokens, job, incident, variables and its way", verbs.show)
            report.check("BP-1 a user task is shown with who is to do it and by when", verbs.user_task)
            report.check("with the gateway open any job type is deployed", verbs.workers_elsewhere)
            report.check("a restart does not deploy a shipped model over what people deployed", verbs.restart)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
