"""Models: where they come from, when another one is loaded and which ones are refused.

swaps.py has what goes wrong. Every function test_* gets a Lab and raises if something is wrong; its name is
the sentence.
"""
import http.server
import json
import math
import os
import signal
import struct
import threading
import time

import make_bundle
from client import encode, predict, read_metrics, wait_for
from starting import run


def version(daemon):
    return daemon.get("/api/v1/models/current").json()["model_version"]


def test_a_model_may_be_named_by_a_file_uri(lab):
    with lab.daemon("--model", "file://" + lab.movies, "--admin-token=secret-token") as daemon:
        response = daemon.request("POST", "/api/v1/models/load", headers=[("X-Admin-Token", "secret-token")],
                                  body={"source": "file:" + lab.movies})
        assert response.status == 200, response.body


def test_metric_and_link_of_a_single_file_are_settings(lab):
    """A file without a manifest: one user, and one item that has the raw score 2 and the cosine 1."""
    path = os.path.join(lab.folder, "bare.safetensors")
    make_bundle.tensors(path, [("item_factors", "F32", [1, 2], struct.pack("<2f", 2, 0)),
                               ("user_factors", "F32", [1, 2], struct.pack("<2f", 1, 0))])

    def score(*settings):
        with lab.daemon("--model", path, *settings) as daemon:
            answer = daemon.post("/api/v1/predict", {"user_id": 0}).json()
        return answer["recommendations"][0]["score"]
    assert abs(score() - 1 / (1 + math.exp(-2))) < 1e-6
    assert score("--link", "linear:0:4") == 0.5
    assert score("--link", "clip", "--metric", "inner_product") == 1.0
    assert score("--link", "linear:0:4", "--metric", "cosine") == 0.25
    status, _, err = run(lab, "--model", lab.movies, "--listen=127.0.0.1:0", "--link=clip")
    assert status == 1 and "a bundle's manifest says them" in err, err


def test_sighup_loads_what_the_alias_means_now(lab):
    registry = lab.registry("hup", versions=2)
    with lab.daemon("--model", "models:/movies@live", "--registry", registry) as daemon:
        assert version(daemon) == "1"
        make_bundle.point(registry, 2, "live")
        daemon.signal(signal.SIGHUP)
        assert wait_for(lambda: version(daemon) == "2")


def test_a_failed_reload_keeps_the_old_model_and_is_visible(lab):
    registry = lab.registry("fail", versions=2, broken=2)
    with lab.daemon("--model", "models:/movies@live", "--registry", registry) as daemon:
        make_bundle.point(registry, 2, "live")
        daemon.signal(signal.SIGHUP)
        assert wait_for(lambda: daemon.get("/api/v1/models").json()["failures"] == 1)
        state = daemon.get("/api/v1/models").json()
        assert state["active"]["version"] == "1" and "model.safetensors" in state["last_error"]["message"]
        assert daemon.get("/health/ready").status == 200 and predict(daemon, user_id=1).json()["model_version"] == "1"
        assert wait_for(lambda: read_metrics(daemon)["recsysd_model_load_failures_total"] == 1)
        assert "cannot load model" in daemon.whole_log()


def make_bundle_without(path, name):
    """One of the optional files is not there."""
    make_bundle.make_bundle(path, seed=2)
    manifest = os.path.join(path, "recsys.json")
    with open(manifest, encoding="utf-8") as file:
        content = json.load(file)
    content["files"] = [entry for entry in content["files"] if entry["name"] != name]
    with open(manifest, "w", encoding="utf-8") as file:
        json.dump(content, file)
    return path


def test_a_model_that_clients_would_miss_something_in_is_rejected_unless_allowed(lab):
    folder = os.path.join(lab.folder, "rejected")
    make_bundle.make_bundle(folder + "-small", seed=2, n_items=100)
    cases = [(make_bundle_without(folder + "-seen", "seen.safetensors"), "no seen lists", "--canary-allow-no-seen"),
             (make_bundle_without(folder + "-catalog", "catalog.jsonl"), "no catalogue", "--canary-allow-no-catalog"),
             (os.path.join(lab.folder, "texts"), "of another kind", "--canary-allow-id-kind"),
             (folder + "-small", "100 items", "--canary-min-items=33")]
    token = [("X-Admin-Token", "secret-token")]

    def load(daemon, path):
        return daemon.post("/api/v1/models/load", {"source": path}, headers=token)
    with lab.daemon("--model", lab.movies, "--admin-token=secret-token") as daemon:
        for path, reason, _ in cases:
            response = load(daemon, path)
            assert response.status == 409 and reason in response.json()["detail"], (response.status, response.body)
    with lab.daemon("--model", lab.movies, "--admin-token=secret-token", "--canary-queries=5",
                    *[option for _, _, option in cases]) as daemon:
        for path, _, _ in cases:
            assert load(daemon, path).status == 200, path
        assert "answered 5 queries" in daemon.whole_log()


