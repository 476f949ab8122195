"""How much the answers of two models differ."""
from __future__ import annotations

from ctypes import byref
from typing import Any, NamedTuple, Optional

from ._held import Held, call
from ._native import abi, lib, new
from .ids import Ids, address, to_ids
from .interrupt import interruptible
from .model import Model

CHANGES = {abi.RECSYS_COMPARISON_USER_IDS: "user_ids", abi.RECSYS_COMPARISON_ITEM_IDS: "item_ids",
           abi.RECSYS_COMPARISON_CATALOG: "catalog", abi.RECSYS_COMPARISON_SEEN: "seen"}


class Distribution(NamedTuple):
    """How n finite numbers are distributed; a tenth of them is smaller than or equal to q10."""

    n: int
    mean: float
    smallest: float
    q10: float
    median: float
    q90: float
    largest: float


class Comparison(NamedTuple):
    """The findings of compare(); each user that is asked has one answer of each model.

    changes     changes that clients notice: "user_ids" and "item_ids" of another kind, no
                "catalog" or "seen" lists any more
    n_places    items in the answers of `before`; n_kept of them are in the answer of `after`, too
    n_empty, n_not_finite   answers of `after` without an item, or with a score that is not finite
    scores_*    after the link; raws_* before it
    """

    changes: tuple[str, ...]
    n_common_users: int
    n_common_items: int
    n_asked: int
    n_compared: int
    n_identical: int
    n_places: int
    n_kept: int
    n_empty: int
    n_not_finite: int
    scores_before: Distribution
    scores_after: Distribution
    raws_before: Distribution
    raws_after: Distribution


class Agreement(NamedTuple):
    """How far two rankings agree.

    overlap           n_common / the items of the longer one
    rank_correlation  Kendall's tau of the common items; NaN for fewer than two
    """

    n_common: int
    n_in_place: int
    overlap: float
    rank_correlation: float


def agreement(before: Ids, after: Ids) -> Agreement:
    """Compare two answers to the same request: lists of ids, best first, each id once in each.

    >>> agreement([1, 2, 3, 4], [2, 1, 3, 9])
    Agreement(n_common=3, n_in_place=1, overlap=0.75, rank_correlation=0.3333333333333333)
    """
    (a, n_a), (b, n_b) = to_ids(before), to_ids(after)
    out = new(abi.recsys_agreement)
    call(lib.recsys_ranking_compare, address(a), n_a, address(b), n_b, byref(out))
    return Agreement(out.n_common, out.n_in_place, out.overlap, out.rank_correlation)


def compare(before: Optional[Model], after: Model, *, k: int = 0, n_asked: int = 0,
            n_threads: int = 0) -> Comparison:
    """Compare two models: their ids, and their answers to users that both have.

    before   None: only ask `after`
    k        items of each answer; 0 = 10
    n_asked  users to ask, evenly spread; 0 = 1000; recsys.NEVER = all

    >>> from recsys.demo import model
    >>> found = compare(model(), model())
    >>> found.n_identical, found.n_compared, found.changes
    (4, 4, ())
    """
    options, out = new(abi.recsys_comparison_options), new(abi.recsys_comparison)
    options.k, options.n_asked, options.n_threads = k, n_asked, n_threads
    interruptible(_compare, None if before is None else before._open(), after._open(), options, out)
    values: dict[str, Any] = {}
    for name in Comparison._fields:
        value = getattr(out, name)
        if name == "changes":
            value = tuple(word for bit, word in CHANGES.items() if value & bit)
        elif isinstance(value, abi.recsys_distribution):
            value = Distribution(*(getattr(value, part) for part in Distribution._fields))
        values[name] = value
    return Comparison(**values)


def _compare(before: Optional[Held], after: Held, options: Any, out: Any) -> None:
    call(lib.recsys_model_compare, before, after,
         byref(options), byref(out))
