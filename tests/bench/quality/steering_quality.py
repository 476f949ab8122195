#!/usr/bin/env python3
"""How far favourite genres steer, and what that costs, for models of five libraries.

    steering_quality.py --bin build/release/bin --data DIR [--strengths 0.6] [--sources als,spark]

DIR is a MovieLens folder. A fifth of each user's ratings is withheld (drawn
once, by a fixed seed). Each library learns from the rest; its factors, the rest
as seen lists and movies.csv become a bundle by `recsysctl import`, and every
answer is asked for as users would: `recsysctl recommend --users all --genre G`.
For each genre with at least 20 films:

    share    part of all users' first ten that has the genre: with no genre
             asked, and with it
    nDCG@10  of the withheld films, over users who like the genre: at least 5 of
             their films have it, and 1.3 times as often as everybody's
    unknown  the share for a user whom the model does not know

als and bpr are implicit's, lightfm is lightfm-next's WARP, surprise is its SVD
of ratings, spark its ALS of ratings (rank 32). Needs numpy, scipy, implicit,
lightfm-next, scikit-surprise, pandas and pyspark (with Java) from PyPI. Prints
a table a source and decides nothing.
"""
import argparse
import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile

K = 10
DISCOUNT = [1 / math.log2(place + 2) for place in range(K)]
FREQUENT = 200  # films


def read(folder):
    """(ratings, film -> genres)"""
    with open(os.path.join(folder, "ratings.csv"), newline="") as file:
        ratings = [(int(r["userId"]), int(r["movieId"]), float(r["rating"])) for r in csv.DictReader(file)]
    with open(os.path.join(folder, "movies.csv"), newline="", encoding="utf-8") as file:
        genres = {int(r["movieId"]): set(r["genres"].split("|")) - {"(no genres listed)"}
                  for r in csv.DictReader(file)}
    return ratings, genres


def split(ratings):
    """(learned from, user -> films withheld)"""
    draw, users, rest, withheld = random.Random(7), {}, [], {}
    for rating in ratings:
        users.setdefault(rating[0], []).append(rating)
    for user, own in users.items():
        own.sort()
        draw.shuffle(own)
        n = len(own) // 5
        withheld[user] = {film for _, film, _ in own[:n]}
        rest += own[n:]
    known = {film for _, film, _ in rest}
    return rest, {user: films & known for user, films in withheld.items()}


class Trainers:
    """Each method gives (user_factors, item_factors, user_bias, item_bias); biases may be None."""

    def __init__(self, rest):
        import numpy
        import scipy.sparse
        self.numpy = numpy
        self.users = sorted({user for user, _, _ in rest})
        self.films = sorted({film for _, film, _ in rest})
        row, column = ({x: i for i, x in enumerate(ids)} for ids in (self.users, self.films))
        self.rows = [(row[user], column[film], stars) for user, film, stars in rest]
        u, i, x = zip(*self.rows)
        self.matrix = scipy.sparse.csr_matrix((x, (u, i)), shape=(len(self.users), len(self.films)),
                                              dtype=numpy.float32)

    def als(self):
        from implicit.als import AlternatingLeastSquares
        model = AlternatingLeastSquares(factors=64, iterations=15, random_state=1, num_threads=1)
        model.fit(self.matrix, show_progress=False)
        return model.user_factors, model.item_factors, None, None

    def bpr(self):
        from implicit.bpr import BayesianPersonalizedRanking
        model = BayesianPersonalizedRanking(factors=64, iterations=100, random_state=1, num_threads=1)
        model.fit(self.matrix, show_progress=False)
        return model.user_factors[:, :-1], model.item_factors[:, :-1], None, model.item_factors[:, -1]

    def lightfm(self):
        from lightfm import LightFM
        model = LightFM(no_components=32, loss="warp", random_state=1)
        model.fit((self.matrix > 0).astype(self.numpy.float32).tocoo(), epochs=30, num_threads=1)
        item_bias, items = model.get_item_representations()
        user_bias, users = model.get_user_representations()
        return users, items, user_bias, item_bias

    def surprise(self):
        import pandas
        import surprise
        frame = pandas.DataFrame(self.rows, columns=["user", "item", "stars"])
        data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(0.5, 5)))
        train = data.build_full_trainset()
        model = surprise.SVD(random_state=1)
        model.fit(train)
        users = [train.to_inner_uid(row) for row in range(len(self.users))]
        items = [train.to_inner_iid(row) for row in range(len(self.films))]
        return model.pu[users], model.qi[items], model.bu[users] + train.global_mean, model.bi[items]

    def spark(self):
        from pyspark.ml.recommendation import ALS
        from pyspark.sql import SparkSession
        session = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
                   .config("spark.sql.shuffle.partitions", "2").getOrCreate())
        session.sparkContext.setLogLevel("OFF")
        frame = session.createDataFrame([(u, i, float(x)) for u, i, x in self.rows], ["u", "i", "x"])
        model = ALS(rank=32, maxIter=10, regParam=0.1, userCol="u", itemCol="i", ratingCol="x", seed=1).fit(frame)
        found = []
        for factors, n in ((model.userFactors, len(self.users)), (model.itemFactors, len(self.films))):
            by_row = {row.id: row.features for row in factors.collect()}
            found.append(self.numpy.array([by_row[i] for i in range(n)]))
        session.stop()
        return found[0], found[1], None, None


