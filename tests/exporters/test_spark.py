"""recsys.export beside Spark's ALS, and examples/spark_batch.py, on a local Spark of two threads."""
import functools
import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pytest
import train_models
from conftest import TOP, agrees

import recsys
import recsys.export


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    from pyspark.sql import SparkSession

    folder = str(tmp_path_factory.mktemp("spark"))
    made = (SparkSession.builder.master("local[2,4]").appName("exporters")
            .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", folder).config("spark.local.dir", folder).getOrCreate())
    yield made
    made.stop()


def spark_scores(model, session, ratings, users):
    """[len(users), n_items], by transform() of every pair."""
    import pandas

    pairs = pandas.DataFrame({"user": np.repeat(users, len(ratings.item_ids)),
                              "item": np.tile(ratings.item_ids, len(users))})
    scored = model.transform(session.createDataFrame(pairs)).toPandas().sort_values(["user", "item"])
    return scored["prediction"].to_numpy().reshape(len(users), len(ratings.item_ids))


@pytest.mark.parametrize("implicit", [False, True])
def test_spark(implicit, session, ratings, served, tmp_path):
    theirs = train_models.spark(ratings, session, implicit)
    users = ratings.user_ids[:200]
    expected = spark_scores(theirs, session, ratings, users)
    rating_range = None if implicit else (0.5, 5)
    if implicit:
        builder = recsys.export.from_spark(theirs, seen=session.createDataFrame(ratings.frame()))
    else:
        theirs.save(str(tmp_path / "saved"))
        builder = recsys.export.from_spark(tmp_path / "saved", rating_range=rating_range, seen=ratings.frame())
        assert set(pyarrow.parquet.read_table(tmp_path / "saved/userFactors").column_names) == {"id", "features"}
    model = served(builder)
    row = {user: i for i, user in enumerate(users.tolist())}
    agrees(model, users.tolist(), lambda user: expected[row[user]], ratings.seen_ids, ratings.item_ids.tolist())
    assert model.info.link == ("clip" if implicit else "linear")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A model of 3000 users with text ids and 2000 items with seen lists."""
    rng = np.random.default_rng(9)
    users, items = (rng.normal(size=(n, 24)).astype(np.float32) for n in (3000, 2000))
    pairs = {"user": [f"u{i % 3000}" for i in range(30000)], "item": rng.integers(0, 2000, 30000)}
    path = tmp_path_factory.mktemp("batch") / "bundle"
    recsys.export.from_arrays(users, items, user_ids=[f"u{i}" for i in range(3000)], seen=pairs).write(path)
    return path


def same_bits(table, bundle):
    """The lists and scores of a table are the library's own, bit for bit, each user once."""
    model = recsys.Model(bundle)
    users = table.column("user").to_pylist()
    assert sorted(users) == sorted(model.user_ids.tolist())
    wanted = model.recommend_batch(users, top_k=7)
    assert table.column("items").to_pylist() == wanted.ids.tolist()
    scores = np.asarray(table.column("scores").combine_chunks().flatten(), np.float32)
    assert scores.tobytes() == wanted.scores.tobytes()


def test_batch_of_all_users_has_the_library_s_bits(session, bundle, tmp_path):
    import spark_batch

    users = session.createDataFrame([(user,) for user in recsys.Model(bundle).user_ids.tolist()], "id string")
    spark_batch.recommend(session, str(bundle), users.repartition(6), 7).write.parquet(str(tmp_path / "out"))
    same_bits(pyarrow.parquet.read_table(tmp_path / "out"), bundle)


def test_two_bundles_of_one_name_in_one_session(session, bundle, tmp_path):
    import spark_batch

    other = tmp_path / bundle.name
    recsys.export.from_arrays(np.eye(3), np.eye(3)).write(other)
    users = session.createDataFrame([(0,), (2,)], "id long")
    rows = spark_batch.recommend(session, str(other), users, 1).collect()
    assert sorted((row["user"], row["items"]) for row in rows) == [(0, [0]), (2, [2])]


def lost_once(batches, marks, **arguments):
    """score(), but the worker of each partition dies after its first batch, once."""
    import spark_batch
    from pyspark import TaskContext

    mark = os.path.join(marks, str(TaskContext.get().partitionId()))
    for number, batch in enumerate(spark_batch.score(batches, **arguments)):
        if number == 1 and not os.path.exists(mark):
            open(mark, "w").close()
            os._exit(1)
        yield batch


def test_partitions_of_lost_workers_are_run_again(session, bundle, tmp_path, monkeypatch):
    import spark_batch

    users = session.createDataFrame([(user,) for user in recsys.Model(bundle).user_ids.tolist()], "id string")
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "300")
    (tmp_path / "marks").mkdir()
    monkeypatch.setattr(spark_batch, "score", functools.partial(lost_once, marks=str(tmp_path / "marks")))
    frame = spark_batch.recommend(session, str(bundle), users.repartition(2), 7)
    monkeypatch.undo()
    frame.write.parquet(str(tmp_path / "out"))
    assert len(os.listdir(tmp_path / "marks")) == 2  # both partitions were lost once
    same_bits(pyarrow.parquet.read_table(tmp_path / "out"), bundle)


def test_the_program_writes_parquet(bundle, tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"who": recsys.Model(bundle).user_ids.tolist()}), tmp_path / "users.parquet")
    done = subprocess.run(
        [sys.executable, str(TOP / "examples/spark_batch.py"), "--bundle", str(bundle), "--column", "who", "--users",
         str(tmp_path / "users.parquet"), "--out", str(tmp_path / "out"), "--top-k", "7", "--partitions", "3"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SPARK_LOCAL_IP": "127.0.0.1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    same_bits(pyarrow.parquet.read_table(tmp_path / "out"), bundle)
