from datetime import date, timedelta

import msgspec
import pytest

from adapterctl.rules.audit.since import (
    Earlier,
    against,
    changes_since,
    known_after,
    nothing_before,
)
from adapterctl.rules.findings import Audit, Finding, Skipped
from support.registries import TODAY

YESTERDAY = TODAY - timedelta(days=1)


def ending(slack_days=10, severity="medium", code="EOL003", subject="adapter:a@1", **rest):
    values = {
        "message": f"weights of b: shutdown on 2027-02-01, in {slack_days + 60} d",
        "owners": ["team"],
        "base": "b",
        "phase": "weights",
        "date": TODAY + timedelta(days=60 + slack_days),
        **rest,
    }
    return Finding(code=code, severity=severity, subject=subject, slack_days=slack_days, **values)


BACKUP = "no backup owner"
ENDED = f"{BACKUP}; its waiver ended on 2026-11-22"


def other(message=BACKUP, code="OWN001", subject="adapter:a@1", **rest):
    values = {"severity": "medium", "owners": ["team"], "base": "b", **rest}
    return Finding(code=code, subject=subject, message=message, **values)


def audit_of(*findings, skips=(), as_of=TODAY, asked=()) -> Audit:
    return Audit(
        as_of=as_of,
        horizon_days=180,
        adapters=1,
        versions=1,
        retired=0,
        findings=list(findings),
        skipped=[Skipped(subject=subject, reason="r") for subject in skips],
        asked=None if asked is None else [*asked],
    )


def earlier(*findings, skips=(), as_of=YESTERDAY) -> Earlier:
    answer = {
        "schema_version": 1,
        "command": "audit",
        "as_of": as_of,
        "results": findings,
        "skipped": [{"subject": subject, "reason": "r"} for subject in skips],
    }
    return msgspec.json.decode(msgspec.json.encode(answer), type=Earlier)


def replace(finding, **changes):
    return msgspec.structs.replace(finding, **changes)


LATE = {"code": "EOL002", "severity": "high"}


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        (None, ending(), "new"),
        (ending(11), ending(10), "unchanged"),
        (ending(-1, **LATE), ending(-2, **LATE), "unchanged"),
        (ending(0), ending(-1, **LATE), "worse"),
        (ending(-42, **LATE), ending(-43, code="EOL001", severity="critical"), "worse"),
        (ending(20), ending(10), "worse"),
        (ending(5), ending(10), "unchanged"),
        (ending(-2, **LATE), ending(30), "unchanged"),
        (ending(11, severity="low"), ending(10), "worse"),
        (ending(11, phase="serving", provider="azure"), ending(10), "unchanged"),
        (ending(11, waived_until="2026-11-22"), ending(10), "worse"),
        (ending(11, waived_until="2026-12-01"), ending(9, waived_until="2026-12-01"), "unchanged"),
        (other(), other(), "unchanged"),
        (other(), other(message="no owner"), "new"),
        (other(), other(subject="adapter:a@2"), "new"),
        (other(), other(code="OWN002"), "new"),
        (other(provider="azure"), other(provider="bedrock"), "new"),
        (other("40 of 50 rows"), other("41 of 50 rows"), "unchanged"),
        (other("successor l-6 ends"), other("successor l-12 ends"), "new"),
        (other(date=TODAY), other(date=YESTERDAY), "worse"),
        (other(date=YESTERDAY), other(date=TODAY), "unchanged"),
        (other(waived_until="2026-11-22"), other(ENDED), "worse"),
    ],
)  # fmt: skip
def test_a_finding_is_new_worse_or_unchanged(then, now, change):
    known = earlier(*([then] if then else []))
    changes = changes_since(audit_of(now), known)
    assert changes.changes == [change]
    assert changes.gone == ([] if change != "new" else known.results)


def test_time_alone_makes_nothing_worse_until_slack_is_negative():
    known = earlier(ending(10))
    for days in range(1, 10):
        today = YESTERDAY + timedelta(days=days)
        later = audit_of(ending(10 - days), as_of=today)
        assert changes_since(later, known).changes == ["unchanged"]
        known = earlier(*later.findings, as_of=today)


