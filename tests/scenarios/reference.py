#!/usr/bin/env python3
"""Compute the answers of the scenarios once more, plainly, and compare them with what they expect.

Usage: reference.py [--write]

For every step that ranks (recommend, batch, recommend_into, similar, score_items, top_k, nearest) or
counts (filter), this file computes the answer by brute force from models/*.json and the contracts of
the headers: one loop over all items, one sort. It does not use the library. The step must expect
exactly these items, scores, raws and counts, as far as it names them. --write fills them in where a
new step does not have them yet, which is how one gets the bits; read them before you commit them.
"""
import fractions
import functools
import json
import math
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def bits(x):
    return None if math.isnan(x) else "%08x" % struct.unpack("<I", struct.pack("<f", x))[0]


def dot(a, b):
    """The sum in double, in the order that canonical.c fixes: eight partial sums, added in pairs."""
    sums = [0.0] * 8
    for j, (x, y) in enumerate(zip(a, b)):
        sums[j % 8] += x * y
    s = sums
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


def unit(vector):
    norm = math.sqrt(dot(vector, vector))
    return [f32(x / norm) for x in vector] if norm > 0 else vector


class Model:
    def __init__(self, name):
        made = json.loads((HERE / f"models/{name}.json").read_text(encoding="utf-8"))
        arrays, texts, fields = made["arrays"], made.get("texts", {}), made["fields"]
        self.cosine = fields.get("metric") == "cosine"
        self.link = fields.get("link", "sigmoid")
        self.regularization = fields.get("hyperparameters.regularization") if fields.get("algorithm") == "als" else None
        self.alpha = fractions.Fraction(fields.get("hyperparameters.alpha", "1"))
        self.range = [float(fields.get(k, 0)) for k in ("link_min", "link_max")]
        self.users = [[f32(x) for x in row] for row in arrays["user_factors"]]
        self.items = [[f32(x) for x in row] for row in arrays["item_factors"]]
        self.user_ids = texts.get("user_ids") or arrays.get("user_ids") or list(range(len(self.users)))
        self.item_ids = texts.get("item_ids") or arrays.get("item_ids") or list(range(len(self.items)))
        self.user_bias = arrays.get("user_bias") or [0.0] * len(self.users)
        self.item_bias = arrays.get("item_bias") or [0.0] * len(self.items)
        self.has_bias = "item_bias" in arrays
        self.features = dict(zip(texts.get("feature_names", []), arrays.get("feature_factors", [])))
        offsets = arrays.get("seen_offsets") or [0] * (len(self.users) + 1)
        weights = arrays.get("seen_weights")
        self.seen = {u: {row: weights[k] if weights else 1.0 for k, row in
                         enumerate(arrays.get("seen_items", [])) if offsets[u] <= k < offsets[u + 1]}
                     for u in range(len(self.users))}
        lines = {line["id"]: line for line in made.get("items", [])}
        self.known = bool(lines)
        self.catalog = [lines.get(i, {}) for i in self.item_ids]
        self.popularity = self.popularities(arrays)
        self.knows_popularity = "item_popularity" in arrays or "seen_items" in arrays
        if self.cosine:
            self.users, self.items = [unit(u) for u in self.users], [unit(i) for i in self.items]

    def popularities(self, arrays):
        """item_popularity; else how many have seen the item, its bias, its rating, its norm."""
        if "item_popularity" in arrays:
            values = arrays["item_popularity"]
        elif "seen_items" in arrays:
            values = [arrays["seen_items"].count(row) for row in range(len(self.items))]
        elif self.has_bias:
            values = [b - min(self.item_bias) for b in self.item_bias]
        elif self.known:
            values = [line.get("rating", 0) for line in self.catalog]
        else:
            values = [math.sqrt(dot(i, i)) for i in self.items]
        most = max(values)
        return [f32(v / most) if most > 0 else 0.0 for v in values]

    def row(self, item):
        return self.item_ids.index(item) if item in self.item_ids else None

    def score(self, raw):
        if self.link == "linear":
            low, high = self.range
            raw = (raw - low) / (high - low)
        elif self.link == "sigmoid":
            raw = 1 / (1 + math.exp(-raw))
        return f32(min(max(raw, 0.0), 1.0))


