#!/usr/bin/env python3
"""Fail if a struct, field or constant of a public header is not in layout.expected, or the other
way round. So a new field cannot be forgotten there, and none can vanish unseen.

Usage: check_complete.py [ROOT]. With --list, prints what layout.c has to print, as C.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))
import project  # noqa: E402

STRUCT = re.compile(r"typedef\s+struct\s+(recsys_\w+)\s*\{(.*?)\}\s*(\w+)\s*;", re.S)
ENUM = re.compile(r"\benum\s*\{(.*?)\}\s*;", re.S)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(RECSYS_\w+)[ \t]+(\(?[0-9].*|RECSYS_SIZE_TO.*)$", re.M)
TABLE = re.compile(r"X\((\w+),\s*(-?\d+),")
NOT_FOR_EVER = {"RECSYS_VERSION_MAJOR", "RECSYS_VERSION_MINOR", "RECSYS_VERSION_PATCH"}


def field_names(body):
    """The names a struct's body declares."""
    for declaration in body.split(";"):
        declaration = " ".join(declaration.split())
        if not declaration:
            continue
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", declaration)
        if pointer:
            yield pointer.group(1)
            continue
        for part in declaration.split(","):
            yield re.search(r"(\w+)\s*(?:\[[^\]]*\])?$", part).group(1)


def in_headers(top):
    """What must be pinned, in the order of the headers: ("struct", name), ("field", s, name), ..."""
    found = []
    for file in project.c_files(top, "include/recsys"):
        text = project.without_comments((top / file).read_text(encoding="utf-8"))
        for name, body, again in STRUCT.findall(text):
            assert name == again, f"{file}: struct {name} is called {again}"
            found.append(("struct", name))
            found += [("field", name, field) for field in field_names(body)]
        if file.endswith("/status.h"):
            found += [("const", "RECSYS_" + name) for name, _ in TABLE.findall(text)]
        else:
            for body in ENUM.findall(text):
                found += [("const", part.split("=")[0].strip())
                          for part in body.split(",") if part.strip()]
        found += [("const", name) for name, _ in DEFINE.findall(text) if name not in NOT_FOR_EVER]
    return found


def in_expected(path):
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        words = line.split()
        if words[0] == "field":
            found[("field", *words[1].split("."))] = number
        else:
            found[(words[0], words[1])] = number
    return found


def main():
    top = project.root()
    wanted = in_headers(top)
    if "--list" in sys.argv:
        for entry in wanted:
            print("    {}({})".format(entry[0].upper(), ", ".join(entry[1:])))
        return
    path = top / "tests/abi/layout.expected"
    present = in_expected(path)
    findings = [f"tests/abi/layout.expected:1: has no line for {' '.join(e)}"
                for e in wanted if e not in present]
    findings += [f"tests/abi/layout.expected:{n}: no public header has {' '.join(e)}"
                 for e, n in present.items() if e not in wanted]
    project.finish("check_complete", findings)


main()
