"""A safetensors file's header: eight bytes of little-endian length, JSON, then raw tensors."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput

_LFS_POINTER = b"version https://git-lfs"
_MAX_HEADER = 100_000_000  # the safetensors library's own limit
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip


class TensorPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A tensor as a header declares it; ``start`` and ``size`` in bytes of the file."""

    name: str
    dtype: str
    shape: list[int]
    start: int
    size: int


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read_layout(path: Path) -> list[TensorPlace]:
    """Returns the tensors that a file declares, in order of their places.

    Raises:
        InvalidInput: missing, truncated, a Git LFS pointer, not safetensors, or tensors whose
            places overlap, leave holes, or do not fit their type and shape.
    """
    size, raw = _raw_header(path)
    first = 8 + len(raw)
    entries = _entries(path, raw)
    places = [_place(path, name, entry, first=first) for name, entry in entries.items()]
    places.sort(key=lambda place: (place.start, place.size))
    _check_places(path, places, first=first, size=size)
    return places


def damaged(path: Path, what: str) -> InvalidInput:
    """Returns the error for a file whose bytes cannot be what was published."""
    return InvalidInput.one(what, place=str(path), hint="fetch the file again")


def _raw_header(path: Path) -> tuple[int, bytes]:
    """Returns the file's size and its header."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            _check_start(path, start, size)
            return size, file.read(int.from_bytes(start, "little"))
    except OSError as error:
        raise InvalidInput.one(
            f"cannot read: {error.strerror}", place=str(path), hint="fetch the file again"
        ) from None


def _check_start(path: Path, start: bytes, size: int) -> None:
    if len(start) == 8 and _LFS_POINTER.startswith(start):
        raise InvalidInput.one(
            "a Git LFS pointer, not the weights", place=str(path), hint="git lfs pull"
        )
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > _MAX_HEADER or length > size - 8:
        raise damaged(path, f"not safetensors, or cut off in its header ({size} bytes)")


def _entries(path: Path, raw: bytes) -> dict[str, _Entry]:
    try:
        content = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        content.pop("__metadata__", None)
        return {name: msgspec.json.decode(entry, type=_Entry) for name, entry in content.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(path, f"its header is not a safetensors header: {error}") from None


def _place(path: Path, name: str, entry: _Entry, *, first: int) -> TensorPlace:
    begin, end = entry.data_offsets
    shape = entry.shape
    if {"\t", "\n"} & set(name):
        raise damaged(path, f"the tensor name {name!r} holds a tab or a line break")
    if not 0 <= begin <= end or any(length < 0 for length in shape):
        raise damaged(path, f"tensor {name!r} has impossible offsets: {begin} to {end}")
    bits = _BITS.get(entry.dtype)
    if bits is not None and math.prod(shape) * bits != (end - begin) * 8:
        what = f"tensor {name!r} has {end - begin} bytes, which {entry.dtype} {shape} does not take"
        raise damaged(path, what)
    start, size = first + begin, end - begin
    return TensorPlace(name=name, dtype=entry.dtype, shape=shape, start=start, size=size)


def _check_places(path: Path, places: Sequence[TensorPlace], *, first: int, size: int) -> None:
    """Refuses tensors that overlap, leave holes, or end before or after the file does."""
    reached = first
    for place in places:
        if place.start != reached:
            word = "overlaps the tensor before it" if place.start < reached else "follows a hole"
            raise damaged(path, f"tensor {place.name!r} {word}")
        reached += place.size
    if reached > size:
        raise damaged(path, f"truncated: {reached} bytes are declared, {size} are there")
    if reached < size:
        raise damaged(path, f"its last {size - reached} bytes belong to no tensor")
