"""A folder of published models: versions and aliases."""
from __future__ import annotations

import ctypes
import json
import os
from ctypes import byref
from typing import Any, NamedTuple, Optional, Union

from ._held import Caught, Held, Owner, call, create, take
from ._native import abi, adapter, lib, new
from .errors import Error, error_of
from .interrupt import interruptible
from .model import Model

Path = Union[str, os.PathLike[str]]


class Location(NamedTuple):
    """One published version: name, version, and the absolute path of its bundle, "" if that was not
    fetched yet. `stamp` is another text if the version may be another one than before. `kept`: the
    registry did not answer, and this is what it said last."""

    name: str
    version: str
    path: str
    stamp: str = ""
    kept: bool = False


class RegistryStatus(NamedTuple):
    """How a registry has answered. `kept`: it has not answered yet, and what it said last was taken
    instead. Unix times in milliseconds, 0 = never; last_error is the last failure, or None."""

    kept: bool
    answered_ms: int
    failed_ms: int
    last_error: Optional[Error]


class Entry(NamedTuple):
    """One version, or an alias of one; `alias` is None for a version itself."""

    name: str
    version: str
    alias: Optional[str]


class MlflowStats(NamedTuple):
    """HTTP requests, and those that failed; bundles downloaded, or in the cache already; bytes of
    files; files that broke off and went on, or began again; bundles removed from the cache."""

    requests: int
    failures: int
    downloads: int
    hits: int
    bytes: int
    resumed: int
    restarted: int
    evictions: int
    cache_bytes: int


def _location(filled: Any) -> Location:
    return Location(filled.name.decode(), filled.version.decode(), os.fsdecode(filled.path),
                    filled.stamp.decode(), bool(filled.flags & abi.RECSYS_REGISTRY_KEPT))


def _filled(location: Location) -> Any:
    out = new(abi.recsys_registry_location)
    out.name, out.version = location.name.encode(), location.version.encode()
    out.path, out.stamp = os.fsencode(location.path), location.stamp.encode()
    out.flags = abi.RECSYS_REGISTRY_KEPT if location.kept else 0
    return out


