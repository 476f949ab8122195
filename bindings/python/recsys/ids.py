"""Ids of users and items: integers from 0, or texts; one kind in each model.

An id of Python becomes a recsys_id, whose text is borrowed from a bytes object; so the caller
that makes one keeps that object until the call has returned.
"""
from __future__ import annotations

import ctypes
from collections.abc import Iterable
from operator import index
from typing import Any, Union

import numpy as np

from ._native import abi
from .errors import InvalidArgument

Id = Union[int, str]
Ids = Union[Iterable[Id], "np.ndarray[Any, Any]"]


def to_id(value: Any) -> Any:
    """A recsys_id. It keeps the bytes of a text alive."""
    if isinstance(value, str):
        encoded = value.encode()
        return abi.recsys_id(encoded, len(encoded))
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"an id is an int or a str, not {type(value).__name__}") from None
    if not 0 <= number < 2**63:
        raise InvalidArgument(f"an integer id lies between 0 and 2**63-1; this one is {number}")
    return abi.recsys_id(None, number)


def to_ids(values: Ids) -> tuple[Any, int]:
    """An array of recsys_id that keeps its texts alive (a ctypes or NumPy object), and its length."""
    if not isinstance(values, np.ndarray):
        if isinstance(values, (str, bytes)):
            raise TypeError("a list of ids is wanted, not one text")
        found = list(values)
        if not all(type(value) is int for value in found):
            return _one_by_one(found)
        try:
            values = np.array(found, dtype=np.int64)
        except OverflowError:
            return _one_by_one(found)
    if values.ndim != 1:
        raise InvalidArgument(f"ids: an array of one dimension is wanted, not of {values.ndim}")
    if values.dtype.kind not in "iu":
        return _one_by_one(values.tolist())
    if values.size and (int(values.min()) < 0 or int(values.max()) >= 2**63):
        raise InvalidArgument(f"integer ids lie between 0 and 2**63-1; these reach from "
                              f"{values.min()} to {values.max()}")
    pairs = np.zeros((values.size, 2), dtype=np.uint64)
    pairs[:, 1] = values
    return pairs, values.size


def _one_by_one(values: list[Any]) -> tuple[Any, int]:
    made = [to_id(value) for value in values]
    return (abi.recsys_id * len(made))(*made), len(made)


def address(array: Any) -> int:
    """Where an array that to_ids() made begins."""
    if isinstance(array, np.ndarray):
        return int(array.ctypes.data)
    return ctypes.addressof(array)


def from_parts(pointer: int, number: int) -> Id:
    """The id of a recsys_id's two members."""
    if pointer:
        return ctypes.string_at(pointer, number).decode("utf-8", "replace")
    return number
