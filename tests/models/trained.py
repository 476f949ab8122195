"""Models that the real libraries train on small made-up ratings, and their own answers.

Each function returns a Trained: `names` are the variables that the lines of docs/models.md use, and
`best` gives the library's own scores. They import their library themselves, so that one can be left
out.
"""
import dataclasses
import tempfile
from typing import Any, Callable

import numpy as np

USERS, ITEMS, FACTORS = 40, 60, 8
USER_IDS = np.arange(USERS) * 3  # with 0, and with gaps
ITEM_IDS = np.array([f"item-{i:03d}" for i in range(ITEMS)])
SCALE = (1.0, 5.0)


@dataclasses.dataclass
class Trained:
    names: dict[str, Any]
    # scores(user id) -> {item id: raw score}; of similar items, if `is_similar`
    scores: Callable[[Any], dict[Any, float]]
    asked: list[Any]  # ids of users, or of items
    link: str  # what import says
    is_similar: bool = False
    tolerance: float = 1e-5


def ratings():
    """(user row, item row, rating) of a made-up world in which taste has three dimensions."""
    rng = np.random.default_rng(11)
    taste = rng.normal(size=(USERS, 3)) @ rng.normal(size=(3, ITEMS)) + rng.normal(size=ITEMS)
    rows, columns = np.nonzero(rng.random((USERS, ITEMS)) < 0.4)
    values = np.clip(np.round(3 + taste[rows, columns]), *SCALE)
    return rows, columns, values


def matrix():
    import scipy.sparse

    rows, columns, values = ratings()
    return scipy.sparse.csr_matrix((values.astype("float32"), (rows, columns)), shape=(USERS, ITEMS))


def by_id(ids, scores):
    return {key.item() if hasattr(key, "item") else key: float(s) for key, s in zip(ids, scores)}


def from_implicit(kind):
    import implicit

    makers = {"als": lambda: implicit.als.AlternatingLeastSquares(factors=FACTORS, random_state=1, num_threads=1),
              "bpr": lambda: implicit.bpr.BayesianPersonalizedRanking(factors=FACTORS, random_state=1, num_threads=1),
              "lmf": lambda: implicit.lmf.LogisticMatrixFactorization(factors=FACTORS, random_state=1, num_threads=1)}
    model, seen = makers[kind](), matrix()
    model.fit(seen, show_progress=False)

    def scores(user):
        row = int(np.flatnonzero(USER_IDS == user)[0])
        items, values = model.recommend(row, seen[row], N=ITEMS, filter_already_liked_items=False)
        return by_id(ITEM_IDS[items], values)
    return Trained({"model": model, "user_ids": USER_IDS, "item_ids": ITEM_IDS}, scores, list(USER_IDS),
                   "clip" if kind == "als" else "sigmoid")


def from_lightfm():
    import lightfm

    model = lightfm.LightFM(no_components=FACTORS, loss="warp", random_state=1)
    model.fit(matrix(), epochs=5)

    def scores(user):
        row = int(np.flatnonzero(USER_IDS == user)[0])
        return by_id(ITEM_IDS, model.predict(row, np.arange(ITEMS)))
    return Trained({"model": model, "user_ids": USER_IDS, "item_ids": ITEM_IDS}, scores, list(USER_IDS), "sigmoid")


def from_surprise():
    import surprise

    class Frame:  # all that Surprise wants of pandas
        def itertuples(self, index):
            return zip(USER_IDS[rows].tolist(), ITEM_IDS[columns].tolist(), values.tolist())
    rows, columns, values = ratings()
    data = surprise.Dataset.load_from_df(Frame(), surprise.Reader(rating_scale=SCALE))
    model = surprise.SVD(n_factors=FACTORS, random_state=1).fit(data.build_full_trainset())

    def scores(user):
        known = [model.trainset.to_raw_iid(i) for i in model.trainset.all_items()]
        return by_id(known, [model.predict(user, item, clip=False).est for item in known])
    return Trained({"model": model}, scores, [int(u) for u in USER_IDS], "linear from 1 to 5")