class Registry(Owner):
    """Published models. Registry(folder) is a folder: ROOT/NAME/<version>/ and aliases that point at versions.

    Any number of processes publish, move aliases and read at the same time.

    >>> import tempfile
    >>> from recsys.demo import folder
    >>> registry = Registry(tempfile.mkdtemp())
    >>> registry.publish(folder(), "demo").version
    '1'
    >>> registry.set_alias("demo", "champion", "1")
    >>> registry.load("models:/demo@champion")
    <Model demo 1: 4 users, 6 items, 2 dimensions>
    >>> [entry.alias for entry in registry.list()]
    [None, 'champion']
    """

    def __init__(self, root: Path) -> None:
        """`root` must exist."""
        self._held: Optional[Held] = create(lib.recsys_registry_open, lib.recsys_registry_unref,
                                            os.fsencode(root))

    @classmethod
    def mlflow(cls, url: str, *, cache: Optional[Path] = None, cache_bytes: int = 0,
               timeout_ms: int = 0, stall_timeout_ms: int = 0, download_timeout_ms: int = 0,
               user: Optional[str] = None, password: Optional[str] = None,
               password_file: Optional[Path] = None, token: Optional[str] = None,
               token_file: Optional[Path] = None, ca_file: Optional[Path] = None,
               workspace: Optional[str] = None, host: Optional[str] = None) -> Registry:
        """The models of an MLflow server, 2.9 or newer; it is asked when it is first used. Bundles
        are kept in `cache`, by default below ~/.cache. publish() and set_alias() raise
        UnsupportedError: log and register models with recsys.mlflow and MLflow's own client.

        0 = 16 GiB of cache, 10 s for each question, 30 s without progress and an hour for a
        download."""
        library, options = adapter("mlflow"), new(abi.recsys_mlflow_options)
        if cache is None:
            folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
            cache = os.path.join(folder, "recsys", "mlflow")
        options.timeout_ms, options.cache_bytes = timeout_ms, cache_bytes
        options.stall_timeout_ms = stall_timeout_ms
        options.download_timeout_ms = download_timeout_ms
        for name, given in (("cache", cache), ("user", user), ("password", password),
                            ("password_file", password_file), ("token", token),
                            ("token_file", token_file), ("ca_file", ca_file),
                            ("workspace", workspace), ("host", host)):
            setattr(options, name, None if given is None else os.fsencode(given))
        made = cls.__new__(cls)
        made._held = create(library.recsys_mlflow_create, lib.recsys_registry_unref, url.encode(),
                            byref(options))
        return made

    def mlflow_stats(self) -> MlflowStats:
        """Counts of a registry that Registry.mlflow() made."""
        out = new(abi.recsys_mlflow_stats)
        call(adapter("mlflow").recsys_mlflow_get_stats, self._open(), byref(out))
        return MlflowStats(out.requests, out.failures, out.downloads, out.hits, out.bytes,
                           out.resumed, out.restarted, out.evictions, out.cache_bytes)

    def publish(self, bundle: Path, name: str) -> Location:
        """Check the bundle and copy it into the registry as the next version of `name`."""
        held, out = self._open(), new(abi.recsys_registry_location)
        interruptible(_publish, held, os.fsencode(bundle), name.encode(), out)
        return _location(out)

    def resolve(self, uri: str) -> Location:
        """The version that a URI means now: models:/NAME/3, models:/NAME/latest,
        models:/NAME@ALIAS. Its bundle is fetched if it is not here yet."""
        out = new(abi.recsys_registry_location)
        interruptible(_resolve, self._open(), uri.encode(), out)
        return _location(out)

    def find(self, uri: str) -> Location:
        """As resolve(), but fetches nothing: one request to a server."""
        out = new(abi.recsys_registry_location)
        call(lib.recsys_registry_find, self._open(), uri.encode(), byref(out))
        return _location(out)

    def fetch(self, location: Location) -> Location:
        """Fetch the bundle of what find() has found."""
        filled = _filled(location)
        interruptible(_fetch, self._open(), filled)
        return _location(filled)

    def describe(self, location: Location) -> dict[str, Any]:
        """A version beyond its bundle, as far as the registry can: metrics, params and tags of the
        training for an MLflow server, nothing for a folder."""
        value = abi.recsys_value()
        call(lib.recsys_registry_describe, self._open(), byref(_filled(location)), byref(value))
        described: dict[str, Any] = json.loads(take(value))
        return described

    def status(self) -> RegistryStatus:
        """How the registry has answered find() and resolve()."""
        out = new(abi.recsys_registry_status)
        call(lib.recsys_registry_get_status, self._open(), byref(out))
        failed = out.failure
        return RegistryStatus(
            bool(out.kept), out.answered_ms, out.failed_ms,
            error_of(failed.status, failed.message, failed.sys_errno) if out.failed_ms else None)

    def load(self, uri: str, **options: Any) -> Model:
        """Load the model that a URI means now; the options are those of Model()."""
        return Model(self.resolve(uri).path, **options)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias at a version."""
        call(lib.recsys_registry_set_alias, self._open(), name.encode(), alias.encode(),
             str(version).encode())

    def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias. Raises NotFound if there is none."""
        call(lib.recsys_registry_remove_alias, self._open(), name.encode(), alias.encode())

    def list(self, name: Optional[str] = None) -> list[Entry]:
        """All versions, oldest first, then all aliases, by name; of one model or of all."""
        found: list[Entry] = []

        def add(address: int, _user_data: int) -> int:
            entry = abi.recsys_registry_entry.from_address(address)
            found.append(Entry(entry.name.decode(), entry.version.decode(),
                               entry.alias.decode() if entry.alias else None))
            return 0

        caught = Caught()
        caught.call(lib.recsys_registry_list, self._open(),
                    None if name is None else name.encode(),
                    abi.recsys_registry_callback(caught.guard(add)), None)
        return found


def _publish(held: Held, bundle: bytes, name: bytes, out: Any) -> None:
    call(lib.recsys_registry_publish, held, bundle, name, ctypes.byref(out))


def _resolve(held: Held, uri: bytes, out: Any) -> None:
    call(lib.recsys_registry_resolve, held, uri, ctypes.byref(out))


def _fetch(held: Held, location: Any) -> None:
    call(lib.recsys_registry_fetch, held, ctypes.byref(location))
