#!/usr/bin/env python3
"""Makes docs/console.png: the console of a daemon with the demo ratings, and some requests.

    screenshot.py BIN-FOLDER WORK-FOLDER OUT.png [--dark] [--measure]

BIN-FOLDER has recsysd, recsysctl and recsys-train-als, WORK-FOLDER keeps the trained models. --measure
prints, instead of a picture, what the page weighs and when it can be used. Needs Chromium, the packages
of requirements.txt and, for a small picture, Pillow; Debian's fonts-inter is used if it is there.
"""
import os
import statistics
import sys
import tempfile

from playwright.sync_api import sync_playwright

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from conftest import ARGUMENTS, find_chromium  # noqa: E402
from demo import Demo  # noqa: E402

FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include>/etc/fonts/fonts.conf</include>
<match><test name="family"><string>system-ui</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>
<match><test name="family"><string>sans-serif</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match></fontconfig>"""
N_LOADS = 15


def take(browser, url, out, scheme):
    page = browser.new_page(viewport={"width": 1200, "height": 1280}, color_scheme=scheme, timezone_id="UTC")
    page.goto(url)
    page.get_by_label("User id").fill("7")
    page.get_by_label("Items", exact=True).fill("3")
    page.get_by_label("Favourite genres", exact=True).fill("Sci-Fi, Drama")
    page.get_by_label("Answer of").select_option("films")
    page.get_by_label("Beside").select_option("stars")
    page.get_by_role("button", name="Recommend").click()
    page.locator("#answers .title").nth(5).wait_for()
    page.wait_for_timeout(16000)  # three looks: a line of requests
    page.evaluate("document.activeElement.blur()")
    end = page.locator("#answers").bounding_box()
    page.screenshot(path=out, full_page=True, clip={"x": 0, "y": 0, "width": 1200, "height": end["y"] + end["height"] + 24})
    from PIL import Image
    Image.open(out).convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE).save(out, optimize=True)


def measure(browser, url):
    """Each load in a profile of its own, with an empty cache. Usable: the model's name is shown, the box has its events."""
    usable, interactive, busy, scripts, parts = [], [], [], [], []
    for _ in range(N_LOADS):
        context = browser.new_context()
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(url)
        usable.append(page.evaluate("""() => new Promise((resolve) => {
          const look = () => (document.getElementById("serving-version").textContent ? resolve(performance.now()) : requestAnimationFrame(look));
          look();
        })"""))
        interactive.append(page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive"))
        spent = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
        busy.append(1000 * spent["TaskDuration"])
        scripts.append(1000 * spent["ScriptDuration"])
        parts = page.evaluate("""() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .map(({name, encodedBodySize, decodedBodySize}) => [new URL(name).pathname, encodedBodySize, decodedBodySize])""")
        context.close()
    page_parts = [part for part in parts if part[0].startswith("/console")]
    for name, sent, size in sorted(set(map(tuple, parts))):
        print("%-30s %7d bytes sent, %7d unpacked" % (name, sent, size))
    print("page: %d requests, %d bytes sent, %d unpacked" % (
        len(page_parts), sum(part[1] for part in page_parts), sum(part[2] for part in page_parts)))
    for name, times in (("domInteractive", interactive), ("usable", usable), ("its main thread busy", busy), ("of that, scripts", scripts)):
        print("%s: median %.0f ms, fastest %.0f ms, slowest %.0f ms of %d loads" % (
            name, statistics.median(times), min(times), max(times), len(times)))


def main():
    bin_folder, work, out = sys.argv[1:4]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as fonts:
        fonts.write(FONTS)
        fonts.flush()
        os.environ["FONTCONFIG_FILE"] = fonts.name
        with Demo(bin_folder, work) as demo, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            demo.make_history()
            demo.send_requests(600)
            if "--measure" in sys.argv:
                measure(browser, demo.url)
            else:
                with demo.traffic():
                    take(browser, demo.url, out, "dark" if "--dark" in sys.argv else "light")
            browser.close()


if __name__ == "__main__":
    main()