class Asked:
    """A bundle, asked by recsysctl."""

    def __init__(self, arguments, folder, name, trainers, rest):
        import numpy
        self.program = os.path.join(arguments.bin, "recsysctl")
        self.folder, self.bundle = folder, os.path.join(folder, name)
        arrays = dict(zip(("user_factors", "item_factors", "user_bias", "item_bias"), getattr(trainers, name)()))
        arrays = {key: numpy.asarray(value, numpy.float32) for key, value in arrays.items() if value is not None}
        numpy.savez(self.bundle + ".npz", user_ids=numpy.array(trainers.users, numpy.int64),
                    item_ids=numpy.array(trainers.films, numpy.int64), **arrays)
        seen = os.path.join(folder, "rest.csv")
        with open(seen, "w", encoding="utf-8") as file:
            file.write("userId,movieId,rating\n" + "".join("%d,%d,%g\n" % rating for rating in rest))
        self.run("import", "--npz", self.bundle + ".npz", "--ratings", seen, "--out", self.bundle,
                 "--catalog", os.path.join(arguments.data, "movies.csv"))

    def run(self, *words):
        done = subprocess.run([self.program, *words], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("recsysctl %s: %s" % (words[0], done.stderr))
        return done.stdout

    def steer(self, genre, strength):
        return ["--genre", genre, "--preference-strength", str(strength)] if genre else []

    def everybody(self, genre=None, strength=0):
        """user -> films, best first"""
        out = os.path.join(self.folder, "answers.jsonl")
        self.run("recommend", self.bundle, "--users", "all", "--out", out, "-k", str(K), "--include-adult",
                 *self.steer(genre, strength))
        with open(out, encoding="utf-8") as file:
            answers = [json.loads(line) for line in file]
        os.remove(out)
        return {a["user_id"]: [item["item_id"] for item in a["recommendations"]] for a in answers}

    def stranger(self, genre, strength):
        answer = json.loads(self.run("recommend", self.bundle, "--json", "-k", str(K), "--include-adult",
                                     *self.steer(genre, strength)))
        return [item["item_id"] for item in answer["recommendations"]]


def share(answers, films):
    return sum(len(films.intersection(top)) for top in answers) / (K * len(answers))


def ndcg(top, withheld):
    return sum(DISCOUNT[j] for j, film in enumerate(top) if film in withheld) / sum(DISCOUNT[:len(withheld)])


def who_like(rest, genres, films, withheld):
    """The users who like the genre of `films` and have something withheld."""
    own = {}
    for user, film, _ in rest:
        own.setdefault(user, []).append(film in films)
    usual = sum(film in films for _, film, _ in rest) / len(rest)
    return [user for user, has in own.items()
            if sum(has) >= 5 and sum(has) >= 1.3 * usual * len(has) and withheld[user]]


def measure(asked, strength, rest, genres, withheld, trainers):
    plain, rows = asked.everybody(), []
    for genre in sorted(set().union(*genres.values())):
        films = {film for film in trainers.films if genre in genres[film]}
        if len(films) < 20:
            continue
        steered = asked.everybody(genre, strength)
        fans = who_like(rest, genres, films, withheld)
        gains = [(ndcg(plain[u], withheld[u]), ndcg(steered[u], withheld[u])) for u in fans]
        rows.append((genre, len(films), share(plain.values(), films), share(steered.values(), films),
                     share([asked.stranger(genre, strength)], films), gains))
    return rows


def show(name, strength, rows):
    print("\n%s, strength %g\n%-12s %6s %7s %7s %6s %8s %6s %8s %8s" % (
        name, strength, "genre", "films", "plain", "asked", "times", "unknown", "fans", "nDCG@10", "asked"))
    everything = [pair for row in rows for pair in row[5]]
    for genre, n, before, after, unknown, gains in rows + [
            ("mean", 0, *(sum(row[i] for row in rows) / len(rows) for i in (2, 3, 4)), everything)]:
        base, now = (sum(pair[i] for pair in gains) / max(len(gains), 1) for i in (0, 1))
        print("%-12s %6s %7.3f %7.3f %6.1f %8.2f %6d %8.4f %+7.1f%%" % (
            genre, n or "", before, after, after / before if before else math.inf, unknown, len(gains), base,
            100 * (now / base - 1) if base else 0))
    frequent = [row for row in rows if row[1] >= FREQUENT]
    print("least share of a genre with %d films or more: %.3f; share at least 4 times: %d of %d genres, of those that"
          " had less than .15: %d of %d" % (
              FREQUENT, min(row[3] for row in frequent), sum(row[3] >= 4 * row[2] for row in rows), len(rows),
              sum(row[3] >= 4 * row[2] for row in rows if row[2] < .15), sum(row[2] < .15 for row in rows)))
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder with recsysctl")
    parser.add_argument("--data", required=True, help="folder with ratings.csv and movies.csv")
    parser.add_argument("--strengths", default="0.6", help="separated by commas")
    parser.add_argument("--sources", default="als,bpr,lightfm,surprise,spark")
    arguments = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # implicit warns otherwise, and is right

    ratings, genres = read(arguments.data)
    rest, withheld = split(ratings)
    trainers = Trainers(rest)
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.sources.split(","):
            asked = Asked(arguments, folder, name, trainers, rest)
            for strength in map(float, arguments.strengths.split(",")):
                show(name, strength, measure(asked, strength, rest, genres, withheld, trainers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
