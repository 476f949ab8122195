#!/usr/bin/env python3
"""ctl_test.py --bin DIR - recsysctl as operators and their scripts see it.

Every subcommand, what it prints and with which status it ends, on success and
on failure. Messages of recsysctl itself are compared word for word; in those of the
library the tests look for the parts that an operator needs: which file, and
what is wrong. Models are made by `recsysctl import` from arrays written here.
Standard library only; ends with "N passed, N failed". It is one file because every test is short and
uses the same Case.
"""
import csv
import fcntl
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cases  # noqa: E402

USERS, ITEMS, D = 6, 40, 8
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")


def npy(values, shape, kind="f4"):
    """An array as numpy.save() writes it."""
    header = "{'descr': '<%s', 'fortran_order': False, 'shape': %s, }" % (kind, tuple(shape))
    header += " " * ((-11 - len(header)) % 64) + "\n"
    code = {"f4": "f", "i8": "q", "u4": "I", "u8": "Q"}[kind]
    data = struct.pack("<%d%s" % (len(values), code), *values)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def as_float(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def safetensors(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def ok(self):
        assert self.status == 0, "status %d: %s" % (self.status, self.err)
        assert [line for line in self.err.splitlines() if " has no seen lists, so " not in line] == [], self.err
        return self

    def failed(self, *parts):
        """Status 1 and one line that has all `parts` in it; one part is the whole message."""
        assert self.status == 1, "status %d, not 1: %s%s" % (self.status, self.out, self.err)
        assert self.err.startswith("recsysctl: ") and self.err.count("\n") == 1, self.err
        if len(parts) == 1 and parts[0].startswith("recsysctl: "):
            assert self.err == parts[0] + "\n", self.err
        for part in parts:
            assert part in self.err, "%r is not in %r" % (part, self.err)
        return self

    def failed_with(self, *parts):
        """Status 1 and a list of what is wrong, one a line, that has these parts in this order."""
        assert self.status == 1, "status %d, not 1: %s%s" % (self.status, self.out, self.err)
        assert all(line.startswith("recsysctl: ") for line in self.err.splitlines()), self.err
        at = 0
        for part in parts:
            assert part in self.err[at:], "%r is not in %r" % (part, self.err[at:])
            at = self.err.index(part, at) + len(part)
        return self

    def usage(self, message, command=""):
        """Status 2, nothing on stdout, this message and the hint."""
        assert self.status == 2, "status %d, not 2: %s" % (self.status, self.err)
        assert self.out == "", self.out
        hint = "('recsysctl help%s' shows how)" % (" " + command if command else "")
        assert self.err == "recsysctl: %s\n%s\n" % (message, hint), self.err
        return self


class Case:
    """A folder with the parts of a small model, and a bundle made of them."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        rng = random.Random(7)
        self.users = [as_float(rng.uniform(-0.5, 0.9)) for _ in range(USERS * D)]
        self.items = [as_float(rng.uniform(-0.5, 0.9)) for _ in range(ITEMS * D)]
        self.item_ids = [100 + 3 * i for i in range(ITEMS)]
        self.user_ids = [11 * (i + 1) for i in range(USERS)]
        self.seen = [sorted(rng.sample(range(ITEMS), 4)) for _ in range(USERS)]
        self.ratings = [round(rng.uniform(2, 9.5), 1) for _ in range(ITEMS)]
        self.write("u.npy", npy(self.users, [USERS, D]))
        self.write("v.npy", npy(self.items, [ITEMS, D]))
        self.write("uid.npy", npy(self.user_ids, [USERS], "i8"))
        self.write("vid.npy", npy(self.item_ids, [ITEMS], "i8"))
        flat = [row for rows in self.seen for row in rows]
        self.write("seen_offsets.npy", npy([4 * i for i in range(USERS + 1)], [USERS + 1], "u8"))
        self.write("seen_items.npy", npy(flat, [len(flat)], "u4"))
        self.write("catalog.jsonl", "".join(json.dumps(self.line(i)) + "\n" for i in range(ITEMS)).encode())
        self.bundle = self.path("bundle")
        self.run("import", "--out", self.bundle, *self.arrays(), "--name", "films", "--version", "4",
                 "--algorithm", "als", "--link", "clip", "--training-date", "2026-01-02T03:04:05Z",
                 "--set", "metrics.recall@10=0.125", "--set", "hyperparameters.factors=8").ok()

    def line(self, i):
        return {"id": self.item_ids[i], "title": "Film %d" % i, "genres": [["Action", "Drama"][i % 2], "Horror"][: 1 + (i % 5 == 0)],
                "release_year": 1985 + i, "rating": self.ratings[i], "language": ["en", "fr"][i % 2],
                "adult": i == 7}

    def arrays(self):
        return ["--user-factors", self.path("u.npy"), "--item-factors", self.path("v.npy"),
                "--user-ids", self.path("uid.npy"), "--item-ids", self.path("vid.npy"),
                "--seen-offsets", self.path("seen_offsets.npy"), "--seen-items", self.path("seen_items.npy"),
                "--catalog", self.path("catalog.jsonl")]

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content)
        return self.path(name)

    def run(self, *arguments):
        return Result(subprocess.run([self.program, *arguments], capture_output=True, timeout=120))

    def recommend(self, *arguments, bundle=None):
        answer = self.run("recommend", bundle or self.bundle, "--json", *arguments).ok()
        return [json.loads(line) for line in answer.out.splitlines()]

    def best(self, user, k=10, include_seen=False, keep=lambda i: True, adult=False):
        """Brute force: ids of the best items."""
        def score(i):
            return as_float(sum(self.users[user * D + j] * self.items[i * D + j] for j in range(D)))
        rows = [i for i in range(ITEMS) if keep(i) and (adult or i != 7)
                and (include_seen or i not in self.seen[user])]
        return [self.item_ids[i] for i in sorted(rows, key=lambda i: (-score(i), self.item_ids[i]))][:k]


def ids(answer):
    return [found["item_id"] for found in answer["recommendations"]]


# --- the command line -------------------------------------------------------

def test_without_a_command_it_says_so(case):
    case.run().usage("a command is needed")


def test_an_unknown_command_is_a_usage_error(case):
    case.run("frobnicate").usage("there is no command 'frobnicate'")
    case.run("help", "frobnicate").usage("there is no command 'frobnicate'")


def test_help_lists_every_command_and_every_option(case):
    overview = case.run("help").ok().out
    assert overview == case.run("--help").ok().out
    for command in ("inspect", "verify", "diff", "import", "recommend", "similar", "explain", "publish", "alias", "list"):
        assert "\n  %s " % command in overview, command
        text = case.run("help", command).ok().out
        assert text.startswith("usage: recsysctl " + command), text
        assert text == case.run(command, "--help").ok().out
    assert "--min-rating" in case.run("help", "recommend").ok().out


def test_version(case):
    assert case.run("--version").ok().out.startswith("recsysctl 0.")


def test_wrong_options_are_usage_errors(case):
    case.run("inspect", case.bundle, "--nope").usage("inspect has no option '--nope'", "inspect")
    case.run("inspect", case.bundle, "-j").usage("inspect has no option '-j'", "inspect")
    case.run("inspect", case.bundle, "--k").usage("inspect has no option '--k'", "inspect")
    case.run("inspect", case.bundle, "--registry").usage("--registry needs a value", "inspect")
    case.run("inspect", case.bundle, "--json=yes").usage("--json takes no value", "inspect")
    case.run("inspect", case.bundle, "--json", "--json").usage("--json is given twice", "inspect")
    case.run("inspect").usage("inspect needs PATH", "inspect")
    case.run("inspect", case.bundle, "more").usage("inspect: unexpected operand 'more'", "inspect")
    case.run("recommend", case.bundle, "-k", "0").usage("-k must be a number from 1 to 1000, not '0'", "recommend")
    case.run("recommend", case.bundle, "-k", "2.5").usage("-k must be a whole number", "recommend")
    case.run("recommend", case.bundle, "-k1001").usage("-k must be a number from 1 to 1000, not '1001'", "recommend")
    case.run("recommend", case.bundle, "--min-rating", "nan").usage(
        "--min-rating must be a number from 0 to 10, not 'nan'", "recommend")
    for decade in ("1995", "90s", "1990x", "1990ss"):
        case.run("recommend", case.bundle, "--decade", decade).usage(
            "--decade must be like 1990s, not '%s'" % decade, "recommend")


def test_both_ways_of_writing_an_option_work(case):
    want = case.run("recommend", case.bundle, "--user", "22", "-k", "3", "--json").ok().out
    assert want == case.run("recommend", "--user=22", "-k3", "--json", "--", case.bundle).ok().out


def test_output_that_cannot_be_written_is_a_failure(case):
    with open("/dev/full", "w") as full:
        done = subprocess.run([case.program, "inspect", case.bundle], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"recsysctl: cannot write the output: No space left on device\n", done.stderr


# --- inspect and verify -----------------------------------------------------

def test_inspect_shows_what_the_model_is(case):
    table = case.run("inspect", case.bundle).ok().out
    lines = [" ".join(line.split()) for line in table.splitlines()]
    for line in ("name films", "version 4", "algorithm als", "trained 2026-01-02T03:04:05Z",
                 "users 6, integer ids", "items 40, integer ids, each a movie", "dimensions 8",
                 "score inner_product, link clip", "catalogue 40 items", "seen 24 user-item pairs",
                 "metrics recall@10 = 0.125", "hyperparameters factors = 8"):
        assert line in lines, "%r is not in\n%s" % (line, table)


def test_inspect_prints_json(case):
    info = json.loads(case.run("inspect", case.bundle, "--json").ok().out)
    want = {"name": "films", "version": "4", "algorithm": "als", "dimensions": 8, "n_users": 6, "n_items": 40,
            "n_seen": 24, "n_catalog": 40, "n_features": 0, "user_ids": "integer", "item_ids": "integer",
            "metric": "inner_product", "link": {"kind": "clip"}, "metrics": {"recall@10": 0.125},
            "hyperparameters": {"factors": 8}, "training_date": "2026-01-02T03:04:05Z", "item_name": "movie",
            "popularity": "seen", "similar_by": "vector"}
    for name, value in want.items():
        assert info[name] == value, (name, info[name])
    assert len(info["fingerprint"]) == 64


def test_verify_accepts_a_whole_bundle(case):
    fingerprint = json.loads(case.run("inspect", case.bundle, "--json").ok().out)["fingerprint"]
    assert case.run("verify", case.bundle).ok().out == "%s: ok, films 4, fingerprint %s\n" % (case.bundle, fingerprint)


def test_verify_refuses_a_damaged_bundle(case):
    for name in ("model.safetensors", "seen.safetensors", "catalog.safetensors", "recsys.json"):
        copy = case.path("damaged-" + name)
        shutil.copytree(case.bundle, copy)
        with open(os.path.join(copy, name), "r+b") as file:
            file.seek(-3, os.SEEK_END)
            last = file.read(1)
            file.seek(-3, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
        case.run("verify", copy).failed(name)
        assert case.run("inspect", copy).failed(name).out == ""


# --- catalog and upgrade ----------------------------------------------------

def test_catalog_prints_what_was_imported(case):
    lines = [json.loads(line) for line in case.run("catalog", case.bundle).ok().out.splitlines()]
    want = [case.line(i) for i in range(ITEMS)]
    for line in want:
        if not line["adult"]:       # what is unknown or false is left out
            del line["adult"]
    assert lines == want, lines[:3]


def test_catalog_can_be_imported_again(case):
    text = case.run("catalog", case.bundle).ok().out
    out = case.path("again")
    case.run("import", "--out", out, *case.arrays()[:-1], case.write("again.jsonl", text.encode())).ok()
    assert case.run("catalog", out).ok().out == text


def test_the_order_of_the_lines_leaves_no_trace(case):
    lines = read_bytes(case.path("catalog.jsonl")).splitlines(keepends=True)
    out = case.path("turned")
    case.run("import", "--out", out, *case.arrays()[:-1], case.write("turned.jsonl", b"".join(lines[::-1]))).ok()
    for name in ("model.safetensors", "catalog.safetensors"):
        assert read_bytes(os.path.join(out, name)) == read_bytes(os.path.join(case.bundle, name)), name


def test_upgrade_keeps_the_answers_and_all_else(case):
    old, new = os.path.join(GOLDEN, "v1"), case.path("upgraded")
    with open(os.path.join(old, "recsys.json")) as file:
        before = json.load(file)
    answer = case.run("upgrade", old, new).ok()
    assert answer.out.startswith(new + ": golden 1, fingerprint "), answer.out
    with open(os.path.join(new, "recsys.json")) as file:
        after = json.load(file)
    assert (before["format_version"], after["format_version"]) == (1, 2)
    for name in set(before) - {"format_version", "files"}:
        assert after[name] == before[name], name
    for command in (["catalog"], ["recommend", "--user", "1000", "--reasons"], ["similar", "--item", "6"]):
        assert case.run(*command, new).ok().out == case.run(*command, old).ok().out, command
    found = json.loads(case.run("diff", old, new, "--json").ok().out)
    assert found["changes"] == [] and found["answers"]["identical"] == found["answers"]["compared"], found
    again = case.path("upgraded-again")
    case.run("upgrade", new, again).ok()
    for name in os.listdir(new):
        assert read_bytes(os.path.join(new, name)) == read_bytes(os.path.join(again, name)), name


def test_upgrade_takes_foreign_members_over_and_says_what_stays_behind(case):
    old, new = case.path("foreign"), case.path("foreign-upgraded")
    shutil.copytree(os.path.join(GOLDEN, "v1"), old)
    with open(os.path.join(old, "README"), "wb") as file:
        file.write(b"ours")
    with open(os.path.join(old, "recsys.json")) as file:
        manifest = json.load(file)
    manifest["owner"] = {"team": ["a", 1]}
    manifest["files"].append({"name": "README", "size": 4, "sha256": hashlib.sha256(b"ours").hexdigest()})
    with open(os.path.join(old, "recsys.json"), "w") as file:
        json.dump(manifest, file)
    answer = case.run("upgrade", old, new)
    assert answer.status == 0 and "README is not part of a model and stays behind" in answer.err, answer.err
    with open(os.path.join(new, "recsys.json")) as file:
        assert json.load(file)["owner"] == {"team": ["a", 1]}
    case.run("upgrade", old, new).failed(new)


def test_a_path_that_is_not_there_fails(case):
    for command in ("inspect", "verify", "recommend"):
        case.run(command, case.path("nothing")).failed(case.path("nothing"), "No such file or directory")


# --- diff -------------------------------------------------------------------

def test_diff_of_a_model_with_itself_finds_nothing(case):
    found = json.loads(case.run("diff", case.bundle, case.bundle, "--json").ok().out)
    assert found["changes"] == [] and found["old"] == found["new"], found
    assert found["users"] == {"gained": 0, "lost": 0, "common": USERS}, found
    assert found["items"] == {"gained": 0, "lost": 0, "common": ITEMS}, found
    answers = found["answers"]
    assert (answers["k"], answers["asked"], answers["compared"], answers["identical"]) == (10, USERS, USERS, USERS)
    assert answers["kept"] == 1.0 and answers["empty"] == answers["not_finite"] == 0, answers
    assert found["score"]["old"] == found["score"]["new"] and found["score"]["old"]["n"] == 10 * USERS


def other_model(case):
    """Four of the users and two new ones, five items less and three more, other factors, nothing else."""
    out = case.path("other-model")
    if not os.path.exists(out):
        n_users, n_items = USERS, ITEMS - 2
        case.write("other-u.npy", npy(case.users[:n_users * D][::-1], [n_users, D]))
        case.write("other-v.npy", npy(case.items[:n_items * D], [n_items, D]))
        case.write("other-uid.npy", npy(case.user_ids[2:] + [5, 99], [n_users], "i8"))
        case.write("other-vid.npy", npy(case.item_ids[5:] + [1, 2, 3], [n_items], "i8"))
        case.run("import", "--out", out, "--user-factors", case.path("other-u.npy"), "--item-factors",
                 case.path("other-v.npy"), "--user-ids", case.path("other-uid.npy"), "--item-ids",
                 case.path("other-vid.npy"), "--name", "films", "--version", "5", "--link", "clip").ok()
    return out


def test_diff_counts_gains_and_losses_and_compares_answers(case):
    other, users = other_model(case), case.user_ids[2:]
    found = json.loads(case.run("diff", case.bundle, other, "-k", "7", "--users", "all", "--json").ok().out)
    assert found["users"] == {"gained": 2, "lost": 2, "common": 4}, found
    assert found["items"] == {"gained": 3, "lost": 5, "common": ITEMS - 5}, found
    assert found["changes"] == ["the catalogue is lost", "the seen lists are lost"], found
    pairs = []
    for user in users:
        pairs.append([ids(case.recommend("--user", str(user), "-k", "7", bundle=bundle)[0])
                      for bundle in (case.bundle, other)])
    kept = sum(len(set(old) & set(new)) for old, new in pairs) / sum(len(old) for old, _ in pairs)
    assert found["answers"]["compared"] == 4 and abs(found["answers"]["kept"] - kept) < 1e-9, (found, kept)
    assert 0 < kept < 1
    best = max(case.recommend("--user", str(user), "-k", "1", bundle=other)[0]["recommendations"][0]["raw"]
               for user in users)
    assert abs(found["raw"]["new"]["largest"] - best) < 1e-6, (found["raw"], best)


def test_diff_shows_a_table(case):
    text = case.run("diff", case.bundle, other_model(case)).ok().out
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in ("name films films", "version 4 5", "users 6 6 2 gained, 2 lost", "items 40 38 3 gained, 5 lost",
                 "catalogue 40 0", "seen pairs 24 0", "user ids integer integer",
                 "warning: the catalogue is lost", "warning: the seen lists are lost"):
        assert line in lines, "%r is not in\n%s" % (line, text)
    assert "top 10 of 4 users: " in text


def test_diff_of_models_with_nothing_in_common(case):
    out = case.path("diff-texts")
    case.run("import", "--out", out, "--user-factors", case.path("u.npy"), "--item-factors", case.path("v.npy"),
             "--user-ids-text", case.write("du.txt", b"".join(b"u%d\n" % i for i in range(USERS))),
             "--item-ids-text", case.write("dv.txt", b"".join(b"i%d\n" % i for i in range(ITEMS)))).ok()
    found = json.loads(case.run("diff", case.bundle, out, "--json").ok().out)
    assert found["changes"][:2] == ["the kind of user ids has changed", "the kind of item ids has changed"], found
    assert found["users"] == {"gained": USERS, "lost": USERS, "common": 0}, found
    assert found["answers"]["asked"] == USERS and found["answers"]["kept"] is None, found
    assert found["score"]["old"] is None and found["score"]["new"]["n"] == 10 * USERS, found
    assert "nothing in common to compare" in case.run("diff", case.bundle, out).ok().out


def test_diff_checks_its_command_line(case):
    case.run("diff", case.bundle).usage("diff needs OLD NEW", "diff")
    case.run("diff", case.bundle, case.bundle, "--users", "0").usage(
        "--users must be a number from 1 to 4294967295, not '0'", "diff")
    case.run("diff", case.bundle, case.bundle, "--users", "1.5").usage("--users must be a whole number", "diff")
    case.run("diff", case.bundle, case.path("nothing")).failed(case.path("nothing"), "No such file or directory")


# --- import -----------------------------------------------------------------

def test_import_reports_what_it_wrote(case):
    out = case.path("reported")
    answer = case.run("import", "--out", out, *case.arrays(), "--name", "x", "--version", "2").ok()
    assert answer.out == "link: sigmoid (nothing says what a score means; set source or link)\n" + out + \
        ": x 2, 6 users, 40 items, 8 dimensions\n", answer.out


def test_import_needs_out_and_parts(case):
    case.run("import").usage("import needs --out", "import")
    case.run("import", "--out", case.path("x"), "--npz", "a", "--bundle", "b").usage(
        "only one of --model, --npz, --safetensors and --bundle can be given", "import")
    case.run("import", "--out", case.path("x"), *case.arrays(), "--set", "metrics.a").usage(
        "--set needs FIELD=VALUE, not 'metrics.a'", "import")
    case.run("import", "--out", case.path("x")).failed("factors")
    assert not os.path.exists(case.path("x"))


def test_import_never_replaces_what_is_there(case):
    case.run("import", "--out", case.bundle, *case.arrays()).failed(case.bundle)
    case.run("verify", case.bundle).ok()


def test_import_reads_members_of_an_npz(case):
    path = case.path("arrays.npz")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("P.npy", npy(case.users, [USERS, D]))
        archive.writestr("item_factors.npy", npy(case.items, [ITEMS, D]))
    out = case.path("from-npz-members")
    case.run("import", "--out", out, "--user-factors", path + "#P", "--item-factors", path, "--link", "clip").ok()
    assert len(case.recommend("--user", "1", bundle=out)[0]["recommendations"]) == 10
    case.run("import", "--out", case.path("x"), "--user-factors", path + "#Q", "--item-factors", path).failed(
        "arrays.npz", "Q")


def test_import_takes_a_model_of_implicit(case):
    path = case.path("als.npz")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user_factors.npy", npy(case.users, [USERS, D]))
        archive.writestr("item_factors.npy", npy(case.items, [ITEMS, D]))
    out = case.path("from-implicit")
    case.run("import", "--out", out, "--npz", path, "--user-ids", case.path("uid.npy"),
             "--item-ids", case.path("vid.npy"), "--catalog", case.path("catalog.jsonl"), "--link", "clip").ok()
    for i, user in enumerate(case.user_ids):
        assert ids(case.recommend("--user", str(user), bundle=out)[0]) == case.best(i, include_seen=True)


def test_import_takes_safetensors(case):
    path = case.path("model.safetensors")
    safetensors(path, {"user_factors": ("F32", [USERS, D], struct.pack("<%df" % (USERS * D), *case.users)),
                       "item_factors": ("F32", [ITEMS, D], struct.pack("<%df" % (ITEMS * D), *case.items))})
    out = case.path("from-safetensors")
    case.run("import", "--out", out, "--safetensors", path, "--item-ids", case.path("vid.npy"), "--metric",
             "cosine", "--link", "linear", "--link-min", "-1", "--link-max", "1").ok()
    info = json.loads(case.run("inspect", out, "--json").ok().out)
    assert (info["metric"], info["link"]) == ("cosine", {"kind": "linear", "min": -1.0, "max": 1.0}), info


def test_a_single_file_can_be_told_metric_and_link(case):
    path = case.path("bare.safetensors")
    safetensors(path, {"user_factors": ("F32", [1, 2], struct.pack("<2f", 1, 0)),
                       "item_factors": ("F32", [1, 2], struct.pack("<2f", 2, 0))})

    def score(*options):
        return case.recommend("--user", "0", *options, bundle=path)[0]["recommendations"][0]["score"]
    assert score("--link", "linear:0:4") == 0.5
    assert score("--link", "linear:0:4", "--metric", "cosine") == 0.25
    assert case.run("inspect", path, "--link", "clip", "--json").ok().out.count('"clip"') == 1
    case.run("inspect", path, "--link", "cubic").usage(
        "--link must be sigmoid, clip or linear:MIN:MAX with MIN < MAX, not 'cubic'", "inspect")
    case.run("inspect", path, "--metric", "l2").usage("--metric must be inner_product or cosine, not 'l2'", "inspect")
    case.run("inspect", case.bundle, "--link", "clip").failed("a bundle's manifest says them")


def test_import_changes_parts_of_a_bundle(case):
    out = case.path("renamed")
    case.run("import", "--out", out, "--bundle", case.bundle, "--name", "other", "--set", "metrics.ndcg@10=0.5").ok()
    info = json.loads(case.run("inspect", out, "--json").ok().out)
    assert info["name"] == "other" and info["metrics"]["ndcg@10"] == 0.5, info
    assert case.recommend("--user", "33", bundle=out)[0]["recommendations"] == \
        case.recommend("--user", "33")[0]["recommendations"]


def test_import_takes_text_ids(case):
    names = "".join("user-%c\n" % (97 + i) for i in range(USERS)).encode()
    films = "".join("film %d\r\n" % i for i in range(ITEMS)).encode()
    out = case.path("texts")
    case.run("import", "--out", out, "--user-factors", case.path("u.npy"), "--item-factors", case.path("v.npy"),
             "--user-ids-text", case.write("users.txt", names),
             "--item-ids-text", case.write("items.txt", films), "--link", "clip").ok()
    answer = case.recommend("--user", "user-c", "-k", "4", "--exclude", "film 3", bundle=out)[0]
    want = [i for i in case.best(2, 6, include_seen=True, adult=True) if i != case.item_ids[3]][:4]
    assert ids(answer) == ["film %d" % case.item_ids.index(i) for i in want], answer
    assert answer["user_id"] == "user-c"
    assert "id film " in case.run("recommend", out, "--user", "user-a").ok().out
    assert case.run("similar", out, "--item", "film 5", "-k", "2").ok().out.count("\n") == 3


def test_import_skips_a_byte_order_mark(case):
    mark = "\ufeff".encode()
    out, names = case.path("marked"), "".join("row-%d\n" % i for i in range(ITEMS)).encode()
    catalog = b"".join(b'{"id": "row-%d", "title": "title %d"}\n' % (i, i) for i in range(ITEMS))
    case.run("import", "--out", out, "--user-factors", case.path("u.npy"), "--item-factors", case.path("v.npy"),
             "--item-ids-text", case.write("marked.txt", mark + names),
             "--catalog", case.write("marked.jsonl", mark + catalog)).ok()
    assert case.run("similar", out, "--item", "row-0", "-k", "2").ok().out.count("\n") == 3
    assert mark.decode() not in case.run("catalog", out).ok().out
    manifest = os.path.join(out, "recsys.json")
    with open(manifest, "rb") as file:
        text = file.read()
    with open(manifest, "wb") as file:
        file.write(mark + text)
    case.run("verify", out).ok()
    os.mkdir(case.path("marked-registry"))
    case.run("publish", "--registry", case.path("marked-registry"), "--name", "marked", out).ok()


def test_import_names_the_line_of_a_bad_text_file(case):
    factors = ["--user-factors", case.path("u.npy"), "--item-factors", case.path("v.npy")]
    bad = case.write("bad.txt", b"a\nb\n\nd\n")
    case.run("import", "--out", case.path("x"), *factors, "--user-ids-text", bad).failed(
        "recsysctl: bad.txt:3: an empty line; every line is one name")
    bad = case.write("zero.txt", b"a\nb\0c\n")
    case.run("import", "--out", case.path("x"), *factors, "--user-ids-text", bad).failed(
        "recsysctl: zero.txt:2: a zero byte")
    case.run("import", "--out", case.path("x"), *factors, "--user-ids-text", case.path("none.txt")).failed(
        "recsysctl: cannot open none.txt: No such file or directory")
    short = case.write("short.txt", b"a\nb\n")
    case.run("import", "--out", case.path("x"), *factors, "--user-ids-text", short).failed("user_ids")
    assert not os.path.exists(case.path("x"))


def floats(rows, columns):
    return struct.pack("<%df" % (rows * columns), *[i % 7 - 3 for i in range(rows * columns)])


def test_import_understands_the_names_of_a_state_dict(case):
    path, out = case.path("torch.safetensors"), case.path("from-torch")
    safetensors(path, {"user_emb.weight": ("F32", [6, 4], floats(6, 4)),
                       "item_emb.weight": ("F32", [9, 4], floats(9, 4)),
                       "item_bias.weight": ("F32", [9, 1], floats(9, 1)),
                       "mlp.0.weight": ("F32", [2, 4], floats(2, 4))})
    answer = case.run("import", "--out", out, "--model", path, "--from", "pytorch", "--global-mean", "3.5").ok()
    assert answer.out == """source: pytorch
user_factors: %s: user_emb.weight F32 [6,4]
item_factors: %s: item_emb.weight F32 [9,4]
item_bias: %s: item_bias.weight F32 [9,1]
global mean: 3.5, added to item_bias
metric: inner_product
link: sigmoid (right for a loss on probabilities; a model of ratings needs link linear with link_min and link_max)
not used: %s: mlp.0.weight F32 [2,4]
%s: from-torch 1, 6 users, 9 items, 4 dimensions
""" % (path, path, path, path, out), answer.out


def test_import_names_both_arrays_when_there_is_a_choice(case):
    path = case.path("two.safetensors")
    safetensors(path, {"item_emb.weight": ("F32", [9, 4], floats(9, 4)),
                       "items.weight": ("F32", [9, 8], floats(9, 8)),
                       "u.weight": ("F32", [6, 8], floats(6, 8))})
    case.run("import", "--out", case.path("x"), "--model", path).failed(
        "item_factors could be item_emb.weight F32 [9,4] or items.weight F32 [9,8]",
        "--item-factors FILE#NAME")
    case.run("import", "--out", case.path("chosen"), "--item-factors", path + "#items.weight",
             "--user-factors", path).ok()


def test_import_says_what_a_file_is_that_it_does_not_take(case):
    def attempt(name, content):
        return case.run("import", "--out", case.path("x"), "--model", case.write(name, content))

    def archive(member):
        path = case.path("archive")
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(member, b"x")
        with open(path, "rb") as file:
            return file.read()
    attempt("model.pt", archive("archive/data.pkl")).failed(
        "model.pt", "torch.save()", "safetensors.torch.save_file(model.state_dict()")
    attempt("model.pkl", b"\x80\x04\x95abc.").failed("model.pkl", "pickled", "docs/models.md")
    attempt("objects.npy", npy([1] * 4, [2, 2]).replace(b"<f4", b"|O ")).failed("objects.npy", "|O")
    attempt("plain.zip", archive("readme.txt")).failed("is a ZIP archive without arrays (.npy)")
    attempt("als.parquet", b"PAR1xxxxPAR1").failed("Parquet")
    attempt("noise.bin", bytes(range(200))).failed("neither a bundle directory nor")
    with zipfile.ZipFile(case.path("bm25.npz"), "w") as file:
        for name in ("data", "indices", "indptr", "K"):
            file.writestr(name + ".npy", npy([1] * 4, [4]))
    case.run("import", "--out", case.path("x"), "--model", case.path("bm25.npz")).failed(
        "bm25.npz", "models of neighbours, which have no factors")
    with zipfile.ZipFile(case.path("other.npz"), "w") as file:
        file.writestr("weights.npy", npy([1] * 4, [2, 2]))
    case.run("import", "--out", case.path("x"), "--model", case.path("other.npz")).failed(
        "has no tensor item_factors; it has weights <f4 [2,2]", "--item-factors FILE#NAME")
    assert not os.path.exists(case.path("x"))


def test_import_takes_text_ids_of_numpy(case):
    out, texts = case.path("numpy-texts"), "".join("film-%02d" % i for i in range(ITEMS))
    path = case.write("names.npy", npy([ord(c) for c in texts], [ITEMS], "u4").replace(b"'<u4'", b"'<U7'"))
    case.run("import", "--out", out, "--user-factors", case.path("u.npy"), "--item-factors", case.path("v.npy"),
             "--item-ids", path).ok()
    assert "film-" in ids(case.recommend("--user", "1", bundle=out)[0])[0]


def test_import_takes_word_vectors(case):
    out = case.path("words")
    path = case.write("items.vec", b"3 2\n</s> 9 9\nThe Matrix 1 0\nfilm-2 0.6 0.8\n")
    answer = case.run("import", "--out", out, "--model", path).ok()
    assert "source: word2vec (recognised)\n" in answer.out and "metric: cosine\n" in answer.out, answer.out
    answer = case.run("similar", out, "--item", "The Matrix", "--json").ok()
    assert '"item_id": "film-2"' in answer.out and "0.6" in answer.out, answer.out


def test_import_takes_keras(case):
    fixtures = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "keras")
    path, out = os.path.join(fixtures, "functional.keras"), case.path("from-keras")
    answer = case.run("import", "--out", out, "--model", path).ok()
    for part, shape in (("user_embedding", "[6,4]"), ("item_embedding", "[9,4]"), ("user_bias", "[6,1]"),
                        ("item_bias", "[9,1]")):
        assert "%s: %s F32 %s\n" % (path, part, shape) in answer.out, answer.out
    row = case.recommend("--user", "1", "-k", "9", bundle=out)[0]["recommendations"]
    want = {i: sum((4 + j + 0.25) * (4 * i + j + 0.25) for j in range(4)) + 1.25 + i + 0.25 for i in range(9)}
    assert {found["item_id"]: found["raw"] for found in row} == want, row
    weights = os.path.join(fixtures, "subclassed.weights.h5")
    out = case.path("from-weights")
    answer = case.run("import", "--out", out, "--model", weights, "--user-factors",
                      weights + "#layers/embedding/vars/0").ok()
    assert answer.out.endswith(": from-weights 1, 6 users, 9 items, 4 dimensions\n"), answer.out


def test_import_refuses_hdf5_that_is_not_whole(case):
    fixtures = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "keras")
    with open(os.path.join(fixtures, "subclassed.weights.h5"), "rb") as file:
        content = file.read()
    for size in (9, 100, 1000, len(content) // 2, len(content) - 1):
        cut = case.write("cut.h5", content[:size])
        case.run("import", "--out", case.path("x"), "--model", cut).failed("cut.h5")
    case.run("import", "--out", case.path("x"), "--model", os.path.join(fixtures, "external.h5")).failed(
        "external.h5: item_emb: has its data in another file")
    case.run("inspect", os.path.join(fixtures, "functional.keras")).failed("is a Keras model", "recsysctl import")


def test_a_large_archive_is_not_copied_to_see_whose_it_is(case):
    """A file of 1 GiB that begins as an archive does; the program may have 600 MiB of its own."""
    large = case.write("large.npz", b"PK")
    os.truncate(large, 1 << 30)
    for arguments in (["--model", large], ["--item-factors", large + "#items"]):
        done = subprocess.run([case.program, "import", "--out", case.path("x"), *arguments], capture_output=True,
                              env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, timeout=120,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (600 << 20,) * 2))
        assert done.returncode == 1 and b"large.npz: " in done.stderr and b"memory" not in done.stderr, done.stderr


def test_import_says_what_is_wrong_with_an_array(case):
    def attempt(*arguments):
        return case.run("import", "--out", case.path("x"), *arguments)
    v = ["--item-factors", case.path("v.npy")]
    attempt("--user-factors", case.write("junk.npy", b"junk" * 99), *v).failed("junk.npy")
    attempt("--user-factors", case.write("cut.npy", npy(case.users, [USERS, D])[:-4]), *v).failed("cut.npy")
    attempt("--user-factors", case.write("thin.npy", npy(case.users, [USERS * 2, D // 2])), *v).failed("user_factors")
    attempt("--user-factors", case.write("nan.npy", npy([float("nan")] * USERS * D, [USERS, D])), *v).failed(
        "user_factors")
    attempt("--user-factors", case.path("u.npy"), *v, "--item-ids",
            case.write("twice.npy", npy([1] * ITEMS, [ITEMS], "i8"))).failed("item_ids")
    attempt("--user-factors", case.path("u.npy"), *v, "--link", "cubic").failed("link")
    attempt("--user-factors", case.path("u.npy"), *v, "--catalog",
            case.write("bad.jsonl", b'{"id": 1}\n{"title": "?"}\n')).failed_with("bad.jsonl:2: ", "1 problem;")
    assert not os.path.exists(case.path("x"))


# --- recommend and similar --------------------------------------------------

def test_recommend_is_brute_force(case):
    answers = case.recommend(*[word for user in case.user_ids for word in ("--user", str(user))])
    assert [answer["user_id"] for answer in answers] == case.user_ids
    for i, answer in enumerate(answers):
        assert ids(answer) == case.best(i), i
        assert answer["strategy"] == "user" and answer["model_version"] == "4"


# --- recommend --users ------------------------------------------------------

N_MANY = 3000


def many_users(case):
    """A model whose answers do not fit into one chunk; ids with commas, quotes and newlines."""
    out = case.path("many-users")
    if not os.path.exists(out):
        rng = random.Random(11)
        case.write("many-u.npy", npy([rng.uniform(-1, 1) for _ in range(N_MANY * D)], [N_MANY, D]))
        users = [("u,%d", 'u"%d', "u%d", "\u00fc %d")[i % 4] % i for i in range(N_MANY)]
        seen = [list(range(ITEMS)) if i % 50 == 7 else [i % ITEMS] for i in range(N_MANY)]
        offsets = [0]
        for rows in seen:
            offsets.append(offsets[-1] + len(rows))
        case.write("many-so.npy", npy(offsets, [N_MANY + 1], "u8"))
        case.write("many-si.npy", npy([row for rows in seen for row in rows], [offsets[-1]], "u4"))
        case.run("import", "--out", out, "--user-factors", case.path("many-u.npy"), "--item-factors", case.path("v.npy"),
                 "--user-ids-text", case.write("many.txt", "\n".join(users + [""]).encode()),
                 "--item-ids-text", case.write("many-items.txt", b"".join(b"i,%d\n" % i for i in range(ITEMS))),
                 "--seen-offsets", case.path("many-so.npy"), "--seen-items", case.path("many-si.npy")).ok()
    return out


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def parts_of(out):
    folder, name = os.path.split(out)
    return sorted(os.path.join(folder, entry) for entry in os.listdir(folder) if entry.startswith(name + ".part-"))


def test_recommend_to_users_of_a_file_gives_the_answers_of_recommend(case):
    out = case.path("some.jsonl")
    users = case.write("some-users.txt", "\ufeff33\r\n11\n\n77\n33".encode())
    answer = case.run("recommend", case.bundle, "--users", users, "--out", out, "-k", "4", "--genre", "Nope", "--reasons").ok()
    assert answer.out == out + ": 4 users\n", answer.out
    lines = [json.loads(line) for line in read_bytes(out).splitlines()]
    want = case.recommend("--user", "33", "--user", "11", "--user", "77", "--user", "33", "-k", "4", "--genre", "Nope",
                          "--reasons")
    for line, reference in zip(lines, want, strict=True):
        reference["recommendations"] = [{name: item[name] for name in ("item_id", "score", "raw", "reason")}
                                        for item in reference["recommendations"]]
        assert line == reference, (line, reference)
    assert parts_of(out) == []


def test_recommend_to_all_users_as_csv(case):
    bundle, out = many_users(case), case.path("all.csv")
    case.run("recommend", bundle, "--users", "all", "--out", out, "-k", "3", "--threads", "2").ok()
    jsonl = case.path("all.jsonl")
    case.run("recommend", bundle, "--users", "all", "--out", jsonl, "-k", "3", "--threads", "1").ok()
    want = []
    for line in read_bytes(jsonl).splitlines():
        answer = json.loads(line)
        for rank, item in enumerate(answer["recommendations"], 1):
            want.append([answer["user_id"], str(rank), item["item_id"], item["score"], item["raw"], answer["strategy"]])
        if not answer["recommendations"]:
            want.append([answer["user_id"], "0", "", "", "", answer["strategy"]])
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["user_id", "rank", "item_id", "score", "raw", "strategy"]
    assert len({row[0] for row in rows[1:]}) == N_MANY and sum(row[1] == "0" for row in rows) == N_MANY // 50
    for row, reference in zip(rows[1:], want, strict=True):
        assert row[:3] == reference[:3] and row[5] == reference[5], (row, reference)
        assert [float(x) if x else "" for x in row[3:5]] == reference[3:5], (row, reference)


def test_an_interrupted_run_is_continued_to_the_same_bytes(case):
    """The file size limit ends the process with a signal at an exact byte."""
    bundle, rng = many_users(case), random.Random(5)
    for name in ("cut.jsonl", "cut.csv"):
        out = case.path(name)
        arguments = [case.program, "recommend", bundle, "--users", "all", "-k", "5", "--out", out]
        case.run(*arguments[1:]).ok()
        whole = read_bytes(out)
        os.remove(out)
        for attempt in range(12):
            sizes = sorted(rng.sample(range(len(whole)), 3)) if attempt else [3, len(whole) - 1]
            for size in sizes:
                done = subprocess.run(arguments, capture_output=True, timeout=120, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (size, size)))
                assert done.returncode == -signal.SIGXFSZ, (done.returncode, done.stderr)
                part, = parts_of(out)
                assert read_bytes(part) == whole[:size], size
            done = case.run(*arguments[1:])
            assert done.status == 0 and read_bytes(out) == whole and parts_of(out) == [], (name, sizes)
            os.remove(out)


def test_a_run_killed_at_any_time_is_continued_to_the_same_bytes(case):
    """The process may be faster than the signal; the test above ends it at exact bytes."""
    bundle, out = many_users(case), case.path("killed.csv")
    users = case.write("killed-users.txt", b"".join(b"u%d\n" % (i % N_MANY) for i in range(10 * N_MANY)))
    arguments = ["recommend", bundle, "--users", users, "-k", "20", "--out", out]

    def size_of_part():
        try:
            return sum(os.path.getsize(part) for part in parts_of(out))
        except FileNotFoundError:  # it has its name now
            return 0
    case.run(*arguments).ok()
    whole = read_bytes(out)
    os.remove(out)
    for share in (0, 0.3, 0.6, 0.9):
        process = subprocess.Popen([case.program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and size_of_part() <= share * len(whole):
            pass
        process.kill()
        process.wait()
        if os.path.exists(out):
            assert read_bytes(out) == whole
            os.remove(out)
    assert case.run(*arguments).status == 0 and read_bytes(out) == whole


def test_only_parts_of_another_run_are_removed(case):
    out = case.path("kept.csv")
    endings = ("1", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg", "of-my-notes.txt")
    others = [case.write("kept.csv.part-" + ending, b"not yours") for ending in endings]
    stale = case.write("kept.csv.part-0123456789abcdef", b"")
    answer = case.run("recommend", case.bundle, "--users", "all", "--out", out, "-k", "3")
    assert answer.status == 0 and "0123456789abcdef is of another model" in answer.err, answer.err
    assert parts_of(out) == sorted(others) and not os.path.exists(stale), parts_of(out)


def test_another_run_does_not_continue_a_part(case):
    out = case.path("other.jsonl")
    arguments = ["recommend", case.bundle, "--users", "all", "--out", out]
    cases = [["-k", "3"], ["-k", "4"], ["-k", "4", "--exclude", "100"], ["-k", "4", "--exclude", "103"],
             ["-k", "4", "--genre", "Action"], ["-k", "4", "--include-adult"], ["-k", "4", "--min-rating", "5"],
             ["-k", "4", "--language", "en"], ["-k", "4", "--decade", "1990s"]]
    before = None
    for options in cases:
        case.run(*arguments, *options)
        want = read_bytes(out)
        os.remove(out)
        done = subprocess.run([case.program, *arguments, *options], capture_output=True, timeout=120,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)))
        assert done.returncode == -signal.SIGXFSZ
        part, = parts_of(out)
        assert part != before, options
        before = part
        users = case.write("all-but-one.txt", b"".join(b"%d\n" % user for user in case.user_ids[1:]))
        done = case.run("recommend", case.bundle, "--users", users, "--out", out, *options)
        assert done.status == 0 and part + " is of another model, other users or options; starting over" in done.err
        assert read_bytes(out) == b"".join(want.splitlines(True)[1:])
        os.remove(out)


def test_recommend_to_users_refuses_what_is_wrong(case):
    out = case.path("wrong.jsonl")
    case.run("recommend", case.bundle, "--users", "all").usage("recommend needs --out", "recommend")
    case.run("recommend", case.bundle, "--out", out).usage("recommend needs --users", "recommend")
    case.run("recommend", case.bundle, "--users", "all", "--user", "1", "--out", out).usage(
        "only one of --user and --users can be given", "recommend")
    case.run("recommend", case.bundle, "--users", "all", "--out", case.path("x.txt")).usage(
        "--out must end in .jsonl or .csv, not be '%s'" % case.path("x.txt"), "recommend")
    bad = case.write("bad-users.txt", b"11\n-1\n22\nabc\n3\0\n")
    answer = case.run("recommend", case.bundle, "--users", bad, "--out", out)
    want = "'%s' is not an integer from 0 to 9223372036854775807, as this model's user ids are"
    assert answer.status == 1 and [line.split(": ", 2)[2] for line in answer.err.splitlines()] == [
        want % "-1", want % "abc", "a zero byte"], answer.err
    assert [":%d:" % line in answer.err for line in range(1, 6)] == [False, True, False, True, True], answer.err
    long = case.write("long-users.txt", b"x" * 256 + b"\n\xff\n")
    answer = case.run("recommend", many_users(case), "--users", long, "--out", out)
    assert answer.status == 1 and "more than 255 bytes" in answer.err and "not UTF-8" in answer.err, answer.err
    case.run("recommend", case.bundle, "--users", case.path("no-users"), "--out", out).failed("No such file")
    case.run("recommend", case.bundle, "--users", "all", "--out", case.path("no", "x.csv")).failed("No such file")
    assert not os.path.exists(out) and parts_of(out) == []
    case.write("wrong.jsonl", b"mine")
    case.run("recommend", case.bundle, "--users", "all", "--out", out).failed(
        "recsysctl: %s exists; remove it, or give another --out" % out)
    assert read_bytes(out) == b"mine"


def test_two_runs_do_not_write_one_file(case):
    out = case.path("locked.jsonl")
    arguments = ["recommend", case.bundle, "--users", "all", "--out", out]
    subprocess.run([case.program, *arguments], capture_output=True, timeout=120,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)))
    part, = parts_of(out)
    with open(part, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        case.run(*arguments).failed("recsysctl: %s: another process is writing it" % part)
        case.run(*arguments, "-k", "3").failed(part + ": another process is writing it")
    done = case.run(*arguments)
    assert done.status == 0 and len(read_bytes(out).splitlines()) == USERS, done.err


def test_no_users_make_an_empty_file(case):
    empty = case.write("empty-users.txt", b"\n")
    for name, want in (("empty.csv", b"user_id,rank,item_id,score,raw,strategy\n"), ("empty.jsonl", b"")):
        case.run("recommend", case.bundle, "--users", empty, "--out", case.path(name)).ok()
        assert read_bytes(case.path(name)) == want


def test_recommend_filters(case):
    def check(keep, *arguments, **others):
        answer = case.recommend("--user", "44", "-k", "40", *arguments)[0]
        assert ids(answer) == case.best(3, 40, keep=keep, **others), arguments
    check(lambda i: case.ratings[i] >= 6.5, "--min-rating", "6.5")
    check(lambda i: i % 2 == 1, "--language", "FR")
    check(lambda i: True, "--language", "fr", "--language", "en")
    check(lambda i: 5 <= i < 15, "--decade", "1990s")
    check(lambda i: i not in (0, 9), "--exclude", "100", "--exclude", "127", "--exclude", "999")
    check(lambda i: True, "--include-seen", include_seen=True)
    check(lambda i: True, "--include-adult", adult=True)
    check(lambda i: i % 5 == 0, "--require-genre", "HORROR")
    check(lambda i: i % 5 == 0 or i % 2 == 1, "--require-genre", "drama", "--require-genre", "horror")
    check(lambda i: i % 5 == 0 and case.ratings[i] >= 5, "--require-genre", "horror", "--min-rating", "5")
    answer = case.recommend("--user", "44", "--require-genre", "Westen")[0]
    assert ids(answer) == [] and answer["preferences_ignored"] == ["--require-genre Westen"], answer


def test_genres_come_as_far_to_the_front_as_the_strength_says(case):
    for user in (*case.user_ids, 77):
        before = 0
        for strength in (0, 0.2, 0.6, 1, 10):
            answer = case.recommend("--user", str(user), "--genre", "horror", "--preference-strength", str(strength))[0]
            n = sum((item - 100) // 3 % 5 == 0 for item in ids(answer))
            there = sum(i % 5 == 0 and (user == 77 or i not in case.seen[user // 11 - 1]) for i in range(ITEMS))
            assert n >= min(10 * min(strength, 1), there) and n >= before, (user, strength, n)
            before = n
        plain = case.recommend("--user", str(user))[0]
        off = case.recommend("--user", str(user), "--genre", "horror", "--preference-strength", "0")[0]
        assert off == plain, (off, plain)
    case.run("recommend", case.bundle, "--preference-strength", "11").usage(
        "--preference-strength must be a number from 0 to 10, not '11'", "recommend")


def test_joined_genres_come_with_advice(case):
    answer = case.recommend("--user", "44", "--genre", "Horror|Drama")[0]
    assert answer["preferences_ignored"] == ["--genre Horror|Drama: give each genre on its own"], answer


def test_raw_scores_beyond_a_float_stay_in_the_json(case):
    case.write("huge-u.npy", npy([1e25, 0, 1, 1], [2, 2]))
    case.write("huge-v.npy", npy([1e25, 0, -1e25, 0, 1, 1], [3, 2]))
    out = case.path("huge")
    case.run("import", "--out", out, "--user-factors", case.path("huge-u.npy"), "--item-factors", case.path("huge-v.npy")).ok()
    answer = case.recommend("--user", "0", bundle=out)[0]["recommendations"]
    assert [item["raw"] for item in answer] == [3.40282347e+38, 9.99999956e+24, -3.40282347e+38], answer
    assert explain(case, "--user", "0", "--item", "0", bundle=out)["raw"] == 3.40282347e+38


def test_ids_beyond_the_largest_are_shown_as_they_are(case):
    safetensors(case.path("unsigned.safetensors"), {
        "item_ids": ("U64", [2], struct.pack("<2Q", 13811189083039875000, 7)),
        "item_factors": ("F32", [2, 1], struct.pack("<2f", 1, 2)), "user_factors": ("F32", [1, 1], struct.pack("<f", 1))})
    case.run("inspect", case.path("unsigned.safetensors")).failed(
        "item_ids[0] is 13811189083039875000, ids go from 0 to 9223372036854775807")


def test_recommend_shows_items_as_the_catalogue_has_them(case):
    answer = case.recommend("--user", "11", "-k", "1", "--reasons")[0]["recommendations"][0]
    i = case.item_ids.index(answer["item_id"])
    line = case.line(i)
    for name in ("title", "genres", "release_year", "rating"):
        assert answer[name] == line[name], name
    assert 0.0 <= answer["score"] <= 1.0
    assert "reason" in answer
    assert "reason" not in case.recommend("--user", "11", "-k", "1")[0]["recommendations"][0]
    text = case.run("recommend", case.bundle, "--user", "11", "-k", "1").ok().out.splitlines()
    assert text == ["user 11 (strategy user, model films 4)",
                    "   1. %.4f  %s  [%s]  id %d" % (answer["score"], line["title"], ", ".join(line["genres"]),
                                                     line["id"])], text


def test_new_users_are_answered(case):
    popular, shifted = case.recommend("--user", "77")[0], case.recommend("--user", "77", "--genre", "horror")[0]
    assert (popular["strategy"], shifted["strategy"]) == ("popularity", "preferences")
    nobody = case.recommend("--reasons", "--genre", "Horror")[0]
    assert nobody["user_id"] is None and ids(nobody) == ids(shifted)
    both = case.recommend("--user", "11", "--genre", "Horror")[0]
    assert both["strategy"] == "user_preferences"
    assert case.run("recommend", case.bundle).ok().out.startswith(
        "user anonymous (strategy popularity, model films 4)\n")


def test_ids_must_be_of_the_models_kind(case):
    for user in ("abc", "-5", "1.5", "9223372036854775808", "99999999999999999999", ""):
        case.run("recommend", case.bundle, "--user=" + user).failed(
            "recsysctl: user '%s' is not an integer from 0 to 9223372036854775807, as this model's user ids are" % user)
    case.run("recommend", case.bundle, "--exclude", "x").failed(
        "recsysctl: item 'x' is not an integer from 0 to 9223372036854775807, as this model's item ids are")
    case.run("similar", case.bundle, "--item", "x").failed(
        "recsysctl: item 'x' is not an integer from 0 to 9223372036854775807, as this model's item ids are")


def test_similar_is_brute_force_by_cosine(case):
    def cosine(a, b):
        x, y = case.items[a * D: a * D + D], case.items[b * D: b * D + D]
        return sum(p * q for p, q in zip(x, y)) / (sum(p * p for p in x) * sum(q * q for q in y)) ** 0.5
    want = sorted((i for i in range(ITEMS) if i not in (5, 7)), key=lambda i: -cosine(5, i))[:6]
    answer = json.loads(case.run("similar", case.bundle, "--item", "115", "-k", "6", "--json").ok().out)
    assert answer["item_id"] == 115 and ids(answer) == [case.item_ids[i] for i in want]
    for found, i in zip(answer["recommendations"], want):
        assert abs(found["score"] - max(0.0, cosine(5, i))) < 1e-5
    text = case.run("similar", case.bundle, "--item", "115", "-k", "6").ok().out
    assert text.startswith("item 115: Film 5 (model films 4)\n   1. "), text


def test_similar_needs_an_item_that_exists(case):
    case.run("similar", case.bundle).usage("similar needs --item", "similar")
    case.run("similar", case.bundle, "--item", "999").failed("999")


# --- publish, alias, list ---------------------------------------------------

def explain(case, *arguments, bundle=None):
    return json.loads(case.run("explain", bundle or case.bundle, "--json", *arguments).ok().out)


def test_explain_agrees_with_recommend(case):
    answer = case.recommend("--user", "44", "-k", "5")[0]["recommendations"]
    for place, found in enumerate(answer, 1):
        why = explain(case, "--user", "44", "--item", str(found["item_id"]), "-k", "5", "--dimensions", "8")
        assert (why["place"], why["absent"], why["count"]) == (place, [], 5), why
        assert (why["score"], why["raw"]) == (found["score"], found["raw"]), (why, found)
        assert why["last_score"] == answer[-1]["score"] and why["link"] == "clip", why
        i = case.item_ids.index(found["item_id"])
        want = [case.users[3 * D + j] * case.items[i * D + j] for j in range(D)]
        assert sorted(d["dimension"] for d in why["dimensions"]) == list(range(D)), why
        for d in why["dimensions"]:
            assert abs(d["product"] - want[d["dimension"]]) < 1e-7, (d, want)
        sizes = [abs(d["product"]) for d in why["dimensions"]]
        assert sizes == sorted(sizes, reverse=True), sizes
        assert abs(why["terms"]["dot_product"] - sum(want)) < 1e-7
        assert abs(why["terms"]["dot_product"] - why["raw"]) < 1e-6
        assert why["terms"]["user_bias"] == why["terms"]["item_bias"] == 0


def test_explain_adds_up_biases_and_preferences(case):
    case.write("ub.npy", npy([0.25 * u for u in range(USERS)], [USERS]))
    case.write("ib.npy", npy([-0.125 * i for i in range(ITEMS)], [ITEMS]))
    out = case.path("biased")
    case.run("import", "--out", out, *case.arrays(), "--user-bias", case.path("ub.npy"), "--item-bias", case.path("ib.npy"),
             "--link", "sigmoid").ok()
    plain = explain(case, "--user", "33", "--item", "106", bundle=out)
    assert (plain["terms"]["user_bias"], plain["terms"]["item_bias"]) == (0.5, -0.25), plain
    assert abs(sum(plain["terms"].values()) - plain["raw"]) < 1e-6 and "preferences" not in plain["terms"], plain
    shifted = explain(case, "--user", "33", "--item", "106", "--genre", "Horror", bundle=out)
    assert shifted["strategy"] == "user_preferences", shifted
    assert shifted["terms"]["dot_product"] == plain["terms"]["dot_product"]
    assert abs(sum(shifted["terms"].values()) - shifted["raw"]) < 1e-6
    assert abs(shifted["terms"]["preferences"] - (shifted["raw"] - plain["raw"])) < 1e-6
    nobody = explain(case, "--item", "106", "--genre", "Horror", bundle=out)
    assert nobody["user_id"] is None and nobody["strategy"] == "preferences" and nobody["dimensions"] == [], nobody
    assert set(nobody["terms"]) == {"popularity", "preferences"}, nobody
    assert abs(sum(nobody["terms"].values()) - nobody["raw"]) < 1e-6 and nobody["link"] == "none", nobody
    popular = explain(case, "--user", "77", "--item", "106", bundle=out)
    assert popular["strategy"] == "popularity" and popular["terms"] == {"popularity": popular["raw"]}, popular
    assert popular["link"] == "none" and popular["score"] == popular["raw"], popular


def test_explain_says_why_an_item_is_absent(case):
    def absent(item, *arguments):
        why = explain(case, "--user", "44", "--item", str(item), "-k", "40", *arguments)
        assert (why["place"] is None) == (why["absent"] != []), why
        return why["absent"]
    seen, adult, plain = case.item_ids[case.seen[3][0]], case.item_ids[7], case.item_ids[case.item_ids.index(case.best(3)[0])]
    i = case.item_ids.index(plain)
    assert absent(plain) == []
    assert absent(seen) == ["seen"] and absent(seen, "--include-seen") == []
    assert absent(adult) == (["seen", "adult"] if 7 in case.seen[3] else ["adult"])
    assert absent(adult, "--include-adult", "--include-seen") == []
    assert absent(plain, "--min-rating", "%.1f" % (case.ratings[i] + 0.1)) == ["min-rating"]
    assert absent(plain, "--language", ["fr", "en"][i % 2]) == ["language"]
    assert absent(plain, "--decade", "2030s") == ["decade"]
    assert absent(plain, "--exclude", str(plain)) == ["exclude"]
    assert absent(plain, "--require-genre", ["Drama", "Action"][i % 2]) == ["require-genre"]
    assert absent(plain, "--exclude", str(plain), "--decade", "2030s") == ["decade", "exclude"]
    assert absent(999999) == ["unknown"]
    best = case.recommend("--user", "44", "-k", "3")[0]["recommendations"]
    fourth = case.recommend("--user", "44", "-k", "4")[0]["recommendations"][3]
    why = explain(case, "--user", "44", "--item", str(fourth["item_id"]), "-k", "3")
    assert (why["absent"], why["place"], why["count"]) == (["below"], None, 3), why
    assert why["score"] == fourth["score"] <= why["last_score"] == best[-1]["score"]


def test_explain_is_readable(case):
    best = case.recommend("--user", "44", "-k", "2")[0]["recommendations"]
    text = case.run("explain", case.bundle, "--user", "44", "--item", str(best[1]["item_id"]), "--dimensions", "2").ok().out
    lines = text.splitlines()
    assert lines[0] == "user 44, item %d: %s (strategy user, model films 4)" % (best[1]["item_id"], best[1]["title"]), text
    assert lines[1] == "  score %.6f = clip(raw)" % best[1]["score"], text
    assert lines[2] == "  raw   %.6f, the sum of" % best[1]["raw"], text
    assert lines[3].endswith("of 8 dimensions; the largest:") and " = user " in lines[4] and " x item " in lines[5], text
    assert lines[6].startswith("        all others  "), text
    assert lines[-1] == "  place 2 of 10", text
    adult = case.run("explain", case.bundle, "--user", "44", "--item", "121").ok().out
    assert "  not in the answer: it is an adult item; --include-adult lets it in\n" in adult, adult
    unknown = case.run("explain", case.bundle, "--user", "44", "--item", "5").ok().out
    assert unknown == "user 44, item 5 (model films 4)\n  not in the answer: the model does not have the item\n", unknown
    last = case.run("explain", case.bundle, "--user", "44", "--item", str(best[1]["item_id"]), "-k", "1").ok().out
    assert last.endswith("  not in the answer: its score is too low; the last of the 1 items in the answer has %.6f\n"
                         % best[0]["score"]), last
    popular = case.run("explain", case.bundle, "--item", str(best[0]["item_id"])).ok().out
    assert ", the item's popularity: " in popular and "(raw)" not in popular, popular


def test_explain_names_preferences_that_had_no_effect(case):
    best = case.recommend("--user", "44", "-k", "1")[0]["recommendations"][0]["item_id"]
    arguments = ("--user", "44", "--item", str(best), "--genre", "Comdy")
    assert explain(case, *arguments)["preferences_ignored"] == ["--genre Comdy"]
    text = case.run("explain", case.bundle, *arguments).ok().out
    assert text.endswith("  place 1 of 10\n  not used: --genre Comdy\n"), text
    assert "preferences_ignored" not in explain(case, "--user", "44", "--item", str(best))


def test_explain_needs_an_item(case):
    case.run("explain", case.bundle, "--user", "44").usage("explain needs --item", "explain")
    case.run("explain", case.bundle, "--item", "x").failed(
        "recsysctl: item 'x' is not an integer from 0 to 9223372036854775807, as this model's item ids are")


def registry_of(case):
    path = tempfile.mkdtemp(dir=case.folder)
    for _ in range(3):
        case.run("publish", "--registry", path, "--name", "films", case.bundle).ok()
    return path


def test_publish_counts_versions_and_sets_an_alias(case):
    path = tempfile.mkdtemp(dir=case.folder)
    publish = ["publish", "--registry", path, "--name", "films", case.bundle]
    assert case.run(*publish).ok().out == "models:/films/1\n"
    assert case.run(*publish, "--alias", "production").ok().out == "models:/films/2\nmodels:/films@production\n"
    info = json.loads(case.run("inspect", "models:/films@production", "--registry", path, "--json").ok().out)
    assert (info["name"], info["version"]) == ("films", "2"), info


def test_publish_refuses_what_would_not_serve(case):
    path = tempfile.mkdtemp(dir=case.folder)
    case.run("publish", "--name", "films", case.bundle).usage("publish needs --registry", "publish")
    case.run("publish", "--registry", path, case.bundle).usage("publish needs --name", "publish")
    case.run("publish", "--registry", case.path("none"), "--name", "films", case.bundle).failed(case.path("none"))
    case.run("publish", "--registry", path, "--name", "../films", case.bundle).failed("../films")
    case.run("publish", "--registry", path, "--name", "films", case.path("none")).failed(case.path("none"))
    copy = case.path("cut")
    shutil.copytree(case.bundle, copy)
    os.truncate(os.path.join(copy, "catalog.safetensors"), 10)
    case.run("publish", "--registry", path, "--name", "films", copy).failed("catalog.safetensors")
    assert case.run("list", "--registry", path).ok().out == ""


def test_list_shows_versions_with_their_aliases(case):
    path = registry_of(case)
    case.run("publish", "--registry", path, "--name", "books", case.bundle).ok()
    assert case.run("alias", "--registry", path, "--name", "films", "production", "2").ok().out == \
        "models:/films@production is version 2\n"
    case.run("alias", "--registry", path, "--name", "films", "best", "2").ok()
    assert case.run("list", "--registry", path).ok().out == \
        "models:/books/1\nmodels:/films/1\nmodels:/films/2 best production\nmodels:/films/3\n"
    assert case.run("list", "--registry", path, "books").ok().out == "models:/books/1\n"
    listing = json.loads(case.run("list", "--registry", path, "films", "--json").ok().out)
    assert listing == [{"name": "films", "version": "1", "aliases": []},
                       {"name": "films", "version": "2", "aliases": ["best", "production"]},
                       {"name": "films", "version": "3", "aliases": []}], listing
    case.run("list", "--registry", path, "records").failed("records")
    case.run("list").usage("list needs --registry", "list")


def test_an_alias_moves_and_goes(case):
    path = registry_of(case)
    alias = ["alias", "--registry", path, "--name", "films", "production"]
    case.run(*alias, "1").ok()
    case.run(*alias, "3").ok()
    assert "films 3" in case.run("verify", "models:/films@production", "--registry", path).ok().out
    assert case.run(*alias, "--remove").ok().out == "removed models:/films@production\n"
    case.run("verify", "models:/films@production", "--registry", path).failed("production")
    case.run(*alias, "--remove").failed("production")
    case.run(*alias, "9").failed("9")
    case.run(*alias).usage("alias needs either a VERSION or --remove", "alias")
    case.run(*alias, "1", "--remove").usage("alias needs either a VERSION or --remove", "alias")
    for version in ("0", "two", "-1x", "1.5"):
        case.run(*alias, "--", version).failed('no version "%s"' % version)
    case.run("alias", "--registry", path, "--name", "films", "latest", "1").failed("latest")


def test_every_kind_of_uri_loads(case):
    path = registry_of(case)
    case.run("alias", "--registry", path, "--name", "films", "Production", "1").ok()
    for uri, version in (("models:/films/2", "2"), ("models:/films/latest", "3"), ("models:/films@Production", "1"),
                         ("models:/films/Production", "1")):
        assert "ok, films %s," % version in case.run("verify", uri, "--registry", path).ok().out
        assert case.recommend("--user", "11", "--registry", path, bundle=uri)[0]["model_version"] == version
    case.run("verify", "models:/films/9", "--registry", path).failed("9")
    case.run("verify", "models:films", "--registry", path).failed("models:films")
    case.run("verify", "models:/films/1").usage("models:/films/1 needs --registry", "verify")


if __name__ == "__main__":
    sys.exit(cases.run(globals(), "recsysctl", Case))
