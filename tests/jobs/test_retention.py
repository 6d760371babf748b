"""Buckets whose rules delete an adapter's data are named before it is registered (DATA003)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapterctl.jobs.inputs.retention import Held, Holder, ends
from adapterctl.rules.audit.needs import Doomed
from adapterctl.stores.s3 import S3Store
from support.commands import Commands
from support.projects import commit, copied, edit
from support.s3 import LoopbackS3, keep_in, loopback_s3

ROUTER = "registry/adapters/router/recipe.yaml"
TODAY = ("--as-of", "2026-11-23")
A_YEAR = {"ID": "a-year", "Filter": {"Prefix": "dvc/"}, "Expiration": {"Days": 365}}


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("team-storage")
        server.bucket("customers", versioned=True)
        yield server


@pytest.fixture
def root(template: Path, tmp_path: Path, s3: LoopbackS3) -> Iterator[Path]:
    """A project that could be registered, with its DVC remote in a bucket without rules."""
    place = copied(template, tmp_path / "place")
    keep_in(place, "s3://team-storage/dvc", s3)
    yield place
    s3.gate.denied.clear()
    s3.gate.expiry = None
    for bucket in ("team-storage", "customers"):
        s3.retain(bucket)


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(root, capsys)


def found(run: Commands) -> list[dict[str, Any]]:
    """Returns what is said of retention; whether it refuses must agree with the exit status."""
    said = run("register", ROUTER, "--check", *TODAY, "--format", "json")
    results = said.json["results"]
    assert said.status == int(any(each["refuses"] for each in results)), said.err
    return [each for each in results if each["code"] == "DATA003"]


def test_the_remote_deletes_what_is_needed_until_a_later_day(
    root: Path, run: Commands, s3: LoopbackS3
) -> None:
    assert found(run) == []
    s3.retain("team-storage", A_YEAR)
    [finding] = found(run)
    assert finding["refuses"] and finding["date"] == "2027-11-24"
    assert finding["message"] == (
        "rule 'a-year' of s3://team-storage/dvc deletes data/train.jsonl and 3 more on "
        "2027-11-24; nothing says until when they are needed: keep_until would"
    )
    edit(root / ROUTER, "    selection:", "    keep_until: 2099-12-31\n    selection:")
    assert found(run)[0]["message"].endswith("; needed until 2099-12-31: data.train.keep_until")
    edit(root / ROUTER, "2099-12-31", "2026-12-31")
    assert found(run) == []


def test_the_remote_counts_when_all_data_lie_elsewhere_for_it_gets_the_weights(
    root: Path, run: Commands, s3: LoopbackS3
) -> None:
    pinned(root, s3)
    for name in ("pool", "gold"):
        s3.put("customers", f"{name}.jsonl", (root / "data" / f"{name}.jsonl").read_bytes())
    edit(root / ROUTER, "{pool: data/pool.jsonl,", "{pool: s3://customers/pool.jsonl, copy: false,")
    edit(root / ROUTER, "path: data/gold.jsonl,", "path: s3://customers/gold.jsonl, copy: false,")
    commit(root)
    s3.retain("team-storage", A_YEAR)
    [finding] = found(run)
    assert "of s3://team-storage/dvc deletes weights, code and predictions on" in finding["message"]


def test_a_base_that_ends_earlier_is_what_the_data_are_needed_for(
    root: Path, run: Commands, s3: LoopbackS3
) -> None:
    s3.retain("team-storage", A_YEAR)
    lifecycle = ("lifecycle", "add", "old-base", "--phase", "weights", "--source", "https://x.org")
    assert run(*lifecycle, "--shutdown", "2099-01-05", *TODAY).status == 0
    assert found(run)[0]["message"].endswith("; needed until 2099-01-05: base old-base ends then")
    assert run(*lifecycle, "--shutdown", "2027-02-05", *TODAY).status == 0
    assert found(run) == []


def test_a_rule_about_other_prefixes_and_a_disabled_one_delete_nothing(
    run: Commands, s3: LoopbackS3
) -> None:
    s3.retain(
        "team-storage",
        {**A_YEAR, "Filter": {"Prefix": "logs/"}},
        {**A_YEAR, "ID": "off", "Status": "Disabled"},
    )
    assert found(run) == []


def test_a_bucket_that_does_not_say_is_unknown_and_refuses_nothing(
    run: Commands, s3: LoopbackS3
) -> None:
    s3.deny("team-storage", "lifecycle")
    said = run("register", ROUTER, "--check", *TODAY)
    assert said.status == 0
    assert (
        "warning: s3://team-storage/dvc: unknown whether it deletes data: access denied" in said.err
    )


def test_an_unreachable_bucket_is_unknown_and_refuses_nothing(root: Path, run: Commands) -> None:
    config = root / ".dvc" / "config"
    edit(config, "endpointurl = http://127.0.0.1:", "endpointurl = http://127.0.0.1:9\n#")
    said = run("register", ROUTER, "--check", *TODAY)
    assert said.status == 0
    assert "s3://team-storage/dvc: unknown whether it deletes data: S3 does not answer" in said.err


def pinned(root: Path, s3: LoopbackS3) -> None:
    url = "s3://customers/train.jsonl"
    s3.put("customers", "train.jsonl", (root / "data" / "train.jsonl").read_bytes())
    edit(root / ROUTER, "path: data/train.jsonl", f"path: {url}\n    copy: false")
    commit(root)


def test_a_pinned_version_outlives_its_expiry_but_not_its_removal(
    root: Path, run: Commands, s3: LoopbackS3
) -> None:
    pinned(root, s3)
    expire = {"ID": "expire", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    remove = {"ID": "remove", "NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
    s3.retain("customers", expire)
    assert found(run) == []
    s3.retain("customers", expire, {**remove, "Filter": {"Prefix": ""}})
    [finding] = found(run)
    last = (datetime.now(UTC) + timedelta(days=41)).date()
    assert finding["refuses"] and finding["date"] == last.isoformat()
    assert "rule 'expire then remove' of s3://customers deletes s3://" in finding["message"]


def test_a_version_that_would_not_outlive_its_replacement_is_a_warning(
    root: Path, run: Commands, s3: LoopbackS3
) -> None:
    pinned(root, s3)
    told = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
    s3.retain("customers", {"ID": "remove", "Filter": {"Prefix": ""}, **told})
    [finding] = found(run)
    assert (finding["refuses"], finding["severity"], finding["date"]) == (False, "medium", None)
    assert finding["message"].endswith("if it is written anew today")


# What stands below a project's gates, with a day that need not be this one.

LATER = datetime.now(UTC) + timedelta(days=300)


def held(s3: LoopbackS3, *keys: str) -> Holder:
    objects = [Held(path=key, url=f"s3://team-storage/dvc/{key}", size=1) for key in keys]
    return Holder(place="s3://team-storage", store=S3Store(), objects=objects)


def test_what_is_there_already_is_counted_from_its_own_writing(root: Path, s3: LoopbackS3) -> None:
    s3.put("team-storage", "dvc/old", b"1")
    s3.retain("team-storage", A_YEAR)
    old, new = ends([held(s3, "old", "new")], now=LATER)
    assert isinstance(old, Doomed) and isinstance(new, Doomed)
    assert 299 <= (new.end.day - old.end.day).days <= 300


def test_a_folder_is_lost_with_its_first_file(root: Path, s3: LoopbackS3) -> None:
    s3.put("team-storage", "dvc/old", b"1")
    s3.retain("team-storage", A_YEAR)
    objects = [Held(path="folder", url=each.url, size=1) for each in held(s3, "new", "old").objects]
    place = Holder(place="s3://team-storage", store=S3Store(), objects=objects)
    [doomed] = ends([place], now=LATER)
    assert isinstance(doomed, Doomed) and doomed.end.day < LATER.date() + timedelta(days=100)


def test_tags_decide_where_a_rule_asks_for_them(root: Path, s3: LoopbackS3) -> None:
    tags = {"Bucket": "team-storage", "Body": b"1", "Tagging": "keep=no"}
    s3.client.put_object(Key="dvc/tagged", **tags)
    s3.put("team-storage", "dvc/bare", b"1")
    s3.retain("team-storage", {**A_YEAR, "Filter": {"Tag": {"Key": "keep", "Value": "no"}}})
    doomed = list(ends([held(s3, "tagged", "bare")], now=LATER))
    assert [each.path for each in doomed if isinstance(each, Doomed)] == ["tagged"]


def test_where_the_rules_are_not_shown_s3_says_it_with_the_object(
    root: Path, s3: LoopbackS3
) -> None:
    s3.put("team-storage", "dvc/old", b"1")
    s3.deny("team-storage", "lifecycle")
    s3.gate.expiry = 'expiry-date="Fri, 21 Dec 2029 00:00:00 GMT", rule-id="theirs"'
    [doomed] = ends([held(s3, "old")], now=LATER)
    assert isinstance(doomed, Doomed)
    assert (doomed.end.day.isoformat(), doomed.end.rule) == ("2029-12-21", "theirs")
