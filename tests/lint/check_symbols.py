#!/usr/bin/env python3
"""Fail unless four lists of the public functions agree: what librecsys.so exports, lib/recsys.map,
the RECSYS_API declarations of the headers, and docs/symbols-in-versions.txt.

Usage: check_symbols.py [ROOT] [LIBRECSYS.SO]. Without the library three lists are compared.
"""
import pathlib
import re
import subprocess
import sys

import project

API = re.compile(r"\bRECSYS_API\b([^;{]*?)\b(recsys_\w+)\s*\(", re.S)
HISTORY = "docs/symbols-in-versions.txt"


def declared(top):
    """name -> file:line of its declaration."""
    found = {}
    for file in project.c_files(top, "include/recsys"):
        text = project.without_comments((top / file).read_text(encoding="utf-8"))
        text = re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", lambda m: "\n" * m.group(0).count("\n"), text,
                      flags=re.M)
        for match in API.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            found[match.group(2)] = f"{file}:{line}"
    return found


def mapped(top):
    """name -> (file:line, version node)."""
    found, node = {}, None
    for number, line in enumerate((top / "lib/recsys.map").read_text().splitlines(), 1):
        head = re.match(r"RECSYS_([0-9.]+)\s*\{", line)
        if head:
            node = head.group(1)
        name = re.match(r"\s+(recsys_\w+);", line)
        if name:
            found[name.group(1)] = (f"lib/recsys.map:{number}", node)
    return found


def remembered(top, findings):
    """name -> (file:line, version)."""
    found, lines = {}, []
    for number, line in enumerate((top / HISTORY).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(recsys_\w+)  ([0-9]+\.[0-9]+)", line)
        if match is None:
            findings.append(f'{HISTORY}:{number}: want "recsys_name  0.1": {line}')
            continue
        if lines and match.group(1) <= lines[-1]:
            findings.append(f"{HISTORY}:{number}: {match.group(1)} is not in its place (sorted)")
        lines.append(match.group(1))
        found[match.group(1)] = (f"{HISTORY}:{number}", match.group(2))
    return found


def exported(library):
    """name -> version node, of what the dynamic linker can see."""
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True,
                             text=True, check=True).stdout
    found = {}
    for line in listing.splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1] != "A":
            name, _, version = parts[2].partition("@@")
            found[name] = version
    return found


def main():
    top = project.root()
    libraries = [a for a in sys.argv[1:] if pathlib.Path(a).is_file()]
    findings = []
    in_headers, in_map, in_docs = declared(top), mapped(top), remembered(top, findings)
    lists = {"a header": in_headers, "lib/recsys.map": in_map, HISTORY: in_docs}
    if libraries:
        in_library = exported(libraries[0])
        lists["the library's exports"] = in_library
        for name, version in sorted(in_library.items()):
            if name in in_map and version != "RECSYS_" + in_map[name][1]:
                findings.append(f"{libraries[0]}:0: {name} has version {version or 'none'}, "
                                f"lib/recsys.map says RECSYS_{in_map[name][1]}")
    for name in sorted(set().union(*lists.values())):
        missing = [what for what, names in lists.items() if name not in names]
        if missing:
            where = in_headers.get(name) or in_map.get(name, in_docs.get(name, (HISTORY,)))[0]
            findings.append(f"{where}: {name} is not in {' nor in '.join(missing)}")
    for name in sorted(set(in_map) & set(in_docs)):
        if in_map[name][1] != in_docs[name][1]:
            findings.append(f"{in_docs[name][0]}: {name} says {in_docs[name][1]}, "
                            f"{in_map[name][0]} is in node {in_map[name][1]}")
    project.finish("check_symbols", findings)


main()
