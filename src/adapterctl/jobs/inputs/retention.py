"""Whether the buckets that hold an adapter's data delete them while they are needed (DATA003).

A bucket that does not say is never taken for one that keeps: it is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec

from adapterctl.errors import AdapterctlError, NotFound, Unreachable
from adapterctl.jobs.inputs.sources import data_paths
from adapterctl.jobs.project import Project
from adapterctl.records.recipe import Recipe
from adapterctl.rules import retention as rules
from adapterctl.rules.audit import needs
from adapterctl.rules.audit.needs import Doomed, Need
from adapterctl.rules.bucket_urls import in_bucket, split
from adapterctl.rules.findings import Skipped
from adapterctl.rules.gates import Gate
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.retention import Deletion, LifecycleRule, StoredObject
from adapterctl.rules.standing import owners_of
from adapterctl.stores.dvc import Remote, object_path
from adapterctl.stores.s3 import CONNECTIONS, Access, Head, S3Store

REGISTERED = "weights, code and predictions"
"""What a registration will add to the DVC remote, wherever its data are."""

TYPICAL_BYTES = 1 << 20
"""Size that a rule's filter is asked with for what is not made yet."""

UNKNOWN = "unknown whether it deletes data"


@dataclass(frozen=True, kw_only=True)
class Held:
    """One object that data are lost with.

    Attributes:
        path: the data, as the recipe names them.
        url: the object; it need not be there yet.
        version: the version id that pins it; ``None`` where it is asked for by its key.
    """

    path: str
    url: str
    size: int
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A place in S3, how to get in, and what it holds."""

    place: str
    store: S3Store
    objects: Sequence[Held]


def gates(project: Project, recipe: Recipe) -> Iterator[Gate]:
    """Yields DATA003: a rule deletes data before they are no longer needed.

    They are needed until ``keep_until``; where the recipe does not say, until the base's first
    firm date, for until then a move can come; and where there is none, for good.
    """
    today = datetime.combine(project.today, project.now.timetz())
    found = list(ends(holders(project, recipe), now=today))
    for each in found:
        if isinstance(each, Skipped):
            project.display.say(f"warning: {each.subject}: {each.reason}")
    doomed = [each for each in found if isinstance(each, Doomed)]
    if doomed:
        subject, need = f"adapter:{recipe.adapter}", _need(project, recipe)
        for finding in needs.findings(
            doomed, need, subject=subject, owners=owners_of(recipe), base=recipe.base
        ):
            yield Gate(finding=finding, refuses=finding.severity == "high")


def _need(project: Project, recipe: Recipe) -> Need:
    base = project.registry.base(recipe.base)
    almanac = project.almanac({base.base: base})
    ends = almanac.status_on(
        project.today, base=recipe.base, serving=recipe.serving, lead_days=0
    ).ends
    return needs.need_on(
        recipe.data.train.keep_until, base=recipe.base, ends=day_of(ends) if ends else None
    )


def holders(project: Project, recipe: Recipe) -> Iterator[Holder | Skipped]:
    """Yields where in S3 the data of a recipe lie, or will lie once they are registered."""
    paths = dict.fromkeys(data_paths(recipe).values())
    if recipe.data.train.selection is not None:
        paths[recipe.data.train.selection.pool] = None
    yield from _in_buckets(project, [path for path in paths if in_bucket(path)])
    try:
        remote = project.dvc.configured()
        if remote is not None and in_bucket(remote.url):
            here = [path for path in paths if not in_bucket(path)]
            yield _in_remote(project, remote, here)
    except AdapterctlError as error:
        yield _unknown("the DVC remote", error)


def _in_buckets(project: Project, urls: Sequence[str]) -> Iterator[Holder]:
    """Yields the buckets that data stay in, with the versions that would be pinned."""
    for bucket in sorted({split(url).bucket for url in urls}):
        pins = [project.bucket_data.current(url) for url in urls if split(url).bucket == bucket]
        yield Holder(
            place=f"s3://{bucket}",
            store=S3Store(),
            objects=[
                Held(path=pin.path, url=pin.path, size=pin.size, version=pin.version_id)
                for pin in pins
            ],
        )


def _in_remote(project: Project, remote: Remote, paths: Sequence[str]) -> Holder:
    return Holder(
        place=remote.url.rstrip("/"),
        store=S3Store(access_of(remote)),
        objects=[
            *(held for path in paths for held in _objects(project, remote, path)),
            Held(path=REGISTERED, url=object_url(remote, "0" * 32), size=TYPICAL_BYTES),
        ],
    )


def access_of(remote: Remote) -> Access:
    """Returns how DVC gets into a remote; what it leaves open boto3 finds by itself."""
    told = remote.options
    return Access(
        endpoint=told.get("endpointurl"),
        region=told.get("region"),
        profile=told.get("profile"),
        verify=told.get("ssl_verify"),
        key=told.get("access_key_id"),
        secret=told.get("secret_access_key"),
        token=told.get("session_token"),
    )


def _objects(project: Project, remote: Remote, path: str) -> Iterator[Held]:
    """Yields the objects that DVC keeps a file, or a folder's files, in."""
    from adapterctl.stores.dvc.digests import hash_files

    target = project.root / path
    folder = target if target.is_dir() else target.parent
    files = [file for file in target.rglob("*") if file.is_file()] if folder == target else [target]
    names = [file.relative_to(folder).as_posix() for file in files]
    for file in hash_files(folder, names):
        yield Held(path=path, url=object_url(remote, file.md5), size=file.size)


