#!/usr/bin/env python3
"""Fail if the library of this build is incompatible with a kept release of the same soname.

Usage: check_abidiff.py ROOT LIBRARY CC. LIBRARY has debug information and is compiled with ROOT/include.

libabigail's abidiff compares the exported functions and all types of the public headers that they
use with tests/abi/headers-*/librecsys.abi.xz. Allowed are new functions and new fields at the end of
structs that begin with struct_size; types that no public header defines are not compared.
Before that it is shown, on a small library that is changed in each of these ways, that the installed
abidiff sees what it must see and allows what it must allow. Without abidiff: skipped (77).
"""
import lzma
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SIZED = re.compile(r"typedef\s+struct\s+(recsys_\w+)\s*\{\s*uint32_t\s+struct_size\b")
LAID_OUT = ["recsys_recommendation"]  # arrays of them are made by the library alone: docs/abi.md
CHANGED = 4 | 8  # of abidiff's exit status: a change, an incompatible change

HEADER = """#include <stdint.h>
typedef struct recsys_x recsys_x;
typedef struct recsys_x_options { uint32_t struct_size; %(middle)s uint32_t a; const char *text; %(end)s } recsys_x_options;
typedef struct recsys_x_answer { uint32_t a, b; %(frozen)s } recsys_x_answer;
typedef int32_t (*recsys_x_callback)(const recsys_x_options *options, void *user_data);
int32_t recsys_x_open(const recsys_x_options *options, recsys_x **out);
int32_t recsys_x_get(recsys_x *x, %(parameter)s id, recsys_x_answer *out);
int32_t recsys_x_walk(recsys_x *x, recsys_x_callback callback);
int32_t recsys_x_%(name)s(void);
%(function)s
"""
SOURCE = """#include "recsys/x.h"
struct recsys_x { int secret; %(private)s };
static struct recsys_x one;
int32_t recsys_x_open(const recsys_x_options *options, recsys_x **out) { *out = &one; return (int32_t)options->a; }
int32_t recsys_x_get(recsys_x *x, %(parameter)s id, recsys_x_answer *out) { out->a = (uint32_t)id; return x->secret; }
int32_t recsys_x_walk(recsys_x *x, recsys_x_callback callback) { return callback(0, x); }
int32_t recsys_x_%(name)s(void) { return 0; }
"""
SAME = {"middle": "", "end": "", "frozen": "", "parameter": "uint64_t", "name": "close",
        "function": "", "private": ""}
CASES = [("nothing", {}, True),
         ("a field at the end of a sized struct", {"end": "uint64_t c; char d[40];"}, True),
         ("a new function", {"function": "int32_t recsys_x_new(void);\n"
                                         "int32_t recsys_x_new(void) { return 0; }"}, True),
         ("a private struct", {"private": "char more[16];"}, True),
         ("a field in the middle of a sized struct", {"middle": "uint64_t c;"}, False),
         ("a frozen struct", {"frozen": "uint32_t c;"}, False),
         ("a parameter's type", {"parameter": "uint32_t"}, False),
         ("a function's name", {"name": "shut"}, False)]


def run(command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True)


def suppressions(names):
    text = "[suppress_type]\n  type_kind = struct\n  source_location_not_regexp = include/recsys/\n"
    for name in names:
        text += f"\n[suppress_type]\n  type_kind = struct\n  name = {name}\n" \
                "  has_data_member_inserted_at = end\n  has_size_change = yes\n"
    return text


def compare(before, after, names, work):
    """(compatible?, what abidiff says)."""
    file = work / "suppressions.ini"
    file.write_text(suppressions(names))
    result = run(["abidiff", "--no-added-syms", "--suppressions", file, before, after])
    if result.returncode & 3:
        sys.exit(f"abidiff failed: {result.stdout}{result.stderr}")
    return result.returncode & CHANGED == 0, result.stdout


def describe(library, out):
    """The part of a release that is kept: exported functions and their types, without paths of a machine."""
    result = run(["abidw", "--no-comp-dir-path", "--no-corpus-path", "--exported-interfaces-only",
                  "--no-elf-needed", "--no-parameter-names", library])
    if result.returncode != 0:
        sys.exit(f"abidw failed: {result.stderr}")
    out.write_text(re.sub(r"(path=')[^']*/((?:include|lib|build)/)", r"\1\2", result.stdout),
                   encoding="utf-8")


def make(change, folder, compiler):
    (folder / "include/recsys").mkdir(parents=True)
    (folder / "lib").mkdir()
    parts = dict(SAME, **change)
    (folder / "include/recsys/x.h").write_text(HEADER % parts)
    (folder / "lib/x.c").write_text(SOURCE % parts)
    library = folder / "libx.so"
    result = run([compiler, "-g", "-O0", "-w", "-fPIC", "-shared", "-Wl,-soname,libx.so.0",
                  f"-I{folder / 'include'}", folder / "lib/x.c", "-o", library])
    if result.returncode != 0:
        sys.exit(result.stderr)
    return library


def check_the_tool(compiler, work):
    before = work / "before.abi"
    describe(make({}, work / "before", compiler), before)
    n_bad = 0
    for i, (what, change, allowed) in enumerate(CASES):
        compatible, said = compare(before, make(change, work / str(i), compiler),
                                   ["recsys_x_options"], work)
        if compatible != allowed:
            print(f"abidiff says that to change {what} is {'' if compatible else 'in'}compatible\n{said}")
            n_bad += 1
    return n_bad


def main():
    if not shutil.which("abidiff") or not shutil.which("abidw"):
        print("abidiff is not installed (Debian: abigail-tools)")
        sys.exit(77)
    root, library = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    soname = re.search(r"\(SONAME\).*\[(.*)\]", run(["readelf", "-dW", library]).stdout).group(1)
    names = LAID_OUT + [n for h in sorted((root / "include/recsys").glob("*.h"))
                        for n in SIZED.findall(h.read_text(encoding="utf-8"))]
    with tempfile.TemporaryDirectory(prefix="recsys-abidiff-") as work:
        work = pathlib.Path(work)
        n_bad = check_the_tool(sys.argv[3], work)
        # The library against itself: it has debug information, and what is kept can be read again.
        describe(library, work / "ours.abi")
        if "recsys_model_info" not in (work / "ours.abi").read_text(encoding="utf-8"):
            sys.exit(f"{library} has no debug information")
        kept = {"this build": (work / "ours.abi", soname)}
        for folder in sorted((root / "tests/abi").glob("headers-*")):
            dump = work / f"{folder.name}.abi"
            dump.write_bytes(lzma.decompress((folder / "librecsys.abi.xz").read_bytes()))
            kept[folder.name] = (dump, (folder / "soname").read_text().strip())
        for name, (dump, its) in kept.items():
            if its != soname:
                print(f"{name} is of {its} and this is {soname}: it may be another one")
            elif name != "this build" and platform.machine() != "x86_64":
                print(f"{name} was kept on x86_64: not compared")
            else:
                compatible, said = compare(dump, library, names, work)
                print(f"{name} is {'' if compatible else 'in'}compatible\n{'' if compatible else said}")
                n_bad += not compatible
    sys.exit(1 if n_bad else 0)


if __name__ == "__main__":
    main()
