"""The DVC remote in a bucket: presence, bytes hashed again, and clear words when it is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError, Mismatch, NotFound, Unreachable
from adapterctl.records.version import ArtifactPin, DatasetPin
from adapterctl.stores.dvc import DvcStore
from support.s3 import LoopbackS3, environment, keep_in, loopback_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("storage")
        yield server


@pytest.fixture(scope="module")
def store(s3: LoopbackS3, tmp_path_factory: pytest.TempPathFactory) -> DvcStore:
    """A DVC repository whose remote is the bucket; a file and a folder are pushed."""
    root = tmp_path_factory.mktemp("repository")
    made = DvcStore(root)
    made.init(root / "unused")
    keep_in(root, "s3://storage/dvc", s3)
    return made


@pytest.fixture(scope="module")
def pin(store: DvcStore) -> DatasetPin:
    (store.root / "rows.jsonl").write_text('{"a": 1}\n')
    pin = store.pin("rows.jsonl")
    store.push([pin])
    return pin


@pytest.fixture(scope="module")
def folder(store: DvcStore, tmp_path_factory: pytest.TempPathFactory) -> ArtifactPin:
    made = tmp_path_factory.mktemp("artifact")
    (made / "adapter").mkdir()
    (made / "adapter" / "weights").write_bytes(b"weights")
    (made / "recipe.yaml").write_text("a: 1\n")
    pin = store.add_folder(made)
    store.push([pin])
    return pin


def test_what_is_pushed_is_there_and_comes_back_hashed(
    store: DvcStore, pin: DatasetPin, folder: ArtifactPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    keys = {entry["Key"] for entry in s3.client.list_objects_v2(Bucket="storage")["Contents"]}
    assert f"dvc/files/md5/{pin.md5[:2]}/{pin.md5[2:]}" in keys
    absent = "0" * 32
    assert store.missing([pin.md5, folder.md5, absent]) == [absent]
    assert store.fetch(pin, tmp_path).read_text() == '{"a": 1}\n'
    out = store.fetch_folder(folder, tmp_path / "out", only="adapter")
    assert [file.name for file in out.rglob("*") if file.is_file()] == ["weights"]


def test_other_bytes_in_the_bucket_are_noticed(
    store: DvcStore, s3: LoopbackS3, tmp_path: Path
) -> None:
    (store.root / "spoilt.jsonl").write_text('{"a": 2}\n')
    pin = store.pin("spoilt.jsonl")
    store.push([pin])
    s3.put("storage", f"dvc/files/md5/{pin.md5[:2]}/{pin.md5[2:]}", b'{"a": 3}\n')
    assert store.present(pin.md5)
    with pytest.raises(Mismatch, match="has other bytes than were recorded"):
        store.fetch(pin, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_gone_is_named_with_the_folder_that_needs_it(
    store: DvcStore, folder: ArtifactPin, s3: LoopbackS3
) -> None:
    [weights] = [
        entry["Key"]
        for entry in s3.client.list_objects_v2(Bucket="storage")["Contents"]
        if entry["Size"] == len(b"weights")
    ]
    s3.client.delete_object(Bucket="storage", Key=weights)
    assert store.missing([folder.md5]) == ["".join(weights.split("/")[-2:])]
    store.push([folder])
    assert store.present(folder.md5)


def silent(store: DvcStore, pin: DatasetPin, into: Path) -> list[AdapterctlError]:
    """Returns what each way of asking a silent remote says."""
    asked: list[Callable[[], object]] = [
        lambda: store.push([pin]),
        lambda: store.missing([pin.md5]),
        lambda: store.fetch(pin, into),
    ]
    said = []
    for ask in asked:
        with pytest.raises(AdapterctlError) as caught:
            ask()
        said.append(caught.value)
    return said


def test_without_credentials_it_says_which_variables(
    store: DvcStore, pin: DatasetPin, tmp_path: Path
) -> None:
    with environment({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}):
        said = silent(store, pin, tmp_path)
    assert {str(each) for each in said} == {
        "the DVC remote: no credentials: Unable to locate credentials\n"
        "  hint: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    }


def test_denied_access_is_not_taken_for_an_absent_object(
    store: DvcStore, pin: DatasetPin, s3: LoopbackS3, tmp_path: Path
) -> None:
    s3.deny("storage")
    try:
        said = silent(store, pin, tmp_path)
    finally:
        s3.gate.denied.clear()
    assert {str(each).splitlines()[0] for each in said} == {
        "the DVC remote: access denied: Forbidden"
    }


def test_a_missing_bucket_takes_nothing(store: DvcStore, pin: DatasetPin, s3: LoopbackS3) -> None:
    config = store.root / ".dvc" / "config"
    before = config.read_text()
    config.write_text(before.replace("s3://storage/", "s3://no-such-bucket/"))
    try:
        with pytest.raises(NotFound, match="the DVC remote: The specified bucket does not exist"):
            store.push([pin])
    finally:
        config.write_text(before)


def test_an_unreachable_remote_is_said_to_be_one(
    store: DvcStore, pin: DatasetPin, s3: LoopbackS3
) -> None:
    config = store.root / ".dvc" / "config"
    before = config.read_text()
    config.write_text(before.replace(s3.endpoint, "http://127.0.0.1:9"))
    try:
        with pytest.raises(Unreachable, match="the DVC remote: it does not answer"):
            store.missing([pin.md5])
    finally:
        config.write_text(before)
    assert "connect_timeout" not in before


def test_where_the_remote_is_can_be_told_without_asking_it(store: DvcStore, s3: LoopbackS3) -> None:
    told = store.configured()
    assert told is not None and (told.name, told.url) == ("storage", "s3://storage/dvc")
    assert told.options["endpointurl"] == s3.endpoint
    assert DvcStore(store.root, remote="none").configured() is None
