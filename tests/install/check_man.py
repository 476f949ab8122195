#!/usr/bin/env python3
"""check_man.py PAGE PROGRAM [PAGE PROGRAM...] - manual pages say what the programs' helps say.

Each page must be one that groff and, where it is installed, mandoc have nothing to say about; and
when it is rendered, each option and command of its program's help must be on it, and each word of
its texts. Ends with "N passed, N failed".
"""
import re
import shutil
import subprocess
import sys


def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def complaints(page):
    found = []
    if shutil.which("groff"):
        found += output("groff", "-man", "-ww", "-z", "-Tutf8", page).splitlines()
    if shutil.which("mandoc"):
        found += output("mandoc", "-Tlint", "-Wwarning", page).splitlines()
    return found


def words_of(program):
    """Everything the help says, of every command too, as a set of words."""
    text = output(program, "--help")
    for line in text.splitlines():
        command = re.match(r"^  ([a-z]+)  +\S", line)
        if command:
            text += output(program, command.group(1), "--help")
    return set(re.sub(r"usage:|Exit status:", "", text).split())


def rendered(page):
    """The page's words; lines are long, so that no word is broken."""
    if shutil.which("mandoc"):
        text = output("mandoc", "-Tascii", "-O", "width=1000", page)
    else:
        text = output("groff", "-man", "-Tascii", "-P-c", "-rLL=1000n", page)
    return set(re.sub(r".\x08|\x1b\[[0-9;]*m", "", text).split())


def main():
    if not shutil.which("mandoc") and not shutil.which("groff"):
        print("neither mandoc nor groff is installed")
        return 77
    if len(sys.argv) < 3:
        sys.exit("usage: check_man.py PAGE PROGRAM [PAGE PROGRAM...]")
    failed = 0
    pairs = list(zip(sys.argv[1::2], sys.argv[2::2]))
    for page, program in pairs:
        wrong = complaints(page)
        # The first line of recsysd's help names the program and its version.
        missing = words_of(program) - rendered(page) - {"-"}
        if missing:
            wrong.append("%s lacks words of the help: %s" % (page, " ".join(sorted(missing))))
        failed += bool(wrong)
        for line in wrong:
            print(line)
    print("%d passed, %d failed" % (len(pairs) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
