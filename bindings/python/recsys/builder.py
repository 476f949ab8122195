"""Write a model as a bundle: from NumPy arrays, or from files."""
from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from . import arrays, ids
from ._held import Held, Owner, call, create
from ._native import abi, lib
from .errors import InvalidArgument
from .interrupt import Unfinished, interruptible

Path = Union[str, os.PathLike[str]]


class Builder(Owner):
    """Collects the parts of a model, then writes them as a bundle. For one thread at a time. If
    Ctrl-C leaves import_model() or write(), that goes on in the background and the next call waits
    for it.

        user_factors [n_users, d]   item_factors [n_items, d]    required; any real dtype
        user_bias [n_users]         item_bias [n_items]
        user_ids [n_users]          item_ids [n_items]           integers or texts; else 0, 1, ...
        feature_factors [n_features, d], feature_names           texts
        item_popularity [n_items]   0..1
        seen_offsets [n_users+1], seen_items [n], seen_weights [n]   a CSR matrix: its indptr,
                                    indices (rows of item_factors, ascending) and data

    >>> import numpy, os, tempfile
    >>> rng = numpy.random.default_rng(1)
    >>> builder = Builder(name="tiny", link="linear", link_min=-10, link_max=10)
    >>> builder.set_array("user_factors", rng.normal(size=(3, 4)))
    >>> builder.set_array("item_factors", rng.normal(size=(5, 4)).astype("float32"))
    >>> builder.set_texts("item_ids", ["a", "b", "c", "d", "e"])
    >>> builder.add_item({"id": "a", "title": "The A", "genres": ["Drama"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     builder.write(os.path.join(folder, "bundle"))
    """

    def __init__(self, **fields: Any) -> None:
        """The fields are those of set_field()."""
        self._unfinished = Unfinished()
        self._held: Optional[Held] = create(lib.recsys_builder_create,
                                                lib.recsys_builder_destroy, keep={})
        for name, value in fields.items():
            self.set_field(name, value)

    def _open(self) -> Held:
        self._unfinished.wait()
        return super()._open()

    def _call_long(self, function: Any, path: bytes) -> None:
        interruptible(_call, function, self._open(), path, unfinished=self._unfinished)

    def set_array(self, name: str, array: Any) -> None:
        """Set one array. It is not copied and must not change until write() has returned."""
        held = self._open()
        values = arrays.with_strides(np.asarray(array))
        call(lib.recsys_builder_set_array, held, name.encode(),
             ctypes.byref(arrays.describe(name, values)))
        held.keep[name] = values

    def set_arrays(self, where: str, given: Mapping[str, Any]) -> None:
        """Set the arrays of another library's model by the names that it gave them: those of a
        state dict, or pu and qi. `where` is the model's name in messages."""
        held = self._open()
        values = [np.ascontiguousarray(array) for array in given.values()]
        described = (abi.recsys_array * len(values))()
        for at, (name, array) in enumerate(zip(given, values)):
            described[at] = arrays.describe(name, array)
            described[at].strides[:] = (0, 0)
        names = (ctypes.c_char_p * len(values))(*[_no_nul("name", name) for name in given])
        call(lib.recsys_builder_set_arrays, held, _no_nul("where", where), names, described,
             len(values))
        held.keep[where] = values

    def set_texts(self, name: str, texts: Sequence[str]) -> None:
        """Set user_ids, item_ids or feature_names as texts of 1 to 255 bytes."""
        if isinstance(texts, (str, bytes)):
            raise TypeError(f"{name}: a list of texts is wanted, not one text")
        encoded = [_no_nul(name, value) for value in texts]
        array = (ctypes.c_char_p * len(encoded))(*encoded)
        call(lib.recsys_builder_set_texts, self._open(), name.encode(), array, len(encoded))

    def set_field(self, field: str, value: Any) -> None:
        """Set a field of the manifest: name, version, algorithm, training_date, metric, link,
        link_min, link_max, metrics.NAME, hyperparameters.NAME, tags.NAME; source ("surprise", ...)
        for the metric and link of a library, global_mean for a part of every score."""
        written = value if isinstance(value, str) else json.dumps(value)
        call(lib.recsys_builder_set_field, self._open(), _no_nul("field", field),
             _no_nul(field, written))

    def count_ids(self, name: str) -> int:
        """How many users ("user_ids") or items ("item_ids") there are among the parts so far."""
        count, kind = ctypes.c_uint64(), ctypes.c_uint32()
        call(lib.recsys_builder_get_ids, self._open(), name.encode(), ctypes.byref(count),
             ctypes.byref(kind))
        return count.value

    def find(self, name: str, one: ids.Id) -> int:
        """The row that an id has; `name` is "user_ids" or "item_ids". Raises NotFound."""
        row = ctypes.c_uint64()
        call(lib.recsys_builder_find, self._open(), name.encode(), ids.to_id(one),
             ctypes.byref(row))
        return row.value

    def remove(self, name: str) -> None:
        """Remove a part: an array, "catalog" or "seen"."""
        held = self._open()
        call(lib.recsys_builder_remove, held, name.encode())
        held.keep.pop(name, None)

    def add_seen(self, users: Any, items: Any, weights: Optional[Any] = None, *,
                 sum: bool = False) -> None:
        """Add user-item pairs to the seen lists, in any order: the way without seen_offsets.

        users, items  integers [n]: rows of user_factors and of item_factors
        weights       [n]; None = 1 each
        sum           a pair that is added again adds its weight; else the new weight replaces it
        """
        rows = [arrays.rows(name, values) for name, values in (("users", users), ("items", items))]
        n = rows[0].size
        if rows[1].size != n:
            raise InvalidArgument(f"items: {n} rows are wanted, as of users, not {rows[1].size}")
        given = None if weights is None else arrays.vector(
            "weights", np.asarray(weights, dtype=np.float32), n)
        call(lib.recsys_builder_add_seen, self._open(), arrays.pointer(rows[0]),
             arrays.pointer(rows[1]), arrays.pointer(given), n, abi.RECSYS_SEEN_SUM if sum else 0)

    def import_seen(self, path: Path) -> None:
        """Add the entries of a sparse matrix of users and items, an .npz of scipy, to the seen
        lists."""
        call(lib.recsys_builder_import_seen, self._open(), os.fsencode(path))

    def add_item(self, item: Mapping[str, Any]) -> None:
        """Add one item's entry to the catalogue: id, and any of title, genres, release_year,
        rating, poster_url, language, adult."""
        line = json.dumps(dict(item), ensure_ascii=False).encode()
        call(lib.recsys_builder_add_item, self._open(), line, len(line))

    def import_array(self, name: str, path: Path, member: Optional[str] = None) -> None:
        """Read one array from a .npy, or a member of an .npz or .safetensors. Without `member` it
        is the one called `name`, else the only one whose name means it."""
        call(lib.recsys_builder_import_array, self._open(), name.encode(),
             os.fsencode(path), None if member is None else member.encode())

    def import_model(self, path: Path) -> None:
        """Take over every array of an .npz, a .safetensors or a bundle that can be understood."""
        self._call_long(lib.recsys_builder_import_model, os.fsencode(path))

    def import_texts(self, name: str, path: Path) -> None:
        """set_texts() from a text file, one a line."""
        call(lib.recsys_builder_import_texts, self._open(), name.encode(),
             os.fsencode(path))

    def choices(self) -> str:
        """The choices that the builder has made, a line each: which array has become which part,
        metric, link, arrays that were not used. Call it after everything is set."""
        out = ctypes.c_char_p()
        call(lib.recsys_builder_get_choices, self._open(), ctypes.byref(out))
        return (out.value or b"").decode()

    def import_catalogue(self, path: Path) -> None:
        """add_item() for every line of a JSON Lines file."""
        call(lib.recsys_builder_import_catalog, self._open(), os.fsencode(path))

    def write(self, path: Path) -> None:
        """Check that the parts fit together and write the bundle as folder `path`, which must not
        exist. It appears complete or not at all."""
        self._call_long(lib.recsys_builder_write, os.fsencode(path))


def _call(function: Any, held: Held, path: bytes) -> None:
    call(function, held, path)


def _no_nul(name: str, value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{name}: a str is wanted, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{name}: a text may not contain NUL: {value!r}")
    return value.encode()


