"""python3 -m recsys: bundles and events as tables of Parquet and Arrow, and back. Needs pyarrow.

    python3 -m recsys import FOLDER --out BUNDLE
    python3 -m recsys import --users U.parquet --items I.parquet --out BUNDLE
    python3 -m recsys export BUNDLE --out FOLDER --format arrow
    recsysctl feedback export | python3 -m recsys feedback - --out EVENTS.parquet

FOLDER is what Spark's ALSModel.save() wrote, or what `export` wrote.
"""
from __future__ import annotations

import argparse
import sys
from typing import Optional, Sequence

from .errors import Error
from .model import Model


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("python3 -m recsys", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = made.add_subparsers(dest="command", required=True)
    take = commands.add_parser("import", help="write a bundle of tables in Parquet or Arrow files")
    take.add_argument("folder", nargs="?", help="with userFactors and itemFactors, or users and items")
    take.add_argument("--users", help="file or folder: id, features, bias")
    take.add_argument("--items", help="file or folder: id, features, bias")
    take.add_argument("--seen", help="file or folder: users, items, weights, in this order")
    take.add_argument("--catalogue", help="file or folder: id, title, genres, ...")
    take.add_argument("--id", default="id", help="the column of ids (default: id)")
    take.add_argument("--factors", default="features", help="the column of vectors (default: features)")
    take.add_argument("--bias", default="bias", help="the column of biases, if there is one")
    take.add_argument("--metric", choices=["inner_product", "cosine"])
    take.add_argument("--link", choices=["sigmoid", "linear", "clip"])
    take.add_argument("--link-range", nargs=2, type=float, metavar=("LOW", "HIGH"),
                      help="for linear: the raw scores that become 0 and 1")
    take.add_argument("--global-mean", type=float, help="added to the items' biases")
    take.add_argument("--name", help="of the model")
    take.add_argument("--out", required=True, help="the bundle; must not exist")
    give = commands.add_parser("export", help="write the tables of a bundle")
    give.add_argument("bundle")
    give.add_argument("--format", choices=["parquet", "arrow"], default="parquet")
    give.add_argument("--out", required=True, help="a folder; must not exist")
    events = commands.add_parser("feedback", help="write events of users as a table")
    events.add_argument("lines", help="of recsysctl feedback export; - for the standard input")
    events.add_argument("--ids", choices=["text", "integer"], default="text",
                        help="the type of users and items (default: text)")
    events.add_argument("--format", choices=["parquet", "arrow"], default="parquet")
    events.add_argument("--out", required=True, help="a file; must not exist")
    return made


def import_tables(given: argparse.Namespace) -> str:
    from . import tables

    found = {} if given.folder is None else {part: str(path) for part, path in tables.find_tables(given.folder).items()}
    found.update({part: getattr(given, part) for part in tables.NAMES if getattr(given, part) is not None})
    if "users" not in found or "items" not in found:
        raise ValueError("give a folder, or --users and --items")
    link = "linear" if given.link_range and given.link is None else given.link
    tables.read_model(**found, id=given.id, factors=given.factors, bias=given.bias, metric=given.metric,
                      link=link, link_range=given.link_range and tuple(given.link_range),
                      global_mean=given.global_mean, name=given.name).write(given.out)
    info = Model(given.out).info
    return (f"{given.out}: {info.n_users} users, {info.n_items} items, {info.dimensions} dimensions, "
            f"{info.metric}, link {info.link}, {info.n_seen} seen, {info.n_catalog} lines of catalogue")


def export_tables(given: argparse.Namespace) -> str:
    from . import tables

    tables.write_model(Model(given.bundle), given.out, given.format)
    return f"{given.out}: tables of {given.bundle}"


def write_feedback(given: argparse.Namespace) -> str:
    from . import feedback

    n = feedback.write_from(given.lines, given.out, given.format, given.ids)
    return f"{given.out}: {n} events"


COMMANDS = {"import": import_tables, "export": export_tables, "feedback": write_feedback}


def main(arguments: Optional[Sequence[str]] = None) -> int:
    given = parser().parse_args(arguments)
    try:
        print(COMMANDS[given.command](given))
    except (Error, ImportError, OSError, TypeError, ValueError) as error:
        print(f"python3 -m recsys {given.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
