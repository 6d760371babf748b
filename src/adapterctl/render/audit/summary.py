"""What several formats say in the same words: who dies, who has to move, what was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from adapterctl.render.audit.view import View, adapter_of, owner_of
from adapterctl.render.table import fitting
from adapterctl.rules.audit.since import Changes, Seen
from adapterctl.rules.findings import ENDINGS, SEVERITIES, Audit, Finding, Skipped

OFFLINE = "Not asked (--offline): whether data, bases, packages and owners are still there."


def opening(audit: Audit) -> list[str]:
    """Returns the two lines a CTO asks for: what dies this quarter, who has to move."""
    known = [one for one in audit.findings if is_known(one)]
    return [_dying(audit, known), _moving(known)]


def _dying(audit: Audit, known: Sequence[Finding]) -> str:
    """Returns what dies this quarter, and by the end of the horizon.

    A quarter that ends beyond the horizon is not spoken of: nobody looked that far.
    """
    until, quarter = horizon(audit), quarter_end(audit.as_of)
    ahead = _until(known, until)
    dark = {adapter_of(one) for one in audit.findings if _is_dark(one)}
    unknown = f"; {len(dark):,} unknown" if dark else ""
    of = f"of {count(audit.adapters, 'adapter')}"
    if not ahead:
        return f"Dying by {until}: none known, {of}{unknown}."
    if until < quarter:
        return f"Dying by {until}: {ahead:,} {of}{unknown}."
    soon = _until(known, quarter)
    this = f"{soon:,} {of}" if soon else f"none known, {of}"
    return f"Dying this quarter: {this}; by {until}: {ahead:,}{unknown}."


def is_known(finding: Finding) -> bool:
    """Whether it is about an end that somebody promised and nobody has accepted."""
    firm = finding.code in ENDINGS and finding.slack_days is not None
    return firm and finding.waived_until is None


def _is_dark(finding: Finding) -> bool:
    return finding.code == "EOL004" and finding.waived_until is None


def _until(known: Sequence[Finding], day: date) -> int:
    """Returns how many adapters end no later than a day, or did."""
    return len({adapter_of(one) for one in known if one.date and one.date <= day})


def horizon(audit: Audit) -> date:
    """Returns the last day that the audit looked at."""
    return audit.as_of + timedelta(days=min(audit.horizon_days, (date.max - audit.as_of).days))


def quarter_end(day: date) -> date:
    """Returns the last day of the calendar quarter that a day is in."""
    month = (day.month - 1) // 3 * 3 + 3
    return date(day.year, month, 31 if month in {3, 12} else 30)


def _moving(known: Sequence[Finding]) -> str:
    if not known:
        return "Has to move: nobody, as far as dates are known."
    return fitting("Has to move: ", movers(known), end=".")


def movers(known: Sequence[Finding]) -> list[str]:
    """Returns each owner with the number of adapters and of those that are late."""
    by_owner: dict[str, dict[str, bool]] = {}
    for one in known:
        adapters = by_owner.setdefault(owner_of(one), {})
        adapter = adapter_of(one)
        adapters[adapter] = adapters.get(adapter, False) or (one.slack_days or 0) < 0
    ordered = sorted(by_owner.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return [_mover(owner, late=sum(a.values()), total=len(a)) for owner, a in ordered]


def _mover(owner: str, *, late: int, total: int) -> str:
    return f"{owner} {total} ({late} late)" if late else f"{owner} {total}"


def since(changes: Changes | None) -> list[str]:
    """Returns one line about what became of an earlier answer, if there is one."""
    if changes is None:
        return []
    number = Counter(changes.changes)
    kinds = ", ".join(f"{number[kind]:,} {kind}" for kind in ("new", "worse", "unchanged"))
    return [f"Since {changes.since}: {kinds}, {len(changes.gone):,} gone."]


def closing(audit: Audit, view: View) -> list[str]:
    """Returns what was judged, what was found, and what nobody looked at."""
    versions = count(audit.versions, "version")
    retired = f"; {audit.retired} retired left out" if audit.retired else ""
    left = f"; {len(audit.skipped)} skipped" if audit.skipped else ""
    of = f"of {count(audit.adapters, 'adapter')}"
    found = Counter(one.severity for one in audit.findings)
    severities = [f"{found[each]} {each}" for each in SEVERITIES if found[each]]
    return [
        f"Judged on {audit.as_of}: {versions} {of}{retired}{left}.",
        fitting("Findings: ", severities or ["none"], end="."),
        *since(view.changes),
        *_scope(audit.asked),
    ]


def _scope(asked: Sequence[str] | None) -> list[str]:
    """Returns what was asked of the world, and what nobody looked at."""
    if asked is None:
        return [OFFLINE]
    here = [fitting("Asked: ", list(asked), end=".")] if asked else []
    return [*here, "Not judged here: the bytes themselves (adapterctl verify)."]


def people(finding: Finding) -> str:
    """Returns who has to move, in brackets; nothing where nobody is known."""
    return f" ({', '.join(finding.owners)})" if finding.owners else ""


def said(finding: Finding) -> str:
    """Returns what a finding says, and whom it affects."""
    affects = f"; affects {', '.join(finding.affects)}" if finding.affects else ""
    return finding.message + affects


def was(seen: Seen) -> str:
    """Returns a finding of an earlier answer that is gone."""
    return f"{seen.code} {seen.subject}"


def unjudged(skipped: Skipped) -> str:
    """Returns what could not be judged, why, and the mend."""
    mend = f"; {skipped.mend}" if skipped.mend else ""
    return f"{skipped.subject}: {skipped.reason}{mend}"


def count(number: int, noun: str) -> str:
    """Returns ``1 adapter``, ``2,000 adapters``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
