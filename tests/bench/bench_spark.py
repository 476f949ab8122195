#!/usr/bin/env python3
"""Lists for all users of a table on Spark: examples/spark_batch.py and NumPy in the same job.

    RECSYS_LIBRARY=build/release/lib/librecsys.so PYTHONPATH=bindings/python:examples \\
        python tests/bench/bench_spark.py --users 100000 --items 100000

Random vectors with norms as a trained model has them, 20 seen items a user. Each round runs both ways
on one worker and on two, one after the other, in one session of local[N]; the time is that of the
action, with the workers started before. Prints users/s and items/s (users times items) of the best
round, the ratio to NumPy, and how much two workers gain over one. Prints figures, decides nothing.
"""
import argparse
import functools
import os
import pathlib
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import recsys
import spark_batch
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from recsys import export

K = 10


def write_bundle(path, n_users, n_items, d):
    rng = np.random.default_rng(1)
    users = rng.normal(size=(n_users, d)).astype(np.float32)
    items = rng.normal(size=(n_items, d)).astype(np.float32)
    items *= rng.lognormal(0, 0.5, size=(n_items, 1)).astype(np.float32) / np.sqrt(d)
    seen = {"user": np.repeat(np.arange(n_users), 20), "item": rng.integers(0, n_items, 20 * n_users)}
    export.from_arrays(users, items, seen=seen).write(path)


def score_with_numpy(batches, bundle, top_k):
    """The usual way without the library: a matrix product, seen items masked, argpartition."""
    model = recsys.Model(SparkFiles.get(bundle), skip_hashes=True)  # for its arrays only
    items, users = model.item_factors, model.user_factors
    offsets, seen, ids = model.array("seen_offsets").astype(np.int64), model.array("seen_items"), model.item_ids
    order = np.argsort(model.user_ids)
    for batch in batches:
        rows = order[batch.column(0).to_numpy()]
        for start in range(0, len(rows), 64):
            some = rows[start:start + 64]
            scores = users[some] @ items.T
            for i, row in enumerate(some):
                scores[i, seen[offsets[row]:offsets[row + 1]]] = -np.inf
            best = np.argpartition(scores, -top_k, axis=1)[:, -top_k:]
            found = np.take_along_axis(scores, best, axis=1)
            best = np.take_along_axis(best, np.argsort(-found, axis=1), axis=1)
            yield pa.RecordBatch.from_arrays(
                [batch.column(0).slice(start, len(some)), pa.array(ids[best].tolist()),
                 pa.array((-np.sort(-found, axis=1)).tolist(), pa.list_(pa.float32()))], ["user", "items", "scores"])


def seconds(session, bundle, n_users, partitions, score):
    users = session.range(n_users, numPartitions=partitions).toDF("user")
    spark_batch_score, spark_batch.score = spark_batch.score, score
    try:
        frame = spark_batch.recommend(session, bundle, users, K)
    finally:
        spark_batch.score = spark_batch_score
    start = time.perf_counter()
    frame.selectExpr("sum(scores[0])", "count(*)").collect()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100000)
    parser.add_argument("--numpy-users", type=int, help="fewer users for NumPy, which takes long")
    parser.add_argument("--items", type=int, default=100000)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.update(OPENBLAS_NUM_THREADS="1", PYSPARK_PYTHON=sys.executable)
    ways = {"librecsys": (spark_batch.score, given.users),
            "NumPy": (score_with_numpy, given.numpy_users or given.users)}
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        bundle = str(pathlib.Path(folder) / "bundle")
        write_bundle(bundle, given.users, given.items, given.dimensions)
        for workers in (1, 2):
            session = (SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false")
                       .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
                       .config("spark.local.dir", folder).getOrCreate())
            session.sparkContext.setLogLevel("ERROR")
            for _ in range(given.rounds):
                for name, (score, n_users) in ways.items():
                    seconds(session, bundle, 256, workers, score)  # workers are up
                    rate = n_users / seconds(session, bundle, n_users, 4 * workers, score)
                    rates[name, workers] = max(rate, rates.get((name, workers), 0))
            session.stop()
    for (name, workers), rate in rates.items():
        print(f"{name:10} {workers} worker{'s' * (workers > 1)}: {rate:9.0f} users/s, {rate * given.items:.3g} items/s, "
              f"{rate / rates['NumPy', workers]:.1f} times NumPy, {rate / rates[name, 1]:.2f} times one worker")


if __name__ == "__main__":
    main()
