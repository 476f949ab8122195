#!/usr/bin/env python3
"""A registry over a server that misbehaves: mlflow_faults.py MLFLOW_CLIENT BUNDLE [NAME]

Every fault must end in a failure that says why, leave no half of a bundle in the cache, and not
change the model that serves.
"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from client import Cases, Client, expect, expect_equal
from misbehaving import Misbehaving, change, read_bundle, resized

case = Cases()
PROGRAM = BUNDLE = None
URI = "models:/films@champion"


class Setting:
    """A misbehaving server and an empty cache."""

    def __init__(self, files=None):
        self.files = files or read_bundle(BUNDLE)
        self.fake = Misbehaving(self.files)

    def __enter__(self):
        self.fake.start()
        self.room = pathlib.Path(tempfile.mkdtemp(prefix="mlflow-faults."))
        self.cache = self.room / "cache"
        return self

    def __exit__(self, *_):
        self.fake.stop()
        shutil.rmtree(self.room, ignore_errors=True)

    def client(self, **options):
        return Client(PROGRAM, self.fake.url, self.cache, **options)

    def bundles(self):
        """Every bundle of the cache, which must be whole."""
        found = sorted((self.cache / "bundles").iterdir())
        for bundle in found:
            manifest = (bundle / "recsys.json").read_bytes()
            expect_equal(hashlib.sha256(manifest).hexdigest(), bundle.name)
            for entry in json.loads(manifest)["files"]:
                body = (bundle / entry["name"]).read_bytes()
                expect_equal(hashlib.sha256(body).hexdigest(), entry["sha256"])
        return found

    def parts(self):
        return list((self.cache / "tmp").iterdir())

    def only_fails(self, status, *parts, **options):
        """Resolving fails so, and leaves no bundle."""
        with self.client(**options) as client:
            expect(client.resolve(URI), status, *parts)
        expect_equal(self.bundles(), [])


def once(rule, times=1):
    """A rule for the first requests that it answers."""
    left = [times]

    def limited(handler):
        if left[0] > 0 and rule(handler):
            left[0] -= 1
            return True
        return False
    return limited


def is_file(handler, name="model.safetensors"):
    return handler.route.endswith("/" + name)


def cut(handler, share=2):
    """Half of the file, and the connection is gone."""
    if not is_file(handler):
        return False
    fake, body = handler.server.fake, handler.server.fake.versions["1"]["files"]["model.safetensors"]
    first = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
    first = first if fake.has_ranges else 0
    rest = body[first:]
    handler.send_response(206 if first else 200)
    handler.send_header("Content-Length", str(len(rest)))
    if first:
        handler.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
    handler.end_headers()
    handler.wfile.write(rest[:len(rest) // share])
    handler.close_connection = True
    return True


@case
def a_bundle_is_fetched_once():
    with Setting() as s, s.client() as client:
        first = expect(client.resolve(URI), "OK")
        expect_equal(expect(client.resolve("models:/films/1"), "OK")["path"], first["path"])
        expect_equal(len(s.bundles()), 1)
        expect_equal(s.fake.count("model.safetensors"), 1)
        expect_equal(s.parts(), [])
        stats = client.stats()
        expect_equal((stats["downloads"], stats["hits"]), (1, 1))


@case
def a_poll_costs_one_request():
    with Setting() as s, s.client() as client:
        client.deploy(URI)
        expect(client.poll(), "OK")
        before = len(s.fake.requests)
        for _ in range(5):
            expect(client.poll(), "OK")
        expect_equal(len(s.fake.requests) - before, 5)


@case
def failures_that_pass_are_tried_again():
    with Setting() as s, s.client() as client:
        s.fake.rules = [once(lambda h: is_file(h) and h.error(500, "INTERNAL_ERROR", "x")),
                        once(lambda h: is_file(h) and h.reply(503, b"later", "text/plain", Retry_After="0"))]
        expect(client.resolve(URI), "OK")
        expect_equal(len(s.bundles()), 1)


@case
def a_server_that_only_fails_is_given_up():
    with Setting() as s:
        s.fake.rules = [lambda h: is_file(h) and h.error(500, "INTERNAL_ERROR", "the store is gone")]
        s.only_fails("E_BACKEND", "500", "the store is gone")


@case
def a_cut_download_is_resumed():
    with Setting() as s, s.client() as client:
        s.fake.rules = [once(cut, 2)]
        expect(client.resolve(URI), "OK")
        stats = client.stats()
        expect_equal((stats["resumed"], stats["restarted"]), (2, 0))
        expect_equal(stats["bytes"], sum(map(len, s.files.values())) - len(s.files["recsys.json"]))
        expect_equal(len(s.bundles()), 1)


@case
def where_ranges_do_not_work_it_is_restarted():
    with Setting() as s, s.client() as client:
        s.fake.has_ranges = False
        s.fake.rules = [once(cut)]
        expect(client.resolve(URI), "OK")
        stats = client.stats()
        expect_equal((stats["resumed"], stats["restarted"]), (0, 1))
        expect_equal(len(s.bundles()), 1)


@case
def a_file_that_changes_while_it_is_resumed_is_fetched_whole():
    """The sum of two halves of different files is wrong; once more in one piece it is right."""
    with Setting() as s, s.client() as client:
        def other_rest(handler):
            body = s.files["model.safetensors"]
            if not is_file(handler) or not handler.headers.get("Range"):
                return False
            first = int(handler.headers["Range"].removeprefix("bytes=").split("-")[0])
            return handler.reply(206, b"\0" * (len(body) - first), "text/plain",
                                 Content_Range=f"bytes {first}-{len(body) - 1}/{len(body)}")
        s.fake.rules = [once(cut), once(other_rest)]
        expect(client.resolve(URI), "OK")
        expect_equal(len(s.bundles()), 1)


@case
def another_range_than_asked_for_is_not_taken():
    with Setting() as s, s.client() as client:
        def wrong(handler):
            body = s.files["model.safetensors"]
            return is_file(handler) and bool(handler.headers.get("Range")) and handler.reply(
                206, body[:100], "text/plain", Content_Range=f"bytes 0-99/{len(body)}")
        s.fake.rules = [once(cut), once(wrong)]
        expect(client.resolve(URI), "OK")
        expect_equal(len(s.bundles()), 1)


@case
def a_transfer_that_looks_complete_is_not_believed():
    """As MLflow ends one that failed inside of it: 200, with a proper last chunk."""
    def short(handler):
        if not is_file(handler):
            return False
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")
        return True
    with Setting() as s:
        s.fake.has_ranges = False
        s.fake.rules = [short]
        s.only_fails("E_IO", "breaks off after 5 of")


@case
def a_slow_drip_ends_at_the_deadline():
    def drip(handler):
        if not is_file(handler):
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(handler.server.fake.versions["1"]["files"]["model.safetensors"])))
        handler.end_headers()
        for _ in range(600):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)
        handler.close_connection = True
        return True
    with Setting() as s:
        s.fake.rules = [drip]
        s.only_fails("E_TIMEOUT", stall_timeout_ms=1000, download_timeout_ms=3000)


@case
def a_question_without_an_answer_ends_in_time():
    with Setting() as s:
        s.fake.rules = [lambda h: time.sleep(5) or True]
        s.only_fails("E_TIMEOUT", timeout_ms=300)


@case
def a_wrong_sum_is_refused_and_not_kept():
    with Setting() as s:
        broken = bytearray(s.files["model.safetensors"])
        broken[-1] ^= 1
        s.fake.versions["1"]["files"] = {**s.files, "model.safetensors": bytes(broken)}
        s.only_fails("E_FORMAT", "model.safetensors", "another sum")
        expect_equal(s.parts(), [])


@case
def a_file_longer_than_the_manifest_says_is_refused():
    def endless(handler):
        if not is_file(handler):
            return False
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
    with Setting() as s:
        s.fake.rules = [endless]
        s.only_fails("E_FORMAT", "longer than")


@case
def endless_replies_are_cut_off():
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"{")
        while True:
            handler.wfile.write(b" " * 65536)

    def headers(handler):
        handler.send_response(200)
        for i in range(10000):
            handler.send_header(f"X-{i}", "x" * 100)
        return handler.reply(200, b"{}")
    for rule in (endless, headers):
        with Setting() as s:
            s.fake.rules = [rule]
            s.only_fails("E_LIMIT", "larger than")


@case
def a_full_disk_is_told_and_its_parts_are_removed():
    with Setting() as s:
        s.only_fails("E_IO", "cannot write", limit_file_bytes=9000)
        expect_equal(s.parts(), [])


@case
def a_full_file_system_is_told():
    """The real thing where this user may mount one."""
    with Setting(resized(read_bundle(BUNDLE), 2 << 20)) as s:
        s.cache.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", s.cache],
                          capture_output=True).returncode != 0:
            return
        try:
            s.only_fails("E_IO", "No space left on device")
            expect_equal(s.parts(), [])
        finally:
            subprocess.run(["umount", s.cache], check=True)


@case
def names_that_lead_out_of_the_bundle_are_refused():
    for name in ("../x", "/etc/passwd", "a/b", ".", "..", "", ".hidden", "a\\b", "recsys.json", "a\n"):
        with Setting() as s:
            entry = {"name": name, "size": 1, "sha256": "0" * 64}
            s.fake.versions["1"]["files"] = change(s.files, files=[entry])
            s.only_fails("E_FORMAT", "plain name")


@case
def manifests_of_nonsense_are_refused():
    entry = {"name": "a", "size": 1, "sha256": "0" * 64}
    for files, status in (([entry, entry], "E_FORMAT"), ([{**entry, "size": -1}], "E_FORMAT"),
                          ([{**entry, "size": "1"}], "E_FORMAT"), ([{**entry, "sha256": "A" * 64}], "E_FORMAT"),
                          ([{**entry, "size": 2**63 - 1, "name": n} for n in "abc"], "E_LIMIT"),
                          ([{**entry, "name": str(n)} for n in range(257)], "E_LIMIT"), ("x", "E_FORMAT"),
                          ([{**entry, "size": 2**50}], "E_LIMIT")):
        with Setting() as s:
            s.fake.versions["1"]["files"] = change(s.files, files=files)
            s.only_fails(status)
    for body in (b"", b"[]", b"{", b"[" * 100000, b'{"a":1,"a":2}', b'{"a":1e999}', b'{"a":"\xff"}'):
        with Setting() as s:
            s.fake.versions["1"]["files"] = {**s.files, "recsys.json": body}
            with s.client() as client:
                if client.resolve(URI)["status"] not in ("E_FORMAT", "E_NOT_FOUND"):
                    raise AssertionError(body[:20])


@case
def replies_of_nonsense_are_refused():
    good = {"name": "films", "version": "1", "source": "x", "status": "READY"}
    for body in (b"", b"null", b"[]", b"{}", b"[" * 100000, b'{"model_version":[]}',
                 {"model_version": {**good, "version": "0"}}, {"model_version": {**good, "version": "1/../2"}},
                 {"model_version": {**good, "version": 1.5}}, {"model_version": {**good, "name": "other"}},
                 {"model_version": {**good, "name": "films\n"}}, {"model_version": {**good, "name": 7}},
                 {"model_version": {**good, "source": "x" * 5000}},
                 {"model_version": {**good, "creation_timestamp": "soon"}},
                 b'{"model_version":{"name":"films","version":"1","creation_timestamp":99999999999999999999999}}'):
        with Setting() as s:
            s.fake.rules = [lambda h, body=body: h.reply(200, body)]
            s.only_fails("E_FORMAT")


@case
def addresses_that_lead_elsewhere_are_refused():
    for address, status in (("mlflow-artifacts:/../../etc", "E_FORMAT"), ("mlflow-artifacts:/1/..", "E_FORMAT"),
                            ("http://other.example/api/2.0/mlflow-artifacts/artifacts/1", "E_UNSUPPORTED"),
                            ("mlflow-artifacts://other.example/1", "E_UNSUPPORTED"),
                            ("https://127.0.0.1:1/x", "E_UNSUPPORTED"), ("runs:/", "E_FORMAT")):
        with Setting() as s:
            s.fake.versions["1"]["address"] = address
            s.only_fails(status)
            expect_equal([r for r in s.fake.requests if "artifacts/" in r], [])


@case
def redirects_are_not_followed():
    for target in ("file:///etc/passwd", "http://127.0.0.1:1/", "gopher://x/"):
        with Setting() as s:
            s.fake.rules = [lambda h, target=target: h.reply(302, b"", "text/plain", Location=target)]
            s.only_fails("E_REJECTED", target)
            expect_equal(len(s.fake.requests), 1)


@case
def refusals_say_why():
    table = ((401, b"You are not authenticated.", "text/html", "E_REJECTED", "credentials"),
             (403, b"Permission denied", "text/html", "E_REJECTED", "not there yet"),
             (403, b"Invalid Host header - possible DNS rebinding attack detected", "text/plain", "E_REJECTED",
              "--allowed-hosts"),
             (404, b"<!doctype html><title>404 Not Found</title>", "text/html", "E_BACKEND", "--static-prefix"),
             (429, b"slow down", "text/plain", "E_EXHAUSTED", "too many"),
             (500, b'{"error_code":"FEATURE_DISABLED","message":"Workspace APIs are not available"}',
              "application/json", "E_INVALID", "workspace"),
             (500, b"Internal Server Error", "text/plain", "E_BACKEND", "Internal Server Error"),
             (400, b'{"detail":"no"}', "application/json", "E_INVALID", "no"))
    for code, body, kind, status, part in table:
        with Setting() as s:
            s.fake.rules = [lambda h, code=code, body=body, kind=kind: h.reply(code, body, kind)]
            s.only_fails(status, part)


@case
def ready_says_nothing_about_files():
    for state, status in (("LOGGED_MODEL_PENDING", "E_NOT_FOUND"), ("LOGGED_MODEL_UPLOAD_FAILED", "E_REJECTED")):
        with Setting() as s:
            s.fake.versions["1"]["source"] = "models:/m-" + "0" * 32
            s.fake.logged_status = state
            s.only_fails(status, "although its version is READY")
            s.fake.logged_status = "LOGGED_MODEL_READY"
            with s.client() as client:
                expect(client.resolve(URI), "OK")


@case
def files_that_are_gone_are_told():
    with Setting() as s:
        s.fake.versions["1"]["files"] = {}
        s.only_fails("E_NOT_FOUND", "gc")
        s.fake.versions["1"]["files"] = {"MLmodel": b"x", "model.pkl": b"x"}
        s.only_fails("E_NOT_FOUND", "MLmodel", "model.pkl")
        s.fake.versions["1"]["files"] = {n: b for n, b in s.files.items() if n != "model.safetensors"}
        s.only_fails("E_NOT_FOUND", "No such artifact")


@case
def processes_that_want_the_same_bundle_download_it_once():
    with Setting(resized(read_bundle(BUNDLE), 4 << 20)) as s:
        s.fake.rules = [lambda h: time.sleep(0.3) if is_file(h) else False]
        clients = [s.client() for _ in range(6)]
        for client in clients:
            client.send(f"resolve {URI}")
        paths = {expect(client.receive(), "OK")["path"] for client in clients}
        for client in clients:
            client.end()
        expect_equal(len(paths), 1)
        expect_equal(s.fake.count("extra.bin"), 1)
        expect_equal((len(s.bundles()), s.parts()), (1, []))


@case
def a_killed_download_is_continued_by_the_next_process():
    with Setting(resized(read_bundle(BUNDLE), 4 << 20)) as s:
        reached, killed, body = threading.Event(), threading.Event(), s.files["extra.bin"]

        def half(handler):
            if not is_file(handler, "extra.bin"):
                return False
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[:len(body) // 2])
            handler.wfile.flush()
            part = next((s.cache / "tmp").iterdir()) / "extra.bin"
            while part.stat().st_size < len(body) // 4:
                time.sleep(0.01)
            reached.set()
            killed.wait(60)
            handler.close_connection = True
            return True
        s.fake.rules = [once(half)]
        victim = s.client()
        victim.send(f"resolve {URI}")
        if not reached.wait(60):
            raise AssertionError("the download did not begin")
        victim.process.send_signal(signal.SIGKILL)
        victim.process.communicate()
        killed.set()
        expect_equal(s.bundles(), [])
        expect_equal(len(s.parts()), 1)
        with s.client() as client:
            expect(client.resolve(URI), "OK")
            expect_equal(client.stats()["resumed"], 1)
        expect_equal((len(s.bundles()), s.parts()), (1, []))


@case
def parts_of_dead_processes_are_removed():
    with Setting() as s:
        with s.client():
            pass
        old = s.cache / "tmp" / ("f" * 64)
        old.mkdir(parents=True)
        (old / "model.safetensors").write_bytes(b"x" * 1000)
        with s.client() as client:
            expect(client.resolve(URI), "OK")
        expect_equal(s.parts(), [])


@case
def a_damaged_bundle_is_fetched_again():
    with Setting() as s:
        with s.client() as client:
            path = pathlib.Path(expect(client.resolve(URI), "OK")["path"])
        (path / "model.safetensors").write_bytes(b"\0" * (path / "model.safetensors").stat().st_size)
        with s.client() as client:
            expect(client.resolve(URI), "OK")
            expect_equal(client.stats()["downloads"], 1)
        expect_equal(len(s.bundles()), 1)


@case
def the_cache_keeps_to_its_bound():
    with Setting(resized(read_bundle(BUNDLE), 1 << 20)) as s:
        for n in range(2, 9):
            s.fake.versions[str(n)] = {"files": change(s.files, version=str(n))}
        size = sum(map(len, s.files.values()))
        for n in range(1, 9):  # each in a process of its own: nothing is in use
            with s.client(cache_bytes=3 * size + size // 2) as client:
                s.fake.aliases["champion"] = str(n)
                expect(client.resolve(URI), "OK")
            if len(s.bundles()) > 3:
                raise AssertionError("the cache is larger than its bound")
        expect_equal(len(s.bundles()), 3)


@case
def one_process_needs_room_for_three_bundles():
    with Setting(resized(read_bundle(BUNDLE), 1 << 20)) as s:
        size = sum(map(len, s.files.values()))
        paths = []
        with s.client(cache_bytes=3 * size + size // 2) as client:
            for n in range(1, 7):
                s.fake.versions[str(n)] = {"files": change(s.files, version=str(n))}
                s.fake.aliases["champion"] = str(n)
                paths.append(expect(client.resolve(URI), "OK")["path"])
        expect_equal([str(bundle) for bundle in s.bundles()], sorted(paths[-3:]))


@case
def bundles_that_were_asked_for_once_make_room():
    with Setting(resized(read_bundle(BUNDLE), 1 << 20)) as s:
        size = sum(map(len, s.files.values()))
        paths = []
        for n in range(1, 7):  # each by a URI and in a process of its own
            s.fake.versions[str(n)] = {"files": change(s.files, version=str(n))}
            with s.client(cache_bytes=3 * size + size // 2) as client:
                paths.append(expect(client.resolve(f"models:/films/{n}"), "OK")["path"])
        expect_equal([str(bundle) for bundle in s.bundles()], sorted(paths[-3:]))
        s.fake.stop()
        with s.client() as client:
            expect(client.find("models:/films/1"), "E_IO")  # its record has gone with it
            expect(client.resolve("models:/films/6"), "OK")


@case
def the_last_bundle_of_a_source_stays_until_the_next_is_there():
    with Setting(resized(read_bundle(BUNDLE), 1 << 20)) as s:
        size = sum(map(len, s.files.values()))
        paths = []
        for n, uri in enumerate((URI, "models:/films/2", URI), 1):
            s.fake.versions[str(n)] = {"files": change(s.files, version=str(n))}
            s.fake.aliases["champion"] = str(n)
            with s.client(cache_bytes=2 * size + size // 2) as client:
                paths.append(expect(client.resolve(uri), "OK")["path"])
        expect_equal([str(bundle) for bundle in s.bundles()], sorted([paths[0], paths[2]]))


@case
def bundles_in_use_and_kept_ones_are_not_removed():
    with Setting(resized(read_bundle(BUNDLE), 1 << 20)) as s:
        for n in range(2, 5):
            s.fake.versions[str(n)] = {"files": change(s.files, version=str(n))}
        size = sum(map(len, s.files.values()))
        with s.client(cache_bytes=2 * size + size // 2) as holder:
            first = expect(holder.resolve("models:/films/1"), "OK")["path"]
            with s.client(cache_bytes=2 * size + size // 2) as client:
                expect(client.resolve(URI), "OK")
                second = expect(client.resolve("models:/films/2"), "OK")["path"]
                expect(client.resolve("models:/films/3"), "E_LIMIT", "in use")
            if not (os.path.isdir(first) and os.path.isdir(second)):
                raise AssertionError("a bundle in use was removed")
        with s.client(cache_bytes=size // 2) as client:
            expect(client.resolve("models:/films/4"), "E_LIMIT", "raise the limit")


@case
def a_start_without_the_server_takes_the_last_good_bundle():
    with Setting() as s:
        with s.client() as client:
            online = expect(client.resolve(URI), "OK")
        s.fake.stop()
        with s.client() as client:
            expect(client.find("models:/films@other"), "E_IO")  # nothing is kept
            offline = expect(client.resolve(URI), "OK")
            expect_equal((offline["path"], offline["version"], offline["kept"]), (online["path"], "1", True))
            expect_equal(client.status()["kept"], True)
            client.deploy(URI)
            expect_equal(expect(client.poll(), "OK")["changed"], True)
            expect_equal(expect(client.describe(URI), "OK")["described"]["name"], "films")
            s.fake.start()  # the same meaning: nothing is loaded again
            expect_equal(expect(client.poll(), "OK")["changed"], False)
            expect_equal(client.status()["kept"], False)
            s.fake.stop()   # it has answered: from now on a failure is a failure
            expect(client.find(URI), "E_IO")
            expect(client.poll(), "E_IO")
            log = client.end()
            if "does not answer" not in log:
                raise AssertionError(f"the log does not say so:\n{log}")


@case
def every_fault_leaves_the_model_that_serves():
    with Setting() as s, s.client(timeout_ms=2000) as client:
        client.deploy(URI)
        served = expect(client.reload(), "OK")["fingerprint"]
        broken = {**s.files, "model.safetensors": b"x" * len(s.files["model.safetensors"])}
        s.fake.versions["2"] = {"files": change(broken, version="2")}
        s.fake.versions["3"] = {"files": {}}
        for fault in ({"champion": "2"}, {"champion": "3"}, {"champion": "9"}, {}):
            s.fake.aliases = fault
            answer = client.poll()
            if answer["changed"] or answer["fingerprint"] != served or not answer["last_error"]:
                raise AssertionError(f"{fault}: {answer}")
        s.fake.rules = [lambda h: h.error(500, "INTERNAL_ERROR", "out of order")]
        expect_equal(expect(client.poll(), "E_BACKEND", "out of order")["fingerprint"], served)
        s.fake.stop()
        expect_equal(expect(client.poll(), "E_IO")["fingerprint"], served)


@case
def a_model_made_again_under_its_name_is_another_one():
    with Setting() as s, s.client() as client:
        first = expect(client.find(URI), "OK")["stamp"]
        s.fake.versions["1"]["created"] = 2
        second = expect(client.find(URI), "OK")
        if second["stamp"] == first:
            raise AssertionError("the stamp is the same")


def lists(pages):
    """A rule that answers searches: pages(member, number) gives the entries and the next number."""
    def page(handler):
        member = {"/mlflow/registered-models/search": "registered_models",
                  "/mlflow/model-versions/search": "model_versions"}.get(handler.route.removeprefix("/api/2.0"))
        if member is None:
            return False
        entries, following = pages(member, handler.query.get("page_token", "0"))
        return handler.reply(200, {member: entries, "next_page_token": following})
    return page


@case
def aliases_of_any_length_are_no_memory_of_ours():
    aliases = ["a" * 255, "a" * 256, "a" * 100000, "live"]
    model = {"name": "films", "aliases": [{"alias": alias, "version": "1"} for alias in aliases]}
    with Setting() as s, s.client() as client:
        s.fake.rules = [lists(lambda member, _: ([model] if member == "registered_models" else [], ""))]
        entries = expect(client.list(), "OK")["entries"]
        expect_equal([alias for _, _, alias in entries], ["a" * 255, "live"])


@case
def a_list_without_an_end_is_told():
    version = {"name": "films", "version": "1"}
    with Setting() as s, s.client() as client:
        s.fake.rules = [lists(lambda _, page: ([version], str(int(page) + 1)))]
        expect(client.list(), "E_LIMIT", "2000 pages")
        s.fake.rules = [lists(lambda _, page: ([version], "1" * 1024))]
        expect(client.list(), "E_LIMIT", "next page")
        s.fake.rules = [lists(lambda _, page: ([version], "" if page == "99" else str(int(page) + 1)))]
        expect_equal(len(expect(client.list(), "OK")["entries"]), 1)  # the same one, on 100 pages


@case
def credentials_come_from_files_that_may_change():
    with Setting() as s:
        token = s.room / "token"
        token.write_text("first\n")
        seen = []
        s.fake.rules = [lambda h: seen.append(h.headers.get("Authorization")) or False]
        with s.client(token_file=token) as client:
            expect(client.find(URI), "OK")
            token.write_text("second\n")
            expect(client.find(URI), "OK")
            token.write_text("\n")
            expect(client.find(URI), "E_INVALID", "token file")
        expect_equal(seen, ["Bearer first", "Bearer second"])


def main():
    global PROGRAM, BUNDLE
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    PROGRAM, BUNDLE = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    sys.exit(case.run(only=sys.argv[3] if len(sys.argv) > 3 else ""))


main()
