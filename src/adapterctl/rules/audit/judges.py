"""The model that judges an adapter's answers ends, too: without it nobody can compare it as before.

It gives no rebuild-by: the adapter serves on. What has to be done is another judge, beside the old
one while that still answers.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from adapterctl.rules.audit.endings import endings
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.findings import ENDINGS, Finding, Severity
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.standing import Standing

_MILDER: dict[Severity, Severity] = {"critical": "high", "high": "medium"}


def judge_ends(standing: Standing, almanac: Almanac, frame: Frame) -> Iterator[Finding]:
    """Yields the end in sight of the model that the recipe's evaluator asks, once per adapter."""
    judge = standing.choice.judge if standing.choice else None
    if judge is None or not standing.leads:
        return
    lead_days = standing.status.lead_days
    status = almanac.status_on(frame.today, base=judge, serving=[], lead_days=lead_days)
    asked = msgspec.structs.replace(standing, base=judge, serving=[], status=status, passed=None)
    for found in endings(asked, almanac, frame):
        if found.code in ENDINGS:
            yield msgspec.structs.replace(
                found,
                severity=_MILDER.get(found.severity, found.severity),
                message=f"its evaluator's judge: {found.message}",
                slack_days=None,
                mend="name another judge in the recipe, and compare both on the champion's answers "
                "while this one still answers",
            )
