#!/usr/bin/env python3
"""`consilium decision check|evaluate` as an operator uses them: what is printed where, and the exit codes."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDER = ROOT / "tests/decisions/cases/01-order/order.dmn"
SERVICE = ROOT / "tests/decisions/cases/03-service/service.dmn"
BINARY = os.environ.get("TEST_BINARY", str(ROOT / "build/release/consilium"))
# As a modeler writes it: no <inputData>, and a type that the values are not of.
WITHOUT_INPUT_DATA = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="reductions" name="Reductions" namespace="test">
<decision id="reduction" name="Reduction"><variable name="reduction" typeRef="number"/><decisionTable id="table" hitPolicy="FIRST">
<input id="i1"><inputExpression id="e1" typeRef="string"><text>customer</text></inputExpression></input>
<input id="i2"><inputExpression id="e2" typeRef="string"><text>years</text></inputExpression></input>
<output id="o" name="reduction" typeRef="string"/>
<rule id="r1"><inputEntry id="a1"><text>"gold"</text></inputEntry><inputEntry id="a2"><text>&gt; 3</text></inputEntry><outputEntry id="a3"><text>{"discount": 10}</text></outputEntry></rule>
<rule id="r2"><inputEntry id="b1"><text></text></inputEntry><inputEntry id="b2"><text></text></inputEntry><outputEntry id="b3"><text>{"discount": 0}</text></outputEntry></rule>
</decisionTable></decision></definitions>"""
failed = 0


def run(*arguments):
    done = subprocess.run([BINARY, "decision", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(name, holds, seen):
    global failed
    failed += not holds
    print(f"PASS {name}" if holds else f"FAIL {name}: saw {seen!r}", flush=True)


def main():
    seen = run("check", ORDER, SERVICE)
    check("sound models", seen == (0, "", "2 models are sound.\n"), seen)
    with tempfile.TemporaryDirectory() as folder:
        bad = pathlib.Path(folder) / "bad.dmn"
        bad.write_text(ORDER.read_text().replace("[3..70)", "[3..70").replace("#urgency", "#nothing").replace('"dateTime"', '"tMoment"'))
        code, out, err = run("check", bad)
        lines = out.splitlines()
        check("all problems at once, each with file, element and reason",
              code == 1 and len(lines) == 4 and all(line.startswith(f"{bad}: ") and line.count(": ") >= 2 for line in lines) and err == "4 problems found.\n",
              (code, out, err))
        code, out, err = run("check", "--json", bad)
        check("problems as JSON", code == 1 and len(json.loads(out)["findings"]) == 4, (code, out, err))
        code, out, err = run("evaluate", bad, "--decision", "due")
        check("a broken model is not evaluated", code == 1 and out == "" and "tMoment" in err, (code, out, err))
        code, out, err = run("check", bad, "/nowhere.dmn", "/nowhere-too.dmn")
        check("files that are not there, with all other problems", code == 1 and len(out.splitlines()) == 6 and "/nowhere.dmn: cannot be read" in out and "/nowhere-too.dmn" in out, (code, out, err))
    code, out, err = run("evaluate", "/nowhere.dmn", ORDER, "--decision", "minutes")
    check("a file that is not there is not left out", code == 1 and out == "" and "/nowhere.dmn: cannot be read" in err, (code, out, err))

    variables = json.dumps({"Age of client": 80, "Urgency": "now", "Asked at": "2024-02-29T10:00:00Z"})
    seen = run("evaluate", ORDER, "--decision", "minutes", "--variables", variables)
    check("a result", seen == (0, "3\n", ""), seen)
    code, out, err = run("evaluate", ORDER, "--decision", "Minutes to answer", "--variables", variables, "--json")
    told = json.loads(out)
    check("what was evaluated on the way", code == 0 and told["output"] == 3 and told["failure"] is None
          and told["evaluatedDecisions"][0]["matchedRules"][0]["id"] == "mr4" and told["evaluatedDecisions"][0]["inputs"][1]["value"] == "now", (code, out, err))
    code, out, err = run("evaluate", ORDER, "--decision", "minutes", "--variables", '{"Urgency": "whenever"}')
    check("why something is null", code == 0 and out == "null\n" and err.startswith("note: ") and "NULL" in err, (code, out, err))
    code, out, err = run("evaluate", ORDER)
    check("which decisions there are", code == 2 and "minutes" in err and "due" in err, (code, out, err))
    code, out, err = run("evaluate", ORDER, "--decision", "other")
    check("a decision that is not there", code == 2 and "'other'" in err and "minutes" in err, (code, out, err))
    code, out, err = run("evaluate", ORDER, "--decision", "due", "--variables", "{")
    check("variables that are no JSON", code == 2 and "--variables" in err, (code, out, err))
    seen = run("evaluate", SERVICE, "--decision", "bill", "--variables", '{"hours": 20}')
    check("a decision service", seen == (0, '{"gross":1904,"net":1600}\n', ""), seen)
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / "table.dmn"
        table.write_text(WITHOUT_INPUT_DATA)
        code, out, err = run("evaluate", table, "--variables", '{"customer": "gold", "years": 4}')
        check("BP-1 variables count without being declared, and what a type says is a remark", (code, out, err) == (0, '{"discount":10}\n', ""), (code, out, err))
        code, out, err = run("evaluate", table, ORDER, "--decision", "reduction", "--variables", '{"customer": "silver", "years": 4}')
        check("BP-1 the same among other models", (code, out, err) == (0, '{"discount":0}\n', ""), (code, out, err))
    code, out, err = run("conformance", "/nowhere")
    check("a folder that is not there", code == 1 and "/nowhere" in err, (code, out, err))
    code, out, err = run("conformance", ROOT / "tests/decisions/cases")
    check("the last line counts", code == 0 and out.splitlines()[-1].endswith(" passed, 0 failed"), (code, out, err))
    sys.exit(1 if failed else 0)


main()