def from_cornac():
    import cornac

    rows, columns, values = ratings()
    triples = [(f"u{USER_IDS[u]}", str(ITEM_IDS[i]), float(r)) for u, i, r in zip(rows, columns, values)]
    model = cornac.models.MF(k=FACTORS, seed=1, verbose=False).fit(cornac.data.Dataset.from_uir(triples, seed=1))

    def scores(user):
        return by_id(list(model.train_set.iid_map), model.score(model.train_set.uid_map[user]))
    return Trained({"model": model}, scores, list(model.train_set.uid_map), "linear from 1 to 5")


def sessions():
    rng = np.random.default_rng(5)
    return [[str(ITEM_IDS[(start + step) % ITEMS]) for step in rng.permutation(6)]
            for start in rng.integers(0, ITEMS, 400)]


def from_gensim():
    from gensim.models import Word2Vec

    model = Word2Vec(sessions(), vector_size=FACTORS, min_count=1, seed=1, workers=1)

    def scores(item):
        return dict(model.wv.most_similar(item, topn=ITEMS))
    return Trained({"model": model}, scores, model.wv.index_to_key[:20], "clip", is_similar=True)


def train_fasttext(path):
    import fasttext

    for epoch in range(5, 40):
        try:
            return fasttext.train_unsupervised(path, dim=FACTORS, minCount=1, thread=1, epoch=epoch, bucket=1000, verbose=0)
        except RuntimeError as error:  # of small texts it says so now and then, whatever the settings
            if "NaN" not in str(error):
                raise
    raise AssertionError("fastText trains nothing")


def from_fasttext():
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
        text.write("".join(" ".join(session) + "\n" for session in sessions()))
        text.flush()
        model = train_fasttext(text.name)
    words = [word for word in model.words if word != "</s>"]

    def scores(item):
        near = model.get_nearest_neighbors(item, k=len(words) + 1)
        return {word: score for score, word in near if word != "</s>"}
    return Trained({"model": model}, scores, words[:20], "clip", is_similar=True)


def from_keras():
    import keras

    user, item = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    layer = keras.layers.Embedding
    product = keras.layers.Dot(1)([layer(USERS, FACTORS, name="user_embedding")(user),
                                   layer(ITEMS, FACTORS, name="item_embedding")(item)])
    bias = layer(ITEMS, 1, name="item_bias")(item)
    model = keras.Model([user, item], keras.layers.Add()([product, bias]))
    model.compile("adam", "mse")
    rows, columns, values = ratings()
    model.fit([rows, columns], values - 3, epochs=2, verbose=0)

    def scores(user):
        row = int(np.flatnonzero(USER_IDS == user)[0])
        found = model.predict([np.full(ITEMS, row), np.arange(ITEMS)], verbose=0)
        return by_id(ITEM_IDS, found[:, 0])
    return Trained({"model": model, "user_ids": USER_IDS, "item_ids": ITEM_IDS}, scores, list(USER_IDS[:20]), "sigmoid")


def from_numpy():
    u, s, v = np.linalg.svd(matrix().toarray() / 5, full_matrices=False)
    factors = {"U": u[:, :FACTORS] * s[:FACTORS], "V": v[:FACTORS].T}

    def scores(user):
        row = int(np.flatnonzero(USER_IDS == user)[0])
        return by_id(ITEM_IDS, factors["V"] @ factors["U"][row])
    return Trained({**factors, "user_ids": USER_IDS, "item_ids": ITEM_IDS}, scores, list(USER_IDS), "")


