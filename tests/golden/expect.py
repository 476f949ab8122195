#!/usr/bin/env python3
"""Compute the ten best items of a few users of a bundle, without the library.

usage: expect.py BUNDLE > expected.json

Reads the files by the words of docs/model-format.md and scores by those of
include/recsys/model.h: eight partial sums in double, added pairwise, biases,
rounded once to float; ties by ascending id. Standard library only.
"""
import hashlib
import json
import pathlib
import struct
import sys

CODES = {"F32": "f", "I64": "q", "U64": "Q", "U32": "I", "U8": "B"}


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
    json.dump({"name": manifest["name"], "version": manifest["version"],
               "n_users": manifest["n_users"], "n_items": manifest["n_items"],
               "dimensions": manifest["dimensions"], "top": answers}, sys.stdout, indent=1)
    print()


main(pathlib.Path(sys.argv[1]))
