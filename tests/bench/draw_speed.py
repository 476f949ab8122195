#!/usr/bin/env python3
"""draw_speed.py [--check] - docs/speed.svg, the plot of README.md, from the table of figures.

The table is the first one of README.md beside this file that has the columns "items x dimensions",
"batch", "threads", "ours" and "best peer". After measuring again, put the new table there and run
this; --check fails if the plot is not that of the table.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PLOT = HERE.parents[1] / "docs" / "speed.svg"
COLUMNS = ("items x dimensions", "batch", "threads", "ours", "best peer")
ROW, BAR, LEFT, WIDTH, RIGHT, TOP = 34, 13, 230, 380, 230, 62
STYLE = """<style>text{font:13px sans-serif;fill:#222}.ours{fill:#3949ab}.peer{fill:#9e9e9e}
@media (prefers-color-scheme:dark){text{fill:#ddd}.ours{fill:#8c9eff}.peer{fill:#757575}}</style>"""


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows():
    """[(items, batch, threads, our milliseconds, the peer's, the peer's name)]."""
    lines = (HERE / "README.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        head = cells(line)
        if line.startswith("|") and set(COLUMNS) <= set(head):
            break
    else:
        sys.exit("tests/bench/README.md has no table with the columns " + ", ".join(COLUMNS))
    at, found = [head.index(name) for name in COLUMNS], []
    for line in lines[number + 2:]:
        if not line.startswith("|"):
            return found
        items, batch, threads, ours, peer = (cells(line)[i] for i in at)
        value, name = re.match(r"([\d.,]+)\s+(.+)", peer).groups()
        found.append((items, batch, threads, float(ours.replace(",", "")), float(value.replace(",", "")), name))
    return found


def bar(kind, y, share, text):
    length = max(2.0, share * WIDTH)
    return (f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
            f'<text x="{LEFT + length + 6:.1f}" y="{y + 11}">{text}</text>')


def draw():
    """A pair of bars for each row; the longer of a pair is as long as in the other pairs, since batches of
    very different sizes have no common scale."""
    found = rows()
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {TOP + ROW * len(found) + 8}" '
           'role="img" aria-label="Milliseconds for the ten best items; a table of the same figures is in '
           f'tests/bench/README.md">{STYLE}',
           '<text x="8" y="22" style="font-weight:bold;font-size:15px">Exact top 10: milliseconds a batch, less is '
           'better</text>',
           f'<rect class="ours" x="8" y="34" width="12" height="12"/><text x="26" y="45">librecsys</text>'
           f'<rect class="peer" x="108" y="34" width="12" height="12"/><text x="126" y="45">the fastest exact peer of '
           'that row; each pair of bars has a scale of its own</text>']
    for number, (items, batch, threads, ours, peer, name) in enumerate(found):
        y, longest = TOP + number * ROW, max(ours, peer)
        queries = "1 query" if batch == "1" else f"{batch} queries"
        cores = "1 thread" if threads == "1" else f"{threads} threads"
        out.append(f'<text x="8" y="{y + 18}">{items}, {queries}, {cores}</text>')
        out.append(bar("ours", y, ours / longest, f"{ours:g}"))
        out.append(bar("peer", y + BAR + 1, peer / longest, f"{peer:g} {name}, {peer / ours:.1f} times as long"))
    return "\n".join(out) + "\n</svg>\n"


def main():
    if sys.argv[1:] == ["--check"]:
        if not PLOT.is_file() or PLOT.read_text(encoding="utf-8") != draw():
            sys.exit("docs/speed.svg is not of the table in tests/bench/README.md: run tests/bench/draw_speed.py")
        print("check_plot: ok")
        return
    PLOT.write_text(draw(), encoding="utf-8")


main()
