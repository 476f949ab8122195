"""Load, check, use and roll back the model that is served."""
from __future__ import annotations

import ctypes
from collections.abc import Collection
from ctypes import byref
from typing import Any, NamedTuple, Optional

from ._held import Caught, Held, Owner, call, create
from ._native import abi, lib, new
from .errors import Error, StateError, error_of
from .ids import Id, to_id
from .interrupt import interruptible
from .model import Model, model_options
from .registry import Registry


ALLOW = {"id_kind": abi.RECSYS_DEPLOYMENT_ALLOW_ID_KIND,
         "no_catalog": abi.RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG,
         "no_seen": abi.RECSYS_DEPLOYMENT_ALLOW_NO_SEEN}


NONE = 2**32 - 1  # of a number whose 0 means the default


class Deployed(NamedTuple):
    """One of the models that a deployment has; since_ms is Unix time in milliseconds."""

    name: str
    version: str
    fingerprint: str
    since_ms: int


class DeploymentStatus(NamedTuple):
    """The state of a deployment. last_error is the failure of the last step that failed, or None."""

    active: Optional[Deployed]
    previous: Optional[Deployed]
    candidate: Optional[Deployed]
    loading: bool
    n_swaps: int
    n_failures: int
    n_retired: int
    last_error: Optional[Error]
    last_error_ms: int
    step: str = "none"  # what the step that runs does: find, fetch, load, warm, check, swap
    step_since_ms: int = 0
    watching: bool = False  # the active model is new, and its recorded answers are watched
    n_withdrawn: int = 0  # rollbacks because of recorded answers
    n_answers: int = 0  # recorded, of the active model
    n_failed_answers: int = 0
    n_empty_answers: int = 0
    n_recent: int = 0  # recorded requests that are kept to warm up a candidate
    memory_bytes: int = 0  # of the three models, mapped or not
    needed_bytes: int = 0  # estimated for the last model that was to be loaded
    max_memory: int = 0
    n_failed_polls: int = 0  # in a row, for a reason that may pass


class Event(NamedTuple):
    """Something that happened to a deployment: a model began to be served, or a step failed."""

    kind: str  # "served" or "failed"
    time_ms: int  # Unix time
    took_ms: int  # of the step until then
    step: str
    source: str
    name: str
    version: str
    fingerprint: str
    error: Optional[Error]
    message: str


def _entry(entry: Any) -> Optional[Deployed]:
    if not entry.fingerprint:
        return None
    return Deployed(entry.name.decode(), entry.version.decode(), entry.fingerprint.decode(),
                    entry.since_ms)


