"""Tables of pandas, polars and Arrow, in memory and in Parquet and Arrow files, become bundles, and
bundles become tables. Tables that do not fit are
refused, with their name, the column and the row."""
import datetime
import os
import subprocess
import sys

import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet
import pytest
import scipy.sparse

import recsys
from recsys import export, tables
from recsys.__main__ import main

N_USERS, N_ITEMS, D = 7, 30, 4
rng = np.random.default_rng(3)
USERS = rng.normal(size=(N_USERS, D)).astype(np.float32)
ITEMS = rng.normal(size=(N_ITEMS, D)).astype(np.float32)
USER_IDS = [f"u{i}" for i in range(N_USERS)]
ITEM_IDS = list(range(100, 100 + N_ITEMS))
BEST = [[ITEM_IDS[i] for i in np.argsort(-(ITEMS.astype(float) @ user))[:5]] for user in USERS.astype(float)]


def check(model):
    """Ids and vectors belong together."""
    assert [model.recommend(user, top_k=5).ids for user in USER_IDS] == BEST


def frame_of(ids, vectors, kind=None):
    kind = kind or pa.list_(pa.float32())
    return pa.table({"id": pa.array(ids), "features": pa.array(vectors.tolist(), kind)})


LISTS = [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), D), pa.list_(pa.float64(), D)]


@pytest.mark.parametrize("kind", LISTS, ids=str)
@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view(),
                                  pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_arrow_lists_and_texts_of_every_kind(kind, text, served):
    users = pa.table({"id": pa.array(USER_IDS).cast(text), "features": pa.array(USERS.tolist(), kind)})
    check(served(export.from_dataframe(users, frame_of(ITEM_IDS, ITEMS, kind))))


@pytest.mark.parametrize("kind", LISTS, ids=str)
def test_a_slice_has_its_own_rows(kind, served):
    padded = np.vstack([np.full((3, D), 9, np.float32), ITEMS, np.full((2, D), 9, np.float32)])
    items = frame_of([1, 2, 3, *ITEM_IDS, 4, 5], padded, kind).slice(3, N_ITEMS)
    check(served(export.from_dataframe(frame_of(USER_IDS, USERS, kind), items)))
    chunks = pa.concat_tables([items.slice(0, 4), items.slice(4)])
    assert chunks.column("features").num_chunks > 1
    assert export.frames.matrix(chunks, "features", "items").tolist() == ITEMS.tolist()


def test_pandas_and_polars_frames(served, tmp_path):
    users = pandas.DataFrame({"id": USER_IDS, "features": list(USERS)})
    items = polars.DataFrame({"id": ITEM_IDS, "features": polars.Series(ITEMS.tolist(), dtype=polars.Array(polars.Float32, D))})
    check(served(export.from_dataframe(users, items)))
    columns = [f"f{i}" for i in range(D)]
    wide = [pandas.DataFrame({"id": ids, **dict(zip(columns, vectors.T))})
            for ids, vectors in ((USER_IDS, USERS), (ITEM_IDS, ITEMS))]
    export.from_dataframe(*wide, factors=columns).write(tmp_path / "wide")
    check(recsys.Model(tmp_path / "wide"))


@pytest.mark.parametrize("write", ["pandas.parquet", "pandas.feather", "polars.parquet", "polars.ipc", "arrow.stream"])
def test_files_as_pandas_polars_and_arrow_write_them(write, tmp_path, capsys):
    for name, ids, vectors in (("users", USER_IDS, USERS), ("items", ITEM_IDS, ITEMS)):
        pandas_frame = pandas.DataFrame({"id": ids, "features": vectors.tolist()})
        polars_frame = polars.DataFrame({"id": ids, "features": vectors.tolist()})
        path = str(tmp_path / name)
        if write == "pandas.parquet":
            pandas_frame.to_parquet(path)
        elif write == "pandas.feather":
            pandas_frame.to_feather(path)
        elif write == "polars.parquet":
            polars_frame.write_parquet(path)
        elif write == "polars.ipc":
            polars_frame.write_ipc(path)
        else:
            table = frame_of(ids, vectors)
            with pa.ipc.new_stream(path, table.schema) as writer:
                writer.write_table(table)
    assert main(["import", str(tmp_path), "--out", str(tmp_path / "bundle")]) == 0
    assert "7 users, 30 items, 4 dimensions" in capsys.readouterr().out
    check(recsys.Model(tmp_path / "bundle"))


