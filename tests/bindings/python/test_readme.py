"""The snippets of bindings/python/README.md run, one after the other, beside a bundle called bundle."""
import re
import shutil

from conftest import TOP
from recsys import demo

README = (TOP / "bindings" / "python" / "README.md").read_text(encoding="utf-8")
OURS = README[:README.index("## Models of other libraries")]


def snippets(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def test_snippets_run(tmp_path, monkeypatch, capsys):
    shutil.copytree(demo.folder(), tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    names, said = {}, []
    found = snippets(OURS)
    assert len(found) >= 5
    for snippet in found:
        exec(compile(snippet, "README.md", "exec"), names)
        said.append(capsys.readouterr().out)
    assert said[0] == re.search(r"^```text\n(.*?)^```", OURS, re.M | re.S)[1]
    assert said[-1].startswith("no item 99")


def test_the_other_snippets_are_python():
    others = snippets(README[len(OURS):])
    assert others
    for snippet in others:
        compile(snippet, "README.md", "exec")
