"""Tables in files: Parquet and Arrow, through pyarrow."""
from __future__ import annotations

import os
import pathlib
from typing import Any, Union


def read_table(path: Union[str, "os.PathLike[str]"]) -> Any:
    """The pyarrow.Table of a Parquet file, an Arrow file or stream, or a folder of Parquet files. The
    first bytes say which it is, not the name."""
    import pyarrow as pa
    import pyarrow.parquet

    path = pathlib.Path(path)
    if path.is_dir():
        parts = sorted(part for part in path.rglob("*") if part.is_file() and part.name[0] not in "._")
        if not parts:
            raise FileNotFoundError(f"{path}: no files in this folder")
        return pa.concat_tables([read_table(part) for part in parts])
    with open(path, "rb") as file:
        magic = file.read(6)
    try:
        if magic[:4] == b"PAR1":
            return pyarrow.parquet.read_table(path)
        if magic == b"ARROW1":
            return pa.ipc.open_file(path).read_all()
        return pa.ipc.open_stream(path).read_all()
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: neither Parquet nor Arrow, or damaged: {error}") from error
