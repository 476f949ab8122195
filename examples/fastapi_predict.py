"""POST /api/v1/predict with the model in the process of the service: no model server, no cache.

    RECSYS_MODEL=BUNDLE uvicorn --app-dir examples fastapi_predict:app

RECSYS_MODEL may be models:/NAME@ALIAS; RECSYS_REGISTRY is then the registry's folder. A route that is
no coroutine runs in FastAPI's threads, and the library lets other threads run while it computes.
"""
import os
import time
import uuid
from datetime import datetime, timezone
from typing import List, Optional

import recsys
from fastapi import FastAPI
from pydantic import BaseModel, Field

root = os.environ.get("RECSYS_REGISTRY")
served = recsys.Deployment(os.environ["RECSYS_MODEL"], registry=recsys.Registry(root) if root else None)
served.reload()
app = FastAPI(title="Movie Recommendation API")


class UserPreferences(BaseModel):
    favorite_genres: List[str] = []
    min_rating: float = Field(0, ge=0, le=10)
    preferred_languages: List[str] = []
    exclude_adult: bool = True
    preferred_decade: Optional[str] = Field(None, pattern="^[0-9]{3}0s$")


class PredictionRequest(BaseModel):
    user_id: int = Field(ge=0, lt=2**63)
    preferences: UserPreferences = UserPreferences()
    top_k: int = Field(10, ge=1, le=50)
    include_reasons: bool = False


@app.post("/api/v1/predict")
def predict(request: PredictionRequest):
    start, model, wanted = time.perf_counter(), served.model, request.preferences
    found = model.recommend(
        request.user_id, top_k=request.top_k, genres=wanted.favorite_genres, min_rating=wanted.min_rating,
        languages=wanted.preferred_languages, include_adult=not wanted.exclude_adult,
        decade=int((wanted.preferred_decade or "0s")[:-1]), reasons=request.include_reasons)
    films = [(one, model.catalogue[one.item_id]) for one in found]
    return {
        "user_id": request.user_id,
        "recommendations": [
            {"movie_id": one.item_id, "title": film.title, "score": one.score, "genres": film.genres,
             "release_year": film.release_year, "rating": film.rating, "poster_url": film.poster_url,
             "reason": one.reason} for one, film in films],
        "inference_time_ms": int((time.perf_counter() - start) * 1000),
        "model_version": model.info.version,
        "request_id": str(uuid.uuid4()),
        "timestamp": datetime.now(timezone.utc),
    }


@app.post("/api/v1/models/reload")
def reload():
    return {"changed": served.poll(), "model_version": served.model.info.version}
