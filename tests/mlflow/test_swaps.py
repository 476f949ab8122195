"""recsysd follows an alias of a real MLflow server, whatever becomes of the server and its files."""
import contextlib
import os
import pathlib
import shutil
import sys
import time

import mlflow
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests" / "daemon"))

import make_bundle  # noqa: E402
from client import Daemon, wait_for  # noqa: E402
from mlflow_server import MlflowServer  # noqa: E402
from trouble import Trouble  # noqa: E402

PROGRAM = os.path.join(os.environ["RECSYS_TEST_BIN"], "recsysd")
SECRET = "a-secret-of-both-sides"


class Registry:
    """A registered model, and what is done to it."""

    def __init__(self, server, folder, name):
        self.server, self.folder, self.name = server, folder, name
        self.client = mlflow.MlflowClient(tracking_uri=server.url, registry_uri=server.url)
        self.client.create_registered_model(name)
        self.roots = {}

    def publish(self, seed, alias="live", **options):
        bundle = self.folder / f"{self.name}-{seed}-{len(self.roots)}"
        make_bundle.make_bundle(str(bundle), seed=seed, version=str(seed), **options)
        run = self.client.create_run("0")
        self.client.log_artifacts(run.info.run_id, str(bundle), "bundle")
        version = self.client.create_model_version(self.name, f"{run.info.artifact_uri}/bundle", run.info.run_id).version
        self.roots[version] = self.server.data / "artifacts" / "0" / run.info.run_id / "artifacts" / "bundle"
        if alias:
            self.client.set_registered_model_alias(self.name, alias, version)
        return version


@pytest.fixture(scope="module")
def webhook_server():
    with MlflowServer(python=sys.executable, environment={"MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
                                                          "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
                                                          "MLFLOW_WEBHOOK_CACHE_TTL": "1"}) as one:
        yield one


@pytest.fixture
def trouble(webhook_server):
    one = Trouble(webhook_server.url)
    yield one
    one.close()


@pytest.fixture
def registry(webhook_server, tmp_path, request):
    return Registry(webhook_server, tmp_path, request.node.name.replace("[", "-").rstrip("]"))


@contextlib.contextmanager
def recsysd(registry, address, folder, *flags, program=PROGRAM):
    (folder / "secret").write_text(SECRET)
    with Daemon(program, str(folder / "daemon"), "--model", f"models:/{registry.name}@live", "--registry", address,
                "--registry-cache", str(folder / "cache"), "--registry-timeout-ms=3000", "--registry-stall-timeout-s=1",
                "--poll-registry-s=1", "--poll-max-wait-s=2", "--admin-token=secret-token",
                "--mlflow-webhook-secret-file", str(folder / "secret"), *flags) as daemon:
        yield daemon


def state(daemon):
    return daemon.get("/api/v1/models").json()


def answers(daemon, seed, user=1):
    response = daemon.post("/api/v1/predict", {"user_id": user, "top_k": 3})
    return response.status == 200 and response.json()["model_version"] == str(seed)


def step(daemon, name):
    return daemon.post("/api/v1/models/" + name, None, headers=[("X-Admin-Token", "secret-token")])


def expect_kept(daemon, words, seed=1):
    """The old model serves, and why is said."""
    assert wait_for(lambda: state(daemon)["failures"] > 0)
    now = state(daemon)
    assert now["active"]["version"] == str(seed) and answers(daemon, seed), now
    assert any(word in now["last_error"]["message"] for word in words), now["last_error"]
    assert any(word in now["history"][0]["message"] for word in words), now["history"][0]


def test_a_replica_follows_the_alias_with_one_request_a_poll(registry, trouble, tmp_path):
    registry.publish(1)
    with recsysd(registry, trouble.url, tmp_path, "--poll-jitter=0") as daemon:
        assert answers(daemon, 1)
        time.sleep(2)
        with trouble.lock:
            del trouble.requests[:]
        begin = time.monotonic()
        time.sleep(6)
        with trouble.lock:
            n, elapsed = len(trouble.requests), time.monotonic() - begin
            assert all("alias" in path for path in trouble.requests), trouble.requests
        assert 1 <= n <= elapsed + 1, (n, elapsed)
        registry.publish(2)
        assert wait_for(lambda: answers(daemon, 2))
        assert step(daemon, "rollback").status == 200 and answers(daemon, 1)
        time.sleep(3)  # polls must not bring it back
        assert answers(daemon, 1)
        registry.publish(3)
        assert wait_for(lambda: answers(daemon, 3))


