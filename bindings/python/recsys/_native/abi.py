"""The ABI of librecsys: constants, structs, callbacks and functions.

Written by generate_native.py from include/recsys; do not edit. Every pointer is a c_void_p, which
takes addresses, byref() and arrays. checked.py says which numbers and texts are refused.
"""
# fmt: off
from __future__ import annotations

import ctypes as c
from typing import Any

from .checked import U32, U64, Checked, Text

RECSYS_NEVER = 18446744073709551615
RECSYS_NEVER_32 = 4294967295
RECSYS_DTYPE_F32 = 1
RECSYS_DTYPE_F64 = 2
RECSYS_DTYPE_F16 = 3
RECSYS_DTYPE_BF16 = 4
RECSYS_DTYPE_I32 = 5
RECSYS_DTYPE_U32 = 6
RECSYS_DTYPE_I64 = 7
RECSYS_DTYPE_U64 = 8
RECSYS_DTYPE_U8 = 9
RECSYS_STORE_ALWAYS = 0
RECSYS_STORE_IF_ABSENT = 1
RECSYS_EXCHANGE_IF_SEEN = 1
RECSYS_STORE_PROBED = 1
RECSYS_BREAKER_CLOSED = 1
RECSYS_BREAKER_OPEN = 2
RECSYS_ASIDE_HIT = 1
RECSYS_ASIDE_STALE = 2
RECSYS_ASIDE_NEGATIVE = 3
RECSYS_ASIDE_MISS = 4
RECSYS_ASIDE_UNKNOWN = 5
RECSYS_ASIDE_JSON = 1
RECSYS_ASIDE_NO_STALE = 2
RECSYS_ASIDE_NO_NEGATIVE = 4
RECSYS_ASIDE_NO_JITTER = 8
RECSYS_ASIDE_NO_REFRESH = 16
RECSYS_ASIDE_TRUST_OTHERS = 32
RECSYS_ASIDE_FORMAT_ENVELOPE = 1
RECSYS_ASIDE_FORMAT_PLAIN = 2
RECSYS_ASIDE_UNCACHED = 1
RECSYS_KEY_MAX = 512
RECSYS_ID_KIND_INTEGER = 1
RECSYS_ID_KIND_TEXT = 2
RECSYS_METRIC_INNER_PRODUCT = 1
RECSYS_METRIC_COSINE = 2
RECSYS_LINK_SIGMOID = 1
RECSYS_LINK_LINEAR = 2
RECSYS_LINK_CLIP = 3
RECSYS_POPULARITY_GIVEN = 1
RECSYS_POPULARITY_SEEN = 2
RECSYS_POPULARITY_BIAS = 3
RECSYS_POPULARITY_RATING = 4
RECSYS_POPULARITY_NORM = 5
RECSYS_SIMILAR_VECTOR = 1
RECSYS_SIMILAR_VECTOR_BIAS = 2
RECSYS_SIMILAR_VECTOR_BIAS_ONE = 3
RECSYS_ID_MAX_TEXT = 255
RECSYS_MODEL_SKIP_HASHES = 1
RECSYS_MODEL_HUGE_PAGES = 2
RECSYS_MODEL_FILE_DESCRIPTOR = 1
RECSYS_FILTER_EXCLUDE_ADULT = 1
RECSYS_FILTER_ALLOW = 2
RECSYS_FILTER_EXCLUDE_SEEN = 4
RECSYS_PADDING_ID = 18446744073709551615
RECSYS_PADDING_ROW = 4294967295
RECSYS_STRATEGY_USER = 1
RECSYS_STRATEGY_USER_PREFERENCES = 2
RECSYS_STRATEGY_PREFERENCES = 3
RECSYS_STRATEGY_POPULARITY = 4
RECSYS_STRATEGY_SESSION = 5
RECSYS_STRATEGY_VECTOR = 6
RECSYS_STRATEGY_SIMILAR = 7
RECSYS_STRATEGY_GENERAL = 8
RECSYS_STRATEGY_FOLD_IN = 9
RECSYS_REASON_GENRES = 1
RECSYS_REASON_RATING = 2
RECSYS_REASON_SCORE = 4
RECSYS_REASON_SIMILAR = 8
RECSYS_REASON_POPULAR = 16
RECSYS_REASON_GENERAL = 32
RECSYS_PREFERENCE_GENRE = 1
RECSYS_PREFERENCE_LANGUAGE = 2
RECSYS_PREFERENCE_DECADE = 3
RECSYS_PREFERENCE_RATING = 4
RECSYS_PREFERENCE_LIKED = 5
RECSYS_PREFERENCE_REQUIRED_GENRE = 6
RECSYS_PREFERENCE_ALLOWED = 7
RECSYS_REQUEST_REASONS = 1
RECSYS_REQUEST_INCLUDE_SEEN = 2
RECSYS_REQUEST_INCLUDE_ADULT = 4
RECSYS_REQUEST_ANONYMOUS = 8
RECSYS_REQUEST_ALLOW = 16
RECSYS_REQUEST_STRENGTH = 32
RECSYS_REPLY_KNOWN_USER = 1
RECSYS_REPLY_PREFERENCES = 2
RECSYS_REPLY_POPULARITY = 4
RECSYS_SEEN_SUM = 1
RECSYS_COMPARISON_USER_IDS = 1
RECSYS_COMPARISON_ITEM_IDS = 2
RECSYS_COMPARISON_CATALOG = 4
RECSYS_COMPARISON_SEEN = 8
RECSYS_TYPE_NULL = 0
RECSYS_TYPE_BOOL = 1
RECSYS_TYPE_INTEGER = 2
RECSYS_TYPE_REAL = 3
RECSYS_TYPE_TEXT = 4
RECSYS_TYPE_NUMBER = 5
RECSYS_TYPE_JSON = 6
RECSYS_TYPE_TIME = 7
RECSYS_SHAPE_OBJECT = 1
RECSYS_SHAPE_LIST = 2
RECSYS_SHAPE_COLUMN = 3
RECSYS_TOKEN_CLEAR = 1
RECSYS_TOKEN_REVOKED = 2
RECSYS_TOKEN_UNKNOWN = 3
RECSYS_TOKEN_UNCONFIRMED = 4
RECSYS_REGISTRY_KEPT = 1
RECSYS_DEPLOYMENT_STEP_NONE = 0
RECSYS_DEPLOYMENT_STEP_FIND = 1
RECSYS_DEPLOYMENT_STEP_FETCH = 2
RECSYS_DEPLOYMENT_STEP_LOAD = 3
RECSYS_DEPLOYMENT_STEP_WARM = 4
RECSYS_DEPLOYMENT_STEP_CHECK = 5
RECSYS_DEPLOYMENT_STEP_SWAP = 6
RECSYS_DEPLOYMENT_SERVED = 1
RECSYS_DEPLOYMENT_FAILED = 2
RECSYS_DEPLOYMENT_ALLOW_ID_KIND = 1
RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG = 2
RECSYS_DEPLOYMENT_ALLOW_NO_SEEN = 4
RECSYS_DOMAIN_PER_USER = 1
RECSYS_DOMAIN_WARM = 2
RECSYS_DOMAIN_NO_NEGATIVE = 4
RECSYS_DOMAIN_DBS = 16
RECSYS_OUTBOX_SETTLE_MS = 3000
RECSYS_LIMITER_STRICT = 1
RECSYS_LOG_ERROR = 1
RECSYS_LOG_WARN = 2
RECSYS_LOG_INFO = 3
RECSYS_LOG_DEBUG = 4
RECSYS_LOG_TRACE = 5
RECSYS_TRACE_ASIDE = 1
RECSYS_TRACE_STORE = 2
RECSYS_TRACE_REDIS = 4
RECSYS_TRACE_POSTGRES = 8
RECSYS_TRACE_DENYLIST = 16
RECSYS_TRACE_DEPLOYMENT = 32
RECSYS_TRACE_SCAN = 64
RECSYS_TRACE_NAMES_SIZE = 128
RECSYS_RANKING_MAX = 1000
RECSYS_VERSION_MAJOR = 0
RECSYS_VERSION_MINOR = 2
RECSYS_VERSION_PATCH = 0
RECSYS_VERSION_NUMBER = 512
RECSYS_SPLIT_WHOLE = 10000
RECSYS_SPLIT_MAX_SALT = 255
RECSYS_REDIS_TLS = 1
RECSYS_OK = 0
RECSYS_E_INVALID = -1
RECSYS_E_NOMEM = -2
RECSYS_E_IO = -3
RECSYS_E_FORMAT = -4
RECSYS_E_UNSUPPORTED = -5
RECSYS_E_NOT_FOUND = -6
RECSYS_E_TIMEOUT = -7
RECSYS_E_BACKEND = -8
RECSYS_E_INTERNAL = -9
RECSYS_E_EXISTS = -10
RECSYS_E_LIMIT = -11
RECSYS_E_STATE = -12
RECSYS_E_UNAVAILABLE = -13
RECSYS_E_CONFLICT = -14
RECSYS_E_REJECTED = -15
RECSYS_E_STOPPED = -16
RECSYS_E_EXHAUSTED = -17
RECSYS_E_UNDEFINED = -18
RECSYS_E_CALLBACK = -19
RECSYS_E_BUSY = -20

