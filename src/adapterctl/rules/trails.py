"""Two trails side by side: where a rebuilt adapter first leaves the recorded one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from adapterctl.records.version import TrailStep


class Divergence(NamedTuple):
    """The first step that differs; ``None`` where one trail has already ended."""

    step: int
    recorded: TrailStep | None
    rebuilt: TrailStep | None
    fields: tuple[str, ...]


def first_difference(
    recorded: Sequence[TrailStep], rebuilt: Sequence[TrailStep]
) -> Divergence | None:
    """Returns where two trails first differ, or ``None`` when they are the same.

    Floats stand as ``float.hex``, so any difference counts. ``fields`` names what differs at that
    step, and is empty when one trail ends before it. A weights digest that only one side has
    (another ``logging_steps``) is no difference.
    """
    for old, new in zip_longest(recorded, rebuilt):
        if old is None or new is None:
            present = old or new
            return Divergence(present.step, old, new, ()) if present else None
        fields = tuple(_differing(old, new))
        if fields:
            return Divergence(old.step, old, new, fields)
    return None


def _differing(old: TrailStep, new: TrailStep) -> list[str]:
    found = [
        field
        for field in ("step", "loss", "learning_rate", "grad_norm")
        if getattr(old, field) != getattr(new, field)
    ]
    digests = {old.weights_sha256, new.weights_sha256} - {None}
    return [*found, "weights_sha256"] if len(digests) > 1 else found
