#!/usr/bin/env python3
"""ctl_data_test.py --bin DIR - catalogues and ratings as other programs write them.

`recsysctl import` takes them, whatever pandas, PostgreSQL, TMDB and MovieLens make of a year, a
truth or a list of genres; and what is wrong with a file is listed with its lines. pandas and
PostgreSQL themselves write the files here; the films are invented.
Needs the packages of tests/support/models-requirements.txt and RECSYS_TEST_POSTGRES
(tests/support/servers.py); ends with "N passed, N failed".
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ctl_test  # noqa: E402
from backends import psql  # noqa: E402
from ctl_test import ITEMS, USERS, cases  # noqa: E402

NO_PROBLEM = {"title": "", "genres": []}


class Case(ctl_test.Case):
    """Item r has the id 100 + 3 r."""

    def base(self, text_ids=False):
        factors, ids, seen = self.arrays()[:4], self.arrays()[4:8], self.arrays()[8:12]
        return factors + seen + (["--item-ids-text", self.text_ids()] if text_ids else ids)

    def text_ids(self):
        return self.write("ids.txt", "".join("item-%d\n" % i for i in range(ITEMS)).encode())

    def import_catalog(self, name, content, *arguments, base=None):
        """Import this catalogue; the items that got an entry, by row."""
        if content is not None:
            arguments = ("--catalog", self.write(name, content if isinstance(content, bytes) else content.encode()),
                         *arguments)
        self.out = self.path("imported-%d" % len(os.listdir(self.folder)))
        return self.run("import", "--out", self.out, *(base or self.base()), *arguments)

    def entries(self, all_items=False):
        """The entries of the bundle just made, by row."""
        found = self.recommend("--user", str(self.user_ids[0]), "-k", "1000", "--include-adult", "--include-seen",
                               bundle=self.out)[0]["recommendations"]
        rows = {self.item_ids.index(item.pop("item_id")): item for item in found}
        for item in rows.values():
            del item["score"], item["raw"]
        return {row: item for row, item in rows.items() if all_items or item != NO_PROBLEM}

    def adults(self):
        shown = self.recommend("--user", str(self.user_ids[0]), "-k", "1000", "--include-seen", bundle=self.out)[0]
        shown = {item["item_id"] for item in shown["recommendations"]}
        return [row for row, number in enumerate(self.item_ids) if number not in shown]


def jsonl(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries)


# --- the catalogue ----------------------------------------------------------

def test_a_movies_csv_as_movielens_writes_it(case):
    case.import_catalog("movies.csv", "movieId,title,genres\n"
                        "100,Glass Harbour (1995),Adventure|Sci-Fi\n"
                        "103,\"Ferry at Night, The (Nachtfähre) (2001)\",Drama\n"
                        "106,\"\"\"No\"\", She Said (1954) \",Comedy|Film-Noir|Romance\n"
                        "109,Without a Year,(no genres listed)\n"
                        "112,Series of Ends (2006–2007),Drama\n").ok()
    assert case.entries() == {
        0: {"title": "Glass Harbour (1995)", "genres": ["Adventure", "Sci-Fi"], "release_year": 1995},
        1: {"title": "Ferry at Night, The (Nachtfähre) (2001)", "genres": ["Drama"], "release_year": 2001},
        2: {"title": '"No", She Said (1954)', "genres": ["Comedy", "Film-Noir", "Romance"], "release_year": 1954},
        3: {"title": "Without a Year", "genres": []},
        4: {"title": "Series of Ends (2006–2007)", "genres": ["Drama"], "release_year": 2006}}, case.entries()


def test_csv_may_have_a_mark_crlf_other_delimiters_and_line_breaks_in_quotes(case):
    wanted = {0: {"title": "One; two", "genres": []}, 1: {"title": "a\nb", "genres": []}}
    for name, text in (("mark.csv", "\ufeffID,Title\r\n100,One; two\r\n\r\n103,\"a\nb\"\r\n"),
                       ("semicolon.csv", "id;title;more;still more\n100;\"One; two\";;\n103;\"a\nb\";;\n"),
                       ("tab.tsv", "id\ttitle\n100\tOne; two\n103\t\"a\nb\"\n")):
        case.import_catalog(name, text).ok()
        assert case.entries() == wanted, (name, case.entries())


def test_what_pandas_writes(case):
    import pandas as pd
    table = pd.DataFrame({"id": [100, 103, 106, 109], "title": ["Glass \"Harbour\"", "Fähre", None, "Last"],
                          "release_year": [1995, None, 2001, 2002], "rating": [7.5, None, 8, 0],
                          "adult": [True, False, None, True], "unused": [1, 2, 3, 4],
                          "genres": [["Drama"], ["It's \"A\"", "B"], None, []]})
    assert str(table["release_year"].dtype) == "float64"
    nullable = table.astype({"release_year": "Int64", "adult": "boolean"})
    wanted = {0: {"title": "Glass \"Harbour\"", "genres": ["Drama"], "release_year": 1995, "rating": 7.5},
              1: {"title": "Fähre", "genres": ["It's \"A\"", "B"]},
              2: {"title": "", "genres": [], "release_year": 2001, "rating": 8.0},
              3: {"title": "Last", "genres": [], "release_year": 2002, "rating": 0.0}}
    for i, frame in enumerate((table, nullable)):
        frame.to_json(case.path("p%d.jsonl" % i), orient="records", lines=True)
        frame.to_csv(case.path("p%d.csv" % i))
        for name in ("p%d.jsonl" % i, "p%d.csv" % i):
            case.import_catalog(None, None, "--catalog", case.path(name)).ok()
            assert case.entries() == wanted, (name, case.entries())
            assert case.adults() == [0, 3], name


def test_dates_as_pandas_writes_them_give_the_year(case):
    import pandas as pd
    frame = pd.DataFrame({"id": [100, 103, 106], "release_date": pd.to_datetime(["1995-10-30", "1951-01-01", None])})
    for date_format in ("iso", "epoch"):
        frame.to_json(case.path("d.jsonl"), orient="records", lines=True, date_format=date_format)
        case.import_catalog(None, None, "--catalog", case.path("d.jsonl")).ok()
        assert {row: item["release_year"] for row, item in case.entries().items()} == {0: 1995, 1: 1951}
    case.import_catalog("d.csv", "id,date\n100,30-Oct-1995\n103,10/30/1996\n", "--catalog-column", "year=date").ok()
    assert {row: item["release_year"] for row, item in case.entries().items()} == {0: 1995, 1: 1996}


def test_loose_values_of_json_lines(case):
    text = (jsonl({"id": "100", "title": 1917, "release_year": "1995", "rating": "7.5", "adult": 1},
                  {"id": 103.0, "release_year": "1995.0", "adult": "False", "genres": "Drama|Horror"})
            + '{"id": 106, "rating": NaN, "release_year": Infinity, "title": "NaN, \\"not\\" NaN", "adult": 0}\n'
            + jsonl({"id": 109, "genres": "Action, Science Fiction", "adult": "t"},
                    {"id": 112, "genres": [{"id": 18, "name": "Drama"}, {"id": 27, "name": "Horror"}]},
                    {"id": 115, "genres": "(no genres listed)", "rating": None, "release_year": 0}))
    case.import_catalog("loose.jsonl", text).ok()
    assert case.entries() == {
        0: {"title": "1917", "genres": [], "release_year": 1995, "rating": 7.5},
        1: {"title": "", "genres": ["Drama", "Horror"], "release_year": 1995},
        2: {"title": 'NaN, "not" NaN', "genres": []},
        3: {"title": "", "genres": ["Action", "Science Fiction"]},
        4: {"title": "", "genres": ["Drama", "Horror"]}}, case.entries()
    assert case.adults() == [0, 3]


def test_dumps_of_tmdb(case):
    """As its API answers, and as the tables made of it have it: Python's lists inside CSV."""
    wanted = {0: {"title": "Glass Harbour", "genres": ["Drama", "Rock 'n' Roll"], "release_year": 1995, "rating": 7.7,
                  "poster_url": "https://img.example/w500/a.jpg"},
              1: {"title": "Fähre", "genres": []}}
    entries = [{"adult": False, "genres": [{"id": 18, "name": "Drama"}, {"id": 1, "name": "Rock 'n' Roll"}], "id": 100,
                "original_language": "en", "title": "Glass Harbour", "release_date": "1995-10-30",
                "vote_average": 7.7, "vote_count": 54, "poster_path": "/a.jpg"},
               {"adult": False, "genres": [], "id": 103, "original_language": "de", "title": "Fähre",
                "release_date": "", "vote_average": 0.0, "vote_count": 0, "poster_path": None}]
    case.import_catalog("tmdb.jsonl", jsonl(*entries), "--poster-base", "https://img.example/w500").ok()
    assert case.entries() == wanted, case.entries()
    import pandas as pd
    pd.DataFrame(entries).to_csv(case.path("tmdb.csv"), index=False)
    with open(case.path("tmdb.csv"), encoding="utf-8") as file:
        assert "[{'id': 18, 'name': 'Drama'}, {'id': 1, 'name': \"Rock 'n' Roll\"}]" in file.read().replace('""', '"')
    case.import_catalog(None, None, "--catalog", case.path("tmdb.csv"), "--poster-base", "https://img.example/w500").ok()
    assert case.entries() == wanted, case.entries()
    case.import_catalog(None, None, "--catalog", case.path("tmdb.csv")).ok()
    assert "poster_url" not in case.entries()[0]


