"""Exact top-K for vectors of your own, a matrix at a time."""
from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import numpy as np

from . import arrays, ids
from ._held import Held, call, create
from ._native import abi, lib, new
from .errors import InvalidArgument, Unsupported
from .parts import parts
from .pool import Pool
from .recommender import scorer_options
from .replies import ids_of

if TYPE_CHECKING:
    from .catalogue import Filter
    from .model import Model


class TopK(NamedTuple):
    """The best items for each of n queries, best first; each row has room for k.

    ids     [n, k] int64, -1 where there is no answer; of text ids an array of str and None
    scores  [n, k] float32: raw scores, before the link; minus infinity where there is no answer
    rows    [n, k] uint32: rows of the model's item_* arrays; 4294967295 where there is none
    counts  [n] uint32: how many answers each query has
    """

    ids: np.ndarray[Any, Any]
    scores: np.ndarray[Any, np.dtype[np.float32]]
    rows: np.ndarray[Any, np.dtype[np.uint32]]
    counts: np.ndarray[Any, np.dtype[np.uint32]]


class Scorer:
    """Finds the items with the highest raw scores, from any number of threads at once.

    Exact: the answers are those of a scan over all items, with the same bits for every batch size
    and number of threads; ties by id. The library's scorer belongs to one thread at a time; this
    object keeps as many of them as there are calls at once.

    n_threads   threads that scan for one call, the caller's included
    max_k, max_batch, dimensions   sizes for which memory is reserved at once

    >>> import numpy
    >>> from recsys.demo import model
    >>> Scorer().top_k(model(), numpy.array([[1, 0]], dtype=numpy.float32), k=2).ids
    array([[3, 4]])
    """

    def __init__(self, n_threads: int = 1, *, max_k: int = 0, max_batch: int = 0,
                 dimensions: int = 0) -> None:
        options = scorer_options(n_threads, max_k, max_batch, dimensions)
        self._pool: Pool[Held] = Pool(lambda: create(
            lib.recsys_scorer_create, lib.recsys_scorer_destroy, byref(options)),
            forks=n_threads == 1)
        self._pool.put(self._pool.take())  # wrong options fail here

    def top_k(self, model: Model, queries: np.ndarray[Any, Any], k: int = 10, *,
              offsets: Optional[Any] = None, filter: Optional[Filter] = None) -> TopK:
        """The k best items for each row of `queries`.

        queries  float32 [n, dimensions], read in place: rows may be apart, but not have gaps
                 inside; of a cosine model normalised by the caller
        offsets  float64 [n], one added to every raw score of its query, as a user's bias is
        filter   a Filter of a model with the same content
        """
        held = model._open()
        queries = arrays.matrix("queries", queries, model.dimensions)
        n, k = len(queries), min(k, model.info.n_items)
        if k < 1:
            raise InvalidArgument("k: 1 or more is wanted")
        added = None if offsets is None else arrays.vector("offsets", offsets, n, np.float64)
        chosen = None if filter is None else filter._open()
        texts = model.info.item_id_kind == "text"
        rows, scores = np.empty((n, k), dtype=np.uint32), np.empty((n, k), dtype=np.float32)
        numbers = None if texts else np.empty((n, k), dtype=np.uint64)
        counts = np.zeros(n, dtype=np.uint32)
        scorer = self._pool.take()
        try:
            for at, size in parts(n):
                call(lib.recsys_scorer_top_k_matrix, scorer, held,
                     arrays.pointer(queries[at:]), size, queries.strides[0] // 4 if n > 1 else
                     model.dimensions, None if added is None else arrays.pointer(added[at:]),
                     chosen, k, None if numbers is None else arrays.pointer(numbers[at:]),
                     arrays.pointer(rows[at:]), arrays.pointer(scores[at:]),
                     arrays.pointer(counts[at:]))
        finally:
            self._pool.put(scorer)
        found = _texts(model, rows) if numbers is None else numbers.view(np.int64)
        return TopK(found, scores, rows, counts)

    def similar(self, model: Model, item_id: ids.Id, k: int = 10, *,
                filter: Optional[Filter] = None) -> list[tuple[ids.Id, float]]:
        """(id, cosine) of the items most similar to an item, without that item itself."""
        held = model._open()
        chosen = None if filter is None else filter._open()
        k = min(k, model.info.n_items)
        found, count = (abi.recsys_scored * max(k, 1))(), np.zeros(1, dtype=np.uint32)
        scorer = self._pool.take()
        try:
            call(lib.recsys_scorer_similar, scorer, held, ids.to_id(item_id), chosen, k, found,
                 count.ctypes.data)
        finally:
            self._pool.put(scorer)
        memory: Any = found
        pairs = np.frombuffer(memory, dtype=np.uint64).reshape(-1, 3)[None, :count[0], :2]
        texts = model.info.item_id_kind == "text"
        return [(one, found[i].score) for i, one in enumerate(ids_of(pairs, texts)[0].tolist())]


def _texts(model: Model, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Text ids of rows; None for padding."""
    names = np.empty(model.info.n_items + 1, dtype=object)
    names[:-1] = model.item_ids
    made: np.ndarray[Any, Any] = names[np.minimum(rows, len(names) - 1)]
    return made


class BlasInfo(NamedTuple):
    """The BLAS of this process: n_threads is 0 and texts are "" if unknown."""

    n_threads: int
    config: str
    core: str


def get_blas_info() -> BlasInfo:
    """The BLAS that the library uses."""
    info = new(abi.recsys_blas_info)
    call(lib.recsys_blas_get_info, byref(info))
    return BlasInfo(info.n_threads, (info.config or b"").decode(), (info.core or b"").decode())


def use_amx() -> bool:
    """Let this process use AMX, the matrix registers of some x86-64 processors. Scorers,
    recommenders and models created afterwards answer batches of 32 queries and more faster, with
    the same answers. False where there is no AMX."""
    try:
        call(lib.recsys_amx_use)
    except Unsupported:
        return False
    return True


def set_blas_threads(n_threads: int) -> None:
    """Threads of each BLAS call of the library. A program that scores from several threads, or that
    asks for scorer threads, sets 1 before it begins. NumPy's own BLAS is another one."""
    call(lib.recsys_blas_set_threads, n_threads)
