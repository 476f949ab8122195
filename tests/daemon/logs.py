"""The logs while nobody reads them, while the disk is full, and when files are renamed.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import json
import os
import resource
import signal

from client import wait_for

LIVE = "/health/live"


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def metric(daemon, name):
    lines = daemon.metrics().splitlines()
    return float([line for line in lines if line.startswith(name + " ")][0].split()[1])


def test_a_stderr_that_nobody_reads_delays_nothing(lab):
    reading, writing = os.pipe()
    try:
        # More lines than pipe and buffers hold; with trace, requests write events themselves.
        with lab.daemon("--model", lab.movies, "--trace=all", "--threads=4", stderr=writing) as daemon:
            connection = daemon.connect()
            while metric(daemon, "recsysd_log_dropped_total") == 0:
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
            lost = metric(daemon, "recsysd_access_log_dropped_total")
            while metric(daemon, "recsysd_access_log_dropped_total") == lost:
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
