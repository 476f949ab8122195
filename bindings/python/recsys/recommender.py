"""Recommendations from a model, from any number of threads."""
from __future__ import annotations

import ctypes
import sys
from ctypes import byref
from operator import index
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from . import arrays, ids, request
from ._held import Held, call, create
from ._native import abi, lib, new
from ._native.layout import dtype
from .errors import InvalidArgument, error_of
from .parts import parts
from .pool import Pool
from .replies import (ITEM, REPLY, REPLY_AT, STRATEGIES, Batch, ItemScores, Recommendations, ids_of,
                      ignored_of, said_of)

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from typing import Unpack
    else:
        from typing_extensions import Unpack
    from .model import Model

REQUEST = dtype(abi.recsys_request)
SIZE = ITEM.size
unpack_reply, string_at = REPLY.unpack_from, ctypes.string_at
COUNT, ITEM_SIZE, ITEMS = REPLY_AT["count"], REPLY_AT["item_size"], REPLY_AT["items"]
STRATEGY, FLAGS, N_IGNORED = REPLY_AT["strategy"], REPLY_AT["flags"], REPLY_AT["n_ignored"]
recommend = lib.recsys_recommend
ANONYMOUS = abi.RECSYS_REQUEST_ANONYMOUS
REASONS = abi.RECSYS_REQUEST_REASONS


def scorer_options(n_threads: int, max_k: int, max_batch: int, dimensions: int) -> Any:
    """The options of a scorer and a recommender; 0 means the library's default."""
    options = new(abi.recsys_scorer_options)
    options.n_threads, options.max_k = n_threads, max_k
    options.max_batch, options.dimensions = max_batch, dimensions
    return options


# The members of a request that every call sets, where ctypes sets them fastest.
_AT = abi.recsys_request
HOT = ((ctypes.c_uint32, _AT.flags.offset),
       (ctypes.c_void_p, _AT.user.offset + abi.recsys_id.text.offset),
       (ctypes.c_uint64, _AT.user.offset + abi.recsys_id.number.offset),
       (ctypes.c_uint32, _AT.k.offset))
ID_LIMIT, K_LIMIT = 2**63, 2**32


class _Workspace:
    """A recommender of the library, with a request, a reply and an error record of its own."""

    __slots__ = ("held", "pointer", "request", "reply", "err", "at_request", "at_reply", "at_err",
                 "plain", "used", "flags", "text", "number", "k")

    def __init__(self, options: Any) -> None:
        self.held = create(lib.recsys_recommender_create, lib.recsys_recommender_destroy,
                             byref(options))
        self.pointer = self.held.pointer
        self.request, self.reply = new(abi.recsys_request), new(abi.recsys_reply)
        self.err = abi.recsys_error()
        self.at_request, self.at_reply = ctypes.addressof(self.request), ctypes.addressof(self.reply)
        self.at_err = ctypes.addressof(self.err)
        self.plain = bytes(self.request)  # of a request without conditions
        hot: list[Any] = [kind.from_buffer(self.request, at) for kind, at in HOT]
        self.flags, self.text, self.number, self.k = hot
        self.used = False

    def fill(self, model: Model, user_id: Optional[ids.Id], top_k: int,
             conditions: request.Conditions) -> Any:
        """Write the request; the result must live until the call has returned."""
        asked = self.request
        if self.used:
            ctypes.memmove(self.at_request, self.plain, len(self.plain))
            self.used = False
        if type(user_id) is int and 0 <= user_id < ID_LIMIT:
            self.flags.value = 0
            self.text.value, self.number.value = None, user_id
        elif user_id is None:
            self.flags.value = ANONYMOUS
        else:
            self.flags.value = 0
            asked.user = ids.to_id(user_id)
            self.used = True
        if not 0 < top_k < K_LIMIT:
            raise InvalidArgument(f"top_k: 1 or more, not {top_k}")
        self.k.value = index(top_k)
        if conditions:
            self.used = True
            return request.fill(asked, model.dimensions, conditions)
        return None

    def result(self, model: Model, held: Held) -> Recommendations:
        """The reply, copied."""
        reply = unpack_reply(self.reply)
        count, size = reply[COUNT], reply[ITEM_SIZE]
        data = string_at(reply[ITEMS], count * size) if count else b""
        if size != SIZE and count:  # of a newer library
            data = b"".join(data[i:i + SIZE] for i in range(0, len(data), size))
        if not self.used:
            return Recommendations(model, held, data, reply[STRATEGY], reply[FLAGS])
        return Recommendations(
            model, held, data, reply[STRATEGY], reply[FLAGS],
            said_of(self.reply) if self.request.flags & REASONS else (),
            ignored_of(self.reply) if reply[N_IGNORED] else ())


