"""Cache-aside: read through a store, load what is missing once, never stale for long."""
from __future__ import annotations

import ctypes
import functools
import itertools
import json
import re
import sys
from collections.abc import Sequence
from ctypes import byref
from typing import TYPE_CHECKING, Any, Callable, Generic, NamedTuple, Optional, TypeVar, Union

from ._held import Held, Remade, call, create, take, wrong
from ._native import abi, lib, new
from .errors import Error, InvalidArgument, NotFound, StateError, error_of
from .interrupt import interruptible
from .stats import Stats
from .store import Bytes, Store, to_bytes, to_bytes_array

if TYPE_CHECKING:
    if sys.version_info >= (3, 10):
        from typing import ParamSpec
    else:
        from typing_extensions import ParamSpec
    P = ParamSpec("P")
else:
    P = TypeVar("P")
R = TypeVar("R")

OUTCOMES = {abi.RECSYS_ASIDE_HIT: "hit", abi.RECSYS_ASIDE_STALE: "stale",
            abi.RECSYS_ASIDE_NEGATIVE: "negative", abi.RECSYS_ASIDE_MISS: "miss",
            abi.RECSYS_ASIDE_UNKNOWN: "unknown"}
FORMATS = {"envelope": abi.RECSYS_ASIDE_FORMAT_ENVELOPE, "plain": abi.RECSYS_ASIDE_FORMAT_PLAIN}


def format_of(name: Optional[str]) -> int:
    """The number of a format; 0 for None."""
    if name is not None and name not in FORMATS:
        raise InvalidArgument(f"format is {name!r}, must be one of {', '.join(FORMATS)}")
    return 0 if name is None else FORMATS[name]



def encode_json(value: Any) -> bytes:
    """The value as JSON. NaN and infinities raise ValueError, since JSON has none."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class Loaded(NamedTuple):
    """A loader may return this in place of the value alone.

    version  of the row, if it has one that grows with every change
    ttl_ms   0 = the cache's; recsys.NEVER = it does not expire
    cached   False: return it, but do not store it
    """

    value: Any
    version: int = 0
    ttl_ms: int = 0
    cached: bool = True


class Found(NamedTuple):
    """A value, and where it came from: "hit", "stale", "miss" or "unknown" (the store failed). Of
    find() the value is None unless it is "hit" or "stale"; "negative" is a cached "does not
    exist"."""

    value: Any
    outcome: str


class CacheStats(NamedTuple):
    """Counts since the start, as recsys_aside_stats has them."""

    journal: int
    hits: int
    stale: int
    negative: int
    misses: int
    unknown: int
    loads: int
    load_failures: int
    shared: int
    waited: int
    early: int
    fills: int
    fills_refused: int
    identity_mismatches: int
    damaged: int
    invalidations: int
    replayed: int
    epochs: int
    too_large: int
    foreign: int


# A callback has one integer of the caller's; it finds the call that it belongs to here.
_calls: dict[int, Any] = {}
_numbers = itertools.count(1)


class _Call:
    """A loader or writer at work for one call, and the exception that came out of it."""

    def __init__(self, work: Callable[[int, int], int]) -> None:
        self.work = work
        self.error: Optional[BaseException] = None
        self.number = next(_numbers)

    def __enter__(self) -> _Call:
        _calls[self.number] = self
        return self

    def __exit__(self, *_: object) -> None:
        del _calls[self.number]

    def check(self, status: int, err: Any, outcome: int = 0) -> None:
        """Raise the exception that the work raised; else what the status means. A stale value that
        was returned because loading failed is no failure, unless a signal ended the work."""
        error, self.error = self.error, None
        if status and error is None:
            error = error_of(status, err.message, err.sys_errno)
        if error is None or not status and isinstance(error, Exception):
            return
        if isinstance(error, Error):
            error.outcome = OUTCOMES.get(outcome)
        try:
            raise error
        finally:
            del error  # it refers to this frame


def _work(subject: int, number: int, err: int) -> int:
    """Runs the Python side of a loader or writer, on the thread that called the cache."""
    mine = _calls[number]
    try:
        status: int = mine.work(subject, err)
        return status
    except BaseException as error:
        mine.error = error
        status = error.status if isinstance(error, Error) and error.status else abi.RECSYS_E_BACKEND
        said = f"{type(error).__name__}: {error}".replace("\0", " ")
        lib.recsys_error_set(err, status, said.encode("utf-8", "replace"))
        return status


_loader, _writer = abi.recsys_aside_loader(_work), abi.recsys_aside_writer(_work)


