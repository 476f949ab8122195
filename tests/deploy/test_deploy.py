"""The files of examples/deploy and debian/, read by the programs that they are for."""
import json
import re
import shutil
import subprocess
import time

import kubernetes_validate
import pytest
import yaml
from conftest import BIN, DEPLOY, TOP

KUBERNETES = "1.30"
NAMES = re.compile(r"\b((?:recsysd|redis|process)_[a-z0-9_]+)(?![a-z0-9_:(])")
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
    assert re.findall(r"^Package: (librecsys[0-9.]+)$", CONTROL, re.M) == [soname]
    assert (TOP / "debian" / f"{soname}.install").exists()
    images = {container["image"] for container in containers() if "recsysd" in container["image"]}
    assert images == {f"recsysd:{version}"}


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
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "StatefulSet",
            "ConfigMap"} == {document["kind"] for document in manifests()}
    broken = manifest("Deployment")
    broken["spec"]["replicas"] = "three"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


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


def test_the_queries_of_the_dashboard_can_be_parsed(tmp_path):
    made = [{"record": f"panel:{i}", "expr": text.replace("$__rate_interval", "5m").replace("$job", "recsysd")}
            for i, text in enumerate(queries())]
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    run("promtool", "check", "rules", path)


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


def test_the_container_takes_files_and_packages_that_exist():
    packages = re.findall(r"^Package: (\S+)$", CONTROL, re.M)
    taken = re.findall(r"/src/([a-z0-9.]+)_\*\.deb", DOCKERFILE)
    assert taken and set(taken) <= set(packages)
    for paths in re.findall(r"^COPY ((?:debian/\S+ )+)debian/$", DOCKERFILE, re.M):
        assert all((TOP / path).exists() for path in paths.split())
