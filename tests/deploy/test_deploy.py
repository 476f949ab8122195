"""The files of examples/deploy and debian/, read by the programs that they are for."""
import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import time

import kubernetes_validate
import pytest
import yaml
from client import Daemon
from conftest import BIN, DEPLOY, TOP
import make_bundle

KUBERNETES = ("1.30", "1.37")
NAMES = re.compile(r"\b((?:recsysd|redis|process|denylist)_[a-z0-9_]+)(?![a-z0-9_:(])")
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
CONTROL = (TOP / "debian" / "control").read_text()


def run(*words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def settings():
    """The names that recsysd knows, as its flags have them."""
    return set(re.findall(r"^  --([a-z0-9-]+)", run(BIN / "recsysd", "--help"), re.M))


def manifests():
    return [document for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
            for document in yaml.safe_load_all(path.read_text())]


def manifest(kind):
    return next(document for document in manifests() if document["kind"] == kind)


def containers():
    for document in manifests():
        spec = document.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        yield from spec.get("template", {}).get("spec", {}).get("containers", [])


def rules():
    return yaml.safe_load((DEPLOY / "prometheus" / "recsysd.rules.yml").read_text())["groups"][0]["rules"]


def panels():
    return json.loads((DEPLOY / "grafana" / "recsysd.json").read_text())["panels"]


def queries():
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def test_the_packages_have_the_version_of_the_project():
    version = re.search(r"project\(recsys VERSION ([0-9.]+)", (TOP / "CMakeLists.txt").read_text())[1]
    assert (TOP / "debian" / "changelog").read_text().startswith(f"librecsys ({version})")
    soname = "librecsys" + ".".join(version.split(".")[:2])
    number = soname.removeprefix("librecsys")
    libraries = {soname} | {f"librecsys-{name}{number}" for name in ("redis", "postgres", "mlflow")}
    assert set(re.findall(r"^Package: (librecsys[a-z-]*[0-9.]+)$", CONTROL, re.M)) == libraries
    assert all((TOP / "debian" / f"{name}.install").exists() for name in libraries)
    images = {container["image"] for container in containers() if "recsysd" in container["image"]}
    assert images == {f"recsysd:{version}"}


def test_every_installed_file_is_in_a_package(tmp_path):
    build = BIN.parent
    run("cmake", "--install", build, "--prefix", tmp_path / "usr")
    files = {str(path.relative_to(tmp_path)) for path in (tmp_path / "usr").rglob("*") if not path.is_dir()}
    files.discard("usr/bin/recsys-train-als")  # an example; the packages are built without them
    assert len(files) > 40
    packages = {}
    for path in sorted((TOP / "debian").glob("*.install")):
        # A build that is not for /usr has no folder of the processor in usr/lib.
        for pattern in path.read_text().replace("usr/lib/*/", "usr/lib/").splitlines():
            if not pattern.startswith(("examples/", "usr/lib/python3/")):
                taken = {name for name in files if fnmatch.fnmatch(name, pattern)
                         or fnmatch.fnmatch(name, pattern + "/*")}
                assert taken, f"{path.name}: nothing is {pattern}"
                for name in taken:
                    packages.setdefault(name, []).append(path.name)
    assert files == set(packages), files - set(packages)
    assert all(len(names) == 1 for names in packages.values()), packages


def test_the_settings_are_right(tmp_path):
    text = (DEPLOY / "recsysd.conf").read_text()
    (tmp_path / "registry").mkdir()
    path = tmp_path / "recsysd.conf"
    path.write_text(text.replace("/var/lib/recsysd", str(tmp_path)))
    run(BIN / "recsysd", "--check", "--config", path)
    proposed = {name.replace("_", "-") for name in re.findall(r"^# ([a-z_]+) = ", text, re.M)}
    assert len(proposed) > 3 and proposed <= settings()


def test_the_environment_of_the_containers_has_settings_that_exist():
    known = {"RECSYSD_" + name.replace("-", "_").upper() for name in settings()}
    used = {entry["name"] for container in containers() for entry in container.get("env", [])}
    used |= set(re.findall(r"(RECSYSD_[A-Z_]+)=", DOCKERFILE))
    assert len(used) > 10 and used <= known, used - known


def test_kubernetes_takes_the_manifests():
    for document in manifests():
        for version in KUBERNETES:
            kubernetes_validate.validate(document, version, strict=True)
    assert {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "StatefulSet",
            "ConfigMap"} == {document["kind"] for document in manifests()}


def container_of(document):
    return document["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("break_it", [
    lambda it: it["spec"].update(replicas="three"),
    lambda it: it["spec"].update(replica=3),
    lambda it: it["spec"].pop("selector"),
    lambda it: container_of(it).pop("name"),
    lambda it: container_of(it).update(readinesProbe={}),
    lambda it: container_of(it)["securityContext"].update(readOnlyRootFileSystem=True),
    lambda it: container_of(it)["resources"]["requests"].update(cpu=["1"]),
    lambda it: container_of(it)["env"][0].update(value=1),
], ids=["a text for a number", "a wrong name", "no selector", "no name", "a wrong name of a probe",
        "a wrong capital", "a list for a quantity", "a number for a text"])
