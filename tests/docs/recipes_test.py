#!/usr/bin/env python3
"""Each recipe of CONTRIBUTING.md, carried out on a copy of the tree: as it stands there, what is left out is refused with a reason, and
what is complete is taken. Compilers look at the touched files alone, without making code; the test programs of the build see the
copy in the place of the tree, by mounts of their own.

TEST_BUILD names the build folder. A line a test: `PASS name` or `FAIL name: why`."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TEST_BUILD", ROOT / "build/release")).resolve()
PATIENCE = 240


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def run(words, cwd, environment=None):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout + done.stderr


class Copy:
    """The files that git knows or would take, in a folder of their own."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        names = [name for name in listed.splitlines() if (ROOT / name).is_file() and not name.startswith(("tests/e2e/old_folders/",))]
        archive = subprocess.run(["tar", "-cf", "-", "-T", "-"], cwd=ROOT, input="\n".join(names).encode(), stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-xf", "-"], cwd=self.root, input=archive, check=True)
        self.generated = self.root / "generated"
        self.generated.mkdir()
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.commands = {entry["file"]: shlex.split(entry["command"]) for entry in commands}

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edit(self, path, old, new):
        file = self.root / path
        text = file.read_text()
        expect(text.count(old) >= 1, f"{path} has no {old!r} any more: does the recipe still say what is true?")
        file.write_text(text.replace(old, new, 1))

    def generate(self):
        """What the build does first: exit code and what was said."""
        protos = sorted(str(path.relative_to(self.root / "api")) for path in (self.root / "api/consilium").glob("*/v*/*.proto") if "/options/" not in str(path))
        plugin = BUILD / "tools/protoc-gen-consilium/protoc-gen-consilium"
        return run(["protoc", "-I", "api", f"--plugin=protoc-gen-consilium={plugin}", f"--consilium_out={self.generated}", f"--consilium_opt=write_to={self.generated}",
                    f"--consilium_opt=web={self.root / 'web/src/generated'}", *protos], self.root)

    def compiles(self, path, like):
        """Looks at a file as the build would at `like`: exit code and what was said."""
        words = list(self.commands[str(ROOT / like)])
        while words[0].endswith(("ccache",)):
            words.pop(0)
        cut = words.index("-o")
        words = words[:cut]
        for option in ("-MD", "-MT", "-MF"):
            while option in words:
                at = words.index(option)
                del words[at:at + (1 if option == "-MD" else 2)]
        words = [word.replace(str(BUILD / "generated"), str(self.generated)).replace(str(ROOT / "src"), str(self.root / "src")) for word in words]
        # Embedded files are not made again.
        return run([*words, f"-I{BUILD / 'generated'}", "-fsyntax-only", self.root / path], BUILD)

    def check(self, script):
        return run([sys.executable, script], self.root, {"TEST_BUILD": str(BUILD)})

    def test_program(self, name, tests, folders, program=None):
        """A test program that sees folders of the copy in the place of the tree's."""
        own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        mounts = " && ".join(f"mount --bind {shlex.quote(str(self.root / folder))} {shlex.quote(str(ROOT / folder))}" for folder in folders)
        command = f"{mounts} && exec {shlex.quote(str(program or BUILD / name))} --gtest_brief=1 --gtest_filter={shlex.quote(tests)}"
        return run([*own, "sh", "-c", command], self.root)


def add_a_call(copy):
    proto, service = "api/consilium/tasks/v1/tasks.proto", "src/services/tasks/service"
    code, said = copy.generate()
    expect(code == 0, f"the tree as it is: {said}")
    complete = '{get: "/tasks/{id}/weight" permission: "session" errors: "not-found" errors: "too-heavy" idempotent: true}'
    for rules, field, reason in (('{get: "/tasks/{id}/weight"}', "max_length: 50", "a route needs a permission"),
                                 (complete, "", "a string of a request needs max_length"),
                                 (complete, "max_length: 50", "the service declares no error too-heavy")):
        before = (copy.root / proto).read_text()
        copy.edit(proto, "message Nothing {}", "message WeighTaskRequest {\n  string id = 1 [(options.v1.field) = {required: true, %s}];\n}\n\nmessage Weight {\n  int32 grams = 1;\n}\n\n"
                  "message Nothing {}" % field)
        copy.edit(proto, "  rpc CreateRequest(", "  rpc WeighTask(WeighTaskRequest) returns (Weight) {\n    option (options.v1.call) = %s;\n  }\n\n  rpc CreateRequest(" % rules)
        code, said = copy.generate()
        expect(code != 0 and reason in said and "tasks.proto:" in said, f"expected a refusal with file and line, got {code}: {said[-500:]}")
        if field and "too-heavy" in reason:
            break
        (copy.root / proto).write_text(before)
    copy.edit(proto, 'errors: {code: "not-found"', 'errors: {code: "too-heavy" kind: CONFLICT help: "Nobody can weigh it."}\n    errors: {code: "not-found"')
    code, said = copy.generate()
    expect(code == 0, said)
    expect("weigh_task(runtime::Context& context, WeighTaskRequest request) = 0" in (copy.generated / "consilium/tasks/v1/tasks_service.h").read_text(), "the interface gained no function")
    expect("/tasks/{id}/weight" in (copy.generated / "openapi.json").read_text() and "weighTask" in (copy.root / "web/src/generated/client.ts").read_text(), "no document or client")
    # The service lacks it, and the build says so.
    copy.write("src/services/tasks/recipe_test.cpp", '#include "services/tasks/service.h"\nstatic_assert(!std::is_abstract_v<consilium::tasks::TaskService>);\n')
    code, said = copy.compiles("src/services/tasks/recipe_test.cpp", "src/services/tasks/model.cpp")
    expect(code != 0 and "static assertion failed" in said, f"a service without the call compiles: {said[-800:]}")
    copy.edit(service + ".h", "  Task<Result<v1::Task>> get_task(", "  Task<Result<v1::Weight>> weigh_task(runtime::Context& context, v1::WeighTaskRequest request) override;\n  Task<Result<v1::Task>> get_task(")
    code, said = copy.compiles("src/services/tasks/recipe_test.cpp", "src/services/tasks/model.cpp")
    expect(code == 0, said[-1500:])
    copy.write("src/services/tasks/weigh.cpp", '''#include "services/tasks/service.h"

namespace consilium::tasks {

Task<Result<v1::Weight>> TaskService::weigh_task(runtime::Context& context, v1::WeighTaskRequest request) {
  v1::GetTaskRequest wanted;
  wanted.id = std::move(request.id);
  auto task = co_await get_task(context, std::move(wanted));
  if (!task) co_return fail(std::move(task).error());
  co_return fail(v1::errors::too_heavy("Expected a lighter task"));
}

}  // namespace consilium::tasks
''')
    code, said = copy.compiles("src/services/tasks/weigh.cpp", "src/services/tasks/model.cpp")
    expect(code == 0, said[-1500:])
    # Texts and pages: what is forgotten is told.
    for page in ("errors.md", "routes.md"):
        copy.write(f"docs/reference/{page}", (copy.generated / "docs" / page).read_text())
    code, said = copy.check("tests/architecture/errors_test.py")
    expect(code != 0 and "no text error.tasks.too-heavy" in said, f"an error without a text: {said[-500:]}")
    for language in ("en", "ru"):
        copy.edit(f"locales/{language}.json", "{\n", '{\n  "error.tasks.too-heavy": "x",\n')
    code, said = copy.check("tests/architecture/errors_test.py")
    expect(code == 0, said[-500:])


NOTES = """syntax = "proto3";

package consilium.notes.v1;

import "consilium/options/v1/options.proto";

message Note {
  string id = 1 [(options.v1.field) = {format: UUID}];
  string text = 2 [(options.v1.field) = {personal: true}];
}
message CreateNoteRequest {
  string text = 1 [(options.v1.field) = {required: true, max_length: 100, personal: true}];
}
message NoteCreated {
  option (options.v1.event) = {name: "note-created", key: "note_id"};
  string note_id = 1 [(options.v1.field) = {format: UUID}];
}

service Notes {
  option (options.v1.service) = {name: "notes" errors: {code: "full" kind: CONFLICT help: "Too many notes."}};
  rpc CreateNote(CreateNoteRequest) returns (Note) {
    option (options.v1.call) = {post: "/notes" success: 201 location: "/notes/{id}" permission: "session" creates: true errors: "full"};
  }
}
"""

NOTES_SERVICE = """#include "consilium/notes/v1/notes_events.h"
#include "consilium/notes/v1/notes_local.h"
#include "consilium/notes/v1/notes_routes.h"
#include "consilium/notes/v1/notes_rpc.h"
#include "ports/bus/tables.h"
#include "ports/database/database.h"

namespace consilium::notes {

std::vector<database::Migration> migrations() {
  return {{1, "bus", bus::bus_tables_sql("notes")}, {2, "notes", "CREATE TABLE notes_note (id BLOB PRIMARY KEY, text TEXT NOT NULL) STRICT;"}};
}

class NoteService final : public v1::Notes {
 public:
  explicit NoteService(database::Database& database) : database_(database) {}

  Task<Result<v1::Note>> create_note(runtime::Context& context, v1::CreateNoteRequest request) override {
    const v1::Note note{context.new_id(), std::move(request.text)};
    const auto save = [&](database::Transaction& transaction) -> Result<v1::Note> {
      TRY(transaction.execute("INSERT INTO notes_note VALUES (?, ?)", note.id, note.text));
      TRY(v1::publish(transaction, context, v1::NoteCreated{note.id}));
      return note;
    };
    auto saved = co_await database_.write(context, save);
    co_return saved;
  }

 private:
  database::Database& database_;
};

std::vector<net::Route> doors(NoteService& service, runtime::CallObserver& observer) {
  static v1::LocalNotes local(service, observer);
  v1::rpc_methods(local);
  return v1::routes(local);
}

}  // namespace consilium::notes
"""


def add_a_service(copy):
    copy.write("api/consilium/notes/v1/notes.proto", NOTES.replace('name: "notes"', 'name: "memos"'))
    code, said = copy.generate()
    expect(code != 0 and "expected the name notes of its package" in said, f"a name other than the package's: {said[-500:]}")
    copy.write("api/consilium/notes/v1/notes.proto", NOTES)
    code, said = copy.generate()
    expect(code == 0, said)
    copy.write("src/services/notes/service.cpp", NOTES_SERVICE)
    code, said = copy.compiles("src/services/notes/service.cpp", "src/services/tasks/model.cpp")
    expect(code == 0, said[-1500:])
    code, said = copy.check("tests/architecture/layers_test.py")
    expect(code != 0 and "services/notes" in said, f"a folder without a line in layers.txt: {said[-500:]}")
    copy.edit("tests/architecture/layers.txt", "folder services/processes", "folder services/notes        : base runtime net/route.h net/rpc.h ports contract services/notes\nfolder services/processes")
    code, said = copy.check("tests/architecture/layers_test.py")
    expect(code == 0, said[-500:])
    copy.edit("src/services/notes/service.cpp", '#include "ports/bus/tables.h"', '#include "ports/bus/tables.h"\n#include "services/tasks/store.h"')
    code, said = copy.check("tests/architecture/layers_test.py")
    expect(code != 0 and "services/notes may not include services/tasks/store.h" in said, f"code of another service: {said[-500:]}")
    copy.edit("src/services/notes/service.cpp", '\n#include "services/tasks/store.h"', "")
    copy.edit("src/runtime/config_services.h", '    {"users", {}},', '    {"notes", {}},\n    {"users", {}},')
    copy.write("src/runtime/recipe_test.cpp", '#include "runtime/config_services.h"\nstatic_assert(consilium::runtime::kPlatformParts[0].name == "notes");\n')
    code, said = copy.compiles("src/runtime/recipe_test.cpp", "src/services/tasks/model.cpp")
    expect(code != 0 and "too many initializers" in said, f"a part that is counted wrongly compiles: {said[-500:]}")
    copy.edit("src/runtime/config_services.h", "std::array<PlatformPart, 6>", "std::array<PlatformPart, 7>")
    code, said = copy.compiles("src/runtime/recipe_test.cpp", "src/services/tasks/model.cpp")
    expect(code == 0, said[-800:])
    # The build knows it by two lines.
    copy.edit("CMakeLists.txt", "foreach(service users", "foreach(service notes users")
    copy.edit("CMakeLists.txt", "consilium_folder(services/users ", "consilium_folder(services/notes LINK contract_notes)\nconsilium_folder(services/users ")
    (copy.root / "web/dist").symlink_to(ROOT / "web/dist")
    code, said = run(["cmake", "-S", ".", "-B", "configured", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"], copy.root)
    expect(code == 0, said[-1500:])
    code, said = run(["ninja", "-C", "configured", "-t", "targets", "all"], copy.root)
    expect("libservices_notes.a" in said and "libcontract_notes.a" in said, "the build has no library of it")


def add_a_task_type(copy):
    folder = "src/services/tasks/task_types"
    shipped = json.loads((copy.root / folder / "staff-escalation.json").read_text())
    good = {**shipped, "type": "recipe", "subtype": "made", "numberPrefix": "REC", "group": "consultant-med"}
    trapped = {**good, "transitions": [one for one in good["transitions"] if one["id"] not in ("solve", "cancel")]}
    for model, wanted in (({**good, "transitions": [{**good["transitions"][0], "to": "nowhere"}]}, "transitions[0].to"), (trapped, "trap")):
        copy.write(f"{folder}/recipe-made.json", json.dumps(model))
        code, said = copy.test_program("services_tasks_test", "TaskModel.ShippedOnesAreValid", [folder])
        expect(code != 0 and "recipe-made.json" in said and wanted in said, f"an invalid type is taken, or its reason is not told: {said[-800:]}")
    copy.write(f"{folder}/recipe-made.json", json.dumps({**good, "group": "nobody"}))
    code, said = copy.check("tests/architecture/task_types_test.py")
    expect(code != 0 and "nobody can belong to nobody" in said, f"a group that nobody has: {said[-500:]}")
    copy.write(f"{folder}/recipe-made.json", json.dumps(good))
    code, said = copy.test_program("services_tasks_test", "TaskModel.ShippedOnesAreValid", [folder])
    expect(code == 0, said[-800:])
    code, said = copy.check("tests/architecture/task_types_test.py")
    expect(code == 0, said[-500:])


MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="recipe">
  <bpmn:process id="p-recipe" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
    %s
    <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="end"/>
    <bpmn:endEvent id="end"/>
  </bpmn:process>
</bpmn:definitions>
"""


def add_a_process(copy):
    model = "processes/p-recipe.bpmn"
    copy.write(model, MODEL % '<bpmn:complexGateway id="work"/>')
    code, said = copy.test_program("bpmn_test", "Reader.BP_1_AcceptsTheShippedProcesses", ["processes"])
    expect(code != 0 and "work" in said and "p-recipe" in said, f"what the engine does not know is taken, or element and reason are not told: {said[-800:]}")
    task = '<bpmn:serviceTask id="work"><bpmn:extensionElements><zeebe:taskDefinition type="st-recipe"/></bpmn:extensionElements></bpmn:serviceTask>'
    copy.write(model, MODEL % task)
    code, said = copy.test_program("bpmn_test", "Reader.BP_1_AcceptsTheShippedProcesses", ["processes"])
    expect(code == 0, said[-800:])
    code, said = copy.test_program("services_processes_test", "Jobs.EachJobTypeOfTheModelsHasOneWorker", ["processes"])
    expect(code != 0 and "st-recipe" in said, f"a job type without a worker is taken: {said[-800:]}")
    jobs = "src/services/processes/client_request_jobs.cpp"
    copy.edit(jobs, "std::vector<process::Worker> client_request_workers(", """Task<process::JobOutcome> do_recipe(const JobDependencies* parts, runtime::Context& context, const process::Job& job) {
  users::v1::GetUserRequest request;
  context.idempotency_key = job_key(job, "recipe");
  auto user = co_await parts->users.get_user(context, std::move(request));
  co_return user ? completed() : failed(user.error());
}

std::vector<process::Worker> client_request_workers(""")
    copy.edit(jobs, '      worker(dependencies, "st-bot", ask_bot),', '      worker(dependencies, "st-bot", ask_bot),\n      worker(dependencies, "st-recipe", do_recipe),')
    copy.generate()
    code, said = copy.compiles(jobs, jobs)
    expect(code == 0, said[-1500:])
    code, said = copy.check("tests/architecture/coroutines_test.py")
    expect(code == 0, said[-500:])


def add_a_message(copy):
    source = "src/services/chat/predefined_posts.cpp"
    copy.edit(source, '    {"client.feedback",', '    {"client.recipe", kAboutTask, {}, {}},\n    {"client.feedback",')
    # The test program again, with this file in the place of the library's.
    words = [word.replace(str(ROOT / source), str(copy.root / source)) for word in copy.commands[str(ROOT / source)]]
    made = copy.root / "predefined_posts.o"
    words[words.index("-o") + 1] = str(made)
    code, said = run(words, BUILD)
    expect(code == 0, said[-1500:])
    listed = subprocess.run(["ninja", "-C", str(BUILD), "-t", "commands", "services_chat_test"], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    link = next(line for line in reversed(listed.splitlines()) if " -o services_chat_test " in line)
    program = copy.root / "chat_test"
    code, said = run(["sh", "-c", link.replace(" -o services_chat_test ", f" {made} -o {program} ")], BUILD)
    expect(code == 0, said[-1500:])
    fits = "Locales.EveryPredefinedPostHasATextThatNeedsOnlyRequiredParameters"
    code, said = copy.test_program("services_chat_test", fits, ["locales"], program)
    expect(code != 0 and "post.client.recipe" in said, f"a message without texts: {said[-800:]}")
    for text in ("About {client}.", "About your request."):
        for language in ("en", "ru"):
            catalogue = json.loads((copy.root / f"locales/{language}.json").read_text())
            copy.write(f"locales/{language}.json", json.dumps({**catalogue, "post.client.recipe": text}, ensure_ascii=False, indent=2))
        code, said = copy.test_program("services_chat_test", fits, ["locales"], program)
        expect((code == 0) == ("{" not in text), f"{text!r}: {said[-800:]}")


BUS = """#pragma once

#include "ports/bus/bus.h"

namespace consilium::bus {

// Hears and keeps nothing.
class DeafBus final : public Bus {
 public:
  void add(Consumer) override {}
  Task<Result<DeadLetterPage>> dead_letters(runtime::Context&, DeadLetterQuery) override { co_return DeadLetterPage(); }
  Task<Result<void>> replay(runtime::Context&, std::string, Uuid) override {
    co_return fail(ErrorKind::kNotFound, "bus.dead-letter-not-found", "Expected a dead letter, but there is none");
  }
};

}  // namespace consilium::bus
"""


def add_an_implementation(copy):
    copy.write("src/ports/bus/deaf/deaf_bus.h", BUS.replace("  Task<Result<void>> replay", "  Task<void> replay"))
    copy.write("src/ports/bus/deaf/deaf_bus.cpp", '#include "ports/bus/deaf/deaf_bus.h"\nstatic_assert(!std::is_abstract_v<consilium::bus::DeafBus>);\n')
    like = "src/ports/bus/local/group_tables.cpp"
    code, said = copy.compiles("src/ports/bus/deaf/deaf_bus.cpp", like)
    expect(code != 0 and "replay" in said, f"an implementation that does not fit its port compiles: {said[-500:]}")
    copy.write("src/ports/bus/deaf/deaf_bus.h", BUS)
    code, said = copy.compiles("src/ports/bus/deaf/deaf_bus.cpp", like)
    expect(code == 0, said[-1500:])
    copy.edit("src/services/tasks/events.cpp", "\n\n", '\n#include "ports/bus/deaf/deaf_bus.h"\n\n')
    copy.edit("tests/architecture/layers.txt", "implementation ports/bus/local", "implementation ports/bus/deaf\nimplementation ports/bus/local")
    code, said = copy.check("tests/architecture/layers_test.py")
    expect(code != 0 and "an implementation that only src/app may name" in said, f"a service names an implementation: {said[-500:]}")
    copy.edit("src/services/tasks/events.cpp", '\n#include "ports/bus/deaf/deaf_bus.h"', "")
    copy.edit("src/app/platform.cpp", '#include "ports/bus/local/away_groups.h"', '#include "ports/bus/deaf/deaf_bus.h"\n#include "ports/bus/local/away_groups.h"')
    code, said = copy.check("tests/architecture/layers_test.py")
    expect(code == 0, said[-500:])


RECIPES = {"How to add a call": add_a_call, "How to add a service": add_a_service, "How to add a task type": add_a_task_type, "How to add a process": add_a_process,
           "How to add a message (a predefined post)": add_a_message, "How to add an implementation of a port": add_an_implementation}


def main():
    headings = [line[3:] for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("## How to")]
    failed = headings != list(RECIPES)
    print("PASS DO-1 each recipe of CONTRIBUTING.md is carried out here" if not failed else f"FAIL DO-1 each recipe of CONTRIBUTING.md is carried out here: it has {headings}")
    for heading, recipe in RECIPES.items():
        if sys.argv[1:] and recipe.__name__ not in sys.argv[1:]:
            continue
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="recipe-") as folder:
                recipe(Copy(folder))
            print(f"PASS DO-1 {heading} [{time.monotonic() - began:.1f}s]", flush=True)
        except Exception as error:
            failed = True
            print(f"FAIL DO-1 {heading}: " + re.sub(r"\s+", " ", f"{type(error).__name__}: {error}"), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
