"""The FastAPI + NumPy service that recsysd is compared with: POST /api/v1/predict and GET /health.

    MODEL_DIR=/path/to/bundle uvicorn fastapi_service:app --workers 2 --no-access-log

CACHE=0 turns the response cache off. MODEL_DIR is a model bundle
(docs/model-format.md) with integer ids; sizes and hashes are not verified.

Written as a good Python service would be, and where there is a choice, for
speed: one vector product per request straight on the mapped factors, filters
as cached arrays of 0 and -inf, catalogue entries ready as dicts, orjson for
the answer, and cached answers kept as bytes. No middleware: no CORS, no gzip,
no logging, no metrics.
"""
import math
import os
import time
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from functools import lru_cache

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # one worker process for each core instead

import numpy as np  # noqa: E402
import orjson  # noqa: E402
from fastapi import FastAPI, HTTPException, Response  # noqa: E402
from fastapi.encoders import jsonable_encoder  # noqa: E402
from fastapi.exceptions import RequestValidationError  # noqa: E402
from pydantic import BaseModel, Field  # noqa: E402

CACHE_SECONDS = 300
CACHE_ENTRIES = 100_000


# ---- the model ----------------------------------------------------------------------------------

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4", "U8": "u1"}


def read_safetensors(path):
    """{name: array}, mapped and not copied."""
    with open(path, "rb") as f:
        header_size = int.from_bytes(f.read(8), "little")
        header = orjson.loads(f.read(header_size))
    data = np.memmap(path, dtype=np.uint8, mode="r")
    base = 8 + header_size
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        raw = np.asarray(data[base + begin:base + end])
        if info["dtype"] == "BF16":
            array = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
        elif info["dtype"] in DTYPES:
            dtype = np.dtype(DTYPES[info["dtype"]])
            array = raw.view(dtype) if raw.ctypes.data % dtype.itemsize == 0 else raw.copy().view(dtype)
        else:
            continue
        tensors[name] = array.reshape(info["shape"])
    return tensors


def texts(tensors, name):
    offsets, data = tensors[name + "_offsets"], tensors[name].tobytes()
    return [data[a:b - 1].decode() for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist())]


def floats(array):
    return None if array is None else np.ascontiguousarray(array, dtype=np.float32)


