#!/usr/bin/env python3
"""A registry over real MLflow servers: mlflow_servers.py BUILD-FOLDER BUNDLE [--long] [NAME]

Runs with a Python that has mlflow (tests/support/mlflow-requirements.txt); starts the servers. check_server()
is for every kind of server; kinds that differ have cases of their own. --long adds kinds that differ
in little.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "support"))
from client import Cases, Client, expect, expect_equal  # noqa: E402
from misbehaving import change, read_bundle  # noqa: E402
from mlflow_server import ADMIN, MlflowServer  # noqa: E402

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.server import get_app_client  # noqa: E402

case = Cases()
VERSION = tuple(int(part) for part in mlflow.__version__.split(".")[:2])
HAS_WORKSPACES = VERSION >= (3, 10)
HAS_HOST_CHECK = VERSION >= (3, 5)
HAS_API_AT_ORIGIN = VERSION < (3, 5)  # --static-prefix did not move it
BUILD = BUNDLE = None
LONG = False


class Setting(MlflowServer):
    """A server, MLflow's own client of it, and an empty cache."""

    def __enter__(self):
        super().__enter__()
        os.environ.update(self.client_environment)
        own = self.url.removesuffix(self.prefix) if HAS_API_AT_ORIGIN else self.url
        mlflow.set_tracking_uri(own)
        mlflow.set_registry_uri(own)
        self.room = pathlib.Path(tempfile.mkdtemp(prefix="mlflow-servers."))
        self.cache = self.room / "cache"
        self.mlflow = MlflowClient()
        self.experiment = self.mlflow.create_experiment("films")
        return self

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(getattr(self, "room", "/nonexistent"), ignore_errors=True)
        for name in list(os.environ):
            if name.startswith(("MLFLOW_TRACKING", "MLFLOW_S3", "AWS_")) and name != "AWS_CA_BUNDLE":
                del os.environ[name]

    def client(self, **options):
        if self.auth:
            options = {"user": ADMIN[0], "password": ADMIN[1], **options}
        return Client(BUILD / "tests/mlflow_client", self.url, self.cache, **options)

    def folder(self, files, layout):
        """Files as an artifact folder: "root", or "bundle" as recsys.mlflow logs them."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.room))
        place = folder / "bundle" if layout == "bundle" else folder
        place.mkdir(exist_ok=True)
        for name, body in files.items():
            (place / name).write_bytes(body)
        if layout == "bundle":
            (folder / "MLmodel").write_text("flavors: {}\n")
        return str(folder)

    def log_run(self, files, layout="bundle"):
        run = self.mlflow.create_run(self.experiment)
        for name, value in (("accuracy", 0.9), ("precision", float("nan")), ("recall", float("inf"))):
            self.mlflow.log_metric(run.info.run_id, name, value)
        self.mlflow.log_param(run.info.run_id, "factors", 8)
        self.mlflow.set_tag(run.info.run_id, "team", "films")
        self.mlflow.log_artifacts(run.info.run_id, self.folder(files, layout), "model")
        self.mlflow.set_terminated(run.info.run_id)
        return self.mlflow.get_run(run.info.run_id)

    def register(self, source, run_id=None, **more):
        try:
            self.mlflow.create_registered_model("films")
        except mlflow.exceptions.MlflowException:
            pass
        return self.mlflow.create_model_version("films", source, run_id=run_id, **more).version

    def publish(self, files, layout="bundle"):
        run = self.log_run(files, layout)
        return self.register(f"{run.info.artifact_uri}/model", run.info.run_id)

    def log_model(self, files, status="READY"):
        model = self.mlflow.create_logged_model(self.experiment, name="als", params={"p": "1"})
        if status == "READY":
            self.mlflow.log_model_artifacts(model.model_id, self.folder(files, "root"))
            self.mlflow.finalize_logged_model(model.model_id, "READY")
        return self.register(f"models:/{model.model_id}", model_id=model.model_id)


def check_server(s, has_stages=True):
    files = read_bundle(BUNDLE)
    with s.client() as client:
        expect(client.find("models:/films@champion"), "E_NOT_FOUND")
        run = s.log_run(files)
        by_address = s.register(f"{run.info.artifact_uri}/model", run.info.run_id)
        by_run = s.register(f"runs:/{run.info.run_id}/model", run.info.run_id)
        s.mlflow.set_registered_model_alias("films", "champion", by_address)
        fingerprint = expect(client.load("models:/films@champion"), "OK")["fingerprint"]
        path = expect(client.resolve("models:/films@champion"), "OK")["path"]
        expect_equal(read_bundle(pathlib.Path(path)), files)
        expect_equal(expect(client.load(f"models:/films/{by_run}"), "OK")["fingerprint"], fingerprint)
        expect_equal(expect(client.find("models:/films/latest"), "OK")["version"], str(by_run))
        expect(client.find("models:/films@nobody"), "E_NOT_FOUND")
        expect(client.find("models:/films/99"), "E_NOT_FOUND")
        expect(client.find("models:/films@a.b"), "E_INVALID", "aliases are letters")
        expect(client.find("models:/nothing/latest"), "E_NOT_FOUND")
        if has_stages:
            expect(client.find("models:/films/Production"), "E_NOT_FOUND", "stage")
            s.mlflow.transition_model_version_stage("films", by_address, "Production")
            expect_equal(expect(client.find("models:/films/production"), "OK")["version"], str(by_address))
        described = expect(client.describe("models:/films@champion"), "OK")["described"]
        expect_equal((described["metrics"], described["params"], described["tags"]["team"]),
                     ({"accuracy": 0.9, "precision": "NaN", "recall": "Infinity"}, {"factors": "8"}, "films"))
        expect_equal(described["start_time"], run.info.start_time)
        expect_equal(expect(client.list("films"), "OK")["entries"],
                     [["films", str(by_address), None], ["films", str(by_run), None],
                      ["films", str(by_address), "champion"]])
        expect_equal(client.list()["entries"], client.list("films")["entries"])
        check_logged_models(s, client, files, fingerprint)
        check_polls(s, client, files, fingerprint)
        check_replaced_files(s, client, files)


def check_logged_models(s, client, files, fingerprint):
    if not hasattr(s.mlflow, "create_logged_model"):
        return  # before MLflow 3
    ready = s.log_model(files)
    expect_equal(expect(client.load(f"models:/films/{ready}"), "OK")["fingerprint"], fingerprint)
    expect_equal(client.describe(f"models:/films/{ready}")["described"]["params"], {"p": "1"})
    pending = s.log_model(files, "PENDING")
    expect(client.resolve(f"models:/films/{pending}"), "E_NOT_FOUND", "although its version is READY")


def check_polls(s, client, files, fingerprint):
    """An alias is moved, removed and set again under a deployment."""
    other = change(files, hyperparameters={"factors": 9})
    number = s.publish(other, "root")
    client.deploy("models:/films@champion")
    expect_equal(expect(client.poll(), "OK")["fingerprint"], fingerprint)
    before = client.stats()["requests"]
    for _ in range(3):
        expect_equal(expect(client.poll(), "OK")["changed"], False)
    expect_equal(client.stats()["requests"] - before, 3)
    s.mlflow.set_registered_model_alias("films", "champion", number)
    moved = expect(client.poll(), "OK")
    expect_equal((moved["changed"], moved["fingerprint"] != fingerprint), (True, True))
    s.mlflow.delete_registered_model_alias("films", "champion")
    gone = client.poll()
    expect_equal((gone["status"], gone["fingerprint"]), ("E_NOT_FOUND", moved["fingerprint"]))
    s.mlflow.set_registered_model_alias("films", "champion", number)
    expect_equal(expect(client.poll(), "OK")["fingerprint"], moved["fingerprint"])


def check_replaced_files(s, client, files):
    """Behind a version that is READY, which leaves no trace in the registry."""
    run = s.log_run(files)
    number = s.register(f"{run.info.artifact_uri}/model", run.info.run_id)
    s.mlflow.set_registered_model_alias("films", "live", number)
    client.deploy("models:/films@live")
    first = expect(client.reload(), "OK")["fingerprint"]
    other = change(files, hyperparameters={"factors": 10})
    s.mlflow.log_artifacts(run.info.run_id, s.folder(other, "bundle"), "model")
    expect_equal(expect(client.poll(), "OK")["fingerprint"], first)
    second = expect(client.reload(), "OK")["fingerprint"]
    if second == first:
        raise AssertionError("the new files were not seen")
    broken = {**change(other, hyperparameters={"factors": 11}),
              "model.safetensors": b"x" * len(files["model.safetensors"])}
    s.mlflow.log_artifacts(run.info.run_id, s.folder(broken, "bundle"), "model")
    expect_equal(expect(client.reload(), "E_FORMAT", "another sum")["fingerprint"], second)


@case
def a_server_under_a_prefix_with_workspaces():
    with Setting(prefix="/ml", workspaces=HAS_WORKSPACES) as s:
        check_server(s)
        if HAS_WORKSPACES:
            with s.client(workspace="default") as client:
                expect(client.find("models:/films@live"), "OK")
            with s.client(workspace="nowhere") as client:
                expect(client.find("models:/films@live"), "E_NOT_FOUND")
        check_addresses(s)
        check_files_that_are_gone(s)
        check_recsysd(s)


def check_addresses(s):
    if HAS_HOST_CHECK:
        with s.client(host="evil.example") as client:
            expect(client.find("models:/films@live"), "E_REJECTED", "--allowed-hosts")
    if not HAS_API_AT_ORIGIN:
        with Client(BUILD / "tests/mlflow_client", s.url.removesuffix("/ml"), s.cache) as client:
            expect(client.find("models:/films@live"), "E_BACKEND", "--static-prefix")


def check_files_that_are_gone(s):
    """As mlflow gc leaves a version: READY, with its alias, and without files."""
    run = s.log_run(change(read_bundle(BUNDLE), hyperparameters={"factors": 12}))
    number = s.register(f"{run.info.artifact_uri}/model", run.info.run_id)
    shutil.rmtree(next(s.data.glob(f"**/{run.info.run_id}/artifacts/model")))
    with s.client() as client:
        expect(client.resolve(f"models:/films/{number}"), "E_NOT_FOUND", "gc")


class Daemon:
    def __init__(self, s):
        self.port_file = s.room / "port"
        self.port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [BUILD / "bin/recsysd", "--model", "models:/films@live", "--registry", s.url, "--registry-cache",
             s.cache, "--listen", "127.0.0.1:0", "--port-file", self.port_file, "--poll-registry-s", "1",
             "--registry-timeout-ms", "60000"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 120
        while not (self.port_file.exists() and self.port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"recsysd does not come up:\n{self.process.stderr.read()}")
            time.sleep(0.05)

    def get(self, path):
        url = f"http://127.0.0.1:{self.port_file.read_text().strip()}{path}"
        with urllib.request.urlopen(url, timeout=60) as reply:
            return json.load(reply)

    def wait_for(self, wanted):
        until = time.monotonic() + 120
        while not wanted(self):
            if time.monotonic() > until:
                raise AssertionError("recsysd does not do it")
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        return self.process.communicate(timeout=120)[1]


def check_recsysd(s):
    """It follows the alias, and starts from what it has kept while the server is away."""
    files = read_bundle(BUNDLE)
    run = s.log_run(change(files, hyperparameters={"factors": 20}))
    first = s.register(f"{run.info.artifact_uri}/model", run.info.run_id)
    s.mlflow.set_registered_model_alias("films", "live", first)
    daemon = Daemon(s)
    try:
        current = daemon.get("/api/v1/models/current")
        expect_equal((current["name"], current["model_version"]), ("films", str(first)))
        expect_equal(current["metadata"]["registry"]["metrics"]["accuracy"], 0.9)
        second = s.publish(change(files, hyperparameters={"factors": 21}))
        s.mlflow.set_registered_model_alias("films", "live", second)
        daemon.wait_for(lambda d: d.get("/api/v1/models/current")["model_version"] == str(second))
        s.stop()
        daemon.wait_for(lambda d: d.get("/api/v1/models")["registry"]["failure"] != "")
        expect_equal(daemon.get("/api/v1/models/current")["model_version"], str(second))
    finally:
        daemon.stop()
    daemon = Daemon(s)
    try:
        expect_equal(daemon.get("/api/v1/models/current")["model_version"], str(second))
        expect_equal(daemon.get("/api/v1/models")["registry"]["kept"], True)
    finally:
        log = daemon.stop()
    if "kept in the cache" not in log:
        raise AssertionError(f"the log does not say so:\n{log}")


@case
def a_server_with_passwords():
    with Setting(auth=True) as s:
        if LONG:  # every request costs the server a scrypt
            check_server(s)
        s.mlflow.set_registered_model_alias("films", "live", s.publish(read_bundle(BUNDLE)))
        with s.client() as client:
            expect(client.load("models:/films@live"), "OK")
        password = s.room / "password"
        password.write_text(ADMIN[1] + "\n")
        with Client(BUILD / "tests/mlflow_client", s.url, s.cache) as client:
            expect(client.find("models:/films@live"), "E_REJECTED", "401")
        with Client(BUILD / "tests/mlflow_client", s.url, s.cache, user=ADMIN[0],
                    password_file=password) as client:
            expect(client.find("models:/films@live"), "OK")
            password.write_text("wrong\n")
            expect(client.find("models:/films@live"), "E_REJECTED", "401")
        get_app_client("basic-auth", tracking_uri=s.url).create_user("reader", "a-password-of-12")
        with s.client(user="reader", password="a-password-of-12") as client:
            if VERSION >= (3, 10):
                expect(client.find("models:/absent@live"), "E_REJECTED", "not there yet")
            else:  # older ones let readers know
                expect(client.find("models:/absent@live"), "E_NOT_FOUND")


@case
def a_server_in_front_of_an_object_store():
    with Setting(artifacts="s3") as s:
        check_server(s)
        with s.client(workspace="default") as client:
            if VERSION >= (3, 10):
                expect(client.find("models:/films@live"), "E_INVALID", "workspace")
            else:  # older ones know no workspaces, and do not look at the header
                expect(client.find("models:/films@live"), "OK")


@case
def a_directory_that_both_see():
    with Setting(artifacts="local") as s:
        check_server(s)


@case
def an_object_store_that_clients_are_sent_to():
    """It is not asked: the server reads the files for us."""
    with Setting(artifacts="s3-direct") as s:
        check_server(s)


def main():
    global BUILD, BUNDLE, LONG
    words = [word for word in sys.argv[1:] if word != "--long"]
    LONG = len(words) < len(sys.argv) - 1
    if len(words) not in (2, 3):
        sys.exit(__doc__)
    BUILD, BUNDLE = pathlib.Path(words[0]).resolve(), pathlib.Path(words[1]).resolve()
    if not LONG:
        case.functions.remove(an_object_store_that_clients_are_sent_to)
    print(f"MLflow {mlflow.__version__}")
    sys.exit(case.run(only=words[2] if len(words) > 2 else ""))


main()
