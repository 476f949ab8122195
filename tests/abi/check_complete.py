#!/usr/bin/env python3
"""Fail if a struct, field or constant of a public header is not in layout.expected, or the other
way round. So a new field cannot be forgotten there, and none can vanish unseen.

A struct that begins with struct_size must be able to grow: it has an _INIT macro and a constant
_SIZE_V1, its last _SIZE_V… is its sizeof (padding at the end would have room for a field that no
size tells of), and grown_program.c uses it. Every other struct never changes, or only the
library lays it out: the lists in docs/abi.md name it.

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
    """Everything that must be pinned, in the order of the headers: ("struct", name), ("field", s, name), ..."""
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


def sizes(path):
    """name of a struct or constant -> its size or value, as layout.expected has it."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["struct"]:
            found[words[1]] = int(words[3])
        elif words[:1] == ["const"]:
            found[words[1]] = int(words[2])
    return found


def check_structs(top):
    """One finding for each struct that can neither grow nor is known to be frozen."""
    known = sizes(top / "tests/abi/layout.expected")
    program = (top / "tests/abi/grown_program.c").read_text(encoding="utf-8")
    promise = (top / "docs/abi.md").read_text(encoding="utf-8")
    lists = re.findall(r"\*\*(?:Frozen|Laid out by the library)\*\*([^:]*):", promise)
    frozen = set(re.findall(r"`(recsys_\w+)`", " ".join(lists)))
    for file in project.c_files(top, "include/recsys"):
        text = project.without_comments((top / file).read_text(encoding="utf-8"))
        for name, body, _ in STRUCT.findall(text):
            if not re.match(r"\s*uint32_t\s+struct_size\b", body):
                if name not in frozen:
                    yield f"docs/abi.md:1: {name} of {file} does not begin with struct_size and is " \
                          "in no list: is it frozen?"
                frozen.discard(name)
                continue
            if name in frozen:
                yield f"docs/abi.md:1: {name} is in a list of those without struct_size"
                frozen.discard(name)
            upper = name.upper()
            for macro in ("_INIT", "_SIZE_V1"):
                if not re.search(rf"#\s*define\s+{upper}{macro}\b", text):
                    yield f"{file}:1: {name} has no {upper}{macro}"
            versions = [n for n in known if re.fullmatch(rf"{upper}_SIZE_V\d+", n)]
            newest = max(versions, key=lambda n: int(n.rsplit("V", 1)[1]), default=None)
            if newest and known[newest] != known.get(name):
                yield f"{file}:1: {name} has {known.get(name)} bytes and {newest} is " \
                      f"{known[newest]}: fill the gap with a reserved field"
            if not re.search(rf"\b{upper}(_INIT)?\b", program):
                yield f"tests/abi/grown_program.c:1: does not use {name}"
    for name in sorted(frozen):
        yield f"docs/abi.md:1: no public header has {name}"


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
    findings += check_structs(top)
    project.finish("check_complete", findings)


main()
