#!/usr/bin/env python3
"""Compute the ten best items of a few users of a bundle, and show some entries of its catalogue.

Without the library.

usage: expect.py BUNDLE > expected-vN.json

Reads the files by the words of docs/model-format.md and scores by those of
include/recsys/model.h: eight partial sums in double, added pairwise, biases,
rounded once to float; ties by ascending id. Standard library only.
"""
import hashlib
import json
import pathlib
import struct
import sys

CODES = {"F32": "f", "I64": "q", "U64": "Q", "I32": "i", "U32": "I", "U8": "B"}


def read_safetensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        code = CODES[entry["dtype"]]
        count = (end - begin) // struct.calcsize(code)
        tensors[name] = (entry["shape"], struct.unpack_from(f"<{count}{code}", data, 8 + size + begin))
    return tensors


def rows(tensor):
    (n, d), values = tensor
    return [values[i * d:(i + 1) * d] for i in range(n)]


def to_float(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def score(user, item, offset, bias):
    part = [0.0] * 8
    for j, (a, b) in enumerate(zip(user, item)):
        part[j % 8] += a * b
    total = ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]))
    return to_float((offset + bias) + total)


def best(bundle, user, k, hidden):
    vector, offset = bundle["users"][user], bundle["user_bias"][user]
    scored = [(-score(vector, item, offset, bundle["item_bias"][p]), bundle["item_ids"][p])
              for p, item in enumerate(bundle["items"]) if p not in hidden]
    return [{"id": item, "raw": -raw, "bits": struct.pack(">f", -raw).hex()}
            for raw, item in sorted(scored)[:k]]


def texts(tensors, name):
    offsets, data = tensors[name + "_offsets"][1], bytes(tensors[name][1])
    return [data[a:b - 1].decode() for a, b in zip(offsets, offsets[1:])]


def catalog_by_columns(path, ids):
    """By id: the entry, as a line of format 1 would say it."""
    t = read_safetensors(path)
    titles, posters = texts(t, "title"), texts(t, "poster_url")
    genres, languages = texts(t, "genre_names"), texts(t, "language_names")
    begin, lists = t["genre_lists_offsets"][1], t["genre_lists"][1]
    entries = {}
    for row, item in enumerate(ids):
        own = t["genres"][1][row]
        if t["known"][1][row]:
            entries[item] = {
                "title": titles[row], "poster_url": posters[row] or None,
                "genres": [genres[g] for g in lists[begin[own]:begin[own + 1]]],
                "release_year": t["release_year"][1][row], "adult": bool(t["adult"][1][row]),
                "rating": t["rating"][1][row],
                "language": ([None] + languages)[t["language"][1][row]]}
    return entries


def catalog_by_lines(path):
    entries = {}
    for line in map(json.loads, path.read_text().splitlines()):
        entries[line["id"]] = {
            "title": line.get("title", ""), "poster_url": line.get("poster_url"),
            "genres": line.get("genres", []), "release_year": line.get("release_year", 0),
            "adult": line.get("adult", False), "rating": to_float(line.get("rating", -1)),
            "language": line.get("language")}
    return entries


def main(path):
    manifest = json.loads((path / "recsys.json").read_text())
    for file in manifest["files"]:
        data = (path / file["name"]).read_bytes()
        assert len(data) == file["size"] and hashlib.sha256(data).hexdigest() == file["sha256"]
    model = read_safetensors(path / "model.safetensors")
    seen = read_safetensors(path / "seen.safetensors")
    bundle = {
        "users": rows(model["user_factors"]), "items": rows(model["item_factors"]),
        "user_bias": model["user_bias"][1], "item_bias": model["item_bias"][1],
        "item_ids": model["item_ids"][1],
    }
    offsets, seen_items = seen["seen_offsets"][1], seen["seen_items"][1]
    answers = []
    for row in (0, 7, 13, 28, len(bundle["users"]) - 1):
        hidden = set(seen_items[offsets[row]:offsets[row + 1]])
        answers.append({
            "user": model["user_ids"][1][row],
            "all": best(bundle, row, 10, set()),
            "unseen": best(bundle, row, 10, hidden),
        })
    columns = path / "catalog.safetensors"
    entries = (catalog_by_columns(columns, bundle["item_ids"]) if columns.exists()
               else catalog_by_lines(path / "catalog.jsonl"))
    items = [{"id": item, **entries.get(item, {"title": None})}
             for item in sorted(bundle["item_ids"])[::len(bundle["item_ids"]) // 30]]
    json.dump({"name": manifest["name"], "version": manifest["version"],
               "n_users": manifest["n_users"], "n_items": manifest["n_items"],
               "dimensions": manifest["dimensions"],
               "n_catalog": len(entries), "top": answers, "items": items}, sys.stdout, indent=1)
    print()


main(pathlib.Path(sys.argv[1]))