@functools.lru_cache(maxsize=None)
def model_of(name):
    return Model(name)


def lower(names):
    return [name.lower() for name in names or []]


def passes(model, row, minimum=0, first=0, last=0, languages=None, adult=True):
    """The conditions on the catalogue; an unknown fact meets none."""
    line = model.catalog[row]
    year, rating = line.get("release_year") or 0, line.get("rating", -1)
    return (rating >= minimum if minimum > 0 else True) and (year >= first if first else True) and \
        (0 < year <= last if last else True) and (adult or not line.get("adult")) and \
        (not languages or (line.get("language") or "").lower() in lower(languages))


def has_genre(model, row, genres):
    own = lower(model.catalog[row].get("genres"))
    return not genres or any(genre in own for genre in lower(genres))


def filtered(model, options):
    """The rows that a filter lets pass."""
    seen_by = options.get("seen_by")
    seen = model.seen[model.user_ids.index(seen_by)] if seen_by in model.user_ids else {}
    return {row for row, item in enumerate(model.item_ids)
            if passes(model, row, options.get("min_rating", 0), options.get("min_year", 0),
                      options.get("max_year", 0), options.get("languages"),
                      not options.get("exclude_adult")) and
            ("allow" not in options or item in options["allow"]) and
            item not in options.get("exclude", []) and row not in seen}


def eligible(model, request, filters):
    decade = request.get("decade", 0)
    user = request.get("user")
    seen = {} if request.get("include_seen") or user not in model.user_ids else \
        model.seen[model.user_ids.index(user)]
    out = [row for row, item in enumerate(model.item_ids)
           if passes(model, row, request.get("min_rating", 0), decade, decade + 9 if decade else 0,
                     request.get("languages"), request.get("include_adult", False)) and
           ("allow" not in request or item in request["allow"]) and
           has_genre(model, row, request.get("require_genres")) and
           item not in request.get("exclude", []) + request.get("liked", []) and row not in seen]
    return out if "filter" not in request else [r for r in out if r in filters[request["filter"]]]


def solve(matrix, right):
    """x of matrix x = right, in fractions: exact."""
    n, rows = len(right), [list(row) + [value] for row, value in zip(matrix, right)]
    for k in range(n):
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k])]
    return [row[n] for row in rows]


def equations(model, liked):
    """The normal equations of ALS for [(row, weight)]: the matrix, and what each liked row adds to the right side."""
    weights = {}
    for row, weight in liked:
        weights[row] = weights.get(row, 0) + model.alpha * fractions.Fraction(weight)
    items, n = [[fractions.Fraction(x) for x in item] for item in model.items], len(model.items[0])
    confidence = {row: weight for row, weight in weights.items() if weight > 0}
    matrix = [[sum(item[i] * item[j] * confidence.get(row, 1) for row, item in enumerate(items)) +
               (fractions.Fraction(model.regularization) if i == j else 0) for j in range(n)] for i in range(n)]
    return matrix, {row: [c * x for x in items[row]] for row, c in confidence.items()}


def fold_in(model, liked):
    """The vector of a new user, rounded to float once."""
    matrix, parts = equations(model, liked)
    return [f32(float(x)) for x in solve(matrix, [sum(values) for values in zip(*parts.values())])]


def liked_rows(model, request):
    """[(row, weight)] of the items that the model has."""
    liked = request.get("liked", [])
    return [(model.row(i), w) for i, w in zip(liked, request.get("liked_weights") or [1.0] * len(liked))
            if model.row(i) is not None]


