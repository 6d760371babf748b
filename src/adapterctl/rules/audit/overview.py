"""An audit as a whole: each version's line, the ends of bases, what is to be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.base import Base
from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.rules.aliases import aliases
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.findings import SEVERITIES, Audit, Finding, Severity, Skipped
from adapterctl.rules.grades import Grade
from adapterctl.rules.lifecycle.base_ends import BaseEnds, base_ends
from adapterctl.rules.standing import Standing
from adapterctl.rules.timeline import Happening, timeline


class Line(Noun, frozen=True, kw_only=True):
    """One judged version with what was found about it and about its base, waived ones left out."""

    standing: Standing
    grade: Grade
    findings: list[Finding]

    @property
    def severity(self) -> Severity | None:
        """The worst that was found."""
        return min((one.severity for one in self.findings), key=SEVERITIES.index, default=None)

    @property
    def owner(self) -> str:
        """The owning team, or nothing."""
        return next(iter(self.standing.owners), "")


class Task(Noun, frozen=True, kw_only=True):
    """Findings that say the same of several subjects; one each is a task, too."""

    findings: list[Finding]

    @property
    def first(self) -> Finding:
        """The one that ranks highest."""
        return self.findings[0]

    @property
    def owners(self) -> list[str]:
        """Everyone who has to move, those of the first finding first."""
        return list(dict.fromkeys(team for one in self.findings for team in one.owners))


class Overview(Noun, frozen=True, kw_only=True):
    """The audit with the versions and bases that it is about.

    Attributes:
        until: the last day within the horizon.
        only: what it was cut to, in words; nothing for a whole project.
    """

    audit: Audit
    lines: list[Line]
    until: date
    ends: list[BaseEnds]
    tasks: list[Task]
    waived: list[Finding]
    only: list[str] = []


class Dossier(Noun, frozen=True, kw_only=True):
    """All that is said of one adapter.

    Attributes:
        lines: its judged versions, the one that speaks for it first.
        records: every version that can be read, the newest first.
        held: version to the aliases that it holds.
        skipped: what could not be judged or read of it.
    """

    adapter: str
    lines: list[Line]
    records: list[AnyRecord]
    held: dict[int, list[str]]
    happenings: list[Happening]
    waived: list[Finding]
    skipped: list[Skipped]

    @property
    def leader(self) -> Line:
        """The line that speaks for the adapter."""
        return self.lines[0]


class Written(Noun, frozen=True, kw_only=True):
    """A report that stands: where, how many pages it has, and what they are about."""

    out: str
    pages: int
    adapters: int
    findings: int


def overview(
    audit: Audit,
    standings: Sequence[Standing],
    bases: Mapping[str, Base],
    *,
    only: Sequence[str] = (),
) -> Overview:
    """Returns the audit with its lines, ends of bases and tasks in the order of urgency."""
    frame = Frame(today=audit.as_of, horizon_days=audit.horizon_days)
    live = [one for one in audit.findings if one.waived_until is None]
    return Overview(
        audit=audit,
        lines=_lines(standings, live),
        until=frame.until,
        ends=base_ends(standings, bases, frame),
        tasks=tasks(live),
        waived=[one for one in audit.findings if one.waived_until is not None],
        only=list(only),
    )


def adapter_of(said: Finding | Skipped) -> str:
    """Returns the name of the adapter that something is said of, else its subject as it stands."""
    return said.subject.removeprefix("adapter:").partition("@")[0]


def _lines(standings: Iterable[Standing], live: Iterable[Finding]) -> list[Line]:
    about: dict[str, list[Finding]] = {}
    for one in live:
        about.setdefault(one.subject, []).append(one)
    lines = [
        Line(
            standing=standing,
            grade=standing.grade,
            findings=[
                *about.get(f"adapter:{standing.name}", []),
                *about.get(f"base:{standing.base}", []),
            ],
        )
        for standing in standings
    ]
    return sorted(lines, key=_urgency)


def _urgency(line: Line) -> tuple[bool, int, int, str, int]:
    standing, severity = line.standing, line.severity
    slack = standing.status.slack_days
    worst = SEVERITIES.index(severity) if severity else len(SEVERITIES)
    return (slack is None, slack or 0, worst, standing.adapter, standing.version)


def tasks(ranked: Iterable[Finding]) -> list[Task]:
    """Returns findings that say the same in the same words together, in the order of their rank."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for one in ranked:
        said = (one.code, one.severity, one.message, one.date, one.slack_days)
        groups.setdefault(said, []).append(one)
    return [Task(findings=findings) for findings in groups.values()]


def dossier(
    adapter: str,
    lines: Sequence[Line],
    *,
    records: Sequence[AnyRecord],
    events: Sequence[Event],
    waived: Iterable[Finding],
    skipped: Iterable[Skipped],
) -> Dossier:
    """Returns what is said of one adapter, put in order."""
    held: dict[int, list[str]] = {}
    for alias, version in aliases(events).items():
        held.setdefault(version, []).append(alias)
    return Dossier(
        adapter=adapter,
        lines=sorted(lines, key=lambda line: (not line.standing.leads, -line.standing.version)),
        records=sorted(records, key=lambda record: -record.version),
        held=held,
        happenings=timeline(records, events),
        waived=list(waived),
        skipped=list(skipped),
    )
