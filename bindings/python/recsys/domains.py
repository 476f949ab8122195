"""Caches over a database, each defined by one row of a table."""
from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping, Sequence
from ctypes import byref
from typing import Any, NamedTuple, Optional

from ._held import Held, Remade, call, create, take, text
from ._native import abi, lib, new
from .cache import OUTCOMES, CacheStats, Found, format_of, stats_of
from .data import Rows, data_of, read_rows
from .errors import Error, Undefined
from .interrupt import interruptible
from .source import SHAPES, Source
from .source_driver import original
from .stats import Stats
from .store import Store

class Definition(NamedTuple):
    """One domain of a set, with all defaults filled in; see Domains.add()."""

    name: str
    db: int
    shape: str
    key: str
    query: str
    ttl_s: int
    negative_ttl_s: int
    max_rows: int
    max_bytes: int


Definitions = list[Definition]


class Warming(NamedTuple):
    """The work of warm(): entries loaded, already present, failed; skipped if another process warms."""

    loaded: int
    present: int
    failed: int
    skipped: bool


class Outbox(NamedTuple):
    """The work of sync(): does the database have the outbox; removals delivered and still waiting."""

    is_on: bool
    delivered: int
    waiting: int


def _texts(values: Sequence[Any]) -> Any:
    return (ctypes.c_char_p * len(values))(*(str(value).encode() for value in values))


