#!/usr/bin/env python3
"""How good the trainer's models are, beside those of the Python package implicit.

    evaluate_quality.py --bin build/release/bin --data DIR [--seeds 20] [--factors 64]
                        [--iterations 30] [--regularization 20] [--alpha 1]

DIR is a MovieLens folder. Each user's last rating is withheld by the trainer
(--holdout-last); both sides learn from exactly the rest, with the same
hyperparameters, and both leave out of a user's ten what the user has rated. Of
a withheld film only its place among the ten counts:

    recall@10   share of users whose film is among them
    nDCG@10     the same, weighted 1 / log2(1 + place)

Our side is asked as users would ask it: `recsysctl recommend --json` on the
written bundle. The other side is implicit's own recommend(). ALS starts from
random vectors, and with a few hundred users one hit more or less is visible, so
both are run with several seeds and the means are compared; the spread of single
runs is printed too (of 671 users' recall it is 4 %, so that of a mean of 20 is
1 %). The training time of our side includes reading and writing the files.
"popular" recommends the most rated films and shows how much there
is to learn.

Needs numpy, scipy and implicit (tests/bench/peers says how to get them). Prints
figures and decides nothing.
"""
import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import time

K = 10
ASK_AT_ONCE = 500  # users on one command line


def read_ratings(path):
    with open(path, newline="") as file:
        return [(int(r["userId"]), int(r["movieId"]), float(r["rating"])) for r in csv.DictReader(file)]


def quality(top, withheld):
    """top: user -> list of films, best first."""
    places = [top[user].index(film) for user, film, _ in withheld if film in top[user][:K]]
    return len(places) / len(withheld), sum(1 / math.log2(place + 2) for place in places) / len(withheld)


class Ours:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.held = os.path.join(folder, "held.csv")

    def train(self, seed):
        bundle = os.path.join(self.folder, "bundle-%d" % seed)
        a = self.arguments
        start = time.monotonic()
        subprocess.run([os.path.join(a.bin, "recsys-train-als"), "--ratings", os.path.join(a.data, "ratings.csv"),
                        "--movies", os.path.join(a.data, "movies.csv"), "--out", bundle, "--seed", str(seed),
                        "--factors", str(a.factors), "--iterations", str(a.iterations), "--alpha", str(a.alpha),
                        "--regularization", str(a.regularization), "--threads", str(a.threads),
                        "--holdout-last", self.held], check=True, stdout=subprocess.DEVNULL)
        return bundle, time.monotonic() - start

    def top(self, bundle, users):
        found = {}
        for begin in range(0, len(users), ASK_AT_ONCE):
            command = [os.path.join(self.arguments.bin, "recsysctl"), "recommend", bundle, "--json", "--include-adult",
                       "-k", str(K)]
            for user in users[begin: begin + ASK_AT_ONCE]:
                command += ["--user", str(user)]
            answers = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            for answer in map(json.loads, answers.splitlines()):
                found[answer["user_id"]] = [item["item_id"] for item in answer["recommendations"]]
        return found


class Implicit:
    def __init__(self, arguments, ratings):
        import numpy
        import scipy.sparse
        self.arguments, self.numpy = arguments, numpy
        self.users = sorted({user for user, _, _ in ratings})
        self.films = sorted({film for _, film, _ in ratings})
        user_row = {user: row for row, user in enumerate(self.users)}
        film_row = {film: row for row, film in enumerate(self.films)}
        self.matrix = scipy.sparse.csr_matrix(
            ([r for _, _, r in ratings], ([user_row[u] for u, _, _ in ratings], [film_row[f] for _, f, _ in ratings])),
            shape=(len(self.users), len(self.films)), dtype=numpy.float32)

    def train(self, seed):
        from implicit.als import AlternatingLeastSquares
        a = self.arguments
        model = AlternatingLeastSquares(factors=a.factors, iterations=a.iterations, regularization=a.regularization,
                                        alpha=a.alpha, random_state=seed, num_threads=a.threads, use_cg=not a.cholesky)
        start = time.monotonic()
        model.fit(self.matrix, show_progress=False)
        return model, time.monotonic() - start

    def top(self, model, users):
        rows = self.numpy.arange(len(self.users))
        found, _ = model.recommend(rows, self.matrix, N=K, filter_already_liked_items=True)
        return {user: [self.films[i] for i in found[row] if i >= 0] for row, user in enumerate(self.users)}


def popular(ratings, users):
    count, seen = {}, {}
    for user, film, _ in ratings:
        count[film] = count.get(film, 0) + 1
        seen.setdefault(user, set()).add(film)
    films = sorted(count, key=lambda film: (-count[film], film))
    return {user: [film for film in films[: K + len(seen[user])] if film not in seen[user]][:K] for user in users}


def show(name, results):
    n = len(results)
    means = [sum(result[i] for result in results) / n for i in range(3)]
    spread = [math.sqrt(sum((result[i] - means[i]) ** 2 for result in results) / n) for i in range(2)]
    print("%-18s recall@%d %.4f (+-%.4f)   nDCG@%d %.4f (+-%.4f)   training %6.2f s" % (
        name, K, means[0], spread[0], K, means[1], spread[1], means[2]))
    return means


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder with recsys-train-als and recsysctl")
    parser.add_argument("--data", required=True, help="folder with ratings.csv and movies.csv")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--regularization", type=float, default=20.0)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--cholesky", action="store_true",
                        help="implicit's exact solver, which is ours, instead of its default, conjugate gradients")
    arguments = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # implicit warns otherwise, and is right

    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(arguments, folder)
        results = {"recsys-train-als": [], "implicit": []}
        for seed in range(1, arguments.seeds + 1):
            bundle, seconds = ours.train(seed)
            withheld = read_ratings(ours.held)
            users = [user for user, _, _ in withheld]
            results["recsys-train-als"].append((*quality(ours.top(bundle, users), withheld), seconds))
        gone = {(user, film) for user, film, _ in withheld}
        ratings = [r for r in read_ratings(os.path.join(arguments.data, "ratings.csv")) if r[:2] not in gone]
        other = Implicit(arguments, ratings)
        for seed in range(1, arguments.seeds + 1):
            model, seconds = other.train(seed)
            results["implicit"].append((*quality(other.top(model, users), withheld), seconds))

    print("%d ratings, %d withheld; factors %d, iterations %d, regularization %g, alpha %g, %d seeds" % (
        len(ratings), len(withheld), arguments.factors, arguments.iterations, arguments.regularization, arguments.alpha,
        arguments.seeds))
    show("popular", [(*quality(popular(ratings, users), withheld), 0.0)])
    mine, theirs = (show(name, results[name]) for name in ("recsys-train-als", "implicit"))
    print("ours / implicit: recall@%d %.3f, nDCG@%d %.3f, training time %.2f" % (
        K, mine[0] / theirs[0], K, mine[1] / theirs[1], mine[2] / theirs[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
