"""Checkpoints: whole or absent, and known by their digests.

A checkpoint is a folder that appears by being renamed, with the sha256 of each file inside. What
was being written when the process was killed is not seen; what was damaged later is passed over
for the one before. There are no flushes to disk: after a power cut the digests decide.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from adapterctl.records.version import TrailStep
from adapterctl.training.whole_folders import appearing

_STATE, _TRAIL, _DIGESTS = "state.pt", "trail.json", "digests.json"
_KEPT = 2


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a slot stands after ``step`` optimizer steps.

    Attributes:
        tensors: the trainable tensors by name.
        optimizer: its ``state_dict``.
        scheduler: its ``state_dict``.
        tokens: real tokens learned from so far.
        seconds: time spent so far.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    scheduler: dict[str, Any]
    tokens: int
    seconds: float
    trail: list[TrailStep]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint into ``folder`` and removes all but the newest two.

    Raises:
        AdapterctlError: the folder cannot be written; what was there before is untouched.
    """
    final = folder / f"step-{checkpoint.step:08d}"
    with appearing(final, what="a checkpoint") as partial:
        _write(partial, checkpoint)
    _tidy(folder, final.name)


def newest(folder: Path) -> Checkpoint | None:
    """Returns the newest checkpoint whose digests are right, if there is one."""
    return next(_whole(folder), None)


def _tidy(folder: Path, last: str) -> None:
    """Keeps the newest; whatever lies after the last is damaged, for training came from before."""
    names = sorted(path.name for path in folder.glob("step-*"))
    before = [name for name in names if name <= last]
    for name in {*names} - {*before[-_KEPT:]}:
        shutil.rmtree(folder / name, ignore_errors=True)


def forget(work_dir: Path) -> None:
    """Removes the checkpoints of a job; call it once its adapter is kept elsewhere."""
    shutil.rmtree(work_dir, ignore_errors=True)


def _whole(folder: Path) -> Iterator[Checkpoint]:
    for candidate in sorted(folder.glob("step-*"), reverse=True):
        if _is_whole(candidate):
            yield _read(candidate)


def _is_whole(folder: Path) -> bool:
    try:
        digests = msgspec.json.decode((folder / _DIGESTS).read_bytes(), type=dict[str, str])
        return all(_sha256(folder / name) == digests[name] for name in (_STATE, _TRAIL))
    except (OSError, KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return False


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    fields = {**vars(checkpoint)}
    (folder / _TRAIL).write_bytes(msgspec.json.encode(fields.pop("trail")))
    # Through memory: torch.save reports a full disk as RuntimeError, a file as OSError.
    buffer = io.BytesIO()
    torch.save(fields, buffer)
    (folder / _STATE).write_bytes(buffer.getbuffer())
    digests = {name: _sha256(folder / name) for name in (_STATE, _TRAIL)}
    (folder / _DIGESTS).write_bytes(msgspec.json.encode(digests))


def _read(folder: Path) -> Checkpoint:
    fields = torch.load(folder / _STATE, map_location="cpu", weights_only=True)
    trail = msgspec.json.decode((folder / _TRAIL).read_bytes(), type=list[TrailStep])
    return Checkpoint(**fields, trail=trail)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
