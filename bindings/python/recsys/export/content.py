"""Items that have vectors and users that have none: word2vec over sessions, and texts.

A user is then what the user has had: the mean of the items' vectors, each at length 1 before, which
is what gensim's most_similar(positive=[...]) compares with. Without histories the model has items
only, and serves similar items and sessions.
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ..builder import Builder
from . import frames, rows
from .parts import Parts


def content_builder(algorithm: str, vectors: np.ndarray, item_ids: rows.Ids, seen: Any, catalogue: Any,
                    name: Optional[str]) -> Builder:
    """Cosine, clipped to 0..1."""
    users = np.zeros((0, vectors.shape[1]), np.float32)
    user_ids: Optional[rows.Ids] = None
    lists: Optional[rows.Seen] = None
    if seen is not None:
        frame = frames.local(seen)
        names = frames.columns(frame)
        user_ids = distinct(rows.frame_ids(frame, names[0], "seen"))
        lists = rows.seen_lists(frame, len(user_ids), len(vectors), user_ids, item_ids)
        users = mean_vectors(vectors, lists)
    return Parts(algorithm, users, vectors, user_ids=user_ids, item_ids=item_ids, seen=lists,
                 metric="cosine", link="clip", catalogue=catalogue, name=name).builder()


def distinct(ids: rows.Ids) -> rows.Ids:
    """Each id once, in the order in which they come."""
    return rows.as_ids(list(dict.fromkeys(ids.tolist() if isinstance(ids, np.ndarray) else ids)), "seen")


def mean_vectors(vectors: np.ndarray, seen: rows.Seen) -> np.ndarray:
    """float32 [n_users,d]; weights do not count, and a user without items gets zeros."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 0)
    means = np.zeros((len(seen.offsets) - 1, vectors.shape[1]), np.float32)
    for user in range(len(means)):
        items = seen.items[int(seen.offsets[user]):int(seen.offsets[user + 1])]
        if len(items):
            means[user] = units[items].mean(axis=0)
    return means
