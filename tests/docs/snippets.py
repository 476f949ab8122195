"""Every block of code on the project's pages, and what executes it.

A block is executed by tests/docs/run_docs.py unless a table below says otherwise; this file is the
only place that says so. tests/lint/check_snippets.py fails for a block in a language that nothing
executes. A line whose block is gone hides nothing: other blocks of its page are executed.

A line of a table is (page, a text of the block, what executes it or why nothing does). The page may
have `*`, and an empty text stands for all blocks of the page.
"""
import fnmatch
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

import project  # noqa: E402
import prose  # noqa: E402

# No code: pictures, and what programs print.
PICTURES = ("text",)
RUN_HERE = ("sh", "python")

# These run here although a line of ELSEWHERE fits them, too. The third part makes the names that their
# readers have: run_docs.py executes it first.
GIVEN = [
    ("bindings/python/README.md", "from_implicit", """
import implicit, numpy, scipy.sparse
user_items = scipy.sparse.random(30, 40, 0.2, "csr", numpy.float32, 1)
model = implicit.als.AlternatingLeastSquares(factors=4, random_state=1)
model.fit(user_items, show_progress=False)
users, items = numpy.arange(30), numpy.arange(40)
import os; os.mkdir("of-implicit"); os.chdir("of-implicit")
"""),
    ("bindings/python/README.md", "evaluate.measure", """
import matplotlib; matplotlib.use("Agg")
import pandas; held_out = pandas.read_csv("test.csv")[["userId", "movieId"]]
"""),
    ("bindings/python/README.md", "python3 -m recsys", ""),
]

# Other tests take these blocks out of their page and execute them.
ELSEWHERE = [
    ("README.md", "examples/quickstart.sh", "suite quickstart, and .ci/run for the second line"),
    ("docs/models.md", "", "suite models: tests/models/run_models.py"),
    ("docs/inference.md", "tritonclient", "suite inference: tests/inference/public_clients.py"),
    ("docs/several-models.md", "xxh3", "suite inference: tests/inference/public_clients.py"),
    ("bindings/python/README.md", "import recsys.mlflow", "suite log-model: tests/mlflow/test_log_model.py"),
    ("bindings/python/README.md", "model", "suite python: tests/bindings/python/test_readme.py"),
    ("bindings/python/README.md", "recsys.Cache", "suite python: tests/bindings/python/test_readme.py"),
    ("bindings/python/README.md", "Scorer", "suite python: tests/bindings/python/test_readme.py"),
]

# The lines stand, word for word, in a program that tests execute.
QUOTED = [
    ("bindings/go/README.md", "recsys.IntID", "bindings/go/example_test.go"),
    ("bindings/go/README.md", "slot.Acquire", "bindings/go/example_test.go"),
    ("bindings/go/README.md", "GetOrLoad", "bindings/go/example_test.go"),
    ("docs/caching.md", "add_favourites", "examples/08_own_domain.c"),
    ("docs/caching.md", "recsys_domains_write", "examples/08_own_domain.c"),
    ("docs/fastapi.md", "", "examples/fastapi_predict.py"),
]

# Not executed, and why.
NOT_RUN = [
    ("CONTRIBUTING.md", "git clone", "begins with a download; `make` calls what the suites call"),
    ("SECURITY.md", "run.sh fuzz", "is the suite fuzz of tests/run.sh"),
    ("bindings/go/README.md", "go mod edit", "tests/bindings/go/run.sh uses the module by its own go.mod"),
    ("docs/console.md", "ssh -L", "needs a second machine"),
    ("docs/console.md", "default-src", "a header, not code; the tests of the console read it"),
    ("docs/daemon.md", "openapi-python-client", "downloads generators; the suite clients of tests/run.sh runs them"),
    ("docs/registry.md", "mlflow", "needs an MLflow server: the suite mlflow starts recsysd in this way"),
    ("docs/swapping.md", "create_webhook", "needs an MLflow server: the suite mlflow makes such webhooks"),
    ("findings/README.md", "", "findings are run by hand, as the page says"),
    ("tests/bench/*", "", "benchmarks are run by hand and take hours"),
    ("tests/golden/README.md", "", "adds a format version, which a test must not"),
    ("tests/scenarios/README.md", "", "api/scenarios and the suites go and python run the scenarios"),
]


class Block:
    def __init__(self, page, line, language, code):
        self.page, self.line, self.language, self.code = page, line, language, code
        self.lines = sum(1 for text in code.splitlines() if text.strip())

    def __str__(self):
        return f"{self.page}:{self.line}"

    def is_in(self, row):
        return fnmatch.fnmatch(self.page, row[0]) and row[1] in self.code

    def row_of(self, table):
        return next((row for row in table if self.is_in(row)), None)


def pages(top):
    return [name for name in project.all_files(top) if name.endswith(".md") and
            not name.startswith(prose.KEPT)]


def blocks_of(top, page):
    text = (top / page).read_text(encoding="utf-8")
    return [Block(page, line, info.lower(), code) for line, info, code in prose.fenced(text)]


def quoted_lines(block):
    """The lines of a block that must stand in the program: of a comparison, those that it adds."""
    lines = block.code.splitlines()
    if block.language == "diff":
        lines = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]
    return [line.strip() for line in lines if line.strip()]


def how(block):
    """(kind, text) of a block: picture, elsewhere, quoted, not run, c, or here."""
    if block.language in PICTURES:
        return "picture", ""
    if block.row_of(GIVEN):
        return "here", ""
    for kind, table in (("elsewhere", ELSEWHERE), ("quoted", QUOTED), ("not run", NOT_RUN)):
        row = block.row_of(table)
        if row:
            return kind, row[2]
    if block.language == "c":
        is_program = re.search(r"\bmain\s*\(", block.code)
        return ("elsewhere" if is_program else "compiled"), "lint/check_docs"
    if block.language in RUN_HERE or block.row_of(PARSED):
        return "here", ""
    return "", ""


# JSON that run_docs.py sends or compares; the third part is the name of its function.
PARSED = [
    ("docs/daemon.md", '"detail"', "refusal"),
    ("docs/daemon.md", '"events"', "feedback"),
    ("docs/inference.md", '"inputs"', "infer"),
    ("docs/model-format.md", '"recsys-bundle"', "manifest"),
    ("docs/model-format.md", "Pulp Fiction", "catalogue"),
    ("docs/recsysctl.md", '"strategy"', "printed"),
]

# Output of programs: its words must be those that the block before it has printed. Numbers may differ,
# and a line "..." stands for any lines.
PRINTED = [
    ("docs/recsysctl.md", "old                  new"),
    ("docs/recsysctl.md", "the sum of"),
]
