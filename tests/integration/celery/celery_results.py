#!/usr/bin/env python3
"""Results of real Celery workers, read by recsys_recycling_get_task().

    servers.py run DIR -- VENV/bin/python celery_results.py READER

Starts two workers on the throw-away Redis (results in logical db 9, as applications have them,
messages in db 10), lets tasks succeed, fail, be revoked, be retried and be at work, and hands
READER (celery_reads.c) a list of what Celery itself says about each. Ends with "N passed, N
failed". The workers are ended by their process ids; everything has a deadline.
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import zlib

import celery.app.task

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 300
VALUES = {
    "nothing": None, "a boolean": True, "zero": 0, "an integer beyond doubles": 2**53 + 1,
    "a real": 0.1, "no text": "", "text": "käse \"quoted\"\\\n\u2028 \U0001f600",
    "a list": [1, [2, [3]], {}], "an object": {"b": 1, "a": {"label": ["plastic", 0.98, None]}},
    "a large one": {"boxes": [[i, i / 7] for i in range(5000)]},
}


def until(what, condition):
    """Wait for a condition, and return what it gave."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"celery_results.py: after {PATIENCE_S} s still not: {what}\n0 passed, 1 failed")


@contextlib.contextmanager
def worker(application, folder):
    log = open(folder / f"{application}.log", "w+b")
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", f"tasks:{application}", "worker", "--pool", "threads",
         "--concurrency", "4", "--hostname", f"{application}@loopback", "--loglevel", "WARNING",
         "--without-gossip", "--without-mingle"],
        cwd=HERE, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        yield process
    except BaseException:
        log.seek(0)
        print(log.read().decode(errors="replace"))
        raise
    finally:
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                break
        log.close()


def wait_for_worker(application, process, name):
    def answers():
        if process.poll() is not None:
            sys.exit(f"celery_results.py: the worker {name} has ended\n0 passed, 1 failed")
        return application.control.ping(timeout=0.5, destination=[f"{name}@loopback"])
    until(f"the worker {name} answers", answers)


def revoke_before_it_runs(app, task):
    """A worker that has received the revocation marks the task when it comes."""
    number = str(uuid.uuid4())
    app.control.revoke(number, destination=["app@loopback"])  # the other worker would mark it in pickle
    until("the worker knows what is revoked",
          lambda: number in ((app.control.inspect(timeout=1).revoked() or {})
                             .get("app@loopback") or []))
    return task.apply_async(args=["never"], task_id=number)


MORE = ("children", "group_id", "parent_id", "name", "args", "kwargs", "worker", "retries", "queue")


def stored(result):
    return json.loads(result.backend.client.get(f"celery-task-meta-{result.id}"))


def expected(name, result):
    """The members that Celery reads, which are those its worker wrote."""
    written = stored(result)
    more = {name: written[name] for name in MORE if name in written}
    return {"name": name, "task_id": result.id, "outcome": "OK", "json": {
        "task_id": result.id, "status": result.status, "ready": result.ready(),
        "successful": result.successful(), "result": written["result"],
        "traceback": written["traceback"], "date_done": written["date_done"], **more}}


def refused(name, number, outcome):
    return {"name": name, "task_id": number, "outcome": outcome}


def written_by_settings(tasks):
    """Results that Celery writes with settings that no worker has here."""
    compressing = tasks.application("compressing", result_compression="gzip")
    number = str(uuid.uuid4())
    compressing.backend.store_result(number, VALUES["a large one"], "SUCCESS")
    raw = compressing.backend.client.get(f"celery-task-meta-{number}")
    assert raw.startswith(b"\0celery-compressed\0application/x-gzip\0"), raw[:60]
    written = json.loads(zlib.decompress(raw.split(b"\0", 3)[3]))  # what it calls gzip
    cases = [{"name": "compressed", "task_id": number, "outcome": "OK", "json": {
        "task_id": number, "status": "SUCCESS", "ready": True, "successful": True, "result": written["result"],
        "traceback": None, "date_done": written["date_done"],
        **{name: written[name] for name in MORE if name in written}}}]

    extended = tasks.application("extended", result_extended=True)
    number = str(uuid.uuid4())
    request = celery.app.task.Context(id=number, task="tasks.give", args=[1], kwargs={"a": 2}, hostname="here",
                                      retries=3, delivery_info={"routing_key": "q"}, group="g",
                                      stamped_headers=["status", "by"], stamps={"status": ["blue"], "by": ["me"]})
    extended.backend.store_result(number, 5, "SUCCESS", request=request)
    written = json.loads(extended.backend.client.get(f"celery-task-meta-{number}"))
    assert written["status"] == ["blue"] and written["by"] == ["me"], written
    cases.append({"name": "stamped", "task_id": number, "outcome": "OK", "json": {
        "task_id": number, "status": None, "ready": True, "successful": True, "result": 5, "traceback": None,
        "date_done": written["date_done"], **{name: written[name] for name in MORE if name in written},
        "stamps": {header: written[header] for header in written["stamped_headers"]}}})
    return cases


