#!/usr/bin/env python3
"""Recommendations for all users of a table, on Spark.

    spark-submit examples/spark_batch.py --bundle BUNDLE --users USERS.parquet --out OUT.parquet

Spark sends the bundle to each executor once and unpacks it there. The executor's Python workers map
its files, so they share one copy in memory. A task scores the users of its partition batch by batch,
with no state but the model: if a worker or an executor is lost, Spark runs the partition again and
gets the same bits. The package recsys must be installed where executors run.

USERS has a column of user ids (--column). OUT has one row a user: user, items, scores.
"""
import argparse
import atexit
import functools
import os
import shutil
import tarfile
import tempfile

import pyarrow as pa
from pyspark import SparkFiles
from pyspark.sql import SparkSession


def score(batches, bundle, top_k):
    """mapInArrow calls it for each partition: batches of users in, batches of lists out."""
    import recsys

    # Each task maps the bundle; the driver has verified its hashes.
    model = recsys.Model(SparkFiles.get(bundle), skip_hashes=True)
    for batch in batches:
        users = batch.column(0)
        answer = model.recommend_batch(users.to_pylist(), top_k=top_k)
        ends = answer.counts.cumsum()
        offsets = pa.array([0, *ends.tolist()], pa.int32())
        inside = answer.scores > float("-inf")
        lists = [pa.ListArray.from_arrays(offsets, pa.array(values[inside])) for values in (answer.ids, answer.scores)]
        yield pa.RecordBatch.from_arrays([users, *lists], ["user", "items", "scores"])


def pack(bundle, name):
    """The bundle as one file, because Spark sends no folders to executors on other machines. It stays
    until this program ends: an executor that starts late asks for it late."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.path.join(folder, name + ".tar")
    with tarfile.open(path, "w") as archive:
        for file in sorted(os.listdir(bundle)):
            archive.add(os.path.join(bundle, file), file)
    return path


def recommend(session, bundle, users, top_k):
    """A DataFrame of user, items, scores for the first column of `users`."""
    import recsys

    info = recsys.Model(bundle).info  # a broken bundle fails here, not in a thousand tasks
    name = "recsys-" + info.fingerprint[:32]  # two bundles in one session have two names
    session.sparkContext.addArchive(f"{pack(bundle, name)}#{name}")
    kinds = {"integer": "long", "text": "string"}
    schema = f"user {kinds[info.user_id_kind]}, items array<{kinds[info.item_id_kind]}>, scores array<float>"
    ids = users.select(users[users.columns[0]].cast(kinds[info.user_id_kind]).alias("user"))
    return ids.mapInArrow(functools.partial(score, bundle=name, top_k=top_k), schema)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--users", required=True, help="a Parquet file or folder")
    parser.add_argument("--column", default="user", help="its column of user ids")
    parser.add_argument("--top-k", type=int, default=10)
    parser.add_argument("--partitions", type=int, default=64, help="the unit that is run again after a loss")
    parser.add_argument("--out", required=True, help="a folder of Parquet files; replaced")
    given = parser.parse_args()
    session = SparkSession.builder.appName("recommendations").getOrCreate()
    users = session.read.parquet(given.users).select(given.column).repartition(given.partitions)
    recommend(session, given.bundle, users, given.top_k).write.mode("overwrite").parquet(given.out)
    session.stop()


if __name__ == "__main__":
    main()