def test_kubernetes_refuses_a_broken_manifest(break_it):
    document = manifest("Deployment")
    break_it(document)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES[-1], strict=True)


def test_a_pod_has_time_to_drain():
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    values = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    delay, drain = int(values["RECSYSD_DRAIN_DELAY_MS"]), int(values["RECSYSD_DRAIN_TIMEOUT_MS"])
    assert pod["terminationGracePeriodSeconds"] * 1000 > delay + drain + 5000
    ready = pod["containers"][0]["readinessProbe"]
    assert ready["periodSeconds"] * ready["failureThreshold"] * 1000 < delay


def test_redis_starts_with_these_settings(tmp_path):
    server = shutil.which("redis-server") or shutil.which("redis-check-rdb")  # one program with many names
    files = manifest("ConfigMap")["data"]
    for name, policy in (("cache.conf", "allkeys-lru"), ("safe.conf", "noeviction")):
        folder = tmp_path / name
        folder.mkdir()
        text = files[name].replace("dir /data", f"dir {folder}")
        process = subprocess.Popen(["redis-server", "-"], executable=server, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, text=True)
        try:
            process.stdin.write(f"{text}\nport 0\nunixsocket {folder}/redis.sock\n")
            process.stdin.close()
            ask = ["redis-cli", "-s", f"{folder}/redis.sock", "CONFIG", "GET", "maxmemory-policy"]
            until, said = time.monotonic() + 120, ""
            while policy not in said:
                assert process.poll() is None and time.monotonic() < until, said
                time.sleep(0.05)
                said = subprocess.run(ask, capture_output=True, text=True).stdout
        finally:
            process.terminate()
            process.wait(60)


def test_the_unit_is_hardened():
    words = run("systemd-analyze", "security", "--offline=true", DEPLOY / "systemd" / "recsysd.service")
    assert float(re.search(r"Overall exposure level .*: ([0-9.]+)", words)[1]) < 2.0


def test_the_alerts_are_raised_when_they_should_be():
    run("promtool", "check", "rules", DEPLOY / "prometheus" / "recsysd.rules.yml")
    run("promtool", "test", "rules", "recsysd.rules.test.yml", cwd=DEPLOY / "prometheus")


def test_alerts_and_dashboard_ask_for_metrics_that_exist(metrics):
    expressions = [re.sub(r'"[^"]*"', '""', text) for text in [rule["expr"] for rule in rules()] + queries()]
    used = {name for expression in expressions for name in NAMES.findall(expression)}
    assert len(used) > 15 and used <= metrics, used - metrics
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for expression in expressions for name in re.findall(r"recsysd:[a-z0-9_:]+", expression)}
    assert asked <= recorded, asked - recorded


def test_alerts_and_dashboard_use_labels_that_exist(metrics_text):
    """A selector or a grouping by a label that no metric has gives nothing, or one sum of everything."""
    known = set(re.findall(r'[{,]([a-z_]+)="', metrics_text)) | {"job", "instance", "model"}
    for text in [rule["expr"] for rule in rules()] + queries():
        used = set(re.findall(r"[{,]\s*([a-z_]+)\s*[=!]", text))
        for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", text):
            used |= {name.strip() for name in group.split(",")}
        assert used <= known, (text, used - known)


