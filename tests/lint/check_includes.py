#!/usr/bin/env python3
"""Fail if a file includes something its folder may not see. The table IS the architecture."""
import re

import project

PUBLIC = ["include/recsys"]

MAY_SEE = {  # folder -> project folders it may include from, beside itself
    "include/recsys": [],
    # Arrows point down: every folder sees some of those above it.
    "lib/base":       PUBLIC,
    "lib/ids":        PUBLIC + ["lib/base"],
    "lib/catalog":    PUBLIC + ["lib/base", "lib/ids", "lib/formats"],
    "lib/formats":    PUBLIC + ["lib/base"],
    "lib/bundle":     PUBLIC + ["lib/base", "lib/formats"],
    "lib/builder":    PUBLIC + ["lib/base", "lib/ids", "lib/catalog", "lib/formats", "lib/bundle"],
    "lib/model":      PUBLIC + ["lib/base", "lib/ids", "lib/catalog", "lib/formats", "lib/bundle"],
    "lib/score":      PUBLIC + ["lib/base", "lib/ids", "lib/catalog", "lib/bundle", "lib/model"],
    "lib/serve":      PUBLIC + ["lib/base", "lib/ids", "lib/catalog", "lib/model", "lib/score"],
    "lib/registry":   PUBLIC + ["lib/base", "lib/catalog", "lib/model", "lib/score", "lib/serve"],
    "lib/stats":      PUBLIC + ["lib/base"],
    "lib/cache":      PUBLIC + ["lib/base"],
    "lib/store":      PUBLIC + ["lib/base", "lib/cache"],
    "lib/source":     PUBLIC + ["lib/base"],
    "lib/aside":      PUBLIC + ["lib/base", "lib/store"],
    "lib/denylist":   PUBLIC + ["lib/base", "lib/store", "lib/source"],
    "lib/limiter":    PUBLIC + ["lib/base", "lib/store"],
    "lib/domain":     PUBLIC + ["lib/base", "lib/store", "lib/source", "lib/aside"],
    "lib/recycling":  PUBLIC + ["lib/base", "lib/aside", "lib/domain"],
    # Adapters implement public interfaces and know nothing of the library's inside.
    "lib/adapters":   PUBLIC + ["lib/base"],
    # The daemon's rooms, from the ground up. They share lib/base with the library, as the adapters
    # do; the root joins them.
    "daemon/process": PUBLIC + ["lib/base"],
    "daemon/config":  PUBLIC + ["lib/base"],
    "daemon/http":    PUBLIC + ["lib/base", "daemon/process"],
    "daemon/openapi": PUBLIC + ["lib/base", "daemon/http", "daemon/auth/access.h"],
    "daemon/console": PUBLIC + ["lib/base", "daemon/http"],
    "daemon/auth":    PUBLIC + ["lib/base", "daemon/process", "daemon/config", "daemon/http"],
    "daemon/backends": PUBLIC + ["lib/base", "daemon/process", "daemon/config"],
    "daemon/traffic": PUBLIC + ["lib/base", "daemon/process"],
    "daemon/observe": PUBLIC + ["lib/base", "daemon/process", "daemon/http", "daemon/backends",
                                "daemon/traffic"],
    "daemon/domains": PUBLIC + ["lib/base", "daemon/process", "daemon/http",
                                "daemon/backends/write_wait.h", "daemon/auth/caller.h"],
    "daemon/shadow": PUBLIC + ["lib/base", "daemon/process", "daemon/traffic",
                               "daemon/observe/metrics.h"],
    "daemon/models":  PUBLIC + ["lib/base", "daemon/process", "daemon/http", "daemon/traffic",
                                "daemon/shadow", "daemon/auth/limit.h", "daemon/observe/metrics.h"],
    "daemon/recommend": PUBLIC + ["lib/base", "daemon/process", "daemon/http", "daemon/traffic",
                                  "daemon/shadow",
                                  "daemon/auth/caller.h", "daemon/observe/metrics.h",
                                  "daemon/models/model_use.h"],
    "daemon/feedback": PUBLIC + ["lib/base", "daemon/process", "daemon/http",
                                 "daemon/auth/caller.h", "daemon/observe/metrics.h",
                                 "daemon/recommend/recent.h", "daemon/backends/write_wait.h"],
    "daemon/inference": PUBLIC + ["lib/base", "daemon/process", "daemon/http", "daemon/traffic",
                                  "daemon/auth/caller.h", "daemon/observe/metrics.h",
                                  "daemon/models/model_use.h", "daemon/recommend"],
    "daemon":         PUBLIC + ["lib/base", "daemon"],
    "daemon/ctl":     PUBLIC + ["lib/base", "daemon/backends/redis_dbs.h",
                                "daemon/backends/registry_open.h",
                                "daemon/auth/revoked_until.h", "daemon/config/link.h",
                                "daemon/feedback/feedback_page.h",
                                "lib/formats/map.h", "lib/formats/zip.h"],
    # Everybody outside the library sees what every embedder sees.
    "examples":       PUBLIC,
    "bindings":       PUBLIC,
    "tests/api":      PUBLIC + ["tests/support"],
    "tests/abi":      PUBLIC + ["tests/support"],
    "tests/bench":    PUBLIC + ["tests/support"],
    "tests/bench/inside": PUBLIC + ["tests/bench/inside", "tests/support", "lib"],
    "tests/scenarios": PUBLIC + ["tests/support"],
    "tests/golden":   PUBLIC + ["tests/support"],
    "tests/install":  PUBLIC,
    "tests/contracts": PUBLIC,
    # Tests that look inside.
    "tests/unit":     PUBLIC + ["tests/support", "lib"],
    "tests/fault":    PUBLIC + ["tests/support", "lib"],
    "tests/race":     PUBLIC + ["tests/support", "lib", "daemon/models/model_changer.h"],
    "tests/integration": PUBLIC + ["tests/support", "lib"],
    "tests/fuzz":     PUBLIC + ["tests/support", "lib", "daemon"],
    "tests/daemon":   PUBLIC + ["tests/support", "daemon"],
    "tests/support":  PUBLIC + ["lib"],
}

