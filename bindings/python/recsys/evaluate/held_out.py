"""Held-out items of users, from whatever split the caller has."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from ..export import frames, rows
from ..model import Model


class HeldOut(NamedTuple):
    """Pairs of users and items, each once, in the order of users."""

    user_ids: list[Any]  # those with at least one item
    users: np.ndarray[Any, Any]  # int64 [n_pairs]: positions in user_ids
    rows: np.ndarray[Any, Any]  # int64 [n_pairs]: rows of the model's items
    n_held: np.ndarray[Any, Any]  # int64 [len(user_ids)]
    n_left_out: int  # pairs of users or items that the model does not have


def read_held_out(model: Model, test: Any, user_ids: Any, item_ids: Any) -> HeldOut:
    users, items = pairs_of(test, user_ids, item_ids)
    if not len(users):
        raise ValueError("test: nobody has a held-out item")
    kinds = {"users": (users, model.info.user_id_kind), "items": (items, model.info.item_id_kind)}
    for what, (ids, kind) in kinds.items():
        if isinstance(ids, np.ndarray) != (kind == "integer"):
            raise TypeError(f"test: ids of {what} are {'integers' if kind == 'text' else 'texts'}; "
                            f"the model's are {kind}s")
    rows_of = {item: row for row, item in enumerate(model.item_ids.tolist())}
    known_users = set(model.user_ids.tolist())
    positions: dict[Any, int] = {}
    given = list(zip(listed(users), listed(items)))
    pairs = {(positions.setdefault(user, len(positions)), rows_of[item]) for user, item in given
             if user in known_users and item in rows_of}
    if not pairs:
        raise ValueError("test: the model has none of these users and items")
    table = np.array(sorted(pairs), np.int64)
    left_out = len({pair for pair in given if pair[0] not in known_users or pair[1] not in rows_of})
    return HeldOut(list(positions), table[:, 0], table[:, 1], np.bincount(table[:, 0]), left_out)


def listed(ids: rows.Ids) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else ids


def pairs_of(test: Any, user_ids: Any, item_ids: Any) -> tuple[rows.Ids, rows.Ids]:
    """The ids of users and items, as long as each other."""
    if hasattr(test, "tocoo"):
        matrix = test.tocoo()
        return (names_of(matrix.row, user_ids, matrix.shape[0], "user_ids"),
                names_of(matrix.col, item_ids, matrix.shape[1], "item_ids"))
    if isinstance(test, tuple) and len(test) == 2:
        users, items = (rows.as_ids(values, "test") for values in test)
        if len(users) != len(items):
            raise ValueError(f"test: {len(users)} users and {len(items)} items; these are pairs")
        return users, items
    frame = frames.local(test)
    names = frames.columns(frame)
    if len(names) < 2:
        raise ValueError("test: a table needs a column of users and one of items")
    return rows.frame_ids(frame, names[0], "test"), rows.frame_ids(frame, names[1], "test")


def names_of(numbers: np.ndarray[Any, Any], ids: Optional[Any], n: int, what: str) -> rows.Ids:
    if ids is None:
        return numbers.astype(np.int64)
    names = rows.as_ids(ids, what)
    if len(names) != n:
        raise ValueError(f"{what}: {len(names)} ids for {n} rows or columns of the matrix")
    return names[numbers] if isinstance(names, np.ndarray) else [names[i] for i in numbers]