def test_a_folder_of_parts_in_any_order(tmp_path):
    """As Spark writes it: parts of a table, in the order of a hash, with a mark that it is done."""
    for name, ids, vectors in (("userFactors", USER_IDS, USERS), ("itemFactors", ITEM_IDS, ITEMS)):
        folder = tmp_path / "als" / name
        folder.mkdir(parents=True)
        order = rng.permutation(len(ids))
        for part, rows in enumerate(np.array_split(order, 3)):
            pyarrow.parquet.write_table(frame_of([ids[i] for i in rows], vectors[rows]),
                                        folder / f"part-{part:05}-x.snappy.parquet")
        (folder / "_SUCCESS").touch()
        (folder / ".part-00000-x.snappy.parquet.crc").write_bytes(b"crc")
    assert main(["import", str(tmp_path / "als"), "--link-range", "0.5", "5", "--out", str(tmp_path / "bundle")]) == 0
    model = recsys.Model(tmp_path / "bundle")
    check(model)
    assert (model.info.link, model.info.link_min, model.info.link_max) == ("linear", 0.5, 5)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("link", [{"metric": "cosine", "link": "clip"}, {"link": "linear", "link_range": (-9.0, 9.5)}])
def test_a_bundle_survives_the_way_through_tables(kind, link, tmp_path):
    seen = scipy.sparse.csr_matrix((rng.random((N_USERS, N_ITEMS)) < 0.2) * np.float32(2.5))
    catalogue = pandas.DataFrame({"id": ITEM_IDS, "title": [f"T{i}" for i in ITEM_IDS], "genres": "A|B", "year": 1999,
                                  "rating": 7.5, "language": "de", "adult": [i % 2 == 0 for i in ITEM_IDS]})
    bias = {} if link.get("metric") else {"user_bias": USERS[:, 0], "item_bias": ITEMS[:, :1]}
    builder = export.from_arrays(USERS, ITEMS, user_ids=USER_IDS, item_ids=ITEM_IDS, seen=seen, catalogue=catalogue,
                                 name="m", algorithm="als", **bias, **link)
    builder.set_field("version", "7")
    builder.set_field("similar_by", "vector_bias_one")
    builder.set_field("hyperparameters.factors", 4)
    builder.write(tmp_path / "bundle")
    assert main(["export", str(tmp_path / "bundle"), "--format", kind, "--out", str(tmp_path / "tables")]) == 0
    assert main(["import", str(tmp_path / "tables"), "--out", str(tmp_path / "again")]) == 0
    before, after = recsys.Model(tmp_path / "bundle"), recsys.Model(tmp_path / "again")
    for name in ("metric", "link", "link_min", "link_max", "name", "version", "algorithm", "similar_by",
                 "n_seen", "n_catalog"):
        assert getattr(before.info, name) == getattr(after.info, name), name
    assert before.list_item_ids() == after.list_item_ids()
    assert list(before.similar(100)) == list(after.similar(100)) and after.info.similar_by == "vector_bias_one"
    for user in USER_IDS:
        assert list(before.recommend(user, include_adult=True)) == list(after.recommend(user, include_adult=True))
        assert before.seen(user) == after.seen(user) != []
    assert [before.catalogue[i] for i in ITEM_IDS] == [after.catalogue[i] for i in ITEM_IDS]
    assert before.catalogue[100].genres == ("A", "B") and before.catalogue[100].adult


@pytest.fixture
def refusal(tmp_path, capsys):
    """From tables that do not fit to what the program says of them."""
    def message(users=None, items=None, **options):
        for name, table, usual in (("users", users, (USER_IDS, USERS)), ("items", items, (ITEM_IDS, ITEMS))):
            pyarrow.parquet.write_table(frame_of(*usual) if table is None else table, tmp_path / f"{name}.parquet")
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        assert main(["import", str(tmp_path), "--out", str(tmp_path / "no"), *words]) == 1
        assert not (tmp_path / "no").exists()
        return capsys.readouterr().err
    return message


def test_the_program_says_what_is_wrong_and_fails(tmp_path):
    done = subprocess.run([sys.executable, "-m", "recsys", "import", str(tmp_path), "--out", str(tmp_path / "no")],
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"python3 -m recsys import: {tmp_path}: no users; looked for userFactors, ")


def with_null(values, at, kind):
    values = list(values)
    values[at] = None
    return pa.array(values, kind)


