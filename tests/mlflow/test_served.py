"""Train, log, alias, serve: examples/mlflow_train.py with a real MLflow server and recsysd."""
import json
import os
import pathlib
import subprocess
import sys

import mlflow
import pytest
import recsys
from conftest import TOP

sys.path.append(str(TOP / "tests" / "daemon"))
import client  # noqa: E402

RECSYSD = pathlib.Path(os.environ["RECSYS_TEST_BIN"]) / "recsysd"
EXAMPLE = TOP / "examples" / "mlflow_train.py"


def train(server, folder, factors):
    paths = os.pathsep.join([str(TOP / "bindings" / "python"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, EXAMPLE, TOP / "examples" / "data", "--factors", str(factors),
                           "--bundle", folder], env={**os.environ, "MLFLOW_TRACKING_URI": server.url, "PYTHONPATH": paths},
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


@pytest.fixture
def daemon(server, tmp_path):
    with client.Daemon(str(RECSYSD), str(tmp_path / "daemon"), "--model", "models:/movies@champion", "--registry",
                       server.url, "--registry-cache", str(tmp_path / "cache"), "--wait-for-model=on",
                       "--poll-registry-s=1", "--canary-min-items=0") as one:
        yield one


def served(daemon):
    reply = daemon.get("/api/v1/models/current")
    return reply.json() if reply.status == 200 else {"model_version": None}


def answers(daemon, users):
    return [[(item["movie_id"], item["score"]) for item in
             daemon.post("/api/v1/predict", {"user_id": user, "top_k": 5}).json()["recommendations"]] for user in users]


def test_the_daemon_follows_the_alias_to_each_version_and_back(server, daemon, tmp_path):
    assert daemon.get("/health/ready").status == 503
    users = [1, 2, 3, 50]
    seen = {}
    for factors in (16, 24):
        version = train(server, tmp_path / f"bundle-{factors}", factors)
        client.wait_for(lambda: served(daemon)["model_version"] == version)
        seen[version] = answers(daemon, users)
        # The same answers as the bundle gives in Python, and so as MLflow serves.
        model = recsys.Model(tmp_path / f"bundle-{factors}")
        direct = [[(item.item_id, item.score) for item in model.recommend(user, 5)] for user in users]
        rounded = [[(item, pytest.approx(score, abs=1e-6)) for item, score in row] for row in direct]
        assert seen[version] == rounded
        shown = served(daemon)
        assert shown["dimensions"] == factors
    first, second = sorted(seen, key=int)
    assert seen[first] != seen[second]
    told = json.dumps(served(daemon))
    assert '"recall"' in told, told  # of the run
    mlflow.MlflowClient().set_registered_model_alias("movies", "champion", first)
    client.wait_for(lambda: served(daemon)["model_version"] == first)
    assert answers(daemon, users) == seen[first]
    # Without the server it serves on, and says so.
    server.stop()
    client.wait_for(lambda: daemon.get("/api/v1/models").json()["last_error"])
    assert answers(daemon, users) == seen[first]
    server.start()
