"""A recommendation model: loaded once, shared by all threads, asked for recommendations."""
from __future__ import annotations

import ctypes
import itertools
import os
import sys
from collections.abc import Mapping
from ctypes import byref
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

import numpy as np

from . import arrays, ids, request
from ._held import Held, Owner, call, create, text
from ._native import abi, lib, new
from .catalogue import Catalogue, Filter, texts_of
from .errors import NotFound
from .interrupt import interruptible
from .recommender import SHARED
from .replies import Batch, ItemScores, Recommendations

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from typing import Unpack
    else:
        from typing_extensions import Unpack

METRICS = {"inner_product": abi.RECSYS_METRIC_INNER_PRODUCT, "cosine": abi.RECSYS_METRIC_COSINE}
LINKS = {"sigmoid": abi.RECSYS_LINK_SIGMOID, "linear": abi.RECSYS_LINK_LINEAR,
         "clip": abi.RECSYS_LINK_CLIP}
ID_KINDS = {"integer": abi.RECSYS_ID_KIND_INTEGER, "text": abi.RECSYS_ID_KIND_TEXT}
POPULARITIES = {"given": abi.RECSYS_POPULARITY_GIVEN, "seen": abi.RECSYS_POPULARITY_SEEN,
                "bias": abi.RECSYS_POPULARITY_BIAS, "rating": abi.RECSYS_POPULARITY_RATING,
                "norm": abi.RECSYS_POPULARITY_NORM}
SIMILARITIES = {"vector": abi.RECSYS_SIMILAR_VECTOR, "vector_bias": abi.RECSYS_SIMILAR_VECTOR_BIAS,
                "vector_bias_one": abi.RECSYS_SIMILAR_VECTOR_BIAS_ONE}
_NAMES = {"metric": METRICS, "link": LINKS, "user_id_kind": ID_KINDS, "item_id_kind": ID_KINDS,
          "popularity": POPULARITIES, "similar_by": SIMILARITIES}


class ModelInfo(NamedTuple):
    """The description of a model, as recsys_model_info has it.

    metric is "inner_product" or "cosine"; link is "sigmoid", "linear" or "clip"; kinds of ids are
    "integer" or "text". The last field is a JSON object with metrics, hyperparameters and tags.
    """

    dimensions: int
    n_users: int
    n_items: int
    n_features: int
    n_seen: int
    n_catalog: int
    mapped_bytes: int
    private_bytes: int
    code_bytes: int
    user_id_kind: str
    item_id_kind: str
    metric: str
    link: str
    link_min: float
    link_max: float
    name: str
    version: str
    algorithm: str
    training_date: str
    fingerprint: str
    metadata: str
    item_name: str
    popularity: str
    similar_by: str
    short_code_bytes: int


def _info(held: Held) -> ModelInfo:
    filled = new(abi.recsys_model_info)
    call(lib.recsys_model_get_info, held, byref(filled))
    values: dict[str, Any] = {}
    for name in ModelInfo._fields:
        value = getattr(filled, name)
        if name in _NAMES:
            value = {number: word for word, number in _NAMES[name].items()}.get(value, "")
        values[name] = text(value) if isinstance(value, bytes) else value
    return ModelInfo(**values)


def model_options(skip_hashes: bool = False, huge_pages: bool = False, max_bytes: int = 0,
                  metric: Optional[str] = None, link: Optional[str] = None, link_min: float = 0.0,
                  link_max: float = 0.0, n_threads: int = 0) -> Any:
    """recsys_model_options, of the words that Model takes."""
    options = new(abi.recsys_model_options)
    options.flags = (skip_hashes and abi.RECSYS_MODEL_SKIP_HASHES) | \
        (huge_pages and abi.RECSYS_MODEL_HUGE_PAGES)
    options.max_bytes, options.link_min, options.link_max = max_bytes, link_min, link_max
    options.n_threads = n_threads
    for name, value, words in (("metric", metric, METRICS), ("link", link, LINKS)):
        if value is not None:
            if value not in words:
                raise ValueError(f"{name}: one of {', '.join(words)}, not {value!r}")
            setattr(options, name, words[value])
    return options