# number: (name, sentence)
STATUSES: dict[int, tuple[str, str]] = {
    0: ("OK", "success"),
    -1: ("E_INVALID", "invalid argument"),
    -2: ("E_NOMEM", "out of memory"),
    -3: ("E_IO", "system call failed; see recsys_error.sys_errno"),
    -4: ("E_FORMAT", "file is damaged or not of this format"),
    -5: ("E_UNSUPPORTED", "valid, but newer than this library understands"),
    -6: ("E_NOT_FOUND", "no such model, user, item or key"),
    -7: ("E_TIMEOUT", "deadline passed"),
    -8: ("E_BACKEND", "the store or the database answered with an error"),
    -9: ("E_INTERNAL", "a bug in recsys; please report it"),
    -10: ("E_EXISTS", "already there"),
    -11: ("E_LIMIT", "larger than the configured limit"),
    -12: ("E_STATE", "called in the wrong order, twice, or in a forked child"),
    -13: ("E_UNAVAILABLE", "circuit breaker open: nothing was sent"),
    -14: ("E_CONFLICT", "somebody else changed it at the same time; try again"),
    -15: ("E_REJECTED", "checked and refused"),
    -16: ("E_STOPPED", "the callback stopped the walk"),
    -17: ("E_EXHAUSTED", "all connections or loaders are in use; try later"),
    -18: ("E_UNDEFINED", "nothing of this name is defined"),
    -19: ("E_CALLBACK", "a callback returned a number that is no status"),
    -20: ("E_BUSY", "in use by another thread"),
}


class recsys_error(c.Structure):
    _fields_ = [
        ("status", c.c_int32),
        ("sys_errno", c.c_int32),
        ("message", c.c_char * 504),
    ]


class recsys_allocator(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("allocate", c.CFUNCTYPE(c.c_void_p, c.c_size_t, c.c_void_p)),
        ("resize", c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p)),
        ("release", c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)),
        ("user_data", c.c_void_p),
    ]


class recsys_array(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("dtype", c.c_uint32),
        ("n_dims", c.c_uint32),
        ("shape", c.c_uint64 * 2),
        ("strides", c.c_int64 * 2),
        ("reserved", c.c_uint64 * 2),
    ]

recsys_stats_callback = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_size_t, c.c_void_p)


class recsys_bytes(c.Structure):
    _fields_ = [
        ("data", c.c_char_p),
        ("size", c.c_size_t),
    ]


class recsys_value(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("size", c.c_size_t),
        ("hold", c.c_void_p),
        ("release", c.CFUNCTYPE(None, c.c_void_p)),
    ]


class recsys_cache_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_shards", c.c_uint32),
        ("max_bytes", c.c_uint64),
        ("max_value_bytes", c.c_uint64),
        ("ttl_ms", c.c_uint32),
        ("reserved", c.c_uint32),
        ("now_ms", c.CFUNCTYPE(c.c_uint64, c.c_void_p)),
        ("user_data", c.c_void_p),
    ]


class recsys_cache_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("hits", c.c_uint64),
        ("misses", c.c_uint64),
        ("sets", c.c_uint64),
        ("removals", c.c_uint64),
        ("evictions", c.c_uint64),
        ("expirations", c.c_uint64),
        ("entries", c.c_uint64),
        ("bytes", c.c_uint64),
        ("max_bytes", c.c_uint64),
    ]

recsys_key_callback = c.CFUNCTYPE(c.c_int32, recsys_bytes, c.c_void_p)


