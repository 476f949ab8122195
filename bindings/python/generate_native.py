#!/usr/bin/env python3
"""Write recsys/_native/abi.py, the library's ABI as ctypes wants it, from the public headers.

    python3 bindings/python/generate_native.py           # writes the file
    python3 bindings/python/generate_native.py --check   # fails if the file is not what it would be

The headers are the only source: constants, structs, callbacks and functions are never typed by
hand. tests/lint/check_bindings.py runs the check, and the binding's tests compare sizes and offsets
with those that the C compiler says (tests/abi/layout.expected).
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
OUT = HERE / "recsys" / "_native" / "abi.py"
sys.path[:0] = [str(TOP / "tests" / "contracts"), str(TOP / "tests" / "lint")]
sys.dont_write_bytecode = True
import project  # noqa: E402
import prototypes  # noqa: E402

SCALARS = {"uint8_t": "c_uint8", "uint32_t": "c_uint32", "int32_t": "c_int32",
           "uint64_t": "c_uint64", "int64_t": "c_int64", "size_t": "c_size_t", "float": "c_float",
           "double": "c_double", "char": "c_char", "recsys_status": "c_int32"}
CHECKED = {"c.c_uint32": "U32", "c.c_uint64": "U64", "c.c_char_p": "Text"}  # as parameters
# Bytes of Python become a pointer by themselves, if the field is declared as text.
AS_TEXT = {("recsys_bytes", "data")}
STRUCT = re.compile(r"typedef\s+struct\s+(recsys_\w+)\s*\{(.*?)\}\s*(recsys_\w+)\s*;", re.S)
ENUM = re.compile(r"\benum\s*\{(.*?)\}\s*;", re.S)
CALLBACK = re.compile(r"typedef\s+([\w\s*]+?)\(\s*\*\s*(recsys_\w+)\s*\)\s*\(([^;]*)\)\s*;", re.S)
DEFINE = re.compile(r"^#define[ \t]+(RECSYS_\w+)[ \t]+(\S.*)$", re.M)
NUMBER = re.compile(r"[0-9a-fx()<|+\- ]+")
WIDEST = {"UINT64_MAX": str(2**64 - 1), "UINT32_MAX": str(2**32 - 1)}
HEAD = '''"""The ABI of librecsys: constants, structs, callbacks and functions.

