"""Builds the C library with CMake and puts it into the wheel, beside the package that loads it.

The sources are those of the project: two folders up in a checkout, in c/ in an sdist. The wheel
fits every CPython from 3.9 on, since nothing in it is compiled against Python. With
RECSYS_SYSTEM_LIBRARY=1 in the environment the wheel has no library and needs an installed one.
"""
import os
import pathlib
import re
import shutil
import subprocess

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1] if (HERE.parents[1] / "include" / "recsys").is_dir() else None
SOURCES = CHECKOUT or HERE / "c"
# CMake builds the libraries from these, relative to the top of the project.
NEEDED = ["CMakeLists.txt", "LICENSE", "cmake", "include", "lib", "pkgconfig"]
LIBRARIES = ["librecsys", "librecsys-redis", "librecsys-postgres", "librecsys-mlflow"]
WITH_LIBRARY = os.environ.get("RECSYS_SYSTEM_LIBRARY") != "1"


def version():
    text = (HERE / "recsys" / "_native" / "abi.py").read_text(encoding="utf-8")
    return ".".join(re.search(rf"^RECSYS_VERSION_{part} = (\d+)$", text, re.M).group(1)
                    for part in ("MAJOR", "MINOR", "PATCH"))


class BuildWithLibrary(build_py):
    """The package's modules, and _lib/ with the libraries and their licence."""

    def run(self):
        super().run()
        if not WITH_LIBRARY or self.editable_mode:
            return
        build = pathlib.Path(self.get_finalized_command("build").build_temp) / "cmake"
        subprocess.run(
            ["cmake", "-S", SOURCES, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
             "-DRECSYS_BUILD_DAEMON=OFF", "-DRECSYS_BUILD_EXAMPLES=OFF",
             "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON"], check=True)
        subprocess.run(["cmake", "--build", build, "--parallel", str(os.cpu_count() or 2),
                        "--target", "recsys", "recsys_redis", "recsys_postgres",
                        "recsys_mlflow"], check=True)
        target = pathlib.Path(self.build_lib) / "recsys" / "_lib"
        target.mkdir(parents=True, exist_ok=True)
        soname = "so." + ".".join(version().split(".")[:2 if version().startswith("0.") else 1])
        for name in LIBRARIES:
            file = target / f"{name}.{soname}"
            shutil.copyfile(build / "lib" / file.name, file)
            subprocess.run(["strip", "--strip-unneeded", file], check=True)
        shutil.copyfile(SOURCES / "LICENSE", target / "LICENSE.librecsys")


class SourcesWithLibrary(sdist):
    """The package, and in c/ the sources of the library."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for name in NEEDED:
            source, target = SOURCES / name, pathlib.Path(base_dir) / "c" / name
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


class WheelForEveryPython(bdist_wheel):
    def get_tag(self):
        return ("py3", "none", super().get_tag()[2]) if WITH_LIBRARY else ("py3", "none", "any")


class WithBinaries(Distribution):
    def has_ext_modules(self):
        return WITH_LIBRARY


setup(version=version(), distclass=WithBinaries,
      cmdclass={"build_py": BuildWithLibrary, "sdist": SourcesWithLibrary,
                "bdist_wheel": WheelForEveryPython})
