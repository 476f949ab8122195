"""A source made of a function of Python: any database that Python reaches, or a table in a test.

The library calls the function on the thread that asked the source, perhaps on several threads at
once. An exception that leaves it comes out of the call that caused it; callers that waited for that
call get a BackendError that quotes it. There are no transactions.
"""
from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from ._held import Held, call, create
from ._native import abi, lib, new
from .data import datum, value_of
from .errors import Error

# Gives the rows of a statement with these parameters.
Query = Callable[[str, list[Any]], Sequence[Mapping[str, Any]]]

# The library has one number of ours; it finds the function here.
_queries: dict[int, Query] = {}
_numbers = itertools.count(1)


class _Raised(threading.local):
    """The exception that last left a function on this thread, and the message made of it."""

    error: Optional[BaseException] = None
    said = ""


_raised = _Raised()


def original(error: Error) -> BaseException:
    """The exception of a function of Python that a failure came from; else the failure."""
    found, _raised.error = _raised.error, None
    return found if found is not None and _raised.said in error.message else error


def _fail(err: int, error: BaseException) -> int:
    status: int = error.status if isinstance(error, Error) and error.status else \
        abi.RECSYS_E_BACKEND
    _raised.error = error
    _raised.said = (str(error) if isinstance(error, Error) else
                    f"{type(error).__name__}: {error}").replace("\0", " ")[:200]
    lib.recsys_error_set(err, status, _raised.said.encode("utf-8", "replace"))
    return status


def _query(self: int, _session: int, statement: int, parameters: int, n: int, _timeout_ms: int,
           rows: int, err: int) -> int:
    try:
        given = (abi.recsys_datum * n).from_address(parameters) if n else ()
        found = _queries[self](ctypes.string_at(statement).decode(), [value_of(d) for d in given])
        for i, row in enumerate(found):
            if i == 0:
                for name in row:
                    call(lib.recsys_rows_add_column, rows, name.encode())
            for value in row.values():
                call(lib.recsys_rows_add, rows, datum(value))
        return 0
    except BaseException as error:
        return _fail(err, error)


def _no_transactions(_self: int, *arguments: int) -> int:
    status: int = abi.RECSYS_E_UNSUPPORTED
    lib.recsys_error_set(arguments[-1], status, b"a source of a Python function has no transactions")
    return status


def _destroy(self: int) -> None:
    _queries.pop(self, None)


_types: dict[str, Any] = {field[0]: field[1] for field in abi.recsys_source_driver._fields_}
_driver = new(abi.recsys_source_driver)
for _name, _function in (("query", _query), ("begin", _no_transactions), ("end", _no_transactions),
                         ("destroy", _destroy)):
    setattr(_driver, _name, _types[_name](_function))


def make(name: str, query: Query) -> Held:
    """A recsys_source that asks this function."""
    number = next(_numbers)
    _queries[number] = query
    return create(lib.recsys_source_create, lib.recsys_source_unref, name.encode(),
                  ctypes.byref(_driver), number)
