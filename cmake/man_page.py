#!/usr/bin/env python3
"""man_page.py SECTION OUT PROGRAM SUMMARY VERSION DATE - a manual page of a program's --help.

The help is made from the program's own tables, so the page has no text of its own but headings.
Understood are paragraphs, lists of commands (two spaces, a word, two spaces, text) and options: two
spaces, a dash; behind two more spaces the text, which goes on in lines that are indented further,
or, where the text begins below with six spaces, the values. A program whose help lists commands is
asked for the help of each.
"""
import os
import re
import subprocess
import sys
import textwrap

OPTION = re.compile(r"^  (-\S+(?: [^\s\[]+)*)(?:  +(.*))?$")
COMMAND = re.compile(r"^  ([a-z]+)  +(\S.*)$")


def ask(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.rstrip("\n").split("\n")


def escape(text):
    """Text as roff has it, in lines of at most 78 characters."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    lines = textwrap.wrap(text, 76, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join("\\&" + line if line.startswith(".") else line for line in lines)


def as_it_is(lines):
    return [".nf"] + [escape(line) for line in lines] + [".fi"]


def blocks(lines):
    """The help's paragraphs, each a list of lines."""
    block = []
    for line in lines + [""]:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def options(block):
    """A list of options, each a term and its text."""
    page, text = [], []
    for number, line in enumerate(block):
        match = OPTION.match(line)
        if match:
            below = block[number + 1] if number + 1 < len(block) else ""
            is_below = re.match(r"^ {6}\S", below) is not None
            beside = match.group(2) or ""
            term = match.group(1) + ("  " + beside if is_below and beside else "")
            page += [".TP", ".B " + escape(term).replace("\n", " ")]
            text = [] if is_below else [beside]
        else:
            text.append(line.strip())
        if number + 1 == len(block) or OPTION.match(block[number + 1]):
            page.append(escape(" ".join(text)))
    return page


def paragraph(block):
    """Text, or what is set out in lines of its own."""
    return as_it_is(block) if block[0].startswith("  ") else [escape(" ".join(block))]


def is_options(block):
    return OPTION.match(block[0]) is not None


def command(program, name):
    lines = ask(program, name, "--help")
    page = [".SS " + name] + as_it_is([re.sub(r"^usage: ", "", lines[0])])
    for block in blocks(lines[1:]):
        page += options(block) if is_options(block) else [".PP"] + paragraph(block)
    return page


def sections(program, name):
    """heading -> lines, in the order in which pages have them."""
    found = {heading: [] for heading in ("SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS",
                                         "EXIT STATUS")}
    for number, block in enumerate(blocks(ask(program, "--help"))):
        if number == 0 and block[0].startswith(name + " "):
            continue  # its name, version and summary
        if block[0].startswith(("usage: ", "  " + name)):
            found["SYNOPSIS"] += as_it_is([re.sub(r"^usage: ", "", x).strip() for x in block])
        elif block[0].startswith("Exit status: "):
            found["EXIT STATUS"] += [escape(" ".join(block)[len("Exit status: "):])]
        elif is_options(block):
            found["OPTIONS"] += options(block)
        elif COMMAND.match(block[0]):
            for line in block:
                found["COMMANDS"] += command(program, COMMAND.match(line).group(1))
        else:
            found["DESCRIPTION"] += ([".PP"] if found["DESCRIPTION"] else []) + paragraph(block)
    return found


def main():
    section, out, program, summary, version, date = sys.argv[1:]
    name = os.path.basename(program)
    page = ['.TH %s %s %s "librecsys %s"' % (name.upper(), section, date, version),
            ".SH NAME", "%s \\- %s" % (escape(name), escape(summary))]
    for heading, lines in sections(program, name).items():
        if lines:
            page += [".SH " + heading] + lines
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
