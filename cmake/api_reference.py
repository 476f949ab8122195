#!/usr/bin/env python3
"""api_reference.py INCLUDE-FOLDER OUT-FOLDER VERSION - the API reference as pages of HTML.

A page a header, in the order in which recsys.h includes them, and an index of every function,
type, macro and constant. Each declaration stands as it does in the header, under the comment that
is written above it there: the headers are the authority, and nothing is typed here once more.
Names of the API are links.
"""
import html
import os
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
NAME = re.compile(r"\b(?:recsys|RECSYS)_\w+")
STYLE = """body{max-width:60em;margin:2em auto;padding:0 1em;font:16px/1.5 sans-serif;color:#222}
pre{background:#f4f4f0;padding:.6em .8em;overflow-x:auto;font-size:14px;line-height:1.35}
.text{background:none;padding:0;white-space:pre-wrap}
a{color:#0645ad;text-decoration:none}section{margin:2em 0;border-top:1px solid #ddd}
ul.names{columns:3;font-family:monospace;font-size:13px;list-style:none;padding:0}"""


class Item:
    """A declaration, or several without an empty line between them, and the comment above."""

    def __init__(self, comment, code):
        self.comment, self.code = comment, code
        self.names = names_of(code)


def names_of(code):
    """The names that a declaration defines, which readers look up."""
    bare = COMMENT.sub(" ", code)
    found = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(RECSYS_\w+)", bare, flags=re.M)
    plain = re.sub(r"^[ \t]*#.*?(?<!\\)$", "", bare, flags=re.M | re.S)
    found += re.findall(r"\bRECSYS_API\b[^;{]*?\b(recsys_\w+)\s*\(", plain)
    found += re.findall(r"\btypedef\s+(?:struct|union)\s+\w+\s+(recsys_\w+)\s*;", plain)
    found += re.findall(r"^\}\s*(recsys_\w+)\s*;", plain, flags=re.M)
    found += re.findall(r"\btypedef\b[^;{(]*\(\s*\*\s*(recsys_\w+)\s*\)", plain)
    found += re.findall(r"\btypedef\s+\w+\s+(recsys_\w+)\s*;", plain)
    for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", plain, flags=re.S):
        found += re.findall(r"^\s*(RECSYS_\w+)", body, flags=re.M)
        found += re.findall(r",\s*(RECSYS_\w+)", body)
    # A table of statuses: X(NAME, number, text) makes RECSYS_OK and the like.
    found += ["RECSYS_" + name for name in re.findall(r"^\s*X\(([A-Z_]+),\s*-?\d", bare, flags=re.M)]
    return list(dict.fromkeys(found))


def strip_comment(text):
    lines = [re.sub(r"^ ?\*( |$)", "", line) for line in text[2:-2].split("\n")]
    return "\n".join(line.rstrip() for line in lines).strip("\n").strip()


def end_of_code(text, start):
    """Behind the empty line that ends the declarations which begin at `start`."""
    i, depth = start, 0
    while i < len(text):
        if text.startswith("/*", i):
            i = text.index("*/", i) + 2
            continue
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if text.startswith("\n\n", i) and depth == 0:
            return i
        # A comment in the first column begins the next declaration.
        if text.startswith("\n/*", i) and depth == 0:
            return i
        i += 1
    return i


def items_of(text):
    """The header's file comment and its items."""
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", text, flags=re.S)
    text = re.sub(r"^#ifndef (RECSYS_\w+_H)\n#define \1\n", "", text, flags=re.M)
    head = COMMENT.search(text)
    items, comment, i = [], "", head.end()
    while i < len(text):
        if text[i].isspace():
            i += 1
        elif text.startswith("/*", i):
            end = text.index("*/", i) + 2
            comment, i = strip_comment(text[i:end]), end
        else:
            end = end_of_code(text, i)
            code = text[i:end].strip("\n")
            if comment or not items:
                items.append(Item(comment, code))
            else:  # belongs to what stands before it, as an _INIT macro to its struct
                items[-1] = Item(items[-1].comment, items[-1].code + "\n\n" + code)
            comment, i = "", end
    return strip_comment(head.group(0)), [item for item in items if item.names]


def order_of(folder):
    """The headers: recsys.h, those that it includes, and the others by name."""
    with open(os.path.join(folder, "recsys.h"), encoding="utf-8") as file:
        included = re.findall(r'^#include "(\w+\.h)"', file.read(), flags=re.M)
    others = sorted(set(os.listdir(folder)) - set(included) - {"recsys.h"})
    return ["recsys.h"] + included + [name for name in others if name.endswith(".h")]


def linked(text, where, here):
    """Escaped text in which names of the API are links; `here` are the names it makes itself."""
    def link(match):
        name = match.group(0)
        if name not in where or name in here:
            return name
        return '<a href="%s#%s">%s</a>' % (where[name], name, name)
    return NAME.sub(link, html.escape(text, quote=False))


def page(title, body):
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>%s</title>\n'
            "<style>%s</style></head><body>\n%s\n</body></html>\n" % (title, STYLE, body))


def render(header, head, items, where):
    body = ['<p><a href="index.html">librecsys</a></p>', "<h1>recsys/%s</h1>" % header,
            '<pre class="text">%s</pre>' % linked(head, where, ())]
    for item in items:
        anchors = "".join('<a id="%s"></a>' % name for name in item.names)
        body += ["<section>%s" % anchors, "<pre>%s</pre>" % linked(item.code, where, item.names)]
        if item.comment:
            body.append('<pre class="text">%s</pre>' % linked(item.comment, where, item.names))
        body.append("</section>")
    return page("recsys/" + header, "\n".join(body))


def render_index(headers, where, version):
    rows = ["<li><a href=\"%s.html\">%s</a> %s</li>" % (name[:-2], name, html.escape(
        re.sub(r"^\S+ - ", "", " ".join(head.split("\n\n")[0].split())))) for name, head in headers]
    names = ['<li><a href="%s#%s">%s</a></li>' % (where[n], n, n) for n in sorted(where)]
    return page("librecsys " + version, "\n".join(
        ["<h1>librecsys %s</h1>" % version, "<ul>", *rows, "</ul>", '<ul class="names">', *names,
         "</ul>"]))


def main():
    folder, out, version = sys.argv[1:]
    parsed, where = [], {}
    for header in order_of(folder):
        with open(os.path.join(folder, header), encoding="utf-8") as file:
            parsed.append((header, *items_of(file.read())))
        for item in parsed[-1][2]:
            for name in item.names:
                where.setdefault(name, header[:-2] + ".html")
    os.makedirs(out, exist_ok=True)
    for header, head, items in parsed:
        with open(os.path.join(out, header[:-2] + ".html"), "w", encoding="utf-8") as file:
            file.write(render(header, head, items, where))
    with open(os.path.join(out, "index.html"), "w", encoding="utf-8") as file:
        file.write(render_index([(name, head) for name, head, _ in parsed], where, version))


if __name__ == "__main__":
    main()