Written by generate_native.py from include/recsys; do not edit. Every pointer is a c_void_p, which
takes addresses, byref() and arrays. checked.py says which numbers and texts are refused.
"""
# fmt: off
from __future__ import annotations

import ctypes as c
from typing import Any

from .checked import U32, U64, Checked, Text
'''


def number(text):
    """The value of a constant expression; None if it is not one."""
    for name, value in WIDEST.items():
        text = text.replace(name, value)
    text = re.sub(r"\b(0x[0-9a-f]+|\d+)(?:u|U|l|L)+\b", r"\1", text.strip())
    return eval(text) if NUMBER.fullmatch(text) else None  # noqa: S307: digits and operators only


class Headers:
    """All public headers, read once, in the order in which they include each other."""

    def __init__(self):
        self.texts = self._in_order({
            file: project.without_comments((TOP / file).read_text(encoding="utf-8"))
            for file in project.c_files(TOP, "include/recsys")})
        self.plain = {file: re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", "", text, flags=re.M)
                      for file, text in self.texts.items()}
        self.callbacks = {name: (result.strip(), parameters) for text in self.plain.values()
                          for result, name, parameters in CALLBACK.findall(text)}
        self.sized = {name for text in self.plain.values()
                      for name in prototypes.SIZED.findall(text)}
        self.structs = {name: body for text in self.plain.values()
                        for name, body, _ in STRUCT.findall(text)}

    @staticmethod
    def _in_order(texts):
        ordered = {}

        def visit(file):
            if file in ordered:
                return
            for included in re.findall(r'^#include "(\w+\.h)"', texts[file], re.M):
                visit(f"include/recsys/{included}")
            ordered[file] = texts[file]

        for file in sorted(texts):
            visit(file)
        return ordered

    def constants(self):
        found = {}
        for text in self.texts.values():
            for body in ENUM.findall(text):
                pairs = re.findall(r"\b(RECSYS_\w+)\s*=\s*([^,}]+)", body)
                found.update((name, number(value)) for name, value in pairs)
            for name, value in DEFINE.findall(text):
                found[name] = number(value)
        found["RECSYS_VERSION_NUMBER"] = (found["RECSYS_VERSION_MAJOR"] << 16 |
                                          found["RECSYS_VERSION_MINOR"] << 8 |
                                          found["RECSYS_VERSION_PATCH"])
        return {name: value for name, value in found.items() if value is not None}

    def statuses(self):
        table = self.texts["include/recsys/status.h"]
        return re.findall(r"\bX\((E_\w+|OK),\s*(-?\d+),\s*(\"[^\"]*\")\)", table)

    def type_of(self, text, by_value=True):
        """The ctypes expression of a C type."""
        text = re.sub(r"\s+", " ", text.strip())
        if text in ("const char *", "char *"):
            return "c.c_char_p"
        if text.endswith("*") or text.endswith("]"):
            return "c.c_void_p"
        text = text.removeprefix("const ").strip()
        if text == "void":
            return "None"
        if text in SCALARS:
            return f"c.{SCALARS[text]}"
        if text in self.callbacks or (by_value and text in self.structs):
            return text
        raise SystemExit(f"generate_native.py: unknown type '{text}'")

    def function_type(self, result, parameters):
        parts = [] if parameters.strip() == "void" else prototypes.split(parameters)
        types = [self.type_of(result)] + [self._parameter_type(part) for part in parts]
        # A callback gets addresses; c_char_p would be a copy up to the first NUL.
        return f"c.CFUNCTYPE({', '.join(types)})"

    def _parameter_type(self, text):
        text = re.sub(r"\s+", " ", text.strip())
        if re.search(r"\(\s*\*", text):
            return "c.c_void_p"
        kind = self.type_of(re.fullmatch(r"(.*?[\s*])(\w+)", text).group(1))
        return "c.c_void_p" if kind == "c.c_char_p" else kind

    def fields(self, struct):
        for line in self.structs[struct].split(";"):
            line = re.sub(r"\s+", " ", line.strip())
            if not line:
                continue
            callback = re.fullmatch(r"(.*?)\(\s*\*\s*(\w+)\s*\)\s*\((.*)\)", line)
            if callback:
                yield callback.group(2), self.function_type(callback.group(1), callback.group(3))
                continue
            base, first = re.fullmatch(r"((?:const )?\w+)(.*)", line).groups()
            for declarator in first.split(","):
                stars, name, size = re.fullmatch(r"((?:\s|\*|const)*)(\w+)((?:\[\d+\])?)",
                                                 declarator.strip()).groups()
                kind = self.type_of(f"{base} {stars}".strip())
                if (struct, name) in AS_TEXT:
                    kind = "c.c_char_p"
                yield name, f"{kind} * {size[1:-1]}" if size else kind


def write():
    headers = Headers()
    out = [HEAD]
    out += [f"{name} = {value}" for name, value in headers.constants().items()]
    statuses = headers.statuses()
    out += [f"RECSYS_{name} = {value}" for name, value, _ in statuses]
    out += ["", "# number: (name, sentence)", "STATUSES: dict[int, tuple[str, str]] = {"]
    out += [f'    {value}: ("{name}", {text}),' for name, value, text in statuses] + ["}"]
    for file, text in headers.plain.items():
        for name, (result, parameters) in headers.callbacks.items():
            if re.search(rf"\(\s*\*\s*{name}\s*\)", text):
                out.append(f"{name} = {headers.function_type(result, parameters)}")
        for name, _, _ in STRUCT.findall(text):
            base = "Checked" if name in headers.sized else "c.Structure"
            out += ["", "", f"class {name}({base}):", "    _fields_ = ["]
            out += [f'        ("{field}", {kind}),' for field, kind in headers.fields(name)] + ["    ]"]
        out.append("")
    out += ["# function: (library, result, parameters)",
            "FUNCTIONS: dict[str, tuple[str, Any, list[Any]]] = {"]
    for function in prototypes.read(TOP):
        types = ", ".join(CHECKED.get(kind, kind) for kind in (
            headers.type_of(p.type) if "(*)" not in p.type else "c.c_void_p"
            for p in function.parameters))
        out.append(f'    "{function.name}": ("{prototypes.library(function)}", '
                   f'{headers.type_of(function.result)}, [{types}]),')
    out += ["}", ""]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(out))


def main():
    text = write()
    if "--check" in sys.argv[1:]:
        if not OUT.is_file() or OUT.read_text(encoding="utf-8") != text:
            print(f"{OUT.relative_to(TOP)} does not say what the headers say: run "
                  f"python3 {pathlib.Path(__file__).resolve().relative_to(TOP)}")
            return 1
        return 0
    OUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