class recsys_rate_decision(c.Structure):
    _fields_ = [
        ("allowed", c.c_uint32),
        ("remaining", c.c_uint32),
        ("retry_us", c.c_uint64),
        ("reset_us", c.c_uint64),
    ]


class recsys_exchange(c.Structure):
    _fields_ = [
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32),
        ("key", recsys_bytes),
        ("companion_key", recsys_bytes),
        ("prefix", recsys_bytes),
        ("seen", recsys_bytes),
        ("value", recsys_bytes),
        ("companion", recsys_bytes),
        ("ttl_ms", c.c_uint64),
    ]


class recsys_store_driver(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
        ("get", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p, c.c_void_p)),
        ("set", c.CFUNCTYPE(c.c_int32, c.c_void_p, recsys_bytes, recsys_bytes, c.c_uint64, c.c_uint32, c.c_void_p)),
        ("remove", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p)),
        ("get_or_set", c.CFUNCTYPE(c.c_int32, c.c_void_p, recsys_bytes, recsys_bytes, c.c_uint64, c.c_void_p, c.c_void_p, c.c_void_p)),
        ("replace", c.CFUNCTYPE(c.c_int32, c.c_void_p, recsys_bytes, recsys_bytes, recsys_bytes, c.c_uint64, c.c_void_p)),
        ("scan", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, recsys_key_callback, c.c_void_p, c.c_void_p)),
        ("rate_limit", c.CFUNCTYPE(c.c_int32, c.c_void_p, recsys_bytes, c.c_uint64, c.c_uint32, c.c_uint32, c.c_void_p, c.c_void_p)),
        ("ping", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)),
        ("exchange", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p)),
    ]


class recsys_store_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("failures", c.c_uint32),
        ("rest_ms", c.c_uint32),
        ("max_rest_ms", c.c_uint32),
        ("ttl_ms", c.c_uint32),
        ("now_ms", c.CFUNCTYPE(c.c_uint64, c.c_void_p)),
        ("user_data", c.c_void_p),
    ]


class recsys_store_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("breaker", c.c_uint32),
        ("calls", c.c_uint64),
        ("failures", c.c_uint64),
        ("refused", c.c_uint64),
        ("opened", c.c_uint64),
        ("entries", c.c_uint64),
        ("bytes", c.c_uint64),
        ("max_bytes", c.c_uint64),
        ("evictions", c.c_uint64),
    ]

recsys_aside_loader = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p)
recsys_aside_writer = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p)


class recsys_aside_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("ttl_ms", c.c_uint32),
        ("stale_ms", c.c_uint32),
        ("negative_ttl_ms", c.c_uint32),
        ("jitter_percent", c.c_uint32),
        ("lease_ms", c.c_uint32),
        ("wait_ms", c.c_uint32),
        ("max_loads", c.c_uint32),
        ("journal_keys", c.c_uint32),
        ("max_value_bytes", c.c_uint64),
        ("beta", c.c_double),
        ("stats", c.c_void_p),
        ("label", c.c_char_p),
        ("now_ms", c.CFUNCTYPE(c.c_uint64, c.c_void_p)),
        ("random", c.CFUNCTYPE(c.c_uint64, c.c_void_p)),
        ("sleep_ms", c.CFUNCTYPE(None, c.c_uint32, c.c_void_p)),
        ("user_data", c.c_void_p),
        ("format", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_aside_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("journal", c.c_uint32),
        ("hits", c.c_uint64),
        ("stale", c.c_uint64),
        ("negative", c.c_uint64),
        ("misses", c.c_uint64),
        ("unknown", c.c_uint64),
        ("loads", c.c_uint64),
        ("load_failures", c.c_uint64),
        ("shared", c.c_uint64),
        ("waited", c.c_uint64),
        ("early", c.c_uint64),
        ("fills", c.c_uint64),
        ("fills_refused", c.c_uint64),
        ("identity_mismatches", c.c_uint64),
        ("damaged", c.c_uint64),
        ("invalidations", c.c_uint64),
        ("replayed", c.c_uint64),
        ("epochs", c.c_uint64),
        ("too_large", c.c_uint64),
        ("foreign", c.c_uint64),
    ]

recsys_model_release = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_uint64)


class recsys_id(c.Structure):
    _fields_ = [
        ("text", c.c_char_p),
        ("number", c.c_uint64),
    ]


class recsys_model_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("max_bytes", c.c_uint64),
        ("metric", c.c_uint32),
        ("link", c.c_uint32),
        ("link_min", c.c_float),
        ("link_max", c.c_float),
        ("n_threads", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_model_file(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("name", c.c_char_p),
        ("data", c.c_void_p),
        ("size", c.c_uint64),
        ("fd", c.c_int32),
        ("reserved", c.c_uint32),
        ("release", recsys_model_release),
        ("user_data", c.c_void_p),
    ]


class recsys_model_info(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("dimensions", c.c_uint32),
        ("n_users", c.c_uint64),
        ("n_items", c.c_uint64),
        ("n_features", c.c_uint64),
        ("n_seen", c.c_uint64),
        ("n_catalog", c.c_uint64),
        ("mapped_bytes", c.c_uint64),
        ("private_bytes", c.c_uint64),
        ("code_bytes", c.c_uint64),
        ("user_id_kind", c.c_uint32),
        ("item_id_kind", c.c_uint32),
        ("metric", c.c_uint32),
        ("link", c.c_uint32),
        ("link_min", c.c_float),
        ("link_max", c.c_float),
        ("name", c.c_char_p),
        ("version", c.c_char_p),
        ("algorithm", c.c_char_p),
        ("training_date", c.c_char_p),
        ("fingerprint", c.c_char_p),
        ("metadata", c.c_char_p),
        ("item_name", c.c_char_p),
        ("popularity", c.c_uint32),
        ("similar_by", c.c_uint32),
        ("short_code_bytes", c.c_uint64),
    ]


class recsys_item(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_genres", c.c_uint32),
        ("title", c.c_char_p),
        ("genres", c.c_void_p),
        ("poster_url", c.c_char_p),
        ("language", c.c_char_p),
        ("release_year", c.c_int32),
        ("rating", c.c_float),
        ("adult", c.c_uint32),
        ("known", c.c_uint32),
    ]


class recsys_filter_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("min_rating", c.c_float),
        ("min_year", c.c_int32),
        ("max_year", c.c_int32),
        ("n_languages", c.c_uint32),
        ("languages", c.c_void_p),
        ("allow", c.c_void_p),
        ("n_allow", c.c_size_t),
        ("exclude", c.c_void_p),
        ("n_exclude", c.c_size_t),
        ("seen_by", recsys_id),
    ]


