"""The package as users get it: an sdist, the wheel made of it, clean environments, other libraries.

RECSYS_PYTHON_WHEELS names a folder for the wheel. Without it these tests do not run, since they
compile the library.
"""
import os
import pathlib
import re
import subprocess
import sys
import venv
import zipfile

import numpy
import pytest

from conftest import TOP

PACKAGE = TOP / "bindings" / "python"
FOLDER = os.environ.get("RECSYS_PYTHON_WHEELS")
makes_wheels = pytest.mark.skipif(not FOLDER, reason="RECSYS_PYTHON_WHEELS says where wheels go")
SAYS = """
import recsys, recsys.demo
print(recsys.library_path)
print(recsys.demo.model().recommend(user_id=1, top_k=2).ids)
"""


def run(*command, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("RECSYS_LIBRARY", "PYTHONPATH")}
    return subprocess.run([str(part) for part in command], env={**kept, **environment}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", timeout=600)


def import_with(**environment):
    """Import this checkout's package in a new process."""
    return run(sys.executable, "-c", SAYS, PYTHONPATH=str(PACKAGE), **environment)


@pytest.fixture(scope="module")
def wheel():
    """An sdist of the checkout, and the wheel that is made of it."""
    made, = wheels(pathlib.Path(FOLDER))
    return made


def wheels(folder):
    for old in folder.glob("recsys-*"):
        old.unlink()
    built = run(sys.executable, "-m", "pip", "--version")
    assert built.returncode == 0, built.stdout
    packed = subprocess.run(
        [sys.executable, "-c", "from setuptools import build_meta as b; import sys; "
         "print(b.build_sdist(sys.argv[1]))", str(folder)], cwd=PACKAGE, capture_output=True,
        text=True)
    assert packed.returncode == 0, packed.stderr
    sdist, = folder.glob("recsys-*.tar.gz")
    made = run(sys.executable, PACKAGE / "make_wheel.py", folder, sdist,
               PATH=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}")
    assert made.returncode == 0, made.stdout
    print(made.stdout.splitlines()[-1])
    return list(folder.glob("recsys-*.whl"))


@makes_wheels
def test_the_wheel_has_libraries_licences_and_types(wheel):
    assert "-py3-none-manylinux_2_" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        size = wheel.stat().st_size - sum(
            info.compress_size for info in archive.infolist()
            if re.search(r"lib(openblas|blas|gfortran|quadmath)", info.filename))
    assert size < 3e6
    libraries = {re.sub(r"-[0-9a-f]{8}", "", name.split("/")[-1]).split(".so")[0]
                 for name in names if ".so" in name}
    assert {"librecsys", "librecsys-redis", "librecsys-postgres", "libjansson"} <= libraries
    assert not libraries & {"libpq", "libkrb5", "libldap-2.5"}
    licences = [name for name in names if "/licenses/" in name]
    assert any("libjansson" in name for name in licences)
    assert any("libopenblas" in name for name in licences)
    modules = {str(file.relative_to(PACKAGE)) for file in (PACKAGE / "recsys").rglob("*.py")}
    assert len(modules) > 30 and modules <= set(names)
    assert "recsys/py.typed" in names and "recsys/_lib/LICENSE.librecsys" in names


@makes_wheels
def test_the_wheel_works_in_a_clean_environment(wheel, tmp_path):
    venv.create(tmp_path / "v", with_pip=True)
    python = tmp_path / "v" / "bin" / "python"
    pinned = f"numpy=={numpy.__version__}"
    done = run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", pinned, wheel)
    assert done.returncode == 0, done.stdout
    said = run(python, "-c", SAYS)
    assert said.returncode == 0, said.stdout
    path, ids = said.stdout.splitlines()
    assert path.startswith(str(tmp_path)) and "/recsys/_lib/" in path and ids == "[3, 4]"
    redis = run(python, "-c", "import recsys; recsys.Store.redis('redis://127.0.0.1:1').name")
    assert redis.returncode == 0, redis.stdout
    # It loads its own libraries, not the system's.
    maps = run(python, "-c", SAYS + "print(open('/proc/self/maps').read())").stdout
    assert re.search(r"recsys\.libs/libopenblas", maps) and not re.search(r" /usr/\S*openblas", maps)


def test_a_system_library_is_found_by_its_soname():
    folder = pathlib.Path(os.environ["RECSYS_LIBRARY"]).resolve().parent
    said = import_with(LD_LIBRARY_PATH=str(folder))
    assert said.returncode == 0 and said.stdout.startswith("librecsys.so."), said.stdout


def test_a_mismatching_library_is_refused_with_what_to_do(tmp_path):
    def refused(source, words):
        library = tmp_path / "librecsys.so"
        library.unlink(missing_ok=True)
        (tmp_path / "a.c").write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "a.c"], check=True)
        said = import_with(RECSYS_LIBRARY=str(library))
        assert said.returncode == 1 and re.search(words, said.stdout), said.stdout
        assert "recsys._native.library.LibraryError: recsys: " in said.stdout
        assert str(library) in said.stdout

    refused("unsigned recsys_version_number(void) { return 0x000100; }",
            r"is librecsys 0\.1\.0; this package needs 0\.2\.\d+ or a newer one of the same soname")
    refused("unsigned recsys_version_number(void) { return 0x010000; }", "is librecsys 1.0.0")
    refused("unsigned recsys_version_number(void) { return 0x0002ff; }",
            "has no recsys_.* older than this package")
    refused("int other;", "is not librecsys")
    said = import_with(RECSYS_LIBRARY="/nowhere/librecsys.so")
    assert "cannot load librecsys (/nowhere/librecsys.so)" in said.stdout
    assert "set RECSYS_LIBRARY" in said.stdout
    assert issubclass(__import__("recsys").LibraryError, ImportError)


def test_types(tmp_path):
    """mypy --strict and pyright find nothing, neither in the package nor in a program that uses it."""
    program = tmp_path / "program.py"
    program.write_text(
        "import recsys\n"
        "def best(model: recsys.Model, user: int) -> list[recsys.Id]:\n"
        "    return model.recommend(user_id=user, top_k=3, genres=['Horror']).ids\n"
        "cache = recsys.Cache()\n"
        "@cache.cached('user:{n}')\n"
        "def name(n: int) -> str:\n"
        "    return str(n)\n"
        "text: str = name(5)\n")
    checked = run(sys.executable, "-m", "mypy", "--config-file", PACKAGE / "pyproject.toml",
                  "--cache-dir", tmp_path, PACKAGE / "recsys", program, MYPYPATH=str(PACKAGE))
    assert checked.returncode == 0, checked.stdout
    program.write_text("import recsys\nrecsys.Model('m').recommend(1, colour='red')\n")
    wrong = run(sys.executable, "-m", "mypy", "--config-file", PACKAGE / "pyproject.toml",
                "--cache-dir", tmp_path, program, MYPYPATH=str(PACKAGE))
    assert wrong.returncode == 1 and "colour" in wrong.stdout, wrong.stdout
    checked = run(sys.executable, "-m", "basedpyright", "--project", PACKAGE / "pyproject.toml",
                  "--pythonpath", sys.executable, "--level", "error")
    assert checked.returncode == 0 and "0 errors" in checked.stdout, checked.stdout
