"""Behaviour that a list of requests cannot show: time, signals, many clients, configuration.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import gzip
import hashlib
import hmac
import http.server
import json
import math
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import make_bundle
import tokens
from client import TIMEOUT, encode, wait_for

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def predict(daemon, **body):
    response = daemon.post("/api/v1/predict", body)
    assert response.status == 200, response.body
    return response


# ---- the cache

BASE = {"user_id": 1, "top_k": 5, "include_reasons": False, "exclude_seen": True, "exclude": [10, 20],
        "preferences": {"favorite_genres": ["Drama", "Action"], "min_rating": 3, "preferred_languages": ["en", "fr"],
                        "exclude_adult": True, "preferred_decade": "1990s"}}


def changed(**changes):
    body = json.loads(json.dumps(BASE))
    for key, value in changes.items():
        if key in body["preferences"]:
            body["preferences"][key] = value
        else:
            body[key] = value
    return body


DIFFERENT = [changed(diversity=0.5), changed(diversity=0.75), changed(max_per_genre=1), changed(max_per_decade=1),
             changed(max_per_language=1), changed(candidates=[30, 40, 50]), changed(candidates=[30, 40]),
             changed(user_id=2), changed(user_id=12), changed(top_k=6), changed(include_reasons=True), changed(exclude_seen=False),
             changed(exclude=[]), changed(exclude=[10]), changed(exclude=[10, 20, 30]), changed(exclude=[1020]),
             changed(favorite_genres=[]), changed(favorite_genres=["Drama"]), changed(favorite_genres=["DramaAction"]),
             changed(favorite_genres=["Drama", "Action", "en"]), changed(min_rating=0), changed(min_rating=3.0001),
             changed(preferred_languages=["en"]), changed(preferred_languages=["enfr"]), changed(preferred_languages=[]),
             changed(favorite_genres=["Drama"], preferred_languages=["Action", "en", "fr"]),
             changed(exclude_adult=False), changed(preferred_decade=None), changed(preferred_decade="1980s")]

SAME = [changed(exclude=[20, 10]), changed(exclude=[20, 10, 20]), changed(favorite_genres=["action", "drama"]),
        changed(favorite_genres=["ACTION", "Drama", "drama"]), changed(preferred_languages=["FR", "EN", "fr"]),
        changed(min_rating="3"), changed(min_rating=3.0), changed(user_id="1"), changed(top_k="5"), changed(include_reasons=None),
        changed(exclude_seen=1), changed(exclude=["10", 20.0]), dict(reversed(list(BASE.items()))), dict(BASE, unknown=1)]


def test_every_parameter_is_part_of_the_cache_key(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        assert predict(daemon, **BASE).header("x-cache") == "miss"
        for body in DIFFERENT:
            assert predict(daemon, **body).header("x-cache") == "miss", body
        for body in DIFFERENT + [BASE]:
            assert predict(daemon, **body).header("x-cache") == "hit", body


def test_order_and_spelling_are_not_part_of_the_cache_key(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        first = predict(daemon, **BASE).json()["recommendations"]
        for body in SAME:
            response = predict(daemon, **body)
            assert response.header("x-cache") == "hit", body
            assert response.json()["recommendations"] == first


def test_hits_and_misses_differ_in_id_and_time_only(lab):
    with lab.daemon("--model", lab.movies) as daemon, lab.daemon("--model", lab.movies, "--cache-bytes=0") as without:
        for body in [BASE, {"user_id": 4}, {"user_id": 777, "include_reasons": True}]:
            responses = [predict(daemon, **body), predict(daemon, **body), predict(without, **body)]
            assert [r.header("x-cache") for r in responses] == ["miss", "hit", "miss"]
            answers = [r.json() for r in responses]
            assert len({a.pop("request_id") for a in answers}) == 3
            for answer in answers:
                answer.pop("timestamp"), answer.pop("inference_time_ms")
            assert answers[0] == answers[1] == answers[2]


def test_a_batch_answers_as_single_requests_do(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        rows = daemon.post("/api/v1/batch-predict", {"user_ids": list(range(1, 46)), "top_k": 7}).json()["predictions"]
        for row in rows:
            single = predict(daemon, user_id=row["user_id"], top_k=7).json()
            assert single["recommendations"] == row["recommendations"] and single["strategy"] == row["strategy"]


def test_many_who_ask_the_same_at_once_share_one_computation(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        barrier, seen = threading.Barrier(16), []

        def ask():
            connection = daemon.connect()
            barrier.wait()
            connection.send(encode("POST", "/api/v1/predict", body={"user_id": 7}))
            seen.append(connection.read().header("x-cache"))
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(16)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert sorted(seen) == ["hit"] * 15 + ["miss"], seen


def test_answers_expire(lab):
    with lab.daemon("--model", lab.movies, "--cache-ttl-s=3") as daemon:
        assert predict(daemon, user_id=1).header("x-cache") == "miss"
        assert predict(daemon, user_id=1).header("x-cache") == "hit"
        assert wait_for(lambda: predict(daemon, user_id=1).header("x-cache") == "miss")


# ---- middleware

def test_large_replies_are_compressed_for_those_who_can_read_it(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        target = "/api/v1/recommendations/1?top_k=50"
        plain = daemon.get(target)
        assert plain.header("content-encoding") is None and plain.header("vary") == "Accept-Encoding"
        for accept in ["gzip", "deflate, gzip;q=0.5", "*", "br;q=1, GZIP"]:
            packed = daemon.get(target, headers=[("Accept-Encoding", accept)])
            assert packed.header("content-encoding") == "gzip" and len(packed.body) < len(plain.body)
            assert gzip.decompress(packed.body) == plain.body
        for accept in ["gzip;q=0", "deflate", "identity", "gzip;q=0.000, *", "xgzip"]:
            assert daemon.get(target, headers=[("Accept-Encoding", accept)]).header("content-encoding") is None
        small = daemon.get("/health/live", headers=[("Accept-Encoding", "gzip")])
        assert small.header("content-encoding") is None and small.header("vary") is None


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? (-?[0-9.e+-]+|\+Inf|NaN)$')


def read_metrics(daemon):
    values = {}
    for line in daemon.metrics().splitlines():
        if line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            values[line.rsplit(" ", 1)[0]] = float(line.rsplit(" ", 1)[1])
    return values


def test_metrics_count_what_happened(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        for _ in range(3):
            predict(daemon, user_id=1)
        daemon.post("/api/v1/predict", {"user_id": "nobody"})
        daemon.get("/nowhere/at/all")
        daemon.get("/api/v1/recommendations/8")
        daemon.post("/api/v1/batch-predict", {"user_ids": [1, 2, 3]})
        assert wait_for(lambda: read_metrics(daemon).get("recsysd_batch_users_total") == 3)
        values = read_metrics(daemon)
        count = 'recsysd_http_requests_total{route="%s",method="%s",status="%d"}'
        assert values[count % ("/api/v1/predict", "POST", 200)] == 3
        assert values[count % ("/api/v1/predict", "POST", 422)] == 1
        assert values[count % ("none", "GET", 404)] == 1
        assert values[count % ("/api/v1/recommendations/{user_id}", "GET", 200)] == 1
        assert values['recsysd_http_request_seconds_count{route="/api/v1/predict"}'] == 4
        assert values["recsysd_cache_hits_total"] == 2 and values["recsysd_cache_misses_total"] == 2
        assert values["recsysd_cache_entries"] == 3 and values["recsysd_cache_bytes"] > 0  # two answers and the epoch
        assert values["recsysd_scoring_seconds_count"] == 3
        assert values['recsysd_model_info{name="movies",version="1"}'] == 1
        assert "recsysd_model_code_bytes" in values
        assert values["recsysd_model_swaps_total"] == 1 and values["recsysd_model_load_failures_total"] == 0
        assert values["recsysd_http_requests_in_flight"] >= 1  # this one, and perhaps the end of the one before
        assert values["process_resident_memory_bytes"] > 1e6, values["process_resident_memory_bytes"]
        assert abs(values["process_start_time_seconds"] - time.time()) < 600


def test_openapi_describes_every_route(lab):
    with open(os.path.join(SOURCE, "daemon", "routes.c")) as file:
        routes = set(re.findall(r'\{"(GET|POST|PUT)",\s+"([^"]+)"', file.read()))
    with lab.daemon("--model", lab.movies) as daemon:
        api = daemon.get("/openapi.json").json()
        version = daemon.get("/").json()["version"]
    described = {(method.upper(), path) for path, methods in api["paths"].items() for method in methods}
    assert described == routes and len(routes) > 10, described ^ routes
    # The steps before the handler answer with these, see daemon/routes.c.
    with open(os.path.join(SOURCE, "daemon", "routes.c")) as file:
        rows = re.findall(r'\{"(GET|POST|PUT)",\s+"([^"]+)",[^,]*,[^,]*,\s*([^,]*),\s*([^}]*)\}', file.read())
    assert {row[:2] for row in rows} == routes  # a route may have a second row, for health_listen
    for method, path, access, flags in rows:
        needed = {"400", "403", "408", "431", "503"}
        needed |= {"413", "415"} if "BODY" in flags else set()
        needed |= {"411"} if "BODY" in flags and "PERHAPS" not in flags else set()
        needed |= {"401", "429"} if access.strip() != "0" else set()
        described = set(api["paths"][path][method.lower()]["responses"])
        assert needed <= described, (method, path, needed - described)
    assert api["openapi"].startswith("3.1") and api["info"]["version"] == version


def test_the_page_loads_nothing_from_elsewhere(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        page, script = daemon.get("/docs").body.decode(), daemon.get("/docs/docs.js").body.decode()
    assert 'src="docs/docs.js"' in page and "openapi.json" in script
    assert "http:" not in page + script and "https:" not in page + script and "innerHTML" not in script


def test_a_file_that_is_packed_comes_unpacked_to_clients_that_cannot_unpack(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        found = re.findall(r'(?:src|href)="(docs/[^"]+)"', daemon.get("/docs").body.decode())
        assert "docs/docs.css" in found and "docs/docs.js" in found, found
        for path in found:
            plain = daemon.get("/" + path)
            packed = daemon.get("/" + path, headers=[("Accept-Encoding", "gzip")])
            assert plain.status == packed.status == 200 and plain.header("Content-Encoding") is None, path
            body = gzip.decompress(packed.body) if packed.header("Content-Encoding") == "gzip" else packed.body
            assert body == plain.body and len(body) > 50, path
            if len(body) > 100000:  # Swagger UI's; it is never sent to those who cannot read it
                assert packed.header("Content-Encoding") == "gzip" and len(packed.body) < len(body) / 3, path
            assert b"sourceMappingURL=http" not in body


def test_the_page_shows_replies_as_they_came(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        script = re.sub(r"//.*|/\*.*?\*/", "", daemon.get("/docs/docs.js").body.decode())
    assert "response.text()" in script or "indent(" in script
    assert "JSON.parse" not in script and "JSON.stringify" not in script  # they round ids beyond 2^53


def test_stdin_stays_as_it_was(lab):
    with open(os.path.join(lab.folder, "stdin"), "w+b") as file:
        for flags in ([], ["--health-listen=127.0.0.1:0"]):
            with lab.daemon("--model", lab.movies, *flags, stdin=file) as daemon:
                assert daemon.get("/health/live").status == 200
            assert os.fstat(file.fileno()).st_size == 0, flags


def test_no_socket_takes_the_place_of_a_closed_standard_stream(lab):
    path = os.path.join(lab.folder, "closed-port")
    process = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", lab.program, "--model", lab.movies,
                                "--listen=127.0.0.1:0", "--port-file", path])
    try:
        assert wait_for(lambda: os.path.exists(path))
        streams = [os.readlink("/proc/%d/fd/%d" % (process.pid, fd)) for fd in range(3)]
        assert streams == ["/dev/null"] * 3, streams
        process.terminate()
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()


def test_secrets_in_the_wrong_place_are_not_repeated(lab):
    path = os.path.join(lab.folder, "malformed.conf")
    with open(path, "w") as file:
        file.write("redis redis://:hunter2@host\n")
    for arguments in (["--config", path], ["redis://:hunter2@host"]):
        done = subprocess.run([lab.program, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
        assert done.returncode == 2 and "hunter2" not in done.stdout + done.stderr, done


def test_a_cache_may_be_small(lab):
    with lab.daemon("--model", lab.movies, "--cache-bytes=1000") as daemon:
        predict(daemon, **BASE)
        predict(daemon, **BASE)


def test_the_access_log_has_a_line_for_every_request(lab):
    path = os.path.join(lab.folder, "access.log")
    with lab.daemon("--model", lab.movies, "--access-log", path) as daemon:
        daemon.post("/api/v1/predict", {"user_id": 1}, headers=[("X-Request-ID", "one")])
        daemon.get('/no"thing?a=%22\\', headers=[("X-Request-ID", "two")])
        daemon.connect().send(b"\xff\xfe\r\n\r\n")
        daemon.get("/health/live", headers=[("X-Request-ID", "three")])
    with open(path) as file:
        lines = {line["request_id"]: line for line in map(json.loads, file)}
    assert lines["one"]["status"] == 200 and lines["one"]["cache"] == "miss" and lines["one"]["method"] == "POST"
    assert lines["two"]["status"] == 404 and lines["two"]["path"] == '/no"thing' and lines["two"]["query"] == "a=%22\\"
    assert lines["three"]["duration_ms"] >= 0 and lines["three"]["bytes"] == 18 and lines["three"]["remote"] == "127.0.0.1"


# ---- changing models and stopping

def version(daemon):
    return daemon.get("/api/v1/models/current").json()["model_version"]


def traced(daemon):
    """The messages of the trace so far."""
    lines = [json.loads(line) for line in daemon.whole_log().splitlines() if line.startswith("{")]
    return [line["message"] for line in lines if line.get("level") == "trace"]


def test_each_step_of_a_traced_component_has_the_requests_id(lab):
    with lab.daemon("--model", lab.movies, "--trace", "aside,scan", "--log-level", "error") as daemon:
        for name in ("first", "second"):
            daemon.post("/api/v1/predict", {"user_id": 1}, headers=[("X-Request-ID", name)])
        lines = traced(daemon)
        assert [line.split(": ", 1)[1] for line in lines if line.startswith("aside [first] ")] == [
            "LOOK: LOOKED -> JUDGE", "JUDGE: MISSING -> JOIN", "JOIN: FREE -> TAKE",
            "TAKE: OURS -> LOAD", "LOAD: KEPT -> FILL", "FILL: UNSHARED -> ANSWER",
            "ANSWER: ANSWERED -> DONE"], lines
        assert len([line for line in lines if line.startswith("scan [first] 1 queries over ")]) == 1, lines
        assert [line.split(": ", 1)[1] for line in lines if line.startswith("aside [second] ")] == [
            "LOOK: LOOKED -> JUDGE", "JUDGE: VALUE -> USE", "USE: NOT_DUE -> SERVE", "SERVE: SERVED -> DONE"], lines


def test_the_trace_can_be_changed_while_the_daemon_runs(lab):
    token = [("X-Admin-Token", "secret-token")]
    with lab.daemon("--model", lab.movies, "--admin-token=secret-token") as daemon:
        def choose(names):
            assert daemon.request("PUT", "/api/v1/admin/trace", body={"trace": names}, headers=token).status == 200

        predict(daemon, user_id=1)
        assert traced(daemon) == []
        choose("scan")
        predict(daemon, user_id=2)
        assert len(traced(daemon)) == 1
        choose("deployment")
        predict(daemon, user_id=3)
        daemon.post("/api/v1/models/load", {}, headers=token + [("X-Request-ID", "the-load")])
        assert [line for line in traced(daemon) if line.startswith("deployment [the-load] load: ")][-1:] == [
            "deployment [the-load] load: PROPOSE: KEPT -> IDLE"], traced(daemon)
        n_lines = len(traced(daemon))
        choose("")
        predict(daemon, user_id=4)
        assert len(traced(daemon)) == n_lines


def test_a_model_may_be_named_by_a_file_uri(lab):
    with lab.daemon("--model", "file://" + lab.movies, "--admin-token=secret-token") as daemon:
        response = daemon.request("POST", "/api/v1/models/load", headers=[("X-Admin-Token", "secret-token")],
                                  body={"source": "file:" + lab.movies})
        assert response.status == 200, response.body


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


# ---- batching

VOLATILE = re.compile(rb'"inference_time_ms":\d+|"request_id":"[^"]*"|"timestamp":"[^"]*"')
MIXED = [BASE] + DIFFERENT + [{"user_id": u, "top_k": 1 + u % 50, "include_reasons": u % 3 == 0} for u in range(1, 45)]


def stable(response):
    """Status and body without what differs from request to request."""
    return response.status, VOLATILE.sub(b"", response.body)


def test_requests_that_are_scored_together_get_the_bytes_of_requests_alone(lab):
    registry = lab.registry("batching", versions=2)
    token = [("X-Admin-Token", "secret-token")]
    flags = ["--model", "models:/movies/1", "--registry", registry, "--admin-token=secret-token", "--cache-bytes=0"]
    with lab.daemon(*flags, "--batching=off") as alone, lab.daemon(*flags, "--batching=on", "--threads=32") as daemon:
        expected = []
        for number in ("1", "2"):
            for each in (alone, daemon):
                if number == "2":
                    assert each.post("/api/v1/models/load", {"source": "models:/movies/2"}, headers=token).status == 200
                    assert each.post("/api/v1/models/use", {}, headers=token).status == 200
            expected.append([stable(alone.post("/api/v1/predict", body)) for body in MIXED])
        assert "recsysd_batching_requests_count" not in read_metrics(alone) or \
            read_metrics(alone)["recsysd_batching_requests_count"] == 0
        wrong, seen, stop = [], set(), threading.Event()

        def ask(offset):
            connection = daemon.connect()
            while not stop.is_set():
                for i in range(offset, len(MIXED), 3):
                    connection.send(encode("POST", "/api/v1/predict", body=MIXED[i]))
                    got = stable(connection.read())
                    versions = [v for v in (0, 1) if got == expected[v][i]]
                    seen.update(versions)
                    if not versions:
                        wrong.append((MIXED[i], got))
            connection.close()
        clients = [threading.Thread(target=ask, args=(i % 3,)) for i in range(12)]
        [c.start() for c in clients]
        for _ in range(30):
            assert daemon.post("/api/v1/models/rollback", {}, headers=token).status == 200
        stop.set()
        [c.join() for c in clients]
        assert not wrong and seen == {0, 1}, wrong[:1]
        metrics = read_metrics(daemon)
        assert metrics["recsysd_batching_requests_count"] > 0
        assert metrics["recsysd_batching_wait_seconds_count"] >= metrics["recsysd_batching_requests_count"]


def test_requests_of_clients_that_leave_harm_nobody(lab):
    for cache in ("--cache-bytes=0", "--cache-bytes=1000000"):
        with lab.daemon("--model", lab.movies, "--batching=on", "--threads=32", cache) as daemon:
            expected = stable(daemon.post("/api/v1/predict", {"user_id": 7, "top_k": 9}))
            stop = threading.Event()

            def leave():
                user = 0
                while not stop.is_set():
                    connection, user = daemon.connect(), user + 1
                    connection.send(encode("POST", "/api/v1/predict", body={"user_id": user % 40 + 1, "top_k": 50}))
                    connection.close()
            leaving = [threading.Thread(target=leave) for _ in range(8)]
            [t.start() for t in leaving]
            answers = {stable(daemon.post("/api/v1/predict", {"user_id": 7, "top_k": 9})) for _ in range(200)}
            stop.set()
            [t.join() for t in leaving]
            assert answers == {expected}, answers
            assert '"status":500' not in daemon.read_log()


def test_a_full_queue_of_scans_refuses_what_comes_then(lab):
    flags = ["--batching=on", "--batching-queue=1", "--batch-threads=1", "--threads=32", "--cache-bytes=0"]
    with lab.daemon("--model", lab.movies, *flags) as daemon:
        expected = stable(daemon.post("/api/v1/predict", {"user_id": 7, "top_k": 50, "include_reasons": True}))
        refused, wrong, stop = [], [], threading.Event()

        def ask():
            connection = daemon.connect()
            while not stop.is_set():
                connection.send(encode("POST", "/api/v1/predict",
                                       body={"user_id": 7, "top_k": 50, "include_reasons": True}))
                got = connection.read()
                if got.status == 503:
                    refused.append(got)
                elif stable(got) != expected:
                    wrong.append(got)
            connection.close()
        clients = [threading.Thread(target=ask) for _ in range(24)]
        [c.start() for c in clients]
        assert wait_for(lambda: refused or wrong)
        stop.set()
        [c.join() for c in clients]
        assert not wrong, wrong[:1]
        assert refused[0].header("Retry-After") is not None and b"wait already" in refused[0].body, refused[0].body
        assert stable(daemon.post("/api/v1/predict", {"user_id": 7, "top_k": 50, "include_reasons": True})) == expected


def test_requests_under_way_are_finished_when_the_daemon_is_stopped(lab):
    daemon = lab.daemon("--model", lab.movies)
    counts, broken = [0] * 6, []

    def ask(number):
        body = {"user_ids": list(range(1, 1001)), "top_k": 50} if number == 0 else {"user_id": number}
        target = "/api/v1/batch-predict" if number == 0 else "/api/v1/predict"
        while True:
            try:
                connection = daemon.connect()
            except OSError:
                return  # refused: the daemon no longer accepts
            try:
                connection.send(encode("POST", target, body=body))
                response = connection.read()
                json.loads(response.body)
                assert response.status == 200
                counts[number] += 1
            except (EOFError, OSError, AssertionError, ValueError) as error:
                broken.append(error)  # every connection that could be made is served
                return
            finally:
                connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    [t.start() for t in threads]
    assert wait_for(lambda: all(counts))
    assert daemon.stop() == 0
    [t.join() for t in threads]
    assert not broken, broken


def test_no_connection_is_lost_when_the_daemon_is_stopped_again_and_again(lab):
    rounds, answered, lost = 40 if lab.is_long else 4, [0], []

    def ask(daemon, number):
        while True:
            try:
                connection = daemon.connect()
            except OSError:
                return
            try:
                connection.send(encode("GET", "/health/live", headers=[("Connection", "close")]))
                answered[0] += connection.read().status == 200
            except (EOFError, OSError) as error:
                lost.append(error)
            finally:
                connection.close()

    for _ in range(rounds):
        daemon = lab.daemon("--model", lab.movies, "--threads=4")
        threads = [threading.Thread(target=ask, args=(daemon, n)) for n in range(16)]
        [t.start() for t in threads]
        time.sleep(0.5)
        assert daemon.stop() == 0
        [t.join() for t in threads]
    assert not lost and answered[0] > 100, (lost, answered)


def test_load_balancers_get_time_to_see_that_the_daemon_stops(lab):
    daemon = lab.daemon("--model", lab.movies, "--drain-delay-ms=60000")
    daemon.signal(signal.SIGTERM)
    assert wait_for(lambda: daemon.get("/health/ready").status == 503)
    response = predict(daemon, user_id=1)
    assert response.header("connection") == "close" and daemon.get("/health/live").status == 200
    begin = time.monotonic()
    assert daemon.stop() == 0  # the second signal
    assert time.monotonic() - begin < 50


def test_the_service_manager_is_told_what_the_daemon_does(lab):
    path = os.path.join(lab.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(TIMEOUT)
        daemon = lab.daemon("--model", lab.movies, environment={"NOTIFY_SOCKET": path})
        assert manager.recv(200) == b"READY=1"
        daemon.signal(signal.SIGHUP)
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", manager.recv(200)) and manager.recv(200) == b"READY=1"
        assert daemon.stop() == 0 and manager.recv(200) == b"STOPPING=1"


def test_a_connection_that_stays_open_is_told_to_close(lab):
    daemon = lab.daemon("--model", lab.movies)
    connection = daemon.connect()
    connection.send(encode("GET", "/health/ready"))
    assert connection.read().header("connection") == "keep-alive"
    daemon.signal(signal.SIGINT)
    assert connection.is_closed() and daemon.process.wait(TIMEOUT) == 0


# ---- settings

def run(lab, *arguments, environment=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECSYSD_")}
    clean.update(environment or {})
    done = subprocess.run([lab.program, *arguments], capture_output=True, text=True, env=clean, timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def test_a_byte_order_mark_is_skipped_in_every_text(lab):
    def marked(name, data):
        path = os.path.join(lab.folder, "marked-" + name)
        with open(path, "wb") as file:
            file.write("\ufeff".encode() + data)
        return path

    def content(name):
        with open(os.path.join(lab.folder, name), "rb") as file:
            return file.read()

    settings = "model = %s\napi_keys_file = %s\nadmin_token_file = %s\n" % (
        lab.movies, marked("keys", b"key-number-one\n"), marked("admin", b"the-admin-token\n"))
    secret, public = marked("secret", content("jwt-secret")), marked("rsa.pub", content("rsa.pub"))
    body = "\ufeff".encode() + b'{"user_id": 1}'
    for key, how in (("jwt_secret_file = " + secret, "hs256"), ("jwt_public_key_file = " + public, "rs256")):
        config = marked("config", (settings + key + "\n").encode())
        with lab.daemon("--config", config) as daemon:
            token = tokens.make({"sub": "1", "jti": "a", "exp": int(time.time()) + 600}, how.upper(), how)
            for header in (("X-API-Key", "key-number-one"), ("X-Admin-Token", "the-admin-token"),
                           ("Authorization", "Bearer " + token)):
                response = daemon.request("POST", "/api/v1/predict", headers=[header], body=body)
                assert response.status == 200, (header, response.body)
    # Elsewhere it is a character like others, and a secret of any bytes may begin with these.
    response = lab.daemon("--model", lab.movies).request("POST", "/api/v1/predict", body=b" " + body)
    assert response.status == 422, response.body
    random = "\ufeff".encode() + bytes(range(128, 200))
    with open(os.path.join(lab.folder, "random-secret"), "wb") as file:
        file.write(random)
    with lab.daemon("--model", lab.movies, "--jwt-secret-file", file.name) as daemon:
        text = tokens.make({"sub": "1", "jti": "a", "exp": int(time.time()) + 600}).rpartition(".")[0].encode()
        token = text + b"." + tokens.encode(hmac.new(random, text, hashlib.sha256).digest())
        assert daemon.get("/api/v1/models", headers=tokens.bearer(token.decode())).status == 200


def test_flags_outrank_the_environment_and_that_the_file(lab):
    path = os.path.join(lab.folder, "recsysd.conf")
    with open(path, "w") as file:
        file.write("# a comment\n\ncache_bytes = 1000\n  threads=3\nmodel = /from/file\nenv = production\nadmin_token = hidden-token\n")
    status, out, _ = run(lab, "--config", path, "--threads=5", "--wait-for-model", "--print-config",
                         environment={"RECSYSD_THREADS": "4", "RECSYSD_CACHE_BYTES": "2000", "RECSYSD_PORT_8000_TCP": "tcp://x"})
    lines = out.splitlines()
    for words in (["--warm", "off", "--threads=2"], ["--warm=off"], ["--warm", "off"]):
        assert "warm = off" in run(lab, "--model=x", *words, "--print-config")[1].splitlines(), words
    for words in (["--warm", "--threads=2"], ["--warm"], ["--warm", "yes"]):
        assert "warm = on" in run(lab, "--model=x", *words, "--print-config")[1].splitlines(), words
    assert "is not a flag" in run(lab, "--model=x", "--warm", "maybe")[2]
    assert status == 0 and "threads = 5" in lines and "cache_bytes = 2000" in lines and "model = /from/file" in lines
    assert "env = production" in lines and "wait_for_model = on" in lines and "cache_ttl_s = 300" in lines
    assert "hidden-token" not in out and "# admin_token is set, and not shown" in lines
    with open(path, "w") as file:
        file.write(out)
    assert run(lab, "--config=" + path, "--print-config")[1] == out.replace("is set, and not shown", "is not set")


def test_check_reads_the_settings_and_the_files_of_keys(lab):
    keys = "--api-keys-file=" + os.path.join(lab.folder, "keys")
    assert run(lab, "--model=not-looked-at", keys, "--check")[:2] == (0, "the settings are valid\n")
    status, out, err = run(lab, "--model=x", "--api-keys-file=/nowhere", "--check")
    assert status == 2 and out == "" and "cannot open api_keys_file" in err
    assert run(lab, "--model=x", keys, "--jwt-old-secret-file=/nowhere", "--check")[0] == 0
    status, _, err = run(lab, "--model=x", "--jwt-old-secret-file=" + os.path.join(lab.folder, "jwt-secret"), "--check")
    assert status == 2 and "must be of the same kind" in err


def test_few_descriptors_are_raised_or_said(lab):
    with lab.daemon("--model", lab.movies, limits={resource.RLIMIT_NOFILE: (64, 4096)}) as daemon:
        assert resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[0] == 4096
        assert "open files" not in daemon.whole_log()
    with lab.daemon("--model", lab.movies, "--threads=4", limits={resource.RLIMIT_NOFILE: (300, 300)}) as daemon:
        assert wait_for(lambda: "max_connections is " in daemon.read_log())
        many = [daemon.connect() for _ in range(150)]
        many[0].send(encode("GET", "/health/live"))
        assert many[0].read().status == 200
        [connection.close() for connection in many]
        assert predict(daemon, user_id=1).status == 200


def test_wrong_settings_are_explained_with_exit_status_2(lab):
    path = os.path.join(lab.folder, "wrong.conf")
    for arguments, environment, expected in [
            (["--cache-byte=1"], {}, "there is no setting 'cache_byte'; did you mean 'cache_bytes'?"),
            (["--thread", "1"], {}, "did you mean 'threads'?"),
            (["--threads=0"], {}, "threads must be an integer from 1 to 1024, not '0'"),
            (["--threads=5x"], {}, "threads must be an integer"),
            (["--threads"], {}, "--threads needs a value"),
            (["--env=test"], {}, "env must be one of development|production, not 'test'"),
            (["--wait-for-model=maybe"], {}, "wait_for_model must be on or off"),
            (["model"], {}, "argument 1 is not a flag"),
            ([], {"RECSYSD_LOG_LEVL": "info"}, "environment: there is no setting 'log_levl'; did you mean 'log_level'?"),
            (["--config", path + ".no"], {}, "cannot open configuration"),
            ([], {}, "no model to serve"),
            (["--model=x", "--listen=8000"], {}, "listen must be up to 8 addresses and ports"),
            (["--model=x", "--listen=127.0.0.1:70000"], {}, "listen must be"),
            (["--model=x", "--listen=0.0.0.0:0"], {}, "refusing to listen on 0.0.0.0 without authentication"),
            (["--model=x", "--link=cubic"], {}, "link must be sigmoid, clip or linear:MIN:MAX with MIN < MAX, not 'cubic'"),
            (["--model=x", "--link=linear:5:1"], {}, "link must be sigmoid, clip or linear:MIN:MAX"),
            (["--model=x", "--metric=l2"], {}, "metric must be one of auto|inner_product|cosine"),
            (["--model=x", "--admin-token=short"], {}, "admin_token must have at least 8 characters"),
            (["--model=x", "--trace=aside,cache"], {}, 'cannot trace "cache": no component has that name; there are aside,store,'),
            (["--model=x", "--trusted-proxies=127.0.0.1,10.0.0.0/33"], {}, 'trusted_proxies: "10.0.0.0/33" is no address'),
            (["--model=x", "--trusted-proxies=proxy.local"], {}, 'trusted_proxies: "proxy.local" is no address'),
            (["--model=x", "--api-keys-file=/nowhere"], {}, "cannot open api_keys_file")]:
        status, _, err = run(lab, *arguments, environment=environment)
        assert status == 2 and expected in err, (arguments, status, err)
    with open(path, "w") as file:
        file.write("threads = 4\nthraeds = 5\n")
    status, _, err = run(lab, "--config", path)
    assert status == 2 and "wrong.conf:2: there is no setting 'thraeds'; did you mean 'threads'?" in err


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


def test_what_cannot_start_ends_with_exit_status_1(lab):
    status, _, err = run(lab, "--model", "/nowhere/at/all", "--listen=127.0.0.1:0")
    assert status == 1 and "cannot load model /nowhere/at/all" in err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, _, err = run(lab, "--model", lab.movies, "--listen=127.0.0.1:%d" % taken.getsockname()[1])
    assert status == 1 and "cannot listen on" in err
    status, _, err = run(lab, "--model", lab.movies, "--listen=127.0.0.1:0", "--access-log=/nowhere/log")
    assert status == 1 and "cannot open access log" in err


def test_a_thread_that_is_missing_fails_the_start(lab):
    """Whichever it is; the log names limits. With every one there, requests are answered."""
    built = os.path.join(os.path.dirname(lab.program), "..", "tests", "few_threads.so")
    assert os.path.exists(built), "build the target recsys_few_threads"
    shim = os.path.join(lab.folder, "few_threads.so")  # a path with a space is two in LD_PRELOAD
    shutil.copy(built, shim)
    arguments = ["--model", lab.movies, "--threads=3", "--batch-threads=2",
                 "--access-log=" + os.path.join(lab.folder, "few_threads.log")]
    needed = 2 + 1 + 2 + 3 + 1  # logs, batch, models, workers, accepting
    environment = {"LD_PRELOAD": shim, "OPENBLAS_NUM_THREADS": "1",
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    for n in range(needed):
        status, _, err = run(lab, *arguments, "--listen=127.0.0.1:0",
                             environment=dict(environment, RECSYS_TEST_THREADS=str(n)))
        assert status == 1 and "limit" in err and "listening" not in err, (n, status, err)
        assert re.search("thread that|batch-predict with|worker", err), (n, err)
    with lab.daemon(*arguments, environment=dict(environment, RECSYS_TEST_THREADS=str(needed))) as daemon:
        assert predict(daemon, user_id=1).status == 200


def test_every_thread_has_a_name(lab):
    with lab.daemon("--model", lab.movies, "--threads=2", "--batch-threads=2", "--redis=redis://127.0.0.1:1",
                    "--access-log", os.path.join(lab.folder, "named-threads.log"), "--jwt-secret-file", os.path.join(lab.folder, "jwt-secret"),
                    environment={"OPENBLAS_NUM_THREADS": "1"}) as daemon:
        folder = "/proc/%d/task" % daemon.process.pid

        def names():
            found = []
            for thread in os.listdir(folder):
                with open(os.path.join(folder, thread, "comm")) as file:
                    found.append(file.read().strip())
            return sorted(found)

        expected = ["access-log", "database-watch", "http-0", "http-1", "http-accept", "log", "model-changer",
                    "model-keeper", "recsys-scan", "recsysd", "store-watch"]
        with open(lab.program, "rb") as file:
            if b"__tsan_init" in file.read():  # ThreadSanitizer has a thread of its own, without a name
                expected.insert(expected.index("recsysd"), "recsysd")
        assert wait_for(lambda: names() == expected), names()  # a thread names itself once it runs


def test_the_documentation_has_the_table_of_settings(lab):
    status, table, _ = run(lab, "--help-markdown")
    with open(os.path.join(SOURCE, "docs", "daemon.md"), encoding="utf-8") as file:
        page = file.read()
    with open(os.path.join(SOURCE, "docs", "inference.md"), encoding="utf-8") as file:
        page += file.read()
    assert status == 0 and table in page, "docs/daemon.md differs from recsysd --help-markdown"
    with open(os.path.join(SOURCE, "daemon", "routes.c")) as file:
        for method, path in re.findall(r'\{"(GET|POST|PUT)",\s+"([^"]+)"', file.read()):
            if path.startswith("/v2"):  # docs/inference.md has several of them in a line
                assert path.replace("/versions/{version}", "") + "`" in page, path
            else:
                assert re.search("`%s %s[?`]" % (method, re.escape(path)), page), path


def test_help_names_every_setting(lab):
    status, out, _ = run(lab, "--help")
    assert status == 0 and "--cache-bytes" in out and "Exit status" in out
    assert run(lab, "--version")[1].startswith("recsysd 0.")
