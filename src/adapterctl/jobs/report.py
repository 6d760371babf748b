"""The page: an audit with all that a reader may ask of it, and the folder it is written into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

from adapterctl.jobs.audit import audit_of
from adapterctl.jobs.lenient import Lenient
from adapterctl.jobs.project import Project, require
from adapterctl.jobs.survey import cut, survey
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.canonical import pretty
from adapterctl.records.event import Event
from adapterctl.rules.audit.overview import (
    Dossier,
    Line,
    Overview,
    Written,
    adapter_of,
    dossier,
    overview,
)
from adapterctl.rules.findings import Finding, Skipped
from adapterctl.stores.folders import must_be_replaceable, replace_folder

T = TypeVar("T")
S = TypeVar("S", Finding, Skipped)

MARKER = "report.json"
"""The file by which a folder is known to be a report."""

CONTENT = ("index.html", "adapters", "style.css", "page.js")
"""What else a report's folder holds."""


def examine(
    project: Project,
    *,
    out: Path,
    horizon_days: int | None = None,
    owner: str | None = None,
    base: str | None = None,
    every: bool = False,
    world: bool = False,
) -> Overview:
    """Audits the project for a report that will stand in ``out``; see `audit` for the rest.

    Raises:
        InvalidInput: ``out`` is no folder that a report may replace.
        MissingExtra: pages need Jinja.
    """
    require("jinja2", extra="formats", needed_for="the page")
    must_be_replaceable(out, marker=MARKER, known=CONTENT)
    cuts = {"owner": owner, "base": base}
    found = cut(survey(project, every=every), **cuts)
    judged = audit_of(project, found, horizon_days=horizon_days, world=world)
    only = [f"{what} {name}" for what, name in cuts.items() if name is not None]
    return overview(judged, found.standings, found.almanac.bases, only=only)


def dossiers(project: Project, seen: Overview) -> Iterator[Dossier]:
    """Yields every judged adapter, in order of name; its records are read when it is asked for."""
    lines = sorted(seen.lines, key=_adapter)
    waived = _by_adapter(seen.waived)
    unjudged = _by_adapter(seen.audit.skipped)
    total = len({_adapter(line) for line in lines})
    for done, (adapter, each) in enumerate(groupby(lines, key=_adapter), start=1):
        records, events, unread = _shelf(project, adapter)
        yield dossier(
            adapter,
            list(each),
            records=records,
            events=events,
            waived=waived.get(adapter, []),
            skipped=dict.fromkeys([*unjudged.get(adapter, []), *unread]),
        )
        project.display.progress("pages", done, total)


def publish(out: Path, seen: Overview, pages: Iterable[tuple[str, str]]) -> Written:
    """Writes the pages as a folder that appears whole, in the place of an older report.

    Raises:
        AdapterctlError: it cannot be written.
    """
    adapters = len({_adapter(line) for line in seen.lines})
    about = {"adapters": adapters, "findings": len(seen.audit.findings)}
    marker = {"schema_version": 1, "command": "report", "as_of": seen.audit.as_of, **about}
    files = replace_folder(out, chain(pages, [(MARKER, pretty(marker).decode())]))
    pages_written = sum(path.endswith(".html") for path in files)
    return Written(out=str(out), pages=pages_written, **about)


def _adapter(line: Line) -> str:
    return line.standing.adapter


def _by_adapter(said: Iterable[S]) -> dict[str, list[S]]:
    by_name: dict[str, list[S]] = {}
    for one in said:
        by_name.setdefault(adapter_of(one), []).append(one)
    return by_name


def _shelf(project: Project, adapter: str) -> tuple[list[AnyRecord], list[Event], list[Skipped]]:
    """Returns every version that can be read, what happened since, and what cannot be read."""
    reader, door, subject = Lenient(), project.registry, f"adapter:{adapter}"
    records = [
        reader.read(f"{subject}@{version}", partial(door.any_record, adapter, version))
        for version in door.versions(adapter)
    ]
    events = reader.read(subject, partial(door.events, adapter)) or []
    return [record for record in records if record is not None], events, reader.skipped
