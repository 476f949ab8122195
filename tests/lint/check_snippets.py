#!/usr/bin/env python3
"""Fail if a block of code on a page is neither executed by a test nor in a table with a reason.

tests/docs/snippets.py has the tables, and says what executes what. This lint prints how many lines of
code the pages have and how many of them are executed. It fails for a block without a language or in
one that nothing executes, and for a quoted line that the program does not have.
"""
import collections
import pathlib
import sys

import project

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docs"))

import snippets  # noqa: E402

NAMES = {"here": "executed by tests/docs", "elsewhere": "executed by other tests",
         "quoted": "lines of programs that tests execute", "compiled": "compiled",
         "not run": "not executed, with a reason"}


def check_quote(top, block, file, findings):
    lines = [line.strip() for line in (top / file).read_text(encoding="utf-8").splitlines()]
    at = 0
    for line in snippets.quoted_lines(block):
        if line not in lines[at:]:
            findings.append(f"{block}: {file} does not have the line, or not in this order: {line}")
            return
        at = lines.index(line, at) + 1


def main():
    top, findings, lines = project.root(), [], collections.Counter()
    blocks = [block for page in snippets.pages(top) for block in snippets.blocks_of(top, page)]
    for block in blocks:
        kind, text = snippets.how(block)
        lines[kind] += block.lines
        if not kind:
            findings.append(f"{block}: a block in {block.language or 'no language'}: nothing executes it; "
                            "tests/docs/snippets.py has the tables")
        elif kind == "quoted":
            check_quote(top, block, text, findings)
        elif kind == "elsewhere" and ".py" in text and not (top / text.split(": ")[1]).is_file():
            findings.append(f"tests/docs/snippets.py: there is no {text}")
    executed = lines["here"] + lines["elsewhere"] + lines["quoted"]
    total = sum(lines[kind] for kind in NAMES)
    print(f"pages: {len(snippets.pages(top))}; lines of code: {total}; executed by tests: {executed}")
    for kind, name in NAMES.items():
        print(f"  {lines[kind]:4d} {name}")
    project.finish("check_snippets", findings)


main()
