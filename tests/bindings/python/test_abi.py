"""Structs and constants of the binding are those that the C compiler sees."""
import ctypes
import re

from conftest import TOP
from recsys._native import abi

LAYOUT = (TOP / "tests/abi/layout.expected").read_text()


def test_every_struct_has_the_size_and_offsets_of_c():
    sizes = re.findall(r"^struct (\w+) size (\d+)$", LAYOUT, re.M)
    assert len(sizes) > 30
    for name, size in sizes:
        assert ctypes.sizeof(getattr(abi, name)) == int(size), name
    fields = re.findall(r"^field (\w+)\.(\w+) offset (\d+) size (\d+)$", LAYOUT, re.M)
    assert len(fields) > 200
    for struct, field, offset, size in fields:
        found = getattr(getattr(abi, struct), field)
        assert (found.offset, found.size) == (int(offset), int(size)), (struct, field)


def test_every_constant_has_the_value_of_c():
    found = [(name, int(value)) for name, value in
             re.findall(r"^const (\w+) (-?\d+)$", LAYOUT, re.M) if not re.search(r"_SIZE_V\d+$", name)]
    assert len(found) > 80
    for name, value in found:
        assert getattr(abi, name) in (value, value & 0xFFFFFFFFFFFFFFFF), name


def test_no_struct_of_the_binding_is_missing_in_the_comparison():
    ours = {name for name in vars(abi) if name.startswith("recsys_") and
            isinstance(getattr(abi, name), type) and issubclass(getattr(abi, name), ctypes.Structure)}
    assert ours <= set(re.findall(r"^struct (\w+) size", LAYOUT, re.M))
