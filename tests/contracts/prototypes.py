"""Read the prototypes of the public functions from the headers, once for all who need them."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))
import project  # noqa: E402

API = re.compile(r"\bRECSYS_API\b\s*(?:RECSYS_NODISCARD\s*)?([^;{]*?)\b(recsys_\w+)\s*\(([^;{]*)\)\s*;", re.S)
SIZED = re.compile(r"typedef\s+struct\s+(recsys_\w+)\s*\{\s*uint32_t\s+struct_size\s*;", re.S)
STRUCT = re.compile(r"typedef\s+struct\s+(recsys_\w+)\s*\{", re.S)
NUMBERS = {"uint32_t", "int32_t", "uint64_t", "int64_t", "size_t", "float", "double"}

# Pointers to something that is no single result. The reason is why the rule "zero after a
# failure" does not speak of them.
ARRAY = "an array; how much of it counts is another result"
IN_AND_OUT = "read first, and not changed by a failure"
SAYS_WHY = "says more about a failure"
NO_RESULT = {
    ("recsys_key_format", "size"): IN_AND_OUT,
    ("recsys_redis_read_url", "options"): IN_AND_OUT,
    ("recsys_store_scan", "cursor"): IN_AND_OUT,
    ("recsys_scorer_top_k", "out"): ARRAY,
    ("recsys_scorer_similar", "out"): ARRAY,
    ("recsys_value_release", "value"): IN_AND_OUT,
    ("recsys_aside_get", "outcome"): SAYS_WHY,
    ("recsys_aside_get_or_load", "outcome"): SAYS_WHY,
    ("recsys_domains_get", "outcome"): SAYS_WHY,
    ("recsys_domains_warm", "out"): SAYS_WHY,
    ("recsys_recycling_find_nearby", "outcome"): SAYS_WHY,
    ("recsys_recycling_search_guides", "outcome"): SAYS_WHY,
}
ARRAY_NAMES = {"vector", "items", "ids", "rows", "scores", "raws", "weights", "counts", "statuses",
               "strategies", "replies", "values"}


class Parameter:
    """One parameter: its C type, its name, and what it is for.

    role: "error", "pointer" (T **), "sized", "struct", "number" (results that can be checked),
    "input" or "other" (everything else).
    """

    def __init__(self, function, text, sized, frozen):
        text = " ".join(text.split())
        callback = re.match(r"(.*)\(\s*\*\s*(\w+)\s*\)\s*(\(.*\))$", text)
        if callback:
            self.name, self.role = callback.group(2), "input"
            self.declaration = text
            self.type = f"{callback.group(1)}(*){callback.group(3)}"
            return
        match = re.match(r"(.*?)(\w+)$", text)
        self.type, self.name = match.group(1).strip(), match.group(2)
        self.declaration = text
        self.target = self.type[:-1].strip() if self.type.endswith("*") else None
        self.role = self._role(function, sized, frozen)

    def _role(self, function, sized, frozen):
        if self.target is None or self.target.startswith("const ") and "*" not in self.target:
            return "input"
        if self.target == "recsys_error":
            return "error"
        if (function, self.name) in NO_RESULT:
            return "other"
        if self.target.endswith("*"):
            return "input" if "const" in self.target and self.name != "out" else "pointer"
        if self.name in ARRAY_NAMES:
            return "other"
        if self.target in sized:
            return "sized"
        if self.target in frozen:
            return "struct"
        if self.target in NUMBERS:
            return "number"
        return "other"


class Function:
    def __init__(self, header, result, name, parameters):
        self.header, self.result, self.name = header, result, name
        self.parameters = parameters
        if any(p.name == "capacity" for p in parameters):  # one page of a list
            for p in parameters:
                if p.name == "out":
                    p.role = "other"

    @property
    def can_fail(self):
        """Returns a status and describes failures?"""
        return self.result == "recsys_status" and bool(self.parameters) and \
            self.parameters[-1].role == "error"

    @property
    def results(self):
        return [p for p in self.parameters if p.role in ("pointer", "sized", "struct", "number")]


def split(parameters):
    """The parts of a parameter list; commas inside of parentheses do not count."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(parameters):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(parameters[start:i])
            start = i + 1
    return parts + [parameters[start:]]


def read(top):
    """All public functions, in the order of headers and names."""
    texts = {file: project.without_comments((top / file).read_text(encoding="utf-8"))
             for file in project.c_files(top, "include/recsys")}
    texts = {file: re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", "", text, flags=re.M)
             for file, text in texts.items()}
    sized = {name for text in texts.values() for name in SIZED.findall(text)}
    frozen = {name for text in texts.values() for name in STRUCT.findall(text)} - sized
    functions = []
    for file, text in texts.items():
        for result, name, parameters in API.findall(text):
            parts = [] if parameters.strip() == "void" else split(parameters)
            functions.append(Function(pathlib.Path(file).stem, " ".join(result.split()), name,
                                      [Parameter(name, part, sized, frozen) for part in parts]))
    return functions


def library(function):
    return function.header if function.header in ("redis", "postgres", "mlflow") else "core"
