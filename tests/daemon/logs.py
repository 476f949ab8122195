"""Metrics, trace and logs: what they say, also while nobody reads them, on a full disk, and when files are renamed.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import json
import os
import resource
import signal
import time

from client import predict, read_metrics, wait_for

LIVE = "/health/live"


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def test_a_stderr_that_nobody_reads_delays_nothing(lab):
    reading, writing = os.pipe()
    try:
        # More lines than pipe and buffers hold; with trace, requests write events themselves.
        with lab.daemon("--model", lab.movies, "--trace=all", "--threads=4", stderr=writing) as daemon:
            connection = daemon.connect()
            while read_metrics(daemon)["recsysd_log_dropped_total"] == 0:
                connection.send((b"GET " + LIVE.encode() + b"?" + b"x" * 800 + b" HTTP/1.1\r\nHost: a\r\n\r\n") * 100)
                assert [connection.read().status for _ in range(100)] == [200] * 100
            daemon.signal(signal.SIGHUP)
            assert daemon.post("/api/v1/predict", {"user_id": 1}).status == 200
            assert daemon.stop() == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_a_full_disk_loses_lines_and_glues_none(lab):
    log = os.path.join(lab.folder, "full.log")
    with lab.daemon("--model", lab.movies, "--access-log", log) as daemon:
        pid = daemon.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        for size in (2000, 5000):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, limits[1]))  # a write past it is cut, then fails
            lost = read_metrics(daemon)["recsysd_access_log_dropped_total"]
            while read_metrics(daemon)["recsysd_access_log_dropped_total"] == lost:
                assert daemon.get(LIVE).status == 200
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        assert daemon.get("/health/ready").status == 200
        assert wait_for(lambda: "/health/ready" in read_lines(log)[-1] or "/health/ready" in read_lines(log)[-2])
    lines = read_lines(log)
    for line in lines:
        assert line == "" or line.count('{"time"') == 1, line
    assert sum(not line.endswith("}") for line in lines) <= 3
    assert len([json.loads(line) for line in lines if line.endswith("}")]) >= 10


def test_sigusr1_and_sighup_open_the_file_again(lab):
    log = os.path.join(lab.folder, "rotated.log")
    with lab.daemon("--model", lab.movies, "--access-log", log) as daemon:
        for number, kind in enumerate((signal.SIGUSR1, signal.SIGHUP)):
            assert daemon.get(LIVE + "?before%d" % number).status == 200
            assert wait_for(lambda: any("before%d" % number in line for line in read_lines(log)))
            os.rename(log, "%s.%d" % (log, number))
            daemon.signal(kind)
            # The signal is not answered, so ask until a line arrives in the new file.
            assert wait_for(lambda: daemon.get(LIVE + "?after").status == 200 and os.path.exists(log))
        assert all(json.loads(line)["path"] for line in read_lines(log))
        assert wait_for(lambda: "SIGUSR1" in daemon.read_log() and "SIGHUP" in daemon.read_log())


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
        assert "recsysd_model_short_code_bytes" in values
        assert values["recsysd_model_swaps_total"] == 1 and values["recsysd_model_load_failures_total"] == 0
        assert values["recsysd_http_requests_in_flight"] >= 1  # this one, and perhaps the end of the one before
        assert values["process_resident_memory_bytes"] > 1e6, values["process_resident_memory_bytes"]
        assert abs(values["process_start_time_seconds"] - time.time()) < 600


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