@pytest.mark.parametrize("kind", LISTS, ids=str)
def test_nulls_are_refused_by_name(kind, refusal):
    lists = ITEMS.tolist()
    items = pa.table({"id": pa.array(ITEM_IDS), "features": with_null(lists, 6, kind)})
    assert "items, column 'features': null in row 6 (1 in all)" in refusal(items=items)
    lists[8] = [1.0, None, 2.0, 3.0]
    items = pa.table({"id": pa.array(ITEM_IDS), "features": pa.array(lists, kind)})
    assert "items, column 'features': a null among the numbers of row 8" in refusal(items=items)
    users = pa.table({"id": with_null(USER_IDS, 2, pa.string_view()), "features": pa.array(USERS.tolist(), kind)})
    assert "users, column 'id': null in row 2" in refusal(users=users)


def test_other_tables_are_refused_by_name(tmp_path, refusal):
    ragged = [row[:-1] if i == 4 else row for i, row in enumerate(ITEMS.tolist())]
    items = pa.table({"id": ITEM_IDS, "features": ragged})
    assert "items, column 'features': 3 numbers in row 4, 4 in row 0" in refusal(items=items)
    items = pa.table({"id": [float(i) for i in ITEM_IDS], "features": ITEMS.tolist()})
    assert "100.0 is float" in refusal(items=items)
    items = pa.table({"id": [-1, *ITEM_IDS[1:]], "features": ITEMS.tolist()})
    assert "-1 is negative" in refusal(items=items)
    items = pa.table({"id": ITEM_IDS, "features": [["a"] * D] * N_ITEMS})
    assert "not a list of numbers" in refusal(items=items)
    items = pa.table({"id": ITEM_IDS, "vector": ITEMS.tolist()})
    assert "no column 'features'; there are id, vector" in refusal(items=items)
    items = frame_of(ITEM_IDS, np.where(np.arange(N_ITEMS)[:, None] == 3, np.nan, ITEMS))
    assert "finite" in refusal(items=items)
    assert "neither Parquet nor Arrow" in refusal(seen=__file__)
    seen = tmp_path / "seen.parquet"
    pyarrow.parquet.write_table(pa.table({"user": ["x"], "item": [100]}), seen)
    assert "the model has none of these ids; 'x' is the first" in refusal()


def test_ids_of_one_kind_only():
    with pytest.raises(TypeError, match="integers and texts"):
        export.from_arrays(USERS, ITEMS, item_ids=[*ITEM_IDS[:-1], "x"])
    with pytest.raises(TypeError, match="a column of integers with a gap becomes floats"):
        export.from_arrays(USERS, ITEMS, item_ids=pandas.Series([*ITEM_IDS[:-1], np.nan]).fillna(7.0))
    with pytest.raises(TypeError, match="date"):
        export.from_arrays(USERS, ITEMS, item_ids=[datetime.date(2020, 1, 1)] * N_ITEMS)
    with pytest.raises(ValueError, match="29 values instead of 30"):
        export.from_arrays(USERS, ITEMS, item_ids=ITEM_IDS[:-1])
    with pytest.raises(ValueError, match="transposed"):
        export.from_arrays(USERS, ITEMS, seen=scipy.sparse.csr_matrix((N_ITEMS, N_USERS)))


def test_a_catalogue_with_more_and_fewer_items_than_the_model(served):
    catalogue = pandas.DataFrame({"movieId": [100, 101, 5], "title": ["A", None, "C"],
                                  "genres": ["X|Y", "(no genres listed)", "Z"], "year": [1990.0, np.nan, 3]})
    model = served(export.from_arrays(USERS, ITEMS, item_ids=ITEM_IDS, catalogue=catalogue))
    assert model.info.n_catalog == 2
    assert model.catalogue[100][1:4] == ("A", ("X", "Y"), 1990)
    assert model.catalogue[101][1:4] == ("", (), None)


def test_seen_lists_keep_the_last_weight_and_leave_unknown_ids_out(served):
    seen = polars.DataFrame({"u": ["u1", "u1", "u2", "stranger"], "i": [100, 100, 104, 100], "w": [1.0, 2.0, 3.0, 4.0]})
    model = served(export.from_arrays(USERS, ITEMS, user_ids=USER_IDS, item_ids=ITEM_IDS, seen=seen))
    assert model.seen("u1") == [100] and model.seen("u2") == [104] and model.seen("u0") == []
    assert sorted(model.array("seen_weights").tolist()) == [2.0, 3.0]
