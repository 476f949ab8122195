"""Revoked tokens."""
from __future__ import annotations

import json
from ctypes import byref
from typing import Any, NamedTuple, Optional

from ._held import Held, Remade, call, create, take
from ._native import abi, lib, new
from .errors import Error, error_of
from .interrupt import interruptible
from .source import Source
from .stats import Stats
from .store import Store

VERDICTS = {abi.RECSYS_TOKEN_CLEAR: "clear", abi.RECSYS_TOKEN_REVOKED: "revoked",
            abi.RECSYS_TOKEN_UNKNOWN: "unknown", abi.RECSYS_TOKEN_UNCONFIRMED: "unconfirmed"}


class Verdict(NamedTuple):
    """Whether a token is revoked: "clear", "revoked", "unknown" or "unconfirmed". Only "clear" may
    pass. `problem` is the failure of the store or the database behind the last two."""

    verdict: str
    problem: Optional[Error]

    @property
    def clear(self) -> bool:
        return self.verdict == "clear"


class DenylistStats(NamedTuple):
    """Counts since the start. confirmed_ms: when the list was last known to be complete (Unix time
    in ms; 0 = never)."""

    tokens: int
    checks: int
    revoked: int
    unknown: int
    syncs: int
    sync_failures: int
    confirmed_ms: int


class Denylist(Remade):
    """Tokens that were revoked before they expire. A token is clear only if that is proven.

    store, source  at least one: a Store that processes share, and a database that has the tables
                   of the migration and is the truth
    timeout_ms     for a query while a request waits; 0 = 50
    max_tokens     with more, checks ask the database for each token; 0 = 4194304

    >>> from recsys import Store
    >>> denylist = Denylist(Store.memory("tokens"))
    >>> denylist.revoke("id-1", expires_s=4000000000)
    >>> denylist.check("id-1").verdict, denylist.check("id-2").clear
    ('revoked', True)
    """

    def __init__(self, store: Optional[Store] = None, source: Optional[Source] = None, *,
                 timeout_ms: int = 0, max_tokens: int = 0, stats: Optional[Stats] = None) -> None:
        options = new(abi.recsys_denylist_options)
        options.timeout_ms, options.max_tokens = timeout_ms, max_tokens
        counted = None if stats is None else stats._open()
        options.stats = None if counted is None else counted.pointer

        def make() -> Held:
            return create(lib.recsys_denylist_create, lib.recsys_denylist_destroy,
                          None if store is None else store._open(),
                          None if source is None else source._open(), byref(options),
                          keep=counted)

        self._begin(make)

    def revoke(self, jti: str, *, expires_s: int, user_id: Optional[str] = None,
               reason: Optional[str] = None) -> None:
        """Revoke a token until it expires (Unix time in s). When this returns, every process
        refuses it."""
        interruptible(_revoke, self._open(), jti.encode(),
                      None if user_id is None else user_id.encode(),
                      None if reason is None else reason.encode(), expires_s)

    def revoke_user(self, user_id: str, *, issued_before_s: int,
                    reason: Optional[str] = None) -> None:
        """Revoke all tokens of a user that were issued before a time (Unix time in s; "until now"
        is now + 1). When this returns, check() with the user refuses them in every process."""
        interruptible(_revoke_user, self._open(), user_id.encode(),
                      None if reason is None else reason.encode(), issued_before_s)

    def check(self, jti: str, user_id: Optional[str] = None, issued_s: int = 0) -> Verdict:
        """Is the token revoked? With its user (sub) and when it was issued (iat; 0 = it does not
        say), also by revoke_user()."""
        data, out = jti.encode(), new(abi.recsys_denylist_verdict)
        token = abi.recsys_bytes(data, len(data))
        if user_id is None:
            call(lib.recsys_denylist_check, self._open(), token, byref(out))
        else:
            call(lib.recsys_denylist_check_user, self._open(), token, user_id.encode(), issued_s,
                 byref(out))
        failed = out.problem
        return Verdict(VERDICTS.get(out.verdict, "unknown"), error_of(
            failed.status, failed.message, failed.sys_errno) if failed.status else None)

    def get(self, jti: str) -> Any:
        """The entry of a revoked token, as a dict. Raises NotFound if it is not revoked."""
        data, out = jti.encode(), abi.recsys_value()
        call(lib.recsys_denylist_get, self._open(), abi.recsys_bytes(data, len(data)),
             byref(out))
        return json.loads(take(out))

    def sync(self) -> None:
        """Read new revocations. A service calls it at its start and then every second or so."""
        interruptible(_sync, self._open())

    def stats(self) -> DenylistStats:
        out = new(abi.recsys_denylist_stats)
        call(lib.recsys_denylist_get_stats, self._open(), byref(out))
        return DenylistStats(*(getattr(out, name) for name in DenylistStats._fields))


def _revoke(held: Held, jti: bytes, user_id: Optional[bytes], reason: Optional[bytes],
            expires_s: int) -> None:
    call(lib.recsys_denylist_revoke, held, abi.recsys_bytes(jti, len(jti)), user_id, reason,
         expires_s)


def _revoke_user(held: Held, user_id: bytes, reason: Optional[bytes], before_s: int) -> None:
    call(lib.recsys_denylist_revoke_user, held, user_id, reason, before_s)


def _sync(held: Held) -> None:
    call(lib.recsys_denylist_sync, held)