def test_a_served_model_without_seen_lists_is_logged_once(lab):
    folder = make_bundle_without(os.path.join(lab.folder, "unseen"), "seen.safetensors")
    with lab.daemon("--model", folder) as daemon:
        for _ in range(2):
            daemon.signal(signal.SIGHUP)
            assert predict(daemon, user_id=1).status == 200
        assert daemon.whole_log().count("model movies 1 has no seen lists") == 1, daemon.read_log()
    with lab.daemon("--model", lab.movies) as daemon:
        assert "seen lists" not in daemon.whole_log()


def test_the_registry_is_polled_if_asked(lab):
    registry = lab.registry("poll", versions=2)
    with lab.daemon("--model", "models:/movies@live", "--registry", registry, "--poll-registry-s=1") as daemon:
        make_bundle.point(registry, 2, "live")
        assert wait_for(lambda: version(daemon) == "2")


def test_a_registry_that_is_away_or_answers_with_an_error_is_no_fault_of_the_daemon(lab):
    class Broken(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(500)

        do_POST = do_GET

        def log_message(self, *unused):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for address, status in (("127.0.0.1:9", 503), ("127.0.0.1:%d" % server.server_port, 502)):
            with lab.daemon("--registry=http://" + address, "--model=models:/films@live", "--wait-for-model",
                            "--registry-cache=" + os.path.join(lab.folder, "away"), "--admin-token=the-admin-token") as daemon:
                for step in ("load", "reload"):
                    answer = daemon.request("POST", "/api/v1/models/" + step, headers=[("X-Admin-Token", "the-admin-token")],
                                            body={})
                    assert answer.status == status and b"films" in answer.body, (step, answer.status, answer.body)
        server.shutdown()


def test_polls_load_nothing_that_is_served_or_was_refused(lab):
    registry = lab.registry("polled-often", versions=2, broken=2)
    with lab.daemon("--model", "models:/movies@live", "--registry", registry, "--poll-registry-s", "1") as daemon:
        make_bundle.point(registry, 2, "live")
        assert wait_for(lambda: "serving as before" in daemon.read_log())
        time.sleep(3)  # two polls more, if the machine is not too busy
        log = daemon.whole_log()
        assert log.count("serving as before") == 1 and log.count("deployment: loaded") == 1, log
        make_bundle.point(registry, 1, "live")


def test_a_model_that_comes_later_is_served(lab):
    path = os.path.join(lab.folder, "later")
    with lab.daemon("--model", path, "--wait-for-model") as daemon:
        assert daemon.get("/health/ready").status == 503
        make_bundle.make_bundle(path + ".new")
        os.rename(path + ".new", path)
        assert wait_for(lambda: daemon.get("/health/ready").status == 200)


def test_an_answer_belongs_to_one_version_while_models_are_swapped(lab):
    registry = lab.registry("swap", versions=2)
    token = [("X-Admin-Token", "secret-token")]
    with lab.daemon("--model", "models:/movies/1", "--registry", registry, "--admin-token=secret-token") as daemon:
        expected = {}
        for number in ("1", "2"):
            if number == "2":
                assert daemon.post("/api/v1/models/load", {"source": "models:/movies/2"}, headers=token).status == 200
                assert daemon.post("/api/v1/models/use", {"version": "2"}, headers=token).status == 200
            expected[number] = [predict(daemon, user_id=u).json()["recommendations"] for u in range(1, 6)]
        assert expected["1"] != expected["2"]
        stop, wrong, seen = threading.Event(), [], set()

        def ask():
            connection = daemon.connect()
            while not stop.is_set():
                for user in range(1, 6):
                    connection.send(encode("POST", "/api/v1/predict", body={"user_id": user}))
                    answer = connection.read().json()
                    seen.add(answer["model_version"])
                    if answer["recommendations"] != expected[answer["model_version"]][user - 1]:
                        wrong.append(answer)
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        [t.start() for t in threads]
        for _ in range(40):
            assert daemon.post("/api/v1/models/rollback", {}, headers=token).status == 200
        stop.set()
        [t.join() for t in threads]
        assert not wrong and seen == {"1", "2"}
