"""recsys.mlflow with a real MLflow server: what MLflow serves is what the library answers."""
import json
import os
import pathlib
import re
import shutil
import sys
import urllib.request

import mlflow
import numpy as np
import pandas
import pytest
import recsys
import recsys.mlflow
from mlflow_server import Process
from recsys.demo import folder
from recsys.demo import model as demo_model

USERS = pandas.DataFrame({"user_id": [1, 2, 3, 4, 99]}, index=[10, 11, 12, 13, 14])


def text_builder():
    rng = np.random.default_rng(3)
    builder = recsys.Builder(name="texts", **{"metrics.recall": 0.25, "hyperparameters.factors": 8})
    builder.set_array("user_factors", rng.normal(size=(3, 8)))
    builder.set_array("item_factors", rng.normal(size=(20, 8)))
    builder.set_texts("user_ids", ["kim", "이", "a/b"])
    builder.set_texts("item_ids", [f"film-{i}" for i in range(20)])
    return builder


def same_answers(table, model, users, top_k=10, **conditions):
    assert len(table) == len(users)
    for user, (_, row) in zip(users, table.iterrows()):
        answer = model.recommend(user, top_k, **conditions)
        assert list(row["item_ids"]) == answer.ids
        assert np.array_equal(np.asarray(row["scores"], np.float32), answer.scores)


@pytest.fixture(scope="module")
def logged(server):
    with mlflow.start_run():
        mlflow.log_metric("recall", 0.31)
        mlflow.log_param("factors", 2)
        info = recsys.mlflow.log_model(folder(), registered_model_name="films", input_example=USERS[:1])
    mlflow.MlflowClient().set_registered_model_alias("films", "champion", info.registered_model_version)
    return info


def test_an_alias_serves_the_answers_of_the_bundle(logged):
    served = mlflow.pyfunc.load_model("models:/films@champion")
    table = served.predict(USERS)
    assert list(table.index) == list(USERS.index)
    same_answers(table, demo_model(), USERS["user_id"].tolist())


def test_parameters_are_conditions_of_the_request(logged):
    served = mlflow.pyfunc.load_model(logged.model_uri)
    for params in ({"top_k": 2}, {"include_seen": True}, {"min_rating": 7.0}, {"genres": ["Horror"]}):
        conditions = dict(params)
        top_k = conditions.pop("top_k", 10)
        same_answers(served.predict(USERS, params=params), demo_model(), USERS["user_id"].tolist(), top_k,
                     **conditions)


def test_a_wrong_parameter_or_a_missing_column_is_refused_by_the_signature(logged):
    served = mlflow.pyfunc.load_model(logged.model_uri)
    with pytest.raises(mlflow.MlflowException, match="user_id"):
        served.predict(pandas.DataFrame({"user": [1]}))
    with pytest.raises(mlflow.MlflowException, match="top_k"):
        served.predict(USERS, params={"top_k": "many"})
    with pytest.raises(recsys.InvalidArgument, match="top_k"):
        served.predict(USERS, params={"top_k": 0})


def test_the_model_itself_comes_back_with_the_same_fingerprint(logged):
    model = recsys.mlflow.load_model("models:/films@champion")
    assert model.info.fingerprint == demo_model().info.fingerprint
    assert model.recommend(1) == demo_model().recommend(1)


def test_metrics_and_parameters_of_the_run_stand_at_the_logged_model(logged):
    found = mlflow.get_logged_model(logged.model_id)
    assert {metric.key: metric.value for metric in found.metrics} == {"recall": 0.31}
    assert found.params == {"factors": "2"}
    assert str(found.status) == "READY"


def test_a_builder_is_logged_with_what_its_manifest_says(server):
    with mlflow.start_run() as run:
        info = recsys.mlflow.log_model(text_builder(), "texts")
    found = mlflow.get_logged_model(info.model_id)
    assert found.params == {"factors": "8"}
    assert {metric.key: metric.value for metric in found.metrics} == {"recall": 0.25}
    assert mlflow.get_run(run.info.run_id).data.metrics == {"recall": 0.25}
    users = ["kim", "이", "a/b", "nobody"]
    table = mlflow.pyfunc.load_model(info.model_uri).predict(pandas.DataFrame({"user_id": users}))
    same_answers(table, recsys.mlflow.load_model(info.model_uri), users)


