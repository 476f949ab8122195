"""Structs of the ABI as NumPy and struct see them, made from the ctypes declarations.

An array of structs is filled or read by NumPy in one step instead of field by field.
"""
from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

_FORMATS = {ctypes.c_uint32: "I", ctypes.c_int32: "i", ctypes.c_uint64: "Q", ctypes.c_int64: "q",
            ctypes.c_float: "f", ctypes.c_double: "d", ctypes.c_size_t: "Q",
            ctypes.c_void_p: "Q", ctypes.c_char_p: "Q"}


def _flat(kind: Any, prefix: str = "", base: int = 0) -> Iterator[tuple[str, str, int]]:
    """(name, format, offset) of every number in a struct; nested ones as outer.inner."""
    for name, field, *_ in kind._fields_:
        at = base + getattr(kind, name).offset
        if issubclass(field, ctypes.Structure):
            yield from _flat(field, f"{prefix}{name}.", at)
        else:
            yield prefix + name, _FORMATS[field], at


def names(kind: Any) -> list[str]:
    """The numbers of a struct, in the order in which unpacker() gives them."""
    return [name for name, _, _ in _flat(kind)]


def dtype(kind: Any) -> np.dtype[Any]:
    """The struct as a structured dtype; pointers are uint64."""
    flat = list(_flat(kind))
    return np.dtype({"names": names(kind), "formats": ["=" + f for _, f, _ in flat],
                     "offsets": [at for _, _, at in flat], "itemsize": ctypes.sizeof(kind)})


def unpacker(kind: Any) -> struct.Struct:
    """Reads all numbers of a struct at once; pointers as integers. For structs without holes."""
    made = struct.Struct("=" + "".join(f for _, f, _ in _flat(kind)))
    assert made.size == ctypes.sizeof(kind), kind
    return made
