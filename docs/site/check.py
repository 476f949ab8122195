#!/usr/bin/env python3
"""check.py SITE - every link of the built site leads somewhere, and no page asks another host.

Looks at what build.py has made: links and anchors between pages, scripts, styles and pictures; menus
and pages that another program wrote too. Links to other hosts are allowed only where a reader must
click. Says how much the first page weighs. Ends with "N passed, N failed".
"""
import html.parser
import pathlib
import re
import sys
import urllib.parse

ASKED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}
NOT_ASKED = {"canonical", "alternate", "prev", "next"}  # links of the head that a browser does not follow


class Page(html.parser.HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.ids, self.links, self.asked = set(), set(), set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])
        for name in ("src", "href"):
            if (tag, name) in ASKED and found.get(name) and found.get("rel") not in NOT_ASKED:
                self.asked.add(found[name])


def is_elsewhere(target):
    return re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", target) is not None


def check_page(site, name, pages, findings):
    for target in sorted(pages[name].links | pages[name].asked):
        if is_elsewhere(target):
            if target in pages[name].asked:
                findings.append(f"{name}: asks another host: {target}")
            continue
        if re.match(r"(?:mailto|data|javascript):", target) or target in ("", ".", "#"):
            continue
        path, _, anchor = urllib.parse.unquote(target).partition("#")
        there = (site / name).parent / path.partition("?")[0] if path else site / name
        there = there.resolve()
        if there.is_dir():
            there = there / "index.html"
        if not there.is_file():
            findings.append(f"{name}: nothing is at {target}")
        elif anchor and there.suffix == ".html" and not anchor.startswith("__") and \
                anchor not in pages[there.relative_to(site).as_posix()].ids:
            findings.append(f"{name}: {target}: no such anchor there")


def weight(site):
    page = site / "index.html"
    files = [page.parent / target.partition("?")[0] for target in Page(page).asked if not is_elsewhere(target)]
    return page.stat().st_size + sum(file.stat().st_size for file in files if file.is_file())


def main():
    site, findings = pathlib.Path(sys.argv[1]).resolve(), []
    pages = {file.relative_to(site).as_posix(): Page(file) for file in sorted(site.rglob("*.html"))}
    for name in pages:
        if name != "404.html":  # its links begin at the root of a server
            check_page(site, name, pages, findings)
    for file in site.rglob("*.css"):
        findings += [f"{file.relative_to(site)}: asks another host: {found}" for found in
                     re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", file.read_text(encoding="utf-8"))]
    for needed in ("index.html", "docs/caching.html", "api/recommend.html", "man/recsysd.8.html", "search/search_index.json"):
        if not (site / needed).is_file():
            findings.append(f"{needed} is not there")
    print("\n".join(findings))
    broken = len({finding.split(":")[0] for finding in findings})
    print(f"{len(pages)} pages; the first one with its scripts, styles and pictures: {weight(site) // 1024} KiB")
    print(f"{max(0, len(pages) - broken)} passed, {len(findings)} failed")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
