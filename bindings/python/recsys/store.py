"""A key-value store: in the process, or Redis."""
from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from ._held import Caught, Held, Remade, call, create, take, text
from ._native import abi, adapter, lib, new
from .errors import AlreadyExists, NotFound

Bytes = Union[str, bytes]
Keys = set[bytes]


def to_bytes(value: Bytes) -> Any:
    """A recsys_bytes, which keeps the bytes; a str is UTF-8."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return abi.recsys_bytes(data, len(data))


def to_bytes_array(values: Sequence[Bytes]) -> Any:
    """An array of recsys_bytes, which keeps the bytes."""
    if isinstance(values, (str, bytes)):
        raise TypeError("a list of keys is wanted, not one key")
    return (abi.recsys_bytes * len(values))(*(to_bytes(value) for value in values))


def cache_options(max_bytes: int, max_value_bytes: int, ttl_ms: int, n_shards: int) -> Any:
    """recsys_cache_options; 0 means the default."""
    options = new(abi.recsys_cache_options)
    options.max_bytes, options.max_value_bytes = max_bytes, max_value_bytes
    options.ttl_ms, options.n_shards = ttl_ms, n_shards
    return options


class StoreStats(NamedTuple):
    """Counts since the start; breaker is "closed" (calls reach the store) or "open". entries to
    evictions are 0 for a store that is not in the process."""

    breaker: str
    calls: int
    failures: int
    refused: int
    opened: int
    entries: int
    bytes: int
    max_bytes: int
    evictions: int


class RedisStats(NamedTuple):
    """Connections of a Redis store now (open, idle) and since the start."""

    open: int
    idle: int
    connected: int
    closed_broken: int
    waited: int
    wait_timeouts: int
    maxmemory_policy: str
    version: str
    shared_writes: int  # in which the commands of several callers could go
    shared_commands: int  # in them


class Store(Remade):
    """A flat set of keys with values and times to live, behind a circuit breaker.

    Made by Store.memory() or Store.redis(). Keys and values are bytes; a str is taken as UTF-8. A
    forked child makes connections of its own.

    >>> store = Store.memory("example")
    >>> store.set("key", "value")
    True
    >>> store.get("key"), store.get("another")
    (b'value', None)
    >>> store.remove("key")
    1
    """

    in_process: bool

    @classmethod
    def memory(cls, name: str = "memory", *, max_bytes: int = 0, max_value_bytes: int = 0,
               ttl_ms: int = 0, n_shards: int = 0) -> Store:
        """In this process, bounded in bytes. 0: 64 MiB, 1 MiB a value, 300 s, 16 shards."""
        options = cache_options(max_bytes, max_value_bytes, ttl_ms, n_shards)
        made = cls.__new__(cls)
        made.in_process = True
        made._make = None
        made._held = create(lib.recsys_store_create_memory, lib.recsys_store_unref, name.encode(),
                            byref(options))
        return made

    @classmethod
    def redis(cls, url: str, *, name: str = "redis", prefix: Optional[str] = None,
              pool_size: int = 0, connect_timeout_ms: int = 0, command_timeout_ms: int = 0,
              pool_timeout_ms: int = 0, max_age_s: int = 0, share_from: int = 0,
              ca_file: Optional[str] = None,
              cert_file: Optional[str] = None, key_file: Optional[str] = None,
              ttl_ms: int = 0, failures: int = 0, probed: bool = False) -> Store:
        """Redis 6 or newer, or Valkey; it connects when it is first used.

        url     redis://[[user]:password@]host[:port][/db], rediss:// (TLS), unix:///path[?db=N]
        prefix  in front of every key
        probed  your program calls probe() regularly, so no request probes
        0 in the others means the library's default (recsys/redis.h, recsys/store.h).
        """
        library = adapter("redis")
        options, breaker = new(abi.recsys_redis_options), new(abi.recsys_store_options)
        buffer = ctypes.create_string_buffer(4 * len(url) + 64)
        call(library.recsys_redis_read_url, url.encode(), buffer, len(buffer), byref(options))
        for field, value in (("prefix", prefix), ("ca_file", ca_file), ("cert_file", cert_file),
                             ("key_file", key_file)):
            if value is not None:
                setattr(options, field, value.encode())
        options.pool_size, options.max_age_s = pool_size, max_age_s
        options.connect_timeout_ms, options.command_timeout_ms = connect_timeout_ms, command_timeout_ms
        options.pool_timeout_ms, options.share_from = pool_timeout_ms, share_from
        breaker.ttl_ms, breaker.failures = ttl_ms, failures
        breaker.flags = abi.RECSYS_STORE_PROBED if probed else 0
        made = cls.__new__(cls)
        made.in_process = False

        def make() -> Held:  # `options` points into `buffer`
            return create(library.recsys_redis_create, lib.recsys_store_unref, name.encode(),
                          byref(options), byref(breaker), keep=buffer)

        made._begin(make)
        return made

    @property
    def name(self) -> str:
        held = self._open()
        return text(lib.recsys_store_get_name(held))

    def get(self, key: Bytes) -> Optional[bytes]:
        """The value of a key, None if there is none."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[Bytes]) -> list[Optional[bytes]]:
        """The values of keys, in one round trip."""
        asked, values = to_bytes_array(keys), (abi.recsys_value * len(keys))()
        call(lib.recsys_store_get, self._open(), asked, len(keys), values, None)
        return [take(value) if value.data else None for value in values]

    def set(self, key: Bytes, value: Bytes, *, ttl_ms: int = 0, if_absent: bool = False) -> bool:
        """Store a value; ttl_ms 0 = the store's, recsys.NEVER = it does not expire. False if
        if_absent was asked for and the key has a value."""
        when = abi.RECSYS_STORE_IF_ABSENT if if_absent else abi.RECSYS_STORE_ALWAYS
        try:
            call(lib.recsys_store_set, self._open(), to_bytes(key), to_bytes(value), ttl_ms,
                 when)
        except AlreadyExists:
            return False
        return True

    def remove(self, *keys: Bytes) -> int:
        """Remove keys; how many there were."""
        removed = ctypes.c_uint64()
        call(lib.recsys_store_remove, self._open(), to_bytes_array(keys), len(keys),
             byref(removed))
        return removed.value

    def get_or_set(self, key: Bytes, value: Bytes, *, ttl_ms: int = 0) -> Optional[bytes]:
        """Atomically: the value that the key has; or None, and it has this one now."""
        present = abi.recsys_value()
        call(lib.recsys_store_get_or_set, self._open(), to_bytes(key), to_bytes(value),
             ttl_ms, byref(present), None)
        return take(present) if present.data else None

    def replace(self, key: Bytes, prefix: Bytes, value: Optional[Bytes], *, ttl_ms: int = 0) -> bool:
        """Atomically: replace the value if it begins with `prefix`; None removes it. Whether it
        did."""
        given = abi.recsys_bytes(None, 0) if value is None else to_bytes(value)
        try:
            call(lib.recsys_store_replace, self._open(), to_bytes(key), to_bytes(prefix),
                 given, ttl_ms)
        except NotFound:
            return False
        return True

    def scan(self, *parts: Bytes) -> Keys:
        """The keys that consist of these literals with any text between each two: scan("user:", "")
        finds all that begin with user:."""
        found: Keys = Keys()
        asked, cursor = to_bytes_array(parts), ctypes.c_uint64()

        def add(key: Any, _user_data: int) -> int:
            data, size = np.frombuffer(key, dtype=np.uint64).tolist()
            found.add(ctypes.string_at(data, size))
            return 0

        caught = Caught()
        callback = abi.recsys_key_callback(caught.guard(add))
        while True:
            caught.call(lib.recsys_store_scan, self._open(), asked, len(parts),
                        byref(cursor), callback, None)
            if not cursor.value:
                return found

    def probe(self) -> None:
        """Ask a store whose breaker is open whether it works again. Raises what it answers."""
        call(lib.recsys_store_probe, self._open())

    def stats(self) -> StoreStats:
        out = new(abi.recsys_store_stats)
        call(lib.recsys_store_get_stats, self._open(), byref(out))
        return StoreStats("open" if out.breaker == abi.RECSYS_BREAKER_OPEN else "closed",
                          *(getattr(out, name) for name in StoreStats._fields[1:]))

    def redis_stats(self) -> RedisStats:
        """Connections of a Redis store."""
        out = new(abi.recsys_redis_stats)
        call(adapter("redis").recsys_redis_get_stats, self._open(), byref(out))
        return RedisStats(out.open, out.idle, out.connected, out.closed_broken, out.waited,
                          out.wait_timeouts, text(out.maxmemory_policy), text(out.version),
                          out.shared_writes, out.shared_commands)
