"""Bundles of what other libraries have trained: one function for each library.

Each takes the fitted model and returns a recsys.Builder that has everything in it: vectors, biases,
the global mean, ids, seen lists, metric, link and the link's range. Set further fields, or write it:

    recsys.export.from_implicit(model, seen=user_items, catalogue=movies).write("bundle")

None of the libraries is imported here; only the model's attributes are read, so this works in an
environment that has the library, and costs nothing in one that has it not.
"""
from .arrays import from_arrays, from_dataframe
from .cornac import from_cornac
from .gensim import from_gensim
from .implicit import from_implicit
from .lenskit import from_lenskit
from .lightfm import from_lightfm
from .sentence_transformers import from_sentence_transformers
from .spark import from_spark
from .surprise import from_surprise
from .torch import from_torch

__all__ = ["from_arrays", "from_cornac", "from_dataframe", "from_gensim", "from_implicit", "from_lenskit",
           "from_lightfm", "from_sentence_transformers", "from_spark", "from_surprise", "from_torch"]
