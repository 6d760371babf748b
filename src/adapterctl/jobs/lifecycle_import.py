"""Lifecycle dates from a feed: a snapshot is laid beside the ledger, and what is new is added."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from adapterctl.errors import InvalidInput
from adapterctl.jobs.project import Project
from adapterctl.records.lifecycle import Observation
from adapterctl.rules.feeds.imported import Import, Imported
from adapterctl.rules.feeds.meaning import observations_of
from adapterctl.rules.feeds.rows import Feed, Reading, Snapshot, key_of
from adapterctl.rules.lifecycle.ledger import Intake, intake
from adapterctl.rules.names.renames import unheard
from adapterctl.stores.feeds import read_snapshot


def import_feed(project: Project, feed: Feed, path: Path) -> Import:
    """Adds what a snapshot of a feed says that its ledger does not; the same again adds nothing.

    The day seen is ``--as-of``, else the one that the file or its name states, else today.

    Raises:
        AdapterctlError: a malformed file, one of another feed, or a snapshot older than the last.
    """
    snapshot = read_snapshot(feed, path, progress=project.display.progress)
    seen_on = project.as_of or snapshot.day or project.today
    ledger = project.registry.observations_of(feed)
    reading = observations_of(snapshot, seen_on=seen_on)
    _must_follow(ledger, seen_on, file=str(path), project=project)
    _must_be_dated(reading, ledger, file=str(path))
    taken = intake(
        reading.dated,
        ledger,
        named={key_of(feed, row.key) for row in snapshot.rows},
        kept=[key_of(feed, one.key) for one in reading.refused],
        covers=tuple(key_of(feed, prefix) for prefix in snapshot.covers),
        seen_on=seen_on,
    )
    return Import(
        answer=_answer(snapshot, reading, taken, file=str(path)),
        taken=taken,
        seen_on=seen_on,
        ledger=_write(project, feed, taken),
        names=_write_names(project, feed, reading),
    )


def _must_follow(ledger: list[Observation], seen_on: date, *, file: str, project: Project) -> None:
    if seen_on > max(project.today, project.now.date()):
        raise InvalidInput.one(
            f"states {seen_on} as its day, which has not come", place=file, hint="give --as-of DATE"
        )
    last = max((line.seen_on for line in ledger), default="")
    if seen_on.isoformat() < last:
        raise InvalidInput.one(
            f"a snapshot of {seen_on}, and the ledger has one of {last}",
            place=file,
            hint="import snapshots in the order of their days; --as-of DATE says when one was seen",
        )


def _must_be_dated(reading: Reading, ledger: list[Observation], *, file: str) -> None:
    """A feed that drops every date at once has changed its shape, and no base has lost its end."""
    if ledger and not reading.dated:
        raise InvalidInput.one(
            "no record has a date any more", place=file, hint="has the feed renamed its fields?"
        )


def _answer(snapshot: Snapshot, reading: Reading, taken: Intake, *, file: str) -> Imported:
    return Imported(
        feed=snapshot.feed,
        file=file,
        read=len(snapshot.rows),
        recorded=taken.count("recorded"),
        unchanged=taken.count("unchanged", "restated"),
        moved=taken.count("moved"),
        vanished=len(taken.vanished),
        refused=reading.refused,
    )


def _write(project: Project, feed: Feed, taken: Intake) -> str | None:
    if not taken.lines:
        return None
    path = project.registry.append_observations(feed, *taken.lines)
    return path.relative_to(project.root).as_posix()


def _write_names(project: Project, feed: Feed, reading: Reading) -> str | None:
    """Adds names that are not known yet, or no longer the same."""
    new = unheard(reading.named, project.registry.namings())
    if not new:
        return None
    path = project.registry.append_namings(feed, *new)
    return path.relative_to(project.root).as_posix()
