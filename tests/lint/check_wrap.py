#!/usr/bin/env python3
"""Fail if a line of a Markdown page is longer than 100 columns.

Tables, fenced code and headings cannot be wrapped; neither can a line that is one link or one piece
of code, so those may be longer.
"""
import re

import project
import prose

COLUMNS = 100
WORD = re.compile(r"(?:!?\[[^\]]*\]\([^)]*\)|`[^`]*`|[^\s`])+")


def can_be_wrapped(line):
    return not line.startswith(("|", "#")) and len(WORD.findall(line.strip("*- "))) > 1


def main():
    top = project.root()
    findings = []
    for file in project.all_files(top):
        if not file.endswith(".md") or file.startswith(prose.KEPT):
            continue
        inside = False
        for number, line in enumerate((top / file).read_text(encoding="utf-8").split("\n"), 1):
            fence = prose.FENCE.match(line)
            if fence:
                inside = not inside
            elif not inside and len(line) > COLUMNS and can_be_wrapped(line):
                findings.append(f"{file}:{number}: {len(line)} columns, over {COLUMNS}")
    project.finish("check_wrap", findings)


main()
