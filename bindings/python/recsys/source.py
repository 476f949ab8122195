"""A database: statements with parameters, typed rows."""
from __future__ import annotations

import contextlib
import ctypes
import datetime
import decimal
import json
from collections.abc import Iterator, Sequence
from ctypes import byref
from typing import Any, NamedTuple, Optional

from ._held import Held, Remade, call, create, text
from ._native import abi, adapter, lib, new
from .interrupt import interruptible

Row = dict[str, Any]
Rows = list[Row]


class PostgresStats(NamedTuple):
    """Connections of a PostgreSQL source now (open, idle) and counts since the start."""

    open: int
    idle: int
    connected: int
    closed_broken: int
    waited: int
    wait_timeouts: int
    queries: int
    failures: int


def _time(value: str) -> datetime.datetime:
    """RFC 3339 in UTC, as the library writes it."""
    whole, _, fraction = value.rstrip("Z").partition(".")
    made = datetime.datetime.fromisoformat(whole)
    return made.replace(microsecond=int(fraction.ljust(6, "0")[:6] or 0),
                        tzinfo=datetime.timezone.utc)


_READ: dict[int, Any] = {
    abi.RECSYS_TYPE_BOOL: lambda d: bool(d.number), abi.RECSYS_TYPE_INTEGER: lambda d: d.number,
    abi.RECSYS_TYPE_REAL: lambda d: d.real, abi.RECSYS_TYPE_TEXT: lambda d: text(d.text),
    abi.RECSYS_TYPE_NUMBER: lambda d: decimal.Decimal(text(d.text)),
    abi.RECSYS_TYPE_JSON: lambda d: json.loads(d.text),
    abi.RECSYS_TYPE_TIME: lambda d: _time(text(d.text))}


def datum(value: Any) -> Any:
    """A parameter of a statement, of a value of Python. It keeps the bytes of a text."""
    if value is None:
        return abi.recsys_datum()
    if isinstance(value, bool):
        return abi.recsys_datum(abi.RECSYS_TYPE_BOOL, 0, value)
    if isinstance(value, int):
        return abi.recsys_datum(abi.RECSYS_TYPE_INTEGER, 0, value)
    if isinstance(value, float):
        return abi.recsys_datum(abi.RECSYS_TYPE_REAL, 0, 0, value)
    if isinstance(value, str):
        kind, written = abi.RECSYS_TYPE_TEXT, value
    elif isinstance(value, decimal.Decimal):
        kind, written = abi.RECSYS_TYPE_NUMBER, format(value, "f")
    elif isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise TypeError("a datetime without a time zone; give it one")
        utc = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        kind, written = abi.RECSYS_TYPE_TIME, utc.isoformat(timespec="microseconds") + "Z"
    elif isinstance(value, (dict, list)):
        kind, written = abi.RECSYS_TYPE_JSON, json.dumps(value, allow_nan=False)
    else:
        raise TypeError(f"a statement has no parameter of type {type(value).__name__}")
    if "\0" in written:
        raise ValueError("a text of a statement may not contain NUL")
    data = written.encode()
    return abi.recsys_datum(kind, 0, 0, 0.0, data, len(data))


def data_of(values: Sequence[Any]) -> Any:
    """An array of parameters."""
    return (abi.recsys_datum * len(values))(*(datum(value) for value in values))


def read_rows(pointer: Optional[int]) -> Rows:
    """The rows as dicts; they are given back to the library."""
    if not pointer:
        return []
    try:
        names = [text(lib.recsys_rows_get_column(pointer, i))
                 for i in range(lib.recsys_rows_count_columns(pointer))]
        return [{name: _value(lib.recsys_rows_get(pointer, row, i)) for i, name in enumerate(names)}
                for row in range(lib.recsys_rows_count(pointer))]
    finally:
        lib.recsys_rows_destroy(pointer)


def _value(found: Any) -> Any:
    read = _READ.get(found.type)
    return None if read is None else read(found)


class Transaction:
    """Statements that take effect together or not at all; made by Source.transaction()."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def query(self, statement: str, *parameters: Any) -> Rows:
        """Run one statement."""
        out = ctypes.c_void_p()
        call(lib.recsys_transaction_query, self._pointer, statement.encode(), data_of(parameters),
             len(parameters), byref(out))
        return read_rows(out.value)


class Source(Remade):
    """A database that runs statements within a deadline. A forked child makes connections of its
    own. timeout_ms 0 = 2000, recsys.NEVER_32 = as long as it takes."""

    @classmethod
    def postgres(cls, conninfo: str, *, pool_size: int = 0, connect_timeout_ms: int = 0,
                 max_age_s: int = 0) -> Source:
        """PostgreSQL 13 or newer; it connects when it is first used. 0 = 8 connections, 2 s to
        connect, 1800 s of age."""
        library, options = adapter("postgres"), new(abi.recsys_postgres_options)
        options.pool_size, options.max_age_s = pool_size, max_age_s
        options.connect_timeout_ms = connect_timeout_ms
        made = cls.__new__(cls)
        made._begin(lambda: create(library.recsys_postgres_create, lib.recsys_source_unref,
                                   conninfo.encode(), byref(options)))
        return made

    def query(self, statement: str, *parameters: Any, timeout_ms: int = 0) -> Rows:
        """Run one statement, whose parameters are $1, $2 ...; the rows as dicts.

        Values are None, bool, int, float, str, Decimal, datetime (UTC) and what JSON holds.
        """
        return interruptible(_query, self._open(), statement.encode(), data_of(parameters),
                             len(parameters), timeout_ms)

    def run(self, script: str, *, timeout_ms: int = 0) -> None:
        """Run several statements without parameters, all or none."""
        interruptible(_run, self._open(), script.encode(), timeout_ms)

    @contextlib.contextmanager
    def transaction(self, *, timeout_ms: int = 0) -> Iterator[Transaction]:
        """`with source.transaction() as t: t.query(...)`: committed at the end, rolled back if an
        exception leaves it. For one thread at a time."""
        held, out = self._open(), ctypes.c_void_p()
        call(lib.recsys_transaction_begin, held.pointer, timeout_ms, byref(out))
        pointer, out.value = out.value, None
        assert pointer is not None
        try:
            yield Transaction(pointer)
        except BaseException:
            lib.recsys_transaction_rollback(pointer)
            raise
        call(lib.recsys_transaction_commit, pointer)

    def set_away(self, away: bool) -> None:
        """Tell the source that the database is away: new statements then fail at once."""
        held = self._open()
        lib.recsys_source_set_away(held.pointer, int(away))

    def postgres_stats(self) -> PostgresStats:
        """Connections of a PostgreSQL source."""
        out = new(abi.recsys_postgres_stats)
        call(adapter("postgres").recsys_postgres_get_stats, self._open().pointer, byref(out))
        return PostgresStats(*(getattr(out, name) for name in PostgresStats._fields))


def _query(held: Held, statement: bytes, parameters: Any, n: int, timeout_ms: int) -> Rows:
    out = ctypes.c_void_p()
    call(lib.recsys_source_query, held.pointer, statement, parameters, n, timeout_ms, byref(out))
    return read_rows(out.value)


def _run(held: Held, script: bytes, timeout_ms: int) -> None:
    call(lib.recsys_source_run, held.pointer, script, timeout_ms)