class Model:
    def __init__(self, path):
        with open(os.path.join(path, "recsys.json"), "rb") as f:
            manifest = orjson.loads(f.read())
        self.version = str(manifest.get("version", ""))
        self.link = manifest.get("link", {"kind": "sigmoid"})
        t = read_safetensors(os.path.join(path, "model.safetensors"))
        self.items, self.users = floats(t["item_factors"]), floats(t["user_factors"])
        self.item_bias, self.user_bias = floats(t.get("item_bias")), floats(t.get("user_bias"))
        self.cosine = manifest.get("metric") == "cosine"
        if self.cosine:
            self.items, self.users = unit_rows(self.items), unit_rows(self.users)
        n, self.dimensions = self.items.shape
        self.item_ids = t["item_ids"] if "item_ids" in t else np.arange(1, n + 1)
        user_ids = t["user_ids"] if "user_ids" in t else np.arange(1, len(self.users) + 1)
        self.user_rows = {id: row for row, id in enumerate(user_ids.tolist())}
        self.item_rows = {id: row for row, id in enumerate(self.item_ids.tolist())}

        self.seen_offsets = self.seen_items = self.seen_weights = None
        seen_path = os.path.join(path, "seen.safetensors")
        if os.path.exists(seen_path):
            s = read_safetensors(seen_path)
            self.seen_offsets = s["seen_offsets"].astype(np.int64)
            self.seen_items, self.seen_weights = s["seen_items"], s.get("seen_weights")

        self.read_catalog(os.path.join(path, "catalog.jsonl"), n)
        self.features = {}
        if "feature_factors" in t:
            self.features = dict(zip(texts(t, "feature_names"), floats(t["feature_factors"])))
        self.popularity = self.make_popularity(t.get("item_popularity"))
        self.scores = np.empty(n, dtype=np.float32)     # one event loop, one request at a time
        self.penalty = lru_cache(maxsize=32)(self.penalty)

    def read_catalog(self, path, n):
        self.movies = [{"movie_id": id, "title": "", "score": 0.0, "genres": [], "release_year": None, "rating": None,
                        "poster_url": None, "reason": None} for id in self.item_ids.tolist()]
        self.ratings = np.full(n, np.nan, dtype=np.float32)
        self.years = np.zeros(n, dtype=np.int32)
        self.adult = np.zeros(n, dtype=bool)
        self.languages = np.zeros(n, dtype=np.int32)    # 0 = unknown
        self.language_codes, self.genre_vectors, genre_rows = {}, {}, {}
        if not os.path.exists(path):
            return
        with open(path, "rb") as f:
            for line in f:
                if not line.strip():
                    continue
                item = orjson.loads(line)
                row = self.item_rows[item["id"]]
                movie = self.movies[row]
                movie["title"] = item.get("title") or ""
                movie["genres"] = item.get("genres") or []
                for key in ("release_year", "rating", "poster_url"):
                    movie[key] = item.get(key)
                if item.get("rating") is not None:
                    self.ratings[row] = item["rating"]
                self.years[row] = item.get("release_year") or 0
                self.adult[row] = bool(item.get("adult"))
                if item.get("language"):
                    code = self.language_codes.setdefault(item["language"].lower(), len(self.language_codes) + 1)
                    self.languages[row] = code
                for genre in movie["genres"]:
                    genre_rows.setdefault(genre.lower(), []).append(row)
        # Where a model brings no feature vectors, a genre's vector is the mean of its items'.
        self.genre_vectors = {g: self.items[rows].mean(axis=0) for g, rows in genre_rows.items()}

    def make_popularity(self, given):
        """0..1: the model's popularity; else how many users saw the item; else bias, rating, norm."""
        if given is not None:
            p = floats(given)
        elif self.seen_items is not None and len(self.seen_items):
            p = np.bincount(self.seen_items, minlength=len(self.items)).astype(np.float32)
        elif self.item_bias is not None:
            p = self.item_bias - self.item_bias.min()
        elif not np.isnan(self.ratings).all():
            p = np.nan_to_num(self.ratings)
        else:
            p = np.linalg.norm(self.items, axis=1)
        return p / p.max() if p.max() > 0 else p

    def penalty(self, min_rating, languages, decade, exclude_adult):
        """0 for an item that may be recommended, -inf for one that may not; None if all may.
        A condition on something that is unknown of an item is not met."""
        allowed = np.ones(len(self.items), dtype=bool)
        if exclude_adult:
            allowed &= ~self.adult
        if min_rating:
            allowed &= self.ratings >= np.float32(min_rating)
        if languages:
            codes = [self.language_codes[x] for x in languages if x in self.language_codes]
            allowed &= np.isin(self.languages, codes)
        if decade:
            allowed &= (self.years >= decade) & (self.years < decade + 10)
        return None if allowed.all() else np.where(allowed, 0, -np.inf).astype(np.float32)

    def seen(self, row):
        if row is None or self.seen_offsets is None:
            return None
        return self.seen_items[self.seen_offsets[row]:self.seen_offsets[row + 1]]

    def preference_vectors(self, p):
        if not self.features:
            names = [g.lower() for g in p.favorite_genres or []]
            return [self.genre_vectors[g] for g in names if g in self.genre_vectors]
        named = [("pref_genre_" + g.lower(), 1.0) for g in p.favorite_genres or []]
        named += [("pref_language_" + x.lower(), 1.0) for x in p.preferred_languages or []]
        named += [("pref_decade_" + p.preferred_decade, 1.0)] if p.preferred_decade else []
        named += [("min_rating", p.min_rating)] if p.min_rating else []
        return [self.features[name] * np.float32(weight) for name, weight in named if name in self.features]

    def recommend(self, request):
        """(strategy, list of recommendations)"""
        p = request.preferences or NO_PREFERENCES
        row = self.user_rows.get(request.user_id)
        vectors = self.preference_vectors(p)
        known = row is not None and bool(self.users[row].any())
        scores = self.scores
        if known or vectors:
            vector = self.users[row] if known else np.zeros(self.dimensions, dtype=np.float32)
            for v in vectors:
                vector = vector + v
            if self.cosine and vectors:
                vector = vector / (np.linalg.norm(vector) or np.float32(1))
            np.matmul(self.items, vector, out=scores)
            if self.item_bias is not None:
                scores += self.item_bias
            if known and self.user_bias is not None:
                scores += self.user_bias[row]
            strategy = ("user_preferences" if vectors else "user") if known else "preferences"
        else:
            np.copyto(scores, self.popularity)
            strategy = "popularity"

        languages = tuple(sorted({x.lower() for x in p.preferred_languages or ()}))
        decade = int(p.preferred_decade[:4]) if p.preferred_decade else 0
        penalty = self.penalty(p.min_rating or 0.0, languages, decade, p.exclude_adult is not False)
        if penalty is not None:
            scores += penalty
        seen = self.seen(row)
        if seen is not None:
            scores[seen] = -np.inf
        for id in request.exclude_items or ():
            if id in self.item_rows:
                scores[self.item_rows[id]] = -np.inf

        n, k = len(scores), min(request.top_k or 10, len(scores))
        top = np.argpartition(scores, n - k)[n - k:]
        top = top[np.lexsort((self.item_ids[top], -scores[top]))]       # best first, ties by id
        top = top[scores[top] > -np.inf]
        out = []
        for item, raw in zip(top.tolist(), scores[top].tolist()):
            score = raw if strategy == "popularity" else self.linked(raw)
            movie = {**self.movies[item], "score": score}
            if request.include_reasons:
                movie["reason"] = self.reason(p, strategy, row, item, score)
            out.append(movie)
        return strategy, out

    def linked(self, raw):
        kind = self.link.get("kind", "sigmoid")
        if kind == "linear":
            raw = (raw - self.link["min"]) / (self.link["max"] - self.link["min"])
        elif kind == "sigmoid":
            return 1.0 / (1.0 + math.exp(-raw)) if raw > -700 else 0.0
        return min(max(raw, 0.0), 1.0)

    def reason(self, p, strategy, row, item, score):
        reasons = []
        wanted = {g.lower() for g in p.favorite_genres or ()}
        shared = [g for g in self.movies[item]["genres"] if g.lower() in wanted]
        if shared:
            reasons.append("matches your genres: " + ", ".join(shared))
        if p.min_rating and self.ratings[item] >= p.min_rating:
            reasons.append("rated %.1f" % self.ratings[item])
        seen = self.seen(row)
        if strategy.startswith("user") and seen is not None and len(seen):
            weights = self.seen_weights[self.seen_offsets[row]:self.seen_offsets[row + 1]] \
                if self.seen_weights is not None else np.ones(len(seen), dtype=np.float32)
            products = self.items[seen] @ self.items[item]
            norms = np.linalg.norm(self.items[seen], axis=1) * np.linalg.norm(self.items[item])
            near = (products > 0) & (products >= 0.3 * norms) & (weights > 0) & (weights >= weights.mean())
            best = np.argsort(-products * weights * near)[:2]
            titles = [self.movies[seen[i]]["title"] for i in best if near[i] and self.movies[seen[i]]["title"]]
            if titles:
                reasons.append("close to %s in your history" % " and ".join(titles))
        if strategy == "popularity":
            reasons.append("popular with other users")
        elif score > 0.8:
            reasons.append("high score")
        return "; ".join(reasons) or None


