"""The door to S3, against a loopback S3."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError, InvalidInput, Mismatch, NotFound, Unreachable
from adapterctl.stores.s3 import Access, S3Store, fetch_prefix, mirror_folder
from adapterctl.stores.s3.store import Expiry, parse_expiry
from support.s3 import LoopbackS3, environment, loopback_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("versioned", versioned=True)
        server.bucket("plain")
        yield server


@pytest.fixture
def store(s3: LoopbackS3) -> S3Store:
    return S3Store()


def quiet(label: str, done: int, total: int) -> None:
    assert label and done <= total


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_head_tells_size_and_version(s3: LoopbackS3, store: S3Store) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    version = s3.put("versioned", "a/rows.jsonl", b"12345")
    head = store.head("s3://versioned/a/rows.jsonl")
    assert (head.size, head.version, head.etag) == (5, version, hashlib.md5(b"12345").hexdigest())
    assert before <= head.modified <= datetime.now(UTC)


def test_a_bucket_without_versions_gives_no_version_id(s3: LoopbackS3, store: S3Store) -> None:
    s3.put("plain", "rows.jsonl", b"1")
    assert store.head("s3://plain/rows.jsonl").version is None
    assert (store.is_versioned("plain"), store.is_versioned("versioned")) == (False, True)


def test_the_null_version_of_a_suspended_bucket_is_no_version(
    s3: LoopbackS3, store: S3Store
) -> None:
    s3.bucket("suspended", versioned=True)
    s3.client.put_bucket_versioning(
        Bucket="suspended", VersioningConfiguration={"Status": "Suspended"}
    )
    s3.put("suspended", "rows.jsonl", b"1")
    assert store.head("s3://suspended/rows.jsonl").version is None
    assert store.is_versioned("suspended") is False


def test_an_old_version_comes_back_and_is_hashed(
    s3: LoopbackS3, store: S3Store, tmp_path: Path
) -> None:
    old = s3.put("versioned", "rows.jsonl", b"old")
    s3.put("versioned", "rows.jsonl", b"new")
    url, target = "s3://versioned/rows.jsonl", tmp_path / "deep" / "rows.jsonl"
    found = store.fetch(url, target, version=old, sha256=sha256(b"old"))
    assert (target.read_bytes(), found.size) == (b"old", 3)
    assert (found.sha256, found.md5) == (sha256(b"old"), hashlib.md5(b"old").hexdigest())
    assert [path.name for path in target.parent.iterdir()] == ["rows.jsonl"]


def test_other_bytes_are_refused_and_nothing_is_left(
    s3: LoopbackS3, store: S3Store, tmp_path: Path
) -> None:
    version = s3.put("versioned", "other.jsonl", b"other")
    with pytest.raises(Mismatch) as caught:
        store.fetch(
            "s3://versioned/other.jsonl", tmp_path / "x", version=version, sha256=sha256(b"mine")
        )
    assert str(caught.value) == (
        f"s3://versioned/other.jsonl: version {version} of it has other bytes than were recorded: "
        f"sha256 {sha256(b'other')}\n  hint: recorded was {sha256(b'mine')}: restore it from a copy"
    )
    assert list(tmp_path.iterdir()) == []


MISSING = {
    "s3://no-such-bucket/key": "no such bucket\n  hint: correct it, or set AWS_ENDPOINT_URL for a "
    "store that is not AWS",
    "s3://plain/no-such-key": "no such object\n  hint: correct the address",
}


@pytest.mark.parametrize("url", MISSING)
def test_what_is_missing_is_named(url: str, store: S3Store, tmp_path: Path) -> None:
    for ask in (lambda: store.head(url), lambda: store.fetch(url, tmp_path / "x")):
        with pytest.raises(NotFound) as caught:
            ask()
        assert str(caught.value) == f"{url}: {MISSING[url]}"


def test_a_version_that_is_gone_is_named(s3: LoopbackS3, store: S3Store, tmp_path: Path) -> None:
    version = s3.put("versioned", "gone.jsonl", b"gone")
    marker = s3.client.delete_object(Bucket="versioned", Key="gone.jsonl")["VersionId"]
    s3.client.delete_object(Bucket="versioned", Key="gone.jsonl", VersionId=version)
    for each in (version, marker):
        for ask in (
            lambda each=each: store.head("s3://versioned/gone.jsonl", version=each),
            lambda each=each: store.fetch(
                "s3://versioned/gone.jsonl", tmp_path / "x", version=each
            ),
        ):
            with pytest.raises(NotFound, match=f"gone.jsonl: version {each} of it is gone"):
                ask()


def test_denied_access_is_named(s3: LoopbackS3, store: S3Store) -> None:
    s3.bucket("closed")
    s3.put("closed", "key", b"1")
    s3.deny("closed")
    with pytest.raises(AdapterctlError) as caught:
        store.head("s3://closed/key")
    assert str(caught.value) == (
        "s3://closed/key: access denied\n  hint: ask the bucket's owner, or set AWS_PROFILE"
    )


def test_without_credentials_it_says_which_variables(s3: LoopbackS3) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    with environment(nobody), pytest.raises(AdapterctlError) as caught:
        S3Store().head("s3://plain/key")
    assert str(caught.value) == (
        "s3://plain/key: no credentials for S3: Unable to locate credentials\n"
        "  hint: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def test_an_unknown_profile_is_a_matter_of_credentials(s3: LoopbackS3) -> None:
    with pytest.raises(AdapterctlError, match=r"no credentials for S3: .*nobodys"):
        S3Store(Access(profile="nobodys")).head("s3://plain/key")


def test_an_unreachable_store_is_said_within_seconds(s3: LoopbackS3) -> None:
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="s3://plain/key: S3 does not answer"):
        S3Store(Access(endpoint="http://127.0.0.1:9")).head("s3://plain/key")
    assert time.monotonic() - begun < 10


def test_an_endpoint_that_is_no_url_is_refused(s3: LoopbackS3) -> None:
    with pytest.raises(AdapterctlError, match="AWS configuration: S3: Invalid endpoint"):
        S3Store(Access(endpoint="minio")).head("s3://plain/key")


def test_a_denied_upload_is_named(s3: LoopbackS3, store: S3Store, tmp_path: Path) -> None:
    s3.bucket("sealed")
    s3.deny("sealed")
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(AdapterctlError, match="s3://sealed/key: access denied"):
        store.send(tmp_path / "file", "s3://sealed/key", sha256=sha256(b"1"))


def test_an_answer_that_is_cut_off_is_not_taken_for_the_object(
    s3: LoopbackS3, store: S3Store, tmp_path: Path
) -> None:
    s3.put("plain", "cut.jsonl", b"whole" * 1000)
    s3.gate.cut = True
    try:
        with pytest.raises(Unreachable, match=r"s3://plain/cut\.jsonl: S3 does not answer"):
            store.fetch("s3://plain/cut.jsonl", tmp_path / "x")
    finally:
        s3.gate.cut = False
    assert list(tmp_path.iterdir()) == []


WITHOUT_BOTO3 = """
import sys
sys.modules["boto3"] = sys.modules["botocore"] = None
from adapterctl.errors import MissingExtra
from adapterctl.stores.s3 import S3Store
for ask in (S3Store().head, S3Store().lifecycle, S3Store().is_versioned, S3Store().read):
    try:
        ask("s3://bucket/key")
    except MissingExtra as error:
        print(error)