TABLE = """
DROP TABLE IF EXISTS films;
CREATE TABLE films (film_id bigint, title text, genres text[], release_year int, rating numeric(3,1),
                    score double precision, adult boolean, poster_url text);
INSERT INTO films VALUES
  (100, 'Glass "Harbour"', '{Drama,"Film Noir"}', 1995, 7.5, 'NaN', true, 'https://x/1'),
  (103, E'Tab\\tand\\nline', '{}', NULL, NULL, 8.25, false, NULL),
  (106, 'Null', '{NULL,Comedy}', 2001, 10, 1, NULL, '')"""


def test_a_query_on_postgresql(case):
    database = os.environ["RECSYS_TEST_POSTGRES"]
    for statement in TABLE.split(";\n"):
        psql(database, statement)
    wanted = {0: {"title": 'Glass "Harbour"', "genres": ["Drama", "Film Noir"], "release_year": 1995, "rating": 7.5,
                  "poster_url": "https://x/1"},
              1: {"title": "Tab\tand\nline", "genres": []},
              2: {"title": "Null", "genres": ["Comedy"], "release_year": 2001, "rating": 10.0}}
    query = "SELECT film_id AS id, title, genres, release_year, rating, adult, poster_url FROM films; -- all of them"
    case.import_catalog(None, None, "--database", database, "--catalog-query", query.replace("; --", " --")).ok()
    assert case.entries() == wanted, case.entries()
    assert case.adults() == [0]
    # The same through COPY, as CSV and as JSON Lines.
    query = query.split(";")[0]
    for name, copied in (("copy.csv", "COPY (%s) TO STDOUT WITH (FORMAT csv, HEADER)" % query),
                         ("copy.jsonl", "SELECT row_to_json(q) FROM (%s) q" % query)):
        case.import_catalog(name, psql(database, copied) + "\n").ok()
        assert case.entries() == wanted, (name, case.entries())
    # More rows than one portion has.
    case.import_catalog(None, None, "--database", database, "--catalog-query",
                        "SELECT 100 + 3 * n AS id, 'Film ' || n AS title FROM generate_series(0, 39) n "
                        "UNION ALL SELECT 1000000 + n, '' FROM generate_series(1, 4000) n")
    assert len(case.entries()) == ITEMS


