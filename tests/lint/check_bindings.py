#!/usr/bin/env python3
"""Fail if a binding lacks a public function, or was not written again after the headers changed.

Every function of the maps is called by a binding's sources, or stands in that binding's unbound.txt
with the reason: `recsys_name  why`. A name in that list that is bound, or that no map has, fails
too. Where a binding has files that a script writes from the headers, the script checks them.

In Python a call gets the object that _open() returns, not its address: only the object keeps what
another thread closes alive until the call has returned.

A language is one row of BINDINGS.
"""
import re
import subprocess
import sys

import check_symbols
import project

# folder, the end of its sources' names, a call of the library in them, the script that checks files
BINDINGS = {
    "python": ("bindings/python", ".py", r"\.(recsys_\w+)", "bindings/python/generate_native.py"),
    "go": ("bindings/go", (".go", ".c"), r"\b(recsys_\w+)\(", None),  # check_go_layout.py: constants
}
WRITTEN = "/_native/abi.py"  # declares every function and calls none


def bound(top, folder, ending, call):
    """The names that the sources of a binding call."""
    names = set()
    for file in project.all_files(top):
        if file.startswith(folder + "/") and file.endswith(ending) and not file.endswith(WRITTEN):
            names |= set(re.findall(call, (top / file).read_text(encoding="utf-8")))
    return names


def bare_addresses(top, findings):
    """Calls in Python that get an address of an object that nothing keeps."""
    for file in project.all_files(top):
        if file.startswith(BINDINGS["python"][0] + "/") and file.endswith(".py"):
            for number, line in enumerate((top / file).read_text(encoding="utf-8").splitlines(), 1):
                if re.search(r"_open\(\)\s*\.pointer", line):
                    findings.append(f"{file}:{number}: pass _open(), not its pointer: another thread "
                                    "may close the object while the call runs")


def reasons(top, file, findings):
    """name -> line number, of a list of functions that are not bound."""
    found = {}
    for number, line in enumerate((top / file).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(recsys_\w+)  (\S.{9,})", line)
        if not match:
            findings.append(f"{file}:{number}: not `recsys_name  why`, with a reason: {line}")
        elif match.group(1) in found:
            findings.append(f"{file}:{number}: {match.group(1)} is here twice")
        else:
            found[match.group(1)] = number
    return found


def check(top, language, public, findings):
    folder, ending, call, script = BINDINGS[language]
    names, unbound = bound(top, folder, ending, call), f"{folder}/unbound.txt"
    listed = reasons(top, unbound, findings)
    for name in sorted(public - names - set(listed)):
        findings.append(f"{folder}: {name} is not bound; bind it, or say why not in {unbound}")
    for name, number in listed.items():
        if name in names or name not in public:
            findings.append(f"{unbound}:{number}: {name} is "
                            f"{'bound' if name in names else 'in no map'}; remove the line")
    if script and subprocess.run([sys.executable, top / script, "--check"], check=False).returncode:
        findings.append(f"{folder}: written files are not up to date")


def main():
    top = project.root()
    findings, public = [], set(check_symbols.mapped(top))
    for language in BINDINGS:
        check(top, language, public, findings)
    bare_addresses(top, findings)
    project.finish("check_bindings", findings)


main()