class Recommender:
    """Answers requests, from any number of threads at once.

    The library's recommender belongs to one thread at a time; this object keeps as many of them as
    there are calls at once. It is not tied to a model. Model.recommend() uses one that all models
    share; make one of your own for helper threads.

    n_threads   threads that scan for one call, the caller's included
    max_k, max_batch, dimensions   sizes for which memory is reserved at once

    >>> from recsys.demo import model
    >>> recommender = Recommender(n_threads=2)
    >>> recommender.recommend(model(), user_id=1, top_k=3).ids
    [3, 4, 5]
    """

    def __init__(self, n_threads: int = 1, *, max_k: int = 0, max_batch: int = 0,
                 dimensions: int = 0) -> None:
        options = scorer_options(n_threads, max_k, max_batch, dimensions)
        self._pool = Pool(lambda: _Workspace(options), forks=n_threads == 1)
        self._pool.put(self._pool.take())  # wrong options fail here

    def recommend(self, model: Model, user_id: Optional[ids.Id] = None, top_k: int = 10,
                  **conditions: Unpack[request.Conditions]) -> Recommendations:
        """The top_k best items for a user; None for nobody in particular.

        An unknown user gets an answer too: by preferences or by popularity.
        The conditions are described in recsys.Conditions.
        """
        return self._recommend(model, user_id, top_k, conditions)

    def _recommend(self, model: Model, user_id: Optional[ids.Id], top_k: int,
                   conditions: request.Conditions) -> Recommendations:
        held = model._held or model._open()
        workspace = self._pool.take()
        try:
            keep = workspace.fill(model, user_id, top_k, conditions)
            status = recommend(workspace.pointer, held.pointer, workspace.at_request, 1,
                               workspace.at_reply, workspace.at_err)
            if status:
                raise error_of(status, workspace.err.message)
            result = workspace.result(model, held)
            del keep
            return result
        finally:
            self._pool.put(workspace)

    def similar(self, model: Model, item_id: ids.Id, top_k: int = 10, *,
                user_id: Optional[ids.Id] = None,
                **conditions: Unpack[request.Conditions]) -> Recommendations:
        """The items most similar to an item by the cosine of their vectors, without those that the
        user has seen. The score is the cosine, a negative one as 0. `vector` and `liked` are not
        allowed."""
        held = model._open()
        workspace = self._pool.take()
        try:
            keep = workspace.fill(model, user_id, top_k, conditions)
            status = lib.recsys_recommend_similar(
                workspace.pointer, held, ids.to_id(item_id), workspace.at_request,
                workspace.at_reply, workspace.at_err)
            if status:
                raise error_of(status, workspace.err.message)
            result = workspace.result(model, held)
            del keep
            return result
        finally:
            self._pool.put(workspace)

    def score_items(self, model: Model, user_id: Optional[ids.Id], item_ids: ids.Ids,
                    **conditions: Unpack[request.Conditions]) -> ItemScores:
        """The scores that recommend() would give these items. Filters have no effect."""
        held = model._open()
        items, n = ids.to_ids(item_ids)
        scores, raws = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float32)
        workspace = self._pool.take()
        try:
            keep = workspace.fill(model, user_id, 1, conditions)
            status = lib.recsys_recommend_score_items(
                workspace.pointer, held, workspace.at_request, ids.address(items), n,
                scores.ctypes.data, raws.ctypes.data, workspace.at_reply, workspace.at_err)
            if status:
                raise error_of(status, workspace.err.message)
            del keep
            return ItemScores(scores, raws, workspace.reply.count,
                              STRATEGIES.get(workspace.reply.strategy, ""))
        finally:
            self._pool.put(workspace)

    def recommend_batch(self, model: Model, user_ids: ids.Ids, top_k: int = 10,
                        **conditions: Unpack[request.Conditions]) -> Batch:
        """The top_k best items for each of n users, as arrays [n, top_k].

        The conditions are the same for all users. Faster than one call a user, and interrupted by
        Ctrl-C between parts of about 50 ms.
        """
        held = model._open()
        if conditions.get("reasons"):
            raise InvalidArgument("reasons: a batch has none; ask for single users")
        users, n = ids.to_ids(user_ids)
        k = min(top_k, model.info.n_items)
        if k < 1:
            raise InvalidArgument(f"top_k: 1 or more, not {top_k}")
        template = new(abi.recsys_request)
        keep = request.fill(template, model.dimensions, conditions)
        template.k = k
        asked = np.empty(n, dtype=REQUEST)
        asked[:] = np.frombuffer(bytes(template), dtype=REQUEST)[0]
        pairs = np.frombuffer(users, dtype=np.uint64).reshape(n, 2) if n else np.empty((0, 2))
        asked["user.text"], asked["user.number"] = pairs[:, 0], pairs[:, 1]
        out = _BatchArrays(n, k)
        workspace = self._pool.take()
        try:
            out.fill(workspace.pointer, held, asked)
        finally:
            self._pool.put(workspace)
        del keep
        return out.batch(texts=model.info.item_id_kind == "text")


class _BatchArrays:
    """The arrays that recsys_recommend_into() writes to."""

    def __init__(self, n: int, k: int) -> None:
        self.n, self.k = n, k
        self.items = np.empty((n, k, 2), dtype=np.uint64)
        self.rows = np.empty((n, k), dtype=np.uint32)
        self.scores = np.empty((n, k), dtype=np.float32)
        self.counts = np.zeros(n, dtype=np.uint32)
        self.strategies = np.zeros(n, dtype=np.uint32)

    def fill(self, recommender: int, model: Held, asked: np.ndarray[Any, Any]) -> None:
        for at, size in parts(self.n):
            call(lib.recsys_recommend_into, recommender, model,
                 asked.ctypes.data + at * asked.itemsize, size, self.k,
                 arrays.pointer(self.items[at:]), arrays.pointer(self.rows[at:]),
                 arrays.pointer(self.scores[at:]), arrays.pointer(self.counts[at:]), None,
                 arrays.pointer(self.strategies[at:]))

    def batch(self, texts: bool) -> Batch:
        return Batch(ids_of(self.items, texts), self.scores, self.rows, self.counts,
                     self.strategies)


# The recommender that Model.recommend() uses.
SHARED = Recommender()
