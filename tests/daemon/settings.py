"""Every line of the table in docs/daemon.md, in a configuration file, is accepted and starts a daemon that answers.

A value is of the line's kind: the lowest number, each word of a choice, a text as VALUES has it. A new setting whose
text is not there fails, so that it gets a line. NEEDS has the lines that another one cannot do without.
Numbers and choices start a daemon with --long only; else --check reads them, which opens all but the model.

Under valgrind: `tests/daemon/run_daemon_tests.py --recsysd WRAPPER every_documented`, where WRAPPER is a script with
    exec valgrind -q --error-exitcode=99 BUILD/bin/recsysd "$@"
beside a link to recsysctl.
"""
import os
import re
import subprocess

from backends import Redis

MLFLOW = {"registry": "http://127.0.0.1:9", "model": "models:/films@live", "wait_for_model": "on",
          "registry_cache": "{dir}/mlflow-cache"}  # nothing listens there: started without a model
DIRECTORY = {"registry": "{dir}/registry", "model": "models:/movies@live"}
REDIS = {"redis": "{redis}", "redis_timeout_ms": "1000"}
DATABASE = {"database": "{database}"}
JWT = {"jwt_secret_file": "{dir}/jwt-secret"}
SEVERAL = {"models": "books={dir}/books"}
FILE = {"model": "{dir}/movies/model.safetensors"}
VALUES = {
    "model": ["{dir}/movies", "file://{dir}/movies"], "model_name": ["films"], "models": ["books={dir}/books"],
    "model_shares": ["books=10"], "model_shadows": ["books=0.5"], "model_salt": ["salt"],
    "link": ["sigmoid", "linear:0.5:5"],
    "registry": ["{dir}/registry"], "registry_user": ["someone"], "registry_password_file": ["{dir}/password"],
    "registry_token_file": ["{dir}/password"], "registry_ca_file": ["{dir}/certificates"],
    "registry_workspace": ["team"], "registry_host": ["mlflow.example"], "registry_cache": ["{dir}/mlflow-cache"],
    "listen": ["127.0.0.1:0", "[::1]:0", "unix:{dir}/socket", "127.0.0.1:0,unix:{dir}/socket"],
    "health_listen": ["127.0.0.1:0", "unix:{dir}/health"], "socket_mode": ["0600"], "port_file": ["{dir}/port"],
    "api_keys_file": ["{dir}/keys"], "admin_token": ["the-admin-token"], "admin_token_file": ["{dir}/password"],
    "jwt_secret_file": ["{dir}/jwt-secret"], "jwt_public_key_file": ["{dir}/rsa.pub"],
    "jwt_old_secret_file": ["{dir}/jwt-secret"], "jwt_old_public_key_file": ["{dir}/rsa.pub"],
    "jwt_issuer": ["issuer"], "jwt_audience": ["audience"], "cors_origins": ["*", "https://app.example"],
    "allowed_hosts": ["*", "a.example, b.example"], "trusted_proxies": ["127.0.0.1, 10.0.0.0/8, ::1"],
    "redis": ["{redis}"], "redis_password_file": ["{dir}/password"],
    "redis_dbs": ["0={redis}", "0={redis},3={redis}/9"], "redis_prefix": ["app:"],
    "trusted_dbs": ["3", "0,5"], "redis_ca_file": ["{dir}/certificates"], "database": ["{database}"],
    "model_history_dir": ["{dir}/history"], "mlflow_webhook_secret_file": ["{dir}/password"],
    "access_log": ["off", "stderr", "{dir}/access.log"], "trace": ["all", "aside,redis"],
}
NEEDS = {
    "model_shares": SEVERAL, "model_shadows": SEVERAL, "model_salt": SEVERAL, "metric": FILE, "link": FILE,
    "registry": {"model": "models:/movies@live"}, "jwt_old_secret_file": JWT,
    "jwt_old_public_key_file": {"jwt_public_key_file": "{dir}/rsa.pub"},
    "socket_mode": {"listen": "127.0.0.1:0,unix:{dir}/socket"}, "registry_password_file": {"registry_user": "someone"},
    "registry_user": {"registry_password_file": "{dir}/password"}, "redis_ca_file": {"redis": "rediss://127.0.0.1:1"},
    "redis_prefix": {"redis_single_db": "on"},
    "mlflow_webhook_secret_file": DIRECTORY, "redis_dbs": {"redis_timeout_ms": "1000"},
}
BEGINNINGS = (("registry_", MLFLOW), ("redis_", REDIS), ("database_", DATABASE), ("jwt_issuer", JWT),
              ("jwt_audience", JWT), ("jwt_leeway", JWT), ("jwt_unconfirmed", JWT), ("canary_", DIRECTORY),
              ("poll_", DIRECTORY), ("cache_", REDIS), ("trusted_dbs", REDIS), ("write_wait", DATABASE),
              ("feedback_", DATABASE), ("revocation_", {**JWT, **DATABASE}))


def table(lab):
    out = subprocess.run([lab.program, "--help-markdown"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^\| `(\w+)` \| ([^|]*) \| ", out, re.M)


def values_of(name, kind):
    if name in VALUES:
        return VALUES[name]
    number = re.match(r"(\d+) to \d+", kind)
    assert number or kind != "text", "%s: a text needs a value in VALUES" % name
    return [number.group(1)] if number else kind.split(", ")


def needs_of(name):
    needs = {}
    for beginning, lines in BEGINNINGS:
        if name.startswith(beginning):
            needs.update(lines)
    needs.update(NEEDS.get(name, {}))
    return needs


def run_with(lab, lines, places, is_started):
    """A daemon with these lines in its file, asked for its health; or --check alone."""
    path = os.path.join(lab.folder, "settings.conf")
    text = "".join("%s = %s\n" % line for line in lines.items())
    for word, value in places.items():
        text = text.replace("{%s}" % word, value)
    with open(path, "w") as file:
        file.write(text)
    checked = subprocess.run([lab.program, "--check", "--config", path], capture_output=True, text=True)
    assert checked.returncode == 0, "%s--check: %s" % (text, checked.stderr)
    if not is_started:
        return
    with lab.daemon("--config", path) as daemon:
        answer = daemon.get("/health/live")
        assert answer.status == 200, (text, answer.status, daemon.read_log())


def test_every_documented_setting_starts_a_daemon(lab):
    with open(os.path.join(lab.folder, "password"), "w") as file:
        file.write("secret-of-the-tests\n")
    subprocess.run(["openssl", "req", "-x509", "-key", os.path.join(lab.folder, "rsa.pem"), "-subj", "/CN=test",
                    "-days", "1", "-out", os.path.join(lab.folder, "certificates")], check=True, capture_output=True)
    wrong = []
    with lab.postgres() as postgres, Redis() as redis:
        places = {"dir": lab.folder, "redis": redis.url, "database": postgres.conninfo}
        for name, kind in table(lab):
            for value in values_of(name, kind):
                is_started = lab.is_long or name in VALUES
                try:
                    run_with(lab, {"model": "{dir}/movies", **needs_of(name), name: value}, places, is_started)
                except (AssertionError, RuntimeError, OSError) as error:
                    wrong.append("%s = %s: %s" % (name, value, error))
    assert not wrong, "\n".join(wrong)
