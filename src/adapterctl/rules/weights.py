"""What a set of tensors is, told by their names and shapes: LoRA or not, its rank, its targets."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from adapterctl.records.noun import Noun

# PEFT: <module>.lora_A.weight, <module>.lora_embedding_A, <module>.lora_A.default.weight;
# Kohya and diffusers: <module>.lora_down.weight. The first axis of each is the rank.
_DOWN = re.compile(r"^(?P<module>.+)\.lora_(A|embedding_A|down)(\.|$)")
_LORA = re.compile(r"(^|[._])lora_")
_PEFT_PREFIX = "base_model.model."
_SHOWN_MODULES = 20


class Tensor(NamedTuple):
    """A tensor without its bytes."""

    name: str
    dtype: str
    shape: Sequence[int]


class Contents(Noun, frozen=True, kw_only=True):
    """What can be read from weights that nobody knows.

    Attributes:
        parameters: numbers in all tensors.
        dtypes: as safetensors names them, to how many tensors.
        ranks: LoRA rank to how many modules; empty without LoRA.
        target_modules: last part of a module's name to how many modules.
        beside: modules with tensors of another kind, at most 20; all of them without LoRA.
    """

    kind: Literal["LoRA", "not LoRA"]
    tensors: int
    parameters: int
    dtypes: dict[str, int]
    ranks: dict[str, int]
    target_modules: dict[str, int]
    beside: list[str]


class Name(Noun, frozen=True, kw_only=True):
    """One registered thing that has these very weights.

    Attributes:
        name: ``NAME@VERSION``, or the base's name.
        aliases: those that the version holds.
        config_differs: the folder's ``adapter_config.json`` is not the registered one: the same
            weights would compute something else; ``None`` where there is no config to compare.
        exact: every tensor agrees, its name included; else one holds the tensors of the other,
            as a shard or a renamed copy of a base does.
    """

    kind: Literal["adapter", "base"]
    name: str
    aliases: list[str] = []
    config_differs: bool | None = None
    exact: bool = True


class Named(Noun, frozen=True, kw_only=True):
    """A file by its content: what it is called, if anything here is it, and what it holds.

    Attributes:
        weights_sha256: over the sorted lines (tensor name, dtype, shape, sha256 of its bytes); a
            base's fingerprint is the same digest.
    """

    path: str
    weights_sha256: str
    names: list[Name]
    contents: Contents


def contents(tensors: Sequence[Tensor]) -> Contents:
    """Returns what the names and shapes of tensors say."""
    downs = [(found["module"], t) for t in tensors if (found := _DOWN.match(t.name))]
    others = [t.name for t in tensors if not _LORA.search(t.name)]
    return Contents(
        kind="LoRA" if downs else "not LoRA",
        tensors=len(tensors),
        parameters=sum(math.prod(t.shape) for t in tensors),
        dtypes=_counted(t.dtype for t in tensors),
        ranks=_counted(str(t.shape[0]) for _, t in downs if t.shape),
        target_modules=_counted(module.rpartition(".")[2] for module, _ in downs),
        beside=sorted({_module(name) for name in others})[:_SHOWN_MODULES],
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _module(name: str) -> str:
    return name.removeprefix(_PEFT_PREFIX).rpartition(".")[0] or name
