"""How much memory is free, and how much a step takes; measured on the device itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_UNKNOWN = 2**62
"""Free bytes where nothing says how many there are: every slot is admitted."""


class Meter:
    """Measures passes on one device; 0 where the system does not say."""

    def __init__(self, device: str) -> None:
        self._cuda = device.startswith("cuda")
        self._before = 0

    def free(self) -> int:
        """Returns the bytes that can still be had."""
        if self._cuda:
            unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
            return int(torch.cuda.mem_get_info()[0] + unused)
        available = _kib(_PROC / "meminfo", "MemAvailable")
        return min(_UNKNOWN if available is None else available, _within_limit())

    def start(self) -> None:
        """Begins to look for a peak."""
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
        else:
            _forget_peak()
            self._before = _kib(_PROC / "self/status", "VmRSS") or 0

    def peak(self) -> int:
        """Returns the bytes that were taken since `start` at the most."""
        if self._cuda:
            return max(0, int(torch.cuda.max_memory_allocated()) - self._before)
        return max(0, (_kib(_PROC / "self/status", "VmHWM") or 0) - self._before)

    def release(self) -> None:
        """Hands back what the allocator keeps for later."""
        if self._cuda:
            torch.cuda.empty_cache()


def held_bytes(tensors: Iterable[torch.Tensor], optimizer: torch.optim.Optimizer) -> int:
    """Returns the bytes of trained tensors and of what the optimizer keeps for them."""
    return sum(map(_size, tensors)) + sum(_size(state) for state in optimizer.state.values())


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that memory ran out; on the CPU it has no class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _size(held: Any) -> int:
    if isinstance(held, torch.Tensor):
        return int(held.numel() * held.element_size())
    return sum(map(_size, held.values())) if isinstance(held, Mapping) else 0


def _forget_peak() -> None:
    try:
        # Resets VmHWM: see proc(5).
        (_PROC / "self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def _within_limit() -> int:
    """Returns what a container's own limit leaves; files in the page cache can be dropped."""
    limit, used = _text(_CGROUP / "memory.max"), _text(_CGROUP / "memory.current")
    if not (limit.isdigit() and used.isdigit()):
        return _UNKNOWN
    lines = (line.split() for line in _text(_CGROUP / "memory.stat").splitlines())
    cached = dict(line for line in lines if len(line) == 2).get("inactive_file", "0")
    return int(limit) - int(used) + int(cached)


def _kib(file: Path, key: str) -> int | None:
    for line in _text(file).splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return 1024 * int(value.split()[0])
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
