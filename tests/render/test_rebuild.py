"""What a fleet came to, in lines of a fixed width."""

from __future__ import annotations

from datetime import date

from adapterctl.render.rebuild import as_text, result
from adapterctl.rules.outcomes import Rebuilt

FIRST = Rebuilt(
    adapter="router",
    from_version=1,
    base="new-base",
    rebuild_by=date(2026, 11, 6),
    slack_days=-17,
    error="data/train.jsonl: object 12 is not in remote 'storage'",
)
SECOND = Rebuilt(adapter="answers", from_version=3, base="new-base", error="the plan is blocked")


def test_several_end_in_a_line_each() -> None:
    assert as_text([FIRST, SECOND]).splitlines() == [
        "router@1 was not rebuilt on new-base",
        "  data/train.jsonl: object 12 is not in remote 'storage'",
        "",
        "answers@3 was not rebuilt on new-base",
        "  the plan is blocked",
        "",
        "0 of 2 passed",
        "ADAPTER    REBUILD BY  SLACK  VERDICT  CANDIDATE  RUNG",
        "router@1   2026-11-06  -17 d  stopped  -          -",
        "answers@3  -               -  stopped  -          -",
    ]


def test_one_alone_is_its_report() -> None:
    assert as_text([SECOND]) == "answers@3 was not rebuilt on new-base\n  the plan is blocked"


def test_its_json_names_the_deadline() -> None:
    found = result(FIRST)
    assert (found["rebuild_by"], found["slack_days"]) == (date(2026, 11, 6), -17)
