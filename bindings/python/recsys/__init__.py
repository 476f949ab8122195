"""Recommendations inside your process: the Python binding of librecsys.

>>> import recsys
>>> from recsys.demo import folder
>>> model = recsys.Model(folder())
>>> model.recommend(user_id=1, top_k=2, genres=["Horror"]).ids
[3, 4]

The library is found and checked when this package is imported; recsys.LibraryError says what is
missing. All classes may be used from any number of threads unless they say otherwise.
"""
from __future__ import annotations

from ._native import LibraryError
from ._native import lib as _lib
from ._native import path as library_path
from .builder import Builder
from .catalogue import Catalogue, Filter, Item
from .errors import (AlreadyExists, BackendError, Busy, CallbackError, Conflict, Error, Exhausted,
                     FormatError, InternalError, InvalidArgument, LimitExceeded, NotFound,
                     OutOfMemory, Rejected, StateError, Stopped, SystemCallFailed, Timeout,
                     Unavailable, Undefined, Unsupported)
from .model import Model, ModelInfo
from .recommender import Recommender
from .replies import Batch, Recommendation, Recommendations
from .request import Conditions

__version__ = _lib.recsys_version_string().decode()

__all__ = [
    "AlreadyExists", "BackendError", "Batch", "Builder", "Busy", "CallbackError", "Catalogue",
    "Conditions", "Conflict", "Error", "Exhausted", "Filter", "FormatError", "InternalError",
    "InvalidArgument", "Item", "LibraryError", "LimitExceeded", "Model", "ModelInfo", "NotFound",
    "OutOfMemory", "Recommendation", "Recommendations", "Recommender", "Rejected", "StateError",
    "Stopped", "SystemCallFailed", "Timeout", "Unavailable", "Undefined", "Unsupported",
    "library_path",
]