def test_of_several_alike_as_many_are_known_as_there_were():
    gold, shadow = other("gold: 4 rows"), other("gold: 5 rows")
    assert changes_since(audit_of(gold, shadow), earlier(gold)).changes == ["unchanged", "new"]


def test_what_is_mended_is_gone_and_what_nobody_looked_at_is_not():
    known = earlier(other(), other(subject="adapter:dark@1"), other(subject="base:c"))
    changes = changes_since(audit_of(skips=["adapter:dark", "base:c"]), known)
    assert [seen.subject for seen in changes.gone] == ["adapter:a@1"]
    assert [seen.subject for seen in changes.unjudged] == ["adapter:dark@1", "base:c"]


@pytest.mark.parametrize(
    ("asked", "skips", "gone"),
    [
        ((), (), ["DATA001", "OWN001"]),
        ((), ("adapter:else@1", "registry/people.yaml"), ["DATA001", "OWN001"]),
        (None, (), ["OWN001"]),
        ((), ("s3://bucket",), ["OWN001"]),
    ],
)
def test_what_the_world_decides_is_not_gone_while_the_world_is_silent(asked, skips, gone):
    known = earlier(other(code="DATA001"), other())
    changes = changes_since(audit_of(asked=asked, skips=skips), known)
    assert [seen.code for seen in changes.gone] == gone


def test_a_cut_audit_says_nothing_of_what_it_was_cut_from():
    known = earlier(other(), other(subject="adapter:x@1", owners=["them"], base="c"))
    assert changes_since(audit_of(other()), known, owner="team").gone == []
    assert changes_since(audit_of(other()), known, base="b").gone == []
    assert len(changes_since(audit_of(other()), known).gone) == 1


def test_only_what_is_new_or_worse_counts():
    late = ending(-5, **LATE)
    audit, known = audit_of(late), earlier(replace(late, slack_days=-4))
    assert against(audit, fail_on="high", strict=False)
    assert not against(audit, fail_on="high", strict=False, changes=changes_since(audit, known))
    fresh = changes_since(audit, nothing_before(TODAY))
    assert against(audit, fail_on="high", strict=False, changes=fresh)
    assert not against(audit, fail_on="critical", strict=False, changes=fresh)


def test_strict_counts_only_what_could_be_judged_before():
    audit = audit_of(skips=["base:c"])
    for skips, counts in (([], True), (["base:c"], False)):
        changes = changes_since(audit, earlier(skips=skips))
        assert against(audit, fail_on="high", strict=True, changes=changes) is counts
        assert not against(audit, fail_on="high", strict=False, changes=changes)


def test_without_an_earlier_answer_everything_counts():
    audit = audit_of(ending(-5, **LATE), skips=["base:c"])
    assert against(audit, fail_on="high", strict=False)
    assert against(audit_of(skips=["base:c"]), fail_on="high", strict=True)
    waived = replace(ending(-5, **LATE), waived_until="2026-12-31")
    assert not against(audit_of(waived), fail_on="low", strict=True)


def test_what_is_known_afterwards_is_today_and_what_nobody_looked_at_as_of_today():
    dark = ending(10, subject="adapter:dark@1")
    first, missed = other(), other(code="OWN002")
    audit = audit_of(first, missed, skips=["adapter:dark@1"])
    changes = changes_since(audit, earlier(dark))
    known = known_after(audit, changes, untold=[missed])
    assert known.as_of == TODAY
    assert [(seen.code, seen.slack_days) for seen in known.results] == [
        ("OWN001", None), ("EOL003", 9),
    ]  # fmt: skip
    tomorrow = audit_of(first, missed, ending(8, subject="adapter:dark@1"),
                        as_of=date(2026, 11, 24))  # fmt: skip
    assert changes_since(tomorrow, known).changes == ["unchanged", "new", "unchanged"]
