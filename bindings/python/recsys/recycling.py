"""The ready domains of the recycling service: users, characters, centres, guides, chats, tasks.

They belong to one service, so `import recsys` does not import them; docs/caching-protocol.md lists
their keys.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from ctypes import byref
from typing import Any, Optional

from ._held import Held, call, take
from ._native import abi, lib
from .domains import Domains
from .store import to_bytes


class Recycling(Domains):
    """A set that has the ready domains. All answers are what JSON gives: dicts and lists."""

    @staticmethod
    def _fill(held: Held) -> None:
        call(lib.recsys_recycling_add_domains, held)

    def _json(self, function: Any, *arguments: Any) -> Any:
        held, out = self._open(), abi.recsys_value()
        more = (None,) if function in _WITH_OUTCOME else ()
        call(function, held, *arguments, byref(out), *more)
        return json.loads(take(out))

    def update_user(self, user_id: str, members: Mapping[str, Any]) -> Any:
        """Change name, email, phone, avatar_url or preferences; the whole profile after it."""
        return self._json(lib.recsys_recycling_update_user, user_id.encode(),
                          to_bytes(json.dumps(members)))

    def gain_experience(self, user_id: str, amount: int, award_id: Optional[str] = None) -> Any:
        """Give a character experience, once for each award_id; its state, with "leveled_up" and
        "awarded"."""
        return self._json(lib.recsys_recycling_gain_experience, user_id.encode(), amount,
                          None if award_id is None else award_id.encode())

    def find_nearby(self, latitude: float, longitude: float, radius_km: int) -> Any:
        """The nearest recycling centres, at most 20; "distance" is in metres."""
        return self._json(lib.recsys_recycling_find_nearby, latitude, longitude, radius_km)

    def search_guides(self, keyword: str) -> Any:
        """Guides whose title or content contains the keyword, at most 50."""
        return self._json(lib.recsys_recycling_search_guides, keyword.encode())

    def add_message(self, user_id: str, message: str, response: str) -> Any:
        """Store a message and its answer; the new row."""
        return self._json(lib.recsys_recycling_add_message, user_id.encode(), message.encode(),
                          response.encode())

    def get_task(self, task_id: str) -> Any:
        """A Celery task's result, as its worker wrote it to logical db 9."""
        return self._json(lib.recsys_recycling_get_task, task_id.encode())


_WITH_OUTCOME = (lib.recsys_recycling_find_nearby, lib.recsys_recycling_search_guides)