class Domains(Remade):
    """A set of domains: data that is read from a database by one key pattern and kept in a cache.

        domains = recsys.Domains(recsys.Source.postgres("dbname=app"))
        domains.add("user.profile", key="user:profile:{user_id}",
                    query="SELECT * FROM users WHERE id = $1", ttl_s=600)
        domains.get("user.profile", 42)

    source        the database
    stores        logical db -> Store; the set makes an in-process store for the others
    timeout_ms    of each statement; 0 = 2000
    memory_bytes  of each in-process store; 0 = 16 MiB
    format        "plain": JSON under the keys, for other programs; or "envelope"; None = plain where
                  other programs can read
    trusted_dbs   logical dbs in which JSON that other programs have stored is returned
    """

    def __init__(self, source: Source, stores: Optional[Mapping[int, Store]] = None, *,
                 timeout_ms: int = 0, memory_bytes: int = 0, stats: Optional[Stats] = None,
                 format: Optional[str] = None, trusted_dbs: Sequence[int] = ()) -> None:
        options, by_db = new(abi.recsys_domains_options), dict(stores or {})
        caches = new(abi.recsys_aside_options)
        caches.format = format_of(format)
        options.aside = ctypes.addressof(caches)
        self._caches = caches  # the options refer to it
        options.trusted_dbs = sum(1 << db for db in set(trusted_dbs))
        options.timeout_ms, options.memory_bytes = timeout_ms, memory_bytes
        counted = None if stats is None else stats._open()
        options.stats = None if counted is None else counted.pointer
        fill = self._fill
        definitions: list[Any] = []
        self._definitions = definitions

        def make() -> Held:
            n = max(by_db, default=-1) + 1
            below, kept = source._open(), {db: store._open() for db, store in by_db.items()}
            array = (ctypes.c_void_p * n)(*(kept[i].pointer if i in kept else None
                                            for i in range(n)))
            options.stores, options.n_stores = ctypes.addressof(array), n
            options.source = below.pointer
            held = create(lib.recsys_domains_create, lib.recsys_domains_destroy, byref(options),
                          keep=counted)
            fill(held)
            for definition in definitions:  # of the parent process
                call(lib.recsys_domains_add, held, byref(definition))
            return held

        self._begin(make)

    @staticmethod
    def _fill(held: Held) -> None:
        """Add the domains that every set of this class has."""

    def add(self, name: str, *, key: str, query: str, db: int = 0, shape: str = "object",
            ttl_s: int = 0, negative_ttl_s: int = 0, max_rows: int = 0, max_bytes: int = 0,
            warm_query: Optional[str] = None, version_column: Optional[str] = None,
            settled_column: Optional[str] = None, per_user: bool = False,
            negative: bool = True) -> None:
        """Add a domain, before several threads use the set.

        key     "user:profile:{user_id}": its names are the parameters, in the query $1, $2 ...
        shape   "object" (the first row), "list" (all rows), "column" (the first column's values)
        ttl_s   0 = 300
        max_rows  of a list: how many are cached; the query then has the number as last parameter
        warm_query, version_column, settled_column, max_bytes   as in recsys/domain.h
        per_user  the first parameter is a user, for invalidate_user()
        negative  False: do not cache that a row does not exist
        """
        if shape not in SHAPES:
            raise ValueError(f"shape: one of {', '.join(SHAPES)}, not {shape!r}")
        row = new(abi.recsys_domain_definition)
        row.flags = ((per_user and abi.RECSYS_DOMAIN_PER_USER) |
                     (warm_query is not None and abi.RECSYS_DOMAIN_WARM) |
                     (not negative and abi.RECSYS_DOMAIN_NO_NEGATIVE))
        row.db, row.shape, row.ttl_s, row.negative_ttl_s = db, SHAPES[shape], ttl_s, negative_ttl_s
        row.max_rows, row.max_bytes = max_rows, max_bytes
        for field, value in (("name", name), ("key", key), ("query", query),
                             ("warm_query", warm_query), ("version_column", version_column),
                             ("settled_column", settled_column)):
            setattr(row, field, None if value is None else value.encode())
        call(lib.recsys_domains_add, self._open(), byref(row))
        self._definitions.append(row)

    def list(self) -> Definitions:
        """The domains, in the order in which they were added."""
        held, found = self._open(), Definitions()
        shapes = {number: word for word, number in SHAPES.items()}
        while True:
            at = lib.recsys_domains_list(held, len(found))
            if not at:
                return found
            row = abi.recsys_domain_definition.from_address(at)
            found.append(Definition(text(row.name), row.db, shapes.get(row.shape, ""), text(row.key),
                                    text(row.query), row.ttl_s, row.negative_ttl_s, row.max_rows,
                                    row.max_bytes))

    def get(self, name: str, *values: Any, limit: int = 0) -> Any:
        """One entry, as JSON gives it. Raises NotFound; `limit`: how many rows of a list."""
        return json.loads(self.get_json(name, *values, limit=limit))

    def get_json(self, name: str, *values: Any, limit: int = 0) -> bytes:
        """One entry as JSON text."""
        found: bytes = self.find_json(name, *values, limit=limit).value
        return found

    def find_json(self, name: str, *values: Any, limit: int = 0) -> Found:
        """One entry as JSON text, and where it came from."""
        out, outcome = abi.recsys_value(), ctypes.c_uint32()
        try:
            call(lib.recsys_domains_get, self._open(), name.encode(), _texts(values),
                 len(values), limit, byref(out), byref(outcome))
        except Error as error:
            error.outcome = OUTCOMES.get(outcome.value)
            raise original(error)
        return Found(take(out), OUTCOMES.get(outcome.value, ""))

    def write(self, names: Sequence[str], values: Sequence[Any], statement: str,
              *parameters: Any) -> Rows:
        """Change the database with one statement, then invalidate the entries of these domains for
        these values. The statement's rows."""
        rows, held = ctypes.c_void_p(), self._open()
        call(lib.recsys_domains_write, held, _texts(names), len(names), _texts(values),
             len(values), statement.encode(), data_of(parameters), len(parameters), byref(rows))
        return read_rows(rows.value)

    def invalidate(self, name: str, *values: Any) -> None:
        """Invalidate an entry whose truth another program has changed."""
        call(lib.recsys_domains_invalidate, self._open(), name.encode(), _texts(values),
             len(values))

    def invalidate_user(self, user_id: Any) -> None:
        """Invalidate all entries of a user, in all domains that are per user."""
        call(lib.recsys_domains_invalidate_user, self._open(), str(user_id).encode())

    def warm(self, name: Optional[str] = None, *, timeout_ms: int = 0,
             refresh: bool = False) -> Warming:
        """Load the entries that the warm queries list and that are not cached yet, with refresh
        the cached ones again, too; 0 = 60 s."""
        out = new(abi.recsys_warming)
        interruptible(_refresh if refresh else _warm, self._open(), None if name is None else name.encode(), timeout_ms, out)
        return Warming(out.loaded, out.present, out.failed, bool(out.skipped))

    def flush(self, *, timeout_ms: int = 0) -> None:
        """Wait until all invalidations have reached their stores; 0 = 2 s. Timeout: some have
        not, and stay remembered."""
        interruptible(_flush, self._open(), timeout_ms)

    def sync(self, source: Optional[Source] = None) -> Outbox:
        """Deliver the invalidations that writers of all processes owe (cache_db.outbox); call it
        about twice a second from one thread. source: another one of the same database."""
        out = new(abi.recsys_outbox)
        interruptible(_sync, self._open(), None if source is None else source._open(), out)
        return Outbox(bool(out.is_on), out.delivered, out.waiting)

    def cache_stats(self, db: int) -> CacheStats:
        """The counts of the cache of a logical db."""
        held = self._open()
        aside = lib.recsys_domains_get_aside(held, db)
        if not aside:
            raise Undefined(f"no domain uses logical db {db}")
        return stats_of(aside)


def _flush(held: Held, timeout_ms: int) -> None:
    call(lib.recsys_domains_flush, held, timeout_ms)


def _sync(held: Held, source: Optional[Held], out: Any) -> None:
    call(lib.recsys_domains_sync, held, source, byref(out))


def _refresh(held: Held, name: Optional[bytes], timeout_ms: int, out: Any) -> None:
    call(lib.recsys_domains_refresh, held, name, timeout_ms, byref(out))


def _warm(held: Held, name: Optional[bytes], timeout_ms: int, out: Any) -> None:
    call(lib.recsys_domains_warm, held, name, timeout_ms, byref(out))