def test_a_query_that_fails_or_writes_is_refused(case):
    database = os.environ["RECSYS_TEST_POSTGRES"]
    base = (None, None, "--database", database, "--catalog-query")
    case.import_catalog(*base, "SELECT nothing FROM nowhere").failed("nowhere")
    case.import_catalog(*base, "SELECT 1 AS number").failed_with("--catalog-query:1: there is no id")
    case.import_catalog(*base, "SELECT 1 AS id, nextval('made_up')").failed("made_up")
    case.import_catalog(None, None, "--database", "postgresql://nobody@127.0.0.1:1/none", "--catalog-query",
                        "SELECT 1").failed("127.0.0.1")
    case.import_catalog("x.jsonl", jsonl({"id": 100}), "--catalog-query", "SELECT 1").usage(
        "only one of --catalog and --catalog-query can be given", "import")
    assert not os.path.exists(case.out)


def test_entries_of_items_that_the_model_has_not_are_counted_or_refused(case):
    text = jsonl({"id": 100, "title": "One"}, {"id": 101}, {"id": 999})
    answer = case.import_catalog("more.jsonl", text)
    assert answer.status == 0 and answer.err == (
        "recsysctl: %s: 2 of 3 entries are left out, since the model does not have their items\n"
        % case.path("more.jsonl")), answer.err
    assert case.entries() == {0: {"title": "One", "genres": []}}
    case.import_catalog("more.jsonl", text, "--strict").failed_with(
        "more.jsonl:2: no item 101", "more.jsonl:3: no item 999", "more.jsonl: 2 problems; nothing was written")
    assert not os.path.exists(case.out)
    case.import_catalog("none.jsonl", jsonl({"id": 1}, {"id": 2})).failed(
        "none of the 2 entries is of an item that the model has")


def test_ids_are_read_as_the_model_has_them(case):
    base = case.base(text_ids=True)
    case.item_ids, numbers = ["item-%d" % i for i in range(ITEMS)], case.item_ids
    case.user_ids, users = list(range(USERS)), case.user_ids
    try:
        case.import_catalog("t.csv", "id,title\n item-0 ,One\nitem-3,Two\n", base=base).ok()
        assert sorted(case.entries()) == [0, 3]
    finally:
        case.item_ids, case.user_ids = numbers, users
    case.import_catalog("n.csv", "id\n-1\n1e2\n100.5\n9223372036854775808\n\" \"\n100.0\n0103\n").failed_with(
        'n.csv:2: id is "-1", must be an integer from 0, as the model\'s item ids are', "n.csv:3: ", "n.csv:4: ",
        "n.csv:5: ", "n.csv:6: there is no id", ": 5 problems")


def test_a_poster_that_is_too_long_is_refused(case):
    text = jsonl({"id": 100, "poster_path": "x" * 3000000}, {"id": 103, "poster_path": "/a.jpg"})
    case.import_catalog("posters.jsonl", text, "--poster-base", "https://img.example").failed_with(
        "posters.jsonl:1: poster_path has 3000000 bytes; with --poster-base in front it must be less than 1 MiB\n",
        ": 1 problem")
    assert not os.path.exists(case.out)


