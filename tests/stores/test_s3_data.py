"""Data in a bucket: pinned by version and digest, read through a copy that is hashed again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import InvalidInput, Mismatch, NotFound, Unreachable
from adapterctl.records.version import DatasetPin
from adapterctl.stores.s3 import BucketData
from adapterctl.stores.s3.data import laid_out
from support.s3 import LoopbackS3, environment, loopback_s3

URL = "s3://customers/rows.jsonl"
OLD, NEW = b'{"text": "old"}\n', b'{"text": "new"}\n'
NOBODY = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("customers", versioned=True)
        yield server


def opened(private: Path) -> BucketData:
    return BucketData(private, progress=lambda label, done, total: None)


@pytest.fixture
def data(tmp_path: Path, s3: LoopbackS3) -> BucketData:
    return opened(tmp_path / "here")


@pytest.fixture
def pin(data: BucketData, s3: LoopbackS3) -> DatasetPin:
    s3.put("customers", "rows.jsonl", OLD)
    return data.current(URL)


def test_a_pin_holds_version_and_digests(data: BucketData, s3: LoopbackS3) -> None:
    version = s3.put("customers", "rows.jsonl", OLD)
    assert data.current(URL) == DatasetPin(
        path=URL,
        md5=hashlib.md5(OLD).hexdigest(),
        sha256=hashlib.sha256(OLD).hexdigest(),
        size=len(OLD),
        version_id=version,
    )


def test_what_was_judged_is_what_is_pinned(
    data: BucketData, pin: DatasetPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    s3.put("customers", "rows.jsonl", NEW)
    assert data.current(URL) == pin and data.file(URL).read_bytes() == OLD
    assert opened(tmp_path / "here").file(URL).read_bytes() == NEW


UNVERSIONED = {
    "plain": (
        "its bucket does not keep versions",
        "switch on the bucket's versioning and write it again",
    ),
    "late": ("it was written before its bucket kept versions", "write it again"),
}


@pytest.mark.parametrize("bucket", UNVERSIONED)
def test_a_pin_in_name_only_is_refused(bucket: str, data: BucketData, s3: LoopbackS3) -> None:
    s3.bucket(bucket)
    s3.put(bucket, "rows.jsonl", OLD)
    if bucket == "late":
        enabled = {"Status": "Enabled"}
        s3.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
    with pytest.raises(InvalidInput) as caught:
        data.current(f"s3://{bucket}/rows.jsonl")
    what, hint = UNVERSIONED[bucket]
    assert str(caught.value) == (
        f"s3://{bucket}/rows.jsonl: {what}: the next write replaces it, and a pin would be one in "
        f"name only\n  hint: {hint}, or put the data under DVC"
    )


def test_a_copy_is_read_again_unless_it_was_damaged(
    data: BucketData, pin: DatasetPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    copy = data.file(URL)
    assert copy == tmp_path / "here" / "cache" / "buckets" / f"{pin.sha256}.jsonl"
    written = copy.stat().st_mtime_ns
    assert opened(tmp_path / "here").file(URL).stat().st_mtime_ns == written
    copy.write_bytes(NEW)
    assert opened(tmp_path / "here").file(URL).read_bytes() == OLD


@pytest.mark.parametrize("from_remote", [True, False])
def test_a_room_gets_the_pinned_version_and_asks_nobody(
    from_remote: bool, data: BucketData, pin: DatasetPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    s3.put("customers", "rows.jsonl", NEW)
    data.fetch(pin, tmp_path / "room", from_remote=from_remote)
    with environment(NOBODY):
        assert opened(tmp_path / "room").file(URL).read_bytes() == OLD


def test_a_cached_copy_serves_unless_the_bucket_is_to_be_proven(
    data: BucketData, pin: DatasetPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    with environment(NOBODY):
        offline = opened(tmp_path / "here")
        offline.fetch(pin, tmp_path / "room", from_remote=False)
        with pytest.raises(Unreachable, match=URL):
            offline.fetch(pin, tmp_path / "proven", from_remote=True)
    assert not (tmp_path / "proven" / "buckets").exists() or not list(
        (tmp_path / "proven" / "buckets").iterdir()
    )


def test_without_its_copy_it_is_fetched_again(
    data: BucketData, pin: DatasetPin, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "here")
    target = data.fetch(pin, tmp_path / "room", from_remote=False)
    assert target == laid_out(tmp_path / "room", URL) and target.read_bytes() == OLD


def test_a_version_that_is_gone_is_named(
    data: BucketData, pin: DatasetPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    s3.client.delete_object(Bucket="customers", Key="rows.jsonl", VersionId=pin.version_id)
    with pytest.raises(NotFound) as caught:
        data.fetch(pin, tmp_path / "room", from_remote=True)
    assert str(caught.value) == (
        f"{URL}: version {pin.version_id} of it is gone\n"
        "  hint: restore it from a copy; a version that S3 has deleted does not come back"
    )


def test_other_bytes_than_the_pin_says_are_refused(
    data: BucketData, pin: DatasetPin, tmp_path: Path
) -> None:
    other = msgspec.structs.replace(pin, sha256=hashlib.sha256(NEW).hexdigest())
    with pytest.raises(Mismatch, match=f"version {pin.version_id} of it has other bytes"):
        data.fetch(other, tmp_path / "room", from_remote=True)
    assert not laid_out(tmp_path / "room", URL).exists()


def test_any_key_makes_a_safe_name(tmp_path: Path) -> None:
    for key in ("../../etc/passwd.csv", "a b/c\\d.CSV", f"{'long/' * 200}x.csv"):
        place = laid_out(tmp_path, f"s3://customers/{key}")
        assert place.parent == tmp_path / "buckets" and place.suffix == ".csv"
