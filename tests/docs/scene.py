"""The folder in which the blocks of a page run: models, files, a registry, servers' addresses.

The model is trained from examples/data; everything else is made of it, under the names that the pages
use. Addresses of the pages (postgresql://app@db/app, redis://cache:6379, /srv/models) stand for the
test's own.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy

HELD_OUT = 5  # every fifth rating is not trained on: evaluate has something to measure


class Scene:
    made = None  # what all scenes copy

    def __init__(self, top, build):
        self.top = top
        if Scene.made is None:
            Scene.made = Made(top, build)
        made = Scene.made
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="page-", dir=made.folder.name))
        shutil.copytree(made.files, self.folder, symlinks=True, dirs_exist_ok=True)
        self.environment = {**made.environment, "HOME": str(self.folder)}
        redis = f"redis://127.0.0.1:{os.environ['RECSYS_TEST_REDIS']}"
        self.addresses = {"postgresql://app@db/app": os.environ["RECSYS_TEST_POSTGRES"],
                          "postgresql://app@db/shop": os.environ["RECSYS_TEST_POSTGRES"],
                          "redis://cache:6379": redis, "/srv/models": str(self.folder / "models"),
                          "/tmp/movies": str(self.folder / "trained")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shell("stop_recsysd")
        shutil.rmtree(self.folder)

    def with_addresses(self, text):
        for ours, test in self.addresses.items():
            text = text.replace(ours, test)
        return text

    def keep_programs(self, blocks):
        """The page's programs in C lie under the names by which its shell blocks compile them."""
        for block in blocks:
            if block.language == "c" and "main(" in block.code:
                (self.folder / "recommend.c").write_text(block.code)

    def shell(self, command):
        done = subprocess.run(["bash", "-c", f'. "{self.top}/tests/docs/scene.sh"\n{command}'], cwd=self.folder,
                              env=self.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def serve(self, *options):
        """Starts recsysd with the page's model, as its blocks do; returns its address."""
        words = " ".join(f"'{option}'" for option in options)
        self.shell(f"recsysd --model movies {words} > /dev/null 2>&1")
        return "http://127.0.0.1:" + (self.folder / "recsysd.port").read_text().strip()


class Made:
    """An installed build, and the files that every scene begins with."""

    def __init__(self, top, build):
        self.folder = tempfile.TemporaryDirectory(prefix="recsys-docs-")
        room = pathlib.Path(self.folder.name)
        prefix, self.files = room / "prefix", room / "files"
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        library = next(prefix.rglob("librecsys.so")).parent
        self.environment = {
            **os.environ, "PATH": f"{prefix}/bin:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
            "PKG_CONFIG_PATH": str(library / "pkgconfig"), "LD_LIBRARY_PATH": str(library),
            "RECSYS_LIBRARY": str(library / "librecsys.so"), "PYTHONPATH": str(top / "bindings/python"),
            "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.files.mkdir()
        self.make_models(top, build)
        self.make_parts()
        self.make_registry()
        self.make_tables(top)

    def run(self, *command):
        subprocess.run(command, cwd=self.files, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def write(self, name, *lines):
        (self.files / name).write_text("".join(f"{line}\n" for line in lines))

    def make_models(self, top, build):
        data, train = top / "examples/data", build / "bin/recsys-train-als"
        header, *lines = (data / "ratings.csv").read_text().splitlines(keepends=True)
        (self.files / "train.csv").write_text(header + "".join(line for n, line in enumerate(lines) if n % HELD_OUT))
        (self.files / "test.csv").write_text(header + "".join(lines[::HELD_OUT]))
        for name, seed in (("movies", 1), ("newer", 2)):
            self.run(train, "--ratings", self.files / "train.csv", "--movies", data / "movies.csv", "--details",
                     data / "details.csv", "--factors", "16", "--seed", str(seed), "--name", "movies", "--out", name)
        for name in ("bundle", "model", "BUNDLE"):
            (self.files / name).symlink_to("movies")
        (self.files / "examples").symlink_to(top / "examples")
        (self.files / "build").mkdir()
        (self.files / "build/release").symlink_to(build)

    def make_parts(self):
        """The arrays of the model as separate files, in the ways that `recsysctl import` reads them."""
        os.environ["RECSYS_LIBRARY"] = self.environment["RECSYS_LIBRARY"]
        sys.path.insert(0, self.environment["PYTHONPATH"])
        import recsys

        model = recsys.Model(str(self.files / "movies"))
        users, items = (numpy.asarray(one, dtype=numpy.float32) for one in (model.user_factors, model.item_factors))
        numpy.savez(self.files / "als.npz", user_factors=users, item_factors=items)
        numpy.save(self.files / "users.npy", model.user_ids)
        numpy.save(self.files / "items.npy", model.item_ids)
        numpy.save(self.files / "u.npy", users)
        numpy.savez(self.files / "arrays.npz", V=items, other=numpy.zeros(3, numpy.float32))
        self.write("items.txt", *(f"film-{one}" for one in model.item_ids))
        self.write("users.txt", "1", "2", "42")
        with recsys.Source.postgres(os.environ["RECSYS_TEST_POSTGRES"]) as source:
            source.run("DROP TABLE IF EXISTS films; CREATE TABLE films AS SELECT n::bigint AS film_id,"
                       " 'A film' AS title, ARRAY['Drama'] AS genres, 1999 AS release_year"
                       " FROM generate_series(1, 9) AS n")
        self.model = model

    def make_registry(self):
        root = self.files / "models"
        root.mkdir()
        for name in ("movies", "als", "bpr"):
            for bundle in ("movies", "newer"):
                self.run("recsysctl", "publish", "--registry", root, "--name", name, bundle, "--alias", "live")

    def make_tables(self, top):
        """Catalogues and seen lists in the formats that the pages name."""
        import pyarrow
        import pyarrow.feather
        import pyarrow.parquet
        import scipy.sparse

        shutil.copy(top / "examples/data/movies.csv", self.files)
        shutil.copy(self.files / "train.csv", self.files / "ratings.csv")
        entries = [{"id": int(one), "title": f"Film {one}", "poster_path": f"/{one}.jpg"} for one in self.model.item_ids]
        self.write("films.jsonl", *map(json.dumps, entries))
        self.write("catalog.jsonl", *(json.dumps({"id": one["id"], "title": one["title"]}) for one in entries))
        self.write("products.csv", "asin,name", *(f"{one['id']},{one['title']}" for one in entries))
        pairs = [line.split(",")[:2] for line in (self.files / "train.csv").read_text().splitlines()[1:]]
        self.write("plays.csv", "user,track,plays", *(f"{user},{item},3" for user, item in pairs))
        rows = scipy.sparse.random(len(self.model.user_ids), len(self.model.item_ids), 0.01, "csr", numpy.float32, 1)
        scipy.sparse.save_npz(self.files / "user_items.npz", rows)
        ids = [[int(one) for one in ids[:9]] for ids in (self.model.user_ids, self.model.item_ids)]
        ratings = pyarrow.table({"user": ids[0], "item": ids[1], "weight": [4.0] * 9})
        pyarrow.parquet.write_table(ratings, self.files / "ratings.parquet")
        films = pyarrow.table({"id": ids[1], "title": ["A film"] * 9})
        pyarrow.parquet.write_table(films, self.files / "films.parquet")
        users, items = (pyarrow.table({"id": part, "features": vectors[:9].tolist()})
                        for part, vectors in zip(ids, (self.model.user_factors, self.model.item_factors)))
        pyarrow.parquet.write_table(users, self.files / "u.parquet")
        pyarrow.feather.write_feather(items, str(self.files / "i.arrow"))
        for name, table in (("userFactors", users), ("itemFactors", items)):
            (self.files / "als-model" / name).mkdir(parents=True)
            pyarrow.parquet.write_table(table, self.files / "als-model" / name / "part-0.parquet")
