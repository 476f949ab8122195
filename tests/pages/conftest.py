"""The things that the tests of recsysd's pages share: a headless Chromium, models, daemons, the axe check.

The browser is the distribution's package `chromium` (RECSYS_TEST_CHROMIUM names another one), driven
by Playwright. Nothing waits for a fixed time: Playwright waits until what is expected is there.
"""
import os
import shutil
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))

import make_bundle  # noqa: E402
from client import Daemon  # noqa: E402

TIMEOUT_MS = 60000  # of a test that has failed; a busy machine needs a part of it
# In a container Chromium has no sandbox of its own, and root may not start it with one.
ARGUMENTS = ["--no-sandbox", "--no-proxy-server", "--disable-dev-shm-usage", "--disable-gpu"]
expect.set_options(timeout=TIMEOUT_MS)


def find_chromium():
    names = [os.environ.get("RECSYS_TEST_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = [path for path in map(shutil.which, filter(None, names)) if path]
    assert found, "there is no Chromium; examples/install_dependencies.sh --tests installs it"
    return found[0]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS, timeout=2 * TIMEOUT_MS)
        yield chromium
        chromium.close()


def pytest_terminal_summary(terminalreporter):
    """The line that tests/run.sh reads."""
    n = {key: len(terminalreporter.stats.get(key, [])) for key in ("passed", "failed", "error")}
    terminalreporter.write_line(f"{n['passed']} passed, {n['failed'] + n['error']} failed")


class Lab:
    """Daemons that end with the test, and pages whose every request and every complaint is kept."""

    def __init__(self, browser, folder):
        self.browser, self.folder, self.daemons, self.contexts = browser, str(folder), [], []

    def path(self, name):
        return os.path.join(self.folder, name)

    def bundle(self, folder, **options):
        make_bundle.make_bundle(self.path(folder), **options)
        return self.path(folder)

    def daemon(self, *arguments, **options):
        daemon = Daemon(os.environ["RECSYS_TEST_RECSYSD"], self.path("daemon%d" % len(self.daemons)), *arguments, **options)
        self.daemons.append(daemon)
        return daemon

    def page(self, **options):
        """A page in a profile of its own, whose clock tick() moves; options are those of Playwright's new_context()."""
        context = self.browser.new_context(**options)
        self.contexts.append(context)
        page = context.new_page()
        page.clock.install()
        page.set_default_timeout(TIMEOUT_MS)
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    def open(self, daemon, path, port=None, **options):
        page = self.page(**options)
        page.goto("http://127.0.0.1:%d%s" % (port or daemon.port, path))
        return page

    def close(self):
        for context in self.contexts:
            context.close()
        for daemon in self.daemons:
            daemon.stop()
            daemon.log.close()


@pytest.fixture
def lab(browser, tmp_path):
    lab = Lab(browser, tmp_path)
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def accessible():
    """accessible(page): axe-core finds nothing wrong, its best practices included."""
    axe = Axe()

    def check(page):
        found = axe.run(page).response["violations"]
        assert not found, "\n".join("%s: %s\n  %s" % (rule["id"], rule["help"], "\n  ".join(node["html"][:200] for node in rule["nodes"]))
                                    for rule in found)
    return check


def tick(page):
    """As if the seconds between two looks of a page had passed."""
    page.clock.fast_forward(6000)


def stays_at_home(page, daemon):
    """The page has asked nobody but its daemon."""
    others = [url for url in page.requested if not url.startswith("http://127.0.0.1:%d/" % daemon.port)]
    assert not others and page.requested, others