class recsys_scorer_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_threads", c.c_uint32),
        ("max_k", c.c_uint32),
        ("max_batch", c.c_uint32),
        ("dimensions", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_query(c.Structure):
    _fields_ = [
        ("vector", c.c_void_p),
        ("filter", c.c_void_p),
        ("offset", c.c_double),
        ("k", c.c_uint32),
        ("reserved", c.c_uint32),
        ("reserved2", c.c_uint64),
    ]


class recsys_scored(c.Structure):
    _fields_ = [
        ("item", recsys_id),
        ("score", c.c_float),
        ("reserved", c.c_uint32),
    ]


class recsys_blas_info(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_threads", c.c_int32),
        ("config", c.c_char_p),
        ("core", c.c_char_p),
    ]


class recsys_request(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("user", recsys_id),
        ("k", c.c_uint32),
        ("min_rating", c.c_float),
        ("decade", c.c_int32),
        ("n_genres", c.c_uint32),
        ("genres", c.c_void_p),
        ("languages", c.c_void_p),
        ("n_languages", c.c_uint32),
        ("reserved", c.c_uint32),
        ("exclude", c.c_void_p),
        ("n_exclude", c.c_size_t),
        ("vector", c.c_void_p),
        ("liked", c.c_void_p),
        ("liked_weights", c.c_void_p),
        ("n_liked", c.c_size_t),
        ("allow", c.c_void_p),
        ("n_allow", c.c_size_t),
        ("filter", c.c_void_p),
        ("require_genres", c.c_void_p),
        ("n_require_genres", c.c_uint32),
        ("preference_strength", c.c_float),
        ("diversity", c.c_float),
        ("max_per_genre", c.c_uint32),
        ("max_per_decade", c.c_uint32),
        ("max_per_language", c.c_uint32),
    ]


class recsys_recommendation(c.Structure):
    _fields_ = [
        ("item", recsys_id),
        ("score", c.c_float),
        ("raw", c.c_float),
        ("reasons", c.c_uint32),
        ("n_causes", c.c_uint32),
        ("reason", c.c_char_p),
        ("causes", c.c_void_p),
        ("contributions", c.c_void_p),
    ]


class recsys_preference(c.Structure):
    _fields_ = [
        ("kind", c.c_uint32),
        ("index", c.c_uint32),
        ("text", c.c_char_p),
    ]


class recsys_reply(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("status", c.c_int32),
        ("strategy", c.c_uint32),
        ("flags", c.c_uint32),
        ("count", c.c_uint32),
        ("item_size", c.c_uint32),
        ("items", c.c_void_p),
        ("message", c.c_char_p),
        ("ignored", c.c_void_p),
        ("n_ignored", c.c_uint32),
        ("reserved", c.c_uint32),
        ("model_name", c.c_char_p),
        ("model_version", c.c_char_p),
        ("model_fingerprint", c.c_char_p),
    ]

recsys_reply_callback = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)
recsys_cancelled_callback = c.CFUNCTYPE(c.c_int32, c.c_void_p)


class recsys_batcher_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_scans", c.c_uint32),
        ("n_threads", c.c_uint32),
        ("max_batch", c.c_uint32),
        ("max_waiting", c.c_uint32),
        ("max_k", c.c_uint32),
        ("dimensions", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_batch(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_requests", c.c_uint32),
        ("place", c.c_uint32),
        ("reserved", c.c_uint32),
        ("wait_ns", c.c_uint64),
        ("scan_ns", c.c_uint64),
    ]


class recsys_batcher_call(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("timeout_ms", c.c_uint32),
        ("reply", recsys_reply_callback),
        ("cancelled", recsys_cancelled_callback),
        ("user_data", c.c_void_p),
    ]


class recsys_comparison_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("k", c.c_uint32),
        ("n_asked", c.c_uint64),
        ("n_threads", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_distribution(c.Structure):
    _fields_ = [
        ("n", c.c_uint64),
        ("mean", c.c_double),
        ("smallest", c.c_double),
        ("q10", c.c_double),
        ("median", c.c_double),
        ("q90", c.c_double),
        ("largest", c.c_double),
    ]


class recsys_comparison(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("changes", c.c_uint32),
        ("n_common_users", c.c_uint64),
        ("n_common_items", c.c_uint64),
        ("n_asked", c.c_uint64),
        ("n_compared", c.c_uint64),
        ("n_identical", c.c_uint64),
        ("n_places", c.c_uint64),
        ("n_kept", c.c_uint64),
        ("n_empty", c.c_uint64),
        ("n_not_finite", c.c_uint64),
        ("scores_before", recsys_distribution),
        ("scores_after", recsys_distribution),
        ("raws_before", recsys_distribution),
        ("raws_after", recsys_distribution),
    ]


class recsys_datum(c.Structure):
    _fields_ = [
        ("type", c.c_uint32),
        ("reserved", c.c_uint32),
        ("number", c.c_int64),
        ("real", c.c_double),
        ("text", c.c_char_p),
        ("size", c.c_size_t),
    ]


class recsys_source_driver(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("query", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_uint32, c.c_void_p, c.c_void_p)),
        ("begin", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_uint32, c.c_void_p, c.c_void_p)),
        ("end", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_uint32, c.c_uint32, c.c_void_p)),
        ("run", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_uint32, c.c_void_p)),
        ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
    ]


class recsys_denylist_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("timeout_ms", c.c_uint32),
        ("max_tokens", c.c_uint64),
        ("stats", c.c_void_p),
        ("now_ms", c.CFUNCTYPE(c.c_uint64, c.c_void_p)),
        ("user_data", c.c_void_p),
    ]


class recsys_denylist_verdict(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("verdict", c.c_uint32),
        ("problem", recsys_error),
    ]


class recsys_denylist_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("tokens", c.c_uint64),
        ("checks", c.c_uint64),
        ("revoked", c.c_uint64),
        ("unknown", c.c_uint64),
        ("syncs", c.c_uint64),
        ("sync_failures", c.c_uint64),
        ("confirmed_ms", c.c_uint64),
    ]

recsys_registry_callback = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)


