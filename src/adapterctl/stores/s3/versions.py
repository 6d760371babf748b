"""What came after one version of an object: rules delete replaced versions on days of their own."""

from __future__ import annotations

from datetime import UTC, datetime

from adapterctl.errors import NotFound
from adapterctl.records.noun import Noun
from adapterctl.rules.bucket_urls import split
from adapterctl.stores.s3.access import translated
from adapterctl.stores.s3.store import S3Store


class Succeeded(Noun, frozen=True, kw_only=True):
    """What came after one version of an object.

    Attributes:
        replaced: when another version, or a delete marker, took its place; ``None`` while it is
            the current one.
        newer: how many replaced versions and markers are newer than it.
    """

    replaced: datetime | None
    newer: int


def succeeded(store: S3Store, url: str, *, version: str) -> Succeeded:
    """Returns what came after a version of an object.

    Raises:
        NotFound: the version is gone.
        AdapterctlError: access to the list of versions is denied.
    """
    where, client = split(url), store.client
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=where.bucket, Prefix=where.key
    )
    with translated(url, version=version):
        entries = [
            entry
            for page in pages
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if entry["Key"] == where.key
        ]
    entries.sort(key=lambda each: (each["IsLatest"], each["LastModified"]), reverse=True)
    place = next((n for n, each in enumerate(entries) if each["VersionId"] == version), None)
    if place is None:
        raise NotFound(f"version {version} of it is gone", place=url)
    if place == 0:
        return Succeeded(replaced=None, newer=0)
    replaced = entries[place - 1]["LastModified"].astimezone(UTC)
    return Succeeded(replaced=replaced, newer=place - 1)
