"""Small models of real libraries, trained from examples/data/ratings.csv with fixed seeds.

Used by the tests that bring such models in. One function for each library; it imports the library
itself, so a test needs only the one that it tests. Training takes a second or so: the models are
meant to be right, not good.
"""
import csv
import pathlib

import numpy as np
import scipy.sparse

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data"
FACTORS = 12


class Ratings:
    """Users, items and ratings: as ids, as rows (in ascending order of ids), and as a matrix."""

    def __init__(self):
        with open(DATA / "ratings.csv", newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        self.users = np.array([int(line["userId"]) for line in table])
        self.items = np.array([int(line["movieId"]) for line in table])
        self.ratings = np.array([float(line["rating"]) for line in table], np.float32)
        self.user_ids, self.user_rows = np.unique(self.users, return_inverse=True)
        self.item_ids, self.item_rows = np.unique(self.items, return_inverse=True)
        self.matrix = scipy.sparse.csr_matrix((self.ratings, (self.user_rows, self.item_rows)),
                                              (len(self.user_ids), len(self.item_ids)))

    def triples(self):
        """(user, item, rating) with the ids of the file."""
        return list(zip(self.users.tolist(), self.items.tolist(), self.ratings.tolist()))

    def frame(self):
        """A pandas.DataFrame with the columns user, item, rating."""
        import pandas

        return pandas.DataFrame({"user": self.users, "item": self.items, "rating": self.ratings})

    def seen_ids(self, user):
        """The items that a user has rated."""
        return set(self.items[self.users == user].tolist())


def implicit_als(ratings):
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=FACTORS, iterations=5, random_state=1, num_threads=1)
    model.fit(ratings.matrix, show_progress=False)
    return model


def implicit_bpr(ratings):
    from implicit.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(factors=FACTORS, iterations=20, random_state=1, num_threads=1)
    model.fit(ratings.matrix, show_progress=False)
    return model


def implicit_lmf(ratings):
    from implicit.lmf import LogisticMatrixFactorization

    model = LogisticMatrixFactorization(factors=FACTORS, iterations=10, random_state=1, num_threads=1)
    model.fit(ratings.matrix, show_progress=False)
    return model


def lightfm(ratings):
    """(model, dataset, user features, item features): each user and item has a feature of its own and
    one that it shares with others."""
    from lightfm import LightFM
    from lightfm.data import Dataset

    def group(number):
        return f"group {number % 7}"

    dataset = Dataset()
    # Ids in falling order: rows must come from the dataset's map, not from sorting.
    users, items = ratings.user_ids.tolist()[::-1], ratings.item_ids.tolist()[::-1]
    dataset.fit(users, items, sorted({group(u) for u in users}), sorted({group(i) for i in items}))
    user_features = dataset.build_user_features((u, [group(u)]) for u in users)
    item_features = dataset.build_item_features((i, [group(i)]) for i in items)
    interactions, _ = dataset.build_interactions((u, i) for u, i, _ in ratings.triples())
    model = LightFM(no_components=FACTORS, loss="warp", random_state=1)
    model.fit(interactions, user_features, item_features, epochs=5, num_threads=1)
    return model, dataset, user_features, item_features


def surprise(ratings, kind="SVD"):
    import surprise as package

    data = package.Dataset.load_from_df(ratings.frame(), package.Reader(rating_scale=(0.5, 5)))
    options = {"SVD": {"n_factors": FACTORS, "n_epochs": 5, "random_state": 1},
               "SVDpp": {"n_factors": 4, "n_epochs": 1, "random_state": 1},
               "NMF": {"n_factors": 4, "n_epochs": 5, "random_state": 1, "biased": True}}
    return getattr(package, kind)(**options[kind]).fit(data.build_full_trainset())


def cornac(ratings, kind="MF"):
    """Ids are texts here, as cornac's readers make them."""
    import cornac as package
    from cornac import models

    data = package.data.Dataset.from_uir([(f"u{u}", f"i{i}", r) for u, i, r in ratings.triples()], seed=1)
    options = {"MF": {"max_iter": 5, "use_bias": True}, "PMF": {"max_iter": 5, "variant": "non_linear"},
               "BPR": {"max_iter": 20}, "NMF": {"max_iter": 5, "use_bias": True},
               "WBPR": {"max_iter": 20}}[kind]
    return getattr(models, kind)(k=FACTORS, seed=1, **options).fit(data)


def gensim(ratings):
    """Word2Vec over each user's items: item2vec, with texts as keys."""
    from gensim.models import Word2Vec

    sentences = [[f"i{item}" for item in ratings.items[ratings.users == user]] for user in ratings.user_ids]
    return Word2Vec(sentences, vector_size=FACTORS, window=20, min_count=3, sg=1, epochs=5, seed=1, workers=1)


def torch(ratings, dtype="float32"):
    """A matrix factorisation with biases; row 0 of both tables is padding."""
    import torch as package

    class Factorisation(package.nn.Module):
        def __init__(self):
            super().__init__()
            self.user_emb = package.nn.Embedding(len(ratings.user_ids) + 1, FACTORS, padding_idx=0)
            self.item_emb = package.nn.Embedding(len(ratings.item_ids) + 1, FACTORS, padding_idx=0)
            self.user_bias = package.nn.Embedding(len(ratings.user_ids) + 1, 1)
            self.item_bias = package.nn.Embedding(len(ratings.item_ids) + 1, 1)

        def forward(self, users, items):
            return ((self.user_emb(users) * self.item_emb(items)).sum(1) + self.user_bias(users)[:, 0] +
                    self.item_bias(items)[:, 0])

    package.manual_seed(1)
    model = Factorisation()
    users, items = (package.tensor(rows + 1) for rows in (ratings.user_rows, ratings.item_rows))
    wanted = package.tensor((ratings.ratings > 3).astype(np.float32))
    optimiser = package.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(5):
        optimiser.zero_grad()
        package.nn.functional.binary_cross_entropy_with_logits(model(users, items), wanted).backward()
        optimiser.step()
    return model.to(getattr(package, dtype))


def lenskit(ratings, kind="BiasedMFScorer"):
    """(scorer, dataset) of LensKit 2025 and newer."""
    from lenskit import als
    from lenskit.data import from_interactions_df

    frame = ratings.frame().rename(columns={"user": "user_id", "item": "item_id"})
    data = from_interactions_df(frame)
    scorer = getattr(als, kind)(embedding_size=FACTORS, epochs=5)
    scorer.train(data)
    return scorer, data


def spark(ratings, session, implicit=False):
    from pyspark.ml.recommendation import ALS

    frame = session.createDataFrame(ratings.frame())
    return ALS(rank=FACTORS, maxIter=3, seed=1, implicitPrefs=implicit, userCol="user", itemCol="item",
               ratingCol="rating", numUserBlocks=2, numItemBlocks=2).fit(frame)


def sentence_transformers():
    """A model of static token vectors with a vocabulary of words, made here: nothing is downloaded."""
    import torch as package
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    try:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    except ImportError:  # before 5.4
        from sentence_transformers.models import StaticEmbedding

    words = sorted({word for text in texts().values() for word in text.split()})
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["?", *words])}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    package.manual_seed(1)
    weights = package.randn(len(words) + 1, 32).numpy()
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")


def movies():
    """The lines of movies.csv as dictionaries."""
    with open(DATA / "movies.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def texts():
    """From the id of a film to its title and genres."""
    return {int(film["movieId"]): f"{film['title']} {film['genres'].replace('|', ' ')}" for film in movies()}
