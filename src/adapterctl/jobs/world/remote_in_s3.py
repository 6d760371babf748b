"""A DVC remote in a bucket, asked through S3's own API: presence, sizes and days in one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from adapterctl.errors import AdapterctlError, NotFound
from adapterctl.jobs.inputs.retention import object_url
from adapterctl.jobs.world.asking import answers
from adapterctl.jobs.world.expiry import Bucket
from adapterctl.rules.audit.presence import FOLDER, Held
from adapterctl.rules.bucket_urls import in_bucket
from adapterctl.stores.dvc import Remote, listed, object_path
from adapterctl.stores.files import write_atomically
from adapterctl.stores.s3 import CONNECTIONS, Head, S3Store

LISTED_ABOVE = 1_000
"""Above so many objects, the remote's 256 folders are listed: one request tells of a thousand."""

_ONLY_DVC = (
    "allow_anonymous_login", "configpath", "credentialpath", "sse_customer_algorithm",
    "sse_customer_key",
)  # fmt: skip
"""Settings of a remote that change who asks, or how, in ways that are left to DVC."""


class Look(NamedTuple):
    """What was seen of a remote in a bucket: by md5, and what was not answered."""

    held: Held
    heads: dict[str, Head]
    errors: list[AdapterctlError]


def is_understood(remote: Remote) -> bool:
    """Whether a remote can be asked as any bucket can: it keeps objects, without more settings."""
    told = remote.options
    plain = told.get("use_ssl", True) and not any(told.get(name) for name in _ONLY_DVC)
    return in_bucket(remote.url) and plain and not remote.keeps_versions


def look(bucket: Bucket, remote: Remote, wanted: Iterable[str], *, caches: Sequence[Path]) -> Look:
    """Returns what the remote holds of objects, and of the files of folders among them.

    Args:
        bucket: where the remote is.
        remote: as it is configured.
        wanted: md5s.
        caches: where listings of folders may be already; the last one keeps those that are read.
    """
    asked = set(wanted)
    heads, errors = _heads(bucket, remote, asked)
    there = [md5 for md5 in sorted(heads) if md5.endswith(FOLDER)]
    reads = {md5: partial(_listing, bucket.store, heads[md5], md5, caches=caches) for md5 in there}
    read = answers(reads, bucket.patience, workers=CONNECTIONS)
    listings = {md5: each for md5, each in read.items() if isinstance(each, dict)}
    files = {md5 for each in listings.values() for md5 in each.values()} - asked
    more, later = _heads(bucket, remote, files)
    heads.update(more)
    unread = {md5: each for md5, each in read.items() if isinstance(each, AdapterctlError)}
    errors = {**errors, **later}
    held = Held(
        sizes={md5: head.size for md5, head in heads.items()},
        listings=listings,
        damaged=frozenset(md5 for md5, each in read.items() if each is None),
        unknown=frozenset(errors),
    )
    return Look(held, heads, [*errors.values(), *unread.values()])


def _heads(
    bucket: Bucket, remote: Remote, md5s: set[str]
) -> tuple[dict[str, Head], dict[str, AdapterctlError]]:
    return (listed_heads if len(md5s) > LISTED_ABOVE else asked_heads)(bucket, remote, md5s)


def asked_heads(
    bucket: Bucket, remote: Remote, md5s: set[str]
) -> tuple[dict[str, Head], dict[str, AdapterctlError]]:
    """Returns the objects that are there, and those that nothing was said of: one by one."""
    requests = {md5: partial(_head, bucket.store, object_url(remote, md5)) for md5 in sorted(md5s)}
    told = answers(requests, bucket.patience, workers=CONNECTIONS)
    heads = {md5: each for md5, each in told.items() if isinstance(each, Head)}
    return heads, {md5: each for md5, each in told.items() if isinstance(each, AdapterctlError)}


def _head(store: S3Store, url: str) -> Head | None:
    try:
        return store.head(url)
    except NotFound:
        return None


def listed_heads(
    bucket: Bucket, remote: Remote, md5s: set[str]
) -> tuple[dict[str, Head], dict[str, AdapterctlError]]:
    """Returns the same by listing the folders that the objects would be in."""
    names = {f"/{object_path(md5)}": md5 for md5 in md5s}
    tops = sorted({md5[:2] for md5 in md5s})
    requests: dict[str, Callable[[], list[Head]]] = {
        top: partial(_below, bucket.store, f"{remote.url.rstrip('/')}/files/md5/{top}")
        for top in tops
    }
    told = answers(requests, bucket.patience, workers=CONNECTIONS)
    heads = {}
    for each in told.values():
        for head in each if isinstance(each, list) else ():
            name = names.get(head.url.removeprefix(remote.url.rstrip("/")))
            if name is not None:
                heads[name] = head
    silent = {top: each for top, each in told.items() if isinstance(each, AdapterctlError)}
    return heads, {md5: silent[md5[:2]] for md5 in sorted(md5s) if md5[:2] in silent}


def _below(store: S3Store, url: str) -> list[Head]:
    try:
        return list(store.below(url))
    except NotFound:
        return []


def _listing(
    store: S3Store, head: Head, md5: str, *, caches: Sequence[Path]
) -> dict[str, str] | None:
    """Returns a folder's files by a cache, whose copy is as good, else by the remote."""
    for cache in caches:
        try:
            kept = (cache / object_path(md5)).read_bytes()
        except OSError:
            continue
        known = listed(kept, md5)
        if known is not None and len(kept) == head.size:
            return known
    content = BytesIO()
    store.read(head.url, content)
    found = listed(content.getvalue(), md5)
    if found is not None:
        with suppress(AdapterctlError):  # a place that cannot be written is asked again next time
            write_atomically(caches[-1] / object_path(md5), content.getvalue())
    return found
