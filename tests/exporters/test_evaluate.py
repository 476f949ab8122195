"""recsys.evaluate beside implicit's and LightFM's evaluators, recsysctl's, and loops that read as
the definitions do."""
import json
import math
import os
import pathlib
import subprocess

import numpy as np
import polars
import pytest
import scipy.sparse
import train_models

import recsys
from recsys import evaluate, export

KS = [1, 5, 10, 20]
RECSYSCTL = pathlib.Path(os.environ["RECSYS_LIBRARY"]).parents[1] / "bin/recsysctl"


@pytest.fixture(scope="module")
def split(ratings):
    """(train, test): a fifth of each user's ratings is held out."""
    held = np.random.default_rng(5).random(len(ratings.users)) < 0.2
    made = [scipy.sparse.csr_matrix((ratings.ratings[part], (ratings.user_rows[part], ratings.item_rows[part])),
                                    ratings.matrix.shape) for part in (~held, held)]
    return made[0], made[1]


@pytest.fixture(scope="module")
def fitted(split):
    from implicit.als import AlternatingLeastSquares

    theirs = AlternatingLeastSquares(factors=8, iterations=5, random_state=1, num_threads=1)
    theirs.fit(split[0], show_progress=False)
    return theirs


@pytest.fixture(scope="module")
def model(fitted, split, tmp_path_factory):
    path = tmp_path_factory.mktemp("evaluate") / "bundle"
    export.from_implicit(fitted, seen=split[0]).write(path)
    return recsys.Model(path)


@pytest.mark.parametrize("k", KS)
def test_map_and_ndcg_are_those_of_implicit(k, model, fitted, split):
    from implicit.evaluation import ranking_metrics_at_k

    theirs = ranking_metrics_at_k(fitted, *split, K=k, show_progress=False, num_threads=1)
    ours = evaluate.measure(model, split[1], k)
    assert math.isclose(ours.map, theirs["map"], abs_tol=1e-6)
    assert math.isclose(ours.ndcg, theirs["ndcg"], abs_tol=1e-6)
    held_out = evaluate.read_held_out(model, split[1], None, None)
    lists = evaluate.recommend_all(model, held_out.user_ids, k)
    hits = evaluate.figures.find_hits(lists, held_out).sum()
    assert math.isclose(hits / np.minimum(held_out.n_held, k).sum(), theirs["precision"], abs_tol=1e-6)


@pytest.mark.parametrize("k", KS)
def test_recall_is_that_of_lightfm(k, split, tmp_path):
    from lightfm import LightFM
    from lightfm.evaluation import recall_at_k

    theirs = LightFM(no_components=8, random_state=1).fit(split[0].tocoo(), epochs=3, num_threads=1)
    export.from_lightfm(theirs, seen=split[0]).write(tmp_path / "bundle")
    wanted = recall_at_k(theirs, split[1], split[0], k=k, num_threads=1).mean()
    tied = sum(is_tied(theirs, split[0], user, k) for user in range(split[0].shape[0])) / split[0].shape[0]
    assert tied < 0.02
    assert math.isclose(evaluate.measure(recsys.Model(tmp_path / "bundle"), split[1], k).recall, wanted,
                        abs_tol=1e-6 + tied)


def is_tied(model, train, user, k):
    """Have the items k and k + 1 of a user the same score in LightFM's floats? Then either may be the k-th."""
    scores = model.predict(user, np.arange(train.shape[1])).astype(np.float64)
    scores[train.getrow(user).indices] = -np.inf
    best = np.sort(scores)[::-1]
    return best[k - 1] - best[k] < 1e-6


def by_the_definitions(lists, held, counts, n_users, n_items, k):
    """Lists and held-out items by user, as Python writes them."""
    recall, ndcg, precision, novelty, shown = [], [], [], [], set()
    for user, items in lists.items():
        items, wanted = items[:k], held[user]
        hit = [item in wanted for item in items]
        recall.append(sum(hit) / len(wanted))
        ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(wanted))))
        ndcg.append(sum(1 / math.log2(place + 2) for place in range(len(items)) if hit[place]) / ideal)
        precision.append(sum(sum(hit[:place + 1]) / (place + 1) for place in range(len(items)) if hit[place]) /
                         min(k, len(wanted)))
        novelty.append(np.mean([-math.log2(max(counts[item], 1) / n_users) for item in items]))
        shown.update(items)
    return [np.mean(values) for values in (recall, ndcg, precision)] + [len(shown) / n_items, np.mean(novelty)]


