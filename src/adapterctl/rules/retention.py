"""When a bucket's lifecycle configuration deletes an object.

The semantics are those of Amazon S3, as its user guide states them:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import msgspec

from adapterctl.records.noun import Noun


class _Plain(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):
    """A part of a configuration, under S3's names; an unknown part may mean anything."""


class Tag(_Plain, frozen=True, kw_only=True):
    """A tag that an object must carry."""

    key: str
    value: str


class Conditions(_Plain, frozen=True, kw_only=True):
    """What an object must meet, all of it; sizes in bytes, themselves excluded."""

    prefix: str = ""
    tag: Tag | None = None
    tags: list[Tag] = []
    object_size_greater_than: int | None = None
    object_size_less_than: int | None = None


class Filter(Conditions, frozen=True, kw_only=True, rename={"both": "And"}):
    """Which objects a rule is about: one condition, or several under ``And``."""

    both: Conditions | None = None


class Expiration(_Plain, frozen=True, kw_only=True):
    """When the current version ends; a marker's own expiry deletes no data."""

    days: int | None = None
    date: datetime | None = None
    expired_object_delete_marker: bool = False


class NoncurrentVersionExpiration(_Plain, frozen=True, kw_only=True):
    """When a version ends that another one, or a delete marker, has replaced.

    Attributes:
        newer_noncurrent_versions: so many of the newest ones are kept all the same.
    """

    noncurrent_days: int | None = None
    newer_noncurrent_versions: int = 0


class LifecycleRule(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One rule, as far as it deletes: transitions and unfinished uploads concern no data.

    ``prefix`` is where rules had their filter before S3 had filters.
    """

    status: str
    id: str = msgspec.field(name="ID", default="")
    prefix: str = ""
    filter: Filter = Filter()
    expiration: Expiration = Expiration()
    noncurrent_version_expiration: NoncurrentVersionExpiration | None = None

    @property
    def asks_for_tags(self) -> bool:
        """Whether an object's tags decide if the rule is about it."""
        both = self.filter.both
        return bool(self.filter.tag or (both and both.tags))


class StoredObject(Noun, frozen=True, kw_only=True):
    """An object as far as lifecycle rules look at it.

    Attributes:
        size: in bytes.
        modified: when it was written, with its time zone.
        replaced: when a newer version, or a delete marker, took its place; ``None`` while it is
            the current version.
        newer_noncurrent: how many replaced versions of it are newer.
    """

    key: str
    size: int
    modified: datetime
    tags: dict[str, str] = {}
    replaced: datetime | None = None
    newer_noncurrent: int = 0


class Deletion(Noun, frozen=True, kw_only=True):
    """The day from whose midnight (UTC) an object is gone, and the rule that says so."""

    day: date
    rule: str


def rules_of(configuration: Iterable[Mapping[str, Any]]) -> list[LifecycleRule]:
    """Returns the enabled rules of a configuration, as boto3 gives it.

    Raises:
        msgspec.ValidationError: a condition or action that is not known: what it deletes cannot
            be said.
    """
    rules = msgspec.convert(list(configuration), list[LifecycleRule])
    return [rule for rule in rules if rule.status == "Enabled"]


def deletion(
    rules: Sequence[LifecycleRule], stored: StoredObject, *, by_version: bool
) -> Deletion | None:
    """Returns when an object is deleted first; ``None`` when no rule names a day.

    Where several rules apply, the earliest day counts. An expired current version of a versioned
    bucket is not gone: a delete marker replaces it, and from then on it is a noncurrent version.

    Args:
        rules: the enabled rules of its bucket.
        stored: the object.
        by_version: it is asked for by its version id, so that it is lost only with that version;
            ``False``: by its key, so that it is lost when the current version expires.
    """
    concerned = [rule for rule in rules if _concerns(rule, stored)]
    expired = _earliest(_expiry(rule, stored) for rule in concerned)
    if not by_version:
        return expired
    if stored.replaced is not None:
        return _earliest(
            _removal(rule, stored.replaced, newer=stored.newer_noncurrent) for rule in concerned
        )
    if expired is None:
        return None
    replaced = datetime.combine(expired.day, time(), tzinfo=UTC)
    gone = _earliest(_removal(rule, replaced, newer=0) for rule in concerned)
    return gone and Deletion(day=gone.day, rule=" then ".join({expired.rule: 0, gone.rule: 0}))


class Ending(NamedTuple):
    """When an object is deleted; ``once_replaced``: only if it is written anew today."""

    end: Deletion
    once_replaced: bool = False


def ending(
    rules: Sequence[LifecycleRule],
    stored: StoredObject,
    *,
    by_version: bool,
    now: datetime,
    stated: Deletion | None = None,
) -> Ending | None:
    """Returns when an object is deleted, by the rules or by what S3 says with it.

    Args:
        rules: the enabled rules of its bucket, as far as they are known.
        stored: the object.
        by_version: see `deletion`.
        now: when the current version would be replaced.
        stated: what S3 says of the current version.
    """
    end = deletion(rules, stored, by_version=by_version)
    if not by_version:
        end = _earliest([end, stated])
    if end is not None or not by_version or stored.replaced is not None:
        return Ending(end) if end else None
    once = deletion(rules, msgspec.structs.replace(stored, replaced=now), by_version=True)
    return Ending(once, once_replaced=True) if once else None


def _concerns(rule: LifecycleRule, stored: StoredObject) -> bool:
    told = [rule.filter, *([rule.filter.both] if rule.filter.both else [])]
    return stored.key.startswith(rule.prefix) and all(_meets(each, stored) for each in told)


def _meets(told: Conditions, stored: StoredObject) -> bool:
    larger, smaller = told.object_size_greater_than, told.object_size_less_than
    tags = [*told.tags, *([told.tag] if told.tag else [])]
    return (
        stored.key.startswith(told.prefix)
        and all(stored.tags.get(tag.key) == tag.value for tag in tags)
        and (larger is None or stored.size > larger)
        and (smaller is None or stored.size < smaller)
    )


def _expiry(rule: LifecycleRule, stored: StoredObject) -> Deletion | None:
    """Returns when a rule ends the current version.

    ``Date`` goes on to work after its day, for objects that are written later.
    """
    expiration = rule.expiration
    if expiration.days is not None:
        return Deletion(day=_midnight(stored.modified, expiration.days), rule=rule.id)
    if expiration.date is not None:
        day = max(expiration.date.date(), stored.modified.astimezone(UTC).date())
        return Deletion(day=day, rule=rule.id)
    return None


def _removal(rule: LifecycleRule, replaced: datetime, *, newer: int) -> Deletion | None:
    """Returns when a rule removes a version that was replaced."""
    told = rule.noncurrent_version_expiration
    if told is None or told.noncurrent_days is None or newer < told.newer_noncurrent_versions:
        return None
    return Deletion(day=_midnight(replaced, told.noncurrent_days), rule=rule.id)


def _midnight(begun: datetime, days: int) -> date:
    """Returns the day whose midnight (UTC) is the first at or after ``begun`` plus ``days``.

    S3 adds the days to the time of writing and rounds up to the next midnight UTC: written on
    15 January at 10:30 with 3 days, an object expires on the 19th at 00:00.
    """
    end = begun.astimezone(UTC) + timedelta(days=days)
    return end.date() if end.time() == time() else end.date() + timedelta(days=1)


def _earliest(found: Iterable[Deletion | None]) -> Deletion | None:
    return min(
        (each for each in found if each), key=lambda each: (each.day, each.rule), default=None
    )
