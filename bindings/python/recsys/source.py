"""A database: statements with parameters, typed rows."""
from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from ctypes import byref
from typing import Any, NamedTuple, Optional

from . import source_driver
from ._held import Held, Remade, call, create, take
from ._native import abi, adapter, lib, new
from .data import Rows, data_of, read_rows
from .errors import Error, StateError
from .interrupt import interruptible

SHAPES = {"object": abi.RECSYS_SHAPE_OBJECT, "list": abi.RECSYS_SHAPE_LIST,
          "column": abi.RECSYS_SHAPE_COLUMN}


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


class Transaction:
    """Statements that take effect together or not at all; made by Source.transaction()."""

    def __init__(self, pointer: int) -> None:
        self._pointer: Optional[int] = pointer

    def query(self, statement: str, *parameters: Any) -> Rows:
        """Run one statement. Raises StateError after the end of the `with` block."""
        if self._pointer is None:
            raise StateError("this transaction has ended: make another with Source.transaction()")
        out = ctypes.c_void_p()
        call(lib.recsys_transaction_query, self._pointer, statement.encode(), data_of(parameters),
             len(parameters), byref(out))
        return read_rows(out.value)


class Source(Remade):
    """A database that runs statements within a deadline. A forked child makes connections of its
    own. timeout_ms 0 = 2000, recsys.NEVER_32 = as long as it takes."""

    _of_python = False  # then statements run on the thread that asks, as its connections want

    def _run(self, function: Any, *arguments: Any) -> Any:
        held = self._open()
        return function(held, *arguments) if self._of_python else \
            interruptible(function, held, *arguments)

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

    @classmethod
    def of(cls, query: source_driver.Query, *, name: str = "source") -> Source:
        """A source of a function: query(statement, parameters) returns the rows as dicts with the
        same keys. For databases that Python reaches by a driver of its own; without transactions.

        >>> source = Source.of(lambda statement, parameters: [{"double": 2 * parameters[0]}])
        >>> source.query("any", 4)
        [{'double': 8}]
        """
        made = cls.__new__(cls)
        made._of_python = True
        made._begin(lambda: source_driver.make(name, query))
        return made

    def query(self, statement: str, *parameters: Any, timeout_ms: int = 0) -> Rows:
        """Run one statement, whose parameters are $1, $2 ...; the rows as dicts.

        Values are None, bool, int, float, str, Decimal, datetime (UTC) and what JSON holds.
        """
        rows: Rows = self._run(_query, statement.encode(), data_of(parameters),
                                   len(parameters), timeout_ms)
        return rows

    def query_json(self, statement: str, *parameters: Any, shape: str = "list",
                   timeout_ms: int = 0) -> bytes:
        """The rows as JSON text. shape: "object" (the first row), "list" (all rows), "column" (the
        values of the first column)."""
        if shape not in SHAPES:
            raise ValueError(f"shape: one of {', '.join(SHAPES)}, not {shape!r}")
        text: bytes = self._run(_query, statement.encode(), data_of(parameters),
                                    len(parameters), timeout_ms, SHAPES[shape])
        return text

    def run(self, script: str, *, timeout_ms: int = 0) -> None:
        """Run several statements without parameters, all or none."""
        self._run(_run, script.encode(), timeout_ms)

    @contextlib.contextmanager
    def transaction(self, *, timeout_ms: int = 0) -> Iterator[Transaction]:
        """`with source.transaction() as t: t.query(...)`: committed at the end, rolled back if an
        exception leaves it. For one thread at a time."""
        held, out = self._open(), ctypes.c_void_p()
        call(lib.recsys_transaction_begin, held, timeout_ms, byref(out))
        pointer, out.value = out.value, None
        assert pointer is not None
        transaction = Transaction(pointer)
        try:
            yield transaction
        except BaseException:
            transaction._pointer = None
            lib.recsys_transaction_rollback(pointer)
            raise
        transaction._pointer = None
        call(lib.recsys_transaction_commit, pointer)

    def set_away(self, away: bool) -> None:
        """Tell the source that the database is away: new statements then fail at once."""
        held = self._open()
        lib.recsys_source_set_away(held, int(away))

    def postgres_stats(self) -> PostgresStats:
        """Connections of a PostgreSQL source."""
        out = new(abi.recsys_postgres_stats)
        call(adapter("postgres").recsys_postgres_get_stats, self._open(), byref(out))
        return PostgresStats(*(getattr(out, name) for name in PostgresStats._fields))


def _query(held: Held, statement: bytes, parameters: Any, n: int, timeout_ms: int,
           shape: int = 0) -> Any:
    """Rows as dicts; as JSON text of this shape, if there is one."""
    out = ctypes.c_void_p()
    try:
        call(lib.recsys_source_query, held, statement, parameters, n, timeout_ms, byref(out))
    except Error as error:
        raise source_driver.original(error)
    return _format(out.value, shape) if shape else read_rows(out.value)


def _format(pointer: Optional[int], shape: int) -> bytes:
    value = abi.recsys_value()
    try:
        call(lib.recsys_rows_format, pointer, shape, byref(value))
        return take(value)
    finally:
        lib.recsys_rows_destroy(pointer)


def _run(held: Held, script: bytes, timeout_ms: int) -> None:
    call(lib.recsys_source_run, held, script, timeout_ms)
