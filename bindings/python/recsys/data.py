"""Values of a database: from Python to recsys_datum and back, and whole rows."""
from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any, Optional

from ._held import text
from ._native import abi, lib

Row = dict[str, Any]
Rows = list[Row]


def _time(value: str) -> datetime.datetime:
    """RFC 3339 in UTC, as the library writes it."""
    whole, _, fraction = value.rstrip("Z").partition(".")
    made = datetime.datetime.fromisoformat(whole)
    return made.replace(microsecond=int(fraction.ljust(6, "0")[:6] or 0),
                        tzinfo=datetime.timezone.utc)


def _decimal() -> Any:
    """The class Decimal; most programs never meet one, and its module takes a while to import."""
    from decimal import Decimal

    return Decimal


_READ: dict[int, Any] = {
    abi.RECSYS_TYPE_BOOL: lambda d: bool(d.number), abi.RECSYS_TYPE_INTEGER: lambda d: d.number,
    abi.RECSYS_TYPE_REAL: lambda d: d.real, abi.RECSYS_TYPE_TEXT: lambda d: text(d.text),
    abi.RECSYS_TYPE_NUMBER: lambda d: _decimal()(text(d.text)),
    abi.RECSYS_TYPE_JSON: lambda d: json.loads(d.text),
    abi.RECSYS_TYPE_TIME: lambda d: _time(text(d.text))}


def value_of(found: Any) -> Any:
    """The value of a recsys_datum."""
    read = _READ.get(found.type)
    return None if read is None else read(found)


def datum(value: Any) -> Any:
    """A recsys_datum of a value. It keeps the bytes of a text."""
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
    elif isinstance(value, _decimal()):
        kind, written = abi.RECSYS_TYPE_NUMBER, format(value, "f")
    elif isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise TypeError("a datetime without a time zone; give it one")
        utc = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        kind, written = abi.RECSYS_TYPE_TIME, utc.isoformat(timespec="microseconds") + "Z"
    elif isinstance(value, (dict, list)):
        kind, written = abi.RECSYS_TYPE_JSON, json.dumps(value, allow_nan=False)
    else:
        raise TypeError(f"a database has no value of type {type(value).__name__}")
    if "\0" in written:
        raise ValueError("a text of a database may not contain NUL")
    data = written.encode()
    return abi.recsys_datum(kind, 0, 0, 0.0, data, len(data))


def data_of(values: Sequence[Any]) -> Any:
    """An array of recsys_datum."""
    return (abi.recsys_datum * len(values))(*(datum(value) for value in values))


def read_rows(pointer: Optional[int]) -> Rows:
    """The rows as dicts; they are given back to the library."""
    if not pointer:
        return []
    try:
        names = [text(lib.recsys_rows_get_column(pointer, i))
                 for i in range(lib.recsys_rows_count_columns(pointer))]
        return [{name: value_of(lib.recsys_rows_get(pointer, row, i))
                 for i, name in enumerate(names)} for row in range(lib.recsys_rows_count(pointer))]
    finally:
        lib.recsys_rows_destroy(pointer)
