"""The C library as the rest of the package sees it: `lib` with typed functions, and its structs.

Nothing above this folder knows where the library is or how it is loaded.
"""
from __future__ import annotations

import ctypes
from typing import Any

from . import abi
from .library import LibraryError, load, load_adapter

lib, path = load()
_adapters: dict[str, Any] = {}


def adapter(name: str) -> Any:
    """The library "redis" or "postgres", loaded when it is first wanted."""
    if name not in _adapters:
        _adapters[name] = load_adapter(name, path)
    return _adapters[name]


def new(struct: type[Any]) -> Any:
    """A struct that begins with struct_size: all zero, which means the defaults."""
    made = struct()
    made.struct_size = ctypes.sizeof(struct)
    return made


__all__ = ["LibraryError", "abi", "adapter", "lib", "new", "path"]
