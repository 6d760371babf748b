"""Predictions written down briefly: which rows were right."""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.side_by_side import SideBySide


def answers(right: Sequence[bool], *, slices: Sequence[str] | None = None) -> list[Prediction]:
    """Returns one row per entry; a wrong one answers ``no`` where ``yes`` was wanted."""
    return [
        Prediction(
            id=str(n),
            output="yes" if is_right else "no",
            reference="yes",
            slice=None if slices is None else slices[n],
        )
        for n, is_right in enumerate(right)
    ]


def scored(**scores: Sequence[float]) -> list[Prediction]:
    """Returns rows with the given scores, by name."""
    rows = zip(*scores.values(), strict=True)
    return [
        Prediction(id=str(n), output="", reference="", scores=dict(zip(scores, row, strict=True)))
        for n, row in enumerate(rows)
    ]


def outcomes(*, both: int, lost: int, gained: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Returns which rows were right before and which are now."""
    old = [True] * (both + lost) + [False] * (gained + neither)
    new = [True] * both + [False] * lost + [True] * gained + [False] * neither
    return old, new


def side_by_side(
    *,
    both: int = 0,
    lost: int = 0,
    gained: int = 0,
    neither: int = 0,
    name: str = "gold",
    metrics: Sequence[str] = ("accuracy",),
    bare: Sequence[bool] | None = None,
) -> SideBySide:
    """Returns a set of labels with these paired outcomes."""
    old, new = outcomes(both=both, lost=lost, gained=gained, neither=neither)
    return SideBySide(
        set=name,
        metrics=list(metrics),
        old=answers(old),
        candidate=answers(new),
        bare=None if bare is None else answers(bare),
    )
