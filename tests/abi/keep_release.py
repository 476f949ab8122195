#!/usr/bin/env python3
"""Keep what later libraries of the same soname are tested against. A step of every release.

Usage: keep_release.py BUILD, a configured build folder. Writes tests/abi/headers-VERSION: the public headers,
grown_program.c as program.c, the soname, and librecsys.abi.xz, what abidw says of a library with
debug information, compiled for x86-64.
"""
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import check_abidiff


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(sys.argv[1]).resolve()
    subprocess.run(["cmake", "--build", build, "--target", "recsys_described"], check=True)
    library = (build / "tests/described/librecsys.so").resolve()
    text = (root / "include/recsys/version.h").read_text(encoding="utf-8")
    major, minor = (re.search(rf"RECSYS_VERSION_{n} (\d+)", text).group(1)
                    for n in ("MAJOR", "MINOR"))
    folder = root / "tests/abi" / f"headers-{major}.{minor}"
    if folder.exists():
        sys.exit(f"{folder} is there: a release is kept once")
    shutil.copytree(root / "include/recsys", folder / "recsys")
    shutil.copy(root / "tests/abi/grown_program.c", folder / "program.c")
    found = subprocess.run(["readelf", "-dW", library], capture_output=True, text=True, check=True)
    soname = re.search(r"\(SONAME\).*\[(.*)\]", found.stdout).group(1)
    (folder / "soname").write_text(soname + "\n")
    with tempfile.NamedTemporaryFile(suffix=".abi") as file:
        check_abidiff.describe(library, pathlib.Path(file.name))
        (folder / "librecsys.abi.xz").write_bytes(
            lzma.compress(pathlib.Path(file.name).read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{folder.relative_to(root)}: {soname}")


main()
