"""The conditions of a request, and how they become a recsys_request."""
from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional, TypedDict, Union

import numpy as np

from . import arrays, ids
from ._native import abi
from .errors import InvalidArgument

if TYPE_CHECKING:
    from .catalogue import Filter


class Conditions(TypedDict, total=False):
    """A request may have these besides a user and top_k. All are optional.

    genres        favourite genres: a preference that changes the order, no filter
    require_genres only items that have one of these genres
    preference_strength how much genres change the order: 0 not at all, 0.6 if absent, at most 10
    languages     only items in one of these languages, which also are a preference
    decade        only items of this decade: 1990 for the 1990s
    min_rating    only items rated at least this, 0..10
    exclude       ids of items that may not be in the answer
    allow         ids of the only items that may be in the answer
    liked         a session: ids of items liked just now, which make the vector to score with: of
                  an ALS model the one that its training would give ("fold_in"), else their mean
    liked_weights one number from 0 on for each of `liked`
    vector        `dimensions` float32 numbers to score with, in place of the user's
    filter        a Filter of a model with the same content
    include_seen  items that the user has seen may be in the answer
    include_adult adult items may be in the answer
    reasons       say why each item was chosen
    diversity     0..1: choose items that are unlike each other; 0 by score alone
    max_per_genre, max_per_decade, max_per_language  at most so many items of each
    """

    genres: Sequence[str]
    require_genres: Sequence[str]
    preference_strength: float
    languages: Sequence[str]
    decade: int
    min_rating: float
    exclude: ids.Ids
    allow: Optional[ids.Ids]
    liked: ids.Ids
    liked_weights: Union[Sequence[float], np.ndarray[Any, Any]]
    vector: Union[Sequence[float], np.ndarray[Any, Any]]
    filter: Optional[Filter]
    include_seen: bool
    include_adult: bool
    reasons: bool
    diversity: float
    max_per_genre: int
    max_per_decade: int
    max_per_language: int


_FLAGS = {"include_seen": abi.RECSYS_REQUEST_INCLUDE_SEEN,
          "include_adult": abi.RECSYS_REQUEST_INCLUDE_ADULT,
          "reasons": abi.RECSYS_REQUEST_REASONS}


_NUMBERS = ("decade", "min_rating", "diversity", "max_per_genre", "max_per_decade",
            "max_per_language")


def _texts(name: str, values: Sequence[str]) -> Any:
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name}: a list of texts is wanted, not one text")
    return (ctypes.c_char_p * len(values))(*(value.encode() for value in values))


def fill(request: Any, dimensions: int, conditions: Conditions) -> list[Any]:
    """Write conditions into a request. The result must live until the call has returned."""
    keep: list[Any] = []
    given: dict[str, Any] = dict(conditions)
    for name, value in given.items():
        if value is None:
            continue
        if name in _FLAGS:
            if value:
                request.flags |= _FLAGS[name]
        elif name in ("genres", "languages", "require_genres"):
            texts = _texts(name, value)
            keep.append(texts)
            setattr(request, name, ctypes.addressof(texts))
            setattr(request, "n_" + name, len(texts))
        elif name in ("exclude", "allow", "liked"):
            array, n = ids.to_ids(value)
            keep.append(array)
            setattr(request, name, ids.address(array))
            setattr(request, "n_" + name, n)
            if name == "allow":
                request.flags |= abi.RECSYS_REQUEST_ALLOW
        elif name in _NUMBERS:
            setattr(request, name, value)
        elif name == "preference_strength":
            request.preference_strength = value
            request.flags |= abi.RECSYS_REQUEST_STRENGTH
        elif name == "filter":
            held = value._open()
            keep.append(held)
            request.filter = held.pointer
        elif name == "vector":
            numbers = arrays.vector("vector", value, dimensions)
            keep.append(numbers)
            request.vector = numbers.ctypes.data
        elif name != "liked_weights":
            raise TypeError(f"there is no condition '{name}'; there are "
                            f"{', '.join(Conditions.__annotations__)}")
    _fill_weights(request, given, keep)
    return keep


def _fill_weights(request: Any, given: dict[str, Any], keep: list[Any]) -> None:
    if given.get("liked_weights") is None:
        return
    if "liked" not in given:
        raise InvalidArgument("liked_weights: there is no list `liked` that they belong to")
    weights = arrays.vector("liked_weights", given["liked_weights"], request.n_liked)
    keep.append(weights)
    request.liked_weights = weights.ctypes.data
