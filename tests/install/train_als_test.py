#!/usr/bin/env python3
"""train_als_test.py --bin DIR - the trainer: its mathematics, its reader, what it writes.

The mathematics is checked on the bundle that comes out: after the last half
step every film's vector must solve its own least squares problem given the
users' vectors, and that system is set up and solved here once more, in double
and by the formulas of the papers. Standard library only; ends with "N passed,
N failed".
"""
import glob
import json
import math
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cases  # noqa: E402

HEADER = "userId,movieId,rating,timestamp\n"
FORMATS = {"F32": "f", "I64": "q", "U64": "Q", "U32": "I", "U8": "B"}


def tensors_of(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            code = FORMATS[entry["dtype"]]
            tensors[name] = struct.unpack("<%d%s" % ((end - begin) // struct.calcsize("<" + code), code), data[begin:end])
    return tensors


def solve(a, b):
    """Gauss with pivots; a is a list of rows."""
    n = len(b)
    rows = [row[:] + [value] for row, value in zip(a, b)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [x - factor * y for x, y in zip(rows[r], rows[i])]
    for i in reversed(range(n)):
        rows[i][n] = (rows[i][n] - sum(rows[i][j] * rows[j][n] for j in range(i + 1, n))) / rows[i][i]
    return [row[n] for row in rows]


class Case:
    """A small made-up data set in a folder, and the program."""

    def __init__(self, program, folder):
        self.program, self.folder, self.count = program, folder, 0
        rng = random.Random(3)
        self.movies = [(10 * i + 5, "Film %d (%d)" % (i, 1950 + i), ["Action", "Drama|War", "Comedy"][i % 3])
                       for i in range(30)]
        self.ratings = [(u, m[0], rng.randint(1, 10) / 2, 1000 + rng.randint(0, 50))
                        for u in range(7, 147, 7) for m in rng.sample(self.movies[:29], rng.randint(4, 12))]
        self.movies_csv = self.write("movieId,title,genres\n" + "".join("%d,%s,%s\n" % m for m in self.movies))
        self.ratings_csv = self.write(HEADER + "".join("%d,%d,%.1f,%d\n" % r for r in self.ratings))

    def write(self, text):
        path = self.fresh() + ".csv"
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def fresh(self):
        self.count += 1
        return os.path.join(self.folder, str(self.count))

    def run(self, *arguments):
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=300)

    def train(self, *arguments, ratings=None, movies=None):
        out = self.fresh()
        done = self.run("--ratings", ratings or self.ratings_csv, "--movies", movies or self.movies_csv, "--out", out,
                        *arguments)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return out

    def fails(self, message, *arguments, ratings=None, movies=None):
        out = self.fresh()
        done = self.run("--ratings", ratings or self.ratings_csv, "--movies", movies or self.movies_csv, "--out", out,
                        *arguments)
        assert done.returncode == 1, (done.returncode, done.stderr)
        assert done.stderr == "recsys-train-als: %s\n" % message, done.stderr
        assert not os.path.exists(out)

    def bad_ratings(self, text, message):
        path = self.write(text)
        self.fails(message.replace("FILE", path), ratings=path)

    def bad_movies(self, text, message):
        path = self.write(text)
        self.fails(message.replace("FILE", path), movies=path)


def manifest_of(bundle):
    with open(os.path.join(bundle, "recsys.json")) as file:
        return json.load(file)


def catalog_of(case, bundle):
    program = os.path.join(os.path.dirname(case.program), "recsysctl")
    lines = subprocess.run([program, "catalog", bundle], capture_output=True, text=True, check=True, timeout=60).stdout
    return {item["id"]: item for item in map(json.loads, lines.splitlines())}


def rows_of(tensors, name, n):
    values = tensors[name]
    d = len(values) // n
    return [values[i * d: (i + 1) * d] for i in range(n)]


def check_items(case, bundle, system):
    """Compare each film's unknowns with the solution of `system(ratings of the film)`."""
    tensors = tensors_of(os.path.join(bundle, "model.safetensors"))
    users = dict(zip(tensors["user_ids"], rows_of(tensors, "user_factors", 20)))
    items = dict(zip(tensors["item_ids"], rows_of(tensors, "item_factors", 30)))
    biases = [dict(zip(tensors[kind + "_ids"], tensors.get(kind + "_bias", [0] * 30))) for kind in ("user", "item")]
    for movie, vector in items.items():
        ratings = [(users[u], r, biases[0][u]) for u, m, r, _ in case.ratings if m == movie]
        want = system(list(users.values()), ratings)
        got = list(vector) + [biases[1][movie]]
        for x, y in zip(got, want):
            assert abs(x - y) < 2e-4 * (1 + abs(y)), (movie, got, want)


def test_implicit_vectors_solve_their_systems(case):
    alpha, ridge, d = 0.7, 2.0, 4  # 0.7 * 0.5 < 1: weights of both signs occur

    def system(users, ratings):
        if not ratings:
            return [0.0] * d
        a = [[sum(x[i] * x[j] for x in users) + ridge * (i == j) + sum((alpha * r - 1) * x[i] * x[j] for x, r, _ in ratings)
              for j in range(d)] for i in range(d)]
        return solve(a, [sum(alpha * r * x[i] for x, r, _ in ratings) for i in range(d)])

    bundle = case.train("--factors", "4", "--iterations", "6", "--alpha", "0.7", "--regularization", "2")
    check_items(case, bundle, system)
    assert "item_bias" not in tensors_of(os.path.join(bundle, "model.safetensors"))
    assert manifest_of(bundle)["link"] == {"kind": "clip"}


def test_ratings_vectors_solve_their_systems(case):
    ridge, d = 0.1, 3
    mean = sum(r for _, _, r, _ in case.ratings) / len(case.ratings)

    def system(_, ratings):
        if not ratings:
            return [0.0] * d + [mean]
        z = [(list(x) + [1.0], r - mean - bias) for x, r, bias in ratings]
        a = [[ridge * len(z) * (i == j) + sum(v[i] * v[j] for v, _ in z) for j in range(d + 1)] for i in range(d + 1)]
        found = solve(a, [sum(t * v[i] for v, t in z) for i in range(d + 1)])
        return found[:d] + [found[d] + mean]

    bundle = case.train("--mode", "ratings", "--factors", "3", "--regularization", "0.1")
    check_items(case, bundle, system)
    assert manifest_of(bundle)["link"] == {"kind": "linear", "min": 0.5, "max": 5.0}


def test_the_loss_is_that_of_the_paper(case):
    bundle = case.train("--factors", "4", "--alpha", "2", "--regularization", "3")
    tensors = tensors_of(os.path.join(bundle, "model.safetensors"))
    users = dict(zip(tensors["user_ids"], rows_of(tensors, "user_factors", 20)))
    items = dict(zip(tensors["item_ids"], rows_of(tensors, "item_factors", 30)))
    rated = {(u, m): r for u, m, r, _ in case.ratings}
    loss, weight = 3 * sum(v * v for side in (users, items) for row in side.values() for v in row), 0.0
    for u, x in users.items():
        for m, y in items.items():
            c = 2 * rated[u, m] if (u, m) in rated else 1.0
            loss += c * (((u, m) in rated) - sum(p * q for p, q in zip(x, y))) ** 2
            weight += c
    assert math.isclose(manifest_of(bundle)["metrics"]["training_loss"], loss / weight, rel_tol=1e-4)


def test_the_same_seed_gives_the_same_model_on_any_number_of_threads(case):
    def content(*arguments):
        bundle = case.train("--factors", "8", *arguments)
        return {name: open(os.path.join(bundle, name), "rb").read() for name in ("model.safetensors", "seen.safetensors")}
    once = content("--threads", "1")
    assert once == content("--threads", "3") == content("--threads", "0", "--seed", "1")
    assert once != content("--seed", "2")


def test_the_bundle_carries_ratings_catalogue_and_genres(case):
    bundle = case.train("--name", "tiny", "--factors", "4")
    tensors = tensors_of(os.path.join(bundle, "model.safetensors"))
    seen = tensors_of(os.path.join(bundle, "seen.safetensors"))
    triples = {(tensors["user_ids"][u], tensors["item_ids"][seen["seen_items"][i]], seen["seen_weights"][i])
               for u in range(20) for i in range(seen["seen_offsets"][u], seen["seen_offsets"][u + 1])}
    assert triples == {(u, m, r) for u, m, r, _ in case.ratings}
    counts = dict(zip(tensors["item_ids"], tensors["item_popularity"]))
    assert all(counts[m[0]] == sum(r[1] == m[0] for r in case.ratings) for m in case.movies)
    assert "feature_factors" not in tensors  # genres steer by the catalogue, without vectors
    catalog = catalog_of(case, bundle)
    assert len(catalog) == 30 and "rating" not in catalog[295], catalog[295]
    assert catalog[15]["genres"] == ["Drama", "War"] and catalog[15]["release_year"] == 1951
    mean = sum(r for _, _, r, _ in case.ratings) / len(case.ratings)
    of_film = [r for _, m, r, _ in case.ratings if m == 15]
    assert abs(catalog[15]["rating"] - 2 * (sum(of_film) + 5 * mean) / (len(of_film) + 5)) < 0.01
    info = manifest_of(bundle)
    assert (info["name"], info["algorithm"], info["n_users"], info["n_items"]) == ("tiny", "als", 20, 30)
    assert info["hyperparameters"]["factors"] == 4 and info["hyperparameters"]["mode"] == "implicit"


def test_csv_as_it_comes(case):
    movies = case.write(b'\xef\xbb\xbfmovieId,title,genres\r\n'
                        b'7,"Comma, The (1999)",Action|IMAX\r\n'
                        b'\r\n'
                        b'3,"""Quoted"" and \r\nbroken (2001) (Director\'s cut)",(no genres listed)\r\n'
                        b'12345678901,"Series (2006-2012)",Drama')
    ratings = case.write("userId,movieId,rating,timestamp\n9,7,4,5\n9000000000,3,0.5,-3\n9,12345678901,5.0,1")
    catalog = catalog_of(case, case.train("--factors", "1", ratings=ratings, movies=movies))
    assert catalog[7]["title"] == "Comma, The (1999)" and catalog[7]["genres"] == ["Action", "IMAX"]
    assert catalog[3]["title"] == '"Quoted" and \r\nbroken (2001) (Director\'s cut)' and catalog[3]["release_year"] == 2001
    assert not catalog[3].get("genres") and "release_year" not in catalog[12345678901]


def test_details_fill_the_catalogue(case):
    details = case.write("movieId,language,rating,adult\n5,fr,8.25,1\n15,,,\n25,en,,0\n")
    catalog = catalog_of(case, case.train("--factors", "1", "--details", details))
    assert (catalog[5]["language"], catalog[5]["rating"], catalog[5]["adult"]) == ("fr", 8.25, True)
    assert "language" not in catalog[15] and "adult" not in catalog[15] and catalog[15]["rating"] > 0
    assert not catalog[25].get("adult") and catalog[25]["language"] == "en"
    for line, message in (("999,en,5,0", "there is no movie 999"), ("5,en,11,0", "rating 11 is not between 0 and 10"),
                          ("5,en,x,0", "rating 'x' is not a number"), ("5,en,5,2", "adult 2 is not between 0 and 1")):
        path = case.write("movieId,language,rating,adult\n" + line + "\n")
        case.fails("%s:2: %s" % (path, message), "--details", path)


def test_the_last_ratings_are_withheld(case):
    held = case.fresh()
    bundle = case.train("--factors", "4", "--holdout-last", held)
    want = {}
    for rating in case.ratings:
        best = want.get(rating[0])
        if best is None or (rating[3], rating[1]) > (best[3], best[1]):
            want[rating[0]] = rating
    lines = open(held).read().splitlines()
    assert lines[0] + "\n" == HEADER
    assert lines[1:] == ["%d,%d,%g,%d" % want[user] for user in sorted(want)]
    seen = tensors_of(os.path.join(bundle, "seen.safetensors"))
    assert seen["seen_offsets"][-1] == len(case.ratings) - 20
    metrics = manifest_of(bundle)["metrics"]
    assert 0 <= metrics["ndcg@10"] <= metrics["recall@10"] <= 1
    alone = case.write(HEADER + "1,5,3,1\n2,5,3,1\n2,15,3,2\n")
    case.train("--factors", "1", "--holdout-last", held, ratings=alone)
    assert open(held).read() == HEADER + "2,15,3,2\n"


def test_a_newer_rating_replaces_an_older_one(case):
    ratings = case.write(HEADER + "2,15,1,1\n1,5,3,10\n1,15,2,1\n1,5,4.5,20\n1,5,1,15\n")
    bundle = case.train("--factors", "1", ratings=ratings)
    seen = tensors_of(os.path.join(bundle, "seen.safetensors"))
    assert sorted(seen["seen_weights"]) == [1.0, 2.0, 4.5], seen["seen_weights"]


def test_bad_ratings_are_named_by_line(case):
    case.bad_ratings("", "FILE: the file is empty; expected the header 'userId,movieId,rating,timestamp'")
    case.bad_ratings(HEADER, "FILE: there are no ratings in it")
    case.bad_ratings("user,movieId,rating,timestamp\n",
                     "FILE:1: column 1 is called 'user'; expected the header 'userId,movieId,rating,timestamp'")
    case.bad_ratings("1,5,3,1\n", "FILE:1: column 1 is called '1'; expected the header 'userId,movieId,rating,timestamp'")
    case.bad_ratings("userId,movieId,rating\n", "FILE:1: 3 fields where the header has 4")
    for line, message in (("1,5,3", "3 fields where the header has 4"), ("1,5,3,1,2", "5 fields where the header has 4"),
                          ("x,5,3,1", "userId 'x' is not an integer"), 
                          ("-4,5,3,1", "userId '-4' is negative"), ("1.0,5,3,1", "userId '1.0' is not an integer"),
                          ("99999999999999999999,5,3,1", "userId '99999999999999999999' is not an integer"),
                          ("1,6,3,1", "movie 6 is not among the movies"), ("1,,3,1", "movieId '' is not an integer"),
                          ("1,5,x,1", "rating 'x' is not a number"), ("1,5,nan,1", "rating 'nan' is not a number"),
                          ("1,5,,1", "rating '' is not a number"), ("1,5,0,1", "rating 0 is not between 0.5 and 5"),
                          ("1,5,5.5,1", "rating 5.5 is not between 0.5 and 5"), ("1,5,3,soon", "timestamp 'soon' is not an integer"),
                          ('1,5,"3"4,1', "text after the closing quote of field 3"),
                          ('1,5,"3,1', "the file ends inside a quoted field"), ("1,5,3\0,1", "a zero byte; this is not a text file")):
        case.bad_ratings(HEADER + "1,5,3,1\n\n" + line + "\n", "FILE:4: " + message)
    case.bad_ratings(HEADER + '"' + "a,\n" * 600000, "FILE:2: the record is longer than 1 MiB (a quote that is not closed?)")


def test_bad_movies_are_named_by_line(case):
    header = "movieId,title,genres\n"
    case.bad_movies(header, "FILE: there are no movies in it")
    case.bad_movies(header + "5,A,B\n6,C,D\n5,E,F\n", "FILE:4: movie 5 is also on line 2")
    case.bad_movies(header + "5,A\n", "FILE:2: 2 fields where the header has 3")
    missing = os.path.join(case.folder, "none.csv")
    case.fails(missing + ": No such file or directory", movies=missing)
    case.fails(case.folder + ":1: Is a directory", movies=case.folder)
    latin = case.write((header + "".join("%d,Film,\n" % m[0] for m in case.movies)).encode() + b"999,Am\xe9lie,\n")
    case.fails("movie 999: its title is not UTF-8", "--factors", "1", movies=latin)


def test_openblas_for_one_thread_trains_the_same_model_on_one(case):
    """Debian keeps that flavour in a folder of its own; without it there is nothing to ask."""
    serial = glob.glob("/usr/lib/*/openblas-serial/libopenblas.so.0")
    if not serial:
        return
    out = case.fresh()
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(serial[0]))
    done = subprocess.run([case.program, "--ratings", case.ratings_csv, "--movies", case.movies_csv, "--out", out,
                           "--factors", "8", "--threads", "8"],
                          capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("recsys-train-als: this OpenBLAS is the serial flavour"), done.stderr
    assert " on 1 threads" in done.stdout, done.stdout
    usual = case.train("--factors", "8", "--threads", "1")
    assert tensors_of(os.path.join(out, "model.safetensors")) == tensors_of(os.path.join(usual, "model.safetensors"))


def test_a_bundle_is_never_replaced(case):
    out = case.train("--factors", "1")
    done = case.run("--ratings", case.ratings_csv, "--movies", case.movies_csv, "--out", out)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "recsys-train-als: %s: already there; remove it or choose another --out\n" % out


def test_wrong_command_lines_end_with_status_2(case):
    need = ["--ratings", case.ratings_csv, "--movies", case.movies_csv, "--out", case.fresh()]
    for arguments, message in (([], "--ratings, --movies and --out are needed"), (need[:4], "--ratings, --movies and --out are needed"),
                               (need + ["--mode", "x"], "--mode is implicit or ratings, not 'x'"),
                               (need + ["more"], "unknown argument 'more'"),
                               (need + ["--factors", "0"], "--factors must be a number from 1 to 1024, not '0'"),
                               (need + ["--factors", "1.5"], "--factors must be a whole number"),
                               (need + ["--alpha", "-1"], "--alpha must be a number from 1e-06 to 1e+06, not '-1'"),
                               (need + ["--seed", ""], "--seed must be a number from 0 to 4.29497e+09, not ''")):
        done = case.run(*arguments)
        assert done.returncode == 2 and done.stdout == "", (arguments, done.returncode)
        assert done.stderr.startswith("recsys-train-als: %s\n" % message), done.stderr
    assert case.run(*need, "--nope").returncode == 2
    done = case.run("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: recsys-train-als "), done


if __name__ == "__main__":
    sys.exit(cases.run(globals(), "recsys-train-als", Case))
