"""A model of four users and six items, for doctests and first steps."""
from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile

import numpy as np

from .builder import Builder
from .model import Model

_TITLES = ("The First", "The Second", "The Third", "The Fourth", "The Fifth", "The Sixth")
_GENRES = (("Drama", "Horror"), ("Drama",), ("Comedy",), ("Horror",), ("Comedy", "Horror"), ())


@functools.lru_cache(maxsize=None)
def folder() -> str:
    """The folder of the demo bundle, which is removed when Python ends."""
    top = tempfile.mkdtemp(prefix="recsys-demo-")
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    builder = Builder(name="demo", version="1", algorithm="none")
    builder.set_array("user_factors", np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32))
    builder.set_array("item_factors", np.array(
        [[0, .6], [0, .5], [.5, 0], [.3, .1], [.2, .1], [.1, .1]], np.float32))
    builder.set_array("user_ids", np.arange(1, 5))
    builder.set_array("item_ids", np.arange(1, 7))
    builder.set_array("seen_offsets", np.array([0, 1, 1, 2, 2]))
    builder.set_array("seen_items", np.array([0, 2]))
    for i, (title, genres) in enumerate(zip(_TITLES, _GENRES), 1):
        builder.add_item({"id": i, "title": title, "genres": genres, "language": "en",
                          "release_year": 1975 + 5 * i, "rating": 5 + i / 2})
    path = os.path.join(top, "bundle")
    builder.write(path)
    return path


@functools.lru_cache(maxsize=None)
def model() -> Model:
    """The demo model."""
    return Model(folder())
