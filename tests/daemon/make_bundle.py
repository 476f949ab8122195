"""Writes small model bundles for the daemon's tests, with the standard library only.

The format is docs/model-format.md's. The numbers come from a seeded generator,
so that two runs write the same bytes; another seed is another model.
"""
import array
import hashlib
import json
import os
import random
import sys

GENRES = ["Action", "Comedy", "Drama", "Horror", "Sci-Fi"]
LANGUAGES = ["en", "fr", "ko"]


def tensors(path, parts):
    """parts: (name, dtype, shape, bytes) in order."""
    header, data = {}, b""
    for name, dtype, shape, content in parts:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text + data)


def texts(prefix, values):
    joined, offsets = b"", [0]
    for value in values:
        joined += value.encode() + b"\0"
        offsets.append(len(joined))
    return [(prefix, "U8", [len(joined)], joined),
            (prefix + "_offsets", "U64", [len(offsets)], array.array("Q", offsets).tobytes())]


def make_bundle(path, seed=1, version="1", n_users=40, n_items=300, d=16, text_ids=False, name="movies",
                item_name=None,
                hyperparameters=None):
    rng = random.Random(seed)
    os.makedirs(path)
    floats = lambda n: array.array("f", [rng.gauss(0, 0.4) for _ in range(n)]).tobytes()
    parts = [("item_factors", "F32", [n_items, d], floats(n_items * d)),
             ("user_factors", "F32", [n_users, d], floats(n_users * d))]
    if text_ids:
        users = ["user/%d" % (i + 1) for i in range(n_users)]
        items = ["item-%d" % (i + 1) for i in range(n_items)]
        parts += texts("user_ids", users) + texts("item_ids", items)
    else:
        users = [i + 1 for i in range(n_users)]
        items = [(i + 1) * 10 for i in range(n_items)]
        parts += [("user_ids", "I64", [n_users], array.array("q", users).tobytes()),
                  ("item_ids", "I64", [n_items], array.array("q", items).tobytes())]
    tensors(os.path.join(path, "model.safetensors"), parts)

    seen, offsets = [], [0]
    for _ in range(n_users):
        seen += sorted(rng.sample(range(n_items), 5))
        offsets.append(len(seen))
    tensors(os.path.join(path, "seen.safetensors"),
            [("seen_offsets", "U64", [len(offsets)], array.array("Q", offsets).tobytes()),
             ("seen_items", "U32", [len(seen)], array.array("I", seen).tobytes())])

    with open(os.path.join(path, "catalog.jsonl"), "w", encoding="utf-8") as out:
        for i, item in enumerate(items):
            line = {"id": item, "title": 'Film "%d" \u00e9\u2603 (%d)' % (i + 1, 1970 + i % 50),
                    "genres": sorted(rng.sample(GENRES, 1 + i % 3)), "release_year": 1970 + i % 50,
                    "rating": round(rng.uniform(0, 10), 1), "language": LANGUAGES[i % 3], "adult": i % 7 == 0}
            if i % 2:
                line["poster_url"] = "https://example.org/%d.jpg" % i
            out.write(json.dumps(line, ensure_ascii=False) + "\n")

    files = []
    for file in ("model.safetensors", "seen.safetensors", "catalog.jsonl"):
        with open(os.path.join(path, file), "rb") as f:
            content = f.read()
        files.append({"name": file, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest = {"format": "recsys-bundle", "format_version": 1, "name": name, "version": version,
                "algorithm": "als", "dtype": "F32", "dimensions": d, "n_users": n_users, "n_items": n_items,
                "metric": "inner_product", "link": {"kind": "sigmoid"}, "metrics": {"recall@10": 0.12},
                "hyperparameters": hyperparameters or {"factors": d}, "training_date": "2026-11-21T03:00:00Z", "files": files}
    if item_name:
        manifest["item_name"] = item_name
    with open(os.path.join(path, "recsys.json"), "w", encoding="utf-8") as out:
        json.dump(manifest, out, indent=2)


def publish(registry, version, alias=None, name="movies", **options):
    """A version in a registry directory, as recsys_registry_publish() would lay it out."""
    make_bundle(os.path.join(registry, name, str(version)), version=str(version), name=name, **options)
    if alias:
        point(registry, version, alias, name)


def point(registry, version, alias, name="movies"):
    folder = os.path.join(registry, name, "aliases")
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, ".new")
    os.symlink("../%d" % version, temporary)
    os.replace(temporary, os.path.join(folder, alias))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: make_bundle.py PATH [USERS ITEMS DIMENSIONS]")
    sizes = [int(n) for n in sys.argv[2:]] or [40, 300, 16]
    make_bundle(sys.argv[1], n_users=sizes[0], n_items=sizes[1], d=sizes[2])
