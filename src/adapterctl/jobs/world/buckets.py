"""Data that stay in their buckets: is the pinned version there (DATA001), and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from adapterctl.errors import AdapterctlError, NotFound
from adapterctl.jobs.project import Project
from adapterctl.jobs.world import expiry
from adapterctl.jobs.world.asking import Patience, answers, unanswered
from adapterctl.jobs.world.expiry import Seen
from adapterctl.jobs.world.question import Question
from adapterctl.records.version import DatasetPin
from adapterctl.rules.audit.needs import Doomed
from adapterctl.rules.audit.presence import Kept, Verdict, compared, findings
from adapterctl.rules.bucket_urls import split
from adapterctl.rules.findings import Finding, Skipped
from adapterctl.rules.retention import Ending
from adapterctl.rules.standing import Standing
from adapterctl.stores.s3 import CONNECTIONS, Access, Head, S3Store

BRING_BACK = "restore it from a copy, and register again: a deleted version does not come back"

Key = tuple[str, str]
"""Address and version id of an object."""

Pins = Sequence[tuple[Standing, Sequence[DatasetPin]]]


def questions(project: Project, versions: Sequence[Kept]) -> Iterator[Question]:
    """Yields one question for each bucket that data of versions stay in."""
    by_bucket: dict[str, dict[str, tuple[Standing, list[DatasetPin]]]] = {}
    for each in versions:
        for pin in each.in_buckets:
            pins = by_bucket.setdefault(split(pin.path).bucket, {})
            pins.setdefault(each.standing.name, (each.standing, []))[1].append(pin)
    for name, pins in sorted(by_bucket.items()):
        place = f"s3://{name}"
        now = datetime.combine(project.today, project.now.timetz())
        ask = partial(_ask, place=place, pins=list(pins.values()), now=now)
        yield Question(place=place, kind=place, ask=ask)


def _ask(
    patience: Patience, *, place: str, pins: Pins, now: datetime
) -> Iterator[Finding | Skipped]:
    bucket = expiry.enter(place, Access(), patience)
    keys = sorted({_key(pin) for _, each in pins for pin in each})
    told = answers(
        {key: partial(_head, bucket.store, key) for key in keys}, patience, workers=CONNECTIONS
    )
    errors = [each for each in told.values() if isinstance(each, AdapterctlError)]
    if errors:
        yield unanswered(place, errors, of=len(keys), what="objects")
    for standing, each in pins:
        verdict = _judged(each, told)
        yield from findings(standing, verdict, place=place, mend=BRING_BACK)
    seen = {key: Seen(head, key[1]) for key, head in told.items() if isinstance(head, Head)}
    ends, silent = expiry.endings(bucket, seen, now=now)
    yield from silent
    for standing, each in pins if ends else ():
        yield from expiry.findings(standing, _doomed(each, ends, place=place))


def _key(pin: DatasetPin) -> Key:
    return pin.path, str(pin.version_id)


def _head(store: S3Store, key: Key) -> Head | None:
    try:
        return store.head(key[0], version=key[1])
    except NotFound:
        return None


def _judged(pins: Sequence[DatasetPin], told: dict[Key, Head | AdapterctlError | None]) -> Verdict:
    verdict = Verdict([], [])
    for pin in pins:
        head = told[_key(pin)]
        if head is None:
            verdict.gone.append(pin.path)
        elif isinstance(head, Head):
            verdict.wrong.extend(compared(pin.path, pin.size, head.size))
    return verdict


def _doomed(pins: Sequence[DatasetPin], ends: dict[Key, Ending], *, place: str) -> Iterator[Doomed]:
    for pin in pins:
        found = ends.get(_key(pin))
        if found is not None:
            yield Doomed(
                path=pin.path, place=place, end=found.end, once_replaced=found.once_replaced
            )