def have_results(tasks):
    """Let the tasks run; yields the list for READER while two of them are still at work."""
    app, redis = tasks.app, tasks.app.backend.client
    named = {f"success: {name}": tasks.give.delay(value) for name, value in VALUES.items()}
    named["an exception"] = tasks.fail.delay("it hurts: \"quoted\" ü")
    named["revoked"] = revoke_before_it_runs(app, tasks.give)
    for name, result in named.items():
        until(f"the task is ready: {name}", result.ready)
    late = {"started": (tasks.take_long.delay("recsys-go-on"), "STARTED"),
            "progress": (tasks.tell_progress.delay("recsys-go-on"), "PROGRESS"),
            "to be retried": (tasks.try_later.delay(), "RETRY")}
    for name, (result, state) in late.items():
        until(f"the task is {state}", lambda r=result, s=state: r.status == s)
        named[name] = result
    not_json = tasks.give.delay(float("nan"))  # Python writes NaN, which JSON does not have
    until("the task is ready: not a number", not_json.ready)
    ignored = tasks.give_nobody.delay(1)
    pending = tasks.give.apply_async(args=[1], queue="nobody-listens")
    pickle = tasks.give_pickled.delay("text")
    until("the pickled result is there", lambda: redis.exists(f"celery-task-meta-{pickle.id}"))

    cases = [expected(name, result) for name, result in named.items()]
    cases += [refused("pickled", pickle.id, "E_FORMAT"),
              refused("pending", pending.id, "E_NOT_FOUND"),
              refused("its result is ignored", ignored.id, "E_NOT_FOUND"),
              refused("unknown", str(uuid.uuid4()), "E_NOT_FOUND")]
    lost = expected("not a number", not_json)
    lost["json"]["result"] = None  # the value, and not the task
    cases.append(lost)
    cases += written_by_settings(tasks)
    another = redis.get(f"celery-task-meta-{cases[0]['task_id']}")
    for name, value in (("another task's", another), ("no object", b"[1]"), ("nothing in it", b""),
                        ("half a result", b'{"status": "SUCCESS", "resu'),
                        ("compressed", b"x\x9c\x03\x00\x00\x00\x00\x01")):
        number = str(uuid.uuid4())
        redis.set(f"celery-task-meta-{number}", value, ex=600)
        cases.append(refused(name, number, "E_FORMAT"))
    return cases


def main():
    if len(sys.argv) != 2 or "RECSYS_TEST_REDIS" not in os.environ:
        sys.exit(__doc__)
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    import tasks  # needs the environment
    for number in (9, 10):
        tasks.app.backend.client.__class__(port=int(tasks.PORT), db=number).flushdb()
    with tempfile.TemporaryDirectory(prefix="recsys-celery.") as folder:
        folder = pathlib.Path(folder)
        with worker("app", folder) as json_worker, worker("pickled", folder) as pickle_worker:
            wait_for_worker(tasks.app, json_worker, "app")
            wait_for_worker(tasks.pickled, pickle_worker, "pickled")
            cases = folder / "cases.json"
            cases.write_text(json.dumps(have_results(tasks)), encoding="utf-8")
            status = subprocess.run([sys.argv[1], str(cases)], timeout=PATIENCE_S).returncode
            tasks.app.backend.client.set("recsys-go-on", 1)
    sys.exit(status)


main()
