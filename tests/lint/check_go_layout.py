#!/usr/bin/env python3
"""Fail unless the Go binding uses every public constant, and every field of the structs that it uses.

cgo reads the constants and the structs from the headers, so their values and places are right; but
nothing there says that a new one was forgotten. tests/abi/layout.expected has them all. One that the
binding does not use stands in bindings/go/unbound_layout.txt, a line "NAME  reason"; a * in NAME is
any text. A line there about names that are used, or that do not exist, is a finding too.
"""
import fnmatch
import re

import project

FOLDER = "bindings/go"
LAYOUT = "tests/abi/layout.expected"
UNBOUND = f"{FOLDER}/unbound_layout.txt"


def layout(top):
    """The public constants, and struct -> its fields."""
    text = (top / LAYOUT).read_text(encoding="utf-8")
    constants = {name for name in re.findall(r"^const (RECSYS_\w+)", text, re.M)
                 if not re.search(r"_SIZE_V\d+$", name)}
    fields = {}
    for struct, field in re.findall(r"^field (\w+)\.(\w+) ", text, re.M):
        if not field.startswith("reserved"):
            fields.setdefault(struct, set()).add(field)
    return constants, fields


def sources(top):
    return "\n".join((top / file).read_text(encoding="utf-8") for file in project.all_files(top)
                     if file.startswith(FOLDER + "/") and file.endswith((".go", ".c", ".h")) and
                     not file.endswith("_test.go"))


def missing(text, constants, fields):
    """The constants and "struct.field"s that the sources do not name; a field of any struct counts."""
    used = set(re.findall(r"\bRECSYS_\w+", text))
    named = set(re.findall(r"\.(\w+)\b", text)) | set(re.findall(r"\b(\w+):", text))
    return constants - used | {
        f"{struct}.{field}" for struct, members in fields.items() if re.search(rf"C\.{struct}\b", text)
        for field in members if field not in named and "_" + field not in named}


def excused(top, findings):
    """name or pattern -> line number."""
    found = {}
    for number, line in enumerate((top / UNBOUND).read_text(encoding="utf-8").splitlines(), 1):
        match = re.fullmatch(r"((?:recsys|RECSYS)_[\w.*]+)  (\S.*)", line)
        if match:
            found[match.group(1)] = number
        elif line.strip() and not line.startswith("#"):
            findings.append(f"{UNBOUND}:{number}: not `NAME  reason`: {line}")
    return found


def main():
    top, findings = project.root(), []
    names, excuses = missing(sources(top), *layout(top)), excused(top, findings)
    for name in sorted(names):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in excuses):
            findings.append(f"{LAYOUT}:1: {FOLDER} does not use {name}; use it, or say why not in "
                            f"{UNBOUND}")
    for pattern, number in excuses.items():
        if not fnmatch.filter(names, pattern):
            findings.append(f"{UNBOUND}:{number}: {pattern} is used, or does not exist")
    project.finish("check_go_layout", findings)


main()