def object_url(remote: Remote, md5: str) -> str:
    """Returns where DVC keeps an object of a remote in a bucket."""
    return f"{remote.url.rstrip('/')}/{object_path(md5)}"


def ends(places: Iterable[Holder | Skipped], *, now: datetime) -> Iterator[Doomed | Skipped]:
    """Yields which data are deleted on a day, and which places do not say.

    Args:
        places: what to look at.
        now: when what is not there yet would be written.
    """
    for place in places:
        if isinstance(place, Skipped):
            yield place
            continue
        try:
            yield from _ends(place, now=now)
        except AdapterctlError as error:
            yield _unknown(place.place, error)


def _ends(holder: Holder, *, now: datetime) -> Iterator[Doomed | Skipped]:
    if not holder.objects:
        return
    bucket = split(holder.objects[0].url).bucket
    known, silent = known_rules(holder.store, bucket, place=holder.place)
    if not known and silent is None:
        return
    with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
        end = partial(_end, holder, known=known, now=now)
        found = list(pool.map(end, holder.objects))
    earliest: dict[str, Doomed] = {}
    for each in filter(None, found):
        before = earliest.setdefault(each.path, each)
        if each.end.day < before.end.day:
            earliest[each.path] = each
    yield from earliest.values()
    if silent is not None and any(held.path not in earliest for held in holder.objects):
        yield silent


def known_rules(
    store: S3Store, bucket: str, *, place: str
) -> tuple[list[LifecycleRule], Skipped | None]:
    """Returns the rules of a bucket, or why they are not known.

    Raises:
        Unreachable: S3 does not answer; it need not be asked for the objects, either.
    """
    try:
        return rules.rules_of(store.lifecycle(bucket)), None
    except Unreachable:
        raise
    except AdapterctlError as error:
        return [], _unknown(place, error)
    except msgspec.ValidationError as error:
        why = f"a rule that is not understood: {error}"
        return [], Skipped(subject=place, reason=f"{UNKNOWN}: {why}")


def _end(
    holder: Holder, held: Held, *, known: Sequence[LifecycleRule], now: datetime
) -> Doomed | None:
    """Returns when an object is deleted.

    A pinned version is taken to be the current one, as it is when it is registered.
    """
    store = holder.store
    head = _head(store, held)
    tagged = head is not None and any(rule.asks_for_tags for rule in known)
    stored = StoredObject(
        key=split(held.url).key,
        size=held.size,
        modified=head.modified if head else now,
        tags=store.tags(held.url, version=held.version) if tagged else {},
    )
    by_version = held.version is not None
    found = rules.ending(known, stored, by_version=by_version, now=now, stated=stated(head))
    if found is None:
        return None
    return Doomed(
        path=held.path, place=holder.place, end=found.end, once_replaced=found.once_replaced
    )


def stated(head: Head | None) -> Deletion | None:
    """Returns when S3 says that the current version of an object ends."""
    told = head.expiry if head is not None else None
    return Deletion(day=told.day, rule=told.rule) if told else None


def _head(store: S3Store, held: Held) -> Head | None:
    """Returns what S3 says of an object; ``None`` of one that DVC has not pushed yet."""
    try:
        return store.head(held.url, version=held.version)
    except NotFound:
        return None


def _unknown(place: str, error: AdapterctlError) -> Skipped:
    first = error.problems[0]
    return Skipped(
        subject=place,
        reason=f"{UNKNOWN}: {first.what}",
        mend=first.hint,
    )
