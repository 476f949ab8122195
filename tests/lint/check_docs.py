#!/usr/bin/env python3
"""Fail if a C snippet or a link of a page is broken, or a path in README.md or docs/ leads nowhere,
or no page links to a page of docs/.

Usage: check_docs.py [ROOT] [BUNDLE] [--library DIR]

Every ```c block is compiled with -Wall -Wextra -Werror (RECSYS_WERROR=OFF: without -Werror)
against the public headers:
  - with main() in it, as a program; if the library is there it is linked, and if a bundle is
    there too it is run in an empty directory with the bundle's path as argument. A snippet that
    opens a bundle under another name finds it under that name (see NAMES);
  - else as a file (declarations and functions), or failing that as the body of a function that
    has the usual objects as arguments (see OBJECTS).
A file or folder between backticks, such as `lib/score/canonical.c`, `daemon/*.c`, must be there.
A block that is a declaration quoted from a public header says so: ```c header.
Shell blocks are not run. RECSYS_EXAMPLE_BUNDLE goes before the bundle given as argument; the
library's directory may come from RECSYS_BUILD_DIR (its lib/ is used).
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import project
import prose

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
# Of the project's own folders; with a line number or not. A text with other characters is no path.
PATH = re.compile(r"`(?:\./)?((?:daemon|examples|include|lib|sql|tests)/[\w./*{},-]*)(?::\d+)?`")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra"]
if os.environ.get("RECSYS_WERROR") != "OFF":  # as tests/run.sh says for newer compilers
    FLAGS.append("-Werror")
INCLUDES = "".join(f"#include <{h}.h>\n" for h in
                   ("inttypes", "stddef", "stdint", "stdio", "stdlib", "string", "recsys/recsys"))
OBJECTS = """recsys_model *model, recsys_recommender *recommender, recsys_scorer *scorer,
    recsys_slot *slot, recsys_registry *registry, recsys_deployment *deployment,
    recsys_builder *builder, recsys_filter *filter, recsys_cache *cache, recsys_stats *stats,
    recsys_store *store, recsys_source *source, recsys_aside *aside, recsys_domains *domains,
    recsys_denylist *denylist, recsys_limiter *limiter,
    const char *path, recsys_status status, recsys_error err"""
NAMES = re.compile(r'recsys_model_load\(\s*"([^"/]+(?:/[^"/]+)*)"')
SECONDS = 60


def pages(top):
    return [f for f in project.all_files(top) if f.endswith(".md") and not f.startswith(prose.KEPT)]


def tells_of_today(page):
    """Other pages tell of the past, too: they may name files that are gone."""
    return page == "README.md" or page.startswith("docs/")


def anchors(text):
    """Heading anchors as GitHub makes them."""
    found, inside = {}, False
    for line in text.splitlines():
        if prose.FENCE.match(line):
            inside = not inside
        match = None if inside else HEADING.match(line)
        if match:
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
            slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            count = found.get(slug, 0)
            found[slug] = count + 1
            if count:
                found[f"{slug}-{count}"] = 1
    return set(found)


def check_paths(top, where, line, findings):
    for path in PATH.findall(line):
        braces = re.match(r"(.*)\{(.*)\}(.*)$", path)  # lib/{aside,store}/x.c
        names = [path] if not braces else \
            [braces[1] + middle + braces[3] for middle in braces[2].split(",")]
        findings += [f"{where}: `{name}` does not exist" for name in names
                     if not any(top.glob(name.rstrip("/")))]


def check_links(top, page, text, linked, findings):
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if prose.FENCE.match(line):
            inside = not inside
        if inside:
            continue
        if tells_of_today(page):
            check_paths(top, f"{page}:{number}", line, findings)
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = urllib.parse.unquote(target).partition("#")
            file = (top / page).parent / name if name else top / page
            linked.add(file.resolve())
            if not file.exists():
                findings.append(f"{page}:{number}: link to {target}, which does not exist")
            elif anchor and file.suffix == ".md" and \
                    anchor not in anchors(file.read_text(encoding="utf-8")):
                findings.append(f"{page}:{number}: {target}: no such heading there")


def compile_c(top, source, folder, *more):
    compiler = os.environ.get("CC", "cc").split()
    return subprocess.run(compiler + FLAGS + [f"-I{top / 'include'}", str(source), *more],
                          cwd=folder, capture_output=True, text=True)


def first_error(output, source):
    for line in output.splitlines():
        if "error" in line:
            return line.replace(str(source) + ":", "")[:300]
    return output.strip()[:300]


def check_fragment(top, page, line, code, folder, findings):
    source = folder / "snippet.c"
    where = f'#line {line} "{page}"\n'
    source.write_text(INCLUDES + where + code)
    as_file = compile_c(top, source, folder, "-c", "-o", os.devnull, "-Wno-unused-function",
                        "-Wno-unused-variable")
    if as_file.returncode == 0:
        return
    source.write_text(f"{INCLUDES}void snippet({OBJECTS});\nvoid snippet({OBJECTS})\n{{\n{where}"
                      f"{code}}}\n")
    as_body = compile_c(top, source, folder, "-c", "-o", os.devnull, "-Wno-unused-parameter",
                        "-Wno-unused-variable", "-Wno-unused-but-set-variable",
                        "-Wno-unused-but-set-parameter")
    if as_body.returncode != 0:
        findings.append(f"{page}:{line}: snippet does not compile: "
                        f"{first_error(as_body.stderr, source)}")


def check_program(top, page, line, code, folder, bundle, library, findings):
    source, program = folder / "snippet.c", folder / "snippet"
    source.write_text(f'#line {line} "{page}"\n' + code)
    if library is None:
        link = ["-c", "-o", os.devnull]
    else:
        link = [f"-L{library}", "-lrecsys", f"-Wl,-rpath,{library}", "-lpthread", "-lm", "-o",
                str(program)]
    result = compile_c(top, source, folder, *link)
    if result.returncode != 0:
        findings.append(f"{page}:{line}: program does not compile: "
                        f"{first_error(result.stderr, source)}")
        return "broken"
    if library is None or bundle is None:
        return "compiled"
    room = folder / "room"
    room.mkdir()
    for name in NAMES.findall(code):
        (room / name).parent.mkdir(parents=True, exist_ok=True)
        (room / name).symlink_to(bundle)
    try:
        result = subprocess.run([str(program), str(bundle)], cwd=room, capture_output=True,
                                text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        findings.append(f"{page}:{line}: program still runs after {SECONDS} s")
        return "broken"
    if result.returncode != 0:
        findings.append(f"{page}:{line}: program ended with {result.returncode}: "
                        f"{(result.stderr or result.stdout).strip()[:300]}")
        return "broken"
    return "ran"


def check_quote(top, page, line, code, findings):
    """A declaration that a page quotes must stand in a header, word for word."""
    headers = " ".join(project.without_comments((top / f).read_text(encoding="utf-8"))
                       for f in project.c_files(top, "include/recsys"))
    squeeze = lambda text: re.sub(r"\s*([(),;*{}])\s*", r"\1", " ".join(text.split()))
    if squeeze(project.without_comments(code)) not in squeeze(headers):
        findings.append(f"{page}:{line}: quotes a declaration that no public header has")


def arguments(top):
    bundle, library = os.environ.get("RECSYS_EXAMPLE_BUNDLE"), None
    if os.environ.get("RECSYS_BUILD_DIR"):
        library = os.path.join(os.environ["RECSYS_BUILD_DIR"], "lib")
    given = iter(sys.argv[1:])
    for argument in given:
        if argument == "--library":
            library = next(given, None)
        elif pathlib.Path(argument).resolve() != top:
            bundle = bundle or argument
    if bundle and not os.path.exists(bundle):
        sys.exit(f"check_docs: there is no bundle {bundle}")
    if library and not list(pathlib.Path(library).glob("librecsys.*")):
        library = None
    return bundle and pathlib.Path(bundle).resolve(), library and pathlib.Path(library).resolve()


def main():
    top = project.root()
    bundle, library = arguments(top)
    findings, counts, linked = [], {}, set()
    for page in pages(top):
        text = (top / page).read_text(encoding="utf-8")
        check_links(top, page, text, linked, findings)
        for line, info, code in prose.fenced(text):
            if info == "c header":
                check_quote(top, page, line, code, findings)
                continue
            if info.split(" ")[0].lower() != "c":
                continue
            folder = pathlib.Path(tempfile.mkdtemp(prefix="recsys-docs-"))
            try:
                if re.search(r"\bmain\s*\(", code):
                    what = check_program(top, page, line, code, folder, bundle, library, findings)
                else:
                    check_fragment(top, page, line, code, folder, findings)
                    what = "compiled"
                counts[what] = counts.get(what, 0) + 1
            finally:
                shutil.rmtree(folder)
    findings += [f"{page}: no other page links to it" for page in pages(top)
                 if re.match(r"docs/[^/]+$", page) and (top / page).resolve() not in linked]
    print("snippets: " + (", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "none"))
    project.finish("check_docs", findings)


main()
