"""When a bucket's rules delete an object, by the examples of S3's user guide."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.rules.audit.needs import Doomed, Need, findings, need_of, too_early
from adapterctl.rules.retention import Deletion, StoredObject, deletion, rules_of

WRITTEN = datetime(2014, 1, 15, 10, 30, tzinfo=UTC)


def rule(**told: Any) -> dict[str, Any]:
    return {"ID": "rule", "Status": "Enabled", "Filter": {"Prefix": ""}, **told}


def stored(**told: Any) -> StoredObject:
    return StoredObject(**{"key": "data/train.jsonl", "size": 500, "modified": WRITTEN, **told})


def ends(*rules: dict[str, Any], by_version: bool = False, **told: Any) -> date | None:
    found = deletion(rules_of(rules), stored(**told), by_version=by_version)
    return found and found.day


THREE_DAYS = {"Expiration": {"Days": 3}}


def test_days_are_counted_from_writing_and_rounded_up_to_midnight() -> None:
    """The user guide's own example: 15 January, 10:30 UTC, 3 days."""
    assert ends(rule(**THREE_DAYS)) == date(2014, 1, 19)


def test_midnight_is_that_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    early = datetime(2014, 1, 16, 8, 59, tzinfo=tokyo)
    assert ends(rule(**THREE_DAYS), modified=early) == date(2014, 1, 19)
    late = datetime(2014, 1, 16, 9, 1, tzinfo=tokyo)
    assert ends(rule(**THREE_DAYS), modified=late) == date(2014, 1, 20)


def test_what_was_written_at_midnight_is_not_rounded() -> None:
    assert ends(rule(**THREE_DAYS), modified=datetime(2014, 1, 15, tzinfo=UTC)) == date(2014, 1, 18)


def test_a_date_holds_for_what_is_written_later_too() -> None:
    dated = rule(Expiration={"Date": datetime(2014, 2, 1, tzinfo=UTC)})
    assert ends(dated) == date(2014, 2, 1)
    assert ends(dated, modified=datetime(2014, 3, 5, 1, tzinfo=UTC)) == date(2014, 3, 5)


def test_a_disabled_rule_deletes_nothing() -> None:
    assert ends(rule(Status="Disabled", **THREE_DAYS)) is None


def test_the_expiry_of_delete_markers_deletes_no_data() -> None:
    assert ends(rule(Expiration={"ExpiredObjectDeleteMarker": True})) is None


def test_moves_to_other_classes_and_unfinished_uploads_are_no_deletions() -> None:
    assert (
        ends(
            rule(
                Transitions=[{"Days": 1, "StorageClass": "GLACIER"}],
                AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1},
            )
        )
        is None
    )


TEAM = {"Key": "team", "Value": "support"}
OLD = {"Key": "keep", "Value": "no"}
FILTERS: dict[str, tuple[dict[str, Any], bool]] = {
    "its prefix": ({"Prefix": "data/"}, True),
    "its whole key": ({"Prefix": "data/train.jsonl"}, True),
    "another prefix": ({"Prefix": "/data"}, False),
    "its tag": ({"Tag": TEAM}, True),
    "another value of its tag": ({"Tag": {"Key": "team", "Value": "Support"}}, False),
    "a tag that it lacks": ({"Tag": OLD}, False),
    "more than fewer bytes": ({"ObjectSizeGreaterThan": 499}, True),
    "more than its bytes": ({"ObjectSizeGreaterThan": 500}, False),
    "less than more bytes": ({"ObjectSizeLessThan": 501}, True),
    "less than its bytes": ({"ObjectSizeLessThan": 500}, False),
    "all of several": ({"And": {"Prefix": "data/", "Tags": [TEAM]}}, True),
    "not all of several": ({"And": {"Prefix": "data/", "Tags": [TEAM, OLD]}}, False),
    "size and prefix": ({"And": {"Prefix": "data/", "ObjectSizeLessThan": 9}}, False),
    "nothing": ({}, True),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_rule_is_about_what_meets_its_filter(name: str) -> None:
    told, concerned = FILTERS[name]
    found = ends(rule(Filter=told, **THREE_DAYS), tags={"team": "support"})
    assert found == (date(2014, 1, 19) if concerned else None)


def test_a_prefix_may_stand_beside_the_filter_as_it_once_did() -> None:
    old = {"ID": "old", "Status": "Enabled", **THREE_DAYS}
    assert ends({**old, "Prefix": "data/"}) == date(2014, 1, 19)
    assert ends({**old, "Prefix": "logs/"}) is None


def test_of_several_rules_the_earliest_day_counts_and_is_named() -> None:
    rules = [
        {**rule(Expiration={"Days": 365}), "ID": "a-year"},
        {**rule(Expiration={"Days": 30}), "ID": "a-month"},
        {**rule(Filter={"Prefix": "logs/"}, Expiration={"Days": 1}), "ID": "logs"},
    ]
    found = deletion(rules_of(rules), stored(), by_version=False)
    assert found == Deletion(day=date(2014, 2, 15), rule="a-month")


NONCURRENT = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}}


