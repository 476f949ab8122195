#!/usr/bin/env python3
"""Write ratings.csv, the generated ratings of the demo data set.

    python3 make_ratings.py            writes ratings.csv next to this file
    python3 make_ratings.py --check    exits 1 if ratings.csv is not what this script writes

Reads movies.csv and details.csv. Every user has tastes (genres, a favourite
era, openness to other languages, and four hidden traits that no column shows),
picks films by popularity and taste, and rates them with some noise, so a
factor model has something real to find.

The result is the same on every machine and Python 3 version: the random
numbers come from the PCG32 below, and the arithmetic is limited to + - * /
and comparisons on doubles. No libm, no sum() over floats (its rounding
changed in Python 3.12), no hash order.
"""
import csv
import io
import os
import sys

SEED = 20240229
USERS = 400
MIN_RATINGS, MAX_RATINGS = 20, 120
TRAITS = 4
DAY = 86400
FIRST_DAY = 1514764800          # 2018-01-01 00:00:00 UTC
LAST_START = FIRST_DAY + 2700 * DAY
HERE = os.path.dirname(os.path.abspath(__file__))

# What kinds of viewers there are: liked genres, disliked genres, favourite
# year, openness to films that are not in English, favourite other languages.
VIEWERS = [
    (("Action", "Sci-Fi", "Adventure", "IMAX"), ("Musical", "Romance", "Documentary"), 2005, -0.5, ()),
    (("Romance", "Comedy", "Musical"), ("Horror", "War", "Film-Noir"), 1999, -0.2, ("fr",)),
    (("Animation", "Children", "Fantasy", "Adventure"), ("Horror", "Crime"), 2003, 0.0, ("ja",)),
    (("Horror", "Thriller", "Mystery"), ("Children", "Musical", "Romance"), 1988, 0.2, ("ko", "ja")),
    (("Drama", "War", "Documentary"), ("Action", "Children", "Sci-Fi"), 1985, 0.7, ("fa", "de", "ru", "zh")),
    (("Film-Noir", "Western", "Mystery", "Crime"), ("Animation", "Fantasy", "IMAX"), 1954, 0.1, ("it", "fr")),
    (("Comedy", "Crime"), ("War", "Western", "Musical"), 1995, -0.3, ()),
    (("Drama", "Romance", "Musical"), ("Horror", "Sci-Fi"), 2008, 0.6, ("hi", "ta", "ml", "te")),
    (("Crime", "Thriller", "Drama"), ("Children", "Musical", "Fantasy"), 1996, 0.4, ("es", "ko", "pt")),
    (("Sci-Fi", "Fantasy", "Mystery"), ("Western", "War", "Romance"), 1979, 0.3, ("ja", "ru", "de")),
]


class Pcg32:
    """PCG-XSH-RR 64/32 (O'Neill 2014), in integers only."""

    def __init__(self, seed, stream):
        self.inc = (stream << 1 | 1) & 0xFFFFFFFFFFFFFFFF
        self.state = 0
        self.next()
        self.state = (self.state + seed) & 0xFFFFFFFFFFFFFFFF
        self.next()

    def next(self):
        old = self.state
        self.state = (old * 6364136223846793005 + self.inc) & 0xFFFFFFFFFFFFFFFF
        x = ((old >> 18) ^ old) >> 27 & 0xFFFFFFFF
        rot = old >> 59
        return (x >> rot | x << (-rot & 31)) & 0xFFFFFFFF

    def below(self, n):
        """An integer in [0, n). The bias of a 64-bit modulo is far below what matters here."""
        return (self.next() << 32 | self.next()) % n

    def unit(self):
        """A double in [0, 1)."""
        return self.next() / 4294967296.0

    def normal(self):
        """About normal with variance 1: twelve uniforms less six."""
        total = 0.0
        for _ in range(12):
            total += self.unit()
        return total - 6.0


def clamp(x, low, high):
    return low if x < low else high if x > high else x


