#!/usr/bin/env python3
"""Fail if a C file does not begin with a comment that says what it is, or is long without saying why.

The comment begins with the file's name ("lib/base/text.h - ..."; in include/ as it is included,
in examples/ the last part is enough). Under tests/ it may also be a sentence about what is tested.
"""
import re

import project

MAX_LINES = 800
REASON = re.compile(r"\b(long|one thing|one file|together|lines)\b[^.]{0,40}\bbecause\b", re.I)


def head_comment(text):
    match = re.match(r"\s*/\*(.*?)\*/", text, re.S)
    return None if match is None else " ".join(match.group(1).replace("*", " ").split())


def accepted_names(file):
    """How the comment may call the file."""
    if file.startswith("include/"):
        return [file[len("include/"):]]
    if file.startswith(("lib/", "daemon/")):
        return [file]
    parts = file.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


def check_head(file, head):
    if head is None:
        return "does not begin with a comment saying what it is for"
    if any(head.startswith((name + " - ", name + ": ")) for name in accepted_names(file)):
        return None
    if file.startswith("tests/") and len(head) >= 40:
        return None
    return f'the head comment does not begin with "{accepted_names(file)[0]} - "'


def main():
    top = project.root()
    findings = []
    for file in project.c_files(top):
        text = (top / file).read_text(encoding="utf-8")
        head = head_comment(text)
        wrong = check_head(file, head)
        if wrong:
            findings.append(f"{file}:1: {wrong}")
        lines = text.count("\n")
        if lines > MAX_LINES and (head is None or not REASON.search(head)):
            findings.append(f"{file}:{lines}: {lines} lines, over {MAX_LINES}: the head comment "
                            'must say why ("... is one file because ...")')
    project.finish("check_size", findings)


main()
