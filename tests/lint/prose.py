"""The prose of a file: comments, messages and pages, without the code around them.

Everything else is blanked with spaces, so lines and columns stay. A literal counts as prose from
three words on; between backticks stands code.
"""
import re

import project

FENCE = re.compile(r"^\s*(```+|~~~+)")
BLOCK = re.compile(r"^\s*(```+|~~~+)\s*([^`]*)$")
C_TOKEN = re.compile(r'/\*(?P<comment>.*?)\*/|//(?P<line>[^\n]*)|'
                     r'"(?P<literal>(?:[^"\\\n]|\\.)*)"|' r"'(?:[^'\\\n]|\\.)*'", re.S)
PYTHON_TOKEN = re.compile(r'"""(?P<comment>.*?)"""|#(?!!)(?P<line>[^\n]*)|'
                          r'[rf]?"(?P<literal>(?:[^"\\\n]|\\.)*)"|' r"'(?:[^'\\\n]|\\.)*'", re.S)
SHELL_TOKEN = re.compile(r'(?:^|(?<=\s))#(?!!)(?P<line>[^\n]*)|"(?P<literal>(?:[^"\\\n]|\\.)*)"', re.M)
SQL_TOKEN = re.compile(r"--(?P<line>[^\n]*)|'(?P<literal>(?:[^'\n]|'')*)'")
JSON_TOKEN = re.compile(r'"(?P<literal>(?:[^"\\\n]|\\.)*)"')
TOKENS = {".c": C_TOKEN, ".h": C_TOKEN, ".js": C_TOKEN, ".py": PYTHON_TOKEN, ".sh": SHELL_TOKEN,
          ".cmake": SHELL_TOKEN, "CMakeLists.txt": SHELL_TOKEN, ".http": SHELL_TOKEN,
          ".sql": SQL_TOKEN, ".json": JSON_TOKEN, ".md": None}
# Kept releases, test data and what a service recorded stay as they are.
KEPT = ("tests/abi/headers-", "tests/golden/v", "tests/golden/expected", "tests/fuzz/corpus/",
        "examples/data/")


def fenced(text):
    """(line of its first line, language and more, content) of every fenced block."""
    fence, start, info, content = None, 0, "", []
    for number, line in enumerate(text.splitlines(), 1):
        match = BLOCK.match(line)
        if fence is None and match:
            fence, start, info, content = match[1], number + 1, match[2].strip(), []
        elif fence is not None and match and match[1].startswith(fence) and not match[2]:
            yield start, info, "\n".join(content) + "\n"
            fence = None
        elif fence is not None:
            content.append(line)


def spaces(match):
    return re.sub(r"[^\n]", " ", match[0])


def without_code(text):
    """Text between backticks, targets of links and addresses become blank."""
    text = re.sub(r"`[^`\n]*(?:\n[^`\n]*)?`", lambda m: re.sub(r"[^\n]", "~", m[0]), text)
    return re.sub(r"(?<=\])\([^)\n]*\)|https?://\S+", spaces, text)


def of_page(text):
    """A page of Markdown without its fenced blocks."""
    fence, lines = None, []
    for line in text.split("\n"):
        match = FENCE.match(line)
        if match and (fence is None or match[1].startswith(fence)):
            fence, line = (match[1] if fence is None else None), ""
        lines.append("" if fence else line)
    return without_code("\n".join(lines))


def of_source(text, token):
    kept = list(re.sub(r"[^\n]", " ", text))
    for match in token.finditer(text):
        for group, content in match.groupdict().items():
            if content and (group != "literal" or len(re.findall(r"[A-Za-z]{2,}", content)) >= 3):
                start, end = match.span(group)
                kept[start:end] = text[start:end].replace("\\n", " \t").replace('\\"', ' "')
    text = "".join(kept)
    text = re.sub(r"(?m)^([ \t]*)\*", r"\1 ", text)  # the stars in front of a comment's lines
    return without_code(text)


def texts(top):
    """(file, its prose) of every file that has some."""
    for file in project.all_files(top):
        ending = next((e for e in TOKENS if file.endswith(e)), None)
        if ending is None or file.startswith(KEPT):
            continue
        text = (top / file).read_text(encoding="utf-8")
        yield file, of_page(text) if ending == ".md" else of_source(text, TOKENS[ending])
