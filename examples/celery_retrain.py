"""A Celery worker that trains a model, publishes it and makes it the champion.

    RECSYS_REGISTRY=DIR CELERY_BROKER=redis://127.0.0.1 celery -A celery_retrain worker -B -c 1

The task exports what implicit has trained, and the registry gives it the next version number. Services
that serve models:/movies@champion take it at their next poll() or SIGHUP; if their canary rejects it,
they keep the one they have. `-B` starts the task every night; one worker process trains at a time.
"""
import os
import shutil
import tempfile

import numpy as np
import pandas
import recsys
import scipy.sparse
from celery import Celery
from celery.schedules import crontab
from recsys import evaluate, export

app = Celery("retrain", broker=os.environ["CELERY_BROKER"], backend=os.environ["CELERY_BROKER"])
app.conf.task_acks_late = True  # a training whose worker dies is done by another one
app.conf.beat_schedule = {"nightly": {"task": "celery_retrain.retrain", "schedule": crontab(hour=3),
                                      "args": [os.environ.get("RECSYS_DATA", "data"), "movies"]}}


@app.task
def retrain(data, name, factors=32):
    """Train on data/ratings.csv; returns version and recall@10 on each user's last rating."""
    from implicit.als import AlternatingLeastSquares

    ratings = pandas.read_csv(os.path.join(data, "ratings.csv")).sort_values("timestamp", kind="stable")
    last = ~ratings.duplicated("userId", keep="last")
    users, items = (np.unique(ratings[column]) for column in ("userId", "movieId"))
    train = ratings[~last]
    seen = scipy.sparse.csr_matrix((train["rating"].to_numpy(np.float32), (np.searchsorted(users, train["userId"]),
                                    np.searchsorted(items, train["movieId"]))), (len(users), len(items)))
    model = AlternatingLeastSquares(factors=factors, random_state=1)
    model.fit(seen, show_progress=False)
    folder = tempfile.mkdtemp()
    try:
        bundle = os.path.join(folder, "bundle")
        export.from_implicit(model, seen=seen, user_ids=users, item_ids=items, name=name,
                             catalogue=pandas.read_csv(os.path.join(data, "movies.csv"))).write(bundle)
        recall = evaluate.measure(recsys.Model(bundle), ratings[last][["userId", "movieId"]]).recall
        registry = recsys.Registry(os.environ["RECSYS_REGISTRY"])
        version = registry.publish(bundle, name).version
        registry.set_alias(name, "champion", version)
    finally:
        shutil.rmtree(folder)
    return {"version": version, "recall@10": recall}
