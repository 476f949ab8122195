"""The Python examples: FastAPI beside recsysd, Celery on a real Redis, the tour from top to bottom.

RECSYS_TEST_REDIS is the port of a throw-away Redis (tests/support/servers.py run ... starts one).
"""
import importlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import train_models
from conftest import TOP

import recsys
from recsys import export

sys.path.append(str(TOP / "tests/daemon"))
import client  # noqa: E402

RECSYSD = pathlib.Path(os.environ["RECSYS_LIBRARY"]).parents[1] / "bin/recsysd"
PREDICT = "/api/v1/predict"


def films():
    import pandas

    details = pandas.read_csv(train_models.DATA / "details.csv")
    table = pandas.read_csv(train_models.DATA / "movies.csv").merge(details, on="movieId")
    return table.assign(year=table["title"].str.extract(r"\((\d{4})\)$")[0].astype(int))


@pytest.fixture(scope="module")
def bundle(ratings, tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "bundle"
    export.from_implicit(train_models.implicit_als(ratings), seen=ratings.matrix, user_ids=ratings.user_ids,
                         item_ids=ratings.item_ids, catalogue=films(), name="movies").write(path)
    return path


def serve(monkeypatch, **environment):
    """A client of examples/fastapi_predict.py with this environment."""
    from fastapi.testclient import TestClient

    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    sys.modules.pop("fastapi_predict", None)
    return TestClient(importlib.import_module("fastapi_predict").app)


REQUESTS = [{}, {"top_k": 3}, {"include_reasons": True}, {"preferences": {"favorite_genres": ["Horror", "Comedy"]}},
            {"preferences": {"min_rating": 7.5, "preferred_languages": ["ja", "fr"]}},
            {"preferences": {"preferred_decade": "1990s", "exclude_adult": False}, "include_reasons": True, "top_k": 50}]
FIELDS = ("movie_id", "title", "genres", "release_year", "poster_url", "reason")


def test_fastapi_answers_as_recsysd(bundle, monkeypatch, tmp_path):
    n_compared = 0
    with client.Daemon(str(RECSYSD), str(tmp_path), "--model", str(bundle)) as daemon:
        service = serve(monkeypatch, RECSYS_MODEL=bundle)
        for more in REQUESTS:
            for user in (1, 7, 399, 123456):
                body = {"user_id": user, **more}
                ours, theirs = service.post(PREDICT, json=body).json(), daemon.post(PREDICT, body).json()
                assert ours["user_id"] == user and len(ours["request_id"]) == 36
                assert len(ours["recommendations"]) == len(theirs["recommendations"]) > 0
                for a, b in zip(ours["recommendations"], theirs["recommendations"]):
                    assert [a[name] for name in FIELDS] == [b.get(name) for name in FIELDS]
                    assert np.float32(a["score"]) == np.float32(b["score"])
                    assert np.float32(a["rating"]) == np.float32(b["rating"])
                    n_compared += 1
        for wrong in ({"user_id": -1}, {"user_id": 1, "top_k": 51}, {"user_id": 1, "preferences": {"preferred_decade": "90s"}}):
            assert service.post(PREDICT, json=wrong).status_code == daemon.post(PREDICT, wrong).status == 422
    assert n_compared > 200


def test_the_page_about_fastapi_shows_the_example(monkeypatch):
    """Each line that docs/fastapi.md adds is a line of the example, in its order; each that it removes
    is gone."""
    example = [line.strip() for line in (TOP / "examples/fastapi_predict.py").read_text().splitlines()]
    diff = re.search(r"```diff\n(.*?)```", (TOP / "docs/fastapi.md").read_text(), re.S).group(1).splitlines()
    added = [line[1:].strip() for line in diff if line.startswith("+") and not line.startswith("+++")]
    at = 0
    for line in filter(None, added):
        at = example.index(line, at) + 1
    removed = [line[1:].strip() for line in diff if line.startswith("-") and not line.startswith("---")]
    assert len(added) > 20 and len(removed) > 60
    assert not {line for line in removed if len(line) > 30} & set(example)


def test_celery_retrains_and_publishes_and_the_service_takes_it(bundle, monkeypatch, tmp_path):
    root = tmp_path / "registry"
    root.mkdir()
    registry = recsys.Registry(root)
    registry.publish(bundle, "movies")
    registry.set_alias("movies", "champion", "1")
    service = serve(monkeypatch, RECSYS_MODEL="models:/movies@champion", RECSYS_REGISTRY=root)
    assert service.post(PREDICT, json={"user_id": 7}).json()["model_version"] == "1"
    broker = f"redis://127.0.0.1:{os.environ['RECSYS_TEST_REDIS']}/11"
    monkeypatch.setenv("CELERY_BROKER", broker)
    command = [sys.executable, "-m", "celery", "-A", "celery_retrain", "worker", "--pool", "solo", "--loglevel",
               "WARNING", "--without-gossip", "--without-mingle", "--hostname", "retrain@loopback"]
    with open(tmp_path / "log", "wb") as log:
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        import celery_retrain
        done = celery_retrain.retrain.delay(str(train_models.DATA), "movies", factors=8).get(timeout=300)
        data = tmp_path / "broken"
        data.mkdir()
        shutil.copy(train_models.DATA / "movies.csv", data)
        with pytest.raises(FileNotFoundError):  # the failure arrives, and publishes nothing
            celery_retrain.retrain.delay(str(data), "movies").get(timeout=300)
    finally:
        worker.send_signal(signal.SIGTERM)
        if worker.wait(60) not in (0, -signal.SIGTERM):
            print((tmp_path / "log").read_text())
    assert done["version"] == "2" and 0.01 < done["recall@10"] < 1
    assert [entry.version for entry in registry.list("movies") if entry.alias is None] == ["1", "2"]
    assert service.post("/api/v1/models/reload").json() == {"changed": True, "model_version": "2"}
    answer = service.post(PREDICT, json={"user_id": 7}).json()
    assert answer["model_version"] == "2" and answer["recommendations"][0]["title"]


def test_the_tour_runs_from_top_to_bottom(tmp_path):
    done = subprocess.run([sys.executable, str(TOP / "examples/recsys_tour.py")], cwd=tmp_path, capture_output=True,
                          text=True, env={**os.environ, "TMPDIR": str(tmp_path), "MPLBACKEND": "Agg"})
    assert done.returncode == 0, done.stderr
    assert "5 recommendations by user_preferences" in done.stdout and "5 recommendations by fold_in" in done.stdout
    names = re.search(r"^ +(k +n_users.*)$", done.stdout, re.M).group(1).split()
    rows = {name: dict(zip(names, map(float, figures.split())))
            for name, figures in re.findall(r"^(32 factors|popular) +([\d. ]+)$", done.stdout, re.M)}
    assert rows["32 factors"]["recall"] > rows["popular"]["recall"] > 0
    assert len(list(tmp_path.glob("*/*.png"))) == 2
