#!/usr/bin/env python3
"""Write the seeds of fuzz_safetensors, fuzz_npz, fuzz_manifest and fuzz_columns.

    tests/fuzz/make_corpus_model.py

Small files, one for each thing a reader distinguishes, some good and some
damaged. The archives among tests/fixtures/npz are taken over. Needs nothing
but Python. Inputs that fuzzing finds are added beside the seeds as found_*.
"""
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
HASH = "0123456789abcdef" * 4


def safetensors(header, data=b"", pad=8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    while (8 + len(text)) % pad:
        text += b" "
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors_seeds():
    two = {"a": tensor("F32", [2, 2], 0, 16), "b": tensor("U8", [3], 16, 19)}
    yield "good", safetensors(two, bytes(19))
    yield "metadata", safetensors({"__metadata__": {"format": "pt"}, **two}, bytes(19), 64)
    yield "unaligned", safetensors(
        {"b": tensor("U8", [1], 0, 1), "a": tensor("I64", [1], 1, 9)}, bytes(9))
    yield "scalar_and_empty", safetensors(
        {"s": tensor("F64", [], 0, 8), "e": tensor("F32", [0, 4], 8, 8)}, bytes(8))
    for dtype, size in [("F16", 2), ("BF16", 2), ("I32", 4), ("U64", 8), ("BOOL", 1), ("F4", 1)]:
        yield "dtype_" + dtype.lower(), safetensors({"x": tensor(dtype, [1], 0, size)}, bytes(size))
    yield "empty_header", safetensors({})
    yield "hole", safetensors({"a": tensor("U8", [1], 1, 2)}, bytes(2))
    yield "overlap", safetensors({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 1, 3)}, bytes(3))
    yield "short", safetensors(two, bytes(10))
    yield "huge_shape", safetensors({"a": tensor("F32", [1 << 62, 1 << 62], 0, 4)}, bytes(4))
    yield "nine_dimensions", safetensors({"a": tensor("U8", [1] * 9, 0, 1)}, bytes(1))
    yield "duplicate", safetensors(b'{"a":1,"a":2}')
    yield "huge_header", struct.pack("<Q", 1 << 63) + b"{}"


def npy(header, data=b"", version=1):
    text = header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def npz_seeds():
    def head(descr, order, shape):
        return "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)

    yield "npy_c", npy(head("<f4", False, "(2, 3)"), bytes(24))
    yield "npy_fortran", npy(head("<f8", True, "(2, 3)"), bytes(48))
    yield "npy_python2", npy(head("<i4", False, "(2L,)"), bytes(8))
    yield "npy_v2", npy(head("<f2", False, "()"), bytes(2), 2)
    yield "npy_v3", npy(head("|u1", False, "(0,)"), b"", 3)
    yield "npy_object", npy(head("|O", False, "(1,)"), b"\x80\x04N.")
    yield "npy_structured", npy(
        "{'descr': [('a', '<f4'), ('b', [('c', '|O')])], 'fortran_order': False, 'shape': (1,)}")
    yield "npy_short", npy(head("<f4", False, "(2, 3)"), bytes(20))
    yield "npy_huge", npy(head("<f4", False, "(4294967296, 4294967296)"), bytes(4))
    for path in sorted((HERE.parent / "fixtures" / "npz").glob("*.npz")):
        yield path.stem, path.read_bytes()


def manifest_seeds():
    good = {
        "format": "recsys-bundle", "format_version": 1, "name": "movies", "version": "3",
        "algorithm": "als", "dtype": "F32", "dimensions": 64, "n_users": 671, "n_items": 9125,
        "metric": "inner_product", "link": {"kind": "linear", "min": 0.5, "max": 5.0},
        "metrics": {"recall@10": 0.12}, "hyperparameters": {"factors": 64},
        "training_date": "2026-11-21T03:00:00Z",
        "files": [{"name": "model.safetensors", "size": 2546688, "sha256": HASH},
                  {"name": "catalog.jsonl", "size": 1330112, "sha256": HASH}],
    }
    yield "good", good
    yield "cosine", {**good, "metric": "cosine", "link": {"kind": "clip"}}
    yield "nulls", {**good, "name": None, "link": None, "metrics": None}
    yield "format_2", {**good, "format_version": 2, "codes_pay": True, "item_name": "book"}
    yield "newer", {**good, "format_version": 3}
    yield "no_files", {**good, "files": []}
    yield "path", {**good, "files": [{"name": "../x", "size": 1, "sha256": HASH}]}
    yield "negative", {**good, "n_items": -1}
    yield "range", {**good, "link": {"kind": "linear", "min": 5, "max": 0.5}}
    yield "types", {**good, "name": 7, "files": {}}