def test_the_queries_of_the_dashboard_can_be_parsed(tmp_path):
    made = [{"record": f"panel:{i}", "expr": text.replace("$__rate_interval", "5m").replace("$job", "recsysd")}
            for i, text in enumerate(queries())]
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    run("promtool", "check", "rules", path)


def find_go():
    """The machine's, or one that the suite go has fetched."""
    places = [shutil.which("go"), "/usr/local/go/bin/go", *glob.glob(str(TOP / "build" / "go" / "*" / "go" / "bin" / "go"))]
    return next((place for place in places if place and os.access(place, os.X_OK)), None)


@pytest.mark.skipif("RECSYS_LONG" not in os.environ, reason="compiles Grafana's types for a minute")
def test_grafana_knows_every_field_of_the_dashboard(tmp_path):
    check = tmp_path / "check"
    run(find_go() or "go", "build", "-o", check, ".", cwd=TOP / "tests" / "deploy" / "dashboard")
    run(check, DEPLOY / "grafana" / "recsysd.json")
    broken = tmp_path / "broken.json"
    for right, wrong in (('"reduceOptions"', '"reduceOption"'), ('"expr"', '"exprs"'), ('"schemaVersion": ', '"v": ')):
        broken.write_text((DEPLOY / "grafana" / "recsysd.json").read_text().replace(right, wrong))
        assert subprocess.run([check, broken], capture_output=True).returncode == 1, wrong


def test_a_table_shows_what_is_and_not_what_was():
    tables = [panel for panel in panels() if panel["type"] == "table"]
    assert tables and all(target["instant"] and target["format"] == "table"
                          for panel in tables for target in panel["targets"])


def test_no_panel_lies_over_another():
    taken = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


def test_every_alert_has_its_place_in_the_runbook():
    page = (TOP / "docs" / "operations.md").read_text()
    for rule in rules():
        assert "alert" not in rule or f"`{rule['alert']}`" in page, rule["alert"]


def test_the_runbook_names_what_exists(metrics, daemon):
    page = (TOP / "docs" / "operations.md").read_text()
    names = set(re.findall(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`", page)) - {"last_error"}
    known = {name.replace("-", "_") for name in settings()} | metrics
    known |= {name.removesuffix("_bucket") for name in metrics}
    assert len(names) > 10 and names <= known, names - known
    routes = set(re.findall(r"`(GET|POST|PUT) (/[^` ]*)`", page))
    paths = daemon.get("/openapi.json").json()["paths"]
    assert len(routes) > 2 and all(method.lower() in paths[path] for method, path in routes)
    commands = set(re.findall(r"`recsysctl ([a-z]+)", page))
    known = set(re.findall(r"^  ([a-z]+)  ", run(BIN / "recsysctl", "--help"), re.M))
    assert len(commands) > 2 and commands <= known, commands - known


def test_the_container_is_healthy_while_the_daemon_lives(tmp_path):
    words = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE.replace("\\\n", ""), re.M)[1]
    make_bundle.make_bundle(str(tmp_path / "model"))
    with Daemon(str(BIN / "recsysd"), str(tmp_path / "run"), "--model", str(tmp_path / "model")) as daemon:
        command = [word.replace("/8001", f"/{daemon.port}") for word in json.loads(words)]
        run(*command)
        missing = [word.replace("/health/live", "/nothing") for word in command]
        assert subprocess.run(missing).returncode != 0
    assert subprocess.run(command, capture_output=True).returncode != 0


def test_the_container_takes_files_and_packages_that_exist():
    packages = re.findall(r"^Package: (\S+)$", CONTROL, re.M)
    taken = re.findall(r"/src/([a-z0-9.-]+)_\*\.deb", DOCKERFILE)
    assert set(taken) == {name for name in packages if name.endswith("0.2")} | {"recsysd"}
    for paths in re.findall(r"^COPY ((?:debian/\S+ )+)debian/$", DOCKERFILE, re.M):
        assert all((TOP / path).exists() for path in paths.split())
