"""from_lightfm: models of LightFM and lightfm-next, with features or without.

A user's vector is the sum of the vectors of the user's features; get_user_representations() makes
it, and the bundle has one row a user. Ids come from lightfm.data.Dataset.
"""
from __future__ import annotations

from typing import Any, Optional

from ..builder import Builder
from .parts import Parts


def from_lightfm(model: Any, *, dataset: Any = None, user_features: Any = None, item_features: Any = None,
                 seen: Any = None, user_ids: Any = None, item_ids: Any = None, catalogue: Any = None,
                 name: Optional[str] = None) -> Builder:
    """A builder of a fitted LightFM model.

    dataset          the lightfm.data.Dataset that numbered users and items: gives their ids
    user_features, item_features   the matrices that fit() and predict() were given
    seen             the matrix that fit() was given, or a table of users and items

    Raw scores are those of predict(). Every loss of LightFM compares or fits them through the
    logistic function or by their order, so the link is sigmoid.
    """
    if getattr(model, "item_embeddings", None) is None:
        raise ValueError("from_lightfm: the model has no vectors; fit() it first")
    user_bias, users = model.get_user_representations(user_features)
    item_bias, items = model.get_item_representations(item_features)
    if dataset is not None:
        user_map, _, item_map, _ = dataset.mapping()
        user_ids, item_ids = in_row_order(user_map), in_row_order(item_map)
    return Parts(f"lightfm-{model.loss}", users, items, user_bias, item_bias, user_ids, item_ids, seen,
                 hyperparameters={"no_components": model.no_components}, catalogue=catalogue,
                 name=name).builder()


def in_row_order(rows: dict[Any, int]) -> list[Any]:
    """The names of a map from a name to its row, which need not be in the order of rows."""
    return sorted(rows, key=rows.__getitem__)
