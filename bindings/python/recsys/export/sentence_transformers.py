"""from_sentence_transformers: items that are described by texts."""
from __future__ import annotations

from typing import Any, Mapping, Optional

import numpy as np

from ..builder import Builder
from . import rows
from .content import content_builder


def from_sentence_transformers(model: Any, texts: Mapping[Any, str], *, seen: Any = None, catalogue: Any = None,
                               name: Optional[str] = None, **encode: Any) -> Builder:
    """A builder of the vectors that a SentenceTransformer gives the items' texts.

    texts     from the item's id to its text
    seen      a table of users and items: its users get the mean of their items' vectors
    encode    for model.encode(): batch_size, prompt_name, ...

    The metric is cosine, whatever the model's similarity_fn_name, because lengths of text vectors
    say how much text there was.
    """
    ids = rows.as_ids(list(texts), "texts")
    vectors = np.asarray(model.encode(list(texts.values()), convert_to_numpy=True, **encode), np.float32)
    return content_builder("sentence-transformers", vectors, ids, seen, catalogue, name)
