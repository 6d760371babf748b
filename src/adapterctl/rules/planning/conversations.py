"""What another chat template makes of the same conversations."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping

from adapterctl.records.canonical import digest
from adapterctl.records.noun import Noun, Sha256

SHOWN = 3
"""As many rows are shown whole."""

_REFUSED = "(the template refuses this conversation)"


class RowDifference(Noun, frozen=True, kw_only=True):
    """One row on both sides; ``diff`` is a unified diff of its rendered text."""

    row: int
    diff: list[str]


class Conversations(Noun, frozen=True, kw_only=True):
    """Probe rows of the training set as both chat templates render them.

    Attributes:
        rows: how many conversations were compared.
        differing: how many of them are rendered otherwise.
        old_sha256: over the rendered rows on the old base; ``new_sha256`` on the successor.
        frame: a unified diff of one conversation with its roles in the place of its contents.
        shown: a few rows with their text; empty for sensitive data.
    """

    rows: int
    differing: int
    old_sha256: Sha256
    new_sha256: Sha256
    frame: list[str]
    shown: list[RowDifference]


Sides = tuple[str | None, str | None]
"""A text on the old base and on the successor; ``None`` where a template refuses it."""


def compare_rendered(
    texts: Mapping[int, Sides], frame: Sides, *, names: tuple[str, str], sensitive: bool
) -> Conversations:
    """Returns what differs between two renderings of the same rows.

    Args:
        texts: row number to its text on both sides.
        frame: one conversation without contents, on both sides.
        names: of the old base and the successor.
        sensitive: leave out all that was said.
    """
    differing = [row for row, (old, new) in texts.items() if old != new]
    private = sensitive or not differing
    return Conversations(
        rows=len(texts),
        differing=len(differing),
        old_sha256=_digest(old for old, _ in texts.values()),
        new_sha256=_digest(new for _, new in texts.values()),
        frame=[] if private else _diff(frame, names),
        shown=[]
        if private
        else [RowDifference(row=row, diff=_diff(texts[row], names)) for row in differing[:SHOWN]],
    )


def _digest(texts: Iterable[str | None]) -> str:
    return digest([None if text is None else _sha(text) for text in texts])


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _diff(sides: Sides, names: tuple[str, str]) -> list[str]:
    old, new = ((_REFUSED if side is None else side).splitlines() for side in sides)
    return list(difflib.unified_diff(old, new, *names, n=1, lineterm=""))
