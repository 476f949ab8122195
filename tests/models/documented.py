"""The lines of docs/models.md, by the heading that they stand under."""
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "models.md"
MOST_LINES = 3  # that a reader is asked to copy


def sections():
    """{heading: {"python": lines, "sh": command, "is_long": bool}} of all with lines of both."""
    found = {}
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        heading, _, body = part.partition("\n")
        code = dict(re.findall(r"^```(python|sh)\n(.*?)^```", body, flags=re.M | re.S))
        if not code:
            continue
        assert set(code) == {"python", "sh"}, f"{heading}: has {sorted(code)}"
        lines = code["python"].count("\n")
        assert lines <= MOST_LINES, f"{heading}: has {lines} lines of Python, at most {MOST_LINES}"
        found[heading.strip()] = {**code, "is_long": "\n*long*\n" in body}
    return found
