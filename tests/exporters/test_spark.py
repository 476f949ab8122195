"""recsys.export beside Spark's ALS, on a local Spark of two threads."""
import numpy as np
import pyarrow.parquet
import pytest
import train_models
from conftest import agrees

import recsys.export


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    from pyspark.sql import SparkSession

    folder = str(tmp_path_factory.mktemp("spark"))
    made = (SparkSession.builder.master("local[2]").appName("exporters")
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
