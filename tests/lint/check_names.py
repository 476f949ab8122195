#!/usr/bin/env python3
"""Fail if one name means two things: a struct, union or enum with a name that another file
defines too, a struct rs_NAME beside a public recsys_NAME, or two files of one name.
"""
import pathlib
import re

import project

ROOTS = ["lib", "daemon"]  # each is a world of its own: a program, or the libraries
TAG = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\{")


def code_of(top, file):
    return project.without_comments((top / file).read_text(encoding="utf-8"))


def tags(top, files):
    """name -> {file: line of its definition there}"""
    found = {}
    for file in files:
        text = code_of(top, file)
        for match in TAG.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.setdefault(match.group(1), {})[file] = line
    return found


def check_tags(top, files, public):
    findings = []
    for name, places in sorted(tags(top, files).items()):
        first, *others = [f"{file}:{line}" for file, line in places.items()]
        if others:
            findings.append(f"{first}: {name} is also defined in {', '.join(others)}")
        if name.startswith("rs_") and f"recsys_{name[3:]}" in public:
            findings.append(f"{first}: {name} is not the public recsys_{name[3:]}: call it "
                            "something else")
    return findings


def check_files(files):
    """A module is NAME.c with NAME.h in one folder."""
    folders = {}
    for file in files:
        path = pathlib.PurePosixPath(file)
        folders.setdefault(path.stem, set()).add(str(path.parent))
    return [f"{min(where)}/{stem}:1: {stem} is also a file of {', '.join(sorted(where)[1:])}"
            for stem, where in sorted(folders.items()) if len(where) > 1]


def main():
    top = project.root()
    public = set()
    for file in project.c_files(top, "include/recsys"):
        public |= set(re.findall(r"\b(recsys_\w+)\b", code_of(top, file)))
    findings = []
    for root in ROOTS:
        files = project.c_files(top, root)
        findings += check_tags(top, files, public) + check_files(files)
    project.finish("check_names", findings)


main()
