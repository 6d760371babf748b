"""The DVC remote: is what versions pin still there (DATA001), whole (DATA002), and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from adapterctl.errors import NotFound
from adapterctl.jobs.inputs.retention import access_of
from adapterctl.jobs.project import Project
from adapterctl.jobs.world import expiry, remote_in_s3
from adapterctl.jobs.world.asking import Patience, unanswered
from adapterctl.jobs.world.expiry import Seen
from adapterctl.jobs.world.question import Question
from adapterctl.rules.audit.needs import Doomed
from adapterctl.rules.audit.presence import Held, Kept, Pinned, findings, judge_pins, objects
from adapterctl.rules.findings import Finding, Skipped
from adapterctl.rules.retention import Ending
from adapterctl.rules.standing import Standing
from adapterctl.stores.dvc import Remote

PLACE = "the DVC remote"

BRING_BACK = "dvc push from where its files still are, or restore the remote from a copy"

Pins = Sequence[tuple[Standing, Sequence[Pinned]]]


def questions(project: Project, versions: Sequence[Kept]) -> Iterator[Question]:
    """Yields the question to the remote, if any version keeps anything in one."""
    pins = [(each.standing, each.in_dvc) for each in versions]
    if any(each for _, each in pins):
        yield Question(place=PLACE, kind=PLACE, ask=partial(_ask, project, pins))


def _ask(project: Project, pins: Pins, patience: Patience) -> Iterator[Finding | Skipped]:
    remote = _configured(project)
    wanted = {pin.md5 for _, each in pins for pin in each}
    place = f"remote {remote.name!r}"
    if remote_in_s3.is_understood(remote):
        bucket = expiry.enter(place, access_of(remote), patience)
        caches = [project.root / ".dvc" / "cache", project.private / "cache" / "listings"]
        found = remote_in_s3.look(bucket, remote, wanted, caches=caches)
        if found.errors:
            of = max(len(found.errors), len(wanted))
            yield unanswered(place, found.errors, of=of, what="objects")
        yield from _missing(pins, found.held, place=place)
        now = datetime.combine(project.today, project.now.timetz())
        seen = {md5: Seen(head) for md5, head in found.heads.items()}
        ends, silent = expiry.endings(bucket._replace(place=remote.url), seen, now=now)
        yield from silent
        yield from _expiring(pins, found.held, ends, place=remote.url) if ends else ()
        return
    yield from _missing(pins, project.dvc.held(remote, wanted), place=place)


def _configured(project: Project) -> Remote:
    if not (project.root / ".dvc").is_dir():
        raise NotFound("no DVC repository here, and so no remote", hint="adapterctl init")
    remote = project.dvc.configured()
    if remote is None:
        raise NotFound("none is configured", hint="dvc remote add --default storage URL")
    return remote


def _missing(pins: Pins, held: Held, *, place: str) -> Iterator[Finding]:
    for standing, each in pins:
        yield from findings(standing, judge_pins(each, held), place=place, mend=BRING_BACK)


def _expiring(
    pins: Pins, held: Held, ends: Mapping[str, Ending], *, place: str
) -> Iterator[Finding | Skipped]:
    """Yields what the remote deletes; a folder is lost with the first of its files."""
    for standing, each in pins:
        doomed = []
        for pin in each:
            found = [ends[md5] for _, md5 in objects(pin, held.listings) if md5 in ends]
            first = min(found, key=lambda end: end.end.day, default=None)
            if first is not None:
                doomed.append(Doomed(path=pin.path, place=place, end=first.end))
        yield from expiry.findings(standing, doomed)
