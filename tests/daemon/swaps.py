"""Swaps that somebody or something gets wrong: each leaves the old model serving and says why.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import array
import base64
import hashlib
import hmac
import json
import os
import shutil
import time

import make_bundle
from client import predict, read_metrics, wait_for

ADMIN = [("X-Admin-Token", "secret-token")]


def state(daemon):
    return daemon.get("/api/v1/models").json()


def step(daemon, name, body=None):
    return daemon.post("/api/v1/models/" + name, body, headers=ADMIN)


def serves(daemon):
    return predict(daemon, user_id=1, top_k=1).json()["model_version"]


def start(lab, registry, *flags, model="models:/movies@live"):
    return lab.daemon("--model", model, "--registry", registry, "--admin-token=secret-token", *flags)


def rewrite(bundle, name, content):
    """Another file in a bundle, and a manifest that agrees with it."""
    with open(os.path.join(bundle, name), "wb") as out:
        out.write(content)
    path = os.path.join(bundle, "recsys.json")
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    for entry in manifest["files"]:
        if entry["name"] == name:
            entry.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    with open(path, "w", encoding="utf-8") as out:
        json.dump(manifest, out)


def read(bundle, name):
    with open(os.path.join(bundle, name), "rb") as file:
        return file.read()


# ---- the fault table: what is done to version 2, and what is said about it

def half_written(bundle):
    os.truncate(os.path.join(bundle, "model.safetensors"), 1000)


def without_manifest(bundle):
    os.remove(os.path.join(bundle, "recsys.json"))


def cut_manifest(bundle):
    os.truncate(os.path.join(bundle, "recsys.json"), 200)


def removed_file(bundle):
    os.remove(os.path.join(bundle, "seen.safetensors"))


def replaced_file(bundle):
    other = bundle + "-other"
    make_bundle.make_bundle(other, seed=77)
    shutil.copy(os.path.join(other, "model.safetensors"), bundle)
    shutil.rmtree(other)


def not_a_number(bundle):
    content = bytearray(read(bundle, "model.safetensors"))
    begin = 8 + int.from_bytes(content[:8], "little")
    content[begin + 40:begin + 44] = array.array("f", [float("nan")]).tobytes()
    rewrite(bundle, "model.safetensors", bytes(content))


def other_dimension(bundle):
    path = os.path.join(bundle, "recsys.json")
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    manifest["dimensions"] = 8
    with open(path, "w", encoding="utf-8") as out:
        json.dump(manifest, out)


def id_twice(bundle):
    content = read(bundle, "model.safetensors")
    ids = array.array("q", [(i + 1) * 10 for i in range(300)]).tobytes()
    assert content.count(ids) == 1
    ids_twice = array.array("q", [10, 10] + [(i + 1) * 10 for i in range(2, 300)]).tobytes()
    rewrite(bundle, "model.safetensors", content.replace(ids, ids_twice))


def empty_catalogue(bundle):
    rewrite(bundle, "catalog.jsonl", b"")


def collected(bundle):
    shutil.rmtree(bundle)


def too_large(bundle):
    shutil.rmtree(bundle)
    make_bundle.make_bundle(bundle, version="2", n_items=20000)


FAULTS = {half_written: "model.safetensors", without_manifest: "recsys.json", cut_manifest: "recsys.json",
          removed_file: "seen.safetensors", replaced_file: "SHA-256", not_a_number: "finite", other_dimension: "dimensions",
          id_twice: "twice", empty_catalogue: "catalogue", collected: "movies", too_large: "max_memory"}


def test_whatever_is_wrong_with_a_version_the_old_one_serves_and_the_reason_is_said(lab):
    registry = lab.registry("faults", versions=1)
    bundle = os.path.join(registry, "movies", "2")
    with start(lab, registry, "--model-memory-mb=2") as daemon:
        for number, (break_it, word) in enumerate(FAULTS.items(), 1):
            shutil.rmtree(bundle, ignore_errors=True)
            make_bundle.publish(registry, 2, seed=2)
            make_bundle.point(registry, 2, "live")
            break_it(bundle)
            refused = step(daemon, "reload")
            assert refused.status in (404, 409, 422, 500, 503), (break_it.__name__, refused.status, refused.body)
            assert word in refused.json()["detail"], (break_it.__name__, refused.body)
            now = state(daemon)
            assert now["active"]["version"] == "1" and serves(daemon) == "1", break_it.__name__
            assert word in now["last_error"]["message"] and now["failures"] == number, now["last_error"]
            assert now["history"][0]["event"] == "failed" and word in now["history"][0]["message"], now["history"][0]
            assert predict(daemon, user_id=number + 1, top_k=3).json()["recommendations"]
        make_bundle.publish(registry, 3, seed=3)
        make_bundle.point(registry, 3, "live")
        assert step(daemon, "reload").status == 200 and serves(daemon) == "3"


def test_an_alias_that_is_removed_leaves_the_model_serving(lab):
    registry = lab.registry("no-alias", versions=2)
    with start(lab, registry, "--poll-registry-s=1") as daemon:
        os.remove(os.path.join(registry, "movies", "aliases", "live"))
        assert wait_for(lambda: state(daemon)["failures"] == 1)
        assert "live" in state(daemon)["last_error"]["message"] and serves(daemon) == "1"
        make_bundle.point(registry, 2, "live")
        assert wait_for(lambda: serves(daemon) == "2")
        assert state(daemon)["failures"] == 1


def test_a_model_that_is_deleted_and_made_again_is_another_one(lab):
    registry = lab.registry("again", versions=1)
    with start(lab, registry, "--poll-registry-s=1") as daemon:
        before = state(daemon)["active"]["fingerprint"]
        shutil.rmtree(os.path.join(registry, "movies"))
        assert wait_for(lambda: state(daemon)["failures"] > 0) and serves(daemon) == "1"
        make_bundle.publish(registry, 1, "live", seed=9)
        assert wait_for(lambda: state(daemon)["active"]["fingerprint"] != before)
        assert serves(daemon) == "1" and state(daemon)["previous"]["fingerprint"] == before


def test_a_registry_that_cannot_be_read_is_asked_less_and_less_often(lab):
    registry = lab.registry("gone", versions=1)
    with start(lab, registry, "--poll-registry-s=1", "--poll-jitter=0") as daemon:
        os.rename(registry, registry + "-away")
        with open(registry, "w") as file:
            file.write("no directory")
        assert wait_for(lambda: state(daemon)["failures"] >= 1) and serves(daemon) == "1"
        os.remove(registry)
        os.rename(registry + "-away", registry)
        make_bundle.publish(registry, 2, "live", seed=2)
        assert wait_for(lambda: serves(daemon) == "2") and state(daemon)["failed_polls"] == 0


# ---- limits

def test_a_model_that_recommends_other_items_is_rejected_if_that_is_asked(lab):
    registry = lab.registry("overlap", versions=2)
    with start(lab, registry, "--canary-min-overlap=90") as daemon:
        refused = step(daemon, "load", {"source": "models:/movies/2"})
        assert refused.status == 409 and "min_overlap" in refused.json()["detail"], refused.body


# ---- what answers say

def write_seen(bundle, n_users, n_items, full):
    """Users of `full` have seen everything, the others nothing."""
    seen, offsets = [], [0]
    for user in range(1, n_users + 1):
        seen += range(n_items) if user in full else []
        offsets.append(len(seen))
    path = os.path.join(bundle, "seen.safetensors")
    make_bundle.tensors(path, [("seen_offsets", "U64", [len(offsets)], array.array("Q", offsets).tobytes()),
                               ("seen_items", "U32", [len(seen)], array.array("I", seen).tobytes())])
    rewrite(bundle, "seen.safetensors", read(bundle, "seen.safetensors"))


def test_a_model_whose_answers_are_empty_is_rolled_back_at_once(lab):
    registry = lab.registry("watched", versions=2)
    write_seen(os.path.join(registry, "movies", "2"), 40, 300, full=range(1, 21))
    with start(lab, registry, "--poll-registry-s=1", "--watch-min-answers=20", "--cache-bytes=0") as daemon:
        for user in range(1, 41):
            predict(daemon, user_id=user)
        make_bundle.point(registry, 2, "live")
        assert wait_for(lambda: state(daemon)["active"]["version"] == "2") and state(daemon)["watch"]["watching"]
        served = [serves_user(daemon, user) for user in range(1, 21)]
        assert served == ["2"] * 20, served
        now = state(daemon)
        assert now["active"]["version"] == "1" and now["previous"]["version"] == "2" and now["watch"]["rollbacks"] == 1
        assert "were empty" in now["last_error"]["message"], now["last_error"]
        assert now["history"][0]["step"] == "rollback by the watch" and now["history"][0]["version"] == "1"
        assert not now["watch"]["watching"]
        polls_must_not_bring_it_back = time.monotonic() + 3
        while time.monotonic() < polls_must_not_bring_it_back:
            assert state(daemon)["active"]["version"] == "1"
            time.sleep(0.2)
        assert wait_for(lambda: read_metrics(daemon)["recsysd_model_watch_rollbacks_total"] == 1)
        assert len(predict(daemon, user_id=1).json()["recommendations"]) == 10


def serves_user(daemon, user):
    return predict(daemon, user_id=user).json()["model_version"]


def test_batches_are_watched_too(lab):
    registry = lab.registry("watched-batches", versions=2)
    write_seen(os.path.join(registry, "movies", "2"), 40, 300, full=range(1, 21))
    with start(lab, registry, "--watch-min-answers=20") as daemon:
        make_bundle.point(registry, 2, "live")
        assert step(daemon, "reload").status == 200
        batch = daemon.post("/api/v1/batch-predict", {"user_ids": list(range(1, 21))}).json()
        assert batch["model_version"] == "2" and serves(daemon) == "1"


def test_a_new_model_answers_the_last_requests_before_it_serves(lab):
    registry = lab.registry("warm", versions=2)
    with start(lab, registry, "--warm-requests=5", "--log-level=info") as daemon:
        for user in range(1, 11):
            predict(daemon, user_id=user)
        assert state(daemon)["watch"]["recent_requests"] == 5
        make_bundle.point(registry, 2, "live")
        assert step(daemon, "reload").status == 200
        assert wait_for(lambda: "answered 5 recent requests" in daemon.whole_log())


# ---- memory and history

def test_the_history_survives_a_restart_and_a_damaged_file(lab):
    registry = lab.registry("history", versions=3, broken=3)
    folder = os.path.join(lab.folder, "histories")
    os.makedirs(folder, exist_ok=True)
    flags = ["--model-history-dir", folder]
    with start(lab, registry, *flags) as daemon:
        assert step(daemon, "load", {"source": "models:/movies/3"}).status != 200
        assert step(daemon, "load", {"source": "models:/movies/2"}).status == 200 and step(daemon, "use").status == 200
        before = state(daemon)["history"]
        assert [event["event"] for event in before] == ["served", "failed", "served"], before
    with open(os.path.join(folder, "main.jsonl"), "ab") as file:
        file.write(b'{"time_ms": "soon"}\n\xff\xfe\n{"time_ms":5,"event":"ser')
    with start(lab, registry, *flags) as daemon:
        now = state(daemon)["history"]
        assert now[1:] == before and now[0]["step"] == "reload", now
        assert wait_for(lambda: "3 lines of" in daemon.whole_log())


def test_memory_is_shown(lab):
    with lab.daemon("--model", lab.movies, "--model-memory-mb=100") as daemon:
        memory = state(daemon)["memory"]
        assert 0 < memory["bytes"] <= memory["needed_bytes"] < memory["max_bytes"] == 100 << 20, memory
        assert wait_for(lambda: read_metrics(daemon)["recsysd_model_memory_bytes"] == memory["bytes"])


# ---- webhooks

def deliver(daemon, secret, name="movies", delivery="d-1", when=None, signature=None, body=None):
    if body is None:
        body = json.dumps({"entity": "model_version_alias", "action": "created", "timestamp": "2026-11-28T00:00:00Z",
                           "data": {"name": name, "alias": "live", "version": "2"}}).encode()
    when = str(int(time.time())) if when is None else when
    if signature is None:
        signed = delivery.encode() + b"." + when.encode() + b"." + body
        signature = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return daemon.post("/api/v1/models/webhook", body, headers=[
        ("X-MLflow-Delivery-Id", delivery), ("X-MLflow-Timestamp", when), ("X-MLflow-Signature", signature)])


def test_a_signed_delivery_has_the_registry_checked_at_once(lab):
    registry = lab.registry("webhook", versions=3)
    secret, path = b"a secret of MLflow's own", os.path.join(lab.folder, "webhook-secret")
    with open(path, "wb") as file:
        file.write(secret + b"\n")
    with start(lab, registry, "--poll-registry-s=80000", "--mlflow-webhook-secret-file", path) as daemon:
        make_bundle.point(registry, 2, "live")
        now = int(time.time())
        for number, (refused, word) in enumerate([
                (dict(secret=b"another secret"), "signature"), (dict(secret=secret, when=str(now - 400)), "five minutes"),
                (dict(secret=secret, when=str(now + 400)), "five minutes"), (dict(secret=secret, when="soon"), "five minutes"),
                (dict(secret=secret, signature="v1,"), "signature"), (dict(secret=secret, signature="v2,xxxx"), "signature"),
                (dict(secret=secret, signature="v1," + "A" * 44), "signature"), (dict(secret=secret, delivery=""), "needed")]):
            refused.setdefault("delivery", "bad-%d" % number)
            response = deliver(daemon, **refused)
            assert response.status == 401 and (word in response.json()["detail"] or not refused["delivery"]), (refused, response.body)
        assert state(daemon)["active"]["version"] == "1"
        response = deliver(daemon, secret, name="books")
        assert response.status == 200 and response.json() == {"woken": 0}
        response = deliver(daemon, secret, delivery="d-2")
        assert response.status == 200 and response.json() == {"woken": 1}, response.body
        assert wait_for(lambda: state(daemon)["active"]["version"] == "2")
        again = deliver(daemon, secret, delivery="d-2", when=str(now)) if int(time.time()) == now else None
        same = deliver(daemon, secret, delivery="d-3", when=str(now))
        assert same.status == 200 and deliver(daemon, secret, delivery="d-3", when=str(now)).status == 401
        assert again is None or again.status in (200, 401)
        # The body is not believed: the registry still means 2.
        assert state(daemon)["active"]["version"] == "2"
        other = deliver(daemon, secret, delivery="d-4", body=b'{"data": "no object"}')
        assert other.status == 200 and other.json() == {"woken": 1}
        assert deliver(daemon, secret, delivery="d-5", body=b"[]").status == 422


def head_of_delivery(when=None, size=60000, **others):
    headers = {"Content-Length": size, "Expect": "100-continue", "X-MLflow-Delivery-Id": "h-1",
               "X-MLflow-Timestamp": int(time.time()) if when is None else when, "X-MLflow-Signature": "v1,xxxx", **others}
    return ("POST /api/v1/models/webhook HTTP/1.1\r\nHost: a\r\n%s\r\n" % "".join(
        "%s: %s\r\n" % pair for pair in headers.items() if pair[1] is not None)).encode()


def answer_to_head(daemon, **others):
    connection = daemon.connect()
    connection.send(head_of_delivery(**others))
    answer = connection.read()
    assert connection.is_closed()
    connection.close()
    return answer.status


def test_who_signs_nothing_cannot_make_the_daemon_keep_a_body(lab):
    path = os.path.join(lab.folder, "webhook-secret-2")
    with open(path, "wb") as file:
        file.write(b"a secret of MLflow's own")
    with lab.daemon("--model", lab.movies, "--mlflow-webhook-secret-file", path) as daemon:
        for name in ("Delivery-Id", "Timestamp", "Signature"):
            assert answer_to_head(daemon, **{"X-MLflow-" + name: None}) == 401, name
        assert answer_to_head(daemon, when=int(time.time()) - 400) == 401
        assert answer_to_head(daemon, size=65537) == 413
        connection = daemon.connect()
        connection.send(head_of_delivery(**{"Content-Length": None, "Transfer-Encoding": "chunked", "Expect": None}))
        connection.send(b"10001\r\n" + b" " * 65537 + b"\r\n0\r\n\r\n")
        assert connection.read().status == 413
        large = deliver(daemon, b"a secret of MLflow's own", body=b"{" + b" " * 65534 + b"}")
        assert large.status == 200, large.body


def test_refused_deliveries_are_counted_as_failed_logins(lab):
    path = os.path.join(lab.folder, "webhook-secret-3")
    with open(path, "wb") as file:
        file.write(b"a secret of MLflow's own")
    with lab.daemon("--model", lab.movies, "--mlflow-webhook-secret-file", path, "--rate-limit-auth=2") as daemon:
        assert deliver(daemon, b"another secret", delivery="w-1").status == 401
        assert answer_to_head(daemon, when=0) == 401
        assert answer_to_head(daemon, when=0) == 429
        assert deliver(daemon, b"another secret", delivery="w-2").status == 429
        assert deliver(daemon, b"a secret of MLflow's own", delivery="w-3").status == 200


def test_without_a_secret_there_are_no_webhooks(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        assert deliver(daemon, b"").status == 404
        assert answer_to_head(daemon) == 404
