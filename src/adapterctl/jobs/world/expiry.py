"""On which days a bucket deletes what lies in it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.inputs.retention import UNKNOWN, known_rules, stated
from adapterctl.jobs.world.asking import Patience, answers, unanswered
from adapterctl.rules.audit import needs
from adapterctl.rules.audit.needs import Doomed
from adapterctl.rules.bucket_urls import split
from adapterctl.rules.findings import Finding, Skipped, skipped
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.retention import Ending, LifecycleRule, StoredObject, ending
from adapterctl.rules.standing import Standing
from adapterctl.stores.s3 import CONNECTIONS, Access, Head, S3Store, Succeeded, succeeded

K = TypeVar("K")

CURRENT = Succeeded(replaced=None, newer=0)

_ONE_AT_A_TIME = threading.Lock()
"""Held while boto3 is imported and makes a client, which it does not do in two threads at once."""


class Seen(NamedTuple):
    """An object that is there; ``version`` is the id that pins it, if one does."""

    head: Head
    version: str | None = None


class Bucket(NamedTuple):
    """A bucket that is asked: as it is called, the way in, and for how long."""

    place: str
    store: S3Store
    patience: Patience


def enter(place: str, access: Access, patience: Patience) -> Bucket:
    """Returns a bucket with its client made, before many threads ask for one.

    Raises:
        MissingExtra: boto3 is not installed.
        AdapterctlError: no such profile, or an endpoint that is no URL.
    """
    store = S3Store(dataclasses.replace(access, seconds=patience.seconds))
    with _ONE_AT_A_TIME:
        _ = store.client
    return Bucket(place, store, patience)


def endings(
    bucket: Bucket, seen: Mapping[K, Seen], *, now: datetime
) -> tuple[dict[K, Ending], list[Skipped]]:
    """Returns which objects are deleted on a day, and what the bucket does not say.

    Args:
        bucket: where they lie.
        seen: what was found there.
        now: when the current version of an object would be replaced.

    Raises:
        Unreachable: S3 does not answer.
    """
    if not seen:
        return {}, []
    name = split(next(iter(seen.values())).head.url).bucket
    rules = partial(known_rules, bucket.store, name, place=bucket.place)
    told = answers({name: rules}, bucket.patience)[name]
    if isinstance(told, AdapterctlError):
        raise told
    known, silent = told
    facts, silences = _facts(bucket, seen, known)
    found = {
        key: end
        for key, stored in facts.items()
        if (
            end := ending(
                known,
                stored,
                by_version=seen[key].version is not None,
                now=now,
                stated=stated(seen[key].head),
            )
        )
    }
    if silent is not None and len(found) < len(seen):
        silences.append(silent)
    return found, silences


def _facts(
    bucket: Bucket, seen: Mapping[K, Seen], known: Sequence[LifecycleRule]
) -> tuple[dict[K, StoredObject], list[Skipped]]:
    """Returns what the rules look at; an object of which S3 does not tell it is left out."""
    tagged = any(rule.asks_for_tags for rule in known)
    asks = {key for key, each in seen.items() if tagged or (known and each.version is not None)}
    told = answers(
        {key: partial(_asked, bucket.store, seen[key], tagged=tagged) for key in asks},
        bucket.patience,
        workers=CONNECTIONS,
    )
    found = {key: _stored(each.head) for key, each in seen.items() if key not in asks}
    found.update({k: each for k, each in told.items() if isinstance(each, StoredObject)})
    errors = [each for each in told.values() if isinstance(each, AdapterctlError)]
    if not errors:
        return found, []
    silent = unanswered(bucket.place, errors, of=len(seen), what="objects")
    return found, [msgspec.structs.replace(silent, reason=f"{UNKNOWN}: {silent.reason}")]


def _stored(head: Head) -> StoredObject:
    return StoredObject(key=split(head.url).key, size=head.size, modified=head.modified)


def _asked(store: S3Store, seen: Seen, *, tagged: bool) -> StoredObject:
    url, version = seen.head.url, seen.version
    later = succeeded(store, url, version=version) if version else CURRENT
    return msgspec.structs.replace(
        _stored(seen.head),
        tags=store.tags(url, version=version) if tagged else {},
        replaced=later.replaced,
        newer_noncurrent=later.newer,
    )


def findings(standing: Standing, doomed: Iterable[Doomed]) -> Iterator[Finding | Skipped]:
    """Yields DATA003 about a version whose data are deleted before they are no longer needed."""
    choice, ends = standing.choice, standing.status.ends
    try:
        need = needs.need_on(
            choice.keep_until if choice else None,
            base=standing.base,
            ends=day_of(ends) if ends else None,
        )
    except InvalidInput as error:
        yield skipped(f"adapter:{standing.name}", error)
        return
    yield from needs.findings(
        doomed,
        need,
        subject=f"adapter:{standing.name}",
        owners=standing.owners,
        base=standing.base,
        affects=standing.consumers,
    )
