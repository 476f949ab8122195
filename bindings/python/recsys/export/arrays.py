"""from_arrays and from_dataframe: vectors from anywhere, by whatever trained them."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Union

import numpy as np

from ..builder import Builder
from . import frames, rows
from .parts import Parts


def from_arrays(user_factors: Any, item_factors: Any, *, user_bias: Any = None, item_bias: Any = None,
                global_mean: float = 0.0, user_ids: Any = None, item_ids: Any = None, seen: Any = None,
                catalogue: Any = None, metric: str = "inner_product", link: str = "sigmoid",
                link_range: Optional[tuple[float, float]] = None, popularity: Any = None,
                algorithm: str = "arrays", name: Optional[str] = None) -> Builder:
    """A builder of NumPy arrays: user_factors [n_users,d], item_factors [n_items,d], biases [n] or
    [n,1]. Every real dtype is stored as float32, and any memory order will do.

    user_ids, item_ids    in the order of rows, integers from 0 or texts; None: numbers of rows
    seen                  a sparse matrix [n_users,n_items], or a table of users, items, weights
    catalogue               a table with id, title, genres, ...
    link_range            for link="linear": the raw scores that become 0 and 1
    """
    return Parts(algorithm, as_matrix(user_factors, "user_factors"), as_matrix(item_factors, "item_factors"),
                 as_bias(user_bias, "user_bias"), as_bias(item_bias, "item_bias"), user_ids, item_ids, seen,
                 metric, link, link_range, global_mean, popularity, catalogue=catalogue, name=name).builder()


def from_dataframe(users: Any, items: Any, *, id: str = "id",  # the column's usual name
                   factors: Union[str, Sequence[str]] = "features", bias: Optional[str] = None,
                   global_mean: float = 0.0, seen: Any = None, catalogue: Any = None,
                   metric: str = "inner_product", link: str = "sigmoid",
                   link_range: Optional[tuple[float, float]] = None, algorithm: str = "dataframe",
                   name: Optional[str] = None) -> Builder:
    """A builder of two tables (pandas, polars, Arrow, Spark), one row a user or an item.

    factors   the column that has the vectors as lists, or the names of the columns of numbers
    bias      the column that has the biases; other arguments as in from_arrays()
    """
    sides = [read_side(frames.local(frame), what, id, factors, bias)
             for frame, what in ((users, "users"), (items, "items"))]
    (user_ids, user_factors, user_bias), (item_ids, item_factors, item_bias) = sides
    return Parts(algorithm, user_factors, item_factors, user_bias, item_bias, user_ids, item_ids, seen,
                 metric, link, link_range, global_mean, catalogue=catalogue, name=name).builder()


def read_side(frame: frames.Frame, what: str, id: str, factors: Union[str, Sequence[str]],
              bias: Optional[str]) -> tuple[rows.Ids, np.ndarray, Optional[np.ndarray]]:
    if isinstance(factors, str):
        vectors = frames.matrix(frame, factors, what)
    else:
        vectors = np.stack([frames.numbers(frame, name, what) for name in factors], axis=1)
    return (rows.frame_ids(frame, id, what), vectors,
            None if bias is None else frames.numbers(frame, bias, what))


def as_matrix(values: Any, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu" or array.ndim != 2:
        raise TypeError(f"{what}: {array.dtype} {list(array.shape)} instead of real numbers [n,d]")
    return array


def as_bias(values: Any, what: str) -> Optional[np.ndarray]:
    """[n] or [n,1]."""
    if values is None:
        return None
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        raise TypeError(f"{what}: {array.dtype} {list(array.shape)} instead of real numbers [n]")
    return array