def taste(model, request):
    """(strategy, vector, offset) before preferences."""
    row = model.user_ids.index(request["user"]) if request.get("user") in model.user_ids else None
    bias = model.user_bias[row] if row is not None else 0.0
    zero = [0.0] * len(model.items[0])
    if "vector" in request:
        return "vector", [f32(x) for x in request["vector"]], bias
    liked = liked_rows(model, request)
    total = sum(w for _, w in liked)
    if total > 0 and model.regularization is not None:
        return "fold_in", fold_in(model, liked), bias
    if total > 0:
        vector = zero
        for at, weight in liked:
            share = f32(weight / total)
            vector = [f32(v + f32(share * x)) for v, x in zip(vector, model.items[at])]
        if any(vector):
            return "session", unit(vector) if model.cosine else vector, bias
    if row is None or not (any(model.users[row]) or model.has_bias or bias):
        return None, zero, 0.0
    return "user", model.users[row], bias


def strength(request):
    return f32(request.get("preference_strength", 0.6))


def shifts(model, request):
    """The vectors of features that the request's preferences add, each with its weight."""
    weight = f32(strength(request) / f32(0.6))
    names = [("pref_genre_" + g.lower(), weight) for g in request.get("genres", [])]
    names += [(f"pref_language_{l.lower()}", weight) for l in request.get("languages", [])]
    if request.get("decade"):
        names.append((f"pref_decade_{request['decade']}s", weight))
    if request.get("min_rating"):
        names.append(("min_rating", f32(weight * f32(request["min_rating"]))))
    return [(model.features[name], w) for name, w in names if w > 0 and name in model.features]


def ask(model, request):
    """(strategy, vector, offset, added): the vector to score with; None for popularity."""
    strategy, vector, offset = taste(model, request)
    added = shifts(model, request)
    for shift, weight in added:
        vector = [f32(v + f32(weight * x)) for v, x in zip(vector, shift)]
    if added and model.cosine:
        vector = unit(vector)
    if strategy is None and not (added and any(vector)):
        return None, None, 0.0, False
    return strategy, vector, offset, bool(added)


def wanted(model, request, rows):
    """The favourite genres without a feature that an item of `rows` has: sets of all rows that have it."""
    genres = dict.fromkeys(g for g in lower(request.get("genres")) if "pref_genre_" + g not in model.features)
    sets = [{r for r, line in enumerate(model.catalog) if g in lower(line.get("genres"))} for g in genres]
    return [s for s in sets if s & set(rows)] if strength(request) > 0 else []


def lift(score, level):
    gain = level - score
    return gain + 2.0 ** -22 * (abs(level) + abs(score)) if gain >= 0 else 0.0  # -inf: 0


