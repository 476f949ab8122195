"""Two pictures: recall against K, and how scores are distributed. Need matplotlib."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

import numpy as np

from ..model import Model
from .figures import measure

KS = (1, 2, 5, 10, 20, 50, 100)


def plot_recall(models: Union[Model, Mapping[str, Model]], test: Any, ks: Sequence[int] = KS, *,
                axes: Any = None, **arguments: Any) -> Any:
    """A line a model: recall of the first K places, for each of `ks`. The arguments are those of
    measure(). Returns the axes; without `axes` they are in a new figure."""
    axes = new_axes() if axes is None else axes
    named = models if isinstance(models, Mapping) else {models.info.name or "model": models}
    for name, model in named.items():
        figures = measure(model, test, ks, **arguments)
        axes.plot([one.k for one in figures], [one.recall for one in figures], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_xticks(list(ks), [str(k) for k in ks])
    axes.set(xlabel="K", ylabel="recall@K")
    axes.legend()
    return axes


def plot_scores(model: Model, user_ids: Sequence[Any], top_k: int = 10, *, n_items: int = 1000, bins: int = 50,
                axes: Any = None, seed: int = 0) -> Any:
    """Two histograms of scores after the link, for these users: of their top_k, and of `n_items`
    items taken at random. A link that fits the model spreads both over 0..1. Returns the axes."""
    axes = new_axes() if axes is None else axes
    items = np.asarray(model.item_ids)
    drawn = np.random.default_rng(seed).choice(len(items), min(n_items, len(items)), replace=False)
    some = items[drawn].tolist()
    random = np.concatenate([model.score_items(user, some).scores for user in user_ids])
    best = model.recommend_batch(list(user_ids), top_k=top_k).scores
    for values, name in ((random, "items at random"), (best[np.isfinite(best)], f"top {top_k}")):
        axes.hist(values, bins=bins, range=(0, 1), density=True, alpha=0.6, label=name)
    axes.set(xlabel="score", ylabel="density")
    axes.legend()
    return axes


def new_axes() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("recsys.evaluate draws with matplotlib; pip install matplotlib, or give axes=") from error
    return pyplot.subplots()[1]