def test_a_server_that_is_down_and_comes_back(registry, trouble, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path) as daemon:
        registry.server.stop()
        try:
            expect_kept(daemon, ["connect", "Connection refused"])
        finally:
            registry.server.start()
        registry.publish(2)
        assert wait_for(lambda: answers(daemon, 2)) and state(daemon)["failed_polls"] == 0


def test_a_server_that_answers_500(registry, trouble, tmp_path):
    registry.publish(1)
    with recsysd(registry, trouble.url, tmp_path) as daemon:
        trouble.mode = "500"
        expect_kept(daemon, ["500"])
        trouble.mode = None
        registry.publish(2)
        assert wait_for(lambda: answers(daemon, 2))


@pytest.mark.parametrize("mode, words", [("drip", ["slow", "KiB/s", "time", "5000 ms", "too long"]), ("cut", ["bytes", "transfer", "incomplete"])])
def test_files_that_do_not_arrive(registry, trouble, tmp_path, mode, words):
    registry.publish(1)
    with recsysd(registry, trouble.url, tmp_path, "--registry-download-timeout-s=5") as daemon:
        trouble.mode = mode
        registry.publish(2)
        expect_kept(daemon, words)
        assert state(daemon)["step"] is None or state(daemon)["step"]["name"] in ("find", "fetch")
        trouble.mode = None
        assert wait_for(lambda: answers(daemon, 2))


def damage(path):
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(bytes(content))


def test_files_that_are_replaced_behind_a_ready_version(registry, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path) as daemon:
        version = registry.publish(2, alias=None)
        good = (registry.roots[version] / "model.safetensors").read_bytes()
        damage(registry.roots[version] / "model.safetensors")
        registry.client.set_registered_model_alias(registry.name, "live", version)
        expect_kept(daemon, ["SHA-256", "sha256", "sum"])
        (registry.roots[version] / "model.safetensors").write_bytes(good)  # the same version, repaired
        assert wait_for(lambda: answers(daemon, 2))


def test_files_that_were_collected(registry, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path) as daemon:
        version = registry.publish(2, alias=None)
        shutil.rmtree(registry.roots[version])
        registry.client.set_registered_model_alias(registry.name, "live", version)
        expect_kept(daemon, ["not there", "404", "no ", "recsys.json"])


def test_an_alias_that_is_removed_and_set_again(registry, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path) as daemon:
        registry.client.delete_registered_model_alias(registry.name, "live")
        expect_kept(daemon, ["live"])
        registry.publish(2)
        assert wait_for(lambda: answers(daemon, 2))


def test_a_model_that_is_deleted_and_made_again_under_the_same_number(registry, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path) as daemon:
        before = state(daemon)["active"]["fingerprint"]
        registry.client.delete_registered_model(registry.name)
        expect_kept(daemon, [registry.name])
        registry.client.create_registered_model(registry.name)
        assert registry.publish(7) == "1"
        assert wait_for(lambda: state(daemon)["active"]["fingerprint"] != before)
        assert answers(daemon, 1) and state(daemon)["previous"]["fingerprint"] == before


def test_a_cache_that_is_full(registry, tmp_path):
    """A small tmpfs in a mount namespace of the daemon's own."""
    registry.publish(1, n_items=40)
    (tmp_path / "cache").mkdir()
    wrapper = tmp_path / "recsysd-in-namespace"
    wrapper.write_text(f"#!/bin/sh\nexec unshare -rm sh -c 'mount -t tmpfs -o size=256k tmpfs \"$0\" && exec \"$@\"' "
                       f"{tmp_path}/cache {PROGRAM} \"$@\"\n")
    wrapper.chmod(0o755)
    with recsysd(registry, registry.server.url, tmp_path, program=str(wrapper)) as daemon:
        registry.publish(2, n_items=8000)
        expect_kept(daemon, ["No space left"])
        registry.publish(3, n_items=41)
        assert wait_for(lambda: answers(daemon, 3))


def test_twice_the_memory_budget(registry, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path, "--model-memory-mb=2") as daemon:
        registry.publish(2, n_items=20000)
        expect_kept(daemon, ["max_memory"])


def test_a_webhook_of_the_server_is_a_hint(registry, tmp_path):
    registry.publish(1)
    with recsysd(registry, registry.server.url, tmp_path, "--poll-registry-s=80000") as daemon:
        registry.client.create_webhook(name=registry.name, secret=SECRET, events=["model_version_alias.created"],
                                       url=f"http://127.0.0.1:{daemon.port}/api/v1/models/webhook")
        time.sleep(2)  # the server keeps the list of its webhooks for a second
        registry.publish(2)
        assert wait_for(lambda: answers(daemon, 2))
        assert state(daemon)["history"][0]["step"] == "poll"
