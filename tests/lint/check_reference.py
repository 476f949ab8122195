#!/usr/bin/env python3
"""Fail unless every public function, struct and constant is in the API reference, and no link of the
reference leads nowhere.

Functions are those of docs/symbols-in-versions.txt, structs and constants those of
tests/abi/layout.expected; other lints and tests hold these to the headers.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import project


def expected(top):
    names = [line.split()[0] for line in (top / "docs/symbols-in-versions.txt").read_text()
             .splitlines() if line.startswith("recsys_")]
    for line in (top / "tests/abi/layout.expected").read_text().splitlines():
        match = re.match(r"(?:struct|const) (\w+)", line)
        if match:
            names.append(match.group(1))
    return names


def main():
    top, findings = project.root(), []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(top / "cmake/api_reference.py"),
                        str(top / "include/recsys"), folder, "0"], check=True)
        pages = {file.name: file.read_text(encoding="utf-8")
                 for file in pathlib.Path(folder).glob("*.html")}
    anchors = {f"{name}#{anchor}" for name, text in pages.items()
               for anchor in re.findall(r'<a id="(\w+)"', text)}
    known = {anchor.split("#")[1] for anchor in anchors}
    for name in expected(top):
        if name not in known:
            findings.append(f"include/recsys: {name} is not in the API reference")
    for name, text in pages.items():
        for target in re.findall(r'href="([^"]+)"', text):
            if target not in anchors and target not in pages:
                findings.append(f"{name}: there is nothing at {target}")
    project.finish("check_reference", findings)


main()