def test_columns_of_other_names_are_found_by_options(case):
    text = "asin,name of it,kinds\n100,One,A / B\n"
    case.import_catalog("c.csv", text).failed(
        "no column is called id, item_id or movieId; there are: asin, name of it, kinds")
    case.import_catalog("c.csv", text, "--catalog-column", "id=asin", "--catalog-column", "title=name of it",
                        "--catalog-column", "genres=kinds", "--genre-separator", "/").ok()
    assert case.entries() == {0: {"title": "One", "genres": ["A", "B"]}}
    case.import_catalog("c.csv", text, "--catalog-column", "id=asim").failed("no column is called asim")
    for wrong in ("id", "=asin", "price=x"):
        case.import_catalog("c.csv", text, "--catalog-column", wrong).usage(
            "--catalog-column needs FIELD=NAME with a FIELD of id, title, genres, year, rating, poster, language, "
            "adult; not '%s'" % wrong, "import")


def test_every_problem_is_listed_with_its_line(case):
    text = ("id,title,release_year,rating,adult,genres\n"
            "100,\"a\nb\",1995,7,t,Drama\n"
            "103,x,soon,11,perhaps,Drama\n"
            "106,x,1995\n"
            "100,again,,,,\n"
            "109,\"x\"y,,,,\n"
            "112,x,,,,\"[{'id': 3}]\"\n")
    wanted = ['p.csv:4: release_year is "soon", must be a year or a date', 'p.csv:4: rating is "11", must be a number',
              'p.csv:4: adult is "perhaps", must be true, false, 1 or 0', "p.csv:5: 3 fields, the header has 6",
              "p.csv:6: the item is on line 2, too", "p.csv:7: text after the closing quote",
              'p.csv:8: genres has {"id":3}, which is no name and has none']
    answer = case.import_catalog("p.csv", text).failed_with(*wanted, "7 problems; nothing was written")
    assert answer.err.count("\n") == 8, answer.err
    assert not os.path.exists(case.out)
    answer = case.import_catalog("p.csv", text, "--skip-broken")
    assert answer.status == 0 and answer.err.count("\n") == 7, answer.err
    assert sorted(case.entries()) == [0]
    many = "id\n" + "x\n" * 100000
    answer = case.import_catalog("many.csv", many).failed_with("many.csv:21: ", "many.csv: 99980 more problems",
                                                               "100000 problems")
    assert answer.err.count("\n") == 22


def test_files_that_are_no_catalogue_are_refused(case):
    for name, content, message in (
            ("zero.csv", b"id,title\n100,a\0b\n", "zero.csv:2: a zero byte"),
            ("latin.csv", "id,title\n100,Fähre\n".encode("latin-1"), "latin.csv:2: field 2 is not UTF-8 (iconv"),
            ("latin.jsonl", '{"id": 100, "title": "Fähre"}\n'.encode("latin-1"), "latin.jsonl:1: not valid JSON"),
            ("wide.csv", "id,title\n100,x\n".encode("utf-16"), "this is UTF-16"),
            ("open.csv", b'id,title\n100,"never\nclosed', "open.csv:2: the file ends inside a quoted field"),
            ("quote.csv", b'id,title\n100,"' + b"x" * 3000000 + b"\n103,y\n", "the record is longer than 1 MiB"),
            ("long.csv", b"id,title\n100," + b"x" * 3000000 + b"\n", "the record is longer than 1 MiB"),
            ("long.jsonl", b'{"id": 100, "x": "' + b"x" * 5000000 + b'"}\n', "the line is longer than 4 MiB"),
            ("fields.csv", b"id" + b",x" * 5000 + b"\n", "more than 1024 fields"),
            ("array.json", b'[{"id": 100}]', "one JSON array; the catalogue needs an object a line (jq -c '.[]'"),
            ("packed.csv.gz", b"\x1f\x8b\x08\0\0\0", "packed.csv.gz:1: this is compressed (give <(gunzip -c FILE) instead)"),
            ("packed.zip", b"PK\3\4\0\0", "packed.zip:1: this is a zip archive"),
            ("empty.csv", b"", "the file is empty"),
            ("zero.jsonl", b'{"id": 100}\0\n', "zero.jsonl:1: a zero byte"),
            ("blank.jsonl", b'\n\r\n{"id": 100}\n{"id": -1}\n', "blank.jsonl:4: id is -1"),
            ("blank.csv", b'\n\r\nid,title\n100\n', "blank.csv:4: 1 fields, the header has 2"),
            ("cut.jsonl", b'{"id": 100}\n{"id": 1', "cut.jsonl:2: not valid JSON at column"),
            ("list.jsonl", b'{"id": 100}\n[1]\n', "list.jsonl:2: not a JSON object"),
            ("twice.jsonl", b'{"id": 100, "id": 103}\n', "twice.jsonl:1: not valid JSON")):
        answer = case.import_catalog(name, content)
        assert answer.status == 1 and message in answer.err, (name, answer.status, answer.err)
        assert not os.path.exists(case.out), name
    case.import_catalog(None, None, "--catalog", case.path("nothing.csv")).failed("nothing.csv: No such file")
    case.import_catalog(None, None, "--catalog", case.folder).failed(case.folder)


