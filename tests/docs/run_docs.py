#!/usr/bin/env python3
"""Executes the shell, Python and JSON of the project's pages, block after block.

Usage: run_docs.py BUILD [PAGE...]    (the Python has the packages of models-requirements.txt)

BUILD, a release build, is installed into a new folder; each page gets a folder of its own there
(scene.py), and its blocks run in it in their order. A shell block passes if it ends with status 0;
a Python block if it raises nothing; JSON is sent to a server, or compared with what one says; a text
that shows what a program prints is compared with it. snippets.py says which blocks other tests
execute. Servers come from tests/support/servers.py. Ends with "N passed, N failed".
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback

import requests_of_pages
import snippets
from scene import Scene

TOP = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 300


def normal(line):
    """A line with its words; every number is the same, and so is the room between them."""
    return " ".join(re.sub(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?", "#", line).split())


def check_printed(block, printed):
    """Every line of the block is among the printed ones, in this order, but for numbers."""
    found, at = [normal(line) for line in printed.splitlines()], 0
    for line in block.code.splitlines():
        if line.strip() == "..." or not line.strip():
            continue
        assert normal(line) in found[at:], f"the program did not print: {line}\n{printed}"
        at = found.index(normal(line), at) + 1


def run_shell(scene, block):
    code = scene.with_addresses(block.code)
    script = f'. "{TOP}/tests/docs/scene.sh"\n{code}'
    # Its output is a file: a server that the block leaves running would keep a pipe open.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(["bash", "-c", script], cwd=scene.folder, env=scene.environment, stdout=out,
                              stderr=errors, stdin=subprocess.DEVNULL, timeout=SECONDS)
        out.seek(0)
        errors.seek(0)
        printed, said = out.read(), errors.read()
    assert done.returncode == 0, f"status {done.returncode}\n{printed[-2000:]}{said[-2000:]}"
    return printed


def run_python(scene, block):
    given = block.row_of(snippets.GIVEN)
    code = (given[2] if given else "") + block.code
    done = subprocess.run([sys.executable, "-c", code], cwd=scene.folder, env=scene.environment,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_block(scene, block, printed):
    """Returns what the block has printed; for one that is compared, what came before it."""
    if block.row_of(snippets.PRINTED):
        check_printed(block, printed)
        return printed
    parsed = block.row_of(snippets.PARSED)
    if parsed:
        getattr(requests_of_pages, parsed[2])(scene, json.loads(block.code), printed)
        return printed
    return (run_shell if block.language == "sh" else run_python)(scene, block)


def run_page(page, blocks, build, passed, failed):
    with Scene(TOP, build) as scene:
        scene.keep_programs(snippets.blocks_of(TOP, page))
        printed = ""
        for block in blocks:
            try:
                printed = run_block(scene, block, printed)
                passed.append(block)
            except Exception:  # noqa: BLE001 - whatever goes wrong in a block is that block's
                failed.append(block)
                print(f"FAILED {block}\n{block.code}{traceback.format_exc(limit=-2)}")


def main():
    build, wanted = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    if "RECSYS_TEST_POSTGRES" not in os.environ:
        servers = [sys.executable, str(TOP / "tests/support/servers.py"), "run", str(build / "tests/docs-servers"), "--"]
        os.execv(sys.executable, [*servers, sys.executable, *sys.argv])
    passed, failed = [], []
    for page in wanted or snippets.pages(TOP):
        blocks = [block for block in snippets.blocks_of(TOP, page)
                  if snippets.how(block)[0] == "here" or block.row_of(snippets.PRINTED)]
        if blocks:
            run_page(page, blocks, build, passed, failed)
    lines = sum(block.lines for block in passed if block.language not in snippets.PICTURES)
    print(f"{lines} lines of {len({block.page for block in passed})} pages were executed")
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