THIRD_PARTY = {  # header, or what it begins with -> the only files and folders that include it
    "cblas.h":    ["lib/score/blas.c", "examples/train_als", "tests"],
    "jansson.h":  ["lib/base", "lib/catalog", "lib/bundle", "lib/builder", "lib/registry",
                   "lib/source", "lib/adapters/mlflow", "daemon", "examples/train_als", "tests"],
    "zlib.h":     ["lib/formats", "lib/recycling/task_text.c", "daemon/http/gzip.c", "tests"],
    "openssl/":   ["lib/base", "lib/bundle", "lib/builder", "lib/adapters/redis", "lib/adapters/mlflow",
                   "daemon/auth", "daemon/recommend", "daemon/http/request_id.c", "daemon/models/delivery.c",
                   "tests/support", "tests/unit", "tests/fuzz"],
    "xxhash.h":   ["lib/base"],
    "hdf5.h":     ["daemon/ctl/import/keras_hdf5.c"],
    "civetweb.h": ["tests/bench"],
    "cmocka.h":   ["tests"],
    "pthread.h":  ["lib/base", "examples", "tests"],
    "hiredis/":   ["lib/adapters/redis", "tests"],
    "libpq-fe.h": ["lib/adapters/postgres", "tests"],
    "curl/":      ["lib/adapters/mlflow/mlflow_http.c", "tests"],
    # Not third parties, but as telling: who talks to the network, who touches signals.
    "sys/socket.h": ["daemon/http", "daemon/process/notify.c", "tests", "lib/adapters"],
    "netdb.h":    ["tests", "lib/adapters"],
    "netinet/":   ["daemon/http", "tests", "lib/adapters"],
    "arpa/":      ["daemon/http", "tests", "lib/adapters"],
    "signal.h":   ["lib/base", "daemon/process/signals.c", "daemon/ctl/ctl_interrupt.c", "examples", "tests"],
    "dlfcn.h":    ["lib/score", "tests"],
}

PUBLIC_MAY_INCLUDE = {"stddef.h", "stdint.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def folder_of(path):
    return max((f for f in MAY_SEE if path.startswith(f + "/")), key=len, default=None)


def is_within(path, places):
    return any(path == place or path.startswith(place + "/") for place in places)


def find_target(top, here, file, name):
    """The project's file that `name` means in `file`, or None if it is not one of the project's."""
    beside = file.rsplit("/", 1)[0]
    for candidate in (f"{beside}/{name}", name, f"include/{name}", f"{here}/{name}"):
        if (top / candidate).is_file():
            return candidate
    return None


def check_line(top, here, file, bracket, name):
    """The fault of one #include; None if it has none."""
    for prefix, places in THIRD_PARTY.items():
        if (name == prefix or (prefix.endswith("/") and name.startswith(prefix))) and \
                not is_within(file, places):
            return f"only {', '.join(places)} may include <{name}>"
    target = find_target(top, here, file, name) if bracket == '"' or name.startswith("recsys/") \
        else None
    if target is None:
        if bracket == '"':
            return f'"{name}" is no file of the project; others are included with <>'
        if here == "include/recsys" and name not in PUBLIC_MAY_INCLUDE:
            return f"public headers include only {', '.join(sorted(PUBLIC_MAY_INCLUDE))}"
        return None
    there = folder_of(target)
    if there == here or is_within(target, MAY_SEE[here]):
        return None
    return f"{here} may not include {target}"


def main():
    top = project.root()
    findings = []
    for file in project.c_files(top):
        here = folder_of(file)
        if here is None:
            findings.append(f"{file}:1: its folder is not in the table of this lint")
            continue
        text = project.without_comments((top / file).read_text(encoding="utf-8"))
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            wrong = match and check_line(top, here, file, match.group(1), match.group(2))
            if wrong:
                findings.append(f"{file}:{number}: {wrong}")
    project.finish("check_includes", findings)


main()
