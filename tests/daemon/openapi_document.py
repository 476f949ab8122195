#!/usr/bin/env python3
"""openapi.json by itself: what its words say, and what the tables that make it know.

    openapi_document.py --recsysd PROGRAM

daemon/openapi/words.json may describe only what the tables have, must describe all of it, and
repeats none of their limits. The document is valid OpenAPI 3.1, and its examples fit its schemas.
Needs openapi-spec-validator and jsonschema. The exit status is 1 if a test fails.
"""
import argparse
import json
import os
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import jsonschema  # noqa: E402
import openapi_spec_validator  # noqa: E402

import make_bundle  # noqa: E402
from client import Daemon  # noqa: E402

# The tables have these; in words each would be a second copy.
TABLES = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "pattern", "default",
          "enum", "required"}
STEPS = {"400", "401", "403", "408", "411", "413", "415", "429", "431", "500", "503"}


def operations(paths):
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield path, method, operation


def all_schemas(value):
    """Every object in it that may be a schema."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from all_schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from all_schemas(inner)


def bodies(api):
    """The names of the schemas of bodies, and of what they consist of."""
    def names(schema):
        return {place["$ref"].rsplit("/", 1)[1] for place in all_schemas(schema) if "$ref" in place}

    found, new = set(), set()
    for _, _, operation in operations(api["paths"]):
        new |= names(operation.get("requestBody", {}))
    while new - found:
        found |= new
        new = set().union(*(names(api["components"]["schemas"][name]) for name in found))
    return found


def members(api):
    """(place, name, what is said about it) of every parameter, and of every member of a body."""
    for _, _, operation in operations(api["paths"]):
        for parameter in operation.get("parameters", []):
            yield operation["operationId"], parameter["name"], parameter
    for body in bodies(api):
        for name, schema in api["components"]["schemas"][body].get("properties", {}).items():
            yield body, name, schema


def test_words_are_about_what_there_is(api, words):
    there = {(path, method) for path, method, _ in operations(api["paths"])}
    described = {(path, method) for path, method, _ in operations(words["paths"])}
    assert described == there, described ^ there
    used = set()
    for place, name, _ in members(api):
        used.add("%s.%s" % (place, name) if "%s.%s" % (place, name) in words["members"] else name)
    assert set(words["members"]) <= used, set(words["members"]) - used
    made = bodies(api)
    assert set(words["shapes"]) <= made, set(words["shapes"]) - made
    # A schema of a reply must not take the place of one that is made from a table.
    mine = set(words["components"]["schemas"]) & made
    assert mine == {"InferenceTensor"}, mine


def test_all_that_there_is_has_words(api, words):
    ids = []
    for path, method, operation in operations(api["paths"]):
        assert operation["summary"] and operation["tags"], (path, method)
        assert any(status.startswith("2") for status in operation["responses"]), (path, method)
        assert "requestBody" not in operation or "example" in operation["requestBody"]["content"]["application/json"], path
        ids.append(operation["operationId"])
    assert len(ids) == len(set(ids)), ids
    silent = {(place, name) for place, name, said in members(api) if not said.get("description")
              and place != "InferenceTensor"}
    assert not silent, silent


def test_words_repeat_no_limit(api, words):
    for name, said in words["members"].items():
        for schema in all_schemas(said):
            assert not TABLES & set(schema) or name == "InferenceRequest.outputs", (name, schema)
    for name, schema in words["shapes"].items():
        assert not TABLES & set(schema), (name, schema)


def test_words_leave_the_steps_statuses_to_the_tables(api, words):
    # The reply of /health/ready and of its twin differ from those of other routes that are not ready.
    own = {(path, status) for path, _, operation in operations(words["paths"])
           for status in set(operation["responses"]) & STEPS}
    assert own == {("/health/ready", "503"), ("/v2/health/ready", "503")}, own


def test_limits_are_those_of_the_tables(api, words):
    """Some that stand here as a caller knows them."""
    schemas = api["components"]["schemas"]
    top_k = schemas["PredictionRequest"]["properties"]["top_k"]
    assert (top_k["minimum"], top_k["maximum"], top_k["default"], top_k["type"]) == (1, 50, 10, ["integer", "null"])
    assert schemas["BatchPredictionRequest"]["properties"]["user_ids"]["maxItems"] == 1000
    assert schemas["UserPreferences"]["properties"]["preference_strength"]["default"] == 0.6
    assert schemas["Id"]["oneOf"][0]["maximum"] == 2 ** 63 - 1
    assert schemas["PromoteRequest"]["properties"]["to"]["enum"] == ["shadow", "share", "default"]
    assert set(schemas["PromoteRequest"]["required"]) == {"model", "to"}
    path = api["paths"]["/api/v1/chat/history/{user_id}"]["get"]["parameters"]
    assert [(each["name"], each["in"], each["required"]) for each in path] == [("user_id", "path", True), ("limit", "query", False)]
    assert api["paths"]["/api/v1/models/load"]["post"]["security"] == [{"Admin": []}, {"Bearer": []}]
    assert "security" not in api["paths"]["/health"]["get"]


def test_the_document_is_valid(api, words):
    openapi_spec_validator.validate(api)


def test_examples_fit_their_schemas(api, words):
    def check(content, place):
        if "example" in content:
            schema = dict(content["schema"], components=api["components"])
            jsonschema.Draft202012Validator(schema).validate(content["example"])
            seen.append(place)

    seen = []
    for path, method, operation in operations(api["paths"]):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            check(content, (path, method))
        for status, reply in operation["responses"].items():
            for content in reply.get("content", {}).values():
                check(content, (path, method, status))
    assert len(seen) > 20, seen


def run(recsysd):
    """Runs the tests. Returns how many passed and how many failed."""
    with open(os.path.join(SOURCE, "daemon", "openapi", "words.json")) as file:
        words = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        make_bundle.make_bundle(os.path.join(folder, "movies"))
        with Daemon(os.path.abspath(recsysd), os.path.join(folder, "daemon"), "--model",
                    os.path.join(folder, "movies")) as daemon:
            api = daemon.get("/openapi.json").json()
            assert daemon.get("/openapi.json").json() == api
    failed = 0
    tests = [test for name, test in sorted(globals().items()) if name.startswith("test_")]
    for test in tests:
        try:
            test(api, words)
        except Exception:  # noqa: BLE001 - each test reports by itself
            failed += 1
            print("FAILED: %s" % test.__name__)
            traceback.print_exc()
    return len(tests) - failed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recsysd", required=True)
    options = parser.parse_args()
    passed, failed = run(options.recsysd)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
