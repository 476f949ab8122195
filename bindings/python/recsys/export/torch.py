"""from_torch: the two nn.Embedding of a PyTorch model, with biases if there are some.

Takes a module or its state dict. The tables are found by their names; where that leaves a choice,
the message lists it and the caller names them. A row that nn.Embedding was told to pad with
(padding_idx) is no user and no item, and is left out.
"""
from __future__ import annotations

import re
from typing import Any, Mapping, Optional

import numpy as np

from ..builder import Builder
from .parts import Parts, ratings_link

SIDES = {"user": r"(^|[._])(user|u|p|uid|customer|query)s?([._]|$)|user",
         "item": r"(^|[._])(item|i|q|iid|movie|product|candidate)s?([._]|$)|item|movie"}


def from_torch(model: Any, *, users: Optional[str] = None, items: Optional[str] = None,
               user_bias: Optional[str] = None, item_bias: Optional[str] = None, global_mean: float = 0.0,
               padding: Optional[bool] = None, rating_range: Optional[tuple[float, float]] = None,
               link: Optional[str] = None, metric: str = "inner_product", user_ids: Any = None,
               item_ids: Any = None, seen: Any = None, catalogue: Any = None,
               name: Optional[str] = None) -> Builder:
    """A builder of an nn.Module or a state dict whose score is bias + bias + inner product.

    users, items, user_bias, item_bias   names in the state dict; None: found by name
    padding        True: row 0 of both tables is padding, as RecBole has it; None: as the module's
                   padding_idx says
    user_ids, item_ids, seen   without the padding row
    rating_range   for a model of ratings: the link is linear between these; else it is sigmoid
    """
    state = {key: value for key, value in state_of(model).items() if hasattr(value, "shape")}
    tables = {"user": users or find_table(state, "user", items), "item": items or find_table(state, "item", users)}
    biases = {"user": user_bias or find_bias(state, "user", tables), "item": item_bias or find_bias(state, "item", tables)}
    pads = padding_rows(model, padding, tables)
    arrays = {side: without_row(to_numpy(state, tables[side]), pads[side]) for side in tables}
    columns = {side: None if biases[side] is None else
               without_row(to_numpy(state, str(biases[side])).reshape(-1), pads[side]) for side in biases}
    return Parts("torch", arrays["user"], arrays["item"], columns["user"], columns["item"], user_ids,
                 item_ids, seen, metric, link or ("sigmoid" if rating_range is None else ratings_link(rating_range)),
                 rating_range, global_mean, catalogue=catalogue, name=name).builder()


def state_of(model: Any) -> Mapping[str, Any]:
    if isinstance(model, Mapping):
        return model
    if hasattr(model, "state_dict"):
        found: Mapping[str, Any] = model.state_dict()
        return found
    raise TypeError(f"from_torch: {type(model).__name__} is neither a module nor a state dict")


def find_table(state: Mapping[str, Any], side: str, other: Optional[str]) -> str:
    """The only matrix of more than one column whose name says this side."""
    width = None if other is None else state[other].shape[1]
    tables = [key for key, value in state.items() if len(value.shape) == 2 and value.shape[1] > 1 and
              key != other and (width is None or value.shape[1] == width)]
    named = [key for key in tables if re.search(SIDES[side], key.lower()) and "bias" not in key.lower()]
    if len(named) == 1:
        return named[0]
    shapes = ", ".join(f"{key} {list(state[key].shape)}" for key in named or tables)
    raise ValueError(f"from_torch: which is the table of {side}s? Give {side}s=; there are: {shapes or 'none'}")


def find_bias(state: Mapping[str, Any], side: str, tables: Mapping[str, str]) -> Optional[str]:
    """The only [n] or [n,1] with "bias" and this side in its name, one number a row; or None."""
    n = state[tables[side]].shape[0]
    other = "item" if side == "user" else "user"
    found = [key for key, value in state.items() if "bias" in key.lower() and
             tuple(value.shape) in ((n,), (n, 1)) and re.search(SIDES[side], key.lower()) and
             not re.match(SIDES[other], key.lower())]
    if len(found) > 1:
        raise ValueError(f"from_torch: which is the bias of {side}s? Give {side}_bias=: {', '.join(found)}")
    return found[0] if found else None


def padding_rows(model: Any, padding: Optional[bool], tables: Mapping[str, str]) -> dict[str, Optional[int]]:
    rows: dict[str, Optional[int]] = {}
    modules = dict(model.named_modules()) if hasattr(model, "named_modules") else {}
    for side, key in tables.items():
        module = modules.get(key.rpartition(".")[0])
        rows[side] = getattr(module, "padding_idx", None) if padding is None else 0 if padding else None
    return rows


def without_row(array: np.ndarray, row: Optional[int]) -> np.ndarray:
    return array if row is None else np.delete(array, row, axis=0)


def to_numpy(state: Mapping[str, Any], key: str) -> np.ndarray:
    """Through float32: NumPy has no bfloat16."""
    if key not in state:
        raise ValueError(f"from_torch: no {key!r} in the state dict; there are: {', '.join(state)}")
    return np.asarray(state[key].detach().float().cpu().numpy())
