"""The JSON of the pages: sent to a server, or compared with what the programs say.

Each function takes the scene, the parsed JSON and what the page's last block printed.
"""
import json
import os
import urllib.error
import urllib.request


def post(address, body):
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def refusal(scene, said, _printed):
    status, answer = post(scene.serve() + "/api/v1/predict", {"user_id": 1, "top_k": said["detail"][0]["input"]})
    assert (status, answer) == (422, said), answer


def feedback(scene, events, _printed):
    database = os.environ["RECSYS_TEST_POSTGRES"]
    scene.shell(f"recsysctl migrate --database {database}")
    status, answer = post(scene.serve("--database", database) + "/api/v1/feedback", events)
    assert status in (200, 202) and answer["recorded"] + answer["repeated"] == len(events["events"]), answer


def infer(scene, request, _printed):
    status, answer = post(scene.serve() + "/v2/models/main/infer", request)
    assert status == 200 and answer["outputs"][0]["shape"] == [2, 3], answer


def has_members(found, said, where=""):
    """Every member that the page shows is one that the program writes, and of the same kind."""
    for name, value in said.items():
        assert name in found, f"{where}{name} is none: {sorted(found)}"
        number = isinstance(value, (int, float)) and isinstance(found[name], (int, float))
        assert number or type(found[name]) is type(value), f"{where}{name} is {found[name]!r}, not {value!r}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            has_members(found[name][0], value[0], f"{where}{name}.")


OPTIONAL = {"tags", "item_name", "training_date", "codes_pay"}  # members that not every bundle has


def manifest(scene, said, _printed):
    found = json.loads((scene.folder / "movies/recsys.json").read_text())
    has_members(found, {name: value for name, value in said.items() if name not in OPTIONAL})


def catalogue(scene, line, _printed):
    (scene.folder / "line.jsonl").write_text(json.dumps(line) + "\n")
    scene.shell("recsysctl import … --catalog line.jsonl")


def printed(_scene, said, printed):
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert answers, printed
    has_members(answers[0], said)