def unit_rows(a):
    norms = np.linalg.norm(a, axis=1, keepdims=True)
    return (a / np.where(norms > 0, norms, 1)).astype(np.float32)


# ---- the interface ------------------------------------------------------------------------------

class UserPreferences(BaseModel):
    favorite_genres: list[str] | None = Field(None, max_length=64)
    min_rating: float | None = Field(None, ge=0, le=10, allow_inf_nan=False)
    preferred_languages: list[str] | None = Field(None, max_length=64)
    exclude_adult: bool | None = True
    preferred_decade: str | None = Field(None, pattern=r"^[0-9]{3}0s$")


class PredictionRequest(BaseModel):
    user_id: int = Field(gt=0, lt=2**63, description="user id")
    preferences: UserPreferences | None = None
    top_k: int | None = Field(10, ge=1, le=50)
    include_reasons: bool | None = False
    exclude_items: list[int] | None = Field(None, max_length=1000)


class MovieRecommendation(BaseModel):
    movie_id: int
    title: str
    score: float = Field(ge=0, le=1)
    genres: list[str]
    release_year: int | None = None
    rating: float | None = None
    poster_url: str | None = None
    reason: str | None = None


class PredictionResponse(BaseModel):
    user_id: int
    recommendations: list[MovieRecommendation]
    strategy: str
    inference_time_ms: float
    model_version: str
    request_id: str
    timestamp: datetime


