"""Answers: Recommendations for one user, Batch for many."""
from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union, overload

import numpy as np

from ._held import Held
from ._native import abi, lib
from ._native.layout import dtype, names, unpacker
from .ids import Id, from_parts

if TYPE_CHECKING:
    import pandas

    from .model import Model

REPLY = unpacker(abi.recsys_reply)
REPLY_AT: dict[str, int] = {name: i for i, name in enumerate(names(abi.recsys_reply))}
ITEM = unpacker(abi.recsys_recommendation)
ITEM_DTYPE = dtype(abi.recsys_recommendation)
STRATEGIES = {number: lib.recsys_strategy_name(number).decode() for number in range(1, 10)}
KINDS = {abi.RECSYS_PREFERENCE_GENRE: "genre", abi.RECSYS_PREFERENCE_LANGUAGE: "language",
         abi.RECSYS_PREFERENCE_DECADE: "decade", abi.RECSYS_PREFERENCE_RATING: "rating",
         abi.RECSYS_PREFERENCE_LIKED: "liked",
         abi.RECSYS_PREFERENCE_REQUIRED_GENRE: "required_genre",
         abi.RECSYS_PREFERENCE_ALLOWED: "allowed"}


REASONS = {abi.RECSYS_REASON_GENRES: "genres", abi.RECSYS_REASON_RATING: "rating",
           abi.RECSYS_REASON_SCORE: "score", abi.RECSYS_REASON_SIMILAR: "similar",
           abi.RECSYS_REASON_POPULAR: "popular"}
# reason, causes, reasons, contributions
Said = tuple[Union[str, None], tuple[Id, ...], tuple[str, ...], tuple[float, ...]]


class Recommendation(NamedTuple):
    """One recommended item.

    item_id  its id
    score    0..1, after the link; the order is by `raw`
    raw      the score before the link
    reason   one line of English; None unless `reasons` were asked for
    causes   ids of the liked items that this one is similar to, the most important first
    reasons  "genres", "rating", "score", "similar", "popular": those that hold
    contributions  what each cause adds to `raw`; () unless the model is ALS
    """

    item_id: Id
    score: float
    raw: float
    reason: Union[str, None] = None
    causes: tuple[Id, ...] = ()
    reasons: tuple[str, ...] = ()
    contributions: tuple[float, ...] = ()


class Ignored(NamedTuple):
    """A preference that could not be used: "genre", "language", "decade", "rating", "liked" or
    "required_genre"; its place in the request's list of that kind; its text, "" if it has none."""

    kind: str
    place: int
    text: str


class ItemScores(NamedTuple):
    """The scores that a request gives to chosen items.

    scores   [n] float32, after the link; NaN for an item that the model does not have
    raws     [n] float32, before the link
    n_known  how many of the items the model has
    strategy the one that answered
    """

    scores: np.ndarray[Any, np.dtype[np.float32]]
    raws: np.ndarray[Any, np.dtype[np.float32]]
    n_known: int
    strategy: str


