"""recsys.export beside libraries whose packages are gigabytes: PyTorch, LensKit, sentence-transformers.

Run with tests/run.sh --long. Their order is compared as in test_libraries.py.
"""
import numpy as np
import pytest
import train_models
from conftest import agrees

import recsys.export


def rows_of(ids):
    return {value: row for row, value in enumerate(ids.tolist())}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_torch(dtype, ratings, served):
    import torch

    theirs = train_models.torch(ratings, dtype)
    model = served(recsys.export.from_torch(theirs, user_ids=ratings.user_ids, item_ids=ratings.item_ids,
                                            user_bias="user_bias.weight", item_bias="item_bias.weight",
                                            seen=ratings.matrix))
    users, n = rows_of(ratings.user_ids), len(ratings.item_ids)
    exact = theirs.float() if dtype == "bfloat16" else theirs  # bfloat16 itself has two digits
    with torch.no_grad():
        agrees(model, ratings.user_ids.tolist(),
               lambda user: exact(torch.full((n,), users[user] + 1), torch.arange(1, n + 1)).numpy(),
               ratings.seen_ids, ratings.item_ids.tolist())


def test_torch_finds_tables_by_their_names_or_says_what_there_is(ratings, served):
    theirs = train_models.torch(ratings)
    state = theirs.state_dict()
    with pytest.raises(ValueError, match="item_emb.weight"):
        recsys.export.from_torch({f"a.{key.replace('user', 'x')}": value for key, value in state.items()})
    renamed = {key.replace("user_emb", "user_embedding"): value for key, value in state.items()}
    model = served(recsys.export.from_torch(renamed, padding=True, user_ids=ratings.user_ids))
    assert model.info.n_items == len(ratings.item_ids) and model.user_bias is not None
    kept = np.asarray(state["item_bias.weight"])[1:, 0]
    assert set(model.item_bias.tolist()) == set(kept.tolist())


def query(kind, user, history):
    try:
        return kind(user_id=user, history_items=history)
    except TypeError:  # before 2025.4
        return kind(user_id=user, user_items=history)


@pytest.mark.parametrize("kind", ["BiasedMFScorer", "ImplicitMFScorer"])
def test_lenskit(kind, ratings, served):
    from lenskit.data import ItemList, RecQuery

    theirs, data = train_models.lenskit(ratings, kind)
    model = served(recsys.export.from_lenskit(theirs, data))
    items = ItemList(item_ids=ratings.item_ids)

    def scores_of(user):
        return theirs(query(RecQuery, user, data.user_row(user)), items).scores()
    agrees(model, ratings.user_ids.tolist(), scores_of, ratings.seen_ids, ratings.item_ids.tolist())


def test_lenskit_with_its_own_top_n_pipeline(ratings, served):
    from lenskit import recommend, topn_pipeline
    from lenskit.als import BiasedMFScorer

    pipeline = topn_pipeline(BiasedMFScorer(embedding_size=train_models.FACTORS, epochs=5))
    _, data = train_models.lenskit(ratings)
    pipeline.train(data)
    model = served(recsys.export.from_lenskit(pipeline.node("scorer").component, data))
    same = sum(recommend(pipeline, user, 10).ids().tolist() == model.recommend(user).ids
               for user in ratings.user_ids[:50].tolist())
    assert same >= 49  # scores that differ in the last bit may change places


def test_sentence_transformers(ratings, served):
    from sentence_transformers import util

    theirs, texts = train_models.sentence_transformers(), train_models.texts()
    frame = ratings.frame()[["user", "item"]]
    model = served(recsys.export.from_sentence_transformers(theirs, texts, seen=frame))
    ids = list(texts)
    vectors = theirs.encode(list(texts.values()))
    row = {item: i for i, item in enumerate(ids)}
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def scores_of(user):
        mean = np.mean([units[row[item]] for item in sorted(ratings.seen_ids(user))], axis=0, keepdims=True)
        hits = util.semantic_search(mean.astype(np.float32), vectors, top_k=len(ids))[0]
        found = {hit["corpus_id"]: hit["score"] for hit in hits}
        return [found[i] for i in range(len(ids))]
    agrees(model, ratings.user_ids.tolist(), scores_of, ratings.seen_ids, ids)