class recsys_registry_location(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("name", c.c_char * 256),
        ("version", c.c_char * 256),
        ("path", c.c_char * 4096),
        ("stamp", c.c_char * 128),
        ("flags", c.c_uint32),
        ("reserved2", c.c_uint32),
    ]


class recsys_registry_entry(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("name", c.c_char_p),
        ("version", c.c_char_p),
        ("alias", c.c_char_p),
    ]


class recsys_registry_question(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("uri", c.c_char_p),
        ("name", c.c_char_p),
        ("version", c.c_char_p),
        ("alias", c.c_char_p),
        ("stage", c.c_char_p),
    ]


class recsys_registry_driver(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("destroy", c.CFUNCTYPE(None, c.c_void_p)),
        ("find", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)),
        ("fetch", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p)),
        ("describe", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)),
        ("list", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, recsys_registry_callback, c.c_void_p, c.c_void_p)),
        ("publish", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)),
        ("set_alias", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)),
    ]


class recsys_registry_status(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("kept", c.c_uint32),
        ("answered_ms", c.c_uint64),
        ("failed_ms", c.c_uint64),
        ("failure", recsys_error),
    ]

recsys_deployment_callback = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)


class recsys_deployment_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_canaries", c.c_uint32),
        ("registry", c.c_void_p),
        ("model_options", c.c_void_p),
        ("min_items_ratio", c.c_float),
        ("flags", c.c_uint32),
        ("min_overlap", c.c_float),
        ("max_score_shift", c.c_float),
        ("max_empty_share", c.c_float),
        ("n_recent", c.c_uint32),
        ("watch_s", c.c_uint32),
        ("watch_min_answers", c.c_uint32),
        ("max_error_rise", c.c_float),
        ("max_empty_rise", c.c_float),
        ("max_memory", c.c_uint64),
        ("history", c.c_char_p),
        ("max_history", c.c_uint32),
        ("poll_interval_ms", c.c_uint32),
        ("max_poll_wait_ms", c.c_uint32),
        ("poll_jitter", c.c_float),
    ]


class recsys_deployment_entry(c.Structure):
    _fields_ = [
        ("name", c.c_char * 256),
        ("version", c.c_char * 256),
        ("fingerprint", c.c_char * 72),
        ("since_ms", c.c_uint64),
        ("reserved", c.c_uint64 * 4),
    ]


class recsys_deployment_status(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("loading", c.c_uint32),
        ("n_swaps", c.c_uint64),
        ("n_failures", c.c_uint64),
        ("n_retired", c.c_uint64),
        ("active", recsys_deployment_entry),
        ("previous", recsys_deployment_entry),
        ("candidate", recsys_deployment_entry),
        ("last_error_ms", c.c_uint64),
        ("last_error", recsys_error),
        ("step", c.c_uint32),
        ("watching", c.c_uint32),
        ("step_since_ms", c.c_uint64),
        ("n_withdrawn", c.c_uint64),
        ("n_answers", c.c_uint64),
        ("n_failed_answers", c.c_uint64),
        ("n_empty_answers", c.c_uint64),
        ("n_recent", c.c_uint64),
        ("memory_bytes", c.c_uint64),
        ("needed_bytes", c.c_uint64),
        ("max_memory", c.c_uint64),
        ("n_failed_polls", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_deployment_event(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("kind", c.c_uint32),
        ("time_ms", c.c_uint64),
        ("took_ms", c.c_uint64),
        ("status", c.c_int32),
        ("reserved", c.c_uint32),
        ("step", c.c_char_p),
        ("source", c.c_char_p),
        ("name", c.c_char_p),
        ("version", c.c_char_p),
        ("fingerprint", c.c_char_p),
        ("message", c.c_char_p),
    ]


class recsys_domains_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("stores", c.c_void_p),
        ("n_stores", c.c_uint32),
        ("timeout_ms", c.c_uint32),
        ("source", c.c_void_p),
        ("stats", c.c_void_p),
        ("memory_bytes", c.c_uint64),
        ("aside", c.c_void_p),
        ("trusted_dbs", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class recsys_domain_definition(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("name", c.c_char_p),
        ("db", c.c_uint32),
        ("shape", c.c_uint32),
        ("ttl_s", c.c_uint32),
        ("negative_ttl_s", c.c_uint32),
        ("max_rows", c.c_uint32),
        ("max_bytes", c.c_uint32),
        ("key", c.c_char_p),
        ("query", c.c_char_p),
        ("warm_query", c.c_char_p),
        ("version_column", c.c_char_p),
        ("settled_column", c.c_char_p),
    ]


class recsys_outbox(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("is_on", c.c_uint32),
        ("delivered", c.c_uint64),
        ("waiting", c.c_uint64),
    ]


class recsys_warming(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("skipped", c.c_uint32),
        ("loaded", c.c_uint64),
        ("present", c.c_uint64),
        ("failed", c.c_uint64),
    ]


class recsys_limiter_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("rate", c.c_uint32),
        ("period_ms", c.c_uint32),
        ("burst", c.c_uint32),
        ("share", c.c_uint32),
        ("max_keys", c.c_uint32),
        ("reserved", c.c_uint32),
        ("prefix", c.c_char_p),
        ("now_us", c.CFUNCTYPE(c.c_uint64, c.c_void_p)),
        ("user_data", c.c_void_p),
    ]


class recsys_limit(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("allowed", c.c_uint32),
        ("limit", c.c_uint32),
        ("remaining", c.c_uint32),
        ("local", c.c_uint32),
        ("reserved", c.c_uint32),
        ("retry_ms", c.c_uint64),
        ("reset_ms", c.c_uint64),
    ]

recsys_log_callback = c.CFUNCTYPE(None, c.c_int32, c.c_void_p, c.c_void_p)


class recsys_mlflow_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("timeout_ms", c.c_uint32),
        ("stall_timeout_ms", c.c_uint32),
        ("download_timeout_ms", c.c_uint32),
        ("cache_bytes", c.c_uint64),
        ("cache", c.c_char_p),
        ("user", c.c_char_p),
        ("password", c.c_char_p),
        ("password_file", c.c_char_p),
        ("token", c.c_char_p),
        ("token_file", c.c_char_p),
        ("ca_file", c.c_char_p),
        ("workspace", c.c_char_p),
        ("host", c.c_char_p),
    ]


class recsys_mlflow_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("reserved", c.c_uint32),
        ("requests", c.c_uint64),
        ("failures", c.c_uint64),
        ("downloads", c.c_uint64),
        ("hits", c.c_uint64),
        ("bytes", c.c_uint64),
        ("resumed", c.c_uint64),
        ("restarted", c.c_uint64),
        ("evictions", c.c_uint64),
        ("cache_bytes", c.c_uint64),
    ]


