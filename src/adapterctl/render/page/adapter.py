"""One adapter's page: how it stands, its dates, versions, parity reports and pins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import RebuiltFrom, VersionRecord
from adapterctl.render.history import details
from adapterctl.render.page.axis import axis_of
from adapterctl.render.page.index import GRADES
from adapterctl.render.page.intervals import Interval, intervals
from adapterctl.render.page.writing import filled
from adapterctl.render.parity_sections import Section
from adapterctl.render.parity_sections import sections as tables
from adapterctl.render.parity_words import next_step, sentences
from adapterctl.render.show import sections
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.audit.overview import Dossier, Line, Overview
from adapterctl.rules.findings import Finding
from adapterctl.rules.lifecycle.base_ends import base_ends
from adapterctl.rules.standing import base_of

ELSEWHERE = ("Rebuilt", "Metrics")
"""Sections of a record that have a place of their own on the page."""


_DIGEST = re.compile(r"^(fp1:|sha256:)?[0-9a-f]{32,}(\.dir)?$")


@dataclass(frozen=True, kw_only=True)
class Version:
    """A line of the lineage."""

    record: AnyRecord
    base: str
    aliases: Sequence[str]
    imported: bool
    rebuilt: RebuiltFrom | None
    metrics: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A rebuilt version's parity report, ready to be shown."""

    version: int
    rebuilt: RebuiltFrom
    said: Sequence[str]
    next: str
    drawn: Sequence[Interval]
    tables: Sequence[Section]


def page(dossier: Dossier, seen: Overview) -> str:
    """Returns ``adapters/NAME.html``."""
    frame = Frame(today=seen.audit.as_of, horizon_days=seen.audit.horizon_days)
    bases = {ends.base: ends.declared for ends in seen.ends if ends.declared}
    ends = base_ends([line.standing for line in dossier.lines], bases, frame)
    clocks = [clock for each in ends for clock in each.clocks]
    return filled(
        "adapter.html.jinja",
        root="../",
        dossier=dossier,
        leader=dossier.leader,
        standing=dossier.leader.standing,
        purpose=_purpose(dossier),
        task=dossier.leader.standing.build.task,
        today=seen.audit.as_of,
        axis=axis_of(clocks, today=seen.audit.as_of, horizon=seen.until),
        ends=ends,
        findings=list(_findings(dossier)),
        versions=list(_versions(dossier)),
        comparisons=list(_comparisons(dossier)),
        pins=list(_pinned(dossier)),
        details=details,
        is_digest=_DIGEST.match,
        GRADES=GRADES,
    )


def _purpose(dossier: Dossier) -> str:
    choice = dossier.leader.standing.choice
    return choice.purpose if choice else ""


def _findings(dossier: Dossier) -> Iterator[Finding]:
    """Yields what was found about the adapter's versions and their bases, each once."""
    known: set[tuple[str, str, str]] = set()
    for line in dossier.lines:
        for one in line.findings:
            said = (one.code, one.subject, one.message)
            if said not in known:
                known.add(said)
                yield one


def _versions(dossier: Dossier) -> Iterator[Version]:
    bases = {line.standing.version: line.standing.base for line in dossier.lines}
    for record in dossier.records:
        built = record if isinstance(record, VersionRecord) else None
        metrics = built.metrics if built else {}
        yield Version(
            record=record,
            base=bases.get(record.version, base_of(record, None)),
            aliases=dossier.held.get(record.version, []),
            imported=built is None,
            rebuilt=built.rebuilt_from if built else None,
            metrics=", ".join(
                f"{name} {metric} {value:.3f}"
                for name, each in metrics.items()
                for metric, value in each.items()
            ),
        )


def _comparisons(dossier: Dossier) -> Iterator[Comparison]:
    for record in dossier.records:
        if isinstance(record, VersionRecord) and record.rebuilt_from is not None:
            report = _public(record, record.rebuilt_from.parity)
            yield Comparison(
                version=record.version,
                rebuilt=record.rebuilt_from,
                said=[*sentences(report), *report.notes],
                next=next_step(report, f"{dossier.adapter}@{record.version}"),
                drawn=list(intervals(report)),
                tables=list(tables(report)),
            )


def _public(record: VersionRecord, report: ParityReport) -> ParityReport:
    """Returns the report without the slices of sensitive sets: a slice is a word of its rows."""
    sensitive = {name for name, data in record.recipe.data.evaluation.items() if data.sensitive}
    metrics = [one for one in report.metrics if one.slice is None or one.set not in sensitive]
    return msgspec.structs.replace(report, metrics=metrics)


def _pinned(dossier: Dossier) -> Iterator[tuple[Line, list[tuple[str, list[tuple[str, str]]]]]]:
    """Yields each judged version with what its record pins."""
    records = {record.version: record for record in dossier.records}
    for line in dossier.lines:
        if line.standing.version in records:
            yield line, _pins(records[line.standing.version])


def _pins(record: AnyRecord) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns titles, each with its keys and values; those without a value are left out."""
    stated = [
        (title, [(key, value) for key, value in rows if value])
        for title, rows in sections(record)
        if title not in ELSEWHERE
    ]
    return [(title, rows) for title, rows in stated if rows]
