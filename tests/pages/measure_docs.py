#!/usr/bin/env python3
"""Measures /docs: bytes, and Chromium's processor time until the routes are shown.

    measure_docs.py RECSYSD...

For each program the page is loaded five times, in turn, each time by a new browser. Prints medians;
decides nothing. Needs the packages of requirements.txt.
"""
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))

from playwright.sync_api import sync_playwright  # noqa: E402

import conftest  # noqa: E402
import make_bundle  # noqa: E402
from client import Daemon  # noqa: E402

LOADS = 5


def cpu_ms(session):
    """Of the browser's processes."""
    return 1000 * sum(process["cpuTime"] for process in session.send("SystemInfo.getProcessInfo")["processInfo"])


def load(playwright, port):
    """(bytes sent, bytes unpacked, processor time in ms, wall time in ms)"""
    browser = playwright.chromium.launch(executable_path=conftest.find_chromium(), timeout=120000, args=[
        "--no-sandbox", "--no-proxy-server", "--disable-dev-shm-usage", "--disable-gpu"])
    page = browser.new_page()
    page.set_default_timeout(120000)
    page.goto("about:blank")
    session = browser.new_browser_cdp_session()
    before, start = cpu_ms(session), time.monotonic()
    page.goto("http://127.0.0.1:%d/docs" % port)
    page.get_by_text("/api/v1/predict").first.wait_for()
    took = (cpu_ms(session) - before, 1000 * (time.monotonic() - start))
    sizes = page.evaluate("""performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
        .reduce(([sent, size], each) => [sent + each.transferSize, size + each.decodedBodySize], [0, 0])""")
    browser.close()
    return (*sizes, *took)


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bundle = os.path.join(folder, "movies")
        make_bundle.make_bundle(bundle)
        loads = {program: [] for program in sys.argv[1:]}
        for i in range(LOADS):
            for n, program in enumerate(loads):
                with Daemon(os.path.abspath(program), os.path.join(folder, "%d-%d" % (i, n)), "--model", bundle) as daemon:
                    loads[program].append(load(playwright, daemon.port))
    for program, rows in loads.items():
        print("%s: %d bytes sent, %d unpacked, %d ms of processor time, %d ms" % (
            program, *(statistics.median(column) for column in zip(*rows))))
        print("  program: %d bytes" % os.path.getsize(program))


if __name__ == "__main__":
    main()
