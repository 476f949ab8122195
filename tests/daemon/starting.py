"""Starting: where settings come from, which are refused, and what a process needs and leaves alone.

settings.py has every setting. Every function test_* gets a Lab and raises if something is wrong; its name is
the sentence.
"""
import hashlib
import hmac
import os
import re
import resource
import shutil
import socket
import subprocess
import time

import tokens
from client import TIMEOUT, encode, predict, wait_for


def run(lab, *arguments, environment=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECSYSD_")}
    clean.update(environment or {})
    done = subprocess.run([lab.program, *arguments], capture_output=True, text=True, env=clean, timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


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


def test_secrets_in_the_wrong_place_are_not_repeated(lab):
    path = os.path.join(lab.folder, "malformed.conf")
    with open(path, "w") as file:
        file.write("redis redis://:hunter2@host\n")
    for arguments in (["--config", path], ["redis://:hunter2@host"]):
        done = subprocess.run([lab.program, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
        assert done.returncode == 2 and "hunter2" not in done.stdout + done.stderr, done


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
