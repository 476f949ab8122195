"""from_implicit: ALS, BPR and LMF of the package implicit.

BPR keeps the item's bias in the last column of its vectors, against ones on the users' side. LMF has
two such columns: the item's bias is the last but one, the user's bias the last. Here they become
biases, and the field similar_by says how similar_items() counts them.
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ..builder import Builder
from .parts import Parts

SETTINGS = ("factors", "regularization", "alpha", "iterations", "learning_rate", "neg_prop")
SIMILAR_BY = {"als": "vector", "bpr": "vector_bias", "lmf": "vector_bias_one"}


def from_implicit(model: Any, *, seen: Any = None, user_ids: Any = None, item_ids: Any = None,
                  catalogue: Any = None, name: Optional[str] = None) -> Builder:
    """A builder of a fitted implicit model, of the processor or the GPU.

    seen      the matrix user_items that the model was fitted with, so that items the user has had
              are left out, as recommend(..., filter_already_liked_items=True) does
    user_ids, item_ids   what the rows of that matrix are called; None: numbers of rows

    Raw scores are implicit's, and similar items those of similar_items(). The score is the raw one clipped to 0..1 for ALS, which fits 1 for
    what was liked, and its logistic function for BPR and LMF, which are trained through it.
    """
    users, items = to_numpy(model, "user_factors"), to_numpy(model, "item_factors")
    algorithm = algorithm_of(model)
    user_bias = item_bias = None
    if algorithm == "bpr":
        item_bias, users, items = items[:, -1], users[:, :-1], items[:, :-1]
    elif algorithm == "lmf":
        user_bias, item_bias = users[:, -1], items[:, -2]
        users, items = users[:, :-2], items[:, :-2]
    settings = {key: getattr(model, key) for key in SETTINGS if hasattr(model, key)}
    return Parts(algorithm, users, items, user_bias, item_bias, user_ids, item_ids, seen,
                 link="clip" if algorithm == "als" else "sigmoid",
                 similar_by=SIMILAR_BY[algorithm], hyperparameters=settings, catalogue=catalogue,
                 name=name).builder()


def algorithm_of(model: Any) -> str:
    """By the setting that the others lack, because a GPU model's class has another name."""
    if hasattr(model, "neg_prop"):
        return "lmf"
    if hasattr(model, "verify_negative_samples"):
        return "bpr"
    if hasattr(model, "alpha") or type(model).__name__ == "AlternatingLeastSquares":
        return "als"
    raise TypeError(f"from_implicit: {type(model).__name__} has no vectors; ALS, BPR and LMF have")


def to_numpy(model: Any, attribute: str) -> np.ndarray:
    factors = getattr(model, attribute, None)
    if factors is None:
        raise ValueError(f"from_implicit: {attribute} is None; fit() the model first")
    return np.asarray(factors.to_numpy() if hasattr(factors, "to_numpy") else factors)