class Changes:
    """Given to a writer: write-through of values that it knows to be true after the write."""

    def __init__(self, cache: Cache, changes: int) -> None:
        self._cache = cache
        self._changes: Optional[int] = changes

    def set(self, index: int, value: Any, version: int) -> None:
        """The value that key number `index` has after this write, and its row's version, not 0.
        Raises StateError after the writer has returned."""
        data = to_bytes(self._cache.encode(value))
        if self._changes is None:
            raise StateError("the writer has returned: it calls set() before that")
        call(lib.recsys_aside_changes_set, self._changes, index, data, version)


class Cache(Remade):
    """A cache in front of a slow source of truth, over a store that processes may share.

    One load for each expiry, in this process and across processes; never an old value after an
    invalidation; a value of another key or another restart of the store is never used. Values are
    JSON unless you give encode and decode.

    store      None: in this process
    label      the name of the logical db, the same in all processes; None = the store's name
    ttl_ms, stale_ms, negative_ttl_ms, lease_ms, wait_ms   0 = 300 s, as ttl but at most 600 s,
               30 s, 2 s, twice the lease; recsys.NEVER_32
    stale, negative, jitter, refresh   False: no stale values, no cached "does not exist", exact
               times to live, no early refresh
    jitter_percent, beta, max_loads, journal_keys, max_value_bytes   as in recsys/aside.h
    encode, decode   from a value to bytes and back
    require_json     refuse values that are not JSON; None = unless you give encode
    format           "envelope", or "plain": the value as it is under its key, for other programs,
               and a companion beside it
    trust_others     with "plain": return values that other programs have stored

    >>> cache = Cache(label="users")
    >>> @cache.cached("user:{user_id}", ttl_ms=60000)
    ... def user(user_id):
    ...     print("reading", user_id)
    ...     return {"id": user_id}
    >>> user(7), user(7)
    reading 7
    ({'id': 7}, {'id': 7})
    >>> user.invalidate(7)
    >>> user(user_id=7)
    reading 7
    {'id': 7}
    """

    def __init__(self, store: Optional[Store] = None, *, label: Optional[str] = None,
                 ttl_ms: int = 0, stale_ms: int = 0, negative_ttl_ms: int = 0,
                 jitter_percent: int = 0, lease_ms: int = 0, wait_ms: int = 0, max_loads: int = 0,
                 journal_keys: int = 0, max_value_bytes: int = 0, beta: float = 0.0,
                 stale: bool = True, negative: bool = True, jitter: bool = True,
                 refresh: bool = True, stats: Optional[Stats] = None,
                 encode: Callable[[Any], bytes] = encode_json,
                 decode: Callable[[bytes], Any] = json.loads,
                 require_json: Optional[bool] = None, format: str = "envelope",
                 trust_others: bool = False) -> None:
        options = new(abi.recsys_aside_options)
        options.format = format_of(format)
        if require_json is None:
            require_json = encode is encode_json
        options.flags = ((not stale and abi.RECSYS_ASIDE_NO_STALE) |
                         (not negative and abi.RECSYS_ASIDE_NO_NEGATIVE) |
                         (not jitter and abi.RECSYS_ASIDE_NO_JITTER) |
                         (not refresh and abi.RECSYS_ASIDE_NO_REFRESH) |
                         (trust_others and abi.RECSYS_ASIDE_TRUST_OTHERS) |
                         (require_json and abi.RECSYS_ASIDE_JSON))
        for name, value in (("ttl_ms", ttl_ms), ("stale_ms", stale_ms), ("beta", beta),
                            ("negative_ttl_ms", negative_ttl_ms), ("lease_ms", lease_ms),
                            ("jitter_percent", jitter_percent), ("wait_ms", wait_ms),
                            ("max_loads", max_loads), ("journal_keys", journal_keys),
                            ("max_value_bytes", max_value_bytes)):
            setattr(options, name, value)
        options.label = None if label is None else label.encode()
        counted = None if stats is None else stats._open()
        options.stats = None if counted is None else counted.pointer
        over = Store.memory(label or "cache") if store is None else store
        self.store, self.encode, self.decode = over, encode, decode
        self._begin(lambda: create(lib.recsys_aside_create, lib.recsys_aside_destroy,
                                   over._open(), byref(options), keep=counted))
        self._flights: Any = None

    def find(self, key: Bytes) -> Found:
        """The cached value, without loading, and where it came from."""
        value, outcome = abi.recsys_value(), ctypes.c_uint32()
        try:
            call(lib.recsys_aside_get, self._open(), to_bytes(key), byref(value),
                 byref(outcome))
        except NotFound:
            return Found(None, OUTCOMES[outcome.value])
        except Error as error:
            error.outcome = OUTCOMES.get(outcome.value)
            raise
        return Found(self.decode(take(value)), OUTCOMES[outcome.value])

    def get(self, key: Bytes, default: Any = None) -> Any:
        """The cached value, fresh or stale; `default` if there is none."""
        value, outcome = self.find(key)
        return value if outcome in ("hit", "stale") else default

    def get_or_load(self, key: Bytes, loader: Callable[[], Any], *, timeout_ms: int = 0) -> Any:
        """The cached value; if there is none, what `loader` returns, which is stored.

        The loader runs on this thread, and once for all callers that wait. It returns the value, or
        a Loaded; it raises recsys.NotFound if the value does not exist, which is cached too. Its
        exceptions come out of this call, unless there is a stale value to return.

        timeout_ms  how long to wait for another caller's loader; 0 = the cache's wait_ms
        """
        return self.find_or_load(key, loader, timeout_ms=timeout_ms).value

    def find_or_load(self, key: Bytes, loader: Callable[[], Any], *, timeout_ms: int = 0) -> Found:
        """As get_or_load(), with the outcome."""
        value, outcome, err = abi.recsys_value(), ctypes.c_uint32(), abi.recsys_error()
        held = self._open()

        def load(subject: int, failure: int) -> int:
            loaded = loader()
            if not isinstance(loaded, Loaded):
                loaded = Loaded(loaded)
            data: bytes = self.encode(loaded.value)
            status: int = lib.recsys_aside_load_set(
                subject, abi.recsys_bytes(data, len(data)), loaded.version, loaded.ttl_ms,
                0 if loaded.cached else abi.RECSYS_ASIDE_UNCACHED, failure)
            return status

        with _Call(load) as mine:
            try:
                status = lib.recsys_aside_get_or_load(
                    held, to_bytes(key), _loader, mine.number, timeout_ms, byref(value),
                    byref(outcome), byref(err))
            except ctypes.ArgumentError as error:
                raise wrong(error) from None
            data = take(value)
            mine.check(status, err, outcome.value)
        return Found(self.decode(data), OUTCOMES[outcome.value])

    def set(self, key: Bytes, value: Any, *, version: int = 0, ttl_ms: int = 0) -> None:
        """Store a value that is known to be true now."""
        call(lib.recsys_aside_set, self._open(), to_bytes(key),
             to_bytes(self.encode(value)), version, ttl_ms)

    def write(self, keys: Union[Bytes, Sequence[Bytes]], writer: Callable[[Changes], R]) -> R:
        """Run `writer`, which changes the truth and commits; then invalidate the keys, also if it
        fails. Returns what it returns."""
        asked = [keys] if isinstance(keys, (str, bytes)) else keys
        names, err, held = to_bytes_array(asked), abi.recsys_error(), self._open()
        result: list[R] = []

        def write(subject: int, _failure: int) -> int:
            changes = Changes(self, subject)
            try:
                result.append(writer(changes))
            finally:
                changes._changes = None
            return 0

        with _Call(write) as mine:
            mine.check(lib.recsys_aside_write(held, names, len(names), _writer, mine.number,
                                              byref(err)), err)
        return result[0]

    def invalidate(self, *keys: Bytes) -> None:
        """Invalidate keys whose truth has changed; call it after the change was committed."""
        call(lib.recsys_aside_invalidate, self._open(), to_bytes_array(keys), len(keys))

    def invalidate_matching(self, *parts: Bytes) -> int:
        """Invalidate every key that consists of these literals with any text between each two;
        ("user:", "") means all that begin with user:. How many there were."""
        removed = ctypes.c_uint64()
        interruptible(_matching, self._open(), to_bytes_array(parts), len(parts), removed)
        return removed.value

    def invalidate_all(self) -> None:
        """Invalidate everything in this cache at once, in all processes."""
        call(lib.recsys_aside_invalidate_all, self._open())

    def flush(self, *, timeout_ms: int = 0) -> None:
        """Wait until all invalidations have reached the store; 0 = 2 s. Timeout: some have not,
        and stay remembered."""
        interruptible(_flush, self._open(), timeout_ms)

    def stats(self) -> CacheStats:
        return stats_of(self._open())

    def cached(self, pattern: str, *, ttl_ms: int = 0) -> Callable[[Callable[P, R]], Cached[P, R]]:
        """A decorator: the results of a function, or of a coroutine function, are kept under a key
        made of its arguments. See key_format() for the pattern."""

        def decorate(function: Callable[P, R]) -> Cached[P, R]:
            return Cached(self, function, pattern, ttl_ms)

        return decorate

    # -- asyncio: the same calls, on threads, so that the loop goes on --

    async def aget(self, key: Bytes, default: Any = None) -> Any:
        """get() for coroutines."""
        return await _calls_of_asyncio().on_thread(self.get, key, default)

    async def aget_or_load(self, key: Bytes, loader: Callable[[], Any], *,
                           timeout_ms: int = 0) -> Any:
        """get_or_load() for coroutines. The loader is a coroutine function, or a function that runs
        on another thread. All coroutines of a loop that ask for one key wait for one call; inside a
        loader, whose calls have other threads, they wait as threads do."""
        if self.store.in_process:
            found = self.find(key)  # takes microseconds
            if found.outcome == "hit":
                return found.value
        name, calls = key.encode() if isinstance(key, str) else bytes(key), _calls_of_asyncio()
        if self._flights is None:
            self._flights = calls.Flights()
        return await self._flights.join(name, lambda: calls.on_thread(
            functools.partial(self.get_or_load, key, calls.from_thread(loader),
                              timeout_ms=timeout_ms)))

    async def aset(self, key: Bytes, value: Any, *, version: int = 0, ttl_ms: int = 0) -> None:
        """set() for coroutines."""
        await _calls_of_asyncio().on_thread(functools.partial(self.set, key, value, version=version,
                                                              ttl_ms=ttl_ms))

    async def awrite(self, keys: Union[Bytes, Sequence[Bytes]], writer: Callable[[Changes], Any]
                     ) -> Any:
        """write() for coroutines; the writer may be a coroutine function."""
        calls = _calls_of_asyncio()
        return await calls.on_thread(self.write, keys, calls.from_thread(writer))

    async def ainvalidate(self, *keys: Bytes) -> None:
        """invalidate() for coroutines."""
        await _calls_of_asyncio().on_thread(self.invalidate, *keys)


