from datetime import date

import pytest

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.policy import Waiver
from adapterctl.rules.findings import (
    Audit,
    Finding,
    Skipped,
    counting,
    ranked,
    skipped,
    waived,
)
from support.registries import TODAY


def finding(code="EOL002", severity="high", subject="adapter:a@1", **rest) -> Finding:
    values = {"message": "m", "owners": [], **rest}
    return Finding(code=code, severity=severity, subject=subject, **values)


def audit_of(*findings, skips=()) -> Audit:
    return Audit(
        as_of=TODAY,
        horizon_days=180,
        adapters=1,
        versions=1,
        retired=0,
        findings=list(findings),
        skipped=list(skips),
    )


def waiver(subject="adapter:a@1", until="2026-12-31", code="EOL002") -> Waiver:
    return Waiver(code=code, subject=subject, reason="r", by="Tester", until=until)


def test_a_finding_has_the_keys_of_the_contract_in_their_order():
    assert list(Finding.__struct_fields__) == [
        "code", "severity", "subject", "message", "owners", "base", "phase", "provider", "region",
        "affects", "date", "slack_days", "mend", "waived_until",
    ]  # fmt: skip


def test_findings_rank_by_slack_then_severity_then_subject():
    order = [
        finding(slack_days=-68, subject="adapter:z@1"),
        finding(slack_days=-17, severity="critical", subject="adapter:y@1"),
        finding(slack_days=-17, severity="high", subject="adapter:a@1"),
        finding(slack_days=-17, severity="high", subject="adapter:b@1"),
        finding(slack_days=0, severity="medium"),
        finding(severity="high", subject="base:b"),
        finding(severity="low"),
    ]
    assert ranked(reversed(order)) == order


@pytest.mark.parametrize(
    ("fail_on", "counted"),
    [("critical", 1), ("high", 2), ("medium", 3), ("low", 4), ("info", 5)],
)
def test_fail_on_counts_what_is_at_least_as_severe(fail_on, counted):
    one_each = [finding(severity=s) for s in ("critical", "high", "medium", "low", "info")]
    assert len(counting(one_each, fail_on)) == counted


@pytest.mark.parametrize("subject", ["adapter:a@1", "adapter:a"])
def test_a_waived_finding_carries_its_end_and_does_not_count(subject):
    found = waived(finding(), [waiver(subject)], today=TODAY)
    assert found.waived_until == "2026-12-31"
    assert counting([found], "info") == []


@pytest.mark.parametrize(
    "other",
    [waiver("adapter:a@2"), waiver("adapter:ab"), waiver("base:a"), waiver(code="EOL001")],
)
def test_a_waiver_of_something_else_waives_nothing(other):
    assert waived(finding(), [other], today=TODAY) == finding()


def test_a_waiver_holds_on_its_last_day_and_counts_again_on_the_next():
    on_the_day = waived(finding(), [waiver()], today=date(2026, 12, 31))
    assert counting([on_the_day], "high") == []
    after = waived(finding(), [waiver()], today=date(2027, 1, 1))
    assert counting([after], "high") == [after]
    assert after.waived_until is None
    assert after.message == "m; its waiver ended on 2026-12-31"


def test_of_two_waivers_the_longer_holds():
    both = [waiver(until="2026-12-31"), waiver(until="2026-11-24")]
    assert waived(finding(), both, today=date(2026, 12, 1)).waived_until == "2026-12-31"


def test_a_skip_says_every_problem_of_the_file_and_the_first_mend():
    error = InvalidInput(
        [
            Problem(place="r.yaml:1: a", what="missing"),
            Problem(place="r.yaml:2: b", what="unknown key", hint="did you mean 'c'?"),
        ]
    )
    assert skipped("adapter:a", error, instead="; judged by its record") == Skipped(
        subject="adapter:a",
        reason="r.yaml:1: a: missing; r.yaml:2: b: unknown key; judged by its record",
        mend="did you mean 'c'?",
    )