# Memory that models use without copying it, until the library says that it does not any more.
_kept: dict[int, Any] = {}
_keys = itertools.count(1)


def _forget(key: int, _data: int, _size: int) -> None:
    _kept.pop(key, None)


_release = abi.recsys_model_release(_forget)


class Model(Owner):
    """A recommendation model, mapped into memory.

    Any number of threads may use it at once, and forked children share its pages. Views of its
    arrays and answers keep it alive, so close() is never too early.

    path         a bundle, a .safetensors file, or an .npz of the package implicit
    skip_hashes  trust the bundle's SHA-256 sums without computing them
    huge_pages   copy item vectors into private 2 MB pages
    max_bytes    refuse a model whose files are larger together
    metric, link, link_min, link_max   for files that do not say them: "inner_product" or "cosine";
                 "sigmoid", "linear" or "clip"
    n_threads    threads that compute hashes of large files, the caller's included; 0 = 1

    >>> from recsys.demo import folder
    >>> model = Model(folder())
    >>> model
    <Model demo 1: 4 users, 6 items, 2 dimensions>
    >>> model.recommend(user_id=1, top_k=2)
    2 recommendations by user
       1           3  0.6225  The Third
       2           4  0.5744  The Fourth
    """

    def __init__(self, path: Union[str, os.PathLike[str]], *, skip_hashes: bool = False,
                 huge_pages: bool = False, max_bytes: int = 0, metric: Optional[str] = None,
                 link: Optional[str] = None, link_min: float = 0.0, link_max: float = 0.0,
                 n_threads: int = 0) -> None:
        options = model_options(skip_hashes, huge_pages, max_bytes, metric, link, link_min,
                                link_max, n_threads)
        self._adopt(interruptible(create, lib.recsys_model_load, lib.recsys_model_unref,
                                  os.fsencode(path), byref(options)))

    def _adopt(self, held: Held) -> None:
        self._held: Optional[Held] = held
        self._described: Optional[ModelInfo] = None
        self._dimensions = 0

    @classmethod
    def _of(cls, pointer: int) -> Model:
        """A model over a reference that the caller gives away."""
        made = cls.__new__(cls)
        made._adopt(Held(pointer, lib.recsys_model_unref))
        return made

    @classmethod
    def from_files(cls, files: Mapping[str, Any], **options: Any) -> Model:
        """A model from files in memory: names as in a bundle (or one "x.npz"), contents as bytes or
        another buffer, which is not copied and must not change, or as an int, a file descriptor.
        The options are those of Model()."""
        made = model_options(**options)
        contents = [content if isinstance(content, int) else np.frombuffer(content, dtype=np.uint8)
                    for content in files.values()]
        array = (abi.recsys_model_file * len(files))()
        for entry, name, data in zip(array, files, contents):
            entry.struct_size, entry.name = ctypes.sizeof(abi.recsys_model_file), name.encode()
            if isinstance(data, int):
                entry.flags, entry.fd = abi.RECSYS_MODEL_FILE_DESCRIPTOR, data
                continue
            key = next(_keys)
            _kept[key] = data
            entry.data, entry.size = data.ctypes.data, data.size
            entry.release, entry.user_data = _release, key
        model = cls.__new__(cls)
        model._adopt(interruptible(create, lib.recsys_model_load_files, lib.recsys_model_unref,
                                   array, len(files), byref(made)))
        return model

    @property
    def info(self) -> ModelInfo:
        """The description of the model."""
        if self._described is None:
            self._described = _info(self._open())
        return self._described

    @property
    def dimensions(self) -> int:
        """The length of a user or item vector."""
        if not self._dimensions:
            self._dimensions = self.info.dimensions
        return self._dimensions

    def recommend(self, user_id: Optional[ids.Id] = None, top_k: int = 10,
                  **conditions: Unpack[request.Conditions]) -> Recommendations:
        """The top_k best items for a user; None for nobody in particular.

        An unknown user gets an answer too: by preferences or by popularity. recsys.Conditions
        describes the conditions.

        >>> from recsys.demo import model
        >>> model().recommend(user_id=1, top_k=10, genres=["Horror"], max_year=1990)
        Traceback (most recent call last):
        TypeError: there is no condition 'max_year'; there are genres, ...
        """
        return SHARED._recommend(self, user_id, top_k, conditions)

    def recommend_batch(self, user_ids: ids.Ids, top_k: int = 10,
                        **conditions: Unpack[request.Conditions]) -> Batch:
        """The top_k best items for each of n users, as NumPy arrays [n, top_k].

        >>> from recsys.demo import model
        >>> model().recommend_batch([1, 2], top_k=2).ids
        array([[3, 4],
               [1, 2]])
        """
        return SHARED.recommend_batch(self, user_ids, top_k, **conditions)

    def similar(self, item_id: ids.Id, top_k: int = 10, *, user_id: Optional[ids.Id] = None,
                **conditions: Unpack[request.Conditions]) -> Recommendations:
        """The items most similar to an item, by the cosine of their vectors, without those that
        the user has seen."""
        return SHARED.similar(self, item_id, top_k, user_id=user_id, **conditions)

    def score_items(self, user_id: Optional[ids.Id], item_ids: ids.Ids,
                    **conditions: Unpack[request.Conditions]) -> ItemScores:
        """The scores that recommend() would give these items.

        >>> from recsys.demo import model
        >>> model().score_items(1, [3, 99]).raws
        array([0.5, nan], dtype=float32)
        """
        return SHARED.score_items(self, user_id, item_ids, **conditions)

    def filter(self, **conditions: Any) -> Filter:
        """A Filter for this model; the conditions are those of recsys.Filter."""
        return Filter(self, **conditions)

    @property
    def catalogue(self) -> Catalogue:
        """Titles, genres and more of the items."""
        return Catalogue(self)

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """One of the model's arrays, without copying it: read-only, and it keeps the model alive.

        Row r is the same item in every item_* array and the same user in every user_* array.

            item_factors [n_items, d]  user_factors [n_users, d]   float32
            item_bias [n_items]        user_bias [n_users]         float32
            item_ids [n_items]         user_ids [n_users]          int64; of text ids uint8 bytes,
            item_ids_offsets           user_ids_offsets            with these uint64 offsets
            item_popularity [n_items]  float32, 0..1
            seen_offsets [n_users+1] uint64, seen_items [n] uint32, seen_weights [n] float32
            feature_factors [n_features, d]; feature_names, feature_names_offsets

        Raises NotFound if this model has no such array.
        """
        held = self._open()
        found = abi.recsys_array()
        call(lib.recsys_model_get_array, held, name.encode(), byref(found))
        return arrays.view(held, found)

    def _array_or_none(self, name: str) -> Optional[np.ndarray[Any, Any]]:
        try:
            return self.array(name)
        except NotFound:
            return None

    @property
    def item_factors(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """float32 [n_items, dimensions], a view: the vectors that the scorer uses."""
        return self.array("item_factors")

    @property
    def user_factors(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """float32 [n_users, dimensions], a view."""
        return self.array("user_factors")

    @property
    def item_bias(self) -> Optional[np.ndarray[Any, np.dtype[np.float32]]]:
        """float32 [n_items], a view; None if the model has no biases."""
        return self._array_or_none("item_bias")

    @property
    def user_bias(self) -> Optional[np.ndarray[Any, np.dtype[np.float32]]]:
        """float32 [n_users], a view; None if the model has no biases."""
        return self._array_or_none("user_bias")

    @property
    def item_ids(self) -> np.ndarray[Any, Any]:
        """[n_items] by row: of integer ids a view, int64; of text ids an array of str, a copy."""
        return self._ids("item")

    @property
    def user_ids(self) -> np.ndarray[Any, Any]:
        """[n_users] by row: of integer ids a view, int64; of text ids an array of str, a copy."""
        return self._ids("user")

    def _ids(self, side: str) -> np.ndarray[Any, Any]:
        values = self.array(f"{side}_ids")
        if getattr(self.info, f"{side}_id_kind") == "integer":
            return values
        offsets = self.array(f"{side}_ids_offsets").tolist()
        data = values.tobytes()
        made = np.empty(len(offsets) - 1, dtype=object)
        made[:] = [_cut(data, start, end) for start, end in zip(offsets, offsets[1:])]
        return made

    def list_user_ids(self) -> list[ids.Id]:
        """All user ids, ascending."""
        return self._id_list(lib.recsys_model_get_user_ids, self.info.n_users)

    def list_item_ids(self) -> list[ids.Id]:
        """All item ids, ascending."""
        return self._id_list(lib.recsys_model_get_item_ids, self.info.n_items)

    def _id_list(self, function: Any, n: int) -> list[ids.Id]:
        found, count = np.empty((n, 2), dtype=np.uint64), ctypes.c_size_t()
        held = self._open()  # its texts are read after the call
        call(function, held, 0, found.ctypes.data, n, byref(count))
        return [ids.from_parts(pointer, number) for pointer, number in found.tolist()]

    def seen(self, user_id: ids.Id) -> list[ids.Id]:
        """The ids of the items that a user has seen; array("seen_items") has all lists, uncopied."""
        return list(self.seen_weights(user_id))

    def seen_weights(self, user_id: ids.Id) -> dict[ids.Id, float]:
        """The items that a user has seen, with their weights; 1 where the model has none."""
        held, user, count = self._open(), ids.to_id(user_id), ctypes.c_size_t()
        call(lib.recsys_model_get_seen, held, user, 0, None, None, 0, byref(count))
        found, weights = np.empty((count.value, 2), np.uint64), np.empty(count.value, np.float32)
        call(lib.recsys_model_get_seen, held, user, 0, found.ctypes.data,
             weights.ctypes.data, count.value, byref(count))
        return {ids.from_parts(pointer, number): weight for (pointer, number), weight
                in zip(found.tolist(), weights.tolist())}

    def user(self, user_id: ids.Id) -> tuple[np.ndarray[Any, np.dtype[np.float32]], float]:
        """A user's vector, float32 [dimensions], and bias, as the scorer uses them; copied."""
        return self._vector(lib.recsys_model_get_user, user_id)

    def item(self, item_id: ids.Id) -> tuple[np.ndarray[Any, np.dtype[np.float32]], float]:
        """An item's vector, float32 [dimensions], and bias, as the scorer uses them; copied."""
        return self._vector(lib.recsys_model_get_item, item_id)

    def _vector(self, function: Any, one: ids.Id) -> tuple[np.ndarray[Any, Any], float]:
        numbers, bias = np.empty(self.dimensions, dtype=np.float32), ctypes.c_float()
        call(function, self._open(), ids.to_id(one), numbers.ctypes.data, byref(bias))
        return numbers, bias.value

    @property
    def features(self) -> list[str]:
        """The names of the rows of array("feature_factors")."""
        return self._texts(lib.recsys_model_get_features)

    def _texts(self, function: Any) -> list[str]:
        return texts_of(function, self._open())

    def link(self, raw: float) -> float:
        """The score, 0..1, that this model's link makes of a raw score."""
        return float(lib.recsys_link_score(self._open(), raw))

    def __repr__(self) -> str:
        if self.closed:
            return "<Model, closed>"
        info = self.info
        return (f"<Model {info.name} {info.version}: {info.n_users} users, {info.n_items} items, "
                f"{info.dimensions} dimensions>")


def _cut(data: bytes, start: int, end: int) -> str:
    """The text of an array of texts. A NUL stands behind each."""
    return data[start:end].rstrip(b"\0").decode()
