"""from_cornac: MF, PMF, BPR, WMF, NMF and SVD of cornac.

The models keep their vectors under different names, and each has its own rule for a score; this
file has one line for each. get_user_vectors() is not used: for MF it leaves out the mean and the
user's bias, which change scores.
"""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from ..builder import Builder
from . import rows
from .parts import Parts


class Kind(NamedTuple):
    users: str
    items: str
    has_user_bias: bool
    has_item_bias: bool
    link: str


KINDS = {
    "MF": Kind("u_factors", "i_factors", True, True, "linear"),
    "SVD": Kind("u_factors", "i_factors", True, True, "linear"),
    "NMF": Kind("u_factors", "i_factors", True, True, "linear"),
    "PMF": Kind("U", "V", False, False, "linear"),
    "WMF": Kind("U", "V", False, False, "clip"),
    "BPR": Kind("u_factors", "i_factors", False, True, "sigmoid"),
    "WBPR": Kind("u_factors", "i_factors", False, True, "sigmoid"),
}


def from_cornac(model: Any, *, train_set: Any = None, seen: bool = True, catalogue: Any = None,
                name: Optional[str] = None) -> Builder:
    """A builder of a fitted MF, SVD, NMF, PMF, WMF, BPR or WBPR.

    train_set   the cornac.data.Dataset of fit(), if the model does not have it any more (a saved
                model has not)
    seen        False: without the ratings of the train set as seen lists

    Raw scores are score(user). Ratings are mapped linearly from the train set's range to 0..1; the
    scores of a non-linear PMF and of BPR by the logistic function; WMF's are clipped.
    """
    name_of_kind = next((base.__name__ for base in type(model).__mro__ if base.__name__ in KINDS), None)
    if name_of_kind is None:
        raise TypeError(f"from_cornac: no rule for the scores of {type(model).__name__}; there is one for "
                        f"{', '.join(KINDS)}. from_arrays() takes its vectors")
    kind = KINDS[name_of_kind]
    users, items = getattr(model, kind.users, None), getattr(model, kind.items, None)
    if users is None or items is None:
        raise ValueError("from_cornac: the model has no vectors; fit() it first")
    train = train_set if train_set is not None else getattr(model, "train_set", None)
    if seen and train is None:
        raise ValueError("from_cornac: this model has no train set; give train_set=, or seen=False")
    link = "sigmoid" if getattr(model, "variant", "linear") == "non_linear" else kind.link
    return Parts(
        f"cornac-{name_of_kind.lower()}", np.asarray(users), np.asarray(items),
        np.asarray(model.u_biases) if kind.has_user_bias else None,
        np.asarray(model.i_biases) if kind.has_item_bias else None,
        ids_of(model.uid_map, len(users)), ids_of(model.iid_map, len(items)),
        seen_of(train, len(users), len(items)) if seen else None, link=link,
        link_range=(float(model.min_rating), float(model.max_rating)) if link == "linear" else None,
        global_mean=float(model.global_mean) if kind.has_user_bias else 0.0,
        hyperparameters={"k": int(model.k)}, catalogue=catalogue, name=name).builder()


def ids_of(rows_by_id: dict[Any, int], n: int) -> list[Any]:
    """The map has the users of the test set, too, behind those that the model was trained with."""
    known = {row: value for value, row in rows_by_id.items() if row < n}
    return [known[row] for row in range(n)]


def seen_of(train: Any, n_users: int, n_items: int) -> rows.Seen:
    users, items, ratings = train.uir_tuple
    return rows.seen_of_pairs(np.asarray(users), np.asarray(items), np.asarray(ratings), n_users, n_items)
