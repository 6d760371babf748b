"""Buckets are asked what they hold and until when: DVC's remote there, and data that stay there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapterctl.jobs.inputs.retention import access_of
from adapterctl.jobs.world import expiry, remote_in_s3
from adapterctl.jobs.world.asking import Patience
from adapterctl.records.recipe import TrainData
from adapterctl.records.version import DatasetPin
from adapterctl.rules.findings import Audit
from adapterctl.stores.dvc import DvcStore
from support.registries import a_recipe
from support.s3 import LoopbackS3, loopback_s3
from support.worlds import ADAPTER, WEIGHTS, Place, md5, only, sha256, silent, skips, told

pytest.importorskip("boto3")
pytest.importorskip("dvc")

ALL = {"Filter": {"Prefix": ""}}
A_YEAR = {"ID": "a-year", "Filter": {"Prefix": "dvc/"}, "Expiration": {"Days": 365}}
TRAIN = b'{"text": "a"}\n'


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("storage")
        server.bucket("customers", versioned=True)
        yield server


@pytest.fixture
def place(tmp_path: Path, s3: LoopbackS3) -> Iterator[Place]:
    """The usual place with its DVC remote in a bucket."""
    made = Place(tmp_path)
    made.config(url="s3://storage/dvc", endpointurl=s3.endpoint)
    yield made
    s3.gate.denied.clear()
    s3.gate.expiry = None
    for bucket in ("storage", "customers"):
        s3.retain(bucket)


def keep(place: Place, s3: LoopbackS3) -> None:
    """Puts what the place pins into its bucket, and nothing else."""
    for entry in s3.client.list_objects_v2(Bucket="storage").get("Contents", []):
        s3.client.delete_object(Bucket="storage", Key=entry["Key"])
    for name, content in place.bytes.objects.items():
        s3.put("storage", key(name), content)


def key(name: str) -> str:
    return f"dvc/files/md5/{name[:2]}/{name[2:]}"


def served(place: Place, s3: LoopbackS3, **changes: Any) -> None:
    place.serve(**changes)
    keep(place, s3)


# the remote


def test_a_remote_in_a_bucket_that_has_everything_is_no_finding(
    place: Place, s3: LoopbackS3
) -> None:
    served(place, s3)
    answer = place.ask()
    assert (answer.findings, answer.skipped) == ([], [])
    assert answer.asked is not None and "the DVC remote" in answer.asked


def test_what_a_bucket_lost_or_cut_short_is_found(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    s3.client.delete_object(Bucket="storage", Key=key(md5(b"weights")))
    s3.put("storage", key(md5(TRAIN)), TRAIN[:4])
    assert told(place.ask()) == [
        ("DATA001", f"not in remote 'storage' any more: {WEIGHTS}"),
        ("DATA002", "in remote 'storage': data/train.jsonl has 4 B, pinned were 14 B"),
    ]


def test_many_objects_are_listed_to_the_same_end_as_a_few_are_asked_for(
    place: Place, s3: LoopbackS3
) -> None:
    served(place, s3)
    s3.client.delete_object(Bucket="storage", Key=key(md5(b"{}")))
    remote = DvcStore(place.root).configured()
    assert remote is not None
    bucket, wanted = expiry.enter("it", access_of(remote), Patience(20)), set(place.bytes.objects)
    one_by_one, nothing = remote_in_s3.asked_heads(bucket, remote, wanted)
    listed, still_nothing = remote_in_s3.listed_heads(bucket, remote, wanted)
    assert (nothing, still_nothing) == ({}, {})
    assert listed.keys() == one_by_one.keys() == wanted - {md5(b"{}")}
    assert {h.size for h in listed.values()} == {h.size for h in one_by_one.values()}
    s3.deny("storage")
    assert remote_in_s3.listed_heads(bucket, remote, wanted)[1].keys() == wanted


def test_a_folder_is_listed_once_for_its_list_never_changes(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    folder = next(name for name in place.bytes.objects if name.endswith(".dir"))
    assert told(place.ask()) == []
    s3.put("storage", key(folder), b"x" * len(place.bytes.objects[folder]))
    assert told(place.ask()) == []
    kept = place.root / ".adapterctl" / "cache" / "listings"
    for file in kept.rglob("*.dir"):
        file.write_bytes(b"damaged, and therefore not taken")
    assert [code for code, _ in told(place.ask())] == ["DATA002"]


def test_a_list_of_another_length_is_read_again(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    folder = next(name for name in place.bytes.objects if name.endswith(".dir"))
    assert told(place.ask()) == []
    s3.put("storage", key(folder), b"[]")
    assert [code for code, _ in told(place.ask())] == ["DATA002"]


def test_a_bucket_that_is_gone_has_lost_everything(place: Place, s3: LoopbackS3) -> None:
    place.serve()
    place.config(url="s3://deleted/dvc", endpointurl=s3.endpoint)
    found = only(place.ask())
    assert found.code == "DATA001"
    assert found.message.endswith("data/shadow.jsonl and 1 more")
    remote = DvcStore(place.root).configured()
    assert remote is not None
    bucket = expiry.enter("it", access_of(remote), Patience(20))
    assert remote_in_s3.listed_heads(bucket, remote, {"a" * 32}) == ({}, {})


def test_a_bucket_that_lets_nobody_in_is_one_skip(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    s3.deny("storage")
    answer = place.ask()
    assert answer.findings == []
    [(subject, reason)] = skips(answer).items()
    assert subject == "remote 'storage'"
    assert reason.endswith("access denied (4 of 4 objects)")


def test_a_store_that_is_not_there_is_one_skip(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    place.config(url="s3://storage/dvc", endpointurl="http://127.0.0.1:9")
    [(subject, reason)] = skips(place.ask()).items()
    assert subject == "remote 'storage'"
    assert "S3 does not answer" in reason


def test_a_store_that_never_answers_is_not_waited_for(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    place.allow(1)
    with silent() as endpoint:
        place.config(url="s3://storage/dvc", endpointurl=endpoint)
        start = datetime.now(UTC)
        answer = place.ask()
        assert datetime.now(UTC) - start < timedelta(seconds=6)
    assert answer.findings == []
    assert list(skips(answer)) == ["remote 'storage'"]


# until when


def test_a_rule_that_deletes_what_is_needed_is_found(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    s3.retain("storage", A_YEAR)
    day = (datetime.now(UTC) + timedelta(days=366)).date()
    found = only(place.ask())
    assert (found.code, found.severity, found.date) == ("DATA003", "high", day)
    assert found.message == (
        f"rule 'a-year' of s3://storage/dvc deletes data/train.jsonl and 3 more on {day}; "
        "nothing says until when they are needed: keep_until would"
    )
    assert found.affects == ["helpdesk"]


def test_what_the_base_or_the_recipe_outlives_is_no_finding(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    s3.retain("storage", A_YEAR)
    data = a_recipe(ADAPTER).data
    train = msgspec.structs.replace(data.train, keep_until="2027-01-31")
    place.recipe(ADAPTER, data=msgspec.structs.replace(data, train=train))
    assert told(place.ask()) == []
    place.recipe(ADAPTER)
    place.date("minilm-l6", "2099-01-05")
    [(_, message)] = told(place.ask())
    assert message.endswith("needed until 2099-01-05: base minilm-l6 ends then")


def test_rules_of_other_prefixes_and_tags_delete_nothing(place: Place, s3: LoopbackS3) -> None:
    served(place, s3)
    days = {"Expiration": {"Days": 365}}
    s3.retain(
        "storage",
        {"Filter": {"Prefix": "logs/"}, **days},
        {"Filter": {"Tag": {"Key": "keep", "Value": "no"}}, **days},
    )
    assert told(place.ask()) == []
    tags = {"TagSet": [{"Key": "keep", "Value": "no"}]}
    s3.client.put_object_tagging(Bucket="storage", Key=key(md5(b"weights")), Tagging=tags)
    [(code, message)] = told(place.ask())
    assert code == "DATA003"
    assert "deletes its folder of weights, code and predictions on" in message


def test_a_bucket_that_hides_its_rules_is_skipped_or_says_it_with_the_object(
    place: Place, s3: LoopbackS3
) -> None:
    served(place, s3)
    s3.deny("storage", "lifecycle")
    answer = place.ask()
    assert answer.findings == []
    reason = "unknown whether it deletes data: access denied"
    assert skips(answer) == {"s3://storage/dvc": reason}
    s3.gate.expiry = 'expiry-date="Fri, 21 Dec 2029 00:00:00 GMT", rule-id="theirs"'
    found = only(place.ask())
    assert (found.code, str(found.date)) == ("DATA003", "2029-12-21")
    assert "rule 'theirs' of s3://storage/dvc" in found.message


# data that stay in their bucket


def staying(place: Place, s3: LoopbackS3) -> str:
    """Has the training data stay in their bucket; returns the version id that pins them."""
    place.config(url=str(place.remote))
    version = s3.put("customers", "train.jsonl", TRAIN)
    assert version is not None
    url = "s3://customers/train.jsonl"
    digests = {"md5": md5(TRAIN), "sha256": sha256(TRAIN), "size": len(TRAIN)}
    place.serve(train=DatasetPin(path=url, version_id=version, **digests))
    data = a_recipe(ADAPTER).data
    train = TrainData(path=url, copy=False, selection=None)
    place.recipe(ADAPTER, data=msgspec.structs.replace(data, train=train))
    return version


def codes(answer: Audit) -> list[str]:
    return [found.code for found in answer.findings]


def test_a_pinned_version_is_looked_for_whatever_came_after_it(
    place: Place, s3: LoopbackS3
) -> None:
    version = staying(place, s3)
    s3.put("customers", "train.jsonl", b"newer")
    answer = place.ask()
    assert codes(answer) == [] and answer.skipped == []
    assert answer.asked is not None and "s3://customers" in answer.asked
    s3.client.delete_object(Bucket="customers", Key="train.jsonl", VersionId=version)
    found = only(place.ask())
    assert (found.code, found.severity) == ("DATA001", "critical")
    assert found.message == "not in s3://customers any more: s3://customers/train.jsonl"


def test_a_replaced_version_is_judged_by_when_it_was_replaced(place: Place, s3: LoopbackS3) -> None:
    staying(place, s3)
    told_rule = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
    s3.retain("customers", {"ID": "remove", **ALL, **told_rule})
    once = only(place.ask())
    assert (once.code, once.severity) == ("DATA003", "medium")
    assert once.message.endswith("if it is written anew today")
    s3.put("customers", "train.jsonl", b"newer")
    found = only(place.ask())
    day = (datetime.now(UTC) + timedelta(days=11)).date()
    assert (found.severity, found.date) == ("high", day)


def test_where_the_list_of_versions_is_not_shown_it_is_unknown(
    place: Place, s3: LoopbackS3
) -> None:
    staying(place, s3)
    told_rule = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
    s3.retain("customers", {"ID": "remove", **ALL, **told_rule})
    s3.deny("customers", "versions&prefix")
    answer = place.ask()
    assert answer.findings == []
    [reason] = skips(answer).values()
    assert reason.startswith("unknown whether it deletes data: s3://customers/train.jsonl: access")


def test_a_bucket_of_data_that_never_answers_leaves_the_rest_judged(
    place: Place, s3: LoopbackS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    staying(place, s3)
    (place.root / "bases" / "minilm-l6").rmdir()
    place.allow(1)
    with silent() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        answer = place.ask()
    assert codes(answer) == ["BASE003"]
    assert list(skips(answer)) == ["s3://customers"]