def texts(name, values):
    data = b"".join(value.encode() + b"\0" for value in values)
    ends = [sum(len(value.encode()) + 1 for value in values[:i]) for i in range(len(values) + 1)]
    return {name + "_offsets": ("U64", struct.pack("<%dQ" % len(ends), *ends)), name: ("U8", data)}


def columns(**changes):
    """catalog.safetensors of eight items; the last has no entry."""
    titles = ["Heat (1995)", "", "카메라", "Up", "Up", "naïve", "\"q\"", ""]
    parts = {
        **texts("title", titles), **texts("poster_url", ["https://x/1"] + [""] * 7),
        **texts("genre_names", ["Crime", "Sci-Fi", "Drama"]), **texts("language_names", ["en", "ko"]),
        "genre_lists_offsets": ("U64", struct.pack("<4Q", 0, 0, 2, 3)),
        "genre_lists": ("U32", struct.pack("<3I", 0, 2, 1)),
        "rating": ("F32", struct.pack("<8f", 8.3, 0, 10, -1, 5.5, 7, -1, -1)),
        "release_year": ("I32", struct.pack("<8i", 1995, 0, 9999, 1, 2001, 0, 0, 0)),
        "language": ("U32", struct.pack("<8I", 1, 0, 2, 2, 1, 0, 0, 0)),
        "genres": ("U32", struct.pack("<8I", 1, 0, 1, 2, 2, 0, 0, 0)),
        "known": ("U8", bytes([1, 1, 1, 1, 1, 1, 1, 0])), "adult": ("U8", bytes([0, 0, 1, 0, 0, 0, 1, 0])),
    }
    parts.update(changes)
    header, data = {}, b""
    for name, (dtype, part) in parts.items():
        size = {"U64": 8, "U8": 1}.get(dtype, 4)
        header[name] = tensor(dtype, [len(part) // size], len(data), len(data) + len(part))
        data += part
    return safetensors(header, data)


def columns_seeds():
    yield "good", b"0" + columns()
    yield "ordered", b"1" + columns()
    yield "unknown_title", b"0" + columns(known=("U8", bytes(8)))
    yield "rating_nan", b"0" + columns(rating=("F32", struct.pack("<8f", *[float("nan")] * 8)))
    yield "list_far", b"1" + columns(genres=("U32", struct.pack("<8I", *[9] * 8)))
    yield "list_wraps", b"0" + columns(genre_lists_offsets=("U64", struct.pack("<4Q", 0, 2**64 - 1, 1, 3)))
    yield "genre_twice", b"0" + columns(genre_lists=("U32", struct.pack("<3I", 0, 0, 1)))
    yield "names_alike", b"0" + columns(**texts("genre_names", ["Crime", "CRIME", "Drama"]))
    yield "language_upper", b"0" + columns(**texts("language_names", ["EN", "ko"]))
    yield "title_cut", b"0" + columns(title=("U8", b"Heat"))
    yield "title_utf8", b"0" + columns(**{**texts("title", ["a"] * 8), "title": ("U8", b"\xC3\0" * 8)})
    yield "no_offsets", b"0" + columns(title_offsets=("U64", b""))


def write(target, seeds):
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in seeds:
        (directory / name).write_bytes(
            content if isinstance(content, bytes) else json.dumps(content).encode())


if __name__ == "__main__":
    write("fuzz_safetensors", safetensors_seeds())
    write("fuzz_npz", npz_seeds())
    write("fuzz_manifest", manifest_seeds())
    write("fuzz_columns", columns_seeds())
