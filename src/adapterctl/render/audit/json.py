"""The contract's object, for scripts, and for ``--since``."""

from __future__ import annotations

from typing import Any

import msgspec

from adapterctl.render.answer import encoded
from adapterctl.render.audit.view import View
from adapterctl.rules.audit.since import Changes
from adapterctl.rules.findings import Audit


def render(audit: Audit, view: View) -> bytes:
    """Returns the answer in UTF-8, findings in the order of their rank.

    Compared with an earlier answer, each result has a key more, ``since``: new, worse or
    unchanged; and the answer has one: the day of the earlier one, what is gone, and what of it
    nobody looked at this time.
    """
    if view.changes is None:
        return encoded("audit", as_of=audit.as_of, results=audit.findings, skipped=audit.skipped)
    results = [
        {**msgspec.structs.asdict(finding), "since": change}
        for finding, change in zip(audit.findings, view.changes.changes, strict=True)
    ]
    return encoded(
        "audit",
        as_of=audit.as_of,
        results=results,
        skipped=audit.skipped,
        since=_since(view.changes),
    )


def _since(changes: Changes) -> dict[str, Any]:
    return {"as_of": changes.since, "gone": changes.gone, "unjudged": changes.unjudged}
