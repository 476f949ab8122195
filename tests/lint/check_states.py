#!/usr/bin/env python3
"""Fail if docs/state-machines.md draws other states than the code has, or a table has others.

The states of a machine are those of its list: #define NAME_STATES(S) S(IDLE) S(LOAD) ... Each
section of the page links the file with that list and has one drawing, whose words in capitals are
the states. Every state must have a row in the file's table: a T(STATE, EVENT, NEXT), or a line of
the head comment that begins with it or ends in it.
"""
import re

import project

PAGE = "docs/state-machines.md"
LIST = re.compile(r"#define \w+_STATES\(S\)((?:\s|\\|S\(\w+\))+)")
ROW = re.compile(r"\bT\(\s*(\w+),\s*(\w+),\s*(\w+)\)")
EVENTS = re.compile(r"#define \w+_EVENTS\(E\)((?:\s|\\|E\(\w+\))+)")
WORD = re.compile(r"\b[A-Z][A-Z_]{2,}\b")


def listed(pattern, text):
    match = pattern.search(text)
    return None if match is None else set(re.findall(r"\((\w+)\)", match.group(1)))


def tabled(text):
    """The states in the table of a file, and its events if they are listed."""
    rows = ROW.findall(text)
    if rows:
        return {name for state, _, following in rows for name in (state, following)}, \
               {event for _, event, _ in rows}
    head = text[:text.index("*/")]
    rows = [line.lstrip(" *").rstrip() for line in head.splitlines() if line.startswith(" *   ")]
    return {word for line in rows for word in WORD.findall(line)}, None


def check_file(file, text):
    states = listed(LIST, text)
    if states is None:
        return set(), [f"{file}:1: has no list NAME_STATES(S) of states"]
    rows, events = tabled(text)
    findings = [f"{file}:1: the state {name} has no row in the table" for name in states - rows]
    if events is not None:
        known = listed(EVENTS, text) or set()
        findings += [f"{file}:1: {name} is listed or in a row, and not both"
                     for name in sorted((events ^ known) | (rows - states))]
    return states, findings


def check_section(top, title, text):
    link = re.search(r"\]\(\.\./(lib/[^)]+)\)", text)
    drawing = re.search(r"```text\n(.*?)```", text, re.S)
    if link is None or drawing is None:
        return [f'{PAGE}:1: "{title}" needs a link to the file with the table, and a drawing']
    file = link.group(1)
    states, findings = check_file(file, (top / file).read_text(encoding="utf-8"))
    drawn = set(WORD.findall(drawing.group(1)))
    findings += [f'{PAGE}:1: "{title}" draws {name}, which is no state in {file}'
                 for name in sorted(drawn - states)]
    findings += [f'{PAGE}:1: "{title}" does not draw {name} of {file}'
                 for name in sorted(states - drawn)]
    return findings


def main():
    top = project.root()
    sections = re.split(r"^## (.*)$", (top / PAGE).read_text(encoding="utf-8"), flags=re.M)[1:]
    findings = [finding for title, text in zip(sections[::2], sections[1::2])
                for finding in check_section(top, title, text)]
    if len(sections) < 10:
        findings.append(f"{PAGE}:1: five machines are expected")
    project.finish("check_states", findings)


main()