NO_PREFERENCES = UserPreferences()


class TtlCache:
    """Answers as bytes; belongs to one event loop, so it needs no lock."""

    def __init__(self, seconds, entries):
        self.seconds, self.entries, self.data = seconds, entries, {}

    def get(self, key):
        hit = self.data.get(key)
        if hit is None:
            return None
        if hit[0] < time.monotonic():
            del self.data[key]
            return None
        return hit[1]

    def set(self, key, value):
        self.data.pop(key, None)
        if len(self.data) >= self.entries:
            del self.data[next(iter(self.data))]        # the oldest, as all live equally long
        self.data[key] = (time.monotonic() + self.seconds, value)


def cache_key(r):
    p = r.preferences or NO_PREFERENCES
    return (r.user_id, r.top_k or 10, bool(r.include_reasons),
            tuple(sorted({g.lower() for g in p.favorite_genres or ()})), p.min_rating or 0.0,
            tuple(sorted({x.lower() for x in p.preferred_languages or ()})), p.exclude_adult is not False,
            p.preferred_decade, tuple(sorted(set(r.exclude_items or ()))))


model: Model | None = None
cache = TtlCache(CACHE_SECONDS, CACHE_ENTRIES) if os.environ.get("CACHE", "1") != "0" else None


@asynccontextmanager
async def lifespan(app):
    global model
    model = Model(os.environ["MODEL_DIR"])
    yield
    model = None


app = FastAPI(title="Recommendations", version="1.0.0", lifespan=lifespan)


@app.exception_handler(RequestValidationError)
async def invalid(request, error):
    # As FastAPI's own, which fails when the refused input is NaN.
    return Response(orjson.dumps({"detail": jsonable_encoder(error.errors())}), 422, media_type="application/json")


@app.get("/health")
async def health():
    if model is None:
        raise HTTPException(503, "no model")
    return {"status": "healthy", "model_version": model.version, "users": len(model.users), "items": len(model.items),
            "cache_entries": len(cache.data) if cache else 0}


# async: the work is short and needs the processor, so a thread pool would only add to it. The answer
# is built by orjson; response_model describes it in /docs.
@app.post("/api/v1/predict", response_model=PredictionResponse)
async def predict(request: PredictionRequest):
    if model is None:
        raise HTTPException(503, "no model")
    key = cache_key(request) if cache else None
    body = cache.get(key) if cache else None
    hit = body is not None
    if not hit:
        begin = time.perf_counter()
        strategy, recommendations = model.recommend(request)
        body = orjson.dumps({
            "user_id": request.user_id,
            "recommendations": recommendations,
            "strategy": strategy,
            "inference_time_ms": round((time.perf_counter() - begin) * 1e3, 3),
            "model_version": model.version,
        })[:-1]
        if cache:
            cache.set(key, body)
    # Every request gets its own id and time, cached or not.
    body += b',"request_id":"%s","timestamp":"%s"}' % (
        str(uuid.uuid4()).encode(), datetime.now(timezone.utc).isoformat().encode())
    return Response(body, media_type="application/json", headers={"X-Cache": "hit" if hit else "miss"})
