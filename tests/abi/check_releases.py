#!/usr/bin/env python3
"""Fail unless programs of every release kept in tests/abi/headers-* meet this library as promised.

Usage: check_releases.py ROOT LIBRARY SUPPORT CC [FLAG...]. LIBRARY is librecsys.so with its version,
SUPPORT librecsys_test_support.a, the flags are those that LIBRARY was compiled with (sanitizers).

A folder headers-X has that release's headers (recsys/), its program.c, and its soname. If the soname
is ours, the program is compiled with those headers, linked with our library, and must run well. If
it is another one, the program is linked with a stand-in of that soname and must be refused by the
loader: because there is no library of that name, and, if a symbolic link gives our library that
name, because it has no functions of that version. How a release is kept: keep_release.py.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

API = re.compile(r"\bRECSYS_API\b[^;{]*?\b(recsys_\w+)\s*\(", re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def run(command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)


def must(command):
    result = run(command)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")


def soname_of(library):
    found = re.search(r"\(SONAME\).*\[(.*)\]", run(["readelf", "-dW", library]).stdout)
    return found.group(1)


def start(program, folder):
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LD_BIND_NOW")}
    environment.update(LD_LIBRARY_PATH=str(folder), OPENBLAS_NUM_THREADS="1", LC_ALL="C")
    return run([program], env=environment, timeout=120)


def must_run(root, headers, source, library, support, compiler, flags, work):
    program = work / "program"
    must([compiler, "-std=c11", "-D_DEFAULT_SOURCE", *flags, f"-I{headers}", f"-I{root}", source,
          library, support, "-ljansson", "-lcrypto", "-lm", "-o", program])
    result = start(program, library.parent)
    if result.returncode != 0:
        yield f"does not run with this library (exit status {result.returncode}):\n" \
              f"{result.stdout}{result.stderr}"


def must_be_refused(headers, source, soname, version, library, compiler, work):
    names = sorted({n for h in (headers / "recsys").glob("*.h")
                    for n in API.findall(COMMENT.sub("", h.read_text(encoding="utf-8")))})
    (work / "stub.c").write_text("".join(f"void {n}(void);\nvoid {n}(void) {{}}\n" for n in names))
    (work / "stub.map").write_text(f"RECSYS_{version} {{ global: recsys_*; local: *; }};\n")
    stub, program, ours = work / "stub" / soname, work / "program", work / "ours"
    stub.parent.mkdir()
    ours.mkdir()
    must([compiler, "-w", "-shared", "-fPIC", f"-Wl,-soname,{soname}",
          f"-Wl,--version-script={work / 'stub.map'}", work / "stub.c", "-o", stub])
    must([compiler, "-std=c11", f"-I{headers}", source, stub, "-o", program])
    (ours / library.name).symlink_to(library)
    (ours / soname_of(library)).symlink_to(library)
    result = start(program, ours)
    if result.returncode == 0 or "started" in result.stdout or soname not in result.stderr:
        yield f"is not refused for lack of {soname}:\n{result.stdout}{result.stderr}"
    (ours / soname).symlink_to(library)
    result = start(program, ours)
    if result.returncode == 0 or "started" in result.stdout or \
            f"RECSYS_{version}" not in result.stderr:
        yield f"starts when our library is called {soname}:\n{result.stdout}{result.stderr}"


def main():
    root, library, support = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    compiler, flags = sys.argv[4], sys.argv[5:]
    ours = soname_of(library)
    releases = sorted((root / "tests/abi").glob("headers-*"))
    if not releases:
        sys.exit("check_releases.py: there is no tests/abi/headers-*")
    n_bad = 0
    # The present headers as a release of today would keep them, so that this way is known to work.
    for headers, source, soname in [(h, h / "program.c", (h / "soname").read_text().strip())
                                    for h in releases] + \
                                   [(root / "include", root / "tests/abi/grown_program.c", ours)]:
        with tempfile.TemporaryDirectory(prefix="recsys-release-") as work:
            work = pathlib.Path(work)
            if soname == ours:
                said = "runs with this library"
                findings = list(must_run(root, headers, source, library, support, compiler, flags,
                                         work))
            else:
                said = f"is refused: it wants {soname}, this is {ours}"
                version = headers.name.split("-", 1)[1]
                findings = list(must_be_refused(headers, source, soname, version, library,
                                                compiler, work))
        for finding in findings:
            print(f"tests/abi/{headers.name}/program.c: {finding}")
        if not findings:
            print(f"{headers.name}: {said}")
        n_bad += len(findings)
    sys.exit(1 if n_bad else 0)


main()
