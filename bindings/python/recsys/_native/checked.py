"""Numbers and texts that C would misread are refused here.

ctypes keeps the low bits of a number that does not fit, so -1 would become the largest time to live
there is; and C reads a text up to its first NUL. Parameters of functions are U32, U64 and Text,
structs that begin with struct_size are Checked.
"""
from __future__ import annotations

import ctypes
from operator import index
from typing import Any


def _fits(value: Any, limit: int) -> int:
    number = index(value)
    if not 0 <= number < limit:
        raise ValueError(f"{number} does not lie between 0 and {limit - 1}")
    return number


class U32(ctypes.c_uint32):
    @classmethod
    def from_param(cls, value: Any) -> Any:
        return ctypes.c_uint32(_fits(value, 2**32))


class U64(ctypes.c_uint64):
    @classmethod
    def from_param(cls, value: Any) -> Any:
        return ctypes.c_uint64(_fits(value, 2**64))


class Text(ctypes.c_char_p):
    @classmethod
    def from_param(cls, value: Any) -> Any:
        if isinstance(value, bytes) and b"\0" in value:
            raise ValueError(f"a text may not contain NUL: {value!r}")
        return ctypes.c_char_p.from_param(value)


class Checked(ctypes.Structure):
    """A struct whose fields refuse numbers that do not fit, and texts with a NUL."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, (int, float)) and hasattr(value, "__index__"):
            value = value.__index__()  # NumPy's integers
        super().__setattr__(name, value)
        if isinstance(value, bytes):
            if b"\0" in value:
                raise ValueError(f"{name}: a text may not contain NUL: {value!r}")
        elif value is not None and not isinstance(value, float):
            kept = getattr(self, name)
            if isinstance(kept, int) and kept != value:
                raise ValueError(f"{name}: {value} does not fit; it would become {kept}")
