"""from_spark: the ALSModel of Spark's MLlib, in memory or as the folder that it was saved in.

Its userFactors and itemFactors are tables of id and features, in no order that means anything; ids
are Spark's int32. A model saved by ALSModel.save() is a folder with these two as Parquet, which
pyarrow reads without Spark.
"""
from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Optional, Union

from ..builder import Builder
from . import frames
from .arrays import read_side
from .files import read_table
from .parts import Parts, ratings_link


def from_spark(model: Union[Any, str, "os.PathLike[str]"], *, rating_range: Optional[tuple[float, float]] = None,
               seen: Any = None, catalogue: Any = None, name: Optional[str] = None) -> Builder:
    """A builder of an ALSModel, or of the folder of a saved one.

    rating_range   lowest and highest rating of a model with implicitPrefs=False: the link is linear
                   between them. None, for implicitPrefs=True: scores are clipped to 0..1
    seen           the ratings as a DataFrame (Spark, pandas, polars, Arrow): the columns of users,
                   items and, optionally, ratings, in this order. Spark itself recommends items
                   again that a user has rated

    Raw scores are transform()'s, within the last bits: Spark adds floats, this library doubles.
    """
    if isinstance(model, (str, os.PathLike)):
        users, items = (read_table(pathlib.Path(model) / part) for part in ("userFactors", "itemFactors"))
        rank = saved_rank(pathlib.Path(model))
    else:
        users, items, rank = frames.local(model.userFactors), frames.local(model.itemFactors), model.rank
    user_ids, user_factors, _ = read_side(users, "userFactors", "id", "features", None)
    item_ids, item_factors, _ = read_side(items, "itemFactors", "id", "features", None)
    return Parts("spark-als", user_factors, item_factors, user_ids=user_ids, item_ids=item_ids, seen=seen,
                 link=ratings_link(rating_range), link_range=rating_range,
                 hyperparameters={} if rank is None else {"rank": rank}, catalogue=catalogue, name=name).builder()


def saved_rank(folder: pathlib.Path) -> Optional[int]:
    """From the JSON that Spark saves beside the vectors, if it is there."""
    for file in sorted((folder / "metadata").glob("part-*")):
        line = file.read_text(encoding="utf-8").splitlines()
        if line:
            rank = json.loads(line[0]).get("rank")
            return rank if isinstance(rank, int) else None
    return None
