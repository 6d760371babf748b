"""How many adapters may train at once: by bytes that were measured, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 1.25
"""What is asked for beyond what was measured: allocators round up, and steps differ."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What decides an adapter's memory.

    Attributes:
        parameters: how many numbers it trains.
        tokens: in its largest pass; padding counts where there is some.
    """

    parameters: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the first step of one adapter took.

    Attributes:
        need: of that adapter; its ``tokens`` are those of the pass that was measured.
        held: bytes that it goes on holding: weights, optimizer.
        peak: bytes that a pass took beyond that and gave back.
    """

    need: Need
    held: int
    peak: int


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Bytes per trained parameter, and per token of a pass."""

    per_parameter: float
    per_token: float


def costs(samples: Sequence[Sample]) -> Costs:
    """Returns the largest costs seen; at least one sample is needed."""
    return Costs(
        per_parameter=max(each.held / max(each.need.parameters, 1) for each in samples),
        per_token=max(each.peak / max(each.need.tokens, 1) for each in samples),
    )


def admits(
    wanted: Need, *, beside: Sequence[Need], new: Sequence[Need], costs: Costs, free: int
) -> bool:
    """Whether another adapter fits.

    Slots take turns, so each holds its own weights at all times, and one at a time a pass.

    Args:
        wanted: what the next adapter needs.
        beside: what those need that train already.
        new: those of them that have not taken a step, and do not hold all that they will.
        costs: as measured.
        free: bytes that nobody holds now.
    """
    held = sum(each.parameters for each in (wanted, *new)) * costs.per_parameter
    widest = max(each.tokens for each in (wanted, *beside)) * costs.per_token
    return free >= MARGIN * (held + widest)
