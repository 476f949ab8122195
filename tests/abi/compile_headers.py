#!/usr/bin/env python3
"""Fail unless every public header, alone and with all others, is clean C99, C11, C++11 and C++17.

Usage: compile_headers.py [ROOT]. Compilers: gcc, g++, clang, clang++, as many of them as there are.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))
import project  # noqa: E402

FLAGS = ["-Wall", "-Wextra", "-pedantic", "-fsyntax-only"]
if os.environ.get("RECSYS_WERROR") != "OFF":  # as tests/run.sh says for newer compilers
    FLAGS.append("-Werror")
LANGUAGES = [("c99", "c"), ("c11", "c"), ("c++11", "c++"), ("c++17", "c++")]
COMPILERS = [("gcc", "c"), ("g++", "c++"), ("clang", "c"), ("clang++", "c++")]


def main():
    top = project.root()
    headers = [f[len("include/"):] for f in project.c_files(top, "include/recsys")]
    compilers = [(name, language) for name, language in COMPILERS if shutil.which(name)]
    findings, compiled = [], 0
    with tempfile.TemporaryDirectory(prefix="recsys-headers-") as folder:
        sources = {"tests/abi/headers.c": top / "tests/abi/headers.c"}
        for header in headers:
            # Twice: a missing include guard shows.
            source = pathlib.Path(folder) / (header.replace("/", "_") + ".c")
            source.write_text(f"#include <{header}>\n#include <{header}>\n"
                              "extern int translation_unit_is_not_empty;\n")
            sources[f"include/{header}"] = source
        for compiler, language in compilers:
            for standard, of in LANGUAGES:
                if of != language:
                    continue
                for name, source in sources.items():
                    result = subprocess.run(
                        [compiler, "-x", language, f"-std={standard}", *FLAGS,
                         f"-I{top / 'include'}", str(source)], capture_output=True, text=True)
                    compiled += 1
                    if result.returncode != 0:
                        first = (result.stderr.strip().splitlines() or ["failed"])[0]
                        findings.append(f"{name}:1: {compiler} -std={standard}: {first}")
    print(f"{compiled} compilations with {', '.join(c for c, _ in compilers)}")
    project.finish("compile_headers", findings)


main()
