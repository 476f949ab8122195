#!/usr/bin/env python3
"""Write tests/fixtures/npz: files that numpy and implicit themselves made.

    pip install numpy scipy implicit
    tests/support/make_npz_fixtures.py [directory]

The files are committed; run this only to change them. In every array called
*_grid the number in row i, column j is 10 * i + j + 0.25 (integers: 10 * i + j).
User 3 and item 5 of the implicit models have no data, so their rows are zero
where implicit makes them so.
"""
import pathlib
import sys
import zipfile

import numpy as np


def grid(rows, columns, dtype):
    values = 10.0 * np.arange(rows)[:, None] + np.arange(columns)[None, :]
    if np.issubdtype(np.dtype(dtype), np.floating):
        values = values + 0.25
    return values.astype(dtype)


def types():
    return {
        "f4_grid": grid(3, 4, "<f4"),
        "f8_grid": grid(3, 4, "<f8"),
        "f2_grid": grid(3, 4, "<f2"),
        "i4_grid": grid(3, 4, "<i4"),
        "u4_grid": grid(3, 4, "<u4"),
        "i8_grid": grid(3, 4, "<i8"),
        "u8_grid": grid(3, 4, "<u8"),
        "u1_grid": grid(3, 4, "|u1"),
        "fortran_grid": np.asfortranarray(grid(3, 4, "<f4")),
        "cube": np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4)),
        "big_endian": grid(3, 4, ">f4"),
        "complex": grid(3, 4, "<f8") * 1j,
        "flags": np.array([True, False]),
        "unicode": np.array("float32"),
        "bytes": np.array([b"abc", b"de"]),
        "objects": np.array([{"a": 1}, None], dtype=object),
        "structured": np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4", (2, 2))]),
        "scalar": np.array(7, dtype="<i8"),
        "vector": np.arange(5, dtype="<f4"),
        "empty": np.zeros((0, 4), dtype="<f4"),
    }


def orders():
    """Numbers that are converted, and texts."""
    return {
        "big_f4_grid": grid(3, 4, ">f4"),
        "big_f8_grid": np.asfortranarray(grid(3, 4, ">f8")),
        "big_i8_grid": grid(3, 4, ">i8"),
        "i1_grid": grid(3, 4, "|i1"),
        "i2_grid": np.asfortranarray(grid(3, 4, "<i2")),
        "big_u2_grid": grid(3, 4, ">u2"),
        "negative": np.array([-1, -128], dtype="|i1"),
        "words": np.array(["a", "", "h\u00e9llo", "\ud55c\uad6d", "\U0001f600 x"]),
        "big_words": np.array(["row-1", "\u20ac"]).astype(">U7"),
        "bytes": np.array([b"abc", "\u00e9".encode()]),
    }


def save_implicit(directory):
    import scipy.sparse
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking
    from implicit.lmf import LogisticMatrixFactorization

    random = np.random.default_rng(7)
    counts = (random.random((12, 15)) < 0.3) * random.integers(1, 5, (12, 15))
    counts[3, :] = 0
    counts[:, 5] = 0
    matrix = scipy.sparse.csr_matrix(counts.astype("<f4"))
    common = {"factors": 4, "iterations": 5, "random_state": 7, "num_threads": 1}
    models = {
        "als": AlternatingLeastSquares(use_gpu=False, regularization=0.05, alpha=2.0, **common),
        "bpr": BayesianPersonalizedRanking(use_gpu=False, **common),
        "lmf": LogisticMatrixFactorization(**common),
    }
    for name, model in models.items():
        model.fit(matrix, show_progress=False)
        model.save(str(directory / f"{name}.npz"))
        np.save(directory / f"{name}_scores.npy", model.user_factors @ model.item_factors.T)


def save_sparse(directory):
    """A matrix of 5 users and 7 items as scipy writes it; tests/api/test_builder_seen.c has it."""
    import scipy.sparse

    rows = np.array([0, 0, 1, 2, 2, 2, 4, 2])
    columns = np.array([6, 0, 3, 2, 1, 5, 4, 1])  # (2, 1) is there twice
    values = 10.0 * rows + columns + 0.25
    coo = scipy.sparse.coo_array((values, (rows, columns)), shape=(5, 7))
    csr = coo.tocsr()
    csc = csr.astype("<f4").tocsc()
    csc.indices, csc.indptr = csc.indices.astype("<i8"), csc.indptr.astype("<i8")
    for name, matrix in {"coo": coo, "csr": csr, "csc": csc, "csr_bool": csr.astype(bool),
                         "csr_int": csr.astype("<i8"), "csr_matrix": scipy.sparse.csr_matrix(csr),
                         "turned": csr.T.tocsr(), "bsr": csr.tobsr(), "csr_int8": csr.astype("i1"),
                         "csr_complex": csr.astype("c16"),
                         "csr_nan": csr * np.float64("nan")}.items():
        scipy.sparse.save_npz(directory / f"seen_{name}.npz", matrix)


def main():
    here = pathlib.Path(__file__).resolve().parent
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "fixtures" / "npz"
    directory.mkdir(parents=True, exist_ok=True)
    np.savez(directory / "types.npz", **types())
    np.savez_compressed(directory / "types_compressed.npz", **types())
    np.savez(directory / "orders.npz", **orders())
    np.savez_compressed(directory / "orders_compressed.npz", **orders())
    limit = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = 0  # sizes and places go into ZIP64 fields, as beyond 4 GB
    np.savez(directory / "zip64.npz", f4_grid=grid(3, 4, "<f4"), i8_grid=grid(3, 4, "<i8"))
    zipfile.ZIP64_LIMIT = limit
    for version in (1, 2, 3):
        with open(directory / f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, grid(3, 4, "<f4"), version=(version, 0))
    np.save(directory / "fortran.npy", np.asfortranarray(grid(3, 4, "<f8")))
    np.save(directory / "objects.npy", np.array([{"a": 1}], dtype=object))
    save_sparse(directory)
    save_implicit(directory)


if __name__ == "__main__":
    main()
