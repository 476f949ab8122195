#!/usr/bin/env python3
"""The library as a Python binding would use it: ctypes, no compiled extension, in about 60 lines.

Usage: ctypes_program.py LIBRECSYS.SO BUNDLE

Load, batch, session, arrays without copies, cache with a callback, swap. Structs are declared in
the few fields that are used; sizes are those of tests/abi/layout.expected.
"""
import ctypes as c
import pathlib
import re
import sys

lib = c.CDLL(sys.argv[1])
layout = (pathlib.Path(__file__).parents[1] / "abi/layout.expected").read_text()
SIZE = {name: int(size) for name, size in re.findall(r"^struct (\w+) size (\d+)$", layout, re.M)}
OFFSET = {name: int(at) for name, at in re.findall(r"^field (\S+) offset (\d+)", layout, re.M)}
CONST = {name: int(value) for name, value in re.findall(r"^const (\w+) (-?\d+)$", layout, re.M)}


class Id(c.Structure):
    _fields_ = [("text", c.c_char_p), ("number", c.c_uint64)]


class Bytes(c.Structure):
    _fields_ = [("data", c.c_char_p), ("size", c.c_size_t)]


class Value(c.Structure):
    _fields_ = [("data", c.c_void_p), ("size", c.c_size_t), ("hold", c.c_void_p), ("release", c.c_void_p)]


class Array(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_uint32), ("n_dims", c.c_uint32),
                ("shape", c.c_uint64 * 2), ("strides", c.c_int64 * 2), ("reserved", c.c_uint64 * 2)]


def struct(name, n=1, **fields):
    """n sized structs in one buffer: all zero but struct_size and the given fields of the first."""
    buffer = c.create_string_buffer(SIZE[name] * n)
    for i in range(n):
        c.c_uint32.from_buffer(buffer, i * SIZE[name]).value = SIZE[name]
    for field, (kind, value) in fields.items():
        set_field(buffer, name, field, kind, value)
    return buffer


def set_field(buffer, name, field, kind, value, i=0):
    at = i * SIZE[name] + OFFSET[f"{name}.{field}"]
    c.memmove(c.addressof(buffer) + at, c.byref(value if isinstance(value, kind) else kind(value)),
              c.sizeof(kind))


def call(function, *arguments):
    err = c.create_string_buffer(512)
    status = getattr(lib, function)(*arguments, err)
    if status != 0:
        raise RuntimeError(f"{function}: {status}: {err.raw[8:].split(bytes(1))[0].decode()}")


def create(function, *arguments):
    out = c.c_void_p()
    call(function, *arguments, c.byref(out))
    return out


model = create("recsys_model_load", sys.argv[2].encode(), None)
recommender = create("recsys_recommender_create", None)

# A batch of four users, straight into arrays of ours.
users, k = [0, 1, 2, 3], 5
requests = struct("recsys_request", len(users))
for i, user in enumerate(users):
    set_field(requests, "recsys_request", "user", Id, Id(None, user), i)
    set_field(requests, "recsys_request", "k", c.c_uint32, k, i)
    set_field(requests, "recsys_request", "flags", c.c_uint32, CONST["RECSYS_REQUEST_INCLUDE_ADULT"], i)
rows, scores = (c.c_uint32 * (4 * k))(), (c.c_float * (4 * k))()
items, counts = (Id * (4 * k))(), (c.c_uint32 * 4)()
call("recsys_recommend_into", recommender, model, requests, c.c_size_t(4), c.c_size_t(k), items, rows,
     scores, counts, None, None)
assert list(counts) == [k] * 4 and list(scores[:k]) == sorted(scores[:k], reverse=True)

# The same numbers from arrays that are not copied: a row is a view into the mapped file.
array = Array()
call("recsys_model_get_array", model, b"item_ids", c.byref(array))
ids = (c.c_int64 * array.shape[0]).from_address(array.data)
assert [ids[row] for row in rows] == [item.number for item in items]
call("recsys_model_get_array", model, b"item_factors", c.byref(array))
best = (c.c_float * array.shape[1]).from_address(array.data + array.strides[0] * rows[0])
lib.recsys_link_score.restype = c.c_float
assert len(best) == array.shape[1] and any(best)

# A session: what was liked just now, by somebody without an id.
liked = (Id * 2)(items[0], items[1])
session = struct("recsys_request", flags=(c.c_uint32, CONST["RECSYS_REQUEST_ANONYMOUS"]),
                 liked=(c.c_void_p, c.addressof(liked)), n_liked=(c.c_size_t, 2), k=(c.c_uint32, k))
reply = struct("recsys_reply")
call("recsys_recommend", recommender, model, session, c.c_size_t(1), reply)
lib.recsys_reply_get_item.restype = c.POINTER(Id)
answer = [lib.recsys_reply_get_item(reply, i)[0].number for i in range(k)]
assert not set(answer) & {item.number for item in liked}

# A cache with a callback: the loader runs once, and what it raises comes out of the call.
store = create("recsys_store_create_memory", b"python", None)
cache = create("recsys_aside_create", store, None)
lib.recsys_store_unref(store)  # the cache holds a reference of its own
loads = []
LOADER = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p)


@LOADER
def loader(load, user_data, err):
    loads.append(user_data)
    if len(loads) > 1:
        return lib.recsys_error_set(c.c_void_p(err), CONST["RECSYS_E_BACKEND"], b"the table is gone")
    return lib.recsys_aside_load_set(c.c_void_p(load), Bytes(b"[1,2]", 5), c.c_uint64(0), 0, 0,
                                     c.c_void_p(err))


for _ in range(3):
    value, outcome = Value(), c.c_uint32()
    call("recsys_aside_get_or_load", cache, Bytes(b"user:1", 6), loader, None, 0, c.byref(value),
         c.byref(outcome))
    assert c.string_at(value.data, value.size) == b"[1,2]"
    lib.recsys_value_release(c.byref(value))
assert len(loads) == 1 and outcome.value == CONST["RECSYS_ASIDE_HIT"]
try:
    call("recsys_aside_get_or_load", cache, Bytes(b"user:2", 6), loader, None, 0, c.byref(value), None)
    raise AssertionError("a failing loader went unnoticed")
except RuntimeError as error:
    assert "the table is gone" in str(error)
lib.recsys_aside_destroy(cache)

# A swap: the model that a reader holds outlives the slot.
slot = create("recsys_slot_create")
call("recsys_slot_swap", slot, model)
lib.recsys_slot_acquire.restype = c.c_void_p
held = c.c_void_p(lib.recsys_slot_acquire(slot))
call("recsys_slot_swap", slot, create("recsys_model_load", sys.argv[2].encode(), None))
lib.recsys_slot_destroy(slot)
lib.recsys_model_unref(model)
call("recsys_recommend", recommender, held, requests, c.c_size_t(1), reply)
lib.recsys_model_unref(held)
lib.recsys_recommender_destroy(recommender)
print("ctypes: load, batch, session, arrays, cache, swap: ok")
