"""recall, nDCG, MAP, coverage and novelty of lists of recommendations.

For a user with L held-out items, and hits among the first K places of the list:

    recall    hits / L
    ndcg      sum over hits of 1/log2(place + 1), divided by the sum that min(K, L) hits in the first
              places would have
    map       mean precision at the places of hits: sum over hits of (hits so far / place), divided by
              min(K, L)
    coverage  distinct items in all lists / items of the model
    novelty   mean over a list of -log2(users who have seen the item / users who have seen any); an
              item that nobody has seen counts as seen by one. NaN without seen lists

Recall, ndcg, map and novelty are means over users with at least one held-out item. These are the
figures of `recsysctl evaluate`. ndcg and map are those of the package implicit; recall is LightFM's,
and novelty is RecTools' mean inverse user frequency.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from ..model import Model
from .held_out import HeldOut, read_held_out

BATCH = 1024  # users a call


class Figures(NamedTuple):
    """How good lists of K items are; figures.py defines each figure.

    n_users     users with at least one held-out item
    n_left_out  pairs of a user or an item that the model does not have
    """

    k: int
    n_users: int
    n_left_out: int
    recall: float
    ndcg: float
    map: float
    coverage: float
    novelty: float


def measure(model: Model, test: Any, k: Any = 10, *, user_ids: Any = None, item_ids: Any = None,
            **conditions: Any) -> Any:
    """The Figures of the model's own recommendations; of several K at once if `k` is a sequence.

    test        held-out items: a table whose first columns are users and items, a pair (users, items)
                of arrays of ids, or a sparse matrix
    user_ids, item_ids   what rows and columns of the matrix are called; None: their numbers
    conditions  of recommend(), such as include_seen=True

    Items that a user has seen are left out of the user's list, as when the model serves. Pairs of a
    user or an item that the model does not have are left out, and counted.
    """
    held_out = read_held_out(model, test, user_ids, item_ids)
    ks = [int(k)] if isinstance(k, (int, np.integer)) else [int(one) for one in k]
    lists = recommend_all(model, held_out.user_ids, max(ks), **conditions)
    figures = figures_of(lists, held_out, ks, model)
    return figures[0] if isinstance(k, (int, np.integer)) else figures


def measure_popularity(model: Model, test: Any, k: int = 10, *, user_ids: Any = None,
                       item_ids: Any = None) -> Figures:
    """The Figures of the most popular items that each user has not seen, as unknown users get them:
    what a model must beat."""
    held_out = read_held_out(model, test, user_ids, item_ids)
    order = np.lexsort((np.argsort(np.argsort(model.item_ids)), -model.array("item_popularity")))
    seen = seen_rows(model, held_out.user_ids)
    lists = np.full((len(held_out.user_ids), k), -1, np.int64)
    for user, rows in enumerate(seen):
        first = order[:k + len(rows)]
        best = first[~np.isin(first, rows)][:k]
        lists[user, :len(best)] = best
    return figures_of(lists, held_out, [k], model)[0]


def recommend_all(model: Model, users: Sequence[Any], k: int, **conditions: Any) -> np.ndarray[Any, Any]:
    """int64 [len(users), k]: rows of the model's items, best first, -1 where a list ends."""
    conditions.setdefault("include_adult", True)
    lists = np.full((len(users), k), -1, np.int64)
    for start in range(0, len(users), BATCH):
        some = users[start:start + BATCH]
        batch = model.recommend_batch(some, top_k=k, **conditions)
        inside = np.arange(batch.rows.shape[1]) < batch.counts[:, None]
        lists[start:start + len(some), :batch.rows.shape[1]] = np.where(inside, batch.rows.astype(np.int64), -1)
    return lists


def figures_of(lists: np.ndarray[Any, Any], held_out: HeldOut, ks: Iterable[int],
               model: Model) -> list[Figures]:
    """Figures of ready lists: rows of items [n_users,K], -1 where a list ends. Each K is at most the
    lists' width."""
    hits = find_hits(lists, held_out)
    places = np.arange(1, lists.shape[1] + 1)
    gains = 1 / np.log2(places + 1)
    n_held = held_out.n_held.astype(np.float64)
    novelty = novelty_of_items(model)
    found = []
    for k in ks:
        some, inside = hits[:, :k], lists[:, :k] >= 0
        ideal = np.minimum(n_held, k).astype(np.int64)
        ap = (some * np.cumsum(some, axis=1) / places[:k]).sum(axis=1) / ideal
        best = np.concatenate([[0.0], np.cumsum(gains)])[ideal]
        new = np.where(inside, novelty[lists[:, :k]], 0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
        distinct = len(np.unique(lists[:, :k][inside]))
        found.append(Figures(k, len(lists), held_out.n_left_out, float((some.sum(axis=1) / n_held).mean()),
                             float(((some * gains[:k]).sum(axis=1) / best).mean()), float(ap.mean()),
                             distinct / model.info.n_items, float(new.mean())))
    return found


def find_hits(lists: np.ndarray[Any, Any], held_out: HeldOut) -> np.ndarray[Any, Any]:
    """bool, of the shape of lists: whether the user there has this item held out."""
    width = int(max(lists.max(initial=0), held_out.rows.max(initial=0))) + 1
    users = np.arange(len(lists))[:, None]
    return np.isin(users * width + lists, held_out.users * width + held_out.rows) & (lists >= 0)


def novelty_of_items(model: Model) -> np.ndarray[Any, Any]:
    """float64 [n_items], by row."""
    if not model.info.n_seen:
        return np.full(model.info.n_items, np.nan)
    seen_by = np.bincount(model.array("seen_items").astype(np.int64), minlength=model.info.n_items)
    n_users = int((np.diff(model.array("seen_offsets").astype(np.int64)) > 0).sum())
    return np.asarray(-np.log2(np.maximum(seen_by, 1) / n_users))


def seen_rows(model: Model, users: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """For each user the rows of the items seen; none for a user whom the model does not know."""
    if not model.info.n_seen:
        return [np.zeros(0, np.int64)] * len(users)
    row = {user: i for i, user in enumerate(model.user_ids.tolist())}
    offsets, items = model.array("seen_offsets"), model.array("seen_items")
    nothing = items[:0]
    return [items[int(offsets[row[user]]):int(offsets[row[user] + 1])] if user in row else nothing for user in users]
