#!/usr/bin/env python3
"""No secret is committed, and none is part of the program: reads every text file of the repository for keys and tokens in their known
forms, for addresses with a password in them, and, but for tests, for long random words and for a word that a name such as `password`
is given. Passwords and keys are made at the first start or come from files and the environment."""
import math
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}"),
    "a key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of a code host": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,})"),
    "a token of a messenger": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a token of a registry": re.compile(r"\b(?:npm_[A-Za-z0-9]{36}|dckr_pat_[A-Za-z0-9_-]{20,}|pypi-[A-Za-z0-9_-]{40,})"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>$`{}]+:[^\s/@\"'<>$`{}]{3,}@(?!example\.)[a-z0-9]"),
    "a login of a registry": re.compile(r"_authToken\s*=|\"auth\"\s*:\s*\"[A-Za-z0-9+/=]{16,}\""),
}
NAMED = re.compile(r"(?i)\b[a-z_.-]*(?:password|passwd|passphrase|secret|api_?key|credential|private_?key)[a-z_]*[\"']?\s*(?::=|=|:|\(|\{)\s*[\"']([^\s\"'$<>{}%]{6,})[\"']")
RANDOM = re.compile(r"[\"'`]([A-Za-z0-9+/_-]{32,}={0,2})[\"'`]")
# Where words are invented for tests, and what tools write: lock files and examples of a contract.
INVENTED = re.compile(r"(?:_test|_testing|\.test)\.|^tests/|/testdata/|_corpus/|^web/mock/|^web/scripts/|/sample/|_bench\.cpp$|_fuzz\.cpp$")
WRITTEN_BY_TOOLS = re.compile(r"package-lock\.json$|^docs/reference/.*\.json$|^docs/criteria\.md$")
# Words that say what something is, for people or for a protocol.
HARMLESS = {"Password", "Пароль"}


def entropy(word):
    return -sum(word.count(c) / len(word) * math.log2(word.count(c) / len(word)) for c in set(word))


def looks_random(word):
    """Much variety, no alphabet in order, and no words with capitals and underscores between them."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", word)
    if "_" in word and len(word) / len(parts) > 3:
        return False
    if any(ord(b) - ord(a) == 1 and ord(c) - ord(b) == 1 and ord(d) - ord(c) == 1 for a, b, c, d in zip(word, word[1:], word[2:], word[3:])):
        return False
    kinds = sum(bool(re.search(kind, word)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    is_hex = bool(re.fullmatch(r"[0-9a-f]{32,}|[0-9A-F]{32,}", word))
    return (is_hex and entropy(word) > 3.0) or (kinds == 3 and entropy(word) > 4.2)


def findings_in(path, text):
    found = [f"{path}:{text[:m.start()].count(chr(10)) + 1}: {what}" for what, form in FORMS.items() for m in form.finditer(text)]
    if INVENTED.search(path) or WRITTEN_BY_TOOLS.search(path):
        return found
    for form, what in ((NAMED, "a word given to a name of secrets"), (RANDOM, "a long random word")):
        for match in form.finditer(text):
            word = match.group(1)
            if word in HARMLESS or (form is RANDOM and not looks_random(word)) or (form is NAMED and re.fullmatch(r"[a-z][a-z-]*\.[a-z.-]+|[a-z]+(?:-[a-z]+)*", word)):
                continue
            found.append(f"{path}:{text[:match.start()].count(chr(10)) + 1}: {what}")
    return found


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        path = ROOT / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            yield name, content.decode(errors="replace")


PLANTED = {
    "deploy/x.env": "DB_PASSWORD='" + "hunter2hunter2" + "'",
    "src/app/x.cpp": 'constexpr std::string_view kAdminPassword = "' + "Pa55word!" + '";',
    "docs/x.md": "postgres://admin:" + "s3cret@db/consilium",
    "processes/x.bpmn": "<zeebe:header key='token' value='" + "eyJhbGciOiJIUzI1NiJ9aaaa" + ".eyJzdWIiOiJhYmNkZWZnaCJ9a" + ".c2lnbmF0dXJlc2lnbmF0dXJl" + "'/>",
    "tests/x.pem": "-----BEGIN " + "PRIVATE KEY-----\n" + "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49",
    ".npmrc": "//registry.example/:_authToken" + "=abc",
    "src/x.cpp": 'const char* k = "' + "9fQ2mZ7xKp0LwE4vRtY6uB1nC8sDgHjA3e5TqWz" + '";',
}
FINE = {
    "src/y.cpp": 'table.add("demo.password", MEMBER(demo.password), "", "Password of the demo people");\nfail("sessions.bad-password");',
    "docs/y.md": "https://host:8080/path and a@b.example",
}


def main():
    files = list(tracked())
    found = [finding for path, text in files for finding in findings_in(path, text)]
    blind = [path for path, text in PLANTED.items() if not findings_in(path, text)]
    wrong = [path for path, text in FINE.items() if findings_in(path, text)]
    failed = 0
    for name, findings in {
        "B-75 B-70 B-56 no secret is committed": found if len(files) > 300 else ["found no files"],
        "B-75 planted secrets are found": [f"not found in {path}" for path in blind] + [f"taken for one in {path}" for path in wrong],
    }.items():
        print("FAIL" if findings else "PASS", name, *findings, sep="\n  " if findings else " ")
        failed += bool(findings)
    sys.exit(1 if failed else 0)


main()
