"""from_surprise: SVD, SVD++ and NMF of Surprise (scikit-surprise).

Ids, ratings, their mean and their scale come from the trainset inside the model. SVD++ adds to a
user's vector the mean of the vectors y of the rated items, times the root of their number; here
that sum is the user's vector. Surprise computes in double; the bundle has floats.
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ..builder import Builder
from . import rows
from .parts import Parts


def from_surprise(model: Any, *, seen: bool = True, catalogue: Any = None,
                  name: Optional[str] = None) -> Builder:
    """A builder of a fitted SVD, SVDpp or NMF.

    seen      False: without the ratings of the trainset, which are the seen lists and their weights

    Raw scores are predict(..., clip=False).est. The link is linear in the rating scale of the
    trainset's Reader. Order is by raw score, so items beyond the scale are not tied, as they are
    in predict() with clipping.
    """
    kind = type(model).__name__
    if not all(hasattr(model, part) for part in ("pu", "qi", "trainset")):
        raise TypeError(f"from_surprise: {kind} has no vectors, or is not fitted; SVD, SVDpp and NMF have")
    train = model.trainset
    biased = bool(getattr(model, "biased", True))  # SVDpp always is
    return Parts(
        f"surprise-{kind.lower()}", users_of(model), np.asarray(model.qi),
        np.asarray(model.bu) if biased else None, np.asarray(model.bi) if biased else None,
        [train.to_raw_uid(row) for row in range(train.n_users)],
        [train.to_raw_iid(row) for row in range(train.n_items)],
        seen_of(train) if seen else None, link="linear",
        link_range=(float(train.rating_scale[0]), float(train.rating_scale[1])),
        global_mean=float(train.global_mean) if biased else 0.0,
        hyperparameters={"n_factors": model.n_factors, "n_epochs": model.n_epochs}, catalogue=catalogue,
        name=name).builder()


def users_of(model: Any) -> np.ndarray:
    users = np.array(model.pu, np.float64)
    if hasattr(model, "yj"):
        for row in range(len(users)):
            rated = [item for item, _ in model.trainset.ur[row]]
            users[row] += np.asarray(model.yj)[rated].sum(axis=0) / np.sqrt(len(rated))
    return users


def seen_of(train: Any) -> rows.Seen:
    triples = np.array([(user, item, rating) for user, item, rating in train.all_ratings()], np.float64)
    return rows.seen_of_pairs(triples[:, 0].astype(np.int64), triples[:, 1].astype(np.int64),
                              triples[:, 2], train.n_users, train.n_items)
