"""Reads and runs *.http files: requests and the responses they must get, in order.

    @ --admin-token=secret           options of the daemon this file talks to ({dir} = fixtures)

    == a sentence                    begins a case
    POST /api/v1/predict             the request; Host, Content-Type and Content-Length are added
    X-Api-Key: abc                   unless they are there

    {"user_id": 1}
    -> 200                           the status it must get
    X-Cache: miss                    headers it must have (* = any value, !Name = must be absent)

    {"user_id": 1, "...": "*"}       the body as JSON

    == raw: a sentence               the lines up to -> are sent as they are, escapes decoded,
    GET / HTTP/1.1\\r\\n\\r\\n            with nothing added in between

In a body "*" fits anything, "<int>", "<number>", "<text>", "<uuid>" and "<time>" what they say, a
member "..." further members and a last element "..." further elements. A body that is not JSON
is compared as text, with * for any run of characters. In requests {{range A B}} becomes A,…,B,
{{repeat TEXT N}} N copies and {{token WORDS}} a JSON Web Token (see tokens.py). Cases share a connection until it is closed; a response with
Connection: close must be followed by the end of it.
"""
import fnmatch
import json
import re

import tokens
from client import encode

PATTERNS = {
    "<uuid>": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
    "<time>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"),
}


class Case:
    def __init__(self, title, line):
        self.title, self.line, self.request, self.expected = title, line, [], []
        self.raw = title.startswith("raw: ")


def parse(path):
    options, cases, part = [], [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            if line.startswith("@ "):
                options += line[2:].split()
            elif line.startswith("== "):
                cases.append(Case(line[3:], number))
                part = cases[-1].request
            elif line.startswith("-> "):
                part = cases[-1].expected
                part.append(line[3:].strip())
            elif part is not None and not line.startswith("#"):
                part.append(line)
    return options, cases


def split(lines):
    """Headers and body of a list of lines, without the empty ones around them."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if "" in lines:
        at = lines.index("")
        return lines[:at], "\n".join(lines[at + 1:])
    return lines, None


def expand(text):
    text = re.sub(r"\{\{range (\d+) (\d+)\}\}",
                  lambda m: ",".join(str(i) for i in range(int(m[1]), int(m[2]) + 1)), text)
    text = re.sub(r"\{\{token ([^}]*)\}\}", lambda m: tokens.read_words(m[1]), text)
    return re.sub(r"\{\{repeat (\S+) (\d+)\}\}", lambda m: m[1] * int(m[2]), text)


def request_bytes(case):
    if case.raw:
        lines = [line for line in case.request if line]
        return expand("".join(lines)).encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
    head, body = split(case.request)
    words = head[0].split(" ")
    headers = [tuple(part.strip() for part in expand(line).split(":", 1)) for line in head[1:]]
    version = words[2] if len(words) > 2 else "HTTP/1.1"
    return encode(words[0], expand(words[1]), headers, None if body is None else expand(body).encode(), version)


def mismatch(expected, actual, where="body"):
    """Says where `actual` differs from the pattern; None if it does not."""
    if isinstance(expected, str):
        if expected == "*" or (expected == "<text>" and isinstance(actual, str)):
            return None
        if expected == "<int>" and isinstance(actual, int) and not isinstance(actual, bool):
            return None
        if expected == "<number>" and isinstance(actual, (int, float)) and not isinstance(actual, bool):
            return None
        if expected in PATTERNS and isinstance(actual, str) and PATTERNS[expected].match(actual):
            return None
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key != "..." and key not in actual:
                return "%s.%s is missing" % (where, key)
            if key != "...":
                wrong = mismatch(value, actual[key], "%s.%s" % (where, key))
                if wrong:
                    return wrong
        extra = [key for key in actual if key not in expected]
        return "%s has unexpected %s" % (where, extra) if extra and "..." not in expected else None
    if isinstance(expected, list) and isinstance(actual, list):
        more = bool(expected) and expected[-1] == "..."
        wanted = expected[:-1] if more else expected
        if len(actual) < len(wanted) or (len(actual) > len(wanted) and not more):
            return "%s has %d elements" % (where, len(actual))
        for i, value in enumerate(wanted):
            wrong = mismatch(value, actual[i], "%s[%d]" % (where, i))
            if wrong:
                return wrong
        return None
    same = expected == actual and type(expected) == type(actual)
    return None if same else "%s is %s, not %s" % (where, json.dumps(actual)[:300], json.dumps(expected)[:300])


def check_body(pattern, response):
    try:
        expected = json.loads(pattern)
    except ValueError:
        if not fnmatch.fnmatchcase(response.body.decode("utf-8"), pattern.replace("[", "[[]")):
            raise AssertionError("body is %r" % response.body[:500])
        return
    wrong = mismatch(expected, response.json())
    if wrong:
        raise AssertionError("%s\n      got: %s" % (wrong, response.body.decode("utf-8", "replace")[:1500]))


def check(case, response):
    head, body = split(case.expected)
    if response.status != int(head[0]):
        raise AssertionError("status %d, expected %s\n      got: %s"
                             % (response.status, head[0], response.body.decode("utf-8", "replace")[:600]))
    for line in head[1:]:
        name, _, value = (part.strip() for part in line.partition(":"))
        if name.startswith("!"):
            if response.header(name[1:]) is not None:
                raise AssertionError("header %s is there" % name[1:])
        elif not fnmatch.fnmatchcase(response.header(name) or "", value):
            raise AssertionError("header %s is %r, expected %r" % (name, response.header(name), value))
    if body is not None:
        check_body(body, response)


def run(path, daemon, report):
    """report(title, error or None) for every case."""
    connection = None
    for case in parse(path)[1]:
        try:
            if connection is None:
                connection = daemon.connect()
            data = request_bytes(case)
            connection.send(data)
            response = connection.read(head=data.startswith(b"HEAD "))
            closing = response.header("connection") == "close"
            if closing:
                assert connection.is_closed(), "the connection was not closed"
                assert connection.buffer == b"", "there was a second response"
                connection = None
            check(case, response)
            report(case.title, None)
        except (AssertionError, EOFError, OSError, ValueError, KeyError) as error:
            report(case.title, "line %d: %s" % (case.line, error))
            if connection is not None:
                connection.close()
            connection = None
    if connection is not None:
        connection.close()
