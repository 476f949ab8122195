"""Columns of whatever table the caller has: pandas, polars, Arrow, Spark, or a dict of sequences.

One column at a time becomes a NumPy array of numbers, a matrix (a column of lists, each as long as
the others), ids or plain Python values. A null where a number or an id belongs is refused, with the
name of the table, the column and the row; a table is never changed.
"""
from __future__ import annotations

from typing import Any

import numpy as np

Frame = Any  # pandas.DataFrame, polars.DataFrame, pyarrow.Table, a Spark DataFrame, or a dict


def local(frame: Frame) -> Frame:
    """A Spark DataFrame is collected, by Arrow where its version can; others stay as they are."""
    if not type(frame).__module__.startswith("pyspark."):
        return frame
    return frame.toArrow() if hasattr(frame, "toArrow") else frame.toPandas()


def columns(frame: Frame) -> list[str]:
    """The names of the columns, in order."""
    if isinstance(frame, dict):
        return [str(name) for name in frame]
    names = getattr(frame, "column_names", None)  # Arrow's; pandas and polars say columns
    return [str(name) for name in (frame.columns if names is None else names)]


def column(frame: Frame, name: str, what: str) -> Any:
    """The column as the frame has it, an Arrow column in one piece."""
    if name not in columns(frame):
        raise ValueError(f"{what}: there is no column {name!r}; there are {', '.join(columns(frame))}")
    if hasattr(frame, "column_names"):
        found = frame.column(name)
        return found.combine_chunks() if hasattr(found, "combine_chunks") else found
    return frame[name]


def is_arrow(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "pyarrow"


def refuse_nulls(values: Any, what: str) -> None:
    """Raise if a pandas, polars or Arrow column has a null. Not a number is no null: who wants
    finite numbers looks for it later."""
    if is_arrow(values) or type(values).__module__.startswith("polars."):
        missing = np.asarray(values.is_null())
    elif hasattr(values, "isna"):
        missing = np.asarray(values.isna())
    else:
        missing = np.array([value is None for value in values], bool)
    if missing.any():
        raise ValueError(f"{what}: null in row {int(np.argmax(missing))} "
                         f"({int(missing.sum())} in all); fill or drop such rows first")


def plain(values: Any) -> list[Any]:
    """The values as Python objects; nulls are None or NaN."""
    if hasattr(values, "to_pylist"):
        return list(values.to_pylist())
    if hasattr(values, "to_list"):
        return list(values.to_list())
    return list(values.tolist() if isinstance(values, np.ndarray) else values)


def numbers(frame: Frame, name: str, what: str) -> np.ndarray:
    """A column of numbers as float32 [n]."""
    values = column(frame, name, what)
    refuse_nulls(values, f"{what}, column {name!r}")
    try:
        return np.asarray(values, np.float32)
    except (TypeError, ValueError):
        raise TypeError(f"{what}: column {name!r} does not hold numbers") from None


def matrix(frame: Frame, name: str, what: str) -> np.ndarray:
    """A column of lists of numbers as float32 [n,d]."""
    values = column(frame, name, what)
    where = f"{what}, column {name!r}"
    if is_arrow(values):
        return arrow_matrix(values, where)
    refuse_nulls(values, where)
    return rows_matrix(plain(values), where)


def rows_matrix(rows: list[Any], where: str) -> np.ndarray:
    """Lists, tuples or arrays of numbers, one a row, as float32 [n,d]."""
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        odd = next(i for i, row in enumerate(rows) if len(row) != len(rows[0]))
        raise ValueError(f"{where}: {len(rows[odd])} numbers in row {odd}, {len(rows[0])} in row 0")
    try:
        return np.asarray(rows, np.float32).reshape(len(rows), lengths.pop() if lengths else 0)
    except (TypeError, ValueError):
        raise TypeError(f"{where} does not hold lists of numbers") from None


def arrow_matrix(values: Any, where: str) -> np.ndarray:
    """A list, large list or fixed-size list column. A slice keeps its offset, and a fixed-size list
    keeps the numbers of null rows, so nulls are refused first, and flatten() takes the numbers."""
    import pyarrow as pa

    kind = values.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise TypeError(f"{where} is {kind}, not a list of numbers")
    refuse_nulls(values, where)
    width = kind.list_size if pa.types.is_fixed_size_list(kind) else list_width(values, where)
    flat = values.flatten()
    if flat.null_count:
        row = int(np.argmax(np.asarray(flat.is_null()))) // width
        raise ValueError(f"{where}: a null among the numbers of row {row}")
    if not (pa.types.is_floating(flat.type) or pa.types.is_integer(flat.type)):
        raise TypeError(f"{where} is {kind}, not a list of numbers")
    return np.asarray(flat).astype(np.float32).reshape(len(values), width)


def list_width(values: Any, where: str) -> int:
    """The length that all lists of a column have."""
    lengths = np.asarray(values.value_lengths(), np.int64)
    if len(lengths) and (lengths != lengths[0]).any():
        odd = int(np.argmax(lengths != lengths[0]))
        raise ValueError(f"{where}: {lengths[odd]} numbers in row {odd}, {lengths[0]} in row 0")
    return int(lengths[0]) if len(lengths) else 0