def read_films():
    with open(os.path.join(HERE, "details.csv"), encoding="utf-8", newline="") as f:
        details = {row["movieId"]: row for row in csv.DictReader(f)}
    films = []
    rng = Pcg32(SEED, 1)
    with open(os.path.join(HERE, "movies.csv"), encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            extra = details[row["movieId"]]
            films.append({
                "id": int(row["movieId"]),
                "year": int(row["title"][-5:-1]),
                "genres": row["genres"].split("|"),
                "language": extra["language"],
                "quality": float(extra["rating"]) - 7.6,
                "adult": extra["adult"] == "1",
                "traits": [rng.unit() * 2.0 - 1.0 for _ in range(TRAITS)],
            })
    # Popularity: good, recent, English-language films first, with much luck;
    # the weight then falls like 1/rank, as in real catalogues.
    scored = []
    for film in films:
        fame = film["quality"] * 0.9 + (film["year"] - 1980) / 40.0 + rng.normal() * 0.8
        if film["language"] == "en":
            fame += 0.9
        if film["adult"]:
            fame -= 1.5
        scored.append((-fame, film["id"], film))
    scored.sort(key=lambda entry: entry[:2])
    for rank, entry in enumerate(scored):
        entry[2]["weight"] = 1.0 / (rank + 40)
    return films


def make_user(rng, all_genres):
    likes, dislikes, year, openness, languages = VIEWERS[rng.below(len(VIEWERS))]
    taste = {}
    for genre in all_genres:
        base = 0.9 if genre in likes else -0.8 if genre in dislikes else 0.0
        taste[genre] = base + rng.normal() * 0.3
    return {
        "taste": taste,
        "year": year + rng.normal() * 8.0,
        "openness": openness + rng.normal() * 0.3,
        "languages": languages,
        "traits": [rng.normal() * 0.5 for _ in range(TRAITS)],
        "bias": rng.normal() * 0.3,
    }


def affinity(user, film):
    """How much the user is drawn to the film, about -2 .. 2."""
    a = 0.0
    for genre in film["genres"]:
        a += user["taste"][genre]
    a = a / (len(film["genres"]) + 1) * 1.6
    distance = film["year"] - user["year"]
    a += 0.35 - clamp((distance if distance > 0 else -distance) / 40.0, 0.0, 1.0) * 0.8
    if film["language"] != "en":
        a += user["openness"] * 0.6
        if film["language"] in user["languages"]:
            a += 0.5
    for mine, its in zip(user["traits"], film["traits"]):
        a += mine * its * 0.9
    return a


def pick(rng, weights, count):
    """count different positions, drawn with probability proportional to integer weights."""
    total = sum(weights)
    weights = list(weights)
    chosen = []
    while len(chosen) < count and total > 0:
        r = rng.below(total)
        for i, w in enumerate(weights):
            if r < w:
                break
            r -= w
        chosen.append(i)
        total -= weights[i]
        weights[i] = 0
    return chosen


def generate():
    films = read_films()
    all_genres = sorted({g for film in films for g in film["genres"]})
    out = io.StringIO()
    out.write("userId,movieId,rating,timestamp\n")
    for user_id in range(1, USERS + 1):
        rng = Pcg32(SEED, 1000 + user_id)
        user = make_user(rng, all_genres)
        u = rng.unit()
        count = MIN_RATINGS + int((MAX_RATINGS - MIN_RATINGS + 1) * u)
        when = FIRST_DAY + rng.below(LAST_START - FIRST_DAY)
        this_year = 1970 + int(when / (365.2425 * DAY))

        affinities, weights = [], []
        for film in films:
            a = affinity(user, film)
            pull = clamp(a + 0.9, 0.0, 3.0)
            affinities.append(a)
            weights.append(0 if film["year"] >= this_year else int(film["weight"] * (pull * pull * pull + 0.5) * 1e6))
        for i in pick(rng, weights, count):
            film = films[i]
            stars = 2.7 + user["bias"] + film["quality"] * 0.4 + affinities[i] * 1.25 + rng.normal() * 0.35
            halves = clamp(int(stars * 2.0 + 0.5), 1, 10)
            # Several ratings an evening, then some days of silence.
            when += 20 + rng.below(400) if rng.below(8) else DAY + rng.below(20 * DAY)
            out.write("%d,%d,%d.%d,%d\n" % (user_id, film["id"], halves // 2, halves % 2 * 5, when))
    return out.getvalue().encode("ascii")


def main(args):
    path = os.path.join(HERE, "ratings.csv")
    data = generate()
    if args == ["--check"]:
        with open(path, "rb") as f:
            same = f.read() == data
        print("ratings.csv is %s" % ("up to date" if same else "NOT what make_ratings.py writes; run it"))
        return 0 if same else 1
    if args:
        print(__doc__)
        return 2
    with open(path, "wb") as f:
        f.write(data)
    print("%s: %d ratings, %d bytes" % (path, data.count(b"\n") - 1, len(data)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
