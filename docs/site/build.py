#!/usr/bin/env python3
"""build.py BUILD OUT - the pages of the project as a static site, with search.

BUILD is a build folder with the target `docs` made: the API reference and the manual pages. The site
has README.md as its first page, all of docs/, the other pages that one of these links to, and a page
for each source file that is linked. Its menu is the list "Read next" of README.md. Needs the packages
of requirements.txt beside this file; fails if a link inside it leads nowhere.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import yaml

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
LINK = re.compile(r"(?<!\\)\]\(\s*<?([^)\s>]+)>?\s*\)")
FENCED = re.compile(r"^(```+).*?^\1\s*$", re.M | re.S)
SOURCES = {".c": "c", ".h": "c", ".py": "python", ".sh": "sh", ".go": "go", ".sql": "sql", ".yaml": "yaml",
           ".yml": "yaml", ".json": "json", ".txt": "text", ".cmake": "cmake"}
PAGES = (".md", ".html", ".png", ".svg")


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.done = {}  # file of the project -> its name in the site

    def name_of(self, path):
        """Where a file of the project is in the site; it is put there when it is first asked for."""
        path = path.resolve()
        if path.is_dir():
            path = path / "README.md" if (path / "README.md").is_file() else path
        if path not in self.done:
            name = path.relative_to(TOP).as_posix()
            if name.startswith("include/recsys/"):
                self.done[path] = f"api/{path.stem}.md"
                return self.done[path]
            name = "index.md" if name == "README.md" else name
            self.done[path] = name if path.suffix in PAGES else name + ".md"
            self.put(path, self.folder / self.done[path])
        return self.done[path]

    def put(self, path, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(self.page(path))
        elif path.is_dir():
            files = sorted(one.name for one in path.iterdir() if one.is_file())
            target.write_text(unsearched(path.name + "/", "\n".join(f"* `{name}`" for name in files)))
        elif path.suffix in PAGES:
            shutil.copy(path, target)
        else:
            text = path.read_text(encoding="utf-8")
            target.write_text(unsearched(path.name, f"````{SOURCES.get(path.suffix, 'text')}\n{text}\n````"))

    def page(self, path):
        """A page with its links as they are in the site; code stays as it is."""
        text, at, out = path.read_text(encoding="utf-8"), 0, []
        for block in FENCED.finditer(text):
            out += [self.with_links(text[at:block.start()], path), block[0]]
            at = block.end()
        return "".join(out) + self.with_links(text[at:], path)

    def with_links(self, text, path):
        def moved(match):
            target = match[1]
            name, _, anchor = urllib.parse.unquote(target).partition("#")
            if not name or re.match(r"[a-z][a-z0-9+.-]*:", target):
                return match[0]
            there = self.name_of(path.parent / name)
            here = pathlib.PurePosixPath(self.name_of(path)).parent
            up = pathlib.PurePosixPath(*[".."] * len(here.parts)) / there
            return f"]({up}{'#' + anchor if anchor else ''})"

        return LINK.sub(moved, text)

    def put_html(self, source, target, title):
        """A page that another program has made: its body, in the frame of the site."""
        text = source.read_text(encoding="utf-8")
        body = re.search(r"<body[^>]*>(.*)</body>", text, re.S)[1]
        body = re.sub(r'<p><a href="index.html">[^<]*</a></p>|<h1>[^<]*</h1>', "", body)
        body = re.sub(r"<pre>(.*?)</pre>", r"<pre><code>\1</code></pre>", body, flags=re.S)
        body = body.replace('<pre class="text">', '<pre style="white-space: pre-wrap">')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"# {title}\n\n<div>\n{body}\n</div>\n")


def unsearched(title, text):
    return f"---\nsearch: {{exclude: true}}\n---\n# {title}\n\n{text}\n"


def menu(site):
    """[(question, [(title, page)])] of README.md's list "Read next"."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    text = text[text.index("## Read next"):]
    text = text[:text.find("\n## ", 5)] if "\n## " in text[5:] else text
    found = []
    for line in text.splitlines():
        question = re.match(r"\*\*(.+)\*\*$", line)
        if question:
            found.append({question[1]: []})
        for title, target in re.findall(r"\[([^\]]+)\]\(([^)#]+)\)", line) if line.startswith("* [") else ():
            found[-1][next(iter(found[-1]))].append({title: site.name_of(TOP / target)})
    return [group for group in found if all(group.values())]


def main():
    build, out = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    work = out.parent / (out.name + "-source")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    site = Site(work)
    for page in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]:
        site.name_of(page)
    for page in sorted((build / "docs/api").glob("*.html")):
        title = "API reference" if page.stem == "index" else f"{page.stem}.h"
        site.put_html(page, work / "api" / (page.stem + ".md"), title)
    manuals = sorted((build / "docs").glob("*.[1-8].html"))
    for page in manuals:
        program, section = page.name.split(".")[:2]
        site.put_html(page, work / "man" / f"{program}.{section}.md", f"{program}({section})")
    settings = yaml.unsafe_load((HERE / "mkdocs.yml").read_text())
    reference = [{"API reference": "api/index.md"},
                 *({f"{page.name[:-7]}({page.name[-6]})": f"man/{page.stem}.md"} for page in manuals)]
    settings |= {"docs_dir": str(work), "site_dir": str(out),
                 "nav": [{"librecsys": "index.md"}, *menu(site), {"Reference": reference}]}
    (out.parent / "mkdocs.yml").write_text(yaml.dump(settings))
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(out.parent / "mkdocs.yml")],
                          capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    print("\n".join(line for line in done.stderr.splitlines() if not line.startswith(("INFO", "  - "))))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