def test_a_metric_of_the_run_stays_as_it_is(server):
    with mlflow.start_run() as run:
        mlflow.log_metric("recall", 0.5)
        recsys.mlflow.log_model(text_builder(), "texts")
    assert mlflow.get_run(run.info.run_id).data.metrics == {"recall": 0.5}


def test_without_a_run_a_model_is_logged_too(server):
    assert mlflow.active_run() is None
    info = recsys.mlflow.log_model(text_builder(), "alone", registered_model_name="alone")
    assert mlflow.active_run() is None
    assert recsys.mlflow.load_model("models:/alone/1").info.n_items == 20
    assert info.registered_model_version in (1, "1")


def test_a_damaged_bundle_is_neither_logged_nor_registered(server, tmp_path):
    text_builder().write(tmp_path / "bundle")
    tensors = tmp_path / "bundle" / "model.safetensors"
    data = bytearray(tensors.read_bytes())
    data[-1] ^= 1
    tensors.chmod(0o644)
    tensors.write_bytes(data)
    with pytest.raises(recsys.FormatError, match="model.safetensors"):
        recsys.mlflow.log_model(tmp_path / "bundle", registered_model_name="damaged")
    assert not mlflow.MlflowClient().search_registered_models("name = 'damaged'")


def test_save_model_writes_a_folder_that_mlflow_loads(tmp_path):
    recsys.mlflow.save_model(folder(), tmp_path / "saved")
    assert (tmp_path / "saved" / "requirements.txt").read_text().splitlines() == [
        f"mlflow=={mlflow.__version__}", f"recsys=={recsys.__version__}", "pandas"]
    same_answers(mlflow.pyfunc.load_model(str(tmp_path / "saved")).predict(USERS), demo_model(),
                 USERS["user_id"].tolist())
    with pytest.raises(mlflow.MlflowException, match="already exists"):
        recsys.mlflow.save_model(folder(), tmp_path / "saved")


def test_a_model_of_another_flavour_is_refused(tmp_path):
    (tmp_path / "other.py").write_text("")
    mlflow.pyfunc.save_model(tmp_path / "other", loader_module="other", code_paths=[str(tmp_path / "other.py")])
    with pytest.raises(recsys.InvalidArgument, match="log_model"):
        recsys.mlflow.load_model(str(tmp_path / "other"))


def test_the_table_may_have_missing_ids_and_repeated_ones():
    predict = recsys.mlflow._load_pyfunc(folder()).predict
    users = [1, None, 2, 1]
    for given in (pandas.DataFrame({"user_id": users}), pandas.Series(users), users):
        same_answers(predict(given, {"top_k": 3}), demo_model(), users, 3)
    assert predict([]).empty
    same_answers(predict(np.array([2, 3])), demo_model(), [2, 3])
    with pytest.raises(recsys.InvalidArgument, match="user_id"):
        predict(pandas.DataFrame({"a": [1], "b": [2]}))


def test_the_snippet_of_the_readme_runs(server, tmp_path, monkeypatch):
    readme = (pathlib.Path(recsys.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    snippet = re.search(r"^## MLflow\n.*?^```python\n(.*?)^```", readme, re.M | re.S)[1]
    shutil.copytree(folder(), tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(snippet, "README.md", "exec"), names)
    same_answers(names["table"], names["model"], [1, 2])


def test_mlflow_serves_it_over_http(logged, tmp_path):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(),
                   "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
                   "PYTHONPATH": str(pathlib.Path(recsys.__file__).parents[1])}
    process = Process(tmp_path, "serve")
    process.start(lambda port: [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local",
                                "--host", "127.0.0.1", "--port", str(port), "--model-uri",
                                "models:/films@champion"], ["/ping"], environment)
    try:
        body = json.dumps({"dataframe_split": {"columns": ["user_id"], "data": [[1], [2]]},
                           "params": {"top_k": 3}}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{process.port}/invocations", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            rows = json.load(reply)["predictions"]
    finally:
        process.stop()
    assert [row["item_ids"] for row in rows] == [demo_model().recommend(user, 3).ids for user in (1, 2)]
