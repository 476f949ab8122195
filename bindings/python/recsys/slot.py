"""The place that holds the model served now."""
from __future__ import annotations

from typing import Optional

from ._held import Held, Owner, call, create
from ._native import lib
from .errors import StateError
from .model import Model


class Slot(Owner):
    """Holds the model that is served now; any thread may take it or replace it at any time.

    >>> from recsys.demo import model
    >>> slot = Slot(model())
    >>> slot.model.recommend(user_id=1, top_k=1).ids
    [3]
    >>> slot.swap(None)
    >>> slot.acquire() is None
    True
    """

    def __init__(self, model: Optional[Model] = None) -> None:
        self._held: Optional[Held] = create(lib.recsys_slot_create, lib.recsys_slot_destroy)
        if model is not None:
            self.swap(model)

    def acquire(self) -> Optional[Model]:
        """The current model, None if there is none. It stays valid as long as somebody has it."""
        held = self._open()
        pointer = lib.recsys_slot_acquire(held)
        return Model._of(pointer) if pointer else None

    @property
    def model(self) -> Model:
        """The current model. Raises StateError if there is none."""
        found = self.acquire()
        if found is None:
            raise StateError("no model is served")
        return found

    def swap(self, model: Optional[Model]) -> None:
        """Serve this model from now on; None serves none. Never waits for those that use the old
        one. Destroys replaced models that nobody uses any more."""
        next_held = None if model is None else model._open()
        call(lib.recsys_slot_swap, self._open(), next_held)

    def reap(self) -> int:
        """Destroy replaced models that nobody uses any more; how many are still in use."""
        held = self._open()
        return int(lib.recsys_slot_reap(held))

    @property
    def generation(self) -> int:
        """How many swaps there were."""
        held = self._open()
        return int(lib.recsys_slot_get_generation(held))
