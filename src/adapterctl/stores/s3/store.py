"""What jobs see of S3: an object and its versions, brought and sent with proof."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from adapterctl.errors import Mismatch, NotFound
from adapterctl.records.noun import Noun
from adapterctl.rules.bucket_urls import BucketUrl, split
from adapterctl.stores.files import PART, unwritable
from adapterctl.stores.s3.access import Access, connect, no_bucket, translated

Progress = Callable[[str, int, int], None]

CHUNK = 1 << 20
UNVERSIONED = "null"
"""The version id that S3 gives to what is written while versioning is off: the next write
replaces it."""

_EXPIRY = re.compile(r'expiry-date="([^"]+)"(?:,\s*rule-id="([^"]*)")?')


class Expiry(Noun, frozen=True, kw_only=True):
    """What S3 itself says in ``x-amz-expiration``: the day, and the rule that says so."""

    day: date
    rule: str


class Head(Noun, frozen=True, kw_only=True):
    """What S3 says of an object without giving it.

    Attributes:
        size: in bytes.
        modified: when this version was written.
        version: its version id; ``None`` where another write would replace it.
        expiry: when the current version ends, if S3 says so.
    """

    url: str
    size: int
    modified: datetime
    etag: str
    version: str | None = None
    expiry: Expiry | None = None


class Fetched(Noun, frozen=True, kw_only=True):
    """The bytes that came, by digest."""

    md5: str
    sha256: str
    size: int


class S3Store:
    """S3 as one set of credentials sees it; nothing is connected before it is asked."""

    def __init__(self, access: Access | None = None, *, page: int = 1000) -> None:
        """Args: where S3 is and as whom; so many objects are listed at a time."""
        self.access = access or Access()
        self.page = page

    @cached_property
    def client(self) -> Any:
        """boto3's client."""
        return connect(self.access)

    def head(self, url: str, *, version: str | None = None) -> Head:
        """Returns what S3 says of an object, or of one version of it.

        Raises:
            NotFound: no such bucket, object or version.
            Unreachable: S3 does not answer.
        """
        where, client = split(url), self.client
        try:
            with translated(url, version=version):
                answer = client.head_object(**_object(where, version))
        except NotFound:
            self._bucket_must_exist(where)
            raise
        found = answer.get("VersionId", UNVERSIONED)
        return Head(
            url=url,
            size=answer["ContentLength"],
            modified=answer["LastModified"].astimezone(UTC),
            etag=answer["ETag"].strip('"'),
            version=None if found == UNVERSIONED else found,
            expiry=parse_expiry(answer.get("Expiration")),
        )

    def _bucket_must_exist(self, where: BucketUrl) -> None:
        """Says so when the bucket is missing: asked for an object, S3 answers alike."""
        try:
            with translated(str(where)):
                self.client.head_bucket(Bucket=where.bucket)
        except NotFound:
            raise no_bucket(str(where)) from None

    def is_versioned(self, bucket: str) -> bool:
        """Whether what is written to a bucket today gets a version id."""
        client = self.client
        with translated(f"s3://{bucket}"):
            status = client.get_bucket_versioning(Bucket=bucket).get("Status")
        return bool(status == "Enabled")

    def lifecycle(self, bucket: str) -> list[dict[str, Any]]:
        """Returns the rules of a bucket as S3 gives them; `rules.retention` reads them.

        Raises:
            AdapterctlError: access to the configuration is denied.
        """
        client = self.client
        from botocore.exceptions import ClientError

        with translated(f"s3://{bucket}"):
            try:
                answer = client.get_bucket_lifecycle_configuration(Bucket=bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                    return []
                raise
        rules: list[dict[str, Any]] = answer.get("Rules", [])
        return rules

    def tags(self, url: str, *, version: str | None = None) -> dict[str, str]:
        """Returns the tags of an object."""
        where, client = split(url), self.client
        with translated(url, version=version):
            answer = client.get_object_tagging(**_object(where, version))
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def below(self, url: str) -> Iterator[Head]:
        """Yields what lies below an address, by key; marks of folders are left out."""
        where, client = split(url), self.client
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=where.bucket, Prefix=where.prefix, PaginationConfig={"PageSize": self.page}
        )
        with translated(url):
            for page in pages:
                for entry in page.get("Contents", []):
                    if not entry["Key"].endswith("/"):
                        yield _listed(where.bucket, entry)

    def read(
        self,
        url: str,
        out: BinaryIO | None = None,
        *,
        version: str | None = None,
        progress: Progress | None = None,
    ) -> Fetched:
        """Reads an object, or one version of it, to its end; writes it to ``out`` if given.

        Args:
            url: the object.
            out: an open file, or ``None`` to hash only.
            version: a version id.
            progress: called with a label, bytes read and bytes in all.

        Raises:
            NotFound: no such bucket, object or version.
            Unreachable: S3 does not answer, or not to the end.
        """
        where, client = split(url), self.client
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        with translated(url, version=version):
            answer = client.get_object(**_object(where, version))
            for chunk in answer["Body"].iter_chunks(CHUNK):
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
                if out is not None:
                    out.write(chunk)
                if progress is not None:
                    progress(f"reading {Path(where.key).name}", size, answer["ContentLength"])
        return Fetched(md5=md5.hexdigest(), sha256=sha256.hexdigest(), size=size)

    def fetch(
        self,
        url: str,
        target: Path,
        *,
        version: str | None = None,
        sha256: str | None = None,
        progress: Progress | None = None,
    ) -> Fetched:
        """Brings an object, or one version of it, to ``target``: whole, or not at all.

        Args:
            url: the object.
            target: the file to write.
            version: a version id.
            sha256: what must come.
            progress: called with a label, bytes read and bytes in all.

        Raises:
            NotFound: no such bucket, object or version.
            Mismatch: other bytes than ``sha256`` says.
            Unreachable: S3 does not answer, or not to the end.
        """
        temporary = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                prefix=f".{target.name[:40]}.", suffix=PART, dir=target.parent
            )
            temporary = Path(name)
            with os.fdopen(handle, "wb") as out:
                found = self.read(url, out, version=version, progress=progress)
            _must_be(found, sha256, url=url, version=version)
            temporary.chmod(0o644)
            temporary.replace(target)
        except OSError as error:
            raise unwritable(target, error) from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
        return found

    def send(self, file: Path, url: str, *, sha256: str) -> None:
        """Uploads a file and reads back what arrived.

        A checksum that S3 states could vouch for less: of an upload in parts it is one of parts,
        and stores that only speak like S3 may echo what they were sent.

        Raises:
            Mismatch: other bytes arrived.
        """
        where, client = split(url), self.client
        with translated(url), file.open("rb") as stream:
            client.upload_fileobj(stream, where.bucket, where.key)
        _must_be(self.read(url), sha256, url=url, version=None)


def _object(where: BucketUrl, version: str | None) -> dict[str, str]:
    named = {"Bucket": where.bucket, "Key": where.key}
    return named if version is None else {**named, "VersionId": version}


def _listed(bucket: str, entry: dict[str, Any]) -> Head:
    return Head(
        url=f"s3://{bucket}/{entry['Key']}",
        size=entry["Size"],
        modified=entry["LastModified"].astimezone(UTC),
        etag=entry["ETag"].strip('"'),
    )


def _must_be(found: Fetched, sha256: str | None, *, url: str, version: str | None) -> None:
    if sha256 is not None and found.sha256 != sha256:
        which = f"version {version} of it" if version else "it"
        raise Mismatch(
            f"{which} has other bytes than were recorded: sha256 {found.sha256}",
            place=url,
            hint=f"recorded was {sha256}: restore it from a copy",
        )


def parse_expiry(header: str | None) -> Expiry | None:
    """Returns what an ``x-amz-expiration`` header says; ``None`` for none, or one of no date."""
    found = _EXPIRY.search(header or "")
    if found is None:
        return None
    try:
        day = parsedate_to_datetime(found[1]).date()
    except ValueError:
        return None
    return Expiry(day=day, rule=found[2] or "")