def test_figures_are_those_of_plain_loops(model, split):
    train, test = split
    counts = np.asarray((train != 0).sum(axis=0))[0]
    held = {user: set(test[user].indices.tolist()) for user in range(test.shape[0]) if test[user].nnz}
    assert len(held) > 200
    lists = {user: model.recommend(user, top_k=20).ids for user in held}
    for k, ours in zip(KS, evaluate.measure(model, test, KS)):
        wanted = by_the_definitions(lists, held, counts, *train.shape, k)
        assert np.allclose([ours.recall, ours.ndcg, ours.map, ours.coverage, ours.novelty], wanted, atol=1e-9)
        assert (ours.k, ours.n_users) == (k, len(held))
    popular = np.lexsort((np.arange(len(counts)), -counts))
    lists = {user: popular[~np.isin(popular, train[user].indices)][:10].tolist() for user in held}
    ours = evaluate.measure_popularity(model, test)
    assert np.allclose(ours[3:], by_the_definitions(lists, held, counts, *train.shape, 10), atol=1e-9)
    assert evaluate.measure(model, test).recall > ours.recall  # the model has learned something


def test_every_kind_of_split_gives_the_same_figures(model, split):
    test = split[1].tocoo()
    wanted = evaluate.measure(model, test)
    assert evaluate.measure(model, (test.row, test.col)) == wanted
    table = {"user": test.row, "item": test.col, "rating": test.data}
    assert evaluate.measure(model, table) == wanted
    assert evaluate.measure(model, polars.DataFrame(table)) == wanted
    order = np.random.default_rng(1).permutation(test.shape[0])
    shuffled = split[1][order]
    assert np.allclose(evaluate.measure(model, shuffled, user_ids=order), wanted)


def test_figures_are_those_of_recsysctl(model, split, tmp_path):
    test = split[1].tocoo()
    lines = [f"{user},{item},{rating}" for user, item, rating in zip(test.row, test.col, test.data)]
    lines += ["99999,1,3", "1,99999,3"]
    (tmp_path / "test.csv").write_text("\n".join(["userId,movieId,rating", *lines]) + "\n")
    export.from_arrays(model.user_factors, model.item_factors, user_ids=model.user_ids, item_ids=model.item_ids,
                       seen=split[0][model.user_ids][:, model.item_ids], link="clip").write(tmp_path / "bundle")
    said = subprocess.run([RECSYSCTL, "evaluate", tmp_path / "bundle", "--ratings", tmp_path / "test.csv", "--json"],
                          capture_output=True, text=True, check=True)
    theirs = json.loads(said.stdout)
    pairs = ([*test.row, 99999, 1], [*test.col, 1, 99999])
    served = recsys.Model(tmp_path / "bundle")
    for ours, name in ((evaluate.measure(served, pairs), "model"), (evaluate.measure_popularity(served, pairs), "popularity")):
        assert (ours.n_users, ours.n_left_out) == (theirs["n_users"], 2)
        for figure in ("recall", "ndcg", "map", "coverage", "novelty"):
            assert math.isclose(getattr(ours, figure), theirs[name][figure], abs_tol=1e-6), (name, figure)


def test_users_and_items_that_the_model_lacks_are_left_out(model, split):
    user = int(split[1].tocoo().row[0])
    best = model.recommend(user, top_k=1).ids[0]
    figures = evaluate.measure(model, ([user, user, 9999], [best, 9999, best]), 1)
    assert (figures.recall, figures.n_users, figures.n_left_out) == (1, 1, 2)
    with pytest.raises(ValueError, match="none of these users and items"):
        evaluate.measure(model, ([9999], [best]))
    with pytest.raises(TypeError, match="ids of users are texts; the model's are integers"):
        evaluate.measure(model, (["a"], [1]))
    with pytest.raises(ValueError, match="nobody"):
        evaluate.measure(model, ([], []))


def test_lists_longer_than_the_catalogue(tmp_path):
    export.from_arrays(np.eye(3), np.eye(3)).write(tmp_path / "bundle")
    model = recsys.Model(tmp_path / "bundle")
    few, many = evaluate.measure(model, ([0, 1], [0, 2]), [1, 50])
    assert (few.recall, many.recall, many.coverage) == (0.5, 1.0, 1.0) and math.isnan(few.novelty)


def test_plots(model, split, tmp_path):
    import matplotlib

    matplotlib.use("Agg")
    axes = evaluate.plot_recall({"als": model, "again": model}, split[1], [1, 5, 10])
    assert [line.get_label() for line in axes.get_lines()] == ["als", "again"]
    assert axes.get_lines()[0].get_ydata().tolist() == [f.recall for f in evaluate.measure(model, split[1], [1, 5, 10])]
    axes.figure.savefig(tmp_path / "recall.png")
    axes = evaluate.plot_scores(model, list(range(50)))
    assert sum(bar.get_height() * bar.get_width() for bar in axes.patches) == pytest.approx(2)
    axes.figure.savefig(tmp_path / "scores.png")
    assert (tmp_path / "scores.png").stat().st_size > 1000