class Deployment(Owner):
    """A slot with the operator's steps around it: load, use, rollback, reload.

    If a step fails, the active model goes on serving. Steps that load run one at a time; use() and
    rollback() do not wait for a load, and acquire() waits for no step.

    source           the model that load() and reload() load: a models:/ URI or a path
    registry         for models:/ URIs
    n_canaries       queries that a candidate must answer; 0 = 32
    min_items_ratio  candidate's items / active's items; 0 = 0.5; negative = no check
    allow            rules that a candidate may break: "id_kind" (ids of another kind),
                     "no_catalog", "no_seen" (it lacks them, and the active model has them)
    min_overlap, max_score_shift, max_empty_share
                     limits beyond which a candidate is rejected, each from 0 to 1; 0 = none
    n_recent         recorded requests that are kept to warm up a candidate; 0 = 256, None = none
    watch_s          for so many seconds a new model is watched by record(); 0 = 300, None = never
    watch_min_answers, max_error_rise, max_empty_rise
                     after so many answers (0 = 100), a share of failed or empty ones that is higher
                     by more than this than the model's before rolls it back; 0 = 0.2, negative =
                     no limit
    max_memory       bytes that the models, and the one that is loaded, may have together; 0 = no
                     limit
    history          path of a file that keeps events() for the next start; max_history of them (0 =
                     200)
    poll_interval_ms, max_poll_wait_ms, poll_jitter
                     of poll_wait(); 0 = 30000, 10 intervals, 0.1
    options          those of Model(): skip_hashes, max_bytes, ...

    >>> from recsys.demo import folder
    >>> deployment = Deployment(folder())
    >>> deployment.load(); deployment.use()
    >>> deployment.model.recommend(user_id=1, top_k=1).ids
    [3]
    >>> deployment.status().active.version
    '1'
    """

    def __init__(self, source: Optional[str] = None, *, registry: Optional[Registry] = None,
                 n_canaries: int = 0, min_items_ratio: float = 0.0, allow: Collection[str] = (),
                 min_overlap: float = 0.0, max_score_shift: float = 0.0,
                 max_empty_share: float = 0.0, n_recent: Optional[int] = 0,
                 watch_s: Optional[int] = 0, watch_min_answers: int = 0,
                 max_error_rise: float = 0.0, max_empty_rise: float = 0.0, max_memory: int = 0,
                 history: Optional[str] = None, max_history: int = 0, poll_interval_ms: int = 0,
                 max_poll_wait_ms: int = 0, poll_jitter: float = 0.0,
                 **options: Any) -> None:
        made, loading = new(abi.recsys_deployment_options), model_options(**options)
        kept = None if registry is None else registry._open()
        made.n_canaries, made.min_items_ratio = n_canaries, min_items_ratio
        made.min_overlap, made.max_score_shift = min_overlap, max_score_shift
        made.max_empty_share, made.watch_min_answers = max_empty_share, watch_min_answers
        made.max_error_rise, made.max_empty_rise = max_error_rise, max_empty_rise
        made.n_recent = NONE if n_recent is None else n_recent
        made.watch_s = NONE if watch_s is None else watch_s
        made.max_memory, made.max_history, made.poll_jitter = max_memory, max_history, poll_jitter
        made.poll_interval_ms, made.max_poll_wait_ms = poll_interval_ms, max_poll_wait_ms
        made.history = None if history is None else str(history).encode()
        for name in allow:
            if name not in ALLOW:
                raise ValueError(f"allow: some of {', '.join(ALLOW)}, not {name!r}")
            made.flags |= ALLOW[name]
        made.registry = None if kept is None else kept.pointer
        if options:
            made.model_options = ctypes.addressof(loading)
        self._held: Optional[Held] = create(
            lib.recsys_deployment_create, lib.recsys_deployment_destroy,
            None if source is None else str(source).encode(), byref(made))

    def acquire(self) -> Optional[Model]:
        """The active model, None if there is none. It stays valid as long as somebody has it."""
        held = self._open()
        pointer = lib.recsys_deployment_acquire(held)
        return Model._of(pointer) if pointer else None

    @property
    def model(self) -> Model:
        """The active model. Raises StateError if there is none."""
        found = self.acquire()
        if found is None:
            raise StateError("no model is active: load() and use() one")
        return found

    def load(self, source: Optional[str] = None) -> None:
        """Load and check a model as the candidate; None = the deployment's own source.
        Raises Rejected if the canary refuses it."""
        interruptible(_step, lib.recsys_deployment_load, self._open(),
                      None if source is None else str(source).encode())

    def load_model(self, model: Model) -> None:
        """Make a model that you have loaded the candidate, after the same check."""
        held = model._open()
        interruptible(_step, lib.recsys_deployment_load_model, self._open(), held)

    def use(self, version: Optional[str] = None) -> None:
        """Serve the candidate; Conflict if it is not of the version that you expect."""
        call(lib.recsys_deployment_use, self._open(),
             None if version is None else str(version).encode())

    def rollback(self) -> None:
        """Serve the previous model again."""
        call(lib.recsys_deployment_rollback, self._open())

    def reload(self) -> bool:
        """Load and use the model that the source names now; whether another model serves."""
        changed = ctypes.c_uint32()
        interruptible(_step, lib.recsys_deployment_reload, self._open(), byref(changed))
        return bool(changed.value)

    def poll(self) -> bool:
        """reload() if the source means something that was not loaded or refused before; whether
        another model serves. Made to be called every few seconds."""
        changed = ctypes.c_uint32()
        interruptible(_step, lib.recsys_deployment_poll, self._open(), byref(changed))
        return bool(changed.value)

    def record(self, model: Model, answers: int = 1, *, failed: int = 0, empty: int = 0,
               user_id: Optional[Id] = None, top_k: int = 10) -> None:
        """Say how requests were answered by a model that acquire() gave: of `answers`, so many
        failed, and so many of the others have no item. If a new model answers worse than the one
        before it, this call rolls back. A user_id is kept, to warm up the next candidate."""
        request = None
        if user_id is not None:
            asked = new(abi.recsys_request)
            asked.user, asked.k = to_id(user_id), top_k
            request = byref(asked)
        held = model._open()
        call(lib.recsys_deployment_record, self._open(), held, request, answers, failed, empty)

    def reap(self) -> int:
        """Destroy replaced models that nobody uses any more; how many are still in use."""
        held = self._open()
        return int(lib.recsys_deployment_reap(held))

    def status(self) -> DeploymentStatus:
        """The state now; does not wait for a step that runs."""
        out = new(abi.recsys_deployment_status)
        call(lib.recsys_deployment_get_status, self._open(), byref(out))
        failed = out.last_error
        return DeploymentStatus(
            _entry(out.active), _entry(out.previous), _entry(out.candidate), bool(out.loading),
            out.n_swaps, out.n_failures, out.n_retired,
            error_of(failed.status, failed.message, failed.sys_errno) if out.last_error_ms else None,
            out.last_error_ms, lib.recsys_deployment_step_name(out.step).decode(),
            out.step_since_ms, bool(out.watching), out.n_withdrawn, out.n_answers,
            out.n_failed_answers, out.n_empty_answers, out.n_recent, out.memory_bytes,
            out.needed_bytes, out.max_memory, out.n_failed_polls)

    def poll_wait(self) -> int:
        """How many milliseconds to wait before the next poll()."""
        return int(lib.recsys_deployment_get_poll_wait(self._open()))

    def events(self) -> list[Event]:
        """The history, oldest first: what served when, and why steps failed."""
        found: list[Event] = []

        def take(address: int, _user_data: int) -> int:
            seen = abi.recsys_deployment_event.from_address(address)
            failed = seen.kind == abi.RECSYS_DEPLOYMENT_FAILED
            found.append(Event(
                "failed" if failed else "served", seen.time_ms, seen.took_ms,
                seen.step.decode(), seen.source.decode(), seen.name.decode(),
                seen.version.decode(), seen.fingerprint.decode(),
                error_of(seen.status, seen.message, 0) if failed else None,
                seen.message.decode()))
            return 0

        caught = Caught()
        caught.call(lib.recsys_deployment_list, self._open(),
                    abi.recsys_deployment_callback(caught.guard(take)), None)
        return found


def _step(function: Any, held: Held, argument: Any) -> None:
    call(function, held, argument)
