"""A rate limiter that processes share, with a local one that takes over."""
from __future__ import annotations

from ctypes import byref
from typing import NamedTuple, Optional, Union

from ._held import Remade, call, create
from ._native import abi, lib, new
from .store import Store


class Limit(NamedTuple):
    """A decision, with the numbers for HTTP's RateLimit fields. It is true if the request may pass.

    limit      the burst; this process' share of it if the local limiter decided
    remaining  how many requests could pass at once now
    retry_ms   until this request would be allowed; 0 if it was
    reset_ms   until the whole burst is there again
    local      whether the local limiter decided
    """

    allowed: bool
    limit: int
    remaining: int
    retry_ms: int
    reset_ms: int
    local: bool

    def __bool__(self) -> bool:
        return self.allowed


class Limiter(Remade):
    """`burst` requests at once, then `rate` every `period_ms`; exact, also across processes.

    store    shared by processes; None = this process alone
    burst    0 = rate
    share    among how many processes the limit is divided while the store is away
    strict   refuse instead of letting pass if the local limiter has no room for another key
    max_keys of the local limiter; 0 = 65536
    prefix   of keys in the store; None = "limit:"

    >>> limiter = Limiter(rate=1, period_ms=60000)
    >>> bool(limiter.allow("client")), bool(limiter.allow("client"))
    (True, False)
    """

    def __init__(self, store: Optional[Store] = None, *, rate: int = 100, period_ms: int = 60000,
                 burst: int = 0, share: int = 1, strict: bool = False, max_keys: int = 0,
                 prefix: Optional[str] = None) -> None:
        options = new(abi.recsys_limiter_options)
        options.flags = abi.RECSYS_LIMITER_STRICT if strict else 0
        options.rate, options.period_ms, options.burst = rate, period_ms, burst
        options.share, options.max_keys = share, max_keys
        options.prefix = None if prefix is None else prefix.encode()
        self._begin(lambda: create(lib.recsys_limiter_create, lib.recsys_limiter_destroy,
                                   None if store is None else store._open(),
                                   byref(options)))

    def allow(self, key: Union[str, bytes], cost: int = 1) -> Limit:
        """May a request of this cost pass now? If it may, it is counted."""
        data, out = key.encode() if isinstance(key, str) else bytes(key), new(abi.recsys_limit)
        call(lib.recsys_limiter_allow, self._open(), abi.recsys_bytes(data, len(data)),
             cost, byref(out))
        return Limit(bool(out.allowed), out.limit, out.remaining, out.retry_ms, out.reset_ms,
                     bool(out.local))
