#!/usr/bin/env python3
"""Fail if files stand in a circle: of includes, or of calls.

A module is NAME.c with NAME.h beside it. A includes B if one of A's files includes B.h. A calls B
if A's object needs a symbol that B's object defines (nm), so a table of functions that B fills
in and A calls through is no circle. Two modules in a circle cannot be read, tested or moved one
without the other; the way out is often a third file that both look down on.

Usage: check_circles.py [ROOT] [OBJECT.o...]. Without objects only includes are looked at.
"""
import pathlib
import re
import subprocess
import sys

import project

ROOTS = ["lib", "daemon"]  # folders whose files may not stand in a circle

# Circles that are still there, each with its reason. The list may only shrink: a circle must be
# named here exactly, and one that was mended or became smaller is a finding until it is changed.
KNOWN = [  # (kind, the modules, why it is not mended yet)
]

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def module_of(file):
    return file.rsplit(".", 1)[0]


def includes(top, files):
    """(module, module) -> the lines that make the first include the second."""
    known, edges = set(files), {}
    for file in files:
        text = project.without_comments((top / file).read_text(encoding="utf-8"))
        for match in INCLUDE.finditer(text):
            beside = f"{pathlib.PurePosixPath(file).parent}/{match.group(1)}"
            target = next((t for t in (beside, match.group(1)) if t in known), None)
            if target is not None and module_of(target) != module_of(file):
                line = text.count("\n", 0, match.start(1)) + 1
                edges.setdefault((module_of(file), module_of(target)), []).append(
                    f"{file}:{line} includes {target}")
    return edges


def source_of(objekt, known):
    """The project's source that cmake made this object from: lib/CMakeFiles/NAME.dir/a/b.c.o is
    lib/a/b.c, and __ in it is a step up. None for other objects (a generated file's)."""
    before, _, name = objekt.partition("/CMakeFiles/")
    parts = before.split("/")
    for part in name.removesuffix(".o").split("/")[1:]:
        parts = parts[:-1] if part == "__" else parts + [part] * (part != ".")
    ways = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((way for way in ways if way in known), None)


def symbols(objects):
    """[(object, needed symbols, defined symbols)], of all objects with one nm."""
    listing = subprocess.run(["nm", "-A", "-g", "-P", *objects], capture_output=True, text=True,
                             check=True).stdout
    needed, defined = {o: set() for o in objects}, {o: set() for o in objects}
    for line in listing.splitlines():
        objekt, _, rest = line.partition(": ")
        name, kind = rest.split()[:2]
        (needed if kind in "Uwv" else defined)[objekt].add(name)
    return [(o, needed[o], defined[o]) for o in objects]


def calls(files, objects):
    """(module, module) -> the symbols by which the first needs the second."""
    known = set(files)
    of_source = {o: source for o in objects if (source := source_of(o, known))}
    listed = symbols(list(of_source)) if of_source else []
    owner = {name: module_of(of_source[o]) for o, _, defined in listed for name in defined}
    edges = {}
    for objekt, needed, _ in listed:
        module = module_of(of_source[objekt])
        for name in sorted(needed):
            if owner.get(name, module) != module:
                edges.setdefault((module, owner[name]), []).append(name)
    return {pair: [f"{pair[0]}.c needs {', '.join(sorted(set(names)))}"]
            for pair, names in edges.items()}


def reachable(start, after):
    seen, todo = set(), [start]
    while todo:
        for module in after.get(todo.pop(), ()):
            if module not in seen:
                seen.add(module)
                todo.append(module)
    return seen


def circles(edges):
    """The sets of modules that all reach one another."""
    after = {}
    for here, there in edges:
        after.setdefault(here, set()).add(there)
    reach = {module: reachable(module, after) for module in after}
    found = {frozenset(other for other in reach[module] if module in reach.get(other, ()))
             for module in reach if module in reach[module]}
    return sorted(found, key=sorted)


def within(module):
    return any(module.startswith(root + "/") for root in ROOTS)


def describe(kind, circle, edges):
    """A circle as one finding of several lines: first its files, then each arrow in it."""
    lines = [f"{min(circle)}:1: a circle of {kind}: {', '.join(sorted(circle))}"]
    for (here, there), reasons in sorted(edges.items()):
        if here in circle and there in circle:
            lines.append(f"    {here} -> {there}")
            lines += [f"        {reason}" for reason in reasons]
    return "\n".join(lines)


def compare(kind, edges):
    """The circles of one kind that KNOWN has not, and the other way round."""
    edges = {pair: why for pair, why in edges.items() if within(pair[0]) and within(pair[1])}
    found = circles(edges)
    known = {frozenset(modules) for of, modules, _ in KNOWN if of == kind}
    findings = [describe(kind, circle, edges) for circle in found if circle not in known]
    for circle in sorted(known - set(found), key=sorted):
        findings.append(f"tests/lint/check_circles.py:1: there is no such circle of {kind} any "
                        f"more, take it out of KNOWN: {', '.join(sorted(circle))}")
    return findings


def main():
    top = project.root()
    files = project.c_files(top, *ROOTS)
    findings = compare("includes", includes(top, files))
    objects = [argument for argument in sys.argv[1:] if argument.endswith(".o")]
    if objects:
        edges = calls(files, objects)
        if not edges:
            sys.exit("no object calls another: a lint that looks at nothing must not pass")
        findings += compare("calls", edges)
    project.finish("check_circles", findings)


main()
