"""What an import found, folder by folder, and in sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date

from adapterctl.render.adopted import release_text
from adapterctl.render.answer import envelope
from adapterctl.render.table import table, wrapped
from adapterctl.rules.adoption.adopted import Imported

TITLES = ("ADAPTER", "GRADE", "TYPE", "PEFT", "BASE")

SHOWN = 40
"""So many lines are read by a person; of more, the first are shown and the rest is counted."""


def as_json(results: Sequence[Imported], *, as_of: date) -> str:
    """Returns the contract's object."""
    return envelope("import", as_of=as_of, results=results)


def as_text(results: Sequence[Imported], *, new: Collection[str]) -> str:
    """Returns a line per adapter, every folder that was not taken, and the sums."""
    taken = [one for one in results if one.error is None]
    failed = [one for one in results if one.error is not None]
    lines = [*_table(taken), *_failed(failed)]
    return "\n".join([*lines, *([""] if lines else []), *_summary(taken, failed, new)])


def _table(taken: Sequence[Imported]) -> list[str]:
    if not taken:
        return []
    more = len(taken) - SHOWN
    rest = [f"and {more:,} more: adapterctl list"] if more > 0 else []
    return [*table(TITLES, [_cells(one) for one in taken[:SHOWN]]), *rest]


def _cells(one: Imported) -> tuple[str, ...]:
    return (
        f"{one.adapter}@{one.version}",
        one.grade or "-",
        one.peft_type or "-",
        release_text(one.peft_release) if one.peft_release.min else "-",
        one.base or one.base_stated or "not stated",
    )


def _failed(failed: Sequence[Imported]) -> list[str]:
    """Returns every word of why; paths stay on one line, so that they can be copied."""
    words = [f"  {line}" for one in failed for line in (one.error or "").splitlines()]
    return ["", "Not taken", *words] if words else []


def _summary(
    taken: Sequence[Imported], failed: Sequence[Imported], new: Collection[str]
) -> list[str]:
    grades = Counter(one.grade or "-" for one in taken)
    counted = ", ".join(f"{number:,} of grade {grade}" for grade, number in sorted(grades.items()))
    gaps = Counter(code for one in taken for code in one.gaps)
    known = len(taken) - len(new)
    lines = [f"{len(new):,} imported, {known:,} known already, {len(failed):,} not taken"]
    lines += [f"  {counted}"] if counted else []
    lines += wrapped(" ".join(f"{n:,}×{code}" for code, n in sorted(gaps.items())), indent="  ")
    return [*lines, *(["  MLflow follows with: adapterctl sync"] if new else [])]
