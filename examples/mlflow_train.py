"""Train with implicit, log to MLflow, and make the version the champion that recsysd serves.

    export MLFLOW_TRACKING_URI=http://127.0.0.1:5000
    recsysd --model models:/movies@champion --registry $MLFLOW_TRACKING_URI --wait-for-model \\
        --poll-registry-s 10 &
    python3 mlflow_train.py data              # data/ratings.csv and data/movies.csv

recsysd asks what the alias means now, downloads a version that it does not have, compares it with the
one that serves, and swaps. Run the training again and the next version follows; set the alias back
and the one before does.
"""
import argparse
import pathlib

import mlflow
import numpy as np
import pandas
import recsys
import recsys.mlflow
import scipy.sparse
from implicit.als import AlternatingLeastSquares
from recsys import evaluate, export


def train(data, factors):
    """A builder with the model, and each user's last rating, which it has not seen."""
    ratings = pandas.read_csv(data / "ratings.csv").sort_values("timestamp", kind="stable")
    last = ~ratings.duplicated("userId", keep="last")
    users, items = (np.unique(ratings[column]) for column in ("userId", "movieId"))
    known = ratings[~last]
    cells = np.searchsorted(users, known["userId"]), np.searchsorted(items, known["movieId"])
    seen = scipy.sparse.csr_matrix((known["rating"].to_numpy(np.float32), cells), (len(users), len(items)))
    model = AlternatingLeastSquares(factors=factors, random_state=1)
    model.fit(seen, show_progress=False)
    made = export.from_implicit(model, seen=seen, user_ids=users, item_ids=items, name="movies",
                                catalogue=pandas.read_csv(data / "movies.csv"))
    return made, ratings[last][["userId", "movieId"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--factors", type=int, default=32)
    parser.add_argument("--name", default="movies")
    parser.add_argument("--bundle", type=pathlib.Path, default=pathlib.Path("bundle"), help="must not exist")
    given = parser.parse_args()

    mlflow.set_experiment(given.name)
    with mlflow.start_run():
        mlflow.log_param("factors", given.factors)
        builder, held_out = train(given.data, given.factors)
        builder.write(given.bundle)
        mlflow.log_metric("recall", evaluate.measure(recsys.Model(given.bundle), held_out).recall)
        info = recsys.mlflow.log_model(given.bundle, "model", registered_model_name=given.name)
    version = info.registered_model_version
    mlflow.MlflowClient().set_registered_model_alias(given.name, "champion", version)
    print(f"models:/{given.name}@champion is version {version}")


if __name__ == "__main__":
    main()