def from_cmfrec():
    import cmfrec
    import pandas

    rows, columns, values = ratings()
    frame = pandas.DataFrame({"UserId": USER_IDS[rows], "ItemId": ITEM_IDS[columns], "Rating": values})
    model = cmfrec.CMF(k=FACTORS, verbose=False, nthreads=1).fit(frame)

    def scores(user):
        items = np.asarray(model.item_mapping_)
        return by_id(items, model.predict(np.full(len(items), user), items))
    return Trained({"model": model}, scores, [int(u) for u in USER_IDS], "linear from 1 to 5")


def from_spark():
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    rows, columns, values = ratings()
    table = session.createDataFrame([(int(USER_IDS[u]), int(i) * 7, float(r)) for u, i, r in zip(rows, columns, values)],
                                    ["user", "item", "rating"])
    model = ALS(rank=FACTORS, seed=1, maxIter=3).fit(table)
    found = {row["user"]: {r["item"]: r["rating"] for r in row["recommendations"]}
             for row in model.recommendForAllUsers(ITEMS).collect()}
    return Trained({"model": model}, lambda user: found[user], [int(u) for u in USER_IDS], "linear from 1 to 5")


def from_lenskit():
    import pandas
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, from_interactions_df

    rows, columns, values = ratings()
    frame = pandas.DataFrame({"user_id": USER_IDS[rows], "item_id": columns * 7, "rating": values})
    model = BiasedMFScorer(embedding_size=FACTORS, epochs=5, rng=1)
    model.train(from_interactions_df(frame))

    def scores(user):
        items = ItemList(item_ids=model.items.ids())
        return by_id(items.ids(), model(int(user), items).scores())
    return Trained({"model": model}, scores, [int(u) for u in USER_IDS], "linear from 1 to 5")


def from_sentence_transformers():
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = [f"w{i}" for i in range(50)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=FACTORS)], device="cpu")
    rng = np.random.default_rng(2)
    texts = [" ".join(rng.choice(words, 5)) for _ in range(ITEMS)]

    def scores(item):
        vectors = model.encode(texts)
        return by_id(ITEM_IDS, model.similarity(vectors[list(ITEM_IDS).index(item)], vectors)[0])
    return Trained({"model": model, "texts": texts, "item_ids": ITEM_IDS}, scores, [str(i) for i in ITEM_IDS[:20]],
                   "clip", is_similar=True)


def from_pytorch():
    import safetensors.torch
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.user_emb = torch.nn.Embedding(USERS, FACTORS)
            self.item_emb = torch.nn.Embedding(ITEMS, FACTORS)
            self.item_bias = torch.nn.Embedding(ITEMS, 1)

        def forward(self, user, item):
            return (self.user_emb(user) * self.item_emb(item)).sum(-1) + self.item_bias(item)[:, 0]
    torch.manual_seed(1)
    model = Model()

    def scores(user):
        row = int(np.flatnonzero(USER_IDS == user)[0])
        with torch.no_grad():
            return by_id(ITEM_IDS, model(torch.full((ITEMS,), row), torch.arange(ITEMS)).numpy())
    return Trained({"model": model, "safetensors": safetensors, "user_ids": USER_IDS, "item_ids": ITEM_IDS},
                   scores, list(USER_IDS), "sigmoid")


# (heading of docs/models.md, what makes the model)
ALL = [("implicit: ALS, BPR, LMF", lambda: from_implicit("als")), ("implicit: ALS, BPR, LMF", lambda: from_implicit("bpr")),
       ("implicit: ALS, BPR, LMF", lambda: from_implicit("lmf")), ("LightFM: lightfm-next", from_lightfm),
       ("Surprise: SVD", from_surprise), ("cornac: MF", from_cornac), ("cmfrec: CMF", from_cmfrec),
       ("Spark: ALS", from_spark), ("LensKit: BiasedMF, ImplicitMF", from_lenskit),
       ("gensim: Word2Vec, FastText", from_gensim), ("fastText", from_fasttext),
       ("sentence-transformers", from_sentence_transformers), ("PyTorch", from_pytorch), ("Keras", from_keras),
       ("NumPy", from_numpy)]
