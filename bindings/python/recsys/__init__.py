"""Recommendations inside your process: the Python binding of librecsys.

>>> import recsys
>>> from recsys.demo import folder
>>> model = recsys.Model(folder())
>>> model.recommend(user_id=1, top_k=2).ids
[3, 4]

The library is found and checked when this package is imported; recsys.LibraryError says what is
missing. All classes may be used from any number of threads unless they say otherwise.
"""
from __future__ import annotations

from ._native import LibraryError
from ._native import lib as _lib
from ._native import path as library_path
from ._native.abi import RECSYS_NEVER as NEVER
from ._native.abi import RECSYS_NEVER_32 as NEVER_32
from .builder import Builder
from .cache import Cache, Cached, CacheStats, Changes, Found, Loaded, key_format
from .catalogue import Catalogue, Filter, Item
from .comparison import Agreement, Comparison, Distribution, agreement, compare
from .denylist import Denylist, DenylistStats, Verdict
from .deployment import Deployed, Deployment, DeploymentStatus
from .domains import Definition, Domains, Outbox, Warming
from .errors import (AlreadyExists, BackendError, Busy, CallbackError, Conflict, Error, Exhausted,
                     FormatError, InternalError, InvalidArgument, LimitExceeded, NotFound,
                     OutOfMemory, Rejected, StateError, Stopped, SystemCallFailed, Timeout,
                     Unavailable, Undefined, Unsupported)
from .ids import Id
from .limiter import Limit, Limiter
from .local_cache import LocalCache, LocalCacheStats
from .model import Model, ModelInfo
from .recommender import Recommender
from .registry import Entry, Location, Registry
from .replies import Batch, Ignored, ItemScores, Recommendation, Recommendations
from .request import Conditions
from .scorer import BlasInfo, Scorer, TopK, get_blas_info, set_blas_threads, use_amx
from .slot import Slot
from .source import PostgresStats, Source, Transaction
from .split import SPLIT_WHOLE, split
from .stats import Metric, Stats
from .store import RedisStats, Store, StoreStats

__version__: str = _lib.recsys_version_string().decode()

__all__ = [
    "Agreement", "AlreadyExists", "BackendError", "Batch", "BlasInfo", "Builder", "Busy", "Cache", "CacheStats",
    "Cached", "CallbackError", "Catalogue", "Changes", "Comparison", "Conditions", "Conflict", "Definition",
    "Denylist", "DenylistStats", "Deployed", "Deployment", "DeploymentStatus", "Distribution", "Domains", "Entry",
    "Error", "Exhausted", "Filter", "FormatError", "Found", "Id", "Ignored", "InternalError", "InvalidArgument",
    "Item", "ItemScores", "LibraryError", "Limit", "LimitExceeded", "Limiter", "Loaded", "LocalCache", "LocalCacheStats", "Location", "Metric",
    "Model", "ModelInfo", "NEVER", "NEVER_32", "NotFound", "OutOfMemory", "Outbox",
    "PostgresStats",
    "Recommendation", "Recommendations", "Recommender", "RedisStats", "Registry", "Rejected",
    "SPLIT_WHOLE", "Scorer", "Slot", "Source", "StateError", "Stats", "Stopped", "Store", "StoreStats",
    "SystemCallFailed", "Timeout", "TopK", "Transaction", "Unavailable", "Undefined", "Unsupported",
    "Verdict", "Warming", "agreement", "compare", "get_blas_info", "key_format", "library_path",
    "set_blas_threads", "split", "use_amx",
]
