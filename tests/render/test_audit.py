import re
from datetime import date

import msgspec
import pytest

from adapterctl.render.audit import in_format
from adapterctl.render.audit.view import View
from adapterctl.rules.findings import Audit, Finding
from support.registries import TODAY


def ending(number: int, *, owner: str | None, days: int, code: str = "EOL003") -> Finding:
    return Finding(
        code=code,
        severity="medium",
        subject=f"adapter:a{number}@1",
        message="m",
        owners=[owner] if owner else [],
        base="b",
        date=TODAY,
        slack_days=days,
        mend="adapterctl plan a --to b",
    )


def audit_of(*findings: Finding) -> Audit:
    return Audit(
        as_of=TODAY,
        horizon_days=180,
        adapters=len({finding.subject.partition("@")[0] for finding in findings}),
        versions=len(findings),
        retired=0,
        findings=list(findings),
        skipped=[],
    )


def as_text(audit: Audit, **view) -> str:
    return in_format("text", audit, View(**view))


def test_the_second_line_names_who_has_to_move_the_late_ones_first():
    findings = [
        ending(1, owner="calm", days=30),
        ending(2, owner="calm", days=40),
        ending(3, owner="late", days=-3),
        ending(4, owner=None, days=9),
    ]
    lines = as_text(audit_of(*findings)).splitlines()
    assert lines[0] == "Dying this quarter: 4 of 4 adapters; by 2027-05-22: 4."
    assert lines[1] == "Has to move: late 1 (1 late), calm 2, no owner 1."


def on(day: str, number: int = 1) -> Finding:
    return msgspec.structs.replace(
        ending(number, owner="calm", days=1), date=date.fromisoformat(day)
    )


@pytest.mark.parametrize(
    ("today", "horizon_days", "days", "said"),
    [
        ("2026-11-23", 39, ["2026-12-31", "2027-01-01"], "{q} 1 of 2 adapters; by 2027-01-01: 2."),
        ("2026-11-23", 180, ["2027-01-01"], "{q} none known, of 1 adapter; by 2027-05-22: 1."),
        ("2026-10-01", 91, ["2026-12-31"], "{q} 1 of 1 adapter; by 2026-12-31: 1."),
        ("2026-11-23", 30, ["2026-12-01", "2026-12-31"], "by 2026-12-23: 1 of 2 adapters."),
        ("2026-04-30", 180, ["2025-01-01"], "{q} 1 of 1 adapter; by 2026-10-27: 1."),
        ("2026-11-23", 180, [], "by 2027-05-22: none known, of 0 adapters."),
    ],
)  # fmt: skip
def test_the_first_line_names_the_quarter_unless_nobody_looked_that_far(
    today, horizon_days, days, said
):
    audit = msgspec.structs.replace(
        audit_of(*(on(day, number) for number, day in enumerate(days))),
        as_of=date.fromisoformat(today),
        horizon_days=horizon_days,
    )
    assert as_text(audit).splitlines()[0] == f"Dying {said.format(q='this quarter:')}"


def test_two_versions_of_one_adapter_are_one_adapter_to_move():
    first = ending(1, owner="calm", days=30)
    second = msgspec.structs.replace(first, subject="adapter:a1@2", slack_days=-1)
    lines = as_text(audit_of(first, second)).splitlines()
    assert lines[0] == "Dying this quarter: 1 of 1 adapter; by 2027-05-22: 1."
    assert lines[1] == "Has to move: calm 1 (1 late)."


def test_a_not_before_alone_does_not_count_as_dying():
    maybe = msgspec.structs.replace(ending(1, owner="calm", days=1), slack_days=None)
    assert as_text(audit_of(maybe)).startswith("Dying by 2027-05-22: none known, of 1 adapter.\n")


def test_what_is_waived_does_not_have_to_move():
    accepted = msgspec.structs.replace(ending(1, owner="calm", days=-1), waived_until="2026-12-31")
    text = as_text(audit_of(accepted))
    assert "Has to move: nobody" in text
    assert "Accepted for now\n  EOL003 adapter:a1@1 until 2026-12-31\n" in text
    assert "What to do" not in text


def test_the_opening_stays_two_lines_of_80_columns_however_many_teams_there_are():
    findings = [ending(n, owner=f"team-with-a-name-{n}", days=n) for n in range(400)]
    lines = as_text(audit_of(*findings)).splitlines()
    assert lines[2] == ""
    assert all(len(line) <= 80 for line in lines[:2])
    assert re.search(r" and \d+ more\.$", lines[1])


def test_colours_change_nothing_but_colours():
    audit = audit_of(ending(1, owner="calm", days=-1))
    coloured = as_text(audit, colour=True)
    assert coloured != as_text(audit)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == as_text(audit)


def test_a_horizon_beyond_the_calendar_ends_with_the_calendar():
    audit = msgspec.structs.replace(audit_of(), horizon_days=10**9)
    assert as_text(audit).startswith("Dying by 9999-12-31: ")


def test_two_thousand_findings_fit_into_a_comment_and_none_is_forgotten():
    many = audit_of(
        *(ending(number, owner=f"team-{number}", days=number) for number in range(2_000))
    )
    for by in (None, "owner"):
        said = in_format("markdown", many, View(by=by))
        assert len(said) <= 65_536
        shown = said.count("**EOL003**")
        assert shown > 50
        assert f"and {2_000 - shown:,} more findings: `adapterctl audit` lists all" in said
