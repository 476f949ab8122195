"""New users of an ALS model: the vector is that of implicit's recalculate_user, and a reason's parts
are those of its explain."""
import numpy as np
import pytest
import scipy.sparse

import recsys.export

NEAR = 1e-4
ALPHAS = [1.0, 4.0, 0.5]


def trained(ratings, alpha, factors=12):
    from implicit.als import AlternatingLeastSquares

    theirs = AlternatingLeastSquares(factors=factors, iterations=5, alpha=alpha, regularization=0.05,
                                     random_state=1, num_threads=1)
    theirs.fit(ratings.matrix, show_progress=False)
    return theirs


def sessions(ratings, n):
    """(rows of items, their weights): 1 to 60 items, whole weights and others, some below 1."""
    rng = np.random.default_rng(5)
    for number in range(n):
        rows = rng.choice(len(ratings.item_ids), size=1 + number * 59 // n, replace=False)
        yield rows, rng.choice([0.25, 1.0, 3.0, 4.5], size=len(rows)).astype(np.float32)


def as_row(ratings, rows, weights):
    return scipy.sparse.csr_matrix((weights, (np.zeros(len(rows), int), rows)), (1, len(ratings.item_ids)))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_session_is_answered_as_recalculate_user_would(alpha, ratings, served):
    theirs = trained(ratings, alpha)
    model = served(recsys.export.from_implicit(theirs, user_ids=ratings.user_ids, item_ids=ratings.item_ids))
    items = ratings.item_ids.tolist()
    for rows, weights in sessions(ratings, 40):
        vector = theirs.recalculate_user(0, as_row(ratings, rows, weights))
        wanted = theirs.item_factors.astype(np.float64) @ vector.astype(np.float64)
        liked = ratings.item_ids[rows]
        found = model.score_items(None, items, liked=liked, liked_weights=weights)
        assert found.strategy == "fold_in"
        np.testing.assert_allclose(found.raws, wanted, atol=NEAR)
        answer = model.recommend(None, liked=liked, liked_weights=weights, include_adult=True)
        assert answer.strategy == "fold_in" and not set(answer.ids) & set(liked.tolist())
        best = np.sort(np.delete(wanted, rows))[::-1][:10]
        np.testing.assert_allclose([item.raw for item in answer], best, atol=NEAR)


def test_a_user_of_the_training_gets_nearly_the_vector_that_one_more_step_would_give(ratings, served):
    theirs = trained(ratings, 2.0, factors=48)
    model = served(recsys.export.from_implicit(theirs, user_ids=ratings.user_ids, item_ids=ratings.item_ids))
    for row in range(0, len(ratings.user_ids), 20):
        vector = theirs.recalculate_user(0, ratings.matrix[row])
        found = model.score_items(None, ratings.item_ids.tolist(), liked=ratings.item_ids[ratings.matrix[row].indices],
                                  liked_weights=ratings.matrix[row].data)
        np.testing.assert_allclose(found.raws, theirs.item_factors @ vector, atol=NEAR)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_reasons_of_a_session_are_the_parts_of_explain(alpha, ratings, served):
    theirs = trained(ratings, alpha)
    model = served(recsys.export.from_implicit(theirs, user_ids=ratings.user_ids, item_ids=ratings.item_ids))
    row_of = {item: row for row, item in enumerate(ratings.item_ids.tolist())}
    n_parts = 0
    for rows, weights in sessions(ratings, 15):
        liked = ratings.item_ids[rows]
        asked = as_row(ratings, rows, weights)
        for item in model.recommend(None, 5, liked=liked, liked_weights=weights, reasons=True, include_adult=True):
            total, parts, _ = theirs.explain(0, asked, row_of[item.item_id], N=2)
            parts = [(ratings.item_ids[row], part) for row, part in parts if part > 0]
            assert item.raw == pytest.approx(total, abs=NEAR)
            np.testing.assert_allclose(item.contributions, [part for _, part in parts], atol=NEAR)
            if len(parts) < 2 or abs(parts[0][1] - parts[1][1]) > NEAR:
                assert list(item.causes) == [cause for cause, _ in parts]
            n_parts += len(parts)
    assert n_parts > 50


def test_reasons_of_a_known_user_are_the_parts_of_explain(ratings, served):
    theirs = trained(ratings, 2.0)
    model = served(recsys.export.from_implicit(theirs, seen=ratings.matrix, user_ids=ratings.user_ids,
                                               item_ids=ratings.item_ids))
    row_of = {item: row for row, item in enumerate(ratings.item_ids.tolist())}
    n_taken_apart = n_items = 0
    for row, user in enumerate(ratings.user_ids.tolist()[:60]):
        for item in model.recommend(user, 5, reasons=True):
            total, parts, _ = theirs.explain(row, ratings.matrix, row_of[item.item_id], N=2)
            n_items += 1
            if not item.contributions:  # the user's vector is older than the items'
                assert abs(total - item.raw) > 0.19 * abs(item.raw)
                continue
            n_taken_apart += 1
            np.testing.assert_allclose(item.contributions, [part for _, part in parts], atol=NEAR)
    assert n_taken_apart > 0.9 * n_items


def test_other_models_take_the_mean(ratings, served):
    from train_models import implicit_bpr

    theirs = implicit_bpr(ratings)
    model = served(recsys.export.from_implicit(theirs, user_ids=ratings.user_ids, item_ids=ratings.item_ids))
    answer = model.recommend(None, liked=ratings.item_ids[:3])
    assert answer.strategy == "session"
    with pytest.raises(NotImplementedError):
        theirs.recalculate_user(0, ratings.matrix[0])
