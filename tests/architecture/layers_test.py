#!/usr/bin/env python3
"""Reads the includes of src/ and refuses any arrow that tests/architecture/layers.txt does not allow.

It also refuses what would make a simulation lie: system clocks, random devices, distributions of <random>, raw threads.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
# Folders that touch the real machine on purpose.
REAL_MACHINE = ("runtime/", "net/", "ports/database/sqlite", "app/", "base/random.cpp")
FORBIDDEN = {
    r"\bsystem_clock\b|\bsteady_clock\b|\bclock_gettime\b|\bgettimeofday\b|\btime\(nullptr\)|\btime\(NULL\)": "reads a clock: take the time from runtime::Scheduler",
    r"\brandom_device\b|\bstd::rand\b|\bsrand\b|_distribution\s*<": "makes random values: take them from RandomSource",
    r"\bsleep_for\(std|\busleep\(|\bstd::this_thread\b": "blocks: co_await scheduler.sleep_for",
}
# Also where the real machine is touched: every thread has a name, and what leaves its body is caught (P-2).
THREADS = re.compile(r"\bstd::thread\b(?!::id)|\bstd::jthread\b|\bpthread_create\b|\bthrd_create\b|\bstd::async\b|\.detach\(\)")
NAMED_THREAD = ("runtime/named_thread.h", "runtime/named_thread.cpp")


def raw_threads(files):
    findings = []
    for path, text in sorted(files.items()):
        if path in NAMED_THREAD or re.search(r"_(test|fuzz|bench|testing)\.(cpp|h)$", path):
            continue
        for match in THREADS.finditer(text):
            findings.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(0)} starts a thread: use runtime::NamedThread, or spawn on a Scheduler")
    return findings


def read_rules(text):
    folders, implementations, libraries = {}, [], {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        kind, rest = line.split(None, 1)
        if kind == "implementation":
            implementations.append(rest)
            continue
        name, _, allowed = (part.strip() for part in rest.partition(":"))
        (folders if kind == "folder" else libraries)[name] = allowed.split()
    return folders, implementations, libraries


def lies_under(path, folder):
    return path == folder or path.startswith(folder + "/")


def folder_of(path, folders):
    matching = [f for f in folders if lies_under(path, f)]
    return max(matching, key=len) if matching else None


def check(files, rules):
    """files: {path below src: text} -> list of findings."""
    folders, implementations, libraries = rules
    findings = []
    for path, text in sorted(files.items()):
        own = folder_of(path, folders)
        if own is None:
            findings.append(f"{path}: lies in a folder that layers.txt does not name")
            continue
        is_test = re.search(r"_(test|fuzz|bench|testing)\.(cpp|h)$", path) is not None
        composes = path.startswith("app/")
        for bracket, target in INCLUDE.findall(text):
            if bracket == '"':
                kind = "contract" if target.startswith("consilium/") else target
                implementation = next((i for i in implementations if lies_under(target, i)), None)
                if implementation and not is_test and not composes and not lies_under(path, implementation) \
                        and not path.startswith(implementation.rsplit(".", 1)[0]) and not lies_under(path, str(pathlib.PurePosixPath(implementation).parent)):
                    findings.append(f"{path}: includes {target}, an implementation that only src/app may name")
                if is_test and implementation:
                    continue
                if not any(lies_under(kind, allowed) for allowed in folders[own]) and not (is_test and target.startswith(("runtime/", "ports/"))):
                    findings.append(f"{path}: {own} may not include {target}")
            else:
                library = next((l for l in libraries if target.startswith(l)), None)
                if library and not any(lies_under(path, place) for place in libraries[library]) and not is_test:
                    findings.append(f"{path}: <{target}> may appear only in {' '.join(libraries[library])}")
        if is_test or path.startswith(REAL_MACHINE):
            continue
        for pattern, why in FORBIDDEN.items():
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                findings.append(f"{path}:{line}: {match.group(0).strip()} {why}")
    return findings


def main():
    rules = read_rules((ROOT / "tests/architecture/layers.txt").read_text())
    files = {str(p.relative_to(SOURCE)): p.read_text() for p in SOURCE.rglob("*") if p.suffix in (".h", ".cpp")}
    findings = check(files, rules)
    for finding in findings:
        print(finding)
    print("PASS includes follow the layers" if not findings else f"FAIL includes follow the layers: {len(findings)} findings")

    threads = raw_threads(files)
    print(*threads, sep="\n", end="\n" if threads else "")
    print("PASS P-2 no thread is started but by NamedThread" if not threads else f"FAIL P-2 no thread is started but by NamedThread: {len(threads)} findings")
    raw = {"net/tls.cpp": "std::thread([] {}).detach();\n", "app/serve.cpp": "auto f = std::async(work);\n", "runtime/log.cpp": "std::jthread t;\n",
           "services/users/service.cpp": "pthread_create(&t, nullptr, run, nullptr);\n"}
    blind = [path for path, text in raw.items() if not raw_threads({path: text})]
    print("PASS P-2 planted threads are found" if not blind else f"FAIL P-2 planted threads are found: missed {blind}")

    # The check itself must be able to fail.
    planted = {
        "services/users/store.cpp": '#include "services/chat/store.h"\n',
        "bpmn/engine/engine.cpp": '#include "ports/database/database.h"\n',
        "gateway/gateway.cpp": '#include "ports/database/sqlite/store.h"\n',
        "services/tasks/service.cpp": "auto t = std::chrono::system_clock::now();\n",
        "services/chat/service.cpp": "#include <boost/asio/io_context.hpp>\n",
        "elsewhere/file.cpp": "",
    }
    missed = [path for path, text in planted.items() if not check({path: text}, rules)]
    print("PASS planted arrows are found" if not missed else f"FAIL planted arrows are found: missed {missed}")
    return 1 if findings or missed or threads or blind else 0


sys.exit(main())
