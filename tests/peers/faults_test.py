#!/usr/bin/env python3
"""Engines with a planted fault each are built and led along the golden paths: every fault must be found there.

    faults_test.py [NAME]
"""
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import differential  # noqa: E402
import golden  # noqa: E402
import traces  # noqa: E402
import zeebe  # noqa: E402

# name: file, the words that are there now, what stands there instead.
FAULTS = {
    "lost token": ("src/bpmn/engine/lifecycle.cpp", "for (const model::FlowIndex flow : flows) take_flow(instance_key, scope, flow, std::nullopt);",
                   "for (const model::FlowIndex flow : flows) if (flows.size() < 3 || flow != flows.back()) take_flow(instance_key, scope, flow, std::nullopt);"),
    "variable in the wrong scope": ("src/bpmn/engine/variables.cpp", "      target = key;\n      break;", "      target = instance_key;\n      break;"),
    "late boundary cancel": ("src/bpmn/engine/events.cpp", "  writer_.append(EventTriggered{instance_key, host, event.id, variables});\n  push(is_boundary",
                             "  if (is_boundary) {\n    activate(instance_key, waiting.scope, target, 0, variables);\n    push(Step::Kind::kTerminate, instance_key, host);\n    return;\n  }\n"
                             "  writer_.append(EventTriggered{instance_key, host, event.id, variables});\n  push(is_boundary"),
}


def commands():
    """What makes engine_paths, by the object or program that each makes."""
    told = subprocess.run(["ninja", "-C", differential.BUILD, "-t", "commands", "engine_paths"], check=True, capture_output=True, text=True).stdout
    return told.splitlines()


def broken(folder, source, before, after):
    """engine_paths with one source changed; its object stands before the library that has the right one."""
    text = (zeebe.ROOT / source).read_text()
    if text.count(before) != 1:
        raise RuntimeError(f"{source} holds the words {text.count(before)} times, not once: {before}")
    changed = folder / pathlib.Path(source).name
    changed.write_text(text.replace(before, after))
    made = folder / "changed.o"
    compiles = next(line for line in commands() if line.endswith(f" -c {zeebe.ROOT / source}"))
    words = shlex.split(compiles)
    for flag in ("-MT", "-MF", "-o"):
        del words[words.index(flag) : words.index(flag) + 2]
    words = [word for word in words if word != "-MD"][: -1] + [str(changed), "-o", str(made)]
    subprocess.run(words, cwd=differential.BUILD, check=True)
    link = shlex.split(next(line for line in commands() if " -o engine_paths " in line).removeprefix(": && ").removesuffix(" && :"))
    at = link.index("-o")
    subprocess.run([*link[:at], str(made), "-o", str(folder / "engine_paths"), *link[at + 2 :]], cwd=differential.BUILD, check=True)
    return folder / "engine_paths"


def main():
    if not golden.RANDOM.exists():
        print(f"SKIP planted faults: {golden.RANDOM.name} is not made yet (differential.py --make-golden)")
        return
    records = golden.load(golden.RANDOM)
    failed = False
    for name, fault in FAULTS.items():
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        began = time.monotonic()
        found = 0
        with tempfile.TemporaryDirectory() as folder:
            program = broken(pathlib.Path(folder), *fault)
            for record in records:
                try:
                    found += not traces.is_as(record, differential.play_ours([record["path"]], program)[0])
                except (subprocess.CalledProcessError, KeyError):
                    found += 1  # it fell over
        failed = failed or not found
        print(f"{'PASS' if found else 'FAIL'} a planted fault is found, {name}: in {found} of {len(records)} golden paths [{time.monotonic() - began:.1f}s]", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
