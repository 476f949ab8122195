"""Ids and rows: what a library calls a user or an item, and where it stands in the arrays.

A model has one kind of id for its users and one for its items, integers from 0 or texts. Float ids
are refused: pandas makes them of integers when a value is missing, and 7.0 would silently become
another name than 7. Seen lists come as a sparse matrix whose rows and columns are those of the
vectors, or as a table whose first columns are users, items and, optionally, weights.
"""
from __future__ import annotations

from typing import Any, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import frames

Ids = Union[np.ndarray, "list[str]"]


class Seen(NamedTuple):
    """The seen lists of all users, in the arrays of recsys/builder.h."""

    offsets: np.ndarray  # uint64 [n_users + 1]
    items: np.ndarray  # uint32, rows of item_factors
    weights: Optional[np.ndarray]  # float32, as many


def as_ids(values: Any, what: str) -> Ids:
    """int64 [n], or a list of texts.

    >>> as_ids([3, 1], "item_ids")
    array([3, 1])
    >>> as_ids(["b", "a"], "item_ids")
    ['b', 'a']
    """
    if not isinstance(values, np.ndarray):
        if hasattr(values, "dtype") or frames.is_arrow(values):
            frames.refuse_nulls(values, what)
        values = frames.plain(values)
        array = np.asarray(values) if all(isinstance(v, (int, np.integer)) for v in values) else \
            np.array(values, object)
    else:
        array = values
    if array.ndim != 1:
        raise ValueError(f"{what}: {array.ndim} dimensions instead of one")
    if array.dtype.kind in "iu":
        if array.dtype.kind == "u" and len(array) and int(array.max()) > np.iinfo(np.int64).max:
            raise ValueError(f"{what}: {int(array.max())} is more than 2^63 - 1")
        if len(array) and int(array.min()) < 0:
            raise ValueError(f"{what}: {int(array.min())} is negative; ids are integers from 0, or texts")
        return array.astype(np.int64)
    return object_ids(array.tolist(), what)


def object_ids(values: Sequence[Any], what: str) -> Ids:
    """Python objects: all of them integers, or all of them texts."""
    integers = sum(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values)
    if integers == len(values):
        return as_ids(np.array(values, np.int64), what)
    odd = next((v for v in values if not isinstance(v, str)), None)
    if odd is None:
        return [str(v) for v in values]
    if integers and any(isinstance(v, str) for v in values):
        raise TypeError(f"{what}: integers and texts; a model has one kind of id")
    hint = " (a column of integers with a gap becomes floats)" if isinstance(odd, float) else ""
    raise TypeError(f"{what}: {odd!r} is {type(odd).__name__}{hint}; ids are integers from 0, or texts")


def frame_ids(frame: frames.Frame, name: str, what: str) -> Ids:
    return as_ids(frames.column(frame, name, what), f"{what}, column {name!r}")


def row_of(ids: Optional[Ids], n: int) -> dict[Any, int]:
    """From an id to its row."""
    known = range(n) if ids is None else ids.tolist() if isinstance(ids, np.ndarray) else ids
    return {value: row for row, value in enumerate(known)}


def find_rows(values: Any, ids: Optional[Ids], n: int, what: str) -> np.ndarray:
    """The rows of ids; -1 for those that the model does not have. If it has none of them, they are
    of another kind, and that is an error."""
    rows = row_of(ids, n)
    wanted = as_ids(values, what)
    given = wanted.tolist() if isinstance(wanted, np.ndarray) else wanted
    found = np.fromiter((rows.get(value, -1) for value in given), np.int64, len(given))
    if len(found) and (found < 0).all():
        known = next(iter(rows), None)
        raise ValueError(f"{what}: the model has none of these ids; {given[0]!r} is the first of them, "
                         f"and {known!r} is one of the model's")
    return found


def seen_lists(seen: Any, n_users: int, n_items: int, user_ids: Optional[Ids],
               item_ids: Optional[Ids]) -> Seen:
    """From a sparse matrix, a table, or lists that are ready."""
    if isinstance(seen, Seen):
        return seen
    if hasattr(seen, "tocsr"):
        return seen_of_matrix(seen.tocsr(), n_users, n_items)
    frame = frames.local(seen)
    names = frames.columns(frame)
    if len(names) < 2:
        raise ValueError("seen: a table needs columns of users and items, and may have one of weights")
    users = find_rows(frames.column(frame, names[0], "seen"), user_ids, n_users, f"seen, {names[0]!r}")
    items = find_rows(frames.column(frame, names[1], "seen"), item_ids, n_items, f"seen, {names[1]!r}")
    weights = frames.numbers(frame, names[2], "seen") if len(names) > 2 else None
    return seen_of_pairs(users, items, weights, n_users, n_items)


def seen_of_matrix(matrix: Any, n_users: int, n_items: int) -> Seen:
    """Stored zeros count as seen, as implicit's filter takes them."""
    if matrix.shape != (n_users, n_items):
        hint = " (transposed?)" if matrix.shape == (n_items, n_users) else ""
        raise ValueError(f"seen: shape {matrix.shape} instead of ({n_users}, {n_items}): users by items{hint}")
    users = np.repeat(np.arange(n_users), np.diff(matrix.indptr))
    return seen_of_pairs(users, matrix.indices, np.asarray(matrix.data, np.float32), n_users, n_items)


def seen_of_pairs(users: np.ndarray, items: np.ndarray, weights: Optional[np.ndarray], n_users: int,
                  n_items: int) -> Seen:
    """Pairs with a row below 0 are left out; of equal pairs the last one stays."""
    known = (users >= 0) & (items >= 0)
    users, items = np.asarray(users)[known].astype(np.int64), np.asarray(items)[known].astype(np.int64)
    key = users * n_items + items
    _, last = np.unique(key[::-1], return_index=True)
    keep = len(key) - 1 - last
    offsets = np.zeros(n_users + 1, np.uint64)
    np.cumsum(np.bincount(users[keep], minlength=n_users), out=offsets[1:])
    kept = None if weights is None else np.ascontiguousarray(weights[known][keep], np.float32)
    return Seen(offsets, items[keep].astype(np.uint32), kept)