"""


def test_without_boto3_the_extra_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_BOTO3], capture_output=True, text=True, check=True
    )
    said = "what lies in S3 needs the extra 's3', which is not installed\n"
    assert done.stdout == f"{said}  hint: pip install 'adapterctl[s3]'\n" * 4


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(Access(key="hush1", secret="hush2", token="hush3"))


def test_lifecycle_rules_come_as_s3_gives_them(s3: LoopbackS3, store: S3Store) -> None:
    s3.bucket("ruled")
    assert store.lifecycle("ruled") == []
    s3.retain("ruled", {"Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}})
    [rule] = store.lifecycle("ruled")
    assert rule["Expiration"] == {"Days": 3} and rule["Filter"] == {"Prefix": "tmp/"}
    s3.deny("ruled", "lifecycle")
    with pytest.raises(AdapterctlError, match="s3://ruled: access denied"):
        store.lifecycle("ruled")


def test_tags_come_by_name(s3: LoopbackS3, store: S3Store) -> None:
    s3.client.put_object(Bucket="plain", Key="tagged", Body=b"1", Tagging="team=support&keep=no")
    assert store.tags("s3://plain/tagged") == {"team": "support", "keep": "no"}


def test_the_expiry_header_is_read() -> None:
    header = 'expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="picture-deletion-rule"'
    assert parse_expiry(header) == Expiry(day=date(2012, 12, 21), rule="picture-deletion-rule")
    assert parse_expiry(None) is None
    assert parse_expiry('ongoing-request="false"') is None


def test_objects_below_an_address_become_a_folder(s3: LoopbackS3, tmp_path: Path) -> None:
    for key in ("runs/b/adapter_config.json", "runs/b/deep/er/weights", "runs/b2/other", "runs/b/"):
        s3.put("plain", key, key.encode())
    fetch_prefix("s3://plain/runs/b", tmp_path / "out", progress=quiet)
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {"out/adapter_config.json", "out/deep/er/weights"}
    assert (tmp_path / "out/deep/er/weights").read_text() == "runs/b/deep/er/weights"


def test_more_objects_than_one_page_holds_all_come(s3: LoopbackS3) -> None:
    s3.bucket("many")
    for number in range(5):
        s3.put("many", f"all/{number}", b"")
    keys = [head.url for head in S3Store(page=2).below("s3://many/all")]
    assert keys == [f"s3://many/all/{number}" for number in range(5)]


def test_a_key_that_leads_out_of_the_folder_is_refused(s3: LoopbackS3, tmp_path: Path) -> None:
    s3.bucket("evil")
    s3.put("evil", "a/../../out", b"1")
    with pytest.raises(InvalidInput, match="leads out of its folder"):
        fetch_prefix("s3://evil/a", tmp_path / "in" / "deep", progress=quiet)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_prefix_and_a_missing_bucket_are_told_apart(
    s3: LoopbackS3, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="s3://plain/nothing: holds no objects"):
        fetch_prefix("s3://plain/nothing", tmp_path / "out", progress=quiet)
    with pytest.raises(NotFound, match="s3://no-such-bucket/x: no such bucket"):
        fetch_prefix("s3://no-such-bucket/x", tmp_path / "out", progress=quiet)
    with pytest.raises(InvalidInput, match="s3:/typo: not the address of a bucket"):
        fetch_prefix("s3:/typo", tmp_path / "out", progress=quiet)
    assert not (tmp_path / "out").exists()


def test_a_mirrored_folder_is_read_back_and_an_interrupted_one_is_taken_up(
    s3: LoopbackS3, tmp_path: Path
) -> None:
    s3.bucket("mirrors")
    content = {"config.json": b"{}", "deep/model.safetensors": b"weights"}
    for name, body in content.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
    digests = {name: sha256(body) for name, body in content.items()}
    s3.put("mirrors", "base/deep/model.safetensors", b"wei")
    heads = mirror_folder(tmp_path, "s3://mirrors/base/", sha256=digests, progress=quiet)
    assert [head.url for head in heads] == [f"s3://mirrors/base/{name}" for name in content]
    fetch_prefix("s3://mirrors/base", tmp_path / "back", progress=quiet)
    assert (tmp_path / "back/deep/model.safetensors").read_bytes() == b"weights"

    with pytest.raises(Mismatch, match="other bytes than were recorded"):
        wrong = {"config.json": sha256(b"else"), "deep/model.safetensors": sha256(b"weights")}
        mirror_folder(tmp_path, "s3://mirrors/base", sha256=wrong, progress=quiet)
    with pytest.raises(InvalidInput, match=r"no copy of the base: config.json lies there"):
        only = {"deep/model.safetensors": sha256(b"weights")}
        mirror_folder(tmp_path, "s3://mirrors/base", sha256=only, progress=quiet)
