#!/usr/bin/env python3
"""Fail if prose has a word that the glossary replaces, or a turn of phrase that readers must guess.

The words are those between backticks in the column "not" of docs/glossary.md. Prose is the text of
comments, messages and pages (prose.py).
"""
import re

import project
import prose

GLOSSARY = "docs/glossary.md"
# They name what they look for.
NOT_READ = (GLOSSARY, "tests/lint/check_words.py")

# word -> where it may stand, because there it is the name of something else.
SOMEBODY_ELSES = {
    "artifact": ("bindings/python/recsys/mlflow.py", "lib/adapters/mlflow/",  # MLflow's
                 "include/recsys/mlflow.h", "docs/registry.md", "docs/daemon.md",
                 "tests/integration/mlflow/"),
    "backend": ("lib/recycling/task.c", "tests/"),  # Celery's result backend, PostgreSQL's processes
    "blacklist": ("tests/daemon/domains.py",),  # part of the keys in Redis
    "capacity": ("include/recsys/model.h",),  # an argument's name
    "constraint": ("include/recsys/source.h", "lib/adapters/postgres/", "sql/", "tests/daemon/feedback.py"),  # SQL's
    "discard": ("tests/bench/", "tests/integration/"),  # Redis' and wrk's
    "guest": ("tests/machines/",),  # a machine inside a machine
    "logical database": ("docs/decisions/0007",),  # Redis' own
    "metadata": ("daemon/", "docs/daemon.md", "bindings/python/recsys/mlflow.py"),  # a member of the models' JSON
    "origin": ("daemon/", "docs/daemon.md", "tests/daemon/"),  # CORS
    "prefetch": ("lib/score/", "docs/decisions/0005-a-kernel-beside-blas.md"),  # the processor's
    "thread-safe": ("docs/pitfalls.md",),  # said of OpenBLAS
}

# What a reader has to guess -> what to write instead.
RIDDLES = {
    "all the same": '"anyway", "nevertheless" or nothing',
    "as good as": "say what it is",
    "(?:by|for|from|of|to|with|than|so) who": '"the caller that", "the thread that"',
    "(?:he|him|his|himself)": '"it" for a program, "their" for a person',
    "anew": '"again"',
    "cannot be told": '"cannot tell", "did not reach"',
    "could not be told": '"did not reach"',
    "for ever": '"permanently", "without end", "never ..."',
    "for want of": '"for lack of"',
    "gets? round": "say how",
    "(?:hears?|heard) of": '"knows", "has received"',
    "in vain": "say what did not happen",
    "lives on": '"stays valid"',
    "neither open nor closed": "say what it reports, and when",
    "nobody (?:can say|knows|probes)": "name the function or the thread",
    "none of our business": '"ignored"',
    "old story": "say which state it belongs to",
    "speaks? for": '"decides", "is the reason for"',
    "whoever": '"the caller that", "the thread that"',
}
# A sentence, a heading or a cell that begins so and is no question.
BARE = re.compile(r"(?:(?<=[.!?;] )|^[ \t*|#>-]*|(?<=\| ))(?P<found>(?:Who|What)\b[^.?!|]*)(?![^.!|]*[?])", re.M)


def replaced_words(text):
    """The words between backticks in the column "not" of each table with such a column."""
    words, column = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            column = None
        elif column is None:
            column = cells.index("not") if "not" in cells else None
        elif len(cells) > column:
            words += re.findall(r"`([^`]+)`", cells[column])
    return words


def whole(words):
    return re.compile(rf"(?<![\w/.-])(?:{words})(?![\w/(-])", re.I)


def forms(word):
    """The word with the endings that English gives it: throttle, throttles, throttled, throttling."""
    ending = "(?:e|es|ed|ing)" if word.endswith("e") else "(?:s|es|ed|ing)?"
    return whole(r"\s+".join(map(re.escape, word.removesuffix("e").split())) + ending)


def stem(words):
    """A part that every form has, in lower case, to look for before the slow pattern is tried."""
    plain = re.sub(r"\(\?:[^)]*\)\S*|\w\?", " ", words.lower())
    return max(re.findall(r"[a-z-]{2,}", plain), key=len, default="")


def rules(top):
    """(stem, pattern, what to say, where it is allowed) of every word and turn."""
    words = replaced_words((top / GLOSSARY).read_text(encoding="utf-8"))
    if len(words) < 40 or len(set(words)) < len(words) or not set(SOMEBODY_ELSES) <= set(words):
        project.finish("check_words", [f'{GLOSSARY}: too few words in the column "not", or one twice, '
                                       "or SOMEBODY_ELSES has one that is not there"])
    replaced = [(stem(word.removesuffix("e")), forms(word),
                 f'"{word}" has another name in {GLOSSARY}', SOMEBODY_ELSES.get(word, ()))
                for word in words]
    riddles = [(stem(turn), whole(turn.replace(" ", r"\s+")), f"a riddle; better: {better}", ())
               for turn, better in RIDDLES.items()]
    return replaced + riddles


def at(text, position):
    return text.count("\n", 0, position) + 1


def main():
    top = project.root()
    checks = rules(top)
    findings = []
    for file, text in prose.texts(top):
        if file in NOT_READ:
            continue
        text = re.sub(r"[ \t]+", " ", text)  # most of it is blanked code
        lower = text.lower()
        for part, pattern, says, allowed in checks:
            if part in lower and not file.startswith(allowed):
                findings += [f"{file}:{at(text, m.start())}: {' '.join(m[0].split())}: {says}"
                             for m in pattern.finditer(text)]
        findings += [f"{file}:{at(text, m.start('found'))}: name the actor or the thing, not: "
                     f"{' '.join(m['found'].split())[:60]}" for m in BARE.finditer(text)]
    project.finish("check_words", findings)


main()
