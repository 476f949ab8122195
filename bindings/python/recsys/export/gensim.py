"""from_gensim: KeyedVectors of Word2Vec, FastText or Doc2Vec over items, as item2vec trains them."""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ..builder import Builder
from . import rows
from .content import content_builder


def from_gensim(vectors: Any, *, seen: Any = None, catalogue: Any = None, name: Optional[str] = None) -> Builder:
    """A builder of KeyedVectors, or of a model that has them as `wv`.

    seen      a table of users and items (keys, as the vectors have them): its users get the mean of
              their items' vectors. None: a model without users

    The metric is cosine, as in most_similar(). The keys are the ids, and gensim keeps integer keys
    as integers and texts as texts. Rows are those of the vectors in memory; a file in word2vec's
    format has them in another order.
    """
    keyed = getattr(vectors, "wv", vectors)
    if not hasattr(keyed, "index_to_key"):
        raise TypeError(f"from_gensim: {type(vectors).__name__} is neither KeyedVectors nor has them as wv")
    keys = rows.as_ids(list(keyed.index_to_key), "index_to_key")
    table = np.asarray(keyed.vectors, np.float32)[:len(keys)]
    return content_builder("gensim", table, keys, seen, catalogue, name)
