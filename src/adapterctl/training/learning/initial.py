"""Where a slot starts: each tensor drawn from its own key, or read from a file.

A tensor's draw depends on the slot's seed and the tensor's own name alone: not on what else is
initialised, in which order, or on which device.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from adapterctl.errors import Mismatch, NotFound


def derived_seed(*parts: object) -> int:
    """Returns 63 bits of the sha256 of ``parts`` joined by colons."""
    text = ":".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def low_rank_a(name: str, shape: tuple[int, ...], *, seed: int) -> torch.Tensor:
    """Returns A as PEFT draws it: uniform, Kaiming with a = sqrt(5); B starts at zero."""
    tensor = torch.empty(shape)
    torch.nn.init.kaiming_uniform_(
        tensor, a=math.sqrt(5), generator=torch.Generator().manual_seed(derived_seed(seed, name))
    )
    return tensor


def fresh_module(name: str, template: torch.nn.Module, *, base: Any, seed: int) -> torch.nn.Module:
    """Returns a module shaped like ``template``, initialised as transformers would.

    Args:
        name: the module's name in the base.
        template: the module on a twin; may be without weights.
        base: the ``PreTrainedModel`` whose family's way to initialise is used.
    """
    module = copy.deepcopy(template).to_empty(device="cpu").float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, name))
        for part in module.modules():
            base._init_weights(part)
    return module


def given_weights(file: Path, *, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Returns the tensors of an adapter's file, to start from.

    Raises:
        NotFound: there is no such file.
        Mismatch: it is not a safetensors file, or holds other names or shapes than ``shapes``.
    """
    if not file.is_file():
        raise NotFound("no such file of initial weights", place=str(file))
    try:
        tensors: dict[str, torch.Tensor] = load_file(file)
    except SafetensorError as error:
        raise Mismatch(f"cannot be read: {error}", place=str(file)) from error
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(name for name in shapes.keys() | found if shapes.get(name) != found.get(name))
    if wrong:
        raise Mismatch(
            f"{len(wrong)} tensors do not match the adapter to train, first {wrong[0]!r}: "
            f"{found.get(wrong[0], 'absent')} instead of {shapes.get(wrong[0], 'absent')}",
            place=str(file),
            hint="start from weights of the same base, rank and target modules",
        )
    return tensors