class recsys_postgres_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("pool_size", c.c_uint32),
        ("connect_timeout_ms", c.c_uint32),
        ("max_age_s", c.c_uint32),
    ]


class recsys_postgres_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("open", c.c_uint32),
        ("idle", c.c_uint32),
        ("reserved", c.c_uint32),
        ("connected", c.c_uint64),
        ("closed_broken", c.c_uint64),
        ("waited", c.c_uint64),
        ("wait_timeouts", c.c_uint64),
        ("queries", c.c_uint64),
        ("failures", c.c_uint64),
    ]


class recsys_agreement(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("n_common", c.c_uint32),
        ("n_in_place", c.c_uint32),
        ("reserved", c.c_uint32),
        ("overlap", c.c_double),
        ("rank_correlation", c.c_double),
    ]


class recsys_redis_options(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("host", c.c_char_p),
        ("user", c.c_char_p),
        ("password", c.c_char_p),
        ("prefix", c.c_char_p),
        ("ca_file", c.c_char_p),
        ("cert_file", c.c_char_p),
        ("key_file", c.c_char_p),
        ("port", c.c_uint32),
        ("db", c.c_uint32),
        ("pool_size", c.c_uint32),
        ("connect_timeout_ms", c.c_uint32),
        ("command_timeout_ms", c.c_uint32),
        ("pool_timeout_ms", c.c_uint32),
        ("max_age_s", c.c_uint32),
        ("reserved", c.c_uint32),
        ("password_file", c.c_char_p),
        ("share_from", c.c_uint32),
        ("reserved_2", c.c_uint32),
    ]


class recsys_redis_stats(Checked):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("open", c.c_uint32),
        ("idle", c.c_uint32),
        ("reserved", c.c_uint32),
        ("connected", c.c_uint64),
        ("closed_broken", c.c_uint64),
        ("waited", c.c_uint64),
        ("wait_timeouts", c.c_uint64),
        ("maxmemory_policy", c.c_char * 32),
        ("version", c.c_char * 32),
        ("shared_writes", c.c_uint64),
        ("shared_commands", c.c_uint64),
    ]