def test_a_huge_line_does_not_take_memory(case):
    """300 MB without a line's end; the program may have 200 MB."""
    import subprocess
    out = case.path("huge")
    for begin in ("{\\\"id\\\":", "id,title\\n1,"):
        done = subprocess.run(["bash", "-c", "ulimit -v 200000; exec \"$0\" \"$@\" --catalog "
                               "<(printf '%b' \"" + begin + "\"; head -c 300000000 /dev/zero | tr '\\0' x)",
                               case.program, "import", "--out", out, *case.base()], capture_output=True, timeout=300)
        assert done.returncode == 1 and (b"longer than" in done.stderr), done


def test_a_catalogue_replaces_that_of_the_bundle(case):
    case.import_catalog("new.csv", "id,title\n103,New\n", base=["--bundle", case.bundle]).ok()
    assert case.entries() == {1: {"title": "New", "genres": []}}
    case.import_catalog(None, None, "--name", "x", base=["--bundle", case.bundle]).ok()
    assert len(case.entries()) == ITEMS


# --- seen lists -------------------------------------------------------------

def base_without_seen(case):
    return case.arrays()[:8]


class Seen:
    """`recsysctl import` with options for seen lists, and the lists of the bundle that it made."""

    def __init__(self, case, *arguments, base=None):
        self.out = case.path("seen-%d" % len(os.listdir(case.folder)))
        self.answer = case.run("import", "--out", self.out, *(base or base_without_seen(case)), *arguments)

    def lists(self):
        """Rows and weights by the row of the user, from the bundle's file; None as weights if there are none."""
        self.answer.ok()
        return read_seen(self.out)


