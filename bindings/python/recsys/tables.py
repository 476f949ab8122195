"""Models as tables: Parquet and Arrow files in, a bundle out, and back.

A model is two tables, one row a user or an item: `id`, `features` (a list of numbers) and optionally
`bias`, as Spark's ALS writes userFactors and itemFactors. Seen lists are a table of users, items and
weights, a catalogue one of ids, titles and so on. Settings that no column holds (metric, link, name, ...) are
kept in the schema of the items' table under the key "recsys", where readers that do not know it
ignore it. Needs pyarrow.
"""
from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Optional, Union

import numpy as np

from .builder import Builder
from .export.arrays import read_side
from .export.files import read_table
from .export.parts import Parts
from .model import Model

Path = Union[str, "os.PathLike[str]"]
KEY = b"recsys"
SUFFIXES = {"parquet": ".parquet", "arrow": ".arrow"}
# The names of a folder's tables, Spark's first.
NAMES = {"users": ("userFactors", "users"), "items": ("itemFactors", "items"), "seen": ("seen",),
         "catalogue": ("catalogue", "catalog")}


def find_tables(folder: Path) -> dict[str, pathlib.Path]:
    """The tables of a model in a folder: userFactors/ or users.parquet or users.arrow, ..."""
    found = {}
    for part, names in NAMES.items():
        places = [pathlib.Path(folder) / (name + suffix) for name in names
                  for suffix in ("", *SUFFIXES.values())]
        place = next((place for place in places if place.exists()), None)
        if place is not None:
            found[part] = place
        elif part in ("users", "items"):
            raise FileNotFoundError(f"{folder}: no {part}; looked for {', '.join(p.name for p in places)}")
    return found


def read_model(users: Path, items: Path, *, seen: Optional[Path] = None, catalogue: Optional[Path] = None,
               id: str = "id", factors: str = "features", bias: str = "bias",  # names of columns
               **settings: Any) -> Builder:
    """A builder of tables in files. Columns of users and items that are not named here are ignored.

    settings   metric, link, link_range, global_mean, name: instead of those in the schema
    """
    tables = {"users": read_table(users), "items": read_table(items)}
    kept = json.loads((tables["items"].schema.metadata or {}).get(KEY, b"{}"))
    sides = {}
    for what, table in tables.items():
        has_bias = bias in table.column_names
        sides[what] = read_side(table, what, id, factors, bias if has_bias else None)
    fields = kept.get("fields", {})
    parts = Parts(
        fields.get("algorithm", "tables"), sides["users"][1], sides["items"][1], sides["users"][2],
        sides["items"][2], sides["users"][0], sides["items"][0],
        None if seen is None else read_table(seen), metric=fields.get("metric", "inner_product"),
        link=fields.get("link", "sigmoid"), link_range=kept.get("link_range"),
        similar_by=fields.get("similar_by", "vector"),
        hyperparameters=kept.get("hyperparameters", {}),
        catalogue=None if catalogue is None else read_table(catalogue), name=fields.get("name"))
    for name, value in settings.items():
        if value is not None:
            setattr(parts, name, value)
    if parts.link != "linear":
        parts.link_range = None
    builder = parts.builder()
    for name in ("version", "training_date", "item_name"):
        if fields.get(name):
            builder.set_field(name, fields[name])
    return builder


def write_model(model: Model, folder: Path, kind: str = "parquet") -> None:
    """Write users, items, seen and catalogue of a model as files of a new folder.

    kind   "parquet" or "arrow" (the file format, readable by mmap)
    """
    if kind not in SUFFIXES:
        raise ValueError(f"kind: one of {', '.join(SUFFIXES)}, not {kind!r}")
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    tables = {"users": side_table(model, "user"), "items": side_table(model, "item"),
              "seen": seen_table(model), "catalogue": catalogue_table(model)}
    for name, table in tables.items():
        if table is not None:
            write_table(table, folder / (name + SUFFIXES[kind]))


def write_table(table: Any, path: pathlib.Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
        return
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def side_table(model: Model, side: str) -> Any:
    """id, features (a fixed-size list of floats), and bias if the model has biases."""
    import pyarrow as pa

    factors = np.ascontiguousarray(model.array(f"{side}_factors"))
    features = pa.FixedSizeListArray.from_arrays(pa.array(factors.reshape(-1)), factors.shape[1])
    columns = {"id": pa.array(getattr(model, f"{side}_ids")), "features": features}
    bias = getattr(model, f"{side}_bias")
    if bias is not None:
        columns["bias"] = pa.array(bias)
    table = pa.table(columns)
    return table.replace_schema_metadata({KEY: json.dumps(settings_of(model))}) if side == "item" else table


def settings_of(model: Model) -> dict[str, Any]:
    info = model.info
    names = ("metric", "link", "similar_by", "algorithm", "name", "version", "training_date",
             "item_name")
    return {"fields": {name: getattr(info, name) for name in names if getattr(info, name, "")},
            "link_range": [info.link_min, info.link_max] if info.link == "linear" else None,
            "hyperparameters": json.loads(info.metadata or "{}").get("hyperparameters", {})}


def seen_table(model: Model) -> Optional[Any]:
    import pyarrow as pa

    if not model.info.n_seen:
        return None
    offsets = model.array("seen_offsets").astype(np.int64)
    users = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    columns = {"user": pa.array(model.user_ids[users]),
               "item": pa.array(model.item_ids[model.array("seen_items")])}
    weights = model._array_or_none("seen_weights")
    if weights is not None:
        columns["weight"] = pa.array(weights)
    return pa.table(columns)


def catalogue_table(model: Model) -> Optional[Any]:
    import pyarrow as pa

    if not model.info.n_catalog:
        return None
    names = ("title", "genres", "release_year", "rating", "language", "poster_url", "adult")
    entries = [entry for entry in model.catalogue.values() if entry.known]
    columns = {"id": pa.array([entry.item_id for entry in entries])}
    for name in names:
        columns[name] = pa.array([getattr(entry, name) for entry in entries])
    return pa.table(columns)
