"""A folder as objects below an address, and back."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.rules.bucket_urls import split
from adapterctl.stores.s3.store import Head, Progress, S3Store

WORKERS = 8


def fetch_prefix(url: str, into: Path, *, progress: Progress) -> None:
    """Brings all objects below an address into a folder, as the files they are named like.

    Args:
        url: ``s3://bucket/prefix``, read as a folder: objects of ``prefix-2/`` are not meant.
        into: the folder; made if it is not there.
        progress: called with a label, objects brought and objects in all.

    Raises:
        NotFound: no such bucket, or nothing below the address.
        InvalidInput: a key that leads out of the folder.
        Unreachable: S3 does not answer.
    """
    store = S3Store()
    found = {_name(url, head): head for head in store.below(url)}
    if not found:
        raise NotFound("holds no objects", place=url, hint="correct the address")
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        jobs = [pool.submit(store.fetch, head.url, into / name) for name, head in found.items()]
        try:
            for number, job in enumerate(jobs, start=1):
                job.result()
                progress(f"fetching {url}", number, len(jobs))
        finally:
            pool.shutdown(cancel_futures=True)


def mirror_folder(
    folder: Path, url: str, *, sha256: Mapping[str, str], progress: Progress
) -> list[Head]:
    """Uploads a folder's files below an address and reads every one back.

    What an interrupted upload left there is taken when it reads back right.

    Args:
        folder: what the names are relative to.
        url: ``s3://bucket/prefix``.
        sha256: file name, with forward slashes, to the digest that must arrive.
        progress: called with a label, files checked and files in all.

    Returns:
        what lies there now, by key.

    Raises:
        InvalidInput: something else lies there.
        Mismatch: other bytes arrived.
    """
    store, prefix = S3Store(), split(url)
    here = {_name(url, head): head for head in store.below(url)}
    strange = sorted(here.keys() - sha256.keys())
    if strange:
        raise InvalidInput.one(
            f"not empty, and no copy of the base: {strange[0]} lies there",
            place=url,
            hint="name a new prefix",
        )
    for number, (name, digest) in enumerate(sorted(sha256.items()), start=1):
        target = f"s3://{prefix.bucket}/{prefix.prefix}{name}"
        whole = name in here and here[name].size == (folder / name).stat().st_size
        if not whole or store.read(target).sha256 != digest:
            store.send(folder / name, target, sha256=digest)
        progress(f"mirroring to {url}", number, len(sha256))
    return list(store.below(url))


def _name(url: str, head: Head) -> str:
    """Returns an object's name below an address, as a path that stays in its folder."""
    name = split(head.url).key.removeprefix(split(url).prefix)
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name:
        raise InvalidInput.one("leads out of its folder", place=head.url, hint="rename the object")
    return name
