"""The trail (B3): what each optimizer step came to, so that the first one that differs is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch

from adapterctl.records.canonical import compact, listing_digest
from adapterctl.records.version import TrailStep

_DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def weights_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Returns the sha256 over the sorted lines (name, dtype, shape, sha256 of the bytes).

    Names of types and the form of the lines are those of a safetensors file's digest, so that the
    last step's equals the saved adapter's.
    """
    return listing_digest(_line(name, tensor) for name, tensor in tensors.items())


def trail_digest(trail: Sequence[TrailStep]) -> str:
    """Returns the sha256 over the steps as canonical JSON lines."""
    return hashlib.sha256(b"".join(compact(step) + b"\n" for step in trail)).hexdigest()


def _line(name: str, tensor: torch.Tensor) -> str:
    content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    shape = ",".join(map(str, tensor.shape))
    return f"{name}\t{_DTYPES[tensor.dtype]}\t[{shape}]\t{hashlib.sha256(content).hexdigest()}"
