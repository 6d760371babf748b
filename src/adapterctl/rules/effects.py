"""Whether an adapter does anything: what was seen of it on its base, and what that says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from adapterctl.errors import Problem


class Fit(NamedTuple):
    """How an adapter's tensors fit a base.

    Attributes:
        faults: keys missing, unexpected or misshapen, counted and named; empty when all fit.
        unmatched: target modules that pick no module of the base.
    """

    faults: str
    unmatched: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether every tensor and every target module found its place."""
        return not self.faults and not self.unmatched


class Effect(NamedTuple):
    """What LoRA changes in the answers to some rows; a head that came along stays on.

    Attributes:
        rows: how many were asked.
        changed: how many were answered otherwise, be it in the last bit.
        largest: the largest difference of a score.
    """

    rows: int
    changed: int
    largest: float


def misfits(fit: Fit, *, place: str) -> Iterator[Problem]:
    """Yields why the adapter is not the one for this base (WGT002)."""
    hint = "take the base it was trained on, or correct lora.target_modules"
    if fit.faults:
        what = f"WGT002 the adapter does not fit its base: {fit.faults}"
        yield Problem(place=place, what=what, hint=hint)
    if fit.unmatched:
        what = f"WGT002 target modules that the base does not have: {', '.join(fit.unmatched)}"
        yield Problem(place=place, what=what, hint=hint)


def idle(effect: Effect, *, place: str) -> Iterator[Problem]:
    """Yields that the adapter changes nothing (WGT001)."""
    if effect.changed == 0:
        yield Problem(
            place=place,
            what=f"WGT001 the adapter changes nothing: {effect.rows} rows are answered to the "
            "last bit as without it",
            hint="train longer, or with a higher learning rate or a shorter warm-up",
        )


def any_rows(task: str) -> list[dict[str, str]]:
    """Returns prepared rows that need no data: LoRA that does anything shows in any answer."""
    texts = ("what is this about", "please answer in one word", "the quick brown fox")
    if task == "CAUSAL_LM":
        return [{"prompt": text, "completion": text} for text in texts]
    return [{"text": text} for text in texts]