def _calls_of_asyncio() -> Any:
    """The module async_calls, which imports asyncio; programs without it do not wait for that."""
    from . import async_calls

    return async_calls


class Cached(Generic[P, R]):
    """A function whose results are cached. key(...) is the key of its arguments, invalidate(...)
    makes the next call run it again, and `function` is the function itself."""

    def __init__(self, cache: Cache, function: Callable[P, R], pattern: str, ttl_ms: int) -> None:
        import inspect  # with asyncio, half of the time that the package would take to import

        functools.update_wrapper(self, function)
        self.cache, self.function, self.pattern, self.ttl_ms = cache, function, pattern, ttl_ms
        self._signature = inspect.signature(function)
        self._names = re.findall(r"\{(\w+)\}", pattern)
        self._is_async = inspect.iscoroutinefunction(function)
        mark = getattr(inspect, "markcoroutinefunction", None)  # since Python 3.12
        if self._is_async and mark is not None:
            mark(self)
        missing = [name for name in self._names if name not in self._signature.parameters]
        if missing:
            raise ValueError(f"{pattern!r}: {function.__name__}() has no parameter {missing[0]}")

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of these arguments."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return key_format(self.pattern, *(bound.arguments[name] for name in self._names))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        key = self.key(*args, **kwargs)
        if self._is_async:
            async def load() -> Any:
                value: Any = await self.function(*args, **kwargs)  # type: ignore[misc]
                return self._loaded(value)

            return self.cache.aget_or_load(key, load)  # type: ignore[return-value]
        result: R = self.cache.get_or_load(
            key, lambda: self._loaded(self.function(*args, **kwargs)))
        return result

    def _loaded(self, value: Any) -> Loaded:
        if isinstance(value, Loaded):
            return value._replace(ttl_ms=value.ttl_ms or self.ttl_ms)
        return Loaded(value, ttl_ms=self.ttl_ms)

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Invalidate the result for these arguments, in all processes."""
        self.cache.invalidate(self.key(*args, **kwargs))


def key_format(pattern: str, *values: Any) -> str:
    """A key of a fixed text and values. Characters of a value that could change another part of the
    key are percent-encoded.

    >>> key_format("chat:{user}:{room}", 7, "a:b")
    'chat:7:a%3Ab'
    """
    buffer = ctypes.create_string_buffer(abi.RECSYS_KEY_MAX + 1)
    size = ctypes.c_size_t(len(buffer))
    call(lib.recsys_key_format, pattern.encode(), to_bytes_array([str(v) for v in values]),
         len(values), buffer, byref(size))
    return buffer.raw[:size.value].decode()


def stats_of(aside: Union[Held, int]) -> CacheStats:
    """The counts of a recsys_aside, which its owner keeps if it is an address."""
    out = new(abi.recsys_aside_stats)
    call(lib.recsys_aside_get_stats, aside, byref(out))
    return CacheStats(*(getattr(out, name) for name in CacheStats._fields))


def _flush(held: Held, timeout_ms: int) -> None:
    call(lib.recsys_aside_flush, held, timeout_ms)


def _matching(held: Held, parts: Any, n: int, removed: Any) -> None:
    call(lib.recsys_aside_invalidate_matching, held, parts, n, byref(removed))
