"""NumPy arrays in and out of the library without copies.

A view into an object of the library keeps that object alive and cannot be written to. This
module checks arrays of callers, so a wrong dtype, shape or stride never reaches C.
"""
from __future__ import annotations

import ctypes
from typing import Any, Optional

import numpy as np

from ._held import Held
from ._native import abi
from .errors import InvalidArgument

DTYPES = {abi.RECSYS_DTYPE_F32: "float32", abi.RECSYS_DTYPE_F64: "float64",
          abi.RECSYS_DTYPE_F16: "float16", abi.RECSYS_DTYPE_BF16: "bfloat16",
          abi.RECSYS_DTYPE_I32: "int32", abi.RECSYS_DTYPE_U32: "uint32",
          abi.RECSYS_DTYPE_I64: "int64", abi.RECSYS_DTYPE_U64: "uint64",
          abi.RECSYS_DTYPE_U8: "uint8"}
NUMBERS = {name: number for number, name in DTYPES.items()}


class _Memory:
    """NumPy makes a view of this; the view keeps it, and with it the object that has the memory."""

    def __init__(self, owner: Held, array: Any) -> None:
        n = array.n_dims
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "typestr": np.dtype(DTYPES[array.dtype]).str,
            "data": (array.data or 0, True), "shape": tuple(array.shape[:n]),
            "strides": tuple(array.strides[:n])}


def view(owner: Held, array: Any) -> np.ndarray[Any, Any]:
    """A read-only view of a recsys_array that `owner` has."""
    if not array.data or not all(array.shape[:array.n_dims]):
        return np.zeros(tuple(array.shape[:array.n_dims]), DTYPES[array.dtype])
    return np.asarray(_Memory(owner, array))


def describe(name: str, array: np.ndarray[Any, Any]) -> Any:
    """A recsys_array of an array of one or two dimensions."""
    number = NUMBERS.get(array.dtype.name)
    if number is None:
        raise TypeError(f"{name}: the library has no dtype {array.dtype}; it takes "
                        f"{', '.join(NUMBERS)}")
    if not array.dtype.isnative:
        raise TypeError(f"{name}: {array.dtype} is not in this machine's byte order; "
                        f"use .astype({array.dtype.newbyteorder('=')!r})")
    if array.ndim not in (1, 2):
        raise InvalidArgument(f"{name}: an array of 1 or 2 dimensions is wanted, not of shape "
                              f"{array.shape}")
    made = abi.recsys_array(array.ctypes.data, number, array.ndim)
    for i in range(array.ndim):
        made.shape[i], made.strides[i] = array.shape[i], array.strides[i]
    return made


def with_strides(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array, copied only if a stride is 0 (as of np.broadcast_to), which means C order to C."""
    return array if all(array.strides) else np.ascontiguousarray(array)


def matrix(name: str, array: Any, columns: int, rows: Optional[int] = None) -> np.ndarray[Any, Any]:
    """A float32 matrix whose rows have no gaps inside, as it is."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: a NumPy array is wanted, not {type(array).__name__}; "
                        "use np.asarray(..., dtype=np.float32)")
    if array.dtype != np.float32 or not array.dtype.isnative:
        raise TypeError(f"{name}: float32 is wanted, not {array.dtype}; use .astype(np.float32)")
    if array.ndim != 2 or array.shape[1] != columns or rows not in (None, array.shape[0]):
        raise InvalidArgument(f"{name}: shape [{'n' if rows is None else rows}, {columns}] is "
                              f"wanted, not {list(array.shape)}")
    if array.size and (array.strides[1] != 4 or array.strides[0] < 4 * columns or
                       array.strides[0] % 4):
        raise InvalidArgument(f"{name}: rows must be one after the other, without gaps inside; "
                              f"these strides are {array.strides}: use np.ascontiguousarray()")
    return array


def vector(name: str, values: Any, length: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    """`length` numbers without gaps. Lists become arrays; arrays of another dtype are refused."""
    if not isinstance(values, np.ndarray):
        values = np.array(values, dtype=dtype)
    if values.dtype != np.dtype(dtype) or not values.dtype.isnative:
        raise TypeError(f"{name}: {np.dtype(dtype)} is wanted, not {values.dtype}")
    if values.shape != (length,):
        raise InvalidArgument(f"{name}: {length} numbers are wanted; the shape is {values.shape}")
    return np.ascontiguousarray(values)


def rows(name: str, values: Any) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Rows of an array, as uint32 without gaps; anything but integers that fit is refused."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name}: integers are wanted, not {array.dtype}")
    if array.ndim != 1:
        raise InvalidArgument(f"{name}: an array of one dimension is wanted, not of {array.ndim}")
    if array.size and not (0 <= int(array.min()) and int(array.max()) < 2**32):
        raise InvalidArgument(f"{name}: rows lie between 0 and 2**32-1")
    return np.ascontiguousarray(array, dtype=np.uint32)


def pointer(array: Optional[np.ndarray[Any, Any]]) -> Optional[int]:
    """The address of an array's first number; None for None."""
    return None if array is None else ctypes.c_void_p(array.ctypes.data).value