def gains(model, request, rows, raw):
    """The gain of each wanted genre's items: [(set of rows, gain)], as lib/serve/steer.c says."""
    sets, order = wanted(model, request, rows), best(model, rows, raw, len(rows))
    if not sets:
        return []
    places, share = min(10, len(order)), strength(request)
    everything = set().union(*sets)

    def others(inside, place):
        left = [raw[r] for r in order[:places] if r not in inside]
        return left[place] if place < len(left) else -math.inf

    def lifted(inside, number, level):
        own = [raw[r] for r in order if r in inside]
        return lift(own[-1], others(inside, 0)) if number > len(own) else lift(own[number - 1], level)

    def gain(inside, n):
        part, level = -(-n // len(sets)), others(everything, places - n)
        return max(lifted(everything, n, level), lifted(inside, part, max(level, others(inside, places - part))))

    n = math.ceil(min(share, 1.0) * places - 1e-5)
    return [(inside, max(share, 1.0) * gain(inside, n)) for inside in sets]


def raw_of(model, vector, offset, row):
    return f32((offset + model.item_bias[row]) + dot(vector, model.items[row]))


def best(model, rows, raw, k):
    """The k best rows: by raw score, then by ascending id (texts by their bytes)."""
    order = sorted(rows, key=lambda r: (-raw[r], str(model.item_ids[r]).encode()
                                        if isinstance(model.item_ids[r], str) else model.item_ids[r]))
    return order[:k]


def cosine(model, a, b):
    a, b = model.items[a], model.items[b]
    norms = math.sqrt(dot(b, b)) * math.sqrt(dot(a, a))
    return dot(a, b) / norms if norms > 0 else 0.0


def values_of(model, request, row):
    """The values of an item that the request's caps count."""
    line = model.catalog[row]
    year, language = line.get("release_year"), line.get("language")
    return [("genre", g) for g in lower(line.get("genres")) if request.get("max_per_genre")] + \
        ([("decade", year // 10)] if year and request.get("max_per_decade") else []) + \
        ([("language", language.lower())] if language and request.get("max_per_language") else [])


def varied(model, request, order, raw):
    """The rows that diversity and caps choose, of all eligible ones in order. These models have fewer items than a
    pool, so there is one pool."""
    k, diversity = request.get("k") or 10, f32(request.get("diversity", 0))
    if not diversity and not any(request.get("max_per_" + what) for what in ("genre", "decade", "language")):
        return order[:k]
    assert len(order) <= 100
    chosen, counts, left = [], {}, list(order)
    high, low = (raw[order[0]], raw[order[-1]]) if order else (0, 0)

    def worth(row):
        standing = (raw[row] - low) / (high - low) if high > low else 0.0
        return (1 - diversity) * standing - diversity * max([cosine(model, row, c) for c in chosen], default=0.0)
    while len(chosen) < k:
        left = [row for row in left if all(counts.get(value, 0) < request["max_per_" + value[0]]
                                           for value in values_of(model, request, row))]
        if not left:
            break
        chosen.append(max(left, key=worth) if diversity else left[0])
        left.remove(chosen[-1])
        for value in values_of(model, request, chosen[-1]):
            counts[value] = counts.get(value, 0) + 1
    return chosen


def explained(model, request, chosen):
    """The two liked items that add most to each item's score, and what they add."""
    matrix, parts = equations(model, liked_rows(model, request))
    shares = {row: solve(matrix, part) for row, part in parts.items()}
    added = [sorted(((sum(x * fractions.Fraction(y) for x, y in zip(share, model.items[r])), row)
                     for row, share in shares.items()), reverse=True)[:2] for r in chosen]
    return {"causes": [[model.item_ids[row] for part, row in two if part > 0] for two in added],
            "contributions": [[bits(f32(float(part))) for part, _ in two if part > 0] for two in added]}


def scored(model, request, filters, asked):
    """(strategy, raw, score) with functions of a row, for the rows `asked` and for ranking."""
    strategy, vector, offset, added = ask(model, request)
    rows = eligible(model, request, filters)

    def sum_of(row, gain):
        return f32(model.popularity[row] + gain) if vector is None else raw_of(model, vector, offset + gain, row)

    found = gains(model, request, rows, {row: sum_of(row, 0.0) for row in rows})
    raw = {row: sum_of(row, max([g for inside, g in found if row in inside], default=0.0))
           for row in set(asked) | set(rows)}
    most = 1.0 + max([g for _, g in found], default=0.0)
    scores = {row: f32(x / most) if vector is None else model.score(x) for row, x in raw.items()}
    changed = added or bool(found)
    if strategy is None:
        strategy = "preferences" if changed else "popularity" if model.knows_popularity else "general"
    elif strategy == "user" and changed:
        strategy = "user_preferences"
    return strategy, rows, raw, scores


def answer(model, request, filters):
    strategy, rows, raw, scores = scored(model, request, filters, [])
    chosen = varied(model, request, best(model, rows, raw, len(rows)), raw)
    found = {"strategy": strategy, "items": [model.item_ids[r] for r in chosen],
             "scores": [bits(scores[r]) for r in chosen], "raws": [bits(raw[r]) for r in chosen]}
    return {**found, **explained(model, request, chosen)} if strategy == "fold_in" and request.get("reasons") else found


def cosines(model, about):
    """row -> the cosine with the item; none for zero vectors and for itself."""
    item = model.items[about]
    norm = math.sqrt(dot(item, item))
    out = {}
    for row, other in enumerate(model.items):
        other_norm = math.sqrt(dot(other, other))
        if row != about and norm > 0 and other_norm > 0:
            out[row] = f32(dot(item, other) / (norm * other_norm))
    return out


def similar(model, step, filters):
    request = step.get("request", {})
    near = cosines(model, model.row(step["item"]))
    rows = [r for r in eligible(model, request, filters) if r in near]
    chosen = varied(model, request, best(model, rows, near, len(rows)), near)
    return {"items": [model.item_ids[r] for r in chosen], "raws": [bits(near[r]) for r in chosen],
            "scores": [bits(min(max(near[r], 0.0), 1.0)) for r in chosen]}


def nearest(model, step, filters):
    near = cosines(model, model.row(step["item"]))
    rows = [r for r in near if "filter" not in step or r in filters[step["filter"]]]
    chosen = best(model, rows, near, step["k"])
    return {"items": [model.item_ids[r] for r in chosen], "scores": [bits(near[r]) for r in chosen]}


def several(model, requests, filters):
    answers = [answer(model, request, filters) for request in requests]
    return {"items": [a["items"] for a in answers], "scores": [a["scores"] for a in answers],
            "strategies": [a["strategy"] for a in answers]}


def score_items(model, step, filters):
    rows = [model.row(item) for item in step["items"]]
    strategy, _, raw, scores = scored(model, step["request"], filters, [r for r in rows if r is not None])
    return {"strategy": strategy, "count": sum(r is not None for r in rows),
            "raws": [bits(raw.get(r, math.nan)) for r in rows],
            "scores": [bits(scores.get(r, math.nan)) for r in rows]}


def top_k(model, step, filters):
    rows = filters[step["filter"]] if "filter" in step else set(range(len(model.items)))
    ids, scores = [], []
    for q, query in enumerate(step["queries"]):
        offset = step.get("offsets", [0.0] * (q + 1))[q]
        raw = {row: raw_of(model, [f32(x) for x in query], offset, row) for row in rows}
        chosen = best(model, rows, raw, step["k"])
        ids.append([model.item_ids[r] for r in chosen])
        scores.append([bits(raw[r]) for r in chosen])
    return {"items": ids, "scores": scores}


def compute(step, filters):
    """The result of the step's call; None if this file does not compute such calls."""
    call = step["call"]
    if call not in ("recommend", "batch", "recommend_into", "similar", "nearest", "score_items",
                    "top_k", "filter"):
        return None
    model = model_of(step.get("reference", step["model"]))
    if call == "filter":
        filters[step.get("as")] = passing = filtered(model, step.get("options", {}))
        return {"count": len(passing)}
    if call == "recommend":
        return answer(model, step["request"], filters)
    if call in ("batch", "recommend_into"):
        return several(model, step["requests"], filters)
    if call == "score_items":
        return score_items(model, step, filters)
    return {"similar": similar, "nearest": nearest, "top_k": top_k}[call](model, step, filters)


def check_step(step, filters, write):
    """The differences, as text; with `write`, missing members are filled in first."""
    expect = step.get("expect", {})
    if "fails" in expect or step.get("by_hand"):
        return []
    computed = compute(step, filters)
    if computed is None:
        return []
    if write:
        step["expect"] = expect = {**computed, **expect}
    return [f"{key}: expects {json.dumps(expect[key])}, computed {json.dumps(value)}"
            for key, value in computed.items() if key in expect and expect[key] != value]


def dumps(content):
    """A step a line."""
    def line(value):
        return json.dumps(value, ensure_ascii=False)
    scenarios = []
    for told in content["scenarios"]:
        steps = ",\n        ".join(line(step) for step in told["steps"])
        scenarios.append(f'    {{\n      "name": {line(told["name"])},\n      "steps": [\n'
                         f'        {steps}\n      ]\n    }}')
    return f'{{\n  "about": {line(content["about"])},\n  "scenarios": [\n' + \
        ",\n".join(scenarios) + "\n  ]\n}\n"


def main():
    write, passed, failed = "--write" in sys.argv, 0, 0
    for file in sorted(HERE.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        for told in content["scenarios"]:
            filters = {}
            wrong = [w for step in told["steps"] for w in check_step(step, filters, write)]
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for text in wrong:
                print(f"FAILED: {file.name}: {told['name']}: {text}")
        if write:
            file.write_text(dumps(content), encoding="utf-8")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
