"""Tasks whose results celery_results.py has read. Two applications, since Celery has one result
serializer an application: `app` writes JSON, as it does by default, `pickled` writes pickles."""
import os
import time

import celery

PORT = os.environ["RECSYS_TEST_REDIS"]
BROKER = f"redis://127.0.0.1:{PORT}/10"
RESULTS = f"redis://127.0.0.1:{PORT}/9"


def application(name, **settings):
    made = celery.Celery(name, broker=BROKER, backend=RESULTS)
    made.conf.update(task_default_queue=name, broker_connection_retry_on_startup=True,
                     worker_hijack_root_logger=False, **settings)
    return made


app = application("written")
pickled = application("pickled", result_serializer="pickle", result_accept_content=["pickle"])


class Unhappy(Exception):
    pass


@app.task
def give(value):
    return value


@app.task(ignore_result=True)
def give_nobody(value):
    return value


@app.task
def fail(message):
    raise Unhappy(message, 7)


@app.task(bind=True)
def try_later(self):
    raise self.retry(exc=Unhappy("not yet"), countdown=3600)


def wait_for(task, name):
    """Wait until this key exists: meanwhile a reader of results finds the task running."""
    until = time.monotonic() + 120
    while not task.backend.client.exists(name) and time.monotonic() < until:
        time.sleep(0.05)


@app.task(bind=True, track_started=True)
def take_long(self, name):
    wait_for(self, name)


@app.task(bind=True)
def tell_progress(self, name):
    self.update_state(state="PROGRESS", meta={"done": 3, "of": 10})
    wait_for(self, name)


@pickled.task
def give_pickled(value):
    return {"value": value, "object": frozenset([value])}
