#!/usr/bin/env python3
"""Copy the public headers as a later release might have them: with every sized struct grown.

Usage: grow_headers.py INCLUDE OUT. INCLUDE/recsys is copied to OUT/recsys, and each struct that begins with
struct_size gets new fields at its end, behind the mark "end of version". grown_program.c, compiled
with these headers and run with the library that is not, is a newer program on an older library;
the other way round it is an older program on a newer library. So do the structs in LAID_OUT, which
have no size of their own because only the library makes arrays of them.
"""
import pathlib
import re
import sys

NEW = """    /* -- end of a later version -- */
    uint64_t grown_number;
    const void *grown_pointer;
    char grown_text[40];
"""
SIZED = re.compile(r"typedef\s+struct\s+(recsys_\w+)\s*\{\s*uint32_t\s+struct_size\b(.*?)^\}\s*\1\s*;",
                   re.S | re.M)
LAID_OUT = re.compile(r"typedef\s+struct\s+(recsys_recommendation)\s*\{(.*?)^\}\s*\1\s*;", re.S | re.M)
MARK = re.compile(r"/\* -- end of version \d+.* --[^*]*\*/")


def grow(text, where):
    names = []

    def one(match):
        if not MARK.search(match.group(2)):
            sys.exit(f"{where}: {match.group(1)} has no mark \"-- end of version 1 --\" before its end")
        names.append(match.group(1))
        whole = match.group(0)
        end = whole.rindex("}")
        return whole[:end] + NEW + whole[end:]

    text = SIZED.sub(one, text)
    text = LAID_OUT.sub(lambda m: m.group(0).replace("} " + m.group(1), NEW + "} " + m.group(1)), text)
    for name in names:
        text, n = re.subn(rf"(#define {name.upper()}_INIT\b(?:[^\n]*\\\n)*[^\n]*)\}}",
                          r'\1, 0u, NULL, ""}', text)
        if n != 1:
            sys.exit(f"{where}: {name} has no _INIT macro")
    return text, names


def main():
    source, target = (pathlib.Path(a) for a in sys.argv[1:3])
    names = []
    (target / "recsys").mkdir(parents=True, exist_ok=True)
    for header in sorted((source / "recsys").glob("*.h")):
        text, grown = grow(header.read_text(encoding="utf-8"), header)
        names += grown
        out = target / "recsys" / header.name
        if not out.exists() or out.read_text(encoding="utf-8") != text:
            out.write_text(text, encoding="utf-8")
    if "recsys_model_options" not in names:
        sys.exit("grow_headers.py: no sized struct found; has the way they are written changed?")
    print(f"{len(names)} structs grown")


main()
