"""Which of several models answers a user."""
from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_size_t, c_uint32
from operator import index

from ._held import call
from ._native import abi, lib
from .errors import InvalidArgument
from .ids import Id, to_id

SPLIT_WHOLE: int = abi.RECSYS_SPLIT_WHOLE


def split(salt: str, user: Id, shares: Sequence[int]) -> int:
    """The index of the share of all users that `user` belongs to; len(shares) for one of the rest.

    The same arguments give the same answer in every process and every later release; another salt
    splits in another way.

    shares  hundredths of a percent of all users, together at most SPLIT_WHOLE

    >>> [split("autumn", user, [1000, 2000]) for user in (1, 2, 42)]
    [1, 0, 2]
    """
    place = c_size_t()
    for share in shares:  # ctypes would keep the low bits of another one
        if not 0 <= index(share) <= SPLIT_WHOLE:
            raise InvalidArgument(f"a share lies between 0 and {SPLIT_WHOLE}; this one is {share}")
    given = (c_uint32 * len(shares))(*shares)
    call(lib.recsys_split_find, salt.encode(), to_id(user), given, len(shares), byref(place))
    return place.value