def read_seen(bundle):
    import numpy as np
    path = os.path.join(bundle, "seen.safetensors")
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    header, tensors = json.loads(data[8:8 + size]), {}
    kinds = {"U64": "<u8", "U32": "<u4", "F32": "<f4"}
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + at for at in tensor["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], kinds[tensor["dtype"]])
    offsets, items, weights = (tensors.get("seen_" + name) for name in ("offsets", "items", "weights"))
    order = position_to_row(bundle)
    return {user: {int(order[items[i]]): None if weights is None else float(weights[i])
                   for i in range(offsets[user], offsets[user + 1])}
            for user in range(len(offsets) - 1) if offsets[user] < offsets[user + 1]}


def position_to_row(bundle):
    """A bundle keeps its items in the order of a scan; the id of row r is 100 + 3 r."""
    import numpy as np
    with open(os.path.join(bundle, "model.safetensors"), "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    begin, end = (8 + size + at for at in json.loads(data[8:8 + size])["item_ids"]["data_offsets"])
    return (np.frombuffer(data[begin:end], "<i8") - 100) // 3


def test_a_ratings_csv_as_movielens_writes_it(case):
    text = ("userId,movieId,rating,timestamp\n11,100,4.0,964982703\n11,106,0.5,964981247\n"
            "22,100,3,964982224\n66,217,5.0,964983815\n")
    wanted = {0: {0: 4.0, 2: 0.5}, 1: {0: 3.0}, 5: {39: 5.0}}
    for name, content in (("ratings.csv", text), ("crlf.csv", "\ufeff" + text.replace("\n", "\r\n")),
                          ("shuffled.csv", "".join([text.splitlines(True)[0], *text.splitlines(True)[:0:-1]]))):
        assert Seen(case, "--ratings", case.write(name, content.encode())).lists() == wanted, name
    assert Seen(case, "--ratings", case.path("ratings.csv"), "--ratings-min", "3.5").answer.err == (
        "recsysctl: %s: left out 2 of 4 ratings, below the limit\n" % case.path("ratings.csv"))


def test_what_users_have_seen_is_not_recommended_again(case):
    rows = [0, 5, 39]
    text = "user,item\n" + "".join("%d,%d\n" % (case.user_ids[2], case.item_ids[row]) for row in rows)
    seen = Seen(case, "--ratings", case.write("pairs.csv", text.encode()), "--link", "clip")
    assert seen.lists() == {2: {row: None for row in rows}}
    case.out = seen.out
    answer = case.recommend("--user", str(case.user_ids[2]), "-k", "1000", "--include-adult", bundle=seen.out)[0]
    shown = {item["item_id"] for item in answer["recommendations"]}
    assert shown == set(case.item_ids) - {case.item_ids[row] for row in rows}


def test_repeated_ratings_are_replaced_and_repeated_pairs_counted(case):
    text = "user_id,item_id,%s\n11,100,2\n22,103,1\n11,100,5\n"
    assert Seen(case, "--ratings", case.write("r.csv", (text % "rating").encode())).lists() == {
        0: {0: 5.0}, 1: {1: 1.0}}
    assert Seen(case, "--ratings", case.write("r.csv", (text % "page").encode())).lists() == {0: {0: 2.0}, 1: {1: 1.0}}


def test_ratings_of_pandas_and_of_other_names(case):
    import pandas as pd
    frame = pd.DataFrame({"uid": [11.0, 22.0], "sku": [100.0, 103.0], "plays": [1e20, 1 / 3]})
    frame.to_csv(case.path("f.csv"))
    columns = ["--ratings-column", "user=uid", "--ratings-column", "item=sku", "--ratings-column", "weight=plays"]
    lists = Seen(case, "--ratings", case.path("f.csv"), *columns).lists()
    assert abs(lists[0][0] / 1e20 - 1) < 1e-7 and abs(lists[1][1] - 1 / 3) < 1e-7, lists
    Seen(case, "--ratings", case.path("f.csv")).answer.failed(
        "no column is called movieId; there are: , uid, sku, plays (--ratings-column FIELD=NAME")
    Seen(case, "--ratings", case.path("f.csv"), *columns[:4], "--ratings-column", "weight=stars").answer.failed(
        "no column is called stars")
    Seen(case, "--ratings", case.path("f.csv"), "--ratings-column", "time=t").answer.usage(
        "--ratings-column needs FIELD=NAME with a FIELD of user, item or weight, not 'time=t'", "import")


def test_ratings_by_text_ids(case):
    base = case.arrays()[:4] + ["--item-ids-text", case.text_ids()]
    text = "user,item,rating\n0, item-3 ,1\n5,item-39,2\n5,300,2\n"
    seen = Seen(case, "--ratings", case.write("t.csv", text.encode()), base=base)
    assert seen.answer.status == 0 and "left out 1 of 3 ratings, of items that it does not have" in seen.answer.err
    assert json.loads(case.run("inspect", seen.out, "--json").ok().out)["n_seen"] == 2


def test_ratings_that_do_not_fit_are_counted_or_refused(case):
    text = "userId,movieId,rating\n11,100,4\n12,100,4\n12,1,4\n11,101,4\n"
    path = case.write("x.csv", text.encode())
    answer = Seen(case, "--ratings", path).answer
    assert answer.status == 0 and answer.err == (
        "recsysctl: %s: left out 2 of 4 ratings, of users that the model does not have\n"
        "recsysctl: %s: left out 1 of 4 ratings, of items that it does not have\n" % (path, path)), answer.err
    Seen(case, "--ratings", path, "--strict").answer.failed_with(
        "x.csv:3: no user 12", "x.csv:4: no user 12", "x.csv:5: no item 101", "3 problems")
    path = case.write("x.csv", b"userId,movieId,rating\n-1,100,4\n11,1.5,4\n11,100,five\n11,100,1e999\n11,100\n"
                      b"11,100,\n11,103,2\n")
    Seen(case, "--ratings", path).answer.failed_with(
        'x.csv:2: the user is "-1", must be an integer from 0, as the model\'s ids are',
        'x.csv:3: the item is "1.5"', 'x.csv:4: the rating is "five", must be a number', "x.csv:5: the rating",
        "x.csv:6: 2 fields, the header has 3", "x.csv:7: the rating", "6 problems")
    seen = Seen(case, "--ratings", path, "--skip-broken")
    assert seen.answer.status == 0 and read_seen(seen.out) == {0: {1: 2.0}}
    Seen(case, "--ratings", case.write("r.csv.gz", b"\x1f\x8b\x08\0")).answer.failed("r.csv.gz:1: this is compressed")
    Seen(case, "--ratings", case.write("n.csv", b"userId,movieId,rating\n1,2,3\n")).answer.failed_with(
        "none of the 1 ratings is of a user and an item that the model has")


def test_a_matrix_of_scipy(case):
    import numpy as np
    import scipy.sparse
    dense = np.zeros((USERS, ITEMS))
    dense[0, 3], dense[0, 39], dense[4, 1] = 2, 0.5, 7
    wanted = {0: {3: 2.0, 39: 0.5}, 4: {1: 7.0}}
    for form in ("csr", "csc", "coo"):
        for kind in ("matrix", "array"):
            scipy.sparse.save_npz(case.path("m.npz"), getattr(scipy.sparse, form + "_" + kind)(dense))
            assert Seen(case, "--seen-matrix", case.path("m.npz")).lists() == wanted, (form, kind)
    scipy.sparse.save_npz(case.path("m.npz"), scipy.sparse.csr_matrix(dense.T))
    Seen(case, "--seen-matrix", case.path("m.npz")).answer.failed("rows are users")


def test_new_seen_lists_replace_those_of_the_bundle(case):
    path = case.write("one.csv", b"user,item\n11,100\n")
    assert read_seen(case.bundle)[0].keys() == set(case.seen[0])
    assert Seen(case, "--ratings", path, base=["--bundle", case.bundle]).lists() == {0: {0: None}}
    for other in (["--seen-matrix", "m.npz"], ["--seen-offsets", case.path("seen_offsets.npy")]):
        Seen(case, "--ratings", path, *other).answer.usage(
            "seen lists come from --ratings, from --seen-matrix or from --seen-offsets, only one of them", "import")


def test_import_says_once_that_there_are_no_seen_lists(case):
    seen = Seen(case)
    assert seen.answer.err == ("recsysctl: %s has no seen lists, so it recommends what users have had already "
                               "(--ratings, --seen-matrix)\n" % seen.out), seen.answer.err


# --- evaluate ---------------------------------------------------------------

class Split:
    """A model of implicit, what it was trained on, and what was held out; with the bundle made of it."""

    def __init__(self, case, text_ids=False):
        import numpy as np
        import scipy.sparse
        from implicit.cpu.als import AlternatingLeastSquares
        rng = np.random.default_rng(20261129)
        self.n_users, self.n_items = 211, 97
        taste = rng.random((self.n_users, 4)) ** 4 @ rng.random((4, self.n_items)) ** 4
        had = rng.random(taste.shape) < np.clip(taste * 0.6 + 0.04, 0, 0.9)
        had[5], had[6] = False, True  # somebody without anything, and somebody with everything
        test = had & (rng.random(taste.shape) < 0.3)
        test[7] = False
        test[:, 3] = had[:, 3]  # an item that nobody was trained on
        self.train = scipy.sparse.csr_matrix((had & ~test).astype("f4"))
        self.test = scipy.sparse.csr_matrix(test.astype("f4"))
        self.model = AlternatingLeastSquares(factors=8, iterations=5, random_state=1, num_threads=1)
        self.model.fit(self.train, show_progress=False)
        self.model.save(case.path("split.npz"))
        users, items = rng.permutation(9000)[:self.n_users], rng.permutation(9000)[:self.n_items]
        name = (lambda number: "x%d y" % number) if text_ids else str
        for kind, numbers in (("user", users), ("item", items)):
            with open(case.path(kind + ".txt"), "w") as file:
                file.writelines(name(number) + "\n" for number in numbers)
            np.save(case.path(kind + ".npy"), numbers)
        self.item_order = [name(number) for number in items] if text_ids else items
        for part, matrix in (("train", self.train), ("test", self.test)):
            coo = matrix.tocoo()
            with open(case.path(part + ".csv"), "w") as file:
                file.write("userId,movieId,rating\n")
                file.writelines("%s,%s,%d\n" % (name(users[u]), name(items[i]), 1 + (u + i) % 5)
                                for u, i in zip(coo.row, coo.col))
        self.bundle = case.path("split-%d" % len(os.listdir(case.folder)))
        ids = ["--%s-ids%s" % (kind, "-text" if text_ids else "") for kind in ("user", "item")]
        end = ".txt" if text_ids else ".npy"
        case.run("import", "--out", self.bundle, "--npz", case.path("split.npz"), ids[0], case.path("user" + end),
                 ids[1], case.path("item" + end), "--ratings", case.path("train.csv")).ok()

    def evaluate(self, case, *arguments, k=10):
        answer = case.run("evaluate", self.bundle, "--ratings", case.path("test.csv"), "-k", str(k), "--json", *arguments)
        return json.loads(answer.ok().out)

    def lists(self, scores, k):
        """Of each user with held-out items the best k items that were not trained on, by brute force."""
        import numpy as np
        answers = {}
        for user in np.flatnonzero(np.diff(self.test.indptr)):
            seen = set(self.train[user].indices)
            items = sorted((i for i in range(self.n_items) if i not in seen),
                           key=lambda i: (-scores[user, i], self.item_order[i]))
            answers[user] = items[:k]
        return answers


def close(figures, wanted):
    for name, value in wanted.items():
        assert abs(figures[name] - value) < 1e-6, (name, figures[name], value)


def rectools_figures(split, answers, k):
    import pandas as pd
    from rectools import Columns, metrics
    reco = pd.DataFrame([(user, item, rank) for user, items in answers.items() for rank, item in enumerate(items, 1)],
                        columns=[Columns.User, Columns.Item, Columns.Rank])

    def table(matrix):
        return pd.DataFrame({Columns.User: matrix.tocoo().row, Columns.Item: matrix.tocoo().col})
    held_out = table(split.test)
    return {"recall": metrics.Recall(k=k).calc(reco, held_out),
            "precision": metrics.Precision(k=k).calc(reco, held_out),
            "hit_rate": metrics.HitRate(k=k).calc(reco, held_out),
            "mrr": metrics.MRR(k=k).calc(reco, held_out),
            "map_full": metrics.MAP(k=k).calc(reco, held_out),
            "ndcg_full": metrics.NDCG(k=k).calc(reco, held_out),
            "ndcg": metrics.NDCG(k=k, divide_by_achievable=True).calc(reco, held_out),
            "coverage": metrics.CatalogCoverage(k=k, normalize=True).calc(reco, list(range(split.n_items))),
            "novelty": metrics.MeanInvUserFreq(k=k).calc(reco, table(split.train))}


def test_figures_are_those_of_implicit(case):
    from implicit import evaluation
    split = Split(case)
    for k in (1, 5, 10):
        figures = split.evaluate(case, k=k)["model"]
        options = {"K": k, "show_progress": False, "num_threads": 1}
        arguments = (split.model, split.train, split.test)
        found = evaluation.ranking_metrics_at_k(*arguments, **options)
        close(figures, {"precision_capped": found["precision"], "map": found["map"], "ndcg": found["ndcg"],
                        "auc": found["auc"]})
        close(figures, {"precision_capped": evaluation.precision_at_k(*arguments, **options),
                        "map": evaluation.mean_average_precision_at_k(*arguments, **options),
                        "ndcg": evaluation.ndcg_at_k(*arguments, **options)})
        assert 0.05 < figures["ndcg"] < 0.95


def test_figures_are_those_of_rectools_beside_popularity(case):
    import numpy as np
    split = Split(case)
    scores = np.float64(split.model.user_factors) @ np.float64(split.model.item_factors).T
    popularity = np.tile(np.asarray(split.train.sum(axis=0)), (split.n_users, 1))
    for k in (1, 5, 10, 90):
        found = split.evaluate(case, k=k)
        close(found["model"], rectools_figures(split, split.lists(scores, k), k))
        close(found["popularity"], rectools_figures(split, split.lists(popularity, k), k))
    assert found["n_users"] == np.count_nonzero(np.diff(split.test.indptr)) and found["n_held_out"] == split.test.nnz
    assert (found["k"], found["name"]) == (90, os.path.basename(split.bundle))


def test_figures_by_text_ids_and_with_any_number_of_threads(case):
    import numpy as np
    split = Split(case, text_ids=True)
    found = split.evaluate(case)
    popularity = np.tile(np.asarray(split.train.sum(axis=0)), (split.n_users, 1))
    close(found["popularity"], rectools_figures(split, split.lists(popularity, 10), 10))
    assert found == split.evaluate(case, "--threads", "1") == split.evaluate(case, "--threads", "5")


def test_figures_of_a_small_case_by_hand(case):
    """One item a user. The model has two users with vectors that choose items 39, 38, 37, ... in this order."""
    vectors = [1.0, 0] * 2
    items = [value for i in range(ITEMS) for value in (float(i), 1.0)]
    case.write("hu.npy", ctl_test.npy(vectors, [2, 2]))
    case.write("hv.npy", ctl_test.npy(items, [ITEMS, 2]))
    out = case.path("by-hand")
    case.run("import", "--out", out, "--user-factors", case.path("hu.npy"), "--item-factors", case.path("hv.npy")).ok()
    path = case.write("h.csv", b"user,item,rating\n0,37,1\n0,37,5\n0,1,2\n1,39,1\n")
    found = json.loads(case.run("evaluate", out, "--ratings", path, "-k", "3", "--json").ok().out)
    assert (found["n_users"], found["n_held_out"]) == (2, 3)
    close(found["model"], {"recall": (0.5 + 1) / 2, "precision": (1 / 3 + 1 / 3) / 2, "precision_capped": 2 / 3,
                           "hit_rate": 1, "mrr": (1 / 3 + 1) / 2, "map": (1 / 3 / 2 + 1) / 2, "coverage": 3 / ITEMS})
    assert found["model"]["novelty"] is None
    found = json.loads(case.run("evaluate", out, "--ratings", path, "-k", "3", "--json", "--ratings-min", "2")
                       .out)
    assert (found["n_users"], found["n_held_out"]) == (1, 2)
    text = case.run("evaluate", out, "--ratings", path, "-k", "3").ok().out.splitlines()
    assert text[0] == "by-hand 1: 2 users with 3 held-out items, lists of 3", text
    assert [line.split()[0] for line in text[3:]] == ["recall", "precision", "precision_capped", "hit_rate", "mrr", "map",
                                                      "map_full", "ndcg", "ndcg_full", "auc", "coverage"], text
    assert text[3].split() == ["recall", "0.750000", "%.6f" % found_popularity(case, out, path)], text


def found_popularity(case, out, path):
    return json.loads(case.run("evaluate", out, "--ratings", path, "-k", "3", "--json").ok().out)["popularity"]["recall"]


def test_seen_items_can_be_evaluated_too(case):
    import numpy as np
    split = Split(case)
    scores = np.float64(split.model.user_factors) @ np.float64(split.model.item_factors).T
    trained = split.train.copy()
    found = split.evaluate(case, "--include-seen")
    split.train = split.train * 0
    split.train.eliminate_zeros()
    answers = split.lists(scores, 10)
    split.train = trained
    close(found["model"], rectools_figures(split, answers, 10))


def test_ratings_that_cannot_be_evaluated_are_refused(case):
    evaluate = ("evaluate", case.bundle, "--ratings")
    case.run("evaluate", case.bundle).usage("evaluate needs --ratings", "evaluate")
    case.run(*evaluate, case.path("nothing.csv")).failed("nothing.csv: No such file")
    case.run(*evaluate, case.write("e.csv", b"userId,movieId,rating\n1,1,1\n")).failed_with("none of the 1 ratings")
    case.run(*evaluate, case.write("e.csv", b"userId,movieId,rating\n11,100,x\n11,100,1\n")).failed_with(
        "e.csv:2: the rating", "1 problem")
    case.run(*evaluate, case.path("e.csv"), "-k", "0").usage("-k must be a number from 1 to 1000, not '0'", "evaluate")
    answer = case.run(*evaluate, case.path("e.csv"), "--skip-broken", "--json")
    assert answer.status == 0 and json.loads(answer.out)["n_held_out"] == 1


if __name__ == "__main__":
    sys.exit(cases.run(globals(), "recsysctl", Case))