def test_an_expired_version_is_still_there_under_its_id() -> None:
    assert ends(rule(**THREE_DAYS), by_version=True) is None


def test_a_version_ends_so_many_days_after_the_marker_that_replaces_it() -> None:
    rules = [
        {**rule(**THREE_DAYS), "ID": "expire"},
        {**rule(**NONCURRENT), "ID": "remove"},
    ]
    found = deletion(rules_of(rules), stored(), by_version=True)
    assert found == Deletion(day=date(2014, 1, 29), rule="expire then remove")
    assert ends(rules[1], by_version=True) is None


def test_a_replaced_version_is_counted_from_its_replacement() -> None:
    replaced = datetime(2014, 3, 1, 12, tzinfo=UTC)
    assert ends(rule(**NONCURRENT), by_version=True, replaced=replaced) == date(2014, 3, 12)
    assert ends(rule(**THREE_DAYS), by_version=True, replaced=replaced) is None


def test_the_newest_replaced_versions_may_be_kept() -> None:
    told = {"NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 2}}
    replaced = datetime(2014, 3, 1, 12, tzinfo=UTC)
    ages = [
        ends(rule(**told), by_version=True, replaced=replaced, newer_noncurrent=newer)
        for newer in range(4)
    ]
    assert ages == [None, None, date(2014, 3, 12), date(2014, 3, 12)]


@pytest.mark.parametrize("told", [{"Filter": {"Owner": "me"}}, {"Expiration": {"Weeks": 3}}])
def test_a_part_that_nobody_knows_is_not_taken_for_nothing(told: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        rules_of([rule(**told)])


def test_what_is_needed_on_a_day_must_be_there_on_it() -> None:
    need = Need(day=date(2014, 1, 19), why="because")
    assert too_early(date(2014, 1, 19), need) and not too_early(date(2014, 1, 20), need)
    assert too_early(date(2114, 1, 1), Need(day=None, why="nobody says"))


def test_a_need_is_a_day_of_the_calendar() -> None:
    assert need_of("2028-12-31").day == date(2028, 12, 31)
    with pytest.raises(InvalidInput) as caught:
        need_of("2027-02-31")
    assert str(caught.value) == (
        "data.train.keep_until: not a day of the calendar: '2027-02-31'\n"
        "  hint: days are YYYY-MM-DD"
    )


def test_one_finding_names_what_one_rule_deletes_on_one_day() -> None:
    end = Deletion(day=date(2027, 11, 24), rule="a-year")
    doomed = [
        Doomed(path=path, place="s3://storage/dvc", end=end) for path in ("train", "gold", "pool")
    ]
    need = Need(day=date(2028, 12, 31), why="data.train.keep_until")
    found = list(findings(doomed, need, subject="adapter:router", owners=["ml"], base="old"))
    assert [(each.code, each.severity, each.date) for each in found] == [
        ("DATA003", "high", date(2027, 11, 24))
    ]
    assert found[0].message == (
        "rule 'a-year' of s3://storage/dvc deletes train and 2 more on 2027-11-24; "
        "needed until 2028-12-31: data.train.keep_until"
    )
    assert found[0].mend == "take the data out of rule 'a-year', or let it keep them for longer"
    later = Need(day=date(2027, 11, 23), why="x")
    assert list(findings(doomed, later, subject="adapter:router", owners=[], base="old")) == []
