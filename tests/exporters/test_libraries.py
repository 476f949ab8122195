"""recsys.export beside implicit, LightFM, Surprise, cornac and gensim: same lists, same scores."""
import numpy as np
import pytest
import train_models
from conftest import LONG, TOP_K, agrees

import recsys.export


@pytest.mark.parametrize("kind", ["als", "bpr", "lmf"])
def test_implicit(kind, ratings, served):
    theirs = getattr(train_models, f"implicit_{kind}")(ratings)
    model = served(recsys.export.from_implicit(theirs, seen=ratings.matrix, user_ids=ratings.user_ids,
                                               item_ids=ratings.item_ids))
    row = {user: i for i, user in enumerate(ratings.user_ids.tolist())}
    n = len(ratings.item_ids)

    def scores_of(user):
        """As recommend() gives them, which need not be in the order of items."""
        ids, scores = theirs.recommend(row[user], ratings.matrix[row[user]], N=n, filter_already_liked_items=False)
        found = np.full(n, np.nan)
        found[ids] = scores
        return found
    agrees(model, ratings.user_ids.tolist(), scores_of, ratings.seen_ids, ratings.item_ids.tolist())
    for user in ratings.user_ids[:20].tolist():  # and with its own filter
        ids, _ = theirs.recommend(row[user], ratings.matrix[row[user]], N=10)
        assert ratings.item_ids[ids].tolist() == model.recommend(user, top_k=10).ids
    assert model.info.link == ("clip" if kind == "als" else "sigmoid")
    assert model.info.dimensions == train_models.FACTORS
    for item in range(20):
        rows, cosines = theirs.similar_items(item, N=TOP_K + 1)  # the item itself is the first
        similar = model.similar(ratings.item_ids[item], top_k=TOP_K)
        assert similar.ids == ratings.item_ids[rows[1:]].tolist()
        np.testing.assert_allclose(similar.scores, np.maximum(cosines[1:], 0), atol=1e-5)


def test_implicit_refuses_what_has_no_vectors(ratings):
    from implicit.nearest_neighbours import BM25Recommender

    neighbours = BM25Recommender()
    neighbours.fit(ratings.matrix, show_progress=False)
    with pytest.raises(ValueError, match="user_factors"):
        recsys.export.from_implicit(neighbours)


def test_lightfm(ratings, served):
    theirs, dataset, user_features, item_features = train_models.lightfm(ratings)
    model = served(recsys.export.from_lightfm(
        theirs, dataset=dataset, user_features=user_features, item_features=item_features, seen=ratings.frame()))
    users, _, items, _ = dataset.mapping()
    item_ids = list(items)
    rows = np.array([items[item] for item in item_ids])

    def scores_of(user):
        return theirs.predict(users[user], rows, item_features, user_features)
    agrees(model, ratings.user_ids.tolist(), scores_of, ratings.seen_ids, item_ids)


@pytest.mark.parametrize("kind", ["SVD", pytest.param("SVDpp", marks=LONG), "NMF"])
def test_surprise(kind, ratings, served):
    theirs = train_models.surprise(ratings, kind)
    model = served(recsys.export.from_surprise(theirs))
    items = ratings.item_ids.tolist()

    def scores_of(user):
        return [theirs.predict(user, item, clip=False).est for item in items]
    agrees(model, ratings.user_ids.tolist(), scores_of, ratings.seen_ids, items)
    assert (model.info.link, model.info.link_min, model.info.link_max) == ("linear", 0.5, 5)
    nobody = model.score_items(None, items[:20], vector=np.zeros(model.dimensions, np.float32)).scores
    wanted = [(theirs.predict("nobody", item).est - 0.5) / 4.5 for item in items[:20]]
    assert np.allclose(nobody, wanted, atol=1e-5)  # the mean and the item's bias


def test_surprise_refuses_what_has_no_vectors(ratings):
    import surprise

    theirs = surprise.SlopeOne()
    with pytest.raises(TypeError, match="SlopeOne"):
        recsys.export.from_surprise(theirs)


@pytest.mark.parametrize("kind", ["MF", "PMF", "BPR", pytest.param("WBPR", marks=LONG), "NMF"])
def test_cornac(kind, ratings, served):
    theirs = train_models.cornac(ratings, kind)
    model = served(recsys.export.from_cornac(theirs))
    items = sorted(theirs.iid_map, key=theirs.iid_map.get)

    def scores_of(user):
        row = theirs.uid_map[user]
        if kind == "NMF":  # with NumPy 2, score(row) of all items raises for a mean in double
            return [theirs.score(row, item) for item in range(len(items))]
        return theirs.score(row)
    agrees(model, list(theirs.uid_map), scores_of,
           lambda user: {f"i{item}" for item in ratings.seen_ids(int(user[1:]))}, items)


def test_cornac_leaves_out_users_of_the_test_set_only(ratings, served):
    import cornac

    train = cornac.data.Dataset.from_uir([("u1", "i1", 4), ("u2", "i2", 2), ("u2", "i1", 3)], seed=1)
    cornac.data.Dataset.build([("u9", "i1", 4)], global_uid_map=train.uid_map, global_iid_map=train.iid_map, seed=1)
    theirs = cornac.models.MF(k=2, seed=1).fit(train)
    assert len(theirs.uid_map) == 3
    model = served(recsys.export.from_cornac(theirs))
    assert model.list_user_ids() == ["u1", "u2"]


def test_gensim(ratings, served):
    theirs = train_models.gensim(ratings)
    frame = ratings.frame()
    frame = frame[["user", "item"]].assign(item="i" + frame["item"].astype(str))
    frame = frame[frame["item"].isin(theirs.wv.index_to_key)]
    model = served(recsys.export.from_gensim(theirs, seen=frame))
    keys = list(theirs.wv.index_to_key)
    histories = {user: items.tolist() for user, items in frame.groupby("user")["item"]}

    def scores_of(user):
        found = dict(theirs.wv.most_similar(positive=histories[user], topn=len(keys)))
        return [found.get(key, -1.0) for key in keys]  # without the history itself
    agrees(model, list(histories), scores_of, lambda user: set(histories[user]), keys)
    for key in keys[:50]:
        similar = [item for item, _ in theirs.wv.most_similar(key, topn=10)]
        assert model.similar(key, top_k=10).ids == similar
