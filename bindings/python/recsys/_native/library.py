"""Find librecsys and its adapters, and check that they are those that this package was made for.

In this order: the file that the environment variable RECSYS_LIBRARY names; the libraries inside the
package, if it was installed from a wheel; the system's, by their soname. Adapters are looked for
beside the library and are loaded when they are first used, since they need more libraries than a
program may have (libpq).
"""
from __future__ import annotations

import ctypes
import os
from typing import Any

from . import abi

SONAME = f"so.{abi.RECSYS_VERSION_MAJOR}"
if abi.RECSYS_VERSION_MAJOR == 0:  # until 1.0 a minor version may break
    SONAME += f".{abi.RECSYS_VERSION_MINOR}"
INSIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "_lib")
WANTED = f"{abi.RECSYS_VERSION_MAJOR}.{abi.RECSYS_VERSION_MINOR}.{abi.RECSYS_VERSION_PATCH}"
NEEDS = {"redis": "hiredis (Debian: libhiredis0.14 or libhiredis1.1.0)",
         "postgres": "libpq (Debian: libpq5)", "mlflow": "libcurl (Debian: libcurl4)"}


class LibraryError(ImportError):
    """librecsys cannot be loaded, or it is another version than this package needs."""


def _candidate() -> str:
    named = os.environ.get("RECSYS_LIBRARY")
    if named:
        return named
    inside = os.path.join(INSIDE, f"librecsys.{SONAME}")
    return inside if os.path.isfile(inside) else f"librecsys.{SONAME}"


def _open(path: str, what: str, advice: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise LibraryError(f"recsys: cannot load {what} ({path}): {error}. {advice}") from error


def _declare(library: ctypes.CDLL, path: str, part: str) -> None:
    """Give the functions their types; say so if the library is too old to have one."""
    for name, (owner, result, parameters) in abi.FUNCTIONS.items():
        if owner != part:
            continue
        try:
            function = getattr(library, name)
        except AttributeError:
            raise LibraryError(
                f"recsys: {path} has no {name}: it is older than this package, which needs "
                f"librecsys {WANTED}. Install that version, or the package that fits the library."
            ) from None
        function.restype, function.argtypes = result, parameters


def _check_version(library: ctypes.CDLL, path: str) -> None:
    try:
        number: int = library.recsys_version_number()
    except AttributeError:
        raise LibraryError(f"recsys: {path} is not librecsys") from None
    found = f"{number >> 16}.{number >> 8 & 255}.{number & 255}"
    same = number >> 16 == abi.RECSYS_VERSION_MAJOR and (
        abi.RECSYS_VERSION_MAJOR > 0 or number >> 8 & 255 == abi.RECSYS_VERSION_MINOR)
    if not same or number < abi.RECSYS_VERSION_NUMBER:
        raise LibraryError(
            f"recsys: {path} is librecsys {found}; this package needs {WANTED} or a newer one of "
            f"the same soname ({SONAME}). Install that version, or set RECSYS_LIBRARY to its file.")


def load() -> tuple[ctypes.CDLL, str]:
    """The library, with all functions declared, and the path it came from."""
    path = _candidate()
    library = _open(path, "librecsys", "Install librecsys, or set RECSYS_LIBRARY to the file of "
                    f"librecsys.{SONAME}.")
    _check_version(library, path)
    _declare(library, path, "core")
    return library, path


def load_adapter(name: str, core: str) -> Any:
    """librecsys-redis, -postgres or -mlflow, from where the library `core` came from."""
    folder = os.path.dirname(core)
    beside = os.path.join(folder, f"librecsys-{name}.{SONAME}")
    path = beside if folder and os.path.isfile(beside) else f"librecsys-{name}.{SONAME}"
    library = _open(path, f"librecsys-{name}", f"It needs {NEEDS[name]}.")
    _declare(library, path, name)
    return library
