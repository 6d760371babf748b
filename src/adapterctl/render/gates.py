"""The gates of a registration, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from adapterctl.rules.gates import Gate


def results(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """Returns findings that also say whether they refuse the registration."""
    return [{**msgspec.to_builtins(each.finding), "refuses": each.refuses} for each in gates]


def as_text(gates: Sequence[Gate]) -> str:
    """Returns every gap with its mend: those that refuse first."""
    return "\n".join(_lines(gates))


def _lines(gates: Sequence[Gate]) -> Iterator[str]:
    refusing = sum(each.refuses for each in gates)
    if refusing:
        subject = gates[0].finding.subject.removeprefix("adapter:")
        yield f"{subject} is not registered: {refusing} of its gaps would make it an orphan"
    for each in gates:
        finding = each.finding
        state = "REFUSED" if each.refuses else "warning"
        if finding.waived_until is not None:
            state = f"accepted until {finding.waived_until}"
        yield f"{state}  {finding.code}  {finding.message}"
        if finding.mend and finding.waived_until is None:
            yield f"         mend: {finding.mend}"
    if refusing:
        codes = " ".join(
            f"--accept {code}" for code in sorted({e.finding.code for e in gates if e.refuses})
        )
        yield f"To accept what cannot be mended yet: {codes} --reason TEXT --until DATE"
