#!/usr/bin/env python3
"""Fail if the table of settings in docs/daemon.md is not the one of recsysd --help-markdown.

Usage: check_settings.py [ROOT] [RECSYSD] [--update]

Names, values, defaults and texts have one source, daemon/config/config_table.h; --update writes the
program's table into the page. Without a program (a build without the daemon) nothing is checked.
"""
import difflib
import os
import subprocess
import sys

import project

PAGE = "docs/daemon.md"
HEAD = "| setting |"


def table_of(lines):
    """(first line, end) of the table that begins with HEAD."""
    begin = next((n for n, line in enumerate(lines) if line.startswith(HEAD)), None)
    if begin is None:
        project.finish("check_settings", [f'{PAGE}: no table begins with "{HEAD}"'])
    end = begin
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return begin, end


def main():
    top = project.root()
    program = next((a for a in sys.argv[1:] if os.path.isfile(a)), None)
    if program is None:
        print("check_settings: no recsysd, nothing to compare")
        return
    shown = subprocess.run([program, "--help-markdown"], capture_output=True, text=True, check=True)
    wanted = shown.stdout.splitlines()
    lines = (top / PAGE).read_text(encoding="utf-8").split("\n")
    begin, end = table_of(lines)
    if "--update" in sys.argv:
        lines[begin:end] = wanted
        (top / PAGE).write_text("\n".join(lines), encoding="utf-8")
        return
    different = [line for line in difflib.unified_diff(lines[begin:end], wanted, "page", "recsysd",
                                                       lineterm="", n=0)]
    if different:
        different.append(f"{PAGE}: to mend it: python3 tests/lint/check_settings.py . {program} --update")
    project.finish("check_settings", different)


main()
