#!/usr/bin/env python3
"""Fail if a file says where or how it was written, or is not text where text is expected."""
import re

import project

# Taken apart, so that this file does not find itself.
PATTERNS = [
    (re.compile(r"\.\./shared/(spec|house|reference|sample)"), "a place outside the project"),
    (re.compile(r"(?<![\w.~-])/wo" + r"rk/"), "a path of the machine it was written on"),
    (re.compile(r"\bissue [#]?[0-9]+", re.I), "a number that only a tracker explains"),
    (re.compile(r"sub-?" + r"agent", re.I), "how it was written"),
]
NOT_TEXT = (".png", ".jpg", ".gz", ".zip", ".npz", ".npy", ".safetensors", ".bin", ".ico", ".woff2", ".xz", ".h5", ".keras")
MAY_BE_ANYTHING = ("tests/fuzz/corpus/", "tests/golden/")
ALLOWED_CONTROL = set("\n\t")


def main():
    top = project.root()
    findings = []
    for file in project.all_files(top):
        raw = (top / file).read_bytes()
        if file.endswith(NOT_TEXT) or file.startswith(MAY_BE_ANYTHING):
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            findings.append(f"{file}:{line}: not UTF-8")
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, what in PATTERNS:
                if pattern.search(line):
                    findings.append(f"{file}:{number}: names {what}: {line.strip()[:80]}")
            control = [c for c in line if ord(c) < 32 and c not in ALLOWED_CONTROL]
            if control:
                findings.append(f"{file}:{number}: control character {ord(control[0]):#04x}")
    project.finish("check_text", findings)


main()
