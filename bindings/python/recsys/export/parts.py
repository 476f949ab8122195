"""The parts of a model, as an exporter has collected them, and the builder that is made of them.

Every from_...() function of this package ends here, so that ids, seen lists, the catalogue and the
checks of their shapes are the same for every library.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

import numpy as np

from ..builder import Builder
from . import frames, rows

# Columns of a catalogue, and under which other names tables have them.
CATALOGUE = {"id": ("movieId", "movie_id", "item_id", "itemId", "item"), "title": (), "genres": ("genre",),
           "release_year": ("year",), "rating": ("vote_average",), "poster_url": (),
           "language": ("original_language",), "adult": ()}


@dataclass
class Parts:
    """The arrays and settings of a model; names, shapes and dtypes as in recsys/builder.h."""

    algorithm: str
    user_factors: np.ndarray
    item_factors: np.ndarray
    user_bias: Optional[np.ndarray] = None
    item_bias: Optional[np.ndarray] = None
    user_ids: Any = None
    item_ids: Any = None
    seen: Any = None
    metric: str = "inner_product"
    link: str = "sigmoid"
    link_range: Optional[tuple[float, float]] = None  # for the link "linear"
    global_mean: float = 0.0
    item_popularity: Optional[np.ndarray] = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    catalogue: Any = None
    name: Optional[str] = None
    similar_by: str = "vector"  # or "vector_bias", "vector_bias_one"

    def builder(self) -> Builder:
        """A builder with everything in it, to be changed further or written."""
        self._check_shapes()
        n_users, n_items = len(self.user_factors), len(self.item_factors)
        user_ids = None if self.user_ids is None else rows.as_ids(self.user_ids, "user_ids")
        item_ids = None if self.item_ids is None else rows.as_ids(self.item_ids, "item_ids")
        _check_length(user_ids, n_users, "user_ids")
        _check_length(item_ids, n_items, "item_ids")
        builder = Builder()
        for name, array in self._arrays().items():
            builder.set_array(name, array)
        for name, ids in (("user_ids", user_ids), ("item_ids", item_ids)):
            if isinstance(ids, np.ndarray):
                builder.set_array(name, ids)
            elif ids is not None:
                builder.set_texts(name, ids)
        if self.seen is not None:
            _set_seen(builder, rows.seen_lists(self.seen, n_users, n_items, user_ids, item_ids))
        for name, value in self._fields().items():
            builder.set_field(name, value)
        if self.catalogue is not None:
            for line in catalogue_lines(self.catalogue, item_ids, n_items):
                builder.add_item(line)
        return builder

    def _check_shapes(self) -> None:
        shape_u, shape_i = self.user_factors.shape, self.item_factors.shape
        if len(shape_u) != 2 or len(shape_i) != 2 or shape_u[1] != shape_i[1]:
            raise ValueError(f"user vectors have the shape {shape_u} and item vectors {shape_i}; "
                             "both need two dimensions and the same number of columns")
        _check_length(self.user_bias, shape_u[0], "user_bias")
        _check_length(self.item_bias, shape_i[0], "item_bias")
        _check_length(self.item_popularity, shape_i[0], "item_popularity")

    def _arrays(self) -> dict[str, np.ndarray]:
        """The mean goes into the items' biases, so that users whom the model does not know get it,
        too. It is added in double and rounded once."""
        item_bias = self.item_bias
        if self.global_mean:
            item_bias = np.zeros(len(self.item_factors)) if item_bias is None else item_bias
            item_bias = np.asarray(item_bias, np.float64) + float(self.global_mean)
        arrays = {"user_factors": self.user_factors, "item_factors": self.item_factors,
                  "user_bias": self.user_bias, "item_bias": item_bias,
                  "item_popularity": self.item_popularity}
        return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()
                if array is not None}

    def _fields(self) -> dict[str, str]:
        fields = {"algorithm": self.algorithm, "metric": self.metric, "link": self.link,
                  "similar_by": self.similar_by}
        if self.link_range is not None:
            fields["link_min"], fields["link_max"] = (repr(float(end)) for end in self.link_range)
        if self.name is not None:
            fields["name"] = self.name
        for name, value in self.hyperparameters.items():
            if isinstance(value, (bool, int, float, str)):
                fields[f"hyperparameters.{name}"] = value if isinstance(value, str) else json.dumps(value)
        return fields


def ratings_link(link_range: Optional[tuple[float, float]]) -> str:
    """Raw scores are ratings in a known range, or strengths around 0 to 1."""
    return "clip" if link_range is None else "linear"


def _check_length(values: Any, n: int, what: str) -> None:
    if values is not None and len(values) != n:
        raise ValueError(f"{what}: {len(values)} values instead of {n}")


def _set_seen(builder: Builder, seen: rows.Seen) -> None:
    builder.set_array("seen_offsets", seen.offsets)
    builder.set_array("seen_items", seen.items)
    if seen.weights is not None:
        builder.set_array("seen_weights", seen.weights)


def catalogue_lines(catalogue: frames.Frame, item_ids: Optional[rows.Ids], n_items: int) -> list[dict[str, Any]]:
    """One object an item, for the items that the model has. Genres are lists, or texts with | between
    them, as MovieLens has them; "(no genres listed)" is none."""
    frame = frames.local(catalogue)
    names = frames.columns(frame)
    chosen = {ours: name for ours, others in CATALOGUE.items() for name in (ours, *others)[::-1]
              if name in names}
    if "id" not in chosen:
        raise ValueError(f"catalogue: there is no column 'id' (or {', '.join(CATALOGUE['id'])})")
    found = rows.find_rows(frames.column(frame, chosen["id"], "catalogue"), item_ids, n_items, "catalogue, ids")
    values = {ours: frames.plain(frames.column(frame, name, "catalogue")) for ours, name in chosen.items()}
    return [catalogue_line({ours: column[i] for ours, column in values.items()})
            for i in range(len(found)) if found[i] >= 0]


def catalogue_line(values: Mapping[str, Any]) -> dict[str, Any]:
    """One object, without what is missing. A column with a gap makes floats of years, and a CSV file
    has 0 and 1 for false and true."""
    line: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or str(value) in ("nan", "NaT", "<NA>"):
            continue
        value = value.item() if isinstance(value, np.generic) else value
        if name == "genres":
            listed: Any = value.split("|") if isinstance(value, str) else value
            parts = [str(genre) for genre in listed]
            value = [genre for genre in parts if genre and genre != "(no genres listed)"]
        elif name in ("id", "release_year") and isinstance(value, float):
            value = int(value) if value.is_integer() else value
        elif name == "adult" and value in (0, 1):
            value = bool(value)
        line[name] = value
    return line
