"""Answers: when they come from the cache, how they are packed, and requests that are scored together.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import gzip
import json
import re
import threading

from client import encode, predict, read_metrics, wait_for

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


def test_a_cache_may_be_small(lab):
    with lab.daemon("--model", lab.movies, "--cache-bytes=1000") as daemon:
        predict(daemon, **BASE)
        predict(daemon, **BASE)


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
