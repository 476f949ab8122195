"""Events of users, as `recsysctl feedback export` writes them, as Parquet or Arrow. Needs pyarrow.

    recsysctl feedback export | python3 -m recsys feedback - --out events.parquet

The columns are user_id, item_id, kind, value, time and received_at. The tables can be given to
recsys.export as `seen=`, and to the libraries that train.
"""
from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from .errors import InvalidArgument

if TYPE_CHECKING:
    import pyarrow

IDS = ("text", "integer")
LINES = 65_536  # of one batch: memory does not depend on how many there are


def _schema(ids: str) -> pyarrow.Schema:
    import pyarrow

    one = pyarrow.int64() if ids == "integer" else pyarrow.string()
    at = pyarrow.timestamp("us", tz="UTC")
    return pyarrow.schema([("user_id", one), ("item_id", one), ("kind", pyarrow.string()),
                           ("value", pyarrow.float64()), ("time", at), ("received_at", at)])


def _row(line: str, number: int, ids: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
        for name in ("user_id", "item_id"):
            event[name] = int(event[name]) if ids == "integer" else str(event[name])
        for name in ("time", "received_at"):
            event[name] = datetime.datetime.fromisoformat(event[name].replace("Z", "+00:00"))
        return {name: event[name] for name in ("user_id", "item_id", "kind", "value", "time",
                                               "received_at")}
    except (KeyError, TypeError, ValueError) as error:
        hint = "; ids that are texts need --ids text" if ids == "integer" else ""
        raise InvalidArgument(f"line {number} is no event: {error!r}{hint}") from None


def batches(lines: Iterable[str], ids: str = "text") -> Iterator[pyarrow.RecordBatch]:
    """The events of JSON Lines, as record batches. Empty lines are left out. Raises InvalidArgument
    for a line that is no event."""
    import pyarrow

    if ids not in IDS:
        raise InvalidArgument(f"ids: one of {', '.join(IDS)}, not {ids!r}")
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    schema = _schema(ids)
    while rows := [_row(line, number, ids) for number, line in islice(numbered, LINES)]:
        yield pyarrow.RecordBatch.from_pylist(rows, schema=schema)


def write(lines: Iterable[str], path: str, format: str = "parquet", ids: str = "text") -> int:
    """Write the events of JSON Lines into a new Parquet or Arrow file. Returns how many there were."""
    import pyarrow
    import pyarrow.parquet

    made: Any
    n = 0
    with open(path, "xb") as file:
        try:
            if format == "parquet":
                made = pyarrow.parquet.ParquetWriter(file, _schema(ids))
            else:
                made = pyarrow.ipc.new_file(file, _schema(ids))
            with made:
                for batch in batches(lines, ids):
                    made.write_batch(batch)
                    n += batch.num_rows
        except BaseException:
            os.unlink(path)  # half a table would be read as a whole one
            raise
    return n


def write_from(source: str, path: str, format: str, ids: str) -> int:
    """write() from a file, or from the standard input for "-"."""
    lines: TextIO
    if source == "-":
        return write(sys.stdin, path, format, ids)
    with open(source, encoding="utf-8") as lines:
        return write(lines, path, format, ids)
