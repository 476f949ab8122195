#!/usr/bin/env python3
"""Fail unless four lists of the public functions agree: what the libraries export, their maps, the
RECSYS_API declarations of the headers, and docs/symbols-in-versions.txt.

Usage: check_symbols.py [ROOT] [LIBRARY.SO...]. librecsys-NAME has lib/adapters/NAME/NAME.map and
include/recsys/NAME.h; librecsys has lib/recsys.map and all other headers. The exports of libraries
that are not given are not compared.
"""
import pathlib
import re
import subprocess
import sys

import project

API = re.compile(r"\bRECSYS_API\b([^;{]*?)\b(recsys_\w+)\s*\(", re.S)
HISTORY = "docs/symbols-in-versions.txt"


def maps(top):
    """library -> its map, relative to `top`."""
    adapters = sorted((top / "lib/adapters").glob("*/*.map"))
    return {"librecsys": "lib/recsys.map",
            **{f"librecsys-{m.stem}": str(m.relative_to(top)) for m in adapters}}


def declared(top):
    """name -> (file:line of its declaration, the library it belongs to)."""
    found, libraries = {}, maps(top)
    for file in project.c_files(top, "include/recsys"):
        text = project.without_comments((top / file).read_text(encoding="utf-8"))
        text = re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", lambda m: "\n" * m.group(0).count("\n"), text,
                      flags=re.M)
        library = f"librecsys-{pathlib.Path(file).stem}"
        for match in API.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            found[match.group(2)] = (f"{file}:{line}",
                                     library if library in libraries else "librecsys")
    return found


def mapped(top):
    """name -> (file:line, library, version node)."""
    found = {}
    for library, file in maps(top).items():
        node = None
        for number, line in enumerate((top / file).read_text().splitlines(), 1):
            head = re.match(r"RECSYS_([0-9.]+)\s*\{", line)
            if head:
                node = head.group(1)
            name = re.match(r"\s+(recsys_\w+);", line)
            if name:
                found[name.group(1)] = (f"{file}:{number}", library, node)
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


def compare_exports(path, in_headers, in_map, findings):
    """The exports of one library with what its headers and its map say."""
    library = path.name.partition(".")[0]
    exports = exported(path)
    for name, version in sorted(exports.items()):
        if in_map.get(name, ("", "", ""))[1] != library:
            findings.append(f"{path}:0: exports {name}, which is not in its map")
        elif version != "RECSYS_" + in_map[name][2]:
            findings.append(f"{path}:0: {name} has version {version or 'none'}, {in_map[name][0]} "
                            f"says RECSYS_{in_map[name][2]}")
    for name, (where, of) in sorted(in_headers.items()):
        if of == library and name not in exports:
            findings.append(f"{where}: {name} is not exported by {path.name}")


def release(text):
    return tuple(int(part) for part in text.split("."))


def main():
    top = project.root()
    findings = []
    in_headers, in_map, in_docs = declared(top), mapped(top), remembered(top, findings)
    lists = {"a header": in_headers, "a map": in_map, HISTORY: in_docs}
    for name in sorted(set().union(*lists.values())):
        missing = [what for what, names in lists.items() if name not in names]
        if missing:
            where = (in_headers.get(name) or in_map.get(name) or in_docs.get(name))[0]
            findings.append(f"{where}: {name} is not in {' nor in '.join(missing)}")
        elif in_headers[name][1] != in_map[name][1]:
            findings.append(f"{in_map[name][0]}: {name} belongs to {in_headers[name][1]}, says "
                            f"{in_headers[name][0]}")
        elif release(in_docs[name][1]) > release(in_map[name][2]):
            # Older is right: a new soname begins with one node for all that it took over.
            findings.append(f"{in_docs[name][0]}: {name} says {in_docs[name][1]}, "
                            f"{in_map[name][0]} is in node {in_map[name][2]}")
    for argument in sys.argv[1:]:
        if pathlib.Path(argument).is_file():
            compare_exports(pathlib.Path(argument), in_headers, in_map, findings)
    project.finish("check_symbols", findings)


if __name__ == "__main__":
    main()
