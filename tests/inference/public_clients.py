#!/usr/bin/env python3
"""recsysd as other people's programs see it: the Open Inference Protocol through Triton's client, and
shares of users computed by the package xxhash, as docs/several-models.md says.

Usage: public_clients.py --recsysd PROGRAM    (with the packages of requirements.txt)

Ends with "N passed, N failed".
"""
import argparse
import os
import shutil
import sys
import tempfile
import traceback

import numpy as np
import tritonclient.http as triton
import xxhash
from tritonclient.utils import InferenceServerException

for folder in ("daemon", "docs"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))

import make_bundle
import snippets
from client import Daemon


class Case:
    def __init__(self, program, folder):
        make_bundle.make_bundle(os.path.join(folder, "movies"))
        make_bundle.make_bundle(os.path.join(folder, "later"), seed=2, version="2")
        make_bundle.make_bundle(os.path.join(folder, "texts"), text_ids=True, name="texts")
        self.daemon = Daemon(program, os.path.join(folder, "daemon"), "--model", os.path.join(folder, "movies"),
                             "--models", "later=%s,texts=%s" % (os.path.join(folder, "later"), os.path.join(folder, "texts")),
                             "--model-shares", "later=30", "--model-salt", "autumn")
        self.client = triton.InferenceServerClient("127.0.0.1:%d" % self.daemon.port)

    def close(self):
        self.client.close()
        self.daemon.process.terminate()
        self.daemon.process.wait(120)


def users_input(users, datatype="INT64", binary=False):
    values = np.array(users, dtype=np.object_ if datatype == "BYTES" else np.int64)
    tensor = triton.InferInput("user_id", list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def outputs():
    return [triton.InferRequestedOutput(name, binary_data=False) for name in ("item_id", "score", "count")]


def refusal(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except InferenceServerException as error:
        return error
    raise AssertionError("it was accepted")


def test_server_and_models_are_live_and_ready(case):
    client = case.client
    assert client.is_server_live() and client.is_server_ready()
    assert client.get_server_metadata()["name"] == "recsysd" and client.get_server_metadata()["extensions"] == []
    assert client.is_model_ready("main") and client.is_model_ready("main", "1") and client.is_model_ready("texts")
    assert not client.is_model_ready("main", "2") and not client.is_model_ready("other")


def test_metadata_describes_the_tensors(case):
    found = case.client.get_model_metadata("texts", "1")
    assert found["name"] == "texts" and found["versions"] == ["1"]
    assert found["inputs"] == [{"name": "user_id", "datatype": "BYTES", "shape": [-1]}]
    assert [tensor["name"] for tensor in found["outputs"]] == ["item_id", "score", "count"]


def test_infer_gives_what_batch_predict_gives(case):
    users = list(range(1, 41)) + [777777]
    result = case.client.infer("main", [users_input(users)], outputs=outputs(), request_id="q-1", parameters={"top_k": 7})
    items, scores, counts = (result.as_numpy(name) for name in ("item_id", "score", "count"))
    assert items.shape == scores.shape == (41, 7) and items.dtype == np.int64 and scores.dtype == np.float32
    assert result.get_response()["model_version"] == "1" and result.get_response()["id"] == "q-1"
    rows = case.daemon.post("/api/v1/batch-predict", {"user_ids": users, "top_k": 7, "model": "main"}).json()["predictions"]
    for row, ids, values, count in zip(rows, items, scores, counts):
        assert [item["movie_id"] for item in row["recommendations"]] == ids.tolist() and count == 7
        assert np.array_equal(np.float32([item["score"] for item in row["recommendations"]]), values)


def test_texts_and_versions(case):
    result = case.client.infer("texts", [users_input(["user/1", "user/2"], "BYTES")], model_version="1", outputs=outputs())
    rows = case.daemon.post("/api/v1/batch-predict", {"user_ids": ["user/1", "user/2"], "model": "texts"}).json()["predictions"]
    found = [[item if isinstance(item, str) else item.decode() for item in row] for row in result.as_numpy("item_id")]
    assert found == [[item["movie_id"] for item in row["recommendations"]] for row in rows]


def test_outputs_that_are_asked_for_in_binary_come_as_json(case):
    result = case.client.infer("main", [users_input([1])])  # the client's default
    assert result.as_numpy("item_id").shape == (1, 10)


def test_refusals_have_the_protocols_form(case):
    infer = case.client.infer
    assert refusal(infer, "other", [users_input([1])]).status() in ("404", None)
    assert "There is no model of the name other" in refusal(infer, "other", [users_input([1])]).message()
    assert "does not serve" in refusal(infer, "main", [users_input([1])], model_version="9").message()
    assert "INT64, not BYTES" in refusal(infer, "main", [users_input(["1"], "BYTES")]).message()
    assert "top_k" in refusal(infer, "main", [users_input([1])], parameters={"top_k": 0}).message()
    said = refusal(infer, "main", [users_input([1], binary=True)])
    assert "inary" in said.message() or "Content-Type" in said.message(), said


def test_shares_are_those_that_the_page_computes(case):
    chosen = {True: 0, False: 0}
    for user in range(1, 200):
        point = (xxhash.xxh3_64_intdigest(("autumn:%d" % user).encode()) >> 32) * 10000 >> 32
        answer = case.daemon.post("/api/v1/predict", {"user_id": user, "top_k": 1}).json()
        assert answer["model"] == ("later" if point >= 7000 else "main"), (user, point, answer["model"])
        chosen[point >= 7000] += 1
    assert min(chosen.values()) > 30, chosen


def code_of(page, text):
    """The page's Python that has this text."""
    top = snippets.project.root()
    return next(block.code for block in snippets.blocks_of(top, page) if text in block.code)


def test_the_lines_of_the_page_about_inference_run(case):
    code = code_of("docs/inference.md", "tritonclient").replace("localhost:8000", "127.0.0.1:%d" % case.daemon.port)
    names = {}
    exec(code, names)  # noqa: S102 - our own page
    assert names["found"].as_numpy("item_id").shape == (2, 3)


def test_the_line_of_the_page_about_shares_computes_them(case):
    code = code_of("docs/several-models.md", "xxh3")
    for user in range(1, 40):
        names = {"salt": "autumn", "user_id": user}
        exec(code, names)  # noqa: S102 - our own page
        answer = case.daemon.post("/api/v1/predict", {"user_id": user, "top_k": 1}).json()
        assert answer["model"] == ("later" if names["point"] >= 7000 else "main"), user


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recsysd", required=True)
    program = os.path.abspath(parser.parse_args().recsysd)
    folder = tempfile.mkdtemp(prefix="recsysd-inference-")
    passed = failed = 0
    case = Case(program, folder)
    try:
        for name, function in list(globals().items()):
            if not name.startswith("test_"):
                continue
            try:
                function(case)
                passed += 1
            except Exception:
                failed += 1
                print("FAILED %s: %s" % (name, traceback.format_exc()))
    finally:
        case.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
