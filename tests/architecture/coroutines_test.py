#!/usr/bin/env python3
"""Refuses what g++ 12 miscompiles in the operand of `co_await`: it destroys such temporaries twice.

Inside the operand no lambda may capture by value and no aggregate may be made by braces:
    co_await database.write(context, [name](Transaction& t) {...})    wrong
    co_await database.write(context, [&](Transaction& t) {...})       right: the frame outlives the call
    co_await users.create(context, CreateUser{.name = name})          wrong
    CreateUser request{.name = name};                                 right: name it, then move it in
    co_await users.create(context, std::move(request))
A lambda that is itself a coroutine may not capture at all: its captures go before it ends.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Plain numbers inside: nothing to destroy.
TRIVIAL = {"Duration", "Timestamp", "Date", "Uuid", "Null", "NodeId"}
PAIRS = {"(": ")", "[": "]", "{": "}"}


def without_comments_and_strings(text):
    def blank(match):
        found = match.group(0)
        if found.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", found)
        return '"' + " " * (len(found) - 2) + '"' if "\n" not in found else re.sub(r"[^\n]", " ", found)

    return re.sub(r'R"([^(]*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)


def closing(text, start):
    depth = 0
    for at in range(start, len(text)):
        if text[at] in PAIRS:
            depth += 1
        elif text[at] in PAIRS.values():
            depth -= 1
            if depth == 0:
                return at
    return len(text) - 1


def end_of_operand(text, start):
    at = start
    while at < len(text):
        if text[at] in PAIRS:
            at = closing(text, at)
        elif text[at] in ";)]},":
            return at
        at += 1
    return at


def body_of_lambda(text, after_captures):
    """The braces of the lambda whose capture list ends before `after_captures`."""
    at = after_captures
    while at < len(text) and text[at] != "{":
        at = closing(text, at) + 1 if text[at] == "(" else at + 1
    return at, closing(text, at) if at < len(text) else at


def is_lambda(text, bracket):
    before = text[:bracket].rstrip()
    return not before or before[-1] in "(,={;&|?:" or before.endswith("return")


def findings_of_operand(text, start, end):
    at = start
    while at < end:
        if text[at] == "[" and is_lambda(text, at):
            close = closing(text, at)
            captures = [part.strip() for part in text[at + 1 : close].split(",") if part.strip()]
            if any(not part.startswith("&") and part != "this" for part in captures):
                yield at, f"a lambda with captures by value ([{', '.join(captures)}]) inside co_await: capture by reference or name it first"
            _, at = body_of_lambda(text, close + 1)
        elif text[at] == "{":
            close = closing(text, at)
            name = re.search(r"(\w+)(?:<[^<>]*>)?\s*$", text[start:at])
            made = name.group(1) if name else ""
            if text[at + 1 : close].strip() and made not in TRIVIAL:
                yield at, f"an aggregate made by braces ({made or 'of an argument'}) inside co_await: name it first and move it in"
            at = close
        at += 1


def check(path, source):
    text = without_comments_and_strings(source)
    found = []
    for match in re.finditer(r"(?<!operator )\bco_await\b", text):
        end = end_of_operand(text, match.end())
        for at, why in findings_of_operand(text, match.end(), end):
            found.append(f"{path}:{text.count(chr(10), 0, at) + 1}: {why}")
    for match in re.finditer(r"\[([^\[\]]*)\]\s*(?=[({])", text):
        if not match.group(1).strip() or not is_lambda(text, match.start()):
            continue
        start, end = body_of_lambda(text, match.end())
        body = text[start:end]
        inner = re.search(r"\bco_(await|return|yield)\b", body)
        if inner and not re.search(r"\[[^\[\]]*\]\s*[({]", body[: inner.start()]):
            found.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: a lambda that is a coroutine may not capture: pass parameters")
    return found


def main():
    roots = [pathlib.Path(argument) for argument in sys.argv[1:]] or [ROOT / "src"]
    findings = []
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in (".h", ".cpp"):
                findings += check(path.relative_to(root), path.read_text())
    for finding in findings:
        print(finding)
    print("PASS coroutines keep clear of g++ 12" if not findings else f"FAIL coroutines keep clear of g++ 12: {len(findings)} findings")

    planted = {
        "value": "auto r = co_await database.write(context, [name](Transaction& t) { return name; });",
        "moved": "co_await write(context, [n = std::move(n)] { return n; });",
        "copy": "co_await write(context, [=] { return n; });",
        "braces": "co_await users.create(context, CreateUser{.name = name});",
        "bare braces": "co_await users.create(context, {name, 1});",
        "second": "co_await f(x, [&] { return Point{1, 2}; }, [y] { return y; });",
        "coroutine": "auto f = [&x](int y) -> Task<int> { co_return x; };",
    }
    allowed = [
        "co_await write(context, [&](Transaction& t) { return CreateUser{.name = name}; });",
        "co_await write(context, [](Transaction& t) { return 1; });",
        "co_await loop.sleep_for(Duration{5});",
        "co_await f(std::vector<int>{});",
        "auto w = [name](Transaction& t) { return name; }; co_await write(context, std::move(w));",
        "co_await list[i].wait();  // [name] in a comment {x}",
        'co_await f("text {x} [y]");',
        "if (co_await ready()) { Point p{1, 2}; }",
        "loop.post([handle] { handle.resume(); });",
    ]
    missed = [name for name, text in planted.items() if not check(name, text)]
    wrong = [text for text in allowed if check("allowed", text)]
    print("PASS planted mistakes are found" if not missed and not wrong else f"FAIL planted mistakes are found: missed {missed}, wrong {wrong}")
    return 1 if findings or missed or wrong else 0


sys.exit(main())