# function: (library, result, parameters)
FUNCTIONS: dict[str, tuple[str, Any, list[Any]]] = {
    "recsys_alloc_set": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_memory_allocate": ("core", c.c_void_p, [c.c_size_t]),
    "recsys_memory_resize": ("core", c.c_void_p, [c.c_void_p, c.c_size_t]),
    "recsys_memory_release": ("core", None, [c.c_void_p]),
    "recsys_aside_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_aside_destroy": ("core", None, [c.c_void_p]),
    "recsys_aside_get": ("core", c.c_int32, [c.c_void_p, recsys_bytes, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_aside_load_set": ("core", c.c_int32, [c.c_void_p, recsys_bytes, U64, U64, U32, c.c_void_p]),
    "recsys_aside_get_or_load": ("core", c.c_int32, [c.c_void_p, recsys_bytes, recsys_aside_loader, c.c_void_p, U32, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_aside_set": ("core", c.c_int32, [c.c_void_p, recsys_bytes, recsys_bytes, U64, U64, c.c_void_p]),
    "recsys_aside_changes_set": ("core", c.c_int32, [c.c_void_p, c.c_size_t, recsys_bytes, U64, c.c_void_p]),
    "recsys_aside_write": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, recsys_aside_writer, c.c_void_p, c.c_void_p]),
    "recsys_aside_invalidate": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p]),
    "recsys_aside_invalidate_matching": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_aside_invalidate_all": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_aside_flush": ("core", c.c_int32, [c.c_void_p, U32, c.c_void_p]),
    "recsys_aside_get_stats": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_key_format": ("core", c.c_int32, [Text, c.c_void_p, c.c_size_t, Text, c.c_void_p, c.c_void_p]),
    "recsys_batcher_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_batcher_destroy": ("core", None, [c.c_void_p]),
    "recsys_batcher_recommend": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_builder_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_builder_destroy": ("core", None, [c.c_void_p]),
    "recsys_builder_set_array": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p]),
    "recsys_builder_set_texts": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_size_t, c.c_void_p]),
    "recsys_builder_import_array": ("core", c.c_int32, [c.c_void_p, Text, Text, Text, c.c_void_p]),
    "recsys_builder_import_texts": ("core", c.c_int32, [c.c_void_p, Text, Text, c.c_void_p]),
    "recsys_builder_import_model": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_builder_set_arrays": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p]),
    "recsys_builder_get_choices": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_builder_get_ids": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_builder_find": ("core", c.c_int32, [c.c_void_p, Text, recsys_id, c.c_void_p, c.c_void_p]),
    "recsys_builder_remove": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_builder_add_seen": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, U32, c.c_void_p]),
    "recsys_builder_import_seen": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_builder_set_field": ("core", c.c_int32, [c.c_void_p, Text, Text, c.c_void_p]),
    "recsys_builder_add_item": ("core", c.c_int32, [c.c_void_p, Text, c.c_size_t, c.c_void_p]),
    "recsys_builder_import_catalog": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_builder_write": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_value_release": ("core", None, [c.c_void_p]),
    "recsys_cache_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_cache_destroy": ("core", None, [c.c_void_p]),
    "recsys_cache_get": ("core", c.c_int32, [c.c_void_p, recsys_bytes, c.c_void_p, c.c_void_p]),
    "recsys_cache_entry_get": ("core", c.c_void_p, [c.c_void_p, c.c_void_p]),
    "recsys_cache_release": ("core", None, [c.c_void_p]),
    "recsys_cache_set": ("core", c.c_int32, [c.c_void_p, recsys_bytes, recsys_bytes, U64, c.c_void_p]),
    "recsys_cache_remove": ("core", c.c_int32, [c.c_void_p, recsys_bytes, c.c_void_p]),
    "recsys_cache_clear": ("core", None, [c.c_void_p]),
    "recsys_cache_get_stats": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_catalog_get": ("core", c.c_int32, [c.c_void_p, recsys_id, c.c_void_p, c.c_void_p]),
    "recsys_catalog_get_genres": ("core", c.c_int32, [c.c_void_p, U64, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_catalog_get_languages": ("core", c.c_int32, [c.c_void_p, U64, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_filter_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_filter_ref": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_filter_unref": ("core", None, [c.c_void_p]),
    "recsys_filter_count": ("core", c.c_size_t, [c.c_void_p]),
    "recsys_model_compare": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_denylist_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_denylist_destroy": ("core", None, [c.c_void_p]),
    "recsys_denylist_revoke": ("core", c.c_int32, [c.c_void_p, recsys_bytes, Text, Text, U64, c.c_void_p]),
    "recsys_denylist_revoke_user": ("core", c.c_int32, [c.c_void_p, Text, Text, U64, c.c_void_p]),
    "recsys_denylist_check": ("core", c.c_int32, [c.c_void_p, recsys_bytes, c.c_void_p, c.c_void_p]),
    "recsys_denylist_check_user": ("core", c.c_int32, [c.c_void_p, recsys_bytes, Text, U64, c.c_void_p, c.c_void_p]),
    "recsys_denylist_get": ("core", c.c_int32, [c.c_void_p, recsys_bytes, c.c_void_p, c.c_void_p]),
    "recsys_denylist_sync": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_denylist_get_stats": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_deployment_create": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_deployment_destroy": ("core", None, [c.c_void_p]),
    "recsys_deployment_acquire": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_deployment_load": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_deployment_load_model": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_deployment_use": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_deployment_rollback": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_deployment_reload": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_deployment_poll": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_deployment_get_poll_wait": ("core", c.c_uint64, [c.c_void_p]),
    "recsys_deployment_record": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, U64, U64, U64, c.c_void_p]),
    "recsys_deployment_reap": ("core", c.c_size_t, [c.c_void_p]),
    "recsys_deployment_step_name": ("core", c.c_char_p, [U32]),
    "recsys_deployment_get_status": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_deployment_list": ("core", c.c_int32, [c.c_void_p, recsys_deployment_callback, c.c_void_p, c.c_void_p]),
    "recsys_domains_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_domains_destroy": ("core", None, [c.c_void_p]),
    "recsys_domains_add": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_domains_list": ("core", c.c_void_p, [c.c_void_p, c.c_size_t]),
    "recsys_domains_get": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_size_t, U32, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_domains_write": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_size_t, Text, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_domains_invalidate": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_size_t, c.c_void_p]),
    "recsys_domains_invalidate_user": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_domains_flush": ("core", c.c_int32, [c.c_void_p, U32, c.c_void_p]),
    "recsys_domains_sync": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_domains_warm": ("core", c.c_int32, [c.c_void_p, Text, U32, c.c_void_p, c.c_void_p]),
    "recsys_domains_refresh": ("core", c.c_int32, [c.c_void_p, Text, U32, c.c_void_p, c.c_void_p]),
    "recsys_domains_get_aside": ("core", c.c_void_p, [c.c_void_p, U32]),
    "recsys_limiter_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_limiter_destroy": ("core", None, [c.c_void_p]),
    "recsys_limiter_allow": ("core", c.c_int32, [c.c_void_p, recsys_bytes, U32, c.c_void_p, c.c_void_p]),
    "recsys_log_set": ("core", c.c_int32, [c.c_int32, recsys_log_callback, c.c_void_p, c.c_void_p]),
    "recsys_log_set_trace": ("core", c.c_int32, [Text, c.c_void_p]),
    "recsys_log_get_trace": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p]),
    "recsys_log_set_request": ("core", None, [Text]),
    "recsys_log_write": ("core", None, [c.c_int32, Text]),
    "recsys_log_check_trace": ("core", c.c_uint32, [U32]),
    "recsys_log_write_trace": ("core", None, [U32, Text]),
    "recsys_mlflow_create": ("mlflow", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_mlflow_get_stats": ("mlflow", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_model_load": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_model_load_files": ("core", c.c_int32, [c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_model_ref": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_model_unref": ("core", None, [c.c_void_p]),
    "recsys_model_get_info": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_model_get_user": ("core", c.c_int32, [c.c_void_p, recsys_id, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_model_get_item": ("core", c.c_int32, [c.c_void_p, recsys_id, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_model_get_array": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p]),
    "recsys_model_get_user_ids": ("core", c.c_int32, [c.c_void_p, U64, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_model_get_item_ids": ("core", c.c_int32, [c.c_void_p, U64, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_model_get_seen": ("core", c.c_int32, [c.c_void_p, recsys_id, U64, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_model_get_features": ("core", c.c_int32, [c.c_void_p, U64, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_postgres_create": ("postgres", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_postgres_get_stats": ("postgres", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_ranking_compare": ("core", c.c_int32, [c.c_void_p, c.c_size_t, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_recommender_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_recommender_destroy": ("core", None, [c.c_void_p]),
    "recsys_strategy_name": ("core", c.c_char_p, [U32]),
    "recsys_preference_advice": ("core", c.c_char_p, [c.c_void_p]),
    "recsys_reply_get_item": ("core", c.c_void_p, [c.c_void_p, U32]),
    "recsys_recommend": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_recommend_into": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_recommend_similar": ("core", c.c_int32, [c.c_void_p, c.c_void_p, recsys_id, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_recommend_score_items": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_link_score": ("core", c.c_float, [c.c_void_p, c.c_float]),
    "recsys_recycling_add_domains": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_recycling_update_user": ("core", c.c_int32, [c.c_void_p, Text, recsys_bytes, c.c_void_p, c.c_void_p]),
    "recsys_recycling_gain_experience": ("core", c.c_int32, [c.c_void_p, Text, c.c_int64, Text, c.c_void_p, c.c_void_p]),
    "recsys_recycling_find_nearby": ("core", c.c_int32, [c.c_void_p, c.c_double, c.c_double, U32, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_recycling_search_guides": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_recycling_add_message": ("core", c.c_int32, [c.c_void_p, Text, Text, Text, c.c_void_p, c.c_void_p]),
    "recsys_recycling_get_task": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p]),
    "recsys_redis_read_url": ("redis", c.c_int32, [Text, Text, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_redis_create": ("redis", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_redis_get_stats": ("redis", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_registry_open": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p]),
    "recsys_registry_ref": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_registry_unref": ("core", None, [c.c_void_p]),
    "recsys_registry_resolve": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p]),
    "recsys_registry_find": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_void_p]),
    "recsys_registry_fetch": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_registry_describe": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_registry_publish": ("core", c.c_int32, [c.c_void_p, Text, Text, c.c_void_p, c.c_void_p]),
    "recsys_registry_set_alias": ("core", c.c_int32, [c.c_void_p, Text, Text, Text, c.c_void_p]),
    "recsys_registry_remove_alias": ("core", c.c_int32, [c.c_void_p, Text, Text, c.c_void_p]),
    "recsys_registry_list": ("core", c.c_int32, [c.c_void_p, Text, recsys_registry_callback, c.c_void_p, c.c_void_p]),
    "recsys_registry_create": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_registry_get_self": ("core", c.c_void_p, [c.c_void_p, c.c_void_p]),
    "recsys_registry_get_status": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_scorer_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_scorer_destroy": ("core", None, [c.c_void_p]),
    "recsys_scorer_top_k": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_scorer_top_k_matrix": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t, c.c_void_p, c.c_void_p, U32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_scorer_similar": ("core", c.c_int32, [c.c_void_p, c.c_void_p, recsys_id, c.c_void_p, U32, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_blas_get_info": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_blas_set_threads": ("core", c.c_int32, [U32, c.c_void_p]),
    "recsys_amx_use": ("core", c.c_int32, [c.c_void_p]),
    "recsys_slot_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_slot_destroy": ("core", None, [c.c_void_p]),
    "recsys_slot_acquire": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_slot_swap": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_slot_reap": ("core", c.c_size_t, [c.c_void_p]),
    "recsys_slot_get_generation": ("core", c.c_uint64, [c.c_void_p]),
    "recsys_datum_integer": ("core", recsys_datum, [c.c_int64]),
    "recsys_datum_real": ("core", recsys_datum, [c.c_double]),
    "recsys_datum_text": ("core", recsys_datum, [Text]),
    "recsys_rows_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_rows_destroy": ("core", None, [c.c_void_p]),
    "recsys_rows_add_column": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p]),
    "recsys_rows_add": ("core", c.c_int32, [c.c_void_p, recsys_datum, c.c_void_p]),
    "recsys_rows_count": ("core", c.c_size_t, [c.c_void_p]),
    "recsys_rows_count_columns": ("core", c.c_size_t, [c.c_void_p]),
    "recsys_rows_get_column": ("core", c.c_char_p, [c.c_void_p, c.c_size_t]),
    "recsys_rows_get": ("core", recsys_datum, [c.c_void_p, c.c_size_t, c.c_size_t]),
    "recsys_rows_find": ("core", recsys_datum, [c.c_void_p, c.c_size_t, Text]),
    "recsys_rows_format": ("core", c.c_int32, [c.c_void_p, U32, c.c_void_p, c.c_void_p]),
    "recsys_source_create": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_source_ref": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_source_unref": ("core", None, [c.c_void_p]),
    "recsys_source_get_self": ("core", c.c_void_p, [c.c_void_p, c.c_void_p]),
    "recsys_source_set_away": ("core", None, [c.c_void_p, U32]),
    "recsys_source_query": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_size_t, U32, c.c_void_p, c.c_void_p]),
    "recsys_source_run": ("core", c.c_int32, [c.c_void_p, Text, U32, c.c_void_p]),
    "recsys_transaction_begin": ("core", c.c_int32, [c.c_void_p, U32, c.c_void_p, c.c_void_p]),
    "recsys_transaction_query": ("core", c.c_int32, [c.c_void_p, Text, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_transaction_commit": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_transaction_rollback": ("core", None, [c.c_void_p]),
    "recsys_split_find": ("core", c.c_int32, [Text, recsys_id, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_stats_create": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_stats_ref": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_stats_unref": ("core", None, [c.c_void_p]),
    "recsys_stats_add_counter": ("core", c.c_int32, [c.c_void_p, Text, Text, Text, c.c_void_p, c.c_void_p]),
    "recsys_stats_add_gauge": ("core", c.c_int32, [c.c_void_p, Text, Text, Text, c.c_void_p, c.c_void_p]),
    "recsys_stats_add_histogram": ("core", c.c_int32, [c.c_void_p, Text, Text, Text, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_metric_add": ("core", None, [c.c_void_p, U64]),
    "recsys_metric_set": ("core", None, [c.c_void_p, c.c_double]),
    "recsys_metric_record": ("core", None, [c.c_void_p, c.c_double]),
    "recsys_metric_get": ("core", c.c_double, [c.c_void_p]),
    "recsys_stats_format": ("core", c.c_int32, [c.c_void_p, recsys_stats_callback, c.c_void_p, c.c_void_p]),
    "recsys_status_name": ("core", c.c_char_p, [c.c_int32]),
    "recsys_status_text": ("core", c.c_char_p, [c.c_int32]),
    "recsys_error_set": ("core", c.c_int32, [c.c_void_p, c.c_int32, Text]),
    "recsys_store_create": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_store_create_memory": ("core", c.c_int32, [Text, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_store_ref": ("core", c.c_void_p, [c.c_void_p]),
    "recsys_store_unref": ("core", None, [c.c_void_p]),
    "recsys_store_get_name": ("core", c.c_char_p, [c.c_void_p]),
    "recsys_store_get_self": ("core", c.c_void_p, [c.c_void_p, c.c_void_p]),
    "recsys_store_get": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_store_set": ("core", c.c_int32, [c.c_void_p, recsys_bytes, recsys_bytes, U64, U32, c.c_void_p]),
    "recsys_store_remove": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_void_p]),
    "recsys_store_get_or_set": ("core", c.c_int32, [c.c_void_p, recsys_bytes, recsys_bytes, U64, c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_store_replace": ("core", c.c_int32, [c.c_void_p, recsys_bytes, recsys_bytes, recsys_bytes, U64, c.c_void_p]),
    "recsys_store_scan": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, recsys_key_callback, c.c_void_p, c.c_void_p]),
    "recsys_store_rate_limit": ("core", c.c_int32, [c.c_void_p, recsys_bytes, U64, U32, U32, c.c_void_p, c.c_void_p]),
    "recsys_store_probe": ("core", c.c_int32, [c.c_void_p, c.c_void_p]),
    "recsys_store_get_stats": ("core", c.c_int32, [c.c_void_p, c.c_void_p, c.c_void_p]),
    "recsys_version_number": ("core", c.c_uint32, []),
    "recsys_version_string": ("core", c.c_char_p, []),
}
