"""The catalogue of a model: titles, genres, years, ...; and filters on it."""
from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from ctypes import byref
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from . import ids
from ._held import Held, Owner, call, create, text
from ._native import abi, lib, new
from .errors import Error

if TYPE_CHECKING:
    import pandas

    from .model import Model


class Item(NamedTuple):
    """One item's entry in the catalogue; None where the catalogue does not know.

    item_id, title ("" if unknown), genres, release_year, rating (0..10), language ("en"),
    poster_url, adult; known: whether the catalogue has this item
    """

    item_id: ids.Id
    title: str
    genres: tuple[str, ...]
    release_year: Optional[int]
    rating: Optional[float]
    language: Optional[str]
    poster_url: Optional[str]
    adult: bool
    known: bool


class Catalogue(Mapping[ids.Id, Item]):
    """The catalogue of a model: a mapping from item ids to Item, for all items of the model.

    >>> from recsys.demo import model
    >>> catalogue = model().catalogue
    >>> catalogue[1].title, catalogue[1].genres
    ('The First', ('Drama', 'Horror'))
    >>> catalogue.genres
    ['Drama', 'Horror', 'Comedy']
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getitem__(self, item_id: ids.Id) -> Item:
        held = self._model._open()
        entry = new(abi.recsys_item)
        call(lib.recsys_catalog_get, held, ids.to_id(item_id), byref(entry))
        genres = (ctypes.c_char_p * entry.n_genres).from_address(entry.genres) \
            if entry.n_genres else ()
        return Item(
            item_id, text(entry.title), tuple(text(genre) for genre in genres),
            entry.release_year or None, None if entry.rating < 0 or not entry.known
            else entry.rating, entry.language.decode() if entry.language else None,
            entry.poster_url.decode() if entry.poster_url else None, bool(entry.adult),
            bool(entry.known))

    def __contains__(self, item_id: object) -> bool:
        try:
            return self[item_id].known  # type: ignore[index]
        except (Error, TypeError):
            return False

    def __iter__(self) -> Iterator[ids.Id]:
        return iter(self._model.list_item_ids())

    def __len__(self) -> int:
        return self._model.info.n_items

    @property
    def genres(self) -> list[str]:
        """All genres, in the order in which they first appear."""
        return self._model._texts(lib.recsys_catalog_get_genres)

    @property
    def languages(self) -> list[str]:
        """All languages, in lower case."""
        return self._model._texts(lib.recsys_catalog_get_languages)

    def to_dataframe(self) -> pandas.DataFrame:
        """One line an item that the catalogue has; genres are tuples. Needs pandas."""
        import pandas

        items = [item for item in self.values() if item.known]
        return pandas.DataFrame({name: [getattr(item, name) for item in items]
                                 for name in Item._fields if name != "known"})

    def __repr__(self) -> str:
        return f"<Catalogue of {self._model.info.n_catalog} items>"


class Filter(Owner):
    """The set of a model's items that an answer may have: those that meet all conditions.

    Making one passes over all items, so make it once and use it for many requests. It works for
    every model of the same content. An item whose rating, language or year is unknown does not meet
    a condition on it.

    min_rating          rating at least this
    min_year, max_year  release year from, to
    languages           any of these
    allow, exclude      ids of items: only these, not these
    seen_by             not the items that this user has seen
    include_adult       adult items may pass

    >>> from recsys.demo import model
    >>> len(Filter(model(), min_year=1990))
    4
    """

    def __init__(self, model: Model, *, min_rating: float = 0.0, min_year: int = 0,
                 max_year: int = 0, languages: Sequence[str] = (), allow: Optional[ids.Ids] = None,
                 exclude: ids.Ids = (), seen_by: Optional[ids.Id] = None,
                 include_adult: bool = True) -> None:
        held = model._open()
        options = new(abi.recsys_filter_options)
        options.min_rating, options.min_year, options.max_year = min_rating, min_year, max_year
        if isinstance(languages, str):
            raise TypeError("languages: a list of texts is wanted, not one text")
        texts = (ctypes.c_char_p * len(languages))(*(name.encode() for name in languages))
        options.languages, options.n_languages = ctypes.addressof(texts), len(texts)
        kept, options.n_exclude = ids.to_ids(exclude)
        options.exclude = ids.address(kept)
        if not include_adult:
            options.flags |= abi.RECSYS_FILTER_EXCLUDE_ADULT
        if allow is not None:
            options.flags |= abi.RECSYS_FILTER_ALLOW
            allowed, options.n_allow = ids.to_ids(allow)
            options.allow = ids.address(allowed)
        if seen_by is not None:
            options.flags |= abi.RECSYS_FILTER_EXCLUDE_SEEN
            options.seen_by = ids.to_id(seen_by)
        self._held: Optional[Held] = create(
            lib.recsys_filter_create, lib.recsys_filter_unref, held, byref(options))

    def __len__(self) -> int:
        """How many items pass."""
        return int(lib.recsys_filter_count(self._open()))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "<Filter, closed>" if self.closed else f"<Filter, {len(self)} items pass>"


def texts_of(function: Any, held: Held) -> list[str]:
    """All entries of a list of texts of a model, as in recsys_catalog_get_genres()."""
    count = ctypes.c_size_t()
    call(function, held, 0, None, 0, byref(count))
    found = (ctypes.c_char_p * count.value)()
    call(function, held, 0, found, count.value, byref(count))
    return [text(value) for value in found]
