"""What schemathesis is told besides the document: prepared values of a real state, what a refusal must look like, and where to count answers.

CONSILIUM_API_EXAMPLES names a file `{operation id: [{path, headers, body}]}`; CONSILIUM_API_ANSWERS one that gets a line
`operation id, status` for each answer."""
import copy
import json
import os
import pathlib

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import is_unexpected_http_status_case

EXAMPLES = json.loads(pathlib.Path(os.environ["CONSILIUM_API_EXAMPLES"]).read_text())
ANSWERS = open(os.environ["CONSILIUM_API_ANSWERS"], "a", buffering=1)


def own_parameters(document, operation):
    """Its parameters without references, so that an example changes this operation alone."""
    own = []
    for parameter in operation.get("parameters", []):
        if "$ref" in parameter:
            parameter = document["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
        own.append(copy.deepcopy(parameter))
    return own


def add_examples(document, operation, examples):
    operation["parameters"] = own_parameters(document, operation)
    for parameter in operation["parameters"]:
        place = {"path": "path", "header": "headers", "query": "query"}[parameter["in"]]
        given = {str(number): {"value": one[place][parameter["name"]]} for number, one in enumerate(examples) if parameter["name"] in one.get(place, {})}
        if given:
            parameter.pop("example", None)
            parameter["examples"] = given
    bodies = {str(number): {"value": one["body"]} for number, one in enumerate(examples) if "body" in one}
    if bodies:
        content = operation["requestBody"]["content"]["application/json"]
        content.pop("example", None)
        content["examples"] = bodies


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """`default` would let every status pass: what each operation may answer must stand in the document by name."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("default", None)
            if operation["operationId"] in EXAMPLES:
                add_examples(raw_schema, operation, EXAMPLES[operation["operationId"]])


# Refusals that say "this breaks the document": data made by the document must never meet them.
OF_THE_FORM = ("request.malformed", "request.invalid")
# Rules that come as `request.invalid`, too, and that no schema of a member says: post_text.cpp of chat, and dates that may not lie ahead or too far back.
OF_A_SERVICE = {"control-character", "in-future", "too-early"}


def is_documented(case, status, code):
    documented = case.operation.definition.raw["responses"].get(str(status), {})
    return f"`{code}`" in documented.get("description", "")


def is_whole_with_fraction(case, problem):
    """JSON Schema calls 7.0 an integer; we take whole numbers without a fraction alone."""
    refused = [field for field in problem.get("fields", []) if field["code"] == "wrong-type"]
    values = [case.body.get(field["name"]) for field in refused] if isinstance(case.body, dict) else []
    return bool(values) and all(isinstance(value, float) and value.is_integer() for value in values)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Well-formed data may be refused for what no schema can say: a state, a cursor or link that was never given, a weak password. The
    document must name that reason for the operation."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = response.json()
    if is_whole_with_fraction(case, problem):
        return False
    fields = {field["code"] for field in problem.get("fields", [])}
    if problem["code"] == "request.invalid" and fields and fields <= OF_A_SERVICE:
        return False
    return problem["code"] in OF_THE_FORM or not is_documented(case, response.status_code, problem["code"])


@schemathesis.check
def documented_reason(ctx, response, case):
    """Each refusal has a code that the document names for this operation and status."""
    if response.status_code < 400 or is_unexpected_http_status_case(case):
        return
    code = response.json()["code"]
    assert is_documented(case, response.status_code, code), f"{response.status_code} {code} is not in the document"


@schemathesis.hook
def after_call(context, case, response):
    raw = case.operation.definition.raw
    if response.request.method == case.operation.method.upper():
        ANSWERS.write(f"{raw['operationId']} {response.status_code}\n")