class Recommendations(Sequence[Recommendation]):
    """The answer to one request, best first: a sequence of Recommendation that prints as a table.

    strategy    the one that answered: "user", "popularity", "session", ...
    known_user  whether the model has the user
    steered     whether preferences have changed the order
    ignored     preferences that could not be used; "Horror|Comedy" is the name of no genre, give
                each genre on its own
    """

    __slots__ = ("model", "ignored", "_strategy", "_flags", "_data", "_items", "_said", "_held")

    def __init__(self, model: Model, held: Held, data: bytes, strategy: int, flags: int,
                 said: Sequence[Said] = (),
                 ignored: Sequence[Ignored] = ()) -> None:
        self.model = model
        self._held = held  # which has the texts of ids
        self._data = data
        self._strategy = strategy
        self._flags = flags
        self._said = said
        self._items: Union[list[Recommendation], None] = None
        self.ignored = ignored

    @property
    def strategy(self) -> str:
        name: str = STRATEGIES.get(self._strategy, "")
        return name

    @property
    def steered(self) -> bool:
        return bool(self._flags & abi.RECSYS_REPLY_PREFERENCES)

    @property
    def known_user(self) -> bool:
        return bool(self._flags & abi.RECSYS_REPLY_KNOWN_USER)

    def _list(self) -> list[Recommendation]:
        """The objects, made when they are first looked at."""
        items = self._items
        if items is None:
            items = [Recommendation(from_parts(item[0], item[1]) if item[0] else item[1], item[2],
                                    item[3]) for item in ITEM.iter_unpack(self._data)]
            if self._said:
                items = [item._replace(reason=reason, causes=causes, reasons=reasons,
                                       contributions=contributions)
                         for item, (reason, causes, reasons, contributions)
                         in zip(items, self._said)]
            self._items = items
        return items

    @overload
    def __getitem__(self, i: int) -> Recommendation: ...
    @overload
    def __getitem__(self, i: slice) -> list[Recommendation]: ...
    def __getitem__(self, i: Union[int, slice]) -> Union[Recommendation, list[Recommendation]]:
        return self._list()[i]

    def __len__(self) -> int:
        return len(self._data) // ITEM.size

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self._list())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recommendations) and self._list() == other._list()

    def __hash__(self) -> int:
        raise TypeError("recommendations cannot be hashed; their ids can")

    @property
    def ids(self) -> list[Id]:
        """The ids of the items, best first."""
        if self._items is not None:
            return [item.item_id for item in self._items]
        return [from_parts(item[0], item[1]) if item[0] else item[1]
                for item in ITEM.iter_unpack(self._data)]

    @property
    def scores(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """float32 [n]: the scores, best first."""
        made: np.ndarray[Any, Any] = np.frombuffer(self._data, ITEM_DTYPE)["score"].copy()
        return made

    def to_dataframe(self) -> pandas.DataFrame:
        """Columns rank (from 1), item_id, score, raw; title, if the model has a catalogue; reason,
        if reasons were asked for. Needs pandas."""
        import pandas

        items = self._list()
        columns: dict[str, Any] = {
            "rank": range(1, len(items) + 1), "item_id": [item.item_id for item in items],
            "score": self.scores, "raw": np.frombuffer(self._data, ITEM_DTYPE)["raw"].copy()}
        if self.model.info.n_catalog:
            columns["title"] = self._titles()
        if self._said:
            columns["reason"] = [item.reason for item in items]
        return pandas.DataFrame(columns)

    def _titles(self) -> list[str]:
        catalogue = self.model.catalogue
        return [catalogue[item.item_id].title for item in self._list()]

    def __repr__(self) -> str:
        items = self._list()
        head = f"{len(items)} recommendations by {self.strategy}"
        titles = self._titles() if items and not self.model.closed and \
            self.model.info.n_catalog else [""] * len(items)
        lines = [f"{i:4}  {item.item_id!s:>10}  {item.score:.4f}  {title}".rstrip() +
                 (f"  ({item.reason})" if item.reason else "")
                 for i, (item, title) in enumerate(zip(items, titles), 1)]
        return "\n".join([head] + lines)


class Batch(NamedTuple):
    """The answers to n users, each with room for k items; rows of an array are users.

    ids         [n, k] int64, -1 where there is no answer; of text ids an array of str and None
    scores      [n, k] float32, after the link; minus infinity where there is no answer
    rows        [n, k] uint32: rows of the model's item_* arrays; 4294967295 where there is none
    counts      [n] uint32: how many answers each user has
    strategies  [n] uint32: RECSYS_STRATEGY_*; see strategy_names()
    """

    ids: np.ndarray[Any, Any]
    scores: np.ndarray[Any, np.dtype[np.float32]]
    rows: np.ndarray[Any, np.dtype[np.uint32]]
    counts: np.ndarray[Any, np.dtype[np.uint32]]
    strategies: np.ndarray[Any, np.dtype[np.uint32]]

    def strategy_names(self) -> list[str]:
        """The strategy that answered each user: "user", "popularity", ..."""
        return [STRATEGIES.get(number, "") for number in self.strategies.tolist()]

    def to_dataframe(self, user_ids: Any = None) -> pandas.DataFrame:
        """One line an answer: user_id (or the user's number in the batch), rank, item_id, score."""
        import pandas

        n, k = self.scores.shape
        there = np.arange(k) < self.counts[:, None]
        users = np.arange(n) if user_ids is None else np.asarray(user_ids)
        return pandas.DataFrame({
            "user_id": np.repeat(users, self.counts), "rank": np.nonzero(there)[1] + 1,
            "item_id": self.ids[there], "score": self.scores[there]})


def said_of(reply: Any) -> list[Said]:
    """Reason and causes of every item: copied, since the next call overwrites them."""
    said = []
    for i in range(reply.count):
        item = abi.recsys_recommendation.from_address(reply.items + i * reply.item_size)
        causes = (abi.recsys_id * item.n_causes).from_address(item.causes) if item.causes else ()
        said.append((item.reason.decode() if item.reason else None,
                     tuple(from_parts(*_parts(cause)) for cause in causes),
                     tuple(word for bit, word in REASONS.items() if item.reasons & bit),
                     tuple((ctypes.c_float * item.n_causes).from_address(item.contributions))
                     if item.contributions else ()))
    return said


def ignored_of(reply: Any) -> list[Ignored]:
    """The preferences that could not be used."""
    found = (abi.recsys_preference * reply.n_ignored).from_address(reply.ignored)
    return [Ignored(KINDS.get(p.kind, ""), p.index, (p.text or b"").decode()) for p in found]


def _parts(item: Any) -> tuple[int, int]:
    pair = (ctypes.c_uint64 * 2).from_buffer(item)
    return pair[0], pair[1]


def ids_of(pairs: np.ndarray[Any, Any], texts: bool) -> np.ndarray[Any, Any]:
    """The ids of uint64 [n, k, 2], as recsys_recommend_into() writes recsys_id."""
    if not texts:
        return np.ascontiguousarray(pairs[..., 1]).view(np.int64)
    made = np.empty(pairs.shape[:2], dtype=object)
    made.reshape(-1)[:] = [from_parts(text, number) if text else None
                           for text, number in pairs.reshape(-1, 2).tolist()]
    return made
