"""How much memory a training takes, from what was counted on the architecture without weights.

The states of what is trained are those of Rajbhandari et al., ZeRO (arXiv:1910.02054, section
3.1), in float32: 4 bytes of weight and 4 of gradient for each trained parameter, and 8 of moments
with Adam. The frozen base has weights alone. Activations follow no formula that would hold for
every family (Korthikanti et al., arXiv:2205.05198, give one for GPT with all weights trained): they
are counted, operation by operation, as the forward and backward pass of the largest batch makes
and frees them on torch's meta device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import TrainingSettings

TOLERANCE = 0.1
"""By so much of it an estimate may miss the measured peak; tests hold it to that."""

_FLOAT = 4


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What was counted on a base without weights.

    Attributes:
        weights: bytes of the base's own weights, as they are held.
        shapes: of the trained tensors.
        passing: bytes alive at most within a forward and backward pass, gradients among them;
            ``None`` where this architecture could not be followed.
        rows: in the largest pass.
        tokens: in the largest pass, padding among them where it pads.
    """

    weights: int
    shapes: Sequence[Sequence[int]]
    passing: int | None
    rows: int
    tokens: int


class Memory(Noun, frozen=True, kw_only=True):
    """Bytes that training takes at its peak, beside what Python and torch themselves take.

    Attributes:
        weights: of the frozen base.
        adapter: of what is trained.
        gradients: of what is trained.
        optimizer: what it keeps for them.
        activations: all else of the largest pass; ``None`` where they could not be counted.
        total: the sum; without the activations it is the least that training takes.
        source: what was counted, and for which pass.
    """

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int | None
    total: int
    source: str


def memory(counted: Counted, training: TrainingSettings) -> Memory:
    """Returns what training with these settings takes."""
    trained = sum(map(prod, counted.shapes)) * _FLOAT
    kept = _kept(counted.shapes, training)
    passing = counted.passing
    return Memory(
        weights=counted.weights,
        adapter=trained,
        gradients=trained,
        optimizer=kept,
        activations=None if passing is None else max(0, passing - trained),
        total=counted.weights + trained + kept + max(passing or 0, trained),
        source=_source(counted),
    )


def note_on_room(found: Memory, free: int) -> Iterator[str]:
    """Yields what to do where training would take more than is free."""
    if found.total > free:
        yield (
            f"training takes about {found.total / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free "
            "here: lower training.per_device_train_batch_size and raise "
            "gradient_accumulation_steps as much, or set gradient_checkpointing: true"
        )


def _kept(shapes: Sequence[Sequence[int]], training: TrainingSettings) -> int:
    """Returns what the optimizer keeps: two moments with Adam, their margins with Adafactor."""
    if training.optim == "sgd":
        return 0
    if training.optim == "adafactor":
        return _FLOAT * sum(sum(shape) if len(shape) > 1 else prod(shape) for shape in shapes)
    return 2 * _FLOAT * sum(map(prod, shapes))


def _source(counted: Counted) -> str:
    of = f"a pass of {counted.rows:,} rows and {counted.tokens:,} tokens"
    if counted.passing is None:
        return (
            f"weights and states alone: what {of} takes could not be counted on this architecture"
        )
    return f"counted on the architecture without weights, for {of}; within {TOLERANCE:.0%}"
