"""Recommendations: single users, batches, sessions, and what NumPy says of them."""
import numpy as np
import pytest

import recsys


def best_of(scores, forbidden, k):
    """Rows of the k best scores by brute force."""
    order = np.lexsort((np.arange(len(scores)), -scores))
    return [int(row) for row in order if row not in forbidden][:k]


def test_a_batch_is_what_brute_force_gives(large):
    model, users, items, seen = large
    batch = model.recommend_batch(np.arange(500), top_k=10)
    assert batch.ids.shape == batch.scores.shape == batch.rows.shape == (500, 10)
    assert batch.ids.dtype == np.int64 and batch.scores.dtype == np.float32
    raw = (users.astype(np.float64) @ items.astype(np.float64).T).astype(np.float32)
    for user in range(500):
        assert batch.ids[user].tolist() == best_of(raw[user], set(seen[user].tolist()), 10)
    assert (model.item_ids[batch.rows] == batch.ids).all()
    assert batch.strategy_names() == ["user"] * 500


def test_a_batch_has_the_bits_of_single_calls(large):
    model = large[0]
    batch = model.recommend_batch(range(300), top_k=7)
    for user in range(300):
        one = model.recommend(user, 7)
        assert one.ids == batch.ids[user].tolist()
        assert one.scores.tobytes() == batch.scores[user].tobytes()


def test_places_without_an_answer_are_padded(model):
    batch = model.recommend_batch([1, 2], top_k=6)
    assert batch.counts.tolist() == [5, 6]
    assert batch.ids[0, 5] == -1 and batch.scores[0, 5] == -np.inf
    assert list(batch.to_dataframe(["a", "b"])["user_id"]) == ["a"] * 5 + ["b"] * 6
    assert model.recommend_batch([], top_k=3).ids.shape == (0, 3)


def test_conditions_of_one_call_do_not_reach_the_next(model):
    plain = model.recommend(1, 10).ids
    assert model.recommend(1, 10, exclude=plain[:2], min_rating=6, genres=["Horror"],
                           include_seen=True).ids != plain
    assert model.recommend(1, 10).ids == plain
    with pytest.raises(recsys.InvalidArgument):
        model.recommend(1, 10, min_rating=float("nan"))
    assert model.recommend(1, 10).ids == plain


def test_conditions_do_what_they_say(model):
    assert model.recommend(1, 10, allow=[5, 6]).ids == [5, 6]
    assert model.recommend(1, 10, allow=[]).ids == []
    assert model.recommend(1, 10, decade=1990).ids == [3, 4]
    assert model.recommend(1, 1, include_seen=True, exclude=np.array([3])).ids == [4]
    assert model.recommend(liked=[2], top_k=1).strategy == "session"
    assert model.recommend(vector=[0, 1], top_k=2).ids == [1, 2]
    assert model.recommend(1, 9, filter=model.filter(min_year=1995)).ids == [4, 5, 6]
    assert model.recommend(genres=["Polka"]).ignored == [("genre", 0, "Polka")]


def test_an_answer_prints_as_a_table_and_becomes_a_dataframe(model):
    answer = model.recommend(user_id=1, top_k=3, genres=["Horror"], reasons=True)
    assert "The Third" in repr(answer) and "matches your genres: Horror" in repr(answer)
    horror = next(item for item in answer if item.item_id == 4)  # how high depends on strength
    assert "genres" in horror.reasons and "Horror" in horror.reason and horror.causes == (1,)
    frame = answer.to_dataframe()
    assert list(frame.columns) == ["rank", "item_id", "score", "raw", "title", "reason"]
    assert sorted(frame["title"]) == ["The Fifth", "The Fourth", "The Third"]
    assert list(frame["rank"]) == [1, 2, 3]


def test_text_ids(tmp_path):
    builder = recsys.Builder()
    builder.set_array("user_factors", np.eye(2))
    builder.set_array("item_factors", np.eye(2))
    builder.set_texts("user_ids", ["anna", "böb"])
    builder.set_texts("item_ids", ["ä", "b"])
    builder.write(tmp_path / "bundle")
    model = recsys.Model(tmp_path / "bundle")
    assert model.recommend("anna", 2).ids == ["ä", "b"]
    assert model.recommend_batch(["böb", "anna"], 1).ids.tolist() == [["b"], ["ä"]]
    assert model.recommend("anna", 2, exclude=["ä"]).ids == ["b"]
    assert sorted(model.item_ids) == ["b", "ä"] and model.list_user_ids() == ["anna", "böb"]
    with pytest.raises(ValueError, match="strings"):
        model.recommend(1)


def test_similar_and_scores_of_given_items(model):
    assert model.similar(1, 2).ids == [2, 6]
    scores, raws, known, _ = model.score_items(1, [3, 99, 4])
    assert raws[0] == 0.5 and known == 2
    assert scores[0] == model.recommend(1, 1).scores[0] and np.isnan(scores[1])


def test_the_calls_that_cannot_be(model):
    with pytest.raises(TypeError, match="no condition 'colour'"):
        model.recommend(1, colour="red")
    with pytest.raises(recsys.NotFound):
        model.similar(99)
    with pytest.raises(KeyError):
        model.user(99)
    with pytest.raises(ValueError):
        model.recommend_batch([1], top_k=0)
    with pytest.raises(ValueError):
        model.recommend(-1)
    with pytest.raises(TypeError):
        model.recommend(1.5)
    with pytest.raises(TypeError):
        model.recommend(1, genres="Horror")
    with pytest.raises(ValueError, match="2 numbers"):
        model.recommend(vector=[1, 2, 3])
    with pytest.raises(TypeError, match="float32"):
        model.recommend(vector=np.zeros(2))
