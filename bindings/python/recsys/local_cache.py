"""A bounded cache of bytes in this process, which loads nothing by itself."""
from __future__ import annotations

import ctypes
from ctypes import byref
from typing import NamedTuple, Optional

from ._held import Held, Owner, call, create
from ._native import abi, lib, new
from .errors import NotFound
from .store import Bytes, cache_options, to_bytes


class LocalCacheStats(NamedTuple):
    """Counts since the start, and entries and bytes now."""

    hits: int
    misses: int
    sets: int
    removals: int
    evictions: int
    expirations: int
    entries: int
    bytes: int
    max_bytes: int


class LocalCache(Owner):
    """Keys and values are bytes (a str is UTF-8); the bound counts keys, values and bookkeeping.
    S3-FIFO chooses the entries to evict. If one caller is to load for all, use Cache.

    0 means: 64 MiB, 1 MiB a value, 300 s, 16 shards.

    >>> cache = LocalCache(max_bytes=1 << 20)
    >>> cache.set("a", "1")
    >>> cache.get("a"), cache.get("b"), cache.stats().hits
    (b'1', None, 1)
    """

    def __init__(self, *, max_bytes: int = 0, max_value_bytes: int = 0, ttl_ms: int = 0,
                 n_shards: int = 0) -> None:
        self._held: Optional[Held] = create(
            lib.recsys_cache_create, lib.recsys_cache_destroy,
            byref(cache_options(max_bytes, max_value_bytes, ttl_ms, n_shards)))

    def get(self, key: Bytes) -> Optional[bytes]:
        """The value, None if it is absent or has expired."""
        entry, size = ctypes.c_void_p(), ctypes.c_size_t()
        try:
            call(lib.recsys_cache_get, self._open(), to_bytes(key), byref(entry))
        except NotFound:
            return None
        try:
            data = lib.recsys_cache_entry_get(entry, byref(size))
            return ctypes.string_at(data, size.value) if size.value else b""
        finally:
            lib.recsys_cache_release(entry)

    def set(self, key: Bytes, value: Bytes, *, ttl_ms: int = 0) -> None:
        """Store a value; ttl_ms 0 = the cache's, recsys.NEVER = it does not expire."""
        call(lib.recsys_cache_set, self._open(), to_bytes(key), to_bytes(value), ttl_ms)

    def remove(self, key: Bytes) -> bool:
        """Remove a key; whether it was there."""
        try:
            call(lib.recsys_cache_remove, self._open(), to_bytes(key))
        except NotFound:
            return False
        return True

    def clear(self) -> None:
        """Remove everything."""
        held = self._open()
        lib.recsys_cache_clear(held)

    def stats(self) -> LocalCacheStats:
        out = new(abi.recsys_cache_stats)
        call(lib.recsys_cache_get_stats, self._open(), byref(out))
        return LocalCacheStats(*(getattr(out, name) for name in LocalCacheStats._fields))
