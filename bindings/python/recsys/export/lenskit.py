"""from_lenskit: BiasedMF and ImplicitMF scorers of LensKit (2025 and newer).

LensKit keeps a vector for each user, but its pipeline computes a new vector (and a new bias) from
the user's history whenever it recommends, and the two differ. The bundle has the vectors that
recommend() uses: new ones, if the training data are given; the stored ones, if not, or if the
scorer was told to prefer them.
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ..builder import Builder
from . import rows
from .parts import Parts, ratings_link


def from_lenskit(scorer: Any, data: Any = None, *, rating_range: Optional[tuple[float, float]] = None,
                 seen: bool = True, catalogue: Any = None, name: Optional[str] = None) -> Builder:
    """A builder of a trained BiasedMFScorer or ImplicitMFScorer, without its pipeline.

    data           the lenskit.data.Dataset of train(): the users' histories and seen lists. None:
                   the vectors of the end of training, no seen lists
    rating_range   of a BiasedMFScorer: lowest and highest rating; None: those in data
    seen           False: no seen lists

    Raw scores are those of scorer(query, items) with the user's history in the query.
    """
    if getattr(scorer, "item_embeddings", None) is None:
        raise TypeError(f"from_lenskit: {type(scorer).__name__} has no item_embeddings; trained "
                        "BiasedMFScorer and ImplicitMFScorer have")
    bias = getattr(scorer, "bias", None)
    vocabulary = scorer.users if scorer.users is not None else None if data is None else data.users
    if vocabulary is None:
        raise ValueError("from_lenskit: the scorer keeps no users; give data=")
    user_ids, item_ids = (rows.as_ids(np.asarray(v.ids()), "ids") for v in (vocabulary, scorer.items))
    users, user_bias = vectors_of(scorer, data, user_ids)
    if bias is not None and rating_range is None:
        if data is None:
            raise ValueError("from_lenskit: give rating_range=, the lowest and highest rating")
        ratings = data.interactions().matrix().scipy(attribute="rating", layout="coo").data
        rating_range = (float(ratings.min()), float(ratings.max()))
    return Parts(
        f"lenskit-{type(scorer).__name__.lower()}", users, np.asarray(scorer.item_embeddings), user_bias,
        None if bias is None or bias.item_biases is None else np.asarray(bias.item_biases), user_ids, item_ids,
        seen_of(data, bias is not None) if seen and data is not None else None, link=ratings_link(rating_range),
        link_range=rating_range, global_mean=0.0 if bias is None else float(bias.global_bias),
        hyperparameters={"embedding_size": int(scorer.item_embeddings.shape[1])}, catalogue=catalogue,
        name=name).builder()


def vectors_of(scorer: Any, data: Any, user_ids: rows.Ids) -> tuple[np.ndarray, Optional[np.ndarray]]:
    """User vectors [n,d] and biases [n], or None for a scorer without biases."""
    bias = getattr(scorer, "bias", None)
    stored = None if bias is None else bias.user_biases
    if data is None or getattr(scorer.config, "user_embeddings", True) == "prefer":
        if scorer.user_embeddings is None:
            raise ValueError("from_lenskit: the scorer was trained with user_embeddings=False; give data=")
        return np.asarray(scorer.user_embeddings), None if stored is None else np.asarray(stored)
    vectors = np.zeros((len(user_ids), scorer.item_embeddings.shape[1]), np.float32)
    biases = np.zeros(len(user_ids))
    for row, user in enumerate(user_ids):
        vectors[row], new_bias = scorer.new_user_embedding(row, data.user_row(user))
        biases[row] = 0.0 if new_bias is None else float(new_bias)
    return vectors, None if bias is None else biases


def seen_of(data: Any, rated: bool) -> rows.Seen:
    attribute = {"attribute": "rating"} if rated else {}
    matrix = data.interactions().matrix().scipy(layout="csr", **attribute)
    return rows.seen_lists(matrix, matrix.shape[0], matrix.shape[1], None, None)
